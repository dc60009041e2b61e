//! The copy of the checkpoint in a second place. It is what tells a rolled-back log from a good one, so a copy that is not of this log's
//! past is never replaced: the owner decides.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bartizan_ledger::{Checkpoint, TreeState, prove_consistency, verify_consistency};

use crate::folder::{FolderReader, replace};

/// After a failure, how long until the next try.
const AGAIN: Duration = Duration::from_millis(500);

/// What became of the last try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Written,
    /// The place may be away (a mount, a stick).
    Away,
    /// What lies there is not of this log's past.
    Foreign,
}

/// Writes the copy.
pub(crate) struct CheckpointCopy {
    path: PathBuf,
    ledger: FolderReader,
    /// What this process wrote last: that may be replaced without a look.
    own: Option<String>,
    state: State,
    tried: Option<Instant>,
}

impl CheckpointCopy {
    pub(crate) fn new(path: PathBuf, ledger: FolderReader) -> Self {
        Self { path, ledger, own: None, state: State::Away, tried: None }
    }

    /// Whether a file lies there that is not of this log's past.
    pub(crate) fn is_foreign(&self) -> bool {
        self.state == State::Foreign
    }

    /// Whether the last try failed and it is time for another.
    pub(crate) fn is_due(&self) -> bool {
        self.state != State::Written && self.tried.is_none_or(|tried| tried.elapsed() >= AGAIN)
    }

    /// Writes `checkpoint`, the published one of `tree`.
    pub(crate) fn write(&mut self, checkpoint: &str, tree: &TreeState) {
        let first = self.tried.replace(Instant::now()).is_none();
        let before = self.state;
        self.state = match std::fs::read(&self.path) {
            Ok(bytes) if self.may_replace(&bytes, tree) => self.put(checkpoint),
            Ok(_) => State::Foreign,
            Err(error) if error.kind() == ErrorKind::NotFound => self.put(checkpoint),
            Err(_) => State::Away,
        };
        let path = self.path.display();
        match self.state {
            State::Foreign if before != State::Foreign => tracing::error!(
                "`{path}` is not a checkpoint of this log's past: the log may have been rolled back or replaced; it is left as it is"
            ),
            State::Away if first || before == State::Written => {
                tracing::warn!("the checkpoint cannot be copied to `{path}`; it is tried again");
            }
            _ => {}
        }
    }

    fn put(&mut self, checkpoint: &str) -> State {
        if replace(&self.path, checkpoint.as_bytes(), true).is_err() {
            return State::Away;
        }
        self.own = Some(checkpoint.to_owned());
        State::Written
    }

    fn may_replace(&self, found: &[u8], tree: &TreeState) -> bool {
        self.own.as_ref().is_some_and(|own| own.as_bytes() == found) || self.is_past(found, tree).is_some()
    }

    /// Some when what was found stands for a beginning of this log.
    fn is_past(&self, found: &[u8], tree: &TreeState) -> Option<()> {
        let held = Checkpoint::parse_unverified(std::str::from_utf8(found).ok()?).ok()?;
        let own = Checkpoint::parse_unverified(&std::fs::read_to_string(self.ledger.path("checkpoint")).ok()?).ok()?;
        if held.origin != own.origin || held.size > tree.size() {
            return None;
        }
        if held.size == 0 {
            return Some(());
        }
        let root = tree.root();
        if held.size == tree.size() {
            return (held.root == root).then_some(());
        }
        let path = prove_consistency(&self.ledger, held.size, tree.size()).ok()?;
        verify_consistency((held.size, &held.root), (tree.size(), &root), &path).ok()
    }
}
