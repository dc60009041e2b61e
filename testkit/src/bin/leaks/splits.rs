//! Split invariance: however the bytes of a stream are cut, the client gets the same bytes.

use anyhow::Result;
use bartizan_testkit::stats::Dice;

use crate::bench::{Bench, asking, streamed};
use crate::body::{bytes_of, payloads};
use crate::client::Reply;
use crate::encode::quote;
use crate::fields::{Expect, Route};
use crate::tally::Outcome;
use crate::values::Kind;

/// Fixtures up to this many bytes are cut at every byte.
const EXHAUSTIVE: usize = 2_048;
/// Cuts of a longer fixture, and cuts into many pieces of each.
const SAMPLE: usize = 200;

/// Every text of the route's stream is one fixture, of a translated one the first: the caller's own value, and one that the model made up.
///
/// # Errors
/// When the gate gives no answer.
pub fn run(bench: &mut Bench, route: &Route) -> Result<()> {
    let Some(stream) = &route.stream else { return Ok(()) };
    // A translation is one machine for all texts of a stream, and the gate's own tests split each.
    let texts = if route.translated { 1 } else { stream.text.len() };
    for (number, text) in stream.text.iter().take(texts).enumerate() {
        let mut dice = Dice::new(number as u64 + 77);
        let (own, other) = (Kind::Email.make(&mut dice), Kind::Card.make(&mut dice));
        let asked = asking(route, true, &route.own.replace("@@", &own));
        bench.echo(route, true);
        let (_, requests) = bench.send(route, true, &asked)?;
        let token = requests.first().map(|request| crate::body::tokens(&request.text())).unwrap_or_default();
        let said = match text.expect {
            Expect::Json => format!("{{\"to\": \"{}\", \"no\": \"{other}\"}}", token.concat()),
            Expect::Identifier | Expect::Any | Expect::Id | Expect::Left => "so".to_owned(),
            _ => format!("to {}, no {other}. ", token.concat()),
        };
        let letters: Vec<char> = said.chars().collect();
        let size = if text.grows { 5 } else { 1_000 };
        let pieces: Vec<String> = letters.chunks(size).map(|piece| quote(&piece.iter().collect::<String>())).collect();
        let bytes = bytes_of(stream, &payloads(stream, text, &pieces, &quote(&said)));
        let whole = streamed(stream, &bytes, &[]);
        bench.answer(move |_| whole.clone());
        let (expected, _) = bench.send(route, true, &asked)?;
        for cuts in places(bytes.len(), &mut dice) {
            if bench.turn().is_none() {
                continue;
            }
            let answer = streamed(stream, &bytes, &cuts);
            bench.answer(move |_| answer.clone());
            let (reply, _) = bench.send(route, true, &asked)?;
            let outcome = if comparable(&reply) == comparable(&expected) && reply.status == expected.status {
                Outcome::Good
            } else {
                Outcome::Miss(format!("uncut: {} cut: {}", expected.text(), reply.text()))
            };
            bench.count(route, "split invariance", &text.name, &format!("cut at {cuts:?}"), &outcome);
        }
    }
    Ok(())
}

/// A body without what differs each time: when the gate made it (a translation says `created`), and seals.
fn comparable(reply: &Reply) -> String {
    let text = reply.text();
    let mut parts = text.split("\"created\":");
    let first = parts.next().unwrap_or_default().to_owned();
    let timeless = parts.fold(first, |out, part| out + part.trim_start_matches(|c: char| c.is_ascii_digit()));
    without_seals(&timeless)
}

/// Placeholders of signed blocks without what is sealed in them: `[REMOVED_FROM_SIGNED_EMAIL:…]`.
fn without_seals(text: &str) -> String {
    let mut parts = text.split("[REMOVED_FROM_SIGNED_");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (word, rest) = part.split_once(']').unwrap_or((part, ""));
        let (label, _sealed) = word.split_once(':').unwrap_or((word, ""));
        for piece in ["[REMOVED_FROM_SIGNED_", label, "]", rest] {
            out.push_str(piece);
        }
    }
    out
}

/// Every place to cut in two, or a sample of them; and a sample of cuts in many.
fn places(length: usize, dice: &mut Dice) -> Vec<Vec<usize>> {
    let mut any = || usize::try_from(dice.below(length as u64)).unwrap_or(0);
    let mut places: Vec<Vec<usize>> =
        if length <= EXHAUSTIVE { (1..length).map(|cut| vec![cut]).collect() } else { (0..SAMPLE).map(|_| vec![any()]).collect() };
    for number in 0..SAMPLE {
        places.push((0..2 + number % 60).map(|_| any()).collect());
    }
    places.push((1..length).collect());
    places
}
