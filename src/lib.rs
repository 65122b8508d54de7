//! gemledger: a gem registry whose database is a transparency log.
//!
//! The rooms, in reading order. Data flows one way: request → facts → decision → events → log → rows → views → answer.
pub mod config;
pub mod world;

pub mod blobs;
pub mod oidc;
pub mod rubygems;
pub mod sarif;
pub mod sigstore;

pub mod compare;

pub mod monitor;
pub mod remote;

pub mod store;

pub mod witness;

pub mod views;

pub mod app;

pub mod http;
pub mod web;

pub mod lockfile;
pub mod project;

pub mod demo;

pub mod cli;
