//! A machine at work at one place of a text: first its lead-in, then its value, then the choice of an end. It stops when
//! the text ends and goes on where it stopped, so every byte is looked at once however the text arrives.

use std::cmp::Reverse;

use crate::WINDOW;
use crate::automaton::{Automaton, DEAD, State};
use crate::compile::Compiled;
use crate::context::{Context, Key, Score};
use crate::edges::Tri;
use crate::normal::Normal;
use crate::plan::{CompiledRule, Machine};

/// How many ends of a value are tried, longest first.
const TRIES: usize = 96;

/// Something a rule matched, before overlaps are resolved. Positions are absolute in the normalised text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) rule: usize,
    pub(crate) score_bp: u16,
    /// Whether it was found in what base64 stands for.
    pub(crate) encoded: bool,
}

/// Ends of the same patterns without a gap: every position from `low` to `high`.
#[derive(Clone, Copy, Debug)]
struct Ends {
    /// The number of the set of patterns.
    set: u16,
    low: usize,
    high: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Before,
    Value,
    Ripe,
}

/// One machine at one place.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) machine: usize,
    phase: Phase,
    /// Where the keyword ends that the lead-in follows.
    lead: Option<usize>,
    /// Where the value begins; in the lead-in, the last place where it could.
    value: Option<usize>,
    next: usize,
    state: State,
    ends: Vec<Ends>,
}

/// What a candidate needs to know.
pub(crate) struct Surroundings<'a> {
    pub(crate) text: &'a Normal,
    pub(crate) compiled: &'a Compiled,
    pub(crate) key: &'a Key,
    pub(crate) last: bool,
}

impl Candidate {
    /// A candidate whose lead-in, or value when there is none, begins at `start`.
    pub(crate) fn new(machine: usize, compiled: &Compiled, start: usize) -> Option<Self> {
        let (before, _) = compiled.automata(compiled.machines.get(machine)?)?;
        let Some(before) = before else { return Self::at_value(machine, compiled, start) };
        let value = before.matches_nothing().then_some(start);
        Some(Self { machine, phase: Phase::Before, lead: Some(start), value, next: start, state: before.start(), ends: Vec::new() })
    }

    /// A candidate that skips its lead-in.
    pub(crate) fn at_value(machine: usize, compiled: &Compiled, start: usize) -> Option<Self> {
        let (_, value) = compiled.automata(compiled.machines.get(machine)?)?;
        Some(Self { machine, phase: Phase::Value, lead: None, value: Some(start), next: start, state: value.start(), ends: Vec::new() })
    }

    /// The first byte that a finding of this candidate could still cover.
    pub(crate) fn hold(&self) -> usize {
        self.value.unwrap_or(self.next)
    }

    /// Goes on as far as the text goes. True when it is done; its matches are then in `out`.
    pub(crate) fn step(&mut self, around: &Surroundings<'_>, out: &mut Vec<Match>) -> bool {
        let Some(machine) = around.compiled.machines.get(self.machine) else { return true };
        let Some((before, values)) = around.compiled.automata(machine) else { return true };
        if self.phase == Phase::Before {
            let Some(before) = before else { return true };
            if !self.run(before, around, true) {
                return false;
            }
            let Some(value) = self.value else { return true };
            (self.phase, self.next, self.state) = (Phase::Value, value, values.start());
            self.ends.clear();
        }
        if self.phase == Phase::Value {
            if !self.run(values, around, false) {
                return false;
            }
            self.phase = Phase::Ripe;
        }
        self.choose(machine, values, around, out)
    }

    /// Feeds an automaton; true when it is dead or the text is over.
    fn run(&mut self, automaton: &Automaton, around: &Surroundings<'_>, lead_in: bool) -> bool {
        let Some(table) = automaton.table() else { return true };
        let (mut state, mut position) = (self.state, self.next);
        for byte in around.text.from(position) {
            state = table.next(state, *byte);
            if state == DEAD {
                (self.state, self.next) = (state, position);
                return true;
            }
            position += 1;
            if table.is_accepting(state) {
                self.note(automaton, state, position, lead_in);
            }
        }
        (self.state, self.next) = (state, position);
        around.last
    }

    fn note(&mut self, automaton: &Automaton, state: State, end: usize, lead_in: bool) {
        if lead_in {
            self.value = Some(end);
            return;
        }
        let Some(set) = automaton.set(state) else { return };
        match self.ends.last_mut() {
            Some(ends) if ends.set == set && ends.high + 1 == end => ends.high = end,
            _ => self.ends.push(Ends { set, low: end, high: end }),
        }
    }

