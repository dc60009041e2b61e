//! Operators by Presidio's names and parameters. `hash` without a salt is an HMAC under a key of this data folder, and `encrypt` is
//! authenticated: what they make differs from what Presidio makes, on purpose.

use bartizan_detect::SealKey;
use hmac::{Hmac, Mac};
use http::StatusCode;
use serde::Deserialize;
use sha2::{Digest, Sha256, Sha512};

use crate::detection::random;
use crate::problem::Problem;

/// What `/anonymize` can do.
pub(super) const ANONYMIZERS: [&str; 6] = ["encrypt", "hash", "keep", "mask", "redact", "replace"];

/// What `/deanonymize` can do.
pub(super) const DEANONYMIZERS: [&str; 2] = ["decrypt", "deanonymize_keep"];

/// What a value is sealed for: turned back without its type being known.
const PURPOSE: &str = "presidio";

/// One operator with its parameters, as it is sent.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    #[serde(rename = "type")]
    pub(super) kind: String,
    new_value: Option<String>,
    masking_char: Option<String>,
    chars_to_mask: Option<i64>,
    from_end: Option<bool>,
    hash_type: Option<String>,
    salt: Option<String>,
    key: Option<String>,
}

/// One operator, checked.
pub(super) enum Operator {
    Replace(Option<String>),
    Redact,
    Keep,
    Mask { with: char, count: usize, from_end: bool },
    Hash { long: bool, salt: Option<String> },
    Encrypt(SealKey),
    Decrypt(SealKey),
    KeepBack,
}

impl Operator {
    /// The name that it is answered with.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Replace(_) => "replace",
            Self::Redact => "redact",
            Self::Keep => "keep",
            Self::Mask { .. } => "mask",
            Self::Hash { .. } => "hash",
            Self::Encrypt(_) => "encrypt",
            Self::Decrypt(_) => "decrypt",
            Self::KeepBack => "deanonymize_keep",
        }
    }

    /// Whether it is one of `/deanonymize`.
    pub(super) const fn turns_back(&self) -> bool {
        matches!(self, Self::Decrypt(_) | Self::KeepBack)
    }

    /// What comes of a value.
    pub(super) fn operate(&self, entity: &str, value: &str, key: &[u8; 32]) -> Result<String, Problem> {
        let failed = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "failed", "a value could not be encrypted; nothing is answered");
        Ok(match self {
            Self::Replace(with) => with.clone().unwrap_or_else(|| format!("<{entity}>")),
            Self::Redact => String::new(),
            Self::Keep | Self::KeepBack => value.to_owned(),
            Self::Mask { with, count, from_end } => masked(value, *with, *count, *from_end),
            Self::Hash { long, salt } => hashed(value, *long, salt.as_deref(), key),
            Self::Encrypt(_) if value.len() > bartizan_detect::LONGEST_SEALED => {
                return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "a value to be encrypted may have 64 KiB"));
            }
            Self::Encrypt(seal) => seal.seal(PURPOSE, value, random().ok_or_else(failed)?).ok_or_else(failed)?,
            Self::Decrypt(seal) => {
                let detail = format!("a value of `{entity}` was not encrypted here with this key, or was altered");
                seal.open(PURPOSE, value)
                    .ok_or_else(|| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not_decrypted", detail))?
                    .into_inner()
            }
        })
    }
}

fn masked(value: &str, with: char, count: usize, from_end: bool) -> String {
    let length = value.chars().count();
    let hidden = if from_end { length.saturating_sub(count)..length } else { 0..count };
    value.chars().enumerate().map(|(at, c)| if hidden.contains(&at) { with } else { c }).collect()
}

