//! Escapes that stand for one character: percent, HTML entities, JSON and Markdown backslashes. What the character then
//! becomes is decided in `chars`.

/// What stands at the start of a text that begins with `%`, `&` or `\`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    /// No escape: the first byte is itself.
    Literal,
    /// This character, written with so many bytes.
    Char(char, usize),
    /// The text ends before it is clear.
    Partial,
}

/// Backslashes before a `u` besides the first: eight in all are JSON in strings of JSON, three times over.
const DEEPEST: usize = 7;

/// HTML entities that can hide a part of a value.
static NAMED: [(&[u8], char); 38] = [
    (b"NewLine;", '\n'),
    (b"Tab;", '\t'),
    (b"ndash;", '-'),
    (b"mdash;", '-'),
    (b"minus;", '-'),
    (b"comma;", ','),
    (b"semi;", ';'),
    (b"excl;", '!'),
    (b"quest;", '?'),
    (b"dollar;", '$'),
    (b"ast;", '*'),
    (b"bsol;", '\\'),
    (b"middot;", '\u{B7}'),
    (b"ensp;", ' '),
    (b"emsp;", ' '),
    (b"ZeroWidthSpace;", '\u{200B}'),
    (b"commat;", '@'),
    (b"period;", '.'),
    (b"amp;", '&'),
    (b"lt;", '<'),
    (b"gt;", '>'),
    (b"quot;", '"'),
    (b"apos;", '\''),
    (b"nbsp;", ' '),
    (b"colon;", ':'),
    (b"sol;", '/'),
    (b"plus;", '+'),
    (b"lowbar;", '_'),
    (b"hyphen;", '-'),
    (b"dash;", '-'),
    (b"num;", '#'),
    (b"equals;", '='),
    (b"lpar;", '('),
    (b"rpar;", ')'),
    (b"zwj;", '\u{200D}'),
    (b"zwnj;", '\u{200C}'),
    (b"shy;", '\u{AD}'),
    (b"percnt;", '%'),
];

/// Reads the escape at the start of `text`; `last` says that nothing follows `text`.
pub(crate) fn read(text: &[u8], last: bool) -> Escape {
    let found = match text.split_first() {
        Some((b'%', rest)) => percent(rest),
        Some((b'&', rest)) => entity(rest),
        Some((b'\\', rest)) => backslash(rest),
        _ => Escape::Literal,
    };
    match found {
        Escape::Partial if last => at_end(text),
        other => other,
    }
}

/// An unfinished escape at the very end: a numeric entity without its semicolon and a lone surrogate still count.
fn at_end(text: &[u8]) -> Escape {
    match text {
        [b'&', b'#', digits @ ..] => number(digits, true),
        [b'\\', b'u', digits @ ..] if digits.len() >= 4 => Escape::Char('\u{FFFD}', 6),
        _ => Escape::Literal,
    }
}

fn hex(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(16)
}

/// A character that an escape may stand for: printable, or white space that a value may be wrapped with.
fn is_readable(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || c >= ' ' && c != '\u{7F}'
}

/// `HH` that gives a readable ASCII character, `lead` bytes having been read before it.
fn two_hex(text: &[u8], lead: usize) -> Escape {
    match text {
        [] => Escape::Partial,
        [one] if hex(*one).is_some() => Escape::Partial,
        [one, two, ..] => match (hex(*one), hex(*two)) {
            (Some(high), Some(low)) => match char::from_u32(high * 16 + low) {
                Some(c) if c.is_ascii() && is_readable(c) => Escape::Char(c, lead + 2),
                _ => Escape::Literal,
            },
            _ => Escape::Literal,
        },
        _ => Escape::Literal,
    }
}

/// `%HH`, or as many of them as one character of UTF-8 takes.
fn percent(text: &[u8]) -> Escape {
    let lead = match text {
        [one, two, ..] => hex(*one).zip(hex(*two)).map(|(high, low)| high * 16 + low),
        _ => None,
    };
    let length = match lead {
        Some(0xC2..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xF4) => 4,
        _ => return two_hex(text, 1),
    };
    for at in 0..3 * length - 1 {
        match text.get(at) {
            None => return Escape::Partial,
            Some(byte) if at % 3 == 2 && *byte != b'%' || at % 3 < 2 && hex(*byte).is_none() => return Escape::Literal,
            Some(_) => {}
        }
    }
    let digit = |at: usize| text.get(at).copied().and_then(hex).unwrap_or(0);
    let bytes: Vec<u8> = (0..length).filter_map(|index| u8::try_from(digit(index * 3) * 16 + digit(index * 3 + 1)).ok()).collect();
    match std::str::from_utf8(&bytes).ok().and_then(|text| text.chars().next()) {
        Some(c) => Escape::Char(c, 3 * length),
        None => Escape::Literal,
    }
}

