//! A fixed number of exchanges without sockets: `instructions KIND COUNT`, to be counted by an instruction counter.
//! KIND: `small` (300 bytes), `findings` (2 KB with three findings), `history` (60 KB seen before), `stream` (500 events).

use std::sync::Arc;
use std::time::Duration;

use bartizan_detect::Detector;
use bartizan_gateway::{
    Auth, Breaking, Clock, Gate, GateKeys, Limits, Live, Model, Provider, ProviderKind, Retries, Settings, Timeouts, Waits, Wiring, probe,
};
use bartizan_identity::{MemoryDirectory, MemoryObjects};
use bartizan_ledger::{Appended, Journal, JournalError, Record};
use bartizan_policy::{Judge, PolicySet, ProviderFacts, default_sources};
use bartizan_vocabulary::{Principal, PrincipalId, PrincipalKind, ProviderName, Timestamp};
use bytes::Bytes;

/// Makes the bytes of every record and keeps none.
struct Nowhere;

impl Journal for Nowhere {
    fn append_all(&self, records: &[Record]) -> Appended {
        let made = records.iter().try_for_each(|record| record.entry.to_bytes().map(|_| ()));
        Appended::Done(made.map_err(|_| JournalError::TooLong))
    }

    fn waits(&self) -> bool {
        false
    }

    fn health(&self) -> Result<(), JournalError> {
        Ok(())
    }
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_760_000_000_000_000)
    }

    fn steady(&self) -> Duration {
        Duration::ZERO
    }
}

fn gate() -> Result<Arc<Gate>, Box<dyn std::error::Error>> {
    let provider = Provider {
        name: ProviderName::from("main"),
        kind: ProviderKind::Both,
        base_url: "http://127.0.0.1:9/v1".parse()?,
        api_key: None,
        pass_client_key: false,
        api_version: None,
        facts: ProviderFacts::default(),
        waits: Waits::default(),
    };
    let settings = Settings {
        auth: Auth::Anonymous,
        hosts: Vec::new(),
        providers: vec![provider],
        models: vec![Model::at("*", 0, None)],
        limits: Limits::default(),
        timeouts: Timeouts::default(),
        quotas: Vec::new(),
        prices: Vec::new(),
        retries: Retries::default(),
        breaking: Breaking::default(),
        extra_roots: None,
        own_secrets: Vec::new(),
        seal_key: None,
        fail_open: false,
    };
    let judge = Judge::new(PolicySet::load(&default_sources())?, 1_024);
    let wiring = Wiring {
        journal: Arc::new(Nowhere),
        directory: Arc::new(MemoryDirectory::default()),
        objects: Arc::new(MemoryObjects::default()),
        originals: None,
        clock: Arc::new(Still),
        keys: GateKeys { token: [1; 32], key_hash: [2; 32] },
        announce: None,
        telemetry: None,
        faults: None,
    };
    Ok(Gate::new(Live::new(settings, Detector::builtin()?, judge)?, wiring)?)
}

const PROSE: &str = "The committee met in the morning and went through the plan for the quarter, line by line, without haste. ";

fn request(kind: &str) -> Bytes {
    let said = match kind {
        "findings" => format!("{}Write to ada@example.com, card 4111 1111 1111 1111, from 192.0.2.17. ", PROSE.repeat(18)),
        "history" => PROSE.repeat(600),
        _ => PROSE.repeat(2),
    };
    Bytes::from(format!(
        r#"{{"model":"sample","messages":[{{"role":"system","content":"Be brief."}},{{"role":"user","content":"{said}"}}]}}"#
    ))
}

fn answer() -> Bytes {
    let said = PROSE.repeat(2);
    Bytes::from(format!(
        r#"{{"id":"c1","object":"chat.completion","created":1,"model":"sample","choices":[{{"index":0,"message":{{"role":"assistant","content":"{said}"}},"finish_reason":"stop"}}]}}"#
    ))
}

fn events() -> Vec<Bytes> {
    let words = PROSE.split_inclusive(' ').cycle().take(500);
    let event = |word: &str| {
        format!(
            "data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"sample\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{word}\"}},\"finish_reason\":null}}]}}\n\n"
        )
    };
    words.map(|word| Bytes::from(event(word))).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let kind = arguments.next().unwrap_or_default();
    let count: usize = arguments.next().unwrap_or_default().parse()?;
    let gate = gate()?;
    let principal = Arc::new(Principal {
        id: PrincipalId::new("anonymous"),
        kind: PrincipalKind::Anonymous,
        key: None,
        groups: Vec::new(),
        models: None,
    });
    let (request, answer, events) = (request(&kind), answer(), events());
    for _ in 0..count {
        let done = match kind.as_str() {
            "stream" => probe::stream(&gate, &principal, &events).is_some(),
            _ => probe::exchange(&gate, &principal, &request, &answer).is_some(),
        };
        assert!(done, "the exchange went through");
    }
    Ok(())
}
