//! Our configuration as it grows out of another one, and how it is written down.

use std::rc::Rc;

use super::report::At;
use super::routing;
use super::yaml::Node;

/// What will be written.
#[derive(Debug, Default)]
pub struct Plan {
    /// `[gate] auth = "keys"`.
    pub needs_keys: bool,
    /// `[limits] body_bytes`.
    pub body_bytes: Option<u64>,
    /// `[timeouts] first_byte`, in seconds.
    pub first_byte: Option<f64>,
    /// `[retention] events`, in days.
    pub retention_days: Option<u64>,
    /// `[policy] dir`.
    pub policy_dir: Option<String>,
    /// Providers; places name them by their number.
    pub providers: Vec<Provider>,
    /// Models, in the order of their first mention; no name occurs twice.
    pub models: Vec<Model>,
    /// What routing makes of the wishes.
    pub routing: routing::Settings,
}

/// `[[providers]]`
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// Where it is.
    pub base_url: String,
    /// Azure's version.
    pub api_version: Option<String>,
    /// The variable with its key.
    pub api_key_env: Option<String>,
    /// Whether `base_url` stands for an address that the file did not say.
    pub is_placeholder: bool,
}

/// `[[models]]`
#[derive(Debug)]
pub struct Model {
    /// What clients ask for.
    pub name: String,
    /// Where it is served; at least one.
    pub places: Vec<Place>,
    /// Models that are asked instead.
    pub fallback: Vec<String>,
    /// The model whose places these are, when this is another name for it.
    pub alias_of: Option<usize>,
}

/// One place that serves a model.
#[derive(Clone, Debug)]
pub struct Place {
    /// Where it stands in the file.
    pub at: At,
    /// Number of its provider.
    pub provider: usize,
    /// What the provider calls the model.
    pub upstream_name: Option<String>,
    /// Its share of the calls, where that is not the usual one.
    pub weight: Option<u64>,
    /// What it says of its share, its limits and its times.
    pub wishes: Vec<Wish>,
}

/// A setting that routing decides about.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Its name, without where it stands.
    pub name: String,
    /// Where it stands.
    pub at: At,
    /// What it says.
    pub node: Rc<Node>,
}

/// A text as TOML writes it.
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A table of lines `key = value`; nothing when there are none.
pub fn table(name: &str, lines: &[String]) -> String {
    if lines.is_empty() { String::new() } else { format!("\n[{name}]\n{}\n", lines.join("\n")) }
}

impl Plan {
    /// The file.
    pub fn toml(&self, heading: &str) -> String {
        let mut out: String = heading.lines().map(|line| format!("# {line}").trim_end().to_owned() + "\n").collect();
        if self.needs_keys {
            out.push_str("\n[gate]\nauth = \"keys\"\n");
        }
        for provider in &self.providers {
            out.push_str(&provider.toml());
        }
        // `*` takes every name, so it comes last.
        let (any, named): (Vec<_>, Vec<_>) = self.models.iter().partition(|model| model.name == "*");
        for model in named.into_iter().chain(any) {
            out.push_str(&format!("\n[[models]]\nname = {}\n", quoted(&model.name)));
            out.push_str(&routing::model(model, &self.providers));
        }
        out.push_str(&table("limits", &self.body_bytes.iter().map(|bytes| format!("body_bytes = {bytes}")).collect::<Vec<_>>()));
        out.push_str(&table("timeouts", &self.first_byte.iter().map(|seconds| format!("first_byte = {seconds:?}")).collect::<Vec<_>>()));
        out.push_str(&self.routing.toml());
        out.push_str(&table("policy", &self.policy_dir.iter().map(|dir| format!("dir = {}", quoted(dir))).collect::<Vec<_>>()));
        out.push_str(&table("retention", &self.retention_days.iter().map(|days| format!("events = \"{days}d\"")).collect::<Vec<_>>()));
        out
    }

    /// Variables that must be set when the gate starts, each once.
    pub fn variables(&self) -> Vec<String> {
        let mut names: Vec<String> = self.providers.iter().filter_map(|provider| provider.api_key_env.clone()).collect();
        names.sort();
        names.dedup();
        names
    }
}

impl Provider {
    fn toml(&self) -> String {
        let mut out = format!("\n[[providers]]\nname = {}\nkind = {}\n", quoted(&self.name), quoted(self.kind));
        let todo = if self.is_placeholder { "  # the file did not say where: write the address here" } else { "" };
        out.push_str(&format!("base_url = {}{todo}\n", quoted(&self.base_url)));
        let more = [("api_version", &self.api_version), ("api_key_env", &self.api_key_env)];
        for (key, value) in more.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
            out.push_str(&format!("{key} = {}\n", quoted(value)));
        }
        out
    }
}
