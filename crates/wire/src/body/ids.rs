//! Which strings of a body are identifiers that a provider made, and where something is only named.

use super::{Side, Walk, is_item};
use crate::gemini::caches::PREFIX;
use crate::json::{Node, NodeId};
use crate::kind::{IDS, Kind};
use crate::words;
use crate::zone::Zone;

impl Walk<'_> {
    /// Whether a fixed string is a provider's identifier. In a request, where anybody writes it, only those of tool calls count, and
    /// only with a letter: a number alone may be a value that was put there.
    pub(super) fn is_id(&self, id: NodeId, node: &Node) -> bool {
        let raw = self.raw(node);
        if self.names_cache(id, node) {
            return true;
        }
        if !words::is_id(raw) {
            return false;
        }
        let Some(name) = self.tape.key(self.bytes, id) else { return false };
        match self.side {
            Side::Answer | Side::Event => IDS.contains(&name.as_ref()),
            Side::Request => raw.iter().any(u8::is_ascii_alphabetic) && self.names_call(node, &name),
        }
    }

    /// Whether a string is the name of a cache, where one stands: at the top, or in a list of them.
    pub(super) fn names_cache(&self, id: NodeId, node: &Node) -> bool {
        let Some(rest) = self.raw(node).strip_prefix(PREFIX.as_bytes()) else { return false };
        if !words::is_id(rest) || !rest.iter().any(u8::is_ascii_alphabetic) {
            return false;
        }
        let key = |id: NodeId, names: &[&str]| self.tape.key(self.bytes, id).is_some_and(|name| names.contains(&name.as_ref()));
        match self.side {
            Side::Request => key(id, &["cachedContent", "cached_content"]) && self.around(node) == Zone::Root,
            Side::Answer => key(id, &["name"]) && (node.parent == 0 || self.is_listed(node.parent)),
            Side::Event => false,
        }
    }

    /// Whether an object is one of a list of caches.
    fn is_listed(&self, object: NodeId) -> bool {
        let list = self.tape.node(object).map_or(0, |node| node.parent);
        let at_top = list != 0 && self.tape.node(list).is_some_and(|node| node.parent == 0);
        at_top && self.tape.key(self.bytes, list).is_some_and(|name| name == "cachedContents")
    }

    /// Whether a member of a request says which tool call something belongs to.
    fn names_call(&self, node: &Node, name: &str) -> bool {
        match self.around(node) {
            Zone::Message => name == "tool_call_id",
            Zone::ToolCall | Zone::Outcome => name == "id",
            Zone::Item => matches!(name, "id" | "call_id" | "approval_request_id"),
            Zone::Root => matches!(name, "previous_response_id" | "conversation"),
            Zone::Free => name == "id" && self.is_conversation(node.parent),
            Zone::File | Zone::Source => name == "file_id",
            Zone::Part => matches!(name, "tool_use_id" | "file_id") || (name == "id" && self.kind(node.parent) == Kind::ToolUse),
            _ => false,
        }
    }

    /// Whether an object is the `conversation` of a request.
    fn is_conversation(&self, object: NodeId) -> bool {
        self.tape.node(object).is_some_and(|node| node.parent == 0 && self.tape.says(self.bytes, node.slot, "conversation"))
    }

    /// Whether this is an answer that tells of items which the provider keeps.
    pub(super) fn lists_items(&mut self) -> bool {
        if self.side != Side::Answer {
            return false;
        }
        let (top, tape, bytes) = (self.kind(0), self.tape, self.bytes);
        *self.lists_items.get_or_insert_with(|| is_item(top) || tape.member(bytes, 0, "data").is_some())
    }
}
