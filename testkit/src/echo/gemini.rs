//! The echo in Gemini's format: whole, as events, as an array; tokens and embeddings.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::canned;

/// An embedding of three numbers, as long as real ones are.
const VECTOR: [f64; 3] = [0.412_345_678_901_234_5, -0.012_345_678, 1.0];

/// Answers `…/models/NAME:METHOD`; `None` for a method that is not Gemini's.
pub(super) fn answer(method: &str, query: &str, body: &Value) -> Option<Answer> {
    let text = last_user_text(body);
    let events = query.split('&').any(|pair| pair == "alt=sse");
    Some(match method {
        "generateContent" => Answer::json(canned::gemini_parts(&json!(said(body, &text, usize::MAX)))),
        "streamGenerateContent" => {
            let parts: Vec<Value> = said(body, &text, 4).into_iter().map(|part| json!([part])).collect();
            if events { Answer::stream(canned::gemini_events(&parts)) } else { Answer::json(canned::gemini_array(&parts)) }
        }
        "countTokens" => Answer::json(json!({"totalTokens": text.split_whitespace().count().max(1)}).to_string()),
        "embedContent" => Answer::json(json!({"embedding": {"values": VECTOR}}).to_string()),
        "batchEmbedContents" => {
            let count = body["requests"].as_array().map_or(0, Vec::len);
            Answer::json(json!({"embeddings": vec![json!({"values": VECTOR}); count]}).to_string())
        }
        _ => return None,
    })
}

/// The parts of an answer: a call of the first function, when one is declared and asked for, else the text in pieces.
fn said(body: &Value, text: &str, size: usize) -> Vec<Value> {
    // Both spellings that the API takes.
    let declared = ["/tools/0/functionDeclarations/0/name", "/tools/0/function_declarations/0/name"];
    let name = declared.iter().find_map(|place| body.pointer(place)).filter(|_| text.contains("tool"));
    match name {
        Some(name) => vec![json!({"functionCall": {"name": name, "args": {"text": text}}})],
        None => canned::parts(&format!("You said: {text}"), size).into_iter().map(|piece| json!({"text": piece})).collect(),
    }
}

fn last_user_text(body: &Value) -> String {
    let contents = body["contents"].as_array().cloned().unwrap_or_default();
    let user = |content: &&Value| content.get("role").is_none_or(|role| role == "user");
    let parts = contents.iter().rfind(user).and_then(|content| content["parts"].as_array().cloned()).unwrap_or_default();
    parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(" ")
}
