//! Watching one exchange for whoever exports it. Only where somebody does: every other exchange has no [`Watch`], and pays for looking.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bartizan_vocabulary::{Decision, Direction, EndState, RequestId, Timestamp};
use bartizan_wire::{Route, Said, Usage};
use http::{Request, Response, request};

use crate::Gate;
use crate::event_json::Told;
use crate::exchange::{Exchange, Phase};
use crate::refuse::Refusal;
use crate::settings::{Model, Provider, Settings};
use crate::telemetry::{self, Called, EVENTS, Failure, Judged, Observed, Operation, Telemetry, Vendor};
use crate::trace_context::{Parent, TRACEPARENT};
use crate::upstream::UpstreamError;

/// Rules and policies of one direction that are named.
const NAMED: usize = 64;

/// One exchange while it lasts. When nobody holds it any more the exchange is over, and is told.
pub struct Watch {
    telemetry: Telemetry,
    /// The exchange as its trace sees it.
    here: Parent,
    started: Instant,
    inside: Mutex<Inside>,
}

struct Inside {
    observed: Option<Box<Observed>>,
    /// The last call is not over.
    open: bool,
    /// When its answer began.
    heard: Option<Duration>,
}

/// Where a call goes.
pub struct Aimed<'a> {
    /// The route, as the provider is called.
    pub route: Route,
    /// The provider.
    pub provider: &'a Provider,
    /// What it calls the model, as far as that is configured.
    pub model: Option<&'a str>,
    /// Whether an answer in pieces was asked for.
    pub stream: bool,
}

impl Gate {
    /// Begins to watch a request, where somebody wants to know.
    pub(crate) fn watch(
        &self,
        parts: &request::Parts,
        request_id: &RequestId,
        (started, began): (Instant, Timestamp),
    ) -> Option<Arc<Watch>> {
        let telemetry = self.wiring.telemetry.as_ref()?;
        let parent = Parent::trusted(&parts.headers);
        let here = parent.unwrap_or_else(|| {
            let trace = self.random().bytes().first_chunk::<16>().copied().unwrap_or_default();
            Parent::new(trace, [0; 8], telemetry.samples(&trace))
        });
        let here = here.at(self.span());
        let observed = Observed {
            trace: here.trace,
            span: here.span,
            parent: parent.map(|parent| parent.span),
            sampled: here.is_sampled(),
            began,
            lasted: Duration::ZERO,
            request_id: request_id.clone(),
            method: telemetry::known(&parts.method),
            route: None,
            version: telemetry::version(parts.version),
            status: None,
            stream: false,
            decision: None,
            reason: None,
            end: None,
            model: None,
            policy_version: None,
            events: Vec::new(),
            request: Judged::default(),
            answer: Judged::default(),
            calls: Vec::new(),
        };
        let inside = Mutex::new(Inside { observed: Some(Box::new(observed)), open: false, heard: None });
        Some(Arc::new(Watch { telemetry: telemetry.clone(), here, started, inside }))
    }

    fn span(&self) -> [u8; 8] {
        self.random().bytes().first_chunk::<8>().copied().unwrap_or_default()
    }
}

impl Watch {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call is about to be sent: the provider is told which span calls it.
    pub fn calling<B>(&self, gate: &Gate, call: &mut Request<B>, aimed: &Aimed<'_>) {
        let span = gate.span();
        call.headers_mut().insert(TRACEPARENT, self.here.at(span).value());
        let (began, uri) = (self.started.elapsed(), &aimed.provider.base_url);
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let mut inside = self.inside();
        inside.close(began);
        inside.open = true;
        let Some(observed) = &mut inside.observed else { return };
        observed.calls.push(Called {
            span,
            began,
            lasted: Duration::ZERO,
            route: aimed.route.name(),
            operation: Operation::of(aimed.route),
            vendor: Vendor::of(aimed.provider, aimed.route),
            provider: aimed.provider.name.clone(),
            host: uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned(),
            port,
            model: aimed.model.map(str::to_owned),
            answered_by: None,
            stream: aimed.stream,
            status: None,
            failure: None,
            first_chunk: None,
            usage: Usage::default(),
            finish: Vec::new(),
        });
    }

