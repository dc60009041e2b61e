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

/// Applies splices, in whatever order they come.
///
/// `None` when two of them overlap or one reaches beyond the bytes: nothing may be sent then.
pub fn splice(bytes: &[u8], splices: &[Splice]) -> Option<Vec<u8>> {
    let mut sorted: Vec<&Splice> = splices.iter().collect();
    sorted.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let grown: usize = splices.iter().map(|splice| splice.with.len()).sum();
    let mut out = Vec::with_capacity(bytes.len() + grown);
    let mut at = 0;
    for edit in sorted {
        out.extend_from_slice(bytes.get(at..edit.range.start)?);
        bytes.get(edit.range.clone())?;
        out.extend_from_slice(&edit.with);
        at = edit.range.end;
    }
    out.extend_from_slice(bytes.get(at..)?);
    Some(out)
}
