//! A provider that is driven by hand: whoever measures gets each request and sends the pieces of its answer one by one.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// A request that waits for its answer. The answer has begun with status 200 and ends when this is dropped.
#[derive(Debug)]
pub struct Call {
    /// Path with query.
    pub path: String,
    /// The body.
    pub body: Bytes,
    feed: mpsc::Sender<Bytes>,
}

impl Call {
    /// Hands a piece of the answer to the connection, which writes it at once.
    ///
    /// # Errors
    /// When the other side has gone away.
    pub async fn send(&self, piece: Bytes) -> io::Result<()> {
        self.feed.send(piece).await.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody reads the answer any more"))
    }
}

/// The provider. It serves on the runtime that it was started on, and stops when it is dropped.
pub struct DrivenUpstream {
    address: SocketAddr,
    calls: mpsc::UnboundedReceiver<Call>,
    _server: JoinSet<()>,
}

impl DrivenUpstream {
    /// Starts on a free loopback port.
    ///
    /// # Errors
    /// When the port cannot be bound.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (sender, calls) = mpsc::unbounded_channel();
        let mut server = JoinSet::new();
        server.spawn(accept(listener, sender));
        Ok(Self { address, calls, _server: server })
    }

    /// Base URL as an OpenAI client wants it, ending in `/v1`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The next request.
    ///
    /// # Errors
    /// When the server has ended.
    pub async fn call(&mut self) -> io::Result<Call> {
        self.calls.recv().await.ok_or_else(|| io::Error::other("the driven upstream has ended"))
    }
}

async fn accept(listener: TcpListener, calls: mpsc::UnboundedSender<Call>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let calls = calls.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| answer(request, calls.clone()));
            // A connection that breaks shows in the call that it breaks.
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(request: Request<Incoming>, calls: mpsc::UnboundedSender<Call>) -> Result<Response<Fed>, Infallible> {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or_else(|| head.uri.path().to_owned(), ToString::to_string);
    let body = body.collect().await.map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes);
    let (feed, pieces) = mpsc::channel(1);
    // With nobody to drive it, the answer is empty and ends at once.
    drop(calls.send(Call { path, body, feed }));
    let mut response = Response::new(Fed(pieces));
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

/// A body of what comes through a channel.
struct Fed(mpsc::Receiver<Bytes>);

impl Body for Fed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}
