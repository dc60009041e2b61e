//! Which conversation a request belongs to: half of the scope of its pseudonyms.

use bartizan_wire::Control;
use bartizan_wire::json::NodeKind;
use http::header::HeaderValue;

use super::Head;
use crate::guard::Parsed;

/// Longest `bartizan-conversation` value.
const CONVERSATION: usize = 256;

/// The conversation of a request, in the header's words and its own.
pub(crate) fn conversation_key(head: &Head, read: Option<(&Parsed, &Control)>) -> blake3::Hash {
    let header = head.parts.headers.get("bartizan-conversation").map(HeaderValue::as_bytes).unwrap_or_default();
    let header = header.get(..CONVERSATION.min(header.len())).unwrap_or_default();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(header.len() as u64).to_le_bytes()).update(header);
    if let Some((parsed, control)) = read {
        conversation(parsed, control, &mut hasher);
    }
    hasher.finalize()
}

/// What tells a conversation from others: the format's own field, or what its first user message says. Only the text counts, not
/// how it is spelt: clients mark parts for caching, or send a string as a part, from one turn to the next.
fn conversation(parsed: &Parsed, control: &Control, hasher: &mut blake3::Hasher) {
    let Some(id) = control.session.or(control.first_user) else { return };
    let (tape, bytes) = (&parsed.tape, &parsed.bytes);
    let Some(node) = tape.node(id) else { return };
    if node.kind == NodeKind::String {
        hasher.update(tape.text(bytes, id).as_bytes());
        return;
    }
    let texts = tape.members(id).filter_map(|(part, _)| tape.member(bytes, part, "text"));
    let mut any = false;
    for text in texts {
        hasher.update(tape.text(bytes, text).as_bytes());
        any = true;
    }
    if !any {
        hasher.update(bytes.get(node.outer()).unwrap_or_default());
    }
}
