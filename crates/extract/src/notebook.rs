//! Notebooks of Jupyter (nbformat 3 and 4): the source as it stands, beside it the text of each cell and its outputs. What is in base64 there
//! is a document of its own.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::mail::decode;
use crate::model::{Hint, Reason};
use crate::sink::Sink;

/// Keys of an output in nbformat 3, and the media types that they mean.
const OLD: &[(&str, &str)] = &[
    ("png", "image/png"),
    ("jpeg", "image/jpeg"),
    ("pdf", "application/pdf"),
    ("svg", "image/svg+xml"),
    ("html", "text/html"),
    ("latex", "text/latex"),
    ("json", "application/json"),
    ("javascript", "text/javascript"),
];

/// Whether a JSON text is a notebook, by two of its keys.
pub fn looks_like(json: &[u8]) -> bool {
    json.starts_with(b"{") && [&b"\"nbformat\""[..], b"\"cells\""].iter().all(|key| memchr::memmem::find(json, key).is_some())
}

/// Adds the cells. Their source, as JSON, is a segment already.
pub fn read(text: &str, sink: &mut Sink<'_>) {
    let mut cells = 0;
    let parsed = serde_json::from_str::<&RawValue>(text.trim_start_matches('\u{feff}'));
    if parsed.is_err() || !parsed.is_ok_and(|raw| sheet(raw, &mut cells, sink)) {
        sink.unread("text", Reason::Damaged);
    }
}

/// The cells of a notebook, or of a worksheet in one.
fn sheet(raw: &RawValue, cells: &mut usize, sink: &mut Sink<'_>) -> bool {
    members(raw, &mut |key, value| match key {
        "cells" => elements(value, &mut |one| {
            *cells += 1;
            cell(one, &format!("cell {cells}"), sink)
        }),
        "worksheets" => elements(value, &mut |one| sheet_of_old(one, cells, sink)),
        _ => true,
    })
}

fn sheet_of_old(raw: &RawValue, cells: &mut usize, sink: &mut Sink<'_>) -> bool {
    members(raw, &mut |key, value| {
        key != "cells"
            || elements(value, &mut |one| {
                *cells += 1;
                cell(one, &format!("cell {cells}"), sink)
            })
    })
}

fn cell(raw: &RawValue, place: &str, sink: &mut Sink<'_>) -> bool {
    let mut outputs = 0;
    members(raw, &mut |key, value| match key {
        "source" | "input" => {
            sink.shown(place, &joined(value, ""));
            true
        }
        // Pictures by their names.
        "attachments" => members(value, &mut |_, one| bundle(one, &format!("{place}, attachment"), sink)),
        "outputs" => elements(value, &mut |one| {
            outputs += 1;
            output(one, &format!("{place}, output {outputs}"), sink)
        }),
        _ => true,
    })
}

fn output(raw: &RawValue, place: &str, sink: &mut Sink<'_>) -> bool {
    members(raw, &mut |key, value| match key {
        "data" => bundle(value, place, sink),
        // The last line of a traceback says both.
        "ename" | "evalue" => {
            sink.text(place, &joined(value, ""));
            true
        }
        "text" => {
            sink.shown(place, &joined(value, ""));
            true
        }
        "traceback" => {
            sink.shown(place, &joined(value, "\n"));
            true
        }
        _ => match OLD.iter().find(|old| old.0 == key) {
            Some((_, media_type)) => {
                content(media_type, value, place, sink);
                true
            }
            None => true,
        },
    })
}

/// The same thing in several media types.
fn bundle(raw: &RawValue, place: &str, sink: &mut Sink<'_>) -> bool {
    members(raw, &mut |media_type, value| {
        content(media_type, value, place, sink);
        true
    })
}

fn content(media_type: &str, value: &RawValue, place: &str, sink: &mut Sink<'_>) {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_markup = essence == "text/html" || essence == "image/svg+xml";
    if essence.ends_with("json") || value.get().starts_with('{') {
        return sink.shown(place, value.get());
    }
    let text = joined(value, "");
    if essence == "text/plain" || essence == "text/markdown" {
        return sink.shown(place, &text);
    }
    if !sink.take_entry(place) {
        return;
    }
    if is_markup || essence.starts_with("text/") || essence.ends_with("xml") || essence.ends_with("javascript") {
        return sink.nested(place, text.as_bytes(), &Hint { media_type: Some(media_type), file_name: None });
    }
    let (bytes, doubtful) = decode::base64(text.as_bytes());
    if doubtful {
        sink.unread(place, Reason::Ambiguous);
    }
    sink.nested(place, &bytes, &Hint { media_type: Some(media_type), file_name: None });
}

/// A text, which may stand in pieces with this between them; of anything else its JSON.
fn joined(raw: &RawValue, between: &str) -> String {
    let mut out = String::new();
    let mut lines = |one: &RawValue| {
        let line = serde_json::from_str::<String>(one.get());
        if let Ok(line) = &line {
            out.push_str(if out.is_empty() { "" } else { between });
            out.push_str(line);
        }
        line.is_ok()
    };
    let whole = if raw.get().starts_with('[') { elements(raw, &mut lines) } else { lines(raw) };
    if whole { out } else { raw.get().to_owned() }
}

/// Shows the members of an object one after the other, also two of one name. False: it is none, or something in it said so.
fn members(raw: &RawValue, show: &mut dyn FnMut(&str, &RawValue) -> bool) -> bool {
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    matches!(Each::Members(show).deserialize(&mut deserializer), Ok(true))
}

/// Shows the elements of an array.
fn elements(raw: &RawValue, show: &mut dyn FnMut(&RawValue) -> bool) -> bool {
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    matches!(Each::Elements(show).deserialize(&mut deserializer), Ok(true))
}

/// Whom something inside is shown.
enum Each<'s> {
    Members(&'s mut dyn FnMut(&str, &RawValue) -> bool),
    Elements(&'s mut dyn FnMut(&RawValue) -> bool),
}

impl<'j> DeserializeSeed<'j> for Each<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'j>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'j> Visitor<'j> for Each<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'j>>(self, mut map: A) -> Result<bool, A::Error> {
        let Self::Members(show) = self else { return Ok(false) };
        let mut good = true;
        while let Some(key) = map.next_key::<String>()? {
            good &= show(&key, map.next_value::<&RawValue>()?);
        }
        Ok(good)
    }

    fn visit_seq<A: SeqAccess<'j>>(self, mut list: A) -> Result<bool, A::Error> {
        let Self::Elements(show) = self else { return Ok(false) };
        let mut good = true;
        while let Some(one) = list.next_element::<&RawValue>()? {
            good &= show(one);
        }
        Ok(good)
    }
}
