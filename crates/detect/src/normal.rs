//! The normalised view of a text, built as the text arrives, with a map back to raw byte offsets. It knows nothing of rules.
//!
//! Most bytes stand for themselves; a [`Segment`] begins where that changes, so plain text costs one copy and no map.

use std::fmt;

use crate::chars::{self, Folded};
use crate::edges;
use crate::escapes::{self, Escape};

/// From `norm` on, normalised bytes map to raw bytes; `len` 0 means one to one, else all of them come from `len` raw bytes.
#[derive(Clone, Copy, Debug)]
struct Segment {
    norm: usize,
    raw: usize,
    len: usize,
}

/// The kept part of the normalised text. Positions are absolute: they count from the start of the text.
#[derive(Clone)]
pub(crate) struct Normal {
    bytes: Vec<u8>,
    base: usize,
    segments: Vec<Segment>,
    raw: usize,
    pending: String,
}

impl fmt::Debug for Normal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Normal").finish_non_exhaustive()
    }
}

impl Normal {
    pub(crate) fn new() -> Self {
        Self { bytes: Vec::new(), base: 0, segments: vec![Segment { norm: 0, raw: 0, len: 0 }], raw: 0, pending: String::new() }
    }

    /// One past the last normalised byte.
    #[inline]
    pub(crate) fn end(&self) -> usize {
        self.base + self.bytes.len()
    }

    /// Raw bytes taken in so far, an unfinished escape at the end left out.
    pub(crate) fn raw_end(&self) -> usize {
        self.raw
    }

    /// The normalised bytes from `from` on.
    #[inline]
    pub(crate) fn from(&self, from: usize) -> &[u8] {
        self.bytes.get(from.saturating_sub(self.base)..).unwrap_or_default()
    }

    /// The normalised bytes between two positions, as far as they are kept.
    #[inline]
    pub(crate) fn slice(&self, from: usize, to: usize) -> &[u8] {
        let from = from.saturating_sub(self.base);
        let to = to.saturating_sub(self.base).min(self.bytes.len());
        self.bytes.get(from..to).unwrap_or_default()
    }

    /// The byte at a position, if it is kept.
    #[inline]
    pub(crate) fn at(&self, position: usize) -> Option<u8> {
        self.bytes.get(position.checked_sub(self.base)?).copied()
    }

    /// The byte before a position.
    #[inline]
    pub(crate) fn before(&self, position: usize) -> Option<u8> {
        self.at(position.checked_sub(1)?)
    }

    /// How many bytes are held, for the memory bound.
    pub(crate) fn held(&self) -> usize {
        self.bytes.capacity() + self.segments.capacity() * size_of::<Segment>() + self.pending.capacity()
    }

    /// Takes in more text; `last` says that nothing follows.
    pub(crate) fn push(&mut self, text: &str, last: bool) {
        if self.pending.is_empty() {
            self.take(text, last);
        } else {
            let mut joined = std::mem::take(&mut self.pending);
            joined.push_str(text);
            self.take(&joined, last);
        }
    }

    fn take(&mut self, text: &str, last: bool) {
        let mut rest = text;
        while !rest.is_empty() {
            let plain = self.plain_run(rest);
            if plain > 0 {
                let Some((head, tail)) = rest.split_at_checked(plain) else { return };
                self.copy(head.as_bytes());
                rest = tail;
                continue;
            }
            let used = self.take_special(rest, last);
            match rest.get(used..) {
                Some(tail) if used > 0 => rest = tail,
                _ => {
                    self.pending.push_str(rest);
                    return;
                }
            }
        }
    }

    /// How many bytes at the start of a text stand for themselves. Plain ASCII is told from the rest in blocks that compile to
    /// vector code.
    fn plain_run(&self, text: &str) -> usize {
        let bytes = text.as_bytes();
        let changes = |at: usize, byte: u8| chars::is_special(byte) && !self.stays(text, at);
        let mut from = 0;
        while let Some(block) = bytes.get(from..).and_then(<[u8]>::first_chunk) {
            let mut marked = marks(block);
            while marked != 0 {
                let at = marked.trailing_zeros() as usize;
                if block.get(at).is_some_and(|byte| changes(from + at, *byte)) {
                    return from + at;
                }
                marked &= marked - 1;
            }
            from += BLOCK;
        }
        let rest = bytes.get(from..).unwrap_or_default();
        from + rest.iter().enumerate().position(|(at, byte)| changes(from + at, *byte)).unwrap_or(rest.len())
    }

