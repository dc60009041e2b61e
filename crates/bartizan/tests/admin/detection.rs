//! Detection as a service by the real process.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use super::{Up, call, folder, good, member, until};

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

/// What the gate looks for, and all of it from a reload on.
#[test]
fn texts_are_looked_over_with_the_detector_of_the_gate() {
    let (dir, data) = folder();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("customers.csv"), "account,city\nAB-778812,Lisbon\n").unwrap();
    good(&data, &["exact", "build", &at("customers.csv"), "--primary", "account", "--with", "city", "-o", &at("customers.exact")]);
    std::fs::write(at("words.toml"), "[dictionary]\nlabel = 'custom.projects'\nwords = ['Blue Heron']\n").unwrap();
    std::fs::write(at("tickets.toml"), TICKETS).unwrap();
    let free = "gate.listen = '127.0.0.1:0'\nadmin.listen = '127.0.0.1:0'\n";
    std::fs::write(at("bartizan.toml"), free).unwrap();
    let up = Up::from_file(&data, Path::new(&at("bartizan.toml")));
    let admin = std::fs::read_to_string(up.ready["admin_token_file"].as_str().unwrap()).unwrap();
    let text = "Customer ab778812 of Lisbon met Mira Okafor about Blue Heron, TCK-20482, NINO AB123456C";
    let labels = || {
        let (status, said) = ask(&up, admin.trim(), "/api/v1/detect", &json!({ "text": text }));
        assert_eq!(status, 200, "{said}");
        said["findings"].as_array().unwrap().iter().map(|one| one["label"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let entities = |body: Value| {
        let (status, said) = ask(&up, admin.trim(), "/analyze", &body);
        let all = said.as_array().cloned().unwrap_or_default();
        (status, all.iter().map(|one| one["entity_type"].as_str().unwrap().to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(labels(), ["pii.id.uk_nino"]);
    assert_eq!(entities(json!({ "text": text, "entities": ["CUSTOM_TICKET"] })).0, 422);

    let own = |names: bool| {
        let (exact, words, tickets) = (at("customers.exact"), at("words.toml"), at("tickets.toml"));
        format!("{free}[guard]\nnames = {names}\nexact = ['{exact}']\nown_rules = ['{words}', '{tickets}']\n")
    };
    std::fs::write(at("bartizan.toml"), own(false)).unwrap();
    good(&data, &["reload"]);
    assert_eq!(labels(), ["proprietary.exact", "custom.projects", "custom.ticket", "pii.id.uk_nino"]);
    let asked = json!({ "text": text, "entities": ["CUSTOM_TICKET", "PROPRIETARY_EXACT"] });
    assert_eq!(entities(asked), (200, vec!["PROPRIETARY_EXACT".to_owned(), "CUSTOM_TICKET".to_owned()]));
    let (_, clean) = ask(&up, admin.trim(), "/api/v1/redact", &json!({ "text": "about Blue Heron" }));
    assert_eq!(clean["text"], "about [REDACTED_PROJECTS]");
    std::fs::write(at("bartizan.toml"), own(true)).unwrap();
    good(&data, &["reload"]);
    let named = labels();
    assert!(named.contains(&"pii.person".to_owned()) && named.contains(&"custom.ticket".to_owned()), "{named:?}");

    // A reload that is refused changes nothing here either.
    std::fs::write(at("bartizan.toml"), format!("{free}guard.own_rules = ['/no/such/file']\n")).unwrap();
    super::refused(&data, &["reload"]);
    assert_eq!(labels(), named);
    std::fs::write(at("bartizan.toml"), free).unwrap();
    up.signal("HUP");
    until("the reload is done", || labels() == ["pii.id.uk_nino"]);
}

const TICKETS: &str = r#"label = "custom.ticket"
description = "A ticket"
threshold = 0.5
severity = "low"
[[rule]]
id = "custom.ticket"
keywords = ["TCK-"]
pattern = 'TCK-[0-9]{5}'
score = 0.9
source = "our own"
examples = [{ text = "see TCK-20482", find = "TCK-20482" }, { text = "TCK-11111 too", find = "TCK-11111" }]
counter_examples = ["TCK-204", "ticket 20482"]
"#;
