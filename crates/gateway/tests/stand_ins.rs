//! The remedies `surrogate` and `encrypt`: what stands in the place of a value when nobody gives it back.

use bartizan_detect::{SealKey, reveal};
use bartizan_testkit::{Answer, canned, documents};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::answers::content;
use crate::harness::{Call, House, Plan, events, key};

const KEY: &[u8] = b"a key of thirty-two letters here";

fn seal_key() -> SealKey {
    SealKey::new(KEY).unwrap()
}

fn rules(remedy: &str) -> String {
    format!(
        r#"@id("allow") permit (principal, action, resource);
        @id("r") @remedy("{remedy}") @labels("pii.*,pci.*,secret.*")
        forbid (principal, action, resource) when {{ context.labels.containsAny(["pii", "pci", "secret"]) }};"#
    )
}

fn house_with(remedy: &str, key: Option<SealKey>) -> House {
    let adjust = Box::new(move |settings: &mut bartizan_gateway::Settings| settings.seal_key = key);
    House::build(Plan { policies: Some(rules(remedy)), adjust: Some(adjust), ..Plan::default() })
}

fn house(remedy: &str) -> House {
    house_with(remedy, Some(seal_key()))
}

fn turn(messages: &Value) -> Call {
    Call::chat(json!({"model": "gpt-4o-mini", "messages": messages}).to_string())
}

fn said(text: &str) -> Value {
    json!([{"role": "user", "content": text}])
}

/// What the provider reads of the last message.
fn seen(house: &House) -> String {
    let seen: Value = serde_json::from_str(&house.seen()).unwrap();
    seen["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned()
}

fn sent(house: &House, text: &str) -> String {
    house.upstream.push(Answer::json("{}"));
    assert_eq!(house.send(&turn(&said(text))).status, 200);
    seen(house)
}

fn luhn(text: &str) -> bool {
    let digits = text.chars().rev().filter_map(|c| c.to_digit(10)).enumerate();
    digits.map(|(at, digit)| if at % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }).sum::<u32>().is_multiple_of(10)
}

const CARD: &str = "4532 8126 7735 4687";

/// The remedies of the events of one direction, one `label remedy count` each.
fn carried_out(house: &House, direction: &str) -> Vec<String> {
    let of = |event: &Value| -> Vec<String> {
        let all = event["remedies"].as_array().cloned().unwrap_or_default();
        all.iter().map(|one| format!("{} {} {}", one["label"].as_str().unwrap(), one["remedy"].as_str().unwrap(), one["count"])).collect()
    };
    events(house).iter().filter(|event| event["direction"] == direction).flat_map(of).collect()
}

#[test]
fn a_surrogate_keeps_the_form_in_both_directions_and_in_streams() {
    let house = house("surrogate");
    let text = format!("pay {CARD}, mail ada@example.com, then {CARD} again");
    house.upstream.push(Answer::json(canned::chat("m", &text)));
    let reply = house.send(&turn(&said(&text)));
    let seen = seen(&house);
    let card = &seen["pay ".len()..][..CARD.len()];
    assert!(card.starts_with("4000 00") && luhn(card) && card != CARD, "{seen}");
    assert!(seen.contains("mail user.") && seen.contains("@example.org"), "{seen}");
    assert!(seen.ends_with(&format!("then {card} again")), "{seen}");
    assert_eq!(reply.json()["choices"][0]["message"]["content"], seen, "the same value, the same surrogate");
    for size in [1, 7, 100] {
        house.upstream.push(Answer::stream(canned::chat_events("m", &canned::parts(&text, size))));
        let body = json!({"stream": true, "model": "gpt-4o-mini", "messages": said(&text)}).to_string();
        assert_eq!(content(&house.chat(&body).text()), seen, "pieces of {size}");
    }
    let told = carried_out(&house, "request");
    assert_eq!(told[..2], ["pci.card surrogate 2", "pii.email surrogate 1"], "{told:?}");
    assert!(events(&house).iter().all(|event| !event.to_string().contains(card)));
}

#[test]
fn a_surrogate_is_its_conversations_and_its_callers() {
    let house = house("surrogate");
    let text = "mail ada@example.com";
    let first = sent(&house, text);
    assert_eq!(sent(&house, text), first, "the next request of the conversation");
    for other in
        [turn(&said(text)).with("bartizan-conversation", "2"), turn(&said(text)).with("authorization", &format!("Bearer {}", key(2)))]
    {
        house.upstream.push(Answer::json("{}"));
        assert_eq!(house.send(&other).status, 200);
        assert_ne!(seen(&house), first);
    }
    let other_key = house_with("surrogate", SealKey::new(b"another key, long enough"));
    assert_ne!(sent(&other_key, text), first);
}

