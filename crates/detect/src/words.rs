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
const BLOCK: usize = 64;

/// An offset, and what has come there in each half.
type Pair = (u32, u32, u32);

/// A table at hand.
struct Table<'a> {
    classes: &'a [u8; 256],
    next: &'a [[u8; 4]],
    asked: u32,
}

impl Table<'_> {
    /// Goes over two pieces of at most a block at once and notes where something comes that is asked for; returns how often.
    /// A function of its own, so that everything it needs is in registers.
    #[inline(never)]
    fn pairs(&self, first: &[u8], second: &[u8], rows: &mut [u32; 2], pairs: &mut [Pair; BLOCK]) -> usize {
        let (classes, next, asked) = (self.classes, self.next, self.asked);
        let ([mut one, mut two], mut count) = (*rows, 0_usize);
        let step = |row: u32, byte: u8| {
            let class = classes.get(usize::from(byte)).copied().unwrap_or_default();
            next.get(row.wrapping_add(u32::from(class)) as usize).map(|entry| u32::from_le_bytes(*entry))
        };
        for (offset, (a, b)) in (0_u32..).zip(first.iter().zip(second)) {
            let (Some(a), Some(b)) = (step(one, *a), step(two, *b)) else { break };
            (one, two) = (a & ROW, b & ROW);
            if (a | b) & asked != 0
                && let Some(pair) = pairs.get_mut(count)
            {
                *pair = (offset, a, b);
                count += 1;
            }
        }
        *rows = [one, two];
        count
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

    /// Goes over all bytes in two halves at once and tells, of each half in order, the offset of what is asked for, what has come
    /// there, and the walk there. A step waits for the table, and two steps wait together.
    pub(crate) fn halves(&mut self, words: &Words, asked: u32, bytes: &[u8], mut tell: impl FnMut(bool, usize, u32, Self)) {
        let Some((classes, table)) = words.table.split_first_chunk::<256>() else { return };
        let table = Table { classes, next: table.as_chunks().0, asked };
        // The second half begins so early that its state is right where the first one ends.
        let early = words.longest.min(bytes.len());
        let middle = usize::midpoint(bytes.len(), early);
        let from = middle - early;
        let (first, second) = (bytes.get(..middle).unwrap_or_default(), bytes.get(from..).unwrap_or_default());
        let (mut rows, mut pairs) = ([self.row, 0], [Pair::default(); BLOCK]);
        for (index, (one, two)) in first.chunks(BLOCK).zip(second.chunks(BLOCK)).enumerate() {
            let count = table.pairs(one, two, &mut rows, &mut pairs);
            for (offset, one, two) in pairs.iter().take(count).copied() {
                let offset = index * BLOCK + offset as usize;
                if one & asked != 0 {
                    tell(false, offset, one, Self { row: one & ROW });
                }
                if two & asked != 0 && offset >= early {
                    tell(true, from + offset, two, Self { row: two & ROW });
                }
            }
        }
        self.row = rows[1];
        // The second half may be longer by one.
        let (mut rest, mut at) = (second.get(first.len()..).unwrap_or_default(), from + first.len());
        while let Some((offset, entry)) = self.next(words, asked, rest) {
            tell(true, at + offset, entry, *self);
            at += offset + 1;
            rest = rest.get(offset + 1..).unwrap_or_default();
        }
    }

    /// The words that end here.
    pub(crate) fn words(self, words: &Words) -> &[u16] {
        let state = (self.row as usize).checked_sub(words.shape.ending).and_then(|rows| rows.checked_div(words.shape.stride));
        state.and_then(|state| words.shape.ends.get(state)).map_or(&[], Vec::as_slice)
    }
}
