//! One exchange without sockets, for instruction counts: parse, guard, record, guard the answer, record.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bartizan_policy::Action;
use bartizan_vocabulary::{EndState, ModelName, Principal, RequestId};
use bartizan_wire::{Framing, Route};
use bytes::Bytes;

use crate::Gate;
use crate::exchange::{BodySeal, Exchange, Moment, Phase};
use crate::guard::{Outside, guard_answer, guard_request, parse_answer, parse_request};
use crate::judging::Judging;
use crate::stream::StreamGuard;

/// What an exchange came to, in bytes sent: to the provider and to the client. `None` when a guard refused or failed.
pub fn exchange(gate: &Arc<Gate>, principal: &Arc<Principal>, request: &Bytes, answer: &Bytes) -> Option<(usize, usize)> {
    let live = gate.live();
    let mut held = gate.budget.open();
    let body = Box::new(parse_request(&live, request.clone(), Route::ChatCompletions, &mut held).ok()?);
    let exchange = begin(gate, principal, request.len(), false);
    let mut session = gate.session_in(&exchange, "probe");
    let outside = Outside { text: "", upstream_model: None, again: None, elsewhere: &[], files: true };
    let guarded = guard_request(&exchange, &body.0, &body.1, &mut session, &outside).ok()?;
    session.keep(body);
    record(&exchange, Moment::Request, &guarded.phase, Some(&guarded.bytes));
    let parsed = parse_answer(&live, answer.clone(), &mut held).ok()?;
    let answered = guard_answer(&exchange, &parsed, &session, &[]).ok()?;
    record(&exchange, Moment::Response, &answered.phase, None);
    record(&exchange, Moment::End(EndState::Complete), &answered.phase, Some(&answered.bytes));
    Some((guarded.bytes.len(), answered.bytes.len()))
}

/// A streamed answer through its guard; how many bytes came out.
pub fn stream(gate: &Arc<Gate>, principal: &Arc<Principal>, chunks: &[Bytes]) -> Option<usize> {
    let exchange = begin(gate, principal, 0, true);
    let session = gate.session_in(&exchange, "probe");
    let judging = Judging::new(gate.live(), exchange.facts(Action::Complete, bartizan_vocabulary::GuardStatus::Ran), session.of_answer());
    let mut guard = StreamGuard::new(gate.live(), Arc::from(session), judging, Framing::Sse);
    let mut out = Vec::new();
    let mut total = 0;
    for chunk in chunks {
        guard.push(chunk, &mut out).ok()?;
        total += out.len();
        out.clear();
    }
    guard.finish(&mut out).ok()?;
    Some(total + out.len())
}

fn begin(gate: &Arc<Gate>, principal: &Arc<Principal>, bytes: usize, stream: bool) -> Exchange {
    Exchange {
        gate: Arc::clone(gate),
        live: gate.live(),
        request_id: RequestId::new(gate.random().uuid(gate.now())),
        principal: Arc::clone(principal),
        route: Some(Route::ChatCompletions.name()),
        provider: None,
        model: Some(ModelName::from("sample")),
        model_configured: false,
        stream,
        streams_array: false,
        charge: None,
        ask: None,
        also: OnceLock::new(),
        translated: OnceLock::new(),
        started: Instant::now(),
        bytes_in: bytes as u64,
        ended: AtomicBool::new(false),
        salt: gate.random().bytes(),
        commitment: OnceLock::new(),
        cache_scope: OnceLock::new(),
        given: OnceLock::new(),
        watch: None,
    }
}

fn record(exchange: &Exchange, moment: Moment, phase: &Phase, bytes: Option<&Bytes>) {
    let seal = bytes.map(|bytes| {
        let mut seal = BodySeal::new(exchange.gate.random().bytes());
        seal.update(bytes);
        seal
    });
    let _a_null_journal_never_fails = exchange.record(moment, phase, 200, seal);
}
