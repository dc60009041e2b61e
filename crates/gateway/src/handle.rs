//! One request from its first byte to the provider's answer.

mod conversation;
mod decide;
mod listing;
mod reading;

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bartizan_identity::{CredentialKind, presented};
use bartizan_policy::Action;
use bartizan_vocabulary::{Decision, GuardStatus, ModelName, Principal, PrincipalId, PrincipalKind, RequestId};
use bartizan_wire::refusal::{Reason, Shape};
use bartizan_wire::{Call, Control, Found, Route, shape_for_google, shape_of};
use http::header::{self, HeaderMap};
use http::uri::Authority;
use http::{Request, Response, request};
use http_body::Body;
use hyper::body::Incoming;

pub(crate) use self::conversation::conversation_key;
pub(crate) use self::reading::UNREAD;
use crate::attempts::Asked;
use crate::blocking::{LARGE, blocking};
use crate::body::{GateBody, ReadError, drain};
use crate::budget::Reservation;
use crate::charge::Ask;
use crate::exchange::{Exchange, Moment, Phase};
use crate::guard::{GuardError, Guarded, Outside, Parsed, guard_request, is_clean, unguarded};
use crate::headers::{host_allowed, wants_websocket};
use crate::live::Live;
use crate::models::named;
use crate::observing::Watch;
use crate::query::query;
use crate::quotas::Exceeded;
use crate::refuse::Refusal;
use crate::routing::{Itinerary, Wanted};
use crate::session::Session;
use crate::settings::Auth;
use crate::{Gate, attachments, hints, pack};

/// Stands in events and sentences for a model name that nobody configured and in which something was found.
const UNCONFIGURED: &str = "<unconfigured>";

/// What a request says outside its body.
pub(crate) struct Head {
    pub(crate) parts: request::Parts,
    pub(crate) shape: Shape,
    pub(crate) request_id: RequestId,
    pub(crate) started: Instant,
    /// Who watches, if anybody does.
    pub(crate) watch: Option<Arc<Watch>>,
}

/// The request as it was read, with what it holds of the budget: lent to the guard, and kept while it may have to be judged again.
pub(crate) struct Lent {
    /// Until nothing can need it any more.
    body: Option<Box<(Parsed, Control)>>,
    /// What is held for it: not for what was made of it for a place.
    pub(crate) held: Reservation,
}

impl Lent {
    pub(crate) fn new(body: Box<(Parsed, Control)>, held: Reservation) -> Self {
        Self { body: Some(body), held }
    }

    /// The request, while it is here.
    pub(crate) fn read(&self) -> Option<(&Parsed, &Control)> {
        self.body.as_deref().map(|(parsed, control)| (parsed, control))
    }

    /// Whether the body names the model in other places than its own field.
    pub(crate) fn names_model_elsewhere(&self) -> bool {
        self.body.as_deref().is_some_and(|(_, control)| !control.also.is_empty())
    }

    /// Leaves the request to the session, which keeps what it needs of it: it will not be judged again.
    pub(crate) fn keep_in(&mut self, session: &mut Session) {
        if let Some(body) = self.body.take() {
            session.keep(body);
        }
    }
}

