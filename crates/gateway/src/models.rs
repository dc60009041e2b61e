//! Models as clients name them: which provider a name leads to, and the list of them.

use bartizan_identity::may_use;
use bartizan_vocabulary::Principal;
use bartizan_wire::Route;
use bartizan_wire::json::escape_into;
use bartizan_wire::refusal::{Reason, Shape};

use crate::settings::{Model, Provider, ProviderKind, Settings};

/// Where a model name leads.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The entry.
    pub model: &'a Model,
    /// Its provider.
    pub provider: &'a Provider,
}

/// Finds the provider for a model on a route, for a caller. `shown`: the name as sentences may repeat it.
///
/// # Errors
/// Reason and sentence: not configured, not allowed, or spoken on another route.
pub fn target<'a>(
    settings: &'a Settings,
    principal: &Principal,
    (name, shown): (&str, &str),
    route: Route,
) -> Result<Target<'a>, (Reason, String)> {
    if !may_use(principal.models.as_deref(), name) {
        return Err((Reason::ModelNotAllowed, format!("this key may not use the model `{shown}`; ask for a key that may")));
    }
    let found = settings.model(name).and_then(|model| Some(Target { model, provider: settings.provider(model)? }));
    let Some(target) = found else {
        return Err((Reason::NotFound, format!("the model `{shown}` is not configured; `GET /v1/models` lists what is")));
    };
    if !target.provider.kind.speaks(route) {
        let right = match target.provider.kind {
            ProviderKind::Anthropic => Route::Messages,
            ProviderKind::OpenAi | ProviderKind::Both => Route::ChatCompletions,
        };
        return Err((Reason::NotFound, format!("the model `{shown}` is served on `{}`, not on `{}`", right.name(), route.name())));
    }
    Ok(target)
}

/// The list of models that a caller may use, in the format of its family.
pub fn list(settings: &Settings, principal: &Principal, shape: Shape) -> Vec<u8> {
    let mut out: Vec<u8> = match shape {
        Shape::Anthropic => b"{\"data\":[".to_vec(),
        Shape::OpenAi | Shape::Gemini => b"{\"object\":\"list\",\"data\":[".to_vec(),
    };
    let names = settings.models.iter().map(|model| &model.name);
    let mut first = true;
    for name in names.filter(|name| name.as_str() != "*" && may_use(principal.models.as_deref(), name.as_str())) {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"id\":\"");
        escape_into(name.as_str(), &mut out);
        match shape {
            Shape::Anthropic => {
                out.extend_from_slice(b"\",\"type\":\"model\",\"display_name\":\"");
                escape_into(name.as_str(), &mut out);
                out.extend_from_slice(b"\",\"created_at\":\"1970-01-01T00:00:00Z\"}");
            }
            Shape::OpenAi | Shape::Gemini => out.extend_from_slice(b"\",\"object\":\"model\",\"created\":0,\"owned_by\":\"bartizan\"}"),
        }
    }
    out.extend_from_slice(if shape == Shape::Anthropic { b"],\"has_more\":false,\"first_id\":null,\"last_id\":null}" } else { b"]}" });
    out
}
