//! Texts of folders: source files, documentation.

use std::path::{Path, PathBuf};

use bartizan_detect::names::train::share;
use bartizan_detect::subjects::train::uncommented;

/// Path and content of each.
#[derive(Default)]
pub struct Texts(pub Vec<(String, String)>);

/// Endings of source files.
const CODE: [&str; 16] = ["rs", "c", "h", "cc", "cpp", "py", "js", "ts", "go", "java", "sh", "pl", "pm", "rb", "sql", "tcl"];
/// Endings of texts for people, and of what programs write.
const TEXT: [&str; 10] = ["md", "txt", "rst", "log", "json", "jsonl", "toml", "yml", "csv", "pod"];
/// Longest file that is read.
const LONGEST: u64 = 200_000;

fn walk(folder: &Path, below: &Path, out: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder.join(below)) else { return };
    for entry in entries.flatten() {
        let path = below.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(folder, &path, out),
            Ok(kind) if kind.is_file() => out.extend(path.to_str().map(str::to_owned)),
            _ => {}
        }
    }
}

fn read(folders: &[PathBuf], wanted: &dyn Fn(&str) -> bool, half: Option<bool>) -> Texts {
    let mut texts = Vec::new();
    for folder in folders {
        let mut paths = Vec::new();
        walk(folder, Path::new(""), &mut paths);
        paths.retain(|path| wanted(path));
        paths.sort();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        for path in half.map_or_else(|| paths.clone(), |judge| share(&paths, judge)) {
            let full = folder.join(path);
            if std::fs::metadata(&full).is_ok_and(|meta| meta.len() <= LONGEST)
                && let Ok(text) = std::fs::read_to_string(&full)
            {
                texts.push((path.to_owned(), text));
            }
        }
    }
    Texts(texts)
}

fn ends(path: &str, endings: &[&str]) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    match name.rsplit_once('.') {
        Some((_, ending)) => endings.contains(&ending),
        // Licences and the like.
        None => endings.contains(&"md") && name.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_')),
    }
}

/// Source files that are trained on, or with `judge` judged.
pub fn code(folders: &[PathBuf], judge: bool) -> Vec<String> {
    read(folders, &|path| ends(path, &CODE), Some(judge)).0.into_iter().map(|(_, text)| text).collect()
}

/// Texts of none that are trained on, or with `judge` judged.
pub fn texts(folders: &[PathBuf], judge: bool) -> Vec<String> {
    read(folders, &|path| ends(path, &TEXT), Some(judge)).0.into_iter().map(|(_, text)| text).collect()
}

/// What is judged of folders that are trained on.
pub fn judged(folders: &[PathBuf], is_code: bool) -> Texts {
    let endings: &[&str] = if is_code { &CODE } else { &TEXT };
    let mut texts = read(folders, &|path| ends(path, endings), Some(true));
    if is_code {
        for (_, text) in &mut texts.0 {
            *text = uncommented(text);
        }
    }
    texts
}

/// All texts of folders that nothing is trained on.
pub fn all(folders: &[PathBuf]) -> Texts {
    read(folders, &|path| !ends(path, &CODE), None)
}
