//! The content of a file, on its way back: read and inspected like one in a request, never edited.

use std::sync::Arc;
use std::time::Instant;

use bartizan_policy::Action;
use bartizan_vocabulary::{Decision, EndState};
use bartizan_wire::Route;
use bartizan_wire::refusal::Reason;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Request, Response, response};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::Gate;
use crate::answer::combined;
use crate::blocking::blocking;
use crate::body::GateBody;
use crate::exchange::{Exchange, Moment, Phase};
use crate::guard::{FileSent, GuardError, Guarded, guard_file, is_clean};
use crate::handle::Head;
use crate::headers::to_client;
use crate::pending::Pending;
use crate::refuse::{Refusal, mark};

impl Gate {
    /// Records, asks for the content of a file, passes it on if it may.
    pub(crate) async fn file_content(
        self: &Arc<Self>,
        head: &Head,
        exchange: &Arc<Exchange>,
        (provider, call): (usize, Request<Full<Bytes>>),
        guarded: Box<Guarded>,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let mut pending = Pending::default();
        self.begin(exchange, &guarded, Moment::Request, &mut pending).await?;
        let run = async {
            let sent = Instant::now();
            let answer = self.one_call(exchange, (Route::FileContent, provider, call)).await?;
            if !answer.status().is_success() {
                let session = self.session_in(exchange, "");
                return self.answer(head, exchange, answer, session, guarded.phase, (self.budget.open(), sent)).await;
            }
            let (parts, body) = answer.into_parts();
            self.content(head, exchange, (parts, body), guarded.phase, sent).await
        };
        let result = run.await;
        pending.hand_over(result)
    }

    async fn content(
        self: &Arc<Self>,
        head: &Head,
        exchange: &Arc<Exchange>,
        (parts, body): (response::Parts, Incoming),
        request: Phase,
        sent: Instant,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let encoding = self.usable(exchange, &parts)?;
        let mut held = self.budget.open();
        let bytes = self.whole(exchange, body, encoding, &mut held).await?;
        let waited = u64::try_from(sent.elapsed().as_micros()).unwrap_or(0);
        let media_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let shared = Arc::clone(exchange);
        let run = move || {
            let sent = FileSent::bare(&shared.live, media_type).map_err(|error| error.to_string());
            let result = sent.map(|sent| guard_file(&shared, Action::Complete, sent, (&bytes, 0..bytes.len()), ""));
            (result, held)
        };
        let failed = |message: &str| Self::guard_failed(exchange, message, Moment::End(EndState::Blocked));
        let (result, held) = blocking(true, run).await.ok_or_else(|| failed("the guard was stopped"))?;
        let guarded = match result.map_err(|message| failed(&message))? {
            Ok((guarded, _)) => guarded,
            Err(GuardError::Busy(error)) => return Err(self.upstream_refusal(exchange, Reason::Busy, error.to_string())),
            Err(error) => return Err(failed(&error.to_string())),
        };
        if let Some(message) = guarded.refusal {
            let reason = if guarded.phase.decision == Some(Decision::Failed) { Reason::GuardUnavailable } else { Reason::PolicyBlocked };
            return Err(Box::new(Refusal::of(exchange, reason, message).with(Moment::End(EndState::Blocked), guarded.phase)));
        }
        let decision = combined(request.decision, guarded.phase.decision);
        let coach: Vec<Arc<str>> = request.coach.iter().chain(&guarded.phase.coach).cloned().collect();
        let mut phase = guarded.phase;
        phase.gate_micros = u64::try_from(exchange.started.elapsed().as_micros()).unwrap_or(0).saturating_sub(waited);
        let handed = self.handed_over(head, exchange, (parts.status, EndState::Complete), guarded.bytes, phase, held).await;
        let mut response = Response::new(handed.map_err(|error| Self::ledger_failed(exchange, error, Moment::End(EndState::Blocked)))?);
        self.metrics().decided(decision);
        *response.status_mut() = parts.status;
        let headers = response.headers_mut();
        *headers = to_client(&parts.headers, &|text| is_clean(exchange, text, None));
        headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/octet-stream"));
        // Whoever sent it chose the type: no browser is to find a better one.
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        mark(headers, &exchange.request_id, decision, &coach);
        Ok(response)
    }
}
