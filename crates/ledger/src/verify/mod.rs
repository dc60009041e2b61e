//! Offline verification of a whole log: recompute everything from the entries, compare every file, name what differs.

mod blame;
mod walk;

use std::fmt;

use walk::Walk;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::hash::Hash;
use crate::note::{NoteError, VerifierKey};
use crate::tile::{ReadError, Tile, TileReader};

/// Damage beyond this many places is counted, not listed.
const MAX_LISTED: usize = 100;

/// What is wrong at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The file is not there.
    Missing,
    /// The file is not there, nor what should come after it; what lies further on was not looked at.
    MissingFrom,
    /// The file has the wrong length or number of entries.
    Truncated,
    /// Its content is not what the checkpoint stands for.
    Altered,
    /// It and the file below it disagree, and which was altered cannot be told.
    Disagrees,
    /// The signature of the checkpoint does not hold.
    Signature(CheckpointError),
    /// The checkpoint's root is not the root of the entries.
    Root,
    /// The log is shorter than the checkpoint held elsewhere.
    RolledBack {
        /// Size by the checkpoint held elsewhere.
        expected: u64,
    },
    /// The log's beginning is not what the checkpoint held elsewhere stands for.
    Rewritten {
        /// Size by the checkpoint held elsewhere.
        at: u64,
    },
    /// The checkpoint held elsewhere is of another log.
    OtherLog,
    /// The checkpoint held elsewhere is not signed by a key that this log had at that size.
    OtherSigner(CheckpointError),
}

/// One damaged place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Path within the log's folder.
    pub file: String,
    /// The tile or bundle; `None` for the checkpoint.
    pub tile: Option<Tile>,
    /// First entry concerned, where it can be told.
    pub index: Option<u64>,
    /// What is wrong with it.
    pub wrong: Wrong,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(tile) = self.tile {
            write!(f, " (tile {})", tile.index)?;
        }
        if let Some(index) = self.index {
            write!(f, ", entry {index}")?;
        }
        match self.wrong {
            Wrong::Missing => write!(f, ": missing"),
            Wrong::MissingFrom => write!(f, ": missing, and so is what should come after it; nothing further on was checked"),
            Wrong::Truncated => write!(f, ": wrong length or number of entries"),
            Wrong::Altered => write!(f, ": altered"),
            Wrong::Disagrees => write!(f, ": does not match what lies below it; which of the two was altered cannot be told"),
            Wrong::Signature(error) => write!(f, ": {error}"),
            Wrong::Root => write!(f, ": its root is not the root of the entries"),
            Wrong::RolledBack { expected } => write!(f, ": rolled back; the checkpoint held elsewhere counts {expected} entries"),
            Wrong::Rewritten { at } => write!(f, ": the first {at} entries are not those of the checkpoint held elsewhere"),
            Wrong::OtherSigner(error) => write!(f, ": the checkpoint held elsewhere does not belong to it: {error}"),
            Wrong::OtherLog => write!(f, ": the checkpoint held elsewhere belongs to another log"),
        }
    }
}

/// What verification came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything fits together (and to the checkpoint held elsewhere, when one was given).
    Good,
    /// At least one place is damaged.
    Tampered,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Origin of the log.
    pub origin: String,
    /// Entries that its checkpoint counts.
    pub size: u64,
    /// Root by its checkpoint.
    pub root: Hash,
    /// Size of the checkpoint held elsewhere that was compared with.
    pub anchor: Option<u64>,
    /// Damaged places, at most 100.
    pub damage: Vec<Damage>,
    /// Further damaged places that are not listed.
    pub more: u64,
}

impl Report {
    /// Good or tampered; unreadable is an error of [`verify_log`].
    pub fn outcome(&self) -> Outcome {
        if self.damage.is_empty() { Outcome::Good } else { Outcome::Tampered }
    }

