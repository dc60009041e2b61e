//! Dictionaries: words and phrases of a company's own, as many as some 100,000. Whole words in any letter case are looked for in the
//! form that tables have (see [`crate::exact`]); everything else letter by letter, by one automaton.

mod letters;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use bartizan_vocabulary::{Label, RuleId};
use serde::Deserialize;

use self::letters::{Letters, Walk};
use crate::exact::{self, Builder, Exact, Settings};
use crate::known::{Found, IndexError, IndexKey, RANK, label_is_good};
use crate::normal::Normal;
use crate::plan::{CompiledRule, LabelInfo, Origin, kind};
use crate::rules::Severity;

/// Most phrases of a dictionary.
const MOST: usize = 1_000_000;

/// A dictionary as it is written: the table `[dictionary]` of a TOML file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dictionary {
    /// What its phrases are, such as `custom.projects`.
    pub label: String,
    /// One sentence for people.
    #[serde(default)]
    pub description: String,
    /// Phrases.
    #[serde(default)]
    pub words: Vec<String>,
    /// A file of more of them, one a line. Whoever reads it adds them to `words`.
    pub file: Option<String>,
    /// Whether a phrase counts only where no letter or digit touches it.
    #[serde(default = "yes")]
    pub whole_word: bool,
    /// Whether letter case does not matter.
    #[serde(default = "yes")]
    pub ignore_case: bool,
    /// Score of a find, 0 to 1.
    #[serde(default = "usual")]
    pub score: f64,
    /// Severity for reports.
    #[serde(default = "medium")]
    pub severity: Severity,
}

fn yes() -> bool {
    true
}

fn usual() -> f64 {
    0.9
}

fn medium() -> Severity {
    Severity::Medium
}

/// A file that holds a dictionary.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    dictionary: Dictionary,
}

/// Why a dictionary was refused.
#[derive(Debug, thiserror::Error)]
pub enum DictionaryError {
    /// Not TOML of the documented form.
    #[error("the dictionary is not of the documented form")]
    Form(#[source] Box<toml::de::Error>),
    /// A label that is none.
    #[error("`{0}` is no label of your own: give small letters below `custom.` or `proprietary.`, such as `custom.projects`")]
    Label(String),
    /// A score outside 0 to 1.
    #[error("the score lies between 0 and 1")]
    Score,
    /// A phrase that cannot be looked for.
    #[error("phrase {number}, `{phrase}`, cannot be looked for: {why}")]
    Phrase {
        /// Which one, from 1.
        number: usize,
        /// What it says.
        phrase: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No phrase at all.
    #[error("the dictionary has no phrases: give `words` or `file`")]
    Empty,
    /// More than it may hold.
    #[error("a dictionary holds at most {MOST} phrases")]
    TooMany,
}

impl Dictionary {
    /// Reads the file of a dictionary.
    ///
    /// # Errors
    /// When it is not TOML of the documented form; unknown fields are refused.
    pub fn parse(text: &str) -> Result<Self, DictionaryError> {
        toml::from_str(text).map(|file: File| file.dictionary).map_err(|source| DictionaryError::Form(Box::new(source)))
    }
}

/// A dictionary made ready. Cloning is cheap.
#[derive(Clone)]
pub struct Phrases(Arc<Parts>);

struct Parts {
    label: Label,
    rule: RuleId,
    score_bp: u16,
    severity: Severity,
    description: String,
    digest: [u8; 32],
    how: How,
}

enum How {
    Form(Exact),
    Letters(Box<Letters>),
}

impl fmt::Debug for Phrases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phrases").field("label", &self.0.label).finish_non_exhaustive()
    }
}

impl Phrases {
    /// Makes a dictionary ready.
    ///
    /// # Errors
    /// When a phrase cannot be looked for, or a field says what cannot be.
    pub fn new(dictionary: &Dictionary) -> Result<Self, DictionaryError> {
        if !label_is_good(&dictionary.label) {
            return Err(DictionaryError::Label(dictionary.label.clone()));
        }
        let score_bp = (0..=10_000_u16).find(|bp| f64::from(*bp) >= dictionary.score * 10_000.0 - 1e-6);
        let score_bp = score_bp.filter(|_| dictionary.score >= 0.0).ok_or(DictionaryError::Score)?;
        match dictionary.words.len() {
            0 => return Err(DictionaryError::Empty),
            count if count > MOST => return Err(DictionaryError::TooMany),
            _ => {}
        }
        let digest = *blake3::hash(format!("{dictionary:?}").as_bytes()).as_bytes();
        let by_form = dictionary.whole_word && dictionary.ignore_case;
        let how = if by_form { How::Form(by_form_of(dictionary, digest)?) } else { How::Letters(Box::new(Letters::new(dictionary)?)) };
        Ok(Self(Arc::new(Parts {
            label: Label::from(dictionary.label.as_str()),
            rule: RuleId::from(dictionary.label.as_str()),
            score_bp,
            severity: dictionary.severity,
            description: dictionary.description.clone(),
            digest,
            how,
        })))
    }

