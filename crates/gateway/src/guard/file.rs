//! Guarding a file by itself, on its way to a provider that keeps it or back. It is never edited: what would have to be is refused.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use bartizan_detect::Scan;
use bartizan_extract::{Extracted, Hint, Kind, Looks, Unreadable, extract};
use bartizan_policy::Action;
use bartizan_vocabulary::{Direction, GuardStatus, Label, Role, TextClass, UninspectedKind};
use bartizan_wire::json::{Tape, unescape};
use bartizan_wire::{Form, SHOWN_BOUNDARY, SHOWN_FILE, Side, Unread, read};
use bytes::Bytes;

use super::looking::{Stage, caught, count_lookups, inspect_outside, inspector};
use super::{GuardError, Guarded, Parsed, RequestError, finish, micros, note_unread, unguarded};
use crate::bench::Bench;
use crate::body::ReadError;
use crate::cache::Known;
use crate::exchange::Exchange;
use crate::faults::strike;
use crate::inspect::{InspectError, Inspector, MOST, Unit, items};
use crate::live::Live;
use crate::signed::Removed;
use crate::{attachments, remedy};

/// A file and what is said of it.
pub struct FileSent {
    /// What it is said to be.
    media_type: Option<String>,
    /// What it is said to be called.
    file_name: Option<String>,
    /// All that stands beside its bytes, as JSON: so it is inspected, and so events point to what was found.
    shown: Parsed,
}

impl FileSent {
    /// Reads what is said of a file.
    ///
    /// # Errors
    /// When that is no JSON; it is written here.
    pub fn new(live: &Live, shown: Vec<u8>, media_type: Option<String>, file_name: Option<String>) -> Result<Self, RequestError> {
        let bytes = Bytes::from(shown);
        let tape = Tape::read(&bytes, &live.settings.limits.json)?;
        let mut reading = read(&tape, &bytes, Side::Request);
        for part in &mut reading.parts {
            // Nothing of it can be edited: the form goes on byte for byte.
            part.fixed = true;
            // As everywhere in a request: a number alone may be a value that was put there.
            let by_chance = || tape.text(&bytes, part.node).bytes().any(|byte| byte.is_ascii_alphabetic());
            part.id |= part.form == Form::String && tape.key(&bytes, part.node).is_some_and(|name| name == SHOWN_BOUNDARY) && by_chance();
        }
        Ok(Self { media_type, file_name, shown: Parsed { bytes, tape, reading, removed: Removed::default() } })
    }

    /// A file of which nothing is said but its type.
    ///
    /// # Errors
    /// As for [`FileSent::new`].
    pub fn bare(live: &Live, media_type: Option<String>) -> Result<Self, RequestError> {
        Self::new(live, format!("{{\"{SHOWN_FILE}\":\"\"}}").into_bytes(), media_type, None)
    }
}

/// Guards a file. `whole`: all bytes that go on if it may pass; `file`: those of the file. Gives what of it was not read, too.
///
/// # Errors
/// As for requests.
pub fn guard_file(
    exchange: &Exchange,
    action: Action,
    mut sent: FileSent,
    (whole, file): (&Bytes, &[u8]),
    outside: &str,
) -> Result<(Box<Guarded>, Vec<UninspectedKind>), GuardError> {
    let result = caught(|stage| judged(exchange, stage, action, &sent, (whole.len(), file), outside));
    let (mut guarded, unread) = match result {
        Err(error) if error.may_fail_open(exchange) => {
            let kind = UninspectedKind::File;
            sent.shown.reading.unread = vec![Unread { node: 0, kind, role: Role::User, attached: false }];
            (unguarded(exchange, &sent.shown, whole.len(), action, &error), vec![kind])
        }
        other => other?,
    };
    guarded.bytes = if guarded.refusal.is_some() { Bytes::new() } else { whole.clone() };
    Ok((guarded, unread))
}

