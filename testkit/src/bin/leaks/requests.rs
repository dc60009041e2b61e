//! Cells of the caller's values: in every field of a request, in what stands outside its body, in attachments.

use std::cmp::Ordering;

use anyhow::Result;
use bartizan_testkit::Recorded;
use bartizan_testkit::stats::Dice;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::bench::{Bench, asking, leaked_upstream, said};
use crate::body::{MARK, Written, marked, marked_key};
use crate::cells::each;
use crate::client::Reply;
use crate::decode::{joined, undo};
use crate::documents::{self, READ};
use crate::encode::{Encoding, not_applicable, quote};
use crate::fields::{Attachment, Expect, Parts, Route};
use crate::tally::Outcome;
use crate::values::Kind;

/// All cells of a route's requests.
///
/// # Errors
/// When a field list is wrong or the gate gives no answer.
pub fn run(bench: &mut Bench, route: &Route) -> Result<()> {
    let streams: &[bool] = if route.stream.is_some() { &[false, true] } else { &[false] };
    for stream in streams {
        bench.echo(route, *stream);
        for group in &route.request {
            let body = asking(route, *stream, &group.body);
            for (at, expect) in group.places() {
                field(bench, route, *stream, at, expect, &marked(&body, at)?)?;
            }
            for at in &group.keys {
                field(bench, route, *stream, &format!("{at}/(key)"), Expect::Any, &marked_key(&body, at)?)?;
            }
            for parts in &group.parts {
                split(bench, route, *stream, parts, &marked(&body, &parts.at)?)?;
            }
            for one in group.opaque.iter().filter(|_| !*stream) {
                bench.leave_out(route, &one.reason);
            }
        }
    }
    bench.echo(route, false);
    outside(bench, route)?;
    for attachment in &route.attachment {
        attached(bench, route, attachment)?;
    }
    Ok(())
}

fn field(bench: &mut Bench, route: &Route, stream: bool, at: &str, expect: Expect, marked: &str) -> Result<()> {
    each(bench, route, (at, expect, marked), |bench, mut cell| {
        let expect = if cell.encoding == Encoding::Number && expect != Expect::Left { Expect::Any } else { expect };
        let cuts: Vec<usize> = (0..4).filter_map(|_| usize::try_from(cell.dice.below(cell.body.len() as u64)).ok()).collect();
        let mut cuts = Some(cuts).filter(|_| cell.dice.below(8) == 0);
        if let Some(cuts) = &mut cuts {
            cuts.sort_unstable();
        }
        let (reply, requests) = bench.send_with(route, stream, &cell.body, &[], "", cuts.as_deref())?;
        let outcome = judge(route, stream, (cell.kind, &cell.value), expect, &cell.written, &reply, &requests);
        bench.count(route, if stream { "caller, streamed" } else { "caller, whole" }, at, &cell.name(), &outcome);
        Ok(())
    })?;
    bench.leave_out(route, "one-string");
    Ok(())
}

/// What came of a caller's value.
fn judge(
    route: &Route,
    stream: bool,
    (kind, value): (Kind, &str),
    expect: Expect,
    written: &Written,
    reply: &Reply,
    requests: &[Recorded],
) -> Outcome {
    if let Some(part) = leaked_upstream(requests, value) {
        return Outcome::Leak(format!("the provider reads `{part}`"));
    }
    let went_on = !requests.is_empty();
    match expect {
        Expect::Text | Expect::Json | Expect::Kept if !went_on => {
            return Outcome::Miss(format!("refused with {}: {}", reply.status, reply.text()));
        }
        Expect::Identifier if went_on => return Outcome::Miss("went on, although nothing can be edited there".to_owned()),
        _ if !went_on && !(400..500).contains(&reply.status) => return Outcome::Miss(format!("refused with {}", reply.status)),
        _ => {}
    }
    let comes_back = went_on && kind.comes_back() && expect != Expect::Left;
    let Some(echo) = route.echo.as_ref().filter(|_| comes_back) else { return Outcome::Good };
    let heard = if stream { stream_said(route, reply) } else { said(reply, &echo.at) };
    let back = heard.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or_default();
    let exact = expect == Expect::Text && back == written.surface;
    let decoded = expect != Expect::Text && back.split('|').all(|one| undo(one) == value || one == written.surface);
    if exact || decoded {
        return Outcome::Good;
    }
    if expect == Expect::Any && back.is_empty() && undo(&requests.first().map(Recorded::text).unwrap_or_default()).contains("REDACTED") {
        return Outcome::Good;
    }
    let sent = requests.first().map(Recorded::text).unwrap_or_default();
    Outcome::Miss(format!("wrote `{}`, got `{heard}` back ({}), the provider got {sent}", written.surface, reply.status))
}

