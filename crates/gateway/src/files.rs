//! Files that a provider keeps: which provider, and sending one. Reading and deleting one is in `reread`, as for responses; lists and
//! contents are below.
//!
//! OpenAI and Anthropic have the same paths for them. Which format is meant is told by the header `anthropic-version`.

mod content;
mod list;
mod sending;

use std::sync::Arc;

use bartizan_identity::may_use;
use bartizan_policy::Action;
use bartizan_vocabulary::{Principal, ProviderName, UninspectedKind};
use bartizan_wire::refusal::{Reason, Shape};
use bartizan_wire::{Call, Family, FormError, Route, Upload, boundary, upload};
use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
pub(crate) use sending::Sent;

use crate::blocking::blocking;
use crate::body::{GateBody, ReadError};
use crate::budget::Reservation;
use crate::credentials::client_key;
use crate::exchange::{Exchange, Moment};
use crate::guard::{FileSent, GuardError, Guarded, RequestError, guard_file};
use crate::handle::Head;
use crate::headers::{outside_body, to_provider};
use crate::query::query;
use crate::refuse::Refusal;
use crate::reread::{bare_query, is_account};
use crate::settings::{Model, ProviderKind, Settings};
use crate::upstream::{self, Aim, UpstreamError};
use crate::{Gate, Live};

/// The header that names the provider.
pub(crate) const PROVIDER: &str = "bartizan-provider";

/// Why a form did not go on.
enum Problem {
    Form(FormError),
    Shown(RequestError),
    Guard(GuardError),
}

/// What is sent, and what of its file was not read.
type Judged = (Box<Guarded>, Vec<UninspectedKind>, Reservation);

impl Gate {
    /// Answers a request that sends a file, or asks for the list of them.
    pub(crate) async fn files(
        self: &Arc<Self>,
        head: &Head,
        body: &mut Incoming,
        mut exchange: Exchange,
        call: Call<'_>,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let live = Arc::clone(&exchange.live);
        let speaks = if family(head) == Family::Anthropic { Route::Messages } else { Route::UploadFile };
        let at = match keeper(&live.settings, &exchange.principal, &head.parts.headers, (speaks, "files of this format")) {
            Ok((at, name)) => {
                exchange.provider = Some(name);
                at
            }
            Err((reason, message)) => return Err(Box::new(Refusal::of(&Arc::new(exchange), reason, message))),
        };
        if call.route == Route::ListFiles {
            return self.list_files(head, body, Arc::new(exchange), (call, at)).await;
        }
        let raw = head.parts.uri.query();
        let query = match query(call.route, raw).map_err(str::to_owned).and_then(|query| bare_query(raw).map(|()| query)) {
            Ok(query) => query,
            Err(message) => return Err(Box::new(Refusal::of(&Arc::new(exchange), Reason::BadRequest, message))),
        };
        let mut held = self.budget.open();
        let bytes = match self.read(head, (body, form_only), &live, &mut held).await {
            Ok(bytes) => bytes,
            Err((reason, message)) => return Err(Box::new(Refusal::of(&Arc::new(exchange), reason, message))),
        };
        exchange.bytes_in = bytes.len() as u64;
        let exchange = Arc::new(exchange);
        let is_first = is_account(&live, at);
        let (headers, query) = (to_provider(&head.parts.headers, is_first), query.toward(is_first));
        let (guarded, unread, held) = self.judged_upload((&exchange, family(head)), bytes, outside(&headers, query), held).await?;
        let aim = Aim { route: call.route, dialect: call.dialect, model: "", object: None, item: None, query };
        let request = match ask(head, &live, at, &aim, headers, held.seal(guarded.bytes.clone())) {
            Ok(request) => request,
            Err(error) => return Err(self.upstream_failed(&exchange, &error, 0, Some(guarded.phase))),
        };
        self.sent_object(head, &exchange, (at, request), Sent::File(unread), guarded).await
    }

    /// Reads and judges a form, off the worker threads.
    async fn judged_upload(
        self: &Arc<Self>,
        (exchange, family): (&Arc<Exchange>, Family),
        bytes: Bytes,
        outside: (String, String),
        held: Reservation,
    ) -> Result<Judged, Box<Refusal>> {
        let shared = Arc::clone(exchange);
        // What is held goes along: a request that is abandoned meanwhile stays counted until the guard lets go of it.
        let run = move || {
            let mut held = held;
            let (outside, content_type) = outside;
            let boundary = boundary(&content_type).map_err(Problem::Form)?;
            let upload = upload(&bytes, boundary, family).map_err(Problem::Form)?;
            let shown = upload.shown(boundary);
            let Upload { file_name, media_type, body, .. } = upload;
            let sent = FileSent::new(&shared.live, shown, media_type, Some(file_name)).map_err(Problem::Shown)?;
            let (guarded, unread) = guard_file(&shared, Action::Prompt, sent, (&bytes, body.clone()), &outside).map_err(Problem::Guard)?;
            if guarded.edited {
                let busy = || Problem::Guard(GuardError::Busy(ReadError::Busy));
                held.grow(guarded.bytes.len()).then_some(()).ok_or_else(busy)?;
                // Still the form that was judged, with another file in it.
                let end = guarded.bytes.len().saturating_sub(bytes.len() - body.end);
                let whole = bartizan_wire::upload(&guarded.bytes, boundary, family).is_ok_and(|again| again.body == (body.start..end));
                whole.then_some(()).ok_or(Problem::Guard(GuardError::Edits))?;
            }
            Ok((guarded, unread, held))
        };
        let stopped = || Self::guard_failed(exchange, "the guard was stopped", Moment::Request);
        match blocking(true, run).await.ok_or_else(stopped)? {
            Ok((guarded, unread, held)) => Ok((Self::let_pass(exchange, guarded)?, unread, held)),
            Err(Problem::Form(error)) => Err(Box::new(Refusal::of(exchange, Reason::BadRequest, error.to_string()))),
            Err(Problem::Guard(GuardError::Busy(error))) => Err(Box::new(Refusal::of(exchange, Reason::Busy, error.to_string()))),
            Err(Problem::Guard(error)) => Err(Self::guard_failed(exchange, &error.to_string(), Moment::Request)),
            Err(Problem::Shown(error)) => Err(Self::guard_failed(exchange, &error.to_string(), Moment::Request)),
        }
    }
}

