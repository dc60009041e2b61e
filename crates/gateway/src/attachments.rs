//! Files in a request: decoded, read, and their texts inspected like any other. What of them was not read stays a fact.

mod as_text;

use std::sync::Arc;

pub use as_text::{AsText, Files, FoundValue, letters};
use bartizan_detect::Scan;
use bartizan_extract::{Extracted, Hint, Kind, Limits, Looks, Reason, Segment, Unreadable, extract};
use bartizan_vocabulary::{Role, TextClass, UninspectedKind};
use bartizan_wire::{Attachment, Unread, attachment};
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::body::ReadError;
use crate::cache::Known;
use crate::exchange::Exchange;
use crate::guard::GuardError;
use crate::inspect::{Body, InspectError, Inspector, MOST, Unit, items};
use crate::subjects;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true);
const USUAL: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const FOR_URLS: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// What came of the files of a body.
pub struct Attached {
    /// Findings, a file a unit.
    pub units: Vec<Unit>,
    /// What of the body was not read, files and everything else.
    pub unread: Vec<UninspectedKind>,
}

/// Whether a request holds files. Reading them may take long.
pub fn any(unread: &[Unread]) -> bool {
    unread.iter().any(|one| one.attached)
}

/// Reads and inspects the files of a body.
///
/// # Errors
/// When it takes too long, finds too much, or does not fit into the budget of bytes in flight.
pub fn inspect(exchange: &Exchange, body: Body<'_>, inspector: &mut Inspector<'_>) -> Result<Attached, GuardError> {
    let mut attached = Attached { units: Vec::new(), unread: Vec::new() };
    let mut found = 0;
    for one in &body.reading.unread {
        let Some(file) = attachment(body.tape, body.bytes, one) else {
            attached.unread.push(one.kind);
            continue;
        };
        let kept = remembered(exchange, &file, one.role, inspector)?;
        attached.unread.extend(kept.unread.iter());
        found += items(&kept.scan) + kept.subjects.len();
        if found > MOST {
            return Err(InspectError::TooMany.into());
        }
        if items(&kept.scan) > 0 {
            let unit =
                Unit { parts: 0..0, role: one.role, class: TextClass::Document, scan: kept.scan, attached: Some(one.node), about: None };
            attached.units.push(unit);
        }
        attached.units.extend(subjects::units(&kept.subjects, one.role, TextClass::Document, one.node));
    }
    Ok(attached)
}

/// A conversation is sent in full each turn: a file that was seen is not read again.
fn remembered(exchange: &Exchange, file: &Attachment<'_>, role: Role, inspector: &mut Inspector<'_>) -> Result<Known, GuardError> {
    let limits = limits(exchange);
    let (media, name) = (file.media_type.as_deref().unwrap_or_default(), file.file_name.as_deref().unwrap_or_default());
    // All that the reading depends on.
    let key = format!("{}:{}:{media}{name}", limits.input_bytes, media.len());
    let place = (role, TextClass::Document, Some(key.as_str()), inspector.tokens);
    let (kept, hit) = inspector.cache.file(inspector.scope, place, &file.data, || read(exchange, file, &limits, inspector))?;
    inspector.lookups.0 += u64::from(hit);
    inspector.lookups.1 += u64::from(!hit);
    Ok(kept)
}

/// A file is no larger than a body, packed or not.
pub fn limits(exchange: &Exchange) -> Limits {
    let (most, usual) = (exchange.live.settings.limits.body_bytes, Limits::default());
    Limits {
        input_bytes: usual.input_bytes.min(most),
        output_bytes: usual.output_bytes.min(most),
        inflated_bytes: usual.inflated_bytes.min(most),
        ..usual
    }
}

fn read(exchange: &Exchange, file: &Attachment<'_>, limits: &Limits, inspector: &Inspector<'_>) -> Result<Known, GuardError> {
    let mut held = exchange.gate.budget.open();
    let mut hold = |bytes: usize| if held.grow(bytes) { Ok(()) } else { Err(GuardError::Busy(ReadError::Busy)) };
    // The text out of its JSON, and its bytes.
    hold(file.data.len().saturating_mul(2))?;
    let Some(bytes) = decode(&file.data) else { return Ok(unread(UninspectedKind::File)) };
    let hint = Hint { media_type: file.media_type.as_deref(), file_name: file.file_name.as_deref() };
    let extracted = match extract(&bytes, &hint, limits) {
        Ok(extracted) => extracted,
        Err(Unreadable::TooLarge(_)) => return Ok(unread(UninspectedKind::OverLimit)),
        Err(_) => return Ok(unread(UninspectedKind::File)),
    };
    hold(extracted.segments.iter().map(|segment| segment.text.len()).sum())?;
    let subjects = inspector.subjects_of_file(&extracted)?;
    Ok(Known { scan: Arc::new(scan(&extracted, inspector)?), subjects, unread: kinds(&extracted) })
}

fn unread(kind: UninspectedKind) -> Known {
    Known { scan: Arc::default(), subjects: Arc::default(), unread: Arc::new([kind]) }
}

/// One alphabet or the other. Readers disagree about both in one text, and about letters of neither.
fn decode(data: &str) -> Option<Vec<u8>> {
    USUAL.decode(data).or_else(|_| FOR_URLS.decode(data)).ok()
}

/// Whether a text of a file is JSON, in which characters may be escaped. The cells of a notebook are not, it is.
pub fn is_json(kind: Kind, segment: &Segment) -> bool {
    kind == Kind::Json || kind == Kind::Notebook && segment.range.is_some()
}

/// What was found in a file, as in one text: its segments one behind the other.
pub fn scan(extracted: &Extracted, inspector: &Inspector<'_>) -> Result<Scan, InspectError> {
    let (mut whole, mut at) = (Scan::default(), 0);
    for segment in &extracted.segments {
        let mut scan = inspector.passage(&segment.text, is_json(extracted.kind, segment))?;
        for finding in scan.findings.iter_mut().chain(&mut scan.below) {
            finding.start += at;
            finding.end += at;
        }
        for token in &mut scan.tokens {
            token.start += at;
            token.end += at;
        }
        whole.findings.append(&mut scan.findings);
        whole.below.append(&mut scan.below);
        whole.tokens.append(&mut scan.tokens);
        if items(&whole) > MOST {
            return Err(InspectError::TooMany);
        }
        at += segment.text.len();
    }
    Ok(whole)
}

/// What of a file was not read, each kind once.
pub fn kinds(extracted: &Extracted) -> Arc<[UninspectedKind]> {
    let mut kinds: Vec<UninspectedKind> = extracted.unread.iter().map(|unread| kind(unread.reason)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.into()
}

/// A picture in a document is one as anywhere else. What else was not read may hold text.
fn kind(reason: Reason) -> UninspectedKind {
    match reason {
        Reason::Looks(Looks::Image) => UninspectedKind::Image,
        Reason::Limit(_) => UninspectedKind::OverLimit,
        _ => UninspectedKind::File,
    }
}
