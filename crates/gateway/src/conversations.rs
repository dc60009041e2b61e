//! Conversations that a provider keeps: making one, writing to one. What goes in is inspected like a request; reading and deleting is in
//! `reread`, as for responses.

use std::sync::Arc;

use bartizan_identity::{Object, ObjectKind};
use bartizan_vocabulary::ProviderName;
use bartizan_wire::refusal::Reason;
use bartizan_wire::{Call, Route};
use http::Response;
use hyper::body::Incoming;

use crate::Gate;
use crate::body::GateBody;
use crate::credentials::client_key;
use crate::exchange::{Exchange, Moment};
use crate::files::{Sent, keeper};
use crate::handle::{Head, Lent, UNREAD};
use crate::headers::{outside_body, to_provider};
use crate::objects::NO_CONVERSATION;
use crate::query::query;
use crate::refuse::Refusal;
use crate::reread::{bare_query, is_account, plain};
use crate::upstream::{self, Aim};

/// Where a conversation lies or is to lie, and what is known of it.
struct Where {
    at: usize,
    name: ProviderName,
    known: Option<Object>,
}

impl Gate {
    /// Answers a request whose body goes into a conversation.
    pub(crate) async fn converse(
        self: &Arc<Self>,
        head: &Head,
        body: &mut Incoming,
        mut exchange: Exchange,
        call: Call<'_>,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let refuse = |exchange: Exchange, (reason, message)| Err(Box::new(Refusal::of(&Arc::new(exchange), reason, message)));
        let raw = head.parts.uri.query();
        let bare = if call.route == Route::AddItems { plain(raw, &["include", "include[]"], "`include`") } else { bare_query(raw) };
        let query = match query(call.route, raw).map_err(str::to_owned).and_then(|query| bare.map(|()| query)) {
            Ok(query) => query,
            Err(message) => return refuse(exchange, (Reason::BadRequest, message)),
        };
        let Where { at, name, known } = match self.place_of(head, &exchange, &call).await {
            Ok(found) => found,
            Err(problem) => return refuse(exchange, problem),
        };
        exchange.provider = Some(name);
        let (mut body, held) = match self.read_json(head, body, &mut exchange, call.route).await {
            Ok(read) => read,
            Err(Some(problem)) => return refuse(exchange, problem),
            Err(None) => return Err(Self::guard_failed(&Arc::new(exchange), UNREAD, Moment::Request)),
        };
        let resumed = match self.resumed(&exchange, &mut body).await {
            Ok(resumed) => resumed,
            Err(problem) => return refuse(exchange, problem),
        };
        let into = call.object.zip(known.as_ref());
        let session = match self.session_into(&exchange, call.route, into, resumed.as_deref()) {
            Ok(session) => session,
            Err(problem) => return refuse(exchange, problem),
        };
        if let Err(exceeded) = self.charge_request(&mut exchange) {
            return Err(Box::new(Refusal::exceeded(&Arc::new(exchange), exceeded)));
        }
        let live = Arc::clone(&exchange.live);
        let exchange = Arc::new(exchange);
        let is_first = is_account(&live, at);
        let (headers, query) = (to_provider(&head.parts.headers, is_first), query.toward(is_first));
        let outside = outside_body(&headers, query);
        let (guarded, mut session, mut lent) = self.guarded(&exchange, session, (outside, None), Lent::new(body, held)).await?;
        let (guarded, _copy) = guarded?;
        lent.keep_in(&mut session);
        let _held = lent.held;
        let provider = live.settings.providers.get(at);
        let key = client_key(&head.parts.headers, None, &live.settings).filter(|_| provider.is_some_and(|one| one.pass_client_key));
        let aim = Aim { route: call.route, dialect: call.dialect, model: "", object: call.object, item: None, query };
        let made = provider.ok_or(upstream::UpstreamError::Address);
        let request = match made.and_then(|provider| upstream::request(provider, &aim, headers, key, guarded.bytes.clone())) {
            Ok(request) => request,
            Err(error) => return Err(self.upstream_failed(&exchange, &error, 0, Some(guarded.phase))),
        };
        if call.route == Route::CreateConversation {
            return self.sent_object(head, &exchange, (at, request), Sent::Conversation(session), guarded).await;
        }
        exchange.carry(&session)?;
        self.listed(head, &exchange, (call.route, at, request), session, guarded).await
    }

    /// Where the conversation of a request lies, if it is the caller's; of one that is to be made, where it will.
    async fn place_of(&self, head: &Head, exchange: &Exchange, call: &Call<'_>) -> Result<Where, (Reason, String)> {
        let settings = &exchange.live.settings;
        let Some(id) = call.object else {
            let what = (Route::CreateConversation, "conversations");
            let (at, name) = keeper(settings, &exchange.principal, &head.parts.headers, what)?;
            return Ok(Where { at, name, known: None });
        };
        let found = self.owned(&exchange.principal.id, vec![(ObjectKind::Conversation, id.to_owned())]).await?;
        let known = found.into_iter().next().flatten().ok_or_else(|| (Reason::NotFound, NO_CONVERSATION.to_owned()))?;
        let at = settings.providers.iter().position(|provider| provider.name == known.provider);
        let at = at.ok_or_else(|| (Reason::NotFound, "the provider that keeps this is not configured any more".to_owned()))?;
        Ok(Where { at, name: known.provider.clone(), known: Some(known) })
    }
}
