//! Verdicts about texts: `POST /v1/decide`, and the guard interfaces of other gateways. The guards are those of prompts and answers;
//! nothing is sent to a provider. The forms of the answers are in `verdict`.

use std::sync::Arc;

use bartizan_identity::may_use;
use bartizan_policy::Action;
use bartizan_vocabulary::{Decision, Direction, EndState, GuardStatus, ModelName, ProviderName};
use bartizan_wire::json::{NodeId, Tape};
use bartizan_wire::refusal::Reason;
use bartizan_wire::{Ask, Content, Control, Reading, Repeats, Route, Side, ask, asked, read_ask};
use bytes::Bytes;
use http::Response;
use http::header::{self, HeaderValue};
use hyper::body::Incoming;

use super::reading::json_only;
use super::{Head, UNCONFIGURED};
use crate::blocking::{LARGE, blocking};
use crate::body::GateBody;
use crate::budget::Reservation;
use crate::exchange::{BodySeal, Exchange, Moment, Phase};
use crate::faults::strike_writing;
use crate::guard::{GuardError, Guarded, Named, Outside, Parsed, RequestError, guard_answer, guard_request, hold, is_clean, unguarded_for};
use crate::inspect::InspectError;
use crate::live::Live;
use crate::models::bare;
use crate::query::query;
use crate::refuse::{Refusal, mark};
use crate::session::Session;
use crate::signed::Removed;
use crate::{Gate, attachments, pack, verdict};

/// A body that asks for a verdict, as it was read.
struct Asked {
    parsed: Parsed,
    ask: Ask,
    repeats: Repeats,
    /// The request that an answer belongs to.
    before: Option<Box<(Parsed, Control)>>,
    /// And the model that it was for.
    before_model: Named,
    /// Providers besides the first that the model's requests go to.
    elsewhere: Vec<ProviderName>,
}

/// What is answered and recorded.
struct Settled {
    phase: Phase,
    refused: bool,
    body: Vec<u8>,
}

impl Asked {
    /// Whether judging it would keep a worker thread from other requests: files are read, those of the earlier request too.
    fn takes_long(&self) -> bool {
        let files = |parsed: &Parsed| attachments::any(&parsed.reading.unread);
        self.parsed.bytes.len() > LARGE || files(&self.parsed) || self.before.as_deref().is_some_and(|(before, _)| files(before))
    }
}

fn parse(live: &Live, bytes: Bytes, route: Route, held: &mut Reservation) -> Result<Asked, RequestError> {
    let tape = Tape::read(&bytes, &live.settings.limits.json)?;
    hold(held, tape.memory())?;
    let ask = ask(&tape, &bytes, route)?;
    let before = ask.request.and_then(|id| Some(bytes.slice(tape.node(id)?.outer())));
    let before = before.map(|bytes| parse_before(live, bytes, held)).transpose()?;
    let (reading, repeats) = read_ask(&tape, &bytes, &ask);
    hold(held, reading.memory() + repeats.capacity() * size_of::<(NodeId, NodeId)>())?;
    let parsed = Parsed { bytes, tape, reading, removed: Removed::default() };
    Ok(Asked { parsed, ask, repeats, before, before_model: Named::default(), elsewhere: Vec::new() })
}

fn parse_before(live: &Live, bytes: Bytes, held: &mut Reservation) -> Result<Box<(Parsed, Control)>, RequestError> {
    let tape = Tape::read(&bytes, &live.settings.limits.json)?;
    hold(held, tape.memory())?;
    let ask = asked(&tape, &bytes)?;
    let (reading, _) = read_ask(&tape, &bytes, &ask);
    hold(held, reading.memory())?;
    Ok(Box::new((Parsed { bytes, tape, reading, removed: Removed::default() }, ask.control)))
}

