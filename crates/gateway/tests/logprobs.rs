//! Log probabilities say what the text says once it is edited, or nothing: whole, streamed, and however the stream is split.

use bartizan_testkit::Answer;
use serde_json::{Value, json};

use crate::answers::events;
use crate::harness::{Call, House};

const OWN: &str = "ada@example.org";
const OTHER: &str = "eve@example.net";

fn asked(stream: bool) -> Call {
    let messages = json!([{"role": "user", "content": format!("I am {OWN}")}]);
    Call::chat(json!({"model": "gpt-4o-mini", "stream": stream, "logprobs": true, "messages": messages}).to_string())
}

/// The pseudonym that the provider is shown for the caller's own value.
fn pseudonym(house: &House) -> String {
    house.upstream.push(Answer::json("{}"));
    house.send(&asked(false));
    let seen = house.seen();
    let at = seen.find("EMAIL_").unwrap();
    seen[at..at + 16].to_owned()
}

/// Tokens as providers write them: what is no whole character has another name.
fn entries(tokens: &[&[u8]], others: &Value) -> Vec<Value> {
    let entry = |bytes: &&[u8]| {
        let token = std::str::from_utf8(bytes).map_or_else(|_| format!("{bytes:02x?}"), str::to_owned);
        json!({"token": token, "logprob": -0.25, "bytes": bytes, "top_logprobs": others})
    };
    tokens.iter().map(entry).collect()
}

fn whole(content: &Value, logprobs: &Value) -> String {
    let message = json!({"role": "assistant", "content": content, "refusal": null});
    json!({"id": "c", "choices": [{"index": 0, "message": message, "logprobs": logprobs, "finish_reason": "stop"}]}).to_string()
}

/// Tokens of a text, with what stands in their place: its text and its probability.
type Row<'a> = (&'a str, Vec<&'a [u8]>, Vec<(&'a str, f64)>);

fn rows(token: &str) -> Vec<Row<'_>> {
    let (begin, end) = token.split_at(7);
    vec![
        ("no edit", vec![b"hi", b" \"you\"", b"\n"], vec![("hi", -0.25), (" \"you\"", -0.25), ("\n", -0.25)]),
        ("one token", vec![b"to ", OTHER.as_bytes(), b"!"], vec![("to ", -0.25), ("[REDACTED_EMAIL]", 0.0), ("!", -0.25)]),
        (
            "over many",
            vec![b"to", b" eve", b"@", b"example", b".net", b", ok"],
            vec![("to", -0.25), (" [REDACTED_EMAIL]", 0.0), (", ok", -0.25)],
        ),
        (
            "two in one run",
            vec![b"a ", b"eve@", b"example.net e", b"ve@example", b".net c"],
            vec![("a ", -0.25), ("[REDACTED_EMAIL] [REDACTED_EMAIL] c", 0.0)],
        ),
        ("restored", vec![b"to \"", begin.as_bytes(), end.as_bytes(), b"\"."], vec![("to \"", -0.25), (OWN, 0.0), ("\".", -0.25)]),
        (
            "parts of characters",
            vec![b"ok ", b"\xf0\x9f\x98", b"\x80", b" eve@example.net"],
            vec![("ok ", -0.25), ("\u{1f600}", -0.5), (" [REDACTED_EMAIL]", 0.0)],
        ),
        ("empty tokens", vec![b"", b"hi", b""], vec![("", -0.25), ("hi", -0.25), ("", -0.25)]),
    ]
}

/// What the client reads of a list: text and probability of each token. Bytes are those of the token, and there are no alternatives.
fn read(list: &Value) -> Vec<(String, f64)> {
    let one = |entry: &Value| {
        let token = entry["token"].as_str().unwrap();
        assert_eq!(entry["bytes"], json!(token.as_bytes()), "{entry}");
        assert_eq!(entry["top_logprobs"], json!([]), "{entry}");
        (token.to_owned(), entry["logprob"].as_f64().unwrap())
    };
    list.as_array().unwrap_or_else(|| panic!("{list} is no list")).iter().map(one).collect()
}

fn text_of(tokens: &[&[u8]]) -> String {
    String::from_utf8(tokens.concat()).unwrap()
}

