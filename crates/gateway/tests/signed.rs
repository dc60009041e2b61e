//! Signed reasoning in which the gate had to remove something comes back as it was signed, or not at all.

use std::sync::{Arc, Mutex};

use bartizan_gateway::{Fault, Faults, Settings};
use bartizan_identity::Originals;
use bartizan_testkit::{Answer, canned};
use bartizan_vocabulary::{Hidden, PrincipalId, ProviderName, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::harness::{Call, House, Plan, key};

/// Remembers instead of sealing: what is carried is a number, behind what looks like a key to the detector.
#[derive(Default)]
struct Boxes(Mutex<Vec<(PrincipalId, Vec<u8>)>>);

impl Originals for Boxes {
    fn seal(&self, owner: &PrincipalId, _: Timestamp, value: &[u8]) -> Option<Vec<u8>> {
        let mut boxes = self.0.lock().unwrap();
        boxes.push((owner.clone(), value.to_vec()));
        Some([looks_like_a_key().as_slice(), &u32::try_from(boxes.len() - 1).unwrap().to_be_bytes(), &[0; 2]].concat())
    }

    fn open(&self, owner: &PrincipalId, sealed: &[u8]) -> Option<Hidden<Vec<u8>>> {
        let boxes = self.0.lock().unwrap();
        let at = u32::from_be_bytes(*sealed.strip_prefix(looks_like_a_key().as_slice())?.first_chunk()?);
        let (whose, value) = boxes.get(usize::try_from(at).ok()?)?;
        (whose == owner && sealed.len() == 24).then(|| Hidden::new(value.clone()))
    }
}

fn looks_like_a_key() -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(concat!("AKIA", "Q3EGX7YPN4TDZW2K----")).unwrap()
}

fn plan() -> Plan {
    Plan { originals: Some(Arc::new(Boxes::default())), ..Plan::default() }
}

/// Two values of the model's own, with what JSON escapes and what is no ASCII around them.
const THOUGHT: &str = "\"Öl\"\n{\"n\": 4111111111111111} to eve@example.net, password: hunter2hunter2X9 and eve@example.net \u{1F600}.";

fn block(thinking: &str) -> Value {
    json!({"type": "thinking", "thinking": thinking, "signature": "c2lnbmVkIGJ5IHRoZSBwcm92aWRlcg=="})
}

fn back(block: &Value) -> String {
    let turns = json!([
        {"role": "user", "content": "mail ada@example.org"},
        {"role": "assistant", "content": [block, {"type": "text", "text": "ok"}]},
        {"role": "user", "content": "and now?"}
    ]);
    json!({"model": "gpt-4o-mini", "max_tokens": 9, "messages": turns}).to_string()
}

/// What the provider reads of the block.
fn seen_block(house: &House) -> Value {
    let seen: Value = serde_json::from_str(&house.seen()).unwrap();
    seen["messages"][1]["content"][0].clone()
}

fn asked(stream: bool) -> Call {
    let body = json!({"model": "gpt-4o-mini", "max_tokens": 9, "stream": stream, "messages": [{"role": "user", "content": "mail ada@example.org"}]});
    Call::messages(body.to_string())
}

/// A thought as the caller reads it.
fn told(house: &House, thought: &str) -> String {
    let answer = json!({"type": "message", "role": "assistant", "content": [block(thought), {"type": "text", "text": "ok"}]});
    house.upstream.push(Answer::json(answer.to_string()));
    let reply = house.send(&asked(false));
    assert_eq!((reply.status, reply.decision()), (200, "remedied"), "{}", reply.text());
    reply.json()["content"][0]["thinking"].as_str().unwrap().to_owned()
}

/// The same as a stream, in pieces of so many bytes.
fn told_streamed(house: &House, thought: &str, size: usize) -> String {
    let delta = |delta: Value| {
        format!("event: content_block_delta\ndata: {}\n\n", json!({"type": "content_block_delta", "index": 0, "delta": delta}))
    };
    let start = json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}});
    let mut stream = format!("event: content_block_start\ndata: {start}\n\n");
    stream.extend(canned::parts(thought, size).iter().map(|piece| delta(json!({"type": "thinking_delta", "thinking": piece}))));
    stream += &delta(json!({"type": "signature_delta", "signature": "c2lnbmVkIGJ5IHRoZSBwcm92aWRlcg=="}));
    stream += "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    house.upstream.push(Answer::stream([stream]));
    let reply = house.send(&asked(true));
    assert!(reply.status == 200 && reply.whole, "{}", reply.text());
    let events = reply.text();
    let data = events.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| Some(serde_json::from_str::<Value>(data).unwrap()["delta"]["thinking"].as_str()?.to_owned())).collect()
}

fn hides(told: &str) {
    for value in ["eve@example", "4111111111111111", "hunter2"] {
        assert!(!told.contains(value), "{told}");
    }
    assert_eq!(told.matches("[REMOVED_FROM_SIGNED_").count(), 4, "{told}");
    assert_eq!(told.matches(":AKIA").count(), 4, "each is sealed: {told}");
}

#[test]
fn the_provider_gets_what_it_signed() {
    let house = House::build(plan());
    let mut all = vec![told(&house, THOUGHT)];
    all.extend([1, 2, 3, 7, 16, 500].map(|size| told_streamed(&house, THOUGHT, size)));
    for told in all {
        hides(&told);
        house.upstream.push(Answer::json("{}"));
        let reply = house.send(&Call::messages(back(&block(&told))));
        assert_eq!((reply.status, reply.decision()), (200, "remedied"), "the address of the caller: {}", reply.text());
        assert_eq!(seen_block(&house), block(THOUGHT));
        assert!(!house.seen().contains("ada@example.org"));
    }
}

