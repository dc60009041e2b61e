//! Caches that a provider keeps, Gemini's cached content: making one, and saying how long it is kept. Reading and deleting one is in
//! `reread`, as for responses; the list is below.

mod list;

use std::sync::Arc;

use bartizan_identity::ObjectKind;
use bartizan_vocabulary::Decision;
use bartizan_wire::refusal::Reason;
use bartizan_wire::{Call, Control, Route};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::Gate;
use crate::body::GateBody;
use crate::budget::Reservation;
use crate::credentials::client_key;
use crate::exchange::{Exchange, Moment, Phase};
use crate::files::{PROVIDER, Sent};
use crate::guard::{Guarded, Parsed};
use crate::handle::{Head, Lent, UNREAD, shown};
use crate::headers::{outside_body, to_provider};
use crate::models::{self, Target, bare};
use crate::objects::{Cached, NO_CACHE, Then};
use crate::query::{Query, query};
use crate::refuse::Refusal;
use crate::reread::kept_at;
use crate::session::Session;
use crate::settings::{Provider, Settings};
use crate::upstream::{self, Aim};

type Problem = (Reason, String);

/// A request that was judged.
struct Ready {
    request: Request<Full<Bytes>>,
    session: Box<Session>,
    guarded: Box<Guarded>,
    /// What it takes of the budget, while it may have to be sent.
    _held: (Reservation, Option<Reservation>),
}

impl Gate {
    /// Answers a request that makes, changes or lists caches.
    pub(crate) async fn caches(
        self: &Arc<Self>,
        head: &Head,
        body: &mut Incoming,
        exchange: Exchange,
        call: Call<'_>,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        match call.route {
            Route::CreateCache => self.make_cache(head, body, exchange, call).await,
            Route::UpdateCache => self.change_cache(head, body, exchange, call).await,
            _ => self.list_caches(head, body, exchange, call).await,
        }
    }

    async fn make_cache(
        self: &Arc<Self>,
        head: &Head,
        body: &mut Incoming,
        mut exchange: Exchange,
        call: Call<'_>,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let refuse = |exchange: Exchange, (reason, message)| Err(Box::new(Refusal::of(&Arc::new(exchange), reason, message)));
        let query = match query(call.route, head.parts.uri.query()) {
            Ok(query) => query,
            Err(message) => return refuse(exchange, (Reason::BadRequest, message.to_owned())),
        };
        let (mut body, held) = match self.read_json(head, body, &mut exchange, call.route).await {
            Ok(read) => read,
            Err(Some(problem)) => return refuse(exchange, problem),
            Err(None) => return Err(Self::guard_failed(&Arc::new(exchange), UNREAD, Moment::Request)),
        };
        let live = Arc::clone(&exchange.live);
        let (written, name) = model_of(&live.settings, &body);
        let target = match place(&live.settings, &mut exchange, &name, head) {
            Ok(target) => target,
            Err(problem) => return refuse(exchange, problem),
        };
        let resumed = match self.resumed(&exchange, &mut body).await {
            Ok(resumed) => resumed,
            Err(problem) => return refuse(exchange, problem),
        };
        exchange.provider = Some(target.provider.name.clone());
        let (at, upstream_name) = (target.way.provider, target.upstream_name(&name));
        if resumed.as_ref().is_some_and(|resumed| resumed.provider != at) {
            let message =
                format!("the cache would be kept by `{}`, and the request names what another provider keeps", target.provider.name);
            return refuse(exchange, (Reason::BadRequest, message));
        }
        if let Err(exceeded) = self.charge(&mut exchange, &name, (call.route, &body.0)) {
            return Err(Box::new(Refusal::exceeded(&Arc::new(exchange), exceeded)));
        }
        let session = self.session_of_new_cache(&exchange, Cached { name: &name, upstream: upstream_name }, resumed.as_deref());
        let exchange = Arc::new(exchange);
        let model = (written != upstream_name).then(|| upstream_name.to_owned());
        let aimed = (&call, target.provider, &query);
        let Ready { request, session, guarded, _held } =
            self.readied(head, &exchange, aimed, (session, model), Lent::new(body, held)).await?;
        if let Some(charge) = &exchange.charge {
            charge.sent();
        }
        self.sent_object(head, &exchange, (at, request), Sent::Cache(session), guarded).await
    }

    async fn change_cache(
        self: &Arc<Self>,
        head: &Head,
        body: &mut Incoming,
        mut exchange: Exchange,
        call: Call<'_>,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let refuse = |exchange: Exchange, (reason, message)| Err(Box::new(Refusal::of(&Arc::new(exchange), reason, message)));
        let query = match query(call.route, head.parts.uri.query()) {
            Ok(query) => query,
            Err(message) => return refuse(exchange, (Reason::BadRequest, message.to_owned())),
        };
        let id = call.object.unwrap_or_default();
        let object = match self.owned(&exchange.principal.id, vec![(ObjectKind::Cache, id.to_owned())]).await {
            Ok(found) => found.into_iter().next().flatten().ok_or_else(|| (Reason::NotFound, NO_CACHE.to_owned())),
            Err(problem) => Err(problem),
        };
        let live = Arc::clone(&exchange.live);
        let (at, provider, object) = match object.and_then(|object| kept_at(&live.settings, object)) {
            Ok(found) => found,
            Err(problem) => return refuse(exchange, problem),
        };
        exchange.provider = Some(provider.name.clone());
        let (body, held) = match self.read_json(head, body, &mut exchange, call.route).await {
            Ok(read) => read,
            Err(Some(problem)) => return refuse(exchange, problem),
            Err(None) => return Err(Self::guard_failed(&Arc::new(exchange), UNREAD, Moment::Request)),
        };
        let session = self.session_for(&exchange, &object, Then::Nothing);
        let exchange = Arc::new(exchange);
        let aimed = (&call, provider, &query);
        let Ready { request, session, guarded, _held } =
            self.readied(head, &exchange, aimed, (session, None), Lent::new(body, held)).await?;
        exchange.keep_cache(id, &object).map_err(|error| {
            let message = format!("{error}, so nothing was sent");
            Box::new(Refusal::of(&exchange, Reason::GuardUnavailable, message).with(Moment::Request, Phase::decided(Decision::Failed)))
        })?;
        self.listed(head, &exchange, (call.route, at, request), session, guarded).await
    }

    /// Judges a body, and makes the request with it for a provider.
    async fn readied(
        self: &Arc<Self>,
        head: &Head,
        exchange: &Arc<Exchange>,
        (call, provider, query): (&Call<'_>, &Provider, &Query<'_>),
        (session, model): (Box<Session>, Option<String>),
        lent: Lent,
    ) -> Result<Ready, Box<Refusal>> {
        let (headers, query_toward) = (to_provider(&head.parts.headers, false), query.toward(false));
        let outside = outside_body(&headers, query_toward);
        let (guarded, mut session, mut lent) = self.guarded(exchange, session, (outside, model), lent).await?;
        let (guarded, copy) = guarded?;
        if let Err((reason, message)) = Self::fits_cache(&session) {
            let phase = Phase { decision: Some(Decision::Blocked), ..guarded.phase };
            return Err(Box::new(Refusal::of(exchange, reason, message).with(Moment::Request, phase)));
        }
        lent.keep_in(&mut session);
        let key = client_key(&head.parts.headers, query.key.as_deref(), &exchange.live.settings).filter(|_| provider.pass_client_key);
        let aim = Aim { route: call.route, dialect: call.dialect, model: "", object: call.object, item: None, query: query_toward };
        match upstream::request(provider, &aim, headers, key, guarded.bytes.clone()) {
            Ok(request) => Ok(Ready { request, session, guarded, _held: (lent.held, copy) }),
            Err(error) => Err(self.upstream_failed(exchange, &error, 0, Some(guarded.phase))),
        }
    }
}

