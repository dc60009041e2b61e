//! Exporting what happens, by OTLP over HTTP, to a collector of the operator's choice: spans and metrics in the words of
//! OpenTelemetry. The gate tells what an exchange was; everything else is here.
//!
//! No request waits for it: what an exchange was goes into a bounded queue, and is dropped and counted where that is full. Nothing here
//! waits without an end, a shutdown included.

mod client;
mod counts;
mod instruments;
mod names;
mod settings;
mod spans;
#[cfg(test)]
mod tests;

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bartizan_gateway::{Observed, Telemetry, Tell};
use opentelemetry::metrics::MeterProvider;
use opentelemetry::{InstrumentationScope, Key, KeyValue};
use opentelemetry_otlp::{MetricExporter, Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SpanData, SpanExporter as _};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::task::TaskTracker;

use self::client::{Collector, PATIENCE};
pub use self::counts::Counts;
use self::instruments::Instruments;
use self::settings::Export;
pub use self::settings::TelemetryConfig;

/// Exchanges that wait to be taken along.
const QUEUE: usize = 2_048;
/// Spans that wait to be sent.
const WAITING: usize = 8_192;
/// Spans of one request to the collector.
const BATCH: usize = 512;
/// Time for what is left at the end.
const DRAIN: Duration = Duration::from_secs(2);

/// An export that runs.
pub struct Running {
    /// What the gate is given.
    pub telemetry: Telemetry,
    /// What became of what was told.
    pub counts: Arc<Counts>,
    stop: watch::Sender<bool>,
    cut: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// One export of spans that is under way.
type Sending = Pin<Box<dyn Future<Output = (usize, OTelSdkResult)> + Send>>;

/// What takes exchanges along, on a task of its own.
struct Worker {
    queue: mpsc::Receiver<Box<Observed>>,
    scope: InstrumentationScope,
    instruments: Instruments,
    meters: SdkMeterProvider,
    exporter: Arc<SpanExporter>,
    counts: Arc<Counts>,
    waiting: Vec<SpanData>,
    sending: Option<Sending>,
}

/// Begins to export, if there is somewhere to.
///
/// # Errors
/// Says what cannot be used.
pub fn start(config: &TelemetryConfig, tasks: &TaskTracker) -> Result<Option<Running>> {
    let Some(export) = config.export()? else { return Ok(None) };
    let counts = Arc::new(Counts::default());
    let ((stop, stopped), (cut, cutting)) = (watch::channel(false), watch::channel(false));
    let (sender, queue) = mpsc::channel(QUEUE);
    let tell = teller(sender, Arc::clone(&counts));
    let worker = Worker::new(&export, &Collector::new(Arc::clone(&counts), cutting), queue, Arc::clone(&counts))?;
    tracing::info!(endpoint = export.endpoint, sample_ratio = export.ratio, "telemetry is exported");
    let task = tasks.spawn(worker.run(export.interval, stopped));
    Ok(Some(Running { telemetry: Telemetry::new(export.ratio, tell), counts, stop, cut, task }))
}

/// Puts an exchange into the queue, or counts that it has no room. Never waits.
fn teller(sender: mpsc::Sender<Box<Observed>>, counts: Arc<Counts>) -> Tell {
    Arc::new(move |observed| {
        if sender.try_send(observed).is_err() {
            counts.exchanges_dropped.add(1);
        }
    })
}

impl Running {
    /// Sends what is left, for a little while.
    pub async fn finish(self) {
        let _nobody_listens_any_more = self.stop.send(true);
        let mut task = self.task;
        if tokio::time::timeout(DRAIN, &mut task).await.is_err() {
            tracing::warn!("the collector was too slow at the end; what was left was dropped");
            let _nobody_waits_any_more = self.cut.send(true);
            task.abort();
        }
    }
}

/// Who exports: what the environment says of it, its name and version, and an id of this process.
fn resource(export: &Export) -> Resource {
    let environment = Resource::builder().build();
    let named = environment.get(&Key::new(names::SERVICE_NAME)).map(|name| name.to_string());
    let usual = named.is_none_or(|name| name.starts_with("unknown_service")).then(|| names::SCOPE.to_owned());
    let name = export.service_name.clone().or(usual).map(|name| KeyValue::new(names::SERVICE_NAME, name));
    let has_instance = environment.get(&Key::new(names::SERVICE_INSTANCE_ID)).is_some();
    let instance =
        (!has_instance).then(|| KeyValue::new(names::SERVICE_INSTANCE_ID, RandomIdGenerator::default().new_trace_id().to_string()));
    let version = KeyValue::new(names::SERVICE_VERSION, env!("CARGO_PKG_VERSION"));
    Resource::builder().with_attributes(name.into_iter().chain(instance).chain([version])).build()
}

impl Worker {
    fn new(export: &Export, collector: &Collector, queue: mpsc::Receiver<Box<Observed>>, counts: Arc<Counts>) -> Result<Self> {
        let headers = export.headers.reveal();
        let spans = SpanExporter::builder().with_http().with_http_client(collector.clone()).with_headers(headers.clone());
        let spans =
            spans.with_protocol(Protocol::HttpBinary).with_timeout(PATIENCE).with_endpoint(format!("{}/v1/traces", export.endpoint));
        let metrics = MetricExporter::builder().with_http().with_http_client(collector.clone()).with_headers(headers.clone());
        // They are totals: the next ones say it all.
        let metrics = metrics.with_protocol(Protocol::HttpBinary).with_timeout(PATIENCE).with_retry_policy(RetryPolicy::disabled());
        let metrics = metrics.with_endpoint(format!("{}/v1/metrics", export.endpoint));
        let problem = "telemetry cannot be exported as it is configured";
        let mut exporter = spans.build().context(problem)?;
        let resource = resource(export);
        exporter.set_resource(&resource);
        let reader = PeriodicReader::builder(metrics.build().context(problem)?).with_interval(export.interval).build();
        let meters = SdkMeterProvider::builder().with_reader(reader).with_resource(resource).build();
        let scope = InstrumentationScope::builder(names::SCOPE).with_version(env!("CARGO_PKG_VERSION")).build();
        let instruments = Instruments::new(&meters.meter_with_scope(scope.clone()));
        let (waiting, sending) = (Vec::new(), None);
        Ok(Self { queue, scope, instruments, meters, exporter: Arc::new(exporter), counts, waiting, sending })
    }

