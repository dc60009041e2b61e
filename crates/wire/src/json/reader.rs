//! The strict one-pass reader that fills a tape. No recursion: depth is a number, not a call stack.

use super::tape::{Node, NodeId, NodeKind, Tape};

/// What a JSON text may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonLimits {
    /// Containers within containers.
    pub depth: usize,
    /// Values and keys in all.
    pub nodes: usize,
}

impl Default for JsonLimits {
    fn default() -> Self {
        Self { depth: 128, nodes: 1_000_000 }
    }
}

/// Why a text is not read as JSON. Offsets are bytes from the start of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not a JSON value.
    #[error("not JSON at byte {0}: expected {1}")]
    Syntax(usize, &'static str),
    /// A second value or other text follows.
    #[error("text after the JSON value at byte {0}")]
    Trailing(usize),
    /// The bytes are not UTF-8.
    #[error("not UTF-8 at byte {0}")]
    Utf8(usize),
    /// Nested deeper than allowed.
    #[error("nested deeper than {0} levels")]
    Depth(usize),
    /// More values than allowed.
    #[error("more than {0} values and keys")]
    Nodes(usize),
    /// Larger than a span can name (4 GiB).
    #[error("larger than 4 GiB")]
    Size,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    CommaOrEnd,
    Done,
}

