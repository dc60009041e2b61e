//! The entries of the log and their one byte form: RFC 8785 canonical JSON, the leaf.

use bartizan_vocabulary::{
    Decision, Direction, EndState, GuardStatus, KeyId, Label, ModelName, PolicyId, PolicyVersion, ProviderName, Remedy, RequestId,
    Timestamp,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::canonical::{Object, key_order, number, string};
use crate::hash::Hash;
use crate::note::{SignerKey, VerifierKey, rotation_statement};

/// The longest entry, in bytes: an entry bundle's length prefix is a uint16.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// A salted commitment, as [`commit`] makes it.
pub type Commitment = Hash;

/// `SHA-256(domain ‖ 0x00 ‖ salt ‖ value)`: hides the value from everyone without the salt, which is sealed under the subject's key.
/// `domain` holds no zero byte; `salt` is random and used once.
pub fn commit(domain: &str, salt: &[u8; 32], value: &[u8]) -> Commitment {
    Sha256::new().chain_update(domain).chain_update([0]).chain_update(salt).chain_update(value).finalize().into()
}

/// An entry that cannot become a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entry of {0} bytes is longer than the 65,535 that the ledger can hold")]
pub struct EntryError(pub usize);

/// What is recorded of an interaction. Names are only those that stand in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interaction {
    /// When it was decided.
    pub time: Timestamp,
    /// The interaction.
    pub request_id: RequestId,
    /// What was decided.
    pub decision: Decision,
    /// Which way the judged bytes went.
    pub direction: Direction,
    /// Route such as `POST /v1/chat/completions`; `None` when it is not one of ours.
    pub route: Option<String>,
    /// Configured provider.
    pub provider: Option<ProviderName>,
    /// Configured model; never a name that only the client knows.
    pub model: Option<ModelName>,
    /// Digest of the policy set that judged.
    pub policy_version: PolicyVersion,
    /// Policies that determined the decision.
    pub policies: Vec<PolicyId>,
    /// Findings per label; a label given twice is summed.
    pub labels: Vec<(Label, u32)>,
    /// Strongest remedy per label; a label given twice keeps the first.
    pub remedies: Vec<(Label, Remedy)>,
    /// Guards that did not simply run.
    pub guards: Vec<(String, GuardStatus)>,
    /// HTTP status sent to the client, when one was.
    pub status: Option<u16>,
    /// How it ended; in `end` entries.
    pub end: Option<EndState>,
    /// Commitment to the principal's id, domain `principal`.
    pub principal: Option<Commitment>,
    /// Commitment to the bytes that were sent, domain `body`.
    pub body: Option<Commitment>,
}

/// What became of a virtual key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAction {
    /// It was made.
    Created,
    /// It no longer opens anything.
    Revoked,
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Before the upstream call.
    Request(Interaction),
    /// Before the first byte of the answer.
    Response(Interaction),
    /// A change of decision inside a stream, before its effect.
    Change(Interaction),
    /// The end of an interaction.
    End(Interaction),
    /// Unauthenticated callers that were refused: one entry per peer and second.
    Refusals {
        /// The second.
        time: Timestamp,
        /// Commitment to the peer's address, domain `peer`.
        peer: Commitment,
        /// How many.
        count: u64,
    },
    /// What could not be recorded.
    Gap {
        /// When recording worked again.
        time: Timestamp,
        /// First refusal.
        from: Timestamp,
        /// Last refusal.
        to: Timestamp,
        /// How many records were refused.
        count: u64,
    },
    /// A configuration came into force.
    Config {
        /// When.
        time: Timestamp,
        /// Digest of it.
        version: String,
    },
    /// A policy set came into force.
    Policy {
        /// When.
        time: Timestamp,
        /// Digest of it.
        version: PolicyVersion,
    },
    /// A virtual key or token was made or revoked.
    Key {
        /// When.
        time: Timestamp,
        /// Its id, never the key.
        id: KeyId,
        /// Which of the two.
        action: KeyAction,
    },
    /// A person was erased: what was destroyed, so that a restored backup can be made to forget again.
    Erasure {
        /// When.
        time: Timestamp,
        /// Commitment to the principal's id, domain `principal`; salt and value are in the receipt only.
        principal: Commitment,
        /// Random ids of the data keys that were destroyed.
        data_keys: Vec<String>,
        /// Virtual keys that were removed.
        keys: Vec<KeyId>,
    },
    /// The log's signing key was replaced; see [`Entry::rotation`].
    Rotation {
        /// When.
        time: Timestamp,
        /// Old verifier key.
        old: String,
        /// New verifier key.
        new: String,
        /// Signatures of [`rotation_statement`] by the old and the new key.
        signatures: Box<([u8; 64], [u8; 64])>,
    },
    /// The process began to record.
    Start {
        /// When.
        time: Timestamp,
        /// Version of the software.
        software: String,
    },
    /// The process ended in order.
    Stop {
        /// When.
        time: Timestamp,
    },
}