    async fn run(mut self, interval: Duration, mut stopped: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let sending = async {
                match &mut self.sending {
                    Some(sending) => sending.await,
                    None => pending().await,
                }
            };
            tokio::select! {
                Some(observed) = self.queue.recv() => self.take(&observed),
                sent = sending => self.sent(sent),
                _ = ticks.tick() => self.send(1),
                _ = stopped.changed() => break,
            }
            self.send(BATCH);
        }
        self.drain().await;
    }

    /// Takes an exchange along. It counts; its spans wait, if there is room.
    fn take(&mut self, observed: &Observed) {
        self.instruments.record(observed);
        if !observed.sampled {
            return;
        }
        let spans = spans::spans(observed, &self.scope);
        if self.waiting.len() + spans.len() > WAITING {
            self.counts.spans_dropped.add(spans.len() as u64);
        } else {
            self.waiting.extend(spans);
        }
    }

    /// Begins to send what waits, if it is at least so much and nothing is under way.
    fn send(&mut self, least: usize) {
        if self.sending.is_some() || self.waiting.len() < least.max(1) {
            return;
        }
        let rest = self.waiting.split_off(self.waiting.len().min(BATCH));
        let batch = std::mem::replace(&mut self.waiting, rest);
        let exporter = Arc::clone(&self.exporter);
        self.sending = Some(Box::pin(async move { (batch.len(), exporter.export(batch).await) }));
    }

    fn sent(&mut self, (count, result): (usize, OTelSdkResult)) {
        self.sending = None;
        match result {
            Ok(()) => self.counts.spans_exported.add(count as u64),
            Err(_) => self.counts.spans_dropped.add(count as u64),
        }
    }

    /// What is left at the end. Whoever waits for it gives up in time.
    async fn drain(mut self) {
        let meters = self.meters.clone();
        while let Ok(observed) = self.queue.try_recv() {
            self.take(&observed);
        }
        // It waits for its own thread.
        let last = tokio::task::spawn_blocking(move || meters.shutdown());
        loop {
            self.send(1);
            let Some(sending) = &mut self.sending else { break };
            let sent = sending.await;
            self.sent(sent);
        }
        let _what_was_not_taken_is_counted = last.await;
    }
}
