//! A machine at work at one place of a text: first its lead-in, then its value, then the choice of an end. It stops when
//! the text ends and goes on where it stopped, so every byte is looked at once however the text arrives.

use regex_automata::dfa::Automaton;
use regex_automata::util::primitives::StateID;

use crate::WINDOW;
use crate::compile::{CompiledRule, Dfa, Machine};
use crate::context::{Context, Key};
use crate::edges::Tri;
use crate::normal::Normal;

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

/// Ends of one pattern without a gap: every position from `low` to `high`.
#[derive(Clone, Copy, Debug)]
struct Ends {
    pattern: usize,
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
    state: StateID,
    ends: Vec<Ends>,
}

/// What a candidate needs to know.
pub(crate) struct Surroundings<'a> {
    pub(crate) text: &'a Normal,
    pub(crate) machines: &'a [Machine],
    pub(crate) rules: &'a [CompiledRule],
    pub(crate) key: &'a Key,
    pub(crate) last: bool,
}

impl Candidate {
    /// A candidate whose lead-in, or value when there is none, begins at `start`.
    pub(crate) fn new(machine: usize, compiled: &Machine, start: usize) -> Option<Self> {
        let (phase, dfa) = match &compiled.before {
            Some(before) => (Phase::Before, before),
            None => (Phase::Value, &compiled.value),
        };
        let value = (phase == Phase::Value).then_some(start);
        let lead = (phase == Phase::Before).then_some(start);
        Some(Self { machine, phase, lead, value, next: start, state: Machine::start(dfa)?, ends: Vec::new() })
    }

    /// A candidate that skips its lead-in.
    pub(crate) fn at_value(machine: usize, compiled: &Machine, start: usize) -> Option<Self> {
        let state = Machine::start(&compiled.value)?;
        Some(Self { machine, phase: Phase::Value, lead: None, value: Some(start), next: start, state, ends: Vec::new() })
    }

    /// The first byte that a finding of this candidate could still cover.
    pub(crate) fn hold(&self) -> usize {
        self.value.unwrap_or(self.next)
    }

    /// Goes on as far as the text goes. True when it is done; its matches are then in `out`.
    pub(crate) fn step(&mut self, around: &Surroundings<'_>, out: &mut Vec<Match>) -> bool {
        let Some(machine) = around.machines.get(self.machine) else { return true };
        if self.phase == Phase::Before {
            let Some(before) = &machine.before else { return true };
            if !self.run(before, around, true) {
                return false;
            }
            let (Some(value), Some(state)) = (self.value, Machine::start(&machine.value)) else { return true };
            (self.phase, self.next, self.state) = (Phase::Value, value, state);
            self.ends.clear();
        }
        if self.phase == Phase::Value {
            if !self.run(&machine.value, around, false) {
                return false;
            }
            self.phase = Phase::Ripe;
        }
        self.choose(machine, around, out)
    }

    /// Feeds an automaton; true when it is dead or the text is over.
    fn run(&mut self, dfa: &Dfa, around: &Surroundings<'_>, lead_in: bool) -> bool {
        let mut state = self.state;
        let mut position = self.next;
        for byte in around.text.from(position) {
            state = dfa.next_state(state, *byte);
            if dfa.is_special_state(state) {
                if dfa.is_match_state(state) {
                    self.note(dfa, state, position, lead_in);
                } else {
                    (self.state, self.next) = (state, position);
                    return true;
                }
            }
            position += 1;
        }
        if around.last {
            state = dfa.next_eoi_state(state);
            if dfa.is_match_state(state) {
                self.note(dfa, state, position, lead_in);
            }
        }
        (self.state, self.next) = (state, position);
        around.last
    }

    fn note(&mut self, dfa: &Dfa, state: StateID, end: usize, lead_in: bool) {
        if lead_in {
            self.value = Some(end);
            return;
        }
        // The usual case: one pattern, matching on and on.
        if let [ends] = self.ends.as_mut_slice()
            && dfa.pattern_len() == 1
            && ends.high + 1 == end
        {
            ends.high = end;
            return;
        }
        for index in 0..dfa.match_len(state) {
            let pattern = dfa.match_pattern(state, index).as_usize();
            match self.ends.iter_mut().rfind(|ends| ends.pattern == pattern) {
                Some(ends) if ends.high + 1 == end => ends.high = end,
                _ => self.ends.push(Ends { pattern, low: end, high: end }),
            }
        }
    }

    /// Picks, for each rule, the longest end that its edges and tests accept.
    fn choose(&mut self, machine: &Machine, around: &Surroundings<'_>, out: &mut Vec<Match>) -> bool {
        if self.ends.is_empty() {
            return true;
        }
        let start = self.value.unwrap_or(self.next);
        let before = out.len();
        for (pattern, index) in machine.rules.iter().enumerate() {
            let Some(rule) = around.rules.get(*index) else { continue };
            let ends = self.ends.iter().rev().filter(|ends| ends.pattern == pattern);
            if self.ends.iter().all(|ends| ends.pattern != pattern) || (machine.before.is_none() && !rule.left.left(around.text, start)) {
                continue;
            }
            let longest = ends.clone().map(|ends| ends.high).max().unwrap_or(start);
            let limit =
                start + rule.checks.iter().map(|check| check.reach(around.text.slice(start, longest))).min().unwrap_or(usize::MAX - start);
            for end in ends.flat_map(|ends| (ends.low..=ends.high.min(limit)).rev()).take(TRIES) {
                // Patterns count bytes; no finding ends inside a character.
                if around.text.at(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
                    continue;
                }
                match rule.right.right(around.text, start, end, around.last) {
                    Tri::No => continue,
                    Tri::NeedMore => {
                        out.truncate(before);
                        return false;
                    }
                    Tri::Yes => {}
                }
                let value = around.text.slice(start, end);
                if end > start && rule.checks.iter().all(|check| check.passes(value)) {
                    let score_bp = Context::new(around.text, start, self.lead, around.key).score(rule);
                    if score_bp > 0 {
                        out.push(Match { start, end, rule: *index, score_bp, encoded: false });
                    }
                    break;
                }
            }
        }
        true
    }
}

/// How far back a machine may look: the text before `position` that must be kept.
pub(crate) fn keep_from(position: usize) -> usize {
    position.saturating_sub(WINDOW)
}
