//! What policy leaves alone reaches the other side byte for byte; headers by allow-list.

use bartizan_testkit::{Answer, canned};

use crate::harness::{Call, House, Plan, key};

/// Bodies in which nothing is found, written in ways that a parser would not give back.
const MESSAGES: &[&str] = &[
    r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}],"max_tokens":5}"#,
    "\r\n{ \"messages\" :\t[ {\"content\":\"hi\" , \"role\":\"user\"} ]\n,\"max_tokens\":5,   \"model\":\"gpt-4o-mini\" }\n \t",
    r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"a\u0062c \u00e9 \ud83d\ude00 \/ \b\f\n\r\t \" \\"}],"max_tokens":5}"#,
    r#"{"model":"gpt-4o-mini","max_tokens":5,"messages":[{"role":"user","content":"lone \ud800 and \udc00\ud800"}]}"#,
    r#"{"model":"gpt-4o-mini","max_tokens":5,"messages":[],"x":[1e400,-0,1.0,1E+2,12345678901234567890123,0.1e-7,-0.0,1.50]}"#,
    r#"{"model":"gpt-4o-mini","max_tokens":5,"messages":[],"unknown":{"a":1,"a":2,"":{},"A":[[],{}]},"unknown":null}"#,
    r#"{"model":"gpt-4o-mini","max_tokens":5,"messages":[{"role":"user","content":"日本語 ελληνικά עברית 👩‍👩‍👧 é"}]}"#,
    r#"{"\u006dodel":"gpt-4o-mini","max_tokens":5,"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":""}]}]}"#,
    r#"{"model":"gpt-4o-mini","max_tokens":5,"messages":[{"role":"user","content":"{\"a\": [1, 2.50, \"b\"]}"}],"temperature":0.70}"#,
];

/// Checks both directions of one exchange, in both formats.
fn check(house: &House, body: &str, answer: &str) {
    for call in [Call::chat(body), Call::messages(body)] {
        house.upstream.push(Answer::json(answer.to_owned()));
        let reply = house.send(&call);
        assert_eq!((reply.status, reply.text()), (200, answer.to_owned()), "{body}");
        assert_eq!(house.seen(), body);
        assert_eq!(reply.decision(), "permit");
        assert!(reply.header("bartizan-request-id").is_some() && reply.header("bartizan-coach").is_none());
    }
}

#[test]
fn clean_bodies_pass_byte_for_byte() {
    let house = House::new();
    for body in MESSAGES {
        check(&house, body, &canned::chat("m", "fine"));
        // What passes as a request passes as an answer.
        check(&house, body, body);
    }
}

#[test]
fn large_clean_bodies_pass_byte_for_byte() {
    let house = House::new();
    let text = "the quick brown fox jumps over the lazy dog; ".repeat(20_000);
    let body = format!(r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"{text}"}}]}}"#);
    check(&house, &body, &body);
    let chunked = Call { chunked: true, ..Call::chat(body.clone()) };
    house.upstream.push(Answer::json("{}"));
    assert_eq!(house.send(&chunked).status, 200);
    assert_eq!(house.seen(), body);
}

