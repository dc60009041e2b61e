//! A provider for measurements and for tests of other languages. Prints one ready line, then serves until it is ended.

use std::net::SocketAddr;
use std::time::Duration;

use bartizan_testkit::{Manner, ScriptedUpstream};
use clap::Parser;
use serde_json::json;

/// Scripted provider. `GET /__requests` lists what was recorded, `DELETE /__requests` drops it, `POST /__script` queues an answer:
/// `{"status":200,"content_type":"…","pieces":["…"],"dies":false,"delay_ms":0}`.
#[derive(Parser)]
struct Flags {
    /// Loopback port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How to answer: `echo`, `fixed` or `stream:N`.
    #[arg(long, default_value = "echo")]
    mode: Manner,
    /// Wait this many microseconds before each answer.
    #[arg(long, default_value_t = 0)]
    latency_us: u64,
    /// Keep requests also when the mode is not `echo`.
    #[arg(long)]
    record: bool,
}

fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let upstream = ScriptedUpstream::start_on(flags.port)?;
    let answer = flags.mode.responder();
    let latency = Duration::from_micros(flags.latency_us);
    upstream.respond_with(move |request| answer(request).slow(latency));
    upstream.record(flags.record || flags.mode == Manner::Echo);
    let address: SocketAddr = upstream.address();
    println!("{}", json!({"ready": true, "url": upstream.url(), "address": address.to_string(), "pid": std::process::id()}));
    upstream.wait();
    Ok(())
}
