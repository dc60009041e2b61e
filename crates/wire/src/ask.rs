//! Bodies that ask for a verdict: the gate's own form, and those in which other gateways ask their guards. What each holds, and what
//! of it is to be inspected.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use bartizan_vocabulary::TextClass;

use crate::body::{Form, Part, Reading, Side, walk};
use crate::control::{Control, ControlError, check_model, first_user, no_repeats, one_role_each, one_type_each};
use crate::json::{NodeId, NodeKind, Tape};
use crate::route::Route;

/// Members of the gate's own form.
const OWN: &[&str] = &["direction", "model", "text", "messages", "conversation", "request"];
/// The same, for a sentence.
const OWN_SENTENCE: &str = "`direction`, `model`, `text` or `messages`, `conversation` and `request`";

/// Members of `LiteLLM`'s form that hold what is judged.
const LITELLM: &[&str] = &["input_type", "model", "texts", "images", "tools", "tool_calls", "structured_messages"];
/// Members of it that tell of the call and its account. They go nowhere: nothing of them is in an answer.
const LITELLM_APART: &[&str] =
    &["request_data", "request_headers", "litellm_call_id", "litellm_trace_id", "litellm_version", "additional_provider_specific_params"];

/// The member of agentgateway's form.
const WEBHOOK: &[&str] = &["body"];

/// Where the texts of such a body stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// One text.
    pub text: Option<NodeId>,
    /// Messages as in chat completions.
    pub messages: Option<NodeId>,
    /// Answers, each with a message.
    pub choices: Option<NodeId>,
    /// Texts without their messages.
    pub texts: Option<NodeId>,
    /// Definitions of tools.
    pub tools: Option<NodeId>,
    /// Calls of tools without their messages.
    pub calls: Option<NodeId>,
}

/// A body that asks for a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What it is said to be: a request, or an answer.
    pub side: Side,
    /// Model, conversation, the first thing that the user said.
    pub control: Control,
    /// Where its texts stand.
    pub content: Content,
    /// The request that an answer belongs to: pseudonyms that were minted there are restored.
    pub request: Option<NodeId>,
    /// Members that are not content and go nowhere.
    apart: Vec<NodeId>,
}

/// Of texts and tool calls that stand in a message too: the same string there.
pub type Repeats = HashMap<NodeId, NodeId>;

/// Reads what a body that asks for a verdict holds.
///
/// # Errors
/// A sentence for the caller.
pub fn ask(tape: &Tape, bytes: &[u8], route: Route) -> Result<Ask, ControlError> {
    let reader = Asking::new(tape, bytes)?;
    match route {
        Route::LitellmGuard => reader.litellm(),
        Route::WebhookRequest => reader.webhook(Side::Request),
        Route::WebhookResponse => reader.webhook(Side::Answer),
        _ => reader.own(None),
    }
}

/// Reads the request that an answer belongs to: the gate's own form, in which the direction may be left out.
///
/// # Errors
/// A sentence for the caller.
pub fn asked(tape: &Tape, bytes: &[u8]) -> Result<Ask, ControlError> {
    let ask = Asking::new(tape, bytes)?.own(Some(Side::Request))?;
    if ask.side == Side::Request { Ok(ask) } else { Err(ControlError::Type("request", "the body that was sent for the request")) }
}

/// What of such a body must be inspected. In a request, a text that stands in a message too is inspected there, where its speaker and
/// its neighbours are known. A call that does not could not be given back edited, so it is fixed.
pub fn read_ask(tape: &Tape, bytes: &[u8], ask: &Ask) -> (Reading, Repeats) {
    let mut reading = walk(tape, bytes, ask.side, true);
    let range = |id: NodeId| tape.node(id).map_or(0..0, |node| node.slot..node.next);
    let apart: Vec<Range<NodeId>> = ask.apart.iter().map(|id| range(*id)).collect();
    let kept = |id: NodeId| !apart.iter().any(|range| range.contains(&id));
    reading.parts.retain(|part| kept(part.node));
    reading.unread.retain(|unread| kept(unread.node));
    reading.logprobs.retain(|id| kept(*id));
    let inside = |holder: Option<NodeId>| holder.map_or(0..0, range);
    let (texts, calls) = (inside(ask.content.texts), inside(ask.content.calls));
    if texts.is_empty() && calls.is_empty() {
        return (reading, Repeats::new());
    }
    let rows = inside(ask.content.messages.filter(|_| ask.side == Side::Request));
    let repeats = repeats(tape, bytes, &reading, &rows, [&texts, &calls]);
    reading.parts.retain(|part| !repeats.contains_key(&part.node));
    for part in &mut reading.parts {
        part.fixed |= calls.contains(&part.node);
    }
    (reading, repeats)
}

