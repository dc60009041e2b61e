//! Who made what a provider keeps, and the pseudonyms of chains of answers.
//!
//! A binding is in memory at once and in the database as soon as the batch before it is written. What a crash loses in between belongs
//! to nobody afterwards. On disk ids are keyed hashes, owners are known as in `subjects`, and pseudonyms are sealed under the owner's
//! data key: with that key gone, nothing of theirs is found or opened.

mod keeper;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bartizan_identity::{Binding, Chain, Object, ObjectKind, Objects as Owners, ObjectsError, Pair};
use bartizan_vocabulary::{Hidden, PrincipalId, ProviderName, UninspectedKind};
use hmac::{Hmac, Mac};
use keeper::{Job, Keeper, Op};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::Sha256;

use crate::db::{BUSY_READ, connect};
use crate::keys::Key;
use crate::record::DataKeyId;
use crate::seal::Sealer;
use crate::subjects::Subjects;
use crate::{Clock, StoreError};

/// Bytes of objects and pseudonyms in memory.
const CACHE_BYTES: u64 = 32 << 20;
/// So many objects that are bound together share the weight of their chain.
const TOGETHER: usize = 8;
/// Objects in memory, about: for the cache's first size only.
const CACHED: usize = 20_000;
/// Ids that are looked up while nobody else can.
const AT_ONCE: usize = 64;
/// Bindings that wait to be written.
const QUEUE: usize = 4_096;
/// A chain is not read beyond so many sealed bytes: those hold more than a request may go on with, however they are escaped.
const MOST_SEALED: usize = 8 * Chain::MOST_BYTES;
/// How long the keeper may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
const DAY_US: i64 = 86_400_000_000;

/// A keyed hash of an id, alone or with its owner.
type IdHash = [u8; 32];

/// An object in memory, found by its owner and its id together.
#[derive(Clone)]
struct Remembered {
    subject: [u8; 32],
    object: Object,
    expires: i64,
    /// Bytes, about.
    weight: u64,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<IdHash, Remembered> for ByBytes {
    fn weight(&self, _: &IdHash, object: &Remembered) -> u64 {
        object.weight
    }
}

type Memory = Cache<IdHash, Remembered, ByBytes>;

/// The store's table of owners.
pub(crate) struct Objects {
    memory: Arc<Memory>,
    subjects: Arc<Subjects>,
    reader: Mutex<Connection>,
    queue: SyncSender<Op>,
    thread: Mutex<Option<JoinHandle<()>>>,
    key: Key,
    clock: Clock,
    lifetime: i64,
    /// How often somebody was erased: what was read before is not remembered after.
    erasures: Arc<AtomicU64>,
}

impl Objects {
    /// Opens the table and starts its thread.
    pub(crate) fn open(
        path: &std::path::Path,
        (key, days): (Key, u32),
        subjects: &Arc<Subjects>,
        sealer: Arc<Sealer>,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let memory = Arc::new(Cache::with_weighter(CACHED, CACHE_BYTES, ByBytes));
        let (queue, ops) = sync_channel(QUEUE);
        let erasures = Arc::new(AtomicU64::new(0));
        let own = connect(path, Duration::from_secs(2))?;
        let keeper = Keeper::new(own, (Arc::clone(&memory), Arc::clone(&erasures)), sealer, Arc::clone(&clock));
        let thread = std::thread::Builder::new().name("objects".to_owned()).spawn(move || keeper.run(&ops));
        let thread = thread.map_err(|error| StoreError::Sequencer(error.to_string()))?;
        Ok(Self {
            memory,
            subjects: Arc::clone(subjects),
            reader: Mutex::new(connect(path, BUSY_READ)?),
            queue,
            thread: Mutex::new(Some(thread)),
            key,
            clock,
            lifetime: i64::from(days).saturating_mul(DAY_US),
            erasures,
        })
    }

    fn keyed(&self, parts: &[&[u8]]) -> IdHash {
        let mut out = [0; 32];
        if let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(self.key.as_slice()) {
            for part in parts {
                mac.update(&(part.len() as u64).to_be_bytes());
                mac.update(part);
            }
            out = mac.finalize().into_bytes().into();
        }
        out
    }

    /// How an id is known on disk.
    fn on_disk(&self, kind: ObjectKind, id: &str) -> IdHash {
        self.keyed(&[kind.as_str().as_bytes(), id.as_bytes()])
    }

    /// How an object of an owner is found in memory.
    fn in_memory(&self, owner: &PrincipalId, kind: ObjectKind, id: &str) -> IdHash {
        self.keyed(&[b"of", owner.as_str().as_bytes(), kind.as_str().as_bytes(), id.as_bytes()])
    }

    fn now(&self) -> i64 {
        (self.clock)().as_micros()
    }

    /// Writes everything that waits, and forgets a subject's objects.
    pub(crate) fn erase(&self, subject: &[u8; 32]) -> Result<(), StoreError> {
        self.ask(|reply| Op::Erase(*subject, reply))
    }

    /// Writes everything that waits.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        self.ask(Op::Flush)
    }

