//! Counters of the gate. Plain atomics; whoever shows them reads a snapshot.

use std::sync::atomic::{AtomicU64, Ordering};

use bartizan_vocabulary::Decision;

macro_rules! counters {
    ($(#[doc = $doc:literal] $name:ident: $kind:literal,)+) => {
        /// All counters.
        #[derive(Debug, Default)]
        pub struct Metrics { $(#[doc = $doc] pub $name: Counter,)+
            /// Gate latency, microseconds.
            pub gate_latency: Histogram,
        }

        impl Metrics {
            /// Name, help, kind and value of every counter.
            pub fn snapshot(&self) -> Vec<(&'static str, &'static str, &'static str, u64)> {
                vec![$((concat!("bartizan_gate_", stringify!($name)), $doc.trim_ascii(), $kind, self.$name.get()),)+]
            }
        }
    };
}

/// A number that goes up, or up and down.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// One less.
    pub fn sub(&self, less: u64) {
        self.0.fetch_sub(less, Ordering::Relaxed);
    }

    /// The value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

counters! {
    /// Requests that reached a decision
    requests_total: "counter",
    /// Requests that were passed on unchanged
    permitted_total: "counter",
    /// Requests that were passed on with edits
    remedied_total: "counter",
    /// Requests that were refused
    blocked_total: "counter",
    /// Requests that were refused because a guard, the ledger or a policy evaluation failed
    failed_total: "counter",
    /// Requests let through although a guard failed
    failed_open_total: "counter",
    /// Findings at or above their threshold
    findings_total: "counter",
    /// Values that were replaced by pseudonyms
    tokenised_total: "counter",
    /// Pseudonyms that were restored for their caller
    restored_total: "counter",
    /// Pseudonyms that were not restored because of where they stood
    withheld_total: "counter",
    /// Texts whose findings came from the cache
    cache_hits_total: "counter",
    /// Texts that were inspected
    cache_misses_total: "counter",
    /// Texts whose names the accuracy pack read, or had read before
    pack_texts_total: "counter",
    /// Requests of which the built-in recogniser read texts in place of the accuracy pack
    pack_fallbacks_total: "counter",
    /// Provider calls that failed
    upstream_errors_total: "counter",
    /// Requests that a rate limit or a budget refused
    limited_total: "counter",
    /// Objects that a provider keeps and that were not bound to their caller
    unbound_total: "counter",
    /// Calls made again, at the same place or another
    retries_total: "counter",
    /// Further calls that were not made because there were too many over all requests
    retries_refused_total: "counter",
    /// Stream events
    stream_events_total: "counter",
    /// Answers that ended because the client went away
    client_gone_total: "counter",
    /// Unauthenticated callers refused
    unauthenticated_total: "counter",
    /// Connections that hyper refused before a request was read
    refused_before_request_total: "counter",
    /// Connections open now
    connections: "gauge",
}

impl Metrics {
    /// Counts a decision.
    pub fn decided(&self, decision: Decision) {
        self.requests_total.add(1);
        match decision {
            Decision::Permit => self.permitted_total.add(1),
            Decision::Remedied => self.remedied_total.add(1),
            Decision::Blocked => self.blocked_total.add(1),
            Decision::Failed => self.failed_total.add(1),
        }
    }
}

/// Upper bounds of the buckets, microseconds.
const BOUNDS: [u64; 12] = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000, 1_000_000, 10_000_000];

/// A histogram with fixed buckets.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS.len()],
    sum: AtomicU64,
    count: AtomicU64,
}

impl Histogram {
    /// Notes one value.
    pub fn observe(&self, value: u64) {
        for (bound, bucket) in BOUNDS.iter().zip(&self.buckets) {
            if value <= *bound {
                bucket.fetch_add(1, Ordering::Relaxed);
                break;
            }
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Cumulative buckets as (upper bound, count), the sum and the count.
    pub fn snapshot(&self) -> (Vec<(u64, u64)>, u64, u64) {
        let mut running = 0;
        let buckets = BOUNDS.iter().zip(&self.buckets).map(|(bound, bucket)| {
            running += bucket.load(Ordering::Relaxed);
            (*bound, running)
        });
        (buckets.collect(), self.sum.load(Ordering::Relaxed), self.count.load(Ordering::Relaxed))
    }
}
