//! The oracle: raw bytes of a socket, with every listed way of writing undone again and again, and pieces joined. It shares no code
//! with the gate.

use std::collections::BTreeMap;

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use serde_json::Value;

/// So many characters of a value in a row are a leak.
const WINDOW: usize = 8;
/// So many digits in a row, whatever stands between them.
const DIGITS: usize = 12;
/// Runs of base64 that are shorter than this cannot hold a window.
const RUN: usize = 11;

/// What of a value can be read in the bytes; nothing if it is safe.
pub fn leak(bytes: &[u8], value: &str) -> Option<String> {
    let value_digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let letters: Vec<char> = value.chars().collect();
    let windows: Vec<String> = letters.windows(WINDOW).map(|window| window.iter().collect()).collect();
    let digit_windows: Vec<&str> = (0..value_digits.len()).filter_map(|at| value_digits.get(at..at + DIGITS)).collect();
    for view in views(bytes) {
        if let Some(window) = windows.iter().find(|window| view.contains(window.as_str())) {
            return Some(window.clone());
        }
        if !digit_windows.is_empty() {
            let digits: String = view.chars().filter(char::is_ascii_digit).collect();
            if let Some(window) = digit_windows.iter().find(|window| digits.contains(**window)) {
                return Some((*window).to_owned());
            }
        }
    }
    None
}

/// Everything that somebody could read in the bytes.
fn views(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut sources: Vec<String> = joined(bytes, true).into_values().chain(joined(bytes, false).into_values()).collect();
    sources.push(text);
    let mut views = Vec::new();
    for source in sources {
        let plain = undo(&source);
        for inner in base64_runs(&source).into_iter().chain(base64_runs(&plain)) {
            views.push(undo(&inner));
        }
        views.push(plain);
        views.push(source);
    }
    views
}

/// Undoes escapes, entities and forms of characters until nothing changes any more.
pub fn undo(text: &str) -> String {
    let mut text = fold(text);
    for _ in 0..6 {
        let next = fold(&entities(&percent(&escapes(&text))));
        if next == text {
            break;
        }
        text = next;
    }
    text
}

/// Full-width forms become ASCII; what is not seen goes.
fn fold(text: &str) -> String {
    let fold = |c: char| match u32::from(c) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0),
        0x3000 => Some(' '),
        0xad
        | 0x34f
        | 0x61c
        | 0x180e
        | 0x200b..=0x200f
        | 0x202a..=0x202e
        | 0x2060..=0x206f
        | 0xfe00..=0xfe0f
        | 0xfeff
        | 0xe0000..=0xe007f => None,
        _ => Some(c),
    };
    text.chars().filter_map(fold).collect()
}

fn escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.strip_prefix('u').and_then(|hex| hex.get(..4)).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let mut letters = after.chars();
        rest = match (code, letters.next()) {
            (Some(code), _) => {
                out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                after.get(5..).unwrap_or_default()
            }
            (None, Some('n' | 'r' | 't' | 'b' | 'f')) => {
                out.push(' ');
                letters.as_str()
            }
            (None, Some(c)) => {
                out.push(c);
                letters.as_str()
            }
            (None, None) => "",
        };
    }
    out + rest
}

fn percent(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = text.get(at + 1..at + 3).filter(|_| *byte == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(hex.unwrap_or(*byte));
        at += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let entity = after.split_once(';').filter(|(name, _)| name.len() <= 9);
        let (c, after) = entity.and_then(|(name, after)| Some((entity_named(name)?, after))).unwrap_or(('&', after));
        out.push(c);
        rest = after;
    }
    out + rest
}

fn entity_named(name: &str) -> Option<char> {
    let code = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        },
        None => {
            return Some(match name {
                "commat" => '@',
                "amp" => '&',
                "lowbar" => '_',
                "period" => '.',
                "plus" => '+',
                "quot" => '"',
                _ => return None,
            });
        }
    };
    char::from_u32(code)
}

