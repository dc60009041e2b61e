#![doc = include_str!("../README.md")]

mod backup;
mod checkpoint_copy;
mod data_dir;
mod db;
mod details;
mod directory;
mod erase;
mod error;
mod events;
mod flusher;
mod folder;
mod governing;
mod keys;
mod objects;
mod originals;
mod publish;
mod record;
mod recover;
mod restore;
mod seal;
mod segment;
mod sequencer;
mod spending;
mod subjects;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;

use bartizan_vocabulary::Timestamp;
pub use data_dir::DataDir;
pub use directory::{Directory, KeyInfo, NewKey, NewToken, Scope, TokenInfo};
pub use erase::ErasureReceipt;
pub use error::StoreError;
pub use events::{EventFilter, FoundEvent, OpenedCommitment};
pub use folder::FolderReader;
pub use keys::{Key, KeyUse};
pub use restore::{LedgerAtHand, Restored, restore};
pub use seal::Salts;
pub use spending::SpentRow;

/// The wall clock, as a seam.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Bounds of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A segment is retired at this size, in bytes.
    pub segment_bytes: u64,
    /// When retired segments hold this many bytes that did not reach the ledger, records are refused.
    pub backlog_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, backlog_bytes: 1 << 30 }
    }
}

/// How a data folder is opened.
#[derive(Clone)]
pub struct Options {
    /// Root key outside the data folder (`BARTIZAN_ROOT_KEY_FILE`): 32 raw bytes or base64. `None`: `root.key` in the folder.
    pub root_key_file: Option<PathBuf>,
    /// Acknowledge only what `fdatasync` brought to the disk.
    pub power_loss_safe: bool,
    /// A second place for the checkpoint, at most 1 s late.
    pub checkpoint_copy: Option<PathBuf>,
    /// Events older than this many days are removed; `None` keeps them.
    pub retention_days: Option<u32>,
    /// Owners of what providers keep, and the pseudonyms of chains, are forgotten after so many days.
    pub object_days: u32,
    /// The log's origin; chosen at the first start. `None`: `bartizan.local/<random>`.
    pub origin: Option<String>,
    /// Bounds of the journal.
    pub limits: Limits,
    /// The wall clock.
    pub clock: Clock,
}

impl Options {
    /// Defaults with a clock.
    pub fn new(clock: Clock) -> Self {
        Self {
            root_key_file: None,
            power_loss_safe: false,
            checkpoint_copy: None,
            retention_days: Some(90),
            object_days: 30,
            origin: None,
            limits: Limits::default(),
            clock,
        }
    }
}
