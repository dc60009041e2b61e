//! So much a day or a month: what was spent in the period that runs, kept beyond a restart by whoever takes [`Spent`] along.

use std::sync::{Mutex, MutexGuard, PoisonError};
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
    /// As long as none is longer, in microseconds.
    fn longest(self) -> i64 {
        if self == Self::Day { DAY } else { 31 * DAY }
    }

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
    spent: Sum,
    /// Reserved for what is under way. It is spent, all or some of it, in the period in which that is known.
    held: Sum,
    /// Whether it changed since it was last taken along.
    fresh: bool,
}

/// So much of both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Tokens.
    pub tokens: u64,
    /// Money, in thousand-millionths.
    pub nanos: u64,
}

/// How much a period may cost, in tokens and in money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Most {
    /// Tokens.
    pub tokens: Option<u64>,
    /// Money, in thousand-millionths.
    pub nanos: Option<u64>,
}

/// Why nothing was reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Short {
    /// All of it is spent, for so long.
    Spent(Duration),
    /// Something is left, and too little, for so long.
    TooLittle(Duration),
    /// It would fit, were nothing reserved for others.
    Held,
    /// It is more than the whole budget.
    Never,
}

impl Sum {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self { tokens: self.tokens.saturating_add(other.tokens), nanos: self.nanos.saturating_add(other.nanos) }
    }

    /// The smaller one of each.
    pub fn at_most(self, other: Self) -> Self {
        Self { tokens: self.tokens.min(other.tokens), nanos: self.nanos.min(other.nanos) }
    }

    /// The larger one of each.
    pub fn or_more(self, other: Self) -> Self {
        Self { tokens: self.tokens.max(other.tokens), nanos: self.nanos.max(other.nanos) }
    }

    fn minus(self, other: Self) -> Self {
        Self { tokens: self.tokens.saturating_sub(other.tokens), nanos: self.nanos.saturating_sub(other.nanos) }
    }
}

impl Most {
    fn takes(self, sum: Sum) -> bool {
        self.tokens.is_none_or(|most| sum.tokens <= most) && self.nanos.is_none_or(|most| sum.nanos <= most)
    }

    fn cut(self, sum: Sum) -> Sum {
        Sum { tokens: sum.tokens.min(self.tokens.unwrap_or(u64::MAX)), nanos: sum.nanos.min(self.nanos.unwrap_or(u64::MAX)) }
    }

    fn is_reached(self, sum: Sum) -> bool {
        self.tokens.is_some_and(|most| sum.tokens >= most) || self.nanos.is_some_and(|most| sum.nanos >= most)
    }
}

impl Inside {
    /// Begins a new period when the last one is over. A clock that goes back gives nothing back: the period goes on until its end comes
    /// again. Only an end that no clock can have meant is brought nearer, and what was spent stays.
    fn turn(&mut self, period: Period, now: Timestamp) {
        let now_micros = now.as_micros();
        if now_micros >= self.until {
            *self = Self { until: period.end(now), spent: Sum::default(), ..*self };
        } else if self.until.saturating_sub(now_micros) > 2 * period.longest() {
            self.until = period.end(now);
        }
    }
}

impl Purse {
    /// A budget from which something was spent before.
    pub fn with(spent: &Spent) -> Self {
        let sum = Sum { tokens: spent.tokens, nanos: spent.nanos };
        Self(Mutex::new(Inside { until: spent.until, spent: sum, ..Inside::default() }))
    }

    /// Reserves `wanted`, if what is there suffices; no more than the whole budget, of which `least` must not be more. Gives what is
    /// reserved, for [`settle`](Self::settle).
    ///
    /// # Errors
    /// What is missing.
    pub fn hold(&self, (least, wanted): (Sum, Sum), most: Most, period: Period, now: Timestamp) -> Result<Sum, Short> {
        if !most.takes(least) {
            return Err(Short::Never);
        }
        let wanted = most.cut(wanted);
        let mut inside = self.lock();
        inside.turn(period, now);
        if most.takes(inside.spent.plus(inside.held).plus(wanted)) {
            (inside.held, inside.fresh) = (inside.held.plus(wanted), true);
            return Ok(wanted);
        }
        let left = inside.until.saturating_sub(now.as_micros());
        let left = Duration::from_micros(u64::try_from(left).unwrap_or(0));
        Err(match inside.spent {
            spent if most.is_reached(spent) => Short::Spent(left),
            spent if most.takes(spent.plus(wanted)) => Short::Held,
            _ => Short::TooLittle(left),
        })
    }

    /// Spends what was used, in the place of what was reserved, in the period that runs now.
    pub fn settle(&self, held: Sum, used: Sum, period: Period, now: Timestamp) {
        let mut inside = self.lock();
        inside.turn(period, now);
        (inside.held, inside.spent, inside.fresh) = (inside.held.minus(held), inside.spent.plus(used), true);
    }

    /// What was spent, if that changed since it was last asked. What is reserved is taken for spent: should the process end before it
    /// is known, nothing is free.
    pub fn fresh(&self, id: &[u8; 32]) -> Option<Spent> {
        let mut inside = self.lock();
        if !std::mem::take(&mut inside.fresh) {
            return None;
        }
        let Sum { tokens, nanos } = inside.spent.plus(inside.held);
        Some(Spent { id: *id, until: inside.until, tokens, nanos })
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap_or_default()
    }

    fn sum(tokens: u64, nanos: u64) -> Sum {
        Sum { tokens, nanos }
    }

    fn of_tokens(most: u64) -> Most {
        Most { tokens: Some(most), nanos: None }
    }