impl Entry {
    /// A rotation entry, signed by both keys.
    pub fn rotation(time: Timestamp, old: &SignerKey, new: &SignerKey) -> Self {
        let statement = rotation_statement(old.verifier(), new.verifier());
        let signatures = Box::new((old.sign(statement.as_bytes()), new.sign(statement.as_bytes())));
        Self::Rotation { time, old: old.verifier().to_string(), new: new.verifier().to_string(), signatures }
    }

    /// The word in `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Request(_) => "request",
            Self::Response(_) => "response",
            Self::Change(_) => "change",
            Self::End(_) => "end",
            Self::Refusals { .. } => "refusals",
            Self::Gap { .. } => "gap",
            Self::Config { .. } => "config",
            Self::Policy { .. } => "policy",
            Self::Key { .. } => "key",
            Self::Erasure { .. } => "erasure",
            Self::Rotation { .. } => "rotation",
            Self::Start { .. } => "start",
            Self::Stop { .. } => "stop",
        }
    }

    /// When it happened.
    pub fn time(&self) -> Timestamp {
        match self {
            Self::Request(it) | Self::Response(it) | Self::Change(it) | Self::End(it) => it.time,
            Self::Refusals { time, .. }
            | Self::Gap { time, .. }
            | Self::Config { time, .. }
            | Self::Policy { time, .. }
            | Self::Key { time, .. }
            | Self::Erasure { time, .. }
            | Self::Rotation { time, .. }
            | Self::Start { time, .. }
            | Self::Stop { time } => *time,
        }
    }

    /// Appends the leaf bytes to `out` and says how many there are.
    ///
    /// # Errors
    /// [`EntryError`] when it is longer than [`MAX_ENTRY_BYTES`]; `out` is then as it was.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<u16, EntryError> {
        let before = out.len();
        out.reserve(1_024);
        let mut object = Object::new(out);
        match self {
            Self::Request(it) | Self::Response(it) | Self::Change(it) | Self::End(it) => interaction(&mut object, self.kind(), it),
            other => other.write_rest(&mut object),
        }
        object.end();
        let length = out.len() - before;
        u16::try_from(length).map_err(|_| {
            out.truncate(before);
            EntryError(length)
        })
    }

    /// The leaf bytes.
    ///
    /// # Errors
    /// As [`Entry::write`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, EntryError> {
        let mut out = Vec::with_capacity(512);
        self.write(&mut out)?;
        Ok(out)
    }

    /// The kinds that are not interactions. Keys in order.
    fn write_rest(&self, object: &mut Object<'_>) {
        match self {
            Self::Refusals { peer, count, .. } => {
                commitments(object, &[("peer", Some(peer))]);
                object.number("count", *count);
            }
            Self::Gap { from, to, count, .. } => {
                object.number("count", *count);
                object.time("from", *from);
                object.word("kind", self.kind());
                object.time("time", self.time());
                object.time("to", *to);
                object.number("v", 1);
                return;
            }
            Self::Key { id, action, .. } => {
                object.word("action", if *action == KeyAction::Created { "created" } else { "revoked" });
                object.text("id", id.as_str());
            }
            Self::Erasure { principal, data_keys, keys, .. } => {
                commitments(object, &[("principal", Some(principal))]);
                object.texts("data_keys", data_keys.iter().map(String::as_str));
                object.texts("keys", keys.iter().map(KeyId::as_str));
            }
            _ => {}
        }
        object.word("kind", self.kind());
        match self {
            Self::Rotation { old, new, signatures, .. } => {
                object.text("new", new);
                object.text("new_signature", &STANDARD.encode(signatures.1));
                object.text("old", old);
                object.text("old_signature", &STANDARD.encode(signatures.0));
            }
            Self::Start { software, .. } => object.text("software", software),
            _ => {}
        }
        object.time("time", self.time());
        object.number("v", 1);
        match self {
            Self::Config { version, .. } => object.text("version", version),
            Self::Policy { version, .. } => object.text("version", version.as_str()),
            _ => {}
        }
    }
}

