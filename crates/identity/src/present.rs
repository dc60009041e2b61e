//! Where a credential stands in a request: `Authorization: Bearer`, `x-api-key`, `x-goog-api-key` or Azure's `api-key`.
//! All are accepted on every route: SDKs differ in which they use, and change it between versions.

use crate::{Credential, CredentialKind, ParseCredentialError};

/// Longer header values are no credential of ours.
const MAX_VALUE_BYTES: usize = 4 * 1024;

/// What a request presents.
#[derive(Debug)]
pub struct Presented {
    /// The credential of the wanted kind.
    pub credential: Option<Credential>,
    /// Another key stands in one of the headers, such as the client's own provider key.
    pub foreign: bool,
}

/// Credentials that cannot be accepted as they stand. Never holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PresentError {
    /// Two headers hold different credentials.
    #[error("two headers hold different keys; send one")]
    Conflict,
    /// One begins like ours but is damaged.
    #[error("this is not a whole virtual key; make one with `bartizan keys create --name NAME`")]
    Damaged(#[source] ParseCredentialError),
    /// A token was sent to the gate, or a key to the admin API.
    #[error("the gate takes keys (`bzk_…`), the admin API takes tokens (`bzt_…`); this is the other one")]
    WrongKind,
    /// `Authorization` holds one without the scheme.
    #[error("write `Authorization: Bearer` before the key")]
    NoScheme,
}

/// Finds the credential of `wanted` kind among the headers, given as (lower-case name, value). Other headers are skipped.
/// Tokens are taken from `Authorization` only.
///
/// # Errors
/// When credentials of ours are there that are damaged, of the other kind, or different from each other.
pub fn presented<'a>(wanted: CredentialKind, headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Presented, PresentError> {
    let mut found = Presented { credential: None, foreign: false };
    for (name, value) in headers {
        let is_authorization = name == "authorization";
        let is_key_header = wanted == CredentialKind::Key && matches!(name, "x-api-key" | "x-goog-api-key" | "api-key");
        if !is_authorization && !is_key_header {
            continue;
        }
        let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= MAX_VALUE_BYTES).map(str::trim);
        let Some(text) = text else {
            found.foreign = true;
            continue;
        };
        let credential = if is_authorization { bearer(text)? } else { text };
        if !is_ours(credential) {
            found.foreign |= !credential.is_empty();
            continue;
        }
        let credential = Credential::parse(credential).map_err(PresentError::Damaged)?;
        if credential.kind() != wanted {
            return Err(PresentError::WrongKind);
        }
        if found.credential.as_ref().is_some_and(|first| !is_same(first, &credential)) {
            return Err(PresentError::Conflict);
        }
        found.credential = Some(credential);
    }
    Ok(found)
}

fn is_ours(text: &str) -> bool {
    text.starts_with(CredentialKind::Key.prefix()) || text.starts_with(CredentialKind::Token.prefix())
}

/// The credential of an `Authorization` value; a value of another scheme stays whole (RFC 9110 section 11.1: schemes are case-insensitive).
fn bearer(value: &str) -> Result<&str, PresentError> {
    match value.split_once(char::is_whitespace) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => Ok(rest.trim_start()),
        _ if is_ours(value) => Err(PresentError::NoScheme),
        _ => Ok(value),
    }
}

fn is_same(a: &Credential, b: &Credential) -> bool {
    a.text().reveal().as_str() == b.text().reveal().as_str()
}
