//! Conversations that a provider keeps: what goes in is inspected, what comes back is its owner's alone, with its own values in it.

mod memory;

use std::sync::Arc;
use std::time::Duration;

use bartizan_gateway::{Measure, Model, Quota};
use bartizan_identity::{MemoryObjects, ObjectKind, Objects};
use bartizan_testkit::{Answer, canned};
use bartizan_vocabulary::PrincipalId;
use serde_json::{Value, json};

use crate::harness::{Call, House, Plan, Reply, error, events, key};
use crate::leaks::tokens;

const OWN: &str = "ada@example.org";

/// One provider, as with `--upstream`.
fn one(settings: &mut bartizan_gateway::Settings) {
    settings.providers.truncate(1);
    settings.models = vec![Model::at("gpt-4o-mini", 0, None)];
}

fn house() -> House {
    House::build(Plan { adjust: Some(Box::new(one)), ..Plan::default() })
}

fn with(objects: Arc<dyn Objects>) -> House {
    House::build(Plan { adjust: Some(Box::new(one)), objects: Some(objects), ..Plan::default() })
}

fn by(number: u8, call: Call) -> Call {
    call.with("authorization", &format!("Bearer {}", key(number)))
}

fn bare(method: &str, path: &str) -> Call {
    Call::new(method, path, "").with("content-type", "")
}

fn posted(path: &str, body: &Value) -> Call {
    Call::new("POST", path, body.to_string())
}

fn conversation(id: &str) -> Value {
    json!({"id": id, "object": "conversation", "created_at": 1_700_000_000, "metadata": {}})
}

fn message(id: &str, role: &str, text: &str) -> Value {
    let kind = if role == "assistant" { "output_text" } else { "input_text" };
    json!({"id": id, "type": "message", "role": role, "status": "completed", "content": [{"type": kind, "text": text}]})
}

fn list(items: &[Value]) -> Answer {
    let id = |item: Option<&Value>| item.map_or(Value::Null, |item| item["id"].clone());
    let (first, last) = (id(items.first()), id(items.last()));
    Answer::json(json!({"object": "list", "data": items, "first_id": first, "last_id": last, "has_more": false}).to_string())
}

/// An answer in a conversation.
fn answer(id: &str, text: &str) -> Value {
    let mut answer: Value = serde_json::from_str(&canned::response("m", text)).unwrap();
    answer["id"] = json!(format!("resp_{id}"));
    answer["conversation"] = json!({"id": "conv_a"});
    answer["output"][0]["id"] = json!(format!("msg_{id}"));
    answer
}

fn told(id: &str, text: &str) -> Answer {
    Answer::json(answer(id, text).to_string())
}

/// A request in a conversation.
fn asked(members: &Value) -> Call {
    let mut body = json!({"model": "gpt-4o-mini", "input": "Go on.", "conversation": "conv_a"});
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    Call::responses(body.to_string())
}

/// Makes `conv_a`, of user 1, with its address in it; gives the pseudonym that the provider saw.
fn made(house: &House) -> String {
    house.upstream.push(Answer::json(conversation("conv_a").to_string()));
    let items = [json!({"type": "message", "role": "user", "content": format!("I am {OWN}")})];
    let reply = house.send(&posted("/v1/conversations", &json!({"items": items, "metadata": {"topic": "demo"}})));
    assert_eq!((reply.status, &reply.json()["id"]), (200, &json!("conv_a")), "{}", reply.text());
    assert!(!house.seen().contains(OWN), "{}", house.seen());
    tokens(&house.seen()).remove(0)
}

fn said(reply: &Reply) -> String {
    reply.json()["output"][0]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{}", reply.text())).to_owned()
}

