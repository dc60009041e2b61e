//! C2SP tlog-proof: one entry's inclusion, verifiable offline with the log's public key alone. Our `extra` line carries the entry.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::hash::{Hash, leaf_hash};
use crate::note::VerifierKey;
use crate::proof::{ProofError, verify_inclusion};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Why a proof file is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ProofFileError {
    /// The text is not a proof file.
    #[error("not a proof: expected `c2sp.org/tlog-proof@v1`, `extra`, `index`, hashes, an empty line and a checkpoint")]
    Malformed,
    /// It carries no entry to check.
    #[error("the proof carries no entry; expected an `extra` line")]
    NoEntry,
    /// Its checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The path of hashes.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// A proof that an entry is in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofFile {
    /// The entry itself; the path is checked against it, so it needs no trust.
    pub entry: Option<Vec<u8>>,
    /// Leaf index.
    pub index: u64,
    /// Inclusion proof, sibling first.
    pub path: Vec<Hash>,
    /// The checkpoint's signed note, verbatim.
    pub checkpoint: String,
}

impl ProofFile {
    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut lines = vec![HEADER.to_owned()];
        lines.extend(self.entry.as_ref().map(|entry| format!("extra {}", STANDARD.encode(entry))));
        lines.push(format!("index {}", self.index));
        lines.extend(self.path.iter().map(|hash| STANDARD.encode(hash)));
        format!("{}\n\n{}", lines.join("\n"), self.checkpoint)
    }

    /// Reads a proof file; nothing is verified yet.
    ///
    /// # Errors
    /// [`ProofFileError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, ProofFileError> {
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ProofFileError::Malformed)?;
        let mut lines = head.lines();
        if lines.next() != Some(HEADER) {
            return Err(ProofFileError::Malformed);
        }
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| ProofFileError::Malformed);
        let mut line = lines.next().ok_or(ProofFileError::Malformed)?;
        let mut entry = None;
        if let Some(extra) = line.strip_prefix("extra ") {
            entry = Some(decode(extra)?);
            line = lines.next().ok_or(ProofFileError::Malformed)?;
        }
        let index = line.strip_prefix("index ").ok_or(ProofFileError::Malformed)?;
        let index: u64 = index.parse().ok().filter(|number: &u64| number.to_string() == index).ok_or(ProofFileError::Malformed)?;
        let path = lines.map(|line| Hash::try_from(decode(line)?).map_err(|_| ProofFileError::Malformed)).collect::<Result<_, _>>()?;
        Ok(Self { entry, index, path, checkpoint: checkpoint.to_owned() })
    }

    /// Checks signature and path; gives the checkpoint that the entry is proven under.
    ///
    /// # Errors
    /// [`ProofFileError`] naming what does not hold.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Checkpoint, ProofFileError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, keys)?;
        let entry = self.entry.as_ref().ok_or(ProofFileError::NoEntry)?;
        verify_inclusion(&leaf_hash(entry), self.index, checkpoint.size, &self.path, &checkpoint.root)?;
        Ok(checkpoint)
    }
}
