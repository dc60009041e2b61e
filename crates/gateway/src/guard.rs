//! Guarding a whole body, in either direction. Synchronous and bounded: bytes and facts in, bytes and a phase out.

mod error;
mod file;
mod keys;
mod looking;

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use bartizan_policy::{Action, Facts, Outcome};
use bartizan_vocabulary::{Decision, Direction, GuardStatus, Label, ModelName, ProviderName, Role, TextClass, UninspectedKind};
use bartizan_wire::json::{Node, NodeId, Splice, Tape, splice};
use bartizan_wire::{Control, Form, Part, Reading, Route, Said, Side, Usage, as_text, control, read, written};
use bytes::Bytes;
pub use error::{GuardError, RequestError};
pub use file::{FileSent, guard_file};
use keys::{keys_collide, logprobs};
use looking::{caught, inspect_outside, inspect_with_files};
pub use looking::{inspect, is_clean};

use crate::attachments::Files;
use crate::bench::Bench;
use crate::body::ReadError;
use crate::budget::Reservation;
use crate::charge::Seen;
use crate::edit::unit_splices;
use crate::exchange::{Exchange, Phase};
use crate::faults::strike;
use crate::giving_back::restore;
use crate::inspect::{Body, Inspector, Unit, event_finding};
use crate::kept::Kept;
use crate::live::Live;
use crate::models::MODELS;
use crate::pack::GUARD;
use crate::remedy::{self, Judged};
use crate::session::Session;
use crate::signed::Removed;

/// Longest name of a tool that facts keep: longer ones are no names that a provider takes.
const TOOL_NAME: usize = 256;

/// A body that was read: JSON with its spans.
pub struct Parsed {
    /// The bytes.
    pub bytes: Bytes,
    /// Spans.
    pub tape: Tape,
    /// What is to be inspected.
    pub reading: Reading,
    /// Signed blocks that come back with something removed.
    pub removed: Removed,
}

/// What a guard gives back.
pub struct Guarded {
    /// What may be sent, if anything may.
    pub bytes: Bytes,
    /// What was decided and why.
    pub phase: Phase,
    /// Whether the bytes are a copy with edits.
    pub edited: bool,
    /// Why nothing may be sent.
    pub refusal: Option<String>,
}

impl Parsed {
    /// What an answer says it has used, and how much text it holds.
    pub fn seen(&self) -> Seen {
        Seen { usage: self.usage(), text: written(&self.tape, &self.bytes, &self.reading) }
    }

    /// What an answer says it has used.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        usage.see(&self.tape, &self.bytes);
        usage
    }

    /// What an answer says of itself.
    pub fn said(&self) -> Said {
        let mut said = Said::default();
        said.see(&self.tape, &self.bytes);
        said
    }

    pub(crate) fn body(&self) -> Body<'_> {
        Body { bytes: &self.bytes, tape: &self.tape, reading: &self.reading }
    }
}

/// Reads a request.
///
/// # Errors
/// A sentence for the client.
pub fn parse_request(live: &Live, bytes: Bytes, route: Route, held: &mut Reservation) -> Result<(Parsed, Control), RequestError> {
    let tape = Tape::read(&bytes, &live.settings.limits.json)?;
    hold(held, tape.memory())?;
    let control = control(&tape, &bytes, route)?;
    let reading = read(&tape, &bytes, Side::Request);
    hold(held, reading.memory())?;
    let removed = Removed::of(Body { bytes: &bytes, tape: &tape, reading: &reading });
    Ok((Parsed { bytes, tape, reading, removed }, control))
}

/// The texts of a request that stand outside its body.
pub struct Outside<'a> {
    /// Forwarded header values and the query.
    pub text: &'a str,
    /// What the provider calls the model, when it differs.
    pub upstream_model: Option<&'a str>,
    /// The request was judged before, and is judged once more for its pseudonyms: for this model, and nothing is counted again.
    pub again: Option<&'a Named>,
    /// Other providers that the texts may be for: what policy asks for any of them is done.
    pub elsewhere: &'a [ProviderName],
    /// Files may be replaced by their text: what asks for more than a verdict can carry one.
    pub files: bool,
}

