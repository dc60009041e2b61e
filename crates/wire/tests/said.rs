//! What answers say of themselves: the model, and why they ended.
#![expect(clippy::unwrap_used, reason = "tests")]

use bartizan_wire::Said;
use bartizan_wire::json::{JsonLimits, Tape};

fn said(texts: &[&str]) -> (Option<String>, Vec<&'static str>) {
    let mut said = Said::default();
    for text in texts {
        said.see(&Tape::read(text.as_bytes(), &JsonLimits::default()).unwrap(), text.as_bytes());
    }
    (said.model, said.finish)
}

fn of(model: &str, finish: &[&'static str]) -> (Option<String>, Vec<&'static str>) {
    (Some(model.to_owned()), finish.to_vec())
}

#[test]
fn whole_answers() {
    let chat = r#"{"model":"gpt-x","choices":[{"finish_reason":"stop"},{"finish_reason":"length"}]}"#;
    assert_eq!(said(&[chat]), of("gpt-x", &["stop", "length"]));
    assert_eq!(said(&[r#"{"model":"claude-x","stop_reason":"end_turn","content":[]}"#]), of("claude-x", &["end_turn"]));
    assert_eq!(said(&[r#"{"modelVersion":"gemini-x","candidates":[{"finishReason":"STOP"}]}"#]), of("gemini-x", &["STOP"]));
    assert_eq!(said(&[r#"{"object":"response","model":"gpt-x","status":"completed"}"#]), of("gpt-x", &["completed"]));
    let cut = r#"{"object":"response","model":"gpt-x","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}"#;
    assert_eq!(said(&[cut]), of("gpt-x", &["max_output_tokens"]));
}

#[test]
fn streams() {
    let chat = [
        r#"{"model":"gpt-x","choices":[{"delta":{"content":"a"},"finish_reason":null}]}"#,
        r#"{"model":"gpt-x","choices":[{"delta":{},"finish_reason":"stop"}]}"#,
    ];
    assert_eq!(said(&chat), of("gpt-x", &["stop"]));
    let messages = [
        r#"{"type":"message_start","message":{"model":"claude-x","stop_reason":null}}"#,
        r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"max_tokens"}}"#,
    ];
    assert_eq!(said(&messages), of("claude-x", &["max_tokens"]));
    let responses = [
        r#"{"type":"response.created","response":{"object":"response","model":"gpt-x","status":"in_progress"}}"#,
        r#"{"type":"response.completed","response":{"object":"response","model":"gpt-x","status":"completed"}}"#,
    ];
    assert_eq!(said(&responses), of("gpt-x", &["completed"]));
}

#[test]
fn what_is_not_known_is_not_repeated() {
    let strange = r#"{"model":7,"choices":[{"finish_reason":"ada@example.com"},{"finish_reason":{}},{"finish_reason":"st\u006fp"}]}"#;
    assert_eq!(said(&[strange]), (None, vec!["other"]));
    assert_eq!(said(&[&format!(r#"{{"model":"{}"}}"#, "x".repeat(300))]), (None, vec![]));
    for text in ["[]", "3", r#"{"choices":3,"candidates":{}}"#, r#"{"delta":"x","message":"y","response":1}"#] {
        assert_eq!(said(&[text]), (None, vec![]), "{text}");
    }
    let many = format!(r#"{{"choices":[{}]}}"#, vec![r#"{"finish_reason":"stop"}"#; 100].join(","));
    assert_eq!(said(&[&many, &many]).1.len(), 16);
}
