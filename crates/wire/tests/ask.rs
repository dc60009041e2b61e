//! Bodies that ask for a verdict: what is read of them, who says it, and what cannot be given back edited.
#![expect(clippy::unwrap_used, reason = "tests")]

use bartizan_vocabulary::{Role, TextClass, UninspectedKind};
use bartizan_wire::json::{JsonLimits, Tape};
use bartizan_wire::{ControlError, Form, Route, Side, ask, read_ask};

/// Each string that is inspected: its text, role and class, and whether it is fixed.
fn strings(route: Route, body: &str) -> Vec<(String, Role, TextClass, bool)> {
    let tape = Tape::read(body.as_bytes(), &JsonLimits::default()).unwrap();
    let found = ask(&tape, body.as_bytes(), route).unwrap();
    let (reading, _) = read_ask(&tape, body.as_bytes(), &found);
    let strings = reading.parts.iter().filter(|part| part.form == Form::String);
    strings.map(|part| (tape.text(body.as_bytes(), part.node).into_owned(), part.role, part.class, part.fixed)).collect()
}

fn check(route: Route, body: &str, expected: &[(&str, Role, TextClass, bool)]) {
    let seen = strings(route, body);
    let seen: Vec<_> = seen.iter().map(|(text, role, class, fixed)| (text.as_str(), *role, *class, *fixed)).collect();
    assert_eq!(seen, expected, "{body}");
}

fn bad(route: Route, body: &str, expected: &ControlError) {
    let tape = Tape::read(body.as_bytes(), &JsonLimits::default()).unwrap();
    assert_eq!(ask(&tape, body.as_bytes(), route).as_ref(), Err(expected), "{body}");
}

