//! Files that a provider keeps: inspected on their way there and back, and whoever sent one is the only one for whom it is there.

use std::sync::Arc;
use std::time::Duration;

use bartizan_gateway::{Fault, Faults, Limits, Model, Provider, Settings, Timeouts};
use bartizan_identity::{Binding, MemoryObjects, Object, ObjectKind, Objects, ObjectsError};
use bartizan_testkit::{Answer, canned, documents};
use bartizan_vocabulary::{Direction, PrincipalId, ProviderName};
use serde_json::{Value, json};

use crate::harness::{Call, House, Plan, Wire, error, events, key};

const FOUND: &str = "ada@example.org";
const BOUNDARY: &str = "----form-1f0c9aab";

/// One provider, as with `--upstream`.
pub fn one(settings: &mut Settings) {
    settings.providers.truncate(1);
    settings.models = vec![Model::at("gpt-4o-mini", 0, None)];
}

fn house() -> House {
    House::build(Plan { adjust: Some(Box::new(one)), ..Plan::default() })
}

/// A form of parts: the rest of the disposition, more headers, content.
fn form(parts: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (named, headers, content) in parts {
        out.extend_from_slice(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {named}\r\n{headers}\r\n").as_bytes());
        out.extend_from_slice(content);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    out
}

fn posted(body: impl Into<Vec<u8>>) -> Call {
    Call::new("POST", "/v1/files", body).with("content-type", &format!("multipart/form-data; boundary={BOUNDARY}"))
}

/// A form as the SDKs write it.
pub fn sent(purpose: &str, name: &str, media: &str, content: &[u8]) -> Call {
    let (named, media) = (format!("name=\"file\"; filename=\"{name}\""), format!("Content-Type: {media}\r\n"));
    posted(form(&[("name=\"purpose\"", "", purpose.as_bytes()), (&named, &media, content)]))
}

fn told(id: &str) -> Value {
    json!({"id": id, "object": "file", "bytes": 12_345_678, "created_at": 1_700_000_000, "expires_at": 1_702_592_000, "filename": "a.txt",
        "purpose": "user_data", "status": "processed", "status_details": null})
}

fn by(number: u8, call: Call) -> Call {
    call.with("authorization", &format!("Bearer {}", key(number)))
}

fn bare(method: &str, path: &str) -> Call {
    Call::new(method, path, "").with("content-type", "")
}

/// Sends a file of which the provider says that it has this id.
fn keep(house: &House, number: u8, id: &str) {
    house.upstream.push(Answer::json(told(id).to_string()));
    let reply = house.send(&by(number, sent("user_data", "a.txt", "text/plain", b"nothing of note")));
    assert_eq!((reply.status, &reply.json()["id"]), (200, &json!(id)), "{}", reply.text());
}

fn labels(event: &Value) -> Vec<String> {
    event["facts"]["context"]["labels"].as_object().map(|labels| labels.keys().cloned().collect()).unwrap_or_default()
}

#[test]
fn a_file_goes_on_byte_for_byte() {
    let house = house();
    let content = b"line\r\none\n--\r\n----form\r\n\r\nname=\"x\"; \xc3\xa9 and more".to_vec();
    let call = sent("user_data", "r\u{e9}sum\u{e9} (1).txt", "text/plain", &content);
    house.upstream.push(Answer::json(told("file-a1").to_string()));
    let reply = house.send(&call);
    assert_eq!((reply.status, reply.decision(), reply.json()), (200, "permit", told("file-a1")), "{}", reply.text());
    let seen = house.upstream.requests().pop().unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str(), seen.body.as_ref()), ("POST", "/v1/files", call.body.as_slice()));
    assert_eq!(seen.header("content-type"), Some(format!("multipart/form-data; boundary={BOUNDARY}").as_str()));
    assert_eq!(seen.header("authorization"), Some("Bearer sk-provider"));
    let all = events(&house);
    let told: Vec<_> = all.iter().map(|event| (event["route"].as_str().unwrap(), event["direction"].as_str().unwrap())).collect();
    assert_eq!(told, [("POST /v1/files", "request"), ("POST /v1/files", "response")]);
    assert_eq!((&all[0]["provider"], &all[0]["model"], &all[0]["facts"]["action"]), (&json!("main"), &Value::Null, &json!("prompt")));
    assert!(labels(&all[0]).is_empty(), "{}", all[0]);
}

