//! Values that are not reported, because somebody said that they may be known: exact ones, and patterns of whole ones. A match of which
//! the whole value is allowed is dropped before overlaps are resolved, so that what is weaker and lies inside of it is dropped too.
//!
//! It never holds for what begins a long finding, for what was read out of base64 or digits, for excerpts of documents, nor for
//! secrets unless an entry names them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use bartizan_vocabulary::Hidden;
use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind, PatternSet};

use crate::candidate::Match;
use crate::choose::is_under;
use crate::detector::Detector;
use crate::mint::{FORMS, NUMBERS, form_of, written};
use crate::normal::{Normal, normalise};
use crate::plan::CompiledRule;
use crate::prints;
use crate::resolve::order;

/// Most entries of a list.
pub const MOST_ALLOWED: usize = 10_000;
/// Most bytes of all entries.
pub const MOST_ALLOWED_BYTES: usize = 1 << 20;
/// Longest entry, in bytes.
pub const LONGEST_ALLOWED: usize = 2 << 10;
/// Bytes that all patterns may take once they are compiled.
const SIZE: usize = 8 << 20;
/// Bytes of what a search remembers.
const CACHE: usize = 1 << 20;

/// What is allowed.
#[derive(Clone, Debug)]
pub enum AllowedValue {
    /// This value, however it is written: a card with spaces or without.
    Exact(Hidden<String>),
    /// Values that this pattern matches as a whole. Bytes, no Unicode classes, letter case does not matter, as in rules.
    Pattern(String),
}

/// One entry.
#[derive(Clone, Debug)]
pub struct AllowEntry {
    /// For which label, or family of labels; secrets are allowed only where they are named. A pattern needs one.
    pub label: Option<String>,
    /// What is allowed.
    pub value: AllowedValue,
}

/// Why a list is not used. Entries count from 1, and are not told: a value is somebody's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AllowError {
    /// Too many.
    #[error("there are {count} entries; {MOST_ALLOWED} are the most. A pattern may stand for many")]
    Many {
        /// How many there are.
        count: usize,
    },
    /// Too large in all.
    #[error("the entries have {bytes} bytes; {MOST_ALLOWED_BYTES} are the most")]
    Large {
        /// How many they have.
        bytes: usize,
    },
    /// Empty, or nothing but marks.
    #[error("entry {entry}: the value is empty")]
    Empty {
        /// Which.
        entry: usize,
    },
    /// Too long.
    #[error("entry {entry}: it is longer than {LONGEST_ALLOWED} bytes")]
    Long {
        /// Which.
        entry: usize,
    },
    /// A pattern for everything that there is.
    #[error("entry {entry}: a pattern needs a `label`")]
    Unlabelled {
        /// Which.
        entry: usize,
    },
    /// No pattern of this engine.
    #[error("entry {entry}: the pattern cannot be compiled: {message}")]
    Pattern {
        /// Which.
        entry: usize,
        /// What the compiler said.
        message: String,
    },
    /// It looks at what stands around the value.
    #[error("entry {entry}: a pattern is compared with the whole value; leave out `^`, `$` and `\\b`")]
    Looks {
        /// Which.
        entry: usize,
    },
    /// It matches what is empty.
    #[error("entry {entry}: the pattern matches the empty text, and so may allow every value; `thresholds` switches a label off")]
    Everything {
        /// Which.
        entry: usize,
    },
    /// All patterns together are too large.
    #[error("the patterns are too large together; give repetitions a smaller bound, or allow fewer")]
    Size,
}

/// A list made ready. Cloning is cheap.
#[derive(Clone)]
pub struct AllowList(Arc<Inner>);

struct Inner {
    /// Entries by canonical form, for each way in which labels write values.
    exact: [HashMap<String, Vec<u32>>; FORMS.len()],
    patterns: Option<Regex>,
    /// The entry of each pattern.
    of_pattern: Vec<u32>,
    labels: Vec<Option<String>>,
    digest: [u8; 32],
}

impl fmt::Debug for AllowList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AllowList").field("entries", &self.0.labels.len()).finish_non_exhaustive()
    }
}

/// A part of the text that an entry allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass {
    found: Match,
    /// Whether all that lies inside is allowed: no label was named.
    all: bool,
    /// Whether that holds for secrets.
    secrets: bool,
}

