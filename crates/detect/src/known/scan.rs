//! A scan for what a company knows of its own by itself, for tests and measurements; beside rules it is found by
//! [`Detector`](crate::Detector).

use std::fmt;

use bartizan_vocabulary::Finding;

use super::Found;
use crate::exact::{self, Exact};
use crate::normal::Normal;
use crate::phrases::{self, Phrases};
use crate::prints::{self, Prints};

/// Largest piece that is taken in at once.
const PIECE: usize = 4096;
/// History is dropped when it is at least this long.
const HISTORY: usize = 2048;

/// What is looked for.
#[derive(Clone)]
enum Tagger {
    Exact(Exact, Box<exact::Tagger>),
    Prints(Prints, Box<prints::Tagger>),
    Phrases(phrases::Tagger),
}

impl Tagger {
    fn step(&mut self, text: &Normal, last: bool, out: &mut Vec<Found>) {
        match self {
            Self::Exact(_, tagger) => tagger.step(text, last, out),
            Self::Prints(_, tagger) => tagger.step(text, last, out),
            Self::Phrases(tagger) => tagger.step(text, last, out),
        }
    }

    fn hold(&self, text: &Normal) -> usize {
        match self {
            Self::Exact(_, tagger) => tagger.hold(text),
            Self::Prints(_, tagger) => tagger.hold(text),
            Self::Phrases(tagger) => tagger.hold(text),
        }
    }

    fn keep(&self, text: &Normal) -> usize {
        match self {
            Self::Exact(_, tagger) => tagger.keep(text),
            Self::Prints(_, tagger) => tagger.keep(text),
            Self::Phrases(tagger) => tagger.keep(text),
        }
    }

    /// The finding in raw offsets.
    fn finding(&self, text: &Normal, found: Found) -> Finding {
        let (label, rule) = match self {
            Self::Exact(exact, _) => (exact.label().clone(), exact.table().rule.clone()),
            Self::Prints(prints, _) => (prints.label().clone(), prints.rule(found.source)),
            Self::Phrases(tagger) => (tagger.phrases().label().clone(), tagger.phrases().rule().clone()),
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
    /// What was found last.
    before: Option<Found>,
    /// Findings, and whether one goes on with the one before it.
    findings: Vec<(Finding, bool)>,
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
        Self::new(Tagger::Exact(exact.clone(), Box::new(exact::Tagger::new(exact))))
    }

    /// For the phrases of a dictionary.
    pub fn phrases(phrases: &Phrases) -> Self {
        Self::new(Tagger::Phrases(phrases::Tagger::new(phrases)))
    }

    /// For excerpts of documents.
    pub fn prints(prints: &Prints) -> Self {
        Self::new(Tagger::Prints(prints.clone(), Box::new(prints::Tagger::new(prints))))
    }

    fn new(tagger: Tagger) -> Self {
        Self { text: Normal::new(), tagger, found: Vec::new(), before: None, findings: Vec::new(), settled: 0, finished: false }
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

    /// Takes what was found since the last call, in order, in raw offsets. What goes on with the last finding makes that one longer.
    pub fn drain(&mut self, out: &mut Vec<Finding>) {
        for (finding, goes_on) in self.findings.drain(..) {
            match out.last_mut() {
                Some(last) if goes_on => last.end = finding.end,
                _ => out.push(finding),
            }
        }
    }

    /// All of a whole text.
    pub(crate) fn whole(mut self, text: &str) -> Vec<Finding> {
        self.push(text);
        self.finish();
        let mut findings = Vec::with_capacity(self.findings.len());
        self.drain(&mut findings);
        findings
    }

    fn take_in(&mut self, piece: &str) {
        self.text.push(piece, self.finished);
        self.tagger.step(&self.text, self.finished, &mut self.found);
        for found in self.found.drain(..) {
            let goes_on = self.before.is_some_and(|before| before.end == found.start && before.source == found.source);
            self.findings.push((self.tagger.finding(&self.text, found), goes_on && matches!(self.tagger, Tagger::Prints(..))));
            self.before = Some(found);
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

impl Phrases {
    /// All findings in a whole text, in raw offsets.
    pub fn scan(&self, text: &str) -> Vec<Finding> {
        KnownScan::phrases(self).whole(text)
    }
}

impl Prints {
    /// All excerpts in a whole text, in raw offsets.
    pub fn scan(&self, text: &str) -> Vec<Finding> {
        KnownScan::prints(self).whole(text)
    }
}