#[test]
fn whole_answers() {
    let house = House::new();
    let token = pseudonym(&house);
    for (name, tokens, expected) in rows(&token) {
        let content = text_of(&tokens);
        for others in [json!([]), json!([{"token": "eve", "logprob": -1, "bytes": [101, 118, 101]}, {"token": OTHER, "logprob": -2}])] {
            let body = whole(&json!(content), &json!({"content": entries(&tokens, &others), "refusal": null}));
            for body in [body.clone(), body.replace('@', "\\u0040").replace('e', "\\u0065").replace("tok\\u0065n", "token")] {
                house.upstream.push(Answer::json(body.clone()));
                let reply = house.send(&asked(false));
                assert_eq!(reply.status, 200, "{name}: {}", reply.text());
                let choice = &reply.json()["choices"][0];
                let found = read(&choice["logprobs"]["content"]);
                assert_eq!(found, expected.iter().map(|(text, number)| ((*text).to_owned(), *number)).collect::<Vec<_>>(), "{name}");
                let joined: String = found.into_iter().map(|(text, _)| text).collect();
                assert_eq!(choice["message"]["content"], json!(joined), "{name}");
                assert!(!reply.text().contains(OTHER) && !reply.text().contains(&token), "{name}: {}", reply.text());
                if name == "no edit" && others == json!([]) {
                    assert_eq!(reply.text(), body, "what nothing touches is not rewritten");
                }
            }
        }
    }
}

#[test]
fn refusals_and_several_choices() {
    let house = House::new();
    let list = |text: &str| entries(&[b"no ", text.as_bytes()], &json!([]));
    let body = json!({"choices": [
        {"index": 0, "message": {"content": null, "refusal": format!("no {OTHER}")}, "logprobs": {"content": null, "refusal": list(OTHER)}},
        {"index": 1, "message": {"content": "no way"}, "logprobs": {"content": list("way")}},
    ]});
    house.upstream.push(Answer::json(body.to_string()));
    let reply = house.send(&asked(false)).json();
    let texts = |list: &Value| read(list).into_iter().map(|(text, _)| text).collect::<Vec<_>>();
    assert_eq!(texts(&reply["choices"][0]["logprobs"]["refusal"]), ["no ", "[REDACTED_EMAIL]"]);
    assert_eq!(reply["choices"][1]["logprobs"], body["choices"][1]["logprobs"]);
}

