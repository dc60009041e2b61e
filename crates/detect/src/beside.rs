//! Recognisers beside the rules: they read the normalised text of a scan by themselves, and what they find is resolved together
//! with what the rules found. A text is normalised once for all of them.

use crate::candidate::Match;
use crate::names::{Name, Names, Tagger};
use crate::normal::Normal;

/// A recogniser beside the rules.
#[derive(Clone, Debug)]
pub(crate) enum Beside {
    /// Names; the rule of its first kind is this one, the others follow in the order of [`Kind::ALL`](crate::names::Kind::ALL).
    Names(Names, usize),
}

impl Beside {
    /// Begins a text.
    pub(crate) fn reader(&self) -> Reader {
        match self {
            Self::Names(names, rule) => Reader::Names { tagger: Box::new(Tagger::new(names)), rule: *rule, found: Vec::new() },
        }
    }
}

/// One of them at work on a text. Positions are those of the normalised text.
#[derive(Clone)]
pub(crate) enum Reader {
    /// See [`Beside::Names`].
    Names { tagger: Box<Tagger>, rule: usize, found: Vec<Name> },
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
        }
    }

    /// The first byte that a finding which is not reported yet may cover.
    pub(crate) fn hold(&self, text: &Normal) -> usize {
        match self {
            Self::Names { tagger, .. } => tagger.hold(text),
        }
    }

    /// The first byte that is still read.
    pub(crate) fn keep(&self, text: &Normal) -> usize {
        match self {
            Self::Names { tagger, .. } => tagger.keep(text),
        }
    }
}
