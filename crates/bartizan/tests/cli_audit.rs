//! The demo, and `audit` over the ledger that it leaves: whole, altered, rolled back; proofs that hold and that do not.

#![cfg(test)]

mod help;

use std::path::{Path, PathBuf};

use help::{bartizan, check};
use serde_json::Value;

/// A data folder that a demo filled, and what the demo printed.
struct Played {
    _folder: tempfile::TempDir,
    data: PathBuf,
    rows: Vec<Value>,
}

impl Played {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let ran = bartizan(&["demo", "--format", "jsonl", "--data", data.to_str().unwrap()], b"");
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        let rows = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self { _folder: folder, data, rows }
    }

    fn path(&self, name: &str) -> String {
        self.data.join(name).to_str().unwrap().to_owned()
    }

    fn audit(&self, args: &[&str]) -> help::Ran {
        let data = self.path("");
        bartizan(&[&["audit", args[0], "--data", &data], &args[1..]].concat(), b"")
    }
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

/// The one partial tile or bundle of a small log.
fn only_file(folder: &Path) -> PathBuf {
    let mut files: Vec<(u32, PathBuf)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().parse().unwrap(), path))
        .collect();
    files.sort();
    files.pop().unwrap().1
}

#[test]
fn the_demo_comes_as_the_script_says() {
    let played = Played::new();
    let requests: Vec<&Value> = played.rows.iter().filter(|row| row.get("sent").is_some()).collect();
    assert!(requests.len() >= 40, "{}", requests.len());
    for row in &requests {
        assert_eq!(row["as_expected"], true, "{row}");
    }
    let summary = &played.rows[requests.len()]["summary"];
    assert_eq!((&summary["as_expected"], &summary["leaked"]), (&true.into(), &0.into()), "{summary}");
    let audit = &played.rows[requests.len() + 1];
    assert_eq!((&audit["outcome"], &audit["damage"]), (&"good".into(), &Value::Array(Vec::new())), "{audit}");
    let row = |sent: &str| requests.iter().find(|row| row["sent"] == sent).copied().unwrap();
    let link = row("tries to carry a value out in an image link");
    assert!(link["withheld"].as_u64().unwrap() > 0, "{link}");
    let invented = row("the model invents a contact in a stream");
    assert_eq!(invented["done"][0]["direction"], "response", "{invented}");
    assert_eq!(row("a forged pseudonym")["restored"], 0);
}

#[test]
fn the_demo_prints_a_table() {
    let ran = bartizan(&["demo"], b"");
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("0 of ") && ran.stdout.contains("planted values reached the model"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("bartizan audit verify") && ran.stdout.trim_end().ends_with("entries"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("@example.com") && !ran.stdout.contains("4539"), "no value is printed: {}", ran.stdout);
    assert_eq!(ran.stderr, "");
    let folder = tempfile::tempdir().unwrap();
    let ran = bartizan(&["demo", "--data", folder.path().join("kept").to_str().unwrap()], b"");
    assert!(ran.stdout.contains("$ bartizan audit verify --data "), "{}", ran.stdout);
}

#[test]
fn a_good_log_verifies() {
    let played = Played::new();
    let ran = played.audit(&["verify"]);
    assert!(ran.code == 0 && ran.stdout.ends_with("self-consistent; rollback cannot be excluded\n"), "{}", ran.stdout);
    assert!(ran.stderr.contains("to exclude it, give a checkpoint"), "{}", ran.stderr);
    let ran = played.audit(&["verify", "--checkpoint", &played.path("demo.checkpoint"), "--public-key", &played.path("ledger.pub")]);
    assert!(ran.code == 0 && ran.stdout.contains("good: nothing was altered or removed"), "{}", ran.stdout);
    let ran = played.audit(&["tail", "-n", "3", "--format", "jsonl"]);
    let last: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((ran.code, last.len(), &last[2]["entry"]["kind"]), (0, 3, &"refusals".into()), "{}", ran.stdout);
    let ran = played.audit(&["tail"]);
    assert_eq!((ran.code, ran.stdout.lines().count()), (0, 10));
    let ran = played.audit(&["show", "0"]);
    let first: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &first["index"], first["entry"]["kind"].is_string()), (0, &0.into(), true));
    for args in [["show", "100000"], ["prove", "100000"]] {
        let ran = played.audit(&args);
        assert!(ran.code == 2 && ran.stderr.contains("there is no entry 100000"), "{}", ran.stderr);
    }
}

#[test]
fn a_flipped_byte_is_named() {
    for folder in ["tile/entries/000.p", "tile/0/000.p"] {
        let played = Played::new();
        let file = only_file(&played.data.join("ledger").join(folder));
        flip(&file, 40);
        let ran = played.audit(&["verify"]);
        let name = format!("{folder}/{}", file.file_name().unwrap().to_str().unwrap());
        assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains(&format!("damaged   {name} (tile 0), entry ")), "{}", ran.stdout);
        let ran = played.audit(&["verify", "--format", "json"]);
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((&report["outcome"], &report["damage"][0]["file"]), (&"tampered".into(), &name.into()), "{report}");
    }
}

