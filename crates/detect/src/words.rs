//! Many words looked for at once, in any ASCII letter case, together with the kinds of bytes at which rules begin: one step a
//! byte. How the table is made is in `trie`.
//!
//! An entry of the table is the place of the next state's row and, above it, what has come: so one load gives both.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The first digit of a group of digits.
pub(crate) const DIGIT: u32 = 1 << 24;
/// An at sign.
pub(crate) const AT: u32 = 1 << 25;
/// A colon.
pub(crate) const COLON: u32 = 1 << 26;
/// An underscore.
pub(crate) const UNDERSCORE: u32 = 1 << 27;
/// The end of a word, or of several.
pub(crate) const WORD: u32 = 1 << 28;
/// The end of a word of a context, or of several.
pub(crate) const HEARD: u32 = 1 << 29;
/// The end of a word or numeral for a digit.
pub(crate) const SPELLED: u32 = 1 << 30;
/// Where the row of the next state begins.
pub(crate) const ROW: u32 = (1 << 24) - 1;

/// Words without their table.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct WordShape {
    /// Where the table begins among all tables.
    pub(crate) at: usize,
    /// Bytes of the table: 256 classes of bytes, then four bytes for each state and class.
    pub(crate) length: usize,
    /// How many classes there are.
    pub(crate) stride: usize,
    /// The first row of a state in which words end; those have the highest rows.
    pub(crate) ending: usize,
    /// Which words end in each of those states.
    pub(crate) ends: Vec<Vec<u16>>,
    /// Which words of contexts do.
    pub(crate) heard: Vec<Vec<u16>>,
}

/// Words to look for.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    pub(crate) shape: WordShape,
    pub(crate) table: Cow<'static, [u8]>,
    /// Bytes of the longest word: no state tells more of what came before.
    pub(crate) longest: usize,
}

/// Bytes of each half that are walked over before what has come is looked at.
pub(crate) const BLOCK: usize = 256;

/// An offset, and what has come there.
pub(crate) type Come = (u32, u32);

/// What has come in a block, and how often.
#[derive(Clone, Copy)]
struct Block {
    come: [Come; BLOCK],
    count: usize,
}

impl Block {
    const EMPTY: Self = Self { come: [(0, 0); BLOCK], count: 0 };

    fn come(&self) -> &[Come] {
        self.come.get(..self.count).unwrap_or_default()
    }
}

/// A table at hand.
struct Table<'a> {
    classes: &'a [u8; 256],
    next: &'a [[u8; 4]],
    asked: u32,
}

impl Table<'_> {
    /// Goes over two pieces of at most a block at once and notes where something comes that is asked for. A function of its own, so
    /// that everything it needs is in registers.
    #[inline(never)]
    fn pairs(&self, first: &[u8], second: &[u8], rows: &mut [u32; 2], blocks: &mut [Block; 2]) {
        let (classes, next, asked) = (self.classes, self.next, self.asked);
        let [mut one, mut two] = *rows;
        let [first_block, second_block] = blocks;
        let (mut offset, mut count, mut second_count) = (0_u32, 0_usize, 0_usize);
        // It is written in any case: whether something comes cannot be foreseen, and a wrong guess costs more than the writing.
        let note = |come: &mut [Come; BLOCK], count: usize, what: Come| {
            if let Some(place) = come.get_mut(count % BLOCK) {
                *place = what;
            }
            count.wrapping_add(usize::from(what.1 & asked != 0))
        };
        let step = |row: u32, byte: u8| {
            let class = classes.get(usize::from(byte)).copied().unwrap_or_default();
            next.get(row.wrapping_add(u32::from(class)) as usize).map(|entry| u32::from_le_bytes(*entry))
        };
        for (a, b) in first.iter().zip(second) {
            let (Some(a), Some(b)) = (step(one, *a), step(two, *b)) else { break };
            (one, two) = (a & ROW, b & ROW);
            count = note(&mut first_block.come, count, (offset, a));
            second_count = note(&mut second_block.come, second_count, (offset, b));
            offset = offset.wrapping_add(1);
        }
        (first_block.count, second_block.count) = (count, second_count);
        *rows = [one, two];
    }
}

/// The walk over bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Walk {
    row: u32,
}

impl Walk {
    /// Goes to the next byte at which something comes that is asked for; returns its offset and all that has come there.
    #[inline]
    pub(crate) fn next(&mut self, words: &Words, asked: u32, bytes: &[u8]) -> Option<(usize, u32)> {
        let (classes, table) = words.table.split_first_chunk::<256>()?;
        let table: &[[u8; 4]] = table.as_chunks().0;
        let mut row = self.row;
        let mut rest = bytes.iter();
        while let Some(byte) = rest.next() {
            let class = classes.get(usize::from(*byte)).copied().unwrap_or_default();
            let entry = u32::from_le_bytes(*table.get(row.wrapping_add(u32::from(class)) as usize)?);
            row = entry & ROW;
            if entry & asked != 0 {
                self.row = row;
                return Some((bytes.len() - rest.len() - 1, entry));
            }
        }
        self.row = row;
        None
    }

    /// Where a walk is after something has come.
    #[inline]
    pub(crate) fn at(entry: u32) -> Self {
        Self { row: entry & ROW }
    }

    /// Goes over all bytes in two halves at once and tells, of each half in order, what is asked for and has come, with offsets from
    /// the one that is given. A step waits for the table, and two steps wait together.
    pub(crate) fn halves(&mut self, words: &Words, asked: u32, bytes: &[u8], mut tell: impl FnMut(bool, usize, &[Come])) {
        let Some((classes, table)) = words.table.split_first_chunk::<256>() else { return };
        let table = Table { classes, next: table.as_chunks().0, asked };
        // The second half begins so early that its state is right where the first one ends.
        let early = words.longest.min(bytes.len());
        let middle = usize::midpoint(bytes.len(), early);
        let from = middle - early;
        let (first, second) = (bytes.get(..middle).unwrap_or_default(), bytes.get(from..).unwrap_or_default());
        let (mut rows, mut blocks) = ([self.row, 0], [Block::EMPTY; 2]);
        for (index, (one, two)) in first.chunks(BLOCK).zip(second.chunks(BLOCK)).enumerate() {
            table.pairs(one, two, &mut rows, &mut blocks);
            let (at, [one, two]) = (index * BLOCK, &blocks);
            tell(false, at, one.come());
            let known = two.come().partition_point(|(offset, _)| at + (*offset as usize) < early);
            tell(true, from + at, two.come().get(known..).unwrap_or_default());
        }
        self.row = rows[1];
        // The second half may be longer by one.
        let (mut rest, mut at) = (second.get(first.len()..).unwrap_or_default(), from + first.len());
        while let Some((offset, entry)) = self.next(words, asked, rest) {
            tell(true, at + offset, &[(0, entry)]);
            at += offset + 1;
            rest = rest.get(offset + 1..).unwrap_or_default();
        }
    }

    /// The words that end here.
    pub(crate) fn words(self, words: &Words) -> &[u16] {
        self.ending(words).and_then(|state| words.shape.ends.get(state)).map_or(&[], Vec::as_slice)
    }

    /// The words of contexts that end here.
    pub(crate) fn heard(self, words: &Words) -> &[u16] {
        self.ending(words).and_then(|state| words.shape.heard.get(state)).map_or(&[], Vec::as_slice)
    }

    fn ending(self, words: &Words) -> Option<usize> {
        (self.row as usize).checked_sub(words.shape.ending)?.checked_div(words.shape.stride)
    }
}
