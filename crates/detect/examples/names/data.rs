//! Reads what is trained on and judged: marked sentences, word lists, texts without names.

use std::fs;
use std::path::{Path, PathBuf};

use bartizan_detect::names::Kind;
use bartizan_detect::names::train::{Lists, Sample, chunks, share};
use serde_json::Value;

/// A marked sentence; offsets are bytes.
pub struct Row {
    pub text: String,
    pub template: u64,
    pub spans: Vec<(usize, usize, String)>,
}

impl Row {
    /// As a text to learn from.
    pub fn sample(&self) -> Sample {
        let spans = self.spans.iter().filter_map(|(start, end, label)| Kind::from_label(label).map(|kind| (*start, *end, kind)));
        Sample { text: self.text.clone(), spans: spans.collect() }
    }
}

/// The sentences of a file, one JSON object a line.
pub fn rows(path: &Path) -> Vec<Row> {
    let content = fs::read_to_string(path).unwrap_or_default();
    content.lines().filter_map(|line| serde_json::from_str(line).ok()).map(|value| row(&value)).collect()
}

fn row(value: &Value) -> Row {
    let text = value["text"].as_str().unwrap_or_default().to_owned();
    let byte = |code_point: &Value| {
        let at = code_point.as_u64().and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
        text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte)
    };
    let spans = value["spans"].as_array().into_iter().flatten();
    let spans = spans.map(|span| (byte(&span["start"]), byte(&span["end"]), span["label"].as_str().unwrap_or_default().to_owned()));
    let mut spans: Vec<_> = spans.collect();
    spans.sort();
    Row { template: value["template_id"].as_u64().unwrap_or(0), spans, text }
}

/// The word lists of a folder.
pub fn lists(folder: &Path) -> Lists {
    let mut lists = Lists::default();
    let mut files: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "txt")) {
        let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        lists.add(name, &fs::read_to_string(file).unwrap_or_default());
    }
    lists
}

/// Texts without names: pieces of the files below folders that are there to learn from.
pub fn clean(folders: &[PathBuf]) -> Vec<String> {
    folders.iter().flat_map(|folder| files(folder, false)).flat_map(|(_, text)| chunks(&text)).collect()
}

/// The texts below a folder that are there to learn from, or to judge by.
pub fn files(folder: &Path, judge: bool) -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for path in fs::read_dir(&inner).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if let Some(relative) = path.strip_prefix(folder).ok().and_then(Path::to_str) {
                paths.push(relative.to_owned());
            }
        }
    }
    paths.sort();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let read = |path: &&str| {
        let path = folder.join(path);
        fs::read_to_string(&path).ok().filter(|text| text.len() < LONGEST).map(|text| (path, text))
    };
    share(&paths, judge).iter().filter_map(read).collect()
}

/// Longer files are mostly tables.
const LONGEST: usize = 60_000;
