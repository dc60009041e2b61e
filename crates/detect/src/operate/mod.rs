//! Operators: what stands in the place of a value where a text is edited as a whole and nothing is restored by the gate. Which finding
//! gets which, by label; how each is made is in its own file.

mod generalise;
mod invented;
mod seal;
mod surrogate;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::str::FromStr;

use bartizan_vocabulary::{Finding, Hidden, Label};
pub use generalise::generalise;
use hmac::{Hmac, Mac};
pub use invented::Invented;
pub use seal::{LONGEST_SEALED, RANDOM, SealKey};
use sha2::Sha256;
use surrogate::Inventor;

use crate::choose::is_under;
use crate::edit::{Edit, apply};
use crate::mask::{keep_last, placeholder};
use crate::mint::{Minter, Pseudonyms, canonical};
use crate::plan::kind;
use crate::token::TokenHit;

/// What to put in the place of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `redact`: `[REDACTED_EMAIL]`.
    Redact,
    /// `mask`: `****`.
    Mask,
    /// `keep_last:N`: all letters and digits but the last N become `*`.
    KeepLast(u8),
    /// `generalise`: what is left when the value is made coarser.
    Generalise,
    /// `hash`: a word that is the same for the same value, under a key.
    Hash,
    /// `surrogate`: an invented value of the same form, the same for the same value, under a key.
    Surrogate,
    /// `encrypt`: the value sealed under a key, to be turned back with it.
    Encrypt,
}

/// A word that names no operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown operator `{0}`; use `redact`, `mask`, `keep_last:N` with N from 1 to 8, `generalise`, `hash`, `surrogate` or `encrypt`")]
pub struct OperatorError(String);

impl FromStr for Operator {
    type Err = OperatorError;

    fn from_str(word: &str) -> Result<Self, OperatorError> {
        let unknown = || OperatorError(word.to_owned());
        Ok(match word {
            "redact" => Self::Redact,
            "mask" => Self::Mask,
            "generalise" => Self::Generalise,
            "hash" => Self::Hash,
            "surrogate" => Self::Surrogate,
            "encrypt" => Self::Encrypt,
            _ => {
                let count = word.strip_prefix("keep_last:").and_then(|count| count.parse().ok());
                Self::KeepLast(count.filter(|count| (1..=8).contains(count)).ok_or_else(unknown)?)
            }
        })
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redact => f.write_str("redact"),
            Self::Mask => f.write_str("mask"),
            Self::KeepLast(count) => write!(f, "keep_last:{count}"),
            Self::Generalise => f.write_str("generalise"),
            Self::Hash => f.write_str("hash"),
            Self::Surrogate => f.write_str("surrogate"),
            Self::Encrypt => f.write_str("encrypt"),
        }
    }
}

/// Which operator for which label: the most specific one that is named, else the one for all.
#[derive(Clone, Debug)]
pub struct Operators {
    rest: Operator,
    by_label: Vec<(String, Operator)>,
}

impl Operators {
    /// One operator for everything that is not named.
    pub fn new(rest: Operator) -> Self {
        Self { rest, by_label: Vec::new() }
    }

    /// Another one for everything that is not named.
    pub fn rest(&mut self, operator: Operator) {
        self.rest = operator;
    }

    /// Another one for a label and what lies below it. The last one named for a label counts.
    pub fn name(&mut self, label: &str, operator: Operator) {
        self.by_label.retain(|(known, _)| known != label);
        self.by_label.push((label.to_owned(), operator));
    }

    /// The operator of a label.
    pub fn of(&self, label: &str) -> Operator {
        let named = self.by_label.iter().filter(|(word, _)| is_under(label, word));
        named.max_by_key(|(word, _)| word.len()).map_or(self.rest, |(_, operator)| *operator)
    }

    /// Whether any label may get this operator.
    pub fn has(&self, operator: Operator) -> bool {
        self.rest == operator || self.by_label.iter().any(|(_, named)| *named == operator)
    }
}

