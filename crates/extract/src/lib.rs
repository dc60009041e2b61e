#![doc = include_str!("../README.md")]
//!
//! What does not live here: finding anything in the text, fetching, wire formats of providers, decisions.

mod archive;
mod charset;
mod fuzz;
mod gzip;
mod html;
mod inflate;
mod mail;
mod model;
mod notebook;
mod ooxml;
mod package;
mod parquet;
mod pdf;
mod redact;
mod render;
mod sheet;
mod sink;
mod sniff;
mod tar;
mod text;
mod xml;
mod zip;

pub use archive::Archive;
#[doc(hidden)]
pub use fuzz::fuzz_extract;
pub use model::{Extracted, Hint, Kind, Limit, Limits, Looks, MAX_UNREAD, Reason, Segment, Unread, Unreadable, View};
pub use parquet::{ParquetTable, RowFault, Source};
pub use redact::{Edit, redact};
pub use render::{Rendered, render};
use sink::Sink;
use sniff::Seen;

/// Reads the text of a document, and of the documents inside it.
///
/// The content decides what the bytes are, the hint only where the content leaves it open. What could not be read is listed in
/// [`Extracted::unread`]; only an empty list means that the whole document was read. Work and memory are linear in the input and bounded
/// by `limits`.
///
/// # Errors
/// When nothing of the document can be read: encrypted, damaged, over [`Limits::input_bytes`], or of a kind that is not read here.
pub fn extract(bytes: &[u8], hint: &Hint<'_>, limits: &Limits) -> Result<Extracted, Unreadable> {
    if bytes.len() > limits.input_bytes {
        return Err(Unreadable::TooLarge(Limit::Input));
    }
    let mut sink = Sink::new(limits);
    let kind = read(bytes, hint, &mut sink)?;
    let (segments, unread) = sink.into_parts();
    Ok(Extracted { kind, segments, unread })
}

/// Reads one document of any level into the sink.
fn read(bytes: &[u8], hint: &Hint<'_>, sink: &mut Sink<'_>) -> Result<Kind, Unreadable> {
    match sniff::sniff(bytes, hint) {
        Seen::Pdf => pdf::read(bytes, sink).map(|()| Kind::Pdf),
        Seen::Zip => package::read(bytes, sink),
        Seen::Gzip => gzip::read(bytes, hint, sink).map(|()| Kind::Gzip),
        Seen::Parquet => parquet::read(bytes, sink).map(|()| Kind::Parquet),
        Seen::Tar => tar::read(bytes, sink).map(|()| Kind::Tar),
        Seen::Email => {
            mail::read(bytes, sink);
            Ok(Kind::Email)
        }
        Seen::Text(kind) => text::read(bytes, kind, hint, sink),
        Seen::EncryptedOffice => Err(Unreadable::Encrypted),
        Seen::Other(looks) => Err(Unreadable::UnknownKind(looks)),
    }
}

/// A part of the bytes; empty when the range is not inside.
fn part(bytes: &[u8], range: std::ops::Range<usize>) -> &[u8] {
    bytes.get(range).unwrap_or_default()
}

/// From here on; empty when that is behind the end.
fn rest(bytes: &[u8], from: usize) -> &[u8] {
    bytes.get(from..).unwrap_or_default()
}
