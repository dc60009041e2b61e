//! The payload of a journal record: the leaf as it is, what the index needs in the open, and the sealed detail.
//!
//! `leaf length(u16 LE) ‖ leaf ‖ flags ‖ [key id(16) ‖ [subject hash(32) ‖ wrapped key(76)] ‖ [event fields] ‖ sealed]`.
//! Event fields: `time(i64 LE) ‖ direction ‖ decision ‖ id ‖ request id ‖ labels`, each of the last three prefixed by a u16 length;
//! an id is a 1 and the 16 bytes of its UUID, or a 0 and its text.
//! Under the seal: `count ‖ openings(domain, salt, value) ‖ event JSON`, its usual keys each as one byte. The event id is authenticated with it.

use bartizan_ledger::{Detail, EntryError, EventDetail, Frame, Opening, Record, finish_frame, start_frame};
use bartizan_vocabulary::{Decision, Direction, Timestamp};
use uuid::Uuid;

use crate::seal::Sealer;
use crate::subjects::{Subject, WRAPPED};

/// Frame type of an entry.
pub(crate) const ENTRY: u8 = 1;

const DETAIL: u8 = 1;
const NEW_KEY: u8 = 2;
const EVENT: u8 = 4;

/// Id of a data key.
pub(crate) type DataKeyId = [u8; 16];

/// Appends a whole frame for `record`.
pub(crate) fn encode(out: &mut Vec<u8>, record: &Record, subject: Option<&Subject>, sealer: &Sealer) -> Result<(), EntryError> {
    let start = start_frame(out, ENTRY);
    let at = out.len();
    out.extend_from_slice(&[0; 2]);
    let length = record.entry.write(out)?;
    if let Some(field) = out.get_mut(at..at + 2) {
        field.copy_from_slice(&length.to_le_bytes());
    }
    match (&record.detail, subject) {
        (Some(detail), Some(subject)) => encode_detail(out, detail, subject, sealer)?,
        _ => out.push(0),
    }
    finish_frame(out, start).map_err(|error| EntryError(error.0))
}

fn encode_detail(out: &mut Vec<u8>, detail: &Detail, subject: &Subject, sealer: &Sealer) -> Result<(), EntryError> {
    let new = !subject.is_kept();
    let event = detail.event.as_ref();
    out.push(DETAIL | if new { NEW_KEY } else { 0 } | if event.is_some() { EVENT } else { 0 });
    out.extend_from_slice(&subject.id);
    if new {
        out.extend_from_slice(&subject.hash);
        out.extend_from_slice(&subject.wrapped);
    }
    if let Some(event) = event {
        encode_event(out, event)?;
    }
    let aad = event.map_or(&[][..], |event| event.id.as_str().as_bytes());
    let sealed = sealer.seal_into(subject.session(), aad, out, |out| plain(out, detail));
    if sealed { Ok(()) } else { Err(EntryError(out.len())) }
}

fn encode_event(out: &mut Vec<u8>, event: &EventDetail) -> Result<(), EntryError> {
    out.extend_from_slice(&event.time.as_micros().to_le_bytes());
    out.push(u8::from(event.direction == Direction::Response));
    out.push(decision_code(event.decision));
    id(out, event.id.as_str())?;
    id(out, event.request_id.as_str())?;
    let at = out.len();
    out.extend_from_slice(&[0; 2]);
    for label in &event.labels {
        out.push(b' ');
        out.extend_from_slice(label.as_str().as_bytes());
    }
    out.push(b' ');
    let length = out.len() - at - 2;
    let length = u16::try_from(length).map_err(|_| EntryError(length))?;
    if let Some(field) = out.get_mut(at..at + 2) {
        field.copy_from_slice(&length.to_le_bytes());
    }
    Ok(())
}

/// What goes under the seal.
fn plain(out: &mut Vec<u8>, detail: &Detail) {
    let openings = detail.openings.get(..detail.openings.len().min(255)).unwrap_or_default();
    out.push(u8::try_from(openings.len()).unwrap_or(0));
    for Opening { domain, salt, value } in openings {
        let domain = domain.as_bytes();
        out.push(u8::try_from(domain.len()).unwrap_or(0));
        out.extend_from_slice(domain);
        out.extend_from_slice(salt);
        let value = value.reveal();
        out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(0).to_le_bytes());
        out.extend_from_slice(value);
    }
    if let Some(event) = &detail.event {
        out.extend_from_slice(&event.json);
    }
}

fn id(out: &mut Vec<u8>, text: &str) -> Result<(), EntryError> {
    let packed = pack_id(text);
    let length = u16::try_from(packed.len()).map_err(|_| EntryError(text.len()))?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(packed.as_ref());
    Ok(())
}

/// An id as it is stored: short for UUIDs, which all of ours are, and exact for everything else.
pub(crate) fn pack_id(text: &str) -> PackedId {
    let mut buffer = Uuid::encode_buffer();
    match Uuid::try_parse(text) {
        Ok(uuid) if *uuid.hyphenated().encode_lower(&mut buffer) == *text => {
            let mut bytes = [1; 17];
            if let Some(tail) = bytes.get_mut(1..) {
                tail.copy_from_slice(uuid.as_bytes());
            }
            PackedId::Uuid(bytes)
        }
        _ => PackedId::Text([&[0], text.as_bytes()].concat()),
    }
}

