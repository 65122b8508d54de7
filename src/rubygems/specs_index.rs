//! The legacy indexes `specs.4.8.gz`, `latest_specs.4.8.gz` and `prerelease_specs.4.8.gz`.
//!
//! Each is gzip of Marshal of `[[name, Gem::Version, platform], …]`, names in order and the newest version first. The bytes depend on the rows alone:
//! the gzip header carries no time.

use std::io::Write;

use events::name::GemName;
use events::platform::Platform;
use events::version::GemVersion;
use flate2::{Compression, GzBuilder};

use super::marshal::Writer;

/// The index of these rows, whatever their order.
pub fn specs_gz(rows: impl IntoIterator<Item = (GemName, GemVersion, Platform)>) -> Vec<u8> {
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by(|left, right| {
        left.0
            .cmp(&right.0)
            .then_with(|| right.1.cmp(&left.1))
            .then_with(|| left.2.cmp(&right.2))
    });
    let mut writer = Writer::new();
    writer.array(rows.len());
    for (name, version, platform) in &rows {
        writer.array(3);
        writer.string(name.as_str());
        writer.version(version.as_str());
        writer.string(platform.as_str());
    }
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::default());
    // Writing to memory does not fail; if it did, a truncated file would be refused by every client.
    let _ = encoder.write_all(&writer.finish());
    encoder.finish().unwrap_or_default()
}
