//! The texts that grow through a stream, and which of them a piece belongs to.

use std::cell::OnceCell;
use std::collections::HashMap;

use bartizan_vocabulary::TextClass;

use crate::json::{NodeId, NodeKind, Tape};
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

/// Names channels. Looks at each object's `index` once, however many strings stand in it.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    indexes: HashMap<NodeId, Option<u32>>,
    /// Of arrays: whether they leave out an `index` that is zero.
    omitting: HashMap<NodeId, bool>,
    /// What the event of the Responses API says of all of its texts, once it has been looked at.
    told: OnceCell<Option<(Fnv, u32)>>,
}

impl Channels {
    /// Names the growing text that a string is a piece of: with `thought`, one of its own beside the answer's.
    pub(crate) fn name(&mut self, tape: &Tape, bytes: &[u8], id: NodeId, (alone, thought): (bool, bool)) -> Channel {
        let told = *self.told.get_or_init(|| told(tape, bytes));
        let (mut path, mut group) = match told {
            Some((path, group)) => (path, Some(group)),
            None => (Fnv::default(), self.index(tape, bytes, 0)),
        };
        if thought {
            path.mix(b"thought");
        }
        let mut at = id;
        while let Some(node) = tape.node(at).filter(|node| node.parent != at) {
            let array = tape.node(node.parent).is_some_and(|parent| parent.kind == NodeKind::Array);
            if array && is_parts(tape, bytes, node.parent) {
                // Every event counts its parts anew: their text goes on wherever they stand.
            } else if array {
                let index = self.element_index(tape, bytes, (at, node.parent), node.slot);
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
        Channel { path: path.0, group, alone }
    }

    /// Which of its array an element is: by its `index`, else by its position.
    fn element_index(&mut self, tape: &Tape, bytes: &[u8], (element, array): (NodeId, NodeId), slot: u32) -> u32 {
        let own = self.index(tape, bytes, element);
        own.unwrap_or_else(|| if self.omits_zero(tape, bytes, array) { 0 } else { slot })
    }

    fn omits_zero(&mut self, tape: &Tape, bytes: &[u8], array: NodeId) -> bool {
        *self.omitting.entry(array).or_insert_with(|| omits_zero(tape, bytes, array))
    }

    fn index(&mut self, tape: &Tape, bytes: &[u8], object: NodeId) -> Option<u32> {
        *self.indexes.entry(object).or_insert_with(|| index_of(tape, bytes, object))
    }
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
    tape.node(array).is_some_and(|node| node.parent == 0) && tape.key(bytes, array).is_some_and(|key| names.contains(&key.as_ref()))
}

/// Google leaves out a zero: a candidate without an `index` is the first, if another one has one.
pub(crate) fn omits_zero(tape: &Tape, bytes: &[u8], array: NodeId) -> bool {
    is_top(tape, bytes, array, &["candidates"]) && tape.members(array).any(|(element, _)| index_of(tape, bytes, element).is_some())
}

/// An array that holds pieces in whatever order: Gemini's `parts`, and the arguments of one of its calls.
fn is_parts(tape: &Tape, bytes: &[u8], array: NodeId) -> bool {
    tape.key(bytes, array).is_some_and(|key| matches!(key.as_ref(), "parts" | "partialArgs" | "partial_args"))
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
