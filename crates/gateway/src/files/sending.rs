//! Sending what a provider makes an object of, a file or a conversation: whatever becomes of the caller meanwhile, what the provider made
//! is bound before anything else is done with its answer.

use std::sync::Arc;
use std::time::Instant;

use bartizan_identity::{ObjectKind, ObjectsError};
use bartizan_vocabulary::{Decision, EndState, UninspectedKind};
use bartizan_wire::json::Tape;
use bartizan_wire::refusal::Reason;
use bartizan_wire::{Route, is_object_id, made_cache, made_object};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Request, Response, Uri, response};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::Gate;
use crate::blocking::{LARGE, blocking};
use crate::body::GateBody;
use crate::budget::Reservation;
use crate::exchange::{Exchange, Moment, Phase};
use crate::guard::{Guarded, hold};
use crate::handle::Head;
use crate::pending::Pending;
use crate::refuse::Refusal;
use crate::session::Session;

/// What is sent.
pub(crate) enum Sent {
    /// A file, and what of it was not read.
    File(Vec<UninspectedKind>),
    /// A conversation, and what was replaced in it.
    Conversation(Box<Session>),
    /// A cache, and what was replaced in it.
    Cache(Box<Session>),
}

impl Sent {
    /// How it is sent, how it is deleted again, and the word for it.
    fn routes(&self) -> (Route, Route, &'static str) {
        match self {
            Self::File(_) => (Route::UploadFile, Route::DeleteFile, "file"),
            Self::Conversation(_) => (Route::CreateConversation, Route::DeleteConversation, "conversation"),
            Self::Cache(_) => (Route::CreateCache, Route::DeleteCache, "cache"),
        }
    }

    /// What reads its id in the answer.
    fn reader(&self) -> fn(&Tape, &[u8]) -> Option<String> {
        if matches!(self, Self::Cache(_)) { made_cache } else { made_object }
    }

    fn bind(&self, exchange: &Exchange, id: &str) -> Result<(), ObjectsError> {
        match self {
            Self::File(unread) => exchange.bind_alone(&[(ObjectKind::File, id.to_owned())], unread),
            Self::Conversation(session) => exchange.bind_conversation(session, id),
            Self::Cache(session) => exchange.bind_cache(session, id),
        }
    }

    /// The session of the answer.
    fn session(self, exchange: &Exchange) -> Box<Session> {
        match self {
            Self::File(_) => exchange.gate.session_in(exchange, ""),
            Self::Conversation(session) | Self::Cache(session) => session,
        }
    }
}

/// What a provider made of it.
enum Taken {
    /// It is the caller's: its answer, read.
    Bound(response::Parts, Bytes, Reservation),
    /// Nothing.
    Nothing(Box<Response<Incoming>>),
}

impl Gate {
    /// Records, sends it, passes the answer on.
    pub(crate) async fn sent_object(
        self: &Arc<Self>,
        head: &Head,
        exchange: &Arc<Exchange>,
        (at, request): (usize, Request<Full<Bytes>>),
        what: Sent,
        guarded: Box<Guarded>,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let mut pending = Pending::default();
        self.begin(exchange, &guarded, Moment::Request, &mut pending).await?;
        let noun = what.routes().2;
        let run = async {
            let sent = Instant::now();
            let (gate, shared) = (Arc::clone(self), Arc::clone(exchange));
            // A caller that leaves does not end it: the provider may have the file already.
            let task = self.sends.spawn(async move { gate.taken(&shared, (at, request), what).await });
            let stopped = || Self::guard_failed(exchange, &format!("sending the {noun} was stopped"), Moment::End(EndState::Blocked));
            let (taken, what) = task.await.map_err(|_| stopped())??;
            let session = what.session(exchange);
            match taken {
                Taken::Bound(parts, bytes, held) => self.told(head, exchange, (parts, bytes), session, guarded.phase, (held, sent)).await,
                Taken::Nothing(answer) => self.answer(head, exchange, *answer, session, guarded.phase, (self.budget.open(), sent)).await,
            }
        };
        let result = run.await;
        pending.hand_over(result)
    }

    async fn taken(
        self: &Arc<Self>,
        exchange: &Arc<Exchange>,
        (at, request): (usize, Request<Full<Bytes>>),
        what: Sent,
    ) -> Result<(Taken, Sent), Box<Refusal>> {
        let (template, (route, deletes, noun)) = (bare(&request), what.routes());
        let answer = self.one_call(exchange, (route, at, request)).await?;
        if !answer.status().is_success() {
            return Ok((Taken::Nothing(Box::new(answer)), what));
        }
        let (parts, body) = answer.into_parts();
        let mut held = self.budget.open();
        let read = async { self.whole(exchange, body, self.usable(exchange, &parts)?, &mut held).await };
        let bytes = read.await.inspect_err(|_| exchange.unbound(1, "the answer could not be read"))?;
        let read_id = what.reader();
        let (live, page, mut spans) = (Arc::clone(&exchange.live), bytes.clone(), self.budget.open());
        let id = move || {
            let tape = Tape::read(&page, &live.settings.limits.json).ok()?;
            hold(&mut spans, tape.memory()).ok()?;
            read_id(&tape, &page)
        };
        let Some(id) = blocking(bytes.len() > LARGE, id).await.flatten() else {
            exchange.unbound(1, "the answer names nothing");
            let problem = "its answer names none that can be asked for again; the provider may keep it";
            return Err(self.garbage(exchange, &format!("the provider took the {noun}, but {problem}")));
        };
        let Err(error) = what.bind(exchange, &id) else {
            return Ok((Taken::Bound(parts, bytes, held), what));
        };
        let undone = match template.and_then(|template| undo(template, &id)) {
            Some(request) => self.one_call(exchange, (deletes, at, request)).await.is_ok_and(|answer| answer.status().is_success()),
            None => false,
        };
        let then = if undone { "it was deleted there again" } else { "the provider may keep it" };
        tracing::warn!(undone, request_id = %exchange.request_id, "what was sent is nobody's");
        let message = format!("the provider took the {noun}, but {error}; {then}");
        let phase = Phase::decided(Decision::Failed);
        Err(Box::new(Refusal::of(exchange, Reason::GuardUnavailable, message).with(Moment::End(EndState::Blocked), phase)))
    }
}

/// The request without its body.
fn bare(request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
    let mut bare = Request::builder().method(Method::DELETE).uri(request.uri().clone()).body(Full::new(Bytes::new())).ok()?;
    *bare.headers_mut() = request.headers().clone();
    bare.headers_mut().remove(CONTENT_TYPE);
    bare.headers_mut().remove(CONTENT_LENGTH);
    Some(bare)
}

/// The request that deletes what was made, made of that which sent it.
fn undo(mut request: Request<Full<Bytes>>, id: &str) -> Option<Request<Full<Bytes>>> {
    if !is_object_id(id) {
        return None;
    }
    let mut parts = request.uri().clone().into_parts();
    let (path, query) = (request.uri().path(), request.uri().query());
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    parts.path_and_query = Some(format!("{path}/{id}{query}").parse().ok()?);
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    Some(request)
}
