//! The walk of a table over a text that arrives in pieces. At every end of a word the text back to each of the last words is looked
//! up, as far as something can begin like it; a value that needs others beside it waits for what follows.

use super::near::Near;
use super::table::{Exact, Table, View};
use super::{FIRST, OPENING, ROWS, WORDS};
use crate::known::{Found, GAP, LONGEST, Walk, Word};
use crate::normal::Normal;

/// A word that a value may begin with.
#[derive(Clone, Copy, Debug)]
struct Start {
    /// Where it begins in the text, in characters of it, and in the form.
    begin: usize,
    first_char: usize,
    from: usize,
    words: usize,
    /// How many bytes of what begins here were seen to begin a value.
    seen: usize,
}

/// A value of the table that was read.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The same in characters.
    pub(super) first_char: usize,
    pub(super) last_char: usize,
    /// What may confirm it: short hashes, sorted, with the row and the column.
    pub(super) wanted: Vec<(u64, usize, usize)>,
    /// Columns that were met, by row.
    pub(super) met: Vec<u16>,
    /// Number of the word from which on words were not compared yet.
    pub(super) compared: usize,
}

/// Looks for the values of a table in a normalised text that somebody else holds. Positions are those of the normalised text.
#[derive(Clone)]
pub(crate) struct Tagger {
    exact: Exact,
    walk: Walk,
    starts: Vec<Start>,
    /// What the filter let through at the last word.
    asked: Vec<Start>,
    near: Near,
    /// Sorted by start, the longest first.
    hits: Vec<Hit>,
    /// Nothing is reported before this.
    floor: usize,
    form: Vec<u8>,
}

impl Tagger {
    pub(crate) fn new(exact: &Exact) -> Self {
        Self {
            walk: Walk::without_hashes(&exact.table().keys),
            exact: exact.clone(),
            starts: Vec::with_capacity(WORDS),
            asked: Vec::new(),
            near: Near::default(),
            hits: Vec::new(),
            floor: 0,
            form: Vec::new(),
        }
    }

    /// Goes on as far as the text shows.
    pub(crate) fn step(&mut self, text: &Normal, last: bool, out: &mut Vec<Found>) {
        let exact = self.exact.clone();
        let table = exact.table();
        let view = table.view();
        while let Some(word) = self.walk.take(text, last) {
            self.enter(&word, table, &view);
            if table.need > 0 && self.near.enter(word, &self.walk) {
                self.forget(word.first_char, table);
            }
            if !self.hits.is_empty() {
                self.settle(table, text, false, out);
            }
        }
        if last {
            self.starts.clear();
        }
        self.settle(table, text, last, out);
    }

    /// The first byte that a finding which is not reported yet may cover.
    pub(crate) fn hold(&self, text: &Normal) -> usize {
        let open = self.walk.open().unwrap_or(text.end());
        self.undecided().min(self.hits.first().map_or(open, |hit| hit.start)).max(self.floor).min(open)
    }

    /// The first byte that is still read.
    pub(crate) fn keep(&self, text: &Normal) -> usize {
        self.hold(text).min(self.walk.next())
    }

    /// Where the first word begins that a longer value may still begin with.
    fn undecided(&self) -> usize {
        let first = self.starts.first().filter(|_| self.walk.goes_on()).map(|start| start.begin);
        first.unwrap_or(usize::MAX)
    }

    fn enter(&mut self, word: &Word, table: &Table, view: &View<'_>) {
        if word.apart {
            self.starts.clear();
        }
        if word.is_long() {
            self.starts.clear();
            return;
        }
        let Self { starts, walk, asked, .. } = self;
        starts.retain_mut(|start| extend(start, word, (walk, table, view), asked));
        let Word { start, first_char, from, .. } = *word;
        let mut start = Start { begin: start, first_char, from, words: 0, seen: 0 };
        if extend(&mut start, word, (walk, table, view), asked) {
            starts.push(start);
        }
        if !asked.is_empty() {
            let mut asked = std::mem::take(asked);
            asked.drain(..).for_each(|start| self.look_up(&start, word, table));
            self.asked = asked;
        }
    }

