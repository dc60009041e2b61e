//! gzip (RFC 1952): all members as one document, their names and comments as text. What the document is, is for its own reader to say.

use crate::model::{Hint, Reason, Unreadable};
use crate::sink::Sink;
use crate::{charset, inflate, sniff};

/// What every member begins with: two bytes of the format, and deflate.
const OPENING: &[u8] = b"\x1F\x8B\x08";

const HEADER_SUM: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xE0;

/// Bytes of a field for programs that may be no text: the forms that are in use have six.
const SMALL: usize = 24;

pub fn read(bytes: &[u8], hint: &Hint<'_>, sink: &mut Sink<'_>) -> Result<(), Unreadable> {
    let mut all = Members::default();
    all.read(bytes, sink);
    if all.content.is_empty() && all.texts.is_empty() && all.faults.contains(&Reason::Damaged) {
        return Err(Unreadable::Damaged);
    }
    for reason in &all.faults {
        sink.unread("", *reason);
    }
    sink.cannot_render();
    sink.text("names of members", &all.texts);
    if all.content.is_empty() {
        return Ok(());
    }
    let name = stem(hint.file_name).or(all.name).unwrap_or_else(|| "content".to_owned());
    let inner = Hint { media_type: None, file_name: Some(&name) };
    // What is in an archive stands in `a.tar.gz > b.txt`.
    let place = if sniff::sniff(&all.content, &inner) == sniff::Seen::Tar { "" } else { &name };
    sink.nested(place, &all.content, &inner);
    Ok(())
}

/// What the members say together.
#[derive(Default)]
struct Members {
    content: Vec<u8>,
    /// Names, comments and extra fields, a line for each.
    texts: String,
    /// The last part of the first name.
    name: Option<String>,
    faults: Vec<Reason>,
}

impl Members {
    fn read(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        let mut at = 0;
        while crate::rest(bytes, at).starts_with(OPENING) {
            // An empty member costs all the same.
            if !sink.take_entry("") {
                return;
            }
            let Some(start) = self.header(crate::rest(bytes, at)) else { return self.fault(Reason::Damaged) };
            let packed = crate::rest(bytes, at + start);
            let inflated = inflate::inflate(packed, false, sink);
            let trailer = crate::rest(packed, inflated.used);
            let fault = inflated.fault.or_else(|| (!ends_well(trailer, &inflated.bytes)).then_some(Reason::Damaged));
            if self.content.is_empty() {
                self.content = inflated.bytes;
            } else {
                self.content.extend_from_slice(&inflated.bytes);
            }
            if let Some(reason) = fault {
                self.fault(reason);
            }
            if inflated.fault.is_some() {
                return;
            }
            at = (at + start + inflated.used + 8).min(bytes.len());
        }
        // Tapes and some writers fill up with zeros.
        if crate::rest(bytes, at).iter().any(|byte| *byte != 0) {
            self.fault(Reason::Leftover);
        }
    }

    fn fault(&mut self, reason: Reason) {
        if !self.faults.contains(&reason) {
            self.faults.push(reason);
        }
    }

    /// Reads the header of a member, and says where the packed bytes start.
    fn header(&mut self, bytes: &[u8]) -> Option<usize> {
        let flags = *bytes.get(3)?;
        let mut at = 10;
        if flags & RESERVED != 0 {
            self.fault(Reason::Damaged);
        }
        if flags & EXTRA != 0 {
            let len = usize::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
            let extra = bytes.get(at + 2..at + 2 + len)?;
            self.line(&String::from_utf8_lossy(extra));
            if len > SMALL && !charset::is_text_like(extra) {
                self.fault(Reason::Leftover);
            }
            at += 2 + len;
        }
        for flag in [NAME, COMMENT] {
            if flags & flag == 0 {
                continue;
            }
            let field = crate::rest(bytes, at);
            let len = memchr::memchr(0, field)?;
            let text = charset::decode(crate::part(field, 0..len), None).text;
            self.line(&text);
            if flag == NAME && self.name.is_none() {
                self.name = base(&text);
            }
            at += len + 1;
        }
        if flags & HEADER_SUM != 0 {
            let sum = u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?);
            if crc32fast::hash(crate::part(bytes, 0..at)) & 0xFFFF != u32::from(sum) {
                self.fault(Reason::Damaged);
            }
            at += 2;
        }
        (bytes.len() >= at).then_some(at)
    }

    fn line(&mut self, text: &str) {
        if !text.is_empty() {
            self.texts.extend([text, "\n"]);
        }
    }
}

/// Whether the sum and the length behind a member are those of its content.
fn ends_well(trailer: &[u8], content: &[u8]) -> bool {
    let length = content.len() & 0xFFFF_FFFF;
    let sums = [crc32fast::hash(content).to_le_bytes(), u32::try_from(length).unwrap_or_default().to_le_bytes()];
    trailer.starts_with(&sums.concat())
}

fn base(name: &str) -> Option<String> {
    name.rsplit(['/', '\\']).next().filter(|it| !it.is_empty()).map(str::to_owned)
}

/// The name that a packed file has when it is unpacked.
fn stem(name: Option<&str>) -> Option<String> {
    let name = base(name?)?;
    let (stem, extension) = name.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        _ if stem.is_empty() => None,
        "gz" | "gzip" => Some(stem.to_owned()),
        "tgz" => Some(format!("{stem}.tar")),
        "svgz" => Some(format!("{stem}.svg")),
        _ => None,
    }
}
