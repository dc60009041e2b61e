//! Destinations that may hold white space: `<img src="https://… TOKEN">`, `[x]: <https://… TOKEN>`. One begins with a
//! bracket or quotation mark directly before a URL and lasts until its partner comes. Decides nothing about restoring.

use crate::host::Run;
use crate::normal::Normal;
use crate::place::{behind_scheme, unknown};
use crate::token::{REACH, TokenPlace};

/// So many are followed at once.
const KEPT: usize = 64;
/// How far before a URL its attribute's quotation mark is looked for.
const ATTRIBUTE: usize = 128;
/// Closed destinations are kept so far back, for tokens that are not decided yet.
const BEHIND: usize = 1024;

/// An open or closed destination. Positions are absolute in the normalised text.
#[derive(Clone, Copy, Debug)]
struct Destination {
    /// What opened it.
    opener: u8,
    /// Whether that was written with an escape.
    escaped: bool,
    /// Where its URL begins.
    url: usize,
    /// Brackets of its kind that are open.
    depth: usize,
    end: Option<usize>,
    /// Its end was looked for up to here.
    seen: usize,
}

/// The destinations of a text, followed as it comes.
#[derive(Clone, Debug)]
pub(crate) struct Destinations {
    /// Whether the text is JSON source.
    pub(crate) json: bool,
    seen: usize,
    list: Vec<Destination>,
}

impl Destinations {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, seen: 0, list: Vec::new() }
    }

    /// Follows new text. `needed`: the first byte whose place may still be asked for.
    pub(crate) fn step(&mut self, text: &Normal, needed: usize) {
        let from = self.seen.saturating_sub(1);
        let new = text.slice(from, text.end());
        let slash = |byte: Option<u8>| matches!(byte, Some(b'/' | b'\\'));
        for at in memchr::memchr2_iter(b'/', b'\\', new).map(|at| from + at) {
            let before = text.before(at);
            if at + 1 < text.end() && !slash(before) && (before == Some(b':') || slash(text.at(at + 1))) {
                self.close(text, at);
                self.open(text, at);
            }
        }
        self.close(text, text.end());
        self.seen = text.end();
        self.list.retain(|one| one.end.is_none_or(|end| end + BEHIND > needed));
    }

    /// A slash behind a scheme, or two: a destination opens when a bracket or quotation mark stands before the URL.
    fn open(&mut self, text: &Normal, slashes: usize) {
        let scheme = slashes.checked_sub(1).filter(|at| text.at(*at) == Some(b':'));
        let url = scheme.and_then(|colon| crate::anchors::scheme_start(text, colon)).unwrap_or(slashes);
        if self.list.iter().filter(|one| one.end.is_none()).count() >= KEPT {
            return;
        }
        if let Some(at) = opener(text, url) {
            let escaped = !text.is_literal(at);
            self.list.push(Destination { opener: text.at(at).unwrap_or(0), escaped, url, depth: 0, end: None, seen: url });
        }
    }

    /// Looks for the ends of open destinations up to `to`.
    fn close(&mut self, text: &Normal, to: usize) {
        let json = self.json;
        self.list.iter_mut().filter(|one| one.end.is_none()).for_each(|one| one.close(text, to, json));
    }

    /// The destination that the byte at `position` stands in.
    pub(crate) fn holding(&self, text: &Normal, position: usize) -> Option<TokenPlace> {
        let mut holding = self.list.iter().filter(|one| one.url < position && one.end.is_none_or(|end| end >= position));
        let far = holding.clone().any(|one| position - one.url > REACH);
        let first = holding.next()?;
        if far || holding.next().is_some() {
            return Some(unknown());
        }
        Some(behind_scheme(&Run::of(text, first.url, position)).unwrap_or_else(unknown))
    }
}

/// The bracket or quotation mark that makes what begins at `url` a destination: directly before it, or that of an attribute.
fn opener(text: &Normal, url: usize) -> Option<usize> {
    let space = |at: usize| text.at(at).is_some_and(|byte| byte.is_ascii_whitespace());
    let floor = url.saturating_sub(ATTRIBUTE);
    let direct = (floor..url).rev().find(|at| !space(*at))?;
    if matches!(text.at(direct), Some(b'<' | b'(' | b'"' | b'\'')) {
        return Some(direct);
    }
    let quote = (floor..url).rev().find(|at| matches!(text.at(*at), Some(b'"' | b'\'')))?;
    let before = (floor..quote).rev().find(|at| !space(*at))?;
    (text.at(before) == Some(b'=')).then_some(quote)
}

impl Destination {
    fn close(&mut self, text: &Normal, to: usize, json: bool) {
        let closer = match self.opener {
            b'<' => b'>',
            b'(' => b')',
            quote => quote,
        };
        let from = self.seen;
        self.seen = to.max(from);
        for at in memchr::memchr2_iter(closer, self.opener, text.slice(from, to)).map(|at| from + at) {
            let real = text.is_literal(at) || json && self.escaped && text.is_backslashed(at);
            if text.at(at) != Some(closer) {
                self.depth += usize::from(closer == b')');
            } else if real && self.depth > 0 {
                self.depth -= 1;
            } else if real {
                self.end = Some(at);
                return;
            }
        }
    }
}
