//! What requests are about: recorded by default, refused where a policy says so, never edited, and not asked of answers.

use bartizan_testkit::{Answer, canned, documents};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{Call, House, Plan, error, events};

const NO_CODE: &str = r#"@id("code.stays-here") @coach("Source code does not leave.")
    forbid (principal, action == Action::"prompt", resource) when { context.labels.contains("subject.source_code") };"#;
const REDACT: &str = r#"@id("code.redact") @remedy("redact") @labels("subject.*")
    forbid (principal, action == Action::"prompt", resource) when { context.labels.contains("subject") };"#;
const NOT_BACK: &str = r#"@id("no-code-back")
    forbid (principal, action == Action::"complete", resource) when { context.labels.contains("subject") };"#;

fn code() -> String {
    let lines = (0..40).map(|n| format!("    let value_{n} = self.items.get({n}).map(|item| item.size * {n}).unwrap_or(0);\n"));
    format!("impl Store {{\n  pub fn total(&self) -> usize {{\n{}    value_0 + value_1\n  }}\n}}\n", lines.collect::<String>())
}

fn house(more: &'static str, subjects: bool) -> House {
    let house = House::build(Plan { more, subjects, ..Plan::default() });
    house.upstream.respond_with(|_| Answer::json(canned::chat("m", "fine")));
    house
}

fn ask(content: &Value) -> String {
    json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": content}]}).to_string()
}

fn found(event: &Value) -> Vec<(String, String)> {
    let word = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    event["findings"].as_array().unwrap().iter().map(|one| (word(one, "label"), word(one, "path"))).collect()
}

#[test]
fn by_default_a_subject_is_recorded_and_what_is_found_in_it_replaced() {
    let house = house("", true);
    let reply = house.chat(&ask(&json!(format!("{}// ask ada@example.org", code()))));
    assert_eq!(reply.status, 200);
    let seen = house.seen();
    assert!(!seen.contains("ada@example.org") && seen.contains("let value_39 = self.items"), "{seen}");
    let event = &events(&house)[0];
    let path = "/messages/0/content".to_owned();
    assert_eq!(found(event), [("pii.email".to_owned(), path.clone()), ("subject.source_code".to_owned(), path)]);
    assert_eq!(event["decision"], "remedied");
    assert!(event["policies"].to_string().contains("subjects.log"), "{event}");
}

#[test]
fn untouched_bytes_go_on_as_they_came() {
    let house = house("", true);
    let body = ask(&json!(code()));
    assert_eq!(house.chat(&body).status, 200);
    assert!(house.seen().ends_with(&body));
    // The second time it comes from the cache, and counts all the same.
    assert_eq!(house.chat(&body).status, 200);
    let said: Vec<_> = events(&house).iter().filter(|event| event["direction"] == "request").map(found).collect();
    assert!(said.iter().all(|found| found.len() == 1), "{said:?}");
}

#[test]
fn a_policy_blocks_source_code() {
    let house = house(NO_CODE, true);
    let (status, word, sentence) = error(&house.chat(&ask(&json!(code()))));
    assert_eq!((status, word.as_str()), (403, "policy_blocked"));
    assert!(sentence.contains("Source code does not leave.") && sentence.contains("subject.source_code"), "{sentence}");
    assert!(house.upstream.requests().is_empty());
    assert_eq!(house.chat(&ask(&json!("What is a hash map, and when is it slow?"))).status, 200);
}

#[test]
fn a_file_and_a_text_in_parts_are_sorted_too() {
    let text = code();
    let (half, rest) = text.split_at(text.len() / 2);
    let parts = json!([{"type": "text", "text": half}, {"type": "text", "text": rest}]);
    let docx = STANDARD.encode(documents::docx(&text.replace('&', "&amp;").replace('<', "&lt;"), &[]).unwrap());
    let media = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let file = json!([{"type": "file", "file": {"filename": "a.docx", "file_data": format!("data:{media};base64,{docx}")}}]);
    for content in [parts, file] {
        let house = house(NO_CODE, true);
        assert_eq!(error(&house.chat(&ask(&content))).0, 403, "{content}");
    }
}

#[test]
fn a_passage_is_told_at_the_part_in_which_it_begins() {
    let prose = "The train was late again, and nobody on the platform \"knew\" when the next one would come. ".repeat(25);
    let part = |text: &str| json!({"type": "text", "text": text});
    let house = house("", true);
    let body = ask(&json!([part(&prose), part(&prose), part(&code())]));
    assert_eq!(house.chat(&body).status, 200);
    let told = found(&events(&house)[0]);
    // It begins within some forty words of where the code does.
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(["/messages/0/content/1/text", "/messages/0/content/2/text"].contains(&told[0].1.as_str()), "{told:?}");
    let start = events(&house)[0]["findings"][0]["start"].as_u64().unwrap();
    assert!(start < prose.len() as u64, "{start} lies in no part");
}

#[test]
fn whoever_asks_for_it_to_be_redacted_refuses_it() {
    let house = house(REDACT, true);
    let (status, _, sentence) = error(&house.chat(&ask(&json!(code()))));
    assert_eq!(status, 403);
    assert!(sentence.contains("a passage as a whole"), "{sentence}");
    assert!(house.upstream.requests().is_empty());
}

#[test]
fn a_gate_that_is_not_told_to_does_not_ask() {
    let house = house(NO_CODE, false);
    assert_eq!(house.chat(&ask(&json!(code()))).status, 200);
    assert_eq!(found(&events(&house)[0]), []);
}

/// A stream's subject would be known after its bytes have gone: so answers are not asked, whole or not.
#[test]
fn answers_are_not_sorted() {
    let house = house(NOT_BACK, true);
    house.upstream.respond_with(|asked| {
        let streams = String::from_utf8_lossy(&asked.body).contains("\"stream\":true");
        if streams { Answer::stream(canned::chat_events("m", &[&code()])) } else { Answer::json(canned::chat("m", &code())) }
    });
    let body = ask(&json!("write it"));
    let whole = house.chat(&body);
    let streamed = house.send(&Call::chat(body.replacen('{', "{\"stream\":true,", 1)));
    assert_eq!((whole.status, streamed.status), (200, 200));
    assert!(whole.text().contains("value_39") && streamed.text().contains("value_39"));
    assert!(events(&house).iter().all(|event| found(event).is_empty()));
}
