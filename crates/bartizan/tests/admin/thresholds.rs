//! Thresholds by label in the configuration: at a start, after a reload, in detection as a service and where policies are explained.

use std::process::Stdio;

use serde_json::json;

use super::{Up, call, folder, good, json as parsed, last_request, run, until};

/// A text that was seen before is looked at with the thresholds of now, and what lies below them is recorded.
#[test]
fn thresholds_hold_from_a_reload_on() {
    let (dir, data) = folder();
    let config = dir.path().join("bartizan.toml");
    let file = std::fs::File::create(dir.path().join("log")).unwrap();
    let log = || std::fs::read_to_string(dir.path().join("log")).unwrap();
    let free = "gate.listen = '127.0.0.1:0'\nadmin.listen = '127.0.0.1:0'\n";
    std::fs::write(&config, free).unwrap();
    let up = Up::with(&data, |command| command.arg("--config").arg(&config).stderr(Stdio::from(file)));
    let admin = std::fs::read_to_string(up.ready["admin_token_file"].as_str().unwrap()).unwrap();
    let counted = |count: usize| {
        assert_eq!(up.chat(None, "please call 030 5550 1234 before noon"), 200);
        let last = last_request(&data, count);
        let found = last["findings"].as_array().unwrap().len();
        let below = last.to_string().contains(r#""below_threshold":[{"label":"pii.phone""#);
        let headers = format!("content-type: application/json\r\nauthorization: Bearer {}\r\n", admin.trim());
        let text = json!({ "text": "please call 030 5550 1234 before noon" }).to_string();
        let (_, told) = call(up.at("admin"), "POST /api/v1/detect", &headers, &text);
        (found, below, parsed(&told)["findings"].as_array().unwrap().len())
    };
    assert_eq!(counted(1), (1, false, 1));
    std::fs::write(&config, format!("{free}[guard]\nthresholds = {{ 'pii' = 0.5, 'pii.phone' = 0.9 }}\n")).unwrap();
    good(&data, &["reload"]);
    assert_eq!(counted(2), (0, true, 0), "the cache knows nothing of it");
    std::fs::write(&config, format!("{free}[guard.thresholds]\n'pii.phone' = 0.8\n'pii.email' = 0.99\n'pii.person' = 1\n")).unwrap();
    good(&data, &["reload"]);
    assert_eq!(counted(3), (1, false, 1));
    let said = [
        "with the threshold 0.99 of `pii.email` some labels are never found: `pii.email` scores 0.95 at most",
        "does not look for: `pii.person` (needs `names = true`",
    ];
    until("the warnings are in the log", || said.iter().all(|one| log().replace("\\\"", "\"").contains(one)));
    let config = config.to_str().unwrap();
    let checked = String::from_utf8(run(&data, &["policy", "check", "--config", config]).stderr).unwrap();
    assert!(said.iter().all(|one| checked.contains(one)), "{checked}");
    let question = dir.path().join("body.json");
    let body = json!({ "body": { "model": "m", "messages": [{ "role": "user", "content": "please call 030 5550 1234 before noon" }] } });
    std::fs::write(&question, body.to_string()).unwrap();
    let explained = |threshold: &str| {
        std::fs::write(config, format!("{free}[guard]\nthresholds = {{ 'pii.phone' = {threshold} }}\n")).unwrap();
        good(&data, &["policy", "explain", question.to_str().unwrap(), "--config", config])
    };
    assert!(explained("0.8").contains("pii.phone") && !explained("0.9").contains("pii.phone"));
}
