//! Documents of every kind that is read, with a text in them.

use std::io;

use bartizan_testkit::documents;

use crate::encode::{Encoding, quote};

/// The kinds that stand in the place of each file that can be read: the content decides what a document is.
pub const READ: [&str; 10] = ["text", "csv", "json", "html", "mail", "pdf", "docx", "xlsx", "pptx", "zip"];

/// Why a text that is written so does not stand in a document of this kind.
pub fn not_applicable(kind: &str, encoding: Encoding, written: &str) -> Option<&'static str> {
    match kind {
        "pdf" if !written.is_ascii() => Some("latin"),
        "json" => None,
        _ if encoding == Encoding::Json => Some("not-json"),
        _ => None,
    }
}

/// A document of a kind that says something.
///
/// # Errors
/// When an archive is too large for its format.
pub fn document(kind: &str, said: &str) -> io::Result<Vec<u8>> {
    let text = format!("A note that says: write to {said} before the end of the week, please.");
    Ok(match kind {
        "csv" => format!("name,note,more\nsomebody,{said},yes\n").into_bytes(),
        "json" => format!("{{\"name\": \"somebody\", \"note\": \"{}\"}}", quote(said)).into_bytes(),
        "html" => format!("<!doctype html><html><body><p>A note: <b>write</b> to {said} soon.</p></body></html>").into_bytes(),
        "mail" => format!(
            "From: somebody\r\nSubject: a note\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
        )
        .into_bytes(),
        "pdf" => documents::pdf(&text.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)")),
        "docx" => documents::docx(&xml(&text), &[])?,
        "xlsx" => office("xl/worksheets/sheet1.xml", &sheet(&xml(said)))?,
        "pptx" => office("ppt/slides/slide1.xml", &format!("<p:sld><a:p><a:r><a:t>{}</a:t></a:r></a:p></p:sld>", xml(&text)))?,
        "zip" => documents::zip(&[("note.txt", text.as_bytes())])?,
        _ => format!("{text}\n").into_bytes(),
    })
}

fn sheet(cell: &str) -> String {
    let text = |name: &str, text: &str| format!("<c r=\"{name}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
    format!("<worksheet><sheetData><row r=\"1\">{}{}</row></sheetData></worksheet>", text("A1", "somebody"), text("B1", cell))
}

fn office(place: &str, part: &str) -> io::Result<Vec<u8>> {
    let part = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{part}");
    documents::zip(&[("[Content_Types].xml", b"<?xml version=\"1.0\"?><Types/>"), (place, part.as_bytes())])
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
