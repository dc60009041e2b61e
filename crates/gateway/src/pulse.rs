//! How a connection is doing: whether anybody waits for an answer on it, and whether what is written to it is taken.
//!
//! Requests and writes leave marks here; one timer for the connection reads them. A request costs no timer and no look at a clock.

use std::cell::Cell;
use std::future::poll_fn;
use std::io::{IoSlice, Result};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::rt::Executor;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_util::task::TaskTracker;

use crate::body::{CutOff, GateBody};

/// The timer of a connection goes off so often within the longest pause.
pub const TICKS: u32 = 2;

/// Marks of one connection. Times are ticks of its timer, the first of which is 1.
#[derive(Debug)]
pub struct Pulse {
    now: AtomicU32,
    /// Requests whose answer is not handed over yet.
    open: AtomicUsize,
    /// When the last request came or was answered; 0 when there was none.
    asked: AtomicU32,
    /// Since when a write waits; 0 when none does.
    waits: AtomicU32,
}

/// What the timer finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It goes on.
    Well,
    /// Nobody asked anything in time.
    Silent,
    /// It was used, and no longer is.
    Idle,
    /// What is written to it is not taken.
    Unread,
}

impl Pulse {
    /// Marks of a connection that begins now.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { now: AtomicU32::new(1), open: AtomicUsize::new(0), asked: AtomicU32::new(0), waits: AtomicU32::new(0) })
    }

    /// One tick more, and what is to be said after it. A pause is too long when it lasted for [`TICKS`] whole ticks.
    pub fn tick(&self) -> Finding {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        let too_long = |since: u32| now > since.saturating_add(TICKS);
        match (self.waits.load(Ordering::Relaxed), self.asked.load(Ordering::Relaxed)) {
            (waits, _) if waits != 0 && too_long(waits) => Finding::Unread,
            _ if self.open.load(Ordering::Relaxed) > 0 => Finding::Well,
            // The connection began with a tick: it is whole.
            (_, 0) if now > TICKS => Finding::Silent,
            (_, asked) if asked != 0 && too_long(asked) => Finding::Idle,
            _ => Finding::Well,
        }
    }

    fn mark(&self, what: &AtomicU32) {
        what.store(self.now.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// A request begins; it lasts as long as what is returned.
    pub fn request(self: &Arc<Self>) -> Open {
        self.mark(&self.asked);
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(self))
    }

    fn wrote(&self, result: &Poll<Result<usize>>) {
        if result.is_ready() {
            if self.waits.load(Ordering::Relaxed) != 0 {
                self.waits.store(0, Ordering::Relaxed);
            }
        } else if self.waits.load(Ordering::Relaxed) == 0 {
            self.mark(&self.waits);
        }
    }
}

/// A request under way.
#[derive(Debug)]
pub struct Open(Arc<Pulse>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.mark(&self.0.asked);
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket whose writes leave marks.
pub struct Watched {
    stream: TcpStream,
    pulse: Arc<Pulse>,
}

impl Watched {
    /// Watches a socket.
    pub fn new(stream: TcpStream, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse }
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.pulse.wrote(&result);
        result
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.pulse.wrote(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// What hyper holds of the body that it polls on this thread.
#[derive(Clone, Copy, Default)]
struct Offer {
    /// Frames that it took.
    taken: u64,
    /// Whether it has not come back for another one since.
    waits: bool,
}

thread_local! {
    /// Tells [`Streams`] how far the body got that was polled within the stream's task. hyper waits for an HTTP/2 window by not
    /// polling the body, which therefore cannot see for itself how long that takes.
    static OFFER: Cell<Offer> = const { Cell::new(Offer { taken: 0, waits: false }) };
}

/// A body, and that its request is under way as long as it is.
pub struct Answering {
    body: GateBody,
    _open: Open,
}

impl Answering {
    /// Ties both together.
    pub fn new(body: GateBody, open: Open) -> Self {
        Self { body, _open: open }
    }
}

impl Body for Answering {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<std::result::Result<Frame<Bytes>, CutOff>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let taken = matches!(polled, Poll::Ready(Some(Ok(_))));
        OFFER.set(Offer { taken: OFFER.get().taken + u64::from(taken), waits: taken });
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Runs the streams of HTTP/2 connections, and resets those that take no frame for too long.
#[derive(Clone)]
pub struct Streams {
    /// So that the drain waits for them.
    pub tasks: TaskTracker,
    /// How long a frame may wait for a window.
    pub patience: Duration,
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        self.tasks.spawn(attended(stream, self.patience));
    }
}

async fn attended<F: Future<Output = ()>>(stream: F, patience: Duration) {
    let mut stream = pin!(stream);
    let mut offer = Offer::default();
    // Made when a frame waits for the first time: most answers never do.
    let mut timer: Option<(u64, Pin<Box<Sleep>>)> = None;
    poll_fn(|context| {
        OFFER.set(offer);
        let polled = stream.as_mut().poll(context);
        offer = OFFER.take();
        if polled.is_ready() || !offer.waits {
            return polled;
        }
        let (frame, sleep) = timer.get_or_insert_with(|| (offer.taken, Box::pin(tokio::time::sleep(patience))));
        if *frame != offer.taken {
            *frame = offer.taken;
            sleep.as_mut().reset(tokio::time::Instant::now() + patience);
        }
        sleep.as_mut().poll(context)
    })
    .await;
}
