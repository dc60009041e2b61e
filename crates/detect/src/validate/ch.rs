//! Switzerland and Austria.

use super::sums::{date, numbers, part, varied, weighted};

/// AHV number (ZAS): prefix 756, check digit of EAN-13.
pub(super) fn ahv(value: &[u8]) -> bool {
    let digits = numbers(value);
    let sum = weighted(&digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]);
    digits.len() == 13 && part(&digits, 0, 3) == 756 && varied(digits.get(3..12).unwrap_or_default()) && sum.is_multiple_of(10)
}

/// Enterprise number (BFS, UID): weights 5-4-3-2-7-6-5-4, modulo 11.
pub(super) fn enterprise(value: &[u8]) -> bool {
    let digits = numbers(value);
    let check = (11 - weighted(&digits, &[5, 4, 3, 2, 7, 6, 5, 4]) % 11) % 11;
    digits.len() == 9 && varied(&digits) && check == part(&digits, 8, 9)
}

/// Austrian insurance number (Dachverband der Sozialversicherungsträger): check digit in the fourth place, then a date.
pub(super) fn austrian(value: &[u8]) -> bool {
    let digits = numbers(value);
    let sum = weighted(&digits, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
    let month = part(&digits, 6, 8);
    let born = date(part(&digits, 8, 10), month, part(&digits, 4, 6)) || matches!(month, 13..=15);
    digits.len() == 10 && digits.first() != Some(&0) && born && sum % 11 == part(&digits, 3, 4)
}
