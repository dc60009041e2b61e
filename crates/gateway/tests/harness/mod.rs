//! A gate on a free port between a scripted provider and a raw client, with a journal in memory.

mod client;
mod journal;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bartizan_detect::Detector;
use bartizan_detect::names::Names;
use bartizan_detect::phrases::{Dictionary, Phrases};
use bartizan_detect::subjects::Subjects;
use bartizan_gateway::{
    Auth, Breaking, Clock, Faults, Gate, GateKeys, Limits, Live, Model, Provider, ProviderKind, Retries, Server, Settings, Timeouts, Waits,
    Wiring,
};
use bartizan_identity::{Credential, CredentialKind, MemoryDirectory, MemoryObjects, Objects, Originals};
use bartizan_policy::{Judge, PolicySet, ProviderFacts, Source, default_sources};
use bartizan_testkit::ScriptedUpstream;
use bartizan_vocabulary::{Hidden, KeyId, Principal, PrincipalId, PrincipalKind, Timestamp};
pub use client::{Call, Reply, Wire};
pub use journal::{Ill, Memory};
use tokio::sync::watch;

/// A clock that stands still until somebody moves it.
#[derive(Default)]
pub struct Hands {
    /// Seconds that went by.
    gone: AtomicI64,
    /// Seconds by which the wall clock was put back.
    back: AtomicI64,
}

impl Hands {
    /// Moves it on.
    pub fn forward(&self, seconds: i64) {
        self.gone.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Puts the wall clock back; below zero, forward.
    pub fn put_back(&self, seconds: i64) {
        self.back.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        let seconds = self.gone.load(Ordering::SeqCst) - self.back.load(Ordering::SeqCst);
        Timestamp::from_micros((1_790_000_000 + seconds) * 1_000_000)
    }

    fn steady(&self) -> Duration {
        Duration::from_secs(self.gone.load(Ordering::SeqCst).unsigned_abs())
    }
}

const KEY_HASH: [u8; 32] = [7; 32];

/// What a house is built of; the default is the product's.
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that a test may ask for")]
pub struct Plan {
    /// Policies instead of the built-in ones.
    pub policies: Option<String>,
    /// Policies besides the built-in ones.
    pub more: &'static str,
    pub auth: Auth,
    pub limits: Limits,
    pub timeouts: Timeouts,
    pub telemetry: Option<bartizan_gateway::Telemetry>,
    pub faults: Option<Faults>,
    pub fail_open: bool,
    /// Names are looked for too.
    pub names: bool,
    /// What reads names in requests besides.
    pub pack: Option<bartizan_gateway::PackSettings>,
    /// Requests are sorted by what they are about.
    pub subjects: bool,
    /// Phrases of a dictionary that are looked for too.
    pub words: &'static [&'static str],
    pub kind: ProviderKind,
    /// Where the provider is, if not the scripted one.
    pub base_url: Option<String>,
    pub api_key: Option<&'static str>,
    pub pass_client_key: bool,
    /// Any other model name leads to the provider too.
    pub any: bool,
    /// Who made what providers keep.
    pub objects: Option<Arc<dyn Objects>>,
    /// Seals what callers carry.
    pub originals: Option<Arc<dyn Originals>>,
    /// What is different in the settings.
    pub adjust: Option<Adjust>,
}

type Adjust = Box<dyn FnOnce(&mut Settings)>;

impl Default for Plan {
    fn default() -> Self {
        Self {
            policies: None,
            more: "",
            auth: Auth::Keys,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            telemetry: None,
            faults: None,
            fail_open: false,
            names: false,
            pack: None,
            subjects: false,
            words: &[],
            kind: ProviderKind::Both,
            base_url: None,
            api_key: Some("sk-provider"),
            pass_client_key: false,
            any: false,
            objects: None,
            originals: None,
            adjust: None,
        }
    }
}

/// Everything that one test talks to.
pub struct House {
    pub gate: Arc<Gate>,
    pub journal: Arc<Memory>,
    pub upstream: ScriptedUpstream,
    pub clock: Arc<Hands>,
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    server: Option<tokio::task::JoinHandle<()>>,
    pub runtime: tokio::runtime::Runtime,
}

/// A virtual key by its number; 1 to 3 are known, 3 may name `gpt-4o-mini` only.
pub fn key(number: u8) -> String {
    Credential::from_random(CredentialKind::Key, [number; 32]).text().reveal().to_string()
}

fn directory() -> MemoryDirectory {
    let mut directory = MemoryDirectory::default();
    for number in 1..=3 {
        let hash = Credential::from_random(CredentialKind::Key, [number; 32]).hash(&KEY_HASH);
        let principal = Principal {
            id: PrincipalId::new(format!("user:{number}")),
            kind: PrincipalKind::User,
            key: Some(KeyId::new(format!("key-{number}"))),
            groups: Vec::new(),
            models: (number == 3).then(|| vec!["gpt-4o-mini".into()]),
        };
        directory.insert(hash, Arc::new(principal));
    }
    directory
}

