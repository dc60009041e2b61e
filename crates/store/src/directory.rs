//! Virtual keys and scoped tokens: stored as HMAC-SHA-256, looked up in memory; a request never waits for SQL.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use bartizan_ledger::{Entry, KeyAction};
use bartizan_vocabulary::{GroupName, KeyId, ModelName, Principal, PrincipalId, PrincipalKind, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use rusqlite::{Connection, OpenFlags, params};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::db::{Database, set_setting};
use crate::keys::{Key, KeyUse, RootKey};
use crate::seal::{Sealer, random};
use crate::{DataDir, StoreError};

const KEY_SEAL: &[u8] = b"virtual key";
const TOKEN_SEAL: &[u8] = b"token";
/// The setting that says that a virtual key was removed: there was one, even when there is none any more.
const HAD_KEYS: &str = "had_keys";

/// A virtual key as it is listed: never the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyInfo {
    /// Its id.
    pub id: KeyId,
    /// When it was made.
    pub created: Timestamp,
    /// The name it was made with.
    pub name: String,
    /// Person or program.
    pub kind: PrincipalKind,
    /// Groups of its holder.
    pub groups: Vec<GroupName>,
    /// Models it may name; `None` is any.
    pub models: Option<Vec<ModelName>>,
}

/// A key that was just made. The text is shown once and not kept.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct NewKey {
    /// Its id.
    pub id: KeyId,
    /// `bzk_` and 32 random bytes in base64url.
    pub key: String,
}

/// A token that was just made. The text is shown once and not kept.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct NewToken {
    /// Its id.
    pub id: KeyId,
    /// `bzt_` and 32 random bytes in base64url.
    pub token: String,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewKey({})", self.id)
    }
}

impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewToken({})", self.id)
    }
}

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Ask for findings.
    Detect,
    /// Read events and state.
    Read,
    /// Decide on held requests.
    Approve,
    /// Change policies.
    Policy,
    /// Everything but approving.
    Admin,
}

/// A scoped token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenInfo {
    /// Its id.
    pub id: KeyId,
    /// When it was made.
    pub created: Timestamp,
    /// The name it was made with.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// On whose behalf.
    pub user: Option<String>,
}

/// What is sealed of a virtual key.
#[derive(Serialize, Deserialize)]
struct SealedKey {
    name: String,
    kind: PrincipalKind,
    groups: Vec<GroupName>,
    models: Option<Vec<ModelName>>,
}

/// What is sealed of a token.
#[derive(Serialize, Deserialize)]
struct SealedToken {
    name: String,
    scope: Scope,
    user: Option<String>,
}

#[derive(Clone, Default)]
struct Tables {
    keys: HashMap<[u8; 32], (Arc<Principal>, KeyInfo)>,
    tokens: HashMap<[u8; 32], Arc<TokenInfo>>,
    had_keys: bool,
}

/// Keys that were revoked while the database could not be written. They stay dead in memory; the ledger's thread tries again.
#[derive(Default)]
pub(crate) struct Revoked(Mutex<Vec<KeyId>>);

impl Revoked {
    pub(crate) fn waiting(&self) -> Vec<KeyId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn done(&self, ids: &[KeyId]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|id| !ids.contains(id));
    }

    fn add(&self, ids: &[KeyId]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(ids);
    }
}

/// Removes keys and tokens from the database. That there was a key is written first: at no moment is the last one gone without a trace.
pub(crate) fn remove_keys(db: &Connection, ids: &[KeyId]) -> Result<(), StoreError> {
    for id in ids {
        if db.query_row("SELECT EXISTS (SELECT 1 FROM virtual_keys WHERE id = ?1)", [id.as_str()], |row| row.get(0))? {
            set_setting(db, HAD_KEYS, &[1])?;
        }
    }
    delete_keys(db, ids)
}

/// Whether a folder's database, which may be damaged or not there, says that the folder had a virtual key.
pub(crate) fn had_keys_at(database: &Path) -> bool {
    let read = || -> Result<bool, rusqlite::Error> {
        let db = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        let statement = "SELECT EXISTS (SELECT 1 FROM virtual_keys) OR EXISTS (SELECT 1 FROM settings WHERE name = ?1)";
        db.query_row(statement, [HAD_KEYS], |row| row.get(0))
    };
    database.is_file() && read().unwrap_or(false)
}

