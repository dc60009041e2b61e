//! Where rules begin to look: the walk back from an anchor, which `words` finds, to the place where a match would start.

use crate::chars::{LOCAL, LOCAL_MAX, table};
use crate::edges::char_before;
use crate::normal::Normal;
use crate::{WINDOW, spoken};

fn is_local(text: &Normal, position: usize) -> bool {
    let Some(byte) = text.at(position) else { return false };
    if byte.is_ascii() {
        return LOCAL.get(usize::from(byte)).copied().unwrap_or(false);
    }
    // Two-byte letters, those of the Indic scripts and of Vietnamese; not scripts that are written without spaces.
    let lead = (0..4).filter_map(|back| text.at(position.checked_sub(back)?)).find(|byte| byte & 0xC0 != 0x80);
    match lead {
        Some(0xC3..=0xDF) => true,
        Some(0xE0 | 0xE1) => {
            char_before(text, char_end(text, position)).is_some_and(|c| matches!(u32::from(c), 0x0900..=0x0DFF | 0x1E00..=0x1FFF))
        }
        _ => false,
    }
}

/// One past the last byte of the character that covers `position`.
fn char_end(text: &Normal, position: usize) -> usize {
    (position + 1..position + 4).find(|next| text.at(*next).is_none_or(|byte| byte & 0xC0 != 0x80)).unwrap_or(position + 1)
}

/// Where the run of local-part characters before `end` begins, at most 64 bytes back, on a character boundary.
pub(crate) fn local_start(text: &Normal, end: usize) -> usize {
    let floor = end.saturating_sub(LOCAL_MAX);
    let mut start = end;
    while start > floor && is_local(text, start - 1) {
        start -= 1;
    }
    while start < end && text.at(start).is_some_and(|byte| byte & 0xC0 == 0x80) {
        start += 1;
    }
    start
}

/// Where an e-mail with its `@` at `at` would start; `None` when nothing can stand before it.
pub(crate) fn email_start(text: &Normal, at: usize) -> Option<usize> {
    let mut start = local_start(text, at);
    if let Some(early) = irish(text, start) {
        start = early;
    }
    while start < at && matches!(text.at(start), Some(b'.' | b'-' | b'+')) {
        start += 1;
    }
    (start < at).then_some(start)
}

/// `o'` and `d'` before a local part, as in `o'hara@…`, where a quotation mark would not have a lone letter before it.
fn irish(text: &Normal, start: usize) -> Option<usize> {
    let letter = start.checked_sub(2)?;
    let apostrophe = text.at(start - 1) == Some(b'\'') && matches!(text.at(letter), Some(b'o' | b'O' | b'd' | b'D'));
    let alone = letter == 0 || !is_local(text, letter - 1);
    (apostrophe && alone).then_some(letter)
}

/// What ends every value that is not quoted.
const DELIMITERS: [bool; 256] = table(b" \t\r\n\"'`<>,;(){}[]|\\");

/// So many values of one run are followed …
const OF_RUN: usize = 8;
/// … and so many within the longest value, where `&` separates them.
const OF_ALL: usize = 16;
/// Longest value.
const LONGEST: usize = 400;

/// Anchors of long values that came last. Where many stand in one run without a delimiter, as in `token=token=…`, the values
/// of the first ones hold all others, and starting ever more would cost time for nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crowd {
    last: [usize; OF_ALL],
    count: usize,
}

impl Crowd {
    /// Notes an anchor; true when it is one too many.
    pub(crate) fn is_full(&mut self, text: &Normal, position: usize) -> bool {
        let nth = |back: usize| self.count.checked_sub(back).and_then(|at| self.last.get(at % OF_ALL)).copied();
        let ends = |byte: &u8| DELIMITERS.get(usize::from(*byte)).copied().unwrap_or(false);
        let crowded = |from: Option<usize>, fields: bool| {
            from.is_some_and(|from| {
                from + LONGEST > position && !text.slice(from, position).iter().any(|byte| ends(byte) || fields && *byte == b'&')
            })
        };
        if crowded(nth(OF_RUN), true) || crowded(nth(OF_ALL), false) {
            return true;
        }
        if let Some(slot) = self.last.get_mut(self.count % OF_ALL) {
            *slot = position;
        }
        self.count += 1;
        false
    }
}

/// Longest scheme that is looked for.
const SCHEME_MAX: usize = 24;

fn scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-')
}

/// Where what a keyword of a class stands in begins: a URL, whose scheme stands before the `://` at `end`, or an e-mail address in
/// words.
pub(crate) fn scheme_start(text: &Normal, end: usize) -> Option<usize> {
    if text.at(end) != Some(b':') {
        return spoken::start(text, end);
    }
    let floor = end.saturating_sub(SCHEME_MAX);
    let mut start = end;
    while start > floor && text.before(start).is_some_and(scheme_byte) {
        start -= 1;
    }
    while start < end && !text.at(start).is_some_and(|byte| byte.is_ascii_alphabetic()) {
        start += 1;
    }
    (start < end).then_some(start)
}

