//! The walk over a text that arrives in pieces: tokens are tagged from left to right, each once the next two are known.

use super::features::{AHEAD, BEHIND, History, Rows, SIGHT, rows};
use super::model::{Model, Names};
use super::spans::{Name, Spans};
use super::tokens::{Token, Tokens};
use super::{TAGS, Tag};
use crate::normal::Normal;

/// Largest piece that is taken in at once.
const PIECE: usize = 4096;
/// History is dropped when it is at least this long.
const HISTORY: usize = 2048;

/// The best tag that may follow, and by how much it beats "no name".
pub(crate) fn best(sums: &[i32; TAGS], before: Tag, token: &Token) -> (Tag, i32) {
    let (mut tag, mut most) = (Tag::NONE, i32::MIN);
    for (index, sum) in (0..).zip(sums) {
        if *sum > most && Tag(index).may_follow(before, token) {
            (tag, most) = (Tag(index), *sum);
        }
    }
    (tag, most - sums.first().copied().unwrap_or(0))
}

/// From here on numbers are taken for those of code.
const CODE: u8 = 96;

/// Whether the tagger looks at a token at all; asked before the history enters the token.
#[inline]
pub(crate) fn is_active(token: &Token, history: History) -> bool {
    history.tag != Tag::NONE || token.trigger && (history.code < CODE || !token.shape.is_number())
}

/// Tags a normalised text that somebody else holds. Positions are those of the normalised text.
#[derive(Clone)]
pub(crate) struct Tagger {
    names: Names,
    tokens: Tokens,
    sight: [Token; SIGHT],
    /// Tokens in sight that have no tag yet.
    pending: usize,
    history: History,
    rows: Rows,
    spans: Spans,
}

impl Tagger {
    pub(crate) fn new(names: &Names) -> Self {
        Self {
            rows: Rows::new(names.model().bits),
            names: names.clone(),
            tokens: Tokens::default(),
            sight: [Token::OUTSIDE; SIGHT],
            pending: 0,
            history: History::START,
            spans: Spans::default(),
        }
    }

    /// Goes on as far as the text shows.
    pub(crate) fn step(&mut self, text: &Normal, last: bool, out: &mut Vec<Name>) {
        let names = self.names.clone();
        let model = names.model();
        let lists = model.lists();
        while let Some(token) = self.tokens.take(text, last, &lists) {
            if let Some(slot) = self.sight.get_mut(BEHIND + self.pending) {
                *slot = token;
                self.pending += 1;
            }
            while self.pending > AHEAD || (self.pending > 0 && !is_active(self.current(), self.history)) {
                self.decide(text, model, out);
            }
        }
        if last {
            while self.pending > 0 {
                self.decide(text, model, out);
            }
            self.spans.finish(model, out);
        }
    }

    /// The first byte that a name which is not reported yet may cover.
    pub(crate) fn hold(&self, text: &Normal) -> usize {
        let rest = text.from(self.tokens.next);
        let next = rest.iter().position(|byte| !byte.is_ascii_whitespace()).map_or(text.end(), |white| self.tokens.next + white);
        let pending = if self.pending > 0 { self.current().start } else { next };
        self.spans.hold().unwrap_or(pending).min(pending)
    }

    /// The first byte that is still read.
    pub(crate) fn keep(&self, text: &Normal) -> usize {
        self.hold(text).min(self.tokens.next)
    }

    fn current(&self) -> &Token {
        let [_, _, current, _, _] = &self.sight;
        current
    }

    fn decide(&mut self, text: &Normal, model: &Model, out: &mut Vec<Name>) {
        let token = *self.current();
        let active = is_active(&token, self.history);
        self.history.enter(&token);
        let (tag, margin) = if active {
            for slot in self.sight.iter_mut().skip(BEHIND + self.pending) {
                *slot = Token::OUTSIDE;
            }
            rows(&self.sight, self.history, text, &mut self.rows);
            best(&model.sum(&self.rows), self.history.tag, &token)
        } else {
            (Tag::NONE, 0)
        };
        self.history.leave(tag);
        self.spans.take(&token, tag, margin, model, out);
        self.sight.copy_within(1.., 0);
        self.pending -= 1;
    }
}

impl Names {
    /// All names in a whole text by themselves, in raw offsets; beside rules they are found by
    /// [`Detector::with_names`](crate::Detector::with_names).
    pub fn scan(&self, text: &str) -> Vec<Name> {
        let mut normal = Normal::new();
        let mut tagger = Tagger::new(self);
        let (mut found, mut names) = (Vec::new(), Vec::new());
        let mut rest = text;
        loop {
            let (piece, tail) = rest.split_at(rest.floor_char_boundary(PIECE.min(rest.len())));
            rest = tail;
            normal.push(piece, rest.is_empty());
            tagger.step(&normal, rest.is_empty(), &mut found);
            for name in found.drain(..) {
                names.push(Name { start: normal.raw_start(name.start), end: normal.raw_stop(name.end), ..name });
            }
            if rest.is_empty() {
                return names;
            }
            normal.forget_before(tagger.keep(&normal), HISTORY);
        }
    }
}
