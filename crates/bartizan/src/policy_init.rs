//! `bartizan policy init`: the built-in set as a folder, to begin one's own with.

use std::fs::{DirBuilder, read_dir, write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use bartizan_policy::{DEFAULT_TABLE, default_sources};
use clap::Args;

use crate::output::{GOOD, print};

/// Arguments of `bartizan policy init`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  bartizan policy init policies/ && bartizan policy test policies/

A gate reads the folder with `bartizan up --policies policies/`; it then stands in the place of the built-in set.")]
pub struct InitArgs {
    /// A new or empty folder.
    dir: PathBuf,
}

impl InitArgs {
    /// Does it.
    ///
    /// # Errors
    /// When something lies there already, or it cannot be written.
    pub fn run(&self) -> Result<u8> {
        let (dir, name) = (&self.dir, self.dir.display());
        let tables = new_folder(dir)?;
        let sources = default_sources();
        for source in &sources {
            save(&dir.join(&source.name), &source.text)?;
        }
        save(&tables.join("default.toml"), DEFAULT_TABLE)?;
        print(&format!("wrote the built-in set to {name}: {} policy files and their table in {}\n", sources.len(), tables.display()))?;
        Ok(GOOD)
    }
}

/// Makes a folder for policies with one for tables below it, and gives that.
///
/// # Errors
/// When something lies there already, or it cannot be made.
pub fn new_folder(dir: &Path) -> Result<PathBuf> {
    let name = dir.display();
    let tables = dir.join("tests");
    let is_new = read_dir(dir).map_or_else(|_| !dir.exists(), |mut entries| entries.next().is_none());
    ensure!(is_new, "`{name}` is not a new or empty folder, and nothing is written over; name another");
    DirBuilder::new().recursive(true).create(&tables).with_context(|| format!("the folder `{name}` cannot be made"))?;
    Ok(tables)
}

/// Writes a file.
///
/// # Errors
/// When it cannot be written.
pub fn save(path: &Path, text: &str) -> Result<()> {
    write(path, text).with_context(|| format!("`{}` cannot be written", path.display()))
}