impl Gate {
    /// Judges texts and answers with the verdict.
    pub(super) async fn decide(
        self: &Arc<Self>,
        head: &Head,
        body: &mut Incoming,
        mut exchange: Exchange,
        route: Route,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let live = Arc::clone(&exchange.live);
        if let Err(message) = query(route, head.parts.uri.query()) {
            return Err(Box::new(Refusal::of(&Arc::new(exchange), Reason::BadRequest, message)));
        }
        let mut held = self.budget.open();
        let bytes = match self.read(head, (body, json_only), &live, &mut held).await {
            Ok(bytes) => bytes,
            Err((reason, message)) => return Err(Box::new(Refusal::of(&Arc::new(exchange), reason, message))),
        };
        exchange.bytes_in = bytes.len() as u64;
        let parsed = blocking(bytes.len() > LARGE, move || (parse(&live, bytes, route, &mut held), held)).await;
        let (mut asked, held) = match parsed {
            Some((Ok(asked), held)) => (asked, held),
            None => return Err(Self::guard_failed(&Arc::new(exchange), "reading the body failed", Moment::Request)),
            Some((Err(error), _)) => {
                let reason = if matches!(error, RequestError::Busy(_)) { Reason::Busy } else { Reason::BadRequest };
                return Err(Box::new(Refusal::of(&Arc::new(exchange), reason, error.to_string())));
            }
        };
        let named = name_models(&mut exchange, &mut asked);
        let exchange = Arc::new(exchange);
        named.map_err(|(reason, message)| Box::new(Refusal::of(&exchange, reason, message)))?;
        let side = asked.ask.side;
        let (settled, held) = self.settled(head, &exchange, asked, route, held).await?;
        self.record_verdict(&exchange, side, &settled).await?;
        Ok(respond(&exchange, settled, held))
    }

    /// Runs the guards and writes the answer; large bodies, and those with files, off the worker threads.
    async fn settled(
        self: &Arc<Self>,
        head: &Head,
        exchange: &Arc<Exchange>,
        asked: Asked,
        route: Route,
        mut held: Reservation,
    ) -> Result<(Settled, Reservation), Box<Refusal>> {
        // The scope of an answer's pseudonyms is that of its request. A conversation that only the answer names is the request's too.
        let own = (&asked.parsed, &asked.ask.control);
        let named = |control: &Control| control.session.is_some() || own.1.session.is_none();
        let (of, control) = asked.before.as_deref().filter(|before| named(&before.1)).map_or(own, |(parsed, control)| (parsed, control));
        let session = self.session(exchange, head, Some((of, control)));
        let (long, side) = (asked.takes_long(), asked.ask.side);
        // Of an answer, its request is asked for again: its names must get the same pseudonyms.
        match &asked.before {
            Some(before) => pack::ask(exchange, &before.0).await,
            None if side == Side::Request => pack::ask(exchange, &asked.parsed).await,
            None => {}
        }
        let shared = Arc::clone(exchange);
        let run = move || (settle(&shared, asked, route, session, &mut held), held);
        let (result, held) =
            blocking(long, run).await.unwrap_or_else(|| (Err(GuardError::Inspect(InspectError::Panic)), self.budget.open()));
        match result {
            Ok(settled) => Ok((settled, held)),
            Err(error) if route != Route::Decide => Ok((failed(exchange, route, side, &error), held)),
            Err(GuardError::Busy(error)) => Err(Box::new(Refusal::of(exchange, Reason::Busy, error.to_string()))),
            Err(error) => {
                let moment = if side == Side::Request { Moment::Request } else { Moment::End(EndState::Blocked) };
                Err(Self::guard_failed(exchange, &error.to_string(), moment))
            }
        }
    }

    /// Record before effect: what may go on is told only after the decision is in the journal. A refusal does not wait for it.
    async fn record_verdict(&self, exchange: &Arc<Exchange>, side: Side, settled: &Settled) -> Result<(), Box<Refusal>> {
        let moment = match side {
            Side::Request => Moment::Request,
            _ if settled.refused => Moment::End(EndState::Blocked),
            _ => Moment::End(EndState::Complete),
        };
        let mut seal = BodySeal::new(self.random().bytes());
        seal.update(&settled.body);
        let appended = exchange.record(moment, &settled.phase, 200, Some(seal));
        if settled.refused {
            return Ok(());
        }
        appended.wait().await.map_err(|error| Self::ledger_failed(exchange, error, moment))
    }
}

