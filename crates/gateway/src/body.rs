//! Bodies: reading them within limits, and the one body type that the gate answers with.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

use crate::budget::Reservation;
use crate::stream::StreamBody;

/// Why a body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// More bytes than one body may have.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// The budget of bytes in flight is used up.
    #[error("too many bytes are in flight; try again in a moment")]
    Busy,
    /// Nothing came for too long.
    #[error("the body came too slowly: within {0:?} more must come")]
    Slow(Duration),
    /// The other side broke off.
    #[error("the body broke off")]
    Broken(#[source] hyper::Error),
}

/// Room that is made at once for a body whose sender says that it is long; the rest only as bytes come.
const AHEAD: usize = 1 << 20;

/// Reads a whole body, holding its bytes in the budget. `slowest`: bytes a second that must come on the whole, beyond the first `idle`.
///
/// # Errors
/// Too large, over budget, too slow or broken.
pub async fn read_whole<B>(
    mut body: B,
    limit: usize,
    idle: Duration,
    slowest: Option<u64>,
    held: &mut Reservation,
) -> Result<Bytes, ReadError>
where
    B: Body<Data = Bytes, Error = hyper::Error> + Unpin,
{
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if expected > limit {
        return Err(ReadError::TooLarge(limit));
    }
    let mut first: Option<Bytes> = None;
    let mut rest: Vec<u8> = Vec::new();
    let mut total = 0_usize;
    let began = Instant::now();
    while !body.is_end_stream() {
        let mut next = pin!(body.frame());
        // A small body is there already: no timer for it.
        let frame = match poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await {
            Poll::Ready(frame) => frame,
            Poll::Pending => tokio::time::timeout(idle, next).await.map_err(|_| ReadError::Slow(idle))?,
        };
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(ReadError::Broken)?.into_data() else { continue };
        total += data.len();
        if total > limit {
            return Err(ReadError::TooLarge(limit));
        }
        let patience = slowest.map(|rate| idle + Duration::from_secs(total as u64 / rate.max(1)));
        if patience.is_some_and(|patience| began.elapsed() > patience) {
            return Err(ReadError::Slow(idle));
        }
        if !held.grow(data.len()) {
            return Err(ReadError::Busy);
        }
        match first.take() {
            None if rest.is_empty() => first = Some(data),
            None => rest.extend_from_slice(&data),
            Some(begin) => {
                rest.reserve(expected.min(AHEAD).max(begin.len() + data.len()));
                rest.extend_from_slice(&begin);
                rest.extend_from_slice(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| Bytes::from(rest)))
}

/// How long what is left of a refused body is read: in all, and without a byte.
const LINGER: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(250));

/// Reads what is left of a refused body and drops it. A connection that is closed with unread bytes is reset, and the client
/// would see that instead of the answer.
pub async fn drain<B>(mut body: B, limit: usize)
where
    B: Body<Data = Bytes, Error = hyper::Error> + Unpin,
{
    let rest = async {
        let mut total = 0_usize;
        while total <= limit && !body.is_end_stream() {
            let Ok(Some(Ok(frame))) = tokio::time::timeout(LINGER.1, body.frame()).await else { return };
            total += frame.data_ref().map_or(0, Bytes::len);
        }
    };
    let _whatever_is_left_then_is_left = tokio::time::timeout(LINGER.0, rest).await;
}

/// A body that was broken off on purpose: hyper then aborts the connection, so that a client cannot take it for complete.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the answer was cut off")]
pub struct CutOff;

/// Bytes of one frame, which HTTP/2 sends as one. hyper takes no further one before it could hand on those before.
pub const FRAME: usize = 16 << 10;

/// What the gate answers with.
pub enum GateBody {
    /// All at once.
    Whole(Whole),
    /// Piece by piece.
    Stream(Box<StreamBody>),
}

/// A whole answer, handed over in frames.
pub struct Whole {
    rest: Bytes,
    /// Told when it was taken to its end.
    on_taken: Option<Box<dyn FnOnce() + Send>>,
    /// Whether that is only known when somebody asks for what follows the last frame: HTTP/2 takes a frame before it may send it.
    asks_again: bool,
}

impl GateBody {
    /// A short answer of our own.
    pub fn own(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Whole { rest: bytes.into(), on_taken: None, asks_again: false })
    }

    /// An answer that is counted in the budget until it is sent.
    pub fn counted(bytes: Bytes, held: Reservation) -> Self {
        Self::own(held.seal(bytes))
    }

    /// The same, and somebody is told when it was taken.
    pub fn told(bytes: Bytes, held: Reservation, http2: bool, on_taken: Box<dyn FnOnce() + Send>) -> Self {
        Self::Whole(Whole { rest: held.seal(bytes), on_taken: Some(on_taken), asks_again: http2 })
    }
}

impl Whole {
    fn frame(&mut self) -> Option<Bytes> {
        let frame = self.rest.split_to(self.rest.len().min(FRAME));
        let taken = if self.asks_again { frame.is_empty() } else { self.rest.is_empty() };
        if let Some(done) = self.on_taken.take_if(|_| taken) {
            done();
        }
        Some(frame).filter(|frame| !frame.is_empty())
    }
}

impl Body for GateBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        match self.get_mut() {
            Self::Whole(whole) => Poll::Ready(whole.frame().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(stream) => Pin::new(stream).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(whole) if whole.rest.is_empty() && whole.on_taken.is_none())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => SizeHint::with_exact(whole.rest.len() as u64),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
