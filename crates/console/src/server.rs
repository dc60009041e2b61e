//! Listening: connections, TLS, bounds, and the end.

use std::net::SocketAddr;
use std::sync::Arc;
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
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::Connection;
use crate::guests::{Guest, House, IDLE, Socket};

/// Requests under way may take so long at the end.
const DRAIN: Duration = Duration::from_secs(5);

/// Bytes and number of request headers.
const HEADER_BYTES: usize = 32 * 1024;
const HEADERS: usize = 64;

pub(crate) async fn run(router: Router, listener: TcpListener, tls: Option<Arc<ServerConfig>>, mut stopped: watch::Receiver<bool>) {
    let tls = tls.map(TlsAcceptor::from);
    let (tasks, graceful) = (TaskTracker::new(), GracefulShutdown::new());
    let house = House::new();
    while !*stopped.borrow() {
        let accepted = tokio::select! {
            accepted = accept(&listener, &house) => accepted,
            changed = stopped.changed() => if changed.is_err() { break } else { continue },
        };
        let Some((stream, peer, guest)) = accepted else { continue };
        let (router, tls, watcher, house) = (router.clone(), tls.clone(), graceful.watcher(), Arc::clone(&house));
        tasks.spawn(async move {
            tokio::select! {
                biased;
                () = connection(router, tls, stream, peer, watcher, &guest) => {}
                () = guest.overstays() => tracing::debug!("an administrative connection was idle, or not read, for too long"),
            }
            house.left(&guest);
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

async fn accept(listener: &TcpListener, house: &House) -> Option<(TcpStream, SocketAddr, Arc<Guest>)> {
    match listener.accept().await {
        Ok((stream, peer)) => house.enter().await.map(|guest| (stream, peer, guest)),
        Err(error) => {
            // Out of file descriptors: wait for connections to end instead of spinning.
            tracing::warn!(%error, "an administrative connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn connection(router: Router, tls: Option<TlsAcceptor>, stream: TcpStream, peer: SocketAddr, watcher: Watcher, guest: &Arc<Guest>) {
    let Ok(local) = stream.local_addr() else { return };
    let connection = Connection { peer: peer.ip(), local: local.ip() };
    let stream = Socket::new(stream, Arc::clone(guest));
    match tls {
        None => serve(router, TokioIo::new(stream), connection, watcher, guest).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(router, TokioIo::new(stream), connection, watcher, guest).await;
            } else {
                tracing::debug!("a TLS handshake on the admin port failed");
            }
        }
    }
}

async fn serve<I>(router: Router, io: TokioIo<I>, connection: Connection, watcher: Watcher, guest: &Arc<Guest>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE).max_buf_size(HEADER_BYTES).max_headers(HEADERS);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(32 * 1024).max_concurrent_streams(16);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let asking = guest.asks();
        request.extensions_mut().insert(connection);
        let answer = router.call(request);
        async move {
            let answer = answer.await;
            drop(asking);
            answer
        }
    });
    if let Err(error) = watcher.watch(builder.serve_connection(io, service)).await {
        tracing::debug!(%error, "an administrative connection ended early");
    }
}
