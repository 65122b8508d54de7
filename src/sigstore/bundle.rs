//! The uploaded part: a JSON array of bundles, split into the exact bytes of each, bounded before anything is verified.
use std::{borrow::Cow, collections::BTreeSet};

use events::digest::Digest;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    error::{BundleError, shown},
    shape::{self, BUNDLE, MEDIA_TYPES},
};

/// Bundles of one push.
pub const MAX_BUNDLES: usize = 4;

/// Bytes of one bundle.
pub const MAX_BUNDLE_BYTES: usize = 256 * 1024;

/// Bytes of the whole part: so many bundles, and some white space.
pub const MAX_PART_BYTES: usize = MAX_BUNDLES * MAX_BUNDLE_BYTES + 16 * 1024;

/// The bytes of one bundle, in the form of a Sigstore bundle v0.3. Nothing in it has been verified.
#[derive(Clone, Copy, Debug)]
pub struct Uploaded<'a> {
    digest: Digest,
    text: &'a str,
}

impl<'a> Uploaded<'a> {
    /// Reads one bundle that was split off before, such as a stored one.
    pub fn read(bytes: &'a [u8]) -> Result<Self, BundleError> {
        let text = str::from_utf8(bytes)
            .ok()
            .filter(|text| text.trim() == *text);
        let text = text.ok_or_else(|| BundleError::Malformed {
            number: 1,
            what: "it is not JSON alone".into(),
        })?;
        Self::numbered(1, text)
    }

    /// Its bytes as they came, without white space around it.
    pub fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// SHA-256 of its bytes, by which it is stored.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    fn numbered(number: usize, text: &'a str) -> Result<Self, BundleError> {
        let (bytes, max) = (text.len(), MAX_BUNDLE_BYTES);
        if bytes > max {
            return Err(BundleError::TooLarge { number, bytes, max });
        }
        check_version(number, text)?;
        shape::check(&BUNDLE, text).map_err(|error| malformed(number, &error))?;
        Ok(Self {
            digest: Digest::of(text.as_bytes()),
            text,
        })
    }
}

/// Splits the `attestations` part of a push into one to [`MAX_BUNDLES`] bundles, in their order.
///
/// The part is at most [`MAX_PART_BYTES`] long, each bundle at most [`MAX_BUNDLE_BYTES`], no two the same, each in the
/// form of v0.3 with its media type, at most two log entries and two timestamps. Nothing is verified, and nothing is
/// copied.
pub fn bundles(part: &[u8]) -> Result<Vec<Uploaded<'_>>, BundleError> {
    let (bytes, max) = (part.len(), MAX_PART_BYTES);
    if bytes > max {
        return Err(BundleError::TooLong { bytes, max });
    }
    let parts: Vec<&RawValue> =
        serde_json::from_slice(part).map_err(|_| BundleError::NotAnArray)?;
    if parts.is_empty() {
        return Err(BundleError::Empty);
    }
    if parts.len() > MAX_BUNDLES {
        let (found, max) = (parts.len(), MAX_BUNDLES);
        return Err(BundleError::TooMany { found, max });
    }
    let mut seen = BTreeSet::new();
    let mut uploads = Vec::with_capacity(parts.len());
    for (number, part) in (1..).zip(parts) {
        let upload = Uploaded::numbered(number, part.get())?;
        if !seen.insert(upload.digest) {
            return Err(BundleError::Repeated { number });
        }
        uploads.push(upload);
    }
    Ok(uploads)
}

/// The first look: which version it is, whatever else is in it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(borrow, default)]
    media_type: Option<Cow<'a, str>>,
}

fn check_version(number: usize, text: &str) -> Result<(), BundleError> {
    let head: Head<'_> = serde_json::from_str(text).map_err(|error| malformed(number, &error))?;
    let came = head.media_type.ok_or(BundleError::NoMediaType { number })?;
    if MEDIA_TYPES.contains(&came.as_ref()) {
        Ok(())
    } else {
        let came = shown(&came);
        Err(BundleError::MediaType { number, came })
    }
}

fn malformed(number: usize, error: &serde_json::Error) -> BundleError {
    let what = shown(&error.to_string());
    BundleError::Malformed { number, what }
}
