//! Caches that a provider keeps: what goes in is inspected, whoever made one begins with it and nobody else, and its values come back.

mod lists;
mod memory;

use std::sync::Arc;

use bartizan_gateway::{Measure, Model, Quota, Settings};
use bartizan_identity::{MemoryObjects, ObjectKind, Objects};
use bartizan_testkit::{Answer, canned};
use bartizan_vocabulary::PrincipalId;
use serde_json::{Value, json};

use crate::harness::{Call, House, Plan, Reply, events, key};
use crate::leaks::tokens;

const OWN: &str = "ada@example.org";
const ALL: &str = "/v1beta/cachedContents";
const ONE: &str = "/v1beta/cachedContents/a1";

/// One provider with two models and an alias.
fn one(settings: &mut Settings) {
    settings.providers.truncate(1);
    let second = Model::at("pro", 0, None);
    let first = Model { fallback: vec![1], ..Model::at("flash", 0, Some("gemini-2.5-flash".to_owned())) };
    settings.models = vec![first, second];
}

fn house() -> House {
    House::build(Plan { adjust: Some(Box::new(one)), ..Plan::default() })
}

fn with(objects: Arc<dyn Objects>) -> House {
    House::build(Plan { adjust: Some(Box::new(one)), objects: Some(objects), ..Plan::default() })
}

fn by(number: u8, call: Call) -> Call {
    call.with("authorization", &format!("Bearer {}", key(number)))
}

fn bare(method: &str, path: &str) -> Call {
    Call::new(method, path, "").with("content-type", "")
}

fn cache(id: &str, name: &str) -> Value {
    json!({
        "name": format!("cachedContents/{id}"), "model": "models/gemini-2.5-flash", "displayName": name, "createTime": "2026-11-27T10:00:00.123456Z",
        "updateTime": "2026-11-27T10:00:00.123456Z", "expireTime": "2026-11-27T11:00:00.123456789Z", "usageMetadata": {"totalTokenCount": 4096},
    })
}

fn kept(id: &str, name: &str) -> Answer {
    Answer::json(cache(id, name).to_string())
}

fn create(members: &Value) -> Call {
    let mut body = json!({"model": "models/flash", "contents": [{"role": "user", "parts": [{"text": "A long text."}]}], "ttl": "300s"});
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    Call::new("POST", ALL, body.to_string())
}

/// A request that begins with a cache.
fn asked(method: &str, cache: &str) -> Call {
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "Who am I?"}]}], "cachedContent": cache});
    let body = if method == "countTokens" { json!({"generateContentRequest": body}) } else { body };
    Call::new("POST", &format!("/v1beta/models/flash:{method}"), body.to_string())
}

fn says(text: &str) -> Answer {
    Answer::json(canned::gemini(text))
}

