//! Between two calls for one request: how much time is left, and until when each place asked to be left alone.

use std::time::{Duration, Instant};

use bartizan_vocabulary::Timestamp;

use crate::models::Target;
use crate::retry::{self, Outcome};

/// What was learnt since the first failure.
pub struct Pacing {
    /// A provider may be slow for longer than the deadline before it counts as failed: only then it begins.
    failed: Instant,
    deadline: Duration,
    /// Places that asked to be left alone, and until when. As many as there were calls at most.
    resting: Vec<((usize, usize), Instant)>,
}

impl Pacing {
    /// From the first failure on.
    pub fn new(deadline: Duration) -> Self {
        Self { failed: Instant::now(), deadline, resting: Vec::new() }
    }

    /// Time that is left.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_sub(self.failed.elapsed())
    }

    /// Notes how long the place that was called asks to be left alone; what it said before is older.
    pub fn note(&mut self, target: Target<'_>, outcome: &Outcome, now: Timestamp) {
        self.resting.retain(|(at, _)| *at != target.at);
        let until = retry::retry_after(outcome, now).and_then(|time| Instant::now().checked_add(time));
        self.resting.extend(until.map(|until| (target.at, until)));
    }

    /// For how long a place is to be left alone yet.
    pub fn rest(&self, target: Target<'_>) -> Duration {
        let until = self.resting.iter().find(|(at, _)| *at == target.at);
        until.map_or(Duration::ZERO, |(_, until)| until.saturating_duration_since(Instant::now()))
    }
}
