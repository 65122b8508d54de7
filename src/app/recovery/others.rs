//! What else the log names by digest, taken back with it: bundles and trust roots from a mirror that serves them; the rest
//! is listed.
//!
//! A file is what its digest says, whoever kept it. What the mirror does not have is given again: a trust root by the
//! operator, a comparison by whoever made it. The same bytes find their place.
use std::collections::BTreeMap;

use events::digest::Digest;

use super::{RecoveryError, backup::SLICE, import::Imported};
use crate::{
    app::trust_roots::{MAX_BOOTSTRAP, MAX_FILE},
    blobs::Blobs,
    remote::Source,
    sigstore::{MAX_PART_BYTES, bundles},
    store::reader::Reader,
    views::{attestations, comparisons, trust_roots},
};

/// Fetches the bundles that the log names and this folder lacks, and lists what nobody has.
pub(super) async fn fetch(
    reader: &Reader,
    blobs: &Blobs,
    source: &Source,
    done: &mut Imported,
) -> Result<(), RecoveryError> {
    let mut last = None;
    loop {
        let slice = attestations::named(reader, last, SLICE).await?;
        let Some(end) = slice.last() else {
            break;
        };
        last = Some(end.log_index);
        let mut lacking: BTreeMap<&str, Vec<Digest>> = BTreeMap::new();
        for named in &slice {
            if !blobs.has(&named.bundle).await? {
                lacking.entry(&named.file).or_default().push(named.bundle);
            }
        }
        for (file, wanted) in lacking {
            fetch_bundles(blobs, source, (file, &wanted), done).await?;
        }
    }
    for file in trust_roots::files(reader).await? {
        if !blobs.has(&file.digest).await? {
            fetch_root(blobs, source, file, done).await?;
        }
    }
    for (digest, name) in comparisons::files(reader).await? {
        if !blobs.has(&digest).await? {
            done.missing.push(name);
        }
    }
    Ok(())
}

/// A file of a trust root, as the mirror has it.
async fn fetch_root(
    blobs: &Blobs,
    source: &Source,
    file: trust_roots::File,
    done: &mut Imported,
) -> Result<(), RecoveryError> {
    let served = served(source, &file.path, MAX_FILE.max(MAX_BOOTSTRAP)).await;
    match served.filter(|bytes| Digest::of(bytes) == file.digest) {
        Some(bytes) => {
            blobs.put(&file.digest, bytes.into()).await?;
            done.fetched += 1;
        }
        None => done.missing.push(file.name),
    }
    Ok(())
}

/// What the mirror has there. One of the log alone may answer anything.
async fn served(source: &Source, name: &str, most: usize) -> Option<Vec<u8>> {
    match source {
        Source::Http(client) => {
            let got = client.get(&format!("../{name}"), most).await;
            got.unwrap_or_default()
        }
        Source::Folder(folder) => tokio::fs::read(folder.root().join(name)).await.ok(),
    }
}

/// The bundles of one release, as the mirror has them. What it serves besides is nobody's and not kept.
async fn fetch_bundles(
    blobs: &Blobs,
    source: &Source,
    (file, wanted): (&str, &[Digest]),
    done: &mut Imported,
) -> Result<(), RecoveryError> {
    let name = format!("api/v1/attestations/{file}.json");
    let part = served(source, &name, MAX_PART_BYTES).await;
    let part = part.unwrap_or_default();
    let served = bundles(&part).unwrap_or_default();
    for digest in wanted {
        match served.iter().find(|bundle| bundle.digest() == *digest) {
            Some(bundle) => {
                blobs.put(digest, bundle.bytes().to_vec().into()).await?;
                done.fetched += 1;
            }
            None => done.missing.push(format!("{file}.gem, an attestation")),
        }
    }
    Ok(())
}
