//! Internet messages (RFC 5322) and their parts (RFC 2045, 2046, 2183): headers and bodies as text, everything attached as a document.
//!
//! Own code: the parsers that were tried keep messages in messages as a tree, which overflows the stack for hostile input, and none
//! says what it left out.

pub mod decode;
mod header;

use header::{Headers, Transfer};
use memchr::memmem;

use crate::charset;
use crate::model::{Hint, Limit, Reason};
use crate::sink::Sink;

/// Multiparts in multiparts of one message.
const MAX_LEVEL: usize = 16;

/// Header fields that a message begins with.
const KNOWN: &[&str] = &[
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "sender",
    "reply-to",
    "message-id",
    "received",
    "return-path",
    "mime-version",
    "content-type",
    "delivered-to",
    "dkim-signature",
    "x-mailer",
    "in-reply-to",
    "references",
    "arc-seal",
    "content-transfer-encoding",
    "envelope-to",
];

/// Whether the bytes open like a message: two known header fields, or one of any name when it is declared as one.
pub fn looks_like(bytes: &[u8], declared: bool) -> bool {
    let (mut known, mut fields) = (0, 0);
    for (index, line) in bytes.split(|byte| *byte == b'\n').take(64).enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if index == 0 && line.starts_with(b"From ") {
            continue;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            if fields == 0 {
                return false;
            }
            continue;
        }
        let Some(name) = header::field_name(line) else { break };
        fields += 1;
        known += usize::from(KNOWN.contains(&name.to_ascii_lowercase().as_str()));
    }
    known >= 2 || declared && fields > 0
}

/// Reads a message.
pub fn read(bytes: &[u8], sink: &mut Sink<'_>) {
    entity(bytes, "", 0, sink);
}

/// A message or a part of one. `number` is empty for the message, then `1`, `1.2`.
fn entity(bytes: &[u8], number: &str, level: usize, sink: &mut Sink<'_>) {
    let place = if number.is_empty() { "body".to_owned() } else { format!("part {number}") };
    if !sink.take_entry(&place) {
        return;
    }
    let headers = Headers::read(bytes);
    let headers_place = if number.is_empty() { "headers".to_owned() } else { format!("part {number} headers") };
    sink.shown(&headers_place, &headers.text);
    if headers.ambiguous {
        sink.unread(&place, Reason::Ambiguous);
    }
    let body = crate::rest(bytes, headers.end);
    let media = headers.media_type.as_deref().unwrap_or_default();
    if media.starts_with("multipart/") {
        multipart(body, &headers, number, level, sink);
        return;
    }
    let decoded = match headers.transfer {
        Transfer::Plain => body.to_vec(),
        Transfer::QuotedPrintable => decode::quoted_printable(body),
        Transfer::Base64 => {
            let (decoded, doubtful) = decode::base64(body);
            if doubtful {
                sink.unread(&place, Reason::Ambiguous);
            }
            decoded
        }
        Transfer::Unknown => {
            sink.unread(&place, Reason::Method);
            body.to_vec()
        }
    };
    if matches!(media, "application/pkcs7-mime" | "application/x-pkcs7-mime" | "application/pgp-encrypted") {
        sink.unread(&place, Reason::Encrypted);
    }
    if decoded.is_empty() {
        return;
    }
    // A part without a type is plain text.
    let hint = Hint { media_type: headers.content_type.as_deref().or(Some("text/plain")), file_name: headers.file_name.as_deref() };
    sink.nested(&place, &decoded, &hint);
}

fn multipart(body: &[u8], headers: &Headers, number: &str, level: usize, sink: &mut Sink<'_>) {
    let place = if number.is_empty() { "body".to_owned() } else { format!("part {number}") };
    let boundary = headers.boundary.as_deref().unwrap_or_default();
    let parts = if boundary.is_empty() { Vec::new() } else { split(body, boundary.as_bytes()) };
    if parts.len() < 2 || level >= MAX_LEVEL {
        let reason = if level >= MAX_LEVEL { Reason::Limit(Limit::Depth) } else { Reason::Damaged };
        sink.unread(&place, reason);
        sink.shown(&place, &charset::decode(body, None).text);
        return;
    }
    if headers.transfer != Transfer::Plain {
        // Not allowed for a multipart; some readers decode it all the same.
        sink.unread(&place, Reason::Ambiguous);
    }
    let mut index = 0;
    for part in parts {
        if sink.is_out_of_entries() {
            sink.unread(&place, Reason::Limit(Limit::Entries));
            return;
        }
        match part {
            Part::Between(bytes) => sink.text(&format!("{place} beside the parts"), &charset::decode(bytes, None).text),
            Part::Inside(bytes) => {
                index += 1;
                let inner = if number.is_empty() { index.to_string() } else { format!("{number}.{index}") };
                entity(bytes, &inner, level + 1, sink);
            }
        }
        if sink.is_full() {
            return;
        }
    }
}

/// What a multipart is made of, in its order.
enum Part<'a> {
    /// Preamble and epilogue.
    Between(&'a [u8]),
    Inside(&'a [u8]),
}

/// Splits at lines that begin with two hyphens and the boundary.
fn split<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<Part<'a>> {
    let delimiter = [b"--", boundary].concat();
    let mut parts = Vec::new();
    let mut start = 0;
    let mut inside = false;
    for at in memmem::find_iter(body, &delimiter) {
        let at_line_start = at == 0 || body.get(at - 1) == Some(&b'\n');
        let after = crate::rest(body, at + delimiter.len());
        let closing = after.starts_with(b"--");
        let ends_well = after.is_empty() || closing || after.first().is_some_and(u8::is_ascii_whitespace);
        if !at_line_start || !ends_well || at < start {
            continue;
        }
        let content = crate::part(body, start..at);
        parts.push(if inside { Part::Inside(content) } else { Part::Between(content) });
        let line_end = memchr::memchr(b'\n', after).map_or(after.len(), |it| it + 1);
        start = at + delimiter.len() + line_end;
        // What stands behind the closing line is the epilogue; parts may still follow it, in some readers.
        inside = !closing;
    }
    let last = crate::rest(body, start);
    parts.push(if inside { Part::Inside(last) } else { Part::Between(last) });
    parts
}
