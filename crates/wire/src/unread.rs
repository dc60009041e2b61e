//! What cannot be read as text: images, audio, files, sealed values, references that somebody else would fetch.

use std::borrow::Cow;

use bartizan_vocabulary::UninspectedKind as Kind;

use crate::body::Unread;
use crate::json::{Node, NodeId, NodeKind, Tape};
use crate::zone::Zone;

/// The least length of a base64 text that is left out of inspection: shorter ones could be a key or a card number as well,
/// and cost nothing to inspect.
const OPAQUE: usize = 64;

/// Longest name of a file or of its type, in bytes of JSON.
const NAME: usize = 1_024;

/// So many members of an object are looked at for such a name.
const MEMBERS: usize = 32;

/// Content that is not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub kind: Kind,
    /// The string is a text all the same (a URL, an id, a value that only claims to be base64): it is inspected too.
    pub inspect: bool,
    /// Its bytes stand there in base64, or should.
    pub attached: bool,
    /// It only points to its content.
    pub is_name: bool,
}

impl Found {
    /// Content in base64. What no reader of pictures or sound would take is a file that somebody may read.
    fn data(kind: Kind, inspect: bool) -> Self {
        Self { kind, inspect, attached: kind == Kind::File, is_name: false }
    }

    /// Something that only points to its content.
    fn named(kind: Kind) -> Self {
        Self { kind, inspect: true, attached: false, is_name: true }
    }
}

/// A file that stands in a body.
#[derive(Debug)]
pub struct Attachment<'a> {
    /// What should be its bytes in base64; nobody has looked yet.
    pub data: Cow<'a, str>,
    /// What it is said to be.
    pub media_type: Option<Cow<'a, str>>,
    /// What it is said to be called.
    pub file_name: Option<Cow<'a, str>>,
}

/// The file that something unread is, if its bytes stand in the body.
pub fn attachment<'a>(tape: &Tape, bytes: &'a [u8], unread: &Unread) -> Option<Attachment<'a>> {
    let node = tape.node(unread.node).filter(|_| unread.attached)?;
    // Where many files stand in one object, none may cost a look at all of them.
    let beside = |names: &[&str]| {
        let short = |node: &Node| node.inner().len() <= NAME;
        let named = |slot: NodeId| tape.node(slot).is_some_and(short) && names.iter().any(|name| tape.says(bytes, slot, name));
        tape.node(node.parent).filter(|parent| parent.kind == NodeKind::Object)?;
        let (id, _) =
            tape.members(node.parent).take(MEMBERS).find(|(_, node)| node.kind == NodeKind::String && short(node) && named(node.slot))?;
        Some(tape.text(bytes, id))
    };
    let file_name = beside(&["filename", "file_name"]);
    let text = tape.text(bytes, unread.node);
    let Some(url) = data_url(&text) else {
        return Some(Attachment { data: text, media_type: beside(&["media_type", "mimeType", "mime_type"]), file_name });
    };
    let (media, from) = (Cow::Owned(url.media), text.len() - url.data.len());
    let data = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(from..)?),
        Cow::Owned(text) => Cow::Owned(text.get(from..)?.to_owned()),
    };
    Some(Attachment { data, media_type: Some(media), file_name })
}

/// What holds the string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The `source` of an image.
    Image,
    /// Bytes that are said to be sound.
    Audio,
    /// A `source` that says `base64`, of anything else.
    Binary,
    /// Anything else.
    Other,
}

/// What Gemini's `mimeType` says of the bytes beside it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Media {
    #[default]
    Other,
    Image,
    Audio,
}

impl Media {
    pub(crate) fn named(word: &str) -> Self {
        match word.split('/').next() {
            Some(kind) if kind.eq_ignore_ascii_case("image") => Self::Image,
            Some(kind) if kind.eq_ignore_ascii_case("audio") => Self::Audio,
            _ => Self::Other,
        }
    }

    pub(crate) const fn holder(self) -> Holder {
        match self {
            Self::Image => Holder::Image,
            Self::Audio => Holder::Audio,
            Self::Other => Holder::Binary,
        }
    }
}

