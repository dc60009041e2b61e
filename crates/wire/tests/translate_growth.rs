//! What a translation costs grows with the length of what is translated, whatever its shape: eight times as long may not take much more
//! than eight times as long.
#![expect(clippy::panic, reason = "tests")]

use std::time::{Duration, Instant};

use bartizan_wire::json::{JsonLimits, Tape};
use bartizan_wire::translate::{Saying, Translation};
use bartizan_wire::{Family, Route};

/// So many times as long. The short text is worked through as often, so that a busy machine takes as much from either side.
const TIMES: usize = 8;
/// Of linear work one, of quadratic work eight.
const MOST: u32 = 3;

const ALL: [(Route, Family); 3] =
    [(Route::ChatCompletions, Family::OpenAi), (Route::Messages, Family::Anthropic), (Route::GenerateContent, Family::Gemini)];

fn translations() -> impl Iterator<Item = Translation> {
    ALL.into_iter().flat_map(|(route, _)| ALL.into_iter().filter_map(move |(_, family)| Translation::between(route, family)))
}

fn shortest(run: &dyn Fn()) -> Duration {
    let once = || {
        let begun = Instant::now();
        run();
        begun.elapsed()
    };
    once().min(once()).min(once())
}

/// `make` gives a text of about so many bytes.
fn check(name: &str, make: impl Fn(usize) -> String, run: impl Fn(Translation, &str)) {
    let (small, large) = (make(64 << 10), make(TIMES * (64 << 10)));
    for translation in translations() {
        let mut times = Vec::new();
        let linear = (0..8).any(|_| {
            let short = shortest(&|| (0..TIMES).for_each(|_| run(translation, &small)));
            let long = shortest(&|| run(translation, &large));
            times.push((short, long));
            // What takes no time is refused at once.
            long < short * MOST || long < Duration::from_millis(3)
        });
        assert!(linear, "{name}, {translation:?}: {times:?}");
    }
}

fn items(bytes: usize, item: &str) -> String {
    vec![item; bytes / (item.len() + 1)].join(",")
}

/// Items in which `@@` is a number of their own.
fn numbered(bytes: usize, item: &str) -> String {
    let count = bytes / (item.len() + 4);
    (0..count).map(|at| item.replace("@@", &at.to_string())).collect::<Vec<_>>().join(",")
}

fn whole(translation: Translation, body: &str) {
    let limits = JsonLimits::default();
    let tape = Tape::read(body.as_bytes(), &limits).unwrap_or_else(|error| panic!("{error}"));
    let _either_way = translation.request(&tape, body.as_bytes(), &limits, ("m", true));
    let _either_way = translation.answer(&tape, body.as_bytes(), &limits, Saying::default());
}

fn stream(translation: Translation, body: &str) {
    let mut translator = translation.stream(&JsonLimits::default(), 8 << 20, Saying::default());
    let mut out = Vec::new();
    let _either_way = translator.push(body.as_bytes(), &mut out).and_then(|()| translator.finish(&mut out));
}