    /// Whether the character that begins at `at` stands for itself: nothing ever changes it, or it looks like a letter of ASCII and
    /// stands in a word of its own script. False where that is not clear.
    fn stays(&self, text: &str, at: usize) -> bool {
        let bytes = text.as_bytes();
        let bits = |at: usize| bytes.get(at).map_or(0, |byte| u32::from(byte & 0x3F));
        match bytes.get(at) {
            Some(first @ 0xC2..=0xDF) => {
                chars::stays(u32::from(first & 0x1F) << 6 | bits(at + 1))
                    || text.get(at..).and_then(|rest| rest.chars().next()).is_some_and(|c| chars::look_alike(c).is_some())
                        && self.char_before(text, at).is_some_and(is_foreign)
            }
            Some(first @ 0xE0..=0xEF) => chars::stays(u32::from(first & 0xF) << 12 | bits(at + 1) << 6 | bits(at + 2)),
            _ => false,
        }
    }

    /// The character before a place in text that stands for itself up to there and comes next.
    fn char_before(&self, text: &str, at: usize) -> Option<char> {
        text.get(..at).and_then(|before| before.chars().next_back()).or_else(|| edges::char_before(self, self.end()))
    }

    /// Takes one character or escape in; returns how many raw bytes it was, 0 when more text is needed.
    fn take_special(&mut self, text: &str, last: bool) -> usize {
        let Some(first) = text.chars().next() else { return 0 };
        let Some((c, used)) = read(text, first, last) else { return 0 };
        let folded = match chars::look_alike(c) {
            None => chars::fold(c),
            Some(ascii) => match self.is_disguised(text.get(used..).unwrap_or_default(), last) {
                None => return 0,
                Some(true) => Folded::Ascii(ascii),
                Some(false) => Folded::Same,
            },
        };
        match folded {
            Folded::Dropped => {}
            Folded::Ascii(byte) => self.write(&[byte], used),
            Folded::Same => {
                let mut buffer = [0; 4];
                let encoded = c.encode_utf8(&mut buffer).as_bytes();
                if c == first && used == encoded.len() {
                    self.copy(encoded);
                    return used;
                }
                self.write(encoded, used);
            }
        }
        self.raw += used;
        used
    }

    /// Whether a letter that looks like one of ASCII is meant to: it follows one, or only letters of its kind stand between it and
    /// the next one and no other letter before it, or it stands between two digits. `None` when more text is needed.
    fn is_disguised(&self, rest: &str, last: bool) -> Option<bool> {
        let before = edges::char_before(self, self.end());
        if before.is_some_and(|c| c.is_ascii_alphabetic()) {
            return Some(true);
        }
        if before.is_some_and(is_foreign) {
            return Some(false);
        }
        let more = if last { Some(false) } else { None };
        let mut after_digit = before.is_some_and(|c| c.is_ascii_digit());
        let mut rest = rest;
        for _ in 0..ALIKE {
            let Some(first) = rest.chars().next() else { return more };
            let Some((c, used)) = read(rest, first, last) else { return more };
            let counts = |c: char| c.is_ascii_alphabetic() || after_digit && c.is_ascii_digit();
            let mut ascii = counts(c);
            match chars::fold(c) {
                Folded::Ascii(byte) => ascii = counts(char::from(byte)),
                Folded::Same if !ascii && chars::look_alike(c).is_none() && !c.is_ascii_digit() => return Some(false),
                Folded::Same | Folded::Dropped => {}
            }
            if ascii {
                return Some(true);
            }
            after_digit &= chars::fold(c) == Folded::Dropped;
            rest = rest.get(used..).unwrap_or_default();
        }
        Some(false)
    }

