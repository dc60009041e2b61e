//! What `policy explain` is asked about: facts as an event keeps them, or a request from which they are made as the gate makes them.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use bartizan_detect::{Detector, Hint};
use bartizan_policy::{Action, Facts, Resource};
use bartizan_vocabulary::{GroupName, Label, ModelName, Principal, PrincipalId, PrincipalKind, ProviderName, Role, TextClass};
use bartizan_wire::json::{JsonLimits, Tape};
use bartizan_wire::{Family, Form, Found, Part, Reading, Route, Side, ask, control, read, read_ask};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::clock;

/// The file, in either form. What else stands in it is passed over: a whole event may be given.
#[derive(Deserialize)]
struct Input<'a> {
    facts: Option<Facts>,
    route: Option<String>,
    principal: Option<String>,
    #[serde(default)]
    groups: Vec<GroupName>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    /// The provider that the model leads to; `main` when it is not said.
    provider: Option<ProviderName>,
    /// Of an event: the policies that it was decided with.
    policy_version: Option<String>,
    /// `response`: the body is an answer of the model.
    direction: Option<bartizan_vocabulary::Direction>,
}

/// What is to be judged.
pub struct Question {
    /// The facts.
    pub facts: Facts,
    /// Labels that were found where nothing can be replaced.
    pub fixed: HashSet<Label>,
    /// The policies that an event was decided with.
    pub policy_version: Option<String>,
}

/// Reads the file.
///
/// # Errors
/// What is missing, or what the gate would answer to such a body.
pub fn question(bytes: &[u8], detector: &Detector) -> Result<Question> {
    let input: Input<'_> =
        serde_json::from_slice(bytes).context("expected `{\"route\",\"principal\",\"groups\",\"body\"}` or `{\"facts\":{…}}`")?;
    if let Some(facts) = input.facts {
        return Ok(Question { facts, fixed: HashSet::new(), policy_version: input.policy_version });
    }
    let body = input.body.context("the field `body` is missing: give the request's body as JSON, or `facts`")?;
    from_body(&input, body.get().as_bytes(), detector)
}

fn from_body(input: &Input<'_>, body: &[u8], detector: &Detector) -> Result<Question> {
    let (route, in_path) = route(input.route.as_deref())?;
    let refused = || "the gate would answer 400";
    let tape = Tape::read(body, &JsonLimits::default()).with_context(refused)?;
    // A body that asks for a verdict says itself which way its texts go.
    let asks = route.decides().then(|| ask(&tape, body, route)).transpose().with_context(refused)?;
    let told = input.direction == Some(bartizan_vocabulary::Direction::Response);
    let answer = asks.as_ref().map_or(told, |ask| ask.side == Side::Answer);
    let (side, action) = if answer { (Side::Answer, Action::Complete) } else { (Side::Request, Action::Prompt) };
    let control = match &asks {
        Some(ask) => Some(ask.control.clone()),
        None if answer => None,
        None => Some(control(&tape, body, route).with_context(refused)?),
    };
    let by_path = in_path.is_some() || route.default_model().is_some() || route.family() == Family::Gemini;
    let needless = by_path || asks.is_some();
    ensure!(needless || control.as_ref().is_none_or(|control| control.model.is_some()), "the field `model` is missing");
    let node = || control.as_ref().map_or_else(|| tape.member(body, 0, "model"), |control| control.model);
    let in_body = || node().map(|node| tape.text(body, node).into_owned());
    let model = in_path.map(str::to_owned).or_else(in_body).map(ModelName::new);
    let provider = input.provider.clone().unwrap_or_else(|| ProviderName::from("main"));
    let resource = Resource { model, provider: Some(provider), route: Arc::from(route.name()), ..Resource::default() };
    let principal = principal(input.principal.as_deref(), &input.groups)?;
    let mut facts = Facts::new(Arc::new(principal), action, resource, clock::now());
    let reading = asks.as_ref().map_or_else(|| read(&tape, body, side), |ask| read_ask(&tape, body, ask).0);
    facts.context.stream = control.is_some_and(|control| control.stream);
    facts.context.body_bytes = body.len() as u64;
    if !answer {
        facts.context.token_estimate = body.len() as u64 / 4;
        facts.context.tools = tool_names(&tape, body, &reading);
    }
    let role = if answer { Role::Assistant } else { Role::User };
    reading.unread.iter().for_each(|unread| facts.add_uninspected(role, unread.kind));
    let fixed = inspect(&tape, body, &reading, (detector, &mut facts));
    Ok(Question { facts, fixed, policy_version: None })
}

