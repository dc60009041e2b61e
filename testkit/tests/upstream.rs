//! The scripted upstream, seen from a plain socket: what it sends is what the script says.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use bartizan_testkit::{Answer, Manner, ScriptedUpstream, canned, refused_url};

const LIMIT: Duration = Duration::from_secs(5);

/// Sends one request on its own connection and reads until the server closes it.
fn ask(upstream: &ScriptedUpstream, body: &str) -> String {
    exchange(upstream, body).unwrap_or_else(|error| format!("no answer: {error}"))
}

fn exchange(upstream: &ScriptedUpstream, body: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(upstream.address())?;
    stream.set_read_timeout(Some(LIMIT))?;
    send(&mut stream, body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn send(stream: &mut TcpStream, body: &str) -> io::Result<()> {
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\nX-Custom: a\r\n";
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn records_and_echoes() {
    let upstream = ScriptedUpstream::start().unwrap();
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#;
    let answer = ask(&upstream, body);
    assert!(answer.contains("You said: hello"), "{answer}");
    let requests = upstream.requests();
    assert_eq!((requests.len(), requests[0].method.as_str(), requests[0].path.as_str()), (1, "POST", "/v1/chat/completions"));
    assert_eq!((requests[0].text().as_str(), requests[0].header("x-custom")), (body, Some("a")));
}

#[test]
fn answers_from_the_queue_first() {
    let upstream = ScriptedUpstream::start().unwrap();
    upstream.always(Answer::json("{}").with_status(429).with_header("retry-after", "3"));
    upstream.push(Answer::garbage());
    assert!(ask(&upstream, "{}").contains("not what was asked for"));
    let second = ask(&upstream, "{}");
    assert!(second.starts_with("HTTP/1.1 429") && second.contains("retry-after: 3"), "{second}");
}

#[test]
fn splits_where_it_is_told() {
    let upstream = ScriptedUpstream::start().unwrap();
    upstream.push(Answer::stream_split(b"data: abcdef\n\n", &[3, 9, 99]).paced(Duration::from_millis(5)));
    let answer = ask(&upstream, "{}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "3\r\ndat\r\n6\r\na: abc\r\n5\r\ndef\n\n\r\n0\r\n\r\n");
}

#[test]
fn dies_without_the_last_chunk() {
    let upstream = ScriptedUpstream::start().unwrap();
    upstream.push(Answer::stream(["data: 1\n\n"]).dies());
    let answer = ask(&upstream, "{}");
    assert!(answer.contains("data: 1") && !answer.contains("\r\n0\r\n"), "{answer}");
}

#[test]
fn notes_that_the_client_went_away() {
    let upstream = ScriptedUpstream::start().unwrap();
    upstream.push(Answer::stream(["data: tick\n\n"]).paced(Duration::from_millis(1)).endless());
    let mut stream = TcpStream::connect(upstream.address()).unwrap();
    send(&mut stream, "{}").unwrap();
    let mut some = [0; 200];
    assert!(stream.read(&mut some).unwrap() > 0);
    assert_eq!(upstream.clients_gone(), 0);
    drop(stream);
    assert!(upstream.wait_for_gone(1, LIMIT));
}

#[test]
fn compresses_when_told() {
    let upstream = ScriptedUpstream::start().unwrap();
    upstream.push(Answer::json("a".repeat(1_000)).gzipped());
    let answer = ask(&upstream, "{}");
    assert!(answer.contains("content-encoding: gzip") && !answer.contains("aaaa"), "{answer}");
}

#[test]
fn fixed_answers_have_the_size_that_is_asked_for() {
    let upstream = ScriptedUpstream::start().unwrap();
    upstream.respond_with(Manner::Fixed.responder());
    for (model, size) in [("x", 300), ("size-2k", 2_048), ("size-700", 700)] {
        let answer = ask(&upstream, &format!(r#"{{"model":"{model}"}}"#));
        let length = answer.split_once("\r\n\r\n").unwrap().1.len();
        assert!(length.abs_diff(size) < 20, "{model}: {length}");
    }
}

#[test]
fn nobody_listens_on_the_refused_url() {
    let url = refused_url().unwrap();
    assert!(TcpStream::connect(url.trim_start_matches("http://").trim_end_matches("/v1")).is_err());
}

#[test]
fn streams_have_the_asked_number_of_events() {
    let upstream = ScriptedUpstream::start().unwrap();
    upstream.respond_with(Manner::Stream(20).responder());
    assert_eq!(ask(&upstream, "{}").matches("data: ").count(), 20);
}

#[test]
fn parts_join_to_the_text() {
    let text = "für 3 €, ja";
    assert_eq!(canned::parts(text, 2).concat(), text);
}
