//! The seam between the gate and the store: what is recorded, and how an append answers.

use std::pin::Pin;

use bartizan_vocabulary::{Decision, Direction, EventId, Hidden, Label, PrincipalId, RequestId, Timestamp};

use crate::entry::Entry;

/// One thing to record: the public entry, and what is sealed beside it.
#[derive(Clone, Debug)]
pub struct Record {
    /// Becomes the leaf.
    pub entry: Entry,
    /// Is sealed under the subject's key; never enters the leaf.
    pub detail: Option<Detail>,
}

/// What is sealed under the subject's key and never enters the leaf.
#[derive(Clone, Debug)]
pub struct Detail {
    /// Whose data it is.
    pub subject: PrincipalId,
    /// When the interaction began. If its subject was erased since, nothing of the detail is kept.
    pub since: Timestamp,
    /// Openings of the entry's commitments.
    pub openings: Vec<Opening>,
    /// The event to index.
    pub event: Option<EventDetail>,
}

/// What opens a commitment of the entry.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Which commitment: `principal`, `body`.
    pub domain: &'static str,
    /// The salt that was used.
    pub salt: [u8; 32],
    /// The value that was committed to.
    pub value: Hidden<Vec<u8>>,
}

/// An event and the fields by which it is found.
#[derive(Clone)]
pub struct EventDetail {
    /// UUID v7 of the event.
    pub id: EventId,
    /// When the decision was made.
    pub time: Timestamp,
    /// The interaction.
    pub request_id: RequestId,
    /// Which way the judged bytes went.
    pub direction: Direction,
    /// What was decided.
    pub decision: Decision,
    /// Labels of the findings.
    pub labels: Vec<Label>,
    /// The event as a JSON object without `ledger`, which the store fills in; packed or not, see [`crate::packed`].
    pub json: Vec<u8>,
}

impl std::fmt::Debug for EventDetail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventDetail")
            .field("id", &self.id)
            .field("json", &format_args!("{} bytes", self.json.len()))
            .finish_non_exhaustive()
    }
}

/// Why nothing was recorded. Whoever gets it must not let the effect happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// No space, or a file size limit.
    #[error("the journal's disk is full; free space in the data folder")]
    DiskFull,
    /// Writing failed otherwise; the system's error number.
    #[error("the journal cannot be written (system error {0}); see the log")]
    Write(i32),
    /// The log lags behind the journal by more than allowed.
    #[error("the ledger lags too far behind its journal; see the log for why it cannot be written")]
    Backlog,
    /// The ledger or the event index cannot be written. The journal still takes records, unless what writes the ledger has ended.
    #[error("the ledger or event index cannot be written; see the log")]
    Sequencer,
    /// The copy of the checkpoint elsewhere is not of this log's past; records are taken.
    #[error(
        "the file at `ledger.checkpoint_copy` is not a checkpoint of this log's past: the log may have been rolled back or replaced; \
         run `bartizan audit verify --checkpoint` with it, and move it away to go on"
    )]
    CheckpointCopy,
    /// The subject's key could not be read.
    #[error("the key of the subject cannot be read from the store")]
    SubjectKey,
    /// The subject is being erased just now.
    #[error("this principal is being erased; try again")]
    Erasing,
    /// The entry is longer than an entry bundle can hold.
    #[error("the entry is longer than 65,535 bytes")]
    TooLong,
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
}

/// How an append answers.
pub enum Appended {
    /// It is decided already.
    Done(Result<(), JournalError>),
    /// It is decided when the disk has it (`power-loss safe`).
    Later(Pin<Box<dyn Future<Output = Result<(), JournalError>> + Send>>),
}

impl Appended {
    /// Waits for the answer.
    ///
    /// # Errors
    /// [`JournalError`] when nothing was recorded.
    pub async fn wait(self) -> Result<(), JournalError> {
        match self {
            Self::Done(result) => result,
            Self::Later(later) => later.await,
        }
    }
}

/// Record before effect: an effect may leave only after `append` said `Ok`.
pub trait Journal: Send + Sync {
    /// Appends records one after another in one write: all of them, or an error. Never waits for SQL, another component or a lock
    /// held during I/O.
    fn append_all(&self, records: &[Record]) -> Appended;

    /// Appends one record.
    fn append(&self, record: &Record) -> Appended {
        self.append_all(std::slice::from_ref(record))
    }

    /// Whether an append is decided only when the disk has it.
    fn waits(&self) -> bool;

    /// Whether records are taken and reach the log.
    ///
    /// # Errors
    /// [`JournalError`] saying what is wrong; `/readyz` shows it.
    fn health(&self) -> Result<(), JournalError>;
}
