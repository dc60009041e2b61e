//! Reading what a caller sent: bounded, checked, with sentences that help.

use std::time::{Duration, Instant};

use axum::extract::Request;
use bartizan_identity::{Scope, check_pattern};
use bartizan_vocabulary::{Decision, GroupName, Label, ModelName, PrincipalId, PrincipalKind, RequestId};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::control::{After, EventQuery, NewKey, NewToken, Since};
use crate::problem::Problem;

/// A body must be there within this time.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Characters of a name.
const NAME_LIMIT: usize = 128;

/// Events in one answer.
const PAGE: u32 = 10_000;

/// What a handler gets.
pub(crate) struct Input {
    pub(crate) params: Vec<String>,
    pub(crate) query: String,
    pub(crate) body: Value,
    /// Nobody waits for an answer after this.
    pub(crate) deadline: Instant,
}

/// The JSON body of a POST, of at most so many MiB.
pub(crate) async fn read_json(request: Request, limit: usize) -> Result<Value, Problem> {
    let mut types = request.headers().get_all(CONTENT_TYPE).iter();
    let essence = types.next().and_then(|value| value.to_str().ok()).and_then(|value| value.split(';').next());
    if !essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json")) || types.next().is_some() {
        let detail = "send `content-type: application/json`";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_type", detail));
    }
    let reading = tokio::time::timeout(BODY_TIME, Limited::new(request.into_body(), limit << 20).collect()).await;
    let body = match reading {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", format!("a body may have {limit} MiB")));
        }
        Ok(Err(_)) => return Err(Problem::bad("the body broke off; send it again")),
        Err(_) => return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "slow", "the body did not arrive in time; send it again")),
    };
    if body.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let value: Value = serde_json::from_slice(&body).map_err(|error| Problem::bad(format!("the body is not JSON: {error}")))?;
    if value.is_object() { Ok(value) } else { Err(Problem::bad("the body must be a JSON object")) }
}

/// What does not fit, without the value that the error repeats: a text in the wrong place is still somebody's text, and programs log
/// the sentences that they get.
pub(crate) fn misfit(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let told = ["invalid type: ", "invalid value: ", "unknown variant "].iter().find_map(|kind| {
        let (found, expected) = text.strip_prefix(kind)?.rsplit_once(", expected ")?;
        let (what, _) = found.split_once(['`', '"']).unwrap_or((found, ""));
        Some(format!("{}, expected {expected}", format!("{kind}{what}").trim_end()))
    });
    told.unwrap_or(text)
}

