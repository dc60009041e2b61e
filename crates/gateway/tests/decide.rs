//! Verdicts: the gate's own route, and the guard interfaces of other gateways. Nothing of it reaches a provider.

use std::collections::HashSet;
use std::sync::{Arc, Barrier, Mutex};
use std::thread::ThreadId;

use bartizan_gateway::{Fault, Faults, Settings};
use bartizan_policy::TrainingUse;
use serde_json::{Value, json};

use crate::harness::{Call, House, Ill, Plan, Reply, key};
use crate::routing::way;

const EMAIL: &str = "ada.lovelace@example.org";
const CARD: &str = "4111 1111 1111 1111";
const TOKEN: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";

const OWN: &str = "/v1/decide";
const LITELLM: &str = "/v1/guardrails/litellm/beta/litellm_basic_guardrail_api";
const WEBHOOK_REQUEST: &str = "/v1/guardrails/agentgateway/request";
const WEBHOOK_RESPONSE: &str = "/v1/guardrails/agentgateway/response";

/// Blocks telephone numbers in both directions.
const NO_PHONES: &str = r#"
@id("no-phones") @coach("No numbers, please.") forbid (principal, action, resource) when { context.labels.contains("pii.phone") };"#;
/// Lets no prompt go to one model.
const NOT_FOR_CLAUDE: &str = r#"
@id("not-for-claude") forbid (principal, action == Action::"prompt", resource == Model::"claude-sonnet");"#;
const PHONE: &str = "+1 415-555-2671";

fn post(house: &House, path: &str, body: &Value) -> Reply {
    let reply = house.send(&Call::new("POST", path, body.to_string()));
    assert!(house.upstream.requests().is_empty(), "a provider was asked");
    reply
}

/// A verdict that was given.
fn told(house: &House, path: &str, body: &Value) -> Value {
    let reply = post(house, path, body);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let id = reply.header("bartizan-request-id").unwrap_or_default().to_owned();
    let told = reply.json();
    if path == OWN {
        assert_eq!((told["decision"].as_str(), told["request_id"].as_str()), (Some(reply.decision()), Some(id.as_str())));
    }
    told
}

fn asking(direction: &str, text: &str) -> Value {
    json!({"direction": direction, "text": text})
}

#[test]
fn a_request_comes_back_edited_with_what_was_found() {
    let house = House::new();
    let told = told(&house, OWN, &json!({"direction": "request", "model": "gpt-4o-mini", "text": format!("I am {EMAIL}, {TOKEN}")}));
    let text = told["text"].as_str().unwrap();
    assert_eq!(told["decision"], "remedied");
    assert!(text.starts_with("I am EMAIL_") && text.contains("REDACTED") && !text.contains("ada.") && !text.contains("ghp_"), "{text}");
    let [email, secret] = told["findings"].as_array().unwrap().as_slice() else { panic!("{told}") };
    assert_eq!((&email["label"], &email["role"], &email["path"]), (&json!("pii.email"), &json!("user"), &json!("/text")));
    assert_eq!((email["start"].as_u64(), email["end"].as_u64()), (Some(5), Some(5 + EMAIL.len() as u64)));
    assert!(email["score"].as_f64().is_some_and(|score| score > 0.5 && score <= 1.0) && secret["label"] == "secret.github", "{told}");
    assert!(told["policies"].as_array().is_some_and(|policies| policies.len() > 1), "{told}");
    let noted = house.journal.wait_for("request");
    let event = noted.event.unwrap();
    assert_eq!((noted.decision.as_str(), noted.status, house.journal.kinds().as_str()), ("remedied", Some(200), "request"));
    assert_eq!((&event["route"], &event["model"], &event["provider"]), (&json!("POST /v1/decide"), &json!("gpt-4o-mini"), &json!("main")));
    assert!(!noted.bytes.contains("lovelace"));
    // The same conversation has the same pseudonyms, another one has others.
    let again = |conversation: Value| {
        let body = json!({"direction": "request", "text": format!("I am {EMAIL}, {TOKEN}"), "conversation": conversation});
        told_text(&house, &body)
    };
    assert_eq!(again(Value::Null), text);
    assert_ne!(again(json!("c1")), text);
    assert_eq!(again(json!("c1")), again(json!("c1")));
}

fn told_text(house: &House, body: &Value) -> String {
    told(house, OWN, body)["text"].as_str().unwrap().to_owned()
}

