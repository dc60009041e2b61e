//! The real process and the real commands: keys, events, erasure, backup, restore, the lock, and the end.

#![cfg(test)]

#[path = "admin/allow.rs"]
mod allow;
#[path = "admin/detection.rs"]
mod detection;
#[path = "admin/drained.rs"]
mod drained;
#[path = "admin/limits.rs"]
mod limits;
#[path = "admin/pack.rs"]
mod pack;
#[path = "admin/sealing.rs"]
mod sealing;
#[path = "admin/start.rs"]
mod start;
#[path = "admin/thresholds.rs"]
mod thresholds;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);

/// `bartizan` with none of the settings of whoever runs the tests.
fn bartizan(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bartizan"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("BARTIZAN_")) {
        command.env_remove(name);
    }
    command.env("BARTIZAN_DATA", data).env("BARTIZAN_LOG", "warn").stdin(Stdio::null());
    command
}

fn run(data: &Path, args: &[&str]) -> Output {
    bartizan(data).args(args).output().unwrap()
}

/// Runs a command that must do what it was asked.
fn good(data: &Path, args: &[&str]) -> String {
    let output = run(data, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that cannot do what it was asked.
fn refused(data: &Path, args: &[&str]) -> String {
    let output = run(data, args);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

fn member(text: &str, name: &str) -> String {
    json(text)[name].as_str().unwrap().to_owned()
}

/// A running gate; killed when dropped.
struct Up {
    child: Child,
    ready: Value,
}

impl Up {
    fn start(data: &Path) -> Self {
        Self::with(data, |command| command)
    }

    /// On free ports, with more settings.
    fn with(data: &Path, more: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        Self::run(data, |command| more(command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])))
    }

    /// As a file says.
    fn from_file(data: &Path, config: &Path) -> Self {
        Self::run(data, |command| command.arg("--config").arg(config))
    }

    fn run(data: &Path, more: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let file = data.with_extension("ready");
        let _ = std::fs::remove_file(&file);
        let mut command = bartizan(data);
        command.args(["up", "--ready-file"]).arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let child = more(&mut command).spawn().unwrap();
        let mut up = Self { child, ready: Value::Null };
        until("the gate is ready", || {
            assert!(up.child.try_wait().unwrap().is_none(), "the gate ended at its start");
            file.exists()
        });
        up.ready = json(&std::fs::read_to_string(&file).unwrap());
        up
    }

    fn at(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap().trim_start_matches("http://")
    }

    /// A chat request; the status.
    fn chat(&self, key: Option<&str>, text: &str) -> u16 {
        let body = serde_json::json!({"model": "sample", "messages": [{"role": "user", "content": text}]}).to_string();
        let key = key.map(|key| format!("authorization: Bearer {key}\r\n")).unwrap_or_default();
        call(self.at("gate"), "POST /v1/chat/completions", &format!("content-type: application/json\r\n{key}"), &body).0
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// SIGTERM, and the exit code.
    fn stop(mut self) -> Option<i32> {
        self.signal("TERM");
        let mut status = None;
        until("the gate ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap().code()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The event of the last request, once there are so many.
fn last_request(data: &Path, count: usize) -> Value {
    let mut asked = Vec::new();
    until("the event is there", || {
        let events = good(data, &["events", "--format", "jsonl"]);
        asked = events.lines().map(json).filter(|event| event["direction"] == "request").collect();
        asked.len() == count
    });
    asked.into_iter().max_by_key(|event| event["time"].as_str().unwrap().to_owned()).unwrap()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "timed out: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn call(address: &str, line: &str, headers: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(stream, "{line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    (dir, data)
}

/// A data folder, as a first start leaves it.
fn make(data: &Path) {
    assert_eq!(Up::start(data).stop(), Some(0));
}

#[test]
fn a_day_of_an_administrator() {
    let (dir, data) = folder();
    let up = Up::start(&data);
    assert_eq!(up.chat(None, "hello"), 200, "anonymous while no key exists");

    let made = good(&data, &["keys", "create", "--name", "ada", "--group", "staff", "--models", "sample,gpt-*", "--format", "json"]);
    let (id, key) = (member(&made, "id"), member(&made, "key"));
    assert!(key.starts_with("bzk_"));
    assert_eq!(up.chat(None, "hello"), 401, "the first key ends anonymous access");
    assert_eq!(up.chat(Some(&key), "my card is 4111 1111 1111 1111"), 200);
    let listed = json(&good(&data, &["keys", "list", "--format", "json"]));
    assert_eq!((&listed["keys"][0]["name"], &listed["keys"][0]["groups"][0]), (&Value::from("ada"), &Value::from("staff")));
    assert!(!good(&data, &["keys", "list"]).contains("bzk_"));

    let lines = good(&data, &["events", "--since", "1h", "--label", "pci", "--format", "jsonl"]);
    let events: Vec<Value> = lines.lines().map(json).collect();
    assert!(events.iter().any(|event| event["principal"] == "user:ada" && event["decision"] == "remedied"), "{lines}");
    assert!(!lines.contains("4111"));
    let request = events[0]["request_id"].as_str().unwrap();
    assert!(good(&data, &["events", "--request-id", request]).contains("user:ada"));
    assert_eq!(good(&data, &["events", "--decision", "failed", "--format", "jsonl"]), "");
    assert_eq!(good(&data, &["events", "--limit", "1", "--format", "jsonl"]).lines().count(), 1);

    let token = member(&good(&data, &["tokens", "create", "--name", "board", "--scope", "read", "--format", "json"]), "token");
    let bearer = format!("authorization: Bearer {token}\r\n");
    assert_eq!(call(up.at("admin"), "GET /api/v1/events?limit=1", &bearer, "").0, 200);
    assert_eq!(call(up.at("admin"), "GET /api/v1/tokens", &bearer, "").0, 403);
    assert_eq!(call(up.at("admin"), "GET /readyz", "", "").0, 200);
    let metrics = call(up.at("admin"), "GET /metrics", "", "").1;
    assert!(metrics.contains("bartizan_gate_remedied_total 1") && metrics.contains("bartizan_gate_latency_seconds_count"), "{metrics}");
    assert!(good(&data, &["reload"]).contains("sha256:"));

    let copy = dir.path().join("copy");
    good(&data, &["backup", copy.to_str().unwrap()]);
    assert!(refused(&data, &["backup", copy.to_str().unwrap()]).contains("choose a new folder"));
    assert!(!copy.join("root.key").exists());

    good(&data, &["keys", "revoke", &id]);
    assert_eq!(up.chat(Some(&key), "hello"), 401);
    assert!(refused(&data, &["keys", "revoke", &id]).contains("keys list"));
    assert!(refused(&data, &["erase", "--principal", "user:ada"]).contains("--yes"));
    assert!(good(&data, &["erase", "--principal", "user:ada", "--yes"]).contains("data keys destroyed  1"));
    assert!(!good(&data, &["events", "--format", "jsonl"]).contains("user:ada"));
    assert!(refused(&data, &["restore", copy.to_str().unwrap()]).contains("in use by process"));
    assert_eq!(up.stop(), Some(0));

    let restored = good(&data, &["restore", copy.to_str().unwrap(), "--format", "json"]);
    assert_eq!((json(&restored)["ledger_at_hand"].as_str(), json(&restored)["erasures_applied"].as_u64()), (Some("kept"), Some(1)));
    assert!(!good(&data, &["events", "--format", "jsonl"]).contains("user:ada"), "the erasure was applied again");
}

#[test]
fn the_same_without_a_running_process() {
    let (dir, data) = folder();
    let (bot, board) = (["keys", "create", "--name", "bot"], ["tokens", "create", "--name", "board", "--scope", "read"]);
    for args in [&["keys", "list"][..], &bot, &board] {
        assert!(refused(&data, args).contains("there is no data folder at"), "{args:?}");
        assert!(!data.exists(), "{args:?}: nothing is made for a misspelt name");
    }
    make(&data);
    let key = member(&good(&data, &["keys", "create", "--name", "bot", "--kind", "service", "--format", "json"]), "key");
    assert!(good(&data, &["keys", "list"]).contains("service"));
    assert!(refused(&data, &["keys", "create", "--name", ""]).contains("1 to 128"));
    assert!(refused(&data, &["reload"]).contains("no gate runs"));
    assert!(refused(&data, &["events", "--since", "yesterday"]).contains("7d"));
    assert!(refused(&data, &["keys", "list", "--admin", "http://192.0.2.1:8081"]).contains("in the clear"));
    let copy = dir.path().join("copies/of/today");
    good(&data, &["backup", copy.to_str().unwrap()]);
    let said = refused(&data, &["backup", dir.path().join("none/../copy").to_str().unwrap()]);
    assert!(said.contains("has `..` in it"), "{said}");

    let up = Up::start(&data);
    assert_eq!((up.chat(None, "hello"), up.chat(Some(&key), "hello")), (401, 200));
    assert_eq!(up.stop(), Some(0));

    let elsewhere = dir.path().join("elsewhere");
    assert!(refused(&elsewhere, &["restore", copy.to_str().unwrap()]).contains("BARTIZAN_ROOT_KEY_FILE"));
    let root = data.join("root.key");
    let output = bartizan(&elsewhere).args(["restore"]).arg(&copy).env("BARTIZAN_ROOT_KEY_FILE", &root).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("erasures and revocations newer than the backup are NOT applied"), "{said}");
}

#[test]
fn a_second_process_names_the_first() {
    let (_dir, data) = folder();
    let up = Up::start(&data);
    let stderr = refused(&data, &["up", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    assert!(stderr.contains(&format!("in use by process {}", up.child.id())), "{stderr}");
    let mode = |name: &str| std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(data.join(name)).unwrap().permissions()) & 0o777;
    assert_eq!((mode("admin.addr"), mode("admin.token")), (0o600, 0o600));
    assert_eq!(up.stop(), Some(0));
    assert!(!data.join("admin.addr").exists());
}

#[test]
fn a_first_key_that_cannot_end_anonymous_access_is_not_made() {
    let (dir, data) = folder();
    let config = dir.path().join("bartizan.toml");
    std::fs::write(&config, "").unwrap();
    let up = Up::with(&data, |command| command.arg("--config").arg(&config));

    std::fs::write(&config, "colour = 'red'\n").unwrap();
    let stderr = refused(&data, &["keys", "create", "--name", "ada"]);
    assert!(stderr.contains("no key was made") && stderr.contains("colour"), "{stderr}");
    assert_eq!(json(&good(&data, &["keys", "list", "--format", "json"]))["keys"], serde_json::json!([]));
    assert!(call(up.at("admin"), "GET /metrics", "", "").1.contains("bartizan_reload_failed 1"));
    assert_eq!(call(up.at("admin"), "GET /readyz", "", "").0, 200);

    std::fs::write(&config, "").unwrap();
    good(&data, &["reload"]);
    assert_eq!(up.chat(None, "hello"), 200, "a key that was not made closes nothing");
    assert!(good(&data, &["keys", "create", "--name", "ada"]).contains("From now on every caller needs a key"));
    assert!(!good(&data, &["keys", "create", "--name", "bob"]).contains("From now on"));
    assert_eq!(up.chat(None, "hello"), 401);
    assert_eq!(up.stop(), Some(0));
}

/// Losing the last key must not open a gate that was closed, neither at a reload nor at a start.
#[test]
fn a_gate_that_lost_its_last_key_stays_closed() {
    let (dir, data) = folder();
    let config = dir.path().join("bartizan.toml");
    for erased in [true, false] {
        let data = data.with_extension(if erased { "erased" } else { "revoked" });
        std::fs::write(&config, "").unwrap();
        let up = Up::with(&data, |command| command.arg("--config").arg(&config));
        let id = member(&good(&data, &["keys", "create", "--name", "solo", "--format", "json"]), "id");
        if erased {
            assert!(good(&data, &["erase", "--principal", "user:nobody", "--yes"]).starts_with("nothing was stored about user:nobody\n"));
            assert!(good(&data, &["erase", "--principal", "user:solo", "--yes"]).starts_with("erased user:solo\n"));
        } else {
            good(&data, &["keys", "revoke", &id]);
        }
        assert_eq!(up.chat(None, "hello"), 401);
        good(&data, &["reload"]);
        assert_eq!(up.chat(None, "hello"), 401, "a reload opens nothing");
        assert_eq!(up.stop(), Some(0));

        let up = Up::with(&data, |command| command.arg("--config").arg(&config));
        assert_eq!(up.chat(None, "hello"), 401, "a restart opens nothing");
        std::fs::write(&config, "gate.auth = 'anonymous'\n").unwrap();
        good(&data, &["reload"]);
        assert_eq!(up.chat(None, "hello"), 200, "the configuration says so");
        assert_eq!(up.stop(), Some(0));
    }
}
