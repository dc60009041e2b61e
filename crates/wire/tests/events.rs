//! Stream events: which text grows through which piece, what is finished, what comes last.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::fmt::Write as _;

use bartizan_wire::json::JsonLimits;
use bartizan_wire::{Channel, SseReader, is_done, read_event};

/// The texts of a stream, put together by channel in order of appearance, and its end marks.
fn story(stream: &str) -> String {
    let mut reader = SseReader::new(100_000);
    reader.push(stream.as_bytes());
    let mut order: Vec<Channel> = Vec::new();
    let mut texts: HashMap<Channel, (String, String)> = HashMap::new();
    let mut out = String::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        let payload = frame.payload();
        if is_done(&payload) {
            writeln!(out, "done").unwrap();
            continue;
        }
        let event = read_event(&payload, &JsonLimits::default()).unwrap();
        for part in &event.reading.parts {
            let Some(channel) = part.channel else { continue };
            let name = event.tape.pointer(&payload, part.node, |_| false);
            let text = texts.entry(channel).or_insert_with(|| {
                order.push(channel);
                (name, String::new())
            });
            write!(text.1, "{}|", event.tape.text(&payload, part.node)).unwrap();
        }
        for group in &event.finished {
            writeln!(out, "finished {group}").unwrap();
        }
        if let Some(channel) = event.ended {
            let number = order.iter().position(|known| *known == channel);
            writeln!(out, "ended {}", number.map_or("nothing".to_owned(), |number| number.to_string())).unwrap();
        }
        if event.last {
            writeln!(out, "last").unwrap();
        }
    }
    for channel in order {
        let (name, text) = texts.get(&channel).unwrap();
        let alone = if channel.alone { " alone" } else { "" };
        writeln!(out, "group {} first {name}: {text}{alone}", channel.group).unwrap();
    }
    out
}

fn check(stream: &str, expected: &[&str]) {
    assert_eq!(story(stream).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn openai_stream() {
    check(
        include_str!("fixtures/openai.sse"),
        &[
            "finished 0",
            "finished 1",
            "done",
            "group 0 first /choices/0/delta/content: |Hel|lo|",
            "group 1 first /choices/1/delta/content: Bon|jour|",
            "group 0 first /choices/0/delta/reasoning_content: think|",
            "group 0 first /choices/0/delta/tool_calls/0/function/name: get_weather| alone",
            "group 0 first /choices/0/delta/tool_calls/0/function/arguments: |{\"a|",
            "group 0 first /choices/0/delta/tool_calls/0/function/arguments: {\"b|\":2}|",
        ],
    );
}

/// Texts of one kind are one text, wherever their parts stand; thoughts are another one. A zero `index` is left out.
#[test]
fn gemini_stream() {
    let stream = [
        r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Let me ","thought":true},{"text":"He"}]},"index":1}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"llo"},{"thought":true,"text":"see"},{"text":" wor","thoughtSignature":"c2VhbGVk"}]},"index":1},{"content":{"parts":[{"text":"Bon"}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"ld"},{"functionCall":{"name":"f","args":{"a":"x"}}},{"brandNew":"y"},{"audioTranscription":{"text":"so","speakerLabel":"a"}}]},"index":1,"finishReason":"STOP"}],"usageMetadata":{}}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"jour"},{"functionCall":{"name":"g","partialArgs":[{"jsonPath":"$.a","stringValue":"p","willContinue":true},{"jsonPath":"$.a","stringValue":"q"}]}}]},"finishReason":"MAX_TOKENS"}]}"#,
        r#"{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}"#,
    ];
    check(
        &stream.map(|event| format!("data: {event}\r\n\r\n")).concat(),
        &[
            "finished 1",
            "finished 0",
            "last",
            "group 1 first /candidates/0/content/parts/0/text: Let me |see|",
            "group 1 first /candidates/0/content/parts/1/text: He|llo| wor|ld|",
            "group 0 first /candidates/1/content/parts/0/text: Bon|jour|",
            "group 1 first /candidates/0/content/parts/2/brandNew: y| alone",
            "group 1 first /candidates/0/content/parts/3/audioTranscription/text: so|",
            "group 0 first /candidates/0/content/parts/1/functionCall/partialArgs/0/stringValue: p|q| alone",
        ],
    );
}

#[test]
fn responses_stream() {
    check(
        include_str!("fixtures/responses.sse"),
        &[
            "ended 0",
            "ended nothing",
            "ended 1",
            "finished 0",
            "ended 2",
            "ended nothing",
            "finished 1",
            "ended 3",
            "finished 2",
            "last",
            "group 0 first /delta: Think|ing.|",
            "group 0 first /delta: More.|",
            "group 1 first /delta: Hel|lo|",
            "group 2 first /delta: {\"a|\":1}|",
            "group 3 first /delta: what| alone",
        ],
    );
}

#[test]
fn anthropic_stream() {
    check(
        include_str!("fixtures/anthropic.sse"),
        &[
            "finished 0",
            "finished 1",
            "finished 2",
            "last",
            "group 0 first /content_block/thinking: |Let me see|",
            "group 1 first /content_block/text: He|llo|",
            "group 2 first /delta/partial_json: {\"city\":| \"Paris\"}|",
            "group 3 first /delta/hologram: boo| alone",
        ],
    );
}

#[test]
fn odd_events() {
    check("data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n", &["last"]);
    check("data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n", &[]);
    check(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"\"}]}\n\n",
        &["group 0 first /choices/0/delta/content: a|"],
    );
    // Without `index`, the position counts, for the text and for its end alike.
    check(
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}},{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}\n\n",
        &["finished 1", "group 0 first /choices/0/delta/content: a|", "group 1 first /choices/1/delta/content: b|"],
    );
    check(
        "data: {\"choices\":[{\"index\":-1,\"delta\":{\"content\":\"a\"}},{\"index\":4294967296,\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}\n\n",
        &["finished 1", "group 0 first /choices/0/delta/content: a|", "group 1 first /choices/1/delta/content: b|"],
    );
    check("data: [1]\n\ndata: \"x\"\n\ndata:  [DONE] \n\n", &["done"]);
    assert!(read_event(b"not json", &JsonLimits::default()).is_err());
    assert!(read_event(b"{\"a\":\"\xff\"}", &JsonLimits::default()).is_err());
    assert!(!is_done(b"[done]"));
}

