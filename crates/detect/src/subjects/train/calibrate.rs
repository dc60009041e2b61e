//! What a margin is worth: the share of passages with such a margin that are right, on texts kept from training. Where few were kept,
//! the model's own probability speaks.

use super::Example;
use super::learn::exp;
use crate::subjects::Subjects;
use crate::subjects::model::{MARGIN_STEP, STEPS, UNIT_OF_LOGIT};

/// What a passage of a text of none counts when scores are learned: most of what passes a gate is of none.
const CLEAN: u64 = 3;
/// What one passage counts, and what the model's own probability counts at each step.
const ONE: u64 = 1_000;
const PRIOR: u64 = 500;
/// Surest that a passage may be, in basis points.
const MOST_BP: u64 = 9_900;

/// The scores of each subject, by a model whose scores are the steps.
pub(super) fn scores(raw: &Subjects, check: &[Example], subjects: usize) -> Vec<[u16; STEPS]> {
    let mut counts = vec![[(0_u64, 0_u64); STEPS]; subjects];
    for example in check {
        for passage in raw.scan(&example.text, 0) {
            let step = usize::from(passage.score_bp).min(STEPS - 1);
            if let Some((right, all)) = counts.get_mut(passage.subject).and_then(|row| row.get_mut(step)) {
                *right += if example.subject == Some(passage.subject) { ONE } else { 0 };
                *all += if example.subject.is_none() { CLEAN * ONE } else { ONE };
            }
        }
    }
    counts.iter().map(monotone).collect()
}

/// The model's own probability at a step, out of [`PRIOR`].
fn prior(step: u16) -> u64 {
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    let logit = (f32::from(step) + 0.5) * (MARGIN_STEP as f32) / UNIT_OF_LOGIT;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 500")]
    let share = (500.0 / (1.0 + exp(-logit))) as u64;
    share.min(PRIOR)
}

/// Shares that never fall as the margin grows: neighbours that would are pooled.
fn monotone(counts: &[(u64, u64); STEPS]) -> [u16; STEPS] {
    // Right, all and number of steps of each pool.
    let mut pools: Vec<(u64, u64, usize)> = Vec::new();
    for ((right, all), step) in counts.iter().zip(0..) {
        let mut pool = (right + prior(step), all + PRIOR, 1);
        while let Some(last) = pools.pop_if(|last| last.0 * pool.1 >= pool.0 * last.1) {
            pool = (last.0 + pool.0, last.1 + pool.1, last.2 + pool.2);
        }
        pools.push(pool);
    }
    let shares = pools.iter().flat_map(|(right, all, steps)| std::iter::repeat_n(right * 10_000 / all, *steps));
    let mut scores = [0; STEPS];
    for (slot, share) in scores.iter_mut().zip(shares) {
        *slot = u16::try_from(share.min(MOST_BP)).unwrap_or(0);
    }
    scores
}
