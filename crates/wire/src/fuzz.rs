//! Entry points for fuzz targets: properties that must hold for any bytes. A broken property aborts the target.

use crate::json::{JsonLimits, NodeId, NodeKind, Splice, Tape, escape_into, raw_offsets, splice, unescape};
use crate::translate::{Saying, Translation};
use crate::{
    ArrayReader, Family, Frame, FrameError, Framing, Route, Side, SseReader, ask, boundary, file_page, form, read, read_ask, upload,
    write_file_page,
};

/// Any bytes: no panic; when they are JSON, no edit gives the same bytes, and an edited string reads back as edited.
pub fn json_spans(bytes: &[u8]) {
    let limits = JsonLimits { depth: 64, nodes: 10_000 };
    let Ok(tape) = Tape::read(bytes, &limits) else { return };
    assert_eq!(splice(bytes, &[]).as_deref(), Some(bytes), "no edits, same bytes");
    asks(&tape, bytes);
    let reading = read(&tape, bytes, Side::Request);
    let Some(part) = reading.parts.iter().find(|part| tape.node(part.node).is_some_and(|node| node.kind == NodeKind::String)) else {
        return;
    };
    let Some(node) = tape.node(part.node) else { return };
    let raw = bytes.get(node.inner()).unwrap_or_default();
    let text = unescape(raw);
    let offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mapped = raw_offsets(raw, &offsets);
    assert!(mapped.is_sorted(), "offsets rise");
    assert_eq!(mapped.last(), Some(&raw.len()), "the end maps to the end");
    let mut with = vec![b'"'];
    escape_into("x\"\\\n\u{1}\u{e9}", &mut with);
    with.push(b'"');
    let edited = splice(bytes, &[Splice { range: node.outer(), with }]).unwrap_or_default();
    let again = Tape::read(&edited, &limits);
    assert!(
        again.is_ok_and(|again| again.len() == tape.len() && again.text(&edited, part.node) == "x\"\\\n\u{1}\u{e9}"),
        "edited text reads back"
    );
}

/// What asks for a verdict is read without a panic, and a text that is left out is inspected elsewhere.
fn asks(tape: &Tape, bytes: &[u8]) {
    for route in Route::ALL.iter().filter(|route| route.decides()) {
        let Ok(found) = ask(tape, bytes, *route) else { continue };
        let (reading, repeats) = read_ask(tape, bytes, &found);
        let read = |node| reading.parts.iter().any(|part| part.node == node);
        let same = |(from, to): (&NodeId, &NodeId)| read(*to) && tape.text(bytes, *from) == tape.text(bytes, *to);
        assert!(repeats.iter().take(64).all(same), "left out and inspected nowhere");
    }
}

/// Any bytes: frames put together are the bytes, however they were split.
pub fn sse(bytes: &[u8]) {
    let whole = frames(bytes, bytes.len().max(1));
    let step = bytes.first().map_or(1, |byte| usize::from(*byte % 7) + 1);
    let split = frames(bytes, step);
    assert_eq!(whole, split, "same frames for every split");
    assert_eq!(whole.concat(), bytes, "nothing is lost");
}

/// Any bytes: elements put together are the bytes as far as they are an array, however they were split.
pub fn json_array(bytes: &[u8]) {
    let whole = elements(bytes, bytes.len().max(1));
    let step = bytes.first().map_or(1, |byte| usize::from(*byte % 7) + 1);
    assert_eq!(whole, elements(bytes, step), "same elements for every split");
    let together = whole.0.iter().map(|frame| frame.raw.as_slice()).collect::<Vec<_>>().concat();
    assert!(bytes.starts_with(&together) && (whole.1.is_some() || together == bytes), "nothing is lost");
    // What the strict reader takes for an array of objects is one here too, element by element.
    let Ok(tape) = Tape::read(bytes, &JsonLimits { depth: 64, nodes: 10_000 }) else { return };
    let array = tape.node(0).is_some_and(|node| node.kind == NodeKind::Array);
    if array && tape.members(0).all(|(_, node)| node.kind == NodeKind::Object) {
        let payloads = whole.0.iter().filter(|frame| !frame.data.is_empty()).map(Frame::payload);
        let members = tape.members(0).map(|(_, node)| bytes.get(node.outer()).unwrap_or_default());
        assert!(whole.1.is_none() && payloads.eq(members), "the same elements");
    }
}

/// Any bytes as request, answer, error and stream of each format for each other: no panic, what comes out is JSON, and a stream is
/// the same however it was split.
pub fn translate(bytes: &[u8]) {
    let limits = JsonLimits { depth: 64, nodes: 10_000 };
    let tape = Tape::read(bytes, &limits).ok();
    for route in Route::ALL {
        for family in [Family::OpenAi, Family::Anthropic, Family::Gemini] {
            let Some(translation) = Translation::between(*route, family) else { continue };
            if let Some(tape) = &tape {
                let request = translation.request(tape, bytes, &limits, ("model", true)).map(|request| request.body).ok();
                let answer = translation.answer(tape, bytes, &limits, Saying::default()).ok().map(|answer| answer.body);
                let error = translation.error(tape, bytes, &limits, 500);
                for out in [request, answer, error].into_iter().flatten() {
                    assert!(Tape::read(&out, &JsonLimits::default()).is_ok(), "what was translated is JSON");
                }
            }
            for framing in [Framing::Sse, Framing::JsonArray] {
                let translation = translation.framed(framing);
                let step = bytes.first().map_or(1, |byte| usize::from(*byte % 7) + 1);
                let whole = translated(translation, bytes, bytes.len().max(1), &limits);
                assert_eq!(whole, translated(translation, bytes, step, &limits), "the same for every split");
            }
        }
    }
}

