//! The admin port over real sockets, with a fake process behind it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::collections::BTreeSet;

use bartizan_console::{Access, Console, routes};
use bartizan_identity::endpoints;
use bytes::Bytes;
use http::Request;
use support::{Fake, Running};

fn table() -> Vec<Vec<&'static str>> {
    let lines = include_str!("access.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_whitespace().collect()).collect()
}

fn good_body(path: &str) -> &'static str {
    match path {
        "/api/v1/keys" => r#"{"name":"ada"}"#,
        "/api/v1/tokens" => r#"{"name":"ada","scope":"read"}"#,
        "/api/v1/erase" => r#"{"principal":"user:ada"}"#,
        "/api/v1/detect" | "/api/v1/redact" | "/analyze" => r#"{"text":"ada"}"#,
        "/anonymize" => r#"{"text":"ada","analyzer_results":[]}"#,
        "/deanonymize" => r#"{"text":"ada","anonymizer_results":[]}"#,
        "/api/v1/backup" => r#"{"dir":"/copies/today"}"#,
        _ => "{}",
    }
}

#[tokio::test]
async fn everybody_gets_what_the_table_says() {
    let running = Running::start().await;
    let rows = table();
    let (header, rows) = rows.split_first().unwrap();
    for row in rows {
        let (method, path) = (row[0], row[1]);
        for (caller, expected) in header[2..].iter().zip(&row[2..]) {
            let token = match *caller {
                "none" => String::new(),
                "key" => "authorization: Bearer bzk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n".to_owned(),
                scope => format!("authorization: bearer bzt_{scope}\r\n"),
            };
            let lines = format!("{token}content-type: application/json; charset=utf-8\r\n");
            let body = if method == "POST" { good_body(path) } else { "" };
            let reply = running.call(method, &path.replace("{id}", "k1"), &lines, body).await;
            assert_eq!(reply.status.to_string(), *expected, "{caller}: {method} {path}: {}", reply.body);
            assert!(reply.head.contains("cache-control: no-store") && !reply.head.contains("access-control"), "{}", reply.head);
            if reply.status == 401 {
                assert!(reply.head.contains("www-authenticate: bearer"), "{}", reply.head);
            }
        }
    }
}

#[test]
fn routes_scopes_and_table_name_the_same_endpoints() {
    let all: BTreeSet<String> = routes().iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    let closed = routes().into_iter().filter(|(_, _, access)| *access != Access::Anybody);
    let closed: BTreeSet<String> = closed.map(|(method, path, _)| format!("{method} {path}")).collect();
    let scoped: BTreeSet<String> = endpoints().iter().map(|row| format!("{} {}", row.method, row.path)).collect();
    let tested: BTreeSet<String> = table().iter().skip(1).map(|row| format!("{} {}", row[0], row[1])).collect();
    assert_eq!(closed, scoped, "routes and crates/identity/scopes.txt");
    assert_eq!(all, tested, "routes and crates/console/tests/access.txt");
    for (method, path, access) in routes() {
        let is_open = ["/healthz", "/readyz", "/metrics", "/health"].contains(&path);
        assert_eq!(!is_open, access == Access::Token, "{method} {path}");
    }
}

#[tokio::test]
async fn not_ready_is_503_with_reasons() {
    let running = Running::start().await;
    running.fake.reasons.lock().unwrap().push("the journal's disk is full; free space in the data folder".to_owned());
    let reply = running.call("GET", "/readyz", "", "").await;
    assert_eq!(reply.status, 503);
    let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(body, serde_json::json!({"ready": false, "reasons": ["the journal's disk is full; free space in the data folder"]}));
    assert_eq!(running.call("GET", "/healthz", "", "").await.status, 200);
    assert_eq!(running.call("GET", "/metrics", "", "").await.body, "# TYPE bartizan_up gauge\nbartizan_up 1\n");
}

