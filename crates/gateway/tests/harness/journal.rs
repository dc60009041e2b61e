//! A journal that remembers, and falls ill on command.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use bartizan_ledger::{Appended, Entry, Interaction, Journal, JournalError, Record};
use serde_json::Value;

/// How an append fails, or dawdles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ill {
    /// Refused at once.
    Full,
    /// Taken, and answered later with success.
    Late,
    /// Taken, and answered later with failure.
    LateFailure,
    /// The same, once; then it is well again.
    LateFailureOnce,
}

/// What was recorded.
#[derive(Clone, Debug)]
pub struct Noted {
    pub kind: &'static str,
    pub decision: String,
    pub status: Option<u16>,
    pub end: Option<String>,
    pub event: Option<Value>,
    pub entry: Entry,
    /// Everything that was handed over, for searching.
    pub bytes: String,
}

/// Remembers every record it took.
#[derive(Default)]
pub struct Memory {
    noted: Mutex<Vec<Noted>>,
    /// Kinds that came in one append.
    appends: Mutex<Vec<String>>,
    /// From which append on, of those since it fell ill.
    ill: Mutex<Option<(Ill, usize)>>,
}

fn interaction(entry: &Entry) -> Option<&Interaction> {
    match entry {
        Entry::Request(it) | Entry::Response(it) | Entry::Change(it) | Entry::End(it) => Some(it),
        _ => None,
    }
}

fn noted(record: &Record) -> Noted {
    let it = interaction(&record.entry);
    let json = record.detail.as_ref().and_then(|detail| detail.event.as_ref()).map(|event| bartizan_ledger::packed::unpacked(&event.json));
    let leaf = record.entry.to_bytes().unwrap();
    let mut bytes = String::from_utf8(leaf).unwrap();
    bytes.push_str(&json.as_deref().map(String::from_utf8_lossy).unwrap_or_default());
    Noted {
        kind: record.entry.kind(),
        decision: it.map(|it| it.decision.as_str().to_owned()).unwrap_or_default(),
        status: it.and_then(|it| it.status),
        end: it.and_then(|it| it.end).map(|end| serde_json::to_value(end).unwrap().as_str().unwrap().to_owned()),
        event: json.map(|json| serde_json::from_slice(&json).unwrap()),
        entry: record.entry.clone(),
        bytes,
    }
}

impl Memory {
    /// Falls ill from the append after the next `well` ones.
    pub fn falls(&self, ill: Ill, well: usize) {
        *self.ill.lock().unwrap() = Some((ill, well));
    }

    pub fn all(&self) -> Vec<Noted> {
        self.noted.lock().unwrap().clone()
    }

    pub fn clear(&self) {
        self.noted.lock().unwrap().clear();
        self.appends.lock().unwrap().clear();
    }

    /// Kinds in order, joined by spaces.
    pub fn kinds(&self) -> String {
        self.all().iter().map(|one| one.kind).collect::<Vec<_>>().join(" ")
    }

    /// Kinds of each append, in order.
    pub fn appends(&self) -> Vec<String> {
        self.appends.lock().unwrap().clone()
    }

    /// Waits for an entry that the gate makes after the client has its answer.
    pub fn wait_for(&self, kind: &str) -> Noted {
        let began = Instant::now();
        loop {
            if let Some(found) = self.all().into_iter().rfind(|one| one.kind == kind) {
                return found;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "no entry `{kind}`: {}", self.kinds());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Journal for Memory {
    fn append_all(&self, records: &[Record]) -> Appended {
        let mut ill = self.ill.lock().unwrap();
        let now = match &mut *ill {
            Some((_, well)) if *well > 0 => {
                *well -= 1;
                None
            }
            Some((ill, _)) => Some(*ill),
            None => None,
        };
        if now == Some(Ill::Full) {
            return Appended::Done(Err(JournalError::DiskFull));
        }
        if now == Some(Ill::LateFailureOnce) {
            *ill = None;
        }
        if !matches!(now, Some(Ill::LateFailure | Ill::LateFailureOnce)) {
            let kinds: Vec<&str> = records.iter().map(|record| record.entry.kind()).collect();
            self.appends.lock().unwrap().push(kinds.join("+"));
            self.noted.lock().unwrap().extend(records.iter().map(noted));
        }
        match now {
            Some(Ill::Late) => Appended::Later(Box::pin(later(Ok(())))),
            Some(_) => Appended::Later(Box::pin(later(Err(JournalError::DiskFull)))),
            None => Appended::Done(Ok(())),
        }
    }

    fn waits(&self) -> bool {
        matches!(*self.ill.lock().unwrap(), Some((Ill::Late | Ill::LateFailure | Ill::LateFailureOnce, _)))
    }

    fn health(&self) -> Result<(), JournalError> {
        Ok(())
    }
}

async fn later(result: Result<(), JournalError>) -> Result<(), JournalError> {
    tokio::time::sleep(Duration::from_millis(5)).await;
    result
}
