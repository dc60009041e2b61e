//! A machine at work at one place of a text: first its lead-in, then its value, then the choice of an end. It stops when
//! the text ends and goes on where it stopped, so every byte is looked at once however the text arrives.

use std::cmp::Reverse;

use crate::WINDOW;
use crate::automaton::{Automaton, DEAD, State};
use crate::compile::Compiled;
use crate::context::{Context, Key, Score};
use crate::edges::{Lefts, Tri};
use crate::heard::{Before, Heard};
use crate::normal::Normal;
use crate::plan::{CompiledRule, Machine};
use crate::sieve::{Machines, Sieve};
use crate::trace::{Ruled, Trace};

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

impl Ends {
    /// Whether one of them is not followed by an ASCII letter or digit, or not known to be.
    fn part(&self, text: &Normal) -> bool {
        let next = text.slice(self.low, self.high + 1);
        next.len() <= self.high - self.low || !next.iter().all(u8::is_ascii_alphanumeric)
    }
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
    pub(crate) heard: &'a Heard,
    pub(crate) last: bool,
}

/// What candidates of one text use in turn, so that nothing is allocated for each of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Desk {
    ends: Vec<Ends>,
    patterns: Vec<(u16, usize)>,
    weak: Vec<Weak>,
    before: Before,
    /// Only where the scan is to be explained.
    pub(crate) trace: Option<Box<Trace>>,
}

/// A match below its threshold, best first: rank, longest end, pattern, rule, score.
type Weak = (Reverse<u8>, Reverse<usize>, u16, usize, u16);

impl Desk {
    /// Keeps the memory of a candidate that is done.
    pub(crate) fn clear_away(&mut self, mut done: Candidate) {
        done.ends.clear();
        self.ends = done.ends;
    }
}

