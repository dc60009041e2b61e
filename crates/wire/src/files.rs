//! Files that a provider keeps: the form in which one is sent, and the pages in which they are listed.

use std::ops::Range;

use crate::json::{NodeKind, Tape, escape_into};
use crate::multipart::{FormError, FormPart, form};
use crate::route::Family;
use crate::stored::own_id;

/// The field of the file.
const FILE: &str = "file";
/// The field that says what it is for.
const PURPOSE: &str = "purpose";
/// What it may be for: OpenAI's words. Those of other vendors make files that are named in texts, or that come back changed.
const PURPOSES: &[&str] = &["assistants", "evals", "fine-tune", "user_data", "vision"];
/// Fields that say when it ends.
const ENDS: [&str; 2] = ["expires_after[anchor]", "expires_after[seconds]"];
/// All of them, for the sentence.
const FIELDS: &str = "`file`, `purpose`, `expires_after[anchor]` and `expires_after[seconds]`";
/// Longest value of a field.
const VALUE_BYTES: usize = 64;

/// A form that sends a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The name of the file.
    pub file_name: String,
    /// What it is said to be.
    pub media_type: Option<String>,
    /// Its bytes, in the form.
    pub body: Range<usize>,
    /// Names and values of the other fields.
    fields: Vec<(String, String)>,
}

/// Reads the form in which a file is sent: Anthropic's has the file only. Every field is known here: another one could say anything to a
/// provider.
///
/// # Errors
/// A sentence for the client.
pub fn upload(bytes: &[u8], boundary: &str, family: Family) -> Result<Upload, FormError> {
    let file_only = family == Family::Anthropic;
    let (mut file, mut fields) = (None, Vec::new());
    for part in form(bytes, boundary)? {
        if part.name == FILE {
            file = Some(part);
            continue;
        }
        if file_only {
            return Err(FormError::Unknown("`file`"));
        }
        let Some(known) = [PURPOSE].iter().chain(&ENDS).find(|known| **known == part.name) else { return Err(FormError::Unknown(FIELDS)) };
        let value = word(bytes, &part).ok_or(FormError::Type(known, "a text of at most 64 small letters, digits, `_` and `-`"))?;
        // Whatever comes behind it: `batch_output` is none that is sent.
        if *known == PURPOSE && value.starts_with("batch") {
            return Err(FormError::Batch);
        }
        if *known == PURPOSE && !PURPOSES.contains(&value.as_str()) {
            return Err(FormError::Type(PURPOSE, "`assistants`, `evals`, `fine-tune`, `user_data` or `vision`"));
        }
        fields.push((part.name, value));
    }
    if !file_only && !fields.iter().any(|(name, _)| name == PURPOSE) {
        return Err(FormError::Missing(PURPOSE));
    }
    let file = file.ok_or(FormError::Missing(FILE))?;
    let file_name = file.file_name.ok_or(FormError::Type(FILE, "a file with a name"))?;
    Ok(Upload { file_name, media_type: file.media_type, body: file.body, fields })
}

/// The value of a field: a word that every reader reads alike.
fn word(bytes: &[u8], part: &FormPart) -> Option<String> {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    let value = bytes.get(part.body.clone()).filter(|value| (1..=VALUE_BYTES).contains(&value.len()) && value.iter().all(plain))?;
    let is_text = part.file_name.is_none() && part.media_type.as_deref().is_none_or(|media| media == "text/plain");
    is_text.then(|| String::from_utf8_lossy(value).into_owned())
}

/// The member of [`Upload::shown`] that stands for the bytes of the file.
pub const SHOWN_FILE: &str = "file";
/// The member for the boundary: chosen by chance, like an identifier.
pub const SHOWN_BOUNDARY: &str = "boundary";

impl Upload {
    /// What a form says besides the bytes of its file, as an object of JSON: so it is inspected, and so events point to what was found.
    pub fn shown(&self, boundary: &str) -> Vec<u8> {
        let own = [("filename", self.file_name.as_str()), ("media_type", self.media_type.as_deref().unwrap_or_default())];
        let rest = [(SHOWN_BOUNDARY, boundary), (SHOWN_FILE, "")];
        let fields = self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut out = vec![b'{'];
        for (name, value) in own.into_iter().chain(fields).chain(rest) {
            if out.len() > 1 {
                out.push(b',');
            }
            for (text, end) in [(name, b':'), (value, b' ')] {
                out.push(b'"');
                escape_into(text, &mut out);
                out.extend_from_slice(&[b'"', end]);
            }
        }
        out.push(b'}');
        out
    }
}

/// A page of a list of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePage {
    /// Ids, and where each file stands.
    pub files: Vec<(String, Range<usize>)>,
    /// Whether the provider has more of them behind these.
    pub has_more: bool,
}

/// Reads a page of a list of files. A file without an id that can be named is nobody's.
pub fn file_page(tape: &Tape, bytes: &[u8]) -> Option<FilePage> {
    let data = tape.member(bytes, 0, "data").filter(|id| tape.node(*id).is_some_and(|node| node.kind == NodeKind::Array))?;
    let named = |(file, node): (u32, &crate::json::Node)| Some((own_id(tape, bytes, file)?, node.outer()));
    let files = tape.members(data).filter_map(named).collect();
    let has_more = tape.member(bytes, 0, "has_more").and_then(|id| tape.node(id)).is_some_and(|node| node.kind == NodeKind::True);
    Some(FilePage { files, has_more })
}

/// Writes a page of files, each as its provider wrote it.
pub fn write_file_page(files: &[(&str, &[u8])], has_more: bool, family: Family) -> Vec<u8> {
    let open: &[u8] = if family == Family::Anthropic { b"{\"data\":[" } else { b"{\"object\":\"list\",\"data\":[" };
    let mut out = open.to_vec();
    for (at, (_, file)) in files.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(file);
    }
    out.push(b']');
    for (name, file) in [("first_id", files.first()), ("last_id", files.last())] {
        out.extend_from_slice(format!(",\"{name}\":").as_bytes());
        match file {
            Some((id, _)) => {
                out.push(b'"');
                escape_into(id, &mut out);
                out.push(b'"');
            }
            None => out.extend_from_slice(b"null"),
        }
    }
    out.extend_from_slice(format!(",\"has_more\":{has_more}}}").as_bytes());
    out
}
