//! The routes that are spoken, and the families of formats they belong to.

mod refused;
mod specs;

use refused::refused;
use specs::{SPECS, Spec};

use crate::refusal::Shape;
use crate::stored::is_object_id;

/// A family of wire formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// OpenAI's API and what imitates it.
    OpenAi,
    /// Anthropic's Messages API.
    Anthropic,
    /// Google's Gemini API.
    Gemini,
}

/// A route that the gate speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// `POST /v1/chat/completions`
    ChatCompletions,
    /// `POST /v1/responses`
    Responses,
    /// `GET /v1/responses/{response}`
    GetResponse,
    /// `DELETE /v1/responses/{response}`
    DeleteResponse,
    /// `POST /v1/responses/{response}/cancel`
    CancelResponse,
    /// `GET /v1/responses/{response}/input_items`
    ResponseItems,
    /// `POST /v1/conversations`
    CreateConversation,
    /// `GET /v1/conversations/{conversation}`
    GetConversation,
    /// `POST /v1/conversations/{conversation}`
    UpdateConversation,
    /// `DELETE /v1/conversations/{conversation}`
    DeleteConversation,
    /// `POST /v1/conversations/{conversation}/items`
    AddItems,
    /// `GET /v1/conversations/{conversation}/items`
    ListItems,
    /// `GET /v1/conversations/{conversation}/items/{item}`
    GetItem,
    /// `DELETE /v1/conversations/{conversation}/items/{item}`
    DeleteItem,
    /// `POST /v1/files`
    UploadFile,
    /// `GET /v1/files`
    ListFiles,
    /// `GET /v1/files/{file}`
    GetFile,
    /// `DELETE /v1/files/{file}`
    DeleteFile,
    /// `GET /v1/files/{file}/content`
    FileContent,
    /// `POST /v1/completions`
    Completions,
    /// `POST /v1/embeddings`
    Embeddings,
    /// `POST /v1/moderations`
    Moderations,
    /// `POST /v1/messages`
    Messages,
    /// `POST /v1/messages/count_tokens`
    CountTokens,
    /// `GET /v1/models`
    Models,
    /// `POST /v1beta/models/{model}:generateContent`
    GenerateContent,
    /// `POST /v1beta/models/{model}:streamGenerateContent`
    StreamGenerateContent,
    /// `POST /v1beta/models/{model}:countTokens`
    CountContentTokens,
    /// `POST /v1beta/models/{model}:embedContent`
    EmbedContent,
    /// `POST /v1beta/models/{model}:batchEmbedContents`
    BatchEmbedContents,
    /// `GET /v1beta/models`
    GeminiModels,
    /// `POST /v1beta/cachedContents`
    CreateCache,
    /// `GET /v1beta/cachedContents`
    ListCaches,
    /// `GET /v1beta/cachedContents/{cache}`
    GetCache,
    /// `PATCH /v1beta/cachedContents/{cache}`
    UpdateCache,
    /// `DELETE /v1beta/cachedContents/{cache}`
    DeleteCache,
    /// `POST /v1/decide`: the gate's own, for who only wants its verdict
    Decide,
    /// `POST /v1/guardrails/litellm/beta/litellm_basic_guardrail_api`: the generic guardrail API of `LiteLLM`
    LitellmGuard,
    /// `POST /v1/guardrails/agentgateway/request`: agentgateway's webhook, for prompts
    WebhookRequest,
    /// `POST /v1/guardrails/agentgateway/response`: the same, for answers
    WebhookResponse,
}

/// The spelling of a path: OpenAI's own, or Azure's, which names the deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// As the format's owner writes it.
    #[default]
    Own,
    /// Azure OpenAI: `/openai/…`, with `api-version` in the query.
    Azure,
}

/// A route with what its path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// The route.
    pub route: Route,
    /// The model, where the path names it.
    pub model: Option<&'a str>,
    /// The id of what the provider keeps, where the path names that.
    pub object: Option<&'a str>,
    /// The id of an item in that, where the path goes on to one.
    pub item: Option<&'a str>,
    /// How the path is spelt.
    pub dialect: Dialect,
}

