//! The script of the demo: callers and requests, read from `scenario.toml`.

use anyhow::{Context, Result};
use bartizan_vocabulary::{Decision, GroupName, ModelName, Principal, PrincipalId, PrincipalKind};
use bartizan_wire::Route;
use serde::Deserialize;

/// The whole script.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Who calls.
    pub caller: Vec<Caller>,
    /// What they send, in order.
    pub request: Vec<Scene>,
}

/// Somebody with a key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// As the requests name it.
    pub name: String,
    id: String,
    #[serde(default)]
    groups: Vec<GroupName>,
    models: Option<Vec<ModelName>>,
}

/// Which key a request carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Key {
    /// Its caller's.
    #[default]
    Own,
    /// None.
    None,
    /// One that was never issued.
    MadeUp,
}

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// RFC 1952.
    Gzip,
}

/// One request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// Time of the morning; the ledger has the real one.
    pub at: String,
    /// A caller's name.
    pub who: String,
    to: String,
    /// What is sent, in words. Never the values.
    pub sent: String,
    /// The body with `{{kind:name}}` for values.
    pub body: Option<String>,
    /// How it is compressed.
    pub encoding: Option<Compression>,
    /// Which key it carries.
    #[serde(default)]
    pub key: Key,
    /// What must be decided.
    pub decision: Decision,
    /// Which status must come.
    #[serde(default = "ok")]
    pub status: u16,
}

fn ok() -> u16 {
    200
}

impl Script {
    /// The script that is part of the program.
    ///
    /// # Errors
    /// When it is broken, which the tests exclude.
    pub fn builtin() -> Result<Self> {
        toml::from_str(include_str!("scenario.toml")).context("the script of the demo cannot be read")
    }
}

impl Caller {
    /// The caller as the gate knows it.
    pub fn principal(&self) -> Principal {
        let kind = if self.id.starts_with("service:") { PrincipalKind::Service } else { PrincipalKind::User };
        Principal { id: PrincipalId::new(self.id.as_str()), kind, key: None, groups: self.groups.clone(), models: self.models.clone() }
    }
}

impl Scene {
    /// Where it goes.
    pub fn path(&self) -> &str {
        match self.to.as_str() {
            "chat" => Route::ChatCompletions.path(),
            "messages" => Route::Messages.path(),
            "count_tokens" => Route::CountTokens.path(),
            "models" => Route::Models.path(),
            other => other,
        }
    }

    /// Where it goes, in a word.
    pub fn to(&self) -> &str {
        &self.to
    }
}
