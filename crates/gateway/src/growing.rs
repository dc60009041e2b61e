//! One growing text of a stream: scanned as it comes, edited once a stretch of it is decided.

use std::collections::VecDeque;

use bartizan_detect::{Detector, Event, Hint, TextScan, TokenHit, give_way};
use bartizan_vocabulary::{Finding, Role, TextClass};
use bartizan_wire::Part;
use bartizan_wire::json::{JsonContext, Place};

use crate::edit::{TextEdit, belongs_to_literal, fit_restored, quote_literal};
use crate::restoring::{ARGUMENT, Foreign, Restored, arguments_end};
use crate::session::{Restoring, Session};
use crate::signed::unsealed;

/// Text kept behind what is decided, for looking at the surroundings of an edit.
const BEHIND: usize = 1_024;

/// A piece that came so often in a row is a word that stands in every event.
const OFTEN: usize = 8;

/// A word of so many bytes that comes twice is one too. A value may well begin with the same few letters twice.
const WORD: usize = 4;

/// So many edits are inserted one by one.
const MANY: usize = 64;

/// Whether a byte goes on with a bare number.
fn belongs_to_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E')
}

/// A text that comes in pieces.
pub struct Growing {
    scan: TextScan,
    context: JsonContext,
    /// The last part of the text, from `base` on.
    window: String,
    base: usize,
    length: usize,
    /// Where the last piece begins.
    last: usize,
    /// How often the last piece came in a row before.
    same: usize,
    edits: VecDeque<TextEdit>,
    /// Pseudonyms in tool arguments whose end has not come: a URL may still follow.
    waiting: VecDeque<TokenHit>,
    foreign: Foreign,
    /// Where the long finding begins that is being replaced.
    replacing: Option<usize>,
    /// Start of the last edit, when that replaces a whole bare literal.
    literal: Option<usize>,
    events: Vec<Event>,
    /// Findings that were judged already: of pieces on their own, and at what seemed to be the end.
    known: VecDeque<Finding>,
    /// The scan as it was when the text seemed to have ended in the middle of something.
    paused: Option<Box<TextScan>>,
    /// What stands before this was decided as if the text had ended there.
    sealed: usize,
    /// Nothing more is expected.
    pub finished: bool,
    /// Who writes it.
    pub role: Role,
    /// What it is.
    pub class: TextClass,
    /// Signed by the provider: nothing is restored into it.
    pub signed: bool,
    /// An identifier: nothing in it can be replaced.
    pub fixed: bool,
    /// Where it was seen first, for events.
    pub pointer: String,
}

/// Judges a finding; its text is given when all of it is known.
pub type Choose<'a> = dyn FnMut(&Finding, Option<&str>) -> Choice + 'a;

/// What the owner of the stream decides about a finding.
pub enum Choice {
    /// Leave it.
    Keep,
    /// Replace it.
    Replace(String),
    /// Stop the stream.
    Stop,
}

impl Growing {
    /// A text that has not begun.
    pub fn new(detector: &Detector, tokens: bool, part: &Part) -> Self {
        let hint = Hint { key: None, tokens, json: part.class == TextClass::ToolArguments, at_once: true };
        Self {
            scan: detector.stream(hint),
            context: JsonContext::default(),
            window: String::new(),
            base: 0,
            length: 0,
            last: 0,
            same: 0,
            edits: VecDeque::new(),
            waiting: VecDeque::new(),
            foreign: Foreign::default(),
            replacing: None,
            literal: None,
            events: Vec::new(),
            known: VecDeque::new(),
            paused: None,
            sealed: 0,
            finished: false,
            role: part.role,
            class: part.class,
            signed: part.signed,
            fixed: part.fixed,
            pointer: String::new(),
        }
    }

    /// Whether something in it is still undecided.
    pub fn is_undecided(&self) -> bool {
        self.scan.settled() < self.length || !self.waiting.is_empty()
    }

