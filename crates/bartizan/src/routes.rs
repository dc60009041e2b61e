//! `[[models]]`, `[retries]`, `[breaker]`: where requests go, and what happens when a provider does not do its work.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bartizan_gateway::{Breaking, MAX_WAYS, Model, Provider, ProviderKind, Retries, Waits, Way};
use bartizan_policy::ProviderFacts;
use bartizan_vocabulary::ProviderName;
use serde::Deserialize;

use crate::limits::{bounded, seconds};
use crate::providers::{ProviderConfig, base_url, provider};

/// Most fallbacks of a model, those of its fallbacks included.
const MAX_FALLBACKS: usize = 16;
/// Most that a place may weigh.
const MAX_WEIGHT: u32 = 1_000;

/// `[[models]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// What clients ask for; `*` as the last entry means any.
    pub name: String,
    /// Which provider, when there is one place.
    pub provider: Option<String>,
    /// What that provider calls it.
    pub upstream_name: Option<String>,
    /// The places, when there are several.
    #[serde(default)]
    pub targets: Vec<TargetConfig>,
    /// Names of other models that are asked instead.
    #[serde(default)]
    pub fallback: Vec<String>,
}

/// One of `targets`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetConfig {
    /// Which provider.
    pub provider: String,
    /// What the provider calls the model.
    pub upstream_name: Option<String>,
    /// Its share of the calls.
    pub weight: Option<u32>,
}

/// `[retries]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetriesConfig {
    /// Most calls of one place for one request.
    pub attempts: Option<u32>,
    /// The first pause is anything up to this, in milliseconds; it doubles.
    pub base_ms: Option<u64>,
    /// Most that it grows to.
    pub max_ms: Option<u64>,
    /// Seconds after which no further call begins.
    pub deadline: Option<f64>,
    /// Further calls for a hundred requests.
    pub budget_percent: Option<u32>,
}

/// `[breaker]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerConfig {
    /// How many of the last calls count.
    pub window: Option<u32>,
    /// How many of those must have failed.
    pub failures: Option<u32>,
    /// Seconds that a provider is left alone.
    pub open_seconds: Option<f64>,
}

impl RetriesConfig {
    /// The gate's.
    ///
    /// # Errors
    /// Names the key and what is allowed.
    pub fn settings(&self) -> Result<Retries> {
        let usual = Retries::default();
        let millis = |key, given: Option<u64>, usual: Duration| {
            bounded(key, given, u64::try_from(usual.as_millis()).unwrap_or(0), 0..=60_000).map(Duration::from_millis)
        };
        let (base, max) = (millis("retries.base_ms", self.base_ms, usual.base)?, millis("retries.max_ms", self.max_ms, usual.max)?);
        ensure!(base <= max, "`retries.base_ms` is more than `retries.max_ms`; make it less");
        Ok(Retries {
            attempts: bounded("retries.attempts", self.attempts, usual.attempts, 1..=10)?,
            base,
            max,
            deadline: seconds("retries.deadline", self.deadline, usual.deadline)?,
            budget_percent: bounded("retries.budget_percent", self.budget_percent, usual.budget_percent, 0..=1_000)?,
        })
    }
}

impl BreakerConfig {
    /// The gate's.
    ///
    /// # Errors
    /// Names the key and what is allowed.
    pub fn settings(&self) -> Result<Breaking> {
        let usual = Breaking::default();
        let window = bounded("breaker.window", self.window, usual.window, 1..=64)?;
        let failures = bounded("breaker.failures", self.failures, usual.failures, 0..=64)?;
        ensure!(
            failures <= window,
            "`breaker.failures` is {failures} of the last {window} calls, which is never reached; make it less than `breaker.window`, or 0 for no breaker"
        );
        Ok(Breaking { window, failures, pause: seconds("breaker.open_seconds", self.open_seconds, usual.pause)? })
    }
}

