//! From a tape to what must be inspected: every string, key and long number with its role and class, and what cannot be read.

mod ids;

use std::collections::HashMap;

use bartizan_vocabulary::{Role, TextClass, UninspectedKind};

use crate::channel::{Channel, Channels, Growth};
use crate::json::{Node, NodeId, NodeKind, Tape, unescape};
use crate::kind::{Kind, is_weight};
use crate::responses::Told;
use crate::tag::{Tag, tags};
use crate::unread::{self, Holder};
use crate::words;
use crate::zone::{Place, Zone};

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
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of the part, and they do not exclude one another")]
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
    /// No text: sealed by the provider, or the bytes of an image or a file in base64. Only secrets of a certain form can be
    /// told from chance there.
    pub opaque: bool,
    /// Parts with the same number are one text: adjacent text parts of a message. They follow one another.
    pub run: u32,
    /// An identifier that a provider made by chance, and that looks like one: digits in it are nobody's.
    pub id: bool,
    /// Small letters and underscores only, 24 at most: no pattern finds anything in it, only a dictionary can.
    pub plain: bool,
    /// In a stream event: which growing text this is a piece of.
    pub channel: Option<Channel>,
}

/// Something that is not text, or not only: it may be a part as well (the URL of an image, a short value that could be base64).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Where it stands.
    pub node: NodeId,
    /// What it is.
    pub kind: UninspectedKind,
    /// Who wrote it.
    pub role: Role,
    /// Its bytes stand there, or should: see [`crate::attachment`].
    pub attached: bool,
}

/// All of a body that matters to a guard.
#[derive(Debug, Default)]
pub struct Reading {
    /// What must be inspected, in document order, except that nothing stands between the parts of one run.
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
    /// An answer: text is the model's.
    Answer,
    /// An event of a streamed answer: some texts come in pieces.
    Event,
}

/// Bytes that reading takes for each node of a tape, besides what it hands out.
pub(crate) const NODE_BYTES: usize = size_of::<Tag>() + size_of::<Place>();

impl Reading {
    /// Bytes that it takes.
    pub fn memory(&self) -> usize {
        self.parts.capacity() * size_of::<Part>() + self.unread.capacity() * size_of::<Unread>()
    }
}

/// Reads a tape. Cost: a few looks at each node, one at each byte of keys and of content that is not text.
pub fn read(tape: &Tape, bytes: &[u8], side: Side) -> Reading {
    walk(tape, bytes, side, false)
}

/// Reads a tape. `ask`: of a body that asks for a verdict.
pub(crate) fn walk(tape: &Tape, bytes: &[u8], side: Side, ask: bool) -> Reading {
    let walk = Walk {
        tape,
        bytes,
        side,
        ask,
        tags: tags(tape, bytes),
        places: Vec::with_capacity(tape.len()),
        reading: Reading::default(),
        runs: 0,
        last: HashMap::new(),
        channels: Channels::default(),
        lists_items: None,
    };
    walk.run()
}

struct Walk<'a> {
    tape: &'a Tape,
    bytes: &'a [u8],
    side: Side,
    ask: bool,
    tags: Vec<Tag>,
    places: Vec<Place>,
    reading: Reading,
    runs: u32,
    /// Of each array of content parts and each name that joins: the part that a next one would continue.
    last: HashMap<(NodeId, &'static str), Tail>,
    channels: Channels,
    /// Whether the answer tells of items, once that was asked.
    lists_items: Option<bool>,
}

/// Where a text that runs over several content parts has come to.
#[derive(Clone, Copy)]
struct Tail {
    slot: u32,
    run: u32,
    role: Role,
    class: TextClass,
}

