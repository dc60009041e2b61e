//! Vehicles: identification numbers (ISO 3779, 49 CFR 565) and number plates.

use super::sums::{compact, numbers, part};

/// The ninth character is a check: letters count 1 to 9, weights 8 to 2 and 10, modulo 11.
pub(super) fn vin(value: &[u8]) -> bool {
    let worth = |byte: &u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'A'..=b'H' => u32::from(byte - b'A') + 1,
        b'J'..=b'R' => u32::from(byte - b'J') + 1,
        _ => u32::from(byte.saturating_sub(b'S')) + 2,
    };
    let weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let sum: u32 = value.iter().zip(weights).map(|(byte, weight)| worth(byte) * weight).sum();
    let expected = b"0123456789X".get(usize::try_from(sum % 11).unwrap_or(0));
    let capitals = value.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let serial = value.get(13..).is_some_and(|serial| serial.iter().all(u8::is_ascii_digit));
    value.len() == 17 && capitals && letters >= 3 && serial && expected == value.get(8)
}

/// German plate (FZV, annex 1): letters of a district, letters and a number without leading zero, at most eight characters.
pub(super) fn german(value: &[u8]) -> bool {
    let code = compact(value);
    let figures = numbers(&code);
    code.len() <= 9 && figures.first() != Some(&0)
}

/// British plate (DVLA INF104): of 2001 with an age identifier that was given out, or the older form with a year letter.
pub(super) fn british(value: &[u8]) -> bool {
    let code = compact(value);
    let digits = numbers(&code);
    let Some(first) = code.first() else { return false };
    let older = |letter: Option<&u8>| letter.is_some_and(|letter| !b"IOQUZ".contains(letter));
    match code.get(..3) {
        // From 1983 on the year stood in front.
        Some([_, b'1'..=b'9', _]) => older(Some(first)) && code.len() == digits.len() + 4,
        Some([_, _, byte]) if byte.is_ascii_digit() => {
            let age = part(&digits, 0, 2);
            let tag = code.get(..2).is_some_and(|tag| tag.iter().all(|letter| !b"IQZ".contains(letter)));
            let last = code.iter().skip(4).all(|letter| !b"IQ".contains(letter));
            code.len() == 7 && digits.len() == 2 && tag && last && matches!(age, 2..=29 | 51..=79)
        }
        _ => !b"IQZ".contains(first) && older(code.last()) && digits.first() != Some(&0),
    }
}

/// Turkish plate (Karayolları Trafik Yönetmeliği): provinces 01 to 81.
pub(super) fn turkish(value: &[u8]) -> bool {
    matches!(part(&numbers(value), 0, 2), 1..=81)
}

/// States and union territories of India (Motor Vehicles Act, section 41).
const STATES: &str =
    "AN AP AR AS BH BR CG CH DD DL DN GA GJ HP HR JH JK KA KL LA LD MH ML MN MP MZ NL OD OR PB PY RJ SK TN TR TS TG UK UP WB";

/// Indian registration: begins with a state.
pub(super) fn indian(value: &[u8]) -> bool {
    let code = compact(value);
    let state = std::str::from_utf8(code.get(..2).unwrap_or_default()).unwrap_or_default();
    STATES.split(' ').any(|other| other == state)
}
