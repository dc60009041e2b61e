//! How much one request may cost: places that are judged, calls, bytes that are held, time.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bartizan_gateway::{Live, Measure, Period, Quota, Settings, Spent};
use bartizan_testkit::{ScriptedUpstream, refused_url};

use super::{SAID, good, ill, providers, second, spare, way};
use crate::harness::{House, Plan};

const NOT_ABROAD: &str =
    r#"@id("at-home") forbid (principal, action == Action::"prompt", resource) when { context.provider.region == "abroad" };"#;

/// Calls of one place again at once, as often as it is worth it.
fn eagerly(settings: &mut Settings, attempts: u32) {
    settings.retries.attempts = attempts;
    (settings.retries.base, settings.retries.max) = (Duration::from_millis(1), Duration::from_millis(2));
    (settings.retries.budget_percent, settings.breaking.failures) = (1_000, 0);
}

/// `gpt-4o-mini` at the first provider, and at so many others that a policy forbids.
fn forbidden(count: usize, attempts: u32) -> House {
    let adjust = move |settings: &mut Settings| {
        eagerly(settings, attempts);
        for number in 0..count {
            let at = second(settings, &format!("abroad-{number}"), "http://127.0.0.1:1/v1");
            settings.providers[at].facts.region = Some("abroad".into());
            settings.models[0].ways.push(way(at, 0));
        }
    };
    House::build(Plan { adjust: Some(Box::new(adjust)), more: NOT_ABROAD, ..Plan::default() })
}

#[test]
fn a_place_that_is_forbidden_is_judged_once() {
    let house = forbidden(3, 5);
    house.upstream.always(ill(503));
    assert_eq!((house.chat(SAID).status, house.upstream.served()), (503, 5));
    let mut told = providers(&house);
    told.sort_unstable();
    assert_eq!(told, ["abroad-0 blocked", "abroad-1 blocked", "abroad-2 blocked", "main permit", "main remedied"]);
}

#[test]
fn places_that_are_judged_have_a_bound() {
    let house = forbidden(60, 10);
    house.upstream.always(ill(503));
    assert_eq!(house.chat(SAID).status, 503);
    let blocked = providers(&house).iter().filter(|told| told.ends_with("blocked")).count();
    assert_eq!(blocked, 31, "and the first one");
}

#[test]
fn every_place_is_judged_once_however_often_it_is_called() {
    let other = ScriptedUpstream::start().unwrap();
    let house = House::build(spare(other.url(), |settings| eagerly(settings, 4)));
    house.upstream.always(ill(503));
    other.always(ill(500));
    assert_eq!((house.chat(SAID).status, house.upstream.served(), other.served()), (500, 4, 4));
    assert_eq!(providers(&house), ["main remedied", "spare remedied", "spare permit"]);
    assert_eq!(house.journal.kinds(), "request request request request request request request request response end");
    for upstream in [&house.upstream, &other] {
        let sent = upstream.requests();
        assert!(sent.iter().all(|one| one.body == sent[0].body));
    }
}

#[test]
fn calls_have_a_bound() {
    let adjust = |settings: &mut Settings| {
        eagerly(settings, 10);
        settings.models[0].ways = vec![way(0, 1); 30];
        settings.models[0].fallback = vec![1];
    };
    let house = House::build(Plan { adjust: Some(Box::new(adjust)), ..Plan::default() });
    house.upstream.always(ill(503));
    assert_eq!((house.chat(SAID).status, house.upstream.served()), (503, 16));
}

#[test]
fn whatever_is_held_is_counted_while_it_is_held() {
    // A body of which an edited copy is made, for the first place and for the second.
    let body = SAID.replace("I am", &"I am ".repeat(4_000));
    let other = ScriptedUpstream::start().unwrap();
    let house = House::build(spare(other.url(), |settings| eagerly(settings, 3)));
    let counted = Arc::new(Mutex::new(Vec::new()));
    for upstream in [&house.upstream, &other] {
        let (gate, counted) = (Arc::clone(&house.gate), Arc::clone(&counted));
        upstream.respond_with(move |_| {
            counted.lock().unwrap().push(gate.inflight_bytes());
            ill(503)
        });
    }
    assert_eq!(house.chat(&body).status, 503);
    let counted = counted.lock().unwrap().clone();
    let [first, both] = [counted[0], counted[1]];
    assert!(first >= 2 * body.len(), "the body and its copy: {counted:?}");
    assert!(both >= first + body.len(), "and the copy for the other place: {counted:?}");
    assert_eq!(counted[1..], [both; 5], "none is forgotten, and none is made twice");

    // A place that is forbidden takes nothing of what is held for the one before.
    let house = forbidden(1, 3);
    let counted = Arc::new(Mutex::new(Vec::new()));
    let (gate, noted) = (Arc::clone(&house.gate), Arc::clone(&counted));
    house.upstream.respond_with(move |_| {
        noted.lock().unwrap().push(gate.inflight_bytes());
        ill(503)
    });
    assert_eq!(house.chat(&body).status, 503);
    let counted = counted.lock().unwrap().clone();
    assert!(counted.len() == 3 && counted.iter().all(|one| *one == counted[0]), "{counted:?}");
    assert_eq!(house.gate.inflight_bytes(), 0);
}

