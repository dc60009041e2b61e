//! The table of faults: every row is carried out on a real gate, and the docs say what the table says.

use std::sync::Arc;
use std::time::Duration;

use bartizan_gateway::{Fault, Limits, Timeouts};
use bartizan_testkit::{Answer, canned, refused_url};
use bartizan_vocabulary::Direction;
use serde_json::json;

use crate::answers::{chat_event, events};
use crate::harness::{Call, House, Ill, Plan, Reply, Wire};

/// One row of `faults.toml`.
struct Row {
    fault: String,
    when: String,
    status: u16,
    ending: String,
    error: Option<String>,
    last: String,
    sent: bool,
}

fn rows() -> Vec<Row> {
    let table: toml::Table = include_str!("faults.toml").parse().unwrap();
    let row = |row: &toml::Value| {
        let word = |name: &str| row.get(name).and_then(toml::Value::as_str).map(str::to_owned);
        Row {
            fault: word("fault").unwrap(),
            when: word("when").unwrap(),
            status: u16::try_from(row["status"].as_integer().unwrap()).unwrap(),
            ending: word("ending").unwrap(),
            error: word("error"),
            last: word("last").unwrap(),
            sent: row["sent"].as_bool().unwrap(),
        }
    };
    table["row"].as_array().unwrap().iter().map(row).collect()
}

/// Errors when the text that is judged is not short, or something was found.
const ERRING: &str = r#"
@id("allow") permit (principal, action, resource);
@id("errs") forbid (principal, action == Action::"ACTION", resource)
when { context.labels.contains("pii") && context.body_bytes + 9223372036854775807 > 0 };"#;

const LONG: Duration = Duration::from_secs(3);

/// The gate that a fault needs.
fn plan(row: &Row) -> Plan {
    let direction = if row.when == "request" { Direction::Request } else { Direction::Response };
    let fault = |fault| -> Option<bartizan_gateway::Faults> { Some(Arc::new(move |asked| (asked == direction).then_some(fault))) };
    // Short where a pause is what is tested; elsewhere a busy machine must not look like a fault.
    let silent = matches!(row.fault.as_str(), "the provider does not answer" | "the provider falls silent");
    let short = Duration::from_millis(300);
    let timeouts = if silent { Timeouts { first_byte: short, idle: short, ..Timeouts::default() } } else { Timeouts::default() };
    let limits = Limits { event_bytes: 10_000, held_bytes: 50_000, body_bytes: 50_000, ..Limits::default() };
    let action = if row.when == "request" { "prompt" } else { "complete" };
    let usual = Plan { limits, timeouts, ..Plan::default() };
    match row.fault.as_str() {
        "a detector reports an error" => Plan { faults: fault(Fault::Error), ..usual },
        "a detector runs out of time" => Plan { faults: fault(Fault::Timeout), ..usual },
        "a detector panics" => Plan { faults: fault(Fault::Panic), ..usual },
        "a detector fails, and the scope chose to fail open" => Plan { faults: fault(Fault::Error), fail_open: true, ..usual },
        "the guard panics once policy is asked, and the scope chose to fail open" => {
            Plan { faults: fault(Fault::Judging), fail_open: true, ..usual }
        }
        "evaluating a policy errors" => Plan { policies: Some(ERRING.replace("ACTION", action)), ..usual },
        "the provider refuses the connection" => Plan { base_url: Some(refused_url().unwrap()), ..usual },
        "the client leaves" | "the client reads slowly" => Plan { limits: Limits::default(), ..usual },
        _ => usual,
    }
}

fn ill(house: &House, row: &Row) {
    let before = match row.when.as_str() {
        "request" => 0,
        "answer" => 1,
        _ => 1 + usize::from(row.fault.contains("when the decision changes") || row.fault.contains("at the end")),
    };
    if row.fault.starts_with("the journal") {
        let late = if row.fault.contains("fails late") { Ill::LateFailure } else { Ill::Late };
        house.journal.falls(if row.fault.contains("full") { Ill::Full } else { late }, before);
    }
}

/// What the provider does.
fn answer(row: &Row) -> Answer {
    let stream = row.when == "stream";
    let found = row.fault.contains("policy") || row.fault.contains("decision changes");
    let said: &[&str] = if found { &["I am eve", "@example.net", " and on"] } else { &["fine ", "and ", "good"] };
    let events = canned::chat_events("m", said);
    let whole = Answer::json(canned::chat("m", &said.concat()));
    let usual = if stream { Answer::stream(events.clone()) } else { whole.clone() };
    let error = json!({"error": {"message": "overloaded", "type": "server_error", "code": "server_error"}}).to_string();
    match row.fault.as_str() {
        "the provider falls silent" => usual.paced(Duration::ZERO).after_last(LONG).endless(),
        "the provider answers garbage" if stream => Answer::stream([b"data: \xff\xfe{{{\n\n".to_vec()]),
        "the provider answers garbage" => Answer::garbage(),
        "the provider answers a web page" => Answer::whole(500, "text/html", "<html>no</html>"),
        "the provider redirects" => whole.with_status(307).with_header("location", "http://127.0.0.1:1/"),
        "the provider uses an unknown encoding" => whole.with_header("content-encoding", "br"),
        "the provider compresses although asked not to" => usual.gzipped(),
        "the provider's compressed bytes are damaged" => whole.with_header("content-encoding", "gzip"),
        "the provider dies midway" => usual.paced(Duration::ZERO).dies(),
        "the provider ends within an event" => Answer::stream([events[0].clone() + "data: {\"choices\":[]}"]),
        "the provider reports an error with status 200" if stream => Answer::stream([format!("data: {error}\n\n")]),
        "the provider reports an error with status 200" => Answer::json(error),
        "the provider sends an event without end" => Answer::stream(["data: ".to_owned() + &"x".repeat(20_000)]).endless(),
        "the provider's answer is too large" => Answer::json(" ".repeat(60_000)),
        "the client leaves" if stream => Answer::stream([events[1].clone()]).paced(Duration::from_millis(10)).endless(),
        "the client reads slowly" => Answer::stream(vec![chat_event(0, &json!({"content": "word ".repeat(200)})); 1_000]),
        "the provider does not answer" | "the client leaves" => usual.slow(LONG),
        _ => usual,
    }
}