    /// The call has an answer, or none.
    pub fn called<B>(&self, outcome: &Result<Response<B>, UpstreamError>) {
        let now = self.started.elapsed();
        let mut inside = self.inside();
        let Some(call) = inside.call() else { return };
        match outcome {
            Ok(answer) => {
                let status = answer.status();
                call.status = Some(status.as_u16());
                call.failure = (!status.is_success()).then(|| Failure::Status(status.as_u16()));
                inside.heard = Some(now);
            }
            Err(error) => {
                call.failure = Some(Failure::Word(match error {
                    UpstreamError::Slow(_) => "timeout",
                    UpstreamError::Refused(_) => "connection_error",
                    UpstreamError::Address => "address_error",
                    UpstreamError::Open(_) => "circuit_open",
                    UpstreamError::Limited(_) => "rate_limited",
                }));
                inside.close(now);
            }
        }
    }

    /// A piece of a streamed answer came.
    pub fn chunk(&self) {
        let now = self.started.elapsed();
        if let Some(call) = self.inside().call()
            && call.first_chunk.is_none()
        {
            call.first_chunk = Some(now.saturating_sub(call.began));
        }
    }

    /// The answer was read to its end, or to where it broke off.
    pub fn read(&self) {
        let now = self.started.elapsed();
        self.inside().close(now);
    }

    /// What an answer said of itself and of what it has used.
    pub fn said(&self, settings: &Settings, said: &Said, usage: Usage) {
        let answered_by = said.model.as_deref().filter(|model| is_known(&settings.models, model)).map(str::to_owned);
        if let Some(call) = self.inside().last() {
            (call.answered_by, call.usage) = (answered_by, usage);
            call.finish.clone_from(&said.finish);
        }
    }

    /// An event was recorded.
    pub fn recorded(&self, exchange: &Exchange, told: &Told<'_>, phase: &Phase) {
        let mut inside = self.inside();
        if told.end == EndState::UpstreamError
            && let Some(call) = inside.last()
        {
            call.failure.get_or_insert(Failure::Word(phase.reason.unwrap_or(told.end.as_str())));
        }
        let Some(observed) = inside.observed.as_deref_mut().filter(|observed| observed.sampled) else { return };
        (observed.route, observed.stream) = (exchange.route, exchange.stream);
        observed.model = exchange.model.clone().filter(|_| exchange.model_configured);
        observed.policy_version = Some(exchange.live.judge.policies().version().clone());
        if observed.events.len() < EVENTS {
            observed.events.push(told.id.clone());
        }
        observed.status = Some(told.status).filter(|status| *status != 0).or(observed.status);
        (observed.reason, observed.end) = (phase.reason, Some(told.end));
        let judged = judged(phase);
        if told.direction == Direction::Request {
            // The last place counts: what an earlier one was judged as is not what was sent.
            (observed.request, observed.decision) = (judged, Some(told.decision));
        } else {
            observed.answer = judged;
            observed.decision = observed.decision.max(Some(told.decision));
        }
    }

    /// The client is told that its request does not go on.
    pub fn refused(&self, refusal: &Refusal) {
        let mut inside = self.inside();
        let Some(observed) = &mut inside.observed else { return };
        if refusal.exchange.is_none() {
            // Nobody knows who calls. What it says of its trace decides nothing then, not even by the trace's id.
            let mut own = [0; 16];
            own.iter_mut().rev().zip(self.here.span).for_each(|(to, from)| *to = from);
            observed.sampled = self.telemetry.samples(&own);
        }
        observed.status = Some(refusal.reason.status());
        observed.reason = Some(refusal.reason.code());
        observed.decision = Some(refusal.phase.decision.unwrap_or(Decision::Blocked)).max(observed.decision);
    }
}

impl Inside {
    fn last(&mut self) -> Option<&mut Called> {
        self.observed.as_deref_mut()?.calls.last_mut()
    }

