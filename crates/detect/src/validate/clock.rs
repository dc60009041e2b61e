//! Days, ages, and letter case.

use super::sums::{date as exists, numbers, part};

const MONTHS: [&[u8]; 12] = [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];

/// Letters of other languages that begin a month, where they differ from English.
const FOREIGN: [(&[u8], u32); 26] = [
    (b"gen", 1),
    (b"ene", 1),
    (b"fev", 2),
    (b"f\xc3\xa9v", 2),
    (b"fe", 2),
    (b"m\xc3\xa4r", 3),
    (b"mar", 3),
    (b"mrz", 3),
    (b"maa", 3),
    (b"avr", 4),
    (b"abr", 4),
    (b"mai", 5),
    (b"mag", 5),
    (b"mei", 5),
    (b"giu", 6),
    (b"juin", 6),
    (b"juil", 7),
    (b"lug", 7),
    (b"ago", 8),
    (b"ao\xc3\xbb", 8),
    (b"set", 9),
    (b"okt", 10),
    (b"ott", 10),
    (b"out", 10),
    (b"dez", 12),
    (b"dic", 12),
];

/// The month that letters name.
fn month(letters: &[u8]) -> Option<u32> {
    let lower = letters.to_ascii_lowercase();
    let foreign = FOREIGN.iter().find(|(name, _)| lower.starts_with(name)).map(|(_, month)| *month);
    let english = MONTHS.iter().position(|name| lower.starts_with(name)).and_then(|at| u32::try_from(at + 1).ok());
    english.or(foreign).or(lower.starts_with(b"d\xc3\xa9c").then_some(12))
}

/// Year, month and day of a date, as far as it has them; the year is 0 where it has none.
fn read(value: &[u8]) -> Option<(u32, u32, u32)> {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
    let mut words = value.split(|byte| !is_letter(byte)).filter(|word| word.len() >= 3);
    let named = words.find_map(month);
    // The numbers that its first three groups of digits write, and the length of each.
    let (mut groups, mut count) = ([(0, 0); 3], 0);
    let runs = value.split(|byte| !byte.is_ascii_digit()).filter(|run| !run.is_empty());
    for (group, run) in groups.iter_mut().zip(runs) {
        let write = |sum: u32, digit: &u8| sum.wrapping_mul(10).wrapping_add(u32::from(digit - b'0'));
        *group = (run.iter().fold(0, write), run.len());
        count += 1;
    }
    let number = |at: usize| groups.get(at).map_or(0, |(number, _)| *number);
    let long = |at: usize| groups.get(at).is_some_and(|(_, length)| *length == 4);
    match (named, count) {
        (Some(month), 1) => Some((0, month, number(0))),
        (Some(month), _) if long(0) => Some((number(0), month, number(1))),
        (Some(month), _) => Some((number(1), month, number(0))),
        (None, 2) if long(1) => Some((number(1), number(0), 1)),
        (None, 2) => Some(order(0, number(0), number(1))),
        (None, 3) if long(0) => Some((number(0), number(1), number(2))),
        (None, 3) => Some(order(number(2), number(0), number(1))),
        _ => None,
    }
}

/// Day and month in whichever order they make a date; a first number over 31 is a year.
fn order(year: u32, first: u32, second: u32) -> (u32, u32, u32) {
    if exists(year.max(4), first, second) { (year, first, second) } else { (year, second, first) }
}

/// Whether the day exists, in a year from 1000 to 2999 or of two digits.
pub(super) fn date(value: &[u8]) -> bool {
    let day_only = value.get(..10).filter(|_| value.len() > 11 && (value.get(10) == Some(&b'T') || value.get(10) == Some(&b't')));
    read(day_only.unwrap_or(value)).is_some_and(|(year, month, day)| {
        let year = if year == 0 { 2000 } else { year };
        exists(year, month, day) && (year < 100 || (1000..3000).contains(&year))
    })
}

/// The same, from 1880 to 2030.
pub(super) fn birth(value: &[u8]) -> bool {
    date(value) && read(value).is_some_and(|(year, ..)| year < 100 || (1880..2031).contains(&year))
}

/// 1 to 120.
pub(super) fn age(value: &[u8]) -> bool {
    let digits = numbers(value);
    digits.len() <= 3 && (1..=120).contains(&part(&digits, 0, digits.len()))
}

/// No small letters, and at least one digit.
pub(super) fn capitals(value: &[u8]) -> bool {
    !value.iter().any(u8::is_ascii_lowercase) && value.iter().any(u8::is_ascii_digit)
}
