//! The registry over HTTP, asked by everybody who means it well or ill: what is answered, and what is left behind.
#![cfg(test)]

#[path = "../support/app.rs"]
mod app;

mod given;

mod exchange;
mod tokens;
