//! Names of persons and places, in a gate that is told to look for them: hidden on the way out, restored for the caller, removed
//! where the model brings them in, in whole answers and in streams.

use bartizan_testkit::{Answer, canned};
use serde_json::{Value, json};

use crate::answers::content;
use crate::harness::{House, Plan};

const ASKED: &str = "My name is Mira Okafor and I live at 27 Harbour Lane, Dublin, Ireland. Please write to Mira Okafor.";

fn house() -> House {
    House::build(Plan { names: true, ..Plan::default() })
}

fn asked(text: &str, stream: bool) -> String {
    json!({"model": "gpt-4o-mini", "stream": stream, "messages": [{"role": "user", "content": text}]}).to_string()
}

/// What the provider reads of a text.
fn sent(house: &House, text: &str) -> String {
    house.upstream.push(Answer::json(canned::chat("m", "Fine.")));
    assert_eq!(house.chat(&asked(text, false)).status, 200);
    let seen: Value = serde_json::from_str(&house.seen()).unwrap();
    seen["messages"][0]["content"].as_str().unwrap().to_owned()
}

/// The tokens in a text.
fn tokens(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.split_once('_').is_some_and(|(_, tail)| tail.len() == 10)).collect()
}

#[test]
fn the_provider_reads_pseudonyms_of_names() {
    let seen = sent(&house(), ASKED);
    let tokens = tokens(&seen);
    assert!(
        matches!(tokens.as_slice(), [one, place, again] if one == again && one.starts_with("PERSON_") && place.starts_with("ADDRESS_")),
        "{seen}"
    );
    assert_eq!(seen, format!("My name is {0} and I live at {1}. Please write to {0}.", tokens[0], tokens[1]));
}

#[test]
fn the_caller_reads_the_names_and_what_the_model_brings_in_is_removed() {
    let house = house();
    let seen = sent(&house, ASKED);
    let token = tokens(&seen)[0];
    let said = format!("Dear {token}, I asked Jonas Lindqvist about it. Kind regards, the support team");
    let expected = "Dear Mira Okafor, I asked [REDACTED_PERSON] about it. Kind regards, the support team";
    house.upstream.push(Answer::json(canned::chat("m", &said)));
    assert_eq!(house.chat(&asked(ASKED, false)).json()["choices"][0]["message"]["content"], expected);
    for size in 1..=said.chars().count() {
        house.upstream.push(Answer::stream(canned::chat_events("m", &canned::parts(&said, size))));
        assert_eq!(content(&house.chat(&asked(ASKED, true)).text()), expected, "pieces of {size}");
    }
}

#[test]
fn identifiers_hold_no_names() {
    let house = house();
    let call = json!({"id": "call_Mira", "type": "function", "function": {"name": "Paris", "arguments": "{}"}});
    let body = json!({"model": "gpt-4o-mini", "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_Mira", "content": "done"}
    ]});
    house.upstream.push(Answer::json(canned::chat("m", "Fine.")));
    let reply = house.chat(&body.to_string());
    assert_eq!(reply.status, 200, "{}", reply.text());
}
