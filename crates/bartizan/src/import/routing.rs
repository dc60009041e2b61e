//! What becomes of several places for one model, of further calls, of circuits and of rates. Fallbacks are beside it.

use std::collections::HashSet;

use super::fallbacks;
use super::plan::{Model, Place, Plan, Provider, Wish, quoted, table};
use super::report::Report;

/// Most places of a model.
const MAX_PLACES: usize = 64;
/// Most that a place may weigh.
const MAX_WEIGHT: f64 = 1_000.0;
/// Most rules of rates.
const MAX_RATES: usize = 256;
/// Calls that a circuit looks back on, unless it is told otherwise.
const WINDOW: u64 = 20;

/// Settings of the whole file that routing adds.
#[derive(Debug, Default)]
pub struct Settings {
    attempts: Option<u64>,
    failures: Option<u64>,
    open_seconds: Option<f64>,
    rates: Vec<Rate>,
}

#[derive(Debug)]
struct Rate {
    name: String,
    model: String,
    requests: Option<u64>,
    tokens: Option<u64>,
}

impl Settings {
    /// Their tables.
    pub fn toml(&self) -> String {
        let line = |key: &str, value: Option<String>| value.map(|value| format!("{key} = {value}"));
        let whole = |value: Option<u64>| value.map(|value| value.to_string());
        let attempts: Vec<String> = line("attempts", whole(self.attempts)).into_iter().collect();
        let open = self.open_seconds.map(|seconds| format!("{seconds:?}"));
        let breaker: Vec<String> = line("failures", whole(self.failures)).into_iter().chain(line("open_seconds", open)).collect();
        let mut out = table("retries", &attempts) + &table("breaker", &breaker);
        for rate in &self.rates {
            out.push_str(&format!("\n[[limits.rate]]\nname = {}\nmodel = {}\nper = \"all\"\n", quoted(&rate.name), quoted(&rate.model)));
            for each in [line("requests_per_minute", whole(rate.requests)), line("tokens_per_minute", whole(rate.tokens))] {
                out.push_str(&each.map(|line| line + "\n").unwrap_or_default());
            }
        }
        out
    }
}

/// Where a model is served, and who is asked instead, as lines of its table.
pub fn model(model: &Model, providers: &[Provider]) -> String {
    let at = |place: &Place| -> Option<(String, String)> {
        let upstream = place.upstream_name.as_ref().map(|name| format!("upstream_name = {}", quoted(name))).unwrap_or_default();
        Some((format!("provider = {}", quoted(&providers.get(place.provider)?.name)), upstream))
    };
    let mut out = String::new();
    if let [place] = model.places.as_slice() {
        for line in at(place).into_iter().flat_map(|(provider, upstream)| [provider, upstream]).filter(|line| !line.is_empty()) {
            out.push_str(&(line + "\n"));
        }
    } else {
        out.push_str("targets = [\n");
        for place in &model.places {
            let Some((provider, upstream)) = at(place) else { continue };
            let weight = place.weight.map(|weight| format!("weight = {weight}")).unwrap_or_default();
            let parts: Vec<String> = [provider, upstream, weight].into_iter().filter(|part| !part.is_empty()).collect();
            out.push_str(&format!("  {{ {} }},\n", parts.join(", ")));
        }
        out.push_str("]\n");
    }
    if !model.fallback.is_empty() {
        let names: Vec<String> = model.fallback.iter().map(|name| quoted(name)).collect();
        out.push_str(&format!("fallback = [{}]\n", names.join(", ")));
    }
    out
}

