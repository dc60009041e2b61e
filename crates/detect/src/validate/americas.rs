//! Argentina, Chile, Colombia, Peru, Ecuador, Uruguay and the Dominican Republic.

use super::sums::{compact, luhn, numbers, part, varied, weighted};

/// CUIT and CUIL (ARCA): kind, weights 5-4-3-2-7-6-5-4-3-2, modulo 11.
pub(super) fn argentinian(value: &[u8]) -> bool {
    let digits = numbers(value);
    let sum = weighted(&digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]);
    let kind = matches!(part(&digits, 0, 2), 20 | 23 | 24 | 25 | 26 | 27 | 30 | 33 | 34);
    digits.len() == 11 && kind && varied(&digits) && sum.is_multiple_of(11)
}

/// RUT (Registro Civil): weights 2 to 7 from the right, modulo 11, K stands for 10.
pub(super) fn chilean(value: &[u8]) -> bool {
    let code = compact(value);
    let Some((check, body)) = code.split_last() else { return false };
    let digits = numbers(body);
    let sum: u32 = digits.iter().rev().zip([2, 3, 4, 5, 6, 7].iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    let expected = b"0123456789K".get(usize::try_from((11 - sum % 11) % 11).unwrap_or(0));
    matches!(digits.len(), 7 | 8) && digits.first() != Some(&0) && varied(&digits) && expected == Some(check)
}

/// NIT (DIAN): weights 3-7-13-17-… from the right, modulo 11.
pub(super) fn colombian(value: &[u8]) -> bool {
    let digits = numbers(value);
    let Some((check, body)) = digits.split_last() else { return false };
    let weights = [3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71];
    let rest = body.iter().rev().zip(weights).map(|(digit, weight)| digit * weight).sum::<u32>() % 11;
    matches!(body.len(), 8..=10) && varied(body) && *check == if rest < 2 { rest } else { 11 - rest }
}

/// RUC (SUNAT): kind, weights 5-4-3-2-7-6-5-4-3-2, modulo 11.
pub(super) fn peruvian(value: &[u8]) -> bool {
    let digits = numbers(value);
    let check = (11 - weighted(&digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 10;
    let kind = matches!(part(&digits, 0, 2), 10 | 15 | 16 | 17 | 20);
    digits.len() == 11 && kind && varied(&digits) && check == part(&digits, 10, 11)
}

/// Cédula (Registro Civil): province, third digit below 6, Luhn.
pub(super) fn ecuadorian(value: &[u8]) -> bool {
    let digits = numbers(value);
    let province = matches!(part(&digits, 0, 2), 1..=24 | 30);
    digits.len() == 10 && province && part(&digits, 2, 3) < 6 && varied(&digits) && luhn(&digits)
}

/// Cédula (DNIC): weights 2-9-8-7-6-3-4, modulo 10.
pub(super) fn uruguayan(value: &[u8]) -> bool {
    let mut digits = numbers(value);
    if digits.len() == 7 {
        digits.insert(0, 0);
    }
    let check = (10 - weighted(&digits, &[2, 9, 8, 7, 6, 3, 4]) % 10) % 10;
    digits.len() == 8 && varied(&digits) && check == part(&digits, 7, 8)
}

/// Cédula (JCE): Luhn over eleven digits.
pub(super) fn dominican(value: &[u8]) -> bool {
    let digits = numbers(value);
    digits.len() == 11 && varied(&digits) && luhn(&digits)
}
