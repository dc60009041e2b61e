//! Guarding a stream of events: whole frames are held, edited and released in order; none is invented or lost.
//!
//! Pure apart from what it is given: bytes in, bytes out. Sockets and time are in `stream_body`.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bartizan_vocabulary::{Decision, Finding, Role, TextClass};
use bartizan_wire::json::{JsonError, Node, Splice, Tape, splice};
use bartizan_wire::{
    Channel, EventReading, Form, Frame, FrameError, Frames, Framing, Part, Said, heft, is_done, made_by_event, read_event,
};

use crate::charge::Seen;
use crate::edit::{TextEdit, piece_splices};
use crate::growing::{Choice, Growing};
use crate::inspect::pointer;
use crate::judging::Judging;
use crate::live::Live;
use crate::logprobs::{self, Tokens};
use crate::objects::Watch;
use crate::restoring::Restored;
use crate::session::Session;
use crate::standalone::{Inspected, Standalone};
pub use crate::stream_body::StreamBody;
use crate::texts::Texts;

/// What is not JSON: one text.
const PLAIN: Channel = Channel { path: 0, group: u32::MAX, alone: false };

/// So many pieces of a frame are looked at one by one.
const FEW: usize = 8;

/// Why a stream cannot go on, apart from a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// One event is too large, or the stream is not framed as it should be.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// An element of an array is not JSON.
    #[error("the provider sent something that is not JSON")]
    NotJson,
    /// Too much is waiting to be decided.
    #[error("more than {0} bytes of the stream wait to be decided")]
    HeldTooMuch(usize),
    /// Too many growing texts.
    #[error("the stream has more than {0} texts")]
    TooManyTexts(usize),
    /// Spans do not fit together.
    #[error("an edit of the stream does not fit")]
    Splice,
}

/// A frame that waits for its texts to be decided.
#[derive(Default)]
struct Held {
    frame: Frame,
    pieces: Vec<Piece>,
    /// Of many pieces: each text, and where the last of its pieces ends. A text is decided from its beginning on.
    ends: Vec<(usize, usize)>,
    splices: Vec<Splice>,
    /// Log probabilities of its pieces.
    tokens: Vec<Tokens>,
    sequence: Option<u64>,
    /// The payload is text, not JSON.
    plain: bool,
}

/// A stretch of a growing text that stands in a frame.
struct Piece {
    text: usize,
    start: usize,
    end: usize,
    inner: Range<usize>,
}

impl Held {
    /// What it counts for among what waits.
    fn weight(&self) -> usize {
        self.frame.raw.len() + self.tokens.iter().map(Tokens::memory).sum::<usize>()
    }

    /// Whether everything in it is decided. Asked for each later event: what is not decided is asked for first the next time.
    fn is_decided(&mut self, decided: impl Fn(usize, usize) -> bool) -> bool {
        if self.ends.is_empty() {
            return self.pieces.iter().all(|piece| decided(piece.text, piece.end));
        }
        let waits = self.ends.iter().position(|(text, end)| !decided(*text, *end));
        if let Some(at) = waits {
            self.ends.swap(0, at);
        }
        waits.is_none()
    }
}

/// Of more than a few pieces: where the last one of each text ends.
fn last_ends(pieces: &[Piece]) -> Vec<(usize, usize)> {
    if pieces.len() <= FEW {
        return Vec::new();
    }
    let mut ends: Vec<(usize, usize)> = pieces.iter().map(|piece| (piece.text, piece.end)).collect();
    ends.sort_unstable_by_key(|(text, end)| (*text, std::cmp::Reverse(*end)));
    ends.dedup_by_key(|(text, _)| *text);
    ends.shrink_to_fit();
    ends
}

/// Guards one stream.
pub struct StreamGuard {
    live: Arc<Live>,
    session: Arc<Session>,
    reader: Frames,
    texts: Texts,
    standalone: Standalone,
    queue: VecDeque<Held>,
    held: usize,
    /// The decisions.
    pub judging: Judging,
    /// What became of pseudonyms.
    pub restored: Restored,
    /// What is seen of what the answer uses, if somebody wants to know.
    pub seen: Option<Seen>,
    /// What the answer says of itself, if somebody wants to know.
    pub said: Option<Box<Said>>,
    /// What the answer names of what the provider keeps, if that is to be bound.
    pub made: Option<Box<Watch>>,
    /// Events seen.
    pub events: u64,
    /// The number that the next event has, in formats that number them.
    pub sequence: u64,
}

