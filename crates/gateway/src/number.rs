//! Number literals: one value can be written in many ways, and what is found in any of them is the literal as a whole.

use bartizan_detect::Scan;
use bartizan_vocabulary::Finding;

/// Digits of the longest whole number that is looked at.
const LONGEST: usize = 40;

/// The whole part of a number that is written with a fraction or an exponent, digit by digit: `4.25e3` is `4250`.
pub fn whole_part(literal: &str) -> Option<String> {
    let text = literal.strip_prefix('-').unwrap_or(literal);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() == text.len() {
        return None;
    }
    let digits = || whole.chars().chain(fraction.chars());
    let zeros = digits().take_while(|digit| *digit == '0').count();
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let count = point.checked_sub(i64::try_from(zeros).ok()?)?;
    let count = usize::try_from(count).ok().filter(|count| (1..=LONGEST).contains(count))?;
    Some(digits().skip(zeros).chain(std::iter::repeat('0')).take(count).collect())
}

/// What was found in a literal of `length` bytes, and in its whole part: each label once, over all of it.
pub fn cover(scan: &mut Scan, expanded: Option<&Scan>, length: usize) {
    let none = Scan::default();
    let expanded = expanded.unwrap_or(&none);
    scan.findings = over_all(scan.findings.iter().chain(&expanded.findings), length);
    scan.below = over_all(scan.below.iter().chain(&expanded.below), length);
}

fn over_all<'a>(found: impl Iterator<Item = &'a Finding>, length: usize) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    for finding in found {
        match all.iter_mut().find(|other| other.label == finding.label) {
            Some(other) => other.score_bp = other.score_bp.max(finding.score_bp),
            None => all.push(Finding { start: 0, end: length, ..finding.clone() }),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_parts() {
        let rows = [
            ("4111111111111111.25", Some("4111111111111111")),
            ("-4111111111111111.25", Some("4111111111111111")),
            ("4.111111111111111e15", Some("4111111111111111")),
            ("4111111111111111E0", Some("4111111111111111")),
            ("4111111111111111000e-3", Some("4111111111111111")),
            ("0.0004111e+7", Some("4111")),
            ("41e2", Some("4100")),
            ("0.5", None),
            ("1e40", None),
            ("1e39", Some("1000000000000000000000000000000000000000")),
            ("1e99999999999999999999", None),
            ("1e-9223372036854775808", None),
            ("0.01e-9223372036854775808", None),
            ("4111111111111111", None),
            ("-7", None),
        ];
        for (literal, expected) in rows {
            assert_eq!(whole_part(literal).as_deref(), expected, "{literal}");
        }
    }
}
