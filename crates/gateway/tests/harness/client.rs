//! A client that shows what is on the wire: one connection, one request, and whether the answer ended as HTTP wants it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::key;

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Send the body in chunks, without a length.
    pub chunked: bool,
}

impl Call {
    pub fn new(method: &str, path: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = [("host", "localhost"), ("content-type", "application/json"), ("authorization", &format!("Bearer {}", key(1)))];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { method: method.to_owned(), path: path.to_owned(), headers, body: body.into(), chunked: false }
    }

    pub fn chat(body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", "/v1/chat/completions", body)
    }

    pub fn messages(body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", "/v1/messages", body)
    }

    /// A call of one of Gemini's methods.
    pub fn gemini(method: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", &format!("/v1beta/models/gpt-4o-mini:{method}"), body)
    }

    pub fn responses(body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", "/v1/responses", body)
    }

    /// Replaces a header; an empty value removes it.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        if value.is_empty() { self } else { self.and(name, value) }
    }

    /// Adds a header, whether or not it is there.
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// As it goes over the wire, by itself on its connection.
    fn bytes(&self) -> Vec<u8> {
        self.bytes_with("connection: close\r\n")
    }

    /// As it goes over the wire, with others behind it.
    pub fn kept_alive(&self) -> Vec<u8> {
        self.bytes_with("")
    }

    fn bytes_with(&self, lines: &str) -> Vec<u8> {
        let mut out = format!("{} {} HTTP/1.1\r\n{lines}", self.method, self.path);
        for (name, value) in &self.headers {
            out = format!("{out}{name}: {value}\r\n");
        }
        let mut out = if self.chunked { format!("{out}transfer-encoding: chunked\r\n\r\n") } else { self.with_length(&out) }.into_bytes();
        if !self.chunked {
            out.extend_from_slice(&self.body);
            return out;
        }
        for chunk in self.body.chunks(1_000) {
            out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            out.extend_from_slice(chunk);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"0\r\n\r\n");
        out
    }

    fn with_length(&self, head: &str) -> String {
        let given = self.headers.iter().any(|(name, _)| name == "content-length");
        if given { format!("{head}\r\n") } else { format!("{head}content-length: {}\r\n\r\n", self.body.len()) }
    }
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the body ended as its framing says, and was not cut.
    pub whole: bool,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn decision(&self) -> &str {
        self.header("bartizan-decision").unwrap_or("none")
    }
}

/// An open connection.
pub struct Wire {
    stream: TcpStream,
    got: Vec<u8>,
    /// Bytes that [`send_for`](Self::send_for) sent.
    sent: usize,
}

impl Wire {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, got: Vec::new(), sent: 0 }
    }

    pub fn send(&mut self, call: &Call) {
        self.send_bytes(&call.bytes());
    }

    /// A connection whose own side takes little in, so that what is not read soon waits at the sender.
    pub fn narrow(address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4_096).unwrap();
            socket.connect(address).await.unwrap()
        });
        let stream = stream.into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { stream, got: Vec::new(), sent: 0 }
    }

    /// Writes the same bytes again and again for a while, as many as are taken. A further call goes on where the last one ended.
    pub fn send_for(&mut self, bytes: &[u8], time: Duration) {
        let began = std::time::Instant::now();
        self.stream.set_nonblocking(true).unwrap();
        while began.elapsed() < time {
            match self.stream.write(&bytes[self.sent % bytes.len()..]) {
                Ok(count) => self.sent += count,
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
        self.stream.set_nonblocking(false).unwrap();
    }

    /// What the peer refuses to read is part of what is tested.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        drop(self.stream.write_all(bytes));
    }

    /// Reads until the bytes so far hold `text`.
    pub fn read_until(&mut self, text: &str) -> String {
        loop {
            let so_far = String::from_utf8_lossy(&self.got).into_owned();
            if so_far.contains(text) {
                return so_far;
            }
            assert!(self.more(), "the connection ended before {text:?}: {so_far}");
        }
    }

    fn more(&mut self) -> bool {
        let mut buffer = [0; 16_384];
        match self.stream.read(&mut buffer) {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.got.extend_from_slice(&buffer[..count]);
                true
            }
        }
    }

    /// Reads at least so many bytes more.
    pub fn read_some(&mut self, bytes: usize) {
        let enough = self.got.len() + bytes;
        while self.got.len() < enough && self.more() {}
    }

    /// Reads to the end of the connection.
    pub fn reply(mut self) -> Reply {
        while self.more() {}
        self.parse()
    }

    fn parse(&self) -> Reply {
        let end = self.got.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&self.got)));
        let head = String::from_utf8_lossy(&self.got[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> =
            lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        let rest = &self.got[end + 4..];
        let find = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        let (body, whole) = match find("content-length") {
            Some(length) => (rest.to_vec(), rest.len() == length.parse::<usize>().unwrap()),
            None => dechunk(rest),
        };
        Reply { status, headers, body, whole }
    }
}

fn dechunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(at) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..at]).unwrap(), 16).unwrap();
        if size == 0 {
            return (body, true);
        }
        let chunk = &rest[at + 2..];
        body.extend_from_slice(&chunk[..size.min(chunk.len())]);
        if chunk.len() < size + 2 {
            break;
        }
        rest = &chunk[size + 2..];
    }
    (body, false)
}

impl Wire {
    /// Everything until the connection ends, whatever it is.
    pub fn rest(mut self) -> String {
        while self.more() {}
        String::from_utf8_lossy(&self.got).into_owned()
    }
}
