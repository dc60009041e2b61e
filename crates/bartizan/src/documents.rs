//! Files as texts: what `detect` and `redact` look at. A text file is looked at as it stands, with offsets into it; of a document
//! (PDF, office, e-mail, ZIP …) the texts in it, each with its place. What was not read is told, so that it is never taken for clean.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use bartizan_extract::{Hint, Kind, Limits, Segment, View, extract, render};

use crate::output::read_bytes;

/// Bytes of one file, of the text in it, and a quarter of what its compressed parts may inflate to.
const MOST: usize = 256 << 20;

/// A file as it was read.
pub struct Document {
    /// Its texts.
    pub texts: Vec<Text>,
    /// What was not read: where, and why.
    pub unread: Vec<(String, &'static str)>,
}

/// A text of a file.
pub struct Text {
    /// Where it stands; none for a file that is itself this text.
    pub place: Option<String>,
    /// What it says.
    pub content: String,
    /// Whether what it says stands in another text too, in another form.
    pub again: bool,
}

/// A file as it can be redacted.
pub enum Redactable {
    /// It is text, and can be edited where it stands.
    Text(String),
    /// What one reads in it.
    Rendered(String),
}

fn limits() -> Limits {
    Limits { input_bytes: MOST, output_bytes: MOST, inflated_bytes: 4 * MOST, ..Limits::default() }
}

fn hint(path: &Path) -> Hint<'_> {
    Hint { media_type: None, file_name: path.file_name().and_then(|name| name.to_str()) }
}

/// How a file is called.
pub fn name(path: &Path) -> String {
    if path.as_os_str() == "-" { "(stdin)".to_owned() } else { path.display().to_string() }
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// When it cannot be opened, is longer than 256 MiB, or nothing in it can be read.
pub fn read(path: &Path) -> Result<Document> {
    of(read_bytes(path)?, &hint(path)).with_context(|| format!("`{}` cannot be read", name(path)))
}

/// The texts of bytes.
///
/// # Errors
/// When nothing in them can be read.
pub fn of(bytes: Vec<u8>, hint: &Hint<'_>) -> Result<Document> {
    let extracted = extract(&bytes, hint, &limits())?;
    let unread = extracted.unread.into_iter().map(|one| (one.place, one.reason.name())).collect();
    let whole = 0..bytes.len();
    let own = is_own(extracted.kind).then(|| String::from_utf8(bytes).ok()).flatten();
    let mut texts = Vec::with_capacity(extracted.segments.len() + 1);
    let is_text = own.is_some();
    // In a notebook people know the cells, not the lines of its JSON.
    let by_cells = extracted.kind == Kind::Notebook;
    let own = own.map(|text| Text { place: None, content: text, again: by_cells });
    let (first, last) = if by_cells { (None, own) } else { (own, None) };
    texts.extend(first);
    let beside = |segment: &Segment| !(is_text && segment.range.as_ref() == Some(&whole));
    // Of a file that is text, everything that its parts say stands in it already, in another form or not.
    texts.extend(extracted.segments.into_iter().filter(beside).map(|segment| Text {
        place: Some(segment.place),
        content: segment.text,
        again: (is_text && !by_cells) || segment.view == View::Again,
    }));
    texts.extend(last);
    Ok(Document { texts, unread })
}

/// Whether a file of this kind is a text that people open as it is.
fn is_own(kind: Kind) -> bool {
    kind.is_text() || kind == Kind::Email
}

/// Reads a file to be redacted.
///
/// # Errors
/// As [`read`]; and when a part of it could not be read, or it has no form in which it could be given out redacted.
pub fn redactable(path: &Path) -> Result<Redactable> {
    let bytes = read_bytes(path)?;
    let failed = || format!("`{}` cannot be redacted", name(path));
    let extracted = extract(&bytes, &hint(path), &limits()).with_context(failed)?;
    if let Some(unread) = extracted.unread.first() {
        return Err(anyhow!("{}: {}", unread.place, unread.reason.name())).with_context(failed);
    }
    if extracted.kind.is_text()
        && let Ok(text) = String::from_utf8(bytes.clone())
    {
        return Ok(Redactable::Text(text));
    }
    let rendered = render(&bytes, &hint(path), &limits());
    rendered
        .map(|rendered| Redactable::Rendered(rendered.text))
        .context("it has no text that could stand in its place")
        .with_context(failed)
}

/// The files that were named; of folders, every file below them, sorted.
pub fn below(files: &[PathBuf]) -> Vec<PathBuf> {
    if files.is_empty() {
        return vec![PathBuf::from("-")];
    }
    let mut paths = Vec::new();
    for file in files {
        collect(file, &mut paths);
    }
    paths
}

fn collect(path: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(path) else {
        out.push(path.to_path_buf());
        return;
    };
    let mut inside: Vec<PathBuf> = entries.flatten().filter(|entry| !entry.path().is_symlink()).map(|entry| entry.path()).collect();
    inside.sort();
    for path in inside {
        collect(&path, out);
    }
}
