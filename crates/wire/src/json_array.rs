//! A JSON array that comes bit by bit, as whole elements of raw bytes: Gemini's streams without `alt=sse`.
//!
//! Every byte that came is in some frame, brackets, commas and white space included, so that what is not edited goes on as it was.

use crate::frames::FrameError;
use crate::sse::Frame;

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The opening bracket.
    Before,
    /// The first element, or the closing bracket.
    First,
    /// More of an element.
    Inside,
    /// A comma, or the closing bracket.
    Next,
    /// An element.
    Element,
    /// White space.
    After,
}

/// Cuts a byte stream into the elements of an array, however the bytes were split. Elements are objects; that they are JSON is for
/// others to see.
#[derive(Debug)]
pub struct ArrayReader {
    buffer: Vec<u8>,
    /// Where the current frame starts; what stands before it has been given out.
    start: usize,
    /// Up to where the bytes were looked at.
    at: usize,
    /// Where the current element starts.
    element: usize,
    depth: usize,
    string: bool,
    escaped: bool,
    state: State,
    limit: usize,
    broken: Option<FrameError>,
}

impl ArrayReader {
    /// A reader that refuses elements of more than `limit` bytes, what stands before them included.
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            at: 0,
            element: 0,
            depth: 0,
            string: false,
            escaped: false,
            state: State::Before,
            limit,
            broken: None,
        }
    }

    /// Takes more bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.at -= self.start;
            self.element = self.element.saturating_sub(self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next element with what stands before it, or the end of the array.
    ///
    /// # Errors
    /// When the bytes are no array of objects, or an element is larger than the limit; and from then on.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        while self.broken.is_none() {
            let Some(byte) = self.buffer.get(self.at).copied() else {
                self.check_size();
                break;
            };
            let ended = self.take(byte);
            self.at += 1;
            if ended {
                self.check_size();
            }
            if ended && self.broken.is_none() {
                return Ok(Some(self.frame()));
            }
        }
        self.broken.map_or(Ok(None), Err)
    }

    /// What is left when the stream has ended: white space.
    ///
    /// # Errors
    /// When the array has not ended.
    pub fn finish(&mut self) -> Result<Option<Frame>, FrameError> {
        match self.state {
            State::After => Ok((self.pending() > 0).then(|| self.frame())),
            _ => Err(self.broken.unwrap_or(FrameError::Cut)),
        }
    }

    /// Bytes that wait for the end of their element.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }

    fn check_size(&mut self) {
        if self.at - self.start > self.limit {
            self.broken = Some(FrameError::TooLarge(self.limit));
        }
    }

    /// Takes one byte. Gives whether a frame ends with it.
    fn take(&mut self, byte: u8) -> bool {
        if self.state == State::Inside {
            return self.inside(byte);
        }
        match (self.state, byte) {
            (_, b' ' | b'\t' | b'\n' | b'\r') => {}
            (State::Before, b'[') => self.state = State::First,
            (State::First | State::Element, b'{') => {
                (self.element, self.depth, self.state) = (self.at, 1, State::Inside);
            }
            (State::Next, b',') => self.state = State::Element,
            (State::First | State::Next, b']') => {
                self.state = State::After;
                return true;
            }
            _ => self.broken = Some(FrameError::NotAnArray),
        }
        false
    }

    fn inside(&mut self, byte: u8) -> bool {
        if self.string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth -= 1,
            _ => {}
        }
        let ended = self.depth == 0;
        if ended {
            self.state = State::Next;
        }
        ended
    }

    fn frame(&mut self) -> Frame {
        let end = self.at;
        let raw = self.buffer.get(self.start..end).unwrap_or_default().to_vec();
        let element = (self.state == State::Next).then(|| self.element - self.start..end - self.start);
        self.start = end;
        Frame::bare(raw, element)
    }
}
