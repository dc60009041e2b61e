//! `bartizan up`: start, reload, drain.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bartizan_gateway::{Gate, Server};
use bartizan_store::{DataDir, Options};
use clap::Args;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::address::AdminAddress;
use crate::config::{Config, address};
use crate::{clock, sample_model, wiring};

/// Arguments of `bartizan up`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  bartizan up                                     the sample model answers; nothing leaves this machine
  bartizan up --upstream http://127.0.0.1:9000/v1 every model name goes to that server
  bartizan up --config bartizan.toml              providers, models and limits from a file")]
pub struct UpArgs {
    /// Configuration file.
    #[arg(long, env = "BARTIZAN_CONFIG")]
    config: Option<PathBuf>,
    /// Data folder: ledger, keys, event index.
    #[arg(long, env = "BARTIZAN_DATA", default_value = "bartizan-data")]
    data: PathBuf,
    /// Address and port of the gate; port 0 takes a free one.
    #[arg(long, env = "BARTIZAN_LISTEN", value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// Address and port of the admin API.
    #[arg(long, env = "BARTIZAN_ADMIN_LISTEN", value_name = "ADDR:PORT")]
    admin_listen: Option<String>,
    /// Folder of Cedar policies; without it the built-in set.
    #[arg(long)]
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

/// A running process, as the admin API sees it.
pub struct App {
    /// The gate.
    pub gate: Arc<Gate>,
    /// The data folder.
    pub data: Arc<DataDir>,
    args: UpArgs,
    sample: Option<SocketAddr>,
    draining: AtomicBool,
    /// Why the last reload was refused.
    reload_problem: Mutex<Option<String>>,
}

impl UpArgs {
    /// File and flags together.
    fn config(&self) -> Result<Config> {
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
        Ok(config)
    }

    fn store_options(&self, config: &Config) -> Result<Options> {
        Ok(Options {
            root_key_file: self.root_key_file.clone(),
            power_loss_safe: config.ledger.power_loss_safe,
            checkpoint_copy: config.ledger.checkpoint_copy.clone(),
            retention_days: config.retention_days()?,
            origin: config.ledger.origin.clone(),
            ..Options::new(clock::for_store())
        })
    }
}

impl App {
    /// Reads configuration and policies again. Bad ones never replace good ones.
    ///
    /// # Errors
    /// Says what is wrong; what was in force stays.
    pub fn reload(&self) -> Result<()> {
        let result = self.try_reload();
        let problem = result.as_ref().err().map(|error| format!("{error:#}"));
        if let Some(problem) = &problem {
            tracing::error!(problem, "the configuration was not replaced; the one before it stays in force");
        }
        *self.reload_problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
        result
    }

    fn try_reload(&self) -> Result<()> {
        let config = self.args.config()?;
        let settings = config.settings(self.args.upstream.as_deref(), self.sample, self.data.directory().has_keys())?;
        let policies = wiring::policies(config.policy.dir.as_deref())?;
        let version = policies.version().clone();
        let live = wiring::live(settings, policies)?;
        wiring::record_governing(&self.data, &config, self.args.upstream.as_deref(), &version)?;
        self.gate.replace(live);
        tracing::info!(policy.version = %version, "the configuration was replaced");
        Ok(())
    }