/// What operators need besides the value.
pub struct OperatorKeys<'a> {
    /// Of words and invented values: with the same key, the same value gives the same.
    pub words: &'a [u8; 32],
    /// Of sealed values; without one they are redacted.
    pub seal: Option<&'a SealKey>,
    /// Random bytes, other ones each time; `None` when there are none, and then the value is redacted.
    pub random: &'a mut dyn FnMut() -> Option<[u8; RANDOM]>,
}

/// A whole text with its findings replaced. `findings` are sorted and do not overlap; `tokens` are the strings of the form of a token in it.
pub fn operate(text: &str, (findings, tokens): (&[Finding], &[TokenHit]), operators: &Operators, keys: &mut OperatorKeys<'_>) -> String {
    let mut making = Making { text, surrogates: None, tokens, operators, keys };
    let edit = |finding: &Finding| {
        let value = text.get(finding.start..finding.end).unwrap_or_default();
        Edit { start: finding.start, end: finding.end, replacement: making.replacement(&finding.label, value) }
    };
    let edits: Vec<Edit> = findings.iter().map(edit).collect();
    apply(text, &edits)
}

/// What is known while a text is edited.
struct Making<'a, 'b> {
    text: &'a str,
    tokens: &'a [TokenHit],
    operators: &'a Operators,
    keys: &'a mut OperatorKeys<'b>,
    surrogates: Option<Surrogates>,
}

/// Invented values of one text.
struct Surrogates {
    /// What the text holds.
    held: Windows,
    tokens: Pseudonyms,
    made: HashMap<(Label, Hidden<String>), String>,
    used: HashSet<String>,
    inventor: Inventor,
}

impl Making<'_, '_> {
    fn replacement(&mut self, label: &Label, value: &str) -> String {
        match self.operators.of(label.as_str()) {
            Operator::Redact => placeholder(label),
            Operator::Mask => keep_last(value, None),
            Operator::KeepLast(count) => keep_last(value, Some(usize::from(count))),
            Operator::Generalise => generalise(label, value),
            Operator::Hash => hash_word(label, value, self.keys.words),
            Operator::Surrogate => self.surrogate(label, value),
            Operator::Encrypt => self.sealed(label, value).unwrap_or_else(|| placeholder(label)),
        }
    }

    fn sealed(&mut self, label: &Label, value: &str) -> Option<String> {
        let random = (self.keys.random)()?;
        sealed(label, value, self.keys.seal?, random)
    }

    fn surrogate(&mut self, label: &Label, value: &str) -> String {
        let surrogates = self.surrogates.get_or_insert_with(|| {
            let mut tokens = Pseudonyms::new(Minter::new(*self.keys.words).scope("operator", "surrogate"));
            self.tokens.iter().for_each(|hit| tokens.reserve(hit));
            Surrogates { held: Windows::new(self.text), tokens, made: HashMap::new(), used: HashSet::new(), inventor: Inventor::default() }
        });
        let entry = (label.clone(), Hidden::new(canonical(label.as_str(), value)));
        if let Some(made) = surrogates.made.get(&entry) {
            return made.clone();
        }
        let taken = |candidate: &str| surrogates.used.contains(candidate) || surrogates.held.may_hold(candidate);
        let made = surrogates.inventor.invent((label.as_str(), value, entry.1.reveal()), self.keys.words, &taken);
        let made = made.unwrap_or_else(|| surrogates.tokens.token_for(label, value, false).as_str().to_owned());
        surrogates.used.insert(made.clone());
        surrogates.made.insert(entry, made.clone());
        made
    }
}

/// Which eight bytes stand side by side in a text, so that looking whether a value stands in it does not cost the whole text each time.
struct Windows {
    bits: Vec<u64>,
    shift: u32,
}

/// Bytes of a window.
const WIDE: usize = 8;

/// Largest table in bits; where it is full, a value is taken for one that stands there, and another one is tried.
const MOST_BITS: usize = 1 << 30;

impl Windows {
    fn new(text: &str) -> Self {
        let count = (text.len().saturating_mul(8)).next_power_of_two().clamp(1 << 10, MOST_BITS);
        let mut windows = Self { bits: vec![0; count / 64], shift: u64::BITS - count.trailing_zeros() };
        for window in text.as_bytes().windows(WIDE) {
            let (word, bit) = windows.place(window);
            if let Some(word) = windows.bits.get_mut(word) {
                *word |= bit;
            }
        }
        windows
    }

