//! Bad input gets a 4xx in the caller's format with a sentence that helps, and an entry; never a pass-through.

use std::io::Write;
use std::time::{Duration, Instant};

use bartizan_gateway::{Limits, Timeouts};
use bartizan_testkit::{Answer, canned};
use bartizan_wire::json::JsonLimits;
use serde_json::{Value, json};

use crate::harness::{Call, House, Plan, Wire, key};

const GEMINI: &str = r#"{"contents":[]}"#;
const GOOD: &str = r#"{"model":"gpt-4o-mini","messages":[]}"#;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).unwrap()
}

fn house() -> House {
    let limits = Limits { body_bytes: 100_000, json: JsonLimits { depth: 16, nodes: 1_000 }, ..Limits::default() };
    House::build(Plan { limits, ..Plan::default() })
}

/// The error in a format: message, type and, where the format has one, code.
fn error(call: &Call, body: &Value) -> (String, String, Option<String>) {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if call.path.starts_with("/v1beta") || call.path.contains(':') {
        assert!(body["error"]["code"].is_number() && body["error"].as_object().unwrap().len() == 3, "{body}");
        return (word(&body["error"]["message"]), word(&body["error"]["status"]), None);
    }
    if call.path.starts_with("/v1/messages") {
        assert_eq!((&body["type"], body.as_object().unwrap().len()), (&json!("error"), 3), "{body}");
        return (word(&body["error"]["message"]), word(&body["error"]["type"]), None);
    }
    assert_eq!((&body["error"]["param"], body["error"].as_object().unwrap().len()), (&Value::Null, 4), "{body}");
    (word(&body["error"]["message"]), word(&body["error"]["type"]), Some(word(&body["error"]["code"])))
}

/// One refusal: status, shape, headers, what is recorded, and that the provider saw nothing.
fn check(house: &House, name: &str, call: &Call, status: u16, kind: &str, says: &str) {
    house.journal.clear();
    house.upstream.forget();
    let reply = house.send(call);
    let what = format!("{name}: {} {}", reply.status, reply.text());
    assert_eq!(reply.status, status, "{what}");
    assert!(reply.whole && reply.header("content-type") == Some("application/json"), "{what}");
    assert_eq!(reply.decision(), "blocked", "{what}");
    let (message, word, code) = error(call, &reply.json());
    assert!(message.contains(says) && word == kind && code.is_none_or(|code| !code.is_empty()), "{what}");
    assert!(house.upstream.requests().is_empty(), "{what}");
    let known = status != 401 && !says.contains("gate is not addressed") && !says.contains("other origins") && !says.contains("`Host`");
    let recorded = house.journal.all();
    if known {
        assert_eq!(recorded.len(), 1, "{what}");
        assert_eq!((recorded[0].kind, recorded[0].decision.as_str(), recorded[0].status), ("request", "blocked", Some(status)), "{what}");
        let event = recorded[0].event.as_ref().unwrap();
        assert_eq!(
            (event["status"].as_u64(), event["request_id"].as_str()),
            (Some(u64::from(status)), reply.header("bartizan-request-id"))
        );
    } else {
        assert!(recorded.is_empty(), "{what}");
        house.gate.flush_refusals();
        assert_eq!(house.journal.kinds(), "refusals", "{what}");
    }
}

