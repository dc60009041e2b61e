//! What is measured, and the bar for each.

use bartizan_testkit::traffic;
use bytes::Bytes;

/// What must hold for a scenario.
#[derive(Clone, Copy, Debug)]
pub enum Bar {
    /// The median of gate ÷ bare is at most this.
    Ratio(f64),
    /// The difference gate − bare, less that of the first scenario, is at most this for each KB of body.
    MicrosPerKb(f64),
    /// The difference gate − bare is at most this for each of so many events.
    MicrosPerEvent(f64, usize),
}

/// One kind of traffic.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Name in the table; part of the name in the `RESULT` line.
    pub name: &'static str,
    /// How the upstream answers.
    pub mode: &'static str,
    /// Request body, the same every time.
    pub body: Bytes,
    /// What must hold.
    pub bar: Bar,
}

impl Scenario {
    /// All of them; the first is the one that history is compared with.
    pub fn all() -> Vec<Self> {
        let fixed = |name, body, bar| Self { name, mode: "fixed", body, bar };
        vec![
            fixed("small_300b", traffic::small(), Bar::Ratio(4.0)),
            fixed("findings_2k", traffic::three_findings(), Bar::Ratio(7.0)),
            fixed("history_20k", traffic::history(20 * 1_024, 20), Bar::MicrosPerKb(3.0)),
            fixed("history_60k", traffic::history(60 * 1_024, 60), Bar::MicrosPerKb(3.0)),
            fixed("history_100k", traffic::history(100 * 1_024, 100), Bar::MicrosPerKb(3.0)),
            Self { name: "stream_500", mode: "stream:500", body: traffic::streamed(), bar: Bar::MicrosPerEvent(25.0, 500) },
        ]
    }
}
