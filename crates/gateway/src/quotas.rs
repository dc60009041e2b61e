//! Rate limits and budgets: what a request reserves before it is judged. What it used takes the place of that: see `charge`.
//!
//! Without a rule nothing is looked at. With one, a request costs a look-up under a read lock, and then numbers under a lock of their own,
//! held for a few instructions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bartizan_vocabulary::{GroupName, Principal, PrincipalId};

use crate::charge::{Ask, Charge, Taken};
use crate::gcra::{Gcra, Left, Over};
use crate::settings::SharedClock;
use crate::spending::{Most, Period, Purse, Short, Spent, Sum};

/// When to ask again for a budget that is only reserved. The client is told a second more, as of every time.
const SOON: Duration = Duration::from_secs(2);

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
    /// Name of a model as clients ask for it, or of the fallback that is called for it, with `*` at the end for all that begin so.
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
pub struct Counter {
    /// Rate of requests.
    pub requests: Gcra,
    /// Rate of tokens.
    pub tokens: Gcra,
    /// Budget.
    pub purse: Purse,
    /// What the budget is kept as.
    id: [u8; 32],
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
#[derive(Debug)]
pub struct Exceeded {
    /// Sentence for the client.
    pub message: String,
    /// When it would fit; `None`: never.
    pub retry_after: Option<Duration>,
    /// A budget that is spent: it does not help to ask again soon.
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

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

/// What tokens cost; of several prices that fit, the first. Unknown models cost nothing: the configuration does not let that happen
/// where money is counted.
pub fn cost(prices: &[Price], model: &str, input: u64, output: u64) -> u64 {
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

impl Measure {
    /// Whether what was counted as the other one goes on being counted as this one: not as a budget of another period.
    fn goes_on_from(&self, before: &Self) -> bool {
        match (self, before) {
            (Self::Rate { .. }, Self::Rate { .. }) => true,
            (Self::Budget { period, .. }, Self::Budget { period: before, .. }) => period == before,
            _ => false,
        }
    }
}

impl Shown {
    fn note(&mut self, measure: &Measure, counter: &Counter, now: Duration) {
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

    /// Takes over the counters of rules that were there before under the same name. A budget whose period has another length now is
    /// another budget: what was spent in a month says nothing of a day.
    pub fn adopt(&mut self, before: &Self) {
        self.before = Arc::clone(&before.before);
        for (quota, counters) in &mut self.rules {
            let same = |(known, _): &&(Quota, Counters)| {
                known.name == quota.name && known.shared == quota.shared && quota.measure.goes_on_from(&known.measure)
            };
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
        let each = budgets.flat_map(|(_, counters)| {
            let counters = counters.read().unwrap_or_else(PoisonError::into_inner);
            counters.values().filter_map(|counter| counter.purse.fresh(&counter.id)).collect::<Vec<_>>()
        });
        each.collect()
    }

    /// Reserves what a request asks for on every rule that covers it; on none if one of them does not take it. `None`: no rule covers it.
    ///
    /// # Errors
    /// Which rule does not take it.
    pub fn charge(
        &self,
        principal: &Principal,
        model: &str,
        ask: impl FnOnce() -> Ask,
        clock: &SharedClock,
    ) -> Result<Option<Arc<Charge>>, Exceeded> {
        self.charge_on(principal, model, &|quota| quota.covers(principal, model), ask, clock)
    }

    /// The same for a fallback, on the rules that do not cover the model that was asked for: on those it is counted already.
    ///
    /// # Errors
    /// Which rule does not take it.
    pub fn charge_beyond(
        &self,
        principal: &Principal,
        (asked, model): (&str, &str),
        ask: impl FnOnce() -> Ask,
        clock: &SharedClock,
    ) -> Result<Option<Arc<Charge>>, Exceeded> {
        let beyond = |quota: &Quota| quota.covers(principal, model) && !quota.covers(principal, asked);
        self.charge_on(principal, model, &beyond, ask, clock)
    }

    /// Whether any rule is for a model.
    pub fn name_models(&self) -> bool {
        self.rules.iter().any(|(quota, _)| quota.model.is_some())
    }

    fn charge_on(
        &self,
        principal: &Principal,
        model: &str,
        covers: &dyn Fn(&Quota) -> bool,
        ask: impl FnOnce() -> Ask,
        clock: &SharedClock,
    ) -> Result<Option<Arc<Charge>>, Exceeded> {
        if !self.rules.iter().any(|(quota, _)| covers(quota)) {
            return Ok(None);
        }
        let ask = ask();
        let least = Sum { tokens: ask.input, nanos: cost(&self.prices, model, ask.input, 0) };
        let wanted = least.plus(Sum { tokens: ask.output, nanos: cost(&self.prices, model, 0, ask.output) });
        let mut taken: Vec<Taken> = Vec::new();
        let mut shown = Shown::default();
        for (quota, counters) in self.rules.iter().filter(|(quota, _)| covers(quota)) {
            let counter = self.counter(quota, counters, principal);
            let held = hold(quota, &counter, (least, wanted), clock);
            shown.note(&quota.measure, &counter, clock.steady());
            match held {
                Ok(held) => taken.push(Taken { counter, measure: quota.measure.clone(), held }),
                Err(exceeded) => {
                    for one in &taken {
                        one.settle_request(0, clock);
                        one.settle(Sum::default(), clock);
                    }
                    return Err(Exceeded { shown, ..exceeded });
                }
            }
        }
        for one in &taken {
            one.settle_request(1, clock);
        }
        Ok(Some(Arc::new(Charge::new(taken, &self.prices, clock, model, ask, shown))))
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
            let id = self.id(quota, who);
            let before = self.before.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            Arc::new(Counter { purse: before.as_ref().map(Purse::with).unwrap_or_default(), id, ..Counter::default() })
        };
        Arc::clone(known.entry(who.clone()).or_insert_with(make))
    }

    fn id(&self, quota: &Quota, who: &PrincipalId) -> [u8; 32] {
        let period = if matches!(quota.measure, Measure::Budget { period: Period::Month, .. }) { b"m" } else { b"d" };
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher
            .update(period)
            .update(&(quota.name.len() as u64).to_le_bytes())
            .update(quota.name.as_bytes())
            .update(who.as_str().as_bytes());
        *hasher.finalize().as_bytes()
    }
}

/// Reserves on one rule: a request, and what it costs at `least` and at most.
fn hold(quota: &Quota, counter: &Counter, (least, wanted): (Sum, Sum), clock: &SharedClock) -> Result<Sum, Exceeded> {
    let name = &quota.name;
    let exceeded = |message, retry_after, is_budget| Exceeded { message, retry_after, is_budget, shown: Shown::default() };
    match quota.measure {
        Measure::Rate { requests, tokens } => {
            let now = clock.steady();
            let over = |over: Over, limit: u64, what: &str| match over {
                Over::Until(wait) => exceeded(format!("the limit `{name}` of {limit} {what} a minute is reached"), Some(wait), false),
                Over::Never => {
                    let sentence =
                        format!("this request is larger than the limit `{name}` of {limit} {what} a minute allows; send a smaller one");
                    exceeded(sentence, None, false)
                }
            };
            if let Some(limit) = requests {
                counter.requests.hold((1, 1), limit, now).map_err(|why| over(why, limit, "requests"))?;
            }
            let Some(limit) = tokens else { return Ok(Sum::default()) };
            let held = counter.tokens.hold((least.tokens, wanted.tokens), limit, now).map_err(|why| {
                if let Some(limit) = requests {
                    counter.requests.settle(1, 0, limit, now);
                }
                over(why, limit, "tokens")
            })?;
            Ok(Sum { tokens: held, nanos: 0 })
        }
        Measure::Budget { period, tokens, nanos } => {
            let held = counter.purse.hold((least, wanted), Most { tokens, nanos }, period, clock.now());
            let period = if period == Period::Day { "day" } else { "month" };
            held.map_err(|short| match short {
                Short::Spent(left) => exceeded(format!("the budget `{name}` of this {period} is spent"), Some(left), true),
                Short::TooLittle(left) => {
                    let what = "is too little for this request and the longest answer that it asks for";
                    exceeded(format!("what is left of the budget `{name}` of this {period} {what}"), Some(left), true)
                }
                Short::Held => {
                    let sentence = format!("what is left of the budget `{name}` is reserved for requests under way; try again");
                    exceeded(sentence, Some(SOON), false)
                }
                Short::Never => exceeded(format!("this request is larger than the whole budget `{name}`; send a smaller one"), None, true),
            })
        }
    }
}
