//! The mutants of the leak matrix are patches, and a patch rots where the code moves on. Each must still fit, in one place only.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Problem;

/// Where they are.
const FOLDER: &str = "testkit/leaks/mutants";

/// Checks every patch of the folder, where there is one.
pub fn check(root: &Path, problems: &mut Vec<Problem>) -> Result<()> {
    let folder = root.join(FOLDER);
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(&folder).with_context(|| format!("listing `{}`", folder.display()))? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "patch") {
            let patch = fs::read_to_string(&file).with_context(|| format!("reading `{}`", file.display()))?;
            let found = misfits(root, &patch);
            problems.extend(found.into_iter().map(|(line, message)| Problem { file: file.clone(), line, message }));
        }
    }
    Ok(())
}

/// A change of a patch: the line it begins at, the file it is of, what must stand there.
struct Hunk<'a> {
    line: usize,
    file: &'a str,
    /// How many lines of the file it says that it covers.
    says: Option<usize>,
    old: Vec<&'a str>,
    changes: bool,
}

/// What is wrong with a patch, with the lines of the patch.
fn misfits(root: &Path, patch: &str) -> Vec<(usize, String)> {
    let hunks = hunks(patch);
    if hunks.is_empty() {
        return vec![(1, "no change in this patch; write one as `git diff` does, or delete the file".to_owned())];
    }
    let wrong = hunks.iter().filter_map(|hunk| {
        let text = fs::read_to_string(root.join(hunk.file)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let places = if hunk.old.is_empty() { 0 } else { lines.windows(hunk.old.len()).filter(|window| *window == hunk.old).count() };
        let what = match places {
            _ if hunk.says != Some(hunk.old.len()) => "the numbers of lines behind `@@` are not those of the change".to_owned(),
            _ if !hunk.changes => "it changes nothing".to_owned(),
            0 => format!("it does not apply to `{}` any more: make it anew", hunk.file),
            1 => return None,
            _ => format!("it fits {places} places of `{}`: give it more lines around", hunk.file),
        };
        Some((hunk.line, what))
    });
    wrong.collect()
}

/// The changes of a patch, one after the other.
fn hunks(patch: &str) -> Vec<Hunk<'_>> {
    let mut hunks: Vec<Hunk<'_>> = Vec::new();
    let mut file = "";
    for (index, line) in patch.lines().enumerate() {
        if let Some(path) = line.strip_prefix("+++ b/") {
            file = path;
        } else if let Some(range) = line.strip_prefix("@@ -") {
            let count = range.split(' ').next().map(|range| range.split_once(',').map_or("1", |(_, count)| count));
            let says = count.and_then(|count| count.parse().ok());
            hunks.push(Hunk { line: index + 1, file, says, old: Vec::new(), changes: false });
        } else if !line.starts_with("--- ")
            && let Some(hunk) = hunks.last_mut()
        {
            let (kept, removed) = (line.strip_prefix(' '), line.strip_prefix('-'));
            hunk.changes |= removed.is_some() || line.starts_with('+');
            hunk.old.extend(kept.or(removed));
        }
    }
    hunks
}
