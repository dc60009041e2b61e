//! Putting a backup in the place of a data folder.
//!
//! Everything is made ready in `DATA.restoring`; the data folder is not touched before that one opens with the root key and has
//! forgotten whom it must forget. Then both are renamed. Whatever ends a restore before, the data folder is as it was.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use bartizan_ledger::{
    Bundle, Checkpoint, FRAME_OVERHEAD, Frame, Frames, Hash, Outcome, Tile, TileReader, TreeError, VerifierKey, leaf_hash, verify_log_by,
};
use bartizan_vocabulary::KeyId;

use crate::backup::{copy_file, copy_folder};
use crate::directory::{had_keys_at, note_had_keys};
use crate::erase::unhex;
use crate::folder::{FolderReader, Layout, lock, private_file, private_folder, sync_parent, sync_tree};
use crate::record::decode;
use crate::recover::read_bundle;
use crate::segment::Segment;
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
    /// Where the former content is, if there was any.
    pub kept: Option<PathBuf>,
}

/// `DATA` with something behind its name.
fn beside(data: &Path, suffix: &str) -> PathBuf {
    let mut path = std::path::absolute(data).unwrap_or_else(|_| data.to_path_buf()).into_os_string();
    path.push(suffix);
    PathBuf::from(path)
}

/// In a folder that a restore has not finished.
const UNFINISHED: &str = "unfinished-restore";

/// Refuses to open what a restore left half done: a folder that is not ready, or the place of one that was about to be put there.
pub(crate) fn refuse_unfinished(data: &Path) -> Result<(), StoreError> {
    let swapping = !Layout { root: data.to_path_buf() }.database().exists() && beside(data, ".restoring").exists();
    if swapping || data.join(UNFINISHED).exists() { Err(StoreError::Unfinished(data.to_path_buf())) } else { Ok(()) }
}

/// Clears away what an interrupted restore left; what it had moved away comes back.
fn clear_away(data: &Path, ready: &Path, kept: &Path) -> Result<(), StoreError> {
    if ready.exists() && kept.exists() && !data.exists() {
        std::fs::rename(kept, data).map_err(StoreError::io("bring back", kept))?;
    }
    remove(ready)
}

fn remove(folder: &Path) -> Result<(), StoreError> {
    if folder.exists() { std::fs::remove_dir_all(folder).map_err(StoreError::io("remove", folder)) } else { Ok(()) }
}

/// Puts a backup in the place of a data folder. A ledger that lies there already and continues the backup's is kept, with what its
/// journal holds beyond it, and its newer erasures and revocations are applied to what is restored. The former content is kept beside
/// it as `DATA.before-restore`; remove it when all is well.
///
/// # Errors
/// [`StoreError`] when the target is in use, or the backup does not open with this root key; the data folder is then as it was.
pub fn restore(backup: &Path, data: &Path, options: Options) -> Result<Restored, StoreError> {
    let from = Layout { root: backup.to_path_buf() };
    let note = read_text(&from.ledger().join("checkpoint"))?;
    let size = Checkpoint::parse_unverified(&note)?.size;
    let (ready, kept) = (beside(data, ".restoring"), beside(data, ".before-restore"));
    clear_away(data, &ready, &kept)?;
    if kept.exists() {
        return Err(StoreError::Target { path: kept, why: "it is left from an earlier restore; move it away" });
    }
    let held_something = std::fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some());
    private_folder(data)?;
    let _held = lock(data)?;
    let former = Layout { root: data.to_path_buf() };
    let mut restored = match make_ready(&from, &former, &ready, (&note, size), options) {
        Ok(restored) => restored,
        Err(error) => {
            let _the_first_error_says_more = remove(&ready);
            return Err(error);
        }
    };
    std::fs::rename(data, &kept).map_err(StoreError::io("move away", data))?;
    if let Err(error) = std::fs::rename(&ready, data) {
        let _the_first_error_says_more = std::fs::rename(&kept, data);
        return Err(StoreError::io("put in place", &ready)(error));
    }
    if held_something {
        restored.kept = Some(kept.clone());
    } else {
        // Only the lock lies there, which was made just now.
        remove(&kept)?;
    }
    sync_parent(&kept)?;
    Ok(restored)
}

/// Builds the restored folder, opens it, lets it forget, and brings it to the disk.
fn make_ready(from: &Layout, former: &Layout, ready: &Path, (note, size): (&str, u64), options: Options) -> Result<Restored, StoreError> {
    let target = Layout { root: ready.to_path_buf() };
    private_folder(ready)?;
    let unfinished = ready.join(UNFINISHED);
    private_file(&unfinished)?;
    let ledger = at_hand(former, from, note)?;
    copy_file(&from.database(), &target.database())?;
    copy_folder(&from.details(), &target.details())?;
    if ledger == LedgerAtHand::Kept {
        copy_ledger(former, &target)?;
        copy_journal(former, &target)?;
    } else {
        copy_ledger(from, &target)?;
    }
    if options.root_key_file.is_none() && former.root_key().exists() {
        copy_file(&former.root_key(), &target.root_key())?;
    }
    let dir = DataDir::open_even_unfinished(ready, options)?;
    dir.forget_governing()?;
    if had_keys_at(&former.database()) {
        note_had_keys(&dir.db)?;
    }
    let mut restored = Restored { size, ledger, erasures_applied: 0, kept: None };
    if ledger == LedgerAtHand::Kept {
        for newer in newer_removals(&dir.ledger_reader(), size)? {
            dir.forget_keys(&newer.keys)?;
            dir.db.destroy_data_keys(&newer.data_keys)?;
            restored.erasures_applied += u64::from(newer.erasure);
        }
    }
    drop(dir);
    sync_tree(ready)?;
    std::fs::remove_file(&unfinished).map_err(StoreError::io("remove", &unfinished))?;
    sync_parent(&unfinished)?;
    Ok(restored)
}