fn gzipped(text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_stands_in_a_file_or_beside_it_is_found() {
    let house = house();
    let text = format!("write to {FOUND} soon");
    let docx = documents::docx(&text, &[]).unwrap();
    let zip = documents::zip(&[("a.txt", text.as_bytes())]).unwrap();
    let packed = gzipped(&text);
    let jsonl = format!("{{\"messages\":[{{\"role\":\"user\",\"content\":\"{FOUND}\"}}]}}\n");
    // Arguments of a tool: JSON in a string of JSON.
    let twice = r#"{"arguments":"{\"to\":\"\\u0061da\\u0040example.org\"}"}"#;
    let files: Vec<(&str, &str, &str, &[u8], &str)> = vec![
        ("user_data", "a.txt", "text/plain", text.as_bytes(), "/file"),
        ("assistants", "a.docx", "application/octet-stream", &docx, "/file"),
        ("user_data", "a.zip", "application/zip", &zip, "/file"),
        ("user_data", "a.gz", "application/gzip", &packed, "/file"),
        ("fine-tune", "a.jsonl", "application/jsonl", jsonl.as_bytes(), "/file"),
        ("fine-tune", "a.jsonl", "application/jsonl", twice.as_bytes(), "/file"),
        ("user_data", "ada@example.org.txt", "text/plain", b"nothing", "/filename"),
        ("user_data", "ada%40example.org.txt", "text/plain", b"nothing", "/filename"),
    ];
    for (purpose, name, media, content, place) in files {
        house.journal.clear();
        house.upstream.forget();
        house.upstream.push(Answer::json(told("file-b").to_string()));
        let reply = house.send(&sent(purpose, name, media, content));
        if place == "/file" && (content == twice.as_bytes() || content.windows(FOUND.len()).any(|letters| letters == FOUND.as_bytes())) {
            assert_eq!((reply.status, reply.decision()), (200, "remedied"), "{name}: {}", reply.text());
            assert!(!house.seen().contains(FOUND) && house.seen().contains("[REDACTED_EMAIL]"), "{}", house.seen());
        } else {
            let (status, code, message) = error(&reply);
            assert_eq!((status, code.as_str()), (403, "policy_blocked"), "{name}: {message}");
            assert!(message.contains("`pii.email` was found in") && house.upstream.requests().is_empty(), "{message}");
        }
        let event = house.journal.all().into_iter().find_map(|one| one.event.filter(|event| event["findings"][0].is_object())).unwrap();
        assert_eq!((&event["findings"][0]["label"], &event["findings"][0]["path"]), (&json!("pii.email"), &json!(place)), "{event}");
        assert!(event["facts"]["context"]["by_role"]["user"]["labels"]["pii.email"].is_object(), "{event}");
        assert!(house.journal.all().iter().all(|noted| !noted.bytes.contains(FOUND)), "{name}");
    }
    house.upstream.forget();
    // A field, a header, and a secret in the boundary; digits there are nobody's.
    let seconds = form(&[
        ("name=\"purpose\"", "", b"user_data"),
        ("name=\"expires_after[seconds]\"", "", b"4111111111111111"),
        ("name=\"file\"; filename=\"a\"", "", b"x"),
    ]);
    assert_eq!(house.send(&posted(seconds)).status, 403);
    assert_eq!(house.send(&sent("user_data", "a", "text/plain", b"x").and("openai-organization", FOUND)).status, 403);
    let with_boundary = |boundary: &str| {
        let body = String::from_utf8(sent("user_data", "a", "text/plain", b"x").body).unwrap().replace(BOUNDARY, boundary);
        house.send(&posted(body).with("content-type", &format!("multipart/form-data; boundary=\"{boundary}\"")))
    };
    assert_eq!(with_boundary("x-ghp_Zq4TnB8cVw2LkR7yPd5XsJ9mHf3GtA6uEo1i").status, 403);
    assert!(house.upstream.requests().is_empty());
    house.upstream.push(Answer::json(told("file-b").to_string()));
    assert_eq!(with_boundary("--------------------------f4111111111111111").status, 200);
    // As clients make them; a number alone may be one that somebody put there.
    for boundary in ["----WebKitFormBoundary7MA4YWxkTrZu0gW", "a6f1c0b2d93e4857b1d0c4e5f6a7b8c9", "----formdata-undici-012345678901"] {
        house.upstream.push(Answer::json(told("file-b").to_string()));
        assert_eq!(with_boundary(boundary).status, 200, "{boundary}");
    }
    for boundary in ["4111111111111111", "--------------------------4111111111111111"] {
        assert_eq!(with_boundary(boundary).status, 403, "{boundary}");
    }
}

#[test]
fn what_cannot_be_read_is_a_fact() {
    let house = house();
    let packed: &[u8] = b"BZh91AY&SY\x17\x72\x45\x38\x50\x90\0\0\0\0";
    let reply = house.send(&sent("user_data", "a.bz2", "application/x-bzip2", packed));
    assert_eq!(error(&reply).0, 403);
    assert!(labels(&house.journal.all().pop().unwrap().event.unwrap()).contains(&"uninspected.file".to_owned()));
    assert!(house.upstream.requests().is_empty());
    // A picture is one for the built-in policies wherever it is named.
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89".as_slice();
    house.upstream.push(Answer::json(told("file-p").to_string()));
    assert_eq!(house.send(&sent("vision", "a.png", "image/png", png)).status, 200);
    assert_eq!(labels(&events(&house)[1]), ["uninspected.image"]);
    house.upstream.push(Answer::json(canned::response("m", "I see.")));
    house.journal.clear();
    assert_eq!(house.send(&asked(&json!({"type": "input_image", "file_id": "file-p"}))).status, 200);
    assert_eq!(labels(&events(&house)[0]), ["uninspected.image"]);
}

/// A request of the Responses API with a part.
fn asked(part: &Value) -> Call {
    Call::responses(json!({"model": "gpt-4o-mini", "input": [{"role": "user", "content": [part]}]}).to_string())
}

/// Every way in which a request names a file.
fn naming(id: &str) -> Vec<Call> {
    let chat = |part: Value| Call::chat(json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": [part]}]}).to_string());
    let responses = |members: &Value| {
        let mut body = json!({"model": "gpt-4o-mini", "input": "hi"});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        Call::responses(body.to_string())
    };
    let document = json!({"type": "document", "source": {"type": "file", "file_id": id}});
    let message = json!({"model": "gpt-4o-mini", "max_tokens": 9, "messages": [{"role": "user", "content": [document]}]});
    let alone = json!({"type": "tool_result", "tool_use_id": "t", "content": document});
    let alone = json!({"model": "gpt-4o-mini", "max_tokens": 9, "messages": [{"role": "user", "content": [alone]}]});
    let screenshot = json!({"type": "computer_screenshot", "file_id": id});
    let input = |item: Value| responses(&json!({"input": [item, {"role": "user", "content": "x"}]}));
    let interpreter = json!({"type": "code_interpreter", "container": {"type": "auto", "file_ids": [id]}});
    let mask = json!({"type": "image_generation", "input_image_mask": {"file_id": id}});
    vec![
        input(json!({"type": "additional_tools", "role": "developer", "tools": [interpreter]})),
        input(json!({"type": "tool_search_output", "call_id": "c", "execution": "client", "tools": [mask]})),
        input(json!({"type": "tool_search_output", "call_id": "c", "tools": [{"type": "namespace", "name": "n", "tools": [interpreter]}]})),
        chat(json!({"type": "file", "file": {"file_id": id}})),
        chat(json!({"type": "file", "file_id": id})),
        asked(&json!({"type": "input_file", "file_id": id})),
        asked(&json!({"type": "input_image", "file_id": id})),
        responses(&json!({"prompt": {"id": "pmpt_1", "variables": {"doc": {"type": "input_file", "file_id": id}}}})),
        responses(&json!({"input": [{"type": "computer_call_output", "call_id": "c", "output": screenshot}]})),
        responses(&json!({"tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": [id]}}]})),
        responses(&json!({"tools": [{"type": "image_generation", "input_image_mask": {"file_id": id}}]})),
        Call::messages(message.to_string()),
        Call::messages(alone.to_string()),
    ]
}

