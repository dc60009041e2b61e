//! When a call is made again: which outcomes are worth it, how long to wait, and how many further calls there may be over all requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use bartizan_vocabulary::Timestamp;
use http::header::{self, HeaderMap};
use http::{Response, StatusCode};
use hyper::body::Incoming;

use crate::breaker::Health;
use crate::circuits::Learnt;
use crate::settings::Retries;
use crate::upstream::UpstreamError;

/// What became of one call, before any byte of its answer was passed on.
pub type Outcome = Result<Response<Incoming>, UpstreamError>;

/// Whether another call may end better.
pub fn is_worth_another(outcome: &Outcome) -> bool {
    match outcome {
        Ok(answer) => matches!(answer.status().as_u16(), 429 | 500 | 502..=504 | 529),
        // Where it was not even called, another place may be.
        Err(
            UpstreamError::Refused(_)
            | UpstreamError::Slow(_)
            | UpstreamError::Open(_)
            | UpstreamError::Limited(_)
            | UpstreamError::Address,
        ) => true,
    }
}

/// What a call says about its provider and the model there.
pub fn learnt(outcome: &Outcome) -> Learnt {
    let model = match outcome {
        Ok(answer) if answer.status() == StatusCode::TOO_MANY_REQUESTS => Health::Neither,
        // Others, such as 501 and 505, are answers to what a caller asked: one caller could open the circuit for all with them.
        Ok(answer) if matches!(answer.status().as_u16(), 500 | 502..=504 | 529) => Health::Bad,
        Ok(_) => Health::Good,
        Err(UpstreamError::Refused(error)) if error.is_connect() => return Learnt { provider: Health::Bad, model: Health::Unsaid },
        Err(UpstreamError::Refused(_) | UpstreamError::Slow(_)) => return Learnt { provider: Health::Unsaid, model: Health::Bad },
        Err(UpstreamError::Open(_) | UpstreamError::Limited(_) | UpstreamError::Address) => return Learnt::NOTHING,
    };
    Learnt { provider: Health::Good, model }
}

/// Whether it was answered with a rate limit.
pub fn is_rate_limit(outcome: &Outcome) -> bool {
    matches!(outcome, Ok(answer) if answer.status() == StatusCode::TOO_MANY_REQUESTS)
}

/// Longest time for which a provider is taken to ask, whatever it says.
const MOST_ASKED: Duration = Duration::from_hours(1);

/// How long the provider asks to be left alone: in seconds, as a date (RFC 9110, 10.2.3) or, as OpenAI also writes it, in milliseconds.
pub fn retry_after(outcome: &Outcome, now: Timestamp) -> Option<Duration> {
    asked_for(outcome.as_ref().ok()?.headers(), now)
}

fn asked_for(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |text: &str| text.parse::<f64>().ok();
    let millis = text("retry-after-ms").and_then(number).map(|millis| millis / 1_000.0);
    let after = text(header::RETRY_AFTER.as_str());
    if let Some(seconds) = millis.or_else(|| after.and_then(number)) {
        // Not a number, or before now: as if nothing was said.
        let most = seconds.min(MOST_ASKED.as_secs_f64());
        return if seconds.is_nan() { None } else { Duration::try_from_secs_f64(most).ok() };
    }
    let date = httpdate::parse_http_date(after?).ok()?.duration_since(UNIX_EPOCH).ok()?;
    let now = Duration::from_micros(u64::try_from(now.as_micros()).unwrap_or(0));
    date.checked_sub(now).map(|left| left.min(MOST_ASKED))
}

/// The pause before a round, with full jitter: anything from nothing to a bound that doubles with every round. `chance`: a random number.
pub fn pause(retries: &Retries, round: u32, chance: u64) -> Duration {
    let doubled = 2_u32.checked_pow(round.saturating_sub(1)).and_then(|times| retries.base.checked_mul(times));
    let most = doubled.unwrap_or(retries.max).min(retries.max);
    let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(chance.checked_rem(nanos.saturating_add(1)).unwrap_or(0))
}