#[test]
fn messages_keep_their_form() {
    let house = House::new();
    let plain = json!([{"role": "system", "content": "Be kind."}, {"role": "user", "name": "x", "content": [{"type": "text", "text": "hi"}], "brand_new": [1, null]}]);
    let permitted = told(&house, OWN, &json!({"direction": "request", "messages": plain}));
    assert_eq!((&permitted["decision"], &permitted["messages"], &permitted["findings"]), (&json!("permit"), &plain, &json!([])));
    let (left, right) = EMAIL.split_at(9);
    let messages = json!([
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": left}, {"type": "text", "text": right}]},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "send", "arguments": format!("{{\"to\":\"{EMAIL}\",\"card\":4111111111111111}}")}}]},
        {"role": "tool", "tool_call_id": "c1", "content": format!("sent to {EMAIL}")},
    ]);
    let told = told(&house, OWN, &json!({"direction": "request", "messages": messages}));
    let text = told["messages"].to_string();
    assert_eq!(told["decision"], "remedied");
    assert!(!text.contains("lovelace") && !text.contains("4111") && text.matches("EMAIL_").count() == 3, "{text}");
    assert_eq!(told["messages"][0], messages[0]);
    let paths: Vec<&str> = told["findings"].as_array().unwrap().iter().map(|found| found["path"].as_str().unwrap()).collect();
    assert!(paths.contains(&"/messages/1/content/0/text") && paths.contains(&"/messages/3/content"), "{paths:?}");
}

#[test]
fn an_answer_is_redacted_and_the_callers_own_is_restored() {
    let house = House::new();
    let request = json!({"direction": "request", "messages": [{"role": "user", "content": format!("Write to {EMAIL}.")}]});
    let sent = told(&house, OWN, &request)["messages"][0]["content"].as_str().unwrap().to_owned();
    let token = sent.trim_start_matches("Write to ").trim_end_matches('.');
    let said = format!("I wrote to {token}, and to jamie.invented@example.net.");
    let restored = format!("I wrote to {EMAIL}, and to [REDACTED_EMAIL].");
    // With the request, whether or not it says its direction.
    let bare = json!({"messages": request["messages"]});
    for before in [&request, &bare] {
        let body = json!({"direction": "response", "text": said, "request": before});
        let told = told(&house, OWN, &body);
        assert_eq!((&told["decision"], &told["text"]), (&json!("remedied"), &json!(restored)));
        assert!(
            told["findings"].as_array().unwrap().iter().all(|found| found["role"] == "assistant" && found["path"] == "/text"),
            "{told}"
        );
    }
    let end = house.journal.wait_for("end");
    assert_eq!(
        (end.end.as_deref(), end.decision.as_str(), end.event.unwrap()["direction"].as_str()),
        (Some("complete"), "remedied", Some("response"))
    );
    // As a message too.
    let body = json!({"direction": "response", "messages": [{"role": "assistant", "content": said}], "request": request});
    assert_eq!(told(&house, OWN, &body)["messages"], json!([{"role": "assistant", "content": restored}]));
    // Without the request, with another, or for somebody else, the pseudonym stays.
    let kept = format!("I wrote to {token}, and to [REDACTED_EMAIL].");
    for body in [
        asking("response", &said),
        json!({"direction": "response", "text": said, "request": {"text": format!("Write to {EMAIL}.!")}}),
        json!({"direction": "response", "text": said, "request": {"text": "hello"}}),
    ] {
        assert_eq!(told_text(&house, &body), kept);
    }
    let body = json!({"direction": "response", "text": said, "request": request}).to_string();
    let other = house.send(&Call::new("POST", OWN, body).with("authorization", &format!("Bearer {}", key(2))));
    assert_eq!(other.json()["text"], json!(kept));
}

#[test]
fn what_the_request_holds_is_not_the_answers() {
    let house = House::build(Plan { more: NO_PHONES, ..Plan::default() });
    let body = json!({"direction": "response", "text": "fine", "request": {"text": format!("Call {PHONE}")}});
    let told = told(&house, OWN, &body);
    assert_eq!((&told["decision"], &told["findings"], &told["text"]), (&json!("permit"), &json!([]), &json!("fine")));
}

#[test]
fn a_conversation_may_be_named_beside_the_request() {
    let house = House::new();
    let named = |text: &str| json!({"direction": "request", "text": text, "conversation": "c1"});
    let sent = told_text(&house, &named(EMAIL));
    let answer = |request: Value| json!({"direction": "response", "text": format!("to {sent}"), "conversation": "c1", "request": request});
    assert_eq!(told_text(&house, &answer(json!({"text": EMAIL}))), format!("to {EMAIL}"));
    assert_eq!(told_text(&house, &answer(named(EMAIL))), format!("to {EMAIL}"));
    assert_eq!(
        told_text(&house, &answer(json!({"text": EMAIL, "conversation": "c2"}))),
        format!("to {sent}"),
        "what the request says counts"
    );
}

