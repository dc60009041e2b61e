//! Failing open is for what could not be inspected. Once policy was asked, nothing passes that it did not let pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bartizan_gateway::{Fault, Faults};
use bartizan_testkit::{Answer, canned};
use bartizan_vocabulary::Direction;
use serde_json::json;

use crate::files::{one, sent};
use crate::harness::{Call, House, Plan, Reply};

const ADA: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"I am ada@example.org"}]}"#;

/// A gate that fails open, and whose guard of one direction fails after it has inspected.
fn failing(direction: Direction) -> Plan {
    let faults: Faults = Arc::new(move |asked| (asked == direction).then_some(Fault::Judging));
    Plan { faults: Some(faults), fail_open: true, ..Plan::default() }
}

fn refused(house: &House, reply: &Reply, what: &str) {
    assert_eq!((reply.status, reply.decision()), (503, "failed"), "{what}: {}", reply.text());
    assert!(!reply.text().contains("example"), "{what}: {}", reply.text());
    assert_eq!(house.gate.metrics().failed_open_total.get(), 0, "{what}");
}

#[test]
fn a_request_that_was_inspected_does_not_pass_unjudged() {
    let house = House::build(failing(Direction::Request));
    let said = r#"{"model":"claude-sonnet","max_tokens":9,"messages":[{"role":"user","content":"I am ada@example.org"}]}"#;
    for call in [Call::chat(ADA), Call::messages(said)] {
        refused(&house, &house.send(&call), &call.path);
    }
    refused(&house, &house.send(&Call::new("POST", "/v1/decide", r#"{"direction":"request","text":"I am ada@example.org"}"#)), "decide");
    assert_eq!(house.upstream.served(), 0);
}

#[test]
fn an_answer_that_was_inspected_does_not_pass_unjudged() {
    let house = House::build(failing(Direction::Response));
    house.upstream.always(Answer::json(canned::chat("m", "I am eve@example.net")));
    let said = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}"#;
    refused(&house, &house.chat(said), "answer");
    let decide = json!({"direction": "response", "text": "I am eve@example.net"}).to_string();
    refused(&house, &house.send(&Call::new("POST", "/v1/decide", decide)), "decide");
}

#[test]
fn a_file_that_was_inspected_does_not_pass_unjudged() {
    let house = House::build(Plan { adjust: Some(Box::new(one)), ..failing(Direction::Request) });
    let reply = house.send(&sent("user_data", "a.txt", "text/plain", b"I am ada@example.org"));
    refused(&house, &reply, "file");
    assert_eq!(house.upstream.served(), 0);
}

/// Texts that only a translation puts side by side are inspected after policy was asked: nobody judged that they may pass uninspected.
#[test]
fn a_translation_that_cannot_be_inspected_is_not_sent() {
    // The first two questions are those of the guard itself.
    let asked = AtomicU32::new(0);
    let faults: Faults = Arc::new(move |_| (asked.fetch_add(1, Ordering::SeqCst) == 2).then_some(Fault::Error));
    let house = House::build(Plan { faults: Some(faults), fail_open: true, ..Plan::default() });
    let body = json!({"model": "only-openai", "max_tokens": 9, "messages": [{"role": "user", "content": [
        {"type": "text", "text": "the first part"}, {"type": "text", "text": "the second part"}]}]});
    house.upstream.always(Answer::json(canned::chat("m", "fine")));
    let reply = house.send(&Call::messages(body.to_string()));
    refused(&house, &reply, "translation");
    assert_eq!(house.upstream.served(), 0);
}
