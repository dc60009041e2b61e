//! The committed generator of policies and requests: 85 % scoped, 10 % label rules, 5 % unscoped.
//! Used by the example `judge_cost` and by the tests.

use std::fmt::Write as _;
use std::sync::Arc;

use bartizan_policy::{Action, Facts, Resource, Source};
use bartizan_vocabulary::{GroupName, Label, ModelName, Principal, PrincipalId, PrincipalKind, ProviderName, Role, Timestamp};

/// A house of this size: the same for every number of policies.
const GROUPS: usize = 100;
const MODELS: usize = 50;
const PROVIDERS: usize = 5;
const USERS: usize = 200;
const APPS: usize = 20;
const LABELS: usize = 40;

/// `count` policies; the first is the permit that everyone has.
pub fn policies(count: usize) -> Vec<Source> {
    let mut text = String::from("@id(\"base\")\npermit (principal, action in [Action::\"prompt\", Action::\"complete\"], resource);\n");
    for n in 1..count {
        let policy = match n % 20 {
            0 => unscoped(n / 20),
            1 | 2 => label_rule(n),
            _ => scoped(n),
        };
        let _ = writeln!(text, "@id(\"generated-{n}\")\n{policy}\n");
    }
    vec![Source { name: "generated.cedar".to_owned(), text }]
}

fn label_rule(n: usize) -> String {
    let label = format!("pii.kind{}", n * 7 % LABELS);
    let remedy = ["tokenise", "redact", "mask"].get(n % 3).copied().unwrap_or("redact");
    format!(
        "@remedy(\"{remedy}\")\n@labels(\"{label}\")\nforbid (principal, action, resource) when {{ context.labels.contains(\"{label}\") }};"
    )
}

fn scoped(n: usize) -> String {
    let model = format!("Model::\"model-{}\"", n * 11 % MODELS);
    match n % 6 {
        0 => format!("forbid (principal in Group::\"group-{}\", action == Action::\"prompt\", resource == {model});", n * 13 % GROUPS),
        1 => format!(
            "permit (principal in Group::\"group-{}\", action, resource in Provider::\"provider-{}\");",
            n * 17 % GROUPS,
            n % PROVIDERS
        ),
        2 => format!("forbid (principal == User::\"user-{}\", action, resource) when {{ context.session.tainted }};", n * 19 % USERS),
        3 => format!(
            "forbid (principal, action == Action::\"complete\", resource == {model}) when {{ context.labels.contains(\"attack\") }};"
        ),
        4 => format!(
            "forbid (principal in App::\"app-{}\", action, resource == {model}) when {{ context.tools.contains(\"shell\") }};",
            n % APPS
        ),
        _ => format!(
            "forbid (principal in Group::\"group-{}\", action, resource) when {{ context.by_role.tool.labels.contains(\"pii.kind{}\") }};",
            n * 23 % GROUPS,
            n % LABELS
        ),
    }
}

/// Rules for everyone; every fifth holds arithmetic, which only Cedar can evaluate.
fn unscoped(n: usize) -> String {
    let condition = match n % 5 {
        0 => format!("context.findings * 3 + context.by_role.user.findings > {}", 400 + n),
        1 => format!("context.findings > {}", 50 + n),
        2 => format!("context.tools.contains(\"tool-{n}\") && context.session.tainted"),
        3 => format!("context.max_score_bp > 9000 && context.by_role.tool.labels.contains(\"attack.kind{n}\")"),
        _ => format!("principal in Group::\"group-{}\" && context.guards.failed_open.contains(\"detect\")", n % GROUPS),
    };
    format!("forbid (principal, action, resource) when {{ {condition} }};")
}

/// The `n`th request: callers, models and up to three labels vary.
pub fn facts(n: usize) -> Facts {
    let groups = (0..3).map(|k| GroupName::new(format!("group-{:02}", (n * 29 + k * 31) % GROUPS)));
    let mut groups: Vec<GroupName> = groups.collect();
    groups.sort();
    let id = PrincipalId::new(format!("user:user-{n}"));
    let principal = Principal { id, kind: PrincipalKind::User, key: None, groups, models: None };
    let resource = Resource {
        model: Some(ModelName::new(format!("model-{}", n % MODELS))),
        provider: Some(ProviderName::new(format!("provider-{}", n % PROVIDERS))),
        route: Arc::from("POST /v1/chat/completions"),
        app: Some(Arc::from(format!("app-{}", n % APPS))),
        ..Resource::default()
    };
    let action = if n.is_multiple_of(2) { Action::Prompt } else { Action::Complete };
    let mut facts = Facts::new(Arc::new(principal), action, resource, Timestamp::from_micros(0));
    for k in 0..n % 4 {
        facts.add_finding(Role::User, &Label::new(format!("pii.kind{}", (n * 3 + k) % LABELS)), 9_000);
    }
    facts
}
