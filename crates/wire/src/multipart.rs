//! Forms with files: `multipart/form-data` (RFC 7578), read strictly.
//!
//! Readers of forms differ in what they forgive: text before and behind, bare line feeds, folded or repeated headers, names in two
//! spellings, escapes in file names, encodings of parts. What two of them could read differently is refused here, so that the form
//! that was inspected is the form that its provider reads. What is left is what clients write.

use std::ops::Range;

use memchr::memmem::Finder;

/// Most parts of a form.
const MOST_PARTS: usize = 16;

/// Most bytes of the headers of a part.
const HEAD_BYTES: usize = 4_096;

/// Longest boundary (RFC 2046, section 5.1.1).
const BOUNDARY_BYTES: usize = 70;

/// Longest name of a field.
const NAME_BYTES: usize = 64;

/// Longest name of a file.
const FILE_NAME_BYTES: usize = 1_024;

/// Longest media type.
const MEDIA_BYTES: usize = 127;

/// Why a form is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// The `content-type` of the request.
    #[error(
        "send `content-type: multipart/form-data; boundary=…`, once, with no other parameter and a boundary of at most 70 letters, digits, `-` and `_`"
    )]
    Boundary,
    /// Something stands before the first part, behind the last one, or where a part should begin.
    #[error(
        "the form must begin with its boundary and end with it, each on a line of its own that ends in CR LF, and nothing before or behind"
    )]
    Frame,
    /// The boundary stands inside a part.
    #[error("the boundary of the form occurs inside a part; choose another one")]
    Inside,
    /// There is no part, or there are too many.
    #[error("the form must have 1 to 16 parts")]
    Count,
    /// Headers of a part.
    #[error(
        "a part of the form must have the headers `Content-Disposition` and, if need be, `Content-Type`, each once, on one line that ends in CR LF; no other header changes how a part is read here"
    )]
    Head,
    /// The disposition of a part.
    #[error(
        "a part of the form must say `Content-Disposition: form-data; name=\"…\"` and for a file `; filename=\"…\"`, in this order, each once and in quotation marks; `filename*` is not read"
    )]
    Disposition,
    /// The name of a file.
    #[error("the name of the file must be UTF-8 of 1 to 1024 bytes without `\"`, `\\`, `;`, `=?` and control characters; rename the file")]
    FileName,
    /// The type of a part.
    #[error(
        "the type of a part must be a media type alone, or with `charset=utf-8`; `multipart/…` and `message/…` are not read, send them as `application/octet-stream`"
    )]
    Media,
    /// Two parts with one name.
    #[error("a field of the form occurs more than once, or in another letter case; send it once")]
    Repeated,
    /// A field that the route does not know.
    #[error("the form has a field that this route does not take; it takes {0}")]
    Unknown(&'static str),
    /// A field that is missing.
    #[error("the form has no field `{0}`")]
    Missing(&'static str),
    /// A file where a text belongs, or the other way round.
    #[error("the field `{0}` must be {1}")]
    Type(&'static str, &'static str),
    /// A purpose that leads to what is not spoken.
    #[error("files for batches are refused, because batches cannot be inspected yet; send the requests one by one")]
    Batch,
}

/// A part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormPart {
    /// The name of the field.
    pub name: String,
    /// The name of the file, if it is one.
    pub file_name: Option<String>,
    /// What it is said to be, in small letters and without parameters.
    pub media_type: Option<String>,
    /// Its content, as bytes of the form.
    pub body: Range<usize>,
}

/// The boundary that a `content-type` names.
///
/// # Errors
/// [`FormError::Boundary`].
pub fn boundary(content_type: &str) -> Result<&str, FormError> {
    let named = || {
        let (media, parameter) = content_type.split_once(';')?;
        if !media.trim().eq_ignore_ascii_case("multipart/form-data") {
            return None;
        }
        let (name, value) = parameter.trim().split_once('=')?;
        let value = value.strip_prefix('"').map_or(Some(value), |rest| rest.strip_suffix('"'))?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let fits = (1..=BOUNDARY_BYTES).contains(&value.len()) && value.bytes().all(plain);
        (name.eq_ignore_ascii_case("boundary") && fits).then_some(value)
    };
    named().ok_or(FormError::Boundary)
}

