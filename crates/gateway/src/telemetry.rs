//! What an exchange was, for whoever exports it: told once, when it is over, without any word of how it is exported.
//!
//! Nothing in it comes from a caller's or a provider's bytes, unless it stands in a closed list: ids that the gate made, names of the
//! configuration, labels and rules, numbers. The one exception is the id of the caller's trace, which is 16 bytes and says nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bartizan_vocabulary::{
    Decision, EndState, EventId, Label, ModelName, PolicyId, PolicyVersion, ProviderName, Remedy, RequestId, RuleId, Timestamp,
};
use bartizan_wire::{Family, Route, Usage};
use http::{Method, Version};

use crate::settings::{Provider, ProviderKind};

/// Gets every exchange that is over. Called where requests are answered: must not block, and must not take long.
pub type Tell = Arc<dyn Fn(Box<Observed>) + Send + Sync>;

/// Whether and to whom exchanges are told.
#[derive(Clone)]
pub struct Telemetry {
    tell: Tell,
    /// Traces with a random number from this on are recorded.
    from: f64,
}

/// One exchange.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The trace.
    pub trace: [u8; 16],
    /// The exchange in it.
    pub span: [u8; 8],
    /// What of the trace called, when the caller said so.
    pub parent: Option<[u8; 8]>,
    /// Whether its spans are wanted. Counted is every exchange.
    pub sampled: bool,
    /// When it began.
    pub began: Timestamp,
    /// How long it lasted.
    pub lasted: Duration,
    /// The gate's id of it.
    pub request_id: RequestId,
    /// The method, when it is one of HTTP's own.
    pub method: Option<&'static str>,
    /// Method and path of the route, when it is one of ours.
    pub route: Option<&'static str>,
    /// HTTP's version, towards the client.
    pub version: Option<&'static str>,
    /// Status for the client.
    pub status: Option<u16>,
    /// Whether an answer in pieces was asked for.
    pub stream: bool,
    /// What was decided in all.
    pub decision: Option<Decision>,
    /// The code of the refusal.
    pub reason: Option<&'static str>,
    /// How it ended.
    pub end: Option<EndState>,
    /// The model, if it is configured.
    pub model: Option<ModelName>,
    /// The policies that were in force.
    pub policy_version: Option<PolicyVersion>,
    /// The events about it, at most 64.
    pub events: Vec<EventId>,
    /// What was judged of the request, at the last place.
    pub request: Judged,
    /// What was judged of the answer.
    pub answer: Judged,
    /// Calls of providers, in their order.
    pub calls: Vec<Called>,
}

/// Events of one exchange that are named.
pub const EVENTS: usize = 64;

/// What was judged of one direction.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// Findings by label, of those that an event keeps.
    pub findings: BTreeMap<Label, u64>,
    /// How many more there were.
    pub left_out: u64,
    /// Which rules found them.
    pub rules: BTreeSet<RuleId>,
    /// Which policies decided or recorded.
    pub policies: BTreeSet<PolicyId>,
    /// What was carried out.
    pub remedies: BTreeSet<Remedy>,
}

/// One call of a provider.
#[derive(Clone, Debug)]
pub struct Called {
    /// The call in the trace.
    pub span: [u8; 8],
    /// When it was sent, since the exchange began.
    pub began: Duration,
    /// How long it took: to the end of the answer, or to its failure.
    pub lasted: Duration,
    /// Method and path of the route.
    pub route: &'static str,
    /// What is asked for, if it is something of a model.
    pub operation: Option<Operation>,
    /// Whose format is spoken.
    pub vendor: Vendor,
    /// The provider's name in the configuration.
    pub provider: ProviderName,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What the provider calls the model, if that stands in the configuration.
    pub model: Option<String>,
    /// The model that answered, if it is one of the configuration or a dated version of one.
    pub answered_by: Option<String>,
    /// Whether an answer in pieces was asked for.
    pub stream: bool,
    /// The status that was answered.
    pub status: Option<u16>,
    /// How it failed.
    pub failure: Option<Failure>,
    /// When the first piece of a streamed answer came, since it was sent.
    pub first_chunk: Option<Duration>,
    /// What the provider said it has used.
    pub usage: Usage,
    /// Why the answer ended, in words of a closed list.
    pub finish: Vec<&'static str>,
}

/// What is asked of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A conversation goes on.
    Chat,
    /// The same in Gemini's words.
    GenerateContent,
    /// A text is completed.
    TextCompletion,
    /// Vectors for texts.
    Embeddings,
}

/// Whose format a call is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// OpenAI's.
    OpenAi,
    /// OpenAI's as Azure serves it.
    Azure,
    /// Anthropic's.
    Anthropic,
    /// Gemini's.
    Gemini,
}

/// How a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// With this status.
    Status(u16),
    /// As a word of the gate's says.
    Word(&'static str),
}

impl Telemetry {
    /// Tells of every exchange; the spans of this share of new traces are wanted, from 0 to 1. A caller that says whether it records its
    /// trace decides for its own.
    pub fn new(ratio: f64, tell: Tell) -> Self {
        Self { tell, from: (1.0 - ratio) * (f64::from(u32::MAX) + 1.0) }
    }

    pub(crate) fn tell(&self, observed: Box<Observed>) {
        (self.tell)(observed);
    }

    /// Whether a new trace is recorded: by its last seven bytes, as all do that sample by one random number for a trace.
    pub(crate) fn samples(&self, trace: &[u8; 16]) -> bool {
        let random = trace.get(9..13).and_then(|four| four.first_chunk()).map_or(0, |four| u32::from_be_bytes(*four));
        f64::from(random) >= self.from
    }
}

impl Operation {
    /// What a route asks for.
    pub fn of(route: Route) -> Option<Self> {
        match route {
            Route::ChatCompletions | Route::Responses | Route::Messages => Some(Self::Chat),
            Route::GenerateContent | Route::StreamGenerateContent => Some(Self::GenerateContent),
            Route::Completions => Some(Self::TextCompletion),
            Route::Embeddings | Route::EmbedContent | Route::BatchEmbedContents => Some(Self::Embeddings),
            _ => None,
        }
    }
}

impl Vendor {
    /// Whose format a provider is called in.
    pub fn of(provider: &Provider, route: Route) -> Self {
        match (provider.kind, route.family()) {
            (ProviderKind::Azure, _) => Self::Azure,
            (ProviderKind::OpenAi, _) | (ProviderKind::Both, Family::OpenAi) => Self::OpenAi,
            (ProviderKind::Anthropic, _) | (ProviderKind::Both, Family::Anthropic) => Self::Anthropic,
            (ProviderKind::Gemini, _) | (ProviderKind::Both, Family::Gemini) => Self::Gemini,
        }
    }
}

/// A method as HTTP knows it.
pub(crate) fn known(method: &Method) -> Option<&'static str> {
    const KNOWN: [&str; 9] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str())
}

/// HTTP's version in a word.
pub(crate) fn version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        _ => None,
    }
}
