//! The list of files: a provider lists those of everybody who uses it through this gate, a caller sees its own.
//!
//! Pages of the provider are read until the caller's page is full, so that no cursor names what is somebody else's and a page that
//! would be empty does not hide what comes behind it.

use std::sync::Arc;
use std::time::Instant;

use bartizan_identity::{Object, ObjectKind};
use bartizan_policy::Action;
use bartizan_vocabulary::ProviderName;
use bartizan_wire::json::Tape;
use bartizan_wire::refusal::Reason;
use bartizan_wire::{Call, Family, FilePage, Route, file_page, is_object_id, write_file_page};
use bytes::Bytes;
use http::header::HeaderMap;
use http::{Response, response};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;

use super::{ask, family};
use crate::Gate;
use crate::blocking::{LARGE, blocking};
use crate::body::{GateBody, ReadError};
use crate::exchange::{Exchange, Moment};
use crate::guard::{Guarded, guard_bare, hold};
use crate::handle::Head;
use crate::headers::{outside_body, to_provider};
use crate::objects::NO_FILE;
use crate::pending::Pending;
use crate::query::query;
use crate::refuse::Refusal;
use crate::reread::is_account;
use crate::upstream::Aim;

/// Files of one page of the provider.
const PAGE: usize = 1_000;
/// Most pages of the provider that are read for one of the caller's.
const MOST_PAGES: usize = 32;
/// Most files of a page, and as many as there are when nothing is said: OpenAI's.
const MOST_FILES: usize = 10_000;
/// The same of Anthropic's: most, and when nothing is said.
const OF_ANTHROPIC: (usize, usize) = (1_000, 20);

const QUERY_OF_ANTHROPIC: &str =
    "this route takes `limit` from 1 to 1000 and `after_id` in the query, each once; remove the rest (`before_id` is not spoken here)";
const QUERY: &str =
    "this route takes `purpose`, `limit` from 1 to 10000, `order` (`asc` or `desc`) and `after` in the query, each once; remove the rest";

/// What a caller asks for.
struct Asked {
    family: Family,
    limit: usize,
    after: Option<String>,
    /// What goes on as it is.
    rest: String,
}

/// The caller's files so far.
#[derive(Default)]
struct Own {
    files: Vec<(String, Bytes)>,
    has_more: bool,
}

/// What came of one page of the provider.
enum Turned {
    /// There is another one behind this file.
    On(String),
    /// The caller's page is full, or there is nothing more.
    Done,
}