impl AllowList {
    /// Makes entries ready.
    ///
    /// # Errors
    /// Which entry is not good, and why.
    pub fn new(entries: &[AllowEntry]) -> Result<Self, AllowError> {
        check(entries)?;
        let mut inner = Inner {
            exact: std::array::from_fn(|_| HashMap::new()),
            patterns: None,
            of_pattern: Vec::new(),
            labels: entries.iter().map(|entry| entry.label.clone()).collect(),
            digest: digest(entries),
        };
        let mut patterns = Vec::new();
        for (index, entry) in (0..).zip(entries) {
            match &entry.value {
                AllowedValue::Exact(value) => inner.add(index, entry.label.as_deref(), value.reveal()),
                AllowedValue::Pattern(pattern) => {
                    compile(&[pattern.as_str()]).map_err(|message| match message {
                        None => AllowError::Size,
                        Some(message) => AllowError::Pattern { entry: number(index), message },
                    })?;
                    patterns.push(pattern.as_str());
                    inner.of_pattern.push(index);
                }
            }
        }
        if !patterns.is_empty() {
            inner.patterns = Some(compile(&patterns).map_err(|_| AllowError::Size)?);
        }
        Ok(Self(Arc::new(inner)))
    }

    /// Whether nothing is allowed.
    pub fn is_empty(&self) -> bool {
        self.0.labels.is_empty()
    }

    /// Whether the whole value of a match is allowed.
    pub(crate) fn pass(&self, found: &Match, text: &Normal, rules: &[CompiledRule]) -> Option<Pass> {
        let rule = rules.get(found.rule).filter(|rule| is_subject(found, rule))?;
        let value = std::str::from_utf8(text.slice(found.start, found.end)).ok().filter(|value| value.len() == found.end - found.start)?;
        let label = rule.label.as_str();
        let form = form_of(label);
        let written = written(label, value.to_owned());
        let exact = self.0.exact.get(form).and_then(|exact| exact.get(&written)).into_iter().flatten();
        let mut pass: Option<Pass> = None;
        for entry in exact.copied().chain(self.0.matching(value)) {
            let Some(named) = self.0.labels.get(entry as usize) else { continue };
            let named = named.as_deref();
            let secrets = named.is_some_and(|named| is_under(named, "secret"));
            if named.is_none_or(|named| is_under(label, named)) && (secrets || !is_under(label, "secret")) {
                let before = pass.take().unwrap_or(Pass { found: *found, all: false, secrets: false });
                pass = Some(Pass { all: before.all || named.is_none(), secrets: before.secrets || secrets, ..before });
            }
        }
        pass
    }

    /// Takes out of `rivals` what is allowed, and what is dropped with it. `kept` are the first of them, which are decided now; what they
    /// allow is told.
    pub(crate) fn take_out(&self, rivals: &mut Vec<Match>, kept: usize, text: &Normal, rules: &[CompiledRule]) -> Vec<Pass> {
        let passes: Vec<(usize, Pass)> =
            rivals.iter().enumerate().filter_map(|(at, found)| Some((at, self.pass(found, text, rules)?))).collect();
        rivals.retain(|found| !passes.iter().any(|(_, pass)| pass.drops(found, rules)));
        passes.into_iter().filter(|(at, _)| *at < kept).map(|(_, pass)| pass).collect()
    }
}

impl Pass {
    /// Where it begins, in the normalised text.
    pub(crate) fn start(&self) -> usize {
        self.found.start
    }

    /// Whether a match is dropped with what is allowed.
    pub(crate) fn drops(&self, found: &Match, rules: &[CompiledRule]) -> bool {
        if *found == self.found {
            return true;
        }
        let Some(rule) = rules.get(found.rule).filter(|rule| is_subject(found, rule)) else { return false };
        let inside = self.found.start <= found.start && found.end <= self.found.end;
        let named = self.secrets || !is_under(rule.label.as_str(), "secret");
        inside && named && (self.all || order(found, rules) > order(&self.found, rules))
    }
}

/// Whether a match can be allowed at all, or dropped with one that is.
fn is_subject(found: &Match, rule: &CompiledRule) -> bool {
    !found.encoded && rule.cover.is_none() && !rule.id.as_str().starts_with(prints::PREFIX)
}

/// Entries count from 1 for people.
fn number(index: u32) -> usize {
    index as usize + 1
}

