//! Control fields of a request: what decides which model is called and how. Parsers differ on repeated keys, so none may be repeated.

use bartizan_vocabulary::Role;

use crate::json::{NodeId, NodeKind, Tape};
use crate::route::Family;

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
    "background",
    "prediction",
    "web_search_options",
];

/// Why a request's control fields are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The body is not an object.
    #[error("the body must be a JSON object")]
    NotAnObject,
    /// A field stands twice, or in two spellings.
    #[error("the field `{0}` occurs more than once, or in another letter case; send it once, in lower case")]
    Repeated(&'static str),
    /// A field has the wrong type.
    #[error("the field `{0}` must be {1}")]
    Type(&'static str, &'static str),
    /// A required field is missing.
    #[error("the field `{0}` is missing")]
    Missing(&'static str),
    /// A feature that would leak what inspection hides, or that cannot be inspected.
    #[error("the field `{0}` cannot be inspected yet and is refused; remove it")]
    Refused(&'static str),
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// The model's node, a string.
    pub model: NodeId,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// The format's own user or session field.
    pub session: Option<NodeId>,
    /// The first message of the user.
    pub first_user: Option<NodeId>,
}

/// Reads and checks the control fields of a request.
///
/// # Errors
/// A sentence for the client: which field is wrong, and what it must be.
pub fn control(tape: &Tape, bytes: &[u8], family: Family) -> Result<Control, ControlError> {
    if tape.node(0).is_none_or(|root| root.kind != NodeKind::Object) {
        return Err(ControlError::NotAnObject);
    }
    no_repeats(tape, bytes)?;
    let member = |name: &str| tape.member(bytes, 0, name);
    let is = |id: NodeId, kind: NodeKind| tape.node(id).is_some_and(|node| node.kind == kind);
    let model = member("model").ok_or(ControlError::Missing("model"))?;
    if !is(model, NodeKind::String) || tape.text(bytes, model).is_empty() {
        return Err(ControlError::Type("model", "a string that is not empty"));
    }
    let stream = match member("stream") {
        None => false,
        Some(id) if is(id, NodeKind::True) => true,
        Some(id) if is(id, NodeKind::False) || is(id, NodeKind::Null) => false,
        Some(_) => return Err(ControlError::Type("stream", "`true` or `false`")),
    };
    let messages = member("messages").ok_or(ControlError::Missing("messages"))?;
    if !is(messages, NodeKind::Array) {
        return Err(ControlError::Type("messages", "an array"));
    }
    for refused in ["logprobs", "top_logprobs"] {
        if member(refused).is_some_and(|id| !is(id, NodeKind::Null) && !is(id, NodeKind::False) && tape.text(bytes, id) != "0") {
            return Err(ControlError::Refused(if refused == "logprobs" { "logprobs" } else { "top_logprobs" }));
        }
    }
    if member("mcp_servers").is_some() {
        return Err(ControlError::Refused("mcp_servers"));
    }
    Ok(Control { model, stream, session: session(tape, bytes, family), first_user: first_user(tape, bytes, messages) })
}

fn no_repeats(tape: &Tape, bytes: &[u8]) -> Result<(), ControlError> {
    let mut seen = 0_u64;
    for (id, node) in tape.nodes().filter(|(_, node)| node.kind == NodeKind::Key && node.parent == 0) {
        let length = (node.end - node.start) as usize;
        if !node.escaped && length > 48 {
            continue;
        }
        let name = tape.text(bytes, id);
        let Some(at) = CONTROL.iter().position(|word| folded_eq(word, &name)) else { continue };
        let word = CONTROL.get(at).copied().unwrap_or_default();
        if seen & (1 << at) != 0 || *word != *name {
            return Err(ControlError::Repeated(word));
        }
        seen |= 1 << at;
    }
    Ok(())
}

/// Equal as case-insensitive parsers see it: ASCII case, and the two letters that Unicode folds into ASCII (U+017F, U+212A).
fn folded_eq(word: &str, name: &str) -> bool {
    let fold = |char: char| match char {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    word.chars().eq(name.chars().map(fold))
}

fn session(tape: &Tape, bytes: &[u8], family: Family) -> Option<NodeId> {
    let text = |id: NodeId| tape.node(id).filter(|node| node.kind == NodeKind::String && node.end - node.start > 2).map(|_| id);
    match family {
        Family::Anthropic => tape.member(bytes, 0, "metadata").and_then(|data| tape.member(bytes, data, "user_id")).and_then(text),
        Family::OpenAi => ["prompt_cache_key", "user"].iter().find_map(|name| tape.member(bytes, 0, name).and_then(text)),
    }
}

fn first_user(tape: &Tape, bytes: &[u8], messages: NodeId) -> Option<NodeId> {
    let user = |id: NodeId| tape.member(bytes, id, "role").is_some_and(|role| tape.text(bytes, role) == Role::User.as_str());
    let message = tape.members(messages).map(|(id, _)| id).find(|id| user(*id))?;
    tape.member(bytes, message, "content")
}
