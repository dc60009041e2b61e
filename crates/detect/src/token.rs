//! Pseudonym tokens in text: their form, and their recognition however they were escaped or cased. Which of them were
//! minted, and what they stand for, is known in `mint`; in which URL one stands, in `place`.

use std::fmt;

use crate::WINDOW;
use crate::edges::{char_at, char_before};
use crate::normal::Normal;
use crate::place;
use crate::stream::Event;

/// Crockford's base 32 without I, L, O and U.
pub(crate) const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters after the underscore.
pub(crate) const TAIL: usize = 10;
/// Longest kind.
const KIND_MAX: usize = 12;

/// `<KIND>_<10 Crockford base32 characters>`, in capital letters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(String);

impl Token {
    pub(crate) fn new(kind: &str, tail: [u8; TAIL]) -> Self {
        let mut text = String::with_capacity(kind.len() + 1 + TAIL);
        text.push_str(kind);
        text.push('_');
        text.extend(tail.iter().map(|byte| char::from(*byte)));
        Self(text)
    }

    /// Reads a token in any letter case; `None` when the text is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, tail) = text.split_once('_')?;
        let upper = text.to_ascii_uppercase();
        let tail_fits = tail.len() == TAIL && tail.bytes().all(is_tail);
        (is_kind(kind.as_bytes()) && tail_fits).then_some(Self(upper))
    }

    /// The token itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_tail(byte: u8) -> bool {
    ALPHABET.contains(&byte.to_ascii_uppercase())
}

fn is_kind(kind: &[u8]) -> bool {
    let letter = kind.first().is_some_and(u8::is_ascii_alphabetic);
    letter && (2..=KIND_MAX).contains(&kind.len()) && kind.iter().all(u8::is_ascii_alphanumeric)
}

/// Where a token stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenPlace {
    /// In ordinary text.
    Plain,
    /// In a URL behind its host. An empty host is one that could not be told: withhold.
    Url {
        /// Lower case, without port and user information.
        host: String,
    },
    /// In the host or user information of a URL: never restore.
    UrlHostItself,
}

/// A string of the form of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenHit {
    /// First byte in the raw text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// In canonical form.
    pub token: Token,
    /// Where it stands.
    pub place: TokenPlace,
}

/// Positions of a possible token in the normalised text.
#[derive(Clone, Copy, Debug)]
struct Open {
    start: usize,
    underscore: usize,
}

/// Watches for tokens.
#[derive(Clone, Debug)]
pub(crate) struct TokenWatch {
    json: bool,
    open: Vec<Open>,
    /// Decided hits in order.
    hits: Vec<Found>,
}

/// A decided hit with its place in the normalised text.
#[derive(Clone, Debug)]
struct Found {
    start: usize,
    end: usize,
    hit: TokenHit,
}

enum Verdict {
    Hit(TokenHit),
    No,
    Wait,
}

impl TokenWatch {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, open: Vec::new(), hits: Vec::new() }
    }

    /// An underscore that may stand between a kind and a tail.
    pub(crate) fn anchor(&mut self, text: &Normal, underscore: usize) {
        let floor = underscore.saturating_sub(KIND_MAX + 1);
        let mut start = underscore;
        while start > floor && text.before(start).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            start -= 1;
        }
        let glued = char_before(text, start).is_some_and(char::is_alphanumeric);
        if is_kind(text.slice(start, underscore)) && !glued {
            self.open.push(Open { start, underscore });
        }
    }

    /// Decides what can be decided.
    pub(crate) fn step(&mut self, text: &Normal, last: bool) {
        let (json, hits) = (self.json, &mut self.hits);
        self.open.retain(|open| match judge(text, *open, last, json) {
            Verdict::Wait => true,
            Verdict::No => false,
            Verdict::Hit(hit) => {
                let at = hits.partition_point(|found| found.start < open.start);
                hits.insert(at, Found { start: open.start, end: open.underscore + 1 + TAIL, hit });
                false
            }
        });
    }

    /// The first normalised byte that an undecided or unreported token covers.
    pub(crate) fn hold(&self) -> Option<usize> {
        let open = self.open.iter().map(|open| open.start).min();
        let hit = self.hits.first().map(|found| found.start);
        open.into_iter().chain(hit).min()
    }

    /// The first normalised byte of a token that is not decided yet.
    pub(crate) fn undecided(&self) -> Option<usize> {
        self.open.iter().map(|open| open.start).min()
    }

    /// Reports hits that end before `hold`; returns how far the text is settled as far as tokens are concerned. A hit that
    /// something undecided overlaps waits for it, so that both are reported together.
    pub(crate) fn release(&mut self, hold: usize, events: &mut Vec<Event>) -> usize {
        let ready = self.hits.partition_point(|found| found.end <= hold);
        events.extend(self.hits.drain(..ready).map(|found| Event::Token(found.hit)));
        self.hold().map_or(hold, |start| start.min(hold))
    }
}

fn judge(text: &Normal, open: Open, last: bool, json: bool) -> Verdict {
    let tail = open.underscore + 1;
    let end = tail + TAIL;
    let come = text.slice(tail, end);
    if !come.iter().copied().all(is_tail) {
        return Verdict::No;
    }
    if come.len() < TAIL {
        return if last { Verdict::No } else { Verdict::Wait };
    }
    match char_at(text, end) {
        None if !last => return Verdict::Wait,
        Some(c) if c.is_alphanumeric() => return Verdict::No,
        _ => {}
    }
    let Some(place) = place::of(text, open.start, end, last, json) else { return Verdict::Wait };
    let written = String::from_utf8_lossy(text.slice(open.start, end)).into_owned();
    match Token::parse(&written) {
        Some(token) => Verdict::Hit(TokenHit { start: text.raw_start(open.start), end: text.raw_stop(end), token, place }),
        None => Verdict::No,
    }
}

/// How far to each side a URL is looked for.
pub(crate) const REACH: usize = WINDOW;
