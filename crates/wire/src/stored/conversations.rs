//! Conversations that a provider keeps: what is put into them, how a request names one, and what answers tell of them.

use super::{Kept, MOST_MADE, Made, check_items, first_user, is_object_id, made, own_id};
use crate::control::{Control, ControlError, no_repeats};
use crate::json::{NodeId, NodeKind, Tape};
use crate::route::Route;

/// The members of a body that goes into a conversation.
const ITEMS: &str = "items";
const METADATA: &str = "metadata";

const NAMED: ControlError =
    ControlError::Type("conversation", "the id of a conversation, or an object that holds its `id` and nothing else");

/// Checks a body that goes into a conversation. All of its members are known here: another one could name anything.
///
/// # Errors
/// A sentence for the client.
pub(crate) fn control(tape: &Tape, bytes: &[u8], route: Route) -> Result<Control, ControlError> {
    no_repeats(tape, bytes, &[ITEMS, METADATA])?;
    let (taken, sentence): (&[&str], _) = match route {
        Route::UpdateConversation => (&[METADATA], "`metadata`"),
        Route::AddItems => (&[ITEMS], "`items`"),
        _ => (&[ITEMS, METADATA], "`items` and `metadata`"),
    };
    if !tape.members(0).all(|(_, node)| taken.iter().any(|name| tape.says(bytes, node.slot, name))) {
        return Err(ControlError::Unknown(sentence));
    }
    let member = |name: &str| tape.member(bytes, 0, name);
    let kind = |id: Option<NodeId>| id.and_then(|id| tape.node(id)).map_or(NodeKind::Null, |node| node.kind);
    match kind(member(METADATA)) {
        NodeKind::Object | NodeKind::Null => {}
        _ => return Err(ControlError::Type(METADATA, "an object")),
    }
    if route == Route::UpdateConversation && member(METADATA).is_none() {
        return Err(ControlError::Missing(METADATA));
    }
    let mut kept = Kept { joins: true, store: true, ..Kept::default() };
    let items = member(ITEMS);
    let mut first = None;
    match (kind(items), items) {
        (NodeKind::Array, Some(items)) => {
            check_items(tape, bytes, (ITEMS, items), &mut kept)?;
            first = first_user(tape, bytes, items);
        }
        (NodeKind::Null, _) if route != Route::AddItems => {}
        (_, None) => return Err(ControlError::Missing(ITEMS)),
        _ => return Err(ControlError::Type(ITEMS, "an array of items")),
    }
    Ok(Control { model: None, also: Vec::new(), stream: false, session: None, first_user: first, kept: Some(Box::new(kept)) })
}

/// The conversation that a request goes on in. An object of more than its id could name two.
pub(super) fn named(tape: &Tape, bytes: &[u8], value: Option<NodeId>) -> Result<Option<NodeId>, ControlError> {
    let kind = |id: NodeId| tape.node(id).map_or(NodeKind::Null, |node| node.kind);
    let Some(value) = value.filter(|id| kind(*id) != NodeKind::Null) else { return Ok(None) };
    let id = if kind(value) == NodeKind::Object {
        let mut members = tape.members(value);
        let only = members.next().filter(|(_, node)| members.next().is_none() && tape.says(bytes, node.slot, "id"));
        only.ok_or(NAMED)?.0
    } else {
        value
    };
    if kind(id) == NodeKind::String && is_object_id(&tape.text(bytes, id)) { Ok(Some(id)) } else { Err(NAMED) }
}

/// What an answer of a route tells of what the provider keeps.
pub fn told(route: Route, tape: &Tape, bytes: &[u8]) -> Vec<Made> {
    match route {
        Route::AddItems | Route::ListItems => {
            let data = tape.member(bytes, 0, "data");
            let items = data.iter().flat_map(|data| tape.members(*data)).take(MOST_MADE);
            items.filter_map(|(item, _)| own_id(tape, bytes, item)).map(Made::Item).collect()
        }
        _ => made(tape, bytes),
    }
}

/// Whether an answer is a conversation: so it is said that an item of it is gone.
pub fn is_conversation(tape: &Tape, bytes: &[u8]) -> bool {
    tape.member(bytes, 0, "object").is_some_and(|id| tape.says(bytes, id, "conversation"))
}
