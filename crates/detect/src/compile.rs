//! What a scan runs: a plan with its automata, and the automata over words.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::AhoCorasick;

use crate::automaton::{Automaton, Shape};
use crate::opaque::Prefixes;
use crate::plan::{CLASSES, CompiledRule, Keyword, LabelInfo, Machine, Plan, plan};
use crate::rules::{Edge, RuleError, RuleFile};
use crate::sieve::{Machines, Sieve, SieveShape};
use crate::words::{WordShape, Words};

/// Begins with a line of the cache.
#[repr(align(64))]
struct Lined<T: ?Sized>(T);

/// The texts of the rule files that are part of the program.
const TEXTS: &[&str] = include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// Their plan, and the tables of its automata.
const PLAN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/plan.json"));
static TABLES: &Lined<[u8]> = &Lined(*include_bytes!(concat!(env!("OUT_DIR"), "/tables.bin")));

/// Everything a scan needs.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pub(crate) rules: Vec<CompiledRule>,
    pub(crate) machines: Vec<Machine>,
    pub(crate) automata: Vec<Automaton>,
    /// Finds keywords and classes.
    pub(crate) anchors: Words,
    pub(crate) keywords: Vec<Keyword>,
    /// Finds words of contexts.
    pub(crate) context: Words,
    /// Words of contexts by their number.
    pub(crate) words: Vec<String>,
    pub(crate) prefixes: Prefixes,
    /// Machines by class.
    pub(crate) classes: [Vec<usize>; CLASSES],
    /// What tells which of them can find anything.
    pub(crate) sieves: Vec<Option<Sieve>>,
    /// Keywords of rules that go by the object key, and the machine of each.
    pub(crate) key_words: AhoCorasick,
    pub(crate) by_key: Vec<usize>,
    pub(crate) labels: Vec<LabelInfo>,
    pub(crate) digest: [u8; 32],
}

/// Cuts a table out of all tables.
type Cut<'a> = &'a dyn Fn(Range<usize>) -> Option<Cow<'static, [u8]>>;

fn automaton(shape: &Shape, cut: Cut<'_>) -> Option<Automaton> {
    let table = cut(shape.at..shape.at + shape.length).filter(|table| table.len() >= 256)?;
    Some(Automaton { shape: shape.clone(), table })
}

/// What may begin behind a character, where it alone decides that.
fn fit_behind(before: char, lefts: &[(Edge, Machines)]) -> Option<Machines> {
    lefts.iter().try_fold(0, |all, (edge, bits)| Some(if edge.left_by(before)? { all | bits } else { all }))
}

fn sieve(shape: SieveShape, cut: Cut<'_>) -> Result<Sieve, RuleError> {
    let table = cut(shape.at..shape.at + shape.length).filter(|table| table.len() >= 256).ok_or(RuleError::Plan)?;
    let fits = (0..128).map(|byte| fit_behind(char::from(byte), &shape.lefts)).collect();
    Ok(Sieve { shape, table, fits })
}

fn words(shape: WordShape, longest: usize, cut: Cut<'_>) -> Option<Words> {
    let table = cut(shape.at..shape.at + shape.length).filter(|table| table.len() >= 256)?;
    Some(Words { shape, table, longest })
}

fn load(plan: Plan, cut: Cut<'_>) -> Result<Arc<Compiled>, RuleError> {
    let automata = plan.automata.iter().map(|shape| automaton(shape, cut)).collect::<Option<_>>().ok_or(RuleError::Plan)?;
    let sieves = plan.sieves.into_iter().map(|shape| shape.map(|shape| sieve(shape, cut)).transpose()).collect::<Result<_, _>>()?;
    let prefixes = Prefixes::new(plan.prefixes.iter().map(String::as_str))?;
    let key_words = AhoCorasick::builder().match_kind(aho_corasick::MatchKind::Standard).build(plan.by_key.iter().map(|(word, _)| word));
    let key_words = key_words.map_err(|error| RuleError::Keywords(error.to_string()))?;
    let keyword = plan.keywords.iter().map(|keyword| keyword.length).max().unwrap_or(0);
    let word = plan.words.iter().map(String::len).max().unwrap_or(0);
    Ok(Arc::new(Compiled {
        rules: plan.rules,
        machines: plan.machines,
        automata,
        anchors: words(plan.anchors, keyword.max(word), cut).ok_or(RuleError::Plan)?,
        keywords: plan.keywords,
        context: words(plan.context, word, cut).ok_or(RuleError::Plan)?,
        words: plan.words,
        prefixes,
        classes: plan.classes,
        sieves,
        key_words,
        by_key: plan.by_key.into_iter().map(|(_, machine)| machine).collect(),
        labels: plan.labels,
        digest: plan.digest,
    }))
}

/// Compiles rule files.
pub(crate) fn compile(files: &[RuleFile]) -> Result<Arc<Compiled>, RuleError> {
    let (plan, tables) = plan(files)?;
    load(plan, &|part| tables.get(part).map(|table| Cow::Owned(table.to_vec())))
}

/// The rules that are part of the program, as they were planned when it was built.
pub(crate) fn builtin() -> Result<Arc<Compiled>, RuleError> {
    load(serde_json::from_slice(PLAN).map_err(|_| RuleError::Plan)?, &|part| TABLES.0.get(part).map(Cow::Borrowed))
}

impl RuleFile {
    /// The files that are part of the program, read anew.
    ///
    /// # Errors
    /// When one of them is broken, which the build excludes.
    pub fn builtin() -> Result<Vec<Self>, RuleError> {
        TEXTS.iter().map(|text| Self::parse(text)).collect()
    }
}

impl Compiled {
    /// The same with rules that no machine finds, and their labels; and the index of the first of them.
    pub(crate) fn with(
        &self,
        rules: impl IntoIterator<Item = CompiledRule>,
        labels: impl IntoIterator<Item = LabelInfo>,
    ) -> (Arc<Self>, usize) {
        let mut more = self.clone();
        let first = more.rules.len();
        more.rules.extend(rules);
        for label in labels {
            match more.labels.iter_mut().find(|known| known.label == label.label) {
                Some(known) => {
                    let fresh: Vec<_> = label.rules.into_iter().filter(|rule| !known.rules.contains(rule)).collect();
                    known.rules.extend(fresh);
                }
                None => more.labels.push(label),
            }
        }
        (Arc::new(more), first)
    }

    /// The automata of a machine: its lead-in, if it has one, and its values.
    pub(crate) fn automata(&self, machine: &Machine) -> Option<(Option<&Automaton>, &Automaton)> {
        let before = machine.before.map(|before| self.automata.get(before));
        Some((before.flatten(), self.automata.get(machine.value)?))
    }
}
