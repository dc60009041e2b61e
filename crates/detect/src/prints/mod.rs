//! Document fingerprints: excerpts of a company's own documents in a text, also when a word was changed here and there. What lives
//! here: how documents become an index ([`PrintsBuilder`]), how it lies in bytes ([`Prints`]), the walk over a text.
//!
//! A document is cut into shingles of `SHINGLE` words; of every `WINDOW` that follow each other the one with the smallest hash is
//! kept (winnowing: Schleimer, Wilkerson and Aiken, 2003). In a text every shingle is looked up. What is found in the order of the
//! document, about as far apart as there, is a run; a run that is long enough is an excerpt.

mod build;
mod fuzz;
mod table;
mod tagger;

use bartizan_vocabulary::Finding;
pub use build::{PrintsBuilder, PrintsBuilt};
#[doc(hidden)]
pub use fuzz::fuzz_prints;
pub use table::{Document, Prints};
pub(crate) use tagger::Tagger;

use crate::known::{Keys, Walk, Word};

/// Words of a shingle.
pub(crate) const SHINGLE: usize = 4;
/// Of so many shingles in a row at least one is kept.
pub(crate) const WINDOW: usize = 4;
/// Most places that one shingle is remembered at, and in one document.
pub(crate) const PLACES: usize = 16;
pub(crate) const PLACES_IN_ONE: usize = 4;
/// Fewest words of a run that is an excerpt, from its first shingle to its last. An excerpt of 40 words has this many left when its
/// ends are changed and the shingles there are not among those kept.
pub(crate) const LEAST_WORDS: usize = 24;
/// Fewest shingles of a run that is an excerpt.
pub(crate) const LEAST_SHINGLES: usize = 5;
/// Most words between two shingles of a run.
pub(crate) const APART: usize = 16;
/// By how many words a run may be longer or shorter there than in the document.
pub(crate) const SHIFT: usize = 4;
/// Most bytes of marks and white space between two words of an excerpt: a text is not held back for what may follow them.
pub(crate) const GAP: usize = 256;
/// Most documents of an index, and most shingles.
pub(crate) const MOST: usize = 100_000_000;

/// How the rule of a document begins.
pub(crate) const PREFIX: &str = "document:";
/// Whatever else is found inside an excerpt comes first.
pub(crate) const RANK: u8 = 3;

/// Whether it is an excerpt, or a part of one.
pub(crate) fn is_excerpt(finding: &Finding) -> bool {
    finding.rule.as_str().starts_with(PREFIX)
}

/// The last words of a text, with the keyed hash of each.
#[derive(Clone)]
pub(crate) struct Shingles {
    words: [(Word, u64); SHINGLE],
    /// How many there are.
    count: usize,
}

impl Shingles {
    pub(crate) fn new() -> Self {
        let word = Word { start: 0, end: 0, from: 0, to: 0, hash_from: 0, hash_to: 0, first_char: 0, last_char: 0, apart: true };
        Self { words: [(word, 0); SHINGLE], count: 0 }
    }

    /// Takes a word in; gives the hash of the shingle that ends with it.
    pub(crate) fn enter(&mut self, word: Word, walk: &Walk, keys: &Keys) -> Option<u64> {
        if word.apart || word.is_long() {
            self.reset();
        }
        if word.is_long() {
            return None;
        }
        let hash = keys.whole.of(walk.between((word.from, word.hash_from), (word.to, word.hash_to)));
        self.words.rotate_left(1);
        if let Some(last) = self.words.last_mut() {
            *last = (word, hash);
        }
        self.count = (self.count + 1).min(SHINGLE);
        let mixed = self.words.iter().fold(0_u64, |sum, (_, hash)| (sum.rotate_left(23) ^ hash).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        (self.count == SHINGLE).then(|| keys.opening.of(mixed))
    }

    /// Nothing that comes belongs to the last words.
    pub(crate) fn reset(&mut self) {
        self.count = 0;
    }

    /// Where the shingle begins that ends with the last word.
    pub(crate) fn start(&self) -> usize {
        self.words.first().map_or(0, |(word, _)| word.start)
    }

    /// Where the first shingle begins that the next word may end.
    pub(crate) fn next_start(&self) -> Option<usize> {
        let count = self.count.min(SHINGLE - 1);
        self.words.get(SHINGLE - count).map(|(word, _)| word.start)
    }
}
