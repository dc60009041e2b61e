//! Tying the rooms together: data folder, rules, policies and settings become a gate.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use bartizan_gateway::{Announce, Gate, GateKeys, Live, Telemetry, Wiring};
use bartizan_identity::Directory;
use bartizan_policy::{Action, Judge, PolicySet, Source};
use bartizan_store::{DataDir, KeyUse};
use bartizan_vocabulary::{PolicyId, PolicyVersion, Principal, Remedy};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::guard::Detectors;
use crate::words;

/// Verdicts that are remembered.
const REMEMBERED: usize = 16_384;

/// The store's keys, as the gate looks them up.
struct Callers(Arc<DataDir>);

impl Directory for Callers {
    fn authenticate(&self, hash: &[u8; 32]) -> Option<Arc<Principal>> {
        self.0.directory().by_hash(hash)
    }
}

/// Policies of a folder, or the built-in set.
///
/// # Errors
/// Every mistake with file, line and what to do.
pub fn policies(dir: Option<&Path>) -> Result<PolicySet> {
    let sources = match dir {
        Some(dir) => read_policies(dir)
            .context("`--policies` or `policy.dir` must name a folder of `*.cedar` files; leave both out for the built-in set")?,
        None => bartizan_policy::default_sources(),
    };
    let set = PolicySet::load_known(&sources, &words::known()?)
        .map_err(|errors| anyhow!("the policies are not good; nothing was changed\n{errors}"))?;
    if let Some(warning) = no_permit(&set) {
        tracing::warn!("{warning}");
    }
    Ok(set)
}

/// A warning about a set that refuses every request, as one does that was meant to come on top of the built-in one.
pub fn no_permit(set: &PolicySet) -> Option<&'static str> {
    let warning = "no `permit` covers `prompt`: every request will be refused; a policy folder replaces the built-in set";
    (!set.can_permit(Action::Prompt)).then_some(warning)
}

/// The `*.cedar` files of a folder, sorted by name.
///
/// # Errors
/// When the folder cannot be read or holds none.
pub fn read_policies(dir: &Path) -> Result<Vec<Source>> {
    let problem = || format!("the policies in `{}` cannot be read", dir.display());
    let mut paths: Vec<_> = std::fs::read_dir(dir).with_context(problem)?.collect::<Result<Vec<_>, _>>().with_context(problem)?;
    paths.sort_by_key(std::fs::DirEntry::file_name);
    let mut sources = Vec::new();
    for entry in paths.iter().filter(|entry| entry.path().extension().is_some_and(|extension| extension == "cedar")) {
        let text = std::fs::read_to_string(entry.path()).with_context(|| format!("`{}` cannot be read", entry.path().display()))?;
        // The name alone: the version must not depend on where the folder lies, nor tell it.
        sources.push(Source { name: entry.file_name().to_string_lossy().into_owned(), text });
    }
    if sources.is_empty() {
        return Err(anyhow!("there is no `*.cedar` file in `{}`; a gate without policies permits nothing", dir.display()));
    }
    Ok(sources)
}

/// Refuses policies that ask for what no key is there for.
///
/// # Errors
/// Names the policies and says how to make a key.
pub fn has_key_for(policies: &PolicySet, key: bool) -> Result<()> {
    let asking: Vec<&str> = policies.asking_for(&[Remedy::Surrogate, Remedy::Encrypt]).map(PolicyId::as_str).collect();
    ensure!(
        key || asking.is_empty(),
        "policies ask for `surrogate` or `encrypt`, and there is no key for them (`{}`): make one with `head -c 32 /dev/urandom | base64 > \
         seal.key` and write `seal_key = \"seal.key\"` below `[guard]`; nothing was changed",
        asking.join("`, `")
    );
    Ok(())
}

/// What is in force, made anew.
///
/// # Errors
/// When rules, policies or settings do not fit; then nothing is replaced.
pub fn live(settings: bartizan_gateway::Settings, policies: PolicySet, detectors: &Detectors) -> Result<Live> {
    has_key_for(&policies, settings.seal_key.is_some())?;
    for warning in words::not_looked_for(&policies, detectors.gate())?.iter().chain(detectors.warnings()) {
        tracing::warn!("{warning}");
    }
    let live = Live::new(settings, detectors.gate().clone(), Judge::new(policies, REMEMBERED))
        .context("the client for providers cannot be made")?;
    match detectors.pack() {
        Some(pack) => live.with_pack(pack.clone()).context("the system has no thread for the accuracy pack"),
        None => Ok(live),
    }
}

/// Records what governs from now on: the digest of configuration and flags, and the version of the policies. What is in force already is
/// not recorded again.
///
/// # Errors
/// When it cannot be recorded; then it must not come into force.
pub fn record_governing(data: &DataDir, config: &Config, upstream: Option<&str>, policies: &PolicyVersion) -> Result<()> {
    let problem = "what governs the gate cannot be recorded in the ledger";
    // The digest only: no value can be read from the ledger.
    data.record_config(&format!("{config:?} {upstream:?}")).context(problem)?;
    data.record_policy(policies).context(problem)
}

/// Records the start of a process and what governs it.
///
/// # Errors
/// As [`record_governing`].
pub fn record_start(data: &DataDir, config: &Config, upstream: Option<&str>, policies: &PolicyVersion) -> Result<()> {
    data.record_start(concat!("bartizan ", env!("CARGO_PKG_VERSION"))).context("the start cannot be recorded in the ledger")?;
    record_governing(data, config, upstream, policies)
}

/// Who is told of what happens.
#[derive(Default)]
pub struct Listeners {
    /// Of every event.
    pub announce: Option<Announce>,
    /// Of every exchange.
    pub telemetry: Option<Telemetry>,
}

/// Makes the gate.
///
/// # Errors
/// When the machine has no random bytes.
pub fn gate(live: Live, data: &Arc<DataDir>, telemetry: Option<Telemetry>) -> Result<Arc<Gate>> {
    gate_for(live, data, Arc::new(Callers(Arc::clone(data))), Listeners { telemetry, announce: None })
}

/// Makes a gate for other callers than those of the data folder.
///
/// # Errors
/// As [`gate`].
pub fn gate_for(live: Live, data: &Arc<DataDir>, directory: Arc<dyn Directory>, listeners: Listeners) -> Result<Arc<Gate>> {
    let wiring = Wiring {
        journal: data.journal(),
        directory,
        objects: data.objects(),
        originals: Some(data.originals()),
        clock: Arc::new(SystemClock),
        keys: GateKeys { token: *data.derive(KeyUse::Token), key_hash: *data.derive(KeyUse::KeyHash) },
        announce: listeners.announce,
        telemetry: listeners.telemetry,
        faults: None,
    };
    Gate::new(live, wiring).context("the gate cannot be made")
}
