//! `docs/recognisers.md`: what can be found, written from the rule files, so that the page cannot say anything else than they do.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// Where the rule files are, below the workspace.
const RULES: &str = "crates/detect/rules";
/// Where the page is.
pub const PAGE: &str = "docs/recognisers.md";

/// What families of labels hold.
const FAMILIES: &[(&str, &str)] =
    &[("pii", "Personal data"), ("pci", "Payment data"), ("phi", "Health data"), ("secret", "Secrets"), ("confidential", "Confidential")];

#[derive(Deserialize)]
struct RuleFile {
    label: String,
    description: String,
    threshold: f64,
    severity: String,
    #[serde(rename = "rule")]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
    score: f64,
    context_score: Option<f64>,
    #[serde(default)]
    checks: Vec<String>,
    #[serde(default)]
    jurisdiction: Vec<String>,
    source: String,
}

/// The page; `None` where there are no rule files.
pub fn page(root: &Path) -> Result<Option<String>> {
    let folder = root.join(RULES);
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("listing `{}`", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = fs::read_to_string(&path).with_context(|| format!("reading `{}`", path.display()))?;
            files.push(toml::from_str::<RuleFile>(&text).with_context(|| format!("reading `{}`", path.display()))?);
        }
    }
    files.sort_by(|one, next| one.label.cmp(&next.label));
    Ok(Some(written(&files)?))
}

fn written(files: &[RuleFile]) -> Result<String> {
    let rules: usize = files.iter().map(|file| file.rules.len()).sum();
    let mut page = String::from("# Recognisers\n\n");
    writeln!(page, "Written by `cargo run -p xtask -- recognisers` from the rule files of `{RULES}`; do not edit.")?;
    writeln!(page, "How they work is in [detection](detection.md), how to add one in [adding a recogniser](adding-a-recogniser.md).\n")?;
    writeln!(
        page,
        "{} labels, {rules} rules. A match is reported when its score reaches the label's threshold; words around it,",
        files.len()
    )?;
    writeln!(page, "or the key it stands under, give it the second score. Checks are tests of the value that a pattern cannot make.")?;
    writeln!(page, "A gate looks for all of them.")?;
    let mut family = "";
    for file in files {
        let of = file.label.split('.').next().unwrap_or_default();
        if of != family {
            family = of;
            let title = FAMILIES.iter().find(|(name, _)| *name == family).map_or(family, |(_, title)| title);
            writeln!(page, "\n## {title}")?;
        }
        label(&mut page, file)?;
    }
    Ok(page)
}

fn label(page: &mut String, file: &RuleFile) -> Result<()> {
    writeln!(page, "\n### `{}`\n\n{} Severity {}, threshold {}.\n", file.label, file.description, file.severity, file.threshold)?;
    page.push_str("| rule | score | jurisdiction | checks | source |\n|---|---|---|---|---|\n");
    for rule in &file.rules {
        let score = rule.context_score.map_or(rule.score.to_string(), |with| format!("{} / {with}", rule.score));
        let checks: Vec<String> = rule.checks.iter().map(|check| format!("`{check}`")).collect();
        let (checks, places) = (checks.join(" "), rule.jurisdiction.join(", "));
        writeln!(page, "| `{}` | {score} | {places} | {checks} | {} |", rule.id, rule.source.replace('|', "\\|"))?;
    }
    Ok(())
}
