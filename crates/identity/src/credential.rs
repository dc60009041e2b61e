//! Virtual keys and admin tokens: a prefix and 32 random bytes in base64url (RFC 4648 section 5) without padding.

use bartizan_vocabulary::Hidden;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Characters of the random part.
const BODY_CHARS: usize = 43;

/// What a credential opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// `bzk_`: a virtual key, for the gate.
    Key,
    /// `bzt_`: a token, for the admin API.
    Token,
}

impl CredentialKind {
    /// What its text begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Key => "bzk_",
            Self::Token => "bzt_",
        }
    }
}

/// A virtual key or token in memory. Nothing prints it; [`text`](Self::text) is for the one answer that creates it.
#[derive(Clone, Debug)]
pub struct Credential {
    kind: CredentialKind,
    bytes: Hidden<Zeroizing<[u8; 32]>>,
}

/// A text that is not a credential. It never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseCredentialError {
    /// It has neither prefix.
    #[error("a key begins with `bzk_` and a token with `bzt_`; create one with `bartizan keys create`")]
    Prefix,
    /// It is too short, too long, or has characters that no key has.
    #[error("the key is damaged: 43 letters, digits, `-` and `_` follow its prefix; copy it again")]
    Body,
}

impl Credential {
    /// From 32 bytes of a cryptographic random source.
    pub fn from_random(kind: CredentialKind, bytes: [u8; 32]) -> Self {
        Self { kind, bytes: Hidden::new(Zeroizing::new(bytes)) }
    }

    /// Reads the text form. There is exactly one text for each credential.
    ///
    /// # Errors
    /// When it is anything else than a prefix and 43 characters.
    pub fn parse(text: &str) -> Result<Self, ParseCredentialError> {
        let kinds = [CredentialKind::Key, CredentialKind::Token];
        let found = kinds.into_iter().find_map(|kind| Some((kind, text.strip_prefix(kind.prefix())?)));
        let (kind, body) = found.ok_or(ParseCredentialError::Prefix)?;
        if body.len() != BODY_CHARS {
            return Err(ParseCredentialError::Body);
        }
        // One byte more than needed, because the decoder asks for whole groups.
        let mut buffer = Zeroizing::new([0; 33]);
        let count = URL_SAFE_NO_PAD.decode_slice(body, &mut *buffer).map_err(|_| ParseCredentialError::Body)?;
        let decoded = buffer.get(..count).ok_or(ParseCredentialError::Body)?;
        let bytes = <[u8; 32]>::try_from(decoded).map_err(|_| ParseCredentialError::Body)?;
        Ok(Self::from_random(kind, bytes))
    }

    /// Key or token.
    pub fn kind(&self) -> CredentialKind {
        self.kind
    }

    /// The text form. Show it once, keep it nowhere.
    pub fn text(&self) -> Hidden<Zeroizing<String>> {
        let mut text = Zeroizing::new(String::with_capacity(self.kind.prefix().len() + BODY_CHARS));
        text.push_str(self.kind.prefix());
        URL_SAFE_NO_PAD.encode_string(**self.bytes.reveal(), &mut text);
        Hidden::new(text)
    }

    /// What is stored and looked up: HMAC-SHA-256 (RFC 2104) of the text form under `key`.
    pub fn hash(&self, key: &[u8; 32]) -> [u8; 32] {
        // The one-block form cannot fail: a key of 32 bytes is shorter than the block.
        let mut block = Zeroizing::new([0; 64]);
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new((&*block).into());
        mac.update(self.text().reveal().as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// Compares two stored hashes in constant time.
pub fn same_hash(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).into()
}

/// Entry point of the fuzz target: whatever parses must print as it came, and nothing else may panic.
///
/// # Panics
/// When a text parses that would print otherwise: that is what the fuzz target looks for.
pub fn fuzz_parse_key(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(credential) = Credential::parse(text) {
        assert_eq!(credential.text().reveal().as_str(), text, "a credential has one text form");
    }
    let headers = ["authorization", "x-api-key", "x-goog-api-key"];
    let parts = text.split('\n').zip(headers.iter().cycle());
    // Only that it ends: both answers are fine.
    drop(crate::presented(CredentialKind::Key, parts.map(|(value, name)| (*name, value.as_bytes()))));
}
