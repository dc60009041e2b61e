//! What becomes of several places for one model, of fallbacks, of further calls and of rates. This build sends each model to one provider.

use super::plan::{Model, Plan, Provider, Wish, quoted};
use super::report::Report;

/// Where a model is served, as lines of its table.
pub fn model(model: &Model, providers: &[Provider]) -> String {
    let Some((place, provider)) = model.places.first().and_then(|place| Some((place, providers.get(place.provider)?))) else {
        return String::new();
    };
    let upstream = place.upstream_name.as_ref().map(|name| format!("upstream_name = {}\n", quoted(name))).unwrap_or_default();
    format!("provider = {}\n{upstream}", quoted(&provider.name))
}

/// Decides about everything that is routing: wishes of the file, and those of places.
pub fn apply(plan: &mut Plan, wishes: &[Wish], report: &mut Report) {
    for model in &mut plan.models {
        for place in model.places.iter().skip(1) {
            report.not_carried(&place.at, "a model goes to one provider, and the first one of this name was taken", "");
        }
        for wish in model.places.iter().flat_map(|place| &place.wishes) {
            refuse(wish, report);
        }
        model.places.truncate(1);
    }
    for wish in wishes {
        refuse(wish, report);
    }
}

fn refuse(wish: &Wish, report: &mut Report) {
    let says = match wish.name.as_str() {
        "rpm" | "tpm" => "there are no rate limits yet",
        "fallbacks" | "default_fallbacks" => "there are no fallbacks yet",
        "timeout" | "stream_timeout" => "times hold for all providers: `[timeouts]`",
        "num_retries" | "max_retries" => "the gate does not call a second time; the SDKs do",
        _ => "a model goes to one provider",
    };
    report.not_carried(&wish.at, says, "");
}
