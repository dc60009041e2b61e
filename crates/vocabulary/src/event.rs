//! What is kept of an interaction. The JSON form is fixed by the event schema, version 1: fields are only ever added.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::{UnknownWordError, closed_words};
use crate::{
    Decision, EventId, GroupName, Label, ModelName, PolicyId, PolicyVersion, PrincipalId, ProviderName, Remedy, RequestId, Role, RuleId,
    Timestamp,
};

closed_words!(
    /// Which way the judged bytes went.
    Direction {
        /// From the client to the provider.
        Request = "request",
        /// From the provider to the client.
        Response = "response",
    }
);

closed_words!(
    /// How an interaction ended.
    EndState {
        /// All bytes were passed on.
        Complete = "complete",
        /// Stopped by a decision.
        Blocked = "blocked",
        /// The client went away.
        ClientGone = "client_gone",
        /// The provider failed.
        UpstreamError = "upstream_error",
        /// Stopped by the kill switch.
        Killed = "killed",
    }
);

closed_words!(
    /// How a guard's run ended (invariant: fail closed, say so).
    GuardStatus {
        /// It ran to its end.
        Ran = "ran",
        /// It did not run; `reason` says why.
        Skipped = "skipped",
        /// It failed and the request was refused.
        Failed = "failed",
        /// It failed and a scope chose to let pass.
        FailedOpen = "failed_open",
    }
);

/// One guard's run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardRun {
    /// Guard name: `detect`, `policy`, `ledger`.
    pub name: Cow<'static, str>,
    /// How it ended.
    pub status: GuardStatus,
    /// Why, when it did not simply run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long it took, in microseconds.
    pub micros: u64,
}

/// Remedies that were carried out, per label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedRemedy {
    /// Label of the findings.
    pub label: Label,
    /// What was done.
    pub remedy: Remedy,
    /// To how many findings.
    pub count: u32,
}

/// A policy that determined the decision, or a recording one that matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiredPolicy {
    /// Its `@id`.
    pub id: PolicyId,
    /// `permit` or `forbid`.
    pub effect: Cow<'static, str>,
    /// `enforce` or `shadow`.
    pub mode: Cow<'static, str>,
}

/// A finding as it is kept: where and what, never the value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFinding {
    /// What it is.
    pub label: Label,
    /// Which rule found it.
    pub rule: RuleId,
    /// Who wrote the text.
    pub role: Role,
    /// JSON pointer (RFC 6901) in which inspected key names are replaced.
    pub path: String,
    /// First byte within the inspected text of that path.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Confidence in basis points.
    pub score_bp: u16,
}

/// Where the event's ledger entry stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerPosition {
    /// The log's origin line.
    pub origin: String,
    /// Leaf index.
    pub index: u64,
}

/// Time spent, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Latency {
    /// From the first request byte to the last response byte of this direction.
    pub total: u64,
    /// Of it, inside the gate.
    pub gate: u64,
}

/// One judged direction of one interaction. `F` is the complete decision input, which `policy` defines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event<F> {
    /// Schema version: 1.
    pub schema: u32,
    /// UUID v7.
    pub id: EventId,
    /// When the decision was made.
    pub time: Timestamp,
    /// The interaction.
    pub request_id: RequestId,
    /// Who asked.
    pub principal: PrincipalId,
    /// Groups at that time.
    pub groups: Vec<GroupName>,
    /// Route such as `POST /v1/chat/completions`.
    pub route: String,
    /// Chosen provider, if it came so far.
    pub provider: Option<ProviderName>,
    /// Model as the client named it.
    pub model: Option<ModelName>,
    /// Whether the answer was asked for as a stream.
    pub stream: bool,
    /// Which way the judged bytes went.
    pub direction: Direction,
    /// What was decided.
    pub decision: Decision,
    /// What was carried out.
    pub remedies: Vec<AppliedRemedy>,
    /// Which policies decided or recorded.
    pub policies: Vec<FiredPolicy>,
    /// Digest of the policy set.
    pub policy_version: PolicyVersion,
    /// What was found, below threshold included.
    pub findings: Vec<EventFinding>,
    /// How many more there were, when there were too many to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings_left_out: Option<u64>,
    /// How each guard's run ended.
    pub guards: Vec<GuardRun>,
    /// HTTP status sent to the client, or for a request that went on: 200.
    pub status: u16,
    /// Why it was refused, or got no answer: the code that the client gets, such as `not_found` or `policy_blocked`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How it ended.
    pub end: EndState,
    /// Bytes of the body that came in.
    pub bytes_in: u64,
    /// Bytes of the body that went out.
    pub bytes_out: u64,
    /// Time spent.
    pub latency_us: Latency,
    /// The decision input, replayable.
    pub facts: F,
    /// Where the ledger entry stands; filled by the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<LedgerPosition>,
}
