//! Requests of the Responses API: their form, and what they name of what the provider keeps.
//!
//! What is named by id was never seen here: it may be somebody else's.

use bartizan_vocabulary::Role;

use crate::control::{self, ControlError};
use crate::json::{Node, NodeId, NodeKind, Tape};

/// Members of tools by which a provider reads files and containers.
const OF_TOOLS: &[&str] = &["file_id", "file_ids", "vector_store_ids", "container_id", "container", "skill_id"];

/// Content parts that may name a file instead of carrying one.
const PARTS: &[&str] = &["input_image", "input_file", "input_audio", "computer_screenshot"];

/// Checks a request; gives the first message of the user.
///
/// # Errors
/// A sentence for the client.
pub(crate) fn check(tape: &Tape, bytes: &[u8]) -> Result<Option<NodeId>, ControlError> {
    let member = |name: &str| tape.member(bytes, 0, name);
    let kind = |id: NodeId| tape.node(id).map(|node| node.kind);
    if member("instructions").is_some_and(|id| !matches!(kind(id), Some(NodeKind::String | NodeKind::Null))) {
        return Err(ControlError::Type("instructions", "a string"));
    }
    for name in ["previous_response_id", "conversation"] {
        if member(name).is_some_and(|id| kind(id) != Some(NodeKind::Null)) {
            return Err(ControlError::Stored(name));
        }
    }
    // The answer would be fetched by an id later.
    if member("background").is_some_and(|id| !matches!(kind(id), Some(NodeKind::False | NodeKind::Null))) {
        return Err(ControlError::Stored("background"));
    }
    tools_are_bare(tape, bytes)?;
    // A stored prompt may need nothing else.
    let Some(input) = member("input") else {
        return if member("prompt").is_some() { Ok(None) } else { Err(ControlError::Missing("input")) };
    };
    match kind(input) {
        Some(NodeKind::String) => Ok(Some(input)),
        Some(NodeKind::Array) => {
            control::one_role_each(tape, bytes, input)?;
            for (item, node) in tape.members(input) {
                check_item(tape, bytes, item, node)?;
            }
            parts_are_bare(tape, bytes, input)?;
            Ok(first_user(tape, bytes, input))
        }
        _ => Err(ControlError::Type("input", "a string or an array")),
    }
}

fn check_item(tape: &Tape, bytes: &[u8], item: NodeId, node: &Node) -> Result<(), ControlError> {
    if node.kind != NodeKind::Object {
        return Ok(());
    }
    control::one_type(tape, bytes, item)?;
    control::one_type_each(tape, bytes, item)?;
    let (mut id, mut anchored, mut sealed, mut kind) = (false, false, 0, None);
    for (member, value) in tape.members(item).filter(|(_, value)| value.kind != NodeKind::Null) {
        match tape.text(bytes, value.slot).as_ref() {
            "id" => id = true,
            "role" | "content" => anchored = true,
            "encrypted_content" => sealed += 1,
            "type" => kind = Some(tape.text(bytes, member)),
            _ => {}
        }
    }
    match kind.as_deref() {
        Some("item_reference") => Err(ControlError::Stored("input")),
        // Sealed reasoning is complete; without that only the provider knows it.
        Some("reasoning") if id && sealed != 1 => Err(ControlError::Reasoning),
        None if id && !anchored => Err(ControlError::Stored("input")),
        _ => Ok(()),
    }
}

/// No part of an item may name a file that the provider keeps.
fn parts_are_bare(tape: &Tape, bytes: &[u8], input: NodeId) -> Result<(), ControlError> {
    let end = tape.node(input).map_or(input, |node| node.next);
    let objects = tape.nodes().filter(|(id, node)| node.kind == NodeKind::Object && (input..end).contains(id));
    for (object, _) in objects {
        let (mut part, mut file) = (false, false);
        for (member, _) in tape.members(object).filter(|(_, value)| value.kind == NodeKind::String) {
            match tape.key(bytes, member).as_deref() {
                Some("type") => part |= PARTS.contains(&tape.text(bytes, member).as_ref()),
                Some("file_id") => file = true,
                _ => {}
            }
        }
        if part && file {
            return Err(ControlError::Stored("file_id"));
        }
    }
    Ok(())
}

/// No tool may name files, stores or containers that the provider keeps.
fn tools_are_bare(tape: &Tape, bytes: &[u8]) -> Result<(), ControlError> {
    let Some(tools) = tape.member(bytes, 0, "tools") else { return Ok(()) };
    let named = |tool: NodeId, name: &str| {
        let Some(node) = tape.member(bytes, tool, name).and_then(|id| tape.node(id)) else { return false };
        match node.kind {
            NodeKind::String => true,
            NodeKind::Array => node.end - node.start > 2,
            _ => false,
        }
    };
    for (tool, _) in tape.members(tools) {
        // What a tool is and what it works in; the parameters of a function are anybody's words.
        let inner = ["container", "environment", "input_image_mask"].into_iter().filter_map(|name| tape.member(bytes, tool, name));
        for holder in std::iter::once(tool).chain(inner) {
            if let Some(name) = OF_TOOLS.iter().find(|name| named(holder, name)) {
                return Err(ControlError::Stored(name));
            }
        }
    }
    Ok(())
}

fn first_user(tape: &Tape, bytes: &[u8], input: NodeId) -> Option<NodeId> {
    let user = |id: NodeId| tape.member(bytes, id, "role").is_some_and(|role| tape.says(bytes, role, Role::User.as_str()));
    let item = tape.members(input).map(|(id, _)| id).find(|id| user(*id))?;
    tape.member(bytes, item, "content")
}
