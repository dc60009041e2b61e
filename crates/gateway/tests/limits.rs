//! Rate limits and budgets: who is counted on what, what the client is told, and what is corrected when the answer is there.

mod estimates;
mod lost_and_found;

use bartizan_gateway::{Measure, Period, Price, Quota, Settings};
use bartizan_testkit::{Answer, ScriptedUpstream, canned};
use bartizan_wire::json::{JsonLimits, Tape};
use bartizan_wire::{Route, Side, Weight, read};
use serde_json::json;

use crate::harness::{Call, House, Plan, Reply, key};
use crate::routing::{good, ill, second, way};

fn quota(name: &str, measure: Measure) -> Quota {
    Quota { name: name.into(), key: None, group: None, model: None, shared: false, measure }
}

fn rate(requests: Option<u64>, tokens: Option<u64>) -> Quota {
    quota("fair-share", Measure::Rate { requests, tokens })
}

fn budget(tokens: Option<u64>, nanos: Option<u64>) -> Quota {
    quota("team-money", Measure::Budget { period: Period::Day, tokens, nanos })
}

/// Nothing is reserved for answers that do not say how long they may be.
fn limited(quotas: Vec<Quota>) -> House {
    reserving(0, quotas)
}

fn reserving(tokens: u64, quotas: Vec<Quota>) -> House {
    let prices = vec![Price { model: "gpt-*".to_owned(), input: 100, output: 1_000 }];
    let adjust = move |settings: &mut Settings| {
        (settings.quotas, settings.prices, settings.limits.answer_tokens) = (quotas, prices, tokens);
    };
    House::build(Plan { adjust: Some(Box::new(adjust)), ..Plan::default() })
}

/// A body that is taken for exactly so many tokens, four bytes of text for each.
fn body(tokens: usize) -> String {
    let made = |said: &str| json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": said}]}).to_string();
    let empty = made("");
    let tape = Tape::read(empty.as_bytes(), &JsonLimits::default()).unwrap();
    let weight = Weight::of(&tape, empty.as_bytes(), &read(&tape, empty.as_bytes(), Side::Request), Route::ChatCompletions);
    made(&"a ".repeat(tokens * 2)[..tokens * 4 - usize::try_from(weight.text).unwrap()])
}

/// The same, and so many tokens of answer.
fn asking(tokens: usize, answer: usize) -> String {
    body(tokens).replace("{\"m", &format!("{{\"max_tokens\":{answer},\"m"))
}

/// The same as a stream.
fn streaming(tokens: usize) -> String {
    body(tokens).replace("{\"m", "{\"stream\":true,\"m")
}

/// What is left of a rate of tokens.
fn tokens_left(house: &House) -> u64 {
    house.upstream.push(ill(500));
    left(&house.chat(&body(20)), "tokens") + 20
}

fn used(input: u64, output: u64) -> Answer {
    let mut answer: serde_json::Value = serde_json::from_slice(&canned::chat("m", "fine").into_bytes()).unwrap();
    answer["usage"] = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
    Answer::json(answer.to_string())
}

fn by(number: u8, body: &str) -> Call {
    Call::chat(body).with("authorization", &format!("Bearer {}", key(number)))
}

fn left(reply: &Reply, what: &str) -> u64 {
    reply.header(&format!("x-ratelimit-remaining-{what}")).unwrap_or_else(|| panic!("{:?}", reply.headers)).parse().unwrap()
}

#[test]
fn requests_are_counted_for_each_key() {
    let house = limited(vec![rate(Some(2), None)]);
    house.upstream.always(good("fine").with_header("x-ratelimit-limit-requests", "9999"));
    let first = house.send(&by(1, &body(100)));
    assert_eq!((first.status, first.header("x-ratelimit-limit-requests"), left(&first, "requests")), (200, Some("2"), 1));
    assert_eq!(first.header("x-ratelimit-reset-requests"), Some("30.000s"));
    assert_eq!(house.send(&by(1, &body(100))).status, 200);
    let over = house.send(&by(1, &body(100)));
    assert_eq!((over.status, over.decision(), over.header("retry-after")), (429, "blocked", Some("31")));
    assert_eq!((over.header("x-ratelimit-limit-requests"), left(&over, "requests")), (Some("2"), 0));
    assert_eq!(
        (over.json()["error"]["code"].as_str(), over.json()["error"]["type"].as_str()),
        (Some("rate_limited"), Some("rate_limit_error"))
    );
    assert!(over.text().contains("`fair-share` of 2 requests a minute"), "{}", over.text());
    let event = house.journal.all().pop().unwrap();
    assert_eq!((event.kind, event.status, event.event.unwrap()["reason"].as_str()), ("request", Some(429), Some("rate_limited")));
    assert_eq!((house.upstream.served(), house.gate.metrics().limited_total.get()), (2, 1));
    assert_eq!(house.send(&by(2, &body(100))).status, 200, "another key");
    house.clock.forward(31);
    assert_eq!(house.send(&by(1, &body(100))).status, 200);
}