impl StreamGuard {
    /// A guard for an answer to a request with this session.
    pub fn new(live: Arc<Live>, session: Arc<Session>, judging: Judging, framing: Framing) -> Self {
        let reader = Frames::new(framing, live.settings.limits.event_bytes);
        let texts = Texts::new(live.settings.limits.channels);
        let standalone = Standalone::new(Arc::clone(&live), Arc::clone(&session));
        let made = session.keeping().filter(|keeping| keeping.binds()).map(|_| Box::default());
        Self {
            live,
            session,
            reader,
            texts,
            standalone,
            queue: VecDeque::new(),
            held: 0,
            judging,
            restored: Restored::default(),
            seen: None,
            said: None,
            made,
            events: 0,
            sequence: 0,
        }
    }

    /// Takes bytes of the provider and gives out what may go to the client. When `judging.stop` is set afterwards, nothing more may.
    ///
    /// # Errors
    /// When the stream cannot be read on. Nothing more may be sent then.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), StreamError> {
        self.reader.push(bytes);
        loop {
            let Some(frame) = self.reader.next_frame()? else { return Ok(()) };
            self.frame(frame)?;
            self.release(out)?;
            if self.judging.stop.is_some() {
                return Ok(());
            }
        }
    }

    /// The provider's stream has ended in order.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), StreamError> {
        if let Some(frame) = self.reader.finish()? {
            self.frame(frame)?;
        }
        self.end_texts(None);
        self.release(out)
    }

    fn frame(&mut self, frame: Frame) -> Result<(), StreamError> {
        self.events += 1;
        self.judging.begin();
        let frame = self.without_findings_outside_data(frame);
        let payload = frame.payload();
        let mut held = Held::default();
        if frame.data.is_empty() {
        } else if is_done(&payload) {
            self.end_texts(None);
        } else {
            match read_event(&payload, &self.live.settings.limits.json) {
                Ok(event) => self.json(&payload, &event, &mut held)?,
                Err(error) => self.not_json(&payload, error, &mut held)?,
            }
        }
        drop(payload);
        held.frame = frame;
        held.ends = last_ends(&held.pieces);
        self.held += held.weight();
        self.queue.push_back(held);
        let limit = self.live.settings.limits.held_bytes;
        if self.held > limit { Err(StreamError::HeldTooMuch(limit)) } else { Ok(()) }
    }

    fn json(&mut self, payload: &[u8], event: &EventReading, held: &mut Held) -> Result<(), StreamError> {
        if let Some(seen) = &mut self.seen {
            seen.usage.see(&event.tape, payload);
        }
        if let Some(said) = &mut self.said {
            said.see(&event.tape, payload);
        }
        if let Some(made) = &mut self.made {
            made.see(made_by_event(&event.tape, payload));
        }
        // What is not JSON goes on, if ever, behind something that is.
        if self.texts.find(PLAIN).is_some() {
            self.end_texts(Some(PLAIN.group));
        }
        // What repeats a text comes behind all of that text, also when it is told.
        if let Some(number) = event.ended.and_then(|channel| self.texts.find(channel)) {
            self.end_text(number);
        }
        for unread in &event.reading.unread {
            self.judging.unread(unread.kind);
        }
        let parts = &event.reading.parts;
        let mut at = 0;
        while let Some(head) = parts.get(at) {
            if !self.judging.in_time() {
                return Ok(());
            }
            if let Some(channel) = head.channel {
                self.piece(payload, &event.tape, head, channel, held)?;
                at += 1;
            } else {
                let count = parts.iter().skip(at).take_while(|part| part.run == head.run && part.channel.is_none()).count().max(1);
                let run = parts.get(at..at + count).unwrap_or_default();
                let Self { standalone, judging, restored, .. } = self;
                standalone.run(payload, &event.tape, run, judging, restored, &mut held.splices);
                at += count;
            }
        }
        // What waits must leave room for events that are large.
        let hurry = self.held + payload.len() > self.live.settings.limits.held_bytes / 2;
        for number in self.texts.left_out(hurry) {
            self.end_text(number);
        }
        if !event.reading.logprobs.is_empty() {
            held.tokens = log_probabilities(payload, event, &held.pieces, &mut held.splices);
        }
        held.sequence = event.sequence;
        for group in &event.finished {
            self.end_texts(Some(*group));
        }
        if event.last {
            self.end_texts(None);
        }
        Ok(())
    }

    /// A piece of a growing text.
    fn piece(&mut self, payload: &[u8], tape: &Tape, part: &Part, channel: Channel, held: &mut Held) -> Result<(), StreamError> {
        let text = tape.text(payload, part.node);
        if text.is_empty() {
            return Ok(());
        }
        let Some(node) = tape.node(part.node) else { return Ok(()) };
        self.count(part, &text);
        let path = || pointer(tape, payload, part.node);
        let number = self.text_of(channel, part, path)?;
        if channel.alone {
            let key = tape.key(payload, part.node);
            let found = self.standalone.inspect((&text, &[]), part, key.as_deref(), path, &mut self.judging);
            if let (Some(Inspected { scan, edits }), Some(text)) = (found, self.texts.get_mut(number)) {
                text.know(&scan.findings, edits);
            }
        }
        if channel.alone && part.plain && self.texts.get(number).is_some_and(|before| before.repeats(&text)) {
            // Some providers say the same word in every event. It is no piece of anything.
            self.end_text(number);
            return Ok(());
        }
        let (start, end) = self.grow(number, &text);
        held.pieces.push(Piece { text: number, start, end, inner: node.inner() });
        Ok(())
    }

    /// Counts text that the model wrote.
    fn count(&mut self, part: &Part, text: &str) {
        if let Some(seen) = &mut self.seen
            && part.is_written()
        {
            seen.text = seen.text.saturating_add(heft(text.as_bytes()));
        }
    }

    fn text_of(&mut self, channel: Channel, part: &Part, path: impl FnOnce() -> String) -> Result<usize, StreamError> {
        if let Some(number) = self.texts.find(channel) {
            return Ok(number);
        }
        let mut text = Growing::new(self.live.detector_for(part), !self.session.is_empty(), part);
        text.pointer = path();
        self.texts.add(channel, text).ok_or(StreamError::TooManyTexts(self.live.settings.limits.channels))
    }

    fn grow(&mut self, number: usize, piece: &str) -> (usize, usize) {
        let Some(text) = self.texts.get_mut(number) else { return (0, 0) };
        if text.finished {
            text.resume();
        }
        let range = text.push(piece);
        self.texts.queued(number);
        self.advance(number);
        range
    }

    fn advance(&mut self, index: usize) {
        let Self { texts, judging, restored, session, .. } = self;
        let Some(text) = texts.get_mut(index) else { return };
        let (role, path, fixed, signed) = (text.role, std::mem::take(&mut text.pointer), text.fixed, text.signed);
        let mut below = Vec::new();
        let judged = &mut *judging;
        let mut choose = |finding: &Finding, span: Option<&str>| match judged.choose(role, &path, finding, span, fixed) {
            Choice::Replace(_) if signed => Choice::Replace(judged.removed(&finding.label, span)),
            choice => choice,
        };
        let whole = text.advance(session, restored, &mut choose, &mut |finding| below.push(finding.clone()));
        text.pointer = path;
        for finding in &below {
            judging.below(finding);
        }
        if !whole {
            let sentence = "something sensitive went on in a part of the answer that had seemed to be complete";
            self.judging.stop.get_or_insert_with(|| (Decision::Blocked, sentence.to_owned()));
        }
    }

    fn end_text(&mut self, number: usize) {
        if let Some(text) = self.texts.get_mut(number) {
            text.finish();
        }
        self.advance(number);
        self.texts.forget(number);
    }

    /// Ends the texts of a choice or block, or all.
    fn end_texts(&mut self, group: Option<u32>) {
        for number in self.texts.growing(group) {
            self.end_text(number);
        }
    }

    /// Comments and unknown lines are inspected too; a frame that would need an edit there loses those lines.
    fn without_findings_outside_data(&mut self, frame: Frame) -> Frame {
        if frame.other.is_empty() {
            return frame;
        }
        let mut cuts = Vec::new();
        let Self { standalone, judging, restored, .. } = self;
        for range in &frame.other {
            let text = String::from_utf8_lossy(frame.raw.get(range.clone()).unwrap_or_default()).into_owned();
            let edits = standalone.whole((&text, &[]), &outside_part(), None, || "/".to_owned(), judging, restored);
            if edits.is_some_and(|edits| !edits.is_empty()) {
                cuts.push(Splice { range: range.clone(), with: b":".to_vec() });
            }
        }
        if cuts.is_empty() {
            return frame;
        }
        splice(&frame.raw, &cuts).map(|raw| frame.with_raw(raw)).unwrap_or_default()
    }

    /// A payload that is not JSON is one text over the whole stream.
    fn not_json(&mut self, payload: &[u8], error: JsonError, held: &mut Held) -> Result<(), StreamError> {
        tracing::debug!(%error, "a stream event is not JSON; it is inspected as text");
        if self.reader.framing() == Framing::JsonArray {
            return Err(StreamError::NotJson);
        }
        let Ok(text) = std::str::from_utf8(payload) else { return Err(StreamError::Splice) };
        held.plain = true;
        if let Some(seen) = &mut self.seen {
            seen.text = seen.text.saturating_add(heft(text.as_bytes()));
        }
        let number = self.text_of(PLAIN, &outside_part(), String::new)?;
        let (start, end) = self.grow(number, text);
        held.pieces.push(Piece { text: number, start, end, inner: 0..payload.len() });
        Ok(())
    }

    fn release(&mut self, out: &mut Vec<u8>) -> Result<(), StreamError> {
        while let Some(held) = self.queue.front_mut() {
            let decided = |text: usize, end: usize| self.texts.get(text).is_some_and(|text| end <= text.settled(&self.session));
            if self.judging.stop.is_some() || !held.is_decided(decided) {
                return Ok(());
            }
            let Some(held) = self.queue.pop_front() else { return Ok(()) };
            self.held -= held.weight();
            self.sequence = held.sequence.map_or(self.sequence, |number| number.saturating_add(1));
            self.write(&held, out)?;
            for piece in &held.pieces {
                self.texts.released(piece.text, piece.end);
            }
        }
        Ok(())
    }

    fn write(&self, held: &Held, out: &mut Vec<u8>) -> Result<(), StreamError> {
        let mut splices = held.splices.clone();
        let payload = held.frame.payload();
        for piece in &held.pieces {
            let Some(text) = self.texts.get(piece.text) else { continue };
            let edits: Vec<TextEdit> = text.edits(piece.start, piece.end).cloned().collect();
            if edits.is_empty() {
                continue;
            }
            if held.plain {
                plain_splices(piece, &edits, &mut splices);
            } else {
                let raw = payload.get(piece.inner.clone()).unwrap_or_default();
                piece_splices(raw, piece.inner.start, piece.start, piece.end - piece.start, &edits, &mut splices);
            }
        }
        if !held.tokens.is_empty() {
            logprobs::follow(&held.tokens, &payload, &mut splices).ok_or(StreamError::Splice)?;
        }
        if splices.is_empty() {
            out.extend_from_slice(&held.frame.raw);
            return Ok(());
        }
        splices.sort_by_key(|splice| splice.range.start);
        let edited = splice(&payload, &splices).ok_or(StreamError::Splice)?;
        out.extend_from_slice(&held.frame.with_payload(&edited));
        Ok(())
    }

    /// The pseudonyms.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// How the stream is framed.
    pub fn framing(&self) -> Framing {
        self.reader.framing()
    }

    /// Bytes that wait for the end of their event.
    pub fn pending(&self) -> usize {
        self.reader.pending()
    }

    /// Bytes of memory held for the stream.
    pub fn memory(&self) -> usize {
        self.held + self.reader.pending() + self.texts.held()
    }
}

