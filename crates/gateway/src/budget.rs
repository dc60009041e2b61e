//! The budget of bytes in flight over all requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// Counts bytes that are held for requests and answers.
#[derive(Debug)]
pub struct Budget {
    used: AtomicUsize,
    limit: AtomicUsize,
}

/// Bytes that are held; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), limit: AtomicUsize::new(limit) })
    }

    /// Changes the limit; what is held stays held.
    pub fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Bytes held now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// An empty reservation that can grow.
    pub fn open(self: &Arc<Self>) -> Reservation {
        Reservation { budget: Arc::clone(self), bytes: 0 }
    }
}

impl Reservation {
    /// Holds `more` bytes in addition. `false`, and nothing is held, when the budget does not have them.
    #[must_use]
    pub fn grow(&mut self, more: usize) -> bool {
        let limit = self.budget.limit.load(Ordering::Relaxed);
        let added =
            self.budget.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| used.checked_add(more).filter(|sum| *sum <= limit));
        if added.is_ok() {
            self.bytes += more;
        }
        added.is_ok()
    }
}

impl Reservation {
    /// Holds `bytes` in all. `false`, and nothing changes, when the budget does not have them.
    #[must_use]
    pub fn resize(&mut self, bytes: usize) -> bool {
        if bytes > self.bytes {
            return self.grow(bytes - self.bytes);
        }
        self.budget.used.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        self.bytes = bytes;
        true
    }
}

impl Reservation {
    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives a part of what is held away, at most all of it.
    pub fn split(&mut self, bytes: usize) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self { budget: Arc::clone(&self.budget), bytes }
    }

    /// Puts all of it on bytes that are on their way out: it is given back when the last part of them is gone.
    pub fn seal(self, bytes: impl AsRef<[u8]> + Send + 'static) -> Bytes {
        Bytes::from_owner(Held { bytes, _held: self })
    }
}

/// Bytes that stay counted wherever they are.
struct Held<B> {
    bytes: B,
    _held: Reservation,
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Held<B> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
