//! Finland, Sweden, Norway, Denmark and Iceland: personal numbers that begin with a date of birth, and company numbers.

use super::sums::{compact, date, luhn, numbers, part, uniform, varied, weighted};

/// Henkilötunnus (Digital and Population Data Services Agency): the number modulo 31 gives the last character.
pub(super) fn finnish(value: &[u8]) -> bool {
    let digits = numbers(value.get(..10).unwrap_or_default());
    let Some(sign) = value.get(6).map(u8::to_ascii_uppercase) else { return false };
    let century = match sign {
        b'+' => 1800,
        b'-' | b'U'..=b'Y' => 1900,
        b'A'..=b'F' => 2000,
        _ => return false,
    };
    let number = part(&digits, 0, 6) * 1000 + part(&digits, 6, 9);
    let expected = b"0123456789ABCDEFHJKLMNPRSTUVWXY".get(usize::try_from(number % 31).unwrap_or(0));
    let last = value.last().map(u8::to_ascii_uppercase);
    let born = date(century + part(&digits, 4, 6), part(&digits, 2, 4), part(&digits, 0, 2));
    value.len() == 11 && digits.len() == 9 && born && part(&digits, 6, 9) >= 2 && expected == last.as_ref()
}

/// Personnummer (Skatteverket, SKV 704): date, Luhn over the last ten digits; 60 is added to the day of a co-ordination number.
pub(super) fn swedish(value: &[u8]) -> bool {
    let digits = numbers(value);
    let Some((century, short)) = digits.split_at_checked(digits.len().saturating_sub(10)) else { return false };
    let day = part(short, 4, 6);
    let year = if century.is_empty() { part(short, 0, 2) } else { part(century, 0, 2) * 100 + part(short, 0, 2) };
    let known = matches!(century, [] | [1, 8 | 9] | [2, 0]);
    known && date(year, part(short, 2, 4), if day > 60 { day - 60 } else { day }) && luhn(short)
}

/// Organisationsnummer (Bolagsverket): Luhn; the second pair is at least 20, so that it is no month.
pub(super) fn swedish_organisation(value: &[u8]) -> bool {
    let digits = numbers(value);
    digits.len() == 10 && part(&digits, 2, 4) >= 20 && !matches!(digits.first(), Some(0 | 4)) && luhn(&digits)
}

/// Fødselsnummer and D-number (Skatteetaten): date, two check digits modulo 11.
pub(super) fn norwegian(value: &[u8]) -> bool {
    let digits = numbers(value);
    let (day, month) = (part(&digits, 0, 2), part(&digits, 2, 4));
    let (day, month) = (if day > 40 { day - 40 } else { day }, if month > 40 { month - 40 } else { month });
    let first = weighted(&digits, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11);
    let second = weighted(&digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11);
    digits.len() == 11 && date(part(&digits, 4, 6), month, day) && first && second
}

/// Organisasjonsnummer (Brønnøysundregistrene): begins with 8 or 9, modulo 11.
pub(super) fn norwegian_organisation(value: &[u8]) -> bool {
    let digits = numbers(value);
    let sum = weighted(&digits, &[3, 2, 7, 6, 5, 4, 3, 2, 1]);
    digits.len() == 9 && matches!(digits.first(), Some(8 | 9)) && varied(&digits) && sum.is_multiple_of(11)
}

/// CPR number (CPR-kontoret): a date of birth; numbers given out since 2007 need no check digit.
pub(super) fn danish(value: &[u8]) -> bool {
    let digits = numbers(value);
    digits.len() == 10 && date(part(&digits, 4, 6), part(&digits, 2, 4), part(&digits, 0, 2)) && part(&digits, 6, 10) != 0
}

/// CVR number (Erhvervsstyrelsen): weights 2-7-6-5-4-3-2-1, modulo 11.
pub(super) fn danish_company(value: &[u8]) -> bool {
    let digits = numbers(value);
    let sum = weighted(&digits, &[2, 7, 6, 5, 4, 3, 2, 1]);
    digits.len() == 8 && digits.first() != Some(&0) && varied(&digits) && sum.is_multiple_of(11)
}

/// Kennitala (Þjóðskrá): date, check digit modulo 11, century 8, 9 or 0.
pub(super) fn icelandic(value: &[u8]) -> bool {
    let digits = numbers(value);
    let day = part(&digits, 0, 2);
    let sum = weighted(&digits, &[3, 2, 7, 6, 5, 4, 3, 2, 1]);
    let born = date(part(&digits, 4, 6), part(&digits, 2, 4), if day > 40 { day - 40 } else { day });
    digits.len() == 10
        && uniform(value)
        && born
        && sum.is_multiple_of(11)
        && matches!(digits.last(), Some(8 | 9 | 0))
        && compact(value).len() == 10
}