/// The model for which a cache is to be made: as it stands there, without what Google puts before it, and as it is called everywhere.
fn model_of(settings: &Settings, (parsed, control): &(Parsed, Control)) -> (String, String) {
    let text = control.also.first().map(|id| parsed.tape.text(&parsed.bytes, *id)).unwrap_or_default();
    let name = bare(settings, &text).to_owned();
    (text.strip_prefix(models::MODELS).unwrap_or(&text).to_owned(), name)
}

/// The place that keeps caches for a model: its first one that speaks Gemini's format, always the same, at the provider that the header
/// names if it names one.
fn place<'a>(settings: &'a Settings, exchange: &mut Exchange, name: &str, head: &Head) -> Result<Target<'a>, Problem> {
    let shown = shown(exchange, name);
    let entry = models::entry(settings, &exchange.principal, (name, shown))?;
    let mut named = head.parts.headers.get_all(PROVIDER).iter();
    let provider = named.next();
    if named.next().is_some() {
        return Err((Reason::BadRequest, format!("send the header `{PROVIDER}` once")));
    }
    let home = models::home(settings, entry, Route::CreateCache);
    let here = |target: &Target<'_>| {
        let keyed = !target.needs_client_key() || home == Some(target.way.provider);
        let wanted = provider.is_none_or(|name| target.provider.name.as_str().as_bytes() == name.as_bytes());
        keyed && wanted && target.provider.kind.speaks(Route::CreateCache)
    };
    Target::all(settings, entry).find(here).ok_or_else(|| {
        let which = if provider.is_some() { format!(" that the header `{PROVIDER}` names") } else { String::new() };
        (Reason::NotFound, format!("no provider{which} keeps caches for the model `{shown}`"))
    })
}
