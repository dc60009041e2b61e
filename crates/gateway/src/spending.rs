//! So much a day or a month: what was spent in the period that runs, kept beyond a restart by whoever takes [`Spent`] along.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bartizan_vocabulary::Timestamp;

/// How long a budget lasts, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Until midnight.
    Day,
    /// Until the end of the month.
    Month,
}

const DAY: i64 = 86_400_000_000;

impl Period {
    /// The moment at which the period that runs ends, in microseconds.
    fn end(self, now: Timestamp) -> i64 {
        let midnight = now.as_micros().div_euclid(DAY).saturating_add(1).saturating_mul(DAY);
        if self == Self::Day {
            return midnight;
        }
        // Day by day, so that nobody has to know how long months are.
        let month = |micros: i64| Timestamp::from_micros(micros).to_string().get(..7).map(str::to_owned);
        let runs = month(now.as_micros());
        (0..31).map(|days| midnight.saturating_add(days * DAY)).find(|end| month(*end) != runs).unwrap_or(midnight)
    }
}

/// What was spent from one budget, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// A keyed hash of the budget's name and who spends it: nobody's name is kept.
    pub id: [u8; 32],
    /// When the period ends, in microseconds since the epoch.
    pub until: i64,
    /// Tokens.
    pub tokens: u64,
    /// Money, in thousand-millionths.
    pub nanos: u64,
}

/// One budget of one spender.
#[derive(Debug, Default)]
pub struct Purse(Mutex<Inside>);

#[derive(Clone, Copy, Debug, Default)]
struct Inside {
    until: i64,
    tokens: u64,
    nanos: u64,
    /// Whether it changed since it was last taken along.
    fresh: bool,
}

impl Purse {
    /// A budget from which something was spent before.
    pub fn with(spent: &Spent) -> Self {
        Self(Mutex::new(Inside { until: spent.until, tokens: spent.tokens, nanos: spent.nanos, fresh: false }))
    }

    /// Spends, if what is there suffices: `most` in tokens and money. Gives the end of the period.
    ///
    /// # Errors
    /// How long the period still runs.
    pub fn take(&self, cost: (u64, u64), most: (Option<u64>, Option<u64>), period: Period, now: Timestamp) -> Result<i64, Duration> {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.as_micros() >= inside.until {
            *inside = Inside { until: period.end(now), ..Inside::default() };
        }
        let sum = (inside.tokens.saturating_add(cost.0), inside.nanos.saturating_add(cost.1));
        if most.0.is_some_and(|most| sum.0 > most) || most.1.is_some_and(|most| sum.1 > most) {
            let left = inside.until.saturating_sub(now.as_micros());
            return Err(Duration::from_micros(u64::try_from(left).unwrap_or(0)));
        }
        (inside.tokens, inside.nanos, inside.fresh) = (sum.0, sum.1, true);
        Ok(inside.until)
    }

    /// Corrects what was spent within the period that ends at `until`: from the first to the second.
    pub fn correct(&self, from: (u64, u64), to: (u64, u64), until: i64) {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inside.until != until {
            return;
        }
        inside.tokens = inside.tokens.saturating_sub(from.0).saturating_add(to.0);
        inside.nanos = inside.nanos.saturating_sub(from.1).saturating_add(to.1);
        inside.fresh = true;
    }

    /// What was spent, if that changed since it was last asked.
    pub fn fresh(&self, id: [u8; 32]) -> Option<Spent> {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Inside { until, tokens, nanos, fresh } = *inside;
        inside.fresh = false;
        fresh.then_some(Spent { id, until, tokens, nanos })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap_or_default()
    }

    #[test]
    fn periods_end_at_midnight_and_with_the_month() {
        let ends = |text: &str| [Period::Day, Period::Month].map(|period| Timestamp::from_micros(period.end(at(text))));
        for (now, day, month) in [
            ("2026-11-26T20:57:53.000001Z", "2026-11-27T00:00:00Z", "2026-12-01T00:00:00Z"),
            ("2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("2028-02-01T00:00:00Z", "2028-02-02T00:00:00Z", "2028-03-01T00:00:00Z"),
        ] {
            assert_eq!(ends(now), [at(day), at(month)], "{now}");
        }
    }

    #[test]
    fn what_is_spent_is_gone_until_the_period_ends() {
        let (purse, most) = (Purse::default(), (Some(100), None));
        let noon = at("2026-11-26T12:00:00Z");
        let until = purse.take((60, 5), most, Period::Day, noon);
        assert_eq!(until, Ok(at("2026-11-27T00:00:00Z").as_micros()));
        assert_eq!(purse.take((41, 0), most, Period::Day, noon), Err(Duration::from_hours(12)));
        purse.correct((60, 5), (90, 8), until.unwrap_or_default());
        let fresh = purse.fresh([1; 32]);
        assert_eq!(fresh.map(|spent| (spent.tokens, spent.nanos)), Some((90, 8)));
        assert_eq!(purse.fresh([1; 32]), None);
        let again = fresh.as_ref().map(Purse::with).unwrap_or_default();
        assert!(again.take((11, 0), most, Period::Day, noon).is_err() && again.take((10, 0), most, Period::Day, noon).is_ok());
        let morrow = at("2026-11-27T00:00:00Z");
        assert!(purse.take((100, 0), most, Period::Day, morrow).is_ok());
        // What was spent yesterday is not corrected today.
        purse.correct((90, 0), (1_000, 0), until.unwrap_or_default());
        assert_eq!(purse.fresh([1; 32]).map(|spent| spent.tokens), Some(100));
    }

    #[test]
    fn money_is_a_limit_by_itself() {
        let (purse, now) = (Purse::default(), at("2026-11-26T12:00:00Z"));
        assert!(purse.take((1_000_000, 500), (None, Some(900)), Period::Month, now).is_ok());
        assert!(purse.take((0, 401), (None, Some(900)), Period::Month, now).is_err());
    }
}
