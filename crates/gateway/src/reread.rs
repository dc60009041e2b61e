//! Responses, conversations and files that a provider keeps: read, cancelled, deleted by whoever made them, and by nobody else.

use std::sync::Arc;

use bartizan_identity::{Object, ObjectKind};
use bartizan_policy::Action;
use bartizan_wire::refusal::Reason;
use bartizan_wire::{Call, Route, is_object_id};
use bytes::Bytes;
use http::Response;
use http_body::Body;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;

use crate::body::{GateBody, read_whole};
use crate::credentials::client_key;
use crate::exchange::{Exchange, Moment};
use crate::files::spelt_for;
use crate::guard::guard_bare;
use crate::handle::Head;
use crate::headers::{outside_body, to_provider};
use crate::objects::{Binds, NO_CACHE, NO_CONVERSATION, NO_FILE, NO_ITEM, NOT_YOURS, Then};
use crate::query::query;
use crate::refuse::Refusal;
use crate::settings::{Provider, Settings};
use crate::upstream::{self, Aim};
use crate::{Gate, Live, models};

/// Parameters that go on with every such request.
const COMMON: &[&str] = &["api-version", "key", "api-key", "api_key"];
/// And with one for a response: none of them makes a stream of the answer.
const PARAMETERS: &[&str] = &["include", "include[]", "limit", "order", "after", "before"];

/// With one for the items of a conversation, and with one for a single item.
const OF_LISTS: &[&str] = &["include", "include[]", "limit", "order", "after"];
const OF_ITEMS: &[&str] = &["include", "include[]"];

/// Room for an empty object, as some clients send it.
const BODY: usize = 64;

/// Where an object lies.
///
/// # Errors
/// When its provider is gone.
pub(crate) fn kept_at(settings: &Settings, object: Object) -> Result<(usize, &Provider, Object), (Reason, String)> {
    let at = settings.providers.iter().position(|provider| provider.name == object.provider);
    let gone = || (Reason::NotFound, "the provider that keeps this is not configured any more".to_owned());
    at.and_then(|at| Some((at, settings.providers.get(at)?, object))).ok_or_else(gone)
}

impl Gate {
    /// Answers a request about what a provider keeps.
    pub(crate) async fn kept_there(
        self: &Arc<Self>,
        head: &Head,
        body: &mut Incoming,
        exchange: Exchange,
        call: Call<'_>,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        match call.route {
            Route::UploadFile | Route::ListFiles => self.files(head, body, exchange, call).await,
            Route::CreateCache | Route::ListCaches | Route::UpdateCache => self.caches(head, body, exchange, call).await,
            route if route.writes_conversation() => self.converse(head, body, exchange, call).await,
            _ => self.reread(head, body, exchange, call).await,
        }
    }

    /// Answers a request for one response, conversation or file that a provider keeps, or for what is in it.
    async fn reread(
        self: &Arc<Self>,
        head: &Head,
        body: &mut Incoming,
        mut exchange: Exchange,
        call: Call<'_>,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let live = Arc::clone(&exchange.live);
        let checked = match self.bare(body, &live).await {
            Ok(()) => query(call.route, head.parts.uri.query()).map_err(str::to_owned),
            Err(message) => Err(message),
        };
        let query = match checked.and_then(|query| taken(call.route, head.parts.uri.query()).map(|after| (query, after))) {
            Ok(query) => query,
            Err(message) => return Err(Box::new(Refusal::of(&Arc::new(exchange), Reason::BadRequest, message))),
        };
        let (query, after) = query;
        let found = self.reread_object(&exchange, &call, after.as_deref()).await;
        let (at, provider, object) = match found.and_then(|object| kept_at(&live.settings, object)) {
            Ok(at) => at,
            Err((reason, message)) => return Err(Box::new(Refusal::of(&Arc::new(exchange), reason, message))),
        };
        exchange.provider = Some(provider.name.clone());
        let exchange = Arc::new(exchange);
        let is_first = is_account(&live, at);
        let headers = to_provider(&head.parts.headers, is_first);
        let shown = query.toward(is_first).map(|query| if after.is_some() { without_after(query) } else { query.to_owned() });
        let guarded = guard_bare(&exchange, Action::Prompt, &outside_body(&headers, shown.as_deref()));
        let guarded =
            Self::let_pass(&exchange, guarded.map_err(|error| Self::guard_failed(&exchange, &error.to_string(), Moment::Request))?)?;
        // Who made it with a key of their own made it at this provider: it needs that key again.
        let key = client_key(&head.parts.headers, query.key.as_deref(), &live.settings).filter(|_| provider.pass_client_key);
        let aim = Aim {
            route: call.route,
            dialect: call.dialect,
            model: "",
            object: call.object,
            item: call.item,
            query: query.toward(is_first),
        };
        let mut request = match upstream::request(provider, &aim, headers, key, Bytes::new()) {
            Ok(request) => request,
            Err(error) => return Err(self.upstream_failed(&exchange, &error, 0, Some(guarded.phase))),
        };
        if call.route.names_file() {
            spelt_for(head, provider.kind, &mut request);
        }
        if call.route == Route::FileContent {
            return self.file_content(head, &exchange, (at, request), guarded).await;
        }
        let session = self.session_for(&exchange, &object, then(&call));
        self.listed(head, &exchange, (call.route, at, request), session, guarded).await
    }

    /// What a request for something that a provider keeps names, if it is all the caller's own.
    async fn reread_object(&self, exchange: &Exchange, call: &Call<'_>, after: Option<&str>) -> Result<Object, (Reason, String)> {
        let (kind, missing) = kind(call.route);
        let items = call.item.iter().copied().chain(after).map(|id| (ObjectKind::Item, id.to_owned()));
        let wanted: Vec<_> = std::iter::once((kind, call.object.unwrap_or_default().to_owned())).chain(items).collect();
        let mut found = self.owned(&exchange.principal.id, wanted).await?.into_iter();
        let object = found.next().flatten().ok_or_else(|| (Reason::NotFound, missing.to_owned()))?;
        let here = |item: Option<Object>| item.is_some_and(|item| item.provider == object.provider);
        if found.all(here) { Ok(object) } else { Err((Reason::NotFound, NO_ITEM.to_owned())) }
    }

    /// These requests have no body; some clients send an empty object.
    pub(crate) async fn bare(&self, body: &mut Incoming, live: &Live) -> Result<(), String> {
        if body.is_end_stream() {
            return Ok(());
        }
        let mut held = self.budget.open();
        let read = read_whole(body, BODY, live.settings.timeouts.client, None, &mut held).await;
        let bare = read.is_ok_and(|bytes| matches!(bytes.trim_ascii(), b"" | b"{}"));
        if bare { Ok(()) } else { Err("this route takes no body".to_owned()) }
    }
}

