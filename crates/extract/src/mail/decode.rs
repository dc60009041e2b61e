//! Transfer encodings and encoded words: quoted-printable and base64 (RFC 2045), words in headers (RFC 2047), percent forms (RFC 2231).

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::charset;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes base64, passing over everything that is not of its alphabet. The flag: there is more behind a padding, which some readers
/// decode and others do not.
pub fn base64(bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    let mut run = Vec::new();
    let (mut runs, mut padded) = (0, false);
    let mut flush = |run: &mut Vec<u8>| {
        if run.len() % 4 == 1 {
            run.pop();
        }
        if !run.is_empty() {
            runs += 1;
            out.extend(LENIENT.decode(&*run).unwrap_or_default());
        }
        run.clear();
        runs
    };
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => run.push(*byte),
            b'=' => {
                flush(&mut run);
                padded = true;
            }
            _ => {}
        }
    }
    let runs = flush(&mut run);
    (out, padded && runs > 1)
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok())
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [high, low, ..] => Some(hex(*high)? << 4 | hex(*low)?),
        _ => None,
    }
}

/// Decodes quoted-printable. What is not of the form stays as it is.
pub fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'=' {
            out.push(*first);
            continue;
        }
        if let Some(byte) = hex_pair(after) {
            out.push(byte);
            rest = crate::rest(after, 2);
            continue;
        }
        let blanks = after.iter().take_while(|byte| b" \t\r".contains(byte)).count();
        match after.get(blanks) {
            Some(b'\n') => rest = crate::rest(after, blanks + 1),
            None => rest = &[],
            Some(_) => out.push(b'='),
        }
    }
    out
}

/// Decodes `%41`; with `named`, what stands in front of two apostrophes is the character set.
pub fn percent(value: &str, named: bool) -> String {
    let (name, value) = match value.splitn(3, '\'').collect::<Vec<_>>().as_slice() {
        [name, _, value] if named => (Some(*name), *value),
        _ => (None, value),
    };
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match hex_pair(after) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = crate::rest(after, 2);
            }
            _ => bytes.push(*first),
        }
    }
    charset::decode(&bytes, name).text.into_owned()
}

/// Decodes the encoded words of a field. Blanks between two of them are not text.
pub fn words(field: &str) -> String {
    let mut out = String::new();
    // Bytes of adjacent words of one character set: a character may be split over them.
    let mut pending: Option<(String, Vec<u8>)> = None;
    let mut rest = field;
    // Behind the last end of a word there is no word: without this each opening would be followed to the end of the field.
    let last_end = field.rfind("?=").unwrap_or(0);
    while let Some((before, after)) = rest.split_once("=?") {
        let found = if field.len() - after.len() <= last_end { word(after) } else { None };
        let Some((name, bytes, behind)) = found else {
            flush(&mut pending, &mut out);
            out.push_str(before);
            out.push_str("=?");
            rest = after;
            continue;
        };
        let adjacent = before.trim().is_empty() && pending.as_ref().is_some_and(|it| it.0 == name);
        if adjacent {
            if let Some((_, whole)) = &mut pending {
                whole.extend(bytes);
            }
        } else {
            let between_words = pending.is_some() && before.trim().is_empty();
            flush(&mut pending, &mut out);
            out.push_str(if between_words { "" } else { before });
            pending = Some((name, bytes));
        }
        rest = behind;
    }
    flush(&mut pending, &mut out);
    out.push_str(rest);
    out
}

fn flush(pending: &mut Option<(String, Vec<u8>)>, out: &mut String) {
    if let Some((name, bytes)) = pending.take() {
        out.push_str(&charset::decode(&bytes, Some(&name)).text);
    }
}

/// One word behind its `=?`: character set, bytes, and what follows.
fn word(text: &str) -> Option<(String, Vec<u8>, &str)> {
    let mut fields = text.splitn(3, '?');
    let (name, encoding, after) = (fields.next()?, fields.next()?, fields.next()?);
    if name.len() > 64 || !matches!(encoding, "B" | "b" | "Q" | "q") {
        return None;
    }
    let (payload, behind) = after.split_once("?=")?;
    let bytes = match encoding {
        "B" | "b" => base64(payload.as_bytes()).0,
        _ => quoted_printable(payload.replace('_', " ").as_bytes()),
    };
    let name = name.split('*').next().unwrap_or_default().to_ascii_lowercase();
    Some((name, bytes, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words() {
        let check = |field: &str, expected: &str| assert_eq!(words(field), expected, "{field}");
        check("Subject: =?utf-8?B?w6k=?= x", "Subject: é x");
        check("=?iso-8859-1?Q?a_=E9?= =?iso-8859-1?q?b?=", "a éb");
        check("=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=", "é");
        check("=?utf-8?Q?a?= =?latin1?Q?=E9?=", "aé");
        check("=?broken =?utf-8?Q?a?=", "=?broken a");
        check("a =? b", "a =? b");
    }

    #[test]
    fn transfer_encodings() {
        assert_eq!(quoted_printable(b"a=3D=\r\nb=  \nc=zz="), b"a=bc=zz");
        assert_eq!(base64(b"aGVs\r\nbG8="), (b"hello".to_vec(), false));
        assert_eq!(base64(b"aGk=aGk="), (b"hihi".to_vec(), true));
        assert_eq!(percent("utf-8'en'%C3%A9", true), "é");
    }
}
