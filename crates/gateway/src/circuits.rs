//! What is known of the providers' health: a circuit for each model at each provider, and one for each provider as a whole, which only
//! connections that fail can open. So one model that is ill closes nothing to the others. It outlives a reload.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bartizan_vocabulary::{PrincipalId, ProviderName, Timestamp};

use crate::breaker::{Breaker, Circuit, Health, Permit};
use crate::models::Target;
use crate::retry::Allowance;
use crate::settings::{Breaking, Model, Provider, Settings};

/// All circuits.
#[derive(Debug, Default)]
pub struct Circuits {
    /// One for each provider, in the order of the settings.
    providers: Vec<Arc<Breaker>>,
    /// One for each model of the settings at each of its places, in their order. Those that are the same for the provider share one.
    ways: Vec<Vec<Arc<Breaker>>>,
    /// Each of those once, by the provider's index and its name for the model.
    places: Vec<(usize, String, Arc<Breaker>)>,
    /// Further calls that may be made.
    pub allowance: Arc<Allowance>,
}

/// How one circuit stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitState {
    /// The provider.
    pub provider: ProviderName,
    /// Its name for the model; `None`: the provider as a whole.
    pub model: Option<String>,
    /// How it stands.
    pub circuit: Circuit,
    /// How often it opened.
    pub opened: u64,
}

/// How a call went, for its provider and for the model there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learnt {
    /// Whether there was a connection.
    pub provider: Health,
    /// Whether the model did its work.
    pub model: Health,
}

/// Leave to make one call.
#[must_use]
pub struct Passage<'a> {
    provider: Option<Permit<'a>>,
    model: Option<Permit<'a>>,
}

impl Learnt {
    /// A call that ended without a word.
    pub const NOTHING: Self = Self { provider: Health::Unsaid, model: Health::Unsaid };
}

impl Circuits {
    /// All closed.
    pub fn new(settings: &Settings) -> Self {
        Self::built(settings, Vec::new(), &HashMap::new(), Arc::default())
    }

    /// Takes over what is known of providers that were there before under the same name and address, and of their models.
    pub fn adopt(&mut self, settings: &Settings, before: &Self, settings_before: &Settings) {
        let was = |at: &usize| {
            let provider = settings.providers.get(*at)?;
            let same = |known: &Provider| known.name == provider.name && known.base_url == provider.base_url;
            settings_before.providers.iter().zip(&before.providers).find(|(known, _)| same(known)).map(|(_, breaker)| breaker)
        };
        let all: Vec<_> = (0..settings.providers.len()).map(|at| was(&at).cloned()).collect();
        // From the provider's place in the settings of before to its place in those of now.
        let moved =
            |from: usize| all.iter().position(|new| new.as_ref().zip(before.providers.get(from)).is_some_and(|(a, b)| Arc::ptr_eq(a, b)));
        let moved: Vec<_> = (0..before.providers.len()).map(moved).collect();
        let place = |(from, name, breaker): &(usize, String, Arc<Breaker>)| {
            let to = moved.get(*from).copied().flatten()?;
            Some(((to, name.clone()), Arc::clone(breaker)))
        };
        let places = before.places.iter().filter_map(place).collect();
        *self = Self::built(settings, all, &places, Arc::clone(&before.allowance));
    }

    fn built(
        settings: &Settings,
        known: Vec<Option<Arc<Breaker>>>,
        known_places: &HashMap<(usize, String), Arc<Breaker>>,
        allowance: Arc<Allowance>,
    ) -> Self {
        let mut known = known.into_iter();
        let providers = settings.providers.iter().map(|_| known.next().flatten().unwrap_or_default()).collect();
        let (mut found, mut places) = (HashMap::new(), Vec::new());
        let mut one = |provider: usize, name: &str| {
            let key = (provider, name.to_owned());
            let breaker = found.entry(key).or_insert_with_key(|key| {
                let breaker = known_places.get(key).cloned().unwrap_or_default();
                places.push((provider, key.1.clone(), Arc::clone(&breaker)));
                breaker
            });
            Arc::clone(breaker)
        };
        let of = |model: &Model| {
            model.ways.iter().map(|way| one(way.provider, way.upstream_name.as_deref().unwrap_or(model.name.as_str()))).collect()
        };
        let ways = settings.models.iter().map(of).collect();
        Self { providers, ways, places, allowance }
    }

    /// The circuits before a place: that of its provider, that of the model there.
    fn before(&self, target: Target<'_>) -> (Option<&Breaker>, Option<&Breaker>) {
        let (model, way) = target.at;
        (self.providers.get(target.way.provider).map(|one| &**one), self.ways.get(model).and_then(|ways| ways.get(way)).map(|one| &**one))
    }

    /// Whether a call of a place would pass; none is let through by asking.
    pub fn passes(&self, target: Target<'_>, who: &PrincipalId, now: Timestamp, breaking: &Breaking) -> bool {
        let (provider, model) = self.before(target);
        provider.is_none_or(|one| one.passes(None, now, breaking)) && model.is_none_or(|one| one.passes(Some(who), now, breaking))
    }

    /// How long a place is still left alone, as far as a caller is concerned.
    pub fn left(&self, target: Target<'_>, who: &PrincipalId, now: Timestamp) -> Duration {
        let (provider, model) = self.before(target);
        let left = |one: Option<&Breaker>, who| one.map(|one| one.left(who, now)).unwrap_or_default();
        left(provider, None).max(left(model, Some(who)))
    }

    /// A call of a place is about to be made. That a connection fails is not for what a caller asks, so it counts for all.
    ///
    /// # Errors
    /// It must not be made: for how long.
    pub fn enter<'a>(
        &'a self,
        target: Target<'_>,
        who: &'a PrincipalId,
        now: Timestamp,
        breaking: &Breaking,
    ) -> Result<Passage<'a>, Duration> {
        let (provider, model) = self.before(target);
        // What one of them gave is given back when the other one refuses.
        let provider = provider.map(|one| one.enter(None, now, breaking).ok_or_else(|| one.left(None, now))).transpose()?;
        let who = Some(who);
        let model = model.map(|one| one.enter(who, now, breaking).ok_or_else(|| one.left(who, now))).transpose()?;
        Ok(Passage { provider, model })
    }

    /// How all of them stand: first those of the providers, then those of the models.
    pub fn states(&self, settings: &Settings, now: Timestamp) -> Vec<CircuitState> {
        let state = |at: usize, model: Option<&String>, breaker: &Breaker| {
            let provider = settings.providers.get(at)?.name.clone();
            let (circuit, opened) = (breaker.circuit(now, &settings.breaking), breaker.opened());
            Some(CircuitState { provider, model: model.cloned(), circuit, opened })
        };
        let providers = self.providers.iter().enumerate().filter_map(|(at, breaker)| state(at, None, breaker));
        let places = self.places.iter().filter_map(|(at, name, breaker)| state(*at, Some(name), breaker));
        providers.chain(places).collect()
    }
}

impl Passage<'_> {
    /// The call ended.
    pub fn note(self, learnt: Learnt, now: Timestamp, breaking: &Breaking) {
        if let Some(provider) = self.provider {
            provider.note(learnt.provider, now, breaking);
        }
        if let Some(model) = self.model {
            model.note(learnt.model, now, breaking);
        }
    }
}
