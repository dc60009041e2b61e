//! Control fields of Gemini's requests: what is read, and every way of writing one that another parser could read differently.
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "tests")]

use bartizan_wire::ControlError::{self, Elsewhere, Missing, NotAnObject, Refused, Repeated, Respelt, Type};
use bartizan_wire::Route::{
    self, BatchEmbedContents as EmbedBatch, CountContentTokens as Count, EmbedContent as Embed, GenerateContent as Generate,
};
use bartizan_wire::json::{JsonLimits, Tape};
use bartizan_wire::{cache_page, control, write_cache_page};

/// The names of the model and the parts of the first user content.
fn read(body: &str, call: Route) -> Result<(Vec<String>, Option<String>), ControlError> {
    let tape = Tape::read(body.as_bytes(), &JsonLimits::default()).unwrap();
    let text = |id: u32| tape.text(body.as_bytes(), id).into_owned();
    let found = control(&tape, body.as_bytes(), call)?;
    assert_eq!((found.model, found.stream, found.session), (None, false, None));
    assert!(control(&tape, body.as_bytes(), Route::StreamGenerateContent).map_or(call != Generate, |found| found.stream));
    Ok((found.also.into_iter().map(text).collect(), found.first_user.map(text)))
}

fn good(call: Route, body: &str, models: &[&str], first_user: Option<&str>) {
    let (found, first) = read(body, call).unwrap();
    assert_eq!((found.iter().map(String::as_str).collect::<Vec<_>>(), first.as_deref()), (models.to_vec(), first_user), "{body}");
}

fn bad(call: Route, body: &str, expected: ControlError) {
    assert_eq!(read(body, call), Err(expected), "{body}");
}

