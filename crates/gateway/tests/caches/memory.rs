//! What is remembered of caches: where it fails, whoever waits for it, how much of it.

use std::sync::Arc;
use std::time::Duration;

use bartizan_identity::{Binding, MemoryObjects, Object, ObjectKind, Objects, ObjectsError};
use bartizan_testkit::Answer;
use bartizan_vocabulary::{PrincipalId, ProviderName};
use serde_json::json;

use super::{ONE, OWN, asked, bare, create, house, kept, made, refused, said, says, with};
use crate::harness::{Call, Wire};
use crate::leaks::tokens;

/// Remembers so many caches, and no more.
struct Few {
    own: MemoryObjects,
    left: std::sync::atomic::AtomicUsize,
}

impl Objects for Few {
    fn bind(&self, binding: &Binding<'_>) -> Result<(), ObjectsError> {
        use std::sync::atomic::Ordering::SeqCst;
        let taken = self.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        if taken.is_ok() { self.own.bind(binding) } else { Err(ObjectsError::Full) }
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

/// What nobody would own is deleted again; what cannot be kept for longer is not asked for.
#[test]
fn without_a_memory_nothing_is_kept() {
    let house = with(Arc::new(Few { own: MemoryObjects::default(), left: 1.into() }) as Arc<dyn Objects>);
    made(&house);
    let before = house.upstream.requests().len();
    let (status, word, message) = refused(&house.send(&Call::new("PATCH", ONE, r#"{"ttl":"1s"}"#)));
    assert!((status, word.as_str()) == (503, "UNAVAILABLE") && message.contains("nothing was sent"), "{message}");
    assert_eq!(house.upstream.requests().len(), before);
    house.upstream.push(kept("b1", "x"));
    house.upstream.push(Answer::json("{}"));
    let (status, _, message) = refused(&house.send(&create(&json!({}))));
    assert!(status == 503 && message.contains("took the cache") && message.contains("deleted there again"), "{message}");
    let seen: Vec<_> = house.upstream.requests().iter().skip(before).map(|one| (one.method.clone(), one.path.clone())).collect();
    let expected = [("POST", "/v1/cachedContents"), ("DELETE", "/v1/cachedContents/b1")];
    assert_eq!(seen, expected.map(|(method, path)| (method.to_owned(), path.to_owned())));
    assert_eq!(house.gate.metrics().unbound_total.get(), 1);
    // Answers without a name that could be asked for.
    for name in ["cachedContents/../x", "cachedContents/", "a1", "files/a1"] {
        house.upstream.push(Answer::json(json!({"name": name}).to_string()));
        let (status, _, message) = refused(&house.send(&create(&json!({}))));
        assert!(status == 502 && message.contains("names none") && !message.contains(name), "{message}");
    }
}

/// The answer that tells of it is blocked, or its caller leaves before: it is in its name all the same.
#[test]
fn a_cache_is_bound_whatever_becomes_of_its_answer() {
    let house = house();
    house.upstream.push(kept("a1", "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"));
    let call = create(&json!({"displayName": OWN}));
    house.send(&call);
    let token = tokens(&house.seen()).remove(0);
    house.upstream.push(says(&token));
    assert_eq!(said(&house.send(&asked("generateContent", "cachedContents/a1"))), OWN);
    house.upstream.push(kept("a2", "x").slow(Duration::from_millis(400)));
    let mut wire = Wire::open(house.address);
    wire.send(&call);
    std::thread::sleep(Duration::from_millis(150));
    drop(wire);
    std::thread::sleep(Duration::from_millis(600));
    let token = tokens(&house.seen()).remove(0);
    house.upstream.push(kept("a2", &token));
    let reply = house.send(&bare("GET", "/v1beta/cachedContents/a2"));
    assert_eq!((reply.status, &reply.json()["displayName"]), (200, &json!(OWN)), "{}", reply.text());
}

/// Another gate that knows the same owners, as after a restart.
#[test]
fn a_cache_goes_on_in_another_gate() {
    let objects: Arc<dyn Objects> = Arc::new(MemoryObjects::default());
    let token = made(&with(Arc::clone(&objects)));
    let house = with(objects);
    house.upstream.push(says(&token));
    assert_eq!(said(&house.send(&asked("generateContent", "cachedContents/a1"))), OWN);
    let other = Call { path: "/v1beta/models/pro:generateContent".to_owned(), ..asked("generateContent", "cachedContents/a1") };
    assert_eq!(house.send(&other).status, 400);
}

/// What no request could begin with is not made.
#[test]
fn a_cache_has_bounds() {
    let house = house();
    for (values, status) in [(4_096, 200), (4_097, 400)] {
        let text = (0..values).map(|number| format!("p{number}@example.net")).collect::<Vec<_>>().join(", ");
        house.upstream.respond_with(|_| kept("a1", "x"));
        let before = house.upstream.requests().len();
        let reply = house.send(&create(&json!({"contents": [{"parts": [{"text": text}]}]})));
        assert_eq!(reply.status, status, "{}", reply.text());
        assert_eq!(house.upstream.requests().len() - before, usize::from(status == 200));
        house.upstream.respond_with(|_| says("hi"));
        assert_eq!(house.send(&asked("generateContent", "cachedContents/a1")).status, 200);
    }
}
