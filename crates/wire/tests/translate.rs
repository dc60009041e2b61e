//! Translation: every pair of formats by fixtures, refusals by table, streams for every split, and arbitrary bytes.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::path::PathBuf;

use bartizan_wire::json::{JsonLimits, Tape};
use bartizan_wire::translate::{Garbage, Request, Saying, Translation};
use bartizan_wire::{Family, Framing, Route};
use proptest::prelude::*;
use serde_json::{Value, json};

const ALL: [Family; 3] = [Family::OpenAi, Family::Anthropic, Family::Gemini];

fn pairs() -> impl Iterator<Item = (Family, Family)> {
    ALL.into_iter().flat_map(|one| ALL.into_iter().map(move |other| (one, other))).filter(|(one, other)| one != other)
}

fn name(family: Family) -> String {
    family.word().to_ascii_lowercase()
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/translate").join(name)
}

fn fixture(name: &str) -> Value {
    let path = file(name);
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))).unwrap()
}

fn route(family: Family) -> Route {
    match family {
        Family::OpenAi => Route::ChatCompletions,
        Family::Anthropic => Route::Messages,
        Family::Gemini => Route::GenerateContent,
    }
}

fn between(client: Family, provider: Family) -> Translation {
    Translation::between(route(client), provider).unwrap()
}

fn limits() -> JsonLimits {
    JsonLimits::default()
}

const SAYING: Saying = Saying { created: 1_750_000_000, usage: true };

fn request(client: Family, provider: Family, body: &Value, stream: bool) -> Result<Request, String> {
    let bytes = serde_json::to_vec(body).unwrap();
    let tape = Tape::read(&bytes, &limits()).unwrap();
    between(client, provider).request(&tape, &bytes, &limits(), ("the-model", stream)).map_err(|error| error.to_string())
}

fn sent(client: Family, provider: Family, body: &Value) -> Value {
    serde_json::from_slice(&request(client, provider, body, false).unwrap().body).unwrap()
}

fn answer(client: Family, provider: Family, body: &Value) -> Result<Value, Garbage> {
    let bytes = serde_json::to_vec(body).unwrap();
    let tape = Tape::read(&bytes, &limits()).unwrap();
    let out = between(client, provider).answer(&tape, &bytes, &limits(), SAYING)?;
    Ok(serde_json::from_slice(&out.body).unwrap())
}

/// A stream as a provider sends it.
fn bytes_of(events: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    for event in events.as_array().unwrap() {
        if let Some(name) = event["event"].as_str() {
            out.extend_from_slice(format!("event: {name}\n").as_bytes());
        }
        let data = event["data"].as_str().map_or_else(|| event["data"].to_string(), str::to_owned);
        out.extend_from_slice(format!("data: {data}\n\n").as_bytes());
    }
    out
}

/// The events of a stream, as fixtures have them.
fn events_of(bytes: &[u8]) -> Value {
    let text = String::from_utf8(bytes.to_vec()).unwrap().replace("\r\n", "\n");
    let events = text.split("\n\n").filter(|event| !event.is_empty()).map(|event| {
        let mut out = json!({});
        for line in event.lines() {
            let (field, value) = line.split_once(": ").unwrap();
            out[field] = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        }
        out
    });
    Value::Array(events.collect())
}

fn stream(translation: Translation, pieces: &[&[u8]]) -> Result<Vec<u8>, Garbage> {
    let mut translator = translation.stream(&limits(), 1 << 20, SAYING);
    let mut out = Vec::new();
    for piece in pieces {
        translator.push(piece, &mut out)?;
    }
    translator.finish(&mut out)?;
    Ok(out)
}

#[test]
fn every_pair_is_translated_as_its_fixture_says() {
    for (one, other) in pairs() {
        let source = fixture(&format!("source_{}.json", name(one)));
        let asked = request(one, other, &source["request"], source["request"]["stream"] == true).unwrap();
        let got = json!({
            "request": serde_json::from_slice::<Value>(&asked.body).unwrap(),
            "left_out": asked.left_out,
            "answer": answer(other, one, &source["answer"]).unwrap(),
            "stream": events_of(&stream(between(other, one), &[&bytes_of(&source["stream"])]).unwrap()),
        });
        let wanted = format!("{}_to_{}.json", name(one), name(other));
        if std::env::var_os("WRITE_FIXTURES").is_some() {
            std::fs::write(file(&wanted), format!("{got:#}\n")).unwrap();
        }
        let wanted = fixture(&wanted);
        for part in ["request", "left_out", "answer", "stream"] {
            assert_eq!(got[part], wanted[part], "{part}: {} to {}: {:#}", name(one), name(other), got[part]);
        }
    }
}

/// What both formats express means the same after there and back. Left out of the comparison is what a format cannot help but say.
#[test]
fn there_and_back_means_the_same() {
    for (one, other) in pairs() {
        let mut source = fixture(&format!("source_{}.json", name(one)))["request"].clone();
        source.as_object_mut().unwrap().remove("stream");
        let there = sent(one, other, &source);
        let back = sent(other, one, &there);
        let again = sent(one, other, &back);
        assert_eq!(there, again, "{} to {} and back: {back:#}", name(one), name(other));

        let source = &fixture(&format!("source_{}.json", name(one)))["answer"];
        let there = answer(other, one, source).unwrap();
        let again = answer(other, one, &answer(one, other, &there).unwrap()).unwrap();
        assert_eq!(there["usage"]["prompt_tokens"], again["usage"]["prompt_tokens"]);
        assert_eq!(texts_and_calls(&there), texts_and_calls(&again), "{} to {} and back", name(one), name(other));
    }
}

/// What a reader would see of an answer of any format, reasoning left out.
fn texts_and_calls(answer: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let message = &answer["choices"][0]["message"];
    let mut out: Vec<Option<String>> = vec![text(&message["content"])];
    for call in list(&message["tool_calls"]) {
        out.extend([text(&call["function"]["name"]), text(&call["function"]["arguments"])]);
    }
    for block in list(&answer["content"]) {
        out.extend([text(&block["text"]), text(&block["name"]), block.get("input").map(Value::to_string)]);
    }
    for part in list(&answer["candidates"][0]["content"]["parts"]).iter().filter(|part| part["thought"] != true) {
        let call = &part["functionCall"];
        out.extend([text(&part["text"]), text(&call["name"]), call.get("args").map(Value::to_string)]);
    }
    out.into_iter().flatten().collect()
}

