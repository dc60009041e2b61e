//! Putting edits into bytes: everything between them is copied as it is.

use std::ops::Range;

/// One edit on raw bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    /// The bytes to be replaced.
    pub range: Range<usize>,
    /// What stands there afterwards, already escaped for the place.
    pub with: Vec<u8>,
}

/// Applies splices that do not overlap and are sorted by start. One that overlaps its predecessor or leaves the body is an error of the caller.
///
/// # Errors
/// `None` when the splices are not sorted, overlap, or reach beyond the bytes: nothing may be sent then.
pub fn splice(bytes: &[u8], splices: &[Splice]) -> Option<Vec<u8>> {
    let grown: usize = splices.iter().map(|splice| splice.with.len()).sum();
    let mut out = Vec::with_capacity(bytes.len() + grown);
    let mut at = 0;
    for edit in splices {
        out.extend_from_slice(bytes.get(at..edit.range.start)?);
        bytes.get(edit.range.clone())?;
        out.extend_from_slice(&edit.with);
        at = edit.range.end;
    }
    out.extend_from_slice(bytes.get(at..)?);
    Some(out)
}
