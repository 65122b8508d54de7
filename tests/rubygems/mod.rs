//! Ruby judges the `RubyGems` dialect: whatever is accepted here, Ruby itself reads the same.
//!
//! `corpus.rb` writes gems, good, crooked and odd; `judge.rb` says how Ruby reads them. Both are deterministic.
#![cfg(test)]

mod acceptance;
mod answers;
mod hostile;
mod order;
mod ruby;
