//! The findings cache: a conversation that is resent in full is inspected once.
//!
//! A key covers everything that findings depend on, and the principal, so that nobody learns from timing what others sent.

use std::sync::Arc;

use bartizan_detect::Scan;
use bartizan_vocabulary::{Principal, Role, TextClass};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// Texts shorter than this are inspected faster than they are looked up.
const WORTH: usize = 96;

/// Findings of complete runs, bounded in bytes.
pub struct FindingsCache {
    key: [u8; 32],
    cache: Cache<[u8; 32], Arc<Scan>, Weight>,
}

#[derive(Clone)]
struct Weight;

impl Weighter<[u8; 32], Arc<Scan>> for Weight {
    fn weight(&self, _: &[u8; 32], scan: &Arc<Scan>) -> u64 {
        let items = scan.findings.len() + scan.below.len() + scan.tokens.len();
        160 + 96 * items as u64
    }
}

/// What a cached run depends on besides the text.
pub struct CacheScope {
    prefix: blake3::Hasher,
}

impl FindingsCache {
    /// A cache of at most `bytes`, with a random key.
    pub fn new(bytes: u64, key: [u8; 32]) -> Self {
        let items = usize::try_from(bytes / 200).unwrap_or(usize::MAX).min(1 << 20);
        Self { key, cache: Cache::with_weighter(items, bytes, Weight) }
    }

    /// Prepares lookups for a principal under a detector.
    pub fn scope(&self, principal: &Principal, detector: &[u8; 32]) -> CacheScope {
        let mut prefix = blake3::Hasher::new_keyed(&self.key);
        prefix.update(detector);
        let id = principal.id.as_str();
        prefix.update(&(id.len() as u64).to_le_bytes());
        prefix.update(id.as_bytes());
        CacheScope { prefix }
    }

    /// Findings of a text: remembered, or found now. `hit` says which.
    pub fn scan(
        &self,
        scope: &CacheScope,
        place: (Role, TextClass, Option<&str>, bool),
        text: &str,
        inspect: impl FnOnce() -> Option<Scan>,
    ) -> Option<(Arc<Scan>, bool)> {
        if text.len() < WORTH {
            return inspect().map(|scan| (Arc::new(scan), false));
        }
        let key = scope.key(place, text);
        if let Some(scan) = self.cache.get(&key) {
            return Some((scan, true));
        }
        let scan = Arc::new(inspect()?);
        self.cache.insert(key, Arc::clone(&scan));
        Some((scan, false))
    }
}

impl CacheScope {
    fn key(&self, (role, class, hint, tokens): (Role, TextClass, Option<&str>, bool), text: &str) -> [u8; 32] {
        let mut hasher = self.prefix.clone();
        let hint = hint.unwrap_or_default();
        hasher.update(&[role as u8, class as u8, u8::from(tokens)]);
        hasher.update(&(hint.len() as u64).to_le_bytes());
        hasher.update(hint.as_bytes());
        hasher.update(text.as_bytes());
        *hasher.finalize().as_bytes()
    }
}
