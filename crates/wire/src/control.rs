//! Control fields of a request: what decides which model is called and how. Parsers differ on repeated keys, so none may be repeated.

use bartizan_vocabulary::Role;

use crate::json::{Node, NodeId, NodeKind, Tape};
use crate::route::{Family, Route};
use crate::stored::Kept;
use crate::{gemini, stored};

/// Top-level members that must not occur twice, nor in another letter case.
const CONTROL: &[&str] = &[
    "model",
    "stream",
    "messages",
    "input",
    "system",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "n",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "previous_response_id",
    "conversation",
    "store",
    "metadata",
    "user",
    "logprobs",
    "top_logprobs",
    "stream_options",
    "response_format",
    "thinking",
    "stop",
    "stop_sequences",
    "instructions",
    "prompt",
    "suffix",
    "modalities",
    "mcp_servers",
    "container",
    "models",
    "fallbacks",
    "route",
    "provider",
    "api_base",
    "base_url",
    "api_key",
    "extra_body",
    "cached_content",
    "cachedContent",
    "background",
    "prediction",
    "web_search_options",
    "prompt_cache_key",
    "context_management",
];

/// Fields by which routers and proxies choose another model, another place or another key than those that were judged, or by which they
/// let a request begin with a cache of Gemini's: only in its own format that is looked up.
const ELSEWHERE: &[&str] =
    &["models", "fallbacks", "route", "provider", "api_base", "base_url", "api_key", "extra_body", "cached_content", "cachedContent"];

/// Members of content parts that must not occur twice, nor in another letter case: what a part is, and which file it names.
const OF_PARTS: &[&str] = &["type", "file", "file_id", "source"];

/// Longest name of a model.
const MODEL_BYTES: usize = 256;

// One bit each in `no_repeats`.
const _: () = assert!(CONTROL.len() <= 64, "too many control fields for a bit set");

