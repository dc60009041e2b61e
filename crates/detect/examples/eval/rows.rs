//! The labelled sets: one JSON object a line, in the schema of the data's own description.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A stretch of a text, in bytes, and what it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub start: usize,
    pub end: usize,
    pub label: String,
}

/// A text, and what should be found in it.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub id: String,
    pub text: String,
    /// What is marked, in order; empty where positions are not given.
    pub spans: Vec<Span>,
    /// `match`, `no_match`, `spans`, `valid`, `invalid` or `undecided`.
    pub expected: String,
    /// The rule of the origin that the case belongs to.
    pub rule: String,
    /// The type that the origin asks for.
    pub entity: String,
    /// The template that a sentence was filled from.
    pub template: u64,
}

impl Row {
    /// The text of a span.
    pub fn part(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn from(value: &Value) -> Self {
        let field = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let text = field("text");
        let byte = |code_point: &Value| {
            let at = code_point.as_u64().and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
            text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte)
        };
        let span = |span: &Value| Span {
            start: byte(&span["start"]),
            end: byte(&span["end"]),
            label: span["label"].as_str().unwrap_or_default().to_owned(),
        };
        let mut spans: Vec<Span> = value["spans"].as_array().into_iter().flatten().map(span).collect();
        spans.sort();
        Self {
            id: field("id"),
            expected: field("expected"),
            rule: field("rule"),
            entity: value["entities"][0].as_str().unwrap_or_default().to_owned(),
            template: value["template_id"].as_u64().unwrap_or(0),
            spans,
            text,
        }
    }
}

/// The rows of a file; nothing where there is none.
pub fn rows(path: &Path) -> Vec<Row> {
    let content = fs::read_to_string(path).unwrap_or_default();
    content.lines().filter_map(|line| serde_json::from_str(line).ok()).map(|value| Row::from(&value)).collect()
}

/// All files below a folder in order, links not followed.
pub fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| !path.is_symlink()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files(&path, out);
        } else {
            out.push(path);
        }
    }
}