#[test]
fn anthropics_clients_are_told_in_their_words() {
    let house = limited(vec![rate(Some(1), Some(10_000))]);
    let call = Call::messages(r#"{"model":"claude-sonnet","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#);
    let reply = house.send(&call);
    assert_eq!((reply.status, reply.header("anthropic-ratelimit-requests-limit")), (200, Some("1")), "{}", reply.text());
    assert_eq!(reply.header("anthropic-ratelimit-tokens-limit"), Some("10000"));
    assert_eq!(reply.header("anthropic-ratelimit-requests-reset"), Some("2026-09-21T14:14:20Z"));
    let over = house.send(&call);
    assert_eq!(
        (over.status, over.header("retry-after"), over.json()["error"]["type"].as_str()),
        (429, Some("61"), Some("rate_limit_error"))
    );
    assert_eq!((over.header("anthropic-ratelimit-requests-remaining"), over.json()["type"].as_str()), (Some("0"), Some("error")));
    let gemini = house.send(&Call::gemini("generateContent", r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#));
    assert_eq!((gemini.status, gemini.json()["error"]["status"].as_str()), (429, Some("RESOURCE_EXHAUSTED")));
}

#[test]
fn tokens_are_estimated_and_then_corrected() {
    let house = limited(vec![rate(None, Some(1_000))]);
    house.upstream.push(used(100, 500));
    assert_eq!(left(&house.chat(&body(400)), "tokens"), 600, "as estimated");
    house.upstream.push(used(1, 1));
    assert_eq!(left(&house.chat(&body(100)), "tokens"), 300, "600 were used");
    // An answer that ends in failure uses nothing, and one that says nothing is taken for a quarter of its bytes.
    house.upstream.push(ill(500));
    assert_eq!(left(&house.chat(&body(100)), "tokens"), 298);
    house.upstream.push(used(1, 5_000));
    assert_eq!(left(&house.chat(&body(100)), "tokens"), 298);
    let over = house.chat(&body(100));
    assert_eq!((over.status, left(&over, "tokens")), (429, 0));
    let wait: i64 = over.header("retry-after").unwrap().parse().unwrap();
    assert!((200..300).contains(&wait), "{wait}");
    house.clock.forward(wait);
    assert_eq!(house.chat(&body(100)).status, 200);
}

#[test]
fn a_request_that_can_never_fit_is_told_so() {
    let house = limited(vec![rate(Some(10), Some(100))]);
    let reply = house.chat(&body(101));
    assert_eq!((reply.status, reply.header("retry-after"), reply.header("x-should-retry")), (429, None, Some("false")));
    assert!(reply.text().contains("larger than the limit"), "{}", reply.text());
    assert_eq!(left(&house.chat(&body(100)), "requests"), 9, "it was not counted");
}

#[test]
fn what_policy_blocks_uses_no_tokens() {
    let adjust = |settings: &mut Settings| {
        (settings.quotas, settings.limits.answer_tokens) = (vec![rate(None, Some(1_000))], 0);
    };
    let more = r#"@id("no") forbid (principal, action == Action::"prompt", resource) when { context.labels.contains("pii.email") };"#;
    let house = House::build(Plan { adjust: Some(Box::new(adjust)), more, ..Plan::default() });
    house.upstream.always(used(1, 1));
    let blocked = house.chat(r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"ada@example.org"}]}"#);
    assert_eq!((blocked.status, blocked.header("x-ratelimit-limit-tokens")), (403, Some("1000")));
    assert_eq!(left(&house.chat(&body(100)), "tokens"), 900);
}

#[test]
fn a_stream_is_corrected_at_its_end() {
    let house = limited(vec![rate(None, Some(1_000))]);
    let usage = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":300,\"total_tokens\":400}}\n\n";
    let mut events = canned::chat_events("m", &["so ", "far"]);
    events.insert(events.len() - 1, usage.to_owned());
    house.upstream.push(Answer::stream(events));
    let streamed = house.chat(&body(200).replace("{\"m", "{\"stream\":true,\"m"));
    assert!(streamed.whole && streamed.text().contains("[DONE]") && left(&streamed, "tokens") == 800);
    house.journal.wait_for("end");
    house.upstream.push(used(0, 0));
    assert_eq!(left(&house.chat(&body(100)), "tokens"), 500);
}

#[test]
fn rules_are_matched_by_key_group_and_model() {
    let rule = |name: &str, rule: Quota| Quota { name: name.into(), ..rule };
    let one = || Measure::Rate { requests: Some(1), tokens: None };
    let house = limited(vec![
        rule("claude", Quota { model: Some("claude-*".to_owned()), shared: true, ..quota("", one()) }),
        rule("two", Quota { key: Some("2".to_owned()), ..quota("", one()) }),
        rule("nobody", Quota { group: Some("staff".into()), ..quota("", one()) }),
    ]);
    house.upstream.always(good("fine"));
    let claude = |number: u8| house.send(&by(number, &body(50).replace("gpt-4o-mini", "claude-sonnet"))).status;
    let other = |number: u8| house.send(&by(number, &body(50))).status;
    assert_eq!([other(1), other(1), other(1)], [200, 200, 200], "no rule covers it");
    assert_eq!([claude(1), claude(2), claude(1)], [200, 429, 429], "shared");
    // The refused one was not counted on the other rule either.
    assert_eq!([other(2), other(2)], [200, 429]);
}

#[test]
fn a_budget_survives_a_restart() {
    let rule = || vec![budget(Some(1_000), None)];
    let house = limited(rule());
    house.upstream.push(used(100, 700));
    assert_eq!(house.chat(&body(100)).status, 200);
    let spent = house.gate.spent();
    assert_eq!(spent.iter().map(|one| one.tokens).collect::<Vec<_>>(), [800]);
    assert!(house.gate.spent().is_empty(), "nothing new");
    drop(house);
    let house = limited(rule());
    house.upstream.always(used(0, 0));
    house.gate.remember_spent(spent);
    let over = house.chat(&body(201));
    assert_eq!(
        (over.status, over.header("x-should-retry"), over.json()["error"]["code"].as_str()),
        (429, Some("false"), Some("budget_spent"))
    );
    assert!(over.text().contains("left of the budget `team-money` of this day is too little"), "{}", over.text());
    assert_eq!(house.chat(&body(200)).status, 200);
    house.clock.forward(86_400);
    assert_eq!(house.chat(&body(999)).status, 200, "another day");
}

#[test]
fn money_is_counted_by_the_price_of_the_model() {
    // 100 for a token read, 1,000 for one written.
    let house = limited(vec![budget(None, Some(1_000_000))]);
    house.upstream.push(used(1_000, 890));
    assert_eq!(house.chat(&body(100)).status, 200);
    assert_eq!(house.gate.spent().iter().map(|one| (one.tokens, one.nanos)).collect::<Vec<_>>(), [(1_890, 990_000)]);
    assert_eq!(house.chat(&body(101)).status, 429);
    house.upstream.push(used(0, 0));
    assert_eq!(house.chat(&body(100)).status, 200);
}

#[test]
fn a_reload_forgets_nothing_that_was_counted() {
    let house = limited(vec![rate(Some(1), None), budget(Some(1_000), None)]);
    house.upstream.always(used(100, 700));
    assert_eq!(house.chat(&body(100)).status, 200);
    let settings = house.gate.settings().clone();
    let judge = bartizan_policy::Judge::new(bartizan_policy::PolicySet::load(&bartizan_policy::default_sources()).unwrap(), 16);
    house.gate.replace(bartizan_gateway::Live::new(settings, bartizan_detect::Detector::builtin().unwrap(), judge).unwrap());
    assert_eq!(house.chat(&body(100)).status, 429);
    house.clock.forward(61);
    assert_eq!(house.chat(&body(201)).json()["error"]["code"], "budget_spent");
}

/// A request for a model whose fallback answers is counted on the fallback's own rules too: else a limit for a costly model is none.
#[test]
fn a_fallback_counts_on_its_own_rules() {
    let other = ScriptedUpstream::start().unwrap();
    for (rule, more) in [
        (rate(Some(2), None), "requests"),
        (rate(None, Some(1_000)), "tokens"),
        (budget(Some(1_000), None), "budget"),
        (budget(None, Some(100_000)), "money"),
    ] {
        let url = other.url();
        let adjust = move |settings: &mut Settings| {
            let second = second(settings, "spare", &url);
            settings.models[1].ways = vec![way(second, 1)];
            settings.models[0].fallback = vec![1];
            settings.prices = vec![Price { model: "*".to_owned(), input: 100, output: 100 }];
            settings.limits.answer_tokens = 0;
            let own = Quota { name: "own".into(), ..rate(Some(100), None) };
            settings.quotas = vec![own, Quota { model: Some("claude-*".to_owned()), ..rule }];
        };
        let house = House::build(Plan { adjust: Some(Box::new(adjust)), ..Plan::default() });
        house.upstream.always(ill(500));
        other.always(used(300, 200));
        let before = other.served();
        (0..2).for_each(|_| assert_eq!(house.chat(&body(20)).status, 200, "{more}"));
        let over = house.chat(&body(20));
        assert_eq!(
            (over.status, other.served() - before),
            (500, 2),
            "{more}: passed over, so the first one's answer stands: {}",
            over.text()
        );
        assert_eq!(left(&over, "requests"), 97, "{more}: a refused fallback takes nothing else away");
        let asked = house.chat(&body(20).replace("gpt-4o-mini", "claude-sonnet"));
        assert_eq!((asked.status, other.served() - before), (429, 2), "{more}: {}", asked.text());
        // Where the first place answers, nothing counts there.
        house.upstream.always(used(300, 200));
        assert_eq!(house.send(&by(2, &body(20))).status, 200);
        house.upstream.always(ill(500));
        (0..2).for_each(|_| assert_eq!(house.send(&by(2, &body(20))).status, 200, "{more}"));
    }
}
