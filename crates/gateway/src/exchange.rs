//! One interaction and how it is recorded: which entry, which event, in which order.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bartizan_ledger::{Appended, Commitment, Detail, Entry, EventDetail, Interaction, JournalError, Opening, Record};
use bartizan_policy::{Action, Facts, Resource};
use bartizan_vocabulary::{
    AppliedRemedy, Decision, Direction, EndState, EventId, FiredPolicy, GuardRun, GuardStatus, Hidden, Label, ModelName, Principal,
    ProviderName, Remedy, RequestId, Timestamp,
};
use bartizan_wire::refusal::Shape;
use http::HeaderMap;

use crate::cache::CacheScope;
use crate::charge::{Ask, Charge, Seen};
use crate::event_json::{self, Told};
use crate::kept::Kept;
use crate::live::Live;
use crate::observing::Watch;
use crate::pack::Asked;
use crate::routing::Place;
use crate::translating::Translated;
use crate::{Gate, limit_headers};

/// An interaction: what is known of it before anything is judged.
pub struct Exchange {
    /// The gate.
    pub gate: Arc<Gate>,
    /// What was in force when it began.
    pub live: Arc<Live>,
    /// Its id.
    pub request_id: RequestId,
    /// Who asks.
    pub principal: Arc<Principal>,
    /// Method and path, when it is a route of ours.
    pub route: Option<&'static str>,
    /// Chosen provider.
    pub provider: Option<ProviderName>,
    /// Model as the client named it.
    pub model: Option<ModelName>,
    /// Whether that name stands in the configuration.
    pub model_configured: bool,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Whether a stream that is no stream of events is one JSON array.
    pub streams_array: bool,
    /// On what it was counted, where there are limits.
    pub charge: Option<Arc<Charge>>,
    /// What it is estimated at, where a fallback may have to be counted on rules of its own.
    pub ask: Option<Ask>,
    /// On what it was counted for a fallback, besides.
    pub also: OnceLock<Arc<Charge>>,
    /// How it is translated, once it is.
    pub translated: OnceLock<Translated>,
    /// When it began.
    pub started: Instant,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Whether its last entry was made.
    pub ended: AtomicBool,
    /// Of the commitment to the principal in its entries.
    pub salt: [u8; 32],
    /// That commitment, once it was made.
    pub commitment: OnceLock<Commitment>,
    /// Where its findings are remembered, once something was looked up.
    pub cache_scope: OnceLock<CacheScope>,
    /// What the accuracy pack read of it, once it was asked.
    pub given: OnceLock<Arc<Asked>>,
    /// Who watches, if anybody does.
    pub watch: Option<Arc<Watch>>,
}

/// One judged direction.
#[derive(Default)]
pub struct Phase {
    /// What was decided.
    pub decision: Option<Decision>,
    /// Decision input.
    pub facts: Option<Box<Facts>>,
    /// What was found.
    pub findings: Kept,
    /// What was carried out.
    pub remedies: Vec<AppliedRemedy>,
    /// What decided or recorded.
    pub policies: Vec<FiredPolicy>,
    /// How the guards' runs ended.
    pub guards: Vec<GuardRun>,
    /// Sentences for the caller.
    pub coach: Vec<Arc<str>>,
    /// The code of the refusal, if there is one.
    pub reason: Option<&'static str>,
    /// Microseconds inside the gate.
    pub gate_micros: u64,
}

/// When something is recorded.
pub(crate) struct At {
    time: Timestamp,
    /// Microseconds since the interaction began.
    lasted: u64,
}

impl At {
    /// When the interaction began, by the wall clock.
    pub(crate) fn since(&self) -> Timestamp {
        Timestamp::from_micros(self.time.as_micros().saturating_sub(i64::try_from(self.lasted).unwrap_or(i64::MAX)))
    }
}

