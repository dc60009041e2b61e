//! The pass over all entries: recomputes the tree and notes every file that disagrees.

use std::collections::BTreeSet;

use super::{Damage, Report, Wrong};
use crate::entry::accepted_rotation;
use crate::hash::{Hash, leaf_hash};
use crate::note::VerifierKey;
use crate::tile::{Bundle, ReadError, Tile, TileKind, TileReader};
use crate::tree::TreeState;

/// A stored tile that differs from the recomputed one.
#[derive(Clone, Copy)]
pub(super) struct Mismatch {
    /// The stored tile.
    pub(super) tile: Tile,
    /// First hash that differs.
    pub(super) position: u64,
}

/// A key, and the largest log that it may sign; `None` for one that was not replaced.
struct Trusted {
    key: VerifierKey,
    until: Option<u64>,
}

/// State of the pass.
pub(super) struct Walk<'a> {
    reader: &'a dyn TileReader,
    size: u64,
    /// Keys trusted so far: the given ones and those that rotations hand on to.
    keys: Vec<Trusted>,
    /// The tree recomputed from the entries.
    pub(super) tree: TreeState,
    /// Differences to be explained once the root is known.
    pub(super) mismatches: Vec<Mismatch>,
    /// Bundles whose leaf hashes could be had from nowhere: what was computed from them says nothing.
    pub(super) lost: BTreeSet<u64>,
    /// The log ends before its checkpoint says: the pass went no further.
    pub(super) stopped: bool,
    anchor: Option<u64>,
    /// Root of the tree at the size of the checkpoint held elsewhere.
    pub(super) root_at_anchor: Option<Hash>,
}

/// Mismatches kept for explanation; each later one is as good as its parent's.
const MAX_MISMATCHES: usize = 1_000;

impl<'a> Walk<'a> {
    pub(super) fn new(reader: &'a dyn TileReader, size: u64, keys: &[VerifierKey], anchor: Option<u64>) -> Self {
        let tree = TreeState::new();
        let root_at_anchor = (anchor == Some(0)).then(|| tree.root());
        let keys = keys.iter().map(|key| Trusted { key: key.clone(), until: None }).collect();
        let (mismatches, lost) = (Vec::new(), BTreeSet::new());
        Self { reader, size, keys, tree, mismatches, lost, stopped: false, anchor, root_at_anchor }
    }

    /// Keys that may sign a checkpoint of this size.
    pub(super) fn keys_at(&self, size: u64) -> Vec<VerifierKey> {
        let valid = |trusted: &&Trusted| trusted.until.is_none_or(|until| size <= until);
        self.keys.iter().filter(valid).map(|trusted| trusted.key.clone()).collect()
    }

    /// Follows a rotation: from here on the new key signs, and the old one nothing beyond.
    fn rotate(&mut self, entry: &[u8], index: u64) {
        let signing: Vec<VerifierKey> = self.keys.iter().filter(|key| key.until.is_none()).map(|key| key.key.clone()).collect();
        let Some((old, new)) = accepted_rotation(entry, &signing) else { return };
        for trusted in self.keys.iter_mut().filter(|trusted| trusted.key == old) {
            trusted.until = Some(index);
        }
        if self.keys.iter().all(|trusted| trusted.key != new) {
            self.keys.push(Trusted { key: new, until: None });
        }
    }

