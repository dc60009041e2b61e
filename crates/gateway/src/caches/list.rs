//! The list of caches: a provider lists those of everybody who uses it through this gate, a caller sees its own.
//!
//! Pages of the provider are read until the caller's page is full. What leads to the next page is the last of the caller's own caches: the
//! provider's own word for that could tell of somebody else's.

use std::sync::Arc;
use std::time::Instant;

use bartizan_policy::Action;
use bartizan_vocabulary::ProviderName;
use bartizan_wire::json::Tape;
use bartizan_wire::refusal::Reason;
use bartizan_wire::{CachePage, Call, Route, cache_page, is_object_id, write_cache_page};
use bytes::Bytes;
use http::header::HeaderMap;
use http::{Request, Response, response};
use http_body_util::Full;
use hyper::body::Incoming;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::Gate;
use crate::blocking::{LARGE, blocking};
use crate::body::{GateBody, ReadError};
use crate::credentials::client_key;
use crate::exchange::{Exchange, Moment};
use crate::files::keeper;
use crate::guard::{Guarded, guard_bare, hold};
use crate::handle::Head;
use crate::headers::{outside_body, to_provider};
use crate::pending::Pending;
use crate::query::query;
use crate::refuse::Refusal;
use crate::upstream::{self, Aim, UpstreamError};

/// Caches of one page, of the provider's and at most of a caller's; as many when nothing is said.
const PAGE: usize = 1_000;
/// Most pages of the provider that are read for one of the caller's.
const MOST_PAGES: usize = 32;
/// Longest word of a provider for its next page.
const TOKEN_BYTES: usize = 4_096;

const QUERY: &str = "this route takes `pageSize` from 1 to 1000 and `pageToken`, as the list told it, in the query, each once";

/// What a caller asks for.
struct Asked {
    limit: usize,
    /// The cache behind which the page begins.
    after: Option<String>,
    /// The key that goes on as a header.
    key: Option<String>,
}

/// The caller's caches so far, from the first on.
#[derive(Default)]
struct Own {
    caches: Vec<(String, Bytes)>,
    /// Where the page begins, once that is known.
    from: Option<usize>,
}

impl Own {
    /// Whether the page is full, and it is known that something follows.
    fn is_full(&self, limit: usize) -> bool {
        self.from.is_some_and(|from| self.caches.len() > from + limit)
    }

    /// The page, and what leads to the next one. `cut`: more may follow that was not read. Where the cache is gone behind which the page
    /// began, the list begins anew: nothing is left out.
    fn page(&self, limit: usize, cut: bool) -> (&[(String, Bytes)], Option<&str>) {
        let rest = self.caches.get(self.from.unwrap_or(0)..).unwrap_or_default();
        let page = rest.get(..limit).unwrap_or(rest);
        (page, page.last().map(|(id, _)| id.as_str()).filter(|_| cut || rest.len() > limit))
    }
}

impl Asked {
    /// The request for a page of the provider, after the one that told `token`.
    fn page(
        &self,
        head: &Head,
        exchange: &Exchange,
        (call, at, headers): (Call<'_>, usize, &HeaderMap),
        token: Option<&str>,
    ) -> Result<Request<Full<Bytes>>, UpstreamError> {
        let settings = &exchange.live.settings;
        let provider = settings.providers.get(at).ok_or(UpstreamError::Address)?;
        let key = client_key(&head.parts.headers, self.key.as_deref(), settings).filter(|_| provider.pass_client_key);
        let token = token.map(|token| format!("&pageToken={}", utf8_percent_encode(token, NON_ALPHANUMERIC))).unwrap_or_default();
        let query = format!("pageSize={PAGE}{token}");
        let aim = Aim { route: call.route, dialect: call.dialect, model: "", object: None, item: None, query: Some(&query) };
        upstream::request(provider, &aim, headers.clone(), key, Bytes::new())
    }
}

impl Gate {
    /// Answers with the caller's caches at one provider.
    pub(super) async fn list_caches(
        self: &Arc<Self>,
        head: &Head,
        body: &mut Incoming,
        mut exchange: Exchange,
        call: Call<'_>,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let live = Arc::clone(&exchange.live);
        let checked = self.bare(body, &live).await.and_then(|()| asked(head.parts.uri.query()));
        let asked = match checked {
            Ok(asked) => asked,
            Err(message) => return Err(Box::new(Refusal::of(&Arc::new(exchange), Reason::BadRequest, message))),
        };
        let what = (Route::ListCaches, "caches");
        let at = match keeper(&live.settings, &exchange.principal, &head.parts.headers, what) {
            Ok((at, name)) => {
                exchange.provider = Some(name);
                at
            }
            Err((reason, message)) => return Err(Box::new(Refusal::of(&Arc::new(exchange), reason, message))),
        };
        let exchange = Arc::new(exchange);
        let headers = to_provider(&head.parts.headers, false);
        let guarded = guard_bare(&exchange, Action::Prompt, &outside_body(&headers, None));
        let guarded =
            Self::let_pass(&exchange, guarded.map_err(|error| Self::guard_failed(&exchange, &error.to_string(), Moment::Request))?)?;
        let mut pending = Pending::default();
        let result = self.collected_caches(head, &exchange, (call, at, &headers), asked, guarded, &mut pending).await;
        pending.hand_over(result)
    }

