//! Starting, bad configurations, reloading, and what is said on the way.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{Up, bartizan, call, folder, good, last_request, make, refused, run, until};

/// As Linux defines it.
const O_NONBLOCK: i32 = 0o4000;

fn get(up: &Up, path: &str, headers: &str) -> (u16, String) {
    call(up.at("admin"), &format!("GET {path}"), headers, "")
}

#[test]
fn a_closed_stderr_stops_nothing() {
    let (_dir, data) = folder();
    let mut up = Up::with(&data, |command| command.env("BARTIZAN_LOG", "trace").stderr(Stdio::piped()));
    drop(up.child.stderr.take());
    for _ in 0..3 {
        assert_eq!(call(up.at("gate"), "GET /nothing", "", "").0, 404);
        assert_eq!(up.chat(None, "my card is 4111 1111 1111 1111"), 200);
    }
    assert_eq!(up.stop(), Some(0));
}

#[test]
fn a_signal_right_behind_the_ready_line_is_heard() {
    let (_dir, data) = folder();
    for (signal, ends) in [("TERM", true), ("INT", true), ("HUP", false)] {
        let (ready, part) = (data.with_extension("ready"), data.with_extension("part"));
        // The process waits here for a reader, just before the ready line.
        assert!(Command::new("mkfifo").arg(&part).status().unwrap().success());
        let mut command = bartizan(&data);
        command.args(["up", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--ready-file"]).arg(&ready);
        let mut up = Up { child: command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap(), ready: Value::Null };
        let mut fifo = std::fs::OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(&part).unwrap();
        let mut told = Vec::new();
        until("the process goes on", || {
            let _nothing_yet = fifo.read_to_end(&mut told);
            told.ends_with(b"\n")
        });
        let mut line = String::new();
        BufReader::new(up.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("{\"ready\":true") && told == line.as_bytes(), "{line}");
        up.signal(signal);
        if !ends {
            up.signal("TERM");
        }
        let mut status = None;
        until("the gate ends", || {
            status = up.child.try_wait().unwrap();
            status.is_some()
        });
        assert_eq!(status.unwrap().code(), Some(0), "SIG{signal}");
        std::fs::remove_file(ready).unwrap();
    }
}

/// What stands in the file, and two parts of the sentence.
const BAD: &[(&str, &str, &str)] = &[
    ("limits.connections = 0", "`limits.connections` is 0", "from 1 to 1000000"),
    ("limits.connections = 9000000000000000000", "`limits.connections`", "from 1 to 1000000"),
    ("limits.headers = 0", "`limits.headers` is 0", "from 16 to 4096"),
    ("limits.header_bytes = 1", "`limits.header_bytes` is 1", "from 8192"),
    ("limits.body_bytes = 0", "`limits.body_bytes` is 0", "from 1024"),
    ("limits.inflight_bytes = 0", "`limits.inflight_bytes` is 0", "from 1024"),
    ("limits.event_bytes = 1", "`limits.event_bytes` is 1", "from 1024"),
    ("limits.held_bytes = 1", "`limits.held_bytes` is 1", "from 1024"),
    ("limits.json_depth = 0", "`limits.json_depth` is 0", "from 8"),
    ("limits.json_values = 0", "`limits.json_values` is 0", "from 100"),
    ("limits.cache_bytes = 9000000000000000000", "`limits.cache_bytes`", "from 0 to"),
    ("timeouts.inspect = -1.0", "`timeouts.inspect` is -1", "from 0.001 to 86400"),
    ("timeouts.inspect = 1e300", "`timeouts.inspect`", "from 0.001 to 86400"),
    ("timeouts.client = 0.0", "`timeouts.client` is 0", "from 0.001"),
    ("timeouts.connect = nan", "`timeouts.connect` is NaN", "from 0.001"),
    ("timeouts.first_byte = inf", "`timeouts.first_byte` is inf", "from 0.001"),
    ("timeouts.idle = 86401.0", "`timeouts.idle` is 86401", "from 0.001"),
    ("gate.drain_seconds = 18446744073709551615", "drain_seconds", ""),
    ("gate.drain_seconds = 86401", "`gate.drain_seconds` is 86401", "from 0 to 86400"),
    ("retention.events = '0d'", "`retention.events` is `0d`", "36500d"),
    ("retention.events = '36501d'", "`retention.events` is `36501d`", "36500d"),
    ("retention.events = '4000000000d'", "`retention.events`", "36500d"),
    ("retention.objects = '0d'", "`retention.objects` is `0d`", "36500d"),
    ("retention.objects = 'forever'", "`retention.objects` is `forever`", "36500d"),
    ("retention.events = '90'", "`retention.events` is `90`", "forever"),
    ("gate.listen = 'here'", "`gate.listen` is `here`", "127.0.0.1:8080"),
    ("gate.listen = '127.0.0.1:7'\nadmin.listen = '127.0.0.1:7'", "both `127.0.0.1:7`", "its own port"),
    ("gate.tls_cert = '/no/such/file'", "`gate.tls_cert` and `gate.tls_key` belong together", ""),
    ("admin.tls_cert = '/no/such/file'\nadmin.tls_key = '/no/such/file'", "`admin.tls_cert`", "`/no/such/file` cannot be read"),
    ("ledger.origin = 'my gate'", "`ledger.origin` is `my gate`", "without spaces"),
    ("policy.dir = '/no/such/folder'", "`/no/such/folder`", "policy.dir"),
    ("capture.mode = 'all'", "`capture.mode`", "not built yet"),
    ("guard.exact = ['/no/such/file']", "`guard.exact`", "`/no/such/file`"),
    ("guard.fingerprints = ['/no/such/file']", "`guard.fingerprints`", "`/no/such/file`"),
    ("guard.seal_key = '/no/such/file'", "`guard.seal_key`", "`/no/such/file`"),
    ("guard.seal_key = '/dev/null'", "`guard.seal_key`", "shorter than 16 bytes"),
    ("guard.thresholds = { 'pii.fone' = 0.7 }", "`guard.thresholds`", "there is no label `pii.fone`; did you mean `pii.phone`"),
    ("guard.thresholds = { 'attack.jailbreak' = 0.7 }", "`guard.thresholds`", "there is no label `attack.jailbreak`"),
    ("guard.thresholds = { 'pii.phone' = 1.1 }", "`guard.thresholds`", "the threshold of `pii.phone` is 1.1; write a number from 0 to 1"),
    ("guard.thresholds = { 'pii.phone' = 'high' }", "pii.phone", "expected f64"),
    ("guard.own_rules = ['/no/such/file']", "`guard.own_rules`", "`/no/such/file`"),
    ("guard.subjects = '/no/such/file'", "`guard.subjects`", "`/no/such/file`"),
    ("guard.subjects = 3", "expected true, false", "`bartizan train subject`"),
];

#[test]
fn what_only_the_company_knows_is_found_from_a_reload_on() {
    let (dir, data) = folder();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("customers.csv"), "account,city\nAB-778812,Lisbon\n").unwrap();
    good(&data, &["exact", "build", &at("customers.csv"), "--primary", "account", "--with", "city", "-o", &at("customers.exact")]);
    std::fs::write(at("words.toml"), "[dictionary]\nlabel = 'custom.projects'\nwords = ['Blue Heron']\n").unwrap();
    let free = "gate.listen = '127.0.0.1:0'\nadmin.listen = '127.0.0.1:0'\n";
    std::fs::write(at("bartizan.toml"), free).unwrap();
    let up = Up::from_file(&data, Path::new(&at("bartizan.toml")));
    let labels = |count: usize| {
        assert_eq!(up.chat(None, "Customer ab778812 of Lisbon met Mira Okafor about Blue Heron"), 200);
        let last = last_request(&data, count);
        let findings = last["findings"].as_array().unwrap().clone();
        findings.iter().map(|one| one["label"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(labels(1), Vec::<String>::new());
    let guard = format!("[guard]\nnames = true\nexact = ['{}']\nown_rules = ['{}']\n", at("customers.exact"), at("words.toml"));
    std::fs::write(at("bartizan.toml"), format!("{free}{guard}")).unwrap();
    good(&data, &["reload"]);
    assert_eq!(labels(2), ["proprietary.exact", "pii.location", "pii.person", "custom.projects"]);
}

#[test]
fn a_policy_on_what_is_not_looked_for_is_named_at_a_start_and_a_reload() {
    let (dir, data) = folder();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(at("rules")).unwrap();
    let rules = |label: &str| {
        let named =
            format!(r#"@id("p") @remedy("log") forbid (principal, action, resource) when {{ context.labels.contains("{label}") }};"#);
        std::fs::write(at("rules/a.cedar"), format!(r#"@id("allow") permit (principal, action, resource); {named}"#)).unwrap();
    };
    rules("pii.person");
    let file = std::fs::File::create(at("log")).unwrap();
    let up = Up::with(&data, |command| command.arg("--policies").arg(at("rules")).stderr(Stdio::from(file)));
    let log = || std::fs::read_to_string(at("log")).unwrap();
    let named = |label: &str| format!("the policy `p` names what this gate does not look for: `{label}`");
    assert!(log().contains(&named("pii.person")) && log().contains("names = true"), "{}", log());
    assert_eq!(up.chat(None, "hello"), 200);
    rules("custom.tickets");
    good(&data, &["reload"]);
    until("the warning is in the log", || log().contains(&named("custom.tickets")));
    rules("subject.contract");
    good(&data, &["reload"]);
    until("the warning is in the log", || log().contains(&named("subject.contract")) && log().contains("needs `subjects`"));
    rules("phi");
    good(&data, &["reload"]);
    assert!(!log().contains("`phi`"), "{}", log());
    assert_eq!(up.stop(), Some(0));
}

#[test]
fn what_requests_are_about_is_recorded_from_a_reload_on() {
    let (dir, data) = folder();
    let config = dir.path().join("bartizan.toml");
    let free = "gate.listen = '127.0.0.1:0'\nadmin.listen = '127.0.0.1:0'\n";
    std::fs::write(&config, free).unwrap();
    let up = Up::from_file(&data, &config);
    let clause =
        "Either party may terminate this agreement upon written notice. The supplier shall indemnify the customer against all claims. ";
    let recorded = |count: usize| {
        assert_eq!(up.chat(None, &clause.repeat(8)), 200);
        last_request(&data, count).to_string().contains("subject.contract")
    };
    assert!(!recorded(1));
    std::fs::write(&config, format!("{free}[guard]\nsubjects = true\n")).unwrap();
    good(&data, &["reload"]);
    assert!(recorded(2));
}

#[test]
fn what_a_start_refuses_a_reload_refuses_too() {
    let (dir, data) = folder();
    let config = dir.path().join("bartizan.toml");
    let free = "gate.listen = '127.0.0.1:0'\nadmin.listen = '127.0.0.1:0'\n";
    std::fs::write(&config, free).unwrap();
    let up = Up::from_file(&data, &config);
    let elsewhere = dir.path().join("elsewhere");
    for (text, one, other) in BAD {
        let lines: Vec<&str> = free.lines().filter(|line| !text.contains(line.split(' ').next().unwrap())).collect();
        std::fs::write(&config, format!("{}\n{text}\n", lines.join("\n"))).unwrap();
        let start = refused(&elsewhere, &["up", "--config", config.to_str().unwrap()]);
        let reload = refused(&data, &["reload"]);
        for said in [&start, &reload, &get(&up, "/readyz", "").1] {
            assert!(said.contains(one) && said.contains(other), "{text}: {said}");
        }
    }
    assert_eq!(get(&up, "/readyz", "").0, 200);
    assert!(get(&up, "/metrics", "").1.contains("bartizan_reload_failed 1"));
    std::fs::write(&config, free).unwrap();
    good(&data, &["reload"]);
    assert_eq!(get(&up, "/readyz", "").1, "{\"ready\":true}\n");
    assert_eq!(up.stop(), Some(0));
    assert_eq!(recorded(&data), ["start", "config", "policy", "stop"], "what was refused or is as before is not recorded");
}

/// Kinds of the log's entries, without refused callers.
fn recorded(data: &Path) -> Vec<String> {
    let entries: Vec<Value> = serde_json::from_str(&good(data, &["audit", "tail", "-n", "100", "--format", "json"])).unwrap();
    let kinds = entries.iter().map(|entry| entry["entry"]["kind"].as_str().unwrap().to_owned());
    kinds.filter(|kind| kind != "refusals").collect()
}

#[test]
fn a_reload_names_what_needs_a_restart() {
    let (dir, data) = folder();
    let config = dir.path().join("bartizan.toml");
    std::fs::write(&config, "gate.listen = '0.0.0.0:0'\nadmin.listen = '127.0.0.1:0'\n").unwrap();
    let up = Up::from_file(&data, &config);
    assert_eq!(up.chat(None, "hello"), 401, "nobody is anonymous on an outside address");

    let other = "gate.listen = '127.0.0.1:0'\ngate.drain_seconds = 3\nadmin.listen = '127.0.0.1:0'\nretention.events = '7d'\nretention.objects = '7d'\nlimits.connections = 9\n";
    std::fs::write(&config, other).unwrap();
    let answer: Value = serde_json::from_str(&good(&data, &["reload", "--format", "jsonl"])).unwrap();
    let keys = json!(["gate.listen", "gate.drain_seconds", "limits.connections", "retention.events", "retention.objects"]);
    assert_eq!(answer["needs_restart"], keys);
    assert!(good(&data, &["reload"]).contains("after a restart: gate.listen,gate.drain_seconds"));
    assert_eq!(up.chat(None, "hello"), 401, "the process still listens outside");

    std::fs::write(&config, format!("{other}gate.auth = 'anonymous'\n")).unwrap();
    assert!(refused(&data, &["reload"]).contains("0.0.0.0"));
    assert_eq!(up.stop(), Some(0));
    assert_eq!(recorded(&data), ["start", "config", "policy", "config", "stop"], "the one reload that changed something");
}

#[test]
fn the_environment_names_the_admin_token() {
    let (_dir, data) = folder();
    let token = "a-token-of-our-own-0123456789";
    let up = Up::with(&data, |command| command.env("BARTIZAN_ADMIN_TOKEN", token));
    let bearer = |token: &str| format!("authorization: Bearer {token}\r\n");
    let file = std::fs::read_to_string(data.join("admin.token")).unwrap();
    let rows = [(token, 200), (file.trim(), 401), ("a-token-of-our-own-012345678", 401), ("a-token-of-our-own-012345678x", 401)];
    for (token, status) in rows {
        assert_eq!(get(&up, "/api/v1/keys", &bearer(token)).0, status, "{token}");
    }
    assert_eq!(run(&data, &["keys", "list"]).status.code(), Some(2));
    let with = bartizan(&data).args(["keys", "list"]).env("BARTIZAN_ADMIN_TOKEN", token).output().unwrap();
    assert_eq!(with.status.code(), Some(0));
    assert_eq!(up.stop(), Some(0));
    let without = bartizan(&data).args(["keys", "list"]).env("BARTIZAN_ADMIN_TOKEN", "").output().unwrap();
    assert_eq!(without.status.code(), Some(0), "an empty one counts as none");
    let bad = bartizan(&data).args(["up"]).env("BARTIZAN_ADMIN_TOKEN", "two words").output().unwrap();
    assert_eq!(bad.status.code(), Some(2));
}

#[test]
fn a_root_key_that_others_can_read_is_named() {
    let (dir, data) = folder();
    let key = dir.path().join("root.key");
    for (mode, warns) in [(0o600, false), (0o644, true)] {
        std::fs::write(&key, [7; 32]).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let mut up = Up::with(&data, |command| command.env("BARTIZAN_ROOT_KEY_FILE", &key).stderr(Stdio::piped()));
        let mut stderr = up.child.stderr.take().unwrap();
        assert_eq!(up.stop(), Some(0));
        let mut said = String::new();
        stderr.read_to_string(&mut said).unwrap();
        assert_eq!(said.contains("can read the root key") && said.contains("chmod 600"), warns, "{said}");
    }
}

#[test]
fn what_is_in_the_way_is_named_with_what_to_do() {
    let (dir, data) = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let taken = TcpListener::bind(taken).unwrap();
    let port = taken.local_addr().unwrap().to_string();
    let rows: [(&[&str], &[&str]); 4] = [
        (&["--listen", &port, "--admin-listen", "127.0.0.1:0"], &["another process uses this port", "--listen", "`gate.listen`"]),
        (&["--listen", "127.0.0.1:0", "--admin-listen", &port], &["another process uses this port", "--admin-listen"]),
        (&["--policies", "/no/such/folder"], &["/no/such/folder", "--policies", "built-in"]),
        (&["--config", "/no/such/file.toml"], &["/no/such/file.toml", "--config"]),
    ];
    for (args, parts) in rows {
        let said = refused(&data, &[&["up"], args].concat());
        assert!(parts.iter().all(|part| said.contains(part)), "{args:?}: {said}");
    }
    let dir = dir.path();
    std::fs::write(dir.join("a.cedar"), "forbid (principal, action, resource) when { context.labels.contains(\"secrets\") };").unwrap();
    let said = refused(&data, &["up", "--policies", dir.to_str().unwrap()]);
    assert!(said.contains("a.cedar:1:") && said.contains("did you mean `secret`?"), "{said}");
}

/// The line that is printed at the start does what it promises, also when callers need a key.
#[test]
fn the_invitation_works() {
    let (_dir, data) = folder();
    for key in [false, true] {
        let made = key.then(|| super::member(&good(&data, &["keys", "create", "--name", "ada", "--format", "json"]), "key"));
        let mut up = Up::with(&data, |command| command.stderr(Stdio::piped()).env("BARTIZAN_LOG", "error"));
        let mut stderr = BufReader::new(up.child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.ends_with("}'\n") {
            assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
        }
        let (_, said) = said.split_once("try:\n").unwrap();
        let said = said.replace("KEY", made.as_deref().unwrap_or("KEY"));
        let gate = up.ready["gate"].as_str().unwrap();
        let rest = said.trim_start().strip_prefix(&format!("curl -s {gate}/v1/chat/completions ")).unwrap_or_else(|| panic!("{said}"));
        let words: Vec<&str> = rest.split('\'').collect();
        let (headers, body) = (words[1..words.len() - 2].iter().step_by(2), words[words.len() - 2]);
        let headers = headers.fold(String::new(), |all, header| all + header + "\r\n");
        assert_eq!(words[words.len() - 3].trim_end_matches(' '), " \\\n    -d", "{said}");
        let (status, body) = call(up.at("gate"), "POST /v1/chat/completions", &headers, body);
        let answer: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{said}: {body}: {error}"));
        let content = answer["choices"][0]["message"]["content"].as_str().unwrap();
        let (back, seen) = content.split_once(" What reached me: ").unwrap();
        assert!(status == 200 && back.contains("4111 1111 1111 1111") && back.contains("ada@example.com"), "{body}");
        assert!(seen.starts_with("My card is CARD-") && seen.contains("EMAIL-") && !seen.contains("4111"), "{body}");
        assert_eq!(up.stop(), Some(0));
    }
}

/// What the process says on standard error until it ends.
fn said_by(up: Up, stderr: &mut impl Read) -> String {
    assert_eq!(up.stop(), Some(0));
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    said
}

#[test]
fn the_invitation_names_what_can_be_called() {
    let (_dir, data) = folder();
    let outside = ["--upstream", "http://127.0.0.1:9/v1", "--listen", "0.0.0.0:0", "--admin-listen", "127.0.0.1:0"];
    let mut up = Up::run(&data, |command| command.args(outside).stderr(Stdio::piped()));
    let mut stderr = up.child.stderr.take().unwrap();
    let said = said_by(up, &mut stderr);
    assert!(said.contains("try, with a model's name for MODEL:") && said.contains("\"model\":\"MODEL\""), "{said}");
    assert!(said.contains("http://127.0.0.1:") && !said.contains("0.0.0.0"), "{said}");
}

#[test]
fn an_open_gate_with_a_credential_is_named() {
    let (dir, data) = folder();
    let config = dir.path().join("bartizan.toml");
    let credential = dir.path().join("credential");
    std::fs::write(&credential, "sk-1").unwrap();
    let provider = "gate.listen = '127.0.0.1:0'\nadmin.listen = '127.0.0.1:0'\n[[providers]]\nname = 'main'\nkind = 'openai'\nbase_url = 'http://127.0.0.1:9/v1'\n";
    let with = format!("{provider}api_key_file = '{}'\n", credential.display());
    for (text, auth, times) in [(provider, "", 0), (with.as_str(), "", 2), (with.as_str(), "gate.auth = 'keys'\n", 0)] {
        std::fs::write(&config, format!("{auth}{text}")).unwrap();
        let mut up = Up::run(&data, |command| command.arg("--config").arg(&config).stderr(Stdio::piped()));
        let mut stderr = up.child.stderr.take().unwrap();
        good(&data, &["reload"]);
        let said = said_by(up, &mut stderr);
        assert_eq!(said.matches("callers need no key").count(), times, "{text}{auth}: {said}");
    }
}

/// An admin port with more events than anybody wants, by so many a page; the number of pages that were asked for.
fn endless(body: String) -> (String, std::thread::JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let pages = std::thread::spawn(move || {
        let mut pages = 0;
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if !line.starts_with("GET /api/v1/events") || pages == 3 {
                break;
            }
            pages += 1;
            while line.trim() != "" {
                line.clear();
                reader.read_line(&mut line).unwrap();
            }
            let length = body.len();
            write!(reader.get_mut(), "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        }
        pages
    });
    (url, pages)
}

#[test]
fn no_page_is_fetched_that_nobody_reads() {
    let (_dir, data) = folder();
    let (url, pages) = endless("{\"ledger\":{\"index\":7}}\n".repeat(1_000));
    let mut command = bartizan(&data);
    command.args(["events", "--format", "jsonl", "--admin", &url]).env("BARTIZAN_ADMIN_TOKEN", "t").stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap().write_all(b"END\n").unwrap();
    assert_eq!(pages.join().unwrap(), 1);
}

/// An answer ends early when its events are large: there may be more of them.
#[test]
fn large_events_come_in_short_pages() {
    let (_dir, data) = folder();
    let (url, pages) = endless(format!("{{\"x\":\"{}\",\"ledger\":{{\"index\":7}}}}\n", "x".repeat(9 << 20)));
    let mut command = bartizan(&data);
    command.args(["events", "--format", "jsonl", "--admin", &url]).env("BARTIZAN_ADMIN_TOKEN", "t");
    let output = command.output().unwrap();
    // The fourth call finds nobody.
    assert_eq!((pages.join().unwrap(), output.status.code()), (3, Some(2)));
    assert_eq!(output.stdout.split(|byte| *byte == b'\n').count(), 4);
}

#[test]
fn every_command_speaks_jsonl() {
    let (dir, data) = folder();
    make(&data);
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let copy = path(&dir.path().join("copy"));
    let rows: [&[&str]; 9] = [
        &["keys", "create", "--name", "ada"],
        &["keys", "create", "--name", "bob"],
        &["keys", "list"],
        &["tokens", "create", "--name", "board", "--scope", "read"],
        &["tokens", "list"],
        &["events"],
        &["backup", &copy],
        &["erase", "--principal", "user:ada", "--yes"],
        &["restore", &copy],
    ];
    for args in rows {
        let said = good(&data, &[args, &["--format", "jsonl"]].concat());
        let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let expected = if args == ["keys", "list"] { 2 } else { usize::from(args != ["events"]) };
        assert_eq!(lines.len(), expected, "{args:?}: {said}");
    }
}

#[test]
fn every_command_helps_with_an_example() {
    let (_dir, data) = folder();
    let rows = ["up", "keys", "keys create", "keys revoke", "tokens", "tokens create", "events", "erase", "backup", "restore", "reload"];
    for command in rows {
        let args: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        assert!(good(&data, &args).contains("Example"), "{command}");
    }
    let all = good(&data, &["--help"]);
    assert!(all.contains("bartizan demo") && all.contains("bartizan up"), "{all}");
}
