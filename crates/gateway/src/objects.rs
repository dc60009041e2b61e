//! What a provider keeps of an answer: bound to whoever asked for it before they are told of it, and looked up before anybody names it.
//!
//! Answers that go on from one another are a chain: they share the scope of pseudonyms of their first request, and what was minted
//! before is restored in what comes later.

mod caches;
mod carrying;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bartizan_detect::Pseudonyms;
use bartizan_identity::{Binding, Chain, Object, ObjectKind, Objects, ObjectsError, Pair};
use bartizan_vocabulary::{PrincipalId, ProviderName, Role, Timestamp, UninspectedKind};
use bartizan_wire::json::NodeId;
use bartizan_wire::refusal::Reason;
use bartizan_wire::{
    Control, ControlError, Kept, Made, Reading, Route, Unread, cache_id, file_mentions, is_conversation, is_deleted, is_empty_object, told,
};
use tokio::sync::Semaphore;

pub(crate) use self::caches::{Cached, NO_CACHE};
use crate::Gate;
use crate::exchange::Exchange;
use crate::guard::Parsed;
use crate::handle::{Head, Lent, conversation_key};
use crate::session::Session;

/// How long an owner is looked up that is not in memory.
const PATIENCE: Duration = Duration::from_secs(1);
/// Look-ups at a time: the others wait, within that time.
pub(crate) const LOOKUPS: usize = 8;
/// The same for pages of lists: they take nothing away from the others.
pub(crate) const LISTINGS: usize = 2;
/// Most objects of one stream that are bound.
const MOST_TOLD: usize = 1_024;

/// Nothing of it is known here, or nothing that this caller may know of: the answer is the same.
pub(crate) const NOT_YOURS: &str = "no response with this id is known here as this caller's";
/// The same of a conversation.
pub(crate) const NO_CONVERSATION: &str = "no conversation with this id is known here as this caller's";
/// The same of an item in one.
pub(crate) const NO_ITEM: &str = "no item with this id is known here as this caller's";
/// The same of a file.
pub(crate) const NO_FILE: &str = "no file with this id is known here as this caller's";

/// What a request goes on from.
pub(crate) struct Resumed {
    /// Where it lies: the only place to which the request may go.
    pub(crate) provider: usize,
    /// Each once; the first one gives the scope of pseudonyms.
    chains: Vec<Arc<Chain>>,
    /// Where it names files, and what of each was not read when it was sent.
    files: Vec<(NodeId, Arc<[UninspectedKind]>)>,
}

impl Resumed {
    /// What of the files that a request names is not read: what was not read when they were sent, and nothing besides.
    fn settle(&self, reading: &mut Reading) {
        if self.files.is_empty() {
            return;
        }
        let mut named: HashMap<NodeId, Role> = self.files.iter().map(|(node, _)| (*node, Role::User)).collect();
        reading.unread.retain(|one| {
            let role = named.get_mut(&one.node);
            role.is_none_or(|role| {
                *role = one.role;
                false
            })
        });
        for (node, unread) in &self.files {
            let role = named.get(node).copied().unwrap_or(Role::User);
            reading.unread.extend(unread.iter().map(|kind| Unread { node: *node, kind: *kind, role, attached: false }));
        }
    }
}

/// What becomes of the ids in an answer.
pub struct Keeping {
    /// The chain before this request.
    base: Arc<Chain>,
    /// Whether it was kept before.
    is_known: bool,
    then: Then,
    /// The conversation in which it goes on: it has the chain from then on.
    conversation: Option<String>,
    /// The chain with what this request minted.
    chain: OnceLock<Arc<Chain>>,
    kept: AtomicBool,
}

/// What a stream told so far of what the provider keeps.
#[derive(Default)]
pub struct Watch {
    seen: HashSet<Made>,
    fresh: Vec<Made>,
}

impl Watch {
    /// What one event told. Every object is told of several times.
    pub fn see(&mut self, made: Vec<Made>) {
        for one in made {
            if self.seen.len() < MOST_TOLD && self.seen.insert(one.clone()) {
                self.fresh.push(one);
            }
        }
    }

    /// What is new.
    pub fn take(&mut self) -> Vec<Made> {
        std::mem::take(&mut self.fresh)
    }
}

/// What becomes of the ids in an answer.
pub(crate) enum Then {
    /// They are the caller's from now on.
    Bind(Binds),
    /// If the provider deleted it, it is nobody's.
    Forget(ObjectKind, String),
    /// They are known already.
    Nothing,
}

