//! Keys beside the name of a service: generated ones, not placeholders, names of something else or specimens that are filled up.

use super::{entropy, secret};

/// Whether a value of a length that names no thing looks generated. What counts up in parts passes: hiding it costs nothing.
pub(super) fn check(value: &[u8]) -> bool {
    let switches = value.windows(2).filter(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase())).count();
    (mixed(value) || value.len() >= 16 && switches >= 3) && generated(value)
}

/// The same for a value of any length, which could be the name of a type.
pub(super) fn open(value: &[u8]) -> bool {
    mixed(value) && generated(value)
}

fn generated(value: &[u8]) -> bool {
    let named = secret::is_reference(value) && !secret::scrambled(value);
    random(value) && !named && !secret::is_placeholder(&value.to_ascii_lowercase())
}

/// What somebody gives as a password on a command line.
pub(super) fn login(value: &[u8]) -> bool {
    secret::check(value) || secret::scrambled(value) && random(value)
}

/// Whether the secret part of a Telegram token has a digit, unlike a word.
pub(super) fn bot_token(value: &[u8]) -> bool {
    let mut parts = value.splitn(2, |byte| *byte == b':');
    random(value) && parts.nth(1).is_some_and(|secret| secret.iter().any(u8::is_ascii_digit))
}

/// Whether a token of Slack ends in its secret part, not in an id, and has ids of real length.
pub(super) fn slack(value: &[u8]) -> bool {
    let groups: Vec<&[u8]> = value.split(|byte| *byte == b'-').skip(1).collect();
    let number = |group: &&[u8]| group.iter().all(u8::is_ascii_digit);
    let cut = groups.len() >= 2 && groups.last().is_some_and(number) && !matches!(value, [_, _, _, b'a' | b'r' | b'A' | b'R', ..]);
    let short = value.starts_with(b"xoxp-") && groups.get(1).is_some_and(|group| number(group) && (2..6).contains(&group.len()));
    !cut && !short
}

/// Whether the letters of a key in hexadecimal have one case.
pub(super) fn one_case(value: &[u8]) -> bool {
    !(value.iter().any(u8::is_ascii_lowercase) && value.iter().any(u8::is_ascii_uppercase))
}

/// Enough different characters, and no third of it one character or most of it one alphabet.
pub(super) fn random(value: &[u8]) -> bool {
    let tail = value.get(value.len() / 4..).unwrap_or_default();
    let limit = if value.iter().all(u8::is_ascii_digit) {
        2.2
    } else if value.len() >= 32 {
        3.0
    } else {
        2.6
    };
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
    digits > 0 && (letters > 0 || digits >= 32) || secret::scrambled(value)
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
