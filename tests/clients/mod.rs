//! Real clients against the real server: Debian's `gem` and `bundle`, those of a newer Debian, and tokens of `PyJWT`.
#![cfg(test)]

mod issuer;
mod ruby;

mod attestations;
mod base_path;
mod bundle;
mod compare;
mod crash;
mod evidence;
mod exchange;
mod folder;
mod incidents;
mod install;
mod lost_answer;
mod map;
mod owners;
mod private;
mod publishers;
mod push;
mod quarantine;
mod receipts;
mod trust_roots;
mod verify;
