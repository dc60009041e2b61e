//! Splicing replacements into documents that are text.

use std::ops::Range;

use crate::model::Kind;

/// A replacement of bytes of the input.
#[derive(Clone, PartialEq, Eq)]
pub struct Edit {
    /// Which bytes: inside the [`crate::Segment::range`] of a segment.
    pub range: Range<usize>,
    /// What stands there afterwards. It is not escaped.
    pub replacement: String,
}

/// Makes the edits. `None` when the kind is not text, or an edit is out of order, overlaps the one before, is not inside, or does not
/// fall between characters: then nothing was edited and the caller must replace the document or refuse it.
pub fn redact(bytes: &[u8], kind: Kind, edits: &[Edit]) -> Option<Vec<u8>> {
    if !kind.is_text() {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for edit in edits {
        out.push_str(text.get(done..edit.range.start)?);
        // The range itself must be one of characters too.
        text.get(edit.range.clone())?;
        out.push_str(&edit.replacement);
        done = edit.range.end;
    }
    out.push_str(text.get(done..)?);
    Some(out.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, kind: Kind, edits: &[(usize, usize, &str)], expected: Option<&str>) {
        let edits: Vec<_> = edits.iter().map(|(start, end, new)| Edit { range: *start..*end, replacement: (*new).into() }).collect();
        assert_eq!(redact(text.as_bytes(), kind, &edits), expected.map(|it| it.as_bytes().to_vec()));
    }

    #[test]
    fn splices_or_refuses() {
        check("a é b", Kind::Text, &[(0, 1, "X"), (2, 4, "")], Some("X  b"));
        check("abc", Kind::Csv, &[], Some("abc"));
        check("abc", Kind::Json, &[(1, 1, "-"), (1, 3, "!")], Some("a-!"));
        check("abc", Kind::Pdf, &[(0, 1, "X")], None);
        check("a é b", Kind::Text, &[(3, 4, "X")], None);
        check("abc", Kind::Text, &[(0, 2, "X"), (1, 3, "Y")], None);
        check("abc", Kind::Text, &[(2, 9, "X")], None);
    }
}