    /// Reads pages of the provider until the caller's is full, and passes that on.
    async fn collected_caches(
        self: &Arc<Self>,
        head: &Head,
        exchange: &Arc<Exchange>,
        (call, at, headers): (Call<'_>, usize, &HeaderMap),
        asked: Asked,
        guarded: Box<Guarded>,
        pending: &mut Pending,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let (began, mut held) = (Instant::now(), self.budget.open());
        let mut own = Own { from: asked.after.is_none().then_some(0), ..Own::default() };
        let (mut first, mut next, mut cut) = (None::<response::Parts>, None::<String>, false);
        for page in 1..=MOST_PAGES {
            let request = match asked.page(head, exchange, (call, at, headers), next.as_deref()) {
                Ok(request) => request,
                Err(error) => return Err(self.upstream_failed(exchange, &error, 0, Some(guarded.phase))),
            };
            self.begin(exchange, &guarded, if page == 1 { Moment::Request } else { Moment::Again }, pending).await?;
            let answer = self.one_call(exchange, (Route::ListCaches, at, request)).await?;
            if !answer.status().is_success() && page > 1 {
                // What led there was the provider's word, and an error may repeat it.
                let message = format!("the provider listed its caches in part only, and then answered {}", answer.status().as_u16());
                return Err(self.garbage(exchange, &message));
            }
            if !answer.status().is_success() {
                return self.answer(head, exchange, answer, self.session_in(exchange, ""), guarded.phase, (held, began)).await;
            }
            let (parts, body) = answer.into_parts();
            let encoding = self.usable(exchange, &parts)?;
            let bytes = self.whole(exchange, body, encoding, &mut held).await?;
            first.get_or_insert(parts);
            let onward = self.turned_caches(exchange, bytes, (&mut own, asked.after.as_deref())).await?;
            if onward.is_some() && onward == next {
                return Err(self.garbage(exchange, "the provider lists the same caches again and again"));
            }
            next = onward;
            cut = next.is_some() && page == MOST_PAGES;
            if next.is_none() || own.is_full(asked.limit) {
                break;
            }
        }
        let none = || self.garbage(exchange, "the list of caches is longer than is read at a time; ask for one by its name");
        let parts = first.ok_or_else(none)?;
        let (shown, next) = own.page(asked.limit, cut);
        if cut && shown.is_empty() {
            return Err(none());
        }
        let caches: Vec<&[u8]> = shown.iter().map(|(_, cache)| cache.as_ref()).collect();
        // It is written next to the pages.
        let room = shown.iter().map(|(id, cache)| id.len() + cache.len() + 1).sum::<usize>();
        hold(&mut held, room).map_err(|_| self.upstream_refusal(exchange, Reason::Busy, ReadError::Busy.to_string()))?;
        let bytes = Bytes::from(write_cache_page(&caches, next));
        self.told(head, exchange, (parts, bytes), self.session_in(exchange, ""), guarded.phase, (held, began)).await
    }

    /// Takes the caller's caches from a page of the provider; gives what leads to the next one.
    async fn turned_caches(
        &self,
        exchange: &Arc<Exchange>,
        bytes: Bytes,
        (own, after): (&mut Own, Option<&str>),
    ) -> Result<Option<String>, Box<Refusal>> {
        let no_list = || self.garbage(exchange, "the provider answered with something that is not a list of caches");
        let (page, live, mut held) = (bytes.clone(), Arc::clone(&exchange.live), self.budget.open());
        let read = move || {
            let tape = Tape::read(&page, &live.settings.limits.json).ok()?;
            // Given back with the tape, when the caches are known.
            Some(hold(&mut held, tape.memory()).map(|()| cache_page(&tape, &page)))
        };
        let read = blocking(bytes.len() > LARGE, read).await.flatten().ok_or_else(no_list)?;
        let read = read.map_err(|error| self.upstream_refusal(exchange, Reason::Busy, error.to_string()))?;
        let CachePage { caches, next } = read.ok_or_else(no_list)?;
        if next.as_ref().is_some_and(|token| token.len() > TOKEN_BYTES) {
            return Err(no_list());
        }
        let ids = caches.iter().map(|(id, _)| id.clone()).collect();
        let provider = exchange.provider.clone().unwrap_or_else(|| ProviderName::new(""));
        let owns = self.own_caches(exchange, &provider, ids).await;
        let owns = owns.map_err(|(reason, message)| self.upstream_refusal(exchange, reason, message))?;
        for ((id, range), _) in caches.into_iter().zip(owns).filter(|(_, own)| *own) {
            let begins = after == Some(id.as_str());
            own.caches.push((id, bytes.slice(range)));
            if begins && own.from.is_none() {
                own.from = Some(own.caches.len());
            }
        }
        Ok(next)
    }
}

/// Reads the query. Nothing of it goes on: pages of the provider are of their own size.
fn asked(raw: Option<&str>) -> Result<Asked, String> {
    let key = query(Route::ListCaches, raw).map_err(str::to_owned)?.key;
    let mut asked = Asked { limit: PAGE, after: None, key };
    let mut seen: Vec<String> = Vec::new();
    for pair in raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = percent_decode_str(name).decode_utf8_lossy();
        let name = name.strip_prefix('$').unwrap_or(&name).to_owned();
        match name.as_str() {
            // None at all, as some clients say it.
            "pageSize" if value == "0" => {}
            "pageSize" => asked.limit = value.parse().ok().filter(|limit| (1..=PAGE).contains(limit)).ok_or(QUERY)?,
            "pageToken" if value.is_empty() => {}
            "pageToken" if is_object_id(value) => asked.after = Some(value.to_owned()),
            "pageToken" => return Err(QUERY.to_owned()),
            _ => {}
        }
        if seen.contains(&name) {
            return Err(QUERY.to_owned());
        }
        seen.push(name);
    }
    Ok(asked)
}
