//! Files as the texts that may stand in their place: what one reads in them, under a line that says so.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use bartizan_detect::{Scan, canonical, normalise};
use bartizan_extract::{Extracted, Hint, Kind, View, render};
use bartizan_vocabulary::{Finding, Label};
use bartizan_wire::json::NodeId;
use bartizan_wire::{Attachment, Unread, as_text, attachment};

use super::{decode, is_json, limits};
use crate::body::ReadError;
use crate::budget::Reservation;
use crate::cache::Known;
use crate::exchange::Exchange;
use crate::guard::GuardError;
use crate::inspect::{Body, InspectError, Inspector};

/// Stands behind the text, so that nothing in it goes on in what follows.
const END: &str = "\n[The end of the attached file.]";

/// Longest name of a file that is told.
const NAME: usize = 128;

/// Looks through a file that is a text once more.
pub type LookAgain<'a> = dyn Fn(&[u8]) -> Result<Known, GuardError> + 'a;

/// Where files stand.
enum Source<'a> {
    /// In parts of a body.
    Body(Body<'a>),
    /// It is sent by itself.
    Alone(&'a Extracted, &'a LookAgain<'a>),
}

/// Makes texts of the files of one request.
pub struct Files<'a> {
    exchange: &'a Exchange,
    source: Source<'a>,
    inspector: Inspector<'a>,
    /// What their texts take of the budget.
    held: Reservation,
}

/// A file as a text.
pub struct AsText {
    /// What one reads in it.
    pub text: String,
    /// What was found in that.
    pub scan: Scan,
    /// What was found in the file.
    pub values: Vec<FoundValue>,
    /// The stretch of the body that goes with it.
    pub range: Range<usize>,
    heading: String,
    json: bool,
}

/// A value that was found in a file.
pub struct FoundValue {
    /// What it is.
    pub label: Label,
    /// Its letters and digits in one case: the same however it is written or broken.
    pub letters: String,
    /// Letters and digits of it as it was written there.
    pub written: String,
    /// Where it was found.
    pub view: View,
}

/// Letters and digits of a text, in one case and one way of writing.
pub fn letters(text: &str) -> String {
    only_letters(&normalise(text))
}

