//! The driver of `make bench-streams`: what a guarded stream costs its reader. Of each route: how much later than through a bare proxy
//! an event is there, and how much of the text waits at the gate because it may be the beginning of a value.
//!
//! Hold-back is found first, in some passes: after each delta the client waits until all is there or nothing came for a while. A process
//! that is put aside for a moment can only make that too large, so the least of all passes counts. Delay is measured afterwards, gate and
//! bare proxy in turn: it is then known what each delta sets free, and the time until the client has that is exact.

mod drive;
mod measure;
mod report;
mod route;
mod text;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bartizan_testkit::driven::DrivenUpstream;
use bartizan_testkit::process::{Running, sibling};
use clap::Parser;

use crate::drive::Side;
use crate::measure::{Bench, Plan};
use crate::report::{Bars, Report};
use crate::route::Route;
use crate::text::Kind;

/// Measures delay and hold-back of streams. Exits with 1 when a bar is missed.
#[derive(Parser)]
struct Flags {
    /// The release binary `bartizan`.
    gate: PathBuf,
    /// The binary `bare_proxy`; without it the one beside this.
    #[arg(long)]
    bare: Option<PathBuf>,
    /// Deltas of a stream.
    #[arg(long, default_value_t = 200)]
    deltas: usize,
    /// Streams through each side, of each route and text.
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    /// Pause before each event, in microseconds.
    #[arg(long, default_value_t = 1_000)]
    pause_us: u64,
    /// Passes that look for what is held back.
    #[arg(long, default_value_t = 3)]
    passes: usize,
    /// What has not come after so many milliseconds is held back.
    #[arg(long, default_value_t = 15)]
    quiet_ms: u64,
    /// Only routes whose name holds this.
    #[arg(long)]
    only: Option<String>,
    /// The 99th percentile of the delay may be so many milliseconds above that of the bare proxy.
    #[arg(long, default_value_t = 2.0)]
    p99_ms: f64,
    /// No more characters may be held back; the window of the detectors.
    #[arg(long, default_value_t = 512.0)]
    window: f64,
    /// Write the page here.
    #[arg(long)]
    page: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // What was started ends with `run`; an exit ends nothing else.
    if run(&Flags::parse()).await? {
        std::process::exit(1);
    }
    Ok(())
}

/// Whether a bar was missed.
async fn run(flags: &Flags) -> Result<bool> {
    let folder = tempfile::tempdir()?;
    let mut upstream = DrivenUpstream::start().await?;
    let url = upstream.url();
    let config = folder.path().join("gate.toml");
    std::fs::write(&config, CONFIG.replace("UPSTREAM", &url))?;
    let log = std::fs::File::create(folder.path().join("gate.log"))?;
    let mut command = Command::new(&flags.gate);
    command.arg("up").arg("--data").arg(folder.path().join("data")).arg("--config").arg(&config).stderr(log);
    let gate = Running::start(&mut command).context("gate")?;
    let proxy = flags.bare.clone().map_or_else(|| sibling("bare_proxy"), Ok)?;
    let bare = Running::start(Command::new(proxy).args(["--upstream", &url])).context("bare proxy")?;
    let plan = Plan {
        deltas: flags.deltas,
        rounds: flags.rounds.max(1),
        passes: flags.passes.max(1),
        quiet: Duration::from_millis(flags.quiet_ms),
        pause: Duration::from_micros(flags.pause_us),
    };
    let mut report = Report::new(&plan);
    let mut bench = Bench {
        gate: Side { address: gate.address("gate")?, bare: false },
        bare: Side { address: bare.address("gate")?, bare: true },
        upstream: &mut upstream,
        plan,
    };
    for route in Route::ALL.into_iter().filter(|route| flags.only.as_deref().is_none_or(|part| route.name.contains(part))) {
        for kind in Kind::ALL {
            let row = bench.measure(route, kind).await.with_context(|| format!("{}, {}", route.name, kind.name()))?;
            println!("{}", row.line());
            report.rows.push(row);
        }
    }
    let bars = Bars { p99_ms: flags.p99_ms, window: flags.window };
    let missed = report.print(&bars);
    if let Some(page) = &flags.page {
        std::fs::write(page, report.page(&bars)).with_context(|| format!("writing `{}`", page.display()))?;
    }
    Ok(missed)
}

/// One provider for every format, and one of Anthropic's for the model that is asked for in OpenAI's.
const CONFIG: &str = r#"
[gate]
listen = "127.0.0.1:0"

[admin]
listen = "127.0.0.1:0"

[[providers]]
name = "main"
kind = "both"
base_url = "UPSTREAM"

[[providers]]
name = "messages"
kind = "anthropic"
base_url = "UPSTREAM"

[[models]]
name = "translated"
provider = "messages"
upstream_name = "fixed"

[[models]]
name = "*"
provider = "main"
"#;
