//! Circuits: which calls open them, for whom they are open, and how they close again.

use std::time::Duration;

use bartizan_gateway::{Breaking, Circuit, CircuitState, Live, Settings};
use bartizan_testkit::{ScriptedUpstream, refused_url};

use super::{SAID, fallback, good, ill, spare};
use crate::harness::{Call, House, Ill, Plan, Reply, Wire, key};

fn breaking(settings: &mut Settings) {
    settings.breaking = Breaking { window: 10, failures: 3, pause: Duration::from_secs(30) };
}

/// How it stands for `gpt-4o-mini` at the first provider, or for that as a whole.
fn state(house: &House, model: Option<&str>) -> CircuitState {
    let circuits = house.gate.circuits();
    circuits.into_iter().find(|one| one.provider.as_str() == "main" && one.model.as_deref() == model).unwrap()
}

fn circuit(house: &House) -> Circuit {
    state(house, Some("gpt-4o-mini")).circuit
}

fn refused_by_circuit(reply: &Reply) {
    assert_eq!((reply.status, reply.decision()), (503, "blocked"), "{}", reply.text());
    assert_eq!(reply.json()["error"]["code"], "upstream_unavailable");
    let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=31).contains(&seconds), "{seconds}");
}

#[test]
fn a_circuit_opens_and_one_call_tries_after_a_while() {
    let house = House::build(Plan { adjust: Some(Box::new(breaking)), ..Plan::default() });
    house.upstream.always(ill(500));
    (0..3).for_each(|_| assert_eq!(house.chat(SAID).status, 500));
    assert_eq!(circuit(&house), Circuit::Open);
    refused_by_circuit(&house.chat(SAID));
    assert_eq!(house.upstream.served(), 3);
    house.clock.forward(30);
    assert_eq!(circuit(&house), Circuit::HalfOpen);
    assert_eq!(house.chat(SAID).status, 500, "one call tries");
    refused_by_circuit(&house.chat(SAID));
    assert_eq!(house.upstream.served(), 4);
    house.clock.forward(31);
    house.upstream.always(good("back"));
    (0..3).for_each(|_| assert_eq!(house.chat(SAID).status, 200));
    assert_eq!((circuit(&house), state(&house, Some("gpt-4o-mini")).opened), (Circuit::Closed, 1));
}

/// A caller can make any model fail: by what it asks, or by what it does not wait for.
#[test]
fn one_caller_opens_no_circuit_for_the_others() {
    let house = House::build(Plan { adjust: Some(Box::new(breaking)), ..Plan::default() });
    let by = |number: u8| house.send(&Call::chat(SAID).with("authorization", &format!("Bearer {}", key(number))));
    house.upstream.always(ill(500));
    (0..3).for_each(|_| assert_eq!(by(1).status, 500));
    refused_by_circuit(&by(1));
    house.upstream.always(good("for the others"));
    refused_by_circuit(&by(1));
    (0..3).for_each(|_| assert_eq!((by(2).status, by(3).status), (200, 200)));
    house.clock.forward(31);
    assert_eq!((by(1).status, circuit(&house)), (200, Circuit::Closed));
    // When others fail, too, it is left alone by all.
    house.upstream.always(ill(500));
    for number in [1, 2, 2] {
        assert_eq!(by(number).status, 500);
    }
    for number in [1, 2, 3] {
        refused_by_circuit(&by(number));
    }
    house.clock.forward(31);
    assert_eq!(by(1).status, 500, "one call tries");
    house.upstream.always(good("back"));
    refused_by_circuit(&by(1));
    assert_eq!((by(3).status, by(1).status), (200, 200), "what one caller asks may be what fails");
}

