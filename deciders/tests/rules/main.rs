//! The rules, told as histories: given what happened, when somebody asks, then this follows.
#![cfg(test)]

mod bundle;
mod fields;
mod fixtures;
mod forge;
mod history;
mod job;
mod release;

mod attestations;
mod audit;
mod denials;
mod evidence;
mod downgrades;
mod exchange;
mod keys;
mod lies;
mod loosening;
mod management;
mod map;
mod matching;
mod mutations;
mod owners;
mod properties;
mod publishers;
mod push;
mod quarantine;
mod summary;
mod ratchet;
mod tour;
mod trust_roots;
