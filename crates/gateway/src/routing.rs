//! Which places of which models a request may go to, and in which order: the places of the model that was asked for by their weights,
//! again for as many rounds as are configured, then those of its fallbacks. A place whose circuit is open is passed over.
//!
//! For a model at one place this decides without allocating and without a random number.

use std::time::Duration;

use bartizan_identity::may_use;
use bartizan_vocabulary::{Principal, Timestamp};
use bartizan_wire::refusal::Reason;
use bartizan_wire::{Call, ControlError};

use crate::circuits::Circuits;
use crate::models::{self, Target};
use crate::settings::Settings;

/// Most places that are looked at for one request, whatever is configured: judging costs, too.
const MOST_PLACES: u32 = 32;

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
    /// The only provider to which it may go: it keeps what the request goes on from.
    pub only: Option<usize>,
    /// The provider's name for the only model to which it may go: that of the cache with which it begins.
    pub cached: Option<&'a str>,
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

/// A place, and how it is called.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The place.
    pub target: Target<'a>,
    /// The model's name as clients would say it: as this one did, or that of the fallback.
    pub name: &'a str,
    /// Whether it is one of another model than the one that was asked for.
    pub is_fallback: bool,
    /// Whether the client's own key may be sent there.
    pub is_home: bool,
    /// Whether it is at the provider that the client means where it names an account.
    pub is_first: bool,
}

/// How far a request has come.
pub struct Itinerary<'a> {
    wanted: Wanted<'a>,
    asked: usize,
    /// Indexes of the models that are asked instead.
    fallback: &'a [usize],
    /// Whether there is anywhere to go after a failure.
    goes_on: bool,
    /// The provider that the client's own key is for.
    home: Option<usize>,
    /// The provider whose accounts the client knows: that one, or without it the first of the route's own format.
    first: Option<usize>,
    /// 0: the model that was asked for; then its fallbacks.
    leg: usize,
    /// Rounds over the places of this leg that have begun.
    round: u32,
    /// Places that were handed out in this round.
    tried: u64,
    /// Places of this leg to which this request may not go.
    barred: u64,
    /// Places that were handed out in all.
    handed: u32,
}

impl<'a> Itinerary<'a> {
    /// The first place. `chance`: random numbers.
    ///
    /// # Errors
    /// When there is none: reason and sentence.
    pub fn begin(wanted: Wanted<'a>, now: Timestamp, chance: &dyn Fn() -> u64) -> Result<(Self, Target<'a>), Nowhere> {
        let asked = models::entry(wanted.settings, wanted.principal, wanted.name)?;
        let model = wanted.settings.models.get(asked);
        let (ways, fallback) = model.map(|model| (model.ways.len(), model.fallback.as_slice())).unwrap_or_default();
        let fallback = if wanted.cached.is_some() { &[] } else { fallback };
        let goes_on = ways > 1 || !fallback.is_empty() || wanted.settings.retries.attempts > 1;
        let home = models::home(wanted.settings, asked, wanted.call.route);
        let first = home.or_else(|| models::preferred(wanted.settings, asked, wanted.call.route, |_| true));
        let mut begun = Self { wanted, asked, fallback, goes_on, home, first, leg: 0, round: 1, tried: 0, barred: 0, handed: 0 };
        if let Step::Go(target) = begun.next(now, chance) {
            return Ok((begun, target));
        }
        Err(begun.nowhere(now))
    }

    /// Why there is no place to begin with.
    fn nowhere(&self, now: Timestamp) -> Nowhere {
        let (wanted, ways) = (&self.wanted, || self.targets(self.asked));
        let Some(first) = ways().next() else {
            return models::missing(wanted.name.1).into();
        };
        if !ways().any(|target| target.provider.kind.answers(wanted.call.route)) {
            return models::elsewhere(wanted.settings, first.model, wanted.name.1, wanted.call.route).into();
        }
        if wanted.only.is_some() && !ways().any(|target| self.is_kept_at(target)) {
            let message = format!("the model `{}` is not served by the provider that keeps what this request goes on from", wanted.name.1);
            return (Reason::BadRequest, message).into();
        }
        let soonest =
            ways().filter(|target| self.takes(*target)).map(|target| wanted.circuits.left(target, &wanted.principal.id, now)).min();
        let Some(soonest) = soonest else {
            return (Reason::BadRequest, ControlError::Missing("model").to_string()).into();
        };
        let message = format!(
            "the provider of the model `{}` failed too often and is left alone for {} s; try again then",
            wanted.name.1,
            soonest.as_secs() + 1
        );
        Nowhere { reason: Reason::UpstreamUnavailable, message, retry_after: Some(soonest) }
    }

