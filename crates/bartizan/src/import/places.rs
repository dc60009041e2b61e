//! `model_list`: each entry is one place that serves a model. Finds out whom it means, and says what became of each of its keys.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::plan::{Model, Place, Plan, Provider, Wish};
use super::report::{At, Outcome, Report};
use super::secrets::{Secrets, reference};
use super::settings;
use super::vendors::{Meaning, Vendor, base_url, meaning, split};
use super::yaml::{Entry, Node};

/// Azure's version when nothing names one.
const AZURE_VERSION: &str = "2024-10-21";

/// Keys of `litellm_params` that routing decides about.
const WISHES: &[&str] =
    &["rpm", "tpm", "weight", "order", "timeout", "stream_timeout", "max_retries", "num_retries", "cooldown_time", "max_parallel_requests"];

/// Why a place is left out: the key that is to blame, what is wrong, what to do.
struct Blame(&'static str, String, &'static str);

/// What became of a key.
type Note = (&'static str, Outcome, String, String);

/// The list, as it is read.
pub struct Places<'a> {
    root: &'a Node,
    secrets: Secrets,
    report: &'a mut Report,
    plan: &'a mut Plan,
    /// Numbers of models by their name.
    models: HashMap<String, usize>,
    /// Numbers of providers by all that tells them apart.
    providers: HashMap<Identity, usize>,
    names: HashSet<String>,
    counts: HashMap<String, usize>,
    credentials: HashMap<&'a str, &'a Node>,
}

/// What tells providers apart.
type Identity = (&'static str, String, Option<String>, Option<String>);

/// The parameters of a place, and those of the credential that it names.
#[derive(Clone, Copy)]
struct Params<'a> {
    own: &'a Node,
    credential: Option<&'a Node>,
    variables: Option<&'a Node>,
}

impl<'a> Params<'a> {
    fn get(&self, key: &str) -> Option<&'a str> {
        let own = self.own.get(key).and_then(|node| node.text());
        own.or_else(|| self.credential?.get(key)?.text())
    }

    /// A value that is no secret, with variables looked up in the file's own section.
    fn open(&self, key: &str) -> Result<Option<&'a str>, &'a str> {
        let Some(text) = self.get(key) else { return Ok(None) };
        let Some(name) = reference(text) else { return Ok(Some(text)) };
        self.variables.and_then(|variables| variables.get(name)?.text()).map(Some).ok_or(name)
    }
}

impl<'a> Places<'a> {
    /// Begins.
    pub fn new(root: &'a Node, secrets: Secrets, plan: &'a mut Plan, report: &'a mut Report) -> Self {
        let listed = root.get("credential_list").map(|list| list.items()).unwrap_or_default();
        let named = |item: &'a Rc<Node>| Some((item.get("credential_name")?.text()?, item.get("credential_values")?.as_ref()));
        let credentials = listed.iter().filter_map(named).collect();
        let (models, providers) = (HashMap::new(), HashMap::new());
        Self { root, secrets, report, plan, models, providers, names: HashSet::new(), counts: HashMap::new(), credentials }
    }

