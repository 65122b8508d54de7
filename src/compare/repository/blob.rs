//! The id that git gives to a file's bytes, found while they pass by.
use gix::{
    ObjectId,
    objs::{Kind, encode::loose_header},
};

use crate::rubygems::files::Watch;

/// Hashes one file after another.
#[derive(Default)]
pub(in crate::compare) struct BlobHash(Option<gix::hash::Hasher>);

impl BlobHash {
    /// The id of the file that has passed; `None` for bytes made to collide.
    pub(in crate::compare) fn id(&mut self) -> Option<ObjectId> {
        self.0.take()?.try_finalize().ok()
    }
}

impl Watch for BlobHash {
    fn begin(&mut self, size: usize) {
        let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        hasher.update(&loose_header(Kind::Blob, size));
        self.0 = Some(hasher);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.0 {
            hasher.update(bytes);
        }
    }
}
