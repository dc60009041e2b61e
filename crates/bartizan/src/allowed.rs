//! What is not reported, from the configuration or the command line: read, and made ready.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use bartizan_detect::{AllowEntry, AllowList, AllowedValue, Detector};
use bartizan_vocabulary::Hidden;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::{scores, words};

/// An entry of `guard.allow`: a value, or a table. Printed without either.
#[derive(Clone, Debug)]
pub struct AllowConfig(Hidden<AllowTable>);

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowTable {
    label: Option<String>,
    value: Option<String>,
    pattern: Option<String>,
}

impl<'de> Deserialize<'de> for AllowConfig {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = AllowConfig;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a value, or a table with `value` or `pattern`, and `label`")
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<AllowConfig, E> {
                Ok(AllowConfig(Hidden::new(AllowTable { value: Some(value.to_owned()), ..AllowTable::default() })))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AllowConfig, A::Error> {
                AllowTable::deserialize(MapAccessDeserializer::new(map)).map(|table| AllowConfig(Hidden::new(table)))
            }
        }
        from.deserialize_any(Read)
    }
}

/// The list of the configuration.
///
/// # Errors
/// Which entry is not good, and why; without its value.
pub fn list(asked: &[AllowConfig]) -> Result<AllowList> {
    let read = |(number, AllowConfig(table)): (usize, &AllowConfig)| {
        let table = table.reveal();
        let value = match (&table.value, &table.pattern) {
            (Some(value), None) => AllowedValue::Exact(Hidden::new(value.clone())),
            (None, Some(pattern)) => AllowedValue::Pattern(pattern.clone()),
            _ => bail!("entry {number}: give either `value` or `pattern`"),
        };
        Ok(AllowEntry { label: table.label.clone(), value })
    };
    let entries = (1..).zip(asked).map(read).collect::<Result<Vec<_>>>()?;
    Ok(AllowList::new(&entries)?)
}

/// Refuses entries for what is no label, nor a family of labels.
///
/// # Errors
/// Which entry, and which labels are near.
pub fn known(asked: &[AllowConfig], labels: &[String]) -> Result<()> {
    for (number, AllowConfig(table)) in (1..).zip(asked) {
        scores::known(table.reveal().label.iter(), labels).with_context(|| format!("entry {number}"))?;
    }
    Ok(())
}

/// Sentences about entries for what a gate does not look for.
pub fn without_effect(asked: &[AllowConfig], gate: &Detector) -> Vec<String> {
    let labels: BTreeSet<&String> = asked.iter().filter_map(|AllowConfig(table)| table.reveal().label.as_ref()).collect();
    let found = scores::labels_of(gate);
    let unused = labels.into_iter().filter(|label| !words::is_looked_for(label, &found));
    let sentence = |label: &String| {
        let what = words::what_would_find(label);
        format!("`guard.allow` names what this gate does not look for: `{label}` ({what}); it holds for detection as a service")
    };
    unused.map(sentence).collect()
}

/// The list of `--allow` and `--allow-pattern`. What stands before the first `=` is a label, if there is one of that name.
///
/// # Errors
/// Which one is not good, and why.
pub fn of_flags(values: &[String], patterns: &[String], detector: &Detector) -> Result<AllowList> {
    if values.is_empty() && patterns.is_empty() {
        return Ok(AllowList::new(&[])?);
    }
    let labels = &scores::labels(detector)?;
    let is_label = |word: &str| scores::known(std::iter::once(&word.to_owned()), labels).is_ok();
    let mut entries = Vec::new();
    for value in values {
        let (label, value) = match value.split_once('=') {
            Some((label, value)) if is_label(label) => (Some(label.to_owned()), value),
            _ => (None, value.as_str()),
        };
        entries.push(AllowEntry { label, value: AllowedValue::Exact(Hidden::new(value.to_owned())) });
    }
    AllowList::new(&entries).context("`--allow` cannot be used")?;
    let mut of_patterns = Vec::new();
    for pattern in patterns {
        let (label, pattern) =
            pattern.split_once('=').context("give `--allow-pattern` a label and a pattern, such as 'pii.email=.*@acme\\.example'")?;
        scores::known(std::iter::once(&label.to_owned()), labels)?;
        of_patterns.push(AllowEntry { label: Some(label.to_owned()), value: AllowedValue::Pattern(pattern.to_owned()) });
    }
    AllowList::new(&of_patterns).context("`--allow-pattern` cannot be used")?;
    entries.extend(of_patterns);
    Ok(AllowList::new(&entries)?)
}
