//! The `RubyGems` dialect: gem files in, index bytes out. Pure: no clock, file or network.
//!
//! One promise holds this folder together: **whatever is accepted, Ruby reads the same**. A gem is read by `RubyGems` on somebody's laptop long
//! after it was judged here, so a byte that the two could read differently is refused with a text that says what to do. `tests/rubygems/` asks Ruby.
//!
//! ```text
//! file ─ archive ─┬─ tar, gzip ─ contents, checksums
//!                 └─ yaml ─ gemspec ─ specification ┬─ document ─ quick_spec ─ marshal
//!                                                  └─ compact_index           specs_index ─ marshal
//! ```

pub mod archive;
pub mod compact_index;
pub mod date;
pub mod dependency;
pub mod document;
pub mod files;
pub mod gem_platform;
pub mod quick_spec;
pub mod requirement;
pub mod specification;
pub mod specs_index;

pub mod checksums;
pub mod contents;
pub mod gzip;
pub mod tar;
pub mod yaml;

mod fields;
mod gemspec;
mod marshal;
mod rules;
mod scalar;
mod spec_error;
#[cfg(test)]
mod testing;
mod uri;
mod yaml_source;

pub use archive::{Gem, GemError, Limits, read_gem};
pub use compact_index::{IndexLine, InfoLine};
pub use document::Document;
pub use quick_spec::quick_gemspec_rz;
pub use specification::{SpecError, Specification};
pub use specs_index::specs_gz;
