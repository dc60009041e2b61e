//! A LiteLLM proxy configuration becomes one of ours: goes through the file section by section.

use std::collections::{HashMap, HashSet};

use anyhow::{Result, ensure};

use super::guardrails::{self, Blocks};
use super::places::Places;
use super::plan::{Model, Place, Plan};
use super::report::{At, Report, Told};
use super::secrets::Secrets;
use super::yaml::{Node, Value};
use super::{routing, settings};

/// Sections that make a file one of LiteLLM's.
const SECTIONS: &[&str] = &["model_list", "litellm_settings", "router_settings", "general_settings", "guardrails", "environment_variables"];

/// What came of a file.
pub struct Imported {
    /// Our configuration.
    pub plan: Plan,
    /// What shall be blocked.
    pub blocks: Blocks,
    /// What became of each key.
    pub lines: Vec<Told>,
}

/// Reads a file. `policies` is the folder that will be written when guardrails block something.
///
/// # Errors
/// When it is not a LiteLLM configuration.
pub fn import(root: &Node, policies: Option<&str>) -> Result<Imported> {
    ensure!(
        matches!(root.value, Value::Map(_)) && SECTIONS.iter().any(|section| root.get(section).is_some()),
        "this is not a LiteLLM configuration: it has none of the sections {}",
        SECTIONS.join(", ")
    );
    let (mut plan, mut report) = (Plan::default(), Report::default());
    let wishes = settings::settings(root, &mut plan, &mut report);
    models(root, &mut plan, &mut report)?;
    aliases(root, &mut plan, &mut report);
    routing::apply(&mut plan, &wishes, &mut report);
    let blocks = root.get("guardrails").map(|list| guardrails::read(list, policies.is_some(), &mut report)).unwrap_or_default();
    plan.policy_dir = policies.filter(|_| !blocks.is_empty()).map(str::to_owned);
    others(root, &plan, &mut report);
    Ok(Imported { plan, blocks, lines: report.lines() })
}

fn models(root: &Node, plan: &mut Plan, report: &mut Report) -> Result<()> {
    let Some(entry) = root.entries().iter().find(|entry| entry.key == "model_list") else { return Ok(()) };
    let at = At::new(entry.line, "model_list");
    Places::new(root, Secrets::new(root)?, plan, report).read(&entry.node, &at);
    if plan.models.is_empty() && !entry.node.items().is_empty() {
        report.not_carried(&at, "no model could be carried; without providers the gate starts its sample model", "add `[[providers]]`");
    }
    Ok(())
}

/// `router_settings.model_group_alias`: other names for models.
fn aliases(root: &Node, plan: &mut Plan, report: &mut Report) {
    let Some(router) = root.get("router_settings") else { return };
    let Some(aliases) = router.get("model_group_alias") else { return };
    let at = At::new(aliases.line, "router_settings.model_group_alias");
    let numbers: HashMap<String, usize> = plan.models.iter().map(|model| model.name.clone()).zip(0..).collect();
    let mut names: HashSet<String> = numbers.keys().cloned().collect();
    for entry in aliases.entries() {
        let below = at.below(entry.line, &entry.key);
        let target = entry.node.text().or_else(|| entry.node.get("model")?.text());
        let number = target.and_then(|target| numbers.get(target)).copied();
        let Some((number, model)) = number.and_then(|number| Some((number, plan.models.get(number)?))) else {
            report.not_carried(&below, "the model that it names was not carried", "");
            continue;
        };
        if !names.insert(entry.key.clone()) || entry.key.contains('*') {
            report.not_carried(&below, "a model of this name is there already, or it is a pattern", "");
            continue;
        }
        let bare = |place: &Place| Place { wishes: Vec::new(), ..place.clone() };
        let places = model.places.iter().map(bare).collect();
        plan.models.push(Model { name: entry.key.clone(), places, fallback: Vec::new(), alias_of: Some(number) });
        report.carried(&below, "a model of its own at the same place");
    }
}

/// Sections that are no settings of the proxy.
fn others(root: &Node, plan: &Plan, report: &mut Report) {
    for entry in root.entries() {
        let at = At::new(entry.line, entry.key.as_str());
        match entry.key.as_str() {
            "model_list" | "litellm_settings" | "router_settings" | "general_settings" | "guardrails" => {}
            "environment_variables" => variables(&entry.node, &at, plan, report),
            "credential_list" => credentials(root, &entry.node, &at, report),
            _ => settings::section(entry, report),
        }
    }
}

fn variables(section: &Node, at: &At, plan: &Plan, report: &mut Report) {
    let needed = plan.variables();
    for entry in section.entries() {
        let below = at.below(entry.line, &entry.key);
        if needed.binary_search(&entry.key).is_ok() {
            report.not_carried(&below, "a configuration sets no variables", &format!("set {} where the gate starts", entry.key));
        } else {
            report.changed(&below, "nothing here reads this variable when the gate starts", "");
        }
    }
}

fn credentials(root: &Node, list: &Node, at: &At, report: &mut Report) {
    let models = root.get("model_list").map(|list| list.items()).unwrap_or_default();
    let named = |model: &std::rc::Rc<Node>| Some(model.get("litellm_params")?.get("litellm_credential_name")?.text()?.to_owned());
    let used: HashSet<String> = models.iter().filter_map(named).collect();
    for (number, item) in list.items().iter().enumerate() {
        let at = At::new(item.line, format!("{}[{number}]", at.key));
        let name = item.get("credential_name").and_then(|name| name.text()).unwrap_or_default();
        if used.contains(name) {
            report.changed(&at, "its values are with the providers of the models that name it", "");
        } else {
            report.changed(&at, "no model names it", "");
        }
    }
}