#[test]
fn a_conversation_keeps_its_pseudonyms() {
    let house = house();
    let token = made(&house);
    let seen = house.upstream.requests().pop().unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/v1/conversations"));
    assert_eq!(seen.header("authorization"), Some("Bearer sk-provider"));
    house.upstream.push(told("b", &format!("You are {token}.")));
    let reply = house.send(&asked(&json!({"input": "Who am I?"})));
    assert_eq!(said(&reply), format!("You are {OWN}."));
    // The same value has the same pseudonym, whatever this turn says first; another value has one from then on.
    house.upstream.push(told("c", "Fine."));
    let turn = asked(&json!({"conversation": {"id": "conv_a"}, "input": format!("{OWN} and bob@example.net")}));
    assert_eq!(house.send(&turn.with("bartizan-conversation", "another")).status, 200);
    let seen = tokens(&house.seen());
    assert!(seen.len() == 2 && seen.contains(&token), "{seen:?}");
    let other = seen.iter().find(|one| **one != token).unwrap().clone();
    // Whatever goes on in it has all of them: answers, items, the stored response.
    for call in [asked(&json!({})), asked(&json!({"conversation": null, "previous_response_id": "resp_c"}))] {
        house.upstream.push(told("d", &format!("{token} and {other}")));
        assert_eq!(said(&house.send(&call)), format!("{OWN} and bob@example.net"));
    }
    house.upstream.push(list(&[message("msg_u", "user", &format!("I am {token}")), message("msg_b", "assistant", &other)]));
    let reply = house.send(&bare("GET", "/v1/conversations/conv_a/items"));
    let texts: Vec<_> = (0..2).map(|at| reply.json()["data"][at]["content"][0]["text"].clone()).collect();
    assert_eq!(texts, [json!(format!("I am {OWN}")), json!("bob@example.net")], "{}", reply.text());
    // Another conversation of the same caller has others.
    house.upstream.push(Answer::json(conversation("conv_b").to_string()));
    house.send(&posted("/v1/conversations", &json!({"items": [{"role": "user", "content": OWN}]})));
    assert_ne!(tokens(&house.seen()), [token]);
}

#[test]
fn what_is_put_in_is_inspected_and_comes_back() {
    let house = house();
    let token = made(&house);
    for (call, back, places) in [
        (
            posted(
                "/v1/conversations/conv_a/items?include=reasoning.encrypted_content",
                &json!({"items": [{"role": "user", "content": OWN}]}),
            ),
            "list",
            vec!["/data/0/content/0/text"],
        ),
        (posted("/v1/conversations/conv_a", &json!({"metadata": {"who": OWN}})), "conversation", vec!["/metadata/who"]),
        (bare("GET", "/v1/conversations/conv_a"), "conversation", vec!["/metadata/who"]),
        (bare("GET", "/v1/conversations/conv_a/items/msg_u"), "item", vec!["/content/0/text"]),
        (bare("DELETE", "/v1/conversations/conv_a/items/msg_u"), "conversation", vec!["/metadata/who"]),
    ] {
        let text = format!("{token}, eve@example.net");
        house.upstream.push(match back {
            "list" => list(&[message("msg_u", "user", &text)]),
            "item" => Answer::json(message("msg_u", "user", &text).to_string()),
            _ => {
                let mut conversation = conversation("conv_a");
                conversation["metadata"]["who"] = json!(text);
                Answer::json(conversation.to_string())
            }
        });
        let reply = house.send(&call);
        assert_eq!(reply.status, 200, "{} {}: {}", call.method, call.path, reply.text());
        assert!(!house.seen().contains(OWN) && (call.body.is_empty() || tokens(&house.seen()) == [token.clone()]), "{}", house.seen());
        for place in places {
            let text = reply.json().pointer(place).unwrap().clone();
            assert_eq!(text, json!(format!("{OWN}, [REDACTED_EMAIL]")), "{}", reply.text());
        }
        let seen = house.upstream.requests().pop().unwrap();
        assert_eq!((&seen.method, &seen.path), (&call.method, &call.path));
    }
    let routes: Vec<Value> = events(&house).iter().map(|event| event["route"].clone()).collect();
    for route in [
        "POST /v1/conversations",
        "POST /v1/conversations/{conversation}",
        "GET /v1/conversations/{conversation}",
        "POST /v1/conversations/{conversation}/items",
        "GET /v1/conversations/{conversation}/items/{item}",
        "DELETE /v1/conversations/{conversation}/items/{item}",
    ] {
        assert_eq!(routes.iter().filter(|one| **one == route).count(), 2, "{route}: decision and end in {routes:?}");
    }
}

