//! The findings cache: a conversation that is resent in full is inspected once.
//!
//! A key covers everything that findings depend on, and the principal, so that nobody learns from timing what others sent.
//!
//! It is a POLYVAL (RFC 8452, section 3) under a random key of the process: an almost-universal hash, so two texts that were chosen
//! without the key have the same key of this cache with a probability of at most their length in blocks over 2^128. Nothing of the
//! hash is ever shown. See decision 008.

use std::sync::Arc;

use bartizan_detect::Scan;
use bartizan_vocabulary::{Finding, Principal, Role, TextClass, UninspectedKind};
use polyval::Polyval;
use polyval::universal_hash::UniversalHash;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// Texts shorter than this are inspected faster than they are looked up.
pub const WORTH: usize = 96;

/// Findings of complete runs, bounded in bytes.
pub struct FindingsCache {
    key: [u8; 32],
    hash: Polyval,
    cache: Cache<u128, Known, Weight>,
}

/// What came of a text, or of a file.
#[derive(Clone, Debug)]
pub struct Known {
    /// What was found.
    pub scan: Arc<Scan>,
    /// Of a file: what it is about.
    pub subjects: Arc<[Finding]>,
    /// Of a file: what of it was not read.
    pub unread: Arc<[UninspectedKind]>,
}

#[derive(Clone)]
struct Weight;

impl Weighter<u128, Known> for Weight {
    fn weight(&self, _: &u128, kept: &Known) -> u64 {
        let items = kept.scan.findings.len() + kept.scan.below.len() + kept.scan.tokens.len() + kept.subjects.len();
        160 + 96 * items as u64 + kept.unread.len() as u64
    }
}

/// Keys of texts and keys of files are never the same, whatever is written in either.
#[derive(Clone, Copy)]
pub enum Domain {
    /// A text.
    Text,
    /// A file.
    File,
    /// A text that is no prose.
    Plain,
    /// What a text is about.
    Subjects,
    /// A text of which the accuracy pack has read the names.
    Named,
    /// Those names.
    Names,
}

impl Domain {
    /// A text that nobody has read before.
    pub fn of(prose: bool) -> Self {
        if prose { Self::Text } else { Self::Plain }
    }
}

/// What a cached run depends on besides the text.
pub struct CacheScope {
    prefix: Polyval,
}

impl FindingsCache {
    /// A cache of at most `bytes`, with a random key.
    pub fn new(bytes: u64, key: [u8; 32]) -> Self {
        let items = usize::try_from(bytes / 200).unwrap_or(usize::MAX).min(1 << 20);
        let secret = blake3::derive_key("bartizan 2026 gateway findings cache 1", &key);
        let mut own = polyval::Key::default();
        own.copy_from_slice(secret.first_chunk::<{ polyval::KEY_SIZE }>().unwrap_or(&[0; polyval::KEY_SIZE]));
        Self { key, hash: Polyval::new(&own), cache: Cache::with_weighter(items, bytes, Weight) }
    }

    /// Prepares lookups for a principal under a detector.
    pub fn scope(&self, principal: &Principal, detector: &[u8; 32]) -> CacheScope {
        let mut whose = blake3::Hasher::new_keyed(&self.key);
        whose.update(detector).update(principal.id.as_str().as_bytes());
        let mut prefix = self.hash.clone();
        prefix.update_padded(whose.finalize().as_bytes());
        CacheScope { prefix }
    }

    /// Findings of a text: remembered, or found now. `hit` says which. Texts of fewer than `worth` bytes are not remembered.
    pub fn scan(
        &self,
        scope: &CacheScope,
        place: (Role, TextClass, Option<&str>, bool),
        (text, worth, domain): (&str, usize, Domain),
        inspect: impl FnOnce() -> Option<Scan>,
    ) -> Option<(Arc<Scan>, bool)> {
        if text.len() < worth {
            return inspect().map(|scan| (Arc::new(scan), false));
        }
        let key = scope.key(domain, place, text);
        if let Some(kept) = self.cache.get(&key) {
            return Some((kept.scan, true));
        }
        let scan = Arc::new(inspect()?);
        self.cache.insert(key, Known { scan: Arc::clone(&scan), subjects: Arc::default(), unread: Arc::default() });
        Some((scan, false))
    }

    /// What a text is about: remembered, or found now. It depends on nothing but the text.
    pub fn subjects(&self, scope: &CacheScope, text: &str, inspect: impl FnOnce() -> Option<Vec<Finding>>) -> Option<Arc<[Finding]>> {
        let key = scope.key(Domain::Subjects, (Role::Other, TextClass::Metadata, None, false), text);
        if let Some(kept) = self.cache.get(&key) {
            return Some(kept.subjects);
        }
        let subjects: Arc<[Finding]> = inspect()?.into();
        self.cache.insert(key, Known { scan: Arc::default(), subjects: Arc::clone(&subjects), unread: Arc::default() });
        Some(subjects)
    }

    /// What came of a file, by its text in base64: remembered, or found now. The name in `place` is what else the reading depends on.
    ///
    /// # Errors
    /// Those of the inspection. Nothing is remembered then.
    pub fn file<E>(
        &self,
        scope: &CacheScope,
        place: (Role, TextClass, Option<&str>, bool),
        data: &str,
        inspect: impl FnOnce() -> Result<Known, E>,
    ) -> Result<(Known, bool), E> {
        let key = scope.key(Domain::File, place, data);
        if let Some(kept) = self.cache.get(&key) {
            return Ok((kept, true));
        }
        let kept = inspect()?;
        self.cache.insert(key, kept.clone());
        Ok((kept, false))
    }
}

impl CacheScope {
    /// Under what the names of a text are remembered, which depend on nothing else.
    pub fn of_names(&self, text: &str) -> u128 {
        self.key(Domain::Names, (Role::Other, TextClass::Metadata, None, false), text)
    }

    /// Lengths go first and every piece is padded to whole blocks: no two inputs have the same blocks.
    fn key(&self, domain: Domain, (role, class, hint, tokens): (Role, TextClass, Option<&str>, bool), text: &str) -> u128 {
        let mut hasher = self.prefix.clone();
        let hint = hint.unwrap_or_default();
        let kinds = u128::from(role as u8) | u128::from(class as u8) << 8 | u128::from(tokens) << 16 | (domain as u128) << 17;
        let head = kinds | (hint.len() as u128 & 0xffff_ffff) << 24 | (text.len() as u128) << 64;
        hasher.update_padded(&head.to_le_bytes());
        hasher.update_padded(hint.as_bytes());
        hasher.update_padded(text.as_bytes());
        u128::from_le_bytes(hasher.finalize().into())
    }
}
