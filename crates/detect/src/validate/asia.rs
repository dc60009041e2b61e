//! Singapore, Thailand, the Philippines, Taiwan, Japan, Hong Kong, Malaysia and Indonesia.

use super::sums::{compact, date, numbers, part, varied, weighted};

/// NRIC and FIN (ICA): weights 2-7-6-5-4-3-2, an offset for the century, a letter modulo 11.
pub(super) fn singapore(value: &[u8]) -> bool {
    let code = compact(value);
    let digits = numbers(&code);
    let sum = weighted(&digits, &[2, 7, 6, 5, 4, 3, 2]);
    let (letters, offset) = match code.first() {
        Some(b'S') => (b"JZIHGFEDCBA", 0),
        Some(b'T') => (b"JZIHGFEDCBA", 4),
        Some(b'F') => (b"XWUTRQPNMLK", 0),
        Some(b'G') => (b"XWUTRQPNMLK", 4),
        Some(b'M') => (b"XWUTRQPNJLK", 3),
        _ => return false,
    };
    let at = usize::try_from((sum + offset) % 11).unwrap_or(0);
    code.len() == 9 && digits.len() == 7 && value.iter().all(|byte| !byte.is_ascii_lowercase()) && letters.get(at) == code.last()
}

/// Characters of the numbers of other entities, in the order that counts.
const OTHERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWX0123456789";

/// The place of the last character in [`OTHERS`].
fn other(code: &[u8]) -> u32 {
    let place = |byte: &u8| OTHERS.iter().position(|other| other == byte).and_then(|at| u32::try_from(at).ok()).unwrap_or(0);
    let places: Vec<u32> = code.iter().map(place).collect();
    (weighted(&places, &[4, 3, 5, 3, 10, 2, 2, 5, 7]) + 6) % 11
}

/// UEN (ACRA): businesses, local companies and others, each with its weights.
pub(super) fn singapore_entity(value: &[u8]) -> bool {
    let code = compact(value);
    let digits = numbers(&code);
    let letter = |letters: &[u8], at: u32| letters.get(usize::try_from(at).unwrap_or(0)) == code.last();
    match code.len() {
        9 => letter(b"XMKECAWLJDB", weighted(&digits, &[10, 4, 9, 3, 8, 2, 7, 1]) % 11),
        10 if code.first().is_some_and(u8::is_ascii_digit) => letter(b"ZKCMDNERGWH", weighted(&digits, &[10, 8, 6, 4, 9, 7, 5, 3, 1]) % 11),
        10 => letter(OTHERS, other(&code)),
        _ => false,
    }
}

/// Thai identity number (Department of Provincial Administration): kind, province, weights 13 to 2, modulo 11.
pub(super) fn thai(value: &[u8]) -> bool {
    let digits = numbers(value);
    let check = (11 - weighted(&digits, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10;
    let province = matches!(part(&digits, 1, 3), 10..=27 | 30..=58 | 60..=67 | 70..=77 | 80..=86 | 90..=96);
    digits.len() == 13 && matches!(digits.first(), Some(1..=8)) && province && varied(&digits) && check == part(&digits, 12, 13)
}

/// Philippine tax number (BIR): weights 9 to 2 over the first eight digits, modulo 11.
pub(super) fn philippine(value: &[u8]) -> bool {
    let digits = numbers(value);
    matches!(digits.len(), 9 | 12 | 13 | 14) && varied(&digits) && philippine_check(&digits)
}

fn philippine_check(digits: &[u32]) -> bool {
    weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == part(digits, 8, 9)
}

/// Taiwanese identity number (Ministry of the Interior): the letter is two digits, weights 1-9-8-…-1-1, modulo 10.
pub(super) fn taiwanese(value: &[u8]) -> bool {
    let code = compact(value);
    let digits = numbers(&code);
    let order = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let Some(place) = code.first().and_then(|letter| order.iter().position(|other| other == letter)) else { return false };
    let place = u32::try_from(place).unwrap_or(0) + 10;
    let sum = place / 10 + place % 10 * 9 + weighted(&digits, &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    digits.len() == 9 && varied(&digits) && sum.is_multiple_of(10)
}

/// My Number (Ordinance 85 of 2014): weights 6-5-4-3-2-7-6-5-4-3-2, modulo 11.
pub(super) fn japanese(value: &[u8]) -> bool {
    let digits = numbers(value);
    let rest = weighted(&digits, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { 0 } else { 11 - rest };
    digits.len() == 12 && varied(&digits) && check == part(&digits, 11, 12)
}

/// Corporate number (National Tax Agency): the first digit checks the rest, weights 2 and 1, modulo 9.
pub(super) fn japanese_corporate(value: &[u8]) -> bool {
    let digits = numbers(value);
    let sum = weighted(digits.get(1..).unwrap_or_default(), &[2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]);
    digits.len() == 13 && varied(&digits) && 9 - sum % 9 == part(&digits, 0, 1)
}

/// Hong Kong identity card (Immigration Department): one or two letters, weights 9 to 1, modulo 11, A stands for 10.
pub(super) fn hong_kong(value: &[u8]) -> bool {
    let code = compact(value);
    let letters = code.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let worth = |byte: &u8| char::from(*byte).to_digit(36).unwrap_or(0);
    let mut all: Vec<u32> = code.iter().map(worth).collect();
    if letters == 1 {
        all.insert(0, 36);
    }
    let capitals = value.iter().all(|byte| !byte.is_ascii_lowercase());
    let sum = weighted(&all, &[9, 8, 7, 6, 5, 4, 3, 2, 1]);
    capitals && matches!(letters, 1 | 2) && all.len() == 9 && sum.is_multiple_of(11)
}

/// `MyKad` (Jabatan Pendaftaran Negara): date and place of birth.
pub(super) fn malaysian(value: &[u8]) -> bool {
    let digits = numbers(value);
    let place = matches!(part(&digits, 6, 8), 1..=16 | 21..=68 | 71 | 72 | 74..=79 | 82..=93 | 98 | 99);
    digits.len() == 12 && place && date(part(&digits, 0, 2), part(&digits, 2, 4), part(&digits, 4, 6))
}

/// NIK (Dukcapil): province, then a date with 40 added to the day for women.
pub(super) fn indonesian(value: &[u8]) -> bool {
    let digits = numbers(value);
    let day = part(&digits, 6, 8);
    let born = date(part(&digits, 10, 12), part(&digits, 8, 10), if day > 40 { day - 40 } else { day });
    digits.len() == 16 && born && matches!(part(&digits, 0, 2), 11..=21 | 31..=36 | 51..=53 | 61..=65 | 71..=76 | 81 | 82 | 91..=97)
}
