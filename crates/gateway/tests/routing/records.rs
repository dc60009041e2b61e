//! What is recorded of a request that goes to several places: every end has its request, and every request that was sent an end.

use std::time::Duration;

use bartizan_gateway::{Settings, Way};
use bartizan_testkit::{Answer, ScriptedUpstream, canned};

use super::{SAID, good, ill, providers, retrying, second, spare, way};
use crate::harness::{Call, House, Ill, Plan, Wire};

/// A place that cannot be called: its name for the model is no segment of a path. On Azure, where that matters.
fn nameless() -> Way {
    Way { provider: 3, upstream_name: Some("..".to_owned()), weight: 0 }
}

#[test]
fn a_request_that_could_not_be_sent_has_one_entry() {
    let adjust = |settings: &mut Settings| settings.models[0].ways = vec![nameless()];
    let house = House::build(Plan { adjust: Some(Box::new(adjust)), ..Plan::default() });
    let reply = house.chat(SAID);
    assert_eq!((reply.status, reply.decision(), house.upstream.served()), (502, "blocked", 0), "{}", reply.text());
    assert_eq!(house.journal.kinds(), "request");
    let event = house.journal.all().remove(0).event.unwrap();
    assert_eq!((event["reason"].as_str(), event["decision"].as_str()), (Some("upstream_failed"), Some("blocked")));
    assert!(!event["findings"].as_array().unwrap().is_empty(), "what was judged stays in it: {event}");
}

#[test]
fn a_place_that_cannot_be_called_is_passed_over() {
    for first in [false, true] {
        let adjust = move |settings: &mut Settings| {
            settings.retries.attempts = 3;
            (settings.retries.base, settings.retries.max) = (Duration::from_millis(1), Duration::from_millis(2));
            let (main, nameless) = (way(0, 1), nameless());
            settings.models[0].ways =
                if first { vec![Way { weight: 1, ..nameless }, Way { weight: 0, ..main }] } else { vec![main, nameless] };
        };
        let house = House::build(Plan { adjust: Some(Box::new(adjust)), ..Plan::default() });
        house.upstream.always(ill(503));
        // What the one answered that was called.
        assert_eq!((house.chat(SAID).status, house.upstream.served()), (503, 3), "{first}");
        assert_eq!((house.journal.kinds().as_str(), providers(&house).len()), ("request request request response end", 2), "{first}");
        assert!(house.journal.all().iter().all(|one| one.bytes.contains("\"main\"")), "{first}");
    }
}

#[test]
fn a_place_that_cannot_be_called_costs_no_further_call() {
    let adjust = |settings: &mut Settings| {
        settings.models[0].ways.push(nameless());
        (settings.breaking.failures, settings.retries.budget_percent) = (0, 1);
    };
    let house = House::build(Plan { adjust: Some(Box::new(adjust)), ..Plan::default() });
    house.upstream.always(ill(503));
    (0..40).for_each(|_| assert_eq!(house.chat(SAID).status, 503));
    assert_eq!((house.gate.metrics().retries_refused_total.get(), house.upstream.served()), (0, 40));
}

#[test]
fn a_first_call_that_cannot_be_recorded_has_no_end() {
    let house = House::build(Plan { any: true, ..Plan::default() });
    for call in [Call::chat(SAID), Call::new("GET", "/v1/models", "")] {
        house.journal.clear();
        house.journal.falls(Ill::LateFailureOnce, 0);
        let reply = house.send(&call);
        assert_eq!((reply.status, reply.decision(), house.upstream.served()), (503, "failed", 0), "{}", reply.text());
        assert_eq!(house.journal.kinds(), "request");
    }
}

#[test]
fn a_further_call_that_cannot_be_recorded_ends_it() {
    let other = ScriptedUpstream::start().unwrap();
    let house = House::build(spare(other.url(), |_| ()));
    house.upstream.always(ill(503));
    house.journal.falls(Ill::LateFailureOnce, 1);
    let reply = house.chat(SAID);
    assert_eq!((reply.status, reply.decision(), other.served()), (503, "failed", 0), "{}", reply.text());
    assert_eq!(house.journal.kinds(), "request end");
    assert_eq!(house.journal.all().pop().unwrap().end.as_deref(), Some("blocked"));
}

