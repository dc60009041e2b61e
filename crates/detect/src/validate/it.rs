//! Italy: fiscal code (Decreto ministeriale 23 December 1976) and VAT number.

use super::sums::{compact, luhn, numbers, part};

/// What a character in an odd place counts, for 0 to 9 and A to Z alike.
const ODD: [u32; 26] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

fn place(byte: u8) -> usize {
    usize::from(if byte.is_ascii_digit() { byte - b'0' } else { byte.saturating_sub(b'A') })
}

/// The last letter is the sum modulo 26; the months have letters.
pub(super) fn fiscal(value: &[u8]) -> bool {
    let code = compact(value);
    let Some((check, body)) = code.split_last() else { return false };
    let sum: u32 = body
        .iter()
        .enumerate()
        .map(|(at, byte)| if at % 2 == 0 { ODD.get(place(*byte)).copied().unwrap_or(0) } else { u32::try_from(place(*byte)).unwrap_or(0) })
        .sum();
    code.len() == 16 && u32::from(*check) == sum % 26 + u32::from(b'A')
}

/// Partita IVA: Luhn over eleven digits, not all zero.
pub(super) fn vat(value: &[u8]) -> bool {
    let digits = numbers(value);
    digits.len() == 11 && part(&digits, 0, 7) != 0 && luhn(&digits)
}
