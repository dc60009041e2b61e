//! What the model introduces by itself never reaches the client: whole, streamed, and however the stream is split.

use std::time::Duration;

use bartizan_testkit::{Answer, canned};
use serde_json::{Value, json};

use crate::harness::{Call, House, Plan, Wire};

const EMAIL: &str = "eve.adams@example.net";
const CHAT: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"who?"}]}"#;
const STREAM: &str = r#"{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"who?"}]}"#;

/// The text of an OpenAI stream.
pub fn content(stream: &str) -> String {
    joined(stream, "/choices/0/delta/content")
}

/// The JSON of every event.
pub fn events(stream: &str) -> Vec<Value> {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.map(|data| serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}"))).collect()
}

/// All pieces of one growing text.
pub fn joined(stream: &str, pointer: &str) -> String {
    let first = |value: &&Value| value.pointer("/choices/0/index").is_none_or(|index| *index == json!(0));
    events(stream).iter().filter(first).filter_map(|value| value.pointer(pointer)?.as_str().map(str::to_owned)).collect()
}

pub fn chat_event(choice: u32, delta: &Value) -> String {
    format!("data: {}\n\n", json!({"id": "c", "choices": [{"index": choice, "delta": delta, "finish_reason": null}]}))
}

pub fn anthropic_event(index: u32, delta: &Value) -> String {
    format!("event: content_block_delta\ndata: {}\n\n", json!({"type": "content_block_delta", "index": index, "delta": delta}))
}

