//! Pseudonym tokens in text: their form, and their recognition however they were escaped or cased. Which of them were
//! minted, and what they stand for, is known in `mint`; in which URL one stands, in `place`.

use std::fmt;

use bartizan_vocabulary::Finding;

use crate::destination::Destinations;
use crate::normal::Normal;
use crate::stream::Event;
use crate::{WINDOW, place};

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

    /// What stands behind the underscore.
    pub(crate) fn tail(&self) -> &str {
        self.0.split_once('_').map_or("", |(_, tail)| tail)
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
        /// Lower case, without user information; with its port when that is not the usual one.
        host: String,
    },
    /// In the host or user information of a URL: never restore.
    UrlHostItself,
}

/// A string of the form of a token. One that touches ASCII letters or digits has no kind, so that nothing is restored by it;
/// but its tail is reserved like that of any other, for whoever reads the text may cut a token out of it.
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
    glued: bool,
}

/// Watches for tokens.
#[derive(Clone, Debug)]
pub(crate) struct TokenWatch {
    /// Whether tokens are looked for at all.
    on: bool,
    destinations: Destinations,
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
    pub(crate) fn new(on: bool, json: bool) -> Self {
        Self { on, destinations: Destinations::new(json), open: Vec::new(), hits: Vec::new() }
    }

    /// An underscore that may stand between a kind and a tail.
    pub(crate) fn anchor(&mut self, text: &Normal, underscore: usize) {
        let floor = underscore.saturating_sub(KIND_MAX + 1);
        let mut start = underscore;
        while start > floor && text.before(start).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            start -= 1;
        }
        let glued = !is_kind(text.slice(start, underscore));
        self.open.push(Open { start: if glued { underscore } else { start }, underscore, glued });
    }

    /// Decides what can be decided.
    pub(crate) fn step(&mut self, text: &Normal, last: bool) {
        if !self.on {
            return;
        }
        let needed = self.open.iter().map(|open| open.start).min().unwrap_or(text.end());
        self.destinations.step(text, needed);
        let (destinations, hits) = (&self.destinations, &mut self.hits);
        self.open.retain(|open| match judge(text, *open, last, destinations) {
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

    /// Forgets tokens that begin inside a long finding.
    pub(crate) fn cover(&mut self, start: usize, end: usize) {
        self.open.retain(|open| open.start < start || open.start >= end);
        self.hits.retain(|found| found.start < start || found.start >= end);
    }

    /// The first normalised byte of a token that is not decided yet.
    pub(crate) fn undecided(&self) -> Option<usize> {
        self.open.iter().map(|open| open.start).min()
    }

    /// `frontier`, or the start of a decided token that reaches over it: what overlaps that token is reported with it.
    pub(crate) fn apart(&self, frontier: usize) -> usize {
        let over = self.hits.iter().find(|found| found.start < frontier && frontier < found.end);
        over.map_or(frontier, |found| found.start)
    }

    /// The end of the decided token that `position` lies in, or `position`.
    pub(crate) fn over(&self, position: usize) -> usize {
        self.hits.iter().find(|found| found.start < position && position < found.end).map_or(position, |found| found.end)
    }

    /// Reports hits that end before `hold`; returns how far the text is settled as far as tokens are concerned. A hit that
    /// something undecided overlaps waits for it, so that both are reported together.
    pub(crate) fn release(&mut self, hold: usize, events: &mut Vec<Event>) -> usize {
        let ready = self.hits.partition_point(|found| found.end <= hold);
        events.extend(self.hits.drain(..ready).map(|found| Event::Token(found.hit)));
        self.hold().map_or(hold, |start| start.min(hold))
    }
}

fn judge(text: &Normal, open: Open, last: bool, around: &Destinations) -> Verdict {
    let tail = open.underscore + 1;
    let end = tail + TAIL;
    let come = text.slice(tail, end);
    if !come.iter().copied().all(is_tail) {
        return Verdict::No;
    }
    if come.len() < TAIL || text.at(end).is_none() && !last {
        return if last { Verdict::No } else { Verdict::Wait };
    }
    let glued = open.glued || text.at(end).is_some_and(|byte| byte.is_ascii_alphanumeric());
    let (kind, place) = if glued {
        (String::new(), TokenPlace::Plain)
    } else {
        let Some(place) = place::of(text, open.start, end, last, around) else { return Verdict::Wait };
        (String::from_utf8_lossy(text.slice(open.start, open.underscore)).to_ascii_uppercase(), place)
    };
    let tail = std::array::from_fn(|at| come.get(at).copied().unwrap_or(b'0').to_ascii_uppercase());
    Verdict::Hit(TokenHit { start: text.raw_start(open.start), end: text.raw_stop(end), token: Token::new(&kind, tail), place })
}

/// How far to each side a URL is looked for.
pub(crate) const REACH: usize = WINDOW;

/// The parts of `finding` that no token covers, which are too short to count when they have less than four bytes. A token
/// that is the user or a part of a host stays in what was found around it.
fn beside(finding: &Finding, known: &[&TokenHit]) -> Vec<Finding> {
    let mut parts = vec![finding.clone()];
    for hit in known.iter().filter(|hit| hit.start < finding.end && finding.start < hit.end) {
        let covers = hit.start <= finding.start && finding.end <= hit.end;
        if !covers && hit.place == TokenPlace::UrlHostItself {
            continue;
        }
        let Some(last) = parts.pop() else { break };
        let (mut before, mut after) = (last.clone(), last);
        before.end = before.end.min(hit.start);
        after.start = after.start.max(hit.end);
        parts.extend([before, after].into_iter().filter(|part| part.end >= part.start + 4));
    }
    parts
}

/// Known tokens come before findings: `password: EMAIL_7Q2F9KXD4M` holds a token, not a password.
pub(crate) fn cut_findings(findings: &mut Vec<Finding>, tokens: &[TokenHit], known: &dyn Fn(&TokenHit) -> bool) {
    let known: Vec<&TokenHit> = tokens.iter().filter(|hit| known(hit)).collect();
    if !known.is_empty() {
        *findings = findings.iter().flat_map(|finding| beside(finding, &known)).collect();
    }
}

/// The same for what a stream reported; `events` must be all that it reported at once.
pub fn give_way(events: &mut Vec<Event>, known: &dyn Fn(&TokenHit) -> bool) {
    let is_known = |event: &Event| matches!(event, Event::Token(hit) if known(hit));
    if !events.iter().any(is_known) {
        return;
    }
    let all = events.clone();
    let hits: Vec<&TokenHit> = all.iter().filter_map(|event| if let Event::Token(hit) = event { Some(hit) } else { None }).collect();
    let hits: Vec<&TokenHit> = hits.into_iter().filter(|hit| known(hit)).collect();
    *events = all
        .iter()
        .flat_map(|event| match event {
            Event::Found { finding, open: false } => {
                beside(finding, &hits).into_iter().map(|finding| Event::Found { finding, open: false }).collect()
            }
            other => vec![other.clone()],
        })
        .collect();
}