/// Of each string in `ranges` the same string of the same nature in a message: the first one of the first, the second one of the second.
fn repeats(tape: &Tape, bytes: &[u8], reading: &Reading, rows: &Range<NodeId>, ranges: [&Range<NodeId>; 2]) -> Repeats {
    let mut known: HashMap<(Cow<'_, str>, TextClass, bool, bool), Vec<NodeId>> = HashMap::new();
    let key = |part: &Part| (tape.text(bytes, part.node), prose(part.class), part.fixed, part.id);
    let strings = || reading.parts.iter().filter(|part| part.form == Form::String && !part.opaque);
    for part in strings().filter(|part| rows.contains(&part.node)) {
        known.entry(key(part)).or_default().push(part.node);
    }
    let mut repeats = Repeats::new();
    for range in ranges {
        let mut seen: HashMap<NodeId, usize> = HashMap::new();
        for part in strings().filter(|part| range.contains(&part.node)) {
            let Some([first, more @ ..]) = known.get(&key(part)).map(Vec::as_slice) else { continue };
            let at = seen.entry(*first).or_default();
            let node = at.checked_sub(1).map_or(first, |at| more.get(at).or(more.last()).unwrap_or(first));
            repeats.insert(part.node, *node);
            *at += 1;
        }
    }
    repeats
}

/// Results of tools and documents are prose, as texts without their messages are. Everything else is inspected in its own way.
fn prose(class: TextClass) -> TextClass {
    if matches!(class, TextClass::ToolResult | TextClass::Document) { TextClass::Text } else { class }
}

struct Asking<'a> {
    tape: &'a Tape,
    bytes: &'a [u8],
}

impl<'a> Asking<'a> {
    fn new(tape: &'a Tape, bytes: &'a [u8]) -> Result<Self, ControlError> {
        let object = tape.node(0).is_some_and(|root| root.kind == NodeKind::Object);
        if object { Ok(Self { tape, bytes }) } else { Err(ControlError::NotAnObject) }
    }

    fn kind(&self, id: NodeId) -> Option<NodeKind> {
        self.tape.node(id).map(|node| node.kind)
    }

    /// A member of an object, unless it is `null`.
    fn member(&self, object: NodeId, name: &str) -> Option<NodeId> {
        self.tape.member(self.bytes, object, name).filter(|id| self.kind(*id) != Some(NodeKind::Null))
    }

    fn of_kind(&self, object: NodeId, name: &'static str, kind: NodeKind, what: &'static str) -> Result<Option<NodeId>, ControlError> {
        match self.member(object, name) {
            Some(id) if self.kind(id) != Some(kind) => Err(ControlError::Type(name, what)),
            found => Ok(found),
        }
    }

    fn array(&self, object: NodeId, name: &'static str) -> Result<Option<NodeId>, ControlError> {
        self.of_kind(object, name, NodeKind::Array, "an array")
    }

    /// An array of strings.
    fn strings(&self, name: &'static str) -> Result<Option<NodeId>, ControlError> {
        let found = self.array(0, name)?;
        let only = found.is_none_or(|array| self.tape.members(array).all(|(_, node)| node.kind == NodeKind::String));
        if only { Ok(found) } else { Err(ControlError::Type(name, "an array of strings")) }
    }

    /// An array of messages, of which each says once who speaks.
    fn messages(&self, object: NodeId, name: &'static str) -> Result<Option<NodeId>, ControlError> {
        let found = self.array(object, name)?;
        if let Some(messages) = found {
            one_role_each(self.tape, self.bytes, messages)?;
            for (message, _) in self.tape.members(messages) {
                one_type_each(self.tape, self.bytes, message)?;
            }
        }
        Ok(found)
    }