impl Walk<'_> {
    fn run(mut self) -> Reading {
        for (id, node) in self.tape.nodes() {
            let place = self.place(id, node);
            self.places.push(place);
            match node.kind {
                NodeKind::Null => {}
                _ if place.zone == Zone::Logprobs => self.logprobs(id, node),
                NodeKind::Key => self.key(id, node, place),
                NodeKind::String => self.string(id, node, place),
                NodeKind::Number => self.number(id, node, place),
                _ => {}
            }
        }
        if !self.reading.parts.is_sorted_by_key(|part| part.run) {
            self.reading.parts.sort_by_key(|part| part.run);
        }
        self.reading
    }

    fn place(&self, id: NodeId, node: &Node) -> Place {
        if id == node.parent {
            return match self.side {
                Side::Request if self.ask => Place::ask(Role::User),
                _ if self.ask => Place::ask(Role::Assistant),
                Side::Request => Place::root(Role::Other),
                Side::Answer => self.answer(),
                Side::Event => self.event(),
            };
        }
        let Some(holder) = self.places.get(node.parent as usize).copied() else { return Place::root(Role::Other) };
        let mut place = match (node.kind, self.tape.node(node.parent).map(|parent| parent.kind)) {
            (NodeKind::Key, _) => holder,
            (_, Some(NodeKind::Object)) => holder.under(&self.tape.text(self.bytes, node.slot)),
            _ => holder.element(),
        };
        match node.kind {
            // Only answers have them, and only there are they taken out: a request's are inspected.
            _ if place.zone == Zone::Logprobs && self.side == Side::Request => place.zone = Zone::Free,
            NodeKind::Object => self.tagged(id, holder, &mut place),
            _ if holder.zone == Zone::Message && holder.role == Role::Tool => self.tool_message(node, &mut place),
            NodeKind::String if matches!(holder.zone, Zone::Part | Zone::Item) => self.sealed(node, &mut place),
            NodeKind::String if holder.zone == Zone::Event => self.voice(node, &mut place),
            _ => {}
        }
        place
    }

    /// The top of an answer: one item by itself is read like one of many.
    fn answer(&self) -> Place {
        let tag = self.tag(0);
        let mut place = Place::root(Role::Assistant);
        if is_item(tag.kind) {
            (place.zone, place.class) = (Zone::Item, TextClass::Text);
            self.item(tag, &mut place);
        }
        place
    }

    /// The top of a stream event.
    fn event(&self) -> Place {
        match self.kind(0) {
            Kind::Event(told) => Place { zone: Zone::Event, role: told.role(), class: told.class(), fixed: false, growth: told.growth() },
            _ => Place { growth: Growth::Top, ..Place::root(Role::Assistant) },
        }
    }

    /// What an object's own `role` and `type` say of everything inside it.
    fn tagged(&self, id: NodeId, holder: Place, place: &mut Place) {
        let tag = self.tags.get(id as usize).copied().unwrap_or_default();
        *place = place.alone();
        if self.side == Side::Request && (holder.zone, place.zone, place.role) == (Zone::Root, Zone::Content, Role::Other) {
            // What is to be embedded or counted, as an object with parts.
            place.role = tag.role.unwrap_or(Role::User);
        }
        match (place.zone, tag.kind) {
            (Zone::Item, _) => self.item(tag, place),
            // A list of items.
            (Zone::Datum, kind) if tag.role.is_some() || is_item(kind) => {
                (place.zone, place.class) = (Zone::Item, TextClass::Text);
                self.item(tag, place);
            }
            // A single part stands for the array of them.
            (Zone::Content, _) if matches!(holder.zone, Zone::Item | Zone::Message | Zone::Source) => place.zone = Zone::Part,
            // What a provider's own tools gave has objects of other forms there.
            (Zone::Content, _) if holder.zone == Zone::Part && self.holder_kind(id) == Kind::ToolResult => place.zone = Zone::Part,
            (Zone::Part, Kind::Plain) if tag.thought => place.class = TextClass::Reasoning,
            (Zone::Message, _) => place.role = self.message_role(tag, place.role),
            (Zone::Part, Kind::ToolResult) => (place.role, place.class) = (Role::Tool, TextClass::ToolResult),
            (Zone::Part, Kind::Document) => place.class = TextClass::Document,
            _ => {}
        }
        if place.zone == Zone::Message && place.role == Role::Tool {
            place.class = TextClass::ToolResult;
        }
    }

    /// An item of the Responses API. Without a role and of no known kind it is nobody's: what counts as the user's own must say so.
    fn item(&self, tag: Tag, place: &mut Place) {
        if tag.kind == Kind::Piece {
            // An array of parts is a text too.
            place.zone = Zone::Part;
            return;
        }
        (place.role, place.class) = match tag.kind {
            Kind::ToolResult => (Role::Tool, TextClass::ToolResult),
            Kind::Call | Kind::Drawing => (Role::Assistant, TextClass::ToolArguments),
            Kind::Sealing => (Role::Assistant, TextClass::Reasoning),
            _ if self.side == Side::Request => (tag.role.unwrap_or(Role::Other), place.class),
            _ => (place.role, place.class),
        };
        if place.role == Role::Tool {
            place.class = TextClass::ToolResult;
        }
    }

    /// The model's voice in a stream event is no piece of a text.
    fn voice(&self, node: &Node, place: &mut Place) {
        if self.kind(0) == Kind::Event(Told::Audio) && self.tape.text(self.bytes, node.slot) == "delta" {
            (place.zone, place.fixed) = (Zone::Audio, true);
        }
    }

    fn message_role(&self, tag: Tag, inherited: Role) -> Role {
        match self.side {
            Side::Answer | Side::Event => Role::Assistant,
            Side::Request => tag.role.unwrap_or(inherited),
        }
    }

    /// What stands in a tool's message is its result, whatever the table says of messages; its name is an identifier.
    fn tool_message(&self, node: &Node, place: &mut Place) {
        if place.class == TextClass::Text {
            place.class = TextClass::ToolResult;
        }
        place.fixed |= node.kind == NodeKind::String && self.tape.says(self.bytes, node.slot, "name");
    }

    /// Sealed is what a part's own `type` says so of; a `signature` in a text part is anybody's text.
    fn sealed(&self, node: &Node, place: &mut Place) {
        match self.kind(node.parent) {
            Kind::Redacted if self.tape.says(self.bytes, node.slot, "data") => (place.zone, place.fixed) = (Zone::Sealed, true),
            Kind::Redacted | Kind::Signed | Kind::Sealing => {}
            Kind::Drawing if self.tape.says(self.bytes, node.slot, "result") => (place.zone, place.fixed) = (Zone::Pixels, true),
            _ if place.zone == Zone::Sealed && !is_thought_signature(&self.tape.text(self.bytes, node.slot)) => place.zone = Zone::Free,
            _ => {}
        }
    }

    /// What holds an object.
    fn holder_kind(&self, id: NodeId) -> Kind {
        self.tape.node(id).map_or(Kind::Plain, |node| self.kind(node.parent))
    }

    fn kind(&self, object: NodeId) -> Kind {
        self.tag(object).kind
    }

    fn tag(&self, object: NodeId) -> Tag {
        self.tags.get(object as usize).copied().unwrap_or_default()
    }

    /// The zone of what holds a node.
    fn around(&self, node: &Node) -> Zone {
        self.places.get(node.parent as usize).map_or(Zone::Free, |holder| holder.zone)
    }

    fn raw(&self, node: &Node) -> &[u8] {
        self.bytes.get(node.inner()).unwrap_or_default()
    }

    fn key(&mut self, id: NodeId, node: &Node, place: Place) {
        if words::is_known(self.raw(node)) {
            return;
        }
        let fixed = place.fixed || matches!(place.zone, Zone::Schema | Zone::Root | Zone::Message | Zone::Part | Zone::Tool);
        self.push(id, node, Place { fixed, class: TextClass::Key, ..place }, Form::Key);
    }

    fn number(&mut self, id: NodeId, node: &Node, place: Place) {
        let length = node.end - node.start;
        // Only answers have vectors; elsewhere anybody writes what it likes under that name.
        if self.side == Side::Answer && place.zone == Zone::Vector && is_weight(self.raw(node)) {
            return;
        }
        self.token(node, place);
        if length >= 8 && !self.is_counter(id, node, length) {
            // Where the format says `number`, a string would not do.
            let fixed = place.fixed || self.around(node) != Zone::Free;
            self.push(id, node, Place { class: TextClass::Number, fixed, ..place }, Form::Number);
        }
    }

    /// A number where a text belongs is a token's: what it stands for cannot be read here.
    fn token(&mut self, node: &Node, place: Place) {
        let in_text =
            matches!(place.zone, Zone::Content | Zone::Part | Zone::Items | Zone::Item | Zone::Prompt) && place.class == TextClass::Text;
        let array = self.tape.node(node.parent).is_some_and(|parent| parent.kind == NodeKind::Array);
        let noted = self.reading.unread.last().is_some_and(|last| last.node == node.parent);
        if in_text && array && self.side == Side::Request && !noted {
            let unread = Unread { node: node.parent, kind: UninspectedKind::Tokens, role: place.role, attached: false };
            self.reading.unread.push(unread);
        }
    }

    /// The format's own numbers, as long as they are too short for a card number.
    fn is_counter(&self, id: NodeId, node: &Node, length: u32) -> bool {
        let own: &[&str] = match (self.side, self.around(node)) {
            (Side::Answer | Side::Event, Zone::Root) => &["created", "created_at", "completed_at", "expires_at"],
            (Side::Answer | Side::Event, Zone::Audio) => &["expires_at"],
            (Side::Request, Zone::Root) => &["max_tokens", "max_completion_tokens", "max_output_tokens"],
            _ => &[],
        };
        length < 12 && self.tape.key(self.bytes, id).is_some_and(|name| own.contains(&name.as_ref()))
    }

    fn string(&mut self, id: NodeId, node: &Node, place: Place) {
        let raw = self.raw(node);
        if place.fixed && place.growth != Growth::Name && words::is_known(raw) && !self.names_tool(node, place) {
            return;
        }
        if self.side == Side::Answer && place.zone == Zone::Vector && unread::is_opaque(&self.tape.text(self.bytes, id)) {
            self.push(id, node, place, Form::String);
            if let Some(part) = self.reading.parts.last_mut() {
                part.opaque = true;
            }
            return;
        }
        if is_content(place.zone) || begins_as_data(raw) {
            let name = self.tape.key(self.bytes, id).unwrap_or_default();
            if let Some(found) = unread::find(place.zone, self.holder(node), &name, &self.tape.text(self.bytes, id)) {
                // What an item names was named in a request, and judged there: nothing of it is here.
                if !found.is_name || !self.lists_items() {
                    self.reading.unread.push(Unread { node: id, kind: found.kind, role: place.role, attached: found.attached });
                }
                if !found.inspect {
                    self.push(id, node, Place { fixed: true, ..place }, Form::String);
                    if let Some(part) = self.reading.parts.last_mut() {
                        part.opaque = true;
                    }
                    return;
                }
            }
        }
        let signed = self.kind(node.parent) == Kind::Signed && place.class == TextClass::Reasoning;
        let fixed = place.fixed || (signed && self.side == Side::Request) || self.names_cache(id, node);
        self.push(id, node, Place { fixed, ..place }, Form::String);
        let thought = place.zone == Zone::Free && place.class == TextClass::Reasoning && self.tag(node.parent).thought;
        let channel = place.growth.piece(place.fixed).map(|alone| self.channels.name(self.tape, self.bytes, id, (alone, thought)));
        if let Some(part) = self.reading.parts.last_mut() {
            (part.signed, part.channel) = (signed, channel);
        }
    }

    /// The name of a tool is told even when it is a word of the formats.
    fn names_tool(&self, node: &Node, place: Place) -> bool {
        place.class == TextClass::ToolDefinition && self.tape.text(self.bytes, node.slot) == "name"
    }

    /// For a string in a `source`: what that is the source of. For one beside a media type, what that says.
    fn holder(&self, node: &Node) -> Holder {
        if self.around(node) == Zone::Blob {
            return self.tag(node.parent).media.holder();
        }
        let part = self.tape.node(node.parent).map_or(0, |parent| parent.parent);
        match (self.kind(part), self.kind(node.parent)) {
            (Kind::Image, _) => Holder::Image,
            (_, Kind::Base64) => Holder::Binary,
            _ => Holder::Other,
        }
    }

    fn logprobs(&mut self, id: NodeId, node: &Node) {
        if self.around(node) != Zone::Logprobs {
            self.reading.logprobs.push(id);
        }
    }

    fn push(&mut self, id: NodeId, node: &Node, place: Place, form: Form) {
        let run = self.run_of(node, place, form);
        let Place { role, class, fixed, .. } = place;
        let plain = words::is_plain(self.raw(node));
        let is_id = fixed && form == Form::String && self.is_id(id, node);
        self.reading.parts.push(Part {
            node: id,
            role,
            class,
            form,
            fixed,
            signed: false,
            opaque: false,
            id: is_id,
            run,
            plain,
            channel: None,
        });
    }

    /// The run of a part: that of the text part before it, if it continues its text.
    fn run_of(&mut self, node: &Node, place: Place, form: Form) -> u32 {
        let joins = form == Form::String && !place.fixed && self.around(node) == Zone::Part;
        let Some((at, slot)) = joins.then(|| self.text_part(node)).flatten() else { return self.next_run() };
        let Place { role, class, .. } = place;
        let before = self.last.get(&at).filter(|last| last.slot.checked_add(1) == Some(slot) && last.role == role && last.class == class);
        let run = before.map(|last| last.run);
        let run = run.unwrap_or_else(|| self.next_run());
        self.last.insert(at, Tail { slot, run, role, class });
        run
    }

    fn next_run(&mut self) -> u32 {
        self.runs += 1;
        self.runs
    }

    /// For the text of a content part: its array and its name, and its position there.
    fn text_part(&self, node: &Node) -> Option<((NodeId, &'static str), u32)> {
        let part = self.tape.node(node.parent).filter(|part| part.kind == NodeKind::Object)?;
        self.tape.node(part.parent).filter(|array| array.kind == NodeKind::Array)?;
        let name = ["text", "thinking", "refusal"].into_iter().find(|name| self.tape.says(self.bytes, node.slot, name))?;
        Some(((part.parent, name), part.slot))
    }
}

/// What only items are, of what stands in lists and at the top of answers.
fn is_item(kind: Kind) -> bool {
    matches!(kind, Kind::Call | Kind::Drawing | Kind::ToolResult | Kind::Sealing)
}

/// Where content stands that is no text.
fn is_content(zone: Zone) -> bool {
    matches!(zone, Zone::Sealed | Zone::Image | Zone::Audio | Zone::File | Zone::Source | Zone::Blob | Zone::Pixels)
}

/// Gemini's parts are no tagged union: what is sealed there, its name says.
fn is_thought_signature(name: &str) -> bool {
    matches!(name, "thoughtSignature" | "thought_signature")
}

/// Whether a string's raw bytes begin, unescaped, as a `data:` URL does.
fn begins_as_data(raw: &[u8]) -> bool {
    match raw.first() {
        Some(b'd' | b'D' | b'\\') => unread::has_data_scheme(unescape(raw.get(..5 * 6).unwrap_or(raw)).as_bytes()),
        _ => false,
    }
}
