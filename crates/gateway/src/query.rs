//! The query of a request: what of it goes on to a provider, and keys that stand in it.

use std::borrow::Cow;

use bartizan_wire::{Family, Route};
use percent_encoding::percent_decode_str;

use crate::credentials::{KEY_IN_QUERY, holds_key};

const TWO_KEYS: &str = "the query holds more than one key; send one, in `x-goog-api-key`";

/// Google reads headers, credentials and more from the query: what is not known here could undo what was judged.
const UNKNOWN: &str = "Gemini's routes take `alt`, `key`, `prettyPrint`, `fields`, `pageSize` and `pageToken` in the query; remove the rest, and send credentials in headers";

/// Parameters that go on to Google, besides their spellings with `$`.
const TO_GOOGLE: &[&str] = &["alt", "prettyPrint", "fields", "pageSize", "pageToken"];

/// Of those, what goes with caches: none that leaves the name of one out of an answer, or writes it in another form.
const WITH_CACHES: &[&str] = &["alt", "prettyPrint"];
const UNKNOWN_WITH_CACHES: &str = "the routes of caches take `alt=json`, `key` and `prettyPrint` in the query, `pageSize` and `pageToken` for the list, and `updateMask` (`ttl`, `expireTime`) with a change; remove the rest";

/// What a change of a cache may be said to be of.
const MASKS: &[&str] = &["ttl", "expireTime", "expire_time"];

/// Parameters in which some clients send a key, whatever the route says.
const KEYS: &[&str] = &["key", "api-key", "api_key"];

/// A query, without the key that stood in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// What goes on, as it was written.
    rest: Option<Cow<'a, str>>,
    /// The same without parameters that are keys, where there are any.
    keyless: Option<String>,
    /// The client's own key for its provider: it goes on as a header or not at all.
    pub key: Option<String>,
}

impl Query<'_> {
    /// What goes on to a provider. `is_first`: whether it is the one that the client means.
    pub fn toward(&self, is_first: bool) -> Option<&str> {
        self.keyless.as_deref().filter(|_| !is_first).or(self.rest.as_deref())
    }
}

/// Takes a query apart.
///
/// # Errors
/// A sentence for the client: a key of ours, or what its route does not take.
pub fn query(route: Route, raw: Option<&str>) -> Result<Query<'_>, &'static str> {
    let Some(raw) = raw else { return Ok(Query { rest: None, keyless: None, key: None }) };
    if holds_key(raw) {
        return Err(KEY_IN_QUERY);
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    if route.family() != Family::Gemini {
        let is_key = |pair: &&str| {
            let name = decoded(pair.split('=').next().unwrap_or_default());
            KEYS.iter().any(|known| name.eq_ignore_ascii_case(known))
        };
        let pairs = || raw.split('&');
        let keyless = pairs().any(|pair| is_key(&pair)).then(|| pairs().filter(|pair| !is_key(pair)).collect::<Vec<_>>().join("&"));
        return Ok(Query { rest: Some(Cow::Borrowed(raw)), keyless, key: None });
    }
    let mut rest: Vec<&str> = Vec::new();
    let mut key = None;
    for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name);
        match name.strip_prefix('$').unwrap_or(&name) {
            "key" if key.is_some() => return Err(TWO_KEYS),
            "key" => key = Some(decoded(value)),
            known if route.is_of_caches() => {
                if !goes_with_caches(route, known, &decoded(value)) {
                    return Err(UNKNOWN_WITH_CACHES);
                }
                rest.push(pair);
            }
            known if TO_GOOGLE.contains(&known) => rest.push(pair),
            _ => return Err(UNKNOWN),
        }
    }
    let rest = (!rest.is_empty()).then(|| Cow::Owned(rest.join("&")));
    Ok(Query { rest, keyless: None, key: key.filter(|key| !key.is_empty()) })
}

/// Whether a parameter may stand in the query of a request for caches.
fn goes_with_caches(route: Route, name: &str, value: &str) -> bool {
    match name {
        "alt" => value == "json",
        "updateMask" | "update_mask" => route == Route::UpdateCache && value.split(',').all(|mask| MASKS.contains(&mask)),
        "pageSize" | "pageToken" => route == Route::ListCaches,
        known => WITH_CACHES.contains(&known),
    }
}
