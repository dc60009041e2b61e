//! The background thread that turns journal records into the log: assigns indexes, fills tiles and the event index, publishes
//! checkpoints.
//!
//! Exactly once, whenever the process dies: a batch's rows and the journal position go into one transaction; a checkpoint is
//! published after it; a start begins at the position that belongs to the published checkpoint, drops rows beyond it, and reads the
//! journal again from there. A segment is removed only when a published checkpoint and a database on disk cover it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use bartizan_ledger::{Appended, Entry, FileWrite, Frame, Frames, Journal, JournalError, Record, SignerKey, TreeState};
use rusqlite::{Connection, OptionalExtension};

use crate::db::{Indexer, Position, is_on_disk, remember_position};
use crate::details::Details;
use crate::directory::{Revoked, remove_keys};
use crate::folder::Layout;
use crate::keys::take_up_next;
use crate::publish::Publisher;
use crate::record::{DataKeyId, Stored, decode};
use crate::recover::CatchUp;
use crate::subjects::Subjects;
use crate::writer::{Readable, Writer};
use crate::{Clock, StoreError};

/// How often the journal is looked at.
const TURN: Duration = Duration::from_millis(100);
/// Under load, a checkpoint at most this often.
const PUBLISH: Duration = Duration::from_millis(500);
/// Bytes of journal read at once.
const CHUNK: u64 = 4 << 20;
/// Chunks in one turn, so that commands are heard and segments removed under steady load too.
const BATCHES: u32 = 16;
/// How often old events are removed.
const PRUNE: Duration = Duration::from_hours(1);

type Reply<T> = Sender<Result<T, StoreError>>;

/// What others ask of the thread.
pub(crate) enum Command {
    /// Bring everything that is acknowledged into the log and publish.
    Flush(Reply<()>),
    /// Flush, then give the position of a consistent copy.
    Snapshot(Reply<Snapshot>),
    /// Sign with another key from now on.
    Rotate(Box<Rotation>, Reply<()>),
    /// Make the event index anew; gives the number of events.
    Rebuild(Reply<u64>),
    /// Flush and end.
    Stop(Reply<()>),
}

/// A signing key that is replaced.
pub(crate) struct Rotation {
    /// Signed by both keys.
    pub(crate) entry: Entry,
    /// The new key; it lies in `ledger.key.next` already.
    pub(crate) signer: SignerKey,
    pub(crate) layout: Layout,
}

/// A moment of the log, for a consistent copy.
pub(crate) struct Snapshot {
    pub(crate) checkpoint: String,
    pub(crate) size: u64,
    /// Partial tiles of that moment; the full ones never change.
    pub(crate) partials: Vec<FileWrite>,
    /// A connection whose read transaction sees exactly that moment.
    pub(crate) db: Connection,
}

/// State of the thread.
pub(crate) struct Sequencer {
    pub(crate) writer: Arc<Writer>,
    pub(crate) subjects: Arc<Subjects>,
    pub(crate) db: Connection,
    pub(crate) db_path: PathBuf,
    pub(crate) tree: TreeState,
    pub(crate) catch_up: Option<CatchUp>,
    pub(crate) position: Position,
    pub(crate) publisher: Publisher,
    pub(crate) details: Details,
    pub(crate) revoked: Arc<Revoked>,
    pub(crate) clock: Clock,
    pub(crate) retention_days: Option<u32>,
}