/// Which ids are the caller's from now on. Those of containers are in any case.
pub(crate) struct Binds {
    /// The route: it tells where the ids stand.
    pub(crate) route: Route,
    /// That of the response.
    pub(crate) response: bool,
    /// Those of items.
    pub(crate) items: bool,
}

impl Keeping {
    fn new(base: Arc<Chain>, is_known: bool, then: Then, conversation: Option<String>) -> Self {
        Self { base, is_known, then, conversation, chain: OnceLock::new(), kept: AtomicBool::new(false) }
    }

    /// Whether ids in the answer are to be bound.
    pub fn binds(&self) -> bool {
        matches!(self.then, Then::Bind(_))
    }

    fn chain(&self, session: &Session) -> &Arc<Chain> {
        self.chain.get_or_init(|| {
            let fresh = session.pairs_beyond(&self.base);
            if fresh.is_empty() {
                return Arc::clone(&self.base);
            }
            let pairs = self.base.pairs.iter().cloned().chain(fresh).collect();
            Arc::new(Chain { id: self.base.id, conversation: self.base.conversation.clone(), pairs })
        })
    }
}

impl Session {
    /// Pseudonyms that a chain does not have.
    fn pairs_beyond(&self, chain: &Chain) -> Vec<Pair> {
        let known: HashSet<&str> = chain.pairs.iter().map(|pair| pair.token.as_str()).collect();
        let pairs = self.pairs().filter(|(token, _)| !known.contains(token.as_str()));
        let pair = |(token, original): (&bartizan_detect::Token, &bartizan_detect::Original)| Pair {
            token: token.as_str().to_owned(),
            surface: original.surface.clone(),
            was_number: original.was_number,
        };
        pairs.map(pair).collect()
    }
}

impl Exchange {
    /// When it began, by the wall clock.
    pub(crate) fn since(&self) -> Timestamp {
        self.instant().since()
    }

    /// A whole answer is about to leave: its ids are bound, or forgotten.
    pub(crate) fn answered(&self, session: &Session, answer: &Parsed) {
        let Some(keeping) = session.keeping() else { return };
        match &keeping.then {
            Then::Bind(binds) => self.bind(session, told(binds.route, &answer.tape, &answer.bytes)),
            Then::Forget(kind, id) if is_gone(*kind, answer) => {
                self.gate.wiring.objects.forget(&self.principal.id, *kind, id);
            }
            Then::Forget(..) | Then::Nothing => {}
        }
    }

    /// Binds what an answer names, before it leaves. What cannot be bound is nobody's: its id leads to a 404.
    pub(crate) fn bind(&self, session: &Session, made: Vec<Made>) {
        let Some(keeping) = session.keeping() else { return };
        let Then::Bind(binds) = &keeping.then else { return };
        let (containers, mut rest): (Vec<_>, Vec<_>) = made.into_iter().map(object).partition(|(kind, _)| *kind == ObjectKind::Container);
        // Every later answer, and every list, tells of them again.
        let at_hand = |(kind, id): &(ObjectKind, String)| self.gate.wiring.objects.at_hand(&self.principal.id, *kind, id).is_some();
        rest.retain(|one| match one.0 {
            ObjectKind::Response => binds.response,
            ObjectKind::Item => binds.items && (binds.route != Route::ListItems || !at_hand(one)),
            _ => true,
        });
        if !rest.is_empty()
            && let Err(error) = self.keep(session, keeping, &rest)
        {
            self.unbound(rest.len(), &error.to_string());
        }
        let containers: Vec<_> = containers.into_iter().filter(|one| !at_hand(one)).collect();
        if !containers.is_empty() {
            let _counted = self.bind_alone(&containers, &[]);
        }
    }

    /// Binds objects of which nothing goes on. `unread`: of a file, what of it was not read.
    ///
    /// # Errors
    /// Why they are nobody's; that was counted.
    pub(crate) fn bind_alone(&self, objects: &[(ObjectKind, String)], unread: &[UninspectedKind]) -> Result<(), ObjectsError> {
        let provider = self.provider.as_ref().ok_or(ObjectsError::Unreadable)?;
        let chain = &Arc::new(Chain { id: self.gate.new_chain(), conversation: String::new(), pairs: Arc::default() });
        let (owner, since) = (&self.principal.id, self.since());
        let bound = self.gate.wiring.objects.bind(&Binding { owner, since, provider, chain, fresh: Some(0), objects, unread });
        bound.inspect_err(|error| self.unbound(objects.len(), &error.to_string()))
    }

