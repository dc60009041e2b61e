//! The accept loop and the HTTP side of the scripted upstream.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::body::ScriptBody;
use crate::upstream::{Recorded, Shared};

/// Path under which the recorded requests are read and dropped.
const REQUESTS: &str = "/__requests";
/// Path under which an answer is queued from outside; see [`queue_script`].
const SCRIPT: &str = "/__script";

/// Accepts connections until `stopped` fires or its sender is gone, then drops them all.
pub(crate) async fn until_stopped(listener: TcpListener, shared: Arc<Shared>, mut stopped: oneshot::Receiver<()>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            _ = &mut stopped => return,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
        };
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let state = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(move |request| handle(request, Arc::clone(&state)));
            let builder = auto::Builder::new(TokioExecutor::new());
            // A connection that breaks is what many scripts are about; the client sees it.
            drop(builder.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn handle(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<ScriptBody>, Infallible> {
    let (head, body) = request.into_parts();
    if head.uri.path() == REQUESTS {
        return Ok(respond(about_requests(&head.method, &shared), &shared));
    }
    let body = body.collect().await.map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes);
    if head.uri.path() == SCRIPT {
        return Ok(respond(queue_script(&body, &shared), &shared));
    }
    let path = head.uri.path_and_query().map_or_else(|| head.uri.path().to_owned(), ToString::to_string);
    let recorded = Recorded { method: head.method.to_string(), path, headers: header_list(&head.headers), body };
    let answer = shared.answer(recorded);
    if !answer.delay.is_zero() {
        tokio::time::sleep(answer.delay).await;
    }
    Ok(respond(answer, &shared))
}

fn header_list(headers: &HeaderMap) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
}

fn respond(answer: Answer, shared: &Shared) -> Response<ScriptBody> {
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    let gone = Arc::clone(&shared.gone);
    builder.body(ScriptBody::new(answer, Arc::clone(&gone))).unwrap_or_else(|error| {
        let explained = Answer::whole(500, "text/plain", format!("the script cannot be sent: {error}"));
        let mut response = Response::new(ScriptBody::new(explained, gone));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

/// `GET` lists what was recorded, `DELETE` drops it.
fn about_requests(method: &Method, shared: &Shared) -> Answer {
    if method == Method::DELETE {
        shared.forget();
        return Answer::json("[]");
    }
    let list: Vec<Value> = shared
        .requests()
        .iter()
        .map(|request| {
            let headers: serde_json::Map<String, Value> =
                request.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            json!({"method": request.method, "path": request.path, "headers": headers, "body": request.text()})
        })
        .collect();
    Answer::json(Value::Array(list).to_string())
}

/// An answer as another process describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    status: Option<u16>,
    content_type: Option<String>,
    /// Pieces of the body; one piece is sent whole, more are an event stream.
    pieces: Vec<String>,
    #[serde(default)]
    dies: bool,
    #[serde(default)]
    delay_ms: u64,
}

/// `POST` queues the answer for the next request.
fn queue_script(body: &Bytes, shared: &Shared) -> Answer {
    let script: Script = match serde_json::from_slice(body) {
        Ok(script) => script,
        Err(error) => return Answer::whole(400, "text/plain", error.to_string()),
    };
    let mut answer = match script.pieces.as_slice() {
        [only] => Answer::json(only.clone()),
        pieces => Answer::stream(pieces.iter().cloned()),
    };
    answer = answer.with_status(script.status.unwrap_or(200)).slow(Duration::from_millis(script.delay_ms));
    if let Some(content_type) = &script.content_type {
        answer = answer.with_header("content-type", content_type);
    }
    if script.dies {
        answer = answer.dies();
    }
    shared.push(answer);
    Answer::json("{}")
}
