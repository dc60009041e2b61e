//! Refusing: the answer in the client's own format, and what is recorded of it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bartizan_ledger::{Entry, Record, commit};
use bartizan_vocabulary::{Decision, RequestId, Timestamp};
use bartizan_wire::refusal::{self, Reason, Shape};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};

use crate::body::GateBody;
use crate::exchange::{Exchange, Moment, Phase};
use crate::quotas::{Exceeded, Shown};
use crate::routing::Nowhere;
use crate::{Gate, limit_headers};

/// A request that does not go on.
pub struct Refusal {
    /// Why: decides the status.
    pub reason: Reason,
    /// The sentence for the client.
    pub message: String,
    /// The interaction, when it came so far that one can be recorded.
    pub exchange: Option<Arc<Exchange>>,
    /// What was judged.
    pub phase: Phase,
    /// Which entry is made.
    pub moment: Moment,
    /// When to ask again.
    pub retry_after: Option<Duration>,
    /// How the limits stand that refused it.
    pub shown: Option<Shown>,
}

impl Refusal {
    /// A refusal before anything was judged.
    pub fn early(reason: Reason, message: impl Into<String>) -> Self {
        let phase = Phase { reason: Some(reason.code()), ..Phase::decided(Decision::Blocked) };
        Self { reason, message: message.into(), exchange: None, phase, moment: Moment::Request, retry_after: None, shown: None }
    }

    /// A refusal of a known caller.
    pub fn of(exchange: &Arc<Exchange>, reason: Reason, message: impl Into<String>) -> Self {
        Self { exchange: Some(Arc::clone(exchange)), ..Self::early(reason, message) }
    }

    /// A refusal because no provider can be called.
    pub fn nowhere(exchange: &Arc<Exchange>, nowhere: Nowhere) -> Self {
        Self::of(exchange, nowhere.reason, nowhere.message).again_in(nowhere.retry_after)
    }

    /// A refusal because a limit is reached.
    pub fn exceeded(exchange: &Arc<Exchange>, exceeded: Exceeded) -> Self {
        let reason = if exceeded.is_budget { Reason::BudgetSpent } else { Reason::RateLimited };
        exchange.gate.metrics().limited_total.add(1);
        Self { shown: Some(exceeded.shown), ..Self::of(exchange, reason, exceeded.message).again_in(exceeded.retry_after) }
    }

    /// With the time after which asking again may help.
    #[must_use]
    pub fn again_in(mut self, time: Option<Duration>) -> Self {
        self.retry_after = time;
        self
    }

    /// With what was judged.
    #[must_use]
    pub fn with(mut self, moment: Moment, phase: Phase) -> Self {
        self.moment = moment;
        self.phase = Phase { reason: Some(self.reason.code()), ..phase };
        self
    }
}

/// Headers that every answer carries.
pub fn mark(headers: &mut HeaderMap, request_id: &RequestId, decision: Decision, coach: &[Arc<str>]) {
    if let Ok(value) = HeaderValue::from_str(request_id.as_str()) {
        headers.insert(HeaderName::from_static("bartizan-request-id"), value);
    }
    headers.insert(HeaderName::from_static("bartizan-decision"), HeaderValue::from_static(decision.as_str()));
    if !coach.is_empty() {
        let text: String = coach.join(" ").chars().map(|char| if matches!(char, ' '..='~') { char } else { '?' }).take(1_024).collect();
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(HeaderName::from_static("bartizan-coach"), value);
        }
    }
}

/// The answer of a refusal.
pub fn response(shape: Shape, refusal: &Refusal, request_id: &RequestId) -> Response<GateBody> {
    let body = refusal::body(shape, refusal.reason, &refusal.message, request_id.as_str());
    let mut response = Response::new(GateBody::own(body));
    *response.status_mut() = StatusCode::from_u16(refusal.reason.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if refusal.reason.is_final() {
        headers.insert(HeaderName::from_static("x-should-retry"), HeaderValue::from_static("false"));
    }
    let method = refusal.exchange.as_ref().and_then(|exchange| exchange.route?.split_once(' '));
    if let Some((method, _)) = method.filter(|_| refusal.reason == Reason::MethodNotAllowed) {
        headers.insert(header::ALLOW, HeaderValue::from_static(method));
    }
    if refusal.reason == Reason::UpgradeRefused {
        headers.insert(header::UPGRADE, HeaderValue::from_static("HTTP/1.1"));
    }
    // In whole seconds, never too early: up to a second too late.
    let after = refusal.retry_after.map(|time| time.as_secs() + 1).or((refusal.reason == Reason::Busy).then_some(1));
    if let Some(seconds) = after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    } else if refusal.reason == Reason::RateLimited {
        headers.insert(HeaderName::from_static("x-should-retry"), HeaderValue::from_static("false"));
    }
    mark(headers, request_id, refusal.phase.decision.unwrap_or(Decision::Blocked), &refusal.phase.coach);
    response
}

/// Refusals of callers that nobody knows: counted per peer and second, so that a flood does not flood the ledger.
#[derive(Default)]
pub struct RefusalLog {
    peers: Mutex<HashMap<IpAddr, u64>>,
}

/// Peers that are told apart within one second; the rest is counted together.
const PEERS: usize = 4_096;
/// Where the rest is counted.
const REST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

impl RefusalLog {
    /// Counts one refusal.
    pub fn note(&self, peer: IpAddr) {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let peer = if peers.len() >= PEERS && !peers.contains_key(&peer) { REST } else { peer };
        *peers.entry(peer).or_default() += 1;
    }

    /// Takes the counts since the last call.
    pub fn take(&self) -> HashMap<IpAddr, u64> {
        std::mem::take(&mut self.peers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Gate {
    /// Answers a refusal and records it. Refusing never waits for the ledger: what it cannot record it counts.
    pub(crate) fn refuse(&self, shape: Shape, request_id: &RequestId, refusal: &Refusal) -> Response<GateBody> {
        self.metrics().decided(refusal.phase.decision.unwrap_or(Decision::Blocked));
        if let Some(exchange) = &refusal.exchange {
            let _unrecorded_refusals_are_counted = exchange.record(refusal.moment, &refusal.phase, refusal.reason.status(), None);
        }
        tracing::info!(
            request_id = %request_id, status = refusal.reason.status(), reason = refusal.reason.code(), "a request was refused"
        );
        let mut response = response(shape, refusal, request_id);
        let charged = || refusal.exchange.as_ref()?.charge.as_ref().map(|charge| charge.shown);
        if let Some(shown) = refusal.shown.or_else(charged) {
            limit_headers::show(response.headers_mut(), shape, &shown, self.now());
        }
        response
    }

    /// Writes the aggregated refusals of unauthenticated callers. Called every second.
    pub fn flush_refusals(&self) {
        let time: Timestamp = self.now();
        for (peer, count) in self.refusals().take() {
            let salt = self.random().bytes();
            let entry = Entry::Refusals { time, peer: commit("peer", &salt, peer.to_string().as_bytes()), count };
            let _unrecorded_refusals_are_counted = self.journal().append(&Record { entry, detail: None });
        }
    }
}
