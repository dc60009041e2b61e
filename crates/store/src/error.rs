//! What can go wrong at the store's border.

use std::path::{Path, PathBuf};

use bartizan_ledger::{CheckpointError, JournalError, NoteError, TreeError};

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the folder.
    #[error("the data folder `{}` is in use by process {pid}; stop it or choose another folder", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// The owner's process id, as far as it can be read.
        pid: String,
    },
    /// A file operation failed.
    #[error("cannot {what} `{}`", path.display())]
    Io {
        /// What was tried: `open`, `write`.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A link stands where a file of ours belongs.
    #[error("`{}` is a symbolic link; files of the data folder must be real files", .0.display())]
    Link(PathBuf),
    /// Others can read a secret.
    #[error("`{}` can be read by others; run `chmod 600` on it", .0.display())]
    Exposed(PathBuf),
    /// A key file does not hold what it should.
    #[error("`{}` does not hold a key; restore it from where you keep it", .0.display())]
    BadKeyFile(PathBuf),
    /// The data exists and its root key does not.
    #[error("the root key `{}` is missing while the data folder is in use; put it back or set BARTIZAN_ROOT_KEY_FILE", .0.display())]
    NoRootKey(PathBuf),
    /// The root key is another one.
    #[error("the root key is not the one that this data folder was made with")]
    WrongRootKey,
    /// The ledger's files do not fit its checkpoint.
    #[error("the ledger is damaged; run `bartizan audit verify`")]
    Ledger(#[from] TreeError),
    /// The ledger's checkpoint is not acceptable.
    #[error("the ledger's checkpoint is not acceptable; run `bartizan audit verify`")]
    Checkpoint(#[from] CheckpointError),
    /// A signing key cannot be used.
    #[error("the ledger's signing key cannot be used")]
    Note(#[from] NoteError),
    /// The database failed.
    #[error("the event index failed")]
    Sql(#[from] rusqlite::Error),
    /// The journal refuses.
    #[error("the journal takes no records")]
    Journal(#[from] JournalError),
    /// Random numbers could not be had.
    #[error("the system gives no random numbers")]
    Random,
    /// Something sealed does not open.
    #[error("sealed data does not open with this root key")]
    Sealed,
    /// The background thread is gone or did not answer.
    #[error("the ledger's background thread does not answer: {0}")]
    Sequencer(String),
    /// A restore did not come to its end here.
    #[error("a restore into `{}` was interrupted; run `bartizan restore` again", .0.display())]
    Unfinished(PathBuf),
    /// The ledger is there and the database is not, or is empty.
    #[error(
        "the database `{}` is missing or empty while a ledger lies beside it: it holds the virtual keys and what opens the events; \
         put it back, or restore a backup with `bartizan restore`",
        .0.display()
    )]
    NoDatabase(PathBuf),
    /// A key is dead in this process only.
    #[error("it is revoked and opens nothing any more, but the database cannot be written; that is tried again until this process ends")]
    RevokedInMemory(#[source] Box<StoreError>),
    /// The target of a backup or restore is not usable.
    #[error("`{}` is not usable: {why}", path.display())]
    Target {
        /// The folder.
        path: PathBuf,
        /// What to do about it.
        why: &'static str,
    },
}

impl StoreError {
    /// For `map_err` on file operations.
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { what, path, source }
    }
}
