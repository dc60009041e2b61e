//! Letters of base64 (RFC 4648, both alphabets) read into bytes, at each of the four ways in which a run may begin, those that
//! are digits of hexadecimal at both of its ways as well, and the stretches of text among those bytes scanned. Where a run stands
//! in a text is known in `encoded`.

use std::sync::Arc;

use crate::compile::Compiled;
use crate::detector::Hint;
use crate::stream::{Event, TextScan};
use crate::stretch::Step;

/// Not a letter of base64.
const NONE: u8 = 0xFF;

const SEXTETS: [u8; 256] = sextets();

#[expect(clippy::indexing_slicing, reason = "runs at compile time; indexes are below 256")]
const fn sextets() -> [u8; 256] {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [NONE; 256];
    let mut value = 0;
    while value < 64 {
        table[letters[value as usize] as usize] = value;
        value += 1;
    }
    table[b'-' as usize] = 62;
    table[b'_' as usize] = 63;
    table
}

pub(crate) fn sextet(byte: u8) -> u8 {
    SEXTETS.get(usize::from(byte)).copied().unwrap_or(NONE)
}

/// Whether a byte is a letter of one of the alphabets.
#[inline]
pub(crate) fn is_letter(byte: u8) -> bool {
    sextet(byte) != NONE
}

/// Fewer bytes of text in a row hold nothing.
pub(crate) const STRETCH: usize = 8;
/// Bytes that are handed to the scan at once.
const AT_ONCE: usize = 256;
/// A long finding is reported in parts of so many letters.
const CHUNK: usize = 1024;
/// The bit at which each reading begins, by the bit within a byte, halved.
const STARTS: [usize; 4] = [0, 18, 12, 6];

/// Something found in what letters stand for: which letters hold a bit of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inner {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) rule: usize,
    pub(crate) score_bp: u16,
}

/// The four readings of a run.
#[derive(Clone)]
pub(crate) struct Reader {
    bits: u32,
    letters: usize,
    readings: [Reading; 4],
    /// Two more, of pairs of digits of hexadecimal.
    pairs: [Reading; 2],
    /// The digit of hexadecimal before, and how many stand in a row.
    digit: u8,
    digits: usize,
}

/// One reading: the stretch of text that it is in, if any.
#[derive(Clone, Default)]
struct Reading {
    /// Bits of a letter.
    width: usize,
    /// The bit with which the stretch begins.
    begin: usize,
    /// Its bytes so far, in whole characters.
    length: usize,
    /// Bytes that the scan has not got.
    pending: Vec<u8>,
    character: Character,
    /// The last bit at which somebody may have begun to encode.
    opening: usize,
    /// Whether the stretch begins there.
    clean: bool,
    /// Whether a stretch has begun, if only with a part of a character.
    busy: bool,
    scan: Option<Box<TextScan>>,
    cover: Option<Inner>,
}

/// A character that is not complete.
#[derive(Clone, Copy, Debug, Default)]
struct Character {
    /// Bytes of it that have come.
    come: usize,
    /// What is needed of it; 0 for nothing.
    state: u8,
}

impl Character {
    /// Takes a byte; false when it cannot stand here in a text.
    fn take(&mut self, byte: u8) -> bool {
        let step = Step::from(self.state, byte);
        if step.goes_on() {
            *self = Self { come: self.come + 1, state: step.state };
        }
        step.goes_on()
    }
}

fn may_begin(byte: u8) -> bool {
    Step::from(0, byte).goes_on()
}

impl Default for Reader {
    fn default() -> Self {
        let readings = STARTS.map(|opening| Reading { width: 6, opening, ..Reading::default() });
        let pair = Reading { width: 4, ..Reading::default() };
        Self { bits: 0, letters: 0, readings, pairs: [pair.clone(), pair], digit: 0, digits: 0 }
    }
}

impl Reader {
    /// Takes a letter of the run.
    #[inline]
    pub(crate) fn feed(&mut self, letter: u8, compiled: &Arc<Compiled>, out: &mut Vec<Inner>) {
        self.feed_pair(letter, compiled, out);
        self.bits = (self.bits << 6 | u32::from(sextet(letter) & 63)) & 0xFFFF;
        self.letters += 1;
        let bit = self.letters * 6;
        for shift in [4, 2, 0] {
            let [.., byte] = (self.bits >> shift).to_be_bytes();
            let index = (bit - shift) / 2 % 4;
            let Some(reading) = self.readings.get_mut(index) else { continue };
            if !reading.busy && !may_begin(byte) {
                continue;
            }
            if let Some(from) = (bit - shift).checked_sub(8).filter(|from| STARTS.get(index).is_some_and(|start| from >= start)) {
                reading.byte(byte, from, compiled, out);
            }
        }
        // Text that ends in one of these ends in `?`, `>` or `~` when it is read, which glues to nothing; what follows may be the
        // beginning of what was encoded.
        if matches!(letter, b'/' | b'_' | b'-' | b'+')
            && let Some(reading) = self.readings.get_mut(bit / 2 % 4)
        {
            reading.opening = bit;
        }
    }

