//! Refusals in the client's own error format, whole and inside a stream.

use crate::json::escape_into;

/// The error format of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `{"error":{"message","type","param","code"}}`
    OpenAi,
    /// `{"type":"error","error":{"type","message"},"request_id"}`
    Anthropic,
    /// `{"error":{"code","message","status"}}`
    Gemini,
}

/// Why a request is refused: decides status, type words and whether a retry makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Bad input.
    BadRequest,
    /// No key, or an unknown one.
    BadKey,
    /// A policy forbids it.
    PolicyBlocked,
    /// The key does not allow the model.
    ModelNotAllowed,
    /// No such route, or the model speaks another format.
    NotFound,
    /// Wrong method.
    MethodNotAllowed,
    /// Host, origin or content type is not accepted.
    Forbidden,
    /// Body too large.
    TooLarge,
    /// Content type or encoding is not read.
    UnsupportedMedia,
    /// The client took too long to send.
    RequestTimeout,
    /// Limits or the budget of bytes in flight.
    Busy,
    /// A WebSocket was asked for.
    UpgradeRefused,
    /// Rate limit.
    RateLimited,
    /// A budget is spent.
    BudgetSpent,
    /// A guard, the ledger or a policy evaluation failed.
    GuardUnavailable,
    /// The provider refused the connection or sent what cannot be read.
    UpstreamFailed,
    /// The provider was too slow.
    UpstreamSlow,
    /// The provider failed too often and is left alone for a while.
    UpstreamUnavailable,
}

impl Shape {
    /// Every shape.
    pub const ALL: &'static [Self] = &[Self::OpenAi, Self::Anthropic, Self::Gemini];
}

impl Reason {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::BadRequest,
        Self::BadKey,
        Self::PolicyBlocked,
        Self::ModelNotAllowed,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Forbidden,
        Self::TooLarge,
        Self::UnsupportedMedia,
        Self::RequestTimeout,
        Self::Busy,
        Self::UpgradeRefused,
        Self::RateLimited,
        Self::BudgetSpent,
        Self::GuardUnavailable,
        Self::UpstreamFailed,
        Self::UpstreamSlow,
        Self::UpstreamUnavailable,
    ];

    /// HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::BadKey => 401,
            Self::PolicyBlocked | Self::ModelNotAllowed | Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::TooLarge => 413,
            Self::UnsupportedMedia => 415,
            Self::UpgradeRefused => 426,
            Self::RateLimited | Self::BudgetSpent => 429,
            Self::Busy | Self::GuardUnavailable | Self::UpstreamUnavailable => 503,
            Self::UpstreamFailed => 502,
            Self::UpstreamSlow => 504,
        }
    }

    /// A word for programs: `code` of OpenAI's errors.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::BadKey => "invalid_api_key",
            Self::PolicyBlocked => "policy_blocked",
            Self::ModelNotAllowed => "model_not_allowed",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Forbidden => "forbidden",
            Self::TooLarge => "request_too_large",
            Self::UnsupportedMedia => "unsupported_media_type",
            Self::RequestTimeout => "request_timeout",
            Self::Busy => "gate_busy",
            Self::UpgradeRefused => "upgrade_refused",
            Self::RateLimited => "rate_limited",
            Self::BudgetSpent => "budget_spent",
            Self::GuardUnavailable => "guard_unavailable",
            Self::UpstreamFailed => "upstream_failed",
            Self::UpstreamSlow => "upstream_timeout",
            Self::UpstreamUnavailable => "upstream_unavailable",
        }
    }

    /// The `type` of OpenAI's and Anthropic's errors.
    const fn kind(self, shape: Shape) -> &'static str {
        match (self.status(), shape) {
            (401, _) => "authentication_error",
            (403, _) => "permission_error",
            (404, Shape::Anthropic) => "not_found_error",
            (413, Shape::Anthropic) => "request_too_large",
            (429, _) => "rate_limit_error",
            (503, Shape::Anthropic) => "overloaded_error",
            (504, Shape::Anthropic) => "timeout_error",
            (500.., _) => "api_error",
            _ => "invalid_request_error",
        }
    }

    /// Google's canonical status word (google.rpc.Code).
    const fn canonical(self) -> &'static str {
        match self.status() {
            401 => "UNAUTHENTICATED",
            403 => "PERMISSION_DENIED",
            404 => "NOT_FOUND",
            429 => "RESOURCE_EXHAUSTED",
            502 | 503 => "UNAVAILABLE",
            408 | 504 => "DEADLINE_EXCEEDED",
            _ => "INVALID_ARGUMENT",
        }
    }

    /// Whether a client must not simply try again: blocks, spent budgets and guard failures.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::PolicyBlocked | Self::ModelNotAllowed | Self::BudgetSpent | Self::GuardUnavailable)
    }
}

/// The body of a refusal.
pub fn body(shape: Shape, reason: Reason, message: &str, request_id: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(160 + message.len());
    match shape {
        Shape::OpenAi => {
            out.extend_from_slice(b"{\"error\":{\"message\":\"");
            escape_into(message, &mut out);
            out.extend_from_slice(b"\",\"type\":\"");
            out.extend_from_slice(reason.kind(shape).as_bytes());
            out.extend_from_slice(b"\",\"param\":null,\"code\":\"");
            out.extend_from_slice(reason.code().as_bytes());
            out.extend_from_slice(b"\"}}");
        }
        Shape::Anthropic => {
            out.extend_from_slice(b"{\"type\":\"error\",\"error\":{\"type\":\"");
            out.extend_from_slice(reason.kind(shape).as_bytes());
            out.extend_from_slice(b"\",\"message\":\"");
            escape_into(message, &mut out);
            out.extend_from_slice(b"\"},\"request_id\":\"");
            escape_into(request_id, &mut out);
            out.extend_from_slice(b"\"}");
        }
        Shape::Gemini => {
            out.extend_from_slice(format!("{{\"error\":{{\"code\":{},\"message\":\"", reason.status()).as_bytes());
            escape_into(message, &mut out);
            out.extend_from_slice(b"\",\"status\":\"");
            out.extend_from_slice(reason.canonical().as_bytes());
            out.extend_from_slice(b"\"}}");
        }
    }
    out
}

/// The last event of a stream that is refused midway. OpenAI: `data: {"error":…}` and no `[DONE]`; Anthropic: `event: error` and no `message_stop`.
pub fn event(shape: Shape, reason: Reason, message: &str, request_id: &str) -> Vec<u8> {
    let mut out = Vec::new();
    if shape == Shape::Anthropic {
        out.extend_from_slice(b"event: error\n");
    }
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(&body(shape, reason, message, request_id));
    out.extend_from_slice(b"\n\n");
    out
}

/// The last event of a stream of the Responses API that is refused midway; no `response.completed` follows. What the API's reference
/// shows stands at the top; `error` repeats it, because clients raise an error only where they find that member.
pub fn responses_event(reason: Reason, message: &str, sequence: u64) -> Vec<u8> {
    let mut out = b"event: error\ndata: {\"type\":\"error\",\"code\":\"".to_vec();
    out.extend_from_slice(reason.code().as_bytes());
    out.extend_from_slice(b"\",\"message\":\"");
    escape_into(message, &mut out);
    out.extend_from_slice(format!("\",\"param\":null,\"sequence_number\":{sequence},").as_bytes());
    let inner = body(Shape::OpenAi, reason, message, "");
    out.extend_from_slice(inner.strip_prefix(b"{").unwrap_or_default());
    out.extend_from_slice(b"\n\n");
    out
}
