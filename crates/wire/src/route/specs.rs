//! The table of routes.

use super::{Dialect, Family, Route};

/// What there is to know of a route.
pub(super) struct Spec {
    pub(super) route: Route,
    pub(super) family: Family,
    /// Method and path, as events name it.
    pub(super) name: &'static str,
    /// The suffix that is appended to a provider's `base_url`.
    pub(super) suffix: &'static str,
    /// Further spellings of the path. `{model}` stands for the name of a model, `{response}`, `{file}` and their like for ids.
    pub(super) other: &'static [(Dialect, &'static str)],
}

pub(super) const SPECS: &[Spec] = &[
    Spec {
        route: Route::ChatCompletions,
        family: Family::OpenAi,
        name: "POST /v1/chat/completions",
        suffix: "/chat/completions",
        other: &[(Dialect::Azure, "/openai/deployments/{model}/chat/completions"), (Dialect::Azure, "/openai/v1/chat/completions")],
    },
    Spec {
        route: Route::Responses,
        family: Family::OpenAi,
        name: "POST /v1/responses",
        suffix: "/responses",
        other: &[(Dialect::Azure, "/openai/responses"), (Dialect::Azure, "/openai/v1/responses")],
    },
    Spec {
        route: Route::GetResponse,
        family: Family::OpenAi,
        name: "GET /v1/responses/{response}",
        suffix: "/responses/{response}",
        other: &[(Dialect::Azure, "/openai/responses/{response}"), (Dialect::Azure, "/openai/v1/responses/{response}")],
    },
    Spec {
        route: Route::DeleteResponse,
        family: Family::OpenAi,
        name: "DELETE /v1/responses/{response}",
        suffix: "/responses/{response}",
        other: &[(Dialect::Azure, "/openai/responses/{response}"), (Dialect::Azure, "/openai/v1/responses/{response}")],
    },
    Spec {
        route: Route::CancelResponse,
        family: Family::OpenAi,
        name: "POST /v1/responses/{response}/cancel",
        suffix: "/responses/{response}/cancel",
        other: &[(Dialect::Azure, "/openai/responses/{response}/cancel"), (Dialect::Azure, "/openai/v1/responses/{response}/cancel")],
    },
    Spec {
        route: Route::ResponseItems,
        family: Family::OpenAi,
        name: "GET /v1/responses/{response}/input_items",
        suffix: "/responses/{response}/input_items",
        other: &[
            (Dialect::Azure, "/openai/responses/{response}/input_items"),
            (Dialect::Azure, "/openai/v1/responses/{response}/input_items"),
        ],
    },
    Spec {
        route: Route::CreateConversation,
        family: Family::OpenAi,
        name: "POST /v1/conversations",
        suffix: "/conversations",
        other: &[(Dialect::Azure, "/openai/conversations"), (Dialect::Azure, "/openai/v1/conversations")],
    },
    Spec {
        route: Route::GetConversation,
        family: Family::OpenAi,
        name: "GET /v1/conversations/{conversation}",
        suffix: "/conversations/{conversation}",
        other: &[(Dialect::Azure, "/openai/conversations/{conversation}"), (Dialect::Azure, "/openai/v1/conversations/{conversation}")],
    },
    Spec {
        route: Route::UpdateConversation,
        family: Family::OpenAi,
        name: "POST /v1/conversations/{conversation}",
        suffix: "/conversations/{conversation}",
        other: &[(Dialect::Azure, "/openai/conversations/{conversation}"), (Dialect::Azure, "/openai/v1/conversations/{conversation}")],
    },
    Spec {
        route: Route::DeleteConversation,
        family: Family::OpenAi,
        name: "DELETE /v1/conversations/{conversation}",
        suffix: "/conversations/{conversation}",
        other: &[(Dialect::Azure, "/openai/conversations/{conversation}"), (Dialect::Azure, "/openai/v1/conversations/{conversation}")],
    },
    Spec {
        route: Route::AddItems,
        family: Family::OpenAi,
        name: "POST /v1/conversations/{conversation}/items",
        suffix: "/conversations/{conversation}/items",
        other: &[
            (Dialect::Azure, "/openai/conversations/{conversation}/items"),
            (Dialect::Azure, "/openai/v1/conversations/{conversation}/items"),
        ],
    },
    Spec {
        route: Route::ListItems,
        family: Family::OpenAi,
        name: "GET /v1/conversations/{conversation}/items",
        suffix: "/conversations/{conversation}/items",
        other: &[
            (Dialect::Azure, "/openai/conversations/{conversation}/items"),
            (Dialect::Azure, "/openai/v1/conversations/{conversation}/items"),
        ],
    },
    Spec {
        route: Route::GetItem,
        family: Family::OpenAi,
        name: "GET /v1/conversations/{conversation}/items/{item}",
        suffix: "/conversations/{conversation}/items/{item}",
        other: &[
            (Dialect::Azure, "/openai/conversations/{conversation}/items/{item}"),
            (Dialect::Azure, "/openai/v1/conversations/{conversation}/items/{item}"),
        ],
    },
    Spec {
        route: Route::DeleteItem,
        family: Family::OpenAi,
        name: "DELETE /v1/conversations/{conversation}/items/{item}",
        suffix: "/conversations/{conversation}/items/{item}",
        other: &[
            (Dialect::Azure, "/openai/conversations/{conversation}/items/{item}"),
            (Dialect::Azure, "/openai/v1/conversations/{conversation}/items/{item}"),
        ],
    },
    Spec {
        route: Route::UploadFile,
        family: Family::OpenAi,
        name: "POST /v1/files",
        suffix: "/files",
        other: &[(Dialect::Azure, "/openai/files"), (Dialect::Azure, "/openai/v1/files")],
    },
    Spec {
        route: Route::ListFiles,
        family: Family::OpenAi,
        name: "GET /v1/files",
        suffix: "/files",
        other: &[(Dialect::Azure, "/openai/files"), (Dialect::Azure, "/openai/v1/files")],
    },
    Spec {
        route: Route::GetFile,
        family: Family::OpenAi,
        name: "GET /v1/files/{file}",
        suffix: "/files/{file}",
        other: &[(Dialect::Azure, "/openai/files/{file}"), (Dialect::Azure, "/openai/v1/files/{file}")],
    },
    Spec {
        route: Route::DeleteFile,
        family: Family::OpenAi,
        name: "DELETE /v1/files/{file}",
        suffix: "/files/{file}",
        other: &[(Dialect::Azure, "/openai/files/{file}"), (Dialect::Azure, "/openai/v1/files/{file}")],
    },
    Spec {
        route: Route::FileContent,
        family: Family::OpenAi,
        name: "GET /v1/files/{file}/content",
        suffix: "/files/{file}/content",
        other: &[(Dialect::Azure, "/openai/files/{file}/content"), (Dialect::Azure, "/openai/v1/files/{file}/content")],
    },
    Spec {
        route: Route::Completions,
        family: Family::OpenAi,
        name: "POST /v1/completions",
        suffix: "/completions",
        other: &[(Dialect::Azure, "/openai/deployments/{model}/completions"), (Dialect::Azure, "/openai/v1/completions")],
    },
    Spec {
        route: Route::Embeddings,
        family: Family::OpenAi,
        name: "POST /v1/embeddings",
        suffix: "/embeddings",
        other: &[(Dialect::Azure, "/openai/deployments/{model}/embeddings"), (Dialect::Azure, "/openai/v1/embeddings")],
    },
    Spec { route: Route::Moderations, family: Family::OpenAi, name: "POST /v1/moderations", suffix: "/moderations", other: &[] },
    Spec { route: Route::Messages, family: Family::Anthropic, name: "POST /v1/messages", suffix: "/messages", other: &[] },
    Spec {
        route: Route::CountTokens,
        family: Family::Anthropic,
        name: "POST /v1/messages/count_tokens",
        suffix: "/messages/count_tokens",
        other: &[],
    },
    Spec {
        route: Route::Models,
        family: Family::OpenAi,
        name: "GET /v1/models",
        suffix: "/models",
        other: &[(Dialect::Azure, "/openai/v1/models")],
    },
    Spec {
        route: Route::GenerateContent,
        family: Family::Gemini,
        name: "POST /v1beta/models/{model}:generateContent",
        suffix: "/models/{model}:generateContent",
        other: &[(Dialect::Own, "/v1/models/{model}:generateContent")],
    },
    Spec {
        route: Route::StreamGenerateContent,
        family: Family::Gemini,
        name: "POST /v1beta/models/{model}:streamGenerateContent",
        suffix: "/models/{model}:streamGenerateContent",
        other: &[(Dialect::Own, "/v1/models/{model}:streamGenerateContent")],
    },
    Spec {
        route: Route::CountContentTokens,
        family: Family::Gemini,
        name: "POST /v1beta/models/{model}:countTokens",
        suffix: "/models/{model}:countTokens",
        other: &[(Dialect::Own, "/v1/models/{model}:countTokens")],
    },
    Spec {
        route: Route::EmbedContent,
        family: Family::Gemini,
        name: "POST /v1beta/models/{model}:embedContent",
        suffix: "/models/{model}:embedContent",
        other: &[(Dialect::Own, "/v1/models/{model}:embedContent")],
    },
    Spec {
        route: Route::BatchEmbedContents,
        family: Family::Gemini,
        name: "POST /v1beta/models/{model}:batchEmbedContents",
        suffix: "/models/{model}:batchEmbedContents",
        other: &[(Dialect::Own, "/v1/models/{model}:batchEmbedContents")],
    },
    Spec { route: Route::GeminiModels, family: Family::Gemini, name: "GET /v1beta/models", suffix: "/models", other: &[] },
    Spec { route: Route::Decide, family: Family::OpenAi, name: "POST /v1/decide", suffix: "/decide", other: &[] },
    Spec {
        route: Route::LitellmGuard,
        family: Family::OpenAi,
        name: "POST /v1/guardrails/litellm/beta/litellm_basic_guardrail_api",
        suffix: "/guardrails/litellm/beta/litellm_basic_guardrail_api",
        other: &[],
    },
    // Not at the root of a host, `/request` and `/response`: the agentgateway that knows these paths only cannot read that an answer is
    // refused, and lets it pass.
    Spec {
        route: Route::WebhookRequest,
        family: Family::OpenAi,
        name: "POST /v1/guardrails/agentgateway/request",
        suffix: "/guardrails/agentgateway/request",
        other: &[],
    },
    Spec {
        route: Route::WebhookResponse,
        family: Family::OpenAi,
        name: "POST /v1/guardrails/agentgateway/response",
        suffix: "/guardrails/agentgateway/response",
        other: &[],
    },
];
