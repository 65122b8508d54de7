//! Gem files with any metadata and any files, made by hand.
use std::{fmt::Write as _, io::Write as _};

use events::digest::Digest;
use flate2::{Compression, write::GzEncoder};

/// What a gem has in its archive.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
    /// As RubyGems writes it: with the kind of file.
    pub(crate) mode: &'static str,
    /// Where it leads, if it is a symbolic link.
    pub(crate) link: Option<String>,
}

impl Packed {
    /// A plain file.
    pub(crate) fn file(path: &str, bytes: &[u8]) -> Self {
        Self {
            path: path.into(),
            bytes: bytes.into(),
            mode: "0100644\0",
            link: None,
        }
    }
}

/// A gem, with one file in it unless other files are given.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) number: String,
    pub(crate) platform: String,
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) authors: Vec<String>,
    pub(crate) licenses: Vec<String>,
    pub(crate) homepage: String,
    pub(crate) metadata: Vec<(String, String)>,
    /// Names and requirements such as `~> 1.2`.
    pub(crate) needs: Vec<(String, String)>,
    /// Which Rubies, such as `>= 3.1`.
    pub(crate) ruby: String,
    pub(crate) bindir: String,
    pub(crate) executables: Vec<String>,
    pub(crate) extensions: Vec<String>,
    pub(crate) require_paths: Vec<String>,
    pub(crate) files: Vec<Packed>,
}

impl Package {
    pub(crate) fn new(name: &str, number: &str) -> Self {
        Self {
            name: name.into(),
            number: number.into(),
            platform: "ruby".into(),
            summary: "S".into(),
            description: String::new(),
            authors: vec!["A".into()],
            licenses: vec!["MIT".into()],
            homepage: String::new(),
            metadata: Vec::new(),
            needs: Vec::new(),
            ruby: ">= 0".into(),
            bindir: "bin".into(),
            executables: Vec::new(),
            extensions: Vec::new(),
            require_paths: vec!["lib".into()],
            files: vec![Packed::file("lib/a.rb", b"A = 1\n")],
        }
    }

    /// The file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let metadata = gzip(self.gemspec().as_bytes());
        let mut data: Vec<u8> = self.files.iter().flat_map(packed).collect();
        data.extend([0; 1024]);
        let data = gzip(&data);
        let digest = |bytes: &[u8]| Digest::of(bytes).hex();
        let sums = format!(
            "---\nSHA256:\n  metadata.gz: {}\n  data.tar.gz: {}\n",
            digest(&metadata),
            digest(&data)
        );
        let sums = gzip(sums.as_bytes());
        let entries = [
            ("metadata.gz", metadata),
            ("data.tar.gz", data),
            ("checksums.yaml.gz", sums),
        ];
        let mut bytes: Vec<u8> = entries
            .iter()
            .flat_map(|(name, bytes)| entry(name, bytes))
            .collect();
        bytes.extend([0; 1024]);
        bytes
    }

    fn gemspec(&self) -> String {
        let version =
            |number: &str| format!("!ruby/object:Gem::Version\n  version: {}", quoted(number));
        let mut yaml = format!(
            "--- !ruby/object:Gem::Specification\nname: {}\nversion: {}\nplatform: {}\n",
            quoted(&self.name),
            version(&self.number),
            quoted(&self.platform)
        );
        list(&mut yaml, "authors", &self.authors);
        writeln!(yaml, "bindir: {}", quoted(&self.bindir)).unwrap();
        yaml.push_str("cert_chain: []\ndate: 2026-11-20 00:00:00.000000000 Z\n");
        yaml.push_str(&self.dependencies());
        write!(yaml, "description: {}\nemail:\n", quoted(&self.description)).unwrap();
        list(&mut yaml, "executables", &self.executables);
        list(&mut yaml, "extensions", &self.extensions);
        yaml.push_str("extra_rdoc_files: []\nfiles: []\n");
        writeln!(yaml, "homepage: {}", quoted(&self.homepage)).unwrap();
        list(&mut yaml, "licenses", &self.licenses);
        yaml.push_str(if self.metadata.is_empty() {
            "metadata: {}\n"
        } else {
            "metadata:\n"
        });
        for (key, value) in &self.metadata {
            writeln!(yaml, "  {}: {}", quoted(key), quoted(value)).unwrap();
        }
        yaml.push_str("post_install_message:\nrdoc_options: []\n");
        list(&mut yaml, "require_paths", &self.require_paths);
        for (field, needed) in [
            ("required_ruby_version", self.ruby.as_str()),
            ("required_rubygems_version", ">= 0"),
        ] {
            writeln!(yaml, "{field}: {}", requirement("", needed)).unwrap();
        }
        yaml.push_str("requirements: []\nrubygems_version: 3.6.9\nsigning_key:\n");
        writeln!(
            yaml,
            "specification_version: 4\nsummary: {}",
            quoted(&self.summary)
        )
        .unwrap();
        yaml.push_str("test_files: []\n");
        yaml
    }

    fn dependencies(&self) -> String {
        if self.needs.is_empty() {
            return "dependencies: []\n".into();
        }
        let mut yaml = String::from("dependencies:\n");
        for (name, needed) in &self.needs {
            write!(
                yaml,
                "- !ruby/object:Gem::Dependency\n  name: {name}\n  requirement: {}\n  type: :runtime\n  prerelease: false\n  version_requirements: {}\n",
                requirement("  ", needed),
                requirement("  ", needed)
            )
            .unwrap();
        }
        yaml
    }
}

fn requirement(indent: &str, text: &str) -> String {
    let (operator, number) = text.split_once(' ').unwrap();
    format!(
        "!ruby/object:Gem::Requirement\n{indent}  requirements:\n{indent}  - - {}\n{indent}    - !ruby/object:Gem::Version\n{indent}      version: {}",
        quoted(operator),
        quoted(number)
    )
}

fn list(yaml: &mut String, key: &str, texts: &[String]) {
    writeln!(yaml, "{key}:{}", if texts.is_empty() { " []" } else { "" }).unwrap();
    for text in texts {
        writeln!(yaml, "- {}", quoted(text)).unwrap();
    }
}

/// A YAML string that holds any text: JSON's strings are YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A ustar entry of a plain file.
fn entry(name: &str, bytes: &[u8]) -> Vec<u8> {
    packed(&Packed {
        mode: "0000444\0",
        ..Packed::file(name, bytes)
    })
}

/// A ustar entry.
fn packed(file: &Packed) -> Vec<u8> {
    let Packed {
        path,
        bytes,
        mode,
        link,
    } = file;
    let mut block = vec![0; 512];
    let mut put =
        |place: usize, text: &[u8]| block[place..place + text.len()].copy_from_slice(text);
    put(0, path.as_bytes());
    put(157, link.as_deref().unwrap_or_default().as_bytes());
    for (place, text) in [
        (100, *mode),
        (108, "0000000\0"),
        (116, "0000000\0"),
        (136, "00000000000\0"),
        (148, "        "),
        (156, if link.is_some() { "2" } else { "0" }),
    ] {
        put(place, text.as_bytes());
    }
    put(124, format!("{:011o}\0", bytes.len()).as_bytes());
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.extend(bytes);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}
