//! Forms with files: what is read, and the fields and pages around them. The table is also read by an independent reader, in
//! `tests/sdk/test_multipart.py`.

use bartizan_wire::json::{JsonLimits, Tape};
use bartizan_wire::{Family, FormError, boundary, file_page, form, upload, write_file_page};

const TABLE: &str = include_str!("fixtures/forms.json");

#[test]
fn the_table_of_forms() {
    let table: serde_json::Value = serde_json::from_str(TABLE).unwrap();
    let rows = table.as_array().unwrap();
    assert!(rows.len() > 40);
    for row in rows {
        let text = |name: &str| row[name].as_str().unwrap();
        let (body, name) = (text("body").as_bytes(), text("name"));
        let read = boundary(text("content_type")).and_then(|boundary| form(body, boundary));
        let Some(parts) = row["parts"].as_array() else {
            assert!(read.is_err(), "{name}: {read:?}");
            continue;
        };
        let read = read.unwrap_or_else(|error| panic!("{name}: {error}"));
        let seen: Vec<serde_json::Value> = read
            .iter()
            .map(|part| {
                let content = std::str::from_utf8(&body[part.body.clone()]).unwrap();
                serde_json::json!({"name": part.name, "file_name": part.file_name, "media_type": part.media_type, "content": content})
            })
            .collect();
        assert_eq!(&seen, parts, "{name}");
    }
}

/// Forms that are nearly right: what is accepted of them, a forgiving reader reads alike (that is in the function).
#[test]
fn what_is_nearly_a_form() {
    let table: serde_json::Value = serde_json::from_str(TABLE).unwrap();
    let with: [&[u8]; 12] = [b"\r\n", b"\n", b"\r", b"--x-1", b"--", b"\"", b";", b" ", b"\r\n\r\n", b"filename=\"b\"", b"\0", b""];
    let mut drawn = 1_u64;
    let mut draw = |below: usize| {
        drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(drawn >> 33).unwrap() % below.max(1)
    };
    for row in table.as_array().unwrap() {
        let form = format!("{}\n{}", row["content_type"].as_str().unwrap(), row["body"].as_str().unwrap()).into_bytes();
        for _ in 0..200 {
            let mut bytes = form.clone();
            for _ in 0..=draw(2) {
                let at = draw(bytes.len());
                let end = (at + draw(4)).min(bytes.len());
                bytes.splice(at..end, with.get(draw(with.len())).copied().unwrap_or_default().iter().copied());
            }
            bartizan_wire::fuzz::multipart(&bytes);
        }
    }
}

/// The boundary is looked for once.
#[test]
fn a_form_costs_one_pass() {
    let part = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
    for filler in ["\r\n", "-", "\r\n--", "\r\n-", "--\r\n"] {
        let body = format!("{part}{}\r\n--b--", filler.repeat(2_000_000));
        let began = std::time::Instant::now();
        assert_eq!(form(body.as_bytes(), "b").unwrap().len(), 1, "{filler:?}");
        assert!(began.elapsed() < std::time::Duration::from_secs(5), "{filler:?}: {:?}", began.elapsed());
    }
}

#[test]
fn the_form_of_a_file() {
    let body = |fields: &str| format!("{fields}--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx\r\n--b--");
    let field = |name: &str, value: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let purpose = field("purpose", "user_data");
    let whole = body(&format!("{purpose}{}{}", field("expires_after[anchor]", "created_at"), field("expires_after[seconds]", "3600")));
    let read = upload(whole.as_bytes(), "b", Family::OpenAi).unwrap();
    assert_eq!((read.file_name.as_str(), whole.get(read.body.clone())), ("a", Some("x")));
    let shown: serde_json::Value = serde_json::from_slice(&read.shown("b")).unwrap();
    assert_eq!(shown["filename"], "a");
    assert_eq!((&shown["purpose"], &shown["expires_after[seconds]"]), (&"user_data".into(), &"3600".into()));
    for (fields, expected) in [
        (String::new(), FormError::Missing("purpose")),
        (field("purpose", "batch"), FormError::Batch),
        (field("purpose", ""), FormError::Type("purpose", "a text of at most 64 small letters, digits, `_` and `-`")),
        (
            format!("{purpose}{}", field("model", "m")),
            FormError::Unknown("`file`, `purpose`, `expires_after[anchor]` and `expires_after[seconds]`"),
        ),
        (format!("{purpose}{purpose}"), FormError::Repeated),
    ] {
        assert_eq!(upload(body(&fields).as_bytes(), "b", Family::OpenAi), Err(expected), "{fields}");
    }
    // Anthropic's form is the file alone.
    assert!(upload(body("").as_bytes(), "b", Family::Anthropic).is_ok());
    assert_eq!(upload(body(&purpose).as_bytes(), "b", Family::Anthropic), Err(FormError::Unknown("`file`")));
    assert_eq!(upload(format!("{purpose}--b--").as_bytes(), "b", Family::OpenAi), Err(FormError::Missing("file")));
}

#[test]
fn pages_keep_each_file_as_it_was() {
    let body = br#"{"object":"list","data":[ {"id" : "file-a","x":[1, 2]},{"id":7},{"id":"file-b"}, {"id":"../c"}],"has_more":true,"next":"file-c"}"#;
    let tape = Tape::read(body, &JsonLimits::default()).unwrap();
    let page = file_page(&tape, body).unwrap();
    assert!(page.has_more);
    let files: Vec<(&str, &[u8])> = page.files.iter().map(|(id, range)| (id.as_str(), &body[range.clone()])).collect();
    let written = String::from_utf8(write_file_page(&files, true, Family::OpenAi)).unwrap();
    assert_eq!(
        written,
        r#"{"object":"list","data":[{"id" : "file-a","x":[1, 2]},{"id":"file-b"}],"first_id":"file-a","last_id":"file-b","has_more":true}"#
    );
    let none = write_file_page(&[], false, Family::OpenAi);
    assert_eq!(none, br#"{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}"#);
    for odd in [r#"{"data":{}}"#, "[]", "7", r#"{"object":"list"}"#] {
        let tape = Tape::read(odd.as_bytes(), &JsonLimits::default()).unwrap();
        assert_eq!(file_page(&tape, odd.as_bytes()), None, "{odd}");
    }
}
