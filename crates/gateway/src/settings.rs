//! What the gate needs to be told. The binary makes this from flags, environment and file; nothing here reads any of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bartizan_detect::SealKey;
use bartizan_policy::ProviderFacts;
use bartizan_vocabulary::{Hidden, ModelName, ProviderName};
use bartizan_wire::json::JsonLimits;
use bartizan_wire::translate::Translation;
use bartizan_wire::{Family, Route};
use http::Uri;

use crate::quotas::{Price, Quota};

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Only with a virtual key.
    Keys,
    /// Anybody; a key that is presented must still be good.
    Anonymous,
}

/// Which formats a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// OpenAI's format.
    OpenAi,
    /// Anthropic's format.
    Anthropic,
    /// OpenAI's format as Azure serves it: the deployment stands in the path, the version in the query, the key in `api-key`.
    Azure,
    /// Gemini's format.
    Gemini,
    /// All of them, below one base URL: the one-line start, and the sample model.
    Both,
}

impl ProviderKind {
    /// Whether its own list of models is in the format of a route.
    pub fn lists(self, route: Route) -> bool {
        if route == Route::GeminiModels { self == Self::Gemini } else { self.speaks(route) }
    }

    /// The translation by which it answers on a route whose format it does not speak, if there is one.
    pub fn translation(self, route: Route) -> Option<Translation> {
        let family = match self {
            Self::OpenAi | Self::Azure => Family::OpenAi,
            Self::Anthropic => Family::Anthropic,
            Self::Gemini => Family::Gemini,
            Self::Both => return None,
        };
        Translation::between(route, family)
    }

    /// Whether it can be asked on a route, translated or not.
    pub fn answers(self, route: Route) -> bool {
        self.speaks(route) || self.translation(route).is_some()
    }

    /// Whether it answers on a route in its own format.
    pub fn speaks(self, route: Route) -> bool {
        let families: &[Family] = match self {
            // Azure has no list of models that a client could call, and no moderations.
            Self::Azure if matches!(route, Route::Models | Route::Moderations) => &[],
            Self::OpenAi | Self::Azure => &[Family::OpenAi],
            Self::Anthropic => &[Family::Anthropic],
            Self::Gemini => &[Family::Gemini],
            Self::Both => &[Family::OpenAi, Family::Anthropic, Family::Gemini],
        };
        families.contains(&route.family()) || (route == Route::Models && self == Self::Anthropic)
    }
}

/// A provider.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its name.
    pub name: ProviderName,
    /// Which formats it speaks.
    pub kind: ProviderKind,
    /// The route's suffix is appended to this.
    pub base_url: Uri,
    /// Azure's `api-version`, for clients that do not name one.
    pub api_version: Option<String>,
    /// Credential that is sent to it, if any.
    pub api_key: Option<Hidden<String>>,
    /// Forward the client's own key (never one of ours).
    pub pass_client_key: bool,
    /// What policies may know of it.
    pub facts: ProviderFacts,
    /// Times of its own, where they differ from those of all.
    pub waits: Waits,
}

/// Times of one provider; `None`: those of [`Timeouts`].
#[derive(Clone, Debug, Default)]
pub struct Waits {
    /// Connecting.
    pub connect: Option<Duration>,
    /// Its first byte.
    pub first_byte: Option<Duration>,
    /// The pause between two pieces of its answer.
    pub idle: Option<Duration>,
}

/// A place where a model is served.
#[derive(Clone, Debug)]
pub struct Way {
    /// Index into [`Settings::providers`].
    pub provider: usize,
    /// What the provider calls the model, when that differs.
    pub upstream_name: Option<String>,
    /// Its share of the calls, against the other places. With 0 it is called only when those with more cannot be.
    pub weight: u32,
}

/// Most places of a model.
pub const MAX_WAYS: usize = 64;

/// A model as clients name it.
#[derive(Clone, Debug)]
pub struct Model {
    /// Name, or `*` for any.
    pub name: ModelName,
    /// Where it is served: at least one, at most [`MAX_WAYS`].
    pub ways: Vec<Way>,
    /// Indexes into [`Settings::models`]: what is asked instead, in this order, when none of the places answers;
    /// theirs are among them already.
    pub fallback: Vec<usize>,
}

impl Model {
    /// A model that is served at one place.
    pub fn at(name: impl Into<ModelName>, provider: usize, upstream_name: Option<String>) -> Self {
        Self { name: name.into(), ways: vec![Way { provider, upstream_name, weight: 1 }], fallback: Vec::new() }
    }
}

/// When a provider is called again.
#[derive(Clone, Debug)]
pub struct Retries {
    /// Most calls of one place for one request.
    pub attempts: u32,
    /// The pause before a place is called again is drawn from nothing to this, doubled with every round.
    pub base: Duration,
    /// Most that it grows to.
    pub max: Duration,
    /// Time after which no further call begins.
    pub deadline: Duration,
    /// Further calls for a hundred requests, over all of them.
    pub budget_percent: u32,
}

