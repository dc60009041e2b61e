//! The running process, as the admin API sees it: what is in force, and replacing it.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use anyhow::{Result, anyhow};
use bartizan_gateway::Gate;
use bartizan_store::DataDir;
use bartizan_vocabulary::Hidden;
use subtle::ConstantTimeEq;

use crate::config::Config;
use crate::guard::Detectors;
use crate::telemetry::Counts;
use crate::up::{UpArgs, warn_of_open_gate};
use crate::{spending, wiring};

/// A running process.
pub struct App {
    /// The gate.
    pub gate: Arc<Gate>,
    /// The data folder.
    pub data: Arc<DataDir>,
    /// What the gate looks for.
    detectors: RwLock<Arc<Detectors>>,
    start: Start,
    state: State,
}

#[derive(Default)]
struct State {
    draining: AtomicBool,
    /// Why the last reload was refused.
    reload_problem: Mutex<Option<String>>,
    /// One reload at a time: a later one must not be overtaken by what an earlier one read.
    reloading: Mutex<()>,
}

/// With what the process was started.
pub struct Start {
    /// Flags; they stand above the file at every reload.
    pub args: UpArgs,
    /// The configuration: what it says of ports and folders is in force until the end.
    pub config: Config,
    /// Where the sample model listens, if it runs.
    pub sample: Option<SocketAddr>,
    /// `BARTIZAN_ADMIN_TOKEN`, in place of the token in the data folder.
    pub admin_token: Option<Hidden<String>>,
    /// What became of what is exported, if anything is.
    pub telemetry: Option<Arc<Counts>>,
}

impl App {
    /// A process that has just started.
    pub fn new(gate: Arc<Gate>, data: Arc<DataDir>, detectors: Detectors, start: Start) -> Self {
        Self { gate, data, detectors: RwLock::new(Arc::new(detectors)), start, state: State::default() }
    }

    /// Reads configuration and policies again. Bad ones never replace good ones. Gives the keys of the file that differ from the start
    /// and need a restart.
    ///
    /// # Errors
    /// Says what is wrong; what was in force stays.
    pub fn reload(&self) -> Result<Vec<&'static str>> {
        let _one_at_a_time = self.state.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        // Everything is made before anything is replaced, so a panic leaves what was in force.
        let result = catch_unwind(AssertUnwindSafe(|| self.try_reload()))
            .unwrap_or_else(|_| Err(anyhow!("reading the configuration again failed by a fault of ours; the log says where")));
        let problem = result.as_ref().err().map(|error| format!("{error:#}"));
        if let Some(problem) = &problem {
            tracing::error!(problem, "the configuration was not replaced; the one before it stays in force");
        }
        *self.state.reload_problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
        result
    }

    fn try_reload(&self) -> Result<Vec<&'static str>> {
        let config = self.start.args.config()?;
        config.check()?;
        let had_keys = self.data.directory().had_keys();
        let settings = |config: &Config| config.settings(self.start.args.upstream(), self.start.sample, had_keys);
        // The next start must be able to use the file; what is in force must fit the ports that this process has.
        settings(&config)?;
        let in_force = config.on_ports_of(&self.start.config);
        let settings = settings(&in_force)?;
        let policies = wiring::policies(config.policy.dir.as_deref())?;
        let version = policies.version().clone();
        warn_of_open_gate(&settings);
        let detectors = Detectors::read(&in_force.guard)?;
        let live = wiring::live(settings, policies, &detectors)?;
        // A budget may have been taken out before and be back now.
        let spent = spending::before(&self.data)?;
        wiring::record_governing(&self.data, &in_force, self.start.args.upstream(), &version)?;
        self.gate.replace_remembering(live, spent);
        *self.detectors.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(detectors);
        let waiting = config.needs_restart(&self.start.config);
        if waiting.is_empty() {
            tracing::info!(policy.version = %version, "the configuration was replaced");
        } else {
            let keys = waiting.join(", ");
            tracing::warn!(policy.version = %version, keys, "the configuration was replaced; a restart is needed for the keys named here");
        }
        Ok(waiting)
    }

    /// What the gate looks for now.
    pub fn detectors(&self) -> Arc<Detectors> {
        Arc::clone(&self.detectors.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What became of what is exported, if anything is.
    pub fn telemetry(&self) -> Option<&Counts> {
        self.start.telemetry.as_deref()
    }

    /// Whether this is the token that the environment names; `None` when it names none.
    pub fn is_admin_token(&self, presented: &str) -> Option<bool> {
        let token = self.start.admin_token.as_ref()?;
        Some(token.reveal().as_bytes().ct_eq(presented.as_bytes()).into())
    }

    /// The process is ending from now on.
    pub fn drain(&self) {
        self.state.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the process is ending.
    pub fn is_draining(&self) -> bool {
        self.state.draining.load(Ordering::Relaxed)
    }

    /// Why the last reload was refused, if it was.
    pub fn reload_problem(&self) -> Option<String> {
        self.state.reload_problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
