//! When a call is made again: which outcomes are worth it, how long to wait, and how many further calls there may be over all requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{self, HeaderMap};
use http::{Response, StatusCode};
use hyper::body::Incoming;

use crate::breaker::Health;
use crate::settings::Retries;
use crate::upstream::UpstreamError;

/// What became of one call, before any byte of its answer was passed on.
pub type Outcome = Result<Response<Incoming>, UpstreamError>;

/// Whether another call may end better.
pub fn is_worth_another(outcome: &Outcome) -> bool {
    match outcome {
        Ok(answer) => matches!(answer.status().as_u16(), 429 | 500 | 502..=504 | 529),
        Err(UpstreamError::Refused(_) | UpstreamError::Slow(_) | UpstreamError::Open(_)) => true,
        Err(UpstreamError::Address) => false,
    }
}

/// What a call says about its provider.
pub fn health(outcome: &Outcome) -> Health {
    match outcome {
        Ok(answer) if answer.status() == StatusCode::TOO_MANY_REQUESTS => Health::Unsaid,
        // Others, such as 501 and 505, are answers to what a caller asked: one caller could open the circuit for all with them.
        Ok(answer) if matches!(answer.status().as_u16(), 500 | 502..=504 | 529) => Health::Bad,
        Ok(_) => Health::Good,
        Err(UpstreamError::Refused(_) | UpstreamError::Slow(_)) => Health::Bad,
        Err(UpstreamError::Open(_) | UpstreamError::Address) => Health::Unsaid,
    }
}

/// How long the provider asks to be left alone, in seconds or, as OpenAI also writes it, milliseconds. A date is not read.
pub fn retry_after(outcome: &Outcome) -> Option<Duration> {
    let headers: &HeaderMap = outcome.as_ref().ok()?.headers();
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let millis = number("retry-after-ms").map(|millis| millis / 1_000.0);
    let seconds = millis.or_else(|| number(header::RETRY_AFTER.as_str()))?;
    Duration::try_from_secs_f64(seconds).ok()
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

    /// Takes a further call, if there is one and any are configured.
    pub fn take(&self, retries: &Retries) -> bool {
        let one = |left: u64| left.checked_sub(CALL);
        retries.budget_percent > 0 && self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one).is_ok()
    }
}

#[cfg(test)]
mod tests {
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
