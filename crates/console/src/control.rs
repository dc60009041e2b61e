//! What the console asks of the process. The binary implements it; tests implement it with a fake.

use bartizan_detect::Detector;
use bartizan_identity::Scope;
use bartizan_vocabulary::{Decision, GroupName, Hidden, KeyId, Label, ModelName, PrincipalId, PrincipalKind, RequestId, Timestamp};
use serde::Serialize;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// It cannot be done as asked; the sentence says what to change.
    #[error("{0}")]
    Refused(String),
    /// The process cannot do it now.
    #[error("it could not be done")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The oldest event that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Not older than this.
    At(Timestamp),
    /// Not older than so many microseconds before now.
    Ago(i64),
}

/// Where a page of events begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// At the oldest.
    Start,
    /// Behind this ledger index.
    Index(u64),
}

/// Which events. Every field narrows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventQuery {
    /// The oldest.
    pub since: Option<Since>,
    /// With this decision.
    pub decision: Option<Decision>,
    /// With a finding of this label, or of one below it.
    pub label: Option<Label>,
    /// Of this interaction.
    pub request_id: Option<RequestId>,
    /// Where to begin; without it the newest `limit` events are wanted, still oldest first.
    pub after: Option<After>,
    /// At most this many.
    pub limit: u32,
}

/// A virtual key to be made. Its form is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// Its holder's name.
    pub name: String,
    /// Person or program.
    pub kind: PrincipalKind,
    /// Groups of its holder.
    pub groups: Vec<GroupName>,
    /// Models it may name; `None` is any.
    pub models: Option<Vec<ModelName>>,
}

/// A virtual key that was made.
#[derive(Clone, Serialize)]
pub struct CreatedKey {
    /// Its id.
    pub id: KeyId,
    /// The key, shown this once.
    pub key: String,
}

/// A virtual key as it is listed.
#[derive(Clone, Debug, Serialize)]
pub struct ListedKey {
    /// Its id.
    pub id: KeyId,
    /// When it was made.
    pub created: Timestamp,
    /// Its holder's name.
    pub name: String,
    /// Person or program.
    pub kind: PrincipalKind,
    /// Groups of its holder.
    pub groups: Vec<GroupName>,
    /// Models it may name; `null` is any.
    pub models: Option<Vec<ModelName>>,
}

/// A token to be made. Its form is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// On whose behalf.
    pub user: Option<String>,
}

/// A token that was made.
#[derive(Clone, Serialize)]
pub struct CreatedToken {
    /// Its id.
    pub id: KeyId,
    /// The token, shown this once.
    pub token: String,
}

/// A token as it is listed.
#[derive(Clone, Debug, Serialize)]
pub struct ListedToken {
    /// Its id.
    pub id: KeyId,
    /// When it was made.
    pub created: Timestamp,
    /// Its name.
    pub name: String,
    /// What it may do, as in `tokens create --scope`.
    pub scope: &'static str,
    /// On whose behalf.
    pub user: Option<String>,
}

/// What the operator keeps of an erasure.
#[derive(Clone, Debug, Serialize)]
pub struct Erasure {
    /// Commitment, as it stands in the ledger's `erasure` entry: base64.
    pub commitment: String,
    /// Its salt, base64; it is kept nowhere else.
    pub salt: String,
    /// Data keys that were destroyed.
    pub data_keys: usize,
    /// Virtual keys and tokens that were removed.
    pub keys: Vec<KeyId>,
}

/// A process, or an open data folder, that can be administered. Everything but [`Control::authenticate`] may block: the console calls it
/// on a thread for that.
pub trait Control: Send + Sync {
    /// What a presented token may do; `None` for one that is unknown or revoked. Answers from memory.
    fn authenticate(&self, presented: &str) -> Option<Scope>;

    /// Why it is not ready; empty when it is.
    fn readiness(&self) -> Vec<String>;

    /// Why the last reload was refused, if it was; what was in force before is in force, so this is no reason not to be ready.
    fn reload_problem(&self) -> Option<String>;

    /// Metrics in Prometheus' text format.
    fn metrics(&self) -> String;

    /// Events as JSON lines.
    ///
    /// # Errors
    /// When they cannot be read.
    fn events(&self, query: &EventQuery) -> Result<Vec<u8>, ControlError>;

    /// Makes a virtual key.
    ///
    /// # Errors
    /// When it cannot be recorded or stored, or anonymous access could not be ended.
    fn create_key(&self, new: NewKey) -> Result<CreatedKey, ControlError>;

    /// All virtual keys.
    ///
    /// # Errors
    /// When they cannot be read.
    fn keys(&self) -> Result<Vec<ListedKey>, ControlError>;

    /// Revokes a virtual key; `false` when there is none.
    ///
    /// # Errors
    /// When it cannot be stored.
    fn revoke_key(&self, id: &KeyId) -> Result<bool, ControlError>;

    /// Makes a token.
    ///
    /// # Errors
    /// When it cannot be recorded or stored.
    fn create_token(&self, new: NewToken) -> Result<CreatedToken, ControlError>;

    /// All tokens.
    ///
    /// # Errors
    /// When they cannot be read.
    fn tokens(&self) -> Result<Vec<ListedToken>, ControlError>;

    /// Revokes a token; `false` when there is none.
    ///
    /// # Errors
    /// When it cannot be stored.
    fn revoke_token(&self, id: &KeyId) -> Result<bool, ControlError>;

    /// Erases a person.
    ///
    /// # Errors
    /// When a step failed; it can be asked for again.
    fn erase(&self, principal: &PrincipalId) -> Result<Erasure, ControlError>;

    /// Writes a copy of the data folder into a new or empty folder of this machine.
    ///
    /// # Errors
    /// When the folder is not empty or cannot be written.
    fn backup(&self, dir: &std::path::Path) -> Result<(), ControlError>;

    /// Reads configuration and policies again. Gives the keys of the configuration that changed and need a restart.
    ///
    /// # Errors
    /// What is wrong with them; what was in force stays.
    fn reload(&self) -> Result<Vec<&'static str>, ControlError>;

    /// Version of the policies in force; `None` when no gate runs.
    fn policy_version(&self) -> Option<String>;

    /// The ledger's signed checkpoint.
    ///
    /// # Errors
    /// When it cannot be read.
    fn checkpoint(&self) -> Result<Vec<u8>, ControlError>;

    /// The detectors: all rules of the program, and what else the gate looks for now. `names`: with names of persons and places although
    /// the gate does not look for them.
    ///
    /// # Errors
    /// When they cannot be made.
    fn detector(&self, names: bool) -> Result<Detector, ControlError>;

    /// The key of words and invented values that stand for a value: the same for the same value as long as the data folder lives.
    ///
    /// # Errors
    /// When there is none.
    fn detection_key(&self) -> Result<Hidden<[u8; 32]>, ControlError>;
}