#[test]
fn a_client_that_leaves_during_a_further_call_ends_it_there() {
    let other = ScriptedUpstream::start().unwrap();
    let house = House::build(spare(other.url(), |_| ()));
    house.upstream.always(ill(503));
    other.always(good("late").slow(Duration::from_secs(15)));
    let mut wire = Wire::open(house.address);
    wire.send(&Call::chat(SAID));
    let began = std::time::Instant::now();
    while house.journal.kinds() != "request request" {
        assert!(began.elapsed() < Duration::from_secs(10), "{}", house.journal.kinds());
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(wire);
    let end = house.journal.wait_for("end");
    assert_eq!((end.end.as_deref(), end.event.unwrap()["provider"].as_str()), (Some("client_gone"), Some("spare")));
    assert_eq!(house.journal.kinds(), "request request end");
}

#[test]
fn a_client_that_leaves_between_two_calls_ends_it() {
    let Plan { adjust, .. } = retrying(3);
    let adjust = move |settings: &mut Settings| {
        adjust.unwrap()(settings);
        settings.retries.deadline = Duration::from_secs(50);
    };
    let house = House::build(Plan { adjust: Some(Box::new(adjust)), ..Plan::default() });
    house.upstream.always(ill(503).with_header("retry-after", "20"));
    let mut wire = Wire::open(house.address);
    wire.send(&Call::chat(SAID));
    house.journal.wait_for("request");
    let began = std::time::Instant::now();
    while house.upstream.served() == 0 {
        assert!(began.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(wire);
    assert_eq!(house.journal.wait_for("end").end.as_deref(), Some("client_gone"));
    assert_eq!((house.journal.kinds().as_str(), house.upstream.served()), ("request end", 1));
}

#[test]
fn the_first_place_is_passed_over_where_it_is_forbidden() {
    for (region, statuses) in [("eu", ["main permit", "main permit", ""]), ("us", ["main blocked", "spare remedied", "spare permit"])] {
        let other = ScriptedUpstream::start().unwrap();
        let url = other.url();
        let adjust = move |settings: &mut Settings| {
            let second = second(settings, "spare", &url);
            settings.models[0].ways.push(way(second, 0));
            settings.providers[0].facts.region = Some(region.into());
            settings.providers[second].facts.region = Some("eu".into());
        };
        let more = r#"@id("at-home") forbid (principal, action == Action::"prompt", resource) when { context.provider.region != "eu" };"#;
        let house = House::build(Plan { adjust: Some(Box::new(adjust)), more, ..Plan::default() });
        let at_home = region == "eu";
        let reply = house.chat(&if at_home { SAID.replace("ada@example.org", "me") } else { SAID.to_owned() });
        assert_eq!((reply.status, house.upstream.served(), other.served()), (200, usize::from(at_home), usize::from(!at_home)), "{region}");
        assert_eq!(providers(&house), statuses.into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>());
        // Where both are forbidden, the client hears of the first, once.
        if !at_home {
            house.journal.clear();
            let more = r#"@id("nowhere") forbid (principal, action == Action::"prompt", resource);"#;
            let house = House::build(Plan { more, ..spare(other.url(), |_| ()) });
            assert_eq!((house.chat(SAID).status, house.journal.kinds().as_str()), (403, "request request"));
            assert_eq!(providers(&house), ["spare blocked", "main blocked"]);
        }
    }
}

#[test]
fn the_list_of_a_provider_is_recorded_with_its_name() {
    let more = r#"@id("no-lists") forbid (principal, action, resource) when { context.provider.region == "us" };"#;
    for (region, status) in [("eu", 200), ("us", 403)] {
        let adjust = move |settings: &mut Settings| settings.providers[0].facts.region = Some(region.into());
        let house = House::build(Plan { any: true, adjust: Some(Box::new(adjust)), more, ..Plan::default() });
        house.upstream.always(Answer::json(canned::models(&["m"])));
        let reply = house.send(&Call::new("GET", "/v1/models", ""));
        assert_eq!((reply.status, house.upstream.served()), (status, usize::from(status == 200)), "{region}: {}", reply.text());
        let event = house.journal.all().remove(0).event.unwrap();
        assert_eq!((event["provider"].as_str(), event["facts"]["resource"]["provider"].as_str()), (Some("main"), Some("main")), "{event}");
    }
}
