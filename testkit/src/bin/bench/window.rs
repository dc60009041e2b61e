//! Alternating windows: load on one side, CPU time before and after.

use std::time::Duration;

use anyhow::{Result, bail};
use bartizan_testkit::load::{Plan, run};
use bartizan_testkit::process::{Cpu, Running};

use crate::scenario::Scenario;

/// The two processes that are compared.
pub struct Pair {
    /// The gate.
    pub gate: Running,
    /// The bare proxy.
    pub bare: Running,
}

/// One window of one side, in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// CPU time of each request.
    pub cpu: f64,
    /// Median wall time of a request.
    pub p50: f64,
    /// 99th percentile of the same.
    pub p99: f64,
}

/// All windows of a scenario; the n-th gate window ran beside the n-th bare one.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Windows of the gate.
    pub gate: Vec<Window>,
    /// Windows of the bare proxy.
    pub bare: Vec<Window>,
}

/// How many windows, how long, with how many connections.
pub struct Windows {
    /// Windows for each side.
    pub count: usize,
    /// Milliseconds a window.
    pub millis: u64,
    /// Connections.
    pub connections: usize,
}

impl Windows {
    /// Warms both sides up, then lets them take turns.
    pub async fn run(&self, pair: &Pair, scenario: &Scenario) -> Result<Outcome> {
        self.window(&pair.bare, scenario, self.millis / 3).await?;
        self.window(&pair.gate, scenario, self.millis / 3).await?;
        let mut outcome = Outcome::default();
        for _ in 0..self.count {
            outcome.gate.push(self.window(&pair.gate, scenario, self.millis).await?);
            outcome.bare.push(self.window(&pair.bare, scenario, self.millis).await?);
        }
        Ok(outcome)
    }

    async fn window(&self, side: &Running, scenario: &Scenario, millis: u64) -> Result<Window> {
        let plan = Plan::same(side.address("gate")?, scenario.body.clone(), self.connections, Duration::from_millis(millis));
        let before = Cpu::of(side.pid())?;
        let report = run(plan).await;
        let used = Cpu::of(side.pid())?.micros_since(&before);
        if report.errors > 0 || report.requests == 0 {
            bail!("{} answers with status 200 and {} others from {}", report.requests, report.errors, side.ready);
        }
        #[expect(clippy::cast_precision_loss, reason = "a measurement")]
        let requests = report.requests as f64;
        Ok(Window { cpu: used / requests, p50: report.p50_us, p99: report.p99_us })
    }
}
