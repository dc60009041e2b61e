//! The thread that writes owners: a batch as soon as the one before it is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use bartizan_identity::{Chain, Object};
use rusqlite::{Connection, ToSql, Transaction, params};
use zeroize::Zeroizing;

use super::{IdHash, Memory, aad};
use crate::seal::Sealer;
use crate::subjects::Subject;
use crate::{Clock, StoreError};

/// Most bindings of one transaction.
const BATCH: usize = 256;
/// How often a batch is tried that cannot be written.
const TRIES: u32 = 3;
/// How often what has expired is removed.
const PRUNED: Duration = Duration::from_hours(1);
/// Every so many times all rows are looked at, from the first on.
const ROUNDS: u32 = 24;
/// Rows that one transaction removes.
const SLICE: i64 = 1_000;
/// Most objects that are kept; beyond, those go first that would expire first.
const MOST: i64 = 2_000_000;

/// Objects that somebody made, to be written.
pub(super) struct Job {
    /// Whoever erases this subject waits until it is written and gone.
    pub(super) subject: Arc<Subject>,
    /// How each is known on disk, and in memory.
    pub(super) places: Vec<(IdHash, IdHash)>,
    pub(super) object: Object,
    /// From where on the chain's pairs are new; `None`: it was kept as it is.
    pub(super) fresh: Option<usize>,
    pub(super) created: i64,
    pub(super) expires: i64,
}

/// What the keeper is asked to do.
pub(super) enum Op {
    Keep(Box<Job>),
    Forget { id: IdHash, subject: [u8; 32] },
    Erase([u8; 32], Sender<Result<(), StoreError>>),
    Flush(Sender<Result<(), StoreError>>),
    Stop,
}

pub(super) struct Keeper {
    db: Connection,
    memory: Arc<Memory>,
    /// How often somebody was erased.
    erasures: Arc<AtomicU64>,
    sealer: Arc<Sealer>,
    clock: Clock,
}

impl Keeper {
    pub(super) fn new(db: Connection, (memory, erasures): (Arc<Memory>, Arc<AtomicU64>), sealer: Arc<Sealer>, clock: Clock) -> Self {
        Self { db, memory, erasures, sealer, clock }
    }

