//! Data keys of subjects: one random key (or a few) per person, wrapped by the root-derived sealing key. Destroying them erases
//! the person. On disk a subject is known by a keyed hash, and only as long as its key exists.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bartizan_ledger::JournalError;
use bartizan_vocabulary::{PrincipalId, Timestamp};
use hmac::{Hmac, Mac};
use quick_cache::sync::Cache;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::StoreError;
use crate::db::Database;
use crate::keys::Key;
use crate::record::DataKeyId;
use crate::seal::{OVERHEAD, Sealer, SessionKey, random};

/// Length of a wrapped key.
pub(crate) const WRAPPED: usize = OVERHEAD + 32;

/// Subjects whose keys are kept in memory. About 300 bytes each.
const CACHED: usize = 10_000;

const WRAP: &[u8] = b"data key";

/// A wrapped key opens as itself only.
fn aad(id: &DataKeyId) -> Vec<u8> {
    [WRAP, id].concat()
}

/// A subject's data key in memory.
pub(crate) struct Subject {
    pub(crate) id: DataKeyId,
    pub(crate) hash: [u8; 32],
    pub(crate) wrapped: Vec<u8>,
    session: SessionKey,
    kept: AtomicBool,
}

impl Subject {
    pub(crate) fn session(&self) -> &SessionKey {
        &self.session
    }

    /// Whether the wrapped key is known to be in the database; until then each record carries it.
    pub(crate) fn is_kept(&self) -> bool {
        self.kept.load(Ordering::Acquire)
    }
}

/// A data key as it lies in memory, wrapped: about 200 bytes each, so that a record never waits for the database.
struct Known {
    id: DataKeyId,
    wrapped: Vec<u8>,
    kept: bool,
}

/// All data keys.
pub(crate) struct Subjects {
    cache: Cache<PrincipalId, Arc<Subject>>,
    known: Mutex<HashMap<[u8; 32], Known>>,
    unkept: Mutex<HashMap<DataKeyId, Weak<Subject>>>,
    erasing: Mutex<HashSet<[u8; 32]>>,
    /// Who was erased since the start, and when: what began before leaves no trace of them when it ends.
    erased: Mutex<HashMap<[u8; 32], Timestamp>>,
    any_erased: AtomicBool,
    index: Key,
    wrapping: Key,
    sealer: Arc<Sealer>,
}

impl Subjects {
    /// Loads the wrapped keys of everybody.
    pub(crate) fn load(index: Key, wrapping: Key, sealer: Arc<Sealer>, db: &Database) -> Result<Self, StoreError> {
        let rows = db.all_data_keys()?.into_iter();
        let known = Mutex::new(rows.map(|(subject, id, wrapped)| (subject, Known { id, wrapped, kept: true })).collect());
        let (unkept, erasing) = (Mutex::default(), Mutex::default());
        let (erased, any_erased) = (Mutex::default(), AtomicBool::new(false));
        Ok(Self { cache: Cache::new(CACHED), known, unkept, erasing, erased, any_erased, index, wrapping, sealer })
    }

    /// Keyed hash by which a principal is found.
    pub(crate) fn hash(&self, principal: &PrincipalId) -> [u8; 32] {
        let mut out = [0; 32];
        if let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(self.index.as_slice()) {
            mac.update(principal.as_str().as_bytes());
            out = mac.finalize().into_bytes().into();
        }
        out
    }

    /// The subject's key: from memory, else a new one. `None` for what began before the subject was erased.
    pub(crate) fn get(&self, principal: &PrincipalId, since: Timestamp) -> Result<Option<Arc<Subject>>, JournalError> {
        if self.any_erased.load(Ordering::Acquire) && self.is_erased(principal, since) {
            return Ok(None);
        }
        match self.cache.get(principal) {
            Some(subject) => Ok(Some(subject)),
            None => self.miss(principal).map(Some),
        }
    }

    fn is_erased(&self, principal: &PrincipalId, since: Timestamp) -> bool {
        let erased = self.erased.lock().unwrap_or_else(PoisonError::into_inner);
        erased.get(&self.hash(principal)).is_some_and(|at| since <= *at)
    }

