#![doc = include_str!("../README.md")]

mod alone;
mod answer;
mod attachments;
mod attempts;
mod bench;
mod blocking;
mod body;
mod breaker;
mod budget;
mod cache;
mod caches;
mod calling;
mod charge;
mod circuits;
mod conversations;
mod credentials;
mod decode;
mod edit;
mod event_json;
mod exchange;
mod faults;
mod files;
mod gcra;
mod giving_back;
mod growing;
mod guard;
mod handle;
mod headers;
mod hints;
mod inspect;
mod judging;
mod kept;
mod limit_headers;
mod live;
mod logprobs;
mod metrics;
mod models;
mod neighbours;
mod number;
mod objects;
mod observing;
mod pacing;
mod pack;
mod pending;
mod placed;
#[doc(hidden)]
pub mod probe;
mod pulse;
mod query;
mod quotas;
mod random;
mod refuse;
mod remedy;
mod replacing;
mod reread;
mod restoring;
mod retry;
mod routing;
mod server;
mod session;
mod settings;
mod signed;
mod spending;
mod standalone;
mod stream;
mod stream_body;
mod subjects;
mod telemetry;
mod texts;
mod trace_context;
mod translating;
mod upstream;
mod verdict;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use arc_swap::{ArcSwap, Guard};
use bartizan_detect::Minter;
use bartizan_identity::{Directory, Objects, Originals};
use bartizan_ledger::Journal;
use bartizan_ledger::packed::unpacked;
use bartizan_vocabulary::{EndState, Timestamp};
pub use body::{CutOff, GateBody};
pub use breaker::Circuit;
use budget::Budget;
use cache::FindingsCache;
pub use circuits::CircuitState;
pub use faults::{Fault, Faults};
pub use live::Live;
pub use metrics::{Counter, Histogram, Metrics};
pub use pack::{NameReader, PackSettings};
pub use quotas::{Measure, Price, Quota};
use random::Random;
use refuse::RefusalLog;
use replacing::ValueHash;
pub use server::Server;
pub use settings::{
    Auth, Breaking, Clock, Limits, MAX_WAYS, Model, Provider, ProviderKind, Retries, Settings, SharedClock, Timeouts, Waits, Way,
};
pub use spending::{Period, Spent};
pub use telemetry::{Called, Failure, Judged, Observed, Operation, Telemetry, Tell, Vendor};
pub use upstream::ClientError;

/// Gets every event as it is recorded, as JSON. Must not block.
pub type Announce = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// Secrets of the gate, derived from the root key by whoever holds it.
pub struct GateKeys {
    /// Mints pseudonyms.
    pub token: [u8; 32],
    /// Hashes virtual keys.
    pub key_hash: [u8; 32],
}

/// What the gate is wired to.
pub struct Wiring {
    /// Where decisions are recorded.
    pub journal: Arc<dyn Journal>,
    /// Who virtual keys belong to.
    pub directory: Arc<dyn Directory>,
    /// Who made what providers keep.
    pub objects: Arc<dyn Objects>,
    /// Seals what callers carry for the gate. Without it nothing is sealed, and what was taken out of signed reasoning is lost.
    pub originals: Option<Arc<dyn Originals>>,
    /// The wall clock.
    pub clock: SharedClock,
    /// Keys.
    pub keys: GateKeys,
    /// Told of every event.
    pub announce: Option<Announce>,
    /// Told what every exchange was, if somebody exports that.
    pub telemetry: Option<Telemetry>,
    /// Makes guards fail, in tests.
    pub faults: Option<Faults>,
}

/// The data plane: one for a process, shared by all connections.
pub struct Gate {
    live: ArcSwap<Live>,
    wiring: Wiring,
    minter: Minter,
    cache: FindingsCache,
    budget: Arc<Budget>,
    metrics: Metrics,
    random: Random,
    refusals: RefusalLog,
    value_hash: ValueHash,
    /// Look-ups of owners that may begin.
    lookups: Arc<tokio::sync::Semaphore>,
    /// The same for lists, which take longer and may wait.
    listings: Arc<tokio::sync::Semaphore>,
    /// Held while a conversation is bound with what was minted in it.
    carrying: Mutex<()>,
    /// Files and conversations that are being sent: they are bound whether their callers wait or not.
    sends: tokio_util::task::TaskTracker,
    /// Whether whatever still runs is being cut.
    killed: AtomicBool,
}

