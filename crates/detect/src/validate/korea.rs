//! South Korea: resident and foreigner numbers (Resident Registration Act), business numbers, driving licences.

use super::sums::{date, numbers, part, varied, weighted};

const WEIGHTS: [u32; 12] = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5];

fn born(digits: &[u32]) -> bool {
    let century = if matches!(part(digits, 6, 7), 3 | 4 | 7 | 8) { 2000 } else { 1900 };
    digits.len() == 13 && date(century + part(digits, 0, 2), part(digits, 2, 4), part(digits, 4, 6))
}

/// A date and a digit for sex and century. Numbers given out since October 2020 have no check digit.
pub(super) fn resident(value: &[u8]) -> bool {
    let digits = numbers(value);
    born(&digits) && matches!(part(&digits, 6, 7), 1..=4) && part(&digits, 7, 9) <= 95
}

/// The same with the check digit: weights 2 to 9 and 2 to 5, modulo 11.
pub(super) fn resident_checked(value: &[u8]) -> bool {
    let digits = numbers(value);
    resident(value) && (11 - weighted(&digits, &WEIGHTS) % 11) % 10 == part(&digits, 12, 13)
}

/// The number of a foreigner: 5 to 8 in the place of sex and century.
pub(super) fn foreigner(value: &[u8]) -> bool {
    let digits = numbers(value);
    born(&digits) && matches!(part(&digits, 6, 7), 5..=8)
}

/// The same with the check digit, 13 less the remainder.
pub(super) fn foreigner_checked(value: &[u8]) -> bool {
    let digits = numbers(value);
    foreigner(value) && (13 - weighted(&digits, &WEIGHTS) % 11) % 10 == part(&digits, 12, 13)
}

/// Business number (National Tax Service): weights 1-3-7-1-3-7-1-3-5, the last product counts its tens again.
pub(super) fn business(value: &[u8]) -> bool {
    let digits = numbers(value);
    let sum = weighted(&digits, &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + part(&digits, 8, 9) * 5 / 10;
    digits.len() == 10 && varied(&digits) && (10 - sum % 10) % 10 == part(&digits, 9, 10)
}

/// Driving licence (National Police Agency): the first two digits are a region.
pub(super) fn driver(value: &[u8]) -> bool {
    let digits = numbers(value);
    digits.len() == 12 && varied(&digits) && matches!(part(&digits, 0, 2), 11..=26 | 28)
}
