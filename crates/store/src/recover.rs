//! Taking up the log where the last process left it.

use std::collections::VecDeque;

use bartizan_ledger::{Bundle, Checkpoint, Tile, TileKind, TileReader, TreeError, TreeState, VerifierKey};
use rusqlite::Connection;

use crate::StoreError;
use crate::db::{Position, position_at};
use crate::folder::FolderReader;

/// Where the sequencer starts.
pub(crate) struct Start {
    /// Whether there is a checkpoint already.
    pub(crate) published: bool,
    pub(crate) tree: TreeState,
    pub(crate) position: Position,
    pub(crate) catch_up: Option<CatchUp>,
}

/// Loads the tree of the published checkpoint and the journal position that belongs to it. Rows beyond it are dropped: their records
/// are still in the journal and are read again.
pub(crate) fn recover(reader: &FolderReader, keys: &[VerifierKey], db: &Connection) -> Result<Start, StoreError> {
    let checkpoint = reader.read("checkpoint").map_err(TreeError::from)?;
    let published = checkpoint.is_some();
    let tree = match checkpoint {
        None => TreeState::new(),
        Some(bytes) => {
            let note = String::from_utf8_lossy(&bytes);
            let checkpoint = Checkpoint::open(&note, keys)?;
            let tree = TreeState::load(reader, checkpoint.size)?;
            if tree.root() != checkpoint.root {
                return Err(TreeError::Damaged("checkpoint".to_owned()).into());
            }
            tree
        }
    };
    let size = tree.size().cast_signed();
    let (known, position) = position_at(db, size)?.unwrap_or_default();
    db.execute("DELETE FROM events WHERE ledger_index >= ?1", [known])?;
    db.execute("DELETE FROM openings WHERE ledger_index >= ?1", [known])?;
    db.execute("DELETE FROM positions WHERE tree_size > ?1", [size])?;
    let behind = known < size;
    let catch_up =
        behind.then(|| CatchUp { reader: reader.clone(), next: known.cast_unsigned(), size: tree.size(), bundle: VecDeque::new() });
    Ok(Start { published, tree, position, catch_up })
}

/// After a power cut the database may know less than the published log: then records are matched with the entries that are there
/// already, and only indexed.
#[derive(Clone)]
pub(crate) struct CatchUp {
    reader: FolderReader,
    next: u64,
    size: u64,
    bundle: VecDeque<Vec<u8>>,
}

impl CatchUp {
    /// Index of the entry that comes next.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The index of `leaf` when it is the next published entry; `None` when the published log ends here or goes on differently.
    pub(crate) fn known(&mut self, leaf: &[u8]) -> Result<Option<u64>, StoreError> {
        if self.next >= self.size {
            return Ok(None);
        }
        if self.bundle.is_empty() {
            self.load()?;
        }
        if self.bundle.pop_front().as_deref() != Some(leaf) {
            return Ok(None);
        }
        self.next += 1;
        Ok(Some(self.next - 1))
    }

    fn load(&mut self) -> Result<(), StoreError> {
        let bytes = read_bundle(&self.reader, self.next / 256, self.size)?;
        let skip = usize::try_from(self.next % 256).unwrap_or(0);
        self.bundle = Bundle::new(&bytes).filter_map(Result::ok).skip(skip).map(<[u8]>::to_vec).collect();
        Ok(())
    }
}

/// The bytes of an entry bundle of a log of `size` entries.
pub(crate) fn read_bundle(reader: &FolderReader, index: u64, size: u64) -> Result<Vec<u8>, StoreError> {
    let tile = Tile::in_tree(TileKind::Entries, index, size).ok_or_else(|| TreeError::Damaged(format!("bundle {index}")))?;
    let mut bytes = reader.read(&tile.path()).map_err(TreeError::from)?;
    if bytes.is_none() {
        bytes = reader.read(&tile.full().path()).map_err(TreeError::from)?;
    }
    bytes.ok_or_else(|| TreeError::Damaged(tile.path()).into())
}
