//! The configuration file and how it becomes settings. Unknown keys are errors; every error says which key and what to write.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use bartizan_gateway::{Auth, Model, Provider, ProviderKind, Settings};
use bartizan_vocabulary::{Hidden, ModelName, ProviderName};
use rustls::ServerConfig;
use serde::Deserialize;

use crate::limits::{LimitsConfig, RetentionConfig, TimeoutsConfig};
use crate::tls;

/// Most seconds that a drain may take.
const MAX_DRAIN: u64 = 86_400;

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The gate.
    pub gate: GateConfig,
    /// The admin API.
    pub admin: AdminConfig,
    /// Providers.
    pub providers: Vec<ProviderConfig>,
    /// Models.
    pub models: Vec<ModelConfig>,
    /// Bounds.
    pub limits: LimitsConfig,
    /// Times.
    pub timeouts: TimeoutsConfig,
    /// Policies.
    pub policy: PolicyConfig,
    /// Ledger.
    pub ledger: LedgerConfig,
    /// What to do when a guard fails.
    pub guard: GuardConfig,
    /// Capturing of texts.
    pub capture: CaptureConfig,
    /// How long things are kept.
    pub retention: RetentionConfig,
}

/// `[gate]`
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct GateConfig {
    /// Address and port; port 0 takes a free one.
    pub listen: String,
    /// `keys` or `anonymous`; without it: anonymous on loopback while no key was ever made, else keys.
    pub auth: Option<AuthConfig>,
    /// Names under which the gate may be addressed besides loopback names. Empty: any, unless it listens on loopback.
    pub hosts: Vec<String>,
    /// PEM file of the certificate chain; with it the gate speaks TLS.
    pub tls_cert: Option<PathBuf>,
    /// PEM file of its private key.
    pub tls_key: Option<PathBuf>,
    /// How long a drain may take.
    pub drain_seconds: u64,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8080".to_owned(), auth: None, hosts: Vec::new(), tls_cert: None, tls_key: None, drain_seconds: 30 }
    }
}

/// `[admin]`
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct AdminConfig {
    /// Address and port.
    pub listen: String,
    /// Names under which it may be addressed besides loopback names.
    pub hosts: Vec<String>,
    /// PEM file of the certificate chain.
    pub tls_cert: Option<PathBuf>,
    /// PEM file of its private key.
    pub tls_key: Option<PathBuf>,
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8081".to_owned(), hosts: Vec::new(), tls_cert: None, tls_key: None }
    }
}

impl GateConfig {
    /// What is needed to speak TLS.
    ///
    /// # Errors
    /// When the files cannot be read or do not fit.
    pub fn tls(&self) -> Result<Option<Arc<ServerConfig>>> {
        tls::server(self.tls_cert.as_deref(), self.tls_key.as_deref(), "gate")
    }
}

impl AdminConfig {
    /// As [`GateConfig::tls`].
    ///
    /// # Errors
    /// As [`GateConfig::tls`].
    pub fn tls(&self) -> Result<Option<Arc<ServerConfig>>> {
        tls::server(self.tls_cert.as_deref(), self.tls_key.as_deref(), "admin")
    }
}

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthConfig {
    /// Only with a virtual key.
    Keys,
    /// Anybody; loopback only.
    Anonymous,
}

/// `[[providers]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// Its name.
    pub name: String,
    /// `openai`, `azure`, `anthropic`, `gemini` or `both`.
    pub kind: String,
    /// Azure's `api-version`, for clients that do not name one.
    pub api_version: Option<String>,
    /// The route's suffix is appended.
    pub base_url: String,
    /// Environment variable that holds the credential.
    pub api_key_env: Option<String>,
    /// File that holds the credential.
    pub api_key_file: Option<PathBuf>,
    /// Forward the client's own key.
    #[serde(default)]
    pub pass_client_key: bool,
}

/// `[[models]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// What clients ask for; `*` as the last entry means any.
    pub name: String,
    /// Which provider.
    pub provider: String,
    /// What the provider calls it.
    pub upstream_name: Option<String>,
}

/// `[policy]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// Folder of `*.cedar` files; without it the built-in set.
    pub dir: Option<PathBuf>,
}

/// `[ledger]`
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct LedgerConfig {
    /// Acknowledge only what `fdatasync` brought to the disk.
    pub power_loss_safe: bool,
    /// A second place for the checkpoint.
    pub checkpoint_copy: Option<PathBuf>,
    /// The log's origin, chosen at the first start.
    pub origin: Option<String>,
}

/// `[guard]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GuardConfig {
    /// `block` (default) or `pass`: an explicit, logged choice to let pass when a detector fails.
    pub on_failure: OnFailure,
}

/// What to do when a guard fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// Refuse.
    #[default]
    Block,
    /// Let pass and record it.
    Pass,
}

