//! The registry over HTTP, asked by everybody who means it well or ill: what is answered, and what is left behind.
#![cfg(test)]

#[path = "../support/app.rs"]
mod app;

mod given;

mod denials;
mod exchange;
mod forges;
mod limits;
mod matching;
mod providers;
mod tokens;
