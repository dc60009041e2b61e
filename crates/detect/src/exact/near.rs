//! The last words of a text, for what confirms a value. Words are only kept; what ends with one is hashed when a value stands near.

use std::collections::VecDeque;

use super::table::Table;
use super::tagger::Hit;
use super::{WORDS, short};
use crate::known::{LONGEST, Walk, Word, before};

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
    /// Their places in the form are those in `form`, counted from the first that ever was in it.
    words: VecDeque<Word>,
    form: Vec<u8>,
    /// How many bytes of `form` were forgotten, and where it ends in the form of the walk.
    forgotten: usize,
    walked: usize,
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
    pub(super) fn enter(&mut self, word: Word, walk: &Walk) -> bool {
        if word.is_long() {
            // Nothing has it inside, so it does not matter what is in it.
            self.form.extend([0; LONGEST + 1]);
        } else {
            walk.append(self.walked, word.to, &mut self.form);
        }
        self.walked = word.to;
        let to = self.forgotten + self.form.len();
        let from = to - (word.to - word.from).min(LONGEST + 1);
        self.words.push_back(Word { from, to, ..word });
        self.words.len() > self.room
    }

    /// Forgets words that end before a character. As many again may come before that is done the next time.
    pub(super) fn forget_before(&mut self, oldest: usize) {
        let count = self.words.partition_point(|word| word.last_char < oldest);
        self.words.drain(..count);
        self.from += count;
        let kept = self.words.front().map_or(self.forgotten + self.form.len(), |word| word.from);
        self.form.drain(..kept - self.forgotten);
        self.forgotten = kept;
        self.room = ROOM.max(self.words.len() * 2);
        let count = self.endings.partition_point(|ending| ending.word < self.from);
        self.endings.drain(..count);
    }

    /// Number of the word that comes next.
    fn next(&self) -> usize {
        self.from + self.words.len()
    }

    /// Compares words that came with what may confirm each value.
    pub(super) fn compare(&mut self, hits: &mut [Hit], table: &Table) {
        let Some(first) = hits.iter().map(|hit| hit.compared).min() else { return };
        // Between two values far from each other nothing was made.
        if self.made < first.max(self.from) {
            self.endings.clear();
            self.made = first.max(self.from);
        }
        while self.made < self.next() {
            self.make(table);
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
    fn make(&mut self, table: &Table) {
        let word = self.made;
        self.made += 1;
        let index = word - self.from;
        let Some(last) = self.words.get(index).copied() else { return };
        let (mut from, mut rolling) = (last.to, 0);
        for first in self.words.range(..=index).rev().take(WORDS) {
            let length = last.to - first.from;
            if length > LONGEST {
                break;
            }
            let more = self.form.get(first.from - self.forgotten..from - self.forgotten).unwrap_or_default();
            rolling = before(&table.keys.powers, more, (rolling, last.to - from));
            from = first.from;
            if table.lengths_with >> length & 1 != 0 {
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
