//! Requests that would keep the gate busy, hold more than it counts, or lead past what was judged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_gateway::{Fault, Faults, Limits};
use bartizan_testkit::{Answer, canned};
use bartizan_vocabulary::Direction;
use serde_json::{Value, json};

use crate::harness::{Call, House, Plan};

const ALLOW: &str = r#"@id("allow") permit (principal, action, resource);"#;

fn asking(content: &Value) -> String {
    json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": content}]}).to_string()
}

#[test]
fn many_findings_in_one_literal_or_over_many_parts_take_linear_time() {
    let house = House::new();
    house.upstream.always(Answer::json(canned::chat("m", "fine")));
    let began = Instant::now();
    let parts: Vec<Value> = (0..20_000).map(|_| json!({"type": "text", "text": "4111111111111111 "})).collect();
    for content in [json!(format!("[{}", "4111111111111111.a.".repeat(16_000))), json!(parts)] {
        let reply = house.chat(&asking(&content));
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
}

#[test]
fn failing_open_does_not_skip_policies() {
    let rows = [
        ("", 200),
        (r#"@id("no") forbid (principal, action == Action::"prompt", resource);"#, 403),
        (r#"@id("no") forbid (principal, action, resource) unless { context.guards.ran.contains("detect") };"#, 403),
        (r#"@id("no") forbid (principal, action, resource) when { context.guards.failed_open.contains("detect") };"#, 403),
    ];
    for (rule, status) in rows {
        let faults: Option<Faults> = Some(Arc::new(|direction| (direction == Direction::Request).then_some(Fault::Error)));
        let house = House::build(Plan { policies: Some(format!("{ALLOW}\n{rule}")), faults, fail_open: true, ..Plan::default() });
        house.upstream.always(Answer::json(canned::chat("m", "fine")));
        assert_eq!(house.chat(&asking(&json!("hi"))).status, status, "{rule}");
        assert_eq!(house.upstream.served() > 0, status == 200, "{rule}");
    }
    let rule = r#"@id("no") forbid (principal, action, resource) unless { context.guards.ran.contains("detect") };"#;
    let house = House::build(Plan { policies: Some(format!("{ALLOW}\n{rule}")), ..Plan::default() });
    house.upstream.always(Answer::json(canned::chat("m", "fine")));
    assert_eq!(house.chat(&asking(&json!("hi"))).status, 200);
}

#[test]
fn spans_count_as_bytes_in_flight() {
    let house = House::build(Plan { limits: Limits { inflight_bytes: 2_000_000, ..Limits::default() }, ..Plan::default() });
    house.upstream.always(Answer::json(canned::chat("m", "fine")));
    assert_eq!(house.chat(&asking(&json!("x".repeat(300_000)))).status, 200);
    let many: Vec<&str> = vec!["x"; 75_000];
    let body = json!({"model": "gpt-4o-mini", "messages": [], "x": many}).to_string();
    assert_eq!(house.chat(&body).status, 503);
    assert_eq!(house.gate.inflight_bytes(), 0);
}

#[test]
fn a_name_in_which_something_is_found_is_shown_nowhere() {
    let secret = "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8";
    for any in [false, true] {
        let house = House::build(Plan { any, ..Plan::default() });
        let reply = house.chat(&json!({"model": secret, "messages": []}).to_string());
        assert!((400..500).contains(&reply.status) && !reply.text().contains(secret), "{}", reply.text());
        assert!(house.journal.all().iter().all(|one| !one.bytes.contains(secret)));
    }
    let house = House::new();
    let reply = house.chat(&json!({"model": "m".repeat(257), "messages": []}).to_string());
    assert!(reply.status == 400 && reply.text().contains("256 bytes"), "{}", reply.text());
}

#[test]
fn a_conversation_keeps_its_pseudonyms_however_it_is_spelt() {
    let house = House::new();
    house.upstream.always(Answer::json(canned::chat("m", "fine")));
    let text = "I am ada@example.org";
    let rows = [
        json!(text),
        json!([{"type": "text", "text": text}]),
        json!([{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]),
    ];
    let tokens: Vec<String> = rows
        .iter()
        .map(|content| {
            assert_eq!(house.chat(&asking(content)).status, 200);
            let seen = house.seen();
            let at = seen.find("EMAIL_").expect("a pseudonym");
            seen[at..at + 16].to_owned()
        })
        .collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
}

#[test]
fn fields_that_lead_elsewhere_are_refused() {
    let house = House::new();
    let rows = [
        (r#""provider":{"order":["x"]}"#, "`provider`"),
        (r#""models":["other"]"#, "`models`"),
        (r#""api_base":"http://example.org""#, "`api_base`"),
        (r#""container":"c_1""#, "`container`"),
        (r#""container":{"id":"container_1"}"#, "`container`"),
        (r#""container":{"skills":[],"\u0049d":"container_1"}"#, "`container`"),
    ];
    for (field, says) in rows {
        let reply = house.chat(&format!(r#"{{"model":"gpt-4o-mini","messages":[],{field}}}"#));
        assert!(reply.status == 400 && reply.text().contains(says), "{field}: {}", reply.text());
    }
    let twice = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":[{"type":"file","Type":"text","text":"hi"}]}]}"#;
    assert_eq!(house.chat(twice).status, 400);
    let query = Call::new("POST", "/v1/chat/completions?key=bzk_abc", asking(&json!("hi")));
    assert_eq!(house.send(&query).status, 400);
    assert_eq!(house.send(&Call::chat(asking(&json!("hi"))).and("host", "other")).status, 400);
    let reply = house.send(&Call::new("GET", "/v1/chat/completions", ""));
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
    assert!(house.upstream.requests().is_empty());
}

#[test]
fn an_error_without_json_keeps_status_and_headers() {
    let house = House::new();
    for (status, kind, body) in [(429, "text/plain", ""), (503, "text/html", "<html>no</html>")] {
        house.upstream.push(Answer::whole(status, kind, body).with_header("retry-after", "7"));
        let reply = house.chat(&asking(&json!("hi")));
        assert_eq!((reply.status, reply.header("retry-after")), (status, Some("7")));
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert!(reply.json()["error"]["message"].as_str().unwrap().contains(&status.to_string()));
    }
}

/// Base64 of so many bytes that nobody would take for anything.
fn base64(begins: &str, letters: usize) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(alphabet[(state >> 26) as usize])
    };
    format!("{begins}{}", (begins.len()..letters).map(|_| next()).collect::<String>())
}

#[test]
fn what_is_no_text_hides_no_keys() {
    let house = House::new();
    house.upstream.always(Answer::json(canned::chat("m", "fine")));
    let key = format!("sk-ant-api03-{}", &base64("", 200).replace(['+', '/'], "x")[..95]);
    let url = |media: &str, data: &str| json!([{"type": "image_url", "image_url": {"url": format!("data:{media};base64,{data}")}}]);
    let png = base64("iVBORw0KGgoAAAANSUhEUgAA", 4_000);
    let rows = [
        (json!([{"type": "text", "text": "hi", "signature": key}]), 403),
        (json!([{"type": "text", "text": "hi", "signature": base64("", 80)}]), 200),
        (json!([{"type": "thinking", "thinking": "hi", "signature": base64("", 80)}]), 200),
        (json!([{"type": "thinking", "thinking": "hi", "signature": format!("{key}x")}]), 403),
        (json!([{"type": "redacted_thinking", "data": base64("", 80)}]), 200),
        (json!([{"type": "redacted_thinking", "data": format!("{}-{key}", base64("", 79))}]), 403),
        (json!([{"type": "text", "text": "hi", "thoughtSignature": base64("", 80)}]), 200),
        (url("image/png", &png), 200),
        (url("image/png", &key), 403),
        (url("image/png", &format!("{png}/{key}")), 403),
        (url("image/png", &base64("", 4_000)), 403),
        (url("image/svg+xml", &base64("PHN2ZyB4bWxucz0i", 400)), 403),
        (url("image/png;for=ada@example.org", &png), 403),
        (url("image/jpeg", &base64("/9j/4AAQSkZJRgABAQ", 4_000)), 200),
        (url("image/webp", &base64("UklGRiQAAABXRUJQ", 4_000)), 200),
    ];
    for (content, status) in rows {
        let reply = house.chat(&asking(&content));
        assert_eq!(reply.status, status, "{content}: {}", reply.text());
        assert!(!reply.text().contains(&key[..30]), "{}", reply.text());
    }
}

#[test]
fn large_images_cost_little_even_when_they_are_full_of_prefixes() {
    let house = House::new();
    house.upstream.always(Answer::json(canned::chat("m", "fine")));
    for data in [base64("iVBORw0KGgoAAAANSUhEUgAA", 4_000_000), format!("iVBORw0KGgoAAAANSUhEUgAA{}", "AKIA".repeat(250_000))] {
        let url = format!("data:image/png;base64,{data}");
        let reply = house.chat(&asking(&json!([{"type": "image_url", "image_url": {"url": url}}])));
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

/// A provider's identifier comes back with every request of a conversation. A number alone may be a value that somebody put there.
#[test]
fn identifiers_of_tool_calls_may_hold_digits() {
    let house = House::new();
    house.upstream.always(Answer::json(canned::chat("m", "fine")));
    let chat = |id: &str| {
        let call =
            json!({"role": "assistant", "tool_calls": [{"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
        let result = json!({"role": "tool", "tool_call_id": id, "content": "ok"});
        Call::chat(json!({"model": "gpt-4o-mini", "messages": [call, result]}).to_string())
    };
    let messages = |id: &str| {
        let call = json!({"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "f", "input": {}}]});
        let result = json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "ok"}]});
        Call::messages(json!({"model": "gpt-4o-mini", "max_tokens": 9, "messages": [call, result]}).to_string())
    };
    let rows = [
        ("call_4111111111111111", 200),
        ("call-4111111111111111", 200),
        ("c0ffee-628-555-0143", 200),
        ("4111111111111111", 403),
        ("call 4111111111111111", 403),
        ("ada@example.org", 403),
        ("ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8", 403),
    ];
    for (id, status) in rows {
        for call in [chat(id), messages(id)] {
            let reply = house.send(&call);
            assert_eq!(reply.status, status, "{id}: {}", reply.text());
            assert_eq!(reply.decision(), if status == 200 { "permit" } else { "blocked" }, "{id}");
        }
    }
}
