//! What every call of a provider has: an entry before it, and a refusal when there is no answer. And the calls that go to one place only:
//! for the list of its models, and for what it keeps.

use std::sync::Arc;
use std::time::Instant;

use bartizan_vocabulary::{Decision, EndState};
use bartizan_wire::Route;
use bartizan_wire::refusal::Reason;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::Gate;
use crate::body::GateBody;
use crate::exchange::{BodySeal, Exchange, Moment, Phase};
use crate::guard::Guarded;
use crate::handle::Head;
use crate::observing::Aimed;
use crate::pending::Pending;
use crate::refuse::Refusal;
use crate::session::Session;
use crate::upstream::UpstreamError;

impl Gate {
    /// Records, calls the provider that lists its models, passes its answer on.
    pub(crate) async fn listed(
        self: &Arc<Self>,
        head: &Head,
        exchange: &Arc<Exchange>,
        call: (Route, usize, Request<Full<Bytes>>),
        session: Box<Session>,
        guarded: Box<Guarded>,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let mut pending = Pending::default();
        self.begin(exchange, &guarded, Moment::Request, &mut pending).await?;
        let run = async {
            let sent = Instant::now();
            let answer = self.one_call(exchange, call).await?;
            self.answer(head, exchange, answer, session, guarded.phase, (self.budget.open(), sent)).await
        };
        let result = run.await;
        pending.hand_over(result)
    }

    /// One call of a provider, which was recorded.
    pub(crate) async fn one_call(
        &self,
        exchange: &Arc<Exchange>,
        (route, provider, mut call): (Route, usize, Request<Full<Bytes>>),
    ) -> Result<Response<Incoming>, Box<Refusal>> {
        let live = &exchange.live;
        let place = live.settings.providers.get(provider);
        let first_byte = place.and_then(|place| place.waits.first_byte).unwrap_or(live.settings.timeouts.first_byte);
        if let (Some(watch), Some(provider)) = (&exchange.watch, place) {
            watch.calling(self, &mut call, &Aimed { route, provider, model: None, stream: false });
        }
        let answer = match live.upstream(provider) {
            Ok(upstream) => upstream.send(call, first_byte).await,
            Err(error) => Err(error),
        };
        if let Some(watch) = &exchange.watch {
            watch.called(&answer);
        }
        answer.map_err(|error| self.upstream_failed(exchange, &error, 1, None))
    }

    /// Records a request that needs a last entry from now on, unless this one could not be made and is the first.
    pub(crate) async fn begin(
        &self,
        exchange: &Arc<Exchange>,
        guarded: &Guarded,
        moment: Moment,
        pending: &mut Pending,
    ) -> Result<(), Box<Refusal>> {
        let is_first = !pending.is_begun();
        pending.begun(exchange, &guarded.phase);
        let recorded = self.record_request(exchange, guarded, moment).await;
        if recorded.is_err() && is_first {
            pending.forget();
        }
        recorded
    }

    /// Record before effect: the provider is called only after the decision is in the journal.
    pub(crate) async fn record_request(&self, exchange: &Arc<Exchange>, guarded: &Guarded, moment: Moment) -> Result<(), Box<Refusal>> {
        let mut seal = BodySeal::new(self.random().bytes());
        seal.update(&guarded.bytes);
        let appended = exchange.record(moment, &guarded.phase, 200, Some(seal));
        appended.wait().await.map_err(|error| Self::ledger_failed(exchange, error, Moment::Request))
    }

    /// The refusal for a provider that gave no answer. `calls`: how many were made. `judged`: of a request of which nothing is recorded so
    /// far, because nothing was sent.
    pub(crate) fn upstream_failed(
        &self,
        exchange: &Arc<Exchange>,
        error: &UpstreamError,
        calls: u32,
        judged: Option<Phase>,
    ) -> Box<Refusal> {
        tracing::warn!(%error, calls, request_id = %exchange.request_id, "the provider gave no answer");
        self.metrics().upstream_errors_total.add(1);
        let (reason, retry_after) = match error {
            UpstreamError::Slow(_) => (Reason::UpstreamSlow, None),
            UpstreamError::Limited(exceeded) => {
                let reason = if exceeded.is_budget { Reason::BudgetSpent } else { Reason::RateLimited };
                (reason, exceeded.retry_after)
            }
            UpstreamError::Open(left) => (Reason::UpstreamUnavailable, Some(*left)),
            UpstreamError::Address | UpstreamError::Refused(_) => (Reason::UpstreamFailed, None),
        };
        let message = if calls > 1 { format!("{error}; {calls} calls were made in all") } else { error.to_string() };
        let refusal = Refusal::of(exchange, reason, message).again_in(retry_after);
        Box::new(match judged {
            Some(phase) => refusal.with(Moment::Request, Phase { decision: Some(Decision::Blocked), ..phase }),
            None => refusal.with(Moment::End(EndState::UpstreamError), Phase::decided(Decision::Permit)),
        })
    }

    /// A random number.
    pub(crate) fn chance(&self) -> u64 {
        self.random().bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
    }
}
