//! Models as clients name them: which provider a name leads to, and the list of them.

use std::borrow::Cow;

use bartizan_identity::may_use;
use bartizan_vocabulary::Principal;
use bartizan_wire::json::escape_into;
use bartizan_wire::refusal::{Reason, Shape};
use bartizan_wire::{Call, ControlError, Family, Route};

use crate::settings::{MAX_WAYS, Model, Provider, ProviderKind, Settings, Way};

/// Where a model name leads.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Which entry, and which of its places.
    pub at: (usize, usize),
    /// The entry.
    pub model: &'a Model,
    /// The place that was chosen.
    pub way: &'a Way,
    /// Its provider.
    pub provider: &'a Provider,
}

/// The model that a request names: in its path, in its body, or the one that its route has by itself. `also`: what else in the body
/// names it. What Google puts before a name is no part of it: what is judged, counted and called is one name.
///
/// # Errors
/// A sentence for the client, when it names none and has to, or several.
pub fn named<'a>(
    settings: &Settings,
    (call, body): (&Call<'a>, Option<&'a str>),
    mut also: impl Iterator<Item = Cow<'a, str>>,
) -> Result<&'a str, String> {
    if !also.all(|name| call.model.is_some_and(|model| bare(settings, model) == bare(settings, &name))) {
        return Err("the body names another model than the path; name one model".to_owned());
    }
    let name = call.model.or(body).or(call.route.default_model());
    name.map(|name| bare(settings, name)).ok_or_else(|| ControlError::Missing("model").to_string())
}

/// A name without what Google puts before it, however often: whoever takes it off once more finds nothing. One that is configured with
/// it is another name.
pub fn bare<'a>(settings: &Settings, name: &'a str) -> &'a str {
    let bare = name.trim_start_matches(MODELS);
    let configured = || settings.models.iter().any(|model| model.name.as_str() == name);
    if bare.len() == name.len() || configured() { name } else { bare }
}

impl<'a> Target<'a> {
    /// One place of a model.
    pub fn at(settings: &'a Settings, at: (usize, usize)) -> Option<Self> {
        let model = settings.models.get(at.0)?;
        let way = model.ways.get(at.1)?;
        Some(Self { at, model, way, provider: settings.providers.get(way.provider)? })
    }

    /// All places of a model.
    pub fn all(settings: &'a Settings, model: usize) -> impl Iterator<Item = Self> {
        (0..MAX_WAYS).map_while(move |way| Self::at(settings, (model, way)))
    }

    /// Whether it is the same place for the same name.
    pub fn is(self, other: Self) -> bool {
        self.at == other.at
    }

    /// Whether its provider can tell from the request which model is meant: Azure by the path, others by the body.
    pub fn is_told(self, call: &Call<'_>, in_body: bool) -> bool {
        let translated = self.provider.kind.translation(call.route).is_some();
        in_body || self.provider.kind == ProviderKind::Azure || call.route.family() == Family::Gemini || translated
    }

    /// Whether it can only be called with the client's own key.
    pub fn needs_client_key(self) -> bool {
        self.provider.pass_client_key && self.provider.api_key.is_none()
    }

    /// What the provider calls a model that the client calls `name`.
    pub fn upstream_name(self, name: &'a str) -> &'a str {
        self.way.upstream_name.as_deref().unwrap_or(name)
    }
}

/// The entry that a name leads to, for a caller. `shown`: the name as sentences may repeat it.
///
/// # Errors
/// Reason and sentence: not configured, or not allowed.
pub fn entry(settings: &Settings, principal: &Principal, (name, shown): (&str, &str)) -> Result<usize, (Reason, String)> {
    if !may_use(principal.models.as_deref(), name) {
        return Err((Reason::ModelNotAllowed, format!("this key may not use the model `{shown}`; ask for a key that may")));
    }
    settings.entry(name).ok_or_else(|| missing(shown))
}

/// Why a name leads nowhere.
pub fn missing(shown: &str) -> (Reason, String) {
    (Reason::NotFound, format!("the model `{shown}` is not configured; `GET /v1/models` lists what is"))
}

/// Why no place of a model takes a request on this route: all of them speak another format.
pub fn elsewhere(settings: &Settings, model: &Model, shown: &str, route: Route) -> (Reason, String) {
    let right = match settings.provider(model).map(|provider| provider.kind) {
        Some(ProviderKind::Anthropic) => Route::Messages,
        Some(ProviderKind::Gemini) => Route::GenerateContent,
        Some(ProviderKind::OpenAi | ProviderKind::Azure | ProviderKind::Both) | None => Route::ChatCompletions,
    };
    (Reason::NotFound, format!("the model `{shown}` is served on `{}`, not on `{}`", right.name(), route.name()))
}

/// Where the list of models is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// The place.
    pub target: Target<'a>,
    /// Whether the client's own key may be sent there.
    pub is_home: bool,
    /// Whether it is at the provider that the client means where it names an account.
    pub is_first: bool,
}

