//! China: resident identity number (GB 11643) and unified social credit code (GB 32100).

use super::sums::{compact, date, numbers, part};

/// Region, date, and a check character by ISO 7064 mod 11-2.
pub(super) fn resident(value: &[u8]) -> bool {
    let code = compact(value);
    let Some((check, body)) = code.split_last() else { return false };
    let digits = numbers(body);
    let sum = digits.iter().fold(0, |sum, digit| (sum + digit) * 2 % 11);
    let expected = b"0123456789X".get(usize::try_from((12 - sum) % 11).unwrap_or(0));
    let region = matches!(part(&digits, 0, 2), 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83 | 91);
    let year = part(&digits, 6, 10);
    let born = (1880..2100).contains(&year) && date(year, part(&digits, 10, 12), part(&digits, 12, 14));
    code.len() == 18 && digits.len() == 17 && region && born && expected == Some(check)
}

const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Powers of three modulo 31 over an alphabet without I, O, S, V and Z.
pub(super) fn credit(value: &[u8]) -> bool {
    let code = compact(value);
    let mut sum = 0;
    let mut weight = 1;
    for byte in code.iter().take(17) {
        let Some(place) = ALPHABET.iter().position(|other| other == byte) else { return false };
        sum += place * weight;
        weight = weight * 3 % 31;
    }
    let mixed = code.get(..8).is_some_and(|head| head.iter().filter(|byte| byte.is_ascii_digit()).count() >= 7);
    code.len() == 18 && mixed && ALPHABET.get((31 - sum % 31) % 31) == code.last()
}
