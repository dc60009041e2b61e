//! What every crate's manifest and README must say.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::rings::room_name;
use super::{Package, Problem};

/// Checks lints, publishing, the README and the name.
pub fn check(package: &Package, problems: &mut Vec<Problem>) -> Result<()> {
    let mut report = |file: PathBuf, line: usize, message: &str| problems.push(Problem { file, line, message: message.to_owned() });
    let manifest: toml::Table =
        toml::from_str(&package.manifest_text).with_context(|| format!("reading `{}`", package.manifest.display()))?;
    let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool) == Some(true);
    if !inherits {
        report(
            package.manifest.clone(),
            package.line_of("lints"),
            "the workspace's lints are not used; add `[lints]` with `workspace = true`",
        );
    }
    if package.publishable {
        report(package.manifest.clone(), package.line_of("publish"), "this crate could be published; add `publish.workspace = true`");
    }
    let folder = package.folder.file_name().unwrap_or_default().to_string_lossy();
    if folder != room_name(&package.name) {
        report(package.manifest.clone(), package.line_of("name"), "the folder's name must be the crate's name without `bartizan-`");
    }
    let readme = package.folder.join("README.md");
    if !readme.is_file() {
        report(readme, 1, "missing; say in a few lines what lives in this crate and what does not");
    } else if let Some(library) = &package.library {
        let text = fs::read_to_string(library).with_context(|| format!("reading `{}`", library.display()))?;
        if !text.contains("include_str!(\"../README.md\")") {
            report(library.clone(), 1, "the README is the crate's rustdoc; open with `#![doc = include_str!(\"../README.md\")]`");
        }
    }
    Ok(())
}