/// What runs of base64 stand for, at each of the four ways in which a run may begin.
fn base64_runs(text: &str) -> Vec<String> {
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
    let mut found = Vec::new();
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    for run in text.split(|c| !letter(c)).filter(|run| run.len() >= RUN) {
        let run = run.replace('-', "+").replace('_', "/");
        for start in 0..4 {
            let part = run.get(start..).unwrap_or_default();
            let part = part.get(..part.len() - usize::from(part.len() % 4 == 1)).unwrap_or_default();
            found.extend(engine.decode(part).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    found
}

/// The texts of a body, by their places: of JSON, or of the payloads of its events. With `by_index` an `index` member takes the place
/// of a position and names apart what grows side by side; without, everything in one array is one text.
pub fn joined(bytes: &[u8], by_index: bool) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    let text = String::from_utf8_lossy(bytes);
    // Events may end in the same bytes as a head does.
    let head = text.split_once("\r\n\r\n").filter(|(head, _)| head.lines().next().is_some_and(|line| line.contains("HTTP/1.")));
    let body = head.map_or(text.as_ref(), |(_, body)| body);
    if let Ok(value) = serde_json::from_str::<Value>(body) {
        match value {
            Value::Array(list) => list.iter().for_each(|one| walk(one, &beginning(one, by_index), by_index, &mut texts)),
            one => walk(&one, &beginning(&one, by_index), by_index, &mut texts),
        }
        return texts;
    }
    for payload in body.lines().filter_map(|line| line.strip_prefix("data:")) {
        if let Ok(value) = serde_json::from_str::<Value>(payload.trim_start()) {
            walk(&value, &beginning(&value, by_index), by_index, &mut texts);
        }
    }
    texts
}

/// What tells the texts of one event from those of another.
fn beginning(value: &Value, by_index: bool) -> String {
    let names = ["index", "output_index", "content_index", "summary_index"];
    let parts = names.iter().filter_map(|name| value.get(name)).map(|index| format!("{index}."));
    if by_index { parts.collect() } else { String::new() }
}

fn walk(value: &Value, path: &str, by_index: bool, texts: &mut BTreeMap<String, String>) {
    match value {
        Value::String(text) => texts.entry(path.to_owned()).or_default().push_str(text),
        Value::Array(list) => {
            for (at, one) in list.iter().enumerate() {
                let index = one.get("index").and_then(Value::as_u64).map_or_else(|| at.to_string(), |index| index.to_string());
                let place = if by_index { index } else { "*".to_owned() };
                walk(one, &format!("{path}/{place}"), by_index, texts);
            }
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, one)| walk(one, &format!("{path}/{name}"), by_index, texts));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::leak;

    /// The oracle sees each way of writing, and is silent where there is nothing.
    #[test]
    fn every_way_of_writing_is_undone() {
        let value = "kmnp.qrst@vwxzb-cdfg.test";
        let seen = [
            r#"{"a":"kmnp.qrst@vwxzb-cdfg.test"}"#,
            r#"{"a":"kmnp.qrst\u0040vwxzb"}"#,
            r#"{"a":"{\"b\":\"kmnp.qr\\u0073t\"}"}"#,
            "kmnp%2Eqrst%40vwx",
            "kmnp&#46;qrst&commat;vwx",
            "ｋｍｎｐ.ｑｒｓｔ",
            "km\u{200b}np.\u{ad}qrst",
            "say a21ucC5xcnN0QHZ3eHpi now",
            "say xa21ucC5xcnN0QHZ3eHpi now",
            "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"kmnp\"}}]}\n\ndata: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\".qrst\"}}]}\n\n",
            r#"{"content":[{"text":"kmnp.q"},{"text":"rst@v"}]}"#,
        ];
        for text in seen {
            assert!(leak(text.as_bytes(), value).is_some(), "{text}");
        }
        assert_eq!(leak(b"{\"a\":\"kmnp.qr and EMAIL_7Q2F9KXD4M\"}", value), None);
        assert!(leak(b"{\"a\":4.111111111111111e15}", "4111111111111111").is_some());
    }
}
