//! Rule files and dictionaries of a company's own, for `--rules`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bartizan_detect::phrases::{Dictionary, Phrases};
use bartizan_detect::{Detector, RuleFile};

use crate::output::read_text;

/// Families of labels that the default policies act on, or that are there for policies of a company's own.
const FAMILIES: [&str; 7] = ["custom.", "x.", "proprietary.", "pii.", "pci.", "phi.", "secret."];

/// Refuses a label that no policy would act on: what it finds would leave.
fn check_label(label: &str) -> Result<()> {
    if FAMILIES.iter().any(|family| label.starts_with(family)) {
        return Ok(());
    }
    bail!(
        "no policy acts on the label `{label}`, so what it finds would leave; call it `custom.{label}`, or write it below `pii.`, `pci.`, `phi.` or `secret.`"
    )
}

/// Rules and dictionaries of a company's own, read.
pub struct OwnRules {
    rules: Vec<(PathBuf, RuleFile)>,
    dictionaries: Vec<Phrases>,
}

impl OwnRules {
    /// Reads these files.
    ///
    /// # Errors
    /// When one cannot be read or is not of the documented form.
    pub fn read(files: &[PathBuf]) -> Result<Self> {
        let mut read = Self { rules: Vec::new(), dictionaries: Vec::new() };
        for file in files {
            let failed = || format!("`{}` cannot be used", file.display());
            let text = read_text(file)?;
            let table: toml::Table = text.parse().with_context(failed)?;
            if table.contains_key("dictionary") {
                read.dictionaries.push(dictionary(file, &text).with_context(failed)?);
            } else {
                let rules = RuleFile::parse(&text).with_context(failed)?;
                check_label(&rules.label).with_context(failed)?;
                read.rules.push((file.clone(), rules));
            }
        }
        Ok(read)
    }

    /// A detector with them besides. `built_in` are the files that `base` was made of: they are compiled anew where there are rules to
    /// compile with them. The examples of each new rule are tried first.
    ///
    /// # Errors
    /// When rules cannot be compiled, or an example fails.
    pub fn add(&self, base: Detector, built_in: impl FnOnce() -> Result<Vec<RuleFile>>) -> Result<Detector> {
        let mut detector = if self.rules.is_empty() { base } else { with_rules(&self.rules, built_in()?)? };
        for phrases in &self.dictionaries {
            detector = detector.with_phrases(phrases.clone());
        }
        Ok(detector)
    }
}

fn with_rules(rules: &[(PathBuf, RuleFile)], mut all: Vec<RuleFile>) -> Result<Detector> {
    for (file, rule) in rules {
        // By itself first, so that the file with the mistake is told.
        Detector::from_rules(std::slice::from_ref(rule)).with_context(|| format!("`{}` cannot be used", file.display()))?;
    }
    all.extend(rules.iter().map(|(_, rule)| rule.clone()));
    let detector = Detector::from_rules(&all).context("these rules cannot be used beside the built-in ones")?;
    for (file, rule) in rules {
        if let Some(failed) = detector.try_examples(std::slice::from_ref(rule)).first() {
            bail!("`{}` cannot be used: {failed}", file.display());
        }
    }
    Ok(detector)
}

/// A dictionary with the phrases of its file, which lies beside it unless it says otherwise.
fn dictionary(path: &Path, text: &str) -> Result<Phrases> {
    let mut dictionary = Dictionary::parse(text)?;
    if let Some(file) = &dictionary.file {
        let list = path.parent().unwrap_or(Path::new(".")).join(file);
        let list = read_text(&list)?;
        dictionary.words.extend(list.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
    }
    Ok(Phrases::new(&dictionary)?)
}
