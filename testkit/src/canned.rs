//! Answers in the OpenAI, Anthropic and Gemini wire formats, whole and as event streams. Ids and times are fixed, so that bytes can be compared.

use serde_json::{Value, json};

/// An OpenAI chat completion with one choice.
pub fn chat(model: &str, text: &str) -> String {
    chat_with(model, &json!({"role": "assistant", "content": text}), "stop")
}

/// An OpenAI chat completion whose only choice calls a tool. `arguments` is JSON text.
pub fn chat_tool_call(model: &str, name: &str, arguments: &str) -> String {
    let call = json!({"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}});
    chat_with(model, &json!({"role": "assistant", "content": null, "tool_calls": [call]}), "tool_calls")
}

fn chat_with(model: &str, message: &Value, finish: &str) -> String {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21},
    })
    .to_string()
}

/// The events of an OpenAI chat stream: one delta for each part, the finish, a usage chunk with `choices: []`, and `[DONE]`.
pub fn chat_events(model: &str, parts: &[&str]) -> Vec<String> {
    let deltas = parts.iter().map(|part| json!({"content": part}));
    chat_stream(model, deltas, "stop")
}

/// The events of an OpenAI chat stream that calls a tool, its arguments in the given parts.
pub fn chat_tool_events(model: &str, name: &str, parts: &[&str]) -> Vec<String> {
    let opening = json!({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": ""}}]});
    let deltas = parts.iter().map(|part| json!({"tool_calls": [{"index": 0, "function": {"arguments": part}}]}));
    chat_stream(model, std::iter::once(opening).chain(deltas), "tool_calls")
}

fn chat_stream(model: &str, deltas: impl Iterator<Item = Value>, finish: &str) -> Vec<String> {
    let chunk = |choices: &Value| {
        let body =
            json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": model, "choices": choices});
        format!("data: {body}\n\n")
    };
    let mut events = vec![chunk(&json!([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}]))];
    events.extend(deltas.map(|delta| chunk(&json!([{"index": 0, "delta": delta, "finish_reason": null}]))));
    events.push(chunk(&json!([{"index": 0, "delta": {}, "finish_reason": finish}])));
    events.push(chunk(&json!([])));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

/// An Anthropic message with one text block.
pub fn message(model: &str, text: &str) -> String {
    message_with(model, &json!({"type": "text", "text": text}), "end_turn")
}

/// An Anthropic message that uses a tool. `input` is JSON text; text that is not JSON becomes an empty object.
pub fn message_tool_use(model: &str, name: &str, input: &str) -> String {
    let input: Value = serde_json::from_str(input).unwrap_or_else(|_| json!({}));
    message_with(model, &json!({"type": "tool_use", "id": "toolu_1", "name": name, "input": input}), "tool_use")
}

fn message_with(model: &str, block: &Value, stop: &str) -> String {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": [block],
        "stop_reason": stop, "stop_sequence": null, "usage": {"input_tokens": 9, "output_tokens": 12},
    })
    .to_string()
}

/// The events of an Anthropic message stream: start, ping, one text delta for each part, stop.
pub fn message_events(model: &str, parts: &[&str]) -> Vec<String> {
    let deltas = parts.iter().map(|part| json!({"type": "text_delta", "text": part}));
    message_stream(model, &json!({"type": "text", "text": ""}), deltas, "end_turn")
}