/// Whether a string is content that cannot be read as text.
pub(crate) fn find(zone: Zone, holder: Holder, name: &str, text: &str) -> Option<Found> {
    let data = |kind| Some(Found::data(kind, !is_opaque(text)));
    match (zone, name) {
        _ if text.is_empty() => None,
        (Zone::Sealed, _) if is_base64(text) => data(Kind::Sealed),
        (Zone::Pixels, _) => data(image(text)),
        (Zone::Image, "server_url" | "" | "url" | "image_url" | "image" | "video_url" | "video" | "audio_url")
        | (Zone::File, "file_url" | "fileUri" | "file_uri")
        | (Zone::Source, "url") => Some(reference(text)),
        (Zone::File | Zone::Source, "file_id") => Some(Found::named(Kind::File)),
        (Zone::File, "file_data") => match data_url(text) {
            Some(url) => Some(Found::data(Kind::File, !url.is_opaque())),
            None => data(Kind::File),
        },
        (Zone::Source | Zone::Blob, "data") if holder == Holder::Image => data(image(text)),
        (Zone::Source | Zone::Blob, "data") if holder == Holder::Binary => data(Kind::File),
        (Zone::Audio, "data" | "delta") | (Zone::Blob, "data") => data(Kind::Audio),
        (Zone::Source, "data") if is_opaque(text) => Some(Found::data(Kind::File, true)),
        _ => data_url(text).filter(|url| is_base64(url.data)).map(|url| Found::data(url.kind, true)),
    }
}

/// A URL: content that it carries itself, or something that somebody else would fetch.
fn reference(text: &str) -> Found {
    match data_url(text) {
        Some(url) => Found::data(url.kind, !url.is_opaque()),
        None if has_data_scheme(text.as_bytes()) => Found::named(Kind::File),
        None => Found::named(Kind::RemoteUrl),
    }
}

/// Whether a text begins as a `data:` URL does (RFC 2397), in any letter case.
pub(crate) fn has_data_scheme(text: &[u8]) -> bool {
    text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"data:"))
}

/// A `data:` URL whose content is said to be base64.
struct DataUrl<'a> {
    kind: Kind,
    /// What it is said to carry, in small letters.
    media: String,
    data: &'a str,
}

impl DataUrl<'_> {
    /// Nothing in it is text: neither the content nor, besides the name of a media type, what stands before it.
    fn is_opaque(&self) -> bool {
        let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'+' | b'-');
        let digits = self.media.bytes().filter(u8::is_ascii_digit).count();
        self.media.len() <= 100 && digits < 8 && self.media.bytes().all(name) && is_opaque(self.data)
    }
}

fn data_url(text: &str) -> Option<DataUrl<'_>> {
    let rest = text.get(5..).filter(|_| has_data_scheme(text.as_bytes()))?;
    let (media, data) = rest.split_once(',').filter(|(media, _)| media.len() <= 256)?;
    let mut media = media.to_ascii_lowercase();
    media.truncate(media.strip_suffix(";base64")?.len());
    let kind = match media.split_once('/') {
        Some(("image", _)) => image(data),
        Some(("audio", _)) => Kind::Audio,
        _ => Kind::File,
    };
    Some(DataUrl { kind, media, data })
}

/// What is said to be an image is one only when it begins as a picture does. An SVG is a text with whatever it likes in it.
fn image(data: &str) -> Kind {
    if is_picture(&first_bytes(data)) { Kind::Image } else { Kind::File }
}

/// PNG, JPEG, GIF, TIFF, WebP, BMP, and the pictures in ISO media files (HEIC, AVIF).
fn is_picture(bytes: &[u8; 12]) -> bool {
    let begins = |with: &[u8]| bytes.starts_with(with);
    match bytes {
        _ if begins(b"\x89PNG\r\n\x1a\n") || begins(b"\xff\xd8\xff") || begins(b"GIF87a") || begins(b"GIF89a") => true,
        _ if begins(b"II*\0") || begins(b"MM\0*") => true,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] | [b'B', b'M', _, _, _, _, 0, 0, 0, 0, _, _] => true,
        [0, 0, _, _, b'f', b't', b'y', b'p', brand @ ..] => {
            [b"avif", b"avis", b"heic", b"heix", b"heif", b"mif1", b"msf1"].contains(&brand)
        }
        _ => false,
    }
}

/// What the first sixteen letters of base64 stand for; zeros where there are fewer, or others.
fn first_bytes(data: &str) -> [u8; 12] {
    let mut out = [0; 12];
    for (letters, bytes) in data.as_bytes().chunks_exact(4).zip(out.chunks_exact_mut(3)) {
        let value = letters.iter().fold(0u32, |value, letter| value << 6 | sextet(*letter));
        let [_, decoded @ ..] = value.to_be_bytes();
        bytes.copy_from_slice(&decoded);
    }
    out
}

fn sextet(letter: u8) -> u32 {
    u32::from(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => 0,
    })
}

/// Letters of the two alphabets of RFC 4648 and padding, as many as bytes can give; not empty.
fn is_base64(text: &str) -> bool {
    let bare = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let fits = bare.len() % 4 != 1 && (bare.len() == text.len() || text.len().is_multiple_of(4));
    fits && !bare.is_empty() && bare.bytes().all(is_letter)
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// Base64 that is too long to be a value that somebody typed.
pub(crate) fn is_opaque(text: &str) -> bool {
    text.len() >= OPAQUE && is_base64(text)
}
