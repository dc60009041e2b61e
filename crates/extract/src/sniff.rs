//! What the bytes are: by their content first, by the hint where that leaves it open.

use memchr::memmem;

use crate::model::{Hint, Kind, Looks};
use crate::{charset, mail, notebook, parquet, tar};

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    Pdf,
    Zip,
    Gzip,
    Tar,
    Parquet,
    Email,
    Text(Kind),
    /// An office document inside an encrypted OLE container.
    EncryptedOffice,
    Other(Looks),
}

/// How far into a file the header of a PDF may stand.
const PDF_HEADER_WITHIN: usize = 1024;

pub fn sniff(bytes: &[u8], hint: &Hint<'_>) -> Seen {
    let head = bytes.get(..PDF_HEADER_WITHIN).unwrap_or(bytes);
    // Its sum says more than any opening, which may be the name of its first entry.
    if tar::looks_like(bytes) {
        return Seen::Tar;
    }
    if head.trim_ascii_start().starts_with(b"%PDF-") {
        return Seen::Pdf;
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") || bytes.starts_with(b"PK\x07\x08PK\x03\x04") {
        return Seen::Zip;
    }
    // Deflate is the only method that there is.
    if bytes.starts_with(b"\x1F\x8B\x08") {
        return Seen::Gzip;
    }
    if parquet::looks_like(bytes) {
        return Seen::Parquet;
    }
    if bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        let encrypted = ["EncryptedPackage", "EncryptionInfo"].iter().any(|name| memmem::find(bytes, &utf16(name)).is_some());
        return if encrypted { Seen::EncryptedOffice } else { Seen::Other(Looks::Ole) };
    }
    let declared = Declared::of(hint);
    let text_like = is_text(bytes, hint);
    if memmem::find(head, b"%PDF-").is_some() && (declared == Declared::Pdf || !text_like) {
        return Seen::Pdf;
    }
    if !text_like {
        // An archive may have a program or anything else in front of it.
        let tail = crate::rest(bytes, bytes.len().saturating_sub(70_000));
        let looks = magic(bytes).unwrap_or(Looks::Binary);
        return match looks {
            Looks::Binary | Looks::Program if memmem::rfind(tail, b"PK\x05\x06").is_some() => Seen::Zip,
            // Its first header is damaged.
            Looks::Archive if crate::rest(bytes, tar::MAGIC_AT).starts_with(tar::MAGIC) => Seen::Tar,
            // Cut off, or with something else in front, which is read over.
            _ if [b"PAR1", b"PARE"].iter().any(|magic| bytes.starts_with(*magic) || bytes.ends_with(*magic)) => Seen::Parquet,
            looks => Seen::Other(looks),
        };
    }
    let start = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    if start.starts_with(b"{\\rt") {
        return Seen::Other(Looks::Rtf);
    }
    if start.starts_with(b"%!PS") {
        return Seen::Other(Looks::PostScript);
    }
    if mail::looks_like(bytes, declared == Declared::Email) {
        return Seen::Email;
    }
    Seen::Text(text_kind(bytes, start, declared))
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Whether the bytes are text in some character set.
fn is_text(bytes: &[u8], hint: &Hint<'_>) -> bool {
    if bytes.starts_with(b"\xFF\xFE\0\0") || bytes.starts_with(b"\0\0\xFE\xFF") {
        return false;
    }
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") || charset::bare_utf16(bytes).is_some() {
        return true;
    }
    if hint.media_type.and_then(|it| charset::parameter(it, "charset")).is_some_and(|it| it.to_ascii_lowercase().starts_with("utf-16")) {
        return true;
    }
    if !charset::is_text_like(bytes) {
        return false;
    }
    if std::str::from_utf8(bytes).is_ok() {
        return true;
    }
    // Not UTF-8: text only when somebody says so, or when nearly all of it is ASCII, and nothing else is recognised.
    let high = bytes.iter().filter(|byte| **byte >= 0x80).count();
    magic(bytes).is_none() && (Declared::of(hint) != Declared::Nothing || high <= bytes.len() / 4)
}

