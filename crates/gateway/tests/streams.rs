//! Texts of a stream that grow side by side, complete texts between them, identifiers in pieces; at every split of the bytes.

use std::time::Duration;

use bartizan_gateway::Limits;
use bartizan_testkit::stats::Dice;
use bartizan_testkit::{Answer, canned};
use serde_json::{Value, json};

use crate::answers::{anthropic_event, chat_event, events, joined};
use crate::harness::{Call, House, Plan, Wire};

const OWN: &str = "ada@example.org";
const DONE: &str = "data: [DONE]\n\n";

fn asked() -> Call {
    Call::chat(
        json!({"model": "gpt-4o-mini", "stream": true, "messages": [{"role": "user", "content": format!("I am {OWN}")}]}).to_string(),
    )
}

/// The pseudonym that the provider is shown for the caller's own value.
fn token(house: &House) -> String {
    house.upstream.push(Answer::json("{}"));
    house.send(&asked());
    let seen = house.seen();
    let at = seen.find("EMAIL_").unwrap();
    seen[at..at + 16].to_owned()
}

/// Sends a stream; what the client reads.
fn pass(house: &House, stream: &str) -> String {
    house.upstream.push(Answer::stream([stream.to_owned()]));
    let reply = house.send(&asked());
    assert!(reply.status == 200 && reply.whole, "{}", reply.text());
    reply.text()
}

/// Sends a stream cut at one place; what the client reads, and what the end records.
fn pass_cut(house: &House, stream: &str, cut: usize) -> (String, Value) {
    house.journal.clear();
    house.upstream.push(Answer::stream_split(stream.as_bytes(), &[cut]));
    let text = house.send(&asked()).text();
    let event = house.journal.wait_for("end").event.unwrap();
    (text, json!([event["decision"], event["findings"], event["remedies"], event["facts"]["context"]["labels"]]))
}

/// A text of the model, with what the client is to read: the caller's own value comes back, the model's own goes.
fn said(token: &str) -> (String, String) {
    let text = |own: &str, other: &str| format!("to {own}, cc {other}, ok? ");
    (text(token, "eve@example.net"), text(OWN, "[REDACTED_EMAIL]"))
}

fn signed(text: &str, token: &str) -> String {
    text.replace(OWN, token).replace("[REDACTED", "[REMOVED_FROM_SIGNED")
}

/// Every delta holds a piece of several texts.
fn side_by_side(text: &str, size: usize) -> String {
    let delta = |piece: &&str| {
        let details = json!([{"type": "reasoning.text", "text": piece, "format": "x-v1", "index": 0, "signature": null}]);
        chat_event(0, &json!({"content": piece, "reasoning": piece, "reasoning_details": details}))
    };
    canned::parts(text, size).iter().map(delta).collect::<String>() + DONE
}

/// Tool calls in turn, one piece of each.
fn in_turn(arguments: &str, size: usize, calls: usize) -> String {
    let piece = |(piece, call): (&str, usize)| chat_event(0, &json!({"tool_calls": [{"index": call, "function": {"arguments": piece}}]}));
    let pieces = canned::parts(arguments, size);
    let open: String = (0..calls)
        .map(|call| chat_event(0, &json!({"tool_calls": [{"index": call, "id": format!("call_{call}"), "type": "function", "function": {"name": "send_mail", "arguments": ""}}]})))
        .collect();
    open + &pieces.iter().flat_map(|one| (0..calls).map(move |call| piece((one, call)))).collect::<String>() + DONE
}

fn arguments_of(stream: &str, call: usize) -> String {
    let of = |value: &Value| {
        let one = &value["choices"][0]["delta"]["tool_calls"][0];
        (one["index"] == call).then(|| one["function"]["arguments"].as_str().unwrap().to_owned())
    };
    events(stream).iter().filter_map(of).collect()
}

#[test]
fn texts_that_grow_side_by_side_do_not_end_each_other() {
    let house = House::new();
    let token = token(&house);
    let (text, expected) = said(&token);
    for size in 1..=text.len() {
        let got = pass(&house, &side_by_side(&text, size));
        assert_eq!(joined(&got, "/choices/0/delta/content"), expected, "pieces of {size}");
        assert_eq!(joined(&got, "/choices/0/delta/reasoning"), expected, "pieces of {size}");
        let details = joined(&got, "/choices/0/delta/reasoning_details/0/text");
        assert_eq!(details, signed(&expected, &token), "signed text in pieces of {size}");
    }
}

