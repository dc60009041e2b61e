//! Gemini's cached content: what may be put into a cache, how a request names one, and what answers tell of them.
//!
//! All members of a body that makes or changes one are known here: another one could name anything.

use std::ops::Range;

use super::{Reader, is_spelt};
use crate::control::{ControlError, check_model};
use crate::json::{NodeId, NodeKind, Tape, escape_into};
use crate::stored::is_object_id;

/// What stands before the id in the name of a cache.
pub(crate) const PREFIX: &str = "cachedContents/";

/// The member by which a request names one.
const CACHE: &str = "cachedContent";
/// The member of an answer that tells its name.
const NAME: &str = "name";
/// How long it is kept: one of these.
const TTL: &str = "ttl";
const ENDS: &str = "expireTime";

/// Members of a body that makes one.
const MAKES: &[&str] = &["model", "contents", "systemInstruction", "tools", "toolConfig", "displayName", TTL, ENDS];
/// The same, for a sentence.
const MAKES_SENTENCE: &str = "`model`, `contents`, `systemInstruction`, `tools`, `toolConfig`, `displayName`, and `ttl` or `expireTime`";
/// Members of a body that changes one.
const CHANGES: &[&str] = &[TTL, ENDS];

/// Longest duration or time.
const TIME_BYTES: usize = 40;

/// The id in the name of a cache, as it stands in paths.
pub fn cache_id(name: &str) -> Option<&str> {
    name.strip_prefix(PREFIX).filter(|id| is_object_id(id))
}

/// The id of a cache that a provider has made.
pub fn made_cache(tape: &Tape, bytes: &[u8]) -> Option<String> {
    named(tape, bytes, 0)
}

/// Whether an answer is an empty object: so Google says that something is gone.
pub fn is_empty_object(tape: &Tape) -> bool {
    tape.node(0).is_some_and(|root| root.kind == NodeKind::Object) && tape.members(0).next().is_none()
}

fn named(tape: &Tape, bytes: &[u8], object: NodeId) -> Option<String> {
    let name = tape.member(bytes, object, NAME)?;
    let text = (tape.node(name)?.kind == NodeKind::String).then(|| tape.text(bytes, name))?;
    cache_id(&text).map(str::to_owned)
}

/// A page of a list of caches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePage {
    /// Ids, and where each cache stands.
    pub caches: Vec<(String, Range<usize>)>,
    /// What leads to the next page.
    pub next: Option<String>,
}

/// Reads a page of a list of caches. One without a name that could be asked for is nobody's.
pub fn cache_page(tape: &Tape, bytes: &[u8]) -> Option<CachePage> {
    tape.node(0).filter(|root| root.kind == NodeKind::Object)?;
    let kind = |id: NodeId| tape.node(id).map(|node| node.kind);
    let list = tape.member(bytes, 0, "cachedContents");
    // An empty list is left out.
    if list.is_some_and(|list| kind(list) != Some(NodeKind::Array)) {
        return None;
    }
    let all = list.iter().flat_map(|list| tape.members(*list));
    let caches = all.filter_map(|(cache, node)| Some((named(tape, bytes, cache)?, node.outer()))).collect();
    let next = tape.member(bytes, 0, "nextPageToken").filter(|id| kind(*id) == Some(NodeKind::String));
    let next = next.map(|id| tape.text(bytes, id).into_owned()).filter(|token| !token.is_empty());
    Some(CachePage { caches, next })
}

/// Writes a page of caches, each as its provider wrote it. `next`: what leads to the next page.
pub fn write_cache_page(caches: &[&[u8]], next: Option<&str>) -> Vec<u8> {
    let mut out = b"{\"cachedContents\":[".to_vec();
    for (at, cache) in caches.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(cache);
    }
    out.push(b']');
    if let Some(next) = next {
        out.extend_from_slice(b",\"nextPageToken\":\"");
        escape_into(next, &mut out);
        out.push(b'"');
    }
    out.push(b'}');
    out
}

impl Reader<'_> {
    /// Takes the cache that a request names.
    pub(super) fn cache(&mut self, root: NodeId) -> Result<(), ControlError> {
        let Some(cache) = self.told(root, CACHE) else { return Ok(()) };
        if !self.takes_cache {
            return Err(ControlError::Elsewhere(CACHE));
        }
        if self.cache.is_some() {
            return Err(ControlError::Repeated(CACHE));
        }
        if !self.is(cache, NodeKind::String) || cache_id(&self.tape.text(self.bytes, cache)).is_none() {
            return Err(ControlError::Type(CACHE, "the name of a cache, `cachedContents/ID`"));
        }
        self.cache = Some(cache);
        Ok(())
    }

    /// Reads what makes a cache.
    pub(super) fn makes_cache(&mut self) -> Result<(), ControlError> {
        self.only(MAKES, MAKES_SENTENCE)?;
        self.root(0)?;
        let model = self.get(0, "model").ok_or(ControlError::Missing("model"))?;
        check_model(self.tape, self.bytes, model)?;
        let text = self.tape.text(self.bytes, model);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'~');
        let name = text.strip_prefix("models/").unwrap_or(&text);
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(ControlError::Type("model", "the name of a model, `models/NAME`"));
        }
        if let Some(contents) = self.told(0, "contents") {
            self.contents(contents)?;
        }
        self.settings(0)?;
        if self.told(0, "displayName").is_some_and(|name| !self.is(name, NodeKind::String)) {
            return Err(ControlError::Type("displayName", "a string"));
        }
        self.lifetime().map(drop)
    }

    /// Reads what changes a cache: how long it is kept, and nothing else.
    pub(super) fn changes_cache(&self) -> Result<(), ControlError> {
        self.only(CHANGES, "`ttl` or `expireTime`")?;
        if self.lifetime()? { Ok(()) } else { Err(ControlError::Missing(TTL)) }
    }

    /// Whether it says how long it is to be kept: in words that hold nothing else.
    fn lifetime(&self) -> Result<bool, ControlError> {
        self.once(0, &[TTL, ENDS, "displayName"])?;
        let (ttl, ends) = (self.told(0, TTL), self.told(0, ENDS));
        if ttl.is_some() && ends.is_some() {
            return Err(ControlError::Either(TTL, ENDS));
        }
        let says = |id: NodeId, letters: &[u8]| {
            let text = self.tape.text(self.bytes, id);
            let plain = |byte: u8| byte.is_ascii_digit() || letters.contains(&byte);
            self.is(id, NodeKind::String) && (1..=TIME_BYTES).contains(&text.len()) && text.bytes().all(plain)
        };
        match (ttl, ends) {
            (Some(ttl), _) if !says(ttl, b".s") => Err(ControlError::Type(TTL, "a duration such as `\"3600s\"`")),
            (_, Some(ends)) if !says(ends, b"TtZz:.+-") => Err(ControlError::Type(ENDS, "a time such as `\"2030-01-31T12:00:00Z\"`")),
            (None, None) => Ok(false),
            _ => Ok(true),
        }
    }

    /// There is no other member than these.
    fn only(&self, names: &[&str], sentence: &'static str) -> Result<(), ControlError> {
        let known = |slot: NodeId| names.iter().any(|name| is_spelt(name, &self.tape.text(self.bytes, slot)));
        if self.tape.members(0).all(|(_, node)| known(node.slot)) { Ok(()) } else { Err(ControlError::Unknown(sentence)) }
    }

    /// A member that says something.
    fn told(&self, object: NodeId, name: &str) -> Option<NodeId> {
        self.get(object, name).filter(|id| !self.is(*id, NodeKind::Null))
    }
}
