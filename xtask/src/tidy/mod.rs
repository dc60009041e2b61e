//! The checks of `xtask tidy`, and how a problem is reported. What each check looks for is in its own file.

mod manifests;
mod mutants;
mod pages;
mod rings;
mod source;
mod text;
mod workspace;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
pub use workspace::Package;

/// Something that is not as it should be, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// File, relative to the workspace.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.message)
    }
}

/// Runs every check on the workspace at `root`.
pub fn check(root: &Path) -> Result<Vec<Problem>> {
    let root = &root.canonicalize()?;
    let packages = workspace::packages(root)?;
    let mut problems = Vec::new();
    for package in &packages {
        rings::check(package, &mut problems);
        manifests::check(package, &mut problems)?;
        source::check(package, &mut problems)?;
    }
    text::check(root, &mut problems)?;
    mutants::check(root, &mut problems)?;
    pages::check(root, &mut problems)?;
    for problem in &mut problems {
        if let Ok(relative) = problem.file.strip_prefix(root) {
            problem.file = relative.to_owned();
        }
    }
    problems.sort();
    problems.dedup();
    Ok(problems)
}