/// A commitment to the bytes of a body, made while they pass: to their BLAKE3 digest, which is a value like any other.
pub struct BodySeal {
    salt: [u8; 32],
    hasher: blake3::Hasher,
    /// Bytes so far.
    pub bytes: u64,
}

const BODY: &str = "body";
const PRINCIPAL: &str = "principal";
/// Room for a usual event.
const EVENT_BYTES: usize = 2_048;
/// Buffers that grew beyond this are not kept.
const KEPT_BYTES: usize = 16_384;

thread_local! {
    /// The buffer of the last event of this thread, empty: the allocator takes its time for pieces of this size.
    static JSON: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Keeps the buffer of a record's event for the next one. What it held was personal, and the journal has it sealed.
fn taken_back(record: Record) {
    let Some(EventDetail { mut json, .. }) = record.detail.and_then(|detail| detail.event) else { return };
    if json.capacity() <= KEPT_BYTES {
        json.clear();
        JSON.set(json);
    }
}

impl BodySeal {
    /// A commitment with a fresh salt.
    pub fn new(salt: [u8; 32]) -> Self {
        Self { salt, hasher: blake3::Hasher::new(), bytes: 0 }
    }

    /// More bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    fn finish(self) -> (Commitment, Opening, u64) {
        // The bytes themselves are not kept: whoever has them can compare their digest.
        let digest = self.hasher.finalize();
        let commitment = bartizan_ledger::commit(BODY, &self.salt, digest.as_bytes());
        (commitment, Opening { domain: BODY, salt: self.salt, value: Hidden::new(digest.as_bytes().to_vec()) }, self.bytes)
    }
}

/// Which entry is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the upstream call, or a refusal.
    Request,
    /// Before another call of the same place with the same bytes: its event was told already.
    Again,
    /// Before the first byte of the answer.
    Response,
    /// A change of decision inside a stream.
    Change,
    /// The end.
    End(EndState),
}

impl Phase {
    /// A phase that ended before anything was judged.
    pub fn decided(decision: Decision) -> Self {
        Self { decision: Some(decision), ..Self::default() }
    }

    /// A guard that did its work.
    pub fn ran(&mut self, name: &'static str, micros: u64) {
        self.guards.push(GuardRun { name: name.into(), status: GuardStatus::Ran, reason: None, micros });
    }

    /// A guard that did not.
    pub fn not_run(&mut self, name: &'static str, status: GuardStatus, reason: &str) {
        self.guards.push(GuardRun { name: name.into(), status, reason: Some(reason.to_owned()), micros: 0 });
    }
}

impl Exchange {
    /// Where its findings are remembered.
    pub fn scope(&self) -> &CacheScope {
        self.cache_scope.get_or_init(|| self.gate.cache().scope(&self.principal, &self.live.detector_digest))
    }

    /// Facts with nothing found yet. `detect`: how the run of the detectors ended, or, in a stream, that they run.
    pub fn facts(&self, action: Action, detect: GuardStatus) -> Facts {
        static DETECT: OnceLock<Arc<str>> = OnceLock::new();
        let route = Arc::from(self.route.unwrap_or_default());
        let mut resource = Resource { model: self.model.clone(), route, ..Resource::default() };
        self.place(&mut resource, self.provider.as_ref());
        let mut facts = Facts::new(Arc::clone(&self.principal), action, resource, self.gate.now());
        facts.context.stream = self.stream;
        facts.context.body_bytes = self.bytes_in;
        facts.context.guards.insert(Arc::clone(DETECT.get_or_init(|| Arc::from("detect"))), detect);
        facts
    }

    /// Lets a resource be at a provider, with all that is known of that.
    pub fn place(&self, resource: &mut Resource, provider: Option<&ProviderName>) {
        let known = provider.and_then(|name| self.live.settings.named(name));
        resource.provider = provider.cloned();
        resource.provider_facts = known.map(|it| it.facts.clone()).unwrap_or_default();
    }

