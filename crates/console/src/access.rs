//! Who is asking, and whether the table of scopes lets them.

use bartizan_identity::{CredentialKind, Scope, allows, endpoints};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};

use crate::control::Control;
use crate::problem::Problem;

/// Longer tokens are none of ours.
const MAX_TOKEN: usize = 512;

fn refuse(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
}

/// What the presented token may do.
pub(crate) fn authenticate(control: &dyn Control, headers: &HeaderMap) -> Result<Scope, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or_else(|| {
        refuse("send `Authorization: Bearer` with the token in `DATA/admin.token` or one made by `bartizan tokens create`")
    })?;
    if values.next().is_some() {
        return Err(refuse("send one `Authorization` header"));
    }
    let bearer = value.to_str().ok().and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, token) = bearer.ok_or_else(|| refuse("write `Authorization: Bearer` before the token"))?;
    let token = token.trim();
    if token.starts_with(CredentialKind::Key.prefix()) {
        return Err(refuse("this is a virtual key, which opens the gate; the admin API takes tokens: `bartizan tokens create`"));
    }
    let known = (token.len() <= MAX_TOKEN).then(|| control.authenticate(token)).flatten();
    known.ok_or_else(|| {
        refuse("the token is unknown or was revoked; use the one in `DATA/admin.token`, or make one with `bartizan tokens create`")
    })
}

/// Refuses a scope that the table does not name for this endpoint.
pub(crate) fn authorise(scope: Scope, method: &str, pattern: &str) -> Result<(), Problem> {
    if allows(scope, method, pattern) {
        return Ok(());
    }
    let row = endpoints().iter().find(|endpoint| endpoint.method == method && endpoint.path == pattern);
    let enough: Vec<String> = row.iter().flat_map(|row| &row.scopes).map(|scope| format!("`{scope}`")).collect();
    let detail = format!("a token of scope `{scope}` may not do this; use one of scope {}", enough.join(" or "));
    Err(Problem::new(StatusCode::FORBIDDEN, "scope", detail))
}