/// Providers and models. `upstream` is the one-line start; `sample` is where the sample model listens.
///
/// # Errors
/// Says what does not fit together.
pub fn routes(
    providers: &[ProviderConfig],
    models: &[ModelConfig],
    upstream: Option<&str>,
    sample: Option<SocketAddr>,
) -> Result<(Vec<Provider>, Vec<Model>)> {
    if let Some(url) = upstream {
        return any("upstream", url);
    }
    if providers.is_empty() {
        ensure!(models.is_empty(), "`[[models]]` needs `[[providers]]`");
        let address =
            sample.context("no provider is configured; add `[[providers]]`, or restart: the sample model starts only with the process")?;
        return any("sample", &format!("http://{address}/v1"));
    }
    let made = providers.iter().map(provider).collect::<Result<Vec<_>>>()?;
    if models.is_empty() {
        ensure!(made.len() == 1, "with several providers, say which models each serves in `[[models]]`");
        return Ok((made, vec![Model::at("*", 0, None)]));
    }
    let mut served = Vec::new();
    for (at, given) in models.iter().enumerate() {
        ensure!(given.name != "*" || at + 1 == models.len(), "the model `*` must be the last entry");
        let fallback = chain(models, at)?;
        served.push(Model { name: given.name.as_str().into(), ways: ways(given, providers)?, fallback });
    }
    Ok((made, served))
}

/// One provider for every model.
fn any(name: &str, url: &str) -> Result<(Vec<Provider>, Vec<Model>)> {
    let provider = Provider {
        name: ProviderName::from(name),
        kind: ProviderKind::Both,
        api_version: None,
        base_url: base_url(url)?,
        api_key: None,
        pass_client_key: name == "upstream",
        facts: ProviderFacts::default(),
        waits: Waits::default(),
    };
    Ok((vec![provider], vec![Model::at("*", 0, None)]))
}

fn ways(given: &ModelConfig, providers: &[ProviderConfig]) -> Result<Vec<Way>> {
    let name = &given.name;
    let way = |provider: &str, upstream_name: &Option<String>, weight: Option<u32>| -> Result<Way> {
        let found = providers.iter().position(|known| known.name == provider);
        let provider = found.with_context(|| format!("the model `{name}` names the provider `{provider}`, which is not configured"))?;
        Ok(Way { provider, upstream_name: upstream_name.clone(), weight: bounded("weight", weight, 1, 0..=MAX_WEIGHT)? })
    };
    if let Some(provider) = &given.provider {
        ensure!(given.targets.is_empty(), "the model `{name}` has `provider` and `targets`; write the provider as one of the targets");
        return Ok(vec![way(provider, &given.upstream_name, None)?]);
    }
    ensure!(!given.targets.is_empty(), "the model `{name}` has no `provider`; write one, or several as `targets`");
    ensure!(given.upstream_name.is_none(), "the model `{name}` has `targets`; write `upstream_name` into each of them");
    let many = given.targets.len();
    ensure!(many <= MAX_WAYS, "the model `{name}` has {many} targets; at most {MAX_WAYS} are taken");
    let each = given.targets.iter().map(|target| way(&target.provider, &target.upstream_name, target.weight));
    each.collect::<Result<_>>().with_context(|| format!("in the targets of the model `{name}`"))
}

/// The fallbacks of a model, each followed by its own, every one once.
fn chain(models: &[ModelConfig], of: usize) -> Result<Vec<usize>> {
    let mut found = Vec::new();
    follow(models, &mut vec![of], &mut found)?;
    let name = models.get(of).map(|model| model.name.as_str()).unwrap_or_default();
    ensure!(found.len() <= MAX_FALLBACKS, "the model `{name}` has {} fallbacks; at most {MAX_FALLBACKS} are taken", found.len());
    Ok(found)
}

