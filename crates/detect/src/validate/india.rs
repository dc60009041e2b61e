//! India: Aadhaar (UIDAI), tax account (Income Tax Department) and goods and services tax numbers.

use super::sums::{compact, numbers, uniform, varied, verhoeff};

/// Aadhaar: Verhoeff; begins with 2 to 9; no palindrome.
pub(super) fn aadhaar(value: &[u8]) -> bool {
    let digits = numbers(value);
    let palindrome = digits.iter().eq(digits.iter().rev());
    digits.len() == 12 && !matches!(digits.first(), Some(0 | 1)) && !palindrome && varied(&digits) && uniform(value) && verhoeff(&digits)
}

/// PAN: the fourth letter names the kind of taxpayer.
pub(super) fn pan(value: &[u8]) -> bool {
    value.get(3).is_some_and(|kind| b"ABCFGHJKLPTS".contains(&kind.to_ascii_uppercase()))
}

/// GSTIN: a state, then a tax account number.
pub(super) fn gstin(value: &[u8]) -> bool {
    matches!(numbers(value.get(..2).unwrap_or_default()).as_slice(), [0, 1..=9] | [1 | 2, _] | [3, 0..=7] | [9, 7 | 9])
}

/// The last character is a checksum in base 36 with factors 1 and 2.
pub(super) fn gstin_checked(value: &[u8]) -> bool {
    let code = compact(value);
    let Some((check, body)) = code.split_last() else { return false };
    let sum: u32 = body
        .iter()
        .zip([1, 2].iter().cycle())
        .map(|(byte, factor)| {
            let product = char::from(*byte).to_digit(36).unwrap_or(0) * factor;
            product / 36 + product % 36
        })
        .sum();
    gstin(value) && char::from(*check).to_digit(36) == Some((36 - sum % 36) % 36)
}
