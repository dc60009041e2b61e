//! Tokens that answers and events report.
#![expect(clippy::unwrap_used, reason = "tests")]

use bartizan_wire::Usage;
use bartizan_wire::json::{JsonLimits, Tape};

fn seen(texts: &[&str]) -> (Option<u64>, Option<u64>) {
    let mut usage = Usage::default();
    for text in texts {
        usage.see(&Tape::read(text.as_bytes(), &JsonLimits::default()).unwrap(), text.as_bytes());
    }
    (usage.input, usage.output)
}

#[test]
fn whole_answers() {
    let chat = r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":11,"total_tokens":18,"prompt_tokens_details":{"cached_tokens":5}}}"#;
    assert_eq!(seen(&[chat]), (Some(7), Some(11)));
    let responses = r#"{"object":"response","usage":{"input_tokens":7,"output_tokens":11,"output_tokens_details":{"reasoning_tokens":3}}}"#;
    assert_eq!(seen(&[responses]), (Some(7), Some(11)));
    let messages = r#"{"type":"message","usage":{"input_tokens":7,"cache_creation_input_tokens":100,"cache_read_input_tokens":1000,"output_tokens":11}}"#;
    assert_eq!(seen(&[messages]), (Some(1_107), Some(11)));
    let gemini = r#"{"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":11,"thoughtsTokenCount":4,"totalTokenCount":22}}"#;
    assert_eq!(seen(&[gemini]), (Some(7), Some(15)));
    assert_eq!(seen(&[r#"{"object":"list","usage":{"prompt_tokens":7,"total_tokens":7}}"#]), (Some(7), None));
}

#[test]
fn streams() {
    let chat = [r#"{"choices":[{"delta":{}}],"usage":null}"#, r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":11}}"#];
    assert_eq!(seen(&chat), (Some(7), Some(11)));
    let messages = [
        r#"{"type":"message_start","message":{"usage":{"input_tokens":7,"output_tokens":1}}}"#,
        r#"{"type":"content_block_delta","delta":{"text":"{\"usage\":{\"output_tokens\":999}}"}}"#,
        r#"{"type":"message_delta","delta":{},"usage":{"output_tokens":11}}"#,
    ];
    assert_eq!(seen(&messages), (Some(7), Some(11)));
    let responses = [r#"{"type":"response.completed","response":{"usage":{"input_tokens":7,"output_tokens":11}}}"#];
    assert_eq!(seen(&responses), (Some(7), Some(11)));
}

#[test]
fn what_is_no_number_says_nothing() {
    for text in [r#"{"usage":{"prompt_tokens":-1}}"#, r#"{"usage":{"prompt_tokens":"x"}}"#, r#"{"usage":[1]}"#, "[]", "3"] {
        assert_eq!(seen(&[text]), (None, None), "{text}");
    }
    assert_eq!(seen(&[r#"{"usage":{"prompt_tokens":99999999999999999999999}}"#]), (None, None));
}

#[test]
fn what_a_message_has_written_when_it_begins_is_no_answer() {
    let begins = r#"{"type":"message_start","message":{"usage":{"input_tokens":7,"output_tokens":1}}}"#;
    assert_eq!(seen(&[begins]), (Some(7), None));
}

#[test]
fn what_is_told_in_the_words_of_both_counts_once() {
    let both = r#"{"usage":{"prompt_tokens":1107,"completion_tokens":11,"input_tokens":7,"output_tokens":11,"cache_creation_input_tokens":100,"cache_read_input_tokens":1000}}"#;
    assert_eq!(seen(&[both]), (Some(1_107), Some(11)));
    let cached = r#"{"usage":{"prompt_tokens":1107,"cache_read_input_tokens":1000,"completion_tokens":11}}"#;
    assert_eq!(seen(&[cached]), (Some(1_107), Some(11)));
    // Gateways that fill in both and mean one.
    let zero = r#"{"usage":{"prompt_tokens":0,"completion_tokens":0,"input_tokens":7,"cache_read_input_tokens":1000,"output_tokens":11}}"#;
    assert_eq!(seen(&[zero]), (Some(1_007), Some(11)));
    assert_eq!(seen(&[r#"{"usage":{"prompt_tokens":0,"completion_tokens":0}}"#]), (Some(0), Some(0)));
}
