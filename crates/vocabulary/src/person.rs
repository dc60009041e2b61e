//! Who asks: a person, a service, or nobody in particular.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::text::{UnknownWordError, closed_words};
use crate::{GroupName, KeyId, ModelName};

/// Stable name of a principal: `user:NAME`, `service:NAME` or `anonymous`. Personal data: it is sealed at rest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PrincipalId(Arc<str>);

impl PrincipalId {
    /// Wraps a full id, kind prefix included.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The id with its kind prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

closed_words!(
    /// What kind of caller a principal is. Decides the Cedar entity type.
    PrincipalKind {
        /// A person.
        User = "user",
        /// A program with a key of its own.
        Service = "service",
        /// Nobody: only where `gate.auth = "anonymous"`.
        Anonymous = "anonymous",
    }
);

/// An authenticated caller with everything that judging needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Stable id.
    pub id: PrincipalId,
    /// Person, service or nobody.
    pub kind: PrincipalKind,
    /// The virtual key that was presented, if one was.
    pub key: Option<KeyId>,
    /// All groups, transitive ones included, sorted, without repetition.
    pub groups: Vec<GroupName>,
    /// Models this caller may name; `None` is any.
    pub models: Option<Vec<ModelName>>,
}
