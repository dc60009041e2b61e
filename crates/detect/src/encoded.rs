//! Runs of base64 in a text: where they begin and end, how their lines join, and which characters a finding in what they
//! stand for takes. What their letters stand for is read in `sextets`.
//!
//! A run that fits the window is one thing: what is found in it covers all of it. A longer one is read as it comes, and a
//! finding covers the letters that hold it.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::WINDOW;
use crate::candidate::Match;
use crate::compile::Compiled;
use crate::normal::Normal;
use crate::sextets::{Inner, Reader, is_letter};

/// Shortest run, padding counted.
const SHORTEST: usize = 16;
/// Letters of the shortest run.
const LETTERS: usize = SHORTEST - 2;
/// How long lines are that go on in the next line (76 in RFC 2045, 64 in RFC 7468). Words of a sentence are shorter.
const LINE: RangeInclusive<usize> = 60..=128;
/// Most white space between two lines.
const JOINT: usize = 32;

/// A line of a run.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// Letters of the run before it.
    first: usize,
    /// Where it begins.
    at: usize,
}

/// A run that may go on. Positions are absolute in the normalised text.
#[derive(Clone)]
struct Run {
    start: usize,
    /// One past its last letter or sign of padding.
    end: usize,
    /// The next byte to look at.
    next: usize,
    letters: usize,
    padding: usize,
    /// Those after the first that may still be asked for.
    lines: Vec<Line>,
    /// Letters of the lines that go on.
    width: Option<usize>,
    /// Reads a run longer than the window.
    reader: Option<Box<Reader>>,
    /// What the reader has got.
    read: usize,
}

/// The runs of a text, followed as it comes.
#[derive(Clone, Default)]
pub(crate) struct Runs {
    seen: usize,
    run: Option<Run>,
    /// Reads the runs that fit the window.
    reader: Reader,
    found: Vec<Inner>,
}

impl Runs {
    /// Follows new text; what runs hold goes to `out`.
    pub(crate) fn step(&mut self, text: &Normal, last: bool, compiled: &Arc<Compiled>, out: &mut Vec<Match>) {
        loop {
            let Some(run) = &mut self.run else {
                let Some(offset) = next_run(text.from(self.seen)) else {
                    self.seen = text.end();
                    return;
                };
                self.run = Some(Run::new(self.seen + offset));
                continue;
            };
            let ended = run.grow(text) || last;
            if run.letters > WINDOW {
                run.read(text, ended, compiled, &mut self.found);
                out.extend(self.found.drain(..).map(|inner| run.part(inner)));
            } else if ended && run.letters + run.padding >= SHORTEST {
                run.whole(text, &mut self.reader, compiled, &mut self.found);
                run.share(&mut self.found, compiled, out);
                self.found.clear();
            }
            if !ended {
                run.forget();
                return;
            }
            self.seen = run.end;
            self.run = None;
        }
    }

    /// The first normalised byte that something undecided may cover.
    pub(crate) fn hold(&self) -> Option<usize> {
        self.run.as_ref().map(Run::hold)
    }

    /// Bytes of memory, for bounds.
    pub(crate) fn held(&self) -> usize {
        self.run.as_ref().and_then(|run| run.reader.as_ref()).map_or(0, |reader| reader.held())
    }
}

/// Where the first run of [`LETTERS`] letters begins, or the letters at the end that may become one. No letter stands before
/// `bytes`. Looks at every byte of a run, but only at some of what is none.
fn next_run(bytes: &[u8]) -> Option<usize> {
    let mut start = 0;
    while let Some(ahead) = bytes.get(start..start + LETTERS) {
        match ahead.iter().rposition(|byte| !is_letter(*byte)) {
            Some(at) => start += at + 1,
            None => return Some(start),
        }
    }
    let rest = bytes.get(start..).unwrap_or_default();
    start += rest.iter().rposition(|byte| !is_letter(*byte)).map_or(0, |at| at + 1);
    (start < bytes.len()).then_some(start)
}

impl Run {
    fn new(start: usize) -> Self {
        Self { start, end: start, next: start, letters: 0, padding: 0, lines: Vec::new(), width: None, reader: None, read: start }
    }

    /// Takes what belongs to it; true when its end is known.
    fn grow(&mut self, text: &Normal) -> bool {
        loop {
            let joins = self.next > self.end;
            let rest = text.from(self.next);
            let letters = rest.iter().take_while(|byte| is_letter(**byte)).count();
            if letters > 0 {
                if self.padding > 0 {
                    return true;
                }
                if joins {
                    self.lines.push(Line { first: self.letters, at: self.next });
                }
                self.letters += letters;
                self.next += letters;
                self.end = self.next;
                continue;
            }
            match rest.first() {
                None => return false,
                Some(b'=') if !joins && self.padding < 2 && self.letters >= LETTERS => {
                    self.padding += 1;
                    self.end = self.next + 1;
                }
                Some(b'\r' | b'\n' | b' ' | b'\t') if joins && self.next - self.end < JOINT => {}
                Some(b'\r' | b'\n') if !joins && self.goes_on() => {}
                Some(_) => return true,
            }
            self.next += 1;
        }
    }

