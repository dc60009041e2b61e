//! `bartizan demo`: a morning of traffic through a real gate on loopback, and what came of each request.
//!
//! The script is data (`scenario.toml`); sending is in `client`, the table and the summary in `report`.

mod client;
mod report;
mod script;
mod values;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use bartizan_gateway::{Gate, Server};
use bartizan_identity::{Credential, CredentialKind, MemoryDirectory};
use bartizan_ledger::TileReader;
use bartizan_store::{DataDir, KeyUse, Options};
use clap::{Args, ValueEnum};
use client::Client;
use report::{Report, Row};
use script::{Key, Scene, Script};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use values::Values;

use crate::config::{AuthConfig, Config, GuardConfig};
use crate::guard::Detectors;
use crate::output::{FOUND, Format};
use crate::wiring::Listeners;
use crate::{audit, clock, sample_model, wiring};

/// How long the record of a request may take to appear.
const PATIENCE: Duration = Duration::from_secs(5);
/// The checkpoint as somebody else would hold it.
const CHECKPOINT: &str = "demo.checkpoint";

/// Arguments of `bartizan demo`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  bartizan demo                    a table, a summary, and the check of its own ledger
  bartizan demo --data demo-data   the folder stays: try `bartizan audit tail --data demo-data`
  bartizan demo --format jsonl     one line of JSON for each request

It needs no provider and no account: the sample model answers, and every value is made up.
Exit code: 0 as the script says, 1 something came otherwise, 2 it could not be played.")]
pub struct DemoArgs {
    /// Keep the data in this folder; without it a folder is made and removed.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value = "table")]
    format: DemoFormat,
}

/// How the demo prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DemoFormat {
    /// For people.
    #[value(alias = "text")]
    Table,
    /// One JSON document a line.
    #[value(alias = "json")]
    Jsonl,
}

/// The gate's events by request id, as it records them.
#[derive(Default)]
struct Events(Mutex<HashMap<String, Vec<Value>>>);

/// What reached the sample model.
#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

/// A gate with everything that the demo needs of it.
struct Stage {
    gate: Arc<Gate>,
    client: Client,
    /// The key of each caller.
    keys: HashMap<String, String>,
    made_up: String,
    events: Arc<Events>,
    seen: Arc<Seen>,
}

impl Events {
    fn note(&self, event: &[u8]) {
        let Ok(event) = serde_json::from_slice::<Value>(event) else { return };
        let Some(id) = event.get("request_id").and_then(Value::as_str).map(str::to_owned) else { return };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default().push(event);
    }

