//! `[[providers]]`: where they are, what they speak, and what is known of them.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bartizan_gateway::{Provider, ProviderKind, Waits};
use bartizan_policy::{ProviderFacts, TrainingUse};
use bartizan_vocabulary::{Hidden, ProviderName};
use serde::Deserialize;

use crate::limits::{bounded, seconds};

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
    /// Times of its own.
    #[serde(default)]
    pub timeouts: WaitsConfig,
    /// Where it processes what it is sent.
    pub region: Option<String>,
    /// Whether it trains with that.
    pub training_use: Option<TrainingConfig>,
    /// For how many days it keeps that.
    pub retention_days: Option<u32>,
}

/// `training_use`: a word, or whether.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "`training_use` must be \"none\", \"opt_out\", \"yes\", true or false")]
pub enum TrainingConfig {
    /// In a word.
    Word(TrainingWord),
    /// Whether.
    Whether(bool),
}

/// The words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainingWord {
    /// It does not.
    None,
    /// Not, because it was asked not to.
    OptOut,
    /// It does.
    Yes,
}

/// `timeouts` of a provider, in seconds; what is left out is as in `[timeouts]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WaitsConfig {
    /// Connecting.
    pub connect: Option<f64>,
    /// Its first byte.
    pub first_byte: Option<f64>,
    /// Pauses in its answer.
    pub idle: Option<f64>,
}

/// A provider as the gate knows it.
///
/// # Errors
/// Says what does not fit together.
pub fn provider(given: &ProviderConfig) -> Result<Provider> {
    let name = &given.name;
    let kind = match given.kind.as_str() {
        "openai" => ProviderKind::OpenAi,
        "azure" => ProviderKind::Azure,
        "anthropic" => ProviderKind::Anthropic,
        "gemini" => ProviderKind::Gemini,
        "both" => ProviderKind::Both,
        other => bail!("the provider `{name}` has the kind `{other}`; spoken are openai, azure, anthropic, gemini and both"),
    };
    ensure!(given.api_version.is_none() || kind == ProviderKind::Azure, "`api_version` of the provider `{name}` is for azure only");
    let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '.' | '_');
    ensure!(
        given.api_version.as_deref().is_none_or(|version| !version.is_empty() && version.chars().all(plain)),
        "`api_version` of the provider `{name}` must be a version such as `2024-10-21`"
    );
    ensure!(given.api_key_env.is_none() || given.api_key_file.is_none(), "the provider `{name}` names two credentials");
    let api_key = match (&given.api_key_env, &given.api_key_file) {
        (Some(variable), _) => Some(
            std::env::var(variable)
                .with_context(|| format!("the environment variable `{variable}` of the provider `{name}` is not set"))?,
        ),
        (None, Some(path)) => {
            Some(std::fs::read_to_string(path).with_context(|| format!("the credential `{}` cannot be read", path.display()))?)
        }
        (None, None) => None,
    };
    Ok(Provider {
        name: ProviderName::from(name.as_str()),
        kind,
        base_url: base_url(&given.base_url)?,
        api_version: given.api_version.clone(),
        api_key: api_key.map(|key| Hidden::new(key.trim().to_owned())),
        pass_client_key: given.pass_client_key,
        facts: facts(given)?,
        waits: given.timeouts.settings().with_context(|| format!("in the provider `{name}`"))?,
    })
}

fn facts(given: &ProviderConfig) -> Result<ProviderFacts> {
    let name = &given.name;
    if let Some(region) = &given.region {
        let good = (1..=64).contains(&region.len()) && region.chars().all(|char| char.is_ascii_graphic());
        ensure!(good, "`region` of the provider `{name}` is `{region}`; write a word such as \"eu\", at most 64 characters");
    }
    let training_use = match given.training_use {
        None => TrainingUse::Unknown,
        Some(TrainingConfig::Whether(false) | TrainingConfig::Word(TrainingWord::None)) => TrainingUse::None,
        Some(TrainingConfig::Word(TrainingWord::OptOut)) => TrainingUse::OptOut,
        Some(TrainingConfig::Whether(true) | TrainingConfig::Word(TrainingWord::Yes)) => TrainingUse::Yes,
    };
    let days = given.retention_days.map(|days| bounded("retention_days", Some(days), 0, 0..=36_500)).transpose();
    let retention_days = days.with_context(|| format!("in the provider `{name}`"))?;
    Ok(ProviderFacts { region: given.region.as_deref().map(Into::into), training_use, retention_days })
}

impl WaitsConfig {
    fn settings(&self) -> Result<Waits> {
        let own = |key, given: Option<f64>| given.map(|given| seconds(key, Some(given), Duration::ZERO)).transpose();
        Ok(Waits {
            connect: own("timeouts.connect", self.connect)?,
            first_byte: own("timeouts.first_byte", self.first_byte)?,
            idle: own("timeouts.idle", self.idle)?,
        })
    }
}

/// A provider's address.
///
/// # Errors
/// Says what to write.
pub fn base_url(text: &str) -> Result<http::Uri> {
    let url: http::Uri = text.parse().with_context(|| format!("`{text}` is not a URL"))?;
    let scheme = url.scheme_str().unwrap_or_default();
    ensure!(matches!(scheme, "http" | "https") && url.authority().is_some(), "`{text}` must begin with http:// or https://");
    ensure!(url.query().is_none(), "`{text}` must not have a query");
    Ok(url)
}
