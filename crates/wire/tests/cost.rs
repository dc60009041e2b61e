//! Hostile shapes at the default limits: a million nodes, wide, repeated, escaped. Each would take minutes if anything here were
//! quadratic; the bound is generous because machines differ.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use bartizan_wire::json::{JsonLimits, Tape};
use bartizan_wire::{Route, Side, control, read, told};

fn check(name: &str, body: &str) {
    let begun = Instant::now();
    let tape = Tape::read(body.as_bytes(), &JsonLimits::default()).unwrap();
    let last = u32::try_from(tape.len() - 1).unwrap();
    for route in [Route::ChatCompletions, Route::GenerateContent, Route::Responses, Route::CreateConversation] {
        let _ = control(&tape, body.as_bytes(), route);
    }
    let _ = told(Route::ListItems, &tape, body.as_bytes());
    let _ = bartizan_wire::read_event(body.as_bytes(), &JsonLimits::default());
    let parts = read(&tape, body.as_bytes(), Side::Request).parts.len() + read(&tape, body.as_bytes(), Side::Answer).parts.len();
    let pointer = tape.pointer(body.as_bytes(), last, |_| false);
    assert!(
        begun.elapsed() < Duration::from_mins(1),
        "{name}: {:?} for {} nodes, {parts} parts, {}",
        begun.elapsed(),
        tape.len(),
        pointer.len()
    );
}

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(",")
}

#[test]
fn wide_bodies_cost_what_they_hold() {
    let head = r#""model":"m","messages":"#;
    check("messages", &format!("{{{head}[{}]}}", list(190_000, |at| format!(r#"{{"role":"assistant","content":"{at}"}}"#))));
    check("one wide message", &format!("{{{head}[{{{}}}]}}", list(490_000, |at| format!(r#""role{at}":"x""#))));
    check(
        "parts",
        &format!(r#"{{{head}[{{"role":"user","content":[{}]}}]}}"#, list(190_000, |_| r#"{"type":"text","text":"x"}"#.to_owned())),
    );
    check("root keys", &format!("{{{head}[],{}}}", list(490_000, |at| format!(r#""\u006dodel{at}\ud800":1"#))));
    check("numbers", &format!("{{{head}[],\"x\":[{}]}}", list(900_000, |_| "12345678".to_owned())));
    check(
        "delta strings",
        &format!(
            r#"{{{head}[],"delta":{{"a":[{}]}},{}}}"#,
            list(400_000, |_| "\"x\"".to_owned()),
            list(100_000, |at| format!("\"k{at}\":1"))
        ),
    );
    check("delta object", &format!(r#"{{"delta":[{{{}}}]}}"#, list(490_000, |at| format!("\"k{at}\":\"x\""))));
    check("choices", &format!(r#"{{"choices":[{}]}}"#, list(140_000, |at| format!(r#"{{"delta":{{"content":"x"}},"index":{at}}}"#))));
    check(
        "candidates",
        &format!(
            r#"{{"candidates":[{}]}}"#,
            list(80_000, |at| format!(r#"{{"content":{{"parts":[{{"text":"x"}}]}},"finishReason":"STOP","index":{at}}}"#))
        ),
    );
    check("contents", &format!(r#"{{"contents":[{}]}}"#, list(80_000, |at| format!(r#"{{"parts":[{{"text":"{at}"}}]}}"#))));
    check(
        "parts of one content",
        &format!(r#"{{"contents":{{"parts":[{}]}}}}"#, list(150_000, |_| r#"{"text":"x","thought":true}"#.to_owned())),
    );
    check("one wide part", &format!(r#"{{"contents":{{"parts":{{{}}}}}}}"#, list(490_000, |at| format!("\"\\u0074ext{at}\":1"))));
    check("items", &format!(r#"{{"items":[{}]}}"#, list(130_000, |at| format!(r#"{{"id":"msg_{at}","role":"user","content":"x"}}"#))));
    check("one wide item", &format!(r#"{{"items":[{{"role":"user",{}}}]}}"#, list(490_000, |at| format!("\"\\u0069d{at}\":1"))));
    check("a wide conversation", &format!(r#"{{"input":"x","conversation":{{{}}}}}"#, list(490_000, |at| format!("\"id{at}\":\"x\""))));
    check(
        "items that name files",
        &format!(
            r#"{{"data":[{{"role":"user","content":[{}]}}],{}}}"#,
            list(100_000, |_| r#"{"type":"input_file","file_id":"f"}"#.to_owned()),
            list(100_000, |at| format!("\"k{at}\":1"))
        ),
    );
    check("escapes", &format!(r#"{{{head}[{{"role":"user","content":"{}"}}]}}"#, "\\u0041".repeat(5_000_000)));
}
