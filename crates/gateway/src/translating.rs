//! Where requests and answers are translated, when the provider speaks another format than the client's route: the request last, behind
//! the guards, and the answer first, before them. What the guards see is the client's format in both directions.

use std::collections::BTreeSet;
use std::sync::Arc;

use bartizan_vocabulary::Decision;
use bartizan_wire::json::Tape;
use bartizan_wire::refusal::Reason;
use bartizan_wire::translate::{Answered, Garbage, Request, Saying, StreamTranslator, TranslateError, Translation};
use bartizan_wire::{Dialect, Family, Framing};
use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http_body_util::Full;
use percent_encoding::percent_decode_str;

use crate::Gate;
use crate::blocking::{LARGE, blocking};
use crate::body::ReadError;
use crate::budget::Reservation;
use crate::exchange::{Exchange, Moment, Phase};
use crate::guard::Guarded;
use crate::headers::to_provider;
use crate::inspect::InspectError;
use crate::neighbours::{Failed, Found, inspect_new};
use crate::refuse::Refusal;
use crate::settings::{Limits, Provider};
use crate::upstream::{self, Aim, UpstreamError};

/// How an exchange is translated.
#[derive(Debug)]
pub struct Translated {
    translation: Translation,
    saying: Saying,
    left_out: BTreeSet<&'static str>,
}

/// What a provider is sent.
pub struct Outgoing<'a> {
    /// Where.
    pub aim: Aim<'a>,
    /// Headers that pass; taken by the first call, and made again for a further one.
    pub headers: Option<HeaderMap>,
    /// Whether its provider is the one with which the client has its account.
    pub is_first: bool,
    /// The format into which it was translated.
    pub translated: Option<Family>,
    /// The client's own key.
    pub key: Option<&'a str>,
    /// The body.
    pub body: Bytes,
}

/// Headers that mean the same to every provider.
const COMMON: &[&str] = &["traceparent", "tracestate"];

/// The version of Anthropic's format that is written.
const VERSION: &str = "2023-06-01";

impl Translated {
    /// A translator for the stream of this exchange.
    pub fn stream(&self, limits: &Limits) -> StreamTranslator {
        self.translation.stream(&limits.json, limits.event_bytes, self.saying)
    }

    /// How the client's stream is framed.
    pub fn framing(&self) -> Framing {
        self.translation.framing()
    }

    /// Tells the client that its request was translated, and which hints were left out.
    pub fn mark(&self, headers: &mut HeaderMap) {
        let mut value = self.translation.provider().word().to_ascii_lowercase();
        if !self.left_out.is_empty() {
            value.push_str("; left-out=");
            value.push_str(&self.left_out.iter().copied().collect::<Vec<_>>().join(","));
        }
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static("bartizan-translated"), value);
        }
    }

    /// The content type of a stream.
    pub fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static(if self.framing() == Framing::JsonArray { "application/json" } else { "text/event-stream" })
    }
}

impl Outgoing<'_> {
    /// As a request for the provider. `client`: the headers of the client.
    ///
    /// # Errors
    /// When the address or the credential cannot be put into a request.
    pub fn call(&mut self, provider: &Provider, client: &HeaderMap) -> Result<http::Request<Full<Bytes>>, UpstreamError> {
        let again = || {
            let headers = to_provider(client, self.is_first);
            if let Some(family) = self.translated { headers_for(family, &headers) } else { headers }
        };
        let headers = self.headers.take().unwrap_or_else(again);
        upstream::request(provider, &self.aim, headers, self.key, self.body.clone())
    }
}

/// Why a request is not translated.
enum Problem {
    Request(TranslateError),
    Fields,
    Neighbours(Found),
    Limits,
    Inspect(InspectError),
    Busy,
}