    /// The same interaction on its way to another place. What is kept of the one before is what it was counted on.
    pub fn toward(&self, place: Place<'_>) -> Self {
        let commitment = OnceLock::new();
        if let Some(made) = self.commitment.get() {
            let _it_is_empty = commitment.set(*made);
        }
        let model = place.is_fallback.then(|| place.target.model.name.clone());
        // Another place of the same fallback is no other request.
        let also = if model == self.model { self.also.clone() } else { OnceLock::new() };
        Self {
            gate: Arc::clone(&self.gate),
            live: Arc::clone(&self.live),
            request_id: self.request_id.clone(),
            principal: Arc::clone(&self.principal),
            route: self.route,
            provider: Some(place.target.provider.name.clone()),
            model_configured: model.is_some() || self.model_configured,
            model: model.or_else(|| self.model.clone()),
            stream: self.stream,
            streams_array: self.streams_array,
            charge: self.charge.clone(),
            ask: self.ask,
            also,
            translated: OnceLock::new(),
            started: self.started,
            bytes_in: self.bytes_in,
            ended: AtomicBool::new(false),
            salt: self.salt,
            commitment,
            // Who asks is the same, so it is found again.
            cache_scope: OnceLock::new(),
            // The texts are the same.
            given: self.given.clone(),
            watch: self.watch.clone(),
        }
    }

    /// On what it was counted: for the model that was asked for, and for the fallback that is called.
    pub fn charges(&self) -> impl Iterator<Item = &Arc<Charge>> {
        self.charge.iter().chain(self.also.get())
    }

    /// Counts what was used, in the place of what was reserved. `whole`: the answer came to its end.
    pub fn settle(&self, seen: Seen, whole: bool) {
        for charge in self.charges() {
            charge.settle(seen, whole, self.model.as_ref().filter(|_| self.model_configured).map(ModelName::as_str));
        }
    }

    /// Shows how the limits stood when it was counted.
    pub fn show_limits(&self, headers: &mut HeaderMap, shape: Shape) {
        if let Some(charge) = self.charges().next() {
            limit_headers::show(headers, shape, &charge.shown, self.gate.now());
        }
    }

    /// Records one moment. The effect may follow only when the answer is `Ok`; a refusal does not wait for it.
    pub fn record(&self, moment: Moment, phase: &Phase, status: u16, seal: Option<BodySeal>) -> Appended {
        if matches!(moment, Moment::End(_)) && self.ended.swap(true, Ordering::AcqRel) {
            return Appended::Done(Ok(()));
        }
        let record = self.made(moment, phase, status, seal, &self.instant());
        let appended = self.gate.journal().append(&record);
        taken_back(record);
        appended
    }

    /// Records decision and end of an answer that is handed to its connection in one piece, in one write. Only for a journal that
    /// answers at once: nobody can leave between the two.
    ///
    /// # Errors
    /// [`JournalError`] when neither was recorded; the end is still to be recorded then.
    pub fn record_handed_over(&self, end: EndState, phase: &Phase, status: u16, seal: BodySeal) -> Result<(), JournalError> {
        let at = self.instant();
        let both = [self.made(Moment::Response, phase, status, None, &at), self.made(Moment::End(end), phase, status, Some(seal), &at)];
        let result = match self.gate.journal().append_all(&both) {
            Appended::Done(result) => result,
            // It said that it does not wait. Nothing leaves on a record that may yet fail.
            Appended::Later(_) => Err(JournalError::Write(0)),
        };
        self.ended.store(result.is_ok(), Ordering::Release);
        both.into_iter().for_each(taken_back);
        result
    }