/// Why a request's control fields are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The body is not an object.
    #[error("the body must be a JSON object")]
    NotAnObject,
    /// A field stands twice, or in another spelling. `role` is a field of a message, `type` of a content part; all others stand at the top.
    #[error("the field `{0}` occurs more than once, or in another letter case; send it once, in lower case")]
    Repeated(&'static str),
    /// The same of a field that has two spellings.
    #[error("the field `{0}` occurs more than once, or in another spelling; send it once, as `{0}`")]
    Respelt(&'static str),
    /// A field has the wrong type.
    #[error("the field `{0}` must be {1}")]
    Type(&'static str, &'static str),
    /// A required field is missing.
    #[error("the field `{0}` is missing")]
    Missing(&'static str),
    /// A feature that would leak what inspection hides, or that cannot be inspected.
    #[error("the field `{0}` cannot be inspected yet and is refused; remove it")]
    Refused(&'static str),
    /// A field that names what a provider keeps.
    #[error(
        "the field `{0}` names something that the provider keeps and that is not known here as this caller's, and is refused; send all of it in `input`"
    )]
    Stored(&'static str),
    /// Reasoning that only the provider knows.
    #[error(
        "`input` holds reasoning that only the provider knows, and that is not known here as this caller's; ask for it with `\"include\":[\"reasoning.encrypted_content\"]` and send that back"
    )]
    Reasoning,
    /// A field that leads past what is judged: to other models, places, keys or stored objects.
    #[error("the field `{0}` is not guarded yet and is refused; remove it")]
    Elsewhere(&'static str),
    /// A field that a route of the gate's own does not know.
    #[error("the body has a field that this route does not take; it takes {0}")]
    Unknown(&'static str),
    /// Two fields of which there may be one.
    #[error("send either `{0}` or `{1}`")]
    Either(&'static str, &'static str),
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// The model's node, a string. Where it is missing, the path names the model, or the provider has one for the route.
    pub model: Option<NodeId>,
    /// Further strings that name the model, as `NAME` or `models/NAME`: each must be the model of the path.
    pub also: Vec<NodeId>,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// The format's own user or session field.
    pub session: Option<NodeId>,
    /// The first message of the user.
    pub first_user: Option<NodeId>,
    /// What it says of what the provider keeps, on the route where that is guarded.
    pub kept: Option<Box<Kept>>,
}

/// Reads and checks the control fields of a request.
///
/// # Errors
/// A sentence for the client: which field is wrong, and what it must be.
pub fn control(tape: &Tape, bytes: &[u8], route: Route) -> Result<Control, ControlError> {
    if tape.node(0).is_none_or(|root| root.kind != NodeKind::Object) {
        return Err(ControlError::NotAnObject);
    }
    if route.family() == Family::Gemini {
        return gemini::control(tape, bytes, route);
    }
    if route.writes_conversation() {
        return stored::conversations::control(tape, bytes, route);
    }
    no_repeats(tape, bytes, CONTROL)?;
    let member = |name: &str| tape.member(bytes, 0, name);
    let is = |id: NodeId, kind: NodeKind| tape.node(id).is_some_and(|node| node.kind == kind);
    let model = member("model");
    if let Some(model) = model {
        check_model(tape, bytes, model)?;
    }
    let stream = match member("stream") {
        None => false,
        Some(id) if is(id, NodeKind::True) => true,
        Some(id) if is(id, NodeKind::False) || is(id, NodeKind::Null) => false,
        Some(_) => return Err(ControlError::Type("stream", "`true` or `false`")),
    };
    let mut kept = None;
    let first_user = match route {
        Route::Responses => {
            let (first_user, named) = stored::check(tape, bytes)?;
            kept = Some(Box::new(named));
            first_user
        }
        Route::Completions => Some(member("prompt").ok_or(ControlError::Missing("prompt"))?),
        Route::Embeddings | Route::Moderations => Some(member("input").ok_or(ControlError::Missing("input"))?),
        _ => {
            let messages = member("messages").ok_or(ControlError::Missing("messages"))?;
            check_messages(tape, bytes, messages)?;
            first_user(tape, bytes, messages)
        }
    };
    one_type_each(tape, bytes, 0)?;
    refuse_unguarded(tape, bytes, route)?;
    Ok(Control { model, also: Vec::new(), stream, session: session(tape, bytes, route.family()), first_user, kept })
}

pub(crate) fn check_model(tape: &Tape, bytes: &[u8], model: NodeId) -> Result<(), ControlError> {
    if tape.node(model).is_none_or(|node| node.kind != NodeKind::String) || tape.text(bytes, model).is_empty() {
        return Err(ControlError::Type("model", "a string that is not empty"));
    }
    if tape.text(bytes, model).len() > MODEL_BYTES {
        return Err(ControlError::Type("model", "at most 256 bytes long"));
    }
    Ok(())
}

/// Fields that lead past what is judged, or whose answers would repeat what inspection hides.
fn refuse_unguarded(tape: &Tape, bytes: &[u8], route: Route) -> Result<(), ControlError> {
    for (id, node) in tape.members(0) {
        // No name below has more letters, each of them escaped.
        if tape.node(node.slot).is_none_or(|key| key.inner().len() > 14 * 6) {
            continue;
        }
        let name = tape.text(bytes, node.slot);
        if node.kind != NodeKind::Null
            && let Some(&refused) = ELSEWHERE.iter().find(|refused| **refused == name)
        {
            return Err(ControlError::Elsewhere(refused));
        }
        let off = || matches!(node.kind, NodeKind::Null | NodeKind::False) || tape.text(bytes, id) == "0";
        match name.as_ref() {
            "container" if node.kind == NodeKind::String || names_container(tape, bytes, id) => {
                return Err(ControlError::Elsewhere("container"));
            }
            // Some servers take it for the id of the answer, which may be another's already.
            "request_id" if route == Route::Responses => return Err(ControlError::Elsewhere("request_id")),
            // Of a chat alone the gate follows the tokens.
            "logprobs" if route == Route::ChatCompletions && node.kind == NodeKind::True => {}
            "logprobs" if !off() => return Err(ControlError::Refused("logprobs")),
            "top_logprobs" if !off() => return Err(ControlError::Refused("top_logprobs")),
            "mcp_servers" => return Err(ControlError::Refused("mcp_servers")),
            _ => {}
        }
    }
    Ok(())
}

/// Whether the `container` of a request is one that the provider keeps, and not one to be made.
fn names_container(tape: &Tape, bytes: &[u8], container: NodeId) -> bool {
    let is_object = tape.node(container).is_some_and(|node| node.kind == NodeKind::Object);
    is_object
        && tape
            .members(container)
            .any(|(_, node)| node.kind != NodeKind::Null && is_named(tape, bytes, node.slot, &["id", "container_id"]).is_some())
}

fn check_messages(tape: &Tape, bytes: &[u8], messages: NodeId) -> Result<(), ControlError> {
    if tape.node(messages).is_none_or(|node| node.kind != NodeKind::Array) {
        return Err(ControlError::Type("messages", "an array"));
    }
    one_role_each(tape, bytes, messages)?;
    for (message, _) in tape.members(messages) {
        // One part that stands for the list of them is read alike by nobody.
        let content = |(_, node): &(NodeId, &Node)| is_named(tape, bytes, node.slot, &["content"]).is_some();
        let is_object = tape.node(message).is_some_and(|node| node.kind == NodeKind::Object);
        if is_object && tape.members(message).filter(content).any(|(_, node)| node.kind == NodeKind::Object) {
            return Err(ControlError::Type("content", "a string or an array"));
        }
        one_type_each(tape, bytes, message)?;
        no_files_in_text(tape, bytes, message)?;
    }
    Ok(())
}

/// Some vendors take a text that begins so for the file of that name, whoever sent it.
const IN_TEXT: &str = "fileid://";
/// So much of a text is looked at for that.
const BEGINNING: usize = 256;

/// No text of a message, or of an item, names a file.
pub(crate) fn no_files_in_text(tape: &Tape, bytes: &[u8], message: NodeId) -> Result<(), ControlError> {
    let names = |id: NodeId| {
        let raw = tape.node(id).filter(|node| node.kind == NodeKind::String).and_then(|node| bytes.get(node.inner())).unwrap_or_default();
        let raw = raw.trim_ascii_start();
        // Nearly every text is done with its first letter: it is none that `f`, an escape or a wide space could be.
        if !raw.first().is_some_and(|first| matches!(first, b'f' | b'F' | b'\\') || !first.is_ascii()) {
            return false;
        }
        let text = crate::json::unescape(raw.get(..BEGINNING).unwrap_or(raw));
        text.trim_start().get(..IN_TEXT.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(IN_TEXT))
    };
    let Some(content) = tape.member(bytes, message, "content") else { return Ok(()) };
    let part = |(part, _): (NodeId, &Node)| names(part) || tape.member(bytes, part, "text").is_some_and(names);
    if names(content) || tape.members(content).any(part) {
        return Err(ControlError::Type("content", "a text that does not begin with `fileid://`; name a file by its `file_id`"));
    }
    Ok(())
}

/// None of so many words, at most 64, may be repeated or respelt at the top.
pub(crate) fn no_repeats(tape: &Tape, bytes: &[u8], words: &[&'static str]) -> Result<(), ControlError> {
    let mut seen = 0_u64;
    for id in keys(tape, 0) {
        let Some((at, word)) = respelt(tape, bytes, id, words) else { continue };
        if seen & (1 << at) != 0 || *word != *tape.text(bytes, id) {
            return Err(ControlError::Repeated(word));
        }
        seen |= 1 << at;
    }
    Ok(())
}

/// Who speaks must be as certain as which model is called: rules and restoring depend on it.
pub(crate) fn one_role_each(tape: &Tape, bytes: &[u8], messages: NodeId) -> Result<(), ControlError> {
    for (message, _) in tape.members(messages) {
        let mut roles = keys(tape, message).filter(|id| respelt(tape, bytes, *id, &["role"]).is_some());
        if roles.next().is_some_and(|first| tape.text(bytes, first) != "role") || roles.next().is_some() {
            return Err(ControlError::Repeated("role"));
        }
    }
    Ok(())
}

/// What a content part is must be certain too: below the content of `holder`, under any of its names, no `type` is repeated.
pub(crate) fn one_type_each(tape: &Tape, bytes: &[u8], holder: NodeId) -> Result<(), ControlError> {
    let named = |node: &Node, names: &[&str]| names.contains(&tape.text(bytes, node.slot).as_ref());
    let is = |node: &Node, kind: NodeKind| node.kind == kind;
    // Callers nest as deep as a body may: no recursion.
    let mut holders = vec![holder];
    while let Some(holder) = holders.pop() {
        let contents = || tape.members(holder).filter(|(_, node)| named(node, &["content", "system", "output", "summary"]));
        // What is no list is one part.
        let alone = contents().filter(|(_, node)| is(node, NodeKind::Object));
        let lists = contents().filter(|(_, node)| is(node, NodeKind::Array)).flat_map(|(content, _)| tape.members(content));
        for (part, _) in lists.filter(|(_, node)| is(node, NodeKind::Object)).chain(alone) {
            one_type(tape, bytes, part)?;
            holders.push(part);
            for (inner, _) in tape.members(part).filter(|(_, node)| is(node, NodeKind::Object) && !named(node, &["input"])) {
                one_type(tape, bytes, inner)?;
                holders.push(inner);
            }
        }
    }
    Ok(())
}

pub(crate) fn one_type(tape: &Tape, bytes: &[u8], object: NodeId) -> Result<(), ControlError> {
    let mut seen = 0_u8;
    for id in keys(tape, object) {
        let Some((at, word)) = respelt(tape, bytes, id, OF_PARTS) else { continue };
        if seen & (1 << at) != 0 || *word != *tape.text(bytes, id) {
            return Err(ControlError::Repeated(word));
        }
        seen |= 1 << at;
    }
    Ok(())
}

fn keys(tape: &Tape, object: NodeId) -> impl Iterator<Item = NodeId> {
    tape.children(object).filter(|(_, node)| node.kind == NodeKind::Key).map(|(id, _)| id)
}

/// The word, of several, that some parser takes a key for.
pub(crate) fn is_named(tape: &Tape, bytes: &[u8], key: NodeId, words: &[&'static str]) -> Option<&'static str> {
    tape.node(key).filter(|node| node.kind == NodeKind::Key)?;
    respelt(tape, bytes, key, words).map(|(_, word)| word)
}

/// The word that some parser takes a key for: in another letter case, or with characters that it drops or stops at.
fn respelt(tape: &Tape, bytes: &[u8], key: NodeId, words: &[&'static str]) -> Option<(usize, &'static str)> {
    let node = tape.node(key)?;
    // The longest spelling of the longest word takes three bytes a letter (U+212A).
    if !node.escaped && node.inner().len() > 72 {
        return None;
    }
    if !node.escaped
        && let Some(name) = bytes.get(node.inner()).filter(|name| name.is_ascii())
    {
        return words.iter().copied().enumerate().find(|(_, word)| word.as_bytes().eq_ignore_ascii_case(name));
    }
    let name = tape.text(bytes, key);
    let find = |name: &str| words.iter().copied().enumerate().find(|(_, word)| folded_eq(word, name));
    if !node.escaped {
        return find(&name);
    }
    let stops = |char: char| matches!(char, '\0' | char::REPLACEMENT_CHARACTER);
    let dropped: String = name.chars().filter(|char| !stops(*char)).collect();
    find(&dropped).or_else(|| find(name.split(stops).next().unwrap_or_default()))
}

/// Equal as case-insensitive parsers see it: ASCII case, and the letters that Unicode folds or maps into ASCII
/// (U+017F, U+212A; U+0130 and U+0131 in simple upper and lower case).
fn folded_eq(word: &str, name: &str) -> bool {
    word.chars().eq(name.chars().map(folded))
}

/// A letter as case-insensitive parsers see it.
pub(crate) fn folded(char: char) -> char {
    match char {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        '\u{130}' | '\u{131}' => 'i',
        other => other.to_ascii_lowercase(),
    }
}

fn session(tape: &Tape, bytes: &[u8], family: Family) -> Option<NodeId> {
    let text = |id: NodeId| tape.node(id).filter(|node| node.kind == NodeKind::String && node.end - node.start > 2).map(|_| id);
    match family {
        Family::Anthropic => tape.member(bytes, 0, "metadata").and_then(|data| tape.member(bytes, data, "user_id")).and_then(text),
        Family::Gemini => None,
        Family::OpenAi => {
            ["prompt_cache_key", "user", "safety_identifier"].iter().find_map(|name| tape.member(bytes, 0, name).and_then(text))
        }
    }
}

pub(crate) fn first_user(tape: &Tape, bytes: &[u8], messages: NodeId) -> Option<NodeId> {
    let user = |id: NodeId| tape.member(bytes, id, "role").is_some_and(|role| tape.says(bytes, role, Role::User.as_str()));
    let message = tape.members(messages).map(|(id, _)| id).find(|id| user(*id))?;
    tape.member(bytes, message, "content")
}
