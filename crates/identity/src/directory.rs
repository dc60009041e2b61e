//! Who a stored hash belongs to. `store` implements the trait over its index in memory; here is the one for tests.

use std::collections::HashMap;
use std::sync::Arc;

use bartizan_vocabulary::Principal;

/// Finds the principal of a credential.
pub trait Directory: Send + Sync {
    /// The principal whose live key or token has this hash ([`Credential::hash`](crate::Credential::hash)). Answers from memory.
    ///
    /// The hash is an HMAC under a secret key, so its bytes cannot be chosen by a caller, and an ordinary map may hold them.
    fn authenticate(&self, hash: &[u8; 32]) -> Option<Arc<Principal>>;
}

/// A directory that is filled once.
#[derive(Debug, Default)]
pub struct MemoryDirectory(HashMap<[u8; 32], Arc<Principal>>);

impl MemoryDirectory {
    /// Adds a principal; an earlier one with the same hash is replaced.
    pub fn insert(&mut self, hash: [u8; 32], principal: Arc<Principal>) {
        self.0.insert(hash, principal);
    }
}

impl Directory for MemoryDirectory {
    fn authenticate(&self, hash: &[u8; 32]) -> Option<Arc<Principal>> {
        self.0.get(hash).cloned()
    }
}