impl Input {
    /// The segment that stands for `{id}`.
    pub(crate) fn id(&self) -> &str {
        self.params.first().map_or("", String::as_str)
    }

    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_value(self.body.clone()).map_err(|error| Problem::bad(format!("the body does not fit: {}", misfit(&error))))
    }

    pub(crate) fn new_key(&self) -> Result<NewKey, Problem> {
        let given: KeyBody = self.parse()?;
        let kind = match given.kind.as_deref() {
            None | Some("user") => PrincipalKind::User,
            Some("service") => PrincipalKind::Service,
            Some(other) => return Err(Problem::bad(format!("`kind` is `{other}`; write `user` or `service`"))),
        };
        let name = checked("name", given.name)?;
        let groups = given.groups.into_iter().map(|group| checked("groups", group).map(GroupName::from)).collect::<Result<_, _>>()?;
        let models = given.models.map(|models| models.into_iter().map(model).collect()).transpose()?;
        Ok(NewKey { name, kind, groups, models })
    }

    pub(crate) fn new_token(&self) -> Result<NewToken, Problem> {
        let given: TokenBody = self.parse()?;
        let scope: Scope = given.scope.parse().map_err(|error| Problem::bad(format!("`scope`: {error}")))?;
        let user = given.user.map(|user| checked("user", user)).transpose()?;
        Ok(NewToken { name: checked("name", given.name)?, scope, user })
    }

    pub(crate) fn principal(&self) -> Result<PrincipalId, Problem> {
        let given: EraseBody = self.parse()?;
        let name = given.principal.strip_prefix("user:").or_else(|| given.principal.strip_prefix("service:"));
        let Some(name) = name else {
            return Err(Problem::bad(format!("`principal` is `{}`; write `user:NAME` or `service:NAME`", given.principal)));
        };
        checked("principal", name.to_owned())?;
        Ok(PrincipalId::new(given.principal))
    }

    pub(crate) fn dir(&self) -> Result<std::path::PathBuf, Problem> {
        let given: BackupBody = self.parse()?;
        let dir = std::path::PathBuf::from(given.dir);
        let clean = dir.is_absolute() && !dir.components().any(|part| part == std::path::Component::ParentDir);
        if clean { Ok(dir) } else { Err(Problem::bad("`dir` must be an absolute path without `..`, on the machine where the gate runs")) }
    }

    pub(crate) fn nothing(&self) -> Result<(), Problem> {
        self.parse().map(|NoBody {}| ())
    }

    pub(crate) fn event_query(&self) -> Result<EventQuery, Problem> {
        let mut query = EventQuery { since: None, decision: None, label: None, request_id: None, after: None, limit: 1_000 };
        for pair in self.query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode(value).ok_or_else(|| Problem::bad(format!("the value of `{name}` is not percent-encoded UTF-8")))?;
            match name {
                "since" => query.since = Some(since(&value)?),
                "decision" => query.decision = Some(decision(&value)?),
                "label" => query.label = Some(label(&value)?),
                "request_id" => query.request_id = Some(RequestId::from(checked("request_id", value)?)),
                "after" => query.after = Some(after(&value)?),
                "limit" => query.limit = limit(&value)?,
                other => {
                    let known = "`since`, `decision`, `label`, `request_id`, `limit` and `after`";
                    return Err(Problem::bad(format!("unknown parameter `{other}`; known are {known}")));
                }
            }
        }
        Ok(query)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyBody {
    name: String,
    kind: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    models: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenBody {
    name: String,
    scope: String,
    user: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EraseBody {
    principal: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BackupBody {
    dir: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoBody {}

/// A name: not empty, not long, nothing invisible at its ends or in it.
fn checked(field: &str, text: String) -> Result<String, Problem> {
    let good = !text.is_empty() && text.chars().count() <= NAME_LIMIT && text.trim() == text && !text.chars().any(char::is_control);
    if good {
        return Ok(text);
    }
    Err(Problem::bad(format!("`{field}` must have 1 to {NAME_LIMIT} characters, without control characters or spaces at its ends")))
}

fn model(text: String) -> Result<ModelName, Problem> {
    check_pattern(&text).map_err(|error| Problem::bad(format!("`models`: {error}")))?;
    checked("models", text).map(ModelName::from)
}

fn since(text: &str) -> Result<Since, Problem> {
    if let Some(micros) = ago(text) {
        return Ok(Since::Ago(micros));
    }
    text.parse().map(Since::At).map_err(|_| {
        Problem::bad(format!(
            "`since` is `{text}`; write a time such as `2026-11-22T09:30:00Z`, or `30s`, `15m`, `1h`, `7d` for so long ago"
        ))
    })
}

/// Microseconds of `30s`, `15m`, `1h` or `7d`.
fn ago(text: &str) -> Option<i64> {
    let units = [('s', 1_000_000), ('m', 60_000_000), ('h', 3_600_000_000), ('d', 86_400_000_000)];
    let (count, micros) = units.iter().find_map(|(unit, micros)| Some((text.strip_suffix(*unit)?, *micros)))?;
    i64::from(count.parse::<u32>().ok()?).checked_mul(micros)
}

fn decision(text: &str) -> Result<Decision, Problem> {
    let all = [Decision::Permit, Decision::Remedied, Decision::Blocked, Decision::Failed];
    let found = all.into_iter().find(|decision| decision.as_str() == text);
    found.ok_or_else(|| Problem::bad(format!("`decision` is `{text}`; write `permit`, `remedied`, `blocked` or `failed`")))
}

fn label(text: &str) -> Result<Label, Problem> {
    let form = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_');
    let good = !text.is_empty() && text.len() <= NAME_LIMIT && text.bytes().all(form);
    good.then(|| Label::from(text))
        .ok_or_else(|| Problem::bad(format!("`label` is `{text}`; write one such as `pii.email`, or `pii` for all of them")))
}

fn after(text: &str) -> Result<After, Problem> {
    match text {
        "start" => Ok(After::Start),
        index => index
            .parse()
            .map(After::Index)
            .map_err(|_| Problem::bad(format!("`after` is `{text}`; write the `ledger.index` of the last event you have, or `start`"))),
    }
}

fn limit(text: &str) -> Result<u32, Problem> {
    let limit = text.parse().ok().filter(|limit| (1..=PAGE).contains(limit));
    limit.ok_or_else(|| Problem::bad(format!("`limit` is `{text}`; write a number from 1 to {PAGE}, and page with `after`")))
}

fn percent_decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let [high, low] = digits.map(digit);
                out.push(high? << 4 | low?);
            }
            b'+' => out.push(b' '),
            other => out.push(other),
        }
    }
    String::from_utf8(out).ok()
}
