//! Rules made ready: checked, scores as basis points, patterns as automata, keywords with what they start. The build script does
//! this for the rules that are part of the program, so that nothing is left for the start; other rules are planned when they are
//! loaded. How a plan becomes what a scan runs is in `compile`.

use std::collections::{BTreeMap, HashMap, HashSet};

use bartizan_vocabulary::{Label, RuleId};
use serde::{Deserialize, Serialize};

use crate::automaton::{Automaton, Shape};
use crate::chars::is_held;
use crate::determinise;
use crate::rules::{Class, CoverKind, ENGINE, Edge, Rule, RuleError, RuleFile, Severity};
use crate::validate::Check;

/// How many classes there are.
const CLASSES: usize = 5;

/// Largest table that the rules of a class share; where theirs would be larger, they take several.
const SHARED: usize = 1 << 17;

/// A rule without its pattern, which its machine holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Index of the lead-in's automaton.
    pub(crate) before: Option<usize>,
    /// Index of the values' automaton.
    pub(crate) value: usize,
    /// Index of the rule of each pattern of `value`.
    pub(crate) rules: Vec<usize>,
}

/// What a keyword starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Start {
    /// This machine, at the keyword or, with a lead-in, behind it.
    Machine(usize),
    /// All machines of a class.
    Class(Class),
}

/// What `labels` tells about a label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

/// Rules made ready, apart from the tables of their automata.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) rules: Vec<CompiledRule>,
    pub(crate) machines: Vec<Machine>,
    pub(crate) automata: Vec<Shape>,
    /// Keywords in lower case, sorted, and what each starts.
    pub(crate) keywords: Vec<(String, Vec<Start>)>,
    /// Machines by class.
    pub(crate) classes: [Vec<usize>; CLASSES],
    /// Keywords of rules that go by the object key, and the machine of each.
    pub(crate) by_key: Vec<(String, usize)>,
    /// Keywords, as they are written, of the rules that count in what is no text.
    pub(crate) prefixes: Vec<String>,
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

/// The kind of a label in tokens: capital letters and digits, at most twelve.
pub(crate) fn kind(label: &str) -> String {
    let tail = label.rsplit('.').next().unwrap_or_default();
    let named = match label {
        "secret.generic" => "secret",
        "secret.aws_access_key" => "awskeyid",
        "secret.aws_secret_key" => "awssecret",
        "secret.url_password" => "password",
        _ => tail,
    };
    let kind: String = named.chars().filter(char::is_ascii_alphanumeric).take(12).map(|c| c.to_ascii_uppercase()).collect();
    if kind.len() < 2 || !kind.starts_with(|c: char| c.is_ascii_alphabetic()) { format!("V{kind}X") } else { kind }
}

/// Prefixes shorter than this come up by chance in base64 of some megabytes; a right edge must confirm them.
const SURE: usize = 6;

