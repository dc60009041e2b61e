//! The REST interface of Microsoft Presidio's analyser and anonymiser, over our detectors. What it cannot do it refuses: nothing that a
//! caller asks for is passed over.

mod ad_hoc;
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

use self::ad_hoc::{AllowList, Hit, Recognisers};
use super::{ANSWER, Scanner, check_count, pay, threshold, written};
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
    allow_list: Option<Vec<String>>,
    allow_list_match: Option<String>,
    /// Of `allow_list_match`: `regex`.
    regex_flags: Option<u32>,
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

/// Any language: the rules hold for texts of all of them.
fn check_language(language: Option<&str>) -> Result<(), Problem> {
    let good =
        |code: &str| (2..=8).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_'));
    match language {
        Some(code) if !good(code) => Err(Problem::bad("`language` must be a code such as `en`")),
        _ => Ok(()),
    }
}

/// The labels of the entities that are asked for; none is all, and `None` is nothing of ours.
fn only(control: &dyn Control, wanted: &[String], ad_hoc: &Recognisers) -> Result<Option<Vec<String>>, Problem> {
    let all = entities::all(&control.detector(true)?);
    let mut only = BTreeSet::new();
    for name in wanted {
        match all.get(name) {
            Some(labels) => only.extend(labels.iter().cloned()),
            None if ad_hoc.know(name) => {}
            None => {
                let detail = format!("there is no entity `{name}` here; `GET /supportedentities` lists all");
                return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown_entity", detail));
            }
        }
    }
    Ok((wanted.is_empty() || !only.is_empty()).then(|| only.into_iter().collect()))
}

/// What a request asks for besides its texts.
struct Asked<'a> {
    /// The detectors, if anything of theirs is asked for.
    scanner: Scanner,
    ours: bool,
    ad_hoc: Recognisers,
    wanted: HashSet<&'a str>,
    context: Vec<String>,
    allowed: Option<AllowList>,
    least_bp: u16,
    explains: bool,
    /// Bytes of patterns that the answer still has room for.
    room: usize,
}

pub(crate) fn analyze(control: &dyn Control, input: &Input) -> Done {
    let mut body: Body = input.parse()?;
    check_language(body.language.as_deref())?;
    let given = body.ad_hoc_recognizers.take().unwrap_or_default();
    let ad_hoc = Recognisers::read(given, body.language.as_deref(), input.deadline)?;
    let allowed = AllowList::read(body.allow_list.take(), body.allow_list_match.as_deref(), body.regex_flags)?;
    let wanted = body.entities.as_deref().unwrap_or_default();
    let only = only(control, wanted, &ad_hoc)?;
    let (least, ours) = (threshold("score_threshold", body.score_threshold)?, only.is_some());
    let choice = Choice { min_score_bp: least, only: only.unwrap_or_default() };
    let mut asked = Asked {
        scanner: Scanner::new(control, input, true, choice)?,
        ours,
        ad_hoc,
        wanted: wanted.iter().map(String::as_str).collect(),
        context: ad_hoc::words("context", body.context.as_deref())?,
        allowed,
        least_bp: least.unwrap_or_default(),
        explains: body.return_decision_process == Some(true),
        room: ANSWER,
    };
    if let Some(id) = &body.correlation_id {
        tracing::debug!(correlation_id = id.chars().take(128).collect::<String>(), "texts are analysed");
    }
    match &body.text {
        Texts::One(text) => answer(StatusCode::OK, &asked.entities_of(text)?),
        Texts::Several(texts) => {
            check_count(texts.len())?;
            let all: Vec<_> = texts.iter().map(|text| asked.entities_of(text)).collect::<Result<_, _>>()?;
            answer(StatusCode::OK, &all)
        }
    }
}

/// Something that was found, by the detectors or by a recogniser of the caller's.
enum One<'a> {
    Ours(String, Finding),
    Theirs(Hit<'a>),
}

impl One<'_> {
    fn entity(&self) -> &str {
        match self {
            Self::Ours(entity, _) => entity,
            Self::Theirs(hit) => hit.entity(),
        }
    }

    fn place(&self) -> (usize, usize, u16) {
        match self {
            Self::Ours(_, finding) => (finding.start, finding.end, finding.score_bp),
            Self::Theirs(hit) => (hit.start, hit.end, hit.score_bp),
        }
    }
}

impl Asked<'_> {
    fn entities_of(&mut self, text: &str) -> Result<Vec<Recognised>, Problem> {
        let findings = if self.ours { self.scanner.scan_raised(text, &self.context)? } else { Vec::new() };
        let mut all: Vec<One<'_>> =
            findings.into_iter().map(|finding| One::Ours(entities::entity(finding.label.as_str()), finding)).collect();
        let bounds = (&mut self.scanner.room, self.scanner.deadline);
        let hits = self.ad_hoc.search(text, (&self.wanted, self.least_bp), &self.context, bounds)?;
        if !hits.is_empty() {
            all.extend(hits.into_iter().map(One::Theirs));
            let places: Vec<_> = all.iter().map(|one| (one.entity(), one.place().0, one.place().1, one.place().2)).collect();
            let mut stays = ad_hoc::without_contained(&places).into_iter();
            all.retain(|_| stays.next() == Some(true));
            all.sort_by_key(|one| (one.place().0, usize::MAX - one.place().1));
        }
        if let Some(allowed) = &self.allowed {
            let mut kept = Vec::with_capacity(all.len());
            for one in all {
                self.scanner.in_time()?;
                let (start, end, _) = one.place();
                if text.get(start..end).is_none_or(|value| !allowed.allows(value)) {
                    kept.push(one);
                }
            }
            all = kept;
        }
        if self.explains {
            let mut patterns = all.iter().filter_map(|one| if let One::Theirs(hit) = one { Some(hit.pattern_len()) } else { None });
            patterns.try_for_each(|bytes| pay(&mut self.room, bytes))?;
        }
        Ok(self.written(text, &all))
    }

    fn written(&self, text: &str, all: &[One<'_>]) -> Vec<Recognised> {
        // Offsets that go back are counted from the beginning again, so ends are counted by themselves.
        let (mut starts, mut ends) = (CodePoints::new(text), ends(text, all).into_iter());
        let one = |one: &One<'_>| {
            let (start, _, score_bp) = one.place();
            let (explanation, metadata) = match one {
                One::Ours(_, finding) => (explanation(&self.scanner, finding), metadata(finding)),
                One::Theirs(hit) => (hit.explanation(), hit.metadata()),
            };
            Recognised {
                entity_type: one.entity().to_owned(),
                start: starts.at(start),
                end: ends.next().unwrap_or_default(),
                score: written(score_bp),
                analysis_explanation: self.explains.then_some(explanation),
                recognition_metadata: metadata,
            }
        };
        all.iter().map(one).collect()
    }
}

/// Where findings end, in code points.
fn ends(text: &str, all: &[One<'_>]) -> Vec<usize> {
    let mut order: Vec<(usize, usize)> = all.iter().enumerate().map(|(at, one)| (one.place().1, at)).collect();
    order.sort_unstable();
    let (mut points, mut ends) = (CodePoints::new(text), vec![0; all.len()]);
    for (end, at) in order {
        if let Some(slot) = ends.get_mut(at) {
            *slot = points.at(end);
        }
    }
    ends
}

fn metadata(finding: &Finding) -> Value {
    json!({
        "recognizer_name": finding.rule.as_str(), "recognizer_identifier": format!("bartizan:{}", finding.label.as_str()),
    })
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