    fn look_up(&mut self, first: &Start, last: &Word, table: &Table) {
        let mut form = std::mem::take(&mut self.form);
        self.walk.form(first.from, last.to, &mut form);
        let rows = table.rows(&form);
        self.form = form;
        if rows.is_empty() {
            return;
        }
        let mut wanted = Vec::new();
        let count = rows.len().min(ROWS);
        if table.need > 0 {
            // So that no more words are compared than are near enough.
            self.forget(first.first_char, table);
            for (index, row) in rows.take(ROWS).enumerate() {
                wanted.extend(table.with(row).map(|(column, hash)| (hash, index, column)));
            }
            wanted.sort_unstable();
        }
        let (start, first_char) = (first.begin, first.first_char);
        let hit =
            Hit { start, end: last.end, first_char, last_char: last.last_char, wanted, met: vec![0; count], compared: self.near.from };
        let key = |hit: &Hit| (hit.start, usize::MAX - hit.end);
        let at = self.hits.partition_point(|other| key(other) < key(&hit));
        self.hits.insert(at, hit);
    }

    /// Forgets words that cannot confirm anything any more, whether it was found, may have begun, or begins at a character.
    fn forget(&mut self, begins: usize, table: &Table) {
        let [hit, start] = [self.hits.first().map(|hit| hit.first_char), self.starts.first().map(|start| start.first_char)];
        let earliest = begins.min(hit.unwrap_or(begins)).min(start.unwrap_or(begins));
        // The words of what begins near enough are needed as well.
        self.near.forget_before(earliest.saturating_sub(table.within + LONGEST + WORDS * GAP));
    }

    /// Reports what is decided, from left to right: the longest of those that begin first, and what others reach further.
    fn settle(&mut self, table: &Table, text: &Normal, all: bool, out: &mut Vec<Found>) {
        if table.need > 0 {
            self.near.compare(&mut self.hits, table);
        }
        while let Some(hit) = self.hits.first() {
            if !all && hit.start >= self.undecided() {
                return;
            }
            let confirmed = table.need == 0 || hit.met.iter().any(|met| met.count_ones() as usize >= table.need);
            if confirmed {
                let end = hit.end;
                let start = if hit.start < self.floor { behind_marks(text, self.floor, end) } else { hit.start };
                let score_bp = table.score_bp();
                out.push(Found { start, end, score_bp, source: 0 });
                self.floor = end;
                self.hits.retain(|hit| hit.end > end);
            } else if all || self.walk.chars() > hit.last_char + table.within {
                self.hits.remove(0);
            } else {
                return;
            }
        }
    }
}

/// Where the next word begins.
fn behind_marks(text: &Normal, from: usize, to: usize) -> usize {
    from + text.slice(from, to).iter().take_while(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric()).count()
}

/// Asks whether a value lies from a start to the end of a word; false when nothing can begin there any more.
#[inline]
fn extend(start: &mut Start, last: &Word, (walk, table, view): (&Walk, &Table, &View<'_>), asked: &mut Vec<Start>) -> bool {
    let length = last.to - start.from;
    start.words += 1;
    let Some(values) = table.lengths.get(length).filter(|values| values.is || values.longer) else { return false };
    if start.seen < OPENING && length >= FIRST {
        let eight = walk.eight(start.from);
        if start.seen == 0 && !view.hints.may_begin(eight) {
            return false;
        }
        start.seen = FIRST;
        if length >= OPENING {
            if !view.hints.may_open(eight) {
                return false;
            }
            start.seen = OPENING;
        }
    }
    if values.is
        && (length < OPENING || view.hints.may_look(walk.eight(start.from), walk.eight(last.to - OPENING), length))
        && view.may_have(walk.rolling(start.from, last.to))
    {
        asked.push(*start);
    }
    start.words < WORDS && values.longer
}
