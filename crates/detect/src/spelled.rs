//! Digits that stand apart (`4 1 1 1`, `4-1-1-1`) or are written as words (`four one one one`, `四一一一`), in the normalised text.
//! A chain of at least [`FEWEST`] of them is read as the number that it stands for, behind the text before it; what is found covers
//! the digits or words that hold it. Chains are looked for at few places, so other text costs next to nothing. What one digit is
//! stands in `digits`.

use std::sync::Arc;

use crate::WINDOW;
use crate::candidate::Match;
use crate::compile::Compiled;
use crate::detector::Hint;
use crate::digits::{self, FEWEST, GAP, Here, LONGEST, Token};
use crate::normal::Normal;
use crate::stream::{Event, TextScan};
use crate::validate::Check;

/// A chain is read in parts of so many digits: no number has more.
const MOST: usize = 64;
/// The digits at the end of such a part that are read with the next one, too: a number may lie across two parts.
const TWICE: usize = 24;
/// Digits of most cards: a longer row may be one and something else before or behind it.
const USUAL: usize = 16;
/// Text before a chain that is read with it.
const BEFORE: usize = 80;

/// The chains of a text, followed as it comes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spelled {
    /// Up to here all is read.
    seen: usize,
    /// Where a chain begins that may go on.
    chain: Option<usize>,
    /// Groups of digits, words and numerals in a row: where the last one begins or ends, and how many.
    last: usize,
    count: usize,
    /// Those at which a chain may stand, and whether it is a word or numeral.
    hits: Vec<(usize, bool)>,
}

impl Spelled {
    /// Takes note of the first digit of a group.
    #[inline]
    pub(crate) fn group(&mut self, position: usize) {
        self.come(position, GAP + 1, false);
    }

    /// Takes note of the last byte of a word or numeral, or of a word that is part of another one.
    #[inline]
    pub(crate) fn word(&mut self, position: usize) {
        self.come(position, GAP + LONGEST, true);
    }

    /// A chain of at least [`FEWEST`] has one of the places that are kept in it, whatever came before.
    #[inline]
    fn come(&mut self, position: usize, reach: usize, is_word: bool) {
        let near = position.wrapping_sub(self.last) <= reach;
        self.last = position;
        self.count = if near { self.count + 1 } else { 1 };
        if self.count.is_multiple_of(FEWEST) {
            self.hits.push((position, is_word));
        }
    }

    /// Follows new text; what chains hold goes to `out`.
    pub(crate) fn step(&mut self, text: &Normal, last: bool, compiled: &Arc<Compiled>, out: &mut Vec<Match>) {
        loop {
            let Some(start) = self.chain.or_else(|| self.next(text, last)) else {
                self.seen = text.end();
                self.hits.clear();
                return;
            };
            self.chain = Some(start);
            let Some(chain) = read(text, start, last) else { return };
            self.chain = None;
            numbers(text, &chain, compiled, out);
            rows(text, &chain, compiled, out);
            let Some(token) = chain.last() else {
                self.seen = self.seen.max(start + 1);
                continue;
            };
            self.seen = token.end;
            // The rest of a long chain is a chain.
            let again = chain.get(MOST - TWICE).filter(|_| chain.len() == MOST);
            if let Some(again) = again
                && !matches!(digits::follow(text, token, last), Here::Nothing)
            {
                self.chain = Some(again.start);
            }
        }
    }

    /// The first normalised byte that something undecided may cover.
    pub(crate) fn hold(&self) -> Option<usize> {
        self.chain
    }

    /// Where the next chain begins that is long enough or may become so.
    fn next(&mut self, text: &Normal, last: bool) -> Option<usize> {
        let seen = self.seen;
        self.hits.retain(|(hit, _)| *hit >= seen);
        let begin = |(hit, is_word): &(usize, bool)| if *is_word { digits::around(text, *hit, last) } else { Some(*hit) };
        let found = self.hits.iter().filter_map(begin).find(|at| *at >= seen);
        let found = found.or_else(|| if last { None } else { digits::tail(text) })?;
        (found >= seen).then(|| digits::first(text, found, seen))
    }
}

