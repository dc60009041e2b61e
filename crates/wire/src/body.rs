//! From a tape to what must be inspected: every string, key and long number with its role and class, and what cannot be read.

use std::borrow::Cow;

use bartizan_vocabulary::{Role, TextClass, UninspectedKind};

use crate::json::{Node, NodeId, NodeKind, Tape};
use crate::unread;
use crate::zone::{Place, Zone, is_format_word, role_named};

/// In what form a part stands in the JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A string value.
    String,
    /// An object key.
    Key,
    /// A number literal of eight characters or more.
    Number,
}

/// A piece of text that must be inspected.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Where it stands.
    pub node: NodeId,
    /// Who wrote it.
    pub role: Role,
    /// What it is.
    pub class: TextClass,
    /// String, key or number.
    pub form: Form,
    /// An edit would break the exchange (identifier, enumeration, sealed value): a remedy that needs one blocks instead.
    pub fixed: bool,
    /// Text that the provider signed: it is never restored into, and a request that carries it altered is refused.
    pub signed: bool,
    /// Parts with the same number that follow one another are one text: adjacent text parts of a message.
    pub run: u32,
    /// In a stream event: which growing text this is a piece of.
    pub channel: Option<Channel>,
}

/// One growing text of a stream: the content of a choice, the arguments of a tool call, a content block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Channel {
    /// Hash of the path, array positions replaced by the elements' own `index`.
    pub path: u64,
    /// The choice or content block that it belongs to.
    pub group: u32,
}

/// Something that is not inspected, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Where it stands.
    pub node: NodeId,
    /// What it is.
    pub kind: UninspectedKind,
}

/// All of a body that matters to a guard.
#[derive(Debug, Default)]
pub struct Reading {
    /// What must be inspected, in document order.
    pub parts: Vec<Part>,
    /// What cannot be.
    pub unread: Vec<Unread>,
    /// `logprobs` objects: they repeat the text token by token.
    pub logprobs: Vec<NodeId>,
}

/// Which side wrote a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A request: text belongs to the role that its message names.
    Request,
    /// An answer or a stream event: text is the model's.
    Answer,
}

/// What the siblings say about an object, whatever the order of its keys.
#[derive(Clone, Copy, Default)]
struct Tag {
    role: Option<Role>,
    kind: Kind,
}

/// The `type` of a content part, as far as it changes how the part is read.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Plain,
    Text,
    ToolResult,
    Document,
    Redacted,
    Signed,
}

fn kind_named(word: &str) -> Kind {
    match word {
        "text" | "input_text" | "output_text" => Kind::Text,
        "tool_result" | "mcp_tool_result" | "web_search_tool_result" | "function_call_output" => Kind::ToolResult,
        "document" | "search_result" => Kind::Document,
        "redacted_thinking" => Kind::Redacted,
        "thinking" | "thinking_delta" => Kind::Signed,
        _ => Kind::Plain,
    }
}

/// Reads a tape.
pub fn read(tape: &Tape, bytes: &[u8], side: Side) -> Reading {
    Walk { tape, bytes, side, tags: tags(tape, bytes), places: Vec::with_capacity(tape.len()), reading: Reading::default(), runs: 0 }.run()
}

/// `role` and `type` of every object, in one pass over the strings.
fn tags(tape: &Tape, bytes: &[u8]) -> Vec<Tag> {
    let mut tags = vec![Tag::default(); tape.len()];
    for (id, node) in tape.nodes().filter(|(_, node)| node.kind == NodeKind::String) {
        let Some(key) = tape.node(node.slot).filter(|key| key.kind == NodeKind::Key && key.parent == node.parent) else { continue };
        if !key.escaped && key.end - key.start != 6 {
            continue;
        }
        let Some(tag) = tags.get_mut(node.parent as usize) else { continue };
        match tape.text(bytes, node.slot).as_ref() {
            "role" => tag.role = Some(role_named(&tape.text(bytes, id))),
            "type" => tag.kind = kind_named(&tape.text(bytes, id)),
            _ => {}
        }
    }
    tags
}

