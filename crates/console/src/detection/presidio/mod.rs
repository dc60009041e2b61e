//! The REST interface of Microsoft Presidio's analyser and anonymiser, over our detectors. What it cannot do it refuses: nothing that a
//! caller asks for is passed over.

mod anonymize;
mod entities;
mod operators;

use std::collections::{BTreeSet, HashSet};

pub(crate) use anonymize::{anonymize, deanonymize};
use bartizan_detect::{Choice, CodePoints};
use bartizan_vocabulary::Finding;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Scanner, check_count, threshold, written};
use crate::control::Control;
use crate::handlers::{Done, answer};
use crate::input::Input;
use crate::problem::Problem;

#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    text: Texts,
    language: Option<String>,
    entities: Option<Vec<String>>,
    score_threshold: Option<f64>,
    return_decision_process: Option<bool>,
    correlation_id: Option<String>,
    ad_hoc_recognizers: Option<Vec<Value>>,
    context: Option<Vec<String>>,
    allow_list: Option<HashSet<String>>,
    allow_list_match: Option<String>,
    /// Of `allow_list_match`: `regex`, which is refused.
    #[serde(rename = "regex_flags")]
    _regex_flags: Option<i64>,
}

#[derive(Serialize)]
struct Recognised {
    entity_type: String,
    start: usize,
    end: usize,
    score: f64,
    analysis_explanation: Option<Value>,
    recognition_metadata: Value,
}

/// What is asked for and not to be had.
fn refuse_what_is_not_built(body: &Body) -> Result<(), Problem> {
    let unsupported = |detail: &str| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unsupported", detail));
    if body.ad_hoc_recognizers.as_ref().is_some_and(|all| !all.is_empty()) {
        return unsupported("`ad_hoc_recognizers` are not supported: patterns of callers are not run; add a rule to the detectors instead");
    }
    if body.context.as_ref().is_some_and(|words| !words.is_empty()) {
        return unsupported("`context` is not supported: words that raise a score must stand in the text");
    }
    match body.allow_list_match.as_deref() {
        None | Some("exact") => Ok(()),
        Some("regex") => unsupported("`allow_list_match`: `regex` is not supported; list the values, which are compared exactly"),
        Some(_) => Err(Problem::bad("`allow_list_match` must be `exact`")),
    }
}

/// Any language: the rules hold for texts of all of them.
fn check_language(language: Option<&str>) -> Result<(), Problem> {
    let good =
        |code: &str| (2..=8).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_'));
    match language {
        Some(code) if !good(code) => Err(Problem::bad("`language` must be a code such as `en`")),
        _ => Ok(()),
    }
}

/// The labels of the entities that are asked for; none is all.
fn only(control: &dyn Control, wanted: &[String]) -> Result<Vec<String>, Problem> {
    let all = entities::all(&control.detector(true)?);
    let mut only = BTreeSet::new();
    for name in wanted {
        let labels = all.get(name).ok_or_else(|| {
            let detail = format!("there is no entity `{name}` here; `GET /supportedentities` lists all");
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown_entity", detail)
        })?;
        only.extend(labels.iter().cloned());
    }
    Ok(only.into_iter().collect())
}

pub(crate) fn analyze(control: &dyn Control, input: &Input) -> Done {
    let body: Body = input.parse()?;
    refuse_what_is_not_built(&body)?;
    check_language(body.language.as_deref())?;
    let only = only(control, body.entities.as_deref().unwrap_or_default())?;
    let choice = Choice { min_score_bp: threshold("score_threshold", body.score_threshold)?, only };
    let mut scanner = Scanner::new(control, input, true, choice)?;
    if let Some(id) = &body.correlation_id {
        tracing::debug!(correlation_id = id.chars().take(128).collect::<String>(), "texts are analysed");
    }
    match &body.text {
        Texts::One(text) => answer(StatusCode::OK, &entities_of(text, &mut scanner, &body)?),
        Texts::Several(texts) => {
            check_count(texts.len())?;
            let all: Vec<_> = texts.iter().map(|text| entities_of(text, &mut scanner, &body)).collect::<Result<_, _>>()?;
            answer(StatusCode::OK, &all)
        }
    }
}

fn entities_of(text: &str, scanner: &mut Scanner, body: &Body) -> Result<Vec<Recognised>, Problem> {
    let mut findings = scanner.scan(text)?;
    if let Some(allowed) = &body.allow_list {
        findings.retain(|finding| text.get(finding.start..finding.end).is_none_or(|value| !allowed.contains(value)));
    }
    let (mut points, explains) = (CodePoints::new(text), body.return_decision_process == Some(true));
    let one = |finding: &Finding| Recognised {
        entity_type: entities::entity(finding.label.as_str()),
        start: points.at(finding.start),
        end: points.at(finding.end),
        score: written(finding.score_bp),
        analysis_explanation: explains.then(|| explanation(scanner, finding)),
        recognition_metadata: json!({
            "recognizer_name": finding.rule.as_str(), "recognizer_identifier": format!("bartizan:{}", finding.label.as_str()),
        }),
    };
    Ok(findings.iter().map(one).collect())
}

/// What is known of how a finding came about. Patterns are not told: they are automata.
fn explanation(scanner: &Scanner, finding: &Finding) -> Value {
    let description = scanner.detector.label(&finding.label).map(|info| info.description);
    let score = written(finding.score_bp);
    json!({
        "recognizer": finding.rule.as_str(), "pattern_name": null, "pattern": null, "original_score": score, "score": score,
        "textual_explanation": description, "score_context_improvement": 0, "supportive_context_word": "", "validation_result": null,
    })
}

/// The one parameter that these take.
fn check_query(input: &Input) -> Result<(), Problem> {
    let mut pairs = input.query.split('&').filter(|pair| !pair.is_empty());
    pairs.try_for_each(|pair| match pair.split_once('=') {
        Some(("language", code)) => check_language(Some(code)),
        _ => Err(Problem::bad("the only parameter is `language`")),
    })
}

pub(crate) fn supported_entities(control: &dyn Control, input: &Input) -> Done {
    check_query(input)?;
    let all: Vec<String> = entities::all(&control.detector(true)?).into_keys().collect();
    answer(StatusCode::OK, &all)
}

pub(crate) fn recognizers(control: &dyn Control, input: &Input) -> Done {
    check_query(input)?;
    let mut all: Vec<String> = Vec::new();
    for info in control.detector(true)?.labels() {
        // The recogniser of names has no rules; its findings bear the label as their rule.
        let own = if info.rules.is_empty() { vec![info.label.as_str().to_owned()] } else { Vec::new() };
        all.extend(info.rules.iter().map(|rule| rule.as_str().to_owned()).chain(own));
    }
    all.sort();
    all.dedup();
    answer(StatusCode::OK, &all)
}

pub(crate) fn anonymizers(_: &dyn Control, _: &Input) -> Done {
    answer(StatusCode::OK, &operators::ANONYMIZERS)
}

pub(crate) fn deanonymizers(_: &dyn Control, _: &Input) -> Done {
    answer(StatusCode::OK, &operators::DEANONYMIZERS)
}

pub(crate) fn health(_: &dyn Control, _: &Input) -> Done {
    answer(StatusCode::OK, &json!({ "alive": true }))
}