    fn ask(&self, op: impl FnOnce(std::sync::mpsc::Sender<Result<(), StoreError>>) -> Op) -> Result<(), StoreError> {
        let (reply, answer) = channel();
        self.queue.send(op(reply)).map_err(|_| StoreError::Sequencer("the keeper of objects has ended".to_owned()))?;
        answer.recv_timeout(PATIENCE).map_err(|error| StoreError::Sequencer(error.to_string()))?
    }

    /// Writes everything that waits, and ends the thread.
    pub(crate) fn stop(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _it_may_have_ended = self.queue.send(Op::Stop);
            let _ = thread.join();
        }
    }

    /// The newest object of an owner under this id.
    fn row(db: &Connection, id: &IdHash, subject: &[u8; 32], now: i64) -> Result<Option<Row>, rusqlite::Error> {
        let statement = "SELECT o.provider, o.chain, o.expires_us, o.unread FROM objects o JOIN data_keys k ON k.id = o.data_key
            WHERE o.id = ?1 AND o.subject = ?2 AND o.expires_us > ?3 ORDER BY o.expires_us DESC LIMIT 1";
        let mut query = db.prepare_cached(statement)?;
        let row =
            |row: &rusqlite::Row<'_>| Ok(Row { provider: row.get(0)?, chain: row.get(1)?, expires: row.get(2)?, unread: row.get(3)? });
        query.query_row(params![id, subject, now], row).optional()
    }

    /// A chain with all of its parts; `None` when none is left.
    fn chain(&self, db: &Connection, id: [u8; 16], subject: &[u8; 32]) -> Result<Option<Arc<Chain>>, StoreError> {
        let statement = "SELECT m.sealed, k.id, k.wrapped FROM object_maps m JOIN data_keys k ON k.id = m.data_key
            WHERE m.chain = ?1 AND k.subject = ?2 ORDER BY m.number";
        let mut query = db.prepare_cached(statement)?;
        let mut rows = query.query(params![id, subject])?;
        let (mut conversation, mut pairs, mut read) = (None, Vec::new(), 0);
        while let Some(row) = rows.next()? {
            // What goes on from so much is refused anyway: the rest is not opened.
            if pairs.len() > Chain::MOST_PAIRS || read > MOST_SEALED {
                break;
            }
            let (key, wrapped): (DataKeyId, Vec<u8>) = (row.get(1)?, row.get(2)?);
            let key = self.subjects.unwrap(&key, &wrapped).ok_or(StoreError::Sealed)?;
            let sealed = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            read += sealed.len();
            let plain = Sealer::open(&key, &aad(&id), sealed).ok_or(StoreError::Sealed)?;
            let (of, more): (String, Vec<(String, String, bool)>) = serde_json::from_slice(&plain).map_err(|_| StoreError::Sealed)?;
            conversation.get_or_insert(of);
            let pair = |(token, surface, was_number)| Pair { token, surface: Hidden::new(surface), was_number };
            pairs.extend(more.into_iter().map(pair));
        }
        Ok(conversation.map(|conversation| Arc::new(Chain { id, conversation, pairs: pairs.into() })))
    }

    fn read(&self, owner: &PrincipalId, wanted: &[(ObjectKind, String)]) -> Result<Vec<Option<Object>>, StoreError> {
        let (subject, now, erasures) = (self.subjects.hash(owner), self.now(), self.erasures.load(Ordering::SeqCst));
        let db = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        // What is asked for together often belongs together.
        let mut chains: Vec<Arc<Chain>> = Vec::new();
        let mut found = Vec::with_capacity(wanted.len());
        for (kind, id) in wanted {
            if let Some(object) = self.at_hand(owner, *kind, id) {
                found.push(Some(object));
                continue;
            }
            // With one that is unknown the answer is settled.
            let Some(row) = Self::row(&db, &self.on_disk(*kind, id), &subject, now)? else { break };
            let known = chains.iter().find(|known| known.id == row.chain).cloned();
            let Some(chain) = known.map_or_else(|| self.chain(&db, row.chain, &subject), |known| Ok(Some(known)))? else { break };
            if !chains.iter().any(|known| known.id == chain.id) {
                chains.push(Arc::clone(&chain));
            }
            let object = Object { provider: ProviderName::new(row.provider), chain, unread: kinds(&row.unread)? };
            let weight = weight(&object.chain, wanted.len());
            let remembered = Remembered { subject, object: object.clone(), expires: row.expires, weight };
            let place = self.in_memory(owner, *kind, id);
            self.memory.insert(place, remembered);
            if self.erasures.load(Ordering::SeqCst) != erasures {
                self.memory.remove(&place);
            }
            found.push(Some(object));
        }
        found.resize(wanted.len(), None);
        Ok(found)
    }

    /// Which of these an owner has. Unlike a look-up it goes on after one that is somebody else's, and reads no chain.
    fn own(&self, owner: &PrincipalId, provider: &ProviderName, kind: ObjectKind, ids: &[String]) -> Result<Vec<bool>, StoreError> {
        let (subject, now) = (self.subjects.hash(owner), self.now());
        let statement = "SELECT 1 FROM objects o JOIN data_keys k ON k.id = o.data_key
            WHERE o.id = ?1 AND o.subject = ?2 AND o.expires_us > ?3 AND o.provider = ?4 LIMIT 1";
        let mut all = Vec::with_capacity(ids.len());
        // A list is long, and look-ups that somebody waits for come in between.
        for ids in ids.chunks(AT_ONCE) {
            let db = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
            let mut query = db.prepare_cached(statement)?;
            for id in ids {
                let at_hand = self.at_hand(owner, kind, id).is_some_and(|object| object.provider == *provider);
                all.push(at_hand || query.exists(params![self.on_disk(kind, id), subject, now, provider.as_str()])?);
            }
        }
        Ok(all)
    }
}