fn text_kind(bytes: &[u8], start: &[u8], declared: Declared) -> Kind {
    let decoded;
    let start = if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") || bytes.contains(&0) {
        decoded = charset::decode(bytes, None).text.into_owned();
        decoded.trim_start().as_bytes()
    } else {
        start
    };
    let head = start.get(..PDF_HEADER_WITHIN).unwrap_or(start).to_ascii_lowercase();
    if head.starts_with(b"<") {
        let opens = |names: &[&str]| names.iter().any(|name| memmem::find(&head, name.as_bytes()).is_some());
        let html = head.starts_with(b"<!doctype html")
            || opens(&["<html", "<head", "<body", "<script", "<table", "<div", "<p>", "<!doctype html"]);
        if html && !opens(&["<svg"]) || declared == Declared::Html {
            return Kind::Html;
        }
        if head.starts_with(b"<?x") || head.starts_with(b"<svg") || head.starts_with(b"<!doctype") || declared == Declared::Xml {
            return Kind::Xml;
        }
    }
    if (head.starts_with(b"{") || head.starts_with(b"[")) && (declared == Declared::Json || first_value_is_json(start)) {
        return if notebook::looks_like(start) { Kind::Notebook } else { Kind::Json };
    }
    match declared {
        Declared::Html => Kind::Html,
        Declared::Csv => Kind::Csv,
        Declared::Json => Kind::Json,
        Declared::Markdown => Kind::Markdown,
        Declared::Xml if head.starts_with(b"<") => Kind::Xml,
        _ => Kind::Text,
    }
}

fn first_value_is_json(start: &[u8]) -> bool {
    serde_json::Deserializer::from_slice(start).into_iter::<serde::de::IgnoredAny>().next().is_some_and(|it| it.is_ok())
}

/// What the hint says, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Declared {
    Nothing,
    Text,
    Csv,
    Json,
    Markdown,
    Xml,
    Html,
    Email,
    Pdf,
}

impl Declared {
    /// The media type, or where it says nothing, the file name.
    fn of(hint: &Hint<'_>) -> Self {
        let media = hint.media_type.map(|it| it.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        let by_media = match media.as_deref().unwrap_or_default() {
            "text/csv" | "text/tab-separated-values" | "application/csv" => Self::Csv,
            "text/markdown" | "text/x-markdown" => Self::Markdown,
            "text/html" | "application/xhtml+xml" => Self::Html,
            "message/rfc822" | "message/global" => Self::Email,
            "application/pdf" | "application/x-pdf" => Self::Pdf,
            "application/json" | "application/x-ndjson" | "application/jsonl" => Self::Json,
            "text/xml" | "application/xml" => Self::Xml,
            it if it.ends_with("+json") => Self::Json,
            it if it.ends_with("+xml") => Self::Xml,
            it if it.starts_with("text/") => Self::Text,
            _ => Self::Nothing,
        };
        if !matches!(by_media, Self::Nothing | Self::Text) {
            return by_media;
        }
        let extension = hint.file_name.and_then(|it| it.rsplit_once('.')).map(|it| it.1.to_ascii_lowercase());
        match extension.as_deref().unwrap_or_default() {
            "csv" | "tsv" => Self::Csv,
            "md" | "markdown" => Self::Markdown,
            "html" | "htm" | "xhtml" => Self::Html,
            "eml" => Self::Email,
            "pdf" => Self::Pdf,
            "json" | "ndjson" | "jsonl" | "ipynb" => Self::Json,
            "xml" | "svg" => Self::Xml,
            "txt" | "log" => Self::Text,
            _ => by_media,
        }
    }
}

const MAGIC: &[(usize, &[u8], Looks)] = &[
    (0, b"\x89PNG\r\n\x1a\n", Looks::Image),
    (0, b"\xFF\xD8\xFF", Looks::Image),
    (0, b"GIF8", Looks::Image),
    (0, b"II*\0", Looks::Image),
    (0, b"MM\0*", Looks::Image),
    (0, b"\0\0\x01\0", Looks::Image),
    // Forms of pictures that hold texts.
    (0, b"8BPS", Looks::Binary),
    (0, b"\xFF\x0A", Looks::Image),
    (0, b"\0\0\0\x0CJXL ", Looks::Image),
    (0, b"\0\0\0\x0CjP  ", Looks::Image),
    (0, b"\xD7\xCD\xC6\x9A", Looks::Binary),
    (40, b" EMF", Looks::Binary),
    (8, b"WEBP", Looks::Image),
    (8, b"WAVE", Looks::Audio),
    (8, b"AVI ", Looks::Video),
    (4, b"ftypheic", Looks::Image),
    (4, b"ftypmif1", Looks::Image),
    (4, b"ftypavif", Looks::Image),
    (4, b"ftypM4A", Looks::Audio),
    (4, b"ftyp", Looks::Video),
    (4, b"moov", Looks::Video),
    (0, b"ID3", Looks::Audio),
    (0, b"\xFF\xFB", Looks::Audio),
    (0, b"\xFF\xF3", Looks::Audio),
    (0, b"\xFF\xF1", Looks::Audio),
    (0, b"\xFF\xF9", Looks::Audio),
    (0, b"OggS", Looks::Audio),
    (0, b"fLaC", Looks::Audio),
    (0, b"MThd", Looks::Audio),
    (0, b"#!AMR", Looks::Audio),
    (0, b"FORM", Looks::Audio),
    (0, b"\x1A\x45\xDF\xA3", Looks::Video),
    (0, b"FLV\x01", Looks::Video),
    (0, b"\0\0\x01\xBA", Looks::Video),
    (0, b"\0\0\x01\xB3", Looks::Video),
    (0, b"OTTO", Looks::Font),
    (0, b"\0\x01\0\0", Looks::Font),
    (0, b"true\0", Looks::Font),
    (0, b"ttcf", Looks::Font),
    (0, b"wOFF", Looks::Font),
    (0, b"wOF2", Looks::Font),
    (0, b"\x1F\x8B", Looks::Archive),
    (0, b"7z\xBC\xAF\x27\x1C", Looks::Archive),
    (0, b"Rar!\x1A\x07", Looks::Archive),
    (0, b"BZh", Looks::Archive),
    (0, b"\xFD7zXZ\0", Looks::Archive),
    (0, b"\x28\xB5\x2F\xFD", Looks::Archive),
    (0, b"\x04\x22\x4D\x18", Looks::Archive),
    (0, b"MSCF", Looks::Archive),
    (tar::MAGIC_AT, tar::MAGIC, Looks::Archive),
    (0, b"\x7FELF", Looks::Program),
    (0, b"MZ", Looks::Program),
    (0, b"\0asm", Looks::Program),
    (0, b"\xFE\xED\xFA", Looks::Program),
    (0, b"\xCF\xFA\xED\xFE", Looks::Program),
    (0, b"\xCA\xFE\xBA\xBE", Looks::Program),
    (0, b"SQLite format 3\0", Looks::Database),
];

/// Well-known openings of files that are no text.
fn magic(bytes: &[u8]) -> Option<Looks> {
    // Many a text begins with these two letters; a picture has four zeros behind its size.
    if bytes.starts_with(b"BM") && crate::rest(bytes, 6).starts_with(&[0; 4]) {
        return Some(Looks::Image);
    }
    MAGIC.iter().find(|(at, opening, _)| crate::rest(bytes, *at).starts_with(opening)).map(|it| it.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], media_type: Option<&str>, file_name: Option<&str>, seen: Seen) {
        assert_eq!(sniff(bytes, &Hint { media_type, file_name }), seen, "{bytes:?}");
    }