    /// Takes it as a digit of hexadecimal, if it is one.
    #[inline]
    fn feed_pair(&mut self, letter: u8, compiled: &Arc<Compiled>, out: &mut Vec<Inner>) {
        let Some(digit) = char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok()) else {
            self.end_pairs(compiled, out);
            return;
        };
        let (byte, first) = (self.digit << 4 | digit, self.letters.wrapping_sub(1));
        (self.digit, self.digits) = (digit, self.digits + 1);
        if self.digits == 1 {
            self.pairs.iter_mut().for_each(|pair| pair.opening = self.letters * 4);
        } else if let Some(pair) = self.pairs.get_mut(first % 2).filter(|pair| pair.busy || may_begin(byte)) {
            pair.byte(byte, first * 4, compiled, out);
        }
    }

    fn end_pairs(&mut self, compiled: &Arc<Compiled>, out: &mut Vec<Inner>) {
        if self.digits > 0 {
            self.pairs.iter_mut().filter(|pair| pair.busy).for_each(|pair| pair.end(compiled, out));
            self.digits = 0;
        }
    }

    fn all(&self) -> impl Iterator<Item = &Reading> {
        self.readings.iter().chain(&self.pairs)
    }

    /// Scans what has come.
    pub(crate) fn flush(&mut self, compiled: &Compiled, out: &mut Vec<Inner>) {
        self.readings.iter_mut().chain(&mut self.pairs).for_each(|reading| reading.flush(compiled, out));
    }

    /// Says that the run is over; another one may follow.
    pub(crate) fn finish(&mut self, compiled: &Arc<Compiled>, out: &mut Vec<Inner>) {
        for (reading, start) in self.readings.iter_mut().zip(STARTS) {
            if reading.busy {
                reading.end(compiled, out);
            }
            reading.opening = start;
        }
        self.end_pairs(compiled, out);
        (self.bits, self.letters) = (0, 0);
    }

    /// The first letter that something undecided may hold a bit of.
    pub(crate) fn hold(&self) -> usize {
        let last = self.letters.saturating_sub(1);
        self.all().filter_map(Reading::hold).min().map_or(last, |letter| letter.min(last))
    }

    /// Bytes of memory, for bounds.
    pub(crate) fn held(&self) -> usize {
        let of = |reading: &Reading| reading.pending.capacity() + reading.scan.as_ref().map_or(0, |scan| scan.held());
        self.all().map(of).sum()
    }
}

impl Reading {
    /// Takes the byte that begins with the bit `from`.
    fn byte(&mut self, byte: u8, from: usize, compiled: &Arc<Compiled>, out: &mut Vec<Inner>) {
        if !self.character.take(byte) {
            let within = self.character.state > 0;
            if self.busy {
                self.end(compiled, out);
            }
            // The byte that a character broke off at may begin the next one.
            if !within || !self.character.take(byte) {
                return;
            }
        }
        if !self.busy {
            (self.begin, self.busy, self.clean) = (from, true, from == self.opening);
        }
        self.pending.push(byte);
        if self.character.state > 0 {
            return;
        }
        self.length += self.character.come;
        self.character = Character::default();
        if self.scan.is_none() && self.length >= STRETCH {
            self.scan = Some(Box::new(TextScan::new(Arc::clone(compiled), Hint::default(), false, &[])));
        }
        if self.pending.len() >= AT_ONCE {
            self.flush(compiled, out);
        }
    }

    /// Hands whole characters to the scan.
    fn flush(&mut self, compiled: &Compiled, out: &mut Vec<Inner>) {
        let Some(scan) = &mut self.scan else { return };
        let whole = self.pending.len().saturating_sub(self.character.come);
        if let Some(text) = self.pending.get(..whole).and_then(|bytes| std::str::from_utf8(bytes).ok()) {
            scan.push(text);
        }
        self.pending.drain(..whole);
        self.report(compiled, out);
    }

    /// Ends the stretch.
    fn end(&mut self, compiled: &Arc<Compiled>, out: &mut Vec<Inner>) {
        // A character that broke off is no part of it.
        let part = std::mem::take(&mut self.character).come.min(self.pending.len());
        self.pending.truncate(self.pending.len() - part);
        self.flush(compiled, out);
        if let Some(scan) = &mut self.scan {
            scan.finish();
            self.report(compiled, out);
        }
        self.pending.clear();
        (self.scan, self.cover, self.length, self.busy) = (None, None, 0, false);
    }

    fn report(&mut self, compiled: &Compiled, out: &mut Vec<Inner>) {
        let Some(scan) = &mut self.scan else { return };
        let mut events = Vec::new();
        scan.drain(&mut events);
        for event in events {
            match event {
                Event::Found { finding, open } => {
                    let Some(rule) = compiled.rules.iter().position(|rule| rule.id == finding.rule) else { continue };
                    // Among what looks random, short values come by chance, and links stand in pictures and in certificates.
                    let weak = finding.label.as_str() == "pii.url" || finding.end - finding.start < STRETCH;
                    if weak && !open && !self.clean {
                        continue;
                    }
                    let (from, to) = ((self.begin + finding.start * 8) / self.width, (self.begin + finding.end * 8).div_ceil(self.width));
                    self.cover = Some(Inner { from, to, rule, score_bp: finding.score_bp });
                    self.cut(open, out);
                }
                Event::Extended { end, open, .. } => {
                    if let Some(cover) = &mut self.cover {
                        cover.to = cover.to.max((self.begin + end * 8).div_ceil(self.width));
                    }
                    self.cut(open, out);
                }
                Event::Below(_) | Event::Token(_) => {}
            }
        }
    }

    /// Reports what is complete of a finding: all of it, or whole chunks while it grows.
    fn cut(&mut self, open: bool, out: &mut Vec<Inner>) {
        let Some(cover) = &mut self.cover else { return };
        while cover.to - cover.from > CHUNK {
            out.push(Inner { to: cover.from + CHUNK, ..*cover });
            cover.from += CHUNK;
        }
        if !open {
            out.extend(self.cover.take());
        }
    }

    fn hold(&self) -> Option<usize> {
        if let Some(cover) = &self.cover {
            return Some(cover.from);
        }
        let settled = self.scan.as_ref().map_or(0, |scan| scan.settled());
        self.busy.then_some((self.begin + settled * 8) / self.width)
    }
}
