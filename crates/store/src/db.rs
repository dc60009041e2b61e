//! The database: one SQLite file in WAL mode. All SQL of the event index, data keys and virtual keys goes through here or
//! `events`; the statements stay in a form that other engines answer too.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use crate::StoreError;
use crate::details::Place;
use crate::folder::refuse_link;
use crate::record::{DataKeyId, StoredDetail};

/// Numbered migrations; `user_version` counts those that were applied.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE settings (name TEXT PRIMARY KEY, value BLOB NOT NULL);
    CREATE TABLE positions (tree_size INTEGER PRIMARY KEY, segment INTEGER NOT NULL, byte_offset INTEGER NOT NULL);
    CREATE TABLE data_keys (id BLOB PRIMARY KEY, subject BLOB NOT NULL, wrapped BLOB NOT NULL);
    CREATE INDEX data_keys_subject ON data_keys (subject);
    CREATE TABLE events (ledger_index INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, id BLOB NOT NULL, request_id BLOB NOT NULL,
        direction INTEGER NOT NULL, decision INTEGER NOT NULL, labels TEXT NOT NULL, data_key BLOB NOT NULL,
        detail_file INTEGER NOT NULL, detail_offset INTEGER NOT NULL, detail_length INTEGER NOT NULL);
    CREATE INDEX events_request ON events (request_id);
    CREATE TABLE openings (ledger_index INTEGER PRIMARY KEY, data_key BLOB NOT NULL,
        detail_file INTEGER NOT NULL, detail_offset INTEGER NOT NULL, detail_length INTEGER NOT NULL);
    CREATE TABLE virtual_keys (id TEXT PRIMARY KEY, hash BLOB NOT NULL, created_us INTEGER NOT NULL, sealed BLOB NOT NULL);
    CREATE TABLE tokens (id TEXT PRIMARY KEY, hash BLOB NOT NULL, created_us INTEGER NOT NULL, sealed BLOB NOT NULL);
",
    "
    CREATE TABLE spending (id BLOB PRIMARY KEY, until_us INTEGER NOT NULL, tokens INTEGER NOT NULL, nanos INTEGER NOT NULL);
",
    "
    CREATE TABLE objects (id BLOB NOT NULL, provider TEXT NOT NULL, subject BLOB NOT NULL, chain BLOB NOT NULL, data_key BLOB NOT NULL,
        expires_us INTEGER NOT NULL, PRIMARY KEY (id, provider));
    CREATE INDEX objects_subject ON objects (subject);
    CREATE INDEX objects_chain ON objects (chain);
    CREATE INDEX objects_expires ON objects (expires_us);
    CREATE TABLE object_maps (number INTEGER PRIMARY KEY, chain BLOB NOT NULL, data_key BLOB NOT NULL, sealed BLOB NOT NULL);
    CREATE INDEX object_maps_chain ON object_maps (chain);
",
    "
    ALTER TABLE objects ADD COLUMN unread TEXT NOT NULL DEFAULT '';
",
];

/// How long a statement waits for another writer.
const BUSY: Duration = Duration::from_secs(2);
/// How long a read on the way of a request waits.
pub(crate) const BUSY_READ: Duration = Duration::from_millis(250);

/// Subject, id and wrapped key of a data key.
type WrappedKey = ([u8; 32], DataKeyId, Vec<u8>);

/// Connections for reading and for occasional writing; the sequencer has its own.
pub(crate) struct Database {
    reader: Mutex<Connection>,
    exporter: Mutex<Connection>,
    writer: Mutex<Connection>,
}