    fn place(&self, window: &[u8]) -> (usize, u64) {
        let bytes = window.first_chunk::<WIDE>().copied().unwrap_or_default();
        // Fibonacci hashing (Knuth, volume 3, section 6.4).
        let hash = u64::from_le_bytes(bytes).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift;
        (usize::try_from(hash / 64).unwrap_or(usize::MAX), 1 << (hash % 64))
    }

    /// `false` only for what does not stand in the text.
    fn may_hold(&self, value: &str) -> bool {
        value.as_bytes().windows(WIDE).all(|window| {
            let (word, bit) = self.place(window);
            self.bits.get(word).is_none_or(|word| word & bit != 0)
        })
    }
}

/// How a sealed value begins; its label, a colon, the sealed value and a closing bracket follow.
const SEALED: &str = "[SEALED:";

/// Longest label that stands in a sealed value.
const LONGEST_LABEL: usize = 128;

/// What stands in the place of a value that is sealed, `[SEALED:pii.email:…]`; [`reveal`] turns it back. `random` must never be given
/// twice. `None` when the value is too long.
pub fn sealed(label: &Label, value: &str, key: &SealKey, random: [u8; RANDOM]) -> Option<String> {
    let label = Some(label.as_str()).filter(|label| label.len() <= LONGEST_LABEL)?;
    Some(format!("{SEALED}{label}:{}]", key.seal(label, value, random)?))
}

/// A text with its sealed values turned back, how many there were, and how many stay because the key does not open them.
pub fn reveal(text: &str, key: &SealKey) -> (String, usize, usize) {
    let (mut out, mut rest, mut opened, mut closed) = (String::with_capacity(text.len()), text, 0, 0);
    while let Some((before, after)) = rest.split_once(SEALED) {
        out.push_str(before);
        if let Some((label, sealed, behind)) = sealed_value(after) {
            if let Some(value) = key.open(label, sealed) {
                out.push_str(value.reveal());
                (opened, rest) = (opened + 1, behind);
                continue;
            }
            closed += 1;
        }
        out.push_str(SEALED);
        rest = after;
    }
    out.push_str(rest);
    (out, opened, closed)
}

/// Label, sealed value and what stands behind, of what follows [`SEALED`].
fn sealed_value(after: &str) -> Option<(&str, &str, &str)> {
    let is_label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_');
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let (label, rest) = after.split_at_checked(after.find(|c| !is_label(c))?)?;
    let rest = rest.strip_prefix(':').filter(|_| label.len() <= LONGEST_LABEL)?;
    let (sealed, rest) = rest.split_at_checked(rest.find(|c| !is_letter(c))?)?;
    Some((label, sealed, rest.strip_prefix(']')?))
}

/// A keyed hash of length-prefixed parts, so that no two lists of parts give the same input.
fn keyed(key: &[u8; 32], purpose: &str, parts: &[&str], attempt: u32) -> [u8; 32] {
    // A key of any length is accepted by HMAC (RFC 2104); the error cannot happen.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    for part in [purpose].iter().chain(parts) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.update(&attempt.to_be_bytes());
    mac.finalize().into_bytes().into()
}

/// A key of its own for another purpose.
pub fn derived(key: &[u8; 32], purpose: &str) -> [u8; 32] {
    keyed(key, "bartizan derived key 1", &[purpose], 0)
}

/// `[EMAIL:…]` with sixteen letters, so that no detector takes the word for a number or a key.
fn hash_word(label: &Label, value: &str, key: &[u8; 32]) -> String {
    let hash = keyed(key, "bartizan hash word 1", &[label.as_str(), &canonical(label.as_str(), value)], 0);
    let letters = hash.iter().take(8).flat_map(|byte| [byte >> 4, byte & 15]).map(|four| char::from(b'a' + four));
    format!("[{}:{}]", kind(label.as_str()), letters.collect::<String>())
}
