//! Training: texts of subjects, and texts of none, become weights. Pure: texts come in, the bytes of a model go out; the same input
//! gives the same bytes.

mod calibrate;
mod code;
mod fill;
mod learn;
mod mix;
mod records;

pub use code::{uncommented, unquoted};
pub use fill::Fold;
pub use learn::Progress;

use self::fill::Group;
use self::learn::{Learner, Window, windows};
use self::mix::Carriers;
use super::model::{self, is_name};
use super::{BUILTIN, LEAST, MOST, ModelError, Subjects};
use crate::names::train::rng::Rng;

/// A text to learn from.
#[derive(Clone, Debug)]
pub struct Example {
    /// Which subject; nothing for none.
    pub subject: Option<usize>,
    /// The text.
    pub text: String,
}

/// How to train.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// How often every text is seen.
    pub epochs: usize,
    /// How many texts are made for each built-in subject.
    pub made: usize,
    /// Rows of the weights, as a power of two.
    pub bits: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 11, epochs: 5, made: 700, bits: 15 }
    }
}

/// Why nothing could be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A name that can be no label.
    #[error("`{0}` cannot name a subject: small letters, digits and `_` only, a letter first, at most 48 in all")]
    Name(String),
    /// Too many or none.
    #[error("{0} subjects were given; there must be 1 to {MOST}")]
    Count(usize),
    /// Too little text.
    #[error(
        "`{name}` has {texts} texts of {LEAST} words and more with {windows} passages; {NEED_TEXTS} texts and {NEED_WINDOWS} passages are the least"
    )]
    Few {
        /// The subject.
        name: String,
        /// Texts that are long enough.
        texts: usize,
        /// Passages in them.
        windows: usize,
    },
    /// What was trained cannot be loaded: a fault of this crate.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// Fewest texts of a subject.
const NEED_TEXTS: usize = 4;
/// Fewest windows of a subject.
const NEED_WINDOWS: usize = 8;
/// Most windows of one text that are learned from.
const OF_A_TEXT: usize = 10;
/// Of texts that are given, every so manieth is kept from training, to learn what a margin is worth.
const HELD_OUT: usize = 5;

const TEMPLATES: [(usize, &str); 6] = [
    (1, include_str!("templates/contract.txt")),
    (2, include_str!("templates/financial_statement.txt")),
    (3, include_str!("templates/hr.txt")),
    (4, include_str!("templates/health.txt")),
    (5, include_str!("templates/merger.txt")),
    (6, include_str!("templates/roadmap.txt")),
];
const NONE: &str = include_str!("templates/none.txt");
/// Some code that is always at hand.
const CODE: [&str; 5] = [
    include_str!("../scan.rs"),
    include_str!("../features.rs"),
    include_str!("../model.rs"),
    include_str!("learn.rs"),
    include_str!("fill.rs"),
];

/// Texts of the built-in subjects, and of none, made from templates. `clean` are texts of none that terms are strewn into.
pub fn made(clean: &[String], settings: &Settings, fold: Fold) -> Vec<Example> {
    let mut rng = Rng::new(settings.seed ^ 0x7375_626A);
    let none = fill::groups(NONE);
    let subjects = TEMPLATES.map(|(subject, templates)| (subject, fill::groups(templates)));
    let mut all = mix::texts(&builtin_names(), &subjects, (&Carriers::new(clean), &none), (settings.made, fold), &mut rng);
    for (subject, groups) in &subjects {
        let subject = *subject;
        for number in 0..settings.made / 2 {
            // Three of five are English.
            let group = if number % 5 < 3 { groups.first() } else { groups.get(1 + number % groups.len().saturating_sub(1).max(1)) };
            all.extend(group.map(|group| Example { subject: Some(subject), text: fill::text(group, &none, fold, &mut rng) }));
        }
    }
    let plain: &[Group] = &[];
    for _ in 0..settings.made {
        all.extend(rng.pick(&none).map(|group| fill::text(group, plain, fold, &mut rng)).map(|text| Example { subject: None, text }));
    }
    for _ in 0..settings.made {
        all.push(Example { subject: None, text: records::records(&mut rng) });
    }
    all
}

