//! The body of a streamed answer: provider bytes through the guard to the client, recorded before effect, cancelled with the client.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bartizan_ledger::{Appended, JournalError};
use bartizan_vocabulary::{Decision, Direction, EndState, GuardStatus};
use bartizan_wire::Route;
use bartizan_wire::refusal::{self, Reason, Shape};
use bartizan_wire::translate::StreamTranslator;
use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use tokio::time::Sleep;

use crate::answer::combined;
use crate::blocking::{LARGE, in_place};
use crate::body::{CutOff, FRAME, ReadError};
use crate::budget::Reservation;
use crate::charge::Seen;
use crate::decode::Decoder;
use crate::exchange::{BodySeal, Exchange, Moment, Phase};
use crate::faults::strike;
use crate::stream::StreamGuard;

type Waiting = Pin<Box<dyn Future<Output = Result<(), JournalError>> + Send>>;

/// How the rest goes.
enum State {
    /// The provider is still sending.
    Open,
    /// What is in `out` is the last; the end is recorded once that has left.
    Closing(EndState),
    /// The connection is to be broken off.
    Aborting,
}

/// A stream on its way to the client.
pub struct StreamBody {
    exchange: Arc<Exchange>,
    upstream: Incoming,
    decoder: Decoder,
    /// Stands before the guard when the provider speaks another format.
    translator: Option<Box<StreamTranslator>>,
    guard: StreamGuard,
    phase: Phase,
    seal: Option<BodySeal>,
    /// What may leave.
    out: Vec<u8>,
    /// The last byte that left, white space left out.
    last: Option<u8>,
    /// What leaves now, frame by frame; counted until it is sent.
    leaving: Bytes,
    recording: Option<Waiting>,
    state: State,
    idle: Pin<Box<Sleep>>,
    /// Whether the provider was heard, or not listened to, since `idle` was set.
    heard: bool,
    pause: Duration,
    shape: Shape,
    status: u16,
    /// What was decided of the request.
    asked: Option<Decision>,
    /// Memory that the stream holds, counted in the budget of all.
    held: Reservation,
}

impl StreamBody {
    /// Ties everything together.
    pub fn new(
        exchange: Arc<Exchange>,
        (upstream, decoder): (Incoming, Decoder),
        mut guard: StreamGuard,
        phase: Phase,
        shape: Shape,
        (status, asked): (u16, Option<Decision>),
        held: Reservation,
    ) -> Self {
        let pause = exchange.live.settings.idle(exchange.provider.as_ref());
        guard.seen = (exchange.charges().next().is_some() || exchange.watch.is_some()).then(Seen::default);
        guard.said = exchange.watch.is_some().then(Box::default);
        let translator = exchange.translated.get().map(|one| Box::new(one.stream(&exchange.live.settings.limits)));
        let seal = Some(BodySeal::new(exchange.gate.random().bytes()));
        Self {
            exchange,
            upstream,
            decoder,
            translator,
            guard,
            phase,
            seal,
            out: Vec::new(),
            last: None,
            leaving: Bytes::new(),
            recording: None,
            state: State::Open,
            idle: Box::pin(tokio::time::sleep(pause)),
            heard: false,
            pause,
            shape,
            status,
            asked,
            held,
        }
    }

