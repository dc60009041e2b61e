//! Belgium and Luxembourg.

use super::sums::{date, luhn, numbers, part, remainder, varied, verhoeff};

/// National number (Rijksregister): date and serial, 97 minus the remainder; a 2 goes before those born from 2000 on.
pub(super) fn national(value: &[u8]) -> bool {
    let digits = numbers(value);
    let body = digits.get(..9).unwrap_or_default();
    let later: Vec<u32> = [2].into_iter().chain(body.iter().copied()).collect();
    let check = part(&digits, 9, 11);
    let (month, day) = (part(&digits, 2, 4), part(&digits, 4, 6));
    let month = if month > 40 {
        month - 40
    } else if month > 20 {
        month - 20
    } else {
        month
    };
    let born = date(part(&digits, 0, 2), month, day) || month == 0;
    let right = check == 97 - remainder(body, 97) || check == 97 - remainder(&later, 97);
    digits.len() == 11 && born && right && varied(&digits)
}

/// Enterprise number (KBO): begins with 0 or 1, 97 minus the remainder.
pub(super) fn enterprise(value: &[u8]) -> bool {
    let digits = numbers(value);
    let body = digits.get(..8).unwrap_or_default();
    let known = matches!(digits.first(), Some(0 | 1));
    digits.len() == 10 && known && varied(body) && part(&digits, 8, 10) == 97 - remainder(body, 97)
}

/// Luxembourgish national number (RNPP): date and serial, then Luhn and Verhoeff digits over the first eleven.
pub(super) fn luxembourgish(value: &[u8]) -> bool {
    let digits = numbers(value);
    let body = digits.get(..11).unwrap_or_default();
    let with = |check: Option<&u32>| body.iter().copied().chain(check.copied()).collect::<Vec<u32>>();
    let born = date(part(&digits, 0, 4), part(&digits, 4, 6), part(&digits, 6, 8)) && (1880..2100).contains(&part(&digits, 0, 4));
    digits.len() == 13 && born && luhn(&with(digits.get(11))) && verhoeff(&with(digits.get(12)))
}