#[test]
fn an_open_circuit_leads_to_the_next_place_at_once() {
    let other = ScriptedUpstream::start().unwrap();
    let house = House::build(spare(other.url(), |settings| {
        breaking(settings);
        settings.retries.budget_percent = 0;
    }));
    house.upstream.always(ill(500));
    // Without a budget nothing is called a second time; an open circuit is no call.
    (0..3).for_each(|_| assert_eq!(house.chat(SAID).status, 500));
    house.journal.clear();
    assert_eq!((house.chat(SAID).status, house.upstream.served(), other.served()), (200, 3, 1));
    assert_eq!(house.journal.kinds(), "request response end");
    let house = House::build(fallback(other.url(), ""));
    (0..10).for_each(|_| {
        house.upstream.push(ill(500));
        house.chat(SAID);
    });
    let before = house.upstream.served();
    assert_eq!((house.chat(SAID).status, house.upstream.served()), (200, before));
    assert_eq!(house.journal.all().pop().unwrap().event.unwrap()["model"], "claude-sonnet");
}

#[test]
fn bad_requests_and_rate_limits_open_no_circuit() {
    let house = House::build(Plan { adjust: Some(Box::new(breaking)), ..Plan::default() });
    for status in [400, 401, 429, 501, 505] {
        house.upstream.always(ill(status));
        (0..10).for_each(|_| assert_eq!(house.chat(SAID).status, status));
    }
    assert_eq!(circuit(&house), Circuit::Closed);
}

/// With an open circuit, and the pause over.
fn half_open() -> House {
    let house = House::build(Plan { adjust: Some(Box::new(breaking)), ..Plan::default() });
    house.upstream.always(ill(500));
    (0..3).for_each(|_| assert_eq!(house.chat(SAID).status, 500));
    house.clock.forward(30);
    assert_eq!(circuit(&house), Circuit::HalfOpen);
    house
}

#[test]
fn a_model_that_is_ill_closes_nothing_to_the_others() {
    let house = House::build(Plan {
        adjust: Some(Box::new(|settings| {
            breaking(settings);
            // The same for the provider as the first one.
            settings.models[2].ways[0].upstream_name = Some("gpt-4o-mini".to_owned());
        })),
        ..Plan::default()
    });
    house.upstream.respond_with(|request| if request.text().contains("gpt-4o-mini") { ill(500) } else { good("well") });
    let ask = |model: &str| house.chat(&SAID.replace("gpt-4o-mini", model));
    (0..3).for_each(|_| assert_eq!(ask("gpt-4o-mini").status, 500));
    refused_by_circuit(&ask("gpt-4o-mini"));
    refused_by_circuit(&ask("alias"));
    (0..5).for_each(|_| assert_eq!(ask("claude-sonnet").status, 200));
    let circuits = [None, Some("gpt-4o-mini"), Some("claude-sonnet")].map(|model| state(&house, model).circuit);
    assert_eq!(circuits, [Circuit::Closed, Circuit::Open, Circuit::Closed]);
}

#[test]
fn a_provider_that_cannot_be_reached_is_left_alone_with_all_its_models() {
    let house = House::build(Plan { adjust: Some(Box::new(breaking)), base_url: Some(refused_url().unwrap()), ..Plan::default() });
    let ask = |model: &str| house.chat(&SAID.replace("gpt-4o-mini", model));
    for model in ["gpt-4o-mini", "claude-sonnet", "gpt-4o-mini"] {
        assert_eq!(ask(model).status, 502);
    }
    refused_by_circuit(&ask("gpt-4o-mini"));
    refused_by_circuit(&ask("claude-sonnet"));
    // Another provider at the same address is another one.
    assert_eq!(ask("only-openai").status, 502);
    assert_eq!((state(&house, None).circuit, circuit(&house)), (Circuit::Open, Circuit::Closed));
}

#[test]
fn any_answer_that_is_not_bad_closes_it() {
    for (status, closes) in [(200, true), (400, true), (404, true), (429, true), (501, true), (500, false), (503, false)] {
        let house = half_open();
        house.upstream.push(ill(status));
        assert_eq!(house.chat(SAID).status, status);
        assert_eq!(circuit(&house), if closes { Circuit::Closed } else { Circuit::Open }, "{status}");
        house.upstream.always(good("back"));
        assert_eq!(house.chat(SAID).status, if closes { 200 } else { 503 }, "{status}");
    }
}

