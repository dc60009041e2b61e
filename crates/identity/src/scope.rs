//! What an admin token may call. The table is `scopes.txt`, a file that a reviewer can read.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Run the detectors.
    Detect,
    /// See what is recorded.
    Read,
    /// Decide on what waits for an approver.
    Approve,
    /// Check, try and change policies.
    Policy,
    /// Keys, tokens, configuration. Never approves.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] = [Self::Detect, Self::Read, Self::Approve, Self::Policy, Self::Admin];

    /// The word of `tokens create --scope`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Read => "read",
            Self::Approve => "approve",
            Self::Policy => "policy",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope `{0}`; use `detect`, `read`, `approve`, `policy` or `admin`")]
pub struct UnknownScopeError(pub String);

impl FromStr for Scope {
    type Err = UnknownScopeError;

    fn from_str(word: &str) -> Result<Self, UnknownScopeError> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word).ok_or_else(|| UnknownScopeError(word.to_owned()))
    }
}

/// One line of `scopes.txt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// HTTP method, in capitals.
    pub method: &'static str,
    /// Path with `{name}` for a segment.
    pub path: &'static str,
    /// Who is let in.
    pub scopes: Vec<Scope>,
}

/// The whole table. A line that cannot be read lets nobody in.
pub fn endpoints() -> &'static [Endpoint] {
    static TABLE: OnceLock<Vec<Endpoint>> = OnceLock::new();
    TABLE.get_or_init(|| include_str!("../scopes.txt").lines().filter_map(endpoint).collect())
}

fn endpoint(line: &'static str) -> Option<Endpoint> {
    let mut words = line.split_whitespace();
    let method = words.next().filter(|word| !word.starts_with('#'))?;
    let path = words.next()?;
    let scopes = words.map(Scope::from_str).collect::<Result<_, _>>().ok()?;
    Some(Endpoint { method, path, scopes })
}

/// Whether a token of this scope may call the endpoint. `path` is without its query. What is not in the table is refused.
pub fn allows(scope: Scope, method: &str, path: &str) -> bool {
    endpoints().iter().any(|endpoint| endpoint.method == method && fits(endpoint.path, path) && endpoint.scopes.contains(&scope))
}

fn fits(pattern: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    let all = pattern.split('/').all(|wanted| {
        let is_any = wanted.starts_with('{') && wanted.ends_with('}');
        segments.next().is_some_and(|segment| if is_any { !segment.is_empty() } else { segment == wanted })
    });
    all && segments.next().is_none()
}
