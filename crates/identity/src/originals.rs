//! What a caller carries for the gate and cannot read: sealed for that caller, gone when the caller is erased. `store` implements it.

use bartizan_vocabulary::{Hidden, PrincipalId, Timestamp};

/// Seals values that callers take along, and opens what they bring back.
pub trait Originals: Send + Sync {
    /// Seals a value for an owner. `since`: when the interaction began; `None` if the owner was erased since, or no key can be had. The
    /// same value is never sealed alike twice, and its length shows no more closely than to 32 bytes.
    fn seal(&self, owner: &PrincipalId, since: Timestamp, value: &[u8]) -> Option<Vec<u8>>;

    /// What was sealed for this owner; `None` when it does not open: it was sealed for somebody else, changed, or the owner was erased.
    fn open(&self, owner: &PrincipalId, sealed: &[u8]) -> Option<Hidden<Vec<u8>>>;
}
