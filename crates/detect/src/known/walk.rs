//! The words of a normalised text in one form, with a rolling hash over them, however the text arrives.
//!
//! The form: letters in lower case, digits, and combining marks stay; everything else parts words. Between two letters any number
//! of such marks counts as one space, beside a digit as nothing: `4111 1111` is `4111-1111` and `41111111`, and `Jane Q. Doe` is
//! `jane q doe`, but `the rapist` is not `therapist`. A character of a script without spaces is a word of its own, and nothing
//! stands between two of them.

use std::sync::Arc;

use super::Keys;
use crate::chars;
use crate::normal::Normal;

/// The rolling hash is a polynomial modulo this prime.
pub(crate) const PRIME: u64 = (1 << 61) - 1;
/// Longest value in bytes of its form; what is longer is no word.
pub(crate) const LONGEST: usize = 120;
/// What parts two words of one value is at most this long, in bytes of normalised text.
pub(crate) const GAP: usize = 8;
/// Bytes of the form that are kept.
const KEPT: usize = 256;

/// A word. Positions are those of the normalised text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Where it begins and ends in the form.
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// The rolling hash at both places.
    pub(crate) hash_from: u64,
    pub(crate) hash_to: u64,
    /// Characters of the text before it, and up to its end.
    pub(crate) first_char: usize,
    pub(crate) last_char: usize,
    /// Whether nothing before it belongs to it.
    pub(crate) apart: bool,
}

impl Word {
    /// Whether it is too long for a word.
    pub(crate) fn is_long(&self) -> bool {
        self.to - self.from > LONGEST
    }
}

const PARTS: u8 = 0;
const WIDE: u8 = 0xff;

/// What an ASCII character stands for in the form.
const FORM: [u8; 256] = form();

#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "runs at compile time; the index is below 256")]
const fn form() -> [u8; 256] {
    let mut table = [PARTS; 256];
    let mut index = 0;
    while index < 256 {
        let byte = index as u8;
        table[index] = match byte {
            b'a'..=b'z' | b'0'..=b'9' => byte,
            b'A'..=b'Z' => byte.to_ascii_lowercase(),
            0x80.. => WIDE,
            _ => PARTS,
        };
        index += 1;
    }
    table
}

/// What a character that is not ASCII is.
enum Wide {
    Parts,
    Letter,
    Alone,
}

fn wide(c: char) -> Wide {
    if chars::is_spaceless(c) && c.is_alphanumeric() {
        Wide::Alone
    } else if c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c) {
        Wide::Letter
    } else {
        Wide::Parts
    }
}

/// The powers of the secret point.
pub(crate) type Powers = [u64; LONGEST + 1];

pub(crate) fn powers(base: u64) -> Arc<Powers> {
    let mut power = 1;
    Arc::new(std::array::from_fn(|_| {
        let this = power;
        power = times(power, base);
        this
    }))
}

/// Multiplies modulo the prime.
#[inline]
fn times(a: u64, b: u64) -> u64 {
    folded(u128::from(a) * u128::from(b))
}

/// What is left of a number below 2¹²³ modulo the prime.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "both parts have 62 bits at most")]
fn folded(product: u128) -> u64 {
    reduced(reduced((product as u64 & PRIME) + (product >> 61) as u64))
}

/// What an ASCII character stands for in the form.
#[inline]
fn formed(byte: u8) -> u8 {
    FORM.get(usize::from(byte)).copied().unwrap_or(PARTS)
}

/// The rolling hash with more bytes behind it. Four at once: the products wait for nothing but the hash so far.
#[inline]
fn rolled(powers: &Powers, mut hash: u64, bytes: &[u8], form: impl Fn(u8) -> u8) -> u64 {
    let [_, one, two, three, four, ..] = *powers;
    let value = |byte: u8| u128::from(form(byte)) + 1;
    let times = |value: u128, power: u64| value * u128::from(power);
    let (fours, rest) = bytes.as_chunks::<4>();
    for [a, b, c, d] in fours {
        let sum = times(value(*a), three) + times(value(*b), two) + times(value(*c), one) + value(*d);
        hash = folded(times(hash.into(), four) + sum);
    }
    match *rest {
        [a] => folded(times(hash.into(), one) + value(a)),
        [a, b] => folded(times(hash.into(), two) + times(value(a), one) + value(b)),
        [a, b, c] => folded(times(hash.into(), three) + times(value(a), two) + times(value(b), one) + value(c)),
        _ => hash,
    }
}