/// The text of a stored id.
pub(crate) fn unpack_id(packed: &[u8]) -> String {
    match packed.split_first() {
        Some((1, uuid)) => Uuid::from_slice(uuid).unwrap_or_default().hyphenated().to_string(),
        Some((_, text)) => String::from_utf8_lossy(text).into_owned(),
        None => String::new(),
    }
}

/// See [`pack_id`].
pub(crate) enum PackedId {
    Uuid([u8; 17]),
    Text(Vec<u8>),
}

impl PackedId {
    fn len(&self) -> usize {
        self.as_ref().len()
    }
}

impl AsRef<[u8]> for PackedId {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Uuid(bytes) => bytes,
            Self::Text(bytes) => bytes,
        }
    }
}

pub(crate) fn decision_code(decision: Decision) -> u8 {
    Decision::ALL.iter().position(|other| *other == decision).and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
}

pub(crate) fn decision_of(code: u8) -> Option<Decision> {
    Decision::ALL.get(usize::from(code)).copied()
}

/// A record as the sequencer reads it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stored<'a> {
    pub(crate) leaf: &'a [u8],
    pub(crate) detail: Option<StoredDetail<'a>>,
}

/// The part beside the leaf.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StoredDetail<'a> {
    pub(crate) key: DataKeyId,
    /// Subject hash and wrapped key, when the key was not known to be kept yet.
    pub(crate) new_key: Option<(&'a [u8], &'a [u8])>,
    pub(crate) event: Option<StoredEvent<'a>>,
    /// The event fields as they are stored; empty without an event.
    pub(crate) fields: &'a [u8],
    pub(crate) sealed: &'a [u8],
}

/// The fields that events are found by.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StoredEvent<'a> {
    pub(crate) time: Timestamp,
    pub(crate) response: bool,
    pub(crate) decision: u8,
    pub(crate) id: &'a [u8],
    pub(crate) request_id: &'a [u8],
    pub(crate) labels: &'a str,
}

/// Takes a frame's payload apart; `None` when it is not ours.
pub(crate) fn decode<'a>(frame: &Frame<'a>) -> Option<Stored<'a>> {
    let Frame::Record { kind: ENTRY, payload, .. } = frame else { return None };
    let mut rest = Rest(payload);
    let leaf = rest.short()?;
    let flags = rest.byte()?;
    if flags & DETAIL == 0 {
        return Some(Stored { leaf, detail: None });
    }
    let key = rest.take(16)?.try_into().ok()?;
    let new_key = if flags & NEW_KEY == 0 { None } else { Some((rest.take(32)?, rest.take(WRAPPED)?)) };
    let detail = rest.detail(key, new_key, flags & EVENT != 0)?;
    Some(Stored { leaf, detail: Some(detail) })
}

/// A detail as `details` keeps it: its event fields and what is sealed.
pub(crate) fn decode_kept(key: DataKeyId, event: bool, bytes: &[u8]) -> Option<StoredDetail<'_>> {
    Rest(bytes).detail(key, None, event)
}

/// What was under a seal.
pub(crate) struct Opened<'a> {
    /// Domain, salt and value of each opening.
    pub(crate) openings: Vec<(&'a str, [u8; 32], &'a [u8])>,
    /// The event's JSON, packed or not; empty when there was no event.
    pub(crate) json: &'a [u8],
}

/// Takes an opened seal apart.
pub(crate) fn decode_plain(plain: &[u8]) -> Option<Opened<'_>> {
    let mut rest = Rest(plain);
    let count = rest.byte()?;
    let mut openings = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let length = usize::from(rest.byte()?);
        let domain = std::str::from_utf8(rest.take(length)?).ok()?;
        let salt = rest.take(32)?.try_into().ok()?;
        let length = usize::try_from(u32::from_le_bytes(rest.take(4)?.try_into().ok()?)).ok()?;
        openings.push((domain, salt, rest.take(length)?));
    }
    Some(Opened { openings, json: rest.0 })
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Event fields, when there are some, then what is sealed.
    fn detail(mut self, key: DataKeyId, new_key: Option<(&'a [u8], &'a [u8])>, event: bool) -> Option<StoredDetail<'a>> {
        let all = self.0;
        let event = if event { Some(self.event()?) } else { None };
        let (fields, sealed) = all.split_at_checked(all.len() - self.0.len())?;
        Some(StoredDetail { key, new_key, event, fields, sealed })
    }

    fn event(&mut self) -> Option<StoredEvent<'a>> {
        Some(StoredEvent {
            time: Timestamp::from_micros(i64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            response: self.byte()? == 1,
            decision: self.byte()?,
            id: self.short()?,
            request_id: self.short()?,
            labels: std::str::from_utf8(self.short()?).ok()?,
        })
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn short(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_le_bytes(self.take(2)?.try_into().ok()?);
        self.take(usize::from(length))
    }
}
