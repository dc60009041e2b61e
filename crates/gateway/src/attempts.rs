//! From a request that was read to the provider's answer: judged for the place where it goes, recorded, sent; and when that place fails
//! before anything of its answer was passed on, the same for the next one.
//!
//! A further call of the same place sends the bytes that were judged for it. Any other place is judged anew, from the bytes of the
//! client, because policy sees the provider and the model that will be called.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bartizan_vocabulary::{Decision, EndState};
use bartizan_wire::Call;
use bartizan_wire::refusal::Reason;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;

use crate::Gate;
use crate::body::GateBody;
use crate::breaker::Health;
use crate::credentials::client_key;
use crate::exchange::{BodySeal, Exchange, Moment, Phase};
use crate::guard::Guarded;
use crate::handle::{Head, Lent};
use crate::headers::{outside_body, to_provider};
use crate::models::Target;
use crate::query::Query;
use crate::refuse::Refusal;
use crate::retry::{self, Outcome};
use crate::routing::{Itinerary, Step};
use crate::session::Session;
use crate::settings::Retries;
use crate::translating::Outgoing;
use crate::upstream::{Aim, UpstreamError};

/// Most calls for one request, whatever is configured.
const MOST_CALLS: u32 = 16;

/// Records that nobody waits any more, unless the exchange ended otherwise.
struct Pending {
    exchange: Arc<Exchange>,
    armed: bool,
    /// What was decided so far: of the request.
    decision: Decision,
}

impl Pending {
    fn new(exchange: &Arc<Exchange>, guarded: &Guarded) -> Self {
        Self { exchange: Arc::clone(exchange), armed: true, decision: guarded.phase.decision.unwrap_or(Decision::Permit) }
    }

    /// The interaction goes on to another place.
    fn turn(&mut self, exchange: &Arc<Exchange>, guarded: &Guarded) {
        (self.exchange, self.decision) = (Arc::clone(exchange), guarded.phase.decision.unwrap_or(Decision::Permit));
    }

    /// Somebody else will make the last entry.
    fn disarm(&mut self) {
        self.armed = false;
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.armed && !self.exchange.ended.load(Ordering::Acquire) {
            let phase = Phase::decided(self.decision);
            let _nobody_is_left_to_tell = self.exchange.record(Moment::End(self.exchange.gate.left()), &phase, 0, None);
        }
    }
}

/// A request as it was asked, wherever it goes.
pub(crate) struct Asked<'a> {
    /// What it says outside its body.
    pub(crate) head: &'a Head,
    /// What is called.
    pub(crate) call: Call<'a>,
    /// Its query.
    pub(crate) query: &'a Query<'a>,
    /// The model in its body.
    pub(crate) in_body: Option<&'a str>,
    /// The model as it is called everywhere.
    pub(crate) name: &'a str,
}

/// A request that was judged for one place.
struct Ready<'a> {
    exchange: Arc<Exchange>,
    target: Target<'a>,
    /// What its provider is sent, in its format.
    outgoing: Outgoing<'a>,
    guarded: Guarded,
    session: Session,
}

/// A place, and the model's name there as clients would say it.
type Place<'a> = (Target<'a>, &'a str);

impl Gate {
    /// Judges, records, calls a provider or several, passes the answer on. If the client leaves meanwhile, that is recorded.
    pub(crate) async fn travel(
        self: &Arc<Self>,
        asked: &Asked<'_>,
        exchange: Exchange,
        (mut itinerary, target): (Itinerary<'_>, Target<'_>),
        lent: Lent,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let exchange = Arc::new(exchange);
        let place = (target, itinerary.name(target));
        let (first, lent) = self.judged(asked, &exchange, place, lent).await?;
        let (mut ready, mut lent) = match first {
            Ok(ready) => (ready, lent),
            Err(refusal) if may_pass_elsewhere(refusal.reason) => {
                self.permitted(asked, &mut itinerary, (target, &exchange), (refusal, lent)).await?
            }
            Err(refusal) => return Err(refusal),
        };
        if !itinerary.goes_on() {
            lent.keep_in(&mut ready.session);
        }
        let mut pending = Pending::new(&ready.exchange, &ready.guarded);
        let result = self.called(asked, &mut itinerary, (ready, lent), &mut pending).await;
        // From here on the answer makes the last entry, or the refusal.
        pending.disarm();
        result
    }

