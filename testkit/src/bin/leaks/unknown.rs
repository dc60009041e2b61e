//! Members that no format knows, put anywhere: in requests, answers and events.

use anyhow::Result;
use bartizan_testkit::Answer;
use bartizan_testkit::stats::Dice;
use serde_json::{Value, json};

use crate::bench::{Bench, asking, leaked_upstream, streamed};
use crate::body::{MARK, bytes_of, fill, payloads, write};
use crate::decode::leak;
use crate::encode::{Encoding, quote};
use crate::fields::{Expect, Group, Route};
use crate::tally::Outcome;
use crate::values::{Kind, from, pick};

/// So many of each.
const TIMES: usize = 240;
const SMALL: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

/// All cells of a route.
///
/// # Errors
/// When a field list is wrong or the gate gives no answer.
pub fn run(bench: &mut Bench, route: &Route) -> Result<()> {
    for _ in 0..TIMES {
        if let Some(dice) = bench.turn().filter(|_| !route.request.is_empty()) {
            request(bench, route, dice)?;
        }
        if let Some(dice) = bench.turn().filter(|_| !route.answer.is_empty() && !route.verdict) {
            answer(bench, route, dice)?;
        }
        if let Some(dice) = bench.turn().filter(|_| route.stream.is_some()) {
            event(bench, route, dice)?;
        }
    }
    Ok(())
}

/// A body with a new member in one of its objects, and in it a value.
fn injected(body: &str, dice: &mut Dice) -> Result<(String, String, String)> {
    let mut value: Value = serde_json::from_str(&body.replace("@@", "so"))?;
    let objects = count(&value);
    let mut at = dice.below(objects);
    let name = from(dice, SMALL, 7);
    let kind = pick(dice, &Kind::ALL).copied().unwrap_or(Kind::Email);
    let made = kind.make(dice);
    let (mut encoding, mut expect) = (pick(dice, &Encoding::TEXTS).copied().unwrap_or(Encoding::Plain), Expect::Any);
    let member = match dice.below(7) {
        0 => json!([1, {"er": MARK}]),
        1 => json!({"deep": [[MARK]]}),
        2 => json!({MARK: true}),
        3 => {
            expect = Expect::Json;
            json!(MARK)
        }
        4 if kind == Kind::Card => {
            encoding = Encoding::Number;
            json!([MARK])
        }
        5 => {
            expect = Expect::Text;
            json!(MARK)
        }
        _ => json!(MARK),
    };
    put(&mut value, &mut at, &name, member);
    let written = write(expect, encoding, &made, dice);
    let name = format!("{} {}", kind.name(), encoding.name());
    Ok((fill(&value.to_string(), encoding, expect, &written), name, made))
}

/// How many objects there are.
fn count(value: &Value) -> u64 {
    match value {
        Value::Object(members) => 1 + members.values().map(count).sum::<u64>(),
        Value::Array(list) => list.iter().map(count).sum(),
        _ => 0,
    }
}

/// Puts a member into the object that is `at` objects further on.
fn put(value: &mut Value, at: &mut u64, name: &str, member: Value) -> bool {
    match value {
        Value::Object(members) => {
            if *at == 0 {
                members.insert(name.to_owned(), member);
                return true;
            }
            *at -= 1;
            members.values_mut().any(|one| put(one, at, name, member.clone()))
        }
        Value::Array(list) => list.iter_mut().any(|one| put(one, at, name, member.clone())),
        _ => false,
    }
}

fn request(bench: &mut Bench, route: &Route, mut dice: Dice) -> Result<()> {
    let stream = route.stream.is_some() && dice.below(2) == 0;
    let mut groups: Vec<&Group> = route.request.iter().collect();
    groups.extend(route.answer.iter().filter(|_| route.verdict));
    let Some(group) = pick(&mut dice, &groups) else { return Ok(()) };
    let (body, what, value) = injected(&asking(route, stream, &group.body), &mut dice)?;
    bench.echo(route, stream);
    let (reply, requests) = bench.send(route, stream, &body)?;
    let read = if route.verdict { leak(&reply.raw(), &value) } else { None };
    let outcome = match leaked_upstream(&requests, &value) {
        Some(part) => Outcome::Leak(format!("the provider reads `{part}`")),
        None => read.map_or(Outcome::Good, |part| Outcome::Leak(format!("the verdict says `{part}`"))),
    };
    bench.count(route, "unknown members", "(request)", &format!("{what} {body}"), &outcome);
    Ok(())
}

fn answer(bench: &mut Bench, route: &Route, mut dice: Dice) -> Result<()> {
    let Some(group) = pick(&mut dice, &route.answer) else { return Ok(()) };
    let (body, what, value) = injected(&group.body, &mut dice)?;
    let answer = Answer::json(body.clone()).with_status(group.status.unwrap_or(200));
    bench.answer(move |_| answer.clone());
    let reply = bench.ask(route, false, &asking(route, false, &route.own.replace("@@", "nobody")))?;
    let outcome = leak(&reply.raw(), &value).map_or(Outcome::Good, |part| Outcome::Leak(format!("the client reads `{part}`")));
    bench.count(route, "unknown members", "(answer)", &format!("{what} {body}"), &outcome);
    Ok(())
}

fn event(bench: &mut Bench, route: &Route, mut dice: Dice) -> Result<()> {
    let Some(stream) = &route.stream else { return Ok(()) };
    let Some(text) = pick(&mut dice, &stream.text) else { return Ok(()) };
    let mut events = payloads(stream, text, &[quote("so"), quote(" it is")], &quote("so it is"));
    let at = usize::try_from(dice.below(events.len() as u64))?;
    let Some(event) = events.get_mut(at) else { return Ok(()) };
    let (body, what, value) = injected(event, &mut dice)?;
    event.clone_from(&body);
    let answer = streamed(stream, &bytes_of(stream, &events), &[]);
    bench.answer(move |_| answer.clone());
    let reply = bench.ask(route, true, &asking(route, true, &route.own.replace("@@", "nobody")))?;
    let outcome = leak(&reply.raw(), &value).map_or(Outcome::Good, |part| Outcome::Leak(format!("the client reads `{part}`")));
    bench.count(route, "unknown members", "(event)", &format!("{what} {body}"), &outcome);
    Ok(())
}
