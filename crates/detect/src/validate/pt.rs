//! Portugal: tax number (Autoridade Tributária) and citizen card (AMA).

use super::sums::{compact, numbers, part, varied, weighted};

/// NIF: weights 9 to 2, modulo 11; first digits that are in use.
pub(super) fn nif(value: &[u8]) -> bool {
    let digits = numbers(value);
    let check = (11 - weighted(&digits, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10;
    digits.len() == 9 && !matches!(digits.first(), Some(0 | 4)) && varied(&digits) && check == part(&digits, 8, 9)
}

/// Citizen card: eight digits, a check digit, two characters of the version and a check digit: Luhn with letters from 10 on.
pub(super) fn card(value: &[u8]) -> bool {
    let code = compact(value);
    let worth = |byte: &u8| char::from(*byte).to_digit(36).unwrap_or(0);
    let sum: u32 = code
        .iter()
        .rev()
        .enumerate()
        .map(|(at, byte)| match (at % 2, worth(byte) * 2) {
            (0, double) => double / 2,
            (_, double @ 10..) => double - 9,
            (_, double) => double,
        })
        .sum();
    code.len() == 12 && sum.is_multiple_of(10)
}