    /// The first place that policy permits, after the one that was drawn is forbidden; without one the first refusal stands.
    async fn permitted<'a>(
        self: &Arc<Self>,
        asked: &Asked<'a>,
        itinerary: &mut Itinerary<'a>,
        (forbidden, exchange): (Target<'a>, &Arc<Exchange>),
        (first, mut lent): (Box<Refusal>, Lent),
    ) -> Result<(Ready<'a>, Lent), Box<Refusal>> {
        for _ in 0..MOST_CALLS {
            if !itinerary.goes_on() {
                break;
            }
            let next = match itinerary.next(self.now(), &|| self.chance()) {
                Step::Go(next) => next,
                Step::End => break,
                // Nothing was called, so there is nothing to wait for.
                Step::Pause(_) => {
                    itinerary.leave();
                    continue;
                }
            };
            if next.is(forbidden) {
                continue;
            }
            let toward = Arc::new(toward(exchange, next, itinerary.is_fallback(next)));
            let (again, back) = self.judged(asked, &toward, (next, itinerary.name(next)), lent).await?;
            lent = back;
            match again {
                Ok(ready) => {
                    pass_over(&first);
                    return Ok((ready, lent));
                }
                Err(refusal) => pass_over(&refusal),
            }
        }
        Err(first)
    }

    async fn called<'a>(
        self: &Arc<Self>,
        asked: &Asked<'a>,
        itinerary: &mut Itinerary<'a>,
        (mut ready, mut lent): (Ready<'a>, Lent),
        pending: &mut Pending,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let live = Arc::clone(&ready.exchange.live);
        let (retries, allowance) = (&live.settings.retries, &live.circuits.allowance);
        allowance.earn(retries);
        let (mut outcome, began) = self.once(asked, &mut ready, Moment::Request, Duration::MAX).await?;
        // From the first failure on: a provider may be slow for longer than the deadline before it counts as failed.
        let failed = Instant::now();
        let mut calls = u32::from(was_sent(&outcome));
        while itinerary.goes_on() && retry::is_worth_another(&outcome) {
            let left = retries.deadline.saturating_sub(failed.elapsed());
            if calls >= MOST_CALLS || left.is_zero() {
                break;
            }
            // Before a pause, not after it.
            if was_sent(&outcome) && allowance.is_empty(retries) {
                self.metrics().retries_refused_total.add(1);
                break;
            }
            let asked_for = retry::retry_after(&outcome).unwrap_or_default();
            let Some(next) = self.onward(itinerary, retries, asked_for, left).await else { break };
            let mut elsewhere = None;
            if !next.is(ready.target) {
                let toward = Arc::new(toward(&ready.exchange, next, itinerary.is_fallback(next)));
                let (again, back) = self.judged(asked, &toward, (next, itinerary.name(next)), lent).await?;
                lent = back;
                match again {
                    Ok(again) => elsewhere = Some(again),
                    Err(refusal) => {
                        pass_over(&refusal);
                        continue;
                    }
                }
            }
            // Judging and the pause took time.
            let within = retries.deadline.saturating_sub(failed.elapsed());
            if within.is_zero() {
                break;
            }
            if was_sent(&outcome) && !allowance.take(retries) {
                self.metrics().retries_refused_total.add(1);
                break;
            }
            let moment = if elsewhere.is_some() { Moment::Request } else { Moment::Again };
            if let Some(elsewhere) = elsewhere {
                ready = elsewhere;
                pending.turn(&ready.exchange, &ready.guarded);
            }
            self.metrics().retries_total.add(1);
            (outcome, _) = self.once(asked, &mut ready, moment, within).await?;
            calls += u32::from(was_sent(&outcome));
        }
        let answer = outcome.map_err(|error| self.upstream_failed(&ready.exchange, &error, calls))?;
        lent.keep_in(&mut ready.session);
        self.answer(asked.head, &ready.exchange, answer, ready.session, ready.guarded.phase, (lent.held, began)).await
    }

