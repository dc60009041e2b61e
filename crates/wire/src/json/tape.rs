//! The tape: one flat list of the values and keys of a JSON text, in the order in which they stand.

use std::borrow::Cow;
use std::ops::Range;

use super::escape::{LONGEST_ESCAPE, spells, unescape, unescape_start};
use super::reader::{JsonError, JsonLimits, Reader};

/// Bytes of a key's text that a pointer shows.
const SEGMENT: usize = 64;

/// Bytes of a pointer.
const POINTER: usize = 256;

/// Stands where something was left out of a pointer.
const CUT: &str = "\u{2026}";

/// Index of a node on its tape.
pub type NodeId = u32;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// A member's name.
    Key,
    /// A string value.
    String,
    /// A number literal.
    Number,
    /// `true`
    True,
    /// `false`
    False,
    /// `null`
    Null,
}

/// A value or a key: where it stands, and what it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// First byte, quotes included.
    pub start: u32,
    /// One past the last byte, quotes included.
    pub end: u32,
    /// The container this node is in; the root's parent is itself.
    pub parent: NodeId,
    /// The node behind this one and everything inside it: where a walk goes on that skips what this node holds.
    pub next: NodeId,
    /// In an object: the node of its key. In an array: its position. For the root: 0.
    pub slot: u32,
    /// What it is.
    pub kind: NodeKind,
    /// For strings and keys: whether the text between the quotes holds a backslash.
    pub escaped: bool,
}

/// All nodes of one JSON text. The root is node 0.
#[derive(Debug, Default)]
pub struct Tape {
    pub(super) nodes: Vec<Node>,
}

impl Tape {
    /// Reads a JSON text strictly (RFC 8259, no duplicate check), in one pass.
    ///
    /// # Errors
    /// Says what is wrong and at which byte: not JSON, text after the value, invalid UTF-8, or a limit.
    pub fn read(bytes: &[u8], limits: &JsonLimits) -> Result<Self, JsonError> {
        Reader::new(bytes, limits).read()
    }

