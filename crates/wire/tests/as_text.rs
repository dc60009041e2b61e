//! A file in a request replaced by a text: what becomes of the body, and where nothing can.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use bartizan_wire::json::{JsonLimits, Tape, splice};
use bartizan_wire::{Side, as_text, read};

/// The body with its first file replaced by `A "b"`.
fn replaced(body: &str) -> Option<String> {
    let tape = Tape::read(body.as_bytes(), &JsonLimits::default()).unwrap();
    let reading = read(&tape, body.as_bytes(), Side::Request);
    let file = reading.unread.iter().find(|unread| unread.attached).expect("a file");
    let done = as_text(&tape, body.as_bytes(), file, "A \"b\"")?;
    assert!(done.splices.iter().all(|one| done.range.start <= one.range.start && one.range.end <= done.range.end));
    let edited = String::from_utf8(splice(body.as_bytes(), &done.splices).unwrap()).unwrap();
    Tape::read(edited.as_bytes(), &JsonLimits::default()).unwrap();
    Some(edited)
}

fn data() -> String {
    "QUFB".repeat(20)
}

/// What is around a part, the part, and what becomes of it.
type Row<'a> = (&'a dyn Fn(&str) -> String, &'a str, Option<&'a str>);

/// A part in a message of each format, before and after. `D` stands for base64.
#[test]
fn parts_become_texts() {
    let openai = |part: &str| format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{part}]}}]}}"#);
    let responses = |part: &str| format!(r#"{{"model":"m","input":[{{"role":"user","content":[{part}]}}]}}"#);
    let gemini = |part: &str| format!(r#"{{"contents":[{{"role":"user","parts":[{part}]}}]}}"#);
    let text = r#"{"type":"text","text":"A \"b\""}"#;
    let input = r#"{"type":"input_text","text":"A \"b\""}"#;
    let rows: &[Row<'_>] = &[
        (&openai, r#"{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,D"}}"#, Some(text)),
        (&openai, r#"{"type":"file","file":{"file_data":"D"}}"#, Some(text)),
        (&openai, r#"{ "file" : {"file_data":"D"} , "type":"file" }"#, Some(r#"{ "text":"A \"b\"" , "type":"text" }"#)),
        (
            &openai,
            r#"{"type":"file","file":{"file_data":"D"},"cache_control":{"type":"ephemeral"}}"#,
            Some(r#"{"type":"text","text":"A \"b\"","cache_control":{"type":"ephemeral"}}"#),
        ),
        (&openai, r#"{"type":"image_url","image_url":{"url":"data:application/pdf;base64,D","detail":"low"}}"#, Some(text)),
        (&openai, r#"{"type":"fil\u0065","fil\u0065":{"file_data":"D"}}"#, Some(text)),
        (&responses, r#"{"type":"input_file","filename":"a.csv","file_data":"data:text/csv;base64,D"}"#, Some(input)),
        (&responses, r#"{"type":"input_file","file_data":"data:text/csv;base64,D","filename":"a.csv","detail":"low"}"#, Some(input)),
        (
            &responses,
            r#"{"filename":"a.csv","detail":"low","file_data":"data:text/csv;base64,D","type":"input_file"}"#,
            Some(r#"{"text":"A \"b\"","type":"input_text"}"#),
        ),
        (&responses, r#"{"type":"input_image","image_url":"data:application/pdf;base64,D","detail":"low"}"#, Some(input)),
        (
            &openai,
            r#"{"type":"document","title":"T","source":{"type":"base64","media_type":"application/pdf","data":"D"},"citations":{"enabled":true}}"#,
            Some(
                r#"{"type":"document","title":"T","source":{"type":"text","media_type":"text/plain","data":"A \"b\""},"citations":{"enabled":true}}"#,
            ),
        ),
        (&gemini, r#"{"inlineData":{"mimeType":"application/pdf","data":"D","displayName":"a.pdf"}}"#, Some(r#"{"text":"A \"b\""}"#)),
        (&gemini, r#"{"inline_data":{"mime_type":"text/csv","data":"D"}}"#, Some(r#"{"text":"A \"b\""}"#)),
        // Members that nobody knows, or twice, and places that have no texts.
        (&openai, r#"{"type":"file","file":{"file_data":"D"},"more":1}"#, None),
        (&openai, r#"{"type":"file","file":{"file_data":"D"},"text":"x"}"#, None),
        (&openai, r#"{"type":"file","type":"file","file":{"file_data":"D"}}"#, None),
        (&openai, r#"{"type":"file","file":{"file_data":"D","more":"x"}}"#, None),
        (&openai, r#"{"type":"file","file":{"file_data":"D"},"cache_control":{"type":"ephemeral","more":"x"}}"#, None),
        (&openai, r#"{"type":"file","file":{"file_data":"D"},"cache_control":{"type":"other"}}"#, None),
        (&openai, r#"{"file":{"file_data":"D"}}"#, None),
        (&openai, r#"{"type":"image","source":{"type":"base64","media_type":"image/svg+xml","data":"D"}}"#, None),
        (&openai, r#"{"type":"document","source":{"type":"base64","media_type":"a/b","data":"D","more":1}}"#, None),
        (&responses, r#"{"type":"input_file","file_data":"data:text/csv;base64,D","file_url":"https://a.example/"}"#, None),
        (&gemini, r#"{"inlineData":{"mimeType":"application/pdf","data":"D"},"thoughtSignature":"AAAA"}"#, None),
        (&gemini, r#"{"functionResponse":{"name":"f","response":{},"parts":[{"inlineData":{"mimeType":"text/csv","data":"D"}}]}}"#, None),
        (&openai, r#"{"type":"text","text":"data:text/csv;base64,D"}"#, None),
    ];
    for (around, part, after) in rows {
        let before = around(&part.replace("64,D", &format!("64,{}", data())).replace("\"D\"", &format!("\"{}\"", data())));
        assert_eq!(replaced(&before), after.map(around), "{part}");
    }
}