    /// Whether there is anywhere to go after a failure.
    pub fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// Whether every place of the model at hand is new to this request.
    pub fn is_first_round(&self) -> bool {
        self.round == 1
    }

    /// The next place. `chance`: random numbers.
    pub fn next(&mut self, now: Timestamp, chance: &dyn Fn() -> u64) -> Step<'a> {
        while let Some(model) = self.model() {
            if self.handed >= MOST_PLACES {
                break;
            }
            if let Some(target) = self.pick(model, now, chance) {
                self.handed += 1;
                return Step::Go(target);
            }
            // A round in which nothing could be called is not worth another.
            if self.tried & !self.barred != 0 && self.round < self.wanted.settings.retries.attempts {
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
        (self.leg, self.round, self.tried, self.barred) = (self.leg.saturating_add(1), 1, 0, 0);
    }

    /// This request may not go to the place that was handed out last: it is not asked about again.
    pub fn bar(&mut self, target: Target<'a>) {
        if self.model() == Some(target.at.0) {
            self.barred |= bit(target.at.1);
        }
    }

    /// What there is to know of a place.
    pub fn place(&self, target: Target<'a>) -> Place<'a> {
        let is_fallback = self.is_fallback(target);
        let name = if is_fallback { target.model.name.as_str() } else { self.wanted.name.0 };
        let at = Some(target.way.provider);
        Place { target, name, is_fallback, is_home: self.home == at, is_first: self.first == at }
    }

    /// Whether a place is one of another model than the one that was asked for.
    pub fn is_fallback(&self, target: Target<'a>) -> bool {
        target.at.0 != self.asked
    }

    fn model(&self) -> Option<usize> {
        let Some(before) = self.leg.checked_sub(1) else { return Some(self.asked) };
        self.fallback.get(before).copied()
    }

    /// The places of a model.
    fn targets(&self, model: usize) -> impl Iterator<Item = Target<'a>> + use<'a> {
        Target::all(self.wanted.settings, model)
    }

    fn pick(&mut self, model: usize, now: Timestamp, chance: &dyn Fn() -> u64) -> Option<Target<'a>> {
        let wanted = self.wanted;
        if self.leg > 0 {
            let name = &wanted.settings.models.get(model)?.name;
            if !may_use(wanted.principal.models.as_deref(), name.as_str()) {
                return None;
            }
        }
        let gone = self.tried | self.barred;
        let passes = |target: Target<'_>| wanted.circuits.passes(target, &wanted.principal.id, now, &wanted.settings.breaking);
        let free = |target: &Target<'_>| gone & bit(target.at.1) == 0 && self.takes(*target) && passes(*target);
        let ways = || self.targets(model).filter(free);
        let (many, total) = ways().fold((0_u32, 0_u64), |(many, total), target| (many + 1, total + u64::from(target.way.weight)));
        let mut drawn = if total > 0 && many > 1 { chance() % total } else { 0 };
        let chosen = ways().find(|target| {
            let weight = u64::from(target.way.weight);
            let hit = drawn < weight || total == 0;
            drawn = drawn.saturating_sub(weight);
            hit
        });
        let target = chosen?;
        self.tried |= bit(target.at.1);
        Some(target)
    }

    /// Whether what the request goes on from is at a place, if it goes on from anything.
    fn is_kept_at(&self, target: Target<'_>) -> bool {
        let Wanted { only, cached, name, .. } = self.wanted;
        let is_model = |upstream: &str| upstream == target.way.upstream_name.as_deref().unwrap_or(name.0);
        only.is_none_or(|only| only == target.way.provider) && cached.is_none_or(is_model)
    }

    /// Whether a place can take the request: its provider speaks the format, or there is a translation into the one that it speaks; it can
    /// be told which model is meant; and it needs no key of the client's that is for somebody else.
    fn takes(&self, target: Target<'_>) -> bool {
        let wanted = &self.wanted;
        // A route's own model stands for what was asked; a fallback must be named to its provider.
        let own_model = self.leg == 0 && wanted.call.route.default_model().is_some();
        let named = own_model || target.is_told(&wanted.call, wanted.in_body);
        let keyed = !target.needs_client_key() || self.home == Some(target.way.provider);
        self.is_kept_at(target) && named && keyed && target.provider.kind.answers(wanted.call.route)
    }
}

fn bit(way: usize) -> u64 {
    u32::try_from(way).ok().and_then(|way| 1_u64.checked_shl(way)).unwrap_or(0)
}