#[tokio::test]
async fn a_refused_reload_is_shown_and_is_no_reason_not_to_be_ready() {
    let running = Running::start().await;
    let say = |reply: &support::Reply| serde_json::from_str::<serde_json::Value>(&reply.body).unwrap();
    assert_eq!(say(&running.call("GET", "/readyz", "", "").await), serde_json::json!({"ready": true}));
    *running.fake.reload_problem.lock().unwrap() = Some("`gate.listen` is `x`".to_owned());
    let reply = running.call("GET", "/readyz", "", "").await;
    assert_eq!((reply.status, say(&reply)), (200, serde_json::json!({"ready": true, "reload": "`gate.listen` is `x`"})));
    running.fake.reasons.lock().unwrap().push("draining".to_owned());
    let reply = running.call("GET", "/readyz", "", "").await;
    let expected = serde_json::json!({"ready": false, "reasons": ["draining"], "reload": "`gate.listen` is `x`"});
    assert_eq!((reply.status, say(&reply)), (503, expected));
    let reply = running.post("/api/v1/reload", "{}").await;
    assert_eq!(say(&reply), serde_json::json!({"reloaded": true, "policy_version": "sha256:00", "needs_restart": ["gate.listen"]}));
}

#[tokio::test]
async fn silent_connections_keep_nobody_out() {
    let running = Running::start().await;
    let connect = || tokio::net::TcpStream::connect(("127.0.0.1", running.port));
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(connect().await.unwrap());
    }
    let asked = tokio::time::timeout(std::time::Duration::from_secs(8), running.call("GET", "/healthz", "", ""));
    assert_eq!(asked.await.expect("answered sooner than silence is dropped").status, 200);
    // The oldest of them made room.
    let mut byte = [0];
    assert_eq!(tokio::io::AsyncReadExt::read(&mut silent[0], &mut byte).await.unwrap(), 0);
}

/// An HTTP/2 connection that asks for `/healthz` once.
fn h2_once() -> Vec<u8> {
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
    };
    // GET, http, a path and a name, in literals of HPACK.
    let head = b"\x82\x86\x04\x08/healthz\x01\x09localhost";
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[]), frame(1, 5, 1, head)].concat()
}

/// A connection that asked something. Whoever reads waits for the first bytes of the answer.
async fn connected(port: u16, ask: &[u8], reads: bool) -> tokio::net::TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(([127, 0, 0, 1], port).into()).await.unwrap();
    let writing = tokio::io::AsyncWriteExt::write_all(&mut stream, ask);
    let _what_is_not_read_is_not_taken = tokio::time::timeout(std::time::Duration::from_millis(20), writing).await;
    if reads {
        let mut bytes = [0; 9];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut bytes).await.unwrap();
    }
    stream
}

#[tokio::test]
async fn connections_that_asked_once_keep_nobody_out() {
    let once = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let unread = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(50_000);
    for (ask, reads) in [(once.to_vec(), true), (h2_once(), true), (unread, false)] {
        let running = Running::start().await;
        let mut idle = Vec::new();
        for _ in 0..256 {
            idle.push(connected(running.port, &ask, reads).await);
        }
        for _ in 0..3 {
            let asked = tokio::time::timeout(std::time::Duration::from_secs(3), running.call("GET", "/healthz", "", ""));
            assert_eq!(asked.await.expect("answered sooner than idle connections are dropped").status, 200);
        }
    }
}

/// Asks, and waits until the other side closes. Where nothing is read that shows in what becomes of more bytes.
async fn is_closed_after(ask: &[u8], reads: bool) {
    let running = Running::start().await;
    let mut stream = connected(running.port, ask, reads).await;
    let began = std::time::Instant::now();
    let ended = async {
        if reads {
            while tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 4_096]).await.unwrap_or(0) > 0 {}
            return;
        }
        while stream.take_error().unwrap().is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(std::time::Duration::from_secs(20), ended).await.is_ok(), "it stays open");
    assert!(began.elapsed() > std::time::Duration::from_secs(9), "too soon");
}

#[tokio::test]
async fn an_idle_http2_connection_is_closed() {
    is_closed_after(&h2_once(), true).await;
}