/// A request for the provider that keeps files. Who sends a key of their own has them there with that key.
fn ask(head: &Head, live: &Live, at: usize, aim: &Aim<'_>, headers: HeaderMap, body: Bytes) -> Result<Request<Full<Bytes>>, UpstreamError> {
    let provider = live.settings.providers.get(at).ok_or(UpstreamError::Address)?;
    let key = client_key(&head.parts.headers, None, &live.settings).filter(|_| provider.pass_client_key);
    let mut request = upstream::request(provider, aim, headers, key, body)?;
    spelt_for(head, provider.kind, &mut request);
    Ok(request)
}

/// The format of a request for files.
fn family(head: &Head) -> Family {
    if head.shape == Shape::Anthropic { Family::Anthropic } else { Family::OpenAi }
}

/// Puts the credential where the format of a request for files has it. Of a provider that speaks all formats the route does not tell.
pub(crate) fn spelt_for(head: &Head, kind: ProviderKind, request: &mut Request<Full<Bytes>>) {
    if kind == ProviderKind::Both && family(head) == Family::Anthropic {
        upstream::for_anthropic(request);
    }
}

/// What is inspected outside the form, and the type of the form: its boundary was made by chance and is inspected as such.
fn outside(headers: &HeaderMap, query: Option<&str>) -> (String, String) {
    let mut rest = headers.clone();
    let content_type = rest.remove(header::CONTENT_TYPE);
    let content_type = content_type.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    (outside_body(&rest, query), content_type)
}

/// The body is said, once, to be a form.
fn form_only(headers: &HeaderMap) -> Result<(), (Reason, String)> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let text = values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok()).unwrap_or_default();
    boundary(text).map(drop).map_err(|error| (Reason::UnsupportedMedia, error.to_string()))
}

/// The provider that keeps what a request makes: the one that the header names, the only one, or that of the entry for any model. `what`:
/// a route that it must speak, and the word for what it keeps.
pub(crate) fn keeper(
    settings: &Settings,
    principal: &Principal,
    headers: &HeaderMap,
    (route, what): (Route, &str),
) -> Result<(usize, ProviderName), (Reason, String)> {
    let keeps = |(at, provider): &(usize, &crate::Provider)| provider.kind.speaks(route) && may_reach(settings, principal, *at);
    let all = || settings.providers.iter().enumerate().filter(keeps);
    let found = |(at, provider): (usize, &crate::Provider)| (at, provider.name.clone());
    let mut named = headers.get_all(PROVIDER).iter();
    if let Some(name) = named.next() {
        if named.next().is_some() {
            return Err((Reason::BadRequest, format!("send the header `{PROVIDER}` once")));
        }
        let at = all().find(|(_, provider)| provider.name.as_str().as_bytes() == name.as_bytes());
        let message = format!("no provider that keeps {what} for this key has the name in the header `{PROVIDER}`");
        return at.map(found).ok_or((Reason::NotFound, message));
    }
    let mut rest = all();
    let first = rest.next().ok_or_else(|| (Reason::NotFound, format!("no provider keeps {what} for this key")))?;
    if rest.next().is_none() {
        return Ok(found(first));
    }
    let any = settings.models.iter().find(|model| model.name.as_str() == "*");
    let usual = any.and_then(|model| model.ways.iter().find_map(|way| all().find(|(at, _)| *at == way.provider)));
    usual.map(found).ok_or_else(|| {
        let names: Vec<String> = all().map(|(_, provider)| format!("`{}`", provider.name.as_str())).collect();
        let what = what.split(' ').next().unwrap_or(what);
        (Reason::BadRequest, format!("several providers keep {what}; name one in the header `{PROVIDER}`: {}", names.join(", ")))
    })
}

/// Whether a provider serves a model that this caller may name.
fn may_reach(settings: &Settings, principal: &Principal, at: usize) -> bool {
    let Some(patterns) = &principal.models else { return true };
    let serves = |model: &Model| model.ways.iter().any(|way| way.provider == at);
    let leads_to = |entry: usize| {
        let named = |pattern: &str| pattern.ends_with('*') || settings.entry(pattern) == Some(entry);
        patterns.iter().any(|pattern| named(pattern.as_str()))
    };
    settings.models.iter().enumerate().any(|(entry, model)| {
        let name = model.name.as_str();
        serves(model) && if name == "*" { leads_to(entry) } else { may_use(Some(patterns), name) }
    })
}