#[test]
fn a_client_that_leaves_gives_its_turn_to_try_back() {
    let house = half_open();
    house.upstream.push(good("late").slow(Duration::from_secs(15)));
    house.journal.clear();
    let mut wire = Wire::open(house.address);
    wire.send(&Call::chat(SAID));
    house.journal.wait_for("request");
    assert_eq!(circuit(&house), Circuit::Open, "one call tries");
    drop(wire);
    house.journal.wait_for("end");
    assert_eq!(circuit(&house), Circuit::HalfOpen);
    house.upstream.always(good("back"));
    assert_eq!((house.chat(SAID).status, circuit(&house)), (200, Circuit::Closed));
}

#[test]
fn a_call_that_is_not_made_gives_its_turn_to_try_back() {
    let house = half_open();
    house.upstream.always(good("back"));
    let served = house.upstream.served();
    house.journal.falls(Ill::LateFailureOnce, 0);
    assert_eq!((house.chat(SAID).status, house.upstream.served()), (503, served), "what cannot be recorded is not sent");
    assert_eq!(circuit(&house), Circuit::HalfOpen);
    assert_eq!((house.chat(SAID).status, circuit(&house)), (200, Circuit::Closed));
}

#[test]
fn a_call_that_was_cut_short_says_nothing() {
    let other = ScriptedUpstream::start().unwrap();
    let house = House::build(spare(other.url(), |settings| {
        breaking(settings);
        (settings.retries.deadline, settings.retries.budget_percent) = (Duration::from_millis(150), 1_000);
    }));
    other.always(good("slow, and within the time that it is given").slow(Duration::from_millis(600)));
    for _ in 0..5 {
        house.upstream.push(ill(503));
        // The first one is well otherwise, so that its own circuit stays closed.
        (0..5).for_each(|_| house.upstream.push(good("well")));
        assert_eq!(house.chat(SAID).status, 504);
        (0..5).for_each(|_| assert_eq!(house.chat(SAID).status, 200));
    }
    let circuits = house.gate.circuits();
    let spare: Vec<_> = circuits.iter().filter(|one| one.provider.as_str() == "spare").map(|one| one.circuit).collect();
    assert_eq!(spare, [Circuit::Closed, Circuit::Closed]);
}

#[test]
fn they_outlive_a_reload() {
    let house = half_open();
    assert_eq!(house.chat(SAID).status, 500);
    let reload = |adjust: &dyn Fn(&mut Settings)| {
        let mut settings = house.gate.settings().clone();
        adjust(&mut settings);
        let policies = bartizan_policy::PolicySet::load(&bartizan_policy::default_sources()).unwrap();
        let judge = bartizan_policy::Judge::new(policies, 16);
        house.gate.replace(Live::new(settings, bartizan_detect::Detector::builtin().unwrap(), judge).unwrap());
        circuit(&house)
    };
    // Others before it, in another order.
    let moved = |settings: &mut Settings| {
        settings.providers.rotate_right(1);
        settings.models.rotate_right(3);
        let count = settings.providers.len();
        settings.models.iter_mut().flat_map(|model| &mut model.ways).for_each(|way| way.provider = (way.provider + 1) % count);
    };
    assert_eq!(reload(&moved), Circuit::Open);
    refused_by_circuit(&house.chat(SAID));
    let elsewhere = |settings: &mut Settings| {
        let main = settings.providers.iter_mut().find(|one| one.name.as_str() == "main").unwrap();
        main.base_url = "http://127.0.0.1:1/v1".parse().unwrap();
    };
    assert_eq!(reload(&elsewhere), Circuit::Closed);
}