    /// Counts what the provider keeps and nobody owns.
    pub(crate) fn unbound(&self, count: usize, error: &str) {
        self.gate.metrics().unbound_total.add(count as u64);
        tracing::warn!(error, request_id = %self.request_id, "what the provider keeps of an answer was not bound to its caller");
    }

    fn keep(&self, session: &Session, keeping: &Keeping, objects: &[(ObjectKind, String)]) -> Result<(), ObjectsError> {
        let provider = self.provider.as_ref().ok_or(ObjectsError::Unreadable)?;
        let chain = keeping.chain(session);
        let begun = keeping.kept.load(Ordering::Acquire);
        let is_new = !keeping.is_known || chain.pairs.len() > keeping.base.pairs.len();
        let known = if keeping.is_known { keeping.base.pairs.len() } else { 0 };
        let fresh = (!begun && is_new).then_some(known);
        let (owner, since) = (&self.principal.id, self.since());
        let binding = Binding { owner, since, provider, chain, fresh, objects, unread: &[] };
        self.gate.wiring.objects.bind(&binding)?;
        keeping.kept.store(true, Ordering::Release);
        Ok(())
    }
}

/// Whether an answer says that what was to be deleted is gone.
fn is_gone(kind: ObjectKind, answer: &Parsed) -> bool {
    let (tape, bytes) = (&answer.tape, &answer.bytes);
    match kind {
        ObjectKind::Cache => is_empty_object(tape),
        ObjectKind::Item if is_conversation(tape, bytes) => true,
        _ => is_deleted(tape, bytes),
    }
}

fn object(made: Made) -> (ObjectKind, String) {
    match made {
        Made::Response(id) => (ObjectKind::Response, id),
        Made::Item(id) => (ObjectKind::Item, id),
        Made::Container(id) => (ObjectKind::Container, id),
    }
}

impl Gate {
    /// What a request goes on from, if it is all the caller's own. Of files that it names it is known from now on what is not read.
    ///
    /// # Errors
    /// Reason and sentence. Whether something is nobody's or somebody else's cannot be told from them.
    pub(crate) async fn resumed(
        &self,
        exchange: &Exchange,
        (parsed, control): &mut (Parsed, Control),
    ) -> Result<Option<Box<Resumed>>, (Reason, String)> {
        let signer = exchange.put_back(parsed)?;
        let kept = control.kept.as_deref();
        let names_any = kept.is_some_and(Kept::names_any);
        let only = || signer.map(|provider| Box::new(Resumed { provider, chains: Vec::new(), files: Vec::new() }));
        if parsed.reading.unread.is_empty() && !names_any {
            return Ok(only());
        }
        let Parsed { bytes, tape, reading, .. } = parsed;
        let files = file_mentions(tape, bytes, &reading.unread, kept).map_err(|error| (Reason::BadRequest, error.to_string()))?;
        if files.is_empty() && !names_any {
            return Ok(only());
        }
        // Boxed, like all that is rare.
        let Some(found) = Box::pin(self.found(exchange, parsed, kept.unwrap_or(&Kept::default()), &files)).await? else {
            return Ok(only());
        };
        if signer.is_some_and(|signer| signer != found.provider) {
            return Err((Reason::BadRequest, "what the request names and the reasoning in it belong to different providers".to_owned()));
        }
        found.settle(&mut parsed.reading);
        Ok(Some(found))
    }

