//! Rules made ready to run: one keyword automaton, one or two dense automata per machine, scores as basis points.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use aho_corasick::dfa::DFA as Keywords;
use bartizan_vocabulary::{Label, RuleId};
use regex_automata::dfa::{StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Anchored, MatchKind};

use crate::anchors::is_held;
use crate::cover::CoverKind;
use crate::edges::Edge;
use crate::mint::kind;
use crate::opaque::{Prefixes, is_prefixed};
use crate::rules::{Class, Rule, RuleError, RuleFile, Severity};
use crate::validate::Check;
use crate::{ENGINE, WINDOW};

/// How many classes there are.
const CLASSES: usize = 5;

pub(crate) type Dfa = dense::DFA<Vec<u32>>;

/// A rule without its pattern, which its machine holds.
#[derive(Debug)]
pub(crate) struct CompiledRule {
    pub(crate) id: RuleId,
    pub(crate) label: Label,
    pub(crate) threshold_bp: u16,
    pub(crate) score_bp: u16,
    pub(crate) context_bp: u16,
    pub(crate) context: Vec<String>,
    pub(crate) negative: Vec<String>,
    pub(crate) left: Edge,
    pub(crate) right: Edge,
    pub(crate) checks: Vec<Check>,
    pub(crate) cover: Option<CoverKind>,
    pub(crate) rank: u8,
    /// Whether it counts in what is no text.
    pub(crate) prefixed: bool,
}

/// What runs at an anchor: an optional lead-in, then one automaton for the values of all its rules.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) before: Option<Dfa>,
    pub(crate) value: Dfa,
    /// Index of the rule of each pattern of `value`.
    pub(crate) rules: Vec<usize>,
}

/// What a keyword starts.
#[derive(Debug)]
pub(crate) enum Start {
    /// This machine, at the keyword or, with a lead-in, behind it.
    Machine(usize),
    /// All machines of a class.
    Class(Class),
}

/// What `labels` tells about a label.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelInfo {
    /// The label.
    pub label: Label,
    /// What it is.
    pub description: String,
    /// Threshold in basis points.
    pub threshold_bp: u16,
    /// How bad a leak is.
    pub severity: Severity,
    /// Kind used in pseudonyms.
    pub kind: String,
    /// The rules that find it.
    pub rules: Vec<RuleId>,
    /// How many examples and counter-examples are tested.
    pub examples: usize,
}

/// Everything a scan needs.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) rules: Vec<CompiledRule>,
    pub(crate) machines: Vec<Machine>,
    pub(crate) keywords: Keywords,
    pub(crate) prefixes: Prefixes,
    /// Per keyword: its length and what it starts.
    pub(crate) starts: Vec<(usize, Vec<Start>)>,
    /// Machines by class.
    pub(crate) classes: [Vec<usize>; CLASSES],
    /// Keywords of rules that go by the object key, and the machine of each.
    pub(crate) key_words: AhoCorasick,
    pub(crate) by_key: Vec<usize>,
    pub(crate) labels: Vec<LabelInfo>,
    pub(crate) digest: [u8; 32],
}

/// 0 to 1 as basis points.
fn basis_points(rule: &str, score: f64) -> Result<u16, RuleError> {
    if !(0.0..=1.0).contains(&score) {
        return Err(RuleError::Score { rule: rule.to_owned() });
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above to lie between 0 and 10,000")]
    Ok((score * 10_000.0).round() as u16)
}

fn syntax_of(rule: &Rule) -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false).case_insensitive(!rule.case_sensitive).dot_matches_new_line(false)
}

/// Largest automaton of one rule, in bytes.
const LARGEST: usize = 1 << 22;
/// Largest automaton that rules share: what they have in common costs nothing, what they do not multiplies.
const SHARED: usize = 1 << 20;

/// Compiles patterns that are run from a fixed start and report every end.
fn automaton(rule: &Rule, patterns: &[&str], shortest: usize, largest: usize) -> Result<Dfa, RuleError> {
    let fail = |message: String| RuleError::Pattern { rule: rule.id.clone(), message };
    for pattern in patterns {
        let hir = syntax::parse_with(pattern, &syntax_of(rule)).map_err(|error| fail(error.to_string()))?;
        let properties = hir.properties();
        let longest = properties.maximum_len().filter(|longest| *longest <= WINDOW);
        if longest.is_none() || properties.minimum_len().is_none_or(|least| least < shortest) || !properties.look_set().is_empty() {
            return Err(RuleError::Unbounded { rule: rule.id.clone(), limit: WINDOW });
        }
    }
    dense::Builder::new()
        .configure(dense::Config::new().match_kind(MatchKind::All).start_kind(StartKind::Anchored).dfa_size_limit(Some(largest)))
        .thompson(thompson::Config::new().utf8(false))
        .syntax(syntax_of(rule))
        .build_many(patterns)
        .map_err(|error| fail(error.to_string()))
}

