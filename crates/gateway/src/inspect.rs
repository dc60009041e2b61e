//! From a read body to findings: neighbouring parts are one text, each text is inspected once.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use bartizan_detect::{Detector, Hint, Scan, TokenHit, is_encoded};
use bartizan_vocabulary::{EventFinding, Finding, Role, TextClass};
use bartizan_wire::json::{NodeId, Tape};
use bartizan_wire::{Form, Part, Reading};

use crate::cache::{CacheScope, Domain, FindingsCache};
use crate::kept::Kept;
use crate::live::is_prose;
use crate::pack::Asked;
use crate::{alone, number};

/// So many findings and token-like strings a body may hold: more would cost memory without end.
pub const MOST: usize = 100_000;

/// Texts longer than this are inspected in pieces, with a look at the clock in between.
const PIECE: usize = 256 << 10;

/// What rules over digits find: identifiers that a program makes by chance match now and then. See decision 011.
const BY_CHANCE: &[&str] = &["pci.card", "pci.iban", "pii.phone", "pii.us_ssn", "pii.ip"];

/// Why an inspection has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// It took too long.
    #[error("inspecting the text took too long")]
    Timeout,
    /// A detector panicked.
    #[error("a detector failed")]
    Panic,
    /// More was found than is kept in memory.
    #[error("more was found than can be kept; the text is too dense with findings")]
    TooMany,
    /// A detector reported an error.
    #[error("a detector reported an error")]
    Error,
}

/// One inspected text: one part, or several that are read as one.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Its parts, as positions in the reading.
    pub parts: std::ops::Range<usize>,
    /// Who wrote it.
    pub role: Role,
    /// What it is.
    pub class: TextClass,
    /// What was found.
    pub scan: Arc<Scan>,
    /// The file that it is the text of. It has no parts then.
    pub attached: Option<NodeId>,
    /// The part, or the file, whose subject this is: said of it, and nothing in it that could be edited. It has no parts then.
    pub about: Option<NodeId>,
}

/// A body in memory with its spans.
#[derive(Clone, Copy)]
pub struct Body<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Their tape.
    pub tape: &'a Tape,
    /// What is to be inspected.
    pub reading: &'a Reading,
}

/// Inspects the texts of a body.
pub struct Inspector<'a> {
    /// Detector.
    pub detector: &'a Detector,
    /// The same without names, for what is no prose.
    pub plain: &'a Detector,
    /// Findings cache.
    pub cache: &'a FindingsCache,
    /// Whose texts.
    pub scope: &'a CacheScope,
    /// Texts of fewer bytes are not remembered.
    pub worth: usize,
    /// Look for pseudonyms too.
    pub tokens: bool,
    /// Say what texts are about, too (decision 030).
    pub subjects: bool,
    /// What the accuracy pack has read already.
    pub given: Option<&'a Asked>,
    /// When it must be done.
    pub deadline: Instant,
    /// Lookups that were answered from the cache, and that were not.
    pub lookups: (u64, u64),
}

impl Unit {
    /// Pseudonyms of this exchange come before findings.
    pub fn give_way(&mut self, known: &dyn Fn(&TokenHit) -> bool) {
        if self.scan.tokens.iter().any(known) {
            Arc::make_mut(&mut self.scan).give_way(known);
        }
    }
}

/// Where a part stands, names of people's own making concealed.
pub fn pointer(tape: &Tape, bytes: &[u8], node: NodeId) -> String {
    tape.pointer(bytes, node, |key| !bartizan_wire::is_format_key(tape, bytes, key))
}

/// Nothing that decodes to a value is one by chance.
fn is_chance(finding: &Finding, text: &str) -> bool {
    let label = finding.label.as_str();
    BY_CHANCE.contains(&label) && !text.get(finding.start..finding.end).is_some_and(|surface| is_encoded(label, surface))
}

/// Drops what counts for nothing in a provider's identifier, `text`.
pub fn without_chance(scan: &mut Scan, text: &str) {
    scan.findings.retain(|finding| !is_chance(finding, text));
    scan.below.retain(|finding| !is_chance(finding, text));
}

/// How much was found.
pub fn items(scan: &Scan) -> usize {
    scan.findings.len() + scan.below.len() + scan.tokens.len()
}

