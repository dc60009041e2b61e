//! Germany.

use super::sums::{compact, date, icao, mod_11_10, numbers, part, varied, weighted};

/// Identification number (`BZSt`, § 139b AO): ISO 7064 mod 11,10; no leading zero; no digit more than three times in the first ten.
pub(super) fn tax(value: &[u8]) -> bool {
    let digits = numbers(value);
    let body = digits.get(..10).unwrap_or_default();
    let often = (0..10).map(|digit| body.iter().filter(|other| **other == digit).count()).max();
    digits.len() == 11 && digits.first() != Some(&0) && often <= Some(3) && mod_11_10(&digits)
}

/// VAT number (`BZSt`, § 27a UStG): ISO 7064 mod 11,10.
pub(super) fn vat(value: &[u8]) -> bool {
    let digits = numbers(value);
    compact(value).starts_with(b"DE") && digits.len() == 9 && digits.first() != Some(&0) && mod_11_10(&digits)
}

/// Number of a tax office (ELSTER, Aufbau der Steuernummer): with the prefix of a state, or in groups.
pub(super) fn tax_number(value: &[u8]) -> bool {
    let digits = numbers(value);
    let state = matches!(part(&digits, 0, 2), 1..=16 | 21..=32 | 40 | 41 | 50..=59 | 91 | 92);
    varied(&digits) && (value.contains(&b'/') && matches!(digits.len(), 10..=11) || digits.len() == 13 && state)
}

/// Number of pension insurance (DRV, VKVV § 2): date, letter as two digits, weights with digit sums.
pub(super) fn pension(value: &[u8]) -> bool {
    let code = compact(value);
    let mut all = Vec::new();
    for byte in &code {
        if byte.is_ascii_digit() {
            all.push(u32::from(byte - b'0'));
        } else {
            let place = u32::from(byte - b'A') + 1;
            all.extend([place / 10, place % 10]);
        }
    }
    let sums = all.iter().zip([2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]).map(|(digit, weight)| digit * weight / 10 + digit * weight % 10);
    let day = part(&all, 2, 4);
    let born = date(part(&all, 6, 8), part(&all, 4, 6), if day > 50 { day - 50 } else { day });
    code.len() == 12 && all.len() == 13 && born && sums.sum::<u32>() % 10 == part(&all, 12, 13)
}

/// Number of health insurance (GKV-Spitzenverband, § 290 SGB V): letter as two digits, weights 1-2 with digit sums.
pub(super) fn health(value: &[u8]) -> bool {
    let code = compact(value);
    let Some((letter, rest)) = code.split_first().filter(|(letter, _)| letter.is_ascii_alphabetic()) else { return false };
    let place = u32::from(letter - b'A') + 1;
    let digits = numbers(rest);
    let all: Vec<u32> = [place / 10, place % 10].into_iter().chain(digits.iter().copied()).collect();
    let sum: u32 = all.iter().zip([1, 2].iter().cycle()).take(10).map(|(digit, weight)| digit * weight / 10 + digit * weight % 10).sum();
    digits.len() == 9 && sum % 10 == part(&digits, 8, 9)
}

/// Serial number of a passport or an identity card (Bundesdruckerei, `PassVwV`): no vowels, check digit of ICAO 9303.
pub(super) fn card(value: &[u8]) -> bool {
    let code = compact(value);
    let Some((check, body)) = code.split_last() else { return false };
    let first = body.first().is_some_and(|byte| b"CFGHJKLMNPRTVWXYZ".contains(byte));
    let known = body.iter().all(|byte| byte.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(byte));
    let figures = body.iter().any(u8::is_ascii_digit);
    body.len() == 8 && first && known && figures && icao(body) == char::from(*check).to_digit(10)
}

/// The same, or the letter T and eight digits, whose check digit stands apart.
pub(super) fn identity(value: &[u8]) -> bool {
    let code = compact(value);
    let old = code.len() == 9 && code.first() == Some(&b'T') && code.iter().skip(1).all(u8::is_ascii_digit);
    old || card(value)
}

/// Number of a physician (KBV, Arztnummern-Richtlinie): weights 4-9, then two digits of the speciality.
pub(super) fn physician(value: &[u8]) -> bool {
    let digits = numbers(value);
    let check = (10 - weighted(&digits, &[4, 9, 4, 9, 4, 9]) % 10) % 10;
    digits.len() == 9 && check == part(&digits, 6, 7)
}

/// Number of a practice (KBV): the first two digits are a region.
pub(super) fn practice(value: &[u8]) -> bool {
    let region = matches!(part(&numbers(value), 0, 2), 1..=3 | 17..=21 | 27 | 31 | 37..=40 | 43..=50 | 52 | 55 | 60..=64 | 67..=73 | 78 | 79 | 81 | 83 | 85..=88 | 93..=96 | 98 | 99);
    value.len() == 9 && region
}

/// Postcodes lie between 01001 and 99998.
pub(super) fn postcode(value: &[u8]) -> bool {
    (1_001..=99_998).contains(&part(&numbers(value), 0, 5))
}
