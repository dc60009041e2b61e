//! What comes of overlaps between what rules found and what a company knows of its own.

use bartizan_vocabulary::Finding;

/// Fewest letters and digits that count of what one finding leaves of another.
const REST: usize = 3;

/// Values of a table come before what rules and names found, except secrets, which keep their place. What they leave of another
/// finding stays one, unless that is a link, where an inner finding takes its place.
pub(crate) fn outrank(text: &str, known: Vec<Finding>, findings: &mut Vec<Finding>) {
    if known.is_empty() {
        return;
    }
    let (secrets, others): (Vec<Finding>, Vec<Finding>) = std::mem::take(findings).into_iter().partition(is_first);
    *findings = secrets;
    underlie(text, known, findings);
    underlie(text, others, findings);
}

/// Fills in what other findings leave of these. All are sorted.
pub(crate) fn underlie(text: &str, known: Vec<Finding>, findings: &mut Vec<Finding>) {
    let mut added = Vec::new();
    for one in known {
        let first = findings.partition_point(|finding| finding.end <= one.start);
        let mut from = one.start;
        let mut whole = true;
        for over in findings.iter().skip(first).take_while(|finding| finding.start < one.end) {
            if whole && one.label.as_str() == "pii.url" {
                from = one.end;
                break;
            }
            whole = false;
            added.extend(part(text, &one, from, over.start, whole));
            from = from.max(over.end);
        }
        added.extend(part(text, &one, from, one.end, whole));
    }
    if !added.is_empty() {
        findings.append(&mut added);
        findings.sort_by_key(|finding| finding.start);
    }
}

fn is_first(finding: &Finding) -> bool {
    finding.label.as_str().starts_with("secret.")
}

/// A part of a finding without white space and marks at its ends.
fn part(text: &str, of: &Finding, start: usize, end: usize, whole: bool) -> Option<Finding> {
    if whole {
        return (start < end).then(|| of.clone());
    }
    let part = text.get(start..end)?;
    let front = part.len() - part.trim_start_matches(|c: char| !c.is_alphanumeric()).len();
    let back = part.trim_end_matches(|c: char| !c.is_alphanumeric()).len();
    let enough = part.chars().filter(|c| c.is_alphanumeric()).take(REST).count() == REST;
    (enough && front < back).then(|| Finding { start: start + front, end: start + back, ..of.clone() })
}
