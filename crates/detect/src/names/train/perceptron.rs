//! An averaged perceptron with a margin, which learns on what it decided itself.

use super::Sample;
use super::rng::Rng;
use crate::names::features::{AHEAD, BEHIND, History, LEXICAL, Rows, SIGHT, rows};
use crate::names::gazetteer::{CALENDAR, COMMON, COMPANY, Gazetteer, JOB, STREET_KIND, TITLE};
use crate::names::scan::{best, is_active};
use crate::names::tokens::{Shape, Token, Tokens};
use crate::names::{Kind, TAGS, Tag};
use crate::normal::Normal;

/// By how much the right tag must win.
const MARGIN: i32 = 12;
/// Of a hundred features about words, so many are hidden.
const HIDE_WORDS: usize = 18;
/// Of a hundred tokens, so many lose what the lists say about names.
const HIDE_LISTS: usize = 12;
/// Lists that are never hidden: they are about words, not about names.
const KEPT_LISTS: u16 = COMMON | JOB | STREET_KIND | COMPANY | TITLE | CALENDAR;

/// A sample cut into tokens.
pub(super) struct Prepared {
    text: Normal,
    tokens: Vec<Token>,
    /// Per token its kind, and whether a name begins there.
    gold: Vec<Option<(Kind, bool)>>,
}

impl Prepared {
    pub(super) fn new(sample: Sample, lists: &Gazetteer<'_>) -> Self {
        let sample = sample.joined();
        let mut text = Normal::new();
        text.push(&sample.text, true);
        let mut cutter = Tokens::default();
        let tokens: Vec<Token> = std::iter::from_fn(|| cutter.take(&text, true, lists)).collect();
        let mut spans = sample.spans.iter().peekable();
        let mut begun = false;
        let mut gold = Vec::with_capacity(tokens.len());
        for token in &tokens {
            let (start, end) = (text.raw_start(token.start), text.raw_stop(token.end));
            while spans.next_if(|span| span.1 <= start).is_some() {
                begun = false;
            }
            let inside = spans.peek().filter(|span| span.0 < end);
            gold.push(inside.map(|span| (span.2, !begun)));
            begun = inside.is_some();
        }
        Self { text, tokens, gold }
    }
}

/// The weights while they are learned.
pub(super) struct Perceptron {
    bits: u32,
    weights: Vec<[i32; TAGS]>,
    /// Sum over all updates of update times time.
    late: Vec<[i64; TAGS]>,
    time: i64,
}

impl Perceptron {
    pub(super) fn new(bits: u32) -> Self {
        Self { bits, weights: vec![[0; TAGS]; 1 << bits], late: vec![[0; TAGS]; 1 << bits], time: 1 }
    }

    /// Looks at every sample once; gives how many tokens were looked at and how many were tagged wrong.
    pub(super) fn epoch(&mut self, samples: &[Prepared], rng: &mut Rng) -> (usize, usize) {
        let mut counts = (0, 0);
        let mut features = Rows::new(self.bits);
        for sample in samples {
            self.learn(sample, &mut features, &mut counts, rng);
        }
        counts
    }

    fn learn(&mut self, sample: &Prepared, features: &mut Rows, counts: &mut (usize, usize), rng: &mut Rng) {
        let mut history = History::START;
        for (index, (token, gold)) in sample.tokens.iter().zip(&sample.gold).enumerate() {
            let active = is_active(token, history);
            history.enter(token);
            if !active {
                history.leave(Tag::NONE);
                continue;
            }
            let right = match gold {
                Some((kind, false)) if history.tag.kind() == Some(*kind) => Tag::inside(*kind),
                Some((kind, _)) if token.shape != Shape::Mark => Tag::begin(*kind),
                _ => Tag::NONE,
            };
            let sight = sight(&sample.tokens, index, rng);
            rows(&sight, history, &sample.text, features);
            let chosen: Vec<u32> =
                (0..).zip(features.get()).filter(|(at, _)| *at >= LEXICAL || !rng.percent(HIDE_WORDS)).map(|(_, row)| *row).collect();
            let sums = self.sum(&chosen);
            let (tag, _) = best(&sums, history.tag, token);
            self.time += 1;
            counts.0 += 1;
            counts.1 += usize::from(tag != right);
            self.correct(&sums, right, history.tag, token, &chosen);
            history.leave(tag);
        }
    }

    fn sum(&self, rows: &[u32]) -> [i32; TAGS] {
        let mut sums = [0; TAGS];
        for weights in rows.iter().filter_map(|row| self.weights.get(*row as usize)) {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += weight;
            }
        }
        sums
    }

    /// Moves the weights if the right tag does not win by the margin.
    fn correct(&mut self, sums: &[i32; TAGS], right: Tag, before: Tag, token: &Token, rows: &[u32]) {
        let rivals = (0..).zip(sums).filter(|(tag, _)| *tag != right.0 && Tag(*tag).may_follow(before, token));
        let Some((rival, most)) = rivals.max_by_key(|(_, sum)| **sum) else { return };
        if sums.get(usize::from(right.0)).is_some_and(|sum| sum - most >= MARGIN) {
            return;
        }
        for row in rows {
            let Some((weights, late)) = self.weights.get_mut(*row as usize).zip(self.late.get_mut(*row as usize)) else { continue };
            for (tag, by) in [(right.0, 1), (rival, -1)] {
                if let Some((weight, late)) = weights.get_mut(usize::from(tag)).zip(late.get_mut(usize::from(tag))) {
                    *weight += by;
                    *late += i64::from(by) * self.time;
                }
            }
        }
    }

    /// The averaged weights as signed bytes.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "clamped to a signed byte")]
    pub(super) fn rows(&self) -> Vec<[i8; TAGS]> {
        let mean = |weight: i32, late: i64| f64::from(weight) - late as f64 / self.time as f64;
        let mut sizes: Vec<f64> = Vec::new();
        for (weights, late) in self.weights.iter().zip(&self.late) {
            sizes.extend(weights.iter().zip(late).map(|(weight, late)| mean(*weight, *late).abs()).filter(|size| *size > 0.0));
        }
        sizes.sort_by(f64::total_cmp);
        let largest = sizes.get(sizes.len() * 9_995 / 10_000).copied().unwrap_or(1.0);
        let small = |weight: i32, late: i64| (mean(weight, late) * 127.0 / largest).round().clamp(-127.0, 127.0) as i8;
        let row = |(weights, late): (&[i32; TAGS], &[i64; TAGS])| {
            let mut row = [0; TAGS];
            for (slot, (weight, late)) in row.iter_mut().zip(weights.iter().zip(late)) {
                *slot = small(*weight, *late);
            }
            row
        };
        self.weights.iter().zip(&self.late).map(row).collect()
    }
}

/// The tokens around one, some of them without what the lists say about names.
fn sight(tokens: &[Token], index: usize, rng: &mut Rng) -> [Token; SIGHT] {
    let mut sight = [Token::OUTSIDE; SIGHT];
    for (offset, slot) in sight.iter_mut().enumerate() {
        let at = (index + offset).checked_sub(BEHIND);
        if let Some(token) = at.and_then(|at| tokens.get(at)).filter(|_| offset <= BEHIND + AHEAD) {
            *slot = *token;
            if rng.percent(HIDE_LISTS) {
                slot.lists &= KEPT_LISTS;
            }
        }
    }
    sight
}
