//! JSON inside text: which parts of a text that looks like JSON are strings and which are bare literals.
//!
//! Incremental and tolerant: tool arguments arrive in pieces, and models write JSON that is not quite JSON.

/// Where a byte of JSON-like text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The text is not JSON-like, or the byte is inside a string.
    Text,
    /// Between strings: structure, numbers, literals.
    Bare,
}

/// Follows a text and knows for each recent byte whether it stands inside a JSON string.
#[derive(Clone, Debug, Default)]
pub struct JsonContext {
    /// `None` until the first byte that is not white space has shown whether the text is JSON-like.
    json: Option<bool>,
    in_string: bool,
    after_backslash: bool,
    /// Offsets at which `in_string` changed, with the new value; the quotes belong to the bare side.
    turns: Vec<(usize, bool)>,
    seen: usize,
}

impl JsonContext {
    /// Follows more text. Cost: one look at each byte of JSON-like text, none of other text.
    pub fn push(&mut self, text: &str) {
        let bytes = text.as_bytes();
        if self.json.is_none() {
            self.json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()).map(|byte| matches!(byte, b'{' | b'['));
        }
        if self.json == Some(true) {
            for (at, byte) in bytes.iter().enumerate() {
                self.byte(self.seen + at, *byte);
            }
        }
        self.seen += bytes.len();
    }

    fn byte(&mut self, at: usize, byte: u8) {
        if self.after_backslash {
            self.after_backslash = false;
        } else if byte == b'\\' {
            self.after_backslash = self.in_string;
        } else if byte == b'"' {
            self.in_string = !self.in_string;
            self.turns.push((if self.in_string { at + 1 } else { at }, self.in_string));
        }
    }

    /// Whether the text began like a JSON object or array.
    pub fn is_json(&self) -> bool {
        self.json == Some(true)
    }

    /// Where the byte at `offset` stands. Exact for everything after the last [`forget`](Self::forget).
    pub fn place(&self, offset: usize) -> Place {
        if !self.is_json() {
            return Place::Text;
        }
        let turn = self.turns.partition_point(|(at, _)| *at <= offset);
        match turn.checked_sub(1).and_then(|turn| self.turns.get(turn)) {
            Some((_, true)) => Place::Text,
            _ => Place::Bare,
        }
    }

    /// The string that holds `offset`: its start behind the opening quote, and its end if the closing quote was seen.
    pub fn string_at(&self, offset: usize) -> Option<(usize, Option<usize>)> {
        let turn = self.turns.partition_point(|(at, _)| *at <= offset).checked_sub(1)?;
        let (start, inside) = self.turns.get(turn)?;
        inside.then(|| (*start, self.turns.get(turn + 1).map(|(end, _)| *end)))
    }

    /// Drops what is only needed for offsets before `offset`.
    pub fn forget(&mut self, offset: usize) {
        let keep = self.turns.partition_point(|(at, _)| *at <= offset).saturating_sub(1);
        self.turns.drain(..keep);
    }
}
