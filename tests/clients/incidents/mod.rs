//! What the command line offers when something has happened: follow, withhold, look back, find what was touched, revoke.
#![cfg(test)]

mod explain;
mod follow;
mod radius;
mod revoke;
mod state;
mod told;
mod withhold;
