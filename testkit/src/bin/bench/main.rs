//! The driver of `make bench`: the gate and a bare hyper proxy take turns in front of the same upstream.
//!
//! What is compared is the CPU time of each process, in ratios taken in one run: wall time on a shared machine is noise.

mod results;
mod scenario;
mod window;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use bartizan_testkit::process::{Running, gate, sibling};
use clap::Parser;

use crate::results::Results;
use crate::scenario::Scenario;
use crate::window::{Pair, Windows};

/// Measures the cost of the gate against a bare proxy. Exits with 1 when a bar is missed.
#[derive(Parser)]
struct Flags {
    /// The release binary `bartizan`.
    gate: PathBuf,
    /// Windows for each side and scenario.
    #[arg(long, default_value_t = 7)]
    windows: usize,
    /// Length of a window in milliseconds.
    #[arg(long, default_value_t = 1_000)]
    window_ms: u64,
    /// Connections.
    #[arg(short, long, default_value_t = 8)]
    connections: usize,
    /// Only scenarios whose name holds this.
    #[arg(long)]
    only: Option<String>,
    /// Output of another measurement whose `RESULT` line belongs to this run; may be repeated.
    #[arg(long)]
    result: Vec<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let flags = Flags::parse();
    let mut results = Results::default();
    println!("CPU per request, {} windows of {} ms a side, {} connections\n", flags.windows, flags.window_ms, flags.connections);
    for mode in ["fixed", "stream:500"] {
        let chosen: Vec<Scenario> =
            Scenario::all().into_iter().filter(|scenario| scenario.mode == mode && wanted(&flags, scenario)).collect();
        if !chosen.is_empty() {
            measure(&flags, mode, &chosen, &mut results).await?;
        }
    }
    for file in &flags.result {
        results.adopt(file)?;
    }
    results.print();
    if results.missed() {
        std::process::exit(1);
    }
    Ok(())
}

fn wanted(flags: &Flags, scenario: &Scenario) -> bool {
    flags.only.as_deref().is_none_or(|part| scenario.name.contains(part))
}

/// A folder for what the gate writes, apart from what former runs wrote and removed. An ext4 without a journal steps over every inode
/// that was removed in the same block group in the last minutes each time when a file is made: one run would slow down the next. The
/// attribute `T` gives every folder below a group of its own; elsewhere it says nothing.
fn fresh_folder() -> Result<tempfile::TempDir> {
    let above = std::env::temp_dir().join("bartizan-bench");
    std::fs::create_dir_all(&above).with_context(|| format!("making `{}`", above.display()))?;
    let _where_it_is_unknown_nothing_is_lost = Command::new("chattr").arg("+T").arg(&above).stderr(std::process::Stdio::null()).status();
    Ok(tempfile::tempdir_in(above)?)
}

/// Starts the three processes for one kind of answer and runs the scenarios that need it.
async fn measure(flags: &Flags, mode: &str, scenarios: &[Scenario], results: &mut Results) -> Result<()> {
    let folder = fresh_folder()?;
    let upstream = Running::start(Command::new(sibling("upstream")?).args(["--mode", mode])).context("upstream")?;
    let url = upstream.ready.get("url").and_then(serde_json::Value::as_str).context("the upstream names no url")?;
    let bare = Running::start(Command::new(sibling("bare_proxy")?).args(["--upstream", url])).context("bare proxy")?;
    let log = folder.path().join("gate.log");
    let gate = Running::start(&mut gate(&flags.gate, &folder.path().join("data"), url, &log)?).context("gate")?;
    let pair = Pair { gate, bare };
    let windows = Windows { count: flags.windows, millis: flags.window_ms, connections: flags.connections };
    for scenario in scenarios {
        let outcome = windows.run(&pair, scenario).await.with_context(|| format!("scenario `{}`", scenario.name))?;
        results.add(scenario, &outcome);
    }
    Ok(())
}