    fn miss(&self, principal: &PrincipalId) -> Result<Arc<Subject>, JournalError> {
        let hash = self.hash(principal);
        // Held while the key is put into the cache, so that an erasure that begins now finds it there.
        let erasing = self.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        if erasing.contains(&hash) {
            return Err(JournalError::Erasing);
        }
        let make = || self.unwrapped(hash).and_then(|found| found.map_or_else(|| self.create(hash), Ok));
        self.cache.get_or_insert_with(principal, || make().map(Arc::new)).inspect(|subject| self.remember(subject)).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a subject's key cannot be read");
            JournalError::SubjectKey
        })
    }

    fn unwrapped(&self, hash: [u8; 32]) -> Result<Option<Subject>, StoreError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Known { id, wrapped, kept }) = known.get(&hash) else { return Ok(None) };
        let key = self.unwrap(id, wrapped).ok_or(StoreError::Sealed)?;
        let session = self.sealer.session(&key)?;
        Ok(Some(Subject { id: *id, hash, wrapped: wrapped.clone(), session, kept: AtomicBool::new(*kept) }))
    }

    fn create(&self, hash: [u8; 32]) -> Result<Subject, StoreError> {
        let (id, key): (DataKeyId, Key) = (random()?, Zeroizing::new(random()?));
        let wrapped = self.sealer.seal(&self.wrapping, &aad(&id), key.as_slice())?;
        let session = self.sealer.session(&key)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(hash, Known { id, wrapped: wrapped.clone(), kept: false });
        Ok(Subject { id, hash, wrapped, session, kept: AtomicBool::new(false) })
    }

    /// A subject's key, if there is one.
    pub(crate) fn key_of(&self, principal: &PrincipalId) -> Option<Key> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { id, wrapped, .. } = known.get(&self.hash(principal))?;
        let (id, wrapped) = (*id, wrapped.clone());
        drop(known);
        self.unwrap(&id, &wrapped)
    }

    fn remember(&self, subject: &Arc<Subject>) {
        if !subject.is_kept() {
            let mut unkept = self.unkept.lock().unwrap_or_else(PoisonError::into_inner);
            unkept.insert(subject.id, Arc::downgrade(subject));
        }
    }

    /// Opens a wrapped key.
    pub(crate) fn unwrap(&self, id: &DataKeyId, wrapped: &[u8]) -> Option<Key> {
        let key = Sealer::open(&self.wrapping, &aad(id), wrapped)?;
        key.as_slice().try_into().ok().map(Zeroizing::new)
    }

    /// The database has these keys now.
    pub(crate) fn kept(&self, ids: &[DataKeyId]) {
        let mut unkept = self.unkept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            if let Some(subject) = unkept.remove(id).and_then(|weak| weak.upgrade()) {
                subject.kept.store(true, Ordering::Release);
                if let Some(known) = known.get_mut(&subject.hash).filter(|known| known.id == *id) {
                    known.kept = true;
                }
            }
        }
        unkept.retain(|_, weak| weak.strong_count() > 0);
    }

    /// From now on the subject gets no key; gives its key in memory, if there is one.
    pub(crate) fn begin_erasure(&self, principal: &PrincipalId) -> ([u8; 32], Option<Arc<Subject>>) {
        let hash = self.hash(principal);
        let mut erasing = self.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        erasing.insert(hash);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash);
        (hash, self.cache.remove(principal).map(|(_, subject)| subject))
    }

    /// Keys are given again; `at`: when the erasure was done, if it was.
    pub(crate) fn end_erasure(&self, hash: &[u8; 32], at: Option<Timestamp>) {
        if let Some(at) = at {
            self.erased.lock().unwrap_or_else(PoisonError::into_inner).insert(*hash, at);
            self.any_erased.store(true, Ordering::Release);
        }
        self.erasing.lock().unwrap_or_else(PoisonError::into_inner).remove(hash);
    }
}
