//! Reading events back: found by their open fields, opened with their subject's key, completed with their place in the ledger.

use bartizan_ledger::packed::unpacked;
use bartizan_vocabulary::{Decision, Hidden, Label, RequestId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use crate::details::{DetailReader, Place};
use crate::record::{decision_code, decision_of, decode_plain, pack_id, unpack_id};
use crate::seal::Sealer;
use crate::{DataDir, StoreError};

/// Which events. Every field narrows.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Not older than.
    pub since: Option<Timestamp>,
    /// With this decision.
    pub decision: Option<Decision>,
    /// With a finding of this label, or of one below it (`pii` finds `pii.email`).
    pub label: Option<Label>,
    /// Of this interaction.
    pub request_id: Option<RequestId>,
    /// After this ledger index: where the last page ended.
    pub after: Option<u64>,
    /// At most this many; with `newest`, the last ones.
    pub limit: Option<u32>,
    /// At most so many bytes of JSON, but one event at least; with `newest`, the last ones.
    pub bytes: Option<usize>,
    /// The last `limit` events instead of the first; the order of the answer stays ascending.
    pub newest: bool,
}

/// An event that was found.
#[derive(Clone, PartialEq, Eq)]
pub struct FoundEvent {
    /// Where its entry stands; the cursor for the next page.
    pub index: u64,
    /// The event as JSON. Of an erased person: a skeleton with `"erased":true`; when the detail was lost in a power cut, `"lost":true`.
    pub json: Vec<u8>,
}

const COLUMNS: &str = "SELECT e.ledger_index, e.time_us, e.id, e.request_id, e.direction, e.decision, e.labels, k.wrapped,
    e.detail_file, e.detail_offset, e.detail_length, e.data_key
    FROM events e LEFT JOIN data_keys k ON k.id = e.data_key";

/// What opens a commitment: `SHA-256(domain ‖ 0x00 ‖ salt ‖ value)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedCommitment {
    /// Which commitment: `principal`, `body`.
    pub domain: String,
    /// Its salt.
    pub salt: [u8; 32],
    /// The value.
    pub value: Hidden<Vec<u8>>,
}

const OPENINGS: &str = "SELECT e.id, k.wrapped, e.detail_file, e.detail_offset, e.detail_length, k.id
    FROM events e JOIN data_keys k ON k.id = e.data_key WHERE e.ledger_index = ?1
    UNION ALL SELECT x'', k.wrapped, o.detail_file, o.detail_offset, o.detail_length, k.id
    FROM openings o JOIN data_keys k ON k.id = o.data_key WHERE o.ledger_index = ?1";

impl DataDir {
    /// Events by filter, ascending by ledger index. What is acknowledged appears within about 100 ms; call [`DataDir::flush`] first
    /// to see everything.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn events(&self, filter: &EventFilter) -> Result<Vec<FoundEvent>, StoreError> {
        let db = self.db.export();
        let since = filter.since.map(|since| first_since(&db, since)).transpose()?;
        let (clause, values) = conditions(filter, since);
        let order = if filter.newest { "DESC" } else { "ASC" };
        let limit = filter.limit.unwrap_or(u32::MAX);
        let statement = format!("{COLUMNS} {clause} ORDER BY e.ledger_index {order} LIMIT {limit}");
        let origin = self.verifier_key().name().to_owned();
        let mut query = db.prepare_cached(&statement)?;
        let mut rows = query.query(params_from_iter(values))?;
        let mut details = DetailReader::new(self.layout.details());
        let mut found = Vec::new();
        let mut room = filter.bytes.unwrap_or(usize::MAX);
        while let Some(row) = rows.next()? {
            let event = self.open_event(row, &origin, &mut details)?;
            let Some(left) = room.checked_sub(event.json.len()).or(found.is_empty().then_some(0)) else { break };
            room = left;
            found.push(event);
        }
        if filter.newest {
            found.reverse();
        }
        Ok(found)
    }

    /// What opens the commitments of entry `index`: domain, salt and value. Empty when there is nothing, or the person was erased.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn openings(&self, index: u64) -> Result<Vec<OpenedCommitment>, StoreError> {
        let db = self.db.export();
        let mut query = db.prepare_cached(OPENINGS)?;
        let parts = |row: &Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?, place(row, 2)?, row.get(5)?));
        let row = query.query_row([index.cast_signed()], parts);
        let Some((id, wrapped, place, key_id)) = row.optional()? else { return Ok(Vec::new()) };
        let aad = if id.is_empty() { String::new() } else { unpack_id(&id) };
        let sealed = DetailReader::new(self.layout.details()).read(place);
        let key = self.subjects.unwrap(&key_id, &wrapped).ok_or(StoreError::Sealed)?;
        let plain = sealed.and_then(|sealed| Sealer::open(&key, aad.as_bytes(), &sealed)).ok_or(StoreError::Sealed)?;
        let opened = decode_plain(&plain).ok_or(StoreError::Sealed)?;
        let own = |(domain, salt, value): (&str, [u8; 32], &[u8])| OpenedCommitment {
            domain: domain.to_owned(),
            salt,
            value: Hidden::new(value.to_vec()),
        };
        Ok(opened.openings.into_iter().map(own).collect())
    }

    fn open_event(&self, row: &Row<'_>, origin: &str, details: &mut DetailReader) -> Result<FoundEvent, StoreError> {
        let index: i64 = row.get(0)?;
        let id = unpack_id(row.get_ref(2)?.as_blob().unwrap_or_default());
        let wrapped: Option<Vec<u8>> = row.get(7)?;
        let why = if wrapped.is_some() { "lost" } else { "erased" };
        let (place, key_id) = (place(row, 8)?, row.get(11)?);
        let key = wrapped.and_then(|wrapped| self.subjects.unwrap(&key_id, &wrapped));
        let opened = key.and_then(|key| Sealer::open(&key, id.as_bytes(), &details.read(place)?));
        let mut json = match opened.as_deref().and_then(|plain| decode_plain(plain)) {
            Some(plain) if plain.json.last() == Some(&b'}') => unpacked(plain.json),
            _ => skeleton(row, &id, why)?,
        };
        json.pop();
        let place = serde_json::json!({ "origin": origin, "index": index });
        json.extend_from_slice(if json.last() == Some(&b'{') { b"\"ledger\":" } else { b",\"ledger\":" });
        json.extend_from_slice(place.to_string().as_bytes());
        json.push(b'}');
        Ok(FoundEvent { index: index.cast_unsigned(), json })
    }
}

