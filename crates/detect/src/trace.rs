//! What a scan that is to be explained writes down as it goes: the matches that came up, and those that were ruled out. Scans for real
//! write nothing down.

use std::collections::HashSet;

use crate::allow::{AllowList, Pass};
use crate::candidate::{Match, Surroundings};
use crate::context::{Context, Place};
use crate::heard::Before;
use crate::normal::Normal;
use crate::validate::Check;

/// Most matches that were ruled out that are kept; of the others only the number is.
const RULED_OUT: usize = 10_000;

/// How a value stood in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// As it is.
    Plain,
    /// Disguised or escaped: digits of another script, letters that look alike, `%40`, zero-width characters.
    Normalised,
    /// In base64 or hexadecimal.
    Encoded,
    /// In digits that stand apart or are words.
    Digits,
}

/// Why a match was ruled out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ruled {
    /// This word makes it something else; or none of those stands there that it needs.
    Word(Option<u16>),
    /// It does not pass this.
    Check(Check),
}

/// A match with what was known of it when it came up. `raw` is where it stands in the raw text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traced {
    pub(crate) found: Match,
    pub(crate) raw: (usize, usize),
    pub(crate) word: Option<(Place, u16)>,
    pub(crate) reading: Reading,
    /// Whether a rule of a higher rank stays below its threshold at the same place, which is the one that is kept.
    pub(crate) passed_over: bool,
    /// Whether it is allowed, and what that holds for.
    pub(crate) pass: Option<Pass>,
}

/// A match that was ruled out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuledOut {
    pub(crate) rule: usize,
    pub(crate) raw: (usize, usize),
    pub(crate) ruled: Ruled,
}

/// The record of a scan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    pub(crate) matches: Vec<Traced>,
    pub(crate) ruled_out: Vec<RuledOut>,
    /// How many more were ruled out.
    pub(crate) more: usize,
    /// What is not reported.
    allow: Option<AllowList>,
    /// What is written down already: a candidate that waits for text is tried again.
    known: HashSet<(usize, usize)>,
}

impl Trace {
    /// An empty one; what is allowed is told in it.
    pub(crate) fn new(allow: Option<&AllowList>) -> Self {
        Self { allow: allow.cloned(), ..Self::default() }
    }

    /// Writes down what a piece of the text brought; those from `numbers` on were read in digits, if they were encoded.
    pub(crate) fn accepted(&mut self, fresh: &[Match], numbers: usize, around: &Surroundings<'_>) {
        for (at, found) in fresh.iter().enumerate() {
            let reading = match found.encoded {
                true if at >= numbers => Reading::Digits,
                true => Reading::Encoded,
                false => reading(around.text, found),
            };
            self.add(*found, reading, false, around);
        }
    }

    /// Writes down what stays below its threshold, and is not kept because something of a higher rank does at the same place.
    pub(crate) fn passed_over(&mut self, found: Match, around: &Surroundings<'_>) {
        self.add(found, reading(around.text, &found), true, around);
    }

    fn add(&mut self, found: Match, reading: Reading, passed_over: bool, around: &Surroundings<'_>) {
        let raw = raw(around.text, (found.start, found.end));
        let pass = self.allow.as_ref().and_then(|allow| allow.pass(&found, around.text, &around.compiled.rules));
        self.matches.push(Traced { found, raw, word: word(&found, around), reading, passed_over, pass });
    }

    /// Writes down that a match was ruled out.
    pub(crate) fn rule_out(&mut self, rule: usize, place: (usize, usize), ruled: Ruled, around: &Surroundings<'_>) {
        if !self.known.insert((rule, place.0)) {
            return;
        }
        if self.ruled_out.len() == RULED_OUT {
            self.more += 1;
            self.known.remove(&(rule, place.0));
            return;
        }
        self.ruled_out.push(RuledOut { rule, raw: raw(around.text, place), ruled });
    }
}

fn raw(text: &Normal, (start, end): (usize, usize)) -> (usize, usize) {
    (text.raw_start(start), text.raw_stop(end))
}

fn reading(text: &Normal, found: &Match) -> Reading {
    let (start, end) = raw(text, (found.start, found.end));
    let literal = end - start == found.end - found.start && (found.start..found.end).all(|at| text.is_literal(at));
    if literal { Reading::Plain } else { Reading::Normalised }
}

/// The word that moved the score of a match.
fn word(found: &Match, around: &Surroundings<'_>) -> Option<(Place, u16)> {
    let rule = around.compiled.rules.get(found.rule).filter(|rule| !found.encoded && found.score_bp != rule.score_bp)?;
    let context = Context::new(around, found.start, None);
    context.positive(rule, &mut Before::default()).or_else(|| context.after_word(rule, found.end).map(|word| (Place::After, word)))
}