    /// The next place; before one is called again there is a pause, at least the one that its provider asked for. A pause for which
    /// there is no time is not made: then the places of the next model come.
    async fn onward<'a>(
        &self,
        itinerary: &mut Itinerary<'a>,
        retries: &Retries,
        asked_for: Duration,
        left: Duration,
    ) -> Option<Target<'a>> {
        loop {
            match itinerary.next(self.now(), &|| self.chance()) {
                Step::Go(next) => return Some(next),
                Step::End => return None,
                Step::Pause(round) => {
                    let wait = retry::pause(retries, round, self.chance()).max(asked_for);
                    if wait < left {
                        tokio::time::sleep(wait).await;
                    } else {
                        itinerary.leave();
                    }
                }
            }
        }
    }

    /// Judges a request for one place.
    async fn judged<'a>(
        self: &Arc<Self>,
        asked: &Asked<'a>,
        exchange: &Arc<Exchange>,
        (target, name): Place<'a>,
        lent: Lent,
    ) -> Result<(Result<Ready<'a>, Box<Refusal>>, Lent), Box<Refusal>> {
        let headers = to_provider(&asked.head.parts.headers);
        let outside = outside_body(&headers, asked.query.rest.as_deref());
        let session = self.session(exchange, asked.head, lent.read());
        let upstream_name = target.upstream_name(name);
        let written = asked.in_body.or(lent.names_model_elsewhere().then_some(asked.name));
        let model = written.is_some_and(|written| written != upstream_name).then(|| upstream_name.to_owned());
        let (guarded, session, lent) = self.guarded(exchange, session, (outside, model), lent).await?;
        let mut guarded = match guarded {
            Ok(guarded) => guarded,
            Err(refusal) => return Ok((Err(refusal), lent)),
        };
        let key = client_key(&asked.head.parts.headers, asked.query.key.as_deref(), &exchange.live.settings);
        let aim = Aim { route: asked.call.route, dialect: asked.call.dialect, model: upstream_name, query: asked.query.rest.as_deref() };
        // What this provider's format cannot express is refused like what policy forbids.
        let outgoing = self.outgoing(exchange, target.provider, (aim, headers, key), &mut guarded).await;
        Ok((outgoing.map(|outgoing| Ready { exchange: Arc::clone(exchange), target, outgoing, guarded, session }), lent))
    }

    /// One call: recorded, then sent, unless the provider is left alone. `within`: the time that is left for its first byte. Gives
    /// the moment when it was sent, too.
    async fn once(
        &self,
        asked: &Asked<'_>,
        ready: &mut Ready<'_>,
        moment: Moment,
        within: Duration,
    ) -> Result<(Outcome, Instant), Box<Refusal>> {
        let live = Arc::clone(&ready.exchange.live);
        let (settings, provider) = (&live.settings, ready.target.provider);
        let call = match ready.outgoing.call(provider, &asked.head.parts.headers) {
            Ok(call) => call,
            Err(error) => return Ok((Err(error), Instant::now())),
        };
        let at = ready.target.way.provider;
        let breaker = live.circuits.of(at);
        if let Some(breaker) = breaker.filter(|breaker| !breaker.enter(self.now(), &settings.breaking)) {
            return Ok((Err(UpstreamError::Open(breaker.left(self.now()))), Instant::now()));
        }
        self.record_request(&ready.exchange, &ready.guarded, moment).await?;
        let sent = Instant::now();
        if let Some(charge) = &ready.exchange.charge {
            charge.sent();
        }
        let first_byte = provider.waits.first_byte.unwrap_or(settings.timeouts.first_byte);
        let outcome = match live.upstream(at) {
            Ok(upstream) => upstream.send(call, first_byte.min(within)).await,
            Err(error) => Err(error),
        };
        if let Some(breaker) = breaker {
            // One that had less time than it is given says nothing by not answering.
            let was_cut = within < first_byte && matches!(outcome, Err(UpstreamError::Slow(_)));
            let health = if was_cut { Health::Unsaid } else { retry::health(&outcome) };
            breaker.note(health, self.now(), &settings.breaking);
        }
        Ok((outcome, sent))
    }

    /// Records, calls the provider that lists its models, passes its answer on.
    pub(crate) async fn listed(
        self: &Arc<Self>,
        head: &Head,
        exchange: &Arc<Exchange>,
        (provider, call): (usize, Request<Full<Bytes>>),
        session: Session,
        guarded: Guarded,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let mut pending = Pending::new(exchange, &guarded);
        let run = async {
            self.record_request(exchange, &guarded, Moment::Request).await?;
            let sent = Instant::now();
            let live = &exchange.live;
            let upstream = live.upstream(provider).map_err(|error| self.upstream_failed(exchange, &error, 1))?;
            let answer = upstream.send(call, live.settings.timeouts.first_byte).await;
            let answer = answer.map_err(|error| self.upstream_failed(exchange, &error, 1))?;
            self.answer(head, exchange, answer, session, guarded.phase, (self.budget.open(), sent)).await
        };
        let result = run.await;
        pending.disarm();
        result
    }

    /// Record before effect: the provider is called only after the decision is in the journal.
    pub(crate) async fn record_request(&self, exchange: &Arc<Exchange>, guarded: &Guarded, moment: Moment) -> Result<(), Box<Refusal>> {
        let mut seal = BodySeal::new(self.random().bytes());
        seal.update(&guarded.bytes);
        let appended = exchange.record(moment, &guarded.phase, 200, Some(seal));
        appended.wait().await.map_err(|error| Self::ledger_failed(exchange, error, Moment::Request))
    }

    /// The refusal for a provider that gave no answer. `calls`: how many were made.
    pub(crate) fn upstream_failed(&self, exchange: &Arc<Exchange>, error: &UpstreamError, calls: u32) -> Box<Refusal> {
        tracing::warn!(%error, calls, request_id = %exchange.request_id, "the provider gave no answer");
        self.metrics().upstream_errors_total.add(1);
        // Of one that was only slow nobody knows what it has done.
        if let Some(charge) = exchange.charge.as_ref().filter(|_| !matches!(error, UpstreamError::Slow(_))) {
            charge.release();
        }
        let (reason, retry_after) = match error {
            UpstreamError::Slow(_) => (Reason::UpstreamSlow, None),
            UpstreamError::Open(left) => (Reason::UpstreamUnavailable, Some(*left)),
            UpstreamError::Address | UpstreamError::Refused(_) => (Reason::UpstreamFailed, None),
        };
        let message = if calls > 1 { format!("{error}; {calls} calls were made in all") } else { error.to_string() };
        let refusal = Refusal::of(exchange, reason, message).again_in(retry_after);
        Box::new(refusal.with(Moment::End(EndState::UpstreamError), Phase::decided(Decision::Permit)))
    }

    /// A random number.
    pub(crate) fn chance(&self) -> u64 {
        self.random().bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
    }
}