    /// Whether the process is ending.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Why the last reload was refused, if it was.
    pub fn reload_problem(&self) -> Option<String> {
        self.reload_problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Runs until a signal ends it.
///
/// # Errors
/// What could not be started, and what to do.
pub fn run(args: &UpArgs) -> Result<u8> {
    let config = args.config()?;
    let data = Arc::new(DataDir::open(&args.data, args.store_options(&config)?)?);
    if let Some(warning) = data.warning() {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime cannot be started")?;
    let result = runtime.block_on(start(args, &config, &data));
    runtime.shutdown_timeout(Duration::from_secs(2));
    result
}

async fn start(args: &UpArgs, config: &Config, data: &Arc<DataDir>) -> Result<u8> {
    let tasks = TaskTracker::new();
    let (stop, stopped) = watch::channel(false);
    let needs_sample = args.upstream.is_none() && config.providers.is_empty();
    let sample = if needs_sample { Some(sample_model::start(&tasks).await?) } else { None };
    let settings = config.settings(args.upstream.as_deref(), sample, data.directory().has_keys())?;
    let policies = wiring::policies(config.policy.dir.as_deref())?;
    let version = policies.version().clone();
    let gate = wiring::gate(wiring::live(settings, policies)?, data, None)?;
    let listener = bind(&config.gate.listen, "gate.listen").await?;
    let admin = bind(&config.admin.listen, "admin.listen").await?;
    let gate_tls = tls(config.gate.tls_cert.as_deref(), config.gate.tls_key.as_deref(), "gate")?;
    let admin_tls = tls(config.admin.tls_cert.as_deref(), config.admin.tls_key.as_deref(), "admin")?;
    let addresses = (url(listener.local_addr()?, gate_tls.is_some()), url(admin.local_addr()?, admin_tls.is_some()));
    let (draining, reload_problem) = (AtomicBool::new(false), Mutex::new(None));
    let app = Arc::new(App { gate: Arc::clone(&gate), data: Arc::clone(data), args: args.clone(), sample, draining, reload_problem });
    wiring::record_start(data, config, args.upstream.as_deref(), &version)?;
    let server = tasks.spawn(Server::new(Arc::clone(&gate), gate_tls).run(
        listener,
        stopped.clone(),
        Duration::from_secs(config.gate.drain_seconds),
    ));
    // The admin port outlives the drain, so that whoever asks hears that it is under way.
    let (stop_admin, admin_stopped) = watch::channel(false);
    let at = AdminAddress::new(&addresses.1, config.admin.tls_cert.as_deref());
    let admin = tasks.spawn(crate::admin::serve(Arc::clone(&app), admin, admin_tls, config.admin.hosts.clone(), admin_stopped));
    tasks.spawn(every_second(Arc::clone(&gate), stopped));
    at.write(data.path())?;
    announce(args, data, &addresses, sample.is_some())?;
    wait_for_signals(&app).await?;
    tracing::info!("draining");
    app.draining.store(true, Ordering::Relaxed);
    let _everybody_left_already = stop.send(true);
    server.await.context("the gate stopped on its own")?;
    let _nobody_asks_any_more = stop_admin.send(true);
    admin.await.context("the admin port stopped on its own")?;
    AdminAddress::remove(data.path());
    gate.flush_refusals();
    if let Err(error) = data.record_stop() {
        tracing::warn!(error = &error as &dyn std::error::Error, "the end could not be recorded in the ledger");
    }
    data.flush().context("the ledger could not be brought up to date")?;
    Ok(0)
}

async fn every_second(gate: Arc<Gate>, mut stopped: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = ticks.tick() => gate.flush_refusals(),
            _ = stopped.changed() => return,
        }
    }
}

async fn wait_for_signals(app: &Arc<App>) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut reload = signal(SignalKind::hangup())?;
    let mut kill = signal(SignalKind::user_defined2())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = reload.recv() => {
                let again = Arc::clone(app);
                let _the_problem_is_kept_and_logged = tokio::task::spawn_blocking(move || again.reload()).await;
            }
            _ = kill.recv() => tracing::error!("SIGUSR2: the kill switch is not built yet; stop the process to stop all traffic"),
        }
    }
}

async fn bind(text: &str, key: &str) -> Result<TcpListener> {
    let address = address(text, key)?;
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on `{address}` (`{key}`); is another process using the port?"))
}

fn url(address: SocketAddr, tls: bool) -> String {
    format!("{}://{address}", if tls { "https" } else { "http" })
}

fn tls(cert: Option<&Path>, key: Option<&Path>, section: &str) -> Result<Option<Arc<rustls::ServerConfig>>> {
    let (cert, key) = match (cert, key) {
        (None, None) => return Ok(None),
        (Some(cert), Some(key)) => (cert, key),
        _ => bail!("`{section}.tls_cert` and `{section}.tls_key` belong together: set both or none"),
    };
    let chain = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.with_context(|| format!("the certificate `{}` cannot be read", cert.display()))?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| format!("the private key `{}` cannot be read", key.display()))?;
    let mut config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).context("certificate and key do not fit")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config)))
}

fn announce(args: &UpArgs, data: &DataDir, (gate, admin): &(String, String), sample: bool) -> Result<()> {
    let ready = json!({
        "ready": true, "gate": gate, "admin": admin,
        "admin_token_file": data.admin_token_file(), "pid": std::process::id(),
    });
    let line = format!("{ready}\n");
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()).context("the ready line cannot be printed")?;
    if let Some(path) = &args.ready_file {
        let part = path.with_extension("part");
        std::fs::write(&part, &line)
            .and_then(|()| std::fs::rename(&part, path))
            .with_context(|| format!("`{}` cannot be written", path.display()))?;
    }
    let who = if sample { "the sample model answers; " } else { "" };
    eprintln!(
        "{who}try:\n  curl -s {gate}/v1/chat/completions -H 'content-type: application/json' \\\n    -d '{{\"model\":\"sample\",\"messages\":[{{\"role\":\"user\",\"content\":\"My card is 4111 1111 1111 1111, mail me at ada@example.com\"}}]}}'"
    );
    Ok(())
}
