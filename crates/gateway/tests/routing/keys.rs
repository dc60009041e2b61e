//! The client's own key for its provider: it is for that one, and goes to no other.

use bartizan_gateway::{Auth, Settings};
use bartizan_testkit::{Answer, Recorded, ScriptedUpstream, canned};
use bartizan_vocabulary::Hidden;

use super::{SAID, good, ill, second, way};
use crate::harness::{Call, House, Plan, Reply};

const MINE: &str = "sk-of-the-client";

/// How the second provider is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Second {
    /// With a key of its own.
    Own,
    /// With the client's.
    Clients,
    /// Without any.
    Keyless,
}

fn house(second_url: String, by: Second, adjust: impl FnOnce(&mut Settings, usize) + 'static) -> House {
    let adjust = move |settings: &mut Settings| {
        let at = second(settings, "spare", &second_url);
        let spare = &mut settings.providers[at];
        spare.api_key = (by == Second::Own).then(|| Hidden::new("sk-spare".to_owned()));
        spare.pass_client_key = by != Second::Keyless;
        adjust(settings, at);
    };
    let plan = Plan { api_key: None, pass_client_key: true, auth: Auth::Anonymous, ..Plan::default() };
    House::build(Plan { adjust: Some(Box::new(adjust)), ..plan })
}

fn ask(house: &House) -> Reply {
    let call = Call::chat(SAID).with("authorization", &format!("Bearer {MINE}"));
    house.send(&call.and("x-api-key", MINE).and("x-goog-api-key", MINE))
}

fn credential(request: &Recorded) -> Option<&str> {
    request.header("authorization")
}

#[test]
fn a_place_of_another_provider_gets_its_own_key_or_none_or_is_passed_over() {
    for is_fallback in [false, true] {
        for (by, called, key) in [(Second::Own, 1, Some("Bearer sk-spare")), (Second::Clients, 0, None), (Second::Keyless, 1, None)] {
            let other = ScriptedUpstream::start().unwrap();
            let house = house(other.url(), by, move |settings, at| {
                if is_fallback {
                    settings.models[1].ways = vec![way(at, 1)];
                    settings.models[0].fallback = vec![1];
                } else {
                    settings.models[0].ways.push(way(at, 0));
                }
            });
            house.upstream.always(ill(503));
            let reply = ask(&house);
            assert_eq!(credential(&house.upstream.requests()[0]), Some(&*format!("Bearer {MINE}")));
            assert_eq!((reply.status, other.served()), (if called == 1 { 200 } else { 503 }, called), "{by:?} {is_fallback}");
            for request in other.requests() {
                assert_eq!(credential(&request), key, "{by:?} {is_fallback}");
                assert!(request.headers.iter().all(|(_, value)| !value.contains(MINE)), "{by:?}: {:?}", request.headers);
            }
        }
    }
}

#[test]
fn no_lot_decides_who_gets_it() {
    let other = ScriptedUpstream::start().unwrap();
    let house = house(other.url(), Second::Clients, |settings, at| settings.models[0].ways = vec![way(0, 1), way(at, 1_000)]);
    (0..40).for_each(|_| assert_eq!(ask(&house).status, 200));
    assert_eq!((house.upstream.served(), other.served()), (40, 0));
}

#[test]
fn another_model_of_its_own_provider_gets_it() {
    let other = ScriptedUpstream::start().unwrap();
    let house = house(other.url(), Second::Clients, |settings, _| settings.models[0].fallback = vec![1]);
    house.upstream.respond_with(|request| if request.text().contains("gpt-4o-mini") { ill(503) } else { good("well") });
    assert_eq!((ask(&house).status, house.upstream.served()), (200, 2));
    assert!(house.upstream.requests().iter().all(|request| credential(request) == Some(&*format!("Bearer {MINE}"))));
}

