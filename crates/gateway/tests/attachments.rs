//! Files in requests: read, inspected like any text, and judged by what of them was not read.

mod hostile;

use std::time::{Duration, Instant};

use bartizan_gateway::Limits;
use bartizan_testkit::{Answer, canned, documents};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::harness::{Call, House, Plan, Reply};

const FOUND: &str = "ada@example.org";

/// A call with a file in it, and where it stands there.
type Format = fn(media: &str, data: &str) -> (Call, &'static str);

const FORMATS: &[Format] = &[
    |media, data| {
        let file = json!({"type": "file", "file": {"filename": "a", "file_data": format!("data:{media};base64,{data}")}});
        (chat(&json!([{"type": "text", "text": "read this"}, file])), "/messages/0/content/1/file/file_data")
    },
    |media, data| {
        let url = json!({"type": "image_url", "image_url": {"url": format!("data:{media};base64,{data}")}});
        (chat(&json!([url])), "/messages/0/content/0/image_url/url")
    },
    |media, data| {
        let file = json!({"type": "input_file", "filename": "a", "file_data": format!("data:{media};base64,{data}")});
        let body = json!({"model": "gpt-4o-mini", "input": [{"role": "user", "content": [file]}]});
        (Call::responses(body.to_string()), "/input/0/content/0/file_data")
    },
    |media, data| (messages(&document(media, data)), "/messages/0/content/0/source/data"),
    |media, data| {
        let part = json!({"inlineData": {"mimeType": media, "data": data}});
        let body = json!({"contents": [{"role": "user", "parts": [part]}]});
        (Call::gemini("generateContent", body.to_string()), "/contents/0/parts/0/inlineData/data")
    },
];

fn chat(content: &Value) -> Call {
    Call::chat(json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": content}]}).to_string())
}

fn document(media: &str, data: &str) -> Value {
    json!({"type": "document", "source": {"type": "base64", "media_type": media, "data": data}})
}

fn messages(part: &Value) -> Call {
    Call::messages(json!({"model": "gpt-4o-mini", "max_tokens": 9, "messages": [{"role": "user", "content": [part]}]}).to_string())
}

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// One document of each kind with a text in it: name, declared type, bytes.
fn all(text: &str) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let plain = |bytes: String| bytes.into_bytes();
    let mail =
        format!("From: someone\r\nSubject: a trip\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nWrite to {text} soon.\r\n");
    vec![
        ("docx", DOCX, documents::docx(&format!("write to {text} soon"), &[]).unwrap()),
        ("zip", "application/zip", documents::zip(&[("a.txt", format!("write to {text} soon").as_bytes())]).unwrap()),
        ("pdf", "application/pdf", documents::pdf(&format!("write to {text} soon"))),
        ("csv", "text/csv", plain(format!("name,mail\nsomeone,{text}\n"))),
        ("json", "application/json", plain(format!("{{\"mail\": \"{text}\"}}"))),
        ("text", "text/plain", plain(format!("write to {text} soon"))),
        ("html", "text/html", plain(format!("<!doctype html><html><body><p>write to <b>{text}</b></p></body></html>"))),
        ("mail", "message/rfc822", plain(mail)),
    ]
}

/// The provider says again what pseudonyms it read.
fn echo_pseudonyms(house: &House) {
    house.upstream.respond_with(|asked| {
        let body = String::from_utf8_lossy(&asked.body).into_owned();
        let said = body.find("EMAIL_").and_then(|at| body.get(at..at + 16)).unwrap_or("nothing").to_owned();
        Answer::json(match asked.path.as_str() {
            path if path.contains("responses") => canned::response("m", &said),
            path if path.contains("messages") => canned::message("m", &said),
            path if path.contains("v1beta") => canned::gemini(&said),
            _ => canned::chat("m", &said),
        })
    });
}

fn house() -> House {
    let house = House::new();
    house.upstream.respond_with(|asked| {
        Answer::json(match asked.path.as_str() {
            path if path.contains("responses") => canned::response("m", "fine"),
            path if path.contains("messages") => canned::message("m", "fine"),
            path if path.contains("v1beta") => canned::gemini("fine"),
            _ => canned::chat("m", "fine"),
        })
    });
    house
}

/// What was recorded of the last request.
fn recorded(house: &House) -> Value {
    house.journal.all().into_iter().rfind(|noted| noted.kind == "request").and_then(|noted| noted.event).expect("an event")
}

fn uninspected(house: &House) -> Vec<String> {
    let event = recorded(house);
    let labels = event["facts"]["context"]["labels"].as_object().cloned().unwrap_or_default();
    labels.keys().filter_map(|label| label.strip_prefix("uninspected.")).map(str::to_owned).collect()
}

fn refused(house: &House, reply: &Reply, why: &str) {
    assert_eq!((reply.status, reply.decision()), (403, "blocked"), "{why}: {}", reply.text());
    assert!(house.upstream.requests().is_empty(), "{why} reached the provider");
    assert!(!reply.text().contains(FOUND), "{why}: {}", reply.text());
}

#[test]
fn what_stands_in_a_file_is_replaced_in_its_text_in_every_format() {
    let house = house();
    echo_pseudonyms(&house);
    for (name, media, bytes) in all(FOUND) {
        for format in FORMATS {
            let (call, path) = format(media, &STANDARD.encode(&bytes));
            house.upstream.forget();
            let reply = house.send(&call);
            let event = recorded(&house);
            assert_eq!((&event["findings"][0]["label"], &event["findings"][0]["path"]), (&json!("pii.email"), &json!(path)), "{event}");
            assert!(event["facts"]["context"]["by_role"]["user"]["labels"]["pii.email"].is_object(), "{name}: {event}");
            assert!(uninspected(&house).is_empty(), "{name}: {event}");
            assert!(house.journal.all().iter().all(|noted| !noted.bytes.contains(FOUND)), "{name}");
            if name == "zip" {
                refused(&house, &reply, name);
                assert!(reply.text().contains("`pii.email` was found in an attachment"), "{name}: {}", reply.text());
                continue;
            }
            assert_eq!((reply.status, reply.decision()), (200, "remedied"), "{name}: {}", reply.text());
            let sent = house.seen();
            assert!(!sent.contains("ada@") && !sent.contains("base64") && !sent.contains(&STANDARD.encode(&bytes)), "{name}: {sent}");
            assert!(sent.contains("[The text of the attached file") && sent.contains("EMAIL_"), "{name}: {sent}");
            let around = if name == "csv" {
                "someone,EMAIL_"
            } else if name == "json" {
                "mail"
            } else {
                "rite to EMAIL_"
            };
            assert!(sent.contains(around), "{name}: {sent}");
            assert!(!sent.contains("read this") || path.starts_with("/messages/0/content/1"), "{name}: {sent}");
            assert!(reply.text().contains(FOUND), "restored: {name}: {}", reply.text());
            house.send(&call);
            assert_eq!(house.seen(), sent, "{name}: the same again in the next turn");
        }
    }
}

/// A page in which source and text read differently.
fn page(body: &str) -> Vec<u8> {
    format!("<!doctype html><html><body>{body}</body></html>").into_bytes()
}

/// Name, type, bytes, what the provider may read of it (None: refused), what it may not.
type Replaced = (&'static str, &'static str, Vec<u8>, Option<&'static str>, String);

#[test]
fn nothing_of_a_value_stays_in_the_text() {
    const CARD: &str = "4111111111111111";
    let token = format!("eyJhbGciOiJIUzI1NiJ9.{}.{}", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", "dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1gFWFOEjXk0");
    let (head, tail) = token.split_at(40);
    let author = format!("<?xml version=\"1.0\"?><coreProperties><creator>{FOUND}</creator></coreProperties>");
    let docx = |text: &str| documents::docx(text, &[("docProps/core.xml", author.as_bytes())]).unwrap();
    let rows: Vec<Replaced> = vec![
        ("an author", DOCX, docx("a trip"), Some("a trip"), FOUND.to_owned()),
        ("an author and a text", DOCX, docx(&format!("ask {FOUND} now")), Some("ask EMAIL_"), FOUND.to_owned()),
        ("a link", "text/html", page(&format!("<a href='mailto:{FOUND}'>ask us</a>")), Some("ask us"), FOUND.to_owned()),
        ("a token over a tag", "text/html", page(&format!("<p>key {head}<wbr>{tail} end</p>")), Some("key [REDACTED_"), tail.to_owned()),
        ("over two elements", "text/html", page("<p>ask <b>ada</b>@<i>example</i>.org now</p>"), Some("ask EMAIL_"), "ada".to_owned()),
        ("by reference", "text/html", page("<p>ask ada&#64;example.org now</p>"), Some("ask EMAIL_"), "ada".to_owned()),
        ("a script", "text/html", page(&format!("<script>let a = '{FOUND}'</script><p>hello</p>")), Some("hello"), FOUND.to_owned()),
        // Found in the source, and in the text its letters have no edge.
        ("letters that touch", "text/html", page(&format!("<p>Order 12<b>{CARD}</b></p>")), None, CARD.to_owned()),
        ("an archive", "application/zip", documents::zip(&[("a.txt", FOUND.as_bytes())]).unwrap(), None, FOUND.to_owned()),
        (
            "markup that nobody knows",
            "text/xml",
            format!("<?xml version=\"1.0\"?><a b=\"1\">{FOUND}</a>").into_bytes(),
            None,
            FOUND.to_owned(),
        ),
        (
            "a number in JSON",
            "application/json",
            format!("{{\"n\": {CARD}, \"m\": 1}}").into_bytes(),
            Some("{\"n\": \"CARD_"),
            CARD.to_owned(),
        ),
    ];
    for (name, media, bytes, expected, secret) in rows {
        let house = house();
        let data = STANDARD.encode(&bytes);
        let reply = house.send(&messages(&document(media, &data)));
        let Some(expected) = expected else {
            assert_eq!((reply.status, house.upstream.served()), (403, 0), "{name}: {}", reply.text());
            continue;
        };
        assert_eq!((reply.status, reply.decision()), (200, "remedied"), "{name}: {}", reply.text());
        let sent: Value = serde_json::from_str(&house.seen()).unwrap();
        let source = &sent["messages"][0]["content"][0]["source"];
        assert_eq!((&source["type"], &source["media_type"]), (&json!("text"), &json!("text/plain")));
        let text = source["data"].as_str().unwrap();
        assert!(text.contains(expected) && !text.contains(&secret), "{name}: {text}");
        assert!(!house.seen().contains(&data), "{name}");
    }
}

#[test]
fn only_the_file_that_has_to_go_is_replaced() {
    let house = house();
    let file = |name: &str, text: &str| {
        let data = STANDARD.encode(documents::pdf(text));
        json!({"type": "file", "file": {"filename": name, "file_data": format!("data:application/pdf;base64,{data}")}})
    };
    let (clean, other) = (file("clean.pdf", "a trip to the sea"), file("other.pdf", &format!("ask {FOUND}")));
    let body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": [clean, other, {"type": "text", "text": format!("and {FOUND}")}]}]});
    let reply = house.send(&Call::chat(body.to_string()));
    assert_eq!((reply.status, reply.decision()), (200, "remedied"), "{}", reply.text());
    let sent: Value = serde_json::from_str(&house.seen()).unwrap();
    let content = sent["messages"][0]["content"].as_array().unwrap();
    assert_eq!(content[0], body["messages"][0]["content"][0], "byte for byte");
    let (text, beside) = (content[1]["text"].as_str().unwrap(), content[2]["text"].as_str().unwrap());
    assert!(text.starts_with("[The text of the attached file \"other.pdf\"."), "{text}");
    let pseudonym = beside.strip_prefix("and ").unwrap();
    assert!(
        pseudonym.starts_with("EMAIL_") && text.ends_with(&format!("ask {pseudonym}\n[The end of the attached file.]")),
        "one value, one pseudonym: {text} {beside}"
    );
    // A name cannot be edited: it goes with its file, or nothing goes.
    let named = |text: &str| chat(&json!([file(&format!("{FOUND}.pdf"), text)]));
    assert_eq!(house.send(&named(&format!("ask {FOUND}"))).status, 200);
    assert!(!house.seen().contains("ada@") && house.seen().contains("[The text of the attached file. Values"), "{}", house.seen());
    house.upstream.forget();
    refused(&house, &house.send(&named("a trip")), "a name");
}

#[test]
fn a_part_that_is_not_known_is_not_made_a_text() {
    let data = STANDARD.encode(documents::pdf(&format!("ask {FOUND}")));
    let file = |more: Value| {
        let mut part = json!({"type": "file", "file": {"file_data": format!("data:application/pdf;base64,{data}")}});
        part.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        chat(&json!([part]))
    };
    let house = house();
    refused(&house, &house.send(&file(json!({"invented": 1}))), "a member that nobody knows");
    refused(&house, &house.send(&file(json!({"cache_control": {"type": FOUND}}))), "a value where a mark should be");
    let reply = house.send(&file(json!({"cache_control": {"type": "ephemeral"}})));
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(house.seen().contains("\"cache_control\":{\"type\":\"ephemeral\"}"), "{}", house.seen());
}

#[test]
fn keys_are_looked_for_beside_files_that_are_replaced() {
    let data = STANDARD.encode(documents::pdf(&format!("ask {FOUND}")));
    let file = json!({"type": "file", "file": {"file_data": format!("data:application/pdf;base64,{data}")}});
    let call = |first: &str, second: &str| {
        let arguments = json!({first: 1, second: 2});
        let body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": [file]}], "metadata": {"more": arguments}});
        Call::chat(body.to_string())
    };
    let house = house();
    let reply = house.send(&call(FOUND, "other"));
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(!house.seen().contains(FOUND) && house.seen().contains("\"EMAIL_"), "{}", house.seen());
    house.upstream.forget();
    // Two ways to write one address have one pseudonym.
    let reply = house.send(&call(FOUND, "ADA@example.org"));
    assert!(reply.status == 403 && house.upstream.requests().is_empty(), "{}", reply.text());
    assert!(reply.text().contains("same name"), "{}", reply.text());
}

#[test]
fn a_file_that_was_read_whole_passes_as_it_came() {
    let house = house();
    for (name, media, bytes) in all("somebody") {
        for format in FORMATS {
            let (call, _) = format(media, &STANDARD.encode(&bytes));
            let reply = house.send(&call);
            assert_eq!((reply.status, reply.decision()), (200, "permit"), "{name}: {}", reply.text());
            assert_eq!(house.seen().as_bytes(), call.body, "{name}");
            assert!(uninspected(&house).is_empty(), "{name}: {}", recorded(&house));
        }
    }
}

#[test]
fn what_was_not_read_is_judged_by_its_kind() {
    let thumbnail: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
    let locked = [documents::pdf("x"), b"trailer <</Encrypt <</Filter/Standard>>>>".to_vec()].concat();
    let macros: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
    let rows = [
        ("a thumbnail", documents::docx("hi", &[("docProps/thumbnail.jpeg", thumbnail)]).unwrap(), 200, "image"),
        ("macros", documents::docx("hi", &[("word/vbaProject.bin", macros)]).unwrap(), 403, "file"),
        ("locked", locked, 403, "file"),
        ("garbage", (0..2_000_u32).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect(), 403, "file"),
        ("an old format", [macros, &[0; 600]].concat(), 403, "file"),
        ("cut off", documents::docx("hi", &[]).unwrap()[..90].to_vec(), 403, "file"),
        ("much too large unpacked", documents::zip(&[("a.txt", &vec![b'a'; 70 << 20])]).unwrap(), 403, "over_limit"),
    ];
    for (name, bytes, status, kind) in rows {
        for format in FORMATS {
            let house = house();
            let reply = house.send(&format("application/pdf", &STANDARD.encode(&bytes)).0);
            assert_eq!(reply.status, status, "{name}: {}", reply.text());
            assert_eq!(house.upstream.served() > 0, status == 200, "{name}");
            assert_eq!(uninspected(&house), [kind], "{name}: {}", recorded(&house));
        }
    }
}

#[test]
fn base64_that_readers_disagree_about_is_not_read() {
    // Letters of both alphabets stand in it.
    let bytes = [b"note \xc3\xbb\xc3\xbf\xc3\xbe?>?>?~~~ of somebody, ".repeat(3), vec![b'x'; 40]].concat();
    let (usual, for_urls) = (STANDARD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes));
    assert!(usual.contains('/') && for_urls.contains('_'), "{usual}");
    let rows = [
        (usual.clone(), 200),
        (for_urls, 200),
        (usual.replacen('/', "_", 1), 403),
        (format!("{usual}!"), 403),
        (usual.replacen('/', "/\n", 1), 403),
    ];
    for (data, status) in rows {
        let house = house();
        let reply = house.send(&messages(&document("text/plain", &data)));
        assert_eq!(reply.status, status, "{data}: {}", reply.text());
        assert_eq!(uninspected(&house).is_empty(), status == 200, "{data}");
    }
}

#[test]
fn a_file_belongs_to_who_sent_it() {
    let house = house();
    let part = json!({"type": "tool_result", "tool_use_id": "t", "content": [document("application/pdf", &STANDARD.encode(documents::pdf(FOUND)))]});
    assert_eq!(house.send(&messages(&part)).status, 200);
    assert!(!house.seen().contains("ada@") && house.seen().contains("EMAIL_"), "{}", house.seen());
    let by_role = recorded(&house)["facts"]["context"]["by_role"].clone();
    assert!(by_role["tool"]["labels"]["pii.email"].is_object() && by_role.get("user").is_none(), "{by_role}");
}

#[test]
fn a_small_file_is_read_too() {
    let house = house();
    let data = STANDARD.encode(FOUND);
    assert!(data.len() < 64);
    assert_eq!(house.send(&messages(&document("text/plain", &data))).decision(), "remedied");
    assert!(!house.seen().contains("ada@"), "{}", house.seen());
    let reply = house.send(&messages(&document("text/plain", &STANDARD.encode("hello"))));
    assert_eq!((reply.status, uninspected(&house).len()), (200, 0), "{}", reply.text());
}

#[test]
fn a_file_that_was_seen_is_not_read_again() {
    let house = house();
    let metrics = house.gate.metrics();
    for text in ["nothing", FOUND] {
        let data = STANDARD.encode(documents::docx(text, &[("docProps/thumbnail.png", b"\x89PNG\r\n\x1a\n\0\0")]).unwrap());
        let send = || {
            let (hits, misses) = (metrics.cache_hits_total.get(), metrics.cache_misses_total.get());
            assert_eq!(house.send(&messages(&document(DOCX, &data))).status, 200);
            (recorded(&house), metrics.cache_hits_total.get() - hits, metrics.cache_misses_total.get() - misses)
        };
        let ((first, no_hits, misses), (again, hits, fewer)) = (send(), send());
        assert_eq!((no_hits, hits, fewer), (0, 1, misses - 1), "the file alone is long enough to be remembered");
        assert_eq!((&first["findings"], &first["facts"]), (&again["findings"], &again["facts"]));
        assert_eq!(uninspected(&house), ["image"]);
    }
    // What depends on how it is declared is read again.
    let data = STANDARD.encode(documents::docx("nothing", &[]).unwrap());
    for media in [DOCX, "text/plain"] {
        let hits = metrics.cache_hits_total.get();
        house.send(&messages(&document(media, &data)));
        assert_eq!(metrics.cache_hits_total.get(), hits, "{media}");
    }
}

#[test]
fn a_large_file_costs_once() {
    let house = house();
    let paragraph = "Nothing of interest stands in this sentence, whoever reads it. ".repeat(15_000);
    let data = STANDARD.encode(documents::docx(&paragraph, &[]).unwrap());
    let turn = || {
        let began = Instant::now();
        assert_eq!(house.send(&messages(&document(DOCX, &data))).status, 200);
        began.elapsed()
    };
    let first = turn();
    let second = turn().min(turn());
    assert!(second * 3 < first, "{first:?}, then {second:?}");
}

#[test]
fn reading_keeps_to_time_and_memory() {
    let call = messages(&document("text/plain", &STANDARD.encode("hello ".repeat(50))));
    let slow = House::build(Plan { limits: Limits { inspect: Duration::ZERO, ..Limits::default() }, ..Plan::default() });
    let reply = slow.send(&call);
    assert_eq!((reply.status, reply.decision(), slow.upstream.served()), (503, "failed", 0), "{}", reply.text());
    let large = messages(&document("text/plain", &STANDARD.encode("hello ".repeat(50_000))));
    let small = House::build(Plan { limits: Limits { inflight_bytes: 900_000, ..Limits::default() }, ..Plan::default() });
    let reply = small.send(&large);
    assert_eq!((reply.status, reply.decision(), small.upstream.served()), (503, "blocked", 0), "{}", reply.text());
    assert_eq!(small.gate.inflight_bytes(), 0);
}
