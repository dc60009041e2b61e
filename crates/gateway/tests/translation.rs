//! A model on a provider of one format, asked on the route of another: what leaves, what comes back, what is refused.

use bartizan_gateway::{Auth, Limits};
use bartizan_testkit::{Answer, canned};
use serde_json::{Value, json};

use crate::harness::{Call, House, Plan, Reply, key};

const CARD: &str = "4111 1111 1111 1111";
const OWN: &str = "ada@example.org";
const OTHER: &str = "eve.adams@example.net";

/// A client's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Chat,
    Messages,
    Gemini,
    /// Gemini's stream as an array, where it streams.
    Array,
}

/// (client, model, path at the provider, of a stream)
type Pair = (Form, &'static str, &'static str, &'static str);

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const AZURE: &str = "/v1/deployments/our%20deployment%2F1/chat/completions?api-version=2024-10-21";
const GENERATE: &str = "/v1/models/gemini-real:generateContent";
const STREAM: &str = "/v1/models/gemini-real:streamGenerateContent?alt=sse";

const PAIRS: &[Pair] = &[
    (Form::Chat, "only-anthropic", MESSAGES, MESSAGES),
    (Form::Chat, "gem-alias", GENERATE, STREAM),
    (Form::Messages, "only-openai", CHAT, CHAT),
    (Form::Messages, "on-azure", AZURE, AZURE),
    (Form::Messages, "gem-alias", GENERATE, STREAM),
    (Form::Gemini, "only-openai", CHAT, CHAT),
    (Form::Array, "only-openai", CHAT, CHAT),
    (Form::Gemini, "only-anthropic", MESSAGES, MESSAGES),
    (Form::Array, "only-anthropic", MESSAGES, MESSAGES),
];

/// A request that says something, with a tool that takes a text.
fn asked(form: Form, model: &str, stream: bool, text: &str) -> Call {
    let schema = json!({"type": "object", "properties": {"text": {"type": "string"}}});
    match form {
        Form::Chat => {
            let tool = json!({"type": "function", "function": {"name": "send", "parameters": schema}});
            let message = json!({"role": "user", "content": text});
            Call::chat(json!({"model": model, "stream": stream, "messages": [message], "tools": [tool]}).to_string())
        }
        Form::Messages => {
            let tool = json!({"name": "send", "input_schema": schema});
            let message = json!({"role": "user", "content": [{"type": "text", "text": text}]});
            Call::messages(json!({"model": model, "max_tokens": 50, "stream": stream, "messages": [message], "tools": [tool]}).to_string())
        }
        Form::Gemini | Form::Array => {
            let method = match (stream, form) {
                (false, _) => "generateContent",
                (true, Form::Array) => "streamGenerateContent",
                (true, _) => "streamGenerateContent?alt=sse",
            };
            let tools = json!([{"functionDeclarations": [{"name": "send", "parametersJsonSchema": schema}]}]);
            let body = json!({"contents": [{"role": "user", "parts": [{"text": text}]}], "tools": tools});
            Call::new("POST", &format!("/v1beta/models/{model}:{method}"), body.to_string())
        }
    }
}

/// The text and the arguments of the first call, as a client of the format reads them.
fn read(form: Form, stream: bool, reply: &Reply) -> (String, String) {
    let text = reply.text();
    let events: Vec<Value> = match (stream, form) {
        (false, _) => vec![reply.json()],
        (true, Form::Array) => reply.json().as_array().unwrap().clone(),
        (true, _) => crate::answers::events(&text),
    };
    let (mut said, mut arguments) = (String::new(), String::new());
    let mut add = |value: &Value, target: bool| {
        let text = value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned);
        if target { &mut said } else { &mut arguments }.push_str(&text);
    };
    for event in &events {
        let part = if stream { "delta" } else { "message" };
        let message = &event["choices"][0][part];
        add(&message["content"], true);
        add(&message["tool_calls"][0]["function"]["arguments"], false);
        for block in event["content"].as_array().into_iter().flatten() {
            add(&block["text"], true);
            add(&block["input"], false);
        }
        if event["type"] == "content_block_delta" {
            add(&event["delta"]["text"], true);
            add(&event["delta"]["partial_json"], false);
        }
        for part in event["candidates"][0]["content"]["parts"].as_array().into_iter().flatten() {
            add(&part["text"], true);
            add(&part["functionCall"]["args"], false);
        }
    }
    (said, arguments)
}

