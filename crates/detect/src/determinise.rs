//! Patterns made into automata, when the program is built and when rules are loaded at run time. What runs is in `automaton`.

use std::borrow::Cow;
use std::collections::HashMap;

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::syntax;
use regex_automata::{Anchored, MatchKind};

use crate::automaton::{Automaton, DEAD, Shape, State};
use crate::rules::{Rule, RuleError, WINDOW};

/// Bytes that one automaton may take while it is made.
const LIMIT: usize = 1 << 22;

fn syntax_of(rule: &Rule) -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false).case_insensitive(!rule.case_sensitive).dot_matches_new_line(false)
}

fn fail(rule: &Rule, message: &dyn std::fmt::Display) -> RuleError {
    RuleError::Pattern { rule: rule.id.clone(), message: message.to_string() }
}

/// Refuses a pattern that is none, or that can match more than the window or less than `shortest`.
fn check(rule: &Rule, pattern: &str, shortest: usize) -> Result<(), RuleError> {
    let hir = syntax::parse_with(pattern, &syntax_of(rule)).map_err(|error| fail(rule, &error))?;
    let properties = hir.properties();
    let longest = properties.maximum_len().filter(|longest| *longest <= WINDOW);
    if longest.is_none() || properties.minimum_len().is_none_or(|least| least < shortest) || !properties.look_set().is_empty() {
        return Err(RuleError::Unbounded { rule: rule.id.clone(), limit: WINDOW });
    }
    Ok(())
}

/// The automaton of a rule's lead-in.
pub(crate) fn lead_in(rule: &Rule, before: &str) -> Result<Automaton, RuleError> {
    check(rule, before, 0)?;
    determinise(rule, &[before])
}

/// One automaton for the values of several rules with the same letter case, each of which is a pattern of it.
pub(crate) fn values(rules: &[&Rule]) -> Result<Automaton, RuleError> {
    for rule in rules {
        check(rule, &rule.pattern, 1)?;
    }
    let patterns: Vec<&str> = rules.iter().map(|rule| rule.pattern.as_str()).collect();
    rules.first().map_or(Err(RuleError::Keywords("no rule".to_owned())), |rule| determinise(rule, &patterns))
}

/// Makes patterns that are run from a fixed start and report every end.
fn determinise(rule: &Rule, patterns: &[&str]) -> Result<Automaton, RuleError> {
    let config = dense::Config::new().match_kind(MatchKind::All).start_kind(StartKind::Anchored);
    let dfa = dense::Builder::new()
        .configure(config.dfa_size_limit(Some(LIMIT)).determinize_size_limit(Some(LIMIT)))
        .thompson(thompson::Config::new().utf8(false))
        .syntax(syntax_of(rule))
        .build_many(patterns)
        .map_err(|error| fail(rule, &error))?;
    let start = dfa.universal_start_state(Anchored::Yes).ok_or_else(|| fail(rule, &"the pattern looks around"))?;
    Graph::of(&dfa, start).table().ok_or_else(|| fail(rule, &"the pattern has too many states"))
}

/// The states that can be reached, in the order in which they are; the first is the start.
struct Graph {
    /// Where each byte leads, `None` for nowhere.
    next: Vec<Vec<Option<usize>>>,
    accepts: Vec<Vec<u16>>,
}

impl Graph {
    fn of(dfa: &dense::DFA<Vec<u32>>, start: StateID) -> Self {
        let mut known = HashMap::from([(start, 0)]);
        let mut states = vec![start];
        let mut graph = Self { next: Vec::new(), accepts: Vec::new() };
        while let Some(state) = states.get(graph.next.len()).copied() {
            // The automaton says one byte late that a pattern has ended.
            let end = dfa.next_eoi_state(state);
            let count = if dfa.is_match_state(end) { dfa.match_len(end) } else { 0 };
            let mut accepts: Vec<u16> =
                (0..count).filter_map(|index| u16::try_from(dfa.match_pattern(end, index).as_usize()).ok()).collect();
            accepts.sort_unstable();
            graph.accepts.push(accepts);
            let next = (0..=u8::MAX).map(|byte| {
                let next = dfa.next_state(state, byte);
                (!dfa.is_dead_state(next)).then(|| {
                    *known.entry(next).or_insert_with(|| {
                        states.push(next);
                        states.len() - 1
                    })
                })
            });
            let next = next.collect();
            graph.next.push(next);
        }
        graph.forget_dead_ends();
        graph
    }

