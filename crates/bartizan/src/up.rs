//! `bartizan up`: start, reload, drain.

use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use bartizan_gateway::{Auth, Gate, Model, ProviderKind, Server, Settings};
use bartizan_store::{DataDir, Options};
use bartizan_vocabulary::Hidden;
use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::address::AdminAddress;
use crate::app::{App, Start};
use crate::config::{Config, address};
use crate::guard::Detectors;
use crate::output::say;
use crate::spending::{self, Keeper};
use crate::{admin, clock, sample_model, telemetry, wiring};

/// Arguments of `bartizan up`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  bartizan up                           the sample model answers; nothing leaves this machine
  bartizan up --upstream http://127.0.0.1:9000/v1
                                        every model name goes to that server
  bartizan up --config bartizan.toml    providers, models and limits from a file

It prints one line of JSON when it is ready, and a `curl` line to try. SIGHUP reads configuration
and policies again, SIGTERM ends it without cutting requests. Callers on this machine need no key
until you make the first one with `bartizan keys create`. BARTIZAN_LOG=debug says more,
BARTIZAN_ADMIN_TOKEN sets the token of the admin API.")]
pub struct UpArgs {
    /// Configuration file (TOML); every key in it has a default.
    #[arg(long, env = "BARTIZAN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder: ledger, keys, event index.
    #[arg(long, env = "BARTIZAN_DATA", default_value = "bartizan-data", value_name = "DIR")]
    data: PathBuf,
    /// Address and port of the gate, 127.0.0.1:8080 without it; port 0 takes a free one.
    #[arg(long, env = "BARTIZAN_LISTEN", value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// Address and port of the admin API, 127.0.0.1:8081 without it.
    #[arg(long, env = "BARTIZAN_ADMIN_LISTEN", value_name = "ADDR:PORT")]
    admin_listen: Option<String>,
    /// Folder of Cedar policies; without it the built-in set.
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// Send every model to this base URL (OpenAI's format, and Anthropic's where it speaks it).
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Write the ready line to this file too.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Root key outside the data folder.
    #[arg(long, env = "BARTIZAN_ROOT_KEY_FILE", hide = true)]
    root_key_file: Option<PathBuf>,
}

impl UpArgs {
    /// File and flags together.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn config(&self) -> Result<Config> {
        let mut config = self.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
        if let Some(listen) = &self.listen {
            config.gate.listen.clone_from(listen);
        }
        if let Some(listen) = &self.admin_listen {
            config.admin.listen.clone_from(listen);
        }
        if let Some(dir) = &self.policies {
            config.policy.dir = Some(dir.clone());
        }
        config.telemetry.with_environment(|name| std::env::var(name).ok());
        Ok(config)
    }

    /// The base URL that every model goes to.
    pub fn upstream(&self) -> Option<&str> {
        self.upstream.as_deref()
    }

    fn store_options(&self, config: &Config) -> Result<Options> {
        Ok(Options {
            root_key_file: self.root_key_file.clone(),
            power_loss_safe: config.ledger.power_loss_safe,
            checkpoint_copy: config.ledger.checkpoint_copy.clone(),
            retention_days: config.retention.days()?,
            object_days: config.retention.object_days()?,
            origin: config.ledger.origin.clone(),
            ..Options::new(clock::for_store())
        })
    }
}

