//! Clients that do not read, do not ask, or send more than one request: what waits for them is bounded in bytes and in time.

use std::time::{Duration, Instant};

use bartizan_gateway::{Limits, Timeouts};
use bartizan_testkit::{Answer, canned};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;

use crate::answers::chat_event;
use crate::harness::{Call, House, Plan, Wire, key};

const ASK: &str = r#"{"model":"gpt-4o-mini","messages":[]}"#;
const ASK_STREAM: &str = r#"{"model":"gpt-4o-mini","stream":true,"messages":[]}"#;
const MIB: usize = 1 << 20;

/// Waits until something holds.
fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(15), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn impatient() -> Plan {
    Plan { timeouts: Timeouts { client: Duration::from_millis(400), ..Timeouts::default() }, ..Plan::default() }
}

/// An answer of about so many bytes.
fn long(bytes: usize) -> Answer {
    Answer::json(canned::chat("m", &"word and ".repeat(bytes / 9)))
}

/// Events as fast as they are taken, without end.
fn flood() -> Answer {
    Answer::stream([chat_event(0, &json!({"content": "word ".repeat(3_000)}))]).endless()
}

#[test]
fn a_client_that_does_not_read_is_not_read_from() {
    let house = House::new();
    let call = Call::new("GET", "/v1/models", "").with("authorization", "").kept_alive();
    let mut wire = Wire::narrow(house.address);
    let mut before = 0;
    wait_for("requests are taken although no answer is", || {
        wire.send_for(&call.repeat(100), Duration::from_millis(400));
        let now = house.gate.metrics().unauthenticated_total.get();
        std::mem::replace(&mut before, now) == now
    });
    assert!(before > 0);
}

#[test]
fn answers_leave_whatever_follows_the_request() {
    let house = House::new();
    let whole = Call::chat(ASK).kept_alive();
    for behind in ["\r\n", "POST /v1/chat/comp", "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-le"] {
        house.upstream.push(Answer::json(canned::chat("m", "hello there")));
        let mut wire = Wire::open(house.address);
        wire.send_bytes(&[&whole, behind.as_bytes()].concat());
        let began = Instant::now();
        wire.read_until("hello there");
        assert!(began.elapsed() < Duration::from_secs(5), "{behind:?}");
    }
    house.upstream.push(Answer::json(canned::chat("m", "the first")));
    house.upstream.push(Answer::json(canned::chat("m", "the second")));
    let mut wire = Wire::open(house.address);
    wire.send_bytes(&whole.repeat(2));
    let both = wire.read_until("the second");
    assert!(both.contains("the first") && both.matches("HTTP/1.1 200").count() == 2, "{both}");
}

#[test]
fn events_come_as_they_are_made_with_the_next_request_behind() {
    let house = House::new();
    let next = Call::new("GET", "/v1/models", "").kept_alive();
    for behind in [b"\r\n".to_vec(), next[..10].to_vec(), next] {
        let events = canned::chat_events("m", &["ash ", "birch ", "cedar "]);
        house.upstream.push(Answer::stream(events).paced(Duration::from_millis(300)));
        let mut wire = Wire::open(house.address);
        wire.send_bytes(&[Call::chat(ASK_STREAM).kept_alive(), behind].concat());
        let first = wire.read_until("ash ");
        assert!(!first.contains("cedar "), "all came at once");
        wire.read_until("[DONE]");
    }
}

#[test]
fn heads_that_cannot_be_read_get_an_answer() {
    let house = House::new();
    let get = "GET /v1/models HTTP/1.1\r\nhost: localhost\r\n";
    let many = "x: a\r\n".repeat(200);
    let rows = [
        (format!("{get}x: {}\r\n\r\n", "a".repeat(80_000)), " 431 "),
        (format!("{get}{many}\r\n"), " 431 "),
        ("GET /v1/models HTTP/1.1\r\nhost localhost\r\n\r\n".to_owned(), " 400 "),
        ("hello world\r\n\r\n".to_owned(), " 400 "),
    ];
    for (head, status) in rows {
        let mut wire = Wire::open(house.address);
        wire.send_bytes(head.as_bytes());
        let said = wire.rest();
        assert!(said.lines().next().unwrap_or_default().contains(status), "{:?}: {said:?}", &head[..20]);
    }
}

