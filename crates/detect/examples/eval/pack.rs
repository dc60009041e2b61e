//! What an encoder that an operator installed finds in the sentences. The encoder is a room further out, so it is asked by a program of
//! its own, which reads the sentences as they are written here and writes what it found (`scripts/eval.sh`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use bartizan_detect::names::{Given, Kind, Name};
use bartizan_detect::normalise;
use serde_json::{Value, json};

use crate::rows::Row;

/// From this score on a name counts, as at the gate.
const SURE: u16 = 5_000;

/// Spans by the sentence's id, in code points of its normalised text.
pub struct Pack(BTreeMap<String, Value>);

/// Writes the sentences for an encoder, as the rules see them.
pub fn texts(rows: &[Row], path: &Path) -> bool {
    let mut lines = String::new();
    for row in rows {
        let _ = writeln!(lines, "{}", json!({"id": row.id, "text": normalise(&row.text)}));
    }
    fs::write(path, lines).inspect_err(|error| eprintln!("`{}`: {error}", path.display())).is_ok()
}

impl Pack {
    /// Reads what was found; nothing when it cannot be read, or is not about all of the sentences.
    pub fn read(path: &Path, rows: &[Row]) -> Option<Self> {
        let content = fs::read_to_string(path).inspect_err(|error| eprintln!("`{}`: {error}", path.display())).ok()?;
        let lines = content.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let by_id: BTreeMap<String, Value> =
            lines.map(|line| (line["id"].as_str().unwrap_or_default().to_owned(), line["spans"].clone())).collect();
        let missing = rows.iter().filter(|row| !by_id.contains_key(&row.id)).count();
        if missing > 0 {
            eprintln!("`{}` says nothing of {missing} sentences", path.display());
            return None;
        }
        Some(Self(by_id))
    }

    /// The names of a sentence.
    pub fn given(&self, row: &Row) -> Given {
        let normalised = normalise(&row.text);
        let byte = |point: &Value| {
            let at = point.as_u64().and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
            normalised.char_indices().nth(at).map_or(normalised.len(), |(byte, _)| byte)
        };
        let name = |span: &Value| {
            let kind = match span["label"].as_str()? {
                "pii.person" => Kind::Person,
                "pii.location" => Kind::Location,
                "pii.address" => Kind::Address,
                _ => return None,
            };
            let score_bp = u16::try_from(span["score_bp"].as_u64()?).ok()?;
            (score_bp >= SURE).then(|| Name { kind, start: byte(&span["start"]), end: byte(&span["end"]), score_bp })
        };
        let spans = self.0.get(&row.id).and_then(Value::as_array);
        Given::of(&normalised, spans.into_iter().flatten().filter_map(name))
    }
}