/// Overlaps: an opening that covers what follows always wins; then secrets, payment data, personal data; URLs hold others.
fn rank(label: &str, rule: &Rule) -> u8 {
    rule.rank.unwrap_or(match label {
        "secret.generic" => 60,
        "pii.url" => 10,
        _ if label.starts_with("secret.") => 80,
        _ if label.starts_with("pci.") => 50,
        _ => 30,
    })
}

fn check_rule(rule: &Rule) -> Result<(), RuleError> {
    let name = || rule.id.clone();
    if rule.keywords.is_empty() == rule.class.is_none()
        || rule.keywords.iter().any(|word| word.is_empty() || (rule.before.is_none() && !is_held(word)))
    {
        return Err(RuleError::Anchor { rule: name() });
    }
    if rule.examples.len() < 2 || rule.counter_examples.len() < 2 {
        return Err(RuleError::Examples { rule: name() });
    }
    Ok(())
}

/// Collects while rule files are read.
#[derive(Default)]
struct Building<'a> {
    rules: Vec<CompiledRule>,
    machines: Vec<Machine>,
    starts: BTreeMap<String, Vec<Start>>,
    classes: [Vec<usize>; CLASSES],
    by_key: Vec<(String, usize)>,
    /// Class rules without a lead-in, which share one machine.
    shared: BTreeMap<(u8, bool), Vec<(&'a Rule, usize)>>,
}

impl<'a> Building<'a> {
    fn add(&mut self, file: &RuleFile, rule: &'a Rule) -> Result<(), RuleError> {
        check_rule(rule)?;
        let score_bp = basis_points(&rule.id, rule.score)?;
        let index = self.rules.len();
        self.rules.push(CompiledRule {
            id: RuleId::from(rule.id.as_str()),
            label: Label::from(file.label.as_str()),
            threshold_bp: basis_points(&file.label, file.threshold)?,
            score_bp,
            context_bp: rule.context_score.map_or(Ok(score_bp), |score| basis_points(&rule.id, score))?,
            context: rule.context.iter().map(|word| word.to_ascii_lowercase()).collect(),
            negative: rule.negative.iter().map(|word| word.to_ascii_lowercase()).collect(),
            left: rule.left,
            right: rule.right,
            checks: rule.checks.clone(),
            cover: rule.cover,
            rank: rank(&file.label, rule),
            prefixed: is_prefixed(&file.label, rule),
        });
        if let (Some(class), None) = (rule.class, &rule.before) {
            self.shared.entry((class as u8, rule.case_sensitive)).or_default().push((rule, index));
            return Ok(());
        }
        let before = rule.before.as_deref().map(|pattern| automaton(rule, &[pattern], 0, LARGEST)).transpose()?;
        self.machines.push(Machine { before, value: automaton(rule, &[&rule.pattern], 1, LARGEST)?, rules: vec![index] });
        let machine = self.machines.len() - 1;
        if let Some(class) = rule.class {
            self.class(class).push(machine);
        }
        for keyword in &rule.keywords {
            self.starts.entry(keyword.to_ascii_lowercase()).or_default().push(Start::Machine(machine));
            if rule.by_key {
                self.by_key.push((keyword.to_ascii_lowercase(), machine));
            }
        }
        Ok(())
    }

    fn class(&mut self, class: Class) -> &mut Vec<usize> {
        let [at, digits, code, colons, url] = &mut self.classes;
        match class {
            Class::At => at,
            Class::Digits => digits,
            Class::Code => code,
            Class::Colons => colons,
            Class::Url => url,
        }
    }

    fn share(&mut self) -> Result<(), RuleError> {
        for mut rules in std::mem::take(&mut self.shared).into_values() {
            let mut sized = Vec::new();
            for (rule, index) in rules.drain(..) {
                sized.push((automaton(rule, &[&rule.pattern], 1, LARGEST)?.memory_usage(), rule, index));
            }
            sized.sort_by_key(|(size, _, index)| (*size, *index));
            self.pack(&sized)?;
        }
        self.starts.entry("://".to_owned()).or_default().push(Start::Class(Class::Url));
        Ok(())
    }