    /// A state from which nothing can be matched is as good as none.
    fn forget_dead_ends(&mut self) {
        let mut alive: Vec<bool> = self.accepts.iter().map(|accepts| !accepts.is_empty()).collect();
        loop {
            let mut changed = false;
            for (state, next) in self.next.iter().enumerate().rev() {
                let lives = next.iter().flatten().any(|next| alive.get(*next) == Some(&true));
                if let Some(mark) = alive.get_mut(state).filter(|mark| !**mark && lives) {
                    (*mark, changed) = (true, true);
                }
            }
            if !changed {
                break;
            }
        }
        for next in self.next.iter_mut().flatten() {
            *next = next.filter(|next| alive.get(*next) == Some(&true));
        }
    }

    /// Numbers the states, 0 for none, the accepting ones last; `None` when there are too many.
    fn table(&self) -> Option<Automaton> {
        let accepting = |state: &usize| self.accepts.get(*state).is_some_and(|accepts| !accepts.is_empty());
        let (last, first): (Vec<usize>, Vec<usize>) = (0..self.next.len()).partition(accepting);
        let order: Vec<usize> = first.iter().chain(&last).copied().collect();
        let mut number = vec![DEAD; order.len()];
        for (index, state) in order.iter().enumerate() {
            *number.get_mut(*state)? = State::try_from(index + 1).ok()?;
        }
        let (classes, columns) = self.classes(&order, &number);
        let mut table = classes;
        table.resize(256 + 2 * columns.len(), 0);
        for state in 0..order.len() {
            for column in &columns {
                table.extend_from_slice(&column.get(state)?.to_le_bytes());
            }
        }
        let mut sets: Vec<Vec<u16>> = Vec::new();
        let mut accepts = Vec::new();
        for set in last.iter().filter_map(|state| self.accepts.get(*state)) {
            let index = sets.iter().position(|known| known == set).unwrap_or(sets.len());
            if index == sets.len() {
                sets.push(set.clone());
            }
            accepts.push(u16::try_from(index).ok()?);
        }
        let shape = Shape {
            at: 0,
            length: table.len(),
            stride: columns.len(),
            start: *number.first()?,
            accepting: State::try_from(first.len() + 1).ok()?,
            accepts,
            sets,
        };
        Some(Automaton { shape, table: Cow::Owned(table) })
    }

    /// Bytes that lead to the same state from every state are one class: the class of each byte, and where each class leads.
    fn classes(&self, order: &[usize], number: &[State]) -> (Vec<u8>, Vec<Vec<State>>) {
        let mut known: HashMap<Vec<State>, u8> = HashMap::new();
        let mut columns = Vec::new();
        let mut classes = Vec::new();
        for byte in 0..256 {
            let leads = |state: &usize| {
                let next = self.next.get(*state).and_then(|next| next.get(byte)).copied().flatten();
                next.and_then(|next| number.get(next)).copied().unwrap_or(DEAD)
            };
            let column: Vec<State> = order.iter().map(leads).collect();
            // There are at most 256 classes.
            let fresh = u8::try_from(columns.len()).unwrap_or(u8::MAX);
            let class = *known.entry(column.clone()).or_insert(fresh);
            if usize::from(class) == columns.len() {
                columns.push(column);
            }
            classes.push(class);
        }
        (classes, columns)
    }
}