/// The models that the texts are for, facts for the policies: that of the answer, and that of its request. One that names none is for
/// the other's.
fn name_models(exchange: &mut Exchange, asked: &mut Asked) -> Result<(), (Reason, String)> {
    let own = named(exchange, &asked.parsed, &asked.ask.control);
    let before = asked.before.as_deref().and_then(|(parsed, control)| named(exchange, parsed, control));
    let forbidden = [&own, &before].into_iter().flatten().find(|(_, allowed)| !allowed).map(|(named, _)| named.clone());
    let [own, before] = [own, before].map(|found| found.map(|(named, _)| named));
    let first = forbidden.clone().or(own).or_else(|| before.clone()).unwrap_or_default();
    asked.before_model = before.unwrap_or_else(|| first.clone());
    (exchange.model, exchange.model_configured, exchange.provider) = (first.model, first.configured, first.provider);
    asked.elsewhere = first.elsewhere;
    let Some(model) = forbidden.and_then(|named| named.model) else { return Ok(()) };
    Err((Reason::ModelNotAllowed, format!("this key may not use the model `{model}`; ask for a key that may")))
}

/// The model that a body names, and whether the caller may use it. Events and sentences show a name that nobody configured only if
/// nothing is found in it.
fn named(exchange: &Exchange, parsed: &Parsed, control: &Control) -> Option<(Named, bool)> {
    let written = parsed.tape.text(&parsed.bytes, control.model?);
    let settings = &exchange.live.settings;
    let name = bare(settings, &written);
    let configured = settings.models.iter().find(|one| one.name.as_str() == name);
    let places = configured.iter().flat_map(|model| &model.ways).filter_map(|way| settings.providers.get(way.provider));
    let mut elsewhere: Vec<ProviderName> = Vec::new();
    for place in places {
        if !elsewhere.contains(&place.name) {
            elsewhere.push(place.name.clone());
        }
    }
    let provider = if elsewhere.is_empty() { None } else { Some(elsewhere.remove(0)) };
    let shown = if configured.is_some() || is_clean(exchange, name, Some("model")) { name } else { UNCONFIGURED };
    let named = Named { model: Some(ModelName::new(shown)), configured: configured.is_some(), provider, elsewhere };
    Some((named, may_use(exchange.principal.models.as_deref(), name)))
}

/// Judges and writes the verdict. Only what fails in judging may fail open.
fn settle(exchange: &Exchange, asked: Asked, route: Route, session: Box<Session>, held: &mut Reservation) -> Result<Settled, GuardError> {
    let Asked { parsed, ask, repeats, before, before_model, elsewhere } = asked;
    let action = if ask.side == Side::Request { Action::Prompt } else { Action::Complete };
    let guarded = match judge(exchange, (&parsed, &ask, &elsewhere), before.map(|before| (before, before_model)), session) {
        Err(error) if error.may_fail_open(exchange) => unguarded_for(exchange, &parsed, (parsed.bytes.len(), &elsewhere), action, &error),
        other => other?,
    };
    let grow = |held: &mut Reservation, bytes: usize| hold(held, bytes).map_err(GuardError::Busy);
    let edited = guarded.edited && guarded.refusal.is_none();
    let after = if edited {
        grow(held, guarded.bytes.len())?;
        let tape = Tape::read(&guarded.bytes, &exchange.live.settings.limits.json).map_err(|_| GuardError::Edits)?;
        grow(held, tape.memory())?;
        let content = bartizan_wire::ask(&tape, &guarded.bytes, route).map_err(|_| GuardError::Edits)?.content;
        Some((tape, content))
    } else {
        None
    };
    strike_writing(exchange.gate.faults(), if ask.side == Side::Request { Direction::Request } else { Direction::Response });
    let whole = verdict::Texts { tape: &parsed.tape, bytes: &parsed.bytes, content: ask.content };
    let mut told = verdict::Told {
        request_id: exchange.request_id.as_str(),
        side: ask.side,
        reading: &parsed.reading,
        repeats: &repeats,
        after: after.as_ref().map_or(whole, |(tape, content)| verdict::Texts { tape, bytes: &guarded.bytes, content: *content }),
        before: whole,
        refusal: guarded.refusal.as_deref(),
        decision: guarded.phase.decision.unwrap_or(Decision::Failed),
        phase: &guarded.phase,
    };
    if let Some(sentence) = verdict::cannot_return(route, &told) {
        (told.refusal, told.decision) = (Some(sentence), Decision::Blocked);
    }
    let body = verdict::write(route, &told);
    grow(held, body.len())?;
    let (refused, decision) = (told.refusal.is_some(), told.decision);
    let mut phase = guarded.phase;
    phase.decision = Some(decision);
    if refused {
        let reason = if decision == Decision::Failed { Reason::GuardUnavailable } else { Reason::PolicyBlocked };
        phase.reason = Some(reason.code());
    }
    Ok(Settled { phase, refused, body })
}

