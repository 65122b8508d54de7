//! What else the log names by digest, taken back with it: bundles from a mirror that serves them; the rest is listed.
//!
//! A bundle is what its digest says, whoever kept it. A trust root is given again by the operator, and a comparison by
//! whoever made it: the same bytes find their place.
use std::collections::BTreeMap;

use events::digest::Digest;

use super::{RecoveryError, backup::SLICE, import::Imported};
use crate::{
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
    let mut others = trust_roots::files(reader).await?;
    others.extend(comparisons::files(reader).await?);
    for (digest, name) in others {
        if !blobs.has(&digest).await? {
            done.missing.push(name);
        }
    }
    Ok(())
}

/// The bundles of one release, as the mirror has them. What it serves besides is nobody's and not kept.
async fn fetch_bundles(
    blobs: &Blobs,
    source: &Source,
    (file, wanted): (&str, &[Digest]),
    done: &mut Imported,
) -> Result<(), RecoveryError> {
    let name = format!("api/v1/attestations/{file}.json");
    let part = match source {
        // A mirror of the log alone may answer anything here.
        Source::Http(client) => client
            .get(&format!("../{name}"), MAX_PART_BYTES)
            .await
            .unwrap_or_default(),
        Source::Folder(folder) => tokio::fs::read(folder.root().join(&name)).await.ok(),
    };
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