impl Gate {
    /// Answers one request.
    pub async fn handle(self: Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> Response<GateBody> {
        let started = Instant::now();
        let now = self.now();
        let request_id = RequestId::new(self.random().uuid(now));
        let (parts, mut body) = request.into_parts();
        let shape = shape(&parts);
        let watch = self.watch(&parts, &request_id, (started, now));
        let head = Head { parts, shape, request_id, started, watch };
        match self.admit(&head, &mut body, peer).await {
            Ok(response) => response,
            Err(refusal) => {
                let response = self.refuse(shape, &head.request_id, &refusal);
                if let Some(watch) = &head.watch {
                    watch.refused(&refusal);
                }
                if !body.is_end_stream() && !head.parts.headers.contains_key(header::EXPECT) {
                    drain(body, self.settings().limits.body_bytes).await;
                }
                response
            }
        }
    }

    async fn admit(self: &Arc<Self>, head: &Head, body: &mut Incoming, peer: SocketAddr) -> Result<Response<GateBody>, Box<Refusal>> {
        let live = self.live();
        addressed_rightly(&head.parts, &live).map_err(|(reason, message)| self.stranger(peer, reason, message))?;
        let principal = self
            .authenticate(&head.parts.headers, &live)
            .map_err(|message| self.stranger(peer, Reason::BadKey, hints::key_in_query(message, head.parts.uri.query())))?;
        let exchange = |route: Option<Route>| Exchange {
            gate: Arc::clone(self),
            live: Arc::clone(&live),
            request_id: head.request_id.clone(),
            principal: Arc::clone(&principal),
            route: route.map(Route::name),
            provider: None,
            model: None,
            model_configured: false,
            stream: false,
            streams_array: false,
            charge: None,
            ask: None,
            also: OnceLock::new(),
            translated: OnceLock::new(),
            started: head.started,
            bytes_in: 0,
            ended: AtomicBool::new(false),
            salt: self.random().bytes(),
            commitment: OnceLock::new(),
            cache_scope: OnceLock::new(),
            given: OnceLock::new(),
            watch: head.watch.clone(),
        };
        let (method, path) = (head.parts.method.as_str(), head.parts.uri.path());
        match Route::find(method, path) {
            Found::Route(call) if call.route.lists_models() => {
                // Google's SDKs ask for their list on OpenAI's path too.
                let route = if head.shape == Shape::Gemini { Route::GeminiModels } else { call.route };
                self.models(head, exchange(Some(route)), route).await
            }
            Found::Route(call) if call.route.decides() => self.decide(head, body, exchange(Some(call.route)), call.route).await,
            // Boxed, like all that is rare.
            Found::Route(call) if call.route.is_of_objects() => {
                Box::pin(self.kept_there(head, body, exchange(Some(call.route)), call)).await
            }
            Found::Route(call) => self.prompt(head, body, exchange(Some(call.route)), call).await,
            _ if wants_websocket(&head.parts.headers) => Err(Box::new(Refusal::of(
                &Arc::new(exchange(None)),
                Reason::UpgradeRefused,
                "WebSocket is not spoken here; send HTTP requests",
            ))),
            Found::WrongMethod(route) => {
                let message = format!("use `{}`", route.name());
                Err(Box::new(Refusal::of(&Arc::new(exchange(Some(route))), Reason::MethodNotAllowed, message)))
            }
            Found::Refused(what) => {
                let message = format!("{what} cannot be inspected yet, and nothing passes uninspected: this route is refused");
                Err(Box::new(Refusal::of(&Arc::new(exchange(None)), Reason::NotFound, message)))
            }
            Found::Unknown => Err(Box::new(Refusal::of(&Arc::new(exchange(None)), Reason::NotFound, hints::not_spoken(method, path)))),
        }
    }

    /// Refuses a caller that nobody knows.
    fn stranger(&self, peer: SocketAddr, reason: Reason, message: String) -> Box<Refusal> {
        self.metrics().unauthenticated_total.add(1);
        self.refusals().note(peer.ip());
        Box::new(Refusal::early(reason, message))
    }

    fn authenticate(&self, headers: &HeaderMap, live: &Live) -> Result<Arc<Principal>, String> {
        let values = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let presented = presented(CredentialKind::Key, values).map_err(|error| error.to_string())?;
        match presented.credential {
            Some(credential) => {
                self.wiring.directory.authenticate(&credential.hash(&self.wiring.keys.key_hash)).ok_or_else(|| {
                    "this key is not known here, or was revoked; make one with `bartizan keys create --name NAME`".to_owned()
                })
            }
            None if live.settings.auth == Auth::Anonymous => Ok(anonymous()),
            None => {
                Err("a virtual key is needed: send `Authorization: Bearer bzk_…`; make one with `bartizan keys create --name NAME`"
                    .to_owned())
            }
        }
    }

    async fn prompt(
        self: &Arc<Self>,
        head: &Head,
        body: &mut Incoming,
        mut exchange: Exchange,
        call: Call<'_>,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let (live, route) = (Arc::clone(&exchange.live), call.route);
        let query = match query(route, head.parts.uri.query()) {
            Ok(query) => query,
            Err(message) => return Err(Box::new(Refusal::of(&Arc::new(exchange), Reason::BadRequest, message))),
        };
        let (mut body, held) = match self.read_json(head, body, &mut exchange, route).await {
            Ok(read) => read,
            Err(Some((reason, message))) => return Err(Box::new(Refusal::of(&Arc::new(exchange), reason, message))),
            Err(None) => return Err(Self::guard_failed(&Arc::new(exchange), UNREAD, Moment::Request)),
        };
        let (parsed, control) = &*body;
        let in_body = control.model.map(|model| parsed.tape.text(&parsed.bytes, model).into_owned());
        let also = control.also.iter().map(|id| parsed.tape.text(&parsed.bytes, *id));
        let name = match named(&live.settings, (&call, in_body.as_deref()), also) {
            Ok(name) => name.to_owned(),
            Err(message) => return Err(Box::new(Refusal::of(&Arc::new(exchange), Reason::BadRequest, message))),
        };
        (exchange.stream, exchange.streams_array) = (control.stream, route == Route::StreamGenerateContent);
        let shown = shown(&mut exchange, &name);
        let resumed = match self.resumed(&exchange, &mut body).await {
            Ok(resumed) => resumed,
            Err((reason, message)) => return Err(Box::new(Refusal::of(&Arc::new(exchange), reason, message))),
        };
        if let Some(message) = resumed.as_ref().and_then(|resumed| resumed.bars(&name)) {
            return Err(Box::new(Refusal::of(&Arc::new(exchange), Reason::BadRequest, message)));
        }
        let cached = resumed.as_ref().and_then(|resumed| resumed.cached()).map(|cached| cached.upstream);
        let asked = Asked { head, call, query: &query, in_body: in_body.as_deref(), name: &name, resumed: resumed.as_deref() };
        let (circuits, principal) = (&live.circuits, Arc::clone(&exchange.principal));
        let (in_body, only) = (in_body.is_some(), resumed.as_ref().map(|resumed| resumed.provider));
        let wanted =
            Wanted { settings: &live.settings, circuits, principal: &principal, call, name: (&name, shown), in_body, only, cached };
        let (itinerary, target) = match Itinerary::begin(wanted, self.now(), &|| self.chance()) {
            Ok(begun) => begun,
            Err(nowhere) => return Err(Box::new(Refusal::nowhere(&Arc::new(exchange), nowhere))),
        };
        exchange.provider = Some(target.provider.name.clone());
        if itinerary.is_fallback(target) {
            (exchange.model, exchange.model_configured) = (Some(target.model.name.clone()), true);
        }
        if let Err(exceeded) = self.charge(&mut exchange, &name, (route, &body.0)) {
            return Err(Box::new(Refusal::exceeded(&Arc::new(exchange), exceeded)));
        }
        self.travel(&asked, exchange, (itinerary, target), Lent::new(body, held)).await
    }

    /// Counts a request on the limits that cover it. Counting tokens uses none.
    pub(crate) fn charge(&self, exchange: &mut Exchange, name: &str, (route, parsed): (Route, &Parsed)) -> Result<(), Exceeded> {
        let only_counts = matches!(route, Route::CountTokens | Route::CountContentTokens);
        let (live, stream) = (&exchange.live, exchange.stream);
        let ask = || Ask::of(parsed, route, live.settings.limits.answer_tokens, stream || route == Route::StreamGenerateContent);
        exchange.ask = live.quotas.name_models().then(ask);
        exchange.charge = live.quotas.charge(&exchange.principal, name, ask, &self.wiring.clock)?;
        if let Some(charge) = exchange.charge.as_ref().filter(|_| only_counts) {
            charge.release();
        }
        Ok(())
    }

    /// Counts a request that no model answers: it uses no tokens, and rules for a model do not cover it.
    pub(crate) fn charge_request(&self, exchange: &mut Exchange) -> Result<(), Exceeded> {
        exchange.charge = exchange.live.quotas.charge(&exchange.principal, "", Ask::default, &self.wiring.clock)?;
        if let Some(charge) = &exchange.charge {
            charge.release();
        }
        Ok(())
    }

    /// The scope of pseudonyms: principal and conversation. The header can only narrow it.
    pub(crate) fn session(&self, exchange: &Exchange, head: &Head, read: Option<(&Parsed, &Control)>) -> Box<Session> {
        self.session_in(exchange, conversation_key(head, read).to_hex().as_str())
    }

    /// Runs the guards; large bodies, and those with files, off the worker threads. Gives the request back, whatever they say. An edited
    /// copy comes with what it takes of the budget.
    pub(crate) async fn guarded(
        self: &Arc<Self>,
        exchange: &Arc<Exchange>,
        mut session: Box<Session>,
        (outside, model): (String, Option<String>),
        lent: Lent,
    ) -> Result<(Result<(Box<Guarded>, Option<Reservation>), Box<Refusal>>, Box<Session>, Lent), Box<Refusal>> {
        let stopped = || Self::guard_failed(exchange, "the guard was stopped", Moment::Request);
        let Lent { body: Some(body), mut held } = lent else { return Err(stopped()) };
        pack::ask(exchange, &body.0).await;
        let shared = Arc::clone(exchange);
        let long = exchange.bytes_in > LARGE as u64 || attachments::any(&body.0.reading.unread);
        // What is held goes along: a request that is abandoned meanwhile stays counted until the guard lets go of it.
        let run = move || {
            let (parsed, control) = &*body;
            let outside = Outside { text: &outside, upstream_model: model.as_deref(), again: None, elsewhere: &[], files: true };
            let result = match guard_request(&shared, parsed, control, &mut session, &outside) {
                // With an alias or a signed block to mend an edit is needed, and what was not inspected is not edited.
                Err(error) if model.is_none() && parsed.removed.is_none() && error.may_fail_open(&shared) => {
                    Ok(unguarded(&shared, parsed, parsed.bytes.len(), Action::Prompt, &error))
                }
                other => other,
            };
            let edited = result.as_ref().map_or(0, |guarded| if guarded.edited { guarded.bytes.len() } else { 0 });
            let fits = edited == 0 || held.grow(edited);
            let copy = (fits && edited > 0).then(|| held.split(edited));
            (result, session, Lent { body: Some(body), held }, (fits, copy))
        };
        let (result, session, lent, (fits, copy)) = blocking(long, run).await.ok_or_else(stopped)?;
        let guarded = match result {
            Ok(guarded) => Self::let_pass(exchange, guarded),
            Err(GuardError::Busy(error)) => Err(Box::new(Refusal::of(exchange, Reason::Busy, error.to_string()))),
            Err(error) => Err(Self::guard_failed(exchange, &error.to_string(), Moment::Request)),
        };
        let busy = || Box::new(Refusal::of(exchange, Reason::Busy, ReadError::Busy.to_string()));
        let guarded = guarded.and_then(|guarded| if fits { Ok((guarded, copy)) } else { Err(busy()) });
        Ok((guarded, session, lent))
    }

    /// What the guards refused goes no further.
    pub(crate) fn let_pass(exchange: &Arc<Exchange>, guarded: Box<Guarded>) -> Result<Box<Guarded>, Box<Refusal>> {
        match guarded.refusal {
            None => Ok(guarded),
            Some(message) => {
                let failed = guarded.phase.decision == Some(Decision::Failed);
                let reason = if failed { Reason::GuardUnavailable } else { Reason::PolicyBlocked };
                Err(Box::new(Refusal::of(exchange, reason, message).with(Moment::Request, guarded.phase)))
            }
        }
    }

    pub(crate) fn guard_failed(exchange: &Arc<Exchange>, error: &str, moment: Moment) -> Box<Refusal> {
        tracing::error!(error, request_id = %exchange.request_id, "a guard failed; the request was refused");
        let mut phase = Phase::decided(Decision::Failed);
        phase.not_run("detect", GuardStatus::Failed, error);
        Box::new(Refusal::of(exchange, Reason::GuardUnavailable, format!("{error}, so nothing was sent")).with(moment, phase))
    }

    pub(crate) fn ledger_failed(exchange: &Arc<Exchange>, error: bartizan_ledger::JournalError, moment: Moment) -> Box<Refusal> {
        tracing::error!(%error, request_id = %exchange.request_id, "a decision could not be recorded; the request was refused");
        let mut phase = Phase::decided(Decision::Failed);
        phase.not_run("ledger", GuardStatus::Failed, &error.to_string());
        let message = "the decision could not be recorded, so nothing was sent";
        Box::new(Refusal::of(exchange, Reason::GuardUnavailable, message).with(moment, phase))
    }
}

/// Events and sentences show a name that nobody configured only if nothing is found in it.
pub(crate) fn shown<'a>(exchange: &mut Exchange, name: &'a str) -> &'a str {
    exchange.model_configured = exchange.live.settings.models.iter().any(|model| model.name.as_str() == name);
    let shown = if exchange.model_configured || is_clean(exchange, name, Some("model")) { name } else { UNCONFIGURED };
    exchange.model = Some(ModelName::new(shown));
    shown
}

