//! Payment cards: the Luhn checksum (ISO/IEC 7812-1, annex B), issuer ranges with their lengths, and how people group digits.

use super::{digits, groups, whole};

/// Whether the checksum of a digit string is right.
fn luhn(value: &[u8]) -> bool {
    let sum: u32 = digits(value)
        .rev()
        .enumerate()
        .map(|(index, digit)| match (index % 2, digit * 2) {
            (0, _) => digit,
            (_, double @ 10..) => double - 9,
            (_, double) => double,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Issuer ranges by their first six digits, with the lengths they issue (ISO/IEC 7812 and the schemes' own pages).
fn scheme(prefix: u32, length: usize) -> bool {
    let any = matches!(length, 16..=19);
    match prefix {
        // Maestro, whose ranges of shorter numbers are narrow
        501_800..=501_899
        | 502_000..=502_099
        | 503_800..=503_899
        | 589_300..=589_399
        | 630_400..=630_499
        | 675_900..=675_999
        | 676_100..=676_399
            if length < 16 =>
        {
            true
        }
        // Visa
        400_000..=499_999 => matches!(length, 13 | 16 | 19),
        // Mastercard
        222_100..=272_099 | 510_000..=559_999 => length == 16,
        // American Express, UATP, JCB's old numbers
        340_000..=349_999 | 370_000..=379_999 | 100_000..=199_999 | 213_100..=213_199 => length == 15,
        // Diners Club
        300_000..=305_999 | 309_500..=309_599 | 360_000..=369_999 | 380_000..=399_999 => matches!(length, 14 | 16 | 19),
        // JCB, Mir, and the ranges of Maestro, Discover, UnionPay, RuPay, Troy and Verve, which interleave
        350_000..=359_999 | 220_000..=220_499 | 500_000..=509_999 | 560_000..=699_999 | 810_000..=817_199 => any,
        _ => false,
    }
}

/// A card number, plain or grouped 4-4-4-4, 4-4-4-4-3, 4-6-5 or 4-6-4, with one kind of separator.
pub(super) fn card(value: &[u8]) -> bool {
    let value = whole(value);
    let separators: Vec<&[u8]> = value.split(u8::is_ascii_digit).filter(|between| !between.is_empty()).collect();
    let same = separators.windows(2).all(|pair| pair.first() == pair.last());
    let regular = matches!(groups(value).as_slice(), [12..=19] | [4, 4, 4, 1..=4] | [4, 4, 4, 4, 3] | [4, 6, 4 | 5] | [6, 13] | [8, 8]);
    let count = digits(value).count();
    let prefix = digits(value).take(6).fold(0, |sum, digit| sum * 10 + digit);
    let varied = digits(value).skip(1).any(|digit| Some(digit) != digits(value).next());
    same && regular && varied && scheme(prefix, count) && luhn(value)
}

/// Digits of the longest whole part that can be a card number.
const LONGEST: usize = 19;

/// A number literal whose whole part is a card number: `4.5e15` stands for `4500000000000000`.
pub(super) fn number(literal: &[u8]) -> bool {
    let exponent_at = literal.iter().position(|byte| byte.eq_ignore_ascii_case(&b'e')).unwrap_or(literal.len());
    let (mantissa, exponent) = literal.split_at(exponent_at);
    let exponent = std::str::from_utf8(exponent.get(1..).unwrap_or_default()).unwrap_or_default();
    let Ok(exponent) = (if exponent.is_empty() { Ok(0) } else { exponent.parse::<i32>() }) else { return false };
    let whole = mantissa.iter().position(|byte| *byte == b'.').unwrap_or(mantissa.len());
    let Ok(point) = i32::try_from(whole) else { return false };
    let Ok(count) = usize::try_from(point.saturating_add(exponent)) else { return false };
    let all = mantissa.iter().copied().filter(u8::is_ascii_digit).chain(std::iter::repeat(b'0'));
    let digits: Vec<u8> = all.take(count.min(2 * LONGEST)).skip_while(|digit| *digit == b'0').collect();
    digits.len() <= LONGEST && card(&digits)
}
