//! Canada: the social insurance number (Employment and Social Development Canada, SIN Code of Practice).

use super::sums::{luhn, numbers, uniform, varied};

/// Luhn; no number begins with 0 or 8.
pub(super) fn sin(value: &[u8]) -> bool {
    let digits = numbers(value);
    digits.len() == 9 && !matches!(digits.first(), Some(0 | 8)) && varied(&digits) && uniform(value) && luhn(&digits)
}