impl Sequencer {
    /// Runs until told to stop or everybody is gone.
    pub(crate) fn run(mut self, commands: &Receiver<Command>) {
        let mut pruned: Option<Instant> = None;
        let mut more = false;
        loop {
            let command = match commands.recv_timeout(if more { Duration::ZERO } else { TURN }) {
                Ok(command) => Some(command),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            self.writer.tend((self.clock)());
            self.remove_revoked();
            match command {
                None => {
                    let result = self.turn(false);
                    self.report(&result);
                    more = result.unwrap_or(false);
                }
                Some(Command::Flush(reply)) => {
                    let result = self.turn(true);
                    self.report(&result);
                    let _ = reply.send(result.map(drop));
                }
                Some(Command::Snapshot(reply)) => {
                    let result = self.turn(true).and_then(|_| self.snapshot());
                    let _ = reply.send(result);
                }
                Some(Command::Rotate(rotation, reply)) => {
                    let _ = reply.send(self.rotate(*rotation));
                }
                Some(Command::Rebuild(reply)) => {
                    let _ = reply.send(self.turn(true).and_then(|_| self.rebuild()));
                }
                Some(Command::Stop(reply)) => {
                    let _ = reply.send(self.turn(true).map(drop));
                    return;
                }
            }
            if pruned.is_none_or(|at| at.elapsed() > PRUNE) {
                self.prune();
                pruned = Some(Instant::now());
            }
        }
    }

    fn report(&self, result: &Result<bool, StoreError>) {
        if let Err(error) = result {
            tracing::error!(error = error as &dyn std::error::Error, "the ledger cannot be written");
        }
        self.writer.set_lagging(result.is_err());
    }

    /// One turn. With `all`: everything that is acknowledged by now into tree and index, and a checkpoint. Without: what is there, but
    /// not for too long; a checkpoint when one is due. Says whether there is more.
    fn turn(&mut self, all: bool) -> Result<bool, StoreError> {
        let target = if all { Some(self.writer.end()?) } else { None };
        let mut chunk = CHUNK;
        let mut batches = 0;
        // Writers of a retired segment need microseconds to end, with power-loss safety one flush.
        let mut patience = 2_000;
        let more = loop {
            if target.is_some_and(|end| self.position >= end) || (!all && batches >= BATCHES) {
                break batches >= BATCHES;
            }
            match self.batch(chunk)? {
                Progress::Read => (chunk, batches) = (CHUNK, batches + 1),
                // The next turn has more for its transaction than the few records that came meanwhile.
                Progress::CaughtUp if !all => {
                    batches += 1;
                    break false;
                }
                Progress::CaughtUp => batches += 1,
                Progress::TooSmall => chunk *= 2,
                Progress::Nothing if all && self.writer.has_retired() && patience > 0 => {
                    patience -= 1;
                    std::thread::sleep(Duration::from_millis(1));
                }
                Progress::Nothing => break false,
            }
            if self.publisher.due(PUBLISH) {
                self.publisher.publish(&self.tree)?;
            }
        };
        if !self.publisher.is_published(&self.tree) && (all || self.publisher.due(PUBLISH)) {
            self.publisher.publish(&self.tree)?;
        }
        self.publisher.tidy(batches == 0);
        self.writer.set_foreign_copy(self.publisher.tend_copy(&self.tree));
        if self.publisher.has_covered(&self.tree) {
            self.details.sync()?;
            if is_on_disk(&self.db)? {
                let indexed = self.catch_up.as_ref().map_or(self.tree.size(), CatchUp::next);
                self.publisher.remove_covered(&self.db, indexed)?;
            }
        }
        Ok(more)
    }

    /// Reads and applies up to `chunk` bytes of the segment that is next.
    fn batch(&mut self, chunk: u64) -> Result<Progress, StoreError> {
        let readable = self.writer.readable();
        if readable.number != self.position.segment {
            self.position = Position { segment: readable.number, offset: 0 };
        }
        let bytes = read_from(&readable, self.position.offset, chunk)?;
        let whole = u64::try_from(bytes.len()).unwrap_or(u64::MAX) < chunk;
        if bytes.is_empty() {
            return Ok(self.finish_segment(&readable));
        }
        let mut frames = Frames::new(&bytes);
        let mut records = Vec::new();
        let mut damaged = 0;
        while let Some(frame) = frames.next() {
            match frame {
                Frame::Record { .. } => match decode(&frame) {
                    Some(stored) => records.push(stored),
                    None => damaged += 1,
                },
                Frame::Broken { next } if readable.complete && whole => {
                    // Torn bytes at the end are of a write that nobody was told had worked; anything else may have been acknowledged.
                    damaged += u64::from(next.is_some() || !frames.is_torn());
                    frames.skip_to(next.unwrap_or(bytes.len()));
                }
                Frame::Broken { next } => {
                    if next.is_some() && !readable.complete {
                        self.writer.rotate(Some(readable.number))?;
                    }
                    break;
                }
            }
        }
        let end = frames.offset();
        if end == 0 {
            return Ok(if whole { Progress::Nothing } else { Progress::TooSmall });
        }
        let next = Position { offset: self.position.offset + end as u64, ..self.position };
        if damaged > 0 {
            self.note_damage(damaged, &readable)?;
        }
        self.apply(&records, next)?;
        Ok(if whole && !readable.complete { Progress::CaughtUp } else { Progress::Read })
    }

    /// Says that records of the journal are lost, in the log file and in the ledger; before they are passed over, so that it is said
    /// twice rather than never.
    fn note_damage(&self, count: u64, readable: &Readable) -> Result<(), StoreError> {
        tracing::error!(count, segment = %readable.path.display(), "damaged records of the journal are passed over");
        let now = (self.clock)();
        match self.writer.append(&Record { entry: Entry::Gap { time: now, from: now, to: now, count }, detail: None }) {
            Appended::Done(Err(error)) if error != JournalError::Closed => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The end of a segment: go on with the next one when this one is complete.
    fn finish_segment(&mut self, readable: &Readable) -> Progress {
        if !readable.complete {
            return Progress::Nothing;
        }
        self.writer.consumed(readable.number);
        self.publisher.consumed(readable);
        self.position = Position { segment: self.writer.readable().number, offset: 0 };
        Progress::Read
    }

    /// Tree and index in step, or neither.
    fn apply(&mut self, records: &[Stored<'_>], next: Position) -> Result<(), StoreError> {
        let before = self.tree.clone();
        let mut writes = Vec::new();
        let mut catch_up = self.catch_up.clone();
        let result = self.apply_records(records, next, &mut writes, &mut catch_up);
        match result {
            Ok(keys) => {
                self.position = next;
                self.catch_up = catch_up;
                self.publisher.add(writes);
                if !keys.is_empty() {
                    self.subjects.kept(&keys);
                }
                Ok(())
            }
            Err(error) => {
                self.details.give_up();
                self.tree = before;
                Err(error)
            }
        }
    }

    fn apply_records(
        &mut self,
        records: &[Stored<'_>],
        next: Position,
        writes: &mut Vec<FileWrite>,
        catch_up: &mut Option<CatchUp>,
    ) -> Result<Vec<DataKeyId>, StoreError> {
        let mut keys = Vec::new();
        let transaction = self.db.transaction()?;
        let mut indexer = Indexer::new(&transaction)?;
        for stored in records {
            let known = match catch_up {
                Some(state) => state.known(stored.leaf)?,
                None => None,
            };
            let index = if let Some(index) = known {
                index
            } else {
                *catch_up = None;
                self.tree.append(stored.leaf, writes)?;
                self.tree.size() - 1
            };
            if let Some(detail) = &stored.detail {
                let place = self.details.add(index, detail);
                indexer.add(index.cast_signed(), detail, place)?;
                keys.extend(detail.new_key.map(|_| detail.key));
            }
        }
        drop(indexer);
        let size = catch_up.as_ref().map_or(self.tree.size(), CatchUp::next);
        remember_position(&transaction, size.cast_signed(), next)?;
        self.details.write()?;
        transaction.commit()?;
        Ok(keys)
    }

    /// The old key signs everything before the entry and nothing beyond: no batch is read between the entry and the change.
    fn rotate(&mut self, rotation: Rotation) -> Result<(), StoreError> {
        self.turn(true)?;
        if let Appended::Done(Err(error)) = self.writer.append(&Record { entry: rotation.entry, detail: None }) {
            let _the_start_does_it_otherwise = std::fs::remove_file(rotation.layout.next_ledger_key());
            return Err(error.into());
        }
        let taken_up = take_up_next(&rotation.layout, rotation.signer.verifier());
        self.publisher.replace_key(rotation.signer);
        self.turn(true)?;
        taken_up
    }

    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let db = crate::db::connect(&self.db_path, Duration::from_secs(2))?;
        db.execute_batch("BEGIN")?;
        let _: i64 = db.query_row("SELECT count(*) FROM positions", [], |row| row.get(0))?;
        Ok(Snapshot { checkpoint: self.publisher.checkpoint(&self.tree), size: self.tree.size(), partials: self.tree.partials(), db })
    }

    /// The rows of events and openings anew, from the details and the fields that are kept with them.
    fn rebuild(&mut self) -> Result<u64, StoreError> {
        let transaction = self.db.transaction()?;
        transaction.execute_batch("DELETE FROM events; DELETE FROM openings;")?;
        let mut indexer = Indexer::new(&transaction)?;
        let size = self.tree.size();
        self.details.scan(|index, detail, place| {
            if index < size {
                let index = index.cast_signed();
                transaction.prepare_cached("DELETE FROM events WHERE ledger_index = ?1")?.execute([index])?;
                transaction.prepare_cached("DELETE FROM openings WHERE ledger_index = ?1")?.execute([index])?;
                indexer.add(index, detail, place)?;
            }
            Ok(())
        })?;
        drop(indexer);
        let events: i64 = transaction.query_row("SELECT count(*) FROM events", [], |row| row.get(0))?;
        transaction.commit()?;
        Ok(events.cast_unsigned())
    }

    /// Removes events, openings and details older than the retention.
    fn prune(&mut self) {
        let Some(days) = self.retention_days else { return };
        let before = (self.clock)().plus_micros(i64::from(days).saturating_mul(-86_400_000_000)).as_micros();
        if let Err(error) = self.prune_before(before) {
            tracing::warn!(error = &error as &dyn std::error::Error, "old events cannot be removed");
        }
    }

    fn prune_before(&mut self, time_us: i64) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM events WHERE time_us < ?1", [time_us])?;
        let oldest = "SELECT ledger_index, detail_file FROM events ORDER BY ledger_index LIMIT 1";
        let oldest: Option<(i64, i64)> = self.db.query_row(oldest, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        // A file goes as a whole, so that details are there for at most a day longer than their events.
        if oldest.is_none() || self.details.is_old() {
            self.details.roll()?;
        }
        let (first, file) = match oldest {
            Some((index, file)) => (index, file.cast_unsigned()),
            None => (self.tree.size().cast_signed(), self.details.number()),
        };
        self.db.execute("DELETE FROM openings WHERE ledger_index < ?1", [first])?;
        self.details.remove_before(file)
    }

    /// Tries again to remove keys that were revoked while the database could not be written.
    fn remove_revoked(&self) {
        let ids = self.revoked.waiting();
        if !ids.is_empty() && remove_keys(&self.db, &ids).is_ok() {
            self.revoked.done(&ids);
        }
    }
}

/// What became of a batch.
enum Progress {
    /// Applied; there is more to read.
    Read,
    /// Applied, up to the end of what is written by now.
    CaughtUp,
    /// Not one whole record fits.
    TooSmall,
    /// There is nothing new.
    Nothing,
}

fn read_from(readable: &Readable, offset: u64, chunk: u64) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    let read = File::open(&readable.path).and_then(|mut file| {
        // Room for all that is there by now, and no more: what comes meanwhile would make it grow, and copy everything.
        let there = file.metadata()?.len().saturating_sub(offset).min(chunk);
        bytes.reserve(usize::try_from(there).unwrap_or(0) + 1);
        file.seek(SeekFrom::Start(offset))?;
        file.take(there).read_to_end(&mut bytes)
    });
    read.map_err(StoreError::io("read", &readable.path))?;
    Ok(bytes)
}
