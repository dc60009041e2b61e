//! `guardrails`: what the gate does by itself, what becomes a policy, and what is a service that it does not ask.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{At, Outcome, Report};
use super::yaml::Node;

/// Presidio's entities and the content filter's patterns, and our label for each.
const LABELS: &[(&str, &str)] = &[
    ("CREDIT_CARD", "pci.card"),
    ("EMAIL_ADDRESS", "pii.email"),
    ("IBAN_CODE", "pci.iban"),
    ("IP_ADDRESS", "pii.ip"),
    ("PHONE_NUMBER", "pii.phone"),
    ("URL", "pii.url"),
    ("US_ITIN", "pii.us_ssn"),
    ("US_SSN", "pii.us_ssn"),
    ("amex", "pci.card"),
    ("aws_access_key", "secret.aws_access_key"),
    ("aws_secret_key", "secret.aws_secret_key"),
    ("credit_card", "pci.card"),
    ("email", "pii.email"),
    ("github_token", "secret.github"),
    ("iban", "pci.iban"),
    ("mastercard", "pci.card"),
    ("phone", "pii.phone"),
    ("us_phone", "pii.phone"),
    ("us_ssn", "pii.us_ssn"),
    ("visa", "pci.card"),
];

/// Names that policies may use already, and that nothing finds yet.
const PLANNED: &[(&str, &str)] = &[
    ("DATE_TIME", "pii.date"),
    ("LOCATION", "pii.location"),
    ("NRP", "pii.nrp"),
    ("PERSON", "pii.person"),
    ("US_DRIVER_LICENSE", "pii.us_driver_license"),
];

/// Labels that shall be blocked, by action and by whether the guardrail is on for everybody.
#[derive(Debug, Default)]
pub struct Blocks {
    rules: BTreeMap<(&'static str, bool), BTreeSet<&'static str>>,
}

/// One guardrail, as it is read.
struct Guardrail<'a> {
    at: At,
    params: &'a Node,
    actions: Vec<&'static str>,
    is_on: bool,
    /// Whether a folder for policies was named.
    writes: bool,
}

/// Reads all guardrails. `writes` says whether policies can be written.
pub fn read(list: &Node, writes: bool, report: &mut Report) -> Blocks {
    let mut blocks = Blocks::default();
    for (number, item) in list.items().iter().enumerate() {
        let at = At::new(item.line, format!("guardrails[{number}]"));
        let Some(params) = item.get("litellm_params") else {
            report.not_carried(&at, "`litellm_params` is missing", "");
            continue;
        };
        let modes = params.get("mode").map(|mode| mode.texts()).unwrap_or_default();
        let mut actions = Vec::new();
        if modes.iter().any(|mode| matches!(*mode, "pre_call" | "during_call")) {
            actions.push("prompt");
        }
        if modes.contains(&"post_call") {
            actions.push("complete");
        }
        let is_on = params.get("default_on").and_then(|on| on.truth()).unwrap_or(false);
        let below = at.below(params.line, "litellm_params");
        Guardrail { at: below, params, actions, is_on, writes }.read(&mut blocks, report);
        for entry in item.entries().iter().filter(|entry| entry.key != "litellm_params") {
            let at = at.below(entry.line, &entry.key);
            match entry.key.as_str() {
                "guardrail_name" => report.changed(&at, "clients cannot choose: policies hold for every request", ""),
                "guardrail_info" => report.changed(&at, "only LiteLLM's own lists use it", ""),
                _ => report.not_carried(&at, "this import does not know this key", super::settings::UNKNOWN),
            }
        }
    }
    blocks
}