/// What the first text of a streamed answer says.
fn stream_said(route: &Route, reply: &Reply) -> String {
    let Some(text) = route.stream.as_ref().and_then(|stream| stream.text.first()) else { return String::new() };
    let key = key_of(text.read());
    joined(&reply.body, true).remove(&key).unwrap_or_default()
}

/// The place at which `joined` has the text of a piece.
pub fn key_of(piece: &str) -> String {
    let marked = piece.replace("@@", MARK);
    let texts = joined(marked.as_bytes(), true);
    texts.into_iter().find(|(_, text)| text == MARK).map(|(key, _)| key).unwrap_or_default()
}

/// A value in neighbouring text parts.
fn split(bench: &mut Bench, route: &Route, stream: bool, parts: &Parts, marked: &str) -> Result<()> {
    for kind in Kind::ALL {
        let length = kind.make(&mut Dice::new(1)).len();
        for cut in route.ways(length) {
            let Some(mut dice) = bench.turn() else { continue };
            let value = kind.make(&mut dice);
            let pieces = pieces(&value, cut);
            let element = |piece: &String| parts.part.replace("@@", &quote(piece));
            let array = format!("[{}]", pieces.iter().map(element).collect::<Vec<_>>().join(","));
            let body = marked.replace(&format!("\"{MARK}\""), &array);
            let written = Written { text: value.clone(), raw: value.clone(), surface: value.clone() };
            let (reply, requests) = bench.send(route, stream, &body)?;
            let outcome = judge(route, stream, (kind, &value), Expect::Text, &written, &reply, &requests);
            let what = if stream { "caller, streamed" } else { "caller, whole" };
            bench.count(route, what, &format!("{}/(parts)", parts.at), &format!("{} split {body}", kind.name()), &outcome);
        }
    }
    Ok(())
}

/// A value over text parts: in two, behind its last letter every letter in its own, and beyond that whole, with letters of others around.
pub fn pieces(value: &str, cut: usize) -> Vec<String> {
    match cut.cmp(&value.len()) {
        Ordering::Less => halves(value, cut),
        Ordering::Equal => value.chars().map(String::from).collect(),
        Ordering::Greater => vec!["so1".to_owned(), value.to_owned(), "2it".to_owned()],
    }
}

/// A text cut in two.
pub fn halves(text: &str, cut: usize) -> Vec<String> {
    let at = text.char_indices().nth(cut).map_or(text.len(), |(at, _)| at);
    let (left, right) = text.split_at(at);
    vec![left.to_owned(), right.to_owned()]
}

/// A text as every client writes it into a query: what would end a member, or the query, is escaped. As it is, half of the value would be
/// cut off on the way to the gate, and what is left of it is no value that anybody could know.
fn in_query(text: &str) -> String {
    text.replace('&', "%26").replace('#', "%23")
}

/// Headers that are passed on, and the query string.
fn outside(bench: &mut Bench, route: &Route) -> Result<()> {
    let body = route.own.replace("@@", "nobody");
    for name in &route.outside {
        for encoding in [Encoding::Plain, Encoding::Percent, Encoding::Html, Encoding::Base64] {
            for kind in Kind::ALL {
                if let Some(reason) = not_applicable(encoding, kind, Expect::Any, false) {
                    bench.leave_out(route, reason);
                    continue;
                }
                let Some(mut dice) = bench.turn() else { continue };
                let value = kind.make(&mut dice);
                let written = encoding.write(&value, &mut dice);
                let (query, headers) = match name.strip_prefix('?') {
                    Some("") => (format!("?a={}", in_query(&written)), vec![]),
                    Some(member) => (format!("?{member}={}", in_query(&written)), vec![]),
                    None => (String::new(), vec![(name.clone(), written.clone())]),
                };
                let (_, requests) = bench.send_with(route, false, &body, &headers, &query, None)?;
                let outcome =
                    leaked_upstream(&requests, &value).map_or(Outcome::Good, |part| Outcome::Leak(format!("the provider reads `{part}`")));
                bench.count(route, "caller, headers and query", name, &format!("{} {} {written}", kind.name(), encoding.name()), &outcome);
            }
        }
    }
    Ok(())
}

