//! Record before effect: what is in the journal when the provider is asked, and when the client reads the first byte.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bartizan_testkit::{Answer, canned};
use serde_json::json;

use crate::answers::chat_event;
use crate::harness::{Call, House, Ill, Wire};

fn asked(stream: bool) -> Call {
    Call::chat(
        json!({"model": "gpt-4o-mini", "stream": stream, "messages": [{"role": "user", "content": "I am ada@example.org"}]}).to_string(),
    )
}

#[test]
fn the_request_is_recorded_before_the_provider_sees_it() {
    let house = House::new();
    let seen = Arc::new(Mutex::new(String::new()));
    let (journal, noted) = (Arc::clone(&house.journal), Arc::clone(&seen));
    house.upstream.respond_with(move |_| {
        *noted.lock().unwrap() = journal.kinds();
        Answer::json(canned::chat("m", "eve@example.net"))
    });
    assert_eq!(house.send(&asked(false)).decision(), "remedied");
    assert_eq!(*seen.lock().unwrap(), "request");
    assert_eq!(house.journal.kinds(), "request response end");
    let all = house.journal.all();
    let decisions: Vec<_> = all.iter().map(|one| one.decision.as_str()).collect();
    assert_eq!(decisions, ["remedied", "remedied", "remedied"]);
    assert_eq!(all[2].end.as_deref(), Some("complete"));
    let ids: std::collections::HashSet<_> = all.iter().filter_map(|one| one.event.as_ref()).map(|one| one["request_id"].clone()).collect();
    assert_eq!(ids.len(), 1);
}

#[test]
fn a_change_of_decision_is_recorded_before_the_edited_text_leaves() {
    let house = House::new();
    let pause = Duration::from_millis(700);
    let first = chat_event(0, &json!({"content": "so far so good. "}));
    let second = chat_event(0, &json!({"content": "now eve@example.net wrote. "}));
    house.upstream.push(Answer::stream([first, second, "data: [DONE]\n\n".to_owned()]).paced(pause));
    let mut wire = Wire::open(house.address);
    wire.send(&asked(true));
    wire.read_until("HTTP/1.1 200");
    assert_eq!(house.journal.kinds(), "request response");
    wire.read_until("so far");
    assert_eq!(house.journal.kinds(), "request response");
    wire.read_until("[REDACTED_EMAIL]");
    assert!(house.journal.kinds().starts_with("request response change"), "{}", house.journal.kinds());
    assert!(wire.reply().whole);
    assert_eq!(house.journal.kinds(), "request response change end");
    let end = house.journal.all().pop().unwrap();
    let event = end.event.unwrap();
    assert_eq!(
        (&event["decision"], &event["end"], &event["remedies"][0]["label"]),
        (&json!("remedied"), &json!("complete"), &json!("pii.email"))
    );
    assert!(event["bytes_out"].as_u64().unwrap() > 100);
}

/// What is decided last may still fail to be recorded: then the answer is not complete, and only what left is counted.
#[test]
fn the_end_is_recorded_when_the_last_bytes_have_left() {
    let house = House::new();
    for ending in ["", " and on"] {
        house.journal.clear();
        house.journal.falls(Ill::LateFailureOnce, 2);
        let said = format!("fine so far. mail eve@example.net{ending}");
        house.upstream.push(Answer::stream([chat_event(0, &json!({"content": "fine "})), chat_event(0, &json!({"content": said}))]));
        let reply = house.send(&asked(true));
        assert!(reply.whole && reply.text().contains("guard_unavailable") && !reply.text().contains("REDACTED"), "{}", reply.text());
        let end = house.journal.all().pop().unwrap();
        assert_eq!((house.journal.kinds().as_str(), end.decision.as_str()), ("request response end", "failed"), "{ending}");
        assert_eq!(end.end.as_deref(), Some("blocked"));
        assert_eq!(end.event.unwrap()["bytes_out"], reply.text().len(), "{}", reply.text());
    }
}