    /// Reserves and uses the same.
    fn take(purse: &Purse, cost: Sum, most: Most, now: &str) -> Result<(), Short> {
        let held = purse.hold((cost, cost), most, Period::Day, at(now))?;
        purse.settle(held, cost, Period::Day, at(now));
        Ok(())
    }

    fn spent(purse: &Purse) -> Option<(u64, u64)> {
        purse.fresh(&[1; 32]).map(|spent| (spent.tokens, spent.nanos))
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

    const NOON: &str = "2026-11-26T12:00:00Z";
    const MORROW: &str = "2026-11-27T00:00:00Z";

    #[test]
    fn what_is_spent_is_gone_until_the_period_ends() {
        let (purse, most) = (Purse::default(), of_tokens(100));
        assert_eq!(purse.hold((sum(60, 5), sum(60, 5)), most, Period::Day, at(NOON)), Ok(sum(60, 5)));
        assert_eq!(take(&purse, sum(41, 0), most, NOON), Err(Short::Held));
        // What is under way is kept as if it were spent.
        assert_eq!(spent(&purse), Some((60, 5)));
        purse.settle(sum(60, 5), sum(90, 8), Period::Day, at(NOON));
        assert_eq!(take(&purse, sum(41, 0), most, NOON), Err(Short::TooLittle(Duration::from_hours(12))));
        let fresh = purse.fresh(&[1; 32]);
        assert_eq!(fresh.map(|spent| (spent.tokens, spent.nanos)), Some((90, 8)));
        assert_eq!(spent(&purse), None);
        let again = fresh.as_ref().map(Purse::with).unwrap_or_default();
        assert!(take(&again, sum(11, 0), most, NOON).is_err() && take(&again, sum(10, 0), most, NOON).is_ok());
        assert_eq!(take(&again, sum(1, 0), most, NOON), Err(Short::Spent(Duration::from_hours(12))));
        assert_eq!(take(&again, sum(101, 0), most, NOON), Err(Short::Never));
        assert!(take(&again, sum(100, 0), most, MORROW).is_ok());
    }

    #[test]
    fn more_than_the_whole_is_cut_to_it() {
        let purse = Purse::default();
        assert_eq!(purse.hold((sum(10, 0), sum(5_000, 0)), of_tokens(100), Period::Day, at(NOON)), Ok(sum(100, 0)));
        purse.settle(sum(100, 0), sum(20, 0), Period::Day, at(NOON));
        assert!(take(&purse, sum(80, 0), of_tokens(100), NOON).is_ok());
    }

    #[test]
    fn what_runs_over_the_end_of_a_period_is_spent_in_the_next_one() {
        let (purse, most) = (Purse::default(), of_tokens(100));
        let held = purse.hold((sum(10, 1), sum(60, 6)), most, Period::Day, at(NOON)).unwrap_or_default();
        // It is reserved in the new period, too, and spent there.
        assert_eq!(take(&purse, sum(50, 0), most, MORROW), Err(Short::Held));
        purse.settle(held, sum(80, 8), Period::Day, at(MORROW));
        assert_eq!(spent(&purse), Some((80, 8)));
        assert!(take(&purse, sum(21, 0), most, MORROW).is_err() && take(&purse, sum(20, 0), most, MORROW).is_ok());
        // Also where nothing else was asked for in the new period.
        let alone = Purse::default();
        let held = alone.hold((sum(10, 1), sum(60, 6)), most, Period::Day, at(NOON)).unwrap_or_default();
        alone.settle(held, sum(80, 8), Period::Day, at(MORROW));
        let fresh = alone.fresh(&[1; 32]).map(|spent| (spent.tokens, spent.until));
        assert_eq!(fresh, Some((80, at("2026-11-28T00:00:00Z").as_micros())));
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_back() {
        let (purse, most) = (Purse::default(), of_tokens(100));
        assert!(take(&purse, sum(90, 0), most, MORROW).is_ok());
        for back in ["2026-11-26T23:59:59Z", NOON, MORROW, "2026-11-27T23:59:59Z"] {
            assert!(take(&purse, sum(11, 0), most, back).is_err(), "{back}");
        }
        assert!(take(&purse, sum(100, 0), most, "2026-11-28T00:00:00Z").is_ok());
        // A clock that was years ahead: the end is found again, and until then nothing is given back either.
        assert!(take(&purse, sum(100, 0), most, "2036-01-01T12:00:00Z").is_ok());
        assert!(take(&purse, sum(1, 0), most, NOON).is_err());
        assert!(take(&purse, sum(1, 0), most, MORROW).is_ok());
    }

    #[test]
    fn money_is_a_limit_by_itself() {
        let (purse, most) = (Purse::default(), Most { tokens: None, nanos: Some(900) });
        assert!(take(&purse, sum(1_000_000, 500), most, NOON).is_ok());
        assert!(take(&purse, sum(0, 401), most, NOON).is_err());
    }

    #[test]
    fn no_number_is_too_large() {
        let purse = Purse::default();
        purse.settle(sum(7, 7), sum(u64::MAX, u64::MAX), Period::Day, at(NOON));
        purse.settle(sum(7, 7), sum(u64::MAX, u64::MAX), Period::Day, at(NOON));
        assert_eq!(spent(&purse), Some((u64::MAX, u64::MAX)));
        let whole = Most { tokens: Some(1_000), nanos: Some(u64::MAX) };
        assert!(matches!(take(&purse, sum(1, 1), whole, NOON), Err(Short::Spent(_))));
    }
}