/// Files and containers that items name must be the caller's when they are put in. Where they are listed, nothing of them is there.
#[test]
fn what_items_name_is_the_callers() {
    let house = house();
    made(&house);
    let file = json!({"role": "user", "content": [{"type": "input_file", "file_id": "file-x"}]});
    let ran = json!({"type": "code_interpreter_call", "code": "1", "container_id": "cntr_x"});
    let before = house.upstream.requests().len();
    for (item, word) in [(&file, "`file_id`"), (&ran, "`container_id`")] {
        for call in [
            posted("/v1/conversations", &json!({"items": [item]})),
            posted("/v1/conversations/conv_a/items", &json!({"items": [item]})),
            asked(&json!({"input": [item]})),
        ] {
            let (status, _, message) = error(&house.send(&call));
            assert!(status == 404 && message.contains(word), "{status} {message}");
        }
    }
    assert_eq!(house.upstream.requests().len(), before);
    let mut listed = message("msg_u", "user", "see");
    let parts =
        [json!({"type": "input_file", "file_id": "file-x"}), json!({"type": "input_image", "image_url": "https://x.example/a.png"})];
    listed["content"].as_array_mut().unwrap().extend(parts);
    let mut ran = ran;
    ran["id"] = json!("ci_x");
    house.upstream.push(list(&[listed, ran]));
    house.journal.clear();
    let reply = house.send(&bare("GET", "/v1/conversations/conv_a/items"));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let all = events(&house);
    assert!(all.len() == 2 && all.iter().all(|event| !event["facts"].to_string().contains("uninspected")), "{all:?}");
    // A container is not the caller's because an item of theirs says so.
    let again = asked(&json!({"conversation": null, "input": [{"type": "code_interpreter_call", "code": "1", "container_id": "cntr_x"}]}));
    assert_eq!(error(&house.send(&again)).0, 404);
}

/// A value that is cut over two parts of one message is one value, in a list of items and in one of them.
#[test]
fn a_value_over_two_parts_is_found() {
    let house = house();
    made(&house);
    let parts = json!([{"type": "output_text", "text": "write to eve@exa"}, {"type": "output_text", "text": "mple.net"}]);
    let item = json!({"id": "msg_b", "type": "message", "role": "assistant", "status": "completed", "content": parts});
    house.upstream.push(list(std::slice::from_ref(&item)));
    let reply = house.send(&bare("GET", "/v1/conversations/conv_a/items"));
    assert!(reply.status == 200 && !reply.text().contains("mple.net"), "{}", reply.text());
    house.upstream.push(Answer::json(item.to_string()));
    let reply = house.send(&bare("GET", "/v1/conversations/conv_a/items/msg_b"));
    assert!(reply.status == 200 && !reply.text().contains("mple.net"), "{}", reply.text());
}

/// Every way to name a conversation or an item of one.
fn naming(conversation: &str, item: &str) -> Vec<Call> {
    let at = |rest: &str| format!("/v1/conversations/{conversation}{rest}");
    let one = at(&format!("/items/{item}"));
    let new = json!({"items": [{"role": "user", "content": "hi"}]});
    vec![
        asked(&json!({"conversation": conversation})),
        asked(&json!({"conversation": {"id": conversation}})),
        asked(&json!({"conversation": conversation, "stream": true})),
        asked(&json!({"conversation": conversation, "store": false})),
        bare("GET", &at("")),
        bare("DELETE", &at("")),
        posted(&at(""), &json!({"metadata": {"a": "b"}})),
        posted(&at("/items"), &new),
        bare("GET", &at("/items")),
        bare("GET", &at("/items?limit=2&order=asc")),
        bare("GET", &one),
        bare("DELETE", &one),
        bare("GET", &format!("/openai/v1/conversations/{conversation}/items/{item}?api-version=1")),
    ]
}

