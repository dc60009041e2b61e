//! Gemini's streams, as events and as one JSON array: restoring, redacting and blocking, at every split of the bytes.

use std::time::Duration;

use bartizan_gateway::Limits;
use bartizan_testkit::{Answer, canned};
use serde_json::{Value, json};

use crate::harness::{Call, House, Plan, Wire};

const OWN: &str = "ada@example.org";

/// How a stream is written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Events,
    Array,
}

const FORMS: [Form; 2] = [Form::Events, Form::Array];

impl Form {
    /// A stream, one list of parts an element.
    fn write(self, parts: &[Value]) -> String {
        match self {
            Self::Events => canned::gemini_events(parts).concat(),
            Self::Array => canned::gemini_array(parts),
        }
    }

    fn answer(self, bytes: &[u8], cuts: &[usize]) -> Answer {
        let answer = Answer::stream_split(bytes, cuts);
        if self == Self::Array { answer.with_header("content-type", "application/json; charset=UTF-8") } else { answer }
    }

    fn call(self) -> Call {
        let asked = json!({"contents": [{"role": "user", "parts": [{"text": format!("I am {OWN}")}]}]});
        let query = if self == Self::Events { "?alt=sse" } else { "" };
        Call::gemini(&format!("streamGenerateContent{query}"), asked.to_string())
    }

    /// The elements that a client reads.
    fn read(self, text: &str) -> Vec<Value> {
        match self {
            Self::Events => crate::answers::events(text),
            Self::Array => serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")),
        }
    }

    /// Sends a stream in pieces; what the client reads.
    fn pass(self, house: &House, stream: &str, cuts: &[usize]) -> String {
        house.upstream.push(self.answer(stream.as_bytes(), cuts));
        let reply = house.send(&self.call());
        assert!(reply.status == 200 && reply.whole, "{self:?}: {}", reply.text());
        reply.text()
    }
}

fn token(house: &House) -> String {
    house.upstream.push(Answer::json("[]"));
    house.send(&Form::Array.call());
    let seen = house.seen();
    let at = seen.find("EMAIL_").unwrap();
    seen[at..at + 16].to_owned()
}

/// The text of the first candidate, or its thoughts.
fn text(elements: &[Value], thought: bool) -> String {
    let parts = elements.iter().flat_map(|element| element["candidates"][0]["content"]["parts"].as_array().cloned().unwrap_or_default());
    parts.filter(|part| (part["thought"] == true) == thought).filter_map(|part| part["text"].as_str().map(str::to_owned)).collect()
}

/// What the model says, with what the client is to read.
fn said(token: &str) -> (String, String) {
    let text = |own: &str, other: &str, card: &str| format!("to {own}, cc {other}, card {card}. ");
    (text(token, "eve@example.net", "5500005555555559"), text(OWN, "[REDACTED_EMAIL]", "[REDACTED_CARD]"))
}

#[test]
fn text_and_thoughts_grow_side_by_side() {
    let house = House::new();
    let token = token(&house);
    let (written, expected) = said(&token);
    for form in FORMS {
        for size in 1..=written.len() {
            let pieces = canned::parts(&written, size);
            let side_by_side: Vec<Value> = pieces.iter().map(|piece| json!([{"text": piece, "thought": true}, {"text": piece}])).collect();
            let one_after_the_other: Vec<Value> = pieces
                .iter()
                .map(|piece| json!([{"text": piece, "thought": true}]))
                .chain(pieces.iter().map(|piece| json!([{"text": piece}])))
                .collect();
            let together = json!(pieces.iter().map(|piece| json!({"text": piece})).collect::<Vec<_>>());
            let thoughts = json!(pieces.iter().map(|piece| json!({"thought": true, "text": piece})).collect::<Vec<_>>());
            for parts in [side_by_side, one_after_the_other, vec![thoughts, together]] {
                let got = form.read(&form.pass(&house, &form.write(&parts), &[]));
                assert_eq!((text(&got, true), text(&got, false)), (expected.clone(), expected.clone()), "{form:?}, pieces of {size}");
            }
        }
    }
    assert_eq!(house.gate.metrics().withheld_total.get(), 0);
}

/// A stream of everything: text over several parts and events, a call, a signature, what ends it.
fn mixed(form: Form, token: &str) -> String {
    form.write(&[
        json!([{"text": "He", "thought": true}, {"text": format!("to {}", &token[..7])}]),
        json!([{"text": &token[7..]}, {"text": ", é \"q\" cc ev", "thoughtSignature": "c2VhbGVk"}]),
        json!([{"functionCall": {"id": "c1", "name": "mail", "args": {"to": [token, "eve@example.net"], "card": 5_500_005_555_555_559_u64}}}]),
        json!([{"text": "e@example.net"}, {"text": "."}, {"brandNew": "4111 1111"}]),
        json!([{"brandNew": " 1111 1111"}]),
    ])
}