fn judged(
    exchange: &Exchange,
    stage: &Stage,
    action: Action,
    sent: &FileSent,
    (length, file): (usize, &[u8]),
    outside: &str,
) -> Result<(Box<Guarded>, Vec<UninspectedKind>), GuardError> {
    let (direction, role) =
        if action == Action::Complete { (Direction::Response, Role::Assistant) } else { (Direction::Request, Role::User) };
    strike(exchange.gate.faults(), direction)?;
    let began = Instant::now();
    let body = sent.shown.body();
    let mut inspector = inspector(exchange, false);
    let mut units = inspector.body(body)?;
    for unit in &mut units {
        unit.role = role;
    }
    let known = look(exchange, sent, file, &inspector)?;
    count_lookups(exchange, &inspector);
    if items(&known.scan) > 0 {
        let at = body.tape.member(body.bytes, 0, SHOWN_FILE);
        units.push(Unit { parts: 0..0, role, class: TextClass::Document, scan: known.scan, attached: at });
    }
    units.extend(inspect_outside(exchange, outside)?);
    let inspected = micros(began);
    let mut facts = exchange.facts(action, GuardStatus::Ran);
    facts.context.body_bytes = length as u64;
    facts.context.token_estimate = if action == Action::Prompt { length as u64 / 4 } else { 0 };
    remedy::count_findings(&mut facts, &units);
    note_unread(&mut facts, known.unread.iter().copied(), role);
    let until = began + exchange.live.settings.limits.inspect;
    stage.judging(exchange, direction);
    let judged = remedy::judge(&Bench::new(exchange, &facts, &[]), facts, &units, (body, until), &mut |_, _, _, _, _| None)?;
    super::count_found(exchange, &units);
    let guarded = finish(exchange, &sent.shown, &units, judged, Vec::new(), (inspected, micros(began)))?;
    Ok((guarded, known.unread.to_vec()))
}

/// What is found in a file, and what of it is not read.
fn look(exchange: &Exchange, sent: &FileSent, file: &[u8], inspector: &Inspector<'_>) -> Result<Known, GuardError> {
    let hint = Hint { media_type: sent.media_type.as_deref(), file_name: sent.file_name.as_deref() };
    let unread = |kind| Ok(Known { scan: Arc::default(), unread: Arc::new([kind]) });
    let extracted = match extract(file, &hint, &attachments::limits(exchange)) {
        Ok(extracted) => extracted,
        Err(Unreadable::TooLarge(_)) => return unread(UninspectedKind::OverLimit),
        Err(Unreadable::UnknownKind(Looks::Image)) => return unread(UninspectedKind::Image),
        Err(Unreadable::UnknownKind(Looks::Audio)) => return unread(UninspectedKind::Audio),
        Err(_) => return unread(UninspectedKind::File),
    };
    // Given back when the text is gone, at the end of this function.
    let mut held = exchange.gate.budget.open();
    let text: usize = extracted.segments.iter().map(|segment| segment.text.len()).sum();
    // Once as it stands, once with its escapes undone.
    if !held.grow(text.saturating_mul(2)) {
        return Err(GuardError::Busy(ReadError::Busy));
    }
    let mut scan = attachments::scan(&extracted, inspector)?;
    if extracted.kind == Kind::Json {
        twice_escaped(&extracted, inspector, &mut scan)?;
    }
    Ok(Known { scan: Arc::new(scan), unread: attachments::kinds(&extracted) })
}

/// JSON in a string of JSON is escaped twice, and whoever looks for something undoes one of the two. What only shows then counts, too,
/// behind the text as it stands.
fn twice_escaped(extracted: &Extracted, inspector: &Inspector<'_>, scan: &mut Scan) -> Result<(), GuardError> {
    let mut at: usize = extracted.segments.iter().map(|segment| segment.text.len()).sum();
    let known: HashSet<Label> = scan.findings.iter().map(|finding| finding.label.clone()).collect();
    for segment in extracted.segments.iter().filter(|segment| segment.text.contains("\\\\")) {
        let text = unescape(segment.text.as_bytes());
        let found = inspector.passage(&text, true)?.findings;
        for mut finding in found.into_iter().filter(|finding| !known.contains(&finding.label)) {
            (finding.start, finding.end) = (finding.start + at, finding.end + at);
            scan.findings.push(finding);
        }
        at += text.len();
        if items(scan) > MOST {
            return Err(InspectError::TooMany.into());
        }
    }
    Ok(())
}