    /// The label of its findings.
    pub fn label(&self) -> &Label {
        &self.0.label
    }

    /// The digest of the dictionary.
    pub fn digest(&self) -> [u8; 32] {
        self.0.digest
    }

    pub(crate) fn rule(&self) -> &RuleId {
        &self.0.rule
    }

    /// Its place among the rules.
    pub(crate) fn compiled(&self) -> CompiledRule {
        CompiledRule::beside(Origin::Own, &self.info(), (self.0.rule.clone(), RANK), self.0.score_bp)
    }

    pub(crate) fn info(&self) -> LabelInfo {
        let usual = "Words and phrases of a dictionary of your own.";
        LabelInfo {
            label: self.0.label.clone(),
            description: if self.0.description.is_empty() { usual.to_owned() } else { self.0.description.clone() },
            threshold_bp: 0,
            severity: self.0.severity,
            kind: kind(self.0.label.as_str()),
            rules: vec![self.0.rule.clone()],
            examples: 0,
        }
    }
}

/// The phrases as a table of one column. Its key protects nothing: the phrases are in the dictionary.
fn by_form_of(dictionary: &Dictionary, digest: [u8; 32]) -> Result<Exact, DictionaryError> {
    let key = IndexKey::new(digest);
    let settings = Settings { label: dictionary.label.clone(), least: 1, ..Settings::default() };
    let broken = |error: IndexError| match error {
        IndexError::Empty => DictionaryError::Empty,
        IndexError::TooMany { .. } => DictionaryError::TooMany,
        _ => DictionaryError::Label(dictionary.label.clone()),
    };
    let mut builder = Builder::new(&key, settings).map_err(broken)?.of_any_number();
    let mut known = HashSet::new();
    for (index, phrase) in dictionary.words.iter().enumerate().filter(|(_, phrase)| known.insert(phrase.to_lowercase())) {
        let before = builder.refused();
        builder.add(phrase, []).map_err(broken)?;
        if builder.refused() > before {
            let why = "it has no letter or digit, more than 120 bytes or more than 16 words";
            return Err(DictionaryError::Phrase { number: index + 1, phrase: phrase.clone(), why });
        }
    }
    let built = builder.finish().map_err(broken)?;
    Exact::load(Arc::new(built.bytes), &key).map_err(broken)
}

/// Looks for the phrases of a dictionary in a normalised text that somebody else holds.
#[derive(Clone)]
pub(crate) enum Tagger {
    Form(Phrases, Box<exact::Tagger>),
    Letters(Phrases, Walk),
}

impl Tagger {
    pub(crate) fn new(phrases: &Phrases) -> Self {
        match &phrases.0.how {
            How::Form(exact) => Self::Form(phrases.clone(), Box::new(exact::Tagger::new(exact))),
            How::Letters(letters) => Self::Letters(phrases.clone(), Walk::new(letters)),
        }
    }

    /// Goes on as far as the text shows.
    pub(crate) fn step(&mut self, text: &Normal, last: bool, out: &mut Vec<Found>) {
        let from = out.len();
        let score_bp = match self {
            Self::Form(phrases, tagger) => {
                tagger.step(text, last, out);
                phrases.0.score_bp
            }
            Self::Letters(phrases, walk) => {
                if let How::Letters(letters) = &phrases.0.how {
                    walk.step(letters, text, last, out);
                }
                phrases.0.score_bp
            }
        };
        out.iter_mut().skip(from).for_each(|found| found.score_bp = score_bp);
    }

    /// The first byte that a finding which is not reported yet may cover.
    pub(crate) fn hold(&self, text: &Normal) -> usize {
        match self {
            Self::Form(_, tagger) => tagger.hold(text),
            Self::Letters(_, walk) => walk.hold(text),
        }
    }

    /// The first byte that is still read.
    pub(crate) fn keep(&self, text: &Normal) -> usize {
        match self {
            Self::Form(_, tagger) => tagger.keep(text),
            Self::Letters(_, walk) => walk.keep(text),
        }
    }

    pub(crate) fn phrases(&self) -> &Phrases {
        let (Self::Form(phrases, _) | Self::Letters(phrases, _)) = self;
        phrases
    }
}
