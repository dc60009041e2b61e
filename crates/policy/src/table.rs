//! Decision tables: rows of facts and what must come of them, as a text that a reviewer can read.

use std::collections::BTreeMap;
use std::sync::Arc;

use bartizan_vocabulary::{
    Decision, GroupName, GuardStatus, Label, ModelName, Principal, PrincipalId, PrincipalKind, ProviderName, Role, Timestamp,
    UninspectedKind,
};
use serde::{Deserialize, Serialize};

use crate::explain::Explanation;
use crate::{Action, Facts, PolicySet, ProviderFacts, Resource, TrainingUse};

/// A table that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the decision table cannot be read; correct it as described")]
pub struct TableError(#[from] toml::de::Error);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    row: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    /// Who asks: `user:ada`, `service:billing` or `anonymous`.
    #[serde(default = "somebody")]
    principal: String,
    #[serde(default)]
    groups: Vec<GroupName>,
    action: Action,
    #[serde(default = "some_model")]
    model: ModelName,
    #[serde(default = "some_provider")]
    provider: ProviderName,
    /// What is known of the provider.
    region: Option<Arc<str>>,
    #[serde(default)]
    training_use: TrainingUse,
    retention_days: Option<u32>,
    app: Option<Arc<str>>,
    team: Option<Arc<str>>,
    organisation: Option<Arc<str>>,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    tainted: bool,
    #[serde(default)]
    tools: Vec<Arc<str>>,
    #[serde(default)]
    token_estimate: u64,
    #[serde(default)]
    body_bytes: u64,
    #[serde(default = "full_score")]
    score_bp: u16,
    #[serde(default)]
    guards: BTreeMap<Arc<str>, GuardStatus>,
    /// `2026-11-22T09:30:00Z`.
    time: Option<Timestamp>,
    /// Labels by role; one finding each, repeated labels count.
    #[serde(default)]
    labels: BTreeMap<Role, Vec<Label>>,
    /// Kinds of content that could not be read, in user messages.
    #[serde(default)]
    uninspected: Vec<UninspectedKind>,

    expect: Decision,
    /// Remedy per label, with `:operator` where there is one. What is not listed must not be asked for.
    #[serde(default)]
    remedies: BTreeMap<Label, String>,
    /// Determining policies of the first evaluation; not compared when absent.
    policies: Option<Vec<String>>,
    /// Recording policies of the first evaluation that matched; not compared when absent.
    recorded: Option<Vec<String>>,
    /// Policies whose evaluation must fail, in any step.
    #[serde(default)]
    errors: Vec<String>,
    /// A part of a sentence that the caller must be told.
    coach: Option<String>,
}

fn somebody() -> String {
    "user:ada".to_owned()
}

fn some_model() -> ModelName {
    ModelName::from("gpt-4o-mini")
}

fn some_provider() -> ProviderName {
    ProviderName::from("main")
}

fn full_score() -> u16 {
    10_000
}

/// What came of one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowReport {
    /// The row's name.
    pub name: String,
    /// What differs from what is expected; empty when the row holds.
    pub differences: Vec<String>,
}

/// What came of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TableReport {
    /// Every row, in order.
    pub rows: Vec<RowReport>,
}

impl TableReport {
    /// Whether every row holds.
    pub fn holds(&self) -> bool {
        self.rows.iter().all(|row| row.differences.is_empty())
    }
}

/// Judges every row of a TOML table with `set`.
///
/// # Errors
/// When the text is not such a table.
pub fn run_table(set: &PolicySet, table: &str) -> Result<TableReport, TableError> {
    let table: Table = toml::from_str(table)?;
    let rows = table.row.iter().map(|row| {
        let explanation = set.explain(&row.facts());
        RowReport { name: row.name.clone(), differences: row.differences(&explanation) }
    });
    Ok(TableReport { rows: rows.collect() })
}

impl Row {
    fn facts(&self) -> Facts {
        let kind = match self.principal.split(':').next() {
            Some("service") => PrincipalKind::Service,
            Some("anonymous") => PrincipalKind::Anonymous,
            _ => PrincipalKind::User,
        };
        let mut groups = self.groups.clone();
        groups.sort();
        let principal = Principal { id: PrincipalId::new(self.principal.as_str()), kind, key: None, groups, models: None };
        let on_model = self.action.is_on_model();
        let resource = Resource {
            model: on_model.then(|| self.model.clone()),
            provider: on_model.then(|| self.provider.clone()),
            provider_facts: ProviderFacts {
                region: self.region.clone(),
                training_use: self.training_use,
                retention_days: self.retention_days,
            },
            route: Arc::from(if on_model { "POST /v1/chat/completions" } else { "GET /v1/models" }),
            app: self.app.clone(),
            team: self.team.clone(),
            organisation: self.organisation.clone(),
        };
        let mut facts = Facts::new(Arc::new(principal), self.action, resource, self.time.unwrap_or_default());
        for (role, labels) in &self.labels {
            for label in labels {
                facts.add_finding(*role, label, self.score_bp);
            }
        }
        self.uninspected.iter().for_each(|kind| facts.add_uninspected(Role::User, *kind));
        let context = &mut facts.context;
        context.stream = self.stream;
        context.session_tainted = self.tainted;
        context.tools.extend(self.tools.iter().cloned());
        context.token_estimate = self.token_estimate;
        context.body_bytes = self.body_bytes;
        context.guards = self.guards.clone();
        facts
    }

    fn differences(&self, explanation: &Explanation) -> Vec<String> {
        let mut differences = Vec::new();
        let mut compare = |what: &str, expected: String, actual: String| {
            if expected != actual {
                differences.push(format!("{what}: expected {expected}, got {actual}"));
            }
        };
        compare("decision", self.expect.to_string(), explanation.decision.to_string());
        let first = explanation.steps.first();
        let asked: BTreeMap<Label, String> = first
            .into_iter()
            .flat_map(|step| &step.remedies)
            .map(|one| (one.label.clone(), one.operator.map_or_else(|| one.remedy.to_string(), |op| format!("{}:{op}", one.remedy))))
            .collect();
        compare("remedies", format!("{:?}", self.remedies), format!("{asked:?}"));
        let names = |fired: Option<&[bartizan_vocabulary::FiredPolicy]>| -> String {
            sorted(fired.into_iter().flatten().map(|policy| policy.id.as_str()))
        };
        if let Some(policies) = &self.policies {
            compare("policies", sorted(policies), names(first.map(|step| step.policies.as_slice())));
        }
        if let Some(recorded) = &self.recorded {
            compare("recorded", sorted(recorded), names(first.map(|step| step.recorded.as_slice())));
        }
        let failed = explanation.steps.iter().flat_map(|step| &step.errors).map(|error| error.policy.as_str());
        compare("errors", sorted(&self.errors), sorted(failed));
        if let Some(part) = &self.coach {
            let told: Vec<&String> = explanation.steps.iter().flat_map(|step| &step.coach).collect();
            if !told.iter().any(|sentence| sentence.contains(part)) {
                differences.push(format!("coach: expected a sentence with `{part}`, got {told:?}"));
            }
        }
        differences
    }
}

fn sorted(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut names: Vec<String> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
    names.sort();
    names.dedup();
    format!("[{}]", names.join(", "))
}
