//! The registry over HTTP, asked by everybody who means it well or ill: what is answered, and what is left behind.
#![cfg(test)]

#[path = "../support/answer.rs"]
mod answer;
#[path = "../support/app.rs"]
mod app;
#[path = "../support/jobs.rs"]
mod jobs;
#[path = "../support/network.rs"]
mod network;

mod attested;
mod given;

mod attestations;
mod attestations_bound;
mod attestations_python;
mod attestations_refused;
mod attestations_roots;
mod comparisons;
mod denials;
mod evidence;
mod exchange;
mod feed;
mod forges;
mod hygiene;
mod index;
mod index_parts;
mod limits;
mod log;
mod lookback;
mod map;
mod map_lies;
mod map_policy;
mod matching;
mod matching_ids;
mod overrides;
mod policy;
mod private;
mod project;
mod provider_changes;
mod providers;
mod publishers;
mod publishers_owners;
mod push;
mod push_files;
mod push_versions;
mod push_wire;
mod quarantine;
mod reader;
mod receipts;
mod reverify;
mod revocations;
mod tokens;
mod trust_roots;
mod trust_roots_files;
mod trust_roots_meanwhile;
mod trust_roots_refresh;
mod verify;
mod verify_lies;
mod verify_map;
mod vsa;
mod way;
mod way_evidence;
mod way_forges;
mod wire;
