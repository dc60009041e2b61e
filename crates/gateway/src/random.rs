//! Random bytes for salts and ids: a keyed hash in counter mode, seeded once from the operating system.

use std::sync::atomic::{AtomicU64, Ordering};

use bartizan_vocabulary::Timestamp;

/// A source of unpredictable bytes that costs no system call.
#[derive(Debug)]
pub struct Random {
    key: [u8; 32],
    counter: AtomicU64,
}

impl Random {
    /// Seeds from the operating system.
    ///
    /// # Errors
    /// When the operating system has no random bytes.
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self { key, counter: AtomicU64::new(0) })
    }

    /// 32 bytes, never the same twice.
    pub fn bytes(&self) -> [u8; 32] {
        let counter = self.counter.fetch_add(1, Ordering::Relaxed);
        *blake3::keyed_hash(&self.key, &counter.to_le_bytes()).as_bytes()
    }

    /// A UUID v7 (RFC 9562) of a moment.
    pub fn uuid(&self, time: Timestamp) -> String {
        let millis = u64::try_from(time.as_micros() / 1_000).unwrap_or(0);
        let random = self.bytes().first_chunk::<10>().copied().unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()
    }
}
