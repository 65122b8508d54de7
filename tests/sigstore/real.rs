//! A real gem with the bundle that a real job signed, under the real root, where these files are at hand.
use std::{
    fs,
    path::{Path, PathBuf},
};

use events::{digest::Digest, time::Timestamp};
use gemledger::sigstore::{
    Artifact, Identity, LogName, Requires, Root, bundles, root::PUBLIC_GOOD, verify,
};

use super::ISSUER;

fn vectors() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors");
    std::env::var_os("GEMLEDGER_VECTORS").map_or_else(beside, PathBuf::from)
}

#[test]
fn a_real_gem_and_its_bundle_verify_under_the_real_root() {
    let folder = vectors();
    let file = "sigstore-1.0.0.gem";
    let Ok(gem) = fs::read(folder.join("gems").join(file)) else {
        return;
    };
    let bundle = fs::read(folder.join("gems").join(format!("{file}.sigstore.json"))).unwrap();
    let given = fs::read(folder.join("sigstore/trusted_root.public-good.json")).unwrap();
    let part = [b"[", bundle.as_slice(), b"]"].concat();
    let uploads = bundles(&part).unwrap();
    let artifact = Artifact {
        digest: Digest::of(&gem),
        file_name: file,
    };
    let now = Timestamp::parse("2026-01-01T00:00:00.000Z").unwrap();
    for json in [given.as_slice(), PUBLIC_GOOD.as_bytes()] {
        let root = Root::read(json, Requires::LOGGED).unwrap();
        let verified = verify(&root, &uploads[0], &artifact, ISSUER, now).unwrap();
        let certificate = &verified.certificate;
        let repository =
            "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon";
        assert_eq!(
            certificate.source_repository_uri.as_deref(),
            Some(repository)
        );
        assert!(
            matches!(&certificate.identity, Some(Identity::Uri(uri)) if uri.starts_with(repository))
        );
        let entry = verified.log_entry.unwrap();
        assert_eq!(entry.index, "122963775");
        let id = "c0d23d6ad406973f9559f3ba2d1ca01f84147d8ffc5b8445c224f98b9591801d";
        assert_eq!(entry.log, LogName::KeyId(id.into()));
        let logged = Timestamp::from_seconds(1_724_105_442);
        assert_eq!(verified.times[0].at, logged);

        let other = Artifact {
            digest: Digest::of(b"another gem"),
            ..artifact
        };
        let error = verify(&root, &uploads[0], &other, ISSUER, now).unwrap_err();
        assert_eq!(error.code(), "attestation_other_artifact");
    }
}
