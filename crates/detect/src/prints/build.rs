//! How documents become an index: texts come one by one, nothing of them is kept but hashes of shingles.

use super::table::{BUCKET_BITS, LABEL, MAGIC, PLACE, bucket};
use super::{GAP, LEAST_WORDS, MOST, PLACES, PLACES_IN_ONE, Shingles, WINDOW};
use crate::known::{BLOCK, Filter, IndexError, IndexKey, Keys, Walk, blocks_for, hex, label_is_good, seal};
use crate::normal::Normal;

/// Words between two texts of one document, so that no run goes over from one to the other.
const BREAK: u32 = 1_000;
/// Longest name that is kept, in bytes.
const NAME: usize = 512;

/// Where a shingle stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    hash: u64,
    document: u32,
    word: u32,
}

/// A document that was taken in.
struct Taken {
    id: [u8; 8],
    words: u32,
    name: String,
}

/// An index and what became of the documents.
pub struct PrintsBuilt {
    /// The index.
    pub bytes: Vec<u8>,
    /// Documents that are in it: id and words.
    pub documents: Vec<(String, usize)>,
    /// How many shingles are kept.
    pub places: usize,
    /// How many were left out because they stand in too many places.
    pub common: usize,
}

/// Takes documents in.
pub struct PrintsBuilder {
    keys: Keys,
    label: String,
    documents: Vec<Taken>,
    places: Vec<Place>,
}

impl PrintsBuilder {
    /// Begins an index.
    ///
    /// # Errors
    /// When the label is not of the form of one.
    pub fn new(key: &IndexKey, label: &str) -> Result<Self, IndexError> {
        if !label_is_good(label) {
            return Err(IndexError::Field("label"));
        }
        Ok(Self { keys: Keys::new(key), label: label.to_owned(), documents: Vec::new(), places: Vec::new() })
    }

    /// How many documents were taken.
    pub fn documents(&self) -> usize {
        self.documents.len()
    }

    /// Takes a document in: its texts, and the name that findings tell, if they may. Gives how many words it has; one of few words is
    /// not taken.
    ///
    /// # Errors
    /// When there is more than an index holds.
    pub fn add<'a>(&mut self, name: Option<&str>, texts: impl IntoIterator<Item = &'a str>) -> Result<usize, IndexError> {
        let document = u32::try_from(self.documents.len()).unwrap_or(u32::MAX);
        let before = self.places.len();
        let mut hasher = blake3::Hasher::new_keyed(&self.keys.values);
        let (mut words, mut at) = (0, 0);
        for text in texts {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
            let count = self.text(text, document, at)?;
            words += count;
            at = at.saturating_add(u32::try_from(count).unwrap_or(u32::MAX)).saturating_add(BREAK);
        }
        if words < LEAST_WORDS {
            self.places.truncate(before);
            return Ok(words);
        }
        let id = hasher.finalize().as_bytes().first_chunk().copied().unwrap_or_default();
        let name = name.unwrap_or_default();
        let name = name.get(..name.floor_char_boundary(NAME)).unwrap_or_default().to_owned();
        self.documents.push(Taken { id, words: u32::try_from(words).unwrap_or(u32::MAX), name });
        Ok(words)
    }

    /// Takes one text in, of which the first word has the number `from`.
    fn text(&mut self, text: &str, document: u32, from: u32) -> Result<usize, IndexError> {
        let mut normal = Normal::new();
        normal.push(text, true);
        let (mut walk, mut shingles) = (Walk::within(&self.keys, GAP), Shingles::new());
        let mut window: [Option<Place>; WINDOW] = [None; WINDOW];
        let mut kept: Option<Place> = None;
        let mut count = 0_usize;
        while let Some(word) = walk.take(&normal, true) {
            let number = from.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
            count += 1;
            let Some(hash) = shingles.enter(word, &walk, &self.keys) else { continue };
            window.rotate_left(1);
            if let Some(last) = window.last_mut() {
                *last = Some(Place { hash, document, word: number });
            }
            // The last one of the smallest, once the window is full; a text that has fewer shingles has few words.
            let least = window.iter().flatten().min_by_key(|place| (place.hash, u32::MAX - place.word)).copied();
            if window.iter().all(Option::is_some) && least != kept {
                self.places.extend(least);
                kept = least;
            }
        }
        if self.places.len() > MOST { Err(IndexError::TooMany { most: MOST, what: "shingles" }) } else { Ok(count) }
    }

    /// Puts the index together.
    ///
    /// # Errors
    /// When no document is left.
    pub fn finish(mut self) -> Result<PrintsBuilt, IndexError> {
        self.places.sort_unstable();
        self.places.dedup();
        let mut kept = Vec::with_capacity(self.places.len());
        for same in self.places.chunk_by(|one, other| one.hash == other.hash) {
            let in_one = same.chunk_by(|one, other| one.document == other.document).flat_map(|same| same.iter().take(PLACES_IN_ONE));
            kept.extend(in_one.take(PLACES));
        }
        if kept.is_empty() {
            return Err(IndexError::Empty);
        }
        let documents = self.documents.iter().map(|taken| (hex(&taken.id), usize::try_from(taken.words).unwrap_or(usize::MAX))).collect();
        let common = self.places.len() - kept.len();
        Ok(PrintsBuilt { bytes: self.assemble(&kept), documents, places: kept.len(), common })
    }

    fn assemble(&self, kept: &[Place]) -> Vec<u8> {
        let wanted = (kept.len() / 4).max(1).next_power_of_two().trailing_zeros();
        let bucket_bits = u8::try_from(wanted).unwrap_or(u8::MAX).min(BUCKET_BITS);
        let blocks = blocks_for(kept.len());
        let mut named = Vec::new();
        for taken in &self.documents {
            named.extend(taken.id);
            named.extend(taken.words.to_le_bytes());
            named.extend(u16::try_from(taken.name.len()).unwrap_or(0).to_le_bytes());
            named.extend(taken.name.bytes());
        }
        let mut bytes = Vec::with_capacity(named.len() + blocks * BLOCK + (4 << bucket_bits) + kept.len() * PLACE + 256);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.keys.check);
        for number in [kept.len(), blocks, self.documents.len(), named.len()] {
            bytes.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
        }
        bytes.extend([bucket_bits, u8::try_from(self.label.len()).unwrap_or(u8::MAX)]);
        bytes.extend(self.label.bytes().chain(std::iter::repeat(0)).take(LABEL));
        bytes.extend(named);
        let filter = bytes.len();
        bytes.resize(filter + blocks * BLOCK, 0);
        let made = bytes.get_mut(filter..).unwrap_or_default();
        for place in kept {
            Filter::add(made, place.hash);
        }
        let mut end = 0;
        for number in 0..=(1_usize << bucket_bits) {
            bytes.extend(u32::try_from(end).unwrap_or(u32::MAX).to_le_bytes());
            end += kept.get(end..).unwrap_or_default().iter().take_while(|place| bucket(place.hash, bucket_bits) == number).count();
        }
        for place in kept {
            bytes.extend(place.hash.to_le_bytes());
            bytes.extend(place.document.to_le_bytes());
            bytes.extend(place.word.to_le_bytes());
        }
        seal(&mut bytes, &self.keys);
        bytes
    }
}