/// Why a gate cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The operating system has no random bytes.
    #[error("the operating system gave no random bytes")]
    Random(#[source] getrandom::Error),
}

/// The settings in force, borrowed.
pub struct SettingsRef(Guard<Arc<Live>>);

impl std::ops::Deref for SettingsRef {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.0.settings
    }
}

impl Gate {
    /// Makes a gate.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn new(mut live: Live, wiring: Wiring) -> Result<Arc<Self>, GateError> {
        let random = Random::new().map_err(GateError::Random)?;
        live.quotas.set_key(&wiring.keys.token);
        let limits = &live.settings.limits;
        Ok(Arc::new(Self {
            cache: FindingsCache::new(limits.cache_bytes, random.bytes()),
            budget: Budget::new(limits.inflight_bytes),
            minter: Minter::new(wiring.keys.token),
            live: ArcSwap::from_pointee(live),
            metrics: Metrics::default(),
            refusals: RefusalLog::default(),
            value_hash: ValueHash::new(&wiring.keys.token),
            random,
            lookups: objects::permits(objects::LOOKUPS),
            listings: objects::permits(objects::LISTINGS),
            carrying: Mutex::new(()),
            sends: tokio_util::task::TaskTracker::new(),
            wiring,
            killed: AtomicBool::new(false),
        }))
    }

    /// Puts a new configuration in force. Requests under way keep the one they began with.
    pub fn replace(&self, live: Live) {
        self.replace_remembering(live, []);
    }

    /// The same; what was spent from budgets before is known before any request sees them.
    pub fn replace_remembering(&self, mut live: Live, spent: impl IntoIterator<Item = Spent>) {
        live.quotas.set_key(&self.wiring.keys.token);
        live.adopt(&self.live());
        live.quotas.restore(spent);
        self.budget.set_limit(live.settings.limits.inflight_bytes);
        self.live.store(Arc::new(live));
    }

    /// What is in force.
    pub fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    /// The settings in force.
    pub fn settings(&self) -> SettingsRef {
        SettingsRef(self.live.load())
    }

    /// Counters.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// How the circuits of the providers stand, and of the models at each of them.
    pub fn circuits(&self) -> Vec<CircuitState> {
        let live = self.live();
        live.circuits.states(&live.settings, self.now())
    }

    /// What was spent from budgets since this was last asked. Kept by whoever asks: no request waits for that.
    pub fn spent(&self) -> Vec<Spent> {
        self.live().quotas.fresh()
    }

    /// Learns what was spent from budgets before; what is counted already stays as it is.
    pub fn remember_spent(&self, spent: impl IntoIterator<Item = Spent>) {
        self.live().quotas.restore(spent);
    }

    /// Bytes of bodies in flight.
    pub fn inflight_bytes(&self) -> usize {
        self.budget.used()
    }

    /// From now on an answer that nobody took to its end was cut by the gate.
    fn kill(&self) {
        self.killed.store(true, Ordering::Release);
    }

    /// How an answer ended that nobody took to its end; counted where it was the client's doing.
    fn left(&self) -> EndState {
        if self.killed.load(Ordering::Acquire) {
            return EndState::Killed;
        }
        self.metrics.client_gone_total.add(1);
        EndState::ClientGone
    }

    /// Waits for what goes on without its callers.
    async fn sent(&self) {
        self.sends.close();
        self.sends.wait().await;
    }

    fn now(&self) -> Timestamp {
        self.wiring.clock.now()
    }

    fn journal(&self) -> &dyn Journal {
        &*self.wiring.journal
    }

    fn random(&self) -> &Random {
        &self.random
    }

    fn cache(&self) -> &FindingsCache {
        &self.cache
    }

    fn faults(&self) -> Option<&Faults> {
        self.wiring.faults.as_ref()
    }

    fn value_hash(&self) -> &ValueHash {
        &self.value_hash
    }

    fn refusals(&self) -> &RefusalLog {
        &self.refusals
    }

    /// Shows a packed event to whoever wants to see all of them.
    fn announce(&self, event: &[u8]) {
        if let Some(announce) = &self.wiring.announce {
            announce(&unpacked(event));
        }
    }
}
