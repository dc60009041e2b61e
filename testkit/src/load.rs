//! A closed-loop load generator: each connection sends its next request when the last answer is complete.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::stats::quantile;

type Bodies = Arc<dyn Fn(u64) -> Bytes + Send + Sync>;
type Observer = Arc<dyn Fn(&Seen) + Send + Sync>;

/// What to send, where, and for how long.
#[derive(Clone)]
pub struct Plan {
    /// Where the server listens.
    pub target: SocketAddr,
    /// Request path.
    pub path: String,
    /// Extra request headers.
    pub headers: Vec<(String, String)>,
    /// Body of the n-th request.
    pub bodies: Bodies,
    /// Connections, each with one request at a time.
    pub connections: usize,
    /// Stop starting requests after this long.
    pub duration: Duration,
    /// Stop after so many requests, if given.
    pub count: Option<u64>,
    /// Raised by somebody else: stop now.
    pub stop: Arc<AtomicBool>,
    /// Called for every answer whose head arrived.
    pub observer: Option<Observer>,
    /// What every body must hold; an answer without it is an error.
    pub expect: Option<Bytes>,
}

impl Plan {
    /// The same body to `POST /v1/chat/completions` over and over.
    pub fn same(target: SocketAddr, body: Bytes, connections: usize, duration: Duration) -> Self {
        Self {
            target,
            path: "/v1/chat/completions".to_owned(),
            headers: Vec::new(),
            bodies: Arc::new(move |_| body.clone()),
            connections,
            duration,
            count: None,
            stop: Arc::default(),
            observer: None,
            expect: None,
        }
    }
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Whether the body arrived to its end.
    pub complete: bool,
}

/// What came of a plan.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Complete answers with status 200.
    pub requests: u64,
    /// Everything else: refused, cut, other status, without what was expected.
    pub errors: u64,
    /// Body bytes received.
    pub bytes: u64,
    /// Median time from the first byte sent to the last received, in microseconds.
    pub p50_us: f64,
    /// 99th percentile of the same.
    pub p99_us: f64,
    /// Time of the whole run, in microseconds.
    pub wall_us: u64,
}

struct Tally {
    plan: Plan,
    started: Instant,
    next: AtomicU64,
    errors: AtomicU64,
    bytes: AtomicU64,
    times: Mutex<Vec<f64>>,
}

/// Runs a plan on the current tokio runtime.
pub async fn run(plan: Plan) -> Report {
    let connections = plan.connections;
    let tally = Arc::new(Tally {
        plan,
        started: Instant::now(),
        next: AtomicU64::new(0),
        errors: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        times: Mutex::default(),
    });
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        workers.spawn(worker(Arc::clone(&tally)));
    }
    while workers.join_next().await.is_some() {}
    let mut times = std::mem::take(&mut *tally.times.lock().unwrap_or_else(PoisonError::into_inner));
    Report {
        requests: times.len() as u64,
        errors: tally.errors.load(Ordering::Relaxed),
        bytes: tally.bytes.load(Ordering::Relaxed),
        p50_us: quantile(&mut times, 0.5),
        p99_us: quantile(&mut times, 0.99),
        wall_us: u64::try_from(tally.started.elapsed().as_micros()).unwrap_or(u64::MAX),
    }
}

impl Tally {
    /// The number of the next request, or `None` when it is time to stop.
    fn next(&self) -> Option<u64> {
        if self.plan.stop.load(Ordering::Relaxed) || self.started.elapsed() >= self.plan.duration {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.plan.count.is_none_or(|count| number < count).then_some(number)
    }

    fn failed(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }
}

/// One connection after another, one request after another.
async fn worker(tally: Arc<Tally>) {
    let mut drivers = JoinSet::new();
    let mut sender = None;
    let mut times = Vec::new();
    while let Some(number) = tally.next() {
        let open = match sender.take() {
            Some(open) => Ok(open),
            None => connect(tally.plan.target, &mut drivers).await,
        };
        let Ok(mut open) = open else {
            tally.failed();
            tokio::time::sleep(Duration::from_millis(2)).await;
            continue;
        };
        let begun = Instant::now();
        if exchange(&tally, &mut open, number).await == Some(200) {
            times.push(begun.elapsed().as_secs_f64() * 1e6);
        } else {
            tally.failed();
        }
        sender = open.ready().await.is_ok().then_some(open);
    }
    tally.times.lock().unwrap_or_else(PoisonError::into_inner).append(&mut times);
}

async fn connect(target: SocketAddr, drivers: &mut JoinSet<()>) -> Result<SendRequest<Full<Bytes>>, std::io::Error> {
    let stream = TcpStream::connect(target).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
    drivers.spawn(async move {
        // A broken connection shows in the exchange that it breaks.
        drop(connection.await);
    });
    Ok(sender)
}

/// Sends one request and reads its answer. The status, if the answer arrived to its end and is as expected.
async fn exchange(tally: &Tally, sender: &mut SendRequest<Full<Bytes>>, number: u64) -> Option<u16> {
    let mut builder =
        Request::post(&tally.plan.path).header("host", tally.plan.target.to_string()).header("content-type", "application/json");
    for (name, value) in &tally.plan.headers {
        builder = builder.header(name, value);
    }
    let request = builder.body(Full::new((tally.plan.bodies)(number))).ok()?;
    let response = sender.send_request(request).await.ok()?;
    let (head, mut body) = response.into_parts();
    let mut complete = true;
    let mut received = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            complete = false;
            break;
        };
        tally.bytes.fetch_add(frame.data_ref().map_or(0, Bytes::len) as u64, Ordering::Relaxed);
        if let (Some(_), Some(data)) = (&tally.plan.expect, frame.data_ref()) {
            received.extend_from_slice(data);
        }
    }
    let status = head.status.as_u16();
    if let Some(observer) = &tally.plan.observer {
        observer(&Seen { status, headers: head.headers, complete });
    }
    let as_expected = tally.plan.expect.as_ref().is_none_or(|part| memchr::memmem::find(&received, part).is_some());
    (complete && as_expected).then_some(status)
}
