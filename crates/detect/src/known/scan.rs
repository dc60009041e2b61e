//! A scan for what a company knows of its own, by itself: for tests, and for whole texts beside the rules.

use std::fmt;

use bartizan_vocabulary::Finding;

use super::Found;
use crate::exact::{self, Exact};
use crate::normal::Normal;

/// Largest piece that is taken in at once.
const PIECE: usize = 4096;
/// History is dropped when it is at least this long.
const HISTORY: usize = 2048;

/// What is looked for.
#[derive(Clone)]
enum Tagger {
    Exact(Exact, exact::Tagger),
}

impl Tagger {
    fn step(&mut self, text: &Normal, last: bool, out: &mut Vec<Found>) {
        match self {
            Self::Exact(_, tagger) => tagger.step(text, last, out),
        }
    }

    fn hold(&self, text: &Normal) -> usize {
        match self {
            Self::Exact(_, tagger) => tagger.hold(text),
        }
    }

    fn keep(&self, text: &Normal) -> usize {
        match self {
            Self::Exact(_, tagger) => tagger.keep(text),
        }
    }

    /// The finding in raw offsets.
    fn finding(&self, text: &Normal, found: Found) -> Finding {
        let (label, rule) = match self {
            Self::Exact(exact, _) => (exact.label().clone(), exact.table().rule.clone()),
        };
        Finding { start: text.raw_start(found.start), end: text.raw_stop(found.end), label, rule, score_bp: found.score_bp }
    }
}

/// An incremental scan for one source. However the text is cut, the findings are the same.
#[derive(Clone)]
pub struct KnownScan {
    text: Normal,
    tagger: Tagger,
    found: Vec<Found>,
    findings: Vec<Finding>,
    settled: usize,
    finished: bool,
}

impl fmt::Debug for KnownScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownScan").field("settled", &self.settled).finish_non_exhaustive()
    }
}

impl KnownScan {
    /// For the values of a table.
    pub fn exact(exact: &Exact) -> Self {
        Self::new(Tagger::Exact(exact.clone(), exact::Tagger::new(exact)))
    }

    fn new(tagger: Tagger) -> Self {
        Self { text: Normal::new(), tagger, found: Vec::new(), findings: Vec::new(), settled: 0, finished: false }
    }

    /// Takes in more text, cut anywhere between characters.
    pub fn push(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(rest.floor_char_boundary(PIECE.min(rest.len())));
            self.take_in(piece);
            rest = tail;
        }
    }

    /// Says that the text is complete.
    pub fn finish(&mut self) {
        if !self.finished {
            self.finished = true;
            self.take_in("");
        }
    }

    /// Raw offset up to which everything is decided.
    pub fn settled(&self) -> usize {
        self.settled
    }

    /// Takes what was found since the last call, in order, in raw offsets.
    pub fn drain(&mut self, out: &mut Vec<Finding>) {
        out.append(&mut self.findings);
    }

    /// All of a whole text.
    pub(crate) fn whole(mut self, text: &str) -> Vec<Finding> {
        self.push(text);
        self.finish();
        self.findings
    }

    fn take_in(&mut self, piece: &str) {
        self.text.push(piece, self.finished);
        self.tagger.step(&self.text, self.finished, &mut self.found);
        for found in self.found.drain(..) {
            self.findings.push(self.tagger.finding(&self.text, found));
        }
        let hold = if self.finished { self.text.end() } else { self.tagger.hold(&self.text) };
        let settled = if hold >= self.text.end() { self.text.raw_end() } else { self.text.raw_start(hold) };
        self.settled = self.settled.max(settled);
        self.text.forget_before(self.tagger.keep(&self.text), HISTORY);
    }
}

impl Exact {
    /// All findings in a whole text, in raw offsets.
    pub fn scan(&self, text: &str) -> Vec<Finding> {
        KnownScan::exact(self).whole(text)
    }
}
