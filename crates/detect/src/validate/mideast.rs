//! Turkey, Israel, the United Arab Emirates, Saudi Arabia, Egypt and Kuwait.

use super::sums::{date, luhn, numbers, part, varied, weighted};

/// Identity number (Nüfus Hizmetleri): two check digits modulo 10.
pub(super) fn turkish(value: &[u8]) -> bool {
    let digits = numbers(value);
    let odd = weighted(&digits, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = weighted(&digits, &[0, 1, 0, 1, 0, 1, 0, 1]);
    let sum: u32 = digits.iter().take(10).sum();
    let tenth = (odd * 7 + 10 * 9 - even) % 10;
    digits.len() == 11 && digits.first() != Some(&0) && tenth == part(&digits, 9, 10) && sum % 10 == part(&digits, 10, 11)
}

/// Tax number (Gelir İdaresi): each digit plus its distance from the end, times a power of two, modulo 9.
pub(super) fn turkish_tax(value: &[u8]) -> bool {
    let digits = numbers(value);
    let mut sum = 0;
    for (digit, distance) in digits.iter().take(9).zip([9u32, 8, 7, 6, 5, 4, 3, 2, 1]) {
        let turned = (digit + distance) % 10;
        if turned != 0 {
            let product = turned * 2u32.pow(distance) % 9;
            sum += if product == 0 { 9 } else { product };
        }
    }
    digits.len() == 10 && varied(&digits) && (10 - sum % 10) % 10 == part(&digits, 9, 10)
}

/// Teudat zehut (Population Authority): Luhn over nine digits.
pub(super) fn israeli(value: &[u8]) -> bool {
    let digits = numbers(value);
    digits.len() == 9 && varied(&digits) && luhn(&digits)
}

/// Emirates identity number (ICP): prefix 784, year of birth, Luhn.
pub(super) fn emirates(value: &[u8]) -> bool {
    let digits = numbers(value);
    digits.len() == 15 && part(&digits, 0, 3) == 784 && (1900..2100).contains(&part(&digits, 3, 7)) && luhn(&digits)
}

/// Saudi identity and residence number (Ministry of Interior): begins with 1 or 2, Luhn.
pub(super) fn saudi(value: &[u8]) -> bool {
    let digits = numbers(value);
    digits.len() == 10 && matches!(digits.first(), Some(1 | 2)) && varied(&digits) && luhn(&digits)
}

/// Egyptian national number (Civil Status Organization): century, date, governorate.
pub(super) fn egyptian(value: &[u8]) -> bool {
    let digits = numbers(value);
    let century = match digits.first() {
        Some(2) => 1900,
        Some(3) => 2000,
        _ => return false,
    };
    let born = date(century + part(&digits, 1, 3), part(&digits, 3, 5), part(&digits, 5, 7));
    digits.len() == 14 && born && matches!(part(&digits, 7, 9), 1..=4 | 11..=19 | 21..=29 | 31..=35 | 88)
}

/// Kuwaiti civil number (PACI): century, date, weights 2-1-6-3-7-9-10-5-8-4-2, modulo 11.
pub(super) fn kuwaiti(value: &[u8]) -> bool {
    let digits = numbers(value);
    let sum = weighted(&digits, &[2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    let born = date(part(&digits, 1, 3), part(&digits, 3, 5), part(&digits, 5, 7)) && matches!(digits.first(), Some(2 | 3));
    digits.len() == 12 && born && 11 - sum % 11 == part(&digits, 11, 12)
}
