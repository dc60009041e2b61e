//! The body of a scripted answer, and the note that is taken when nobody reads it any more.

use std::collections::VecDeque;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::answer::{Answer, Ending, Piece};

/// Sends the pieces of an answer one by one.
pub(crate) struct ScriptBody {
    pieces: VecDeque<Piece>,
    ending: Ending,
    whole: bool,
    wait: Option<Pin<Box<Sleep>>>,
    over: bool,
    gone: Arc<AtomicUsize>,
}

impl ScriptBody {
    /// `gone` is raised by one when the body is dropped before its end.
    pub(crate) fn new(answer: Answer, gone: Arc<AtomicUsize>) -> Self {
        Self { over: answer.pieces.is_empty(), pieces: answer.pieces, ending: answer.ending, whole: answer.whole, wait: None, gone }
    }

    /// A death waits a moment, so that the pieces before it are on the wire and not lost with the buffer.
    fn before_the_end(&self) -> Duration {
        if self.ending == Ending::Die { Duration::from_millis(5) } else { Duration::ZERO }
    }

    /// Nothing left to wait for: the next piece, or the end.
    fn next(&mut self) -> Option<Result<Frame<Bytes>, io::Error>> {
        self.wait = None;
        let Some(piece) = self.pieces.pop_front() else {
            self.over = true;
            let died = self.ending == Ending::Die;
            return died.then(|| Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the script ends here")));
        };
        if self.ending == Ending::Again {
            self.pieces.push_back(piece.clone());
        }
        if self.pieces.is_empty() && self.ending == Ending::Complete {
            self.over = true;
        }
        Some(Ok(Frame::data(piece.bytes)))
    }
}

impl Body for ScriptBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let after = self.pieces.front().map_or(self.before_the_end(), |piece| piece.after);
        if self.wait.is_none() && !after.is_zero() {
            self.wait = Some(Box::pin(tokio::time::sleep(after)));
        }
        if let Some(wait) = self.wait.as_mut() {
            ready!(wait.as_mut().poll(context));
        }
        Poll::Ready(self.next())
    }

    fn is_end_stream(&self) -> bool {
        self.over && self.ending != Ending::Die
    }

    fn size_hint(&self) -> SizeHint {
        if !self.whole {
            return SizeHint::default();
        }
        SizeHint::with_exact(self.pieces.iter().map(|piece| piece.bytes.len() as u64).sum())
    }
}

impl Drop for ScriptBody {
    fn drop(&mut self) {
        if !self.over {
            self.gone.fetch_add(1, Ordering::SeqCst);
        }
    }
}
