//! Keys of ours and keys for providers: ours go no further than the gate.

use http::HeaderMap;
use percent_encoding::percent_decode_str;

use crate::settings::Settings;

/// The sentence for [`holds_key`].
pub const KEY_IN_QUERY: &str =
    "a key or token of the gate stands in the query, which the provider sees; send it as `Authorization: Bearer bzk_…`";

/// How keys and tokens of ours begin: virtual keys, tokens, the administrator's token.
const OURS: [&str; 3] = ["bzk_", "bzt_", "bza_"];

/// Whether a key or token of ours stands in the query, percent-encoded or not.
pub fn holds_key(query: &str) -> bool {
    let ours = |text: &str| OURS.iter().any(|prefix| text.contains(prefix));
    ours(query) || ours(&percent_decode_str(query).decode_utf8_lossy())
}

/// The key that a client presents for its provider, in a header or in the query, if it is not one of ours.
pub fn client_key<'a>(headers: &'a HeaderMap, in_query: Option<&'a str>, settings: &Settings) -> Option<&'a str> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer =
        header("authorization").and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let keys = [bearer.map(|(_, key)| key), header("x-api-key"), header("api-key"), header("x-goog-api-key"), in_query];
    // Wherever ours stands in it: readers differ on white space.
    let prefixed = |key: &str| OURS.iter().any(|prefix| key.contains(prefix));
    let own = |key: &str| prefixed(key) || settings.own_secrets.iter().any(|own| key.contains(own.reveal().as_str()));
    keys.into_iter().flatten().map(str::trim).find(|key| !key.is_empty() && !own(key))
}
