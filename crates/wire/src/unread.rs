//! What cannot be read as text: images, audio, files, sealed values, references that somebody else would fetch.

use bartizan_vocabulary::UninspectedKind as Kind;

use crate::zone::Zone;

/// The least length of a base64 text that is left out of inspection: shorter ones could be a key or a card number as well,
/// and cost nothing to inspect.
const OPAQUE: usize = 64;

/// Content that is not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub kind: Kind,
    /// The string is a text all the same (a URL, an id, a value that only claims to be base64): it is inspected too.
    pub inspect: bool,
}

/// What holds the string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The `source` of an image.
    Image,
    /// A `source` that says `base64`, of anything else.
    Binary,
    /// Anything else.
    Other,
}

/// Whether a string is content that cannot be read as text.
pub(crate) fn find(zone: Zone, holder: Holder, name: &str, text: &str) -> Option<Found> {
    let data = |kind| Some(Found { kind, inspect: !is_opaque(text) });
    match (zone, name) {
        _ if text.is_empty() => None,
        (Zone::Sealed, _) if has_base64_letters(text) => data(Kind::Sealed),
        (Zone::Audio, "data") => data(Kind::Audio),
        (Zone::Image, "" | "url" | "image_url" | "image" | "video_url" | "video" | "audio_url") | (Zone::File, "file_url") => {
            Some(reference(text))
        }
        (Zone::Source, "url") => Some(reference(text)),
        (Zone::File | Zone::Source, "file_id") => Some(Found { kind: Kind::File, inspect: true }),
        (Zone::File, "file_data") => match data_url(text) {
            Some((_, data)) => Some(Found { kind: Kind::File, inspect: !is_opaque(data) }),
            None => data(Kind::File),
        },
        (Zone::Source, "data") if holder == Holder::Image => data(Kind::Image),
        (Zone::Source, "data") if holder == Holder::Binary => data(Kind::File),
        (Zone::Source, "data") if is_opaque(text) => Some(Found { kind: Kind::File, inspect: true }),
        _ => data_url(text).filter(|(_, data)| has_base64_letters(data)).map(|(kind, _)| Found { kind, inspect: true }),
    }
}

/// A URL: content that it carries itself, or something that somebody else would fetch.
fn reference(text: &str) -> Found {
    match data_url(text) {
        Some((kind, data)) => Found { kind, inspect: !is_opaque(data) },
        None if has_data_scheme(text.as_bytes()) => Found { kind: Kind::File, inspect: true },
        None => Found { kind: Kind::RemoteUrl, inspect: true },
    }
}

/// Whether a text begins as a `data:` URL does (RFC 2397), in any letter case.
pub(crate) fn has_data_scheme(text: &[u8]) -> bool {
    text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"data:"))
}

/// What a `data:` URL says it carries, and its content, which it says is base64.
fn data_url(text: &str) -> Option<(Kind, &str)> {
    let rest = text.get(5..).filter(|_| has_data_scheme(text.as_bytes()))?;
    let (media, data) = rest.split_once(',').filter(|(media, _)| media.len() <= 256)?;
    let media = media.to_ascii_lowercase();
    if !media.ends_with(";base64") {
        return None;
    }
    Some(match media.split_once('/') {
        Some(("image", _)) => (Kind::Image, data),
        Some(("audio", _)) => (Kind::Audio, data),
        _ => (Kind::File, data),
    })
}

/// Only letters of the two alphabets of RFC 4648 and padding; not empty.
fn has_base64_letters(text: &str) -> bool {
    let bare = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_'))
}

/// Base64 that is too long to be a value that somebody typed.
fn is_opaque(text: &str) -> bool {
    text.len() >= OPAQUE && has_base64_letters(text)
}
