//! `bartizan events`: what was decided, and why.

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use serde_json::Value;

use super::client::{Client, Target};
use super::keys::segment;
use super::show::{colours, plain, print_on, text};

/// Events that are asked for at a time.
const PAGE: u32 = 1_000;

/// Most events that `--limit` may ask for.
const MOST: u32 = 10_000;

/// An answer with fewer events than were asked for, and with more bytes than this, may have ended early.
const FULL: usize = 8 << 20;

/// Arguments of `bartizan events`.
#[derive(Args)]
#[command(after_help = "Examples:
  bartizan events --since 1h
  bartizan events --decision blocked --label attack --limit 20
  bartizan events --request-id 0192f0c1-7a3b-7cc2-9d5e-3f8a1b2c4d5e --format jsonl

A label finds those below it: `pii` finds `pii.email`.")]
pub struct EventsArgs {
    /// Not older: `30s`, `15m`, `1h`, `7d`, or a time such as 2026-11-22T09:30:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// permit, remedied, blocked or failed.
    #[arg(long, value_name = "D")]
    decision: Option<String>,
    /// With a finding of this label.
    #[arg(long, value_name = "L")]
    label: Option<String>,
    /// Of this request, as the header `bartizan-request-id` named it.
    #[arg(long, value_name = "R")]
    request_id: Option<String>,
    /// The newest so many; without it, all. Oldest first in any case.
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// How to print them.
    #[arg(long, value_enum, default_value_t)]
    format: Lines,
    #[command(flatten)]
    target: Target,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Lines {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Jsonl,
    /// The same.
    #[value(hide = true)]
    Json,
}

impl EventsArgs {
    /// Does it.
    ///
    /// # Errors
    /// What could not be done.
    pub fn run(&self) -> Result<()> {
        let client = Client::new(&self.target)?;
        if let Some(limit) = self.limit {
            ensure!((1..=MOST).contains(&limit), "--limit must be from 1 to {MOST}; leave it out for all");
            let page = client.get(&format!("/api/v1/events?limit={limit}{}", self.filter()))?;
            if count(&page) < limit as usize && page.len() > FULL {
                eprintln!("note: one answer holds no more; older events are left out (narrow with --since, or leave out --limit)");
            }
            return self.show(&page).map(drop);
        }
        let mut after = "start".to_owned();
        loop {
            let page = client.get(&format!("/api/v1/events?limit={PAGE}&after={after}{}", self.filter()))?;
            if !self.show(&page)? {
                return Ok(());
            }
            // An answer ends early when its events are large.
            let Some(last) = lines(&page).last().filter(|_| count(&page) >= PAGE as usize || page.len() > FULL) else { return Ok(()) };
            let event: Value = serde_json::from_slice(last).context("an event cannot be read")?;
            let index = event.pointer("/ledger/index").and_then(Value::as_u64).context("an event has no place in the ledger")?;
            after = index.to_string();
        }
    }

    fn filter(&self) -> String {
        let parts = [("since", &self.since), ("decision", &self.decision), ("label", &self.label), ("request_id", &self.request_id)];
        let given = parts.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        given.map(|(name, value)| format!("&{name}={}", value.bytes().map(segment).collect::<String>())).collect()
    }

    /// `false` when nobody reads any more.
    fn show(&self, lines: &[u8]) -> Result<bool> {
        if self.format != Lines::Text {
            return print_on(lines);
        }
        let colours = colours();
        let events = serde_json::Deserializer::from_slice(lines).into_iter::<Value>();
        let mut out = String::new();
        for event in events {
            out.push_str(&line(&event.context("an event cannot be read")?, colours));
        }
        print_on(out.as_bytes())
    }
}

fn lines(page: &[u8]) -> impl Iterator<Item = &[u8]> {
    page.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

fn count(page: &[u8]) -> usize {
    lines(page).count()
}

/// Time, decision, direction, who, model, what was found and done, which request.
fn line(event: &Value, colours: bool) -> String {
    let decision = text(event, "decision");
    let (on, off) = match (colours, decision.as_str()) {
        (false, _) => ("", ""),
        (true, "permit") => ("\u{1b}[32m", "\u{1b}[0m"),
        (true, "remedied") => ("\u{1b}[33m", "\u{1b}[0m"),
        (true, _) => ("\u{1b}[31m", "\u{1b}[0m"),
    };
    let who = if event.get("erased").is_some() { "(erased)".to_owned() } else { text(event, "principal") };
    let (time, direction, model, request) =
        (text(event, "time"), text(event, "direction"), text(event, "model"), text(event, "request_id"));
    format!("{time}  {on}{decision:8}{off}  {direction:8}  {who:16}  {model:16}  {}  {request}\n", what(event))
}

fn what(event: &Value) -> String {
    let remedies = event.get("remedies").and_then(Value::as_array).into_iter().flatten();
    let done = remedies.map(|remedy| {
        let count = remedy.get("count").and_then(Value::as_u64).unwrap_or(0);
        format!("{} {}×{count}", text(remedy, "remedy"), text(remedy, "label"))
    });
    let done: Vec<String> = done.collect();
    if !done.is_empty() {
        return done.join(", ");
    }
    let findings = event.get("findings").and_then(Value::as_array).into_iter().flatten();
    let mut labels: Vec<String> = findings.filter_map(|finding| finding.get("label")?.as_str()).map(plain).collect();
    labels.sort();
    labels.dedup();
    if labels.is_empty() { "-".to_owned() } else { format!("found {}", labels.join(", ")) }
}
