//! Between the bytes of a JSON string and its text.

use memchr::memchr;

use super::tape::lossless;

/// Bytes of the longest way to write one byte of text: `\u0041`.
pub(super) const LONGEST_ESCAPE: usize = 6;

/// One step of unescaping: how many raw bytes it took and what it stands for.
struct Step {
    raw: usize,
    char: char,
}

fn hex4(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.get(..4)?;
    digits.iter().try_fold(0, |code, digit| Some(code * 16 + char::from(*digit).to_digit(16)?))
}

/// Reads the escape at the start of `raw` (which begins with a backslash). A lone surrogate is U+FFFD.
fn step(raw: &[u8]) -> Step {
    let simple = |char| Step { raw: 2, char };
    match raw.get(1) {
        Some(b'n') => simple('\n'),
        Some(b't') => simple('\t'),
        Some(b'r') => simple('\r'),
        Some(b'b') => simple('\u{8}'),
        Some(b'f') => simple('\u{c}'),
        Some(b'u') => unicode(raw),
        Some(other) if other.is_ascii() => simple(char::from(*other)),
        _ => Step { raw: 1, char: '\\' },
    }
}

fn unicode(raw: &[u8]) -> Step {
    let Some(first) = raw.get(2..).and_then(hex4) else { return Step { raw: 2, char: char::REPLACEMENT_CHARACTER } };
    let second = || raw.get(8..).and_then(hex4).filter(|second| (0xDC00..0xE000).contains(second));
    if (0xD800..0xDC00).contains(&first)
        && raw.get(6..8) == Some(b"\\u")
        && let Some(second) = second()
    {
        let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return Step { raw: 12, char: char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER) };
    }
    Step { raw: 6, char: char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER) }
}

/// The text of a JSON string, given the bytes between its quotes. Lone surrogates become U+FFFD.
pub fn unescape(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr(b'\\', rest) {
        let (plain, tail) = rest.split_at(at);
        text.push_str(&lossless(plain));
        let step = step(tail);
        text.push(step.char);
        rest = tail.get(step.raw..).unwrap_or_default();
    }
    text.push_str(&lossless(rest));
    text
}

/// Whether the text of a JSON string is `word`. Stops at the first character that is not.
pub(super) fn spells(raw: &[u8], word: &str) -> bool {
    let mut rest = raw;
    for wanted in word.chars() {
        let (char, length) = match rest.first() {
            None => return false,
            Some(b'\\') => {
                let step = step(rest);
                (step.char, step.raw)
            }
            Some(first) if first.is_ascii() => (char::from(*first), 1),
            Some(_) => return unescape(raw) == word,
        };
        if char != wanted {
            return false;
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    rest.is_empty()
}

/// The beginning of the text of a JSON string, of at most `most` bytes, and whether it is all of it. The rest is not looked at.
pub(super) fn unescape_start(raw: &[u8], most: usize) -> (String, bool) {
    let mut text = String::new();
    let mut rest = raw;
    while let Some(first) = rest.first() {
        let (char, length) = if *first == b'\\' {
            let step = step(rest);
            (step.char, step.raw)
        } else {
            let near = rest.get(..4).unwrap_or(rest);
            let char = near.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()).unwrap_or(char::REPLACEMENT_CHARACTER);
            (char, char.len_utf8())
        };
        if text.len() + char.len_utf8() > most {
            return (text, false);
        }
        text.push(char);
        rest = rest.get(length..).unwrap_or_default();
    }
    (text, true)
}

/// Where offsets into the text of a string stand in its raw bytes. `offsets` must rise; so does the answer.
/// An offset inside an escaped character maps to the escape's start.
pub fn raw_offsets(raw: &[u8], offsets: &[usize]) -> Vec<usize> {
    let mut found = Vec::with_capacity(offsets.len());
    let (mut at, mut text) = (0, 0);
    for &wanted in offsets {
        while text < wanted && at < raw.len() {
            let rest = raw.get(at..).unwrap_or_default();
            // Only as far as is wanted: looking for the next escape over all of the rest for every offset is quadratic.
            let near = rest.get(..wanted - text).unwrap_or(rest);
            let run = memchr(b'\\', near).unwrap_or(near.len());
            if run > 0 {
                at += run;
                text += run;
                continue;
            }
            let step = step(rest);
            if text + step.char.len_utf8() > wanted {
                break;
            }
            at += step.raw;
            text += step.char.len_utf8();
        }
        found.push(at);
    }
    found
}

/// Appends `text` escaped for a place between the quotes of a JSON string.
pub fn escape_into(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let short: Option<&[u8]> = match byte {
            b'"' => Some(b"\\\""),
            b'\\' => Some(b"\\\\"),
            b'\n' => Some(b"\\n"),
            b'\r' => Some(b"\\r"),
            b'\t' => Some(b"\\t"),
            0..0x20 => None,
            _ => continue,
        };
        out.extend_from_slice(bytes.get(from..at).unwrap_or_default());
        match short {
            Some(short) => out.extend_from_slice(short),
            None => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        from = at + 1;
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or_default());
}
