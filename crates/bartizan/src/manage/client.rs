//! Talks to the admin API: over its port when a process has the data folder, else in this process over the folder itself. Both ways are
//! the same requests and the same answers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use bartizan_console::Console;
use bartizan_store::{DataDir, Options, StoreError};
use bytes::Bytes;
use clap::Args;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::pinned;
use crate::address::AdminAddress;
use crate::{admin, clock};

/// A process that is just starting, or another command, gets this long to let go of the folder or to answer.
const START: Duration = Duration::from_secs(5);

/// An answer may take this long; a little longer than the server takes at most.
const PATIENCE: Duration = Duration::from_secs(310);

/// Which process or folder.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// Data folder; the process that has it is asked, and without one the folder is opened.
    #[arg(long, env = "BARTIZAN_DATA", default_value = "bartizan-data", value_name = "DIR")]
    pub data: PathBuf,
    /// Base URL of an admin port to ask instead; the token is `BARTIZAN_ADMIN_TOKEN` or `DIR/admin.token`.
    #[arg(long, value_name = "URL")]
    admin: Option<Uri>,
    /// The certificate (PEM) that the admin port must show.
    #[arg(long, value_name = "FILE", requires = "admin")]
    admin_cert: Option<PathBuf>,
    /// Root key outside the data folder.
    #[arg(long, env = "BARTIZAN_ROOT_KEY_FILE", hide = true)]
    pub root_key_file: Option<PathBuf>,
}

/// A way to the admin API.
pub struct Client {
    runtime: tokio::runtime::Runtime,
    way: Way,
    token: HeaderValue,
}

enum Way {
    Port { base: Uri, certificate: Option<PathBuf> },
    Folder(Console),
}

impl Target {
    /// How the folder is opened by a command. Nothing is removed by age: only the process knows the configured time.
    pub fn options(&self) -> Options {
        Options { root_key_file: self.root_key_file.clone(), retention_days: None, ..Options::new(clock::for_store()) }
    }

    fn token(&self) -> Result<HeaderValue> {
        admin::token_of_environment()?.map_or_else(|| read_token(&self.data), |token| Ok(token.into_inner())).and_then(|text| bearer(&text))
    }

    fn way(&self) -> Result<(Way, HeaderValue)> {
        if let Some(base) = &self.admin {
            check_base(base, self.admin_cert.as_deref())?;
            return Ok((Way::Port { base: base.clone(), certificate: self.admin_cert.clone() }, self.token()?));
        }
        if !self.data.join("bartizan.db").exists() && !self.data.join("lock").exists() {
            bail!("there is no data folder at `{}`; name it with `--data`, or start `bartizan up` once", self.data.display());
        }
        let end = Instant::now() + START;
        loop {
            let (path, pid) = match DataDir::open(&self.data, self.options()) {
                Ok(data) => return Ok((Way::Folder(admin::offline(Arc::new(data))), bearer(&read_token(&self.data)?)?)),
                Err(StoreError::Locked { path, pid }) => (path, pid),
                Err(error) => return Err(error.into()),
            };
            if let Some(at) = AdminAddress::read(&self.data).filter(|at| at.pid.to_string() == pid) {
                let base = at.admin.parse().with_context(|| format!("`{}` is not a URL", at.admin))?;
                return Ok((Way::Port { base, certificate: at.certificate }, self.token()?));
            }
            if Instant::now() > end {
                return Err(anyhow!("its admin port is not known").context(StoreError::Locked { path, pid }));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn read_token(data: &Path) -> Result<String> {
    let path = data.join("admin.token");
    std::fs::read_to_string(&path).with_context(|| format!("the token in `{}` cannot be read; set BARTIZAN_ADMIN_TOKEN", path.display()))
}

fn bearer(token: &str) -> Result<HeaderValue> {
    let mut value =
        HeaderValue::try_from(format!("Bearer {}", token.trim())).context("the admin token has characters that no token has")?;
    value.set_sensitive(true);
    Ok(value)
}

/// A token goes in the clear to this machine only.
fn check_base(base: &Uri, certificate: Option<&Path>) -> Result<()> {
    let host = base.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match base.scheme_str() {
        Some("http") if here => Ok(()),
        Some("http") => bail!("`{base}` would carry the token in the clear; use https, or a loopback address"),
        Some("https") => {
            ensure!(certificate.is_some(), "name the certificate that `{base}` shows with --admin-cert");
            Ok(())
        }
        _ => bail!("`{base}` must begin with http:// or https://"),
    }
}

impl Client {
    /// Finds the way.
    ///
    /// # Errors
    /// When the folder cannot be opened and no process answers for it.
    pub fn new(target: &Target) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("the runtime cannot be started")?;
        let (way, token) = target.way()?;
        Ok(Self { runtime, way, token })
    }

    /// What a GET answers.
    ///
    /// # Errors
    /// The sentence of the refusal.
    pub fn get(&self, path: &str) -> Result<Bytes> {
        self.ask(&Method::GET, path, Bytes::new())
    }

    /// What a POST of JSON answers.
    ///
    /// # Errors
    /// The sentence of the refusal.
    pub fn post(&self, path: &str, body: &Value) -> Result<Bytes> {
        self.ask(&Method::POST, path, Bytes::from(body.to_string()))
    }

    /// Removes something.
    ///
    /// # Errors
    /// The sentence of the refusal.
    pub fn delete(&self, path: &str) -> Result<()> {
        self.ask(&Method::DELETE, path, Bytes::new()).map(drop)
    }

    fn ask(&self, method: &Method, path: &str, body: Bytes) -> Result<Bytes> {
        let mut request = Request::builder().method(method).header(AUTHORIZATION, self.token.clone());
        if *method == Method::POST {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let response = match &self.way {
            Way::Folder(console) => {
                let request = request.uri(path).header(HOST, "localhost").body(body)?;
                self.runtime.block_on(console.answer(request))
            }
            Way::Port { base, certificate } => {
                let url = format!("{}{path}", base.to_string().trim_end_matches('/'));
                let request = request.uri(&url).body(Full::new(body))?;
                let sent = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, send(request, certificate.as_deref())).await });
                sent.with_context(|| format!("`{base}` does not answer in time"))?
                    .with_context(|| format!("the admin port `{base}` cannot be asked"))?
            }
        };
        let (parts, body) = response.into_parts();
        if parts.status.is_success() {
            return Ok(body);
        }
        let problem: Option<Value> = serde_json::from_slice(&body).ok();
        let detail = problem.as_ref().and_then(|problem| problem.get("detail")?.as_str());
        Err(detail.map_or_else(|| anyhow!("the admin API answered {}", parts.status), |detail| anyhow!("{detail}")))
    }
}

async fn send(request: Request<Full<Bytes>>, certificate: Option<&Path>) -> Result<Response<Bytes>> {
    let tls = pinned::client(certificate)?;
    let connector = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector);
    let (parts, body) = client.request(request).await?.into_parts();
    Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
}
