//! The texts that grow through a stream, and which of them a piece belongs to.

use bartizan_vocabulary::TextClass;

use crate::json::{Node, NodeId, NodeKind, Tape};
use crate::responses::{self, Told};
use crate::zone::Zone;

/// One growing text of a stream: the content of a choice, the arguments of a tool call, a content block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Channel {
    /// Hash of the path, array positions replaced by the elements' own `index`.
    pub path: u64,
    /// The choice or content block that it belongs to.
    pub group: u32,
    /// Its pieces may be complete texts as well: each is to be inspected on its own too.
    pub alone: bool,
}

/// Members whose strings come in pieces, in every format. Any other string below the `delta` itself is complete when it comes.
const PIECES: &[&str] = &[
    "content",
    "text",
    "arguments",
    "partial_json",
    "input",
    "thinking",
    "reasoning_content",
    "reasoning",
    "refusal",
    "transcript",
    "summary",
];

/// Members that hold objects in which such pieces stand.
const HOLDERS: &[&str] = &["tool_calls", "function", "function_call", "custom", "reasoning_details", "thinking_blocks", "audio"];

/// How what stands at a place in a stream event comes: complete, or as a piece of a text that other events go on with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Growth {
    /// Complete.
    #[default]
    Whole,
    /// Around the deltas.
    Top,
    /// A delta: what no format names may be a piece of a text, or be complete.
    Delta,
    /// An opening block, before the deltas of its text. What is nested in it is complete.
    Block,
    /// The `message` of a choice: complete, or a piece all the same.
    Message,
    /// Of a Gemini candidate: its content, the parts of that, and each part.
    Turn,
    /// A function call of a Gemini part: complete, unless its arguments come in pieces.
    Call,
    /// Arguments of a Gemini function call, in pieces.
    Partial,
    /// Nested in a delta, and holds pieces.
    Holder,
    /// A piece, or an array or object of content parts that hold pieces.
    Pieces,
    /// A piece if it is a string.
    Piece,
    /// Perhaps a piece, perhaps complete: it must be inspected as both.
    Either,
    /// An identifier that clients put together from pieces.
    Name,
    /// The top of an event of the Responses API whose `delta` is a piece of a text.
    Told,
    /// The same, of a kind that is not known.
    Rumour,
    /// Such a `delta`.
    Line,
}

impl Growth {
    /// What stands under `key` of an object that stands here.
    pub(crate) fn under(self, zone: Zone, class: TextClass, key: &str) -> Self {
        match self {
            Self::Top => Self::below_top(zone, key),
            Self::Turn => Self::below_turn(zone, key),
            Self::Call if matches!(key, "partialArgs" | "partial_args") => Self::Partial,
            Self::Partial if matches!(key, "stringValue" | "string_value") => Self::Either,
            Self::Told if key == "delta" => Self::Line,
            Self::Rumour if key == "delta" => Self::Delta,
            Self::Delta if PIECES.contains(&key) => Self::Pieces,
            Self::Delta if HOLDERS.contains(&key) => Self::Holder,
            Self::Block if PIECES.contains(&key) => Self::Piece,
            Self::Delta | Self::Block | Self::Message | Self::Line => Self::Either,
            // Arguments that come as an object are complete.
            Self::Pieces if class == TextClass::ToolArguments => Self::Whole,
            Self::Holder | Self::Pieces if PIECES.contains(&key) => Self::Pieces,
            Self::Holder | Self::Pieces if HOLDERS.contains(&key) => Self::Holder,
            Self::Holder if zone == Zone::ToolCall && key == "name" => Self::Name,
            // A kind of tool that nobody knows yet has its pieces in an object of its own.
            Self::Holder if zone == Zone::ToolCall => Self::Holder,
            _ => Self::Whole,
        }
    }

    fn below_top(zone: Zone, key: &str) -> Self {
        match (zone, key) {
            (Zone::Root | Zone::Choice, "delta") => Self::Delta,
            (Zone::Root, "content_block") => Self::Block,
            (Zone::Choice, "message") => Self::Message,
            (Zone::Choice, "text") => Self::Piece,
            (Zone::Root, "choices" | "candidates") => Self::Top,
            (Zone::Choice, "content") => Self::Turn,
            _ => Self::Whole,
        }
    }

