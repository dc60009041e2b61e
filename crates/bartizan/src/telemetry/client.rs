//! The way to the collector: the HTTP client that is here already, with an end to every wait and to every answer.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::counts::Counts;

/// Time for one request to the collector.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of its answer that are read.
const ANSWER: usize = 64 << 10;

/// Sends what is exported.
#[derive(Clone, Debug)]
pub struct Collector {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    runtime: Handle,
    counts: Arc<Counts>,
    /// Whether nothing is waited for any more.
    cut: watch::Receiver<bool>,
}

/// Why nothing was delivered.
#[derive(Debug, thiserror::Error)]
enum Undelivered {
    #[error("the collector did not answer within {PATIENCE:?}")]
    Slow,
    #[error("the process is ending")]
    Ending,
    #[error("the collector's answer cannot be read")]
    Answer,
}

impl Collector {
    /// A client on this runtime.
    pub fn new(counts: Arc<Counts>, cut: watch::Receiver<bool>) -> Self {
        let tls = match rustls::ClientConfig::builder().with_native_roots() {
            Ok(builder) => builder.with_no_client_auth(),
            // Without system roots a collector in plain text still works, and every one with TLS is refused.
            Err(_) => rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth(),
        };
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(PATIENCE));
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(http);
        Self { client: Client::builder(TokioExecutor::new()).build(https), runtime: Handle::current(), counts, cut }
    }

    async fn send(mut self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, HttpError> {
        let exchange = async {
            let (parts, body) = self.client.request(request).await?.into_parts();
            let body = Limited::new(body, ANSWER).collect().await.map_err(|_| Undelivered::Answer)?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        };
        tokio::select! {
            result = tokio::time::timeout(PATIENCE, exchange) => result.unwrap_or_else(|_| Err(Undelivered::Slow.into())),
            _ = self.cut.wait_for(|cut| *cut) => Err(Undelivered::Ending.into()),
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    /// Also for the thread that reads the metrics, which has no runtime of its own.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let result = self.runtime.spawn(self.clone().send(request.map(Full::new))).await.unwrap_or_else(|error| Err(error.into()));
        match &result {
            Ok(answer) if answer.status().is_success() => self.counts.delivered(),
            Ok(answer) => self.counts.undelivered(&format!("the collector answered {}", answer.status().as_u16())),
            Err(error) => self.counts.undelivered(&error.to_string()),
        }
        result
    }
}