/// Further calls that may be made: every request adds a share of one, so that an outage is not multiplied.
#[derive(Debug)]
pub struct Allowance {
    /// In hundredths of a call.
    left: AtomicU64,
}

/// A call in hundredths.
const CALL: u64 = 100;
/// Calls that may be saved up, and that there are at the start: a gate with little to do may retry too.
const SAVED: u64 = 20 * CALL;

impl Default for Allowance {
    fn default() -> Self {
        Self { left: AtomicU64::new(SAVED) }
    }
}

impl Allowance {
    /// A request came.
    pub fn earn(&self, retries: &Retries) {
        // A full one is not written to: that is what it is while nothing fails.
        if self.left.load(Ordering::Relaxed) < SAVED {
            self.left.fetch_add(retries.budget_percent.into(), Ordering::Relaxed);
        }
    }

    /// Whether there is a further call to take.
    pub fn is_empty(&self, retries: &Retries) -> bool {
        retries.budget_percent == 0 || self.left.load(Ordering::Relaxed) < CALL
    }

    /// A call that was taken was not made.
    pub fn give_back(&self) {
        self.left.fetch_add(CALL, Ordering::Relaxed);
    }

    /// Takes a further call, if there is one and any are configured.
    pub fn take(&self, retries: &Retries) -> bool {
        let one = |left: u64| left.checked_sub(CALL);
        retries.budget_percent > 0 && self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn pauses_stay_below_a_bound_that_doubles() {
        let retries = Retries { base: Duration::from_millis(100), max: Duration::from_millis(350), ..Retries::default() };
        let most = |round| (0..2_000).map(|chance| pause(&retries, round, chance * 99_991_u64.pow(2))).max().unwrap_or_default();
        for (round, bound) in [(1, 100), (2, 200), (3, 350), (40, 350)] {
            let (most, bound) = (most(round), Duration::from_millis(bound));
            assert!(most <= bound && most > bound / 2, "round {round}: {most:?}");
        }
        assert_eq!(pause(&Retries { base: Duration::ZERO, ..retries }, 1, u64::MAX), Duration::ZERO);
    }

    #[test]
    fn what_a_provider_asks_for_is_read_within_bounds() {
        let now = Timestamp::from_micros(1_790_000_000_000_000);
        let seconds = |name: &'static str, value: &'static str| {
            let headers = HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))]);
            asked_for(&headers, now).map(|time| time.as_secs_f64())
        };
        for (value, expected) in [
            ("7", Some(7.0)),
            (" 0.5 ", Some(0.5)),
            ("0", Some(0.0)),
            ("1e300", Some(3_600.0)),
            ("999999999999999999999999", Some(3_600.0)),
            ("inf", Some(3_600.0)),
            ("-5", None),
            ("-inf", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
            // `now` is Mon, 21 Sep 2026 14:13:20 GMT.
            ("Mon, 21 Sep 2026 14:13:50 GMT", Some(30.0)),
            ("Monday, 21-Sep-26 14:13:50 GMT", Some(30.0)),
            ("Mon, 21 Sep 2026 14:13:10 GMT", None),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(3_600.0)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", None),
            ("Mon, 99 Sep 2026 14:13:50 GMT", None),
        ] {
            assert_eq!(seconds("retry-after", value), expected, "{value}");
        }
        assert_eq!((seconds("retry-after-ms", "250"), seconds("retry-after-ms", "1e300")), (Some(0.25), Some(3_600.0)));
    }

    #[test]
    fn further_calls_are_a_share_of_the_requests() {
        let (allowance, retries) = (Allowance::default(), Retries { budget_percent: 20, ..Retries::default() });
        let saved = (0..1_000).filter(|_| allowance.take(&retries)).count();
        assert_eq!(saved, 20);
        let taken = (0..1_000).filter(|_| {
            allowance.earn(&retries);
            allowance.take(&retries)
        });
        assert_eq!(taken.count(), 200);
        assert!(!Allowance::default().take(&Retries { budget_percent: 0, ..retries }));
    }
}
