//! What the tests here start from: stand-ins for github.com and others, and gems good and crooked.
use std::{
    io::{Read as _, Write as _},
    sync::{Arc, LazyLock},
};

use events::{api_key::Scope, claims::ProviderKind, provider::Algorithm};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use gemledger::{
    app::exchange::GITHUB_ISSUER,
    demo::{gem, issuer::StandInIssuer},
};
use sha2::{Digest as _, Sha256};

use super::app::{TestApp, job};

/// github.com, as far as anybody here can tell. Making an RSA key takes longer than the tests that use it.
pub(super) static GITHUB: LazyLock<Arc<StandInIssuer>> =
    LazyLock::new(|| Arc::new(StandInIssuer::unserved(GITHUB_ISSUER, Algorithm::RS256).unwrap()));

/// Another provider, with keys of its own.
pub(super) fn issuer(url: &str) -> Arc<StandInIssuer> {
    Arc::new(StandInIssuer::unserved(url, Algorithm::ES256).unwrap())
}

/// A public ledger where github.com is registered and `acme/rake` may release `rake`.
pub(super) async fn rake() -> TestApp {
    let app = TestApp::public().await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    app.publisher("rake", "acme/rake").await;
    app
}

impl TestApp {
    /// A key that a job of this repository gets.
    pub(super) async fn job_key(&self, repository: &str) -> String {
        self.exchange(&self.token(&GITHUB, &job(repository)))
            .await
            .key()
    }

    /// A key of a new account that may push.
    pub(super) async fn push_key(&self, handle: &str) -> String {
        let account = self.account(handle).await;
        self.api_key(account, &[Scope::PushRubygem]).await
    }
}

/// A gem that is as it should be.
pub(super) fn good(name: &str, version: &str) -> Vec<u8> {
    of(&gemspec(name, version))
}

/// The same version with other content.
pub(super) fn other(name: &str, version: &str) -> Vec<u8> {
    of(&gemspec(name, version).replace("summary: A gem", "summary: Another gem"))
}

/// The gemspec of [`good`].
pub(super) fn gemspec(name: &str, version: &str) -> String {
    let gem = gem::build(name, "0.0.0", "A gem", b"puts 1\n");
    let size = std::str::from_utf8(&gem[124..135]).unwrap();
    let size = usize::from_str_radix(size, 8).unwrap();
    let mut text = String::new();
    GzDecoder::new(&gem[512..512 + size])
        .read_to_string(&mut text)
        .unwrap();
    // In quotes, because Ruby reads `1.0` as a number.
    text.replace("version: 0.0.0", &format!("version: '{version}'"))
}

/// A gem with this gemspec.
pub(super) fn of(gemspec: &str) -> Vec<u8> {
    Parts::of(gemspec).gem()
}

/// A gem for a platform.
pub(super) fn for_platform(name: &str, version: &str, platform: &str) -> Vec<u8> {
    of(&gemspec(name, version).replace("platform: ruby", &format!("platform: {platform}")))
}

/// The parts of a gem, to be damaged.
pub(super) struct Parts {
    pub(super) metadata: Vec<u8>,
    pub(super) data: Vec<u8>,
    pub(super) checksums: Option<Vec<u8>>,
}

impl Parts {
    pub(super) fn of(gemspec: &str) -> Self {
        let data = gzip(&tar(&[("lib/a.rb", b"puts 1\n".to_vec())]));
        Self {
            metadata: gzip(gemspec.as_bytes()),
            data,
            checksums: None,
        }
    }

    pub(super) fn entries(&self) -> Vec<(&'static str, Vec<u8>)> {
        let hex = |bytes: &[u8]| events::digest::hex(&Sha256::digest(bytes));
        let (metadata, data) = (hex(&self.metadata), hex(&self.data));
        let sums = format!("---\nSHA256:\n  metadata.gz: {metadata}\n  data.tar.gz: {data}\n");
        let sums = self
            .checksums
            .clone()
            .unwrap_or_else(|| gzip(sums.as_bytes()));
        vec![
            ("metadata.gz", self.metadata.clone()),
            ("data.tar.gz", self.data.clone()),
            ("checksums.yaml.gz", sums),
        ]
    }

    pub(super) fn gem(&self) -> Vec<u8> {
        tar(&self.entries())
    }
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A POSIX ustar archive of plain files.
pub(super) fn tar(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, content) in files {
        let mut header = [0_u8; 512];
        let size = format!("{:011o}\0", content.len());
        let fields = [
            (0, *name),
            (100, "0000644\0"),
            (108, "0000000\0"),
            (116, "0000000\0"),
            (124, &size),
            (136, "00000000000\0"),
            (148, "        "),
            (156, "0"),
            (257, "ustar\0"),
            (263, "00"),
            (329, "0000000\0"),
            (337, "0000000\0"),
        ];
        for (at, text) in fields {
            header[at..at + text.len()].copy_from_slice(text.as_bytes());
        }
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.extend_from_slice(&header);
        archive.extend_from_slice(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}
