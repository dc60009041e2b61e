//! Rate limits and budgets: what a request is counted on before it is judged, and corrected by what the provider says it used.
//!
//! Without a rule nothing is looked at. With one, a request costs a look-up under a read lock, and then numbers without a lock (rates) or
//! with one of its own (budgets). A rate of tokens is charged by an estimate, a quarter of the body's bytes, and corrected at the end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bartizan_vocabulary::{GroupName, Principal, PrincipalId, Timestamp};
use bartizan_wire::Usage;

use crate::gcra::{Gcra, Left, Over};
use crate::spending::{Period, Purse, Spent};

/// What a rule counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// So many a minute.
    Rate {
        /// Requests.
        requests: Option<u64>,
        /// Tokens, read and written.
        tokens: Option<u64>,
    },
    /// So much a period.
    Budget {
        /// Which one.
        period: Period,
        /// Tokens, read and written.
        tokens: Option<u64>,
        /// Money, in thousand-millionths.
        nanos: Option<u64>,
    },
}

/// A rate limit or a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its name: in sentences, and what its counters are known by after a reload or a restart.
    pub name: Arc<str>,
    /// Name of a key, with `*` at the end for all that begin so; `None`: any.
    pub key: Option<String>,
    /// A group that the caller must be in.
    pub group: Option<GroupName>,
    /// Name of a model as clients ask for it, with `*` at the end for all that begin so.
    pub model: Option<String>,
    /// All who match share it; otherwise each has it for itself.
    pub shared: bool,
    /// What is counted.
    pub measure: Measure,
}

/// What a model costs, in thousand-millionths for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// Name of the model, with `*` at the end for all that begin so.
    pub model: String,
    /// For a token that is read.
    pub input: u64,
    /// For a token that is written.
    pub output: u64,
}

/// The counters of one spender on one rule.
#[derive(Debug, Default)]
struct Counter {
    requests: Gcra,
    tokens: Gcra,
    purse: Purse,
}

/// Spenders that are told apart for one rule; the rest shares one counter.
const SPENDERS: usize = 100_000;

type Counters = Arc<RwLock<HashMap<PrincipalId, Arc<Counter>>>>;

/// All rules with their counters. The counters outlive a reload.
#[derive(Debug, Default)]
pub struct Quotas {
    rules: Vec<(Quota, Counters)>,
    prices: Arc<[Price]>,
    /// What was spent before the process started, until somebody asks for it.
    before: Arc<Mutex<HashMap<[u8; 32], Spent>>>,
    key: [u8; 32],
}

/// Why a request is refused.
pub struct Exceeded {
    /// Sentence for the client.
    pub message: String,
    /// When it would fit; `None`: never.
    pub retry_after: Option<Duration>,
    /// A budget, not a rate.
    pub is_budget: bool,
    /// How the rates stand.
    pub shown: Shown,
}

/// How the rates of a request stand: of several rules the one with the least left.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// Requests.
    pub requests: Option<Left>,
    /// Tokens.
    pub tokens: Option<Left>,
}

/// What a request was counted on, until it is known what it used.
#[derive(Debug)]
pub struct Charge {
    taken: Vec<Taken>,
    prices: Arc<[Price]>,
    model: String,
    /// Tokens.
    estimate: u64,
    /// Of the estimate.
    nanos: u64,
    /// How the rates stood then.
    pub shown: Shown,
    sent: AtomicBool,
    settled: AtomicBool,
}

