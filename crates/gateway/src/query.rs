//! The query of a request: what of it goes on to a provider, and keys that stand in it.

use std::borrow::Cow;

use bartizan_wire::{Family, Route};

/// The sentence for a virtual key in a query.
const KEY_IN_QUERY: &str = "a virtual key stands in the query, which the provider sees; send it as `Authorization: Bearer bzk_…`";

const TWO_KEYS: &str = "the query holds more than one key; send one, in `x-goog-api-key`";

/// Google reads headers, credentials and more from the query: what is not known here could undo what was judged.
const UNKNOWN: &str = "Gemini's routes take `alt`, `key`, `prettyPrint`, `fields`, `pageSize` and `pageToken` in the query; remove the rest, and send credentials in headers";

/// Parameters that go on to Google, besides their spellings with `$`.
const TO_GOOGLE: &[&str] = &["alt", "prettyPrint", "fields", "pageSize", "pageToken"];

/// A query, without the key that stood in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// What goes on, as it was written.
    pub rest: Option<Cow<'a, str>>,
    /// The client's own key for its provider: it goes on as a header or not at all.
    pub key: Option<String>,
}

/// Takes a query apart.
///
/// # Errors
/// A sentence for the client: a key of ours, or what its route does not take.
pub fn query(route: Route, raw: Option<&str>) -> Result<Query<'_>, &'static str> {
    let Some(raw) = raw else { return Ok(Query { rest: None, key: None }) };
    if holds_key(raw) {
        return Err(KEY_IN_QUERY);
    }
    if route.family() != Family::Gemini {
        return Ok(Query { rest: Some(Cow::Borrowed(raw)), key: None });
    }
    if holds_key(&decoded(raw)) {
        return Err(KEY_IN_QUERY);
    }
    let mut rest: Vec<&str> = Vec::new();
    let mut key = None;
    for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name);
        match name.strip_prefix('$').unwrap_or(&name) {
            "key" if key.is_some() => return Err(TWO_KEYS),
            "key" => key = Some(decoded(value)),
            known if TO_GOOGLE.contains(&known) => rest.push(pair),
            _ => return Err(UNKNOWN),
        }
    }
    let rest = (!rest.is_empty()).then(|| Cow::Owned(rest.join("&")));
    Ok(Query { rest, key: key.filter(|key| !key.is_empty()) })
}

/// Whether a virtual key or a token of ours stands in a query.
fn holds_key(query: &str) -> bool {
    query.contains("bzk_") || query.contains("bzt_")
}

/// Percent escapes undone (RFC 3986); what is none stays.
fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let escape = (byte == b'%').then(|| Some((digit(ahead.next()?)?, digit(ahead.next()?)?))).flatten();
        match escape {
            Some((high, low)) => {
                out.push(high << 4 | low);
                bytes = ahead;
            }
            None => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
