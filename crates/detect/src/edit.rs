//! Turns what a scan reports into edits of the raw text, in order, as soon as they are settled. What to do with a finding or
//! a token is asked of a callback; how edits land in a body or in stream frames is the caller's business.

use std::fmt;

use bartizan_vocabulary::Finding;

use crate::detector::{Detector, Hint, Scan};
use crate::stream::{Event, TextScan};
use crate::token::TokenHit;

/// What to do with a finding or a token. Printed without the replacement, which can be a value that is given back.
#[derive(Clone, PartialEq, Eq)]
pub enum Action {
    /// Leave it.
    Keep,
    /// Put this in its place.
    Replace(String),
}

/// What an action is asked for. `value` is the raw text of it; of a long finding in a stream, the part that has come.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A finding at or above its threshold.
    Finding(&'a Finding),
    /// A string of the form of a token.
    Token(&'a TokenHit),
}

/// Raw bytes `start..end` become `replacement`. Edits come in order and do not overlap; the rest of a long finding comes as
/// further edits with an empty replacement, each starting where the one before ended.
#[derive(Clone, PartialEq, Eq)]
pub struct Edit {
    /// First raw byte.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// What stands there instead.
    pub replacement: String,
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Keep { "Keep" } else { "Replace(…)" })
    }
}

impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edit").field("start", &self.start).field("end", &self.end).finish_non_exhaustive()
    }
}

impl fmt::Debug for TextEditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextEditor").field("scan", &self.scan).finish_non_exhaustive()
    }
}

/// Asked for each finding and token with its raw text.
pub type Decide<'a> = dyn FnMut(Subject<'_>, &str) -> Action + 'a;

/// A scan that yields edits.
pub struct TextEditor {
    scan: TextScan,
    /// Raw text from `base` on: at least what is not settled.
    raw: String,
    base: usize,
    events: Vec<Event>,
    edits: Vec<Edit>,
    found: Scan,
    /// Whether the long finding in progress is being replaced.
    replacing: bool,
    /// Raw end of the last replaced finding.
    replaced_to: usize,
}

/// Raw text is dropped once this much of it is settled.
const WORTH: usize = 1024;

impl TextEditor {
    /// An editor over a new text.
    pub fn new(detector: &Detector, hint: Hint<'_>) -> Self {
        Self {
            scan: detector.stream(hint),
            raw: String::new(),
            base: 0,
            events: Vec::new(),
            edits: Vec::new(),
            found: Scan::default(),
            replacing: false,
            replaced_to: 0,
        }
    }

    /// Takes in more text.
    pub fn push(&mut self, text: &str, decide: &mut Decide<'_>) {
        self.raw.push_str(text);
        self.scan.push(text);
        self.carry_out(decide);
    }

    /// Says that the text is complete.
    pub fn finish(&mut self, decide: &mut Decide<'_>) {
        self.scan.finish();
        self.carry_out(decide);
    }

    /// Raw offset before which nothing will be edited any more, apart from the edits handed out.
    pub fn settled(&self) -> usize {
        self.scan.settled()
    }

    /// The raw start of the long finding that the text is inside of.
    pub fn covering(&self) -> Option<usize> {
        self.scan.covering()
    }

    /// Takes the edits since the last call.
    pub fn edits(&mut self) -> std::vec::Drain<'_, Edit> {
        self.edits.drain(..)
    }

    /// Takes everything found since the last call, except a long finding that is still growing.
    pub fn found(&mut self) -> Scan {
        let mut found = std::mem::take(&mut self.found);
        if self.covering().is_some() {
            self.found.findings.extend(found.findings.pop());
        }
        found
    }

    fn carry_out(&mut self, decide: &mut Decide<'_>) {
        self.scan.drain(&mut self.events);
        if !self.events.is_empty() {
            let events = std::mem::take(&mut self.events);
            self.decide_all(&events, decide);
            self.found.absorb(events);
        }
        let gone = self.scan.settled().saturating_sub(self.base);
        if gone >= WORTH && self.raw.is_char_boundary(gone) {
            self.raw.drain(..gone);
            self.base += gone;
        }
    }

    fn value(&self, start: usize, end: usize) -> &str {
        self.raw.get(start.saturating_sub(self.base)..end.saturating_sub(self.base)).unwrap_or_default()
    }

    /// A finding that lies within a token is the token; a token inside a replaced finding goes with it.
    fn decide_all(&mut self, events: &[Event], decide: &mut Decide<'_>) {
        let first = self.edits.len();
        let mut replaced: Vec<(usize, usize)> = vec![(0, self.replaced_to)];
        let mut asked: Vec<(&TokenHit, Option<Action>)> = events
            .iter()
            .filter_map(|event| match event {
                Event::Token(hit) => Some((hit, None)),
                _ => None,
            })
            .collect();
        for event in events {
            let (start, end, action) = match event {
                Event::Found { finding, open } => {
                    let action = self.decide_finding(finding, &mut asked, decide);
                    self.replacing = *open && matches!(action, Action::Replace(_));
                    (finding.start, finding.end, action)
                }
                Event::Extended { start, end, open } if self.replacing => {
                    self.replacing = *open;
                    (*start, *end, Action::Replace(String::new()))
                }
                _ => continue,
            };
            if let Action::Replace(replacement) = action {
                replaced.push((start, end));
                self.replaced_to = self.replaced_to.max(end);
                if end > start {
                    self.edits.push(Edit { start, end, replacement });
                }
            }
        }
        for (hit, action) in asked {
            if replaced.iter().any(|(start, end)| *start < hit.end && hit.start < *end) {
                continue;
            }
            let action = action.unwrap_or_else(|| decide(Subject::Token(hit), self.value(hit.start, hit.end)));
            if let Action::Replace(replacement) = action {
                self.edits.push(Edit { start: hit.start, end: hit.end, replacement });
            }
        }
        if let Some(new) = self.edits.get_mut(first..) {
            new.sort_by_key(|edit| edit.start);
        }
    }

    fn decide_finding(&self, finding: &Finding, asked: &mut [(&TokenHit, Option<Action>)], decide: &mut Decide<'_>) -> Action {
        for (hit, action) in asked.iter_mut() {
            if hit.start <= finding.start && finding.end <= hit.end {
                let token = action.get_or_insert_with(|| decide(Subject::Token(hit), self.value(hit.start, hit.end)));
                if *token != Action::Keep {
                    return Action::Keep;
                }
            }
        }
        decide(Subject::Finding(finding), self.value(finding.start, finding.end))
    }
}

/// Carries edits out on a whole text.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for edit in edits {
        out.push_str(text.get(from..edit.start).unwrap_or_default());
        out.push_str(&edit.replacement);
        from = edit.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}
