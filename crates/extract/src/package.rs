//! ZIP archives: office documents by their parts, everything else as documents inside.

use crate::model::{Hint, Kind, Looks, Reason, Unreadable};
use crate::sheet::Workbook;
use crate::sink::Sink;
use crate::zip::{self, Entry};
use crate::{charset, ooxml, xml};

pub fn read(bytes: &[u8], sink: &mut Sink<'_>) -> Result<Kind, Unreadable> {
    let table = zip::table(bytes, sink.limits.entries);
    let files = table.entries.iter().filter(|it| !it.is_folder());
    let (encrypted, all) = files.fold((0, 0), |(encrypted, all), it| (encrypted + usize::from(it.is_encrypted()), all + 1));
    if all > 0 && encrypted == all {
        return Err(Unreadable::Encrypted);
    }
    if all == 0 && !table.faults.is_empty() {
        return Err(Unreadable::Damaged);
    }
    for (place, reason) in &table.faults {
        sink.unread(place, *reason);
    }
    let kind = kind_of(&table.entries);
    if kind == Kind::Zip {
        // Many documents, not one.
        sink.cannot_render();
    }
    sink.text("comment", &table.comment);
    names(&table.entries, kind, sink);
    let mut workbook = Workbook::default();
    let mut order: Vec<&Entry> = table.entries.iter().collect();
    if kind == Kind::Xlsx {
        // Names of sheets and the shared strings come before the cells that use them.
        order.sort_by_key(|it| sheet_order(&it.name));
    }
    for entry in order {
        if entry.is_folder() {
            continue;
        }
        if !sink.take_entry(&entry.name) {
            break;
        }
        let (content, fault) = entry.read(bytes, sink);
        if let Some(reason) = fault {
            sink.unread(&entry.name, reason);
        }
        content_of(entry, &content, kind, &mut workbook, sink);
    }
    workbook.finish(sink);
    Ok(kind)
}

fn sheet_order(name: &str) -> u8 {
    let lower = name.to_ascii_lowercase();
    let ends = [".rels", "workbook.xml", "sharedstrings.xml", ""];
    (0..).zip(ends).find(|it| lower.ends_with(it.1)).map_or(3, |it| it.0)
}

fn kind_of(entries: &[Entry]) -> Kind {
    let has = |folder: &str| entries.iter().any(|it| it.name.starts_with(folder));
    if !entries.iter().any(|it| it.name.eq_ignore_ascii_case("[Content_Types].xml")) {
        return Kind::Zip;
    }
    [("word/", Kind::Docx), ("xl/", Kind::Xlsx), ("ppt/", Kind::Pptx)].into_iter().find(|it| has(it.0)).map_or(Kind::Zip, |it| it.1)
}

/// Names and comments of entries are text too.
fn names(entries: &[Entry], kind: Kind, sink: &mut Sink<'_>) {
    let mut text = String::new();
    for entry in entries {
        text.push_str(&entry.name);
        text.push('\n');
        if !entry.comment.is_empty() {
            text.push_str(&entry.comment);
            text.push('\n');
        }
    }
    sink.text(if kind == Kind::Zip { "names of entries" } else { "names of parts" }, &text);
}

fn content_of(entry: &Entry, content: &[u8], kind: Kind, workbook: &mut Workbook, sink: &mut Sink<'_>) {
    if content.is_empty() {
        return;
    }
    let place = entry.name.as_str();
    if kind != Kind::Zip && (is_xml(content) || declares_xml(place)) {
        let decoded = charset::decode(content, named(content));
        if decoded.doubtful || decoded.text.contains('\0') {
            sink.unread(place, Reason::Charset);
        }
        if kind == Kind::Xlsx && workbook.part(place, &decoded.text, sink) {
            return;
        }
        ooxml::read(place, &decoded.text, &mut workbook.seen, sink);
        return;
    }
    if place.ends_with("vbaProject.bin") {
        sink.unread(place, Reason::Looks(Looks::Ole));
        return;
    }
    sink.nested(place, content, &Hint { media_type: None, file_name: Some(place) });
}

fn declares_xml(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    [".xml", ".rels", ".vml"].iter().any(|it| lower.ends_with(it))
}

fn is_xml(content: &[u8]) -> bool {
    let start = content.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(content);
    start.starts_with(b"<?xml") || content.starts_with(b"\xFF\xFE<\0") || content.starts_with(b"\xFE\xFF\0<")
}

fn named(content: &[u8]) -> Option<&str> {
    let head = content.get(..200).unwrap_or(content);
    let head = std::str::from_utf8(head).ok()?;
    xml::declared_encoding(head)
}
