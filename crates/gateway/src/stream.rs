//! Guarding a stream of events: whole frames are held, edited and released in order; none is invented or lost.
//!
//! Pure apart from what it is given: bytes in, bytes out. Sockets and time are in `stream_body`.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::Arc;

use bartizan_detect::Hint;
use bartizan_vocabulary::{Decision, Role, TextClass};
use bartizan_wire::json::{JsonError, Splice, Tape, splice};
use bartizan_wire::{Channel, EventReading, Form, Frame, Part, SseReader, is_done, read_event};

use crate::edit::{TextEdit, escaped, piece_splices};
use crate::growing::{Choice, Growing};
use crate::judging::Judging;
use crate::live::Live;
use crate::restoring::{Restored, restore_whole};
use crate::session::{Session, removed_from_signed};
pub use crate::stream_body::StreamBody;

/// Texts of fixed parts that were inspected and found clean, remembered per stream.
const REMEMBERED: usize = 4_096;

/// What is not JSON: one text.
const PLAIN: Channel = Channel { path: 0, group: u32::MAX };

/// Why a stream cannot go on, apart from a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// One event is too large.
    #[error("the provider sent an event larger than {0} bytes")]
    EventTooLarge(usize),
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
struct Held {
    frame: Frame,
    pieces: Vec<Piece>,
    splices: Vec<Splice>,
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

/// Guards one stream.
pub struct StreamGuard {
    live: Arc<Live>,
    session: Arc<Session>,
    reader: SseReader,
    by_channel: HashMap<Channel, usize>,
    texts: Vec<Growing>,
    queue: VecDeque<Held>,
    held: usize,
    clean: std::collections::HashSet<u64>,
    hasher: RandomState,
    /// The decisions.
    pub judging: Judging,
    /// What became of pseudonyms.
    pub restored: Restored,
    /// Events seen.
    pub events: u64,
}

impl StreamGuard {
    /// A guard for an answer to a request with this session.
    pub fn new(live: Arc<Live>, session: Arc<Session>, judging: Judging) -> Self {
        let reader = SseReader::new(live.settings.limits.event_bytes);
        Self {
            live,
            session,
            reader,
            by_channel: HashMap::new(),
            texts: Vec::new(),
            queue: VecDeque::new(),
            held: 0,
            clean: std::collections::HashSet::new(),
            hasher: RandomState::new(),
            judging,
            restored: Restored::default(),
            events: 0,
        }
    }

    /// Takes bytes of the provider and gives out what may go to the client. When `judging.stop` is set afterwards, nothing more may.
    ///
    /// # Errors
    /// When the stream cannot be read on. Nothing more may be sent then.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), StreamError> {
        self.reader.push(bytes);
        loop {
            let frame = self.reader.next_frame().map_err(|_| StreamError::EventTooLarge(self.live.settings.limits.event_bytes))?;
            let Some(frame) = frame else { return Ok(()) };
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
        if let Some(frame) = self.reader.finish() {
            self.frame(frame)?;
        }
        self.end_texts(None);
        self.release(out)
    }

    fn frame(&mut self, frame: Frame) -> Result<(), StreamError> {
        self.events += 1;
        let frame = self.without_findings_outside_data(frame);
        let payload = frame.payload();
        let mut held = Held { pieces: Vec::new(), splices: Vec::new(), plain: false, frame: Frame::default() };
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
        self.held += frame.raw.len();
        held.frame = frame;
        self.queue.push_back(held);
        let limit = self.live.settings.limits.held_bytes;
        if self.held > limit { Err(StreamError::HeldTooMuch(limit)) } else { Ok(()) }
    }

    fn json(&mut self, payload: &[u8], event: &EventReading, held: &mut Held) -> Result<(), StreamError> {
        // What is not JSON goes on, if ever, behind something that is.
        self.waits_no_longer(PLAIN.group, None);
        for unread in &event.reading.unread {
            self.judging.unread(unread.kind);
        }
        let parts = &event.reading.parts;
        let mut at = 0;
        while let Some(head) = parts.get(at) {
            if let Some(channel) = head.channel.filter(|_| head.form == Form::String) {
                self.piece(payload, &event.tape, head, channel, held)?;
                at += 1;
            } else {
                let count = parts.iter().skip(at).take_while(|part| part.run == head.run && part.channel.is_none()).count().max(1);
                let run = parts.get(at..at + count).unwrap_or_default();
                self.standalone(payload, &event.tape, run, held);
                at += count;
            }
        }
        for node in event.reading.logprobs.iter().filter_map(|id| event.tape.node(*id)) {
            held.splices.push(Splice { range: node.outer(), with: b"null".to_vec() });
        }
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
        let index = self.text_of(channel, part, || tape.pointer(payload, part.node, |_| false))?;
        self.waits_no_longer(channel.group, Some(index));
        let (start, end) = self.grow(index, &text)?;
        held.pieces.push(Piece { text: index, start, end, inner: node.inner() });
        Ok(())
    }