    /// The events of a request once its last one is there.
    async fn of(&self, id: &str) -> Vec<Value> {
        let began = tokio::time::Instant::now();
        loop {
            let events = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned().unwrap_or_default();
            let word = |event: &Value, name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let is_last = |event: &Value| word(event, "direction") == "response" || word(event, "end") == "blocked";
            if events.iter().any(is_last) || began.elapsed() > PATIENCE {
                return events;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Runs `bartizan demo`.
///
/// # Errors
/// What could not be started or read.
pub fn run(args: &DemoArgs) -> Result<u8> {
    let temporary = if args.data.is_none() { Some(tempfile::tempdir().context("a folder for the demo cannot be made")?) } else { None };
    let folder = match (&args.data, &temporary) {
        (Some(data), _) => data.clone(),
        (None, Some(temporary)) => temporary.path().join("data"),
        (None, None) => PathBuf::from("bartizan-data"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime cannot be started")?;
    let data = Arc::new(DataDir::open(&folder, Options::new(clock::for_store()))?);
    let report = runtime.block_on(play(&data, args.format))?;
    keep_checkpoint(&data, &folder)?;
    runtime.shutdown_timeout(Duration::from_secs(2));
    drop(data);
    let checkpoint = folder.join(CHECKPOINT);
    match args.format {
        DemoFormat::Table => {
            report.print_summary(&folder, temporary.is_some())?;
            // Nobody can type the command for a folder that is removed.
            report::print_check(temporary.is_none().then_some((&folder, &checkpoint)))?;
        }
        DemoFormat::Jsonl => report.print_summary_line()?,
    }
    let format = if args.format == DemoFormat::Table { Format::Text } else { Format::Jsonl };
    let verified = audit::verify_folder(&folder, &checkpoint, format)?;
    Ok(if report.is_as_expected() { verified } else { verified.max(FOUND) })
}

/// Copies the log's head out of the log: what somebody else would hold against it.
fn keep_checkpoint(data: &DataDir, folder: &Path) -> Result<()> {
    data.flush().context("the ledger could not be brought up to date")?;
    let note = data.ledger_reader().read("checkpoint")?.context("the ledger has no checkpoint")?;
    let path = folder.join(CHECKPOINT);
    std::fs::write(&path, note).with_context(|| format!("`{}` cannot be written", path.display()))
}

async fn play(data: &Arc<DataDir>, format: DemoFormat) -> Result<Report> {
    let script = Script::builtin()?;
    let tasks = TaskTracker::new();
    let (stop, stopped) = watch::channel(false);
    let listener = TcpListener::bind("127.0.0.1:0").await.context("the demo cannot listen on loopback")?;
    let base = format!("http://{}", listener.local_addr()?);
    let stage = stage(&script, data, &tasks, base).await?;
    let server = tasks.spawn(Server::new(Arc::clone(&stage.gate), None).run(listener, stopped, Duration::from_secs(5)));
    let mut report = Report::new();
    let mut values = Values::new();
    if format == DemoFormat::Table {
        report::print_heading()?;
    }
    for scene in &script.request {
        let row = stage.perform(scene, &mut values).await?;
        match format {
            DemoFormat::Table => row.print()?,
            DemoFormat::Jsonl => crate::output::print_line(&row)?,
        }
        report.add(row);
    }
    let seen = stage.seen.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    report.planted(&values, &seen);
    let _the_server_ended_already = stop.send(true);
    server.await.context("the gate stopped on its own")?;
    stage.gate.flush_refusals();
    Ok(report)
}

/// A real gate: the sample model behind it, the default policies in it, the script's callers before it.
async fn stage(script: &Script, data: &Arc<DataDir>, tasks: &TaskTracker, base: String) -> Result<Stage> {
    let (events, seen) = (Arc::new(Events::default()), Arc::new(Seen::default()));
    let note = Arc::clone(&seen);
    let watch = move |body: &[u8]| note.0.lock().unwrap_or_else(PoisonError::into_inner).push(String::from_utf8_lossy(body).into_owned());
    let sample = sample_model::start_watched(tasks, Arc::new(watch)).await?;
    let mut config = Config::default();
    config.gate.auth = Some(AuthConfig::Keys);
    let settings = config.settings(None, Some(sample), true)?;
    let (mut directory, mut keys) = (MemoryDirectory::default(), HashMap::new());
    let key_hash = data.derive(KeyUse::KeyHash);
    for caller in &script.caller {
        let key = Credential::from_random(CredentialKind::Key, data.salts().next());
        directory.insert(key.hash(&key_hash), Arc::new(caller.principal()));
        keys.insert(caller.name.clone(), key.text().reveal().as_str().to_owned());
    }
    let made_up = Credential::from_random(CredentialKind::Key, data.salts().next()).text().reveal().as_str().to_owned();
    let recorder = Arc::clone(&events);
    let announce = Arc::new(move |event: &[u8]| recorder.note(event));
    let listeners = Listeners { announce: Some(announce), ..Listeners::default() };
    let gate = wiring::gate_for(
        wiring::live(settings, wiring::policies(None)?, &Detectors::read(&GuardConfig::default())?)?,
        data,
        Arc::new(directory),
        listeners,
    )?;
    Ok(Stage { gate, client: Client::new(base), keys, made_up, events, seen })
}

impl Stage {
    fn counts(&self) -> (u64, u64) {
        let metrics = self.gate.metrics();
        (metrics.restored_total.get(), metrics.withheld_total.get())
    }

    /// Sends one request and gathers what came of it.
    async fn perform(&self, scene: &Scene, values: &mut Values) -> Result<Row> {
        let body = scene.body.as_deref().map(|body| values.fill(body).context("the script names an unknown kind of value")).transpose()?;
        let key = match scene.key {
            Key::Own => Some(self.keys.get(&scene.who).with_context(|| format!("the script has no caller `{}`", scene.who))?.as_str()),
            Key::MadeUp => Some(self.made_up.as_str()),
            Key::None => None,
        };
        let before = self.counts();
        let answer = self.client.send(scene, key, body.as_deref()).await?;
        // Of callers that nobody knows there is no event.
        let events = if answer.status == 401 { Vec::new() } else { self.events.of(&answer.request_id).await };
        let after = self.counts();
        Ok(Row::new(scene, &answer, &events, (after.0 - before.0, after.1 - before.1)))
    }
}
