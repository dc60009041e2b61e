//! Streams that are one JSON array: elements as frames, other payloads, limits; the same for every way of splitting the bytes.
#![expect(clippy::unwrap_used, reason = "tests")]

use bartizan_wire::refusal::{Reason, Shape};
use bartizan_wire::{ArrayReader, Frame, FrameError, Frames, Framing};
use proptest::prelude::*;

fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Frame>, Result<(), FrameError>) {
    let mut reader = Frames::new(Framing::JsonArray, 60);
    let mut out = Vec::new();
    for chunk in chunks {
        reader.push(chunk);
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => out.push(frame),
                Ok(None) => break,
                Err(error) => return (out, Err(error)),
            }
        }
    }
    let end = reader.finish();
    let end = end.map(|frame| out.extend(frame));
    (out, end)
}

/// The payload of each frame, `-` for one without; all bytes are there.
fn check(input: &str, expected: &[&str]) {
    let (frames, end) = read([input.as_bytes()]);
    assert_eq!(end, Ok(()), "{input}");
    assert_eq!(frames.iter().map(|frame| frame.raw.as_slice()).collect::<Vec<_>>().concat(), input.as_bytes());
    let seen =
        |frame: &Frame| if frame.data.is_empty() { "-".to_owned() } else { String::from_utf8(frame.payload().into_owned()).unwrap() };
    assert_eq!(frames.iter().map(seen).collect::<Vec<_>>(), expected, "{input}");
    for at in 0..=input.len() {
        let (left, right) = input.as_bytes().split_at(at);
        assert_eq!(read([left, right]).0, frames, "split at {at}");
    }
    assert_eq!(read(input.as_bytes().chunks(1)).0, frames);
}

#[test]
fn elements() {
    check("[]", &["-"]);
    check(" [\n] \r\n", &["-", "-"]);
    check("[{}]", &["{}", "-"]);
    check("[{\"a\":1},\r\n{\"b\":[2,{}]}\n,{}]\n", &["{\"a\":1}", "{\"b\":[2,{}]}", "{}", "-", "-"]);
    check(r#"[{"a":"}]\"{\\"}, {"é":"]"}]"#, &[r#"{"a":"}]\"{\\"}"#, r#"{"é":"]"}"#, "-"]);
    // Whether an element is JSON is for its reader to see.
    check("[{]]", &["{]", "-"]);
}

#[test]
fn what_is_no_array_of_objects() {
    use FrameError::{Cut, NotAnArray, TooLarge};
    for (input, count, expected) in [
        ("", 0, Cut),
        ("  ", 0, Cut),
        ("[", 0, Cut),
        ("[{}", 1, Cut),
        ("[{\"a\":\"", 0, Cut),
        ("{}", 0, NotAnArray),
        ("data: {}\n\n", 0, NotAnArray),
        ("\u{feff}[{}]", 0, NotAnArray),
        ("[1]", 0, NotAnArray),
        ("[\"a\"]", 0, NotAnArray),
        ("[{},]", 1, NotAnArray),
        ("[,{}]", 0, NotAnArray),
        ("[{}{}]", 1, NotAnArray),
        ("[{}]x", 2, NotAnArray),
        ("[{}][{}]", 2, NotAnArray),
    ] {
        for step in [1, 2, 100] {
            let (frames, end) = read(input.as_bytes().chunks(step));
            assert_eq!((frames.len(), end), (count, Err(expected)), "{input}");
        }
    }
    let long = |count: usize| format!("[{{}},{{\"a\":\"{}\"}}]", "x".repeat(count));
    for step in [1, 7, 1_000] {
        assert_eq!(read(long(51).as_bytes().chunks(step)).1, Ok(()), "exactly the limit is allowed");
        let (frames, end) = read(long(52).as_bytes().chunks(step));
        assert_eq!((frames.len(), end), (1, Err(TooLarge(60))));
        assert_eq!(read(format!("[{}", " ".repeat(60)).as_bytes().chunks(step)).1, Err(TooLarge(60)), "white space counts");
        assert_eq!(read(format!("[]{}", " ".repeat(61)).as_bytes().chunks(step)).1, Err(TooLarge(60)));
    }
}

#[test]
fn broken_stays_broken() {
    let mut reader = ArrayReader::new(10);
    reader.push(b"[1");
    assert_eq!(reader.next_frame(), Err(FrameError::NotAnArray));
    reader.push(b"[{}]");
    assert_eq!(reader.next_frame(), Err(FrameError::NotAnArray));
    assert_eq!(reader.finish(), Err(FrameError::NotAnArray));
}

#[test]
fn another_payload_keeps_what_stands_around_it() {
    let (frames, _) = read(["[{\"a\":\n1} ,\r\n {\"b\":2}\n]".as_bytes()]);
    let edited: Vec<u8> = frames.iter().flat_map(|frame| frame.with_payload(b"{\"c\":\n3}")).collect();
    assert_eq!(String::from_utf8(edited).unwrap(), "[{\"c\":\n3} ,\r\n {\"c\":\n3}\n]");
}

/// What was sent and the last bytes are an array all the same, and a client finds the error where it looks for it.
#[test]
fn refused_midway() {
    let close = |last| Framing::JsonArray.refusal(Shape::Gemini, Reason::PolicyBlocked, "no", "r", last);
    let error = r#"{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED"}}"#;
    assert_eq!(String::from_utf8(close(None)).unwrap(), format!("[{error}]"));
    assert_eq!(String::from_utf8(close(Some(b'}'))).unwrap(), format!(",\n{error}]"));
    assert_eq!(close(Some(b']')), b"");
    let event = Framing::Sse.refusal(Shape::Gemini, Reason::PolicyBlocked, "no", "r", Some(b'}'));
    assert_eq!(String::from_utf8(event).unwrap(), format!("data: {error}\n\n"));
}

#[test]
fn a_large_chunk_of_small_elements_costs_what_it_holds() {
    let mut reader = ArrayReader::new(1_000);
    reader.push(format!("[{}{{}}]", "{},".repeat(400_000)).as_bytes());
    let mut count = 0;
    while let Some(_frame) = reader.next_frame().unwrap() {
        count += 1;
    }
    assert_eq!((count, reader.pending()), (400_002, 0));
}

fn arrayish() -> impl Strategy<Value = Vec<u8>> {
    let token = prop::sample::select(vec![
        "[",
        "]",
        "{",
        "}",
        "{}",
        "{}",
        ",",
        ",",
        ":",
        "\"",
        "\\",
        "\"a\"",
        "{\"a\":\"]}\"}",
        "[1]",
        "\n",
        " ",
        "é",
        "x",
        "\u{feff}",
    ]);
    let any = prop::collection::vec(token, 0..20).prop_map(|tokens| tokens.concat());
    let element = prop::sample::select(vec!["{}", "{\"a\":\"}]\\\"\"}", "{\"b\":[{},[]]}", "{\"é\":1}"]);
    let good = prop::collection::vec(element, 0..6).prop_map(|elements| format!("[ {} ]\n", elements.join(" ,\n")));
    prop_oneof![any, good].prop_map(String::into_bytes)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn same_elements_for_every_split(bytes in arrayish(), space in prop::sample::select(vec![b' ', b'\t', b'\n', b'\r'])) {
        bartizan_wire::fuzz::json_array(&bytes);
        // The first byte decides how the target splits.
        let mut shifted = vec![space];
        shifted.extend_from_slice(&bytes);
        bartizan_wire::fuzz::json_array(&shifted);
    }
}