#[test]
fn streams_are_the_same_for_every_split() {
    for (one, other) in pairs() {
        let bytes = bytes_of(&fixture(&format!("source_{}.json", name(one)))["stream"]);
        for framing in [Framing::Sse, Framing::JsonArray] {
            let translation = between(other, one).framed(framing);
            let whole = stream(translation, &[&bytes]).unwrap();
            for at in 0..=bytes.len() {
                let (before, after) = bytes.split_at(at);
                assert_eq!(stream(translation, &[before, after]).unwrap(), whole, "split at {at}");
            }
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(stream(translation, &single).unwrap(), whole);
            if other == Family::Gemini && framing == Framing::JsonArray {
                let array: Value = serde_json::from_slice(&whole).unwrap();
                let events = events_of(&stream(between(other, one), &[&bytes]).unwrap());
                let chunks: Vec<&Value> = events.as_array().unwrap().iter().map(|event| &event["data"]).collect();
                assert_eq!(array.as_array().unwrap().iter().collect::<Vec<_>>(), chunks);
            }
        }
    }
}

/// A stream says what the whole answer says, and its end is told only if it came.
#[test]
fn a_stream_that_breaks_off_has_no_end() {
    for (one, other) in pairs() {
        let source = fixture(&format!("source_{}.json", name(one)));
        let events = source["stream"].as_array().unwrap();
        // OpenAI's finish may be followed by nothing.
        let enough = match one {
            Family::OpenAi => events.len() - 2,
            Family::Anthropic | Family::Gemini => events.len(),
        };
        for count in 0..enough {
            let bytes = bytes_of(&Value::Array(events[..count].to_vec()));
            assert_eq!(stream(between(other, one), &[&bytes]), Err(Garbage::Cut), "{} events of {}", count, name(one));
        }
        for count in enough..=events.len() {
            let bytes = bytes_of(&Value::Array(events[..count].to_vec()));
            stream(between(other, one), &[&bytes]).unwrap();
        }
    }
}

#[test]
fn errors_keep_status_and_message() {
    let rows = [
        (Family::OpenAi, json!({"error": {"message": "too fast", "type": "rate_limit_error", "code": "x"}})),
        (Family::OpenAi, json!({"error": "too fast"})),
        (Family::OpenAi, json!({"detail": "too fast"})),
        (Family::Anthropic, json!({"type": "error", "error": {"type": "rate_limit_error", "message": "too fast"}})),
        (Family::Gemini, json!({"error": {"code": 429, "message": "too fast", "status": "RESOURCE_EXHAUSTED"}})),
        (Family::Gemini, json!([{"error": {"code": 429, "message": "too fast", "status": "RESOURCE_EXHAUSTED"}}])),
    ];
    for (provider, body) in rows {
        for client in ALL.into_iter().filter(|client| *client != provider) {
            let bytes = serde_json::to_vec(&body).unwrap();
            let tape = Tape::read(&bytes, &limits()).unwrap();
            let out = between(client, provider).error(&tape, &bytes, &limits(), 429).unwrap();
            let got: Value = serde_json::from_slice(&out).unwrap();
            let wanted = match client {
                Family::OpenAi => json!({"error": {"message": "too fast", "type": "rate_limit_error", "param": null, "code": null}}),
                Family::Anthropic => json!({"type": "error", "error": {"type": "rate_limit_error", "message": "too fast"}}),
                Family::Gemini => json!({"error": {"code": 429, "message": "too fast", "status": "RESOURCE_EXHAUSTED"}}),
            };
            assert_eq!(got, wanted);
        }
    }
    let tape = Tape::read(b"{}", &limits()).unwrap();
    assert_eq!(between(Family::OpenAi, Family::Gemini).error(&tape, b"{}", &limits(), 500), None);
}

#[test]
fn an_error_inside_a_stream_ends_it() {
    let rows: [(Family, &[u8]); 3] = [
        (Family::OpenAi, b"data: {\"error\":{\"message\":\"boom\"}}\n\n"),
        (Family::Anthropic, b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"boom\"}}\n\n"),
        (Family::Gemini, b"data: {\"error\":{\"code\":503,\"message\":\"boom\"}}\n\n"),
    ];
    for (provider, error) in rows {
        for client in ALL.into_iter().filter(|client| *client != provider) {
            for framing in [Framing::Sse, Framing::JsonArray] {
                let out = stream(between(client, provider).framed(framing), &[error, error]).unwrap();
                let text = String::from_utf8(out).unwrap();
                assert_eq!(text.matches("boom").count(), 1, "{text}");
                assert!(!text.contains("[DONE]") && !text.contains("message_stop"), "{text}");
                assert_eq!(client == Family::Gemini && framing == Framing::JsonArray, text.starts_with('['), "{text}");
                assert_eq!(client == Family::Anthropic, text.starts_with("event: error\n"), "{text}");
            }
        }
    }
}

