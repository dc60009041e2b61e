//! The form of a rule file: one label, its rules, their examples. How rules are made ready is in `plan`.

use serde::{Deserialize, Serialize};

use crate::validate::Check;

/// Bytes of normalised text that bound every pattern, its context and what is held back.
pub const WINDOW: usize = 512;

/// Version of the machine; part of the digest of a detector.
pub(crate) const ENGINE: &str = "bartizan-detect/4";

/// Where a rule begins to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// At an at sign; the rule starts at the local part before it.
    At,
    /// At the first digit of a group of digits, and at a `+` or `(` before it.
    Digits,
    /// At the letters before a group of digits: the run that touches it, or one or two short groups parted from it.
    Code,
    /// At the first colon of a run of hex digits and colons; the rule starts where the run does.
    Colons,
    /// At `://`; the rule starts at the scheme.
    Url,
    /// At words for an at sign or a dot, such as `(at)`; the rule starts at the local part before them.
    Spoken,
}

/// What must not (or must) touch a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// Anything may.
    Any,
    /// No letter or digit.
    Alnum,
    /// No letter, digit or underscore.
    #[default]
    Word,
    /// As `word`, and no further part of a longer number: a dot or dash with a digit behind it.
    Number,
    /// As `word`, and no further part of a dotted number: a dot with a digit behind it.
    Dotted,
    /// No digit, and no further part of a longer number; letters may, as in `card4532…`.
    Digit,
    /// As `number`, and no further group of digits behind a space.
    Group,
    /// As `word`, and no further part of a longer string of pairs: a colon, dot or dash with a hex digit behind it.
    Pairs,
    /// No letter, digit, underscore, dash, slash, plus or equals sign: not inside a longer encoded run.
    Run,
    /// As `run`, but an equals sign may.
    Base64,
    /// An at sign must follow.
    At,
    /// White space, a bracket, a quotation mark or a list separator must follow, or a sentence mark before one of them.
    Value,
    /// The quotation mark before the value must follow; where nothing stands before it, the text must end.
    Quoted,
}

impl Edge {
    /// Whether, on the right, it refuses every ASCII letter and digit.
    pub(crate) fn parts(self) -> bool {
        !matches!(self, Self::Any | Self::Quoted)
    }
}

/// What may follow an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoverKind {
    /// base64url runs joined by dots.
    Dotted,
    /// Everything that an unquoted value can hold.
    Value,
    /// A key block: lines of base64 and header lines up to the `END` line.
    KeyBlock,
}

/// An example: what must be found in a text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The text.
    pub text: String,
    /// The part that the rule reports.
    pub find: String,
}

/// One rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stable name, reported with every finding.
    pub id: String,
    /// Where to look: one of these words in any letter case …
    #[serde(default)]
    pub keywords: Vec<String>,
    /// … or at a kind of character.
    pub class: Option<Class>,
    /// What stands between the keyword (or the class's start) and the value; the longest reading counts.
    pub before: Option<String>,
    /// The value. Bytes, no Unicode classes; bounded.
    pub pattern: String,
    /// Whether letter case matters in `pattern` and `before`.
    #[serde(default)]
    pub case_sensitive: bool,
    /// Left neighbour of the value (of the keyword, where `before` is used).
    #[serde(default)]
    pub left: Edge,
    /// Right neighbour of the value.
    #[serde(default)]
    pub right: Edge,
    /// Tests of the value, by name; all must pass.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// Score of a match, 0 to 1.
    pub score: f64,
    /// Whole words that make a match likelier when they stand at most 80 bytes before it or in the key it stands under. They may be
    /// of any language; one that begins or ends with a character of a script without spaces, such as Chinese or Japanese, is also
    /// found inside a longer run of such characters.
    #[serde(default)]
    pub context: Vec<String>,
    /// Score with such a word.
    pub context_score: Option<f64>,
    /// Whole words that do the same when they stand at most 40 bytes after a match. The text behind a match is waited for, and held
    /// back, only where its score is below the threshold and such a word would lift it.
    #[serde(default)]
    pub after: Vec<String>,
    /// Whole words directly before a match that make it something else.
    #[serde(default)]
    pub negative: Vec<String>,
    /// Whether an object key that contains a keyword makes the whole value a candidate.
    #[serde(default)]
    pub by_key: bool,
    /// What follows a match and belongs to it, however long.
    pub cover: Option<CoverKind>,
    /// Overrides the label's rank among overlapping findings; larger wins.
    pub rank: Option<u8>,
    /// Where such values are given out: country codes of ISO 3166-1 alpha-2 in capitals, or `international`. Empty where the
    /// question makes no sense, as for keys.
    #[serde(default)]
    pub jurisdiction: Vec<String>,
    /// Where the format is described.
    pub source: String,
    /// At least two.
    pub examples: Vec<Example>,
    /// At least two texts in which this rule reports nothing.
    pub counter_examples: Vec<String>,
}

