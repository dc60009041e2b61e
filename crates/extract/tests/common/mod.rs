//! Builders of documents, and the one check that all tables use.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::allow_attributes,
    reason = "helpers of tests; each test file uses its part"
)]

pub mod table;

use std::fmt::Write as _;
use std::io::Write as _;

use bartizan_extract::{Extracted, Hint, Kind, Limits, extract};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A ZIP archive with every entry deflated. `flags` of the first entry.
pub fn zip_with(entries: &[(&str, &[u8])], flags: u16, comment: &str) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (index, (name, content)) in entries.iter().enumerate() {
        let packed = deflate(content);
        let at = u32::try_from(out.len()).unwrap();
        let mut common = Vec::new();
        common.extend(20_u16.to_le_bytes());
        common.extend(if index == 0 { flags } else { 0 }.to_le_bytes());
        common.extend(8_u16.to_le_bytes());
        common.extend([0; 4]);
        common.extend(crc32fast::hash(content).to_le_bytes());
        common.extend(u32::try_from(packed.len()).unwrap().to_le_bytes());
        common.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
        common.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(packed);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = u32::try_from(out.len()).unwrap();
    let count = u16::try_from(entries.len()).unwrap();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend(u16::try_from(comment.len()).unwrap().to_le_bytes());
    out.extend(comment.as_bytes());
    out
}

pub fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    zip_with(entries, 0, "")
}

/// One member of gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One header of tar in the form of POSIX, with these bytes in places of it. The sum is made to fit.
pub fn tar_header(name: &str, kind: u8, size: usize, changes: &[(usize, &[u8])]) -> Vec<u8> {
    let mut block = vec![0; 512];
    let (size, name) = (format!("{size:011o}"), name.as_bytes());
    let fields: &[(usize, &[u8])] = &[
        (0, name),
        (100, b"0000644\0"),
        (124, size.as_bytes()),
        (136, b"14524770200\0"),
        (148, b"        "),
        (156, &[kind]),
        (257, b"ustar\x0000"),
    ];
    for (at, bytes) in fields.iter().chain(changes) {
        block[*at..at + bytes.len()].copy_from_slice(bytes);
    }
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// An entry: its header, and its content filled up to a block.
pub fn tar_entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut entry = tar_header(name, kind, content.len(), &[]);
    entry.extend(content);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

/// An archive of entries, with its end.
pub fn tar(entries: &[Vec<u8>]) -> Vec<u8> {
    [&*entries.concat(), &[0; 1024]].concat()
}

/// An extended header of pax with one record for each.
pub fn pax(kind: u8, records: &[(&str, &str)]) -> Vec<u8> {
    let mut body = String::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let len = (1..6).map(|digits| rest + digits).find(|len| len.to_string().len() + rest == *len).unwrap();
        writeln!(body, "{len} {key}={value}").unwrap();
    }
    tar_entry("pax", kind, body.as_bytes())
}

/// A PDF of these objects, numbered from 1. The first is the catalogue.
pub fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    for (index, object) in objects.iter().enumerate() {
        writeln!(out, "{} 0 obj", index + 1).unwrap();
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    out.extend(b"trailer\n<</Root 1 0 R>>\nstartxref\n0\n%%EOF\n");
    out
}

/// A stream object, deflated.
pub fn stream(dict: &str, content: &[u8]) -> Vec<u8> {
    let packed = zlib(content);
    let mut out = format!("<<{dict}/Filter/FlateDecode/Length {}>>\nstream\n", packed.len()).into_bytes();
    out.extend(packed);
    out.extend(b"\nendstream");
    out
}

pub fn object(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// A PDF of one page with Helvetica as `F`, and more objects behind number 5.
pub fn page_with(content: &str, page: &str, more: &[Vec<u8>]) -> Vec<u8> {
    let mut objects = vec![
        object("<</Type/Catalog/Pages 2 0 R>>"),
        object("<</Type/Pages/Kids[3 0 R]/Count 1/Resources<</Font<</F 5 0 R>>>>>>"),
        object(&format!("<</Type/Page/Parent 2 0 R/Contents 4 0 R{page}>>")),
        stream("", content.as_bytes()),
        object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"),
    ];
    objects.extend_from_slice(more);
    pdf(&objects)
}

pub fn page(content: &str) -> Vec<u8> {
    page_with(content, "", &[])
}

/// Each letter drawn on its own at its place.
pub fn drawn_apart(text: &str, y: u32) -> String {
    let mut content = String::from("BT /F 10 Tf ");
    for (at, letter) in text.chars().enumerate() {
        write!(content, "1 0 0 1 {} {y} Tm ({letter}) Tj ", at * 6).unwrap();
    }
    content + "ET"
}

/// One row of a table: a document, what stands where, and everything that is not read.
pub struct Row<'a> {
    pub name: &'a str,
    pub bytes: Vec<u8>,
    pub media_type: &'a str,
    pub kind: Kind,
    /// Place, and a text that the segment there contains.
    pub says: &'a [(&'a str, &'a str)],
    /// Place and reason, all of them.
    pub unread: &'a [(&'a str, &'a str)],
}

pub fn read(bytes: &[u8], media_type: &str, limits: &Limits) -> Extracted {
    extract(bytes, &Hint { media_type: Some(media_type), file_name: None }, limits).unwrap()
}

pub fn unread(extracted: &Extracted) -> Vec<(&str, &str)> {
    extracted.unread.iter().map(|it| (it.place.as_str(), it.reason.name())).collect()
}

pub fn check(rows: &[Row<'_>]) {
    for row in rows {
        let extracted = read(&row.bytes, row.media_type, &Limits::default());
        let segments: Vec<_> = extracted.segments.iter().map(|it| (it.place.as_str(), it.text.as_str())).collect();
        assert_eq!(extracted.kind, row.kind, "{}", row.name);
        for (place, text) in row.says {
            assert!(
                segments.iter().any(|it| it.0 == *place && it.1.contains(text)),
                "{}: no `{text}` at `{place}` in {segments:?}",
                row.name
            );
        }
        assert_eq!(unread(&extracted), row.unread, "{}: {segments:?}", row.name);
    }
}