impl Guardrail<'_> {
    fn read(&self, blocks: &mut Blocks, report: &mut Report) {
        let kind = self.params.get("guardrail").and_then(|kind| kind.text()).unwrap_or_default();
        let (outcome, says, to_do) = meaning(kind, self.params);
        for entry in self.params.entries() {
            let at = self.at.below(entry.line, &entry.key);
            match entry.key.as_str() {
                "guardrail" => report.add(&at, outcome, says, to_do),
                "pii_entities_config" if kind == "presidio" => {
                    for one in entry.node.entries() {
                        self.entity(&one.key, one.node.text().unwrap_or_default(), &at.below(one.line, &one.key), blocks, report);
                    }
                }
                "patterns" if kind == "litellm_content_filter" => self.patterns(&entry.node, &at, blocks, report),
                "output_parse_pii" if kind == "presidio" => {
                    report.changed(&at, "the gate restores the caller's own values in the answer", "");
                }
                "mode" if outcome == Outcome::Changed => {
                    report.changed(&at, "the built-in policies look at requests and answers, whole and streamed", "");
                }
                "default_on" if outcome == Outcome::Changed => report.changed(&at, "policies hold for every request", ""),
                _ if outcome == Outcome::Changed && is_own(kind) => report.changed(&at, "the guardrail itself is not needed", ""),
                "blocked_words" | "blocked_words_file" => {
                    report.not_carried(&at, "there are no lists of words", "write a recogniser, docs/adding-a-recogniser.md");
                }
                "categories" => report.not_carried(&at, "kinds of harmful content are not judged", ""),
                _ if outcome == Outcome::Changed => report.not_carried(&at, "there is nothing of this kind", ""),
                _ => report.not_carried(&at, "belongs to a guardrail that was not carried", ""),
            }
        }
    }

    fn patterns(&self, list: &Node, at: &At, blocks: &mut Blocks, report: &mut Report) {
        for (number, item) in list.items().iter().enumerate() {
            let at = At::new(item.line, format!("{}[{number}]", at.key));
            let action = item.get("action").and_then(|action| action.text()).unwrap_or_default();
            match item.get("pattern_name").and_then(|name| name.text()) {
                Some(name) => self.entity(name, action, &at, blocks, report),
                None => report.not_carried(
                    &at,
                    "patterns of one's own do not stand in the configuration",
                    "write a recogniser, docs/adding-a-recogniser.md",
                ),
            }
        }
    }

    /// One kind of finding and what shall be done with it.
    fn entity(&self, name: &str, action: &str, at: &At, blocks: &mut Blocks, report: &mut Report) {
        let label = |table: &[(&str, &'static str)]| table.iter().find(|(known, _)| *known == name).map(|(_, label)| *label);
        let Some(label) = label(LABELS) else {
            return match label(PLANNED) {
                Some(label) => report.not_carried(at, format!("nothing finds `{label}` yet"), "policies may name it already"),
                None => report.not_carried(at, "nothing finds this", "`bartizan detect --labels` lists what is found"),
            };
        };
        let is_block = action.eq_ignore_ascii_case("block");
        match (is_block, label) {
            (false, "pii.url") => {
                report.not_carried(at, "the built-in policies record `pii.url` and change nothing", "write a policy, docs/policies.md");
            }
            (false, _) if label.starts_with("secret") => report.changed(at, format!("the built-in policies redact `{label}`"), ""),
            (false, _) => {
                let says = format!("the built-in policies replace `{label}` by a pseudonym and restore it in the answer");
                report.changed(at, says, "");
            }
            (true, _) if !self.writes => {
                let says = format!("to block `{label}` is a policy, and no folder for policies was named; until then it is replaced");
                report.not_carried(at, says, "import again with `--policies DIR`");
            }
            (true, _) => self.block(label, at, blocks, report),
        }
    }

    fn block(&self, label: &'static str, at: &At, blocks: &mut Blocks, report: &mut Report) {
        for action in &self.actions {
            blocks.rules.entry((action, self.is_on)).or_default().insert(label);
        }
        if self.actions.is_empty() {
            report.not_carried(at, "its mode is neither pre_call, during_call nor post_call", "write a policy, docs/policies.md");
        } else if self.is_on {
            report.carried(at, format!("a policy blocks `{label}`"));
        } else {
            let says = format!("`default_on` is not set, and clients cannot choose: a policy only records `{label}`");
            report.changed(at, says, "remove `@mode(\"shadow\")` from litellm.cedar to block it for everybody");
        }
    }
}

/// Whether the gate does all of it by itself.
fn is_own(kind: &str) -> bool {
    matches!(kind, "hide-secrets" | "hide_secrets" | "generic_guardrail_api")
}

fn meaning(kind: &str, params: &Node) -> (Outcome, &'static str, &'static str) {
    let service = "the gate asks no other service about a text";
    let attacks = "prompt injection is not looked for yet; keep this check before the gate";
    match kind {
        "presidio" => (Outcome::Changed, "the gate's own detectors stand in its place", "compare on your texts: `bartizan detect FILE`"),
        "litellm_content_filter" => {
            (Outcome::Changed, "the gate's own detectors stand in its place", "compare on your texts: `bartizan detect FILE`")
        }
        "hide-secrets" | "hide_secrets" => (Outcome::Changed, "the built-in policies redact secrets in both directions", ""),
        "generic_guardrail_api" => {
            let base = params.get("api_base").and_then(|base| base.text()).unwrap_or_default();
            if base.contains("/v1/guardrails/litellm") {
                (Outcome::Changed, "it asks a gate such as this one, which now stands in the way itself", "")
            } else {
                (Outcome::NotCarried, service, "")
            }
        }
        "lakera" | "lakera_v2" | "lakera_prompt_injection" | "aporia" | "aim" | "pangea" | "lasso" | "prompt_security" => {
            (Outcome::NotCarried, service, attacks)
        }
        "bedrock" | "model_armor" | "openai_moderation" | "azure/text_moderations" | "azure/prompt_shield" | "guardrails_ai" => {
            (Outcome::NotCarried, service, "keep this check before the gate, or write a policy, docs/policies.md")
        }
        _ if kind.contains('.') => (Outcome::NotCarried, "it is Python code of your own", "ask for a verdict from outside: docs/decide.md"),
        _ => (Outcome::NotCarried, service, "keep this check before the gate"),
    }
}

impl Blocks {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether something is really blocked.
    pub fn enforce(&self) -> bool {
        self.rules.keys().any(|(_, is_on)| *is_on)
    }

    /// The policies.
    pub fn cedar(&self) -> String {
        let mut out =
            "// From the guardrails of a LiteLLM file. Stands beside the built-in policies: a plain forbid is stronger than their edits.\n"
                .to_owned();
        for ((action, is_on), labels) in &self.rules {
            let (id, mode) = if *is_on { ("block", "") } else { ("on-request", "@mode(\"shadow\")\n") };
            let what = if *action == "prompt" {
                "This request holds data that may not go to a model."
            } else {
                "The answer held data that may not be given out."
            };
            let labels: Vec<String> = labels.iter().map(|label| format!("\"{label}\"")).collect();
            out.push_str(&format!(
                "\n@id(\"litellm.{id}-{action}\")\n{mode}@coach(\"{what}\")\n\
                 forbid (principal, action == Action::\"{action}\", resource)\nwhen {{ context.labels.containsAny([{}]) }};\n",
                labels.join(", ")
            ));
        }
        out
    }

    /// The decision table.
    pub fn table(&self) -> String {
        let mut out = "# From the guardrails of a LiteLLM file. Run by `bartizan policy test`.\n".to_owned();
        for ((action, _), labels) in self.rules.iter().filter(|((_, is_on), _)| *is_on) {
            let role = if *action == "prompt" { "user" } else { "assistant" };
            for label in labels {
                out.push_str(&format!(
                    "\n[[row]]\nname = \"{label} is blocked on {action}\"\naction = \"{action}\"\nlabels = {{ {role} = [\"{label}\"] }}\nexpect = \"blocked\"\n"
                ));
            }
        }
        out
    }
}
