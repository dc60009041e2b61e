//! Words of a company's own, wherever they stand in a request: no place is too plain for them.

use bartizan_testkit::{Answer, canned};
use serde_json::{Value, json};

use crate::harness::{House, Plan};

/// What the provider reads of a request; nothing where it was refused.
fn sent(body: &Value) -> String {
    let house = House::build(Plan { words: &["falcon"], ..Plan::default() });
    house.upstream.push(Answer::json(canned::chat("m", "Fine.")));
    let reply = house.chat(&body.to_string());
    if reply.status == 200 { house.seen() } else { String::new() }
}

fn asked(more: &Value) -> Value {
    let mut body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "go"}]});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[test]
fn a_plain_word_is_found_where_names_and_enumerations_stand() {
    let schema = |properties: &Value| json!({"type": "object", "properties": properties});
    let tool = |name: &str, schema: &Value| json!([{"type": "function", "function": {"name": name, "parameters": schema}}]);
    let clean = asked(&json!({"user": "heron", "tools": tool("heron", &schema(&json!({"heron": {"enum": ["heron"]}})))}));
    assert!(sent(&clean).contains("heron"));
    for more in [
        json!({"user": "falcon"}),
        json!({"metadata": {"falcon": "x"}}),
        json!({"tools": tool("falcon", &schema(&json!({})))}),
        json!({"tools": tool("heron", &schema(&json!({"falcon": {"type": "string"}})))}),
        json!({"tools": tool("heron", &schema(&json!({"place": {"enum": ["falcon"]}})))}),
        json!({"messages": [{"role": "user", "content": "about falcon"}]}),
    ] {
        let seen = sent(&asked(&more));
        assert!(!seen.contains("falcon"), "{more}: {seen}");
    }
}
