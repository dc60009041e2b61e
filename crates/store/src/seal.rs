//! Sealing: ChaCha20-Poly1305 (RFC 8439) under a key that is derived for this process.
//!
//! 96-bit nonces are too short to be drawn at random by many processes for one key. So each process draws a random 128-bit salt and
//! derives from the long-lived key its own one, `HKDF-SHA-256(salt, key)`; under that, nonces are counted and never repeat. What is
//! sealed carries `salt(16) ‖ nonce(12) ‖ ciphertext ‖ tag(16)`. ChaCha20 rather than AES: as fast with and without AES
//! instructions. A derived key is kept with the subject, so sealing costs no derivation and no system call.

use std::sync::atomic::{AtomicU64, Ordering};

use hkdf::Hkdf;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::StoreError;
use crate::keys::Key;

const SALT: usize = 16;
const NONCE: usize = 12;
const TAG: usize = 16;

/// What sealing adds to a plain text, in bytes.
pub(crate) const OVERHEAD: usize = SALT + NONCE + TAG;

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| StoreError::Random)?;
    Ok(bytes)
}

fn session(key: &Key, salt: &[u8]) -> Option<LessSafeKey> {
    let mut derived = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(salt), key.as_slice()).expand(b"bartizan/v1/session", derived.as_mut_slice()).ok()?;
    UnboundKey::new(&CHACHA20_POLY1305, derived.as_slice()).ok().map(LessSafeKey::new)
}

/// A key as this process seals with it.
pub(crate) struct SessionKey(LessSafeKey);

/// Seals; holds the salt and the nonces of this process.
pub(crate) struct Sealer {
    salt: [u8; SALT],
    counter: AtomicU64,
}

impl Sealer {
    pub(crate) fn new() -> Result<Self, StoreError> {
        Ok(Self { salt: random()?, counter: AtomicU64::new(0) })
    }

    /// Derives this process's key from a long-lived one.
    pub(crate) fn session(&self, key: &Key) -> Result<SessionKey, StoreError> {
        session(key, &self.salt).map(SessionKey).ok_or(StoreError::Sealed)
    }

    /// Appends what is sealed to `out`, where `write` appends the plain text. Nothing plain stays in the buffer; `false` when the
    /// plain text is too long (256 GiB).
    pub(crate) fn seal_into(&self, key: &SessionKey, aad: &[u8], out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut nonce = [0; NONCE];
        if let Some(field) = nonce.get_mut(..8) {
            field.copy_from_slice(&self.counter.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        }
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&nonce);
        let start = out.len();
        write(out);
        let Some((_, plain)) = out.split_at_mut_checked(start) else { return false };
        let nonce = Nonce::assume_unique_for_key(nonce);
        if let Ok(tag) = key.0.seal_in_place_separate_tag(nonce, Aad::from(aad), plain) {
            out.extend_from_slice(tag.as_ref());
            true
        } else {
            out.truncate(start);
            false
        }
    }

    pub(crate) fn seal(&self, key: &Key, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut out = Vec::with_capacity(plain.len() + OVERHEAD);
        let sealed = self.seal_into(&self.session(key)?, aad, &mut out, |out| out.extend_from_slice(plain));
        if sealed { Ok(out) } else { Err(StoreError::Sealed) }
    }

    /// Opens what was sealed under this long-lived key by any process; `None` when it does not open.
    pub(crate) fn open(key: &Key, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (salt, rest) = sealed.split_at_checked(SALT)?;
        let (nonce, text) = rest.split_at_checked(NONCE)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut plain = Zeroizing::new(text.to_vec());
        let length = session(key, salt)?.open_in_place(nonce, Aad::from(aad), &mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }
}

/// A source of salts for commitments: `SHA-256(secret of this process ‖ counter)`. One hash instead of a system call.
pub struct Salts {
    secret: Key,
    counter: AtomicU64,
}

impl Salts {
    pub(crate) fn new() -> Result<Self, StoreError> {
        Ok(Self { secret: Zeroizing::new(random()?), counter: AtomicU64::new(0) })
    }

    /// A salt that was never given before.
    pub fn next(&self) -> [u8; 32] {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        Sha256::new_with_prefix(self.secret.as_slice()).chain_update(count.to_le_bytes()).finalize().into()
    }
}
