//! Server-sent events as whole frames of raw bytes (WHATWG HTML, "Server-sent events", parsing).
//!
//! A frame keeps every byte that came, its blank line included, so that what is not edited goes on as it was.

use std::ops::Range;

use memchr::memchr2;

/// One event with its raw bytes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Frame {
    /// All bytes of the event, line ends and the closing blank line included.
    pub raw: Vec<u8>,
    /// The payload of each `data` line, without the space behind the colon.
    pub data: Vec<Range<usize>>,
    /// Lines that are neither `data`, `event` nor `retry`: comments, ids and unknown fields. They are inspected too.
    pub other: Vec<Range<usize>>,
}

/// Why a stream is not read further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// One event is larger than the limit, in bytes.
    #[error("an event of the stream is larger than {0} bytes")]
    FrameTooLarge(usize),
}

/// Cuts a byte stream into frames, however the bytes were split.
#[derive(Debug)]
pub struct SseReader {
    buffer: Vec<u8>,
    /// Where the line starts that is being looked for the end of.
    line: usize,
    /// Up to where that line was searched.
    searched: usize,
    limit: usize,
    begun: bool,
}

impl Frame {
    /// Reads the lines of one whole event.
    pub fn parse(raw: Vec<u8>) -> Self {
        fields(raw, 0)
    }

    /// The payload: the `data` lines joined by line feeds. Borrowed when there is one line.
    pub fn payload(&self) -> std::borrow::Cow<'_, [u8]> {
        let part = |range: &Range<usize>| self.raw.get(range.clone()).unwrap_or_default();
        match self.data.as_slice() {
            [] => std::borrow::Cow::Borrowed(&[]),
            [one] => std::borrow::Cow::Borrowed(part(one)),
            many => std::borrow::Cow::Owned(many.iter().map(part).collect::<Vec<_>>().join(&b'\n')),
        }
    }

    /// The same event with another payload.
    #[must_use]
    pub fn with_payload(&self, payload: &[u8]) -> Vec<u8> {
        let Some(first) = self.data.first() else { return self.raw.clone() };
        let mut out = Vec::with_capacity(self.raw.len() + payload.len());
        out.extend_from_slice(self.raw.get(..first.start).unwrap_or_default());
        for (at, line) in payload.split(|byte| *byte == b'\n').enumerate() {
            if at > 0 {
                out.extend_from_slice(b"\ndata: ");
            }
            out.extend_from_slice(line);
        }
        let mut at = first.end;
        for range in self.data.iter().skip(1) {
            let gap = self.raw.get(at..range.start).unwrap_or_default();
            let line_start = gap.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(0);
            out.extend_from_slice(gap.get(..line_start).unwrap_or_default());
            at = range.end;
        }
        out.extend_from_slice(self.raw.get(at..).unwrap_or_default());
        out
    }
}

impl SseReader {
    /// A reader that refuses events of more than `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { buffer: Vec::new(), line: 0, searched: 0, limit, begun: false }
    }

    /// Takes more bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole event, if its blank line has come.
    ///
    /// # Errors
    /// When the event grows beyond the limit.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, SseError> {
        while let Some((end, next)) = self.line_end() {
            let blank = end == self.line;
            self.line = next;
            self.searched = next;
            if blank {
                return Ok(Some(self.take(next)));
            }
        }
        if self.buffer.len() > self.limit {
            return Err(SseError::FrameTooLarge(self.limit));
        }
        Ok(None)
    }

    /// What is left when the stream has ended: an event whose blank line never came.
    pub fn finish(&mut self) -> Option<Frame> {
        (!self.buffer.is_empty()).then(|| self.take(self.buffer.len()))
    }

    /// Bytes that wait for the end of their event.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// End of the current line and start of the next, if the line's end is certain.
    fn line_end(&mut self) -> Option<(usize, usize)> {
        let rest = self.buffer.get(self.searched..)?;
        let Some(at) = memchr2(b'\n', b'\r', rest) else {
            self.searched = self.buffer.len();
            return None;
        };
        let end = self.searched + at;
        if self.buffer.get(end) == Some(&b'\n') {
            return Some((end, end + 1));
        }
        match self.buffer.get(end + 1) {
            Some(b'\n') => Some((end, end + 2)),
            Some(_) => Some((end, end + 1)),
            None => {
                self.searched = end;
                None
            }
        }
    }

    fn take(&mut self, end: usize) -> Frame {
        let rest = self.buffer.split_off(end);
        let raw = std::mem::replace(&mut self.buffer, rest);
        self.line = 0;
        self.searched = 0;
        let skip = if !self.begun && raw.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        self.begun = true;
        fields(raw, skip)
    }
}

/// Finds the lines of an event.
fn fields(raw: Vec<u8>, skip: usize) -> Frame {
    let mut frame = Frame::default();
    let mut at = skip;
    while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
        let length = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let line = rest.get(..length).unwrap_or_default();
        let name_end = line.iter().position(|byte| *byte == b':').unwrap_or(length);
        let mut value = at + name_end + 1;
        if raw.get(value) == Some(&b' ') {
            value += 1;
        }
        let value = value.min(at + length)..at + length;
        match line.get(..name_end).unwrap_or_default() {
            b"data" => frame.data.push(value),
            b"event" | b"retry" => {}
            _ if line.is_empty() => {}
            _ => frame.other.push(at..at + length),
        }
        at += length + 1;
    }
    frame.raw = raw;
    frame
}
