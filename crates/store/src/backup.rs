//! Consistent copies while running, restoring them, and making the event index anew.

use std::fs::{DirBuilder, File};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use bartizan_ledger::{Bundle, Checkpoint, Outcome, Tile, TileReader, TreeError, VerifierKey, verify_log};
use bartizan_vocabulary::KeyId;
use rusqlite::Connection;
use rusqlite::backup::Backup;

use crate::erase::unhex;
use crate::folder::{FolderReader, Layout, lock, private_folder};
use crate::recover::read_bundle;
use crate::sequencer::Command;
use crate::{DataDir, Options, StoreError};

/// The ledger that lay in the folder that was restored into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerAtHand {
    /// It continues the backup's ledger: it is kept, its newer erasures were applied, and the log goes on without a fork.
    Kept,
    /// It does not continue the backup's ledger, or is damaged: the backup's ledger is used, newer erasures are not applied.
    Unusable,
    /// There was none: the backup's ledger is used, newer erasures are not applied.
    None,
}

/// What a restore came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Entries in the backup's log.
    pub size: u64,
    /// Which ledger goes on.
    pub ledger: LedgerAtHand,
    /// Erasures newer than the backup that were applied again.
    pub erasures_applied: u64,
}

impl DataDir {
    /// Writes a consistent copy into a new or empty folder while everything runs. The root key is never in it; the ledger's signing
    /// key is, sealed.
    ///
    /// # Errors
    /// [`StoreError`] when the target is not empty or something cannot be copied.
    pub fn backup(&self, target: &Path) -> Result<(), StoreError> {
        let _one = self.exclusive.lock().unwrap_or_else(PoisonError::into_inner);
        empty_folder(target)?;
        let layout = Layout { root: target.to_path_buf() };
        let snapshot = self.ask(Command::Snapshot)?;
        for write in &snapshot.partials {
            write_new(&layout.ledger().join(write.tile.path()), &write.bytes)?;
        }
        let mut copy = Connection::open(layout.database())?;
        Backup::new(&snapshot.db, &mut copy)?.run_to_completion(1_000, Duration::ZERO, None)?;
        drop(copy);
        copy_full_tiles(&self.layout, &layout, snapshot.size)?;
        copy_folder(&self.layout.details(), &layout.details())?;
        write_new(&layout.ledger().join("checkpoint"), snapshot.checkpoint.as_bytes())?;
        copy_file(&self.layout.ledger_key(), &layout.ledger_key())?;
        copy_file(&self.layout.ledger_public(), &layout.ledger_public())
    }
}

fn copy_full_tiles(from: &Layout, to: &Layout, size: u64) -> Result<(), StoreError> {
    for tile in Tile::all(size).filter(|tile| tile.width == 256) {
        copy_file(&from.ledger().join(tile.path()), &to.ledger().join(tile.path()))?;
    }
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(StoreError::io("create", parent))?;
    }
    File::create(path).and_then(|mut file| file.write_all(bytes)).map_err(StoreError::io("write", path))
}

fn empty_folder(path: &Path) -> Result<(), StoreError> {
    private_folder(path)?;
    let used = std::fs::read_dir(path).map_err(StoreError::io("list", path))?.next().is_some();
    if used { Err(StoreError::Target { path: path.to_path_buf(), why: "it is not empty; choose a new folder" }) } else { Ok(()) }
}

/// Puts a backup in the place of a data folder. A ledger that lies there already and continues the backup's is kept, and its newer
/// erasures are applied to what is restored. The former content is kept beside it as `DATA.before-restore`; remove it when all is well.
///
/// # Errors
/// [`StoreError`] when the target is in use, or the backup does not open with this root key.
pub fn restore(backup: &Path, data: &Path, options: Options) -> Result<Restored, StoreError> {
    let from = Layout { root: backup.to_path_buf() };
    let note = read_text(&from.ledger().join("checkpoint"))?;
    let size = Checkpoint::parse_unverified(&note)?.size;
    private_folder(data)?;
    let held = lock(data)?;
    let former = move_away(data)?;
    drop(held);

    let ledger = at_hand(&former, &from, &note)?;
    let target = Layout { root: data.to_path_buf() };
    private_folder(data)?;
    copy_file(&from.database(), &target.database())?;
    let source = if ledger == LedgerAtHand::Kept { &former } else { &from };
    copy_folder(&from.details(), &target.details())?;
    copy_ledger(source, &target)?;
    if options.root_key_file.is_none() && former.root_key().exists() {
        copy_file(&former.root_key(), &target.root_key())?;
    }

    let dir = DataDir::open(data, options)?;
    let mut restored = Restored { size, ledger, erasures_applied: 0 };
    if ledger == LedgerAtHand::Kept {
        for erasure in newer_erasures(&dir.ledger_reader(), size)? {
            dir.apply_erasure(&erasure)?;
            restored.erasures_applied += 1;
        }
    }
    Ok(restored)
}

