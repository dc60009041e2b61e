//! Server-sent events: frames, fields, other payloads, limits; the same for every way of splitting the bytes.
#![expect(clippy::unwrap_used, reason = "tests")]

use bartizan_wire::{SseError, SseReader};
use proptest::prelude::*;

/// What a frame is, for comparison: payload (if there is a `data` line) and the lines that are inspected beside it.
type Seen = (Option<String>, Vec<String>);

fn frames(chunks: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<bartizan_wire::Frame> {
    let mut reader = SseReader::new(1_000);
    let mut out = Vec::new();
    for chunk in chunks {
        reader.push(chunk.as_ref());
        while let Some(frame) = reader.next_frame().unwrap() {
            out.push(frame);
        }
    }
    out.extend(reader.finish());
    out
}

fn check(input: &str, expected: &[(Option<&str>, &[&str])]) {
    let found = frames([input]);
    assert_eq!(found.iter().map(|frame| frame.raw.as_slice()).collect::<Vec<_>>().concat(), input.as_bytes());
    let seen: Vec<Seen> = found
        .iter()
        .map(|frame| {
            let text = |range: &std::ops::Range<usize>| String::from_utf8_lossy(frame.raw.get(range.clone()).unwrap()).into_owned();
            let payload = (!frame.data.is_empty()).then(|| String::from_utf8_lossy(&frame.payload()).into_owned());
            (payload, frame.other.iter().map(text).collect())
        })
        .collect();
    let expected: Vec<Seen> = expected
        .iter()
        .map(|(payload, other)| (payload.map(str::to_owned), other.iter().map(|line| (*line).to_owned()).collect()))
        .collect();
    assert_eq!(seen, expected, "{input:?}");
}

#[test]
fn frames_and_fields() {
    check("", &[]);
    check("data: a\n\n", &[(Some("a"), &[])]);
    check("data: a\r\n\r\ndata: b\r\rdata: c\n\n", &[(Some("a"), &[]), (Some("b"), &[]), (Some("c"), &[])]);
    check("data:a\n\ndata:  b\n\n", &[(Some("a"), &[]), (Some(" b"), &[])]);
    check("data\n\ndata:\n\ndata: \n\n", &[(Some(""), &[]), (Some(""), &[]), (Some(""), &[])]);
    check("data: a\ndata: b\r\ndata\ndata:c\n\n", &[(Some("a\nb\n\nc"), &[])]);
    check("\u{feff}data: a\n\n\u{feff}data: b\n\n", &[(Some("a"), &[]), (None, &["\u{feff}data: b"])]);
    check(": ping\n\n", &[(None, &[": ping"])]);
    check("event: content_block_delta\nretry: 3000\ndata: a\n\n", &[(Some("a"), &[])]);
    check("event: response.output_text.delta\n\n", &[(None, &[])]);
    check("event: bob@example.com\ndata: a\n\n", &[(Some("a"), &["event: bob@example.com"])]);
    check("retry: 4111111111111111\n\n", &[(None, &["retry: 4111111111111111"])]);
    check("id: 7\nunknown: x\nnocolon\ndata: a\n\n", &[(Some("a"), &["id: 7", "unknown: x", "nocolon"])]);
    check("DATA: a\ndata : b\n data: c\n\n", &[(None, &["DATA: a", "data : b", " data: c"])]);
    check("\n\n\r\ndata: a\n\n", &[(None, &[]), (None, &[]), (None, &[]), (Some("a"), &[])]);
    check("data: a\n\ndata: b", &[(Some("a"), &[]), (Some("b"), &[])]);
    check("data: a\n", &[(Some("a"), &[])]);
    check("data: a\r\n\r", &[(Some("a"), &[])]);
    check("data: a:b\u{2028}\u{85}c\n\n", &[(Some("a:b\u{2028}\u{85}c"), &[])]);
}

#[test]
fn other_payload() {
    fn check(input: &str, payload: &str, expected: &str) {
        let found = frames([input]);
        let out: Vec<u8> = found.iter().flat_map(|frame| frame.with_payload(payload.as_bytes())).collect();
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{input:?}");
    }
    check("event: x\nid: 1\ndata: a\n\n", "b", "event: x\nid: 1\ndata: b\n\n");
    check("data:a\r\n\r\n", "b", "data:b\r\n\r\n");
    check("data\n\n", "b", "data: b\n\n");
    check("data:\n\n", "b", "data:b\n\n");
    check(": only a comment\n\n", "b", ": only a comment\n\n");
    check("data: a\ndata: b\nid: 1\n\n", "c", "data: c\nid: 1\n\n");
    check("data: a\r\ndata: b\r\nid: 1\r\ndata: c\r\n\r\n", "d", "data: d\r\nid: 1\r\n\r\n");
    check("data: a\rdata: b\r\r", "c", "data: c\r\r");
    check("data: a\ndata: b", "c", "data: c\n");
    check("data: a\n\n", "b\nc\r\nd\re", "data: b\ndata: c\ndata: d\ndata: e\n\n");
}

#[test]
fn limit() {
    fn check(chunks: &[&str], good: usize) {
        let mut reader = SseReader::new(10);
        let mut found = 0;
        for chunk in chunks {
            reader.push(chunk.as_bytes());
            while let Ok(Some(_)) = reader.next_frame() {
                found += 1;
            }
        }
        assert_eq!(found, good);
        assert_eq!(reader.next_frame(), Err(SseError::FrameTooLarge(10)));
        reader.push(b"data: a\n\n");
        assert_eq!(reader.next_frame(), Err(SseError::FrameTooLarge(10)), "and from then on");
    }
    check(&["data: 12345\n\n"], 0);
    check(&["data: ", "12345\n\n"], 0);
    check(&["data: 12345"], 0);
    check(&["data: 1\n\ndata: 12345\n\n"], 1);
    check(&["data: 12\n\ndata: 12\n\nid: 1\nid: 2\n\n"], 2);
    let mut reader = SseReader::new(10);
    reader.push(b"data: 12\n\n");
    assert_eq!(reader.next_frame().unwrap().unwrap().raw.len(), 10, "exactly the limit is allowed");
}

#[test]
fn real_streams_at_every_split() {
    for stream in [include_str!("fixtures/openai.sse"), include_str!("fixtures/anthropic.sse")] {
        for stream in [stream.to_owned(), stream.replace('\n', "\r\n"), stream.replace('\n', "\r")] {
            let whole = frames([&stream]);
            for at in 0..=stream.len() {
                let (left, right) = stream.as_bytes().split_at(at);
                assert_eq!(frames([left, right]), whole, "split at {at}");
            }
            assert_eq!(frames(stream.as_bytes().chunks(1)), whole);
        }
    }
}

#[test]
fn a_large_chunk_of_small_frames_costs_what_it_holds() {
    let mut reader = SseReader::new(1_000);
    reader.push("data: a\n\n".repeat(400_000).as_bytes());
    let mut count = 0;
    while let Some(_frame) = reader.next_frame().unwrap() {
        count += 1;
    }
    assert_eq!((count, reader.pending()), (400_000, 0));
}

fn streamish() -> impl Strategy<Value = Vec<u8>> {
    let token = prop::sample::select(vec![
        "data",
        "data:",
        "data: ",
        "event: ",
        "id",
        ":",
        " ",
        "\n",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "x",
        "\u{feff}",
        "{\"a\":1}",
        "[DONE]",
        "é",
    ]);
    prop::collection::vec(token, 0..30).prop_map(|tokens| tokens.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn same_frames_for_every_split(bytes in streamish(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let whole = frames([&bytes]);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
        at.sort_unstable();
        let split = frames(at.windows(2).map(|pair| bytes.get(*pair.first().unwrap()..*pair.last().unwrap()).unwrap()));
        prop_assert_eq!(&whole, &split);
        prop_assert_eq!(whole.iter().map(|frame| frame.raw.as_slice()).collect::<Vec<_>>().concat(), bytes.clone());
        bartizan_wire::fuzz::sse(&bytes);
    }
}

/// A frame with other bytes in its place begins where it began: behind a byte order mark.
#[test]
fn other_bytes_in_the_same_place() {
    let frame = frames(["\u{feff}data: a\n: b\n\n"]).remove(0);
    let other = frame.with_raw("\u{feff}data: a\n:\n\n".into());
    assert_eq!((other.payload().as_ref(), other.other.len()), (b"a".as_slice(), 1));
}
