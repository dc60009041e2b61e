//! Cells of streamed answers: texts in pieces of every size, cut in every place, over chunks that are cut anywhere.

use anyhow::Result;
use bartizan_testkit::stats::Dice;

use crate::answers::own_outcome;
use crate::bench::{Bench, asking, streamed};
use crate::body::{Written, bytes_of, payloads, write};
use crate::client::Reply;
use crate::decode::{joined, leak};
use crate::encode::{Encoding, not_applicable, quote};
use crate::fields::{Expect, Raw, Route, Stream, StreamText};
use crate::requests::{halves, key_of};
use crate::tally::Outcome;
use crate::values::Kind;

/// All cells of a route's streamed answers.
///
/// # Errors
/// When the gate gives no answer.
pub fn run(bench: &mut Bench, route: &Route) -> Result<()> {
    let Some(stream) = &route.stream else { return Ok(()) };
    for text in &stream.text {
        for kind in Kind::ALL {
            for encoding in Encoding::TEXTS {
                let sizes: &[usize] = if text.grows { &[1, 2, 5, 1_000] } else { &[1_000] };
                if let Some(reason) = not_applicable(encoding, kind, text.expect, false) {
                    bench.leave_out(route, reason);
                    continue;
                }
                for size in sizes {
                    model(bench, route, stream, text, (kind, encoding), Cut::Every(*size))?;
                }
            }
            if text.grows {
                for cut in 1..kind.make(&mut Dice::new(1)).len() + 3 {
                    model(bench, route, stream, text, (kind, Encoding::Split), Cut::At(cut))?;
                }
            } else {
                bench.leave_out(route, "one-string");
            }
            if matches!(text.expect, Expect::Text | Expect::Json | Expect::Kept) && kind.comes_back() {
                own_cells(bench, route, stream, text, kind)?;
            }
        }
    }
    for raw in &stream.raw {
        lines(bench, route, stream, raw)?;
    }
    Ok(())
}

/// How a text is cut into pieces.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Every(usize),
    At(usize),
}

/// The raw letters of the pieces of a text. Pieces are cut in the text that a reader gets, and escaped one by one.
fn pieces(written: &Written, encoding: Encoding, cut: Cut, dice: &mut Dice) -> Vec<String> {
    let letters: Vec<char> = written.text.chars().collect();
    let texts = match cut {
        Cut::Every(size) => letters.chunks(size.max(1)).map(|piece| piece.iter().collect()).collect(),
        Cut::At(at) => halves(&written.text, at),
    };
    texts.iter().map(|piece| encoding.quoted(piece, dice)).collect()
}

/// Bytes of a stream are cut at frames, in a few places, or at every byte.
fn cuts(length: usize, dice: &mut Dice) -> Vec<usize> {
    match dice.below(8) {
        0 => (1..length).collect(),
        1 | 2 => (0..5).filter_map(|_| usize::try_from(dice.below(length as u64)).ok()).collect(),
        _ => Vec::new(),
    }
}

fn model(bench: &mut Bench, route: &Route, stream: &Stream, text: &StreamText, (kind, encoding): (Kind, Encoding), cut: Cut) -> Result<()> {
    let Some(mut dice) = bench.turn() else { return Ok(()) };
    let value = kind.make(&mut dice);
    let written = write(text.expect, encoding, &value, &mut dice);
    let pieces = pieces(&written, encoding, cut, &mut dice);
    let whole = if text.expect == Expect::Json { quote(&written.text) } else { encoding.quoted(&written.text, &mut dice) };
    let bytes = bytes_of(stream, &payloads(stream, text, &pieces, &whole));
    let answer = streamed(stream, &bytes, &cuts(bytes.len(), &mut dice));
    bench.answer(move |_| answer.clone());
    let asked = asking(route, true, &route.own.replace("@@", "nobody"));
    let reply = bench.ask(route, true, &asked)?;
    let outcome = judge(&reply, &value, text);
    let cell = format!("{} {} {cut:?} `{}`", kind.name(), encoding.name(), written.text);
    bench.count(route, "model, streamed", &text.name, &cell, &outcome);
    Ok(())
}

