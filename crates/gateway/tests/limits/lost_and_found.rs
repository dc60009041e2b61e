//! Answers that nobody takes to their end, clocks that are wrong, midnight, and rules that change: nothing is free, nothing is counted twice.

use std::time::Duration;

use super::*;
use crate::harness::Wire;

const NEVER: Duration = Duration::from_mins(5);

fn spent(house: &House) -> u64 {
    house.gate.spent().iter().map(|one| one.tokens).sum()
}

fn cut(house: &House, call: &Call, at: &str) {
    house.journal.clear();
    let mut wire = Wire::open(house.address);
    wire.send(call);
    wire.read_until(at);
    drop(wire);
    assert_eq!(house.journal.wait_for("end").end.as_deref(), Some("client_gone"));
}

#[test]
fn a_stream_that_is_cut_is_counted_by_what_was_written() {
    let house = limited(vec![budget(Some(1_000_000), None)]);
    let text = "some words ".repeat(400);
    let mut events = canned::message_events("m", &[&text]);
    events.truncate(4);
    events.push(": never\n\n".to_owned());
    house.upstream.push(Answer::stream(events).after_last(NEVER));
    let call = Call::messages(r#"{"model":"claude-sonnet","max_tokens":9000,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#);
    cut(&house, &call, "some words some words");
    // 9 read, as the provider said at the beginning, and a quarter of the text.
    assert_eq!(spent(&house), 9 + 1_100);
    let mut events = canned::chat_events("m", &[&text]);
    events.truncate(2);
    events.push(": never\n\n".to_owned());
    house.upstream.push(Answer::stream(events).after_last(NEVER));
    cut(&house, &Call::chat(streaming(50)), "some words some words");
    assert_eq!(spent(&house), 1_109 + 50 + 1_100);
}

#[test]
fn what_the_provider_said_before_the_cut_counts_if_it_is_more() {
    let house = limited(vec![budget(Some(1_000_000), None)]);
    let element = |said: &str, used: u64| {
        json!({"candidates": [{"content": {"role": "model", "parts": [{"text": said}]}}],
            "usageMetadata": {"promptTokenCount": 30, "candidatesTokenCount": used, "thoughtsTokenCount": 1_000}})
    };
    let events = [element("some words ", 5), element(&"and more ".repeat(100), 11)].map(|element| format!("data: {element}\r\n\r\n"));
    house.upstream.push(Answer::stream(events.into_iter().chain([": never\r\n\r\n".to_owned()])).after_last(NEVER));
    let call = Call::gemini("streamGenerateContent?alt=sse", r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#);
    cut(&house, &call, "and more and more");
    assert_eq!(spent(&house), 30 + 1_011);
    // And it does not if it is less.
    let less = element(&"some words ".repeat(800), 5);
    house.upstream.push(Answer::stream([format!("data: {less}\r\n\r\n"), ": never\r\n\r\n".to_owned()]).after_last(NEVER));
    cut(&house, &call, "some words");
    assert_eq!(spent(&house), 1_041 + 30 + 2_200);
}

#[test]
fn an_answer_that_never_came_costs_what_was_reserved() {
    let house = reserving(500, vec![budget(Some(1_000_000), None)]);
    let leave = |call: &Call, served: usize| {
        house.journal.clear();
        house.upstream.push(good("fine").slow(NEVER));
        let mut wire = Wire::open(house.address);
        wire.send(call);
        while house.upstream.requests().len() < served {
            std::thread::sleep(Duration::from_millis(2));
        }
        drop(wire);
        house.journal.wait_for("end");
    };
    // The answer may have been written as a whole.
    leave(&Call::chat(body(100)), 1);
    assert_eq!(spent(&house), 600);
    // In a stream it would have begun.
    leave(&Call::chat(streaming(100)), 2);
    assert_eq!(spent(&house), 700);
}

#[test]
fn an_answer_that_never_came_costs_no_more_than_was_reserved() {
    let house = reserving(0, vec![rate(None, Some(1_000)), budget(Some(2_000), None)]);
    house.upstream.push(good("fine").slow(NEVER));
    let mut wire = Wire::open(house.address);
    wire.send(&Call::chat(asking(100, 9_000_000)));
    while house.upstream.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(wire);
    house.journal.wait_for("end");
    assert_eq!(spent(&house), 2_000, "the whole budget, as reserved");
    let over = house.chat(&body(1_000));
    let wait: i64 = over.header("retry-after").unwrap().parse().unwrap();
    assert_eq!((over.status, wait), (429, 61), "a minute's worth");
}

#[test]
fn thinking_of_which_nobody_tells_costs_what_was_reserved() {
    let thinking = |body: &str, more: &str| body.replace("{\"m", &format!("{{\"stream\":true,{more},\"m"));
    let run = |quotas: Vec<Quota>, body: &str, events: Vec<String>| {
        let house = limited(quotas);
        house.upstream.push(Answer::stream(events));
        assert!(house.chat(body).status == 200);
        house.journal.wait_for("end");
        spent(&house)
    };
    let large = || vec![budget(Some(1_000_000), None)];
    let events = || canned::chat_events("m", &["some ", "words"]);
    let high = thinking(&asking(50, 900), r#""reasoning_effort":"high""#);
    assert_eq!(run(large(), &high, events()), 950);
    assert_eq!(run(large(), &thinking(&asking(50, 900), r#""thinking":{"type":"enabled","budget_tokens":400}"#), events()), 451);
    assert_eq!(run(large(), &thinking(&asking(50, 900), r#""reasoning_effort":"none""#), events()), 53);
    // No more than was reserved.
    assert_eq!(run(vec![budget(Some(500), None)], &high, events()), 500);
    // What the provider says is believed.
    let usage = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":40,\"completion_tokens\":70}}\n\n";
    let mut told = events();
    told.insert(told.len() - 1, usage.to_owned());
    assert_eq!(run(large(), &high, told), 110);
    // One that is cut, and one that never came.
    let house = limited(large());
    let mut begun = events();
    begun.truncate(2);
    begun.push(": never\n\n".to_owned());
    house.upstream.push(Answer::stream(begun).after_last(NEVER));
    cut(&house, &Call::chat(high.clone()), "some");
    assert_eq!(spent(&house), 950);
    house.upstream.push(good("fine").slow(NEVER));
    house.journal.clear();
    let mut wire = Wire::open(house.address);
    wire.send(&Call::chat(high));
    while house.upstream.requests().len() < 2 {
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(wire);
    house.journal.wait_for("end");
    assert_eq!(spent(&house), 1_900);
}

#[test]
fn a_stream_over_midnight_is_paid_for_the_next_day() {
    let house = limited(vec![budget(Some(1_000), None)]);
    let usage = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":700}}\n\n";
    let mut events = canned::chat_events("m", &[&"so far ".repeat(200)]);
    events.truncate(2);
    events.extend([usage.to_owned(), "data: [DONE]\n\n".to_owned()]);
    house.upstream.push(Answer::stream(events).paced(Duration::from_millis(300)));
    let mut wire = Wire::open(house.address);
    wire.send(&Call::chat(streaming(100)));
    wire.read_until("so far");
    house.clock.forward(86_400);
    assert!(wire.reply().whole);
    house.journal.wait_for("end");
    let spent = house.gate.spent();
    assert_eq!(spent.iter().map(|one| one.tokens).collect::<Vec<_>>(), [800]);
    assert_eq!(house.chat(&body(201)).status, 429, "spent today");
    house.upstream.push(used(1, 1));
    assert_eq!(house.chat(&body(200)).status, 200);
}

#[test]
fn a_clock_that_is_put_back_gives_nothing_back() {
    let house = limited(vec![rate(Some(2), None), budget(Some(1_000), None)]);
    house.upstream.always(used(100, 800));
    house.clock.forward(86_400);
    assert_eq!(house.chat(&body(100)).status, 200);
    house.clock.put_back(86_400);
    let over = house.chat(&body(200));
    assert_eq!((over.status, over.json()["error"]["code"].as_str()), (429, Some("budget_spent")));
    // Put forward by an hour, a rate stays as it was: its clock is another one.
    house.clock.put_back(-3_600);
    house.upstream.always(used(1, 1));
    assert_eq!(house.chat(&body(20)).status, 200);
    let over = house.chat(&body(20));
    assert_eq!((over.status, over.header("retry-after"), left(&over, "requests")), (429, Some("31"), 0));
    house.clock.forward(31);
    assert_eq!(house.chat(&body(20)).status, 200);
}

fn reload(house: &House, quotas: Vec<Quota>) {
    let settings = Settings { quotas, ..house.gate.settings().clone() };
    let judge = bartizan_policy::Judge::new(bartizan_policy::PolicySet::load(&bartizan_policy::default_sources()).unwrap(), 16);
    house.gate.replace(bartizan_gateway::Live::new(settings, bartizan_detect::Detector::builtin().unwrap(), judge).unwrap());
}

#[test]
fn a_budget_of_another_period_is_another_budget() {
    let of = |period| quota("team-money", Measure::Budget { period, tokens: Some(1_000), nanos: None });
    let house = limited(vec![of(Period::Month)]);
    house.upstream.always(used(100, 800));
    assert_eq!(house.chat(&body(100)).status, 200);
    assert_eq!(house.chat(&body(200)).status, 429);
    let month = house.gate.spent();
    // What was spent in the month was not spent today.
    reload(&house, vec![of(Period::Day)]);
    assert_eq!(house.chat(&body(200)).status, 200);
    assert_eq!(house.chat(&body(200)).status, 429);
    // Nor after a restart, and each of the two is found again.
    let restarted = |period| {
        let house = limited(vec![of(period)]);
        house.upstream.always(used(1, 1));
        house.gate.remember_spent(month.clone());
        house.chat(&body(200)).status
    };
    assert_eq!((restarted(Period::Day), restarted(Period::Month)), (200, 429));
}

#[test]
fn a_larger_limit_counts_at_once() {
    let house = limited(vec![rate(None, Some(1_000))]);
    house.upstream.always(used(100, 900));
    assert_eq!(house.chat(&body(100)).status, 200);
    assert_eq!(house.chat(&body(100)).status, 429);
    house.clock.forward(61);
    reload(&house, vec![rate(None, Some(10_000))]);
    assert_eq!(left(&house.chat(&body(100)), "tokens"), 9_900);
    assert_eq!(house.chat(&body(100)).status, 200);
}

/// A client of OpenAI's format, a provider of Anthropic's.
fn elsewhere(body: &str) -> Call {
    Call::chat(body.replace("gpt-4o-mini", "only-anthropic"))
}

#[test]
fn a_translated_answer_is_counted_once_as_its_provider_says() {
    let house = limited(vec![budget(Some(1_000_000), None)]);
    house.upstream.push(Answer::json(canned::message("m", "fine")));
    let whole = house.send(&elsewhere(&body(100)));
    assert_eq!((whole.status, whole.header("bartizan-translated")), (200, Some("anthropic")), "{}", whole.text());
    assert_eq!(spent(&house), 9 + 12);
    // The client does not ask for numbers, so it is told none.
    house.upstream.push(Answer::stream(canned::message_events("m", &["fine ", "words"])));
    let streamed = house.send(&elsewhere(&streaming(100)));
    assert!(streamed.whole && !streamed.text().contains("prompt_tokens"), "{}", streamed.text());
    house.journal.wait_for("end");
    assert_eq!(spent(&house), 2 * 21);
    let mut events = canned::message_events("m", &[&"some words ".repeat(400)]);
    events.truncate(4);
    events.push(": never\n\n".to_owned());
    house.upstream.push(Answer::stream(events).after_last(NEVER));
    cut(&house, &elsewhere(&streaming(100)), "some words some words");
    assert_eq!(spent(&house), 2 * 21 + 9 + 1_100);
}

#[test]
fn reasoning_that_is_not_passed_on_is_counted() {
    let house = limited(vec![budget(Some(1_000_000), None)]);
    let chunk = |delta: serde_json::Value| {
        let body = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": null}]});
        format!("data: {body}\n\n")
    };
    let events = [
        chunk(json!({"role": "assistant", "reasoning_content": "well, ".repeat(400)})),
        chunk(json!({"content": "some words ".repeat(40)})),
        ": never\n\n".to_owned(),
    ];
    house.upstream.push(Answer::stream(events).after_last(NEVER));
    let call = Call::messages(r#"{"model":"only-openai","max_tokens":9000,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#);
    cut(&house, &call, "some words some words");
    let spent = spent(&house);
    assert!((600 + 110..600 + 120).contains(&spent), "{spent}");
}

#[test]
fn a_call_of_which_nobody_knows_what_it_cost_is_counted_though_the_next_one_failed() {
    let other = ScriptedUpstream::start().unwrap();
    let url = other.url();
    let adjust = move |settings: &mut Settings| {
        let spare = second(settings, "spare", &url);
        settings.models[0].ways.push(way(spare, 0));
        settings.providers[0].waits.first_byte = Some(Duration::from_millis(200));
        (settings.quotas, settings.limits.answer_tokens) = (vec![budget(Some(1_000_000), None)], 500);
    };
    let house = House::build(Plan { adjust: Some(Box::new(adjust)), ..Plan::default() });
    house.upstream.push(good("late").slow(NEVER));
    other.always(ill(500));
    assert_eq!((house.chat(&body(100)).status, other.served()), (500, 1));
    house.journal.wait_for("end");
    assert_eq!(spent(&house), 600);
    // Where both said that they did nothing, nothing is.
    house.upstream.always(ill(503));
    assert_eq!((house.chat(&body(100)).status, spent(&house)), (500, 600));
}

#[test]
fn who_leaves_in_the_pause_after_a_call_that_failed_pays_nothing() {
    for is_ill in [true, false] {
        let adjust = move |settings: &mut Settings| {
            (settings.quotas, settings.limits.answer_tokens) = (vec![budget(Some(1_000_000), None)], 500);
            (settings.retries.attempts, settings.retries.base, settings.retries.max) = (2, NEVER, NEVER);
            settings.retries.deadline = 3 * NEVER;
        };
        let base_url = (!is_ill).then(|| bartizan_testkit::refused_url().unwrap());
        let house = House::build(Plan { base_url, adjust: Some(Box::new(adjust)), ..Plan::default() });
        house.upstream.always(ill(503).with_header("retry-after", "300"));
        let mut wire = Wire::open(house.address);
        wire.send(&Call::chat(body(100)));
        house.journal.wait_for("request");
        std::thread::sleep(Duration::from_millis(700));
        drop(wire);
        assert_eq!(house.journal.wait_for("end").end.as_deref(), Some("client_gone"));
        assert_eq!((spent(&house), house.upstream.served()), (0, usize::from(is_ill)), "{is_ill}");
    }
}