    /// Appends bytes that stand for themselves.
    fn copy(&mut self, bytes: &[u8]) {
        let (norm, raw) = (self.end(), self.raw);
        let follows = self.segments.last().is_some_and(|last| last.len == 0 && norm - last.norm == raw - last.raw);
        if !follows {
            self.segments.push(Segment { norm, raw, len: 0 });
        }
        self.bytes.extend_from_slice(bytes);
        self.raw += bytes.len();
    }

    /// Appends bytes that stand for the next `len` raw bytes.
    fn write(&mut self, bytes: &[u8], len: usize) {
        self.segments.push(Segment { norm: self.end(), raw: self.raw, len });
        self.bytes.extend_from_slice(bytes);
    }

    fn segment(&self, position: usize) -> Segment {
        let index = self.segments.partition_point(|segment| segment.norm <= position);
        index.checked_sub(1).and_then(|index| self.segments.get(index)).copied().unwrap_or(Segment { norm: 0, raw: 0, len: 0 })
    }

    /// Whether the byte at `position` is the raw byte itself, not the result of an escape or a fold.
    pub(crate) fn is_literal(&self, position: usize) -> bool {
        self.segment(position).len == 0
    }

    /// Whether the byte at `position` was written with a backslash and one character.
    pub(crate) fn is_backslashed(&self, position: usize) -> bool {
        self.segment(position).len == 2 && self.at(position).is_some_and(|byte| byte.is_ascii())
    }

    /// Raw offset at which the byte at `position` begins; for the end of the text, the end of what was taken in.
    pub(crate) fn raw_start(&self, position: usize) -> usize {
        if position >= self.end() {
            return self.raw;
        }
        let segment = self.segment(position);
        if segment.len == 0 { segment.raw + (position - segment.norm) } else { segment.raw }
    }

    /// Raw offset one past the byte before `end`.
    pub(crate) fn raw_stop(&self, end: usize) -> usize {
        let Some(position) = end.checked_sub(1) else { return 0 };
        let segment = self.segment(position);
        if segment.len == 0 { segment.raw + (position - segment.norm) + 1 } else { segment.raw + segment.len }
    }

    /// The first position that is kept.
    pub(crate) fn base(&self) -> usize {
        self.base
    }

    /// Forgets everything before `keep`, when that is worth moving the rest; whether it was.
    pub(crate) fn forget_before(&mut self, keep: usize, worth: usize) -> bool {
        let count = keep.saturating_sub(self.base).min(self.bytes.len());
        if count < worth {
            return false;
        }
        self.bytes.drain(..count);
        self.base += count;
        let first = self.segments.partition_point(|segment| segment.norm <= self.base).saturating_sub(1);
        self.segments.drain(..first);
        true
    }
}

/// Whether a character is a letter of words that have none of ASCII.
fn is_foreign(c: char) -> bool {
    !c.is_ascii() && chars::is_letter(c)
}

/// The character or escape that a text begins with, and its raw bytes; `None` when more is needed. All escapes begin with ASCII.
fn read(text: &str, first: char, last: bool) -> Option<(char, usize)> {
    if !first.is_ascii() {
        return Some((first, first.len_utf8()));
    }
    match escapes::read(text.as_bytes(), last) {
        Escape::Literal => Some((first, first.len_utf8())),
        Escape::Char(c, used) => Some((c, used)),
        Escape::Partial => None,
    }
}

/// Letters in a row that may look like others before one of ASCII.
const ALIKE: usize = 12;

/// Bytes tested at once.
const BLOCK: usize = 32;

/// A bit for each byte that may be special: marks of escapes, and all that is not ASCII.
fn marks(block: &[u8; BLOCK]) -> u32 {
    let mut marks = [0_u8; BLOCK];
    let mut any = 0;
    for (mark, byte) in marks.iter_mut().zip(block) {
        *mark = u8::from(*byte >= 0x80 || *byte == b'%' || *byte == b'&' || *byte == b'\\');
        any |= *mark;
    }
    if any == 0 { 0 } else { chars::bits(&marks) }
}

/// The normalised form of a whole text: what the rules see.
pub fn normalise(text: &str) -> String {
    let mut normal = Normal::new();
    normal.push(text, true);
    String::from_utf8_lossy(&normal.bytes).into_owned()
}