#[test]
fn calls_that_come_by_turns() {
    let call = |index, id, arguments| json!({"data": {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": index, "id": id, "function": {"name": "f", "arguments": arguments}}]}}]}});
    let end = json!({"data": {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}});
    let bytes = bytes_of(&json!([call(0, "a", "{\"x\""), call(1, "b", "{}"), call(0, "a", ":1}"), end]));
    // Google's format has each call whole, so they are put together; Anthropic's has no place for a block that was closed.
    let events = events_of(&stream(between(Family::Gemini, Family::OpenAi), &[&bytes]).unwrap());
    let parts = &events[0]["data"]["candidates"][0]["content"]["parts"];
    assert_eq!((&parts[0]["functionCall"]["args"], &parts[1]["functionCall"]["args"]), (&json!({"x": 1}), &json!({})));
    assert_eq!(stream(between(Family::Anthropic, Family::OpenAi), &[&bytes]), Err(Garbage::Interleaved));
    let broken = bytes_of(&json!([call(0, "a", "{\"x\""), end]));
    assert_eq!(stream(between(Family::Gemini, Family::OpenAi), &[&broken]), Err(Garbage::Arguments));
}

/// Some servers number no calls: another id is another call, no id is more of the last one.
#[test]
fn calls_without_numbers() {
    let call = |call: Value| json!({"data": {"choices": [{"delta": {"tool_calls": [call]}}]}});
    let empty = json!({"data": {"id": "", "model": "", "choices": [], "prompt_filter_results": []}});
    let bytes = bytes_of(&json!([
        empty,
        call(json!({"id": "a", "function": {"name": "f", "arguments": "{\"x\""}})),
        call(json!({"function": {"arguments": ":1}"}})),
        call(json!({"id": "b", "function": {"name": "g", "arguments": "{}"}})),
        {"data": {"choices": [{"delta": {}, "finish_reason": "stop"}]}},
    ]));
    let events = events_of(&stream(between(Family::Gemini, Family::OpenAi), &[&bytes]).unwrap());
    let parts = &events[0]["data"]["candidates"][0]["content"]["parts"];
    assert_eq!(parts[0]["functionCall"], json!({"id": "a", "name": "f", "args": {"x": 1}}));
    assert_eq!(parts[1]["functionCall"], json!({"id": "b", "name": "g", "args": {}}));
    let whole = json!({"choices": [{"message": {"tool_calls": [{"id": "a", "function": {"name": "f"}}, {"id": "b", "function": {"name": "g"}}]}, "finish_reason": "stop"}]});
    let got = answer(Family::Anthropic, Family::OpenAi, &whole).unwrap();
    assert_eq!((got["content"].as_array().unwrap().len(), &got["stop_reason"]), (2, &json!("tool_use")));
}

/// What every event repeats is short, and one event does not become many times as much.
#[test]
fn a_provider_cannot_make_much_of_little() {
    let long = "i".repeat(10_000);
    let bytes = bytes_of(
        &json!([{"data": {"responseId": long, "modelVersion": long, "candidates": [{"content": {"parts": [{"text": "a"}, {"text": "b"}]}, "finishReason": "STOP"}]}}]),
    );
    let out = stream(between(Family::OpenAi, Family::Gemini), &[&bytes]).unwrap();
    assert!(out.len() < 3_000, "{}", out.len());
    let parts: Vec<Value> = (0..20_000).map(|_| json!({"text": "a"})).collect();
    let bytes = bytes_of(&json!([{"data": {"candidates": [{"content": {"parts": parts}}]}}]));
    let mut translator = between(Family::OpenAi, Family::Gemini).stream(&limits(), bytes.len(), SAYING);
    assert_eq!(translator.push(&bytes, &mut Vec::new()), Err(Garbage::TooMuch));
    let calls: Vec<Value> = (0..2_000).map(|_| json!({"functionCall": {"name": "f"}})).collect();
    let many = json!({"candidates": [{"content": {"parts": calls}, "finishReason": "STOP"}]});
    assert_eq!(answer(Family::OpenAi, Family::Gemini, &many), Err(Garbage::TooMuch));
    let start =
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"name\":\"f\"}}\n\n"
            .repeat(2_000);
    assert_eq!(stream(between(Family::Gemini, Family::Anthropic), &[start.as_bytes()]), Err(Garbage::TooMuch));
    let mut translator = between(Family::Gemini, Family::OpenAi).stream(&limits(), 1_000, SAYING);
    let piece =
        json!({"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "x".repeat(500)}}]}}]});
    let piece = format!("data: {piece}\n\n");
    assert_eq!(translator.push(piece.as_bytes(), &mut Vec::new()), Ok(()));
    assert!(translator.memory() >= 500);
    assert_eq!(translator.push(piece.as_bytes(), &mut Vec::new()), Err(Garbage::TooMuch));
}

/// A long id is not cut: half of what stands in it would be nothing that anybody looks for.
#[test]
fn long_ids_are_replaced_as_a_whole() {
    let answered = |id: &str, call: &str| {
        let call = json!({"id": call, "type": "function", "function": {"name": "f", "arguments": "{}"}});
        let body =
            json!({"id": id, "model": id, "choices": [{"index": 0, "message": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]});
        answer(Family::Anthropic, Family::OpenAi, &body).unwrap()
    };
    let (short, long) = ("s".repeat(128), format!("value-{}", "l".repeat(123)));
    let got = answered(&short, &short);
    assert_eq!((&got["id"], &got["model"], &got["content"][0]["id"]), (&json!(short), &json!(short), &json!(short)));
    let got = answered(&long, &long);
    assert!(!got.to_string().contains("value") && got["id"].as_str().unwrap().len() < 30, "{got}");
    assert_eq!(answered(&long, &long), got, "the same for the same");
    assert_ne!(answered(&long, &format!("{long}l"))["content"][0]["id"], got["content"][0]["id"]);
}

#[test]
fn what_is_no_number_of_tokens_is_in_no_sum() {
    const CARD: u64 = 4_111_111_111_111_111;
    let gemini = json!({"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": CARD, "candidatesTokenCount": 12}});
    let message = json!({"type": "message", "content": [{"type": "text", "text": "a"}], "stop_reason": "end_turn", "usage": {"input_tokens": 3, "cache_read_input_tokens": CARD, "output_tokens": 12}});
    let chat = json!({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": CARD, "completion_tokens": 12, "prompt_tokens_details": {"cached_tokens": 9}}});
    for (provider, body) in [(Family::Gemini, gemini), (Family::Anthropic, message), (Family::OpenAi, chat)] {
        for client in [Family::OpenAi, Family::Anthropic, Family::Gemini].into_iter().filter(|client| *client != provider) {
            let told = answer(client, provider, &body).unwrap().to_string();
            assert!(told.contains("12") && !told.contains("41111111111111"), "{client:?} {provider:?}: {told}");
        }
    }
}

#[test]
fn ways_of_ending() {
    let openai = |word: &str| json!({"id": "a", "model": "m", "choices": [{"message": {"content": "x"}, "finish_reason": word}]});
    let anthropic = |word: &str| json!({"id": "a", "model": "m", "content": [{"type": "text", "text": "x"}], "stop_reason": word, "stop_sequence": "END"});
    let gemini = |word: &str| json!({"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": word}]});
    let rows = [("stop", "end_turn", "STOP"), ("length", "max_tokens", "MAX_TOKENS"), ("content_filter", "refusal", "SAFETY")];
    for (in_openai, in_anthropic, in_gemini) in rows {
        for (provider, body) in
            [(Family::OpenAi, openai(in_openai)), (Family::Anthropic, anthropic(in_anthropic)), (Family::Gemini, gemini(in_gemini))]
        {
            for client in ALL.into_iter().filter(|client| *client != provider) {
                let got = answer(client, provider, &body).unwrap();
                match client {
                    Family::OpenAi => assert_eq!(got["choices"][0]["finish_reason"], in_openai),
                    Family::Anthropic => assert_eq!(got["stop_reason"], in_anthropic),
                    Family::Gemini => assert_eq!(got["candidates"][0]["finishReason"], in_gemini),
                }
            }
        }
    }
    assert_eq!(answer(Family::OpenAi, Family::Anthropic, &anthropic("stop_sequence")).unwrap()["choices"][0]["finish_reason"], "stop");
    let blocked = json!({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}});
    assert_eq!(answer(Family::OpenAi, Family::Gemini, &blocked).unwrap()["choices"][0]["finish_reason"], "content_filter");
    let refusal = json!({"choices": [{"message": {"content": null, "refusal": "I cannot."}, "finish_reason": "stop"}]});
    let got = answer(Family::Anthropic, Family::OpenAi, &refusal).unwrap();
    assert_eq!((&got["content"][0]["text"], &got["stop_reason"]), (&json!("I cannot."), &json!("refusal")));
    for nothing in [json!({}), json!([]), json!("x"), json!({"choices": 1}), json!({"candidates": null})] {
        for (one, other) in pairs() {
            assert!(answer(one, other, &nothing).is_err(), "{nothing}");
        }
    }
}

#[test]
fn tokens_are_counted_where_the_provider_counts() {
    assert_eq!(Translation::between(Route::CountTokens, Family::OpenAi), None);
    assert_eq!(Translation::between(Route::CountContentTokens, Family::OpenAi), None);
    for route in [Route::Embeddings, Route::Responses, Route::Models, Route::EmbedContent, Route::Completions] {
        for family in ALL {
            assert_eq!(Translation::between(route, family), None, "{route:?}");
        }
    }
    let to_gemini = Translation::between(Route::CountTokens, Family::Gemini).unwrap();
    let to_anthropic = Translation::between(Route::CountContentTokens, Family::Anthropic).unwrap();
    assert_eq!((to_gemini.route(false), to_anthropic.route(false)), (Route::CountContentTokens, Route::CountTokens));
    let run = |translation: Translation, body: Value, told: Value| {
        let bytes = serde_json::to_vec(&body).unwrap();
        let tape = Tape::read(&bytes, &limits()).unwrap();
        let sent = translation.request(&tape, &bytes, &limits(), ("the-model", false)).unwrap().body;
        let bytes = serde_json::to_vec(&told).unwrap();
        let tape = Tape::read(&bytes, &limits()).unwrap();
        let got = translation.answer(&tape, &bytes, &limits(), SAYING).unwrap();
        (serde_json::from_slice::<Value>(&sent).unwrap(), serde_json::from_slice::<Value>(&got.body).unwrap())
    };
    let body = json!({"model": "any", "system": "s", "messages": [{"role": "user", "content": "x"}]});
    let inner = json!({"model": "models/the-model", "systemInstruction": {"parts": [{"text": "s"}]}, "contents": [{"role": "user", "parts": [{"text": "x"}]}]});
    let (sent, got) = run(to_gemini, body, json!({"totalTokens": 7, "promptTokensDetails": []}));
    assert_eq!((sent, got), (json!({"generateContentRequest": inner}), json!({"input_tokens": 7})));
    let wanted = json!({"model": "the-model", "system": "s", "messages": [{"role": "user", "content": "x"}]});
    for body in [json!({"generateContentRequest": inner}), inner.clone()] {
        let (sent, got) = run(to_anthropic, body, json!({"input_tokens": 7}));
        assert_eq!((sent, got), (wanted.clone(), json!({"totalTokens": 7})));
    }
}

/// (client, provider, what is changed in a small request, what the sentence says)
type Refused = (Family, Family, Value, &'static str);

fn small(client: Family) -> Value {
    match client {
        Family::OpenAi => json!({"model": "m", "messages": [{"role": "user", "content": "x"}]}),
        Family::Anthropic => json!({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}),
        Family::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "x"}]}]}),
    }
}

