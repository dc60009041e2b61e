//! The key of an index and what is derived from it. Without the key an index tells nothing but sizes.

use std::fmt;
use std::sync::Arc;

use super::walk::{PRIME, Powers, powers};

/// The secret that the hashes of an index are made with. `Debug` prints nothing of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IndexKey([u8; 32]);

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexKey(…)")
    }
}

impl IndexKey {
    /// A key of 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits, white space around them left out.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().as_bytes();
        let mut key = [0; 32];
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().try_fold(0, |value: u8, digit| {
                let digit = char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())?;
                Some(value << 4 | digit)
            })?;
        }
        Some(Self(key))
    }

    /// The form that [`IndexKey::parse`] reads, with a line end.
    pub fn text(&self) -> String {
        let mut text = hex(&self.0);
        text.push('\n');
        text
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|half| char::from_digit(half.into(), 16)).collect()
}

/// What is derived from a key.
#[derive(Clone)]
pub(crate) struct Keys {
    /// Keys the BLAKE3 hashes of values.
    pub(crate) values: [u8; 32],
    /// Keys the digest over an index.
    pub(crate) seal: [u8; 32],
    /// Says which key an index was made with.
    pub(crate) check: [u8; 16],
    /// The secret point of the rolling hash.
    pub(crate) base: u64,
    pub(crate) powers: Arc<Powers>,
    /// Keys what comes of the rolling hash, for whole values and for shingles.
    pub(crate) whole: Sip,
    pub(crate) opening: Sip,
    /// Encrypts the maps of a table that are asked first, and the two odd numbers of the fast hash in them.
    pub(crate) hints: [u8; 32],
    pub(crate) mix: [u64; 2],
}

impl Keys {
    pub(crate) fn new(key: &IndexKey) -> Self {
        let derive = |what: &str| blake3::derive_key(what, &key.0);
        let rolling = derive("bartizan 2026-11 index rolling");
        let [check, _] = halves(&derive("bartizan 2026-11 index check"));
        let [whole, opening] = halves(&derive("bartizan 2026-11 index filter"));
        let mix = halves(&derive("bartizan 2026-11 index mix"));
        let number = rolling.first_chunk().copied().map_or(1, u64::from_le_bytes);
        // Neither 0 nor 1, which would hash nothing.
        let base = number % (PRIME - 2) + 2;
        Self {
            values: derive("bartizan 2026-11 index values"),
            seal: derive("bartizan 2026-11 index seal"),
            check,
            base,
            powers: powers(base),
            whole: Sip::new(whole),
            opening: Sip::new(opening),
            hints: derive("bartizan 2026-11 index hints"),
            mix: mix.map(|half| half.first_chunk().copied().map_or(1, u64::from_le_bytes) | 1),
        }
    }
}

fn halves(bytes: &[u8; 32]) -> [[u8; 16]; 2] {
    let (first, second) = bytes.split_at(16);
    [first, second].map(|half| half.try_into().unwrap_or_default())
}

/// SipHash-2-4 (Aumasson and Bernstein, 2012) of one word of 64 bits. Over a rolling hash with a secret point it makes a keyed hash of
/// the text that costs the same for a text of any length.
#[derive(Clone, Copy)]
pub(crate) struct Sip(u64, u64);

impl Sip {
    fn new(key: [u8; 16]) -> Self {
        let both = u128::from_le_bytes(key);
        let low = both & u128::from(u64::MAX);
        Self(u64::try_from(low).unwrap_or_default(), u64::try_from(both >> 64).unwrap_or_default())
    }

    #[inline]
    pub(crate) fn of(self, word: u64) -> u64 {
        let mut words = [
            self.0 ^ 0x736f_6d65_7073_6575,
            self.1 ^ 0x646f_7261_6e64_6f6d,
            self.0 ^ 0x6c79_6765_6e65_7261,
            self.1 ^ 0x7465_6462_7974_6573,
        ];
        // The second block is the length of the message, 8 bytes.
        for block in [word, 8 << 56] {
            let [_, _, _, d] = &mut words;
            *d ^= block;
            round(&mut words);
            round(&mut words);
            let [a, _, _, _] = &mut words;
            *a ^= block;
        }
        let [_, _, c, _] = &mut words;
        *c ^= 0xff;
        for _ in 0..4 {
            round(&mut words);
        }
        let [a, b, c, d] = words;
        a ^ b ^ c ^ d
    }
}

#[inline]
fn round(words: &mut [u64; 4]) {
    let [a, b, c, d] = words;
    *a = a.wrapping_add(*b);
    *b = b.rotate_left(13) ^ *a;
    *a = a.rotate_left(32);
    *c = c.wrapping_add(*d);
    *d = d.rotate_left(16) ^ *c;
    *a = a.wrapping_add(*d);
    *d = d.rotate_left(21) ^ *a;
    *c = c.wrapping_add(*b);
    *b = b.rotate_left(17) ^ *c;
    *c = c.rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sip_is_the_published_one() {
        // Appendix A of the paper's reference: key 00 … 0f, message 00 … 07.
        let sip = Sip::new(std::array::from_fn(|index| u8::try_from(index).unwrap()));
        assert_eq!(sip.of(0x0706_0504_0302_0100), 0x93f5_f579_9a93_2462);
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let key = IndexKey::new(std::array::from_fn(|index| u8::try_from(index * 7).unwrap()));
        assert_eq!(IndexKey::parse(&key.text()), Some(key));
        for bad in ["", "00", &"g".repeat(64), &"0".repeat(65), &"é".repeat(32)] {
            assert_eq!(IndexKey::parse(bad), None, "{bad}");
        }
        assert_eq!(format!("{key:?}"), "IndexKey(…)");
    }
}
