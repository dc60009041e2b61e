//! A client that shows the bytes of its socket: HTTP/1.1 over one connection, kept open as long as the gate does.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer as it came.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    /// Body, without the marks of chunks.
    pub body: Vec<u8>,
}

impl Reply {
    /// Head and body.
    pub fn raw(&self) -> Vec<u8> {
        [self.head.as_bytes(), b"\r\n", &self.body].concat()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection to the gate.
pub struct Client {
    address: SocketAddr,
    open: Option<BufReader<TcpStream>>,
}

impl Client {
    /// Connects when the first request is sent.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, open: None }
    }

    /// Sends a request and reads its whole answer. With `cuts` the body goes in chunks.
    ///
    /// # Errors
    /// When the gate closes the connection before an answer is there.
    pub fn send(&mut self, start: &str, headers: &[(String, String)], body: &[u8], cuts: Option<&[usize]>) -> io::Result<Reply> {
        let reused = self.open.is_some();
        match self.exchange(start, headers, body, cuts) {
            Err(_) if reused => {
                self.open = None;
                self.exchange(start, headers, body, cuts)
            }
            other => other,
        }
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(BufReader::new(stream))
    }

    fn exchange(&mut self, start: &str, headers: &[(String, String)], body: &[u8], cuts: Option<&[usize]>) -> io::Result<Reply> {
        let mut stream = self.open.take().map_or_else(|| self.connect(), Ok)?;
        let mut bytes = format!("{start} HTTP/1.1\r\nhost: localhost\r\n").into_bytes();
        for (name, value) in headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        match cuts {
            None => {
                bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
                bytes.extend_from_slice(body);
            }
            Some(cuts) => {
                bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
                chunks(body, cuts, &mut bytes);
            }
        }
        stream.get_mut().write_all(&bytes)?;
        let (reply, keep) = read(&mut stream)?;
        self.open = keep.then_some(stream);
        Ok(reply)
    }
}

fn chunks(body: &[u8], cuts: &[usize], out: &mut Vec<u8>) {
    let mut from = 0;
    for cut in cuts.iter().copied().chain([body.len()]) {
        let Some(part) = body.get(from..cut).filter(|part| !part.is_empty()) else { continue };
        out.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
        from = cut;
    }
    out.extend_from_slice(b"0\r\n\r\n");
}

/// Reads one answer; says whether the connection can be used again.
fn read(stream: &mut BufReader<TcpStream>) -> io::Result<(Reply, bool)> {
    let mut head = String::new();
    loop {
        let before = head.len();
        if stream.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if head.get(before..) == Some("\r\n") {
            break;
        }
    }
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let lower = head.to_ascii_lowercase();
    let mut body = Vec::new();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:")).and_then(|value| value.trim().parse::<u64>().ok());
    let whole = if lower.contains("transfer-encoding: chunked") {
        read_chunks(stream, &mut body)?
    } else if let Some(length) = length {
        stream.take(length).read_to_end(&mut body)? as u64 == length
    } else {
        stream.read_to_end(&mut body)?;
        false
    };
    let head = head.strip_suffix("\r\n").unwrap_or(&head).to_owned();
    Ok((Reply { status, head, body }, whole && !lower.contains("connection: close")))
}

/// Reads chunks; says whether the last one came. A stream that was cut is an answer all the same.
fn read_chunks(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(false);
        }
        let Ok(size) = u64::from_str_radix(line.trim(), 16) else { return Ok(false) };
        if stream.by_ref().take(size).read_to_end(body)? as u64 != size {
            return Ok(false);
        }
        line.clear();
        stream.read_line(&mut line)?;
        if size == 0 {
            return Ok(true);
        }
    }
}