/// What a method and path lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// A route.
    Route(Call<'a>),
    /// A path of a route, with a method that it does not have.
    WrongMethod(Route),
    /// A route of a provider that is refused until it is inspected: which, for the sentence.
    Refused(&'static str),
    /// Nothing that is known here.
    Unknown,
}

impl Route {
    /// Every route.
    pub const ALL: &'static [Self] = &[
        Self::ChatCompletions,
        Self::Responses,
        Self::GetResponse,
        Self::DeleteResponse,
        Self::CancelResponse,
        Self::ResponseItems,
        Self::CreateConversation,
        Self::GetConversation,
        Self::UpdateConversation,
        Self::DeleteConversation,
        Self::AddItems,
        Self::ListItems,
        Self::GetItem,
        Self::DeleteItem,
        Self::UploadFile,
        Self::ListFiles,
        Self::GetFile,
        Self::DeleteFile,
        Self::FileContent,
        Self::Completions,
        Self::Embeddings,
        Self::Moderations,
        Self::Messages,
        Self::CountTokens,
        Self::Models,
        Self::GenerateContent,
        Self::StreamGenerateContent,
        Self::CountContentTokens,
        Self::EmbedContent,
        Self::BatchEmbedContents,
        Self::GeminiModels,
        Self::CreateCache,
        Self::ListCaches,
        Self::GetCache,
        Self::UpdateCache,
        Self::DeleteCache,
        Self::Decide,
        Self::LitellmGuard,
        Self::WebhookRequest,
        Self::WebhookResponse,
    ];

    /// Finds the route of a request line. The path is compared exactly: no decoding, no case folding, no trailing slash.
    pub fn find<'a>(method: &str, path: &'a str) -> Found<'a> {
        let mut wrong = None;
        for spec in SPECS {
            let own = (Dialect::Own, spec.route.path());
            for (dialect, template) in std::iter::once(&own).chain(spec.other) {
                let Some(named) = matched(template, path) else { continue };
                if spec.route.method() == method {
                    let (named, item) = (Some(named.0).filter(|named| !named.is_empty()), named.1);
                    let (model, object) = if spec.route.names_object() { (None, named) } else { (named, None) };
                    return Found::Route(Call { route: spec.route, model, object, item, dialect: *dialect });
                }
                wrong = wrong.or(Some(spec.route));
            }
        }
        match wrong {
            Some(route) => Found::WrongMethod(route),
            None => refused(path).map_or(Found::Unknown, Found::Refused),
        }
    }

    fn spec(self) -> Option<&'static Spec> {
        SPECS.iter().find(|spec| spec.route == self)
    }

    /// Its path at the gate.
    pub fn path(self) -> &'static str {
        self.name().split_once(' ').map_or("", |(_, path)| path)
    }

    /// Its method.
    pub fn method(self) -> &'static str {
        self.name().split_once(' ').map_or("", |(method, _)| method)
    }

    /// Method and path, as events name it.
    pub fn name(self) -> &'static str {
        self.spec().map_or("", |spec| spec.name)
    }

    /// The suffix that is appended to a provider's `base_url`.
    pub fn suffix(self) -> &'static str {
        self.spec().map_or("", |spec| spec.suffix)
    }

    /// Whether it lists models, without a body.
    pub fn lists_models(self) -> bool {
        matches!(self, Self::Models | Self::GeminiModels)
    }

    /// Whether its path names what a provider keeps. Such a request has no body, unless it [writes to a conversation](Self::writes_conversation)
    /// or is [`UpdateCache`](Self::UpdateCache).
    pub fn names_object(self) -> bool {
        matches!(self, Self::GetResponse | Self::DeleteResponse | Self::CancelResponse | Self::ResponseItems)
            || self.names_conversation()
            || self.names_file()
            || self.names_cache()
    }

    /// Whether it is about what a provider keeps.
    pub fn is_of_objects(self) -> bool {
        self.names_object() || self.is_of_files() || self.is_of_conversations() || self.is_of_caches()
    }

    /// Whether its path names a conversation.
    pub fn names_conversation(self) -> bool {
        self.is_of_conversations() && self != Self::CreateConversation
    }

    /// Whether it is about conversations that a provider keeps.
    pub fn is_of_conversations(self) -> bool {
        let reads = matches!(self, Self::GetConversation | Self::DeleteConversation | Self::ListItems | Self::GetItem | Self::DeleteItem);
        reads || self.writes_conversation()
    }

    /// Whether its body goes into a conversation.
    pub fn writes_conversation(self) -> bool {
        matches!(self, Self::CreateConversation | Self::UpdateConversation | Self::AddItems)
    }

    /// Whether its path names a file.
    pub fn names_file(self) -> bool {
        matches!(self, Self::GetFile | Self::DeleteFile | Self::FileContent)
    }

    /// Whether it is about files that a provider keeps.
    pub fn is_of_files(self) -> bool {
        matches!(self, Self::UploadFile | Self::ListFiles) || self.names_file()
    }

    /// Whether its path names a cache.
    pub fn names_cache(self) -> bool {
        matches!(self, Self::GetCache | Self::UpdateCache | Self::DeleteCache)
    }

    /// Whether it is about caches that a provider keeps: Gemini's cached content.
    pub fn is_of_caches(self) -> bool {
        matches!(self, Self::CreateCache | Self::ListCaches) || self.names_cache()
    }

    /// Whether it is answered with a verdict, and nothing is sent to a provider.
    pub fn decides(self) -> bool {
        matches!(self, Self::Decide | Self::LitellmGuard | Self::WebhookRequest | Self::WebhookResponse)
    }

    /// The model that its provider takes when a request names none.
    pub fn default_model(self) -> Option<&'static str> {
        (self == Self::Moderations).then_some("omni-moderation-latest")
    }

    /// Its family; `models` is answered in the family that the client's headers show.
    pub fn family(self) -> Family {
        self.spec().map_or(Family::OpenAi, |spec| spec.family)
    }
}

