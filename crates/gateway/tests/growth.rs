//! What a body or a stream costs grows with its length, whatever its shape. Quadratic work would let one answer stop the gate.

use std::time::{Duration, Instant};

use bartizan_gateway::Limits;
use bartizan_testkit::{Answer, canned};
use serde_json::{Value, json};

use crate::harness::{Call, House, Plan};

/// Four times as long: linear work takes four times, quadratic sixteen. Machines that do other things meanwhile need room in between.
const MOST: u32 = 8;

fn check(name: &str, size: usize, run: impl Fn(usize)) {
    let timed = |size: usize| {
        let once = || {
            let began = Instant::now();
            run(size);
            began.elapsed()
        };
        let first = once();
        // What takes so long needs no second look.
        if first > Duration::from_secs(4) { first } else { first.min(once()) }
    };
    let mut times = Vec::new();
    for _ in 0..3 {
        let (short, long) = (timed(size), timed(4 * size));
        if long < short * MOST {
            return;
        }
        times.push((short, long));
    }
    panic!("{name}: {times:?} for {size} and {}", 4 * size);
}

fn items(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(",")
}

fn asked(stream: bool) -> Call {
    let body = json!({"model": "gpt-4o-mini", "stream": stream, "messages": [{"role": "user", "content": "mail ada@example.org"}]});
    Call::chat(body.to_string())
}

/// The pseudonym that the provider sees for the address in [`asked`].
fn token(house: &House) -> String {
    house.upstream.push(Answer::json("{}"));
    house.send(&asked(false));
    let seen = house.seen();
    seen[seen.find("EMAIL_").unwrap()..][..16].to_owned()
}

fn answered(house: &House, answer: &str) -> String {
    house.upstream.push(Answer::json(answer.to_owned()));
    let reply = house.send(&asked(false));
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.text()
}

fn streamed(house: &House, events: &[String]) -> String {
    let frames: Vec<String> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    house.upstream.push(Answer::stream([frames.concat()]));
    let reply = house.send(&asked(true));
    assert!(reply.whole, "{:.300}", reply.text());
    reply.text()
}

