//! In which URL a piece of text stands, and which hosts a text names. Decides nothing about restoring.
//!
//! The run around a token ends at white space and angle brackets that are really there, not at escaped ones: `%20`, a
//! bracket or a quotation mark may all stand inside a link's destination, and reading them as its end would let a link
//! carry a value away. In JSON source a bare quotation mark ends a run too. Destinations that hold white space are looked
//! for in `destination`.

use crate::destination::Destinations;
use crate::host::{self, Run};
use crate::normal::Normal;
use crate::token::{REACH, TokenPlace};

fn is_boundary(text: &Normal, position: usize, json: bool) -> bool {
    match text.at(position) {
        Some(b' ' | b'<' | b'>') => text.is_literal(position),
        Some(b'\n' | b'\r' | b'\t' | 0x0B | 0x0C) => text.is_literal(position) || json && text.is_backslashed(position),
        Some(b'"') => json && text.is_literal(position),
        _ => false,
    }
}

/// A place from which nothing may be restored.
pub(crate) fn unknown() -> TokenPlace {
    TokenPlace::Url { host: String::new() }
}

/// The place of the token at `start..end`; `None` when more text is needed.
pub(crate) fn of(text: &Normal, start: usize, end: usize, last: bool, around: &Destinations) -> Option<TokenPlace> {
    let json = around.json;
    let floor = start.saturating_sub(REACH);
    let mut begin = start;
    while begin > floor && !is_boundary(text, begin - 1, json) {
        begin -= 1;
    }
    if begin == floor && floor > 0 && !is_boundary(text, floor - 1, json) {
        return Some(unknown());
    }
    let left = Run::of(text, begin, start);
    if let Some(place) = behind_scheme(&left).or_else(|| behind_bare_host(&left)).or_else(|| around.holding(text, start)) {
        return Some(place);
    }
    in_bare_host(text, &left.bytes, end, last)
}

/// The place behind the URLs of a run. All of them, and every way to read them, must name one host: readers differ.
pub(crate) fn behind_scheme(run: &Run) -> Option<TokenPlace> {
    let mut known: Option<String> = None;
    let mut from = 0;
    while let Some(authority) = host::authority(run, from) {
        let Some((host, end)) = host::at(run, authority, false, false) else {
            return Some(if known.is_none() { TokenPlace::UrlHostItself } else { unknown() });
        };
        let agreed = host::at(run, authority, true, false).is_some_and(|(other, _)| other == host);
        let before = if known.is_none() { host::bare(run, authority.begin, false) } else { Vec::new() };
        let same = known.as_ref().is_none_or(|known| *known == host) && before.iter().all(|bare| bare.sure && bare.host == host);
        if !agreed || !same {
            return Some(unknown());
        }
        known = Some(host);
        from = end;
    }
    known.map(|host| TokenPlace::Url { host })
}

fn behind_bare_host(run: &Run) -> Option<TokenPlace> {
    let mut hosts = host::bare(run, run.bytes.len(), false).into_iter();
    let first = hosts.next()?;
    let alone = first.sure && hosts.all(|other| other.sure && other.host == first.host);
    Some(if alone { TokenPlace::Url { host: first.host } } else { unknown() })
}

/// A token that is itself a label of a name, or the user of one: `TOKEN.example.com`, `TOKEN@example.com`.
fn in_bare_host(text: &Normal, left: &[u8], end: usize, last: bool) -> Option<TokenPlace> {
    let right = text.slice(end, end + REACH);
    if right.first() == Some(&b'@') {
        return Some(TokenPlace::UrlHostItself);
    }
    let length = right.iter().take_while(|byte| host::is_byte(**byte)).count();
    if length == right.len() && !last && length < REACH {
        return None;
    }
    let before = left.iter().rposition(|byte| !host::is_byte(*byte)).map_or(left, |at| left.get(at + 1..).unwrap_or_default());
    let mut name = before.to_vec();
    name.push(b'x');
    name.extend_from_slice(right.get(..length).unwrap_or_default());
    let host = length > 0 && (length == REACH || host::is_name(&name));
    Some(if host || before.starts_with(b"www.") { TokenPlace::UrlHostItself } else { TokenPlace::Plain })
}
