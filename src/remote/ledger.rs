//! Whose log it is: the key that it is verified with, and checkpoints that were signed with it.
use tlog::{
    Checkpoint, CheckpointError, Cosignature, CosignerKey, Note, VerifierKey, cosignatures,
};

use super::{
    Lie, RemoteError, TileFolder, Tree,
    checked::Checked,
    codes,
    source::{Name, Source, blocking},
};

/// A ledger that is read from outside.
#[derive(Clone)]
pub struct Ledger {
    source: Source,
    key: VerifierKey,
    kept: Option<TileFolder>,
}

/// A checkpoint that the ledger's key signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The note as it was served, with every signature line.
    pub note: Note,
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The cosignatures of the witnesses that were asked for; each was verified.
    pub cosignatures: Vec<Cosignature>,
}

impl Ledger {
    /// The ledger behind this source. Without a key, the one that it shows now is taken on trust: pin it from then on.
    pub async fn open(source: Source, key: Option<VerifierKey>) -> Result<Self, RemoteError> {
        let key = match key {
            Some(key) => key,
            None => shown_key(&source).await?,
        };
        Ok(Self {
            source,
            key,
            kept: None,
        })
    }

    /// Keeps whatever was verified in this folder, and reads it from there the next time.
    #[must_use]
    pub fn keeping(mut self, folder: TileFolder) -> Self {
        self.kept = Some(folder);
        self
    }

    /// The verification key.
    pub fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Where it is read from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The newest checkpoint, signed by the ledger's key, with the cosignatures of these witnesses as far as it has any.
    pub async fn checkpoint(&self, witnesses: &[CosignerKey]) -> Result<Signed, RemoteError> {
        let served = self.source.get(Name::Checkpoint).await?;
        let served = served.ok_or_else(|| RemoteError::Status {
            what: format!("{}/{}", self.source, Name::Checkpoint),
            status: 404,
        })?;
        Ok(Signed::open(&served, &self.key, witnesses)?)
    }

    /// The tree under this checkpoint. Its right edge is fetched and must give the signed root.
    pub async fn tree(&self, signed: &Signed) -> Result<Tree, RemoteError> {
        let checked = Checked {
            source: self.source.clone(),
            kept: self.kept.clone(),
        };
        Tree::load(checked, signed.clone()).await
    }

    /// Puts the checkpoint into the kept copy: to be called when everything that it covers has been read.
    pub async fn keep(&self, signed: &Signed) -> Result<(), RemoteError> {
        let Some(kept) = self.kept.clone() else {
            return Ok(());
        };
        let (vkey, note) = (format!("{}\n", self.key), signed.note.to_string());
        blocking(move || {
            kept.put(&Name::Vkey, vkey.as_bytes())?;
            kept.put(&Name::Checkpoint, note.as_bytes())
        })
        .await?
    }
}

async fn shown_key(source: &Source) -> Result<VerifierKey, RemoteError> {
    let shown = source
        .get(Name::Vkey)
        .await?
        .ok_or_else(|| RemoteError::NoKey(source.to_string()))?;
    let malformed = |reason| RemoteError::Key {
        what: source.to_string(),
        reason,
    };
    let text = str::from_utf8(&shown).map_err(|_| malformed(tlog::KeyError::Form))?;
    VerifierKey::parse(text.trim_end()).map_err(malformed)
}

impl Signed {
    /// Reads a note as a checkpoint of this key's log. Lines of unknown signers are kept and not looked at.
    pub fn open(served: &[u8], key: &VerifierKey, witnesses: &[CosignerKey]) -> Result<Self, Lie> {
        let malformed = |reason: String| {
            Lie::new(
                codes::CHECKPOINT_MALFORMED,
                format!("what is served as the checkpoint is none: {reason}"),
            )
        };
        let note = Note::parse(served).map_err(|error| malformed(error.to_string()))?;
        let checkpoint = Checkpoint::of(&note, key).map_err(|error| match error {
            CheckpointError::Note(_) | CheckpointError::Origin { .. } => Lie::new(
                codes::CHECKPOINT_FORGED,
                format!("the checkpoint is not signed by {key}: {error}"),
            ),
            CheckpointError::Lines
            | CheckpointError::Size
            | CheckpointError::Root
            | CheckpointError::EmptyRoot => malformed(error.to_string()),
        })?;
        let cosignatures = cosignatures(&note, witnesses)
            .map_err(|error| Lie::new(codes::COSIGNATURE_WRONG, error.to_string()))?;
        Ok(Self {
            note,
            checkpoint,
            cosignatures,
        })
    }

    /// Leaves in the tree.
    pub fn size(&self) -> u64 {
        self.checkpoint.size()
    }
}