impl Gate {
    /// Answers with the caller's files at one provider.
    pub(super) async fn list_files(
        self: &Arc<Self>,
        head: &Head,
        body: &mut Incoming,
        exchange: Arc<Exchange>,
        (call, at): (Call<'_>, usize),
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let live = Arc::clone(&exchange.live);
        let refuse = |reason, message: String| Box::new(Refusal::of(&exchange, reason, message));
        self.bare(body, &live).await.map_err(|message| refuse(Reason::BadRequest, message))?;
        let raw = head.parts.uri.query();
        query(call.route, raw).map_err(|message| refuse(Reason::BadRequest, message.to_owned()))?;
        let sentence = if family(head) == Family::Anthropic { QUERY_OF_ANTHROPIC } else { QUERY };
        let asked = asked(raw, family(head)).ok_or_else(|| refuse(Reason::BadRequest, sentence.to_owned()))?;
        if let Some(after) = &asked.after {
            let found = self.owned(&exchange.principal.id, vec![(ObjectKind::File, after.clone())]).await;
            let found = found.map_err(|(reason, message)| refuse(reason, message))?;
            let here = |object: &Object| exchange.provider.as_ref() == Some(&object.provider);
            found.into_iter().next().flatten().filter(here).ok_or_else(|| refuse(Reason::NotFound, NO_FILE.to_owned()))?;
        }
        let headers = to_provider(&head.parts.headers, is_account(&live, at));
        let guarded = guard_bare(&exchange, Action::Prompt, &outside_body(&headers, Some(&asked.rest)));
        let guarded =
            Self::let_pass(&exchange, guarded.map_err(|error| Self::guard_failed(&exchange, &error.to_string(), Moment::Request))?)?;
        let mut pending = Pending::default();
        let result = self.collected(head, &exchange, (call, at, &headers), asked, guarded, &mut pending).await;
        pending.hand_over(result)
    }

    /// Reads pages of the provider until the caller's is full, and passes that on.
    async fn collected(
        self: &Arc<Self>,
        head: &Head,
        exchange: &Arc<Exchange>,
        (call, at, headers): (Call<'_>, usize, &HeaderMap),
        mut asked: Asked,
        guarded: Box<Guarded>,
        pending: &mut Pending,
    ) -> Result<Response<GateBody>, Box<Refusal>> {
        let (began, mut held) = (Instant::now(), self.budget.open());
        let mut own = Own::default();
        let mut first: Option<response::Parts> = None;
        for page in 1..=MOST_PAGES {
            let after = asked.after.as_ref().map(|after| format!("&{}={after}", asked.cursor())).unwrap_or_default();
            let query = format!("limit={PAGE}{after}{}", asked.rest);
            let aim = Aim { route: call.route, dialect: call.dialect, model: "", object: None, item: None, query: Some(&query) };
            let request = match ask(head, &exchange.live, at, &aim, headers.clone(), Bytes::new()) {
                Ok(request) => request,
                Err(error) => return Err(self.upstream_failed(exchange, &error, 0, Some(guarded.phase))),
            };
            self.begin(exchange, &guarded, if page == 1 { Moment::Request } else { Moment::Again }, pending).await?;
            let answer = self.one_call(exchange, (Route::ListFiles, at, request)).await?;
            if !answer.status().is_success() && page > 1 {
                // The cursor was somebody else's by then, and an error may name it.
                let message = format!("the provider listed its files in part only, and then answered {}", answer.status().as_u16());
                return Err(self.garbage(exchange, &message));
            }
            if !answer.status().is_success() {
                return self.answer(head, exchange, answer, self.session_in(exchange, ""), guarded.phase, (held, began)).await;
            }
            let (parts, body) = answer.into_parts();
            let encoding = self.usable(exchange, &parts)?;
            let bytes = self.whole(exchange, body, encoding, &mut held).await?;
            first.get_or_insert(parts);
            match self.turned(exchange, bytes, (&mut own, asked.limit)).await? {
                Turned::Done => break,
                Turned::On(last) if asked.after.as_ref() == Some(&last) => {
                    return Err(self.garbage(exchange, "the provider lists the same files again and again"));
                }
                Turned::On(last) => asked.after = Some(last),
            }
            own.has_more = page == MOST_PAGES;
        }
        let parts = first.filter(|_| !(own.has_more && own.files.is_empty())).ok_or_else(|| {
            let message = "none of this caller's files is in the part of the list that is read at a time; ask for one by its id";
            self.garbage(exchange, message)
        })?;
        let files: Vec<(&str, &[u8])> = own.files.iter().map(|(id, file)| (id.as_str(), file.as_ref())).collect();
        let busy = || self.upstream_refusal(exchange, Reason::Busy, ReadError::Busy.to_string());
        // It is written next to the pages.
        let room = own.files.iter().map(|(id, file)| 2 * id.len() + file.len() + 1).sum::<usize>();
        hold(&mut held, room).map_err(|_| busy())?;
        let bytes = Bytes::from(write_file_page(&files, own.has_more, asked.family));
        self.told(head, exchange, (parts, bytes), self.session_in(exchange, ""), guarded.phase, (held, began)).await
    }

    /// Takes the caller's files from a page of the provider.
    async fn turned(&self, exchange: &Arc<Exchange>, bytes: Bytes, (own, limit): (&mut Own, usize)) -> Result<Turned, Box<Refusal>> {
        let no_list = || self.garbage(exchange, "the provider answered with something that is not a list of files");
        let (page, live, mut held) = (bytes.clone(), Arc::clone(&exchange.live), self.budget.open());
        let read = move || {
            let tape = Tape::read(&page, &live.settings.limits.json).ok()?;
            // Given back with the tape, when the files are known.
            Some(hold(&mut held, tape.memory()).map(|()| file_page(&tape, &page)))
        };
        let read = blocking(bytes.len() > LARGE, read).await.flatten().ok_or_else(no_list)?;
        let read = read.map_err(|error| self.upstream_refusal(exchange, Reason::Busy, error.to_string()))?;
        let FilePage { files, has_more } = read.ok_or_else(no_list)?;
        if has_more && files.is_empty() {
            return Err(no_list());
        }
        let (owner, ids) = (&exchange.principal.id, files.iter().map(|(id, _)| id.clone()).collect());
        let provider = exchange.provider.clone().unwrap_or_else(|| ProviderName::new(""));
        let owns = self.own_files(owner, &provider, ids).await;
        let owns = owns.map_err(|(reason, message)| self.upstream_refusal(exchange, reason, message))?;
        let last = files.last().map(|(id, _)| id.clone());
        for ((id, range), _) in files.into_iter().zip(owns).filter(|(_, own)| *own) {
            if own.files.len() == limit {
                own.has_more = true;
                return Ok(Turned::Done);
            }
            own.files.push((id, bytes.slice(range)));
        }
        Ok(last.filter(|_| has_more).map_or(Turned::Done, Turned::On))
    }
}

impl Asked {
    /// The parameter that says where a page begins.
    fn cursor(&self) -> &'static str {
        if self.family == Family::Anthropic { "after_id" } else { "after" }
    }
}

/// Reads the query. What it may hold is so little that it is written anew.
fn asked(raw: Option<&str>, family: Family) -> Option<Asked> {
    let own = family == Family::Anthropic;
    let (most, usual) = if own { OF_ANTHROPIC } else { (MOST_FILES, MOST_FILES) };
    let mut asked = Asked { family, limit: usual, after: None, rest: String::new() };
    let mut seen: Vec<String> = Vec::new();
    for pair in raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        let name = percent_decode_str(name).decode_utf8().ok()?.into_owned();
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
        match name.as_str() {
            "limit" => asked.limit = value.parse().ok().filter(|limit| (1..=most).contains(limit))?,
            name if name == asked.cursor() && is_object_id(value) => asked.after = Some(value.to_owned()),
            "beta" if own && value == "true" => asked.rest.push_str("&beta=true"),
            "order" if !own && matches!(value, "asc" | "desc") => asked.rest.extend(["&order=", value]),
            "purpose" | "api-version" if !own && value.len() <= 64 && value.bytes().all(word) => {
                asked.rest.extend(["&", &name, "=", value]);
            }
            // The key was read where keys stand; it goes on as a header or not at all.
            "key" | "api-key" | "api_key" => {}
            _ => return None,
        }
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
    }
    Some(asked)
}
