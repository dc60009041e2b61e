//! Pseudonyms: what a value becomes on its way out, and the exact map back for one request. No state outlives a request.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use bartizan_vocabulary::{Hidden, Label};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::normal::normalise;
use crate::plan::kind;
use crate::sextets::is_letter;
use crate::token::{ALPHABET, TAIL, Token, TokenHit};
use crate::validate::{self, Check};

/// HMAC-SHA-256 over length-prefixed parts, so that no two lists of parts give the same input.
fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // A key of any length is accepted by HMAC (RFC 2104); the error cannot happen.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Labels whose values are letters and digits: separators and letter case say nothing.
const CODES: [&str; 15] = [
    "pii.id.",
    "pii.us_driver_license",
    "pii.vehicle.",
    "pii.device.",
    "pii.postcode.",
    "phi.",
    "pci.us_routing",
    "pci.bank_account",
    "pci.uk_sort_code",
    "pci.de_blz",
    "pci.au_bsb",
    "pci.in_ifsc",
    "pci.bic",
    "pci.cvv",
    "pci.card_expiry",
];

fn is_code(label: &str) -> bool {
    CODES.iter().any(|family| label.starts_with(family))
}

/// Labels, or beginnings of some, of which each stands for those whose values are written in the same forms.
pub(crate) const FORMS: [&str; 6] = ["pii.email", "pci.card", "pii.phone", "pci.iban", "phi.", ""];
/// Those of them that write nothing but digits.
pub(crate) const NUMBERS: [&str; 2] = ["pci.card", "pii.phone"];

/// Which of [`FORMS`] stands for a label.
pub(crate) fn form_of(label: &str) -> usize {
    match label {
        "pii.email" | "pii.ip" => 0,
        "pci.card" | "pii.us_ssn" => 1,
        "pii.phone" => 2,
        "pci.iban" => 3,
        _ if is_code(label) => 4,
        _ => 5,
    }
}

/// The one form that all ways to write a value share.
pub fn canonical(label: &str, surface: &str) -> String {
    written(label, normalise(surface))
}

/// The same of a value that is normalised already.
pub(crate) fn written(label: &str, text: String) -> String {
    // What is written in words is the number that they stand for.
    let text = crate::digits::value(&text).unwrap_or(text);
    // What is written with words for its signs is the address that they make.
    if let Some(address) = spoken(label, &text) {
        return address;
    }
    match label {
        _ if is_run(label, &text) => text,
        "pii.email" | "pii.ip" => text.to_lowercase(),
        "pci.card" | "pii.us_ssn" => {
            String::from_utf8_lossy(validate::whole(text.as_bytes())).chars().filter(char::is_ascii_digit).collect()
        }
        "pii.phone" => {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            digits.strip_prefix("00").map_or(digits.clone(), str::to_owned)
        }
        _ if label == "pci.iban" || is_code(label) => {
            text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
        }
        _ => text,
    }
}

fn spoken(label: &str, text: &str) -> Option<String> {
    if label == "pii.email" { validate::spoken::plain(text) } else { None }
}

/// Whether a surface is a run of base64, or a part of one, and no plain value of its label. For labels whose values are no such
/// runs: not for secrets and URLs.
pub fn is_encoded(label: &str, surface: &str) -> bool {
    is_run(label, &normalise(surface))
}

/// What comes back for the token of a run must be that run, so it stands for itself: letter case counts, and no other run has
/// its token.
fn is_run(label: &str, text: &str) -> bool {
    let run = text.bytes().all(|byte| is_letter(byte) || byte == b'=' || byte.is_ascii_whitespace());
    // An extension of a telephone number and the exponent of a number literal have letters too.
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    // A code in capitals is what it looks like: hardly any run is without small letters.
    let code = is_code(label) && !text.bytes().any(|byte| byte.is_ascii_lowercase());
    run && letters > 4 && !code && spoken(label, text).is_none() && (label != "pci.iban" || !Check::Iban.passes(text.as_bytes()))
}

/// Mints under one tenant's token key.
#[derive(Clone, Debug)]
pub struct Minter {
    key: Hidden<[u8; 32]>,
}

impl Minter {
    /// A minter with a tenant's token key.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key: Hidden::new(key) }
    }

    /// The scope of a principal's conversation: inside it a value has one token, outside it another.
    pub fn scope(&self, principal: &str, conversation: &str) -> Scope {
        Scope { tenant: self.key.clone(), principal: principal.into(), conversation: conversation.into(), key: OnceLock::new() }
    }
}