impl Problem {
    /// What was judged before stays in the record.
    fn refusal(self, exchange: &Arc<Exchange>, translation: Translation, phase: &mut Phase) -> Box<Refusal> {
        let (reason, message) = match &self {
            Self::Request(error) => (Reason::BadRequest, error.to_string()),
            Self::Fields => (Reason::BadRequest, "`fields` in the query is Google's only; this model's requests are translated".to_owned()),
            Self::Neighbours(found) => {
                phase.findings.extend(&found.findings);
                let (label, format) = (&found.label, translation.provider().word());
                let message = format!("`{label}` was found across texts that stand side by side once translated into {format}'s format");
                (Reason::PolicyBlocked, message)
            }
            Self::Limits => (Reason::BadRequest, "the request is too large or too deep to be translated".to_owned()),
            Self::Inspect(error) => return Gate::guard_failed(exchange, &error.to_string(), Moment::Request),
            Self::Busy => (Reason::Busy, ReadError::Busy.to_string()),
        };
        let judged = Phase { decision: Some(Decision::Blocked), ..std::mem::take(phase) };
        Box::new(Refusal::of(exchange, reason, message).with(Moment::Request, judged))
    }
}

/// Translates what was judged and edited, and inspects what only the translation put side by side.
fn translated(
    exchange: &Exchange,
    translation: Translation,
    (judged, model): (&Bytes, &str),
    spans: &mut Reservation,
) -> Result<Request, Problem> {
    let limits = &exchange.live.settings.limits.json;
    // It was read once already, so it can be read.
    let tape = Tape::read(judged, limits).unwrap_or_default();
    if !spans.grow(tape.memory() + judged.len()) {
        return Err(Problem::Busy);
    }
    let request = translation.request(&tape, judged, limits, (model, exchange.stream)).map_err(Problem::Request)?;
    match inspect_new(exchange, (&tape, judged), &request.body, spans) {
        Ok(Some(found)) => Err(Problem::Neighbours(found)),
        Err(Failed::Limits) => Err(Problem::Limits),
        Err(Failed::Busy) => Err(Problem::Busy),
        // Also where the scope fails open: no policy was asked whether texts may pass that were not inspected.
        Err(Failed::Inspect(error)) => Err(Problem::Inspect(error)),
        Ok(None) => Ok(request),
    }
}