/// The kinds that are interactions. Keys in order; what is not there is left out.
fn interaction(object: &mut Object<'_>, kind: &str, it: &Interaction) {
    commitments(object, &[("body", it.body.as_ref()), ("principal", it.principal.as_ref())]);
    object.word("decision", it.decision.as_str());
    object.word("direction", it.direction.as_str());
    if let Some(end) = it.end {
        object.word("end", end.as_str());
    }
    if !it.guards.is_empty() {
        sorted(object.key("guards"), &it.guards, |(name, _)| name, |out, same| string(out, same.first().map_or("", |(_, s)| s.as_str())));
    }
    object.word("kind", kind);
    if !it.labels.is_empty() {
        let sum = |same: &[&(Label, u32)]| same.iter().map(|(_, count)| u64::from(*count)).sum();
        sorted(object.key("labels"), &it.labels, |(label, _)| label.as_str(), |out, same| number(out, sum(same)));
    }
    if let Some(model) = &it.model {
        object.text("model", model.as_str());
    }
    object.texts("policies", it.policies.iter().map(PolicyId::as_str));
    object.text("policy_version", it.policy_version.as_str());
    if let Some(provider) = &it.provider {
        object.text("provider", provider.as_str());
    }
    if !it.remedies.is_empty() {
        let word = |same: &[&(Label, Remedy)]| same.first().map_or("", |(_, remedy)| remedy.as_str());
        sorted(object.key("remedies"), &it.remedies, |(label, _)| label.as_str(), |out, same| string(out, word(same)));
    }
    object.text("request_id", it.request_id.as_str());
    if let Some(route) = &it.route {
        object.text("route", route);
    }
    if let Some(status) = it.status {
        object.number("status", u64::from(status));
    }
    object.time("time", it.time);
    object.number("v", 1);
}

/// An object out of pairs: sorted by key, equal keys handed over together.
fn sorted<'t, T>(out: &mut Vec<u8>, pairs: &'t [T], key: impl Fn(&'t T) -> &'t str, value: impl Fn(&mut Vec<u8>, &[&'t T])) {
    let mut refs: Vec<&T> = pairs.iter().collect();
    refs.sort_by(|a, b| key_order(key(a), key(b)));
    let mut object = Object::new(out);
    for same in refs.chunk_by(|a, b| key(a) == key(b)) {
        if let Some(first) = same.first() {
            value(object.any_key(key(first)), same);
        }
    }
    object.end();
}

fn commitments(object: &mut Object<'_>, values: &[(&str, Option<&Commitment>)]) {
    if values.iter().all(|(_, value)| value.is_none()) {
        return;
    }
    let mut inner = Object::new(object.key("commitments"));
    for (name, value) in values {
        let Some(value) = value else { continue };
        let mut text = [0; 44];
        let used = STANDARD.encode_slice(value, &mut text).unwrap_or(0);
        inner.word(*name, text.get(..used).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default());
    }
    inner.end();
}

/// Old and new key of a rotation entry that one of `known` signed, when `leaf` is one. Used while walking a log.
pub(crate) fn accepted_rotation(leaf: &[u8], known: &[VerifierKey]) -> Option<(VerifierKey, VerifierKey)> {
    let text = std::str::from_utf8(leaf).ok()?;
    let inner = text.strip_prefix("{\"kind\":\"rotation\",\"new\":\"")?;
    let field = |name: &str| {
        let (_, rest) = text.split_once(name)?;
        rest.split_once('"').map(|(value, _)| value)
    };
    let new = VerifierKey::parse(inner.split_once('"')?.0).ok()?;
    let old = VerifierKey::parse(field("\"old\":\"")?).ok()?;
    let statement = rotation_statement(&old, &new);
    let signature = |name: &str| STANDARD.decode(field(name)?).ok();
    let by_old = old.verifies(statement.as_bytes(), &signature("\"old_signature\":\"")?);
    let by_new = new.verifies(statement.as_bytes(), &signature("\"new_signature\":\"")?);
    (by_old && by_new && known.contains(&old)).then_some((old, new))
}
