//! What the console asks, answered by the data folder and, when one runs, by the gate.

use std::env::VarError;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use bartizan_console::{
    After, Console, Control, ControlError, CreatedKey, CreatedToken, Erasure, EventQuery, ListedKey, ListedToken, NewKey, NewToken, Since,
};
use bartizan_detect::Detector;
use bartizan_gateway::Auth;
use bartizan_identity::Scope;
use bartizan_store::{DataDir, EventFilter, KeyUse, StoreError};
use bartizan_vocabulary::{Hidden, KeyId, PrincipalId};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::app::App;
use crate::config::GuardConfig;
use crate::guard::Detectors;
use crate::{clock, metrics};

/// The environment variable that holds the token of the admin API.
const TOKEN: &str = "BARTIZAN_ADMIN_TOKEN";

/// Shorter tokens can be guessed.
const LONG_ENOUGH: usize = 20;

/// The token that the environment names, if it does; an empty one counts as none.
///
/// # Errors
/// When no header can carry it.
pub fn token_of_environment() -> Result<Option<Hidden<String>>> {
    let token = match std::env::var(TOKEN) {
        Ok(token) => token.trim().to_owned(),
        Err(VarError::NotPresent) => return Ok(None),
        Err(VarError::NotUnicode(_)) => bail!("`{TOKEN}` is not text"),
    };
    ensure!(token.chars().all(|c| c.is_ascii_graphic()), "`{TOKEN}` has characters that no token has; use letters, digits and signs");
    Ok((!token.is_empty()).then(|| Hidden::new(token)))
}

/// Says so when whoever guesses could find the token.
pub fn warn_of_short(token: &Hidden<String>) {
    let length = token.reveal().len();
    if length < LONG_ENOUGH {
        tracing::warn!(length, "the token in BARTIZAN_ADMIN_TOKEN is short and can be guessed; use at least 20 random characters");
    }
}

/// Serves the admin API until `stopped` turns true.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    hosts: Vec<String>,
    stopped: watch::Receiver<bool>,
) {
    let admin = Admin { data: Arc::clone(&app.data), app: Some(app) };
    Console::new(Arc::new(admin), hosts).serve(listener, tls, stopped).await;
}

/// The admin API over a data folder that no process runs on.
pub fn offline(data: Arc<DataDir>) -> Console {
    Console::new(Arc::new(Admin { data, app: None }), Vec::new())
}

struct Admin {
    data: Arc<DataDir>,
    /// The running process; `None` over a folder that was opened by a command.
    app: Option<Arc<App>>,
}

fn failed(error: StoreError) -> ControlError {
    match error {
        StoreError::Target { .. } | StoreError::RevokedInMemory(_) => ControlError::Refused(error.to_string()),
        other => ControlError::Failed(Box::new(other)),
    }
}

const fn stored(scope: Scope) -> bartizan_store::Scope {
    match scope {
        Scope::Detect => bartizan_store::Scope::Detect,
        Scope::Read => bartizan_store::Scope::Read,
        Scope::Approve => bartizan_store::Scope::Approve,
        Scope::Policy => bartizan_store::Scope::Policy,
        Scope::Admin => bartizan_store::Scope::Admin,
    }
}

const fn scope(stored: bartizan_store::Scope) -> Scope {
    match stored {
        bartizan_store::Scope::Detect => Scope::Detect,
        bartizan_store::Scope::Read => Scope::Read,
        bartizan_store::Scope::Approve => Scope::Approve,
        bartizan_store::Scope::Policy => Scope::Policy,
        bartizan_store::Scope::Admin => Scope::Admin,
    }
}

/// Bytes of one answer of events, as long as no single event has more.
const EVENTS_BYTES: usize = 16 << 20;

fn filter(query: &EventQuery) -> EventFilter {
    let since = query.since.map(|since| match since {
        Since::At(time) => time,
        Since::Ago(micros) => clock::now().plus_micros(micros.saturating_neg()),
    });
    let after = match query.after {
        Some(After::Index(index)) => Some(index),
        Some(After::Start) | None => None,
    };
    EventFilter {
        since,
        decision: query.decision,
        label: query.label.clone(),
        request_id: query.request_id.clone(),
        after,
        limit: Some(query.limit),
        bytes: Some(EVENTS_BYTES),
        newest: query.after.is_none(),
    }
}

impl Admin {
    /// Where access was anonymous because no key existed, the first key ends that. If it cannot be ended, the key is taken back: nobody
    /// shall believe that a gate asks for keys when it does not.
    fn end_anonymous_access(&self, id: &KeyId) -> Result<(), ControlError> {
        let Some(app) = self.app.as_ref().filter(|app| app.gate.settings().auth == Auth::Anonymous) else { return Ok(()) };
        app.reload().map(drop).map_err(|error| {
            if let Err(error) = self.data.take_back_key(id) {
                tracing::error!(error = &error as &dyn std::error::Error, "a key could not be taken back");
            }
            let why = "no key was made, because it would have to end anonymous access, and the configuration cannot be read again";
            ControlError::Refused(format!("{why}: {error:#}"))
        })
    }

    fn store_problem(&self) -> Option<String> {
        self.data.journal().health().err().map(|error| error.to_string())
    }
}

