//! `POST /api/v1/detect` and `/api/v1/redact`: one text or several, answered in the form of the command line's `--jsonl`.

use std::collections::{BTreeMap, BTreeSet};

use bartizan_detect::{Choice, LabelInfo, Operator, OperatorKeys, Operators, SealKey, is_under, operate};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Found, Scanner, check_count, found, key, random, threshold};
use crate::control::Control;
use crate::handlers::{Done, answer};
use crate::input::Input;
use crate::problem::Problem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    text: Option<String>,
    texts: Option<Vec<String>>,
    #[serde(default)]
    id: Value,
    min_score: Option<f64>,
    #[serde(default)]
    labels: Vec<String>,
    offsets: Option<Offsets>,
    #[serde(default)]
    names: bool,
    operator: Option<String>,
    #[serde(default)]
    operators: BTreeMap<String, String>,
    key: Option<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Offsets {
    Chars,
    Bytes,
}

#[derive(Serialize)]
struct Line {
    id: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    findings: Vec<Found>,
}

/// Texts with their ids, and whether there is one answer or a list.
fn texts(body: &mut Body) -> Result<(Vec<(Value, String)>, bool), Problem> {
    match (body.text.take(), body.texts.take()) {
        (Some(text), None) => Ok((vec![(body.id.take(), text)], false)),
        (None, Some(texts)) if body.id.is_null() => {
            check_count(texts.len())?;
            Ok((texts.into_iter().enumerate().map(|(at, text)| (json!(at), text)).collect(), true))
        }
        (None, Some(_)) => Err(Problem::bad("`id` goes with `text`; what comes of `texts` is numbered")),
        _ => Err(Problem::bad("send either `text`, a string, or `texts`, an array of strings")),
    }
}

fn scanner(control: &dyn Control, input: &Input, body: &Body) -> Result<Scanner, Problem> {
    let only: BTreeSet<String> = body.labels.iter().cloned().collect();
    let choice = Choice { min_score_bp: threshold("min_score", body.min_score)?, only: only.into_iter().collect() };
    let scanner = Scanner::new(control, input, body.names, choice)?;
    let labels = scanner.detector.labels();
    scanner.choice.only.iter().chain(body.operators.keys()).try_for_each(|label| check_label(&labels, label))?;
    Ok(scanner)
}

fn check_label(labels: &[LabelInfo], wanted: &str) -> Result<(), Problem> {
    if labels.iter().any(|info| is_under(info.label.as_str(), wanted)) {
        return Ok(());
    }
    let hint = "`bartizan detect --labels` lists them, and names of persons and places need `\"names\": true`";
    Err(Problem::bad(format!("there is no label `{wanted}`; {hint}")))
}

fn send(lines: &[Line], several: bool) -> Done {
    match (several, lines.first()) {
        (false, Some(line)) => answer(StatusCode::OK, line),
        _ => answer(StatusCode::OK, &json!({ "results": lines })),
    }
}

pub(crate) fn detect(control: &dyn Control, input: &Input) -> Done {
    let mut body: Body = input.parse()?;
    if body.operator.is_some() || !body.operators.is_empty() || body.key.is_some() {
        return Err(Problem::bad("`operator`, `operators` and `key` go to `/api/v1/redact`"));
    }
    let mut scanner = scanner(control, input, &body)?;
    let (texts, several) = texts(&mut body)?;
    let in_bytes = body.offsets == Some(Offsets::Bytes);
    let line = |(id, text): (Value, String)| Ok(Line { id, text: None, findings: found(&text, &scanner.scan(&text)?, in_bytes) });
    send(&texts.into_iter().map(line).collect::<Result<Vec<_>, Problem>>()?, several)
}

pub(crate) fn redact(control: &dyn Control, input: &Input) -> Done {
    let mut body: Body = input.parse()?;
    let mut scanner = scanner(control, input, &body)?;
    let operators = operators(&body)?;
    let (texts, several) = texts(&mut body)?;
    let seal = seal_key(&operators, body.key.take())?;
    let (words, in_bytes) = (key(control)?, body.offsets == Some(Offsets::Bytes));
    let line = |(id, text): (Value, String)| {
        let findings = scanner.scan(&text)?;
        // Only an invented value can be taken for a token that stands in the text.
        let tokens = if operators.has(Operator::Surrogate) { scanner.tokens(&text) } else { Vec::new() };
        let mut keys = OperatorKeys { words: &words, seal: seal.as_ref(), random: &mut random };
        let clean = operate(&text, (&findings, &tokens), &operators, &mut keys);
        Ok(Line { id, text: Some(clean), findings: found(&text, &findings, in_bytes) })
    };
    send(&texts.into_iter().map(line).collect::<Result<Vec<_>, Problem>>()?, several)
}

fn operators(body: &Body) -> Result<Operators, Problem> {
    let read = |word: &str| word.parse::<Operator>().map_err(|error| Problem::bad(error.to_string()));
    let mut operators = Operators::new(body.operator.as_deref().map_or(Ok(Operator::Redact), read)?);
    for (label, word) in &body.operators {
        operators.name(label, read(word)?);
    }
    Ok(operators)
}

fn seal_key(operators: &Operators, secret: Option<String>) -> Result<Option<SealKey>, Problem> {
    match (operators.has(Operator::Encrypt), secret) {
        (false, None) => Ok(None),
        (false, Some(_)) => Err(Problem::bad("`key` goes with the operator `encrypt`")),
        (true, secret) => {
            let key = secret.and_then(|secret| SealKey::new(secret.as_bytes()));
            key.map(Some).ok_or_else(|| Problem::bad("the operator `encrypt` needs a `key` of 16 bytes or more; 32 random ones are best"))
        }
    }
}
