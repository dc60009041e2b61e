//! Australia and New Zealand.

use super::sums::{compact, numbers, part, uniform, varied, weighted};

/// Business number (ABR): the first digit less one, weights 10-1-3-5-…-19, modulo 89.
pub(super) fn business(value: &[u8]) -> bool {
    let digits = numbers(value);
    let sum = weighted(&digits, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    digits.len() == 11 && uniform(value) && varied(&digits) && digits.first() != Some(&0) && (sum + 79).is_multiple_of(89)
}

/// Company number (ASIC): weights 8 to 1, modulo 10.
pub(super) fn company(value: &[u8]) -> bool {
    let digits = numbers(value);
    let check = (10 - weighted(&digits, &[8, 7, 6, 5, 4, 3, 2, 1]) % 10) % 10;
    digits.len() == 9 && uniform(value) && varied(&digits) && check == part(&digits, 8, 9)
}

/// Tax file number (ATO): weights 1-4-3-7-5-8-6-9-10, modulo 11.
pub(super) fn tax(value: &[u8]) -> bool {
    let digits = numbers(value);
    let sum = weighted(&digits, &[1, 4, 3, 7, 5, 8, 6, 9, 10]);
    digits.len() == 9 && uniform(value) && varied(&digits) && sum.is_multiple_of(11)
}

/// Medicare card (Services Australia): begins with 2 to 6, weights 1-3-7-9, modulo 10; then issue and person.
pub(super) fn medicare(value: &[u8]) -> bool {
    let digits = numbers(value);
    let sum = weighted(&digits, &[1, 3, 7, 9, 1, 3, 7, 9]);
    let known = matches!(digits.first(), Some(2..=6)) && matches!(digits.len(), 10 | 11);
    known && uniform(value) && sum % 10 == part(&digits, 8, 9)
}

/// New Zealand tax number (Inland Revenue): weights 3-2-7-6-5-4-3-2, then 7-4-3-2-5-2-7-6, modulo 11.
pub(super) fn zealand_tax(value: &[u8]) -> bool {
    let mut digits = numbers(value);
    if digits.len() == 8 {
        digits.insert(0, 0);
    }
    let known = (10_000_000..200_000_000).contains(&part(&digits, 0, 9));
    let check = |weights: &[u32]| (11 - weighted(&digits, weights) % 11) % 11;
    let first = check(&[3, 2, 7, 6, 5, 4, 3, 2]);
    let right = if first == 10 { check(&[7, 4, 3, 2, 5, 2, 7, 6]) } else { first };
    digits.len() == 9 && known && varied(&digits) && right == part(&digits, 8, 9)
}

/// New Zealand health number (HISO 10046): three letters without I and O, weights 7 to 2, modulo 11.
pub(super) fn zealand_health(value: &[u8]) -> bool {
    let code = compact(value);
    let place = |byte: &u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'A'..=b'H' => u32::from(byte - b'A') + 1,
        b'J'..=b'N' => u32::from(byte - b'A'),
        b'P'..=b'Z' => u32::from(byte - b'A') - 1,
        _ => 1000,
    };
    let all: Vec<u32> = code.iter().map(place).collect();
    let sum = weighted(&all, &[7, 6, 5, 4, 3, 2]);
    let check = 11 - sum % 11;
    code.len() == 7 && sum < 1000 && check != 11 && check % 10 == part(&all, 6, 7)
}
