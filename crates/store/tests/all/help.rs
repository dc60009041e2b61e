//! Records with planted values, and a search through every file of a folder.

use std::path::Path;
use std::sync::Arc;

use bartizan_ledger::{Appended, Detail, Entry, EventDetail, Interaction, Opening, Record, commit};
use bartizan_store::{DataDir, Options};
use bartizan_vocabulary::{Decision, Direction, EventId, Hidden, Label, PrincipalId, RequestId, Timestamp};

/// Personal values that records carry.
pub const PLANTED: [&str; 3] = ["planted.person@example.org", "4111111111111111", "the planted body"];

pub fn time(number: u64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000 + i64::try_from(number).unwrap())
}

pub fn options() -> Options {
    Options { retention_days: None, ..Options::new(Arc::new(|| time(5_000_000))) }
}

pub fn record(number: u64, principal: &str) -> Record {
    let salt = [u8::try_from(number % 251).unwrap(); 32];
    let decision = if number.is_multiple_of(3) { Decision::Blocked } else { Decision::Remedied };
    let request_id = RequestId::from(format!("req-{number}"));
    let interaction = Interaction {
        time: time(number),
        request_id: request_id.clone(),
        decision,
        direction: Direction::Request,
        route: Some("POST /v1/chat/completions".to_owned()),
        provider: Some("main".into()),
        model: Some("gpt-4o-mini".into()),
        policy_version: "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        policies: vec!["pii".into()],
        labels: vec![("pii.email".into(), 2), ("pci.card".into(), 1)],
        remedies: vec![],
        guards: vec![],
        status: Some(200),
        end: None,
        principal: Some(commit("principal", &salt, principal.as_bytes())),
        body: Some(commit("body", &salt, PLANTED[2].as_bytes())),
    };
    let json = format!("{{\"n\":{number},\"principal\":\"{principal}\",\"facts\":[\"{}\",\"{}\"]}}", PLANTED[0], PLANTED[1]);
    let event = EventDetail {
        id: EventId::from(format!("ev-{number}")),
        time: time(number),
        request_id,
        direction: Direction::Request,
        decision,
        labels: vec![Label::from("pii.email"), Label::from("pci.card")],
        json: json.into_bytes(),
    };
    let opening = Opening { domain: "body", salt, value: Hidden::new(PLANTED[2].as_bytes().to_vec()) };
    let detail = Detail { subject: PrincipalId::new(principal), since: time(number), openings: vec![opening], event: Some(event) };
    Record { entry: Entry::Request(interaction), detail: Some(detail) }
}

pub fn append(dir: &DataDir, record: &Record) {
    match dir.journal().append(record) {
        Appended::Done(result) => result.unwrap(),
        Appended::Later(_) => panic!("not power-loss safe here"),
    }
}

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Files that hold `needle`.
pub fn search(folder: &Path, needle: &[u8]) -> Vec<String> {
    let holds = |path: &std::path::PathBuf| std::fs::read(path).unwrap().windows(needle.len()).any(|window| window == needle);
    files(folder).into_iter().filter(holds).map(|path| path.display().to_string()).collect()
}

/// Wrapped keys in the database.
pub fn wrapped_keys(data: &Path) -> Vec<Vec<u8>> {
    let db = rusqlite::Connection::open(data.join("bartizan.db")).unwrap();
    let mut query = db.prepare("SELECT wrapped FROM data_keys").unwrap();
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// A frame as a journal holds it: an entry without detail.
pub fn frame(entry: &Entry) -> Vec<u8> {
    let leaf = entry.to_bytes().unwrap();
    let mut frame = Vec::new();
    let start = bartizan_ledger::start_frame(&mut frame, 1);
    frame.extend(u16::try_from(leaf.len()).unwrap().to_le_bytes());
    frame.extend(leaf);
    frame.push(0);
    bartizan_ledger::finish_frame(&mut frame, start).unwrap();
    frame
}