/// The model that texts are for, as events show it.
#[derive(Clone, Default)]
pub struct Named {
    /// Model as the client named it.
    pub model: Option<ModelName>,
    /// Whether that name stands in the configuration.
    pub configured: bool,
    /// Its provider.
    pub provider: Option<ProviderName>,
    /// The others that may be called for it, each once.
    pub elsewhere: Vec<ProviderName>,
}

/// Guards a request. The session learns what was replaced.
///
/// # Errors
/// When a guard failed: nothing may be sent then, unless the scope chose otherwise.
pub fn guard_request(
    exchange: &Exchange,
    parsed: &Parsed,
    control: &Control,
    session: &mut Session,
    outside: &Outside<'_>,
) -> Result<Box<Guarded>, GuardError> {
    caught(|stage| {
        strike(exchange.gate.faults(), Direction::Request)?;
        let began = Instant::now();
        let body = parsed.body();
        let (mut units, attached) = inspect_with_files(exchange, body)?;
        parsed.removed.silence(body, &mut units);
        let outside_findings = inspect_outside(exchange, outside.text)?;
        let inspected = micros(began);
        let mut facts = exchange.facts(Action::Prompt, GuardStatus::Ran);
        if let Some(asked) = exchange.given.get() {
            facts.context.guards.insert(Arc::from(GUARD), asked.status());
        }
        if let Some(named) = outside.again {
            facts.resource.model.clone_from(&named.model);
            exchange.place(&mut facts.resource, named.provider.as_ref());
            facts.context.body_bytes = parsed.bytes.len() as u64;
        }
        facts.context.token_estimate = parsed.bytes.len() as u64 / 4;
        facts.context.tools = tool_names(body, &units);
        remedy::count_findings(&mut facts, &units);
        remedy::count_findings(&mut facts, &outside_findings);
        remedy::count_findings(&mut facts, &attached.units);
        note_unread(&mut facts, attached.unread, Role::User);
        for hit in units.iter().chain(&attached.units).flat_map(|unit| &unit.scan.tokens) {
            session.reserve(hit);
        }
        // What stands outside the body or in a file cannot be edited: it takes part in judging as a unit without parts.
        units.extend(outside_findings);
        units.extend(attached.units);
        let mut replace = |label: &_, text: &str, asked, number| session.replace(label, text, asked, number);
        let until = began + exchange.live.settings.limits.inspect;
        let mut files = Files::new(exchange, body, Inspector { deadline: until, ..looking::inspector(exchange, true) });
        let files = outside.files.then_some(&mut files);
        stage.judging(exchange, Direction::Request);
        let bench = Bench::new(exchange, &facts, outside.again.map_or(outside.elsewhere, |named| &named.elsewhere));
        let judged = remedy::judge(&bench, facts, &units, (body, until), &mut replace, files)?;
        let splices = request_splices(parsed, control, &units, &judged, outside.upstream_model)?;
        if outside.again.is_none() {
            exchange.gate.metrics().tokenised_total.add(session.minted);
            count_found(exchange, &units);
        }
        let mut guarded = finish(exchange, parsed, &units, judged, splices, (inspected, micros(began)))?;
        if let Some(asked) = exchange.given.get() {
            asked.record(&mut guarded.phase);
        }
        Ok(guarded)
    })
}

/// Guards a request for a list. What its headers hold cannot be edited, so a finding there blocks.
///
/// # Errors
/// As for requests.
pub fn guard_listing(exchange: &Exchange, outside: &str) -> Result<Box<Guarded>, GuardError> {
    guard_bare(exchange, Action::ListModels, outside)
}