#[test]
fn interleaved_tool_calls_restore_and_redact_like_one() {
    let house = House::new();
    let token = token(&house);
    let arguments = |own: &str, other: &str| json!({"to": own, "cc": [other], "n": 1}).to_string();
    // Another address would keep the pseudonym: it says where the value could go (decision 010).
    let (written, expected) = (arguments(&token, "5500 0055 5555 5559"), arguments(OWN, "[REDACTED_CARD]"));
    for calls in [2, 3, 12] {
        for size in [1, 3, 5, 16, 20, 100] {
            let got = pass(&house, &in_turn(&written, size, calls));
            for call in 0..calls {
                assert_eq!(arguments_of(&got, call), expected, "call {call} of {calls} in pieces of {size}");
            }
        }
    }
    assert_eq!(house.gate.metrics().withheld_total.get(), 0);
}

/// However the pieces of four texts are mixed, as long as none is left out for long, the client reads each as if it had come alone.
#[test]
fn texts_mixed_in_any_order_come_out_as_if_alone() {
    let house = House::new();
    let token = token(&house);
    let (text, expected) = said(&token);
    let mut dice = Dice::new(7);
    let fields = ["content", "reasoning", "refusal", "brand_new"];
    for round in 0..150 {
        let mut rest = [text.as_str(); 4];
        let (mut stream, mut turn) = (String::new(), 0);
        while rest.iter().any(|left| !left.is_empty()) {
            // A few events of one text, one or several texts in an event.
            let texts = usize::try_from(dice.below(3)).unwrap();
            let first = turn % 4;
            turn += 1;
            for _ in 0..=dice.below(3) {
                let mut delta = json!({});
                for number in first..=(first + texts).min(3) {
                    let size = usize::try_from(1 + dice.below(9)).unwrap().min(rest[number].len());
                    let (piece, after) = rest[number].split_at(size);
                    delta[fields[number]] = json!(piece);
                    rest[number] = after;
                }
                stream += &chat_event(0, &delta);
            }
        }
        let got = pass(&house, &(stream + DONE));
        for field in fields {
            assert_eq!(joined(&got, &format!("/choices/0/delta/{field}")), expected, "{field} of round {round}");
        }
    }
}

/// A text that stops in the middle of something does not hold the others back until the stream ends.
#[test]
fn a_text_that_is_left_out_for_long_is_decided_as_it_stands() {
    let house = House::new();
    let token = token(&house);
    let call = |piece: &str| chat_event(0, &json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}));
    let others: String = (0..40).map(|number| call(&format!("[{number}] "))).collect();
    let open = chat_event(0, &json!({"content": "write to eve@exam"})) + &others;
    let pause = Duration::from_secs(5);
    house.upstream.push(Answer::stream([open.clone(), DONE.to_owned()]).paced(Duration::ZERO).after_last(pause));
    let mut wire = Wire::open(house.address);
    wire.send(&asked());
    let began = std::time::Instant::now();
    wire.read_until("[39]");
    assert!(began.elapsed() < pause / 2);
    // What goes on after all cannot be taken back; it is stopped, or stays a pseudonym and is counted.
    let got = pass(&house, &(open + &chat_event(0, &json!({"content": "ple.net now"})) + DONE));
    assert!(!got.contains("ple.net") && got.contains("policy_blocked") && !got.contains("[DONE]"), "{got}");
    let halves = [&token[..9], &token[9..]];
    let cut = chat_event(0, &json!({"content": halves[0]})) + &others + &chat_event(0, &json!({"content": format!("{}. ", halves[1])}));
    assert_eq!(joined(&pass(&house, &(cut + DONE)), "/choices/0/delta/content"), format!("{token}. "));
    assert_eq!(house.gate.metrics().withheld_total.get(), 1);
    // What was decided then is not decided again, and a long secret goes on being covered.
    let begun = "a eve@example.net b\n-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq";
    let goes_on = "hkiG9w0BAQEFAASCBKcw\n-----END PRIVATE KEY-----\nbye ";
    let cut = chat_event(0, &json!({"content": begun})) + &others + &chat_event(0, &json!({"content": goes_on}));
    let got = joined(&pass(&house, &(cut + DONE)), "/choices/0/delta/content");
    assert_eq!(got, "a [REDACTED_EMAIL] b\n[REDACTED_PRIVATE_KEY]\nbye ");
}