/// A place that may not be called is not; that is recorded, and the request goes on to the next one.
fn pass_over(refusal: &Refusal) {
    if let Some(exchange) = &refusal.exchange {
        tracing::info!(request_id = %exchange.request_id, reason = refusal.reason.code(), "a place was passed over");
        let _unrecorded_refusals_are_counted = exchange.record(Moment::Request, &refusal.phase, refusal.reason.status(), None);
    }
}

/// Whether a request that was refused for one place may be permitted for another: policy may know that one better, and its format may
/// express what this one's cannot.
fn may_pass_elsewhere(reason: Reason) -> bool {
    matches!(reason, Reason::PolicyBlocked | Reason::BadRequest)
}

/// Whether the provider was called at all.
fn was_sent(outcome: &Outcome) -> bool {
    !matches!(outcome, Err(UpstreamError::Open(_) | UpstreamError::Address))
}

/// The same interaction on its way to another place.
fn toward(exchange: &Exchange, target: Target<'_>, is_fallback: bool) -> Exchange {
    let commitment = OnceLock::new();
    if let Some(made) = exchange.commitment.get() {
        let _it_is_empty = commitment.set(*made);
    }
    Exchange {
        gate: Arc::clone(&exchange.gate),
        live: Arc::clone(&exchange.live),
        request_id: exchange.request_id.clone(),
        principal: Arc::clone(&exchange.principal),
        route: exchange.route,
        provider: Some(target.provider.name.clone()),
        model: if is_fallback { Some(target.model.name.clone()) } else { exchange.model.clone() },
        model_configured: is_fallback || exchange.model_configured,
        stream: exchange.stream,
        streams_array: exchange.streams_array,
        charge: exchange.charge.clone(),
        started: exchange.started,
        bytes_in: exchange.bytes_in,
        ended: AtomicBool::new(false),
        salt: exchange.salt,
        commitment,
        translated: OnceLock::new(),
        // Who asks is the same, so it is found again.
        cache_scope: OnceLock::new(),
    }
}