/// Whole answers; `@@` is the value.
const WHOLE: &[(&str, &str)] = &[
    ("content", r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"it is @@."}}]}"#),
    ("two choices", r#"{"choices":[{"index":0,"message":{"content":"none"}},{"index":1,"message":{"content":"it is @@."}}]}"#),
    ("reasoning", r#"{"choices":[{"message":{"reasoning_content":"so @@ then","content":"hi"}}]}"#),
    ("refusal", r#"{"choices":[{"message":{"refusal":"not @@","content":null}}]}"#),
    ("arguments", r#"{"choices":[{"message":{"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{\"to\": \"@@\"}"}}]}}]}"#),
    ("logprobs", r#"{"choices":[{"message":{"content":"hi"},"logprobs":{"content":[{"token":"@@","logprob":-1}]}}]}"#),
    ("unknown", r#"{"choices":[{"message":{"content":"hi","brand_new":{"a":["@@"]}}}]}"#),
    ("unknown key", r#"{"choices":[],"brand_new":{"@@":1}}"#),
    ("error", r#"{"error":{"message":"no such user @@","type":"invalid_request_error","code":null}}"#),
    ("text", r#"{"type":"message","content":[{"type":"text","text":"it is @@."}]}"#),
    ("thinking", r#"{"type":"message","content":[{"type":"thinking","thinking":"so @@","signature":"c2ln"}]}"#),
    ("input", r#"{"type":"message","content":[{"type":"tool_use","id":"t","name":"f","input":{"to":"@@","n":1}}]}"#),
    ("anthropic error", r#"{"type":"error","error":{"type":"api_error","message":"no @@"}}"#),
];

fn check_whole(house: &House, name: &str, body: &str) {
    for status in [200, 400] {
        house.upstream.push(Answer::json(body.to_owned()).with_status(status));
        let call = if body.contains("\"type\":\"message\"") { Call::messages(CHAT) } else { Call::chat(CHAT) };
        let reply = house.send(&call);
        assert_eq!(reply.status, status, "{name}: {}", reply.text());
        assert!(!reply.text().contains(EMAIL) && !reply.text().contains("eve."), "{name}: {}", reply.text());
        if name != "logprobs" {
            assert_eq!(reply.decision(), "remedied", "{name}");
        }
        if name == "arguments" {
            let arguments = reply.json()["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"].as_str().unwrap().to_owned();
            assert!(serde_json::from_str::<Value>(&arguments).is_ok(), "{arguments}");
        }
        reply.json();
    }
}

#[test]
fn whole_answers_hold_nothing_that_the_model_introduced() {
    let house = House::new();
    for (name, body) in WHOLE {
        check_whole(&house, name, &body.replace("@@", EMAIL));
        check_whole(&house, name, &body.replace("@@", &EMAIL.replace('@', "\\u0040")));
    }
}

/// One stream for each kind of growing text, its value cut into deltas.
fn streams() -> Vec<(&'static str, String, &'static str)> {
    let said = format!("hi, write to {EMAIL}, ok? \"quoted\" end");
    let pieces = || canned::parts(&said, 5);
    let chat = |field: &str| {
        let body: String = pieces().iter().map(|piece| chat_event(0, &json!({field: piece}))).collect();
        format!("{body}data: {{\"choices\":[],\"usage\":{{\"total_tokens\":3}}}}\n\ndata: [DONE]\n\n")
    };
    let message = |kind: &str, field: &str| -> String {
        let start = "event: ping\ndata: {\"type\": \"ping\"}\n\n".to_owned();
        let body: String = pieces().iter().map(|piece| anthropic_event(1, &json!({"type": kind, field: piece}))).collect();
        format!("{start}{body}event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":1}}\n\n: bye\n\n")
    };
    let input = json!({"to": [EMAIL, "x"], "n": 4_111_111_111_111_111_u64, "é": "\"q\""}).to_string();
    let tool = canned::chat_tool_events("m", "f", &canned::parts(&input, 4)).concat();
    let tool_use = canned::message_tool_events("m", "f", &canned::parts(&input, 4)).concat();
    let two: String =
        pieces().iter().map(|piece| chat_event(0, &json!({"content": piece})) + &chat_event(1, &json!({"content": piece}))).collect();
    vec![
        ("content", chat("content"), "/choices/0/delta/content"),
        ("reasoning", chat("reasoning_content"), "/choices/0/delta/reasoning_content"),
        ("refusal", chat("refusal"), "/choices/0/delta/refusal"),
        ("unknown delta", chat("brand_new"), "/choices/0/delta/brand_new"),
        ("two choices", two, "/choices/0/delta/content"),
        ("text", message("text_delta", "text"), "/delta/text"),
        ("thinking", message("thinking_delta", "thinking"), "/delta/thinking"),
        ("unknown block delta", message("brand_new_delta", "brand_new"), "/delta/brand_new"),
        ("arguments", tool, "/choices/0/delta/tool_calls/0/function/arguments"),
        ("input", tool_use, "/delta/partial_json"),
    ]
}

/// Sends a stream in the given pieces; the client's bytes.
fn pass(house: &House, stream: &str, cuts: &[usize]) -> String {
    house.upstream.push(Answer::stream_split(stream.as_bytes(), cuts));
    let reply = house.chat(STREAM);
    assert!(reply.whole && reply.status == 200);
    reply.text()
}

#[test]
fn streams_hold_nothing_that_the_model_introduced() {
    let house = House::new();
    for (name, stream, pointer) in streams() {
        let got = pass(&house, &stream, &[]);
        let text = joined(&got, pointer);
        assert!(!got.contains("eve.") && !text.contains("example.net") && !text.contains("4111"), "{name}: {got}");
        assert_eq!(got.matches("\n\n").count(), stream.matches("\n\n").count(), "{name}: frames are neither lost nor invented");
        if matches!(name, "arguments" | "input") {
            let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            assert_eq!((&value["to"][0], &value["n"]), (&json!("[REDACTED_EMAIL]"), &json!("[REDACTED_CARD]")));
        } else {
            let word = if name == "thinking" { "[REMOVED_FROM_SIGNED_EMAIL]" } else { "[REDACTED_EMAIL]" };
            assert_eq!(text, format!("hi, write to {word}, ok? \"quoted\" end"), "{name}");
        }
        assert_eq!(house.journal.all().last().unwrap().decision, "remedied", "{name}");
        for untouched in
            ["data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n", "event: ping\ndata: {\"type\": \"ping\"}\n\n", ": bye\n\n"]
        {
            assert_eq!(got.contains(untouched), stream.contains(untouched), "{name}");
        }
    }
}

#[test]
fn however_a_stream_is_split_the_client_gets_the_same_bytes() {
    let house = House::new();
    let mut seed = 11_u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for (name, stream, _) in streams() {
        let expected = pass(&house, &stream, &[]);
        let step = if matches!(name, "content" | "text") { 1 } else { 17 };
        for cut in (1..stream.len()).step_by(step) {
            assert_eq!(pass(&house, &stream, &[cut]), expected, "{name} cut at {cut}");
        }
        for _ in 0..10 {
            let cuts: Vec<usize> = (0..next(30)).map(|_| next(stream.len())).collect();
            assert_eq!(pass(&house, &stream, &cuts), expected, "{name} cut at {cuts:?}");
        }
        let every: Vec<usize> = (1..stream.len()).collect();
        assert_eq!(pass(&house, &stream, &every), expected, "{name} byte by byte");
    }
}

#[test]
fn however_deltas_cut_a_text_the_same_is_found() {
    let house = House::new();
    let said = format!("[1] write to {EMAIL} or 4111 1111 1111 1111 or ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8 soon");
    for size in 1..=said.len() {
        let stream = canned::chat_events("m", &canned::parts(&said, size)).concat();
        let expected = "[1] write to [REDACTED_EMAIL] or [REDACTED_CARD] or [REDACTED_GITHUB] soon";
        assert_eq!(content(&pass(&house, &stream, &[])), expected, "pieces of {size}");
    }
}

/// A bare number is replaced as a whole, by a string, however the pieces cut it.
#[test]
fn a_number_in_arguments_is_replaced_whole() {
    let house = House::new();
    for number in ["4111111111111111", "-4111111111111111", "-4111111111111111,4111111111111111"] {
        let written = format!(r#"{{"n":[{number}],"m":-12.5}}"#);
        let whole = canned::chat_tool_call("m", "f", &written);
        house.upstream.push(Answer::json(whole));
        let expected = house.chat(CHAT).json()["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"].clone();
        let expected = expected.as_str().unwrap();
        let value: Value = serde_json::from_str(expected).unwrap_or_else(|error| panic!("{error}: {expected}"));
        assert_eq!((&value["n"][0], &value["m"]), (&json!("[REDACTED_CARD]"), &json!(-12.5)));
        for size in 1..=written.len() {
            let stream = canned::chat_tool_events("m", "f", &canned::parts(&written, size)).concat();
            let got = joined(&pass(&house, &stream, &[]), "/choices/0/delta/tool_calls/0/function/arguments");
            assert_eq!(got, expected, "pieces of {size}");
        }
    }
}

/// A long finding whose end is far away, and one that another text interrupts.
#[test]
fn a_long_secret_is_covered_to_its_end() {
    let house = House::new();
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n".repeat(60);
    let said = format!("here:\n-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\nthat was it");
    for size in [7, 64, 1_000, 100_000] {
        let stream = canned::chat_events("m", &canned::parts(&said, size)).concat();
        assert_eq!(content(&pass(&house, &stream, &[])), "here:\n[REDACTED_PRIVATE_KEY]\nthat was it", "pieces of {size}");
    }
    let (first, second) = said.split_at(300);
    let interrupted = [
        chat_event(0, &json!({"content": first})),
        chat_event(0, &json!({"reasoning_content": "hm"})),
        chat_event(0, &json!({"content": second})),
    ];
    house.upstream.push(Answer::stream([interrupted.concat()]));
    let got = house.chat(STREAM).text();
    assert!(!got.contains("MIIE") && !got.contains("END") && content(&got) == "here:\n[REDACTED_PRIVATE_KEY]\nthat was it", "{got}");
}

#[test]
fn a_card_in_two_deltas_with_another_text_between_is_removed() {
    let house = House::new();
    let parts = [("content", "my card is 4111 1111"), ("reasoning_content", "hm"), ("content", " 1111 1111 ok")];
    let stream: String = parts.iter().map(|(field, text)| chat_event(0, &json!({*field: text}))).collect();
    let got = pass(&house, &(stream + "data: [DONE]\n\n"), &[]);
    assert_eq!((content(&got), joined(&got, "/choices/0/delta/reasoning_content")), ("my card is [REDACTED_CARD] ok".into(), "hm".into()));
}

#[test]
fn text_without_a_partial_match_is_released_at_once() {
    let house = House::new();
    let rows = [
        (chat_event(0, &json!({"content": "Hello there. "})), chat_event(0, &json!({"content": "done"}))),
        (chat_event(0, &json!({"content": "[a] list "})), chat_event(0, &json!({"content": "done"}))),
        (anthropic_event(0, &json!({"type": "text_delta", "text": "Hello there. "})), "event: done\ndata: {}\n\n".to_owned()),
        ("data: keep-alive 12\n\n".to_owned() + &chat_event(0, &json!({"content": "Hello. "})), chat_event(0, &json!({"content": "x"}))),
        (": comment\n\n".to_owned(), "data: [DONE]\n\n".to_owned()),
        ("data: {\"choices\":[],\"usage\":{}}\n\n".to_owned(), "data: [DONE]\n\n".to_owned()),
    ];
    for (first, second) in rows {
        let pause = Duration::from_millis(1_500);
        house.upstream.push(Answer::stream([first.clone(), second]).paced(Duration::ZERO).after_last(pause));
        let mut wire = Wire::open(house.address);
        wire.send(&Call::chat(STREAM));
        let began = std::time::Instant::now();
        wire.read_until(first.trim_end());
        assert!(began.elapsed() < pause / 2, "{first} was held for {:?}", began.elapsed());
        assert!(wire.reply().whole);
    }
}

/// Nothing passes unread and unlabelled, in a stream as little as in a whole answer.
#[test]
fn content_that_cannot_be_read_is_judged_in_streams_too() {
    let house = House::new();
    let audio = "QUJD".repeat(40);
    let stream = chat_event(0, &json!({"content": "hi. "})) + &chat_event(0, &json!({"audio": {"id": "a", "data": audio}}));
    let got = pass(&house, &(stream + "data: [DONE]\n\n"), &[]);
    assert!(!got.contains("QUJD") && got.contains("policy_blocked") && !got.contains("[DONE]"), "{got}");
    let signed = anthropic_event(0, &json!({"type": "signature_delta", "signature": audio}));
    assert_eq!(pass(&house, &signed, &[]), signed);
    let labels = &house.journal.all().pop().unwrap().event.unwrap()["facts"]["context"]["labels"];
    assert!(labels["uninspected.sealed"].is_object(), "{labels}");
}

#[test]
fn a_block_inside_a_stream_shows_in_the_clients_format() {
    let more = r#"@id("no-cards") @coach("No cards, please.") forbid (principal, action == Action::"complete", resource) when { context.labels.contains("pci") };"#;
    let house = House::build(Plan { more, ..Plan::default() });
    let said = ["fine so far. ", "the card is 4111 11", "11 1111 1111 and on"];
    house.upstream.push(Answer::stream(canned::chat_events("m", &said)));
    let reply = house.chat(STREAM);
    assert!(reply.whole && content(&reply.text()).starts_with("fine so far."), "{}", reply.text());
    assert!(!reply.text().contains("4111") && !reply.text().contains("[DONE]"), "{}", reply.text());
    let last = events(&reply.text()).pop().unwrap();
    assert_eq!((&last["error"]["code"], &last["error"]["type"]), (&json!("policy_blocked"), &json!("permission_error")));
    assert!(last["error"]["message"].as_str().unwrap().starts_with("No cards, please. (policy "), "{last}");
    house.upstream.push(Answer::stream(canned::message_events("m", &said)));
    let reply = house.send(&Call::messages(STREAM));
    assert!(reply.whole && !reply.text().contains("4111") && !reply.text().contains("message_stop"), "{}", reply.text());
    let (_, last) = reply.text().rsplit_once("event: error\ndata: ").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let last: Value = serde_json::from_str(&last).unwrap();
    assert_eq!((&last["type"], &last["error"]["type"]), (&json!("error"), &json!("permission_error")));
    assert_eq!(last["request_id"].as_str(), reply.header("bartizan-request-id"));
    let end = house.journal.all().pop().unwrap();
    assert_eq!((end.kind, end.decision.as_str(), end.end.as_deref()), ("end", "blocked", Some("blocked")));
}

/// A number that is complete in one event, or in a whole answer.
#[test]
fn a_number_is_found_however_it_is_written() {
    let house = House::new();
    for number in ["4111111111111111.25", "-4.111111111111111e15", "4111111111111111e0"] {
        let body = format!(r#"{{"choices":[],"brand_new":{{"deep":[1,{number}]}}}}"#);
        let expected = json!([1, "[REDACTED_CARD]"]);
        house.upstream.push(Answer::json(body.clone()));
        assert_eq!(house.chat(CHAT).json()["brand_new"]["deep"], expected, "{number}");
        let got = pass(&house, &format!("data: {body}\n\n"), &[]);
        assert_eq!(events(&got).remove(0)["brand_new"]["deep"], expected, "{number}");
    }
}

/// Answers with an identifier of the provider in every place; `@@` is it.
const IDS: &[(&str, &str)] = &[
    ("id", r#"{"id":"@@","choices":[{"index":0,"message":{"content":"hi"}}]}"#),
    ("fingerprint", r#"{"id":"c","system_fingerprint":"@@","choices":[]}"#),
    ("tool call", r#"{"choices":[{"index":0,"message":{"tool_calls":[{"index":0,"id":"@@","function":{"name":"f","arguments":"{}"}}]}}]}"#),
    ("error", r#"{"type":"error","error":{"type":"api_error","message":"no"},"request_id":"@@"}"#),
];

/// Digits that a provider put together by chance block nothing; what cannot be chance does.
#[test]
fn identifiers_of_providers_are_not_taken_for_numbers_of_people() {
    let house = House::new();
    // Each is found where it stands in a text.
    for id in ["4111111111111111110", "c0ffee-628-555-0143", "10.20.30.40"] {
        let text = json!({"choices": [{"index": 0, "message": {"content": format!("see {id}")}}]}).to_string();
        house.upstream.push(Answer::json(text));
        assert_eq!(house.chat(CHAT).decision(), "remedied", "{id} is no test: nothing is found in it");
    }
    for (name, body) in IDS {
        for id in ["4111111111111111110", "c0ffee-628-555-0143", "10.20.30.40"] {
            let body = body.replace("@@", id);
            house.upstream.push(Answer::json(body.clone()));
            let reply = house.chat(CHAT);
            assert_eq!((reply.status, reply.decision(), reply.text()), (200, "permit", body.clone()), "{name}");
            let stream = format!("data: {}\n\n", body.replace("message\":{\"", "delta\":{\""));
            assert_eq!(pass(&house, &stream, &[]), stream, "{name} streamed");
            let end = house.journal.all().pop().unwrap();
            assert_eq!((end.decision.as_str(), &end.event.unwrap()["findings"]), ("permit", &json!([])), "{name} streamed");
        }
        for value in [EMAIL, "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8", "see 4111111111111111"] {
            house.upstream.push(Answer::json(body.replace("@@", value)));
            assert_eq!(house.chat(CHAT).status, 403, "{name}: {value}");
        }
    }
}
