//! Errors as RFC 9457 problems, with a sentence that says what to do.

use axum::body::Body;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::control::ControlError;

/// An answer that is an error.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    /// Stable word for programs.
    code: &'static str,
    detail: String,
    allow: Option<String>,
    /// Whether the sentence stands under `error` as well, where clients of Presidio look for it.
    twice: bool,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), allow: None, twice: false }
    }

    /// The caller must send something else.
    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// Names the methods that a path has.
    pub(crate) fn allowing(mut self, methods: String) -> Self {
        self.allow = Some(methods);
        self
    }

    /// Says the sentence under `error` as well.
    pub(crate) fn for_presidio(mut self) -> Self {
        self.twice = true;
        self
    }

    /// As it is sent.
    pub(crate) fn into_response(self) -> Response<Body> {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let mut body = json!({
            "type": "about:blank", "title": title, "status": self.status.as_u16(), "code": self.code, "detail": self.detail,
        });
        if let Some(members) = body.as_object_mut().filter(|_| self.twice) {
            members.insert("error".to_owned(), self.detail.into());
        }
        let mut response = Response::new(Body::from(format!("{body}\n")));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"bartizan\""));
        }
        if self.code == "busy" {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(allow) = self.allow.and_then(|methods| HeaderValue::try_from(methods).ok()) {
            response.headers_mut().insert(ALLOW, allow);
        }
        response
    }
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Refused(why) => Self::new(StatusCode::CONFLICT, "refused", why),
            ControlError::Failed(source) => {
                let detail = chain(&*source);
                tracing::error!(error = detail, "an administrative request failed");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "failed", format!("{detail}; see `/readyz` and the log, then try again"))
            }
        }
    }
}

/// An error with its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
