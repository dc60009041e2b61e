//! Recognisers beside the rules: they read the normalised text of a scan by themselves, and what they find is resolved together
//! with what the rules found. A text is normalised once for all of them.

use crate::WINDOW;
use crate::candidate::Match;
use crate::exact::{self, Exact};
use crate::known::Found;
use crate::names::{Given, Name, Names, Tagger};
use crate::normal::Normal;
use crate::phrases::{self, Phrases};
use crate::prints::{self, Prints};

/// A recogniser beside the rules, and the index of the first rule that stands for what it finds.
#[derive(Clone, Debug)]
pub(crate) enum Beside {
    /// Names; a rule for each kind, in the order of [`Kind::ALL`](crate::names::Kind::ALL).
    Names(Names, usize),
    /// The values of a table.
    Exact(Exact, usize),
    /// The phrases of a dictionary.
    Phrases(Phrases, usize),
    /// Excerpts of documents; a rule for each document.
    Prints(Prints, usize),
}

impl Beside {
    /// Begins a text.
    pub(crate) fn reader(&self) -> Reader {
        match self {
            Self::Names(names, rule) => Reader::Names { tagger: Box::new(Tagger::new(names)), rule: *rule, found: Vec::new() },
            Self::Exact(exact, rule) => own(Own::Exact(exact::Tagger::new(exact)), *rule),
            Self::Phrases(phrases, rule) => own(Own::Phrases(phrases::Tagger::new(phrases)), *rule),
            Self::Prints(prints, rule) => own(Own::Prints(prints::Tagger::new(prints)), *rule),
        }
    }
}

fn own(tagger: Own, rule: usize) -> Reader {
    Reader::Own { tagger: Box::new(tagger), rule, found: Vec::new() }
}

/// What a company knows of its own.
#[derive(Clone)]
pub(crate) enum Own {
    Exact(exact::Tagger),
    Phrases(phrases::Tagger),
    Prints(prints::Tagger),
}

/// One of them at work on a text. Positions are those of the normalised text.
#[derive(Clone)]
pub(crate) enum Reader {
    /// See [`Beside::Names`].
    Names { tagger: Box<Tagger>, rule: usize, found: Vec<Name> },
    /// Names that something else found in the whole text, in their order.
    Given { names: Given, rule: usize, next: usize },
    /// See the others.
    Own { tagger: Box<Own>, rule: usize, found: Vec<Found> },
}

impl Reader {
    /// Goes on as far as the text shows; `last` says that nothing follows.
    pub(crate) fn step(&mut self, text: &Normal, last: bool, out: &mut Vec<Match>) {
        match self {
            Self::Names { tagger, rule, found } => {
                tagger.step(text, last, found);
                out.extend(found.drain(..).map(|name| Match {
                    start: name.start,
                    end: name.end,
                    rule: *rule + name.kind.index(),
                    score_bp: name.score_bp,
                    encoded: false,
                }));
            }
            Self::Given { names, rule, next } => {
                for name in names.from(*next).iter().take_while(|name| last || name.end <= text.end()) {
                    *next += 1;
                    out.push(Match {
                        start: name.start,
                        end: name.end,
                        rule: *rule + name.kind.index(),
                        score_bp: name.score_bp,
                        encoded: false,
                    });
                }
            }
            Self::Own { tagger, rule, found } => {
                tagger.step(text, last, found);
                for found in found.drain(..) {
                    let rule = *rule + usize::try_from(found.source).unwrap_or_default();
                    cut(found, text, &mut |start, end| out.push(Match { start, end, rule, score_bp: found.score_bp, encoded: false }));
                }
            }
        }
    }

    /// The first byte that a finding which is not reported yet may cover.
    pub(crate) fn hold(&self, text: &Normal) -> usize {
        match self {
            Self::Names { tagger, .. } => tagger.hold(text),
            Self::Given { names, next, .. } => names.from(*next).first().map_or(text.end(), |name| name.start.min(text.end())),
            Self::Own { tagger, .. } => match tagger.as_ref() {
                Own::Exact(tagger) => tagger.hold(text),
                Own::Phrases(tagger) => tagger.hold(text),
                Own::Prints(tagger) => tagger.hold(text),
            },
        }
    }

    /// The first byte that is still read.
    pub(crate) fn keep(&self, text: &Normal) -> usize {
        match self {
            Self::Names { tagger, .. } => tagger.keep(text),
            Self::Given { .. } => self.hold(text),
            Self::Own { tagger, .. } => match tagger.as_ref() {
                Own::Exact(tagger) => tagger.keep(text),
                Own::Phrases(tagger) => tagger.keep(text),
                Own::Prints(tagger) => tagger.keep(text),
            },
        }
    }
}

impl Own {
    fn step(&mut self, text: &Normal, last: bool, out: &mut Vec<Found>) {
        match self {
            Self::Exact(tagger) => tagger.step(text, last, out),
            Self::Phrases(tagger) => tagger.step(text, last, out),
            Self::Prints(tagger) => tagger.step(text, last, out),
        }
    }
}

/// Overlaps are resolved within a window or two, so a long excerpt comes in parts, none of which ends inside a character.
fn cut(found: Found, text: &Normal, part: &mut dyn FnMut(usize, usize)) {
    let mut start = found.start;
    while found.end - start > WINDOW {
        let inside = |at: &usize| text.at(*at).is_some_and(|byte| byte & 0xC0 == 0x80);
        let end = (start + 1..=start + WINDOW).rev().find(|at| !inside(at)).unwrap_or(start + WINDOW);
        part(start, end);
        start = end;
    }
    part(start, found.end);
}