/// Guards a request that has no body.
///
/// # Errors
/// As for requests.
pub fn guard_bare(exchange: &Exchange, action: Action, outside: &str) -> Result<Box<Guarded>, GuardError> {
    caught(|stage| {
        strike(exchange.gate.faults(), Direction::Request)?;
        let began = Instant::now();
        let parsed = Parsed { bytes: Bytes::new(), tape: Tape::default(), reading: Reading::default(), removed: Removed::default() };
        let units = inspect_outside(exchange, outside)?;
        let inspected = micros(began);
        let mut facts = exchange.facts(action, GuardStatus::Ran);
        remedy::count_findings(&mut facts, &units);
        stage.judging(exchange, Direction::Request);
        let mut judged = remedy::judge(
            &Bench::new(exchange, &facts, &[]),
            facts,
            &units,
            (parsed.body(), began + exchange.live.settings.limits.inspect),
            &mut |_, _, _, _| None,
            None,
        )?;
        let found = units.iter().find_map(|unit| unit.scan.findings.first());
        if let Some(finding) = found.filter(|_| judged.refusal.is_none()) {
            judged.decision = Decision::Blocked;
            judged.refusal = Some(format!("`{}` was found in a header, where it cannot be replaced", finding.label));
        }
        count_found(exchange, &units);
        finish(exchange, &parsed, &units, judged, Default::default(), (inspected, micros(began)))
    })
}

/// Guards a whole answer. `elsewhere`: other providers that it may be from.
///
/// # Errors
/// As for requests.
pub fn guard_answer(
    exchange: &Exchange,
    parsed: &Parsed,
    session: &Session,
    elsewhere: &[ProviderName],
) -> Result<Box<Guarded>, GuardError> {
    caught(|stage| {
        strike(exchange.gate.faults(), Direction::Response)?;
        let began = Instant::now();
        let body = parsed.body();
        let mut units = inspect(exchange, body, !session.is_empty())?;
        for unit in &mut units {
            unit.give_way(&|hit| session.knows(hit));
        }
        let inspected = micros(began);
        let mut facts = exchange.facts(Action::Complete, GuardStatus::Ran);
        facts.context.body_bytes = parsed.bytes.len() as u64;
        remedy::count_findings(&mut facts, &units);
        note_unread(&mut facts, kinds(&parsed.reading), Role::Assistant);
        let mut replacing = session.of_answer();
        let mut replace = |label: &_, text: &str, asked, _| replacing.replace(label, text, asked);
        let until = began + exchange.live.settings.limits.inspect;
        stage.judging(exchange, Direction::Response);
        let bench = Bench::new(exchange, &facts, elsewhere);
        let mut judged = remedy::judge(&bench, facts, &units, (body, until), &mut replace, None)?;
        exchange.seal_removed(body, &units, &mut judged.edits);
        let restored = restore(exchange, session, body, &units, &mut judged);
        let mut splices = edit_splices(parsed, &units, &judged);
        splices.extend(restored);
        logprobs(parsed, &units, &mut splices)?;
        count_found(exchange, &units);
        finish(exchange, parsed, &units, judged, (splices, Vec::new()), (inspected, micros(began)))
    })
}

/// Judges a body that could not be inspected, where the scope chose to fail open. Only a permit passes: nothing was found, so
/// no remedy can be carried out. `length`: bytes of what goes on.
pub fn unguarded(exchange: &Exchange, parsed: &Parsed, length: usize, action: Action, error: &GuardError) -> Box<Guarded> {
    unguarded_for(exchange, parsed, (length, &[]), action, error)
}

/// The same where other providers may be called, too.
pub fn unguarded_for(
    exchange: &Exchange,
    parsed: &Parsed,
    (length, elsewhere): (usize, &[ProviderName]),
    action: Action,
    error: &GuardError,
) -> Box<Guarded> {
    let mut facts = exchange.facts(action, GuardStatus::FailedOpen);
    let role = if action == Action::Complete { Role::Assistant } else { Role::User };
    facts.context.body_bytes = length as u64;
    facts.context.token_estimate = if action == Action::Prompt { length as u64 / 4 } else { 0 };
    note_unread(&mut facts, kinds(&parsed.reading), role);
    let bench = Bench::new(exchange, &facts, elsewhere);
    let verdict = bench.judge(&facts);
    bench.name(&mut facts);
    let refusal = (verdict.outcome != Outcome::Permit).then(|| remedy::refusal(&verdict, &facts));
    let decision = refusal.as_ref().map_or(Decision::Permit, |(decision, _)| *decision);
    let mut phase =
        Phase { policies: remedy::fired(&verdict), coach: verdict.coach.clone(), facts: Some(Box::new(facts)), ..Phase::decided(decision) };
    phase.not_run("detect", GuardStatus::FailedOpen, &error.to_string());
    phase.ran("policy", 0);
    if refusal.is_none() {
        tracing::error!(%error, request_id = %exchange.request_id, "a guard failed and a body was let pass, as configured");
        exchange.gate.metrics().failed_open_total.add(1);
    }
    let bytes = if refusal.is_some() { Bytes::new() } else { parsed.bytes.clone() };
    Box::new(Guarded { bytes, phase, edited: false, refusal: refusal.map(|(_, sentence)| sentence) })
}

