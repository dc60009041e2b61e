//! The growing edge of a log: append leaves, get files to write and the root.

use crate::hash::{Hash, empty_root, leaf_hash, subtree_root};
use crate::tile::{Bundle, ReadError, Tile, TileKind, TileReader, WIDTH, read_hashes};

/// A file to be written, as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileWrite {
    /// Which tile or bundle it is.
    pub tile: Tile,
    /// Its whole content.
    pub bytes: Vec<u8>,
}

/// Why a tree's edge could not be taken up again, or a leaf not be appended.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A file is missing, too short or malformed.
    #[error("`{0}` of the log is missing or damaged; run `bartizan audit verify`")]
    Damaged(String),
    /// A file could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A leaf that no entry bundle can hold.
    #[error("an entry of {0} bytes is longer than the 65,535 that an entry bundle can hold")]
    TooLong(usize),
}

/// The right edge of the tree: the partial tile of every level and the partial entry bundle. Memory: at most 8 KiB a level and
/// 255 entries.
#[derive(Clone, Debug, Default)]
pub struct TreeState {
    size: u64,
    levels: Vec<Vec<Hash>>,
    bundle: Vec<u8>,
}

impl TreeState {
    /// The empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up the tree of `size` leaves from its files. Compare [`TreeState::root`] with a checkpoint before trusting it.
    ///
    /// # Errors
    /// [`TreeError`] when a file of the edge cannot be read or has the wrong length.
    pub fn load(reader: &dyn TileReader, size: u64) -> Result<Self, TreeError> {
        let mut state = Self::load_hashes(reader, size)?;
        if let Some(tile) = Tile::in_tree(TileKind::Entries, size / WIDTH, size) {
            state.bundle = read_bundle(reader, tile)?;
        }
        Ok(state)
    }

    /// The edge without its entries: enough for the root.
    pub(crate) fn load_hashes(reader: &dyn TileReader, size: u64) -> Result<Self, TreeError> {
        let mut state = Self { size, ..Self::default() };
        let mut level = 0_u8;
        let mut hashes = size;
        while hashes > 0 {
            let mut edge = Vec::new();
            if let Some(tile) = Tile::in_tree(TileKind::Level(level), hashes / WIDTH, size) {
                edge = read_hashes(reader, tile)?.ok_or_else(|| TreeError::Damaged(tile.path()))?;
            }
            state.levels.push(edge);
            hashes /= WIDTH;
            level += 1;
        }
        Ok(state)
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf. Tiles and bundles that it completes go to `out`.
    ///
    /// # Errors
    /// [`TreeError::TooLong`]; the tree is then unchanged.
    pub fn append(&mut self, leaf: &[u8], out: &mut Vec<FileWrite>) -> Result<(), TreeError> {
        let length = u16::try_from(leaf.len()).map_err(|_| TreeError::TooLong(leaf.len()))?;
        Bundle::push(&mut self.bundle, length, leaf);
        let index = self.size / WIDTH;
        self.append_hash(leaf_hash(leaf), out);
        if self.size.is_multiple_of(WIDTH) {
            // The next one will be about as long: growing would copy it a dozen times.
            let next = Vec::with_capacity(self.bundle.len() + self.bundle.len() / 8);
            let bytes = std::mem::replace(&mut self.bundle, next);
            out.push(FileWrite { tile: Tile { kind: TileKind::Entries, index, width: 256 }, bytes });
        }
        Ok(())
    }

    /// Appends a leaf by its hash only; the bundle is not touched. For recomputing a log.
    pub(crate) fn append_hash(&mut self, hash: Hash, out: &mut Vec<FileWrite>) {
        let mut index = self.size;
        self.size += 1;
        let mut carried = hash;
        for level in 0..8_u8 {
            if self.levels.len() <= usize::from(level) {
                self.levels.push(Vec::new());
            }
            let Some(edge) = self.levels.get_mut(usize::from(level)) else { return };
            edge.push(carried);
            if edge.len() < 256 {
                return;
            }
            index /= WIDTH;
            out.push(FileWrite { tile: Tile { kind: TileKind::Level(level), index, width: 256 }, bytes: edge.as_flattened().to_vec() });
            carried = subtree_root(edge);
            edge.clear();
        }
    }

    /// The partial tiles and the partial bundle as they stand: what a checkpoint of this size needs beside the full ones.
    pub fn partials(&self) -> Vec<FileWrite> {
        let mut out = Vec::new();
        let mut hashes = self.size;
        for (level, edge) in (0_u8..).zip(&self.levels) {
            if let Some(tile) = Tile::in_tree(TileKind::Level(level), hashes / WIDTH, self.size) {
                out.push(FileWrite { tile, bytes: edge.as_flattened().to_vec() });
            }
            hashes /= WIDTH;
        }
        if let Some(tile) = Tile::in_tree(TileKind::Entries, self.size / WIDTH, self.size) {
            out.push(FileWrite { tile, bytes: self.bundle.clone() });
        }
        out
    }

    /// Root of the tree (RFC 6962 section 2.1).
    pub fn root(&self) -> Hash {
        let mut acc: Option<Hash> = None;
        let mut scratch = Vec::with_capacity(256);
        for edge in &self.levels {
            scratch.clear();
            scratch.extend_from_slice(edge);
            scratch.extend(acc);
            acc = (!scratch.is_empty()).then(|| subtree_root(&scratch));
        }
        acc.unwrap_or_else(empty_root)
    }
}

/// The first `tile.width` entries of a bundle, from its partial file or the full one.
fn read_bundle(reader: &dyn TileReader, tile: Tile) -> Result<Vec<u8>, TreeError> {
    let damaged = || TreeError::Damaged(tile.path());
    let mut bytes = reader.read(&tile.path())?;
    if bytes.is_none() {
        bytes = reader.read(&tile.full().path())?;
    }
    let mut bytes = bytes.ok_or_else(damaged)?;
    let mut length = 0;
    let mut entries = Bundle::new(&bytes);
    for _ in 0..tile.width {
        length += 2 + entries.next().and_then(Result::ok).ok_or_else(damaged)?.len();
    }
    bytes.truncate(length);
    Ok(bytes)
}
