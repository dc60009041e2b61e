//! The list of caches: a caller's own, whatever else its provider lists.

use bartizan_testkit::Answer;
use serde_json::{Value, json};

use super::{ALL, OWN, bare, by, cache, create, house, kept, made, refused};
use crate::harness::{House, Reply};

/// Makes caches of a user.
fn makes(house: &House, number: u8, ids: &[String]) {
    for id in ids {
        house.upstream.push(kept(id, "x"));
        assert_eq!(house.send(&by(number, create(&json!({})))).status, 200);
    }
}

fn page(caches: &[Value], next: &str) -> Answer {
    let mut page = json!({"cachedContents": caches});
    if !next.is_empty() {
        page["nextPageToken"] = json!(next);
    }
    Answer::json(page.to_string())
}

fn names(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let body = reply.json();
    body["cachedContents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap()["cachedContents/".len()..].to_owned())
        .collect()
}

#[test]
fn a_caller_sees_its_own() {
    let house = house();
    let token = made(&house);
    let own: Vec<String> = (0..5).map(|number| format!("own{number}")).collect();
    makes(&house, 1, &own);
    makes(&house, 2, &["theirs".to_owned()]);
    let all = || -> Vec<Value> {
        let mut all: Vec<Value> = own.iter().map(|id| cache(id, &format!("{token}, eve@example.net"))).collect();
        all.insert(2, cache("theirs", OWN));
        all.insert(3, json!({"displayName": "without a name"}));
        all
    };
    let list = |query: &str| {
        house.upstream.push(page(&all()[..3], "opaque/+=&theirs"));
        house.upstream.push(page(&all()[3..], ""));
        let reply = house.send(&bare("GET", &format!("{ALL}?{query}")));
        house.upstream.respond_with(|_| Answer::json("{}"));
        reply
    };
    let reply = list("");
    assert_eq!(names(&reply), own);
    assert!(!reply.text().contains("theirs") && !reply.text().contains("opaque"), "{}", reply.text());
    // No value of a cache is in the list, as it says nothing of which: a pseudonym stays, what else is there is redacted.
    assert_eq!(reply.json()["cachedContents"][0]["displayName"], json!(format!("{token}, [REDACTED_EMAIL]")));
    let seen: Vec<String> = house.upstream.requests().iter().rev().take(2).map(|one| one.path.clone()).collect();
    assert_eq!(seen, ["/v1/cachedContents?pageSize=1000&pageToken=opaque%2F%2B%3D%26theirs", "/v1/cachedContents?pageSize=1000"]);
    // By pages, of which each begins behind the last one's end.
    let mut token = String::new();
    let mut told = Vec::new();
    for expected in [&own[..2], &own[2..4], &own[4..]] {
        let reply = list(&format!("pageSize=2&pageToken={token}"));
        assert_eq!(names(&reply), expected);
        told.extend(names(&reply));
        token = reply.json()["nextPageToken"].as_str().unwrap_or_default().to_owned();
    }
    assert!(token.is_empty() && told == own);
    // One that is gone by then, or never was: the list begins anew.
    for after in ["theirs", "x"] {
        assert_eq!(names(&list(&format!("pageToken={after}"))), own);
    }
    house.upstream.push(Answer::json("{}"));
    assert!(names(&house.send(&by(2, bare("GET", ALL)))).is_empty());
    let before = house.upstream.requests().len();
    for query in [
        "pageSize=-1",
        "pageSize=1001",
        "pageSize=a",
        "pageToken=a%2Fb",
        "pageToken=a&pageToken=b",
        "fields=x",
        "alt=sse",
        "pageSize=1&$pageSize=2",
    ] {
        let (status, _, message) = refused(&house.send(&bare("GET", &format!("{ALL}?{query}"))));
        assert!(status == 400 && message.contains("`pageSize`"), "{query}: {message}");
    }
    assert_eq!(house.upstream.requests().len(), before);
}

#[test]
fn a_list_that_is_none_is_not_passed_on() {
    let house = house();
    made(&house);
    for answer in
        [Answer::json("[]"), Answer::json(r#"{"cachedContents":"ada@example.org"}"#), Answer::garbage(), page(&[], &"x".repeat(5_000))]
    {
        house.upstream.push(answer);
        assert_eq!(house.send(&bare("GET", ALL)).status, 502);
    }
    // An error behind the first page may name what is somebody else's.
    house.upstream.push(page(&[cache("theirs", "x")], "theirs"));
    house.upstream.push(Answer::json(r#"{"error":{"message":"theirs"}}"#).with_status(400));
    let reply = house.send(&bare("GET", ALL));
    assert!(reply.status == 502 && !reply.text().contains("theirs"), "{}", reply.text());
    // Pages without end.
    house.upstream.respond_with(|_| page(&[], "again"));
    let before = house.upstream.requests().len();
    assert_eq!(house.send(&bare("GET", ALL)).status, 502);
    assert_eq!(house.upstream.requests().len(), before + 2);
    house.upstream.respond_with(|asked| page(&[cache("theirs", "x")], &format!("{}x", asked.path.rsplit('=').next().unwrap())));
    let before = house.upstream.requests().len();
    assert_eq!(house.send(&bare("GET", ALL)).status, 502);
    assert_eq!(house.upstream.requests().len(), before + 32);
}