#[test]
fn who_says_what() {
    use Role::{Assistant, Other, System, Tool, User};
    use TextClass::{Metadata, Text, ToolArguments, ToolDefinition, ToolResult};
    let own = Route::Decide;
    check(own, r#"{"direction":"request","text":"a b","conversation":"c d"}"#, &[("a b", User, Text, false)]);
    check(
        own,
        r#"{"direction":"response","text":"a b","model":"x y"}"#,
        &[("a b", Assistant, Text, false), ("x y", Other, Metadata, true)],
    );
    check(
        own,
        r#"{"messages":[{"content":"1","role":"system"},{"role":"user","content":[{"type":"text","text":"2"}]},{"role":"tool","content":"3"},{"content":"4"}],"direction":"request"}"#,
        &[("1", System, Text, false), ("2", User, Text, false), ("3", Tool, ToolResult, false), ("4", User, Text, false)],
    );
    check(own, r#"{"direction":"response","messages":[{"role":"user","content":"1"}]}"#, &[("1", Assistant, Text, false)]);
    // What is the request's is not the answer's.
    check(own, r#"{"request":{"text":"2"},"direction":"response","text":"1"}"#, &[("1", Assistant, Text, false)]);
    check(
        Route::WebhookRequest,
        r#"{"body":{"messages":[{"role":"system","content":"1"},{"role":"user","content":"2"}],"new":"3"},"more":"4"}"#,
        &[("1", System, Text, false), ("2", User, Text, false), ("3", User, Metadata, false), ("4", User, Metadata, false)],
    );
    check(Route::WebhookResponse, r#"{"body":{"choices":[{"message":{"role":"user","content":"1"}}]}}"#, &[("1", Assistant, Text, false)]);
    // LiteLLM's account data is not read; what is not known here is.
    check(
        Route::LitellmGuard,
        r#"{"input_type":"request","texts":["1","2"],"request_data":{"a":"3"},"request_headers":{"4":"5"},"new":["6"],"litellm_call_id":"7"}"#,
        &[("1", User, Text, false), ("2", User, Text, false), ("6", User, Metadata, false)],
    );
    check(
        Route::LitellmGuard,
        r#"{"input_type":"response","texts":["1"],"tool_calls":[{"id":"i 1","function":{"name":"n 1","arguments":"2"}}],"tools":[{"function":{"description":"3"}}]}"#,
        &[
            ("1", Assistant, Text, false),
            ("i 1", Assistant, Metadata, true),
            ("n 1", Assistant, Metadata, true),
            ("2", Assistant, ToolArguments, true),
            ("3", Other, ToolDefinition, false),
        ],
    );
}

#[test]
fn texts_that_stand_in_messages_are_read_there() {
    let body = r#"{"input_type":"request","texts":["a","b","a","c"],"tool_calls":[{"id":"1","function":{"arguments":"x"}},{"function":{"arguments":"y"}}],"structured_messages":[
        {"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"\u0062"}]},
        {"role":"assistant","tool_calls":[{"id":"1","function":{"arguments":"x"}}]}]}"#;
    let tape = Tape::read(body.as_bytes(), &JsonLimits::default()).unwrap();
    let found = ask(&tape, body.as_bytes(), Route::LitellmGuard).unwrap();
    let (reading, repeats) = read_ask(&tape, body.as_bytes(), &found);
    let text = |id: u32| tape.text(body.as_bytes(), id).into_owned();
    let mut pairs: Vec<_> = repeats.iter().map(|(from, to)| (*from, *to)).collect();
    pairs.sort_unstable();
    assert_eq!(pairs.iter().map(|(from, _)| text(*from)).collect::<Vec<_>>(), ["a", "b", "a", "1", "x"]);
    assert!(pairs.iter().all(|(from, to)| text(*from) == text(*to)));
    // The first one is the first one's, the second one the second one's.
    assert!(pairs[0].1 < pairs[2].1, "{pairs:?}");
    let left: Vec<_> =
        reading.parts.iter().filter(|part| part.node < found.content.messages.unwrap()).map(|part| (text(part.node), part.fixed)).collect();
    assert_eq!(left, [("c".to_owned(), false), ("y".to_owned(), true)], "what stands in no message is read by itself");
    // Of an answer nobody sends messages: nothing is left out.
    let answer = body.replacen("request", "response", 1);
    let tape = Tape::read(answer.as_bytes(), &JsonLimits::default()).unwrap();
    let found = ask(&tape, answer.as_bytes(), Route::LitellmGuard).unwrap();
    assert!(found.side == Side::Answer && read_ask(&tape, answer.as_bytes(), &found).1.is_empty());
}

/// What is found depends on what a string is: arguments are read in other ways than prose.
#[test]
fn a_text_is_not_read_as_something_else() {
    use TextClass::{Text, ToolArguments, ToolResult};
    let rows = r#"{"role":"tool","content":"1"},{"role":"assistant","tool_calls":[{"function":{"arguments":"{}"}}]}"#;
    check(
        Route::LitellmGuard,
        &format!(r#"{{"input_type":"request","texts":["1","{{}}"],"structured_messages":[{rows}]}}"#),
        &[("{}", Role::User, Text, false), ("1", Role::Tool, ToolResult, false), ("{}", Role::Assistant, ToolArguments, false)],
    );
}

#[test]
fn what_cannot_be_read_is_said() {
    let body =
        r#"{"input_type":"request","images":["https://example.org/a.png","data:image/png;base64,iVBORw0KGgoAAAANSUhEUg=="],"texts":null}"#;
    let tape = Tape::read(body.as_bytes(), &JsonLimits::default()).unwrap();
    let found = ask(&tape, body.as_bytes(), Route::LitellmGuard).unwrap();
    let kinds: Vec<_> = read_ask(&tape, body.as_bytes(), &found).0.unread.iter().map(|unread| unread.kind).collect();
    assert_eq!(kinds, [UninspectedKind::RemoteUrl, UninspectedKind::Image]);
}

#[test]
fn refusals() {
    use ControlError::{Either, Missing, NotAnObject, Repeated, Type};
    let own = |body: &str, error: &ControlError| bad(Route::Decide, body, error);
    own("[]", &NotAnObject);
    own(r#"{"text":"a"}"#, &Missing("direction"));
    own(r#"{"direction":"answer","text":"a"}"#, &Type("direction", "`request` or `response`"));
    own(r#"{"direction":["request"],"text":"a"}"#, &Type("direction", "`request` or `response`"));
    own(r#"{"direction":"request"}"#, &Missing("messages"));
    own(r#"{"direction":"request","text":"a","messages":[]}"#, &Either("text", "messages"));
    own(r#"{"direction":"request","text":"a","Text":"b"}"#, &Repeated("text"));
    own(r#"{"direction":"request","messages":[{"role":"user","role":"system"}]}"#, &Repeated("role"));
    own(r#"{"direction":"request","messages":[{"content":[{"type":"text","type":"image"}]}]}"#, &Repeated("type"));
    own(r#"{"direction":"request","text":"a","model":7}"#, &Type("model", "a string that is not empty"));
    let tape = Tape::read(br#"{"direction":"request","text":"a","new":1}"#, &JsonLimits::default()).unwrap();
    let unknown = ask(&tape, br#"{"direction":"request","text":"a","new":1}"#, Route::Decide).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "the body has a field that this route does not take; it takes `direction`, `model`, `text` or `messages`, `conversation` and `request`"
    );
    bad(Route::LitellmGuard, r#"{"texts":[]}"#, &Missing("input_type"));
    bad(Route::LitellmGuard, r#"{"input_type":"request","texts":[1]}"#, &Type("texts", "an array of strings"));
    bad(Route::LitellmGuard, r#"{"input_type":"request","texts":[],"\u0074exts":["a"],"texts":[]}"#, &Repeated("texts"));
    bad(Route::WebhookRequest, r#"{"body":{}}"#, &Missing("messages"));
    bad(Route::WebhookResponse, r#"{"body":[]}"#, &Type("body", "an object"));
}