/// A request with one user message.
fn user(content: &Value) -> Value {
    json!({"messages": [{"role": "user", "content": content}]})
}

#[test]
fn the_text_of_a_document_is_a_text_under_its_title() {
    let source = json!({"type": "text", "media_type": "text/plain", "data": "one\ntwo"});
    for (document, expected) in [
        (json!({"type": "document", "source": source}), "one\ntwo"),
        (json!({"type": "document", "title": "A trip", "source": source}), "A trip\n\none\ntwo"),
    ] {
        let mut body = small(Family::Anthropic);
        body["messages"] = json!([{"role": "user", "content": [document]}]);
        assert_eq!(sent(Family::Anthropic, Family::OpenAi, &body)["messages"][0]["content"], expected);
        assert_eq!(sent(Family::Anthropic, Family::Gemini, &body)["contents"][0]["parts"], json!([{"text": expected}]));
    }
}

fn refused_of_openai() -> Vec<Refused> {
    use Family::{Anthropic as A, Gemini as G, OpenAi as O};
    vec![
        (O, A, json!({"seed": 1}), "`seed` cannot be expressed in Anthropic's format"),
        (O, A, json!({"n": 2}), "`n` cannot"),
        (O, A, json!({"presence_penalty": 0.5}), "`presence_penalty` cannot"),
        (O, G, json!({"logit_bias": {"5": 1}}), "`logit_bias` cannot be expressed in Gemini's format"),
        (O, G, json!({"parallel_tool_calls": false}), "`parallel_tool_calls` cannot"),
        (O, G, json!({"logprobs": true}), "`logprobs` cannot"),
        (O, G, json!({"store": true}), "`store` cannot"),
        (O, A, json!({"prediction": {}}), "`prediction` cannot"),
        (O, A, json!({"ada@example.org": 1}), "`<field>` cannot"),
        (O, A, json!({"temperature": 1.5}), "`temperature` is larger than 1"),
        (O, A, json!({"response_format": {"type": "json_object"}}), "`response_format.type` cannot"),
        (O, A, json!({"response_format": {"type": "text", "json_schema": {}}}), "`response_format.json_schema` cannot"),
        (O, A, json!({"reasoning_effort": "minimal"}), "`reasoning_effort` cannot"),
        (O, G, json!({"tool_choice": "required"}), "the choice of a tool` needs tools"),
        (O, G, json!({"tools": [{"type": "custom", "custom": {}}]}), "`tools[0].type` cannot"),
        (O, A, user(&json!([{"type": "input_audio", "input_audio": {}}])), "`messages[0].content[0].type` cannot"),
        (
            O,
            G,
            user(&json!([{"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}])),
            "`messages[0].content[0]` is a remote address",
        ),
        (O, G, user(&json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,", "detail": "high"}}])), "detail` cannot"),
        (O, A, user(&json!([{"type": "file", "file": {"file_id": "f"}}])), "`messages[0].content[0].file.file_id` cannot"),
        (O, A, json!({"messages": [{"role": "user", "content": "x", "name": "Ann"}]}), "`messages[0].name` cannot"),
        (O, A, json!({"messages": [{"role": "user", "content": "x"}, {"role": "system", "content": "y"}]}), "`messages[1].role` cannot"),
        (
            O,
            A,
            json!({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}),
            "`messages[1]` is the last turn",
        ),
        (O, A, json!({"messages": [{"role": "tool", "content": "x"}]}), "`messages[0]` has no `tool_call_id`"),
        (O, G, json!({"messages": [{"role": "tool", "tool_call_id": "a", "content": "x"}]}), "`messages[0]` is for a call that is not in"),
        (
            O,
            A,
            json!({"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "[1]"}}]}]}),
            "arguments` must be the text of a JSON object",
        ),
        (O, A, json!({"max_tokens": 1, "max_completion_tokens": 1}), "`max_tokens` stands beside"),
        (O, A, json!({"max_tokens": 1.5}), "`max_tokens` must be a whole number"),
        (O, A, json!({"messages": null}), "`the body` has no `messages`"),
    ]
}

fn refused_of_anthropic() -> Vec<Refused> {
    use Family::{Anthropic as A, Gemini as G, OpenAi as O};
    vec![
        (A, O, json!({"top_k": 5}), "`top_k` cannot be expressed in OpenAI's format"),
        (A, O, json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}), "`thinking.budget_tokens` cannot"),
        (A, O, json!({"mcp_servers": []}), "`mcp_servers` cannot"),
        (A, G, json!({"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 5}]}), "`tools[0].type` cannot"),
        (
            A,
            O,
            json!({"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}}),
            "`context_management.edits[0].type` cannot",
        ),
        (A, G, json!({"service_tier": "priority"}), "`service_tier` cannot"),
        (A, O, user(&json!([{"type": "document", "source": {"type": "content", "content": "x"}}])), "source.type` cannot"),
        (
            A,
            O,
            user(&json!([{"type": "text", "text": "x"}, {"type": "tool_result", "tool_use_id": "a", "content": "y"}])),
            "stands behind other content",
        ),
        (
            A,
            O,
            user(
                &json!([{"type": "tool_result", "tool_use_id": "a", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}]}]),
            ),
            "content[0].content[0]` cannot",
        ),
        (
            A,
            O,
            json!({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}, {"type": "text", "text": "x"}]}, {"role": "user", "content": "x"}]}),
            "`messages[0].content[1]` stands behind a call",
        ),
        (
            A,
            O,
            json!({"tools": [{"name": "f", "input_schema": {}}], "tool_choice": {"type": "any", "name": "g"}}),
            "`tool_choice.name` cannot",
        ),
        (
            A,
            O,
            user(&json!([{"type": "image", "source": {"type": "base64", "media_type": "image/png;base64,QUJD", "data": "x"}}])),
            "media_type` must be a media type",
        ),
        (A, G, user(&json!([{"type": "image", "source": {"type": "url", "url": "https://a.example"}}])), "is a remote address"),
    ]
}

fn refused_of_gemini() -> Vec<Refused> {
    use Family::{Anthropic as A, Gemini as G, OpenAi as O};
    vec![
        (G, O, json!({"tools": [{"googleSearch": {}}]}), "`tools[0].googleSearch` cannot"),
        (
            G,
            O,
            json!({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png;base64,QUJD", "data": "x"}}]}]}),
            "mimeType` must be a media type",
        ),
        (G, O, json!({"generationConfig": {"topK": 4}}), "`generationConfig.topK` cannot"),
        (G, O, json!({"generationConfig": {"thinkingConfig": {"thinkingBudget": 100}}}), "thinkingBudget` cannot"),
        (G, O, json!({"generationConfig": {"responseModalities": ["IMAGE"]}}), "`generationConfig.responseModalities[0]` cannot"),
        (G, A, json!({"generationConfig": {"top_p": 1, "topP": 1}}), "occurs more than once"),
        (G, A, json!({"generationConfig": {"responseMimeType": "application/json"}}), "`generationConfig.responseMimeType` cannot"),
        (G, A, json!({"safetySettings": [{"category": "C", "threshold": "BLOCK_LOW_AND_ABOVE"}]}), "`safetySettings[0].threshold` cannot"),
        (G, A, json!({"contents": [{"parts": [{"fileData": {"fileUri": "gs://x"}}]}]}), "`contents[0].parts[0].fileData` cannot"),
        (G, A, json!({"contents": [{"parts": [{"inlineData": {"mimeType": "audio/wav", "data": "x"}}]}]}), "`contents[0].parts[0]` cannot"),
        (
            G,
            A,
            json!({"contents": [{"parts": [{"functionResponse": {"name": "f", "response": {}}}]}]}),
            "is for a call that is not in the turn before",
        ),
        (
            G,
            A,
            json!({"tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING", "x": 1}}}}]}]}),
            "properties.a.x` cannot",
        ),
        (
            G,
            O,
            json!({"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["a", "b"]}}}),
            "allowedFunctionNames[1]` cannot",
        ),
    ]
}

