//! From a request that was read to the provider's answer: judged for the place where it goes, recorded, sent; and when that place fails
//! before anything of its answer was passed on, the same for the next one.
//!
//! A further call of the same place sends the bytes that were judged for it. Any other place is judged anew, once, from the bytes of the
//! client, because policy sees the provider and the model that will be called.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_wire::refusal::Reason;
use bartizan_wire::{Call, Route};
use http::Response;

use crate::Gate;
use crate::body::GateBody;
use crate::budget::Reservation;
use crate::circuits::Learnt;
use crate::credentials::client_key;
use crate::exchange::{Exchange, Moment};
use crate::guard::Guarded;
use crate::handle::{Head, Lent};
use crate::headers::{outside_body, to_provider};
use crate::models::Target;
use crate::objects::Resumed;
use crate::observing::Aimed;
use crate::pacing::Pacing;
use crate::pending::{Owed, Pending, pass_over};
use crate::query::Query;
use crate::quotas::Exceeded;
use crate::refuse::Refusal;
use crate::retry::{self, Outcome};
use crate::routing::{Itinerary, Place, Step};
use crate::session::Session;
use crate::settings::Retries;
use crate::translating::Outgoing;
use crate::upstream::{Aim, UpstreamError};

/// Most calls for one request, whatever is configured.
const MOST_CALLS: u32 = 16;

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
    /// What it goes on from.
    pub(crate) resumed: Option<&'a Resumed>,
}

/// A request that was judged for one place.
struct Ready<'a> {
    exchange: Arc<Exchange>,
    target: Target<'a>,
    /// What its provider is sent, in its format.
    outgoing: Outgoing<'a>,
    guarded: Box<Guarded>,
    /// What the edited copy takes of the budget, as long as it is kept.
    _copy: Option<Reservation>,
    session: Box<Session>,
    /// Whether its event was told.
    told: bool,
}

impl Ready<'_> {
    /// Where it goes, for whoever watches.
    fn aimed(&self) -> Aimed<'_> {
        let Target { model, way, provider, .. } = self.target;
        let configured = Some(model.name.as_str()).filter(|name| *name != "*");
        let model = way.upstream_name.as_deref().or(configured);
        Aimed { route: self.outgoing.aim.route, provider, model, stream: self.exchange.stream }
    }
}

/// A call that was made, or could not be.
struct Made<'a> {
    ready: Box<Ready<'a>>,
    outcome: Outcome,
}

/// What was done so far.
struct Trip {
    /// When the first call was sent.
    began: Instant,
    /// How many were sent.
    calls: u32,
}