    fn below_turn(zone: Zone, key: &str) -> Self {
        match (zone, key) {
            (Zone::Message, "parts") => Self::Turn,
            (Zone::Part, "text") => Self::Piece,
            (Zone::Part, "functionCall" | "function_call" | "toolCall" | "tool_call") => Self::Call,
            (Zone::Part, "audioTranscription" | "audio_transcription") => Self::Holder,
            // Code and what it put out are not known to come in pieces, nor is a kind of part that nobody knows yet.
            (Zone::Part, "executableCode" | "executable_code" | "codeExecutionResult" | "code_execution_result") => Self::Message,
            _ => Self::Either,
        }
    }

    /// An element of an array that stands here.
    pub(crate) fn element(self) -> Self {
        match self {
            Self::Top | Self::Turn | Self::Partial | Self::Holder | Self::Pieces => self,
            _ => Self::Whole,
        }
    }

    /// Whether a string that stands here is a piece; if so, whether it may be a complete text too.
    pub(crate) fn piece(self, fixed: bool) -> Option<bool> {
        match self {
            Self::Name => Some(true),
            _ if fixed => None,
            Self::Pieces | Self::Piece | Self::Line => Some(false),
            Self::Either | Self::Delta | Self::Turn => Some(true),
            _ => None,
        }
    }
}

/// Names channels. Mixes each object's and array's key, and looks at its `index`, once, however many strings stand in it: strings
/// must be named in document order.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    /// The objects and arrays around the string named last, the outermost first.
    around: Vec<Around>,
}

/// What the names of all that stands in an object or array begin with.
#[derive(Clone, Copy, Debug)]
struct Around {
    id: NodeId,
    /// The node behind it.
    next: NodeId,
    name: Name,
    elements: Elements,
}

/// How the elements of an array are told apart.
#[derive(Clone, Copy, Debug, Default)]
enum Elements {
    /// By their `index`, else by their position.
    #[default]
    Plain,
    /// The same, and each is a choice.
    Choices { omits_zero: bool },
    /// Not at all: every event counts its parts anew, and their text goes on wherever they stand.
    Parts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Name {
    path: Fnv,
    group: Option<u32>,
}

impl Channels {
    /// Names the growing text that a string is a piece of: with `thought`, one of its own beside the answer's.
    pub(crate) fn name(&mut self, tape: &Tape, bytes: &[u8], id: NodeId, (alone, thought): (bool, bool)) -> Channel {
        while self.around.last().is_some_and(|around| around.next <= id) {
            self.around.pop();
        }
        self.enter(tape, bytes, id);
        let Name { mut path, group } = self.around.last().map_or_else(Name::default, |around| around.below(tape, bytes, id));
        if thought {
            path.mix(b"thought");
        }
        let group = group.unwrap_or(0);
        path.mix(&group.to_le_bytes());
        Channel { path: path.0, group, alone }
    }