    /// Whether the line that ends here may go on in the next one: it is long, and as long as the ones before.
    fn goes_on(&mut self) -> bool {
        let width = self.letters - self.lines.last().map_or(0, |line| line.first);
        self.padding == 0 && LINE.contains(&width) && width.is_multiple_of(4) && *self.width.get_or_insert(width) == width
    }

    /// Reads what has come of a run longer than the window.
    fn read(&mut self, text: &Normal, ended: bool, compiled: &Arc<Compiled>, found: &mut Vec<Inner>) {
        let reader = self.reader.get_or_insert_default();
        for letter in text.slice(self.read, self.end).iter().filter(|byte| is_letter(**byte)) {
            reader.feed(*letter, compiled, found);
        }
        self.read = self.end;
        if ended {
            reader.finish(compiled, found);
        } else {
            reader.flush(compiled, found);
        }
    }

    /// Reads a run that fits the window: as a whole, and each line for itself where nothing was found over it.
    fn whole(&self, text: &Normal, reader: &mut Reader, compiled: &Arc<Compiled>, found: &mut Vec<Inner>) {
        let mut read = |from: usize, to: usize, found: &mut Vec<Inner>| {
            for letter in text.slice(from, to).iter().filter(|byte| is_letter(**byte)) {
                reader.feed(*letter, compiled, found);
            }
            reader.finish(compiled, found);
        };
        read(self.start, self.end, found);
        let joined = found.len();
        let first = Line { first: 0, at: self.start };
        let ends = self.lines.iter().map(|line| line.at).chain([self.end]);
        for (line, end) in std::iter::once(&first).chain(&self.lines).zip(ends).filter(|_| !self.lines.is_empty()) {
            let mut alone = Vec::new();
            read(line.at, end, &mut alone);
            for inner in alone {
                let inner = Inner { from: inner.from + line.first, to: inner.to + line.first, ..inner };
                if found.iter().take(joined).all(|other| inner.to <= other.from || other.to <= inner.from) {
                    found.push(inner);
                }
            }
        }
    }

    /// Divides the run among what was found: a finding reaches from its first letter to the next finding with another label,
    /// the first one from the start of the run.
    fn share(&self, found: &mut Vec<Inner>, compiled: &Compiled, out: &mut Vec<Match>) {
        let label = |inner: &Inner| compiled.rules.get(inner.rule).map(|rule| &rule.label);
        found.sort_by_key(|inner| (inner.from, inner.to, inner.rule));
        found.dedup_by(|next, before| {
            let same = label(next) == label(before);
            if same {
                before.score_bp = before.score_bp.max(next.score_bp);
            }
            same
        });
        found.dedup_by_key(|inner| inner.from);
        let starts = found.iter().skip(1).map(|inner| self.at(inner.from)).chain([self.end]);
        let mut start = self.start;
        for (inner, end) in found.iter().zip(starts) {
            out.push(Match { start, end, rule: inner.rule, score_bp: inner.score_bp, encoded: true });
            start = end;
        }
    }

    /// A finding in a long run: the letters that hold it.
    fn part(&self, inner: Inner) -> Match {
        let last = inner.to.max(inner.from + 1) - 1;
        Match { start: self.at(inner.from), end: self.at(last) + 1, rule: inner.rule, score_bp: inner.score_bp, encoded: true }
    }

    /// Where a letter stands.
    fn at(&self, letter: usize) -> usize {
        let after = self.lines.partition_point(|line| line.first <= letter);
        let line = after.checked_sub(1).and_then(|index| self.lines.get(index)).copied().unwrap_or(Line { first: 0, at: self.start });
        line.at + letter.saturating_sub(line.first)
    }

    fn hold(&self) -> usize {
        self.reader.as_ref().map_or(self.start, |reader| self.at(reader.hold()))
    }

    /// Drops lines that nobody asks for any more.
    fn forget(&mut self) {
        let Some(reader) = &self.reader else { return };
        let kept = self.lines.partition_point(|line| line.first <= reader.hold()).saturating_sub(1);
        self.lines.drain(..kept);
    }
}

impl std::fmt::Debug for Runs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runs").field("seen", &self.seen).finish_non_exhaustive()
    }
}
