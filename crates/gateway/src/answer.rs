//! The provider's answer: whole or streamed, guarded on its way to the client.

use std::sync::Arc;
use std::time::Instant;

use bartizan_ledger::JournalError;
use bartizan_policy::Action;
use bartizan_vocabulary::{Decision, EndState, GuardStatus};
use bartizan_wire::Framing;
use bartizan_wire::refusal::{Reason, Shape};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode, Version, response};
use hyper::body::Incoming;

use crate::Gate;
use crate::blocking::{LARGE, blocking};
use crate::body::{FRAME, GateBody, ReadError, read_whole};
use crate::budget::Reservation;
use crate::decode::{DecodeError, Decoder, Encoding, STOPPED, inflate};
use crate::exchange::{BodySeal, Exchange, Moment, Phase};
use crate::guard::{Guarded, RequestError, guard_answer, is_clean, parse_answer, unguarded};
use crate::handle::Head;
use crate::headers::{is_event_stream, is_json, to_client};
use crate::judging::Judging;
use crate::refuse::{Refusal, mark};
use crate::session::Session;
use crate::stream::{StreamBody, StreamGuard};

/// Makes the last entry of a whole answer: complete when the connection took it, else nobody was there to take it.
struct Last {
    exchange: Arc<Exchange>,
    phase: Phase,
    status: u16,
    seal: Option<BodySeal>,
}

impl Last {
    fn end(&mut self, end: EndState) {
        if let Some(seal) = self.seal.take() {
            let _the_decision_is_recorded_already = self.exchange.record(Moment::End(end), &self.phase, self.status, Some(seal));
        }
    }
}

impl Drop for Last {
    fn drop(&mut self) {
        if self.seal.is_some() {
            let end = self.exchange.gate.left();
            self.end(end);
        }
    }
}

