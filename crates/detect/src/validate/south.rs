//! Nigeria and South Africa.

use super::sums::{date, luhn, numbers, part, varied, verhoeff};

/// NIN (NIMC): eleven digits, Verhoeff.
pub(super) fn nigerian(value: &[u8]) -> bool {
    let digits = numbers(value);
    digits.len() == 11 && varied(&digits) && verhoeff(&digits)
}

/// Identity number (Department of Home Affairs): date, citizenship 0 to 2, Luhn.
pub(super) fn south_african(value: &[u8]) -> bool {
    let digits = numbers(value);
    let born = date(part(&digits, 0, 2), part(&digits, 2, 4), part(&digits, 4, 6));
    digits.len() == 13 && born && part(&digits, 10, 11) <= 2 && luhn(&digits)
}