/// Decides about everything that is routing: wishes of the file, and those of places.
pub fn apply(plan: &mut Plan, wishes: &[Wish], report: &mut Report) {
    let mut names = HashSet::new();
    for model in plan.models.iter_mut().filter(|model| model.alias_of.is_none()) {
        for place in model.places.iter().skip(MAX_PLACES) {
            report.not_carried(&place.at, "a model has at most 64 places", "");
        }
        model.places.truncate(MAX_PLACES);
        weigh(model, report);
        rate(model, &mut plan.routing, &mut names, report);
        for wish in model.places.iter().flat_map(|place| &place.wishes) {
            of_place(wish, report);
        }
    }
    for wish in wishes {
        of_file(wish, &mut plan.routing, report);
    }
    fallbacks::apply(plan, wishes, report);
    let of = |model: &Model, all: &[Model]| all.get(model.alias_of?).map(|other| (other.places.clone(), other.fallback.clone()));
    let copied: Vec<_> = plan.models.iter().map(|model| of(model, &plan.models)).collect();
    for (model, copied) in plan.models.iter_mut().zip(copied) {
        if let Some((places, fallback)) = copied {
            (model.places, model.fallback) = (places, fallback);
        }
    }
}

fn wish<'a>(place: &'a Place, name: &str) -> Option<&'a Wish> {
    place.wishes.iter().find(|wish| wish.name == name)
}

/// Shares of places: by `weight`, else by `rpm`, else by `tpm`, as LiteLLM draws. Of several orders only the first has a share.
fn weigh(model: &mut Model, report: &mut Report) {
    let number = |place: &Place, name: &str| wish(place, name).and_then(|wish| wish.node.number()).filter(|number| *number >= 0.0);
    let by = ["weight", "rpm", "tpm"].into_iter().find(|name| model.places.iter().any(|place| number(place, name).is_some()));
    let order = |place: &Place| number(place, "order").unwrap_or(1.0);
    let first = model.places.iter().map(order).fold(f64::INFINITY, f64::min);
    let several = model.places.len() > 1;
    let shares: Vec<f64> = model.places.iter().map(|place| by.map_or(1.0, |name| number(place, name).unwrap_or(0.0))).collect();
    let largest = shares.iter().copied().fold(0.0, f64::max);
    let is_plain = largest <= MAX_WEIGHT && shares.iter().all(|share| share.fract() == 0.0);
    for (place, share) in model.places.iter_mut().zip(shares) {
        let scaled = if is_plain || share == 0.0 { share } else { (share / largest * MAX_WEIGHT).max(1.0) };
        let weight = if order(place) > first { 0.0 } else { scaled };
        let is_usual = by.is_none() && weight > 0.0;
        place.weight = format!("{weight:.0}").parse().ok().filter(|_| several && !is_usual && largest > 0.0);
        if let Some(wish) = wish(place, "weight") {
            match place.weight {
                Some(weight) => report.carried(&wish.at, format!("as `weight = {weight}` of its place")),
                None => report.changed(&wish.at, "the only place of a model needs no share", ""),
            }
        }
        if let Some(wish) = wish(place, "order") {
            report.changed(&wish.at, "places of a later order weigh nothing: they are called when the others cannot be", "");
        }
    }
}

/// One limit for all callers of a model: what its places take together.
fn rate(model: &Model, settings: &mut Settings, names: &mut HashSet<String>, report: &mut Report) {
    let sum = |name: &str| -> Option<u64> {
        model.places.iter().map(|place| wish(place, name)?.node.whole().filter(|number| *number > 0)).sum::<Option<u64>>()
    };
    let (requests, tokens) = (sum("rpm"), sum("tpm"));
    let is_full = settings.rates.len() >= MAX_RATES;
    for name in ["rpm", "tpm"] {
        let is_there = if name == "rpm" { requests } else { tokens }.is_some() && !is_full;
        for wish in model.places.iter().filter_map(|place| wish(place, name)) {
            if is_there {
                let says = "as `[[limits.rate]]`: what the places take together, for all callers of the model; beyond it they get a 429";
                report.changed(&wish.at, says, "");
            } else {
                let says = "there is no such limit for one place, and not every place of this model has one";
                report.not_carried(&wish.at, says, "write `[[limits.rate]]`, docs/limits.md");
            }
        }
    }
    if (requests.is_some() || tokens.is_some()) && !is_full {
        let plain = |char: char| if char.is_ascii_graphic() && char != '`' { char } else { '-' };
        let wanted: String = model.name.chars().take(50).map(plain).collect();
        let name = if names.insert(wanted.clone()) { wanted } else { format!("{wanted}-{}", settings.rates.len() + 1) };
        names.insert(name.clone());
        settings.rates.push(Rate { name, model: model.name.clone(), requests, tokens });
    }
}