#[test]
fn nobody_else_gets_it_and_an_altered_block_is_never_sent() {
    let house = House::build(plan());
    let told = told(&house, THOUGHT);
    let served = house.upstream.served();
    let refused = |call: &Call, why: &str| {
        let reply = house.send(call);
        assert!(reply.status == 400 && reply.text().contains("signed reasoning block"), "{why}: {} {}", reply.status, reply.text());
        assert_eq!(house.upstream.served(), served, "{why}");
    };
    refused(&Call::messages(back(&block(&told))).with("authorization", &format!("Bearer {}", key(2))), "another caller's");
    let first = told.find(":AKIA").unwrap();
    let seal = &told[first..first + told[first..].find(']').unwrap()];
    for (why, altered) in [
        ("no seal", told.replacen(seal, "", 1)),
        ("half a seal", told.replacen(seal, &seal[..seal.len() - 4], 1)),
        ("no end", told[..first + seal.len()].to_owned()),
        ("no base64", told.replacen(":AKIA", ":A*IA", 1)),
        ("unknown", told.replacen(":AKIA", ":AKIB", 1)),
        ("too many", "[REMOVED_FROM_SIGNED_EMAIL:AAAA]".repeat(1_025)),
    ] {
        assert_ne!(altered, told, "{why}");
        refused(&Call::messages(back(&block(&altered))), why);
    }
    // Outside a signed block it is a text like any other, and opens nothing.
    house.upstream.push(Answer::json("{}"));
    let text = json!({"type": "text", "text": told});
    house.send(&Call::messages(back(&text)));
    assert!(!house.upstream.requests().last().unwrap().text().contains("eve@example"));
}

#[test]
fn it_goes_to_the_provider_that_signed_it() {
    let originals: Arc<dyn Originals> = Arc::new(Boxes::default());
    let build = |provider: &'static str| {
        let adjust = move |settings: &mut Settings| settings.providers.iter_mut().for_each(|one| one.name = ProviderName::new(provider));
        House::build(Plan { originals: Some(Arc::clone(&originals)), adjust: Some(Box::new(adjust)), ..Plan::default() })
    };
    let told = told(&build("one"), THOUGHT);
    let other = build("other");
    let reply = other.send(&Call::messages(back(&block(&told))));
    assert_eq!((reply.status, other.upstream.served()), (400, 0), "{}", reply.text());
    let same = build("one");
    same.upstream.push(Answer::json("{}"));
    assert_eq!(same.send(&Call::messages(back(&block(&told)))).status, 200);
    assert_eq!(seen_block(&same), block(THOUGHT));
}

#[test]
fn a_failing_guard_lets_no_altered_block_pass() {
    let originals: Arc<dyn Originals> = Arc::new(Boxes::default());
    let told = told(&House::build(Plan { originals: Some(Arc::clone(&originals)), ..Plan::default() }), THOUGHT);
    let faults: Faults = Arc::new(|_| Some(Fault::Error));
    let house = House::build(Plan { originals: Some(originals), fail_open: true, faults: Some(faults), ..Plan::default() });
    house.upstream.always(Answer::json("{}"));
    let reply = house.send(&Call::messages(back(&block(&told))));
    assert_eq!((reply.status, house.upstream.served()), (503, 0), "{}", reply.text());
}

/// A provider that takes no thoughts from anybody but the model reads such a block as it reads what a user says.
#[test]
fn only_the_models_own_turns_open_a_seal() {
    let house = House::build(plan());
    let told = told(&house, THOUGHT);
    let served = house.upstream.served();
    let own = json!({"role": "assistant", "content": [block(&told), {"type": "text", "text": "ok"}]});
    for turn in [
        json!({"role": "user", "content": [block(&told)]}),
        json!({"role": "system", "content": [block(&told)]}),
        json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [block(&told)]}]}),
        json!({"content": [block(&told)], "role": "user"}),
    ] {
        let body = json!({"model": "gpt-4o-mini", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}, own, turn]});
        let reply = house.send(&Call::messages(body.to_string()));
        assert!(reply.status == 400 && reply.text().contains("signed reasoning block"), "{turn}: {} {}", reply.status, reply.text());
    }
    let body = json!({"model": "gpt-4o-mini", "max_tokens": 9, "system": [block(&told)], "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(house.send(&Call::messages(body.to_string())).status, 400);
    assert_eq!(house.upstream.served(), served);
}

/// What is put back is held in memory beside the body.
#[test]
fn what_is_put_back_counts_as_bytes_in_flight() {
    let told = |house: &House| told(house, &format!("{THOUGHT} {}", "so ".repeat(200_000)));
    let sizes = [2_200_000, 30_000_000];
    for bytes in sizes {
        let limits = bartizan_gateway::Limits { inflight_bytes: bytes, ..bartizan_gateway::Limits::default() };
        let house = House::build(Plan { limits, ..plan() });
        let told = told(&house);
        house.upstream.push(Answer::json("{}"));
        let reply = house.send(&Call::messages(back(&block(&told))));
        assert_eq!(reply.status, if bytes == sizes[0] { 503 } else { 200 }, "{}", reply.text());
        assert_eq!(house.gate.inflight_bytes(), 0);
    }
}
