//! `[[limits.rate]]`, `[[limits.budget]]`, `[prices]`: who may use how much, and what it costs.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use bartizan_gateway::{Measure, Model, Period, Price, Quota};
use bartizan_vocabulary::GroupName;
use serde::Deserialize;

use crate::limits::bounded;

/// Most rules.
const MAX_RULES: usize = 256;
/// Most that may be counted.
const MOST: u64 = 1_000_000_000_000;
/// Most that a budget of money, or a million tokens, may be.
const MOST_MONEY: f64 = 1_000_000_000.0;
/// Thousand-millionths of the currency.
const NANOS: f64 = 1e9;

/// `[[limits.rate]]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateConfig {
    /// What it is called in sentences.
    pub name: String,
    /// Name of a key, or how it begins.
    pub key: Option<String>,
    /// A group.
    pub group: Option<String>,
    /// Name of a model, or how it begins.
    pub model: Option<String>,
    /// Who has it.
    #[serde(default)]
    pub per: Per,
    /// Requests.
    pub requests_per_minute: Option<u64>,
    /// Tokens, read and written.
    pub tokens_per_minute: Option<u64>,
}

/// `[[limits.budget]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetConfig {
    /// What it is called in sentences.
    pub name: String,
    /// Name of a key, or how it begins.
    pub key: Option<String>,
    /// A group.
    pub group: Option<String>,
    /// Name of a model, or how it begins.
    pub model: Option<String>,
    /// Who has it.
    #[serde(default)]
    pub per: Per,
    /// For how long it is.
    pub period: PeriodConfig,
    /// Tokens, read and written.
    pub tokens: Option<u64>,
    /// Money, in the currency of the prices.
    pub money: Option<f64>,
}

/// Who has a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// Each that matches by itself.
    #[default]
    Key,
    /// All that match together.
    All,
}

/// A day or a month, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeriodConfig {
    /// Until midnight.
    Day,
    /// Until the end of the month.
    Month,
}

/// `[prices]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PricesConfig {
    /// A file of `[[models]]`.
    pub file: Option<PathBuf>,
}

/// The file of prices.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceFile {
    models: Vec<PriceConfig>,
}

/// `[[models]]` in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceConfig {
    name: String,
    input: f64,
    output: f64,
}

/// Rules and prices for the models that there are.
///
/// # Errors
/// Says what does not fit together.
pub fn quotas(rates: &[RateConfig], budgets: &[BudgetConfig], prices: &PricesConfig, models: &[Model]) -> Result<(Vec<Quota>, Vec<Price>)> {
    let prices = prices.file.as_deref().map(read).transpose()?;
    let made = rates.iter().map(rate).chain(budgets.iter().map(budget)).collect::<Result<Vec<_>>>()?;
    ensure!(
        made.len() <= MAX_RULES,
        "there are {} rules under `limits.rate` and `limits.budget`; at most {MAX_RULES} are taken",
        made.len()
    );
    let mut names = HashSet::new();
    for quota in &made {
        let name = &quota.name;
        ensure!(names.insert(name), "two limits are called `{name}`; give each its own name, under which its counters are kept");
        if matches!(quota.measure, Measure::Budget { nanos: Some(_), .. }) {
            let what = || format!("the budget `{name}` is one of money; name the file of prices as `prices.file`");
            priced(quota, prices.as_deref().with_context(what)?, models)?;
        }
    }
    Ok((made, prices.unwrap_or_default()))
}