    /// Whether it ended, and not in the middle of something that might go on.
    pub fn is_over(&self) -> bool {
        self.finished && self.paused.is_none() && self.scan.covering().is_none()
    }

    /// Whether the text is nothing but this word since it was last decided, or ended in the same piece many times. Two letters of a
    /// value that are the same are no repetition.
    pub fn repeats(&self, piece: &str) -> bool {
        (piece.len() >= WORD && self.slice(self.sealed, self.length) == piece) || (self.same >= OFTEN && self.is_last(piece))
    }

    fn is_last(&self, piece: &str) -> bool {
        self.slice(self.last, self.length) == piece
    }

    /// Findings in the next piece on its own, that were judged, and what is to stand in their place.
    pub fn know(&mut self, findings: &[Finding], edits: Vec<TextEdit>) {
        let offset = self.length;
        let moved = |finding: &Finding| Finding { start: finding.start + offset, end: finding.end + offset, ..finding.clone() };
        self.known.extend(findings.iter().map(moved));
        for edit in edits {
            self.insert(TextEdit { start: edit.start + offset, end: edit.end + offset, with: edit.with });
        }
    }

    /// Takes more text. Returns the range that it is of the whole.
    pub fn push(&mut self, text: &str) -> (usize, usize) {
        let start = self.length;
        self.same = if start > 0 && self.is_last(text) { self.same + 1 } else { 0 };
        self.last = start;
        self.go_on_with_literal(text);
        self.scan.push(text);
        self.context.push(text);
        self.window.push_str(text);
        self.length += text.len();
        (start, self.length)
    }

    /// A bare number that is replaced as a whole goes on in the next piece.
    fn go_on_with_literal(&mut self, text: &str) {
        let length = self.length;
        let Some(edit) = self.edits.back_mut().filter(|edit| self.literal == Some(edit.start) && edit.end == length) else { return };
        edit.end += text.bytes().take_while(|byte| belongs_to_literal(*byte)).count();
    }

    /// Ends the text, as far as anybody knows.
    pub fn finish(&mut self) {
        if !self.finished {
            self.finished = true;
            if self.is_undecided() {
                self.paused = Some(Box::new(self.scan.clone()));
                self.scan.finish();
            }
        }
    }

    /// The text goes on after its end: the scan goes on where it was. What was released then cannot be edited any more.
    pub fn resume(&mut self) {
        if let Some(paused) = self.paused.take() {
            self.scan = *paused;
            self.sealed = self.length;
        }
        self.finished = false;
    }

    /// Carries out what has been decided. `choose` judges each finding; `false` means stop.
    pub fn advance(
        &mut self,
        session: &Session,
        restored: &mut Restored,
        choose: &mut Choose<'_>,
        below: &mut dyn FnMut(&Finding),
    ) -> bool {
        let mut events = std::mem::take(&mut self.events);
        self.scan.drain(&mut events);
        give_way(&mut events, &|hit| session.knows(hit));
        let mut go_on = true;
        for event in events.drain(..) {
            match event {
                Event::Found { finding, open } => go_on = go_on && self.found(&finding, open, choose),
                Event::Extended { start, end, .. } => self.extended(start, end),
                Event::Below(finding) if finding.end > self.sealed => below(&finding),
                Event::Token(hit) if hit.start >= self.sealed => self.waiting.push_back(hit),
                // Its beginning has left.
                Event::Token(hit) if hit.end > self.sealed && session.restore(&hit) != Restoring::Unknown => restored.withheld += 1,
                Event::Below(_) | Event::Token(_) => {}
            }
        }
        self.events = events;
        self.restore(session, restored);
        go_on
    }

    fn slice(&self, start: usize, end: usize) -> &str {
        self.window.get(start.saturating_sub(self.base)..end.saturating_sub(self.base)).unwrap_or_default()
    }

