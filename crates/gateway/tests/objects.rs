//! What a provider keeps belongs to whoever made it: nobody else reads it, goes on from it or learns that it is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bartizan_gateway::{Model, Retries, Way};
use bartizan_identity::{Binding, Chain, MemoryObjects, Object, ObjectKind, Objects, ObjectsError, Pair};
use bartizan_testkit::{Answer, Recorded, canned};
use bartizan_vocabulary::{Hidden, PrincipalId, ProviderName, Timestamp};
use serde_json::{Value, json};

use crate::harness::{Call, House, Plan, Wire, key};
use crate::leaks::tokens;

const OWN: &str = "ada@example.org";

/// An answer with ids of its own.
fn answer(id: &str, text: &str) -> Value {
    let mut answer: Value = serde_json::from_str(&canned::response("m", text)).unwrap();
    answer["id"] = json!(format!("resp_{id}"));
    answer["output"][0]["id"] = json!(format!("msg_{id}"));
    answer
}

fn told(id: &str, text: &str) -> Answer {
    Answer::json(answer(id, text).to_string())
}

fn asked(members: &Value) -> Call {
    let mut body = json!({"model": "gpt-4o-mini", "input": "Go on."});
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    Call::responses(body.to_string())
}

fn by(number: u8, call: Call) -> Call {
    call.with("authorization", &format!("Bearer {}", key(number)))
}

fn bare(method: &str, path: &str) -> Call {
    Call::new(method, path, "").with("content-type", "")
}

/// The first turn: its answer is `resp_a`, and the provider saw this pseudonym of the caller's address.
fn first_turn(house: &House) -> String {
    house.upstream.push(told("a", "Hello."));
    let reply = house.send(&asked(&json!({"input": format!("I am {OWN}")})));
    assert_eq!((reply.status, &reply.json()["id"]), (200, &json!("resp_a")), "{}", reply.text());
    tokens(&house.seen()).remove(0)
}

/// The events so far, once the last one is there.
fn happened(house: &House) -> Vec<Value> {
    house.journal.wait_for("end");
    house.journal.all().into_iter().filter_map(|one| one.event).collect()
}

fn said(reply: &crate::harness::Reply) -> String {
    reply.json()["output"][0]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{}", reply.text())).to_owned()
}

#[test]
fn a_later_turn_keeps_the_pseudonyms_and_gives_them_back() {
    let house = House::new();
    let token = first_turn(&house);
    house.upstream.push(told("b", &format!("You are {token}.")));
    let reply = house.send(&asked(&json!({"previous_response_id": "resp_a", "input": "Who am I?"})));
    assert_eq!(said(&reply), format!("You are {OWN}."));
    // The same value has the same pseudonym, whatever this turn's first message and header say; another value has one, too.
    house.upstream.push(told("c", "Fine."));
    let turn = asked(&json!({"previous_response_id": "resp_b", "input": format!("{OWN} and bob@example.net")}));
    house.send(&turn.with("bartizan-conversation", "another"));
    let seen = tokens(&house.seen());
    assert!(seen.len() == 2 && seen.contains(&token), "{seen:?}");
    let other = seen.iter().find(|one| **one != token).unwrap();
    house.upstream.push(told("d", &format!("{token} and {other}")));
    assert_eq!(said(&house.send(&asked(&json!({"previous_response_id": "resp_c"})))), format!("{OWN} and bob@example.net"));
    // Of a branch before it, the later value is not known.
    house.upstream.push(told("e", &format!("{token} and {other}")));
    assert_eq!(said(&house.send(&asked(&json!({"previous_response_id": "resp_a"})))), format!("{OWN} and {other}"));
}

