//! What a margin is worth: the share of names with such a margin that are right, on texts kept from training.

use super::Sample;
use crate::names::model::STEPS;
use crate::names::{Kind, Names};

type Scores = [[u16; STEPS]; Kind::ALL.len()];

/// What a wrong name in a text without names counts.
const CLEAN: u32 = 3;
/// Surest that a name may be, in basis points.
const MOST_BP: u32 = 9_900;

/// Scores that are the steps themselves, to read margins off names.
pub(super) fn steps() -> Scores {
    let mut row = [0; STEPS];
    for (slot, step) in row.iter_mut().zip(0..) {
        *slot = step;
    }
    [row; Kind::ALL.len()]
}

/// Measures names with a model whose scores are [`steps`].
pub(super) fn scores(model: &Names, samples: &[Sample]) -> Scores {
    let mut right = [[0_u32; STEPS]; Kind::ALL.len()];
    let mut all = [[0_u32; STEPS]; Kind::ALL.len()];
    for sample in samples {
        let sample = sample.clone().joined();
        for name in model.scan(&sample.text) {
            let hit = sample.spans.iter().any(|span| span.2 == name.kind && span.0 < name.end && name.start < span.1);
            let at = usize::from(name.score_bp).min(STEPS - 1);
            // Most of what the gate reads has no names: there a wrong one weighs more.
            let weight = if sample.spans.is_empty() { CLEAN } else { 1 };
            if let Some((right, all)) = cell(&mut right, name.kind, at).zip(cell(&mut all, name.kind, at)) {
                *right += u32::from(hit);
                *all += weight;
            }
        }
    }
    let mut scores = [[0; STEPS]; Kind::ALL.len()];
    for ((scores, right), all) in scores.iter_mut().zip(&right).zip(&all) {
        monotone(right, all, scores);
    }
    scores
}

fn cell(table: &mut [[u32; STEPS]; Kind::ALL.len()], kind: Kind, step: usize) -> Option<&mut u32> {
    table.get_mut(kind.index())?.get_mut(step)
}

/// Shares that never fall as the margin grows: neighbours that would are pooled.
fn monotone(right: &[u32; STEPS], all: &[u32; STEPS], scores: &mut [u16; STEPS]) {
    // Right, all and number of steps of each pool; every step begins with one right and one wrong name in a tenth each.
    let mut pools: Vec<(u64, u64, usize)> = Vec::new();
    for (right, all) in right.iter().zip(all) {
        let mut pool = (u64::from(*right) * 10 + 1, u64::from(*all) * 10 + 2, 1);
        while let Some(last) = pools.pop_if(|last| last.0 * pool.1 >= pool.0 * last.1) {
            pool = (last.0 + pool.0, last.1 + pool.1, last.2 + pool.2);
        }
        pools.push(pool);
    }
    let shares = pools.iter().flat_map(|(right, all, steps)| std::iter::repeat_n(right * 10_000 / all, *steps));
    for (slot, share) in scores.iter_mut().zip(shares) {
        *slot = u16::try_from(share.min(u64::from(MOST_BP))).unwrap_or(0);
    }
}
