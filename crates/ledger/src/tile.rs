//! Tiles and entry bundles of C2SP tlog-tiles: their names, their bytes, and the trait that fetches them.

use crate::hash::Hash;

/// Hashes in a full tile, entries in a full bundle.
pub(crate) const WIDTH: u64 = 256;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TileKind {
    /// Entries, each prefixed by its length.
    Entries,
    /// Hashes at this tile level; level 0 holds leaf hashes.
    Level(u8),
}

/// One tile or entry bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// What it holds.
    pub kind: TileKind,
    /// Its number within its level.
    pub index: u64,
    /// How many hashes or entries: 1 to 256; below 256 it is partial.
    pub width: u16,
}

impl Tile {
    /// The path within the log's folder: `tile/0/x001/234`, `tile/entries/000.p/17`.
    pub fn path(&self) -> String {
        let mut number = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            number = format!("x{:03}/{number}", rest % 1000);
            rest /= 1000;
        }
        let partial = if u64::from(self.width) < WIDTH { format!(".p/{}", self.width) } else { String::new() };
        match self.kind {
            TileKind::Entries => format!("tile/entries/{number}{partial}"),
            TileKind::Level(level) => format!("tile/{level}/{number}{partial}"),
        }
    }

    /// The same tile, full.
    #[must_use]
    pub fn full(self) -> Self {
        Self { width: 256, ..self }
    }

    /// How many leaves one hash of this tile spans; `None` beyond 2^64.
    fn span(kind: TileKind) -> Option<u64> {
        match kind {
            TileKind::Entries => Some(1),
            TileKind::Level(level) => 1_u64.checked_shl(u32::from(level) * 8),
        }
    }

    /// The tile of this kind and number as it stands in a tree of `size` leaves; `None` when it is empty there.
    pub fn in_tree(kind: TileKind, index: u64, size: u64) -> Option<Self> {
        let hashes = size / Self::span(kind)?;
        let width = hashes.checked_sub(index.checked_mul(WIDTH)?)?.min(WIDTH);
        let width = u16::try_from(width).ok().filter(|width| *width > 0)?;
        Some(Self { kind, index, width })
    }

    /// Every tile and bundle of a tree of `size` leaves, full ones and the partial ones at its edge.
    pub fn all(size: u64) -> impl Iterator<Item = Self> {
        let kinds = std::iter::once(TileKind::Entries).chain((0..8).map(TileKind::Level));
        kinds.flat_map(move |kind| (0..).map_while(move |index| Self::in_tree(kind, index, size)))
    }
}

/// A file of the log that could not be read for a reason other than that it is not there.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{path}` of the log")]
pub struct ReadError {
    /// Path within the log's folder.
    pub path: String,
    /// What the system said.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Fetches the files of a log. Declared here, implemented by `store` over a folder.
pub trait TileReader {
    /// The bytes at a path such as `checkpoint` or `tile/0/000.p/7`; `None` when there is no such file.
    ///
    /// # Errors
    /// [`ReadError`] when it exists and cannot be read.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ReadError>;
}

/// The bytes of a tile: as asked for, or the beginning of the full tile when the partial one is gone.
pub(crate) fn read_hashes(reader: &dyn TileReader, tile: Tile) -> Result<Option<Vec<Hash>>, ReadError> {
    let mut bytes = reader.read(&tile.path())?;
    if bytes.is_none() && u64::from(tile.width) < WIDTH {
        bytes = reader.read(&tile.full().path())?;
    }
    Ok(bytes.and_then(|bytes| hashes_of(&bytes, usize::from(tile.width))))
}

/// The first `width` hashes in a tile's bytes; `None` when there are fewer or the length is odd.
pub(crate) fn hashes_of(bytes: &[u8], width: usize) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    (rest.is_empty()).then(|| hashes.get(..width).map(<[Hash]>::to_vec)).flatten()
}

/// A bundle whose bytes do not divide into entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the entry bundle ends inside an entry")]
pub struct BundleError;

/// The entries of a bundle, in order: uint16 big-endian length, then that many bytes.
#[derive(Clone, Debug)]
pub struct Bundle<'a>(&'a [u8]);

impl<'a> Bundle<'a> {
    /// Reads a bundle's bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Appends one entry to a bundle's bytes; entries over 65,535 bytes are cut off by the caller's check.
    pub(crate) fn push(out: &mut Vec<u8>, length: u16, entry: &[u8]) {
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(entry);
    }
}

impl<'a> Iterator for Bundle<'a> {
    type Item = Result<&'a [u8], BundleError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let entry = self.0.split_at_checked(2).and_then(|(length, rest)| {
            let length = u16::from_be_bytes(length.try_into().ok()?);
            rest.split_at_checked(usize::from(length))
        });
        let Some((entry, rest)) = entry else {
            self.0 = &[];
            return Some(Err(BundleError));
        };
        self.0 = rest;
        Some(Ok(entry))
    }
}