fn judge(
    exchange: &Exchange,
    (parsed, ask, elsewhere): (&Parsed, &Ask, &[ProviderName]),
    before: Option<(Box<(Parsed, Control)>, Named)>,
    mut session: Box<Session>,
) -> Result<Box<Guarded>, GuardError> {
    let outside = Outside { text: "", upstream_model: None, again: None, elsewhere, files: false };
    if ask.side == Side::Request {
        return guard_request(exchange, parsed, &ask.control, &mut session, &outside);
    }
    let Some((request, model)) = before else { return guard_answer(exchange, parsed, &session, elsewhere) };
    // The pseudonyms of the request are minted once more: the same scope and the same values give the same ones.
    let again = guard_request(exchange, &request.0, &request.1, &mut session, &Outside { again: Some(&model), ..outside })?;
    if again.refusal.is_some() {
        // No such request went on, so nothing that was minted for it stands in an answer.
        session = exchange.gate.session_of_nobody(exchange);
    }
    session.keep(request);
    let mut guarded = guard_answer(exchange, parsed, &session, elsewhere)?;
    if let Some(asked) = exchange.given.get() {
        asked.record(&mut guarded.phase);
    }
    Ok(guarded)
}

/// What fails after the body was read is a verdict for other gateways: their owners may have them go on after an error.
fn failed(exchange: &Exchange, route: Route, side: Side, error: &GuardError) -> Settled {
    tracing::error!(%error, request_id = %exchange.request_id, "a guard failed; the texts were refused");
    let mut phase = Phase::decided(Decision::Failed);
    phase.not_run("detect", GuardStatus::Failed, &error.to_string());
    phase.reason = Some(Reason::GuardUnavailable.code());
    let (tape, reading, repeats) = (Tape::default(), Reading::default(), Repeats::new());
    let nothing = verdict::Texts { tape: &tape, bytes: &[], content: Content::default() };
    let body = verdict::write(
        route,
        &verdict::Told {
            request_id: exchange.request_id.as_str(),
            side,
            decision: Decision::Failed,
            phase: &phase,
            refusal: Some(&format!("{error}, so nothing may go on")),
            reading: &reading,
            repeats: &repeats,
            before: nothing,
            after: nothing,
        },
    );
    Settled { phase, refused: true, body }
}

fn respond(exchange: &Exchange, settled: Settled, held: Reservation) -> Response<GateBody> {
    let decision = settled.phase.decision.unwrap_or(Decision::Failed);
    exchange.gate.metrics().decided(decision);
    exchange.gate.metrics().gate_latency.observe(settled.phase.gate_micros);
    let mut response = Response::new(GateBody::counted(Bytes::from(settled.body), held));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    mark(response.headers_mut(), &exchange.request_id, decision, &settled.phase.coach);
    response
}