/// A text keeps its name from event to event, whatever stands beside it, and shares it with no other.
#[test]
fn one_text_has_one_channel() {
    let long = "k".repeat(5_000);
    let first = format!(
        r#"{{"choices":[{{"index":1,"delta":{{"content":"a","tool_calls":[{{"index":2,"{long}":{{"content":["b","c"]}}}},{{"index":3,"function":{{"arguments":"d"}}}}]}}}},{{"index":0,"delta":{{"content":"e"}}}}]}}"#
    );
    let again = format!(
        r#"{{"usage":{{"n":1}},"choices":[{{"delta":{{"content":"E"}}}},{{"delta":{{"x":["0"],"tool_calls":[{{"function":{{"arguments":"D"}},"index":3}},{{"{long}":{{"content":["B","C"]}},"index":2}}],"content":"A"}},"index":1}}]}}"#
    );
    let stream = format!("data: {first}\n\ndata: {again}\n\n");
    let texts: Vec<String> = story(&stream).lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect();
    assert_eq!(texts, ["a|A|", "b|B|", "c|C|", "d|D|", "e|E|"]);
}

/// A signature is never held back or edited; the pieces of a call's arguments are one text whatever they are called.
#[test]
fn what_has_a_channel() {
    let payload = br#"{"type":"content_block_delta","index":1,"delta":{"type":"signature_delta","signature":"not sealed"}}"#;
    let event = read_event(payload, &JsonLimits::default()).unwrap();
    assert!(event.reading.parts.iter().all(|part| part.channel.is_none()));
}

/// Which strings of an event are pieces, and which of those may be complete as well.
#[test]
fn what_comes_in_pieces() {
    let rows: &[(&str, &[&str])] = &[
        (
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":"a","brand_new":"b","annotations":[{"text":"c","content":"d"}],"audio":{"transcript":"e"},"reasoning_details":[{"type":"reasoning.text","text":"f"},{"type":"reasoning.summary","summary":"g","other":"h"}]}}]}"#,
            &["content: a", "brand_new: b alone", "audio/transcript: e", "reasoning_details/0/text: f", "reasoning_details/1/summary: g"],
        ),
        (
            r#"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"a"}]},{"type":"text","text":"b"}],"citation":{"text":"c"}}}]}"#,
            &["content/0/thinking/0/text: a", "content/1/text: b"],
        ),
        (
            r#"{"choices":[{"delta":{"tool_calls":[{"id":"i","function":{"name":"n","arguments":"a"}},{"function":{"arguments":{"text":"b"}}},{"custom":{"input":"c"}},{"code_interpreter":{"input":"e","outputs":[{"logs":"f"}]}}],"function_call":{"arguments":"d"}}}]}"#,
            &[
                "tool_calls/0/function/name: n alone",
                "tool_calls/0/function/arguments: a",
                "tool_calls/2/custom/input: c",
                "tool_calls/3/code_interpreter/input: e",
                "function_call/arguments: d",
            ],
        ),
        (
            r#"{"content_block":{"type":"x","text":"a","brand_new":"b","input":{"text":"c"},"content":[{"type":"text","text":"d"}]}}"#,
            &["text: a", "brand_new: b alone"],
        ),
        (r#"{"delta":{"type":"citations_delta","citation":{"cited_text":"a","title":"b"}}}"#, &[]),
        (
            r#"{"choices":[{"text":"a","message":{"content":"b","tool_calls":[{"function":{"arguments":"c"}}]}}]}"#,
            &["text: a", "content: b alone"],
        ),
        (r#"{"type":"response.output_text.delta","delta":"a","item_id":"i","brand_new":"b"}"#, &["delta: a"]),
        (r#"{"type":"response.brand_new.delta","delta":"a","item_id":"i"}"#, &["delta: a alone"]),
        (
            r#"{"type":"response.shell_call_output_content.delta","delta":{"stdout":"a","other":"b"}}"#,
            &["stdout: a alone", "other: b alone"],
        ),
        (r#"{"type":"response.output_text.done","text":"a","delta":"b"}"#, &["delta: b"]),
        (r#"{"type":"response.completed","response":{"output":[{"type":"message","content":[{"type":"output_text","text":"a"}]}]}}"#, &[]),
        (r#"{"message":{"content":[{"type":"text","text":"a"}]}}"#, &[]),
    ];
    for (payload, expected) in rows {
        let event = read_event(payload.as_bytes(), &JsonLimits::default()).unwrap();
        let piece = |part: &bartizan_wire::Part| {
            let alone = if part.channel?.alone { " alone" } else { "" };
            let path = event.tape.pointer(payload.as_bytes(), part.node, |_| false);
            let path = ["/delta/", "/content_block/", "/message/", "/choices/0/", "/"]
                .iter()
                .find_map(|head| Some(path.split_once(head)?.1.to_owned()));
            Some(format!("{}: {}{alone}", path.unwrap(), event.tape.text(payload.as_bytes(), part.node)))
        };
        assert_eq!(event.reading.parts.iter().filter_map(piece).collect::<Vec<_>>(), *expected, "{payload}");
    }
}
