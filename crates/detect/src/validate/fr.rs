//! France: national insurance number (INSEE), company numbers (SIRENE), tax and VAT numbers (`DGFiP`).

use super::sums::{compact, luhn, numbers, part, remainder, varied};

/// NIR: sex, month, place of birth (Corsica as 2A and 2B), key 97 minus the remainder.
pub(super) fn nir(value: &[u8]) -> bool {
    let code = compact(value);
    let corsica = match code.get(5..7) {
        Some(b"2A") => Some(19),
        Some(b"2B") => Some(18),
        _ => None,
    };
    let mut digits = numbers(&code);
    if let Some(place) = corsica {
        let rest = digits.split_off(5.min(digits.len()));
        digits.extend([place / 10, place % 10]);
        digits.extend(rest.iter().skip(1));
    }
    let month = part(&digits, 3, 5);
    let known = matches!(digits.first(), Some(1..=4 | 7 | 8)) && matches!(month, 1..=12 | 20..=42 | 50..=99);
    let body = digits.get(..13).unwrap_or_default();
    digits.len() == 15 && known && part(&digits, 5, 7) != 0 && part(&digits, 13, 15) == 97 - remainder(body, 97)
}

/// SIREN: Luhn.
pub(super) fn siren(value: &[u8]) -> bool {
    let digits = numbers(value);
    digits.len() == 9 && varied(&digits) && luhn(&digits)
}

/// SIRET: SIREN and five digits, Luhn over both; the sum of digits by 5 for the post office.
pub(super) fn siret(value: &[u8]) -> bool {
    let digits = numbers(value);
    let post = part(&digits, 0, 9) == 356_000_000 && digits.iter().sum::<u32>().is_multiple_of(5);
    let company = digits.get(..9).unwrap_or_default();
    digits.len() == 14 && varied(company) && (post || luhn(&digits) && luhn(company))
}

/// Numéro fiscal (SPI): begins with 0 to 3, the first ten modulo 511.
pub(super) fn tax(value: &[u8]) -> bool {
    let digits = numbers(value);
    let body = digits.get(..10).unwrap_or_default();
    digits.len() == 13 && matches!(digits.first(), Some(0..=3)) && varied(body) && remainder(body, 511) == part(&digits, 10, 13)
}

/// VAT number: two characters and a SIREN; of digits, 12 + 3 × SIREN modulo 97.
pub(super) fn vat(value: &[u8]) -> bool {
    let code = compact(value);
    let digits = numbers(code.get(4..).unwrap_or_default());
    let key = numbers(code.get(2..4).unwrap_or_default());
    let checked = key.len() < 2 || part(&key, 0, 2) == (12 + 3 * remainder(&digits, 97)) % 97;
    digits.len() == 9 && varied(&digits) && luhn(&digits) && checked
}
