//! Words of contexts, noted where the walk over a text comes by them, so that asking what stands before a match reads nothing again.

use crate::candidate::Surroundings;
use crate::chars::{is_letter, is_spaceless};
use crate::context::{begins_at, ends_before};
use crate::words::{BLOCK, Come, HEARD, Walk};

/// How far back words count.
pub(crate) const REACH: usize = 80;

/// Where words of contexts end, in order. Which words they are is worked out for those that are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard(Vec<(usize, Walk)>);

impl Heard {
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// Notes that words end at each of these places.
    pub(crate) fn note(&mut self, ends: &[(usize, Walk)]) {
        self.0.extend_from_slice(ends);
    }

    /// Adds what was noted of the text that follows.
    pub(crate) fn append(&mut self, mut later: Self) {
        self.0.append(&mut later.0);
    }

    /// Drops what is no longer asked for when the text before `keep` is gone.
    pub(crate) fn forget_before(&mut self, keep: usize) {
        let first = self.0.partition_point(|(end, _)| *end < keep);
        self.0.drain(..first);
    }

    /// Bytes of memory, for bounds.
    pub(crate) fn held(&self) -> usize {
        self.0.capacity() * size_of::<(usize, Walk)>()
    }

    /// Those that end shortly before `start`, the last one first.
    fn before(&self, start: usize) -> impl Iterator<Item = (usize, Walk)> {
        let (until, floor) = (self.0.partition_point(|(end, _)| *end <= start), start.saturating_sub(REACH));
        self.0.get(..until).unwrap_or_default().iter().rev().copied().take_while(move |(end, _)| *end > floor)
    }
}

/// Tells what rules begin at from words of contexts, a block at a time. Of what has come either may be wanted, so it is written to
/// both and one is kept: a wrong guess costs more.
pub(crate) struct Sorting {
    starts: [(usize, u32); BLOCK],
    ends: [(usize, Walk); BLOCK],
}

impl Sorting {
    pub(crate) fn new() -> Self {
        Self { starts: [(0, 0); BLOCK], ends: [(0, Walk::default()); BLOCK] }
    }

    /// Adds what has come, with offsets from `from`, to what rules begin at and to the words of contexts.
    pub(crate) fn sort(&mut self, come: &[Come], from: usize, asked: u32, anchors: &mut Vec<(usize, u32)>, heard: &mut Heard) {
        let (mut started, mut ended) = (0_usize, 0_usize);
        for (offset, entry) in come {
            let position = from + *offset as usize;
            if let (Some(start), Some(end)) = (self.starts.get_mut(started % BLOCK), self.ends.get_mut(ended % BLOCK)) {
                (*start, *end) = ((position, *entry), (position + 1, Walk::at(*entry)));
            }
            started += usize::from(entry & asked & !HEARD != 0);
            ended += usize::from(entry & HEARD != 0);
        }
        anchors.extend_from_slice(self.starts.get(..started).unwrap_or_default());
        heard.note(self.ends.get(..ended).unwrap_or_default());
    }
}

/// The words before the place of a text that was asked for last: several machines ask for the same place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Before {
    place: Option<usize>,
    words: Vec<u16>,
}

impl Before {
    /// The words before a match that begins at `start`, in order: whole words, whose letters no others touch. Digits and `_` may, as in
    /// `phone_1`, and so may anything where a word begins or ends in a script without spaces.
    pub(crate) fn words(&mut self, around: &Surroundings<'_>, start: usize) -> &[u16] {
        if self.place != Some(start) {
            self.place = Some(start);
            self.words.clear();
            let floor = start.saturating_sub(REACH);
            let window = around.text.slice(floor, start);
            let touches = |own: Option<char>, other: Option<char>| other.is_some_and(is_letter) && !own.is_some_and(is_spaceless);
            for (end, walk) in around.heard.before(start) {
                let end = end - floor;
                if touches(ends_before(window, end), begins_at(window, end)) {
                    continue;
                }
                for word in walk.heard(&around.compiled.anchors) {
                    let length = around.compiled.words.get(usize::from(*word)).map_or(0, String::len);
                    let begin = end.checked_sub(length).filter(|begin| !touches(begins_at(window, *begin), ends_before(window, *begin)));
                    if begin.is_some() {
                        self.words.push(*word);
                    }
                }
            }
            self.words.sort_unstable();
        }
        &self.words
    }
}
