//! Values that are allowed by the configuration: in requests, in streams of answers, in detection as a service, for clients of Presidio,
//! where policies are explained, and from a reload on.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{Up, call, folder, good, json as parsed, refused};

const FREE: &str = "gate.listen = '127.0.0.1:0'\nadmin.listen = '127.0.0.1:0'\n";
const TEXT: &str = "write to support@acme.example or to Ada@Example.com, card 4111 1111 1111 1111";

/// A provider that says one text in pieces, and keeps what it was asked.
fn provider(text: &'static str) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(String::new()));
    let keeps = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut asked, mut buffer) = (Vec::new(), [0; 4096]);
            let body = loop {
                let read = stream.read(&mut buffer).unwrap();
                asked.extend_from_slice(&buffer[..read]);
                let shown = String::from_utf8_lossy(&asked).into_owned();
                let Some((head, body)) = shown.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
                if read == 0 || length.is_none_or(|length| body.len() >= length.parse().unwrap()) {
                    break body.to_owned();
                }
            };
            *keeps.lock().unwrap() = body;
            let event = |piece: &[u8]| {
                let delta = json!({"content": String::from_utf8_lossy(piece)});
                let choices = json!([{"index": 0, "delta": delta, "finish_reason": null}]);
                let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices});
                format!("data: {chunk}\n\n")
            };
            let answer = text.as_bytes().chunks(3).map(event).collect::<Vec<_>>().concat() + "data: [DONE]\n\n";
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{answer}").unwrap();
        }
    });
    (url, seen)
}

/// The texts of a stream, joined.
fn joined(events: &str) -> String {
    let data = events.lines().filter_map(|line| line.trim().strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.filter_map(|data| parsed(data)["choices"][0]["delta"]["content"].as_str().map(str::to_owned)).collect()
}

#[test]
fn what_is_allowed_passes_everywhere() {
    let (dir, data) = folder();
    let config = dir.path().join("bartizan.toml");
    let (url, seen) = provider("mail support@acme.example or eve@example.net, card 4111-1111-1111-1111.");
    let write = |allow: &str| {
        let providers = format!("[[providers]]\nname = 'p'\nkind = 'openai'\nbase_url = '{url}'\n[[models]]\nname = '*'\nprovider = 'p'\n");
        std::fs::write(&config, format!("{FREE}{providers}[guard]\n{allow}\n")).unwrap();
    };
    write("");
    let up = Up::from_file(&data, &config);
    let admin = std::fs::read_to_string(up.ready["admin_token_file"].as_str().unwrap()).unwrap();
    let own = format!("content-type: application/json\r\nauthorization: Bearer {}\r\n", admin.trim());
    // What the provider reads, what the client reads of its stream, and what is found for others.
    let asked = || {
        let body = json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": TEXT}]}).to_string();
        let (status, answer) = call(up.at("gate"), "POST /v1/chat/completions", "content-type: application/json\r\n", &body);
        assert_eq!(status, 200, "{answer}");
        let sent = parsed(&seen.lock().unwrap())["messages"][0]["content"].as_str().unwrap().to_owned();
        let count = |path: &str, body: Value, list: &str| {
            let (status, told) = call(up.at("admin"), path, &own, &body.to_string());
            assert_eq!(status, 200, "{told}");
            let told = parsed(&told);
            if list.is_empty() { told.as_array().unwrap().len() } else { told[list].as_array().unwrap().len() }
        };
        let detected = count("POST /api/v1/detect", json!({ "text": TEXT }), "findings");
        let entities = json!(["EMAIL_ADDRESS", "CREDIT_CARD"]);
        let analyzed = count("POST /analyze", json!({ "text": TEXT, "language": "en", "entities": entities }), "");
        (sent, joined(&answer), detected, analyzed)
    };
    let (sent, said, detected, analyzed) = asked();
    assert!(!sent.contains("acme") && !sent.contains("4111") && !said.contains("acme") && !said.contains("4111"), "{sent} {said}");
    assert_eq!((detected, analyzed), (3, 3));

    write("allow = ['support@acme.example', { label = 'pci.card', value = '4111111111111111' }]");
    good(&data, &["reload"]);
    let (sent, said, detected, analyzed) = asked();
    assert!(sent.starts_with("write to support@acme.example or to EMAIL_") && sent.ends_with(", card 4111 1111 1111 1111"), "{sent}");
    assert_eq!(said, "mail support@acme.example or [REDACTED_EMAIL], card 4111-1111-1111-1111.");
    assert_eq!((detected, analyzed), (1, 1));

    write("[[guard.allow]]\nlabel = 'pii.email'\npattern = '.*@(acme\\.example|example\\.com)'");
    good(&data, &["reload"]);
    let (sent, said, detected, analyzed) = asked();
    assert!(sent.starts_with("write to support@acme.example or to Ada@Example.com, card CARD_"), "{sent}");
    assert!(said.starts_with("mail support@acme.example or [REDACTED_EMAIL], card ") && !said.contains("4111"), "{said}");
    assert_eq!((detected, analyzed), (1, 1));

    let question = dir.path().join("body.json");
    let body = json!({ "body": { "model": "m", "messages": [{ "role": "user", "content": TEXT }] } });
    std::fs::write(&question, body.to_string()).unwrap();
    let told = good(&data, &["policy", "explain", question.to_str().unwrap(), "--config", config.to_str().unwrap()]);
    assert!(told.contains("pci.card") && !told.contains("pii.email"), "{told}");

    // What cannot be used does not come into force; it is told which entry it is, and not its value.
    for (allow, said) in [
        ("allow = ['x', { value = 'hush@acme.example', pattern = 'a' }]", "entry 2: give either `value` or `pattern`"),
        ("allow = [{ label = 'pii.email' }]", "entry 1: give either `value` or `pattern`"),
        ("allow = [{ label = 'pii.fone', value = 'hush@acme.example' }]", "there is no label `pii.fone`; did you mean `pii.phone`"),
        ("allow = ['hush@acme.example', '']", "entry 2: the value is empty"),
        ("allow = [{ pattern = 'hush' }]", "entry 1: a pattern needs a `label`"),
        ("allow = [{ label = 'pii', pattern = '.*' }]", "entry 1: the pattern matches the empty text"),
        ("allow = [{ label = 'pii', pattern = '(' }]", "entry 1: the pattern cannot be compiled"),
        ("allow = [{ label = 'pii', values = ['x'] }]", "unknown field `values`"),
        ("allow = [3]", "expected a value, or a table"),
    ] {
        write(allow);
        let told = refused(&data, &["reload"]).replace("\\\"", "\"");
        assert!(told.contains(said), "{allow}: {told}");
    }
    assert_eq!(asked().2, 1);
    assert_eq!(up.stop(), Some(0));
}
