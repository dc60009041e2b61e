//! Learning: a multinomial logistic model by gradient steps whose sizes shrink feature by feature (`AdaGrad`), with features left out at
//! random; the weights of the epochs are averaged. Plain arithmetic only, so that the same input gives the same bytes.

use std::collections::BTreeMap;

use crate::names::train::rng::Rng;
use crate::subjects::features::Walk;
use crate::subjects::model::{STEPS, Trained, UNIT_OF_LOGIT, WEIGHT};
use crate::subjects::{BLOCK, COLUMNS, LEAST, WINDOW};

/// A row of features counts so much if every token of a window asks for it.
const SCALE: f32 = 4.0;
/// Size of the first steps.
const RATE: f32 = 0.35;
/// Of a hundred features, so many are left out when a window is seen.
const LEFT_OUT: usize = 25;

/// Tokens of a window as counted rows.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// Rows and how often they come, as a share of the tokens.
    rows: Vec<(u32, f32)>,
    /// What it is about: a subject's position, or their number for none.
    pub(super) class: usize,
}

/// The windows of a text that a scan would judge, every second one.
pub(super) fn windows(text: &str, bits: u32, class: usize) -> Vec<Window> {
    let mut blocks: Vec<(Vec<u32>, usize)> = vec![(Vec::new(), 0)];
    Walk::new(bits).part(text, &mut |token| {
        if blocks.last().is_some_and(|(_, tokens)| *tokens >= BLOCK) {
            blocks.push((Vec::new(), 0));
        }
        if let Some((rows, tokens)) = blocks.last_mut() {
            rows.extend(token.rows());
            *tokens += 1;
        }
        true
    });
    if blocks.iter().map(|(_, tokens)| tokens).sum::<usize>() < LEAST {
        return Vec::new();
    }
    let window = |blocks: &[(Vec<u32>, usize)]| {
        let tokens: usize = blocks.iter().map(|(_, tokens)| tokens).sum();
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for row in blocks.iter().flat_map(|(rows, _)| rows) {
            *counts.entry(*row).or_default() += 1;
        }
        Window { rows: counts.into_iter().map(|(row, count)| (row, SCALE * float(count) / float(tokens.max(1)))).collect(), class }
    };
    let mut all: Vec<Window> = blocks.windows(WINDOW).step_by(2).map(window).collect();
    // Short texts have windows of fewer blocks.
    if all.is_empty() {
        all.push(window(&blocks));
    } else if let Some(part) = blocks.get(..2) {
        all.push(window(part));
    }
    all
}

#[expect(clippy::cast_precision_loss, reason = "counts of tokens in a window")]
fn float(count: usize) -> f32 {
    count as f32
}

/// A power of e, the same on every machine.
pub(super) fn exp(x: f32) -> f32 {
    let x = x.clamp(-30.0, 30.0) / 1024.0;
    let mut power = 1.0 + x + x * x / 2.0;
    for _ in 0..10 {
        power *= power;
    }
    power
}

/// Weights that are being learned: a row for each feature, a column for each class, none the last.
pub(super) struct Learner {
    classes: usize,
    weights: Vec<[f32; COLUMNS]>,
    steps: Vec<[f32; COLUMNS]>,
    sum: Vec<[f32; COLUMNS]>,
    bias: [f32; COLUMNS],
    bias_steps: [f32; COLUMNS],
    bias_sum: [f32; COLUMNS],
    epochs: u16,
}

/// How far training is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Which epoch is done, from 1.
    pub epoch: usize,
    /// Windows looked at in it.
    pub windows: usize,
    /// Windows that were taken for something else.
    pub wrong: usize,
}

impl Learner {
    /// For so many classes, none included.
    pub(super) fn new(bits: u32, classes: usize) -> Self {
        let rows = vec![[0.0; COLUMNS]; 1 << bits];
        let zero = [0.0; COLUMNS];
        Self { classes, steps: rows.clone(), sum: rows.clone(), weights: rows, bias: zero, bias_steps: zero, bias_sum: zero, epochs: 0 }
    }