    /// The provider's pause counts from when it is waited for: not while the client is.
    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::take(&mut self.heard) {
            self.idle.as_mut().reset(tokio::time::Instant::now() + self.pause);
        }
        self.idle.as_mut().poll(context)
    }

    /// Guards more bytes of the provider; at the end of its stream, `None`.
    fn feed(&mut self, bytes: Option<&[u8]>) {
        let began = Instant::now();
        if let Some(watch) = self.exchange.watch.as_ref().filter(|_| bytes.is_some()) {
            watch.chunk();
        }
        let faults = self.exchange.gate.faults();
        if !matches!(catch_unwind(AssertUnwindSafe(|| strike(faults, Direction::Response))), Ok(Ok(()))) {
            return self.guard_failed();
        }
        let mut fresh = Vec::new();
        let guard = &mut self.guard;
        let (decoder, translator) = (&mut self.decoder, &mut self.translator);
        let result = catch_unwind(AssertUnwindSafe(|| -> Result<(), String> {
            let decoded = if let Some(bytes) = bytes { decoder.push(bytes) } else { decoder.finish() };
            decoded.map_err(|error| error.to_string())?;
            let mut plain = decoder.take();
            let waiting = translator.as_ref().map_or(0, |translator| translator.memory());
            let large = guard.pending() + waiting + plain.len() > LARGE;
            in_place(large, || {
                if let Some(translator) = translator {
                    let theirs = std::mem::take(&mut plain);
                    let translated = translator.push(&theirs, &mut plain);
                    let translated = if bytes.is_none() { translated.and_then(|()| translator.finish(&mut plain)) } else { translated };
                    translated.map_err(|error| error.to_string())?;
                }
                guard.push(&plain, &mut fresh).map_err(|error| error.to_string())?;
                if bytes.is_none() { guard.finish(&mut fresh).map_err(|error| error.to_string()) } else { Ok(()) }
            })
        }));
        self.phase.gate_micros += u64::try_from(began.elapsed().as_micros()).unwrap_or(0);
        match result {
            Err(_) => self.guard_failed(),
            Ok(Err(error)) => self.unreadable(&error),
            Ok(Ok(())) if !self.held.resize(self.memory() + fresh.len()) => self.busy(),
            Ok(Ok(())) => self.pass_on(&fresh, bytes.is_none()),
        }
    }

    fn memory(&self) -> usize {
        self.guard.memory() + self.translator.as_ref().map_or(0, |translator| translator.memory())
    }

    fn pass_on(&mut self, fresh: &[u8], last: bool) {
        // Before the client is told of them.
        if let Some(made) = self.guard.made.as_mut().map(|made| made.take()) {
            self.exchange.bind(self.guard.session(), made);
        }
        if self.guard.judging.changes > 0 {
            self.guard.judging.changes = 0;
            self.fill_phase();
            let appended = self.exchange.record(Moment::Change, &self.phase, self.status, None);
            if !self.recorded(appended) {
                return;
            }
        }
        if let Some((decision, sentence)) = self.guard.judging.stop.clone() {
            // Frames before the finding were decided earlier; they stay. Nothing of the finding was written.
            self.put(fresh);
            let reason = if decision == Decision::Failed { Reason::GuardUnavailable } else { Reason::PolicyBlocked };
            self.refuse(reason, &sentence, EndState::Blocked);
            return;
        }
        self.put(fresh);
        if last {
            self.state = State::Closing(EndState::Complete);
        }
    }

    /// Takes the answer of the journal. `false`: nothing more may leave.
    fn recorded(&mut self, appended: Appended) -> bool {
        match appended {
            Appended::Done(Ok(())) => true,
            Appended::Later(later) => {
                self.recording = Some(match self.recording.take() {
                    None => later,
                    Some(before) => Box::pin(async move {
                        before.await?;
                        later.await
                    }),
                });
                true
            }
            Appended::Done(Err(error)) => {
                self.ledger_failed(error);
                false
            }
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// The next frame that leaves; the seal counts nothing else.
    fn frame(&mut self) -> Option<Bytes> {
        if self.leaving.is_empty() && !self.out.is_empty() {
            let out = std::mem::take(&mut self.out);
            self.last = last_byte(&out).or(self.last);
            self.leaving = self.held.split(out.len()).seal(out);
        }
        let frame = self.leaving.split_to(self.leaving.len().min(FRAME));
        if frame.is_empty() {
            return None;
        }
        if let Some(seal) = &mut self.seal {
            seal.update(&frame);
        }
        self.heard = true;
        Some(frame)
    }

    fn fill_phase(&mut self) {
        let judging = &self.guard.judging;
        self.phase.decision = Some(judging.decision());
        self.phase.facts = Some(Box::new(judging.facts.clone()));
        self.phase.remedies = judging.remedies();
        self.phase.policies.clone_from(&judging.policies);
        self.phase.findings.clone_from(&judging.findings);
        self.phase.coach.clone_from(&judging.coach);
    }

    /// Makes the last entry. Nothing waits for it: every decision was recorded before its effect, and what the journal could not
    /// take it counts.
    fn end(&mut self, end: EndState) {
        if self.seal.is_none() {
            return;
        }
        self.fill_phase();
        if matches!(end, EndState::Blocked) && self.phase.decision != Some(Decision::Failed) {
            self.phase.decision = Some(Decision::Blocked);
        }
        let seal = self.seal.take();
        // Read to its end, whether or not the client was there to take it.
        let whole = matches!(self.state, State::Closing(EndState::Complete));
        let mut seen = self.guard.seen.unwrap_or_default();
        if let Some(translator) = &self.translator {
            seen.usage = translator.usage();
            seen.text = seen.text.saturating_add(translator.unsaid());
        }
        self.exchange.settle(seen, whole);
        if let Some(watch) = &self.exchange.watch {
            watch.read();
            watch.said(&self.exchange.live.settings, &self.guard.said.take().unwrap_or_default(), seen.usage);
        }
        let _what_happened_cannot_be_taken_back = self.exchange.record(Moment::End(end), &self.phase, self.status, seal);
        let metrics = self.exchange.gate.metrics();
        metrics.decided(combined(self.asked, self.phase.decision));
        metrics.findings_total.add(self.guard.judging.found);
        metrics.restored_total.add(self.guard.restored.values);
        metrics.withheld_total.add(self.guard.restored.withheld);
        metrics.stream_events_total.add(self.guard.events);
    }

    fn refuse(&mut self, reason: Reason, sentence: &str, end: EndState) {
        let last = last_byte(&self.out).or(self.last);
        let request_id = self.exchange.request_id.as_str();
        let event = if self.exchange.route == Some(Route::Responses.name()) {
            refusal::responses_event(reason, sentence, self.guard.sequence)
        } else {
            self.guard.framing().refusal(self.shape, reason, sentence, request_id, last)
        };
        self.put(&event);
        self.phase.reason = Some(reason.code());
        self.state = State::Closing(end);
    }

    fn guard_failed(&mut self) {
        tracing::error!(request_id = %self.exchange.request_id, "a guard failed inside a stream; the stream was stopped");
        let sentence = "a guard failed, so the answer was stopped";
        self.phase.not_run("detect", GuardStatus::Failed, "it failed inside the stream");
        self.guard.judging.stop = Some((Decision::Failed, sentence.to_owned()));
        self.refuse(Reason::GuardUnavailable, sentence, EndState::Blocked);
    }

    fn ledger_failed(&mut self, error: JournalError) {
        tracing::error!(%error, request_id = %self.exchange.request_id, "a decision could not be recorded; the stream was stopped");
        self.out.clear();
        self.guard.judging.stop = Some((Decision::Failed, error.to_string()));
        self.refuse(Reason::GuardUnavailable, "the decision could not be recorded, so the answer was stopped", EndState::Blocked);
    }

    /// Other requests hold all the memory that there may be.
    fn busy(&mut self) {
        self.refuse(Reason::Busy, &ReadError::Busy.to_string(), EndState::Blocked);
    }

    fn unreadable(&mut self, error: &str) {
        self.exchange.gate.metrics().upstream_errors_total.add(1);
        self.refuse(Reason::UpstreamFailed, &format!("the provider's stream cannot be read: {error}"), EndState::UpstreamError);
    }

    /// The provider broke off or fell silent: the client must see that, not a clean end.
    fn died(&mut self) {
        self.exchange.gate.metrics().upstream_errors_total.add(1);
        self.end(EndState::UpstreamError);
        self.state = State::Aborting;
    }

    fn poll_recording(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(waiting) = &mut self.recording {
            match waiting.as_mut().poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(result) => {
                    self.recording = None;
                    if let Err(error) = result {
                        self.ledger_failed(error);
                    }
                }
            }
        }
        Poll::Ready(())
    }

    fn poll_upstream(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match Pin::new(&mut self.upstream).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.heard = true;
                if let Ok(data) = frame.into_data() {
                    self.feed(Some(&data));
                }
                Poll::Ready(())
            }
            Poll::Ready(Some(Err(error))) => {
                tracing::warn!(%error, request_id = %self.exchange.request_id, "the provider broke off its stream");
                self.died();
                Poll::Ready(())
            }
            Poll::Ready(None) => {
                self.feed(None);
                Poll::Ready(())
            }
            Poll::Pending => match self.poll_idle(context) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(()) => {
                    tracing::warn!(request_id = %self.exchange.request_id, idle.seconds = self.pause.as_secs(), "the provider fell silent");
                    self.died();
                    Poll::Ready(())
                }
            },
        }
    }
}

fn last_byte(bytes: &[u8]) -> Option<u8> {
    bytes.trim_ascii_end().last().copied()
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        let this = self.get_mut();
        loop {
            if this.poll_recording(context).is_pending() {
                return Poll::Pending;
            }
            if let Some(frame) = this.frame() {
                return Poll::Ready(Some(Ok(Frame::data(frame))));
            }
            match this.state {
                State::Closing(end) => {
                    this.end(end);
                    return Poll::Ready(None);
                }
                State::Aborting => return Poll::Ready(Some(Err(CutOff))),
                State::Open => {
                    if this.poll_upstream(context).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        match self.state {
            _ if self.seal.is_none() => {}
            // Refused, or broken off by the provider: that nobody read it to its end changes nothing.
            State::Closing(end) if end != EndState::Complete => self.end(end),
            _ => {
                let end = self.exchange.gate.left();
                self.end(end);
            }
        }
    }
}
