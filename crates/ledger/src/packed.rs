//! Events as they are kept: JSON in which one byte stands for each usual key, quotes, colon and comma included. Half of an event is
//! keys, and every byte of it is sealed, written twice and read again.
//!
//! The bytes that stand for keys occur in no JSON text: control characters that are no white space (RFC 8259 sections 2 and 7) and
//! bytes that UTF-8 never has (RFC 3629 section 1). So [`unpacked`] leaves JSON as it is. The table only ever grows at its end.

use crate::canonical::Name;

/// Keys with a byte of their own, by that byte's place in [`CODES`].
const KEYS: [&str; 41] = [
    "schema",
    "id",
    "time",
    "request_id",
    "principal",
    "groups",
    "route",
    "provider",
    "model",
    "stream",
    "direction",
    "decision",
    "remedies",
    "policies",
    "policy_version",
    "findings",
    "guards",
    "status",
    "end",
    "bytes_in",
    "bytes_out",
    "latency_us",
    "total",
    "gate",
    "facts",
    "effect",
    "mode",
    "name",
    "micros",
    "kind",
    "action",
    "resource",
    "context",
    "labels",
    "token_estimate",
    "body_bytes",
    "epoch_s",
    "hour",
    "weekday",
    "label",
    "path",
];

/// The bytes that stand for keys.
#[expect(clippy::indexing_slicing, reason = "runs at compile time")]
const CODES: [u8; 41] = {
    // White space (tab, line feed, carriage return) may stand in JSON.
    let spans: [(u8, u8); 5] = [(0x01, 0x08), (0x0B, 0x0C), (0x0E, 0x1F), (0xC0, 0xC1), (0xF5, 0xFF)];
    let mut codes = [0; 41];
    let (mut place, mut span) = (0, 0);
    while span < spans.len() {
        let (mut code, last) = spans[span];
        while code < last {
            codes[place] = code;
            (place, code) = (place + 1, code + 1);
        }
        codes[place] = last;
        (place, span) = (place + 1, span + 1);
    }
    codes
};

/// For each byte the key for which it stands; empty for those of JSON.
#[expect(clippy::indexing_slicing, reason = "runs at compile time")]
const MEANINGS: [&str; 256] = {
    let mut meanings = [""; 256];
    let mut place = 0;
    while place < KEYS.len() {
        meanings[CODES[place] as usize] = KEYS[place];
        place += 1;
    }
    meanings
};

/// A key that needs no escaping, and its byte, or 0.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    text: &'static str,
    code: u8,
}

impl Key {
    /// Looks a key up; meant for constants.
    #[expect(clippy::indexing_slicing, reason = "bounded by the loop")]
    pub const fn new(text: &'static str) -> Self {
        let mut place = 0;
        while place < KEYS.len() {
            if is_same(KEYS[place].as_bytes(), text.as_bytes()) {
                return Self { text, code: CODES[place] };
            }
            place += 1;
        }
        Self { text, code: 0 }
    }
}

#[expect(clippy::indexing_slicing, reason = "bounded by the loop")]
const fn is_same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut place = 0;
    while place < a.len() {
        if a[place] != b[place] {
            return false;
        }
        place += 1;
    }
    true
}

impl Name for Key {
    #[inline]
    fn write(self, out: &mut Vec<u8>, first: bool) {
        if self.code == 0 { self.text.write(out, first) } else { out.push(self.code) }
    }
}

/// The key for which a byte stands.
fn meaning(byte: u8) -> &'static str {
    MEANINGS.get(usize::from(byte)).copied().unwrap_or_default()
}

/// The JSON of what was packed. At most 18 bytes come of one.
pub fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(packed.len() * 5 / 2);
    let mut rest = packed;
    while let Some(at) = rest.iter().position(|byte| !meaning(*byte).is_empty()) {
        let (before, after) = rest.split_at(at);
        out.extend_from_slice(before);
        let Some((code, after)) = after.split_first() else { break };
        if out.last().is_some_and(|byte| *byte != b'{') {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(meaning(*code).as_bytes());
        out.extend_from_slice(b"\":");
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}