/// One rule, on which something was counted.
#[derive(Debug)]
struct Taken {
    counter: Arc<Counter>,
    measure: Measure,
    /// The end of the budget's period.
    until: i64,
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

/// What tokens cost; of several prices that fit, the first. Unknown models cost nothing: the configuration does not let that happen
/// where money is counted.
fn cost(prices: &[Price], model: &str, input: u64, output: u64) -> u64 {
    let price = prices.iter().find(|price| fits(&price.model, model));
    price.map_or(0, |price| input.saturating_mul(price.input).saturating_add(output.saturating_mul(price.output)))
}

impl Quota {
    fn covers(&self, principal: &Principal, model: &str) -> bool {
        let id = principal.id.as_str();
        let name = id.split_once(':').map_or(id, |(_, name)| name);
        self.key.as_deref().is_none_or(|key| fits(key, name))
            && self.group.as_ref().is_none_or(|group| principal.groups.contains(group))
            && self.model.as_deref().is_none_or(|pattern| fits(pattern, model))
    }
}

impl Shown {
    fn note(&mut self, measure: &Measure, counter: &Counter, now: Timestamp) {
        let Measure::Rate { requests, tokens } = *measure else { return };
        let tighter = |shown: &mut Option<Left>, left: Left| {
            let part = |left: &Left| u128::from(left.remaining) * 1_000_000 / u128::from(left.limit.max(1));
            if shown.as_ref().is_none_or(|shown| part(&left) < part(shown)) {
                *shown = Some(left);
            }
        };
        if let Some(limit) = requests {
            tighter(&mut self.requests, counter.requests.left(limit, now));
        }
        if let Some(limit) = tokens {
            tighter(&mut self.tokens, counter.tokens.left(limit, now));
        }
    }
}

impl Quotas {
    /// Fresh counters.
    pub fn new(quotas: &[Quota], prices: &[Price]) -> Self {
        let rules = quotas.iter().map(|quota| (quota.clone(), Counters::default())).collect();
        Self { rules, prices: prices.into(), before: Arc::default(), key: [0; 32] }
    }

    /// With the key that hashes who spends.
    pub fn set_key(&mut self, token_key: &[u8; 32]) {
        self.key = blake3::derive_key("bartizan 2026 gateway spending 1", token_key);
    }

    /// Takes over the counters of rules that were there before under the same name.
    pub fn adopt(&mut self, before: &Self) {
        self.before = Arc::clone(&before.before);
        for (quota, counters) in &mut self.rules {
            let same = |(known, _): &&(Quota, Counters)| known.name == quota.name && known.shared == quota.shared;
            if let Some((_, known)) = before.rules.iter().find(same) {
                *counters = Arc::clone(known);
            }
        }
    }

    /// Learns what was spent before. What is counted already is not changed.
    pub fn restore(&self, spent: impl IntoIterator<Item = Spent>) {
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        before.extend(spent.into_iter().map(|one| (one.id, one)));
    }

    /// What was spent since this was last asked.
    pub fn fresh(&self) -> Vec<Spent> {
        let budgets = self.rules.iter().filter(|(quota, _)| matches!(quota.measure, Measure::Budget { .. }));
        let each = budgets.flat_map(|(quota, counters)| {
            let counters = counters.read().unwrap_or_else(PoisonError::into_inner);
            let fresh = counters.iter().filter_map(|(who, counter)| counter.purse.fresh(self.id(quota, who)));
            fresh.collect::<Vec<_>>()
        });
        each.collect()
    }

    /// Counts a request on every rule that covers it; on none if one of them does not take it. `None`: no rule covers it.
    ///
    /// # Errors
    /// Which rule does not take it.
    pub fn charge(&self, principal: &Principal, model: &str, estimate: u64, now: Timestamp) -> Result<Option<Arc<Charge>>, Exceeded> {
        if !self.rules.iter().any(|(quota, _)| quota.covers(principal, model)) {
            return Ok(None);
        }
        let nanos = cost(&self.prices, model, estimate, 0);
        let mut taken: Vec<Taken> = Vec::new();
        let mut shown = Shown::default();
        for (quota, counters) in self.rules.iter().filter(|(quota, _)| quota.covers(principal, model)) {
            let counter = self.counter(quota, counters, principal);
            let counted = count(quota, &counter, (estimate, nanos), now);
            shown.note(&quota.measure, &counter, now);
            match counted {
                Ok(until) => taken.push(Taken { counter, measure: quota.measure.clone(), until }),
                Err((message, retry_after)) => {
                    for one in &taken {
                        one.give_back((estimate, nanos));
                    }
                    let is_budget = matches!(quota.measure, Measure::Budget { .. });
                    return Err(Exceeded { message, retry_after, is_budget, shown });
                }
            }
        }
        let prices = Arc::clone(&self.prices);
        let (sent, settled) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(Some(Arc::new(Charge { taken, prices, model: model.to_owned(), estimate, nanos, shown, sent, settled })))
    }