/// From now on the folder had a virtual key.
pub(crate) fn note_had_keys(db: &Database) -> Result<(), StoreError> {
    db.set_setting(HAD_KEYS, &[1])
}

fn delete_keys(db: &Connection, ids: &[KeyId]) -> Result<(), StoreError> {
    for id in ids {
        db.execute("DELETE FROM virtual_keys WHERE id = ?1", [id.as_str()])?;
        db.execute("DELETE FROM tokens WHERE id = ?1", [id.as_str()])?;
    }
    Ok(())
}

/// The lookup tables.
pub struct Directory {
    tables: ArcSwap<Tables>,
    /// One change at a time.
    changing: Mutex<()>,
    pub(crate) revoked: Arc<Revoked>,
    hasher: Hmac<Sha256>,
    state: Key,
    sealer: Arc<Sealer>,
}

impl Directory {
    pub(crate) fn open(db: &Database, root: &RootKey, sealer: Arc<Sealer>) -> Result<Self, StoreError> {
        let key = root.derive(KeyUse::KeyHash);
        let hasher = <Hmac<Sha256> as Mac>::new_from_slice(key.as_slice()).map_err(|_| StoreError::Sealed)?;
        let (tables, changing) = (ArcSwap::default(), Mutex::new(()));
        let revoked = Arc::default();
        let directory = Self { tables, changing, revoked, hasher, state: root.derive(KeyUse::State), sealer };
        directory.load(db)?;
        Ok(directory)
    }

    fn hash(&self, presented: &str) -> [u8; 32] {
        self.hasher.clone().chain_update(presented).finalize().into_bytes().into()
    }

    /// Who presents this virtual key; `None` for an unknown or revoked one.
    pub fn authenticate(&self, presented: &str) -> Option<Arc<Principal>> {
        if !presented.starts_with("bzk_") {
            return None;
        }
        self.tables.load().keys.get(&self.hash(presented)).map(|(principal, _)| Arc::clone(principal))
    }

    /// Who a key's hash belongs to, as `bartizan-identity` makes it: the same HMAC over the same text.
    pub fn by_hash(&self, hash: &[u8; 32]) -> Option<Arc<Principal>> {
        self.tables.load().keys.get(hash).map(|(principal, _)| Arc::clone(principal))
    }

    /// What this scoped token is; `None` for an unknown or revoked one.
    pub fn token(&self, presented: &str) -> Option<Arc<TokenInfo>> {
        if !presented.starts_with("bzt_") {
            return None;
        }
        self.tables.load().tokens.get(&self.hash(presented)).cloned()
    }

    /// Whether any virtual key exists, or ever existed: a gate that lost its last key must not open for everybody.
    pub fn had_keys(&self) -> bool {
        let tables = self.tables.load();
        tables.had_keys || !tables.keys.is_empty()
    }

    /// All virtual keys, oldest first.
    pub fn keys(&self) -> Vec<KeyInfo> {
        let mut keys: Vec<_> = self.tables.load().keys.values().map(|(_, info)| info.clone()).collect();
        keys.sort_by(|a, b| a.id.cmp(&b.id));
        keys
    }

    /// All tokens, oldest first.
    pub fn tokens(&self) -> Vec<TokenInfo> {
        let mut tokens: Vec<_> = self.tables.load().tokens.values().map(|info| TokenInfo::clone(info)).collect();
        tokens.sort_by(|a, b| a.id.cmp(&b.id));
        tokens
    }

