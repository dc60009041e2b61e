//! A file in a request replaced by a text: the content part that holds it becomes a text part, in the format of its route.

use std::ops::Range;

use crate::body::Unread;
use crate::json::{Node, NodeId, NodeKind, Splice, Tape, escape_into};

/// Members of a part that are looked at; one with more is none that anybody specified.
const MEMBERS: usize = 16;

/// What makes a text of a file.
#[derive(Debug)]
pub struct AsText {
    /// The edits.
    pub splices: Vec<Splice>,
    /// What they replace. No other edit may reach in here, and none is needed: besides fixed words of the format nothing stays.
    pub range: Range<usize>,
}

/// A content part that holds a file, and what becomes of it.
struct Shape {
    /// The value of `type` of a text part; empty where parts have none.
    kind: &'static str,
    /// The member that holds the file.
    held: NodeId,
    /// Members that go with it.
    also: &'static [&'static str],
}

/// Makes the part that holds a file a text part. None: it stands where the format has no place for a text, or beside members that
/// are not known to mean nothing without it.
///
/// - `OpenAI` chat: `{"type":"file","file":{…}}`, `{"type":"image_url","image_url":{…}}`
/// - `OpenAI` responses: `{"type":"input_file","file_data":…}`, `{"type":"input_image","image_url":…}`
/// - Anthropic: `source` of a `document` becomes `{"type":"text",…}`; title, context and citations stay
/// - Gemini: `{"inlineData":{…}}` in `parts` of a content
pub fn as_text(tape: &Tape, bytes: &[u8], unread: &Unread, text: &str) -> Option<AsText> {
    let look = Look { tape, bytes };
    let node = tape.node(unread.node).filter(|_| unread.attached)?;
    if let Some(source) = look.source(unread.node, node) {
        return Some(source_as_text(tape.node(source)?, text));
    }
    let (part, shape) = look.part(unread.node, node)?;
    look.part_as_text(part, &shape, text)
}

/// The `source` of a document, all of it.
fn source_as_text(source: &Node, text: &str) -> AsText {
    let mut with = br#"{"type":"text","media_type":"text/plain","data":""#.to_vec();
    escape_into(text, &mut with);
    with.extend_from_slice(br#""}"#);
    AsText { splices: vec![Splice { range: source.outer(), with }], range: source.outer() }
}

#[derive(Clone, Copy)]
struct Look<'a> {
    tape: &'a Tape,
    bytes: &'a [u8],
}

