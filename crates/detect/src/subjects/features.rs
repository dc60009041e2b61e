//! Tokens and the rows of weights that they ask for. Words count in small letters, numbers by their form, marks one by one, lines by
//! how they are indented. The hashes are part of the model's format.

use crate::names::hash::{finish, mix};

/// Most letters of a word that count.
const LETTERS: usize = 24;
/// A longer word counts by its first letters too, so that its forms are one.
const STEM: usize = 5;
/// Most rows of one token.
pub(crate) const ROWS: usize = 6;

const WORD: u64 = 0x51;
const PAIR: u64 = 0x52;
const BEGIN: u64 = 0x53;
const SHAPE: u64 = 0x54;
const INDENT: u64 = 0x55;
const LINE_END: u64 = 0x56;
const NUMBER: u64 = 0x57;
const MARK: u64 = 0x58;

/// A token with its rows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Token {
    /// First byte.
    pub(crate) start: usize,
    /// One past the last.
    pub(crate) end: usize,
    rows: [u32; ROWS],
    count: usize,
}

impl Token {
    /// The rows of weights that it asks for.
    pub(crate) fn rows(&self) -> &[u32] {
        self.rows.get(..self.count).unwrap_or_default()
    }

    fn ask(&mut self, bits: u32, hash: u64) {
        if let Some(slot) = self.rows.get_mut(self.count) {
            *slot = u32::try_from(finish(hash) >> (64 - bits)).unwrap_or(0);
            self.count += 1;
        }
    }
}

/// What a byte is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    White,
    Letter,
    Digit,
    Mark,
}

fn kind(byte: u8) -> Kind {
    match byte {
        b'0'..=b'9' => Kind::Digit,
        b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => Kind::Letter,
        0..=b' ' | 0x7F => Kind::White,
        _ => Kind::Mark,
    }
}

/// Between white space and letters lie quotation marks and dashes of print, which are neither.
fn print_mark(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at..at + 2)? {
        [0xE2, 0x80] => Some(3),
        [0xC2, _] => Some(2),
        _ => None,
    }
}

/// The walk over a text, part by part: a part ends the token and the line.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    bits: u32,
    /// Hash of the token before, and whether it was a mark.
    before: u64,
    mark: bool,
    /// Indentation, where a line has begun and no token stands in it yet.
    indent: Option<u64>,
}

impl Walk {
    pub(crate) fn new(bits: u32) -> Self {
        Self { bits, before: 0, mark: false, indent: Some(0) }
    }

    /// Hands out the tokens of a part.
    pub(crate) fn part(&mut self, text: &str, each: &mut dyn FnMut(Token) -> bool) -> bool {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            if let Some(skip) = print_mark(bytes, at) {
                at += skip;
                continue;
            }
            let token = match kind(byte) {
                Kind::White => {
                    self.white(byte);
                    at += 1;
                    continue;
                }
                Kind::Letter => self.word(bytes, at),
                Kind::Digit => self.number(bytes, at),
                Kind::Mark => self.sign(bytes, at, byte),
            };
            at = token.end;
            if token.count > 0 && !each(token) {
                return false;
            }
        }
        self.white(b'\n');
        true
    }

    fn white(&mut self, byte: u8) {
        match (byte, &mut self.indent) {
            (b'\n', indent) => *indent = Some(0),
            (b'\t', Some(indent)) => *indent += 4,
            (_, Some(indent)) => *indent += 1,
            _ => {}
        }
    }

    /// The rows that every token asks for.
    fn enter(&mut self, token: &mut Token, hash: u64, form: u64, mark: bool) {
        token.ask(self.bits, hash);
        token.ask(self.bits, mix(mix(PAIR, self.before), hash));
        if let Some(indent) = self.indent.take() {
            if self.mark {
                token.ask(self.bits, mix(LINE_END, self.before));
            }
            let indent = [1, 3, 5, 9, 17].iter().filter(|least| indent >= **least).count() as u64;
            token.ask(self.bits, mix(mix(INDENT, indent), form));
        }
        (self.before, self.mark) = (hash, mark);
    }

    fn word(&mut self, bytes: &[u8], start: usize) -> Token {
        let (mut hash, mut stem, mut length) = (WORD, 0, 0_usize);
        let (mut upper, mut lower, mut last, mut end) = (0_usize, 0_usize, 0_u8, start);
        let first = bytes.get(start).copied().unwrap_or_default();
        while let Some(byte) = bytes.get(end).copied().filter(|byte| matches!(kind(*byte), Kind::Letter | Kind::Digit)) {
            if byte >= 0x80 && print_mark(bytes, end).is_some() {
                break;
            }
            upper += usize::from(byte.is_ascii_uppercase());
            lower += usize::from(byte.is_ascii_lowercase());
            // Capital letters of Latin-1 lie 32 below the small ones.
            let capital = last == 0xC3 && (0x80..=0x9E).contains(&byte) && byte != 0x97;
            let small = if capital { byte | 0x20 } else { byte.to_ascii_lowercase() };
            if length < LETTERS {
                hash = mix(hash, u64::from(small));
            }
            length += 1;
            if length == STEM {
                stem = hash;
            }
            last = byte;
            end += 1;
        }
        let form = match (upper, lower) {
            (0, _) => 1,
            (1, _) if first.is_ascii_uppercase() => 2,
            (_, 0) => 3,
            _ => 4,
        };
        let mut token = Token { start, end, ..Token::default() };
        let before = self.mark;
        self.enter(&mut token, hash, form, false);
        if length > STEM {
            token.ask(self.bits, mix(BEGIN, stem));
        }
        if form > 1 {
            token.ask(self.bits, mix(mix(SHAPE, form), u64::from(before)));
        }
        token
    }

    fn number(&mut self, bytes: &[u8], start: usize) -> Token {
        let (mut end, mut digits, mut points, mut behind) = (start, 0_u64, 0_u64, 0_u64);
        while let Some(byte) = bytes.get(end).copied() {
            let inner = matches!(byte, b'.' | b',') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
            if byte.is_ascii_digit() {
                (digits, behind) = (digits + 1, behind + 1);
            } else if inner {
                (points, behind) = (points + 1, 0);
            } else {
                break;
            }
            end += 1;
        }
        let year = points == 0 && digits == 4 && matches!(bytes.get(start..start + 2), Some(b"19" | b"20"));
        let hash = mix(mix(mix(NUMBER, digits.min(9)), points.min(2)), if points > 0 { behind.min(4) } else { 7 + u64::from(year) });
        let mut token = Token { start, end, ..Token::default() };
        self.enter(&mut token, hash, 5, false);
        token
    }

    fn sign(&mut self, bytes: &[u8], start: usize, byte: u8) -> Token {
        let hash = mix(MARK, u64::from(byte));
        let run = bytes.get(start..).unwrap_or_default().iter().take_while(|other| **other == byte).count().max(1);
        let mut token = Token { start, end: start + run, ..Token::default() };
        // Lines of the same mark are ornaments; two of one are often an operator.
        let hash = if run > 1 { mix(hash, run.min(3) as u64) } else { hash };
        self.enter(&mut token, hash, 6, true);
        token
    }
}
