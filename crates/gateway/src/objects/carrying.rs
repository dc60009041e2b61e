//! What a conversation remembers: the pseudonyms of all requests that went into it.
//!
//! They are bound before the provider reads the request. Whatever becomes of its answer, what stands in the conversation from then on
//! can be given back.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use bartizan_identity::{Binding, Chain, Object, ObjectKind, ObjectsError, Pair};
use bartizan_vocabulary::{Decision, ProviderName};
use bartizan_wire::Route;
use bartizan_wire::refusal::Reason;

use super::{Binds, Keeping, Resumed, Then, within_bounds};
use crate::Gate;
use crate::exchange::{Exchange, Moment, Phase};
use crate::refuse::Refusal;
use crate::session::Session;

impl Exchange {
    /// Binds what a request minted to the conversation in which it goes on. Without one there is nothing to do.
    ///
    /// # Errors
    /// Why nothing may be sent.
    pub(crate) fn carry(self: &Arc<Self>, session: &Session) -> Result<(), Box<Refusal>> {
        let Some(keeping) = session.keeping().filter(|keeping| keeping.conversation.is_some()) else { return Ok(()) };
        self.carried(session, keeping).map_err(|error| {
            let message = format!("{error}, so nothing was sent");
            let phase = Phase::decided(Decision::Failed);
            Box::new(Refusal::of(self, Reason::GuardUnavailable, message).with(Moment::Request, phase))
        })
    }

    fn carried(&self, session: &Session, keeping: &Keeping) -> Result<(), ObjectsError> {
        let (Some(id), Some(provider)) = (&keeping.conversation, &self.provider) else { return Ok(()) };
        if keeping.kept.load(Ordering::Acquire) {
            return Ok(());
        }
        let (objects, owner, since) = (&self.gate.wiring.objects, &self.principal.id, self.since());
        let fresh = session.pairs_beyond(&keeping.base);
        // Requests that go on in one conversation at the same time leave each other what they minted.
        let _one_at_a_time = self.gate.carrying.lock().unwrap_or_else(PoisonError::into_inner);
        let now = objects.at_hand(owner, ObjectKind::Conversation, id).map(|object| object.chain);
        let now = now.filter(|chain| chain.id == keeping.base.id).unwrap_or_else(|| Arc::clone(&keeping.base));
        let known = now.pairs.len();
        let chain = keeping.chain.get_or_init(|| grown(now, fresh));
        let fresh = (chain.pairs.len() > known).then_some(known);
        let bound = [(ObjectKind::Conversation, id.clone())];
        objects.bind(&Binding { owner, since, provider, chain, fresh, objects: &bound, unread: &[] })?;
        keeping.kept.store(true, Ordering::Release);
        Ok(())
    }

    /// Binds a conversation that the provider has made.
    ///
    /// # Errors
    /// Why it is nobody's; that was counted.
    pub(crate) fn bind_conversation(&self, session: &Session, id: &str) -> Result<(), ObjectsError> {
        let keeping = session.keeping().ok_or(ObjectsError::Unreadable)?;
        let bound = self.keep(session, keeping, &[(ObjectKind::Conversation, id.to_owned())]);
        bound.inspect_err(|error| self.unbound(1, &error.to_string()))
    }
}

/// A chain with more pairs.
fn grown(chain: Arc<Chain>, mut more: Vec<Pair>) -> Arc<Chain> {
    let known: HashSet<&str> = chain.pairs.iter().map(|pair| pair.token.as_str()).collect();
    more.retain(|pair| !known.contains(pair.token.as_str()));
    if more.is_empty() {
        return chain;
    }
    let pairs = chain.pairs.iter().cloned().chain(more).collect();
    Arc::new(Chain { id: chain.id, conversation: chain.conversation.clone(), pairs })
}

impl Gate {
    /// The session of a request whose body goes into a conversation: one that is known, or one that is to be made, which has a scope of
    /// pseudonyms of its own.
    ///
    /// # Errors
    /// When that is more than a request may go on with, or lies with another provider.
    pub(crate) fn session_into(
        &self,
        exchange: &Exchange,
        route: Route,
        into: Option<(&str, &Object)>,
        resumed: Option<&Resumed>,
    ) -> Result<Box<Session>, (Reason, String)> {
        let provider = |at: usize| exchange.live.settings.providers.get(at).map(|provider| &provider.name);
        if resumed.is_some_and(|resumed| provider(resumed.provider) != exchange.provider.as_ref()) {
            let at = exchange.provider.as_ref().map(ProviderName::as_str).unwrap_or_default();
            let message = format!("the conversation is kept by `{at}`, and the request names what another provider keeps");
            return Err((Reason::BadRequest, message));
        }
        let base = into.map(|(_, object)| Arc::clone(&object.chain));
        let is_known = base.is_some();
        let base = base.unwrap_or_else(|| {
            let id = self.new_chain();
            Arc::new(Chain { id, conversation: blake3::hash(&id).to_hex().to_string(), pairs: Arc::default() })
        });
        let others = resumed.iter().flat_map(|resumed| &resumed.chains).filter(|chain| !Arc::ptr_eq(chain, &base));
        let all: Vec<_> = std::iter::once(&base).chain(others).cloned().collect();
        within_bounds(&all)?;
        let then = if route == Route::AddItems { Then::Bind(Binds { route, response: false, items: true }) } else { Then::Nothing };
        let keeping = Keeping::new(base, is_known, then, into.map(|(id, _)| id.to_owned()));
        Ok(self.session_with(exchange, resumed, keeping))
    }
}