    fn is_known(&self, finding: &Finding) -> bool {
        let first = self.known.partition_point(|known| known.start < finding.start);
        let here = self.known.range(first..).take_while(|known| known.start == finding.start);
        here.into_iter().any(|known| (known.end, &known.label) == (finding.end, &finding.label))
    }

    fn found(&mut self, finding: &Finding, open: bool, choose: &mut Choose<'_>) -> bool {
        if self.is_known(finding) {
            return true;
        }
        if self.paused.is_some() {
            self.known.push_back(finding.clone());
        }
        self.replacing = None;
        // How much of a long finding has come depends on how the text was split; what is put in its place must not.
        let span = (!open).then(|| self.slice(finding.start, finding.end));
        match choose(finding, span) {
            Choice::Keep => true,
            Choice::Stop => false,
            Choice::Replace(_) if finding.start < self.sealed => false,
            Choice::Replace(with) => {
                let edit = TextEdit { start: finding.start, end: finding.end, with };
                self.replacing = open.then_some(finding.start);
                let plain = edit.with.len();
                let edit = if open || self.signed { edit } else { self.fitted(edit) };
                self.literal = (edit.with.len() != plain).then_some(edit.start);
                self.insert(edit);
                true
            }
        }
    }

    /// Keeps edits sorted and apart: where two meet (in one literal, which is replaced as a whole), the first one's replacement
    /// stands for both.
    fn insert(&mut self, mut edit: TextEdit) {
        let at = self.edits.partition_point(|before| before.end <= edit.start);
        while self.edits.get(at).is_some_and(|other| other.start < edit.end) {
            let Some(other) = self.edits.remove(at) else { break };
            let with = if other.start <= edit.start { other.with } else { edit.with };
            let with = if self.signed { unsealed(with) } else { with };
            edit = TextEdit { start: edit.start.min(other.start), end: edit.end.max(other.end), with };
        }
        self.edits.insert(at, edit);
    }

    /// Bounds of an edit are looked up in the window, so they move by its base.
    fn fitted(&self, edit: TextEdit) -> TextEdit {
        if !self.context.is_json() || self.context.place(edit.start) == Place::Text {
            return edit;
        }
        let shifted = TextEdit { start: edit.start - self.base, end: edit.end - self.base, with: edit.with };
        let fitted = quote_literal(&self.window, shifted);
        TextEdit { start: fitted.start + self.base, end: fitted.end + self.base, with: fitted.with }
    }

    /// A long finding reaches further: if its beginning was replaced, the rest goes.
    fn extended(&mut self, start: usize, end: usize) {
        let Some(began) = self.replacing else { return };
        if let Some(edit) = self.edits.iter_mut().rev().find(|edit| edit.start <= began && edit.end >= start) {
            edit.end = edit.end.max(end);
        }
    }

    fn restore(&mut self, session: &Session, restored: &mut Restored) {
        let argument = self.class == TextClass::ToolArguments;
        let end = if argument && !self.waiting.is_empty() { self.arguments_end() } else { None };
        let mut made = Vec::new();
        while let Some(hit) = self.waiting.front() {
            if argument && !self.argument_is_known(hit) {
                break;
            }
            let Some(hit) = self.waiting.pop_front() else { break };
            let next = self.edits.partition_point(|edit| edit.end <= hit.start);
            let covered = self.edits.get(next).is_some_and(|edit| edit.start < hit.end);
            let barred = covered || self.signed || self.fixed;
            match session.restore(&hit) {
                Restoring::Unknown => {}
                Restoring::Value(surface, number) if !(barred || argument && self.is_foreign(session, &hit, end)) => {
                    restored.values += 1;
                    made.push(fit_restored(&self.context, hit.start, hit.end, &surface, number));
                }
                _ => restored.withheld += 1,
            }
        }
        self.add(made);
    }

