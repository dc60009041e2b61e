//! The walk of fingerprints over a text that arrives in pieces: shingles that were found in a document make runs. What is held back is
//! bounded: an excerpt is reported in parts as it goes on.

use super::table::{Prints, Table};
use super::{APART, GAP, LEAST_SHINGLES, LEAST_WORDS, SHIFT, Shingles};
use crate::known::{Found, Walk};
use crate::normal::Normal;

/// Score of an excerpt.
pub(super) const SCORE_BP: u16 = 8_500;
/// Most runs at a time; the oldest that is no excerpt goes first.
const RUNS: usize = 256;
/// An excerpt is reported again when it has grown by so many words.
const PART: usize = 32;

/// Shingles of one document in its order.
#[derive(Clone, Debug)]
struct Run {
    document: u32,
    /// Where it begins, and its first and last word by number.
    start: usize,
    first: usize,
    last: usize,
    /// Where it ends, in the text and in the document.
    end: usize,
    place: u32,
    shingles: usize,
    /// Up to where it was reported, and up to which word.
    told: Option<(usize, usize)>,
}

/// Looks for excerpts in a normalised text that somebody else holds. Positions are those of the normalised text.
#[derive(Clone)]
pub(crate) struct Tagger {
    prints: Prints,
    walk: Walk,
    shingles: Shingles,
    /// Words so far.
    words: usize,
    /// In the order in which they began.
    runs: Vec<Run>,
    /// Nothing is reported before this.
    floor: usize,
}

impl Tagger {
    pub(crate) fn new(prints: &Prints) -> Self {
        Self {
            walk: Walk::within(&prints.table().keys, GAP),
            prints: prints.clone(),
            shingles: Shingles::new(),
            words: 0,
            runs: Vec::new(),
            floor: 0,
        }
    }

    /// Goes on as far as the text shows.
    pub(crate) fn step(&mut self, text: &Normal, last: bool, out: &mut Vec<Found>) {
        let prints = self.prints.clone();
        let table = prints.table();
        while let Some(word) = self.walk.take(text, last) {
            if word.apart || word.is_long() {
                self.report(true, out);
            }
            self.words += 1;
            if let Some(hash) = self.shingles.enter(word, &self.walk, &table.keys) {
                self.look_up(hash, word.end, table);
            }
            if !self.runs.is_empty() {
                self.report(false, out);
            }
        }
        if last || self.walk.is_parted() {
            self.shingles.reset();
            self.report(true, out);
        }
    }

    /// The first byte that a finding which is not reported yet may cover.
    pub(crate) fn hold(&self, text: &Normal) -> usize {
        let open = self.walk.open().unwrap_or(text.end());
        let next = self.shingles.next_start().unwrap_or(open).min(open);
        let runs = self.runs.iter().map(|run| run.told.map_or(run.start, |(told, _)| told).max(self.floor)).min();
        // What was reported already is not held back for the sake of a later shingle.
        next.max(self.floor.min(open)).min(runs.unwrap_or(usize::MAX))
    }

    /// The first byte that is still read.
    pub(crate) fn keep(&self, text: &Normal) -> usize {
        self.hold(text).min(self.walk.next())
    }

    fn look_up(&mut self, hash: u64, end: usize, table: &Table) {
        for (document, place) in table.places(hash) {
            let best = self.runs.iter_mut().rev().filter_map(|run| run.shift(document, place, self.words).map(|shift| (shift, run)));
            if let Some((_, run)) = best.min_by_key(|(shift, _)| *shift) {
                (run.last, run.end, run.place) = (self.words, end, place);
                run.shingles += 1;
                continue;
            }
            // The same place a second time, such as of a line that is repeated.
            if self.runs.iter().any(|run| run.document == document && run.last == self.words) {
                continue;
            }
            if self.runs.len() >= RUNS {
                match self.runs.iter().position(|run| run.told.is_none()) {
                    Some(oldest) => drop(self.runs.remove(oldest)),
                    None => continue,
                }
            }
            let first = self.words + 1 - super::SHINGLE;
            let start = self.shingles.start();
            self.runs.push(Run { document, start, first, last: self.words, end, place, shingles: 1, told: None });
        }
    }

    /// Reports excerpts as far as they go, and forgets runs that ended.
    fn report(&mut self, all: bool, out: &mut Vec<Found>) {
        let (words, floor) = (self.words, &mut self.floor);
        self.runs.retain_mut(|run| {
            let over = all || words - run.last > APART;
            let grown = match run.told {
                None => run.shingles >= LEAST_SHINGLES && run.last + 1 - run.first >= LEAST_WORDS,
                Some((_, word)) => run.last > word && (over || run.last - word >= PART),
            };
            if grown {
                let start = run.told.map_or(run.start, |(told, _)| told).max(*floor);
                if start < run.end {
                    out.push(Found { start, end: run.end, score_bp: SCORE_BP, source: run.document });
                    *floor = run.end;
                }
                run.told = Some((run.end, run.last));
            }
            !over
        });
    }
}

impl Run {
    /// By how many words a shingle is shifted that would go on with it.
    fn shift(&self, document: u32, place: u32, words: usize) -> Option<usize> {
        let here = words.checked_sub(self.last).filter(|here| (1..=APART).contains(here))?;
        let there = usize::try_from(place.checked_sub(self.place)?).ok().filter(|there| (1..=APART + SHIFT).contains(there))?;
        let shift = here.abs_diff(there);
        (self.document == document && shift <= SHIFT).then_some(shift)
    }
}