fn said(reply: &Reply) -> String {
    reply.json()["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap_or_else(|| panic!("{}", reply.text())).to_owned()
}

/// Makes `a1`, of user 1, with its address in it; gives the pseudonym that the provider saw.
fn made(house: &House) -> String {
    house.upstream.push(kept("a1", "demo"));
    let reply = house.send(&create(&json!({"systemInstruction": {"parts": [{"text": format!("You talk to {OWN}.")}]}})));
    assert_eq!((reply.status, &reply.json()["name"]), (200, &json!("cachedContents/a1")), "{}", reply.text());
    assert!(!house.seen().contains(OWN), "{}", house.seen());
    tokens(&house.seen()).remove(0)
}

/// Status, word and sentence of a refusal.
fn refused(reply: &Reply) -> (u16, String, String) {
    let error = reply.json()["error"].clone();
    assert_eq!(error["code"], json!(reply.status), "{error}");
    (reply.status, error["status"].as_str().unwrap().to_owned(), error["message"].as_str().unwrap().to_owned())
}

#[test]
fn what_is_cached_comes_back() {
    let house = house();
    let token = made(&house);
    let seen = house.upstream.requests().pop().unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/v1/cachedContents"));
    let body: Value = serde_json::from_str(&seen.text()).unwrap();
    assert_eq!((&body["model"], &body["ttl"]), (&json!("models/gemini-2.5-flash"), &json!("300s")));
    // Whatever the headers say: an equal value has the pseudonym of the cache, and it is restored.
    for path in ["/v1beta/models/flash:generateContent", "/v1/models/flash:generateContent"] {
        for name in ["cachedContent", "cached_content"] {
            house.upstream.push(says(&format!("You are {token}, not eve@example.net.")));
            let body = json!({"contents": [{"parts": [{"text": format!("{OWN} and bob@example.net")}]}], name: "cachedContents/a1"});
            let reply = house.send(&Call::new("POST", path, body.to_string()).with("bartizan-conversation", "other"));
            assert_eq!(said(&reply), format!("You are {OWN}, not [REDACTED_EMAIL]."), "{path} {name}");
            let seen = house.upstream.requests().pop().unwrap();
            assert_eq!(seen.path, "/v1/models/gemini-2.5-flash:generateContent");
            let minted = tokens(&seen.text());
            assert!(minted.len() == 2 && minted.contains(&token) && seen.text().contains("cachedContents/a1"), "{minted:?}");
        }
    }
    house.upstream.push(Answer::stream(canned::gemini_events(&["You are ", &token, "."].map(|text| json!({"text": text})))));
    let mut stream = asked("streamGenerateContent", "cachedContents/a1");
    stream.path.push_str("?alt=sse");
    let got = house.send(&stream).text();
    assert!(got.contains(OWN) && !got.contains(&token), "{got}");
    house.upstream.push(Answer::json(r#"{"totalTokens":4100,"cachedContentTokenCount":4096}"#));
    assert_eq!(house.send(&asked("countTokens", "cachedContents/a1")).status, 200);
    // Without the cache its pseudonym is nobody's, and so it is for everybody else.
    house.upstream.push(says(&token));
    let bare = Call::new("POST", "/v1beta/models/flash:generateContent", r#"{"contents":[{"parts":[{"text":"hi"}]}]}"#);
    assert_eq!(said(&house.send(&bare)), token);
}

#[test]
fn what_is_said_of_a_cache_is_inspected() {
    let house = house();
    let token = made(&house);
    // What is put in: names, texts, tools.
    for members in [
        json!({"displayName": format!("For {OWN}")}),
        json!({"display_name": OWN}),
        json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}, {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"to": OWN}}}]}]}),
        json!({"tools": [{"functionDeclarations": [{"name": "f", "description": format!("Writes to {OWN}.")}]}]}),
    ] {
        house.upstream.push(kept("a2", &token));
        let reply = house.send(&create(&members));
        assert_eq!((reply.status, reply.decision()), (200, "remedied"), "{members}: {}", reply.text());
        assert!(!house.seen().contains(OWN) && tokens(&house.seen()).len() == 1, "{}", house.seen());
        assert_eq!(reply.json()["displayName"], json!(token), "the pseudonym of another cache");
    }
    for (call, path) in [
        (bare("GET", ONE), "/v1/cachedContents/a1"),
        (bare("GET", "/v1/cachedContents/a1"), "/v1/cachedContents/a1"),
        (Call::new("PATCH", &format!("{ONE}?updateMask=ttl"), r#"{"ttl":"60.5s"}"#), "/v1/cachedContents/a1?updateMask=ttl"),
        (Call::new("PATCH", ONE, r#"{"expire_time":"2026-11-28T10:00:00.5+00:00"}"#), "/v1/cachedContents/a1"),
    ] {
        house.upstream.push(kept("a1", &format!("{token}, eve@example.net")));
        let reply = house.send(&call);
        assert_eq!((reply.status, &reply.json()["displayName"]), (200, &json!(format!("{OWN}, [REDACTED_EMAIL]"))), "{}", reply.text());
        assert_eq!(reply.json()["expireTime"], json!("2026-11-27T11:00:00.123456789Z"));
        let seen = house.upstream.requests().pop().unwrap();
        assert_eq!((&seen.method, seen.path.as_str()), (&call.method, path));
        assert!(call.body.is_empty() || seen.text().into_bytes() == call.body);
    }
    let routes: Vec<Value> = events(&house).iter().map(|event| event["route"].clone()).collect();
    for (route, many) in
        [("POST /v1beta/cachedContents", 5), ("GET /v1beta/cachedContents/{cache}", 2), ("PATCH /v1beta/cachedContents/{cache}", 2)]
    {
        assert_eq!(routes.iter().filter(|one| **one == route).count(), 2 * many, "{route}: decision and end in {routes:?}");
    }
    let blocked = create(&json!({"contents": [{"parts": [{"fileData": {"fileUri": "https://x.example/a", "mimeType": "text/plain"}}]}]}));
    assert_eq!(house.send(&blocked).status, 403);
}

/// Every way to name a cache.
fn naming(id: &str) -> Vec<Call> {
    let name = format!("cachedContents/{id}");
    let both = json!({"contents": [], "cached_content": name});
    vec![
        bare("GET", &format!("{ALL}/{id}")),
        bare("GET", &format!("/v1/cachedContents/{id}")),
        bare("DELETE", &format!("{ALL}/{id}")),
        Call::new("PATCH", &format!("{ALL}/{id}"), r#"{"ttl":"1s"}"#),
        asked("generateContent", &name),
        asked("streamGenerateContent", &name),
        asked("countTokens", &name),
        Call::new("POST", "/v1/models/flash:countTokens", both.to_string()),
        Call::new("POST", "/v1/models/flash:generateContent", both.to_string().replace("cachedContents/", r"cached\u0043ontents\/")),
    ]
}

#[test]
fn what_is_somebody_elses_nobodys_or_over_is_not_there() {
    let objects = Arc::new(MemoryObjects::default());
    let house = with(Arc::clone(&objects) as Arc<dyn Objects>);
    made(&house);
    for (number, id) in [(2, "b1"), (1, "old")] {
        house.upstream.push(kept(id, "x"));
        assert_eq!(house.send(&by(number, create(&json!({})))).status, 200);
    }
    objects.forget(&PrincipalId::new("user:1"), ObjectKind::Cache, "old");
    let before = house.upstream.requests().len();
    let sentences = |id: &str| -> Vec<(u16, String, String)> { naming(id).iter().map(|call| refused(&house.send(call))).collect() };
    let others = sentences("b1");
    assert!(others.iter().all(|(status, word, _)| (*status, word.as_str()) == (404, "NOT_FOUND")), "{others:?}");
    assert_eq!(others, sentences("x1"), "nobody learns that it is there");
    assert_eq!(others, sentences("old"));
    assert_eq!(house.upstream.requests().len(), before, "nothing was sent");
    house.upstream.respond_with(|_| says("hi"));
    assert_eq!(house.send(&by(2, asked("generateContent", "cachedContents/b1"))).status, 200);
}

/// Other spellings, places and members: none reaches the provider.
#[test]
fn no_cache_is_named_in_another_way() {
    let house = house();
    made(&house);
    let before = house.upstream.requests().len();
    let generate = |members: &str| Call::new("POST", "/v1beta/models/flash:generateContent", format!(r#"{{"contents":[],{members}}}"#));
    let count = |members: &str| Call::new("POST", "/v1beta/models/flash:countTokens", format!("{{{members}}}"));
    let mut calls: Vec<(Call, &str)> = [
        (r#""cachedContent":"cachedContents/a1","cached_content":"cachedContents/b1""#, "`cachedContent`"),
        (r#""CachedContent":"cachedContents/b1""#, "`cachedContent`"),
        (r#""cachedcontent":"cachedContents/b1""#, "`cachedContent`"),
        (r#""cached\u0000Content":"cachedContents/b1""#, "`cachedContent`"),
        (r#""cachedContent":"CachedContents/a1""#, "the name of a cache"),
        (r#""cachedContent":"cachedContents/a1/""#, "the name of a cache"),
        (r#""cachedContent":"cachedContents/../a1""#, "the name of a cache"),
        (r#""cachedContent":"cachedContents/a%31""#, "the name of a cache"),
        (r#""cachedContent":" cachedContents/a1""#, "the name of a cache"),
        (r#""cachedContent":"a1""#, "the name of a cache"),
        (r#""cachedContent":"""#, "the name of a cache"),
        (r#""cachedContent":["cachedContents/a1"]"#, "the name of a cache"),
        (r#""cachedContent":{"name":"cachedContents/a1"}"#, "the name of a cache"),
        (r#""generationConfig":{"cachedContent":"cachedContents/a1"}"#, "`cachedContent`"),
        (r#""generateContentRequest":{"contents":[],"cachedContent":"cachedContents/b1"}"#, "`generateContentRequest`"),
        (r#""requests":[{"cachedContent":"cachedContents/b1"}]"#, "`requests`"),
    ]
    .map(|(members, word)| (generate(members), word))
    .into();
    calls.push((
        count(r#""cachedContent":"cachedContents/a1","generateContentRequest":{"contents":[],"cachedContent":"cachedContents/a1"}"#),
        "`cachedContent`",
    ));
    let embed = r#"{"content":{"parts":[]},"cachedContent":"cachedContents/a1"}"#;
    calls.push((Call::new("POST", "/v1beta/models/flash:embedContent", embed), "`cachedContent` is not guarded"));
    for (members, word) in [
        (json!({"name": "cachedContents/b1"}), "does not take"),
        (json!({"cachedContent": "cachedContents/b1"}), "does not take"),
        (json!({"kmsKeyName": "x"}), "does not take"),
        (json!({"Ttl": "1s"}), "does not take"),
        (json!({"expireTime": "2026-11-28T10:00:00Z"}), "either `ttl`"),
        (json!({"ttl": "call 4111111111111111"}), "a duration"),
        (json!({"ttl": 5}), "a duration"),
        (json!({"ttl": null, "expireTime": "now, ada@example.org"}), "a time"),
        (json!({"display_name": "a", "displayName": "b"}), "`displayName`"),
        (json!({"displayName": {"a": "b"}}), "a string"),
        (json!({"model": null}), "`model`"),
        (json!({"model": "models/a/../b"}), "models/NAME"),
        (json!({"model": "projects/p/models/flash"}), "models/NAME"),
        (json!({"tools": [{"fileSearch": {}}]}), "`fileSearch`"),
    ] {
        calls.push((create(&members), word));
    }
    for (body, word) in [
        (r#"{"displayName":"x"}"#, "does not take"),
        ("{}", "`ttl`"),
        (r#"{"ttl":"1s","ttl":"2s"}"#, "`ttl`"),
        (r#"{"name":"cachedContents/b1","ttl":"1s"}"#, "does not take"),
    ] {
        calls.push((Call::new("PATCH", ONE, body), word));
    }
    calls.push((Call::new("DELETE", ONE, r#"{"a":1}"#), "no body"));
    for query in ["fields=model", "alt=media", "%61lt=sse", "pageToken=a", "$fields=x", "updateMask=displayName", "access_token=x"] {
        calls.push((Call::new("PATCH", &format!("{ONE}?{query}"), r#"{"ttl":"1s"}"#), "remove the rest"));
    }
    calls.push((Call { path: format!("{ALL}?fields=model"), ..create(&json!({})) }, "remove the rest"));
    for (call, word) in calls {
        let (status, _, message) = refused(&house.send(&call));
        assert!(status == 400 && message.contains(word), "{} {}: {message}", call.path, String::from_utf8_lossy(&call.body));
    }
    for (method, path, status) in [
        ("GET", "/v1beta/cachedContents/a%31", 404),
        ("GET", "/v1beta/CachedContents/a1", 404),
        ("GET", "/v1beta/cachedContents/a1/", 404),
        ("GET", "/v1beta/cachedContents/a1:x", 404),
        ("GET", "/v1beta//cachedContents/a1", 404),
        ("POST", "/v1beta/cachedContents/a1", 405),
        ("PUT", "/v1beta/cachedContents", 405),
    ] {
        assert_eq!(house.send(&bare(method, path)).status, status, "{method} {path}");
    }
    assert_eq!(house.upstream.requests().len(), before);
}

#[test]
fn a_cache_is_for_its_model_and_its_provider() {
    // Two names, one of them with a fallback at the same provider.
    let house = house();
    made(&house);
    let other = Call { path: "/v1beta/models/pro:generateContent".to_owned(), ..asked("generateContent", "cachedContents/a1") };
    let (status, _, message) = refused(&house.send(&other));
    assert!(status == 400 && message.contains("made for the model `flash`"), "{message}");
    house.upstream.respond_with(|_| Answer::json("{}").with_status(503));
    let before = house.upstream.requests().len();
    assert_eq!(house.send(&asked("generateContent", "cachedContents/a1")).status, 503);
    let seen: Vec<String> = house.upstream.requests().iter().skip(before).map(|one| one.path.clone()).collect();
    assert!(seen.iter().all(|path| path.contains("gemini-2.5-flash")), "no fallback: {seen:?}");
    // Models that may not be used, are not there, or are served in another format.
    let house = House::new();
    for (model, status) in [("models/nobody", 404), ("models/only-openai", 404), ("only-gemini", 200), ("models/gem-alias", 200)] {
        house.upstream.forget();
        house.upstream.push(kept("a1", "x"));
        let reply = house.send(&create(&json!({"model": model})));
        assert_eq!(reply.status, status, "{model}: {}", reply.text());
    }
    assert_eq!(serde_json::from_str::<Value>(&house.seen()).unwrap()["model"], "models/gemini-real");
    let generate =
        |model: &str| Call { path: format!("/v1beta/models/{model}:generateContent"), ..asked("generateContent", "cachedContents/a1") };
    for (model, status) in [("gpt-4o-mini", 400), ("only-openai", 400), ("only-gemini", 400), ("gem-alias", 200)] {
        house.upstream.respond_with(|_| says("hi"));
        assert_eq!(house.send(&generate(model)).status, status, "{model}");
    }
    for (name, status) in [("openai", 404), ("main", 404), ("gemini", 200)] {
        house.upstream.respond_with(|_| kept("a3", "x"));
        let reply = house.send(&create(&json!({"model": "models/only-gemini"})).with("bartizan-provider", name));
        assert_eq!(reply.status, status, "{name}: {}", reply.text());
    }
    assert!(events(&house).iter().filter(|event| event["decision"] == "permit").all(|event| event["provider"] == "gemini"));
}

#[test]
fn what_is_deleted_is_nobodys() {
    let house = house();
    made(&house);
    house.upstream.push(Answer::json("{}").with_status(500));
    assert_eq!(house.send(&bare("DELETE", ONE)).status, 500);
    house.upstream.push(kept("a1", "still there"));
    assert_eq!(house.send(&bare("DELETE", ONE)).status, 200);
    house.upstream.push(kept("a1", "x"));
    assert_eq!(house.send(&bare("GET", ONE)).status, 200, "nothing said that it is gone");
    house.upstream.push(Answer::json("{}"));
    assert_eq!(house.send(&bare("DELETE", ONE)).status, 200);
    let before = house.upstream.requests().len();
    for call in naming("a1") {
        assert_eq!(house.send(&call).status, 404, "{}", call.path);
    }
    assert_eq!(house.upstream.requests().len(), before);
}

#[test]
fn making_one_counts_as_a_request() {
    let limit = |settings: &mut Settings| {
        one(settings);
        let measure = Measure::Rate { requests: Some(2), tokens: None };
        settings.quotas = vec![Quota { name: "two".into(), key: None, group: None, model: None, shared: false, measure }];
    };
    let house = House::build(Plan { adjust: Some(Box::new(limit)), ..Plan::default() });
    house.upstream.respond_with(|_| kept("a1", "x"));
    let statuses: Vec<u16> = (0..3).map(|_| house.send(&create(&json!({}))).status).collect();
    assert_eq!(statuses, [200, 200, 429]);
    // What is asked of one does not.
    for call in [bare("GET", ONE), Call::new("PATCH", ONE, r#"{"ttl":"1s"}"#), bare("GET", ALL)] {
        assert_eq!(house.send(&call).status, 200, "{}", call.path);
    }
}