fn check(entries: &[AllowEntry]) -> Result<(), AllowError> {
    if entries.len() > MOST_ALLOWED {
        return Err(AllowError::Many { count: entries.len() });
    }
    let mut bytes = 0;
    for (entry, one) in (1..).zip(entries) {
        let (text, is_pattern) = match &one.value {
            AllowedValue::Exact(value) => (value.reveal().as_str(), false),
            AllowedValue::Pattern(pattern) => (pattern.as_str(), true),
        };
        if text.trim().is_empty() {
            return Err(AllowError::Empty { entry });
        }
        if text.len() > LONGEST_ALLOWED {
            return Err(AllowError::Long { entry });
        }
        if is_pattern && one.label.is_none() {
            return Err(AllowError::Unlabelled { entry });
        }
        if is_pattern {
            check_pattern(text, entry)?;
        }
        bytes += text.len() + one.label.as_ref().map_or(0, String::len);
    }
    if bytes > MOST_ALLOWED_BYTES { Err(AllowError::Large { bytes }) } else { Ok(()) }
}

fn check_pattern(pattern: &str, entry: usize) -> Result<(), AllowError> {
    let hir =
        syntax::parse_with(pattern, &syntax_of()).map_err(|error| AllowError::Pattern { entry, message: last_line(&error.to_string()) })?;
    let properties = hir.properties();
    if !properties.look_set().is_empty() {
        return Err(AllowError::Looks { entry });
    }
    if properties.minimum_len().is_none_or(|least| least == 0) {
        return Err(AllowError::Everything { entry });
    }
    Ok(())
}

/// As for the patterns of rules.
fn syntax_of() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false).case_insensitive(true).dot_matches_new_line(false)
}

/// Patterns of whole values. The error is what the compiler says; `None`: too large.
fn compile(patterns: &[&str]) -> Result<Regex, Option<String>> {
    let config =
        Config::new().match_kind(MatchKind::All).nfa_size_limit(Some(SIZE)).hybrid_cache_capacity(CACHE).dfa(false).utf8_empty(false);
    let whole: Vec<String> = patterns.iter().map(|pattern| format!(r"\A(?:{pattern})\z")).collect();
    Regex::builder().configure(config).syntax(syntax_of()).build_many(&whole).map_err(|error| {
        error.size_limit().is_none().then(|| last_line(&error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string)))
    })
}

/// What the compiler says, without the drawing of where.
fn last_line(text: &str) -> String {
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    last.trim_start_matches("error: ").chars().take(200).collect()
}

fn digest(entries: &[AllowEntry]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for entry in entries {
        let (kind, text) = match &entry.value {
            AllowedValue::Exact(value) => (0_u8, value.reveal().as_str()),
            AllowedValue::Pattern(pattern) => (1, pattern.as_str()),
        };
        let label = entry.label.as_deref();
        hasher.update(&[kind, u8::from(label.is_some())]);
        for part in [label.unwrap_or_default(), text] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
    }
    *hasher.finalize().as_bytes()
}

impl Detector {
    /// The same, which does not report what is allowed: rules, names, tables and dictionaries alike. Only one list holds.
    #[must_use]
    pub fn with_allowed(&self, allowed: &AllowList) -> Self {
        if allowed.is_empty() {
            return self.clone();
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"allowed").update(&self.digest()).update(&allowed.0.digest);
        self.with_allow_list(allowed.clone(), *hasher.finalize().as_bytes())
    }
}

impl Inner {
    /// Adds an exact value in all the forms in which labels write it.
    fn add(&mut self, entry: u32, label: Option<&str>, value: &str) {
        let normal = normalise(value);
        for (form, (label_of, exact)) in FORMS.iter().zip(&mut self.exact).enumerate() {
            // The number in a value with words is another value, unless somebody says that it is meant.
            let named = label.is_some_and(|label| form_of(label) == form);
            let words = !named && NUMBERS.contains(label_of) && value.chars().any(char::is_alphabetic);
            let written = written(label_of, normal.clone());
            if !words && !written.is_empty() {
                exact.entry(written).or_default().push(entry);
            }
        }
    }

    /// Entries whose pattern matches a value.
    fn matching(&self, value: &str) -> Vec<u32> {
        let Some(regex) = &self.patterns else { return Vec::new() };
        let mut set = PatternSet::new(regex.pattern_len());
        regex.which_overlapping_matches(&Input::new(value).anchored(Anchored::Yes), &mut set);
        set.iter().filter_map(|pattern| self.of_pattern.get(pattern.as_usize())).copied().collect()
    }
}