/// The rolling hash of bytes that lie before others, of which the hash and the number are known, and of those.
pub(crate) fn before(powers: &Powers, bytes: &[u8], (hash, count): (u64, usize)) -> u64 {
    let power = powers.get(count).copied().unwrap_or(0);
    reduced(times(rolled(powers, 0, bytes, |byte| byte), power) + hash)
}

#[inline]
fn reduced(a: u64) -> u64 {
    if a >= PRIME { a - PRIME } else { a }
}

/// The walk over a text.
#[derive(Clone)]
pub(crate) struct Walk {
    base: u64,
    powers: Arc<Powers>,
    /// Whether words come with their hashes.
    hashes: bool,
    /// What parts two words is at most this long.
    longest_gap: usize,
    /// Normalised position up to which the text was read, and how many characters that is.
    next: usize,
    chars: usize,
    /// The word that has not ended.
    open: Option<Word>,
    /// Bytes since the last word.
    gap: usize,
    /// Whether nothing belongs to what comes next.
    apart: bool,
    /// Whether the form ends in a letter.
    letter: bool,
    at: usize,
    hash: u64,
    bytes: [u8; KEPT],
}

impl Walk {
    pub(crate) fn new(keys: &Keys) -> Self {
        Self {
            base: keys.base,
            powers: Arc::clone(&keys.powers),
            hashes: true,
            longest_gap: GAP,
            next: 0,
            chars: 0,
            open: None,
            gap: 0,
            apart: true,
            letter: false,
            at: 0,
            hash: 0,
            bytes: [0; KEPT],
        }
    }

    /// Where few hashes are asked for. Those of words are 0.
    pub(crate) fn without_hashes(keys: &Keys) -> Self {
        Self { hashes: false, ..Self::new(keys) }
    }

    /// Over a value, where it does not matter how far apart its words are.
    pub(crate) fn of_value(keys: &Keys) -> Self {
        Self { longest_gap: usize::MAX, ..Self::new(keys) }
    }

    /// Where words that are further apart than this do not belong together.
    pub(crate) fn within(keys: &Keys, longest_gap: usize) -> Self {
        Self { longest_gap, ..Self::new(keys) }
    }

