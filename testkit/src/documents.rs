//! Small documents with a text in them, each in its own format.

use std::io::{self, Write as _};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// A ZIP archive, every entry deflated.
///
/// # Errors
/// When an entry or the archive is too large for the plain format.
pub fn zip(entries: &[(&str, &[u8])]) -> io::Result<Vec<u8>> {
    let long = |number: usize| u32::try_from(number).map_err(io::Error::other);
    let short = |number: usize| u16::try_from(number).map_err(io::Error::other);
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content)?;
        let packed = encoder.finish()?;
        let mut crc = Crc::new();
        crc.update(content);
        let at = long(out.len())?;
        let mut head = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        head.extend(crc.sum().to_le_bytes());
        head.extend(long(packed.len())?.to_le_bytes());
        head.extend(long(content.len())?.to_le_bytes());
        head.extend(short(name.len())?.to_le_bytes());
        head.extend([0; 2]);
        out.extend(b"PK\x03\x04");
        out.extend(&head);
        out.extend(name.as_bytes());
        out.extend(packed);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&head);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, count) = (long(out.len())?, short(entries.len())?);
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(long(directory.len())?.to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0; 2]);
    Ok(out)
}

/// A Word document of one paragraph, and more parts.
///
/// # Errors
/// As for an archive.
pub fn docx(text: &str, more: &[(&str, &[u8])]) -> io::Result<Vec<u8>> {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">\
         <w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>"
    );
    let mut parts: Vec<(&str, &[u8])> =
        vec![("[Content_Types].xml", b"<?xml version=\"1.0\"?><Types/>"), ("word/document.xml", body.as_bytes())];
    parts.extend(more);
    zip(&parts)
}

/// A PDF of one page.
pub fn pdf(text: &str) -> Vec<u8> {
    let drawn = format!("BT /F 12 Tf 72 700 Td ({text}) Tj ET");
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1/Resources<</Font<</F 5 0 R>>>>>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/Contents 4 0 R>>".to_owned(),
        format!("<</Length {}>>\nstream\n{drawn}\nendstream", drawn.len()),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
    ];
    let numbered = objects.iter().enumerate().map(|(at, object)| format!("{} 0 obj\n{object}\nendobj\n", at + 1));
    let objects: String = numbered.collect();
    format!("%PDF-1.7\n{objects}trailer\n<</Root 1 0 R>>\nstartxref\n0\n%%EOF\n").into_bytes()
}
