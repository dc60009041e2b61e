//! Phone numbers: E.164 country calling codes with plausible lengths, and national forms by their grouping.

use super::{count, digits, groups};

/// Country calling codes (ITU-T E.164 assignments) of one and two digits; the rest have three.
const SHORT: &[u32] = &[
    1, 7, 20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61, 62, 63, 64, 65,
    66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
];

/// First two digits of three-digit codes.
const LONG: &[u32] = &[21, 22, 23, 24, 25, 26, 29, 35, 37, 38, 42, 50, 59, 67, 68, 69, 80, 85, 87, 88, 96, 97, 99];

fn varied(value: &[u8]) -> bool {
    let first = digits(value).next();
    digits(value).skip(2).any(|digit| Some(digit) != first)
}

/// Whether separators come one at a time and brackets match.
fn tidy(value: &[u8]) -> bool {
    let open = count(value, b'(');
    let close = count(value, b')');
    open == close && open <= 1
}

fn without_extension(value: &[u8]) -> &[u8] {
    let extension = value.iter().position(u8::is_ascii_alphabetic).unwrap_or(value.len());
    let value = value.get(..extension).unwrap_or_default().trim_ascii_end();
    value.strip_suffix(b",").unwrap_or(value)
}

/// `+CC …` or `00CC …`.
pub(super) fn international(value: &[u8]) -> bool {
    let value = without_extension(value);
    let all: Vec<u32> = digits(value).collect();
    let number = match all.as_slice() {
        [0, 0, rest @ ..] if value.first() != Some(&b'+') => rest,
        rest => rest,
    };
    let [a, b, ..] = number else { return false };
    let (one, two) = (*a, a * 10 + b);
    let known = SHORT.contains(&one) || SHORT.contains(&two) || LONG.contains(&two);
    let lengths = match (one, two) {
        (1 | 7, _) => 11..=11,
        (_, 33 | 34 | 31 | 32 | 41 | 48 | 61 | 90 | 91) => 10..=13,
        _ => 8..=15,
    };
    tidy(value) && known && lengths.contains(&number.len()) && varied(value)
}

/// A trunk prefix or the North American 3-3-4.
pub(super) fn national(value: &[u8]) -> bool {
    let value = without_extension(value);
    let separators: Vec<u8> = value.iter().copied().filter(|byte| !byte.is_ascii_digit() && !b"()".contains(byte)).collect();
    let kinds = separators.iter().collect::<std::collections::HashSet<_>>().len();
    let length = digits(value).count();
    let dated = matches!(groups(value).as_slice(), [2, 2, 4, ..] | [4, 2, 2, ..] | [3, 2, 4]);
    tidy(value) && !dated && (9..=12).contains(&length) && varied(value) && kinds <= 2
}