fn judge(reply: &Reply, value: &str, text: &StreamText) -> Outcome {
    if let Some(part) = leak(&reply.raw(), value) {
        return Outcome::Leak(format!("the client reads `{part}`: {}", reply.text()));
    }
    let heard = heard(reply, text);
    let edited = matches!(text.expect, Expect::Text | Expect::Kept);
    if edited && !(reply.status == 200 && heard.starts_with("so ") && heard.ends_with(", yes")) {
        return Outcome::Miss(format!("edited to `{heard}` with {}: {}", reply.status, reply.text()));
    }
    Outcome::Good
}

/// What the client reads of a text.
fn heard(reply: &Reply, text: &StreamText) -> String {
    joined(&reply.body, true).remove(&key_of(text.read())).unwrap_or_default()
}

/// The caller's own value in every size of pieces and cut in every place.
fn own_cells(bench: &mut Bench, route: &Route, stream: &Stream, text: &StreamText, kind: Kind) -> Result<()> {
    let every = if text.grows { vec![Cut::Every(1), Cut::Every(2), Cut::Every(5), Cut::Every(1_000)] } else { vec![Cut::Every(1_000)] };
    for encoding in [Encoding::Plain, Encoding::Json, Encoding::Percent] {
        for cut in &every {
            own(bench, route, stream, text, (kind, encoding), *cut)?;
        }
    }
    for cut in (1..22).filter(|_| text.grows) {
        own(bench, route, stream, text, (kind, Encoding::Split), Cut::At(cut))?;
    }
    Ok(())
}

fn own(bench: &mut Bench, route: &Route, stream: &Stream, text: &StreamText, (kind, encoding): (Kind, Encoding), cut: Cut) -> Result<()> {
    let Some(mut dice) = bench.turn() else { return Ok(()) };
    let value = kind.make(&mut dice);
    let (copy, script, seed) = (text.clone(), stream.clone(), dice);
    bench.answer(move |token| {
        let mut dice = seed.clone();
        let written = write(copy.expect, encoding, token, &mut dice);
        let pieces = pieces(&written, encoding, cut, &mut dice);
        let bytes = bytes_of(&script, &payloads(&script, &copy, &pieces, &quote(&written.text)));
        streamed(&script, &bytes, &cuts(bytes.len(), &mut dice))
    });
    let asked = asking(route, true, &route.own.replace("@@", &value));
    let reply = bench.ask(route, true, &asked)?;
    let outcome = own_outcome(text.expect, encoding, &value, &heard(&reply, text));
    let cell = format!("{} {} {cut:?}", kind.name(), encoding.name());
    bench.count(route, "caller's own in the answer, streamed", &text.name, &cell, &outcome);
    Ok(())
}

/// Lines that are no payload: comments, names of events, what is not JSON.
fn lines(bench: &mut Bench, route: &Route, stream: &Stream, raw: &Raw) -> Result<()> {
    let asked = asking(route, true, &route.own.replace("@@", "nobody"));
    for encoding in [Encoding::Plain, Encoding::Percent, Encoding::Html, Encoding::Base64, Encoding::Wide, Encoding::Zero] {
        for kind in Kind::ALL {
            if let Some(reason) = not_applicable(encoding, kind, Expect::Any, false) {
                bench.leave_out(route, reason);
                continue;
            }
            let Some(mut dice) = bench.turn() else { continue };
            let value = kind.make(&mut dice);
            let written = encoding.write(&value, &mut dice);
            let mut head = stream.clone();
            head.end = String::new();
            let bytes = bytes_of(&head, &stream.open) + &raw.lines.replace("@@", &written) + &stream.end;
            let answer = streamed(stream, &bytes, &cuts(bytes.len(), &mut dice));
            bench.answer(move |_| answer.clone());
            let reply = bench.ask(route, true, &asked)?;
            let outcome = leak(&reply.raw(), &value).map_or(Outcome::Good, |part| Outcome::Leak(format!("the client reads `{part}`")));
            bench.count(route, "model, streamed", &raw.name, &format!("{} {} {written}", kind.name(), encoding.name()), &outcome);
        }
    }
    Ok(())
}
