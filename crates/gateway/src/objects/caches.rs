//! Whose a cache is, and what was replaced in it: Gemini's cached content.
//!
//! A cache is made once and never grows, so its chain is that of the request that made it. It is for one model: what was judged for one
//! is not read by another.

use std::sync::Arc;

use bartizan_identity::{Binding, Chain, Object, ObjectKind, ObjectsError};
use bartizan_vocabulary::ProviderName;
use bartizan_wire::refusal::Reason;

use super::{Keeping, Resumed, Then, within_bounds};
use crate::Gate;
use crate::exchange::Exchange;
use crate::session::Session;

/// Nothing of it is known here, or nothing that this caller may know of: the answer is the same.
pub(crate) const NO_CACHE: &str = "no cache with this name is known here as this caller's";
/// The same, where a request names it.
pub(super) const NAMES_NO_CACHE: &str = "the cache that `cachedContent` names is not known here as this caller's";

/// Stands before the rest in the scope of pseudonyms of a cache: no other scope begins so.
const SCOPE: &str = "cache";

/// For which model a cache is: as its maker named it, and as its provider does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cached<'a> {
    /// The maker's name.
    pub(crate) name: &'a str,
    /// The provider's.
    pub(crate) upstream: &'a str,
}

impl Cached<'_> {
    fn of(chain: &Chain) -> Option<Cached<'_>> {
        let mut parts = chain.conversation.split('\n');
        match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(SCOPE), Some(_chance), Some(name), Some(upstream), None) => Some(Cached { name, upstream }),
            _ => None,
        }
    }

    fn scope(&self, chance: &[u8; 16]) -> String {
        format!("{SCOPE}\n{}\n{}\n{}", blake3::hash(chance).to_hex(), self.name, self.upstream)
    }
}

impl Resumed {
    /// For which model the cache is that a request begins with.
    pub(crate) fn cached(&self) -> Option<Cached<'_>> {
        self.chains.first().and_then(|chain| Cached::of(chain))
    }

    /// Why a model may not go on from it.
    pub(crate) fn bars(&self, model: &str) -> Option<String> {
        let cached = self.cached().filter(|cached| cached.name != model)?;
        Some(format!("the cache was made for the model `{}`; ask that one", cached.name))
    }
}

impl Exchange {
    /// Binds a cache that the provider has made, with what was replaced in it.
    ///
    /// # Errors
    /// Why it is nobody's; that was counted.
    pub(crate) fn bind_cache(&self, session: &Session, id: &str) -> Result<(), ObjectsError> {
        let keeping = session.keeping().ok_or(ObjectsError::Unreadable)?;
        let bound = self.keep(session, keeping, &[(ObjectKind::Cache, id.to_owned())]);
        bound.inspect_err(|error| self.unbound(1, &error.to_string()))
    }

    /// Binds a cache anew: it is to be kept for longer.
    ///
    /// # Errors
    /// Why nothing may be sent.
    pub(crate) fn keep_cache(&self, id: &str, object: &Object) -> Result<(), ObjectsError> {
        let (owner, since, objects) = (&self.principal.id, self.since(), [(ObjectKind::Cache, id.to_owned())]);
        let (provider, chain) = (&object.provider, &object.chain);
        self.gate.wiring.objects.bind(&Binding { owner, since, provider, chain, fresh: None, objects: &objects, unread: &[] })
    }
}

impl Gate {
    /// The session of a request that makes a cache: it has a scope of pseudonyms of its own.
    pub(crate) fn session_of_new_cache(&self, exchange: &Exchange, cached: Cached<'_>, resumed: Option<&Resumed>) -> Box<Session> {
        let id = self.new_chain();
        let base = Arc::new(Chain { id, conversation: cached.scope(&id), pairs: Arc::default() });
        self.session_with(exchange, resumed, Keeping::new(base, false, Then::Nothing, None))
    }

    /// Whether what was replaced in a new cache is so little that a request can begin with it.
    ///
    /// # Errors
    /// A sentence for the client.
    pub(crate) fn fits_cache(session: &Session) -> Result<(), (Reason, String)> {
        let chain = session.keeping().map(|keeping| Arc::clone(keeping.chain(session)));
        let message = || "more than 4096 values would be replaced in this cache, or 1 MiB of them; make a smaller one".to_owned();
        within_bounds(chain.as_slice()).map_err(|_| (Reason::BadRequest, message()))
    }

    /// Which of these caches at a provider are a caller's.
    pub(crate) async fn own_caches(
        &self,
        exchange: &Exchange,
        provider: &ProviderName,
        ids: Vec<String>,
    ) -> Result<Vec<bool>, (Reason, String)> {
        let (owner, provider) = (exchange.principal.id.clone(), provider.clone());
        self.looked_up(&self.listings, move |objects| objects.owns(&owner, &provider, ObjectKind::Cache, &ids)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_tells_its_model() {
        let chain = |conversation: String| Chain { id: [1; 16], conversation, pairs: Arc::default() };
        let cached = Cached { name: "flash", upstream: "gemini-2.5-flash" };
        assert_eq!(Cached::of(&chain(cached.scope(&[1; 16]))), Some(cached));
        for other in ["", "cache", "cache\na\nb", "cache\na\nb\nc\nd", "talk\na\nb\nc"] {
            assert_eq!(Cached::of(&chain(other.to_owned())), None, "{other:?}");
        }
    }
}
