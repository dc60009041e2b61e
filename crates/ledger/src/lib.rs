#![doc = include_str!("../README.md")]

pub mod canonical;
mod checkpoint;
mod entry;
mod frame;
mod hash;
mod journal;
mod note;
pub mod packed;
mod proof;
mod proof_file;
mod tile;
mod tree;
mod verify;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use entry::{Commitment, Entry, EntryError, Interaction, KeyAction, MAX_ENTRY_BYTES, commit};
pub use frame::{FRAME_OVERHEAD, Frame, FrameError, Frames, finish_frame, start_frame};
pub use hash::{Hash, empty_root, leaf_hash, node_hash};
pub use journal::{Appended, Detail, EventDetail, Journal, JournalError, Opening, Record};
pub use note::{NoteError, SignerKey, VerifierKey, rotation_statement};
pub use proof::{ProofError, prove_consistency, prove_inclusion, verify_consistency, verify_inclusion};
pub use proof_file::{ProofFile, ProofFileError};
pub use tile::{Bundle, BundleError, ReadError, Tile, TileKind, TileReader};
pub use tree::{FileWrite, TreeError, TreeState};
pub use verify::{Damage, Outcome, Report, VerifyError, Wrong, verify_log, verify_log_by};