#[test]
fn whole_answers_are_counted_until_they_are_sent_and_cut_when_nobody_reads_them() {
    let house = House::build(impatient());
    house.upstream.push(long(24 * MIB));
    let mut wire = Wire::narrow(house.address);
    wire.send(&Call::chat(ASK));
    wire.read_until("HTTP/1.1 200");
    std::thread::sleep(Duration::from_millis(100));
    assert!(house.gate.inflight_bytes() > 20 * MIB, "{} bytes are counted", house.gate.inflight_bytes());
    let end = house.journal.wait_for("end");
    assert_eq!(end.end.as_deref(), Some("client_gone"));
    wait_for("what was cut stays counted", || house.gate.inflight_bytes() == 0);
    wait_for("the connection stays", || house.gate.metrics().connections.get() == 0);
    assert_eq!(house.gate.metrics().client_gone_total.get(), 1);
}

#[test]
fn what_is_read_slowly_arrives_whole() {
    let house = House::build(impatient());
    house.upstream.push(long(8 * MIB));
    let mut wire = Wire::narrow(house.address);
    wire.send(&Call::chat(ASK));
    // Longer in all than one pause may be.
    for _ in 0..6 {
        std::thread::sleep(Duration::from_millis(150));
        wire.read_some(200_000);
    }
    let reply = wire.reply();
    assert!(reply.whole && reply.body.len() > 7 * MIB, "{} bytes", reply.body.len());
    assert_eq!(house.journal.wait_for("end").end.as_deref(), Some("complete"));
    wait_for("what was sent stays counted", || house.gate.inflight_bytes() == 0);
}

#[test]
fn a_stream_that_nobody_reads_holds_its_provider_back_and_is_cut() {
    let timeouts = Timeouts { client: Duration::from_secs(2), ..Timeouts::default() };
    let house = House::build(Plan { timeouts, ..Plan::default() });
    house.upstream.push(flood());
    let mut wire = Wire::narrow(house.address);
    wire.send(&Call::chat(ASK_STREAM));
    wire.read_until("word");
    let (mut before, mut since) = (0, Instant::now());
    wait_for("what waits for the client is not counted", || {
        let now = house.gate.inflight_bytes();
        if std::mem::replace(&mut before, now) != now {
            since = Instant::now();
        }
        now > 0 && since.elapsed() > Duration::from_millis(500)
    });
    assert!(house.gate.inflight_bytes() < MIB, "{} bytes wait", house.gate.inflight_bytes());
    let end = house.journal.wait_for("end");
    assert_eq!(end.end.as_deref(), Some("client_gone"));
    let sent = end.event.unwrap()["bytes_out"].as_u64().unwrap();
    assert!(sent < 32 << 20, "{sent} bytes were taken from the provider");
    assert!(house.upstream.wait_for_gone(1, Duration::from_secs(5)), "the provider was not told");
    wait_for("what was cut stays counted", || house.gate.inflight_bytes() == 0);
}

#[test]
fn a_connection_that_only_sends_is_cut() {
    let house = House::build(impatient());
    let call = Call::new("GET", "/v1/models", "").with("authorization", "").kept_alive();
    let mut wire = Wire::narrow(house.address);
    wire.send_for(&call.repeat(100), Duration::from_millis(300));
    wait_for("the connection stays", || {
        wire.send_for(&call.repeat(100), Duration::from_millis(50));
        house.gate.metrics().connections.get() == 0
    });
}

type Sender = http2::SendRequest<Full<Bytes>>;

/// An HTTP/2 connection with small windows, and whether it has ended.
fn h2(house: &House) -> (Sender, tokio::task::JoinHandle<()>) {
    house.runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(house.address).await.unwrap();
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(10_000).initial_connection_window_size(1 << 20);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
        (sender, house.runtime.spawn(async move { drop(connection.await) }))
    })
}

fn asked(body: &'static str) -> http::Request<Full<Bytes>> {
    let uri = "http://localhost/v1/chat/completions";
    let request = http::Request::post(uri).header("content-type", "application/json").header("authorization", format!("Bearer {}", key(1)));
    request.body(Full::from(body)).unwrap()
}

