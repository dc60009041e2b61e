//! Cells of routes that give a verdict and ask no provider: the verdict holds what may go on, and must not hold the value.

use anyhow::Result;
use bartizan_testkit::Recorded;
use bartizan_testkit::stats::Dice;
use serde_json::Value;

use crate::answers::own_outcome;
use crate::bench::{Bench, said};
use crate::body::{MARK, fill, marked, marked_key, tokens, write};
use crate::cells::each;
use crate::client::Reply;
use crate::decode::{leak, undo};
use crate::encode::{Encoding, quote};
use crate::fields::{Expect, Parts, Route};
use crate::requests::pieces;
use crate::tally::Outcome;
use crate::values::Kind;

/// All cells of such a route.
///
/// # Errors
/// When a field list is wrong or the gate gives no answer.
pub fn run(bench: &mut Bench, route: &Route) -> Result<()> {
    let groups = route.request.iter().map(|group| ("caller, whole", group));
    for (what, group) in groups.chain(route.answer.iter().map(|group| ("model, whole", group))) {
        let body = group.body.replace("##", "nobody");
        for (at, expect) in group.places() {
            field(bench, route, what, at, expect, &marked(&body, at)?)?;
        }
        for at in &group.keys {
            field(bench, route, what, &format!("{at}/(key)"), Expect::Any, &marked_key(&body, at)?)?;
        }
        for parts in &group.parts {
            split(bench, route, what, parts, &marked(&body, &parts.at)?)?;
        }
    }
    for group in &route.answer {
        for (at, expect) in group.places().filter(|(_, expect)| matches!(expect, Expect::Text | Expect::Json)) {
            own(bench, route, at, expect, &marked(&group.body, at)?)?;
        }
    }
    outside(bench, route)
}

fn field(bench: &mut Bench, route: &Route, what: &'static str, at: &str, expect: Expect, marked: &str) -> Result<()> {
    each(bench, route, (at, expect, marked), |bench, cell| {
        let expect = if cell.encoding == Encoding::Number { Expect::Any } else { expect };
        let (reply, requests) = bench.send(route, false, &cell.body)?;
        let outcome = judge(&reply, &requests, &cell.value, at, expect);
        bench.count(route, what, at, &cell.name(), &outcome);
        Ok(())
    })?;
    bench.leave_out(route, "one-string");
    Ok(())
}

/// What came of a value that somebody asked about.
fn judge(reply: &Reply, requests: &[Recorded], value: &str, at: &str, expect: Expect) -> Outcome {
    if !requests.is_empty() {
        return Outcome::Leak("a provider was asked".to_owned());
    }
    if let Some(part) = leak(&reply.raw(), value) {
        return Outcome::Leak(format!("the verdict says `{part}`: {}", reply.text()));
    }
    let verdict: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let decision = verdict.get("decision").and_then(Value::as_str).unwrap_or_default();
    let heard = said(reply, at);
    let refused = (400..500).contains(&reply.status);
    let good = match expect {
        Expect::Text | Expect::Kept => decision == "remedied" && heard.starts_with("so ") && heard.ends_with(", yes"),
        Expect::Json => decision == "remedied",
        Expect::Identifier => decision == "blocked" || refused,
        Expect::Any | Expect::Id | Expect::Left => reply.status == 200 || refused,
    };
    if good { Outcome::Good } else { Outcome::Miss(format!("answered with {}: {}", reply.status, reply.text())) }
}

/// A value that is cut at every place over neighbouring text parts.
fn split(bench: &mut Bench, route: &Route, what: &'static str, parts: &Parts, marked: &str) -> Result<()> {
    for kind in Kind::ALL {
        for cut in route.ways(kind.make(&mut Dice::new(1)).len()) {
            let Some(mut dice) = bench.turn() else { continue };
            let value = kind.make(&mut dice);
            let element = |piece: &String| parts.part.replace("@@", &quote(piece));
            let array = format!("[{}]", pieces(&value, cut).iter().map(element).collect::<Vec<_>>().join(","));
            let body = marked.replace(&format!("\"{MARK}\""), &array);
            let (reply, requests) = bench.send(route, false, &body)?;
            let outcome = judge(&reply, &requests, &value, "", Expect::Json);
            bench.count(route, what, &format!("{}/(parts)", parts.at), &format!("{} split {body}", kind.name()), &outcome);
        }
    }
    Ok(())
}

/// The caller's own values in a model's text, as pseudonyms of the verdict before.
fn own(bench: &mut Bench, route: &Route, at: &str, expect: Expect, marked: &str) -> Result<()> {
    for encoding in [Encoding::Plain, Encoding::Json, Encoding::Percent] {
        for kind in Kind::ALL.into_iter().filter(|kind| kind.comes_back()) {
            let Some(mut dice) = bench.turn() else { continue };
            let value = kind.make(&mut dice);
            let (before, _) = bench.send(route, false, &route.own.replace("@@", &value))?;
            let token = tokens(&undo(&before.text())).into_iter().next().unwrap_or_default();
            let written = write(expect, encoding, &token, &mut dice);
            let body = fill(&marked.replace("##", &value), encoding, expect, &written);
            let (reply, _) = bench.send(route, false, &body)?;
            let outcome = own_outcome(expect, encoding, &value, &said(&reply, at));
            bench.count(route, "caller's own in the answer, whole", at, &format!("{} {} {body}", kind.name(), encoding.name()), &outcome);
        }
    }
    Ok(())
}

/// Headers and the query string.
fn outside(bench: &mut Bench, route: &Route) -> Result<()> {
    let body = route.own.replace("@@", "nobody");
    for name in &route.outside {
        for kind in Kind::ALL {
            let Some(mut dice) = bench.turn() else { continue };
            let value = kind.make(&mut dice);
            let (query, headers) = match name.strip_prefix('?') {
                Some(member) => (format!("?{member}={value}"), vec![]),
                None => (String::new(), vec![(name.clone(), value.clone())]),
            };
            let (reply, requests) = bench.send_with(route, false, &body, &headers, &query, None)?;
            let outcome = judge(&reply, &requests, &value, "", Expect::Any);
            bench.count(route, "caller, headers and query", name, kind.name(), &outcome);
        }
    }
    Ok(())
}