    /// Names what holds a node and is not named yet.
    fn enter(&mut self, tape: &Tape, bytes: &[u8], id: NodeId) {
        let known = self.around.len();
        let innermost = self.around.last().map(|around| around.id);
        let mut at = id;
        while let Some((parent, node)) = holder(tape, at).filter(|(parent, _)| Some(*parent) != innermost) {
            let elements = if node.kind == NodeKind::Array { Elements::of(tape, bytes, parent) } else { Elements::Plain };
            self.around.push(Around { id: parent, next: node.next, name: Name::default(), elements });
            at = parent;
        }
        if let Some(fresh) = self.around.get_mut(known..) {
            fresh.reverse();
        }
        let mut outer = known.checked_sub(1).and_then(|last| self.around.get(last)).copied();
        for around in self.around.iter_mut().skip(known) {
            around.name = outer.map_or_else(|| Name::root(tape, bytes), |outer| outer.below(tape, bytes, around.id));
            outer = Some(*around);
        }
    }
}

impl Elements {
    fn of(tape: &Tape, bytes: &[u8], array: NodeId) -> Self {
        if is_parts(tape, bytes, array) {
            return Self::Parts;
        }
        if is_choices(tape, bytes, array) { Self::Choices { omits_zero: omits_zero(tape, bytes, array) } } else { Self::Plain }
    }
}

impl Name {
    /// What all names in an event begin with.
    fn root(tape: &Tape, bytes: &[u8]) -> Self {
        match told(tape, bytes) {
            Some((path, group)) => Self { path, group: Some(group) },
            None => Self { path: Fnv::default(), group: index_of(tape, bytes, 0) },
        }
    }
}

impl Around {
    /// The name of what stands directly in it.
    fn below(&self, tape: &Tape, bytes: &[u8], id: NodeId) -> Name {
        let mut name = self.name;
        let Some((_, holder)) = holder(tape, id) else { return name };
        let slot = tape.node(id).map_or(0, |node| node.slot);
        if holder.kind == NodeKind::Array {
            let position = if matches!(self.elements, Elements::Choices { omits_zero: true }) { 0 } else { slot };
            let index = || index_of(tape, bytes, id).unwrap_or(position);
            match self.elements {
                Elements::Parts => {}
                Elements::Plain => name.path.mix(&index().to_le_bytes()),
                Elements::Choices { .. } => {
                    let index = index();
                    name.path.mix(&index.to_le_bytes());
                    name.group = Some(index);
                }
            }
            return name;
        }
        match tape.text(bytes, slot).as_ref() {
            "content_block" => name.path.mix(b"delta"),
            "partial_json" | "input" => name.path.mix(b"input"),
            key => name.path.mix(key.as_bytes()),
        }
        name
    }
}

/// What holds a node; nothing holds the root.
fn holder(tape: &Tape, id: NodeId) -> Option<(NodeId, &Node)> {
    let parent = tape.node(id).map(|node| node.parent).filter(|parent| *parent != id)?;
    tape.node(parent).map(|node| (parent, node))
}

/// What the members of an event of the Responses API say of its text: a name that goes on in [`Channels::name`], and the item.
fn told(tape: &Tape, bytes: &[u8]) -> Option<(Fnv, u32)> {
    let member = |name: &str| tape.member(bytes, 0, name).map(|id| tape.text(bytes, id));
    let kind = member("type")?;
    let mut path = Fnv::default();
    path.mix(responses::stem(&kind)?.as_bytes());
    for name in responses::INDEXES {
        path.mix(member(name).unwrap_or_default().as_bytes());
    }
    Some((path, item_of(tape, bytes)))
}

/// Which item an event of the Responses API is about. The place counts: some providers give an item another id in every event.
pub(crate) fn item_of(tape: &Tape, bytes: &[u8]) -> u32 {
    let member = |name: &str| tape.member(bytes, 0, name).map(|id| tape.text(bytes, id));
    member("output_index").and_then(|index| index.parse().ok()).unwrap_or_else(|| {
        let mut hash = Fnv::default();
        hash.mix(member("item_id").unwrap_or_default().as_bytes());
        // Any number will do, as long as it is the same for the same id.
        u32::try_from(hash.0 >> 32).unwrap_or(0)
    })
}

/// The growing text that an event of the Responses API ends, if it ends one.
pub(crate) fn ended(tape: &Tape, bytes: &[u8], kind: &str) -> Option<Channel> {
    let told = responses::ends_text(kind).then(|| told(tape, bytes)).flatten();
    let (mut path, group) = told?;
    path.mix(b"delta");
    path.mix(&group.to_le_bytes());
    Some(Channel { path: path.0, group, alone: Told::of(kind) == Some(Told::Complete) })
}

/// The array `choices` or `candidates` of the top object.
fn is_choices(tape: &Tape, bytes: &[u8], array: NodeId) -> bool {
    is_top(tape, bytes, array, &["choices", "candidates"])
}

fn is_top(tape: &Tape, bytes: &[u8], array: NodeId, names: &[&str]) -> bool {
    tape.node(array).is_some_and(|node| node.parent == 0) && names.iter().any(|name| tape.is_named(bytes, array, name))
}

/// Google leaves out a zero: a candidate without an `index` is the first, if another one has one.
pub(crate) fn omits_zero(tape: &Tape, bytes: &[u8], array: NodeId) -> bool {
    is_top(tape, bytes, array, &["candidates"]) && tape.members(array).any(|(element, _)| index_of(tape, bytes, element).is_some())
}

/// An array that holds pieces in whatever order: Gemini's `parts`, and the arguments of one of its calls.
fn is_parts(tape: &Tape, bytes: &[u8], array: NodeId) -> bool {
    ["parts", "partialArgs", "partial_args"].iter().any(|name| tape.is_named(bytes, array, name))
}

/// The `index` member of an object.
pub(crate) fn index_of(tape: &Tape, bytes: &[u8], object: NodeId) -> Option<u32> {
    let member = tape.member(bytes, object, "index")?;
    tape.text(bytes, member).parse().ok()
}

/// FNV-1a, 64 bits: a name within one stream, no defence against chosen collisions, which could only join two texts of one answer.
#[derive(Clone, Copy, Debug)]
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
