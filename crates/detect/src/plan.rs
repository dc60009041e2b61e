//! Rules made ready: checked, scores as basis points, patterns as automata, keywords with what they start. The build script does
//! this for the rules that are part of the program, so that nothing is left for the start; other rules are planned when they are
//! loaded. How a plan becomes what a scan runs is in `compile`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use bartizan_vocabulary::{Label, RuleId};
use serde::{Deserialize, Serialize};

use crate::automaton::{Automaton, Bytes, DEAD, Shape, State};
use crate::chars::is_held;
use crate::mesh::{Sifted, mesh};
pub(crate) use crate::ruled::{CompiledRule, Origin};
use crate::rules::{Class, ENGINE, Edge, Rule, RuleError, RuleFile, Severity};
use crate::sieve::SieveShape;
use crate::validate::spoken::keywords;
use crate::words::WordShape;
use crate::{determinise, trie};

/// Bytes of a line of the cache.
const LINE: usize = 64;

/// How many classes there are.
pub(crate) const CLASSES: usize = 6;

/// Largest table that the rules of a class share; where theirs would be larger, they take several.
const SHARED: usize = 1 << 17;

/// What runs at an anchor: an optional lead-in, then one automaton for the values of all its rules.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Index of the lead-in's automaton.
    pub(crate) before: Option<usize>,
    /// Index of the values' automaton.
    pub(crate) value: usize,
    /// Index of the rule of each pattern of `value`.
    pub(crate) rules: Vec<usize>,
    /// The patterns, in order, behind which a letter or digit may follow.
    pub(crate) loose: Vec<u16>,
}

/// What a keyword starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Start {
    /// This machine, at the keyword or, with a lead-in, behind it, where one of these bytes follows.
    Machine(usize, Bytes),
    /// All machines of a class.
    Class(Class),
}

/// A keyword: most stand in texts where nothing follows that a rule could match, so what follows is looked at first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Keyword {
    pub(crate) length: usize,
    /// What can follow the keyword for any of its machines; `None` where that makes no difference.
    pub(crate) next: Option<Bytes>,
    pub(crate) starts: Vec<Start>,
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
    /// Keywords, in the order of their text in lower case.
    pub(crate) keywords: Vec<Keyword>,
    /// The automaton that finds keywords and classes.
    pub(crate) anchors: WordShape,
    /// Words of contexts in lower case, sorted.
    pub(crate) words: Vec<String>,
    /// The automaton that finds them.
    pub(crate) context: WordShape,
    /// Machines by class.
    pub(crate) classes: [Vec<usize>; CLASSES],
    /// What tells which of them can find anything, for classes with many.
    pub(crate) sieves: Vec<Option<SieveShape>>,
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
        "secret.age" => "agekey",
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
    let country = |code: &String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if !rule.jurisdiction.iter().all(|code| code == "international" || country(code)) {
        return Err(RuleError::Jurisdiction { rule: name() });
    }
    let mut words = rule.context.iter().chain(&rule.negative).chain(&rule.after);
    if words.any(String::is_empty) || (!rule.after.is_empty() && rule.context_score.is_none()) {
        return Err(RuleError::Context { rule: name() });
    }
    Ok(())
}

/// Collects while rule files are read.
struct Planning<'a> {
    plan: Plan,
    tables: Vec<u8>,
    automata: Vec<Automaton>,
    /// Automata that are there already.
    known: HashMap<Automaton, usize>,
    starts: BTreeMap<String, Vec<Start>>,
    /// All words of contexts, and the number of each.
    words: &'a HashMap<String, u16>,
    /// Class rules without a lead-in, which share machines.
    shared: BTreeMap<(u8, bool), Vec<(&'a Rule, usize)>>,
}

impl<'a> Planning<'a> {
    fn new(words: &'a HashMap<String, u16>) -> Self {
        Self {
            plan: Plan::default(),
            tables: Vec::new(),
            automata: Vec::new(),
            known: HashMap::new(),
            starts: BTreeMap::new(),
            words,
            shared: BTreeMap::new(),
        }
    }

