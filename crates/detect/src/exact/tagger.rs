//! The walk of a table over a text that arrives in pieces. At every end of a word the text back to each of the last words is looked
//! up, as far as something can begin like it; a value that needs others beside it waits for what follows.

use std::collections::VecDeque;

use super::table::{Exact, Table, View};
use super::{OPENING, ROWS, WORDS, short};
use crate::known::{Found, LONGEST, Walk, Word};
use crate::normal::Normal;

/// Score of a value alone, and of one that others confirm.
const ALONE_BP: u16 = 9_000;
const CONFIRMED_BP: u16 = 9_900;

/// A word that a value may begin with.
#[derive(Clone, Copy, Debug)]
struct Start {
    /// Where it begins in the text, in characters of it, and in the form.
    begin: usize,
    first_char: usize,
    from: usize,
    /// The rolling hash there.
    hash: u64,
    words: usize,
    /// Whether the index has a value that begins like the text here, as far as that is known.
    begins: bool,
}

/// A word that may confirm a value.
#[derive(Clone, Debug)]
struct Near {
    word: Word,
    /// What ends with it, made when it is asked for.
    hashes: Option<Vec<Ending>>,
}

/// The short hash of some words, and where they begin.
#[derive(Clone, Copy, Debug)]
struct Ending {
    hash: u64,
    start: usize,
    first_char: usize,
}

/// A value of the table that was read.
#[derive(Clone, Debug)]
struct Hit {
    start: usize,
    end: usize,
    /// The same in characters.
    first_char: usize,
    last_char: usize,
    /// What may confirm it: short hashes, sorted, with the row and the column.
    wanted: Vec<(u64, usize, usize)>,
    /// Columns that were met, by row.
    met: Vec<u16>,
    /// Number of the word from which on words were not compared yet.
    compared: usize,
}

/// Looks for the values of a table in a normalised text that somebody else holds. Positions are those of the normalised text.
#[derive(Clone)]
pub(crate) struct Tagger {
    exact: Exact,
    walk: Walk,
    starts: Vec<Start>,
    near: VecDeque<Near>,
    /// Number of the first word in `near`.
    near_from: usize,
    /// Sorted by start, the longest first.
    hits: Vec<Hit>,
    /// Nothing is reported before this.
    floor: usize,
    form: Vec<u8>,
}