    /// Sees all windows once; gives how many were taken for something else. `shares`: what a window of each class counts.
    pub(super) fn epoch(&mut self, windows: &[Window], shares: &[f32], rng: &mut Rng) -> usize {
        let mut wrong = 0;
        for window in windows {
            let kept: Vec<(u32, f32)> = window.rows.iter().copied().filter(|_| !rng.percent(LEFT_OUT)).collect();
            let guess = self.guess(&kept);
            let best = (0..self.classes).max_by(|a, b| at(&guess, *a).total_cmp(&at(&guess, *b)));
            wrong += usize::from(best != Some(window.class));
            self.learn(&kept, window.class, &guess, shares.get(window.class).copied().unwrap_or(1.0));
        }
        for (sum, weights) in self.sum.iter_mut().zip(&self.weights) {
            for (sum, weight) in sum.iter_mut().zip(weights) {
                *sum += weight;
            }
        }
        for (sum, bias) in self.bias_sum.iter_mut().zip(self.bias) {
            *sum += bias;
        }
        self.epochs += 1;
        wrong
    }

    /// How likely each class is.
    fn guess(&self, rows: &[(u32, f32)]) -> [f32; COLUMNS] {
        let mut logits = self.bias;
        for (row, value) in rows {
            let Some(weights) = self.weights.get(*row as usize) else { continue };
            for (logit, weight) in logits.iter_mut().zip(weights) {
                *logit += weight * value;
            }
        }
        let most = logits.iter().take(self.classes).copied().fold(f32::MIN, f32::max);
        let mut guess = [0.0; COLUMNS];
        for (guess, logit) in guess.iter_mut().zip(logits).take(self.classes) {
            *guess = exp(logit - most);
        }
        let sum: f32 = guess.iter().sum();
        guess.map(|one| one / sum)
    }

    fn learn(&mut self, rows: &[(u32, f32)], class: usize, guess: &[f32; COLUMNS], share: f32) {
        let mut slopes = *guess;
        if let Some(slope) = slopes.get_mut(class) {
            *slope -= 1.0;
        }
        slopes = slopes.map(|slope| slope * share);
        step(&mut self.bias, &mut self.bias_steps, &slopes, 0.2);
        for (row, value) in rows {
            let row = *row as usize;
            if let (Some(weights), Some(steps)) = (self.weights.get_mut(row), self.steps.get_mut(row)) {
                step(weights, steps, &slopes, *value);
            }
        }
    }

    /// The averaged weights as they stand in a file, as differences to none, and the bias of each subject.
    pub(super) fn rows(&self) -> (Vec<[i8; COLUMNS]>, Vec<i32>) {
        let (none, epochs) = (self.classes - 1, f32::from(self.epochs.max(1)));
        let row = |sum: &[f32; COLUMNS]| {
            let mut row = [0_i8; COLUMNS];
            for (to, from) in row.iter_mut().zip(sum).take(none) {
                *to = whole((from - at(sum, none)) / epochs * WEIGHT, 127.0);
            }
            row
        };
        #[expect(clippy::cast_possible_truncation, reason = "a bias is a few units")]
        let bias = |index: usize| ((at(&self.bias_sum, index) - at(&self.bias_sum, none)) / epochs * UNIT_OF_LOGIT).round() as i32;
        (self.sum.iter().map(row).collect(), (0..none).map(bias).collect())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to the range before")]
fn whole(value: f32, most: f32) -> i8 {
    value.round().clamp(-most, most) as i8
}

fn at(row: &[f32; COLUMNS], index: usize) -> f32 {
    row.get(index).copied().unwrap_or_default()
}

fn step(weights: &mut [f32; COLUMNS], steps: &mut [f32; COLUMNS], slopes: &[f32; COLUMNS], value: f32) {
    for ((weight, step), slope) in weights.iter_mut().zip(steps).zip(slopes) {
        let slope = slope * value;
        *step += slope * slope;
        if *step > 0.0 {
            *weight -= RATE * slope / (step.sqrt() + 1e-4);
        }
    }
}

/// The subjects of a file whose scores are the steps themselves, to read margins off.
pub(super) fn unscored(names: &[String], biases: &[i32]) -> Vec<Trained> {
    let mut scores = [0; STEPS];
    for (slot, step) in scores.iter_mut().zip(0..) {
        *slot = step;
    }
    names.iter().zip(biases).map(|(name, bias)| Trained { name: name.clone(), bias: *bias, scores }).collect()
}
