//! What policies ask for is what happens: operators, coaching, shadow mode, listing.

use bartizan_testkit::{Answer, canned};

use crate::answers::content;
use crate::harness::{Call, House, Plan};

const ALLOW: &str = r#"@id("allow") permit (principal, action, resource);"#;

fn house(rule: &str) -> House {
    House::build(Plan { policies: Some(format!("{ALLOW}\n{rule}")), ..Plan::default() })
}

fn rule(remedy: &str, rest: &str) -> String {
    format!(
        r#"@id("r") @remedy("{remedy}") @labels("pii.*,pci.*") {rest} forbid (principal, action, resource) when {{ context.labels.containsAny(["pii", "pci"]) }};"#
    )
}

/// What both sides read of a text under a rule: the provider of the caller's, the caller of the model's, whole and streamed.
fn check(rule: &str, text: &str, expected: &str) {
    let house = house(rule);
    let quoted = serde_json::to_string(text).unwrap();
    let body = format!(r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":{quoted}}}]}}"#);
    house.upstream.push(Answer::json(canned::chat("m", text)));
    let reply = house.chat(&body);
    let seen: serde_json::Value = serde_json::from_str(&house.seen()).unwrap();
    assert_eq!(seen["messages"][0]["content"], expected);
    assert_eq!(reply.json()["choices"][0]["message"]["content"], expected);
    for size in [1, 7, 100] {
        house.upstream.push(Answer::stream(canned::chat_events("m", &canned::parts(text, size))));
        assert_eq!(content(&house.chat(&body.replacen('{', r#"{"stream":true,"#, 1)).text()), expected, "pieces of {size}");
    }
}

#[test]
fn redact_and_mask() {
    let text = "ada@example.org or 4111 1111 1111 1111.";
    check(&rule("redact", ""), text, "[REDACTED_EMAIL] or [REDACTED_CARD].");
    check(&rule("redact", ""), "[Note] card 4111111111111111 ok", "[Note] card [REDACTED_CARD] ok");
    check(&rule("mask", ""), text, "**** or ****.");
    check(&rule("mask", r#"@operator("keep_last:4")"#), text, "***@******e.org or **** **** **** 1111.");
}

#[test]
fn generalise() {
    let rule = rule("mask", r#"@operator("generalise")"#);
    check(&rule, "ada@example.org or 4111 1111 1111 1111.", "[EMAIL at example.org] or [VISA ending in 1111].");
    check(&rule, "SSN 536-22-1846 from 93.184.216.34", "SSN [REDACTED_US_SSN] from [93.184.216.x]");
    // What stands there is nothing that is found again.
    check(
        &rule,
        "[EMAIL at example.org] or [VISA ending in 1111] from [93.184.216.x]",
        "[EMAIL at example.org] or [VISA ending in 1111] from [93.184.216.x]",
    );
    // A number literal becomes a string, as with any other remedy.
    let house = house(&rule);
    house.upstream.always(Answer::json("{}"));
    house.chat(r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}],"metadata":{"n":4111111111111111}}"#);
    let seen: serde_json::Value = serde_json::from_str(&house.seen()).unwrap();
    assert_eq!(seen["metadata"]["n"], "[VISA ending in 1111]");
}

#[test]
fn hash_is_keyed_and_the_same_for_the_same_value() {
    let house = house(&rule("redact", r#"@operator("hash")"#));
    house.upstream.always(Answer::json("{}"));
    let shown = |text: &str| {
        house.chat(&format!(r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"{text}"}}]}}"#));
        let seen: serde_json::Value = serde_json::from_str(&house.seen()).unwrap();
        seen["messages"][0]["content"].as_str().unwrap().to_owned()
    };
    let one = shown("ada@example.org");
    assert!(one.starts_with("[EMAIL:") && one.ends_with(']') && one.len() == 24, "{one}");
    assert!(one[7..23].bytes().all(|byte| byte.is_ascii_lowercase()));
    assert_eq!(shown("ADA@example.org"), one);
    assert_eq!(shown("ada%40example.org"), one);
    assert_ne!(shown("eve@example.org"), one);
    assert_eq!(shown(&one), one, "a word of ours is nothing that is found again");
    check(&rule("redact", r#"@operator("hash")"#), "ada@example.org", &one);
}

#[test]
fn a_coached_answer_carries_the_sentence() {
    let coach = r#"@id("c") @remedy("coach") @coach("Mind — the data.") forbid (principal, action == Action::"prompt", resource) when { context.labels.contains("pii") };"#;
    let house = house(coach);
    for stream in [false, true] {
        house.upstream.push(if stream { Answer::stream(["data: [DONE]\n\n"]) } else { Answer::json("{}") });
        let reply = house
            .chat(&format!(r#"{{"model":"gpt-4o-mini","stream":{stream},"messages":[{{"role":"user","content":"ada@example.org"}}]}}"#));
        assert_eq!((reply.decision(), reply.header("bartizan-coach")), ("permit", Some("Mind ? the data.")));
    }
    assert!(house.seen().contains("ada@example.org"));
}

/// An edit says its sentence; where a block wins, only what blocked is named and speaks.
#[test]
fn an_edit_tells_its_sentence_and_a_block_only_its_own() {
    let rules = r#"@id("tokens") @remedy("tokenise") @labels("pii.email") @coach("Mail is replaced.")
        forbid (principal, action, resource) when { context.labels.contains("pii.email") };
        @id("cards") @remedy("block") @coach("No cards.")
        forbid (principal, action == Action::"prompt", resource) when { context.labels.contains("pci") };"#;
    let house = house(rules);
    let ask = |stream: bool, text: &str| {
        house.upstream.push(if stream { Answer::stream(["data: [DONE]\n\n"]) } else { Answer::json("{}") });
        house.chat(&format!(r#"{{"model":"gpt-4o-mini","stream":{stream},"messages":[{{"role":"user","content":"{text}"}}]}}"#))
    };
    for stream in [false, true] {
        let reply = ask(stream, "ada@example.org");
        assert_eq!((reply.decision(), reply.header("bartizan-coach")), ("remedied", Some("Mail is replaced.")));
        assert_eq!(ask(stream, "hello").header("bartizan-coach"), None);
    }
    let reply = ask(false, "ada@example.org 4111 1111 1111 1111");
    let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
    // What it looks for, and not the address.
    assert_eq!(message, "No cards. (policy cards) Found: pci.card.");
    assert_eq!(reply.header("bartizan-coach"), Some("No cards."));
}

#[test]
fn a_shadow_policy_is_recorded_and_changes_nothing() {
    let shadow = r#"@id("s") @mode("shadow") forbid (principal, action, resource) when { context.labels.contains("pii") };"#;
    let house = house(shadow);
    house.upstream.push(Answer::json(canned::chat("m", "eve@example.net")));
    let reply = house.chat(r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"ada@example.org"}]}"#);
    assert!(
        reply.status == 200 && reply.decision() == "permit" && reply.text().contains("eve@example.net") && house.seen().contains("ada@")
    );
    for one in house.journal.all().iter().filter_map(|one| one.event.as_ref()) {
        let fired = one["policies"].as_array().unwrap().iter().find(|policy| policy["id"] == "s").unwrap();
        assert_eq!((&fired["mode"], &fired["effect"]), (&"shadow".into(), &"forbid".into()));
    }
}

#[test]
fn policies_are_asked_before_models_are_listed() {
    let house = house(r#"@id("closed") @coach("No list.") forbid (principal, action == Action::"listModels", resource);"#);
    let reply = house.send(&Call::new("GET", "/v1/models", ""));
    assert_eq!((reply.status, reply.json()["error"]["code"].as_str()), (403, Some("policy_blocked")));
    let recorded = house.journal.all();
    assert_eq!((recorded.len(), recorded[0].decision.as_str()), (1, "blocked"));
}

#[test]
fn edits_that_would_make_two_keys_equal_block() {
    let house = house(&rule("redact", ""));
    let body = r#"{"model":"gpt-4o-mini","messages":[],"x":{"ada@example.org":1,"eve@example.org":2}}"#;
    let reply = house.chat(body);
    assert_eq!((reply.status, reply.decision()), (403, "blocked"));
    house.upstream.push(Answer::json(r#"{"choices":[{"logprobs":{"a":[1,2,3]}}],"x":{"ada@example.org":1,"eve@example.org":2}}"#));
    let reply = house.chat(r#"{"model":"gpt-4o-mini","messages":[]}"#);
    assert_eq!((reply.status, reply.decision()), (403, "blocked"), "{}", reply.text());
}

#[test]
fn what_the_gate_changed_in_a_signed_part_is_not_sent_back() {
    for remedy in ["redact", "mask"] {
        let house = house(&rule(remedy, ""));
        house
            .upstream
            .push(Answer::json(r#"{"type":"message","content":[{"type":"thinking","thinking":"eve@example.net","signature":"c2ln"}]}"#));
        let thinking = house.send(&Call::messages(r#"{"model":"gpt-4o-mini","messages":[]}"#)).json()["content"][0].clone();
        assert_eq!(thinking["thinking"], "[REMOVED_FROM_SIGNED_EMAIL]");
        let back =
            |block: &serde_json::Value| format!(r#"{{"model":"gpt-4o-mini","messages":[{{"role":"assistant","content":[{block}]}}]}}"#);
        let reply = house.send(&Call::messages(back(&thinking)));
        assert!(reply.status == 400 && reply.text().contains("start a new one"), "{}", reply.text());
        // What the provider itself saw as a placeholder and wrote in its reasoning is not a change.
        house.upstream.push(Answer::json("{}"));
        let honest = serde_json::json!({"type": "thinking", "thinking": "there is a [REDACTED_EMAIL]", "signature": "c2ln"});
        assert_eq!(house.send(&Call::messages(back(&honest))).status, 200);
    }
}