/// A word that comes with every delta holds nothing back.
#[test]
fn a_word_in_every_event_is_no_text_that_grows() {
    let house = House::new();
    let event = |channel: &str, text: &str| chat_event(0, &json!({"channel": channel, "reasoning": text}));
    let open = (0..6).map(|number| event("analysis", &format!("[{number}] "))).collect::<String>();
    let pause = Duration::from_secs(5);
    house.upstream.push(Answer::stream([open.clone(), DONE.to_owned()]).paced(Duration::ZERO).after_last(pause));
    let mut wire = Wire::open(house.address);
    wire.send(&asked());
    let began = std::time::Instant::now();
    wire.read_until("[5]");
    assert!(began.elapsed() < pause / 2);
    drop(wire);
    let changed = open + &event("final", "so. ") + &event("final", "it is. ");
    assert_eq!(pass(&house, &(changed.clone() + DONE)), changed.clone() + DONE);
    assert!(!pass(&house, &(changed + &event("eve@example.net", "x ") + DONE)).contains("eve@"));
}

/// Two letters of a value that are the same are no repetition, however the value is cut.
#[test]
fn doubled_letters_are_no_word_in_every_event() {
    let house = House::new();
    for own in ["annna.llloyd@eggg-mmmm.example", "aaaaaaaa.bb@zz.example"] {
        for size in 1..5 {
            let pieces = canned::parts(own, size);
            let stream: String = pieces.iter().map(|piece| chat_event(0, &json!({"brand_new": piece}))).collect();
            let got = joined(&pass(&house, &(stream + DONE)), "/choices/0/delta/brand_new");
            assert!(!got.contains("lloyd") && !got.contains("bb@") && !got.contains("annn"), "pieces of {size}: {got}");
        }
    }
    // Nor are the first ones, so nothing has been let go that the rest would make a value of.
    for pieces in [["n", "n", "gjuydu%40example.com"], ["ma", "ma", ".lee@example.net"], ["pap", "pap", "@example.net"]] {
        let stream: String = pieces.iter().map(|piece| chat_event(0, &json!({"brand_new": piece}))).collect();
        let got = pass(&house, &(stream + DONE));
        assert!(got.ends_with(DONE), "{pieces:?}: {got}");
        assert_eq!(joined(&got, "/choices/0/delta/brand_new"), "[REDACTED_EMAIL]", "{pieces:?}");
    }
}

/// What waits for the end of a word makes way for large events.
#[test]
fn a_word_that_waits_does_not_fill_the_memory() {
    let house = House::build(Plan { limits: Limits { held_bytes: 100_000, ..Limits::default() }, ..Plan::default() });
    let call = chat_event(0, &json!({"tool_calls": [{"index": 0, "function": {"arguments": "[1] ".repeat(10_000)}}]}));
    let stream = chat_event(0, &json!({"content": "done"})) + &call.repeat(5) + DONE;
    assert_eq!(pass(&house, &stream), stream);
}

fn annotation(title: &str) -> String {
    chat_event(0, &json!({"annotations": [{"type": "url_citation", "url_citation": {"title": title, "content": title}}]}))
}

fn citation(text: &str) -> String {
    let citation = json!({"type": "char_location", "cited_text": text, "document_index": 0});
    anthropic_event(0, &json!({"type": "citations_delta", "citation": citation}))
}

/// (what the model sent, what the client is to read), complete texts one after the other.
const COMPLETE: &[(&str, &str)] = &[
    ("card 4111111111111111", "card [REDACTED_CARD]"),
    ("5500005555555559 next", "[REDACTED_CARD] next"),
    ("by eve@example.net", "by [REDACTED_EMAIL]"),
    ("; 10", "; 10"),
];

#[test]
fn complete_texts_in_deltas_are_not_joined() {
    let house = House::new();
    let unknown = |text: &str| chat_event(0, &json!({"brand_new": text}));
    let block = |text: &str| anthropic_event(0, &json!({"type": "brand_new_delta", "brand_new": text}));
    let rows: [&dyn Fn(&str) -> String; 4] = [&annotation, &citation, &unknown, &block];
    for row in rows {
        let stream =
            |side: fn(&(&'static str, &'static str)) -> &'static str| COMPLETE.iter().map(|pair| row(side(pair))).collect::<String>();
        let (sent, expected) = (stream(|pair| pair.0), stream(|pair| pair.1));
        assert_eq!(pass(&house, &(sent + DONE)), expected + DONE);
    }
    // The same field in pieces.
    let pieces = canned::parts("mail eve@example.net or 4111111111111111 now", 5);
    let got = pass(&house, &(pieces.iter().map(|piece| unknown(piece)).collect::<String>() + DONE));
    assert_eq!(joined(&got, "/choices/0/delta/brand_new"), "mail [REDACTED_EMAIL] or [REDACTED_CARD] now");
}

