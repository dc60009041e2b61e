//! Consistent copies while running, and making the event index anew.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use bartizan_ledger::Tile;
use rusqlite::Connection;
use rusqlite::backup::Backup;

use crate::folder::{Layout, private_file, sync_tree};
use crate::sequencer::Command;
use crate::{DataDir, StoreError};

impl DataDir {
    /// Writes a consistent copy into a new or empty folder while everything runs. The root key is never in it; the ledger's signing
    /// key is, sealed.
    ///
    /// # Errors
    /// [`StoreError`] when the target is not empty or something cannot be copied.
    pub fn backup(&self, target: &Path) -> Result<(), StoreError> {
        let _one = self.exclusive.lock().unwrap_or_else(PoisonError::into_inner);
        self.objects.flush()?;
        empty_folder(target, &self.layout.root)?;
        let layout = Layout { root: target.to_path_buf() };
        let snapshot = self.ask(Command::Snapshot)?;
        for write in &snapshot.partials {
            write_new(&layout.ledger().join(write.tile.path()), &write.bytes)?;
        }
        private_file(&layout.database())?;
        let mut copy = Connection::open(layout.database())?;
        Backup::new(&snapshot.db, &mut copy)?.run_to_completion(1_000, Duration::ZERO, None)?;
        drop(copy);
        copy_full_tiles(&self.layout, &layout, snapshot.size)?;
        copy_folder(&self.layout.details(), &layout.details())?;
        write_new(&layout.ledger().join("checkpoint"), snapshot.checkpoint.as_bytes())?;
        copy_file(&self.layout.ledger_key(), &layout.ledger_key())?;
        copy_file(&self.layout.ledger_public(), &layout.ledger_public())?;
        sync_tree(target)
    }
}

fn copy_full_tiles(from: &Layout, to: &Layout, size: u64) -> Result<(), StoreError> {
    for tile in Tile::all(size).filter(|tile| tile.width == 256) {
        copy_file(&from.ledger().join(tile.path()), &to.ledger().join(tile.path()))?;
    }
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(StoreError::io("create", parent))?;
    }
    let open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    open.and_then(|mut file| file.write_all(bytes)).map_err(StoreError::io("write", path))
}

/// Makes the folder, or takes an empty one as it is. Nothing of what is there already is touched.
fn empty_folder(path: &Path, data: &Path) -> Result<(), StoreError> {
    let target = |why| Err(StoreError::Target { path: path.to_path_buf(), why });
    if is_inside(path, data) {
        return target("it lies in the data folder; choose a place outside");
    }
    match std::fs::read_dir(path) {
        Ok(mut names) => {
            if names.next().is_some() {
                return target("it is not empty; choose a new folder");
            }
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(StoreError::io("create", path))
        }
        Err(error) => Err(StoreError::io("list", path)(error)),
    }
}

/// Whether the deepest part of `path` that exists lies in `folder`.
fn is_inside(path: &Path, folder: &Path) -> bool {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let real = whole.ancestors().find_map(|part| part.canonicalize().ok());
    folder.canonicalize().is_ok_and(|folder| real.is_some_and(|real| real.starts_with(folder)))
}

/// Copies the files of a folder. Details only ever grow, so what a consistent database points to is in the copy.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<(), StoreError> {
    for entry in std::fs::read_dir(from).map_err(StoreError::io("list", from))? {
        let name = entry.map_err(StoreError::io("list", from))?.file_name();
        copy_file(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

/// Copies a file with its permissions, making its folder.
pub(crate) fn copy_file(from: &Path, to: &Path) -> Result<(), StoreError> {
    if let Some(parent) = to.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(StoreError::io("create", parent))?;
    }
    std::fs::copy(from, to).map_err(StoreError::io("copy", from))?;
    Ok(())
}

impl DataDir {
    /// Makes the event index anew from the sealed details and the fields kept beside them; gives the number of events. Data keys are
    /// not in there: without them (they are in the database and its backups) an event is a skeleton.
    ///
    /// # Errors
    /// [`StoreError`] when files cannot be read or the database not be written; the index is then as it was.
    pub fn rebuild_index(&self) -> Result<u64, StoreError> {
        self.ask(Command::Rebuild)
    }
}