#[test]
fn the_earlier_request_is_judged_for_its_own_model() {
    let house = House::build(Plan { more: NOT_FOR_CLAUDE, ..Plan::default() });
    let sent = told_text(&house, &asking("request", EMAIL));
    let answer = |outer: Value, model: Value| json!({"direction": "response", "text": format!("to {sent}"), "model": outer, "request": {"text": EMAIL, "model": model}});
    let (restored, kept) = (format!("to {EMAIL}"), format!("to {sent}"));
    for (outer, model, text) in [
        (Value::Null, Value::Null, &restored),
        (Value::Null, json!("gpt-4o-mini"), &restored),
        (json!("claude-sonnet"), json!("gpt-4o-mini"), &restored),
        (json!("claude-sonnet"), Value::Null, &kept),
        (json!("gpt-4o-mini"), json!("claude-sonnet"), &kept),
        (Value::Null, json!("claude-sonnet"), &kept),
    ] {
        assert_eq!(told_text(&house, &answer(outer.clone(), model.clone())), *text, "{outer} {model}");
        let shown = if outer.is_null() { &model } else { &outer };
        assert_eq!(house.journal.all().last().unwrap().event.as_ref().unwrap()["model"], *shown);
    }
    let body = answer(Value::Null, json!("claude-sonnet")).to_string();
    let reply = house.send(&Call::new("POST", OWN, body).with("authorization", &format!("Bearer {}", key(3))));
    assert_eq!(reply.status, 403, "{}", reply.text());
}

#[test]
fn what_is_judged_again_is_counted_once() {
    let house = House::new();
    let counted = || (house.gate.metrics().findings_total.get(), house.gate.metrics().tokenised_total.get());
    let sent = told_text(&house, &asking("request", EMAIL));
    assert_eq!(counted(), (1, 1));
    let body = json!({"direction": "response", "text": format!("to {sent}"), "request": {"text": EMAIL}});
    assert_eq!(told_text(&house, &body), format!("to {EMAIL}"));
    assert_eq!(counted(), (1, 1));
}

#[test]
fn of_a_request_that_is_refused_nothing_is_restored() {
    let house = House::build(Plan { more: NO_PHONES, ..Plan::default() });
    let sent = told_text(&house, &asking("request", EMAIL));
    // The same beginning, so the same conversation; a number makes it a request that does not go on.
    let body = |more: &str| {
        let request = json!({"messages": [{"role": "user", "content": EMAIL}, {"role": "user", "content": more}]});
        json!({"direction": "response", "text": format!("to {sent}"), "request": request})
    };
    assert_eq!(told_text(&house, &body("hi")), format!("to {EMAIL}"));
    assert_eq!(told_text(&house, &body(PHONE)), format!("to {sent}"));
}

#[test]
fn a_block_is_a_verdict_in_the_callers_form() {
    let house = House::build(Plan { more: NO_PHONES, ..Plan::default() });
    let said = format!("Call {PHONE}");
    for direction in ["request", "response"] {
        let told = told(&house, OWN, &asking(direction, &said));
        assert_eq!((&told["decision"], &told["text"]), (&json!("blocked"), &Value::Null));
        let message = told["message"].as_str().unwrap();
        assert!(message.contains("No numbers, please.") && message.contains("no-phones") && !message.contains("2671"), "{message}");
        let litellm = self::told(&house, LITELLM, &json!({"input_type": direction, "texts": [said]}));
        assert_eq!(litellm, json!({"action": "BLOCKED", "blocked_reason": message}));
    }
    let request = told(&house, WEBHOOK_REQUEST, &json!({"body": {"messages": [{"role": "user", "content": said}]}}));
    let response = told(&house, WEBHOOK_RESPONSE, &json!({"body": {"choices": [{"message": {"role": "assistant", "content": said}}]}}));
    for told in [request, response] {
        assert_eq!(told["action"]["status_code"], 403);
        let body: Value = serde_json::from_str(told["action"]["body"].as_str().unwrap()).unwrap();
        assert_eq!((&body["error"]["code"], &body["error"]["message"]), (&json!("policy_blocked"), &told["action"]["reason"]));
    }
    let (request, end) = (house.journal.wait_for("request"), house.journal.wait_for("end"));
    assert_eq!((request.decision.as_str(), end.decision.as_str(), end.end.as_deref()), ("blocked", "blocked", Some("blocked")));
    assert_eq!(request.event.unwrap()["reason"], "policy_blocked");
}

