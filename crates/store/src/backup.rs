//! Consistent copies while running, restoring them, and making the event index anew.

use std::fs::{DirBuilder, File};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use bartizan_ledger::{Bundle, Checkpoint, Tile, TileReader, TreeError};
use bartizan_vocabulary::KeyId;
use rusqlite::Connection;
use rusqlite::backup::Backup;

use crate::erase::unhex;
use crate::folder::{FolderReader, Layout, lock, private_folder, replace};
use crate::recover::read_bundle;
use crate::sequencer::Command;
use crate::{DataDir, Options, StoreError};

/// What a restore came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Entries in the restored log.
    pub size: u64,
    /// Erasures newer than the backup that were applied again.
    pub erasures_applied: u64,
    /// Whether there was a newer ledger to look for erasures in. Without one, erasures after the backup are not applied.
    pub ledger_at_hand: bool,
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
        write_new(&layout.ledger().join("checkpoint"), snapshot.checkpoint.as_bytes())?;
        for (from, to) in [(self.layout.ledger_key(), layout.ledger_key()), (self.layout.ledger_public(), layout.ledger_public())] {
            let bytes = std::fs::read(&from).map_err(StoreError::io("read", &from))?;
            replace(&to, &bytes, true)?;
        }
        Ok(())
    }
}

fn copy_full_tiles(from: &Layout, to: &Layout, size: u64) -> Result<(), StoreError> {
    for tile in Tile::all(size).filter(|tile| tile.width == 256) {
        let path = from.ledger().join(tile.path());
        let bytes = std::fs::read(&path).map_err(StoreError::io("read", &path))?;
        write_new(&to.ledger().join(tile.path()), &bytes)?;
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

/// Puts a backup in the place of a data folder. If a ledger lies there already, its erasures that the backup does not know are applied
/// to what is restored; the old content is kept beside as `DATA.before-restore`.
///
/// # Errors
/// [`StoreError`] when the target is in use, or the backup does not open with this root key.
pub fn restore(backup: &Path, data: &Path, options: Options) -> Result<Restored, StoreError> {
    let from = Layout { root: backup.to_path_buf() };
    let note = std::fs::read(from.ledger().join("checkpoint")).map_err(StoreError::io("read", &from.ledger().join("checkpoint")))?;
    let size = Checkpoint::parse_unverified(&String::from_utf8_lossy(&note))?.size;
    private_folder(data)?;
    let old = Layout { root: data.to_path_buf() };
    let held = lock(data)?;
    let erasures = newer_erasures(&FolderReader::new(old.ledger()), size)?;
    let mut kept = data.as_os_str().to_owned();
    kept.push(".before-restore");
    if Path::new(&kept).exists() {
        let why = "it is left from an earlier restore; move it away";
        return Err(StoreError::Target { path: kept.into(), why });
    }
    let root_key = std::fs::read(old.root_key()).ok();
    std::fs::rename(data, &kept).map_err(StoreError::io("move away", data))?;
    drop(held);
    private_folder(data)?;
    copy_backup(&from, &old)?;
    if let (None, Some(bytes)) = (&options.root_key_file, root_key) {
        crate::folder::create_secret(&old.root_key(), &bytes)?;
    }
    let dir = DataDir::open(data, options)?;
    let mut restored = Restored { size, ledger_at_hand: erasures.is_some(), ..Restored::default() };
    for erasure in erasures.unwrap_or_default() {
        dir.apply_erasure(&erasure)?;
        restored.erasures_applied += 1;
    }
    Ok(restored)
}

fn copy_backup(from: &Layout, to: &Layout) -> Result<(), StoreError> {
    let checkpoint = from.ledger().join("checkpoint");
    let note = std::fs::read(&checkpoint).map_err(StoreError::io("read", &checkpoint))?;
    let size = Checkpoint::parse_unverified(&String::from_utf8_lossy(&note))?.size;
    for tile in Tile::all(size) {
        let path = from.ledger().join(tile.path());
        let bytes = std::fs::read(&path).map_err(StoreError::io("read", &path))?;
        write_new(&to.ledger().join(tile.path()), &bytes)?;
    }
    write_new(&to.ledger().join("checkpoint"), &note)?;
    for (from, to) in [(from.ledger_key(), to.ledger_key()), (from.ledger_public(), to.ledger_public()), (from.database(), to.database())] {
        let bytes = std::fs::read(&from).map_err(StoreError::io("read", &from))?;
        replace(&to, &bytes, true)?;
    }
    Ok(())
}

/// What an `erasure` entry lists.
struct Erasure {
    data_keys: Vec<[u8; 16]>,
    keys: Vec<KeyId>,
}

/// Erasures in entries from `from` on; `None` when there is no ledger.
fn newer_erasures(reader: &FolderReader, from: u64) -> Result<Option<Vec<Erasure>>, StoreError> {
    let Some(note) = reader.read("checkpoint").map_err(TreeError::from)? else { return Ok(None) };
    let size = Checkpoint::parse_unverified(&String::from_utf8_lossy(&note))?.size;
    let mut found = Vec::new();
    for bundle in from / 256..size.div_ceil(256) {
        let bytes = read_bundle(reader, bundle, size)?;
        found.extend(Bundle::new(&bytes).filter_map(Result::ok).filter_map(erasure));
    }
    Ok(Some(found))
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
    fn apply_erasure(&self, erasure: &Erasure) -> Result<(), StoreError> {
        self.forget_keys(&erasure.keys)?;
        self.db.destroy_data_keys(&erasure.data_keys)
    }
}
