//! Responses that a provider keeps: read, cancelled, deleted by whoever made them, and by nobody else.

use std::sync::Arc;

use bartizan_identity::ObjectKind;
use bartizan_policy::Action;
use bartizan_wire::refusal::Reason;
use bartizan_wire::{Call, Route};
use bytes::Bytes;
use http::Response;
use http_body::Body;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;

use crate::body::{GateBody, read_whole};
use crate::credentials::client_key;
use crate::exchange::{Exchange, Moment};
use crate::guard::guard_bare;
use crate::handle::Head;
use crate::headers::{outside_body, to_provider};
use crate::objects::NOT_YOURS;
use crate::query::query;
use crate::refuse::Refusal;
use crate::upstream::{self, Aim};
use crate::{Gate, models};

/// Parameters that go on: none of them makes a stream of the answer.
const PARAMETERS: &[&str] = &["include", "include[]", "limit", "order", "after", "before", "api-version", "key", "api-key", "api_key"];

/// Room for an empty object, as some clients send it.
const BODY: usize = 64;

impl Gate {
    /// Answers a request for one response that a provider keeps.
    pub(crate) async fn reread(
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
        let query = match checked.and_then(|query| plain(head.parts.uri.query()).map(|()| query)) {
            Ok(query) => query,
            Err(message) => return Err(Box::new(Refusal::of(&Arc::new(exchange), Reason::BadRequest, message))),
        };
        let id = call.object.unwrap_or_default();
        let found = self.owned(&exchange.principal.id, vec![(ObjectKind::Response, id.to_owned())]).await;
        let found = found.and_then(|found| found.into_iter().next().flatten().ok_or_else(|| (Reason::NotFound, NOT_YOURS.to_owned())));
        let at = found.and_then(|object| {
            let at = live.settings.providers.iter().position(|provider| provider.name == object.provider);
            let gone = || (Reason::NotFound, "the provider that keeps this response is not configured any more".to_owned());
            at.and_then(|at| Some((at, live.settings.providers.get(at)?, object))).ok_or_else(gone)
        });
        let (at, provider, object) = match at {
            Ok(at) => at,
            Err((reason, message)) => return Err(Box::new(Refusal::of(&Arc::new(exchange), reason, message))),
        };
        exchange.provider = Some(provider.name.clone());
        let exchange = Arc::new(exchange);
        let is_first = (0..live.settings.models.len()).any(|model| {
            let home = models::home(&live.settings, model, Route::Responses);
            home.or_else(|| models::preferred(&live.settings, model, Route::Responses, |_| true)) == Some(at)
        });
        let headers = to_provider(&head.parts.headers, is_first);
        let guarded = guard_bare(&exchange, Action::Prompt, &outside_body(&headers, query.toward(is_first)));
        let guarded =
            Self::let_pass(&exchange, guarded.map_err(|error| Self::guard_failed(&exchange, &error.to_string(), Moment::Request))?)?;
        // Who made it with a key of their own made it at this provider: it needs that key again.
        let key = client_key(&head.parts.headers, query.key.as_deref(), &live.settings).filter(|_| provider.pass_client_key);
        let aim = Aim { route: call.route, dialect: call.dialect, model: "", object: Some(id), query: query.toward(is_first) };
        let request = match upstream::request(provider, &aim, headers, key, Bytes::new()) {
            Ok(request) => request,
            Err(error) => return Err(self.upstream_failed(&exchange, &error, 0, Some(guarded.phase))),
        };
        let session = self.session_for(&exchange, &object, (call.route == Route::DeleteResponse).then_some(id));
        self.listed(head, &exchange, (call.route, at, request), session, guarded).await
    }

    /// These requests have no body; some clients send an empty object.
    async fn bare(&self, body: &mut Incoming, live: &crate::Live) -> Result<(), String> {
        if body.is_end_stream() {
            return Ok(());
        }
        let mut held = self.budget.open();
        let read = read_whole(body, BODY, live.settings.timeouts.client, None, &mut held).await;
        let bare = read.is_ok_and(|bytes| matches!(bytes.trim_ascii(), b"" | b"{}"));
        if bare { Ok(()) } else { Err("this route takes no body".to_owned()) }
    }
}

/// The query holds only what does not change how the answer comes.
fn plain(raw: Option<&str>) -> Result<(), String> {
    // Some servers take `;` for `&`.
    for pair in raw.unwrap_or_default().split(['&', ';']).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = percent_decode_str(name).decode_utf8_lossy();
        match name.as_ref() {
            "stream" if value == "false" => {}
            "stream" => return Err("a response is read again as a whole only; leave out `stream`".to_owned()),
            known if PARAMETERS.contains(&known) => {}
            _ => {
                let message = "this route takes `include`, `limit`, `order`, `after` and `before` in the query; remove the rest";
                return Err(message.to_owned());
            }
        }
    }
    Ok(())
}
