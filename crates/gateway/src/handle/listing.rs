//! The list of models: what is configured, or what a provider lists.

use std::sync::Arc;

use bartizan_vocabulary::Decision;
use bartizan_wire::refusal::Reason;
use bartizan_wire::{Dialect, Route};
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Response};

use super::Head;
use crate::Gate;
use crate::body::GateBody;
use crate::credentials::client_key;
use crate::exchange::{Exchange, Moment};
use crate::guard::guard_listing;
use crate::headers::{outside_body, to_provider};
use crate::models::{Listing, Target, list, listing};
use crate::query::query;
use crate::refuse::{Refusal, mark};
use crate::session::Session;
use crate::upstream::{self, Aim};

impl Gate {
    /// `GET /v1/models`: what is configured; with an entry for any model, what its provider lists, inspected like any answer.
    pub(super) async fn models(
        self: &Arc<Self>,
        head: &Head,
        mut exchange: Exchange,
        route: Route,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let live = Arc::clone(&exchange.live);
        let query = match query(route, head.parts.uri.query()) {
            Ok(query) => query,
            Err(message) => return Err(Box::new(Refusal::of(&Arc::new(exchange), Reason::BadRequest, message))),
        };
        let may = head.parts.method == Method::GET && exchange.principal.models.is_none();
        let asked = may.then(|| listing(&live.settings, (route, head.shape))).flatten();
        exchange.provider = asked.map(|asked| asked.target.provider.name.clone());
        let is_first = asked.is_none_or(|asked| asked.is_first);
        let headers = to_provider(&head.parts.headers, is_first);
        let exchange = Arc::new(exchange);
        let guarded = guard_listing(&exchange, &outside_body(&headers, query.toward(is_first)));
        let guarded =
            Self::let_pass(&exchange, guarded.map_err(|error| Self::guard_failed(&exchange, &error.to_string(), Moment::Request))?)?;
        let Some(Listing { target: Target { way, provider, .. }, is_home, .. }) = asked else {
            self.record_request(&exchange, &guarded, Moment::Request).await?;
            self.metrics().decided(Decision::Permit);
            let mut response = Response::new(GateBody::own(list(&live.settings, &exchange.principal, head.shape)));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            mark(response.headers_mut(), &exchange.request_id, Decision::Permit, &guarded.phase.coach);
            return Ok(response);
        };
        let key = client_key(&head.parts.headers, query.key.as_deref(), &live.settings).filter(|_| is_home);
        let aim = Aim { route, dialect: Dialect::Own, model: "", object: None, item: None, query: query.toward(is_first) };
        let call = match upstream::request(provider, &aim, headers, key, Bytes::new()) {
            Ok(call) => call,
            Err(error) => return Err(self.upstream_failed(&exchange, &error, 0, Some(guarded.phase))),
        };
        let session = self.session_of_nobody(&exchange);
        self.listed(head, &exchange, (route, way.provider, call), session, guarded).await
    }

    pub(super) fn session_of_nobody(&self, exchange: &Exchange) -> Box<Session> {
        self.session_in(exchange, "")
    }
}