#[test]
fn clean_streams_pass_byte_for_byte_however_they_are_split() {
    let house = House::new();
    let chat = canned::chat_events("m", &["The ", "answer is", " forty", "-two, é 日本.", ""]).concat();
    let tool = canned::chat_tool_events("m", "look", &["{\"a", "\": [1, 2", "3], \"b\": \"c\\\"d", "\"}"]).concat();
    let message = canned::message_events("m", &["The ", "answer is", " forty", "-two."]).concat();
    let odd = ": hello\r\n\r\nid: 7\r\nevent: strange.new_thing\r\ndata: {\"rate\": [1, 2]}\r\n\r\nretry: 10\rdata:{\"x\":1}\r\rdata: {\"a\":\ndata: 1}\n\n\n\ndata: plain words\n\ndata: [DONE]\n\n";
    for events in [&chat, &tool, &message, odd] {
        let mut seed = 7_usize;
        for round in 0..12 {
            let mut next = || {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                seed >> 33
            };
            let cuts: Vec<usize> = (0..=round).map(|_| next() % events.len()).collect();
            house.upstream.push(Answer::stream_split(events.as_bytes(), &cuts));
            let reply = house.chat(r#"{"model":"gpt-4o-mini","stream":true,"messages":[]}"#);
            assert_eq!(reply.text(), *events, "{cuts:?}");
            assert!(reply.whole);
            assert_eq!(reply.header("content-type"), Some("text/event-stream"));
        }
    }
}

#[test]
fn a_compressed_answer_is_unpacked() {
    let house = House::new();
    let answer = canned::chat("m", "fine");
    house.upstream.push(Answer::json(answer.clone()).gzipped());
    let reply = house.chat(r#"{"model":"gpt-4o-mini","messages":[]}"#);
    assert_eq!((reply.text(), reply.header("content-encoding")), (answer, None));
    let events = canned::chat_events("m", &["one", "two"]).concat();
    house.upstream.push(Answer::stream([events.clone()]).gzipped());
    let reply = house.chat(r#"{"model":"gpt-4o-mini","stream":true,"messages":[]}"#);
    assert_eq!((reply.text(), reply.header("content-encoding")), (events, None));
}

#[test]
fn an_alias_rewrites_the_model_and_nothing_else() {
    let house = House::new();
    house.upstream.push(Answer::json("{}"));
    assert_eq!(house.chat("{ \"messages\":[],\t\"model\" : \"ali\\u0061s\",\"n\":1.0}").status, 200);
    assert_eq!(house.seen(), "{ \"messages\":[],\t\"model\" : \"the \\\"real\\\" one\",\"n\":1.0}");
}

/// A valid trace context.
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Headers of a request, and whether the provider gets them.
const OUT: &[(&str, &str, bool)] = &[
    ("accept", "text/event-stream", true),
    ("content-type", "application/json; charset=UTF-8", true),
    ("anthropic-version", "2023-06-01", true),
    ("anthropic-beta", "tools-2024", true),
    ("openai-organization", "org-a", true),
    ("x-stainless-lang", "python", true),
    ("traceparent", PARENT, true),
    ("tracestate", "a=1,b=2", true),
    ("baggage", "user=ada", false),
    ("cookie", "a=b", false),
    ("x-forwarded-for", "10.1.2.3", false),
    ("x-real-ip", "10.1.2.3", false),
    ("forwarded", "for=10.1.2.3", false),
    ("user-agent", "python", false),
    ("referer", "http://localhost/", false),
    ("origin", "http://localhost:3000", false),
    ("x-api-key", "sk-of-the-client", false),
    ("x-goog-api-key", "AI-of-the-client", false),
    ("bartizan-conversation", "c1", false),
    ("x-anything-else", "1", false),
];

#[test]
fn request_headers_pass_by_a_list() {
    let house = House::new();
    house.upstream.push(Answer::json("{}"));
    let call = OUT.iter().fold(Call::chat(r#"{"model":"gpt-4o-mini","messages":[]}"#), |call, (name, value, _)| call.with(name, value));
    assert_eq!(house.send(&call).status, 200);
    let seen = house.upstream.requests().pop().unwrap();
    for (name, value, passes) in OUT {
        assert_eq!(seen.header(name), passes.then_some(*value), "{name}");
    }
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
    assert_eq!(seen.header("authorization"), Some("Bearer sk-provider"));
    assert!(seen.headers.iter().all(|(_, value)| !value.contains("bzk_")));
}

#[test]
fn answer_headers_pass_by_a_list() {
    let house = House::new();
    let given = [
        ("x-request-id", "r1", true),
        ("request-id", "ada@corp-mail.com", false),
        ("openai-version", "4111111111111111", false),
        ("openai-organization", "org-20261126 2026-11-26", true),
        ("server-timing", "x;desc=\"ada@corp-mail.com\"", false),
        ("x-ratelimit-4111111111111111", "1", false),
        ("anthropic-organization-id", "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8", false),
        ("openai-model", "4111-1111-1111-1111", false),
        ("openai-processing-ms", "17", true),
        ("x-should-retry", "key ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8", false),
        ("retry-after", "3", true),
        ("x-ratelimit-remaining-tokens", "9", true),
        ("anthropic-ratelimit-requests-limit", "9", true),
        ("set-cookie", "a=b", false),
        ("etag", "\"x\"", false),
        ("digest", "sha-256=x", false),
        ("content-md5", "x", false),
        ("access-control-allow-origin", "*", false),
        ("server", "nginx", false),
        ("bartizan-decision", "forged", false),
        ("location", "http://evil.example/", false),
    ];
    let with = |answer: Answer| given.iter().fold(answer, |answer, (name, value, _)| answer.with_header(name, value));
    for answer in [with(Answer::json("{}").with_status(429)), with(Answer::stream(["data: {}\n\n"]).with_status(429))] {
        house.upstream.push(answer);
        let reply = house.chat(r#"{"model":"gpt-4o-mini","messages":[]}"#);
        assert_eq!(reply.status, 429);
        for (name, value, passes) in given {
            let expected = if name == "bartizan-decision" { Some("permit") } else { passes.then_some(value) };
            assert_eq!(reply.header(name), expected, "{name}");
        }
    }
}

/// Who pays: headers of the client, and the credential that the provider gets.
type Paying<'a> = (&'a [(&'a str, String)], Option<(&'a str, &'a str)>);

#[test]
fn a_virtual_key_never_reaches_the_provider() {
    let house = House::build(Plan { api_key: None, pass_client_key: true, ..Plan::default() });
    let ours = key(1);
    let rows: &[Paying] = &[
        (&[("authorization", format!("Bearer {ours}"))], None),
        (&[("authorization", format!("Bearer  {ours}"))], None),
        (&[("authorization", format!("Bearer \t {ours}"))], None),
        (&[("authorization", format!("bearer {ours}"))], None),
        (&[("x-api-key", ours.clone())], None),
        (&[("x-goog-api-key", ours.clone())], None),
        (&[("authorization", format!("Bearer bza_{}", &ours[4..])), ("x-api-key", ours.clone())], None),
        (&[("authorization", "Bearer the-administrators-own-word".to_owned()), ("x-api-key", ours.clone())], None),
        (&[("authorization", format!("Bearer {ours}")), ("x-api-key", "sk-mine".to_owned())], Some(("authorization", "Bearer sk-mine"))),
        (&[("authorization", "Bearer sk-mine".to_owned()), ("x-api-key", ours.clone())], Some(("authorization", "Bearer sk-mine"))),
    ];
    for (headers, expected) in rows {
        house.upstream.forget();
        house.upstream.push(Answer::json("{}"));
        let call = Call::chat(r#"{"model":"gpt-4o-mini","messages":[]}"#).with("authorization", "");
        let call = headers.iter().fold(call, |call, (name, value)| call.with(name, value));
        assert_eq!(house.send(&call).status, 200, "{headers:?}");
        let seen = house.upstream.requests().pop().unwrap();
        assert!(seen.headers.iter().all(|(_, value)| !value.contains("bzk_")), "{headers:?}: {seen:?}");
        let credential = seen.headers.iter().find(|(name, _)| name == "authorization" || name == "x-api-key");
        assert_eq!(credential.map(|(name, value)| (name.as_str(), value.as_str())), *expected, "{headers:?}");
    }
}

/// What a provider sees outside the body is inspected like the body; it cannot be edited, so it blocks.
#[test]
fn nothing_slips_through_beside_the_body() {
    let house = House::new();
    let body = r#"{"model":"gpt-4o-mini","messages":[]}"#;
    let rows = [
        Call::chat(body).with("openai-organization", "ada@example.org"),
        Call::chat(body).with("x-stainless-note", "4111111111111111"),
        Call::chat(body).with("x-stainless-4111111111111111", "note"),
        Call::chat(body).with("traceparent", PARENT).with("tracestate", "a=4111111111111111"),
        Call::chat(body).with("anthropic-beta", &key(1)),
        Call::chat(body).with("x-stainless-note", &key(2).replace("bzk_", "bza_")),
        Call::chat(body).with("accept", "text/html; by=ada@example.org"),
        Call::chat(body).with("content-type", "application/json; by=\"ada@example.org\""),
        Call::new("POST", "/v1/chat/completions?user=ada%40example.org", body),
        Call::new("GET", "/v1/models", "").with("x-stainless-note", "4111111111111111"),
        Call::new("GET", "/v1/models?after_id=ada%40example.org", ""),
        Call::new("GET", "/v1/models?key=bzk_x", ""),
        Call::new("GET", "/v1/models?key=bzk%5Fx", ""),
        Call::new("GET", "/v1/models?key=bza_x", ""),
    ];
    for call in rows {
        let any = House::build(Plan { any: true, ..Plan::default() });
        any.upstream.always(Answer::json("{\"data\":[]}"));
        let reply = if call.method == "GET" { any.send(&call) } else { house.send(&call) };
        if call.method == "POST" {
            assert_eq!((reply.status, reply.decision()), (403, "blocked"), "{call:?}");
        }
        assert!(house.upstream.requests().is_empty() && any.upstream.requests().is_empty(), "{call:?}");
    }
    let any = House::build(Plan { any: true, ..Plan::default() });
    any.upstream.always(Answer::json("{\"data\":[]}"));
    assert_eq!(any.send(&Call::new("GET", "/v1/models?limit=5&after_id=m", "").with("x-stainless-lang", "js")).text(), "{\"data\":[]}");
    assert_eq!(any.upstream.requests()[0].path, "/v1/models?limit=5&after_id=m");
    assert_eq!(any.journal.kinds(), "request response end");
}

/// A query is read as whoever takes it apart reads it, and what it says may be written in ways of its own.
#[test]
fn a_value_in_a_query_is_found_however_it_is_written() {
    let house = House::new();
    let body = r#"{"model":"gpt-4o-mini","messages":[]}"#;
    for query in [
        "a=4111+1111+1111+1111",
        "a=ada%40example.org",
        "a=DE89%26%2351;70400440532013000",
        "a=ada%26commat;example.org",
        "a=%2B33612345678",
    ] {
        house.upstream.forget();
        let reply = house.send(&Call::new("POST", &format!("/v1/chat/completions?{query}"), body));
        assert_eq!((reply.status, house.upstream.requests().len()), (403, 0), "{query}: {}", reply.text());
    }
    let clean = house.send(&Call::new("POST", "/v1/chat/completions?a=b%20c+d&e=%26%2351;", body));
    assert_eq!(clean.status, 200, "{}", clean.text());
}
