//! Cells of whole answers: what the model says by itself must not pass, and the caller's own values come back.

use anyhow::Result;
use bartizan_testkit::Answer;

use crate::bench::{Bench, asking, said};
use crate::body::{MARK, fill, marked, marked_key, write};
use crate::cells::each;
use crate::client::Reply;
use crate::decode::{leak, undo};
use crate::encode::{Encoding, not_applicable, quote};
use crate::fields::{Expect, Group, Parts, Route};
use crate::requests::pieces;
use crate::tally::Outcome;
use crate::values::Kind;

/// All cells of a route's whole answers.
///
/// # Errors
/// When a field list is wrong or the gate gives no answer.
pub fn run(bench: &mut Bench, route: &Route) -> Result<()> {
    for group in &route.answer {
        for (at, expect) in group.places() {
            let body = marked(&group.body, at)?;
            model(bench, route, group, at, expect, &body)?;
            if matches!(expect, Expect::Text | Expect::Json | Expect::Kept) {
                own(bench, route, group, at, expect, &body)?;
            }
        }
        for at in &group.keys {
            model(bench, route, group, &format!("{at}/(key)"), Expect::Any, &marked_key(&group.body, at)?)?;
        }
        for parts in &group.parts {
            split(bench, route, parts, &marked(&group.body, &parts.at)?)?;
        }
        for one in &group.opaque {
            bench.leave_out(route, &one.reason);
        }
    }
    headers(bench, route)
}

fn model(bench: &mut Bench, route: &Route, group: &Group, at: &str, expect: Expect, marked: &str) -> Result<()> {
    let asked = asking(route, false, &route.own.replace("@@", "nobody"));
    let status = group.status.unwrap_or(200);
    each(bench, route, (at, expect, marked), |bench, cell| {
        let answer = Answer::json(cell.body.clone()).with_status(status);
        bench.answer(move |_| answer.clone());
        let reply = bench.ask(route, false, &asked)?;
        let edited = matches!(expect, Expect::Text | Expect::Kept) && cell.encoding != Encoding::Number;
        let outcome = judge(&reply, &cell.value, group.heard.as_deref().unwrap_or(at), edited, status);
        bench.count(route, "model, whole", at, &cell.name(), &outcome);
        Ok(())
    })
}

/// What came of a model's value.
fn judge(reply: &Reply, value: &str, at: &str, edited: bool, status: u16) -> Outcome {
    if let Some(part) = leak(&reply.raw(), value) {
        return Outcome::Leak(format!("the client reads `{part}`: {}", reply.text()));
    }
    let heard = said(reply, at);
    if edited && !(reply.status == status && heard.starts_with("so ") && heard.ends_with(", yes")) {
        return Outcome::Miss(format!("edited to `{heard}` with {}: {}", reply.status, reply.text()));
    }
    Outcome::Good
}

/// The caller's own values, as pseudonyms in the ways in which models write them.
fn own(bench: &mut Bench, route: &Route, group: &Group, at: &str, expect: Expect, marked: &str) -> Result<()> {
    let status = group.status.unwrap_or(200);
    for encoding in [Encoding::Plain, Encoding::Json, Encoding::Percent] {
        for kind in Kind::ALL.into_iter().filter(|kind| kind.comes_back()) {
            let Some(mut dice) = bench.turn() else { continue };
            let value = kind.make(&mut dice);
            let (marked, seed) = (marked.to_owned(), dice.clone());
            bench.answer(move |token| {
                let written = write(expect, encoding, token, &mut seed.clone());
                Answer::json(fill(&marked, encoding, expect, &written)).with_status(status)
            });
            let (reply, requests) = bench.send(route, false, &asking(route, false, &route.own.replace("@@", &value)))?;
            let heard = said(&reply, group.heard.as_deref().unwrap_or(at));
            let outcome = if requests.is_empty() || reply.status != status {
                Outcome::Miss(format!("answered with {}: {}", reply.status, reply.text()))
            } else {
                own_outcome(expect, encoding, &value, &heard)
            };
            bench.count(route, "caller's own in the answer, whole", at, &format!("{} {}", kind.name(), encoding.name()), &outcome);
        }
    }
    Ok(())
}

/// Whether the caller's own value came back as promised.
pub fn own_outcome(expect: Expect, encoding: Encoding, value: &str, heard: &str) -> Outcome {
    let good = match expect {
        Expect::Kept => !undo(heard).contains(value) && heard.starts_with("so ") && heard.ends_with(", yes"),
        Expect::Json => serde_json::from_str::<serde_json::Value>(heard)
            .is_ok_and(|json| json.get("to").is_some_and(|to| to == value) || undo(heard).contains(value)),
        _ if encoding == Encoding::Percent => undo(heard) == format!("so {value}, yes"),
        _ => heard == format!("so {value}, yes"),
    };
    if good { Outcome::Good } else { Outcome::Miss(format!("the caller wrote `{value}` and reads `{heard}`")) }
}

/// A value that is cut over neighbouring text parts.
fn split(bench: &mut Bench, route: &Route, parts: &Parts, marked: &str) -> Result<()> {
    let asked = asking(route, false, &route.own.replace("@@", "nobody"));
    for kind in Kind::ALL {
        let length = kind.make(&mut bartizan_testkit::stats::Dice::new(1)).len();
        for cut in route.ways(length) {
            let Some(mut dice) = bench.turn() else { continue };
            let value = kind.make(&mut dice);
            let element = |piece: &String| parts.part.replace("@@", &quote(piece));
            let array = format!("[{}]", pieces(&value, cut).iter().map(element).collect::<Vec<_>>().join(","));
            let body = marked.replace(&format!("\"{MARK}\""), &array);
            let answer = Answer::json(body.clone());
            bench.answer(move |_| answer.clone());
            let reply = bench.ask(route, false, &asked)?;
            let outcome = judge(&reply, &value, "", false, 200);
            bench.count(route, "model, whole", &format!("{}/(parts)", parts.at), &format!("{} split {body}", kind.name()), &outcome);
        }
    }
    Ok(())
}

/// Headers of an answer that pass.
fn headers(bench: &mut Bench, route: &Route) -> Result<()> {
    let asked = asking(route, false, &route.own.replace("@@", "nobody"));
    for name in &route.answer_headers {
        for encoding in [Encoding::Plain, Encoding::Percent, Encoding::Html, Encoding::Base64] {
            for kind in Kind::ALL {
                if let Some(reason) = not_applicable(encoding, kind, Expect::Any, false) {
                    bench.leave_out(route, reason);
                    continue;
                }
                let Some(mut dice) = bench.turn() else { continue };
                let value = kind.make(&mut dice);
                let written = encoding.write(&value, &mut dice);
                let answer = crate::bench::answer_saying(route, false, "hi").with_header(name, &written);
                bench.answer(move |_| answer.clone());
                let reply = bench.ask(route, false, &asked)?;
                let outcome = judge(&reply, &value, "", false, 200);
                bench.count(route, "model, headers", name, &format!("{} {} {written}", kind.name(), encoding.name()), &outcome);
            }
        }
    }
    Ok(())
}