#[test]
fn in_streams_too() {
    let house = House::new();
    let token = first_turn(&house);
    let stream = canned::response_events("m", &["You are ", &token, "."]).concat();
    house.upstream.push(Answer::stream([stream.replace("resp_1", "resp_s").replace("msg_0", "msg_s")]));
    let got = house.send(&asked(&json!({"previous_response_id": "resp_a", "stream": true}))).text();
    assert!(got.contains(OWN) && got.contains("resp_s") && !got.contains(&token), "{got}");
    // What the stream told of is the caller's, and nobody else's.
    let call = asked(&json!({"previous_response_id": "resp_s"}));
    house.upstream.push(told("t", &token));
    assert_eq!(said(&house.send(&call)), OWN);
    assert_eq!(house.send(&by(2, call)).status, 404);
}

/// Before its first byte leaves: the client may use an id as soon as it has it, and lose the rest of the stream.
#[test]
fn a_stream_is_bound_before_it_is_told_of() {
    let house = House::new();
    let mut parts = canned::response_events("m", &["so "]);
    parts.truncate(1);
    house
        .upstream
        .push(Answer::stream([parts.concat().replace("resp_1", "resp_s"), ": never\n\n".to_owned()]).after_last(Duration::from_mins(1)));
    let mut wire = Wire::open(house.address);
    wire.send(&asked(&json!({"stream": true})));
    assert!(wire.read_until("resp_s").contains("response.created"));
    house.upstream.push(told("b", "Fine."));
    assert_eq!(house.send(&asked(&json!({"previous_response_id": "resp_s"}))).status, 200);
}

#[test]
fn what_somebody_else_made_is_not_there() {
    let house = House::new();
    first_turn(&house);
    let before = house.upstream.requests().len();
    let nobodys = |number: u8, id: &str| {
        let mut calls = vec![asked(&json!({"previous_response_id": id})), asked(&json!({"previous_response_id": id, "stream": true}))];
        for (method, rest) in [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items")] {
            calls.push(bare(method, &format!("/v1/responses/{id}{rest}")));
            calls.push(bare(method, &format!("/openai/v1/responses/{id}{rest}?api-version=1")));
        }
        calls.into_iter().map(|call| house.send(&by(number, call))).collect::<Vec<_>>()
    };
    let (others, unknown) = (nobodys(2, "resp_a"), nobodys(1, "resp_x"));
    for (other, unknown) in others.iter().zip(&unknown) {
        assert_eq!((other.status, unknown.status), (404, 404), "{}", other.text());
        let error = |reply: &crate::harness::Reply| {
            let mut error = reply.json();
            assert_eq!(error["error"]["code"], "not_found", "{error}");
            error["error"].as_object_mut().unwrap().remove("request_id");
            error
        };
        assert_eq!(error(other)["error"]["message"], error(unknown)["error"]["message"], "nobody learns that it is there");
    }
    assert_eq!(house.upstream.requests().len(), before, "nothing was sent");
    // They are recorded like every other refusal.
    let refused = happened(&house).into_iter().filter(|event| event["reason"] == "not_found").count();
    assert_eq!(refused, others.len() + unknown.len());
    // Its owner is not disturbed.
    house.upstream.push(told("b", "Fine."));
    assert_eq!(house.send(&asked(&json!({"previous_response_id": "resp_a"}))).status, 200);
}

#[test]
fn what_is_not_kept_is_nobodys() {
    let house = House::new();
    house.upstream.push(told("a", "Hello."));
    house.send(&asked(&json!({"store": false})));
    assert_eq!(house.send(&asked(&json!({"previous_response_id": "resp_a"}))).status, 404);
    let mut not_kept = answer("b", "Hello.");
    not_kept["store"] = json!(false);
    house.upstream.push(Answer::json(not_kept.to_string()));
    house.send(&asked(&json!({})));
    assert_eq!(house.send(&asked(&json!({"previous_response_id": "resp_b"}))).status, 404);
    for odd in [json!({"store": "no"}), json!({"previous_response_id": 7}), json!({"previous_response_id": "../x"})] {
        assert_eq!(house.send(&asked(&odd)).status, 400, "{odd}");
    }
    let body = r#"{"model":"gpt-4o-mini","input":"hi","previous_response_id":null,"Previous_Response_Id":"resp_a"}"#;
    assert_eq!(house.send(&Call::responses(body)).status, 400);
}

