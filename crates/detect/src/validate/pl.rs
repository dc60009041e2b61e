//! Poland: PESEL (Ustawa o ewidencji ludności), NIP, REGON and the identity card.

use super::sums::{compact, date, numbers, part, uniform, varied, weighted};

/// Date with the century in the month; weights 1-3-7-9.
pub(super) fn pesel(value: &[u8]) -> bool {
    let digits = numbers(value);
    let month = part(&digits, 2, 4);
    let sum = weighted(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    digits.len() == 11 && date(part(&digits, 0, 2), month % 20, part(&digits, 4, 6)) && sum.is_multiple_of(10)
}

/// Weights 6-5-7-2-3-4-5-6-7, modulo 11.
pub(super) fn nip(value: &[u8]) -> bool {
    let digits = numbers(value);
    let rest = weighted(&digits, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11;
    digits.len() == 10 && digits.first() != Some(&0) && varied(&digits) && uniform(value) && rest == part(&digits, 9, 10)
}

/// Nine digits, weights 8-9-2-3-4-5-6-7, modulo 11.
pub(super) fn regon(value: &[u8]) -> bool {
    let digits = numbers(value);
    let rest = weighted(&digits, &[8, 9, 2, 3, 4, 5, 6, 7]) % 11 % 10;
    digits.len() == 9 && varied(&digits) && rest == part(&digits, 8, 9)
}

/// Three letters, a check digit and five digits; weights 7-3-1, letters from 10 on.
pub(super) fn card(value: &[u8]) -> bool {
    let code = compact(value);
    let worth = |byte: &u8| char::from(*byte).to_digit(36).unwrap_or(0);
    let all: Vec<u32> = code.iter().map(worth).collect();
    let Some((letters, digits)) = all.split_at_checked(3) else { return false };
    let sum = weighted(letters, &[7, 3, 1]) + weighted(digits.get(1..).unwrap_or_default(), &[7, 3, 1, 7, 3]);
    code.len() == 9 && varied(digits) && sum % 10 == part(digits, 0, 1)
}
