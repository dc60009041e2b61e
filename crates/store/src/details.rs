//! Sealed details lie in append-only files, `details/NNNNNNNNNN.dat`; the index holds where. Kept out of the database because each
//! byte there is copied four times and written twice. Erasing destroys keys, so these files are never changed, only removed when
//! everything in them is older than the retention.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::StoreError;
use crate::record::{StoredDetail, decode_kept};

/// A file is left at this size, in bytes.
const FULL: u64 = 64 << 20;

/// Where events are removed by age, a file is left when it is this old.
const OLD: Duration = Duration::from_hours(24);

/// Begins every detail; holds bytes that never occur in UTF-8.
const MAGIC: [u8; 4] = [0xB7, 0xFE, 0xD1, 0xFF];

/// Magic, length (u32 LE), ledger index (u64 LE), whether an event, data key id.
const HEAD: usize = 4 + 4 + 8 + 1 + 16;

/// Where a sealed detail lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: u64,
    pub(crate) offset: u64,
    pub(crate) length: usize,
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:010}.dat"))
}

/// Numbers of the files, ascending.
fn list(folder: &Path) -> Result<Vec<u64>, StoreError> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(StoreError::io("list", folder))? {
        let name = entry.map_err(StoreError::io("list", folder))?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.strip_suffix(".dat")).and_then(|name| name.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The writing end; the sequencer's.
pub(crate) struct Details {
    folder: PathBuf,
    number: u64,
    file: File,
    length: u64,
    /// When this process began the file; `None` for one that a former process began.
    begun: Option<Instant>,
    /// What the current batch adds.
    pending: Vec<u8>,
}

impl Details {
    /// Goes on in the last file. Bytes that no row points to are left from a batch that was not finished, and stay unused.
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        let number = list(folder)?.last().copied().unwrap_or(1);
        let (file, length) = append_to(folder, number)?;
        let begun = (length == 0).then(Instant::now);
        Ok(Self { folder: folder.to_path_buf(), number, file, length, begun, pending: Vec::new() })
    }

    /// Puts the detail of entry `index` into the batch, with what the index says of it, so that the index can be made anew.
    pub(crate) fn add(&mut self, index: u64, detail: &StoredDetail<'_>) -> Place {
        let length = HEAD + detail.fields.len() + detail.sealed.len();
        self.pending.extend_from_slice(&MAGIC);
        self.pending.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        self.pending.extend_from_slice(&index.to_le_bytes());
        self.pending.push(u8::from(detail.event.is_some()));
        self.pending.extend_from_slice(&detail.key);
        self.pending.extend_from_slice(detail.fields);
        let offset = self.length + self.pending.len() as u64;
        self.pending.extend_from_slice(detail.sealed);
        Place { file: self.number, offset, length: detail.sealed.len() }
    }

    /// Shows every detail that lies here, in the order of writing; of an index that occurs twice, the later one counts.
    pub(crate) fn scan(&self, mut show: impl FnMut(u64, &StoredDetail<'_>, Place) -> Result<(), StoreError>) -> Result<(), StoreError> {
        for file in list(&self.folder)? {
            let path = path(&self.folder, file);
            let bytes = std::fs::read(&path).map_err(StoreError::io("read", &path))?;
            let mut at = 0;
            while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
                let Some((index, detail, length)) = read_detail(rest) else {
                    at += 1;
                    continue;
                };
                let offset = at + length - detail.sealed.len();
                show(index, &detail, Place { file, offset: offset as u64, length: detail.sealed.len() })?;
                at += length;
            }
        }
        Ok(())
    }

    /// Writes the batch; call it before the rows that point to it are committed.
    pub(crate) fn write(&mut self) -> Result<(), StoreError> {
        let result = self.file.write_all(&self.pending);
        self.length = self.file.seek(SeekFrom::End(0)).map_err(StoreError::io("look at", &path(&self.folder, self.number)))?;
        self.pending.clear();
        result.map_err(StoreError::io("write", &path(&self.folder, self.number)))
    }

    /// Forgets the batch.
    pub(crate) fn give_up(&mut self) {
        self.pending.clear();
    }

    /// Brings everything to the disk, and begins a new file when this one is full.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(StoreError::io("sync", &path(&self.folder, self.number)))?;
        if self.length >= FULL { self.roll() } else { Ok(()) }
    }

    /// The number of the file that is written to.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Whether the file may hold details that are more than a day old.
    pub(crate) fn is_old(&self) -> bool {
        self.length > 0 && self.begun.is_none_or(|begun| begun.elapsed() >= OLD)
    }

    /// Begins a new file, unless this one is empty.
    pub(crate) fn roll(&mut self) -> Result<(), StoreError> {
        if self.length == 0 {
            return Ok(());
        }
        self.file.sync_data().map_err(StoreError::io("sync", &path(&self.folder, self.number)))?;
        let number = self.number + 1;
        (self.file, self.length) = append_to(&self.folder, number)?;
        self.number = number;
        self.begun = Some(Instant::now());
        Ok(())
    }

    /// Removes files before `number`.
    pub(crate) fn remove_before(&self, number: u64) -> Result<(), StoreError> {
        for old in list(&self.folder)?.into_iter().filter(|old| *old < number.min(self.number)) {
            let path = path(&self.folder, old);
            std::fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
        }
        Ok(())
    }
}

/// The detail at the beginning of `bytes`: its index, itself, and its length with everything before it.
fn read_detail(bytes: &[u8]) -> Option<(u64, StoredDetail<'_>, usize)> {
    let rest = bytes.strip_prefix(&MAGIC)?;
    let (length, _) = rest.split_at_checked(4)?;
    let length = usize::try_from(u32::from_le_bytes(length.try_into().ok()?)).ok()?;
    let (head, body) = bytes.get(..length)?.split_at_checked(HEAD)?;
    let index = u64::from_le_bytes(head.get(8..16)?.try_into().ok()?);
    let key = head.get(17..)?.try_into().ok()?;
    let detail = decode_kept(key, head.get(16) == Some(&1), body)?;
    Some((index, detail, length))
}

fn append_to(folder: &Path, number: u64) -> Result<(File, u64), StoreError> {
    let path = path(folder, number);
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(StoreError::io("open", &path))?;
    let length = file.metadata().map_err(StoreError::io("look at", &path))?.len();
    Ok((file, length))
}

/// The reading end; keeps one file open.
pub(crate) struct DetailReader {
    folder: PathBuf,
    open: Option<(u64, File)>,
}

impl DetailReader {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, open: None }
    }

    /// A sealed detail; `None` when the file does not hold it (any more).
    pub(crate) fn read(&mut self, place: Place) -> Option<Vec<u8>> {
        if self.open.as_ref().is_none_or(|(number, _)| *number != place.file) {
            self.open = File::open(path(&self.folder, place.file)).ok().map(|file| (place.file, file));
        }
        let (_, file) = self.open.as_ref()?;
        let mut bytes = vec![0; place.length];
        file.read_exact_at(&mut bytes, place.offset).ok()?;
        Some(bytes)
    }
}
