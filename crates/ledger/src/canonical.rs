//! A writer of RFC 8785 canonical JSON: keys in UTF-16 order (the caller's duty for fixed keys), shortest escapes, whole numbers.

use std::cmp::Ordering;

/// Writes one object into a buffer.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Object<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    /// A key that needs no escaping. Keys must be given in order.
    pub(crate) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        string(self.out, key);
        self.out.push(b':');
        self.out
    }

    pub(crate) fn text(&mut self, key: &str, value: &str) {
        string(self.key(key), value);
    }

    pub(crate) fn number(&mut self, key: &str, value: u64) {
        number(self.key(key), value);
    }

    pub(crate) fn texts<'s>(&mut self, key: &str, values: impl Iterator<Item = &'s str>) {
        let out = self.key(key);
        out.push(b'[');
        for (place, value) in values.enumerate() {
            if place > 0 {
                out.push(b',');
            }
            string(out, value);
        }
        out.push(b']');
    }

    pub(crate) fn end(self) {
        self.out.push(b'}');
    }
}

/// Order of object keys: by UTF-16 code units (RFC 8785 section 3.2.3).
pub(crate) fn key_order(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

/// A number; above 2^53 - 1, which JSON numbers cannot hold exactly, that limit.
pub(crate) fn number(out: &mut Vec<u8>, value: u64) {
    let mut rest = value.min((1 << 53) - 1);
    let mut digits = [0_u8; 20];
    let mut used = 0;
    for place in digits.iter_mut().rev() {
        *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
}

/// A string with the escapes of RFC 8785 section 3.2.2.2.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let needs = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    if text.as_bytes().iter().any(needs) {
        for byte in text.bytes() {
            escape(out, byte);
        }
    } else {
        out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        0x08 => b'b',
        0x09 => b't',
        0x0A => b'n',
        0x0C => b'f',
        0x0D => b'r',
        0..0x20 => {
            out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
            return;
        }
        _ => {
            out.push(byte);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}
