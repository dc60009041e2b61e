//! Control fields: what is read, and every way of writing one that another parser could read differently.
#![expect(clippy::unwrap_used, reason = "tests")]

use bartizan_wire::json::{JsonLimits, Tape};
use bartizan_wire::{Control, ControlError, Route, control};

fn read(body: &str, route: Route) -> (Tape, Result<Control, ControlError>) {
    let tape = Tape::read(body.as_bytes(), &JsonLimits::default()).unwrap();
    let found = control(&tape, body.as_bytes(), route);
    (tape, found)
}

/// Model, stream, session, first user message.
fn good(body: &str, route: Route, expected: (&str, bool, Option<&str>, Option<&str>)) {
    let (tape, found) = read(body, route);
    let found = found.unwrap();
    let text = |id: Option<u32>| id.map(|id| tape.text(body.as_bytes(), id).into_owned());
    let seen = (text(found.model).unwrap(), found.stream, text(found.session), text(found.first_user));
    assert_eq!((seen.0.as_str(), seen.1, seen.2.as_deref(), seen.3.as_deref()), expected, "{body}");
}

fn bad(body: &str, expected: ControlError) {
    assert_eq!(read(body, Route::ChatCompletions).1, Err(expected), "{body}");
}

/// A body that is right, with more members.
fn with(members: &str) -> String {
    format!(r#"{{"model":"m","messages":[],{members}}}"#)
}

#[test]
fn what_is_read() {
    use Route::{ChatCompletions as OpenAi, Messages as Anthropic};
    good(r#"{"model":"gpt-4o","messages":[]}"#, OpenAi, ("gpt-4o", false, None, None));
    good(
        r#"{"messages":[{"content":"hi","role":"user"}],"stream":true,"\u006dodel2":1,"model":"a\u0062"}"#,
        OpenAi,
        ("ab", true, None, Some("hi")),
    );
    good(&with(r#""stream":null,"user":"u1""#), OpenAi, ("m", false, Some("u1"), None));
    good(&with(r#""stream":false,"user":"u1","prompt_cache_key":"k""#), OpenAi, ("m", false, Some("k"), None));
    good(&with(r#""user":"","metadata":{"user_id":"x"}"#), OpenAi, ("m", false, None, None));
    good(&with(r#""user":"u1","metadata":{"user_id":"x"}"#), Anthropic, ("m", false, Some("x"), None));
    good(&with(r#""metadata":["user_id"]"#), Anthropic, ("m", false, None, None));
    good(&with(r#""metadata":{"user_id":12345678}"#), Anthropic, ("m", false, None, None));
    good(&with(r#""logprobs":false,"top_logprobs":0"#), OpenAi, ("m", false, None, None));
    good(&with(r#""logprobs":true,"top_logprobs":0"#), OpenAi, ("m", false, None, None));
    good(&with(r#""logprobs":null,"top_logprobs":null"#), OpenAi, ("m", false, None, None));
    good(
        r#"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"assistant"},7,{"role":"user","content":[1]},{"role":"user","content":"b"}]}"#,
        OpenAi,
        ("m", false, None, Some("[1]")),
    );
    // Below the top, and in words that only begin alike, nothing is a control field.
    good(&with(r#""metadata":{"model":"a","Model":"b","model":"c"},"mood":1,"mode":2,"x":{"stream":1}"#), OpenAi, ("m", false, None, None));
}

#[test]
fn repeated_or_respelt() {
    for (member, name) in [
        (r#""model":"m""#, "model"),
        (r#""Model":"x""#, "model"),
        (r#""MODEL":"x""#, "model"),
        (r#""mod\u0065l":"x""#, "model"),
        (r#""\u004dodel":"x""#, "model"),
        (r#""model\u0000":"x""#, "model"),
        (r#""model\u0000x":"x""#, "model"),
        (r#""model\ud800":"x""#, "model"),
        (r#""mod\ud800el":"x""#, "model"),
        (r#""Stream":true"#, "stream"),
        ("\"\u{17f}tream\":true", "stream"),
        (r#""\u017ftream":true"#, "stream"),
        ("\"to\u{212a}ens\":1,\"max_to\u{212a}ens\":1", "max_tokens"),
        ("\"max_to\u{212a}en\u{17f}\":1", "max_tokens"),
        ("\"\u{131}nput\":1", "input"),
        ("\"\u{130}nput\":1", "input"),
        (r#""tools":[],"tools":[]"#, "tools"),
        (r#""stream":true,"stream":false"#, "stream"),
        (r#""messages":[]"#, "messages"),
        (r#""system":"a","System":"b""#, "system"),
        (r#""prompt_cache_key":"a","prompt_cache_key":"b""#, "prompt_cache_key"),
    ] {
        bad(&with(member), ControlError::Repeated(name));
    }
    // One spelling is enough to be refused, even alone.
    bad(r#"{"Model":"m","messages":[]}"#, ControlError::Repeated("model"));
}

#[test]
fn who_speaks() {
    for message in [
        r#"{"role":"user","role":"assistant"}"#,
        r#"{"role":"user","Role":"tool"}"#,
        r#"{"ROLE":"user"}"#,
        r#"{"role":"a","r\u006fle":"b"}"#,
        r#"{"role\u0000":"b"}"#,
    ] {
        bad(&format!(r#"{{"model":"m","messages":[{{"role":"user"}},{message}]}}"#), ControlError::Repeated("role"));
    }
    good(
        r#"{"model":"m","messages":[{"r\u006fle":"user","content":"a","roles":1,"x":{"role":1,"Role":2}}]}"#,
        Route::ChatCompletions,
        ("m", false, None, Some("a")),
    );
}

#[test]
fn wrong_types() {
    bad("[]", ControlError::NotAnObject);
    bad("\"model\"", ControlError::NotAnObject);
    bad("{}", ControlError::Missing("messages"));
    bad(r#"{"model":"m"}"#, ControlError::Missing("messages"));
    bad(r#"{"model":"","messages":[]}"#, ControlError::Type("model", "a string that is not empty"));
    bad(r#"{"model":null,"messages":[]}"#, ControlError::Type("model", "a string that is not empty"));
    bad(r#"{"model":["m"],"messages":[]}"#, ControlError::Type("model", "a string that is not empty"));
    bad(r#"{"model":"m","messages":{}}"#, ControlError::Type("messages", "an array"));
    bad(r#"{"model":"m","messages":"hi"}"#, ControlError::Type("messages", "an array"));
    for stream in ["1", "\"true\"", "[]", "{}", "\"\""] {
        bad(&with(&format!("\"stream\":{stream}")), ControlError::Type("stream", "`true` or `false`"));
    }
}

#[test]
fn refused_features() {
    for route in [Route::Messages, Route::CountTokens] {
        assert_eq!(read(&with(r#""logprobs":true"#), route).1, Err(ControlError::Refused("logprobs")));
    }
    bad(&with(r#""logprobs":true,"top_logprobs":1"#), ControlError::Refused("top_logprobs"));
    bad(&with(r#""logprobs":1"#), ControlError::Refused("logprobs"));
    bad(&with(r#""top_logprobs":3"#), ControlError::Refused("top_logprobs"));
    bad(&with(r#""mcp_servers":[]"#), ControlError::Refused("mcp_servers"));
}

/// What goes into a conversation, and how a request names one.
#[test]
fn conversations() {
    let whole = r#"{"type":"message","role":"user","content":"hi"}"#;
    let own = r#"{"id":"msg_1","role":"user","content":"hi"}"#;
    let text = |route, body: &str| {
        let (tape, found) = read(body, route);
        let kept = found.unwrap().kept.unwrap();
        let text = |id: &u32| tape.text(body.as_bytes(), *id).into_owned();
        let lists = [&kept.items, &kept.files, &kept.containers].map(|ids| ids.iter().map(text).collect::<Vec<_>>().join(","));
        format!("{:?} {}", kept.conversation.as_ref().map(text), lists.join(" "))
    };
    for (route, body, expected) in [
        (Route::CreateConversation, "{}", "None   "),
        (Route::CreateConversation, r#"{"items":null,"metadata":null}"#, "None   "),
        (Route::CreateConversation, &format!(r#"{{"metadata":{{"a":"b"}},"items":[{whole}]}}"#), "None   "),
        // The provider may keep an item under the id that is said.
        (Route::AddItems, &format!(r#"{{"items":[{own},{{"type":"item_reference","id":"msg_2"}}]}}"#), "None msg_1,msg_2  "),
        (Route::Responses, &format!(r#"{{"input":[{own}]}}"#), "None   "),
        (Route::Responses, &format!(r#"{{"input":[{own}],"conversation":"conv_1"}}"#), "Some(\"conv_1\") msg_1  "),
        (Route::Responses, r#"{"input":"hi","conversation":{"id":"conv_1"}}"#, "Some(\"conv_1\")   "),
        (Route::Responses, r#"{"input":"hi","conversation":null,"previous_response_id":"resp_1"}"#, "None   "),
        (Route::UpdateConversation, r#"{"metadata":{}}"#, "None   "),
        (
            Route::AddItems,
            r#"{"items":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]},{"type":"code_interpreter_call","code":"1","container_id":"cntr_1"}]}"#,
            "None  file-1 cntr_1",
        ),
    ] {
        assert_eq!(text(route, body), expected, "{body}");
    }
    let named = ControlError::Type("conversation", "the id of a conversation, or an object that holds its `id` and nothing else");
    let naming = |value: &str| format!(r#"{{"input":"hi","conversation":{value}}}"#);
    for value in ["7", "[]", "{}", "\"\"", "\"../x\"", r#"{"id":7}"#, r#"{"id":"a","id":"b"}"#, r#"{"id":"a","Id":"b"}"#, r#"{"ID":"a"}"#] {
        assert_eq!(read(&naming(value), Route::Responses).1, Err(named.clone()), "{value}");
    }
    let both = r#"{"input":"hi","conversation":"conv_1","previous_response_id":"resp_1"}"#;
    assert_eq!(read(both, Route::Responses).1, Err(ControlError::Either("previous_response_id", "conversation")));
    for (route, body, expected) in [
        (Route::CreateConversation, "[]", ControlError::NotAnObject),
        (Route::CreateConversation, r#"{"from":"conv_1"}"#, ControlError::Unknown("`items` and `metadata`")),
        (Route::CreateConversation, r#"{"items":[],"items":[]}"#, ControlError::Repeated("items")),
        (Route::CreateConversation, r#"{"Items":[]}"#, ControlError::Repeated("items")),
        (Route::CreateConversation, r#"{"items":{}}"#, ControlError::Type("items", "an array of items")),
        (Route::CreateConversation, r#"{"items":["hi"]}"#, ControlError::Type("items", "an array of items")),
        (Route::CreateConversation, r#"{"metadata":"x"}"#, ControlError::Type("metadata", "an object")),
        (Route::UpdateConversation, "{}", ControlError::Missing("metadata")),
        (Route::UpdateConversation, r#"{"metadata":{},"items":[]}"#, ControlError::Unknown("`metadata`")),
        (Route::AddItems, "{}", ControlError::Missing("items")),
        (Route::AddItems, r#"{"items":null}"#, ControlError::Type("items", "an array of items")),
        (Route::AddItems, r#"{"items":[],"metadata":{}}"#, ControlError::Unknown("`items`")),
        (Route::AddItems, r#"{"items":[{"id":"a","id":"b","role":"user","content":"x"}]}"#, ControlError::Stored("items")),
        (Route::AddItems, r#"{"items":[{"Id":"msg_1","role":"user","content":"x"}]}"#, ControlError::Stored("items")),
        (Route::AddItems, r#"{"items":[{"id":7,"role":"user","content":"x"}]}"#, ControlError::Stored("items")),
        (Route::AddItems, r#"{"items":[{"role":"user","Role":"system","content":"x"}]}"#, ControlError::Repeated("role")),
        (
            Route::AddItems,
            r#"{"items":[{"type":"additional_tools","tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]}]}"#,
            ControlError::Stored("vector_store_ids"),
        ),
    ] {
        assert_eq!(read(body, route).1, Err(expected), "{body}");
    }
}

#[test]
fn caches_of_gemini_are_named_in_its_own_format_only() {
    for (member, expected) in [
        (r#""cached_content":"cachedContents/a""#, ControlError::Elsewhere("cached_content")),
        (r#""cachedContent":"cachedContents/a""#, ControlError::Elsewhere("cachedContent")),
        (
            r#""\u0063\u0061\u0063\u0068\u0065\u0064\u005f\u0063\u006f\u006e\u0074\u0065\u006e\u0074":"a""#,
            ControlError::Elsewhere("cached_content"),
        ),
        (r#""Cached_Content":"cachedContents/a""#, ControlError::Repeated("cached_content")),
    ] {
        bad(&with(member), expected);
    }
    good(&with(r#""cached_content":null"#), Route::ChatCompletions, ("m", false, None, None));
}
