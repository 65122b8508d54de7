//! A bundle that came with a release.
use alloc::{
    string::{String, ToString},
    vec,
};
use events::{
    Recorded,
    attestation::{Attested, Field},
    platform::FullName,
    text::Text,
};

use super::put;
use crate::{
    tables::ATTESTATION,
    write::{Cell, Write},
};

/// The row of a bundle.
pub(super) fn attested(recorded: &Recorded, attested: &Attested) -> Write {
    let certified = |field| {
        let mut pairs = attested.compared.iter();
        let pair = pairs.find(|pair| pair.field == field);
        Cell::from(pair.map(|pair| pair.certificate.to_string()))
    };
    let file = FullName::compose(&attested.name, &attested.number, &attested.platform);
    let entry = attested.entry.as_ref();
    let text = |text: Option<&Text>| Cell::from(text.map(ToString::to_string));
    let set = vec![
        ("gem", recorded.event.stream.rest().into()),
        (
            "file",
            file.map_or_else(|_| String::new(), Into::into).into(),
        ),
        ("bundle", attested.bundle.hex().into()),
        ("certificate", attested.certificate.hex().into()),
        ("predicate", text(attested.predicate.as_ref())),
        ("root", attested.root.stream.rest().into()),
        ("root_revision", attested.root.revision.into()),
        ("entry_log", text(entry.map(|entry| &entry.log))),
        ("entry_index", text(entry.map(|entry| &entry.index))),
        ("public", u64::from(attested.public).into()),
        ("sct", u64::from(attested.sct).into()),
        ("timestamped", u64::from(attested.timestamp).into()),
        ("signed_at", attested.signed.millis().into()),
        ("commit_id", certified(Field::Commit)),
        ("run", certified(Field::Run)),
    ];
    put(ATTESTATION, vec![("log_index", recorded.index.into())], set)
}
