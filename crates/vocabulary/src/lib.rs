#![doc = include_str!("../README.md")]
//!
//! What does not live here: anything that decides, detects, reads or writes.

mod event;
mod ids;
mod person;
mod secret;
mod text;
mod time;

pub use event::{AppliedRemedy, Direction, EndState, Event, EventFinding, FiredPolicy, GuardRun, GuardStatus, Latency, LedgerPosition};
pub use ids::{EventId, GroupName, KeyId, Label, ModelName, PolicyId, PolicyVersion, ProviderName, RequestId, RuleId};
pub use person::{Principal, PrincipalId, PrincipalKind};
pub use secret::Hidden;
pub use text::{Decision, Finding, Remedy, Role, TextClass, UninspectedKind, UnknownWordError};
pub use time::Timestamp;