    /// Whether this bundle and the next are missing together with their tiles: then there is nothing to go by, and a checkpoint with a
    /// made-up size would have us look for files without end.
    fn ends_here(&self, index: u64) -> Result<bool, ReadError> {
        for index in [index, index + 1] {
            let Some(tile) = Tile::in_tree(TileKind::Level(0), index, self.size) else { return Ok(false) };
            let bundle = Tile { kind: TileKind::Entries, ..tile };
            if self.fetch(bundle)?.1.is_some() || self.fetch(tile)?.1.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn run(&mut self, report: &mut Report) -> Result<(), ReadError> {
        let mut filled = Vec::new();
        for index in 0..self.size.div_ceil(256) {
            let Some(tile) = Tile::in_tree(TileKind::Level(0), index, self.size) else { break };
            let Some(leaves) = self.leaves(tile, report)? else {
                self.stopped = true;
                return Ok(());
            };
            for leaf in leaves {
                self.tree.append_hash(leaf, &mut filled);
                if self.anchor == Some(self.tree.size()) {
                    self.root_at_anchor = Some(self.tree.root());
                }
            }
            for write in filled.drain(..) {
                if write.tile.kind != TileKind::Level(0) {
                    self.compare(write.tile, write.bytes.as_chunks().0, report)?;
                }
            }
        }
        for write in self.tree.partials() {
            if !matches!(write.tile.kind, TileKind::Level(0) | TileKind::Entries) {
                self.compare(write.tile, write.bytes.as_chunks().0, report)?;
            }
        }
        Ok(())
    }

    /// Leaf hashes of one bundle, compared with its tile; where the bundle is unusable, the tile's hashes. `None` when the log ends here.
    fn leaves(&mut self, tile: Tile, report: &mut Report) -> Result<Option<Vec<Hash>>, ReadError> {
        let bundle = Tile { kind: TileKind::Entries, ..tile };
        let (path, bytes) = self.fetch(bundle)?;
        if bytes.is_none() && self.ends_here(tile.index)? {
            let index = Some(tile.index * 256);
            report.push(Damage { file: path, tile: Some(bundle), index, wrong: Wrong::MissingFrom });
            return Ok(None);
        }
        let mut hashes = Vec::with_capacity(256);
        let mut whole = true;
        for entry in Bundle::new(bytes.as_deref().unwrap_or_default()) {
            let Ok(entry) = entry else {
                whole = false;
                break;
            };
            self.rotate(entry, tile.index * 256 + hashes.len() as u64);
            hashes.push(leaf_hash(entry));
        }
        let width = usize::from(tile.width);
        whole &= hashes.len() == if path.ends_with(&bundle.full().path()) { 256 } else { width };
        if whole {
            hashes.truncate(width);
            self.compare(tile, &hashes, report)?;
            return Ok(Some(hashes));
        }
        let stored = self.stored(tile)?.1;
        let expected = stored.clone().unwrap_or_default();
        let first = expected.iter().zip(&hashes).take_while(|(a, b)| a == b).count() as u64;
        let wrong = if bytes.is_none() { Wrong::Missing } else { Wrong::Truncated };
        let index = Some(tile.index * 256 + if wrong == Wrong::Truncated { first } else { 0 });
        report.push(Damage { file: path, tile: Some(bundle), index, wrong });
        if stored.is_none() {
            self.lost.insert(tile.index);
            self.compare(tile, &[], report)?;
        }
        Ok(Some(stored.unwrap_or_else(|| vec![[0; 32]; width])))
    }

    /// Compares a stored tile with the hashes that it should hold.
    fn compare(&mut self, tile: Tile, expected: &[Hash], report: &mut Report) -> Result<(), ReadError> {
        let (path, stored) = self.stored(tile)?;
        let Some(stored) = stored else {
            let exists = self.reader.read(&path)?.is_some();
            let wrong = if exists { Wrong::Truncated } else { Wrong::Missing };
            let first = Mismatch { tile, position: 0 };
            report.push(Damage { file: path, tile: Some(tile), index: super::blame::first_entry(&first), wrong });
            return Ok(());
        };
        let differs = (0..).zip(expected.iter().zip(&stored)).filter(|(_, (a, b))| a != b).map(|(position, _)| Mismatch { tile, position });
        // Of a bundle the first entry is enough; of a tile each hash stands for another tile.
        let enough = if tile.kind == TileKind::Level(0) { 1 } else { 256 };
        let room = MAX_MISMATCHES.saturating_sub(self.mismatches.len());
        self.mismatches.extend(differs.take(enough.min(room)));
        Ok(())
    }

    /// Path that was read, and the hashes; `None` when missing or of another length.
    fn stored(&self, tile: Tile) -> Result<(String, Option<Vec<Hash>>), ReadError> {
        let (path, bytes) = self.fetch(tile)?;
        let width = usize::from(if path == tile.path() { tile.width } else { 256 });
        let exact = bytes.filter(|bytes| bytes.len() == width * 32);
        Ok((path, exact.and_then(|bytes| crate::tile::hashes_of(&bytes, usize::from(tile.width)))))
    }

    /// A file as asked for, else the full one; the path is the one asked for when neither is there.
    fn fetch(&self, tile: Tile) -> Result<(String, Option<Vec<u8>>), ReadError> {
        let path = tile.path();
        if let Some(bytes) = self.reader.read(&path)? {
            return Ok((path, Some(bytes)));
        }
        let full = tile.full().path();
        match self.reader.read(&full)? {
            Some(bytes) => Ok((full, Some(bytes))),
            None => Ok((path, None)),
        }
    }
}

/// Level of a tile; entries count as level 0.
pub(super) fn level_of(tile: Tile) -> u8 {
    match tile.kind {
        TileKind::Entries => 0,
        TileKind::Level(level) => level,
    }
}