#[test]
fn each_piece_of_an_unknown_field_is_judged_once() {
    let house = House::new();
    pass(&house, &(chat_event(0, &json!({"brand_new": "mail eve@example.net now"})) + DONE));
    let event = house.journal.all().pop().unwrap().event.unwrap();
    assert_eq!(event["facts"]["context"]["labels"]["pii.email"]["count"], 1, "{event}");
}

#[test]
fn a_byte_order_mark_hides_nothing() {
    let house = House::new();
    let event = |text: &str| chat_event(0, &json!({"content": text}));
    let stream = |text: &str, comment: &str| format!("\u{feff}{}{comment}\n\n", event(text).trim_end().to_owned() + "\n") + DONE;
    let got = pass(&house, &stream("mail eve@example.net now", ": bob@example.net"));
    assert_eq!(got, stream("mail [REDACTED_EMAIL] now", ":"));
}

fn opening(input: &Value) -> String {
    let start =
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": input}});
    let stop = json!({"type": "content_block_stop", "index": 0});
    format!("event: content_block_start\ndata: {start}\n\nevent: content_block_stop\ndata: {stop}\n\n")
}

/// The input of an opening block is what it is in a whole answer: keys give hints, and keys of people's own are not recorded.
#[test]
fn the_input_of_an_opening_block_is_guarded_like_a_whole_answers() {
    let house = House::new();
    let inputs = [
        json!({"password": "correcthorse9battery", "ssn": "123456789", "n": [1, "x"]}),
        json!({"note": "[{\"card\": 4111111111111111}]", "deep": {"to": ["eve@example.net"]}}),
        json!({"zed.keyname": {"a": "eve@example.net"}}),
    ];
    for input in inputs {
        house.upstream.push(Answer::json(canned::message_tool_use("m", "f", &input.to_string())));
        let whole = house.send(&asked()).json()["content"][0]["input"].clone();
        assert_ne!(whole, input);
        let got = pass(&house, &opening(&input));
        let start: Value = events(&got)[0].clone();
        assert_eq!(start["content_block"]["input"], whole);
        let event = house.journal.all().pop().unwrap().event.unwrap();
        let paths = event["findings"].to_string();
        assert!(paths.contains("/content_block/input") && !paths.contains("keyname"), "{paths}");
    }
}

#[test]
fn an_identifier_in_pieces_is_read_as_one() {
    let house = House::new();
    let name = |piece: &str| chat_event(0, &json!({"tool_calls": [{"index": 0, "function": {"name": piece}}]}));
    for pieces in [["mail_eve@exam", "ple.net"], ["user", "@example.net"], ["mail_eve", "@example.net"]] {
        let got = pass(&house, &(pieces.map(name).concat() + DONE));
        assert!(!got.contains("example.net") && !got.contains("ple.net") && got.contains("cannot be replaced"), "{got}");
    }
    let clean = ["get_", "weather"].map(name).concat() + DONE;
    assert_eq!(pass(&house, &clean), clean);
}

/// Pieces outside a `delta`.
#[test]
fn pieces_beside_the_delta_are_joined() {
    let house = House::new();
    let token = token(&house);
    let (text, expected) = said(&token);
    let event = |choice: &Value| format!("data: {}\n\n", json!({"choices": [choice]}));
    for size in 1..=text.len() {
        let pieces = canned::parts(&text, size);
        let texts: String = pieces.iter().map(|piece| event(&json!({"index": 0, "text": piece}))).collect();
        assert_eq!(joined(&pass(&house, &(texts + DONE)), "/choices/0/text"), expected, "pieces of {size}");
        let messages: String = pieces.iter().map(|piece| event(&json!({"index": 0, "message": {"content": piece}}))).collect();
        assert_eq!(joined(&pass(&house, &(messages + DONE)), "/choices/0/message/content"), expected, "pieces of {size}");
    }
}