/// Whether the ledger at hand continues the one in the backup, by full verification against the backup's checkpoint.
fn at_hand(former: &Layout, backup: &Layout, note: &str) -> Result<LedgerAtHand, StoreError> {
    if !former.ledger().join("checkpoint").exists() {
        return Ok(LedgerAtHand::None);
    }
    let keys = VerifierKey::parse_list(&read_text(&backup.ledger_public())?)?;
    let good = verify_log_by(&FolderReader::new(former.ledger()), &keys, Some(note)).is_ok_and(|report| report.outcome() == Outcome::Good);
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
    if from.next_ledger_key().exists() {
        // A rotation was under way; whether it was recorded is seen when the folder is opened.
        copy_file(&from.next_ledger_key(), &to.next_ledger_key())?;
    }
    copy_file(&from.ledger_public(), &to.ledger_public())
}

/// Copies what the journal holds beyond the ledger: acknowledged, but not in the log yet when the process ended.
fn copy_journal(from: &Layout, to: &Layout) -> Result<(), StoreError> {
    if !from.journal().exists() {
        return Ok(());
    }
    let numbers = Segment::list(&from.journal())?;
    let mut missing: HashSet<Hash> = HashSet::new();
    for number in &numbers {
        each_record(&Segment::path(&from.journal(), *number), |leaf, _| {
            missing.insert(leaf_hash(leaf));
            Ok(())
        })?;
    }
    let reader = FolderReader::new(from.ledger());
    let size = Checkpoint::parse_unverified(&read_text(&from.ledger().join("checkpoint"))?)?.size;
    // What the journal still holds of the log is the log's end.
    let first = size.saturating_sub(missing.len() as u64) / 256;
    for bundle in first..size.div_ceil(256) {
        for leaf in Bundle::new(&read_bundle(&reader, bundle, size)?).filter_map(Result::ok) {
            missing.remove(&leaf_hash(leaf));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    private_folder(&to.journal())?;
    for number in numbers {
        // Beyond every number that the backup's database knows of, which counted the same journal.
        let path = Segment::path(&to.journal(), number + 1);
        let open = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
        let mut out = open.map_err(StoreError::io("create", &path))?;
        each_record(&Segment::path(&from.journal(), number), |leaf, frame| {
            let is_missing = missing.contains(&leaf_hash(leaf));
            if is_missing { out.write_all(frame).map_err(StoreError::io("write", &path)) } else { Ok(()) }
        })?;
    }
    Ok(())
}

/// Shows leaf and frame of every whole record.
fn each_record(path: &Path, mut show: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>) -> Result<(), StoreError> {
    let bytes = std::fs::read(path).map_err(StoreError::io("read", path))?;
    let mut frames = Frames::new(&bytes);
    while let Some(frame) = frames.next() {
        match frame {
            Frame::Record { payload, end, .. } => {
                let whole = bytes.get(end.saturating_sub(payload.len() + FRAME_OVERHEAD)..end);
                if let (Some(stored), Some(whole)) = (decode(&frame), whole) {
                    show(stored.leaf, whole)?;
                }
            }
            Frame::Broken { next } => frames.skip_to(next.unwrap_or(bytes.len())),
        }
    }
    Ok(())
}

fn read_text(path: &Path) -> Result<String, StoreError> {
    std::fs::read_to_string(path).map_err(StoreError::io("read", path))
}

/// What an `erasure` entry lists, or the key that a `key` entry says was revoked.
struct Removal {
    erasure: bool,
    data_keys: Vec<[u8; 16]>,
    keys: Vec<KeyId>,
}

/// Erasures and revocations in entries from `from` on.
fn newer_removals(reader: &FolderReader, from: u64) -> Result<Vec<Removal>, StoreError> {
    let Some(note) = reader.read("checkpoint").map_err(TreeError::from)? else { return Ok(Vec::new()) };
    let size = Checkpoint::parse_unverified(&String::from_utf8_lossy(&note))?.size;
    let mut found = Vec::new();
    for bundle in from / 256..size.div_ceil(256) {
        let bytes = read_bundle(reader, bundle, size)?;
        let skip = usize::try_from(from.saturating_sub(bundle * 256)).unwrap_or(0);
        found.extend(Bundle::new(&bytes).filter_map(Result::ok).skip(skip).filter_map(removal));
    }
    Ok(found)
}

fn removal(leaf: &[u8]) -> Option<Removal> {
    let entry: serde_json::Value = serde_json::from_slice(leaf).ok()?;
    let text = |name: &str| entry.get(name).and_then(serde_json::Value::as_str);
    let texts = |name: &str| -> Option<Vec<&str>> { entry.get(name)?.as_array()?.iter().map(serde_json::Value::as_str).collect() };
    match (text("kind")?, text("action")) {
        ("erasure", _) => {
            let data_keys = texts("data_keys")?.into_iter().filter_map(|text| unhex(text)?.try_into().ok()).collect();
            Some(Removal { erasure: true, data_keys, keys: texts("keys")?.into_iter().map(KeyId::from).collect() })
        }
        ("key", Some("revoked")) => Some(Removal { erasure: false, data_keys: Vec::new(), keys: vec![KeyId::from(text("id")?)] }),
        _ => None,
    }
}
