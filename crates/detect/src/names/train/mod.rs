//! Training: templates filled from word lists, texts with marked names and texts without any become weights. Pure: lists and
//! texts come in, the bytes of a model go out; the same input gives the same bytes.

mod calibrate;
mod clean;
mod fill;
mod lists;
mod perceptron;
mod places;
pub(crate) mod rng;
mod template;
mod words;

pub use clean::{chunks, share};
pub use lists::Lists;

use self::fill::Filler;
use self::perceptron::{Perceptron, Prepared};
use self::rng::Rng;
use self::template::Template;
use super::gazetteer::Gazetteer;
use super::model::{self, STEPS};
use super::spans::JOINT;
use super::{Kind, ModelError, Names};

/// A text with its names, in bytes.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// The text.
    pub text: String,
    /// Start, end and kind of every name in it, sorted.
    pub spans: Vec<(usize, usize, Kind)>,
}

impl Sample {
    /// The same with neighbouring parts of one address, or of one place, joined as the recogniser joins them.
    #[must_use]
    pub fn joined(mut self) -> Self {
        let mut joined: Vec<(usize, usize, Kind)> = Vec::new();
        self.spans.sort_unstable();
        for (start, end, kind) in self.spans {
            if let Some(last) = joined.last_mut()
                && let Some(both) = super::spans::joint(last.2, kind)
                && self.text.get(last.1..start).is_some_and(is_joint)
            {
                (last.1, last.2) = (end, both);
                continue;
            }
            joined.push((start, end, kind));
        }
        self.spans = joined;
        self
    }
}

fn is_joint(between: &str) -> bool {
    between.len() <= JOINT && between.chars().all(|c| !c.is_alphanumeric())
}

/// How to train.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// How often every text is seen.
    pub epochs: usize,
    /// How many texts are made from templates.
    pub made: usize,
    /// How often the given texts are repeated.
    pub repeat: usize,
    /// Rows of the weights, as a power of two.
    pub bits: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 7, epochs: 6, made: 40_000, repeat: 4, bits: 17 }
    }
}

/// How far training is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Which epoch is done, from 1.
    pub epoch: usize,
    /// Tokens looked at in it.
    pub tokens: usize,
    /// Tokens that were tagged wrong.
    pub wrong: usize,
}

/// Of a hundred templates and texts, so many are kept from training, to learn what a margin is worth.
const HELD_OUT: usize = 8;

/// Trains a recogniser: word lists, texts with names, texts without any.
///
/// # Errors
/// When the result cannot be loaded, which would be a fault of this crate.
pub fn train(
    lists: &Lists,
    marked: &[Sample],
    clean: &[String],
    settings: &Settings,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<u8>, ModelError> {
    let mut rng = Rng::new(settings.seed);
    let templates = template::all();
    let key = Rng::new(settings.seed ^ 0x6E61_6D65).next();
    let slots = lists::table(key, lists, &lists::common(lists, &templates, clean));
    let table = Gazetteer::new(key, &slots);
    let held: Vec<bool> = templates.iter().map(|_| rng.percent(HELD_OUT)).collect();
    let (kept_out, kept): (Vec<_>, Vec<_>) = templates.iter().zip(&held).partition(|(_, held)| **held);
    let kept: Vec<&Template> = kept.into_iter().map(|(template, _)| template).collect();
    let kept_out: Vec<&Template> = kept_out.into_iter().map(|(template, _)| template).collect();
    let mut learn: Vec<Prepared> = Vec::new();
    for sample in make(lists, &kept, settings.made, &mut rng) {
        learn.push(Prepared::new(sample, &table));
    }
    for sample in marked {
        for _ in 0..settings.repeat {
            learn.push(Prepared::new(sample.clone(), &table));
        }
    }
    let mut check: Vec<Sample> = make(lists, &kept_out, settings.made / 10, &mut rng);
    for text in clean {
        let sample = Sample { text: text.clone(), spans: Vec::new() };
        if rng.percent(HELD_OUT) {
            check.push(sample);
        } else {
            learn.push(Prepared::new(sample, &table));
        }
    }
    let mut perceptron = Perceptron::new(settings.bits);
    for epoch in 1..=settings.epochs {
        rng.shuffle(&mut learn);
        let (tokens, wrong) = perceptron.epoch(&learn, &mut rng);
        progress(Progress { epoch, tokens, wrong });
    }
    let rows = perceptron.rows();
    let raw = model::assemble(key, settings.bits, &calibrate::steps(), &slots, &rows);
    let scores: [[u16; STEPS]; Kind::ALL.len()] = calibrate::scores(&Names::load(raw.into())?, &check);
    Ok(model::assemble(key, settings.bits, &scores, &slots, &rows))
}

fn make(lists: &Lists, templates: &[&Template], count: usize, rng: &mut Rng) -> Vec<Sample> {
    (0..count).filter_map(|_| rng.pick(templates).copied().map(|template| Filler::fill(lists, template, rng))).collect()
}

/// Texts made from the templates, for looking at them.
pub fn examples(lists: &Lists, count: usize, seed: u64) -> Vec<Sample> {
    let templates = template::all();
    make(lists, &templates.iter().collect::<Vec<_>>(), count, &mut Rng::new(seed))
}