    #[test]
    fn content_decides() {
        check(b"%PDF-1.7\n", Some("text/plain"), None, Seen::Pdf);
        check(b"garbage\n%PDF-1.7\n", None, Some("a.pdf"), Seen::Pdf);
        check(b"I read about %PDF-1.7 today\n", None, None, Seen::Text(Kind::Text));
        check(b"PK\x03\x04....", Some("application/pdf"), None, Seen::Zip);
        check(b"\x89PNG\r\n\x1a\n\0\0", Some("text/plain"), None, Seen::Other(Looks::Image));
        check(b"\xFF\xD8\xFF\xE0\0\x10", Some("text/plain"), None, Seen::Other(Looks::Image));
        check(b"BMW and GIF87a are words", None, None, Seen::Text(Kind::Text));
        check(b"{\\rtf1 hello}", Some("text/plain"), None, Seen::Other(Looks::Rtf));
        check(b"{\"a\": [1]}", Some("text/plain"), None, Seen::Text(Kind::Json));
        check(b"{\"a\": 1}\n{\"a\": 2}\n", None, None, Seen::Text(Kind::Json));
        check(b"{not json", None, None, Seen::Text(Kind::Text));
        check(b" <!DOCTYPE html><p>x", Some("text/plain"), None, Seen::Text(Kind::Html));
        check(b"<?xml version='1.0'?><a/>", None, None, Seen::Text(Kind::Xml));
        check(b"a,b\n1,2\n", Some("text/csv"), None, Seen::Text(Kind::Csv));
        check(b"a,b\n1,2\n", None, Some("A.CSV"), Seen::Text(Kind::Csv));
        check(b"", None, None, Seen::Text(Kind::Text));
        check(b"\0\x01\x02\x03\0\0", Some("text/plain"), None, Seen::Other(Looks::Binary));
        check(b"From: a\r\nTo: b\r\n\r\nhi", Some("text/plain"), None, Seen::Email);
        check(b"MZ\x90\0\x03PK\x05\x06\0\0", None, None, Seen::Zip);
    }

    #[test]
    fn an_encrypted_workbook_is_told_from_an_old_one() {
        let mut bytes = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
        check(&bytes, None, Some("a.xlsx"), Seen::Other(Looks::Ole));
        bytes.extend(utf16("EncryptedPackage"));
        check(&bytes, None, Some("a.xlsx"), Seen::EncryptedOffice);
    }
}
