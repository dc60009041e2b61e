//! The demo's client: plain HTTP to the gate, as any program would speak it.

use std::io::Write;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::script::{Compression, Scene};

/// Answers are read up to here, in bytes.
const MAX_ANSWER: usize = 16 << 20;

/// Sends requests to one gate.
pub struct Client {
    http: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
    base: String,
}

/// What came back.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// What the gate says it decided.
    pub decision: String,
    /// The gate's name for the request.
    pub request_id: String,
}

impl Client {
    /// A client of the gate at `base`.
    pub fn new(base: String) -> Self {
        Self { http: hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http(), base }
    }

    /// Sends one request and reads its answer to the end.
    ///
    /// # Errors
    /// When the gate gives no answer.
    pub async fn send(&self, scene: &Scene, key: Option<&str>, body: Option<&str>) -> Result<Answer> {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let mut request = Request::builder().method(method).uri(format!("{}{}", self.base, scene.path()));
        if let Some(key) = key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        if scene.path().starts_with("/v1/messages") {
            request = request.header("anthropic-version", "2023-06-01");
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let mut bytes = body.unwrap_or_default().as_bytes().to_vec();
        if scene.encoding == Some(Compression::Gzip) {
            request = request.header(header::CONTENT_ENCODING, "gzip");
            bytes = gzip(&bytes)?;
        }
        let answer = self.http.request(request.body(Full::new(Bytes::from(bytes)))?).await.context("the gate gave no answer")?;
        let text = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let (decision, request_id) = (text("bartizan-decision"), text("bartizan-request-id"));
        let status = answer.status().as_u16();
        let read = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        read.map_err(|error| anyhow::anyhow!(error)).context("the answer broke off")?;
        Ok(Answer { status, decision, request_id })
    }
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