/// The names of the built-in subjects.
pub fn builtin_names() -> Vec<String> {
    BUILTIN.iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// Trains the built-in subjects: texts made from templates, source files, texts of none.
///
/// # Errors
/// When the result cannot be loaded, which would be a fault of this crate.
pub fn builtin(
    code: &[String],
    clean: &[String],
    (settings, fold): (&Settings, Fold),
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<u8>, TrainError> {
    let mut given: Vec<Example> = CODE.iter().map(|text| Example { subject: Some(0), text: uncommented(text) }).collect();
    given.extend(code.iter().map(|text| Example { subject: Some(0), text: uncommented(text) }));
    given.extend(include_str!("templates/code.txt").split("@@\n").map(|text| Example { subject: Some(0), text: text.to_owned() }));
    let clean: &[String] = &clean.iter().map(|text| unquoted(text)).collect::<Vec<_>>();
    given.extend(clean.iter().map(|text| Example { subject: None, text: text.clone() }));
    let (mut learn, mut check) = split(given);
    let few = Settings { made: settings.made / 4, ..*settings };
    match fold {
        Fold::Only(_) | Fold::All => {
            learn.extend(made(clean, settings, Fold::Without(0)));
            check.extend(made(clean, &few, Fold::Only(0)));
        }
        Fold::Without(share) => {
            // Of what is left, another share is kept to learn what a margin is worth.
            learn.extend(made(clean, settings, Fold::Without(share)));
            check.extend(made(clean, &Settings { seed: settings.seed + 1, ..few }, Fold::Without(share)));
        }
    }
    train(&builtin_names(), &learn, &check, settings, progress)
}

/// Trains subjects from examples of somebody's own; what the program knows of its own serves as examples of none.
///
/// # Errors
/// When a name is no name, or there is too little to learn from.
pub fn own(
    names: &[String],
    examples: Vec<Example>,
    settings: &Settings,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<u8>, TrainError> {
    if !(1..=MOST).contains(&names.len()) {
        return Err(TrainError::Count(names.len()));
    }
    let names: Vec<String> = names.iter().map(|name| format!("custom.{name}")).collect();
    for name in &names {
        let short = name.trim_start_matches("custom.");
        if !is_name(name) || short.contains('.') || short.len() > 48 {
            return Err(TrainError::Name(short.to_owned()));
        }
    }
    for (subject, name) in names.iter().enumerate() {
        let of = examples.iter().filter(|example| example.subject == Some(subject));
        let counts: Vec<usize> = of.map(|example| windows(&example.text, settings.bits, 0).len()).filter(|windows| *windows > 0).collect();
        let (texts, windows) = (counts.len(), counts.iter().sum());
        if texts < NEED_TEXTS || windows < NEED_WINDOWS {
            return Err(TrainError::Few { name: name.clone(), texts, windows });
        }
    }
    let (mut learn, mut check) = split(examples);
    let others = |made: Vec<Example>| made.into_iter().map(|example| Example { subject: None, ..example });
    let few = Settings { made: settings.made / 4, ..*settings };
    learn.extend(others(made(&[], &few, Fold::Without(0))));
    learn.extend(CODE.map(|text| Example { subject: None, text: text.to_owned() }));
    check.extend(others(made(&[], &Settings { made: few.made / 4, ..few }, Fold::Only(0))));
    train(&names, &learn, &check, settings, progress)
}

/// What is learned from, and what is kept from it: every so manieth text of each subject.
fn split(given: Vec<Example>) -> (Vec<Example>, Vec<Example>) {
    let mut seen = [0_usize; MOST + 1];
    let (mut learn, mut check) = (Vec::new(), Vec::new());
    for example in given {
        let Some(seen) = seen.get_mut(example.subject.unwrap_or(MOST)) else { continue };
        *seen += 1;
        if seen.is_multiple_of(HELD_OUT) { check.push(example) } else { learn.push(example) }
    }
    (learn, check)
}

fn train(
    names: &[String],
    learn: &[Example],
    check: &[Example],
    settings: &Settings,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<u8>, TrainError> {
    let mut rng = Rng::new(settings.seed);
    let none = names.len();
    let prepare = |examples: &[Example], rng: &mut Rng| {
        let mut all: Vec<Window> = Vec::new();
        for example in examples {
            let mut some = windows(&example.text, settings.bits, example.subject.unwrap_or(none));
            rng.shuffle(&mut some);
            all.extend(some.into_iter().take(OF_A_TEXT));
        }
        all
    };
    let mut seen = prepare(learn, &mut rng);
    let shares = shares(&seen, none + 1);
    let mut learner = Learner::new(settings.bits, none + 1);
    for epoch in 1..=settings.epochs {
        rng.shuffle(&mut seen);
        let wrong = learner.epoch(&seen, &shares, &mut rng);
        progress(Progress { epoch, windows: seen.len(), wrong });
    }
    let (rows, biases) = learner.rows();
    let mut subjects = learn::unscored(names, &biases);
    let raw = Subjects::load(model::assemble(settings.bits, &subjects, &rows).into())?;
    for (subject, scores) in subjects.iter_mut().zip(calibrate::scores(&raw, check, none)) {
        subject.scores = scores;
    }
    let bytes = model::assemble(settings.bits, &subjects, &rows);
    Subjects::load(bytes.clone().into())?;
    Ok(bytes)
}

/// What a window of each class counts: subjects with few texts count more, but none for more than a multiple.
fn shares(windows: &[Window], classes: usize) -> Vec<f32> {
    let mut counts = vec![0_u32; classes];
    for window in windows {
        if let Some(count) = counts.get_mut(window.class) {
            *count += 1;
        }
    }
    let most = counts.iter().take(classes - 1).copied().max().unwrap_or(1).max(1);
    #[expect(clippy::cast_precision_loss, reason = "counts of windows")]
    let share = |count: &u32| (most as f32 / (*count).max(1) as f32).clamp(1.0, 8.0);
    let mut shares: Vec<f32> = counts.iter().map(share).collect();
    if let Some(none) = shares.last_mut() {
        *none = 1.0;
    }
    shares
}