    /// The call that is not over.
    fn call(&mut self) -> Option<&mut Called> {
        if self.open { self.last() } else { None }
    }

    /// The last call is over. One whose answer nobody wanted ended when that began.
    fn close(&mut self, now: Duration) {
        let heard = self.heard.take();
        if let Some(call) = self.call() {
            let end = heard.filter(|_| call.failure.is_some()).unwrap_or(now);
            call.lasted = end.saturating_sub(call.began);
        }
        self.open = false;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let lasted = self.started.elapsed();
        let mut inside = self.inside();
        inside.close(lasted);
        let observed = inside.observed.take();
        drop(inside);
        // Of a call nobody wants the span of, there are numbers; of nothing at all there are none.
        if let Some(mut observed) = observed.filter(|observed| observed.sampled || !observed.calls.is_empty()) {
            observed.lasted = lasted;
            self.telemetry.tell(observed);
        }
    }
}

fn judged(phase: &Phase) -> Judged {
    let mut judged = Judged { left_out: phase.findings.left_out(), ..Judged::default() };
    for finding in phase.findings.list() {
        *judged.findings.entry(finding.label.clone()).or_default() += 1;
        if judged.rules.len() < NAMED && !judged.rules.contains(&finding.rule) {
            judged.rules.insert(finding.rule.clone());
        }
    }
    judged.policies = phase.policies.iter().take(NAMED).map(|policy| policy.id.clone()).collect::<BTreeSet<_>>();
    judged.remedies = phase.remedies.iter().map(|applied| applied.remedy).collect();
    judged
}

/// Whether a model that a provider names is one of the configuration, or a dated version of one.
fn is_known(models: &[Model], said: &str) -> bool {
    let is = |name: &str| !name.is_empty() && said.strip_prefix(name).is_some_and(|rest| rest.is_empty() || is_dated(rest));
    models.iter().any(|model| {
        let upstream = model.ways.iter().filter_map(|way| way.upstream_name.as_deref());
        std::iter::once(model.name.as_str()).chain(upstream).any(is)
    })
}

/// Whether this is how providers write the date of a version: `-0613`, `-20250514`, `-2026-11-27`. Other digits could be anybody's number.
fn is_dated(rest: &str) -> bool {
    let Some(date) = rest.strip_prefix('-') else { return false };
    let within = |digits: &str, bounds: std::ops::RangeInclusive<u16>| {
        digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse().is_ok_and(|number| bounds.contains(&number))
    };
    let is_day = |month: &str, day: &str| within(month, 1..=12) && within(day, 1..=31);
    let parts = |at: &[std::ops::Range<usize>; 3]| at.clone().map(|range| date.get(range).unwrap_or_default());
    match date.len() {
        4 => date.split_at_checked(2).is_some_and(|(month, day)| is_day(month, day)),
        8 => {
            let [year, month, day] = parts(&[0..4, 4..6, 6..8]);
            within(year, 2020..=2099) && is_day(month, day)
        }
        10 => {
            let [year, month, day] = parts(&[0..4, 5..7, 8..10]);
            within(year, 2020..=2099) && is_day(month, day) && date.get(4..5) == Some("-") && date.get(7..8) == Some("-")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_known_by_the_configuration_alone() {
        let models = vec![Model::at("gpt-x", 0, None), Model::at("fast", 0, Some("claude-y".to_owned())), Model::at("*", 0, None)];
        let known = |said: &str| is_known(&models, said);
        for said in ["gpt-x", "gpt-x-2026-11-27", "gpt-x-20261127", "gpt-x-0613", "claude-y", "claude-y-20250514", "fast"] {
            assert!(known(said), "{said}");
        }
        for said in [
            "",
            "gpt",
            "gpt-xy",
            "gpt-x-mini",
            "gpt-x-ada",
            "gpt-x-4111111111111111",
            "gpt-x-4155550123",
            "gpt-x-9999",
            "gpt-x-19990101",
            "gpt-x-2026+11-27",
            "gpt-x 1",
            "ada@example.com",
        ] {
            assert!(!known(said), "{said}");
        }
    }
}
