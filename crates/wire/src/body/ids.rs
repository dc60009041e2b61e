//! Which strings of a body are identifiers that a provider made, and where something is only named.

use super::{Side, Walk, is_item};
use crate::json::{Node, NodeId};
use crate::kind::{IDS, Kind};
use crate::words;
use crate::zone::Zone;

impl Walk<'_> {
    /// Whether a fixed string is a provider's identifier. In a request, where anybody writes it, only those of tool calls count, and
    /// only with a letter: a number alone may be a value that was put there.
    pub(super) fn is_id(&self, id: NodeId, node: &Node) -> bool {
        let raw = self.raw(node);
        if !words::is_id(raw) {
            return false;
        }
        let Some(name) = self.tape.key(self.bytes, id) else { return false };
        match self.side {
            Side::Answer | Side::Event => IDS.contains(&name.as_ref()),
            Side::Request => raw.iter().any(u8::is_ascii_alphabetic) && self.names_call(node, &name),
        }
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