    fn text_of(&mut self, channel: Channel, part: &Part, pointer: impl FnOnce() -> String) -> Result<usize, StreamError> {
        if let Some(index) = self.by_channel.get(&channel) {
            return Ok(*index);
        }
        let limit = self.live.settings.limits.channels;
        if self.texts.len() >= limit {
            return Err(StreamError::TooManyTexts(limit));
        }
        let tokens = !self.session.is_empty();
        let mut text = Growing::new(&self.live.detector, tokens, part.role, part.class, channel.group, part.signed);
        text.pointer = pointer();
        self.texts.push(text);
        self.by_channel.insert(channel, self.texts.len() - 1);
        Ok(self.texts.len() - 1)
    }

    fn grow(&mut self, index: usize, piece: &str) -> Result<(usize, usize), StreamError> {
        let Some(text) = self.texts.get_mut(index) else { return Err(StreamError::Splice) };
        if text.finished && !text.resume(&self.live.detector, !self.session.is_empty()) {
            self.split_over_parts();
            return Ok((0, 0));
        }
        let range = text.push(piece);
        self.advance(index);
        Ok(range)
    }

    fn advance(&mut self, index: usize) {
        let Self { texts, judging, restored, session, .. } = self;
        let Some(text) = texts.get_mut(index) else { return };
        let (role, path) = (text.role, text.pointer.clone());
        let mut below = Vec::new();
        let judged = &mut *judging;
        let whole =
            text.advance(session, restored, &mut |finding, span| judged.choose(role, &path, finding, span, false), &mut |finding| {
                below.push(finding.clone());
            });
        for finding in &below {
            judging.below(finding);
        }
        if !whole {
            self.split_over_parts();
        }
    }

    fn split_over_parts(&mut self) {
        let sentence = "something sensitive was split over two interleaved parts of the answer";
        self.judging.stop.get_or_insert_with(|| (Decision::Blocked, sentence.to_owned()));
    }

    /// Text of another kind begins in a choice: what the choice wrote before is complete, unless it goes on later.
    fn waits_no_longer(&mut self, group: u32, except: Option<usize>) {
        let waiting: Vec<usize> = (0..self.texts.len())
            .filter(|other| Some(*other) != except)
            .filter(|other| self.texts.get(*other).is_some_and(|text| text.group == group && !text.finished && text.is_undecided()))
            .collect();
        for other in waiting {
            if let Some(text) = self.texts.get_mut(other) {
                text.finish();
            }
            self.advance(other);
        }
    }

    /// Ends the texts of a choice or block, or all.
    fn end_texts(&mut self, group: Option<u32>) {
        for index in 0..self.texts.len() {
            let Some(text) = self.texts.get_mut(index) else { continue };
            if !text.finished && group.is_none_or(|group| text.group == group) {
                text.finish();
                self.advance(index);
            }
        }
    }

    /// A text that stands complete in one frame.
    fn standalone(&mut self, payload: &[u8], tape: &Tape, run: &[Part], held: &mut Held) {
        let Some(head) = run.first() else { return };
        let text: std::borrow::Cow<'_, str> = match run {
            [one] => tape.text(payload, one.node),
            many => many.iter().map(|part| tape.text(payload, part.node)).collect::<String>().into(),
        };
        let key = if head.form == Form::String { tape.key(payload, head.node) } else { None };
        let Some(edits) = self.edits_of(&text, head, key.as_deref(), || tape.pointer(payload, head.node, |_| false)) else { return };
        let mut offset = 0;
        for part in run {
            let Some(node) = tape.node(part.node) else { continue };
            let length = tape.text(payload, part.node).len();
            if part.form == Form::Number {
                let edit = edits.iter().find(|edit| edit.start < offset + length && edit.end > offset);
                held.splices
                    .extend(edit.map(|edit| Splice { range: node.outer(), with: format!("\"{}\"", escaped(&edit.with)).into_bytes() }));
            } else {
                let inner = node.inner();
                piece_splices(payload.get(inner.clone()).unwrap_or_default(), inner.start, offset, length, &edits, &mut held.splices);
            }
            offset += length;
        }
    }