    pub(super) fn run(mut self, ops: &Receiver<Op>) {
        let (mut pruned, mut rounds) = (None::<Instant>, 0_u32);
        loop {
            if pruned.is_none_or(|last| last.elapsed() >= PRUNED) {
                self.prune(rounds.is_multiple_of(ROUNDS));
                (pruned, rounds) = (Some(Instant::now()), rounds.wrapping_add(1));
            }
            let first = match ops.recv_timeout(PRUNED) {
                Ok(op) => op,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let mut batch = Vec::new();
            let mut next = Some(first);
            let mut last = None;
            while let Some(op) = next.take() {
                match op {
                    Op::Keep(_) | Op::Forget { .. } => batch.push(op),
                    other => {
                        last = Some(other);
                        break;
                    }
                }
                next = if batch.len() < BATCH { ops.try_recv().ok() } else { None };
            }
            let written = self.write(&batch);
            drop(batch);
            match last {
                Some(Op::Erase(subject, reply)) => {
                    let _nobody_may_wait = reply.send(written.and_then(|()| self.erase(&subject)));
                }
                Some(Op::Flush(reply)) => {
                    let _nobody_may_wait = reply.send(written);
                }
                Some(Op::Stop) => return,
                _ => {}
            }
        }
    }

    fn write(&mut self, batch: &[Op]) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut tries = 0;
        loop {
            let error = match self.transaction(batch) {
                Ok(strangers) => {
                    for place in strangers {
                        tracing::warn!("a provider gave somebody the id of an object that is somebody else's; it stays theirs");
                        self.memory.remove(&place);
                    }
                    return Ok(());
                }
                Err(error) => error,
            };
            tries += 1;
            tracing::error!(error = &error as &dyn std::error::Error, tries, "owners of what providers keep cannot be written");
            if tries >= TRIES {
                self.give_up(batch);
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What could not be written is nobody's: it might be somebody else's on disk.
    fn give_up(&self, batch: &[Op]) {
        for op in batch {
            if let Op::Keep(job) = op {
                job.places.iter().for_each(|(_, place)| drop(self.memory.remove(place)));
            }
        }
    }

    /// Writes a batch; gives the places in memory of objects that are somebody else's.
    fn transaction(&mut self, batch: &[Op]) -> Result<Vec<IdHash>, StoreError> {
        let mut strangers = Vec::new();
        let transaction = self.db.transaction()?;
        for op in batch {
            match op {
                Op::Keep(job) => keep(&transaction, &self.sealer, job, &mut strangers)?,
                Op::Forget { id, subject } => {
                    transaction.prepare_cached("DELETE FROM objects WHERE id = ?1 AND subject = ?2")?.execute(params![id, subject])?;
                }
                _ => {}
            }
        }
        transaction.commit()?;
        Ok(strangers)
    }

    fn erase(&mut self, subject: &[u8; 32]) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        transaction.execute("DELETE FROM object_maps WHERE chain IN (SELECT chain FROM objects WHERE subject = ?1)", [subject])?;
        transaction.execute("DELETE FROM objects WHERE subject = ?1", [subject])?;
        transaction.commit()?;
        // Who read before the commit sees that somebody was erased, or what it remembers goes now.
        self.erasures.fetch_add(1, Ordering::SeqCst);
        self.memory.retain(|_, object| object.subject != *subject);
        Ok(())
    }

    /// Removes what has expired and what is too much; `all`: also what nobody can own any more.
    fn prune(&mut self, all: bool) {
        let now = (self.clock)().as_micros();
        if let Err(error) = prune(&self.db, now, all) {
            tracing::warn!(error = &error as &dyn std::error::Error, "owners that have expired could not be removed");
        }
    }
}

/// Looks for rows first and removes them in slices: others write to this database too, and wait for two seconds at most.
fn prune(db: &Connection, now: i64, all: bool) -> Result<(), rusqlite::Error> {
    let full = usize::try_from(SLICE).unwrap_or(0);
    let expired = "SELECT rowid FROM objects WHERE expires_us <= ?2 LIMIT ?1";
    while remove(db, "objects", expired, &[&SLICE, &now])? == full {}
    let count: i64 = db.query_row("SELECT count(*) FROM objects", [], |row| row.get(0))?;
    let first = "SELECT rowid FROM objects ORDER BY expires_us LIMIT ?1";
    for beyond in (1..=count - MOST).rev().step_by(full.max(1)) {
        remove(db, "objects", first, &[&beyond.min(SLICE)])?;
    }
    if all {
        // Of who was erased in a ledger that a restore went on with.
        let lost = "SELECT rowid FROM objects WHERE data_key NOT IN (SELECT id FROM data_keys) LIMIT ?1";
        while remove(db, "objects", lost, &[&SLICE])? == full {}
        let loose = "SELECT rowid FROM object_maps WHERE chain NOT IN (SELECT chain FROM objects) LIMIT ?1";
        while remove(db, "object_maps", loose, &[&SLICE])? == full {}
    }
    Ok(())
}

/// Removes the rows that a query finds, in one transaction; how many.
fn remove(db: &Connection, table: &str, query: &str, values: &[&dyn ToSql]) -> Result<usize, rusqlite::Error> {
    let found: Vec<i64> = db.prepare_cached(query)?.query_map(values, |row| row.get(0))?.collect::<Result<_, _>>()?;
    if found.is_empty() {
        return Ok(0);
    }
    let transaction = db.unchecked_transaction()?;
    let statement = format!("DELETE FROM {table} WHERE rowid = ?1");
    for row in &found {
        transaction.prepare_cached(&statement)?.execute([row])?;
    }
    transaction.commit()?;
    Ok(found.len())
}

fn keep(db: &Transaction<'_>, sealer: &Sealer, job: &Job, strangers: &mut Vec<IdHash>) -> Result<(), StoreError> {
    let (subject, chain) = (&job.subject, &job.object.chain);
    if !subject.is_kept() {
        let statement = "INSERT INTO data_keys (id, subject, wrapped) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING";
        db.prepare_cached(statement)?.execute(params![subject.id.as_slice(), subject.hash, subject.wrapped])?;
    }
    if let Some(fresh) = job.fresh {
        let sealed = sealed(sealer, subject, chain, fresh)?;
        let statement = "INSERT INTO object_maps (chain, data_key, sealed) VALUES (?1, ?2, ?3)";
        db.prepare_cached(statement)?.execute(params![chain.id, subject.id.as_slice(), sealed])?;
    }
    let unread = job.object.unread.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" ");
    for (id, place) in &job.places {
        // Whoever made it first keeps it, as long as it is known.
        let statement = "INSERT INTO objects (id, provider, subject, chain, data_key, expires_us, unread)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?8)
            ON CONFLICT (id, provider) DO UPDATE SET subject = excluded.subject, chain = excluded.chain, data_key = excluded.data_key,
            expires_us = excluded.expires_us, unread = excluded.unread WHERE objects.subject = excluded.subject OR objects.expires_us <= ?7";
        let provider = job.object.provider.as_str();
        let values = params![id, provider, subject.hash, chain.id, subject.id.as_slice(), job.expires, job.created, unread];
        if db.prepare_cached(statement)?.execute(values)? == 0 {
            strangers.push(*place);
        }
    }
    Ok(())
}

/// The new pairs of a chain, sealed under its owner's key.
fn sealed(sealer: &Sealer, subject: &Subject, chain: &Chain, fresh: usize) -> Result<Vec<u8>, StoreError> {
    let pairs: Vec<(&str, &str, bool)> =
        chain.pairs.iter().skip(fresh).map(|pair| (pair.token.as_str(), pair.surface.reveal().as_str(), pair.was_number)).collect();
    let plain = Zeroizing::new(serde_json::to_vec(&(chain.conversation.as_str(), pairs)).map_err(|_| StoreError::Sealed)?);
    let mut out = Vec::new();
    let done = sealer.seal_into(subject.session(), &aad(&chain.id), &mut out, |out| out.extend_from_slice(&plain));
    if done { Ok(out) } else { Err(StoreError::Sealed) }
}
