//! Listening: connections, TLS, HTTP/1.1 and HTTP/2, and the drain.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::placed::placed;
use crate::pulse::{Answering, Finding, Pulse, Streams, TICKS, Watched};
use crate::settings::HEADERS;
use crate::{Gate, Settings};

/// TLS handshakes that take longer are dropped.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Bytes that a socket takes in beyond what is under way to the client. Without a bound it is megabytes, and writes wait until a third
/// of them is gone: a client that reads slowly would look like one that does not read.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 128 << 10;

/// How long connections that are broken off may take to say so in the journal.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long connections may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// As long as they like.
    Open,
    /// Until their requests are answered.
    Draining,
    /// No longer.
    Over,
}

/// A listening gate.
pub struct Server {
    gate: Arc<Gate>,
    tls: Option<TlsAcceptor>,
    tasks: TaskTracker,
    stage: watch::Sender<Stage>,
    slots: Arc<Semaphore>,
}

impl Server {
    /// A server for a gate.
    pub fn new(gate: Arc<Gate>, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let slots = Arc::new(Semaphore::new(gate.settings().limits.connections));
        Self { gate, tls: tls.map(TlsAcceptor::from), tasks: TaskTracker::new(), stage: watch::Sender::new(Stage::Open), slots }
    }

    /// Accepts until `stop` turns true, then drains for at most `drain`. What still runs then is broken off, and recorded as killed
    /// before this returns.
    pub async fn run(self, listener: TcpListener, mut stop: watch::Receiver<bool>, drain: Duration) {
        bound_unsent(&listener);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                changed = stop.changed() => if changed.is_err() || *stop.borrow() { break } else { continue },
            };
            match accepted {
                Ok((stream, peer)) => {
                    // A full house must not keep the drain from beginning.
                    tokio::select! {
                        () = self.connection(stream, peer) => {}
                        _ = stop.wait_for(|stop| *stop) => break,
                    }
                }
                Err(error) => {
                    // Out of file descriptors: wait for connections to end instead of spinning.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(listener);
        self.tasks.close();
        self.stage.send_replace(Stage::Draining);
        if tokio::time::timeout(drain, self.ended()).await.is_ok() {
            return;
        }
        tracing::warn!(drain.seconds = drain.as_secs(), "some requests were still running when the drain ended; they are cut");
        self.gate.kill();
        self.stage.send_replace(Stage::Over);
        if tokio::time::timeout(FAREWELL, self.ended()).await.is_err() {
            tracing::warn!("some requests could not be cut");
        }
    }

    /// Waits for all connections, and for what goes on behind them.
    async fn ended(&self) {
        self.tasks.wait().await;
        self.gate.sent().await;
    }

    async fn connection(&self, stream: TcpStream, peer: SocketAddr) {
        let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { return };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let gate = Arc::clone(&self.gate);
        let tls = self.tls.clone();
        let seat = Seat { gate, peer, pulse: Pulse::new(), tasks: self.tasks.clone(), stage: self.stage.subscribe() };
        self.tasks.spawn(async move {
            let stream = Watched::new(stream, Arc::clone(&seat.pulse));
            let gate = Arc::clone(&seat.gate);
            gate.metrics().connections.add(1);
            match tls {
                None => serve(seat, TokioIo::new(stream)).await,
                Some(acceptor) => match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => serve(seat, TokioIo::new(stream)).await,
                    _ => gate.metrics().refused_before_request_total.add(1),
                },
            }
            gate.metrics().connections.sub(1);
            drop(slot);
        });
    }
}

/// Accepted sockets inherit it.
#[cfg(target_os = "linux")]
fn bound_unsent(listener: &TcpListener) {
    if let Err(error) = socket2::SockRef::from(listener).set_tcp_notsent_lowat(UNSENT) {
        tracing::debug!(%error, "TCP_NOTSENT_LOWAT could not be set");
    }
}

/// Elsewhere the system decides.
#[cfg(not(target_os = "linux"))]
fn bound_unsent(_listener: &TcpListener) {}

/// What one connection goes with.
struct Seat {
    gate: Arc<Gate>,
    peer: SocketAddr,
    pulse: Arc<Pulse>,
    tasks: TaskTracker,
    stage: watch::Receiver<Stage>,
}

/// How HTTP is spoken: within limits.
fn builder(settings: &Settings, tasks: TaskTracker) -> Builder<Streams> {
    let patience = settings.timeouts.client;
    let mut builder = Builder::new(Streams { tasks, patience });
    // Never `pipeline_flush`: with it hyper writes nothing while anything is left to read, and queues answers without bound.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(settings.limits.header_bytes.max(8_192));
    if settings.limits.headers != HEADERS {
        // Any number that is set, the usual one too, costs hyper an allocation for each request.
        builder.http1().max_headers(settings.limits.headers);
    }
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(settings.limits.header_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(256)
        .keep_alive_interval(Duration::from_secs(30));
    builder
}

async fn serve<I>(seat: Seat, io: TokioIo<I>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Seat { gate, peer, pulse, tasks, mut stage } = seat;
    let settings = gate.settings();
    let patience = settings.timeouts.client;
    let builder = builder(&settings, tasks);
    drop(settings);
    let service = service_fn(|request| {
        let open = pulse.request();
        let gate = Arc::clone(&gate);
        // Else hyper moves all of it into its place for each request.
        placed(move || async move { Ok::<_, Infallible>(gate.handle(request, peer).await.map(|body| Answering::new(body, open))) })
    });
    let mut connection = pin!(builder.serve_connection(io, service));
    let (mut seen, mut leaving) = (Stage::Open, false);
    // hyper's own limit on headers begins when it knows which HTTP is spoken, and knows nothing of writes and of idle HTTP/2.
    let tick = patience / TICKS;
    let mut timer = pin!(tokio::time::sleep(tick));
    loop {
        tokio::select! {
            biased;
            ended = &mut connection => return note_end(&gate, ended),
            changed = stage.wait_for(|stage| *stage != seen) => match changed.map(|stage| *stage) {
                Ok(Stage::Draining) => {
                    seen = Stage::Draining;
                    connection.as_mut().graceful_shutdown();
                }
                _ => return,
            },
            () = &mut timer => {
                timer.as_mut().reset(tokio::time::Instant::now() + tick);
                match pulse.tick() {
                    Finding::Well => {}
                    Finding::Idle if !leaving => {
                        leaving = true;
                        connection.as_mut().graceful_shutdown();
                    }
                    Finding::Silent => {
                        gate.metrics().refused_before_request_total.add(1);
                        return;
                    }
                    Finding::Idle | Finding::Unread => {
                        tracing::debug!("a connection was not used, or not read, for too long");
                        return;
                    }
                }
            }
        }
    }
}

/// A broken answer ends here too: that is how an aborted stream looks. Parse errors of hyper are counted, they never reach a handler.
fn note_end(gate: &Gate, ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            gate.metrics().refused_before_request_total.add(1);
        }
        tracing::debug!(%error, "a connection ended early");
    }
}
