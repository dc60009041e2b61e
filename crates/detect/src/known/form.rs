//! The form of an index in bytes: fields, the seal at its end, and why one is refused.

use std::sync::Arc;

use super::{IndexKey, Keys};

/// The bytes of an index, wherever they lie.
pub type IndexBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Bytes of the seal at the end of an index.
pub(crate) const SEAL: usize = 32;

/// Why an index was refused, or could not be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum IndexError {
    /// The first bytes are others.
    #[error("this is no index of this kind and version")]
    Form,
    /// It ends too early, or goes on behind its end.
    #[error("the index is not whole: it should have {expected} bytes and has {found}")]
    Length {
        /// Bytes that its head announces.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// Made with another key.
    #[error("the index was made with another key")]
    Key,
    /// Some byte of it changed since it was made.
    #[error("the index is damaged: its seal does not fit; build it again")]
    Damaged,
    /// A field says something that cannot be.
    #[error("the index is damaged: its `{0}` cannot be")]
    Field(&'static str),
    /// Nothing that could be found is left.
    #[error("no value is left that could be looked for")]
    Empty,
    /// More than an index can hold.
    #[error("an index holds at most {most} {what}")]
    TooMany {
        /// How many.
        most: usize,
        /// Of what.
        what: &'static str,
    },
}

/// Reads fields one after the other, little endian.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Of an index that begins with `magic` and was made with `keys`.
    pub(crate) fn new(bytes: &'a [u8], magic: [u8; 8], keys: &Keys) -> Result<Self, IndexError> {
        let mut reader = Self { bytes, at: 0 };
        if reader.take(8) != Some(&magic[..]) {
            return Err(IndexError::Form);
        }
        match reader.take(16) {
            Some(check) if check == keys.check => Ok(reader),
            Some(_) => Err(IndexError::Key),
            None => Err(reader.short()),
        }
    }

    fn short(&self) -> IndexError {
        IndexError::Length { expected: (self.at + SEAL) as u64 + 1, found: self.bytes.len() as u64 }
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let part = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(part)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], IndexError> {
        let short = self.short();
        self.take(N).and_then(|part| part.try_into().ok()).ok_or(short)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, IndexError> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn number(&mut self) -> Result<usize, IndexError> {
        self.array().map(|four| usize::try_from(u32::from_le_bytes(four)).unwrap_or(usize::MAX))
    }

    /// Where what was not read yet begins.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Checks that so many bytes and the seal follow, and nothing else, and that the seal fits.
    pub(crate) fn sealed(&self, follow: Option<usize>, keys: &Keys) -> Result<(), IndexError> {
        let found = self.bytes.len() as u64;
        let body = follow.and_then(|follow| follow.checked_add(self.at)).ok_or(IndexError::Field("size"))?;
        if body.checked_add(SEAL) != Some(self.bytes.len()) {
            return Err(IndexError::Length { expected: body as u64 + SEAL as u64, found });
        }
        let (content, seal) = self.bytes.split_at(body);
        // A comparison of hashes, which takes the same time wherever they differ.
        let fits = <[u8; SEAL]>::try_from(seal).is_ok_and(|seal| blake3::keyed_hash(&keys.seal, content) == seal);
        if fits { Ok(()) } else { Err(IndexError::Damaged) }
    }
}

/// Ends an index.
pub(crate) fn seal(bytes: &mut Vec<u8>, keys: &Keys) {
    let seal = blake3::keyed_hash(&keys.seal, bytes);
    bytes.extend_from_slice(seal.as_bytes());
}

/// Whether a label is dotted words of small letters, digits and underscores, below one of the two that the default policies name: a
/// value of a company's own comes before what rules find, so it must not pass where that would not have passed.
pub(crate) fn label_is_good(label: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    (label.starts_with("proprietary.") || label.starts_with("custom.")) && label.len() <= 64 && label.split('.').all(word)
}

/// Four bytes as a number; more than there can be where they are not there.
pub(crate) fn word(bytes: &[u8]) -> usize {
    bytes.first_chunk().copied().map(u32::from_le_bytes).and_then(|number| usize::try_from(number).ok()).unwrap_or(usize::MAX)
}

/// Entries of so many bytes, sorted by the number that the first eight are.
pub(crate) struct Sorted<'a>(pub(crate) &'a [u8], pub(crate) usize);

impl Sorted<'_> {
    /// The first entry of a range of which something is true that is true of all behind it.
    pub(crate) fn first(&self, mut from: usize, mut to: usize, is: impl Fn(u64) -> bool) -> usize {
        let Self(bytes, size) = self;
        while from < to {
            let middle = usize::midpoint(from, to);
            let entry = bytes.get(middle * size..).and_then(|rest| rest.first_chunk()).copied().map_or(u64::MAX, u64::from_le_bytes);
            if is(entry) { to = middle } else { from = middle + 1 }
        }
        from
    }
}

/// For fuzz targets: a good index with bytes of it changed, three bytes of `data` a change (place and byte), and sealed again.
pub(crate) fn changed(mut index: Vec<u8>, data: &[u8], key: &IndexKey) -> Vec<u8> {
    index.truncate(index.len().saturating_sub(SEAL));
    for change in data.chunks_exact(3) {
        if let [low, high, byte] = change
            && let Some(slot) = index.get_mut(usize::from(*low) | usize::from(*high) << 8)
        {
            *slot = *byte;
        }
    }
    seal(&mut index, &Keys::new(key));
    index
}
