//! The driver of `make crash`: SIGKILL at random moments under load, then a look whether any acknowledged decision is lost or doubled,
//! and whether the log still continues every checkpoint that stood when the process was killed.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bartizan_testkit::load::{Plan, Seen, run};
use bartizan_testkit::process::{Running, gate, sibling};
use bartizan_testkit::stats::Dice;
use bartizan_testkit::traffic;
use bytes::Bytes;
use clap::Parser;
use serde_json::Value;

/// Kills and restarts the gate on one data folder. Exits with 1 when an acknowledged decision has no entry for its request or its answer,
/// an event is there twice, or the log does not verify against a checkpoint from before a kill.
#[derive(Parser)]
struct Flags {
    /// The release binary `bartizan`.
    gate: PathBuf,
    /// How often to kill.
    #[arg(short, long, default_value_t = 200)]
    times: u32,
    /// Connections.
    #[arg(short, long, default_value_t = 8)]
    connections: usize,
    /// Longest time between start and kill, in milliseconds.
    #[arg(long, default_value_t = 600)]
    longest_ms: u64,
    /// Seed of the moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep the data folder here instead of in a temporary one.
    #[arg(long)]
    data: Option<PathBuf>,
}

/// Request ids whose answer head arrived at the client, and whether the answer was let through, so that an entry for it must exist.
type Acknowledged = Arc<Mutex<Vec<(String, bool)>>>;

#[tokio::main]
async fn main() -> Result<()> {
    let flags = Flags::parse();
    let folder = tempfile::tempdir()?;
    let data = flags.data.clone().unwrap_or_else(|| folder.path().join("data"));
    let upstream = Running::start(Command::new(sibling("upstream")?).args(["--mode", "fixed"])).context("upstream")?;
    let url = upstream.ready.get("url").and_then(Value::as_str).context("the upstream names no url")?;
    let acknowledged = Acknowledged::default();
    let mut dice = Dice::new(flags.seed);
    let (mut slowest, mut checkpoints) = (Duration::ZERO, Vec::new());
    for round in 1..=flags.times {
        let command = &mut gate(&flags.gate, &data, url, &folder.path().join("gate.log"))?;
        let process =
            Running::start(command).with_context(|| format!("start number {round}, after a kill: {}", log_tail(folder.path())))?;
        slowest = slowest.max(process.took);
        let millis = 20 + dice.below(flags.longest_ms);
        kill_under_load(&flags, process, Duration::from_millis(millis), &acknowledged).await?;
        checkpoints.extend(fs::read_to_string(data.join("ledger/checkpoint")).ok());
        if round % 20 == 0 {
            println!("{round:>4} kills, {} decisions acknowledged, slowest start {slowest:?}", held(&acknowledged).len());
        }
    }
    // One clean start: it recovers what the last kill left, and is asked while it runs.
    let last = Running::start(&mut gate(&flags.gate, &data, url, &folder.path().join("gate.log"))?).context("the last start")?;
    slowest = slowest.max(last.took);
    let continued = verify_each(&flags, &data, &checkpoints, folder.path())?;
    println!("the log continues {continued} checkpoints from before kills");
    verdict(&flags, &data, &acknowledged, slowest).await
}

/// Verifies the log against each checkpoint that stood when the process was killed; fails at the first that it does not continue.
fn verify_each(flags: &Flags, data: &Path, checkpoints: &[String], folder: &Path) -> Result<usize> {
    let held = folder.join("held.checkpoint");
    for checkpoint in checkpoints {
        fs::write(&held, checkpoint)?;
        ask(flags, &["audit", "verify", "--checkpoint", &held.display().to_string()], data)?;
    }
    ensure!(!checkpoints.is_empty(), "no checkpoint stood at any kill; nothing was tested");
    Ok(checkpoints.len())
}

