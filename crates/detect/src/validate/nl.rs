//! Netherlands: citizen service number (Rijksdienst voor Identiteitsgegevens) and VAT number (Belastingdienst).

use super::sums::{compact, numbers, part, varied, weighted};

/// BSN: weights 9 to 2, and minus 1 for the last digit, modulo 11.
pub(super) fn bsn(value: &[u8]) -> bool {
    let digits = numbers(value);
    let sum = weighted(&digits, &[9, 8, 7, 6, 5, 4, 3, 2]);
    digits.len() == 9 && varied(&digits) && sum % 11 == part(&digits, 8, 9)
}

/// VAT number: with the check of the citizen service number, or modulo 97 with letters from 10 on.
pub(super) fn vat(value: &[u8]) -> bool {
    let code = compact(value);
    let digits = numbers(code.get(2..11).unwrap_or_default());
    let suffix = numbers(code.get(12..).unwrap_or_default());
    let sum = weighted(&digits, &[9, 8, 7, 6, 5, 4, 3, 2]);
    let rest = code.iter().fold(0, |rest, byte| match char::from(*byte).to_digit(36) {
        Some(letter @ 10..) => (rest * 100 + letter) % 97,
        Some(digit) => (rest * 10 + digit) % 97,
        None => rest,
    });
    digits.len() == 9 && code.len() == 14 && varied(&digits) && part(&suffix, 0, 2) != 0 && (sum % 11 == part(&digits, 8, 9) || rest == 1)
}
