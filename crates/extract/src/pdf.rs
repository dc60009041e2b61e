//! PDF (ISO 32000-1): what is drawn on pages and in forms, every string of every dictionary, metadata, embedded files.
//!
//! Own code: the readers that were tried believe the cross-reference table, so that another revision can hide from them, and inflate
//! without a bound. Glyph programs, colour profiles, functions and shadings hold no text and are passed over.

mod cmap;
mod content;
mod file;
mod filter;
mod font;
mod glyph;
mod layout;
mod object;
mod pages;
mod strings;

use content::{Reader, Shared};
use file::{File, Stored};
use memchr::memmem;
use object::{Dict, Object};

use crate::model::{Hint, Looks, Reason, Unreadable};
use crate::sink::Sink;

/// Whether a text holds what a reader of PDF would take for one.
pub fn hides_in(bytes: &[u8]) -> bool {
    ["%PDF-", " obj", "endobj", "stream"].iter().all(|it| memmem::find(bytes, it.as_bytes()).is_some())
}

pub fn read(bytes: &[u8], sink: &mut Sink<'_>) -> Result<(), Unreadable> {
    let file = File::read(bytes, sink);
    if file.is_encrypted() {
        return Err(Unreadable::Encrypted);
    }
    if file.objects.is_empty() {
        return Err(Unreadable::Damaged);
    }
    around(bytes, sink);
    let mut shared = Shared::new(file.objects.len(), file.work);
    pages::read(&file, &mut shared, sink);
    strings::read(&file, sink);
    let skipped = glyph_programs(&file);
    let resources = pages::any_resources(&file);
    for index in 0..file.objects.len() {
        let drawn = shared.drawn.get(index).copied().unwrap_or_default();
        if !drawn && !skipped.get(index).copied().unwrap_or_default() {
            stream(index, &file, resources, &mut shared, sink);
        }
    }
    Ok(())
}

/// Bytes in front of the header and behind the last mark of the end.
fn around(bytes: &[u8], sink: &mut Sink<'_>) {
    let start = memmem::find(bytes, b"%PDF-").unwrap_or(0);
    let end = memmem::rfind(bytes, b"%%EOF").map_or(bytes.len(), |it| it + 5);
    let blank = |bytes: &[u8]| bytes.iter().all(|it| it.is_ascii_whitespace() || *it == 0);
    if !blank(crate::part(bytes, 0..start)) || !blank(crate::rest(bytes, end)) {
        sink.unread("document", Reason::Leftover);
    }
}

/// Streams that fonts and colours use: no text for anybody.
fn glyph_programs(file: &File<'_>) -> Vec<bool> {
    let mut skipped = vec![false; file.objects.len()];
    for dict in file.objects.iter().filter_map(|it| it.object.dict()) {
        for key in ["FontFile", "FontFile2", "FontFile3", "ToUnicode", "CIDToGIDMap", "CIDSet"] {
            if let Some(Object::Ref(number)) = dict.get(key.as_bytes())
                && let Some(slot) = file.index_of(*number).and_then(|it| skipped.get_mut(it))
            {
                *slot = true;
            }
        }
    }
    skipped
}

/// A stream that no page draws.
fn stream<'f>(index: usize, file: &'f File<'_>, any: Option<&'f Dict>, shared: &mut Shared, sink: &mut Sink<'_>) {
    let Some(stored) = file.objects.get(index) else { return };
    if stored.stream.is_none() || is_structure(stored) || file.is_hints(stored) {
        return;
    }
    let place = format!("object {}", stored.number);
    if stored.has("Subtype", "Image") {
        sink.unread(&place, Reason::Looks(Looks::Image));
        return;
    }
    let resources = stored.object.dict().and_then(|it| file.get(it, "Resources")).and_then(Object::dict);
    if stored.has("Subtype", "Form") || resources.is_some() {
        let mut reader = Reader::new(file, shared, &place);
        let content = reader.content(index, sink);
        reader.run(&content, resources, sink);
        reader.finish(sink);
        return;
    }
    let (bytes, fault) = file.decode(index, sink);
    if let Some(reason) = fault {
        sink.unread(&place, reason);
    }
    if bytes.is_empty() || is_profile(&bytes) {
        return;
    }
    let attached = stored.is("EmbeddedFile");
    if !attached && is_content(&bytes) {
        // Of another revision, or a glyph of a font that is drawn.
        let mut reader = Reader::new(file, shared, &place);
        reader.run(&bytes, any, sink);
        reader.finish(sink);
        return;
    }
    let name = if attached { "embedded file" } else { "stream" };
    let subtype = stored.object.dict().and_then(|it| file.get(it, "Subtype")).and_then(Object::name);
    let media_type = subtype.and_then(|it| std::str::from_utf8(it).ok()).filter(|it| it.contains('/'));
    sink.nested(&format!("{name} {}", stored.number), &bytes, &Hint { media_type, file_name: None });
}

/// Streams that only describe the file, functions and shadings.
fn is_structure(stored: &Stored) -> bool {
    let has = |key: &str| stored.object.dict().is_some_and(|it| it.contains_key(key.as_bytes()));
    stored.is("XRef") || stored.is("ObjStm") || stored.is("CMap") || has("FunctionType") || has("ShadingType") || stored.is("Halftone")
}

/// A colour profile says so at byte 36.
fn is_profile(bytes: &[u8]) -> bool {
    bytes.get(36..40) == Some(b"acsp")
}

/// Whether the bytes look like drawing operators.
fn is_content(bytes: &[u8]) -> bool {
    let has = |word: &[u8]| memmem::find(bytes, word).is_some();
    let shows = has(b"Tj") || has(b"TJ") || has(b"'") || has(b"\"");
    let glyph = bytes.starts_with(b"q ") || bytes.starts_with(b"q\n") || has(b" d1") || has(b" d0") || has(b" re\n") || has(b" cm\n");
    (has(b"BT") && has(b"ET") && shows) || (glyph && std::str::from_utf8(bytes).is_ok())
}