/// Whether a rule finds a secret by a fixed prefix of its value.
fn is_prefixed(label: &str, rule: &Rule) -> bool {
    let keyed = rule.before.is_none() && !rule.keywords.is_empty() && label.starts_with("secret.");
    keyed && (matches!(rule.right, Edge::Alnum | Edge::Word) || rule.keywords.iter().all(|word| word.len() >= SURE))
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
struct Planning<'a> {
    plan: Plan,
    tables: Vec<u8>,
    /// Automata that are there already.
    known: HashMap<Automaton, usize>,
    starts: BTreeMap<String, Vec<Start>>,
    /// Class rules without a lead-in, which share machines.
    shared: BTreeMap<(u8, bool), Vec<(&'a Rule, usize)>>,
}

impl<'a> Planning<'a> {
    fn add(&mut self, file: &RuleFile, rule: &'a Rule) -> Result<(), RuleError> {
        check_rule(rule)?;
        let score_bp = basis_points(&rule.id, rule.score)?;
        let index = self.plan.rules.len();
        let lower = |words: &[String]| words.iter().map(|word| word.to_ascii_lowercase()).collect();
        self.plan.rules.push(CompiledRule {
            id: RuleId::from(rule.id.as_str()),
            label: Label::from(file.label.as_str()),
            threshold_bp: basis_points(&file.label, file.threshold)?,
            score_bp,
            context_bp: rule.context_score.map_or(Ok(score_bp), |score| basis_points(&rule.id, score))?,
            context: lower(&rule.context),
            negative: lower(&rule.negative),
            left: rule.left,
            right: rule.right,
            checks: rule.checks.clone(),
            cover: rule.cover,
            rank: rank(&file.label, rule),
            prefixed: is_prefixed(&file.label, rule),
        });
        if is_prefixed(&file.label, rule) {
            self.plan.prefixes.extend(rule.keywords.iter().cloned());
        }
        if let (Some(class), None) = (rule.class, &rule.before) {
            self.shared.entry((class as u8, rule.case_sensitive)).or_default().push((rule, index));
            return Ok(());
        }
        let before = rule.before.as_deref().map(|before| determinise::lead_in(rule, before)).transpose()?;
        let before = before.map(|before| self.automaton(before));
        let value = determinise::values(&[rule])?;
        let machine = self.machine(before, value, vec![index]);
        if let Some(class) = rule.class {
            self.class(class).push(machine);
        }
        for keyword in &rule.keywords {
            self.starts.entry(keyword.to_ascii_lowercase()).or_default().push(Start::Machine(machine));
            if rule.by_key {
                self.plan.by_key.push((keyword.to_ascii_lowercase(), machine));
            }
        }
        Ok(())
    }

    fn machine(&mut self, before: Option<usize>, value: Automaton, rules: Vec<usize>) -> usize {
        let value = self.automaton(value);
        self.plan.machines.push(Machine { before, value, rules });
        self.plan.machines.len() - 1
    }

    /// Keeps an automaton, the same one once.
    fn automaton(&mut self, made: Automaton) -> usize {
        *self.known.entry(made).or_insert_with_key(|made| {
            self.plan.automata.push(Shape { at: self.tables.len(), ..made.shape.clone() });
            self.tables.extend_from_slice(&made.table);
            self.plan.automata.len() - 1
        })
    }

    fn class(&mut self, class: Class) -> &mut Vec<usize> {
        let [at, digits, lettered, colons, url] = &mut self.plan.classes;
        match class {
            Class::At => at,
            Class::Digits => digits,
            Class::LetteredDigits => lettered,
            Class::Colons => colons,
            Class::Url => url,
        }
    }

    /// Gives rules of one class a machine, or several when its table would be too large to stay near the processor.
    fn share(&mut self, rules: &[(&Rule, usize)]) -> Result<(), RuleError> {
        let Some((first, _)) = rules.first() else { return Ok(()) };
        let made = determinise::values(&rules.iter().map(|(rule, _)| *rule).collect::<Vec<_>>());
        let fits = made.as_ref().is_ok_and(|made| made.table.len() <= SHARED);
        if rules.len() > 1 && !fits {
            let (left, right) = rules.split_at(rules.len() / 2);
            self.share(left)?;
            return self.share(right);
        }
        let machine = self.machine(None, made?, rules.iter().map(|(_, index)| *index).collect());
        if let Some(class) = first.class {
            self.class(class).push(machine);
        }
        Ok(())
    }
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

/// Plans rule files; the second part is the tables of all automata.
///
/// # Errors
/// When a rule is not of the documented form.
pub(crate) fn plan(files: &[RuleFile]) -> Result<(Plan, Vec<u8>), RuleError> {
    let mut names = HashSet::new();
    let mut planning = Planning::default();
    for file in files {
        planning.plan.labels.push(label_info(file)?);
        for name in std::iter::once(&file.label).chain(file.rules.iter().map(|rule| &rule.id).filter(|id| **id != file.label)) {
            if !names.insert(name.clone()) {
                return Err(RuleError::Name { name: name.clone() });
            }
        }
        for rule in &file.rules {
            planning.add(file, rule)?;
        }
    }
    for rules in std::mem::take(&mut planning.shared).into_values() {
        planning.share(&rules)?;
    }
    planning.starts.entry("://".to_owned()).or_default().push(Start::Class(Class::Url));
    let mut plan = planning.plan;
    plan.keywords = planning.starts.into_iter().collect();
    plan.digest = digest(files);
    Ok((plan, planning.tables))
}