#[test]
fn findings_under_a_long_name() {
    let house = House::new();
    house.upstream.always(Answer::json(canned::chat("m", "fine")));
    check("a request", 250, |size| {
        let (key, texts) = ("\\n".repeat(size * 200), items(size, |at| format!("\"a{at}@example.com\"")));
        let body = format!(r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"hi","{key}":[{texts}]}}]}}"#);
        assert_eq!(house.chat(&body).status, 200);
    });
    check("a stream event", 100, |size| {
        let (key, texts) = ("\\n".repeat(size * 200), items(size, |at| format!("\"a{at}@example.com\"")));
        let text = streamed(&house, &[format!(r#"{{"choices":[{{"index":0,"delta":{{}}}}],"{key}":[{texts}]}}"#)]);
        assert!(!text.contains("@example.com"));
    });
}

#[test]
fn pseudonyms_in_many_places() {
    let house = House::new();
    let token = token(&house);
    check("tool blocks", 400, |size| {
        let blocks =
            items(size, |at| format!(r#"{{"type":"tool_use","id":"toolu_{at}","name":"f","input":{{"a":"{token}","b":"x {at}"}}}}"#));
        let text = answered(&house, &format!(r#"{{"type":"message","role":"assistant","content":[{blocks}]}}"#));
        assert_eq!(text.matches("ada@example.org").count(), size);
    });
    check("choices, each with an edit", 400, |size| {
        let choices = items(size, |at| format!(r#"{{"index":{at},"message":{{"content":"{token} q{at}@b.co"}}}}"#));
        let text = answered(&house, &format!(r#"{{"choices":[{choices}]}}"#));
        assert_eq!(text.matches("ada@example.org").count(), size);
    });
    check("arguments that end in white space", 2_000, |size| {
        let arguments = format!("{{\"a\":\"{}\"}}{}", format!("{token} ").repeat(size), " ".repeat(size * 20));
        // Too long to tell whether they name a host: all of it stays a pseudonym.
        let text = answered(&house, &canned::chat_tool_call("m", "f", &arguments));
        assert_eq!(text.matches(&token).count(), size);
    });
    check("findings and pseudonyms in one piece of arguments", 1_000, |size| {
        let arguments = format!("{{\"a\":\"{}\"}}{}", format!("{token} q@b.co ").repeat(size), " ".repeat(size * 20));
        let event = json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]}}]});
        let text = streamed(&house, &[event.to_string(), "[DONE]".to_owned()]);
        assert!(!text.contains("q@b.co") && text.contains("[DONE]"));
    });
}

#[test]
fn names_edited_beside_log_probabilities() {
    let house = House::new();
    check("choices", 4_000, |size| {
        let choice = |at| format!(r#"{{"index":{at},"logprobs":{{"content":[1,2]}},"message":{{"content":"x","z":{{"q{at}@b.co":1}}}}}}"#);
        let text = answered(&house, &format!(r#"{{"choices":[{}]}}"#, items(size, choice)));
        assert!(!text.contains("@b.co") && text.matches("REDACTED").count() == size);
    });
}

#[test]
fn events_behind_one_that_waits() {
    let house = House::new();
    check("many pieces", 4_000, |size| {
        let mut pieces = vec![json!({"index": 0, "text": "a "}); size];
        pieces.push(json!({"index": 0, "text": "jane.do"}));
        let mut events = vec![json!({"choices": [{"index": 0, "delta": {"content": pieces}}]}).to_string()];
        events.extend((0..size / 4).map(|_| canned_piece("b ")));
        events.push("[DONE]".to_owned());
        assert!(streamed(&house, &events).ends_with("data: [DONE]\n\n"));
    });
}

/// A piece of another choice.
fn canned_piece(text: &str) -> String {
    json!({"choices": [{"index": 1, "delta": {"content": text}}]}).to_string()
}

#[test]
fn an_event_of_the_index_is_bounded() {
    let house = House::new();
    house.upstream.always(Answer::json(canned::chat("m", "fine")));
    let (open, close) = (r#"{"additionalProperties":"#.repeat(100), "}".repeat(100));
    let texts = items(2_000, |at| format!("\"a{at}@b.co\""));
    let body = format!(r#"{{"model":"gpt-4o-mini","messages":[],"x":{open}[{texts}]{close}}}"#);
    assert_eq!(house.chat(&body).status, 200);
    let record = house.journal.all().remove(0);
    assert!(record.bytes.len() < 256 << 10, "{} bytes", record.bytes.len());
    let event = record.event.unwrap();
    let findings = event["findings"].as_array().unwrap();
    let path = findings[0]["path"].as_str().unwrap();
    assert!(path.len() <= 256 && path.starts_with("/<key>/additionalProperties/") && path.ends_with("/additionalProperties/0"), "{path}");
    assert!(findings.len() > 300, "{}", findings.len());
    assert_eq!(event["findings_left_out"], 2_000 - findings.len());
    let few: Value = {
        house.journal.clear();
        house.send(&asked(false));
        house.journal.all().remove(0).event.unwrap()
    };
    assert!(few["findings"].as_array().unwrap().len() == 1 && few.get("findings_left_out").is_none());
}

/// One event of a stream may not take longer than a body may.
#[test]
fn an_event_of_a_stream_has_a_deadline() {
    let event = |count| format!(r#"{{"choices":[{{"index":0,"delta":{{}}}}],"z":[{}]}}"#, items(count, |at| format!("\"q{at}@b.co\"")));
    let house = House::new();
    assert!(streamed(&house, &[event(200)]).contains("REDACTED"));
    let house = House::build(Plan { limits: Limits { inspect: Duration::from_millis(20), ..Limits::default() }, ..Plan::default() });
    let text = streamed(&house, &[event(20_000)]);
    assert!(text.contains("guard_unavailable") && !text.contains("@b.co") && !text.contains("\"z\""), "{text:.300}");
    let end = house.journal.wait_for("end");
    assert_eq!((end.decision.as_str(), end.end.as_deref()), ("failed", Some("blocked")));
}
