//! One test binary: the server as others meet it.
#![cfg(test)]

mod support;

mod api;
mod architecture;
mod cli;
mod clients;
mod compare;
mod contract;
mod dependencies;
mod docs;
mod faults;
mod monitor;
mod recovery;
mod remote;
mod replay;
mod rubygems;
mod sigstore;
mod web;
mod witness;