/// Whether the answer ended as the format wants it.
fn is_ended(form: Form, reply: &Reply) -> bool {
    let text = reply.text();
    match form {
        Form::Chat => text.ends_with("data: [DONE]\n\n"),
        Form::Messages => text.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"),
        Form::Gemini => text.contains("\"finishReason\":\"STOP\""),
        Form::Array => text.contains("\"finishReason\":\"STOP\"") && text.ends_with(']'),
    }
}

fn content_type(form: Form, stream: bool) -> &'static str {
    if stream && form != Form::Array { "text/event-stream" } else { "application/json" }
}

#[test]
fn what_is_the_callers_is_hidden_on_the_way_and_comes_back() {
    let house = House::new();
    for (form, model, whole, streamed) in PAIRS {
        for (stream, path) in [(false, whole), (true, streamed)] {
            for word in ["see", "use the tool with"] {
                house.upstream.forget();
                house.journal.clear();
                let said = format!("{word} {CARD} and {OWN}");
                let call = asked(*form, model, stream, &said)
                    .and("anthropic-beta", "some-beta")
                    .and("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
                let reply = house.send(&call);
                assert!(reply.status == 200 && reply.whole, "{form:?} {model}: {}", reply.text());
                let seen = house.upstream.requests().pop().unwrap();
                let sent = seen.text();
                assert!(!sent.contains(CARD) && !sent.contains("ada@") && sent.contains("EMAIL_"), "{form:?} {model}: {sent}");
                assert_eq!(seen.path, *path, "{form:?} {model}");
                assert_eq!(seen.header("anthropic-version").is_some(), *path == MESSAGES);
                assert!(seen.header("anthropic-beta").is_none() && seen.header("traceparent").is_some());
                let key = ["authorization", "x-api-key", "x-goog-api-key", "api-key"].iter().filter_map(|name| seen.header(name));
                assert_eq!(key.map(|key| key.trim_start_matches("Bearer ")).collect::<Vec<_>>(), ["sk-provider"]);
                let (text, arguments) = read(*form, stream, &reply);
                if word == "see" {
                    assert_eq!((text.as_str(), arguments.as_str()), (format!("You said: {said}").as_str(), ""), "{form:?} {model}");
                } else {
                    let arguments: Value = serde_json::from_str(&arguments).unwrap_or_else(|error| panic!("{error}: {arguments}"));
                    assert_eq!(arguments["text"], said, "{form:?} {model}");
                }
                assert!(!stream || is_ended(*form, &reply), "{form:?} {model}: {}", reply.text());
                assert_eq!(reply.header("content-type"), Some(content_type(*form, stream)), "{form:?} {model}");
                assert_eq!(reply.decision(), "remedied");
                let translated = reply.header("bartizan-translated").unwrap();
                assert!(["openai", "anthropic", "gemini"].contains(&translated), "{translated}");
                let event = house.journal.wait_for("end").event.unwrap();
                assert!(event["route"].as_str().unwrap().contains(call.path.split([':', '?']).next().unwrap().trim_end_matches(model)));
                assert_eq!((&event["model"], &event["end"]), (&json!(model), &json!("complete")), "{event}");
            }
        }
    }
    assert_eq!(house.gate.inflight_bytes(), 0);
}

/// An answer of the provider of a model that holds a value in its text and in a call's arguments.
fn holding(model: &str, stream: bool, value: &str) -> [Answer; 2] {
    let text = format!("write to {value}, ok");
    let arguments = json!({"text": text}).to_string();
    let parts = canned::parts(&text, 3);
    let pieces = canned::parts(&arguments, 3);
    let call = json!([{"functionCall": {"name": "send", "args": {"text": text}}}]);
    match (model, stream) {
        ("only-anthropic", false) => [canned::message("m", &text), canned::message_tool_use("m", "send", &arguments)].map(Answer::json),
        ("only-anthropic", true) => {
            [Answer::stream(canned::message_events("m", &parts)), Answer::stream(canned::message_tool_events("m", "send", &pieces))]
        }
        ("gem-alias", false) => [canned::gemini_parts(&json!([{"text": text}])), canned::gemini_parts(&call)].map(Answer::json),
        ("gem-alias", true) => {
            let parts: Vec<Value> = parts.iter().map(|piece| json!([{"text": piece}])).collect();
            [Answer::stream(canned::gemini_events(&parts)), Answer::stream(canned::gemini_events(&[call]))]
        }
        (_, false) => [canned::chat("m", &text), canned::chat_tool_call("m", "send", &arguments)].map(Answer::json),
        (_, true) => [Answer::stream(canned::chat_events("m", &parts)), Answer::stream(canned::chat_tool_events("m", "send", &pieces))],
    }
}

#[test]
fn what_the_model_introduces_is_taken_out() {
    let house = House::new();
    for (form, model, ..) in PAIRS {
        for stream in [false, true] {
            for answer in holding(model, stream, OTHER) {
                house.upstream.push(answer);
                let reply = house.send(&asked(*form, model, stream, "who?"));
                assert_eq!((reply.status, reply.whole), (200, true), "{form:?} {model}: {}", reply.text());
                let (text, arguments) = read(*form, stream, &reply);
                assert!((text + &arguments).contains("write to [REDACTED_EMAIL], ok"), "{form:?} {model}: {}", reply.text());
                assert!(!reply.text().contains("eve.") && !reply.text().contains(OTHER));
            }
        }
    }
}

#[test]
fn a_stream_is_the_same_for_every_split() {
    let house = House::new();
    let text = format!("it is {OTHER}.");
    let bytes = canned::message_events("m", &canned::parts(&text, 4)).concat();
    let call = asked(Form::Chat, "only-anthropic", true, "who?");
    house.upstream.push(Answer::stream([bytes.clone()]));
    let whole = house.send(&call).text();
    assert!(whole.contains("REDACTED"), "{whole}");
    for at in (1..bytes.len()).step_by(7) {
        house.upstream.push(Answer::stream_split(bytes.as_bytes(), &[at]));
        assert_eq!(house.send(&call).text(), whole, "split at {at}");
    }
}

/// The shape of an error in a client's format: message and word.
fn error_of(form: Form, body: &Value) -> (String, String) {
    let word = match form {
        Form::Chat | Form::Messages => "type",
        Form::Gemini | Form::Array => "status",
    };
    if form == Form::Messages {
        assert_eq!(body["type"], "error");
    }
    (body["error"]["message"].as_str().unwrap().to_owned(), body["error"][word].as_str().unwrap().to_owned())
}

#[test]
fn what_has_no_place_is_a_400_and_nothing_is_sent() {
    let house = House::new();
    let rows = [
        (
            Form::Chat,
            "only-anthropic",
            Call::chat(json!({"model": "only-anthropic", "seed": 5, "messages": [{"role": "user", "content": OWN}]}).to_string()),
            "`seed` cannot be expressed in Anthropic's format",
        ),
        (
            Form::Messages,
            "only-openai",
            Call::messages(
                json!({"model": "only-openai", "max_tokens": 5, "top_k": 5, "messages": [{"role": "user", "content": OWN}]}).to_string(),
            ),
            "`top_k` cannot be expressed in OpenAI's format",
        ),
        (
            Form::Gemini,
            "only-openai",
            Call::new(
                "POST",
                "/v1beta/models/only-openai:generateContent",
                json!({"contents": [{"parts": [{"text": OWN}]}], "tools": [{"googleSearch": {}}]}).to_string(),
            ),
            "`tools[0].googleSearch` cannot",
        ),
        (
            Form::Gemini,
            "only-openai",
            Call::new(
                "POST",
                "/v1beta/models/only-openai:generateContent?fields=candidates",
                json!({"contents": [{"parts": [{"text": "x"}]}]}).to_string(),
            ),
            "`fields` in the query",
        ),
    ];
    let query = |query: &str| {
        let body = json!({"contents": [{"parts": [{"text": "x"}]}]}).to_string();
        let call = Call::new("POST", &format!("/v1beta/models/only-openai:generateContent?{query}"), body);
        (Form::Gemini, "only-openai", call, "`fields` in the query")
    };
    let rows = rows.into_iter().chain(["%66ields=candidates", "%24f%69elds=a", "$fields=a"].map(query));
    for (form, model, call, said) in rows {
        house.journal.clear();
        let reply = house.send(&call);
        let (message, word) = error_of(form, &reply.json());
        assert_eq!((reply.status, reply.decision()), (400, "blocked"), "{model}: {message}");
        assert!(message.contains(said) && ["invalid_request_error", "INVALID_ARGUMENT"].contains(&word.as_str()), "{message} {word}");
        assert!(house.upstream.requests().is_empty());
        assert_eq!(house.journal.kinds(), "request");
    }
    // What a field is called is told only if it looks like one, and values never are.
    let body = json!({"model": "only-anthropic", "messages": [{"role": "user", "content": "x"}], "4111111111111111": OWN});
    let reply = house.send(&Call::chat(body.to_string()));
    assert!(reply.status >= 400 && !reply.text().contains("4111") && !reply.text().contains("ada@"), "{}", reply.text());
    assert!(house.upstream.requests().is_empty() && house.gate.inflight_bytes() == 0);
}

#[test]
fn hints_that_are_left_out_are_told() {
    let house = House::new();
    let body = json!({"model": "only-openai", "max_tokens": 5, "metadata": {"user_id": "u"}, "messages": [
        {"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "c2lnbmVk"}, {"type": "text", "text": "y"}]},
        {"role": "user", "content": "z"},
    ]});
    let reply = house.send(&Call::messages(body.to_string()));
    assert_eq!(reply.header("bartizan-translated"), Some("openai; left-out=cache_control,thinking"), "{}", reply.text());
    let own = house.send(&Call::chat(json!({"model": "only-openai", "messages": [{"role": "user", "content": "x"}]}).to_string()));
    assert_eq!((own.status, own.header("bartizan-translated")), (200, None));
}

#[test]
fn errors_of_the_provider() {
    let house = House::new();
    for (form, model, ..) in PAIRS {
        let body = match *model {
            "only-anthropic" => json!({"type": "error", "error": {"type": "rate_limit_error", "message": format!("slow down {OTHER}")}}),
            "gem-alias" => json!({"error": {"code": 429, "message": format!("slow down {OTHER}"), "status": "RESOURCE_EXHAUSTED"}}),
            _ => json!({"error": {"message": format!("slow down {OTHER}"), "type": "tokens", "code": "rate_limit_exceeded"}}),
        };
        for stream in [false, true] {
            house.upstream.push(Answer::json(body.to_string()).with_status(429).with_header("retry-after", "7"));
            let reply = house.send(&asked(*form, model, stream, "x"));
            let (message, word) = error_of(*form, &reply.json());
            assert_eq!((reply.status, message.as_str()), (429, "slow down [REDACTED_EMAIL]"), "{form:?} {model}");
            assert!(["rate_limit_error", "RESOURCE_EXHAUSTED"].contains(&word.as_str()), "{word}");
            assert_eq!(reply.header("retry-after"), Some("7"));
            // What is not JSON, or does not say what is wrong.
            for nothing in ["<html>down</html>", "{\"x\":1}", ""] {
                house.upstream.push(Answer::json(nothing).with_status(404));
                let reply = house.send(&asked(*form, model, stream, "x"));
                let (message, _) = error_of(*form, &reply.json());
                assert_eq!(reply.status, 404, "{form:?} {model}");
                assert!(message.contains("without a body that can be read"), "{message}");
            }
        }
    }
}

#[test]
fn answers_that_are_none() {
    let house = House::new();
    for (form, model, ..) in PAIRS {
        for body in ["{}", "[1]", "not JSON"] {
            house.upstream.push(Answer::json(body));
            let reply = house.send(&asked(*form, model, false, "x"));
            let (message, _) = error_of(*form, &reply.json());
            assert_eq!(reply.status, 502, "{form:?} {model} {body}: {message}");
            assert!(message.contains("cannot be translated"), "{message}");
        }
        // A stream that ends too early has no end for the client either.
        let [whole, _] = holding(model, true, "nobody");
        let first = match *model {
            "only-anthropic" => canned::message_events("m", &["a", "b"])[..3].concat(),
            "gem-alias" => canned::gemini_events(&[json!([{"text": "a"}]), json!([{"text": "b"}])])[..1].concat(),
            _ => canned::chat_events("m", &["a", "b"])[..2].concat(),
        };
        drop(whole);
        house.upstream.push(Answer::stream([first]));
        let reply = house.send(&asked(*form, model, true, "x"));
        let text = reply.text();
        assert!(text.contains("ended too early") && !is_ended(*form, &reply), "{form:?} {model}: {text}");
        if *form == Form::Array {
            assert!(reply.json().as_array().unwrap().last().unwrap()["error"].is_object(), "{text}");
        }
        // And an error that the provider tells in the middle of it.
        let error = match *model {
            "only-anthropic" => {
                "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n"
            }
            "gem-alias" => "data: {\"error\":{\"code\":503,\"message\":\"busy\"}}\n\n",
            _ => "data: {\"error\":{\"message\":\"busy\"}}\n\n",
        };
        house.upstream.push(Answer::stream([error]));
        let reply = house.send(&asked(*form, model, true, "x"));
        assert!(reply.text().contains("busy") && !is_ended(*form, &reply), "{form:?} {model}: {}", reply.text());
    }
}

#[test]
fn a_clients_key_goes_to_its_own_provider_only() {
    let house = House::build(Plan { api_key: None, pass_client_key: true, auth: Auth::Anonymous, ..Plan::default() });
    for (form, model, ..) in PAIRS {
        house.upstream.forget();
        let call = asked(*form, model, false, "x")
            .with("authorization", "Bearer sk-mine")
            .and("x-api-key", "sk-mine")
            .and("x-goog-api-key", "sk-mine");
        assert_eq!(house.send(&call).status, 200);
        let seen = house.upstream.requests().pop().unwrap();
        assert!(seen.headers.iter().all(|(_, value)| !value.contains("sk-mine")), "{form:?} {model}");
    }
}

#[test]
fn tokens_are_counted() {
    let house = House::new();
    let body = json!({"model": "gem-alias", "messages": [{"role": "user", "content": format!("count {OWN} please")}]});
    let reply = house.send(&Call::new("POST", "/v1/messages/count_tokens", body.to_string()));
    assert_eq!((reply.status, reply.json()), (200, json!({"input_tokens": 1})), "{}", reply.text());
    let seen = house.upstream.requests().pop().unwrap();
    assert!(seen.path.ends_with("/models/gemini-real:countTokens") && !seen.text().contains("ada@"), "{}", seen.text());
    let body = json!({"contents": [{"parts": [{"text": "one two three"}]}]});
    let reply = house.send(&Call::new("POST", "/v1beta/models/only-anthropic:countTokens", body.to_string()));
    assert_eq!((reply.status, reply.json()), (200, json!({"totalTokens": 3})), "{}", reply.text());
    let body = json!({"model": "only-openai", "messages": [{"role": "user", "content": "x"}]});
    let reply = house.send(&Call::new("POST", "/v1/messages/count_tokens", body.to_string()));
    assert!(reply.status == 404 && reply.text().contains("served on"), "{}", reply.text());
}

#[test]
fn other_routes_are_not_translated() {
    let house = House::new();
    for (path, body, status) in [
        ("/v1/embeddings", json!({"model": "only-anthropic", "input": "x"}), 404),
        ("/v1/responses", json!({"model": "only-anthropic", "input": "x"}), 404),
        ("/v1beta/models/only-openai:embedContent", json!({"content": {"parts": [{"text": "x"}]}}), 404),
    ] {
        let reply = house.send(&Call::new("POST", path, body.to_string()));
        assert_eq!(reply.status, status, "{path}: {}", reply.text());
        assert!(reply.text().contains("is served on"), "{}", reply.text());
    }
    let limited = asked(Form::Chat, "only-anthropic", false, "x").with("authorization", &format!("Bearer {}", key(3)));
    assert_eq!(house.send(&limited).status, 403);
    assert!(house.upstream.requests().is_empty());
}

/// The copy is counted: a budget that holds the request once does not hold it twice.
#[test]
fn a_translated_copy_counts() {
    let limits = Limits { inflight_bytes: 5 << 20, ..Limits::default() };
    let house = House::build(Plan { limits, ..Plan::default() });
    let text = "word ".repeat(240 << 10);
    let own = asked(Form::Messages, "only-anthropic", false, &text);
    let translated = asked(Form::Chat, "only-anthropic", false, &text);
    house.upstream.always(Answer::json(canned::message("m", "hi")));
    let (own, translated) = (house.send(&own), house.send(&translated));
    assert_eq!((own.status, translated.status), (200, 200), "{} {}", own.text(), translated.text());
    let text = "word ".repeat(380 << 10);
    let own = house.send(&asked(Form::Messages, "only-anthropic", false, &text));
    let translated = house.send(&asked(Form::Chat, "only-anthropic", false, &text));
    assert_eq!((own.status, translated.status), (200, 503), "{}", translated.text());
    assert_eq!(house.gate.inflight_bytes(), 0);
}

/// A fixture of the translation: a request or an answer in which every kind of part stands.
fn fixture(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wire/tests/translate").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Pointers to all strings and keys of a value.
fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    match value {
        Value::String(_) => out.push(at.to_owned()),
        Value::Array(list) => list.iter().enumerate().for_each(|(number, one)| places(one, &format!("{at}/{number}"), out)),
        Value::Object(members) => members.iter().for_each(|(name, one)| places(one, &format!("{at}/{name}"), out)),
        _ => {}
    }
}

fn source(model: &str) -> Value {
    match model {
        "only-anthropic" => fixture("source_anthropic.json"),
        "gem-alias" => fixture("source_gemini.json"),
        _ => fixture("source_openai.json"),
    }
}

/// Wherever in a request a value stands: it is hidden, or nothing is sent.
#[test]
fn no_place_of_a_request_lets_a_value_through() {
    let house = House::new();
    let mut sent = 0;
    for (form, model, ..) in PAIRS.iter().filter(|pair| pair.0 != Form::Array) {
        let (own, path) = match form {
            Form::Chat => ("only-openai", CHAT.to_owned()),
            Form::Messages => ("only-anthropic", MESSAGES.to_owned()),
            Form::Gemini | Form::Array => ("gem-alias", format!("/v1beta/models/{model}:generateContent")),
        };
        let mut request = source(own)["request"].clone();
        if *form != Form::Gemini {
            request["model"] = json!(model);
            request["stream"] = json!(false);
        }
        // A file that is none is not let through at all.
        for pointer in ["/messages/0/content", "/contents/0/parts"] {
            if let Some(parts) = request.pointer_mut(pointer).and_then(Value::as_array_mut) {
                parts.retain(|part| !part.to_string().contains("application/pdf"));
            }
        }
        let mut all = Vec::new();
        places(&request, "", &mut all);
        for place in all {
            let mut request = request.clone();
            let text = request.pointer_mut(&place).unwrap();
            // JSON in a string stays JSON.
            let json = text.as_str().unwrap().starts_with('{');
            *text = json!(if json { format!("{{\"a\": \"{OTHER}\"}}") } else { format!("x {OTHER} ") });
            house.upstream.forget();
            let reply = house.send(&Call::new("POST", &path, request.to_string()));
            assert!([200, 400, 403, 404].contains(&reply.status), "{place}: {}", reply.text());
            for seen in house.upstream.requests() {
                // What is not there was left out, and the client is told so.
                let hidden = seen.text().contains("EMAIL_");
                sent += usize::from(hidden);
                let told = reply.header("bartizan-translated").unwrap();
                assert!(
                    hidden
                        || told.contains("left-out=")
                        || place.ends_with("/thought")
                        || place.contains("propertyOrdering")
                        || place.contains("json_schema/name"),
                    "{form:?} {model} {place}: {}",
                    seen.text()
                );
                assert!(!seen.text().contains("eve."), "{form:?} {model} {place}: {}", seen.text());
            }
        }
    }
    assert!(sent > 50, "only {sent} requests were sent");
}

/// Wherever in an answer or a stream a value stands: it does not reach the client.
#[test]
fn no_place_of_an_answer_lets_a_value_through() {
    let house = House::new();
    let mut passed = 0;
    for (form, model, ..) in PAIRS {
        let source = source(model);
        for stream in [false, true] {
            let answer = &source[if stream { "stream" } else { "answer" }];
            let mut all = Vec::new();
            places(answer, "", &mut all);
            for place in all {
                let mut answer = answer.clone();
                *answer.pointer_mut(&place).unwrap() = json!(format!(" {OTHER} "));
                house.upstream.push(if stream { Answer::stream([bytes_of(&answer)]) } else { Answer::json(answer.to_string()) });
                let reply = house.send(&asked(*form, model, stream, "who?"));
                passed += usize::from(reply.text().contains("REDACTED"));
                assert!(!reply.text().contains("eve.") && !reply.text().contains(OTHER), "{form:?} {model} {place}: {}", reply.text());
            }
        }
    }
    assert!(passed > 40, "only {passed} answers were edited");
}

/// A stream as a provider sends it.
fn bytes_of(events: &Value) -> String {
    let mut out = String::new();
    for event in events.as_array().unwrap() {
        if let Some(name) = event["event"].as_str() {
            out = out + "event: " + name + "\n";
        }
        let data = event["data"].as_str().map_or_else(|| event["data"].to_string(), str::to_owned);
        out = out + "data: " + &data + "\n\n";
    }
    out
}

/// What a format has no place for is left out: what stood before and behind it was judged apart, and must not arrive as one text.
#[test]
fn texts_that_become_neighbours_are_inspected_as_one() {
    let house = House::new();
    let gemini = |parts: Value| json!({"contents": [{"role": "user", "parts": parts}]});
    let messages = |content: Value| json!({"max_tokens": 5, "messages": [{"role": "user", "content": content}]});
    let (one, two) = ("4111 1111 ", "1111 1111");
    let text = |text: &str| json!({"type": "text", "text": text});
    let mut rows = Vec::new();
    for model in ["only-openai", "only-anthropic"] {
        for between in [json!({"thought": true, "text": "x"}), json!({}), json!({"thoughtSignature": "QUJD"})] {
            rows.push((Form::Gemini, model, gemini(json!([{"text": one}, between, {"text": two}]))));
        }
        let turns = json!({"contents": [{"role": "user", "parts": [{"text": one}]}, {"role": "user", "parts": [{"text": two}]}]});
        rows.push((Form::Gemini, model, turns));
    }
    for model in ["only-openai", "gem-alias"] {
        for between in
            [json!({"type": "redacted_thinking", "data": "QUJD"}), json!({"type": "thinking", "thinking": "", "signature": "QUJD"})]
        {
            rows.push((Form::Messages, model, messages(json!([text(one), between, text(two)]))));
            let result = json!([{"type": "tool_result", "tool_use_id": "a", "content": [text(one), between, text(two)]}]);
            let call = json!([{"type": "tool_use", "id": "a", "name": "f", "input": {}}]);
            let turns =
                json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": call}, {"role": "user", "content": result}]);
            rows.push((Form::Messages, model, json!({"max_tokens": 5, "messages": turns})));
        }
        let turns = json!([{"role": "user", "content": one}, {"role": "user", "content": two}]);
        rows.push((Form::Messages, model, json!({"max_tokens": 5, "messages": turns})));
    }
    for model in ["only-anthropic", "gem-alias"] {
        for role in ["user", "system"] {
            let turns = json!([{"role": role, "content": one}, {"role": role, "content": two}, {"role": "user", "content": " x"}]);
            rows.push((Form::Chat, model, json!({"messages": turns})));
        }
    }
    for (form, model, mut body) in rows {
        let call = match form {
            Form::Gemini | Form::Array => Call::new("POST", &format!("/v1beta/models/{model}:generateContent"), body.to_string()),
            Form::Chat | Form::Messages => {
                body["model"] = json!(model);
                if form == Form::Chat { Call::chat(body.to_string()) } else { Call::messages(body.to_string()) }
            }
        };
        house.journal.clear();
        let reply = house.send(&call);
        let sent: Vec<String> = house.upstream.requests().iter().map(bartizan_testkit::Recorded::text).collect();
        assert!(sent.is_empty(), "{form:?} {model}: {body} was sent as {sent:?}");
        let refused = [(400, "blocked"), (403, "blocked")];
        assert!(refused.contains(&(reply.status, reply.decision())), "{form:?} {model} {body}: {} {}", reply.status, reply.text());
        if reply.status == 403 {
            let event = house.journal.wait_for("request").event.unwrap();
            assert!(event["findings"].to_string().contains("pci.card"), "{event}");
        }
    }
    assert_eq!(house.gate.inflight_bytes(), 0);
}

/// A refusal of the translation says in its record what was found before.
#[test]
fn a_request_that_is_not_translated_keeps_its_findings() {
    let house = House::new();
    let reply =
        house.send(&Call::chat(json!({"model": "only-anthropic", "seed": 1, "messages": [{"role": "user", "content": OWN}]}).to_string()));
    assert_eq!((reply.status, reply.decision()), (400, "blocked"), "{}", reply.text());
    let event = house.journal.wait_for("request").event.unwrap();
    assert!(event["findings"].to_string().contains("email") && event["decision"] == "blocked", "{event}");
}

/// Some providers send an error as if it were an answer: the client gets it as an error.
#[test]
fn errors_with_the_status_of_an_answer() {
    let house = House::new();
    for (form, model, ..) in PAIRS {
        let body = match *model {
            "only-anthropic" => json!({"type": "error", "error": {"type": "rate_limit_error", "message": format!("slow down {OTHER}")}}),
            "gem-alias" => json!({"error": {"code": 429, "message": format!("slow down {OTHER}")}}),
            _ => json!({"error": {"message": format!("slow down {OTHER}"), "code": 429}}),
        };
        for (body, status) in [(body, 429), (json!({"error": {"message": format!("slow down {OTHER}")}}), 502)] {
            house.journal.clear();
            house.upstream.push(Answer::json(body.to_string()));
            let reply = house.send(&asked(*form, model, false, "x"));
            let (message, _) = error_of(*form, &reply.json());
            assert_eq!((reply.status, message.as_str()), (status, "slow down [REDACTED_EMAIL]"), "{form:?} {model}: {}", reply.text());
            let event = house.journal.wait_for("end").event.unwrap();
            assert_eq!((&event["end"], &event["status"]), (&json!("upstream_error"), &json!(status)), "{event}");
        }
    }
}