/// Stand in templates for ids of what providers keep.
const OBJECTS: &[&str] = &["{response}", "{file}", "{conversation}", "{cache}"];

/// Stands behind one of them for the id of an item.
const ITEM: &str = "{item}";

/// Where an id would stand, but a route of its own does.
const NO_IDS: &[&str] = &["input_tokens", "compact"];

/// What stands around the id in the template of a path.
pub fn around_object(template: &str) -> Option<(&str, &str)> {
    OBJECTS.iter().find_map(|object| template.split_once(object))
}

/// What stands around the id of an item, in what stands behind another id.
pub fn around_item(after: &str) -> Option<(&str, &str)> {
    after.split_once(ITEM)
}

/// What a path that has the form of a template names: the model, an id, or nothing; and an item.
fn matched<'a>(template: &str, path: &'a str) -> Option<(&'a str, Option<&'a str>)> {
    if let Some((before, after)) = around_object(template) {
        let is_id = |id: &str| is_object_id(id) && !NO_IDS.contains(&id);
        let rest = path.strip_prefix(before)?;
        let Some((between, after)) = around_item(after) else {
            return rest.strip_suffix(after).filter(|id| is_id(id)).map(|id| (id, None));
        };
        let (id, item) = rest.strip_suffix(after)?.split_once(between)?;
        return (is_id(id) && is_id(item)).then_some((id, Some(item)));
    }
    let Some((before, after)) = template.split_once("{model}") else { return (template == path).then_some(("", None)) };
    let name = path.strip_prefix(before)?.strip_suffix(after)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'~');
    (!name.is_empty() && name.bytes().all(plain)).then_some((name, None))
}

/// The error shape that a client on an arbitrary path expects.
pub fn shape_of(path: &str, anthropic_version: bool) -> Shape {
    if anthropic_version || path.starts_with("/v1/messages") {
        Shape::Anthropic
    } else if path.starts_with("/v1beta/") || (path.starts_with("/v1/models/") && path.contains(':')) || is_of_caches(path) {
        Shape::Gemini
    } else {
        Shape::OpenAi
    }
}

/// Whether a path has the form of one for caches: no other format has them.
fn is_of_caches(path: &str) -> bool {
    path.strip_prefix("/v1/cachedContents").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The error shape for a client that shows itself as Google's by its headers. Their SDKs ask below `/v1/` as well, so there only
/// what no other format has on its own path is theirs, and the list of models.
pub fn shape_for_google(path: &str) -> Shape {
    let others = |spec: &&Spec| spec.family != Family::Gemini && !spec.route.lists_models();
    let mut paths =
        SPECS.iter().filter(others).flat_map(|spec| std::iter::once(spec.route.path()).chain(spec.other.iter().map(|one| one.1)));
    if paths.any(|template| matched(template, path).is_some()) { shape_of(path, false) } else { Shape::Gemini }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_one_row() {
        for route in Route::ALL {
            assert_eq!(SPECS.iter().filter(|spec| spec.route == *route).count(), 1, "{route:?}");
            assert!(route.path().ends_with(route.suffix()) && !route.suffix().is_empty());
        }
        assert_eq!(SPECS.len(), Route::ALL.len());
    }
}
