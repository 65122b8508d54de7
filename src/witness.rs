//! Witnesses: others who saw our checkpoints, and nothing that contradicts them (client of c2sp.org/tlog-witness).
//!
//! A witness keeps the largest checkpoint of ours that it saw, and cosigns a larger one only with proof that it is the
//! same log grown. Whoever demands the cosignatures of a quorum cannot be shown another log than everybody else.
//!
//! All witnesses are asked for one checkpoint at a time, a *round*: were each asked for whatever is newest, no two might
//! ever cosign the same tree. A round ends when the quorum is reached, or when it took too long.
//!
//! | room | what it does |
//! |---|---|
//! | [`settings`] | which witnesses, how many are enough, and what waits for them |
//! | [`protocol`] | what is asked, what is answered, and what an answer is worth: pure |
//! | [`client`] | one request, bounded in time and size |
//! | [`board`] | what has been cosigned, and which checkpoint is shown to whom |
//! | [`keeper`] | the tasks that ask |
pub mod board;
pub mod client;
pub mod keeper;
pub mod protocol;
pub mod settings;

pub use self::{
    board::Board,
    settings::{Mode, Settings},
};
