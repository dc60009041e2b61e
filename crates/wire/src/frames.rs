//! A streamed answer as frames, whichever way it is framed.

use crate::json_array::ArrayReader;
use crate::refusal::{self, Reason, Shape};
use crate::sse::{Frame, SseError, SseReader};

/// How a stream is cut into events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Sse,
    /// The elements of one JSON array.
    JsonArray,
}

/// Why a stream is not read further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// One event is larger than the limit, in bytes.
    #[error("an event of the stream is larger than {0} bytes")]
    TooLarge(usize),
    /// An array of objects was expected.
    #[error("the stream is not a JSON array of objects")]
    NotAnArray,
    /// It ended before its array did.
    #[error("the stream ended in the middle of its array")]
    Cut,
}

/// Cuts a byte stream into frames.
#[derive(Debug)]
pub enum Frames {
    /// Of server-sent events.
    Sse(SseReader),
    /// Of a JSON array.
    JsonArray(ArrayReader),
}

impl Framing {
    /// The last bytes of a stream that is refused midway. `last`: the last byte that the client was sent, white space left out.
    pub fn refusal(self, shape: Shape, reason: Reason, message: &str, request_id: &str, last: Option<u8>) -> Vec<u8> {
        let before: &[u8] = match (self, last) {
            (Self::Sse, _) => return refusal::event(shape, reason, message, request_id),
            (Self::JsonArray, Some(b']')) => return Vec::new(),
            (Self::JsonArray, None) => b"[",
            (Self::JsonArray, Some(_)) => b",\n",
        };
        let mut out = before.to_vec();
        out.extend_from_slice(&refusal::body(shape, reason, message, request_id));
        out.push(b']');
        out
    }
}

impl Frames {
    /// A reader that refuses events of more than `limit` bytes.
    pub fn new(framing: Framing, limit: usize) -> Self {
        match framing {
            Framing::Sse => Self::Sse(SseReader::new(limit)),
            Framing::JsonArray => Self::JsonArray(ArrayReader::new(limit)),
        }
    }

    /// How the stream is framed.
    pub const fn framing(&self) -> Framing {
        match self {
            Self::Sse(_) => Framing::Sse,
            Self::JsonArray(_) => Framing::JsonArray,
        }
    }

    /// Takes more bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Sse(reader) => reader.push(bytes),
            Self::JsonArray(reader) => reader.push(bytes),
        }
    }

    /// The next whole event, if its end has come.
    ///
    /// # Errors
    /// When the stream cannot be read on, however its bytes were split; and from then on.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        match self {
            Self::Sse(reader) => reader.next_frame().map_err(|SseError::FrameTooLarge(limit)| FrameError::TooLarge(limit)),
            Self::JsonArray(reader) => reader.next_frame(),
        }
    }

    /// What is left when the stream has ended.
    ///
    /// # Errors
    /// When it may not end there.
    pub fn finish(&mut self) -> Result<Option<Frame>, FrameError> {
        match self {
            Self::Sse(reader) => Ok(reader.finish()),
            Self::JsonArray(reader) => reader.finish(),
        }
    }

    /// Bytes that wait for the end of their event.
    pub fn pending(&self) -> usize {
        match self {
            Self::Sse(reader) => reader.pending(),
            Self::JsonArray(reader) => reader.pending(),
        }
    }
}
