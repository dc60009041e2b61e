//! What must be inspected in a body, and what cannot be: full fixtures as snapshots, single rules as a table.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;

use bartizan_vocabulary::TextClass;
use bartizan_wire::json::{JsonLimits, Tape};
use bartizan_wire::{Form, Part, Reading, Side, read};

fn reading(body: &str, side: Side) -> (Tape, Reading) {
    let tape = Tape::read(body.as_bytes(), &JsonLimits::default()).unwrap();
    let reading = read(&tape, body.as_bytes(), side);
    (tape, reading)
}

/// `role class[ fixed][ signed][ plain] pointer = text`
fn line(tape: &Tape, body: &str, part: &Part) -> String {
    assert_eq!(part.form == Form::Key, part.class == TextClass::Key);
    assert_eq!(part.form == Form::Number, part.class == TextClass::Number);
    let mut line = format!("{} {}", part.role, part.class);
    for (flag, name) in
        [(part.fixed, "fixed"), (part.signed, "signed"), (part.opaque, "opaque"), (part.plain && part.form == Form::Key, "plain")]
    {
        if flag {
            line.push(' ');
            line.push_str(name);
        }
    }
    let length = if part.opaque { 8 } else { 48 };
    let text: String = tape.text(body.as_bytes(), part.node).chars().take(length).collect();
    write!(line, " {} = {text:?}", tape.pointer(body.as_bytes(), part.node, |_| false)).unwrap();
    line
}

fn table(body: &str, side: Side) -> String {
    let (tape, reading) = reading(body, side);
    let mut out = String::new();
    let mut before = 0;
    for part in &reading.parts {
        let joined = if part.run == before { "+ " } else { "  " };
        writeln!(out, "{joined}{}", line(&tape, body, part)).unwrap();
        before = part.run;
    }
    for unread in &reading.unread {
        writeln!(out, "unread {} {}", unread.kind, tape.pointer(body.as_bytes(), unread.node, |_| false)).unwrap();
    }
    for id in &reading.logprobs {
        writeln!(out, "logprobs {}", tape.pointer(body.as_bytes(), *id, |_| false)).unwrap();
    }
    out
}

#[test]
fn openai_request() {
    insta::assert_snapshot!(table(include_str!("fixtures/openai_request.json"), Side::Request));
}

#[test]
fn anthropic_request() {
    insta::assert_snapshot!(table(include_str!("fixtures/anthropic_request.json"), Side::Request));
}

#[test]
fn responses_request() {
    insta::assert_snapshot!(table(include_str!("fixtures/responses_request.json"), Side::Request));
}

#[test]
fn responses_answer() {
    insta::assert_snapshot!(table(include_str!("fixtures/responses_answer.json"), Side::Answer));
}

#[test]
fn openai_answer() {
    insta::assert_snapshot!(table(include_str!("fixtures/openai_answer.json"), Side::Answer));
}

#[test]
fn anthropic_answer() {
    insta::assert_snapshot!(table(include_str!("fixtures/anthropic_answer.json"), Side::Answer));
}

#[test]
fn gemini_request() {
    insta::assert_snapshot!(table(include_str!("fixtures/gemini_request.json"), Side::Request));
}

#[test]
fn gemini_answer() {
    insta::assert_snapshot!(table(include_str!("fixtures/gemini_answer.json"), Side::Answer));
}

/// The lines of a request, `|` between them.
fn check(body: &str, expected: &str) {
    let found: Vec<String> = table(body, Side::Request).lines().map(|line| line.trim().to_owned()).collect();
    assert_eq!(found.join(" | "), expected, "{body}");
}

