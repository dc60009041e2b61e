//! The last words of a text, for what confirms a value. Words are only kept; what ends with one is hashed when a value stands near.

use std::collections::VecDeque;

use super::table::Table;
use super::tagger::Hit;
use super::{WORDS, short};
use crate::known::{LONGEST, Walk, Word};

/// How many words are kept at least before some are forgotten.
const ROOM: usize = 256;

/// The short hash of some words, and where they lie.
#[derive(Clone, Copy, Debug)]
struct Ending {
    /// Number of the last of the words.
    word: usize,
    hash: u64,
    start: usize,
    first_char: usize,
    end: usize,
    last_char: usize,
}

/// The last words.
#[derive(Clone, Default)]
pub(super) struct Near {
    words: VecDeque<Word>,
    /// Number of the first of them.
    pub(super) from: usize,
    /// How many of them make it worth to forget some.
    room: usize,
    /// What ends with the words before number `made`, back to some word: those that a value asked for.
    endings: VecDeque<Ending>,
    made: usize,
}

impl Near {
    /// Keeps a word; says whether some should be forgotten.
    #[inline]
    pub(super) fn enter(&mut self, word: Word) -> bool {
        self.words.push_back(word);
        self.words.len() > self.room
    }

    /// Forgets words that end before a character. As many again may come before that is done the next time.
    pub(super) fn forget_before(&mut self, oldest: usize) {
        let count = self.words.partition_point(|word| word.last_char < oldest);
        self.words.drain(..count);
        self.from += count;
        self.room = ROOM.max(self.words.len() * 2);
        let count = self.endings.partition_point(|ending| ending.word < self.from);
        self.endings.drain(..count);
    }

    /// Number of the word that comes next.
    fn next(&self) -> usize {
        self.from + self.words.len()
    }

    /// Compares words that came with what may confirm each value.
    pub(super) fn compare(&mut self, hits: &mut [Hit], walk: &Walk, table: &Table) {
        let Some(first) = hits.iter().map(|hit| hit.compared).min() else { return };
        // Between two values far from each other nothing was made.
        if self.made < first.max(self.from) {
            self.endings.clear();
            self.made = first.max(self.from);
        }
        while self.made < self.next() {
            self.make(walk, table);
        }
        for hit in hits {
            let (from, to) = (hit.first_char.saturating_sub(table.within), hit.last_char + table.within);
            let new = self.endings.partition_point(|one| one.word < hit.compared);
            let apart = |one: &&Ending| one.first_char >= from && one.last_char <= to && (one.end <= hit.start || one.start >= hit.end);
            for one in self.endings.range(new..).filter(apart) {
                let at = hit.wanted.partition_point(|(wanted, ..)| *wanted < one.hash);
                for (_, row, column) in hit.wanted.iter().skip(at).take_while(|(wanted, ..)| *wanted == one.hash) {
                    hit.met.get_mut(*row).into_iter().for_each(|met| *met |= 1 << column);
                }
            }
            hit.compared = self.next();
        }
    }

    /// Makes the short hashes of everything that ends with a word and could confirm a value.
    fn make(&mut self, walk: &Walk, table: &Table) {
        let word = self.made;
        self.made += 1;
        let index = word - self.from;
        let Some(last) = self.words.get(index).copied() else { return };
        for first in self.words.range(..=index).rev().take(WORDS) {
            let length = last.to - first.from;
            if length > LONGEST {
                break;
            }
            if table.lengths_with >> length & 1 != 0 {
                let rolling = walk.between((first.from, first.hash_from), (last.to, last.hash_to));
                let hash = short(table.keys.whole.of(rolling));
                let (start, first_char) = (first.start, first.first_char);
                self.endings.push_back(Ending { word, hash, start, first_char, end: last.end, last_char: last.last_char });
            }
            if first.apart {
                break;
            }
        }
    }
}