fn held(acknowledged: &Acknowledged) -> Vec<(String, bool)> {
    acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn log_tail(folder: &Path) -> String {
    let log = fs::read_to_string(folder.join("gate.log")).unwrap_or_default();
    let lines: Vec<&str> = log.lines().rev().take(5).collect();
    lines.join(" | ")
}

/// Sends load until the moment has come, kills, and lets the load end.
async fn kill_under_load(flags: &Flags, mut process: Running, moment: Duration, acknowledged: &Acknowledged) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut plan = Plan::same(process.address("gate")?, Bytes::new(), flags.connections, Duration::from_mins(1));
    plan.bodies = Arc::new(|number| if number % 3 == 0 { traffic::three_findings() } else { traffic::small() });
    plan.stop = Arc::clone(&stop);
    let noted = Arc::clone(acknowledged);
    plan.observer = Some(Arc::new(move |seen: &Seen| {
        if let Some(id) = seen.headers.get("bartizan-request-id").and_then(|id| id.to_str().ok()) {
            let decision = seen.headers.get("bartizan-decision").and_then(|decision| decision.to_str().ok());
            let through = matches!(decision, Some("permit" | "remedied"));
            noted.lock().unwrap_or_else(PoisonError::into_inner).push((id.to_owned(), through));
        }
    }));
    let kill = async {
        tokio::time::sleep(moment).await;
        let killed = process.kill();
        stop.store(true, Ordering::Relaxed);
        killed
    };
    let (_, killed) = tokio::join!(run(plan), kill);
    killed.context("killing the gate")
}

/// Runs a command of the gate and gives its output; fails unless it exits with 0.
fn ask(flags: &Flags, arguments: &[&str], data: &Path) -> Result<String> {
    let output = Command::new(&flags.gate).args(arguments).arg("--data").arg(data).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`bartizan {}` ended with {}: {errors}", arguments.join(" "), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What the event index knows of each request id: whether it has an entry of the log for the request, and for the answer.
#[derive(Clone, Copy, Default)]
struct Kept {
    request: bool,
    response: bool,
}

/// What is kept of each request, and how many events are there twice.
fn kept(flags: &Flags, data: &Path) -> Result<(HashMap<String, Kept>, usize)> {
    let events = ask(flags, &["events", "--since", "24h", "--format", "jsonl"], data)?;
    let mut kept: HashMap<String, Kept> = HashMap::new();
    let (mut ids, mut doubled) = (HashSet::new(), 0);
    for line in events.lines().filter(|line| !line.trim().is_empty()) {
        let event: Value = serde_json::from_str(line).with_context(|| format!("event line `{line}`"))?;
        let word = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        doubled += usize::from(!ids.insert(word("id").to_owned()));
        if event.pointer("/ledger/index").and_then(Value::as_u64).is_some() {
            let entry = kept.entry(word("request_id").to_owned()).or_default();
            if word("direction") == "response" { entry.response = true } else { entry.request = true }
        }
    }
    Ok((kept, doubled))
}

/// Compares what clients saw with what is kept. The index may be a second behind the journal, so it is asked again for a while.
async fn verdict(flags: &Flags, data: &Path, acknowledged: &Acknowledged, slowest: Duration) -> Result<()> {
    let expected: HashMap<String, bool> = held(acknowledged).into_iter().collect();
    ensure!(!expected.is_empty(), "no answer carried `bartizan-request-id`; nothing was tested");
    let (mut found, mut doubled) = kept(flags, data)?;
    for _ in 0..20 {
        if expected.iter().all(|(id, through)| is_kept(&found, id, *through)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        (found, doubled) = kept(flags, data)?;
    }
    println!("{}", ask(flags, &["audit", "verify"], data)?.trim_end());
    for (id, _) in expected.iter().filter(|(id, through)| !is_kept(&found, id, **through)).take(5) {
        println!("lost: {id}");
    }
    let of = |id: &String| found.get(id).copied().unwrap_or_default();
    let lost = expected.keys().filter(|id| !found.contains_key(*id)).count();
    let without_request = expected.keys().filter(|id| !of(id).request).count();
    let without_response = expected.iter().filter(|(id, through)| **through && !of(id).response).count();
    println!(
        "RESULT kills={} acknowledged={} lost={lost} without_request_entry={without_request} without_response_entry={without_response} doubled={doubled} slowest_start_ms={}",
        flags.times,
        expected.len(),
        slowest.as_millis()
    );
    if lost + without_request + without_response + doubled > 0 {
        bail!("acknowledged decisions have no entry, or events are there twice");
    }
    Ok(())
}

/// Whether everything is there that was acknowledged.
fn is_kept(found: &HashMap<String, Kept>, id: &str, through: bool) -> bool {
    found.get(id).is_some_and(|kept| kept.request && (kept.response || !through))
}