    /// All nodes in document order; a container stands before its members, a key before its value.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        (0..).zip(self.nodes.iter())
    }

    /// Bytes that the tape takes, and those that [`read`](crate::read) takes for each of its nodes.
    pub fn memory(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>() + self.nodes.len() * crate::body::NODE_BYTES
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is nothing on the tape.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// One node.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id as usize)
    }

    /// The nodes directly inside a container, an object's keys among them. Cost: one step for each, whatever they hold.
    pub fn children(&self, container: NodeId) -> impl Iterator<Item = (NodeId, &Node)> {
        let end = self.node(container).map_or(0, |node| node.next);
        let mut at = container.saturating_add(1);
        std::iter::from_fn(move || {
            let id = at;
            let node = self.node(id).filter(|_| id < end)?;
            at = node.next.max(id.saturating_add(1));
            Some((id, node))
        })
    }

    /// The members of a container: every node whose parent it is, keys left out.
    pub fn members(&self, container: NodeId) -> impl Iterator<Item = (NodeId, &Node)> {
        self.children(container).filter(|(_, node)| node.kind != NodeKind::Key)
    }

    /// The text of a string or key; of a number or literal, its bytes. Lone surrogates become U+FFFD.
    pub fn text<'a>(&self, bytes: &'a [u8], id: NodeId) -> Cow<'a, str> {
        let Some(node) = self.node(id) else { return Cow::Borrowed("") };
        let raw = bytes.get(node.inner()).unwrap_or_default();
        if node.escaped {
            return Cow::Owned(unescape(raw));
        }
        lossless(raw)
    }

    /// The name under which a value stands in its object (of a key, itself); `None` in an array and for the root.
    pub fn key<'a>(&self, bytes: &'a [u8], id: NodeId) -> Option<Cow<'a, str>> {
        let node = self.node(id)?;
        if node.kind == NodeKind::Key {
            return Some(self.text(bytes, id));
        }
        let parent = self.node(node.parent)?;
        (parent.kind == NodeKind::Object && id != node.parent).then(|| self.text(bytes, node.slot))
    }

    /// The member of an object under a name; the last one, if there are several.
    pub fn member(&self, bytes: &[u8], object: NodeId, name: &str) -> Option<NodeId> {
        if self.node(object)?.kind != NodeKind::Object {
            return None;
        }
        self.members(object).filter(|(_, node)| self.says(bytes, node.slot, name)).map(|(id, _)| id).last()
    }

    /// Whether the text of a string or key is `word`. Costs no more for a long text than for a short one.
    pub fn says(&self, bytes: &[u8], id: NodeId, word: &str) -> bool {
        match self.node(id) {
            Some(node) if !node.escaped => bytes.get(node.inner()) == Some(word.as_bytes()),
            Some(node) => node.inner().len() <= word.len() * LONGEST_ESCAPE && spells(bytes.get(node.inner()).unwrap_or_default(), word),
            None => false,
        }
    }

    /// Whether a value stands under `name` in an object.
    pub fn is_named(&self, bytes: &[u8], id: NodeId, name: &str) -> bool {
        let Some(node) = self.node(id).filter(|node| node.parent != id && node.kind != NodeKind::Key) else { return false };
        self.node(node.parent).is_some_and(|parent| parent.kind == NodeKind::Object) && self.says(bytes, node.slot, name)
    }

    /// JSON pointer (RFC 6901) of a node. Where `conceal` says so for a key, `<key>` stands instead of its text. Of a long key the
    /// beginning is given, of a long pointer its two ends, and `…` for the rest.
    pub fn pointer(&self, bytes: &[u8], id: NodeId, conceal: impl Fn(NodeId) -> bool) -> String {
        let mut parts = Vec::new();
        let mut at = id;
        while let Some(node) = self.node(at) {
            let holder = if node.kind == NodeKind::Key { Some((at, node.parent)) } else { None };
            let (slot, parent) = holder.unwrap_or((node.slot, node.parent));
            if holder.is_none() && parent == at {
                break;
            }
            match self.node(parent).map(|node| node.kind) {
                Some(NodeKind::Object) if conceal(slot) => parts.push("<key>".to_owned()),
                Some(NodeKind::Object) => parts.push(self.segment(bytes, slot)),
                _ => parts.push(slot.to_string()),
            }
            at = parent;
        }
        let pointer = parts.iter().rev().fold(String::new(), |mut pointer, part| {
            pointer.push('/');
            pointer.push_str(part);
            pointer
        });
        if pointer.len() <= POINTER { pointer } else { both_ends(&pointer) }
    }

    /// A key as it stands in a pointer.
    fn segment(&self, bytes: &[u8], key: NodeId) -> String {
        let raw = self.node(key).and_then(|node| bytes.get(node.inner())).unwrap_or_default();
        let (text, whole) = unescape_start(raw, SEGMENT);
        let text = text.replace('~', "~0").replace('/', "~1");
        if whole { text } else { text + CUT }
    }
}

/// A pointer without its middle.
fn both_ends(pointer: &str) -> String {
    let half = (POINTER - CUT.len()) / 2;
    let head = pointer.get(..pointer.floor_char_boundary(half)).unwrap_or_default();
    let tail = pointer.get(pointer.ceil_char_boundary(pointer.len().saturating_sub(half))..).unwrap_or_default();
    format!("{head}{CUT}{tail}")
}

impl Node {
    /// The bytes between the quotes of a string or key; all bytes of anything else.
    pub fn inner(&self) -> Range<usize> {
        match self.kind {
            NodeKind::Key | NodeKind::String => self.start as usize + 1..(self.end as usize).saturating_sub(1),
            _ => self.start as usize..self.end as usize,
        }
    }

    /// All bytes, quotes included.
    pub fn outer(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The bytes as text. They were checked when the tape was read, so the slow way is never taken.
pub(super) fn lossless(raw: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(raw).map_or_else(|_| String::from_utf8_lossy(raw), Cow::Borrowed)
}