#[test]
fn what_the_model_repeats_stands_for_itself_in_the_next_turn() {
    let house = house("surrogate");
    let text = format!("pay {CARD}");
    let card = sent(&house, &text)["pay ".len()..].to_owned();
    house.upstream.push(Answer::json("{}"));
    let again = card.replace(' ', "-");
    let history = json!([
        {"role": "user", "content": text},
        {"role": "assistant", "content": format!("Paid with {card}.")},
        {"role": "user", "content": format!("And {again}, {CARD}, 4111 1111 1111 1111?")},
    ]);
    assert_eq!(house.send(&turn(&history)).status, 200);
    let read: Value = serde_json::from_str(&house.seen()).unwrap();
    assert_eq!(read["messages"][0]["content"], format!("pay {card}"));
    assert_eq!(read["messages"][1]["content"], format!("Paid with {card}."));
    let last = seen(&house);
    assert!(last.starts_with(&format!("And {again}, {card}, 4000 00")) && !last.contains("4111"), "{last}");
}

#[test]
fn what_has_no_surrogate_is_redacted_and_recorded_as_that() {
    let house = house("surrogate");
    assert_eq!(sent(&house, "key AKIAIOSFODNN7EXAMPLE"), "key [REDACTED_AWS_ACCESS_KEY]");
    assert_eq!(carried_out(&house, "request"), ["secret.aws_access_key redact 1"]);
    // No key: a gate that was told nothing invents and seals nothing.
    for remedy in ["surrogate", "encrypt"] {
        assert_eq!(sent(&house_with(remedy, None), "mail ada@example.com"), "mail [REDACTED_EMAIL]");
    }
}

#[test]
fn two_hundred_addresses_have_two_hundred_surrogates() {
    let house = house("surrogate");
    let all: Vec<String> = (1..=200).map(|n| format!("93.184.{}.{n}", n % 7 + 1)).collect();
    let seen = sent(&house, &all.join(" "));
    let distinct: std::collections::HashSet<&str> = seen.split(' ').collect();
    assert!(distinct.len() == 200 && !seen.contains("93.184"), "{seen}");
}

#[test]
fn what_is_encrypted_opens_with_the_key_in_both_directions_and_in_streams() {
    let house = house("encrypt");
    let text = format!("pay {CARD}, mail ada@example.com, password: hunter2-Kx9vQ");
    house.upstream.push(Answer::json(canned::chat("m", &text)));
    let reply = house.send(&turn(&said(&text)));
    let seen = seen(&house);
    assert!(seen.starts_with("pay [SEALED:pci.card:") && !seen.contains("ada@"), "{seen}");
    assert_eq!(reveal(&seen, &seal_key()).0, text);
    assert_eq!(reveal(&seen, &SealKey::new(b"another key, long enough").unwrap()).0, seen);
    let back = reply.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    assert_ne!(back, seen, "sealed anew each time");
    assert_eq!(reveal(&back, &seal_key()).0, text);
    for size in [1, 7, 100] {
        house.upstream.push(Answer::stream(canned::chat_events("m", &canned::parts(&text, size))));
        let body = json!({"stream": true, "model": "gpt-4o-mini", "messages": said(&text)}).to_string();
        let streamed = content(&house.chat(&body).text());
        assert!(!streamed.contains("ada@") && streamed.contains("[SEALED:pii.email:"), "{streamed}");
        assert_eq!(reveal(&streamed, &seal_key()).0, text, "pieces of {size}");
    }
    let told = carried_out(&house, "request");
    assert!(told.contains(&"pci.card encrypt 1".to_owned()) && told.contains(&"pii.email encrypt 1".to_owned()), "{told:?}");
    // What comes back sealed, from a model that repeats it, is not sealed once more, or opens all the same.
    let history = json!([{"role": "user", "content": "hi"}, {"role": "assistant", "content": seen}, {"role": "user", "content": "and?"}]);
    house.upstream.push(Answer::json("{}"));
    assert_eq!(house.send(&turn(&history)).status, 200);
    let read: Value = serde_json::from_str(&house.seen()).unwrap();
    assert_eq!(reveal(read["messages"][1]["content"].as_str().unwrap(), &seal_key()).0, text);
}