#[test]
fn what_does_not_repeat_the_text_is_null() {
    let house = House::new();
    let one = |entry: &str| format!(r#"{{"content":[{entry}]}}"#);
    let rows = [
        one(r#"{"token":"so","logprob":-1}"#),
        one(r#"{"token":"h","logprob":-1}"#),
        one(r#"{"token":"hi!","logprob":-1}"#),
        one(r#"{"token":"hi","logprob":-1},{"token":"eve@example.net","logprob":-1}"#),
        one(r#"{"token":"hi","logprob":-1,"bytes":[101,118]}"#),
        one(r#"{"token":"hi","logprob":-1,"bytes":[104,361]}"#),
        one(r#"{"token":"hi","logprob":-1,"bytes":["104","105"]}"#),
        one(r#"{"token":"hi","logprob":-1,"bytes":"eve@example.net"}"#),
        one(r#"{"token":"hi","logprob":-1,"brand_new":"eve@example.net"}"#),
        one(r#"{"token":"eve@example.net","token":"hi","logprob":-1}"#),
        one(r#"{"token":"hi","logprob":"eve@example.net"}"#),
        one(r#"{"token":"hi","logprob":-4111111111111111}"#),
        one(r#"{"token":"hi","logprob":1}"#),
        one(r#"{"token":"hi"}"#),
        one(r#"{"logprob":-1}"#),
        one(r#""eve@example.net""#),
        r#"{"content":[{"token":"hi","logprob":-1}],"brand_new":"eve@example.net"}"#.to_owned(),
        r#"{"content":[{"token":"hi","logprob":-1}],"content":["eve@example.net"]}"#.to_owned(),
        r#"{"content":[{"token":"hi","logprob":-1}],"refusal":[{"token":"no","logprob":-1}]}"#.to_owned(),
        r#"{"content":"eve@example.net"}"#.to_owned(),
        r#"{"eve@example.net":null}"#.to_owned(),
        r#""eve@example.net""#.to_owned(),
    ];
    for logprobs in rows {
        let body = format!(r#"{{"choices":[{{"index":0,"message":{{"content":"hi"}},"logprobs":{logprobs}}}]}}"#);
        house.upstream.push(Answer::json(body.clone()));
        assert_eq!(house.send(&asked(false)).text(), body.replace(&logprobs, "null"), "{logprobs}");
        let event = body.replace("message", "delta");
        house.upstream.push(Answer::stream([format!("data: {event}\n\ndata: [DONE]\n\n")]));
        let expected = format!("data: {}\n\ndata: [DONE]\n\n", event.replace(&logprobs, "null"));
        assert_eq!(house.send(&asked(true)).text(), expected, "{logprobs}");
    }
    // A choice has one list; what stands elsewhere is none.
    for body in [
        r#"{"choices":[{"message":{"content":"hi"},"logprobs":{"content":[]},"logprobs":"eve@example.net"}]}"#,
        r#"{"logprobs":{"content":[{"token":"eve@example.net","logprob":-1}]},"message":{"content":"eve@example.net"}}"#,
        r#"{"choices":[{"message":{"content":"hi","z":{"eve@example.net":1}},"logprobs":{"content":[{"token":"hi","logprob":-1}]}}]}"#,
    ] {
        house.upstream.push(Answer::json(body));
        let reply = house.send(&asked(false)).text();
        assert!(!reply.contains(OTHER) && reply.contains(r#""logprobs":null"#), "{reply}");
    }
}

/// Events of so many tokens each.
fn stream(tokens: &[&[u8]], size: usize, others: &Value) -> String {
    let event = |tokens: &[&[u8]]| {
        let logprobs = json!({"content": entries(tokens, others), "refusal": null});
        let delta = json!({"content": text_of(tokens)});
        format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": null}]}))
    };
    let end = json!({"choices": [{"index": 0, "delta": {}, "logprobs": null, "finish_reason": "stop"}]});
    tokens.chunks(size).map(event).collect::<String>() + &format!("data: {end}\n\ndata: [DONE]\n\n")
}

/// Sends a stream; what the client reads. Each event's tokens are its text.
fn pass(house: &House, answer: Answer, token: &str) -> String {
    house.journal.clear();
    house.upstream.push(answer);
    let reply = house.send(&asked(true));
    assert!(reply.status == 200 && reply.whole, "{}", reply.text());
    house.journal.wait_for("end");
    let text = reply.text();
    for event in events(&text) {
        let choice = &event["choices"][0];
        let Some(content) = choice["delta"]["content"].as_str() else { continue };
        let joined: String = read(&choice["logprobs"]["content"]).into_iter().map(|(text, _)| text).collect();
        assert_eq!(joined, content, "{event}");
    }
    assert!(!text.contains("eve") && !text.contains(token), "{text}");
    text
}

#[test]
fn streams_at_every_split() {
    let house = House::new();
    let token = pseudonym(&house);
    let (begin, end) = token.split_at(9);
    let tokens: Vec<&[u8]> = vec![b"to", b" eve", b"@", b"example", b".net", b", cc ", begin.as_bytes(), end.as_bytes(), b"\n", b"ok"];
    let others = json!([{"token": "eve", "logprob": -1, "bytes": [101, 118, 101], "brand_new": OTHER}]);
    for size in [1, 2, 3, 10] {
        let sent = stream(&tokens, size, &others);
        let expected = pass(&house, Answer::stream([sent.clone()]), &token);
        let content: String = events(&expected).iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(content, format!("to [REDACTED_EMAIL], cc {OWN}\nok"));
        let step = if size == 3 { 1 } else { 7 };
        for cut in (1..sent.len()).step_by(step) {
            assert_eq!(pass(&house, Answer::stream_split(sent.as_bytes(), &[cut]), &token), expected, "{size} tokens, cut at {cut}");
        }
    }
}

#[test]
fn an_untouched_stream_is_not_rewritten() {
    let house = House::new();
    let sent = stream(&[b"all", b" is", b" \"well\"", b"."], 1, &json!([]));
    house.upstream.push(Answer::stream([sent.clone()]));
    assert_eq!(house.send(&asked(true)).text(), sent);
}

/// Nothing between the parts of a character is something, too.
#[test]
fn an_empty_token_inside_a_character_leaves_json() {
    let house = House::new();
    let entry = |token: &str, bytes: &str| format!(r#"{{"token":"{token}","logprob":-1,"bytes":[{bytes}]}}"#);
    let list = [entry("a", "226,130"), entry("", ""), entry("b", "172")].join(",");
    house
        .upstream
        .push(Answer::json(format!(r#"{{"choices":[{{"index":0,"message":{{"content":"\u20ac"}},"logprobs":{{"content":[{list}]}}}}]}}"#)));
    let reply = house.send(&asked(false)).json();
    assert_eq!(read(&reply["choices"][0]["logprobs"]["content"]), [("\u{20ac}".to_owned(), -3.0)]);
}

/// A choice is looked over once, whatever stands between its lists: minutes otherwise.
#[test]
fn many_lists_of_one_choice_cost_little() {
    let house = House::new();
    let text = format!("\\u0061{}", "b ".repeat(1_000_000));
    let pair = r#""logprobs":{"content":[{"token":"x","logprob":0}]},"delta":{"content":[{"logprobs":0}]},"#;
    let body = format!(r#"{{"choices":[{{"index":0,{}"message":{{"content":"{text}"}}}}]}}"#, pair.repeat(40_000));
    house.upstream.push(Answer::json(body));
    let began = std::time::Instant::now();
    let reply = house.send(&asked(false));
    assert!(reply.status == 200 && !reply.text().contains("token"), "{}", reply.status);
    assert!(began.elapsed() < std::time::Duration::from_mins(1), "{:?}", began.elapsed());
}