/// Log probabilities leave with the pieces that they repeat.
fn log_probabilities(payload: &[u8], event: &EventReading, pieces: &[Piece], splices: &mut Vec<Splice>) -> Vec<Tokens> {
    // Pieces stand in the order of the event.
    let is_piece = |node: &Node| {
        let inner = node.inner();
        let at = pieces.partition_point(|piece| piece.inner.start < inner.start);
        pieces.get(at).is_some_and(|piece| piece.inner == inner)
    };
    logprobs::tokens((&event.tape, payload, &event.reading), "delta", is_piece, splices)
}

/// Text of the answer that stands outside its JSON.
fn outside_part() -> Part {
    let (role, class) = (Role::Assistant, TextClass::Metadata);
    Part {
        node: 0,
        role,
        class,
        form: Form::String,
        fixed: false,
        signed: false,
        opaque: false,
        id: false,
        plain: false,
        run: 0,
        channel: None,
    }
}

fn plain_splices(piece: &Piece, edits: &[TextEdit], out: &mut Vec<Splice>) {
    for edit in edits {
        let from = edit.start.max(piece.start) - piece.start;
        let to = edit.end.min(piece.end) - piece.start;
        let with = if edit.start >= piece.start { edit.with.clone().into_bytes() } else { Vec::new() };
        out.push(Splice { range: from..to, with });
    }
}
