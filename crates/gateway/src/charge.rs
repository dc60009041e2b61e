//! What a request was counted on, from its admission until it is known what it used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bartizan_wire::{Route, Usage, Weight};

use crate::guard::Parsed;
use crate::quotas::{Counter, Measure, Price, Shown, cost};
use crate::settings::SharedClock;
use crate::spending::Sum;

/// Tokens for each picture, sound and file of a request, until the provider says better.
const ATTACHMENT: u64 = 1_000;

/// Heft of text that is taken for a token: four bytes of ASCII, two of anything else.
const HEFT: u64 = 4;

/// So many tokens one request reads, or its answer has, at most: what is more is a mistake of whoever says so.
pub const MOST: u64 = 10_000_000;

/// What a request is estimated at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// Tokens that will be read.
    pub input: u64,
    /// Most tokens that will be written, as far as it says so.
    pub output: u64,
    /// Most of these that will be thought and perhaps not shown.
    pub thought: u64,
    /// A stream is asked for.
    pub stream: bool,
}

/// What was seen of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What the provider said.
    pub usage: Usage,
    /// [Heft](bartizan_wire::heft) of the text that it wrote.
    pub text: u64,
}

/// What a request was counted on.
#[derive(Debug)]
pub struct Charge {
    taken: Vec<Taken>,
    prices: Arc<[Price]>,
    clock: Clock,
    model: String,
    ask: Ask,
    /// How the rates stood then.
    pub shown: Shown,
    sent: AtomicBool,
    /// Of one of its calls nobody will ever know what it has cost.
    unknown: AtomicBool,
    settled: AtomicBool,
}

struct Clock(SharedClock);

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// One rule, on which something is reserved.
#[derive(Debug)]
pub struct Taken {
    /// On which counters.
    pub counter: Arc<Counter>,
    /// Of what.
    pub measure: Measure,
    /// How much.
    pub held: Sum,
}

impl Ask {
    /// What a request asks for. `usual`: tokens of an answer of which it does not say how long it may be.
    pub fn of(parsed: &Parsed, route: Route, usual: u64, stream: bool) -> Self {
        if matches!(route, Route::CountTokens | Route::CountContentTokens) {
            return Self::default();
        }
        let weight = Weight::of(&parsed.tape, &parsed.bytes, &parsed.reading, route);
        let input = (weight.text / HEFT).saturating_add(weight.tokens).saturating_add(weight.attachments.saturating_mul(ATTACHMENT));
        let output = weight.answer.unwrap_or(usual).saturating_mul(weight.answers).min(MOST);
        let thought = weight.thought.saturating_mul(weight.answers).min(output);
        Self { input: input.min(MOST), output, thought, stream }
    }
}

impl Taken {
    /// What was reserved is no longer. `used` is counted in its place.
    pub fn settle(&self, used: Sum, clock: &SharedClock) {
        match self.measure {
            Measure::Rate { tokens: Some(limit), .. } => {
                self.counter.tokens.settle(self.held.tokens, used.tokens, limit, clock.steady());
            }
            Measure::Rate { tokens: None, .. } => {}
            Measure::Budget { period, .. } => self.counter.purse.settle(self.held, used, period, clock.now()),
        }
    }

    /// The request goes on (1), or does not (0).
    pub fn settle_request(&self, used: u64, clock: &SharedClock) {
        if let Measure::Rate { requests: Some(limit), .. } = self.measure {
            self.counter.requests.settle(1, used, limit, clock.steady());
        }
    }
}

impl Charge {
    /// For a request that all rules took.
    pub fn new(taken: Vec<Taken>, prices: &Arc<[Price]>, clock: &SharedClock, model: &str, ask: Ask, shown: Shown) -> Self {
        let (prices, clock) = (Arc::clone(prices), Clock(Arc::clone(clock)));
        let (sent, unknown, settled) = (AtomicBool::new(false), AtomicBool::new(false), AtomicBool::new(false));
        Self { taken, prices, clock, model: model.to_owned(), ask, shown, sent, unknown, settled }
    }

    /// From now on the provider may have used something.
    pub fn sent(&self) {
        self.sent.store(true, Ordering::Release);
    }

    /// The call that was sent used nothing: as if it had not been sent.
    pub fn failed(&self) {
        self.sent.store(self.unknown.load(Ordering::Acquire), Ordering::Release);
    }

    /// The call that was sent got no answer in time: whatever becomes of others, it may have used something.
    pub fn lost(&self) {
        self.unknown.store(true, Ordering::Release);
    }

    /// Counts what was used. `model`: who answered, if that is another one. `whole`: the answer came to its end.
    ///
    /// What the provider says is believed up to a cap; that nothing was used is not, where something was. Of an answer that was cut
    /// what it said so far may be too little, so what was seen counts if it is more. Where it says nothing of an answer for which thinking
    /// was asked, what was thought is not seen, and what is reserved for it counts.
    pub fn settle(&self, seen: Seen, whole: bool, model: Option<&str>) {
        let said = |tokens: Option<u64>| tokens.filter(|tokens| *tokens > 0).map(|tokens| tokens.min(MOST));
        let written = seen.text.div_ceil(HEFT).min(MOST);
        let output = match said(seen.usage.output) {
            Some(said) if whole => said,
            Some(said) => said.max(written),
            None => written,
        };
        let unseen = if seen.usage.output.is_none() { self.ask.thought } else { 0 };
        self.count(said(seen.usage.input).unwrap_or(self.ask.input), (output, unseen), model);
    }

    /// Nothing was used, unless nobody knows that: then what was reserved counts.
    pub fn release(&self) {
        if !self.unknown.load(Ordering::Acquire) {
            self.count(0, (0, 0), None);
        }
    }

    /// `unseen`: so much of an answer may have been written, and nobody knows. Of that no more counts than was reserved.
    fn count(&self, input: u64, (output, unseen): (u64, u64), model: Option<&str>) {
        if self.settled.swap(true, Ordering::AcqRel) {
            return;
        }
        let sum = |output: u64| {
            let nanos = cost(&self.prices, model.unwrap_or(&self.model), input, output);
            Sum { tokens: input.saturating_add(output), nanos }
        };
        let (used, perhaps) = (sum(output), sum(output.max(unseen)));
        self.taken.iter().for_each(|taken| taken.settle(used.or_more(perhaps.at_most(taken.held)), &self.clock.0));
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if !self.sent.load(Ordering::Acquire) {
            return self.release();
        }
        // Nobody knows what was written of an answer that never came. What nobody waited for in pieces may have been written whole; a
        // stream would have begun, unless with thinking.
        self.count(self.ask.input, (0, if self.ask.stream { self.ask.thought } else { self.ask.output }), None);
    }
}