/// A route as `POST /v1/messages` or by its path alone, with the model that its path names. Events name it with `{model}` instead.
fn route(name: Option<&str>) -> Result<(Route, Option<&str>)> {
    let name = name.unwrap_or(Route::ChatCompletions.name());
    let path = name.split_once(' ').map_or(name, |(_, path)| path);
    if let Some(route) = Route::ALL.iter().find(|route| route.method() == "POST" && route.path() == path) {
        return Ok((*route, None));
    }
    match Route::find("POST", path) {
        Found::Route(call) => Ok((call.route, call.model)),
        Found::WrongMethod(_) | Found::Refused(_) | Found::Unknown => {
            let spoken: Vec<&str> = Route::ALL.iter().filter(|route| route.method() == "POST").map(|route| route.name()).collect();
            bail!("the route `{name}` has no body that is judged; give one of {}", spoken.join(", "))
        }
    }
}

fn principal(name: Option<&str>, groups: &[GroupName]) -> Result<Principal> {
    let id = name.unwrap_or("anonymous");
    let kind = match id.split_once(':') {
        Some(("user", _)) => PrincipalKind::User,
        Some(("service", _)) => PrincipalKind::Service,
        None if id == "anonymous" => PrincipalKind::Anonymous,
        _ => bail!("`{id}` is not a principal; write `user:NAME`, `service:NAME` or `anonymous`"),
    };
    ensure!(!id.ends_with(':'), "`{id}` has no name behind the colon");
    let groups: BTreeSet<GroupName> = groups.iter().cloned().collect();
    Ok(Principal { id: PrincipalId::new(id), kind, key: None, groups: groups.into_iter().collect(), models: None })
}

/// Inspects the texts of a body; labels that were found in parts that cannot be edited come back.
fn inspect(tape: &Tape, body: &[u8], reading: &Reading, (detector, facts): (&Detector, &mut Facts)) -> HashSet<Label> {
    // As in the gate: names are looked for in prose only.
    let plain = detector.without_names();
    let mut fixed = HashSet::new();
    for run in reading.parts.chunk_by(|one, next| one.run == next.run) {
        let Some(head) = run.first() else { continue };
        let text: String = run.iter().map(|part| tape.text(body, part.node)).collect();
        let key = if head.form == Form::String { tape.key(body, head.node) } else { None };
        let hint = Hint { key: key.as_deref(), tokens: true, json: head.class == TextClass::ToolArguments, ..Hint::default() };
        let is_prose = !head.fixed && !head.id && head.form != Form::Number;
        let scan = if is_prose { detector } else { &plain }.scan(&text, hint);
        for finding in &scan.findings {
            facts.add_finding(head.role, &finding.label, finding.score_bp);
            if run.iter().any(|part| part.fixed) {
                fixed.insert(finding.label.clone());
            }
        }
        for finding in &scan.below {
            let length = finding.end - finding.start;
            let below = bartizan_policy::BelowThreshold { label: finding.label.clone(), score_bp: finding.score_bp, length };
            facts.context.below_threshold.push(below);
        }
    }
    fixed
}

fn tool_names(tape: &Tape, body: &[u8], reading: &Reading) -> BTreeSet<Arc<str>> {
    let offered = |part: &&Part| part.class == TextClass::ToolDefinition && part.fixed && part.form == Form::String;
    let named = |part: &&Part| tape.key(body, part.node).is_some_and(|key| key == "name");
    let name = |part: &Part| Arc::from(tape.text(body, part.node).as_ref());
    reading.parts.iter().filter(offered).filter(named).map(name).collect()
}
