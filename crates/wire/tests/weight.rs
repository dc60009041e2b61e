//! What a request weighs, and what an answer holds of written text.
#![expect(clippy::unwrap_used, reason = "tests")]

use bartizan_wire::json::{JsonLimits, Tape};
use bartizan_wire::{Route, Side, Weight, read, written};

fn weight(route: Route, text: &str) -> Weight {
    let tape = Tape::read(text.as_bytes(), &JsonLimits::default()).unwrap();
    Weight::of(&tape, text.as_bytes(), &read(&tape, text.as_bytes(), Side::Request), route)
}

fn wrote(text: &str) -> u64 {
    let tape = Tape::read(text.as_bytes(), &JsonLimits::default()).unwrap();
    written(&tape, text.as_bytes(), &read(&tape, text.as_bytes(), Side::Answer))
}

fn chat(content: &str) -> String {
    format!(r#"{{"model":"m","messages":[{{"role":"user","content":{content}}}]}}"#)
}

#[test]
fn text_counts_and_base64_does_not() {
    let empty = weight(Route::ChatCompletions, &chat(r#""""#)).text;
    assert!(empty < 20, "{empty}");
    let text = |content: &str| weight(Route::ChatCompletions, &chat(content)).text - empty;
    assert_eq!(text(r#""how are you""#), 11);
    // What is no ASCII counts twice. An escape is what it stands for: six letters of three bytes, four line breaks.
    assert_eq!(text(r#""\u6771\u4eac\u6771\u4eac\u6771\u4eac\n\n\n\n""#), 40);
    assert_eq!(text("\"東京東京東京\\n\\n\\n\\n\""), 40);
    assert_eq!((text(r#""\u0041\u00e9\ud83d\ude00""#), text("\"Aé😀\"")), (13, 13));
    let data = "iVBORw0KGgoAAAANSUhEUgAA".repeat(40_000);
    let parts = |url: &str| format!(r#"[{{"type":"text","text":"how are you"}},{{"type":"image_url","image_url":{{"url":"{url}"}}}}]"#);
    let image = weight(Route::ChatCompletions, &chat(&parts(&format!("data:image/png;base64,{data}"))));
    assert_eq!(image.attachments, 1);
    assert!(image.text < 200, "{image:?}");
    let messages = format!(
        r#"{{"model":"m","max_tokens":50,"messages":[{{"role":"user","content":[{{"type":"document","source":{{"type":"base64","media_type":"application/pdf","data":"{data}"}}}}]}}]}}"#
    );
    let document = weight(Route::Messages, &messages);
    assert_eq!((document.attachments, document.answer), (1, Some(50)));
    assert!(document.text < 200, "{document:?}");
}

#[test]
fn token_numbers_count_each() {
    let prompt = weight(Route::Completions, r#"{"model":"m","prompt":[[1,22,333],[4444,5]]}"#);
    assert!((5..=8).contains(&prompt.tokens), "{prompt:?}");
    assert_eq!(prompt.answers, 2);
    assert!(weight(Route::Embeddings, r#"{"model":"m","input":[1,22,333]}"#).tokens >= 3);
}

#[test]
fn the_longest_answer_that_is_asked_for() {
    let asked = |route: Route, text: &str| {
        let weight = weight(route, text);
        (weight.answer, weight.answers)
    };
    let chat = |more: &str| asked(Route::ChatCompletions, &format!(r#"{{"model":"m","messages":[]{more}}}"#));
    assert_eq!(chat(""), (None, 1));
    assert_eq!(chat(r#","max_tokens":10,"n":3"#), (Some(10), 3));
    assert_eq!(chat(r#","max_tokens":10,"max_completion_tokens":20"#), (Some(20), 1));
    assert_eq!(asked(Route::Responses, r#"{"model":"m","input":"x","max_output_tokens":7}"#), (Some(7), 1));
    let gemini = |config: &str| asked(Route::GenerateContent, &format!(r#"{{"contents":[],{config}}}"#));
    assert_eq!(gemini(r#""generationConfig":{"maxOutputTokens":8,"candidateCount":2}"#), (Some(8), 2));
    assert_eq!(gemini(r#""generation_config":{"max_output_tokens":9}"#), (Some(9), 1));
    assert_eq!(asked(Route::Completions, r#"{"model":"m","prompt":["a","b","c"],"max_tokens":5,"n":2,"best_of":4}"#), (Some(5), 12));
    assert_eq!(asked(Route::Embeddings, r#"{"model":"m","input":"a"}"#), (Some(0), 1));
    assert_eq!(chat(&format!(r#","max_tokens":{0},"n":{0}"#, u64::MAX)), (Some(u64::MAX), u64::MAX));
}

#[test]
fn numbers_in_other_words_are_numbers_and_unreadable_ones_the_most() {
    let chat = |said: &str| {
        let weight = weight(Route::ChatCompletions, &format!(r#"{{"model":"m","messages":[],"max_tokens":{said},"n":{said}}}"#));
        (weight.answer, weight.answers)
    };
    for (said, number) in [("1e5", 100_000), ("4096.0", 4_096), ("1.5e3", 1_500), (r#""77""#, 77), ("2.0E0", 2)] {
        assert_eq!(chat(said), (Some(number), number), "{said}");
    }
    for said in ["-5", "2.5", "1e99", r#""many""#, "true", "[1]", r#"{"a":1}"#, r#""inf""#, "99999999999999999999999"] {
        assert_eq!(chat(said), (Some(u64::MAX), u64::MAX), "{said}");
    }
    assert_eq!(chat("null"), (None, 1), "as if it were not there");
    assert_eq!(chat("0"), (Some(0), 1), "an answer there is");
    let gemini = |config: &str| {
        let weight = weight(Route::GenerateContent, &format!(r#"{{"contents":[],{config}}}"#));
        (weight.answer, weight.answers)
    };
    let two = r#""generationConfig":{"maxOutputTokens":8},"generation_config":{"max_output_tokens":9e3,"candidate_count":2}"#;
    assert_eq!(gemini(two), (Some(9_000), 2));
    assert_eq!(gemini(&two.replace("9e3", "3")), (Some(8), 2));
}

#[test]
fn how_much_thinking_is_asked_for() {
    let all = u64::MAX;
    for (more, thought) in [
        (r#""stop":null"#, 0),
        (r#""reasoning_effort":"low""#, all),
        (r#""reasoning_effort":"none""#, 0),
        (r#""reasoning_effort":null"#, 0),
        (r#""reasoning":{"effort":"high"}"#, all),
        (r#""reasoning":{"effort":"none"}"#, 0),
        (r#""reasoning":{"max_tokens":300}"#, 300),
        (r#""reasoning":{"enabled":false}"#, 0),
        (r#""reasoning":null"#, 0),
        (r#""thinking":{"type":"enabled","budget_tokens":2e3}"#, 2_000),
        (r#""thinking":{"type":"adaptive"}"#, all),
        (r#""thinking":{"type":"disabled"}"#, 0),
        (r#""thinking":{"type":"enabled","budget_tokens":2000},"reasoning_effort":"low""#, all),
        (r#""output_config":{"effort":"low"}"#, all),
    ] {
        for route in [Route::ChatCompletions, Route::Messages, Route::Responses] {
            assert_eq!(weight(route, &format!(r#"{{"model":"m",{more}}}"#)).thought, thought, "{more}");
        }
    }
    for (config, thought) in [
        (r#""generationConfig":{}"#, 0),
        (r#""generationConfig":{"thinkingConfig":{"thinkingBudget":0}}"#, 0),
        (r#""generationConfig":{"thinkingConfig":{"thinkingBudget":-1}}"#, all),
        (r#""generationConfig":{"thinkingConfig":{"thinkingLevel":"HIGH"}}"#, all),
        (r#""generationConfig":{},"generation_config":{"thinking_config":{"thinking_budget":512}}"#, 512),
    ] {
        assert_eq!(weight(Route::StreamGenerateContent, &format!(r#"{{"contents":[],{config}}}"#)).thought, thought, "{config}");
    }
}

#[test]
fn what_a_model_wrote_in_other_letters_counts_twice() {
    assert_eq!(
        wrote(r#"{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"東京 now"}}]}"#),
        12 + 4
    );
}

#[test]
fn what_a_model_wrote() {
    let answer = r#"{"id":"chatcmpl-1","object":"chat.completion","model":"some-model","choices":[{"index":0,"finish_reason":"stop",
        "message":{"role":"assistant","reasoning_content":"well","content":"good day","tool_calls":[{"id":"call_1","type":"function","function":{"name":"look","arguments":"{\"a\":1}"}}]}}]}"#;
    assert_eq!(wrote(answer), 4 + 8 + 7);
    let message = r#"{"id":"msg_1","type":"message","role":"assistant","model":"some-model","content":[{"type":"thinking","thinking":"well","signature":"EqQBCkYIBBgCKkDx7EqQBCkYIBBgCKkDx7EqQBCkYIBBgCKkDx7EqQBCkYIBBgCKkDx7"},{"type":"text","text":"good day"}]}"#;
    assert_eq!(wrote(message), 12);
    let gemini =
        r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"good day"}]},"finishReason":"STOP"}],"modelVersion":"some-model"}"#;
    assert_eq!(wrote(gemini), 8);
    let vector = "AAAAPwAAgD8AAABA".repeat(100);
    assert_eq!(wrote(&format!(r#"{{"object":"list","data":[{{"object":"embedding","index":0,"embedding":"{vector}"}}],"model":"m"}}"#)), 0);
}