/// The chain that begins at `start`; none where the text ends before it is over.
fn read(text: &Normal, start: usize, last: bool) -> Option<Vec<Token>> {
    let mut chain = Vec::new();
    let mut here = digits::at(text, start, last);
    loop {
        match here {
            Here::More => return None,
            Here::Nothing => return Some(chain),
            Here::Digit(token) => {
                chain.push(token);
                if chain.len() == MOST {
                    return Some(chain);
                }
                here = digits::follow(text, &token, last);
            }
        }
    }
}

/// What stands between most digits of a chain; of two the first.
fn joint<'a>(text: &'a Normal, chain: &[Token]) -> &'a [u8] {
    let mut counts: Vec<(&[u8], usize)> = Vec::new();
    for gap in chain.windows(2).filter_map(|two| Some(text.slice(two.first()?.end, two.last()?.start))) {
        match counts.iter_mut().find(|(known, _)| *known == gap) {
            Some((_, count)) => *count += 1,
            None => counts.push((gap, 1)),
        }
    }
    counts.iter().rev().max_by_key(|(_, count)| *count).map(|(gap, _)| *gap).unwrap_or_default()
}

/// Scans the numbers of a chain. What stands between most of its digits stands between all of a number; something else parts groups of
/// digits, a line of digits that are no words ends one.
fn numbers(text: &Normal, chain: &[Token], compiled: &Arc<Compiled>, out: &mut Vec<Match>) {
    let joint = joint(text, chain);
    let mut number: Vec<(u8, Token)> = Vec::new();
    for token in chain {
        if let Some((_, before)) = number.last().copied() {
            let gap = text.slice(before.end, token.start);
            let parts = before.is_word || gap.starts_with(joint) || !gap.contains(&b'\n');
            if gap != joint && parts {
                number.push((b' ', before));
            } else if gap != joint {
                scan(text, &number, compiled, out);
                number.clear();
            }
        }
        number.push((token.digit, *token));
    }
    scan(text, &number, compiled, out);
}

/// Scans the rows of a chain between whose digits the same stands: another number may follow, or stand before.
fn rows(text: &Normal, chain: &[Token], compiled: &Arc<Compiled>, out: &mut Vec<Match>) {
    let gap = |at: usize| Some(text.slice(chain.get(at)?.end, chain.get(at + 1)?.start));
    let mut from = 0;
    while from + 1 < chain.len() {
        let to = (from + 1..chain.len()).find(|at| gap(*at) != gap(from)).unwrap_or(chain.len() - 1);
        let row: Vec<(u8, Token)> = chain.iter().take(to + 1).skip(from).map(|token| (token.digit, *token)).collect();
        if row.len() < chain.len() {
            scan(text, &row, compiled, out);
        }
        if row.len() > USUAL {
            for part in [row.get(..USUAL), row.get(row.len() - USUAL..)].into_iter().flatten() {
                let digits: Vec<u8> = part.iter().map(|(digit, _)| *digit).collect();
                if Check::Card.passes(&digits) {
                    scan(text, part, compiled, out);
                }
            }
        }
        from = to;
    }
}

fn scan(text: &Normal, number: &[(u8, Token)], compiled: &Arc<Compiled>, out: &mut Vec<Match>) {
    let Some((_, first)) = number.first() else { return };
    if number.iter().filter(|(byte, _)| *byte != b' ').count() < FEWEST {
        return;
    }
    let before = text.slice(first.start.saturating_sub(BEFORE), first.start);
    let whole = before.iter().position(|byte| byte & 0xC0 != 0x80).unwrap_or(before.len());
    let mut read = String::from_utf8_lossy(before.get(whole..).unwrap_or_default()).into_owned();
    let lead = read.len();
    read.extend(number.iter().map(|(byte, _)| char::from(*byte)));
    let mut scan = TextScan::new(Arc::clone(compiled), Hint::default(), false, &[]);
    let mut events = Vec::new();
    scan.push(&read);
    scan.finish();
    scan.drain(&mut events);
    for event in events {
        let Event::Found { finding, .. } = event else { continue };
        let held = number.get(finding.start.saturating_sub(lead)..finding.end.saturating_sub(lead)).unwrap_or_default();
        let (Some((_, from)), Some((_, to))) = (held.first(), held.last()) else { continue };
        let Some(rule) = compiled.rules.iter().position(|rule| rule.id == finding.rule) else { continue };
        if held.len() >= FEWEST && to.end - from.start <= WINDOW {
            out.push(Match { start: from.start, end: to.end, rule, score_bp: finding.score_bp, encoded: true });
        }
    }
}