#[test]
fn a_number_becomes_a_string() {
    for (remedy, begins) in [("surrogate", "400000"), ("encrypt", "[SEALED:pci.card:")] {
        let house = house(remedy);
        house.upstream.push(Answer::json("{}"));
        let body = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"{\"card\": 4532812677354687}"}],"metadata":{"n":4532812677354687}}"#;
        house.chat(body);
        let seen: Value = serde_json::from_str(&house.seen()).unwrap();
        assert!(seen["metadata"]["n"].as_str().unwrap().starts_with(begins), "{seen}");
        let inner: Value = serde_json::from_str(seen["messages"][0]["content"].as_str().unwrap()).unwrap();
        assert!(inner["card"].as_str().unwrap().starts_with(begins), "{inner}");
    }
}

#[test]
fn in_a_file_a_surrogate_is_a_redaction_and_a_sealed_value_opens() {
    let ask = |remedy: &str| {
        let house = house(remedy);
        house.upstream.push(Answer::json("{}"));
        let data = format!("data:text/plain;base64,{}", STANDARD.encode("Write to ada@example.com soon.\n"));
        let content = json!([{"type": "file", "file": {"filename": "a", "file_data": data}}]);
        let reply = house.send(&turn(&json!([{"role": "user", "content": content}])));
        assert_eq!(reply.status, 200, "{remedy} {}", reply.text());
        (house.seen(), carried_out(&house, "request"))
    };
    let (seen, told) = ask("surrogate");
    assert!(seen.contains("[REDACTED_EMAIL]") && !seen.contains("example.org"), "{seen}");
    assert_eq!(told, ["pii.email redact 1"]);
    let (seen, told) = ask("encrypt");
    assert!(reveal(&seen, &seal_key()).0.contains("Write to ada@example.com soon."), "{seen}");
    assert_eq!(told, ["pii.email encrypt 1"]);
}

/// What the file holds beside its text goes with it, and is recorded as what became of it.
#[test]
fn what_stands_beside_the_text_of_a_file_is_redacted_with_it() {
    let author = "<?xml version=\"1.0\"?><cp:coreProperties xmlns:cp=\"a\" xmlns:dc=\"b\"><dc:creator>bob@example.net</dc:creator></cp:coreProperties>";
    let file = documents::docx("nothing to see", &[("docProps/core.xml", author.as_bytes())]).unwrap();
    let media = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let house = house("surrogate");
    house.upstream.push(Answer::json("{}"));
    let data = format!("data:{media};base64,{}", STANDARD.encode(file));
    let reply = house.send(&turn(&json!([{"role": "user", "content": [{"type": "file", "file": {"filename": "a", "file_data": data}}]}])));
    assert!(reply.status == 200 && house.seen().contains("nothing to see") && !house.seen().contains("bob@"), "{}", house.seen());
    assert_eq!(carried_out(&house, "request"), ["pii.email redact 1"]);
}

/// How much of it has come depends on how the stream was cut, and what stands in its place must not.
#[test]
fn a_value_whose_end_has_not_come_in_a_stream_is_redacted() {
    let key = format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
        "MIIEowIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGcY5unA67hqxnfZoGcs\n".repeat(40)
    );
    for remedy in ["surrogate", "encrypt"] {
        let house = house(remedy);
        for size in [1, 7, 1_000] {
            house.upstream.push(Answer::stream(canned::chat_events("m", &canned::parts(&format!("Here: {key} done"), size))));
            let body = json!({"stream": true, "model": "gpt-4o-mini", "messages": said("hi")}).to_string();
            let streamed = content(&house.chat(&body).text());
            assert_eq!(streamed, "Here: [REDACTED_PRIVATE_KEY] done", "{remedy} pieces of {size}");
        }
        assert!(carried_out(&house, "response").iter().all(|one| one == "secret.private_key redact 1"));
    }
}

/// The strongest remedy wins: what shows nothing before what shows a form, and that before what comes back.
#[test]
fn the_strongest_remedy_wins() {
    let order = ["redact", "mask", "surrogate", "encrypt", "tokenise"];
    for (at, strong) in order.iter().enumerate() {
        for weak in order.iter().skip(at + 1) {
            let both = format!(
                "{}{}",
                rules(weak),
                rules(strong).replace(r#"@id("allow")"#, r#"@id("too")"#).replace(r#"@id("r")"#, r#"@id("s")"#)
            );
            let adjust = Box::new(|settings: &mut bartizan_gateway::Settings| settings.seal_key = Some(seal_key()));
            let house = House::build(Plan { policies: Some(both), adjust: Some(adjust), ..Plan::default() });
            sent(&house, "mail ada@example.com");
            assert_eq!(carried_out(&house, "request"), [format!("pii.email {strong} 1")], "{weak}");
        }
    }
}
