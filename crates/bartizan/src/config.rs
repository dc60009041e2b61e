//! The configuration file and how it becomes settings. Unknown keys are errors; every error says which key and what to write.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use bartizan_gateway::{Auth, Settings};
use rustls::ServerConfig;
use serde::Deserialize;

use crate::allowed::AllowConfig;
use crate::limits::{LimitsConfig, RetentionConfig, TimeoutsConfig};
use crate::providers::ProviderConfig;
use crate::quotas::{self, PricesConfig};
use crate::redaction::seal_key;
use crate::routes::{self, BreakerConfig, ModelConfig, RetriesConfig};
use crate::telemetry::TelemetryConfig;
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
    /// When a provider is called again.
    pub retries: RetriesConfig,
    /// When a provider is left alone for a while.
    pub breaker: BreakerConfig,
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
    /// What models cost.
    pub prices: PricesConfig,
    /// Where what happens is exported to.
    pub telemetry: TelemetryConfig,
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
    /// From which score on labels count, 0 to 1, by a label or a family such as `pii.id`, in the place of what their rules say.
    pub thresholds: BTreeMap<String, f64>,
    /// Values that are not reported, exact or by a pattern.
    pub allow: Vec<AllowConfig>,
    /// Whether names of persons, places and organisations, addresses and dates are looked for too.
    pub names: bool,
    /// Folder of an accuracy pack, as `bartizan pack install` makes it.
    pub pack: Option<PathBuf>,
    /// Seconds that the pack has for the texts of a request.
    pub pack_deadline: Option<f64>,
    /// Whether requests are sorted by what they are about: `true`, or a file with subjects of the company's own besides.
    pub subjects: SubjectsConfig,
    /// Rule files and dictionaries of the company's own, as for `bartizan detect --rules`.
    pub own_rules: Vec<PathBuf>,
    /// Indexes of its own values, as `bartizan exact build` makes them.
    pub exact: Vec<PathBuf>,
    /// Indexes of its own documents, as `bartizan fingerprint build` makes them.
    pub fingerprints: Vec<PathBuf>,
    /// The key of those indexes, where it does not lie beside them.
    pub index_key: Option<PathBuf>,
    /// The file with the key of the remedies `surrogate` and `encrypt`, as for `bartizan reveal`.
    pub seal_key: Option<PathBuf>,
}

/// Which subjects are recognised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SubjectsConfig {
    /// None.
    #[default]
    Off,
    /// Those that are part of the program.
    Builtin,
    /// Those, and the ones of a file that `bartizan train subject` wrote.
    File(PathBuf),
}

impl<'de> Deserialize<'de> for SubjectsConfig {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl serde::de::Visitor<'_> for Read {
            type Value = SubjectsConfig;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("true, false, or the path of a file that `bartizan train subject` wrote")
            }
            fn visit_bool<E>(self, on: bool) -> Result<SubjectsConfig, E> {
                Ok(if on { SubjectsConfig::Builtin } else { SubjectsConfig::Off })
            }
            fn visit_str<E: serde::de::Error>(self, file: &str) -> Result<SubjectsConfig, E> {
                if file.is_empty() {
                    Err(E::invalid_value(serde::de::Unexpected::Str(file), &self))
                } else {
                    Ok(SubjectsConfig::File(file.into()))
                }
            }
        }
        from.deserialize_any(Read)
    }
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
        let (providers, models) = routes::routes(&self.providers, &self.models, upstream, sample)?;
        if let Some(mode) = self.capture.mode.as_deref() {
            ensure!(mode == "off", "`capture.mode` must be \"off\": capturing text is not built yet");
        }
        let hosts = if self.gate.hosts.is_empty() && !listen.ip().is_loopback() { vec!["*".to_owned()] } else { self.gate.hosts.clone() };
        let (quotas, prices) = quotas::quotas(&self.limits.rate, &self.limits.budget, &self.prices, &models)?;
        Ok(Settings {
            auth: self.auth(listen.ip(), had_keys)?,
            hosts,
            providers,
            models,
            limits: self.limits.settings(&self.timeouts)?,
            timeouts: self.timeouts.settings()?,
            quotas,
            prices,
            retries: self.retries.settings()?,
            breaking: self.breaker.settings()?,
            extra_roots: None,
            seal_key: self.guard.seal_key.as_deref().map(seal_key).transpose().context("`guard.seal_key` cannot be used")?,
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
        self.retries.settings()?;
        self.breaker.settings()?;
        self.retention.days()?;
        self.retention.object_days()?;
        self.telemetry.export()?;
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
            ("retention.events", self.retention.events != started.retention.events),
            ("retention.objects", self.retention.objects != started.retention.objects),
            ("telemetry", self.telemetry != started.telemetry),
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
