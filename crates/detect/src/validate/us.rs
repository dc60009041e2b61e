//! United States: taxpayer numbers of people without a Social Security number, and bank routing numbers.

use super::sums::{numbers, part, uniform, varied, weighted};

/// ITIN (IRS, Internal Revenue Manual 3.21.263): area 9xx, groups 50 to 65, 70 to 88, 90 to 92 and 94 to 99.
pub(super) fn itin(value: &[u8]) -> bool {
    let digits = numbers(value);
    let group = part(&digits, 3, 5);
    digits.len() == 9 && digits.first() == Some(&9) && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99) && uniform(value)
}

/// ABA routing transit number (American Bankers Association, key to routing numbers): Federal Reserve district, weights 3-7-1.
pub(super) fn routing(value: &[u8]) -> bool {
    let digits = numbers(value);
    let district = matches!(part(&digits, 0, 2), 1..=12 | 21..=32 | 61..=72 | 80);
    digits.len() == 9 && district && varied(&digits) && weighted(&digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}
