//! What `gem`, CI jobs and followers of the log call.
pub mod attestations;
pub mod comparisons;
pub mod events;
pub mod evidence;
pub mod exchange;
pub mod gem_owners;
pub mod policy;
pub mod provenance;
pub mod publishers;
pub mod push;
pub mod trust_roots;
mod upload;
pub mod vsa;