#[test]
fn what_cannot_be_expressed_is_named() {
    for (client, provider, change, said) in [refused_of_openai(), refused_of_anthropic(), refused_of_gemini()].concat() {
        let mut body = small(client);
        assert!(request(client, provider, &body, false).is_ok());
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        match request(client, provider, &body, false) {
            Ok(got) => panic!("{change} was translated: {}", String::from_utf8_lossy(&got.body)),
            Err(error) => assert!(error.contains(said) && !error.contains("ada@"), "{change}: {error}"),
        }
    }
}

#[test]
fn defaults_and_hints() {
    use Family::{Anthropic as A, Gemini as G, OpenAi as O};
    assert_eq!(sent(O, A, &small(O))["max_tokens"], 4_096);
    assert_eq!(sent(A, O, &small(A))["max_completion_tokens"], 5);
    let mut thinks = small(G);
    thinks["generationConfig"] = json!({"thinkingConfig": {"thinkingBudget": 2_000}});
    assert_eq!(sent(G, A, &thinks)["max_tokens"], 6_096);
    let mut long = small(A);
    long["metadata"] = json!({"user_id": "u".repeat(65)});
    let got = request(A, O, &long, true).unwrap();
    assert!(got.left_out.contains("user") && !String::from_utf8(got.body).unwrap().contains("uuuu"));
    let mut usage = small(O);
    usage["stream_options"] = json!({"include_usage": true});
    assert!(request(O, A, &usage, true).unwrap().usage && !request(O, A, &small(O), true).unwrap().usage);
    let remote =
        json!({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}]}]});
    assert_eq!(sent(O, A, &remote)["messages"][0]["content"][0]["source"], json!({"type": "url", "url": "https://a.example/b.png"}));
    let mut thinks = small(A);
    thinks["thinking"] = json!({"type": "enabled", "budget_tokens": 1_024});
    assert_eq!(sent(A, G, &thinks)["generationConfig"]["thinkingConfig"], json!({"thinkingBudget": 1_024, "includeThoughts": true}));
    let mut strict = small(O);
    strict["tools"] = json!([{"type": "function", "function": {"name": "f", "strict": true}}]);
    assert_eq!(sent(O, A, &strict)["tools"][0]["strict"], true);
    assert_eq!(sent(O, G, &strict)["toolConfig"]["functionCallingConfig"]["mode"], "VALIDATED");
}

