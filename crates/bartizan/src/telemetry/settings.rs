//! `[telemetry]`: where what happens is exported to, if anywhere.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bartizan_vocabulary::Hidden;
use http::{HeaderName, HeaderValue, Uri};
use serde::Deserialize;

use crate::limits::bounded;

/// Most headers for the collector.
const HEADERS: usize = 32;

/// `[telemetry]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// Base URL of a collector that speaks OTLP over HTTP; without it nothing is exported.
    pub otlp_endpoint: Option<String>,
    /// Headers for the collector.
    pub headers: Vec<HeaderConfig>,
    /// The share of new traces whose spans are exported.
    pub sample_ratio: Option<f64>,
    /// Seconds between two exports.
    pub interval: Option<f64>,
    /// The name of this service.
    pub service_name: Option<String>,
}

/// `[[telemetry.headers]]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderConfig {
    /// Its name.
    pub name: String,
    /// Environment variable that holds the value.
    pub value_env: Option<String>,
    /// File that holds the value.
    pub value_file: Option<PathBuf>,
}

/// What is exported, where, and how often.
#[derive(Debug)]
pub struct Export {
    /// Base URL, without a slash at its end.
    pub endpoint: String,
    /// Headers.
    pub headers: Hidden<HashMap<String, String>>,
    /// Share of new traces.
    pub ratio: f64,
    /// Time between two exports.
    pub interval: Duration,
    /// The name of this service, if it is chosen.
    pub service_name: Option<String>,
}

impl TelemetryConfig {
    /// What the standard variables of the environment say stands above the file.
    pub fn with_environment(&mut self, variable: impl Fn(&str) -> Option<String>) {
        let named = |name| variable(name).filter(|value| !value.trim().is_empty());
        if let Some(endpoint) = named("OTEL_EXPORTER_OTLP_ENDPOINT") {
            self.otlp_endpoint = Some(endpoint);
        }
        if let Some(name) = named("OTEL_SERVICE_NAME") {
            self.service_name = Some(name);
        }
        if named("OTEL_SDK_DISABLED").is_some_and(|value| value.trim().eq_ignore_ascii_case("true")) {
            self.otlp_endpoint = None;
        }
    }

    /// What is to be exported; `None` without a collector.
    ///
    /// # Errors
    /// Names the key and what to write.
    pub fn export(&self) -> Result<Option<Export>> {
        let ratio = bounded("telemetry.sample_ratio", self.sample_ratio, 1.0, 0.0..=1.0)?;
        let interval = Duration::from_secs_f64(bounded("telemetry.interval", self.interval, 10.0, 0.1..=3_600.0)?);
        if let Some(name) = &self.service_name {
            let good = (1..=255).contains(&name.len()) && !name.chars().any(char::is_control);
            ensure!(good, "`telemetry.service_name` must have 1 to 255 characters");
        }
        ensure!(self.headers.len() <= HEADERS, "`telemetry.headers` are more than {HEADERS}");
        let headers = self.headers.iter().map(HeaderConfig::read).collect::<Result<_>>()?;
        let Some(endpoint) = &self.otlp_endpoint else { return Ok(None) };
        let url: Uri =
            endpoint.trim().parse().context("`telemetry.otlp_endpoint` is no URL; write one such as \"http://127.0.0.1:4318\"")?;
        let good = matches!(url.scheme_str(), Some("http" | "https")) && url.query().is_none();
        ensure!(
            good && url.authority().is_some_and(|authority| !authority.as_str().contains('@')),
            "`telemetry.otlp_endpoint` must be a URL such as \"http://127.0.0.1:4318\", without a query; a credential goes into `telemetry.headers`"
        );
        let endpoint = url.to_string().trim_end_matches('/').to_owned();
        Ok(Some(Export { endpoint, headers: Hidden::new(headers), ratio, interval, service_name: self.service_name.clone() }))
    }
}