/// One rule file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// What its rules find.
    pub label: String,
    /// One sentence for people.
    pub description: String,
    /// Findings below this score are kept apart.
    pub threshold: f64,
    /// Severity for reports: `low`, `medium`, `high`, `critical`.
    pub severity: Severity,
    /// The rules.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
}

/// How bad a leak of a label is, for reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Public or nearly so.
    Low,
    /// Personal.
    Medium,
    /// Personal and abusable.
    High,
    /// Grants access.
    Critical,
}

impl RuleFile {
    /// Reads a rule file.
    ///
    /// # Errors
    /// When it is not TOML of the documented form; unknown fields are refused.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        toml::from_str(text).map_err(|source| RuleError::Form(Box::new(source)))
    }
}

/// Why rules were refused.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// Not TOML of the documented form.
    #[error("the rule file is not of the documented form")]
    Form(#[source] Box<toml::de::Error>),
    /// A pattern that is not a regular expression, or too large.
    #[error("rule `{rule}`: the pattern cannot be compiled: {message}")]
    Pattern {
        /// Which rule.
        rule: String,
        /// What the compiler said.
        message: String,
    },
    /// A pattern that can match more than the window, or nothing at all.
    #[error("rule `{rule}`: a pattern must match at least 1 and at most {limit} bytes")]
    Unbounded {
        /// Which rule.
        rule: String,
        /// The window in bytes.
        limit: usize,
    },
    /// Neither or both of `keywords` and `class`, an empty keyword, or one that could not be held back while it is incomplete.
    #[error("rule `{rule}`: give either `class` or non-empty `keywords`; without `before`, keywords of letters, digits and `._+-`")]
    Anchor {
        /// Which rule.
        rule: String,
    },
    /// A jurisdiction that is no country code of two capital letters and not `international`.
    #[error("rule `{rule}`: a `jurisdiction` is two capital letters (ISO 3166-1) or `international`")]
    Jurisdiction {
        /// Which rule.
        rule: String,
    },
    /// An empty word in `context`, `negative` or `after`, or `after` without a `context_score`.
    #[error("rule `{rule}`: words must not be empty, and `after` needs a `context_score`")]
    Context {
        /// Which rule.
        rule: String,
    },
    /// Too few examples.
    #[error("rule `{rule}`: at least two `examples` and two `counter_examples` are needed")]
    Examples {
        /// Which rule.
        rule: String,
    },
    /// A score or threshold outside 0 to 1.
    #[error("rule `{rule}`: scores and thresholds lie between 0 and 1")]
    Score {
        /// Which rule or label.
        rule: String,
    },
    /// The same rule id or label twice.
    #[error("`{name}` is given twice, or is not dotted lower-case words")]
    Name {
        /// Rule id or label.
        name: String,
    },
    /// What was made of the rules when the program was built is damaged.
    #[error("the plan of the built-in rules cannot be read")]
    Plan,
    /// The keyword automaton could not be built.
    #[error("the keywords cannot be compiled: {0}")]
    Keywords(String),
}