#[test]
fn a_response_is_read_again_inspected_and_restored() {
    let house = House::new();
    let token = first_turn(&house);
    house.upstream.push(told("a", &format!("{token}, eve@example.net")));
    let reply = house.send(&bare("GET", "/v1/responses/resp_a?include[]=reasoning.encrypted_content"));
    assert_eq!((reply.status, said(&reply)), (200, format!("{OWN}, [REDACTED_EMAIL]")));
    let seen: Recorded = house.upstream.requests().pop().unwrap();
    assert_eq!((seen.method.as_str(), seen.body.len()), ("GET", 0));
    assert!(seen.path.ends_with("/responses/resp_a?include[]=reasoning.encrypted_content"), "{}", seen.path);
    assert_eq!(seen.header("authorization"), Some("Bearer sk-provider"));
    let items = json!({"object": "list", "has_more": false, "data": [{"id": "msg_in", "type": "message", "role": "user",
        "content": [{"type": "input_text", "text": format!("I am {token}")}]}]});
    house.upstream.push(Answer::json(items.to_string()));
    let reply = house.send(&bare("GET", "/v1/responses/resp_a/input_items?limit=3&order=asc"));
    assert_eq!(reply.json()["data"][0]["content"][0]["text"], format!("I am {OWN}"));
    house.upstream.push(told("a", &token));
    let reply = house.send(&Call::new("POST", "/v1/responses/resp_a/cancel", "{}"));
    assert_eq!((reply.status, said(&reply)), (200, OWN.to_owned()));
    let routes: Vec<Value> = happened(&house).iter().map(|event| event["route"].clone()).collect();
    for route in ["GET /v1/responses/{response}", "GET /v1/responses/{response}/input_items", "POST /v1/responses/{response}/cancel"] {
        assert_eq!(routes.iter().filter(|one| **one == route).count(), 2, "{route}: decision and end in {routes:?}");
    }
}