    /// Edits for a complete text; `None` when there is nothing to do.
    fn edits_of(&mut self, text: &str, part: &Part, key: Option<&str>, pointer: impl FnOnce() -> String) -> Option<Vec<TextEdit>> {
        let known = self.hasher.hash_one((part.role, part.class, part.fixed, key, text));
        if text.is_empty() || self.clean.contains(&known) {
            return None;
        }
        let tokens = !self.session.is_empty();
        let mut scan = self.live.detector.scan(text, Hint { key, tokens, json: part.class == TextClass::ToolArguments });
        scan.give_way(&|hit| self.session.knows(hit));
        if scan.findings.is_empty() && scan.tokens.is_empty() && scan.below.is_empty() {
            if self.clean.len() < REMEMBERED {
                self.clean.insert(known);
            }
            return None;
        }
        let path = pointer();
        let mut edits = Vec::new();
        for finding in &scan.findings {
            let span = text.get(finding.start..finding.end).unwrap_or_default();
            match self.judging.choose(part.role, &path, finding, Some(span), part.fixed) {
                Choice::Replace(_) if part.signed => {
                    edits.push(TextEdit { start: finding.start, end: finding.end, with: removed_from_signed(&finding.label) });
                }
                Choice::Replace(with) => edits.push(TextEdit { start: finding.start, end: finding.end, with }),
                Choice::Keep => {}
                Choice::Stop => return None,
            }
        }
        scan.below.iter().for_each(|finding| self.judging.below(finding));
        let restored = restore_whole(&self.session, text, part.class, !part.fixed && !part.signed, &scan.tokens, &mut edits);
        self.restored.values += restored.values;
        self.restored.withheld += restored.withheld;
        Some(edits)
    }

    /// Comments and unknown lines are inspected too; a frame that would need an edit there loses those lines.
    fn without_findings_outside_data(&mut self, frame: Frame) -> Frame {
        if frame.other.is_empty() {
            return frame;
        }
        let mut cuts = Vec::new();
        for range in &frame.other {
            let text = String::from_utf8_lossy(frame.raw.get(range.clone()).unwrap_or_default()).into_owned();
            let part = outside_part();
            if self.edits_of(&text, &part, None, || "/".to_owned()).is_some_and(|edits| !edits.is_empty()) {
                cuts.push(Splice { range: range.clone(), with: b":".to_vec() });
            }
        }
        if cuts.is_empty() {
            return frame;
        }
        splice(&frame.raw, &cuts).map(Frame::parse).unwrap_or_default()
    }

    /// A payload that is not JSON is one text over the whole stream.
    fn not_json(&mut self, payload: &[u8], error: JsonError, held: &mut Held) -> Result<(), StreamError> {
        tracing::debug!(%error, "a stream event is not JSON; it is inspected as text");
        let Ok(text) = std::str::from_utf8(payload) else { return Err(StreamError::Splice) };
        held.plain = true;
        let index = self.text_of(PLAIN, &outside_part(), String::new)?;
        let (start, end) = self.grow(index, text)?;
        held.pieces.push(Piece { text: index, start, end, inner: 0..payload.len() });
        Ok(())
    }

    fn release(&mut self, out: &mut Vec<u8>) -> Result<(), StreamError> {
        while let Some(held) = self.queue.front() {
            let decided =
                held.pieces.iter().all(|piece| self.texts.get(piece.text).is_some_and(|text| piece.end <= text.settled(&self.session)));
            if !decided || (self.judging.stop.is_some()) {
                return Ok(());
            }
            let Some(held) = self.queue.pop_front() else { return Ok(()) };
            self.held -= held.frame.raw.len();
            self.write(&held, out)?;
            for piece in &held.pieces {
                if let Some(text) = self.texts.get_mut(piece.text) {
                    text.forget(piece.end);
                }
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
        if splices.is_empty() {
            out.extend_from_slice(&held.frame.raw);
            return Ok(());
        }
        splices.sort_by_key(|splice| splice.range.start);
        let edited = splice(&payload, &splices).ok_or(StreamError::Splice)?;
        out.extend_from_slice(&held.frame.with_payload(&edited));
        Ok(())
    }

    /// Bytes of memory held for the stream.
    pub fn memory(&self) -> usize {
        self.held + self.reader.pending() + self.texts.iter().map(Growing::held).sum::<usize>()
    }
}

/// Text of the answer that stands outside its JSON.
fn outside_part() -> Part {
    let (role, class) = (Role::Assistant, TextClass::Metadata);
    Part { node: 0, role, class, form: Form::String, fixed: false, signed: false, plain: false, run: 0, channel: None }
}

fn plain_splices(piece: &Piece, edits: &[TextEdit], out: &mut Vec<Splice>) {
    for edit in edits {
        let from = edit.start.max(piece.start) - piece.start;
        let to = edit.end.min(piece.end) - piece.start;
        let with = if edit.start >= piece.start { edit.with.clone().into_bytes() } else { Vec::new() };
        out.push(Splice { range: from..to, with });
    }
}