    /// One line for people.
    pub fn verdict(&self) -> String {
        match (self.outcome(), self.anchor) {
            (Outcome::Good, Some(size)) => format!("good: nothing was altered or removed since the checkpoint of {size} entries"),
            (Outcome::Good, None) => "self-consistent; rollback cannot be excluded".to_owned(),
            (Outcome::Tampered, _) => format!("tampered: {} damaged places", self.damage.len() as u64 + self.more),
        }
    }

    fn push(&mut self, damage: Damage) {
        if self.damage.len() < MAX_LISTED {
            self.damage.push(damage);
        } else {
            self.more += 1;
        }
    }

    fn push_checkpoint(&mut self, wrong: Wrong) {
        self.push(Damage { file: "checkpoint".to_owned(), tile: None, index: None, wrong });
    }
}

/// Why a log could not be verified at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no checkpoint.
    #[error("there is no `checkpoint` here; is this the ledger's folder?")]
    NoCheckpoint,
    /// The checkpoint is not one.
    #[error("the file `checkpoint` cannot be read as a checkpoint")]
    Checkpoint(#[source] CheckpointError),
    /// The checkpoint held elsewhere is not acceptable.
    #[error("the checkpoint held elsewhere is not usable")]
    Anchor(#[source] CheckpointError),
    /// A file could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Verifies a whole log against its own checkpoint and, when given, a checkpoint held elsewhere (`anchor`, a signed note).
/// Memory is constant: a few tiles per level and one bundle. Rotations of the signing key are followed from `key` on.
///
/// # Errors
/// [`VerifyError`] when the log is unreadable; damage is not an error but in the [`Report`].
pub fn verify_log(reader: &dyn TileReader, key: &VerifierKey, anchor: Option<&str>) -> Result<Report, VerifyError> {
    verify_log_by(reader, std::slice::from_ref(key), anchor)
}

/// As [`verify_log`], with several keys that are trusted from the start: the log's newest and its former ones. A key that a rotation
/// replaced counts for checkpoints up to that rotation only.
///
/// # Errors
/// As [`verify_log`].
pub fn verify_log_by(reader: &dyn TileReader, keys: &[VerifierKey], anchor: Option<&str>) -> Result<Report, VerifyError> {
    let bytes = reader.read("checkpoint")?.ok_or(VerifyError::NoCheckpoint)?;
    let note = String::from_utf8(bytes).map_err(|_| VerifyError::Checkpoint(NoteError::Malformed.into()))?;
    let checkpoint = Checkpoint::parse_unverified(&note).map_err(VerifyError::Checkpoint)?;
    let held = anchor.map(Checkpoint::parse_unverified).transpose().map_err(VerifyError::Anchor)?;
    let mut report = Report {
        origin: checkpoint.origin.clone(),
        size: checkpoint.size,
        root: checkpoint.root,
        anchor: held.as_ref().map(|held| held.size),
        damage: Vec::new(),
        more: 0,
    };

    let mut walk = Walk::new(reader, checkpoint.size, keys, held.as_ref().map(|held| held.size));
    walk.run(&mut report)?;
    if let Err(error) = Checkpoint::open(&note, &walk.keys_at(checkpoint.size)) {
        report.push_checkpoint(Wrong::Signature(error));
    }
    blame::assign(reader, &checkpoint, &walk, &mut report)?;

    if let (Some(held), Some(note)) = (held, anchor) {
        if held.origin != checkpoint.origin {
            report.push_checkpoint(Wrong::OtherLog);
        } else if let Err(error) = Checkpoint::open(note, &walk.keys_at(held.size)) {
            report.push_checkpoint(Wrong::OtherSigner(error));
        } else if held.size > checkpoint.size {
            report.push_checkpoint(Wrong::RolledBack { expected: held.size });
        } else if !walk.stopped && walk.root_at_anchor != Some(held.root) {
            report.push_checkpoint(Wrong::Rewritten { at: held.size });
        }
    }
    Ok(report)
}