#[test]
fn who_sent_a_file_may_name_it_and_nobody_else() {
    let house = house();
    keep(&house, 1, "file-S7roYCWZqSMRhMmxbmwyYG");
    house.upstream.respond_with(|asked| {
        Answer::json(match asked.path.as_str() {
            path if path.contains("responses") => canned::response("m", "fine"),
            path if path.contains("messages") => canned::message("m", "fine"),
            _ => canned::chat("m", "fine"),
        })
    });
    for call in naming("file-S7roYCWZqSMRhMmxbmwyYG") {
        let before = house.upstream.requests().len();
        let others = house.send(&by(2, call.clone()));
        let text = String::from_utf8(call.body.clone()).unwrap();
        assert_eq!((error(&others).0, error(&others).2.contains("`file_id`")), (404, true), "{text}: {}", others.text());
        assert_eq!(house.upstream.requests().len(), before, "{text}");
        house.journal.clear();
        let reply = house.send(&call);
        assert_eq!(reply.status, 200, "{text}: {}", reply.text());
        assert_eq!(house.seen(), text, "byte for byte");
        // It was read when it was sent.
        assert_eq!(labels(&events(&house)[0]), Vec::<String>::new(), "{text}");
    }
    for call in naming("file-nobodys") {
        assert!(matches!(house.send(&call).status, 400 | 404), "{}", String::from_utf8(call.body).unwrap());
    }
}

