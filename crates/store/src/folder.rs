//! The data folder: its layout, its lock, and careful file operations.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bartizan_ledger::{ReadError, TileReader};
use zeroize::Zeroizing;

use crate::StoreError;

/// Where things lie.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) root: PathBuf,
}

impl Layout {
    pub(crate) fn ledger(&self) -> PathBuf {
        self.root.join("ledger")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    pub(crate) fn details(&self) -> PathBuf {
        self.root.join("details")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.root.join("bartizan.db")
    }

    pub(crate) fn root_key(&self) -> PathBuf {
        self.root.join("root.key")
    }

    /// The ledger's signing key, sealed under the root key.
    pub(crate) fn ledger_key(&self) -> PathBuf {
        self.root.join("ledger.key")
    }

    /// The key that a rotation is about to put in its place.
    pub(crate) fn next_ledger_key(&self) -> PathBuf {
        self.root.join("ledger.key.next")
    }

    /// The ledger's public keys (vkeys, the newest first), outside `ledger/` so that a copy of the log never vouches for itself.
    pub(crate) fn ledger_public(&self) -> PathBuf {
        self.root.join("ledger.pub")
    }

    pub(crate) fn admin_token(&self) -> PathBuf {
        self.root.join("admin.token")
    }
}

/// Makes a folder that only its owner can enter; an existing one is closed to others.
pub(crate) fn private_folder(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(StoreError::io("create", path))?;
    let mode = std::fs::metadata(path).map_err(StoreError::io("look at", path))?.permissions().mode();
    if mode & 0o077 != 0 {
        let closed = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(path, closed).map_err(StoreError::io("close to others", path))?;
    }
    Ok(())
}

/// Holds the lock of a data folder as long as it lives.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

/// Locks the folder for this process.
pub(crate) fn lock(root: &Path) -> Result<FolderLock, StoreError> {
    let path = root.join("lock");
    refuse_link(&path)?;
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let mut file = open.map_err(StoreError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            let pid = if pid.trim().is_empty() { "unknown".to_owned() } else { pid.trim().to_owned() };
            return Err(StoreError::Locked { path: root.to_path_buf(), pid });
        }
        Err(TryLockError::Error(source)) => return Err(StoreError::io("lock", &path)(source)),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(StoreError::io("write", &path))?;
    Ok(FolderLock { _file: file })
}

/// Refuses a symbolic link where a file of ours belongs.
pub(crate) fn refuse_link(path: &Path) -> Result<(), StoreError> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.file_type().is_symlink() => Err(StoreError::Link(path.to_path_buf())),
        _ => Ok(()),
    }
}

/// The content of a secret file; `None` when it is not there.
pub(crate) fn read_secret(path: &Path, refuse_exposed: bool) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("open", path)(error)),
    };
    let mode = file.metadata().map_err(StoreError::io("look at", path))?.permissions().mode();
    if refuse_exposed && mode & 0o077 != 0 {
        return Err(StoreError::Exposed(path.to_path_buf()));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.read_to_end(&mut bytes).map_err(StoreError::io("read", path))?;
    Ok(Some(bytes))
}

/// Makes a new secret file (0600); fails when it exists.
pub(crate) fn create_secret(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = open.map_err(StoreError::io("create", path))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(StoreError::io("write", path))?;
    sync_parent(path)
}

/// Replaces a file as a whole: readers see the old content or the new one.
pub(crate) fn replace(path: &Path, content: &[u8], sync: bool) -> Result<(), StoreError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary).and_then(|mut file| {
        file.write_all(content)?;
        if sync { file.sync_data() } else { Ok(()) }
    });
    if let Err(error) = written {
        let _ = std::fs::remove_file(&temporary);
        return Err(StoreError::io("write", path)(error));
    }
    std::fs::rename(&temporary, path).map_err(StoreError::io("replace", path))
}

/// Makes a file that is not there yet, without the detour of [`replace`]: for names that nobody looks at before it is whole.
pub(crate) fn put(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return replace(path, content, true),
        Err(error) => return Err(StoreError::io("create", path)(error)),
    };
    let written = file.write_all(content).and_then(|()| file.sync_data());
    written.map_err(|error| {
        let _ = std::fs::remove_file(path);
        StoreError::io("write", path)(error)
    })
}

/// Makes the names in a file's folder durable.
pub(crate) fn sync_parent(path: &Path) -> Result<(), StoreError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(StoreError::io("sync", parent))
}

/// Makes a file that only its owner can read, when it is not there.
pub(crate) fn private_file(path: &Path) -> Result<(), StoreError> {
    refuse_link(path)?;
    let open = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    open.map(drop).map_err(StoreError::io("create", path))
}

/// Brings everything in a folder to the disk.
pub(crate) fn sync_tree(folder: &Path) -> Result<(), StoreError> {
    for entry in std::fs::read_dir(folder).map_err(StoreError::io("list", folder))? {
        let path = entry.map_err(StoreError::io("list", folder))?.path();
        if path.is_dir() {
            sync_tree(&path)?;
        } else {
            File::open(&path).and_then(|file| file.sync_all()).map_err(StoreError::io("sync", &path))?;
        }
    }
    sync_parent(&folder.join("."))?;
    sync_parent(folder)
}

/// Reads a ledger's files from its folder; for offline verification it needs nothing else.
#[derive(Clone, Debug)]
pub struct FolderReader(PathBuf);

impl FolderReader {
    /// Over a folder that holds `checkpoint` and `tile/`.
    pub fn new(ledger_folder: impl Into<PathBuf>) -> Self {
        Self(ledger_folder.into())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl TileReader for FolderReader {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ReadError> {
        match std::fs::read(self.0.join(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            // There is something, and it is not what belongs there: damage, not a failure to read.
            Err(error) if error.kind() == ErrorKind::IsADirectory => Ok(Some(Vec::new())),
            Err(source) => Err(ReadError { path: path.to_owned(), source: Box::new(source) }),
        }
    }
}