    fn params(&self, own: &'a Node) -> Params<'a> {
        let named = own.get("litellm_credential_name").and_then(|name| name.text());
        let credential = named.and_then(|name| self.credentials.get(name).copied());
        Params { own, credential, variables: self.root.get("environment_variables").map(AsRef::as_ref) }
    }

    /// Reads the whole list.
    pub fn read(&mut self, list: &'a Node, at: &At) {
        self.reserve(list);
        for (number, item) in list.items().iter().enumerate() {
            let at = At::new(item.line, format!("{}[{number}]", at.key));
            self.entry(item, &at);
        }
        if list.items().is_empty() && !list.is_null() {
            self.report.not_carried(at, "no model stands here", "write the models under `model_list` as a list");
        }
    }

    /// Names that LiteLLM reads a key from where the file names none must not be given to a literal.
    fn reserve(&mut self, list: &'a Node) {
        for item in list.items() {
            let Some(own) = item.get("litellm_params") else { continue };
            let params = self.params(own);
            let (prefix, _) = split(params.get("model").unwrap_or_default(), params.get("custom_llm_provider"));
            if let (Meaning::Known(vendor), None) = (meaning(prefix), params.get("api_key")) {
                self.secrets.reserve(vendor.env);
            }
        }
    }

    fn entry(&mut self, item: &'a Node, at: &At) {
        let name = item.get("model_name").and_then(|name| name.text());
        let (Some(name), Some(own)) = (name, item.get("litellm_params")) else {
            self.report.not_carried(at, "`model_name` or `litellm_params` is missing", "give the entry both");
            return;
        };
        let params = self.params(own);
        let found = self.place(name, params);
        for entry in item.entries() {
            let below = at.below(entry.line, &entry.key);
            match (entry.key.as_str(), &found) {
                ("model_name", Ok(_)) => self.report.carried(&below, "clients ask for this name"),
                ("model_name", Err(_)) => self.report.not_carried(&below, "what it stands for could not be carried", ""),
                ("litellm_params", Ok((_, notes))) => self.params_carried(own, notes, &below),
                ("litellm_params", Err(blame)) => self.params_left_out(own, blame, &below),
                ("model_info", _) => entry.node.entries().iter().for_each(|one| settings::model_info(one, &below, self.report)),
                _ => self.report.not_carried(&below, "this import does not know this key", settings::UNKNOWN),
            }
        }
        if let Ok((mut place, _)) = found {
            place.at = at.clone();
            place.wishes = wishes(own, &at.below(own.line, "litellm_params"));
            self.add(name, place);
        }
    }

    fn add(&mut self, name: &str, place: Place) {
        let number = *self.models.entry(name.to_owned()).or_insert(self.plan.models.len());
        if number == self.plan.models.len() {
            self.plan.models.push(Model { name: name.to_owned(), places: Vec::new(), fallback: Vec::new(), alias_of: None });
        }
        if let Some(model) = self.plan.models.get_mut(number) {
            model.places.push(place);
        }
    }

    fn params_carried(&mut self, own: &Node, notes: &[Note], at: &At) {
        for entry in own.entries() {
            let below = at.below(entry.line, &entry.key);
            match notes.iter().find(|note| note.0 == entry.key) {
                Some((_, outcome, says, to_do)) => self.report.add(&below, *outcome, says, to_do),
                None if WISHES.contains(&entry.key.as_str()) => {}
                None => settings::param(entry, &below, self.report),
            }
        }
        // What was decided about a key that does not stand there is said at its entry.
        for (_, outcome, says, to_do) in notes.iter().filter(|note| own.get(note.0).is_none()) {
            self.report.add(at, *outcome, says, to_do);
        }
    }

    fn params_left_out(&mut self, own: &Node, Blame(key, says, to_do): &Blame, at: &At) {
        for entry in own.entries() {
            let below = at.below(entry.line, &entry.key);
            if entry.key == *key {
                self.report.not_carried(&below, says, to_do);
            } else {
                self.report.not_carried(&below, "belongs to a model that was not carried", "");
            }
        }
        if own.get(key).is_none() {
            self.report.not_carried(at, says, to_do);
        }
    }

    /// Whom an entry means.
    fn place(&mut self, name: &str, params: Params<'_>) -> Result<(Place, Vec<Note>), Blame> {
        let mut notes = Vec::new();
        let model = params.open("model").map_err(|variable| unset("model", variable))?;
        let model = model.ok_or_else(|| Blame("model", "it is missing".to_owned(), "name the model"))?;
        let (prefix, upstream) = split(model, params.get("custom_llm_provider"));
        let vendor = vendor(prefix, params, &mut notes)?;
        let upstream = upstream_name(name, upstream, &vendor, &mut notes)?;
        let (base_url, is_placeholder) = self.address(&vendor, params, &mut notes)?;
        let provider = Provider {
            name: String::new(),
            kind: vendor.kind,
            is_placeholder,
            api_version: (vendor.kind == "azure").then(|| self.version(params, &mut notes)),
            api_key_env: self.key(&vendor, params, &mut notes),
            base_url,
        };
        if upstream.as_deref().is_some_and(|upstream| self.secrets.is_in(upstream, params.get("api_key"))) {
            return Err(Blame("model", "it looks like a secret".to_owned(), "write the model's name"));
        }
        if self.secrets.is_in(name, params.get("api_key")) {
            return Err(Blame("model", "the name under `model_name` looks like a secret".to_owned(), "give it another name"));
        }
        notes.push(("custom_llm_provider", Outcome::Carried, "says which format it is".to_owned(), String::new()));
        notes.push(("litellm_credential_name", Outcome::Carried, "its values were taken from `credential_list`".to_owned(), String::new()));
        notes.retain(|note| params.own.get(note.0).is_some() || !matches!(note.0, "custom_llm_provider" | "litellm_credential_name"));
        let number = self.provider(provider, prefix);
        Ok((Place { at: At::new(0, ""), provider: number, upstream_name: upstream, weight: None, wishes: Vec::new() }, notes))
    }

    /// Where it is, and whether that stands for something that is not known.
    fn address(&self, vendor: &Vendor, params: Params<'_>, notes: &mut Vec<Note>) -> Result<(String, bool), Blame> {
        let key = if params.own.get("base_url").is_some() { "base_url" } else { "api_base" };
        let given = match params.open(key) {
            Ok(given) => given,
            Err(variable) => {
                let host = variable.to_ascii_lowercase().replace('_', "-");
                let says = format!("the address stands in the variable `{variable}`, and a `base_url` is written out here");
                notes.push((key, Outcome::Changed, says, format!("put it in the place of `https://{host}.invalid`")));
                return Ok((base_url(vendor, &format!("https://{host}.invalid")), true));
            }
        };
        let Some(given) = given else {
            let missing = || Blame("api_base", "no `api_base` says where it is".to_owned(), "add it");
            return if vendor.base.is_empty() { Err(missing()) } else { Ok((vendor.base.to_owned(), false)) };
        };
        let (cleaned, was_cut) = cleaned(given)
            .ok_or_else(|| Blame(key, "it is not an address that begins with http:// or https://".to_owned(), "write one"))?;
        let url = base_url(vendor, &cleaned);
        if self.secrets.is_in(&url, params.get("api_key")) {
            let to_do = "give the credential as `api_key`, and an address without it";
            return Err(Blame(key, "it holds what looks like a secret, which is not written down".to_owned(), to_do));
        }
        notes.push(if was_cut {
            let says = "a name, a password or a query in the address was left out".to_owned();
            (key, Outcome::Changed, says, "give the credential as `api_key`; an api-version as `api_version`".to_owned())
        } else if url.trim_end_matches('/') == given.trim_end_matches('/') {
            (key, Outcome::Carried, "as `base_url`".to_owned(), String::new())
        } else {
            (key, Outcome::Changed, format!("as `base_url = \"{url}\"`: the gate appends other ends of paths"), String::new())
        });
        Ok((url, false))
    }

    fn version(&self, params: Params<'_>, notes: &mut Vec<Note>) -> String {
        let plain = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        let given = params.open("api_version").ok().flatten().filter(plain);
        if let Some(version) = given.filter(|version| !self.secrets.is_in(version, params.get("api_key"))) {
            notes.push(("api_version", Outcome::Carried, "for clients that name none".to_owned(), String::new()));
            return version.to_owned();
        }
        let says = format!("no Azure version is named that could be read, so `{AZURE_VERSION}` stands there");
        notes.push(("api_version", Outcome::Changed, says, "write the one that your deployments need".to_owned()));
        AZURE_VERSION.to_owned()
    }

    /// The variable with its key.
    fn key(&mut self, vendor: &Vendor, params: Params<'_>, notes: &mut Vec<Note>) -> Option<String> {
        let Some(given) = params.get("api_key").filter(|key| !key.is_empty()) else {
            let at_home = params.get("api_base").is_none() && params.get("base_url").is_none();
            let env = Some(vendor.env).filter(|env| !env.is_empty() && (at_home || vendor.kind == "azure"));
            if let Some(env) = env {
                notes.push((
                    "api_key",
                    Outcome::Changed,
                    format!("no key is named: LiteLLM reads {env} then, and so does the gate"),
                    format!("set {env}"),
                ));
            } else if !vendor.env.is_empty() {
                let to_do = "add `api_key_env` to the provider if it wants a key";
                notes.push(("api_key", Outcome::Changed, "none is named, so none is sent there".to_owned(), to_do.to_owned()));
            }
            return env.map(str::to_owned);
        };
        if let Some(name) = reference(given) {
            notes.push(("api_key", Outcome::Carried, format!("read from {name}"), String::new()));
            return Some(name.to_owned());
        }
        let wanted = if vendor.env.is_empty() { "PROVIDER_API_KEY" } else { vendor.env };
        let name = self.secrets.name_for(given, wanted);
        let says = format!("a literal secret stands here; the provider reads the variable {name} instead");
        notes.push(("api_key", Outcome::Changed, says, format!("set {name} to it before `bartizan up`, and remove it from the file")));
        Some(name)
    }

    /// The number of a provider, made when it is new.
    fn provider(&mut self, mut provider: Provider, prefix: &str) -> usize {
        let identity = (provider.kind, provider.base_url.clone(), provider.api_version.clone(), provider.api_key_env.clone());
        if let Some(number) = self.providers.get(&identity) {
            return *number;
        }
        provider.name = self.provider_name(prefix, &provider);
        let number = self.plan.providers.len();
        self.providers.insert(identity, number);
        self.plan.providers.push(provider);
        number
    }

    /// The prefix, with the host where that is not the usual one.
    fn provider_name(&mut self, prefix: &str, provider: &Provider) -> String {
        let is_usual = matches!(meaning(prefix), Meaning::Known(vendor) if vendor.base == provider.base_url);
        let authority = provider.base_url.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let is_number = authority.bytes().all(|byte| byte.is_ascii_digit() || b".:[]".contains(&byte));
        let host = if is_number { authority } else { authority.split(['.', ':']).next().unwrap_or_default() };
        let wanted = if is_usual { prefix.to_owned() } else { format!("{prefix}-{host}") };
        let word = |char: char| if char.is_ascii_alphanumeric() || char == '_' { char.to_ascii_lowercase() } else { '-' };
        let wanted: String = wanted.trim_matches('-').chars().take(60).map(word).collect();
        let count = self.counts.entry(wanted.clone()).or_default();
        loop {
            *count += 1;
            let name = if *count == 1 { wanted.clone() } else { format!("{wanted}-{count}") };
            if self.names.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// Who a prefix means.
fn vendor(prefix: &str, params: Params<'_>, notes: &mut Vec<Note>) -> Result<Vendor, Blame> {
    let to_do = "keep it on LiteLLM, or put something before it that speaks OpenAI's format and give that `api_base`";
    match meaning(prefix) {
        Meaning::Known(vendor) => Ok(*vendor),
        Meaning::Other(why) => Err(Blame("model", why.to_owned(), to_do)),
        Meaning::Unknown if params.get("api_base").is_some() => {
            let says = "this import does not know the prefix; it is called in OpenAI's format at its `api_base`";
            notes.push(("model", Outcome::Changed, says.to_owned(), "check that it speaks OpenAI's format".to_owned()));
            Ok(Vendor { prefix: "openai_like", kind: "openai", base: "", env: "" })
        }
        Meaning::Unknown => Err(Blame("model", "this import does not know who serves it".to_owned(), to_do)),
    }
}

/// What the provider calls the model, when that is another name.
fn upstream_name(name: &str, upstream: &str, vendor: &Vendor, notes: &mut Vec<Note>) -> Result<Option<String>, Blame> {
    if name.contains('*') || upstream.contains('*') {
        let names = "write one entry for each model, or one with `model_name: \"*\"` and `model: PROVIDER/*`";
        return if name == "*" && upstream == "*" && !vendor.base.is_empty() {
            notes.push(("model", Outcome::Carried, "any name goes there as it is".to_owned(), String::new()));
            Ok(None)
        } else {
            Err(Blame("model", "patterns of names are not known; only `*` alone is".to_owned(), names))
        };
    }
    let series = ["responses/", "o_series/", "gpt5_series/", "chat/"];
    let short = series.iter().find_map(|series| upstream.strip_prefix(series)).unwrap_or(upstream);
    if !notes.iter().any(|note| note.0 == "model") {
        let says = format!("goes to a provider of the kind {} as `{short}`", vendor.kind);
        notes.push(if short == upstream {
            ("model", Outcome::Carried, says, String::new())
        } else {
            ("model", Outcome::Changed, format!("{says}; which route is called, clients say"), String::new())
        });
    }
    Ok((short != name).then(|| short.to_owned()))
}

fn unset(key: &'static str, variable: &str) -> Blame {
    Blame(key, format!("it stands in the variable `{variable}`, which the file does not set"), "write it out")
}

/// An address without what may be a secret in it, and whether there was any.
fn cleaned(given: &str) -> Option<(String, bool)> {
    let (scheme, rest) = given.trim().split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let before = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = before.find('/').and_then(|at| before.split_at_checked(at)).unwrap_or((before, ""));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let url = format!("{scheme}://{host}{path}");
    let parsed: http::Uri = url.parse().ok()?;
    let is_good = matches!(scheme.as_str(), "http" | "https") && parsed.host().is_some_and(|host| !host.is_empty());
    is_good.then(|| (url, host != authority || before != rest))
}

fn wishes(own: &Node, at: &At) -> Vec<Wish> {
    let named = |entry: &&Entry| WISHES.contains(&entry.key.as_str());
    let wish = |entry: &Entry| Wish { name: entry.key.clone(), at: at.below(entry.line, &entry.key), node: Rc::clone(&entry.node) };
    own.entries().iter().filter(named).map(wish).collect()
}

#[cfg(test)]
mod tests {
    use super::cleaned;

    #[test]
    fn addresses_lose_what_may_be_secret() {
        let rows = [
            ("https://h/v1", Some(("https://h/v1", false))),
            ("HTTPS://u:p@h:1/v1?key=x#y", Some(("https://h:1/v1", true))),
            ("https://h/v1@2", Some(("https://h/v1@2", false))),
            ("https://a@b@h", Some(("https://h", true))),
            ("ftp://h", None),
            ("h/v1", None),
            ("https://", None),
            ("https://h h", None),
        ];
        for (given, expected) in rows {
            assert_eq!(cleaned(given), expected.map(|(url, cut)| (url.to_owned(), cut)), "{given}");
        }
    }
}