#[test]
fn an_http2_connection_without_a_request_under_way_is_closed() {
    let house = House::build(impatient());
    // One that never asked, and one that did.
    let (_silent, silent_end) = h2(&house);
    let (mut sender, end) = h2(&house);
    house.upstream.push(Answer::json(canned::chat("m", "hello")).slow(Duration::from_millis(1_500)));
    let answer = house.runtime.block_on(sender.send_request(asked(ASK))).unwrap();
    assert_eq!(answer.status(), 200, "a connection on which somebody waits stays");
    house.runtime.block_on(answer.into_body().collect()).unwrap();
    for end in [silent_end, end] {
        house.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(5), end).await }).expect("it stays open").unwrap();
    }
    wait_for("the connections stay", || house.gate.metrics().connections.get() == 0);
}

#[test]
fn http2_answers_without_a_window_are_cut_and_no_others() {
    let house = House::build(impatient());
    for (body, answer) in [(ASK, long(4 * MIB)), (ASK, long(20_000)), (ASK_STREAM, flood())] {
        // A fresh one: on a busy machine the last one may have been idle for too long by now.
        let (mut sender, _end) = h2(&house);
        house.journal.clear();
        house.upstream.push(answer);
        let unread = house.runtime.block_on(sender.send_request(asked(body))).unwrap();
        assert_eq!(unread.status(), 200);
        // Others on the same connection go on.
        while house.journal.all().iter().all(|one| one.kind != "end" || one.end.as_deref() == Some("complete")) {
            house.upstream.push(Answer::json(canned::chat("m", "hello")));
            let other = house.runtime.block_on(sender.send_request(asked(ASK))).unwrap();
            let other = house.runtime.block_on(other.into_body().collect()).unwrap().to_bytes();
            assert!(String::from_utf8_lossy(&other).contains("hello"));
            std::thread::sleep(Duration::from_millis(20));
            assert!(house.journal.all().len() < 3_000, "it is not cut");
        }
        let ends: Vec<String> = house.journal.all().into_iter().filter_map(|one| one.end).filter(|end| end != "complete").collect();
        assert_eq!(ends, ["client_gone"]);
        let got = house.runtime.block_on(unread.into_body().collect());
        assert!(got.is_err(), "the client must not take it for whole");
        wait_for("what was cut stays counted", || house.gate.inflight_bytes() == 0);
    }
}

#[test]
fn what_is_not_read_is_within_the_budget() {
    let limits = Limits { inflight_bytes: 16 * MIB, ..Limits::default() };
    let house = House::build(Plan { limits, ..Plan::default() });
    house.upstream.always(long(6 * MIB));
    let mut unread = Vec::new();
    let mut refused = 0;
    for _ in 0..12 {
        let mut wire = Wire::narrow(house.address);
        wire.send(&Call::chat(ASK));
        refused += usize::from(wire.read_until("HTTP/1.1 ").contains(" 503 "));
        unread.push(wire);
    }
    assert!(refused >= 6, "only {refused} of 12 were refused");
    drop(unread);
    wait_for("what was given up stays counted", || house.gate.inflight_bytes() == 0);
}

#[test]
fn the_end_of_the_drain_cuts_and_says_so() {
    let mut house = House::new();
    house.upstream.push(Answer::stream([chat_event(0, &json!({"content": "word "}))]).paced(Duration::from_millis(20)).endless());
    house.upstream.push(Answer::json("{}").slow(Duration::from_secs(20)));
    let mut stream = Wire::open(house.address);
    stream.send(&Call::chat(ASK_STREAM));
    stream.read_until("word");
    let mut waiting = Wire::open(house.address);
    waiting.send(&Call::chat(ASK));
    let (mut sender, _end) = h2(&house);
    house.upstream.push(Answer::stream([chat_event(0, &json!({"content": "word "}))]).paced(Duration::from_millis(20)).endless());
    wait_for("the provider is not asked", || house.upstream.served() == 2);
    let third = house.runtime.block_on(sender.send_request(asked(ASK_STREAM))).unwrap();
    house.stop();
    let ends: Vec<String> = house.journal.all().into_iter().filter_map(|one| one.end).collect();
    assert_eq!(ends, ["killed"; 3], "{}", house.journal.kinds());
    assert_eq!(house.gate.metrics().client_gone_total.get(), 0);
    drop((third, stream, waiting));
}