/// A request to generate that is right, with more members.
fn with(members: &str) -> String {
    format!(r#"{{"contents":[],{members}}}"#)
}

/// A request with one part.
fn part(members: &str) -> String {
    format!(r#"{{"contents":[{{"parts":[{{{members}}}]}}]}}"#)
}

#[test]
fn what_is_read() {
    good(Generate, r#"{"contents":[]}"#, &[], None);
    good(
        Generate,
        r#"{"contents":[{"role":"model","parts":[1,2]},{"role":"user","parts":{"text":"a"}}],"model":"models/m"}"#.replace("[1,2]", "[]").as_str(),
        &["models/m"],
        Some(r#"{"text":"a"}"#),
    );
    good(Generate, r#"{"contents":{"parts":[{"text":"a"}]}}"#, &[], Some(r#"[{"text":"a"}]"#));
    good(Count, r#"{"contents":[{"role":"user"}]}"#, &[], None);
    good(Count, r#"{"generate_content_request":{"model":"models/m","contents":[{"parts":[]}]}}"#, &["models/m"], Some("[]"));
    good(Embed, r#"{"model":"m","content":{"parts":[{"text":"a"}]},"taskType":"RETRIEVAL_QUERY"}"#, &["m"], Some(r#"[{"text":"a"}]"#));
    good(
        EmbedBatch,
        r#"{"requests":[{"model":"models/m","content":{"parts":[]}},{"model":"m","content":{}}]}"#,
        &["models/m", "m"],
        Some("[]"),
    );
    for members in [
        r#""generation_config":{"responseLogprobs":false,"logprobs":0,"routingConfig":null}"#,
        r#""cachedContent":null,"tools":[{"fileSearch":null},{"google_search":{}}]"#,
        r#""toolConfig":{"functionCallingConfig":{"streamFunctionCallArguments":false,"mode":"AUTO"}}"#,
        r#""metadata":{"model":1,"Model":2},"mod":1,"contentsx":2"#,
    ] {
        good(Generate, &with(members), &[], None);
    }
}

#[test]
fn repeated_or_respelt() {
    for (body, name) in [
        (with(r#""contents":[]"#), "contents"),
        (with(r#""Contents":[]"#), "contents"),
        (with(r#""conten\u0074s\u0000":[]"#), "contents"),
        (with(r#""systemInstruction":{},"system_instruction":{}"#), "systemInstruction"),
        (with(r#""systeminstruction":{}"#), "systemInstruction"),
        (with(r#""System_Instruction":{}"#), "systemInstruction"),
        (with(r#""system__instruction":{}"#), "systemInstruction"),
        (with(r#""mode\u006c":"a","model":"b""#), "model"),
        (with(r#""tool_config":{},"toolConfig":{}"#), "toolConfig"),
        (with(r#""tools":[{"functionDeclarations":[],"function_declarations":[]}]"#), "functionDeclarations"),
        (with(r#""generationConfig":{"responseLogprobs":false,"response_logprobs":true}"#), "responseLogprobs"),
        (
            with(r#""toolConfig":{"functionCallingConfig":{"streamFunctionCallArguments":false,"StreamFunctionCallArguments":true}}"#),
            "streamFunctionCallArguments",
        ),
        (with(r#""systemInstruction":{"parts":{"text":"a","Text":"b"}}"#), "text"),
        (r#"{"contents":[{"role":"user","Role":"model"}]}"#.to_owned(), "role"),
        (r#"{"contents":{"parts":[],"\u0050arts":[]}}"#.to_owned(), "parts"),
        (part(r#""thought":true,"thought":false,"text":"a""#), "thought"),
        (part(r#""inlineData":{},"inline_data":{}"#), "inlineData"),
        (part(r#""inlineData":{"mimeType":"image/png","mime_type":"text/plain"}"#), "mimeType"),
        (part(r#""functionCall":{"name":"a","name":"b"}"#), "name"),
        (part(r#""functionResponse":{"parts":[{"inlineData":{"data":"a","Data":"b"}}]}"#), "data"),
        // U+017F and U+212A are letters that some parsers fold into ASCII.
        (with("\"content\u{17f}\":[]"), "contents"),
    ] {
        bad(Generate, &body, Respelt(name));
    }
    bad(Count, r#"{"contents":[],"generateContentRequest":{"contents":[]}}"#, Repeated("contents"));
    bad(Count, r#"{"generateContentRequest":{"contents":[],"Model":"x"}}"#, Respelt("model"));
    bad(EmbedBatch, r#"{"requests":[{"content":{}},{"content":{},"model":"a","MODEL":"b"}]}"#, Respelt("model"));
}

#[test]
fn refused() {
    bad(Generate, "[]", NotAnObject);
    bad(Generate, "{}", Missing("contents"));
    bad(Count, "{}", Missing("contents"));
    bad(Embed, r#"{"contents":[]}"#, Missing("content"));
    bad(EmbedBatch, r#"{"content":{}}"#, Missing("requests"));
    bad(Generate, r#"{"contents":"a"}"#, Type("contents", "an array of objects"));
    bad(Generate, r#"{"contents":["a"]}"#, Type("contents", "an array of objects"));
    bad(Generate, r#"{"contents":{"parts":"a"}}"#, Type("parts", "an array of objects"));
    bad(Generate, &with(r#""model":7"#), Type("model", "a string"));
    bad(Embed, r#"{"content":"a"}"#, Type("content", "an object"));
    bad(Count, r#"{"generateContentRequest":[]}"#, Type("generateContentRequest", "an object"));
    bad(Embed, r#"{"content":{},"cachedContent":"cachedContents/a"}"#, Elsewhere("cachedContent"));
    bad(EmbedBatch, r#"{"requests":[{"content":{},"cached_content":"cachedContents/a"}]}"#, Elsewhere("cachedContent"));
    bad(Generate, &with(r#""generateContentRequest":{}"#), Elsewhere("generateContentRequest"));
    bad(Count, r#"{"generateContentRequest":{"contents":[],"requests":[]}}"#, Elsewhere("requests"));
    bad(Generate, &with(r#""api_base":"http://x.example""#), Elsewhere("apiBase"));
    bad(Generate, &with(r#""tools":[{},{"fileSearch":{}}]"#), Elsewhere("fileSearch"));
    bad(Generate, &with(r#""tools":{"mcp_servers":[]}"#), Elsewhere("mcpServers"));
    bad(Generate, &with(r#""generationConfig":{"routing_config":{}}"#), Elsewhere("routingConfig"));
    bad(Generate, &with(r#""generationConfig":{"response_logprobs":true}"#), Refused("responseLogprobs"));
    bad(Generate, &with(r#""generation_config":{"logprobs":3}"#), Refused("logprobs"));
    bad(
        Generate,
        &with(r#""tool_config":{"function_calling_config":{"stream_function_call_arguments":true}}"#),
        Refused("streamFunctionCallArguments"),
    );
}

const NAME: ControlError = Type("cachedContent", "the name of a cache, `cachedContents/ID`");

#[test]
fn caches_that_are_named() {
    let named = |call: Route, body: &str| {
        let tape = Tape::read(body.as_bytes(), &JsonLimits::default()).unwrap();
        let cache = control(&tape, body.as_bytes(), call).unwrap().kept.and_then(|kept| kept.cache);
        cache.map(|id| tape.text(body.as_bytes(), id).into_owned())
    };
    for (call, body, cache) in [
        (Generate, with(r#""cachedContent":"cachedContents/a-B_1""#), Some("cachedContents/a-B_1")),
        (Route::StreamGenerateContent, with(r#""cached_content":"cached\u0043ontents\/a""#), Some("cachedContents/a")),
        (Count, with(r#""cachedContent":"cachedContents/a""#), Some("cachedContents/a")),
        (Count, r#"{"generate_content_request":{"contents":[],"cached_content":"cachedContents/a"}}"#.to_owned(), Some("cachedContents/a")),
        (Generate, with(r#""cachedContent":null"#), None),
        (Generate, with(r#""labels":{"cachedContent":"cachedContents/a"}"#), None),
    ] {
        assert_eq!(named(call, &body).as_deref(), cache, "{body}");
    }
    for value in [
        "",
        "a",
        "cachedContents/",
        "cachedContents/a/b",
        "cachedContents/a.b",
        "CachedContents/a",
        "/cachedContents/a",
        "cachedContents//a",
    ] {
        bad(Generate, &with(&format!(r#""cachedContent":"{value}""#)), NAME);
    }
    for value in ["7", "true", "[]", "{}"] {
        bad(Generate, &with(&format!(r#""cachedContent":{value}"#)), NAME);
    }
    let inner = r#"{"cachedContent":"cachedContents/a","generateContentRequest":{"contents":[],"cachedContent":"cachedContents/a"}}"#;
    bad(Count, inner, Repeated("cachedContent"));
    bad(Generate, &with(r#""cachedContent":null,"cached_content":"cachedContents/a""#), Respelt("cachedContent"));
    bad(Generate, &with(r#""cached\ufffdContent":"cachedContents/a""#), Respelt("cachedContent"));
    bad(Generate, &with(r#""generationConfig":{"cachedContent":"cachedContents/a"}"#), Elsewhere("cachedContent"));
}

#[test]
fn bodies_of_caches() {
    use bartizan_wire::Route::{CreateCache as Create, UpdateCache as Update};
    good(Create, r#"{"model":"models/m"}"#, &["models/m"], None);
    good(
        Create,
        r#"{"model":"m","contents":[{"parts":[]}],"system_instruction":{"parts":[]},"expire_time":"2026-01-01T00:00:00Z"}"#,
        &["m"],
        Some("[]"),
    );
    good(Create, r#"{"model":"m","contents":null,"ttl":"3.5s","displayName":"a","tools":[{}],"toolConfig":{}}"#, &["m"], None);
    good(Update, r#"{"ttl":"300s"}"#, &[], None);
    good(Update, r#"{"ttl":null,"expireTime":"2026-01-01T00:00:00.5+01:00"}"#, &[], None);
    bad(Create, r#"{"contents":[]}"#, Missing("model"));
    bad(Create, r#"{"model":"m","models":["n"]}"#, unknown(true));
    bad(Create, r#"{"model":"m","name":"cachedContents/a"}"#, unknown(true));
    bad(Create, r#"{"model":"m","generationConfig":{}}"#, unknown(true));
    bad(Create, r#"{"model":"m","tools":[{"file_search":{}}]}"#, Elsewhere("fileSearch"));
    bad(Create, r#"{"model":"m","contents":["a"]}"#, Type("contents", "an array of objects"));
    bad(Update, "{}", Missing("ttl"));
    bad(Update, r#"{"ttl":null}"#, Missing("ttl"));
    bad(Update, r#"{"ttl":"1s","name":"cachedContents/a"}"#, unknown(false));
    bad(Update, r#"{"ttl":"1s","expireTime":"2026-01-01T00:00:00Z"}"#, ControlError::Either("ttl", "expireTime"));
    bad(Update, r#"{"expireTime":"a","expire_time":"b"}"#, Respelt("expireTime"));
    bad(Update, r#"{"ttl":""}"#, Type("ttl", "a duration such as `\"3600s\"`"));
}

fn unknown(makes: bool) -> ControlError {
    let made = "`model`, `contents`, `systemInstruction`, `tools`, `toolConfig`, `displayName`, and `ttl` or `expireTime`";
    ControlError::Unknown(if makes { made } else { "`ttl` or `expireTime`" })
}

#[test]
fn pages_of_caches() {
    let page = |body: &str| {
        let tape = Tape::read(body.as_bytes(), &JsonLimits::default()).unwrap();
        cache_page(&tape, body.as_bytes())
            .map(|page| (page.caches.into_iter().map(|(id, at)| (id, body[at].to_owned())).collect::<Vec<_>>(), page.next))
    };
    let body =
        r#"{"cachedContents":[{"name":"cachedContents/a","x":1},{"name":"a"},{},7,{"name":"cachedContents/b"}],"nextPageToken":"n"}"#;
    let (caches, next) = page(body).unwrap();
    let own = [("a", r#"{"name":"cachedContents/a","x":1}"#), ("b", r#"{"name":"cachedContents/b"}"#)];
    assert_eq!((caches, next.as_deref()), (own.map(|(id, text)| (id.to_owned(), text.to_owned())).to_vec(), Some("n")));
    for body in ["{}", r#"{"cachedContents":[],"nextPageToken":""}"#] {
        assert_eq!(page(body), Some((Vec::new(), None)));
    }
    for body in ["[]", r#"{"cachedContents":{}}"#, "7"] {
        assert_eq!(page(body), None);
    }
    let written = String::from_utf8(write_cache_page(&[b"{}", b"{\"a\":1}"], Some("b"))).unwrap();
    assert_eq!(written, r#"{"cachedContents":[{},{"a":1}],"nextPageToken":"b"}"#);
    assert_eq!(write_cache_page(&[], None), br#"{"cachedContents":[]}"#);
}
