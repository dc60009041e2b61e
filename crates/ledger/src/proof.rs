//! Inclusion and consistency proofs: made from tiles (RFC 6962 section 2.1), verified without them (RFC 9162 section 2.1.3.2 and 2.1.4.2).

use std::collections::HashMap;

use crate::hash::{Hash, node_hash, subtree_root};
use crate::tile::{ReadError, Tile, TileKind, TileReader, WIDTH, read_hashes};

/// Why a proof could not be made or does not hold.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The leaf or size lies beyond the tree.
    #[error("the tree of {size} entries has no position {index}")]
    OutOfRange {
        /// What was asked for.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// A tile is missing or too short.
    #[error("`{0}` of the log is missing or damaged; run `bartizan audit verify`")]
    Damaged(String),
    /// A tile could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The proof leads to another root.
    #[error("the proof does not lead to the root of the checkpoint")]
    WrongRoot,
    /// The proof has too few or too many hashes.
    #[error("the proof has the wrong number of hashes")]
    WrongLength,
}

/// Reads subtree hashes out of tiles; keeps the tiles of one proof in memory (a few per level).
struct Subtrees<'a> {
    reader: &'a dyn TileReader,
    size: u64,
    tiles: HashMap<Tile, Vec<Hash>>,
}

impl<'a> Subtrees<'a> {
    fn new(reader: &'a dyn TileReader, size: u64) -> Self {
        Self { reader, size, tiles: HashMap::new() }
    }

    /// Hash of the complete subtree of `2^height` leaves number `index`.
    fn complete(&mut self, height: u32, index: u64) -> Result<Hash, ProofError> {
        let (level, within) = (height / 8, height % 8);
        let first = index << within;
        let kind = TileKind::Level(u8::try_from(level).unwrap_or(u8::MAX));
        let out_of_range = ProofError::OutOfRange { index, size: self.size };
        let tile = Tile::in_tree(kind, first / WIDTH, self.size).ok_or(out_of_range)?;
        if !self.tiles.contains_key(&tile) {
            let hashes = read_hashes(self.reader, tile)?.ok_or_else(|| ProofError::Damaged(tile.path()))?;
            self.tiles.insert(tile, hashes);
        }
        let from = usize::try_from(first % WIDTH).unwrap_or(usize::MAX);
        let hashes = self.tiles.get(&tile).and_then(|hashes| hashes.get(from..from + (1 << within)));
        hashes.map(subtree_root).ok_or_else(|| ProofError::Damaged(tile.path()))
    }

    /// `MTH(D[from:to])`; `from` is a multiple of the largest power of two in the range.
    fn range(&mut self, from: u64, to: u64) -> Result<Hash, ProofError> {
        let count = to - from;
        if count.is_power_of_two() {
            let height = count.trailing_zeros();
            return self.complete(height, from >> height);
        }
        let middle = from + split(count);
        Ok(node_hash(&self.range(from, middle)?, &self.range(middle, to)?))
    }
}

/// The largest power of two below `count`, for counts above 1.
fn split(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

/// Inclusion proof of leaf `index` in the tree of `size` leaves, sibling first.
///
/// # Errors
/// [`ProofError`] when the leaf is not in that tree or a tile is missing.
pub fn prove_inclusion(reader: &dyn TileReader, index: u64, size: u64) -> Result<Vec<Hash>, ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange { index, size });
    }
    let mut subtrees = Subtrees::new(reader, size);
    let (mut from, mut to) = (0, size);
    let mut path = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            path.push(subtrees.range(middle, to)?);
            to = middle;
        } else {
            path.push(subtrees.range(from, middle)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// Consistency proof from the tree of `old` leaves to the tree of `new` leaves.
///
/// # Errors
/// [`ProofError`] when `old` is 0 or beyond `new`, or a tile is missing.
pub fn prove_consistency(reader: &dyn TileReader, old: u64, new: u64) -> Result<Vec<Hash>, ProofError> {
    if old == 0 || old > new {
        return Err(ProofError::OutOfRange { index: old, size: new });
    }
    let mut subtrees = Subtrees::new(reader, new);
    let (mut from, mut to) = (0, new);
    let mut path = Vec::new();
    while old != to {
        let middle = from + split(to - from);
        if old <= middle {
            path.push(subtrees.range(middle, to)?);
            to = middle;
        } else {
            path.push(subtrees.range(from, middle)?);
            from = middle;
        }
    }
    if from != 0 {
        path.push(subtrees.range(from, to)?);
    }
    path.reverse();
    Ok(path)
}

/// Checks an inclusion proof (RFC 9162 section 2.1.3.2).
///
/// # Errors
/// [`ProofError`] saying how it fails.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange { index, size });
    }
    let (mut position, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return Err(ProofError::WrongLength);
        }
        if position & 1 == 1 || position == last {
            hash = node_hash(sibling, &hash);
            let shift = if position & 1 == 1 { 0 } else { position.trailing_zeros().min(63) };
            position >>= shift;
            last >>= shift;
        } else {
            hash = node_hash(&hash, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    match (last == 0, hash == *root) {
        (false, _) => Err(ProofError::WrongLength),
        (true, false) => Err(ProofError::WrongRoot),
        (true, true) => Ok(()),
    }
}

/// Checks a consistency proof (RFC 9162 section 2.1.4.2).
///
/// # Errors
/// [`ProofError`] saying how it fails.
pub fn verify_consistency(old: (u64, &Hash), new: (u64, &Hash), path: &[Hash]) -> Result<(), ProofError> {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size == 0 || old_size > new_size {
        return Err(ProofError::OutOfRange { index: old_size, size: new_size });
    }
    if old_size == new_size {
        let same = old_root == new_root;
        return if !path.is_empty() {
            Err(ProofError::WrongLength)
        } else if same {
            Ok(())
        } else {
            Err(ProofError::WrongRoot)
        };
    }
    let (mut position, mut last) = (old_size - 1, new_size - 1);
    let shift = position.trailing_ones();
    position >>= shift;
    last >>= shift;
    let mut rest = path.iter();
    let seed = if old_size.is_power_of_two() { *old_root } else { *rest.next().ok_or(ProofError::WrongLength)? };
    let (mut old_hash, mut new_hash) = (seed, seed);
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::WrongLength);
        }
        if position & 1 == 1 || position == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            let shift = if position & 1 == 1 || position == 0 { 0 } else { position.trailing_zeros() };
            position >>= shift;
            last >>= shift;
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    match (last == 0, old_hash == *old_root && new_hash == *new_root) {
        (false, _) => Err(ProofError::WrongLength),
        (true, false) => Err(ProofError::WrongRoot),
        (true, true) => Ok(()),
    }
}
