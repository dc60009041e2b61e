#![doc = include_str!("../README.md")]

mod access;
mod control;
mod detection;
mod guests;
mod handlers;
mod input;
mod origin;
mod problem;
mod routes;
mod server;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
pub use control::{
    After, Control, ControlError, CreatedKey, CreatedToken, Erasure, EventQuery, ListedKey, ListedToken, NewKey, NewToken, Since,
};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
pub use routes::{Access, routes};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Where a request came from and arrived.
#[derive(Clone, Copy, Debug)]
struct Connection {
    peer: IpAddr,
    local: IpAddr,
}

/// The admin API over a [`Control`].
#[derive(Clone)]
pub struct Console {
    router: Router,
}

impl Console {
    /// An API that may be addressed by loopback names, by the address that was called, and by these names.
    pub fn new(control: Arc<dyn Control>, hosts: Vec<String>) -> Self {
        Self { router: routes::router(control, hosts) }
    }

    /// Accepts until `stopped` turns true, then lets requests under way end for a few seconds.
    pub async fn serve(self, listener: TcpListener, tls: Option<Arc<ServerConfig>>, stopped: watch::Receiver<bool>) {
        server::run(self.router, listener, tls, stopped).await;
    }

    /// Answers one request as if it had come from this machine. It needs a token like any other.
    pub async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let mut request = request.map(Full::new);
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        request.extensions_mut().insert(Connection { peer: here, local: here });
        let Ok(response) = TowerToHyperService::new(self.router.clone()).call(request).await;
        let (parts, body) = response.into_parts();
        // The bodies of this API are whole already: collecting cannot fail.
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Response::from_parts(parts, body)
    }
}
