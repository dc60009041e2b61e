#![doc = include_str!("../README.md")]
//!
//! What does not live here: storage of keys (`store`), HTTP (`gateway`, `console`), and what a principal may do (`policy`).

mod credential;
mod directory;
mod groups;
mod models;
mod objects;
mod originals;
mod present;
mod scope;

pub use credential::{Credential, CredentialKind, ParseCredentialError, fuzz_parse_key, same_hash};
pub use directory::{Directory, MemoryDirectory};
pub use groups::{GroupError, Groups};
pub use models::{PatternError, check_pattern, may_use};
pub use objects::{Binding, Chain, MemoryObjects, Object, ObjectKind, Objects, ObjectsError, Pair};
pub use originals::Originals;
pub use present::{PresentError, Presented, presented};
pub use scope::{Endpoint, Scope, UnknownScopeError, allows, endpoints};