/// Most letters of an entity's name.
const LONGEST: usize = 14;

fn entity(text: &[u8]) -> Escape {
    if text.is_empty() {
        return Escape::Partial;
    }
    if let Some((b'#', rest)) = text.split_first() {
        return number(rest, false);
    }
    // Most `&` are none: in code, a name or another mark stands behind it, and no semicolon behind that.
    let letters = text.iter().take(LONGEST).take_while(|byte| byte.is_ascii_alphabetic()).count();
    if text.get(letters).is_some_and(|byte| *byte != b';') {
        return Escape::Literal;
    }
    for (name, c) in NAMED.iter().filter(|(name, _)| name.first() == text.first()) {
        if text.starts_with(name) {
            return Escape::Char(*c, name.len() + 1);
        }
        if name.starts_with(text) {
            return Escape::Partial;
        }
    }
    Escape::Literal
}

/// Digits that a numeric entity may have, leading zeros among them.
const ZEROS: usize = 64;

/// The digits of `&#64;` and `&#x40;`; the semicolon may be missing.
fn number(text: &[u8], last: bool) -> Escape {
    let (radix, lead, digits) = match text {
        [b'x' | b'X', rest @ ..] => (16, 3, rest),
        _ => (10, 2, text),
    };
    let count = digits.iter().take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    if count > ZEROS || count > zeros + 7 {
        return Escape::Literal;
    }
    let after = digits.get(count);
    if after.is_none() && !last {
        return Escape::Partial;
    }
    let value = digits.iter().take(count).try_fold(0u32, |sum, byte| char::from(*byte).to_digit(radix).map(|digit| sum * radix + digit));
    match value.filter(|_| count > 0).and_then(char::from_u32) {
        Some(c) if is_readable(c) => Escape::Char(c, lead + count + usize::from(after == Some(&b';'))),
        _ => Escape::Literal,
    }
}

fn backslash(text: &[u8]) -> Escape {
    match text.split_first() {
        None => Escape::Partial,
        Some((b'u', rest)) => unicode(rest),
        Some((b'x', rest)) => two_hex(rest, 2),
        Some((b'\\', _)) => nested(text),
        Some((b'n', _)) => Escape::Char('\n', 2),
        Some((b'r', _)) => Escape::Char('\r', 2),
        Some((b't', _)) => Escape::Char('\t', 2),
        Some((byte, _)) if b"\"'/_.-@+:=#()*~".contains(byte) => Escape::Char(char::from(*byte), 2),
        Some(_) => Escape::Literal,
    }
}

/// `\uXXXX` in JSON that stands in strings of JSON: each level doubles the backslashes. `text`: behind the first of them.
fn nested(text: &[u8]) -> Escape {
    let more = text.iter().take(DEEPEST).take_while(|byte| **byte == b'\\').count();
    match text.get(more..) {
        None | Some([]) => Escape::Partial,
        Some([b'u', rest @ ..]) if (more + 1).is_power_of_two() => match four_hex(rest) {
            Ok(value) => Escape::Char(char::from_u32(value).unwrap_or('\u{FFFD}'), more + 6),
            Err(escape) => escape,
        },
        Some(_) => Escape::Literal,
    }
}

/// Four hex digits, or how far the text agrees with four hex digits.
fn four_hex(text: &[u8]) -> Result<u32, Escape> {
    let mut value = 0;
    for index in 0..4 {
        match text.get(index) {
            None => return Err(Escape::Partial),
            Some(byte) => value = value * 16 + hex(*byte).ok_or(Escape::Literal)?,
        }
    }
    Ok(value)
}

/// `\uXXXX`, a surrogate pair, or a lone surrogate, which stands as U+FFFD.
fn unicode(text: &[u8]) -> Escape {
    let high = match four_hex(text) {
        Ok(value) => value,
        Err(escape) => return escape,
    };
    if let Some(c) = char::from_u32(high) {
        return Escape::Char(c, 6);
    }
    let lone = Escape::Char('\u{FFFD}', 6);
    if high >= 0xDC00 {
        return lone;
    }
    let low = match text.get(4..) {
        None | Some([] | [b'\\']) => return Escape::Partial,
        Some([b'\\', b'u', rest @ ..]) => four_hex(rest),
        Some(_) => return lone,
    };
    match low {
        Ok(low @ 0xDC00..=0xDFFF) => {
            char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).map_or(lone, |c| Escape::Char(c, 12))
        }
        Err(Escape::Partial) => Escape::Partial,
        _ => lone,
    }
}
