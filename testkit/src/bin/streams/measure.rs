//! One route and one text: hold-back first, then delay.

use std::time::Duration;

use anyhow::{Result, ensure};
use bartizan_testkit::driven::DrivenUpstream;
use bartizan_testkit::stats::{Spread, quantile};

use crate::drive::{Outcome, Pace, Side, drive};
use crate::route::Route;
use crate::text::Kind;

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Deltas of a stream.
    pub deltas: usize,
    /// Streams through each side.
    pub rounds: usize,
    /// Passes that look for what is held back.
    pub passes: usize,
    /// What has not come after this is held back.
    pub quiet: Duration,
    /// Pause before each event.
    pub pause: Duration,
}

/// The 50th, 95th and 99th percentile and the largest value.
#[derive(Clone, Copy, Debug, Default)]
pub struct Percentiles {
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Largest value.
    pub max: f64,
}

impl Percentiles {
    fn of(mut values: Vec<f64>) -> Self {
        let [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1.0].map(|q| quantile(&mut values, q));
        Self { p50, p95, p99, max }
    }

    /// The median of each over several.
    fn medians(all: &[Self]) -> Self {
        let median = |pick: fn(&Self) -> f64| Spread::of(all.iter().map(pick).collect()).median;
        Self { p50: median(|one| one.p50), p95: median(|one| one.p95), p99: median(|one| one.p99), max: median(|one| one.max) }
    }

    fn minus(self, other: Self) -> Self {
        Self { p50: self.p50 - other.p50, p95: self.p95 - other.p95, p99: self.p99 - other.p99, max: self.max - other.max }
    }
}

/// What came out for a route and a text.
#[derive(Clone, Debug)]
pub struct Row {
    /// The route.
    pub route: &'static str,
    /// The text.
    pub kind: Kind,
    /// Deltas of a stream.
    pub deltas: usize,
    /// Delay through the gate, in microseconds.
    pub gate: Percentiles,
    /// Delay through the bare proxy.
    pub bare: Percentiles,
    /// Gate less bare, round by round.
    pub difference: Percentiles,
    /// Characters that wait at the gate, after each delta.
    pub withheld: Percentiles,
    /// How many deltas came after the one that the oldest of them stands in.
    pub age: Percentiles,
    /// Of a hundred deltas, after how many something waits.
    pub share: f64,
}

/// Both sides and the provider behind them.
pub struct Bench<'a> {
    /// The gate.
    pub gate: Side,
    /// The bare proxy.
    pub bare: Side,
    /// The provider.
    pub upstream: &'a mut DrivenUpstream,
    /// How much is measured.
    pub plan: Plan,
}

impl Bench<'_> {
    /// Measures one route with one text.
    pub async fn measure(&mut self, route: Route, kind: Kind) -> Result<Row> {
        let Plan { rounds, passes, quiet, pause, .. } = self.plan;
        let mut held = self.stream(self.gate, route, kind, Pace::Quiet(quiet)).await?;
        for _ in 1..passes {
            let again = self.stream(self.gate, route, kind, Pace::Quiet(quiet)).await?;
            ensure!(
                again.got == held.got && again.sent == held.sent,
                "the same stream did not come out the same: {} and {}",
                held.got,
                again.got
            );
            held.had.iter_mut().zip(&again.had).for_each(|(had, again)| *had = (*had).max(*again));
        }
        let (mut gate, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let ours = self.stream(self.gate, route, kind, Pace::Until(Some(&held.had), pause)).await?;
            ensure!(ours.got == held.got, "the same stream did not come out the same: {} and {}", held.got, ours.got);
            gate.push(Percentiles::of(ours.delays));
            let theirs = self.stream(self.bare, route, kind, Pace::Until(None, pause)).await?;
            ensure!(theirs.got == theirs.text.whole(), "the bare proxy changed the stream: {}", theirs.got);
            bare.push(Percentiles::of(theirs.delays));
        }
        let waiting = waiting(&held)?;
        let some = waiting.iter().filter(|(characters, _)| *characters > 0.0).count();
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let share = 100.0 * some as f64 / waiting.len().max(1) as f64;
        let (withheld, age) = waiting.into_iter().unzip();
        let difference: Vec<Percentiles> = gate.iter().zip(&bare).map(|(ours, theirs)| ours.minus(*theirs)).collect();
        Ok(Row {
            route: route.name,
            kind,
            deltas: held.sent.len(),
            gate: Percentiles::medians(&gate),
            bare: Percentiles::medians(&bare),
            difference: Percentiles::medians(&difference),
            withheld: Percentiles::of(withheld),
            age: Percentiles::of(age),
            share,
        })
    }

    async fn stream(&mut self, side: Side, route: Route, kind: Kind, pace: Pace<'_>) -> Result<Outcome> {
        drive(side, self.upstream, route, kind, self.plan.deltas, pace).await
    }
}

/// After each delta: characters that wait, and how many deltas came after the one that the first of them stands in.
fn waiting(outcome: &Outcome) -> Result<Vec<(f64, f64)>> {
    let alignment = outcome.text.align(&outcome.got)?;
    let after = |(number, (sent, had)): (usize, (&usize, &usize))| {
        let decided = alignment.decided(*had).min(*sent);
        let oldest = outcome.sent.iter().position(|end| *end > decided).unwrap_or(number).min(number);
        (number_of(sent - decided), number_of(number - oldest))
    };
    Ok(outcome.sent.iter().zip(&outcome.had).enumerate().map(after).collect())
}

fn number_of(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