#[test]
fn nothing_may_go_on_before_it_is_recorded_and_no_block_waits() {
    for ill in [Ill::Full, Ill::LateFailure] {
        for direction in ["request", "response"] {
            let house = House::build(Plan { more: NO_PHONES, ..Plan::default() });
            house.journal.falls(ill, 0);
            let reply = post(&house, OWN, &asking(direction, &format!("to {EMAIL}")));
            assert_eq!((reply.status, reply.decision()), (503, "failed"), "{}", reply.text());
            assert_eq!(reply.json()["error"]["code"], "guard_unavailable");
            assert!(!reply.text().contains("EMAIL_"), "{}", reply.text());
            let blocked = told(&house, OWN, &asking(direction, PHONE));
            assert_eq!(blocked["decision"], "blocked");
        }
    }
}

#[test]
fn errors_keep_their_status() {
    let house = House::new();
    let text = json!({"direction": "request", "text": "hi"});
    let with = |more: Value| {
        let mut body = text.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (path, body) in [
        (OWN, json!([])),
        (OWN, json!({"text": "hi"})),
        (OWN, json!({"direction": "sideways", "text": "hi"})),
        (OWN, json!({"direction": "request"})),
        (OWN, json!({"direction": "request", "text": 7})),
        (OWN, json!({"direction": "request", "messages": "hi"})),
        (OWN, with(json!({"messages": []}))),
        (OWN, with(json!({"brand_new": 1}))),
        (OWN, with(json!({"request": {"text": "hi"}}))),
        (OWN, with(json!({"model": ""}))),
        (OWN, json!({"direction": "response", "text": "hi", "request": {}})),
        (OWN, json!({"direction": "response", "text": "hi", "request": {"direction": "response", "text": "hi"}})),
        (OWN, json!({"direction": "response", "text": "hi", "request": {"text": "hi", "request": {"text": "hi"}}})),
        (LITELLM, json!({"texts": ["hi"]})),
        (LITELLM, json!({"input_type": "request", "texts": "hi"})),
        (LITELLM, json!({"input_type": "request", "texts": [4_111_111_111_111_111_u64]})),
        (LITELLM, json!({"input_type": "request", "images": [{"url": "x"}]})),
        (WEBHOOK_REQUEST, json!({"messages": []})),
        (WEBHOOK_REQUEST, json!({"body": {"choices": []}})),
        (WEBHOOK_RESPONSE, json!({"body": {"messages": []}})),
    ] {
        let reply = post(&house, path, &body);
        assert_eq!((reply.status, reply.decision()), (400, "blocked"), "{path} {body}: {}", reply.text());
        assert_eq!(reply.json()["error"]["type"], "invalid_request_error");
    }
    for repeated in [r#"{"direction":"response","direction":"request","text":"hi"}"#, r#"{"direction":"request","text":"a","Text":"b"}"#] {
        assert_eq!(house.send(&Call::new("POST", OWN, repeated)).status, 400, "{repeated}");
    }
    for path in [OWN, LITELLM, WEBHOOK_REQUEST, WEBHOOK_RESPONSE] {
        let call = Call::new("POST", path, text.to_string());
        assert_eq!(house.send(&call.clone().with("authorization", "")).status, 401);
        assert_eq!(house.send(&call.clone().with("content-type", "text/plain")).status, 415);
        assert_eq!(house.send(&Call { method: "GET".to_owned(), ..call }).status, 405);
    }
    // A key that may use one model only.
    let call = |body: &Value| house.send(&Call::new("POST", OWN, body.to_string()).with("authorization", &format!("Bearer {}", key(3))));
    let refused = call(&with(json!({"model": "claude-sonnet"})));
    assert_eq!((refused.status, refused.json()["error"]["code"].as_str()), (403, Some("model_not_allowed")));
    assert_eq!(call(&with(json!({"model": "gpt-4o-mini"}))).status, 200);
}

#[test]
fn a_guard_that_fails_lets_nothing_go_on() {
    let faults: Faults = Arc::new(|_| Some(Fault::Panic));
    let house = House::build(Plan { faults: Some(faults), ..Plan::default() });
    for direction in ["request", "response"] {
        let reply = post(&house, OWN, &asking(direction, "hi"));
        assert_eq!((reply.status, reply.json()["error"]["code"].as_str()), (503, Some("guard_unavailable")));
        let told = told(&house, LITELLM, &json!({"input_type": direction, "texts": ["hi"]}));
        assert_eq!(told["action"], "BLOCKED");
    }
    let told = told(&house, WEBHOOK_REQUEST, &json!({"body": {"messages": [{"role": "user", "content": "hi"}]}}));
    assert_eq!(told["action"]["status_code"], 503);
    assert!(house.journal.all().iter().all(|noted| noted.decision == "failed"), "{}", house.journal.kinds());
    // Unless a scope chose otherwise.
    let faults: Faults = Arc::new(|_| Some(Fault::Error));
    let house = House::build(Plan { faults: Some(faults), fail_open: true, ..Plan::default() });
    assert_eq!(self::told(&house, OWN, &asking("request", "hi"))["decision"], "permit");
    assert_eq!(self::told(&house, LITELLM, &json!({"input_type": "request", "texts": ["hi"]})), json!({"action": "NONE"}));
}

/// After judging too: another gateway may go on after an error, so it gets a verdict.
#[test]
fn a_verdict_that_cannot_be_written_lets_nothing_go_on() {
    // A long body is judged elsewhere.
    for text in ["hi".to_owned(), "so ".repeat(100_000)] {
        let faults: Faults = Arc::new(|_| Some(Fault::Writing));
        let house = House::build(Plan { faults: Some(faults), fail_open: true, ..Plan::default() });
        for direction in ["request", "response"] {
            let told = told(&house, LITELLM, &json!({"input_type": direction, "texts": [text]}));
            assert_eq!((&told["action"], told["blocked_reason"].is_string()), (&json!("BLOCKED"), true), "{told}");
        }
        let request = told(&house, WEBHOOK_REQUEST, &json!({"body": {"messages": [{"role": "user", "content": text}]}}));
        let response = told(&house, WEBHOOK_RESPONSE, &json!({"body": {"choices": [{"message": {"role": "assistant", "content": text}}]}}));
        for told in [request, response] {
            assert_eq!(told["action"]["status_code"], 503);
        }
        for (direction, kind) in [("request", "request"), ("response", "end")] {
            let reply = post(&house, OWN, &asking(direction, &text));
            assert_eq!((reply.status, reply.decision()), (503, "failed"), "{}", reply.text());
            assert_eq!(house.journal.all().last().map(|noted| noted.kind), Some(kind), "{}", house.journal.kinds());
        }
        let all = house.journal.all();
        assert!(all.len() == 6 && all.iter().all(|noted| noted.decision == "failed"), "{}", house.journal.kinds());
    }
}

/// Threads of the server that other requests wait for.
fn workers(house: &House) -> HashSet<ThreadId> {
    let together = Arc::new(Barrier::new(2));
    let one = || {
        let together = Arc::clone(&together);
        house.runtime.spawn(async move {
            together.wait();
            std::thread::current().id()
        })
    };
    let tasks = [one(), one()];
    tasks.into_iter().map(|task| house.runtime.block_on(task).unwrap()).collect()
}

#[test]
fn files_of_the_earlier_request_keep_no_worker() {
    let threads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&threads);
    let faults: Faults = Arc::new(move |_| {
        seen.lock().unwrap().push(std::thread::current().id());
        None
    });
    let house = House::build(Plan { faults: Some(faults), ..Plan::default() });
    let workers = workers(&house);
    let on_workers = |body: &Value| {
        threads.lock().unwrap().clear();
        told(&house, OWN, body);
        let threads = threads.lock().unwrap();
        assert!(!threads.is_empty());
        threads.iter().filter(|thread| workers.contains(*thread)).count()
    };
    let file = json!({"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGVsbG8="}});
    let messages = json!([{"role": "user", "content": [{"type": "text", "text": "hi"}, file]}]);
    assert!(on_workers(&asking("response", "hi")) > 0);
    assert_eq!(on_workers(&json!({"direction": "request", "messages": messages})), 0);
    assert_eq!(on_workers(&json!({"direction": "response", "text": "hi", "request": {"messages": messages}})), 0);
}

