//! What is remembered of conversations: where it fails, whoever waits for it, how much of it.

use std::sync::Arc;
use std::time::Duration;

use bartizan_identity::{Binding, Chain, MemoryObjects, Object, ObjectKind, Objects, ObjectsError, Pair};
use bartizan_testkit::Answer;
use bartizan_vocabulary::{Hidden, PrincipalId, ProviderName, Timestamp};
use serde_json::json;

use super::{OWN, asked, bare, conversation, error, house, list, made, message, posted, said, told, with};
use crate::harness::Wire;
use crate::leaks::tokens;

/// Remembers nothing of one kind.
struct Without {
    own: MemoryObjects,
    kind: ObjectKind,
}

impl Objects for Without {
    fn bind(&self, binding: &Binding<'_>) -> Result<(), ObjectsError> {
        let full = binding.objects.iter().any(|(kind, _)| *kind == self.kind);
        if full { Err(ObjectsError::Full) } else { self.own.bind(binding) }
    }

    fn at_hand(&self, owner: &PrincipalId, kind: ObjectKind, id: &str) -> Option<Object> {
        self.own.at_hand(owner, kind, id)
    }

    fn look_up(&self, owner: &PrincipalId, wanted: &[(ObjectKind, String)]) -> Result<Vec<Option<Object>>, ObjectsError> {
        self.own.look_up(owner, wanted)
    }

    fn owns(&self, owner: &PrincipalId, provider: &ProviderName, kind: ObjectKind, ids: &[String]) -> Result<Vec<bool>, ObjectsError> {
        self.own.owns(owner, provider, kind, ids)
    }

    fn forget(&self, owner: &PrincipalId, kind: ObjectKind, id: &str) {
        self.own.forget(owner, kind, id);
    }
}

/// A conversation of `user:1` that was made elsewhere, with so many pseudonyms.
fn made_before(known: &MemoryObjects, pairs: usize) {
    let pair = |number: usize| Pair { token: format!("EMAIL_{number:010}"), surface: Hidden::new("a".repeat(9)), was_number: false };
    let chain = Arc::new(Chain { id: [7; 16], conversation: "c".to_owned(), pairs: (0..pairs).map(pair).collect() });
    let (owner, provider, since) = (PrincipalId::new("user:1"), ProviderName::new("main"), Timestamp::from_micros(0));
    let objects = [(ObjectKind::Conversation, "conv_a".to_owned())];
    known.bind(&Binding { owner: &owner, since, provider: &provider, chain: &chain, fresh: None, objects: &objects, unread: &[] }).unwrap();
}

/// What could not be given back later is not put in, and what nobody would own is deleted again.
#[test]
fn without_a_memory_nothing_goes_in() {
    let without = Arc::new(Without { own: MemoryObjects::default(), kind: ObjectKind::Conversation });
    made_before(&without.own, 1);
    let house = with(without as Arc<dyn Objects>);
    for call in [asked(&json!({})), posted("/v1/conversations/conv_a/items", &json!({"items": [{"role": "user", "content": "hi"}]}))] {
        let (status, code, message) = error(&house.send(&call));
        assert_eq!((status, code.as_str()), (503, "guard_unavailable"), "{message}");
        assert!(message.contains("nothing was sent"), "{message}");
    }
    assert!(house.upstream.requests().is_empty());
    house.upstream.push(Answer::json(conversation("conv_n").to_string()));
    house.upstream.push(Answer::json(json!({"id": "conv_n", "object": "conversation.deleted", "deleted": true}).to_string()));
    let (status, _, message) = error(&house.send(&posted("/v1/conversations", &json!({}))));
    assert!(status == 503 && message.contains("deleted there again"), "{message}");
    let seen: Vec<_> = house.upstream.requests().iter().map(|one| (one.method.clone(), one.path.clone())).collect();
    let expected = [("POST", "/v1/conversations"), ("DELETE", "/v1/conversations/conv_n")];
    assert_eq!(seen, expected.map(|(method, path)| (method.to_owned(), path.to_owned())));
    assert_eq!(house.gate.metrics().unbound_total.get(), 1);
    // An answer without an id that could be asked for.
    house.upstream.push(Answer::json(conversation("../x").to_string()));
    let (status, _, message) = error(&house.send(&posted("/v1/conversations", &json!({}))));
    assert!(status == 502 && message.contains("names none"), "{message}");
}

/// The caller leaves before the answer is there: the conversation is in its name all the same.
#[test]
fn a_conversation_is_bound_whether_its_caller_waits_or_not() {
    let house = house();
    let slow = Answer::json(conversation("conv_a").to_string()).slow(Duration::from_millis(400));
    house.upstream.push(slow);
    let mut wire = Wire::open(house.address);
    wire.send(&posted("/v1/conversations", &json!({"metadata": {"who": OWN}})));
    std::thread::sleep(Duration::from_millis(150));
    drop(wire);
    std::thread::sleep(Duration::from_millis(600));
    let token = tokens(&house.seen()).remove(0);
    let mut again = conversation("conv_a");
    again["metadata"]["who"] = json!(token);
    house.upstream.push(Answer::json(again.to_string()));
    let reply = house.send(&bare("GET", "/v1/conversations/conv_a"));
    assert_eq!((reply.status, &reply.json()["metadata"]["who"]), (200, &json!(OWN)), "{}", reply.text());
}

/// Another gate that knows the same owners, as after a restart: what is known of a conversation is all that it needs.
#[test]
fn a_conversation_goes_on_in_another_gate() {
    let objects: Arc<dyn Objects> = Arc::new(MemoryObjects::default());
    let token = made(&with(Arc::clone(&objects)));
    let house = with(objects);
    house.upstream.push(told("b", &token));
    let reply = house.send(&asked(&json!({"input": format!("{OWN} and bob@example.net")})));
    assert_eq!(said(&reply), OWN);
    let seen = tokens(&house.seen());
    assert!(seen.len() == 2 && seen.contains(&token), "{seen:?}");
    house.upstream.push(list(&[message("msg_u", "user", &seen.join(" and "))]));
    let reply = house.send(&bare("GET", "/v1/conversations/conv_a/items"));
    assert_eq!(reply.json()["data"][0]["content"][0]["text"], format!("{OWN} and bob@example.net"), "{}", reply.text());
}

#[test]
fn a_conversation_has_bounds() {
    for (pairs, status) in [(4_096, 200), (4_097, 400)] {
        let objects = Arc::new(MemoryObjects::default());
        made_before(&objects, pairs);
        let house = with(objects as Arc<dyn Objects>);
        house.upstream.respond_with(|asked| if asked.path.ends_with("items") { list(&[]) } else { told("b", "EMAIL_0000000007") });
        let reply = house.send(&asked(&json!({})));
        assert_eq!(reply.status, status, "{}", reply.text());
        let items = json!({"items": [{"role": "user", "content": "hi"}]});
        assert_eq!(house.send(&posted("/v1/conversations/conv_a/items", &items)).status, status);
        // It can be read all the same.
        assert_eq!(house.send(&bare("GET", "/v1/conversations/conv_a/items")).status, 200);
    }
}
