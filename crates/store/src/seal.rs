//! Sealing: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha). Chosen over AES-GCM because its 192-bit nonce needs no coordination
//! between processes and restarts, and it is as fast on machines without AES instructions.
//!
//! A nonce is a random 128-bit prefix of this process and a 64-bit counter: never the same within a process, and between
//! processes with the chance of two random 128-bit numbers being equal. It costs one atomic addition instead of a system call.

use std::sync::atomic::{AtomicU64, Ordering};

use chacha20poly1305::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::StoreError;
use crate::keys::Key;

const NONCE: usize = 24;
const TAG: usize = 16;

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| StoreError::Random)?;
    Ok(bytes)
}

/// Seals; holds the nonce sequence of this process.
pub(crate) struct Sealer {
    prefix: [u8; 16],
    counter: AtomicU64,
}

impl Sealer {
    pub(crate) fn new() -> Result<Self, StoreError> {
        Ok(Self { prefix: random()?, counter: AtomicU64::new(0) })
    }

    fn nonce(&self) -> XNonce {
        let mut nonce = [0; NONCE];
        let (prefix, counter) = nonce.split_at_mut(16);
        prefix.copy_from_slice(&self.prefix);
        counter.copy_from_slice(&self.counter.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        nonce.into()
    }

    /// Appends `nonce ‖ ciphertext ‖ tag` to `out`, where `write` appends the plain text. Nothing plain stays in the buffer.
    pub(crate) fn seal_into(&self, key: &[u8; 32], aad: &[u8], out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let nonce = self.nonce();
        out.extend_from_slice(&nonce);
        let start = out.len();
        write(out);
        let Some((_, plain)) = out.split_at_mut_checked(start) else { return };
        match XChaCha20Poly1305::new(key.into()).encrypt_in_place_detached(&nonce, aad, plain) {
            Ok(tag) => out.extend_from_slice(&tag),
            // Only a plain text of over 256 GiB fails; then nothing of it may stay.
            Err(_) => out.truncate(start),
        }
    }

    pub(crate) fn seal(&self, key: &Key, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(NONCE + plain.len() + TAG);
        self.seal_into(key, aad, &mut out, |out| out.extend_from_slice(plain));
        out
    }

    /// Opens what [`Sealer::seal`] made; `None` when it does not open.
    pub(crate) fn open(key: &Key, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE)?;
        let (text, tag) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
        let mut plain = Zeroizing::new(text.to_vec());
        let cipher = XChaCha20Poly1305::new(key.as_slice().into());
        cipher.decrypt_in_place_detached(XNonce::from_slice(nonce), aad, &mut plain, tag.into()).ok()?;
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
