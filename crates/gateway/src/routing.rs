//! Which places of which models a request may go to, and in which order: the places of the model that was asked for by their weights,
//! again for as many rounds as are configured, then those of its fallbacks. A place whose circuit is open is passed over.
//!
//! For a model at one place this decides without allocating and without a random number.

use std::sync::Arc;
use std::time::Duration;

use bartizan_identity::may_use;
use bartizan_vocabulary::{Principal, ProviderName, Timestamp};
use bartizan_wire::refusal::Reason;
use bartizan_wire::{Call, ControlError};

use crate::breaker::{Breaker, Circuit};
use crate::models::{self, Target};
use crate::retry::Allowance;
use crate::settings::{MAX_WAYS, Model, Settings, Way};

/// What is known of the providers' health. It outlives a reload.
#[derive(Debug, Default)]
pub struct Circuits {
    /// One for each provider, in the order of the settings.
    breakers: Vec<Arc<Breaker>>,
    /// Further calls that may be made.
    pub allowance: Arc<Allowance>,
}

impl Circuits {
    /// All closed.
    pub fn new(settings: &Settings) -> Self {
        Self { breakers: settings.providers.iter().map(|_| Arc::default()).collect(), allowance: Arc::default() }
    }

    /// Takes over what is known of providers that were there before under the same name and address.
    pub fn adopt(&mut self, settings: &Settings, before: &Self, settings_before: &Settings) {
        self.allowance = Arc::clone(&before.allowance);
        for (provider, breaker) in settings.providers.iter().zip(&mut self.breakers) {
            let known = settings_before.providers.iter().zip(&before.breakers);
            let mut same = known.filter(|(known, _)| known.name == provider.name && known.base_url == provider.base_url);
            if let Some((_, known)) = same.next() {
                *breaker = Arc::clone(known);
            }
        }
    }

    /// The circuit of a provider.
    pub fn of(&self, provider: usize) -> Option<&Breaker> {
        self.breakers.get(provider).map(|breaker| &**breaker)
    }

    /// Name, state and number of openings of each provider.
    pub fn states<'a>(&'a self, settings: &'a Settings, now: Timestamp) -> impl Iterator<Item = (&'a ProviderName, Circuit, u64)> {
        let each = settings.providers.iter().zip(&self.breakers);
        each.map(move |(provider, breaker)| (&provider.name, breaker.circuit(now), breaker.opened()))
    }
}

/// What every place is measured against.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// Settings in force.
    pub settings: &'a Settings,
    /// Health of the providers.
    pub circuits: &'a Circuits,
    /// Who asks.
    pub principal: &'a Principal,
    /// What is called.
    pub call: Call<'a>,
    /// The model as the client named it, and as sentences may repeat it.
    pub name: (&'a str, &'a str),
    /// Whether the body names the model.
    pub in_body: bool,
}

/// Why there is no place to begin with.
pub struct Nowhere {
    /// Reason.
    pub reason: Reason,
    /// Sentence for the client.
    pub message: String,
    /// When to ask again, if that helps.
    pub retry_after: Option<Duration>,
}

impl From<(Reason, String)> for Nowhere {
    fn from((reason, message): (Reason, String)) -> Self {
        Self { reason, message, retry_after: None }
    }
}

/// What to do next.
pub enum Step<'a> {
    /// Call this.
    Go(Target<'a>),
    /// All places of this model were called: they may be called again after a pause, unless [`Itinerary::leave`] is chosen.
    Pause(u32),
    /// Nothing is left.
    End,
}

/// How far a request has come.
pub struct Itinerary<'a> {
    wanted: Wanted<'a>,
    asked: &'a Model,
    /// 0: the model that was asked for; then its fallbacks.
    leg: usize,
    /// Rounds over the places of this leg that have begun.
    round: u32,
    /// Places that were handed out in this round.
    tried: u64,
}

