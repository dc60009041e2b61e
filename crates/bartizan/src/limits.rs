//! `[limits]`, `[timeouts]`, `[retention]`: their keys, their bounds, and how they become settings. A value out of bounds is refused with
//! the key and what is allowed, so that no number in a file can make the gate hang, drop everything, or fail.

use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bartizan_gateway::{Limits, Timeouts};
use bartizan_wire::json::JsonLimits;
use serde::Deserialize;

use crate::quotas::{BudgetConfig, RateConfig};

const GIB: usize = 1 << 30;

/// Seconds that any of the timeouts may be.
const SECONDS: RangeInclusive<f64> = 0.001..=86_400.0;

/// Days that events may be kept; about a century.
const DAYS: RangeInclusive<u32> = 1..=36_500;

/// `[limits]`, in bytes where not said otherwise.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// One body, as sent and inflated.
    pub body_bytes: Option<usize>,
    /// All bodies in flight.
    pub inflight_bytes: Option<usize>,
    /// One stream event.
    pub event_bytes: Option<usize>,
    /// Stream events that wait to be decided.
    pub held_bytes: Option<usize>,
    /// Request headers.
    pub header_bytes: Option<usize>,
    /// Number of request headers.
    pub headers: Option<usize>,
    /// JSON nesting.
    pub json_depth: Option<usize>,
    /// JSON values and keys.
    pub json_values: Option<usize>,
    /// Findings cache.
    pub cache_bytes: Option<u64>,
    /// Connections at a time.
    pub connections: Option<usize>,
    /// Tokens reserved for an answer.
    pub answer_tokens: Option<u64>,
    /// So many a minute.
    pub rate: Vec<RateConfig>,
    /// So much a period.
    pub budget: Vec<BudgetConfig>,
}

/// `[timeouts]`, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeoutsConfig {
    /// A client's headers, and pauses in its body.
    pub client: Option<f64>,
    /// Connecting to a provider.
    pub connect: Option<f64>,
    /// A provider's first byte.
    pub first_byte: Option<f64>,
    /// Pauses in a provider's answer.
    pub idle: Option<f64>,
    /// Inspecting one body.
    pub inspect: Option<f64>,
}

/// `[retention]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionConfig {
    /// Days such as `90d`, or `forever`.
    pub events: Option<String>,
    /// Days such as `30d`.
    pub objects: Option<String>,
}

/// A value of the file within its bounds, or the usual one.
///
/// # Errors
/// Names the key and what is allowed.
pub fn bounded<T: PartialOrd + std::fmt::Display>(key: &str, given: Option<T>, usual: T, allowed: RangeInclusive<T>) -> Result<T> {
    let Some(given) = given else { return Ok(usual) };
    let (least, most) = (allowed.start(), allowed.end());
    ensure!(allowed.contains(&given), "`{key}` is {given}; it must be from {least} to {most}");
    Ok(given)
}

/// The same for seconds.
///
/// # Errors
/// Names the key and what is allowed.
pub fn seconds(key: &str, given: Option<f64>, usual: Duration) -> Result<Duration> {
    bounded(key, given, usual.as_secs_f64(), SECONDS).map(Duration::from_secs_f64)
}

impl LimitsConfig {
    /// The gate's limits; the time for inspecting one body is among them.
    ///
    /// # Errors
    /// Names the key and what is allowed.
    pub fn settings(&self, timeouts: &TimeoutsConfig) -> Result<Limits> {
        let usual = Limits::default();
        Ok(Limits {
            body_bytes: bounded("limits.body_bytes", self.body_bytes, usual.body_bytes, 1_024..=GIB)?,
            inflight_bytes: bounded("limits.inflight_bytes", self.inflight_bytes, usual.inflight_bytes, 1_024..=1_024 * GIB)?,
            event_bytes: bounded("limits.event_bytes", self.event_bytes, usual.event_bytes, 1_024..=GIB)?,
            held_bytes: bounded("limits.held_bytes", self.held_bytes, usual.held_bytes, 1_024..=GIB)?,
            channels: usual.channels,
            header_bytes: bounded("limits.header_bytes", self.header_bytes, usual.header_bytes, 8_192..=1 << 20)?,
            headers: bounded("limits.headers", self.headers, usual.headers, 16..=4_096)?,
            json: JsonLimits {
                depth: bounded("limits.json_depth", self.json_depth, usual.json.depth, 8..=10_000)?,
                nodes: bounded("limits.json_values", self.json_values, usual.json.nodes, 100..=100_000_000)?,
            },
            inspect: seconds("timeouts.inspect", timeouts.inspect, usual.inspect)?,
            cache_bytes: bounded("limits.cache_bytes", self.cache_bytes, usual.cache_bytes, 0..=64 << 30)?,
            connections: bounded("limits.connections", self.connections, usual.connections, 1..=1_000_000)?,
            answer_tokens: bounded("limits.answer_tokens", self.answer_tokens, usual.answer_tokens, 0..=10_000_000)?,
        })
    }
}

impl TimeoutsConfig {
    /// The gate's timeouts.
    ///
    /// # Errors
    /// Names the key and what is allowed.
    pub fn settings(&self) -> Result<Timeouts> {
        let usual = Timeouts::default();
        Ok(Timeouts {
            client: seconds("timeouts.client", self.client, usual.client)?,
            connect: seconds("timeouts.connect", self.connect, usual.connect)?,
            first_byte: seconds("timeouts.first_byte", self.first_byte, usual.first_byte)?,
            idle: seconds("timeouts.idle", self.idle, usual.idle)?,
        })
    }
}

/// Days that are written as `90d`.
fn days(text: &str) -> Option<u32> {
    text.strip_suffix('d').and_then(|days| days.parse().ok()).filter(|days| DAYS.contains(days))
}

impl RetentionConfig {
    /// Days that owners of what providers keep are known, and the pseudonyms of their conversations.
    ///
    /// # Errors
    /// When the form is not `30d`.
    pub fn object_days(&self) -> Result<u32> {
        let Some(text) = self.objects.as_deref() else { return Ok(30) };
        let (least, most) = (DAYS.start(), DAYS.end());
        days(text).with_context(|| format!("`retention.objects` is `{text}`; write days from \"{least}d\" to \"{most}d\""))
    }

    /// Days that events are kept; `None` keeps them for ever.
    ///
    /// # Errors
    /// When the form is not `90d` or `forever`.
    pub fn days(&self) -> Result<Option<u32>> {
        match self.events.as_deref() {
            None => Ok(Some(90)),
            Some("forever") => Ok(None),
            Some(text) => {
                let (least, most) = (DAYS.start(), DAYS.end());
                let what = || format!("`retention.events` is `{text}`; write days from \"{least}d\" to \"{most}d\", or \"forever\"");
                days(text).with_context(what).map(Some)
            }
        }
    }
}