#[test]
fn a_log_that_was_rolled_back_or_is_another_is_told() {
    let (played, other) = (Played::new(), Played::new());
    let before = read_all(&played.data.join("ledger"));
    // A second morning in the same folder: the log grows, and somebody else keeps its new head.
    let again = bartizan(&["demo", "--format", "jsonl", "--data", &played.path("")], b"");
    assert_eq!(again.code, 0, "{}", again.stderr);
    let held = played.path("demo.checkpoint");
    let ran = played.audit(&["verify", "--checkpoint", &held]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    std::fs::remove_dir_all(played.data.join("ledger")).unwrap();
    for (path, bytes) in before {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let ran = played.audit(&["verify"]);
    assert_eq!(ran.code, 0, "by itself it looks good: {}{}", ran.stdout, ran.stderr);
    let ran = played.audit(&["verify", "--checkpoint", &held]);
    assert!(ran.code == 1 && ran.stdout.contains("rolled back"), "{}{}", ran.stdout, ran.stderr);
    let ran = other.audit(&["verify", "--checkpoint", &held]);
    // Damage and not "cannot be read": whoever puts another log in place must not pass for a typing mistake.
    assert!(ran.code == 1 && ran.stdout.contains("belongs to another log"), "{}{}", ran.stdout, ran.stderr);
}

fn read_all(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(read_all(&path));
        } else {
            all.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    all
}

#[test]
fn what_cannot_be_read_is_said() {
    let empty = tempfile::tempdir().unwrap();
    let dir = empty.path().to_str().unwrap();
    check(&["audit", "verify", "--data", dir], "", (2, "", "the public key is needed"));
    check(&["audit", "tail", "--data", dir], "", (2, "", "there is no ledger in"));
    check(&["audit", "show", "x", "--data", dir], "", (2, "", "invalid value"));
    let file = empty.path().join("p");
    std::fs::write(&file, "not a proof").unwrap();
    let (file, key) = (file.to_str().unwrap(), empty.path().join("ledger.pub"));
    std::fs::write(&key, "not a key").unwrap();
    check(&["audit", "verify", "--proof", file, "--public-key", key.to_str().unwrap()], "", (2, "", "is not a public key of a ledger"));
}

#[test]
fn a_proof_holds_offline_and_a_changed_one_does_not() {
    let played = Played::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let (proof, key) = (elsewhere.path().join("5.proof"), elsewhere.path().join("ledger.pub"));
    let ran = played.audit(&["prove", "5", "--out", proof.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = played.audit(&["prove", "5", "--format", "json"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &document["index"]), (0, &5.into()), "{}", ran.stderr);
    assert_eq!(document["proof"], std::fs::read_to_string(&proof).unwrap());
    std::fs::copy(played.path("ledger.pub"), &key).unwrap();
    let (proof, key) = (proof.to_str().unwrap(), key.to_str().unwrap());
    let other = Played::new();
    drop(played);
    let verify = |key: &str| bartizan(&["audit", "verify", "--proof", proof, "--public-key", key], b"");
    let ran = verify(key);
    assert!(ran.code == 0 && ran.stdout.contains("good: entry 5 is in the log"), "{}{}", ran.stdout, ran.stderr);
    let ran = verify(&other.path("ledger.pub"));
    assert!(ran.code == 1 && ran.stdout.contains("no signature by a known key"), "{}{}", ran.stdout, ran.stderr);
    let text = std::fs::read_to_string(proof).unwrap();
    let changed = [text.replace("index 5\n", "index 6\n"), text.replacen("extra eyJ", "extra eyI", 1)];
    for changed in changed {
        assert_ne!(changed, text);
        std::fs::write(proof, changed).unwrap();
        let ran = verify(key);
        assert!(ran.code == 1 && ran.stdout.contains("does not hold"), "{}{}", ran.stdout, ran.stderr);
    }
    std::fs::write(proof, "not a proof").unwrap();
    assert_eq!(verify(key).code, 2);
}

#[test]
fn what_governs_is_recorded_and_a_stopped_folder_can_be_opened_rotated_and_indexed_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (data, held) = (folder.path().join("data"), folder.path().join("held.checkpoint"));
    let place = data.to_str().unwrap();
    let audit = |args: &[&str]| bartizan(&[&["audit", args[0], "--data", place], &args[1..]].concat(), b"");
    let expected = [
        vec!["start", "config", "policy", "request", "response", "end", "stop"],
        // The second run finds configuration and policies as they were.
        vec!["start", "request", "response", "end", "stop"],
    ];
    let mut kinds: Vec<&str> = Vec::new();
    for run in expected {
        one_request_and_a_stop(place);
        kinds.extend(run);
        let entries: Vec<Value> = serde_json::from_str(&audit(&["tail", "-n", "100", "--format", "json"]).stdout).unwrap();
        let found: Vec<&str> = entries.iter().map(|entry| entry["entry"]["kind"].as_str().unwrap()).collect();
        assert_eq!(found, kinds);
        assert!(entries[0]["entry"]["software"].as_str().unwrap().starts_with("bartizan "), "{}", entries[0]);
        for version in [&entries[1], &entries[2]] {
            assert!(version["entry"]["version"].as_str().unwrap().starts_with("sha256:"), "{version}");
        }
    }

    let ran = audit(&["open", "3"]);
    let opened: Value = serde_json::from_str(&ran.stdout).unwrap();
    let domains: Vec<&str> = opened["openings"].as_array().unwrap().iter().map(|one| one["domain"].as_str().unwrap()).collect();
    assert!(ran.code == 0 && domains.contains(&"body"), "{}{}", ran.stdout, ran.stderr);
    let ran = audit(&["open", "0"]);
    let nothing: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &nothing["openings"]), (0, &Value::Array(Vec::new())), "{}", ran.stderr);
    assert!(ran.stderr.contains("has nothing that can be opened"), "{}", ran.stderr);

    let ran = audit(&["reindex"]);
    assert!(ran.code == 0 && ran.stdout.ends_with(" events are in the index\n"), "{}{}", ran.stdout, ran.stderr);
    let events = bartizan(&["events", "--since", "24h", "--format", "jsonl", "--data", place], b"");
    assert_eq!(ran.stdout, format!("{} events are in the index\n", events.stdout.lines().count()), "{}", events.stderr);
    assert!(events.stdout.lines().count() >= 4, "{}", events.stdout);

    std::fs::copy(data.join("ledger/checkpoint"), &held).unwrap();
    let former = std::fs::read_to_string(data.join("ledger.pub")).unwrap();
    let ran = audit(&["rotate-key"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let keys = std::fs::read_to_string(data.join("ledger.pub")).unwrap();
    assert_eq!(keys, format!("{}{former}", ran.stdout), "the newest first");
    one_request_and_a_stop(place);
    let held = held.to_str().unwrap();
    let new = folder.path().join("new.pub");
    std::fs::write(&new, &ran.stdout).unwrap();
    for args in [vec!["verify", "--checkpoint", held], vec!["verify", "--public-key", new.to_str().unwrap()]] {
        let ran = audit(&args);
        assert_eq!(ran.code, 0, "{args:?}: {}{}", ran.stdout, ran.stderr);
    }

    let nowhere = folder.path().join("nowhere");
    for args in [vec!["open", "0"], vec!["rotate-key"], vec!["reindex"]] {
        let args = [&["audit"], args.as_slice(), &["--data", nowhere.to_str().unwrap()]].concat();
        check(&args, "", (2, "", "there is no data folder at"));
    }
    assert!(!nowhere.exists(), "none is made");
}

/// Starts a gate with the sample model, asks it once, and ends it in order. Checks that the folder is refused to others meanwhile.
fn one_request_and_a_stop(data: &str) {
    use std::io::{BufRead, BufReader, Read, Write};
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args(["up", "--data", data, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
        .env_clear()
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let gate: Value = serde_json::from_str(&ready).unwrap();
    let mut stream = std::net::TcpStream::connect(gate["gate"].as_str().unwrap().trim_start_matches("http://")).unwrap();
    let body = r#"{"model":"sample","messages":[{"role":"user","content":"my card is 4111 1111 1111 1111"}]}"#;
    write!(
        stream,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    check(&["audit", "rotate-key", "--data", data], "", (2, "", "cannot be opened"));
    assert!(std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_folder_in_the_place_of_a_tile_is_damage() {
    for name in ["tile/entries/000.p", "tile/0/000.p"] {
        let played = Played::new();
        let file = only_file(&played.data.join("ledger").join(name));
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        let ran = played.audit(&["verify"]);
        assert!(ran.code == 1 && ran.stdout.contains(&format!("damaged   {name}")), "{}{}", ran.stdout, ran.stderr);
    }
}

/// The commands read files only, so the log can be looked at while the process writes it.
#[test]
fn a_log_is_verified_while_its_process_runs() {
    use std::io::{BufRead, BufReader, Read, Write};
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args(["up", "--data", data, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let gate: Value = serde_json::from_str(&ready).unwrap();
    let mut stream = std::net::TcpStream::connect(gate["gate"].as_str().unwrap().trim_start_matches("http://")).unwrap();
    stream.write_all(b"GET /nothing HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    // The entry is acknowledged; the log that others read follows within a second.
    let began = std::time::Instant::now();
    let ran = loop {
        let ran = bartizan(&["audit", "verify", "--data", data], b"");
        if ran.code == 0 || began.elapsed() > std::time::Duration::from_secs(20) {
            break ran;
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn every_command_helps_with_examples() {
    let commands = ["detect", "redact", "demo", "policy", "policy check", "policy explain", "policy test"];
    let audits = ["audit", "audit verify", "audit tail", "audit show", "audit prove", "audit open", "audit rotate-key", "audit reindex"];
    for command in commands.iter().chain(&audits) {
        let args: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let ran = bartizan(&args, b"");
        assert!(ran.code == 0 && ran.stdout.contains("Example"), "{command}: {}", ran.stdout);
    }
}