/// Reads an answer.
///
/// # Errors
/// When it is not JSON, or its spans do not fit into the budget.
pub fn parse_answer(live: &Live, bytes: Bytes, held: &mut Reservation) -> Result<Parsed, RequestError> {
    let tape = Tape::read(&bytes, &live.settings.limits.json)?;
    hold(held, tape.memory())?;
    let reading = read(&tape, &bytes, Side::Answer);
    hold(held, reading.memory())?;
    Ok(Parsed { bytes, tape, reading, removed: Removed::default() })
}

/// Holds so many bytes more.
///
/// # Errors
/// When the budget does not have them.
pub fn hold(held: &mut Reservation, bytes: usize) -> Result<(), ReadError> {
    if held.grow(bytes) { Ok(()) } else { Err(ReadError::Busy) }
}

fn micros(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// What a body holds that is not read, files as a whole.
fn kinds(reading: &Reading) -> impl Iterator<Item = UninspectedKind> {
    reading.unread.iter().map(|unread| unread.kind)
}

fn note_unread(facts: &mut Facts, unread: impl IntoIterator<Item = UninspectedKind>, role: Role) {
    for kind in unread {
        facts.add_uninspected(role, kind);
    }
}

/// Names of tools that are offered: the fixed strings under `name` of tool definitions. Of a name in which something was found,
/// only that is told: facts are kept.
fn tool_names(body: Body<'_>, units: &[Unit]) -> BTreeSet<Arc<str>> {
    let found: HashMap<u32, &Label> = units
        .iter()
        .filter_map(|unit| Some((unit, &unit.scan.findings.first()?.label)))
        .flat_map(|(unit, label)| body.parts(unit).iter().map(move |part| (part.node, label)))
        .collect();
    let named = |part: &&Part| part.class == TextClass::ToolDefinition && part.fixed && part.form == Form::String;
    let name = |part: &Part| {
        let key = body.tape.key(body.bytes, part.node)?;
        (key == "name").then(|| match found.get(&part.node) {
            Some(label) => Some(Arc::from(bartizan_detect::placeholder(label))),
            None => Some(body.tape.text(body.bytes, part.node)).filter(|name| name.len() <= TOOL_NAME).map(|name| Arc::from(name.as_ref())),
        })?
    };
    body.reading.parts.iter().filter(named).filter_map(name).take(1_024).collect()
}

fn edit_splices(parsed: &Parsed, units: &[Unit], judged: &Judged) -> Vec<Splice> {
    let body = parsed.body();
    let mut splices = Vec::new();
    for edits in &judged.edits {
        if let Some(unit) = units.get(edits.unit) {
            unit_splices(body, body.parts(unit), &edits.edits, &mut splices);
        }
    }
    splices
}

/// The edits of a request: those of its texts, and those that put a text in the place of a file. Neither reaches into the other.
fn request_splices(
    parsed: &Parsed,
    control: &Control,
    units: &[Unit],
    judged: &Judged,
    model: Option<&str>,
) -> Result<(Vec<Splice>, Vec<Splice>), GuardError> {
    let mut splices = edit_splices(parsed, units, judged);
    splices.extend(parsed.removed.splices(parsed.body()));
    let (files, gone) = file_splices(parsed, judged)?;
    // What stood beside a file in its part is gone with it.
    splices.retain(|splice| {
        let next = gone.partition_point(|range| range.end <= splice.range.start);
        gone.get(next).is_none_or(|range| splice.range.end <= range.start)
    });
    let Some(model) = model else { return Ok((splices, files)) };
    let mut rename = |id: NodeId, before: &str, name: &str| {
        let Some(range) = parsed.tape.node(id).map(Node::inner) else { return };
        let mut with = before.as_bytes().to_vec();
        bartizan_wire::json::escape_into(name, &mut with);
        splices.push(Splice { range, with });
    };
    if let Some(id) = control.model {
        rename(id, "", model);
    }
    for id in &control.also {
        let prefixed = parsed.tape.text(&parsed.bytes, *id).starts_with(MODELS);
        rename(*id, if prefixed { MODELS } else { "" }, model.strip_prefix(MODELS).unwrap_or(model));
    }
    Ok((splices, files))
}

/// What puts texts in the place of files, and the stretches of the body that are gone with them, in their order.
fn file_splices(parsed: &Parsed, judged: &Judged) -> Result<(Vec<Splice>, Vec<Range<usize>>), GuardError> {
    let (mut splices, mut gone) = (Vec::new(), Vec::new());
    for (node, text) in &judged.files {
        let unread = parsed.reading.unread.iter().find(|unread| unread.node == *node && unread.attached);
        let done = unread.and_then(|unread| as_text(&parsed.tape, &parsed.bytes, unread, text)).ok_or(GuardError::Edits)?;
        splices.extend(done.splices);
        gone.push(done.range);
    }
    gone.sort_by_key(|range: &Range<usize>| range.start);
    Ok((splices, gone))
}

fn count_found(exchange: &Exchange, units: &[Unit]) {
    exchange.gate.metrics().findings_total.add(units.iter().map(|unit| unit.scan.findings.len() as u64).sum());
}

fn finish(
    exchange: &Exchange,
    parsed: &Parsed,
    units: &[Unit],
    judged: Judged,
    (mut splices, files): (Vec<Splice>, Vec<Splice>),
    (inspected, total): (u64, u64),
) -> Result<Box<Guarded>, GuardError> {
    let body = parsed.body();
    let findings = findings(body, units);
    let mut phase = Phase {
        decision: Some(judged.decision),
        facts: Some(Box::new(judged.facts)),
        findings,
        remedies: judged.remedies,
        policies: judged.policies,
        coach: judged.coach,
        gate_micros: total,
        ..Phase::default()
    };
    phase.ran("detect", inspected);
    phase.ran("policy", total.saturating_sub(inspected));
    if judged.refusal.is_some() {
        return Ok(Box::new(Guarded { bytes: Bytes::new(), phase, edited: false, refusal: judged.refusal }));
    }
    if splices.is_empty() && files.is_empty() {
        return Ok(Box::new(Guarded { bytes: parsed.bytes.clone(), phase, edited: false, refusal: None }));
    }
    splices.sort_by_key(|splice| splice.range.start);
    let edited = |splices: &[Splice]| splice(&parsed.bytes, splices).ok_or(GuardError::Edits);
    // Keys are looked for where they stood: before texts stand in the place of files.
    let mut bytes = edited(&splices)?;
    if keys_collide(exchange, parsed, units, &bytes) {
        phase.decision = Some(Decision::Blocked);
        let refusal = Some("replacing what was found would give two fields of one object the same name".to_owned());
        return Ok(Box::new(Guarded { bytes: Bytes::new(), phase, edited: false, refusal }));
    }
    if !files.is_empty() {
        splices.extend(files);
        bytes = edited(&splices)?;
    }
    Ok(Box::new(Guarded { bytes: Bytes::from(bytes), phase, edited: true, refusal: None }))
}

fn findings(body: Body<'_>, units: &[Unit]) -> Kept {
    let (inside, outside): (Vec<&Unit>, Vec<&Unit>) = units.iter().partition(|unit| !unit.parts.is_empty());
    let mut kept = body.event_findings(inside.into_iter().filter(|unit| !unit.scan.findings.is_empty()));
    for unit in outside {
        if kept.is_full() {
            kept.leave_out(unit.scan.findings.len() as u64);
            continue;
        }
        let path = unit.attached.or(unit.about).map_or_else(|| "headers".to_owned(), |node| body.pointer(node));
        for finding in &unit.scan.findings {
            kept.push(event_finding(unit, 0, &path, finding));
        }
    }
    kept
}