/// Files and pictures, with the value in the bytes. Where a file can be read, documents of every kind stand.
fn attached(bench: &mut Bench, route: &Route, attachment: &Attachment) -> Result<()> {
    match attachment.kind.as_str() {
        "text" | "pdf" => READ.iter().try_for_each(|kind| read(bench, route, attachment, kind)),
        _ => unread(bench, route, attachment),
    }
}

fn read(bench: &mut Bench, route: &Route, attachment: &Attachment, document_kind: &str) -> Result<()> {
    for encoding in Encoding::TEXTS {
        for kind in Kind::ALL {
            let Some(mut dice) = bench.turn() else { continue };
            let value = kind.make(&mut dice);
            let written = encoding.write(&value, &mut dice);
            if let Some(reason) = documents::not_applicable(document_kind, encoding, &written) {
                bench.leave_out(route, reason);
                continue;
            }
            let written = if encoding == Encoding::Json { encoding.quoted(&written, &mut dice) } else { written };
            let file = if document_kind == "json" && encoding == Encoding::Json {
                format!("{{\"name\": \"somebody\", \"note\": \"{written}\"}}").into_bytes()
            } else {
                documents::document(document_kind, &written)?
            };
            let body = attachment.body.replace("@@", &STANDARD.encode(file));
            let (reply, requests) = bench.send(route, false, &body)?;
            let replaced =
                |request: &Recorded| ["The text of the attached file", "[REDACTED_"].iter().any(|word| request.text().contains(word));
            let outcome = match leaked_upstream(&requests, &value) {
                Some(part) => Outcome::Leak(format!("the provider reads `{part}`")),
                None if requests.is_empty() && (400..500).contains(&reply.status) => Outcome::Good,
                None if !requests.is_empty() && requests.iter().all(replaced) => Outcome::Good,
                None => Outcome::Miss("went on unread".to_owned()),
            };
            let name = format!("{document_kind} {} {} {written}", kind.name(), encoding.name());
            bench.count(route, "caller, attachments", &attachment.name, &name, &outcome);
        }
    }
    Ok(())
}

/// What holds no text passes where its kind may, and is refused elsewhere.
fn unread(bench: &mut Bench, route: &Route, attachment: &Attachment) -> Result<()> {
    for kind in Kind::ALL {
        let Some(mut dice) = bench.turn() else { continue };
        let body = attachment.body.replace("@@", &STANDARD.encode(binary(&attachment.kind, &kind.make(&mut dice))));
        let (reply, requests) = bench.send(route, false, &body)?;
        let outcome = match &attachment.passes {
            Some(reason) => {
                bench.tally.leave_out(&route.name, reason);
                if reply.status == 200 {
                    continue;
                }
                Outcome::Miss(format!("refused with {}: {}", reply.status, reply.text()))
            }
            None if requests.is_empty() && (400..500).contains(&reply.status) => Outcome::Good,
            None => Outcome::Miss("went on unread".to_owned()),
        };
        bench.count(route, "caller, attachments", &attachment.name, kind.name(), &outcome);
    }
    Ok(())
}

/// Bytes of a kind with a text in them.
fn binary(kind: &str, value: &str) -> Vec<u8> {
    let (before, after): (&[u8], &[u8]) = match kind {
        "png" => (b"\x89PNG\r\n\x1a\n\x00\x00\x00\x20tEXtComment\x00", b"\x00\x00\x00\x00IEND\xaeB`\x82"),
        _ => (b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00LIST", b"data\x00\x00\x00\x00"),
    };
    [before, value.as_bytes(), after].concat()
}

#[cfg(test)]
mod tests {
    use super::in_query;

    #[test]
    fn an_entity_in_a_query_is_not_cut() {
        assert_eq!(in_query("DE89&#x33;7"), "DE89%26%23x33;7");
        assert_eq!(in_query("a%40b"), "a%40b");
    }
}