    fn load(&self, db: &Database) -> Result<(), StoreError> {
        let mut tables = Tables::default();
        let revoked = self.revoked.waiting();
        for (id, hash, created, sealed) in rows(db, "SELECT id, hash, created_us, sealed FROM virtual_keys")? {
            if revoked.contains(&id) {
                tables.had_keys = true;
                continue;
            }
            let key: SealedKey = self.unseal(KEY_SEAL, &id, &sealed)?;
            let info = KeyInfo { id, created, name: key.name, kind: key.kind, groups: key.groups, models: key.models };
            tables.keys.insert(hash, (Arc::new(principal(&info)), info));
        }
        for (id, hash, created, sealed) in rows(db, "SELECT id, hash, created_us, sealed FROM tokens")? {
            if revoked.contains(&id) {
                continue;
            }
            let SealedToken { name, scope, user } = self.unseal(TOKEN_SEAL, &id, &sealed)?;
            tables.tokens.insert(hash, Arc::new(TokenInfo { id, created, name, scope, user }));
        }
        tables.had_keys |= db.setting(HAD_KEYS)?.is_some();
        self.tables.store(Arc::new(tables));
        Ok(())
    }

    fn unseal<T: for<'de> Deserialize<'de>>(&self, what: &[u8], id: &KeyId, sealed: &[u8]) -> Result<T, StoreError> {
        let plain = Sealer::open(&self.state, &[what, id.as_str().as_bytes()].concat(), sealed).ok_or(StoreError::Sealed)?;
        serde_json::from_slice(&plain).map_err(|_| StoreError::Sealed)
    }

    /// What is sealed opens only in the row of its id.
    fn seal(&self, what: &[u8], id: &KeyId, value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
        let plain = Zeroizing::new(serde_json::to_vec(value).map_err(|_| StoreError::Sealed)?);
        self.sealer.seal(&self.state, &[what, id.as_str().as_bytes()].concat(), &plain)
    }

    fn insert(&self, db: &Database, statement: &str, row: (&KeyId, &str, Timestamp, Vec<u8>)) -> Result<(), StoreError> {
        let (id, text, created, sealed) = row;
        db.write().execute(statement, params![id.as_str(), self.hash(text).as_slice(), created.as_micros(), sealed])?;
        self.load(db)
    }

    /// Takes keys out of memory first: from then on they open nothing, whatever the database does. `counts`: the folder had them.
    fn remove(&self, db: &Database, ids: &[KeyId], counts: bool) -> Result<(), StoreError> {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tables = Tables::clone(&self.tables.load());
        let before = tables.keys.len();
        tables.keys.retain(|_, (_, info)| !ids.contains(&info.id));
        tables.tokens.retain(|_, info| !ids.contains(&info.id));
        tables.had_keys |= counts && tables.keys.len() < before;
        self.tables.store(Arc::new(tables));
        self.revoked.add(ids);
        let from = if counts { remove_keys } else { delete_keys };
        from(&db.write(), ids).map_err(|error| StoreError::RevokedInMemory(Box::new(error)))?;
        self.revoked.done(ids);
        Ok(())
    }
}

/// The principal that a key stands for.
fn principal(info: &KeyInfo) -> Principal {
    let prefix = if info.kind == PrincipalKind::Service { "service" } else { "user" };
    let id = PrincipalId::new(format!("{prefix}:{}", info.name));
    let mut groups = info.groups.clone();
    groups.sort();
    groups.dedup();
    Principal { id, kind: info.kind, key: Some(info.id.clone()), groups, models: info.models.clone() }
}

type Row = (KeyId, [u8; 32], Timestamp, Vec<u8>);