impl Trip {
    fn count(&mut self, outcome: &Outcome) {
        self.calls += u32::from(was_sent(outcome));
    }
}

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
        let (first, lent) = self.judged(asked, &exchange, itinerary.place(target), lent).await?;
        let (mut ready, mut lent) = match first {
            Ok(ready) => (ready, lent),
            // Boxed, like all that is rare: every other request would carry the room for it along.
            Err(refusal) if itinerary.goes_on() && may_pass_elsewhere(refusal.reason) => {
                Box::pin(self.permitted(asked, &mut itinerary, (target, &exchange), (refusal, lent))).await?
            }
            Err(refusal) => return Err(refusal),
        };
        if !itinerary.goes_on() {
            lent.keep_in(&mut ready.session);
        }
        let mut pending = Pending::default();
        let result = self.called(asked, &mut itinerary, (ready, lent), &mut pending).await;
        pending.hand_over(result)
    }

    /// The first place that may be called, after the one that was drawn may not; without one the first refusal stands.
    async fn permitted<'a>(
        self: &Arc<Self>,
        asked: &Asked<'a>,
        itinerary: &mut Itinerary<'a>,
        (refused, exchange): (Target<'a>, &Arc<Exchange>),
        (first, mut lent): (Box<Refusal>, Lent),
    ) -> Result<(Box<Ready<'a>>, Lent), Box<Refusal>> {
        let (first, began) = (Owed::new(first), Instant::now());
        itinerary.bar(refused);
        while began.elapsed() < exchange.live.settings.retries.deadline {
            let next = match itinerary.next(self.now(), &|| self.chance()) {
                Step::Go(next) => next,
                Step::End => break,
                // Nothing was called, so there is nothing to wait for.
                Step::Pause(_) => {
                    itinerary.leave();
                    continue;
                }
            };
            let place = itinerary.place(next);
            let toward = Arc::new(exchange.toward(place));
            let (again, back) = self.judged(asked, &toward, place, lent).await?;
            lent = back;
            match again {
                Ok(ready) => return Ok((ready, lent)),
                Err(refusal) => {
                    itinerary.bar(next);
                    pass_over(&refusal);
                }
            }
        }
        Err(first.take().unwrap_or_else(|| Self::guard_failed(exchange, "the refusal was lost", Moment::Request)))
    }

    async fn called<'a>(
        self: &Arc<Self>,
        asked: &Asked<'a>,
        itinerary: &mut Itinerary<'a>,
        (mut ready, mut lent): (Box<Ready<'a>>, Lent),
        pending: &mut Pending,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let live = &ready.exchange.live;
        live.circuits.allowance.earn(&live.settings.retries);
        let (outcome, began) = self.once(asked, &mut ready, Duration::MAX, pending).await?;
        let (mut made, mut trip) = (Made { ready, outcome }, Trip { began, calls: 0 });
        trip.count(&made.outcome);
        if itinerary.goes_on() && retry::is_worth_another(&made.outcome) {
            (made, lent) = Box::pin(self.further(asked, itinerary, (made, lent), &mut trip, pending)).await?;
        }
        let Made { mut ready, outcome } = made;
        let answer = match outcome {
            Ok(answer) => answer,
            Err(error) => {
                ready.exchange.charges().for_each(|charge| charge.release());
                let judged = (!pending.is_begun()).then_some(ready.guarded.phase);
                return Err(self.upstream_failed(&ready.exchange, &error, trip.calls, judged));
            }
        };
        lent.keep_in(&mut ready.session);
        self.answer(asked.head, &ready.exchange, answer, ready.session, ready.guarded.phase, (lent.held, trip.began)).await
    }

    /// Further calls, until one ends well or none is left. Gives the last one that was made.
    async fn further<'a>(
        self: &Arc<Self>,
        asked: &Asked<'a>,
        itinerary: &mut Itinerary<'a>,
        (mut made, mut lent): (Made<'a>, Lent),
        trip: &mut Trip,
        pending: &mut Pending,
    ) -> Result<(Made<'a>, Lent), Box<Refusal>> {
        let live = Arc::clone(&made.ready.exchange.live);
        let (retries, allowance) = (&live.settings.retries, &live.circuits.allowance);
        // Places whose turn may come again: none is judged twice.
        let mut before: Vec<Box<Ready<'a>>> = Vec::new();
        let mut pacing = Pacing::new(retries.deadline);
        pacing.note(made.ready.target, &made.outcome, self.now());
        while retry::is_worth_another(&made.outcome) && trip.calls < MOST_CALLS && !pacing.left().is_zero() {
            let (sent, limited) = (was_sent(&made.outcome), retry::is_rate_limit(&made.outcome));
            let spent = sent && allowance.is_empty(retries);
            let Some(next) = self.onward(itinerary, retries, &pacing, (spent, limited)).await else { break };
            // Who goes elsewhere because of a rate limit multiplies no outage: that place was not called yet.
            let costs = sent && !(limited && itinerary.is_first_round());
            let mut elsewhere = None;
            if !next.is(made.ready.target) {
                let place = itinerary.place(next);
                (elsewhere, lent) = self.elsewhere(asked, place, (&made.ready.exchange, &mut before), lent).await?;
                if elsewhere.is_none() {
                    itinerary.bar(next);
                    continue;
                }
            }
            // Judging and the pause took time.
            let within = pacing.left();
            if within.is_zero() {
                break;
            }
            if costs && !allowance.take(retries) {
                self.metrics().retries_refused_total.add(1);
                if limited {
                    itinerary.leave();
                    continue;
                }
                break;
            }
            self.metrics().retries_total.add(1);
            let (outcome, _) = self.once(asked, elsewhere.as_mut().unwrap_or(&mut made.ready), within, pending).await?;
            trip.count(&outcome);
            if was_sent(&outcome) {
                pacing.note(next, &outcome, self.now());
                made.outcome = outcome;
                before.extend(elsewhere.map(|next| std::mem::replace(&mut made.ready, next)).filter(|_| retries.attempts > 1));
            } else {
                // What came before it stands.
                itinerary.bar(next);
                if costs {
                    allowance.give_back();
                }
            }
        }
        Ok((made, lent))
    }

    /// A request for another place: as it was judged for that place before, or judged now; `None` if it may not go there.
    async fn elsewhere<'a>(
        self: &Arc<Self>,
        asked: &Asked<'a>,
        place: Place<'a>,
        (exchange, before): (&Arc<Exchange>, &mut Vec<Box<Ready<'a>>>),
        lent: Lent,
    ) -> Result<(Option<Box<Ready<'a>>>, Lent), Box<Refusal>> {
        if let Some(at) = before.iter().position(|one| place.target.is(one.target)) {
            return Ok((Some(before.swap_remove(at)), lent));
        }
        let toward = Arc::new(exchange.toward(place));
        let (judged, lent) = self.judged(asked, &toward, place, lent).await?;
        Ok((judged.map_err(|refusal| pass_over(&refusal)).ok(), lent))
    }

    /// The next place; before one is called again there is a pause, after the one that its provider asked for. A pause for which
    /// there is no time is not made: then another place comes, or those of the next model. `spent`: the allowance is, so only places that
    /// were not called yet are left, and those only after a rate limit.
    async fn onward<'a>(
        &self,
        itinerary: &mut Itinerary<'a>,
        retries: &Retries,
        pacing: &Pacing,
        (spent, limited): (bool, bool),
    ) -> Option<Target<'a>> {
        // Before a pause, not after it.
        if spent && !limited {
            self.metrics().retries_refused_total.add(1);
            return None;
        }
        let mut pause = Duration::ZERO;
        loop {
            match itinerary.next(self.now(), &|| self.chance()) {
                Step::End => return None,
                Step::Go(next) if itinerary.is_first_round() => return Some(next),
                Step::Go(_) | Step::Pause(_) if spent => {
                    self.metrics().retries_refused_total.add(1);
                    itinerary.leave();
                }
                Step::Pause(round) => pause = retry::pause(retries, round, self.chance()),
                Step::Go(next) => {
                    // On top of what was asked for, so that not all come back at the same moment.
                    let wait = pause.saturating_add(pacing.rest(next));
                    if wait < pacing.left() {
                        tokio::time::sleep(wait).await;
                        return Some(next);
                    }
                    // What is left does not grow.
                    itinerary.bar(next);
                }
            }
        }
    }

    /// Judges a request for one place.
    async fn judged<'a>(
        self: &Arc<Self>,
        asked: &Asked<'a>,
        exchange: &Arc<Exchange>,
        Place { target, name, is_home, is_first, .. }: Place<'a>,
        lent: Lent,
    ) -> Result<(Result<Box<Ready<'a>>, Box<Refusal>>, Lent), Box<Refusal>> {
        let headers = to_provider(&asked.head.parts.headers, is_first);
        let query = asked.query.toward(is_first);
        let outside = outside_body(&headers, query);
        let session = self.session_of(exchange, asked.head, &lent, asked.resumed);
        let upstream_name = target.upstream_name(name);
        let written = asked.in_body.or(lent.names_model_elsewhere().then_some(asked.name));
        let model = written.is_some_and(|written| written != upstream_name).then(|| upstream_name.to_owned());
        let (guarded, session, lent) = self.guarded(exchange, session, (outside, model), lent).await?;
        let (mut guarded, copy) = match guarded {
            Ok(guarded) => guarded,
            Err(refusal) => return Ok((Err(refusal), lent)),
        };
        // A key of the client's is for one provider, and for no other.
        let key = client_key(&asked.head.parts.headers, asked.query.key.as_deref(), &exchange.live.settings).filter(|_| is_home);
        let aim = Aim { route: asked.call.route, dialect: asked.call.dialect, model: upstream_name, object: None, item: None, query };
        // What this provider's format cannot express is refused like what policy forbids.
        let outgoing = self.outgoing(exchange, target.provider, (aim, (headers, is_first), key), &mut guarded).await;
        let exchange = Arc::clone(exchange);
        Ok((outgoing.map(|outgoing| Box::new(Ready { exchange, target, outgoing, guarded, _copy: copy, session, told: false })), lent))
    }

    /// One call: recorded, then sent, unless the place is left alone. `within`: the time that is left for its first byte. Gives the
    /// moment when it was sent, too.
    async fn once(
        &self,
        asked: &Asked<'_>,
        ready: &mut Ready<'_>,
        within: Duration,
        pending: &mut Pending,
    ) -> Result<(Outcome, Instant), Box<Refusal>> {
        let (live, target) = (&ready.exchange.live, ready.target);
        let (settings, breaking) = (&live.settings, &live.settings.breaking);
        let mut call = match ready.outgoing.call(target.provider, &asked.head.parts.headers) {
            Ok(call) => call,
            Err(error) => return Ok((Err(error), Instant::now())),
        };
        // Gives the turn to try back, should the client leave now.
        let passage = match live.circuits.enter(target, &ready.exchange.principal.id, self.now(), breaking) {
            Ok(passage) => passage,
            Err(left) => return Ok((Err(UpstreamError::Open(left)), Instant::now())),
        };
        if let Err(exceeded) = self.charge_fallback(asked, &ready.exchange, target) {
            return Ok((Err(UpstreamError::Limited(Box::new(exceeded))), Instant::now()));
        }
        ready.exchange.carry(&ready.session)?;
        let moment = if std::mem::replace(&mut ready.told, true) { Moment::Again } else { Moment::Request };
        self.begin(&ready.exchange, &ready.guarded, moment, pending).await?;
        let sent = Instant::now();
        ready.exchange.charges().for_each(|charge| charge.sent());
        if let Some(watch) = &ready.exchange.watch {
            watch.calling(self, &mut call, &ready.aimed());
        }
        let first_byte = target.provider.waits.first_byte.unwrap_or(settings.timeouts.first_byte);
        let outcome = match live.upstream(target.way.provider) {
            Ok(upstream) => upstream.send(call, first_byte.min(within)).await,
            Err(error) => Err(error),
        };
        if let Some(watch) = &ready.exchange.watch {
            watch.called(&outcome);
        }
        for charge in ready.exchange.charges() {
            match &outcome {
                Err(UpstreamError::Slow(_)) => charge.lost(),
                // Should the client leave before the next one.
                failed if retry::is_worth_another(failed) => charge.failed(),
                _ => {}
            }
        }
        // One that had less time than it is given says nothing by not answering.
        let was_cut = within < first_byte && matches!(outcome, Err(UpstreamError::Slow(_)));
        let learnt = if was_cut { Learnt::NOTHING } else { retry::learnt(&outcome) };
        passage.note(learnt, self.now(), breaking);
        Ok((outcome, sent))
    }
}

