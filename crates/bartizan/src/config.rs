//! The configuration file and how it becomes settings. Unknown keys are errors; every error says which key and what to write.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bartizan_gateway::{Auth, Limits, Model, Provider, ProviderKind, Settings, Timeouts};
use bartizan_vocabulary::{Hidden, ModelName, ProviderName};
use bartizan_wire::json::JsonLimits;
use serde::Deserialize;

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
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GateConfig {
    /// Address and port; port 0 takes a free one.
    pub listen: String,
    /// `keys` or `anonymous`; without it: anonymous on loopback while no key exists, else keys.
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
#[derive(Clone, Debug, Deserialize)]
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
    /// `openai`, `anthropic` or `both`.
    pub kind: String,
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

/// `[limits]`, in bytes where not said otherwise.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// One body, as sent and inflated.
    pub body_bytes: Option<usize>,
    /// All bodies in flight.
    pub inflight_bytes: Option<usize>,
    /// One stream event.
    pub event_bytes: Option<usize>,
    /// Stream events that wait to be decided.
    pub held_bytes: Option<usize>,
    /// Request headers.
    pub header_bytes: Option<usize>,
    /// Number of request headers.
    pub headers: Option<usize>,
    /// JSON nesting.
    pub json_depth: Option<usize>,
    /// JSON values and keys.
    pub json_values: Option<usize>,
    /// Findings cache.
    pub cache_bytes: Option<u64>,
    /// Connections at a time.
    pub connections: Option<usize>,
}

/// `[timeouts]`, in seconds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeoutsConfig {
    /// A client's headers, and pauses in its body.
    pub client: Option<f64>,
    /// Connecting to a provider.
    pub connect: Option<f64>,
    /// A provider's first byte.
    pub first_byte: Option<f64>,
    /// Pauses in a provider's answer.
    pub idle: Option<f64>,
    /// Inspecting one body.
    pub inspect: Option<f64>,
}

/// `[policy]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// Folder of `*.cedar` files; without it the built-in set.
    pub dir: Option<PathBuf>,
}

/// `[ledger]`
#[derive(Clone, Debug, Default, Deserialize)]
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

/// `[retention]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionConfig {
    /// Days such as `90d`, or `forever`.
    pub events: Option<String>,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// Says which key, at which line, and what to write.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("the configuration `{}` cannot be read", path.display()))?;
        let config: Self = toml::from_str(&text).with_context(|| format!("in `{}`", path.display()))?;
        Ok(config)
    }

    /// Settings of the gate. `upstream` is the one-line start; `sample` is where the sample model listens.
    ///
    /// # Errors
    /// Says what does not fit together.
    pub fn settings(&self, upstream: Option<&str>, sample: Option<SocketAddr>, has_keys: bool) -> Result<Settings> {
        let listen = address(&self.gate.listen, "gate.listen")?;
        let (providers, models) = self.routes(upstream, sample)?;
        if let Some(mode) = self.capture.mode.as_deref() {
            ensure!(mode == "off", "`capture.mode` must be \"off\": capturing text is not built yet");
        }
        let hosts = if self.gate.hosts.is_empty() && !listen.ip().is_loopback() { vec!["*".to_owned()] } else { self.gate.hosts.clone() };
        Ok(Settings {
            auth: self.auth(listen.ip(), has_keys)?,
            hosts,
            providers,
            models,
            limits: self.limits(),
            timeouts: self.timeouts()?,
            extra_roots: None,
            fail_open: self.guard.on_failure == OnFailure::Pass,
        })
    }

    fn auth(&self, ip: IpAddr, has_keys: bool) -> Result<Auth> {
        match self.gate.auth {
            Some(AuthConfig::Anonymous) if !ip.is_loopback() => {
                bail!(
                    "`gate.auth = \"anonymous\"` is refused on `{ip}`: anybody who reaches it could call; use \"keys\", or listen on 127.0.0.1"
                )
            }
            Some(AuthConfig::Anonymous) => Ok(Auth::Anonymous),
            None if ip.is_loopback() && !has_keys => Ok(Auth::Anonymous),
            Some(AuthConfig::Keys) | None => Ok(Auth::Keys),
        }
    }

    fn routes(&self, upstream: Option<&str>, sample: Option<SocketAddr>) -> Result<(Vec<Provider>, Vec<Model>)> {
        let any = |name: &str, url: &str| -> Result<(Vec<Provider>, Vec<Model>)> {
            let provider = Provider {
                name: ProviderName::from(name),
                kind: ProviderKind::Both,
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
            let address = sample.context("no provider is configured")?;
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

    fn limits(&self) -> Limits {
        let (given, usual) = (&self.limits, Limits::default());
        let inspect = self.timeouts.inspect.map_or(usual.inspect, Duration::from_secs_f64);
        Limits {
            body_bytes: given.body_bytes.unwrap_or(usual.body_bytes),
            inflight_bytes: given.inflight_bytes.unwrap_or(usual.inflight_bytes),
            event_bytes: given.event_bytes.unwrap_or(usual.event_bytes),
            held_bytes: given.held_bytes.unwrap_or(usual.held_bytes),
            channels: usual.channels,
            header_bytes: given.header_bytes.unwrap_or(usual.header_bytes),
            headers: given.headers.unwrap_or(usual.headers),
            json: JsonLimits { depth: given.json_depth.unwrap_or(usual.json.depth), nodes: given.json_values.unwrap_or(usual.json.nodes) },
            inspect,
            cache_bytes: given.cache_bytes.unwrap_or(usual.cache_bytes),
            connections: given.connections.unwrap_or(usual.connections),
        }
    }

    fn timeouts(&self) -> Result<Timeouts> {
        let usual = Timeouts::default();
        let seconds = |given: Option<f64>, usual: Duration, key: &str| -> Result<Duration> {
            let Some(given) = given else { return Ok(usual) };
            ensure!(given > 0.0 && given <= 86_400.0, "`timeouts.{key}` must be between 0 and 86400 seconds");
            Ok(Duration::from_secs_f64(given))
        };
        Ok(Timeouts {
            client: seconds(self.timeouts.client, usual.client, "client")?,
            connect: seconds(self.timeouts.connect, usual.connect, "connect")?,
            first_byte: seconds(self.timeouts.first_byte, usual.first_byte, "first_byte")?,
            idle: seconds(self.timeouts.idle, usual.idle, "idle")?,
        })
    }

    /// Days that events are kept; `None` keeps them for ever.
    ///
    /// # Errors
    /// When the form is not `90d` or `forever`.
    pub fn retention_days(&self) -> Result<Option<u32>> {
        match self.retention.events.as_deref() {
            None => Ok(Some(90)),
            Some("forever") => Ok(None),
            Some(text) => {
                let days = text.strip_suffix('d').and_then(|days| days.parse().ok()).filter(|days| *days > 0);
                Ok(Some(days.with_context(|| format!("`retention.events` is `{text}`; write days such as \"90d\", or \"forever\""))?))
            }
        }
    }
}

fn provider(given: &ProviderConfig) -> Result<Provider> {
    let kind = match given.kind.as_str() {
        "openai" => ProviderKind::OpenAi,
        "anthropic" => ProviderKind::Anthropic,
        "both" => ProviderKind::Both,
        other => bail!("the provider `{}` has the kind `{other}`; spoken are openai, anthropic and both", given.name),
    };
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