/// `[capture]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CaptureConfig {
    /// `off`.
    pub mode: Option<String>,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// Says which key, at which line, and what to write.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| {
            let path = path.display();
            format!("the configuration `{path}` cannot be read; correct `--config` or BARTIZAN_CONFIG, or leave it out for the defaults")
        })?;
        let config: Self = toml::from_str(&text).with_context(|| format!("in `{}`", path.display()))?;
        Ok(config)
    }

    /// Settings of the gate. `upstream` is the one-line start; `sample` is where the sample model listens.
    ///
    /// # Errors
    /// Says what does not fit together.
    pub fn settings(&self, upstream: Option<&str>, sample: Option<SocketAddr>, had_keys: bool) -> Result<Settings> {
        let listen = address(&self.gate.listen, "gate.listen")?;
        let (providers, models) = self.routes(upstream, sample)?;
        if let Some(mode) = self.capture.mode.as_deref() {
            ensure!(mode == "off", "`capture.mode` must be \"off\": capturing text is not built yet");
        }
        let hosts = if self.gate.hosts.is_empty() && !listen.ip().is_loopback() { vec!["*".to_owned()] } else { self.gate.hosts.clone() };
        Ok(Settings {
            auth: self.auth(listen.ip(), had_keys)?,
            hosts,
            providers,
            models,
            limits: self.limits.settings(&self.timeouts)?,
            timeouts: self.timeouts.settings()?,
            extra_roots: None,
            own_secrets: crate::admin::token_of_environment()?.into_iter().collect(),
            fail_open: self.guard.on_failure == OnFailure::Pass,
        })
    }

    /// What a start needs besides settings and policies: addresses, certificates, numbers, names.
    ///
    /// # Errors
    /// Names the key and says what to write.
    pub fn check(&self) -> Result<()> {
        let (gate, admin) = (address(&self.gate.listen, "gate.listen")?, address(&self.admin.listen, "admin.listen")?);
        ensure!(gate != admin || gate.port() == 0, "`gate.listen` and `admin.listen` are both `{gate}`; give each its own port");
        let drain = self.gate.drain_seconds;
        ensure!(drain <= MAX_DRAIN, "`gate.drain_seconds` is {drain}; it must be from 0 to {MAX_DRAIN}");
        self.gate.tls()?;
        self.admin.tls()?;
        self.limits.settings(&self.timeouts)?;
        self.retention.days()?;
        if let Some(origin) = &self.ledger.origin {
            let good = !origin.is_empty() && origin.len() <= 200 && origin.chars().all(|c| c.is_ascii_graphic() && c != '+');
            ensure!(good, "`ledger.origin` is `{origin}`; write a name such as \"example.com/gate\", without spaces and `+`");
        }
        Ok(())
    }

    /// This configuration on the ports that another one opened: who may call depends on where the process really listens.
    pub fn on_ports_of(&self, started: &Self) -> Self {
        let mut config = self.clone();
        config.gate.listen.clone_from(&started.gate.listen);
        config.admin.listen.clone_from(&started.admin.listen);
        config
    }

    /// Keys that differ from the start's and are read at a start only.
    pub fn needs_restart(&self, started: &Self) -> Vec<&'static str> {
        let (gate, admin, ledger) = (&self.gate, &self.admin, &self.ledger);
        let differing = [
            ("gate.listen", gate.listen != started.gate.listen),
            ("gate.tls_cert", gate.tls_cert != started.gate.tls_cert),
            ("gate.tls_key", gate.tls_key != started.gate.tls_key),
            ("gate.drain_seconds", gate.drain_seconds != started.gate.drain_seconds),
            ("admin.listen", admin.listen != started.admin.listen),
            ("admin.hosts", admin.hosts != started.admin.hosts),
            ("admin.tls_cert", admin.tls_cert != started.admin.tls_cert),
            ("admin.tls_key", admin.tls_key != started.admin.tls_key),
            ("limits.cache_bytes", self.limits.cache_bytes != started.limits.cache_bytes),
            ("limits.connections", self.limits.connections != started.limits.connections),
            ("ledger.power_loss_safe", ledger.power_loss_safe != started.ledger.power_loss_safe),
            ("ledger.checkpoint_copy", ledger.checkpoint_copy != started.ledger.checkpoint_copy),
            ("ledger.origin", ledger.origin != started.ledger.origin),
            ("retention.events", self.retention != started.retention),
        ];
        differing.into_iter().filter_map(|(key, differs)| differs.then_some(key)).collect()
    }

    fn auth(&self, ip: IpAddr, had_keys: bool) -> Result<Auth> {
        match self.gate.auth {
            Some(AuthConfig::Anonymous) if !ip.is_loopback() => {
                bail!(
                    "`gate.auth = \"anonymous\"` is refused on `{ip}`: anybody who reaches it could call; use \"keys\", or listen on 127.0.0.1"
                )
            }
            Some(AuthConfig::Anonymous) => Ok(Auth::Anonymous),
            None if ip.is_loopback() && !had_keys => Ok(Auth::Anonymous),
            Some(AuthConfig::Keys) | None => Ok(Auth::Keys),
        }
    }

    fn routes(&self, upstream: Option<&str>, sample: Option<SocketAddr>) -> Result<(Vec<Provider>, Vec<Model>)> {
        let any = |name: &str, url: &str| -> Result<(Vec<Provider>, Vec<Model>)> {
            let provider = Provider {
                name: ProviderName::from(name),
                kind: ProviderKind::Both,
                api_version: None,
                base_url: base_url(url)?,
                api_key: None,
                pass_client_key: name == "upstream",
            };
            Ok((vec![provider], vec![Model { name: ModelName::from("*"), provider: 0, upstream_name: None }]))
        };
        if let Some(url) = upstream {
            return any("upstream", url);
        }
        if self.providers.is_empty() {
            ensure!(self.models.is_empty(), "`[[models]]` needs `[[providers]]`");
            let address = sample
                .context("no provider is configured; add `[[providers]]`, or restart: the sample model starts only with the process")?;
            return any("sample", &format!("http://{address}/v1"));
        }
        let providers = self.providers.iter().map(provider).collect::<Result<Vec<_>>>()?;
        let mut models = Vec::new();
        for (at, model) in self.models.iter().enumerate() {
            ensure!(model.name != "*" || at + 1 == self.models.len(), "the model `*` must be the last entry");
            let found = self.providers.iter().position(|provider| provider.name == model.provider);
            let index = found
                .with_context(|| format!("the model `{}` names the provider `{}`, which is not configured", model.name, model.provider))?;
            models.push(Model { name: ModelName::from(model.name.as_str()), provider: index, upstream_name: model.upstream_name.clone() });
        }
        if models.is_empty() {
            ensure!(providers.len() == 1, "with several providers, say which models each serves in `[[models]]`");
            models.push(Model { name: ModelName::from("*"), provider: 0, upstream_name: None });
        }
        Ok((providers, models))
    }
}

