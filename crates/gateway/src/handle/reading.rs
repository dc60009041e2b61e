//! Reading the body of a request: within limits, and without its encoding.

use std::sync::Arc;

use bartizan_wire::refusal::Reason;
use bartizan_wire::{Control, Route};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use hyper::body::Incoming;

use super::Head;
use crate::Gate;
use crate::blocking::{LARGE, blocking};
use crate::body::{ReadError, read_whole};
use crate::budget::Reservation;
use crate::decode::{DecodeError, Encoding, STOPPED, inflate};
use crate::exchange::Exchange;
use crate::guard::{Parsed, RequestError, parse_request};
use crate::headers::is_json;
use crate::live::Live;

/// Bytes a second that a client must send of a body.
const SLOWEST: u64 = 1_000;

/// Whether a body is said to be what a route takes.
pub(crate) type Wanted = fn(&HeaderMap) -> Result<(), (Reason, String)>;

/// Why a body was not read that is nobody's fault.
pub(crate) const UNREAD: &str = "reading the body failed";

impl Gate {
    /// Reads a body of JSON, and what is to be inspected in it: large ones off the worker threads.
    ///
    /// # Errors
    /// Reason and sentence; `None` when reading was stopped.
    pub(crate) async fn read_json(
        &self,
        head: &Head,
        body: &mut Incoming,
        exchange: &mut Exchange,
        route: Route,
    ) -> Result<(Box<(Parsed, Control)>, Reservation), Option<(Reason, String)>> {
        let (mut held, live) = (self.budget.open(), Arc::clone(&exchange.live));
        let bytes = self.read(head, (body, json_only), &live, &mut held).await.map_err(Some)?;
        exchange.bytes_in = bytes.len() as u64;
        let parse = move || (parse_request(&live, bytes, route, &mut held).map(Box::new), held);
        match blocking(exchange.bytes_in > LARGE as u64, parse).await {
            Some((Ok(body), held)) => Ok((body, held)),
            None => Err(None),
            Some((Err(error), _)) => {
                let reason = if matches!(error, RequestError::Busy(_)) { Reason::Busy } else { Reason::BadRequest };
                Err(Some((reason, error.to_string())))
            }
        }
    }

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
