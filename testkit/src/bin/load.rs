//! The load generator as a command. Prints one JSON line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bartizan_testkit::load::{Plan, run};
use bartizan_testkit::traffic;
use clap::Parser;

/// Closed loop: each connection sends its next request when the last answer is complete.
#[derive(Parser)]
struct Flags {
    /// Address and port of the server.
    #[arg(long)]
    target: SocketAddr,
    /// Request path.
    #[arg(long, default_value = "/v1/chat/completions")]
    path: String,
    /// Connections.
    #[arg(short, long, default_value_t = 8)]
    connections: usize,
    /// Seconds.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Stop after so many requests.
    #[arg(long)]
    count: Option<u64>,
    /// File with the request body; without it a 300-byte chat request is sent.
    #[arg(long)]
    body: Option<PathBuf>,
    /// Extra header, `name: value`; may be repeated.
    #[arg(long)]
    header: Vec<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let body = match &flags.body {
        Some(file) => std::fs::read(file)?.into(),
        None => traffic::small(),
    };
    let mut plan = Plan::same(flags.target, body, flags.connections, Duration::from_secs_f64(flags.seconds));
    plan.path = flags.path;
    plan.count = flags.count;
    let pairs = flags.header.iter().filter_map(|header| header.split_once(':'));
    plan.headers = pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect();
    println!("{}", serde_json::to_string(&run(plan).await)?);
    Ok(())
}