#[test]
fn it_is_for_the_first_place_of_the_routes_own_format() {
    // `claude-sonnet` stands at a provider of OpenAI's format first, where its requests are translated, then at one of Anthropic's.
    let house = House::build(Plan {
        api_key: None,
        pass_client_key: true,
        auth: Auth::Anonymous,
        adjust: Some(Box::new(|settings| settings.models[1].ways = vec![way(1, 1_000), way(2, 1)])),
        ..Plan::default()
    });
    let body = r#"{"model":"claude-sonnet","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
    assert_eq!(house.send(&Call::messages(body).with("x-api-key", MINE)).status, 200);
    let seen = house.upstream.requests().remove(0);
    assert_eq!((seen.path.as_str(), seen.header("x-api-key"), credential(&seen)), ("/v1/messages", Some(MINE), None));
}

#[test]
fn the_list_is_asked_of_no_other_provider_with_it() {
    use bartizan_gateway::{Model, ProviderKind};
    // Any model: at one of Anthropic's format first, then at one of OpenAI's.
    let list = |by, headers: &[(&str, &str)]| {
        let other = ScriptedUpstream::start().unwrap();
        other.always(Answer::json(canned::models(&["theirs"])));
        let house = house(other.url(), by, |settings, at| {
            settings.providers[at].kind = ProviderKind::Anthropic;
            settings.models.push(Model { ways: vec![way(at, 1), way(1, 1)], ..Model::at("*", 1, None) });
        });
        house.upstream.always(Answer::json(canned::models(&["ours"])));
        let call = headers.iter().fold(Call::new("GET", "/v1/models", ""), |call, (name, value)| call.with(name, value));
        let reply = house.send(&call);
        assert_eq!(reply.status, 200, "{}", reply.text());
        (reply.text().contains("theirs"), [house.upstream.requests(), other.requests()].concat().remove(0))
    };
    let bearer = format!("Bearer {MINE}");
    for by in [Second::Own, Second::Clients, Second::Keyless] {
        let (theirs, request) = list(by, &[("authorization", &bearer)]);
        assert_eq!((theirs, credential(&request)), (false, Some(&*bearer)), "{by:?}");
        let (theirs, request) = list(by, &[("x-api-key", MINE), ("anthropic-version", "2023-06-01")]);
        let key = match by {
            Second::Own => Some("sk-spare"),
            Second::Clients => Some(MINE),
            Second::Keyless => None,
        };
        assert_eq!((theirs, request.header("x-api-key"), credential(&request)), (true, key, None), "{by:?}");
    }
}

#[test]
fn what_names_an_account_and_keys_in_the_query_stay_with_the_first_provider() {
    for by in [Second::Own, Second::Keyless] {
        let other = ScriptedUpstream::start().unwrap();
        let house = house(other.url(), by, |settings, at| {
            settings.models[0].ways.push(way(at, 0));
            // The second round is one with headers that are made again.
            (settings.retries.attempts, settings.retries.base) = (2, std::time::Duration::from_millis(1));
        });
        house.upstream.always(ill(503));
        other.push(ill(503));
        let call = Call::new("POST", &format!("/v1/chat/completions?key={MINE}&a=1&Api-Key={MINE}&%61pi_key={MINE}&b=2"), SAID);
        let call = call.with("authorization", &format!("Bearer {MINE}")).with("openai-organization", "org-a").with("openai-project", "p-a");
        assert_eq!(house.send(&call.with("openai-beta", "x=v1")).status, 200);
        assert_eq!((house.upstream.served(), other.served()), (2, 2));
        let told = |request: &Recorded| ["openai-organization", "openai-project", "openai-beta"].map(|name| request.header(name).is_some());
        for request in house.upstream.requests() {
            assert_eq!((told(&request), request.path.matches(MINE).count()), ([true; 3], 3), "{}", request.path);
        }
        for request in other.requests() {
            assert_eq!((told(&request), request.path.as_str()), ([false, false, true], "/v1/chat/completions?a=1&b=2"), "{by:?}");
        }
    }
}
