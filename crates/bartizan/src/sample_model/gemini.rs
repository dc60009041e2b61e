//! The sample model in Gemini's format: whole, as events, as an array; tokens and embeddings.

use bytes::Bytes;
use http::{Response, header};
use http_body_util::Full;
use serde_json::{Value, json};

use super::{pieces, reply, stream, usage, whole};

/// Answers `…/models/NAME:METHOD`.
pub(super) fn answer(path: &str, asked: &Value, events: bool) -> Response<Full<Bytes>> {
    match path.rsplit(':').next().unwrap_or_default() {
        "streamGenerateContent" => streamed(asked, events),
        "countTokens" => whole(&json!({"totalTokens": asked.to_string().len() / 4})),
        "embedContent" => whole(&json!({"embedding": embedding()})),
        "batchEmbedContents" => {
            let count = asked["requests"].as_array().map_or(0, Vec::len);
            whole(&json!({"embeddings": vec![embedding(); count]}))
        }
        _ => whole(&response(asked, &parts(asked), Some("STOP"))),
    }
}

fn embedding() -> Value {
    json!({"values": [0.25, -0.5, 0.125]})
}

/// The text of the last content of the user.
fn last_user(asked: &Value) -> String {
    let contents = asked["contents"].as_array().cloned().unwrap_or_default();
    let user = |content: &&Value| content.get("role").is_none_or(|role| role == "user");
    let parts = contents.iter().rev().find(user).map(|content| content["parts"].clone()).unwrap_or_default();
    let texts: Vec<&str> = parts.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str()).collect();
    texts.join(" ")
}

/// What the model says, as parts: a call of the first function, when one is declared and asked for, else a text.
fn parts(asked: &Value) -> Vec<Value> {
    let said = last_user(asked);
    let tool = asked.pointer("/tools/0/functionDeclarations/0/name").filter(|_| said.to_lowercase().contains("tool"));
    match tool {
        Some(name) => vec![json!({"functionCall": {"name": name, "args": {"text": said}}})],
        None => pieces(&reply(&said)).into_iter().map(|piece| json!({"text": piece})).collect(),
    }
}

fn response(asked: &Value, parts: &[Value], reason: Option<&str>) -> Value {
    let (input, output) = usage(asked, &json!(parts).to_string());
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
    if let (Some(reason), Some(candidate)) = (reason, candidate.as_object_mut()) {
        candidate.insert("finishReason".to_owned(), json!(reason));
    }
    json!({
        "candidates": [candidate], "modelVersion": "sample", "responseId": "sample",
        "usageMetadata": {"promptTokenCount": input, "candidatesTokenCount": output, "totalTokenCount": input + output},
    })
}

fn streamed(asked: &Value, events: bool) -> Response<Full<Bytes>> {
    let parts = parts(asked);
    let last = parts.len().saturating_sub(1);
    let reason = |at| if at == last { Some("STOP") } else { None };
    let elements = parts.iter().enumerate().map(|(at, part)| response(asked, std::slice::from_ref(part), reason(at)).to_string());
    if events {
        return stream(&elements.map(|element| format!("data: {element}\r\n\r\n")).collect::<Vec<_>>().concat());
    }
    let mut response = Response::new(Full::new(Bytes::from(format!("[{}\n]\n", elements.collect::<Vec<_>>().join("\n,\r\n")))));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}
