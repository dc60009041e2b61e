//! What is spent from budgets while the process ends: kept, however it ends.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Up, folder};

/// A provider that begins a stream of 2,000 tokens and never ends it.
fn provider() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"}") {
                let mut some = [0; 1_024];
                let count = stream.read(&mut some).unwrap();
                asked.extend_from_slice(&some[..count]);
            }
            let said = "so word ".repeat(1_000);
            let event = format!(
                "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{said}\"}}}}]}}\n\n"
            );
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{event}\r\n",
                event.len()
            )
            .unwrap();
            open.push(stream);
        }
    });
    port
}

fn config(data: &Path, drain: u32) -> PathBuf {
    let path = data.with_extension("toml");
    let text = format!(
        "[gate]\nlisten = \"127.0.0.1:0\"\ndrain_seconds = {drain}\n[admin]\nlisten = \"127.0.0.1:0\"\n\
        [[providers]]\nname = \"p\"\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:{}/v1\"\n[[models]]\nname = \"sample\"\nprovider = \"p\"\n\
        [limits]\nanswer_tokens = 10\n[[limits.budget]]\nname = \"b\"\nperiod = \"month\"\ntokens = 5000\n",
        provider()
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// A stream of which the client has seen the beginning.
fn stream(up: &Up) -> TcpStream {
    let body = r#"{"model":"sample","stream":true,"messages":[{"role":"user","content":"hello"}]}"#;
    let mut stream = TcpStream::connect(up.at("gate")).unwrap();
    write!(
        stream,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut seen = String::new();
    while !seen.contains("so word") {
        let mut some = [0; 1_024];
        let count = stream.read(&mut some).unwrap();
        assert!(count > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&some[..count]));
    }
    stream
}

/// Whether about 4,000 tokens are too many: they are when a stream was counted, and not when it was only reserved.
fn is_spent(up: &Up) -> bool {
    let body = format!(r#"{{"model":"sample","stream":true,"messages":[{{"role":"user","content":"{}"}}]}}"#, "word ".repeat(3_200));
    let mut stream = TcpStream::connect(up.at("gate")).unwrap();
    let length = body.len();
    let head =
        format!("POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}");
    write!(stream, "{head}\r\n\r\n{body}").unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    status == *b"HTTP/1.1 429"
}

#[test]
fn what_the_drain_cut_off_is_kept() {
    let (_dir, data) = folder();
    let path = config(&data, 1);
    let up = Up::from_file(&data, &path);
    let open = stream(&up);
    assert_eq!(up.stop(), Some(0));
    drop(open);
    assert!(is_spent(&Up::from_file(&data, &path)));
}

#[test]
fn what_is_spent_while_others_are_drained_is_kept_though_the_process_is_killed() {
    let (_dir, data) = folder();
    let path = config(&data, 600);
    let up = Up::from_file(&data, &path);
    let (leaves, _stays) = (stream(&up), stream(&up));
    up.signal("TERM");
    // It is draining: nobody new is let in.
    super::until("the drain begins", || TcpStream::connect(up.at("gate")).is_err());
    drop(leaves);
    // Once a second it is kept.
    std::thread::sleep(Duration::from_secs(3));
    up.signal("KILL");
    drop(up);
    assert!(is_spent(&Up::from_file(&data, &path)));
}