/// Ways to name an item in a conversation of one's own.
fn naming_items(item: &str) -> Vec<Call> {
    let own = message(item, "user", "hi");
    vec![
        bare("GET", &format!("/v1/conversations/conv_a/items/{item}")),
        bare("DELETE", &format!("/v1/conversations/conv_a/items/{item}")),
        bare("GET", &format!("/v1/conversations/conv_a/items?limit=2&after={item}")),
        posted("/v1/conversations/conv_a/items", &json!({"items": [own]})),
        posted("/v1/conversations/conv_a/items", &json!({"items": [{"type": "item_reference", "id": item}]})),
        posted("/v1/conversations/conv_a/items", &json!({"items": [{"type": "reasoning", "id": item, "summary": []}]})),
        posted("/v1/conversations", &json!({"items": [own]})),
        asked(&json!({"input": [own]})),
        asked(&json!({"input": [{"type": "item_reference", "id": item}]})),
        asked(&json!({"input": [{"type": "reasoning", "id": item, "summary": [], "encrypted_content": "Z0FB"}]})),
    ]
}

#[test]
fn what_is_somebody_elses_nobodys_or_over_is_not_there() {
    let objects = Arc::new(MemoryObjects::default());
    let house = with(Arc::clone(&objects) as Arc<dyn Objects>);
    made(&house);
    // Users 1 and 2 have one each; what was `conv_old` is over.
    for (number, id) in [(2, "conv_b"), (1, "conv_old")] {
        house.upstream.push(Answer::json(conversation(id).to_string()));
        assert_eq!(house.send(&by(number, posted("/v1/conversations", &json!({})))).status, 200);
        house.upstream.push(list(&[message(&format!("msg_of_{id}"), "user", "hi")]));
        let items = json!({"items": [{"role": "user", "content": "hi"}]});
        assert_eq!(house.send(&by(number, posted(&format!("/v1/conversations/{id}/items"), &items))).status, 200);
    }
    let ada = PrincipalId::new("user:1");
    objects.forget(&ada, ObjectKind::Conversation, "conv_old");
    objects.forget(&ada, ObjectKind::Item, "msg_of_conv_old");
    let before = house.upstream.requests().len();
    let sentences = |calls: Vec<Call>| -> Vec<(u16, String, String)> { calls.iter().map(|call| error(&house.send(call))).collect() };
    let others = sentences(naming("conv_b", "msg_of_conv_b"));
    assert!(others.iter().all(|(status, code, _)| (*status, code.as_str()) == (404, "not_found")), "{others:?}");
    assert_eq!(others, sentences(naming("conv_x", "msg_x")), "nobody learns that it is there");
    assert_eq!(others, sentences(naming("conv_old", "msg_of_conv_old")));
    let others = sentences(naming_items("msg_of_conv_b"));
    assert!(others.iter().all(|(status, ..)| *status == 404), "{others:?}");
    assert_eq!(others, sentences(naming_items("msg_x")));
    assert_eq!(others, sentences(naming_items("msg_of_conv_old")));
    assert_eq!(house.upstream.requests().len(), before, "nothing was sent");
    // Their owner is not disturbed.
    house.upstream.push(list(&[]));
    assert_eq!(house.send(&by(2, bare("GET", "/v1/conversations/conv_b/items?after=msg_of_conv_b"))).status, 200);
}

