//! What a scripted upstream is told to answer: status, headers and the pieces of the body. Nothing is sent from here.

use std::collections::VecDeque;
use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// A part of a body that is handed to the connection by itself.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The bytes, split wherever the script likes.
    pub bytes: Bytes,
    /// How long to wait before this piece.
    pub after: Duration,
}

/// What follows the last piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The body ends as HTTP wants it.
    Complete,
    /// The connection is cut without the last chunk.
    Die,
    /// The pieces start again, until the client goes away.
    Again,
}

/// One answer of a script.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) delay: Duration,
    pub(crate) pieces: VecDeque<Piece>,
    pub(crate) ending: Ending,
    pub(crate) whole: bool,
}

impl Answer {
    /// A body sent whole, with a `content-length`.
    pub fn whole(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let piece = Piece { bytes: body.into(), after: Duration::ZERO };
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            delay: Duration::ZERO,
            pieces: VecDeque::from([piece]),
            ending: Ending::Complete,
            whole: true,
        }
    }

    /// A JSON body with status 200.
    pub fn json(body: impl Into<Bytes>) -> Self {
        Self::whole(200, "application/json", body)
    }

    /// A chunked body in the given pieces, as an event stream.
    pub fn stream<I, B>(pieces: I) -> Self
    where
        I: IntoIterator<Item = B>,
        B: Into<Bytes>,
    {
        let pieces = pieces.into_iter().map(|bytes| Piece { bytes: bytes.into(), after: Duration::ZERO }).collect();
        Self {
            status: 200,
            headers: vec![("content-type".to_owned(), "text/event-stream".to_owned())],
            delay: Duration::ZERO,
            pieces,
            ending: Ending::Complete,
            whole: false,
        }
    }

    /// An event stream of `body`, cut at the given byte offsets. Offsets beyond the end are ignored.
    pub fn stream_split(body: &[u8], cuts: &[usize]) -> Self {
        let mut cuts: Vec<usize> = cuts.iter().copied().filter(|cut| *cut > 0 && *cut < body.len()).collect();
        cuts.sort_unstable();
        cuts.dedup();
        cuts.push(body.len());
        let mut from = 0;
        let mut pieces = Vec::with_capacity(cuts.len());
        for cut in cuts {
            pieces.push(Bytes::copy_from_slice(body.get(from..cut).unwrap_or_default()));
            from = cut;
        }
        Self::stream(pieces)
    }

    /// An event stream of `body` in pieces of `size` bytes.
    pub fn stream_every(body: &[u8], size: usize) -> Self {
        Self::stream(body.chunks(size.max(1)).map(Bytes::copy_from_slice))
    }

    /// Status 200, a JSON content type, and a body that is not JSON.
    pub fn garbage() -> Self {
        Self::json("\u{0}\u{1}<html>not what was asked for{{{")
    }

    /// Another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// One more header; a name that is already there is replaced.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Waits before the status line is sent.
    #[must_use]
    pub fn slow(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits before every piece of the body.
    #[must_use]
    pub fn paced(mut self, after: Duration) -> Self {
        self.pieces.iter_mut().for_each(|piece| piece.after = after);
        self.whole = false;
        self
    }

    /// Waits before the last piece of the body.
    #[must_use]
    pub fn after_last(mut self, after: Duration) -> Self {
        if let Some(last) = self.pieces.back_mut() {
            last.after = after;
        }
        self
    }

    /// Cuts the connection after the last piece, without the last chunk.
    #[must_use]
    pub fn dies(mut self) -> Self {
        self.ending = Ending::Die;
        self.whole = false;
        self
    }

    /// Starts again after the last piece, until the client goes away. Pace it, or it sends as fast as it is read.
    #[must_use]
    pub fn endless(mut self) -> Self {
        self.ending = Ending::Again;
        self.whole = false;
        self
    }

    /// Compresses the body with gzip, whatever the request accepts.
    #[must_use]
    pub fn gzipped(mut self) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let wrote = self.pieces.iter().all(|piece| encoder.write_all(&piece.bytes).is_ok());
        if let Ok(packed) = encoder.finish()
            && wrote
        {
            self.pieces = VecDeque::from([Piece { bytes: packed.into(), after: Duration::ZERO }]);
        }
        self.with_header("content-encoding", "gzip")
    }
}
