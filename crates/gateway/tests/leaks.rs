//! The leak table: field × kind × encoding × format. The oracle looks at the raw bytes that the provider got, decoded by hand.

use bartizan_testkit::{Answer, Recorded, canned};

use crate::harness::{Call, House};

/// Values of three kinds; the last may stand as a number.
pub const VALUES: &[(&str, &str)] =
    &[("email", "ada.lovelace@example.org"), ("github", "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"), ("card", "4111111111111111")];

pub const ENCODINGS: &[&str] = &["plain", "json", "percent", "html", "wide", "zero"];

/// A value in an encoding, as it stands between the quotes of a JSON string.
fn encoded(value: &str, encoding: &str) -> String {
    let special = |c: char| matches!(c, '@' | '_' | '4');
    let write = |c: char| match encoding {
        "json" if special(c) => format!("\\u{:04x}", u32::from(c)),
        "percent" if special(c) => format!("%{:02X}", u32::from(c)),
        "html" if special(c) => format!("&#{};", u32::from(c)),
        "wide" if special(c) => char::from_u32(u32::from(c) + 0xfee0).unwrap().to_string(),
        "zero" if special(c) => format!("{c}\u{200b}"),
        _ => c.to_string(),
    };
    value.chars().map(write).collect()
}

/// (name, messages or other members; `@@` is the value, `<<` and `>>` its halves, `\\@@` the value inside JSON in a string)
const OPENAI: &[(&str, &str)] = &[
    ("system", r#""messages":[{"role":"system","content":"you are @@ now"},{"role":"user","content":"hi"}]"#),
    ("user", r#""messages":[{"role":"user","content":"call me @@, please"}]"#),
    ("parts", r#""messages":[{"role":"user","content":[{"type":"text","text":"I am <<"},{"type":"text","text":">> yes"}]}]"#),
    ("assistant", r#""messages":[{"role":"assistant","content":"it was @@."},{"role":"user","content":"hi"}]"#),
    ("refusal", r#""messages":[{"role":"assistant","refusal":"not @@."},{"role":"user","content":"hi"}]"#),
    ("tool result", r#""messages":[{"role":"tool","tool_call_id":"c","content":"found @@ there"}]"#),
    (
        "arguments",
        r#""messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"to\": \"\\@@\"}"}}]}]"#,
    ),
    ("description", r#""messages":[],"tools":[{"type":"function","function":{"name":"f","description":"mails @@ now","parameters":{}}}]"#),
    (
        "parameter",
        r#""messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"a":{"description":"such as @@"}}}}}]"#,
    ),
    ("tool name", r#""messages":[],"tools":[{"type":"function","function":{"name":"@@","parameters":{}}}]"#),
    ("name", r#""messages":[{"role":"user","name":"@@","content":"hi"}]"#),
    ("user field", r#""messages":[],"user":"@@""#),
    ("user_id", r#""messages":[],"metadata":{"user_id":"@@"}"#),
    ("unknown", r#""messages":[],"brand_new":{"deep":[{"er":"so @@ so"}]}"#),
    ("unknown twice", r#""messages":[],"brand_new":"@@","brand_new":"hi""#),
    ("key", r#""messages":[],"brand_new":{"@@":1}"#),
    (
        "key in arguments",
        r#""messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"\\@@\": 1}"}}]}]"#,
    ),
    ("number", r#""messages":[],"brand_new":[1, ##, 2]"#),
    (
        "number in string",
        r#""messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"card\": ##, \"n\": 1}"}}]}]"#,
    ),
    ("JSON in string", r#""messages":[{"role":"user","content":"{\"who\": \"\\@@\", \"n\": [1]}"}]"#),
    ("prose that begins like JSON", r#""messages":[{"role":"user","content":"[Note] I am @@."}]"#),
    ("stop", r#""messages":[],"stop":["@@"]"#),
    ("model", r#""messages":[],"service_tier":"@@""#),
];

const ANTHROPIC: &[(&str, &str)] = &[
    ("system", r#""system":"you are @@ now","messages":[{"role":"user","content":"hi"}]"#),
    ("system parts", r#""system":[{"type":"text","text":"you are <<"},{"type":"text","text":">> now"}],"messages":[]"#),
    ("user", r#""messages":[{"role":"user","content":"call me @@, please"}]"#),
    ("parts", r#""messages":[{"role":"user","content":[{"type":"text","text":"I am <<"},{"type":"text","text":">> yes"}]}]"#),
    ("assistant", r#""messages":[{"role":"assistant","content":[{"type":"text","text":"it was @@."}]}]"#),
    ("tool result", r#""messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"found @@ there"}]}]"#),
    (
        "tool result parts",
        r#""messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"see <<"},{"type":"text","text":">> ok"}]}]}]"#,
    ),
    ("input", r#""messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"to":"@@"}}]}]"#),
    ("input key", r#""messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"@@":true}}]}]"#),
    ("input number", r#""messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"card": ## }}]}]"#),
    ("thinking", r#""messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"so @@ so","signature":"c2ln"}]}]"#),
    ("signature", r#""messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"so","signature":"@@"}]}]"#),
    (
        "document",
        r#""messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"so @@ so"}}]}]"#,
    ),
    ("description", r#""messages":[],"tools":[{"name":"f","description":"mails @@ now","input_schema":{}}]"#),
    ("user_id", r#""messages":[],"metadata":{"user_id":"@@"}"#),
    ("unknown", r#""messages":[],"brand_new":{"deep":[{"er":"so @@ so"}]}"#),
    ("key", r#""messages":[],"brand_new":{"@@":1}"#),
];

const GEMINI: &[(&str, &str)] = &[
    ("system", r#""systemInstruction":{"parts":[{"text":"you are @@ now"}]},"contents":[]"#),
    ("system snake", r#""system_instruction":{"parts":{"text":"you are @@ now"}},"contents":[]"#),
    ("user", r#""contents":[{"role":"user","parts":[{"text":"call me @@, please"}]}]"#),
    ("one object", r#""contents":{"parts":{"text":"call me @@, please"}}"#),
    ("parts", r#""contents":[{"parts":[{"text":"I am <<"},{"text":">> yes"}]}]"#),
    ("model", r#""contents":[{"role":"model","parts":[{"text":"it was @@."}]}]"#),
    ("thought", r#""contents":[{"role":"model","parts":[{"thought":true,"text":"so @@ so","thoughtSignature":"c2ln"}]}]"#),
    ("signature", r#""contents":[{"role":"model","parts":[{"text":"so","thought_signature":"@@"}]}]"#),
    ("args", r#""contents":[{"role":"model","parts":[{"functionCall":{"name":"f","args":{"to":["@@"]}}}]}]"#),
    ("args key", r#""contents":[{"role":"model","parts":[{"function_call":{"name":"f","args":{"@@":true}}}]}]"#),
    ("args number", r#""contents":[{"role":"model","parts":[{"functionCall":{"name":"f","args":{"card": ## }}}]}]"#),
    ("call name", r#""contents":[{"role":"model","parts":[{"functionCall":{"name":"@@","args":{}}}]}]"#),
    ("response", r#""contents":[{"role":"function","parts":[{"functionResponse":{"name":"f","response":{"result":"found @@ there"}}}]}]"#),
    ("response parts", r#""contents":[{"parts":[{"function_response":{"name":"f","response":{},"parts":[{"text":"found @@ there"}]}}]}]"#),
    ("code", r#""contents":[{"role":"model","parts":[{"executableCode":{"language":"PYTHON","code":"print('@@')"}}]}]"#),
    ("output", r#""contents":[{"role":"model","parts":[{"code_execution_result":{"outcome":"OUTCOME_OK","output":"so @@ so"}}]}]"#),
    ("short data", r#""contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"@@"}}]}]"#),
    ("display name", r#""contents":[{"parts":[{"text":"x","inline_data":{"mime_type":"image/png","display_name":"of @@ here"}}]}]"#),
    ("description", r#""contents":[],"tools":[{"functionDeclarations":[{"name":"f","description":"mails @@ now"}]}]"#),
    ("one tool", r#""contents":[],"tools":{"function_declarations":{"name":"f","description":"mails @@ now"}}"#),
    ("tool name", r#""contents":[],"tools":[{"functionDeclarations":[{"name":"@@"}]}]"#),
    (
        "parameter",
        r#""contents":[],"tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"properties":{"a":{"description":"as @@"}}}}]}]"#,
    ),
    ("schema", r#""contents":[],"generationConfig":{"responseSchema":{"type":"STRING","description":"such as @@"}}"#),
    ("enum", r#""contents":[],"generation_config":{"response_schema":{"type":"STRING","enum":["@@"]}}"#),
    ("stop", r#""contents":[],"generationConfig":{"stopSequences":["@@"]}"#),
    ("search", r#""contents":[],"tools":[{"googleSearch":{"excludeDomains":["@@"]}}]"#),
    ("allowed", r#""contents":[],"toolConfig":{"functionCallingConfig":{"allowedFunctionNames":["@@"]}}"#),
    ("labels", r#""contents":[],"labels":{"who":"@@"}"#),
    ("part of a kind to come", r#""contents":[{"parts":[{"brandNew":{"deep":["so @@ so"]}}]}]"#),
    ("unknown", r#""contents":[],"brand_new":{"deep":[{"er":"so @@ so"}]}"#),
    ("key", r#""contents":[],"brand_new":{"@@":1}"#),
];

/// In which format a body is written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    OpenAi,
    Anthropic,
    Gemini,
}

impl Format {
    fn call(self, body: &str) -> Call {
        match self {
            Self::OpenAi => Call::chat(body),
            Self::Anthropic => Call::messages(body),
            Self::Gemini => Call::gemini("generateContent", body),
        }
    }

    fn of(path: &str) -> Self {
        match path {
            path if path.contains(':') => Self::Gemini,
            path if path.ends_with("/messages") => Self::Anthropic,
            _ => Self::OpenAi,
        }
    }

    /// Where an answer's text stands.
    fn text(self) -> &'static str {
        match self {
            Self::OpenAi => "/choices/0/message/content",
            Self::Anthropic => "/content/0/text",
            Self::Gemini => "/candidates/0/content/parts/0/text",
        }
    }
}

/// The body for a field, or nothing when the value cannot stand there.
pub fn filled(members: &str, kind: &str, value: &str, encoding: &str) -> Option<String> {
    if members.contains("##") && (kind != "card" || encoding != "plain") {
        return None;
    }
    let text = encoded(value, encoding);
    let half = encoded(&value[..value.len() / 2], encoding);
    let other = encoded(&value[value.len() / 2..], encoding);
    let nested = text.replace('\\', "\\\\");
    let members = members.replace("\\\\@@", &nested).replace("@@", &text).replace("<<", &half).replace(">>", &other).replace("##", value);
    Some(format!(r#"{{"model":"gpt-4o-mini","max_tokens":9,{members}}}"#))
}

/// Undoes every encoding of this table, and joins what stands in neighbouring text parts.
pub fn decoded(raw: &str) -> String {
    let joints = [r#""},{"type":"text","text":""#, r#""},{"type":"input_text","text":""#, r#""},{"text":""#, "\u{200b}"];
    let mut text = joints.iter().fold(raw.to_owned(), |text, joint| text.replace(joint, ""));
    for c in ['@', '_', '4'] {
        let code = u32::from(c);
        let wide = char::from_u32(code + 0xfee0).unwrap().to_string();
        for written in [format!("\\\\u{code:04x}"), format!("\\u{code:04x}"), format!("%{code:02X}"), format!("&#{code};"), wide] {
            text = text.replace(&written, &c.to_string());
        }
    }
    text
}

/// Words of the form of a pseudonym.
pub fn tokens(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let token = |word: &&str| word.split_once('_').is_some_and(|(kind, tail)| tail.len() == 10 && matches!(kind, "EMAIL" | "CARD"));
    words.filter(token).map(str::to_owned).collect()
}

/// Answers with every pseudonym of the request.
fn echo(request: &Recorded) -> Answer {
    let said = format!("<{}>", tokens(&request.text()).join("|"));
    Answer::json(match Format::of(&request.path) {
        Format::OpenAi => canned::chat("m", &said),
        Format::Anthropic => canned::message("m", &said),
        Format::Gemini => canned::gemini(&said),
    })
}

fn check(house: &House, format: Format, field: &str, body: &str, (kind, value, encoding): (&str, &str, &str)) {
    let what = format!("{field} / {kind} / {encoding} / {format:?}\n{body}");
    house.upstream.forget();
    house.journal.clear();
    serde_json::from_str::<serde_json::Value>(body).unwrap_or_else(|error| panic!("{error}: {what}"));
    let reply = house.send(&format.call(body));
    let recorded = house.journal.all();
    assert!(recorded.iter().all(|one| !decoded(&one.bytes).contains(value)), "in the journal: {what}");
    assert_eq!(recorded[0].decision, if reply.status == 200 { "remedied" } else { "blocked" }, "{what}");
    assert_eq!(reply.decision(), recorded[0].decision, "{what}");
    let Some(seen) = house.upstream.requests().pop() else {
        assert_eq!(reply.status, 403, "{what}: {}", reply.text());
        assert!(!decoded(&reply.text()).contains(value), "{what}");
        return;
    };
    let raw = seen.text();
    assert!(!decoded(&raw).contains(value), "{what}\nleaked in {raw}");
    serde_json::from_str::<serde_json::Value>(&raw).unwrap_or_else(|error| panic!("{error}: {what}\nsent {raw}"));
    let said = reply.json();
    let said = said.pointer(format.text()).unwrap().as_str().unwrap();
    let count = tokens(&raw).len();
    assert_eq!(count > 0, kind != "github", "{what}\nsent {raw}");
    let surface = match encoding {
        "json" => value.to_owned(),
        _ => encoded(value, encoding),
    };
    // JSON in a string keeps its own escapes: there the first way of writing is the one that was nested.
    let back: Vec<String> = said.trim_matches(['<', '>']).split('|').map(decoded).collect();
    if count > 0 {
        assert!(back.iter().all(|one| one == value), "{what}\ncame back {said}");
        assert!(decoded(&surface) == value && tokens(said).is_empty(), "{what}");
    }
}

fn table(format: Format, rows: &[(&str, &str)]) -> usize {
    let house = House::new();
    house.upstream.respond_with(echo);
    let mut checked = 0;
    for (field, members) in rows {
        for (kind, value) in VALUES {
            for encoding in ENCODINGS {
                if let Some(body) = filled(members, kind, value, encoding) {
                    check(&house, format, field, &body, (kind, value, encoding));
                    checked += 1;
                }
            }
        }
    }
    checked
}

#[test]
fn nothing_leaks_in_the_openai_format() {
    assert!(table(Format::OpenAi, OPENAI) > 350);
}

#[test]
fn nothing_leaks_in_the_anthropic_format() {
    assert!(table(Format::Anthropic, ANTHROPIC) > 250);
}

#[test]
fn nothing_leaks_in_the_gemini_format() {
    assert!(table(Format::Gemini, GEMINI) > 500);
}

/// However a card number is written as a number, it does not leave, and comes back as it was written.
#[test]
fn numbers_do_not_leak_however_they_are_written() {
    let house = House::new();
    house.upstream.respond_with(echo);
    let literals = [
        "-4111111111111111",
        "4111111111111111.25",
        "4.111111111111111e15",
        "4111111111111111e0",
        "-4111111111111111000E-3",
        "0.4111111111111111e+16",
    ];
    for literal in literals {
        let number = ("card", literal, "plain");
        let openai = format!(r#"{{"model":"gpt-4o-mini","messages":[],"brand_new":[1, {literal}, 2]}}"#);
        check(&house, Format::OpenAi, "number", &openai, number);
        let input = format!(r#"{{"type":"tool_use","id":"t","name":"f","input":{{"card": {literal} }}}}"#);
        let anthropic = format!(r#"{{"model":"gpt-4o-mini","max_tokens":9,"messages":[{{"role":"assistant","content":[{input}]}}]}}"#);
        check(&house, Format::Anthropic, "input number", &anthropic, number);
        let call = format!(r#"{{"id":"c","type":"function","function":{{"name":"f","arguments":"{{\"card\": {literal}, \"n\": 1}}"}}}}"#);
        let arguments = format!(r#"{{"model":"gpt-4o-mini","messages":[{{"role":"assistant","tool_calls":[{call}]}}]}}"#);
        check(&house, Format::OpenAi, "number in arguments", &arguments, number);
        let fixed = format!(r#"{{"model":"gpt-4o-mini","messages":[],"seed":{literal}}}"#);
        assert_eq!(house.chat(&fixed).status, 403, "{fixed}");
    }
    let both = r#"{"model":"gpt-4o-mini","messages":[],"brand_new":[-4111111111111111, 4111111111111111, "{\"a\": -4111111111111111}"]}"#;
    let said = content_of(&house.chat(both).json());
    assert_eq!(said, "<-4111111111111111|4111111111111111|-4111111111111111>", "the provider saw {}", house.seen());
}

/// What comes back is what was written, exactly: surface forms, quotation marks, numbers.
#[test]
fn an_echo_gives_the_callers_own_text_back() {
    let house = House::new();
    let said = [
        "plain ada@example.org and again ada@example.org",
        "[Note] ada@example.org, 4111 1111 1111 1111.",
        "{not json} ada@example.org",
        "\"ada@example.org\" <ada@example.org>",
        "ada%40example.org",
        "{\"a\": \"ada@example.org\", \"b\": [\"4111-1111-1111-1111\"]}",
        "[ada@example.org](mailto:ada@example.org)",
        "line\nada@example.org\ttab \\ back \u{1f600}",
    ];
    for text in said {
        let quoted = serde_json::to_string(text).unwrap();
        let body = format!(r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":{quoted}}}]}}"#);
        for stream in [false, true] {
            house.upstream.respond_with(move |request| {
                let asked: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
                let heard = asked["messages"][0]["content"].as_str().unwrap().to_owned();
                if !stream {
                    return Answer::json(canned::chat("m", &heard));
                }
                Answer::stream(canned::chat_events("m", &canned::parts(&heard, 3)))
            });
            let reply = house.chat(&body);
            assert!(!house.seen().contains("ada@") && !house.seen().contains("1111 1111"), "{}", house.seen());
            let back = if stream { crate::answers::content(&reply.text()) } else { content_of(&reply.json()) };
            assert_eq!(back, text, "stream {stream}; the provider saw {}", house.seen());
        }
    }
}

fn content_of(answer: &serde_json::Value) -> String {
    answer["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
}
