//! Keys beside the name of a service: generated ones, not placeholders, names of something else or specimens that are filled up.

use super::{entropy, secret};

/// Whether a value looks generated. Specimens that count up in parts pass, like `entropy` has it: hiding one costs nothing.
pub(super) fn check(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let named = secret::is_reference(value) && !scrambled(value);
    random(value) && mixed(value) && !named && !secret::is_placeholder(&lower)
}

/// Whether the case of letters changes too often for words.
fn scrambled(value: &[u8]) -> bool {
    let changes = |pair: &&[u8]| {
        matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase() || a.is_ascii_uppercase() && b.is_ascii_lowercase())
    };
    value.len() >= 12 && value.windows(2).filter(changes).count() * 5 >= value.len() * 2
}

/// What somebody gives as a password on a command line.
pub(super) fn login(value: &[u8]) -> bool {
    secret::check(value) || scrambled(value) && random(value)
}

/// Whether the secret part of a Telegram token has a digit, unlike a word.
pub(super) fn bot_token(value: &[u8]) -> bool {
    let mut parts = value.splitn(2, |byte| *byte == b':');
    random(value) && parts.nth(1).is_some_and(|secret| secret.iter().any(u8::is_ascii_digit))
}

/// Whether the text is not marked as an example.
pub(super) fn not_example(value: &[u8]) -> bool {
    !secret::is_placeholder(&value.to_ascii_lowercase())
}

/// Enough different characters, and no third of it one character or most of it one alphabet.
pub(super) fn random(value: &[u8]) -> bool {
    let tail = value.get(value.len() / 4..).unwrap_or_default();
    let limit = if value.len() >= 32 { 3.0 } else { 2.6 };
    let same = longest(value, |a, b| a == b);
    let counting = longest(value, |a, b| b.wrapping_sub(a) == 1);
    entropy::shannon(tail) >= limit && same < (value.len() / 3).max(8) && counting * 3 < value.len() * 2
}

/// The longest run in which neighbours are alike.
fn longest(value: &[u8], alike: impl Fn(u8, u8) -> bool) -> usize {
    let mut run = 1;
    let mut longest = usize::from(!value.is_empty());
    for pair in value.windows(2) {
        run = if matches!(pair, [a, b] if alike(*a, *b)) { run + 1 } else { 1 };
        longest = longest.max(run);
    }
    longest
}

/// Digits among letters, or both cases changing often.
fn mixed(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let switches = value.windows(2).filter(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase())).count();
    digits > 0 && (letters > 0 || digits >= 32) || switches >= 3 && value.len() >= 20
}

/// Whether an account number of digits is one: not all of it two digits.
pub(super) fn digits(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_digit) && entropy::shannon(value) >= 2.0
}

/// Whether the most of a key is there, not crosses, stars, dots or noughts instead.
pub(super) fn unmasked(value: &[u8]) -> bool {
    value.iter().filter(|byte| b"xX*.0".contains(byte)).count() * 2 < value.len()
}

/// Whether base64 stands for text that somebody could have chosen as a secret.
pub(super) fn encoded_text(value: &[u8]) -> bool {
    let decoded = super::jwt::base64url(value);
    let printable = |c: char| !c.is_control() || c.is_whitespace();
    let text = std::str::from_utf8(&decoded).is_ok_and(|text| text.chars().all(printable));
    text && decoded.len() >= 6 && entropy::shannon(value) >= 2.5
}
