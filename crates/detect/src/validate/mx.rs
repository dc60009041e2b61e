//! Mexico: population code (RENAPO) and taxpayer code (SAT).

use super::sums::{compact, date, numbers, part};

/// States, and NE for those born abroad.
const STATES: &str = "AS BC BS CC CL CM CS CH DF DG GT GR HG JC MC MN MS NT NL OC PL QT QR SP SL SR TC TS TL VZ YN ZS NE";

/// CURP (DOF 18 October 2021): date, sex, state, weights 18 to 2 over an alphabet with Ñ, modulo 10.
pub(super) fn curp(value: &[u8]) -> bool {
    let code = compact(value);
    let place = |byte: &u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'A'..=b'N' => u32::from(byte - b'A') + 10,
        _ => u32::from(byte.saturating_sub(b'A')) + 11,
    };
    let sum: u32 = code.iter().take(17).zip((2..=18).rev()).map(|(byte, weight)| place(byte) * weight).sum();
    let digits = numbers(code.get(4..10).unwrap_or_default());
    let born = digits.len() == 6 && date(part(&digits, 0, 2), part(&digits, 2, 4), part(&digits, 4, 6));
    let state = std::str::from_utf8(code.get(11..13).unwrap_or_default()).unwrap_or_default();
    let check = code.last().map(|byte| u32::from(byte.saturating_sub(b'0')));
    code.len() == 18 && born && STATES.split(' ').any(|other| other == state) && check == Some((10 - sum % 10) % 10)
}

/// RFC: letters of the name, a date, three characters, the last of which is a check (0 to 9 or A).
pub(super) fn rfc(value: &[u8]) -> bool {
    let code = compact(value);
    let Some((check, body)) = code.split_last() else { return false };
    let letters = body.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let digits = numbers(body.get(letters..letters + 6).unwrap_or_default());
    let place = |byte: &u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'A'..=b'N' => u32::from(byte - b'A') + 10,
        b'O'..=b'Z' => u32::from(byte - b'A') + 11,
        _ => 0,
    };
    // A company has three letters, and a space before them, which counts 37.
    let start = if letters == 3 { 37 * 13 } else { 0 };
    let sum: u32 = start + body.iter().rev().zip(2..).map(|(byte, weight)| place(byte) * weight).sum::<u32>();
    let expected = match 11 - sum % 11 {
        11 => b'0',
        10 => b'A',
        other => b'0' + u8::try_from(other).unwrap_or(0),
    };
    let born = digits.len() == 6 && date(part(&digits, 0, 2), part(&digits, 2, 4), part(&digits, 4, 6));
    code.len() == letters + 9 && matches!(letters, 3 | 4) && born && *check == expected
}