    /// Adds edits that touch none of the others.
    fn add(&mut self, made: Vec<TextEdit>) {
        // Each insertion moves what stands behind it. Many at a time are sorted in instead.
        let many = made.len() > MANY;
        for edit in made {
            let at = if many { self.edits.len() } else { self.edits.partition_point(|before| before.start < edit.start) };
            self.edits.insert(at, edit);
        }
        if many {
            self.edits.make_contiguous().sort_by_key(|edit| edit.start);
        }
    }

    /// Where the tool arguments end, once they have.
    fn arguments_end(&self) -> Option<usize> {
        if !self.finished {
            return None;
        }
        arguments_end(&self.window, self.context.is_json()).map(|_| self.length)
    }

    /// Whether the arguments that hold a pseudonym have ended, or are too long to wait for.
    fn argument_is_known(&self, hit: &TokenHit) -> bool {
        self.finished || self.length - hit.start > ARGUMENT
    }

    fn is_foreign(&mut self, session: &Session, hit: &TokenHit, end: Option<usize>) -> bool {
        let bounds = Some((0, end));
        let mut foreign = self.foreign;
        let holds = foreign.holds(session, hit, bounds, |from, to| self.slice(from, to));
        self.foreign = foreign;
        holds
    }

    /// How far the text may be released.
    pub fn settled(&self, session: &Session) -> usize {
        let mut settled = self.scan.settled().min(self.length);
        if let Some(hit) = self.waiting.front() {
            settled = settled.min(hit.start);
        }
        if self.finished || !self.context.is_json() {
            return if self.finished && self.waiting.is_empty() { self.length } else { settled };
        }
        if session.numbers && self.context.string_at(settled).is_some_and(|(start, _)| start == settled) {
            return settled.saturating_sub(1);
        }
        self.before_number(settled)
    }

    /// Where to stop before `offset`, when it lies within a bare number: a number is replaced as a whole, its sign included.
    fn before_number(&self, offset: usize) -> usize {
        let at = offset.saturating_sub(self.base);
        let bytes = self.window.as_bytes();
        let goes_on = bytes.get(at).is_none_or(|byte| belongs_to_literal(*byte));
        if !goes_on || self.context.place(offset.saturating_sub(1)) != Place::Bare || self.context.place(offset) != Place::Bare {
            return offset;
        }
        let before = bytes.get(..at).unwrap_or_default();
        let run = before.iter().rev().take(BEHIND / 4).take_while(|byte| belongs_to_number(**byte)).count();
        let number = before.get(before.len() - run).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-');
        if number { offset - run } else { offset }
    }

    /// The edits that touch a range of the text.
    pub fn edits(&self, start: usize, end: usize) -> impl Iterator<Item = &TextEdit> {
        let first = self.edits.partition_point(|edit| edit.end <= start);
        self.edits.range(first..).take_while(move |edit| edit.start < end)
    }

    /// Drops what is only needed before `offset`, which was released.
    pub fn forget(&mut self, offset: usize) {
        let open = self.replacing.is_some() && (self.scan.covering().is_some() || self.paused.is_some());
        while self.edits.front().is_some_and(|edit| edit.end <= offset) && !(open && self.edits.len() == 1) {
            self.edits.pop_front();
        }
        let keep = offset.saturating_sub(ARGUMENT + BEHIND);
        // What is kept is moved each time: of a long window, more must go at once.
        if keep > self.base + (ARGUMENT / 4).max(self.window.len() / 8) {
            let cut = self.window.floor_char_boundary(keep - self.base);
            self.window.drain(..cut);
            self.base += cut;
        }
        self.context.forget(self.base);
        let sure = self.paused.as_ref().map_or_else(|| self.scan.settled(), |paused| paused.settled()).min(offset);
        while self.known.front().is_some_and(|known| known.end <= sure) {
            self.known.pop_front();
        }
    }

    /// Bytes of memory held for text.
    pub fn held(&self) -> usize {
        self.window.len() + self.scan.held() + self.paused.as_ref().map_or(0, |paused| paused.held())
    }
}
