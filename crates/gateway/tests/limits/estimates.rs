//! What is reserved before the answer is there, and what is believed of what the provider says about it.

use base64::Engine as _;
use serde_json::json;

use super::*;

fn image(bytes: usize) -> String {
    let data = base64::engine::general_purpose::STANDARD.encode([b"\x89PNG\r\n\x1a\n".to_vec(), vec![7; bytes]].concat());
    let url = format!("data:image/png;base64,{data}");
    let parts = json!([{"type": "text", "text": "what is this?"}, {"type": "image_url", "image_url": {"url": url}}]);
    json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": parts}]}).to_string()
}

/// A house in which pictures pass.
fn seeing(quotas: Vec<Quota>) -> House {
    let adjust = move |settings: &mut Settings| (settings.quotas, settings.limits.answer_tokens) = (quotas, 0);
    let policies = Some(r#"@id("all") permit (principal, action, resource);"#.to_owned());
    House::build(Plan { adjust: Some(Box::new(adjust)), policies, ..Plan::default() })
}

#[test]
fn a_picture_is_no_text() {
    let house = seeing(vec![rate(None, Some(20_000))]);
    house.upstream.always(used(900, 100));
    let reply = house.chat(&image(300_000));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let estimate = 20_000 - left(&reply, "tokens");
    assert!((1_000..1_020).contains(&estimate), "{estimate}");
    let twice = house.chat(&image(300_000));
    assert!(left(&twice, "tokens") >= 17_900, "{}", left(&twice, "tokens"));
}

#[test]
fn the_answer_is_reserved_and_given_back() {
    let house = reserving(100, vec![rate(None, Some(1_000))]);
    house.upstream.push(used(50, 10));
    assert_eq!(left(&house.chat(&asking(50, 300)), "tokens"), 650, "as it asks for");
    house.upstream.push(used(50, 10));
    assert_eq!(left(&house.chat(&body(40)), "tokens"), 1_000 - 60 - 140, "the usual length");
    house.upstream.push(used(50, 10));
    let several = asking(40, 100).replace("{\"m", "{\"n\":3,\"m");
    assert_eq!(left(&house.chat(&several), "tokens"), 1_000 - 120 - 340, "three answers");
    // Longer than there is room for: it waits until there is, and no longer.
    let long = asking(40, 50_000);
    let waits = house.chat(&long);
    assert_eq!((waits.status, left(&waits, "tokens")), (429, 820));
    let wait: i64 = waits.header("retry-after").unwrap().parse().unwrap();
    house.clock.forward(wait);
    house.upstream.push(used(40, 2_000));
    let reply = house.chat(&long);
    assert_eq!((reply.status, left(&reply, "tokens")), (200, 0));
    // What was used beyond that is worked off.
    let over = house.chat(&body(20));
    let wait: i64 = over.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(over.status, 429);
    assert!((60..90).contains(&wait), "{wait}");
}

#[test]
fn requests_under_way_hold_what_they_may_use() {
    let house = reserving(0, vec![rate(None, Some(1_000)), budget(Some(10_000), None)]);
    house.upstream.push(used(10, 10).slow(std::time::Duration::from_secs(2)));
    let mut first = crate::harness::Wire::open(house.address);
    first.send(&Call::chat(asking(20, 800)));
    while house.upstream.served() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert_eq!(house.chat(&asking(20, 200)).status, 429, "820 are reserved");
    assert_eq!(first.reply().status, 200);
    house.upstream.push(used(10, 10));
    let second = house.chat(&asking(20, 200));
    assert_eq!((second.status, left(&second, "tokens")), (200, 1_000 - 20 - 220));
    assert_eq!(house.gate.spent().iter().map(|one| one.tokens).collect::<Vec<_>>(), [40]);
}

#[test]
fn a_budget_that_others_reserve_is_asked_for_again_soon() {
    let house = reserving(0, vec![budget(Some(1_000), None)]);
    house.upstream.push(used(10, 10).slow(std::time::Duration::from_secs(2)));
    let mut first = crate::harness::Wire::open(house.address);
    first.send(&Call::chat(asking(20, 800)));
    while house.upstream.served() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let over = house.chat(&asking(20, 200));
    assert_eq!((over.status, over.header("retry-after"), over.json()["error"]["code"].as_str()), (429, Some("3"), Some("rate_limited")));
    assert_eq!(first.reply().status, 200);
}

#[test]
fn a_budget_is_not_overdrawn_by_an_answer() {
    // 100 for a token read, 1,000 for one written: room for 400 tokens of answer and 1,000 of prompt.
    let house = reserving(0, vec![budget(None, Some(500_000))]);
    house.upstream.push(used(1_000, 300));
    assert_eq!(house.chat(&asking(1_000, 400)).status, 200);
    let over = house.chat(&asking(20, 99));
    assert_eq!((over.status, over.json()["error"]["code"].as_str()), (429, Some("budget_spent")));
    assert!(over.text().contains("too little for this request and the longest answer"), "{}", over.text());
    house.upstream.push(used(20, 98));
    assert_eq!(house.chat(&asking(20, 98)).status, 200);
    house.upstream.push(used(20, 98));
    assert!(house.chat(&body(20)).text().contains("`team-money` of this day is spent"));
    // A budget that is smaller than the longest answer still gives one.
    house.clock.forward(86_400);
    house.upstream.push(used(10, 10));
    assert_eq!(house.chat(&asking(10, 100_000)).status, 200);
    // And none that it cannot even read.
    let never = house.chat(&body(5_001));
    assert!(never.text().contains("larger than the whole budget `team-money`"), "{}", never.text());
    assert_eq!(never.header("retry-after"), None);
}

#[test]
fn an_answer_without_numbers_is_counted_by_its_text() {
    let house = limited(vec![rate(None, Some(10_000))]);
    let silent = |said: &str| {
        let mut answer: serde_json::Value = serde_json::from_str(&canned::chat("m", said)).unwrap();
        answer.as_object_mut().unwrap().remove("usage");
        Answer::json(answer.to_string())
    };
    house.upstream.push(silent(&"word ".repeat(80)));
    assert_eq!(house.chat(&body(100)).status, 200);
    assert_eq!(tokens_left(&house), 10_000 - 100 - 100);
    // Hundreds of small events: their text counts, not their frames.
    let parts: Vec<String> = (0..400).map(|_| "four".to_owned()).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    house.upstream.push(Answer::stream(canned::chat_events("m", &parts)));
    assert!(house.chat(&streaming(100)).whole);
    house.journal.wait_for("end");
    assert_eq!(tokens_left(&house), 9_800 - 100 - 400);
}

#[test]
fn two_bytes_of_other_letters_are_a_token() {
    let house = limited(vec![rate(None, Some(10_000))]);
    house.upstream.push(Answer::stream(canned::chat_events("m", &[&"東京".repeat(50), &"now ".repeat(50)])));
    assert!(house.chat(&streaming(100)).whole);
    house.journal.wait_for("end");
    assert_eq!(tokens_left(&house), 10_000 - 100 - 150 - 50);
}

#[test]
fn reasoning_and_arguments_are_text_too() {
    let house = limited(vec![rate(None, Some(10_000))]);
    house.upstream.push(Answer::stream(canned::chat_tool_events("m", "look", &["{\"a\":\"", &"x".repeat(392), "\"}"])));
    assert!(house.chat(&streaming(100)).whole);
    house.journal.wait_for("end");
    assert_eq!(tokens_left(&house), 10_000 - 100 - 100);
    house.journal.clear();
    let reasoning = |said: &str| {
        let body = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": {"reasoning_content": said}, "finish_reason": null}]});
        format!("data: {body}\n\n")
    };
    house.upstream.push(Answer::stream([reasoning(&"so ".repeat(100)), reasoning(&"on. ".repeat(25)), "data: [DONE]\n\n".to_owned()]));
    assert!(house.chat(&streaming(100)).whole);
    house.journal.wait_for("end");
    assert_eq!(tokens_left(&house), 9_800 - 100 - 100);
}

#[test]
fn a_provider_that_says_nonsense_is_not_believed() {
    let used_text = |numbers: &str, said: &str| {
        let answer = canned::chat("m", said);
        let at = answer.find("\"usage\":{").unwrap();
        let end = at + answer[at..].find('}').unwrap() + 1;
        Answer::json(format!("{}\"usage\":{{{numbers}}}{}", &answer[..at], &answer[end..]))
    };
    let house = limited(vec![rate(None, Some(1_000_000_000)), budget(Some(1_000_000_000_000), None)]);
    let spent = || house.gate.spent().iter().map(|one| one.tokens).sum::<u64>();
    // Nothing, where a text was read and written.
    house.upstream.push(used_text(r#""prompt_tokens":0,"completion_tokens":0"#, &"word ".repeat(80)));
    assert_eq!(house.chat(&body(100)).status, 200);
    assert_eq!(spent(), 200);
    // More than any model reads or writes.
    house.upstream.push(used_text(&format!(r#""prompt_tokens":{0},"completion_tokens":{0}"#, u64::MAX), "fine"));
    assert_eq!(house.chat(&body(100)).status, 200);
    assert_eq!(spent(), 200 + 20_000_000);
    // No numbers at all.
    for odd in [r#""prompt_tokens":-5,"completion_tokens":"many""#, r#""prompt_tokens":1e99,"completion_tokens":99999999999999999999999"#] {
        let before = 20_000_200;
        house.upstream.push(used_text(odd, "fine"));
        assert_eq!(house.chat(&body(100)).status, 200);
        let now = house.gate.spent().iter().map(|one| one.tokens).sum::<u64>();
        assert!(now == before + 101 || now == before + 202, "{odd}: {now}");
    }
    // What is said and can be true is believed, also where it is less than was seen.
    house.upstream.push(used_text(r#""prompt_tokens":3,"completion_tokens":4"#, &"word ".repeat(80)));
    assert_eq!(house.chat(&body(100)).status, 200);
    assert_eq!(spent(), 20_000_402 + 7);
}
