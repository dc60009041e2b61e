//! Which headers pass, in either direction: by allow-list, never by removing what looks dangerous.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use crate::trace_context::{self, TRACEPARENT, TRACESTATE};

/// Request headers that a provider gets, besides the trace context.
const TO_PROVIDER: &[&str] = &[
    "accept",
    "content-type",
    "anthropic-version",
    "anthropic-beta",
    "openai-beta",
    "openai-organization",
    "openai-project",
    "x-goog-api-client",
];

/// Response headers that a client gets, besides the families below.
const TO_CLIENT: &[&str] = &[
    "content-type",
    "cache-control",
    "retry-after",
    "retry-after-ms",
    "request-id",
    "x-request-id",
    "x-should-retry",
    "openai-model",
    "openai-organization",
    "openai-processing-ms",
    "openai-version",
    "anthropic-organization-id",
    "server-timing",
];

fn passes(name: &HeaderName, listed: &[&str], families: &[&str]) -> bool {
    listed.contains(&name.as_str()) || families.iter().any(|family| name.as_str().starts_with(family))
}

/// Of those, what names the client's account with a provider: it means nothing to another one, and is none of its business.
const ACCOUNT: &[&str] = &["openai-organization", "openai-project"];

/// The headers of a client's request that go on to a provider. `is_first`: whether it is the one with which the client has its account.
pub fn to_provider(client: &HeaderMap, is_first: bool) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(client.len() + 3);
    let goes_on = |name: &HeaderName| passes(name, TO_PROVIDER, &["x-stainless-"]) && (is_first || !ACCOUNT.contains(&name.as_str()));
    for (name, value) in client.iter().filter(|(name, _)| goes_on(name)) {
        headers.append(name.clone(), value.clone());
    }
    trace_context::pass_on(client, &mut headers);
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers
}

/// The headers of a provider's answer that go on to the client, except those in which something is found. Length and encoding are
/// set by who sends the body. `clean`: whether nothing is found in a text.
pub fn to_client(provider: &HeaderMap, clean: &dyn Fn(&str) -> bool) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(provider.len() + 3);
    for (name, value) in provider.iter().filter(|(name, _)| passes(name, TO_CLIENT, &["x-ratelimit-", "anthropic-ratelimit-"])) {
        let passes = |bytes: &[u8]| is_harmless(bytes) || PLAIN.contains(&bytes) || clean(&String::from_utf8_lossy(bytes));
        if passes(name.as_str().as_bytes()) && passes(value.as_bytes()) {
            headers.append(name.clone(), value.clone());
        } else {
            tracing::warn!("something was found in a header of the provider's answer; it was left out");
        }
    }
    headers
}

/// Whether a name or a value is too short and too plain to be inspected: a small number, a word or two, nothing that could be a key.
fn is_harmless(bytes: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    bytes.len() <= 40 && digits <= 8 && (digits == 0 || bytes.len() <= 15) && bytes.iter().all(plain)
}

/// Values that hold nothing of anybody.
const PLAIN: &[&[u8]] = &[
    b"application/json",
    b"application/json; charset=utf-8",
    b"*/*",
    b"text/event-stream",
    b"application/json, text/event-stream",
    b"identity",
];

/// Everything of a request outside its body that a provider will see, as one text to inspect. Fixed words of the SDKs are left out.
pub fn outside_body(headers: &HeaderMap, query: Option<&str>) -> String {
    let mut text = String::new();
    for (name, value) in headers {
        if PLAIN.contains(&value.as_bytes()) && TO_PROVIDER.contains(&name.as_str()) || *name == header::ACCEPT_ENCODING {
            continue;
        }
        if !TO_PROVIDER.contains(&name.as_str()) && *name != TRACEPARENT && *name != TRACESTATE {
            text.push_str(name.as_str());
            text.push('\n');
        }
        text.push_str(&String::from_utf8_lossy(value.as_bytes()));
        text.push('\n');
    }
    let query = query.unwrap_or_default();
    text.push_str(query);
    if query.contains(['%', '+']) {
        // As whoever takes it apart reads it: what is written there may be escaped in ways of its own.
        text.push('\n');
        text.push_str(&percent_decode_str(&query.replace('+', " ")).decode_utf8_lossy());
    }
    text
}

/// Whether the one media type of a request is JSON; `None` when a charset other than UTF-8 is named. Two are none: readers differ on which counts.
pub fn is_json(headers: &HeaderMap) -> Option<bool> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let Some(text) = values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok()) else { return Some(false) };
    let mut parts = text.split(';');
    let media = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        if name.trim().eq_ignore_ascii_case("charset") && !value.eq_ignore_ascii_case("utf-8") && !value.eq_ignore_ascii_case("utf8") {
            return None;
        }
    }
    Some(media == "application/json" || (media.starts_with("application/") && media.ends_with("+json")))
}

/// Whether a request wants to become a WebSocket (RFC 6455).
pub fn wants_websocket(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::UPGRADE).iter().filter_map(|value| value.to_str().ok());
    values.any(|value| value.split(',').any(|protocol| protocol.trim().eq_ignore_ascii_case("websocket")))
}

/// Whether a response is a stream of events.
pub fn is_event_stream(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// Whether the gate may be addressed under a `Host` (or `:authority`) value: a loopback name, or a configured one.
pub fn host_allowed(host: &str, allowed: &[String]) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let loopback = name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    loopback || allowed.iter().any(|one| one == "*" || one.eq_ignore_ascii_case(name))
}