/// What `LiteLLM` sends beside the texts.
fn litellm(input_type: &str, more: &Value) -> Value {
    let mut body = json!({
        "input_type": input_type, "litellm_call_id": "8d1f6a9e-4111-4111-8111-111111111111", "litellm_trace_id": null, "structured_messages": null,
        "images": null, "tools": null, "texts": null, "request_data": {"user_api_key_user_email": EMAIL, "user_api_key_alias": null},
        "request_headers": {"authorization": "[present]", "x-litellm-note": EMAIL}, "litellm_version": "1.110.2",
        "additional_provider_specific_params": {}, "tool_calls": null, "model": "gpt-4o-mini",
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[test]
fn litellm_gets_back_what_it_can_put_back() {
    let house = House::new();
    // Its own account data is nobody's text.
    assert_eq!(told(&house, LITELLM, &litellm("request", &json!({"texts": ["hi", "there"]}))), json!({"action": "NONE"}));
    assert!(house.journal.wait_for("request").event.unwrap()["findings"].as_array().unwrap().is_empty());
    // Texts alone.
    let told_alone = told(&house, LITELLM, &litellm("request", &json!({"texts": ["hi \u{e9}\n", format!("to {EMAIL}")]})));
    assert_eq!((&told_alone["action"], &told_alone["texts"][0]), (&json!("GUARDRAIL_INTERVENED"), &json!("hi \u{e9}\n")));
    let text = told_alone["texts"][1].as_str().unwrap();
    assert!(text.starts_with("to EMAIL_"), "{text}");
    // Texts that stand in messages: in the order of the texts, and inspected once.
    let rows = json!([
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": format!("to {EMAIL}")},
        {"role": "user", "content": [{"type": "text", "text": "ada.love"}, {"type": "text", "text": "lace@example.org"}]},
    ]);
    let body = litellm(
        "request",
        &json!({"texts": ["Be kind.", format!("to {EMAIL}"), "ada.love", "lace@example.org"], "structured_messages": rows}),
    );
    let with_rows = told(&house, LITELLM, &body);
    let texts: Vec<&str> = with_rows["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    assert_eq!((texts[0], texts[1].starts_with("to EMAIL_"), texts[3]), ("Be kind.", true, ""), "{texts:?}");
    assert_eq!(texts[1].strip_prefix("to "), Some(texts[2]), "one value, one pseudonym");
    assert_eq!(with_rows["structured_messages"], Value::Null);
    let event = house.journal.wait_for("request").event.unwrap();
    let paths: Vec<&str> = event["findings"].as_array().unwrap().iter().map(|found| found["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["/structured_messages/1/content", "/structured_messages/2/content/0/text"]);
    // The calls of tools come back in their messages.
    let call = json!({"id": "c1", "type": "function", "function": {"name": "send", "arguments": format!("{{\"to\":\"{EMAIL}\"}}")}});
    let rows = json!([{"role": "user", "content": "again"}, {"role": "assistant", "content": null, "tool_calls": [call]}]);
    let told_calls =
        told(&house, LITELLM, &litellm("request", &json!({"texts": ["again"], "structured_messages": rows, "tool_calls": [call]})));
    let arguments = told_calls["structured_messages"][1]["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    assert!(arguments.starts_with("{\"to\":\"EMAIL_") && !told_calls.to_string().contains("lovelace"), "{told_calls}");
    // Definitions come back by themselves.
    let tool = json!({"type": "function", "function": {"name": "send", "description": format!("asks {EMAIL}"), "parameters": {}}});
    let told_tools = told(&house, LITELLM, &litellm("request", &json!({"texts": ["hi"], "tools": [tool]})));
    assert!(told_tools["tools"][0]["function"]["description"].as_str().unwrap().starts_with("asks EMAIL_"), "{told_tools}");
    assert_eq!((&told_tools["texts"], &told_tools["action"]), (&Value::Null, &json!("GUARDRAIL_INTERVENED")));
}

#[test]
fn litellm_is_told_no_where_it_takes_nothing_back() {
    let house = House::new();
    let call = json!({"id": "c1", "type": "function", "function": {"name": "send", "arguments": format!("{{\"to\":\"{EMAIL}\"}}")}});
    let rows = json!([{"role": "user", "content": "hi", "name": EMAIL}, {"role": "user", "content": CARD, "brand_new": EMAIL}]);
    for (input_type, more) in [
        ("response", json!({"texts": ["sent"], "tool_calls": [call]})),
        ("request", json!({"texts": ["sent"], "tool_calls": [call]})),
        ("request", json!({"texts": ["sent"], "tool_calls": [call], "structured_messages": [{"role": "user", "content": "sent"}]})),
        // A text without a message, and something in a message that no text stands for.
        ("request", json!({"texts": [TOKEN], "structured_messages": rows})),
        ("request", json!({"texts": ["hi"], "images": ["https://example.com/a.png"]})),
        ("request", json!({"texts": ["hi"], "model": EMAIL})),
    ] {
        let told = told(&house, LITELLM, &litellm(input_type, &more));
        assert_eq!(told["action"], "BLOCKED", "{more}: {told}");
        assert!(!told.to_string().contains("lovelace") && told["blocked_reason"].is_string(), "{told}");
    }
    let blocked = house.journal.all().into_iter().filter(|noted| noted.decision == "blocked").count();
    assert_eq!(blocked, 6, "each is recorded as blocked");
}

#[test]
fn litellm_withholds_the_end_of_a_growing_answer() {
    let house = House::new();
    let told = told(&house, LITELLM, &litellm("response", &json!({"texts": [format!("I am {EMAIL}"), "fine"], "litellm_version": null})));
    let expected =
        json!({"action": "GUARDRAIL_INTERVENED", "texts": ["I am [REDACTED_EMAIL]", "fine"], "stream_holdback_chars": [512, 512]});
    assert_eq!(told, expected);
}

#[test]
fn webhooks_pass_mask_and_reject() {
    let house = House::new();
    let message = |role: &str, content: &str| json!({"role": role, "content": content});
    let plain = json!({"body": {"messages": [message("system", "Be kind."), message("user", "hi")]}});
    let choices = json!({"body": {"choices": [{"message": message("assistant", "fine")}]}});
    for (path, other, body) in [(WEBHOOK_REQUEST, "/request", &plain), (WEBHOOK_RESPONSE, "/response", &choices)] {
        assert_eq!(told(&house, path, body), json!({"action": {"reason": "permit"}}));
        // Versions that know these paths only take a block of an answer for a pass.
        assert_eq!(post(&house, other, body).status, 404);
    }
    let said = format!("to {EMAIL} with {TOKEN}");
    let masked = told(&house, WEBHOOK_REQUEST, &json!({"body": {"messages": [message("system", "Be kind."), message("user", &said)]}}));
    let messages = &masked["action"]["body"]["messages"];
    assert_eq!(
        (&messages[0], &messages[1]["role"], &masked["action"]["reason"]),
        (&message("system", "Be kind."), &json!("user"), &json!("remedied"))
    );
    assert!(messages[1]["content"].as_str().unwrap().starts_with("to EMAIL_") && !masked.to_string().contains("ghp_"), "{masked}");
    let masked = told(
        &house,
        WEBHOOK_RESPONSE,
        &json!({"body": {"choices": [{"message": message("assistant", &said)}, {"message": message("assistant", "fine")}]}}),
    );
    let expected =
        json!([{"message": message("assistant", "to [REDACTED_EMAIL] with [REDACTED_GITHUB]")}, {"message": message("assistant", "fine")}]);
    let choices = &masked["action"]["body"]["choices"];
    assert_eq!(choices[1], expected[1]);
    assert!(choices[0]["message"]["content"].as_str().unwrap().starts_with("to [REDACTED_EMAIL] with [REDACTED"), "{masked}");
    assert_eq!(masked["action"]["body"].as_object().unwrap().len(), 1);
}

/// Every place of each form that may come back: a value there comes back in no verdict, whatever was decided.
#[test]
fn no_value_comes_back() {
    let house = House::new();
    let message = r#"{"role":"user","name":"@@","content":"@@","reasoning_content":"@@","tool_calls":[{"id":"@@","type":"function","function":{"name":"@@","arguments":"{\"a\":\"@@\"}"}}],"brand_new":{"@@":"@@"}}"#;
    let parts = r#"{"role":"user","content":[{"type":"text","text":"@@","@@":"@@"},{"type":"image_url","image_url":{"url":"https://example.org/@@"}},{"type":"thinking","thinking":"@@","signature":"@@"}]}"#;
    let choice =
        r#"{"message":{"role":"assistant","content":"@@"},"finish_reason":"@@","logprobs":{"content":[{"token":"@@"}]},"brand_new":"@@"}"#;
    let forms = [
        (OWN, r#"{"direction":"request","text":"@@"}"#.to_owned()),
        (OWN, r#"{"direction":"response","text":"@@"}"#.to_owned()),
        (OWN, format!(r#"{{"direction":"request","messages":[{message},{parts}]}}"#)),
        (OWN, format!(r#"{{"direction":"response","messages":[{message},{parts}]}}"#)),
        (OWN, r#"{"direction":"request","text":"hi","model":"@@"}"#.to_owned()),
        (OWN, r#"{"direction":"request","text":"hi","@@":1}"#.to_owned()),
        (OWN, r#"{"direction":"response","text":"hi","request":{"text":"@@"}}"#.to_owned()),
        (LITELLM, r#"{"input_type":"request","texts":["@@","b"],"brand_new":"@@"}"#.to_owned()),
        (LITELLM, r#"{"input_type":"response","texts":["@@","b"],"@@":["@@"]}"#.to_owned()),
        (LITELLM, format!(r#"{{"input_type":"request","texts":["@@"],"structured_messages":[{message},{parts}]}}"#)),
        (LITELLM, r#"{"input_type":"request","texts":["b"],"tools":[{"type":"function","function":{"name":"n","description":"@@","parameters":{"properties":{"@@":{"enum":["@@"]}}}}}]}"#.to_owned()),
        (LITELLM, r#"{"input_type":"request","texts":["b"],"images":["https://example.org/@@"]}"#.to_owned()),
        (WEBHOOK_REQUEST, format!(r#"{{"body":{{"messages":[{message},{parts}],"brand_new":"@@"}},"also":"@@"}}"#)),
        (WEBHOOK_RESPONSE, format!(r#"{{"body":{{"choices":[{choice}]}}}}"#)),
    ];
    for (path, form) in &forms {
        let places = form.matches("@@").count();
        for (value, core) in [(EMAIL, "lovelace"), (CARD, "1111 1111"), (TOKEN, "292c6912"), ("DE89 3704 0044 0532 0130 00", "0044 0532")] {
            for place in 0..=places {
                // One place after the other, and all of them.
                let body = (0..places)
                    .fold(form.clone(), |body, at| body.replacen("@@", if at == place || place == places { value } else { "so" }, 1));
                let reply = house.send(&Call::new("POST", path, body.clone()));
                assert!(matches!(reply.status, 200 | 400 | 403), "{path} {body}: {}", reply.text());
                assert!(!reply.text().contains(core) && !reply.text().contains(&core.replace(' ', "")), "{path} {body}: {}", reply.text());
            }
        }
    }
    assert!(house.upstream.requests().is_empty());
}

/// Which provider will be called is not known here, so what is forbidden for one of them is forbidden.
#[test]
fn policies_hold_for_every_provider_of_the_model() {
    let rule = r#"
@id("none-abroad") @remedy("redact") @labels("pii.email") forbid (principal, action, resource)
when { context.labels.contains("pii.email") && context.provider.region == "abroad" };
@id("no-cards-there") forbid (principal, action, resource)
when { context.labels.contains("pci.card") && context.provider.training_use == "yes" };"#;
    for several in [false, true] {
        let adjust = move |settings: &mut Settings| {
            settings.providers[1].facts.region = Some("abroad".into());
            settings.providers[2].facts.training_use = TrainingUse::Yes;
            if several {
                settings.models[0].ways.extend([way(1, 1), way(1, 2), way(2, 0)]);
            }
        };
        let house = House::build(Plan { more: rule, adjust: Some(Box::new(adjust)), ..Plan::default() });
        let body = |direction: &str, text: &str| json!({"direction": direction, "model": "gpt-4o-mini", "text": text});
        let email = told(&house, OWN, &body("request", EMAIL));
        let text = email["text"].as_str().unwrap();
        assert_eq!(
            (&email["decision"], text.starts_with("EMAIL_"), text == "[REDACTED_EMAIL]"),
            (&json!("remedied"), !several, several),
            "{email}"
        );
        assert_eq!(email["policies"].to_string().contains("none-abroad"), several, "{email}");
        for direction in ["request", "response"] {
            let card = told(&house, OWN, &body(direction, &format!("{CARD} {EMAIL}")));
            assert_eq!(card["decision"], if several { "blocked" } else { "remedied" }, "{card}");
            let noted = house.journal.all().pop().unwrap().event.unwrap();
            let provider = &noted["facts"]["resource"]["provider"];
            assert_eq!(provider, if several { "anthropic" } else { "main" }, "the one for which it is forbidden: {noted}");
        }
        assert_eq!(told(&house, OWN, &body("request", "hi"))["decision"], "permit");
    }
}

/// The request of an answer is judged once more with what is known of the provider of its own model.
#[test]
fn a_request_is_judged_again_for_its_own_provider() {
    let rule =
        r#"@id("not-abroad") forbid (principal, action == Action::"prompt", resource) when { context.provider.region == "abroad" };"#;
    let adjust = |settings: &mut Settings| settings.providers[1].facts.region = Some("abroad".into());
    let house = House::build(Plan { more: rule, adjust: Some(Box::new(adjust)), ..Plan::default() });
    let sent = told_text(&house, &asking("request", EMAIL));
    for (own, before, expected) in
        [("gpt-4o-mini", "gpt-4o-mini", EMAIL), ("gpt-4o-mini", "only-openai", &sent), ("only-openai", "gpt-4o-mini", EMAIL)]
    {
        let body = json!({"direction": "response", "model": own, "text": sent, "request": {"model": before, "text": EMAIL}});
        assert_eq!(told_text(&house, &body), expected, "{own} {before}");
    }
}
