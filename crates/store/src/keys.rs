//! The root key and what is derived from it (HKDF-SHA-256, RFC 5869, versioned labels); the ledger's signing key.

use std::path::{Path, PathBuf};

use bartizan_ledger::{Checkpoint, SignerKey, VerifierKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::StoreError;
use crate::folder::{Layout, create_secret, read_secret, refuse_link, replace, sync_parent};
use crate::seal::{Sealer, random};
use crate::segment::Segment;

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
    /// Keyed hashes of ids of what providers keep.
    Objects,
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
            Self::Objects => b"bartizan/v1/objects",
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

/// 32 raw bytes, or base64 of them.
fn parse(bytes: &[u8]) -> Option<Key> {
    if let Ok(raw) = <[u8; 32]>::try_from(bytes) {
        return Some(Zeroizing::new(raw));
    }
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let decoded = Zeroizing::new(STANDARD.decode(text).ok()?);
    decoded.as_slice().try_into().ok().map(Zeroizing::new)
}

const SIGNING: &[u8] = b"ledger signing key";

/// The ledger's signing key, and the public key before it: a crash may leave a checkpoint that the former key signed.
pub(crate) struct Signing {
    pub(crate) signer: SignerKey,
    pub(crate) former: Option<VerifierKey>,
}

impl Signing {
    /// Keys whose signature on our own checkpoint is accepted at the start.
    pub(crate) fn accepted(&self) -> Vec<VerifierKey> {
        std::iter::once(self.signer.verifier().clone()).chain(self.former.clone()).collect()
    }
}

/// Reads the ledger's signing key, or makes it together with the log's origin. The file: origin, sealed key, former public key.
pub(crate) fn signing(layout: &Layout, root: &RootKey, origin: Option<&str>, fresh: bool) -> Result<Signing, StoreError> {
    if let Some(signing) = read_signer(&layout.ledger_key(), root)? {
        return Ok(signing);
    }
    if !fresh {
        return Err(StoreError::BadKeyFile(layout.ledger_key()));
    }
    let origin = match origin {
        Some(origin) => origin.to_owned(),
        None => format!("bartizan.local/{:016x}", u64::from_be_bytes(random()?)),
    };
    let signer = new_signer(&origin)?;
    replace(&layout.ledger_public(), format!("{}\n", signer.0.verifier()).as_bytes(), true)?;
    write_signer(&layout.ledger_key(), root, &signer, None)?;
    Ok(Signing { signer: signer.0, former: None })
}

/// The signing key in a file, when there is one.
fn read_signer(path: &Path, root: &RootKey) -> Result<Option<Signing>, StoreError> {
    refuse_link(path)?;
    let Some(bytes) = read_secret(path, true)? else { return Ok(None) };
    let bad = || StoreError::BadKeyFile(path.to_path_buf());
    let mut lines = std::str::from_utf8(&bytes).map_err(|_| bad())?.lines();
    let (origin, sealed) = (lines.next().ok_or_else(bad)?, lines.next().ok_or_else(bad)?);
    let former = lines.next().map(VerifierKey::parse).transpose()?;
    let sealed = STANDARD.decode(sealed).map_err(|_| bad())?;
    let seed = Sealer::open(&root.derive(KeyUse::Signing), SIGNING, &sealed).ok_or(StoreError::WrongRootKey)?;
    let seed: Key = seed.as_slice().try_into().map(Zeroizing::new).map_err(|_| bad())?;
    Ok(Some(Signing { signer: SignerKey::new(origin, &seed)?, former }))
}

/// Ends a rotation that was interrupted: when its entry was recorded the next key is taken up, else it is forgotten.
pub(crate) fn end_rotation(layout: &Layout, root: &RootKey) -> Result<(), StoreError> {
    let path = layout.next_ledger_key();
    let Some(next) = read_signer(&path, root)? else { return Ok(()) };
    let verifier = next.signer.verifier();
    let checkpoint = std::fs::read_to_string(layout.ledger().join("checkpoint")).unwrap_or_default();
    if Checkpoint::open(&checkpoint, std::slice::from_ref(verifier)).is_ok() || is_in_journal(layout, verifier)? {
        return take_up_next(layout, verifier);
    }
    std::fs::remove_file(&path).map_err(StoreError::io("remove", &path))
}

fn is_in_journal(layout: &Layout, verifier: &VerifierKey) -> Result<bool, StoreError> {
    let text = verifier.to_string();
    for number in Segment::list(&layout.journal())? {
        let path = Segment::path(&layout.journal(), number);
        let bytes = std::fs::read(&path).map_err(StoreError::io("read", &path))?;
        if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Puts the next signing key in the place of the present one. Former public keys stay below the new one in `ledger.pub`, so that
/// checkpoints from before the rotation can be verified.
pub(crate) fn take_up_next(layout: &Layout, verifier: &VerifierKey) -> Result<(), StoreError> {
    let public = layout.ledger_public();
    let former = std::fs::read_to_string(&public).map_err(StoreError::io("read", &public))?;
    let line = verifier.to_string();
    if former.lines().next() != Some(&line) {
        replace(&public, format!("{line}\n{former}").as_bytes(), true)?;
    }
    let (next, path) = (layout.next_ledger_key(), layout.ledger_key());
    std::fs::rename(&next, &path).map_err(StoreError::io("replace", &path))?;
    sync_parent(&path)
}

/// A new signing key and its seed.
pub(crate) fn new_signer(origin: &str) -> Result<(SignerKey, Key), StoreError> {
    let seed: Key = Zeroizing::new(random()?);
    Ok((SignerKey::new(origin, &seed)?, seed))
}

/// Writes a signing key, sealed; `former` is the one that it replaces.
pub(crate) fn write_signer(
    path: &Path,
    root: &RootKey,
    (signer, seed): &(SignerKey, Key),
    former: Option<&VerifierKey>,
) -> Result<(), StoreError> {
    let sealed = Sealer::new()?.seal(&root.derive(KeyUse::Signing), SIGNING, seed.as_slice())?;
    let mut content = format!("{}\n{}\n", signer.verifier().name(), STANDARD.encode(sealed));
    if let Some(former) = former {
        content = format!("{content}{former}\n");
    }
    replace(path, content.as_bytes(), true)?;
    sync_parent(path)
}
