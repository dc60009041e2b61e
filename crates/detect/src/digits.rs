//! One digit that stands apart, is a word, or is a numeral of Chinese or Japanese, at a place of the normalised text; and what stands
//! between two of them.

use crate::normal::Normal;
use crate::numbers::{NUMERALS, WORDS};

/// Fewer digits are no number that matters.
pub(crate) const FEWEST: usize = 8;
/// Most bytes between two digits.
pub(crate) const GAP: usize = 4;
/// Longest word for a digit, in bytes.
pub(crate) const LONGEST: usize = 7;
/// Bytes of a numeral.
const NUMERAL: usize = 3;

/// A digit: where it stands, and which it is, in ASCII.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) digit: u8,
    /// Whether it is a word or a numeral.
    pub(crate) is_word: bool,
}

/// What stands at a place.
pub(crate) enum Here {
    Digit(Token),
    Nothing,
    /// The text ends before it is clear.
    More,
}

fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b'.' | b'-' | b'_' | b'/' | b'|' | b':' | b';' | b'*')
}

/// The digit that a Chinese or Japanese numeral stands for.
fn numeral(bytes: &[u8]) -> Option<u8> {
    let c = std::str::from_utf8(bytes).ok().filter(|text| text.len() == NUMERAL)?.chars().next()?;
    let at = NUMERALS.iter().position(|numerals| numerals.contains(c))?;
    u8::try_from(at).ok().map(|value| b'0' + value)
}

/// Whether a word for a digit is `letters`, or begins with them.
fn word(letters: &[u8], whole: bool) -> Option<u8> {
    let first = letters.first()?.to_ascii_lowercase();
    if !matches!(first, b'a' | b'c'..=b'f' | b'h' | b'n' | b'o' | b'q' | b's'..=b'v' | b'z' | 0xC3) || letters.len() > LONGEST {
        return None;
    }
    if letters.is_ascii() {
        // Most words of a text end here.
        match letters.get(1) {
            // Words begin with it, and none is so short.
            None => return if whole { None } else { Some(b'0') },
            Some(second) if !may_follow(first, *second) => return None,
            Some(_) => {}
        }
        let begins = |word: &str| word.as_bytes().get(..letters.len()).is_some_and(|start| start.eq_ignore_ascii_case(letters));
        let fits = |word: &&str| word.as_bytes().first() == Some(&first) && (!whole || word.len() == letters.len()) && begins(word);
        return value_of(STARTS.get(usize::from(first.wrapping_sub(b'a'))).map_or(0, |start| start.digits), fits);
    }
    let letters = std::str::from_utf8(letters).ok()?.to_lowercase();
    value_of(u16::MAX, |word| if whole { **word == letters } else { word.starts_with(&letters) })
}

/// What words begin with a letter.
#[derive(Clone, Copy)]
struct Start {
    /// Their second letters, a bit for each.
    seconds: u32,
    /// The digits that they stand for, a bit for each.
    digits: u16,
}

static STARTS: [Start; 26] = starts();

#[expect(clippy::indexing_slicing, reason = "runs at compile time; letters are below 26")]
const fn starts() -> [Start; 26] {
    let mut starts = [Start { seconds: 0, digits: 0 }; 26];
    let mut digit = 0;
    while digit < WORDS.len() {
        let mut at = 0;
        while at < WORDS[digit].len() {
            let word = WORDS[digit][at].as_bytes();
            if word[0].is_ascii_lowercase() {
                let start = &mut starts[(word[0] - b'a') as usize];
                start.seconds |= if word[1].is_ascii_lowercase() { 1 << (word[1] - b'a') } else { 0 };
                start.digits |= 1 << digit;
            }
            at += 1;
        }
        digit += 1;
    }
    starts
}

fn may_follow(first: u8, second: u8) -> bool {
    let second = second.to_ascii_lowercase().wrapping_sub(b'a');
    STARTS
        .get(usize::from(first.wrapping_sub(b'a')))
        .is_some_and(|start| start.seconds.checked_shr(u32::from(second)).is_some_and(|bits| bits & 1 == 1))
}

/// The digit that a word stands for which is asked for, among those with a bit.
fn value_of(digits: u16, fits: impl Fn(&&str) -> bool) -> Option<u8> {
    let at = WORDS.iter().enumerate().position(|(digit, words)| digits >> digit & 1 == 1 && words.iter().any(&fits))?;
    u8::try_from(at).ok().map(|value| b'0' + value)
}

/// Letters of words from `start` on, at most one more than a word has. Of other letters than those of ASCII they have those of the
/// second half of Latin-1.
fn letters(text: &Normal, start: usize) -> &[u8] {
    let bytes = text.slice(start, start + LONGEST + 1);
    let mut end = 0;
    loop {
        match bytes.get(end..) {
            Some([0xC3, next, ..]) if next & 0xC0 == 0x80 => end += 2,
            Some([byte, ..]) if byte.is_ascii_alphabetic() => end += 1,
            _ => return bytes.get(..end).unwrap_or_default(),
        }
    }
}

/// Where the letters begin that end at `end`; at most one more than a word has.
fn letters_before(text: &Normal, end: usize) -> usize {
    let mut start = end;
    while end - start <= LONGEST {
        match (text.before(start), start.checked_sub(2).and_then(|at| text.at(at))) {
            (Some(byte), _) if byte.is_ascii_alphabetic() => start -= 1,
            (Some(byte), Some(0xC3)) if byte & 0xC0 == 0x80 => start -= 2,
            _ => break,
        }
    }
    start
}

