//! Estonia, Lithuania and Latvia.

use super::sums::{date, numbers, part, varied, weighted};

/// Isikukood and asmens kodas (EVS 585:2007): sex and century, date, two rounds of weights, modulo 11.
pub(super) fn estonian(value: &[u8]) -> bool {
    let digits = numbers(value);
    let first = weighted(&digits, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let second = weighted(&digits, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10;
    let born = date(part(&digits, 1, 3), part(&digits, 3, 5), part(&digits, 5, 7)) && matches!(digits.first(), Some(1..=8));
    digits.len() == 11 && born && (if first < 10 { first } else { second }) == part(&digits, 10, 11)
}

/// Personas kods (PMLP): a date, or 32 and random digits since 2017; modulo 11.
pub(super) fn latvian(value: &[u8]) -> bool {
    let digits = numbers(value);
    let newer = part(&digits, 0, 2) == 32;
    let sum = weighted(&digits, &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9]);
    let check = (1 + sum) % 11 % 10;
    let born = date(part(&digits, 4, 6), part(&digits, 2, 4), part(&digits, 0, 2)) && part(&digits, 6, 7) < 3;
    digits.len() == 11 && varied(&digits) && (newer || born && check == part(&digits, 10, 11))
}