/// What the path of a route names first, and the sentence for one that is not there.
fn kind(route: Route) -> (ObjectKind, &'static str) {
    if route.names_file() {
        (ObjectKind::File, NO_FILE)
    } else if route.names_cache() {
        (ObjectKind::Cache, NO_CACHE)
    } else if route.names_conversation() {
        (ObjectKind::Conversation, NO_CONVERSATION)
    } else {
        (ObjectKind::Response, NOT_YOURS)
    }
}

/// What becomes of the ids in the answer.
fn then(call: &Call<'_>) -> Then {
    let named = |id: Option<&str>| id.unwrap_or_default().to_owned();
    match call.route {
        Route::DeleteResponse | Route::DeleteFile | Route::DeleteConversation | Route::DeleteCache => {
            Then::Forget(kind(call.route).0, named(call.object))
        }
        Route::DeleteItem => Then::Forget(ObjectKind::Item, named(call.item)),
        // Those of what others sent into the conversation, at the same time or through another door, are not known yet.
        route @ Route::ListItems => Then::Bind(Binds { route, response: false, items: true }),
        _ => Then::Nothing,
    }
}

/// Whether a client that names its account with a provider means this one.
pub(crate) fn is_account(live: &Live, provider: usize) -> bool {
    (0..live.settings.models.len()).any(|model| {
        let home = models::home(&live.settings, model, Route::Responses);
        home.or_else(|| models::preferred(&live.settings, model, Route::Responses, |_| true)) == Some(provider)
    })
}

/// The query of a request for a file holds nothing.
pub(crate) fn bare_query(raw: Option<&str>) -> Result<(), String> {
    for pair in raw.unwrap_or_default().split(['&', ';']).filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap_or_default();
        // What Anthropic's SDK adds.
        if pair != "beta=true" && !COMMON.contains(&percent_decode_str(name).decode_utf8_lossy().as_ref()) {
            return Err("this route takes nothing in the query; remove it".to_owned());
        }
    }
    Ok(())
}

/// Whether the query is what a route takes; gives the item behind which a list of items begins.
fn taken(route: Route, raw: Option<&str>) -> Result<Option<String>, String> {
    match route {
        Route::GetItem => plain(raw, OF_ITEMS, "`include`").map(|()| None),
        Route::ListItems => plain(raw, OF_LISTS, "`include`, `limit`, `order` and `after`").and_then(|()| after(raw)),
        // What Google's routes take was looked at already.
        route if route.names_cache() => Ok(None),
        route if route.names_file() || route.names_conversation() => bare_query(raw).map(|()| None),
        _ => plain(raw, PARAMETERS, "`include`, `limit`, `order`, `after` and `before`").map(|()| None),
    }
}

/// The pairs of a query, with their names. Some servers take `;` for `&`.
fn pairs(raw: &str) -> impl Iterator<Item = (&str, String, &str)> {
    raw.split(['&', ';']).filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (pair, percent_decode_str(name).decode_utf8_lossy().into_owned(), value)
    })
}

/// The query holds only what does not change how the answer comes.
pub(crate) fn plain(raw: Option<&str>, parameters: &[&str], sentence: &str) -> Result<(), String> {
    for (_, name, value) in pairs(raw.unwrap_or_default()) {
        match name.as_str() {
            "stream" if value == "false" => {}
            "stream" => return Err("a response is read again as a whole only; leave out `stream`".to_owned()),
            known if parameters.contains(&known) || COMMON.contains(&known) => {}
            _ => return Err(format!("this route takes {sentence} in the query; remove the rest")),
        }
    }
    Ok(())
}

/// The item that `after` names, once and as it is.
fn after(raw: Option<&str>) -> Result<Option<String>, String> {
    let mut all = pairs(raw.unwrap_or_default()).filter(|(_, name, _)| name == AFTER);
    let Some((_, _, id)) = all.next() else { return Ok(None) };
    if all.next().is_some() || !is_object_id(id) {
        return Err("`after` must be the id of an item, once".to_owned());
    }
    Ok(Some(id.to_owned()))
}

/// What of a query is inspected: an item that was looked up is named by an id that was made by chance.
fn without_after(query: &str) -> String {
    pairs(query).filter(|(_, name, value)| name != AFTER || !is_object_id(value)).map(|(pair, ..)| pair).collect::<Vec<_>>().join("&")
}

const AFTER: &str = "after";