/// Arguments and schemas are moved byte by byte: order, numbers and escapes stay.
#[test]
fn json_inside_is_moved_as_it_stands() {
    let arguments = r#"{"z":1.50,"a":12345678901234567890123,"e":"\ud800\u00e9","z":2}"#.to_owned();
    let text = serde_json::to_string(&arguments).unwrap();
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"assistant","content":null,"tool_calls":[{{"id":"a","type":"function","function":{{"name":"f","arguments":{text}}}}}]}},{{"role":"tool","tool_call_id":"a","content":"x"}}]}}"#
    );
    for provider in [Family::Anthropic, Family::Gemini] {
        let tape = Tape::read(body.as_bytes(), &limits()).unwrap();
        let sent = between(Family::OpenAi, provider).request(&tape, body.as_bytes(), &limits(), ("m", false)).unwrap().body;
        assert!(String::from_utf8_lossy(&sent).contains(&arguments), "{}", String::from_utf8_lossy(&sent));
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = [
        "type",
        "text",
        "messages",
        "contents",
        "parts",
        "role",
        "user",
        "assistant",
        "model",
        "content",
        "tools",
        "function",
        "name",
        "tool_calls",
        "arguments",
        "{}",
        "id",
        "tool_use",
        "input",
        "functionCall",
        "args",
        "choices",
        "delta",
        "message",
        "candidates",
        "finish_reason",
        "stop",
        "index",
        "error",
        "usage",
        "content_block",
        "content_block_delta",
        "message_delta",
        "finishReason",
        "generationConfig",
        "x",
    ];
    let word = proptest::sample::select(words.to_vec()).prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((word.clone(), inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_json_is_translated_or_refused(value in any_json()) {
        let bytes = serde_json::to_vec(&value).unwrap();
        let body = [b"data: ".as_slice(), &bytes, b"\n\n"].concat();
        bartizan_wire::fuzz::translate(&bytes);
        bartizan_wire::fuzz::translate(&body);
    }
}

/// The guards know fields by their names: no other spelling stands for them, or a policy on tools would see none.
#[test]
fn no_other_spelling_stands_for_a_field() {
    let spelt = |name: &str, value: Value| {
        let mut declaration = json!({"name": "f"});
        if name.contains("name") || name == "Name" {
            declaration = json!({});
        }
        declaration[name] = value;
        let mut body = small(Family::Gemini);
        body["tools"] = json!([{"functionDeclarations": [declaration]}]);
        request(Family::Gemini, Family::OpenAi, &body, false)
    };
    let object = || json!({"type": "object"});
    for good in ["parametersJsonSchema", "parameters_json_schema"] {
        assert!(spelt(good, object()).unwrap().body.windows(10).any(|part| part == b"parameters"), "{good}");
    }
    assert!(spelt("name", json!("f")).is_ok());
    for known in ["name", "parametersJsonSchema", "parameters_json_schema", "description"] {
        let doubled = known.replace('_', "__");
        let others = [format!("{known}_"), format!("_{known}"), format!("{known}__"), doubled, known.to_uppercase()];
        for other in others.iter().filter(|other| *other != known) {
            let error = spelt(other, if known.starts_with("param") { object() } else { json!("delete_everything") }).err();
            assert!(error.as_ref().is_some_and(|error| error.contains("cannot be expressed")), "{other}: {error:?}");
        }
    }
    for (at, name) in [("", "contents_"), ("", "system__instruction"), ("/contents/0", "parts_"), ("/contents/0/parts/0", "text_")] {
        let mut body = small(Family::Gemini);
        body.pointer_mut(at).unwrap()[name] = json!([]);
        assert!(request(Family::Gemini, Family::Anthropic, &body, false).is_err(), "{name}");
    }
}

/// A line break ends a line of an event, so JSON that is moved as it stands has none.
#[test]
fn pretty_printed_arguments() {
    let arguments = "{\r\n\n  \"a\": [\r1,\n\n2],\n  \"b\": \"x\\ny\"\n}";
    let wanted = json!({"a": [1, 2], "b": "x\ny"});
    let call = json!({"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}});
    let chunk = |delta: Value, finish: Value| json!({"data": {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}});
    let bytes = bytes_of(&json!([chunk(json!({"tool_calls": [call]}), Value::Null), chunk(json!({}), json!("tool_calls"))]));
    let events = events_of(&stream(between(Family::Gemini, Family::OpenAi), &[&bytes]).unwrap());
    assert_eq!(events[0]["data"]["candidates"][0]["content"]["parts"][0]["functionCall"]["args"], wanted, "{events:#}");
    let array = stream(between(Family::Gemini, Family::OpenAi).framed(Framing::JsonArray), &[&bytes]).unwrap();
    let array: Value = serde_json::from_slice(&array).unwrap();
    assert_eq!(array[0]["candidates"][0]["content"]["parts"][0]["functionCall"]["args"], wanted);
    let whole = json!({"choices": [{"message": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]});
    assert_eq!(answer(Family::Anthropic, Family::OpenAi, &whole).unwrap()["content"][0]["input"], wanted);
}

/// A thread with a small stack, whatever depth is configured.
#[test]
fn depth_costs_no_stack() {
    let deep = JsonLimits { depth: 10_000, nodes: 1_000_000 };
    let nested = |open: &str, inner: &str, close: &str, levels: usize| open.repeat(levels) + inner + &close.repeat(levels);
    let schema = |levels| {
        let schema = nested("{\"items\":", "{\"type\":\"STRING\"}", "}", levels);
        format!(
            r#"{{"contents":[{{"parts":[{{"text":"hi"}}]}}],"tools":[{{"functionDeclarations":[{{"name":"f","parameters":{schema}}}]}}]}}"#
        )
    };
    let content = nested("[{\"type\":\"tool_result\",\"content\":", "\"x\"", "}]", 4_990);
    let rows = [
        (Route::GenerateContent, schema(120), true),
        (Route::GenerateContent, schema(130), false),
        (Route::GenerateContent, schema(9_900), false),
        (Route::Messages, format!(r#"{{"model":"m","messages":[{{"role":"user","content":{content}}}]}}"#), false),
    ];
    for (route, body, fits) in rows {
        let run = move || {
            let tape = Tape::read(body.as_bytes(), &deep).unwrap();
            bartizan_wire::control(&tape, body.as_bytes(), route).unwrap();
            let translation = Translation::between(route, Family::OpenAi).unwrap();
            translation.request(&tape, body.as_bytes(), &deep, ("m", false)).map(drop)
        };
        let result = std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
        assert_eq!(result.is_ok(), fits, "{result:?}");
    }
}

/// Calls are limited, those of all choices together, and what is held of them is counted.
#[test]
fn calls_are_limited_and_counted() {
    let calls: Vec<Value> = (0..1_000).map(|_| json!({"functionCall": {"name": "f"}})).collect();
    let candidate = |index: u32, count: usize| json!({"index": index, "content": {"parts": calls[..count]}});
    let bytes = bytes_of(&json!([{"data": {"candidates": [candidate(0, 1_000)]}}]));
    let mut translator = between(Family::OpenAi, Family::Gemini).stream(&limits(), 1 << 20, SAYING);
    assert_eq!(translator.push(&bytes, &mut Vec::new()), Ok(()));
    assert!(translator.memory() >= 1_000 * 8, "{}", translator.memory());
    // The limit is one of the whole answer.
    let many = bytes_of(&json!([{"data": {"candidates": [candidate(0, 600), candidate(1, 600)]}}]));
    let mut translator = between(Family::OpenAi, Family::Gemini).stream(&limits(), 1 << 20, SAYING);
    assert_eq!(translator.push(&many, &mut Vec::new()), Err(Garbage::TooMuch));
    let call = |index: u32| json!({"choices": [{"delta": {"tool_calls": [{"index": index, "id": "i", "function": {"name": "f"}}]}}]});
    let events: Vec<Value> = (0..500).map(|index| json!({"data": call(index)})).collect();
    let mut translator = between(Family::Anthropic, Family::OpenAi).stream(&limits(), 1 << 20, SAYING);
    assert_eq!(translator.push(&bytes_of(&json!(events)), &mut Vec::new()), Ok(()));
    assert!(translator.memory() >= 500 * 16, "{}", translator.memory());
}

#[test]
fn names_of_calls_come_whole() {
    let chunk = |function: Value| json!({"data": {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "c", "function": function}]}}]}});
    let end = json!({"data": {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}});
    let run = |one: Value, two: Value| stream(between(Family::Gemini, Family::OpenAi), &[&bytes_of(&json!([chunk(one), chunk(two), end]))]);
    assert_eq!(run(json!({"name": "delete"}), json!({"name": "_draft", "arguments": "{}"})), Err(Garbage::Name));
    assert_eq!(run(json!({"arguments": ""}), json!({"name": "f", "arguments": "{}"})), Err(Garbage::Name));
    for again in [json!({"arguments": "{}"}), json!({"name": "delete", "arguments": "{}"}), json!({"name": "", "arguments": "{}"})] {
        assert!(run(json!({"name": "delete"}), again).is_ok());
    }
    let gemini = json!({"candidates": [{"content": {"parts": [{"functionCall": {"name": ""}}]}, "finishReason": "STOP"}]});
    assert_eq!(answer(Family::OpenAi, Family::Gemini, &gemini), Err(Garbage::Name));
    let anthropic = json!({"content": [{"type": "tool_use", "id": "a", "input": {}}], "stop_reason": "tool_use"});
    assert_eq!(answer(Family::OpenAi, Family::Anthropic, &anthropic), Err(Garbage::Name));
}

#[test]
fn what_cannot_be_read_is_no_answer() {
    use Family::{Anthropic as A, Gemini as G, OpenAi as O};
    let openai = |content: Value| json!({"choices": [{"message": {"content": content}, "finish_reason": "stop"}]});
    let rows = [
        (A, json!({"type": "message", "content": "plain text", "stop_reason": "end_turn"})),
        (A, json!({"type": "message", "content": [{"type": "text", "text": "x"}]})),
        (A, json!({"type": "message", "content": [], "stop_reason": null})),
        (O, openai(json!({"type": "text", "text": "x"}))),
        (O, openai(json!([{"type": "image_url", "image_url": {}}]))),
        (O, openai(json!(["x"]))),
        (O, openai(json!(5))),
        (O, json!({"choices": {"0": 1}})),
        (O, json!({"choices": [{"message": {"tool_calls": {}}, "finish_reason": "stop"}]})),
        (G, json!({"candidates": {}})),
        (G, json!({"candidates": [{"content": {"parts": "x"}, "finishReason": "STOP"}]})),
    ];
    for (provider, body) in rows {
        for client in ALL.into_iter().filter(|client| *client != provider) {
            assert_eq!(answer(client, provider, &body), Err(Garbage::NotAnAnswer), "{body}");
        }
    }
    let parts = openai(json!([{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]));
    assert_eq!(answer(A, O, &parts).unwrap()["content"][0]["text"], "hello");
}

#[test]
fn an_error_that_comes_as_an_answer_has_a_status() {
    use Family::{Anthropic as A, Gemini as G, OpenAi as O};
    let rows = [
        (O, json!({"error": {"message": "m", "type": "rate_limit_error"}}), 429),
        (O, json!({"error": {"message": "m", "code": 429}}), 429),
        (O, json!({"error": {"message": "m", "code": 42}}), 502),
        (O, json!({"error": "m"}), 502),
        (A, json!({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}), 529),
        (A, json!({"type": "error", "error": {"type": "new_error", "message": "m"}}), 502),
        (G, json!({"error": {"code": 503, "message": "m"}}), 503),
        (G, json!({"error": {"status": "RESOURCE_EXHAUSTED", "message": "m"}}), 429),
    ];
    for (provider, body, status) in rows {
        for client in ALL.into_iter().filter(|client| *client != provider) {
            let bytes = serde_json::to_vec(&body).unwrap();
            let tape = Tape::read(&bytes, &limits()).unwrap();
            let got = between(client, provider).answer(&tape, &bytes, &limits(), SAYING).unwrap();
            assert_eq!(got.failed, Some(status), "{body}");
            assert_eq!(serde_json::from_slice::<Value>(&got.body).unwrap()["error"]["message"], "m");
        }
    }
}

/// What comes behind an end or an error is not even read.
#[test]
fn nothing_comes_behind_the_end() {
    let end = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let error = "data: {\"error\":{\"message\":\"m\",\"type\":\"rate_limit_error\"}}\n\n";
    for last in [end, error] {
        let mut translator = between(Family::Gemini, Family::OpenAi).stream(&limits(), 1 << 10, SAYING);
        let mut out = Vec::new();
        translator.push(last.as_bytes(), &mut out).unwrap();
        let before = out.len();
        translator.push(&b"data: garbage ".repeat(1_000), &mut out).unwrap();
        translator.finish(&mut out).unwrap();
        assert_eq!((out.len(), translator.memory() < 1_000), (before, true), "{last}");
    }
    let out = stream(between(Family::Gemini, Family::OpenAi), &[error.as_bytes()]).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("RESOURCE_EXHAUSTED"));
}

#[test]
fn an_empty_input_with_white_space_is_empty() {
    let events = "data: {\"type\":\"message_start\",\"message\":{\"id\":\"i\",\"model\":\"m\"}}\n\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{ }}}\n\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":1}\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n";
    let out = String::from_utf8(stream(between(Family::OpenAi, Family::Anthropic), &[events.as_bytes()]).unwrap()).unwrap();
    assert!(out.contains(r#"{\"a\":1}"#) && !out.contains("{ }"), "{out}");
}

#[test]
fn what_is_left_out_is_named() {
    use Family::{Anthropic as A, Gemini as G, OpenAi as O};
    let file = json!({"type": "file", "file": {"filename": "contract.pdf", "file_data": "data:application/pdf;base64,QUJD"}});
    let picture = json!({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "QUJD", "displayName": "a name"}}]}]});
    let both = json!({"messages": [{"role": "user", "content": "x"}], "user": "a", "safety_identifier": "b"});
    let rows = [
        (O, G, user(&json!([file])), Some("filename")),
        (O, A, user(&json!([file])), None),
        (G, O, picture.clone(), Some("displayName")),
        (G, A, picture, Some("displayName")),
        (O, A, both, Some("safety_identifier")),
    ];
    for (client, provider, body, name) in rows {
        let got = request(client, provider, &body, false).unwrap().left_out;
        assert_eq!(got.iter().copied().collect::<Vec<_>>(), name.into_iter().collect::<Vec<_>>(), "{body}");
    }
}

/// Calls without ids in an answer without one: those of two turns differ.
#[test]
fn ids_that_are_made_differ_from_turn_to_turn() {
    let body = json!({"candidates": [{"content": {"parts": [{"functionCall": {"name": "f"}}]}, "finishReason": "STOP"}]}).to_string();
    let tape = Tape::read(body.as_bytes(), &limits()).unwrap();
    let id = |created| {
        let saying = Saying { created, usage: true };
        let got = between(Family::OpenAi, Family::Gemini).answer(&tape, body.as_bytes(), &limits(), saying).unwrap();
        serde_json::from_slice::<Value>(&got.body).unwrap()["choices"][0]["message"]["tool_calls"][0]["id"].clone()
    };
    assert_ne!(id(1), id(2));
}
