//! Calling a provider: pooled connections, no redirects, one deadline for connecting and one for the first byte.

use std::path::Path;
use std::time::Duration;

use bartizan_wire::{Dialect, Family, Route, around_item, around_object};
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

use crate::models::MODELS;
use crate::quotas::Exceeded;
use crate::settings::{Provider, ProviderKind, Settings};

/// Why a provider gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The address of the provider cannot be built.
    #[error("the provider's address cannot be used")]
    Address,
    /// No connection, or it broke before an answer came.
    #[error("the provider refused the connection or closed it")]
    Refused(#[source] hyper_util::client::legacy::Error),
    /// It failed too often and is left alone for a while: nothing was sent.
    #[error("the provider failed too often and is left alone for a while")]
    Open(Duration),
    /// A limit for a fallback is reached: nothing was sent.
    #[error("{}", .0.message)]
    Limited(Box<Exceeded>),
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
    /// Makes a client for each provider; those that connect in the same time share one. A file of extra roots replaces the system's.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub fn for_each(settings: &Settings) -> Result<Vec<Self>, ClientError> {
        let tls = tls_config(settings.extra_roots.as_deref())?;
        let usual = Self::new(settings.timeouts.connect, &tls);
        let own = |provider: &Provider| provider.waits.connect.map_or_else(|| usual.clone(), |connect| Self::new(connect, &tls));
        Ok(settings.providers.iter().map(own).collect())
    }

    fn new(connect: Duration, tls: &rustls::ClientConfig) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(connect));
        http.set_keepalive(Some(Duration::from_mins(1)));
        let https = HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http();
        let https = https.enable_http1().enable_http2().wrap_connector(http);
        let client =
            Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(90)).build(https);
        Self { client }
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

/// What a request is for: the route as the client spelt it, and what the provider calls the model.
#[derive(Clone, Copy, Debug)]
pub struct Aim<'a> {
    /// The route.
    pub route: Route,
    /// How the client spelt its path.
    pub dialect: Dialect,
    /// The provider's name for the model.
    pub model: &'a str,
    /// The id of what the provider keeps.
    pub object: Option<&'a str>,
    /// The id of an item in that.
    pub item: Option<&'a str>,
    /// The client's query.
    pub query: Option<&'a str>,
}

/// Makes the request for a provider: its address, the headers that pass, its credential.
///
/// # Errors
/// When the address or the credential cannot be put into a request.
pub fn request(
    provider: &Provider,
    aim: &Aim<'_>,
    mut headers: HeaderMap,
    client_key: Option<&str>,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, UpstreamError> {
    let uri = address(provider, aim).ok_or(UpstreamError::Address)?;
    let own = provider.api_key.as_ref().map(|key| key.reveal().as_str());
    let key = own.or(client_key.filter(|key| provider.pass_client_key && !key.starts_with("bzk_")));
    if let Some(key) = key {
        let (name, value) = credential(provider.kind, aim.route, key).ok_or(UpstreamError::Address)?;
        headers.insert(name, value);
    }
    let method = match aim.route.method() {
        "GET" => Method::GET,
        "DELETE" => Method::DELETE,
        "PATCH" => Method::PATCH,
        _ => Method::POST,
    };
    let mut request = Request::builder().method(method).uri(uri).body(Full::new(body)).map_err(|_| UpstreamError::Address)?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// A request of Anthropic's format on a route that another format has, too: the credential stands where they look for it.
pub fn for_anthropic(request: &mut Request<Full<Bytes>>) {
    let key = request.headers_mut().remove(header::AUTHORIZATION);
    let key = key.as_ref().and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if let Some((name, value)) = key.and_then(|key| credential(ProviderKind::Anthropic, Route::Messages, key)) {
        request.headers_mut().insert(name, value);
    }
}

fn address(provider: &Provider, aim: &Aim<'_>) -> Option<Uri> {
    let mut text = provider.base_url.to_string().trim_end_matches('/').to_owned();
    let azure = provider.kind == ProviderKind::Azure;
    // There the model stands in the body, or there is none.
    let in_body = aim.route == Route::Responses || aim.route.is_of_objects();
    if azure && !in_body {
        text.push_str("/deployments/");
        text.extend(segment(aim.model)?);
    }
    let suffix = aim.route.suffix();
    match suffix.split_once("{model}").or_else(|| around_object(suffix)) {
        Some((before, after)) if aim.route.names_object() => {
            text.push_str(before);
            text.extend(segment(aim.object?)?);
            match around_item(after) {
                Some((between, after)) => {
                    text.push_str(between);
                    text.extend(segment(aim.item?)?);
                    text.push_str(after);
                }
                None => text.push_str(after),
            }
        }
        Some((before, after)) => {
            text.push_str(before);
            text.extend(segment(aim.model.strip_prefix(MODELS).unwrap_or(aim.model))?);
            text.push_str(after);
        }
        None => text.push_str(suffix),
    }
    let mut separator = '?';
    let named = |pair: &&str| pair.split('=').next() == Some(API_VERSION);
    let pairs = aim.query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    // Only Azure knows the version.
    for pair in pairs.clone().filter(|pair| azure || aim.dialect == Dialect::Own || !named(pair)) {
        text.push(separator);
        text.push_str(pair);
        separator = '&';
    }
    if let Some(version) = provider.api_version.as_deref().filter(|_| azure && !pairs.clone().any(|pair| named(&pair))) {
        text.push(separator);
        text.push_str(API_VERSION);
        text.push('=');
        text.push_str(version);
    }
    text.parse().ok()
}

/// The parameter of Azure's query that names the version.
const API_VERSION: &str = "api-version";

/// A name as one segment of a path, percent-encoded (RFC 3986). `None` for what would not stay one segment.
fn segment(name: &str) -> Option<impl Iterator<Item = char>> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'~');
    let digit = |four: u8| char::from(b"0123456789ABCDEF".get(usize::from(four)).copied().unwrap_or(b'0'));
    let encode = move |byte: u8| {
        let three =
            if plain(byte) { [Some(char::from(byte)), None, None] } else { [Some('%'), Some(digit(byte >> 4)), Some(digit(byte & 15))] };
        three.into_iter().flatten()
    };
    (!matches!(name, "" | "." | "..")).then(|| name.bytes().flat_map(encode))
}

fn credential(kind: ProviderKind, route: Route, key: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, text) = match kind {
        ProviderKind::Azure => (HeaderName::from_static("api-key"), key.to_owned()),
        ProviderKind::Gemini => (HeaderName::from_static("x-goog-api-key"), key.to_owned()),
        ProviderKind::Both if route.family() == Family::Gemini => (HeaderName::from_static("x-goog-api-key"), key.to_owned()),
        ProviderKind::Anthropic => (HeaderName::from_static("x-api-key"), key.to_owned()),
        ProviderKind::Both if route.family() == Family::Anthropic => (HeaderName::from_static("x-api-key"), key.to_owned()),
        _ => (header::AUTHORIZATION, format!("Bearer {key}")),
    };
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}