impl Tagger {
    pub(crate) fn new(exact: &Exact) -> Self {
        Self {
            walk: Walk::new(&exact.table().keys),
            exact: exact.clone(),
            starts: Vec::with_capacity(WORDS),
            near: VecDeque::new(),
            near_from: 0,
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
            if table.need > 0 {
                self.remember(word, table);
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
        let Word { start, first_char, from, hash_from, .. } = *word;
        self.starts.push(Start { begin: start, first_char, from, hash: hash_from, words: 0, begins: false });
        let mut starts = std::mem::take(&mut self.starts);
        starts.retain_mut(|start| self.extend(start, word, table, view));
        self.starts = starts;
    }

    /// Looks up what lies from a start to the end of a word; false when nothing can begin there any more.
    fn extend(&mut self, start: &mut Start, last: &Word, table: &Table, view: &View<'_>) -> bool {
        let length = last.to - start.from;
        start.words += 1;
        let Some(values) = table.lengths.get(length).filter(|values| values.is || values.longer) else { return false };
        if length >= OPENING && !start.begins {
            if !view.may_begin(self.walk.eight(start.from)) {
                return false;
            }
            start.begins = true;
        }
        if values.is && view.may_have(self.walk.between((start.from, start.hash), (last.to, last.hash_to))) {
            self.look_up(start, last, table);
        }
        start.words < WORDS && values.longer
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
            for (index, row) in rows.take(ROWS).enumerate() {
                wanted.extend(table.with(row).map(|(column, hash)| (hash, index, column)));
            }
            wanted.sort_unstable();
        }
        let (start, first_char) = (first.begin, first.first_char);
        let hit =
            Hit { start, end: last.end, first_char, last_char: last.last_char, wanted, met: vec![0; count], compared: self.near_from };
        let key = |hit: &Hit| (hit.start, usize::MAX - hit.end);
        let at = self.hits.partition_point(|other| key(other) < key(&hit));
        self.hits.insert(at, hit);
    }

    /// Keeps a word for as long as it may confirm something.
    fn remember(&mut self, word: Word, table: &Table) {
        self.near.push_back(Near { word, hashes: None });
        let earliest = self.hits.first().map(|hit| hit.first_char).into_iter().chain(self.starts.first().map(|start| start.first_char));
        let earliest = earliest.min().unwrap_or(word.first_char).min(word.first_char);
        // The words of what begins near enough are needed as well.
        let oldest = earliest.saturating_sub(table.within + LONGEST + WORDS * crate::known::GAP);
        while self.near.front().is_some_and(|near| near.word.last_char < oldest) {
            self.near.pop_front();
            self.near_from += 1;
        }
    }

    /// Reports what is decided, from left to right: the longest of those that begin first, and what others reach further.
    fn settle(&mut self, table: &Table, text: &Normal, all: bool, out: &mut Vec<Found>) {
        if table.need > 0 {
            self.compare(table);
        }
        while let Some(hit) = self.hits.first() {
            if !all && hit.start >= self.undecided() {
                return;
            }
            let confirmed = table.need == 0 || hit.met.iter().any(|met| met.count_ones() as usize >= table.need);
            if confirmed {
                let end = hit.end;
                let start = if hit.start < self.floor { behind_marks(text, self.floor, end) } else { hit.start };
                let score_bp = if table.need == 0 { ALONE_BP } else { CONFIRMED_BP };
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

    /// Compares words that came with what may confirm each value.
    fn compare(&mut self, table: &Table) {
        let Self { hits, near, near_from, walk, .. } = self;
        let Some(first) = hits.iter().map(|hit| hit.compared).min() else { return };
        for index in first.saturating_sub(*near_from)..near.len() {
            if near.get(index).is_some_and(|near| near.hashes.is_none()) {
                let made = ending(near, index, walk, table);
                if let Some(near) = near.get_mut(index) {
                    near.hashes = Some(made);
                }
            }
        }
        for hit in hits {
            let (from, to) = (hit.first_char.saturating_sub(table.within), hit.last_char + table.within);
            let next = hit.compared.saturating_sub(*near_from);
            for near in near.iter().skip(next).filter(|near| near.word.last_char <= to) {
                let fits = |first: usize, first_char: usize| first_char >= from && (near.word.end <= hit.start || first >= hit.end);
                let hashes = near.hashes.iter().flatten().filter(|one| fits(one.start, one.first_char));
                for one in hashes {
                    let at = hit.wanted.partition_point(|(wanted, ..)| *wanted < one.hash);
                    for (_, row, column) in hit.wanted.iter().skip(at).take_while(|(wanted, ..)| *wanted == one.hash) {
                        hit.met.get_mut(*row).into_iter().for_each(|met| *met |= 1 << column);
                    }
                }
            }
            hit.compared = *near_from + near.len();
        }
    }
}

/// Where the next word begins.
fn behind_marks(text: &Normal, from: usize, to: usize) -> usize {
    from + text.slice(from, to).iter().take_while(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric()).count()
}

/// The short hashes of everything that ends with a word and could confirm a value.
fn ending(near: &VecDeque<Near>, index: usize, walk: &Walk, table: &Table) -> Vec<Ending> {
    let mut made = Vec::new();
    let Some(last) = near.get(index).map(|near| near.word) else { return made };
    for first in near.iter().take(index + 1).rev().take(WORDS).map(|near| near.word) {
        let length = last.to - first.from;
        if length > LONGEST {
            break;
        }
        if table.lengths_with >> length & 1 != 0 {
            let rolling = walk.between((first.from, first.hash_from), (last.to, last.hash_to));
            made.push(Ending { hash: short(table.keys.whole.of(rolling)), start: first.start, first_char: first.first_char });
        }
        if first.apart {
            break;
        }
    }
    made
}
