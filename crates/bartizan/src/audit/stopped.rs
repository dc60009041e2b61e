//! `bartizan audit open`, `rotate-key` and `reindex`: what needs the data folder for itself.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use bartizan_store::{DataDir, Options};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::{Value, json};

use crate::clock;
use crate::output::{Format, GOOD, print, print_json, say};

/// A data folder that no process runs on.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  bartizan audit rotate-key --data /var/lib/bartizan")]
pub struct FolderArgs {
    /// Data folder; stop the process that has it first.
    #[arg(long, env = "BARTIZAN_DATA", default_value = "bartizan-data")]
    data: PathBuf,
    /// Root key outside the data folder.
    #[arg(long, env = "BARTIZAN_ROOT_KEY_FILE", hide = true)]
    root_key_file: Option<PathBuf>,
}

/// Arguments of `bartizan audit open`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  bartizan audit open 41 --data /var/lib/bartizan")]
pub struct OpenArgs {
    /// Index of the entry, from 0.
    index: u64,
    #[command(flatten)]
    folder: FolderArgs,
}

impl FolderArgs {
    fn open(&self) -> Result<DataDir> {
        let data = self.data.display();
        ensure!(self.data.join("bartizan.db").exists(), "there is no data folder at `{data}`; name it with --data");
        let options = Options { root_key_file: self.root_key_file.clone(), retention_days: None, ..Options::new(clock::for_store()) };
        DataDir::open(&self.data, options).with_context(|| format!("`{data}` cannot be opened"))
    }
}

/// Prints domain, salt and value of each commitment of an entry. What is printed may be personal.
///
/// # Errors
/// When the folder cannot be opened or read.
pub fn open(args: &OpenArgs) -> Result<u8> {
    let opened = args.folder.open()?.openings(args.index)?;
    let list: Vec<Value> = opened
        .iter()
        .map(|one| {
            let (domain, salt, value) = (&one.domain, STANDARD.encode(one.salt), one.value.reveal());
            match std::str::from_utf8(value) {
                Ok(text) => json!({ "domain": domain, "salt": salt, "value": text }),
                Err(_) => json!({ "domain": domain, "salt": salt, "value_base64": STANDARD.encode(value) }),
            }
        })
        .collect();
    if list.is_empty() {
        say(&format!("entry {} has nothing that can be opened: it has no commitment, its person was erased, or it is too old", args.index));
    }
    print_json(Format::Json, &json!({ "index": args.index, "openings": list }))?;
    Ok(GOOD)
}

/// Replaces the signing key and prints the new public one.
///
/// # Errors
/// When the folder cannot be opened or written.
pub fn rotate_key(args: &FolderArgs) -> Result<u8> {
    let key = args.open()?.rotate_ledger_key()?;
    print(&format!("{key}\n"))?;
    say(&format!("keep a copy of `{}` elsewhere; it lists the former keys too", args.data.join("ledger.pub").display()));
    Ok(GOOD)
}

/// Makes the event index anew.
///
/// # Errors
/// When the folder cannot be opened or written.
pub fn reindex(args: &FolderArgs) -> Result<u8> {
    let events = args.open()?.rebuild_index()?;
    print(&format!("{events} events are in the index\n"))?;
    Ok(GOOD)
}
