//! The event of an interaction: what is written reads back as the schema's types, and says what it said.

use bartizan_policy::Facts;
use bartizan_testkit::{Answer, canned};
use bartizan_vocabulary::Event;
use serde_json::{Value, json};

use crate::harness::{Call, House};

/// Everything in `part` stands in `whole` as well.
fn stands_in(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(key, value)| whole.get(key).is_some_and(|there| stands_in(value, there)))
        }
        _ => part == whole,
    }
}

fn calls() -> Vec<Call> {
    let tools = json!([{"type": "function", "function": {"name": "look \"up\"", "parameters": {}}}]);
    let chat = |content: &str, tools: &Value| {
        let messages = json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": content}]);
        Call::chat(json!({"model": "gpt-4o-mini", "messages": messages, "tools": tools}).to_string())
    };
    vec![
        chat("nothing here", &json!([])),
        chat("mail ada@example.org, card 4111 1111 1111 1111, maybe 078-05-1120 or 555-0143", &tools),
        Call::chat(json!({"model": "no \"such\" model\n", "messages": []}).to_string()),
        Call::chat(json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "name": "ada@example.org", "content": "hi"}]}).to_string()),
        Call::new("GET", "/v1/nowhere", ""),
    ]
}

#[test]
fn what_is_written_reads_back() {
    let house = House::new();
    house.upstream.always(Answer::json(canned::chat("m", "write to eve@example.net")));
    let replies: Vec<_> = calls().iter().map(|call| house.send(call)).collect();
    let events: Vec<Value> = house.journal.all().into_iter().filter_map(|noted| noted.event).collect();
    let codes: Vec<Value> = replies.iter().filter(|reply| reply.status != 200).map(|reply| reply.json()["error"]["code"].clone()).collect();
    let reasons: Vec<Value> = events.iter().filter_map(|event| event.get("reason").cloned()).collect();
    assert!(codes == reasons && codes.len() == 2 && codes.contains(&json!("not_found")), "{codes:?} {reasons:?}");
    assert_eq!(events.len(), 8, "two of each that went on, one of each that did not");
    for written in &events {
        let read: Event<Option<Facts>> = serde_json::from_value(written.clone()).unwrap_or_else(|error| panic!("{error}: {written}"));
        let again = serde_json::to_value(&read).unwrap();
        assert!(stands_in(written, &again), "{written}\n{again}");
    }
    let facts: Vec<&Value> = events.iter().map(|event| &event["facts"]).collect();
    assert_eq!(facts[2]["context"]["tools"], json!(["look \"up\""]));
    assert!(facts[2]["context"]["by_role"]["user"]["labels"]["pci.card"]["count"] == 1, "{}", facts[2]);
    assert!(facts[2]["context"]["by_role"].get("tool").is_none(), "{}", facts[2]);
}