#[test]
fn a_copy_for_which_there_is_no_room_leaves_the_answer_that_was_there() {
    let body = SAID.replace("I am", &"I am ".repeat(4_000));
    let other = ScriptedUpstream::start().unwrap();
    let room = body.len() * 7 / 2;
    let house = House::build(spare(other.url(), move |settings| {
        eagerly(settings, 2);
        settings.limits.inflight_bytes = room;
    }));
    house.upstream.always(ill(503));
    let reply = house.chat(&body);
    assert!(matches!((reply.status, other.served()), (503, 0)), "{} {} {}", reply.status, other.served(), reply.text());
    assert_eq!(house.gate.inflight_bytes(), 0);
}

#[test]
fn the_deadline_begins_at_the_first_failure() {
    // The first place takes longer to fail than the deadline is.
    let other = ScriptedUpstream::start().unwrap();
    for base_url in [None, Some(refused_url().unwrap())] {
        let is_slow = base_url.is_none();
        let plan = spare(other.url(), move |settings| {
            settings.providers[0].waits.first_byte = Some(Duration::from_millis(600));
            settings.retries.deadline = Duration::from_millis(300);
        });
        let house = House::build(Plan { base_url, ..plan });
        house.upstream.always(good("late").slow(Duration::from_secs(15)));
        other.always(good("in time"));
        let reply = house.chat(SAID);
        assert!(reply.status == 200 && reply.text().contains("in time"), "{is_slow}: {}", reply.text());
    }
    assert_eq!(other.served(), 2);
}

#[test]
fn after_the_deadline_no_further_place_is_judged() {
    for (deadline, status) in [(Duration::from_mins(1), 200), (Duration::ZERO, 403)] {
        let other = ScriptedUpstream::start().unwrap();
        let plan = spare(other.url(), move |settings| {
            settings.providers[0].facts.region = Some("abroad".into());
            settings.retries.deadline = deadline;
        });
        let house = House::build(Plan { more: NOT_ABROAD, ..plan });
        assert_eq!((house.chat(SAID).status, other.served()), (status, usize::from(status == 200)), "{deadline:?}");
        assert_eq!(house.journal.kinds().starts_with("request request"), status == 200);
    }
}

#[test]
fn a_further_call_waits_no_longer_than_what_is_left() {
    let other = ScriptedUpstream::start().unwrap();
    let house = House::build(spare(other.url(), |settings| settings.retries.deadline = Duration::from_millis(300)));
    house.upstream.always(ill(503));
    other.always(good("late").slow(Duration::from_secs(15)));
    let began = Instant::now();
    assert_eq!(house.chat(SAID).status, 504);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[test]
fn what_was_spent_is_known_before_a_budget_is_in_force() {
    let budget = || {
        let measure = Measure::Budget { period: Period::Day, tokens: Some(1_000_000), nanos: None };
        vec![Quota { name: "b".into(), key: None, group: None, model: None, shared: false, measure }]
    };
    let limited = |quotas| Plan { adjust: Some(Box::new(move |settings: &mut Settings| settings.quotas = quotas)), ..Plan::default() };
    let before = House::build(limited(budget()));
    assert_eq!(before.chat(SAID).status, 200);
    let [spent] = before.gate.spent()[..] else { panic!("one budget") };
    let spent = [Spent { tokens: 1_000_000, ..spent }];
    let house = House::new();
    assert_eq!(house.chat(SAID).status, 200);
    let settings = Settings { quotas: budget(), ..house.gate.settings().clone() };
    let judge = bartizan_policy::Judge::new(bartizan_policy::PolicySet::load(&bartizan_policy::default_sources()).unwrap(), 16);
    let live = Live::new(settings, bartizan_detect::Detector::builtin().unwrap(), judge).unwrap();
    house.gate.replace_remembering(live, spent);
    let reply = house.chat(r#"{"model":"gpt-4o-mini","messages":[]}"#);
    assert_eq!((reply.status, reply.json()["error"]["code"].as_str()), (429, Some("budget_spent")), "{}", reply.text());
}
