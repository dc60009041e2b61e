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
    /// Lines other than `data` and a plain `event` or `retry`: comments, ids, unknown fields, event names that look like values. They are inspected too.
    pub other: Vec<Range<usize>>,
    /// Bytes of a byte order mark before the first line.
    skip: usize,
    /// The payload stands by itself, not in `data` lines.
    bare: bool,
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
    /// Where the current event starts; what stands before it has been given out.
    start: usize,
    /// Where the line starts that is being looked for the end of.
    line: usize,
    /// Up to where that line was searched.
    searched: usize,
    limit: usize,
    begun: bool,
    broken: bool,
}

impl Frame {
    /// An event whose payload, if it has one, stands by itself in its bytes.
    pub(crate) fn bare(raw: Vec<u8>, payload: Option<Range<usize>>) -> Self {
        Self { raw, data: payload.into_iter().collect(), bare: true, ..Self::default() }
    }

    /// The event that other bytes in this one's place are.
    #[must_use]
    pub fn with_raw(&self, raw: Vec<u8>) -> Self {
        fields(raw, self.skip)
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

    /// The same event with another payload. In `data` lines, line breaks in it, of any kind, become line feeds of the payload.
    #[must_use]
    pub fn with_payload(&self, payload: &[u8]) -> Vec<u8> {
        let Some(first) = self.data.first() else { return self.raw.clone() };
        let mut out = Vec::with_capacity(self.raw.len() + payload.len());
        out.extend_from_slice(self.raw.get(..first.start).unwrap_or_default());
        if self.bare {
            out.extend_from_slice(payload);
            out.extend_from_slice(self.raw.get(first.end..).unwrap_or_default());
            return out;
        }
        if out.ends_with(b"data") {
            out.extend_from_slice(b": ");
        }
        let mut rest = payload;
        while let Some(at) = memchr2(b'\n', b'\r', rest) {
            out.extend_from_slice(rest.get(..at).unwrap_or_default());
            out.extend_from_slice(b"\ndata: ");
            rest = rest.get(at + break_length(rest, at)..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
        let mut at = first.end;
        for range in self.data.iter().skip(1) {
            let before = self.raw.get(..range.start).unwrap_or_default();
            let line = before.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(0, |end| end + 1);
            out.extend_from_slice(self.raw.get(at..line).unwrap_or_default());
            at = range.end + break_length(&self.raw, range.end);
        }
        out.extend_from_slice(self.raw.get(at..).unwrap_or_default());
        out
    }
}

/// The length of the line break at `at`: two for CR LF, one for CR or LF, none at the end.
fn break_length(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at..).unwrap_or_default() {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

impl SseReader {
    /// A reader that refuses events of more than `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { buffer: Vec::new(), start: 0, line: 0, searched: 0, limit, begun: false, broken: false }
    }

    /// Takes more bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.line -= self.start;
            self.searched -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole event, if its blank line has come.
    ///
    /// # Errors
    /// When the event is larger than the limit, however its bytes were split; and from then on.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, SseError> {
        while !self.broken {
            let Some((end, next)) = self.line_end() else {
                self.broken = self.pending() > self.limit;
                break;
            };
            let blank = end == self.line;
            self.line = next;
            self.searched = next;
            self.broken = next - self.start > self.limit;
            if blank && !self.broken {
                return Ok(Some(self.take(next)));
            }
        }
        if self.broken { Err(SseError::FrameTooLarge(self.limit)) } else { Ok(None) }
    }

    /// What is left when the stream has ended: an event whose blank line never came. By the standard, clients drop such an event.
    pub fn finish(&mut self) -> Option<Frame> {
        (self.pending() > 0).then(|| self.take(self.buffer.len()))
    }

    /// Bytes that wait for the end of their event.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// End of the current line and start of the next, if the line's end is certain.
    fn line_end(&mut self) -> Option<(usize, usize)> {
        let rest = self.buffer.get(self.searched..)?;
        let Some(at) = memchr2(b'\n', b'\r', rest) else {
            self.searched = self.buffer.len();
            return None;
        };
        let end = self.searched + at;
        if rest.get(at..) == Some(b"\r") {
            self.searched = end;
            return None;
        }
        Some((end, end + break_length(rest, at)))
    }

    fn take(&mut self, end: usize) -> Frame {
        let raw = self.buffer.get(self.start..end).unwrap_or_default().to_vec();
        (self.start, self.line, self.searched) = (end, end, end);
        let skip = if !self.begun && raw.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        self.begun = true;
        fields(raw, skip)
    }
}

/// Finds the lines of an event.
fn fields(raw: Vec<u8>, skip: usize) -> Frame {
    let mut frame = Frame { skip, ..Frame::default() };
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
            b"event" if raw.get(value.clone()).is_some_and(is_event_name) => {}
            b"retry" if raw.get(value.clone()).is_some_and(|digits| digits.len() < 8 && digits.iter().all(u8::is_ascii_digit)) => {}
            _ if line.is_empty() => {}
            _ => frame.other.push(at..at + length),
        }
        at += length + 1;
    }
    frame.raw = raw;
    frame
}

/// A name such as `content_block_delta` or `response.output_text.delta`.
fn is_event_name(name: &[u8]) -> bool {
    name.len() <= 64 && name.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.'))
}
