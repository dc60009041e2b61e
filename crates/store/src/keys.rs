//! The root key and what is derived from it (HKDF-SHA-256, RFC 5869, versioned labels); the ledger's signing key.

use std::path::{Path, PathBuf};

use bartizan_ledger::SignerKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::StoreError;
use crate::folder::{Layout, create_secret, read_secret, refuse_link, replace};
use crate::seal::{Sealer, random};

/// A 32-byte key that is wiped when dropped.
pub type Key = Zeroizing<[u8; 32]>;

/// What a derived key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// Scopes of pseudonyms.
    Tenant,
    /// Pseudonyms.
    Token,
    /// Hashes of virtual keys and tokens.
    KeyHash,
    /// Wrapping of subjects' data keys.
    Seal,
    /// Keyed hashes of principals, for lookups.
    Index,
    /// Names, groups and settings at rest.
    State,
    /// Wrapping of the ledger's signing key.
    Signing,
    /// Tells a wrong root key apart.
    Check,
}

impl KeyUse {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Tenant => b"bartizan/v1/tenant",
            Self::Token => b"bartizan/v1/token",
            Self::KeyHash => b"bartizan/v1/key-hash",
            Self::Seal => b"bartizan/v1/seal",
            Self::Index => b"bartizan/v1/index",
            Self::State => b"bartizan/v1/state",
            Self::Signing => b"bartizan/v1/signing",
            Self::Check => b"bartizan/v1/check",
        }
    }
}

/// The root key, in memory.
pub(crate) struct RootKey {
    key: Key,
}

impl RootKey {
    /// Reads the root key, or makes it when `fresh` (a folder without data).
    pub(crate) fn open(layout: &Layout, outside: Option<&Path>, fresh: bool) -> Result<Self, StoreError> {
        let path = outside.map_or_else(|| layout.root_key(), PathBuf::from);
        if outside.is_none() {
            refuse_link(&path)?;
        }
        if let Some(bytes) = read_secret(&path, outside.is_none())? {
            return Ok(Self { key: parse(&bytes).ok_or(StoreError::BadKeyFile(path))? });
        }
        if !fresh {
            return Err(StoreError::NoRootKey(path));
        }
        let key: Key = Zeroizing::new(random()?);
        create_secret(&path, STANDARD.encode(*key).as_bytes())?;
        Ok(Self { key })
    }

    pub(crate) fn derive(&self, usage: KeyUse) -> Key {
        let mut out = Zeroizing::new([0; 32]);
        // 32 bytes are within what HKDF-SHA-256 can give (8,160), so this cannot fail.
        let _ = Hkdf::<Sha256>::new(Some(b"bartizan"), self.key.as_slice()).expand(usage.label(), out.as_mut_slice());
        out
    }
}

/// 32 raw bytes, or base64 or hex of them.
fn parse(bytes: &[u8]) -> Option<Key> {
    if let Ok(raw) = <[u8; 32]>::try_from(bytes) {
        return Some(Zeroizing::new(raw));
    }
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let decoded = Zeroizing::new(STANDARD.decode(text).ok()?);
    decoded.as_slice().try_into().ok().map(Zeroizing::new)
}

const SIGNING: &[u8] = b"ledger signing key";

/// Reads the ledger's signing key, or makes it together with the log's origin.
pub(crate) fn signer(layout: &Layout, root: &RootKey, origin: Option<&str>, fresh: bool) -> Result<SignerKey, StoreError> {
    let path = layout.ledger_key();
    refuse_link(&path)?;
    let Some(bytes) = read_secret(&path, true)? else {
        if !fresh {
            return Err(StoreError::BadKeyFile(path));
        }
        let origin = match origin {
            Some(origin) => origin.to_owned(),
            None => format!("bartizan.local/{:016x}", u64::from_be_bytes(random()?)),
        };
        return write_signer(layout, root, &origin, false);
    };
    let text = std::str::from_utf8(&bytes).ok().and_then(|text| text.split_once('\n'));
    let (origin, sealed) = text.ok_or_else(|| StoreError::BadKeyFile(path.clone()))?;
    let sealed = STANDARD.decode(sealed.trim()).map_err(|_| StoreError::BadKeyFile(path.clone()))?;
    let seed = Sealer::open(&root.derive(KeyUse::Signing), SIGNING, &sealed).ok_or(StoreError::WrongRootKey)?;
    let seed: Key = seed.as_slice().try_into().map(Zeroizing::new).map_err(|_| StoreError::BadKeyFile(path))?;
    Ok(SignerKey::new(origin, &seed)?)
}

/// Makes a new signing key and writes it (sealed) with its public half.
pub(crate) fn write_signer(layout: &Layout, root: &RootKey, origin: &str, replacing: bool) -> Result<SignerKey, StoreError> {
    let seed: Key = Zeroizing::new(random()?);
    let signer = SignerKey::new(origin, &seed)?;
    let sealed = Sealer::new()?.seal(&root.derive(KeyUse::Signing), SIGNING, seed.as_slice())?;
    let content = format!("{origin}\n{}\n", STANDARD.encode(sealed));
    if replacing {
        replace(&layout.ledger_key(), content.as_bytes(), true)?;
    } else {
        create_secret(&layout.ledger_key(), content.as_bytes())?;
    }
    replace(&layout.ledger_public(), format!("{}\n", signer.verifier()).as_bytes(), true)?;
    Ok(signer)
}
