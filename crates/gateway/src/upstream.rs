//! Calling a provider: pooled connections, no redirects, one deadline for connecting and one for the first byte.

use std::path::Path;
use std::time::Duration;

use bartizan_wire::Route;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::settings::{Provider, ProviderKind, Timeouts};

/// Why a provider gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The address of the provider cannot be built.
    #[error("the provider's address cannot be used")]
    Address,
    /// No connection, or it broke before an answer came.
    #[error("the provider refused the connection or closed it")]
    Refused(#[source] hyper_util::client::legacy::Error),
    /// No first byte in time.
    #[error("the provider sent nothing for {0:?}")]
    Slow(Duration),
}

/// Why the client for providers cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The system's root certificates cannot be read, or the extra ones.
    #[error("root certificates cannot be loaded: {0}")]
    Roots(String),
}

/// The pooled client.
#[derive(Clone, Debug)]
pub struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Root certificates: the system's, and those of a PEM file.
fn tls_config(extra: Option<&Path>) -> Result<rustls::ClientConfig, ClientError> {
    let Some(path) = extra else {
        let builder = rustls::ClientConfig::builder();
        return match builder.clone().with_native_roots() {
            Ok(builder) => Ok(builder.with_no_client_auth()),
            // Without system roots plain-text providers still work, and every TLS one is refused.
            Err(_) => Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()),
        };
    };
    let problem = |error: &dyn std::fmt::Display| ClientError::Roots(format!("{}: {error}", path.display()));
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| problem(&error))? {
        roots.add(certificate.map_err(|error| problem(&error))?).map_err(|error| problem(&error))?;
    }
    Ok(rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

impl Upstream {
    /// Makes the client. A file of extra roots replaces the system's.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub fn new(timeouts: &Timeouts, extra_roots: Option<&Path>) -> Result<Self, ClientError> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(timeouts.connect));
        http.set_keepalive(Some(Duration::from_mins(1)));
        let https = HttpsConnectorBuilder::new().with_tls_config(tls_config(extra_roots)?).https_or_http();
        let https = https.enable_http1().enable_http2().wrap_connector(http);
        let client =
            Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(90)).build(https);
        Ok(Self { client })
    }

    /// Sends one request.
    ///
    /// # Errors
    /// When no answer begins in time.
    pub async fn send(&self, request: Request<Full<Bytes>>, first_byte: Duration) -> Result<Response<Incoming>, UpstreamError> {
        match tokio::time::timeout(first_byte, self.client.request(request)).await {
            Err(_) => Err(UpstreamError::Slow(first_byte)),
            Ok(Err(error)) => Err(UpstreamError::Refused(error)),
            Ok(Ok(response)) => Ok(response),
        }
    }
}

/// Makes the request for a provider: its address, the headers that pass, its credential.
///
/// # Errors
/// When the address or the credential cannot be put into a request.
pub fn request(
    provider: &Provider,
    route: Route,
    query: Option<&str>,
    mut headers: HeaderMap,
    client_key: Option<&str>,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, UpstreamError> {
    let uri = address(&provider.base_url, route.suffix(), query).ok_or(UpstreamError::Address)?;
    let own = provider.api_key.as_ref().map(|key| key.reveal().as_str());
    let key = own.or(client_key.filter(|key| provider.pass_client_key && !key.starts_with("bzk_")));
    if let Some(key) = key {
        let anthropic = provider.kind == ProviderKind::Anthropic || matches!(route, Route::Messages | Route::CountTokens);
        let (name, value) = credential(anthropic, key).ok_or(UpstreamError::Address)?;
        headers.insert(name, value);
    }
    let method = if route == Route::Models { Method::GET } else { Method::POST };
    let mut request = Request::builder().method(method).uri(uri).body(Full::new(body)).map_err(|_| UpstreamError::Address)?;
    *request.headers_mut() = headers;
    Ok(request)
}

fn address(base: &Uri, suffix: &str, query: Option<&str>) -> Option<Uri> {
    let mut text = base.to_string().trim_end_matches('/').to_owned();
    text.push_str(suffix);
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
    text.parse().ok()
}

fn credential(anthropic: bool, key: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, text) =
        if anthropic { (HeaderName::from_static("x-api-key"), key.to_owned()) } else { (header::AUTHORIZATION, format!("Bearer {key}")) };
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}
