//! From rows to tables, bars, the `RESULT` line and the page.

use std::fmt::Write as _;

use bartizan_testkit::tree::machine;

use crate::measure::{Percentiles, Plan, Row};
use crate::text::Kind;

/// What must hold.
pub struct Bars {
    /// Milliseconds by which the 99th percentile may be above the bare proxy's.
    pub p99_ms: f64,
    /// Characters that may wait.
    pub window: f64,
}

impl Row {
    /// For the terminal.
    pub fn line(&self) -> String {
        format!(
            "{:<43} {:<27} p99 +{:>6.0} us, waiting p50 {:>3.0} max {:>3.0}",
            self.route,
            self.kind.name(),
            self.difference.p99,
            self.withheld.p50,
            self.withheld.max
        )
    }
}

/// Everything that was measured.
pub struct Report {
    /// The rows.
    pub rows: Vec<Row>,
    method: String,
}

impl Report {
    /// Nothing yet.
    pub fn new(plan: &Plan) -> Self {
        let method = format!(
            "{} streams a side, route and text, one at a time, {} µs of pause before each event; {} passes for hold-back",
            plan.rounds,
            plan.pause.as_micros(),
            plan.passes
        );
        Self { rows: Vec::new(), method }
    }

    /// Name, the worst row's value and the bar, which it must not exceed.
    fn verdicts(&self, bars: &Bars) -> Vec<(&'static str, f64, f64)> {
        let worst = |pick: fn(&Row) -> f64| self.rows.iter().map(pick).fold(f64::NEG_INFINITY, f64::max);
        let plain = self.rows.iter().filter(|row| row.kind == Kind::Behind).map(|row| row.withheld.p50).fold(f64::NEG_INFINITY, f64::max);
        vec![
            ("stream_p99_ms", worst(|row| row.difference.p99) / 1_000.0, bars.p99_ms),
            ("holdback_p50_plain", plain, 0.0),
            ("holdback_max", worst(|row| row.withheld.max), bars.window),
        ]
    }

    /// Prints everything. Whether a bar was missed.
    pub fn print(&self, bars: &Bars) -> bool {
        println!("\n{}\n{}\n{}\n\n{}\n{}", machine(), self.method, self.noise(), self.delays(), self.hold_back());
        let verdicts = self.verdicts(bars);
        for (name, value, bar) in &verdicts {
            println!("{name:<28} {value:>9.2} <= {bar:<6} {}", if value <= bar { "ok" } else { "MISSED" });
        }
        let words: Vec<String> = verdicts.iter().map(|(name, value, _)| format!("{name}={value:.2}")).collect();
        println!("RESULT {}", words.join(" "));
        self.rows.is_empty() || verdicts.iter().any(|(_, value, bar)| value > bar)
    }

    /// What must be known of the machine to read the delays.
    fn noise(&self) -> String {
        let worst = self.rows.iter().map(|row| row.bare.p99).fold(0.0, f64::max) / 1_000.0;
        format!("the bare proxy alone had a 99th percentile of up to {worst:.1} ms, which is how busy the machine was")
    }

    fn delays(&self) -> String {
        let mut table = String::from(
            "| route | text | gate p50 | p95 | p99 | bare p50 | p95 | p99 | difference p50 | p95 | p99 |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
        );
        let cells = |percentiles: &Percentiles| format!("{:.0} | {:.0} | {:.0}", percentiles.p50, percentiles.p95, percentiles.p99);
        for row in &self.rows {
            let (route, text) = (row.route, row.kind.name());
            let (gate, bare, difference) = (cells(&row.gate), cells(&row.bare), cells(&row.difference));
            let _a_string_takes_all = writeln!(table, "| {route} | {text} | {gate} | {bare} | {difference} |");
        }
        table
    }

    fn hold_back(&self) -> String {
        let mut table = String::from(
            "| route | text | deltas | something waits after | characters p50 | p95 | p99 | most | age p50 | p95 | p99 | most |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
        );
        let cells = |percentiles: &Percentiles| {
            format!("{:.0} | {:.0} | {:.0} | {:.0}", percentiles.p50, percentiles.p95, percentiles.p99, percentiles.max)
        };
        for row in &self.rows {
            let (route, text, deltas, share) = (row.route, row.kind.name(), row.deltas, row.share);
            let (withheld, age) = (cells(&row.withheld), cells(&row.age));
            let _a_string_takes_all = writeln!(table, "| {route} | {text} | {deltas} | {share:.0} % | {withheld} | {age} |");
        }
        table
    }

