//! Guarding a file by itself, on its way to a provider that keeps it or back. Only a text on its way there is edited; anything else that
//! would have to be is refused.

use std::collections::HashSet;
use std::ops::Range;
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
use crate::attachments::Files;
use crate::bench::Bench;
use crate::body::ReadError;
use crate::budget::Reservation;
use crate::cache::Known;
use crate::exchange::Exchange;
use crate::faults::strike;
use crate::inspect::{InspectError, Inspector, MOST, Unit, items};
use crate::live::Live;
use crate::replacing::Replacing;
use crate::signed::Removed;
use crate::{attachments, remedy, subjects};

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
    (whole, file): (&Bytes, Range<usize>),
    outside: &str,
) -> Result<(Box<Guarded>, Vec<UninspectedKind>), GuardError> {
    let bytes = whole.get(file.clone()).unwrap_or_default();
    let result = caught(|stage| judged(exchange, stage, action, &sent, (whole.len(), bytes), outside));
    let (mut guarded, unread, text) = match result {
        Err(error) if error.may_fail_open(exchange) => {
            let kind = UninspectedKind::File;
            sent.shown.reading.unread = vec![Unread { node: 0, kind, role: Role::User, attached: false }];
            (unguarded(exchange, &sent.shown, whole.len(), action, &error), vec![kind], None)
        }
        other => other?,
    };
    guarded.bytes = match text {
        _ if guarded.refusal.is_some() => Bytes::new(),
        Some(text) => {
            guarded.edited = true;
            let (before, after) = (whole.get(..file.start).unwrap_or_default(), whole.get(file.end..).unwrap_or_default());
            Bytes::from([before, &text, after].concat())
        }
        None => whole.clone(),
    };
    Ok((guarded, unread))
}

/// What was decided, what was not read, and what the file becomes.
type Outcome = (Box<Guarded>, Vec<UninspectedKind>, Option<Vec<u8>>);

fn judged(
    exchange: &Exchange,
    stage: &Stage,
    action: Action,
    sent: &FileSent,
    (length, file): (usize, &[u8]),
    outside: &str,
) -> Result<Outcome, GuardError> {
    let (direction, role) =
        if action == Action::Complete { (Direction::Response, Role::Assistant) } else { (Direction::Request, Role::User) };
    strike(exchange.gate.faults(), direction)?;
    let began = Instant::now();
    let until = began + exchange.live.settings.limits.inspect;
    let body = sent.shown.body();
    let mut inspector = inspector(exchange, false);
    inspector.subjects = direction == Direction::Request;
    let mut units = inspector.body(body)?;
    for unit in &mut units {
        unit.role = role;
    }
    let mut held = exchange.gate.budget.open();
    let (known, extracted) = look(exchange, sent, file, &inspector, &mut held)?;
    count_lookups(exchange, &inspector);
    let at = body.tape.member(body.bytes, 0, SHOWN_FILE);
    if items(&known.scan) > 0 {
        units.push(Unit { parts: 0..0, role, class: TextClass::Document, scan: known.scan, attached: at, about: None });
    }
    units.extend(subjects::units(&known.subjects, role, TextClass::Document, at.unwrap_or_default()));
    units.extend(inspect_outside(exchange, outside)?);
    let inspected = micros(began);
    let mut facts = exchange.facts(action, GuardStatus::Ran);
    facts.context.body_bytes = length as u64;
    facts.context.token_estimate = if action == Action::Prompt { length as u64 / 4 } else { 0 };
    remedy::count_findings(&mut facts, &units);
    note_unread(&mut facts, known.unread.iter().copied(), role);
    inspector.deadline = until;
    let again = |text: &[u8]| {
        let inspector = super::looking::inspector(exchange, false);
        look(exchange, sent, text, &inspector, &mut exchange.gate.budget.open()).map(|(known, _)| known)
    };
    let mut files = extracted.as_ref().map(|extracted| Files::alone(exchange, extracted, inspector, &again));
    let files = files.as_mut().filter(|_| action == Action::Prompt);
    let mut replacing = Replacing::of_files(exchange.gate.value_hash().clone(), exchange.live.settings.seal_key.as_ref());
    // Whoever reads the file later has no request from which a pseudonym could be restored.
    let mut replace = |label: &_, text: &str, asked, _| replacing.replace(label, text, asked);
    stage.judging(exchange, direction);
    let bench = Bench::new(exchange, &facts, &[]);
    let mut judged = remedy::judge(&bench, facts, &units, (body, until), &mut replace, files)?;
    super::count_found(exchange, &units);
    let text = std::mem::take(&mut judged.files).pop();
    let text = text.map(|(_, text)| [file.get(..start(extracted.as_ref())).unwrap_or_default(), text.as_bytes()].concat());
    let guarded = finish(exchange, &sent.shown, &units, judged, Default::default(), (inspected, micros(began)))?;
    Ok((guarded, known.unread.to_vec(), text))
}

/// Where the text of a file begins: behind the mark of its encoding.
fn start(extracted: Option<&Extracted>) -> usize {
    extracted.and_then(|extracted| extracted.segments.first()?.range.as_ref()).map_or(0, |range| range.start)
}

/// What is found in a file, and what of it is not read.
fn look(
    exchange: &Exchange,
    sent: &FileSent,
    file: &[u8],
    inspector: &Inspector<'_>,
    held: &mut Reservation,
) -> Result<(Known, Option<Extracted>), GuardError> {
    let hint = Hint { media_type: sent.media_type.as_deref(), file_name: sent.file_name.as_deref() };
    let unread = |kind| Ok((Known { scan: Arc::default(), subjects: Arc::default(), unread: Arc::new([kind]) }, None));
    let extracted = match extract(file, &hint, &attachments::limits(exchange)) {
        Ok(extracted) => extracted,
        Err(Unreadable::TooLarge(_)) => return unread(UninspectedKind::OverLimit),
        Err(Unreadable::UnknownKind(Looks::Image)) => return unread(UninspectedKind::Image),
        Err(Unreadable::UnknownKind(Looks::Audio)) => return unread(UninspectedKind::Audio),
        Err(_) => return unread(UninspectedKind::File),
    };
    let text: usize = extracted.segments.iter().map(|segment| segment.text.len()).sum();
    // Once as it stands, once with its escapes undone.
    if !held.grow(text.saturating_mul(2)) {
        return Err(GuardError::Busy(ReadError::Busy));
    }
    let mut scan = attachments::scan(&extracted, inspector)?;
    if matches!(extracted.kind, Kind::Json | Kind::Notebook) {
        twice_escaped(&extracted, inspector, &mut scan)?;
    }
    let subjects = inspector.subjects_of_file(&extracted)?;
    Ok((Known { scan: Arc::new(scan), subjects, unread: attachments::kinds(&extracted) }, Some(extracted)))
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
