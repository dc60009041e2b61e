//! The driver of `make soak`: full speed for minutes, resident memory second by second, then bodies of 64 MiB.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bartizan_testkit::load::{Plan, Report, run};
use bartizan_testkit::process::{Running, gate, resident, sibling};
use bartizan_testkit::stats::{Dice, slope};
use bartizan_testkit::traffic;
use bytes::Bytes;
use clap::Parser;

const MB: f64 = 1_048_576.0;

/// Watches the memory of the gate under load. Exits with 1 when a bar is missed.
#[derive(Parser)]
struct Flags {
    /// The release binary `bartizan`.
    gate: PathBuf,
    /// Minutes of load.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Connections.
    #[arg(short, long, default_value_t = 8)]
    connections: usize,
    /// Resident memory must stay below this, in MB.
    #[arg(long, default_value_t = 100.0)]
    resident_mb: f64,
    /// Growth over the second half of the run, by a fitted line, must stay below this, in MB.
    #[arg(long, default_value_t = 4.0)]
    growth_mb: f64,
    /// How many 64 MiB bodies are sent at the same time afterwards; 0 sends none.
    #[arg(long, default_value_t = 3)]
    big: usize,
    /// What the documented formula allows for these bodies above the memory before them, in MB for each body.
    #[arg(long, default_value_t = 256.0)]
    big_bound_mb: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let flags = Flags::parse();
    let folder = tempfile::tempdir()?;
    let upstream = Running::start(Command::new(sibling("upstream")?).args(["--mode", "fixed"])).context("upstream")?;
    let url = upstream.ready.get("url").and_then(serde_json::Value::as_str).context("the upstream names no url")?;
    let gate = Running::start(&mut gate(&flags.gate, &folder.path().join("data"), url, &folder.path().join("gate.log"))?)?;
    let (report, samples) = full_speed(&flags, &gate).await?;
    let highest = samples.iter().map(|(_, mb)| *mb).fold(0.0, f64::max);
    let half: Vec<(f64, f64)> = samples.iter().skip(samples.len() / 2).copied().collect();
    let span = half.last().map_or(0.0, |last| last.0) - half.first().map_or(0.0, |first| first.0);
    let growth = slope(&half) * span;
    let (big_mb, big_errors) = big_bodies(&flags, &gate).await?;
    let allowed = flags.big_bound_mb * f64::from(u32::try_from(flags.big)?);
    let bars = [
        ("answers other than 200", count(report.errors + big_errors), 0.0),
        ("highest resident MB", highest, flags.resident_mb),
        ("growth in the second half, MB", growth, flags.growth_mb),
        ("64 MiB bodies, MB above the level before", big_mb, allowed),
    ];
    println!("\n{} answers in {:.0} s", report.requests, count(report.wall_us) / 1e6);
    for (name, value, bar) in bars {
        println!("{name:<44} {value:>10.1} <= {bar:<8} {}", if value <= bar { "ok" } else { "MISSED" });
    }
    println!(
        "RESULT requests={} errors={} rss_mb={highest:.1} growth_mb={growth:.2} big_mb={big_mb:.1}",
        report.requests,
        report.errors + big_errors
    );
    if bars.iter().any(|(_, value, bar)| value > bar) {
        std::process::exit(1);
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a count")]
fn count(number: u64) -> f64 {
    number as f64
}

/// Bodies of 2 to 100 KB, each with a new text in front, and the resident memory of every second.
async fn full_speed(flags: &Flags, gate: &Running) -> Result<(Report, Vec<(f64, f64)>)> {
    let stock: Vec<String> =
        [2, 5, 10, 20, 40, 60, 80, 100].iter().map(|kilo| traffic::prose(kilo * 1_024, &mut Dice::new(*kilo as u64))).collect();
    let mut plan = Plan::same(gate.address("gate")?, Bytes::new(), flags.connections, Duration::from_secs_f64(flags.minutes * 60.0));
    plan.bodies = Arc::new(move |number| {
        let mut dice = Dice::new(number + 1);
        let text = usize::try_from(dice.below(stock.len() as u64)).ok().and_then(|at| stock.get(at)).map_or("", String::as_str);
        let body = format!(r#"{{"model":"fixed","messages":[{{"role":"user","content":"{number} {} {text}"}}]}}"#, traffic::EMAIL);
        Bytes::from(body)
    });
    let load = tokio::task::JoinSet::from_iter([run(plan)]);
    let reports = load.join_all();
    tokio::pin!(reports);
    let begun = std::time::Instant::now();
    let mut samples = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            done = &mut reports => return Ok((done.into_iter().next().unwrap_or_default(), samples)),
            _ = tick.tick() => {
                let (bytes, _) = resident(gate.pid())?;
                samples.push((begun.elapsed().as_secs_f64(), count(bytes) / MB));
                if samples.len() % 30 == 1 {
                    println!("{:>6.0} s {:>8.1} MB", begun.elapsed().as_secs_f64(), count(bytes) / MB);
                }
            }
        }
    }
}

/// Several bodies just under 64 MiB at the same time. Megabytes above the level before, and answers other than 200.
async fn big_bodies(flags: &Flags, gate: &Running) -> Result<(f64, u64)> {
    if flags.big == 0 {
        return Ok((0.0, 0));
    }
    let (before, _) = resident(gate.pid())?;
    let mut plan = Plan::same(gate.address("gate")?, traffic::huge(64 * 1_024 * 1_024 - 4_096), flags.big, Duration::from_mins(2));
    plan.count = Some(flags.big as u64);
    let report = run(plan).await;
    let (_, highest) = resident(gate.pid())?;
    Ok((count(highest.saturating_sub(before)) / MB, report.errors))
}
