//! From windows to a table, a verdict and the `RESULT` line.

use std::path::Path;

use anyhow::{Context as _, Result};
use bartizan_testkit::stats::Spread;

use crate::scenario::{Bar, Scenario};
use crate::window::{Outcome, Window};

/// What other measurements have to reach: name in their `RESULT` line, the bar, and whether more is better.
const ADOPTED: &[(&str, f64, bool)] = &[
    ("detect_mb_s", 100.0, true),
    ("detect_names_mb_s", 10.0, true),
    ("detect_4kb_p99_us", 1_000.0, false),
    ("detect_memory_mb", 60.0, false),
    ("detect_load_ms", 50.0, false),
    ("exact_mb_s", 40.0, true),
    ("exact_bytes_each", 40.0, false),
    ("judge_ratio", 3.0, false),
];

/// One line of the table.
struct Row {
    name: String,
    cells: String,
    value: f64,
    bar: f64,
    more_is_better: bool,
}

impl Row {
    fn missed(&self) -> bool {
        let reached = if self.more_is_better { self.value >= self.bar } else { self.value <= self.bar };
        !reached
    }
}

/// Everything that was measured.
#[derive(Default)]
pub struct Results {
    rows: Vec<Row>,
    /// gate − bare of the first scenario, window by window.
    small: Vec<f64>,
}

impl Results {
    /// Adds a scenario's windows.
    pub fn add(&mut self, scenario: &Scenario, outcome: &Outcome) {
        let differences: Vec<f64> = pairs(outcome).map(|(gate, bare)| gate.cpu - bare.cpu).collect();
        let ratios = Spread::of(pairs(outcome).map(|(gate, bare)| gate.cpu / bare.cpu).collect());
        if scenario.name == "small_300b" {
            self.small.clone_from(&differences);
        }
        #[expect(clippy::cast_precision_loss, reason = "a size")]
        let (spread, unit, bar) = match scenario.bar {
            Bar::Ratio(bar) => (ratios, "ratio", bar),
            Bar::MicrosPerKb(bar) => {
                let base = Spread::of(self.small.clone()).median;
                let kilo = scenario.body.len() as f64 / 1_024.0;
                (Spread::of(differences.iter().map(|micros| (micros - base) / kilo).collect()), "us_kb", bar)
            }
            Bar::MicrosPerEvent(bar, events) => {
                (Spread::of(differences.iter().map(|micros| micros / events as f64).collect()), "us_event", bar)
            }
        };
        let median = |windows: &[Window], pick: fn(&Window) -> f64| Spread::of(windows.iter().map(pick).collect()).median;
        let difference = |pick: fn(&Window) -> f64| median(&outcome.gate, pick) - median(&outcome.bare, pick);
        let cells = format!(
            "{:>9.1} {:>9.1} {:>6.2} {:>9.2} ({:.2}..{:.2}) {:>9.0} {:>9.0}",
            median(&outcome.gate, |window| window.cpu),
            median(&outcome.bare, |window| window.cpu),
            ratios.median,
            spread.median,
            spread.min,
            spread.max,
            difference(|window| window.p50),
            difference(|window| window.p99),
        );
        self.rows.push(Row { name: format!("{}_{unit}", scenario.name), cells, value: spread.median, bar, more_is_better: false });
    }

    /// Takes over the `RESULT` line in the output of another measurement.
    pub fn adopt(&mut self, file: &Path) -> Result<()> {
        let text = std::fs::read_to_string(file).with_context(|| format!("reading `{}`", file.display()))?;
        let words = text.lines().filter_map(|line| line.strip_prefix("RESULT ")).flat_map(str::split_whitespace);
        let mut found = false;
        for (name, value) in words.filter_map(|word| word.split_once('=')) {
            let Some((_, bar, more_is_better)) = ADOPTED.iter().find(|(known, ..)| *known == name) else { continue };
            let value = value.parse().with_context(|| format!("`{name}={value}` in `{}`", file.display()))?;
            self.rows.push(Row { name: name.to_owned(), cells: String::new(), value, bar: *bar, more_is_better: *more_is_better });
            found = true;
        }
        anyhow::ensure!(found, "no known value on a RESULT line in `{}`", file.display());
        Ok(())
    }

    /// Whether any bar was missed.
    pub fn missed(&self) -> bool {
        self.rows.iter().any(Row::missed)
    }

    /// Prints the table and the `RESULT` line.
    pub fn print(&self) {
        println!(
            "{:<24} {:>9} {:>9} {:>6} {:>9} {:<14} {:>9} {:>9} {:>8}",
            "", "gate us", "bare us", "ratio", "measured", "(min..max)", "dp50 us", "dp99 us", "bar"
        );
        for row in &self.rows {
            let verdict = if row.missed() { "MISSED" } else { "ok" };
            let value = format!("{:>36.2}", row.value);
            let cells = if row.cells.is_empty() { &value } else { &row.cells };
            let sign = if row.more_is_better { ">=" } else { "<=" };
            println!("{:<24} {cells:<78} {sign} {:<5} {verdict}", row.name, row.bar);
        }
        let words: Vec<String> = self.rows.iter().map(|row| format!("{}={:.2}", row.name, row.value)).collect();
        println!("RESULT {}", words.join(" "));
    }
}

fn pairs(outcome: &Outcome) -> impl Iterator<Item = (&Window, &Window)> {
    outcome.gate.iter().zip(&outcome.bare)
}
