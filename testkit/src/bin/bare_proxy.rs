//! The baseline of `make bench`: the least that a pooled hyper reverse proxy can do. It inspects nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use http::header::{CONNECTION, HOST};
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

/// Passes every request on and every answer back.
#[derive(Parser)]
struct Flags {
    /// Loopback port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where requests go: scheme and authority are used, the path is the client's.
    #[arg(long)]
    upstream: Uri,
}

struct Proxy {
    client: Client<HttpConnector, Incoming>,
    authority: Authority,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let authority = flags.upstream.authority().cloned().context("--upstream needs a host")?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let proxy = Arc::new(Proxy { client: Client::builder(TokioExecutor::new()).build(connector), authority });
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], flags.port))).await?;
    let address = listener.local_addr()?;
    println!("{}", json!({"ready": true, "gate": format!("http://{address}"), "pid": std::process::id()}));
    let mut connections = JoinSet::new();
    // It ends in the ordinary way, so that a build that counts (`make profile`) can write what it counted.
    let mut ended = signal(SignalKind::terminate())?;
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            _ = ended.recv() => return Ok(()),
        };
        stream.set_nodelay(true)?;
        let proxy = Arc::clone(&proxy);
        connections.spawn(async move {
            let service = service_fn(move |request| pass(request, Arc::clone(&proxy)));
            // A broken connection is the client's business.
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn pass(mut request: Request<Incoming>, proxy: Arc<Proxy>) -> Result<Response<BoxBody<Bytes, hyper::Error>>, http::Error> {
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(proxy.authority.clone());
    *request.uri_mut() = Uri::from_parts(parts)?;
    request.headers_mut().remove(HOST);
    request.headers_mut().remove(CONNECTION);
    match proxy.client.request(request).await {
        Ok(response) => Ok(response.map(Incoming::boxed)),
        Err(_) => Response::builder().status(502).body(Empty::new().map_err(|never| match never {}).boxed()),
    }
}
