//! US Social Security numbers (SSA POMS RM 10201): areas, groups and serials that were never issued. Numbers from area 900 are
//! no Social Security numbers but stand for one: taxpayer numbers (ITIN), and what forms and test systems hold in the place of one.

use super::{digits, whole};

/// Area not 000 or 666; group not 00; serial not 0000; not all digits alike; not the two published specimens.
pub(super) fn check(value: &[u8]) -> bool {
    let value = whole(value);
    let number = digits(value).fold(0u32, |sum, digit| sum.wrapping_mul(10).wrapping_add(digit));
    let (area, group, serial) = (number / 1_000_000, number / 10_000 % 100, number % 10_000);
    let issued = area != 0 && area != 666 && group != 0 && serial != 0;
    let separators: Vec<&u8> = value.iter().filter(|byte| !byte.is_ascii_digit()).collect();
    let same = separators.windows(2).all(|pair| pair.first() == pair.last());
    let varied = digits(value).any(|digit| Some(digit) != digits(value).next());
    // Printed on specimen cards and withdrawn by the SSA: they belong to nobody.
    let specimen = matches!(number, 78_051_120 | 219_099_999);
    digits(value).count() == 9 && issued && same && varied && !specimen
}