impl<'a> Body<'a> {
    /// The parts of a unit.
    pub fn parts(&self, unit: &Unit) -> &'a [Part] {
        self.reading.parts.get(unit.parts.clone()).unwrap_or_default()
    }

    /// The text of a unit: its parts' texts, one behind the other.
    pub fn text(&self, parts: &[Part]) -> Cow<'a, str> {
        match parts {
            [one] => self.tape.text(self.bytes, one.node),
            many => Cow::Owned(many.iter().map(|part| self.tape.text(self.bytes, part.node)).collect()),
        }
    }

    /// Where a part stands, names of people's own making concealed.
    pub fn pointer(&self, node: NodeId) -> String {
        pointer(self.tape, self.bytes, node)
    }

    /// Findings as they are kept, one a finding, at the part where it starts.
    pub fn event_findings<'u>(&self, units: impl Iterator<Item = &'u Unit>) -> Kept {
        let mut kept = Kept::default();
        for unit in units {
            if kept.is_full() {
                kept.leave_out(unit.scan.findings.len() as u64);
                continue;
            }
            let parts = self.parts(unit);
            // Where each part begins in the text.
            let mut starts = vec![0];
            if let [before @ .., _] = parts {
                starts.extend(before.iter().scan(0, |end, part| {
                    *end += self.tape.text(self.bytes, part.node).len();
                    Some(*end)
                }));
            }
            // The findings of a part follow one another, and its path is made once.
            let mut last = (usize::MAX, String::new());
            for finding in &unit.scan.findings {
                if kept.is_full() {
                    kept.leave_out(1);
                    continue;
                }
                let at = starts.partition_point(|start| *start <= finding.start).saturating_sub(1);
                if last.0 != at {
                    last = (at, parts.get(at).map(|part| self.pointer(part.node)).unwrap_or_default());
                }
                kept.push(event_finding(unit, starts.get(at).copied().unwrap_or_default(), &last.1, finding));
            }
        }
        kept
    }
}

/// A finding at the part that begins at `offset` of its text.
pub fn event_finding(unit: &Unit, offset: usize, path: &str, finding: &Finding) -> EventFinding {
    EventFinding {
        label: finding.label.clone(),
        rule: finding.rule.clone(),
        role: unit.role,
        path: path.to_owned(),
        start: finding.start - offset.min(finding.start),
        end: finding.end - offset.min(finding.start),
        score_bp: finding.score_bp,
    }
}