    pub(crate) fn instant(&self) -> At {
        At { time: self.gate.now(), lasted: u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX) }
    }

    /// What is recorded of one moment.
    fn made(&self, moment: Moment, phase: &Phase, status: u16, seal: Option<BodySeal>, at: &At) -> Record {
        let time = at.time;
        let id = self.principal.id.as_str().as_bytes();
        let first = self.commitment.get().is_none();
        let principal = *self.commitment.get_or_init(|| bartizan_ledger::commit(PRINCIPAL, &self.salt, id));
        let mut openings = Vec::new();
        if first {
            // One commitment for the whole interaction: it is opened once.
            openings.push(Opening { domain: PRINCIPAL, salt: self.salt, value: Hidden::new(id.to_vec()) });
        }
        let (body, bytes_out) = match seal.map(BodySeal::finish) {
            Some((commitment, opening, bytes)) => {
                openings.push(opening);
                (Some(commitment), bytes)
            }
            None => (None, 0),
        };
        let interaction = self.interaction(moment, phase, time, status, principal, body);
        let event = self.event(moment, phase, at, status, bytes_out);
        let entry = match moment {
            Moment::Request | Moment::Again => Entry::Request(interaction),
            Moment::Response => Entry::Response(interaction),
            Moment::Change => Entry::Change(interaction),
            Moment::End(_) => Entry::End(interaction),
        };
        let private = event.is_some() || !openings.is_empty();
        let detail = private.then(|| Detail { subject: self.principal.id.clone(), since: at.since(), openings, event });
        Record { entry, detail }
    }

    fn interaction(
        &self,
        moment: Moment,
        phase: &Phase,
        time: Timestamp,
        status: u16,
        principal: Commitment,
        body: Option<Commitment>,
    ) -> Interaction {
        let labels: Vec<(Label, u32)> =
            phase.facts.iter().flat_map(|facts| facts.context.labels.iter()).map(|(label, stat)| (label.clone(), stat.count)).collect();
        let remedies: Vec<(Label, Remedy)> = phase.remedies.iter().map(|one| (one.label.clone(), one.remedy)).collect();
        Interaction {
            time,
            request_id: self.request_id.clone(),
            decision: phase.decision.unwrap_or(Decision::Failed),
            direction: if matches!(moment, Moment::Request | Moment::Again) { Direction::Request } else { Direction::Response },
            route: self.route.map(str::to_owned),
            provider: self.provider.clone(),
            model: self.model.clone().filter(|_| self.model_configured),
            policy_version: self.live.judge.policies().version().clone(),
            policies: phase.policies.iter().map(|policy| policy.id.clone()).collect(),
            labels,
            remedies,
            guards: phase
                .guards
                .iter()
                .filter(|run| run.status != GuardStatus::Ran)
                .map(|run| (run.name.clone().into_owned(), run.status))
                .collect(),
            status: (status != 0).then_some(status),
            end: if let Moment::End(end) = moment { Some(end) } else { None },
            principal: Some(principal),
            body,
        }
    }

    /// The event of a request stands at its decision, that of an answer at its end.
    fn event(&self, moment: Moment, phase: &Phase, at: &At, status: u16, bytes_out: u64) -> Option<EventDetail> {
        let decision = phase.decision.unwrap_or(Decision::Failed);
        let refused = matches!(decision, Decision::Blocked | Decision::Failed);
        let (direction, end) = match moment {
            Moment::Request => (Direction::Request, if refused { EndState::Blocked } else { EndState::Complete }),
            Moment::End(end) => (Direction::Response, end),
            Moment::Again | Moment::Response | Moment::Change => return None,
        };
        let (time, total_micros) = (at.time, at.lasted);
        let id = EventId::new(self.gate.random().uuid(time));
        let mut json = JSON.take();
        json.reserve(EVENT_BYTES);
        let told = Told { id: &id, time, direction, decision, status, end, bytes_out, total_micros };
        event_json::write(&mut json, self, phase, &told);
        if let Some(watch) = &self.watch {
            watch.recorded(self, &told, phase);
        }
        self.gate.announce(&json);
        let labels = phase.facts.iter().flat_map(|facts| facts.context.labels.iter()).map(|(label, _)| label.clone()).collect();
        Some(EventDetail { id, time, request_id: self.request_id.clone(), direction, decision, labels, json })
    }
}
