//! Journal segments: append-only files `journal/NNNNNNNNNN.log`.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use crate::StoreError;
use crate::folder::sync_parent;

/// One open segment. Whoever is writing holds an `Arc` of it: it is complete when it is retired and nobody else holds it.
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    pub(crate) written: AtomicU64,
}

impl Segment {
    pub(crate) fn path(folder: &Path, number: u64) -> PathBuf {
        folder.join(format!("{number:010}.log"))
    }

    /// Makes a new one, its name durable.
    pub(crate) fn create(folder: &Path, number: u64) -> Result<Self, StoreError> {
        let path = Self::path(folder, number);
        let open = OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(&path);
        let file = open.map_err(StoreError::io("create", &path))?;
        if let Err(error) = sync_parent(&path) {
            // The next try must find its name free.
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        Ok(Self { number, path, file, written: AtomicU64::new(0) })
    }

    /// Opens one that a former process left.
    pub(crate) fn reopen(folder: &Path, number: u64) -> Result<Self, StoreError> {
        let path = Self::path(folder, number);
        let file = OpenOptions::new().read(true).append(true).open(&path).map_err(StoreError::io("open", &path))?;
        let length = file.metadata().map_err(StoreError::io("look at", &path))?.len();
        Ok(Self { number, path, file, written: AtomicU64::new(length) })
    }

    /// Numbers of the segments in a folder, ascending.
    pub(crate) fn list(folder: &Path) -> Result<Vec<u64>, StoreError> {
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(StoreError::io("list", folder))? {
            let name = entry.map_err(StoreError::io("list", folder))?.file_name();
            numbers.extend(name.to_str().and_then(|name| name.strip_suffix(".log")).and_then(|name| name.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }
}