/// The parts of a form. One pass.
///
/// # Errors
/// A sentence for the client.
pub fn form(bytes: &[u8], boundary: &str) -> Result<Vec<FormPart>, FormError> {
    let delimiter = format!("--{boundary}");
    let finder = Finder::new(delimiter.as_bytes());
    if !bytes.starts_with(delimiter.as_bytes()) {
        return Err(FormError::Frame);
    }
    let mut parts: Vec<FormPart> = Vec::new();
    let mut at = delimiter.len();
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        if matches!(rest, b"--" | b"--\r\n") {
            return if parts.is_empty() { Err(FormError::Count) } else { Ok(parts) };
        }
        // A boundary that goes on is not this one, and who only looks at its beginning takes it for it.
        let rest = rest.strip_prefix(b"\r\n").ok_or(if parts.is_empty() { FormError::Frame } else { FormError::Inside })?;
        if parts.len() == MOST_PARTS {
            return Err(FormError::Count);
        }
        let next = finder.find(rest).ok_or(FormError::Frame)?;
        let whole = rest.get(..next).unwrap_or_default().strip_suffix(b"\r\n").ok_or(FormError::Inside)?;
        let part = part(whole, at + 2)?;
        if parts.iter().any(|other| other.name.eq_ignore_ascii_case(&part.name)) {
            return Err(FormError::Repeated);
        }
        parts.push(part);
        at += 2 + next + delimiter.len();
    }
}

/// One part, which begins at `start`.
fn part(whole: &[u8], start: usize) -> Result<FormPart, FormError> {
    let within = whole.get(..HEAD_BYTES.min(whole.len())).unwrap_or_default();
    let head = memchr::memmem::find(within, b"\r\n\r\n").ok_or(FormError::Head)?;
    let body = start + head + 4..start + whole.len();
    let head = within.get(..head).and_then(|head| std::str::from_utf8(head).ok()).ok_or(FormError::Head)?;
    let (mut named, mut media, mut sized) = (None, None, false);
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':').ok_or(FormError::Head)?;
        let value = value.strip_prefix(' ').unwrap_or(value);
        if value.chars().any(char::is_control) || value.trim() != value {
            return Err(FormError::Head);
        }
        let once = match name.to_ascii_lowercase().as_str() {
            "content-disposition" => named.replace(disposition(value)?).is_none(),
            "content-type" => media.replace(media_type(value)?).is_none(),
            // Nobody needs it; where it is right, it says nothing.
            "content-length" => !std::mem::replace(&mut sized, true) && value == body.len().to_string(),
            _ => false,
        };
        if !once {
            return Err(FormError::Head);
        }
    }
    let (name, file_name) = named.ok_or(FormError::Head)?;
    Ok(FormPart { name, file_name, media_type: media, body })
}

/// Name and file name.
fn disposition(value: &str) -> Result<(String, Option<String>), FormError> {
    // The name of the field comes first: some readers look for `name="` and find it in `filename="`.
    let rest = value.strip_prefix("form-data;").map(|rest| rest.strip_prefix(' ').unwrap_or(rest));
    let (name, rest) = rest.and_then(|rest| rest.strip_prefix("name=\"")?.split_once('"')).ok_or(FormError::Disposition)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'[' | b']');
    if !(1..=NAME_BYTES).contains(&name.len()) || !name.bytes().all(plain) {
        return Err(FormError::Disposition);
    }
    if rest.is_empty() {
        return Ok((name.to_owned(), None));
    }
    let rest = rest.strip_prefix(';').map(|rest| rest.strip_prefix(' ').unwrap_or(rest)).and_then(|rest| rest.strip_prefix("filename=\""));
    let file = rest.ok_or(FormError::Disposition)?;
    let (file, rest) = file.split_once('"').ok_or(FormError::Disposition)?;
    // Some take a backslash for an escape, some a semicolon for the end, some `=?` for an encoded word.
    if file.contains(['\\', ';']) || file.contains("=?") || !(1..=FILE_NAME_BYTES).contains(&file.len()) {
        return Err(FormError::FileName);
    }
    if !rest.is_empty() {
        return Err(FormError::Disposition);
    }
    Ok((name.to_owned(), Some(file.to_owned())))
}

fn media_type(value: &str) -> Result<String, FormError> {
    let (media, parameter) = value.split_once(';').map_or((value, None), |(media, rest)| (media, Some(rest)));
    let charset = |rest: &str| {
        let (name, value) = rest.trim().split_once('=')?;
        let value = value.strip_prefix('"').map_or(Some(value), |rest| rest.strip_suffix('"'))?;
        (name.eq_ignore_ascii_case("charset") && value.eq_ignore_ascii_case("utf-8")).then_some(())
    };
    let media = media.to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-' | b'_');
    let is_name = |word: &str| !word.is_empty() && word.bytes().all(plain);
    let fits = media.len() <= MEDIA_BYTES
        && media.split_once('/').is_some_and(|(kind, name)| is_name(kind) && is_name(name) && !matches!(kind, "multipart" | "message"));
    if fits && parameter.is_none_or(|rest| charset(rest).is_some()) { Ok(media) } else { Err(FormError::Media) }
}
