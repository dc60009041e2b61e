//! How an upstream answers without a script: an echo of what it was asked, or a fixed answer for measurements.

mod gemini;

use std::str::FromStr;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::canned;
use crate::upstream::Recorded;

/// Text of the fixed answer; the whole completion is about 300 bytes.
const FIXED: &str = "Paris is the capital of France.";
/// About five tokens.
const FIVE_TOKENS: &str = "and then it was so, ";

/// How to answer every request alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// `You said: …`, in the format and form that were asked for. Calls the first tool when the text speaks of a tool.
    Echo,
    /// A chat completion of about 300 bytes, or of the size that the model name asks for (`size-2k`).
    Fixed,
    /// A chat stream of so many events.
    Stream(usize),
}

impl FromStr for Manner {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "echo" => Ok(Self::Echo),
            "fixed" => Ok(Self::Fixed),
            _ => {
                let count = word.strip_prefix("stream:").and_then(|count| count.parse().ok());
                count.map(Self::Stream).ok_or_else(|| format!("`{word}` is none of echo, fixed, stream:N"))
            }
        }
    }
}

impl Manner {
    /// One answer. Builds it anew; see [`Manner::responder`].
    pub fn answer(self, request: &Recorded) -> Answer {
        match self {
            Self::Echo => echo(request),
            Self::Fixed => fixed(request),
            Self::Stream(count) => Answer::stream(stream_events(count)),
        }
    }

    /// A responder that prepares what does not depend on the request.
    pub fn responder(self) -> impl Fn(&Recorded) -> Answer + Send + Sync + 'static {
        let prepared = match self {
            Self::Echo => None,
            Self::Fixed => Some(Answer::json(canned::chat("fixed", FIXED))),
            Self::Stream(count) => Some(Answer::stream(stream_events(count))),
        };
        move |request| match &prepared {
            Some(answer) if self != Self::Fixed || asked_size(request).is_none() => answer.clone(),
            _ => self.answer(request),
        }
    }
}

fn stream_events(count: usize) -> Vec<Bytes> {
    // The opening, the finish, the usage chunk and `[DONE]` count as events too.
    let parts = vec![FIVE_TOKENS; count.saturating_sub(4)];
    canned::chat_events("fixed", &parts).into_iter().map(Bytes::from).collect()
}

/// Size in bytes that a model name such as `size-300` or `size-2k` asks for.
fn asked_size(request: &Recorded) -> Option<usize> {
    let at = memchr::memmem::find(&request.body, b"\"size-")? + b"\"size-".len();
    let word = request.body.get(at..)?.split(|byte| *byte == b'"').next()?;
    let word = std::str::from_utf8(word).ok()?;
    match word.strip_suffix('k') {
        Some(kilo) => kilo.parse::<usize>().ok()?.checked_mul(1_024),
        None => word.parse().ok(),
    }
}

fn fixed(request: &Recorded) -> Answer {
    let size = asked_size(request).unwrap_or(0);
    let filler = size.saturating_sub(canned::chat("fixed", "").len());
    let text: String = FIVE_TOKENS.chars().cycle().take(filler).collect();
    Answer::json(canned::chat("fixed", if filler == 0 { FIXED } else { &text }))
}

/// Which family's answer the path wants.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Chat,
    Responses,
    Messages,
}

fn echo(request: &Recorded) -> Answer {
    let path = request.path.split('?').next().unwrap_or_default();
    let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
    if path.ends_with("/models") {
        return Answer::json(canned::models(&["echo", "fixed"]));
    }
    if path.ends_with("/count_tokens") {
        return Answer::json(canned::token_count(last_user_text(&body).split_whitespace().count()));
    }
    let gemini = path.rsplit_once(':').and_then(|(_, method)| {
        let query = request.path.split_once('?').map_or("", |(_, query)| query);
        gemini::answer(method, query, &body)
    });
    if let Some(answer) = gemini {
        return answer;
    }
    let family = if path.ends_with("/chat/completions") {
        Family::Chat
    } else if path.ends_with("/responses") {
        Family::Responses
    } else if path.ends_with("/messages") {
        Family::Messages
    } else {
        return Answer::json(json!({"error": {"message": "no such route here"}}).to_string()).with_status(404);
    };
    let streams = body.get("stream").and_then(Value::as_bool).unwrap_or(false);
    let model = body.get("model").and_then(Value::as_str).unwrap_or("echo");
    let text = last_user_text(&body);
    match tool_call(&body, &text) {
        Some((name, arguments)) => echo_tool(family, streams, model, &name, &arguments),
        None => echo_text(family, streams, model, &format!("You said: {text}")),
    }
}

fn echo_text(family: Family, streams: bool, model: &str, text: &str) -> Answer {
    let parts = canned::parts(text, 4);
    match (family, streams) {
        (Family::Chat, false) => Answer::json(canned::chat(model, text)),
        (Family::Chat, true) => Answer::stream(canned::chat_events(model, &parts)),
        (Family::Responses, false) => Answer::json(canned::response(model, text)),
        (Family::Responses, true) => Answer::stream(canned::response_events(model, &parts)),
        (Family::Messages, false) => Answer::json(canned::message(model, text)),
        (Family::Messages, true) => Answer::stream(canned::message_events(model, &parts)),
    }
}

fn echo_tool(family: Family, streams: bool, model: &str, name: &str, arguments: &str) -> Answer {
    let parts = canned::parts(arguments, 3);
    match (family, streams) {
        (Family::Chat, false) => Answer::json(canned::chat_tool_call(model, name, arguments)),
        (Family::Chat, true) => Answer::stream(canned::chat_tool_events(model, name, &parts)),
        (Family::Responses, false) => Answer::json(canned::response_tool_call(model, name, arguments)),
        (Family::Responses, true) => Answer::stream(canned::response_tool_events(model, name, &parts)),
        (Family::Messages, false) => Answer::json(canned::message_tool_use(model, name, arguments)),
        (Family::Messages, true) => Answer::stream(canned::message_tool_events(model, name, &parts)),
    }
}

/// Text parts of the last user message, joined by spaces.
fn last_user_text(body: &Value) -> String {
    if let Some(text) = body.get("input").and_then(Value::as_str) {
        return text.to_owned();
    }
    let messages = body.get("messages").or_else(|| body.get("input")).and_then(Value::as_array);
    let is_user = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
    let content = messages.and_then(|list| list.iter().rfind(is_user)).and_then(|message| message.get("content"));
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect();
            texts.join(" ")
        }
        _ => String::new(),
    }
}

/// The first tool's name and arguments that hold the text, when there are tools and the text asks for one.
fn tool_call(body: &Value, text: &str) -> Option<(String, String)> {
    let tool = body.get("tools")?.as_array()?.first()?;
    let definition = tool.get("function").unwrap_or(tool);
    let name = definition.get("name")?.as_str()?;
    let schema = definition.get("parameters").or_else(|| definition.get("input_schema"));
    let properties = schema.and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    let argument = properties.and_then(|properties| properties.keys().next()).map_or("text", String::as_str);
    text.contains("tool").then(|| (name.to_owned(), json!({argument: text}).to_string()))
}