impl Gate {
    /// Counts a request on the limits of the fallback that is about to be called, once, whatever its places are.
    fn charge_fallback(&self, asked: &Asked<'_>, exchange: &Exchange, target: Target<'_>) -> Result<(), Exceeded> {
        let name = target.model.name.as_str();
        let is_fallback = name != asked.name && exchange.model.as_ref().is_some_and(|model| model.as_str() == name);
        let Some(ask) = exchange.ask.filter(|_| is_fallback && exchange.also.get().is_none()) else { return Ok(()) };
        let charged = exchange.live.quotas.charge_beyond(&exchange.principal, (asked.name, name), || ask, &self.wiring.clock);
        let Some(charge) = charged.inspect_err(|_| self.metrics().limited_total.add(1))? else { return Ok(()) };
        if matches!(asked.call.route, Route::CountTokens | Route::CountContentTokens) {
            charge.release();
        }
        let _nobody_else_calls_it = exchange.also.set(charge);
        Ok(())
    }
}

/// Whether a request that was refused for one place may be permitted for another: policy may know that one better, and its format may
/// express what this one's cannot.
fn may_pass_elsewhere(reason: Reason) -> bool {
    matches!(reason, Reason::PolicyBlocked | Reason::BadRequest)
}

/// Whether the provider was called at all.
fn was_sent(outcome: &Outcome) -> bool {
    !matches!(outcome, Err(UpstreamError::Open(_) | UpstreamError::Limited(_) | UpstreamError::Address))
}