#[test]
fn a_body_that_cannot_be_read_is_refused() {
    let house = house();
    let deep = format!(r#"{{"model":"gpt-4o-mini","messages":[],"x":{}1{}}}"#, "[".repeat(20), "]".repeat(20));
    let many = format!(r#"{{"model":"gpt-4o-mini","messages":[],"x":[{}1]}}"#, "1,".repeat(1_000));
    let rows: &[(&str, &str, &str)] = &[
        ("empty", "", "not JSON"),
        ("not JSON", "hello", "not JSON at byte 0"),
        ("half", r#"{"model":"#, "not JSON"),
        ("trailing text", r#"{"model":"gpt-4o-mini","messages":[]} {"model":"other"}"#, "text after the JSON value"),
        ("two values", r#"{"model":"gpt-4o-mini","messages":[]}{}"#, "text after"),
        ("array", "[]", "must be a JSON object"),
        ("comment", r#"{"model":"gpt-4o-mini",/* x */"messages":[]}"#, "not JSON"),
        ("single quotes", "{'model':'gpt-4o-mini'}", "not JSON"),
        ("NaN", r#"{"model":"gpt-4o-mini","messages":[],"x":NaN}"#, "not JSON"),
        ("byte order mark", "\u{feff}{\"model\":\"gpt-4o-mini\",\"messages\":[]}", "not JSON"),
        ("too deep", &deep, "nested deeper than 16"),
        ("too many values", &many, "more than 1000 values"),
        ("model twice", r#"{"model":"gpt-4o-mini","model":"other","messages":[]}"#, "`model` occurs more than once"),
        ("messages twice", r#"{"model":"gpt-4o-mini","messages":[],"messages":[]}"#, "`messages` occurs"),
        ("Model", r#"{"Model":"gpt-4o-mini","messages":[]}"#, "`model` occurs"),
        ("escaped", r#"{"model":"gpt-4o-mini","\u006dodel":"other","messages":[]}"#, "`model` occurs"),
        ("long s", r#"{"model":"gpt-4o-mini","messages":[],"\u017ftream":true}"#, "`stream` occurs"),
        ("two roles", r#"{"model":"gpt-4o-mini","messages":[{"role":"user","role":"system"}]}"#, "`role` occurs"),
        ("no model", r#"{"messages":[]}"#, "`model` is missing"),
        ("empty model", r#"{"model":"","messages":[]}"#, "not empty"),
        ("model is a number", r#"{"model":1,"messages":[]}"#, "`model` must be a string"),
        ("no messages", r#"{"model":"gpt-4o-mini"}"#, "`messages` is missing"),
        ("stream is a word", r#"{"model":"gpt-4o-mini","messages":[],"stream":"yes"}"#, "`stream` must be"),
        ("logprobs", r#"{"model":"gpt-4o-mini","messages":[],"top_logprobs":2}"#, "`top_logprobs` cannot be inspected"),
    ];
    for (name, body, says) in rows {
        check(&house, name, &Call::chat(*body), 400, "invalid_request_error", says);
        check(&house, name, &Call::messages(*body), 400, "invalid_request_error", says);
        check(&house, name, &Call::new("POST", "/v1/messages/count_tokens", *body), 400, "invalid_request_error", says);
    }
    check(&house, "invalid UTF-8", &Call::chat(b"{\"model\":\"\xff\"}".to_vec()), 400, "invalid_request_error", "not UTF-8 at byte 10");
}

#[test]
fn types_encodings_and_sizes() {
    let house = house();
    let chat = || Call::chat(GOOD);
    let (bad, large) = ("invalid_request_error", "invalid_request_error");
    let bomb = vec![b' '; 5_000_000];
    let mut broken = gzip(GOOD.as_bytes());
    broken.truncate(broken.len() - 9);
    let mut damaged = zstd(&GOOD.repeat(40).into_bytes());
    damaged.truncate(damaged.len() / 2);
    let rows: Vec<(&str, Call, u16, &str)> = vec![
        ("no type", chat().with("content-type", ""), 415, "application/json"),
        ("form", chat().with("content-type", "application/x-www-form-urlencoded"), 415, "application/json"),
        ("text", chat().with("content-type", "text/plain"), 415, "application/json"),
        ("two types", chat().and("content-type", "application/json; charset=utf-16"), 415, "once"),
        ("charset", chat().with("content-type", "application/json; charset=utf-16"), 400, "UTF-8"),
        ("latin", chat().with("content-type", "application/json;charset=\"ISO-8859-1\""), 400, "UTF-8"),
        ("br", chat().with("content-encoding", "br"), 415, "gzip or zstd"),
        ("twice", chat().with("content-encoding", "gzip, gzip"), 415, "gzip or zstd"),
        ("gzip that is none", chat().with("content-encoding", "gzip"), 400, "not in the encoding"),
        ("zstd that is none", chat().with("content-encoding", "zstd"), 400, "not in the encoding"),
        ("half gzip", Call::chat(broken).with("content-encoding", "gzip"), 400, "not in the encoding"),
        ("half zstd", Call::chat(damaged).with("content-encoding", "zstd"), 400, "not"),
        ("gzip bomb", Call::chat(gzip(&bomb)).with("content-encoding", "gzip"), 413, "inflates beyond 100000"),
        ("zstd bomb", Call::chat(zstd(&bomb)).with("content-encoding", "zstd"), 413, "inflates beyond 100000"),
        ("too long", Call::chat(vec![b' '; 100_001]), 413, "larger than 100000"),
        ("said to be long", chat().with("content-length", "99999999999"), 413, "larger than 100000"),
        ("too long in chunks", Call { chunked: true, ..Call::chat(vec![b' '; 150_000]) }, 413, "larger than 100000"),
    ];
    for (name, call, status, says) in rows {
        check(&house, name, &call, status, if status == 413 { large } else { bad }, says);
    }
    let anthropic = Call::messages(vec![b' '; 100_001]);
    check(&house, "anthropic too long", &anthropic, 413, "request_too_large", "larger than 100000");
}

#[test]
fn good_encodings_are_read() {
    let house = house();
    for (encoding, body) in
        [("gzip", gzip(GOOD.as_bytes())), ("x-gzip", gzip(GOOD.as_bytes())), ("zstd", zstd(GOOD.as_bytes())), ("identity", GOOD.into())]
    {
        house.upstream.push(Answer::json("{}"));
        assert_eq!(house.send(&Call::chat(body).with("content-encoding", encoding)).status, 200, "{encoding}");
        assert_eq!(house.seen(), GOOD);
        assert_eq!(house.upstream.requests().pop().unwrap().header("content-encoding"), None);
    }
}

#[test]
fn callers_hosts_and_origins() {
    let house = house();
    let chat = || Call::chat(GOOD);
    let rows: Vec<(&str, Call, u16, &str)> = vec![
        ("no key", chat().with("authorization", ""), 401, "virtual key is needed"),
        ("empty", chat().with("authorization", "Bearer "), 401, "key"),
        ("foreign key", chat().with("authorization", "Bearer sk-123"), 401, "virtual key is needed"),
        ("unknown or revoked", chat().with("authorization", &format!("Bearer {}", key(9))), 401, "not known here, or was revoked"),
        (
            "damaged",
            chat().with("authorization", "Bearer bzk_abc"),
            401,
            "this is not a whole virtual key; make one with `bartizan keys create",
        ),
        ("a token", chat().with("authorization", &format!("Bearer {}", key(1).replace("bzk_", "bzt_"))), 401, "this is the other one"),
        ("two keys", chat().with("x-api-key", &key(2)), 401, "different keys"),
        ("no scheme", chat().with("authorization", &key(1)), 401, "Bearer"),
        ("host", chat().with("host", "evil.example"), 403, "gate is not addressed as `evil.example`"),
        ("host like ours", chat().with("host", "gate.example.evil.example:8080"), 403, "gate is not addressed"),
        ("rebound", chat().with("host", "localhost.evil.example"), 403, "gate is not addressed"),
        ("origin", chat().with("origin", "https://evil.example"), 403, "other origins"),
        ("null origin", chat().with("origin", "null"), 403, "other origins"),
        ("file origin", chat().with("origin", "file://"), 403, "other origins"),
    ];
    for (name, call, status, says) in rows {
        check(&house, name, &call, status, if status == 401 { "authentication_error" } else { "permission_error" }, says);
        let anthropic = Call { path: "/v1/messages".to_owned(), ..call };
        check(&house, name, &anthropic, status, if status == 401 { "authentication_error" } else { "permission_error" }, says);
    }
    let in_query = Call { path: "/v1/chat/completions?key=bzk_x".to_owned(), ..chat().with("authorization", "") };
    check(&house, "key in the query", &in_query, 401, "authentication_error", "send it in one of the headers");
    for (host, origin) in
        [("gate.example", "https://gate.example"), ("127.0.0.1:8080", "http://localhost:3000"), ("[::1]:8080", "http://[::1]:3000")]
    {
        house.upstream.push(Answer::json("{}"));
        assert_eq!(house.send(&chat().with("host", host).with("origin", origin)).status, 200, "{host} {origin}");
    }
}

#[test]
fn the_target_and_the_host_header_name_one_place() {
    let house = house();
    let rows = [
        ("http://localhost", "localhost", 200),
        ("http://LOCALHOST:80", "localhost:80", 200),
        ("http://gate.example", "", 200),
        ("http://localhost", "evil.example", 400),
        ("http://evil.example", "localhost", 400),
        ("http://gate.example", "localhost", 400),
        ("http://localhost:1", "localhost", 400),
        ("http://evil.example", "", 403),
    ];
    for (target, host, status) in rows {
        house.upstream.push(Answer::json("{}"));
        let call = Call { path: format!("{target}/v1/chat/completions"), ..Call::chat(GOOD).with("host", host) };
        let reply = house.send(&call);
        assert_eq!(reply.status, status, "{target} {host}: {}", reply.text());
    }
}

#[test]
fn what_is_inflated_is_counted_as_it_comes_and_keeps_nobody_waiting() {
    let house = House::new();
    house.upstream.always(Answer::json("{}"));
    // More of them than the gate has threads.
    let body = gzip(&[GOOD.as_bytes(), &vec![b' '; 48 << 20]].concat());
    let call = Call::chat(body).with("content-encoding", "gzip");
    let mut wires: Vec<Wire> = (0..4).map(|_| Wire::open(house.address)).collect();
    for wire in &mut wires {
        wire.send(&call);
    }
    let began = Instant::now();
    // One of them in part: between what was sent and what comes out.
    while !(12 << 20..40 << 20).contains(&house.gate.inflight_bytes()) {
        assert!(began.elapsed() < Duration::from_secs(20), "nothing was seen on its way: {}", house.gate.inflight_bytes());
        std::thread::yield_now();
    }
    assert_eq!(house.send(&Call::new("GET", "/v1/models", "")).status, 200);
    assert!(house.gate.inflight_bytes() < 80 << 20, "it had to wait until as many as there are threads were inflated");
    for wire in wires {
        assert_eq!(wire.reply().status, 200);
    }
    let limits = Limits { inflight_bytes: 8 << 20, ..Limits::default() };
    let house = House::build(Plan { limits, ..Plan::default() });
    assert_eq!(house.send(&call).status, 503);
    assert_eq!(house.gate.inflight_bytes(), 0);
}

#[test]
fn models_and_routes() {
    let house = house();
    let chat = |model: &str| Call::chat(GOOD.replace("gpt-4o-mini", model));
    let messages = |model: &str| Call::messages(GOOD.replace("gpt-4o-mini", model));
    let count = |model: &str| Call::new("POST", "/v1/messages/count_tokens", GOOD.replace("gpt-4o-mini", model));
    let embed = |model: &str| Call::new("POST", "/v1/embeddings", format!("{{\"model\":\"{model}\",\"input\":\"x\"}}"));
    let limited = |call: Call| call.with("authorization", &format!("Bearer {}", key(3)));
    let rows: Vec<(&str, Call, u16, &str, &str)> = vec![
        ("unknown model", chat("nobody"), 404, "invalid_request_error", "`nobody` is not configured"),
        ("unknown model", messages("nobody"), 404, "not_found_error", "`nobody` is not configured"),
        ("not allowed", limited(chat("claude-sonnet")), 403, "permission_error", "may not use the model"),
        ("not allowed, unknown", limited(messages("nobody")), 403, "permission_error", "may not use the model"),
        ("other format", count("only-openai"), 404, "not_found_error", "served on `POST /v1/chat/completions`"),
        ("other format", embed("only-anthropic"), 404, "invalid_request_error", "served on `POST /v1/messages`"),
        ("other format", embed("only-gemini"), 404, "invalid_request_error", "served on `POST /v1beta/models/{model}:generateContent`"),
        ("no version", Call::new("POST", "/chat/completions", GOOD), 404, "invalid_request_error", "Did you mean `/v1/chat/completions`?"),
        ("twice", Call::new("POST", "/v1/v1/chat/completions", GOOD), 404, "invalid_request_error", "base URL to `http://…/v1`"),
        ("unknown route", Call::new("POST", "/v1/embedding", GOOD), 404, "invalid_request_error", "not spoken here"),
        ("no input", Call::new("POST", "/v1/embeddings", GOOD), 400, "invalid_request_error", "`input` is missing"),
        ("images", Call::new("POST", "/v1/images/edits", GOOD), 404, "invalid_request_error", "images cannot be inspected yet"),
        ("root", Call::new("GET", "/", ""), 404, "invalid_request_error", "not spoken here"),
        ("slash", Call::new("POST", "/v1/chat/completions/", GOOD), 404, "invalid_request_error", "not spoken here"),
        ("case", Call::new("POST", "/V1/chat/completions", GOOD), 404, "invalid_request_error", "not spoken here"),
        ("encoded", Call::new("POST", "/v1/chat%2fcompletions", GOOD), 404, "invalid_request_error", "not spoken here"),
        ("dots", Call::new("POST", "/v1/x/../chat/completions", GOOD), 404, "invalid_request_error", "not spoken here"),
        ("batches", Call::new("POST", "/v1/messages/batches", GOOD), 404, "not_found_error", "batches cannot be inspected yet"),
        ("gemini", Call::new("POST", "/v1beta/models/m:generateContent", GOOD), 400, "INVALID_ARGUMENT", "`contents` is missing"),
        ("gemini", Call::new("POST", "/v1beta/models/m:generateAnswer", GOOD), 404, "NOT_FOUND", "not spoken here"),
        ("gemini", Call::new("POST", "/v1beta/models/m%3AgenerateContent", GOOD), 404, "NOT_FOUND", "not spoken here"),
        ("gemini", Call::new("POST", "/v1beta/tunedModels/m:generateContent", GOOD), 404, "NOT_FOUND", "tuned models cannot be"),
        (
            "gemini",
            Call::new("GET", "/v1/models/m:countTokens", ""),
            405,
            "INVALID_ARGUMENT",
            "use `POST /v1beta/models/{model}:countTokens`",
        ),
        ("gemini", Call::gemini("generateContent", GEMINI).with("content-type", "text/plain"), 415, "INVALID_ARGUMENT", "application/json"),
        ("other format", Call::new("POST", "/v1/models/only-openai:countTokens", GEMINI), 404, "NOT_FOUND", "served on `POST /v1/chat"),
        (
            "not allowed",
            limited(Call::new("POST", "/v1beta/models/only-gemini:countTokens", GEMINI)),
            403,
            "PERMISSION_DENIED",
            "may not use",
        ),
        ("wrong method", Call::new("GET", "/v1/chat/completions", ""), 405, "invalid_request_error", "use `POST /v1/chat/completions`"),
        ("wrong method", Call::new("DELETE", "/v1/messages", ""), 405, "invalid_request_error", "use `POST /v1/messages`"),
        ("wrong method", Call::new("POST", "/v1/models", GOOD), 405, "invalid_request_error", "use `GET /v1/models`"),
        (
            "WebSocket",
            Call::new("GET", "/v1/responses", "").and("upgrade", "websocket"),
            426,
            "invalid_request_error",
            "send HTTP requests",
        ),
        ("WebSocket", Call::new("GET", "/v1/realtime", "").and("upgrade", "WebSocket"), 426, "invalid_request_error", "send HTTP requests"),
    ];
    for (name, call, status, kind, says) in rows {
        check(&house, name, &call, status, kind, says);
    }
    let reply = house.send(&limited(chat("claude-sonnet")));
    assert_eq!((reply.json()["error"]["code"].as_str(), reply.header("x-should-retry")), (Some("model_not_allowed"), Some("false")));
    let listed = house.send(&limited(Call::new("GET", "/v1/models", ""))).json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
    let known = house.journal.all().pop().unwrap();
    assert!(known.event.unwrap()["model"].is_null());
    house.journal.clear();
    house.send(&chat("ada@example.org"));
    let entry = house.journal.all().pop().unwrap().entry.to_bytes().unwrap();
    assert!(!String::from_utf8(entry).unwrap().contains("ada@"), "a name that only the client knows never enters the log");
}

#[test]
fn too_much_at_once_is_refused_and_given_back() {
    let limits = Limits { inflight_bytes: 5_000, ..Limits::default() };
    let house = House::build(Plan { limits, ..Plan::default() });
    house.upstream.always(Answer::json(canned::chat("m", "hi")));
    let reply = house.chat(&GOOD.replace("[]", &format!("[]{}", " ".repeat(6_000))));
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")), "{}", reply.text());
    for _ in 0..20 {
        assert_eq!(house.chat(GOOD).status, 200);
    }
    assert_eq!(house.gate.inflight_bytes(), 0);
}

#[test]
fn slow_clients_are_not_waited_for() {
    let timeouts = Timeouts { client: Duration::from_millis(300), ..Timeouts::default() };
    let house = House::build(Plan { timeouts, ..Plan::default() });
    // (what is sent first, then again and again): nothing at all, half a preface, half a head, a body that drips.
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nauthorization: Bearer {}\r\ncontent-length: 5000\r\n\r\n",
        key(1)
    );
    for (first, then) in [("", ""), ("PRI * HTTP/2.0\r\n", ""), ("POST /v1/chat", "x"), (head.as_str(), " ")] {
        let mut wire = Wire::open(house.address);
        wire.send_bytes(first.as_bytes());
        let began = Instant::now();
        while !then.is_empty() && began.elapsed() < Duration::from_millis(900) {
            wire.send_bytes(then.as_bytes());
            std::thread::sleep(Duration::from_millis(30));
        }
        let said = wire.rest();
        assert!(began.elapsed() < Duration::from_secs(3), "{first:?} was waited for");
        assert_eq!(said.contains("408"), first == head, "{first:?}: {said}");
    }
    assert_eq!(house.journal.all().last().unwrap().status, Some(408));
}
