//! Words, numbers and single marks of a normalised text, one after the other, wherever the text is cut.

use super::gazetteer::{Gazetteer, LOW_TRIGGER};
use super::hash;
use crate::normal::Normal;

/// Marks that code is full of.
const CODE_MARKS: &[u8] = b"{}()[];=<>`|*#&$+~^\\";
/// Longest word; what is longer is cut and is no name.
pub(crate) const LONGEST: usize = 37;
/// White space of this length is a token of its own, so that nothing waits for what follows it.
const BREAK: usize = 64;

/// What a token looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Shape {
    /// Before the text and after it.
    Outside,
    /// A lot of white space.
    Break,
    /// A mark.
    Mark,
    /// Small letters.
    Small,
    /// A capital and small letters.
    Capital,
    /// Two letters and more, capitals only.
    Capitals,
    /// One capital.
    Initial,
    /// Capitals behind small letters, with a capital first.
    Mixed,
    /// The same with a small letter first.
    Camel,
    /// One or two digits.
    Digits2,
    /// Three digits.
    Digits3,
    /// Four digits.
    Digits4,
    /// Five digits.
    Digits5,
    /// More digits.
    Digits,
    /// Letters behind digits.
    DigitLetters,
    /// Digits behind letters.
    LetterDigits,
    /// With an underscore.
    Snake,
    /// Part of a run of letters that is too long for a word.
    Long,
    /// Letters of a script that the model never saw.
    Foreign,
}

impl Shape {
    /// Whether it is made of digits.
    #[inline]
    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Digits2 | Self::Digits3 | Self::Digits4 | Self::Digits5 | Self::Digits | Self::DigitLetters)
    }

    /// Whether a name may begin with it.
    fn triggers(self) -> bool {
        matches!(
            self,
            Self::Capital
                | Self::Capitals
                | Self::Initial
                | Self::Mixed
                | Self::Digits2
                | Self::Digits3
                | Self::Digits4
                | Self::Digits5
                | Self::Digits
                | Self::DigitLetters
        )
    }
}

/// What stands between a token and the one before.
pub(crate) const GLUED: u8 = 0;
pub(crate) const SPACE: u8 = 1;
pub(crate) const LINE: u8 = 2;
pub(crate) const PARAGRAPH: u8 = 3;

/// A token. Positions are those of the normalised text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Hash of its lower case.
    pub(crate) lower: u64,
    pub(crate) lists: u16,
    pub(crate) shape: Shape,
    pub(crate) gap: u8,
    /// Whether the tagger looks at it even where no name is open.
    pub(crate) trigger: bool,
    /// Whether it is a mark of the kind that code is full of.
    pub(crate) code_mark: bool,
}

impl Token {
    /// What stands before and behind a text.
    pub(crate) const OUTSIDE: Self =
        Self { start: 0, end: 0, lower: 0, lists: 0, shape: Shape::Outside, gap: PARAGRAPH, trigger: false, code_mark: false };

    /// Whether it looks like a piece of code.
    #[inline]
    pub(crate) fn is_code(&self) -> bool {
        self.code_mark || matches!(self.shape, Shape::Snake | Shape::Camel | Shape::Mixed | Shape::LetterDigits | Shape::Long)
    }
}

const WHITE: u8 = 0;
const SMALL: u8 = 1;
const CAPITAL: u8 = 2;
const DIGIT: u8 = 3;
const UNDER: u8 = 4;
const MARK: u8 = 5;
const HIGH: u8 = 6;

const CLASSES: [u8; 256] = classes();

#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "runs at compile time; the index is below 256")]
const fn classes() -> [u8; 256] {
    let mut table = [MARK; 256];
    let mut index = 0;
    while index < 256 {
        let byte = index as u8;
        table[index] = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C => WHITE,
            b'a'..=b'z' => SMALL,
            b'A'..=b'Z' => CAPITAL,
            b'0'..=b'9' => DIGIT,
            b'_' => UNDER,
            0x80.. => HIGH,
            _ => MARK,
        };
        index += 1;
    }
    table
}

#[inline]
fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(MARK)
}

/// What a word is made of.
#[derive(Default)]
struct Parts {
    small: u32,
    capitals: u32,
    digits: u32,
    under: bool,
    foreign: bool,
    /// Class of its first character.
    first: Option<u8>,
    /// Whether a capital follows a small letter.
    hump: bool,
}

impl Parts {
    #[inline]
    fn add(&mut self, class: u8) {
        match class {
            SMALL => self.small += 1,
            CAPITAL => {
                self.hump |= self.small > 0;
                self.capitals += 1;
            }
            DIGIT => self.digits += 1,
            _ => self.under = true,
        }
        self.first.get_or_insert(class);
    }

