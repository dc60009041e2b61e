//! The hashes that words and features go by. They are part of the model's format: a change makes weights useless.

/// An odd constant with well spread bits (the golden ratio).
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Takes one more value in.
#[inline]
pub(crate) fn mix(state: u64, value: u64) -> u64 {
    (state ^ value).wrapping_mul(SPREAD).rotate_left(31)
}

/// The last step, after which the upper bits depend on everything.
#[inline]
pub(crate) fn finish(state: u64) -> u64 {
    let state = (state ^ (state >> 29)).wrapping_mul(SPREAD);
    state ^ (state >> 32)
}

/// Hash of characters in lower case.
pub(crate) fn lower(key: u64, bytes: &[u8]) -> u64 {
    let mut state = key;
    if bytes.is_ascii() {
        for byte in bytes {
            state = mix(state, u64::from(byte.to_ascii_lowercase()));
        }
    } else {
        for c in String::from_utf8_lossy(bytes).chars() {
            state = mix(state, u64::from(u32::from(lower_char(c))));
        }
    }
    finish(state)
}

/// The lower case of a character, as far as it is one character.
pub(crate) fn lower_char(c: char) -> char {
    if c.is_ascii() { c.to_ascii_lowercase() } else { c.to_lowercase().next().unwrap_or(c) }
}