/// The format in which a client expects errors, and the list of models.
fn shape(parts: &request::Parts) -> Shape {
    let has = |name: &str| parts.headers.contains_key(name);
    let path = parts.uri.path();
    if !has("anthropic-version") && (has("x-goog-api-client") || has("x-goog-api-key")) {
        return shape_for_google(path);
    }
    shape_of(path, has("anthropic-version"))
}

/// `Host` and `Origin`: against pages in a browser that reach for a gate on loopback.
fn addressed_rightly(parts: &request::Parts, live: &Live) -> Result<(), (Reason, String)> {
    if parts.headers.get_all(header::HOST).iter().nth(1).is_some() {
        return Err((Reason::BadRequest, "send one `Host` header".to_owned()));
    }
    let header = parts.headers.get(header::HOST).map(|value| value.to_str().unwrap_or_default());
    // One name: whoever stands before or behind the gate may look at the other.
    let host = match (header, parts.uri.authority().map(Authority::as_str)) {
        (Some(header), Some(target)) if !header.eq_ignore_ascii_case(target) => {
            return Err((Reason::BadRequest, "the `Host` header and the target of the request name different hosts".to_owned()));
        }
        (Some(host), _) | (None, Some(host)) => host,
        (None, None) => return Err((Reason::BadRequest, "a `Host` header is needed".to_owned())),
    };
    let allowed = &live.settings.hosts;
    if !host_allowed(host, allowed) {
        return Err((Reason::Forbidden, format!("the gate is not addressed as `{host}`; add the name to `gate.hosts`")));
    }
    let Some(origin) = parts.headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let name = origin.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
    if name.is_empty() || !host_allowed(name, allowed) {
        return Err((Reason::Forbidden, "requests from pages of other origins are refused".to_owned()));
    }
    Ok(())
}

fn anonymous() -> Arc<Principal> {
    static ANONYMOUS: OnceLock<Arc<Principal>> = OnceLock::new();
    let make = || {
        Arc::new(Principal {
            id: PrincipalId::new("anonymous"),
            kind: PrincipalKind::Anonymous,
            key: None,
            groups: Vec::new(),
            models: None,
        })
    };
    Arc::clone(ANONYMOUS.get_or_init(make))
}
