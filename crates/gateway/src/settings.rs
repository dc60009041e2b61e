//! What the gate needs to be told. The binary makes this from flags, environment and file; nothing here reads any of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bartizan_vocabulary::{Hidden, ModelName, ProviderName};
use bartizan_wire::json::JsonLimits;
use bartizan_wire::translate::Translation;
use bartizan_wire::{Family, Route};
use http::Uri;

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
}

/// A model as clients name it.
#[derive(Clone, Debug)]
pub struct Model {
    /// Name, or `*` for any.
    pub name: ModelName,
    /// Index into [`Settings::providers`].
    pub provider: usize,
    /// What the provider calls it, when that differs.
    pub upstream_name: Option<String>,
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
    /// File of additional root certificates for providers (PEM).
    pub extra_roots: Option<PathBuf>,
    /// Secrets of the gate's own that do not look like one, such as an administrator's token of somebody's choice: never forwarded.
    pub own_secrets: Vec<Hidden<String>>,
    /// A guard's failure lets pass instead of refusing: an explicit, logged choice.
    pub fail_open: bool,
}

impl Settings {
    /// The model entry that a name leads to.
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name.as_str() == name || model.name.as_str() == "*")
    }

    /// The provider of a model entry.
    pub fn provider(&self, model: &Model) -> Option<&Provider> {
        self.providers.get(model.provider)
    }
}

/// The wall clock, as a seam.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> bartizan_vocabulary::Timestamp;
}

/// A clock that can be shared.
pub type SharedClock = Arc<dyn Clock>;
