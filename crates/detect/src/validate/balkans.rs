//! Greece, Romania, Bulgaria, Croatia and the countries that kept the personal number of Yugoslavia.

use super::sums::{date, luhn, mod_11_10, numbers, part, varied, weighted};

/// AFM (AADE): weights 256 to 2, modulo 11 modulo 10.
pub(super) fn greek_tax(value: &[u8]) -> bool {
    let digits = numbers(value);
    let sum = weighted(&digits, &[256, 128, 64, 32, 16, 8, 4, 2]);
    digits.len() == 9 && varied(&digits) && sum % 11 % 10 == part(&digits, 8, 9)
}

/// AMKA (IDIKA): date of birth, Luhn.
pub(super) fn greek_insurance(value: &[u8]) -> bool {
    let digits = numbers(value);
    digits.len() == 11 && date(part(&digits, 4, 6), part(&digits, 2, 4), part(&digits, 0, 2)) && luhn(&digits)
}

/// CNP (Legea 105/1996): sex and century, date, county, weights 2-7-9-1-4-6-3-5-8-2-7-9, modulo 11.
pub(super) fn romanian(value: &[u8]) -> bool {
    let digits = numbers(value);
    let rest = weighted(&digits, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    let county = matches!(part(&digits, 7, 9), 1..=48 | 51 | 52 | 70 | 80..=83);
    let born = date(part(&digits, 1, 3), part(&digits, 3, 5), part(&digits, 5, 7)) && digits.first() != Some(&0);
    digits.len() == 13 && born && county && (if rest == 10 { 1 } else { rest }) == part(&digits, 12, 13)
}

/// EGN (GRAO): date with the century in the month, weights 2-4-8-5-10-9-7-3-6, modulo 11 modulo 10.
pub(super) fn bulgarian(value: &[u8]) -> bool {
    let digits = numbers(value);
    let month = part(&digits, 2, 4);
    let born = date(part(&digits, 0, 2), month % 20, part(&digits, 4, 6)) && month < 60;
    let sum = weighted(&digits, &[2, 4, 8, 5, 10, 9, 7, 3, 6]);
    digits.len() == 10 && born && sum % 11 % 10 == part(&digits, 9, 10)
}

/// OIB (Zakon o osobnom identifikacijskom broju): ISO 7064 mod 11,10.
pub(super) fn croatian(value: &[u8]) -> bool {
    let digits = numbers(value);
    digits.len() == 11 && varied(&digits) && mod_11_10(&digits)
}

/// JMBG and EMŠO: date with three digits of the year, region, weights 7-6-5-4-3-2 twice, modulo 11.
pub(super) fn jmbg(value: &[u8]) -> bool {
    let digits = numbers(value);
    let year = part(&digits, 4, 7);
    let year = if year < 800 { 2000 + year } else { 1000 + year };
    let check = (11 - weighted(&digits, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    let born = date(year, part(&digits, 2, 4), part(&digits, 0, 2)) && (1880..2100).contains(&year);
    digits.len() == 13 && born && check == part(&digits, 12, 13)
}
