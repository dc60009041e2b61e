//! Reading the body of a request: within limits, and without its encoding.

use bartizan_wire::refusal::Reason;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use hyper::body::Incoming;

use super::Head;
use crate::Gate;
use crate::body::{ReadError, read_whole};
use crate::budget::Reservation;
use crate::decode::{DecodeError, Encoding, STOPPED, inflate};
use crate::headers::is_json;
use crate::live::Live;

/// Bytes a second that a client must send of a body.
const SLOWEST: u64 = 1_000;

/// Whether a body is said to be what a route takes.
pub(crate) type Wanted = fn(&HeaderMap) -> Result<(), (Reason, String)>;

impl Gate {
    /// Reads a body within limits and undoes its encoding. `wanted`: whether it is said to be what the route takes.
    pub(crate) async fn read(
        &self,
        head: &Head,
        (body, wanted): (&mut Incoming, Wanted),
        live: &Live,
        held: &mut Reservation,
    ) -> Result<Bytes, (Reason, String)> {
        let headers = &head.parts.headers;
        wanted(headers)?;
        let encoding = Encoding::named(headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes));
        let encoding =
            encoding.ok_or((Reason::UnsupportedMedia, "this `content-encoding` is not read; send identity, gzip or zstd".to_owned()))?;
        let limit = live.settings.limits.body_bytes;
        let bytes = read_whole(body, limit, live.settings.timeouts.client, Some(SLOWEST), held).await.map_err(|error| {
            let reason = match error {
                ReadError::TooLarge(_) => Reason::TooLarge,
                ReadError::Busy => Reason::Busy,
                ReadError::Slow(_) => Reason::RequestTimeout,
                ReadError::Broken(_) => Reason::BadRequest,
            };
            (reason, error.to_string())
        })?;
        if encoding == Encoding::Identity {
            return Ok(bytes);
        }
        let inflated = inflate(encoding, bytes, limit, held).await.ok_or((Reason::GuardUnavailable, STOPPED.to_owned()))?;
        inflated.map_err(|error| {
            let reason = match error {
                DecodeError::TooLarge(_) => Reason::TooLarge,
                DecodeError::Busy => Reason::Busy,
                DecodeError::Damaged => Reason::BadRequest,
            };
            (reason, error.to_string())
        })
    }
}

/// A body of JSON.
pub(super) fn json_only(headers: &HeaderMap) -> Result<(), (Reason, String)> {
    match is_json(headers) {
        Some(true) => Ok(()),
        Some(false) => Err((Reason::UnsupportedMedia, "send `content-type: application/json`, once".to_owned())),
        None => Err((Reason::BadRequest, "only the charset UTF-8 is read".to_owned())),
    }
}
