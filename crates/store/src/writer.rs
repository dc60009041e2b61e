//! The hot path: what is appended at once is one `write(2)` by the calling thread, no lock held during it.
//!
//! The order of the log is the order in the segment file, which the kernel decides for `O_APPEND`; indexes are assigned when the
//! sequencer reads. On the first failed or short write everything is refused at once and counted, until a fresh segment can be
//! written; its first record is the `gap` entry.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use bartizan_ledger::{Appended, Entry, Journal, JournalError, Record};
use bartizan_vocabulary::Timestamp;

use crate::db::Position;
use crate::flusher::Flusher;
use crate::record::encode;
use crate::seal::Sealer;
use crate::segment::Segment;
use crate::subjects::Subjects;
use crate::{Limits, StoreError};

thread_local! {
    /// Reused between records of a thread; it only ever holds what is written to disk anyway.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Buffers above this size (in bytes) are given back.
const KEEP_BUFFER: usize = 1 << 20;

/// Writes the journal.
pub(crate) struct Writer {
    folder: PathBuf,
    limits: Limits,
    current: ArcSwap<Segment>,
    /// Segments that get no new writers, oldest first; the sequencer takes them off.
    retired: Mutex<VecDeque<Arc<Segment>>>,
    broken: ArcSwapOption<JournalError>,
    refused: AtomicU64,
    refused_from: AtomicI64,
    refused_to: AtomicI64,
    /// Set by the sequencer when it fails; appends go on.
    lagging: AtomicBool,
    /// Set by the sequencer when the checkpoint's second place holds one that is not of this log.
    foreign_copy: AtomicBool,
    subjects: Arc<Subjects>,
    sealer: Arc<Sealer>,
    flusher: Option<Flusher>,
}

/// What the sequencer may read next.
pub(crate) struct Readable {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    /// Nobody writes to it any more.
    pub(crate) complete: bool,
}

impl Writer {
    /// Starts in a fresh segment after those left by a former process. Segments before `next` are consumed and go.
    pub(crate) fn open(
        folder: PathBuf,
        limits: Limits,
        subjects: Arc<Subjects>,
        sealer: Arc<Sealer>,
        flusher: Option<Flusher>,
        next: u64,
    ) -> Result<Self, StoreError> {
        let (consumed, left): (Vec<_>, Vec<_>) = Segment::list(&folder)?.into_iter().partition(|number| *number < next);
        for number in consumed {
            let path = Segment::path(&folder, number);
            std::fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
        }
        let number = left.last().copied().unwrap_or(0).max(next) + 1;
        let retired = left.into_iter().map(|number| Segment::reopen(&folder, number).map(Arc::new)).collect::<Result<_, _>>()?;
        let current = ArcSwap::from_pointee(Segment::create(&folder, number)?);
        Ok(Self {
            folder,
            limits,
            current,
            retired: Mutex::new(retired),
            broken: ArcSwapOption::empty(),
            refused: AtomicU64::new(0),
            refused_from: AtomicI64::new(0),
            refused_to: AtomicI64::new(0),
            lagging: AtomicBool::new(false),
            foreign_copy: AtomicBool::new(false),
            subjects,
            sealer,
            flusher,
        })
    }

    fn refuse(&self, error: JournalError, records: &[Record]) -> Appended {
        let Some(time) = records.first().map(|record| record.entry.time()) else { return Appended::Done(Ok(())) };
        if self.refused.fetch_add(records.len() as u64, Ordering::AcqRel) == 0 {
            self.refused_from.store(time.as_micros(), Ordering::Release);
        }
        self.refused_to.store(time.as_micros(), Ordering::Release);
        Appended::Done(Err(error))
    }

    fn break_off(&self, error: JournalError) {
        if self.broken.compare_and_swap(&None::<Arc<JournalError>>, Some(Arc::new(error))).is_none() {
            tracing::error!(error = &error as &dyn std::error::Error, "the journal refuses records");
        }
    }

    /// Encodes and writes; gives the segment that holds the records.
    fn write(&self, records: &[Record]) -> Result<Arc<Segment>, JournalError> {
        BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            for record in records {
                let detail = record.detail.as_ref();
                let subject = detail.map(|detail| self.subjects.get(&detail.subject, detail.since)).transpose()?.flatten();
                encode(buffer, record, subject.as_deref(), &self.sealer).map_err(|_| JournalError::TooLong)?;
            }
            let segment = self.current.load_full();
            let result = write_once(&segment, buffer);
            if buffer.capacity() > KEEP_BUFFER {
                *buffer = Vec::new();
            }
            result.inspect_err(|error| self.break_off(*error))?;
            Ok(segment)
        })
    }

    /// Swaps in a fresh segment. `only_if` is the number that must still be current.
    pub(crate) fn rotate(&self, only_if: Option<u64>) -> Result<(), StoreError> {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.current.load().number;
        if only_if.is_some_and(|expected| expected != number) {
            return Ok(());
        }
        let fresh = Segment::create(&self.folder, number + 1)?;
        retired.push_back(self.current.swap(Arc::new(fresh)));
        Ok(())
    }

    fn rotate_full(&self, number: u64) {
        if self.backlog() >= self.limits.backlog_bytes {
            self.break_off(JournalError::Backlog);
        } else if let Err(error) = self.rotate(Some(number)) {
            self.break_off(reason(&error));
        }
    }

    /// Bytes in retired segments.
    fn backlog(&self) -> u64 {
        let retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.iter().map(|segment| segment.written.load(Ordering::Relaxed)).sum()
    }

    /// Called by the sequencer at every turn: opens a fresh segment when writing works again, and records what was refused.
    pub(crate) fn tend(&self, now: Timestamp) {
        if let Some(error) = self.broken.load_full() {
            if *error == JournalError::Closed || (*error == JournalError::Backlog && self.backlog() >= self.limits.backlog_bytes) {
                return;
            }
            if let Err(error) = self.reopen(now) {
                tracing::debug!(error = &error as &dyn std::error::Error, "the journal still cannot be written");
                return;
            }
            self.broken.store(None);
            tracing::info!("the journal takes records again");
        } else if self.refused.load(Ordering::Acquire) > 0 {
            let count = self.refused.load(Ordering::Acquire);
            let Some(entry) = self.gap(now, count) else { return };
            // Not through `append`, which would count a gap that cannot be written as one more refusal.
            if self.write(&[Record { entry, detail: None }]).is_ok() {
                self.refused.fetch_sub(count, Ordering::AcqRel);
            }
        }
    }

    /// A fresh segment whose first record is the gap.
    fn reopen(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Segment::create(&self.folder, self.current.load().number + 1)?;
        let refused = self.refused.load(Ordering::Acquire);
        if let Some(entry) = self.gap(now, refused) {
            let mut buffer = Vec::new();
            let written = encode(&mut buffer, &Record { entry, detail: None }, None, &self.sealer)
                .map_err(|_| JournalError::TooLong)
                .and_then(|()| write_once(&fresh, &buffer));
            if let Err(error) = written {
                let _ = std::fs::remove_file(&fresh.path);
                return Err(error.into());
            }
            self.refused.fetch_sub(refused, Ordering::AcqRel);
        }
        retired.push_back(self.current.swap(Arc::new(fresh)));
        Ok(())
    }

    fn gap(&self, now: Timestamp, count: u64) -> Option<Entry> {
        let from = Timestamp::from_micros(self.refused_from.load(Ordering::Acquire));
        let to = Timestamp::from_micros(self.refused_to.load(Ordering::Acquire));
        (count > 0).then_some(Entry::Gap { time: now, from, to, count })
    }

    /// The oldest segment that is not consumed.
    pub(crate) fn readable(&self) -> Readable {
        let retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(segment) = retired.front() {
            let complete = Arc::strong_count(segment) == 1;
            Readable { number: segment.number, path: segment.path.clone(), complete }
        } else {
            let segment = self.current.load();
            Readable { number: segment.number, path: segment.path.clone(), complete: false }
        }
    }

    /// The oldest segment is consumed; its file stays until the caller removes it.
    pub(crate) fn consumed(&self, number: u64) {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        if retired.front().is_some_and(|segment| segment.number == number) {
            retired.pop_front();
        }
    }

    /// The number of the segment that is written to.
    pub(crate) fn current_number(&self) -> u64 {
        self.current.load().number
    }

    /// The end of what is acknowledged by now.
    pub(crate) fn end(&self) -> Result<Position, StoreError> {
        let segment = self.current.load_full();
        let offset = segment.file.metadata().map_err(StoreError::io("look at", &segment.path))?.len();
        Ok(Position { segment: segment.number, offset })
    }

    /// Whether a segment waits to be read to its end.
    pub(crate) fn has_retired(&self) -> bool {
        !self.retired.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Says whether the ledger follows.
    pub(crate) fn set_lagging(&self, lagging: bool) {
        self.lagging.store(lagging, Ordering::Release);
    }

    /// Says whether the checkpoint's second place holds one that is not of this log.
    pub(crate) fn set_foreign_copy(&self, foreign: bool) {
        self.foreign_copy.store(foreign, Ordering::Release);
    }

    /// The thread that follows has ended: refuses everything from now on.
    pub(crate) fn nobody_follows(&self) {
        if self.broken.load().as_deref() != Some(&JournalError::Closed) {
            tracing::error!("the thread that keeps the ledger has died; nothing is recorded any more");
            self.broken.store(Some(Arc::new(JournalError::Sequencer)));
        }
    }

    /// Refuses everything from now on.
    pub(crate) fn close(&self) {
        self.broken.store(Some(Arc::new(JournalError::Closed)));
    }
}

