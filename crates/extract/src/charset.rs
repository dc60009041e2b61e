//! Bytes to characters: byte order marks, declared character sets, and what is done when neither helps.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Decoded text.
pub struct Decoded<'a> {
    pub text: Cow<'a, str>,
    /// Where the text starts in the bytes, when it is literally those bytes.
    pub literal_from: Option<usize>,
    /// The character set was guessed, unknown, or does not fit the bytes.
    pub doubtful: bool,
}

/// Whether the bytes could be text at all, in a character set that keeps ASCII: no zero byte, few controls.
pub fn is_text_like(bytes: &[u8]) -> bool {
    let mut controls = 0_usize;
    for byte in bytes {
        match byte {
            0 => return false,
            1..=7 | 11 | 14..=26 | 28..=31 | 127 => controls += 1,
            _ => {}
        }
    }
    controls <= bytes.len() / 32
}

/// UTF-16 without a byte order mark: most characters have a zero byte on the same side.
pub fn bare_utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    if bytes.len() < 8 || !bytes.len().is_multiple_of(2) {
        return None;
    }
    let (mut high, mut low) = (0_usize, 0_usize);
    for pair in bytes.chunks_exact(2) {
        match pair {
            [0, 0] => return None,
            [0, byte] if is_text_like(&[*byte]) => high += 1,
            [byte, 0] if is_text_like(&[*byte]) => low += 1,
            _ => {}
        }
    }
    let most = bytes.len() / 2 / 5 * 3 + 1;
    if high >= most && low == 0 {
        Some(UTF_16BE)
    } else if low >= most && high == 0 {
        Some(UTF_16LE)
    } else {
        None
    }
}

/// Decodes by byte order mark, then by the declared name, then as UTF-8, and at last byte by byte as windows-1252.
pub fn decode<'a>(bytes: &'a [u8], declared: Option<&str>) -> Decoded<'a> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let body = crate::rest(bytes, mark);
        if encoding == UTF_8
            && let Ok(text) = std::str::from_utf8(body)
        {
            return Decoded { text: Cow::Borrowed(text), literal_from: Some(mark), doubtful: false };
        }
        return by(encoding, body, false);
    }
    let named = declared.map(str::trim).filter(|name| !name.is_empty());
    let known = named.and_then(|name| Encoding::for_label(name.as_bytes()));
    let unknown_name = named.is_some() && known.is_none();
    if let Some(encoding) = known.filter(|it| *it != UTF_8) {
        // The same text byte for byte, whatever the name, unless the name changes what ASCII means.
        if bytes.is_ascii() && encoding.is_ascii_compatible() {
            return utf8(bytes).unwrap_or_else(|| by(encoding, bytes, false));
        }
        return by(encoding, bytes, false);
    }
    if let Some(encoding) = bare_utf16(bytes) {
        return by(encoding, bytes, false);
    }
    let mut decoded = utf8(bytes).unwrap_or_else(|| by(WINDOWS_1252, bytes, true));
    decoded.doubtful |= unknown_name;
    decoded
}

fn utf8(bytes: &[u8]) -> Option<Decoded<'_>> {
    let text = std::str::from_utf8(bytes).ok()?;
    Some(Decoded { text: Cow::Borrowed(text), literal_from: Some(0), doubtful: false })
}

fn by<'a>(encoding: &'static Encoding, bytes: &'a [u8], doubtful: bool) -> Decoded<'a> {
    let (text, damaged) = encoding.decode_without_bom_handling(bytes);
    Decoded { text, literal_from: None, doubtful: doubtful || damaged }
}

/// The value of a parameter in a media type: `charset` of `text/plain; charset="utf-8"`.
pub fn parameter<'a>(media_type: &'a str, name: &str) -> Option<&'a str> {
    media_type.split(';').skip(1).find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], declared: Option<&str>, text: &str, literal_from: Option<usize>, doubtful: bool) {
        let decoded = decode(bytes, declared);
        assert_eq!((&*decoded.text, decoded.literal_from, decoded.doubtful), (text, literal_from, doubtful), "{bytes:?}");
    }

    #[test]
    fn marks_names_and_guesses() {
        check(b"\xEF\xBB\xBFhi", None, "hi", Some(3), false);
        check(b"\xFF\xFEh\0i\0", Some("utf-8"), "hi", None, false);
        check(b"\xFE\xFF\0h\0i", None, "hi", None, false);
        check(b"h\0e\0l\0l\0o\0", None, "hello", None, false);
        check("é".as_bytes(), None, "é", Some(0), false);
        check(b"\xE9", Some("iso-8859-1"), "é", None, false);
        check(b"\xE9", None, "é", None, true);
        check(b"plain", Some("latin1"), "plain", Some(0), false);
        check(b"plain", Some("x-nobody"), "plain", Some(0), true);
        check(b"+AEA-", Some("utf-7"), "+AEA-", Some(0), true);
        check(b"\x1b$B$\"\x1b(B", Some("iso-2022-jp"), "あ", None, false);
    }
}
