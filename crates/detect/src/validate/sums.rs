//! Arithmetic that check digits of many countries share. Nothing here knows a country.

use super::digits;

/// The digits of a value.
pub(super) fn numbers(value: &[u8]) -> Vec<u32> {
    let mut numbers = Vec::with_capacity(value.len());
    numbers.extend(digits(value));
    numbers
}

/// The letters and digits of a value, in capitals.
pub(super) fn compact(value: &[u8]) -> Vec<u8> {
    let mut compact = Vec::with_capacity(value.len());
    compact.extend(value.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase));
    compact
}

/// The sum of products.
pub(super) fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// The number that some digits of many write; 0 where there are none.
pub(super) fn part(digits: &[u32], from: usize, to: usize) -> u32 {
    digits.get(from..to).unwrap_or_default().iter().fold(0, |sum, digit| sum.wrapping_mul(10).wrapping_add(*digit))
}

/// A long number modulo a small one.
pub(super) fn remainder(digits: &[u32], modulus: u32) -> u32 {
    digits.iter().fold(0, |rest, digit| (rest * 10 + digit) % modulus)
}

/// Whether not all digits are alike.
pub(super) fn varied(digits: &[u32]) -> bool {
    digits.windows(2).any(|pair| pair.first() != pair.last())
}

/// Whether one kind of separator is used throughout.
pub(super) fn uniform(value: &[u8]) -> bool {
    let mut marks = value.iter().filter(|byte| !byte.is_ascii_alphanumeric());
    let first = marks.next();
    marks.all(|mark| Some(mark) == first)
}

/// ISO/IEC 7812-1, annex B.
pub(super) fn luhn(digits: &[u32]) -> bool {
    let double = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits.iter().rev().enumerate().map(|(at, digit)| if at % 2 == 1 { double(*digit) } else { *digit }).sum();
    sum.is_multiple_of(10)
}

/// The Luhn checksum, digits not all alike.
pub(super) fn luhn_varied(value: &[u8]) -> bool {
    let digits = numbers(value);
    varied(&digits) && luhn(&digits)
}

/// ISO 7064, mod 11,10.
pub(super) fn mod_11_10(digits: &[u32]) -> bool {
    let Some((check, body)) = digits.split_last() else { return false };
    let product = body.iter().fold(10, |product, digit| {
        let sum = (product + digit) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (product + check) % 10 == 1
}

/// The multiplication of the dihedral group of order 10, computed: 0 to 4 turn, 5 to 9 turn over.
fn dihedral(a: u32, b: u32) -> u32 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - 5 + 5 - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

/// Verhoeff's permutation, applied once.
const PERMUTED: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// Verhoeff's checksum (J. Verhoeff, Error detecting decimal codes, 1969).
pub(super) fn verhoeff(digits: &[u32]) -> bool {
    let turned = |digit: u32, times: usize| {
        (0..times % 8).fold(digit, |digit, _| usize::try_from(digit).ok().and_then(|at| PERMUTED.get(at)).copied().unwrap_or(0))
    };
    digits.iter().rev().enumerate().fold(0, |sum, (at, digit)| dihedral(sum, turned(*digit, at))) == 0
}

/// Whether a day exists; in an unknown century every fourth year is a leap year.
pub(super) fn date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (year < 100 || !year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=last).contains(&day)
}

/// The check of ICAO 9303: weights 7, 3, 1, letters count from 10 on.
pub(super) fn icao(value: &[u8]) -> Option<u32> {
    let mut sum = 0;
    for (byte, weight) in value.iter().zip([7, 3, 1].iter().cycle()) {
        sum += char::from(*byte).to_digit(36)? * weight;
    }
    Some(sum % 10)
}