#[test]
fn requests() {
    let shapes: &[(&str, &str, &str, &str)] = &[
        ("messages", r#"{"max_tokens":1,"messages":["#, r#"{"role":"user","content":"a"}"#, "]}"),
        (
            "turns",
            r#"{"messages":["#,
            r#"{"role":"user","content":"a"},{"role":"assistant","content":"b"}"#,
            r#",{"role":"user","content":"a"}]}"#,
        ),
        ("parts", r#"{"messages":[{"role":"user","content":["#, r#"{"type":"text","text":"a"}"#, "]}]}"),
        ("instructions", r#"{"messages":["#, r#"{"role":"system","content":"a"}"#, "]}"),
        ("contents", r#"{"contents":["#, r#"{"parts":[{"text":"a"}]}"#, "]}"),
        ("parts of one", r#"{"contents":[{"parts":["#, r#"{"text":"a"}"#, "]}]}"),
        ("stops", r#"{"messages":[],"stop":["#, r#""a""#, "]}"),
        (
            "schema",
            r#"{"contents":[],"tools":[{"functionDeclarations":[{"name":"f","parameters":{"anyOf":["#,
            r#"{"type":"STRING"}"#,
            "]}}]}]}",
        ),
        ("nulls", r#"{"messages":[],"#, r#""x":null"#, "}"),
        ("repeated", r#"{"messages":[],"#, r#""model":"m""#, "}"),
        ("text", r#"{"messages":[{"role":"user","content":""#, "a\\n", r#""}]}"#),
    ];
    for (name, before, item, after) in shapes {
        check(name, |bytes| format!("{before}{}{after}", items(bytes, item)), whole);
    }
    let calls: &[(&str, &str, &str, &str)] = &[
        (
            "calls and results of OpenAI's",
            r#"{"messages":["#,
            r#"{"role":"assistant","tool_calls":[{"id":"c@@","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c@@","content":"x"}"#,
            "]}",
        ),
        ("results", r#"{"messages":["#, r#"{"role":"tool","tool_call_id":"c@@","content":"x"}"#, "]}"),
        (
            "calls and results of Gemini's",
            r#"{"contents":["#,
            r#"{"role":"model","parts":[{"functionCall":{"name":"f@@"}}]},{"parts":[{"functionResponse":{"name":"f@@","response":{}}}]}"#,
            "]}",
        ),
        ("calls of one turn", r#"{"contents":[{"role":"model","parts":["#, r#"{"functionCall":{"name":"f@@"}}"#, "]}]}"),
        ("tools", r#"{"messages":[],"max_tokens":1,"tools":["#, r#"{"name":"f@@","input_schema":{}}"#, "]}"),
    ];
    for (name, before, item, after) in calls {
        check(name, |bytes| format!("{before}{}{after}", numbered(bytes, item)), whole);
    }
}

#[test]
fn answers() {
    let shapes: &[(&str, &str, &str, &str)] = &[
        ("choices", r#"{"choices":["#, r#"{"index":1,"message":{"content":"a"},"finish_reason":"stop"}"#, "]}"),
        ("blocks", r#"{"content":["#, r#"{"type":"text","text":"a"}"#, r#"],"stop_reason":"end_turn"}"#),
        ("parts", r#"{"candidates":[{"finishReason":"STOP","content":{"parts":["#, r#"{"text":"a"}"#, "]}}]}"),
        (
            "pieces of a call",
            r#"{"choices":[{"finish_reason":"stop","message":{"tool_calls":["#,
            r#"{"index":0,"function":{"name":"f","arguments":" "}}"#,
            "]}}]}",
        ),
        ("calls", r#"{"candidates":[{"finishReason":"STOP","content":{"parts":["#, r#"{"functionCall":{"name":"f"}}"#, "]}}]}"),
    ];
    for (name, before, item, after) in shapes {
        check(name, |bytes| format!("{before}{}{after}", items(bytes, item)), whole);
    }
}

#[test]
fn streams() {
    let shapes: &[(&str, &str)] = &[
        ("text of OpenAI's", "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"),
        (
            "calls of OpenAI's",
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,\"function\":{\"name\":\"f\",\"arguments\":\"a\"}}]}}]}\n\n",
        ),
        (
            "endings of OpenAI's",
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,\"function\":{\"name\":\"f\"}}]},\"finish_reason\":\"stop\"}]}\n\n",
        ),
        ("text of Anthropic's", "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n"),
        ("blocks of Anthropic's", "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\",\"text\":\"a\"}}\n\n"),
        ("text of Gemini's", "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n"),
        ("comments", ": a\n\n"),
    ];
    for (name, event) in shapes {
        check(name, |bytes| event.repeat(bytes / event.len()), stream);
    }
    let one = |bytes: usize| format!("data: {{\"candidates\":[{{\"content\":{{\"parts\":[{}]}}}}]}}\n\n", items(bytes, r#"{"text":"a"}"#));
    check("parts of one event", one, stream);
}