impl Candidate {
    /// A candidate whose lead-in, or value when there is none, begins at `start`; none where the lead-in breaks off at once.
    pub(crate) fn new(machine: usize, around: &Surroundings<'_>, start: usize, desk: &mut Desk) -> Option<Self> {
        let compiled = around.compiled;
        let (before, value) = compiled.automata(compiled.machines.get(machine)?)?;
        if before.is_some_and(|before| breaks_off(before, around.text.from(start))) {
            return None;
        }
        let ends = std::mem::take(&mut desk.ends);
        let Some(before) = before else {
            return Some(Self { machine, phase: Phase::Value, lead: None, value: Some(start), next: start, state: value.start(), ends });
        };
        let value = before.matches_nothing().then_some(start);
        Some(Self { machine, phase: Phase::Before, lead: Some(start), value, next: start, state: before.start(), ends })
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
    pub(crate) fn step(&mut self, around: &Surroundings<'_>, desk: &mut Desk, out: &mut Vec<Match>) -> bool {
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
        self.choose(machine, values, around, desk, out)
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
    fn choose(&self, machine: &Machine, values: &Automaton, around: &Surroundings<'_>, desk: &mut Desk, out: &mut Vec<Match>) -> bool {
        let start = self.value.unwrap_or(self.next);
        let Desk { patterns, weak, before: words, trace, .. } = desk;
        self.patterns(machine, values, around.text, patterns);
        if patterns.is_empty() {
            return true;
        }
        weak.clear();
        let before = out.len();
        let context = Context::new(around, start, self.lead);
        let mut lefts = Lefts::new(around.text, start);
        for (pattern, high) in patterns.iter().copied() {
            let Some(index) = machine.rules.get(usize::from(pattern)).copied() else { continue };
            let Some(rule) = around.compiled.rules.get(index) else { continue };
            if machine.before.is_none() && !lefts.fit(rule.left) {
                continue;
            }
            let score = context.score(rule, words);
            match score {
                Score::Is(0) => {
                    if let Some(trace) = trace {
                        self.trace_word(trace, (values, pattern, high), index, around, &context);
                    }
                }
                Score::Is(score_bp) if score_bp < rule.threshold_bp => {
                    weak.push((Reverse(rule.rank), Reverse(high), pattern, index, score_bp));
                }
                _ => match self.end((values, pattern, high), rule, around, &context, score) {
                    End::None => {
                        if let Some(trace) = trace {
                            self.trace_check(trace, (values, pattern), index, around);
                        }
                    }
                    End::Wait => {
                        out.truncate(before);
                        return false;
                    }
                    End::At(end, score_bp) => out.push(Match { start, end, rule: index, score_bp, encoded: false }),
                },
            }
        }
        weak.sort_unstable();
        self.keep_best(values, around, &context, (weak.as_slice(), trace), out) || {
            out.truncate(before);
            false
        }
    }

    /// Keeps the best of the matches below their threshold; false where text is missing.
    fn keep_best(
        &self,
        values: &Automaton,
        around: &Surroundings<'_>,
        context: &Context<'_>,
        (weak, trace): (&[Weak], &mut Option<Box<Trace>>),
        out: &mut Vec<Match>,
    ) -> bool {
        let start = self.value.unwrap_or(self.next);
        let mut kept = false;
        for (_, Reverse(high), pattern, index, score_bp) in weak.iter().copied() {
            let Some(rule) = around.compiled.rules.get(index) else { continue };
            match (self.end((values, pattern, high), rule, around, context, Score::Is(score_bp)), &mut *trace) {
                (End::None, None) => {}
                (End::None, Some(trace)) => self.trace_check(trace, (values, pattern), index, around),
                (End::Wait, _) if kept => {}
                (End::Wait, _) => return false,
                (End::At(end, score_bp), Some(trace)) if kept => {
                    trace.passed_over(Match { start, end, rule: index, score_bp, encoded: false }, around);
                }
                (End::At(end, score_bp), trace) => {
                    out.push(Match { start, end, rule: index, score_bp, encoded: false });
                    if trace.is_none() {
                        break;
                    }
                    kept = true;
                }
            }
        }
        true
    }

    /// Writes down that a word made a match something else.
    fn trace_word(
        &self,
        trace: &mut Trace,
        (values, pattern, high): (&Automaton, u16, usize),
        index: usize,
        around: &Surroundings<'_>,
        context: &Context<'_>,
    ) {
        let Some(rule) = around.compiled.rules.get(index) else { return };
        let end = match self.end((values, pattern, high), rule, around, context, Score::Is(1)) {
            End::None => return,
            End::Wait => high,
            End::At(end, _) => end,
        };
        trace.rule_out(index, (self.value.unwrap_or(self.next), end), Ruled::Word(context.negative(rule)), around);
    }

    /// Writes down which check no end of a match passed.
    fn trace_check(&self, trace: &mut Trace, (values, pattern): (&Automaton, u16), index: usize, around: &Surroundings<'_>) {
        let Some(rule) = around.compiled.rules.get(index) else { return };
        let start = self.value.unwrap_or(self.next);
        let ends = self.ends.iter().rev().filter(|ends| values.patterns(ends.set).binary_search(&pattern).is_ok());
        let fits = |end: &usize| {
            let inside = around.text.at(*end).is_some_and(|byte| byte & 0xC0 == 0x80);
            *end > start && !inside && rule.right.right(around.text, start, *end, around.last) == Tri::Yes
        };
        let Some(end) = ends.flat_map(|ends| (ends.low..=ends.high).rev()).take(TRIES).find(fits) else { return };
        let value = around.text.slice(start, end);
        if let Some(check) = rule.checks.iter().find(|check| !check.passes(value)) {
            trace.rule_out(index, (start, end), Ruled::Check(*check), around);
        }
    }

    /// The patterns that ended somewhere, in order, and the last end of each. Those are left out whose right edge no end can meet,
    /// because a letter or digit follows each of them.
    fn patterns(&self, machine: &Machine, values: &Automaton, text: &Normal, patterns: &mut Vec<(u16, usize)>) {
        patterns.clear();
        for ends in &self.ends {
            let own = values.patterns(ends.set).iter().map(|pattern| (*pattern, ends.high));
            if own.len() == 1 || ends.part(text) {
                patterns.extend(own);
            } else if !machine.loose.is_empty() {
                patterns.extend(own.filter(|(pattern, _)| machine.loose.binary_search(pattern).is_ok()));
            }
        }
        if self.ends.len() > 1 {
            patterns.sort_unstable();
            patterns.dedup_by_key(|(pattern, _)| *pattern);
            for (pattern, high) in patterns {
                let last = self.ends.iter().rev().find(|ends| values.patterns(ends.set).binary_search(pattern).is_ok());
                *high = last.map_or(*high, |ends| ends.high);
            }
        }
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

/// Bytes of a lead-in that are looked at before anything is made for it: most keywords are words of a sentence.
const AT_ONCE: usize = 4;

/// Whether a lead-in breaks off before a value could begin.
fn breaks_off(before: &Automaton, bytes: &[u8]) -> bool {
    let Some(table) = before.table() else { return true };
    let mut state = before.start();
    if table.is_accepting(state) {
        return false;
    }
    for byte in bytes.iter().take(AT_ONCE) {
        state = table.next(state, *byte);
        if state == DEAD || table.is_accepting(state) {
            break;
        }
    }
    state == DEAD
}

/// What of a class can find anything at `start`.
pub(crate) fn sift(sieve: &Sieve, text: &Normal, start: usize, last: bool) -> Machines {
    let before = text.before(start).and_then(|byte| sieve.fits.get(usize::from(byte)).copied().flatten());
    let fits = before.unwrap_or_else(|| {
        let mut lefts = Lefts::new(text, start);
        sieve.shape.lefts.iter().filter(|(edge, _)| lefts.fit(*edge)).fold(0, |all, (_, bits)| all | bits)
    });
    if fits == 0 { 0 } else { sieve.sift(fits, text.from(start), last) }
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