#[test]
fn a_list_is_turned_by_its_own_items() {
    let house = house();
    made(&house);
    let page = |from: usize| list(&(from..from + 2).map(|number| message(&format!("msg_{number}"), "user", "hi")).collect::<Vec<_>>());
    house.upstream.push(page(1));
    let reply = house.send(&bare("GET", "/v1/conversations/conv_a/items?limit=2&order=asc&include[]=reasoning.encrypted_content"));
    assert_eq!((reply.status, &reply.json()["last_id"]), (200, &json!("msg_2")), "{}", reply.text());
    let seen = house.upstream.requests().pop().unwrap().path;
    assert_eq!(seen, "/v1/conversations/conv_a/items?limit=2&order=asc&include[]=reasoning.encrypted_content");
    house.upstream.push(page(3));
    let reply = house.send(&bare("GET", "/v1/conversations/conv_a/items?limit=2&order=asc&after=msg_2"));
    assert_eq!(reply.status, 200, "{}", reply.text());
    // What it told is the caller's.
    house.upstream.push(Answer::json(message("msg_4", "user", "hi").to_string()));
    assert_eq!(house.send(&bare("GET", "/v1/conversations/conv_a/items/msg_4?include=x")).status, 200);
    let before = house.upstream.requests().len();
    for (call, status, word) in [
        (bare("GET", "/v1/conversations/conv_a/items?after=msg_9"), 404, "no item"),
        (bare("GET", "/v1/conversations/conv_a/items?limit=1;%61fter=msg_9"), 404, "no item"),
        (bare("GET", "/v1/conversations/conv_a/items?after=msg_1&after=msg_2"), 400, "once"),
        (bare("GET", "/v1/conversations/conv_a/items?after=msg%5F1"), 400, "once"),
        (bare("GET", "/v1/conversations/conv_a/items?before=msg_1"), 400, "remove the rest"),
        (bare("GET", "/v1/conversations/conv_a/items?stream=true"), 400, "as a whole only"),
        (bare("GET", "/v1/conversations/conv_a/items?limit=ada@example.org"), 403, "pii.email"),
        (bare("GET", "/v1/conversations/conv_a/items/msg_1?limit=1"), 400, "`include`"),
        (bare("GET", "/v1/conversations/conv_a?include=x"), 400, "nothing in the query"),
        (posted("/v1/conversations?include=x", &json!({})), 400, "nothing in the query"),
        (posted("/v1/conversations/conv_a/items?after=msg_1", &json!({"items": []})), 400, "`include`"),
        (bare("GET", "/v1/conversations"), 405, "POST /v1/conversations"),
        (Call::new("DELETE", "/v1/conversations/conv_a", r#"{"a":1}"#), 400, "no body"),
        (posted("/v1/conversations", &json!({"items": [], "from": "conv_b"})), 400, "`items` and `metadata`"),
        (asked(&json!({"previous_response_id": "resp_a"})), 400, "send either"),
        (Call::new("POST", "/v1/conversations", "").with("content-type", "text/plain"), 415, "application/json"),
    ] {
        let reply = house.send(&call);
        assert!(reply.status == status && reply.text().contains(word), "{} {}: {}", call.method, call.path, reply.text());
    }
    assert_eq!(house.upstream.requests().len(), before);
}

#[test]
fn a_stream_in_a_conversation() {
    let house = house();
    let token = made(&house);
    let stream = canned::response_events("m", &["You are ", &token, "."]).concat();
    house.upstream.push(Answer::stream([stream.replace("resp_1", "resp_s").replace("msg_0", "msg_s")]));
    let got = house.send(&asked(&json!({"stream": true, "input": "and bob@example.net", "store": false}))).text();
    assert!(got.contains(OWN) && !got.contains(&token), "{got}");
    let other = tokens(&house.seen()).remove(0);
    // Its items are in the conversation, although the response is not kept.
    house.upstream.push(Answer::json(message("msg_s", "assistant", &other).to_string()));
    let reply = house.send(&bare("GET", "/v1/conversations/conv_a/items/msg_s"));
    assert_eq!((reply.status, &reply.json()["content"][0]["text"]), (200, &json!("bob@example.net")), "{}", reply.text());
    assert_eq!(house.send(&by(2, bare("GET", "/v1/conversations/conv_a/items/msg_s"))).status, 404);
    assert_eq!(house.send(&bare("GET", "/v1/responses/resp_s")).status, 404);
    let reply = house.send(&asked(&json!({"conversation": null, "previous_response_id": "resp_s"})));
    assert_eq!(reply.status, 404, "{}", reply.text());
}

/// What the provider has read stands in the conversation, whatever became of the answer.
#[test]
fn what_was_sent_can_be_given_back_whatever_came_of_it() {
    let house = house();
    made(&house);
    let blocked = answer("b", "here is ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8");
    let mut seen = Vec::new();
    for (number, answer) in
        [Answer::json(blocked.to_string()), Answer::json("{}").with_status(500), Answer::garbage(), told("d", "late").dies()]
            .into_iter()
            .enumerate()
    {
        house.upstream.push(answer);
        house.send(&asked(&json!({"input": format!("I know p{number}@example.net")})));
        seen.extend(tokens(&house.seen()));
    }
    house.upstream.push(list(&[message("msg_u", "user", &seen.join(" "))]));
    let reply = house.send(&bare("GET", "/v1/conversations/conv_a/items"));
    let text = (0..4).map(|number| format!("p{number}@example.net")).collect::<Vec<_>>().join(" ");
    assert_eq!(reply.json()["data"][0]["content"][0]["text"], text, "{}", reply.text());
}

/// Two requests at the same time: each leaves what it minted.
#[test]
fn requests_at_the_same_time_leave_each_other_theirs() {
    let house = house();
    made(&house);
    house.upstream.respond_with(|_| told("b", "Fine.").paced(Duration::from_millis(300)));
    std::thread::scope(|scope| {
        for number in 0..4 {
            let house = &house;
            scope.spawn(move || house.send(&asked(&json!({"input": format!("I know p{number}@example.net")}))));
        }
    });
    let seen: Vec<String> = house.upstream.requests().iter().skip(1).flat_map(|one| tokens(&one.text())).collect();
    assert_eq!(seen.len(), 4);
    let all = seen.join(" ");
    house.upstream.respond_with(move |_| told("c", &all));
    let reply = house.send(&asked(&json!({})));
    assert!((0..4).all(|number| said(&reply).contains(&format!("p{number}@example.net"))), "{}", reply.text());
}

#[test]
fn what_is_deleted_is_nobodys() {
    let house = house();
    made(&house);
    house.upstream.push(list(&[message("msg_u", "user", "hi"), message("msg_v", "user", "hi")]));
    house.send(&bare("GET", "/v1/conversations/conv_a/items"));
    // The provider did not delete it.
    house.upstream.push(Answer::json(r#"{"error":{"message":"later"}}"#).with_status(500));
    assert_eq!(house.send(&bare("DELETE", "/v1/conversations/conv_a/items/msg_u")).status, 500);
    house.upstream.push(Answer::json(conversation("conv_a").to_string()));
    assert_eq!(house.send(&bare("DELETE", "/v1/conversations/conv_a/items/msg_u")).status, 200);
    let gone = |call: &Call| {
        let before = house.upstream.requests().len();
        let (status, _, message) = error(&house.send(call));
        assert!(status == 404 && message.contains("is known here") && house.upstream.requests().len() == before, "{message}");
    };
    gone(&bare("GET", "/v1/conversations/conv_a/items/msg_u"));
    house.upstream.push(Answer::json(conversation("conv_a").to_string()));
    assert_eq!(house.send(&bare("DELETE", "/v1/conversations/conv_a")).status, 200, "it says that it is there");
    for deleted in [false, true] {
        house.upstream.push(Answer::json(json!({"id": "conv_a", "object": "conversation.deleted", "deleted": deleted}).to_string()));
        assert_eq!(house.send(&bare("DELETE", "/v1/conversations/conv_a")).status, 200);
    }
    gone(&bare("GET", "/v1/conversations/conv_a/items/msg_v"));
    gone(&bare("GET", "/v1/conversations/conv_a"));
    assert_eq!(house.send(&asked(&json!({}))).status, 404);
}

#[test]
fn a_conversation_stays_with_its_provider() {
    let house = House::new();
    let create = || posted("/v1/conversations", &json!({}));
    let (status, _, message) = error(&house.send(&create()));
    assert!(status == 400 && message.contains("several providers keep conversations") && message.contains("`openai`"), "{message}");
    assert!(!message.contains("gemini") && !message.contains("anthropic"), "{message}");
    for (name, status) in [("gemini", 404), ("nobody", 404), ("openai", 200)] {
        house.upstream.push(Answer::json(conversation("conv_a").to_string()));
        assert_eq!(house.send(&create().with("bartizan-provider", name)).status, status, "{name}");
        house.upstream.forget();
    }
    let reply = house.send(&asked(&json!({})));
    assert!(reply.status == 400 && reply.text().contains("is not served by the provider"), "{}", reply.text());
    house.journal.clear();
    house.upstream.respond_with(|_| told("b", "Fine."));
    assert_eq!(house.send(&asked(&json!({"model": "only-openai"}))).status, 200);
    house.upstream.respond_with(|_| Answer::json(conversation("conv_a").to_string()));
    assert_eq!(house.send(&bare("GET", "/v1/conversations/conv_a").with("bartizan-provider", "main")).status, 200);
    assert!(events(&house).iter().all(|event| event["provider"] == "openai"));
    // What another one keeps does not go into it.
    house.upstream.respond_with(|_| told("m", "Hello."));
    assert_eq!(house.send(&asked(&json!({"conversation": null}))).status, 200);
    let items = json!({"items": [{"type": "item_reference", "id": "msg_m"}]});
    let (status, _, message) = error(&house.send(&posted("/v1/conversations/conv_a/items", &items)));
    assert!(status == 400 && message.contains("another provider"), "{message}");
    let (status, _, message) = error(&house.send(&asked(&json!({"model": "only-openai", "input": items["items"]}))));
    assert!(status == 400 && message.contains("different providers"), "{message}");
}

/// Whoever writes without end writes as often as they may ask.
#[test]
fn writing_counts_as_a_request() {
    let quota = |model: Option<&str>, requests| Quota {
        name: format!("limit-{requests}").into(),
        key: None,
        group: None,
        model: model.map(str::to_owned),
        shared: false,
        measure: Measure::Rate { requests: Some(requests), tokens: Some(1) },
    };
    let adjust = move |settings: &mut bartizan_gateway::Settings| {
        one(settings);
        settings.quotas = vec![quota(None, 4), quota(Some("gpt-4o-mini"), 2)];
    };
    let house = House::build(Plan { adjust: Some(Box::new(adjust)), ..Plan::default() });
    let item = json!({"items": [{"type": "message", "role": "user", "content": "some words that are more than a token"}]});
    house.upstream.always(Answer::json(conversation("conv_a").to_string()));
    let made = house.send(&posted("/v1/conversations", &item));
    assert_eq!((made.status, made.header("x-ratelimit-remaining-requests")), (200, Some("3")), "{}", made.text());
    assert_eq!(house.send(&posted("/v1/conversations/conv_a", &json!({"metadata": {}}))).status, 200);
    assert_eq!(house.send(&posted("/v1/conversations/conv_none/items", &item)).status, 404, "counts on none");
    house.upstream.always(list(&[message("msg_1", "user", "words")]));
    (0..2).for_each(|_| assert_eq!(house.send(&posted("/v1/conversations/conv_a/items", &item)).status, 200));
    let served = house.upstream.served();
    for (path, body) in [("/v1/conversations", &item), ("/v1/conversations/conv_a/items", &item)] {
        let (status, code, sentence) = error(&house.send(&posted(path, body)));
        assert_eq!((status, code.as_str()), (429, "rate_limited"), "{sentence}");
        assert!(sentence.contains("limit-4"), "{sentence}");
    }
    assert_eq!(house.upstream.served(), served);
    assert_eq!(house.send(&bare("GET", "/v1/conversations/conv_a/items")).status, 200, "reading does not count");
    house.upstream.always(Answer::json(conversation("conv_b").to_string()));
    assert_eq!(house.send(&by(2, posted("/v1/conversations", &item))).status, 200, "another key");
}
