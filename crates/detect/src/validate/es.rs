//! Spain (Orden INT/2058/2008, Real Decreto 1553/2005): the letter of a number is its remainder by 23.

use super::sums::{compact, numbers, part};

const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

fn fits(number: u32, letter: Option<&u8>) -> bool {
    letter.is_some() && LETTERS.get(usize::try_from(number % 23).unwrap_or(0)) == letter
}

/// DNI: seven or eight digits and the letter.
pub(super) fn nif(value: &[u8]) -> bool {
    let code = compact(value);
    let digits = numbers(&code);
    let number = part(&digits, 0, digits.len());
    matches!(digits.len(), 7 | 8) && number != 0 && fits(number, code.last())
}

/// NIE: X, Y and Z stand for 0, 1 and 2.
pub(super) fn nie(value: &[u8]) -> bool {
    let code = compact(value);
    let Some(first) = code.first().and_then(|letter| letter.checked_sub(b'X')) else { return false };
    let digits = numbers(&code);
    digits.len() == 7 && first < 3 && fits(u32::from(first) * 10_000_000 + part(&digits, 0, 7), code.last())
}

/// CIF (Orden EHA/451/2008): odd places doubled, the sum ends in a digit or the letter that stands for it.
pub(super) fn cif(value: &[u8]) -> bool {
    let code = compact(value);
    let digits = numbers(code.get(1..8).unwrap_or_default());
    let sum: u32 = digits.iter().enumerate().map(|(at, digit)| if at % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { *digit }).sum();
    let check = (10 - sum % 10) % 10;
    let letter = b"JABCDEFGHI".get(usize::try_from(check).unwrap_or(0));
    let known = code.first().is_some_and(|first| b"ABCDEFGHJNPQRSUVW".contains(first));
    let last = code.last().map(|byte| u32::from(*byte));
    known && digits.len() == 7 && code.len() == 9 && (code.last() == letter || last == Some(check + u32::from(b'0')))
}