#[test]
fn every_split_gives_the_same_bytes() {
    let house = House::new();
    let token = token(&house);
    for form in FORMS {
        let stream = mixed(form, &token);
        let expected = form.pass(&house, &stream, &[]);
        let elements = form.read(&expected);
        assert_eq!((text(&elements, true).as_str(), text(&elements, false)), ("He", format!("to {OWN}, é \"q\" cc [REDACTED_EMAIL].")));
        let call = &elements[2]["candidates"][0]["content"]["parts"][0]["functionCall"];
        assert_eq!(call, &json!({"id": "c1", "name": "mail", "args": {"to": [OWN, "[REDACTED_EMAIL]"], "card": "[REDACTED_CARD]"}}));
        assert!(!expected.contains("4111") && !expected.contains(" 1111") && elements.len() == 5, "{expected}");
        for cut in 1..stream.len() {
            assert_eq!(form.pass(&house, &stream, &[cut]), expected, "{form:?} cut at {cut}");
        }
        assert_eq!(form.pass(&house, &stream, &(1..stream.len()).collect::<Vec<_>>()), expected, "{form:?} byte by byte");
    }
}

#[test]
fn what_needs_no_edit_keeps_its_bytes() {
    let house = House::new();
    let array = "[{\n  \"candidates\": [\n    {\"content\": {\"parts\": [{\"text\": \"The \"}]}}\n  ]\n}\n,\r\n{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"end.\\n\"}],\"role\":\"model\"},\"finishReason\":\"STOP\"}]}\n]\n";
    assert_eq!(Form::Array.pass(&house, array, &[]), array);
    let events = Form::Events.write(&[json!([{"text": "The "}]), json!([{"text": "end."}])]);
    assert_eq!(Form::Events.pass(&house, &events, &[]), events);
    assert_eq!(Form::Array.pass(&house, "[]", &[]), "[]");
    // Log probabilities repeat the text.
    let with = r#"[{"candidates":[{"avgLogprobs":-0.1,"logprobsResult":{"chosenCandidates":[{"token":"eve@example.net"}]}}]}]"#;
    assert_eq!(Form::Array.pass(&house, with, &[]), r#"[{"candidates":[{"avgLogprobs":null,"logprobsResult":null}]}]"#);
}

/// Two candidates do not join, however Google numbers them, and `finishReason` ends a candidate's text.
#[test]
fn candidates_are_told_apart() {
    let house = House::new();
    let one = |index: Option<u32>, text: &str, end: bool| {
        let mut candidate = json!({"content": {"parts": [{"text": text}]}});
        index.inspect(|index| candidate["index"] = json!(index));
        end.then(|| candidate["finishReason"] = json!("STOP"));
        candidate
    };
    let event = |candidates: Vec<Value>| format!("data: {}\r\n\r\n", json!({"candidates": candidates}));
    let stream = event(vec![one(None, "write to eve@exam", false), one(Some(1), "4111 1111 ", false)])
        + &event(vec![one(Some(1), "1111 1111", true), one(None, "ple.net", true)]);
    let got = Form::Events.pass(&house, &stream, &[]);
    assert!(
        got.contains("[REDACTED_EMAIL]") && got.contains("[REDACTED_CARD]") && !got.contains("1111") && !got.contains("ple.net"),
        "{got}"
    );
    // Once a candidate has finished, its text is out although the stream stays open.
    let pause = Duration::from_secs(5);
    let open = event(vec![one(None, "done", true)]);
    house.upstream.push(Answer::stream([open, "\r\n".to_owned()]).paced(Duration::ZERO).after_last(pause));
    let mut wire = Wire::open(house.address);
    wire.send(&Form::Events.call());
    let began = std::time::Instant::now();
    wire.read_until("done");
    assert!(began.elapsed() < pause / 2);
}

/// What was said in a recording comes in pieces, and once more word by word.
#[test]
fn transcriptions_grow_too() {
    let house = House::new();
    let token = token(&house);
    let heard = |name: &str, text: &str, words: &[&str]| {
        let words: Vec<Value> = words.iter().map(|word| json!({"word": word})).collect();
        json!([{name: {"text": text, "languageCode": "en", "words": words}}])
    };
    for (form, name) in FORMS.into_iter().flat_map(|form| [(form, "audioTranscription"), (form, "audio_transcription")]) {
        let (before, after) = token.split_at(8);
        let parts = [
            heard(name, "card 4111 1111 ", &["card", "4111", "1111"]),
            heard(name, &format!("1111 1111, of {before}"), &["1111", "1111", "of"]),
            heard(name, &format!("{after}. "), &[]),
        ];
        let elements = form.read(&form.pass(&house, &form.write(&parts), &[]));
        let transcripts: Vec<&Value> = elements.iter().map(|one| &one["candidates"][0]["content"]["parts"][0][name]).collect();
        let text: String = transcripts.iter().filter_map(|one| one["text"].as_str()).collect();
        assert_eq!(text, format!("card [REDACTED_CARD], of {OWN}. "), "{form:?} {name}");
        assert!(transcripts.iter().all(|one| one["words"].as_array().is_none_or(Vec::is_empty)), "{form:?} {name}: {elements:?}");
        assert_eq!(transcripts[0]["languageCode"], "en");
    }
}

#[test]
fn a_block_ends_the_stream_as_clients_read_it() {
    let more = r#"@id("no-cards") @coach("No cards, please.") forbid (principal, action == Action::"complete", resource) when { context.labels.contains("pci") };"#;
    let house = House::build(Plan { more, ..Plan::default() });
    for form in FORMS {
        let late = form.write(&[
            json!([{"text": "The harbour is open. "}]),
            json!([{"text": "4111 1111"}]),
            json!([{"text": " 1111 1111 "}]),
            json!([{"text": "bye"}]),
        ]);
        let first = form.write(&[json!([{"text": "4111 1111 1111 1111 "}]), json!([{"text": "bye"}])]);
        let args =
            form.write(&[json!([{"text": "hi. "}]), json!([{"functionCall": {"name": "f", "args": {"n": 4_111_111_111_111_111_u64}}}])]);
        for (stream, before) in [(&late, "The harbour is open. "), (&first, ""), (&args, "hi. ")] {
            let expected = form.pass(&house, stream, &[]);
            let elements = form.read(&expected);
            let error = &elements.last().unwrap()["error"];
            assert_eq!((&error["code"], &error["status"]), (&json!(403), &json!("PERMISSION_DENIED")), "{expected}");
            assert!(error["message"].as_str().unwrap().contains("No cards"), "{expected}");
            assert_eq!(text(&elements, false), before, "{expected}");
            assert!(!expected.contains("4111") && !expected.contains("bye"), "{expected}");
            for cut in 1..stream.len() {
                assert_eq!(form.pass(&house, stream, &[cut]), expected, "{form:?} cut at {cut}");
            }
        }
    }
    assert_eq!(house.journal.all().pop().unwrap().event.unwrap()["end"], "blocked");
}

#[test]
fn an_array_that_is_none_is_stopped() {
    let house = House::build(Plan { limits: Limits { event_bytes: 300, ..Limits::default() }, ..Plan::default() });
    let good = r#"{"candidates":[{"content":{"parts":[{"text":"hi. "}]}}]}"#;
    let large = format!(r#"[{good},{{"candidates":[{{"content":{{"parts":[{{"text":"{}"}}]}}}}]}}]"#, "x ".repeat(200));
    for (stream, count, says) in [
        (good.to_owned(), 1, "not a JSON array"),
        (format!("[{good},7]"), 2, "not a JSON array"),
        (format!("[{good},{{\"a\" \"eve@example.net\"}}]"), 2, "not JSON"),
        (format!("[{good}]eve@example.net"), 1, ""),
        (format!("[{good},{{\"a\":\"eve@"), 2, "in the middle of its array"),
        (format!("[{good}"), 2, "in the middle of its array"),
        (String::new(), 1, "in the middle of its array"),
        (large, 2, "larger than 300 bytes"),
    ] {
        for cuts in [vec![], (1..stream.len()).collect::<Vec<_>>()] {
            let got = Form::Array.pass(&house, &stream, &cuts);
            let elements = Form::Array.read(&got);
            assert!(!got.contains("eve@") && (elements.len() <= count), "{stream}: {got}");
            let message = elements.last().unwrap()["error"]["message"].as_str().unwrap_or_default();
            assert!(message.contains(says), "{stream}: {got}");
        }
    }
    assert!(
        house
            .journal
            .all()
            .iter()
            .all(|one| one.event.as_ref().is_none_or(|event| event["direction"] == "request" || event["end"] == "upstream_error"))
    );
    // An array that breaks off is broken off for the client too.
    house.upstream.push(Form::Array.answer(format!("[{good},").as_bytes(), &[]).dies());
    assert!(!house.send(&Form::Array.call()).whole);
    // An error of the provider is a whole answer, in an array or not.
    for body in [r#"[{"error":{"code":429,"message":"slow down"}}]"#, r#"{"error":{"code":429,"message":"slow down"}}"#] {
        house.upstream.push(Answer::json(body).with_status(429));
        let reply = house.send(&Form::Array.call());
        assert_eq!((reply.status, reply.text().as_str()), (429, body));
    }
}

/// An error of the provider inside the stream passes, without what stands in it.
#[test]
fn errors_inside_a_stream() {
    let house = House::new();
    let error = r#"{"error":{"code":503,"message":"no room for eve@example.net","status":"UNAVAILABLE"}}"#;
    let good = r#"{"candidates":[{"content":{"parts":[{"text":"write to a"}]}}]}"#;
    let array = Form::Array.pass(&house, &format!("[{good}\n,\n{error}]"), &[]);
    assert_eq!(array, format!("[{good}\n,\n{}]", error.replace("eve@example.net", "[REDACTED_EMAIL]")));
    let events = Form::Events.pass(&house, &format!("data: {good}\n\ndata: {error}\n\n"), &[]);
    assert!(events.contains("UNAVAILABLE") && !events.contains("eve@"), "{events}");
}
