//! From decisions about texts to splices in bytes: replacing, removing, restoring, with the right escapes for the place.

use bartizan_wire::json::{JsonContext, NodeKind, Place, Splice, escape_into, raw_offsets};
use bartizan_wire::{Form, Part};

use crate::inspect::Body;

/// Number literals in text have fewer bytes than this beside what was found in them.
const LONGEST_NUMBER: usize = 64;

/// So much white space is looked over for what stands before a number.
const WHITE_SPACE: usize = 1_024;

/// One edit on a text, in byte offsets of that text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextEdit {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What stands there afterwards.
    pub with: String,
}

/// Escapes a text for the inside of a JSON string.
pub fn escaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 8);
    escape_into(text, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Fits a replacement of a finding into JSON inside text: a bare number literal is replaced as a whole, by a string.
pub fn fit_replacement(context: &JsonContext, text: &str, edit: TextEdit) -> TextEdit {
    if !context.is_json() || context.place(edit.start) == Place::Text {
        return edit;
    }
    quote_literal(text, edit)
}

/// Replaces the whole bare number around an edit by a string. Anything else is prose that only begins like JSON.
pub fn quote_literal(text: &str, edit: TextEdit) -> TextEdit {
    match number_around(text, edit.start, edit.end) {
        Some((start, end)) => TextEdit { start, end, with: format!("\"{}\"", edit.with) },
        None => edit,
    }
}

/// The JSON number around a finding, where a value of an array or object may stand.
pub fn number_around(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    let (start, end) = literal(text, start, end)?;
    let before = text.get(..start)?.bytes().rev().take(WHITE_SPACE).find(|byte| !byte.is_ascii_whitespace())?;
    let number = serde_json::from_str::<serde_json::Number>(text.get(start..end)?).is_ok();
    (number && matches!(before, b':' | b',' | b'[')).then_some((start, end))
}

/// Fits the restoring of a value into JSON inside text: escaped in a string; a number again when the pseudonym is the whole string.
pub fn fit_restored(context: &JsonContext, start: usize, end: usize, surface: &str, was_number: bool) -> TextEdit {
    if !context.is_json() || context.place(start) == Place::Bare {
        return TextEdit { start, end, with: surface.to_owned() };
    }
    if was_number && start > 0 && context.string_at(start) == Some((start, Some(end))) {
        return TextEdit { start: start - 1, end: end + 1, with: surface.to_owned() };
    }
    TextEdit { start, end, with: escaped(surface) }
}

/// Whether a byte goes on with a bare literal.
pub fn belongs_to_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_')
}

/// The bounds of the bare literal around a finding. Nothing that is longer on either side of it is a number that anybody wrote:
/// without the bound, each finding of a text without white space would look at all of it.
fn literal(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let run = |bytes: &mut dyn Iterator<Item = &u8>| bytes.take(LONGEST_NUMBER).take_while(|byte| belongs_to_literal(**byte)).count();
    let before = run(&mut bytes.get(..start)?.iter().rev());
    let after = run(&mut bytes.get(end..)?.iter());
    (before < LONGEST_NUMBER && after < LONGEST_NUMBER).then_some((start - before, end + after))
}

/// A text with edits made, which are sorted and do not overlap.
pub fn apply(text: &str, edits: &[TextEdit]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        out.push_str(text.get(at..edit.start).unwrap_or_default());
        out.push_str(&edit.with);
        at = edit.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// Joins edits that overlap or touch the same bytes: the first one's replacement stands for all.
pub fn tidy(edits: &mut Vec<TextEdit>) {
    edits.sort_by_key(|edit| (edit.start, std::cmp::Reverse(edit.end)));
    edits.dedup_by(|next, kept| {
        let overlaps = next.start < kept.end;
        if overlaps {
            kept.end = kept.end.max(next.end);
        }
        overlaps
    });
}

/// The edits that touch the piece of `length` bytes at `offset`. Edits are sorted and do not overlap.
fn touching(edits: &[TextEdit], offset: usize, length: usize) -> &[TextEdit] {
    let first = edits.partition_point(|edit| edit.end <= offset);
    let rest = edits.get(first..).unwrap_or_default();
    rest.get(..rest.partition_point(|edit| edit.start < offset + length)).unwrap_or_default()
}

/// Splices for one piece of a text that begins at `offset` of the text and stands as `raw` at `at` of the bytes.
/// An edit's replacement goes to the piece in which it starts; of later pieces, what it covers is removed.
pub fn piece_splices(raw: &[u8], at: usize, offset: usize, length: usize, edits: &[TextEdit], out: &mut Vec<Splice>) {
    let touching = touching(edits, offset, length);
    if touching.is_empty() {
        return;
    }
    let bounds = touching.iter().flat_map(|edit| [edit.start.max(offset) - offset, edit.end.min(offset + length) - offset]);
    let bounds: Vec<usize> = bounds.collect();
    let mapped = raw_offsets(raw, &bounds);
    for (edit, pair) in touching.iter().zip(mapped.chunks_exact(2)) {
        let [from, to] = pair else { continue };
        let mut with = Vec::new();
        if edit.start >= offset {
            escape_into(&edit.with, &mut with);
        }
        out.push(Splice { range: at + from..at + to, with });
    }
}

/// Splices for the edits of a unit. `number` says that an edit of a whole string gives the number form back.
pub fn unit_splices(body: Body<'_>, parts: &[Part], edits: &[TextEdit], out: &mut Vec<Splice>) {
    let mut offset = 0;
    for part in parts {
        let Some(node) = body.tape.node(part.node) else { continue };
        let length = body.tape.text(body.bytes, part.node).len();
        if part.form == Form::Number || node.kind == NodeKind::Number {
            if let Some(edit) = touching(edits, offset, length).first() {
                let mut with = vec![b'"'];
                escape_into(&edit.with, &mut with);
                with.push(b'"');
                out.push(Splice { range: node.outer(), with });
            }
        } else {
            let raw = body.bytes.get(node.inner()).unwrap_or_default();
            piece_splices(raw, node.inner().start, offset, length, edits, out);
        }
        offset += length;
    }
}
