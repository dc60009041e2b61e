//! The driver of `make leaks`: route × field × whole or streamed × caller's or model's value × encoding, through the real binary,
//! judged by the raw bytes at both sockets. The field lists are `testkit/leaks/`.

mod answers;
mod bench;
mod body;
mod cells;
mod client;
mod decode;
mod documents;
mod encode;
mod fields;
mod form;
mod requests;
mod splits;
mod streams;
mod tally;
mod unknown;
mod values;
mod verdicts;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use clap::Parser;

use crate::bench::{Bench, Plan};
use crate::fields::Lists;
use crate::tally::Tally;

/// Runs the leak matrix against a gate. Exits with 1 at a leak or a miss.
#[derive(Parser)]
struct Flags {
    /// The binary `bartizan`.
    gate: PathBuf,
    /// Folder of the field lists.
    #[arg(long, default_value = "testkit/leaks")]
    lists: PathBuf,
    /// Only one cell of so many.
    #[arg(long, default_value_t = 1)]
    one_of: u64,
    /// Seed of everything that is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Gates that run side by side.
    #[arg(long, default_value_t = 2)]
    workers: u64,
    /// Only routes whose name holds this.
    #[arg(long)]
    route: Option<String>,
    /// Write the page here.
    #[arg(long)]
    page: Option<PathBuf>,
    /// So many failures are printed.
    #[arg(long, default_value_t = 40)]
    show: usize,
}

fn main() -> Result<()> {
    let flags = Flags::parse();
    let begun = Instant::now();
    let lists = Lists::read(&flags.lists)?;
    let tally = run(&flags, &lists)?;
    println!("{}", tally.table());
    for failure in tally.failures.iter().take(flags.show) {
        println!("{failure}");
    }
    let (cells, leaks, misses) = tally.sums();
    let left_out: usize = tally.not_applicable.values().sum();
    if let Some(page) = &flags.page {
        std::fs::write(page, tally.page(&lists)).with_context(|| format!("writing `{}`", page.display()))?;
    }
    let routes = lists.routes.iter().filter(|route| route.enabled).count();
    let seconds = begun.elapsed().as_secs();
    println!("RESULT leaks={leaks} cells={cells} misses={misses} not_applicable={left_out} routes={routes} seconds={seconds}");
    if leaks + misses > 0 || cells == 0 {
        std::process::exit(1);
    }
    Ok(())
}

/// Every worker has a gate and a provider of its own and takes its share of the cells.
fn run(flags: &Flags, lists: &Lists) -> Result<Tally> {
    let mut sum = Tally::default();
    std::thread::scope(|scope| {
        let worker = |number| {
            let plan = Plan { number, workers: flags.workers.max(1), one_of: flags.one_of.max(1), seed: flags.seed };
            scope.spawn(move || part(flags, lists, plan))
        };
        let workers: Vec<_> = (0..flags.workers.max(1)).map(worker).collect();
        for worker in workers {
            sum.add(worker.join().map_err(|_| anyhow!("a worker panicked"))??);
        }
        Ok(sum)
    })
}

fn part(flags: &Flags, lists: &Lists, plan: Plan) -> Result<Tally> {
    let mut bench = Bench::start(&flags.gate, plan)?;
    for route in lists.routes.iter().filter(|route| route.enabled) {
        if flags.route.as_ref().is_some_and(|name| !route.name.contains(name.as_str())) {
            continue;
        }
        if route.verdict {
            verdicts::run(&mut bench, route)?;
            unknown::run(&mut bench, route)?;
            continue;
        }
        requests::run(&mut bench, route)?;
        answers::run(&mut bench, route)?;
        streams::run(&mut bench, route)?;
        unknown::run(&mut bench, route)?;
        splits::run(&mut bench, route)?;
    }
    Ok(bench.tally)
}