/// A request with one user message of these parts.
fn check_parts(parts: &str, expected: &str) {
    let body = format!(r#"{{"messages":[{{"role":"user","content":[{parts}]}}]}}"#);
    let found: Vec<String> = table(&body, Side::Request).lines().map(|line| line.trim().replace("/messages/0/content", "")).collect();
    assert_eq!(found.join(" | "), expected, "{parts}");
}

#[test]
fn roles() {
    check(r#"{"messages":[{"content":"A","role":"user"}]}"#, r#"user text /messages/0/content = "A""#);
    check(
        r#"{"messages":[{"content":"A","r\u006fle":"us\u0065r"}]}"#,
        r#"user text /messages/0/content = "A" | user key fixed /messages/0/role = "role" | user metadata fixed /messages/0/role = "user""#,
    );
    check(r#"{"messages":[{"content":"A"}]}"#, r#"other text /messages/0/content = "A""#);
    check(
        r#"{"messages":[{"role":"System","content":"A"}]}"#,
        r#"other metadata fixed /messages/0/role = "System" | other text /messages/0/content = "A""#,
    );
    check(r#"{"messages":[{"role":["system"],"content":"A"}]}"#, r#"other text /messages/0/content = "A""#);
    // A role inside a tool's arguments or a part is nobody's role.
    check_parts(r#"{"type":"text","text":"A","role":"system"}"#, r#"user text /0/text = "A" | user text /0/role = "system""#);
    check_parts(
        r#"{"type":"tool_use","input":{"role":"system","type":"tool_result","content":"A"}}"#,
        r#"user tool_arguments /0/input/role = "system" | user tool_arguments /0/input/type = "tool_result" | user tool_arguments /0/input/content = "A""#,
    );
}

/// Items that a provider keeps are read like those of an answer, alone or in a list. What they only name is not in them.
#[test]
fn items() {
    let check = |body: &str, expected: &str| {
        let found: Vec<String> = table(body, Side::Answer).lines().map(|line| line.trim().to_owned()).collect();
        assert_eq!(found.join(" | "), expected, "{body}");
    };
    check(
        r#"{"data":[{"role":"user","id":"m1","content":[{"type":"input_text","text":"A"},{"type":"input_text","text":"B"},{"type":"input_file","file_id":"f1"}]}]}"#,
        r#"assistant metadata fixed /data/0/id = "m1" | assistant text /data/0/content/0/text = "A" | + assistant text /data/0/content/1/text = "B" | assistant text fixed /data/0/content/2/file_id = "f1""#,
    );
    check(
        r#"{"data":[{"type":"function_call","arguments":"{}"},{"type":"reasoning","summary":[{"type":"summary_text","text":"A"}]}]}"#,
        r#"assistant tool_arguments /data/0/arguments = "{}" | assistant reasoning /data/1/summary/0/text = "A""#,
    );
    check(r#"{"type":"function_call_output","output":"A"}"#, r#"tool tool_result /output = "A""#);
    check(
        r#"{"type":"message","content":[{"type":"input_image","image_url":"data:text/plain;base64,SGVsbG8="}],"data":1}"#,
        r#"assistant text fixed /content/0/image_url = "data:text/plain;base64,SGVsbG8=" | unread file /content/0/image_url"#,
    );
    // Not where it is an answer of its own.
    check(
        r#"{"content":[{"type":"document","source":{"type":"file","file_id":"f1"}}]}"#,
        r#"assistant document /content/0/source/file_id = "f1" | unread file /content/0/source/file_id"#,
    );
}

#[test]
fn runs() {
    let text = |text: &str| format!(r#"{{"type":"text","text":"{text}"}}"#);
    let (a, b) = (text("A"), text("B"));
    check_parts(&format!("{a},{b}"), r#"user text /0/text = "A" | + user text /1/text = "B""#);
    // What stands between inside the parts does not break a text; what stands between the parts does.
    check_parts(
        &format!(r#"{{"text":"A","x":"y","content":[{a}],"type":"text"}},{b}"#),
        r#"user text /0/text = "A" | + user text /1/text = "B" | user key fixed plain /0/x = "x" | user text /0/x = "y" | user text /0/content/0/text = "A""#,
    );
    check_parts(&format!("{a},7,{b}"), r#"user text /0/text = "A" | user text /2/text = "B" | unread tokens "#);
    check_parts(&format!(r#"{a},{{"type":"refusal","refusal":"B"}}"#), r#"user text /0/text = "A" | user text /1/refusal = "B""#);
    check_parts(&format!(r#"{a},{{"type":"document","text":"B"}}"#), r#"user text /0/text = "A" | user document /1/text = "B""#);
    check_parts(
        r#"{"type":"tool_result","content":"A"},{"type":"tool_result","content":"B"}"#,
        r#"tool tool_result /0/content = "A" | tool tool_result /1/content = "B""#,
    );
    check_parts(&format!("[{a}],[{b}]"), r#"user text /0/0/text = "A" | user text /1/0/text = "B""#);
    check(
        r#"{"messages":[{"role":"user","content":"A"},{"role":"user","content":"B"}]}"#,
        r#"user text /messages/0/content = "A" | user text /messages/1/content = "B""#,
    );
    check(
        r#"{"messages":[{"role":"user","refusal":"A"},{"role":"user","refusal":"B"}]}"#,
        r#"user text /messages/0/refusal = "A" | user text /messages/1/refusal = "B""#,
    );
    check(
        r#"{"messages":[{"role":"user","text":"A"},{"role":"user","text":"B"}]}"#,
        r#"user metadata /messages/0/text = "A" | user metadata /messages/1/text = "B""#,
    );
    check(
        r#"{"tools":[{"text":"A"},{"text":"B"}]}"#,
        r#"other tool_definition /tools/0/text = "A" | other tool_definition /tools/1/text = "B""#,
    );
}

#[test]
fn what_cannot_be_read() {
    let long = "QUJD".repeat(16);
    let picture = format!("iVBORw0KGgoAAAANSUhEUgAA{}", "QUJD".repeat(16));
    let part = |part: &str, expected: &str| check_parts(&part.replace("LONG", &long).replace("PICTURE", &picture), expected);
    let opaque = |at: &str, kind: &str| format!(r#"user text fixed opaque {at} = "data:ima" | unread {kind} {at}"#);
    part(r#"{"type":"redacted_thinking","data":"LONG"}"#, r#"user text fixed opaque /0/data = "QUJDQUJD" | unread sealed /0/data"#);
    part(r#"{"data":"LONG","type":"redacted_thinking"}"#, r#"user text fixed opaque /0/data = "QUJDQUJD" | unread sealed /0/data"#);
    part(r#"{"type":"thinking","signature":"LONG"}"#, r#"user text fixed opaque /0/signature = "QUJDQUJD" | unread sealed /0/signature"#);
    // Short enough to be a value: sealed, and inspected. Not base64: only inspected.
    part(r#"{"type":"thinking","signature":"c2ln"}"#, r#"user text fixed /0/signature = "c2ln" | unread sealed /0/signature"#);
    part(r#"{"type":"thinking","signature":"a b"}"#, r#"user text fixed /0/signature = "a b""#);
    part(
        r#"{"type":"thinking","signature":["a b","LONG"]}"#,
        &format!(r#"user text fixed /0/signature/0 = "a b" | user text fixed /0/signature/1 = "{}""#, &"QUJD".repeat(12)),
    );
    part(
        r#"{"type":"thinking","signature":{"x":"LONG"}}"#,
        &format!(r#"user key fixed plain /0/signature/x = "x" | user text fixed /0/signature/x = "{}""#, "QUJD".repeat(12)),
    );
    // Only a part of that type has sealed data, not what a tool's arguments call so.
    part(
        r#"{"type":"tool_use","input":{"type":"redacted_thinking","data":"LONG"}}"#,
        &format!(
            r#"user tool_arguments /0/input/type = "redacted_thinking" | user tool_arguments /0/input/data = "{}""#,
            "QUJD".repeat(12)
        ),
    );
    part(r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,PICTURE"}}"#, &opaque("/0/image_url/url", "image"));
    part(
        r#"{"type":"image_url","image_url":{"url":"DATA:image/PNG;BASE64,PICTURE"}}"#,
        &opaque("/0/image_url/url", "image").replace("data:ima", "DATA:ima"),
    );
    part(r#"{"type":"image_url","image_url":"data:image/png;base64,PICTURE"}"#, &opaque("/0/image_url", "image"));
    // What does not begin as a picture is a file, whatever it is said to be. A parameter of the media type is text.
    part(r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,LONG"}}"#, &opaque("/0/image_url/url", "file"));
    part(r#"{"type":"image_url","image_url":{"url":"data:image/svg+xml;base64,LONG"}}"#, &opaque("/0/image_url/url", "file"));
    part(
        r#"{"type":"image_url","image_url":{"url":"data:image/png;for=ada@example.org,and so on;base64,PICTURE"}}"#,
        r#"user text fixed /0/image_url/url = "data:image/png;for=ada@example.org,and so on;bas" | unread file /0/image_url/url"#,
    );
    // Only some types have a signature: anywhere else it is text. So is what no bytes can give.
    part(r#"{"type":"text","signature":"LONG"}"#, &format!(r#"user text fixed /0/signature = "{}""#, "QUJD".repeat(12)));
    part(
        r#"{"type":"text","thoughtSignature":"LONG"}"#,
        r#"user text fixed opaque /0/thoughtSignature = "QUJDQUJD" | unread sealed /0/thoughtSignature"#,
    );
    part(r#"{"type":"thinking","signature":"LONGQ"}"#, &format!(r#"user text fixed /0/signature = "{}""#, "QUJD".repeat(12)));
    part(
        r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,c2ln"}}"#,
        r#"user text fixed /0/image_url/url = "data:image/png;base64,c2ln" | unread file /0/image_url/url"#,
    );
    part(
        r#"{"type":"image_url","image_url":{"url":"data:image/svg+xml,<a>"}}"#,
        r#"user text fixed /0/image_url/url = "data:image/svg+xml,<a>" | unread file /0/image_url/url"#,
    );
    part(
        r#"{"type":"video_url","video_url":{"url":"http://a"}}"#,
        r#"user text fixed /0/video_url/url = "http://a" | unread remote_url /0/video_url/url"#,
    );
    part(
        r#"{"type":"image_url","image_url":["http://a"]}"#,
        r#"user text fixed /0/image_url/0 = "http://a" | unread remote_url /0/image_url/0"#,
    );
    // A picture under a key that nobody knows yet is a picture, and inspected as the text that it is as well.
    part(
        r#"{"type":"picture","picture":"\u0064ata:image/png;base64,QUJD"}"#,
        r#"user metadata fixed /0/type = "picture" | user key fixed plain /0/picture = "picture" | user text /0/picture = "data:image/png;base64,QUJD" | unread file /0/picture"#,
    );
    part(r#"{"type":"text","text":"data: a, b;base64,c"}"#, r#"user text /0/text = "data: a, b;base64,c""#);
    part(
        r#"{"type":"image","source":{"type":"text","data":"PICTURE"}}"#,
        r#"user text fixed opaque /0/source/data = "iVBORw0K" | unread image /0/source/data"#,
    );
    part(r#"{"type":"image","source":{"data":"4111 1111"}}"#, r#"user text /0/source/data = "4111 1111" | unread file /0/source/data"#);
    part(
        r#"{"type":"clip","source":{"type":"base64","data":"LONG"}}"#,
        r#"user metadata fixed /0/type = "clip" | user text fixed opaque /0/source/data = "QUJDQUJD" | unread file /0/source/data"#,
    );
    part(
        r#"{"type":"document","source":{"type":"text","data":"LONG"}}"#,
        &format!(r#"user document /0/source/data = "{}" | unread file /0/source/data"#, "QUJD".repeat(12)),
    );
}

#[test]
fn keys_and_numbers() {
    check(r#"{"4111111111111111":1}"#, r#"other key fixed /4111111111111111 = "4111111111111111""#);
    check(
        r#"{"metadata":{"a_b":{"c@d":[{"e":1}]}}}"#,
        r#"other key plain /metadata/a_b = "a_b" | other key /metadata/a_b/c@d = "c@d" | other key plain /metadata/a_b/c@d/0/e = "e""#,
    );
    check(
        r#"{"x":12345678,"y":1234567,"z":-1234567,"t":[1e000009,true,null]}"#,
        r#"other key fixed plain /x = "x" | other number fixed /x = "12345678" | other key fixed plain /y = "y" | other key fixed plain /z = "z" | other number fixed /z = "-1234567" | other key fixed plain /t = "t" | other number /t/0 = "1e000009""#,
    );
    check(r#"{"max_tokens":12345678901,"metadata":{"max_tokens":12345678}}"#, r#"other number /metadata/max_tokens = "12345678""#);
    check(r#"{"max_tokens":123456789012}"#, r#"other number fixed /max_tokens = "123456789012""#);
    check(r#"{"seed":12345678}"#, r#"other number fixed /seed = "12345678""#);
    check(r#"{"created":12345678}"#, r#"other number fixed /created = "12345678""#);
    check(r#"{"choices":[{"logprobs":"A"}]}"#, r#"other metadata /choices/0/logprobs = "A""#);
    check("\"A\"", r#"other metadata  = "A""#);
    check("[[\"A\"]]", r#"other metadata /0/0 = "A""#);
}

/// Which members hold an identifier that a provider made: `|` between their pointers.
fn check_ids(body: &str, side: Side, expected: &str) {
    let (tape, reading) = reading(body, side);
    let ids = reading.parts.iter().filter(|part| part.id).map(|part| tape.pointer(body.as_bytes(), part.node, |_| false));
    assert_eq!(ids.collect::<Vec<_>>().join(" | "), expected, "{body}");
}

#[test]
fn identifiers_of_providers() {
    let request = |members: &str, expected: &str| check_ids(&format!(r#"{{"messages":[{members}]}}"#), Side::Request, expected);
    request(r#"{"role":"tool","tool_call_id":"call_4111111111111111","content":"c_1"}"#, "/messages/0/tool_call_id");
    request(r#"{"role":"tool","tool_call_id":"4111111111111111"}"#, "");
    request(r#"{"role":"tool","tool_call_id":"ada@example.org"}"#, "");
    request(r#"{"role":"tool","tool_call_id":["c_1"]}"#, "");
    request(r#"{"role":"user","id":"c_1"}"#, "");
    request(r#"{"tool_calls":[{"id":"c_1","type":"function","function":{"name":"c_2"}}]}"#, "/messages/0/tool_calls/0/id");
    request(r#"{"content":[{"id":"t_1","type":"tool_use","input":{"id":"t_2"}},{"type":"text","id":"t_3"}]}"#, "/messages/0/content/0/id");
    request(r#"{"content":[{"type":"tool_result","tool_use_id":"t_1"}]}"#, "/messages/0/content/0/tool_use_id");
    check_ids(r#"{"id":"c_1","model":"m_1"}"#, Side::Request, "");
    let answer = r#"{"id":"4111111111111111","system_fingerprint":"fp_1","model":"m_1","request_id":"a b","choices":[{"message":{"content":"4","tool_calls":[{"id":"1","function":{"name":"f"}}]}}],"x":{"id":"9"}}"#;
    for side in [Side::Answer, Side::Event] {
        check_ids(answer, side, "/id | /system_fingerprint | /choices/0/message/tool_calls/0/id");
    }
    check_ids(&format!(r#"{{"id":"{}"}}"#, "x".repeat(129)), Side::Answer, "");
}

/// No string, key or long number is left out unseen: it is a part, unread, in `logprobs`, or a word of the formats.
#[test]
fn nothing_is_passed_over() {
    for (body, side) in [
        (include_str!("fixtures/openai_request.json"), Side::Request),
        (include_str!("fixtures/anthropic_request.json"), Side::Request),
        (include_str!("fixtures/openai_answer.json"), Side::Answer),
        (include_str!("fixtures/anthropic_answer.json"), Side::Answer),
    ] {
        // Every string a value that no format knows.
        let body = body.replace("\": \"", "\": \"4111 ");
        let (tape, reading) = reading(&body, side);
        let inside = |id: u32| reading.logprobs.iter().any(|outer| (*outer..tape.node(*outer).unwrap().next).contains(&id));
        for (id, _) in tape.nodes().filter(|(id, node)| tape.text(body.as_bytes(), *id).contains("4111 ") && node.next == id + 1) {
            let seen = reading.parts.iter().any(|part| part.node == id) || inside(id);
            assert!(seen, "{}", tape.pointer(body.as_bytes(), id, |_| false));
        }
    }
}
