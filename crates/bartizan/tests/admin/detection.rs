//! Detection as a service by the real process.

use std::process::Stdio;

use serde_json::{Value, json};

use super::{Up, call, folder, good, member};

fn ask(up: &Up, token: &str, path: &str, body: &Value) -> (u16, Value) {
    let headers = format!("content-type: application/json\r\nauthorization: Bearer {token}\r\n");
    let (status, text) = call(up.at("admin"), &format!("POST {path}"), &headers, &body.to_string());
    (status, super::json(&text))
}

#[test]
fn a_token_for_texts_and_words_that_outlive_the_process() {
    let (_dir, data) = folder();
    let up = Up::start(&data);
    let token = member(&good(&data, &["tokens", "create", "--name", "t", "--scope", "detect", "--format", "json"]), "token");
    let hashed = json!({ "text": "mail ada@example.com", "operator": "hash" });
    let (status, first) = ask(&up, &token, "/api/v1/redact", &hashed);
    assert!(status == 200 && first["text"].as_str().unwrap().starts_with("mail [EMAIL:"), "{first}");
    let (status, found) = ask(&up, &token, "/analyze", &json!({ "text": "mail ada@example.com", "language": "en" }));
    assert_eq!((status, &found[0]["entity_type"]), (200, &json!("EMAIL_ADDRESS")));
    let headers = format!("authorization: Bearer {token}\r\n");
    assert_eq!(call(up.at("admin"), "GET /api/v1/events", &headers, "").0, 403, "it opens nothing else");
    assert_eq!(up.stop(), Some(0));
    let up = Up::start(&data);
    assert_eq!(ask(&up, &token, "/api/v1/redact", &hashed).1, first, "the same word after a restart");
    // Another folder has another key.
    let (_other_dir, other) = folder();
    let elsewhere = Up::start(&other);
    let admin = std::fs::read_to_string(elsewhere.ready["admin_token_file"].as_str().unwrap()).unwrap();
    assert_ne!(ask(&elsewhere, admin.trim(), "/api/v1/redact", &hashed).1, first);
}

#[test]
fn no_text_is_in_the_log_or_in_the_folder() {
    let (_dir, data) = folder();
    let log = data.with_extension("log");
    let file = std::fs::File::create(&log).unwrap();
    let up = Up::with(&data, |command| command.env("BARTIZAN_LOG", "trace").stderr(Stdio::from(file)));
    let admin = std::fs::read_to_string(up.ready["admin_token_file"].as_str().unwrap()).unwrap();
    let text = "Dear Zerbinetta, mail zerbinetta@example.com";
    for (path, body) in [
        ("/api/v1/detect", json!({ "text": text, "names": true })),
        ("/api/v1/redact", json!({ "text": text, "operator": "surrogate" })),
        ("/api/v1/redact", json!({ "text": text, "operators": { text: "mask" } })),
        ("/analyze", json!({ "text": text, "correlation_id": "c" })),
        ("/analyze", json!({ "text": 1, "allow_list": [text] })),
        ("/anonymize", json!({ "text": text, "analyzer_results": [{ "entity_type": "X", "start": 0, "end": 4, "score": 1 }] })),
    ] {
        ask(&up, admin.trim(), path, &body);
    }
    assert_eq!(up.stop(), Some(0));
    let mut seen = std::fs::read(&log).unwrap();
    assert!(!seen.is_empty());
    let mut folders = vec![data];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => seen.extend(std::fs::read(entry.path()).unwrap()),
                _ => {}
            }
        }
    }
    assert!(!String::from_utf8_lossy(&seen).to_lowercase().contains("zerbinetta"));
}