/// Events stand in the order in which they were recorded, which is that of their times but for the length of a request.
const DISORDER_US: i64 = 3_600_000_000;

/// An index before which no event is as young as `since`: found by bisection over the primary key, so that times need no index of
/// their own (which would cost every recorded event).
fn first_since(db: &Connection, since: Timestamp) -> Result<i64, StoreError> {
    let bound = since.as_micros().saturating_sub(DISORDER_US);
    let ends = "SELECT coalesce(min(ledger_index), 0), coalesce(max(ledger_index), 0) FROM events";
    let (mut low, mut high): (i64, i64) = db.query_row(ends, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut probe = db.prepare_cached("SELECT ledger_index, time_us FROM events WHERE ledger_index >= ?1 ORDER BY ledger_index LIMIT 1")?;
    while low < high {
        let middle = low + (high - low) / 2;
        let (index, time): (i64, i64) = probe.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if time < bound {
            low = index + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Where a row says that its detail lies.
fn place(row: &Row<'_>, first: usize) -> Result<Place, rusqlite::Error> {
    let (file, offset, length): (i64, i64, i64) = (row.get(first)?, row.get(first + 1)?, row.get(first + 2)?);
    Ok(Place { file: file.cast_unsigned(), offset: offset.cast_unsigned(), length: usize::try_from(length).unwrap_or(0) })
}

/// What is left of an event whose detail does not open.
fn skeleton(row: &Row<'_>, id: &str, why: &str) -> Result<Vec<u8>, StoreError> {
    let request_id = unpack_id(row.get_ref(3)?.as_blob().unwrap_or_default());
    let labels: String = row.get(6)?;
    let (direction, decision): (bool, u8) = (row.get(4)?, row.get(5)?);
    let event = serde_json::json!({
        "schema": 1,
        "id": id,
        "time": Timestamp::from_micros(row.get(1)?).to_string(),
        "request_id": request_id,
        "direction": if direction { "response" } else { "request" },
        "decision": decision_of(decision).map(Decision::as_str),
        "labels": labels.split_whitespace().collect::<Vec<_>>(),
        why: true,
    });
    Ok(event.to_string().into_bytes())
}

fn conditions(filter: &EventFilter, first: Option<i64>) -> (String, Vec<Value>) {
    let mut clauses: Vec<&str> = Vec::new();
    let mut values = Vec::new();
    if let Some(since) = filter.since {
        clauses.push("e.time_us >= ?");
        values.push(Value::from(since.as_micros()));
    }
    if let Some(first) = first {
        clauses.push("e.ledger_index >= ?");
        values.push(Value::from(first));
    }
    if let Some(decision) = filter.decision {
        clauses.push("e.decision = ?");
        values.push(Value::from(i64::from(decision_code(decision))));
    }
    if let Some(label) = &filter.label {
        clauses.push("(e.labels LIKE ? ESCAPE '\\' OR e.labels LIKE ? ESCAPE '\\')");
        let label = label.as_str().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        values.push(Value::from(format!("% {label} %")));
        values.push(Value::from(format!("% {label}.%")));
    }
    if let Some(request_id) = &filter.request_id {
        clauses.push("e.request_id = ?");
        values.push(Value::from(pack_id(request_id.as_str()).as_ref().to_vec()));
    }
    if let Some(after) = filter.after {
        clauses.push("e.ledger_index > ?");
        values.push(Value::from(after.cast_signed()));
    }
    let clause = if clauses.is_empty() { String::new() } else { format!("WHERE {}", clauses.join(" AND ")) };
    (clause, values)
}