impl HeaderConfig {
    fn read(&self) -> Result<(String, String)> {
        let name = &self.name;
        ensure!(HeaderName::from_bytes(name.as_bytes()).is_ok(), "`{name}` in `telemetry.headers` is no name of a header");
        let value = match (&self.value_env, &self.value_file) {
            (Some(variable), None) => std::env::var(variable)
                .with_context(|| format!("the environment variable `{variable}` of `telemetry.headers` is not set"))?,
            (None, Some(path)) => {
                std::fs::read_to_string(path).with_context(|| format!("`{}` of `telemetry.headers` cannot be read", path.display()))?
            }
            _ => anyhow::bail!("the header `{name}` in `telemetry.headers` needs `value_env` or `value_file`"),
        };
        let value = value.trim();
        ensure!(HeaderValue::from_str(value).is_ok(), "the value of the header `{name}` in `telemetry.headers` cannot stand in a header");
        Ok((name.to_ascii_lowercase(), value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<TelemetryConfig> {
        Ok(toml::from_str(text)?)
    }

    /// The whole error, or that there is none.
    fn problem(text: &str) -> String {
        config(text).and_then(|config| config.export()).map_or_else(|error| format!("{error:#}"), |_| "none".to_owned())
    }

    #[test]
    fn nothing_is_exported_unless_somebody_says_where() {
        assert!(config("").unwrap().export().unwrap().is_none());
        assert!(config("sample_ratio = 0.5\nservice_name = \"x\"").unwrap().export().unwrap().is_none());
        let export = config("otlp_endpoint = \"http://127.0.0.1:4318/\"").unwrap().export().unwrap().unwrap();
        assert_eq!((export.endpoint.as_str(), export.ratio, export.interval), ("http://127.0.0.1:4318", 1.0, Duration::from_secs(10)));
    }

    #[test]
    fn the_environment_stands_above_the_file() {
        let with = |pairs: &[(&str, &str)]| {
            let mut config = config("otlp_endpoint = \"http://of.the.file\"\nservice_name = \"file\"").unwrap();
            config.with_environment(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()));
            config.export().unwrap().map(|export| (export.endpoint, export.service_name.unwrap_or_default()))
        };
        let some = |endpoint: &str, name: &str| Some((endpoint.to_owned(), name.to_owned()));
        assert_eq!(with(&[]), some("http://of.the.file", "file"));
        assert_eq!(with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", ""), ("OTEL_SERVICE_NAME", " ")]), some("http://of.the.file", "file"));
        let both = [("OTEL_EXPORTER_OTLP_ENDPOINT", "https://of.the.env/x"), ("OTEL_SERVICE_NAME", "env")];
        assert_eq!(with(&both), some("https://of.the.env/x", "env"));
        assert_eq!(with(&[both[0], ("OTEL_SDK_DISABLED", "true")]), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, says) in [
            ("otlp_endpoint = \"127.0.0.1:4318\"", "`telemetry.otlp_endpoint` must be a URL"),
            ("otlp_endpoint = \"ftp://h\"", "`telemetry.otlp_endpoint` must be a URL"),
            ("otlp_endpoint = \"\"", "`telemetry.otlp_endpoint`"),
            ("otlp_endpoint = \"http://me:secret@h\"", "a credential goes into `telemetry.headers`"),
            ("otlp_endpoint = \"http://h/?a=b\"", "without a query"),
            ("sample_ratio = 1.5", "`telemetry.sample_ratio` is 1.5; it must be from 0 to 1"),
            ("interval = 0", "`telemetry.interval` is 0; it must be from 0.1 to 3600"),
            ("service_name = \"\"", "`telemetry.service_name`"),
            ("[[headers]]\nname = \"a b\"\nvalue_env = \"X\"", "is no name of a header"),
            ("[[headers]]\nname = \"a\"", "needs `value_env` or `value_file`"),
            ("[[headers]]\nname = \"a\"\nvalue_env = \"NOT_SET_ANYWHERE\"", "`NOT_SET_ANYWHERE` of `telemetry.headers` is not set"),
            ("[[headers]]\nname = \"a\"\nvalue_file = \"/nowhere\"", "`/nowhere` of `telemetry.headers` cannot be read"),
        ] {
            assert!(problem(text).contains(says), "{text}: {}", problem(text));
        }
    }
}
