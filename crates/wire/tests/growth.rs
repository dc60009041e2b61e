//! What a body or an event costs grows with its length, whatever its shape: four times as long may not take much more than four
//! times as long. Quadratic work takes sixteen times.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::{Duration, Instant};

use bartizan_wire::json::{JsonLimits, Tape};
use bartizan_wire::{Route, Side, control, is_format_key, read, read_event};

/// So many times as long. The short text is worked through as often, so that a busy machine takes as much from either side.
const TIMES: usize = 4;
/// Of linear work one, of quadratic work four.
const MOST: u32 = 2;

fn shortest(run: &dyn Fn()) -> Duration {
    let once = || {
        let begun = Instant::now();
        run();
        begun.elapsed()
    };
    let first = once();
    // What takes so long needs no second look.
    if first > Duration::from_secs(2) { first } else { once().min(once()).min(first) }
}

/// `make` gives a text of about so many bytes.
fn check(name: &str, make: impl Fn(usize) -> String, run: impl Fn(&str)) {
    let (small, large) = (make(256 << 10), make(TIMES * (256 << 10)));
    assert!((3..=5).contains(&(large.len() / small.len())), "{name}: {} and {} bytes", small.len(), large.len());
    let mut times = Vec::new();
    for _ in 0..4 {
        let short = shortest(&|| (0..TIMES).for_each(|_| run(&small)));
        let long = shortest(&|| run(&large));
        if long < short * MOST {
            return;
        }
        times.push((short, long));
    }
    panic!("{name}: {times:?}");
}

fn event(payload: &str) {
    read_event(payload.as_bytes(), &JsonLimits::default()).unwrap();
}

fn body(body: &str) {
    let tape = Tape::read(body.as_bytes(), &JsonLimits::default()).unwrap();
    let _ = control(&tape, body.as_bytes(), Route::ChatCompletions);
    read(&tape, body.as_bytes(), Side::Request);
    read(&tape, body.as_bytes(), Side::Answer);
}

fn pointers(body: &str) {
    let tape = Tape::read(body.as_bytes(), &JsonLimits::default()).unwrap();
    for part in read(&tape, body.as_bytes(), Side::Request).parts {
        let shown = tape.pointer(body.as_bytes(), part.node, |_| false);
        let concealed = tape.pointer(body.as_bytes(), part.node, |key| !is_format_key(&tape, body.as_bytes(), key));
        assert!(shown.len() <= 300 && concealed.len() <= 300, "{} and {} bytes", shown.len(), concealed.len());
    }
}

/// So many bytes of `item`s.
fn items(bytes: usize, item: &str) -> String {
    vec![item; bytes / (item.len() + 1)].join(",")
}

#[test]
fn channels_under_a_long_name() {
    for name in ["k", "\\n", "\u{e4}"] {
        check(
            &format!("a member name of many {name}"),
            |bytes| {
                let key = name.repeat(bytes / 2 / name.len());
                let pieces = items(bytes / 2, "\"a\"");
                format!(r#"{{"choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":0,"{key}":{{"content":[{pieces}]}}}}]}}}}]}}"#)
            },
            event,
        );
    }
    check(
        "the same choice again and again",
        |bytes| format!(r#"{{"choices":[{}],"{}":1}}"#, items(bytes / 2, r#"{"delta":{"content":"a"}}"#), "k".repeat(bytes / 2)),
        event,
    );
}

#[test]
fn channels_of_wide_and_deep_events() {
    check(
        "an index behind many members",
        |bytes| {
            let pieces = items(bytes / 2, r#"{"text":"a"}"#);
            let others = items(bytes / 2, r#""x":1"#);
            format!(r#"{{"choices":[{{{others},"index":0,"delta":{{"content":[{pieces}]}}}}]}}"#)
        },
        event,
    );
    check(
        "deep in lists",
        |bytes| {
            let pieces = items(bytes, "\"a\"");
            format!(r#"{{"choices":[{{"delta":{{"content":{}{pieces}{}}}}}]}}"#, "[".repeat(120), "]".repeat(120))
        },
        event,
    );
}

#[test]
fn channels_of_the_other_formats() {
    check(
        "candidates that leave out a zero",
        |bytes| format!(r#"{{"candidates":[{}]}}"#, items(bytes, r#"{"content":{"parts":[{"text":"a"},{"text":"b","thought":true}]}}"#)),
        event,
    );
    check(
        "parts under a long name",
        |bytes| {
            let pieces = items(bytes / 2, r#"{"text":"a"}"#);
            format!(r#"{{"candidates":[{{"index":1,"content":{{"{}":{{"parts":[{pieces}]}}}}}}]}}"#, "k".repeat(bytes / 2))
        },
        event,
    );
    check(
        "the Responses API",
        |bytes| format!(r#"{{"type":"response.output_text.delta","output_index":0,"delta":[{}]}}"#, items(bytes, r#""a""#)),
        event,
    );
}

#[test]
fn a_long_name_that_a_position_leads_to() {
    // Node 1 is the key of the root: a list's second element has that position.
    check(
        "lists in lists",
        |bytes| {
            let lists = items(bytes / 2, r#"["a","b"]"#);
            format!(r#"{{"{}":1,"model":"m","messages":[{{"role":"user","content":[{lists}]}}]}}"#, "k".repeat(bytes / 2))
        },
        body,
    );
}

#[test]
fn pointers_under_a_long_name() {
    for name in ["k", "\\n", "~", "\u{e4}"] {
        check(
            &format!("a member name of many {name}"),
            |bytes| {
                let texts = items(bytes / 2, "\"a b\"");
                format!(r#"{{"model":"m","messages":[{{"role":"user","{}":[{texts}]}}]}}"#, name.repeat(bytes / 2 / name.len()))
            },
            pointers,
        );
    }
}