#[test]
fn a_stream_of_it_and_anything_else_is_refused() {
    let house = House::new();
    first_turn(&house);
    let before = house.upstream.requests().len();
    for (call, word) in [
        (bare("GET", "/v1/responses/resp_a?stream=true"), "as a whole only"),
        (bare("GET", "/v1/responses/resp_a?str%65am=true"), "as a whole only"),
        (bare("GET", "/v1/responses/resp_a?stream=false&stream=true"), "as a whole only"),
        (bare("GET", "/v1/responses/resp_a?starting_after=3"), "remove the rest"),
        (Call::new("POST", "/v1/responses/resp_a/cancel", r#"{"a":1}"#), "no body"),
        (bare("GET", "/v1/responses/resp_a?include=ada@example.org"), "pii.email"),
    ] {
        let reply = house.send(&call);
        assert!(matches!(reply.status, 400 | 403) && reply.text().contains(word), "{}: {}", call.path, reply.text());
    }
    for path in
        ["/v1/responses/resp_a/", "/v1/responses/resp%5Fa", "/v1/responses/..", "/v1/responses/resp_a/output", "/v1/responses/input_tokens"]
    {
        assert_eq!(house.send(&bare("GET", path)).status, 404, "{path}");
    }
    assert_eq!(house.send(&bare("PUT", "/v1/responses/resp_a")).status, 405);
    assert_eq!(house.upstream.requests().len(), before);
}

#[test]
fn what_is_deleted_is_nobodys() {
    let house = House::new();
    first_turn(&house);
    // The provider did not delete it.
    house.upstream.push(Answer::json(r#"{"error":{"message":"later"}}"#).with_status(500));
    assert_eq!(house.send(&bare("DELETE", "/v1/responses/resp_a")).status, 500);
    house.upstream.push(Answer::json(r#"{"id":"resp_a","object":"response.deleted","deleted":false}"#));
    assert_eq!(house.send(&bare("DELETE", "/v1/responses/resp_a")).status, 200);
    house.upstream.push(Answer::json(r#"{"id":"resp_a","object":"response.deleted","deleted":true}"#));
    assert_eq!(house.send(&bare("DELETE", "/v1/responses/resp_a")).json()["deleted"], true);
    assert_eq!(house.upstream.requests().last().unwrap().method, "DELETE");
    assert_eq!(house.send(&bare("GET", "/v1/responses/resp_a")).status, 404);
}

#[test]
fn items_are_named_by_who_made_them() {
    let house = House::new();
    let token = first_turn(&house);
    for item in [
        json!({"type": "item_reference", "id": "msg_a"}),
        json!({"id": "msg_a"}),
        json!({"type": "image_generation_call", "id": "msg_a"}),
        json!({"type": "message", "id": "msg_a"}),
        json!({"type": "reasoning", "id": "msg_a", "summary": []}),
    ] {
        let call = asked(&json!({"input": [item, {"role": "user", "content": "Who am I?"}]}));
        house.upstream.push(told("b", &token));
        assert_eq!(said(&house.send(&call)), OWN, "{item}");
        let before = house.upstream.requests().len();
        let reply = house.send(&by(2, call));
        let sentence = reply.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(reply.status == 400 && (sentence.contains("the field") || sentence.contains("encrypted_content")), "{sentence}");
        assert_eq!(house.upstream.requests().len(), before);
    }
    let many: Vec<Value> = (0..257).map(|number| json!({"type": "item_reference", "id": format!("msg_{number}")})).collect();
    assert_eq!(house.send(&asked(&json!({"input": many}))).status, 400);
    let twice = r#"{"model":"gpt-4o-mini","input":[{"type":"item_reference","id":"msg_a","id":"msg_x"}]}"#;
    assert_eq!(house.send(&Call::responses(twice)).status, 400);
}

#[test]
fn a_chain_stays_with_its_provider() {
    let adjust = |settings: &mut bartizan_gateway::Settings| {
        settings.retries = Retries { attempts: 2, base: Duration::from_millis(5), ..Retries::default() };
        let mut both = Model::at("both", 1, None);
        both.ways.push(Way { provider: 0, upstream_name: None, weight: 1 });
        both.fallback = vec![0];
        settings.models.push(both);
    };
    let house = House::build(Plan { adjust: Some(Box::new(adjust)), ..Plan::default() });
    house.upstream.push(told("o", "Hello."));
    house.send(&asked(&json!({"model": "only-openai"})));
    // A model that its provider does not serve.
    let reply = house.send(&asked(&json!({"previous_response_id": "resp_o"})));
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert!(reply.text().contains("is not served by the provider"), "{}", reply.text());
    // One that two serve goes to the one, also when that fails.
    let providers = || {
        let events = happened(&house);
        house.journal.clear();
        events.iter().map(|event| event["provider"].clone()).collect::<Vec<_>>()
    };
    for _ in 0..8 {
        house.journal.clear();
        house.upstream.push(told("p", "Fine."));
        assert_eq!(house.send(&asked(&json!({"model": "both", "previous_response_id": "resp_o"}))).status, 200);
        assert_eq!(providers(), ["openai", "openai"]);
    }
    house.upstream.respond_with(|_| Answer::json("{}").with_status(503));
    assert_eq!(house.send(&asked(&json!({"model": "both", "previous_response_id": "resp_o"}))).status, 503);
    assert!(providers().iter().all(|provider| provider == "openai"));
}

/// One that does not answer in time, or not at all.
struct Ill {
    own: MemoryObjects,
    pause: Duration,
    asked: AtomicUsize,
}

impl Objects for Ill {
    fn bind(&self, binding: &Binding<'_>) -> Result<(), ObjectsError> {
        self.own.bind(binding)
    }

    fn at_hand(&self, _: &PrincipalId, _: ObjectKind, _: &str) -> Option<Object> {
        None
    }

    fn look_up(&self, _: &PrincipalId, _: &[(ObjectKind, String)]) -> Result<Vec<Option<Object>>, ObjectsError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(self.pause);
        Err(ObjectsError::Unreadable)
    }

    fn owns(&self, _: &PrincipalId, _: &ProviderName, _: ObjectKind, _: &[String]) -> Result<Vec<bool>, ObjectsError> {
        Err(ObjectsError::Unreadable)
    }

    fn forget(&self, _: &PrincipalId, _: ObjectKind, _: &str) {}
}

#[test]
fn without_an_answer_nothing_is_sent() {
    for pause in [Duration::ZERO, Duration::from_secs(3)] {
        let ill = Arc::new(Ill { own: MemoryObjects::default(), pause, asked: AtomicUsize::new(0) });
        let house = House::build(Plan { objects: Some(Arc::clone(&ill) as Arc<dyn Objects>), ..Plan::default() });
        first_turn(&house);
        assert_eq!(ill.asked.load(Ordering::SeqCst), 0, "who names nothing asks nobody");
        for call in [asked(&json!({"previous_response_id": "resp_a"})), bare("GET", "/v1/responses/resp_a")] {
            let began = Instant::now();
            let reply = house.send(&call);
            assert_eq!((reply.status, &reply.json()["error"]["code"]), (503, &json!("guard_unavailable")), "{}", reply.text());
            assert!(began.elapsed() < Duration::from_millis(2_500), "{:?}", began.elapsed());
        }
        assert_eq!(house.upstream.requests().len(), 1);
    }
}

/// What fails to be bound is nobody's, and the answer is the caller's all the same.
#[test]
fn what_cannot_be_bound_is_nobodys() {
    struct Full(MemoryObjects);
    impl Objects for Full {
        fn bind(&self, _: &Binding<'_>) -> Result<(), ObjectsError> {
            Err(ObjectsError::Full)
        }
        fn at_hand(&self, owner: &PrincipalId, kind: ObjectKind, id: &str) -> Option<Object> {
            self.0.at_hand(owner, kind, id)
        }
        fn look_up(&self, owner: &PrincipalId, wanted: &[(ObjectKind, String)]) -> Result<Vec<Option<Object>>, ObjectsError> {
            self.0.look_up(owner, wanted)
        }
        fn owns(&self, _: &PrincipalId, _: &ProviderName, _: ObjectKind, ids: &[String]) -> Result<Vec<bool>, ObjectsError> {
            Ok(vec![false; ids.len()])
        }
        fn forget(&self, _: &PrincipalId, _: ObjectKind, _: &str) {}
    }
    let house = House::build(Plan { objects: Some(Arc::new(Full(MemoryObjects::default()))), ..Plan::default() });
    first_turn(&house);
    assert_eq!(house.send(&asked(&json!({"previous_response_id": "resp_a"}))).status, 404);
    assert_eq!(house.gate.metrics().unbound_total.get(), 2);
}

/// A container that code ran in is named again by whoever sends that item back: only its owner may, whether the answer was kept or not.
#[test]
fn a_container_is_its_owners() {
    let house = House::new();
    let call =
        json!({"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "container_id": "cntr_1", "code": "1", "outputs": []});
    let shell = json!({"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]},
        "environment": {"type": "container_reference", "container_id": "cntr_2"}});
    let asked = |item: &Value| asked(&json!({"input": [item, {"role": "user", "content": "hi"}], "store": false}));
    let both = || [asked(&call), asked(&shell)];
    for call in both() {
        let reply = house.send(&call);
        assert!(reply.status == 404 && reply.text().contains("`container_id`"), "{}", reply.text());
    }
    assert!(house.upstream.requests().is_empty());
    let mut told = answer("a", "done");
    told["store"] = json!(false);
    told["output"].as_array_mut().unwrap().extend([call.clone(), shell.clone()]);
    house.upstream.push(Answer::json(told.to_string()));
    assert_eq!(house.send(&self::asked(&json!({"store": false}))).status, 200);
    let before = house.upstream.requests().len();
    for call in both() {
        assert_eq!(house.send(&by(2, call)).status, 404);
    }
    assert_eq!(house.upstream.requests().len(), before);
    for call in both() {
        house.upstream.push(Answer::json(canned::response("m", "fine")));
        let reply = house.send(&call);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    // What was not to be kept is not.
    assert_eq!(house.send(&self::asked(&json!({"previous_response_id": "resp_a"}))).status, 404);
    // A stream tells of one, too.
    let added = json!({"type": "response.output_item.done", "output_index": 0, "item": {"type": "code_interpreter_call", "id": "ci_3",
        "container_id": "cntr_3", "code": "1", "status": "completed"}});
    let stream = format!("event: response.output_item.done\ndata: {added}\n\n");
    house.upstream.push(Answer::stream([stream.into_bytes()]));
    assert_eq!(house.send(&self::asked(&json!({"store": false, "stream": true}))).status, 200);
    let again = asked(&json!({"type": "code_interpreter_call", "container_id": "cntr_3", "code": "1"}));
    assert_eq!(house.send(&by(2, again.clone())).status, 404);
    house.upstream.push(Answer::json(canned::response("m", "fine")));
    assert_eq!(house.send(&again).status, 200);
}

/// Objects of `user:1` that were made elsewhere, each with its provider and so many pseudonyms of so many letters.
fn made_before(known: &MemoryObjects, id: &str, provider: &str, (count, letters): (usize, usize)) {
    let pair = |number: usize| Pair { token: format!("EMAIL_{number:010}"), surface: Hidden::new("a".repeat(letters)), was_number: false };
    let chain = Chain { id: [u8::try_from(id.len()).unwrap(); 16], conversation: id.to_owned(), pairs: (0..count).map(pair).collect() };
    let (owner, provider, chain) = (PrincipalId::new("user:1"), ProviderName::new(provider), Arc::new(chain));
    let objects = [(ObjectKind::Response, format!("resp_{id}")), (ObjectKind::Item, format!("msg_{id}"))];
    let since = Timestamp::from_micros(0);
    known.bind(&Binding { owner: &owner, since, provider: &provider, chain: &chain, fresh: None, objects: &objects, unread: &[] }).unwrap();
}

#[test]
fn a_chain_has_bounds_and_one_provider() {
    let known = Arc::new(MemoryObjects::default());
    let house = House::build(Plan { objects: Some(Arc::clone(&known) as Arc<dyn Objects>), ..Plan::default() });
    for (id, provider, pairs) in [
        ("a", "main", (4_096, 9)),
        ("aa", "main", (4_097, 9)),
        ("aaa", "main", (2, 600 << 10)),
        ("aaaa", "openai", (1, 9)),
        ("aaaaa", "gone", (1, 9)),
        ("aaaaaa", "main", (1, 9)),
    ] {
        made_before(&known, id, provider, pairs);
    }
    for (members, status, word) in [
        (json!({"previous_response_id": "resp_aa"}), 400, "4096"),
        (json!({"previous_response_id": "resp_aaa"}), 400, "1 MiB"),
        (json!({"previous_response_id": "resp_a", "input": [{"type": "item_reference", "id": "msg_aaaaaa"}]}), 400, "4096"),
        (json!({"previous_response_id": "resp_a", "input": [{"type": "item_reference", "id": "msg_aaaa"}]}), 400, "different providers"),
        (json!({"previous_response_id": "resp_aaaaa"}), 404, "not configured any more"),
    ] {
        let reply = house.send(&asked(&members));
        assert!(reply.status == status && reply.text().contains(word), "{members}: {}", reply.text());
    }
    assert_eq!(house.send(&bare("GET", "/v1/responses/resp_aaaaa")).status, 404);
    assert!(house.upstream.requests().is_empty());
    house.upstream.push(told("b", "EMAIL_0000000007"));
    let again = json!({"previous_response_id": "resp_a", "input": [{"type": "item_reference", "id": "msg_a"}]});
    assert_eq!(said(&house.send(&asked(&again))), "a".repeat(9));
}
