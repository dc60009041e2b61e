//! Who is connected to the admin port, and who has to go first when there is no room.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Nothing asked and nothing written for so long, and a connection is closed. It counts from connecting.
pub const IDLE: Duration = Duration::from_secs(10);

/// Connections at a time. A further one takes the place of the one that was idle for longest.
const CONNECTIONS: usize = 256;

/// So often a connection that waits for a place looks whether another one is idle by now.
const AGAIN: Duration = Duration::from_millis(100);

/// Room for connections. Nobody is kept out by those who do nothing.
pub struct House {
    slots: Arc<Semaphore>,
    guests: Mutex<Vec<Arc<Guest>>>,
    began: Instant,
}

/// One connection.
pub struct Guest {
    began: Instant,
    /// Requests whose answer is being made.
    busy: AtomicUsize,
    /// When it last asked, was answered, or took bytes in: milliseconds since `began`.
    last: AtomicU64,
    leave: Notify,
    slot: Mutex<Option<OwnedSemaphorePermit>>,
}

impl House {
    /// An empty house.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { slots: Arc::new(Semaphore::new(CONNECTIONS)), guests: Mutex::default(), began: Instant::now() })
    }

    /// Waits for a place, and makes one.
    pub async fn enter(&self) -> Option<Arc<Guest>> {
        let mut slot = Arc::clone(&self.slots).try_acquire_owned().ok();
        while slot.is_none() {
            self.make_room();
            if let Ok(acquired) = tokio::time::timeout(AGAIN, Arc::clone(&self.slots).acquire_owned()).await {
                slot = Some(acquired.ok()?);
            }
        }
        let guest =
            Guest { began: self.began, busy: AtomicUsize::new(0), last: AtomicU64::new(0), leave: Notify::new(), slot: Mutex::new(slot) };
        guest.mark();
        let guest = Arc::new(guest);
        self.guests.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&guest));
        Some(guest)
    }

    /// Asks the one to leave that was idle for longest.
    fn make_room(&self) {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = guests.iter().enumerate().filter(|(_, guest)| guest.busy.load(Ordering::Relaxed) == 0);
        let longest = idle.min_by_key(|(_, guest)| guest.last.load(Ordering::Relaxed)).map(|(at, _)| at);
        if let Some(at) = longest {
            guests.swap_remove(at).leave.notify_one();
        }
    }

    /// A connection has ended.
    pub fn left(&self, guest: &Arc<Guest>) {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| !Arc::ptr_eq(other, guest));
        drop(guest.slot.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Guest {
    fn mark(&self) {
        self.last.store(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// A request begins; it lasts as long as what is returned.
    pub fn asks(self: &Arc<Self>) -> Asking {
        self.busy.fetch_add(1, Ordering::Relaxed);
        self.mark();
        Asking(Arc::clone(self))
    }

    /// Ends when the connection was idle for too long, or its place is needed.
    pub async fn overstays(&self) {
        loop {
            let last = if self.busy.load(Ordering::Relaxed) > 0 {
                Instant::now()
            } else {
                self.began + Duration::from_millis(self.last.load(Ordering::Relaxed))
            };
            let rest = IDLE.saturating_sub(last.elapsed());
            if rest.is_zero() || tokio::time::timeout(rest, self.leave.notified()).await.is_ok() {
                return;
            }
        }
    }
}

/// A request under way.
pub struct Asking(Arc<Guest>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.mark();
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A guest's socket: whoever takes bytes in is not idle.
pub struct Socket {
    stream: TcpStream,
    guest: Arc<Guest>,
}

impl Socket {
    /// Watches a socket.
    pub fn new(stream: TcpStream, guest: Arc<Guest>) -> Self {
        Self { stream, guest }
    }

    fn wrote(&self, result: Poll<Result<usize>>) -> Poll<Result<usize>> {
        if result.is_ready() {
            self.guest.mark();
        }
        result
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(result)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.wrote(result)
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