fn rows(db: &Database, statement: &str) -> Result<Vec<Row>, StoreError> {
    let db = db.read();
    let mut query = db.prepare(statement)?;
    let rows = query.query_map([], |row| {
        let (id, created): (String, i64) = (row.get(0)?, row.get(2)?);
        Ok((KeyId::from(id), row.get(1)?, Timestamp::from_micros(created), row.get(3)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn fresh_id(at: Timestamp) -> Result<KeyId, StoreError> {
    let millis = u64::try_from(at.as_micros() / 1_000).unwrap_or(0);
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &random()?).into_uuid();
    Ok(KeyId::from(id.hyphenated().to_string()))
}

fn fresh_text(prefix: &str) -> Result<String, StoreError> {
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random::<32>()?)))
}

impl DataDir {
    /// Makes a virtual key. A `key` entry is journalled before the key works.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be recorded or stored.
    pub fn create_key(
        &self,
        name: &str,
        kind: PrincipalKind,
        groups: Vec<GroupName>,
        models: Option<Vec<ModelName>>,
    ) -> Result<NewKey, StoreError> {
        let time = (self.options.clock)();
        let new = NewKey { id: fresh_id(time)?, key: fresh_text("bzk_")? };
        let sealed = self.directory.seal(KEY_SEAL, &new.id, &SealedKey { name: name.to_owned(), kind, groups, models })?;
        self.record(Entry::Key { time, id: new.id.clone(), action: KeyAction::Created })?;
        let _one = self.directory.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let statement = "INSERT INTO virtual_keys (id, hash, created_us, sealed) VALUES (?1, ?2, ?3, ?4)";
        self.directory.insert(&self.db, statement, (&new.id, &new.key, time, sealed))?;
        Ok(new)
    }

    /// Makes a scoped token. A `key` entry is journalled before the token works.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be recorded or stored.
    pub fn create_token(&self, name: &str, scope: Scope, user: Option<String>) -> Result<NewToken, StoreError> {
        let time = (self.options.clock)();
        let new = NewToken { id: fresh_id(time)?, token: fresh_text("bzt_")? };
        let sealed = self.directory.seal(TOKEN_SEAL, &new.id, &SealedToken { name: name.to_owned(), scope, user })?;
        self.record(Entry::Key { time, id: new.id.clone(), action: KeyAction::Created })?;
        let _one = self.directory.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let statement = "INSERT INTO tokens (id, hash, created_us, sealed) VALUES (?1, ?2, ?3, ?4)";
        self.directory.insert(&self.db, statement, (&new.id, &new.token, time, sealed))?;
        Ok(new)
    }

    /// Revokes a virtual key or token; `false` when there is none with this id. Works even when the journal does not: stopping never
    /// waits for the ledger.
    ///
    /// # Errors
    /// [`StoreError::RevokedInMemory`] when the database cannot be written: the key is dead in this process, and removing it is tried
    /// again.
    pub fn revoke(&self, id: &KeyId) -> Result<bool, StoreError> {
        let tables = self.directory.tables.load();
        let known = tables.keys.values().any(|(_, info)| info.id == *id) || tables.tokens.values().any(|info| info.id == *id);
        if known {
            let removed = self.directory.remove(&self.db, std::slice::from_ref(id), true);
            self.record_revoked(id);
            removed?;
        }
        Ok(known)
    }

    /// Takes a key back that was just made and that nobody has got: as [`revoke`](Self::revoke), but it does not count as a key that
    /// the folder had ([`Directory::had_keys`]).
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn take_back_key(&self, id: &KeyId) -> Result<(), StoreError> {
        let removed = self.directory.remove(&self.db, std::slice::from_ref(id), false);
        self.record_revoked(id);
        removed
    }

    fn record_revoked(&self, id: &KeyId) {
        let entry = Entry::Key { time: (self.options.clock)(), id: id.clone(), action: KeyAction::Revoked };
        if let Err(error) = self.record(entry) {
            tracing::warn!(error = &error as &dyn std::error::Error, "a revocation could not be recorded; it is counted as a gap");
        }
    }

    /// Removes all virtual keys of a principal and the tokens made on behalf of it; gives their ids.
    pub(crate) fn remove_keys_of(&self, id: &PrincipalId) -> Result<Vec<KeyId>, StoreError> {
        let tables = self.directory.tables.load();
        let keys = tables.keys.values().filter(|(principal, _)| principal.id == *id).map(|(_, info)| info.id.clone());
        let user = id.as_str().strip_prefix("user:");
        let tokens = tables.tokens.values().filter(|token| user.is_some() && token.user.as_deref() == user).map(|token| token.id.clone());
        let ids: Vec<KeyId> = keys.chain(tokens).collect();
        self.directory.remove(&self.db, &ids, true)?;
        Ok(ids)
    }

    /// Removes keys and tokens by id without an entry: for erasures that are applied again.
    pub(crate) fn forget_keys(&self, ids: &[KeyId]) -> Result<(), StoreError> {
        self.directory.remove(&self.db, ids, true)
    }
}
