//! `/anonymize` and `/deanonymize`: replaces what an analyser found, ours or another one.
//!
//! Where results overlap: those of one type become one; one that lies within another is dropped; of two with the same place the one with
//! the higher score stays; of two types that overlap in part, the earlier one is cut where the later begins. Neighbours of one type
//! with nothing but spaces between them become one.

use std::collections::BTreeMap;

use bartizan_detect::CodePoints;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::operators::{Config, Operator};
use crate::control::Control;
use crate::detection::{ANSWER, FINDINGS, key, pay};
use crate::handlers::{Done, answer};
use crate::input::Input;
use crate::problem::Problem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    text: String,
    #[serde(default)]
    anonymizers: Option<BTreeMap<String, Config>>,
    analyzer_results: Vec<Given>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Back {
    text: String,
    #[serde(default)]
    deanonymizers: Option<BTreeMap<String, Config>>,
    anonymizer_results: Vec<Given>,
}

/// A result, with whatever else an analyser tells of it.
#[derive(Clone, Deserialize)]
struct Given {
    entity_type: String,
    start: usize,
    end: usize,
    #[serde(default)]
    score: Option<f64>,
}

/// A stretch of the text and what it is, in code points.
#[derive(Clone, Debug, PartialEq)]
struct Piece {
    entity: String,
    start: usize,
    end: usize,
    score: f64,
}

#[derive(Serialize)]
struct Item {
    start: usize,
    end: usize,
    entity_type: String,
    text: String,
    operator: &'static str,
}

#[derive(Serialize)]
struct Anonymized {
    text: String,
    items: Vec<Item>,
}

pub(crate) fn anonymize(control: &dyn Control, input: &Input) -> Done {
    let body: Body = input.parse()?;
    let operators = read(body.anonymizers, Operator::Replace(None), false)?;
    let made = carry_out(&body.text, body.analyzer_results, &operators, &key(control)?)?;
    answer(StatusCode::OK, &made)
}

pub(crate) fn deanonymize(control: &dyn Control, input: &Input) -> Done {
    let body: Back = input.parse()?;
    let operators = read(body.deanonymizers, Operator::KeepBack, true)?;
    let made = carry_out(&body.text, body.anonymizer_results, &operators, &key(control)?)?;
    answer(StatusCode::OK, &made)
}

/// The name that stands for all that are not named.
const REST: &str = "DEFAULT";

fn read(given: Option<BTreeMap<String, Config>>, rest: Operator, back: bool) -> Result<BTreeMap<String, Operator>, Problem> {
    let mut operators = BTreeMap::from([(REST.to_owned(), rest)]);
    for (entity, config) in given.unwrap_or_default() {
        let operator = Operator::try_from(config)?;
        if operator.turns_back() != back {
            let path = if back { "/anonymize" } else { "/deanonymize" };
            return Err(Problem::bad(format!("`{}` goes to `{path}`", operator.name())));
        }
        operators.insert(entity, operator);
    }
    Ok(operators)
}

fn carry_out(text: &str, given: Vec<Given>, operators: &BTreeMap<String, Operator>, key: &[u8; 32]) -> Result<Anonymized, Problem> {
    let pieces = settled(text, checked(text, given)?);
    let (mut out, mut items, mut points) = (String::with_capacity(text.len()), Vec::new(), CodePoints::new(text));
    let (mut at, mut length, mut before, mut room) = (0, 0, 0, ANSWER);
    for piece in pieces {
        let (Some(start), Some(end)) = (points.byte(piece.start), points.byte(piece.end)) else { continue };
        let operator = operators.get(&piece.entity).or_else(|| operators.get(REST));
        let Some(operator) = operator else { continue };
        let with = operator.operate(&piece.entity, text.get(start..end).unwrap_or_default(), key)?;
        pay(&mut room, with.len())?;
        out.push_str(text.get(at..start).unwrap_or_default());
        out.push_str(&with);
        let from = length + (piece.start - before);
        (at, before, length) = (end, piece.end, from + with.chars().count());
        items.push(Item { start: from, end: length, entity_type: piece.entity, text: with, operator: operator.name() });
    }
    out.push_str(text.get(at..).unwrap_or_default());
    // Last first, as Presidio has them.
    items.reverse();
    Ok(Anonymized { text: out, items })
}

/// Results that lie in the text.
fn checked(text: &str, given: Vec<Given>) -> Result<Vec<Piece>, Problem> {
    if given.len() > FINDINGS {
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many_findings", format!("send at most {FINDINGS} results")));
    }
    let length = text.chars().count();
    let one = |result: Given| {
        // What was removed left an empty place.
        if result.start > result.end || result.end > length {
            let detail = format!("a result from {} to {} does not lie in a text of {length} characters", result.start, result.end);
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_result", detail));
        }
        Ok(Piece { entity: result.entity_type, start: result.start, end: result.end, score: result.score.unwrap_or_default() })
    };
    given.into_iter().map(one).collect()
}

/// Sorted results that do not overlap.
fn settled(text: &str, given: Vec<Piece>) -> Vec<Piece> {
    let mut pieces = without_contained(united(given));
    for at in 1..pieces.len() {
        let Some([earlier, later]) = pieces.get_mut(at - 1..=at) else { continue };
        earlier.end = earlier.end.min(later.start);
    }
    pieces.retain(|piece| piece.start < piece.end);
    joined(text, pieces)
}

/// Those of one type that overlap as one; such as only touch stay two.
fn united(mut given: Vec<Piece>) -> Vec<Piece> {
    given.sort_by(|one, other| (&one.entity, one.start, one.end).cmp(&(&other.entity, other.start, other.end)));
    given.dedup_by(|next, kept| {
        let same = next.entity == kept.entity && next.start < kept.end;
        if same {
            kept.end = kept.end.max(next.end);
            kept.score = kept.score.max(next.score);
        }
        same
    });
    given
}

/// Without those that lie within another; of equal ones the one with the higher score.
fn without_contained(mut given: Vec<Piece>) -> Vec<Piece> {
    given.sort_by(|one, other| (one.start, other.end).cmp(&(other.start, one.end)).then(other.score.total_cmp(&one.score)));
    let mut reached = 0;
    given.retain(|piece| {
        let stays = piece.end > reached;
        reached = reached.max(piece.end);
        stays
    });
    given
}

/// Neighbours of one type with nothing but spaces between them as one.
fn joined(text: &str, pieces: Vec<Piece>) -> Vec<Piece> {
    let mut points = CodePoints::new(text);
    let mut out: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match out.last_mut() {
            Some(last) if last.entity == piece.entity && is_spaces(text, points.byte(last.end), points.byte(piece.start)) => {
                last.end = piece.end;
            }
            _ => out.push(piece),
        }
    }
    out
}

fn is_spaces(text: &str, from: Option<usize>, to: Option<usize>) -> bool {
    let between = from.zip(to).and_then(|(from, to)| text.get(from..to));
    between.is_some_and(|between| !between.is_empty() && between.bytes().all(|byte| byte == b' '))
}