    fn shape(&self) -> Shape {
        match (self.small, self.capitals, self.digits) {
            _ if self.foreign => Shape::Foreign,
            _ if self.under => Shape::Snake,
            (0, 0, digits) => match digits {
                0..=2 => Shape::Digits2,
                3 => Shape::Digits3,
                4 => Shape::Digits4,
                5 => Shape::Digits5,
                _ => Shape::Digits,
            },
            (_, _, 1..) if self.first == Some(DIGIT) => Shape::DigitLetters,
            (_, _, 1..) => Shape::LetterDigits,
            (0, 1, 0) => Shape::Initial,
            (0, _, 0) => Shape::Capitals,
            (_, 0, 0) => Shape::Small,
            (_, 1, 0) if self.first == Some(CAPITAL) => Shape::Capital,
            _ if self.first == Some(CAPITAL) => Shape::Mixed,
            _ => Shape::Camel,
        }
    }
}

/// Cuts a text into tokens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens {
    /// Where the next token is looked for, white space before it included.
    pub(crate) next: usize,
    /// Whether the last token was cut because it was too long.
    long: bool,
}

impl Tokens {
    /// The next token, if the text shows where it ends.
    #[inline]
    pub(crate) fn take(&mut self, text: &Normal, last: bool, lists: &Gazetteer<'_>) -> Option<Token> {
        let rest = text.from(self.next);
        let mut white = 0;
        let mut gap = GLUED;
        for byte in rest.iter().take(BREAK) {
            if class(*byte) != WHITE {
                break;
            }
            white += 1;
            gap = if *byte == b'\n' { if gap >= LINE { PARAGRAPH } else { LINE } } else { gap.max(SPACE) };
        }
        if white == BREAK {
            let start = self.next;
            self.next += white;
            self.long = false;
            return Some(Token { start, end: self.next, shape: Shape::Break, gap, ..Token::OUTSIDE });
        }
        let word = rest.get(white..)?;
        let (length, parts) = measure(word);
        let may_grow = length == word.len() && length < LONGEST && parts.first.is_some();
        if word.is_empty() || (may_grow && !last) {
            return None;
        }
        let start = self.next + white;
        Some(self.make(start, word.get(..length)?, &parts, gap, lists))
    }

    fn make(&mut self, start: usize, word: &[u8], parts: &Parts, gap: u8, lists: &Gazetteer<'_>) -> Token {
        let end = start + word.len();
        self.next = end;
        let goes_on = self.long && gap == GLUED;
        self.long = parts.first.is_some() && (goes_on || word.len() >= LONGEST);
        if parts.first.is_none() {
            let lower = hash::lower(lists.key(), word);
            let code_mark = word.first().is_some_and(|byte| CODE_MARKS.contains(byte));
            return Token { start, end, lower, lists: 0, shape: Shape::Mark, gap, trigger: false, code_mark };
        }
        if self.long {
            return Token { start, end, lower: 1, lists: 0, shape: Shape::Long, gap, trigger: false, code_mark: false };
        }
        let shape = parts.shape();
        let lower = hash::lower(lists.key(), word);
        let letters = parts.digits == 0 && !parts.under && !parts.foreign;
        let found = if letters { lists.get(lower) } else { 0 };
        let trigger = shape.triggers() || (shape == Shape::Small && found & LOW_TRIGGER != 0);
        Token { start, end, lower, lists: found, shape, gap, trigger, code_mark: false }
    }
}

/// Length of the token at the start of bytes, and what a word is made of; a mark has no parts.
#[inline]
fn measure(bytes: &[u8]) -> (usize, Parts) {
    let mut parts = Parts::default();
    let mut length = 0;
    while let Some(byte) = bytes.get(length) {
        if length >= LONGEST {
            break;
        }
        match class(*byte) {
            WHITE | MARK => break,
            HIGH => {
                let (width, class, foreign) = wide(bytes.get(length..).unwrap_or_default());
                let Some(class) = class else {
                    return if length == 0 { (width, parts) } else { (length, parts) };
                };
                parts.foreign |= foreign;
                parts.add(class);
                length += width;
            }
            class => {
                parts.add(class);
                length += 1;
            }
        }
    }
    // A mark is one byte here.
    (length.max(1), parts)
}

/// Width of a character that is not ASCII, its class if it belongs to a word, and whether its script is foreign to the model.
fn wide(bytes: &[u8]) -> (usize, Option<u8>, bool) {
    let width = match bytes.first() {
        Some(0xF0..) => 4,
        Some(0xE0..) => 3,
        _ => 2,
    };
    let c = bytes.get(..width).and_then(|bytes| std::str::from_utf8(bytes).ok()).and_then(|text| text.chars().next());
    let Some(c) = c else { return (width, None, false) };
    let code = u32::from(c);
    let combining = (0x0300..=0x036F).contains(&code);
    if !c.is_alphanumeric() && !combining {
        return (width, None, false);
    }
    let latin = combining || code < 0x0250 || (0x1E00..=0x1EFF).contains(&code);
    (width, Some(if c.is_uppercase() { CAPITAL } else { SMALL }), !latin)
}
