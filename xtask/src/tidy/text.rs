//! What no text file of the repository may hold: paths of the machine it was written on, and download addresses.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Problem;

/// Folders that are made, not written.
const MADE: &[&str] = &["target", ".git", ".venv", "node_modules", "out", "corpus", "artifacts", "__pycache__", ".pytest_cache"];

/// Words that must not occur, and why. Written in two parts, so that this file passes.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "a path of one machine; use a path relative to the repository"),
    (concat!("/ro", "ot/"), "a path of one machine; use a path relative to the repository"),
    (concat!("/ho", "me/"), "a path of one machine; use a path relative to the repository"),
    (concat!("/Us", "ers/"), "a path of one machine; use a path relative to the repository"),
    (concat!("pythonhost", "ed.org"), "a download address; name the package and let its client find it"),
    (concat!("static.crat", "es.io"), "a download address; name the package and let its client find it"),
    (concat!("index.crat", "es.io"), "a download address; name the package and let its client find it"),
    (concat!("registry.npm", "js.org"), "a download address; name the package and let its client find it"),
];

/// Checks every text file under `root`, lock files left out.
pub fn check(root: &Path, problems: &mut Vec<Problem>) -> Result<()> {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("listing `{}`", folder.display()))? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let name = entry.file_name();
            if MADE.iter().any(|made| name == *made) {
                continue;
            }
            if kind.is_dir() {
                // Another checkout inside this one is not ours to judge.
                if !path.join(".git").exists() {
                    folders.push(path);
                }
            } else if kind.is_file() && path.extension().is_none_or(|extension| extension != "lock") {
                check_file(&path, problems);
            }
        }
    }
    Ok(())
}

fn check_file(file: &Path, problems: &mut Vec<Problem>) {
    // What is not UTF-8 is data, not text.
    let Ok(text) = fs::read_to_string(file) else { return };
    for (index, line) in text.lines().enumerate() {
        for (word, why) in FORBIDDEN {
            if line.contains(word) {
                problems.push(Problem { file: file.to_owned(), line: index + 1, message: format!("`{word}`: {why}") });
            }
        }
    }
}