/// Hexadecimal SHA-2 of value and salt; without a salt an HMAC, so that nobody without the key finds a value by trying all.
fn hashed(value: &str, long: bool, salt: Option<&str>, key: &[u8; 32]) -> String {
    let bytes = match (long, salt) {
        (false, Some(salt)) => Sha256::new().chain_update(value).chain_update(salt).finalize().to_vec(),
        (true, Some(salt)) => Sha512::new().chain_update(value).chain_update(salt).finalize().to_vec(),
        // A key of any length is accepted by HMAC (RFC 2104); the error cannot happen.
        (false, None) => {
            Hmac::<Sha256>::new_from_slice(key).map(|mac| mac.chain_update(value).finalize().into_bytes().to_vec()).unwrap_or_default()
        }
        (true, None) => {
            Hmac::<Sha512>::new_from_slice(key).map(|mac| mac.chain_update(value).finalize().into_bytes().to_vec()).unwrap_or_default()
        }
    };
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|four| char::from_digit(u32::from(four), 16)).collect()
}

impl TryFrom<Config> for Operator {
    type Error = Problem;

    fn try_from(given: Config) -> Result<Self, Problem> {
        given.check_members()?;
        match given.kind.as_str() {
            "replace" => Ok(Self::Replace(given.new_value.filter(|value| !value.is_empty()))),
            "redact" => Ok(Self::Redact),
            "keep" => Ok(Self::Keep),
            "mask" => given.mask(),
            "hash" => given.hash(),
            "encrypt" => given.seal_key().map(Self::Encrypt),
            "decrypt" => given.seal_key().map(Self::Decrypt),
            "deanonymize_keep" => Ok(Self::KeepBack),
            other => Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "unsupported",
                format!("there is no operator `{other}` here; known are {} and {}", list(&ANONYMIZERS), list(&DEANONYMIZERS)),
            )),
        }
    }
}

impl Config {
    /// A parameter of another operator would have no effect.
    fn check_members(&self) -> Result<(), Problem> {
        let given = [
            ("new_value", self.new_value.is_some(), "replace"),
            ("masking_char", self.masking_char.is_some(), "mask"),
            ("chars_to_mask", self.chars_to_mask.is_some(), "mask"),
            ("from_end", self.from_end.is_some(), "mask"),
            ("hash_type", self.hash_type.is_some(), "hash"),
            ("salt", self.salt.is_some(), "hash"),
            ("key", self.key.is_some(), "encrypt` or `decrypt"),
        ];
        let stray = given.iter().find(|(_, is_given, of)| *is_given && !of.split("` or `").any(|kind| kind == self.kind));
        stray.map_or(Ok(()), |(name, _, of)| Err(Problem::bad(format!("`{name}` goes with `{of}`, not with `{}`", self.kind))))
    }

    fn mask(&self) -> Result<Operator, Problem> {
        let mut chars = self.masking_char.as_deref().unwrap_or_default().chars();
        let (Some(with), None) = (chars.next(), chars.next()) else { return Err(Problem::bad("`masking_char` must be one character")) };
        let count = self.chars_to_mask.ok_or_else(|| Problem::bad("`mask` needs `chars_to_mask`, a whole number"))?;
        let from_end = self.from_end.ok_or_else(|| Problem::bad("`mask` needs `from_end`, true or false"))?;
        // None or fewer is none, as with Presidio.
        Ok(Operator::Mask { with, count: usize::try_from(count).unwrap_or_default(), from_end })
    }

    fn hash(self) -> Result<Operator, Problem> {
        let long = match self.hash_type.as_deref() {
            None | Some("sha256") => false,
            Some("sha512") => true,
            Some(other) => return Err(Problem::bad(format!("`hash_type` is `{other}`; write `sha256` or `sha512`"))),
        };
        if self.salt.as_ref().is_some_and(|salt| salt.len() < 16) {
            return Err(Problem::bad("`salt` must have 16 bytes or more; without one, a key of this data folder is used"));
        }
        Ok(Operator::Hash { long, salt: self.salt })
    }

    fn seal_key(&self) -> Result<SealKey, Problem> {
        let key = self.key.as_deref().filter(|key| matches!(key.len(), 16 | 24 | 32)).and_then(|key| SealKey::new(key.as_bytes()));
        key.ok_or_else(|| Problem::bad(format!("`{}` needs a `key` of 16, 24 or 32 bytes", self.kind)))
    }
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