/// Opens a connection with our settings.
pub(crate) fn connect(path: &Path, busy: Duration) -> Result<Connection, StoreError> {
    refuse_link(path)?;
    let db = Connection::open(path)?;
    db.busy_timeout(busy)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    // 16 MB: the pages at the growing edge are moved into the database once, not with every batch.
    db.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.pragma_update(None, "secure_delete", true)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    let applied: u32 = db.query_row("SELECT user_version FROM pragma_user_version", [], |row| row.get(0))?;
    for (number, migration) in (0_u32..).zip(MIGRATIONS).filter(|(number, _)| *number >= applied) {
        let transaction = db.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", number + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

impl Database {
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let mut writer = connect(path, BUSY)?;
        migrate(&mut writer)?;
        let (reader, exporter) = (Mutex::new(connect(path, BUSY_READ)?), Mutex::new(connect(path, BUSY_READ)?));
        Ok(Self { reader, exporter, writer: Mutex::new(writer) })
    }

    pub(crate) fn read(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For long reads: nobody else waits for this one.
    pub(crate) fn export(&self) -> MutexGuard<'_, Connection> {
        self.exporter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Subject, id and wrapped key of all data keys; of a subject with several, the one with the first id counts.
    pub(crate) fn all_data_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        let db = self.read();
        let mut query = db.prepare("SELECT subject, id, wrapped FROM data_keys ORDER BY subject, id DESC")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Ids of all data keys of a subject.
    pub(crate) fn data_keys_of(&self, subject: &[u8; 32]) -> Result<Vec<DataKeyId>, StoreError> {
        let db = self.read();
        let mut query = db.prepare_cached("SELECT id FROM data_keys WHERE subject = ?1")?;
        let ids = query.query_map([subject.as_slice()], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(ids)
    }

    /// Destroys data keys: the rows are overwritten, and the write-ahead log that held them is emptied.
    pub(crate) fn destroy_data_keys(&self, ids: &[DataKeyId]) -> Result<(), StoreError> {
        let mut db = self.write();
        let transaction = db.transaction()?;
        for id in ids {
            transaction.execute("DELETE FROM data_keys WHERE id = ?1", [id.as_slice()])?;
        }
        transaction.commit()?;
        truncate_wal(&db)
    }

    pub(crate) fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let db = self.read();
        Ok(db.query_row("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0)).optional()?)
    }

    pub(crate) fn set_setting(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        Ok(set_setting(&self.write(), name, value)?)
    }
}

/// Writes a setting; part of the caller's transaction, if there is one.
pub(crate) fn set_setting(db: &Connection, name: &str, value: &[u8]) -> Result<(), rusqlite::Error> {
    let statement = "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    db.execute(statement, params![name, value])?;
    Ok(())
}

/// Moves the write-ahead log into the database and empties it. Waits for readers for up to two seconds.
pub(crate) fn truncate_wal(db: &Connection) -> Result<(), StoreError> {
    for _ in 0..20 {
        let busy: i64 = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy == 0 {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(StoreError::Sql(rusqlite::Error::QueryReturnedNoRows))
}

/// Moves the write-ahead log into the database as far as readers let it; whether all of it is there and synced.
pub(crate) fn is_on_disk(db: &Connection) -> Result<bool, StoreError> {
    let (frames, moved): (i64, i64) = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(1)?, row.get(2)?)))?;
    Ok(frames == moved)
}

/// Adds records to the index of events. Its statements are looked up once for many records.
pub(crate) struct Indexer<'c> {
    db: &'c Connection,
    events: CachedStatement<'c>,
    openings: CachedStatement<'c>,
}

impl<'c> Indexer<'c> {
    pub(crate) fn new(db: &'c Connection) -> Result<Self, rusqlite::Error> {
        let events = "INSERT INTO events (ledger_index, time_us, id, request_id, direction, decision, labels, data_key,
            detail_file, detail_offset, detail_length)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (ledger_index) DO NOTHING";
        let openings = "INSERT INTO openings (ledger_index, data_key, detail_file, detail_offset, detail_length)
            VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (ledger_index) DO NOTHING";
        Ok(Self { db, events: db.prepare_cached(events)?, openings: db.prepare_cached(openings)? })
    }

    /// Adds one record; the same record again changes nothing.
    pub(crate) fn add(&mut self, index: i64, detail: &StoredDetail<'_>, place: Place) -> Result<(), rusqlite::Error> {
        if let Some((subject, wrapped)) = detail.new_key {
            let statement = "INSERT INTO data_keys (id, subject, wrapped) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING";
            self.db.prepare_cached(statement)?.execute(params![detail.key.as_slice(), subject, wrapped])?;
        }
        let (file, offset) = (place.file.cast_signed(), place.offset.cast_signed());
        let length = i64::try_from(place.length).unwrap_or(i64::MAX);
        let Some(event) = &detail.event else {
            self.openings.execute(params![index, detail.key.as_slice(), file, offset, length])?;
            return Ok(());
        };
        self.events.execute(params![
            index,
            event.time.as_micros(),
            event.id,
            event.request_id,
            event.response,
            event.decision,
            event.labels,
            detail.key.as_slice(),
            file,
            offset,
            length
        ])?;
        Ok(())
    }
}

/// Where the journal was read up to when the tree had this size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Position {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

/// Remembers a position; part of the batch's transaction.
pub(crate) fn remember_position(db: &Connection, size: i64, at: Position) -> Result<(), rusqlite::Error> {
    let statement = "INSERT INTO positions (tree_size, segment, byte_offset) VALUES (?1, ?2, ?3)
        ON CONFLICT (tree_size) DO UPDATE SET segment = excluded.segment, byte_offset = excluded.byte_offset";
    db.prepare_cached(statement)?.execute(params![size, at.segment.cast_signed(), at.offset.cast_signed()])?;
    Ok(())
}

/// The last position at or before a tree size, with its own size.
pub(crate) fn position_at(db: &Connection, size: i64) -> Result<Option<(i64, Position)>, rusqlite::Error> {
    let statement = "SELECT tree_size, segment, byte_offset FROM positions WHERE tree_size <= ?1 ORDER BY tree_size DESC LIMIT 1";
    db.query_row(statement, [size], |row| {
        let (segment, offset): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok((row.get(0)?, Position { segment: segment.cast_unsigned(), offset: offset.cast_unsigned() }))
    })
    .optional()
}