/// Where an IPv6 address with its first colon at `colon` would start; `None` when this colon is not its first.
pub(crate) fn ipv6_start(text: &Normal, colon: usize) -> Option<usize> {
    let floor = colon.saturating_sub(4);
    let mut start = colon;
    while start > floor && text.before(start).is_some_and(|byte| byte.is_ascii_hexdigit()) {
        start -= 1;
    }
    if start == colon && text.before(colon) == Some(b':') {
        // `::` opens an address when nothing stands before it.
        start = colon - 1;
        return (!matches!(text.before(start), Some(b':')) && !glued(text, start)).then_some(start);
    }
    let first = text.before(start) != Some(b':') || labelled(text, start - 1);
    (start < colon && first && !glued(text, start)).then_some(start)
}

/// Whether the colon at `colon` ends a word, as in `ip:2001:db8::1`, which no part of an address could be.
fn labelled(text: &Normal, colon: usize) -> bool {
    let word = text.slice(colon.saturating_sub(16), colon);
    let length = word.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    word.get(word.len() - length..).is_some_and(|word| word.iter().any(|byte| !byte.is_ascii_hexdigit()))
}

fn glued(text: &Normal, start: usize) -> bool {
    char_before(text, start).is_some_and(crate::chars::is_word)
}

/// Longest run of letters before a digit that can begin a code: addresses of crypto-currencies have such runs.
const LETTERS_MAX: usize = 40;
/// Longest group of letters that stands apart before a number, as in `HH-AB 1234`.
const GROUP_MAX: usize = 3;

fn letters_before(text: &Normal, end: usize, most: usize) -> usize {
    text.slice(end.saturating_sub(most), end).iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count()
}

/// Where a short group of letters begins that a separator parts from `at`: capitals before a space, any before a dash or a dot.
fn group_start(text: &Normal, at: usize) -> Option<usize> {
    let end = at.checked_sub(1)?;
    let mark = text.at(end)?;
    if !matches!(mark, b' ' | b'-' | b'.') {
        return None;
    }
    let length = letters_before(text, end, GROUP_MAX);
    let start = end - length;
    let fits = mark != b' ' || text.slice(start, end).iter().all(u8::is_ascii_uppercase);
    (length > 0 && fits && !char_before(text, start).is_some_and(crate::chars::is_word)).then_some(start)
}

/// Where the letters begin that stand before a group of digits, directly or as one or two short groups.
pub(crate) fn code_starts(text: &Normal, digits: usize) -> [Option<usize>; 2] {
    let length = letters_before(text, digits, LETTERS_MAX);
    if length == 0 {
        let start = group_start(text, digits);
        return [start, start.and_then(|start| group_start(text, start))];
    }
    let start = digits - length;
    if char_before(text, start).is_some_and(|c| c != '_' && crate::chars::is_word(c)) {
        return [None, None];
    }
    [Some(start), group_start(text, start)]
}

/// Where the groups of letters begin that may belong to a code whose digits have not come yet.
fn code_hold(text: &Normal, start: usize) -> usize {
    let Some(first) = group_start(text, start) else { return start };
    group_start(text, first).unwrap_or(first)
}

/// Where a `+`, a `(` or both before a group of digits begin.
pub(crate) fn sign_start(text: &Normal, digits: usize) -> Option<usize> {
    let mut start = digits;
    while digits - start < 2 && matches!(text.before(start), Some(b'+' | b'(')) {
        start -= 1;
    }
    (start < digits).then_some(start)
}

/// Schemes whose URLs are reported: only these hold text back at `https:`.
const SCHEMES: [&[u8]; 8] = [b"http", b"https", b"ftp", b"ftps", b"sftp", b"ssh", b"ws", b"wss"];

/// The first byte at the end of the text that a match may cover whose anchor has not come yet; with addresses in words or without.
pub(crate) fn tail_hold(text: &Normal, with_spoken: bool) -> usize {
    let spoken = if with_spoken { spoken::hold(text) } else { text.end() };
    plain_hold(text).min(spoken).max(text.end().saturating_sub(WINDOW))
}

fn plain_hold(text: &Normal) -> usize {
    let end = text.end();
    let Some(mut last) = text.before(end) else { return end };
    let mut stop = end;
    while last == b'/' && end - stop < 2 {
        stop -= 1;
        let Some(byte) = text.before(stop) else { return end };
        last = byte;
    }
    if last == b':' {
        let colon = stop - 1;
        let scheme = scheme_start(text, colon).filter(|start| SCHEMES.contains(&text.slice(*start, colon).to_ascii_lowercase().as_slice()));
        let double = stop == end && !glued(text, colon);
        return scheme.unwrap_or(if double { colon } else { end });
    }
    if stop != end {
        return end;
    }
    match last {
        b'(' => sign_start(text, end).unwrap_or(end),
        b'\'' => irish(text, end).unwrap_or(end),
        _ => {
            let start = local_start(text, end);
            let start = irish(text, start).unwrap_or(start);
            let start = code_hold(text, start);
            if last == b'+' { start.min(sign_start(text, end).unwrap_or(end)) } else { start }
        }
    }
}