/// A row of the table.
struct Row {
    provider: String,
    chain: [u8; 16],
    expires: i64,
    unread: String,
}

/// What of a file was not read, as it stands in its row. A word that nobody knows is no reason to take the file for read.
fn kinds(words: &str) -> Result<Arc<[UninspectedKind]>, StoreError> {
    words.split_ascii_whitespace().map(|word| word.parse().map_err(|_| StoreError::Sealed)).collect()
}

/// What a sealed part of a chain is bound to.
fn aad(chain: &[u8; 16]) -> Vec<u8> {
    [&b"object map"[..], chain].concat()
}

/// Bytes that an object takes in memory, about. So many of them have one chain: a list of items would weigh more than all else that is
/// remembered, if each had its own. One that stays alone then weighs too little, so their number counts only so far.
fn weight(chain: &Chain, together: usize) -> u64 {
    let pairs: u64 = chain.pairs.iter().map(|pair| 96 + pair.token.len() as u64 + pair.surface.reveal().len() as u64).sum();
    512 + pairs / together.clamp(1, TOGETHER) as u64
}

impl Owners for Objects {
    fn bind(&self, binding: &Binding<'_>) -> Result<(), ObjectsError> {
        let subject = match self.subjects.get(binding.owner, binding.since) {
            Ok(Some(subject)) => subject,
            Ok(None) | Err(bartizan_ledger::JournalError::Erasing) => return Err(ObjectsError::Erased),
            Err(_) => return Err(ObjectsError::Unreadable),
        };
        let (created, hash) = (self.now(), subject.hash);
        let expires = created.saturating_add(self.lifetime);
        let weight = weight(binding.chain, binding.objects.len());
        let object = Object { provider: binding.provider.clone(), chain: Arc::clone(binding.chain), unread: binding.unread.into() };
        let places: Vec<(IdHash, IdHash)> =
            binding.objects.iter().map(|(kind, id)| (self.on_disk(*kind, id), self.in_memory(binding.owner, *kind, id))).collect();
        // First in memory: whoever erases its owner waits for what is in the queue, and forgets what is in memory then.
        for (_, place) in &places {
            self.memory.insert(*place, Remembered { subject: hash, object: object.clone(), expires, weight });
        }
        let keys: Vec<IdHash> = places.iter().map(|(_, place)| *place).collect();
        let job = Job { subject, places, object, fresh: binding.fresh, created, expires };
        self.queue.try_send(Op::Keep(Box::new(job))).map_err(|error| {
            for key in &keys {
                self.memory.remove(key);
            }
            match error {
                TrySendError::Full(_) => ObjectsError::Full,
                TrySendError::Disconnected(_) => ObjectsError::Unreadable,
            }
        })
    }

    fn at_hand(&self, owner: &PrincipalId, kind: ObjectKind, id: &str) -> Option<Object> {
        let found = self.memory.get(&self.in_memory(owner, kind, id))?;
        (found.expires > self.now()).then_some(found.object)
    }

    fn look_up(&self, owner: &PrincipalId, wanted: &[(ObjectKind, String)]) -> Result<Vec<Option<Object>>, ObjectsError> {
        self.read(owner, wanted).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "who made what the provider keeps cannot be read");
            ObjectsError::Unreadable
        })
    }

    fn owns(&self, owner: &PrincipalId, provider: &ProviderName, kind: ObjectKind, ids: &[String]) -> Result<Vec<bool>, ObjectsError> {
        self.own(owner, provider, kind, ids).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "who made what the provider lists cannot be read");
            ObjectsError::Unreadable
        })
    }

    fn forget(&self, owner: &PrincipalId, kind: ObjectKind, id: &str) {
        self.memory.remove(&self.in_memory(owner, kind, id));
        let op = Op::Forget { id: self.on_disk(kind, id), subject: self.subjects.hash(owner) };
        if self.queue.try_send(op).is_err() {
            tracing::warn!("an object that is gone stays bound to its owner until it expires");
        }
    }
}

impl crate::DataDir {
    /// Who made what a provider keeps.
    pub fn objects(&self) -> Arc<dyn Owners> {
        Arc::clone(&self.objects) as Arc<dyn Owners>
    }

    /// Writes all owners that are in memory only.
    ///
    /// # Errors
    /// When the thread that writes them does not answer.
    pub fn flush_objects(&self) -> Result<(), StoreError> {
        self.objects.flush()
    }
}
