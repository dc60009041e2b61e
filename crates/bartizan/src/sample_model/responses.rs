//! The sample model in the form of OpenAI's Responses API: whole, and as the events that clients wait for.

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use serde_json::{Map, Value, json};

use super::{last_user, pieces, reply, stream, tool_call, usage, whole};

pub(super) fn responses(asked: &Value) -> Response<Full<Bytes>> {
    let said = if let Some(input) = asked["input"].as_str() { input.to_owned() } else { last_user(&json!({"messages": asked["input"]})) };
    let call = tool_call(asked, &said);
    let text = call.as_ref().map_or_else(|| reply(&said), |(_, arguments)| arguments.clone());
    let item = item(call.as_ref(), &text);
    let (input, output) = usage(asked, &text);
    let answer = |status: &str, output_items: Value, usage: Value| {
        json!({
            "id": "resp_sample", "object": "response", "created_at": 1, "status": status, "model": asked["model"], "output": output_items,
            "error": null, "incomplete_details": null, "instructions": asked["instructions"], "metadata": {}, "parallel_tool_calls": true,
            "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0, "usage": usage,
        })
    };
    let tokens = json!({
        "input_tokens": input, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": input + output,
    });
    let done = answer("completed", json!([item]), tokens);
    if asked["stream"] != true {
        return whole(&done);
    }
    stream(&events(call.is_some(), &text, &item, &answer("in_progress", json!([]), Value::Null), &done))
}

fn item(call: Option<&(String, String)>, text: &str) -> Value {
    match call {
        Some((name, _)) => {
            json!({"id": "fc_sample", "type": "function_call", "status": "completed", "call_id": "call_sample1", "name": name, "arguments": text})
        }
        None => json!({"id": "msg_sample", "type": "message", "role": "assistant", "status": "completed", "content": [part(text)]}),
    }
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn events(called: bool, text: &str, item: &Value, opened: &Value, done: &Value) -> String {
    let (mut out, mut number) = (String::new(), 0);
    let mut send = |kind: &str, members: Value| {
        let mut event = Map::from_iter([("type".to_owned(), json!(kind)), ("sequence_number".to_owned(), json!(number))]);
        event.extend(members.as_object().cloned().unwrap_or_default());
        out.push_str(&format!("event: {kind}\ndata: {}\n\n", Value::Object(event)));
        number += 1;
    };
    let mut bare = item.clone();
    let hollow = if called { ("arguments", json!("")) } else { ("content", json!([])) };
    if let Some(members) = bare.as_object_mut() {
        members.insert(hollow.0.to_owned(), hollow.1);
        members.insert("status".to_owned(), json!("in_progress"));
    }
    let place = |name: &str, value: Value| {
        let mut members = json!({"item_id": item["id"], "output_index": 0, name: value});
        if let Some(members) = members.as_object_mut().filter(|_| !called) {
            members.insert("content_index".to_owned(), json!(0));
            if name != "part" {
                members.insert("logprobs".to_owned(), json!([]));
            }
        }
        members
    };
    send("response.created", json!({"response": opened}));
    send("response.in_progress", json!({"response": opened}));
    send("response.output_item.added", json!({"output_index": 0, "item": bare}));
    let (stem, name) = if called { ("function_call_arguments", "arguments") } else { ("output_text", "text") };
    if !called {
        send("response.content_part.added", place("part", part("")));
    }
    for piece in pieces(text) {
        send(&format!("response.{stem}.delta"), place("delta", json!(piece)));
    }
    send(&format!("response.{stem}.done"), place(name, json!(text)));
    if !called {
        send("response.content_part.done", place("part", part(text)));
    }
    send("response.output_item.done", json!({"output_index": 0, "item": item}));
    send("response.completed", json!({"response": done}));
    out
}
