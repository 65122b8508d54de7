//! The registry over HTTP, asked by everybody who means it well or ill: what is answered, and what is left behind.
#![cfg(test)]

#[path = "../support/answer.rs"]
mod answer;
#[path = "../support/app.rs"]
mod app;
#[path = "../support/network.rs"]
mod network;

mod given;

mod denials;
mod exchange;
mod forges;
mod hygiene;
mod index;
mod limits;
mod log;
mod matching;
mod private;
mod providers;
mod publishers;
mod push;
mod push_files;
mod push_versions;
mod push_wire;
mod tokens;
mod wire;