    /// One machine for rules of a class, or several where one would be too large. The rules come by size.
    fn pack(&mut self, rules: &[(usize, &'a Rule, usize)]) -> Result<(), RuleError> {
        let Some((_, first, _)) = rules.first() else { return Ok(()) };
        let patterns: Vec<&str> = rules.iter().map(|(_, rule, _)| rule.pattern.as_str()).collect();
        let largest = if rules.len() == 1 { LARGEST } else { SHARED };
        let value = match automaton(first, &patterns, 1, largest) {
            Err(RuleError::Pattern { .. }) if rules.len() > 1 => {
                let (small, large) = rules.split_at(rules.len() - rules.len().div_ceil(4));
                self.pack(small)?;
                return self.pack(large);
            }
            other => other?,
        };
        self.machines.push(Machine { before: None, value, rules: rules.iter().map(|(_, _, index)| *index).collect() });
        let machine = self.machines.len() - 1;
        if let Some(class) = first.class {
            self.class(class).push(machine);
        }
        Ok(())
    }
}

fn keywords(words: &[&str]) -> Result<Keywords, RuleError> {
    Keywords::builder()
        .ascii_case_insensitive(true)
        .match_kind(aho_corasick::MatchKind::Standard)
        .start_kind(aho_corasick::StartKind::Unanchored)
        .prefilter(false)
        .build(words)
        .map_err(|error| RuleError::Keywords(error.to_string()))
}

fn label_info(file: &RuleFile) -> Result<LabelInfo, RuleError> {
    let dotted = file.label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_'));
    if !dotted || !file.label.contains('.') {
        return Err(RuleError::Name { name: file.label.clone() });
    }
    Ok(LabelInfo {
        label: Label::from(file.label.as_str()),
        description: file.description.clone(),
        threshold_bp: basis_points(&file.label, file.threshold)?,
        severity: file.severity,
        kind: kind(&file.label),
        rules: file.rules.iter().map(|rule| RuleId::from(rule.id.as_str())).collect(),
        examples: file.rules.iter().map(|rule| rule.examples.len() + rule.counter_examples.len()).sum(),
    })
}

fn digest(files: &[RuleFile]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(ENGINE.as_bytes());
    for file in files {
        let form = format!("{file:?}");
        hasher.update(&(form.len() as u64).to_le_bytes());
        hasher.update(form.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// Compiles rule files.
pub(crate) fn compile(files: &[RuleFile]) -> Result<Arc<Compiled>, RuleError> {
    let mut names = HashSet::new();
    let mut building = Building::default();
    let mut labels = Vec::new();
    for file in files {
        labels.push(label_info(file)?);
        for name in std::iter::once(&file.label).chain(file.rules.iter().map(|rule| &rule.id).filter(|id| **id != file.label)) {
            if !names.insert(name.clone()) {
                return Err(RuleError::Name { name: name.clone() });
            }
        }
        for rule in &file.rules {
            building.add(file, rule)?;
        }
    }
    building.share()?;
    let prefixed = files.iter().flat_map(|file| file.rules.iter().filter(|rule| is_prefixed(&file.label, rule)));
    let prefixes = Prefixes::new(prefixed.flat_map(|rule| rule.keywords.iter().map(String::as_str)))?;
    let words: Vec<&str> = building.starts.keys().map(String::as_str).collect();
    let keywords = keywords(&words)?;
    let key_words =
        AhoCorasick::builder().match_kind(aho_corasick::MatchKind::Standard).build(building.by_key.iter().map(|(word, _)| word));
    let key_words = key_words.map_err(|error| RuleError::Keywords(error.to_string()))?;
    let starts = building.starts.into_iter().map(|(word, starts)| (word.len(), starts)).collect();
    Ok(Arc::new(Compiled {
        rules: building.rules,
        machines: building.machines,
        keywords,
        prefixes,
        starts,
        classes: building.classes,
        key_words,
        by_key: building.by_key.into_iter().map(|(_, machine)| machine).collect(),
        labels,
        digest: digest(files),
    }))
}

impl Machine {
    /// The anchored start of an automaton without look-around.
    pub(crate) fn start(dfa: &Dfa) -> Option<regex_automata::util::primitives::StateID> {
        use regex_automata::dfa::Automaton;
        dfa.universal_start_state(Anchored::Yes)
    }
}
