//! The header of a message or a part: unfolded, encoded words decoded, and the fields that say how to read the body.

use crate::charset;
use crate::mail::decode;

/// Parameters of one field.
const MAX_PARAMETERS: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transfer {
    #[default]
    Plain,
    QuotedPrintable,
    Base64,
    Unknown,
}

#[derive(Default)]
pub struct Headers {
    /// All fields, decoded, one a line; parameters that are written in pieces or with escapes again at the end.
    pub text: String,
    /// Where the body starts.
    pub end: usize,
    pub content_type: Option<String>,
    /// Type and subtype in lower case.
    pub media_type: Option<String>,
    pub boundary: Option<String>,
    pub file_name: Option<String>,
    pub transfer: Transfer,
    /// A field that may stand once stands twice: readers differ about which counts.
    pub ambiguous: bool,
}

/// The name of the field when the line begins one.
pub fn field_name(line: &[u8]) -> Option<&str> {
    let colon = line.iter().take(80).position(|byte| *byte == b':')?;
    let name = std::str::from_utf8(crate::part(line, 0..colon)).ok()?.trim_end();
    (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())).then_some(name)
}

impl Headers {
    pub fn read(bytes: &[u8]) -> Self {
        let mut headers = Self::default();
        let mut field = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let rest = crate::rest(bytes, at);
            let len = memchr::memchr(b'\n', rest).map_or(rest.len(), |it| it + 1);
            let line = crate::part(rest, 0..len);
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let folded = line.starts_with(b" ") || line.starts_with(b"\t");
            if line.is_empty() {
                at += len;
                break;
            }
            // A line that is no field ends the header without an empty line.
            if !folded && field_name(line).is_none() && !(at == 0 && line.starts_with(b"From ")) {
                break;
            }
            if !folded {
                headers.field(&std::mem::take(&mut field));
            } else if !field.is_empty() {
                field.push(b' ');
            }
            field.extend_from_slice(line.trim_ascii_start());
            at += len;
        }
        headers.field(&field);
        headers.end = at;
        headers
    }

    fn field(&mut self, field: &[u8]) {
        if field.is_empty() {
            return;
        }
        let raw = charset::decode(field, None).text.into_owned();
        self.text.push_str(&decode::words(&raw));
        self.text.push('\n');
        let Some((name, value)) = raw.split_once(':') else { return };
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "content-type" => {
                self.ambiguous |= self.content_type.is_some();
                let parameters = self.parameters(value);
                if self.content_type.is_none() {
                    self.boundary = parameters.iter().find(|it| it.0 == "boundary").map(|it| it.1.clone());
                    self.media_type = Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
                    self.content_type = Some(value.to_owned());
                }
                self.ambiguous |= parameters.iter().filter(|it| it.0 == "boundary").count() > 1;
                self.name(&parameters, "name");
            }
            "content-disposition" => {
                let parameters = self.parameters(value);
                self.name(&parameters, "filename");
            }
            "content-transfer-encoding" => {
                let transfer = match value.to_ascii_lowercase().as_str() {
                    "base64" => Transfer::Base64,
                    "quoted-printable" => Transfer::QuotedPrintable,
                    "" | "7bit" | "8bit" | "binary" => Transfer::Plain,
                    _ => Transfer::Unknown,
                };
                self.ambiguous |= self.transfer != Transfer::Plain && self.transfer != transfer;
                self.transfer = transfer;
            }
            _ => {}
        }
    }

    fn name(&mut self, parameters: &[(String, String)], key: &str) {
        if let Some((_, value)) = parameters.iter().find(|it| it.0 == key) {
            self.file_name = Some(decode::words(value));
        }
    }

    /// The parameters of a field, those in pieces put together (RFC 2231).
    fn parameters(&mut self, value: &str) -> Vec<(String, String)> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for (count, pair) in pieces(value).into_iter().enumerate() {
            if count >= MAX_PARAMETERS {
                self.ambiguous = true;
                break;
            }
            let Some((key, value)) = pair.split_once('=') else { continue };
            let key = key.trim().to_ascii_lowercase();
            let value = unquote(value.trim());
            let Some((base, _)) = key.split_once('*') else {
                parameters.push((key, value));
                continue;
            };
            let first = key.ends_with('*') && !key.trim_end_matches('*').contains('*') || key.ends_with("*0*");
            let value = if key.ends_with('*') { decode::percent(&value, first) } else { value };
            match parameters.iter_mut().find(|it| it.0 == base) {
                Some((_, whole)) if !first => whole.push_str(&value),
                _ => parameters.push((base.to_owned(), value)),
            }
        }
        if value.contains('*') {
            for (_, value) in &parameters {
                self.text.push_str(value);
                self.text.push('\n');
            }
        }
        parameters
    }
}

/// Splits at semicolons that are not inside quotation marks.
fn pieces(value: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => {
                pieces.extend(value.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.extend(value.get(start..));
    pieces
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(next) = chars.next() {
        match next {
            '"' => break,
            '\\' => out.extend(chars.next()),
            other => out.push(other),
        }
    }
    out
}
