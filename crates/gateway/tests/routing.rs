//! Where a request goes: weighted places, fallbacks, further calls, circuits. Every provider is a real socket.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bartizan_gateway::{Breaking, Provider, Retries, Settings, Waits, Way};
use bartizan_policy::{ProviderFacts, TrainingUse};
use bartizan_testkit::{Answer, Manner, ScriptedUpstream, canned, refused_url};
use serde_json::json;

use crate::harness::{Call, House, Plan, Wire, key};

mod bounds;
mod circuits;
mod keys;
mod records;

const SAID: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"I am ada@example.org"}]}"#;

pub fn good(said: &str) -> Answer {
    Answer::json(canned::chat("m", said))
}

pub fn ill(status: u16) -> Answer {
    Answer::json(r#"{"error":{"message":"overloaded","type":"server_error"}}"#).with_status(status)
}

/// The first provider, at another address and with another name.
pub fn second(settings: &mut Settings, name: &str, url: &str) -> usize {
    let provider = Provider { name: name.into(), base_url: url.parse().unwrap(), ..settings.providers[0].clone() };
    settings.providers.push(provider);
    settings.providers.len() - 1
}

pub fn way(provider: usize, weight: u32) -> Way {
    Way { provider, upstream_name: None, weight }
}

/// `gpt-4o-mini` is served by the first provider, and only if that fails by one at `url`, which calls it `spare-name`.
fn spare(url: String, more: impl FnOnce(&mut Settings) + 'static) -> Plan {
    let adjust = move |settings: &mut Settings| {
        let second = second(settings, "spare", &url);
        settings.models[0].ways.push(Way { upstream_name: Some("spare-name".to_owned()), ..way(second, 0) });
        more(settings);
    };
    Plan { adjust: Some(Box::new(adjust)), ..Plan::default() }
}

/// `gpt-4o-mini` falls back to `claude-sonnet`, which is served by a provider at `url`.
fn fallback(url: String, more: &'static str) -> Plan {
    let adjust = move |settings: &mut Settings| {
        let second = second(settings, "spare", &url);
        settings.models[1].ways = vec![way(second, 1)];
        settings.models[0].fallback = vec![1];
    };
    Plan { adjust: Some(Box::new(adjust)), more, ..Plan::default() }
}

fn retrying(attempts: u32) -> Plan {
    let retries = Retries { attempts, base: Duration::from_millis(5), max: Duration::from_millis(20), ..Retries::default() };
    Plan { adjust: Some(Box::new(move |settings| settings.retries = retries)), ..Plan::default() }
}

fn providers(house: &House) -> Vec<String> {
    let events = house.journal.all().into_iter().filter_map(|one| one.event);
    events.map(|event| format!("{} {}", event["provider"].as_str().unwrap(), event["decision"].as_str().unwrap())).collect()
}

#[test]
fn the_next_place_answers_when_the_first_is_ill() {
    for status in [429, 500, 502, 503, 504, 529] {
        let other = ScriptedUpstream::start().unwrap();
        let house = House::build(spare(other.url(), |_| ()));
        house.upstream.push(ill(status));
        let (journal, kinds) = (Arc::clone(&house.journal), Arc::new(Mutex::new(String::new())));
        let noted = Arc::clone(&kinds);
        other.respond_with(move |_| {
            *noted.lock().unwrap() = journal.kinds();
            good("from the spare one")
        });
        let reply = house.chat(SAID);
        assert_eq!((reply.status, reply.decision()), (200, "remedied"), "{status}: {}", reply.text());
        assert!(reply.text().contains("from the spare one"));
        // Recorded before either call, judged for either provider, edited for either.
        assert_eq!((kinds.lock().unwrap().as_str(), house.journal.kinds().as_str()), ("request request", "request request response end"));
        assert_eq!(providers(&house), ["main remedied", "spare remedied", "spare permit"]);
        let sent = other.requests().remove(0).text();
        assert!(sent.contains(r#""model":"spare-name""#) && sent.contains("EMAIL_") && !sent.contains("ada@"), "{sent}");
        assert_eq!((house.upstream.served(), other.served()), (1, 1));
        assert_eq!(house.gate.metrics().retries_total.get(), 1);
    }
}

#[test]
fn other_answers_are_passed_on_as_they_are() {
    let other = ScriptedUpstream::start().unwrap();
    let house = House::build(spare(other.url(), |_| ()));
    for status in [400, 401, 403, 404, 422, 501] {
        house.upstream.push(ill(status));
        assert_eq!(house.chat(SAID).status, status);
    }
    assert_eq!(other.served(), 0);
}

#[test]
fn values_are_given_back_whoever_answers() {
    let other = ScriptedUpstream::start().unwrap();
    let house = House::build(spare(other.url(), |_| ()));
    house.upstream.push(ill(503));
    let reply = house.chat(SAID);
    assert!(reply.text().contains("ada@example.org"), "{}", reply.text());
}

#[test]
fn nobody_there_is_a_502_with_a_sentence() {
    let house = House::build(Plan { base_url: Some(refused_url().unwrap()), ..spare(refused_url().unwrap(), |_| ()) });
    let reply = house.chat(SAID);
    assert_eq!((reply.status, reply.json()["error"]["code"].as_str()), (502, Some("upstream_failed")));
    assert!(reply.text().contains("refused the connection") && reply.text().contains("2 calls were made in all"), "{}", reply.text());
    assert_eq!(house.journal.kinds(), "request request end");
    assert_eq!(house.journal.all().pop().unwrap().end.as_deref(), Some("upstream_error"));
}

#[test]
fn the_last_answer_counts_when_all_are_ill() {
    let other = ScriptedUpstream::start().unwrap();
    other.always(ill(529).with_header("retry-after", "7"));
    let house = House::build(spare(other.url(), |_| ()));
    house.upstream.always(ill(503));
    let reply = house.chat(SAID);
    assert_eq!((reply.status, reply.header("retry-after")), (529, Some("7")), "{}", reply.text());
}

#[test]
fn places_are_chosen_by_weight() {
    let other = ScriptedUpstream::start().unwrap();
    let url = other.url();
    let adjust = move |settings: &mut Settings| {
        let second = second(settings, "other", &url);
        settings.models[0].ways = vec![way(0, 1), way(second, 3)];
    };
    let house = House::build(Plan { adjust: Some(Box::new(adjust)), ..Plan::default() });
    (0..400).for_each(|_| assert_eq!(house.chat(SAID).status, 200));
    let (one, three) = (house.upstream.served(), other.served());
    // 100 of 400 are expected, with a standard deviation of 8.7.
    assert!(one + three == 400 && (50..150).contains(&one), "{one} and {three}");
}

#[test]
fn a_fallback_is_another_model_and_judged_as_that() {
    let other = ScriptedUpstream::start().unwrap();
    let more = r#"@id("no-mail-to-claude") forbid (principal, action == Action::"prompt", resource == Model::"claude-sonnet")
        when { context.labels.contains("pii") || context.remedied.contains("pii") };"#;
    let house = House::build(fallback(other.url(), more));
    house.upstream.always(ill(503));
    let reply = house.chat(SAID);
    // What may not go there does not; the client has the answer of the one that was asked.
    assert_eq!((reply.status, other.served()), (503, 0), "{}", reply.text());
    assert_eq!(providers(&house), ["main remedied", "spare blocked", "main permit"]);
    let blocked = house.journal.all().into_iter().find(|one| one.decision == "blocked").unwrap().event.unwrap();
    let ids: Vec<_> = blocked["policies"].as_array().unwrap().iter().map(|policy| policy["id"].as_str().unwrap()).collect();
    assert!(blocked["model"] == "claude-sonnet" && ids.contains(&"no-mail-to-claude"), "{ids:?}");
    let reply = house.chat(&SAID.replace("ada@example.org", "me"));
    assert_eq!((reply.status, other.served()), (200, 1));
    assert!(other.requests().remove(0).text().contains(r#""model":"claude-sonnet""#));
    let end = house.journal.all().pop().unwrap().event.unwrap();
    assert_eq!((&end["model"], &end["provider"]), (&json!("claude-sonnet"), &json!("spare")));
    assert_eq!(end["facts"]["resource"]["model"], "claude-sonnet");
}

#[test]
fn a_fallback_that_the_key_may_not_use_is_not_called() {
    let other = ScriptedUpstream::start().unwrap();
    let house = House::build(fallback(other.url(), ""));
    house.upstream.always(ill(503));
    let call = |number| Call::chat(SAID).with("authorization", &format!("Bearer {}", key(number)));
    assert_eq!((house.send(&call(3)).status, other.served()), (503, 0));
    assert_eq!((house.send(&call(1)).status, other.served()), (200, 1));
}

#[test]
fn a_fallback_of_another_format_is_asked_in_its_own() {
    let adjust = |settings: &mut Settings| settings.models[0].fallback = vec![4];
    let house = House::build(Plan { adjust: Some(Box::new(adjust)), ..Plan::default() });
    house.upstream.respond_with(|request| if request.path.ends_with("/messages") { Manner::Echo.answer(request) } else { ill(503) });
    let said = |more: &str| format!(r#"{{"model":"gpt-4o-mini"{more},"messages":[{{"role":"user","content":"to ada@example.org"}}]}}"#);
    let reply = house.chat(&said(""));
    assert_eq!((reply.status, house.upstream.served()), (200, 2), "{}", reply.text());
    assert_eq!(reply.json()["choices"][0]["message"]["content"], "You said: to ada@example.org");
    assert_eq!(reply.header("bartizan-translated"), Some("anthropic"));
    let seen = house.upstream.requests().pop().unwrap();
    assert!(seen.text().contains("only-anthropic") && !seen.text().contains("ada@"), "{}", seen.text());
    let reply = house.chat(&said(r#","stream":true"#));
    assert!(reply.status == 200 && reply.text().ends_with("data: [DONE]\n\n"), "{}", reply.text());
    // What it cannot express is not changed for it: it is passed over.
    let served = house.upstream.served();
    assert_eq!((house.chat(&said(r#","seed":5"#)).status, house.upstream.served()), (503, served + 1));
}

#[test]
fn a_first_place_of_another_format_gives_way_where_it_cannot_express_the_request() {
    let other = ScriptedUpstream::start().unwrap();
    let url = other.url();
    let adjust = move |settings: &mut Settings| {
        let second = second(settings, "spare", &url);
        settings.models[4].ways.push(way(second, 0));
    };
    let house = House::build(Plan { adjust: Some(Box::new(adjust)), ..Plan::default() });
    let said = |more: &str| SAID.replace("gpt-4o-mini\"", &format!("only-anthropic\"{more}"));
    let reply = house.chat(&said(""));
    assert_eq!((reply.status, house.upstream.served(), other.served()), (200, 1, 0), "{}", reply.text());
    let reply = house.chat(&said(r#","seed":5"#));
    assert_eq!((reply.status, house.upstream.served(), other.served()), (200, 1, 1), "{}", reply.text());
    // Not translated, so the answer is not, and nothing of the first place is left in it.
    assert_eq!(reply.header("bartizan-translated"), None);
    assert!(other.requests().remove(0).text().contains(r#""seed":5"#));
    // Where it is the only one, the client hears what it cannot express.
    let alone = House::new();
    let reply = alone.chat(&said(r#","seed":5"#));
    assert!(reply.status == 400 && reply.text().contains("seed") && alone.upstream.served() == 0, "{}", reply.text());
}

#[test]
fn policies_know_what_is_said_of_a_provider() {
    let other = ScriptedUpstream::start().unwrap();
    let url = other.url();
    let adjust = move |settings: &mut Settings| {
        let second = second(settings, "spare", &url);
        settings.models[0].ways.push(way(second, 0));
        settings.providers[0].facts =
            ProviderFacts { region: Some("eu".into()), training_use: TrainingUse::None, retention_days: Some(30) };
        settings.providers[second].facts = ProviderFacts { region: Some("us".into()), ..ProviderFacts::default() };
    };
    let more = r#"@id("at-home") forbid (principal, action == Action::"prompt", resource) when { context.provider.region != "eu" };
        @id("no-training") forbid (principal, action == Action::"prompt", resource) when { context.provider.training_use != "none" };
        @id("not-for-long") forbid (principal, action == Action::"prompt", resource) when { context.provider.retention_days > 30 };"#;
    let house = House::build(Plan { adjust: Some(Box::new(adjust)), more, ..Plan::default() });
    assert_eq!(house.chat(SAID).status, 200);
    let event = house.journal.all().remove(0).event.unwrap();
    assert_eq!(event["facts"]["resource"]["provider_facts"], json!({"region": "eu", "training_use": "none", "retention_days": 30}));
    house.journal.clear();
    // It may not go where other rules hold, also when the first one fails.
    house.upstream.always(ill(503));
    assert_eq!((house.chat(SAID).status, other.served()), (503, 0));
    let blocked = house.journal.all().into_iter().find(|one| one.decision == "blocked").unwrap().event.unwrap();
    let mut ids: Vec<_> = blocked["policies"].as_array().unwrap().iter().map(|policy| policy["id"].as_str().unwrap()).collect();
    ids.retain(|id| id.contains('-'));
    ids.sort_unstable();
    assert_eq!(ids, ["at-home", "no-training", "not-for-long"]);
}

#[test]
fn the_same_place_gets_the_same_bytes_again() {
    let house = House::build(retrying(3));
    house.upstream.push(ill(503));
    house.upstream.push(ill(500));
    assert_eq!(house.chat(SAID).status, 200);
    let sent: Vec<_> = house.upstream.requests().iter().map(|one| one.body.clone()).collect();
    assert!(sent.len() == 3 && sent.iter().all(|body| *body == sent[0]));
    // Recorded before each call; told once.
    assert_eq!(house.journal.kinds(), "request request request response end");
    assert_eq!(providers(&house), ["main remedied", "main permit"]);
    house.upstream.forget();
    house.upstream.always(ill(503));
    assert_eq!((house.chat(SAID).status, house.upstream.requests().len()), (503, 3));
}

#[test]
fn without_retries_one_call_is_made() {
    let house = House::new();
    house.upstream.always(ill(503));
    assert_eq!((house.chat(SAID).status, house.upstream.served()), (503, 1));
}

#[test]
fn retry_after_is_heeded_within_the_deadline() {
    let timed = |after: &str, deadline| {
        let Plan { adjust, .. } = retrying(2);
        let adjust = move |settings: &mut Settings| {
            adjust.unwrap()(settings);
            settings.retries.deadline = deadline;
        };
        let house = House::build(Plan { adjust: Some(Box::new(adjust)), ..Plan::default() });
        house.upstream.push(ill(429).with_header("retry-after", after));
        let began = Instant::now();
        (house.chat(SAID).status, house.upstream.served(), began.elapsed())
    };
    let (status, served, took) = timed("1", Duration::from_secs(20));
    assert!(status == 200 && served == 2 && took >= Duration::from_secs(1), "{status} {served} {took:?}");
    // Longer than the whole may take: not waited for.
    for after in ["30", "1e300", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        let (status, served, took) = timed(after, Duration::from_secs(20));
        assert!(status == 429 && served == 1 && took < Duration::from_secs(10), "{after}: {status} {served} {took:?}");
    }
    // Nothing that could be waited for.
    for after in ["-30", "NaN", "soon"] {
        let (status, served, took) = timed(after, Duration::from_secs(20));
        assert!(status == 200 && served == 2 && took < Duration::from_secs(10), "{after}: {status} {served} {took:?}");
    }
}

#[test]
fn a_place_is_left_alone_for_as_long_as_it_asked_whoever_was_called_meanwhile() {
    let other = ScriptedUpstream::start().unwrap();
    let house = House::build(spare(other.url(), |settings| {
        (settings.retries.attempts, settings.retries.base) = (2, Duration::from_millis(1));
    }));
    house.upstream.push(ill(429).with_header("retry-after", "1"));
    other.always(ill(503));
    let began = Instant::now();
    let reply = house.chat(SAID);
    assert_eq!((reply.status, house.upstream.served(), other.served()), (200, 2, 1));
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    // A place that asks for longer than there is time is passed over, and the other one is called again.
    house.upstream.push(ill(429).with_header("retry-after", "600"));
    let began = Instant::now();
    assert_eq!((house.chat(SAID).status, house.upstream.served(), other.served()), (503, 3, 3));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn a_rate_limit_that_lasts_uses_up_no_allowance_of_the_next_place() {
    let other = ScriptedUpstream::start().unwrap();
    let house = House::build(spare(other.url(), |settings| {
        (settings.retries.attempts, settings.retries.budget_percent) = (2, 1);
        (settings.retries.base, settings.retries.max) = (Duration::from_millis(1), Duration::from_millis(1));
    }));
    house.upstream.always(ill(429));
    (0..40).for_each(|_| assert_eq!(house.chat(SAID).status, 200));
    assert_eq!((other.served(), house.gate.metrics().retries_refused_total.get()), (40, 0));
    // The same place again costs, and when there is no more, the fallback still does not.
    let fallen = ScriptedUpstream::start().unwrap();
    let Plan { adjust, .. } = fallback(fallen.url(), "");
    let adjust = move |settings: &mut Settings| {
        adjust.unwrap()(settings);
        (settings.retries.attempts, settings.retries.budget_percent) = (2, 1);
        (settings.retries.base, settings.retries.max) = (Duration::from_millis(1), Duration::from_millis(1));
    };
    let house = House::build(Plan { adjust: Some(Box::new(adjust)), ..Plan::default() });
    house.upstream.always(ill(429));
    (0..40).for_each(|_| assert_eq!(house.chat(SAID).status, 200));
    assert_eq!((house.upstream.served(), fallen.served()), (60, 40));
}

#[test]
fn nothing_is_called_again_once_an_answer_began() {
    let other = ScriptedUpstream::start().unwrap();
    let house = House::build(spare(other.url(), |settings| settings.retries.attempts = 3));
    let body = SAID.replace("\"messages\"", "\"stream\":true,\"messages\"");
    house.upstream.push(Answer::stream(canned::chat_events("m", &["so ", "far "])).paced(Duration::ZERO).dies());
    assert!(!house.chat(&body).whole);
    house.upstream.push(good("whole").dies());
    assert_eq!(house.chat(SAID).status, 502);
    assert_eq!((house.upstream.served(), other.served()), (2, 0));
}

#[test]
fn a_slow_first_byte_leads_to_the_next_place() {
    let other = ScriptedUpstream::start().unwrap();
    let own = |settings: &mut Settings| settings.providers[0].waits.first_byte = Some(Duration::from_millis(200));
    let house = House::build(spare(other.url(), own));
    house.upstream.push(good("late").slow(Duration::from_secs(15)));
    other.always(good("in time"));
    let began = Instant::now();
    assert!(house.chat(SAID).text().contains("in time"));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_provider_has_its_own_pause_between_bytes() {
    let idle = |settings: &mut Settings| settings.providers[0].waits = Waits { idle: Some(Duration::from_millis(200)), ..Waits::default() };
    let house = House::build(Plan { adjust: Some(Box::new(idle)), ..Plan::default() });
    house.upstream.push(good("late").paced(Duration::from_secs(15)));
    assert_eq!(house.chat(SAID).status, 504);
}

#[test]
fn a_client_that_leaves_stops_it() {
    let Plan { adjust, .. } = retrying(10);
    let adjust = move |settings: &mut Settings| {
        adjust.unwrap()(settings);
        settings.retries.budget_percent = 1_000;
    };
    let house = House::build(Plan { adjust: Some(Box::new(adjust)), ..Plan::default() });
    house.upstream.always(ill(503).with_header("retry-after", "1"));
    let mut wire = Wire::open(house.address);
    wire.send(&Call::chat(SAID));
    house.journal.wait_for("request");
    drop(wire);
    let end = house.journal.wait_for("end");
    assert_eq!(end.end.as_deref(), Some("client_gone"));
    let calls = house.upstream.served();
    std::thread::sleep(Duration::from_millis(1_300));
    assert_eq!((house.upstream.served(), house.journal.all().last().unwrap().kind), (calls, "end"));
}

#[test]
fn an_outage_is_not_multiplied() {
    let off = Breaking { failures: 0, ..Breaking::default() };
    let Plan { adjust, .. } = retrying(4);
    let adjust = move |settings: &mut Settings| {
        adjust.unwrap()(settings);
        (settings.retries.budget_percent, settings.breaking) = (10, off);
    };
    let house = House::build(Plan { adjust: Some(Box::new(adjust)), ..Plan::default() });
    house.upstream.always(ill(503));
    (0..100).for_each(|_| assert_eq!(house.chat(SAID).status, 503));
    // 100 requests, 20 that were saved up, 10 in a hundred.
    let served = house.upstream.served();
    assert!((128..=130).contains(&served), "{served}");
    assert!(house.gate.metrics().retries_refused_total.get() > 0);
}