/// Whether there is a price for each model that a budget can cover: what has none would cost nothing.
fn priced(quota: &Quota, prices: &[Price], models: &[Model]) -> Result<()> {
    let fits = |pattern: &str, name: &str| pattern.strip_suffix('*').map_or(pattern == name, |beginning| name.starts_with(beginning));
    for model in models.iter().map(|model| model.name.as_str()) {
        // Another model than the one that is covered may answer for it, so each must have one.
        ensure!(
            prices.iter().any(|price| fits(&price.model, model)),
            "the budget `{}` is one of money, and the model `{model}` has no price; add it to the file of prices{}",
            quota.name,
            if model == "*" { ", or a price named `*` for all others" } else { "" }
        );
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<Price>> {
    let problem = || format!("the prices `{}` cannot be used", path.display());
    let text = std::fs::read_to_string(path).with_context(problem)?;
    let file: PriceFile = toml::from_str(&text).with_context(problem)?;
    let price = |given: &PriceConfig| -> Result<Price> {
        let nanos = |what: &str, given: f64| nanos(what, given).map(|nanos| nanos.div_ceil(1_000_000));
        let what = || format!("at the model `{}` in `{}`", given.name, path.display());
        pattern("name", Some(&given.name)).with_context(what)?;
        let (input, output) = (nanos("input", given.input).with_context(what)?, nanos("output", given.output).with_context(what)?);
        Ok(Price { model: given.name.clone(), input, output })
    };
    file.models.iter().map(price).collect()
}

/// Money in whole thousand-millionths.
fn nanos(what: &str, given: f64) -> Result<u64> {
    let given = bounded(what, Some(given), 0.0, 0.0..=MOST_MONEY)?;
    // Exact: the text of a rounded number has no fraction.
    format!("{:.0}", given * NANOS).parse().with_context(|| format!("`{what}` is not a number that can be counted with"))
}

/// A name, or the beginning of one with `*` behind it.
fn pattern(what: &str, given: Option<&str>) -> Result<Option<String>> {
    if let Some(text) = given {
        let inside = text.strip_suffix('*').unwrap_or(text);
        ensure!(!text.is_empty() && !inside.contains('*'), "`{what}` is `{text}`; write a name, or the beginning of one and `*`");
    }
    Ok(given.map(str::to_owned))
}

fn rate(given: &RateConfig) -> Result<Quota> {
    let name = &given.name;
    let count = |what: &str, count: Option<u64>| count.map(|count| bounded(what, Some(count), 1, 1..=MOST)).transpose();
    let make = || -> Result<Quota> {
        let requests = count("requests_per_minute", given.requests_per_minute)?;
        let tokens = count("tokens_per_minute", given.tokens_per_minute)?;
        ensure!(requests.is_some() || tokens.is_some(), "it counts nothing; write `requests_per_minute` or `tokens_per_minute`");
        quota(name, (&given.key, &given.group, &given.model), given.per, Measure::Rate { requests, tokens })
    };
    make().with_context(|| format!("in the limit `{name}` of `limits.rate`"))
}

fn budget(given: &BudgetConfig) -> Result<Quota> {
    let name = &given.name;
    let make = || -> Result<Quota> {
        let tokens = given.tokens.map(|tokens| bounded("tokens", Some(tokens), 1, 1..=MOST)).transpose()?;
        let nanos = given.money.map(|money| nanos("money", money)).transpose()?;
        ensure!(tokens.is_some() || nanos.is_some(), "it counts nothing; write `tokens` or `money`");
        let period = match given.period {
            PeriodConfig::Day => Period::Day,
            PeriodConfig::Month => Period::Month,
        };
        quota(name, (&given.key, &given.group, &given.model), given.per, Measure::Budget { period, tokens, nanos })
    };
    make().with_context(|| format!("in the budget `{name}` of `limits.budget`"))
}

type Whom<'a> = (&'a Option<String>, &'a Option<String>, &'a Option<String>);

fn quota(name: &str, (key, group, model): Whom<'_>, per: Per, measure: Measure) -> Result<Quota> {
    let plain = |char: char| char.is_ascii_graphic() && char != '`';
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        bail!("`name` must be a word of 1 to 64 ASCII characters, such as \"per-key\"");
    }
    if let Some(group) = group {
        ensure!(!group.is_empty(), "`group` is empty; write a group's name, or leave it out");
    }
    Ok(Quota {
        name: name.into(),
        key: pattern("key", key.as_deref())?,
        group: group.as_deref().map(GroupName::from),
        model: pattern("model", model.as_deref())?,
        shared: per == Per::All,
        measure,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct File {
        rate: Vec<RateConfig>,
        budget: Vec<BudgetConfig>,
    }

    fn read_with(prices: Option<&str>, text: &str, model: &str) -> Result<(Vec<Quota>, Vec<Price>)> {
        let file: File = toml::from_str(text)?;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("prices.toml");
        let prices = prices.map(|text| std::fs::write(&path, text).map(|()| path.clone())).transpose()?;
        quotas(&file.rate, &file.budget, &PricesConfig { file: prices }, &[Model::at(model, 0, None)])
    }

    fn refused(prices: Option<&str>, text: &str) -> String {
        read_with(prices, text, "m").err().map(|error| format!("{error:#}")).unwrap_or_default()
    }

    const MONEY: &str = "[[budget]]\nname = \"b\"\nperiod = \"month\"\nmoney = 12.5";

    #[test]
    fn rules_and_prices_are_read() -> Result<()> {
        let text = format!("[[rate]]\nname = \"r\"\nkey = \"ci-*\"\ngroup = \"staff\"\nper = \"all\"\ntokens_per_minute = 9\n{MONEY}");
        let (quotas, prices) = read_with(Some("[[models]]\nname = \"*\"\ninput = 0.15\noutput = 0.6"), &text, "*")?;
        let [rate, budget] = quotas.as_slice() else { bail!("{quotas:?}") };
        assert_eq!((rate.key.as_deref(), rate.shared, budget.shared), (Some("ci-*"), true, false));
        assert_eq!(budget.measure, Measure::Budget { period: Period::Month, tokens: None, nanos: Some(12_500_000_000) });
        assert_eq!(prices, [Price { model: "*".to_owned(), input: 150, output: 600 }]);
        Ok(())
    }

    #[test]
    fn what_does_not_fit_is_refused_with_a_sentence() {
        let rate = |more: &str| format!("[[rate]]\nname = \"r\"\n{more}");
        for (prices, text, says) in [
            (None, rate(""), "write `requests_per_minute` or `tokens_per_minute`"),
            (None, rate("requests_per_minute = 0"), "`requests_per_minute` is 0; it must be from 1"),
            (None, rate("requests_per_minute = 1\nkey = \"a*b\""), "the beginning of one and `*`"),
            (None, rate("requests_per_minute = 1\nper = \"team\""), "unknown variant `team`"),
            (None, rate("requests_per_minute = 1\nrpm = 1"), "unknown field `rpm`"),
            (None, [rate("requests_per_minute = 1\n"), rate("requests_per_minute = 1")].concat(), "two limits are called `r`"),
            (None, "[[rate]]\nname = \"a b\"\nrequests_per_minute = 1".to_owned(), "must be a word"),
            (None, "[[budget]]\nname = \"b\"\nperiod = \"day\"".to_owned(), "write `tokens` or `money`"),
            (None, "[[budget]]\nname = \"b\"\ntokens = 1".to_owned(), "missing field `period`"),
            (None, MONEY.to_owned(), "name the file of prices as `prices.file`"),
            (Some("models = []"), MONEY.to_owned(), "the model `m` has no price"),
            (Some("[[models]]\nname = \"m\"\ninput = -1\noutput = 1"), MONEY.to_owned(), "`input` is -1; it must be from 0"),
            (Some("[[models]]\nname = \"m\"\ninput = 1"), MONEY.to_owned(), "missing field `output`"),
        ] {
            assert!(refused(prices, &text).contains(says), "{text}: {}", refused(prices, &text));
        }
    }
}