    fn model(&self) -> Result<Option<NodeId>, ControlError> {
        let model = self.member(0, "model");
        if let Some(model) = model {
            check_model(self.tape, self.bytes, model)?;
        }
        Ok(model)
    }

    /// What a member says of the direction; `usual` where it may be missing.
    fn side(&self, name: &'static str, usual: Option<Side>) -> Result<Side, ControlError> {
        let Some(id) = self.member(0, name) else { return usual.ok_or(ControlError::Missing(name)) };
        let says = |word| self.kind(id) == Some(NodeKind::String) && self.tape.says(self.bytes, id, word);
        match (says("request"), says("response")) {
            (true, _) => Ok(Side::Request),
            (_, true) => Ok(Side::Answer),
            _ => Err(ControlError::Type(name, "`request` or `response`")),
        }
    }

    fn control(model: Option<NodeId>, session: Option<NodeId>, first_user: Option<NodeId>) -> Control {
        Control { model, also: Vec::new(), stream: false, session, first_user, kept: None }
    }

    fn own(&self, usual: Option<Side>) -> Result<Ask, ControlError> {
        no_repeats(self.tape, self.bytes, OWN)?;
        let known = |slot: NodeId| OWN.iter().any(|name| self.tape.says(self.bytes, slot, name));
        if !self.tape.members(0).all(|(_, node)| known(node.slot)) {
            return Err(ControlError::Unknown(OWN_SENTENCE));
        }
        let side = self.side("direction", usual)?;
        let text = self.of_kind(0, "text", NodeKind::String, "a string")?;
        let messages = self.messages(0, "messages")?;
        match (text, messages) {
            (Some(_), Some(_)) => return Err(ControlError::Either("text", "messages")),
            (None, None) => return Err(ControlError::Missing("messages")),
            _ => {}
        }
        let session = self.of_kind(0, "conversation", NodeKind::String, "a string")?;
        let request = self.of_kind(0, "request", NodeKind::Object, "the body that was sent for the request")?;
        if request.is_some() && (side == Side::Request || usual.is_some()) {
            return Err(ControlError::Type("request", "left out where the texts are a request"));
        }
        let first = text.or_else(|| first_user(self.tape, self.bytes, messages?));
        let told = ["direction", "conversation", "request"];
        let apart = told.iter().filter_map(|name| self.tape.member(self.bytes, 0, name)).collect();
        let content = Content { text, messages, ..Content::default() };
        Ok(Ask { side, control: Self::control(self.model()?, session, first), content, request, apart })
    }

    fn litellm(&self) -> Result<Ask, ControlError> {
        let names: Vec<&'static str> = LITELLM.iter().chain(LITELLM_APART).copied().collect();
        no_repeats(self.tape, self.bytes, &names)?;
        let side = self.side("input_type", None)?;
        self.strings("images")?;
        let messages = self.messages(0, "structured_messages")?;
        let content = Content {
            messages,
            texts: self.strings("texts")?,
            tools: self.array(0, "tools")?,
            calls: self.array(0, "tool_calls")?,
            ..Content::default()
        };
        let first_text = content.texts.and_then(|texts| Some(self.tape.members(texts).next()?.0));
        let first = messages.and_then(|messages| first_user(self.tape, self.bytes, messages)).or(first_text);
        let apart = LITELLM_APART.iter().chain(&["input_type"]).filter_map(|name| self.tape.member(self.bytes, 0, name)).collect();
        Ok(Ask { side, control: Self::control(self.model()?, None, first), content, request: None, apart })
    }

    fn webhook(&self, side: Side) -> Result<Ask, ControlError> {
        no_repeats(self.tape, self.bytes, WEBHOOK)?;
        let body = self.of_kind(0, "body", NodeKind::Object, "an object")?.ok_or(ControlError::Missing("body"))?;
        let content = if side == Side::Request {
            let messages = self.messages(body, "messages")?.ok_or(ControlError::Missing("messages"))?;
            Content { messages: Some(messages), ..Content::default() }
        } else {
            let choices = self.array(body, "choices")?.ok_or(ControlError::Missing("choices"))?;
            Content { choices: Some(choices), ..Content::default() }
        };
        let first = content.messages.and_then(|messages| first_user(self.tape, self.bytes, messages));
        Ok(Ask { side, control: Self::control(None, None, first), content, request: None, apart: Vec::new() })
    }
}
