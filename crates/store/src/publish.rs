//! Writes what the tree gives out: tiles and bundles first, the checkpoint last; then its copy elsewhere. All are synced, so that a
//! checkpoint never stands for entries that a power cut took. The journal is not: what it lost is matched again at the next start.

use std::collections::BTreeSet;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bartizan_ledger::{Checkpoint, FileWrite, SignerKey, Tile, TreeState};
use rusqlite::Connection;

use crate::StoreError;
use crate::checkpoint_copy::CheckpointCopy;
use crate::folder::{FolderReader, put, replace, sync_parent};
use crate::writer::Readable;

/// Outdated partial tiles beyond this number are removed under load too.
const MANY: usize = 4_096;

/// What stands between the tree in memory and the files.
pub(crate) struct Publisher {
    folder: PathBuf,
    copy: Option<CheckpointCopy>,
    signer: SignerKey,
    /// Full tiles that no checkpoint needs yet.
    pending: Vec<FileWrite>,
    /// Partial tiles on disk as of the last publication: unchanged ones are not written again.
    partials: BTreeSet<Tile>,
    /// Tiles whose partial forms can go. That waits for a quiet moment: some file systems make new files slowly when many were
    /// just removed.
    outdated: Vec<Tile>,
    published: Option<u64>,
    last: Option<Instant>,
    /// Wholly read segments.
    consumed: Vec<PathBuf>,
    /// Wholly read segments whose entries are published.
    covered: Vec<PathBuf>,
}

/// Partial tiles of a log of this size: a former process wrote them.
fn partials_of(size: u64) -> BTreeSet<Tile> {
    Tile::all(size).filter(|tile| tile.width != 256).collect()
}

impl Publisher {
    pub(crate) fn new(folder: PathBuf, copy: Option<PathBuf>, signer: SignerKey, published: Option<u64>) -> Self {
        let (pending, consumed) = (Vec::new(), Vec::new());
        let copy = copy.map(|path| CheckpointCopy::new(path, FolderReader::new(folder.clone())));
        Self {
            folder,
            copy,
            signer,
            pending,
            partials: published.map(partials_of).unwrap_or_default(),
            outdated: Vec::new(),
            published,
            last: None,
            consumed,
            covered: Vec::new(),
        }
    }

    /// Whether the published log is this tree.
    pub(crate) fn is_published(&self, tree: &TreeState) -> bool {
        self.published == Some(tree.size())
    }

    /// Whether the last publication is longer ago than `interval`.
    pub(crate) fn due(&self, interval: Duration) -> bool {
        self.last.is_none_or(|last| last.elapsed() >= interval)
    }

    pub(crate) fn add(&mut self, writes: Vec<FileWrite>) {
        self.pending.extend(writes);
    }

    pub(crate) fn consumed(&mut self, segment: &Readable) {
        self.consumed.push(segment.path.clone());
    }

    /// Whether segments can be removed: read to their end, and all that was in them published.
    pub(crate) fn has_covered(&mut self, tree: &TreeState) -> bool {
        if self.is_published(tree) {
            self.covered.append(&mut self.consumed);
        }
        !self.covered.is_empty()
    }

    /// The checkpoint of a tree, signed.
    pub(crate) fn checkpoint(&self, tree: &TreeState) -> String {
        let origin = self.signer.verifier().name().to_owned();
        Checkpoint { origin, size: tree.size(), root: tree.root() }.sign(&self.signer)
    }

    /// Brings the files in line with the tree.
    pub(crate) fn publish(&mut self, tree: &TreeState) -> Result<(), StoreError> {
        let partials = tree.partials();
        let mut folders = BTreeSet::new();
        for write in self.pending.iter().chain(partials.iter().filter(|write| !self.partials.contains(&write.tile))) {
            let path = self.folder.join(write.tile.path());
            if let Some(parent) = path.parent()
                && folders.insert(parent.to_path_buf())
            {
                DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(StoreError::io("create", parent))?;
            }
            // Nobody reads a tile before a checkpoint covers it.
            put(&path, &write.bytes)?;
        }
        for folder in &folders {
            sync_parent(&folder.join("."))?;
            sync_parent(folder)?;
        }
        self.write_checkpoint(tree)?;
        // The specification lets a partial tile go once the full one is there.
        let replaced = self.pending.drain(..).map(|write| write.tile).filter(|tile| self.partials.iter().any(|old| old.full() == *tile));
        self.outdated.extend(replaced);
        self.partials = partials.iter().map(|write| write.tile).collect();
        self.published = Some(tree.size());
        self.covered.append(&mut self.consumed);
        self.last = Some(Instant::now());
        Ok(())
    }

    /// Removes outdated partial tiles, when it is quiet or there are many.
    pub(crate) fn tidy(&mut self, quiet: bool) {
        if quiet || self.outdated.len() > MANY {
            for tile in self.outdated.drain(..) {
                let mut partial = self.folder.join(tile.path()).into_os_string();
                partial.push(".p");
                let _ = std::fs::remove_dir_all(partial);
            }
        }
    }

    fn write_checkpoint(&mut self, tree: &TreeState) -> Result<(), StoreError> {
        let checkpoint = self.checkpoint(tree);
        let path = self.folder.join("checkpoint");
        replace(&path, checkpoint.as_bytes(), true)?;
        sync_parent(&path)?;
        if let Some(copy) = &mut self.copy {
            copy.write(&checkpoint, tree);
        }
        Ok(())
    }

    /// Brings the copy of the checkpoint up to date when it could not be written before; whether a foreign one lies there.
    pub(crate) fn tend_copy(&mut self, tree: &TreeState) -> bool {
        if self.is_published(tree) && self.copy.as_ref().is_some_and(CheckpointCopy::is_due) {
            let checkpoint = self.checkpoint(tree);
            if let Some(copy) = &mut self.copy {
                copy.write(&checkpoint, tree);
            }
        }
        self.copy.as_ref().is_some_and(CheckpointCopy::is_foreign)
    }

    /// Signs with another key from now on.
    pub(crate) fn replace_key(&mut self, signer: SignerKey) {
        self.signer = signer;
    }

    /// Removes segments that the published log and the database cover, and positions that nobody starts at any more: those before
    /// `indexed`, up to where the database knows the log.
    pub(crate) fn remove_covered(&mut self, db: &Connection, indexed: u64) -> Result<(), StoreError> {
        for path in self.covered.drain(..) {
            std::fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
        }
        db.execute("DELETE FROM positions WHERE tree_size < ?1", [self.published.unwrap_or(0).min(indexed).cast_signed()])?;
        Ok(())
    }
}
