//! Quick specs: `/quick/Marshal.4.8/<full name>.gemspec.rz`, from which `gem install` learns what a gem needs.
//!
//! The file is zlib of Marshal of a `Gem::Specification`, which dumps itself as a marshalled array of 19 values: the abbreviated spec, without
//! lists of files.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::document::{DependencyText, Document};
use super::gem_platform::GemPlatform;
use super::marshal::Writer;

/// The quick spec of a release.
pub fn quick_gemspec_rz(document: &Document) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.dumped("Gem::Specification", &fields(document));
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail; if it did, a truncated file would be refused by every client.
    let _ = encoder.write_all(&writer.finish());
    encoder.finish().unwrap_or_default()
}

/// The array that `Gem::Specification#_dump` writes.
fn fields(document: &Document) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(19);
    writer.string(&document.rubygems_version);
    writer.integer(u32::from(document.specification_version));
    writer.string(document.name.as_str());
    writer.version(document.version.as_str());
    writer.midnight(document.date);
    writer.string(&document.summary);
    writer.requirement(&document.required_ruby_version.0);
    writer.requirement(&document.required_rubygems_version.0);
    writer.string(document.platform.as_str());
    writer.array(document.dependencies.len());
    for dependency in &document.dependencies {
        write_dependency(&mut writer, dependency);
    }
    // What was once rubyforge_project.
    writer.string("");
    writer.strings(document.emails.iter().map(String::as_str));
    writer.strings(document.authors.iter().map(String::as_str));
    writer.optional_string(document.description.as_deref());
    writer.optional_string(document.homepage.as_deref());
    // What was once has_rdoc.
    writer.boolean(true);
    write_platform(&mut writer, document);
    writer.strings(document.licenses.iter().map(String::as_str));
    writer.hash(document.metadata.len());
    for (key, value) in &document.metadata {
        writer.string(key);
        writer.string(value);
    }
    writer.finish()
}

fn write_dependency(writer: &mut Writer, dependency: &DependencyText) {
    writer.object("Gem::Dependency", 5);
    writer.symbol("@name");
    writer.string(dependency.name.as_str());
    writer.symbol("@requirement");
    writer.requirement(&dependency.requirement.0);
    writer.symbol("@type");
    writer.symbol(dependency.kind.as_str());
    writer.symbol("@prerelease");
    writer.boolean(false);
    // Before 1.3.6 the requirement was called this, and Ruby still writes both.
    writer.symbol("@version_requirements");
    writer.requirement(&dependency.requirement.0);
}

fn write_platform(writer: &mut Writer, document: &Document) {
    match GemPlatform::read(&document.platform) {
        Ok(Some(platform)) => {
            writer.object("Gem::Platform", 3);
            writer.symbol("@cpu");
            writer.optional_string(platform.cpu.as_deref());
            writer.symbol("@os");
            writer.string(&platform.os);
            writer.symbol("@version");
            writer.optional_string(platform.version.as_deref());
        }
        Ok(None) | Err(_) => writer.string(document.platform.as_str()),
    }
}