impl Default for Retries {
    fn default() -> Self {
        let (base, max) = (Duration::from_millis(200), Duration::from_secs(5));
        Self { attempts: 1, base, max, deadline: Duration::from_mins(1), budget_percent: 20 }
    }
}

/// When a model at a provider, or a provider, is left alone for a while.
#[derive(Clone, Debug)]
pub struct Breaking {
    /// How many of its last calls count, at most 64.
    pub window: u32,
    /// How many of those must have failed; 0: never.
    pub failures: u32,
    /// For how long.
    pub pause: Duration,
}

impl Default for Breaking {
    fn default() -> Self {
        Self { window: 20, failures: 10, pause: Duration::from_secs(10) }
    }
}

/// Bounds on everything that comes from outside.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one body, as sent and inflated.
    pub body_bytes: usize,
    /// Bytes of bodies in flight over all requests.
    pub inflight_bytes: usize,
    /// Bytes of one stream event.
    pub event_bytes: usize,
    /// Bytes of stream events that wait for a text to be decided.
    pub held_bytes: usize,
    /// Growing texts of one stream.
    pub channels: usize,
    /// Bytes of request headers.
    pub header_bytes: usize,
    /// Number of request headers.
    pub headers: usize,
    /// JSON depth and number of values.
    pub json: JsonLimits,
    /// Time that inspecting one body may take.
    pub inspect: Duration,
    /// Bytes of the findings cache.
    pub cache_bytes: u64,
    /// Connections at a time.
    pub connections: usize,
    /// Tokens that are reserved for an answer of which the request does not say how long it may be.
    pub answer_tokens: u64,
}

/// Request headers, unless it is configured otherwise: as many as hyper finds room for without asking for memory.
pub(crate) const HEADERS: usize = 100;

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 64 << 20,
            inflight_bytes: 256 << 20,
            event_bytes: 4 << 20,
            held_bytes: 8 << 20,
            channels: 1_024,
            header_bytes: 64 << 10,
            headers: HEADERS,
            json: JsonLimits::default(),
            inspect: Duration::from_secs(20),
            cache_bytes: 16 << 20,
            connections: 10_000,
            answer_tokens: 1_024,
        }
    }
}

/// How long each step may take.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// A client's request headers, and the pause between two pieces of its body.
    pub client: Duration,
    /// Connecting to a provider.
    pub connect: Duration,
    /// A provider's first byte.
    pub first_byte: Duration,
    /// The pause between two pieces of a provider's answer.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            client: Duration::from_secs(30),
            connect: Duration::from_secs(10),
            first_byte: Duration::from_mins(10),
            idle: Duration::from_mins(5),
        }
    }
}

/// All that can be configured of the gate. Immutable; a reload replaces the whole.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who may call.
    pub auth: Auth,
    /// Host names under which the gate may be addressed; `*` is any. Loopback names are always accepted.
    pub hosts: Vec<String>,
    /// Providers.
    pub providers: Vec<Provider>,
    /// Models, first match counts.
    pub models: Vec<Model>,
    /// Bounds.
    pub limits: Limits,
    /// Times.
    pub timeouts: Timeouts,
    /// Rate limits and budgets.
    pub quotas: Vec<Quota>,
    /// What models cost.
    pub prices: Vec<Price>,
    /// When a provider is called again.
    pub retries: Retries,
    /// When a provider is left alone for a while.
    pub breaking: Breaking,
    /// File of additional root certificates for providers (PEM).
    pub extra_roots: Option<PathBuf>,
    /// Secrets of the gate's own that do not look like one, such as an administrator's token of somebody's choice: never forwarded.
    pub own_secrets: Vec<Hidden<String>>,
    /// The key of sealed values and of invented ones; policies cannot ask for either without it.
    pub seal_key: Option<SealKey>,
    /// A guard's failure lets pass instead of refusing: an explicit, logged choice.
    pub fail_open: bool,
}

impl Settings {
    /// The model entry that a name leads to.
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.get(self.entry(name)?)
    }

    /// Its index.
    pub fn entry(&self, name: &str) -> Option<usize> {
        self.models.iter().position(|model| model.name.as_str() == name || model.name.as_str() == "*")
    }

    /// The provider of a model entry; of several places that of the first.
    pub fn provider(&self, model: &Model) -> Option<&Provider> {
        self.providers.get(model.ways.first()?.provider)
    }

    /// A provider by its name.
    pub fn named(&self, name: &ProviderName) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.name == *name)
    }

    /// How long a provider may pause within its answer.
    pub fn idle(&self, provider: Option<&ProviderName>) -> Duration {
        provider.and_then(|name| self.named(name)?.waits.idle).unwrap_or(self.timeouts.idle)
    }
}

/// The wall clock, as a seam.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> bartizan_vocabulary::Timestamp;

    /// Time since some moment. It never goes back and never jumps, whatever is done to the other one.
    fn steady(&self) -> Duration;
}

/// A clock that can be shared.
pub type SharedClock = Arc<dyn Clock>;