/// The digit that begins at `start`.
pub(crate) fn at(text: &Normal, start: usize, last: bool) -> Here {
    let Some(first) = text.at(start) else { return if last { Here::Nothing } else { Here::More } };
    if first >= 0x80
        && let Some(digit) = numeral(text.slice(start, start + NUMERAL))
    {
        return Here::Digit(Token { start, end: start + NUMERAL, digit, is_word: true });
    }
    if first.is_ascii_digit() {
        let alone = !text.before(start).is_some_and(|byte| byte.is_ascii_alphanumeric());
        return match text.at(start + 1) {
            Some(next) if next.is_ascii_alphanumeric() => Here::Nothing,
            None if !last => Here::More,
            _ if alone => Here::Digit(Token { start, end: start + 1, digit: first, is_word: false }),
            _ => Here::Nothing,
        };
    }
    let letters = letters(text, start);
    let end = start + letters.len();
    if letters_before(text, start) != start {
        return Here::Nothing;
    }
    if end == text.end() && !last {
        return if word(letters, false).is_some() { Here::More } else { Here::Nothing };
    }
    word(letters, true).map_or(Here::Nothing, |digit| Here::Digit(Token { start, end, digit, is_word: true }))
}

/// The digit that follows another one of a chain.
pub(crate) fn follow(text: &Normal, token: &Token, last: bool) -> Here {
    let gap = text.slice(token.end, token.end + GAP + 1).iter().take_while(|byte| is_gap(**byte)).count();
    let next = token.end + gap;
    match at(text, next, last) {
        _ if gap > GAP => Here::Nothing,
        Here::Digit(found) if gap > 0 || found.end - found.start == NUMERAL && is_numeral(text, token) && is_numeral(text, &found) => {
            Here::Digit(found)
        }
        Here::More if gap > 0 || text.at(next).is_none() => Here::More,
        _ => Here::Nothing,
    }
}

fn is_numeral(text: &Normal, token: &Token) -> bool {
    numeral(text.slice(token.start, token.end)).is_some()
}

/// Where the digit begins that a chain would have before `start`.
fn before(text: &Normal, start: usize) -> Option<usize> {
    let gap = (1..=GAP + 1).take_while(|back| start.checked_sub(*back).and_then(|at| text.at(at)).is_some_and(is_gap)).count();
    let end = start - gap;
    let last = text.before(end).filter(|_| gap <= GAP)?;
    if let Some(begin) = numeral_before(text, end, last) {
        return (gap > 0 || numeral(text.slice(start, start + NUMERAL)).is_some()).then_some(begin);
    }
    if gap == 0 {
        return None;
    }
    if last.is_ascii_digit() {
        return (!text.before(end - 1).is_some_and(|byte| byte.is_ascii_alphanumeric())).then_some(end - 1);
    }
    // A mark ends the word here.
    let begin = letters_before(text, end);
    word(text.slice(begin, end), true).map(|_| begin)
}

/// Where the numeral begins that ends at `end`, of which `last` is the last byte.
fn numeral_before(text: &Normal, end: usize, last: u8) -> Option<usize> {
    let begin = end.checked_sub(NUMERAL).filter(|_| !last.is_ascii())?;
    numeral(text.slice(begin, end)).map(|_| begin)
}

/// Where the chain begins that has a digit at `start`, not before `floor`.
pub(crate) fn first(text: &Normal, start: usize, floor: usize) -> usize {
    let mut first = start;
    while let Some(begin) = before(text, first).filter(|begin| *begin >= floor) {
        first = begin;
    }
    first
}

/// Where the word or numeral begins whose last byte, or one of them, is at `place`, if it is a digit.
pub(crate) fn around(text: &Normal, place: usize, last: bool) -> Option<usize> {
    let start = match (place + 1).checked_sub(NUMERAL) {
        Some(start) if numeral(text.slice(start, place + 1)).is_some() => start,
        _ => letters_before(text, place + 1),
    };
    match at(text, start, last) {
        Here::Digit(token) if token.is_word => Some(start),
        _ => None,
    }
}

/// Where a chain begins, or goes on, that the text ends in.
pub(crate) fn tail(text: &Normal) -> Option<usize> {
    let end = text.end();
    let last = text.before(end)?;
    if is_gap(last) {
        return before(text, end);
    }
    if last.is_ascii_digit() {
        return (!text.before(end - 1).is_some_and(|byte| byte.is_ascii_alphanumeric())).then_some(end - 1);
    }
    numeral_before(text, end, last).or_else(|| {
        let begin = letters_before(text, end);
        word(text.slice(begin, end), false).map(|_| begin)
    })
}

/// The digits that a value stands for which is all words, numerals and digits that stand apart, if it is one.
pub(crate) fn value(text: &str) -> Option<String> {
    let mut normal = Normal::new();
    normal.push(text, true);
    let (mut digits, mut words) = (String::new(), false);
    let mut here = at(&normal, 0, true);
    while let Here::Digit(token) = here {
        digits.push(char::from(token.digit));
        words |= token.is_word;
        if token.end == normal.end() {
            return Some(digits).filter(|digits| words && digits.len() >= FEWEST);
        }
        here = follow(&normal, &token, true);
    }
    None
}