    fn counter(&self, quota: &Quota, counters: &Counters, principal: &Principal) -> Arc<Counter> {
        let everybody = PrincipalId::new("");
        let who = if quota.shared { &everybody } else { &principal.id };
        {
            let known = counters.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(counter) = known.get(who) {
                return Arc::clone(counter);
            }
        }
        let mut known = counters.write().unwrap_or_else(PoisonError::into_inner);
        let who = if known.len() >= SPENDERS { &everybody } else { who };
        let make = || {
            let before = self.before.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id(quota, who));
            Arc::new(Counter { purse: before.as_ref().map(Purse::with).unwrap_or_default(), ..Counter::default() })
        };
        Arc::clone(known.entry(who.clone()).or_insert_with(make))
    }

    fn id(&self, quota: &Quota, who: &PrincipalId) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&(quota.name.len() as u64).to_le_bytes()).update(quota.name.as_bytes()).update(who.as_str().as_bytes());
        *hasher.finalize().as_bytes()
    }
}

/// Counts on one rule. Gives the end of the budget's period.
fn count(quota: &Quota, counter: &Counter, cost: (u64, u64), now: Timestamp) -> Result<i64, (String, Option<Duration>)> {
    let name = &quota.name;
    match quota.measure {
        Measure::Rate { requests, tokens } => {
            let over = |over: Over, limit: u64, what: &str| match over {
                Over::Until(wait) => (format!("the limit `{name}` of {limit} {what} a minute is reached"), Some(wait)),
                Over::Never => {
                    (format!("this request is larger than the limit `{name}` of {limit} {what} a minute allows; send a smaller one"), None)
                }
            };
            if let Some(limit) = requests {
                counter.requests.take(1, limit, now).map_err(|why| over(why, limit, "requests"))?;
            }
            if let Some(limit) = tokens
                && let Err(why) = counter.tokens.take(cost.0, limit, now)
            {
                counter.requests.correct(if requests.is_some() { -1 } else { 0 }, requests.unwrap_or(1));
                return Err(over(why, limit, "tokens"));
            }
            Ok(0)
        }
        Measure::Budget { period, tokens, nanos } => counter.purse.take(cost, (tokens, nanos), period, now).map_err(|left| {
            let period = if period == Period::Day { "day" } else { "month" };
            (format!("the budget `{name}` of this {period} is spent"), Some(left))
        }),
    }
}

impl Taken {
    /// The request does not go on: nothing is counted on this rule.
    fn give_back(&self, cost: (u64, u64)) {
        if let Measure::Rate { requests: Some(limit), .. } = self.measure {
            self.counter.requests.correct(-1, limit);
        }
        self.correct(cost, (0, 0));
    }

    fn correct(&self, from: (u64, u64), to: (u64, u64)) {
        match self.measure {
            Measure::Rate { tokens: Some(limit), .. } => {
                let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
                self.counter.tokens.correct(signed(to.0).saturating_sub(signed(from.0)), limit);
            }
            Measure::Rate { tokens: None, .. } => {}
            Measure::Budget { .. } => self.counter.purse.correct(from, to, self.until),
        }
    }
}

impl Charge {
    /// From now on the provider may have used something.
    pub fn sent(&self) {
        self.sent.store(true, Ordering::Release);
    }

    /// Corrects the estimate by what was used. `model`: who answered, if that is another one. `written`: bytes of the answer, for a
    /// provider that does not say how many tokens it wrote.
    pub fn settle(&self, usage: Usage, model: Option<&str>, written: u64) {
        // Who says what was read says what was written too, or wrote no text.
        let unsaid = if usage.input.is_some() { 0 } else { written / 4 };
        let (input, output) = (usage.input.unwrap_or(self.estimate), usage.output.unwrap_or(unsaid));
        let nanos = cost(&self.prices, model.unwrap_or(&self.model), input, output);
        self.correct((input.saturating_add(output), nanos));
    }

    /// Nothing was used.
    pub fn release(&self) {
        self.correct((0, 0));
    }

    fn correct(&self, to: (u64, u64)) {
        if !self.settled.swap(true, Ordering::AcqRel) {
            self.taken.iter().for_each(|taken| taken.correct((self.estimate, self.nanos), to));
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        // What was sent and never answered stays counted as it was estimated.
        if !self.sent.load(Ordering::Acquire) {
            self.release();
        }
    }
}