    fn add(&mut self, file: &RuleFile, rule: &'a Rule) -> Result<(), RuleError> {
        check_rule(rule)?;
        let score_bp = basis_points(&rule.id, rule.score)?;
        let index = self.plan.rules.len();
        let numbers = |words: &[String]| numbers(words, self.words);
        self.plan.rules.push(CompiledRule {
            id: RuleId::from(rule.id.as_str()),
            label: Label::from(file.label.as_str()),
            threshold_bp: basis_points(&file.label, file.threshold)?,
            score_bp,
            context_bp: rule.context_score.map_or(Ok(score_bp), |score| basis_points(&rule.id, score))?,
            context: numbers(&rule.context),
            negative: numbers(&rule.negative),
            after: numbers(&rule.after),
            left: rule.left,
            right: rule.right,
            checks: rule.checks.clone(),
            cover: rule.cover,
            rank: rank(&file.label, rule),
            prefixed: is_prefixed(&file.label, rule),
            origin: Origin::Machine,
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
            let next = self.next(machine, keyword);
            self.starts.entry(keyword.to_ascii_lowercase()).or_default().push(Start::Machine(machine, next));
            if rule.by_key {
                self.plan.by_key.push((keyword.to_ascii_lowercase(), machine));
            }
        }
        Ok(())
    }

    fn machine(&mut self, before: Option<usize>, value: Automaton, rules: Vec<usize>) -> usize {
        let value = self.automaton(value);
        let loose = |rule: &usize| self.plan.rules.get(*rule).is_some_and(|rule| !rule.right.parts());
        let loose = rules.iter().zip(0..).filter(|(rule, _)| loose(rule)).map(|(_, pattern)| pattern).collect();
        self.plan.machines.push(Machine { before, value, rules, loose });
        self.plan.machines.len() - 1
    }

    /// Lets the next table begin with a line of the cache.
    fn align(&mut self) {
        self.tables.resize(self.tables.len().next_multiple_of(LINE), 0);
    }

    /// Keeps an automaton, the same one once.
    fn automaton(&mut self, made: Automaton) -> usize {
        let fresh = self.automata.len();
        let index = *self.known.entry(made.clone()).or_insert(fresh);
        if index == fresh {
            self.align();
            self.plan.automata.push(Shape { at: self.tables.len(), ..made.shape.clone() });
            self.tables.extend_from_slice(&made.table);
            self.automata.push(made);
        }
        index
    }

    /// The bytes that can follow a keyword when its machine is to find anything.
    fn next(&self, machine: usize, keyword: &str) -> Bytes {
        let made = |index: usize| self.automata.get(index);
        let any = Bytes::of(|_| true);
        let Some(machine) = self.plan.machines.get(machine) else { return any };
        let Some(value) = made(machine.value) else { return any };
        if let Some(before) = machine.before.and_then(made) {
            let goes_on = before.goes_on(&[before.start()]);
            return if before.matches_nothing() { goes_on.or(value.goes_on(&[value.start()])) } else { goes_on };
        }
        let Some(table) = value.table() else { return any };
        let mut states = vec![value.start()];
        for byte in keyword.bytes() {
            let cases = [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
            let mut next: Vec<State> = states.iter().flat_map(|state| cases.map(|byte| table.next(*state, byte))).collect();
            next.retain(|state| *state != DEAD);
            next.sort_unstable();
            next.dedup();
            // A value may end within the keyword, or with it.
            if next.iter().any(|state| table.is_accepting(*state)) {
                return any;
            }
            states = next;
        }
        value.goes_on(&states)
    }

    fn class(&mut self, class: Class) -> &mut Vec<usize> {
        let [at, digits, code, colons, url, spoken] = &mut self.plan.classes;
        match class {
            Class::At => at,
            Class::Digits => digits,
            Class::Code => code,
            Class::Colons => colons,
            Class::Url => url,
            Class::Spoken => spoken,
        }
    }

    /// Gives rules of one class a machine, or several when its table would be too large to stay near the processor. The small
    /// ones come together.
    fn share(&mut self, rules: &[(&Rule, usize)]) -> Result<(), RuleError> {
        let size = |(rule, index): &(&'_ Rule, usize)| determinise::values(&[*rule]).map(|made| (made.table.len(), *index));
        let mut sized = Vec::with_capacity(rules.len());
        for one in rules {
            sized.push((size(one)?, *one));
        }
        sized.sort_by_key(|(size, _)| *size);
        self.pack(&sized.into_iter().map(|(_, one)| one).collect::<Vec<_>>())
    }

    fn pack(&mut self, rules: &[(&Rule, usize)]) -> Result<(), RuleError> {
        let Some((first, _)) = rules.first() else { return Ok(()) };
        let made = determinise::values(&rules.iter().map(|(rule, _)| *rule).collect::<Vec<_>>());
        let fits = made.as_ref().is_ok_and(|made| made.table.len() <= SHARED);
        if rules.len() > 1 && !fits {
            let (small, large) = rules.split_at(rules.len() - rules.len().div_ceil(4));
            self.pack(small)?;
            return self.pack(large);
        }
        let machine = self.machine(None, made?, rules.iter().map(|(_, index)| *index).collect());
        if let Some(class) = first.class {
            self.class(class).push(machine);
        }
        Ok(())
    }
}

/// Machines of a class from which on a sieve is worth its table.
const SIFTED: usize = 2;

impl Planning<'_> {
    /// Makes the sieve of a class, where there are machines enough.
    fn sieve(&mut self, class: usize) -> Option<SieveShape> {
        let machines = self.plan.classes.get(class)?;
        let known = |place: usize, machine: usize| {
            let machine = self.plan.machines.get(machine).filter(|machine| machine.before.is_none())?;
            let edges = machine.rules.iter().filter_map(|rule| self.plan.rules.get(*rule)).map(|rule| (rule.left, rule.right)).collect();
            Some(Sifted { place, values: self.automata.get(machine.value)?, edges })
        };
        let sifted: Vec<Sifted<'_>> = machines.iter().enumerate().filter_map(|(place, machine)| known(place, *machine)).collect();
        if sifted.len() < SIFTED {
            return None;
        }
        let all = sifted.len() == machines.len();
        let (shape, table) = mesh(&sifted)?;
        self.align();
        let (at, rest) = (self.tables.len(), shape.rest || !all);
        self.tables.extend(table);
        Some(SieveShape { at, rest, ..shape })
    }
}

/// What can follow a keyword for any of its starts.
fn any_next(starts: &[Start]) -> Option<Bytes> {
    starts.iter().try_fold(Bytes::default(), |all, start| match start {
        Start::Machine(_, next) => Some(all.or(*next)),
        Start::Class(_) => None,
    })
}

impl Planning<'_> {
    /// Makes the automata over words.
    fn finish(mut self, words: Vec<String>, digest: [u8; 32]) -> Result<(Plan, Vec<u8>), RuleError> {
        let keywords: Vec<&str> = self.starts.keys().map(String::as_str).collect();
        let asked: BTreeSet<u16> = self.plan.rules.iter().flat_map(|rule| &rule.context).copied().collect();
        let heard: Vec<(u16, &str)> =
            asked.iter().filter_map(|number| Some((*number, words.get(usize::from(*number))?.as_str()))).collect();
        let (anchors, table) = trie::table(&keywords, &heard, true).ok_or_else(too_many)?;
        self.align();
        self.plan.anchors = WordShape { at: self.tables.len(), ..anchors };
        self.tables.extend(table);
        let (context, table) = trie::table(&words.iter().map(String::as_str).collect::<Vec<_>>(), &[], false).ok_or_else(too_many)?;
        self.align();
        self.plan.context = WordShape { at: self.tables.len(), ..context };
        self.tables.extend(table);
        self.plan.keywords =
            self.starts.into_iter().map(|(word, starts)| Keyword { length: word.len(), next: any_next(&starts), starts }).collect();
        (self.plan.words, self.plan.digest) = (words, digest);
        Ok((self.plan, self.tables))
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

/// All words of contexts in lower case, sorted.
fn words(files: &[RuleFile]) -> Vec<String> {
    let rules = files.iter().flat_map(|file| &file.rules);
    let words = rules.flat_map(|rule| rule.context.iter().chain(&rule.negative).chain(&rule.after));
    let sorted: BTreeSet<String> = words.map(|word| word.to_lowercase()).collect();
    sorted.into_iter().collect()
}

fn numbers(words: &[String], known: &HashMap<String, u16>) -> Vec<u16> {
    let mut numbers: Vec<u16> = words.iter().filter_map(|word| known.get(&word.to_lowercase())).copied().collect();
    numbers.sort_unstable();
    numbers
}

fn too_many() -> RuleError {
    RuleError::Keywords("too many words".to_owned())
}

/// Plans rule files; the second part is the tables of all automata.
///
/// # Errors
/// When a rule is not of the documented form.
pub(crate) fn plan(files: &[RuleFile]) -> Result<(Plan, Vec<u8>), RuleError> {
    let all = words(files);
    let number = |(index, word): (usize, &String)| u16::try_from(index).map(|index| (word.clone(), index));
    let known = all.iter().enumerate().map(number).collect::<Result<_, _>>().map_err(|_| too_many())?;
    let mut names = HashSet::new();
    let mut planning = Planning::new(&known);
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
    planning.plan.sieves = (0..CLASSES).map(|class| planning.sieve(class)).collect();
    planning.starts.entry("://".to_owned()).or_default().push(Start::Class(Class::Url));
    if !planning.class(Class::Spoken).is_empty() {
        for keyword in keywords() {
            planning.starts.entry(keyword).or_default().push(Start::Class(Class::Spoken));
        }
    }
    planning.finish(all, digest(files))
}
