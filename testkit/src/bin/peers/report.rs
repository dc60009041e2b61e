//! From windows to tables, bars, the `RESULT` line and the page.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use bartizan_testkit::stats::{Spread, slope};
use bartizan_testkit::tree::machine;
use serde_json::Value;

use crate::peer::Kind;
use crate::traffic::Traffic;
use crate::window::{Outcome, Windows};

/// What must hold.
pub struct Bars {
    /// `TensorZero` ÷ gate, at least.
    pub tensorzero: f64,
    /// `LiteLLM` ÷ gate, at least.
    pub litellm: f64,
    /// Growth of the gate's resident memory over the second half, at most, in MB.
    pub growth_mb: f64,
}

/// A bar and what was measured.
struct Verdict {
    name: String,
    value: f64,
    bar: f64,
    at_least: bool,
}

impl Verdict {
    fn missed(&self) -> bool {
        let reached = if self.at_least { self.value >= self.bar } else { self.value <= self.bar };
        !reached
    }

    fn sign(&self) -> &'static str {
        if self.at_least { ">=" } else { "<=" }
    }
}

/// Everything that was measured.
pub struct Report {
    /// For each kind of traffic, what came out for each gateway.
    pub tables: Vec<(Traffic, Vec<Outcome>)>,
    versions: Value,
    method: String,
}

impl Report {
    /// Nothing yet.
    pub fn new(installed: &Path, windows: &Windows) -> Result<Self> {
        let file = installed.join("versions.json");
        let text = std::fs::read_to_string(&file).with_context(|| format!("reading `{}`", file.display()))?;
        let method = format!(
            "{} connections, {} windows of {:.1} s for each gateway after {:.1} s of load",
            windows.connections,
            windows.count,
            windows.length.as_secs_f64(),
            windows.warm.as_secs_f64()
        );
        Ok(Self { tables: Vec::new(), versions: serde_json::from_str(&text)?, method })
    }

    fn version(&self, kind: Kind) -> &str {
        let version = self.versions.get(kind.key()).and_then(Value::as_str);
        version.unwrap_or(if kind == Kind::Gate { "this" } else { "?" })
    }

    fn verdicts(&self, bars: &Bars) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for (traffic, outcomes) in &self.tables {
            for (kind, bar) in [(Kind::TensorZero, bars.tensorzero), (Kind::LiteLlm, bars.litellm)] {
                let name = format!("{}_{}_ratio", traffic.name(), kind.key());
                verdicts.push(Verdict { name, value: ratio(outcomes, kind).median, bar, at_least: true });
            }
        }
        let value = self.growth();
        verdicts.push(Verdict { name: "gate_growth_mb".to_owned(), value, bar: bars.growth_mb, at_least: false });
        verdicts
    }

    /// Resident memory of the gate after each of its windows, in MB.
    fn resident(&self) -> Vec<f64> {
        let gates = self.tables.iter().filter_map(|(_, outcomes)| outcomes.iter().find(|outcome| outcome.kind == Kind::Gate));
        gates.flat_map(|outcome| outcome.windows.iter().map(|window| window.resident)).collect()
    }

    /// Growth of the gate's memory over the second half of its windows, by a fitted line, in MB.
    fn growth(&self) -> f64 {
        let resident = self.resident();
        let second = resident.iter().skip(resident.len() / 2);
        let points: Vec<(f64, f64)> = (0_u32..).map(f64::from).zip(second.copied()).collect();
        slope(&points) * points.last().map_or(0.0, |(last, _)| *last)
    }

    /// Prints everything. Whether a bar was missed.
    pub fn print(&self, bars: &Bars) -> bool {
        println!("\n{}\n{}\n", machine(), self.method);
        for (traffic, outcomes) in &self.tables {
            println!("{}\n\n{}", traffic.title(), self.table(outcomes));
        }
        println!("resident MB of the gate after each window: {:.1?}\n", self.resident());
        let verdicts = self.verdicts(bars);
        for verdict in &verdicts {
            let word = if verdict.missed() { "MISSED" } else { "ok" };
            println!("{:<28} {:>9.2} {} {:<6} {word}", verdict.name, verdict.value, verdict.sign(), verdict.bar);
        }
        let words: Vec<String> = verdicts.iter().map(|verdict| format!("{}={:.2}", verdict.name, verdict.value)).collect();
        println!("RESULT {}", words.join(" "));
        verdicts.iter().any(Verdict::missed)
    }

    /// One line a gateway.
    fn table(&self, outcomes: &[Outcome]) -> String {
        let mut table = String::from(
            "| gateway | version | guards | CPU µs a request | least to most | × the gate | least to most | requests | resident MB, before and after |\n|---|---|---|---:|---:|---:|---:|---:|---:|\n",
        );
        for outcome in outcomes {
            let cpu = Spread::of(outcome.windows.iter().map(|window| window.cpu).collect());
            let times = ratio(outcomes, outcome.kind);
            let requests: u64 = outcome.windows.iter().map(|window| window.requests).sum();
            let after = outcome.windows.last().map_or(0.0, |window| window.resident);
            let (name, version, guards) = (outcome.kind.name(), self.version(outcome.kind), outcome.kind.guards());
            let _a_string_takes_all = writeln!(
                table,
                "| {name} | {version} | {guards} | {:.0} | {:.0} to {:.0} | {:.2} | {:.2} to {:.2} | {requests} | {:.0}, {after:.0} |",
                cpu.median, cpu.min, cpu.max, times.median, times.min, times.max, outcome.before
            );
        }
        table
    }

    /// The page for the documentation.
    pub fn page(&self, bars: &Bars) -> String {
        let mut page = format!(
            "# Beside other gateways\n\nWritten by `make bench-peers`; do not edit.\n\n{INTRODUCTION}\nThis run: {}; {}.\n",
            machine(),
            self.method
        );
        for (traffic, outcomes) in &self.tables {
            let _a_string_takes_all = write!(page, "\n## {}\n\n{}", traffic.title(), self.table(outcomes));
        }
        page.push_str("\n## Bars\n\n| what | measured | bar | met |\n|---|---:|---:|---|\n");
        for verdict in self.verdicts(bars) {
            let met = if verdict.missed() { "NO" } else { "yes" };
            let (name, value, sign, bar) = (&verdict.name, verdict.value, verdict.sign(), verdict.bar);
            let _a_string_takes_all = writeln!(page, "| `{name}` | {value:.2} | {sign} {bar} | {met} |");
        }
        page
    }
}

