//! OpenAI's Responses API: nothing leaks in either direction, and every repetition of a text says the same.

use bartizan_testkit::canned::{self, Grown};
use bartizan_testkit::{Answer, Recorded};
use serde_json::{Value, json};

use crate::answers::events;
use crate::harness::{Call, House, Plan};
use crate::leaks::{ENCODINGS, VALUES, decoded, filled, tokens};

const OWN: &str = "ada@example.org";
const OTHER: &str = "eve@example.net";
const GONE: &str = "[REDACTED_EMAIL]";

fn asked(stream: bool) -> Call {
    Call::responses(json!({"model": "gpt-4o-mini", "stream": stream, "input": format!("I am {OWN}")}).to_string())
}

/// The pseudonym that the provider is shown for the caller's own value.
fn token(house: &House) -> String {
    house.upstream.push(Answer::json("{}"));
    house.send(&asked(false));
    tokens(&house.seen()).remove(0)
}

/// (field, members; `@@` is the value, `<<` and `>>` its halves, `\\@@` the value inside JSON in a string)
const FIELDS: &[(&str, &str)] = &[
    ("input", r#""input":"call me @@, please""#),
    ("instructions", r#""input":"hi","instructions":"you are @@ now""#),
    ("user", r#""input":[{"role":"user","content":"call me @@, please"}]"#),
    (
        "parts",
        r#""input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"I am <<"},{"type":"input_text","text":">> yes"}]}]"#,
    ),
    ("developer", r#""input":[{"role":"developer","content":"you are @@ now"}]"#),
    (
        "assistant",
        r#""input":[{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"it was @@.","annotations":[]}]}]"#,
    ),
    (
        "annotation",
        r#""input":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"it","annotations":[{"type":"url_citation","title":"by @@","start_index":0,"end_index":1}]}]}]"#,
    ),
    ("refusal", r#""input":[{"type":"message","role":"assistant","content":[{"type":"refusal","refusal":"not @@."}]}]"#),
    ("summary", r#""input":[{"type":"reasoning","summary":[{"type":"summary_text","text":"so @@ so"}],"encrypted_content":"Z0FB"}]"#),
    ("reasoning", r#""input":[{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"so @@ so"}]}]"#),
    ("encrypted content", r#""input":[{"type":"reasoning","summary":[],"encrypted_content":"@@"}]"#),
    ("arguments", r#""input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{\"to\": \"\\@@\"}"}]"#),
    ("number in arguments", r#""input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{\"card\": ##, \"n\": 1}"}]"#),
    ("output", r#""input":[{"type":"function_call_output","call_id":"c","output":"found @@ there"}]"#),
    (
        "output parts",
        r#""input":[{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"see <<"},{"type":"input_text","text":">> ok"}]}]"#,
    ),
    ("custom input", r#""input":[{"type":"custom_tool_call","call_id":"c","name":"f","input":"mail @@ now"}]"#),
    ("custom output", r#""input":[{"type":"custom_tool_call_output","call_id":"c","output":"found @@ there"}]"#),
    ("typed", r#""input":[{"type":"computer_call","id":"cu","call_id":"c","action":{"type":"type","text":"write @@ there"}}]"#),
    (
        "searched",
        r#""input":[{"type":"web_search_call","id":"ws","status":"completed","action":{"type":"search","query":"who is @@ now"}}]"#,
    ),
    ("passage", r#""input":[{"type":"file_search_call","id":"fs","queries":["q"],"results":[{"text":"so @@ so"}]}]"#),
    ("code", r#""input":[{"type":"code_interpreter_call","id":"ci","code":"print('@@')","outputs":[]}]"#),
    ("logs", r#""input":[{"type":"code_interpreter_call","id":"ci","code":"1","outputs":[{"type":"logs","logs":"so @@ so"}]}]"#),
    (
        "command",
        r#""input":[{"type":"local_shell_call","id":"l","call_id":"c","action":{"type":"exec","command":["mail","@@"],"env":{"A":"1"}}}]"#,
    ),
    (
        "environment",
        r#""input":[{"type":"local_shell_call","id":"l","call_id":"c","action":{"type":"exec","command":["mail"],"env":{"TO":"@@"}}}]"#,
    ),
    ("shell output", r#""input":[{"type":"shell_call_output","call_id":"c","output":[{"stdout":"so @@ so","stderr":""}]}]"#),
    ("patch", r#""input":[{"type":"apply_patch_call","call_id":"c","operation":{"type":"update_file","path":"a","diff":"+ so @@ so"}}]"#),
    ("mcp output", r#""input":[{"type":"mcp_call","id":"m","server_label":"s","name":"t","arguments":"{}","output":"so @@ so"}]"#),
    ("approval", r#""input":[{"type":"mcp_approval_response","approval_request_id":"a","approve":true,"reason":"since @@ said so"}]"#),
    ("unknown item", r#""input":[{"type":"brand_new","words":["so @@ so"]}]"#),
    (
        "file name",
        r#""input":[{"role":"user","content":[{"type":"input_text","text":"hi"},{"type":"input_text","text":"","filename":"of @@ here"}]}]"#,
    ),
    ("description", r#""input":"hi","tools":[{"type":"function","name":"f","description":"mails @@ now","parameters":{}}]"#),
    (
        "parameter",
        r#""input":"hi","tools":[{"type":"function","name":"f","parameters":{"properties":{"a":{"description":"such as @@"}}}}]"#,
    ),
    ("tool name", r#""input":"hi","tools":[{"type":"function","name":"@@","parameters":{}}]"#),
    ("authorization", r#""input":"hi","tools":[{"type":"mcp","server_label":"s","connector_id":"c","authorization":"@@"}]"#),
    ("headers", r#""input":"hi","tools":[{"type":"mcp","server_label":"s","connector_id":"c","headers":{"X-Who":"@@"}}]"#),
    (
        "grammar",
        r#""input":"hi","tools":[{"type":"custom","name":"g","format":{"type":"grammar","syntax":"lark","definition":"start: @@ more"}}]"#,
    ),
    (
        "format",
        r#""input":"hi","text":{"format":{"type":"json_schema","name":"s","schema":{"properties":{"a":{"description":"such as @@"}}}}}"#,
    ),
    ("variable", r#""prompt":{"id":"pmpt_1","variables":{"who":"it is @@ here"}}"#),
    ("variable part", r#""prompt":{"id":"pmpt_1","variables":{"who":{"type":"input_text","text":"it is @@ here"}}}"#),
    ("metadata", r#""input":"hi","metadata":{"who":"@@"}"#),
    ("user field", r#""input":"hi","user":"@@""#),
    ("safety identifier", r#""input":"hi","safety_identifier":"@@""#),
    ("unknown", r#""input":"hi","brand_new":{"deep":[{"er":"so @@ so"}]}"#),
    ("key", r#""input":"hi","brand_new":{"@@":1}"#),
    ("number", r#""input":"hi","brand_new":[1, ##, 2]"#),
];

/// Answers with every pseudonym of the request.
fn echo(request: &Recorded) -> Answer {
    Answer::json(canned::response("m", &format!("<{}>", tokens(&request.text()).join("|"))))
}

fn check_leak(house: &House, field: &str, body: &str, (kind, value): (&str, &str)) {
    let what = format!("{field} / {kind}\n{body}");
    house.upstream.forget();
    house.journal.clear();
    let reply = house.send(&Call::responses(body));
    let recorded = house.journal.all();
    assert!(recorded.iter().all(|one| !decoded(&one.bytes).contains(value)), "in the journal: {what}");
    assert_eq!(recorded[0].decision, if reply.status == 200 { "remedied" } else { "blocked" }, "{what}");
    let Some(seen) = house.upstream.requests().pop() else {
        assert_eq!(reply.status, 403, "{what}: {}", reply.text());
        assert!(!decoded(&reply.text()).contains(value), "{what}");
        return;
    };
    let raw = seen.text();
    assert!(!decoded(&raw).contains(value), "{what}\nleaked in {raw}");
    serde_json::from_str::<Value>(&raw).unwrap_or_else(|error| panic!("{error}: {what}\nsent {raw}"));
    let said = reply.json()["output"][0]["content"][0]["text"].as_str().unwrap().to_owned();
    assert_eq!(!tokens(&raw).is_empty(), kind != "github", "{what}\nsent {raw}");
    if kind != "github" {
        assert!(said.trim_matches(['<', '>']).split('|').all(|one| decoded(one) == value), "{what}\ncame back {said}");
    }
}

#[test]
fn nothing_leaks_to_the_provider() {
    let house = House::new();
    house.upstream.respond_with(echo);
    let mut checked = 0;
    for (field, members) in FIELDS {
        for (kind, value) in VALUES {
            for encoding in ENCODINGS {
                if let Some(body) = filled(members, kind, value, encoding) {
                    check_leak(&house, field, &body.replace("\"max_tokens\":9,", ""), (kind, value));
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 700, "{checked}");
}

/// What a text with the caller's own value and one of the model's is to become.
fn said(own: &str, other: &str) -> String {
    format!("to {own}, cc {other}, ok? ")
}

fn all_of(house: &House, whole: &str) -> String {
    house.upstream.push(Answer::json(whole.to_owned()));
    house.send(&asked(false)).text()
}

#[test]
fn whole_answers_restore_and_redact() {
    let house = House::new();
    let token = token(&house);
    let items = |own: &str, other: &str| {
        json!([
            {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": said(own, other)}],
             "content": [{"type": "reasoning_text", "text": said(own, other)}]},
            {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [
                {"type": "output_text", "text": said(own, other), "annotations": [{"type": "url_citation", "title": said(own, other)}]},
                {"type": "refusal", "refusal": said(own, other)}]},
            {"id": "fc_1", "type": "function_call", "call_id": "c", "name": "f", "arguments": json!({"to": own, "n": 1}).to_string()},
            {"id": "mcp_1", "type": "mcp_call", "server_label": "s", "name": "t", "arguments": "{}", "output": said(own, other)},
        ])
    };
    let answer = |own: &str, other: &str| {
        let mut answer: Value = serde_json::from_str(&canned::response("m", "")).unwrap();
        answer["output"] = items(own, other);
        answer["instructions"] = json!(said(own, other));
        answer["metadata"] = json!({"who": own});
        answer.to_string()
    };
    let got: Value = serde_json::from_str(&all_of(&house, &answer(&token, OTHER))).unwrap();
    assert_eq!(got, serde_json::from_str::<Value>(&answer(OWN, GONE)).unwrap());
}

#[test]
fn log_probabilities_go_and_lists_stay_lists() {
    let house = House::new();
    let whole = canned::response("m", "hi").replace(r#""logprobs":[]"#, r#""logprobs":[{"token":"eve@example.net","logprob":-1.5}]"#);
    assert!(whole.contains(OTHER));
    let got: Value = serde_json::from_str(&all_of(&house, &whole)).unwrap();
    assert_eq!(got["output"][0]["content"][0]["logprobs"], json!([]));
    let stream = canned::response_events("m", &["hi"]).concat();
    house.upstream.push(Answer::stream([stream.replace(r#""logprobs":[]"#, r#""logprobs":[{"token":"eve@example.net","logprob":-1.5}]"#)]));
    assert_eq!(house.send(&asked(true)).text(), stream);
}

/// What a stream says of one item: its deltas, and everything that repeats them.
fn tellings(stream: &str, index: usize) -> (String, Vec<String>) {
    let (mut grown, mut told) = (String::new(), Vec::new());
    let text_of = |value: &Value| {
        let found = ["/text", "/refusal", "/arguments", "/input", "/summary/0/text", "/content/0/text", "/content/0/refusal"];
        found.iter().find_map(|at| value.pointer(at)?.as_str().map(str::to_owned))
    };
    for event in events(stream) {
        let kind = event["type"].as_str().unwrap();
        let last = kind.rsplit('.').next().unwrap();
        if event["output_index"] == index && last == "delta" {
            grown += event["delta"].as_str().unwrap();
        } else if event["output_index"] == index && last == "done" {
            told.extend(["/item", "/part", ""].iter().find_map(|at| event.pointer(at).and_then(text_of)));
        } else if kind == "response.completed" {
            told.extend(text_of(&event["response"]["output"][index]));
        }
    }
    (grown, told)
}

fn check_tellings(stream: &str, index: usize, expected: &str, times: usize, what: &str) {
    let (grown, told) = tellings(stream, index);
    assert_eq!(grown, expected, "{what}");
    assert_eq!(told, vec![expected; times], "{what}");
}

#[test]
fn every_repetition_of_a_text_says_the_same() {
    let house = House::new();
    let token = token(&house);
    let (text, expected) = (said(&token, OTHER), said(OWN, GONE));
    let arguments = |own: &str, card: &str| json!({"to": own, "note": card, "n": 1}).to_string();
    let (called, call) = (arguments(&token, "5500 0055 5555 5559"), arguments(OWN, "[REDACTED_CARD]"));
    for size in [1, 2, 3, 7, 16, 100] {
        let parts = canned::parts(&text, size);
        let pieces = canned::parts(&called, size);
        let stream = canned::response_stream(
            "m",
            &[
                (Grown::Summary, &parts),
                (Grown::Reasoning, &parts),
                (Grown::Text, &parts),
                (Grown::Call("f"), &pieces),
                (Grown::Refusal, &parts),
                (Grown::Custom("g"), &parts),
                (Grown::Call("f"), &pieces),
            ],
        );
        house.upstream.push(Answer::stream(stream.clone()));
        let got = house.send(&asked(true)).text();
        for (index, times) in [(0, 4), (1, 3), (2, 4), (4, 4)] {
            check_tellings(&got, index, &expected, times, &format!("item {index} in pieces of {size}"));
        }
        for index in [3, 6] {
            check_tellings(&got, index, &call, 3, &format!("item {index} in pieces of {size}"));
        }
        // No event is lost, invented, or put elsewhere, and each keeps its name.
        let names = |stream: &str| stream.lines().filter(|line| line.starts_with("event: ")).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(names(&got), names(&stream.concat()));
        let numbers: Vec<u64> = events(&got).iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
        assert!(numbers.iter().copied().eq(0..stream.len() as u64));
    }
}

#[test]
fn the_result_does_not_depend_on_how_the_bytes_are_split() {
    let house = House::new();
    let token = token(&house);
    let text = format!("{token} {OTHER}");
    let arguments = json!({"to": token}).to_string();
    let stream =
        canned::response_stream("m", &[(Grown::Text, &canned::parts(&text, 9)), (Grown::Call("f"), &canned::parts(&arguments, 5))]);
    let stream = stream.concat();
    house.upstream.push(Answer::stream([stream.clone()]));
    let expected = house.send(&asked(true)).text();
    check_tellings(&expected, 0, &format!("{OWN} {GONE}"), 4, "uncut");
    check_tellings(&expected, 1, &json!({"to": OWN}).to_string(), 3, "uncut");
    for cut in 1..stream.len() {
        house.upstream.push(Answer::stream_split(stream.as_bytes(), &[cut]));
        assert_eq!(house.send(&asked(true)).text(), expected, "cut at {cut}");
    }
}

/// What ends with a pseudonym is waited for no longer than until its end is told.
#[test]
fn a_text_is_over_when_its_end_is_told() {
    let house = House::new();
    let token = token(&house);
    let mut parts = canned::response_events("m", &["so ", &token]);
    parts.truncate(parts.iter().position(|event| event.contains("output_text.done")).unwrap() + 1);
    let whole = parts.concat();
    house.upstream.push(Answer::stream([whole, ": never\n\n".to_owned()]).after_last(std::time::Duration::from_mins(1)));
    let mut wire = crate::harness::Wire::open(house.address);
    wire.send(&asked(true));
    let got = wire.read_until("output_text.done\",\"");
    assert_eq!(tellings(&got, 0).0, format!("so {OWN}"), "{got}");
}

#[test]
fn unknown_events_are_inspected() {
    let house = House::new();
    let token = token(&house);
    let event = |delta: &str| {
        let data = json!({"type": "response.brand_new.delta", "output_index": 0, "delta": delta, "more": {"a": [delta]}});
        format!("event: response.brand_new.delta\ndata: {data}\n\n")
    };
    let text = said(&token, OTHER);
    house.upstream.push(Answer::stream([event(&text)]));
    assert_eq!(house.send(&asked(true)).text(), event(&said(OWN, GONE)));
    house.upstream.push(Answer::stream(canned::parts(&text, 4).into_iter().map(event)));
    let got = house.send(&asked(true)).text();
    assert_eq!(events(&got).iter().map(|event| event["delta"].as_str().unwrap()).collect::<String>(), said(OWN, GONE));
}

#[test]
fn a_block_ends_the_stream_as_clients_expect() {
    let policies = r#"@id("open") permit(principal, action, resource);
        @id("no.mail") forbid(principal, action == Action::"complete", resource) when { context.labels.contains("pii.email") };"#;
    let house = House::build(Plan { policies: Some(policies.to_owned()), ..Plan::default() });
    let stream = canned::response_events("m", &["it is all fine here, but now ", "write to eve", "@example.net", " please"]).concat();
    for cut in (1..stream.len()).step_by(97) {
        house.upstream.push(Answer::stream_split(stream.as_bytes(), &[cut]));
        let reply = house.send(&asked(true));
        let got = events(&reply.text());
        let last = got.last().unwrap();
        assert_eq!((&last["type"], &last["code"], &last["param"]), (&json!("error"), &json!("policy_blocked"), &Value::Null), "{last}");
        assert_eq!(last["error"]["message"], last["message"]);
        assert_eq!(last["sequence_number"], got.len() as u64 - 1, "{}", reply.text());
        assert!(reply.whole && !reply.text().contains("write to") && !reply.text().contains("response.completed"), "{}", reply.text());
    }
}

#[test]
fn what_the_provider_keeps_is_refused() {
    let house = House::new();
    for members in [
        r#""input":"hi","conversation":7"#,
        r#""input":"hi","conversation":{"id":"conv_1","ID":"conv_2"}"#,
        r#""input":"hi","background":true"#,
        r#""input":[{"type":"item_reference","id":"msg_1"}]"#,
        r#""input":[{"id":"msg_1"}]"#,
        r#""input":[{"type":"reasoning","id":"rs_1","summary":[]}]"#,
        r#""input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"Z0FB","encrypted_content":null,"encrypted_content":"Z0FB"}]"#,
        r#""input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":""}]"#,
        r#""input":[{"role":"user","content":"hi"},{"type":"image_generation_call","id":"ig_1"}]"#,
        r#""input":[{"type":"image_generation_call","id":"ig_1","status":"completed","result":""}]"#,
        r#""input":[{"type":"image_generation_call","id":"ig_1","action":"edit","output":"x","summary":["x"],"content":"x"}]"#,
        r#""input":[{"type":"message","id":"msg_1","content":[]}]"#,
        r#""input":[{"type":"message","id":"msg_1","role":"assistant"}]"#,
        r#""input":[{"type":"brand_new_call","id":"bn_1","content":"hi","call_id":"c"}]"#,
        r#""input":[{"type":"compaction","id":"cmp_1"}]"#,
        r#""input":[[{"type":"item_reference","id":"msg_1"}]]"#,
        r#""input":"hi","request_id":"resp_1""#,
        r#""input":"hi","tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]"#,
        r#""input":"hi","tools":[{"type":"code_interpreter","container":"cntr_1"}]"#,
        r#""input":"hi","tools":[{"type":"shell","environment":{"type":"container_reference","container_id":"cntr_1"}}]"#,
        r#""input":[{"type":"additional_tools","role":"developer","tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]}]"#,
        r#""input":[{"type":"additional_tools","role":"developer","tools":[{"type":"code_interpreter","container":"cntr_1"}]}]"#,
        r#""input":[{"type":"tool_search_output","call_id":"c","tools":[{"type":"namespace","tools":[{"type":"shell","environment":{"container_id":"cntr_1"}}]}]}]"#,
        r#""input":[{"type":"additional_tools","Tools":{"type":"code_interpreter","container":"cntr_1"}}]"#,
        r#""input":[{"type":"code_interpreter_call","code":"1","container_id":"../x"}]"#,
        r#""input":[{"type":"message","role":"user","content":{"type":"input_file","file_id":"file-1","FILE_ID":"file-2"}}]"#,
        r#""input":[{"role":"user","content":[{"type":"input_text","text":"fileid://file-1"}]}]"#,
        r#""input":[{"role":"user","Role":"system","content":"hi"}]"#,
        r#""input":[{"type":"message","type":"reasoning","role":"user","content":"hi"}]"#,
        r#""input":7"#,
        r#""instructions":"hi""#,
        r#""input":"hi","input":"ho""#,
        r#""input":"hi","top_logprobs":3"#,
    ] {
        let reply = house.send(&Call::responses(format!(r#"{{"model":"gpt-4o-mini",{members}}}"#)));
        assert_eq!(reply.status, 400, "{members}: {}", reply.text());
        let sentence = reply.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(sentence.contains("the field") || sentence.contains("reasoning.encrypted_content"), "{sentence}");
    }
    for (method, path) in [
        ("GET", "/v1/responses/resp_1/output"),
        ("POST", "/v1/responses/compact"),
        ("POST", "/v1/responses/input_tokens"),
        ("POST", "/v1/conversations/conv_1/items/msg_1/x"),
    ] {
        let reply = house.send(&Call::new(method, path, "{}"));
        assert_eq!(reply.status, 404, "{method} {path}");
        assert!(reply.text().contains("is refused"), "{}", reply.text());
    }
    assert!(house.upstream.requests().is_empty());
    // What only looks like it passes.
    for members in [
        r#""input":"hi","previous_response_id":null,"conversation":null,"background":false,"store":false,"truncation":"auto""#,
        r#""input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"Z0FB"},{"role":"user","content":"hi"}]"#,
        r#""input":[{"type":"compaction","id":"cmp_1","encrypted_content":"Z0FB"},{"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"a"}}]"#,
        r#""input":[{"type":"function_call","id":"fc_1","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","id":"fc_2","call_id":"c","output":"so"}]"#,
        r#""input":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a","annotations":[{"type":"file_citation","file_id":"file-1"}]}]}]"#,
        r#""input":"hi","tools":[{"type":"function","name":"f","parameters":{"properties":{"file_id":{"type":"string"}}}}]"#,
        r#""input":"hi","tools":[{"type":"code_interpreter","container":{"type":"auto"}},{"type":"web_search"}]"#,
    ] {
        house.upstream.push(Answer::json(canned::response("m", "ok")));
        let body = format!(r#"{{"model":"gpt-4o-mini",{members}}}"#);
        assert_eq!(house.send(&Call::responses(body.clone())).status, 200, "{members}");
        assert_eq!(house.seen(), body, "what nobody objects to keeps its bytes");
    }
}

/// Only what the caller wrote itself names a host; what a tool gave does not.
#[test]
fn a_tools_result_names_no_host() {
    let house = House::new();
    for (item, allowed) in [
        (json!({"role": "user", "content": "see https://ours.example/"}), true),
        (json!({"type": "function_call_output", "call_id": "c", "output": "see https://ours.example/"}), false),
        (json!({"type": "brand_new", "text": "see https://ours.example/"}), false),
        (json!({"role": "assistant", "content": "see https://ours.example/"}), false),
    ] {
        let body = json!({"model": "gpt-4o-mini", "input": [{"role": "user", "content": format!("I am {OWN}")}, item]}).to_string();
        house.upstream.respond_with(|request| {
            Answer::json(canned::response("m", &format!("https://ours.example/?q={}", tokens(&request.text()).remove(0))))
        });
        let said = house.send(&Call::responses(body)).text();
        assert_eq!(said.contains(OWN) || said.contains("ada%40"), allowed, "{item}: {said}");
    }
}
