//! The rules, told as histories: given what happened, when somebody asks, then this follows.
#![cfg(test)]

mod history;
mod job;
mod release;

mod audit;
mod exchange;
mod management;
mod matching;
mod mutations;
mod properties;
mod publishers;
mod push;
mod tour;