    /// The next word, if the text shows where it ends.
    pub(crate) fn take(&mut self, text: &Normal, last: bool) -> Option<Word> {
        let bytes = text.from(self.next);
        let begin = self.next;
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            let made = formed(*byte);
            if made != PARTS && made != WIDE {
                // A word that also ends here is not written down in between.
                let word = if self.open.is_none() { Some(self.begin(begin + at, made > b'9')) } else { None };
                let run = self.run(bytes.get(at..).unwrap_or_default());
                self.chars += run;
                at += run;
                if let Some(word) = word {
                    if bytes.get(at).is_some_and(|byte| formed(*byte) == PARTS) {
                        self.next = begin + at;
                        return Some(self.ended(word));
                    }
                    self.open = Some(word);
                }
                continue;
            }
            let (c, width) = if made == WIDE { decoded(bytes.get(at..).unwrap_or_default()) } else { (' ', 1) };
            let class = if made == WIDE { wide(c) } else { Wide::Parts };
            if !matches!(class, Wide::Letter) && self.open.is_some() {
                self.next = begin + at;
                return self.close();
            }
            match class {
                Wide::Parts => self.gap += width,
                Wide::Letter => self.enter(begin + at, true),
                Wide::Alone => self.enter(begin + at, false),
            }
            if !matches!(class, Wide::Parts) {
                c.to_lowercase().for_each(|c| c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| self.push(byte)));
            }
            self.chars += 1;
            at += width;
            if matches!(class, Wide::Alone) {
                self.next = begin + at;
                return self.close();
            }
        }
        self.next = begin + at;
        if last { self.close() } else { None }
    }

    fn enter(&mut self, start: usize, letter: bool) {
        if self.open.is_some() {
            self.letter = letter;
        } else {
            self.open = Some(self.begin(start, letter));
        }
    }

    /// Begins a word.
    #[inline]
    fn begin(&mut self, start: usize, letter: bool) -> Word {
        self.apart |= self.gap > self.longest_gap;
        if self.gap > 0 && self.letter && letter && !self.apart {
            self.push(b' ');
        }
        self.letter = letter;
        let (at, hash, chars, apart) = (self.at, self.hash, self.chars, self.apart);
        self.apart = false;
        self.gap = 0;
        Word { start, end: start, from: at, to: at, hash_from: hash, hash_to: hash, first_char: chars, last_char: chars, apart }
    }

    fn close(&mut self) -> Option<Word> {
        let word = self.open.take()?;
        Some(self.ended(word))
    }

    /// The word as it ends here.
    #[inline]
    fn ended(&mut self, word: Word) -> Word {
        let word = Word { end: self.next, to: self.at, hash_to: self.hash, last_char: self.chars, ..word };
        self.apart = word.is_long();
        word
    }

    /// Takes ASCII letters and digits in; gives how many there are.
    #[inline]
    fn run(&mut self, bytes: &[u8]) -> usize {
        let mut count = 0;
        let mut last = 0;
        for byte in bytes {
            let made = formed(*byte);
            if made == PARTS || made == WIDE {
                break;
            }
            if let Some(slot) = self.bytes.get_mut(self.at.wrapping_add(count) % KEPT) {
                *slot = made;
            }
            last = made;
            count += 1;
        }
        if self.hashes {
            self.hash = rolled(&self.powers, self.hash, bytes.get(..count).unwrap_or_default(), formed);
        }
        self.at += count;
        self.letter = last > b'9';
        count
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.at % KEPT) {
            *slot = byte;
        }
        self.at += 1;
        if self.hashes {
            self.hash = reduced(times(self.hash, self.base) + u64::from(byte) + 1);
        }
    }

    /// The rolling hash of what lies between two places of the form, of which the hashes are known.
    #[inline]
    pub(crate) fn between(&self, (from, hash_from): (usize, u64), (to, hash_to): (usize, u64)) -> u64 {
        let power = self.powers.get(to - from).copied().unwrap_or(0);
        reduced(hash_to + PRIME - times(hash_from, power))
    }

    /// The rolling hash of the form between two places that are at most [`LONGEST`] behind.
    pub(crate) fn rolling(&self, from: usize, to: usize) -> u64 {
        let (head, tail) = self.parts(from, to);
        rolled(&self.powers, rolled(&self.powers, 0, head, |byte| byte), tail, |byte| byte)
    }

    /// The form between two places, in two parts.
    #[inline]
    fn parts(&self, from: usize, to: usize) -> (&[u8], &[u8]) {
        let (first, count) = (from % KEPT, to - from);
        let head = self.bytes.get(first..(first + count).min(KEPT)).unwrap_or_default();
        (head, self.bytes.get(..count - head.len()).unwrap_or_default())
    }

    /// Eight bytes of the form from a place on that is at most [`LONGEST`] behind.
    #[inline]
    pub(crate) fn eight(&self, at: usize) -> u64 {
        if let Some(eight) = self.bytes.get(at % KEPT..).and_then(|rest| rest.first_chunk()) {
            return u64::from_le_bytes(*eight);
        }
        let eight: [u8; 8] = std::array::from_fn(|index| self.bytes.get((at + index) % KEPT).copied().unwrap_or(0));
        u64::from_le_bytes(eight)
    }

    /// The form between two places that are at most [`LONGEST`] apart.
    pub(crate) fn form(&self, from: usize, to: usize, out: &mut Vec<u8>) {
        out.clear();
        self.append(from, to, out);
    }

    /// Appends the form between two places that are at most [`LONGEST`] and a space apart.
    #[inline]
    pub(crate) fn append(&self, from: usize, to: usize, out: &mut Vec<u8>) {
        let (head, tail) = self.parts(from, to);
        out.extend_from_slice(head);
        out.extend_from_slice(tail);
    }

    /// Where the word begins that has not ended, if it may be one.
    pub(crate) fn open(&self) -> Option<usize> {
        self.open.as_ref().filter(|word| self.at - word.from <= LONGEST).map(|word| word.start)
    }

    /// Whether the last word can still be continued by another.
    pub(crate) fn goes_on(&self) -> bool {
        self.open.is_some_and(|word| !word.apart && self.at - word.from <= LONGEST)
            || (self.open.is_none() && self.gap <= self.longest_gap && !self.apart)
    }

    /// Whether nothing that comes belongs to the last word, however it goes on.
    pub(crate) fn is_parted(&self) -> bool {
        self.open.map_or(self.apart || self.gap > self.longest_gap, |word| self.at - word.from > LONGEST)
    }

    /// How many characters were read.
    pub(crate) fn chars(&self) -> usize {
        self.chars
    }

    /// The first byte that is still to be read.
    pub(crate) fn next(&self) -> usize {
        self.next
    }
}

/// The first character of bytes and its width.
fn decoded(bytes: &[u8]) -> (char, usize) {
    let width = match bytes.first() {
        Some(0xF0..) => 4,
        Some(0xE0..) => 3,
        _ => 2,
    };
    let part = bytes.get(..width).unwrap_or(bytes);
    let c = std::str::from_utf8(part).ok().and_then(|text| text.chars().next());
    (c.unwrap_or(' '), part.len().max(1))
}
