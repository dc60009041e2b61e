//! Prints what one append costs the calling thread, and what the background work adds per record.
//! `cargo run --release -p bartizan-store --example append_cost`

use std::sync::Arc;
use std::time::Instant;

use bartizan_ledger::{Appended, Detail, Entry, EventDetail, Interaction, Opening, Record, commit};
use bartizan_store::{DataDir, Options};
use bartizan_vocabulary::{Decision, Direction, EventId, Hidden, PrincipalId, RequestId, Timestamp};

const RECORDS: u32 = 20_000;
const ROUNDS: u32 = 6;

fn record(number: u64) -> Record {
    let time = Timestamp::from_micros(1_790_000_000_000_000 + number.cast_signed());
    let request_id = RequestId::from(format!("0199e7a4-{:04x}-7000-8000-{number:012x}", number >> 48));
    let salt = [7; 32];
    let interaction = Interaction {
        time,
        request_id: request_id.clone(),
        decision: Decision::Remedied,
        direction: Direction::Request,
        route: Some("POST /v1/chat/completions".to_owned()),
        provider: Some("main".into()),
        model: Some("gpt-4o-mini".into()),
        policy_version: "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        policies: vec!["pii-out".into()],
        labels: vec![("pii.email".into(), 2)],
        remedies: vec![("pii.email".into(), bartizan_vocabulary::Remedy::Tokenise)],
        guards: vec![],
        status: Some(200),
        end: None,
        principal: Some(commit("principal", &salt, b"user:ada")),
        body: Some(commit("body", &salt, b"body")),
    };
    let event = EventDetail {
        id: EventId::from(format!("0199e7a4-{:04x}-7000-9000-{number:012x}", number >> 48)),
        time,
        request_id,
        direction: Direction::Request,
        decision: Decision::Remedied,
        labels: vec!["pii.email".into()],
        json: format!("{{\"n\":{number},\"pad\":\"{}\"}}", "x".repeat(1_150)).into_bytes(),
    };
    let opening = Opening { domain: "principal", salt, value: Hidden::new(b"user:ada".to_vec()) };
    let detail =
        Detail { subject: PrincipalId::new(format!("user:{}", number % 100)), since: time, openings: vec![opening], event: Some(event) };
    Record { entry: Entry::Request(interaction), detail: Some(detail) }
}

/// CPU time of the calling thread and of the process, in microseconds.
fn cpu() -> (f64, f64) {
    let read = |path: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let nanos: f64 = text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0.0);
        nanos / 1_000.0
    };
    let mut all = 0.0;
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        all += read(&format!("{}/schedstat", task.path().display()));
    }
    (read("/proc/thread-self/schedstat"), all)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let dir = DataDir::open(&folder.path().join("data"), Options::new(Arc::new(|| Timestamp::from_micros(1_790_000_000_000_000))))?;
    let journal = dir.journal();
    let some = |round: u32| -> Vec<Record> { (0..RECORDS).map(|number| record(u64::from(round * RECORDS + number))).collect() };
    let records = some(ROUNDS);
    let leaf = records.first().and_then(|record| record.entry.to_bytes().ok()).map_or(0, |bytes| bytes.len());

    let start = cpu().0;
    let mut out = Vec::with_capacity(1_024);
    for record in &records {
        out.clear();
        record.entry.write(&mut out)?;
    }
    let each = f64::from(RECORDS);
    let canonical = (cpu().0 - start) / each;
    for round in 0..ROUNDS {
        let records = some(round);
        let (thread, all) = cpu();
        let clock = Instant::now();
        for record in &records {
            if let Appended::Done(result) = journal.append(record) {
                result?;
            }
        }
        let wall = clock.elapsed().as_secs_f64() * 1e6 / each;
        let append = (cpu().0 - thread) / each;
        dir.flush()?;
        let total = (cpu().1 - all) / each;
        println!("round {round}: append {append:.2} us CPU ({wall:.2} wall), with background {total:.2} us CPU a record");
    }
    println!("entry {leaf} B; canonical JSON alone {canonical:.2} us");
    Ok(())
}