impl Inspector<'_> {
    /// Inspects every part of a body.
    ///
    /// # Errors
    /// When it takes too long or finds too much. Nothing of the result may be used then.
    pub fn body(&mut self, body: Body<'_>) -> Result<Vec<Unit>, InspectError> {
        let parts = &body.reading.parts;
        let mut units = Vec::with_capacity(parts.len());
        let (mut first, mut found) = (0, 0);
        while let Some(head) = parts.get(first) {
            let run = parts.iter().skip(first).take_while(|part| part.run == head.run).count().max(1);
            let range = first..first + run;
            if head.plain && run == 1 && (head.form == Form::Key || head.fixed) && !self.detector.is_own() {
                // A word of small letters where names and enumerations stand: no built-in pattern matches there.
                first += 1;
                continue;
            }
            let text = body.text(parts.get(range.clone()).unwrap_or_default());
            let key = if head.form == Form::String { body.tape.key(body.bytes, head.node) } else { None };
            let key = key.filter(|key| !bartizan_wire::says_nothing(key));
            let place = (head.role, head.class, key.as_deref());
            let mut scan = if head.opaque { self.opaque(&text)? } else { self.text(&text, place, is_prose(head))? };
            if head.form == Form::Number {
                scan = self.number(&text, head, scan)?;
            }
            if run > 1 {
                scan = self.alone(body, range.clone(), &text, scan)?;
            }
            if head.id && scan.findings.iter().chain(&scan.below).any(|finding| is_chance(finding, &text)) {
                without_chance(Arc::make_mut(&mut scan), &text);
            }
            found += items(&scan);
            if found > MOST {
                return Err(InspectError::TooMany);
            }
            let silent = scan.findings.is_empty() && scan.tokens.is_empty() && scan.below.is_empty();
            if !silent {
                units.push(Unit { parts: range.clone(), role: head.role, class: head.class, scan, attached: None, about: None });
            }
            if head.form == Form::String && !head.opaque && is_prose(head) {
                found += self.subjects_of(body, range, &text, &mut units)?;
            }
            first += run;
        }
        Ok(units)
    }

    /// A number literal is inspected in its whole part too.
    fn number(&mut self, literal: &str, part: &Part, mut scan: Arc<Scan>) -> Result<Arc<Scan>, InspectError> {
        let expanded = number::whole_part(literal).map(|whole| self.text(&whole, (part.role, part.class, None), false)).transpose()?;
        if items(&scan) + expanded.as_deref().map_or(0, items) > 0 {
            number::cover(Arc::make_mut(&mut scan), expanded.as_deref(), literal.len());
        }
        Ok(scan)
    }

    /// Parts that are one text are inspected one by one too.
    fn alone(&mut self, body: Body<'_>, range: std::ops::Range<usize>, text: &str, mut scan: Arc<Scan>) -> Result<Arc<Scan>, InspectError> {
        let parts = body.reading.parts.get(range).unwrap_or_default();
        let Some(head) = parts.first() else { return Ok(scan) };
        let lengths: Vec<usize> = parts.iter().map(|part| body.tape.text(body.bytes, part.node).len()).collect();
        let look = |part: &str| self.text(part, (head.role, head.class, None), is_prose(head)).map(Arc::unwrap_or_clone);
        alone::add(Arc::make_mut(&mut scan), text, &lengths, look)?;
        Ok(scan)
    }

    /// Looks over a value that is no text.
    fn opaque(&self, value: &str) -> Result<Arc<Scan>, InspectError> {
        let deadline = self.deadline;
        let scan = |detector: &Detector, text: &str, hint: Hint<'_>| {
            if Instant::now() > deadline { None } else { long(detector, text, hint, deadline) }
        };
        self.detector.scan_opaque(value, scan).map(Arc::new).ok_or(InspectError::Timeout)
    }

    /// Inspects one text of a file. Not remembered by itself: the file is.
    ///
    /// # Errors
    /// When it takes too long or finds too much.
    pub fn passage(&self, text: &str, json: bool) -> Result<Scan, InspectError> {
        if Instant::now() > self.deadline {
            return Err(InspectError::Timeout);
        }
        let hint = Hint { tokens: self.tokens, json, ..Hint::default() };
        let short = text.len() <= PIECE;
        let scan = if short { Some(self.detector.scan(text, hint)) } else { long(self.detector, text, hint, self.deadline) };
        // With more than that, the rest of the text was not looked through.
        scan.ok_or(InspectError::Timeout).and_then(|scan| if items(&scan) > MOST { Err(InspectError::TooMany) } else { Ok(scan) })
    }

    /// Inspects one text; names are looked for in prose only.
    ///
    /// # Errors
    /// When it takes too long.
    pub fn text(
        &mut self,
        text: &str,
        (role, class, key): (Role, TextClass, Option<&str>),
        prose: bool,
    ) -> Result<Arc<Scan>, InspectError> {
        let (detector, tokens, deadline) = (if prose { self.detector } else { self.plain }, self.tokens, self.deadline);
        let hint = Hint { key, tokens, json: class == TextClass::ToolArguments, ..Hint::default() };
        let given = self.given.filter(|_| prose).and_then(|asked| asked.of(text));
        // What was found without the pack is never taken for what is found with it.
        let domain = if given.is_some() { Domain::Named } else { Domain::of(prose) };
        let run = || match given {
            Some(given) => Some(detector.scan_given(text, hint, given.clone())),
            None if text.len() <= PIECE => Some(detector.scan(text, hint)),
            None => long(detector, text, hint, deadline),
        };
        let (scan, hit) =
            self.cache.scan(self.scope, (role, class, key, tokens), (text, self.worth, domain), run).ok_or(InspectError::Timeout)?;
        if hit {
            self.lookups.0 += 1;
        } else {
            self.lookups.1 += 1;
            if self.lookups.1.is_multiple_of(256) && Instant::now() > deadline {
                return Err(InspectError::Timeout);
            }
        }
        Ok(scan)
    }
}

/// The same machine, fed in pieces: the result does not depend on the split.
fn long(detector: &Detector, text: &str, hint: Hint<'_>, deadline: Instant) -> Option<Scan> {
    let mut machine = detector.stream(hint);
    let (mut scan, mut events) = (Scan::default(), Vec::new());
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at_checked(rest.floor_char_boundary(PIECE.min(rest.len())))?;
        machine.push(piece);
        machine.drain(&mut events);
        scan.absorb(events.drain(..));
        rest = tail;
        if Instant::now() > deadline {
            return None;
        }
        // Refused as a whole for what it holds so far.
        if items(&scan) > MOST {
            return Some(scan);
        }
    }
    machine.finish();
    machine.drain(&mut events);
    scan.absorb(events.drain(..));
    Some(scan)
}