/// An open container.
struct Open {
    id: NodeId,
    object: bool,
    members: u32,
}

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    limits: &'a JsonLimits,
    nodes: Vec<Node>,
    open: Vec<Open>,
    key: NodeId,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], limits: &'a JsonLimits) -> Self {
        let guess = (bytes.len() / 24).min(4_096) + 8;
        Self { bytes, at: 0, limits, nodes: Vec::with_capacity(guess), open: Vec::with_capacity(16), key: 0 }
    }

    pub(super) fn read(mut self) -> Result<Tape, JsonError> {
        if u32::try_from(self.bytes.len()).is_err() {
            return Err(JsonError::Size);
        }
        if let Err(error) = std::str::from_utf8(self.bytes) {
            return Err(JsonError::Utf8(error.valid_up_to()));
        }
        let mut next = Next::Value;
        while next != Next::Done {
            self.skip_space();
            next = match next {
                Next::Value => self.value()?,
                Next::ValueOrEnd => self.value_or_end()?,
                Next::KeyOrEnd if self.peek() == Some(b'}') => self.close()?,
                Next::Key | Next::KeyOrEnd => self.member()?,
                Next::CommaOrEnd => self.comma_or_end()?,
                Next::Done => Next::Done,
            };
        }
        self.skip_space();
        if self.at < self.bytes.len() {
            return Err(JsonError::Trailing(self.at));
        }
        Ok(Tape { nodes: self.nodes })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn expected(&self, what: &'static str) -> JsonError {
        JsonError::Syntax(self.at, what)
    }

    fn push(&mut self, kind: NodeKind, start: usize, escaped: bool) -> Result<NodeId, JsonError> {
        if self.nodes.len() >= self.limits.nodes {
            return Err(JsonError::Nodes(self.limits.nodes));
        }
        let id = narrow(self.nodes.len());
        let (parent, slot) = match self.open.last_mut() {
            None => (id, 0),
            Some(open) if kind == NodeKind::Key => (open.id, 0),
            Some(open) => {
                open.members += 1;
                (open.id, if open.object { self.key } else { open.members - 1 })
            }
        };
        let (start, end) = (narrow(start), narrow(self.at));
        self.nodes.push(Node { start, end, parent, next: id.saturating_add(1), slot, kind, escaped });
        Ok(id)
    }

    fn after_value(&self) -> Next {
        if self.open.is_empty() { Next::Done } else { Next::CommaOrEnd }
    }

    fn value(&mut self) -> Result<Next, JsonError> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                let escaped = self.string()?;
                self.push(NodeKind::String, start, escaped)?;
                Ok(self.after_value())
            }
            Some(b'{') => self.enter(NodeKind::Object, Next::KeyOrEnd),
            Some(b'[') => self.enter(NodeKind::Array, Next::ValueOrEnd),
            Some(b't') => self.literal(b"true", NodeKind::True),
            Some(b'f') => self.literal(b"false", NodeKind::False),
            Some(b'n') => self.literal(b"null", NodeKind::Null),
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                self.push(NodeKind::Number, start, false)?;
                Ok(self.after_value())
            }
            _ => Err(self.expected("a value")),
        }
    }

    fn value_or_end(&mut self) -> Result<Next, JsonError> {
        if self.peek() == Some(b']') { self.close() } else { self.value() }
    }

    fn enter(&mut self, kind: NodeKind, next: Next) -> Result<Next, JsonError> {
        if self.open.len() >= self.limits.depth {
            return Err(JsonError::Depth(self.limits.depth));
        }
        let id = self.push(kind, self.at, false)?;
        self.open.push(Open { id, object: kind == NodeKind::Object, members: 0 });
        self.at += 1;
        Ok(next)
    }

    fn close(&mut self) -> Result<Next, JsonError> {
        self.at += 1;
        let end = narrow(self.at);
        let open = self.open.pop().ok_or(JsonError::Syntax(self.at, "a value"))?;
        let next = narrow(self.nodes.len());
        if let Some(node) = self.nodes.get_mut(open.id as usize) {
            (node.end, node.next) = (end, next);
        }
        Ok(self.after_value())
    }

    fn member(&mut self) -> Result<Next, JsonError> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.expected("a key in double quotes"));
        }
        let escaped = self.string()?;
        self.key = self.push(NodeKind::Key, start, escaped)?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.expected("`:` after a key"));
        }
        self.at += 1;
        Ok(Next::Value)
    }

    fn comma_or_end(&mut self) -> Result<Next, JsonError> {
        let object = self.open.last().is_some_and(|open| open.object);
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(if object { Next::Key } else { Next::Value })
            }
            Some(b'}') if object => self.close(),
            Some(b']') if !object => self.close(),
            _ => Err(self.expected(if object { "`,` or `}`" } else { "`,` or `]`" })),
        }
    }

    fn literal(&mut self, word: &[u8], kind: NodeKind) -> Result<Next, JsonError> {
        let start = self.at;
        if !self.bytes.get(start..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        self.push(kind, start, false)?;
        Ok(self.after_value())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if start == self.at { Err(self.expected("a digit")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), JsonError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Reads a string from its opening quote to behind its closing one. Returns whether it holds a backslash.
    fn string(&mut self) -> Result<bool, JsonError> {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at += plain_run(self.bytes.get(self.at..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.expected("an escape for a control character")),
                None => return Err(self.expected("the end of a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let hex = self.bytes.get(self.at + 2..self.at + 6);
                if !hex.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(self.expected("four hex digits after `\\u`"));
                }
                self.at += 6;
            }
            _ => return Err(self.expected("an escape such as `\\n`")),
        }
        Ok(())
    }
}

/// Tape offsets are 32 bits wide; [`Reader::read`] has checked the size of the text.
fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// High bit set in the lowest byte of `word` that is below `limit` (bytes above it may be flagged wrongly).
fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES.wrapping_mul(u64::from(limit))) & !word & HIGHS
}

/// How many bytes from the start are neither `"`, `\` nor below 0x20. Eight at a time.
fn plain_run(bytes: &[u8]) -> usize {
    let mut run = 0;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let word = <[u8; 8]>::try_from(chunk).map_or(0, u64::from_le_bytes);
        let quote = below(word ^ ONES.wrapping_mul(u64::from(b'"')), 1);
        let slash = below(word ^ ONES.wrapping_mul(u64::from(b'\\')), 1);
        let hit = quote | slash | below(word, 0x20);
        if hit != 0 {
            return run + (hit.trailing_zeros() / 8) as usize;
        }
        run += 8;
    }
    run + chunks.remainder().iter().take_while(|byte| **byte >= 0x20 && **byte != b'"' && **byte != b'\\').count()
}