/// Runs until a signal ends it.
///
/// # Errors
/// What could not be started, and what to do.
pub fn run(args: &UpArgs) -> Result<u8> {
    let config = args.config()?;
    config.check()?;
    let admin_token = admin::token_of_environment()?;
    let opened = DataDir::open(&args.data, args.store_options(&config)?);
    let unusable = || format!("the data folder `{}` cannot be used (`--data` names another)", args.data.display());
    let data = Arc::new(opened.with_context(unusable)?);
    warn(args, &config, &data);
    if let Some(token) = &admin_token {
        admin::warn_of_short(token);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime cannot be started")?;
    let result = runtime.block_on(start(args, config, &data, admin_token));
    runtime.shutdown_timeout(Duration::from_secs(2));
    result
}

/// What the operator should hear at the start.
fn warn(args: &UpArgs, config: &Config, data: &DataDir) {
    if let Some(warning) = data.warning() {
        tracing::warn!("{warning}");
    }
    if let Some(path) = &args.root_key_file
        && let Ok(about) = std::fs::metadata(path)
        && about.permissions().mode() & 0o077 != 0
    {
        let mode = format!("{:o}", about.permissions().mode() & 0o777);
        let path = path.display();
        tracing::warn!(%path, mode, "others on this machine can read the root key, and with it everything here; make it `chmod 600`");
    }
    let key = data.verifier_key();
    if let Some(origin) = config.ledger.origin.as_deref().filter(|origin| *origin != key.name()) {
        tracing::warn!(origin, in_force = key.name(), "`ledger.origin` has no effect: the log has had its name since the first start");
    }
}

/// Says so when everybody on this machine can spend a provider's credential.
pub fn warn_of_open_gate(settings: &Settings) {
    if settings.auth == Auth::Anonymous && settings.providers.iter().any(|provider| provider.api_key.is_some()) {
        tracing::warn!(
            "callers need no key, and a provider's credential is configured: whoever reaches this port uses it; make a key with `bartizan keys create --name NAME`"
        );
    }
}

async fn start(args: &UpArgs, config: Config, data: &Arc<DataDir>, admin_token: Option<Hidden<String>>) -> Result<u8> {
    // Before anybody is told that the process is ready: a signal that comes at once is not to kill it.
    let signals = Signals::new()?;
    let tasks = TaskTracker::new();
    let (stop, stopped) = watch::channel(false);
    let needs_sample = args.upstream.is_none() && config.providers.is_empty();
    let sample = if needs_sample { Some(sample_model::start(&tasks).await?) } else { None };
    let settings = config.settings(args.upstream(), sample, data.directory().had_keys())?;
    warn_of_open_gate(&settings);
    let policies = wiring::policies(config.policy.dir.as_deref())?;
    let version = policies.version().clone();
    let telemetry = telemetry::start(&config.telemetry, &tasks)?;
    let detectors = Detectors::read(&config.guard)?;
    let live = wiring::live(settings, policies, &detectors)?;
    let gate = wiring::gate(live, data, telemetry.as_ref().map(|running| running.telemetry.clone()))?;
    // Before anything is served: a purse that was spent from is not filled up from the data folder.
    gate.remember_spent(spending::before(data)?);
    let (listener, gate_tls) = (bind(&config.gate.listen, "gate.listen", "--listen").await?, config.gate.tls()?);
    let (admin, admin_tls) = (bind(&config.admin.listen, "admin.listen", "--admin-listen").await?, config.admin.tls()?);
    let addresses = (url(listener.local_addr()?, gate_tls.is_some()), url(admin.local_addr()?, admin_tls.is_some()));
    let (drain, at) = (Duration::from_secs(config.gate.drain_seconds), AdminAddress::new(&addresses.1, config.admin.tls_cert.as_deref()));
    let hosts = config.admin.hosts.clone();
    wiring::record_start(data, &config, args.upstream(), &version)?;
    let counts = telemetry.as_ref().map(|running| Arc::clone(&running.counts));
    let start = Start { args: args.clone(), config, sample, admin_token, telemetry: counts };
    let app = Arc::new(App::new(Arc::clone(&gate), Arc::clone(data), detectors, start));
    let server = tasks.spawn(Server::new(Arc::clone(&gate), gate_tls).run(listener, stopped, drain));
    // The admin port outlives the drain, so that whoever asks hears that it is under way.
    let (stop_admin, admin_stopped) = watch::channel(false);
    let keeper_stopped = admin_stopped.clone();
    let admin = tasks.spawn(admin::serve(Arc::clone(&app), admin, admin_tls, hosts, admin_stopped));
    // What requests spend while they are drained is kept every second, too.
    let keeper = tasks.spawn(every_second(Arc::clone(&gate), Arc::clone(data), keeper_stopped));
    at.write(data.path())?;
    announce(args, data, &addresses)?;
    say(&invitation(&reachable(&addresses.0), &gate.settings(), sample.is_some()));
    signals.wait(&app).await;
    tracing::info!("draining");
    app.drain();
    let _everybody_left_already = stop.send(true);
    server.await.context("the gate stopped on its own")?;
    if let Some(telemetry) = telemetry {
        telemetry.finish().await;
    }
    let _nobody_asks_any_more = stop_admin.send(true);
    admin.await.context("the admin port stopped on its own")?;
    AdminAddress::remove(data.path());
    gate.flush_refusals();
    // The same one: what it could not keep before is tried once more.
    keeper.await.context("nobody kept what was spent from budgets")?.keep(&gate, data).await;
    if let Err(error) = data.record_stop() {
        tracing::warn!(error = &error as &dyn std::error::Error, "the end could not be recorded in the ledger");
    }
    data.flush().context("the ledger could not be brought up to date")?;
    Ok(0)
}

async fn every_second(gate: Arc<Gate>, data: Arc<DataDir>, mut stopped: watch::Receiver<bool>) -> Keeper {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let mut keeper = Keeper::default();
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                gate.flush_refusals();
                keeper.keep(&gate, &data).await;
            }
            _ = stopped.changed() => return keeper,
        }
    }
}