    /// Picks, for each rule, the longest end that its edges and tests accept. Of what stays below its threshold one match is
    /// kept, that of the highest rank: many rules may know a number that nothing speaks for.
    fn choose(&self, machine: &Machine, values: &Automaton, around: &Surroundings<'_>, out: &mut Vec<Match>) -> bool {
        if self.ends.is_empty() {
            return true;
        }
        let start = self.value.unwrap_or(self.next);
        let before = out.len();
        let context = Context::new(around.compiled, around.text, start, self.lead, around.key);
        let mut weak = Vec::new();
        for (pattern, high) in self.patterns(values) {
            let Some(index) = machine.rules.get(usize::from(pattern)).copied() else { continue };
            let Some(rule) = around.compiled.rules.get(index) else { continue };
            if machine.before.is_none() && !rule.left.left(around.text, start) {
                continue;
            }
            let score = context.score(rule);
            match score {
                Score::Is(0) => {}
                Score::Is(score_bp) if score_bp < rule.threshold_bp => {
                    weak.push((Reverse(rule.rank), Reverse(high), pattern, index, score_bp));
                }
                _ => match self.end((values, pattern, high), rule, around, &context, score) {
                    End::None => {}
                    End::Wait => {
                        out.truncate(before);
                        return false;
                    }
                    End::At(end, score_bp) => out.push(Match { start, end, rule: index, score_bp, encoded: false }),
                },
            }
        }
        weak.sort_unstable();
        for (_, Reverse(high), pattern, index, score_bp) in weak {
            let Some(rule) = around.compiled.rules.get(index) else { continue };
            match self.end((values, pattern, high), rule, around, &context, Score::Is(score_bp)) {
                End::None => {}
                End::Wait => {
                    out.truncate(before);
                    return false;
                }
                End::At(end, score_bp) => {
                    out.push(Match { start, end, rule: index, score_bp, encoded: false });
                    break;
                }
            }
        }
        true
    }

    /// The patterns that ended somewhere, in order, and the last end of each.
    fn patterns(&self, values: &Automaton) -> Vec<(u16, usize)> {
        let mut patterns = Vec::new();
        for ends in &self.ends {
            patterns.extend(values.patterns(ends.set).iter().map(|pattern| (*pattern, ends.high)));
        }
        if self.ends.len() > 1 {
            patterns.sort_unstable_by_key(|(pattern, high)| (*pattern, Reverse(*high)));
            patterns.dedup_by_key(|(pattern, _)| *pattern);
        }
        patterns
    }

    /// The end of the match of a pattern whose last end is known.
    fn end(
        &self,
        (values, pattern, longest): (&Automaton, u16, usize),
        rule: &CompiledRule,
        around: &Surroundings<'_>,
        context: &Context<'_>,
        score: Score,
    ) -> End {
        let start = self.value.unwrap_or(self.next);
        let ends = self.ends.iter().rev().filter(|ends| values.patterns(ends.set).binary_search(&pattern).is_ok());
        let limit =
            start + rule.checks.iter().map(|check| check.reach(around.text.slice(start, longest))).min().unwrap_or(usize::MAX - start);
        for end in ends.flat_map(|ends| (ends.low..=ends.high.min(limit)).rev()).take(TRIES) {
            // Patterns count bytes; no finding ends inside a character.
            if around.text.at(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
                continue;
            }
            match rule.right.right(around.text, start, end, around.last) {
                Tri::No => continue,
                Tri::NeedMore => return End::Wait,
                Tri::Yes => {}
            }
            let value = around.text.slice(start, end);
            if end > start && rule.checks.iter().all(|check| check.passes(value)) {
                return match score {
                    Score::Is(score_bp) => End::At(end, score_bp),
                    Score::WithAfter(without, with) => match context.after(rule, end, around.last) {
                        Tri::Yes => End::At(end, with),
                        Tri::No => End::At(end, without),
                        Tri::NeedMore => End::Wait,
                    },
                };
            }
        }
        End::None
    }
}

/// Where a match ends, and its score.
enum End {
    /// Nowhere.
    None,
    /// Text is missing.
    Wait,
    At(usize, u16),
}

/// How far back a machine may look: the text before `position` that must be kept.
pub(crate) fn keep_from(position: usize) -> usize {
    position.saturating_sub(WINDOW)
}