    /// The page for the documentation.
    pub fn page(&self, bars: &Bars) -> String {
        let (machine, method) = (machine(), &self.method);
        let mut page = format!(
            "# What a guarded stream costs\n\nWritten by `make bench-streams`; do not edit.\n\n{INTRODUCTION}\nThis run: {machine}; {method}; {}.\n",
            self.noise()
        );
        let _a_string_takes_all = write!(page, "\n## Delay of an event, in microseconds\n\n{DELAY}\n{}", self.delays());
        let _a_string_takes_all = write!(page, "\n## Hold-back\n\n{HOLD_BACK}\n{}", self.hold_back());
        page.push_str("\n## Bars\n\n| what, in the worst row | measured | bar | met |\n|---|---:|---:|---|\n");
        for (name, value, bar) in self.verdicts(bars) {
            let met = if value <= bar { "yes" } else { "NO" };
            let _a_string_takes_all = writeln!(page, "| `{name}` | {value:.2} | <= {bar} | {met} |");
        }
        page
    }
}

const INTRODUCTION: &str = "\
All guards are on, as they are without configuration. The request holds an e-mail address of the caller's, so the gate also watches the\n\
answer for its pseudonym. Provider and client are one process with one clock, the gate and the bare proxy are processes of their own.\n\
The texts are prose whose deltas end behind the blank after a word, where no cut leaves what may be the beginning of a value; the same\n\
cut in front of the blanks, as tokenizers do, where each last word may be the beginning of an e-mail address until the next blank; and\n\
prose with an e-mail address, a card, an IBAN, a GitHub token, a social security number and the caller's pseudonym, cut every five\n\
characters.\n";

const DELAY: &str = "\
From the moment in which the provider writes a delta until the client has all that it sets free. A delta that sets nothing free has no\n\
delay: what it waits for is in the next table. Gate and bare proxy (`testkit/src/bin/bare_proxy.rs`) take turns, stream by stream; shown\n\
are the medians over the streams, and of the differences stream by stream. On a machine that does something else at the same time the\n\
last column is mostly that: look at the 99th percentile of the bare proxy before reading it.\n";

const HOLD_BACK: &str = "\
After each delta: characters of text, unescaped, that the provider has sent and that are not decided at the client. Age: how many deltas\n\
came after the one in which the oldest of them stands. An event waits as a whole, so the characters in front of it in its delta wait too.\n\
The window of the detectors is 512 bytes.\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bar_can_be_missed() {
        let row = |kind, p99, p50, max| Row {
            route: "a route",
            kind,
            deltas: 10,
            gate: Percentiles::default(),
            bare: Percentiles::default(),
            difference: Percentiles { p99, ..Percentiles::default() },
            withheld: Percentiles { p50, max, ..Percentiles::default() },
            age: Percentiles::default(),
            share: 0.0,
        };
        let missed = |row: Row| {
            let report = Report { rows: vec![row], method: String::new() };
            report
                .verdicts(&Bars { p99_ms: 2.0, window: 512.0 })
                .into_iter()
                .filter(|(_, value, bar)| value > bar)
                .map(|(name, ..)| name)
                .collect::<Vec<_>>()
        };
        assert!(missed(row(Kind::Behind, 2_000.0, 0.0, 512.0)).is_empty());
        assert!(missed(row(Kind::Values, 2_000.0, 9.0, 512.0)).is_empty());
        assert_eq!(missed(row(Kind::Before, 2_001.0, 0.0, 0.0)), ["stream_p99_ms"]);
        assert_eq!(missed(row(Kind::Behind, 0.0, 1.0, 1.0)), ["holdback_p50_plain"]);
        assert_eq!(missed(row(Kind::Values, 0.0, 0.0, 513.0)), ["holdback_max"]);
    }
}