/// The place of the entry for any model that is asked for its list, and whether the client's own key is for its provider: as for prompts
/// of the client's format that key goes to one provider only, and a place that would need it is asked only if it is that one. Places of
/// the client's own format come first.
pub fn listing(settings: &Settings, (route, shape): (Route, Shape)) -> Option<Listing<'_>> {
    let prompts = match shape {
        Shape::OpenAi => Route::ChatCompletions,
        Shape::Anthropic => Route::Messages,
        Shape::Gemini => Route::GenerateContent,
    };
    let any = settings.models.iter().position(|model| model.name.as_str() == "*")?;
    let home = home(settings, any, prompts);
    // What speaks another format is asked without it, as where a request is translated.
    let is_home = |target: &Target<'_>| home == Some(target.way.provider) && target.provider.kind.speaks(prompts);
    let takes = |target: &Target<'_>| target.provider.kind.lists(route) && (!target.needs_client_key() || is_home(target));
    let ways = || Target::all(settings, any).filter(takes);
    let chosen = ways().find(|target| target.provider.kind.speaks(prompts)).or_else(|| ways().next())?;
    let first = home.or_else(|| preferred(settings, any, prompts, |_| true));
    Some(Listing { target: chosen, is_home: is_home(&chosen), is_first: first == Some(chosen.way.provider) })
}

/// The provider that the client's own key is for: of the places of the model that was asked for, the first one that needs it, before
/// those to which the request would have to be translated.
pub fn home(settings: &Settings, asked: usize, route: Route) -> Option<usize> {
    preferred(settings, asked, route, |target| target.needs_client_key())
}

/// The provider of the first place of a model that is one of `these`, before those to which the request would have to be translated.
pub fn preferred(settings: &Settings, asked: usize, route: Route, these: impl Fn(&Target<'_>) -> bool) -> Option<usize> {
    let ways = || Target::all(settings, asked).filter(|target| these(target));
    let own = ways().find(|target| target.provider.kind.speaks(route));
    own.or_else(|| ways().find(|target| target.provider.kind.answers(route))).map(|target| target.way.provider)
}

/// What Google puts before a model's name.
pub const MODELS: &str = "models/";

/// The list of models in Gemini's format: only those that are served there.
fn gemini_list<'a>(names: impl Iterator<Item = (&'a str, bool)>) -> Vec<u8> {
    let mut out = b"{\"models\":[".to_vec();
    for (at, (name, own)) in names.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"name\":\"models/");
        escape_into(name, &mut out);
        out.extend_from_slice(b"\",\"displayName\":\"");
        escape_into(name, &mut out);
        out.extend_from_slice(b"\",\"supportedGenerationMethods\":[\"generateContent\"");
        if own {
            out.extend_from_slice(b",\"countTokens\",\"embedContent\",\"batchEmbedContents\"");
        }
        out.extend_from_slice(b"]}");
    }
    out.extend_from_slice(b"]}");
    out
}

/// The list of models that a caller may use, in the format of its family.
pub fn list(settings: &Settings, principal: &Principal, shape: Shape) -> Vec<u8> {
    if shape == Shape::Gemini {
        let speaks = |model: &Model| settings.provider(model).is_some_and(|provider| provider.kind.speaks(Route::GenerateContent));
        let served = |model: &&Model| settings.provider(model).is_some_and(|provider| provider.kind.answers(Route::GenerateContent));
        let names = settings.models.iter().filter(served).map(|model| (model.name.as_str(), speaks(model)));
        return gemini_list(names.filter(|(name, _)| *name != "*" && may_use(principal.models.as_deref(), name)));
    }
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
