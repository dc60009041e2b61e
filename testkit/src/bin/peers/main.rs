//! The driver of `make bench-peers`: the gate with its guards and other gateways take turns in front of the same upstream.
//!
//! What is compared is the CPU time of each with everything that it started, in ratios taken in one run: wall time on a shared machine
//! is noise. Every answer is checked, so that a gateway that is broken is an error and never a cheap figure.

mod checks;
mod peer;
mod report;
mod traffic;
mod window;

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bartizan_testkit::ScriptedUpstream;
use bartizan_testkit::tree::tick_micros;
use clap::Parser;

use crate::peer::{Kind, Peer, Places};
use crate::report::{Bars, Report};
use crate::traffic::Traffic;
use crate::window::Windows;

/// Measures the gate beside other gateways. Exits with 1 when a bar is missed.
#[derive(Parser)]
struct Flags {
    /// The release binary `bartizan`.
    gate: PathBuf,
    /// Folder with the gateways as `scripts/bench_peers.sh` installs them.
    #[arg(long, default_value = "target/peers")]
    installed: PathBuf,
    /// Folder with their configurations.
    #[arg(long, default_value = "testkit/peers")]
    configs: PathBuf,
    /// Windows for each gateway and kind of traffic.
    #[arg(long, default_value_t = 7)]
    windows: usize,
    /// Length of a window in milliseconds.
    #[arg(long, default_value_t = 3_000)]
    window_ms: u64,
    /// Load before the first window, in milliseconds.
    #[arg(long, default_value_t = 10_000)]
    warm_ms: u64,
    /// Connections.
    #[arg(short, long, default_value_t = 8)]
    connections: usize,
    /// `TensorZero` must cost at least so many times what the gate costs.
    #[arg(long, default_value_t = 1.0)]
    tensorzero: f64,
    /// `LiteLLM` with its filter must cost at least so many times what the gate costs.
    #[arg(long, default_value_t = 60.0)]
    litellm: f64,
    /// Growth of the gate's resident memory over the second half, by a fitted line, must stay below this, in MB.
    #[arg(long, default_value_t = 4.0)]
    growth_mb: f64,
    /// Write the page here.
    #[arg(long)]
    page: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    // What was started ends with `run`; an exit ends nothing else.
    if run(&Flags::parse()).await? {
        std::process::exit(1);
    }
    Ok(())
}

/// Whether a bar was missed.
async fn run(flags: &Flags) -> Result<bool> {
    let upstream = ScriptedUpstream::start().context("upstream")?;
    let folder = tempfile::tempdir()?;
    let places = Places {
        gate: &flags.gate,
        installed: &flags.installed,
        configs: &flags.configs,
        scratch: folder.path(),
        upstream: &upstream.url(),
    };
    let mut peers = Vec::new();
    for kind in Kind::ALL {
        let mut peer = Peer::start(kind, &places).with_context(|| format!("starting {}", kind.name()))?;
        checks::ready(&mut peer, &upstream).await.with_context(|| format!("waiting for {}", kind.name()))?;
        println!("{} is ready", kind.name());
        peers.push(peer);
    }
    for peer in &peers {
        checks::guards(peer, &upstream).await.with_context(|| format!("what {} does with values", peer.kind.name()))?;
    }
    let windows = Windows {
        count: flags.windows.max(2),
        length: Duration::from_millis(flags.window_ms),
        warm: Duration::from_millis(flags.warm_ms),
        connections: flags.connections,
        tick_micros: tick_micros()?,
        texts: AtomicU64::new(0),
    };
    let mut report = Report::new(&flags.installed, &windows)?;
    for traffic in Traffic::ALL {
        let outcomes = windows.run(&peers, &upstream, traffic).await.with_context(|| format!("traffic `{}`", traffic.name()))?;
        report.tables.push((traffic, outcomes));
    }
    let bars = Bars { tensorzero: flags.tensorzero, litellm: flags.litellm, growth_mb: flags.growth_mb };
    let missed = report.print(&bars);
    if let Some(page) = &flags.page {
        std::fs::write(page, report.page(&bars)).with_context(|| format!("writing `{}`", page.display()))?;
    }
    Ok(missed)
}
