//! Values that whoever has the key can turn back: ChaCha20-Poly1305 (RFC 8439), printable.
//!
//! What is sealed is base64 (RFC 4648, URL alphabet, no padding) of `version(1) ‖ random(24) ‖ ciphertext ‖ tag(16)`. The key of a value is
//! HMAC-SHA-256 of the caller's key over the first 12 random bytes; the others are the nonce. So 192 random bits stand behind each value
//! and no caller has to count.

use bartizan_vocabulary::Hidden;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use sha2::Sha256;

/// Longer values are not sealed: what stands in their place must not be longer than a text may be.
pub const LONGEST_SEALED: usize = 64 << 10;

/// Random bytes that each sealing needs.
pub const RANDOM: usize = 24;

const VERSION: u8 = 1;
const NONCE: usize = 12;
const TAG: usize = 16;

/// A key that values are sealed with.
#[derive(Clone, Debug)]
pub struct SealKey(Hidden<[u8; 32]>);

impl SealKey {
    /// A key made of a caller's secret, which must have 16 bytes at least.
    pub fn new(secret: &[u8]) -> Option<Self> {
        (secret.len() >= 16).then(|| Self(Hidden::new(mac(secret, b"bartizan seal key 1"))))
    }

    /// A key of words that stand for values, made of this one.
    pub fn words(&self) -> [u8; 32] {
        mac(self.0.reveal(), b"bartizan words key 1")
    }

    fn of(&self, salt: &[u8]) -> Option<LessSafeKey> {
        UnboundKey::new(&CHACHA20_POLY1305, &mac(self.0.reveal(), salt)).ok().map(LessSafeKey::new)
    }

    /// Seals a value for a purpose, which must be named again to open it. `random` must never be given twice. `None` when the value is too
    /// long.
    pub fn seal(&self, purpose: &str, value: &str, random: [u8; RANDOM]) -> Option<String> {
        if value.len() > LONGEST_SEALED {
            return None;
        }
        let (salt, nonce) = random.split_first_chunk::<NONCE>()?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = value.as_bytes().to_vec();
        self.of(salt)?.seal_in_place_append_tag(nonce, Aad::from(purpose.as_bytes()), &mut sealed).ok()?;
        Some(URL_SAFE_NO_PAD.encode([&[VERSION], random.as_slice(), &sealed].concat()))
    }

    /// Opens what was sealed with this key for this purpose; `None` for anything else.
    pub fn open(&self, purpose: &str, sealed: &str) -> Option<Hidden<String>> {
        // No longer than sealing makes it.
        if sealed.len() > (LONGEST_SEALED + 1 + RANDOM + TAG) * 4 / 3 + 4 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (random, ciphertext) = rest.split_first_chunk::<RANDOM>()?;
        let (salt, nonce) = random.split_first_chunk::<NONCE>()?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok().filter(|_| *version == VERSION)?;
        let mut plain = ciphertext.to_vec();
        let length = self.of(salt)?.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut plain).ok()?.len();
        plain.truncate(length);
        String::from_utf8(plain).ok().map(Hidden::new)
    }
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    // A key of any length is accepted by HMAC (RFC 2104); the error cannot happen.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_purpose_open_and_nothing_altered_does() {
        let key = SealKey::new(b"0123456789abcdef").unwrap();
        let sealed = key.seal("pii.email", "ada@example.com", [7; RANDOM]).unwrap();
        assert!(sealed.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'), "{sealed}");
        assert_eq!(key.open("pii.email", &sealed).unwrap().reveal(), "ada@example.com");
        assert!(key.open("pii.phone", &sealed).is_none(), "another purpose");
        assert!(SealKey::new(b"0123456789abcdeg").unwrap().open("pii.email", &sealed).is_none(), "another key");
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(bytes).unwrap();
            let opened = key.open("pii.email", &altered).map(Hidden::into_inner);
            assert!(opened.is_none(), "{at} {opened:?}");
        }
        assert!(key.open("pii.email", sealed.trim_start_matches('A')).is_none() && key.open("pii.email", "").is_none());
        assert!(SealKey::new(b"short").is_none());
        assert!(key.seal("p", &"a".repeat(LONGEST_SEALED + 1), [0; RANDOM]).is_none());
        assert!(key.seal("p", &"a".repeat(LONGEST_SEALED), [0; RANDOM]).is_some_and(|sealed| key.open("p", &sealed).is_some()));
    }
}
