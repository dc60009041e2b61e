//! A writer of RFC 8785 canonical JSON: keys in UTF-16 order (the caller's duty for fixed keys), shortest escapes, whole numbers.
//! It does without the formatting machinery: every request makes several. Events have the same values; see [`crate::packed`].

use std::cell::Cell;
use std::cmp::Ordering;

use bartizan_vocabulary::Timestamp;

/// A key that needs no escaping.
pub trait Name {
    /// Writes it with all that stands before its value; `first`: no other key of the object was written.
    fn write(self, out: &mut Vec<u8>, first: bool);
}

impl Name for &str {
    #[inline]
    fn write(self, out: &mut Vec<u8>, first: bool) {
        out.extend_from_slice(if first { b"\"" } else { b",\"" });
        out.extend_from_slice(self.as_bytes());
        out.extend_from_slice(b"\":");
    }
}

/// Writes one object into a buffer. Its functions are inlined: a key that is known at compile time is then stored, not copied.
pub struct Object<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Object<'a> {
    /// Begins an object.
    #[inline]
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    /// A key that needs no escaping. Keys must be given in order.
    #[inline]
    pub fn key(&mut self, key: impl Name) -> &mut Vec<u8> {
        key.write(self.out, self.first);
        self.first = false;
        self.out
    }

    /// Any key. Keys must be given in order.
    pub fn any_key(&mut self, key: &str) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        string(self.out, key);
        self.out.push(b':');
        self.out
    }

    /// A text that needs no escaping.
    #[inline]
    pub fn word(&mut self, key: impl Name, value: &str) {
        let out = self.key(key);
        out.push(b'"');
        out.extend_from_slice(value.as_bytes());
        out.push(b'"');
    }

    /// A point in time, as `Timestamp` displays it.
    #[inline]
    pub fn time(&mut self, key: impl Name, value: Timestamp) {
        time(self.key(key), value);
    }

    /// A text, escaped.
    #[inline]
    pub fn text(&mut self, key: impl Name, value: &str) {
        string(self.key(key), value);
    }

    /// A number; see [`number`].
    #[inline]
    pub fn number(&mut self, key: impl Name, value: u64) {
        number(self.key(key), value);
    }

    /// An array of texts.
    pub fn texts<'s>(&mut self, key: impl Name, values: impl Iterator<Item = &'s str>) {
        texts(self.key(key), values);
    }

    /// Ends the object.
    #[inline]
    pub fn end(self) {
        self.out.push(b'}');
    }
}

/// An array of texts.
fn texts<'s>(out: &mut Vec<u8>, values: impl Iterator<Item = &'s str>) {
    out.push(b'[');
    for (place, value) in values.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        string(out, value);
    }
    out.push(b']');
}

/// Order of object keys: by UTF-16 code units (RFC 8785 section 3.2.3).
pub fn key_order(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

/// A number; above 2^53 - 1, which JSON numbers cannot hold exactly, that limit.
pub fn number(out: &mut Vec<u8>, value: u64) {
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
pub fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    // No early exit: that way the compiler looks at many bytes at once.
    let escaped =
        text.as_bytes().iter().fold(0, |found, byte| found | u8::from(*byte < 0x20) | u8::from(*byte == b'"') | u8::from(*byte == b'\\'));
    if escaped != 0 {
        text.bytes().for_each(|byte| escape(out, byte));
    } else {
        out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
}

/// The text of a timestamp without the formatting machinery, for the years in which it has this width.
fn time(out: &mut Vec<u8>, value: Timestamp) {
    const DAY: i64 = 86_400_000_000;
    thread_local! {
        /// The last day that was written: its number and `"2026-11-22T`.
        static DAY_TEXT: Cell<(i64, [u8; 12])> = const { Cell::new((i64::MIN, [0; 12])) };
    }
    let (day, micros) = (value.as_micros().div_euclid(DAY), value.as_micros().rem_euclid(DAY));
    let (known, mut date) = DAY_TEXT.get();
    if known != day {
        let text = format!("\"{value}");
        let Some(head) = text.as_bytes().first_chunk::<12>().filter(|head| head.ends_with(b"T")) else {
            string(out, &value.to_string());
            return;
        };
        date = *head;
        DAY_TEXT.set((day, date));
    }
    let mut clock = *b"00:00:00.000000Z\"";
    let seconds = micros / 1_000_000;
    let parts = [(0, 2, seconds / 3_600), (3, 2, seconds / 60 % 60), (6, 2, seconds % 60), (9, 6, micros % 1_000_000)];
    for (from, digits, mut rest) in parts {
        for place in clock.get_mut(from..from + digits).unwrap_or_default().iter_mut().rev() {
            *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
    }
    out.extend_from_slice(&date);
    out.extend_from_slice(&clock);
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