/// A whole translated stream, or nothing if it is none.
fn translated(translation: Translation, bytes: &[u8], step: usize, limits: &JsonLimits) -> Option<Vec<u8>> {
    let mut translator = translation.stream(limits, 1 << 16, Saying::default());
    let mut out = Vec::new();
    for chunk in bytes.chunks(step) {
        translator.push(chunk, &mut out).ok()?;
    }
    translator.finish(&mut out).ok()?;
    Some(out)
}

/// Any bytes as a form, behind a line with its type: no panic; what is accepted, a forgiving reader that knows nothing but lines takes
/// for the same contents. And as a page of files: what is written reads back.
pub fn multipart(bytes: &[u8]) {
    pages(bytes);
    let Some(end) = memchr::memchr(b'\n', bytes) else { return };
    let (head, body) = (bytes.get(..end).unwrap_or_default(), bytes.get(end + 1..).unwrap_or_default());
    let Some(boundary) = std::str::from_utf8(head).ok().and_then(|head| boundary(head).ok()) else { return };
    for upload in [Family::OpenAi, Family::Anthropic].into_iter().filter_map(|family| upload(body, boundary, family).ok()) {
        let shown = upload.shown(boundary);
        assert!(Tape::read(&shown, &JsonLimits::default()).is_ok(), "what is shown of a form is JSON");
    }
    let Ok(parts) = form(body, boundary) else { return };
    let contents: Vec<&[u8]> = parts.iter().map(|part| body.get(part.body.clone()).unwrap_or_default()).collect();
    assert_eq!(lines(body, boundary), contents, "two readers, one form");
}

/// The contents of a form, line by line, whatever ends a line, and with anything behind a boundary.
fn lines<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let delimiter = format!("--{boundary}");
    let ends = memchr::memchr_iter(b'\n', body).map(|at| at + 1).chain([body.len()]);
    let (mut contents, mut open, mut start) = (Vec::new(), None::<usize>, 0);
    for end in ends {
        let line = body.get(start..end).unwrap_or_default();
        if line.starts_with(delimiter.as_bytes()) {
            if let Some(from) = open.take() {
                let content = body.get(from..start).unwrap_or_default();
                let content = content.strip_suffix(b"\n").unwrap_or(content);
                contents.push(content.strip_suffix(b"\r").unwrap_or(content));
            }
            if line.get(delimiter.len()..).is_some_and(|rest| rest.starts_with(b"--")) {
                break;
            }
            // The first line without anything on it ends the headers.
            let rest = body.get(end..).unwrap_or_default();
            let mut at = 0;
            for line in rest.split_inclusive(|byte| *byte == b'\n') {
                at += line.len();
                if line.trim_ascii().is_empty() {
                    break;
                }
            }
            open = Some(end + at);
        }
        start = end;
    }
    contents
}

fn pages(bytes: &[u8]) {
    let limits = JsonLimits { depth: 64, nodes: 10_000 };
    let Some(page) = Tape::read(bytes, &limits).ok().and_then(|tape| file_page(&tape, bytes)) else { return };
    let files: Vec<(&str, &[u8])> =
        page.files.iter().map(|(id, range)| (id.as_str(), bytes.get(range.clone()).unwrap_or_default())).collect();
    let written = write_file_page(&files, page.has_more, Family::Anthropic);
    let tape = Tape::read(&written, &JsonLimits::default()).ok();
    let again = tape.and_then(|tape| file_page(&tape, &written));
    let ids = |files: &[(String, std::ops::Range<usize>)]| files.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    assert!(again.is_some_and(|again| ids(&again.files) == ids(&page.files) && again.has_more == page.has_more), "a page reads back");
}

fn elements(bytes: &[u8], step: usize) -> (Vec<Frame>, Option<FrameError>) {
    let mut reader = ArrayReader::new(usize::MAX);
    let mut out = Vec::new();
    for chunk in bytes.chunks(step) {
        reader.push(chunk);
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => out.push(frame),
                Ok(None) => break,
                Err(error) => return (out, Some(error)),
            }
        }
    }
    match reader.finish() {
        Ok(frame) => {
            out.extend(frame);
            (out, None)
        }
        Err(error) => (out, Some(error)),
    }
}

fn frames(bytes: &[u8], step: usize) -> Vec<Vec<u8>> {
    let mut reader = SseReader::new(usize::MAX);
    let mut out = Vec::new();
    for chunk in bytes.chunks(step) {
        reader.push(chunk);
        while let Ok(Some(frame)) = reader.next_frame() {
            same_payload_again(&frame);
            out.push(frame.raw);
        }
    }
    out.extend(reader.finish().map(|frame| frame.raw));
    out
}

/// An event that is written with its own payload, and with another, reads back with that payload.
fn same_payload_again(frame: &Frame) {
    if frame.data.is_empty() || frame.raw.starts_with(b"\xEF\xBB\xBF") {
        return;
    }
    let payload = frame.payload();
    for wanted in [payload.as_ref(), b"{\"a\":1}", b"a\n\nb"] {
        let mut reader = SseReader::new(usize::MAX);
        reader.push(&frame.with_payload(wanted));
        let again = reader.next_frame().ok().flatten().or_else(|| reader.finish());
        assert!(again.is_some_and(|again| again.payload() == wanted) && reader.pending() == 0, "payload reads back");
    }
}
