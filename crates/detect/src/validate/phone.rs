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
        (_, 33 | 31 | 32 | 41 | 48 | 61 | 90 | 91) => 10..=13,
        (_, 27 | 34 | 44 | 81 | 86) => 11..=14,
        (_, 55) => 12..=14,
        _ => 8..=15,
    };
    tidy(value) && known && lengths.contains(&number.len()) && varied(value) && !dump(value)
}

/// Bytes in hexadecimal: pairs, and more than one of them noughts, or nearly all of them small, or too many for a number.
fn dump(value: &[u8]) -> bool {
    let pairs = || value.split(|byte| !byte.is_ascii_digit());
    let noughts = pairs().filter(|pair| *pair == b"00").count();
    let small = pairs().filter(|pair| pair.starts_with(b"0")).count();
    pairs().all(|pair| pair.len() == 2) && (noughts > 1 || small > 3 || pairs().count() > 5 && !value.starts_with(b"00"))
}

/// Whether groups read as a day of some calendar year, or as two years.
fn dated(value: &[u8]) -> bool {
    let (lengths, numbers) = (groups(value), numbers(value));
    let at = |index: usize| numbers.get(index).copied().unwrap_or(0);
    let is_year = |index: usize| (1900..2200).contains(&at(index));
    let is_day = |a: usize, b: usize| (1..=31).contains(&at(a)) && (1..=31).contains(&at(b)) && at(a).min(at(b)) <= 12;
    match lengths.as_slice() {
        [2, 2, 4, ..] => is_year(2) && is_day(0, 1),
        [4, 2, 2, ..] => is_year(0) && is_day(1, 2),
        [4, 4] => is_year(0) && is_year(1),
        [3, 2, 4] | [6, 2, 2] => true,
        _ => false,
    }
}

fn numbers(value: &[u8]) -> Vec<u64> {
    let groups = value.split(|byte| !byte.is_ascii_digit()).filter(|group| !group.is_empty());
    groups.map(|group| group.iter().fold(0, |sum: u64, digit| sum.wrapping_mul(10) + u64::from(digit - b'0'))).collect()
}

/// How many different separators there are.
fn kinds(value: &[u8]) -> usize {
    let separators = value.iter().filter(|byte| !byte.is_ascii_digit() && !b"()".contains(byte));
    separators.collect::<std::collections::HashSet<_>>().len()
}

/// A trunk prefix or the North American 3-3-4, which a country's code may go before. `02110-1301` is a postcode of the USA and
/// `252.227-7013` a clause.
pub(super) fn national(value: &[u8]) -> bool {
    let value = without_extension(value);
    let postcode = groups(value) == [5, 4] && value.contains(&b'-');
    let clause = value.contains(&b'.') && value.contains(&b'-');
    let length = digits(value).count();
    let head = digits(value).take(2).fold(0, |sum, digit| sum * 10 + digit);
    let abroad = !matches!(groups(value).as_slice(), [2, 3, 3, 4]) || SHORT.contains(&head);
    tidy(value)
        && !dated(value)
        && !dump(value)
        && !postcode
        && !clause
        && abroad
        && (9..=12).contains(&length)
        && varied(value)
        && kinds(value) <= 2
}

/// Digits without separators: `00` and a country's code, or a national number.
pub(super) fn plain(value: &[u8]) -> bool {
    let limit = LIMITS.contains(&value);
    if value.starts_with(b"00") { international(value) } else { national(value) && !counting(value) && !limit }
}

/// Where the integers of programs end.
const LIMITS: [&[u8]; 4] = [b"2147483647", b"2147483648", b"4294967295", b"4294967296"];

/// `1234567890`.
fn counting(value: &[u8]) -> bool {
    let all: Vec<u32> = digits(value).collect();
    all.windows(2).all(|pair| matches!(pair, [a, b] if (a + 1) % 10 == *b))
}

/// A number beside a word that says that it is one of a phone: neither a day, a quantity, an address nor a fraction.
pub(super) fn labelled(value: &[u8]) -> bool {
    let value = without_extension(value);
    let lengths = groups(value);
    let points = count(value, b'.');
    let thousands = matches!(lengths.as_slice(), [1 | 2, rest @ ..] if !rest.is_empty() && rest.iter().all(|length| *length == 3));
    let address = points == 3 && lengths.len() == 4 && lengths.iter().all(|length| *length <= 3);
    let fraction = points > 0 && lengths.len() == 2;
    let plausible = !dated(value) && !thousands && !address && !fraction && !counting(value) && !LIMITS.contains(&value);
    tidy(value) && plausible && (7..=13).contains(&digits(value).count()) && varied(value) && kinds(value) <= 2
}
