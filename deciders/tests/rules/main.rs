//! The rules, told as histories: given what happened, when somebody asks, then this follows.
#![cfg(test)]

mod bundle;
mod fields;
mod fixtures;
mod forge;
mod history;
mod job;
mod release;
mod rights;

mod attestations;
mod audit;
mod builders;
mod classes;
mod comparisons;
mod denials;
mod downgrades;
mod evidence;
mod exchange;
mod keys;
mod lies;
mod loosening;
mod management;
mod map;
mod matching;
mod mutations;
mod overrides;
mod owners;
mod properties;
mod providers;
mod publishers;
mod push;
mod quarantine;
mod ratchet;
mod several;
mod statement;
mod tour;
mod trust_roots;
mod vouched;
