//! `bartizan backup` and `bartizan restore`.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use bartizan_store::{LedgerAtHand, Restored};
use clap::Args;
use serde_json::json;

use super::client::{Client, Target};
use super::show::{Format, print};

/// Arguments of `bartizan backup`.
#[derive(Args)]
#[command(after_help = "Example:
  bartizan backup /copies/2026-11-22

Keep the root key elsewhere: without it the copy cannot be opened, and with it everything can.")]
pub struct BackupArgs {
    /// A new or empty folder, on the machine where the gate runs; folders above it are made.
    dir: PathBuf,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    target: Target,
}

/// Arguments of `bartizan restore`.
#[derive(Args)]
#[command(after_help = "Example:
  BARTIZAN_ROOT_KEY_FILE=/keys/root.key bartizan restore /copies/2026-11-22 --data /var/lib/bartizan

What lay in the data folder is kept beside it as DATA.before-restore.")]
pub struct RestoreArgs {
    /// The folder that `bartizan backup` wrote.
    dir: PathBuf,
    /// Data folder to put it in.
    #[arg(long, env = "BARTIZAN_DATA", default_value = "bartizan-data", value_name = "DIR")]
    data: PathBuf,
    /// Root key outside the data folder.
    #[arg(long, env = "BARTIZAN_ROOT_KEY_FILE", value_name = "FILE")]
    root_key_file: Option<PathBuf>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl BackupArgs {
    /// Does it.
    ///
    /// # Errors
    /// What could not be done.
    pub fn run(&self) -> Result<()> {
        let dir = full_path(&self.dir)?;
        let answer = Client::new(&self.target)?.post("/api/v1/backup", &json!({ "dir": dir }))?;
        match self.format {
            Format::Json | Format::Jsonl => print(&answer),
            Format::Text => print(format!("copied to {}; the root key is not in it\n", dir.display()).as_bytes()),
        }
    }
}

/// The path without `..`: the process that writes there has another working folder.
fn full_path(dir: &Path) -> Result<PathBuf> {
    if let Ok(found) = dir.canonicalize() {
        return Ok(found);
    }
    let whole = std::path::absolute(dir).with_context(|| format!("`{}` is not a path", dir.display()))?;
    // What is there is resolved; what is not there yet is made by the backup, and must be plain names.
    let there = whole.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    let (above, found) = there.with_context(|| format!("`{}` is not a path", dir.display()))?;
    let new = whole.strip_prefix(above).unwrap_or(&whole);
    let is_plain = new.components().all(|part| matches!(part, Component::Normal(_)));
    ensure!(is_plain, "`{}` does not exist and has `..` in it; name the folder without", dir.display());
    Ok(found.join(new))
}

impl RestoreArgs {
    /// Does it.
    ///
    /// # Errors
    /// What could not be done.
    pub fn run(&self) -> Result<()> {
        let (dir, data) = (self.dir.display(), self.data.display());
        ensure!(self.dir.join("bartizan.db").exists(), "`{dir}` is not a folder that `bartizan backup` wrote");
        let has_key = self.root_key_file.is_some() || self.data.join("root.key").exists();
        ensure!(has_key, "a backup never holds the root key; name its file by BARTIZAN_ROOT_KEY_FILE, or put it in `{data}/root.key`");
        let options = bartizan_store::Options {
            root_key_file: self.root_key_file.clone(),
            retention_days: None,
            ..bartizan_store::Options::new(crate::clock::for_store())
        };
        let restored = bartizan_store::restore(&self.dir, &self.data, options)?;
        self.report(&restored)
    }

    fn report(&self, restored: &Restored) -> Result<()> {
        let missed = "erasures and revocations newer than the backup are NOT applied, so keys revoked since are valid again: erase and \
                      revoke them before you start it";
        let (word, newer) = match restored.ledger {
            LedgerAtHand::Kept => {
                ("kept", format!("{} newer erasures were applied again, and newer revocations of keys", restored.erasures_applied))
            }
            LedgerAtHand::None => ("none", format!("no ledger lay there: {missed}")),
            LedgerAtHand::Unusable => {
                ("unusable", format!("the ledger that lay there does not continue the backup's, look at it: {missed}"))
            }
        };
        let (dir, data, size) = (self.dir.display(), self.data.display(), restored.size);
        match self.format {
            Format::Json | Format::Jsonl => {
                let applied = restored.ledger == LedgerAtHand::Kept;
                let result = json!({
                    "entries": size, "ledger_at_hand": word,
                    "erasures_applied": restored.erasures_applied, "newer_erasures_not_applied": !applied,
                    "newer_revocations_not_applied": !applied,
                });
                print(format!("{result}\n").as_bytes())
            }
            Format::Text => {
                let kept = restored.kept.as_ref().map(|kept| format!("the former content is in {}\n", kept.display())).unwrap_or_default();
                print(format!("restored {dir} ({size} ledger entries) to {data}\n{newer}\n{kept}").as_bytes())
            }
        }
    }
}
