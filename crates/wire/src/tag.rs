//! What the members of an object say of the object as a whole.

use bartizan_vocabulary::Role;

use crate::json::{NodeKind, Tape};
use crate::kind::{Kind, kind_named};
use crate::unread::Media;
use crate::zone::role_named;

/// What the siblings say about an object, whatever the order of its keys.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tag {
    pub role: Option<Role>,
    pub kind: Kind,
    /// Gemini's `thought`: the text is a summary of the model's reasoning.
    pub thought: bool,
    pub media: Media,
}

/// `role`, `type` and their like of every object, in one pass over the strings.
pub(crate) fn tags(tape: &Tape, bytes: &[u8]) -> Vec<Tag> {
    let mut tags = vec![Tag::default(); tape.len()];
    for (id, node) in tape.nodes().filter(|(_, node)| matches!(node.kind, NodeKind::String | NodeKind::True)) {
        let Some(key) = tape.node(node.slot).filter(|key| key.kind == NodeKind::Key && key.parent == node.parent) else { continue };
        if !key.escaped && !matches!(key.end - key.start, 6 | 9..=11) {
            continue;
        }
        let Some(tag) = tags.get_mut(node.parent as usize) else { continue };
        match (tape.text(bytes, node.slot).as_ref(), node.kind) {
            ("thought", NodeKind::True) => tag.thought = true,
            (_, NodeKind::True) => {}
            ("role", _) => tag.role = Some(role_named(&tape.text(bytes, id))),
            ("type", _) => tag.kind = kind_named(&tape.text(bytes, id)),
            ("mimeType" | "mime_type", _) => tag.media = Media::named(&tape.text(bytes, id)),
            _ => {}
        }
    }
    tags
}
