//! What became of what was to be exported, for the page of metrics and the log.

use std::sync::atomic::{AtomicBool, Ordering};

use bartizan_gateway::Counter;

/// The counters.
#[derive(Debug, Default)]
pub struct Counts {
    /// Exchanges that found the queue full.
    pub exchanges_dropped: Counter,
    /// Spans that the collector took.
    pub spans_exported: Counter,
    /// Spans that were dropped: too many waited, or the collector did not take them.
    pub spans_dropped: Counter,
    /// Requests that the collector did not take.
    pub requests_failed: Counter,
    /// The last request failed.
    failing: AtomicBool,
}

impl Counts {
    /// Name, what it is, and value of each.
    pub fn all(&self) -> [(&'static str, &'static str, u64); 4] {
        [
            (
                "bartizan_telemetry_exchanges_dropped_total",
                "Exchanges that were not exported because too many waited",
                self.exchanges_dropped.get(),
            ),
            ("bartizan_telemetry_spans_exported_total", "Spans that the collector took", self.spans_exported.get()),
            (
                "bartizan_telemetry_spans_dropped_total",
                "Spans that were not exported: too many waited, or the collector did not take them",
                self.spans_dropped.get(),
            ),
            ("bartizan_telemetry_requests_failed_total", "Requests that the collector did not take", self.requests_failed.get()),
        ]
    }

    /// The collector took something.
    pub fn delivered(&self) {
        if self.failing.swap(false, Ordering::Relaxed) {
            tracing::info!("the collector takes telemetry again");
        }
    }

    /// It did not. Said once, until it does again.
    pub fn undelivered(&self, why: &str) {
        self.requests_failed.add(1);
        if !self.failing.swap(true, Ordering::Relaxed) {
            tracing::warn!(why, "telemetry cannot be exported; requests are answered all the same, and what is dropped is counted");
        }
    }
}