/// Renames the folder; nothing of the former content is destroyed by a restore.
fn move_away(data: &Path) -> Result<Layout, StoreError> {
    let mut kept = data.as_os_str().to_owned();
    kept.push(".before-restore");
    let kept = PathBuf::from(kept);
    if kept.exists() {
        return Err(StoreError::Target { path: kept, why: "it is left from an earlier restore; move it away" });
    }
    std::fs::rename(data, &kept).map_err(StoreError::io("move away", data))?;
    Ok(Layout { root: kept })
}

/// Whether the ledger at hand continues the one in the backup, by full verification against the backup's checkpoint.
fn at_hand(former: &Layout, backup: &Layout, note: &str) -> Result<LedgerAtHand, StoreError> {
    if !former.ledger().join("checkpoint").exists() {
        return Ok(LedgerAtHand::None);
    }
    let key = VerifierKey::parse(&read_text(&backup.ledger_public())?)?;
    let good = verify_log(&FolderReader::new(former.ledger()), &key, Some(note)).is_ok_and(|report| report.outcome() == Outcome::Good);
    Ok(if good { LedgerAtHand::Kept } else { LedgerAtHand::Unusable })
}

fn copy_ledger(from: &Layout, to: &Layout) -> Result<(), StoreError> {
    let checkpoint = from.ledger().join("checkpoint");
    let note = read_text(&checkpoint)?;
    let size = Checkpoint::parse_unverified(&note)?.size;
    for tile in Tile::all(size) {
        copy_file(&from.ledger().join(tile.path()), &to.ledger().join(tile.path()))?;
    }
    copy_file(&checkpoint, &to.ledger().join("checkpoint"))?;
    copy_file(&from.ledger_key(), &to.ledger_key())?;
    copy_file(&from.ledger_public(), &to.ledger_public())
}

fn read_text(path: &Path) -> Result<String, StoreError> {
    std::fs::read_to_string(path).map_err(StoreError::io("read", path))
}

/// Copies the files of a folder. Details only ever grow, so what a consistent database points to is in the copy.
fn copy_folder(from: &Path, to: &Path) -> Result<(), StoreError> {
    for entry in std::fs::read_dir(from).map_err(StoreError::io("list", from))? {
        let name = entry.map_err(StoreError::io("list", from))?.file_name();
        copy_file(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

/// Copies a file with its permissions, making its folder.
fn copy_file(from: &Path, to: &Path) -> Result<(), StoreError> {
    if let Some(parent) = to.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(StoreError::io("create", parent))?;
    }
    std::fs::copy(from, to).map_err(StoreError::io("copy", from))?;
    Ok(())
}

/// What an `erasure` entry lists.
struct Erasure {
    data_keys: Vec<[u8; 16]>,
    keys: Vec<KeyId>,
}

/// Erasures in entries from `from` on.
fn newer_erasures(reader: &FolderReader, from: u64) -> Result<Vec<Erasure>, StoreError> {
    let Some(note) = reader.read("checkpoint").map_err(TreeError::from)? else { return Ok(Vec::new()) };
    let size = Checkpoint::parse_unverified(&String::from_utf8_lossy(&note))?.size;
    let mut found = Vec::new();
    for bundle in from / 256..size.div_ceil(256) {
        let bytes = read_bundle(reader, bundle, size)?;
        found.extend(Bundle::new(&bytes).filter_map(Result::ok).filter_map(erasure));
    }
    Ok(found)
}

fn erasure(leaf: &[u8]) -> Option<Erasure> {
    let entry: serde_json::Value = serde_json::from_slice(leaf).ok()?;
    if entry.get("kind")?.as_str()? != "erasure" {
        return None;
    }
    let texts = |name: &str| -> Option<Vec<&str>> { entry.get(name)?.as_array()?.iter().map(serde_json::Value::as_str).collect() };
    let data_keys = texts("data_keys")?.into_iter().filter_map(|text| unhex(text)?.try_into().ok()).collect();
    Some(Erasure { data_keys, keys: texts("keys")?.into_iter().map(KeyId::from).collect() })
}

impl DataDir {
    /// Makes the event index anew from the sealed details and the fields kept beside them; gives the number of events. Data keys are
    /// not in there: without them (they are in the database and its backups) an event is a skeleton.
    ///
    /// # Errors
    /// [`StoreError`] when files cannot be read or the database not be written; the index is then as it was.
    pub fn rebuild_index(&self) -> Result<u64, StoreError> {
        self.ask(Command::Rebuild)
    }

    fn apply_erasure(&self, erasure: &Erasure) -> Result<(), StoreError> {
        self.forget_keys(&erasure.keys)?;
        self.db.destroy_data_keys(&erasure.data_keys)
    }
}
