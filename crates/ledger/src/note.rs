//! C2SP signed notes with Ed25519 keys: verifier keys (`name+keyhash+base64`), signing, verifying.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// The signature type byte of Ed25519 (C2SP signed-note).
const ED25519: u8 = 1;

/// More signatures than this in a note are not read.
const MAX_SIGNATURES: usize = 64;

/// Why a key or a note is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The text is not a verifier key.
    #[error("not a verifier key: expected `name+keyhash+base64` with an Ed25519 key")]
    BadKey,
    /// A key name is empty or holds a space or a plus.
    #[error("a key name must not be empty nor hold spaces or `+`")]
    BadName,
    /// The text is not a signed note.
    #[error("not a signed note: expected a text, an empty line and signature lines")]
    Malformed,
    /// None of the known keys signed it.
    #[error("no signature by a known key; check that the public key belongs to this log")]
    UnknownSigner,
    /// A known key's signature does not fit the text.
    #[error("the signature of a known key does not match the text")]
    BadSignature,
}

/// A public key with its name: who may sign notes.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key: VerifyingKey,
}

impl VerifierKey {
    /// Reads a vkey: `name+hex(key id)+base64(0x01 ‖ public key)`.
    ///
    /// # Errors
    /// [`NoteError::BadKey`] when a part is missing or the key id does not fit.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else { return Err(NoteError::BadKey) };
        let bytes = STANDARD.decode(key).map_err(|_| NoteError::BadKey)?;
        let public = bytes.strip_prefix(&[ED25519]).and_then(|key| <[u8; 32]>::try_from(key).ok()).ok_or(NoteError::BadKey)?;
        let key = VerifyingKey::from_bytes(&public).map_err(|_| NoteError::BadKey)?;
        let parsed = Self { name: check_name(name)?.to_owned(), key };
        let expected = hex(parsed.id());
        if id.eq_ignore_ascii_case(&expected) { Ok(parsed) } else { Err(NoteError::BadKey) }
    }

    /// Reads a list of vkeys, one a line, the newest first: `ledger.pub` after rotations.
    ///
    /// # Errors
    /// [`NoteError::BadKey`] when a line is not one, or there is none.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, NoteError> {
        let keys: Vec<Self> = text.lines().filter(|line| !line.trim().is_empty()).map(Self::parse).collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(NoteError::BadKey) } else { Ok(keys) }
    }

    /// The key's name; for a log's key, its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// First four bytes of `SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key)`.
    fn id(&self) -> [u8; 4] {
        let digest: [u8; 32] =
            Sha256::new().chain_update(&self.name).chain_update([b'\n', ED25519]).chain_update(self.key.as_bytes()).finalize().into();
        let [a, b, c, d, ..] = digest;
        [a, b, c, d]
    }

    /// Whether `signature` (64 bytes) over `message` is by this key.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ED25519];
        bytes.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, hex(self.id()), STANDARD.encode(bytes))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A private Ed25519 key with its name. Its `Debug` prints the public half.
#[derive(Clone)]
pub struct SignerKey {
    public: VerifierKey,
    secret: SigningKey,
}

impl SignerKey {
    /// From a name and 32 random bytes.
    ///
    /// # Errors
    /// [`NoteError::BadName`].
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let secret = SigningKey::from_bytes(seed);
        Ok(Self { public: VerifierKey { name: check_name(name)?.to_owned(), key: secret.verifying_key() }, secret })
    }

    /// The public half.
    pub fn verifier(&self) -> &VerifierKey {
        &self.public
    }

    /// Ed25519 (RFC 8032) over `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }

    /// A signed note over `text`, which ends in a newline.
    pub fn sign_note(&self, text: &str) -> String {
        let mut bytes = self.public.id().to_vec();
        bytes.extend_from_slice(&self.sign(text.as_bytes()));
        format!("{text}\n\u{2014} {} {}\n", self.public.name, STANDARD.encode(bytes))
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({})", self.public)
    }
}

/// What both keys sign when a log's key is replaced: names both, so neither signature fits elsewhere.
pub fn rotation_statement(old: &VerifierKey, new: &VerifierKey) -> String {
    format!("bartizan ledger key rotation v1\n{old}\n{new}\n")
}

/// Checks a note against known keys and lends its text (with the final newline).
pub(crate) fn open_note<'a>(note: &'a str, keys: &[VerifierKey]) -> Result<&'a str, NoteError> {
    let (text, signatures) = split_note(note)?;
    let mut verified = false;
    for line in signatures.lines().take(MAX_SIGNATURES) {
        let (name, signature) = line.strip_prefix("\u{2014} ").and_then(|rest| rest.split_once(' ')).ok_or(NoteError::Malformed)?;
        let bytes = STANDARD.decode(signature).map_err(|_| NoteError::Malformed)?;
        let (id, signature) = bytes.split_at_checked(4).ok_or(NoteError::Malformed)?;
        let Some(key) = keys.iter().find(|key| key.name == name && key.id() == id) else { continue };
        if !key.verifies(text.as_bytes(), signature) {
            return Err(NoteError::BadSignature);
        }
        verified = true;
    }
    if verified { Ok(text) } else { Err(NoteError::UnknownSigner) }
}

/// Divides a note at its last empty line, without looking at signatures.
pub(crate) fn split_note(note: &str) -> Result<(&str, &str), NoteError> {
    let control = |c: char| c < ' ' && c != '\n';
    if !note.ends_with('\n') || note.contains(control) {
        return Err(NoteError::Malformed);
    }
    let at = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
    let (text, rest) = note.split_at_checked(at + 1).ok_or(NoteError::Malformed)?;
    let signatures = rest.strip_prefix('\n').filter(|lines| !lines.is_empty()).ok_or(NoteError::Malformed)?;
    Ok((text, signatures))
}

fn check_name(name: &str) -> Result<&str, NoteError> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.contains(bad) { Err(NoteError::BadName) } else { Ok(name) }
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}
