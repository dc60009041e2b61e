//! Errors of a provider in the client's format: status and message stay, the words between are the client's own.

use super::json::object;
use super::look::Look;
use crate::Family;

/// What a provider says of an error: its message, wherever the many servers put it.
pub(super) fn message(root: Look<'_>) -> Option<String> {
    // Google's streams give their error in a list.
    let root = root.items().next().unwrap_or(root);
    let error = root.get("error");
    let inner = error.and_then(|error| error.get("message").and_then(Look::text).or(error.text()));
    let message = inner.or_else(|| ["message", "detail"].iter().find_map(|name| root.get(name)?.text()));
    message.map(std::borrow::Cow::into_owned)
}

/// The status of an error that stands where an answer should: the one that it tells, as a number or by one of the providers' words.
pub(super) fn status_of(error: Look<'_>) -> u16 {
    let told = error.get("code").and_then(Look::count).and_then(|code| u16::try_from(code).ok());
    if let Some(status) = told.filter(|status| (400..=599).contains(status)) {
        return status;
    }
    let words = ["type", "code", "status"].into_iter().filter_map(|name| error.get(name)?.text());
    let known = |word: &str| {
        Some(match word {
            "invalid_request_error" | "INVALID_ARGUMENT" => 400,
            "authentication_error" | "invalid_api_key" | "UNAUTHENTICATED" => 401,
            "permission_error" | "PERMISSION_DENIED" => 403,
            "not_found_error" | "model_not_found" | "NOT_FOUND" => 404,
            "request_too_large" => 413,
            "rate_limit_error" | "rate_limit_exceeded" | "insufficient_quota" | "429" | "RESOURCE_EXHAUSTED" => 429,
            "timeout_error" | "DEADLINE_EXCEEDED" => 504,
            "overloaded_error" => 529,
            "UNAVAILABLE" => 503,
            "server_error" | "api_error" | "INTERNAL" => 500,
            _ => return None,
        })
    };
    words.into_iter().find_map(|word| known(&word)).unwrap_or(502)
}

/// The body of an error.
pub(super) fn body(format: Family, status: u16, message: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 96);
    object(&mut out, |body| match format {
        Family::OpenAi => body.object("error", |error| {
            error.text("message", message);
            error.text("type", kind(status, false));
            error.raw("param", "null");
            error.raw("code", "null");
        }),
        Family::Anthropic => {
            body.text("type", "error");
            body.object("error", |error| {
                error.text("type", kind(status, true));
                error.text("message", message);
            });
        }
        Family::Gemini => body.object("error", |error| {
            error.number("code", status.into());
            error.text("message", message);
            error.text("status", canonical(status));
        }),
    });
    out
}

/// The `type` of OpenAI's and Anthropic's errors.
fn kind(status: u16, anthropic: bool) -> &'static str {
    match (status, anthropic) {
        (401, _) => "authentication_error",
        (403, _) => "permission_error",
        (404, true) => "not_found_error",
        (413, true) => "request_too_large",
        (429, _) => "rate_limit_error",
        (503 | 529, true) => "overloaded_error",
        (504, true) => "timeout_error",
        (500.., _) => "api_error",
        _ => "invalid_request_error",
    }
}

/// Google's canonical status word (google.rpc.Code).
fn canonical(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        500 => "INTERNAL",
        502 | 503 | 529 => "UNAVAILABLE",
        408 | 504 => "DEADLINE_EXCEEDED",
        _ => "INVALID_ARGUMENT",
    }
}
