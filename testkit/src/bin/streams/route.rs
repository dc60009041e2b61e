//! The streaming routes: what the client asks, how the provider's events look, and where the text stands in them.

use bartizan_testkit::canned;
use bartizan_testkit::traffic::EMAIL;
use bytes::Bytes;
use serde_json::{Value, json};

/// How a stream is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenAI's chat completions.
    Chat,
    /// Anthropic's Messages.
    Messages,
    /// OpenAI's Responses.
    Responses,
    /// OpenAI's completions.
    Completions,
    /// Gemini's `streamGenerateContent` with `alt=sse`.
    Gemini,
}

impl Format {
    /// The events of an answer with its text in the given parts.
    pub fn events(self, parts: &[&str]) -> Vec<Bytes> {
        let events = match self {
            Self::Chat => canned::chat_events("fixed", parts),
            Self::Messages => canned::message_events("fixed", parts),
            Self::Responses => canned::response_events("fixed", parts),
            Self::Completions => completion_events(parts),
            Self::Gemini => canned::gemini_events(&parts.iter().map(|part| json!([{"text": part}])).collect::<Vec<_>>()),
        };
        events.into_iter().map(Bytes::from).collect()
    }

    /// The new text in an event, if it is one that brings some.
    pub fn delta(self, event: &str) -> Option<String> {
        let data = event.lines().find_map(|line| line.strip_prefix("data:"))?;
        let data: Value = serde_json::from_str(data.trim()).ok()?;
        let text = match self {
            Self::Chat => data.pointer("/choices/0/delta/content"),
            Self::Messages => data.pointer("/delta/text"),
            Self::Responses => data.get("delta"),
            Self::Completions => data.pointer("/choices/0/text"),
            Self::Gemini => data.pointer("/candidates/0/content/parts/0/text"),
        };
        text.and_then(Value::as_str).map(str::to_owned)
    }

    /// Path of its route.
    fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
            Self::Responses => "/v1/responses",
            Self::Completions => "/v1/completions",
            Self::Gemini => "/v1beta/models/fixed:streamGenerateContent?alt=sse",
        }
    }

    /// A request for a stream. There is an address of the caller's in it, so that the gate watches for its pseudonym in the answer.
    fn request(self, model: &str) -> Bytes {
        let text = format!("Write to {EMAIL} and tell a long story about a harbour town.");
        let messages = json!([{"role": "user", "content": text}]);
        let body = match self {
            Self::Chat => json!({"model": model, "stream": true, "messages": messages}),
            Self::Messages => json!({"model": model, "stream": true, "max_tokens": 1_000, "messages": messages}),
            Self::Responses => json!({"model": model, "stream": true, "store": false, "input": text}),
            Self::Completions => json!({"model": model, "stream": true, "prompt": text}),
            Self::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": text}]}]}),
        };
        Bytes::from(body.to_string())
    }
}

fn completion_events(parts: &[&str]) -> Vec<String> {
    let event = |text: &str, finish: Value| {
        let choice = json!({"index": 0, "text": text, "logprobs": null, "finish_reason": finish});
        let body = json!({"id": "cmpl-1", "object": "text_completion", "created": 1_700_000_000, "model": "fixed", "choices": [choice]});
        format!("data: {body}\n\n")
    };
    let mut events: Vec<String> = parts.iter().map(|part| event(part, Value::Null)).collect();
    events.push(event("", json!("stop")));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

/// A way through the gate.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// For people.
    pub name: &'static str,
    /// What the client speaks.
    pub client: Format,
    /// What the provider speaks.
    pub provider: Format,
}

impl Route {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self { name: "chat completions", client: Format::Chat, provider: Format::Chat },
        Self { name: "messages", client: Format::Messages, provider: Format::Messages },
        Self { name: "responses", client: Format::Responses, provider: Format::Responses },
        Self { name: "completions", client: Format::Completions, provider: Format::Completions },
        Self { name: "Gemini, events", client: Format::Gemini, provider: Format::Gemini },
        Self { name: "chat completions, translated from messages", client: Format::Chat, provider: Format::Messages },
    ];

    /// Path and body of the request to the gate.
    pub fn asked(self) -> (&'static str, Bytes) {
        let model = if self.client == self.provider { "fixed" } else { "translated" };
        (self.client.path(), self.client.request(model))
    }

    /// Path and body of the request to the bare proxy, which translates nothing.
    pub fn asked_bare(self) -> (&'static str, Bytes) {
        (self.provider.path(), self.provider.request("fixed"))
    }
}