#[tokio::test]
async fn a_connection_that_is_not_read_is_closed() {
    is_closed_after(&b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(50_000), false).await;
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused() {
    let running = Running::start().await;
    let here = format!("127.0.0.1:{}", running.port);
    let rows = [
        (format!("host: {here}\r\n"), 200),
        ("host: localhost:9\r\n".to_owned(), 200),
        ("host: LOCALHOST\r\n".to_owned(), 200),
        ("host: [::1]:8081\r\n".to_owned(), 200),
        ("host: gate.example\r\n".to_owned(), 200),
        ("host: evil.example\r\n".to_owned(), 421),
        ("host: 127.0.0.1.evil.example\r\n".to_owned(), 421),
        ("host: localhost@evil.example\r\n".to_owned(), 400),
        ("host: 10.0.0.1\r\n".to_owned(), 421),
        ("host:\r\n".to_owned(), 400),
        (format!("host: {here}\r\nhost: evil.example\r\n"), 400),
        (format!("host: {here}\r\norigin: http://{here}\r\n"), 200),
        (format!("host: {here}\r\norigin: https://evil.example\r\n"), 403),
        (format!("host: {here}\r\norigin: http://localhost:3000\r\n"), 403),
        (format!("host: {here}\r\norigin: null\r\n"), 403),
        (format!("host: {here}\r\norigin: http://{here}\r\norigin: http://evil.example\r\n"), 403),
    ];
    for (lines, expected) in rows {
        for path in ["/healthz", "/api/v1/events"] {
            let lines = format!("{lines}authorization: Bearer bzt_admin\r\n");
            let reply = running.call("GET", path, &lines, "").await;
            assert_eq!(reply.status, expected, "{path} {lines} {}", reply.body);
        }
    }
    let reply = running.raw(b"GET /healthz HTTP/1.0\r\n\r\n").await;
    assert_eq!(reply.status, 400, "no Host at all");
}

/// Body, status, and what the sentence holds.
const BAD_BODIES: [(&str, &str, u16, &str); 22] = [
    ("/api/v1/keys", "{", 400, "not JSON"),
    ("/api/v1/keys", "[]", 400, "JSON object"),
    ("/api/v1/keys", "", 400, "missing field `name`"),
    ("/api/v1/keys", r#"{"name":""}"#, 400, "1 to 128"),
    ("/api/v1/keys", r#"{"name":" ada"}"#, 400, "1 to 128"),
    ("/api/v1/keys", r#"{"name":"a\u0000"}"#, 400, "1 to 128"),
    ("/api/v1/keys", r#"{"name":7}"#, 400, "string"),
    ("/api/v1/keys", r#"{"name":"ada","colour":"red"}"#, 400, "unknown field `colour`"),
    ("/api/v1/keys", r#"{"name":"ada","kind":"anonymous"}"#, 400, "`user` or `service`"),
    ("/api/v1/keys", r#"{"name":"ada","groups":["a\nb"]}"#, 400, "`groups`"),
    ("/api/v1/keys", r#"{"name":"ada","models":["gpt-*-mini"]}"#, 400, "before its end"),
    ("/api/v1/keys", r#"{"name":"ada","models":[""]}"#, 400, "empty"),
    ("/api/v1/tokens", r#"{"name":"ada"}"#, 400, "missing field `scope`"),
    ("/api/v1/tokens", r#"{"name":"ada","scope":"root"}"#, 400, "unknown scope `root`"),
    ("/api/v1/erase", r#"{"principal":"ada"}"#, 400, "user:NAME"),
    ("/api/v1/erase", r#"{"principal":"user:"}"#, 400, "1 to 128"),
    ("/api/v1/backup", r#"{"dir":"here"}"#, 400, "absolute"),
    ("/api/v1/backup", r#"{"dir":"/tmp/../etc"}"#, 400, "absolute"),
    ("/api/v1/backup", r#"{"dir":"/full"}"#, 409, "choose a new folder"),
    ("/api/v1/backup", r#"{"dir":"/broken"}"#, 503, "the disk is gone"),
    ("/api/v1/backup", r#"{"dir":"/panic"}"#, 500, "fault of ours"),
    ("/api/v1/reload", r#"{"force":true}"#, 400, "unknown field"),
];

#[tokio::test]
async fn bad_bodies_get_a_sentence() {
    let running = Running::start().await;
    for (path, body, status, sentence) in BAD_BODIES {
        let reply = running.post(path, body).await;
        assert_eq!(reply.status, status, "{path} {body} {}", reply.body);
        assert!(reply.head.contains("content-type: application/problem+json"), "{}", reply.head);
        let problem: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(problem["status"], status);
        assert!(problem["detail"].as_str().unwrap().contains(sentence), "{path} {body}: {problem}");
    }
}

#[tokio::test]
async fn bad_queries_and_paths_get_a_sentence() {
    let running = Running::start().await;
    let rows = [
        ("/api/v1/events?since=yesterday", 400, "7d"),
        ("/api/v1/events?since=-1h", 400, "7d"),
        ("/api/v1/events?decision=maybe", 400, "`remedied`"),
        ("/api/v1/events?label=Pii%25", 400, "pii.email"),
        ("/api/v1/events?limit=0", 400, "10000"),
        ("/api/v1/events?limit=10001", 400, "10000"),
        ("/api/v1/events?after=last", 400, "ledger.index"),
        ("/api/v1/events?request_id=%ff", 400, "percent"),
        ("/api/v1/events?colour=red", 400, "unknown parameter"),
        ("/api/v1/nothing", 404, "nothing here"),
        ("/api/v1/keys/", 404, "nothing here"),
        ("/", 404, "nothing here"),
        ("/api/v1/erase", 405, "POST"),
        ("/api/v1/keys/k1", 405, "DELETE"),
    ];
    for (target, status, sentence) in rows {
        let reply = running.get(target).await;
        assert_eq!(reply.status, status, "{target} {}", reply.body);
        assert!(reply.body.contains(sentence), "{target} {}", reply.body);
    }
    let stranger = running.call("GET", "/api/v1/nothing", "", "").await;
    assert_eq!(stranger.status, 401, "strangers do not learn which paths exist");
    let missing = running.call("DELETE", "/api/v1/keys/k2", "authorization: Bearer bzt_admin\r\n", "").await;
    assert_eq!((missing.status, missing.body.contains("bartizan keys list")), (404, true));
}

#[tokio::test]
async fn only_json_and_not_too_much_of_it() {
    let running = Running::start().await;
    for lines in ["", "content-type: text/plain\r\n", "content-type: application/json\r\ncontent-type: text/plain\r\n"] {
        let lines = format!("authorization: Bearer bzt_admin\r\n{lines}");
        let reply = running.call("POST", "/api/v1/keys", &lines, r#"{"name":"ada"}"#).await;
        assert_eq!(reply.status, 415, "{lines}");
    }
    let long = format!(r#"{{"name":"{}"}}"#, "a".repeat(1 << 20));
    assert_eq!(running.post("/api/v1/keys", &long).await.status, 413);
    for lines in
        ["authorization: bzt_admin\r\n", "authorization: Basic YTpi\r\n", "authorization: Bearer bzt_admin\r\nauthorization: Bearer x\r\n"]
    {
        assert_eq!(running.call("GET", "/api/v1/keys", lines, "").await.status, 401, "{lines}");
    }
    assert!(running.fake.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_was_asked_arrives() {
    let running = Running::start().await;
    let query = "/api/v1/events?since=2h&decision=blocked&label=pii&request_id=r%2d1&limit=5&after=start";
    assert_eq!(running.get(query).await.body, "{\"schema\":1}\n");
    running.post("/api/v1/keys", r#"{"name":"bot","kind":"service","groups":["ops"],"models":["gpt-*"]}"#).await;
    running.post("/api/v1/tokens", r#"{"name":"t","scope":"approve","user":"ada"}"#).await;
    let asked = running.fake.asked.lock().unwrap().clone();
    let expected = [
        "EventQuery { since: Some(Ago(7200000000)), decision: Some(Blocked), label: Some(\"pii\"), request_id: Some(\"r-1\"), \
         after: Some(Start), limit: 5 }",
        "NewKey { name: \"bot\", kind: Service, groups: [\"ops\"], models: Some([\"gpt-*\"]) }",
        "NewToken { name: \"t\", scope: Approve, user: Some(\"ada\") }",
    ];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn stops_when_told() {
    let running = Running::start().await;
    assert_eq!(running.call("GET", "/healthz", "", "").await.status, 200);
    running.stop.send(true).unwrap();
    running.task.await.unwrap();
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", running.port)).await.is_err());
}

#[tokio::test]
async fn answers_in_process_as_over_a_socket() {
    let console = Console::new(std::sync::Arc::new(Fake::default()), Vec::new());
    let request = |token: &str| {
        let request = Request::get("/api/v1/keys").header("host", "localhost").header("authorization", format!("Bearer {token}"));
        request.body(Bytes::new()).unwrap()
    };
    let good = console.answer(request("bzt_read")).await;
    assert_eq!((good.status().as_u16(), good.body().as_ref()), (200, b"{\"keys\":[]}\n".as_slice()));
    assert_eq!(console.answer(request("bzt_none")).await.status().as_u16(), 401);
}
