//! What each route does, on a thread that may block.

use bartizan_vocabulary::KeyId;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, json};

use crate::control::{Control, ControlError};
use crate::input::Input;
use crate::problem::Problem;
use crate::routes::Answer;

pub(crate) type Done = Result<Answer, Problem>;

/// A JSON document.
pub(crate) fn answer(status: StatusCode, value: &impl Serialize) -> Done {
    let mut body = serde_json::to_vec(value).map_err(|error| Problem::from(ControlError::Failed(Box::new(error))))?;
    body.push(b'\n');
    Ok(Answer { status, content_type: "application/json", body })
}

fn gone(found: bool, what: &str) -> Done {
    if found {
        return Ok(Answer { status: StatusCode::NO_CONTENT, content_type: "application/json", body: Vec::new() });
    }
    let detail = format!("there is no {what} with this id; `bartizan {what}s list` shows all");
    Err(Problem::new(StatusCode::NOT_FOUND, "not_found", detail))
}

pub(crate) fn healthz(_: &dyn Control, _: &Input) -> Done {
    answer(StatusCode::OK, &json!({ "alive": true }))
}

pub(crate) fn readyz(control: &dyn Control, _: &Input) -> Done {
    let reasons = control.readiness();
    let is_ready = reasons.is_empty();
    let mut said = Map::new();
    said.insert("ready".to_owned(), is_ready.into());
    if !is_ready {
        said.insert("reasons".to_owned(), reasons.into());
    }
    if let Some(problem) = control.reload_problem() {
        said.insert("reload".to_owned(), problem.into());
    }
    answer(if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &said)
}

#[expect(clippy::unnecessary_wraps, reason = "every handler has the same form")]
pub(crate) fn metrics(control: &dyn Control, _: &Input) -> Done {
    Ok(Answer { status: StatusCode::OK, content_type: "text/plain; version=0.0.4", body: control.metrics().into_bytes() })
}

pub(crate) fn events(control: &dyn Control, input: &Input) -> Done {
    let body = control.events(&input.event_query()?)?;
    Ok(Answer { status: StatusCode::OK, content_type: "application/jsonl", body })
}

pub(crate) fn list_keys(control: &dyn Control, _: &Input) -> Done {
    answer(StatusCode::OK, &json!({ "keys": control.keys()? }))
}

pub(crate) fn create_key(control: &dyn Control, input: &Input) -> Done {
    answer(StatusCode::CREATED, &control.create_key(input.new_key()?)?)
}

pub(crate) fn revoke_key(control: &dyn Control, input: &Input) -> Done {
    gone(control.revoke_key(&KeyId::from(input.id()))?, "key")
}

pub(crate) fn list_tokens(control: &dyn Control, _: &Input) -> Done {
    answer(StatusCode::OK, &json!({ "tokens": control.tokens()? }))
}

pub(crate) fn create_token(control: &dyn Control, input: &Input) -> Done {
    answer(StatusCode::CREATED, &control.create_token(input.new_token()?)?)
}

pub(crate) fn revoke_token(control: &dyn Control, input: &Input) -> Done {
    gone(control.revoke_token(&KeyId::from(input.id()))?, "token")
}

pub(crate) fn erase(control: &dyn Control, input: &Input) -> Done {
    answer(StatusCode::OK, &control.erase(&input.principal()?)?)
}

pub(crate) fn backup(control: &dyn Control, input: &Input) -> Done {
    let dir = input.dir()?;
    control.backup(&dir)?;
    answer(StatusCode::OK, &json!({ "dir": dir }))
}

pub(crate) fn reload(control: &dyn Control, input: &Input) -> Done {
    input.nothing()?;
    let waiting = control.reload()?;
    answer(StatusCode::OK, &json!({ "reloaded": true, "policy_version": control.policy_version(), "needs_restart": waiting }))
}

pub(crate) fn policy(control: &dyn Control, _: &Input) -> Done {
    answer(StatusCode::OK, &json!({ "version": control.policy_version() }))
}

pub(crate) fn checkpoint(control: &dyn Control, _: &Input) -> Done {
    Ok(Answer { status: StatusCode::OK, content_type: "text/plain; charset=utf-8", body: control.checkpoint()? })
}