    async fn found(
        &self,
        exchange: &Exchange,
        parsed: &Parsed,
        kept: &Kept,
        named: &[NodeId],
    ) -> Result<Option<Box<Resumed>>, (Reason, String)> {
        let text = |id: NodeId| parsed.tape.text(&parsed.bytes, id).into_owned();
        let responses = kept.previous.iter().map(|id| (ObjectKind::Response, text(*id)));
        let conversation = kept.conversation.iter().map(|id| (ObjectKind::Conversation, text(*id)));
        let items = kept.items.iter().map(|id| (ObjectKind::Item, text(*id)));
        let containers = kept.containers.iter().map(|id| (ObjectKind::Container, text(*id)));
        let files = named.iter().map(|id| (ObjectKind::File, text(*id)));
        let name = |id: NodeId| cache_id(&text(id)).unwrap_or_default().to_owned();
        let cache = kept.cache.iter().map(|id| (ObjectKind::Cache, name(*id)));
        let wanted = responses.chain(conversation).chain(cache).chain(items).chain(containers).chain(files).collect();
        let mut found = self.owned(&exchange.principal.id, wanted).await?.into_iter();
        let mut objects = Vec::new();
        for (named, message) in [
            (kept.previous, "the response that `previous_response_id` names is not known here as this caller's"),
            (kept.conversation, "the conversation that `conversation` names is not known here as this caller's"),
            (kept.cache, caches::NAMES_NO_CACHE),
        ] {
            if named.is_some() {
                objects.push(found.next().flatten().ok_or_else(|| (Reason::NotFound, message.to_owned()))?);
            }
        }
        for (id, item) in kept.items.iter().zip(found.by_ref()) {
            objects.push(item.ok_or_else(|| unknown_item(parsed, *id, kept.joins))?);
        }
        let mut containers = Vec::with_capacity(kept.containers.len());
        for container in found.by_ref().take(kept.containers.len()) {
            let message = || "a container that `container_id` names is not known here as this caller's; leave out the items that name it";
            containers.push(container.ok_or_else(|| (Reason::NotFound, message().to_owned()))?);
        }
        let mut files = Vec::with_capacity(named.len());
        for (node, file) in named.iter().zip(found) {
            let message = || "a file that `file_id` names is not known here as this caller's".to_owned();
            files.push((*node, file.ok_or_else(|| (Reason::NotFound, message()))?));
        }
        let all = || objects.iter().chain(&containers).chain(files.iter().map(|(_, file)| file));
        let Some(first) = all().next() else { return Ok(None) };
        if all().any(|object| object.provider != first.provider) {
            let message = "the request names what different providers keep; send what one of them keeps in full, in `input`";
            return Err((Reason::BadRequest, message.to_owned()));
        }
        let provider = exchange.live.settings.providers.iter().position(|provider| provider.name == first.provider);
        let provider = provider.ok_or_else(|| (Reason::NotFound, "the provider that keeps this is not configured any more".to_owned()))?;
        let mut chains: Vec<Arc<Chain>> = Vec::new();
        for object in &objects {
            // Branches of one chain have ends of their own.
            if !chains.iter().any(|known| Arc::ptr_eq(known, &object.chain)) {
                chains.push(Arc::clone(&object.chain));
            }
        }
        within_bounds(&chains)?;
        let files = files.into_iter().map(|(node, file)| (node, file.unread)).collect();
        Ok(Some(Box::new(Resumed { provider, chains, files })))
    }

    /// Objects of a caller: from memory, else by one look-up off the worker threads, within a deadline.
    pub(crate) async fn owned(
        &self,
        owner: &PrincipalId,
        wanted: Vec<(ObjectKind, String)>,
    ) -> Result<Vec<Option<Object>>, (Reason, String)> {
        let objects = &self.wiring.objects;
        let at_hand: Vec<Option<Object>> = wanted.iter().map(|(kind, id)| objects.at_hand(owner, *kind, id)).collect();
        if at_hand.iter().all(Option::is_some) {
            return Ok(at_hand);
        }
        let owner = owner.clone();
        self.looked_up(&self.lookups, move |objects| objects.look_up(&owner, &wanted)).await
    }

    /// Which of these files at a provider are a caller's.
    pub(crate) async fn own_files(
        &self,
        owner: &PrincipalId,
        provider: &ProviderName,
        ids: Vec<String>,
    ) -> Result<Vec<bool>, (Reason, String)> {
        let (owner, provider) = (owner.clone(), provider.clone());
        self.looked_up(&self.listings, move |objects| objects.owns(&owner, &provider, ObjectKind::File, &ids)).await
    }