fn only_letters(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn value_letters(label: &Label, surface: &str) -> String {
    only_letters(&canonical(label.as_str(), surface))
}

impl AsText {
    /// The letters of a finding in the text.
    pub fn value(&self, finding: &Finding) -> String {
        value_letters(&finding.label, self.text.get(finding.start..finding.end).unwrap_or_default())
    }

    /// How many values of each label were found in the file and are not among those seen in the text.
    pub fn only_beside(&self, seen: &HashMap<String, usize>) -> BTreeMap<Label, u32> {
        let mut counts = BTreeMap::new();
        for value in self.values.iter().filter(|value| !seen.contains_key(&value.letters)) {
            *counts.entry(value.label.clone()).or_default() += 1;
        }
        counts
    }
}

impl<'a> Files<'a> {
    /// For the files of a body, until the inspector's deadline.
    pub fn new(exchange: &'a Exchange, body: Body<'a>, inspector: Inspector<'a>) -> Self {
        Self { exchange, source: Source::Body(body), inspector, held: exchange.gate.budget.open() }
    }

    /// For a file that is sent by itself. Its form stays: what is no text cannot be edited. `again` looks through what it becomes.
    pub fn alone(exchange: &'a Exchange, file: &'a Extracted, inspector: Inspector<'a>, again: &'a LookAgain<'a>) -> Self {
        Self { exchange, source: Source::Alone(file, again), inspector, held: exchange.gate.budget.open() }
    }

    /// A file as a text. `found`: what was found in the file. None: nothing can stand in its place.
    ///
    /// # Errors
    /// When it takes too long, or does not fit into the budget of bytes in flight.
    pub fn as_text(&mut self, node: NodeId, found: &Scan) -> Result<Option<AsText>, GuardError> {
        match self.source {
            Source::Body(body) => self.part_as_text(body, node, found),
            Source::Alone(file, _) => self.text_as_it_is(file, found),
        }
    }

    /// A text is its own text, byte for byte.
    fn text_as_it_is(&mut self, file: &Extracted, found: &Scan) -> Result<Option<AsText>, GuardError> {
        let is_text = matches!(file.kind, Kind::Text | Kind::Csv | Kind::Json | Kind::Notebook | Kind::Markdown) && file.unread.is_empty();
        let Some((segment, cells)) = file.segments.split_first() else { return Ok(None) };
        let (own, beside) = apart(found, segment.text.len());
        // What only shows when escapes are undone twice is not there to be replaced. What the cells of a notebook show may be.
        let shows = if cells.is_empty() { beside.findings.is_empty() } else { file.kind == Kind::Notebook };
        if !is_text || !shows || segment.range.is_none() {
            return Ok(None);
        }
        let Some(values) = self.values(file, &beside)? else { return Ok(None) };
        self.hold(segment.text.len().saturating_mul(3))?;
        let (heading, json) = (String::new(), is_json(file.kind, segment));
        Ok(Some(AsText { text: segment.text.clone(), scan: own, values, range: 0..0, heading, json }))
    }

    fn part_as_text(&mut self, body: Body<'_>, node: NodeId, found: &Scan) -> Result<Option<AsText>, GuardError> {
        let Body { bytes, tape, reading } = body;
        let Some(one) = reading.unread.iter().find(|one: &&Unread| one.node == node && one.attached) else { return Ok(None) };
        let place = as_text(tape, bytes, one, "").map(|done| done.range);
        let Some((file, range)) = attachment(tape, bytes, one).zip(place) else { return Ok(None) };
        self.hold(file.data.len().saturating_mul(2))?;
        let hint = Hint { media_type: file.media_type.as_deref(), file_name: file.file_name.as_deref() };
        let rendered = decode(&file.data).and_then(|bytes| render(&bytes, &hint, &limits(self.exchange)));
        let Some(rendered) = rendered else { return Ok(None) };
        let read: usize = rendered.extracted.segments.iter().map(|segment| segment.text.len()).sum();
        // The text as it is read, looked through, edited and written into the body.
        self.hold(read.saturating_add(rendered.text.len().saturating_mul(4)))?;
        let json = rendered.extracted.kind == Kind::Json;
        let scan = self.inspector.passage(&rendered.text, json)?;
        let Some(values) = self.values(&rendered.extracted, found)? else { return Ok(None) };
        let heading = self.heading(&file)?;
        Ok(Some(AsText { text: rendered.text, scan, values, range, heading, json }))
    }

    /// The text that is sent, and what is found in it. None: it is none that could be read whole.
    ///
    /// # Errors
    /// As for [`Files::as_text`].
    pub fn sent(&mut self, file: &AsText, text: &str) -> Result<Option<(String, Arc<Scan>)>, GuardError> {
        Ok(match self.source {
            Source::Body(_) => {
                let scan = self.inspector.passage(text, file.json)?;
                Some((format!("{}{text}{END}", file.heading), Arc::new(scan)))
            }
            Source::Alone(_, again) => {
                let known = again(text.as_bytes())?;
                known.unread.is_empty().then(|| (text.to_owned(), known.scan))
            }
        })
    }

    fn hold(&mut self, bytes: usize) -> Result<(), GuardError> {
        if self.held.grow(bytes) { Ok(()) } else { Err(GuardError::Busy(ReadError::Busy)) }
    }

    /// The values of findings, which stand in the segments one behind the other. None: they do not stand there.
    fn values(&self, extracted: &Extracted, found: &Scan) -> Result<Option<Vec<FoundValue>>, InspectError> {
        let mut values = Vec::with_capacity(found.findings.len());
        let mut segments = extracted.segments.iter();
        let (mut at, mut segment) = (0, segments.next());
        for (number, finding) in found.findings.iter().enumerate() {
            if number.is_multiple_of(256) && Instant::now() > self.inspector.deadline {
                return Err(InspectError::Timeout);
            }
            while let Some(before) = segment.filter(|segment| finding.start >= at + segment.text.len()) {
                at += before.text.len();
                segment = segments.next();
            }
            let surface = segment.and_then(|segment| segment.text.get(finding.start.checked_sub(at)?..finding.end.checked_sub(at)?));
            let Some((segment, surface)) = segment.zip(surface) else { return Ok(None) };
            let (written, letters) = (letters(surface), value_letters(&finding.label, surface));
            values.push(FoundValue { label: finding.label.clone(), letters, written, view: segment.view });
        }
        Ok(Some(values))
    }

    /// The line that stands before the text. A name in which something is found is not told.
    fn heading(&self, file: &Attachment<'_>) -> Result<String, InspectError> {
        let plain = |name: &&str| name.len() <= NAME && !name.chars().any(|letter| letter.is_control() || "\"[]".contains(letter));
        let told = match file.file_name.as_deref().filter(plain) {
            Some(name) => {
                let scan = self.inspector.passage(name, false)?;
                (scan.findings.is_empty() && scan.tokens.is_empty()).then(|| format!(" \"{name}\""))
            }
            None => None,
        };
        Ok(format!("[The text of the attached file{}. Values were replaced in it.]\n", told.unwrap_or_default()))
    }
}

/// What was found in the first of the segments, and what behind it.
fn apart(found: &Scan, first: usize) -> (Scan, Scan) {
    let (mut own, mut beside) = (found.clone(), found.clone());
    own.findings.retain(|finding| finding.end <= first);
    own.below.retain(|finding| finding.end <= first);
    own.tokens.retain(|token| token.end <= first);
    beside.findings.retain(|finding| finding.end > first);
    (own, beside)
}