impl Journal for Writer {
    fn append_all(&self, records: &[Record]) -> Appended {
        if let Some(error) = self.broken.load().as_deref() {
            return self.refuse(*error, records);
        }
        if let Some(error) = self.flusher.as_ref().and_then(Flusher::failure) {
            self.break_off(error);
            return self.refuse(error, records);
        }
        let segment = match self.write(records) {
            Ok(segment) => segment,
            Err(error) => return self.refuse(error, records),
        };
        if segment.written.load(Ordering::Relaxed) >= self.limits.segment_bytes {
            self.rotate_full(segment.number);
        }
        match &self.flusher {
            None => Appended::Done(Ok(())),
            Some(flusher) => flusher.wait_for(segment),
        }
    }

    fn waits(&self) -> bool {
        self.flusher.is_some()
    }

    fn health(&self) -> Result<(), JournalError> {
        match self.broken.load().as_deref() {
            Some(error) => Err(*error),
            None if self.lagging.load(Ordering::Acquire) => Err(JournalError::Sequencer),
            None if self.foreign_copy.load(Ordering::Acquire) => Err(JournalError::CheckpointCopy),
            None => Ok(()),
        }
    }
}

/// One `write(2)` of whole frames. A short write is a failure: the torn bytes are passed over when the segment is read. Of several
/// frames the first may be whole then: the log says more than was done, never less.
fn write_once(segment: &Segment, frames: &[u8]) -> Result<(), JournalError> {
    let written = loop {
        match (&segment.file).write(frames) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => break other,
        }
    };
    match written {
        Ok(count) if count == frames.len() => {
            segment.written.fetch_add(count as u64, Ordering::Relaxed);
            Ok(())
        }
        Ok(_) => Err(JournalError::DiskFull),
        Err(error) => Err(cause(&error)),
    }
}

fn cause(error: &std::io::Error) -> JournalError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => JournalError::DiskFull,
        _ => JournalError::Write(error.raw_os_error().unwrap_or(0)),
    }
}

fn reason(error: &StoreError) -> JournalError {
    match error {
        StoreError::Io { source, .. } => cause(source),
        StoreError::Journal(error) => *error,
        _ => JournalError::Write(0),
    }
}
