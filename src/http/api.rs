//! What `gem` and CI jobs call.
pub mod exchange;
pub mod provenance;
pub mod publishers;
pub mod push;