fn settings(plan: &Plan, upstream: &ScriptedUpstream) -> Settings {
    let base_url = plan.base_url.clone().unwrap_or_else(|| upstream.url()).parse().unwrap();
    let provider = |name: &str, kind| Provider {
        name: name.into(),
        kind,
        base_url: http::Uri::clone(&base_url),
        api_key: plan.api_key.map(|key| Hidden::new(key.to_owned())),
        pass_client_key: plan.pass_client_key,
        api_version: None,
        facts: ProviderFacts::default(),
        waits: Waits::default(),
    };
    let model = |name: &str, provider, upstream_name: Option<&str>| Model::at(name, provider, upstream_name.map(str::to_owned));
    Settings {
        auth: plan.auth,
        hosts: vec!["gate.example".to_owned()],
        providers: vec![
            provider("main", plan.kind),
            provider("openai", ProviderKind::OpenAi),
            provider("anthropic", ProviderKind::Anthropic),
            Provider { api_version: Some("2024-10-21".to_owned()), ..provider("azure", ProviderKind::Azure) },
            provider("gemini", ProviderKind::Gemini),
        ],
        models: [
            model("gpt-4o-mini", 0, None),
            model("claude-sonnet", 0, None),
            model("alias", 0, Some("the \"real\" one")),
            model("only-openai", 1, None),
            model("only-anthropic", 2, None),
            model("on-azure", 3, Some("our deployment/1")),
            model("only-gemini", 4, None),
            model("gem-alias", 4, Some("models/gemini-real")),
        ]
        .into_iter()
        .chain(plan.any.then(|| model("*", 0, None)))
        .collect(),
        limits: plan.limits.clone(),
        timeouts: plan.timeouts.clone(),
        quotas: Vec::new(),
        prices: Vec::new(),
        retries: Retries::default(),
        breaking: Breaking::default(),
        extra_roots: None,
        own_secrets: vec![Hidden::new("the-administrators-own-word".to_owned())],
        seal_key: None,
        fail_open: plan.fail_open,
    }
}

fn judge(plan: &Plan) -> Judge {
    let mut sources = match &plan.policies {
        Some(text) => vec![Source { name: "given.cedar".to_owned(), text: text.clone() }],
        None => default_sources(),
    };
    sources.push(Source { name: "more.cedar".to_owned(), text: plan.more.to_owned() });
    Judge::new(PolicySet::load(&sources).unwrap_or_else(|errors| panic!("{errors}")), 1_024)
}

impl House {
    /// The product's defaults.
    pub fn new() -> Self {
        Self::build(Plan::default())
    }

    /// A house by a plan.
    pub fn build(mut plan: Plan) -> Self {
        let upstream = ScriptedUpstream::start().unwrap();
        let (journal, clock) = (Arc::new(Memory::default()), Arc::new(Hands::default()));
        let objects = plan.objects.take().unwrap_or_else(|| Arc::new(MemoryObjects::default()));
        let mut settings = settings(&plan, &upstream);
        if let Some(adjust) = plan.adjust.take() {
            adjust(&mut settings);
        }
        let rules = Detector::builtin().unwrap();
        let mut detector = if plan.names { rules.with_names(Names::builtin().unwrap()) } else { rules };
        if plan.subjects {
            detector = detector.with_subjects(Subjects::builtin().unwrap()).unwrap();
        }
        if !plan.words.is_empty() {
            let dictionary = Dictionary::parse(&format!("[dictionary]\nlabel = 'custom.projects'\nwords = {:?}", plan.words)).unwrap();
            detector = detector.with_phrases(Phrases::new(&dictionary).unwrap());
        }
        let live = Live::new(settings, detector, judge(&plan)).unwrap();
        let live = match plan.pack.take() {
            Some(pack) => live.with_pack(pack).unwrap(),
            None => live,
        };
        let wiring = Wiring {
            journal: Arc::clone(&journal) as Arc<dyn bartizan_ledger::Journal>,
            directory: Arc::new(directory()),
            objects,
            originals: plan.originals.take(),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            keys: GateKeys { token: [3; 32], key_hash: KEY_HASH },
            announce: None,
            telemetry: plan.telemetry,
            faults: plan.faults,
        };
        let gate = Gate::new(live, wiring).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let server = Server::new(Arc::clone(&gate), None);
        let server = Some(runtime.spawn(server.run(listener, stopped, Duration::from_millis(100))));
        Self { gate, journal, upstream, clock, address, stop, server, runtime }
    }

    /// Drains, and waits for the end of it.
    pub fn stop(&mut self) {
        self.stop.send(true).unwrap();
        self.runtime.block_on(self.server.take().unwrap()).unwrap();
    }

    /// Sends a call and reads its whole answer.
    pub fn send(&self, call: &Call) -> Reply {
        let mut wire = Wire::open(self.address);
        wire.send(call);
        wire.reply()
    }

    /// Asks something in OpenAI's format.
    pub fn chat(&self, body: &str) -> Reply {
        self.send(&Call::chat(body))
    }

    /// The raw bytes that the provider got last.
    pub fn seen(&self) -> String {
        self.upstream.requests().last().map(bartizan_testkit::Recorded::text).expect("the provider was asked")
    }
}

/// Status, code and sentence of a refusal in OpenAI's format.
pub fn error(reply: &Reply) -> (u16, String, String) {
    let error = reply.json();
    let word = |name: &str| error["error"][name].as_str().unwrap_or_default().to_owned();
    (reply.status, word("code"), word("message"))
}

/// The events of all that was recorded, once the last exchange has ended.
pub fn events(house: &House) -> Vec<serde_json::Value> {
    house.journal.wait_for("end");
    house.journal.all().into_iter().filter_map(|one| one.event).collect()
}