impl Gate {
    /// Translates what goes to a provider of another format; anything else stays as it is.
    pub(crate) async fn outgoing<'a>(
        &self,
        exchange: &Arc<Exchange>,
        provider: &Provider,
        (aim, (headers, is_first), key): (Aim<'a>, (HeaderMap, bool), Option<&'a str>),
        guarded: &mut Guarded,
    ) -> Result<Outgoing<'a>, Box<Refusal>> {
        match provider.kind.translation(aim.route) {
            None => Ok(Outgoing { aim, headers: Some(headers), is_first, translated: None, key, body: guarded.bytes.clone() }),
            // Boxed: every other request would carry the room for it along.
            Some(translation) => Box::pin(self.translated_outgoing(exchange, translation, (aim, headers), guarded)).await,
        }
    }

    async fn translated_outgoing<'a>(
        &self,
        exchange: &Arc<Exchange>,
        translation: Translation,
        (aim, headers): (Aim<'a>, HeaderMap),
        guarded: &mut Guarded,
    ) -> Result<Outgoing<'a>, Box<Refusal>> {
        let (body, phase) = (guarded.bytes.clone(), &mut guarded.phase);
        let asks = asked_in_query(aim.query.unwrap_or_default());
        if asks.fields {
            return Err(Problem::Fields.refusal(exchange, translation, phase));
        }
        let array = exchange.streams_array && !asks.events;
        let translation = translation.framed(if array { Framing::JsonArray } else { Framing::Sse });
        let (stream, model) = (exchange.stream, aim.model.to_owned());
        let (mut spans, mut copy) = (self.budget.open(), self.budget.open());
        let shared = Arc::clone(exchange);
        let run = move || {
            let translated = translated(&shared, translation, (&body, &model), &mut spans)?;
            let Request { body, left_out, usage } = translated;
            if copy.grow(body.len()) { Ok((left_out, usage, copy.seal(body))) } else { Err(Problem::Busy) }
        };
        let large = exchange.bytes_in > LARGE as u64;
        let result =
            blocking(large, run).await.ok_or_else(|| Self::guard_failed(exchange, "translating the request failed", Moment::Request))?;
        let (left_out, usage, body) = result.map_err(|problem| problem.refusal(exchange, translation, phase))?;
        let created = u64::try_from(self.now().as_micros() / 1_000_000).unwrap_or(0);
        let _it_is_set_once = exchange.translated.set(Translated { translation, saying: Saying { created, usage }, left_out });
        let query = (stream && translation.provider() == Family::Gemini).then_some("alt=sse");
        let aim = Aim { route: translation.route(stream), dialect: Dialect::Own, query, ..aim };
        // The client's key is one for another provider, if it is any.
        let family = translation.provider();
        Ok(Outgoing { aim, headers: Some(headers_for(family, &headers)), is_first: false, translated: Some(family), key: None, body })
    }

    /// Translates a whole answer, or an error. A provider may send one with the status of an answer: then its status is given back too.
    pub(crate) async fn incoming(
        &self,
        exchange: &Arc<Exchange>,
        status: StatusCode,
        bytes: Bytes,
        held: &mut Reservation,
    ) -> Result<(StatusCode, Bytes), Box<Refusal>> {
        if exchange.translated.get().is_none() {
            return Ok((status, bytes));
        }
        Box::pin(self.translated_incoming(exchange, status, bytes, held)).await
    }

    async fn translated_incoming(
        &self,
        exchange: &Arc<Exchange>,
        status: StatusCode,
        bytes: Bytes,
        held: &mut Reservation,
    ) -> Result<(StatusCode, Bytes), Box<Refusal>> {
        let (shared, failed, large) = (Arc::clone(exchange), !status.is_success(), bytes.len() > LARGE);
        let mut spans = self.budget.open();
        let plain = |body| Some(Answered { body, failed: None });
        let run = move || -> Result<Option<Answered>, Garbage> {
            let Some(translated) = shared.translated.get() else { return Ok(None) };
            let limits = &shared.live.settings.limits.json;
            let tape = match Tape::read(&bytes, limits) {
                // What stands for an error that cannot be read is written by others.
                Err(_) if failed => return Ok(plain(Vec::new())),
                other => other.map_err(|_| Garbage::NotJson)?,
            };
            if !spans.grow(tape.memory() + bytes.len()) {
                return Ok(None);
            }
            if failed {
                return Ok(plain(translated.translation.error(&tape, &bytes, limits, status.as_u16()).unwrap_or_default()));
            }
            translated.translation.answer(&tape, &bytes, limits, translated.saying).map(Some)
        };
        let stopped = || self.garbage(exchange, "translating the provider's answer failed");
        match blocking(large, run).await.ok_or_else(stopped)? {
            Ok(Some(Answered { body, failed })) if held.grow(body.len()) => {
                let told = failed.map(|told| StatusCode::from_u16(told).unwrap_or(StatusCode::BAD_GATEWAY));
                if told.is_some() {
                    self.metrics().upstream_errors_total.add(1);
                }
                Ok((told.unwrap_or(status), Bytes::from(body)))
            }
            Ok(_) => Err(self.upstream_refusal(exchange, Reason::Busy, ReadError::Busy.to_string())),
            Err(error) => Err(self.garbage(exchange, &format!("the provider's answer cannot be translated: {error}"))),
        }
    }
}

/// What a query of Google's asks for.
struct Asks {
    /// An answer of these fields only.
    fields: bool,
    /// A stream of events.
    events: bool,
}

/// Reads a query as Google does: percent-encoded, with or without `$`.
fn asked_in_query(query: &str) -> Asks {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut asks = Asks { fields: false, events: false };
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name);
        match name.strip_prefix('$').unwrap_or(&name) {
            "fields" => asks.fields = true,
            "alt" => asks.events |= decoded(value) == "sse",
            _ => {}
        }
    }
    asks
}

/// The headers of a request in another format than the client's: nothing that belongs to the client's.
fn headers_for(provider: Family, client: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    for (name, value) in client.iter().filter(|(name, _)| COMMON.contains(&name.as_str())) {
        headers.append(name.clone(), value.clone());
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if provider == Family::Anthropic {
        headers.insert(HeaderName::from_static("anthropic-version"), HeaderValue::from_static(VERSION));
    }
    headers
}
