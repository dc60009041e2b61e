//! In which URL a piece of text stands, and which hosts a text names. Decides nothing about restoring.
//!
//! The run around a token ends at white space and angle brackets that are really there, not at escaped ones: `%20`, a
//! bracket or a quotation mark may all stand inside a link's destination, and reading them as its end would let a link
//! carry a value away. In JSON source a bare quotation mark ends a run too.

use crate::normal::{Normal, normalise};
use crate::token::{REACH, TokenPlace};

/// Schemes that browsers read with any number of slashes.
const SPECIAL: [&[u8]; 5] = [b"https:", b"http:", b"ftp:", b"wss:", b"ws:"];

/// Longest name of a top-level domain that is taken for one.
const TOP_MAX: usize = 24;

fn is_boundary(text: &Normal, position: usize, json: bool) -> bool {
    match text.at(position) {
        Some(b' ' | b'<' | b'>') => text.is_literal(position),
        Some(b'\n' | b'\r' | b'\t' | 0x0B | 0x0C) => json || text.is_literal(position),
        Some(b'"') => json && text.is_literal(position),
        _ => false,
    }
}

/// The place of the token at `start..end`; `None` when more text is needed.
pub(crate) fn of(text: &Normal, start: usize, end: usize, last: bool, json: bool) -> Option<TokenPlace> {
    let floor = start.saturating_sub(REACH);
    let mut begin = start;
    while begin > floor && !is_boundary(text, begin - 1, json) {
        begin -= 1;
    }
    if begin == floor && floor > 0 && !is_boundary(text, floor - 1, json) {
        return Some(TokenPlace::Url { host: String::new() });
    }
    let left = text.slice(begin, start).to_ascii_lowercase();
    if let Some(authority) = first_authority(&left) {
        return Some(behind_scheme(&left, authority));
    }
    if let Some(place) = behind_bare_host(&left) {
        return Some(place);
    }
    in_bare_host(text, &left, end, last)
}

/// Where the authority after the first scheme, or after `//`, begins.
fn first_authority(run: &[u8]) -> Option<usize> {
    let slash = |byte: &u8| matches!(byte, b'/' | b'\\');
    (0..run.len()).find_map(|at| {
        let rest = run.get(at..)?;
        let special = SPECIAL.iter().find(|scheme| rest.starts_with(scheme)).map(|scheme| at + scheme.len());
        let double = rest.iter().take(2).filter(|byte| slash(byte)).count() == 2;
        let mut authority = special.or(double.then_some(at))?;
        while run.get(authority).is_some_and(slash) {
            authority += 1;
        }
        Some(authority)
    })
}

fn authority_end(run: &[u8], from: usize) -> Option<usize> {
    run.get(from..)?.iter().position(|byte| matches!(byte, b'/' | b'\\' | b'?' | b'#')).map(|at| from + at)
}

fn behind_scheme(left: &[u8], authority: usize) -> TokenPlace {
    let Some(end) = authority_end(left, authority) else { return TokenPlace::UrlHostItself };
    let host = host_of(left.get(authority..end).unwrap_or_default());
    // A second URL in the same run: readers differ on which one counts.
    let rest = left.get(end..).unwrap_or_default();
    let again = first_authority(rest);
    let same = again.is_none_or(|at| authority_end(rest, at).is_some_and(|end| host_of(rest.get(at..end).unwrap_or_default()) == host));
    TokenPlace::Url { host: if same { host } else { String::new() } }
}

/// The host of an authority: user information and port stripped (RFC 3986, section 3.2), lower case.
fn host_of(authority: &[u8]) -> String {
    let host = authority.iter().rposition(|byte| *byte == b'@').and_then(|at| authority.get(at + 1..)).unwrap_or(authority);
    let host = match host.iter().position(|byte| *byte == b']') {
        Some(bracket) => host.get(..=bracket),
        None => host.split(|byte| *byte == b':').next(),
    };
    String::from_utf8_lossy(host.unwrap_or_default()).trim_end_matches('.').to_lowercase()
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-') || !byte.is_ascii()
}

/// A dotted name whose last label can be a top-level domain, or four numbers.
fn is_host(name: &[u8]) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let mut labels = name.rsplit(|byte| *byte == b'.');
    let Some(top) = labels.next() else { return false };
    let rest: Vec<&[u8]> = labels.collect();
    let lower = top.iter().all(|byte| byte.is_ascii_lowercase() || !byte.is_ascii());
    let upper = top.iter().all(u8::is_ascii_uppercase);
    let letters = (lower || upper) && (2..=TOP_MAX).contains(&top.len());
    let numeric = name.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') && rest.len() == 3;
    !rest.is_empty() && rest.iter().all(|label| !label.is_empty()) && (letters || numeric || top.starts_with(b"xn--"))
}

/// Hosts without a scheme that something follows: `example.com/…`.
fn bare_hosts(run: &[u8], at_end: bool) -> Vec<String> {
    let mut hosts = Vec::new();
    let mut start = 0;
    for at in 0..=run.len() {
        let byte = run.get(at).copied();
        if byte.is_some_and(is_host_byte) {
            continue;
        }
        let follows = byte.map_or(at_end, |byte| at_end || matches!(byte, b'/' | b'?' | b'#' | b'\\' | b':'));
        if let Some(name) = run.get(start..at).filter(|name| follows && is_host(name)) {
            hosts.push(host_of(name));
        }
        start = at + 1;
    }
    hosts.dedup();
    hosts
}

fn behind_bare_host(left: &[u8]) -> Option<TokenPlace> {
    let mut hosts = bare_hosts(left, false).into_iter();
    let host = hosts.next()?;
    Some(TokenPlace::Url { host: if hosts.next().is_some() { String::new() } else { host } })
}

/// A token that is itself a label of a name: `TOKEN.example.com`.
fn in_bare_host(text: &Normal, left: &[u8], end: usize, last: bool) -> Option<TokenPlace> {
    let right = text.slice(end, end + REACH);
    let length = right.iter().take_while(|byte| is_host_byte(**byte)).count();
    if length == right.len() && !last && length < REACH {
        return None;
    }
    let before = left.iter().rposition(|byte| !is_host_byte(*byte)).map_or(left, |at| left.get(at + 1..).unwrap_or_default());
    let mut name = before.to_vec();
    name.push(b'x');
    name.extend_from_slice(right.get(..length).unwrap_or_default());
    let host = length > 0 && (length == REACH || is_host(&name));
    Some(if host || before.starts_with(b"www.") { TokenPlace::UrlHostItself } else { TokenPlace::Plain })
}

/// The hosts of all URLs and bare domains in a text, in lower case, without port and user information.
pub fn hosts(text: &str) -> impl Iterator<Item = String> {
    let text = normalise(text);
    let mut found = Vec::new();
    for run in text.split(|c: char| c.is_whitespace() || "<>\"'`()[]{},;|".contains(c)) {
        let lower = run.to_ascii_lowercase();
        let mut rest = lower.as_bytes();
        if first_authority(rest).is_none() {
            found.extend(bare_hosts(run.as_bytes(), true));
        }
        while let Some(authority) = first_authority(rest) {
            let end = authority_end(rest, authority).unwrap_or(rest.len());
            found.push(host_of(rest.get(authority..end).unwrap_or_default()));
            rest = rest.get(end..).unwrap_or_default();
        }
    }
    found.retain(|host| !host.is_empty());
    found.into_iter()
}