impl Gate {
    /// Passes an answer on.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        head: &Head,
        exchange: &Arc<Exchange>,
        answer: Response<Incoming>,
        session: Box<Session>,
        request: Phase,
        (mut held, sent): (Reservation, Instant),
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let (parts, body) = answer.into_parts();
        let encoding = self.usable(exchange, &parts)?;
        if let Some(framing) = framing(exchange, parts.status, &parts.headers) {
            let body = (body, encoding, framing);
            return self.streamed(head, exchange, (parts.status, &parts.headers), body, session, &request, held).await;
        }
        let bytes = self.whole(exchange, body, encoding, &mut held).await?;
        self.told(head, exchange, (parts, bytes), session, request, (held, sent)).await
    }

    /// Whether an answer can be used at all; gives its encoding.
    pub(crate) fn usable(&self, exchange: &Arc<Exchange>, parts: &response::Parts) -> Result<Encoding, Box<Refusal>> {
        if parts.status.is_redirection() || parts.status.is_informational() {
            return Err(self.garbage(exchange, "the provider answered with a redirect, which is not followed"));
        }
        let encoding = Encoding::named(parts.headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes));
        encoding.ok_or_else(|| self.garbage(exchange, "the provider used an encoding that is not read here"))
    }

    /// Passes a whole answer on.
    pub(crate) async fn told(
        self: &Arc<Self>,
        head: &Head,
        exchange: &Arc<Exchange>,
        (mut parts, bytes): (response::Parts, Bytes),
        session: Box<Session>,
        request: Phase,
        (mut held, sent): (Reservation, Instant),
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let (status, bytes) = self.incoming(exchange, parts.status, bytes, &mut held).await?;
        let end = if status == parts.status { EndState::Complete } else { EndState::UpstreamError };
        parts.status = status;
        let waited = u64::try_from(sent.elapsed().as_micros()).unwrap_or(0);
        let (guarded, held) = self.guarded_answer(exchange, bytes, session, (parts.status, head.shape), held).await?;
        let decision = combined(request.decision, guarded.phase.decision);
        let mut phase = guarded.phase;
        phase.gate_micros = u64::try_from(exchange.started.elapsed().as_micros()).unwrap_or(0).saturating_sub(waited);
        self.metrics().gate_latency.observe(phase.gate_micros);
        let coach = coached(&request, &phase);
        let handed = self.handed_over(head, exchange, (parts.status, end), guarded.bytes, phase, held).await;
        let mut response = Response::new(handed.map_err(|error| Self::ledger_failed(exchange, error, Moment::End(EndState::Blocked)))?);
        self.metrics().decided(decision);
        *response.status_mut() = parts.status;
        *response.headers_mut() = to_client(&parts.headers, &|text| is_clean(exchange, text, None));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(translated) = exchange.translated.get() {
            translated.mark(response.headers_mut());
        }
        mark(response.headers_mut(), &exchange.request_id, decision, &coach);
        exchange.show_limits(response.headers_mut(), head.shape);
        Ok(response)
    }

    /// Records that a whole answer leaves, and makes the body in which it does.
    pub(crate) async fn handed_over(
        &self,
        head: &Head,
        exchange: &Arc<Exchange>,
        (status, end): (StatusCode, EndState),
        bytes: Bytes,
        phase: Phase,
        held: Reservation,
    ) -> Result<GateBody, JournalError> {
        let http2 = head.parts.version == Version::HTTP_2;
        let mut seal = BodySeal::new(self.random().bytes());
        seal.update(&bytes);
        if !http2 && bytes.len() <= FRAME && !self.journal().waits() {
            exchange.record_handed_over(end, &phase, status.as_u16(), seal)?;
            return Ok(GateBody::counted(bytes, held));
        }
        exchange.record(Moment::Response, &phase, status.as_u16(), None).wait().await?;
        let mut last = Last { exchange: Arc::clone(exchange), phase, status: status.as_u16(), seal: Some(seal) };
        Ok(GateBody::told(bytes, held, http2, Box::new(move || last.end(end))))
    }

    /// An answer in one piece, unpacked. Whoever watches is told when it was read, or where it broke off.
    pub(crate) async fn whole(
        &self,
        exchange: &Arc<Exchange>,
        body: Incoming,
        encoding: Encoding,
        held: &mut Reservation,
    ) -> Result<Bytes, Box<Refusal>> {
        let read = self.read_inflated(exchange, body, encoding, held).await;
        if let Some(watch) = &exchange.watch {
            watch.read();
        }
        read
    }

    async fn read_inflated(
        &self,
        exchange: &Arc<Exchange>,
        body: Incoming,
        encoding: Encoding,
        held: &mut Reservation,
    ) -> Result<Bytes, Box<Refusal>> {
        let settings = &exchange.live.settings;
        let limit = settings.limits.body_bytes;
        let bytes = read_whole(body, limit, settings.idle(exchange.provider.as_ref()), None, held).await.map_err(|error| match error {
            ReadError::Busy => self.upstream_refusal(exchange, Reason::Busy, error.to_string()),
            ReadError::Slow(_) => self.upstream_refusal(exchange, Reason::UpstreamSlow, error.to_string()),
            ReadError::TooLarge(_) => self.garbage(exchange, "the provider's answer is larger than a body may be"),
            ReadError::Broken(_) => self.garbage(exchange, "the provider broke off its answer"),
        })?;
        if encoding == Encoding::Identity {
            return Ok(bytes);
        }
        let inflated = inflate(encoding, bytes, limit, held).await.ok_or_else(|| self.garbage(exchange, STOPPED))?;
        inflated.map_err(|error| match error {
            DecodeError::Busy => self.upstream_refusal(exchange, Reason::Busy, error.to_string()),
            _ => self.garbage(exchange, &error.to_string()),
        })
    }

    async fn guarded_answer(
        &self,
        exchange: &Arc<Exchange>,
        bytes: Bytes,
        session: Box<Session>,
        (status, shape): (StatusCode, Shape),
        mut held: Reservation,
    ) -> Result<(Box<Guarded>, Reservation), Box<Refusal>> {
        let shared = Arc::clone(exchange);
        let large = bytes.len() > LARGE;
        let failed = status.is_client_error() || status.is_server_error();
        let run = move || {
            let parsed = match parse_answer(&shared.live, bytes, &mut held) {
                Err(RequestError::Json(_)) if failed => parse_answer(&shared.live, stand_in(&shared, status, shape), &mut held),
                other => other,
            };
            let parsed = parsed.map_err(Err)?;
            if failed {
                shared.charges().for_each(|charge| charge.release());
            } else if shared.charges().next().is_some() {
                shared.settle(parsed.seen(), true);
            }
            if let Some(watch) = shared.watch.as_ref().filter(|_| !failed) {
                watch.said(&shared.live.settings, &parsed.said(), parsed.usage());
            }
            let guarded = match guard_answer(&shared, &parsed, &session, &[]) {
                Err(error) if error.may_fail_open(&shared) => unguarded(&shared, &parsed, parsed.bytes.len(), Action::Complete, &error),
                other => other.map_err(Ok)?,
            };
            if !failed && guarded.refusal.is_none() {
                shared.answered(&session, &parsed);
            }
            let edited = if guarded.edited { guarded.bytes.len() } else { 0 };
            if held.grow(edited) { Ok((guarded, held)) } else { Err(Err(RequestError::Busy(ReadError::Busy))) }
        };
        let result = blocking(large, run).await;
        let stopped = || Self::guard_failed(exchange, "the guard was stopped", Moment::End(EndState::Blocked));
        let result = result.ok_or_else(stopped)?;
        let (guarded, held) = match result {
            Ok(guarded) => guarded,
            Err(Err(RequestError::Busy(error))) => return Err(self.upstream_refusal(exchange, Reason::Busy, error.to_string())),
            Err(Err(error)) => {
                tracing::warn!(%error, status = status.as_u16(), "the provider's answer is not JSON");
                return Err(self.garbage(exchange, &format!("the provider answered {} with something that is not JSON", status.as_u16())));
            }
            Err(Ok(error)) => return Err(Self::guard_failed(exchange, &error.to_string(), Moment::End(EndState::Blocked))),
        };
        match guarded.refusal {
            None => Ok((guarded, held)),
            Some(message) => {
                let failed = guarded.phase.decision == Some(Decision::Failed);
                let reason = if failed { Reason::GuardUnavailable } else { Reason::PolicyBlocked };
                Err(Box::new(Refusal::of(exchange, reason, message).with(Moment::End(EndState::Blocked), guarded.phase)))
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a stream outlives the call and takes everything along")]
    async fn streamed(
        self: &Arc<Self>,
        head: &Head,
        exchange: &Arc<Exchange>,
        (status, headers): (StatusCode, &HeaderMap),
        (body, encoding, framing): (Incoming, Encoding, Framing),
        mut session: Box<Session>,
        request: &Phase,
        held: Reservation,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let limits = &exchange.live.settings.limits;
        let decoder = Decoder::new(encoding, limits.held_bytes).map_err(|error| self.garbage(exchange, &error.to_string()))?;
        let mut judging = Judging::new(Arc::clone(&exchange.live), exchange.facts(Action::Complete, GuardStatus::Ran), session.of_answer());
        judging.exchange = Some(Arc::clone(exchange));
        judging.open();
        let mut phase = Phase {
            policies: judging.policies.clone(),
            facts: Some(Box::new(judging.facts.clone())),
            ..Phase::decided(judging.decision())
        };
        phase.ran("detect", 0);
        phase.ran("policy", 0);
        if let Some((decision, message)) = judging.stop.take() {
            let reason = if decision == Decision::Failed { Reason::GuardUnavailable } else { Reason::PolicyBlocked };
            return Err(Box::new(Refusal::of(exchange, reason, message).with(Moment::End(EndState::Blocked), phase)));
        }
        let recorded = exchange.record(Moment::Response, &phase, status.as_u16(), None).wait().await;
        recorded.map_err(|error| Self::ledger_failed(exchange, error, Moment::End(EndState::Blocked)))?;
        // Counted at its end: until then the decision can change.
        let decision = combined(request.decision, phase.decision);
        let coach = coached(request, &phase);
        // The request is on its way: the session holds what it keeps of it, and the stream what it needs itself.
        session.hold(held);
        let held = self.budget.open();
        let guard = StreamGuard::new(Arc::clone(&exchange.live), Arc::from(session), judging, framing);
        let stream =
            StreamBody::new(Arc::clone(exchange), (body, decoder), guard, phase, head.shape, (status.as_u16(), request.decision), held);
        let mut response = Response::new(GateBody::Stream(Box::new(stream)));
        *response.status_mut() = status;
        *response.headers_mut() = to_client(headers, &|text| is_clean(exchange, text, None));
        if let Some(translated) = exchange.translated.get() {
            response.headers_mut().insert(header::CONTENT_TYPE, translated.content_type());
            translated.mark(response.headers_mut());
        }
        mark(response.headers_mut(), &exchange.request_id, decision, &coach);
        exchange.show_limits(response.headers_mut(), head.shape);
        Ok(response)
    }

    /// The provider's answer cannot be used.
    pub(crate) fn garbage(&self, exchange: &Arc<Exchange>, message: &str) -> Box<Refusal> {
        self.upstream_refusal(exchange, Reason::UpstreamFailed, message.to_owned())
    }

    pub(crate) fn upstream_refusal(&self, exchange: &Arc<Exchange>, reason: Reason, message: String) -> Box<Refusal> {
        self.metrics().upstream_errors_total.add(1);
        let phase = Phase::decided(Decision::Permit);
        Box::new(Refusal::of(exchange, reason, message).with(Moment::End(EndState::UpstreamError), phase))
    }
}

/// How an answer streams, if it does: a stream of Gemini's is an array of JSON unless events were asked for.
fn framing(exchange: &Exchange, status: StatusCode, headers: &HeaderMap) -> Option<Framing> {
    let streams = is_event_stream(headers);
    if let Some(translated) = exchange.translated.get() {
        return streams.then(|| translated.framing());
    }
    if streams {
        return Some(Framing::Sse);
    }
    let array = exchange.streams_array && status.is_success() && is_json(headers) == Some(true);
    array.then_some(Framing::JsonArray)
}

/// Stands for an error of the provider that is not JSON (a proxy's page, an empty body): status and headers tell the client what
/// to do, so they are kept, and what cannot be read is not.
fn stand_in(exchange: &Exchange, status: StatusCode, shape: Shape) -> Bytes {
    let reason = if status == StatusCode::TOO_MANY_REQUESTS { Reason::RateLimited } else { Reason::UpstreamFailed };
    let message = format!("the provider answered {} without a body that can be read", status.as_u16());
    Bytes::from(bartizan_wire::refusal::body(shape, reason, &message, exchange.request_id.as_str()))
}

/// The decision that the client is told: the stronger of both directions.
pub(crate) fn combined(request: Option<Decision>, answer: Option<Decision>) -> Decision {
    let rank = |decision: Option<Decision>| decision.unwrap_or(Decision::Permit);
    rank(request).max(rank(answer))
}

fn coached(request: &Phase, answer: &Phase) -> Vec<Arc<str>> {
    request.coach.iter().chain(&answer.coach).cloned().collect()
}
