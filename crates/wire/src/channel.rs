//! The texts that grow through a stream, and which of them a piece belongs to.

use std::collections::HashMap;

use crate::json::{NodeId, NodeKind, Tape};

/// One growing text of a stream: the content of a choice, the arguments of a tool call, a content block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Channel {
    /// Hash of the path, array positions replaced by the elements' own `index`.
    pub path: u64,
    /// The choice or content block that it belongs to.
    pub group: u32,
}

/// Names channels. Looks at each object's `index` once, however many strings stand in it.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    indexes: HashMap<NodeId, Option<u32>>,
}

impl Channels {
    /// Names the growing text that a string is a piece of.
    pub(crate) fn name(&mut self, tape: &Tape, bytes: &[u8], id: NodeId) -> Channel {
        let mut path = Fnv::default();
        let mut group = self.index(tape, bytes, 0);
        let mut at = id;
        while let Some(node) = tape.node(at).filter(|node| node.parent != at) {
            let array = tape.node(node.parent).is_some_and(|parent| parent.kind == NodeKind::Array);
            if array {
                let index = self.index(tape, bytes, at).unwrap_or(node.slot);
                path.mix(&index.to_le_bytes());
                group = if is_choices(tape, bytes, node.parent) { Some(index) } else { group };
            } else {
                match tape.text(bytes, node.slot).as_ref() {
                    "content_block" => path.mix(b"delta"),
                    "partial_json" | "input" => path.mix(b"input"),
                    key => path.mix(key.as_bytes()),
                }
            }
            at = node.parent;
        }
        let group = group.unwrap_or(0);
        path.mix(&group.to_le_bytes());
        Channel { path: path.0, group }
    }

    fn index(&mut self, tape: &Tape, bytes: &[u8], object: NodeId) -> Option<u32> {
        *self.indexes.entry(object).or_insert_with(|| index_of(tape, bytes, object))
    }
}

/// The array `choices` of the top object.
fn is_choices(tape: &Tape, bytes: &[u8], array: NodeId) -> bool {
    tape.node(array).is_some_and(|node| node.parent == 0) && tape.key(bytes, array).is_some_and(|key| key == "choices")
}

/// The `index` member of an object.
pub(crate) fn index_of(tape: &Tape, bytes: &[u8], object: NodeId) -> Option<u32> {
    let member = tape.member(bytes, object, "index")?;
    tape.text(bytes, member).parse().ok()
}

/// FNV-1a, 64 bits: a name within one stream, no defence against chosen collisions, which could only join two texts of one answer.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn mix(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&[0xff]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