/// Where equal values get equal tokens. Its key is made for the first token: most requests need none.
#[derive(Clone, Debug)]
pub struct Scope {
    tenant: Hidden<[u8; 32]>,
    principal: Box<str>,
    conversation: Box<str>,
    key: OnceLock<Hidden<[u8; 32]>>,
}

impl Scope {
    /// A key of this scope under another key than its tenant's.
    fn key_under(&self, key: &[u8; 32], purpose: &str) -> [u8; 32] {
        keyed(key, &[purpose.as_bytes(), self.principal.as_bytes(), self.conversation.as_bytes()])
    }

    fn tail(&self, kind: &str, value: &str, attempt: u32) -> [u8; TAIL] {
        let key = self.key.get_or_init(|| {
            let parts = [&b"bartizan scope 1"[..], self.principal.as_bytes(), self.conversation.as_bytes()];
            Hidden::new(keyed(self.tenant.reveal(), &parts))
        });
        let mac = keyed(key.reveal(), &[kind.as_bytes(), value.as_bytes(), &attempt.to_be_bytes()]);
        let bits = mac.iter().take(8).fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        let mut tail = [b'0'; TAIL];
        for (index, slot) in tail.iter_mut().enumerate() {
            let shift = 64 - 5 * (index + 1);
            let digit = usize::try_from(bits >> shift & 31).unwrap_or(0);
            *slot = ALPHABET.get(digit).copied().unwrap_or(b'0');
        }
        tail
    }
}

/// The value that a surface of a label writes.
fn value_of(label: &Label, surface: &str, was_number: bool) -> String {
    // A number with a sign, a fraction or an exponent comes back as it was: it is not the value that its digits are.
    let written = was_number && !surface.bytes().all(|byte| byte.is_ascii_digit());
    if written { surface.to_owned() } else { canonical(label.as_str(), surface) }
}

/// What a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// The value as it was first written.
    pub surface: Hidden<String>,
    /// Whether it was a JSON number, to be restored as one where the token is the whole value.
    pub was_number: bool,
}

/// The tokens of one request, and the way back.
#[derive(Debug)]
pub struct Pseudonyms {
    scope: Scope,
    /// Tails of token-like strings of the request.
    reserved: HashSet<String>,
    minted: HashMap<(String, Hidden<String>), Token>,
    originals: HashMap<Token, Original>,
}

impl Pseudonyms {
    /// An empty map in a scope.
    pub fn new(scope: Scope) -> Self {
        Self { scope, reserved: HashSet::new(), minted: HashMap::new(), originals: HashMap::new() }
    }

    /// A key of the scope under another key than its tenant's.
    pub fn key_under(&self, key: &[u8; 32], purpose: &str) -> [u8; 32] {
        self.scope.key_under(key, purpose)
    }

    /// Keeps a token-like string of the request from being minted. Call it for all of them before the first [`Self::token_for`].
    pub fn reserve(&mut self, hit: &TokenHit) {
        self.reserved.insert(hit.token.tail().to_owned());
    }

    /// The token of a value; `surface` is the value as it is written in the text.
    pub fn token_for(&mut self, label: &Label, surface: &str, was_number: bool) -> Token {
        let kind = kind(label.as_str());
        let value = value_of(label, surface, was_number);
        let entry = (kind, Hidden::new(value));
        if let Some(token) = self.minted.get(&entry) {
            return token.clone();
        }
        let mut attempt = 0;
        let token = loop {
            let token = Token::new(&entry.0, self.scope.tail(&entry.0, entry.1.reveal(), attempt));
            match self.originals.get(&token) {
                // What was put back from an earlier request keeps its token.
                Some(known) if value_of(label, known.surface.reveal(), known.was_number) == *entry.1.reveal() => break token,
                None if !self.reserved.contains(token.tail()) => break token,
                _ => {}
            }
            attempt += 1;
        };
        self.minted.insert(entry, token.clone());
        self.originals.entry(token.clone()).or_insert_with(|| Original { surface: Hidden::new(surface.to_owned()), was_number });
        token
    }

    /// What a token of this request stands for; nothing for any other.
    pub fn resolve(&self, token: &Token) -> Option<&Original> {
        self.originals.get(token)
    }

    /// All tokens minted so far with what they stand for, for a map that must outlive the request.
    pub fn iter(&self) -> impl Iterator<Item = (&Token, &Original)> {
        self.originals.iter()
    }

    /// Puts back a pair from an earlier request of a stateful chain that the same principal owns.
    pub fn recall(&mut self, token: Token, original: Original) {
        self.originals.entry(token).or_insert(original);
    }

    /// Whether nothing was minted.
    pub fn is_empty(&self) -> bool {
        self.originals.is_empty()
    }
}