impl Control for Admin {
    fn authenticate(&self, presented: &str) -> Option<Scope> {
        let named = self.app.as_ref().and_then(|app| app.is_admin_token(presented));
        if named.unwrap_or_else(|| self.data.is_admin_token(presented)) {
            return Some(Scope::Admin);
        }
        self.data.directory().token(presented).map(|token| scope(token.scope))
    }

    fn readiness(&self) -> Vec<String> {
        let mut reasons: Vec<String> = self.store_problem().into_iter().collect();
        let Some(app) = &self.app else { return reasons };
        if app.is_draining() {
            reasons.push("the process is ending; send new requests elsewhere".to_owned());
        }
        reasons
    }

    fn reload_problem(&self) -> Option<String> {
        self.app.as_ref()?.reload_problem()
    }

    fn metrics(&self) -> String {
        let Some(app) = &self.app else { return String::new() };
        let state = metrics::State {
            store_ok: self.store_problem().is_none(),
            reload_failed: app.reload_problem().is_some(),
            ready: self.readiness().is_empty(),
        };
        metrics::page(&app.gate, &state, app.telemetry())
    }

    fn events(&self, query: &EventQuery) -> Result<Vec<u8>, ControlError> {
        if let Err(error) = self.data.flush() {
            tracing::warn!(error = &error as &dyn std::error::Error, "the newest events may be missing from an answer");
        }
        let found = self.data.events(&filter(query)).map_err(failed)?;
        let mut lines = Vec::with_capacity(found.iter().map(|event| event.json.len() + 1).sum());
        for event in found {
            lines.extend_from_slice(&event.json);
            lines.push(b'\n');
        }
        Ok(lines)
    }

    fn create_key(&self, new: NewKey) -> Result<CreatedKey, ControlError> {
        let made = self.data.create_key(&new.name, new.kind, new.groups, new.models).map_err(failed)?;
        self.end_anonymous_access(&made.id)?;
        Ok(CreatedKey { id: made.id, key: made.key })
    }

    fn keys(&self) -> Result<Vec<ListedKey>, ControlError> {
        let list = |key: bartizan_store::KeyInfo| ListedKey {
            id: key.id,
            created: key.created,
            name: key.name,
            kind: key.kind,
            groups: key.groups,
            models: key.models,
        };
        Ok(self.data.directory().keys().into_iter().map(list).collect())
    }

    fn revoke_key(&self, id: &KeyId) -> Result<bool, ControlError> {
        let is_key = self.data.directory().keys().iter().any(|key| key.id == *id);
        Ok(is_key && self.data.revoke(id).map_err(failed)?)
    }

    fn create_token(&self, new: NewToken) -> Result<CreatedToken, ControlError> {
        let made = self.data.create_token(&new.name, stored(new.scope), new.user).map_err(failed)?;
        Ok(CreatedToken { id: made.id, token: made.token })
    }

    fn tokens(&self) -> Result<Vec<ListedToken>, ControlError> {
        let list = |token: bartizan_store::TokenInfo| ListedToken {
            id: token.id,
            created: token.created,
            name: token.name,
            scope: scope(token.scope).as_str(),
            user: token.user,
        };
        Ok(self.data.directory().tokens().into_iter().map(list).collect())
    }

    fn revoke_token(&self, id: &KeyId) -> Result<bool, ControlError> {
        let is_token = self.data.directory().tokens().iter().any(|token| token.id == *id);
        Ok(is_token && self.data.revoke(id).map_err(failed)?)
    }

    fn erase(&self, principal: &PrincipalId) -> Result<Erasure, ControlError> {
        let receipt = self.data.erase(principal).map_err(failed)?;
        Ok(Erasure {
            commitment: STANDARD.encode(receipt.commitment),
            salt: STANDARD.encode(receipt.salt),
            data_keys: receipt.data_keys,
            keys: receipt.keys,
        })
    }

    fn backup(&self, dir: &Path) -> Result<(), ControlError> {
        self.data.backup(dir).map_err(failed)
    }

    fn reload(&self) -> Result<Vec<&'static str>, ControlError> {
        let Some(app) = &self.app else {
            let why = "no gate runs on this data folder; it reads its configuration when it starts";
            return Err(ControlError::Refused(why.to_owned()));
        };
        app.reload().map_err(|error| ControlError::Refused(format!("{error:#}")))
    }

    fn policy_version(&self) -> Option<String> {
        self.app.as_ref().map(|app| app.gate.live().judge.policies().version().to_string())
    }

    fn checkpoint(&self) -> Result<Vec<u8>, ControlError> {
        std::fs::read(self.data.path().join("ledger").join("checkpoint")).map_err(|error| ControlError::Failed(Box::new(error)))
    }

    fn detector(&self, names: bool) -> Result<Detector, ControlError> {
        let detectors = match &self.app {
            Some(app) => Ok(app.detectors()),
            None => Detectors::read(&GuardConfig::default()).map(Arc::new),
        };
        detectors.and_then(|detectors| detectors.with_names(names)).map_err(|error| ControlError::Failed(error.into()))
    }

    fn detection_key(&self) -> Result<Hidden<[u8; 32]>, ControlError> {
        // What stands for a value in an answer here shall not tell what its token is at the gate.
        let key = bartizan_detect::derived(&self.data.derive(KeyUse::Token), "detection api 1");
        Ok(Hidden::new(key))
    }
}
