//! Long findings: once an opening has decided one, everything that can belong to it is covered, however long it gets.
//!
//! A cover eats bytes one by one. Bytes of the body are covered at once; joints (white space in a key block, the dots of a
//! token) only when a body byte follows, so that the space after a value stays outside.

use crate::rules::CoverKind;

/// Longest run of joints inside a finding.
const JOINTS: usize = 128;

/// Header names that may stand in a key block before its body (RFC 1421, RFC 4716, RFC 4880).
const HEADERS: [&[u8]; 9] =
    [b"Proc-Type", b"DEK-Info", b"Version", b"Comment", b"Hash", b"Charset", b"MessageID", b"Subject", b"Content-Domain"];

/// A cover in progress. Positions are absolute in the normalised text.
#[derive(Clone, Debug)]
pub(crate) struct Cover {
    kind: CoverKind,
    /// Everything before this belongs to the finding.
    pub(crate) sure: usize,
    /// The next byte to look at.
    pub(crate) next: usize,
    /// The start of the current line, enough for a header's name.
    line: Vec<u8>,
    header: bool,
    dashes: usize,
    letters: usize,
    footer: bool,
    /// Inside the `<` of a line break in HTML.
    tag: bool,
    previous: u8,
}

enum Byte {
    Body,
    Joint,
    Last,
    Outside,
}

/// A long finding in progress.
#[derive(Clone, Debug)]
pub(crate) struct Covering {
    pub(crate) cover: Cover,
    /// Its start in the normalised text.
    pub(crate) first: usize,
    /// Its start in the raw text.
    pub(crate) start: usize,
    /// Raw offset up to which it was reported.
    pub(crate) told: usize,
}

impl Cover {
    /// A cover behind an opening that ends before `end` with the byte `last`: a colon there opens a header line.
    pub(crate) fn new(kind: CoverKind, end: usize, last: Option<u8>) -> Self {
        let header = last == Some(b':');
        Self { kind, sure: end, next: end, line: Vec::new(), header, dashes: 0, letters: 0, footer: false, tag: false, previous: 0 }
    }

    /// Eats `bytes`, which begin at `next`; true when the finding's end is known (it is `sure`).
    pub(crate) fn eat(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            let class = match self.kind {
                CoverKind::Dotted => dotted(*byte),
                CoverKind::Value => value(*byte),
                CoverKind::KeyBlock => self.key_block(*byte),
            };
            self.next += 1;
            match class {
                Byte::Body => self.sure = self.next,
                Byte::Joint if self.next - self.sure > JOINTS => return true,
                Byte::Joint => {}
                Byte::Last => {
                    self.sure = self.next;
                    return true;
                }
                Byte::Outside => return true,
            }
        }
        false
    }

    /// Follows `-----END` and `---- END`.
    fn count_end(&mut self, byte: u8) {
        if byte == b'-' {
            self.dashes += 1;
            self.letters = 0;
        } else if END.get(self.letters) == Some(&byte) && (self.dashes >= 4 || self.letters > 0) {
            self.letters += 1;
            self.dashes = 0;
            self.footer |= self.letters == END.len();
        } else if byte != b' ' || self.letters > 0 {
            (self.dashes, self.letters) = (0, 0);
        }
    }

    fn key_block(&mut self, byte: u8) -> Byte {
        let line_break = matches!(byte, b'\n' | b'\r');
        if line_break {
            self.line.clear();
            self.header = false;
        } else if self.line.len() < 16 && (!self.line.is_empty() || byte.is_ascii_alphabetic()) {
            self.line.push(byte);
        }
        let closes = self.footer && byte == b'-';
        self.count_end(byte);
        if closes && self.dashes == 5 {
            return Byte::Last;
        }
        if byte == b':' && !self.header {
            self.header = self.line.strip_suffix(b":").is_some_and(|name| HEADERS.contains(&name));
        }
        let previous = std::mem::replace(&mut self.previous, byte);
        if self.tag {
            self.tag = byte != b'>';
            return if matches!(byte, b'b' | b'r' | b'B' | b'R' | b'/' | b' ' | b'>') { Byte::Joint } else { Byte::Outside };
        }
        match byte {
            _ if self.header => Byte::Body,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=' | b'-' => Byte::Body,
            b' ' | b'\n' | b'\r' | b'\t' | b'\\' | b'"' | b'\'' | b'>' | b'#' | b'*' | b'|' => Byte::Joint,
            b',' if matches!(previous, b'"' | b'\'') => Byte::Joint,
            b'<' => {
                self.tag = true;
                Byte::Joint
            }
            _ => Byte::Outside,
        }
    }
}

/// The letters after five dashes that open a footer.
const END: &[u8] = b"END";

fn dotted(byte: u8) -> Byte {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'=' => Byte::Body,
        b'.' => Byte::Joint,
        _ => Byte::Outside,
    }
}

fn value(byte: u8) -> Byte {
    match byte {
        b'.' | b':' | b'!' | b'?' => Byte::Joint,
        0..=b' ' | 0x7F.. | b'&' => Byte::Outside,
        byte if b"\"'`<>,;(){}[]|\\".contains(&byte) => Byte::Outside,
        _ => Byte::Body,
    }
}
