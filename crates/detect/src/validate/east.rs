//! Czechia, Slovakia, Hungary, Ukraine and Russia.

use super::sums::{date, numbers, part, remainder, varied, weighted};

/// Rodné číslo (Zákon 133/2000 Sb.): date with 50 (or 20, 70) added to the month, divisible by 11.
pub(super) fn czech(value: &[u8]) -> bool {
    let digits = numbers(value);
    let month = part(&digits, 2, 4);
    let month = match month {
        71..=82 => month - 70,
        51..=62 => month - 50,
        21..=32 => month - 20,
        _ => month,
    };
    let born = date(part(&digits, 0, 2), month, part(&digits, 4, 6));
    let short = digits.len() == 9 && part(&digits, 0, 2) < 54 && part(&digits, 6, 9) != 0;
    let body = digits.get(..9).unwrap_or_default();
    let right = remainder(&digits, 11) == 0 || remainder(body, 11) == 10 && digits.last() == Some(&0);
    born && (short || digits.len() == 10 && right)
}

/// IČO: weights 8 to 2, modulo 11.
pub(super) fn czech_company(value: &[u8]) -> bool {
    let digits = numbers(value);
    let check = (11 - weighted(&digits, &[8, 7, 6, 5, 4, 3, 2]) % 11) % 10;
    digits.len() == 8 && varied(&digits) && check == part(&digits, 7, 8)
}

/// TAJ number (1996. évi XX. törvény): weights 3 and 7, modulo 10.
pub(super) fn hungarian_health(value: &[u8]) -> bool {
    let digits = numbers(value);
    let sum = weighted(&digits, &[3, 7, 3, 7, 3, 7, 3, 7]);
    digits.len() == 9 && varied(&digits) && sum % 10 == part(&digits, 8, 9)
}

/// Adóazonosító jel (1996. évi XX. törvény): begins with 8, weights 1 to 9, modulo 11.
pub(super) fn hungarian_tax(value: &[u8]) -> bool {
    let digits = numbers(value);
    let rest = weighted(&digits, &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11;
    digits.len() == 10 && digits.first() == Some(&8) && varied(&digits) && rest == part(&digits, 9, 10)
}

/// RNOKPP (State Tax Service): weights -1, 5, 7, 9, 4, 6, 10, 5, 7, modulo 11 modulo 10.
pub(super) fn ukrainian(value: &[u8]) -> bool {
    let digits = numbers(value);
    // 10 is -1 modulo 11.
    let sum = weighted(&digits, &[10, 5, 7, 9, 4, 6, 10, 5, 7]);
    digits.len() == 10 && varied(&digits) && sum % 11 % 10 == part(&digits, 9, 10)
}

/// SNILS: weights 9 to 1, modulo 101.
pub(super) fn russian_pension(value: &[u8]) -> bool {
    let digits = numbers(value);
    let sum = weighted(&digits, &[9, 8, 7, 6, 5, 4, 3, 2, 1]);
    digits.len() == 11 && varied(&digits) && sum % 101 % 100 == part(&digits, 9, 11)
}

/// INN of a person (twelve digits) or an organisation (ten): modulo 11 modulo 10.
pub(super) fn russian_tax(value: &[u8]) -> bool {
    let digits = numbers(value);
    let check = |weights: &[u32]| weighted(&digits, weights) % 11 % 10;
    let right = match digits.len() {
        10 => check(&[2, 4, 10, 3, 5, 9, 4, 6, 8]) == part(&digits, 9, 10),
        12 => {
            check(&[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) == part(&digits, 10, 11)
                && check(&[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) == part(&digits, 11, 12)
        }
        _ => false,
    };
    right && varied(&digits)
}