/// What one place cannot have of its own.
fn of_place(wish: &Wish, report: &mut Report) {
    let (says, to_do) = match wish.name.as_str() {
        "rpm" | "tpm" | "weight" | "order" => return,
        "timeout" => ("times are those of a provider", "give it `timeouts = { first_byte = SECONDS }`"),
        "stream_timeout" => ("whole answers and streams have the same times", "give the provider `timeouts = { first_byte = SECONDS }`"),
        "num_retries" | "max_retries" => ("further calls are the same for all", "write `retries.attempts`"),
        "cooldown_time" => ("circuits are the same for all", "write `breaker.open_seconds`"),
        _ => ("there is no bound on the requests under way at one place", ""),
    };
    report.not_carried(&wish.at, says, to_do);
}

/// What holds for all models. Of a key that stands in both sections, the router's comes last and counts.
fn of_file(wish: &Wish, settings: &mut Settings, report: &mut Report) {
    let bad = "this is not a number that can be used";
    match wish.name.as_str() {
        "fallbacks" | "default_fallbacks" => {}
        "num_retries" => match wish.node.whole() {
            Some(more) => {
                let attempts = more.saturating_add(1).min(10);
                settings.attempts = Some(attempts);
                let says = format!("as `retries.attempts = {attempts}`: calls of each place, the first one included, 10 at most");
                report.changed(&wish.at, says, "");
            }
            None => report.not_carried(&wish.at, bad, "write `retries.attempts`"),
        },
        "allowed_fails" if settings.failures == Some(0) => report.changed(&wish.at, "`disable_cooldowns` comes before it", ""),
        "allowed_fails" => match wish.node.whole() {
            Some(allowed) => {
                let failures = allowed.saturating_add(1).min(WINDOW);
                settings.failures = Some(failures);
                let says = format!("as `breaker.failures = {failures}`: of the last {WINDOW} calls, whenever they were");
                report.changed(&wish.at, says, "");
            }
            None => report.not_carried(&wish.at, bad, "write `breaker.failures`"),
        },
        "cooldown_time" => match wish.node.number().filter(|seconds| (0.001..=86_400.0).contains(seconds)) {
            Some(seconds) => {
                settings.open_seconds = Some(seconds);
                report.carried(&wish.at, "as `breaker.open_seconds`");
            }
            None => report.not_carried(&wish.at, bad, "write `breaker.open_seconds`"),
        },
        "disable_cooldowns" => {
            if wish.node.truth() == Some(true) {
                settings.failures = Some(0);
            }
            report.carried(&wish.at, "as `breaker.failures`, 0 for no circuits");
        }
        "routing_strategy" if wish.node.text() == Some("simple-shuffle") => {
            report.carried(&wish.at, "places are drawn by their weights");
        }
        "routing_strategy" => report.changed(&wish.at, "places are drawn by their weights, not by load, latency, use or cost", ""),
        "retry_after" => report.changed(&wish.at, "the gate waits as the provider's `retry-after` says, and as `retries.base_ms` does", ""),
        "max_fallbacks" => report.changed(&wish.at, "16 calls are made for one request at most", ""),
        "stream_timeout" => report.not_carried(&wish.at, "whole answers and streams have the same times", "write `timeouts.first_byte`"),
        "routing_strategy_args" => report.not_carried(&wish.at, "the strategy has nothing to set", ""),
        _ => report.not_carried(&wish.at, "which statuses are called again does not depend on the kind", "see docs/routing.md"),
    }
}