#[test]
fn a_mention_is_what_every_reader_takes_for_one() {
    let house = house();
    keep(&house, 1, "file-a");
    let before = house.upstream.requests().len();
    for part in [
        r#"{"type":"file","file":{"file_id":"file-a","file_id":"file-b"}}"#,
        r#"{"type":"file","file":{"file_id":"file-a","File_ID":"file-b"}}"#,
        r#"{"type":"file","file":{"file_id":"file-a"},"FILE":{"file_id":"file-b"}}"#,
        r#"{"type":"file","file":{"file_id":"file-a"},"file":{"file_id":"file-b"}}"#,
        r#"{"type":"file","file_id":"file-a","F\u0069le_id":"file-b"}"#,
        r#"{"type":"file","file":{"file_id":"../file-a"}}"#,
        r#"{"type":"file","file":{"file_id":"file-a "}}"#,
    ] {
        let body = format!(r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":[{part}]}}]}}"#);
        assert_eq!(house.send(&Call::chat(body)).status, 400, "{part}");
    }
    // A list of one without the list, and what a vendor takes for a mention.
    for content in [
        r#"{"type":"file","file":{"file_id":"file-b"}}"#,
        r#""fileid://file-b""#,
        r#"" FileID:\/\/file-b,fileid://file-c""#,
        r#"[{"type":"text","text":"fileid://file-b"}]"#,
    ] {
        let body = format!(r#"{{"model":"gpt-4o-mini","messages":[{{"role":"system","content":{content}}}]}}"#);
        assert_eq!(house.send(&Call::chat(body)).status, 400, "{content}");
    }
    let many: Vec<Value> = (0..257).map(|_| json!({"type": "file", "file": {"file_id": "file-a"}})).collect();
    let body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": many}]});
    assert_eq!(house.send(&Call::chat(body.to_string())).status, 400);
    assert_eq!(house.upstream.requests().len(), before);
}

#[test]
fn only_its_owner_reads_and_deletes_a_file() {
    let house = house();
    keep(&house, 1, "file-a");
    let before = house.upstream.requests().len();
    let all = |number: u8, id: &str| {
        let paths = [("GET", ""), ("GET", "/content"), ("DELETE", "")];
        let calls = paths.iter().flat_map(|(method, rest)| {
            [bare(method, &format!("/v1/files/{id}{rest}")), bare(method, &format!("/openai/v1/files/{id}{rest}?api-version=1"))]
        });
        calls.map(|call| error(&house.send(&by(number, call)))).collect::<Vec<_>>()
    };
    assert_eq!(all(2, "file-a"), all(1, "file-x"), "nobody learns that it is there");
    assert!(all(2, "file-a").iter().all(|(status, code, _)| (*status, code.as_str()) == (404, "not_found")));
    assert_eq!(house.upstream.requests().len(), before, "nothing was sent");
    for (call, status) in [
        (bare("GET", "/v1/files/file-a?purpose=x"), 400),
        (Call::new("DELETE", "/v1/files/file-a", r#"{"a":1}"#), 400),
        (bare("PUT", "/v1/files/file-a"), 405),
        (bare("POST", "/v1/files/file-a"), 405),
        (bare("GET", "/v1/files/file-a/"), 404),
        (bare("GET", "/v1/files/file%2Da"), 404),
        (bare("GET", "/v1/files/.."), 404),
    ] {
        assert_eq!(house.send(&call).status, status, "{} {}", call.method, call.path);
    }
    let mut file = told("file-a");
    file["filename"] = json!(format!("{FOUND}.txt"));
    house.upstream.push(Answer::json(file.to_string()));
    let reply = house.send(&bare("GET", "/v1/files/file-a"));
    assert_eq!((reply.status, &reply.json()["filename"]), (200, &json!("[REDACTED_EMAIL].txt")), "{}", reply.text());
    // What the provider did not delete is still there.
    house.upstream.push(Answer::json(r#"{"id":"file-a","object":"file","deleted":false}"#));
    assert_eq!(house.send(&bare("DELETE", "/v1/files/file-a")).status, 200);
    house.upstream.push(Answer::json(r#"{"id":"file-a","object":"file","deleted":true}"#));
    assert_eq!(house.send(&bare("DELETE", "/v1/files/file-a")).json()["deleted"], true);
    assert_eq!(house.upstream.requests().last().unwrap().method, "DELETE");
    assert_eq!(house.send(&bare("GET", "/v1/files/file-a")).status, 404);
    let routes: Vec<Value> = events(&house).iter().map(|event| event["route"].clone()).collect();
    for (route, count) in [("GET /v1/files/{file}", 2), ("DELETE /v1/files/{file}", 4)] {
        assert!(routes.iter().filter(|one| **one == route).count() >= count, "{route} in {routes:?}");
    }
}

#[test]
fn content_comes_back_if_it_can_be_read_and_is_clean() {
    let house = house();
    keep(&house, 1, "file-a");
    let content = || house.send(&bare("GET", "/v1/files/file-a/content"));
    let clean = b"{\"custom_id\":\"1\"}\n{\"custom_id\":\"2\"}\n".as_slice();
    house.upstream.push(Answer::whole(200, "application/jsonl", clean));
    let reply = content();
    assert_eq!((reply.status, reply.decision(), reply.body.as_slice()), (200, "permit", clean), "{}", reply.text());
    assert_eq!((reply.header("content-type"), reply.header("x-content-type-options")), (Some("application/jsonl"), Some("nosniff")));
    assert_eq!(house.upstream.requests().last().unwrap().path, "/v1/files/file-a/content");
    house.upstream.push(Answer::whole(200, "text/plain", clean).gzipped());
    assert_eq!(content().body, clean);
    let docx = documents::docx(&format!("write to {FOUND}"), &[]).unwrap();
    for (media, bytes, why) in [
        ("text/plain", format!("write to {FOUND}").into_bytes(), "`pii.email` was found in an attachment"),
        ("application/octet-stream", docx, "`pii.email` was found in an attachment"),
        ("text/event-stream", format!("data: {FOUND}\n\n").into_bytes(), "`pii.email` was found in an attachment"),
        ("application/octet-stream", vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0], "cannot inspect"),
    ] {
        house.upstream.push(Answer::whole(200, media, bytes));
        let (status, code, message) = error(&content());
        assert_eq!((status, code.as_str()), (403, "policy_blocked"), "{message}");
        assert!(message.contains(why) && !message.contains(FOUND), "{message}");
    }
    // An error is one as everywhere.
    house.upstream.push(Answer::json(r#"{"error":{"message":"Not allowed to download files of purpose: user_data"}}"#).with_status(400));
    assert_eq!(content().status, 400);
    house.upstream.push(Answer::whole(302, "text/plain", "").with_header("location", "https://elsewhere.example/"));
    assert_eq!(content().status, 502);
    assert!(events(&house).iter().any(|event| event["facts"]["action"] == "complete" && event["decision"] == "blocked"));
}

/// A provider with so many files, every `each`th of them `file-own-N`; it hands out at most `page` at a time.
fn library(house: &House, count: usize, each: usize, page: usize) {
    house.upstream.respond_with(move |asked| {
        let query: Vec<(&str, &str)> =
            asked.path.split_once('?').map_or("", |(_, query)| query).split('&').filter_map(|pair| pair.split_once('=')).collect();
        let named = |name: &str| query.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let id = |at: usize| if at.is_multiple_of(each) { format!("file-own-{at}") } else { format!("file-other-{at}") };
        let after = named("after").map_or(0, |after| (0..count).find(|at| id(*at) == after).map_or(count, |at| at + 1));
        let limit = named("limit").map_or(10_000, |limit| limit.parse().unwrap()).min(page);
        let end = (after + limit).min(count);
        let data: Vec<Value> = (after..end).map(|at| told(&id(at))).collect();
        let (first, last) = (data.first().map(|one| one["id"].clone()), data.last().map(|one| one["id"].clone()));
        Answer::json(json!({"object": "list", "data": data, "first_id": first, "last_id": last, "has_more": end < count}).to_string())
    });
}

fn listed(house: &House, number: u8, query: &str) -> Value {
    let reply = house.send(&by(number, bare("GET", &format!("/v1/files{query}"))));
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(!reply.text().contains("file-other"), "{}", reply.text());
    reply.json()
}

fn ids(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

#[test]
fn a_list_holds_the_callers_files_only() {
    let house = house();
    for at in [0, 10, 20, 30] {
        keep(&house, 1, &format!("file-own-{at}"));
    }
    library(&house, 35, 10, 4);
    let page = listed(&house, 1, "");
    assert_eq!(ids(&page), ["file-own-0", "file-own-10", "file-own-20", "file-own-30"]);
    assert_eq!((&page["first_id"], &page["last_id"]), (&json!("file-own-0"), &json!("file-own-30")));
    assert_eq!((&page["has_more"], &page["object"], &page["data"][1]), (&json!(false), &json!("list"), &told("file-own-10")));
    // Page by page, as the SDKs turn them: until nothing is left.
    for limit in [1, 2, 3, 4] {
        let (mut after, mut all) = (String::new(), Vec::new());
        loop {
            let page = listed(&house, 1, &format!("?limit={limit}{after}"));
            all.extend(ids(&page).into_iter().map(str::to_owned));
            let last = page["last_id"].as_str().map(str::to_owned);
            assert!(ids(&page).len() <= limit && last.as_ref() == all.last(), "{page}");
            if page["has_more"] != true {
                break;
            }
            assert_eq!(ids(&page).len(), limit, "no page is short while there are more: {page}");
            after = format!("&after={}", last.unwrap());
        }
        assert_eq!(all, ["file-own-0", "file-own-10", "file-own-20", "file-own-30"], "{limit}");
    }
    let empty = listed(&house, 2, "?order=asc&purpose=user_data");
    assert_eq!(empty, json!({"object": "list", "data": [], "first_id": null, "last_id": null, "has_more": false}));
    assert!(house.upstream.requests().last().unwrap().path.contains("&order=asc&purpose=user_data"));
    // Others' ids are no cursors.
    let before = house.upstream.requests().len();
    for (query, status) in [
        ("?after=file-other-1", 404),
        ("?after=file-own-11", 404),
        ("?after=../x", 400),
        ("?limit=0", 400),
        ("?limit=10001", 400),
        ("?limit=1&limit=2", 400),
        ("?order=up", 400),
        ("?stream=true", 400),
        ("?purpose=a;limit=2", 400),
        ("?purpose=ada%40example.org", 400),
    ] {
        assert_eq!(house.send(&bare("GET", &format!("/v1/files{query}"))).status, status, "{query}");
    }
    assert_eq!(house.send(&by(2, bare("GET", "/v1/files?after=file-own-10"))).status, 404);
    assert_eq!(house.upstream.requests().len(), before);
}

#[test]
fn a_list_has_an_end() {
    let house = house();
    keep(&house, 1, "file-own-0");
    // Nothing of the caller's on so many pages: said, not shown as an end.
    library(&house, 33_000, 50_000, 1_000);
    let reply = house.send(&bare("GET", "/v1/files?after=file-own-0"));
    assert_eq!(error(&reply).0, 502, "{}", reply.text());
    assert!(reply.text().contains("ask for one by its id"), "{}", reply.text());
    for garbage in [r#"{"data":[{"object":"file"}],"has_more":true}"#, r#"{"object":"list"}"#, r#"{"data":7}"#, "[]", "no json"] {
        house.upstream.push(Answer::json(garbage));
        assert_eq!(house.send(&bare("GET", "/v1/files")).status, 502, "{garbage}");
    }
    let circle = json!({"data": [told("file-x")], "has_more": true}).to_string();
    house.upstream.push(Answer::json(circle.clone()));
    house.upstream.push(Answer::json(circle));
    assert_eq!(house.send(&bare("GET", "/v1/files")).status, 502);
    house.upstream.push(Answer::json(r#"{"error":{"message":"no"}}"#).with_status(429));
    assert_eq!(house.send(&bare("GET", "/v1/files")).status, 429);
    // From the second page on, an error may name somebody else's file.
    house.upstream.push(Answer::json(json!({"data": [told("file-other")], "has_more": true}).to_string()));
    house.upstream.push(Answer::json(r#"{"error":{"message":"No such File object: file-other"}}"#).with_status(404));
    let reply = house.send(&bare("GET", "/v1/files"));
    assert!(reply.status == 502 && !reply.text().contains("file-other"), "{}", reply.text());
    // One entry before each call, one at the end.
    house.journal.clear();
    library(&house, 9, 10, 3);
    listed(&house, 1, "");
    house.journal.wait_for("end");
    let kinds: Vec<&str> = house.journal.all().into_iter().map(|one| one.kind).collect();
    assert_eq!(kinds, ["request", "request", "request", "response", "end"]);
}

#[test]
fn the_provider_is_named_where_there_are_several() {
    let house = House::new();
    let call = || sent("user_data", "a.txt", "text/plain", b"nothing");
    for call in [call(), bare("GET", "/v1/files")] {
        let (status, _, message) = error(&house.send(&call));
        assert!(status == 400 && message.contains("`bartizan-provider`: `main`, `openai`, `azure`"), "{message}");
        for name in ["anthropic", "nobody", ""] {
            assert!(matches!(house.send(&call.clone().and("bartizan-provider", name)).status, 404), "{name}");
        }
        assert_eq!(house.send(&call.and("bartizan-provider", "main").and("bartizan-provider", "openai")).status, 400);
    }
    assert!(house.upstream.requests().is_empty());
    house.upstream.push(Answer::json(told("file-o").to_string()));
    assert_eq!(house.send(&call().and("bartizan-provider", "openai")).status, 200);
    assert!(house.upstream.requests().last().unwrap().header("bartizan-provider").is_none());
    house.upstream.push(Answer::json(told("file-z").to_string()));
    assert_eq!(house.send(&call().and("bartizan-provider", "azure")).status, 200);
    assert_eq!(house.upstream.requests().last().unwrap().path, "/v1/files?api-version=2024-10-21");
    // A request goes where its file lies.
    let naming = |model: &str, ids: &[&str]| {
        let parts: Vec<Value> = ids.iter().map(|id| json!({"type": "file", "file": {"file_id": id}})).collect();
        Call::chat(json!({"model": model, "messages": [{"role": "user", "content": parts}]}).to_string())
    };
    let served = house.send(&naming("gpt-4o-mini", &["file-o"]));
    assert!(served.status == 400 && served.text().contains("is not served by the provider"), "{}", served.text());
    assert_eq!(house.send(&naming("only-openai", &["file-o", "file-z"])).status, 400);
    house.upstream.push(Answer::json(canned::chat("m", "fine")));
    assert_eq!(house.send(&naming("only-openai", &["file-o"])).status, 200);
    // What lies at one provider is not the caller's at another, whatever that one lists.
    house.upstream.push(Answer::json(json!({"data": [told("file-o")], "has_more": false}).to_string()));
    let listed = house.send(&bare("GET", "/v1/files").and("bartizan-provider", "main"));
    assert_eq!(listed.json()["data"], json!([]));
    let before = house.upstream.requests().len();
    assert_eq!(house.send(&bare("GET", "/v1/files?after=file-o").and("bartizan-provider", "main")).status, 404);
    assert_eq!(house.upstream.requests().len(), before, "it is no cursor there");
    house.upstream.push(Answer::json(json!({"data": [], "has_more": false}).to_string()));
    assert_eq!(house.send(&bare("GET", "/v1/files?after=file-o").and("bartizan-provider", "openai")).status, 200);
    // With an entry for any model its provider is the usual one; a key that may not reach it has none there.
    let house = House::build(Plan { any: true, ..Plan::default() });
    house.upstream.push(Answer::json(told("file-m").to_string()));
    assert_eq!(house.send(&call()).status, 200);
    assert_eq!(house.send(&by(3, call()).and("bartizan-provider", "openai")).status, 404);
    house.upstream.push(Answer::json(told("file-n").to_string()));
    assert_eq!(house.send(&by(3, call())).status, 200);
}

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    let house = house();
    let good = String::from_utf8(sent("user_data", "a.txt", "text/plain", b"nothing of note").body).unwrap();
    let file = "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"";
    let swap = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replace(from, to)
    };
    for (body, word) in [
        (format!("hello\r\n{good}"), "must begin"),
        (format!("\r\n{good}"), "must begin"),
        (format!("{good}bye"), "inside a part"),
        (good.replace("\r\n", "\n"), "must begin"),
        (swap("nothing of note", &format!("a\n--{BOUNDARY}\nb")), "inside a part"),
        (swap("nothing of note", &format!("a\r\n--{BOUNDARY}x\r\nb")), "inside a part"),
        (swap("nothing of note", &format!("a\r\n--{BOUNDARY} \r\nb")), "inside a part"),
        (good.strip_suffix("--\r\n").unwrap().to_owned(), "inside a part"),
        (swap(file, &format!("{file}; filename=\"b.txt\"")), "in quotation marks"),
        (swap(file, &format!("{file}; filename*=utf-8''b.txt")), "in quotation marks"),
        (swap(file, "Content-Disposition: form-data; name=\"file\"; filename=a.txt"), "in quotation marks"),
        (swap(file, "Content-Disposition: form-data; filename=\"a.txt\"; name=\"file\""), "in quotation marks"),
        (swap(file, "Content-Disposition: attachment; name=\"file\"; filename=\"a.txt\""), "in quotation marks"),
        (swap("filename=\"a.txt\"", "filename=\"a\\\"; name=\\\"x.txt\""), "rename the file"),
        (swap("filename=\"a.txt\"", "filename=\"=?utf-8?q?a?=\""), "rename the file"),
        (swap("filename=\"a.txt\"", "filename=\"a\tb\""), "must have the headers"),
        (swap(file, &format!("{file}\r\n{file}")), "must have the headers"),
        (swap(file, &format!("{file}\r\nContent-Transfer-Encoding: base64")), "must have the headers"),
        (swap(file, &format!("{file}\r\n X: folded")), "must have the headers"),
        (swap(file, &format!("{file}\nX: y")), "must have the headers"),
        (swap("Content-Type: text/plain", "Content-Type: multipart/mixed; boundary=x"), "type of a part"),
        (swap("Content-Type: text/plain", "Content-Type: message/rfc822"), "type of a part"),
        (swap("Content-Type: text/plain", "Content-Type: text/plain; charset=utf-7"), "type of a part"),
        (swap("name=\"purpose\"", "name=\"Purpose\""), "does not take"),
        (swap("name=\"purpose\"", "name=\"file\""), "more than once"),
        (swap("name=\"purpose\"", "name=\"FILE\""), "more than once"),
        (swap("name=\"purpose\"", "name=\"purpose[]\""), "does not take"),
        (swap("name=\"purpose\"", "name=\"_charset_\""), "does not take"),
        (swap("name=\"purpose\"", "name=\"purpose\"; filename=\"p\""), "must be a text"),
        (swap("; filename=\"a.txt\"", ""), "a file with a name"),
        (swap("user_data", "user data"), "must be a text"),
        (swap("user_data", "file-extract"), "`user_data` or `vision`"),
        (swap("user_data", "batch"), "files for batches"),
        (swap("user_data", "batch_output"), "files for batches"),
        (format!("--{BOUNDARY}--\r\n"), "1 to 16 parts"),
        (String::new(), "must begin"),
    ] {
        let (status, code, message) = error(&house.send(&posted(body.clone())));
        assert_eq!((status, code.as_str()), (400, "bad_request"), "{body}: {message}");
        assert!(message.contains(word), "{body}: {message}");
    }
    for (content_type, status) in [
        ("application/json", 415),
        ("multipart/form-data", 415),
        ("multipart/mixed; boundary=x", 415),
        ("multipart/form-data; boundary=", 415),
        ("multipart/form-data; boundary=a b", 415),
        ("multipart/form-data; boundary=x; boundary=y", 415),
        ("multipart/form-data; charset=utf-8; boundary=x", 415),
    ] {
        assert_eq!(house.send(&posted(good.clone()).with("content-type", content_type)).status, status, "{content_type}");
    }
    let twice = posted(good.clone()).and("content-type", "multipart/form-data; boundary=other");
    assert_eq!(house.send(&twice).status, 415);
    assert!(house.upstream.requests().is_empty());
    house.upstream.push(Answer::json(told("file-a").to_string()));
    let quoted = posted(good).with("content-type", &format!("Multipart/Form-Data;boundary=\"{BOUNDARY}\""));
    assert_eq!(house.send(&quoted).status, 200);
}

/// Anthropic's files have the same paths; its header tells them apart.
#[test]
fn files_of_anthropic() {
    let house = House::new();
    let theirs = |call: Call| call.with("anthropic-version", "2023-06-01").with("anthropic-beta", "files-api-2025-04-14");
    let told = json!({"id": "file_011CNha8iCJcU1wXNR6q4V8w", "type": "file", "filename": "a.txt", "mime_type": "text/plain", "size_bytes": 9,
        "created_at": "2026-01-01T00:00:00Z", "downloadable": false});
    let file = ("name=\"file\"; filename=\"a.txt\"", "Content-Type: text/plain\r\n", b"nothing".as_slice());
    let call = Call { path: "/v1/files?beta=true".to_owned(), ..theirs(posted(form(&[file]))) };
    let several = house.send(&call);
    assert!(several.status == 400 && several.text().contains("`main`, `anthropic`"), "{}", several.text());
    house.upstream.push(Answer::json(told.to_string()));
    let reply = house.send(&call.clone().and("bartizan-provider", "main"));
    assert_eq!((reply.status, reply.json()), (200, told.clone()), "{}", reply.text());
    let seen = house.upstream.requests().pop().unwrap();
    assert_eq!(
        (seen.path.as_str(), seen.header("x-api-key"), seen.header("authorization")),
        ("/v1/files?beta=true", Some("sk-provider"), None)
    );
    assert_eq!(seen.header("anthropic-beta"), Some("files-api-2025-04-14"));
    let purpose = theirs(sent("user_data", "a.txt", "text/plain", b"nothing")).and("bartizan-provider", "main");
    assert_eq!(house.send(&purpose).status, 400);
    let id = told["id"].as_str().unwrap();
    // A request names it, and goes there.
    for part in [json!({"type": "document", "source": {"type": "file", "file_id": id}}), json!({"type": "container_upload", "file_id": id})]
    {
        let body = json!({"model": "claude-sonnet", "max_tokens": 9, "messages": [{"role": "user", "content": [part]}]});
        assert_eq!(house.send(&by(2, Call::messages(body.to_string()))).status, 404);
        house.upstream.push(Answer::json(canned::message("m", "fine")));
        assert_eq!(house.send(&Call::messages(body.to_string())).status, 200, "{part}");
    }
    // What a tool of the provider gave names files, too, and mentions none.
    let made = json!({"type": "code_execution_output", "file_id": "file_made"});
    let gave =
        json!({"type": "code_execution_tool_result", "tool_use_id": "t", "content": {"type": "code_execution_result", "content": [made]}});
    let body = json!({"model": "claude-sonnet", "max_tokens": 9, "messages": [{"role": "assistant", "content": [gave]}]});
    house.upstream.push(Answer::json(canned::message("m", "fine")));
    assert_eq!(house.send(&Call::messages(body.to_string())).status, 200);
    let other = json!({"id": "file_other", "type": "file", "filename": "ada@example.org"});
    house
        .upstream
        .push(Answer::json(json!({"data": [other, told], "has_more": true, "first_id": "file_other", "last_id": id}).to_string()));
    house.upstream.push(Answer::json(json!({"data": [other], "has_more": false}).to_string()));
    let listed = house.send(&theirs(bare("GET", "/v1/files?limit=5&beta=true")).and("bartizan-provider", "main"));
    assert_eq!(listed.json(), json!({"data": [told], "has_more": false, "first_id": id, "last_id": id}));
    assert_eq!(house.upstream.requests().pop().unwrap().path, format!("/v1/files?limit=1000&after_id={id}&beta=true"));
    for (query, status) in [(format!("before_id={id}"), 400), ("after_id=file_other".to_owned(), 404), ("limit=1001".to_owned(), 400)] {
        let call = theirs(bare("GET", &format!("/v1/files?{query}"))).and("bartizan-provider", "main");
        assert_eq!(house.send(&call).status, status, "{query}");
    }
    let path = format!("/v1/files/{id}?beta=true");
    let nobodys = house.send(&by(2, theirs(bare("GET", &path))));
    assert_eq!((nobodys.status, &nobodys.json()["error"]["type"]), (404, &json!("not_found_error")));
    house.upstream.push(Answer::json(told.to_string()));
    assert_eq!(house.send(&theirs(bare("GET", &path))).json(), told);
    assert_eq!(house.upstream.requests().pop().unwrap().header("x-api-key"), Some("sk-provider"));
    house.upstream.push(Answer::json(json!({"id": id, "type": "file_deleted"}).to_string()));
    assert_eq!(house.send(&theirs(bare("DELETE", &path))).status, 200);
    assert_eq!(house.send(&theirs(bare("GET", &path))).status, 404);
}

#[test]
fn a_form_has_the_limits_of_a_body() {
    let limits = Limits { body_bytes: 4_000, ..Limits::default() };
    let timeouts = Timeouts { client: Duration::from_millis(300), ..Timeouts::default() };
    let house = House::build(Plan { limits, timeouts, adjust: Some(Box::new(one)), ..Plan::default() });
    let large = vec![b'a'; 4_001];
    assert_eq!(house.send(&sent("user_data", "a", "text/plain", &large)).status, 413);
    let parts: Vec<_> = (0..17).map(|_| ("name=\"purpose\"", "", b"x".as_slice())).collect();
    assert_eq!(house.send(&posted(form(&parts))).status, 400);
    let long = "a".repeat(1_025);
    assert_eq!(house.send(&sent("user_data", &long, "text/plain", b"x")).status, 400);
    // A form that does not go on.
    let mut call = sent("user_data", "a", "text/plain", b"x");
    call.body.truncate(20);
    let mut wire = Wire::open(house.address);
    wire.send(&call.with("content-length", "900"));
    assert_eq!(wire.reply().status, 408);
    assert!(house.upstream.requests().is_empty());
}

/// Objects that cannot be bound, or take their time to tell what of a list is whose.
#[derive(Default)]
struct Odd {
    own: MemoryObjects,
    full: bool,
    pause: Duration,
}

impl Objects for Odd {
    fn bind(&self, binding: &Binding<'_>) -> Result<(), ObjectsError> {
        if self.full { Err(ObjectsError::Full) } else { self.own.bind(binding) }
    }
    fn at_hand(&self, _: &PrincipalId, _: ObjectKind, _: &str) -> Option<Object> {
        None
    }
    fn look_up(&self, owner: &PrincipalId, wanted: &[(ObjectKind, String)]) -> Result<Vec<Option<Object>>, ObjectsError> {
        self.own.look_up(owner, wanted)
    }
    fn owns(&self, owner: &PrincipalId, provider: &ProviderName, kind: ObjectKind, ids: &[String]) -> Result<Vec<bool>, ObjectsError> {
        std::thread::sleep(self.pause);
        self.own.owns(owner, provider, kind, ids)
    }
    fn forget(&self, owner: &PrincipalId, kind: ObjectKind, id: &str) {
        self.own.forget(owner, kind, id);
    }
}

fn odd(odd: Odd) -> House {
    House::build(Plan { objects: Some(Arc::new(odd)), adjust: Some(Box::new(one)), ..Plan::default() })
}

/// What a provider took is somebody's, or the caller is told that it is not.
#[test]
fn a_file_that_was_taken_is_bound_whatever_happens() {
    let call = || sent("user_data", "a.txt", "text/plain", b"nothing of note");
    let is_there = |house: &House, id: &str| {
        house.upstream.push(Answer::json(told(id).to_string()));
        let path = format!("/v1/files/{id}");
        house.send(&bare("GET", &path)).status != 404
    };
    // Its answer may not leave.
    let faults: Faults = Arc::new(|direction| (direction == Direction::Response).then_some(Fault::Panic));
    let house = House::build(Plan { faults: Some(faults), adjust: Some(Box::new(one)), ..Plan::default() });
    house.upstream.push(Answer::json(told("file-a").to_string()));
    assert_eq!(house.send(&call()).status, 503);
    assert!(is_there(&house, "file-a"));
    // The caller leaves.
    let house = self::house();
    house.upstream.push(Answer::json(told("file-a").to_string()).slow(Duration::from_millis(400)));
    let mut wire = Wire::open(house.address);
    wire.send(&call());
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while house.upstream.requests().is_empty() && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(wire);
    std::thread::sleep(Duration::from_secs(1));
    assert!(is_there(&house, "file-a"));
    // An answer that names nothing.
    for answer in ["taken", "{}", r#"{"id":"../file-a"}"#, r#"{"id":7}"#] {
        let unbound = house.gate.metrics().unbound_total.get();
        house.upstream.push(Answer::json(answer));
        let (status, _, message) = error(&house.send(&call()));
        assert!(status == 502 && message.contains("the provider may keep it"), "{answer}: {message}");
        assert_eq!(house.gate.metrics().unbound_total.get(), unbound + 1, "{answer}");
    }
    // Owners cannot be written: it is deleted again.
    let house = odd(Odd { full: true, ..Odd::default() });
    for (answer, says) in
        [(Answer::json(r#"{"deleted":true}"#), "it was deleted there again"), (Answer::garbage(), "the provider may keep it")]
    {
        house.upstream.push(Answer::json(told("file-a").to_string()));
        house.upstream.push(answer.with_status(if says.starts_with("it") { 200 } else { 500 }));
        let (status, code, message) = error(&house.send(&call()));
        assert_eq!((status, code.as_str()), (503, "guard_unavailable"), "{message}");
        assert!(message.contains(says), "{message}");
        let seen = house.upstream.requests().pop().unwrap();
        assert_eq!((seen.method.as_str(), seen.path.as_str(), seen.body.len()), ("DELETE", "/v1/files/file-a", 0));
        assert_eq!((seen.header("authorization"), seen.header("content-type")), (Some("Bearer sk-provider"), None));
    }
    assert_eq!(house.gate.metrics().unbound_total.get(), 2);
}

#[test]
fn lists_take_nothing_from_those_that_name_a_file() {
    let house = odd(Odd { pause: Duration::from_millis(2_500), ..Odd::default() });
    keep(&house, 1, "file-a");
    library(&house, 3, 10, 3);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| house.send(&bare("GET", "/v1/files")));
        }
        std::thread::sleep(Duration::from_millis(400));
        assert_eq!(house.send(&bare("GET", "/v1/files/file-a")).status, 200);
    });
}

/// What a page takes while it is read counts, not only its bytes.
#[test]
fn pages_of_a_list_are_counted() {
    let limits = Limits { inflight_bytes: 200_000, ..Limits::default() };
    let house = House::build(Plan { limits, adjust: Some(Box::new(one)), ..Plan::default() });
    library(&house, 10, 20, 200);
    assert_eq!(house.send(&bare("GET", "/v1/files")).status, 200);
    library(&house, 200, 1_000, 200);
    let (status, code, message) = error(&house.send(&bare("GET", "/v1/files")));
    assert_eq!((status, code.as_str()), (503, "gate_busy"), "{message}");
    assert_eq!(house.gate.inflight_bytes(), 0);
}

/// A policy sees how large a file is, also when it was not looked at.
#[test]
fn an_uninspected_file_has_its_size() {
    let faults: Faults = Arc::new(|direction| (direction == Direction::Request).then_some(Fault::Panic));
    let policies = r#"@id("allow") permit (principal, action, resource);"#.to_owned();
    let plan = Plan { faults: Some(faults), fail_open: true, policies: Some(policies), adjust: Some(Box::new(one)), ..Plan::default() };
    let house = House::build(plan);
    house.upstream.push(Answer::json(told("file-a").to_string()));
    let call = sent("user_data", "a.txt", "text/plain", &[b'a'; 9_000]);
    let reply = house.send(&call);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let context = events(&house)[0]["facts"]["context"].clone();
    assert_eq!((&context["body_bytes"], &context["token_estimate"]), (&json!(call.body.len()), &json!(call.body.len() / 4)), "{context}");
}

/// Two providers under one account need no more than one name.
#[test]
fn a_clients_own_key_goes_along() {
    let adjust = |settings: &mut Settings| {
        one(settings);
        settings.providers = settings.providers.iter().map(|known| Provider { api_key: None, ..known.clone() }).collect();
    };
    let plan = Plan { adjust: Some(Box::new(adjust)), pass_client_key: true, auth: bartizan_gateway::Auth::Anonymous, ..Plan::default() };
    let house = House::build(plan);
    house.upstream.push(Answer::json(told("file-a").to_string()));
    let call = sent("user_data", "a.txt", "text/plain", b"nothing").with("authorization", "Bearer sk-their-own");
    assert_eq!(house.send(&call).status, 200);
    assert_eq!(house.upstream.requests().pop().unwrap().header("authorization"), Some("Bearer sk-their-own"));
}

/// Type, bytes, and what is sent of them, if anything is.
type Uploaded = (&'static str, Vec<u8>, Option<Vec<u8>>);

fn notebook(source: &str) -> Vec<u8> {
    format!(r#"{{"cells": [{{"cell_type": "code", "source": {source}, "outputs": []}}], "nbformat": 4}}"#).into_bytes()
}

#[test]
fn a_text_is_edited_in_its_place() {
    let text = format!("write to {FOUND} soon");
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let rows: Vec<Uploaded> = vec![
        ("text/plain", text.clone().into_bytes(), Some(b"write to [REDACTED_EMAIL] soon".to_vec())),
        ("text/plain", format!("\u{feff}{text}").into_bytes(), Some("\u{feff}write to [REDACTED_EMAIL] soon".into())),
        ("text/csv", format!("a,b\r\n1,{FOUND}\r\n").into_bytes(), Some(b"a,b\r\n1,[REDACTED_EMAIL]\r\n".to_vec())),
        (
            "application/jsonl",
            format!("{{\"a\": \"{FOUND}\", \"b\": 4111111111111111}}\n{{}}\n").into_bytes(),
            Some(b"{\"a\": \"[REDACTED_EMAIL]\", \"b\": \"[REDACTED_CARD]\"}\n{}\n".to_vec()),
        ),
        (
            "application/json",
            br#"{"a": "{\"b\": \"ada\\u0040example.org\"}"}"#.to_vec(),
            Some(br#"{"a": "{\"b\": \"[REDACTED_EMAIL]\"}"}"#.to_vec()),
        ),
        (
            "application/x-ipynb+json",
            notebook(&format!(r#"["write to {FOUND}\n", "soon"]"#)),
            Some(notebook(r#"["write to [REDACTED_EMAIL]\n", "soon"]"#)),
        ),
        // What the cell shows stands in its source in two pieces.
        ("application/x-ipynb+json", notebook(r#"["card = 4111 1111 ", "1111 1111"]"#), None),
        // No text of its own, or none that is this text byte for byte.
        ("text/plain", utf16, None),
        ("text/html", format!("<!doctype html><p>{text}</p>").into_bytes(), None),
        ("application/pdf", documents::pdf(&text), None),
    ];
    for (media, bytes, expected) in rows {
        let house = house();
        house.upstream.push(Answer::json(told("file-a").to_string()));
        let part = |content: &[u8]| {
            form(&[
                ("name=\"purpose\"", "", b"user_data"),
                ("name=\"file\"; filename=\"a.txt\"", &format!("Content-Type: {media}\r\n"), content),
            ])
        };
        let reply = house.send(&posted(part(&bytes)));
        if let Some(expected) = expected {
            assert_eq!((reply.status, reply.decision()), (200, "remedied"), "{media}: {}", reply.text());
            let sent = house.upstream.requests().pop().unwrap();
            assert_eq!(String::from_utf8_lossy(&sent.body), String::from_utf8_lossy(&part(&expected)), "{media}");
            assert_eq!(sent.header("content-length"), Some(part(&expected).len().to_string().as_str()));
            house.upstream.push(Answer::json(told("file-a").to_string()));
            assert_eq!(house.send(&bare("GET", "/v1/files/file-a")).status, 200, "it is the caller's");
        } else {
            assert_eq!((reply.status, house.upstream.requests().len()), (403, 0), "{media}: {}", reply.text());
            assert!(!reply.text().contains(FOUND), "{}", reply.text());
        }
    }
}

#[test]
fn what_grows_over_a_limit_is_no_text_that_was_judged() {
    let limits = Limits { body_bytes: 4_000, ..Limits::default() };
    let house = House::build(Plan { limits, adjust: Some(Box::new(one)), ..Plan::default() });
    house.upstream.push(Answer::json(told("file-a").to_string()));
    let reply = house.send(&sent("user_data", "a.txt", "text/plain", "to a@b.example ".repeat(220).as_bytes()));
    assert_eq!((reply.status, house.upstream.requests().len()), (403, 0), "{}", reply.text());
}