fn provider(given: &ProviderConfig) -> Result<Provider> {
    let kind = match given.kind.as_str() {
        "openai" => ProviderKind::OpenAi,
        "azure" => ProviderKind::Azure,
        "anthropic" => ProviderKind::Anthropic,
        "gemini" => ProviderKind::Gemini,
        "both" => ProviderKind::Both,
        other => bail!("the provider `{}` has the kind `{other}`; spoken are openai, azure, anthropic, gemini and both", given.name),
    };
    ensure!(given.api_version.is_none() || kind == ProviderKind::Azure, "`api_version` of the provider `{}` is for azure only", given.name);
    let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '.' | '_');
    ensure!(
        given.api_version.as_deref().is_none_or(|version| !version.is_empty() && version.chars().all(plain)),
        "`api_version` of the provider `{}` must be a version such as `2024-10-21`",
        given.name
    );
    ensure!(given.api_key_env.is_none() || given.api_key_file.is_none(), "the provider `{}` names two credentials", given.name);
    let api_key = match (&given.api_key_env, &given.api_key_file) {
        (Some(name), _) => Some(
            std::env::var(name)
                .with_context(|| format!("the environment variable `{name}` of the provider `{}` is not set", given.name))?,
        ),
        (None, Some(path)) => {
            Some(std::fs::read_to_string(path).with_context(|| format!("the credential `{}` cannot be read", path.display()))?)
        }
        (None, None) => None,
    };
    Ok(Provider {
        name: ProviderName::from(given.name.as_str()),
        kind,
        base_url: base_url(&given.base_url)?,
        api_version: given.api_version.clone(),
        api_key: api_key.map(|key| Hidden::new(key.trim().to_owned())),
        pass_client_key: given.pass_client_key,
    })
}

fn base_url(text: &str) -> Result<http::Uri> {
    let url: http::Uri = text.parse().with_context(|| format!("`{text}` is not a URL"))?;
    let scheme = url.scheme_str().unwrap_or_default();
    ensure!(matches!(scheme, "http" | "https") && url.authority().is_some(), "`{text}` must begin with http:// or https://");
    ensure!(url.query().is_none(), "`{text}` must not have a query");
    Ok(url)
}

/// An address such as `127.0.0.1:8080`.
///
/// # Errors
/// Names the key.
pub fn address(text: &str, key: &str) -> Result<SocketAddr> {
    let local = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    local
        .as_deref()
        .unwrap_or(text)
        .parse()
        .with_context(|| format!("`{key}` is `{text}`; write an address and a port such as `127.0.0.1:8080`"))
}