struct Walk<'a> {
    tape: &'a Tape,
    bytes: &'a [u8],
    side: Side,
    tags: Vec<Tag>,
    places: Vec<Place>,
    reading: Reading,
    runs: u32,
}

impl Walk<'_> {
    fn run(mut self) -> Reading {
        for (id, node) in self.tape.nodes() {
            let place = self.place(id, node);
            self.places.push(place);
            match node.kind {
                NodeKind::Null => {}
                _ if place.zone == Zone::Logprobs => self.logprobs(id, node),
                NodeKind::Key => self.key(id, place),
                NodeKind::String => self.string(id, place),
                NodeKind::Number => self.number(id, node, place),
                _ => {}
            }
        }
        self.reading
    }

    fn place(&self, id: NodeId, node: &Node) -> Place {
        if id == node.parent {
            return Place::root(if self.side == Side::Answer { Role::Assistant } else { Role::Other });
        }
        let Some(holder) = self.places.get(node.parent as usize).copied() else { return Place::root(Role::Other) };
        let mut place = match (node.kind, self.tape.node(node.parent).map(|parent| parent.kind)) {
            (NodeKind::Key, _) => holder,
            (_, Some(NodeKind::Object)) => holder.under(&self.tape.text(self.bytes, node.slot)),
            _ => holder.element(),
        };
        if node.kind == NodeKind::Object {
            self.tagged(id, &mut place);
        } else if node.kind == NodeKind::String && place.zone == Zone::Free && self.kind(node.parent) == Kind::Redacted {
            self.sealed_data(node, &mut place);
        }
        place
    }

    /// What an object's own `role` and `type` say of everything inside it.
    fn tagged(&self, id: NodeId, place: &mut Place) {
        let tag = self.tags.get(id as usize).copied().unwrap_or_default();
        match (place.zone, tag.kind) {
            (Zone::Message, _) => place.role = self.message_role(tag, place.role),
            (Zone::Part, Kind::ToolResult) => (place.role, place.class) = (Role::Tool, TextClass::ToolResult),
            (Zone::Part, Kind::Document) => place.class = TextClass::Document,
            _ => {}
        }
        if place.zone == Zone::Message && place.role == Role::Tool {
            place.class = TextClass::ToolResult;
        }
    }

    fn message_role(&self, tag: Tag, inherited: Role) -> Role {
        match self.side {
            Side::Answer => Role::Assistant,
            Side::Request => tag.role.unwrap_or(inherited),
        }
    }

    fn sealed_data(&self, node: &Node, place: &mut Place) {
        if self.tape.text(self.bytes, node.slot) == "data" {
            (place.zone, place.fixed) = (Zone::Sealed, true);
        }
    }

    fn kind(&self, object: NodeId) -> Kind {
        self.tags.get(object as usize).map_or(Kind::Plain, |tag| tag.kind)
    }

    fn key(&mut self, id: NodeId, place: Place) {
        let text = self.tape.text(self.bytes, id);
        if is_format_word(&text) {
            return;
        }
        let fixed = place.fixed || matches!(place.zone, Zone::Schema | Zone::Root | Zone::Message | Zone::Part | Zone::Tool);
        self.push(id, Place { fixed, class: TextClass::Key, ..place }, Form::Key, None);
    }

    fn number(&mut self, id: NodeId, node: &Node, place: Place) {
        let counts = matches!(place.zone, Zone::Free) && place.class == TextClass::Metadata && self.at_top(node);
        if node.end - node.start >= 8 && !counts {
            self.push(id, Place { class: TextClass::Number, ..place }, Form::Number, None);
        }
    }

    /// Top-level numbers (`created`, `seed`, `max_tokens`) are the format's own.
    fn at_top(&self, node: &Node) -> bool {
        self.places.get(node.parent as usize).is_some_and(|holder| holder.zone == Zone::Root)
    }

    fn string(&mut self, id: NodeId, place: Place) {
        let Some(node) = self.tape.node(id) else { return };
        let text = self.tape.text(self.bytes, id);
        if place.fixed && place.zone != Zone::Sealed && is_format_word(&text) {
            return;
        }
        let name = self.tape.key(self.bytes, id).unwrap_or(Cow::Borrowed(""));
        if let Some(kind) = unread::kind(place.zone, self.kind(node.parent) == Kind::Redacted, self.holder_kind(node), &name, &text) {
            self.reading.unread.push(Unread { node: id, kind });
            if kind != UninspectedKind::RemoteUrl {
                return;
            }
        }
        let signed = self.kind(node.parent) == Kind::Signed && place.class == TextClass::Reasoning;
        let channel = (place.delta && !place.fixed).then(|| self.channel(id));
        self.push(id, Place { fixed: place.fixed || (signed && self.side == Side::Request), ..place }, Form::String, channel);
        if let Some(part) = self.reading.parts.last_mut() {
            part.signed = signed;
        }
    }

    /// For a `source`: whether it stands in a document or an image.
    fn holder_kind(&self, node: &Node) -> bool {
        let holder = self.tape.node(node.parent).map_or(0, |parent| parent.parent);
        self.kind(holder) == Kind::Document
    }

    fn logprobs(&mut self, id: NodeId, node: &Node) {
        let outermost = self.places.get(node.parent as usize).is_some_and(|holder| holder.zone != Zone::Logprobs);
        if outermost {
            self.reading.logprobs.push(id);
        }
    }

    fn push(&mut self, node: NodeId, place: Place, form: Form, channel: Option<Channel>) {
        if !self.joins(node, place, form) {
            self.runs += 1;
        }
        let Place { role, class, fixed, .. } = place;
        self.reading.parts.push(Part { node, role, class, form, fixed, signed: false, run: self.runs, channel });
    }

    /// Whether a part continues the text of the part before it: neighbouring text parts of one array.
    fn joins(&self, id: NodeId, place: Place, form: Form) -> bool {
        let text_part = |id: NodeId| -> Option<(NodeId, u32)> {
            let part = self.tape.node(self.tape.node(id)?.parent)?;
            (self.tape.node(part.parent)?.kind == NodeKind::Array && part.kind == NodeKind::Object).then_some((part.parent, part.slot))
        };
        let Some(last) = self.reading.parts.last() else { return false };
        if form != Form::String || last.form != Form::String || place.fixed || last.fixed || place.role != last.role {
            return false;
        }
        let same_name = || self.tape.key(self.bytes, id) == self.tape.key(self.bytes, last.node);
        match (text_part(last.node), text_part(id)) {
            (Some((array, before)), Some((same, this))) => array == same && before + 1 == this && place.zone == Zone::Free && same_name(),
            _ => false,
        }
    }

    /// Names the growing text that a piece belongs to.
    fn channel(&self, id: NodeId) -> Channel {
        let mut path = 0xcbf2_9ce4_8422_2325_u64;
        let mut mix = |bytes: &[u8]| {
            for byte in bytes.iter().chain(&[0xff]) {
                path = (path ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        let mut group = self.index_of(0);
        let mut at = id;
        while let Some(node) = self.tape.node(at).filter(|node| node.parent != at) {
            match self.tape.node(node.parent).map(|parent| parent.kind) {
                Some(NodeKind::Object) => match self.tape.text(self.bytes, node.slot).as_ref() {
                    "content_block" => mix(b"delta"),
                    "partial_json" | "input" => mix(b"input"),
                    key => mix(key.as_bytes()),
                },
                _ => {
                    let index = self.index_of(at).unwrap_or(node.slot);
                    mix(&index.to_le_bytes());
                    let in_choices = self.places.get(node.parent as usize).is_some_and(|place| place.zone == Zone::Choices);
                    group = if in_choices { Some(index) } else { group };
                }
            }
            at = node.parent;
        }
        let group = group.unwrap_or(0);
        mix(&group.to_le_bytes());
        Channel { path, group }
    }

    /// The `index` member of an object.
    fn index_of(&self, object: NodeId) -> Option<u32> {
        let member = self.tape.member(self.bytes, object, "index")?;
        self.tape.text(self.bytes, member).parse().ok()
    }
}
