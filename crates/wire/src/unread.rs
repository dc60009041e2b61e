//! What cannot be read as text: images, audio, files, sealed values, references that somebody else would fetch.

use bartizan_vocabulary::UninspectedKind;

use crate::zone::Zone;

/// Whether a string is content that is not inspected. A value that only claims to be base64 is inspected like any other.
pub(crate) fn kind(zone: Zone, redacted: bool, in_document: bool, name: &str, text: &str) -> Option<UninspectedKind> {
    match zone {
        Zone::Sealed => is_base64(text).then_some(UninspectedKind::Sealed),
        Zone::Image if name == "url" || name == "image_url" => Some(reference(text, UninspectedKind::Image)),
        Zone::Audio if name == "data" && is_base64(text) => Some(UninspectedKind::Audio),
        Zone::File => file(name, text),
        Zone::Source => source(in_document, name, text),
        _ if redacted && name == "data" && is_base64(text) => Some(UninspectedKind::Sealed),
        _ => None,
    }
}

fn reference(text: &str, kind: UninspectedKind) -> UninspectedKind {
    match text.strip_prefix("data:").and_then(|rest| rest.split_once(',')) {
        Some((media, data)) if media.ends_with(";base64") && is_base64(data) => kind,
        _ => UninspectedKind::RemoteUrl,
    }
}

fn file(name: &str, text: &str) -> Option<UninspectedKind> {
    match name {
        "file_data" => Some(reference(text, UninspectedKind::File)),
        "file_id" => Some(UninspectedKind::File),
        "file_url" => Some(UninspectedKind::RemoteUrl),
        _ => None,
    }
}

fn source(in_document: bool, name: &str, text: &str) -> Option<UninspectedKind> {
    match name {
        "data" if is_base64(text) && text.len() >= 64 => Some(if in_document { UninspectedKind::File } else { UninspectedKind::Image }),
        "url" => Some(UninspectedKind::RemoteUrl),
        "file_id" => Some(UninspectedKind::File),
        _ => None,
    }
}

/// RFC 4648 alphabets, both; not empty.
fn is_base64(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'='))
}
