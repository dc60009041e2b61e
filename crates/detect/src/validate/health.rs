//! Health care of the United States and the world: registration numbers of prescribers, codes of diagnoses and drugs.

use super::groups;
use super::sums::{compact, luhn, numbers, part, varied, weighted};

/// DEA registration (21 CFR 1301; DEA Diversion Control): odd places plus twice the even ones end in the last digit.
pub(super) fn dea(value: &[u8]) -> bool {
    // In the place of the second letter a 9 stands for a business.
    let digits = numbers(value.get(2..).unwrap_or_default());
    digits.len() == 7 && varied(&digits) && weighted(&digits, &[1, 2, 1, 2, 1, 2]) % 10 == part(&digits, 6, 7)
}

/// National provider identifier (45 CFR 162.406; CMS): Luhn over 80840 and the number, first digit 1 or 2.
pub(super) fn npi(value: &[u8]) -> bool {
    let digits = numbers(value);
    let prefixed: Vec<u32> = [8, 0, 8, 4, 0].into_iter().chain(digits.iter().copied()).collect();
    digits.len() == 10 && matches!(digits.first(), Some(1 | 2)) && varied(&digits) && luhn(&prefixed)
}

/// A code of ICD-10 (WHO) or ICD-10-CM: a letter, two characters, and after a dot what is more precise.
pub(super) fn icd10(value: &[u8]) -> bool {
    let code = compact(value);
    matches!(code.as_slice(), [b'A'..=b'Z', b'0'..=b'9', b'0'..=b'9' | b'A' | b'B', ..])
}

/// A national drug code (21 CFR 207.33): 4-4-2, 5-3-2, 5-4-1, or 5-4-2 in billing.
pub(super) fn ndc(value: &[u8]) -> bool {
    matches!(groups(value).as_slice(), [4, 4, 2] | [5, 3, 2] | [5, 4, 1 | 2] | [10 | 11]) && varied(&numbers(value))
}