/// The signals that mean something; from its making on they no longer end the process.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    reload: Signal,
    kill: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("the process cannot listen for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            reload: listen(SignalKind::hangup())?,
            kill: listen(SignalKind::user_defined2())?,
        })
    }

    /// Does what signals ask for, until one asks for the end.
    async fn wait(mut self, app: &Arc<App>) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.reload.recv() => {
                    let again = Arc::clone(app);
                    let _the_problem_is_kept_and_logged = tokio::task::spawn_blocking(move || again.reload()).await;
                }
                _ = self.kill.recv() => tracing::error!("SIGUSR2: the kill switch is not built yet; stop the process to stop all traffic"),
            }
        }
    }
}

async fn bind(text: &str, key: &str, flag: &str) -> Result<TcpListener> {
    let address = address(text, key)?;
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::AddrInUse => "another process uses this port",
            ErrorKind::AddrNotAvailable => "this machine does not have this address",
            ErrorKind::PermissionDenied => "ports below 1024 need a privilege",
            _ => "it cannot be opened",
        };
        anyhow!(error).context(format!("cannot listen on `{address}`: {hint}; choose another with `{flag} 127.0.0.1:PORT` or `{key}` in the file (port 0 takes a free one)"))
    })
}

fn url(address: SocketAddr, tls: bool) -> String {
    format!("{}://{address}", if tls { "https" } else { "http" })
}

fn announce(args: &UpArgs, data: &DataDir, (gate, admin): &(String, String)) -> Result<()> {
    let ready = json!({
        "ready": true, "gate": gate, "admin": admin,
        "admin_token_file": data.admin_token_file(), "pid": std::process::id(),
    });
    let line = format!("{ready}\n");
    // The file first: who reads the line may look for it at once.
    if let Some(path) = &args.ready_file {
        let part = path.with_extension("part");
        std::fs::write(&part, &line)
            .and_then(|()| std::fs::rename(&part, path))
            .with_context(|| format!("`{}` cannot be written", path.display()))?;
    }
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()).context("the ready line cannot be printed")?;
    Ok(())
}

/// The URL that a client on this machine can call: nobody calls `0.0.0.0`.
fn reachable(url: &str) -> String {
    url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
}

/// What to type first, on the first model that speaks the format.
fn invitation(url: &str, settings: &Settings, is_sample: bool) -> String {
    let speaks = |model: &&Model| settings.provider(model).is_some_and(|provider| provider.kind != ProviderKind::Anthropic);
    let openai = settings.models.iter().find(speaks);
    let name = openai.or(settings.models.first()).map_or("sample", |model| model.name.as_str());
    let (model, put) = match name {
        "*" if is_sample => ("sample", ""),
        // Any name is passed on; which ones the provider knows is not known here.
        "*" => ("MODEL", ", with a model's name for MODEL"),
        name => (name, ""),
    };
    let (path, most) = if openai.is_some() { ("chat/completions", "") } else { ("messages", "\"max_tokens\":100,") };
    let text = format!("My card is 4111 1111 1111 1111, mail me at ada@example.com. {}", sample_model::SHOW);
    let insecure = if url.starts_with("https") { "k" } else { "" };
    let (who, key) = match settings.auth {
        Auth::Keys => ("callers need a key: `bartizan keys create --name me` prints one; then ", " -H 'authorization: Bearer KEY'"),
        Auth::Anonymous if is_sample => ("the sample model answers, and shows what reached it; ", ""),
        Auth::Anonymous => ("", ""),
    };
    format!(
        "{who}try{put}:\n  curl -s{insecure} {url}/v1/{path} -H 'content-type: application/json'{key} \\\n    \
         -d '{{\"model\":\"{model}\",{most}\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}}]}}'"
    )
}