#[test]
fn many_blocks_are_not_too_many_texts() {
    let house = House::new();
    let result = |number: usize| json!({"type": "web_search_result", "url": format!("https://example.org/{number}"), "title": format!("t{number}"), "page_age": "1 day"});
    let block = |index: usize| {
        let content: Vec<Value> = (0..10).map(result).collect();
        let search = json!({"type": "content_block_start", "index": 2 * index, "content_block": {"type": "web_search_tool_result", "tool_use_id": "t", "content": content}});
        let text = json!({"type": "content_block_start", "index": 2 * index + 1, "content_block": {"type": "text", "text": "so it is"}});
        let stop = |index: usize| format!("data: {}\n\n", json!({"type": "content_block_stop", "index": index}));
        format!("data: {search}\n\n{}data: {text}\n\n{}", stop(2 * index), stop(2 * index + 1))
    };
    let stream = (0..1_100).map(block).collect::<String>() + "data: {\"type\":\"message_stop\"}\n\n";
    let got = pass(&house, &stream);
    assert!(got == stream, "{}", &got[got.len() - 300..]);
    // Those that still grow are bounded.
    let open: String = (0..1_100).map(|index| chat_event(index, &json!({"content": "hm"}))).collect();
    let got = pass(&house, &(open + DONE));
    assert!(got.contains("more than 1024 texts") && !got.contains("[DONE]"), "{}", &got[got.len() - 300..]);
}

/// Bare words in small deltas must not be looked at again and again.
#[test]
fn small_deltas_of_one_long_word_cost_what_they_hold() {
    let house = House::new();
    let timed = |text: &str| {
        house.upstream.push(Answer::stream([canned::chat_events("m", &canned::parts(text, 4)).concat()]));
        let began = std::time::Instant::now();
        assert!(house.send(&asked()).whole);
        began.elapsed()
    };
    let word = |count: usize| "[ ".to_owned() + &"aaaaaaaa".repeat(count);
    timed(&word(500));
    let (plain, long) = (timed(&"hello a ".repeat(16_000)), timed(&word(16_000)));
    assert!(long < plain * 3, "{plain:?} for words, {long:?} for one word");
}

/// Every kind of stream at every two-way split of its bytes: the same bytes for the client, the same record.
#[test]
fn every_split_of_every_kind_of_stream_gives_the_same() {
    let house = House::new();
    let token = token(&house);
    let text = said(&token).0;
    let arguments = json!({"to": token, "cc": "eve@example.net"}).to_string();
    let complete = |row: &dyn Fn(&str) -> String| COMPLETE.iter().map(|pair| row(pair.0)).collect::<String>() + DONE;
    let rows = [
        ("side by side", side_by_side(&text, 21)),
        ("tool calls in turn", in_turn(&arguments, 19, 2)),
        ("annotations", complete(&annotation)),
        ("citations", complete(&citation)),
        ("unknown", complete(&|text| chat_event(0, &json!({"brand_new": text})))),
        ("input", opening(&json!({"password": "correcthorse9battery", "to": token}))),
        ("mark", format!("\u{feff}data: {{\"delta\":{{\"text\":\"eve@example.net \"}}}}\n: bob@example.net\n\n{DONE}")),
        (
            "texts",
            format!(
                "data: {{\"choices\":[{{\"text\":\"eve@exam\"}}]}}\r\n\r\ndata: {{\"choices\":[{{\"text\":\"ple.net {token}\"}}]}}\r\rdata: [DONE]\r\r"
            ),
        ),
    ];
    for (name, stream) in rows {
        let expected = pass_cut(&house, &stream, 0);
        assert!(!expected.0.contains("eve@") && !expected.0.contains("4111") && !expected.0.contains("battery"), "{name}: {}", expected.0);
        assert_eq!(expected.1[0], "remedied", "{name}");
        for cut in 1..stream.len() {
            assert_eq!(pass_cut(&house, &stream, cut), expected, "{name} cut at {cut}");
        }
    }
}

#[test]
fn a_stream_is_counted_by_how_it_ends() {
    let forbid = r#"@id("no") forbid (principal, action == Action::"complete", resource) when { context.labels.contains("pii.email") };"#;
    let house = House::build(Plan { more: forbid, ..Plan::default() });
    let metrics = house.gate.metrics();
    let rows = [(["I am eve", "@example.net", " and on"], (1, 0, 1)), (["fine ", "and ", "good"], (2, 1, 1))];
    for (said, expected) in rows {
        house.upstream.push(Answer::stream(canned::chat_events("m", &said)));
        house.journal.clear();
        house.chat(r#"{"model":"gpt-4o-mini","stream":true,"messages":[]}"#);
        house.journal.wait_for("end");
        let counted = || (metrics.requests_total.get(), metrics.permitted_total.get(), metrics.blocked_total.get());
        let began = std::time::Instant::now();
        while counted() != expected && began.elapsed() < Duration::from_secs(2) {
            std::thread::yield_now();
        }
        assert_eq!(counted(), expected, "{said:?}");
    }
}
