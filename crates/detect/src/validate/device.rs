//! Devices, places and accounts.

use super::sums::{compact, luhn, numbers, part, varied};

/// Latitude within 90 and longitude within 180 degrees, not both small whole numbers.
pub(super) fn coordinates(value: &[u8]) -> bool {
    let text = std::str::from_utf8(value).unwrap_or_default();
    let mut degrees = text.split(|c: char| !(c.is_ascii_digit() || c == '.')).filter_map(|part| part.parse::<f64>().ok());
    let (Some(latitude), Some(longitude)) = (degrees.next(), degrees.next()) else { return false };
    latitude <= 90.0 && longitude <= 180.0 && latitude + longitude > 0.0
}

/// A hardware address (IEEE 802): six pairs with one kind of separator, neither all zero nor broadcast.
pub(super) fn mac(value: &[u8]) -> bool {
    let mut marks = value.iter().filter(|byte| !byte.is_ascii_hexdigit());
    let first = marks.next();
    let code = compact(value);
    code.len() == 12 && marks.all(|mark| Some(mark) == first) && code.windows(2).any(|pair| pair.first() != pair.last())
}

/// IMEI (3GPP TS 23.003): fifteen digits with Luhn, reporting body identifier in use.
pub(super) fn imei(value: &[u8]) -> bool {
    let digits = numbers(value);
    let body = matches!(part(&digits, 0, 2), 1 | 10..=99);
    digits.len() == 15 && body && varied(digits.get(..8).unwrap_or_default()) && luhn(&digits)
}

/// Names that stand for a user without being one.
const PLACEHOLDERS: [&[u8]; 22] = [
    b"admin",
    b"root",
    b"user",
    b"username",
    b"test",
    b"guest",
    b"default",
    b"string",
    b"null",
    b"none",
    b"true",
    b"false",
    b"example",
    b"your_username",
    b"yourusername",
    b"name",
    b"login",
    b"postgres",
    b"required",
    b"optional",
    b"undefined",
    b"password",
];

/// Letters with a digit, a dot or an underscore among them, as chosen names have; no call, no path, no placeholder.
pub(super) fn username(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let stem = lower.iter().rposition(|byte| !byte.is_ascii_digit()).and_then(|at| lower.get(..=at)).unwrap_or_default();
    let letters = lower.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let digits = lower.iter().filter(|byte| byte.is_ascii_digit()).count();
    letters >= 2
        && (1..=6).contains(&digits)
        && stem.len() >= 3
        && !PLACEHOLDERS.contains(&stem)
        && lower.last().is_some_and(u8::is_ascii_alphanumeric)
}