impl<'a> Itinerary<'a> {
    /// The first place. `chance`: random numbers.
    ///
    /// # Errors
    /// When there is none: reason and sentence.
    pub fn begin(wanted: Wanted<'a>, now: Timestamp, chance: &dyn Fn() -> u64) -> Result<(Self, Target<'a>), Nowhere> {
        let asked = models::entry(wanted.settings, wanted.principal, wanted.name)?;
        let mut begun = Self { wanted, asked, leg: 0, round: 1, tried: 0 };
        if let Step::Go(target) = begun.next(now, chance) {
            return Ok((begun, target));
        }
        let speaks = |way: &&Way| wanted.settings.providers.get(way.provider).is_some_and(|it| it.kind.answers(wanted.call.route));
        if !asked.ways.iter().any(|way| speaks(&way)) {
            return Err(models::elsewhere(wanted.settings, asked, wanted.name.1, wanted.call.route).into());
        }
        let soonest = asked.ways.iter().filter(speaks).filter(|way| takes(&wanted, 0, asked, way));
        let soonest = soonest.filter_map(|way| wanted.circuits.of(way.provider)).map(|breaker| breaker.left(now)).min();
        let Some(soonest) = soonest else {
            return Err((Reason::BadRequest, ControlError::Missing("model").to_string()).into());
        };
        let message = format!(
            "the provider of the model `{}` failed too often and is left alone for {} s; try again then",
            wanted.name.1,
            soonest.as_secs() + 1
        );
        Err(Nowhere { reason: Reason::UpstreamUnavailable, message, retry_after: Some(soonest) })
    }

    /// Whether there is anywhere to go after a failure.
    pub fn goes_on(&self) -> bool {
        self.asked.ways.len() > 1 || !self.asked.fallback.is_empty() || self.wanted.settings.retries.attempts > 1
    }

    /// The next place. `chance`: random numbers.
    pub fn next(&mut self, now: Timestamp, chance: &dyn Fn() -> u64) -> Step<'a> {
        while let Some(model) = self.model() {
            if let Some(target) = self.pick(model, now, chance) {
                return Step::Go(target);
            }
            if self.tried != 0 && self.round < self.wanted.settings.retries.attempts {
                self.tried = 0;
                self.round += 1;
                return Step::Pause(self.round - 1);
            }
            self.leave();
        }
        Step::End
    }

    /// Goes on to the next fallback.
    pub fn leave(&mut self) {
        (self.leg, self.round, self.tried) = (self.leg.saturating_add(1), 1, 0);
    }

    /// The model's name for this leg: as the client named it, or that of the fallback.
    pub fn name(&self, target: Target<'a>) -> &'a str {
        if self.is_fallback(target) { target.model.name.as_str() } else { self.wanted.name.0 }
    }

    /// Whether a place is one of another model than the one that was asked for.
    pub fn is_fallback(&self, target: Target<'a>) -> bool {
        !std::ptr::eq(target.model, self.asked)
    }

    fn model(&self) -> Option<&'a Model> {
        let Some(before) = self.leg.checked_sub(1) else { return Some(self.asked) };
        self.wanted.settings.models.get(*self.asked.fallback.get(before)?)
    }

    fn pick(&mut self, model: &'a Model, now: Timestamp, chance: &dyn Fn() -> u64) -> Option<Target<'a>> {
        let wanted = self.wanted;
        if self.leg > 0 && !may_use(wanted.principal.models.as_deref(), model.name.as_str()) {
            return None;
        }
        let (tried, leg) = (self.tried, self.leg);
        let open = |way: &Way| wanted.circuits.of(way.provider).is_some_and(|breaker| !breaker.passes(now));
        let free = |at: usize, way: &Way| tried & (1 << at) == 0 && takes(&wanted, leg, model, way) && !open(way);
        let ways = || model.ways.iter().take(MAX_WAYS).enumerate().filter(|(at, way)| free(*at, way));
        let total: u64 = ways().map(|(_, way)| u64::from(way.weight)).sum();
        let several = ways().nth(1).is_some();
        let mut drawn = if total > 0 && several { chance() % total } else { 0 };
        let chosen = ways().find(|(_, way)| {
            let weight = u64::from(way.weight);
            let hit = drawn < weight || total == 0;
            drawn = drawn.saturating_sub(weight);
            hit
        });
        let (at, way) = chosen?;
        self.tried |= 1 << at;
        Target::at(wanted.settings, model, way)
    }
}

/// Whether a place can take the request: its provider speaks the format, or there is a translation into the one that it speaks.
fn takes(wanted: &Wanted<'_>, leg: usize, model: &Model, way: &Way) -> bool {
    let Some(target) = Target::at(wanted.settings, model, way) else { return false };
    // A route's own model stands for what was asked; a fallback must be named to its provider.
    let named = target.is_told(&wanted.call, wanted.in_body) || (leg == 0 && wanted.call.route.default_model().is_some());
    target.provider.kind.answers(wanted.call.route) && named
}
