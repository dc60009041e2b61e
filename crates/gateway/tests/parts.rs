//! Text parts that stand side by side are one text, and each is one: a value that fills a part is hidden although the letters of its
//! neighbours touch it.

use bartizan_testkit::{Answer, canned};
use serde_json::{Value, json};

use crate::harness::{Call, House};

const OWN: &str = "ada@example.org";

/// Texts of parts, and what of them nobody may read.
const TOUCHED: &[(&[&str], &str)] = &[
    (&["Order 12", "4111111111111111"], "4111111"),
    (&["Order 12 ", "4111 1111 1111 1111"], "4111 1111"),
    (&["4111111111111111", "2 pieces"], "4111111"),
    (&["my key", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "is secret"], "ghp_16C7"),
    (&["x", "DE89370400440532013000"], "DE893704"),
    (&["call", "+33612345678", "5 times"], "336123"),
    (&["1.", "203.0.113.77"], "203.0.113.77"),
    (&["a", "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----"], "MIIEvQIB"),
];

fn parts(kind: &str, texts: &[&str]) -> Vec<Value> {
    texts.iter().map(|text| if kind.is_empty() { json!({"text": text}) } else { json!({"type": kind, "text": text}) }).collect()
}

/// The same texts in a request of each format.
fn requests(texts: &[&str]) -> Vec<Call> {
    let messages = json!([{"role": "user", "content": parts("text", texts)}]);
    let input = json!([{"role": "user", "content": parts("input_text", texts)}]);
    vec![
        Call::chat(json!({"model": "gpt-4o-mini", "messages": messages}).to_string()),
        Call::chat(json!({"model": "only-anthropic", "messages": messages}).to_string()),
        Call::messages(json!({"model": "claude-sonnet", "max_tokens": 9, "messages": messages}).to_string()),
        Call::messages(
            json!({"model": "claude-sonnet", "max_tokens": 9, "system": parts("text", texts), "messages": [{"role": "user", "content": "x"}]})
                .to_string(),
        ),
        Call::responses(json!({"model": "gpt-4o-mini", "input": input}).to_string()),
        Call::gemini("generateContent", json!({"contents": [{"role": "user", "parts": parts("", texts)}]}).to_string()),
    ]
}

#[test]
fn what_fills_a_part_of_a_request_is_hidden() {
    let house = House::new();
    let long = "so it is. ".repeat(2_000);
    // The edges of a long part too.
    let rows = [
        (vec!["12".to_owned(), format!("4111111111111111 {long}"), "x".to_owned()], "4111111"),
        (vec!["x".to_owned(), format!("{long}4111111111111111"), "12".to_owned()], "4111111"),
        (vec!["x".to_owned(), format!("ghp_{} {long}", "16C7e42F292c6912E7710c838347Ae178B4a")], "ghp_16C7"),
    ];
    let rows = rows.iter().map(|(texts, value)| (texts.iter().map(String::as_str).collect::<Vec<_>>(), *value));
    for (texts, value) in TOUCHED.iter().map(|(texts, value)| (texts.to_vec(), *value)).chain(rows) {
        for call in requests(&texts) {
            house.upstream.forget();
            let reply = house.send(&call);
            for seen in house.upstream.requests() {
                assert!(!seen.text().contains(value), "{}: {value}: {}", call.path, seen.text());
            }
            // Addresses of computers are only recorded, and a key is hidden, not refused.
            assert!([200, 400, 403].contains(&reply.status), "{}", reply.text());
            let event = house.journal.all().into_iter().rfind(|one| one.kind == "request").unwrap().event.unwrap();
            assert_ne!(event["findings"], json!([]), "{}: {value}", call.path);
        }
    }
}

#[test]
fn what_fills_a_part_of_an_answer_is_hidden() {
    let house = House::new();
    let who = Call::chat(r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"who?"}]}"#);
    for (texts, value) in TOUCHED {
        let chat = json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": parts("text", texts)}}]});
        let message = json!({"type": "message", "role": "assistant", "content": parts("text", texts)});
        let response =
            json!({"object": "response", "output": [{"type": "message", "role": "assistant", "content": parts("output_text", texts)}]});
        let gemini = json!({"candidates": [{"content": {"role": "model", "parts": parts("", texts)}}]});
        for body in [&chat, &message, &response, &gemini] {
            house.upstream.push(Answer::json(body.to_string()));
            let got = house.send(&who).text();
            assert!(!got.contains(value) && got.contains("REDACTED"), "{value}: {got}");
        }
        // The whole answer that ends a stream repeats texts that came apart.
        let done = json!({"type": "response.completed", "response": response});
        house.upstream.push(Answer::stream([format!("event: response.completed\ndata: {done}\n\n")]));
        let got = house.send(&Call::responses(r#"{"model":"gpt-4o-mini","stream":true,"input":"who?"}"#)).text();
        assert!(!got.contains(value) && got.contains("REDACTED"), "{value}: {got}");
    }
}

/// A value that runs over parts is one finding, and the caller's own comes back from a part of its own.
#[test]
fn what_runs_over_parts_is_found_once() {
    let house = House::new();
    let ask = |content: &Value| {
        Call::messages(json!({"model": "claude-sonnet", "max_tokens": 9, "messages": [{"role": "user", "content": content}]}).to_string())
    };
    house.upstream.push(Answer::json(canned::message("m", "hi")));
    house.send(&ask(&json!(parts("text", &["write to ada@exa", "mple.org", ", please"]))));
    let event = house.journal.all().into_iter().find(|one| one.kind == "request").unwrap().event.unwrap();
    assert_eq!(event["findings"].as_array().unwrap().len(), 1, "{event}");
    let seen = house.seen();
    let token = &seen[seen.find("EMAIL_").unwrap()..][..16];
    let blocks = json!({"type": "message", "role": "assistant", "content": parts("text", &["so", token, "it is"])});
    house.upstream.push(Answer::json(blocks.to_string()));
    let got = house.send(&ask(&json!(parts("text", &["write to ada@exa", "mple.org", ", please"])))).json();
    assert_eq!(got["content"], json!(parts("text", &["so", OWN, "it is"])));
}