    /// One look-up off the worker threads, within a deadline.
    async fn looked_up<T: Send + 'static>(
        &self,
        permits: &Arc<Semaphore>,
        run: impl FnOnce(&dyn Objects) -> Result<T, ObjectsError> + Send + 'static,
    ) -> Result<T, (Reason, String)> {
        let (objects, permits) = (Arc::clone(&self.wiring.objects), Arc::clone(permits));
        let run = async move {
            let permit = permits.acquire_owned().await.ok()?;
            let read = tokio::task::spawn_blocking(move || {
                // One that nobody waits for any more counts until it ends.
                let _permit = permit;
                run(&*objects)
            });
            read.await.ok()
        };
        let unavailable = |why: &str| (Reason::GuardUnavailable, format!("{why}, so nothing was sent"));
        match tokio::time::timeout(PATIENCE, run).await {
            Ok(Some(Ok(found))) => Ok(found),
            Ok(Some(Err(error))) => Err(unavailable(&error.to_string())),
            Ok(None) => Err(unavailable(&ObjectsError::Unreadable.to_string())),
            Err(_) => Err(unavailable("who made what the provider keeps could not be looked up in time")),
        }
    }

    /// The session of a request, in the scope of what it goes on from.
    pub(crate) fn session_of(&self, exchange: &Exchange, head: &Head, lent: &Lent, resumed: Option<&Resumed>) -> Box<Session> {
        let read = lent.read();
        let Some(kept) = read.and_then(|(_, control)| control.kept.as_deref()) else { return self.session(exchange, head, read) };
        let base = resumed.and_then(|resumed| resumed.chains.first()).map(Arc::clone);
        let is_known = base.is_some();
        let base = base.unwrap_or_else(|| {
            let conversation = conversation_key(head, read).to_hex().to_string();
            Arc::new(Chain { id: self.new_chain(), conversation, pairs: Arc::default() })
        });
        let text = |id: NodeId| read.map(|(parsed, _)| parsed.tape.text(&parsed.bytes, id).into_owned());
        let conversation = kept.conversation.and_then(text);
        let binds = Binds { route: Route::Responses, response: kept.store, items: kept.store || kept.joins };
        // Of an answer that begins with a cache nothing is kept.
        let then = if kept.cache.is_some() { Then::Nothing } else { Then::Bind(binds) };
        self.session_with(exchange, resumed, Keeping::new(base, is_known, then, conversation))
    }

    /// The session of a request for what the provider keeps.
    pub(crate) fn session_for(&self, exchange: &Exchange, object: &Object, then: Then) -> Box<Session> {
        self.session_with(exchange, None, Keeping::new(Arc::clone(&object.chain), true, then, None))
    }

    fn session_with(&self, exchange: &Exchange, resumed: Option<&Resumed>, keeping: Keeping) -> Box<Session> {
        let mut session = self.session_in(exchange, &keeping.base.conversation);
        session.recall(&keeping.base);
        for chain in resumed.iter().flat_map(|resumed| &resumed.chains).filter(|chain| !Arc::ptr_eq(chain, &keeping.base)) {
            session.recall(chain);
        }
        session.keep_ids(keeping);
        session
    }

    pub(crate) fn session_in(&self, exchange: &Exchange, conversation: &str) -> Box<Session> {
        let pseudonyms = Pseudonyms::new(self.minter.scope(exchange.principal.id.as_str(), conversation));
        Box::new(Session::new(pseudonyms, self.value_hash().clone(), exchange.live.settings.seal_key.as_ref()))
    }

    fn new_chain(&self) -> [u8; 16] {
        self.random().bytes().first_chunk().copied().unwrap_or_default()
    }
}

/// So many look-ups may run at a time.
pub(crate) fn permits(count: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(count))
}

/// A request goes on with so much and no more.
fn within_bounds(chains: &[Arc<Chain>]) -> Result<(), (Reason, String)> {
    let pairs = || chains.iter().flat_map(|chain| chain.pairs.iter());
    if pairs().count() <= Chain::MOST_PAIRS && pairs().map(|pair| pair.surface.reveal().len()).sum::<usize>() <= Chain::MOST_BYTES {
        return Ok(());
    }
    let message = "what this request goes on from holds more than 4096 replaced values, or 1 MiB of them; start a new conversation";
    Err((Reason::BadRequest, message.to_owned()))
}

/// Why an item is refused that is not known: as one is that nobody could know. `joins`: it was to go into a conversation.
fn unknown_item(Parsed { tape, bytes, .. }: &Parsed, id: NodeId, joins: bool) -> (Reason, String) {
    if joins {
        let message = "an item that the request names by its `id` is not known here as this caller's; send it without the `id`";
        return (Reason::NotFound, message.to_owned());
    }
    let kind = tape.node(id).and_then(|node| tape.member(bytes, node.parent, "type"));
    let is_reasoning = kind.is_some_and(|kind| tape.says(bytes, kind, "reasoning"));
    let error = if is_reasoning { ControlError::Reasoning } else { ControlError::Stored("input") };
    (Reason::BadRequest, error.to_string())
}