impl<'a> Look<'a> {
    fn object(self, id: NodeId) -> Option<&'a Node> {
        self.tape.node(id).filter(|node| node.kind == NodeKind::Object)
    }

    /// The members of an object, each once and all of known names.
    fn members(self, object: NodeId, known: &[&'static str]) -> Option<Vec<(&'static str, NodeId)>> {
        let mut members: Vec<(&'static str, NodeId)> = Vec::new();
        for (id, node) in self.tape.members(object) {
            let name = known.iter().find(|name| self.tape.says(self.bytes, node.slot, name))?;
            if members.len() == MEMBERS || members.iter().any(|(known, _)| known == name) {
                return None;
            }
            members.push((name, id));
        }
        Some(members)
    }

    fn says(self, members: &[(&'static str, NodeId)], name: &str, word: &str) -> bool {
        members.iter().any(|(known, id)| *known == name && self.is_string(*id) && self.tape.says(self.bytes, *id, word))
    }

    fn is_string(self, id: NodeId) -> bool {
        self.tape.node(id).is_some_and(|node| node.kind == NodeKind::String)
    }

    /// The `source` of an Anthropic document whose `data` this is.
    fn source(self, id: NodeId, node: &Node) -> Option<NodeId> {
        let source = node.parent;
        let holder = self.object(source)?.parent;
        if !self.tape.is_named(self.bytes, id, "data") || !self.tape.is_named(self.bytes, source, "source") {
            return None;
        }
        let members = self.members(source, &["type", "media_type", "data"])?;
        let document = self.tape.member(self.bytes, holder, "type")?;
        let is_document = self.is_string(document) && self.tape.says(self.bytes, document, "document");
        (is_document && self.says(&members, "type", "base64") && self.is_once(holder, "source") && self.is_once(holder, "type"))
            .then_some(source)
    }

    fn is_once(self, object: NodeId, name: &str) -> bool {
        self.tape.members(object).filter(|(_, node)| self.tape.says(self.bytes, node.slot, name)).count() == 1
    }

    /// The content part that holds a string, directly or in an object of its own.
    fn part(self, id: NodeId, node: &Node) -> Option<(NodeId, Shape)> {
        let named = |id: NodeId, names: &[&str]| names.iter().any(|name| self.tape.is_named(self.bytes, id, name));
        let inner = node.parent;
        self.object(inner)?;
        let outer = self.tape.node(inner)?.parent;
        let within = |known| named(inner, known) && self.object(outer).is_some();
        let shape = |kind, held, also| Shape { kind, held, also };
        let (part, shape) = if named(id, &["file_data"]) && within(&["file"]) {
            self.members(inner, &["file_data", "filename", "file_id"])?;
            (outer, shape("text", inner, &[]))
        } else if named(id, &["url"]) && within(&["image_url"]) {
            self.members(inner, &["url", "detail"])?;
            (outer, shape("text", inner, &[]))
        } else if named(id, &["data"]) && within(&["inlineData", "inline_data"]) {
            self.members(inner, &["data", "mimeType", "mime_type", "displayName", "display_name"])?;
            self.is_content(outer)?;
            (outer, shape("", inner, &[]))
        } else if named(id, &["file_data"]) {
            (inner, shape("input_text", id, &["filename", "detail"]))
        } else if named(id, &["image_url"]) {
            let chat = self.tape.member(self.bytes, inner, "type").is_some_and(|kind| self.tape.says(self.bytes, kind, "image_url"));
            (inner, if chat { shape("text", id, &[]) } else { shape("input_text", id, &["detail"]) })
        } else {
            return None;
        };
        let array = self.tape.node(self.tape.node(part)?.parent)?;
        (array.kind == NodeKind::Array).then_some((part, shape))
    }

    /// Whether a Gemini part stands in a content: a function's response has no text parts.
    fn is_content(self, part: NodeId) -> Option<()> {
        let array = self.tape.node(part)?.parent;
        let content = self.tape.node(array)?.parent;
        let named = |id: NodeId, names: &[&str]| names.iter().any(|name| self.tape.is_named(self.bytes, id, name));
        (named(array, &["parts"]) && !named(content, &["functionResponse", "function_response"])).then_some(())
    }

    fn part_as_text(self, part: NodeId, shape: &Shape, text: &str) -> Option<AsText> {
        const KNOWN: &[&str] =
            &["type", "file", "file_data", "filename", "detail", "image_url", "inlineData", "inline_data", "cache_control"];
        let members = self.members(part, KNOWN)?;
        let at = members.iter().position(|(_, id)| *id == shape.held)?;
        let mut splices = Vec::new();
        for (position, (name, id)) in members.iter().enumerate() {
            let node = self.tape.node(*id)?;
            match *name {
                _ if position == at => splices.push(self.held(node, text)?),
                "type" if !shape.kind.is_empty() && self.is_kind(*id) => {
                    splices.push(Splice { range: node.inner(), with: shape.kind.as_bytes().to_vec() });
                }
                "cache_control" if self.is_cache_control(*id) => {}
                name if shape.also.contains(&name) => {
                    splices.push(Splice { range: self.without(&members, position, at)?, with: Vec::new() });
                }
                _ => return None,
            }
        }
        (shape.kind.is_empty() || members.iter().any(|(name, _)| *name == "type"))
            .then_some(AsText { splices, range: self.tape.node(part)?.outer() })
    }

    /// The member that held the file, from its name to its end.
    fn held(self, node: &Node, text: &str) -> Option<Splice> {
        let start = self.tape.node(node.slot)?.start as usize;
        let mut with = br#""text":""#.to_vec();
        escape_into(text, &mut with);
        with.push(b'"');
        Some(Splice { range: start..node.end as usize, with })
    }

    /// What is taken out with a member: it and the comma between it and the member that held the file.
    fn without(self, members: &[(&'static str, NodeId)], position: usize, at: usize) -> Option<Range<usize>> {
        let node = |position: usize| self.tape.node(members.get(position)?.1);
        let name = |position: usize| Some(self.tape.node(node(position)?.slot)?.start as usize);
        if position < at {
            return Some(name(position)?..name(position + 1)?);
        }
        Some(node(position.checked_sub(1)?)?.end as usize..node(position)?.end as usize)
    }

    fn is_kind(self, id: NodeId) -> bool {
        let kinds = ["file", "image_url", "input_file", "input_image"];
        self.is_string(id) && kinds.iter().any(|kind| self.tape.says(self.bytes, id, kind))
    }

    /// A mark for the provider's cache that says nothing else.
    fn is_cache_control(self, id: NodeId) -> bool {
        let one_of = |id: NodeId, words: &[&str]| self.is_string(id) && words.iter().any(|word| self.tape.says(self.bytes, id, word));
        let plain = |(name, id): &(&str, NodeId)| match *name {
            "type" => one_of(*id, &["ephemeral"]),
            _ => one_of(*id, &["5m", "1h"]),
        };
        self.object(id).is_some() && self.members(id, &["type", "ttl"]).is_some_and(|members| members.iter().all(plain))
    }
}
