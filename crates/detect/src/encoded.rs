//! Runs of base64 in a text: where they begin and end, how their lines join, and which characters a finding in what they
//! stand for takes. What their letters stand for is read in `sextets`.
//!
//! A run that fits the window is one thing: what is found in it covers all of it. A longer one is read as it comes, and a
//! finding covers the letters that hold it.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::WINDOW;
use crate::candidate::Match;
use crate::chars::bits;
use crate::compile::Compiled;
use crate::normal::Normal;
use crate::sextets::{Inner, Reader, is_letter};
use crate::stretch::may_hold;

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
    /// Reads each of its lines for itself, and the letters before the one that it is in; a run without lines needs none.
    lined: Option<(Box<Reader>, usize)>,
    /// What the readers have got.
    read: usize,
}

/// The runs of a text, followed as it comes.
#[derive(Clone, Default)]
pub(crate) struct Runs {
    seen: usize,
    run: Option<Run>,
    /// Reads the runs that fit the window, once there is one: most texts have none.
    reader: Option<Box<Reader>>,
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
                run.whole(text, self.reader.get_or_insert_default(), compiled, &mut self.found);
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
        let of = |run: &Run| run.reader.as_ref().map_or(0, |one| one.held()) + run.lined.as_ref().map_or(0, |(one, _)| one.held());
        self.run.as_ref().map_or(0, of)
    }
}

/// Where the first run of [`LETTERS`] letters begins, or the letters at the end that may become one. No letter stands before
/// `bytes`. Blocks overlap, so that a run which one does not hold is seen in the next.
fn next_run(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(block) = bytes.get(from..).and_then(<[u8]>::first_chunk) {
        let runs = beginnings(letters(block));
        if runs != 0 {
            return Some(from + runs.trailing_zeros() as usize);
        }
        from += BLOCK - LETTERS + 1;
    }
    let rest = bytes.get(from..).unwrap_or_default();
    let mut run = 0;
    for (at, byte) in rest.iter().enumerate() {
        run = if is_letter(*byte) { run + 1 } else { 0 };
        if run == LETTERS {
            return Some(from + at + 1 - LETTERS);
        }
    }
    (run > 0).then_some(bytes.len() - run)
}

/// Bytes that are told apart at once.
const BLOCK: usize = 64;

/// A bit for each letter of base64.
fn letters(block: &[u8; BLOCK]) -> u64 {
    let mut marks = [0_u8; BLOCK];
    for (mark, byte) in marks.iter_mut().zip(block) {
        let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        let figure = byte.wrapping_sub(b'/') <= b'9' - b'/';
        // Without a branch: `||` would be one.
        let others = u8::from(*byte == b'+') | u8::from(*byte == b'-') | u8::from(*byte == b'_');
        *mark = u8::from(letter) | u8::from(figure) | others;
    }
    let (low, high) = marks.split_at(BLOCK / 2);
    let half = |half: &[u8]| half.first_chunk().map_or(0, |half| u64::from(bits(half)));
    half(low) | half(high) << (BLOCK / 2)
}

/// The bits at which so many bits begin in a row as a run has letters.
fn beginnings(letters: u64) -> u64 {
    let two = letters & letters >> 1;
    let four = two & two >> 2;
    let eight = four & four >> 4;
    eight & eight >> (LETTERS - 8)
}

impl Run {
    fn new(start: usize) -> Self {
        Self {
            start,
            end: start,
            next: start,
            letters: 0,
            padding: 0,
            lines: Vec::new(),
            width: None,
            reader: None,
            lined: None,
            read: start,
        }
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

    /// Reads what has come of a run longer than the window: over the joints, and each line for itself, since a value at the end of
    /// one line may seem to go on in the next. Where both find something, the stronger finding wins as everywhere.
    fn read(&mut self, text: &Normal, ended: bool, compiled: &Arc<Compiled>, found: &mut Vec<Inner>) {
        if self.reader.is_none() && !self.lines.is_empty() {
            self.lined = Some((Box::default(), 0));
        }
        let reader = self.reader.get_or_insert_default();
        let mut alone = Vec::new();
        let joints = self.lines.iter().filter(|line| line.at >= self.read).map(|line| (line.at, Some(line.first)));
        let mut from = self.read;
        for (to, next) in joints.chain([(self.end, None)]) {
            for letter in text.slice(from, to).iter().filter(|byte| is_letter(**byte)) {
                reader.feed(*letter, compiled, found);
                if let Some((lined, _)) = &mut self.lined {
                    lined.feed(*letter, compiled, &mut alone);
                }
            }
            from = to;
            let Some((lined, first)) = &mut self.lined else { continue };
            if next.is_some() || ended {
                lined.finish(compiled, &mut alone);
            } else {
                lined.flush(compiled, &mut alone);
            }
            found.extend(alone.drain(..).map(|inner| Inner { from: inner.from + *first, to: inner.to + *first, ..inner }));
            *first = next.unwrap_or(*first);
        }
        self.read = self.end;
        if ended {
            reader.finish(compiled, found);
        } else {
            reader.flush(compiled, found);
        }
    }

    /// The first letter that something undecided may hold a bit of; none without a reader.
    fn undecided(&self) -> Option<usize> {
        let lined = self.lined.as_ref().map(|(lined, first)| first + lined.hold());
        self.reader.as_ref().map(|reader| lined.map_or(reader.hold(), |line| line.min(reader.hold())))
    }

    /// Reads a run that fits the window: as a whole, and each line for itself where nothing was found over it.
    fn whole(&self, text: &Normal, reader: &mut Reader, compiled: &Arc<Compiled>, found: &mut Vec<Inner>) {
        let mut read = |from: usize, to: usize, found: &mut Vec<Inner>| {
            let letters = || text.slice(from, to).iter().copied().filter(|byte| is_letter(*byte));
            if may_hold(letters()) {
                letters().for_each(|letter| reader.feed(letter, compiled, found));
                reader.finish(compiled, found);
            }
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
        self.undecided().map_or(self.start, |letter| self.at(letter))
    }

    /// Drops lines that nobody asks for any more.
    fn forget(&mut self) {
        let Some(undecided) = self.undecided() else { return };
        let kept = self.lines.partition_point(|line| line.first <= undecided).saturating_sub(1);
        self.lines.drain(..kept);
    }
}

impl std::fmt::Debug for Runs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runs").field("seen", &self.seen).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LETTERS, next_run};
    use crate::sextets::is_letter;

    /// The same, letter by letter.
    fn plainly(bytes: &[u8]) -> Option<usize> {
        let ends = |from: usize| bytes.iter().skip(from).take_while(|byte| is_letter(**byte)).count();
        (0..bytes.len()).find(|from| ends(*from) >= LETTERS || (ends(*from) > 0 && from + ends(*from) == bytes.len()))
    }

    proptest! {
        #[test]
        fn runs_begin_where_letters_say_so(parts in prop::collection::vec(("[A-Za-z0-9+/_-]{0,20}", "[ .,:=\"é\u{0}@`{\\[]{0,2}"), 0..24)) {
            let text: String = parts.into_iter().map(|(letters, others)| letters + &others).collect();
            prop_assert_eq!(next_run(text.as_bytes()), plainly(text.as_bytes()));
        }
    }
}