/// Carries a row out; what the client got.
fn act(house: &House, row: &Row) -> Option<Reply> {
    let stream = row.when == "stream";
    let said = if row.fault.contains("policy") && row.when == "request" { "I am ada@example.org" } else { "hi" };
    let call = Call::chat(json!({"model": "gpt-4o-mini", "stream": stream, "messages": [{"role": "user", "content": said}]}).to_string());
    let mut wire = Wire::open(house.address);
    wire.send(&call);
    match (row.fault.as_str(), stream) {
        ("the client leaves", true) => {
            wire.read_until("fine");
            None
        }
        ("the client leaves", false) => {
            while house.upstream.served() == 0 {
                std::thread::sleep(Duration::from_millis(2));
            }
            None
        }
        ("the client reads slowly", _) => {
            wire.read_until("word");
            std::thread::sleep(Duration::from_millis(300));
            Some(wire.reply())
        }
        _ => Some(wire.reply()),
    }
}

fn code(reply: &Reply) -> Option<String> {
    let value = if reply.header("content-type") == Some("text/event-stream") { events(&reply.text()).pop()? } else { reply.json() };
    value["error"]["code"].as_str().map(str::to_owned)
}

fn last(house: &House) -> String {
    let entry = house.journal.all().pop();
    entry.map_or("-".to_owned(), |one| format!("{} {} {}", one.kind, one.decision, one.end.unwrap_or("-".to_owned())))
}

fn check(row: &Row) {
    let what = format!("{} / {}", row.fault, row.when);
    let house = House::build(plan(row));
    ill(&house, row);
    house.upstream.always(answer(row));
    let reply = act(&house, row);
    if row.last.starts_with("end") {
        house.journal.wait_for("end");
    }
    assert_eq!(last(&house), row.last, "{what}: {} {:?}", house.journal.kinds(), reply.as_ref().map(Reply::text));
    assert_eq!(house.upstream.served() > 0, row.sent, "{what}");
    let Some(reply) = reply else {
        if row.when == "stream" {
            assert!(house.upstream.wait_for_gone(1, LONG), "{what}: the provider was not told");
        }
        return;
    };
    let text = reply.text();
    assert_eq!((reply.status, reply.whole), (row.status, row.ending == "whole"), "{what}: {text}");
    assert!(!text.contains("eve@") && !text.contains("example.net"), "{what}: {text}");
    if row.ending == "whole" {
        assert_eq!(code(&reply), row.error, "{what}: {text}");
    }
    if row.error.as_deref() == Some("guard_unavailable") {
        assert!(!text.contains("[DONE]"), "{what}");
        assert_eq!(row.status == 503, reply.header("x-should-retry") == Some("false"), "{what}");
        assert_eq!(row.status == 503, reply.decision() == "failed", "{what}");
    }
    assert_eq!(house.gate.inflight_bytes(), 0, "{what}");
}

#[test]
fn every_fault_ends_as_the_table_says() {
    // A panic that is asked for need not be shown.
    std::panic::set_hook(Box::new(|info| {
        if !info.to_string().contains("a fault was asked for") {
            eprintln!("{info}");
        }
    }));
    let rows = rows();
    assert!(rows.len() > 40);
    let failed: Vec<String> = rows
        .iter()
        .filter(|row| std::panic::catch_unwind(|| check(row)).is_err())
        .map(|row| format!("{} / {}", row.fault, row.when))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// The table as the docs show it.
fn markdown() -> String {
    let line = |row: Row| {
        let status = if row.status == 0 { "–".to_owned() } else { row.status.to_string() };
        let error = row.error.map_or("–".to_owned(), |error| format!("`{error}`"));
        let sent = if row.sent { "yes" } else { "no" };
        format!("| {} | {} | {status} | {} | {error} | {} | {sent} |", row.fault, row.when, row.ending, row.last)
    };
    let head = ["| what fails | where | status | the answer ends | error | last entry | provider asked |", "|---|---|---|---|---|---|---|"];
    let lines: Vec<String> = head.into_iter().map(str::to_owned).chain(rows().into_iter().map(line)).collect();
    lines.join("\n") + "\n"
}

#[test]
fn the_docs_show_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/failure-modes.md");
    let docs = std::fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- faults: made by UPDATE_DOCS=1 cargo test -p bartizan-gateway the_docs -->\n", "<!-- end -->");
    let (before, rest) = docs.split_once(begin).expect("the mark before the table");
    let (table, after) = rest.split_once(end).expect("the mark behind the table");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{begin}{}{end}{after}", markdown())).unwrap();
    } else {
        assert_eq!(table, markdown(), "run it with UPDATE_DOCS=1");
    }
}
