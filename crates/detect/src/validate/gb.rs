//! United Kingdom and Ireland.

use super::sums::{compact, date, numbers, part, uniform, varied, weighted};

/// NHS number (NHS Data Dictionary): weights 10 to 2, modulo 11.
pub(super) fn nhs(value: &[u8]) -> bool {
    let digits = numbers(value);
    let check = 11 - weighted(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    digits.len() == 10 && varied(&digits) && uniform(value) && check % 11 == part(&digits, 9, 10) && check != 10
}

/// National Insurance number (HMRC, National Insurance Manual NIM39110): letters that are not used, suffix A to D.
pub(super) fn nino(value: &[u8]) -> bool {
    let code = compact(value);
    let [first, second, .., suffix] = code.as_slice() else { return false };
    let unused = b"DFIQUV".contains(first) || b"DFIQUVO".contains(second);
    let administrative = [&b"BG"[..], b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"].contains(&&[*first, *second][..]);
    code.len() == 9 && !unused && !administrative && (b'A'..=b'D').contains(suffix)
}

/// Driver number (DVLA, driving licence codes): five letters of the name, decade, month with 50 added for women, day, year.
pub(super) fn driver(value: &[u8]) -> bool {
    let code = compact(value);
    let Some((name, rest)) = code.split_at_checked(5) else { return false };
    let letters = name.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let padded = letters > 0 && name.iter().skip(letters).all(|byte| *byte == b'9');
    let digits = numbers(rest.get(..6).unwrap_or_default());
    let month = part(&digits, 1, 3);
    let month = if month > 50 { month - 50 } else { month };
    let year = part(&digits, 0, 1) * 10 + part(&digits, 5, 6);
    code.len() == 16 && padded && digits.len() == 6 && date(year, month, part(&digits, 3, 5))
}

/// Unique taxpayer reference (HMRC): the first digit checks the other nine by weights 6-7-8-9-10-5-4-3-2.
pub(super) fn utr(value: &[u8]) -> bool {
    let digits = numbers(value);
    let Some((check, body)) = digits.split_first() else { return false };
    let rest = weighted(body, &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11;
    let expected = [2, 1, 9, 8, 7, 6, 5, 4, 3, 2, 1].get(usize::try_from(rest).unwrap_or(0));
    digits.len() == 10 && varied(&digits) && expected == Some(check)
}

/// Postcode (BS 7666-2, Royal Mail): letters that occur in each place.
pub(super) fn postcode(value: &[u8]) -> bool {
    let code = compact(value);
    if code == b"GIR0AA" {
        return true;
    }
    let Some((outward, [_, one, two])) = code.split_at_checked(code.len().saturating_sub(3)) else { return false };
    let inward = [one, two].iter().all(|letter| !b"CIKMOV".contains(letter));
    let area = !b"QVX".contains(outward.first().unwrap_or(&b'Q'));
    let second = outward.get(1).is_none_or(|byte| byte.is_ascii_digit() || !b"IJZ".contains(byte));
    inward && area && second
}

/// Irish personal public service number (Social Welfare Acts; Revenue): weights 8 to 2, a second letter counts 9, modulo 23.
pub(super) fn irish(value: &[u8]) -> bool {
    let code = compact(value);
    let digits = numbers(&code);
    let place = |letter: &u8| if *letter == b'W' { 0 } else { u32::from(*letter - b'A') + 1 };
    let (check, second) = match code.get(7..) {
        Some([check]) => (check, 0),
        Some([check, second]) if second.is_ascii_alphabetic() => (check, place(second)),
        _ => return false,
    };
    let sum = weighted(&digits, &[8, 7, 6, 5, 4, 3, 2]) + 9 * second;
    let expected = b"WABCDEFGHIJKLMNOPQRSTUV".get(usize::try_from(sum % 23).unwrap_or(0));
    digits.len() == 7 && varied(&digits) && expected == Some(check)
}
