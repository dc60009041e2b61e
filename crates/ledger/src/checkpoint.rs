//! C2SP tlog-checkpoint: origin, size and root in a signed note.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::hash::Hash;
use crate::note::{NoteError, SignerKey, VerifierKey, open_note, split_note};

/// A log's head: what the signature is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, unique to it.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree of that size.
    pub root: Hash,
}

/// Why a checkpoint is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The signed text is not a checkpoint.
    #[error("the note is not a checkpoint: expected origin, size and root hash on three lines")]
    Malformed,
}

impl Checkpoint {
    /// The signed note: the content of the file `checkpoint`.
    pub fn sign(&self, key: &SignerKey) -> String {
        key.sign_note(&format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root)))
    }

    /// Reads a checkpoint whose signature is by one of `keys`.
    ///
    /// # Errors
    /// [`CheckpointError`] when nobody known signed it, a signature is wrong, or it is not a checkpoint.
    pub fn open(note: &str, keys: &[VerifierKey]) -> Result<Self, CheckpointError> {
        Self::parse_text(open_note(note, keys)?)
    }

    /// Reads a checkpoint without checking any signature: to learn its size before its keys are known.
    ///
    /// # Errors
    /// [`CheckpointError`] when it is not a checkpoint.
    pub fn parse_unverified(note: &str) -> Result<Self, CheckpointError> {
        Self::parse_text(split_note(note)?.0)
    }

    fn parse_text(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::Malformed);
        };
        let canonical = size == "0" || (!size.starts_with('0') && size.bytes().all(|byte| byte.is_ascii_digit()));
        let size = size.parse().ok().filter(|_| canonical).ok_or(CheckpointError::Malformed)?;
        let root = STANDARD.decode(root).ok().and_then(|root| Hash::try_from(root).ok()).ok_or(CheckpointError::Malformed)?;
        if origin.is_empty() || lines.any(str::is_empty) {
            return Err(CheckpointError::Malformed);
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}
