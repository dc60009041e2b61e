//! Listening: connections, TLS, HTTP/1.1 and HTTP/2, and the drain.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::Gate;

/// TLS handshakes that take longer are dropped.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A listening gate.
pub struct Server {
    gate: Arc<Gate>,
    tls: Option<TlsAcceptor>,
    tasks: TaskTracker,
    graceful: GracefulShutdown,
    slots: Arc<Semaphore>,
}

impl Server {
    /// A server for a gate.
    pub fn new(gate: Arc<Gate>, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let slots = Arc::new(Semaphore::new(gate.settings().limits.connections));
        Self { gate, tls: tls.map(TlsAcceptor::from), tasks: TaskTracker::new(), graceful: GracefulShutdown::new(), slots }
    }

    /// Accepts until `stop` turns true, then drains for at most `drain`.
    pub async fn run(self, listener: TcpListener, mut stop: watch::Receiver<bool>, drain: Duration) {
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
        let all = async {
            self.graceful.shutdown().await;
            self.tasks.wait().await;
        };
        if tokio::time::timeout(drain, all).await.is_err() {
            tracing::warn!(drain.seconds = drain.as_secs(), "some requests were still running when the drain ended");
        }
    }

    async fn connection(&self, stream: TcpStream, peer: SocketAddr) {
        let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { return };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let gate = Arc::clone(&self.gate);
        let tls = self.tls.clone();
        let watcher = self.graceful.watcher();
        self.tasks.spawn(async move {
            gate.metrics().connections.add(1);
            match tls {
                None => serve(&gate, TokioIo::new(stream), peer, watcher).await,
                Some(acceptor) => match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => serve(&gate, TokioIo::new(stream), peer, watcher).await,
                    _ => gate.metrics().refused_before_request_total.add(1),
                },
            }
            gate.metrics().connections.sub(1);
            drop(slot);
        });
    }
}

async fn serve<I>(gate: &Arc<Gate>, io: TokioIo<I>, peer: SocketAddr, watcher: hyper_util::server::graceful::Watcher)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let settings = gate.settings();
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.timeouts.client)
        .max_buf_size(settings.limits.header_bytes.max(8_192))
        .max_headers(settings.limits.headers)
        .pipeline_flush(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(settings.limits.header_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(256)
        .keep_alive_interval(Duration::from_secs(30));
    let patience = settings.timeouts.client;
    drop(settings);
    let asked = AtomicBool::new(false);
    let service = service_fn(|request| {
        asked.store(true, Ordering::Relaxed);
        let gate = Arc::clone(gate);
        async move { Ok::<_, Infallible>(gate.handle(request, peer).await) }
    });
    let connection = watcher.watch(builder.serve_connection(io, service));
    // hyper's own limit on headers begins when it knows which HTTP is spoken; whoever says nothing would stay for ever.
    let silence = async {
        tokio::time::sleep(patience).await;
        if asked.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    };
    let ended = tokio::select! {
        ended = connection => ended,
        () = silence => {
            gate.metrics().refused_before_request_total.add(1);
            return;
        }
    };
    if let Err(error) = ended {
        // A broken answer ends here too: that is how an aborted stream looks. Parse errors of hyper are counted, they never reach a handler.
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            gate.metrics().refused_before_request_total.add(1);
        }
        tracing::debug!(%error, "a connection ended early");
    }
}