/// An answer that its connection takes in one piece is recorded in one write; every other one before it leaves, and when it has left.
#[test]
fn decision_and_end_are_one_write_where_nobody_can_leave_between_them() {
    let house = House::new();
    let long = "and on ".repeat(4_000);
    let rows: [(&str, &str, Option<Ill>, &[&str]); 4] = [
        ("short", "fine", None, &["request", "response+end"]),
        ("longer than a frame", &long, None, &["request", "response", "end"]),
        ("a journal that waits for its disk", "fine", Some(Ill::Late), &["request", "response", "end"]),
        ("a journal that fails", "fine", Some(Ill::Full), &["request"]),
    ];
    for (name, text, ill, appends) in rows {
        house.journal.clear();
        if let Some(ill) = ill {
            house.journal.falls(ill, usize::from(ill == Ill::Full));
        }
        house.upstream.push(Answer::json(canned::chat("m", text)));
        let reply = house.send(&asked(false));
        let failed = ill == Some(Ill::Full);
        assert_eq!((reply.status, reply.text().contains(text)), if failed { (503, false) } else { (200, true) }, "{name}");
        if !failed {
            let end = house.journal.wait_for("end");
            assert_eq!(end.end.as_deref(), Some("complete"), "{name}");
            assert_eq!(end.event.unwrap()["bytes_out"], reply.text().len(), "{name}");
        }
        assert_eq!(house.journal.appends(), appends, "{name}");
    }
}

#[test]
fn a_client_that_leaves_does_not_change_what_was_decided() {
    let house = House::new();
    house.upstream.push(Answer::json("{}").slow(Duration::from_secs(20)));
    let mut wire = Wire::open(house.address);
    wire.send(&asked(false));
    house.journal.wait_for("request");
    drop(wire);
    let end = house.journal.wait_for("end");
    assert_eq!((end.decision.as_str(), end.end.as_deref()), ("remedied", Some("client_gone")));
}

#[test]
fn nothing_plain_is_recorded() {
    let house = House::new();
    house.upstream.always(Answer::json(canned::chat("m", "eve@example.net and 4111 1111 1111 1111")));
    house.send(&asked(false));
    for one in house.journal.all() {
        for value in ["ada@", "example.org", "eve@", "example.net", "4111"] {
            assert!(!one.bytes.contains(value), "{value} in {}", one.bytes);
        }
    }
}

#[test]
fn a_flood_of_findings_is_counted_and_not_kept() {
    let house = House::new();
    house.upstream.push(Answer::json("{}"));
    let text = (0..3_000).map(|number| format!("user{number}@example.org")).collect::<Vec<_>>().join(" ");
    let body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}).to_string();
    assert_eq!(house.chat(&body).status, 200);
    let event = house.journal.all().remove(0).event.unwrap();
    assert_eq!(event["facts"]["context"]["labels"]["pii.email"]["count"], 3_000);
    assert_eq!(event["findings"].as_array().unwrap().len(), 1_000);
}

/// Work that grows with the square of what a model says would let one answer stop the gate.
#[test]
fn many_pseudonyms_in_one_string_cost_what_their_bytes_cost() {
    let house = House::new();
    house.upstream.push(Answer::json("{}"));
    house.send(&asked(false));
    let seen = house.seen();
    let token = seen[seen.find("EMAIL_").unwrap()..][..16].to_owned();
    let timed = |count: usize| {
        let arguments = json!({"to": format!("{token} ").repeat(count)}).to_string();
        house.upstream.push(Answer::json(canned::chat_tool_call("m", "f", &arguments)));
        house.upstream.push(Answer::stream([canned::chat_tool_events("m", "f", &[&arguments]).concat()]));
        let began = std::time::Instant::now();
        assert_eq!(house.send(&asked(false)).status, 200);
        assert_eq!(house.send(&asked(true)).status, 200);
        began.elapsed().max(Duration::from_millis(5))
    };
    timed(100);
    let (some, many) = (timed(2_000), timed(32_000));
    assert!(many < some * 16 * 5, "{some:?} for 2,000, {many:?} for 32,000");
}

#[test]
fn many_findings_in_one_stream_cost_what_their_bytes_cost() {
    let house = House::new();
    let timed = |count: usize| {
        let text = (0..count).map(|number| format!("https://example.org/{number} user{number}@example.org")).collect::<Vec<_>>().join(" ");
        let pieces = canned::parts(&text, 400);
        house.upstream.push(Answer::stream(canned::chat_events("m", &pieces)));
        let began = std::time::Instant::now();
        let reply = house.send(&asked(true));
        assert!(reply.whole && !reply.text().contains("@example.org") && reply.text().contains("https://example.org/7"));
        began.elapsed()
    };
    timed(50);
    let (some, many) = (timed(400), timed(3_200));
    assert!(many < some * 8 * 4, "{some:?} for 400, {many:?} for 3,200");
}