/// The events of an Anthropic message stream that uses a tool, its input in the given parts.
pub fn message_tool_events(model: &str, name: &str, parts: &[&str]) -> Vec<String> {
    let deltas = parts.iter().map(|part| json!({"type": "input_json_delta", "partial_json": part}));
    message_stream(model, &json!({"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}), deltas, "tool_use")
}

fn message_stream(model: &str, block: &Value, deltas: impl Iterator<Item = Value>, stop: &str) -> Vec<String> {
    let event = |body: Value| {
        let name = body.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        format!("event: {name}\ndata: {body}\n\n")
    };
    let start = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 9, "output_tokens": 1},
    });
    let mut events = vec![
        event(json!({"type": "message_start", "message": start})),
        event(json!({"type": "content_block_start", "index": 0, "content_block": block})),
        event(json!({"type": "ping"})),
    ];
    events.extend(deltas.map(|delta| event(json!({"type": "content_block_delta", "index": 0, "delta": delta}))));
    events.push(event(json!({"type": "content_block_stop", "index": 0})));
    events.push(event(
        json!({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": null}, "usage": {"output_tokens": 12}}),
    ));
    events.push(event(json!({"type": "message_stop"})));
    events
}

/// An answer of OpenAI's Responses API with one message.
pub fn response(model: &str, text: &str) -> String {
    response_with(model, "completed", &[response_item(0, &Grown::Text, text)]).to_string()
}

/// One that calls a function. `arguments` is JSON text.
pub fn response_tool_call(model: &str, name: &str, arguments: &str) -> String {
    response_with(model, "completed", &[response_item(0, &Grown::Call(name), arguments)]).to_string()
}

/// The events of a streamed answer of the Responses API with one message, its text in the given parts.
pub fn response_events(model: &str, parts: &[&str]) -> Vec<String> {
    response_stream(model, &[(Grown::Text, parts)])
}

/// The events of one that calls a function, the arguments in the given parts.
pub fn response_tool_events(model: &str, name: &str, parts: &[&str]) -> Vec<String> {
    response_stream(model, &[(Grown::Call(name), parts)])
}

/// What an item of an answer of the Responses API is.
pub enum Grown<'a> {
    /// A message.
    Text,
    /// A refusal in a message.
    Refusal,
    /// The summary of reasoning.
    Summary,
    /// Reasoning itself.
    Reasoning,
    /// A call of the function of this name.
    Call(&'a str),
    /// A call of the tool of this name, which takes text.
    Custom(&'a str),
}

impl Grown<'_> {
    /// The stem of its events, the members that say which text, the member that repeats the text, the part if it stands in one.
    fn story(&self) -> (&'static str, Value, &'static str, Option<&'static str>) {
        match self {
            Self::Text => ("output_text", json!({"content_index": 0, "logprobs": []}), "text", Some("output_text")),
            Self::Refusal => ("refusal", json!({"content_index": 0}), "refusal", Some("refusal")),
            Self::Summary => ("reasoning_summary_text", json!({"summary_index": 0}), "text", Some("summary_text")),
            Self::Reasoning => ("reasoning_text", json!({"content_index": 0}), "text", None),
            Self::Call(_) => ("function_call_arguments", json!({}), "arguments", None),
            Self::Custom(_) => ("custom_tool_call_input", json!({}), "input", None),
        }
    }

    fn part(&self, kind: &str, text: &str) -> Value {
        match self {
            Self::Text => json!({"type": kind, "text": text, "annotations": [], "logprobs": []}),
            Self::Refusal => json!({"type": kind, "refusal": text}),
            _ => json!({"type": kind, "text": text}),
        }
    }
}

fn response_item(index: usize, grown: &Grown<'_>, text: &str) -> Value {
    let message = |kind| json!({"id": format!("msg_{index}"), "type": "message", "role": "assistant", "status": "completed", "content": [grown.part(kind, text)]});
    let reasoning = json!({"id": format!("rs_{index}"), "type": "reasoning", "summary": []});
    match grown {
        Grown::Text => message("output_text"),
        Grown::Refusal => message("refusal"),
        Grown::Summary => with(reasoning, &json!({"summary": [{"type": "summary_text", "text": text}]})),
        Grown::Reasoning => with(reasoning, &json!({"content": [{"type": "reasoning_text", "text": text}]})),
        Grown::Call(name) => {
            json!({"id": format!("fc_{index}"), "type": "function_call", "status": "completed", "call_id": format!("call_{index}"), "name": name, "arguments": text})
        }
        Grown::Custom(name) => {
            json!({"id": format!("ctc_{index}"), "type": "custom_tool_call", "status": "completed", "call_id": format!("call_{index}"), "name": name, "input": text})
        }
    }
}

fn response_with(model: &str, status: &str, output: &[Value]) -> Value {
    json!({
        "id": "resp_1", "object": "response", "created_at": 1_700_000_000, "status": status, "model": model, "output": output,
        "error": null, "incomplete_details": null, "instructions": null, "metadata": {}, "parallel_tool_calls": true, "temperature": 1.0,
        "tool_choice": "auto", "tools": [], "top_p": 1.0, "text": {"format": {"type": "text"}}, "previous_response_id": null,
        "usage": {
            "input_tokens": 9, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 12,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 21,
        },
    })
}

fn with(mut value: Value, members: &Value) -> Value {
    if let (Some(value), Some(members)) = (value.as_object_mut(), members.as_object()) {
        value.extend(members.clone());
    }
    value
}

/// The events of a streamed answer of the Responses API with several items. Their texts come in turn, one part of each.
pub fn response_stream(model: &str, items: &[(Grown<'_>, &[&str])]) -> Vec<String> {
    let mut events = Vec::new();
    let mut event = |kind: &str, members: &Value| {
        let body = with(json!({"type": kind, "sequence_number": events.len()}), members);
        events.push(format!("event: {kind}\ndata: {body}\n\n"));
    };
    let open = json!({"response": response_with(model, "in_progress", &[])});
    event("response.created", &open);
    event("response.in_progress", &open);
    let place = |index: usize, item: &Value| json!({"output_index": index, "item_id": item.get("id")});
    let empty: Vec<Value> = items.iter().enumerate().map(|(index, (grown, _))| response_item(index, grown, "")).collect();
    for (index, (item, (grown, _))) in empty.iter().zip(items).enumerate() {
        let (.., part) = grown.story();
        let holder = if matches!(grown, Grown::Summary) { "summary" } else { "content" };
        let bare = if part.is_some() { with(item.clone(), &json!({holder: []})) } else { item.clone() };
        event("response.output_item.added", &json!({"output_index": index, "item": bare}));
        if let Some(kind) = part {
            let family = if matches!(grown, Grown::Summary) { "reasoning_summary_part" } else { "content_part" };
            let members = with(place(index, item), &with(grown.story().1, &json!({"part": grown.part(kind, "")})));
            event(&format!("response.{family}.added"), &members);
        }
    }
    for turn in 0..items.iter().map(|(_, parts)| parts.len()).max().unwrap_or(0) {
        for (index, (item, (grown, parts))) in empty.iter().zip(items).enumerate() {
            let Some(part) = parts.get(turn) else { continue };
            let (stem, members, ..) = grown.story();
            event(&format!("response.{stem}.delta"), &with(place(index, item), &with(members, &json!({"delta": part}))));
        }
    }
    let whole: Vec<Value> = items.iter().enumerate().map(|(index, (grown, parts))| response_item(index, grown, &parts.concat())).collect();
    for (index, (item, (grown, parts))) in whole.iter().zip(items).enumerate() {
        let (stem, members, name, part) = grown.story();
        event(&format!("response.{stem}.done"), &with(place(index, item), &with(members.clone(), &json!({name: parts.concat()}))));
        if let Some(kind) = part {
            let family = if matches!(grown, Grown::Summary) { "reasoning_summary_part" } else { "content_part" };
            let members = with(place(index, item), &with(members, &json!({"part": grown.part(kind, &parts.concat())})));
            event(&format!("response.{family}.done"), &members);
        }
        event("response.output_item.done", &json!({"output_index": index, "item": item}));
    }
    event("response.completed", &json!({"response": response_with(model, "completed", &whole)}));
    events
}

/// An answer of `count_tokens`.
pub fn token_count(tokens: usize) -> String {
    json!({"input_tokens": tokens}).to_string()
}

/// A Gemini answer with one candidate.
pub fn gemini(text: &str) -> String {
    gemini_parts(&json!([{"text": text}]))
}

/// A Gemini answer whose only candidate has these parts.
pub fn gemini_parts(parts: &Value) -> String {
    gemini_response(parts, true).to_string()
}

fn gemini_response(parts: &Value, last: bool) -> Value {
    let content = json!({"role": "model", "parts": parts});
    let candidate =
        if last { json!({"content": content, "finishReason": "STOP", "index": 0}) } else { json!({"content": content, "index": 0}) };
    json!({
        "candidates": [candidate], "modelVersion": "gemini-1", "responseId": "r1",
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 12, "totalTokenCount": 21},
    })
}

/// The elements of a Gemini stream, one for each list of parts; the last one finishes.
pub fn gemini_elements(parts: &[Value]) -> Vec<String> {
    let last = parts.len().saturating_sub(1);
    parts.iter().enumerate().map(|(at, parts)| gemini_response(parts, at == last).to_string()).collect()
}

/// A Gemini stream of events.
pub fn gemini_events(parts: &[Value]) -> Vec<String> {
    gemini_elements(parts).iter().map(|element| format!("data: {element}\r\n\r\n")).collect()
}

/// A Gemini stream that is one JSON array.
pub fn gemini_array(parts: &[Value]) -> String {
    format!("[{}\n]\n", gemini_elements(parts).join("\n,\r\n"))
}

/// An OpenAI model list.
pub fn models(names: &[&str]) -> String {
    let list: Vec<Value> =
        names.iter().map(|name| json!({"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "testkit"})).collect();
    json!({"object": "list", "data": list}).to_string()
}

/// Parts of a text, each `size` characters long; joined they are the text again.
pub fn parts(text: &str, size: usize) -> Vec<&str> {
    let mut rest = text;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let at = rest.char_indices().nth(size.max(1)).map_or(rest.len(), |(at, _)| at);
        let (part, after) = rest.split_at(at);
        parts.push(part);
        rest = after;
    }
    parts
}