const INTRODUCTION: &str = "\
What a chat request costs in CPU time: 1,024 characters of text in, 1,024 out, a new text in every request. All gateways run in one run\n\
on one machine before the same provider, which answers at once, and take turns under load. Counted is the user and system time of a\n\
gateway with everything that it started, until one second after its window. Each runs as it comes, with one worker, without a database\n\
and without keys of its own. The gate has its defaults: this is the guard set `core`, and every request and answer is in its signed log.\n\
LiteLLM has its content filter on for social security numbers, e-mail addresses, telephone numbers and cards. TensorZero and Portkey\n\
have no guards. Their configurations are in `testkit/peers`.\n\
\n\
Before anything is measured, a value is sent each way: whoever has guards must hide it from the provider and from the client, whoever\n\
has none must let it pass. Each answer of a window must have status 200 and hold the text of the provider, or there is no figure.\n\
\n\
A ratio is taken window by window, the median is shown. Figures of different machines cannot be compared, ratios can.\n";

/// CPU time of a gateway ÷ that of the gate, turn by turn.
fn ratio(outcomes: &[Outcome], kind: Kind) -> Spread {
    let windows = |kind| outcomes.iter().find(|outcome| outcome.kind == kind).map_or(&[][..], |outcome| outcome.windows.as_slice());
    Spread::of(windows(kind).iter().zip(windows(Kind::Gate)).map(|(theirs, ours)| theirs.cpu / ours.cpu).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Window;

    fn report(cpu: [f64; 3], resident: impl Fn(u32) -> f64) -> Report {
        let outcome = |kind, cpu| {
            let window = |turn| Window { cpu, requests: 10, resident: resident(turn) };
            Outcome { kind, before: 1.0, windows: (0..8).map(window).collect() }
        };
        let [gate, tensorzero, litellm] = cpu;
        let outcomes = vec![outcome(Kind::Gate, gate), outcome(Kind::TensorZero, tensorzero), outcome(Kind::LiteLlm, litellm)];
        Report { tables: vec![(Traffic::Plain, outcomes)], versions: Value::Null, method: String::new() }
    }

    fn missed(report: &Report) -> Vec<String> {
        let bars = Bars { tensorzero: 1.0, litellm: 60.0, growth_mb: 4.0 };
        report.verdicts(&bars).into_iter().filter(Verdict::missed).map(|verdict| verdict.name).collect()
    }

    #[test]
    fn each_bar_can_be_missed() {
        assert!(missed(&report([100.0, 100.0, 6_000.0], |_| 30.0)).is_empty());
        assert_eq!(missed(&report([100.0, 99.0, 6_000.0], |_| 30.0)), ["plain_tensorzero_ratio"]);
        assert_eq!(missed(&report([100.0, 100.0, 5_999.0], |_| 30.0)), ["plain_litellm_ratio"]);
        assert_eq!(missed(&report([100.0, 100.0, 6_000.0], |turn| 30.0 + 1.5 * f64::from(turn))), ["gate_growth_mb"]);
        assert!(missed(&report([100.0, 100.0, 6_000.0], |turn| if turn < 4 { f64::from(turn) * 10.0 } else { 40.0 })).is_empty());
    }
}
