//! Tags become names: runs of tokens, joined over line ends where they are one address, with a score.

use super::gazetteer::CALENDAR;
use super::model::Model;
use super::tokens::{Shape, Token};
use super::{Kind, Tag};

/// A name that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// What it stands for.
    pub kind: Kind,
    /// Its first byte.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// How sure it is, in basis points.
    pub score_bp: u16,
}

/// Longest address.
const LONGEST_ADDRESS: usize = 400;
/// Longest other name.
const LONGEST: usize = 160;
/// Most bytes between the parts of an address.
pub(crate) const JOINT: usize = 4;
/// Most that a name is worth which says little by itself: a weekday, a year, a lone number.
const WEAK_BP: u16 = 3_000;

/// A name in the making.
#[derive(Clone, Copy, Debug)]
struct Open {
    kind: Kind,
    start: usize,
    end: usize,
    /// Sum of the margins of its tokens.
    margin: i32,
    tokens: i32,
    /// Tokens with digits.
    numbers: i32,
    /// Tokens that are a month or a day of the week.
    calendar: i32,
    /// Tokens that are neither marks nor numbers.
    words: i32,
}

/// Collects names from tags.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    open: Option<Open>,
    /// A name that is complete unless what follows belongs to the same address.
    joining: Option<Open>,
}

impl Spans {
    /// Takes the next token with its tag and by how much that beat "no name".
    pub(crate) fn take(&mut self, token: &Token, tag: Tag, margin: i32, model: &Model, out: &mut Vec<Name>) {
        let mark = token.shape == Shape::Mark;
        if self.open.is_none() && self.joining.is_none() && tag == Tag::NONE {
            return;
        }
        if let (Some(open), Some(kind)) = (&mut self.open, tag.kind())
            && open.kind == kind
            && tag.is_inside()
            && token.end - open.start <= longest(kind)
        {
            open.add(token, margin, mark);
            return;
        }
        self.close(model, out);
        let far = self.joining.is_some_and(|joining| token.start > joining.end + JOINT);
        if far || (tag == Tag::NONE && !mark) {
            self.flush(model, out);
        }
        let Some(kind) = tag.kind() else { return };
        let mut open = Open { kind, start: token.start, end: token.end, margin: 0, tokens: 0, numbers: 0, calendar: 0, words: 0 };
        if let Some(joining) = self.joining {
            if let Some(kind) = joint(joining.kind, kind).filter(|kind| token.end - joining.start <= longest(*kind)) {
                open = Open { kind, ..joining };
                self.joining = None;
            } else {
                self.flush(model, out);
            }
        }
        open.add(token, margin, mark);
        self.open = Some(open);
    }

    /// The text is over.
    pub(crate) fn finish(&mut self, model: &Model, out: &mut Vec<Name>) {
        self.close(model, out);
        self.flush(model, out);
    }

    /// The first byte of a name that is not reported yet.
    pub(crate) fn hold(&self) -> Option<usize> {
        self.joining.or(self.open).map(|open| open.start)
    }

    fn close(&mut self, model: &Model, out: &mut Vec<Name>) {
        let Some(open) = self.open.take() else { return };
        self.flush(model, out);
        self.joining = Some(open);
        if joint(open.kind, open.kind).is_none() {
            self.flush(model, out);
        }
    }

    fn flush(&mut self, model: &Model, out: &mut Vec<Name>) {
        let Some(open) = self.joining.take() else { return };
        let score = model.score(open.kind, open.margin / open.tokens.max(1));
        let score_bp = if open.is_weak() { score.min(WEAK_BP) } else { score };
        out.push(Name { kind: open.kind, start: open.start, end: open.end, score_bp });
    }
}

impl Open {
    fn add(&mut self, token: &Token, margin: i32, mark: bool) {
        self.margin = self.margin.saturating_add(margin);
        self.tokens += 1;
        let number = has_digits(token.shape);
        self.numbers += i32::from(number);
        self.calendar += i32::from(token.lists & CALENDAR != 0);
        self.words += i32::from(!number && !mark);
        if !mark || self.tokens == 1 {
            self.end = token.end;
        }
    }

    /// A weekday, a year or a lone number says little by itself.
    fn is_weak(&self) -> bool {
        match self.kind {
            Kind::Date | Kind::DateOfBirth => self.numbers < 3 && (self.numbers == 0 || self.calendar == 0),
            Kind::Address => self.words == 0 || self.numbers == 0 && self.tokens < 3,
            _ => false,
        }
    }
}

fn has_digits(shape: Shape) -> bool {
    shape.is_number() || shape == Shape::LetterDigits
}

pub(crate) fn longest(kind: Kind) -> usize {
    if kind == Kind::Address { LONGEST_ADDRESS } else { LONGEST }
}

/// What two neighbours are together.
pub(crate) fn joint(before: Kind, after: Kind) -> Option<Kind> {
    match (before, after) {
        (Kind::Location, Kind::Location) => Some(Kind::Location),
        (Kind::Address | Kind::Location, Kind::Address | Kind::Location) => Some(Kind::Address),
        _ => None,
    }
}