/// `path`: how it came to the model whose fallbacks are followed.
fn follow(models: &[ModelConfig], path: &mut Vec<usize>, found: &mut Vec<usize>) -> Result<()> {
    let Some(from) = path.last().and_then(|at| models.get(*at)) else { return Ok(()) };
    for name in &from.fallback {
        ensure!(name != "*", "the model `{}` falls back to `*`, which is no model; name one", from.name);
        let next = models.iter().position(|model| model.name == *name);
        let next =
            next.with_context(|| format!("the model `{}` falls back to `{name}`, which is not configured in `[[models]]`", from.name))?;
        if path.contains(&next) {
            let names: Vec<_> = path.iter().filter_map(|at| models.get(*at)).map(|model| model.name.as_str()).collect();
            bail!("the fallbacks go in a circle: {} → {name}; take one of them out", names.join(" → "));
        }
        if found.contains(&next) {
            continue;
        }
        found.push(next);
        path.push(next);
        follow(models, path, found)?;
        path.pop();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Model>> {
        #[derive(Deserialize)]
        struct File {
            providers: Vec<ProviderConfig>,
            #[serde(default)]
            models: Vec<ModelConfig>,
        }
        let providers =
            ["a", "b"].map(|name| format!("[[providers]]\nname = \"{name}\"\nkind = \"openai\"\nbase_url = \"http://{name}/v1\"\n"));
        let file: File = toml::from_str(&format!("{}{text}", providers.concat()))?;
        routes(&file.providers, &file.models, None, None).map(|(_, models)| models)
    }

    fn refused(text: &str) -> String {
        read(text).err().map(|error| format!("{error:#}")).unwrap_or_default()
    }

    const M: &str = "[[models]]\nname = \"m\"\n";

    #[test]
    fn places_and_fallbacks_are_read() -> Result<()> {
        let models = read(
            r#"
            [[models]]
            name = "m"
            targets = [{ provider = "b", upstream_name = "bm", weight = 3 }, { provider = "a" }]
            fallback = ["n", "o"]
            [[models]]
            name = "n"
            provider = "a"
            upstream_name = "an"
            fallback = ["p"]
            [[models]]
            name = "o"
            provider = "b"
            fallback = ["p"]
            [[models]]
            name = "p"
            provider = "b"
            "#,
        )?;
        let ways = models.iter().flat_map(|model| &model.ways).map(|way| (way.provider, way.upstream_name.as_deref(), way.weight));
        let ways: Vec<_> = ways.collect();
        assert_eq!(ways.get(..3), Some([(1, Some("bm"), 3), (0, None, 1), (0, Some("an"), 1)].as_slice()));
        let chains: Vec<_> = models.iter().map(|model| model.fallback.clone()).collect();
        assert_eq!(chains, [vec![1, 3, 2], vec![3], vec![3], vec![]]);
        Ok(())
    }

    #[test]
    fn what_does_not_fit_is_refused_with_a_sentence() {
        let model = |name: &str, fallback: &str| format!("[[models]]\nname = \"{name}\"\nprovider = \"a\"\nfallback = [\"{fallback}\"]\n");
        let circle = [model("m", "n"), model("n", "o"), model("o", "n")].concat();
        assert!(refused(&circle).contains("circle: m → n → o → n"), "{}", refused(&circle));
        for (text, says) in [
            ("region = \"the moon\"".to_owned(), "a word such as"),
            ("training_use = \"maybe\"".to_owned(), "must be \"none\", \"opt_out\", \"yes\", true or false"),
            ("retention_days = 36501".to_owned(), "`retention_days` is 36501; it must be from 0 to 36500"),
            (model("m", "m"), "circle: m → m"),
            (model("m", "x"), "`x`, which is not configured"),
            (model("m", "*"), "which is no model"),
            (M.to_owned(), "has no `provider`"),
            (format!("{M}provider = \"a\"\ntargets = [{{ provider = \"b\" }}]"), "has `provider` and `targets`"),
            (format!("{M}upstream_name = \"x\"\ntargets = [{{ provider = \"b\" }}]"), "into each of them"),
            (format!("{M}targets = [{{ provider = \"c\" }}]"), "`c`, which is not configured"),
            (format!("{M}targets = [{{ provider = \"a\", weight = 1001 }}]"), "`weight` is 1001; it must be from 0 to 1000"),
            (format!("{M}targets = [{{ provider = \"a\", share = 1 }}]"), "unknown field `share`"),
        ] {
            assert!(refused(&text).contains(says), "{text}: {}", refused(&text));
        }
    }

    #[test]
    fn numbers_have_bounds() {
        let retries = |text: &str| toml::from_str::<RetriesConfig>(text).map(|config| config.settings());
        assert!(matches!(retries("attempts = 3\nbase_ms = 10\nmax_ms = 20"), Ok(Ok(_))));
        assert!(matches!(retries("attempts = 0"), Ok(Err(_))) && matches!(retries("base_ms = 30\nmax_ms = 20"), Ok(Err(_))));
        let breaker = |text: &str| toml::from_str::<BreakerConfig>(text).map(|config| config.settings());
        assert!(matches!(breaker("window = 5\nfailures = 5"), Ok(Ok(_))) && matches!(breaker("window = 5\nfailures = 6"), Ok(Err(_))));
    }
}
