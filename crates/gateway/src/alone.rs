//! Parts of one text, each by itself. Whoever gets the parts sees where each begins, so a value that fills one is there to be read; in
//! the whole text it may have no edge, because the letters of its neighbours touch it: `Order 12` and `4111111111111111`.

use std::ops::Range;

use bartizan_detect::{Scan, TokenHit};
use bartizan_vocabulary::Finding;

/// Parts up to this many bytes are looked at whole. Of a longer one its ends are: what begins far from a neighbour has its edges in the
/// whole text.
const WHOLE: usize = 4 << 10;
/// What begins in so many bytes at an end may be touched by a neighbour. No pattern needs as many as are left behind it.
const END: usize = WHOLE / 2;

/// Adds to what was found in a text of several parts what is found in each of them alone. `lengths` are those of the parts.
///
/// # Errors
/// Those of `look`.
pub fn add<E>(scan: &mut Scan, text: &str, lengths: &[usize], mut look: impl FnMut(&str) -> Result<Scan, E>) -> Result<(), E> {
    let mut more = Scan::default();
    let mut start = 0;
    for (number, length) in lengths.iter().enumerate() {
        let part = text.get(start..start + length).unwrap_or_default();
        let (first, last) = (number == 0, number + 1 == lengths.len());
        let (head, from) = (part.floor_char_boundary(WHOLE), part.ceil_char_boundary(part.len().saturating_sub(WHOLE)));
        let begins = if first || part.len() <= WHOLE { Scan::default() } else { look(part.get(..head).unwrap_or_default())? };
        // Something long begins there: where it ends is to be seen.
        let long = begins.findings.iter().any(|finding| finding.start < END && finding.end == head);
        if part.len() <= WHOLE || long {
            take(&mut more, &look(part)?, start, 0..usize::MAX);
        } else {
            take(&mut more, &begins, start, 0..END);
            if !last {
                take(&mut more, &look(part.get(from..).unwrap_or_default())?, start + from, END..usize::MAX);
            }
        }
        start += length;
    }
    let found = more.findings.iter().flat_map(|finding| left_over(finding, &scan.findings)).collect::<Vec<_>>();
    scan.findings.extend(found);
    scan.findings.sort_by_key(|finding| finding.start);
    // What is kept for replay only must not say of a stretch what was found there already.
    let free = |finding: &&Finding| {
        let touches = |known: &[Finding]| !matches!(left_over(finding, known).as_slice(), [whole] if whole == *finding);
        !touches(&scan.findings) && !touches(&scan.below)
    };
    let below = more.below.iter().filter(free).cloned().collect::<Vec<_>>();
    scan.below.extend(below);
    scan.below.sort_by_key(|finding| finding.start);
    // A neighbour's letters may make another word of a token: only what stands there already is no news.
    let new = |hit: &&TokenHit| {
        let at = scan.tokens.partition_point(|known| known.start < hit.start);
        scan.tokens.get(at).is_none_or(|known| (known.start, known.end) != (hit.start, hit.end))
    };
    let tokens = more.tokens.iter().filter(new).cloned().collect::<Vec<_>>();
    scan.tokens.extend(tokens);
    scan.tokens.sort_by_key(|hit| hit.start);
    Ok(())
}

/// Keeps of a stretch at `offset` what begins in a range of it.
fn take(more: &mut Scan, found: &Scan, offset: usize, range: Range<usize>) {
    let moved = |findings: &[Finding], out: &mut Vec<Finding>| {
        let inside = findings.iter().filter(|finding| range.contains(&finding.start));
        out.extend(inside.map(|finding| Finding { start: finding.start + offset, end: finding.end + offset, ..finding.clone() }));
    };
    moved(&found.findings, &mut more.findings);
    moved(&found.below, &mut more.below);
    let inside = found.tokens.iter().filter(|hit| range.contains(&hit.start));
    more.tokens.extend(inside.map(|hit| TokenHit { start: hit.start + offset, end: hit.end + offset, ..hit.clone() }));
}

/// What of a finding is not covered by those that are known already, sorted and apart from each other.
fn left_over(finding: &Finding, known: &[Finding]) -> Vec<Finding> {
    let mut out = Vec::new();
    let mut start = finding.start;
    let first = known.partition_point(|other| other.end <= finding.start);
    for other in known.get(first..).unwrap_or_default().iter().take_while(|other| other.start < finding.end) {
        if other.start > start {
            out.push(Finding { start, end: other.start, ..finding.clone() });
        }
        start = start.max(other.end);
    }
    if start < finding.end {
        out.push(Finding { start, ..finding.clone() });
    }
    out
}
