//! Listening: connections, TLS, bounds, and the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::Connection;

/// Request headers and TLS handshakes that take longer are dropped; it counts from connecting.
const HEADER_TIME: Duration = Duration::from_secs(10);

/// Requests under way may take so long at the end.
const DRAIN: Duration = Duration::from_secs(5);

/// Connections at a time. A further one takes the place of one that has asked nothing yet, or waits.
const CONNECTIONS: usize = 256;

/// Bytes and number of request headers.
const HEADER_BYTES: usize = 32 * 1024;
const HEADERS: usize = 64;

/// Room for connections. Whoever connects and says nothing keeps nobody out.
struct House {
    slots: Arc<Semaphore>,
    /// Wakes the connection that has been silent for longest.
    make_room: Notify,
}

impl House {
    async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return Some(slot);
        }
        self.make_room.notify_one();
        Arc::clone(&self.slots).acquire_owned().await.ok()
    }
}

pub(crate) async fn run(router: Router, listener: TcpListener, tls: Option<Arc<ServerConfig>>, mut stopped: watch::Receiver<bool>) {
    let tls = tls.map(TlsAcceptor::from);
    let (tasks, graceful) = (TaskTracker::new(), GracefulShutdown::new());
    let house = Arc::new(House { slots: Arc::new(Semaphore::new(CONNECTIONS)), make_room: Notify::new() });
    while !*stopped.borrow() {
        let accepted = tokio::select! {
            accepted = accept(&listener, &house) => accepted,
            changed = stopped.changed() => if changed.is_err() { break } else { continue },
        };
        let Some((stream, peer, slot)) = accepted else { continue };
        let (router, tls, watcher, house) = (router.clone(), tls.clone(), graceful.watcher(), Arc::clone(&house));
        tasks.spawn(async move {
            let asked = AtomicBool::new(false);
            tokio::select! {
                biased;
                () = connection(router, tls, stream, peer, watcher, &asked) => {}
                () = silence(&house, &asked) => tracing::debug!("an administrative connection asked nothing"),
            }
            drop(slot);
        });
    }
    drop(listener);
    tasks.close();
    let all = async {
        graceful.shutdown().await;
        tasks.wait().await;
    };
    if tokio::time::timeout(DRAIN, all).await.is_err() {
        tracing::warn!("some administrative requests were still running at the end");
    }
}

async fn accept(listener: &TcpListener, house: &House) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    match listener.accept().await {
        Ok((stream, peer)) => house.enter().await.map(|slot| (stream, peer, slot)),
        Err(error) => {
            // Out of file descriptors: wait for connections to end instead of spinning.
            tracing::warn!(%error, "an administrative connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// Ends when a connection has asked nothing in time, or its place is needed before it asks. hyper's own limit on headers begins when it
/// knows which HTTP is spoken: whoever says nothing would stay for ever.
async fn silence(house: &House, asked: &AtomicBool) {
    tokio::select! {
        () = tokio::time::sleep(HEADER_TIME) => {}
        () = house.make_room.notified() => {
            if asked.load(Ordering::Relaxed) {
                // Not me: the next one.
                house.make_room.notify_one();
            }
        }
    }
    if asked.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

async fn connection(router: Router, tls: Option<TlsAcceptor>, stream: TcpStream, peer: SocketAddr, watcher: Watcher, asked: &AtomicBool) {
    let Ok(local) = stream.local_addr() else { return };
    let connection = Connection { peer: peer.ip(), local: local.ip() };
    match tls {
        None => serve(router, TokioIo::new(stream), connection, watcher, asked).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(router, TokioIo::new(stream), connection, watcher, asked).await;
            } else {
                tracing::debug!("a TLS handshake on the admin port failed");
            }
        }
    }
}

async fn serve<I>(router: Router, io: TokioIo<I>, connection: Connection, watcher: Watcher, asked: &AtomicBool)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).max_buf_size(HEADER_BYTES).max_headers(HEADERS);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(32 * 1024).max_concurrent_streams(16);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(connection);
        router.call(request)
    });
    if let Err(error) = watcher.watch(builder.serve_connection(io, service)).await {
        tracing::debug!(%error, "an administrative connection ended early");
    }
}
