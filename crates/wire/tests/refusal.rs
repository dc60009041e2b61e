//! Refusals: the contract's shape for every reason in every family's format; routes and the shape that a path calls for.
#![expect(clippy::unwrap_used, reason = "tests")]

use bartizan_wire::refusal::{Reason, Shape, body, event, responses_event};
use bartizan_wire::{Call, Dialect, Family, Found, Route, SseReader, shape_for_google, shape_of};
use serde_json::{Value, json};

const MESSAGE: &str = "no \"way\"\nwith \\ and é \u{1}";

/// Reason, status, `code` (OpenAI), `type` (OpenAI), `type` (Anthropic), `status` (Gemini), final.
const TABLE: &[(Reason, u16, &str, &str, &str, &str, bool)] = &[
    (Reason::BadRequest, 400, "bad_request", "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT", false),
    (Reason::BadKey, 401, "invalid_api_key", "authentication_error", "authentication_error", "UNAUTHENTICATED", false),
    (Reason::PolicyBlocked, 403, "policy_blocked", "permission_error", "permission_error", "PERMISSION_DENIED", true),
    (Reason::ModelNotAllowed, 403, "model_not_allowed", "permission_error", "permission_error", "PERMISSION_DENIED", true),
    (Reason::NotFound, 404, "not_found", "invalid_request_error", "not_found_error", "NOT_FOUND", false),
    (Reason::MethodNotAllowed, 405, "method_not_allowed", "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT", false),
    (Reason::Forbidden, 403, "forbidden", "permission_error", "permission_error", "PERMISSION_DENIED", false),
    (Reason::TooLarge, 413, "request_too_large", "invalid_request_error", "request_too_large", "INVALID_ARGUMENT", false),
    (Reason::UnsupportedMedia, 415, "unsupported_media_type", "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT", false),
    (Reason::RequestTimeout, 408, "request_timeout", "invalid_request_error", "invalid_request_error", "DEADLINE_EXCEEDED", false),
    (Reason::Busy, 503, "gate_busy", "api_error", "overloaded_error", "UNAVAILABLE", false),
    (Reason::UpgradeRefused, 426, "upgrade_refused", "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT", false),
    (Reason::RateLimited, 429, "rate_limited", "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED", false),
    (Reason::BudgetSpent, 429, "budget_spent", "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED", true),
    (Reason::GuardUnavailable, 503, "guard_unavailable", "api_error", "overloaded_error", "UNAVAILABLE", true),
    (Reason::UpstreamFailed, 502, "upstream_failed", "api_error", "api_error", "UNAVAILABLE", false),
    (Reason::UpstreamSlow, 504, "upstream_timeout", "api_error", "timeout_error", "DEADLINE_EXCEEDED", false),
    (Reason::UpstreamUnavailable, 503, "upstream_unavailable", "api_error", "overloaded_error", "UNAVAILABLE", false),
];

fn check(shape: Shape, reason: Reason, expected: &Value) {
    let whole: Value = serde_json::from_slice(&body(shape, reason, MESSAGE, "req-\"1\"")).unwrap();
    assert_eq!(&whole, expected, "{shape:?} {reason:?}");
    let raw = event(shape, reason, MESSAGE, "req-\"1\"");
    assert_eq!(raw.starts_with(b"event: error\ndata: "), shape == Shape::Anthropic);
    let mut reader = SseReader::new(10_000);
    reader.push(&raw);
    let frame = reader.next_frame().unwrap().unwrap();
    assert_eq!(reader.pending(), 0, "one event, and no end mark");
    assert_eq!(&serde_json::from_slice::<Value>(&frame.payload()).unwrap(), expected);
}

#[test]
fn every_reason_in_every_shape() {
    assert_eq!(TABLE.iter().map(|row| row.0).collect::<Vec<_>>(), Reason::ALL);
    for &(reason, status, code, openai, anthropic, gemini, last) in TABLE {
        assert_eq!((reason.status(), reason.code(), reason.is_final()), (status, code, last), "{reason:?}");
        for shape in Shape::ALL {
            let expected = match shape {
                Shape::OpenAi => json!({"error": {"message": MESSAGE, "type": openai, "param": null, "code": code}}),
                Shape::Anthropic => json!({"type": "error", "error": {"type": anthropic, "message": MESSAGE}, "request_id": "req-\"1\""}),
                Shape::Gemini => json!({"error": {"code": status, "message": MESSAGE, "status": gemini}}),
            };
            check(*shape, reason, &expected);
        }
    }
}

#[test]
fn an_event_of_the_responses_api() {
    for reason in Reason::ALL {
        let raw = responses_event(*reason, MESSAGE, 7);
        let mut reader = SseReader::new(10_000);
        reader.push(&raw);
        let payload = reader.next_frame().unwrap().unwrap().payload().into_owned();
        let got: Value = serde_json::from_slice(&payload).unwrap();
        let error = serde_json::from_slice::<Value>(&body(Shape::OpenAi, *reason, MESSAGE, "r")).unwrap()["error"].clone();
        let code = reason.code();
        let expected = json!({"type": "error", "code": code, "message": MESSAGE, "param": null, "sequence_number": 7, "error": error});
        assert_eq!(got, expected);
        assert!(raw.starts_with(b"event: error\ndata: ") && reader.pending() == 0);
    }
}

#[test]
fn routes() {
    let own = |route| Found::Route(Call { route, model: None, object: None, item: None, dialect: Dialect::Own });
    let gemini = |route, model| Found::Route(Call { route, model: Some(model), object: None, item: None, dialect: Dialect::Own });
    let object = |route| Found::Route(Call { route, model: None, object: Some("resp_1"), item: None, dialect: Dialect::Own });
    let azure = |route, model| Found::Route(Call { route, model, object: None, item: None, dialect: Dialect::Azure });
    let of = |route, item| Found::Route(Call { route, model: None, object: Some("conv_1"), item, dialect: Dialect::Own });
    for (method, path, found) in [
        ("POST", "/v1/chat/completions", own(Route::ChatCompletions)),
        ("POST", "/v1/completions", own(Route::Completions)),
        ("POST", "/v1/embeddings", own(Route::Embeddings)),
        ("POST", "/v1/moderations", own(Route::Moderations)),
        ("POST", "/v1/responses", own(Route::Responses)),
        ("GET", "/v1/responses", Found::WrongMethod(Route::Responses)),
        ("POST", "/openai/v1/responses", azure(Route::Responses, None)),
        ("GET", "/v1/responses/resp_1", object(Route::GetResponse)),
        ("DELETE", "/v1/responses/resp_1", object(Route::DeleteResponse)),
        ("POST", "/v1/responses/resp_1/cancel", object(Route::CancelResponse)),
        ("GET", "/v1/responses/resp_1/input_items", object(Route::ResponseItems)),
        ("POST", "/v1/responses/resp_1", Found::WrongMethod(Route::GetResponse)),
        ("GET", "/v1/responses/resp_1/output", Found::Refused("stored responses")),
        ("POST", "/v1/responses/input_tokens", Found::Refused("stored responses")),
        ("GET", "/v1/responses/resp%5F1", Found::Refused("stored responses")),
        ("GET", "/v1/responses/..", Found::Refused("stored responses")),
        ("POST", "/v1/conversations", own(Route::CreateConversation)),
        ("GET", "/v1/conversations", Found::WrongMethod(Route::CreateConversation)),
        ("GET", "/v1/conversations/conv_1", of(Route::GetConversation, None)),
        ("POST", "/v1/conversations/conv_1", of(Route::UpdateConversation, None)),
        ("DELETE", "/v1/conversations/conv_1", of(Route::DeleteConversation, None)),
        ("POST", "/v1/conversations/conv_1/items", of(Route::AddItems, None)),
        ("GET", "/v1/conversations/conv_1/items", of(Route::ListItems, None)),
        ("GET", "/v1/conversations/conv_1/items/msg_1", of(Route::GetItem, Some("msg_1"))),
        ("DELETE", "/v1/conversations/conv_1/items/msg_1", of(Route::DeleteItem, Some("msg_1"))),
        ("POST", "/v1/conversations/conv_1/items/msg_1", Found::WrongMethod(Route::GetItem)),
        ("GET", "/v1/conversations/conv_1/items/msg_1/x", Found::Refused("conversations")),
        ("GET", "/v1/conversations/conv_1/items/msg%5F1", Found::Refused("conversations")),
        ("GET", "/v1/conversations/conv_1/items/..", Found::Refused("conversations")),
        ("GET", "/v1/conversations//items/msg_1", Found::Refused("conversations")),
        ("GET", "/v1/conversations/conv_1/items/", Found::Refused("conversations")),
        ("GET", "/v1/conversations/conv_1/items/items/msg_1", Found::Refused("conversations")),
        ("POST", "/v1/messages", own(Route::Messages)),
        ("POST", "/v1/messages/count_tokens", own(Route::CountTokens)),
        ("GET", "/v1/models", own(Route::Models)),
        ("POST", "/v1beta/models/gemini-2.5-pro:generateContent", gemini(Route::GenerateContent, "gemini-2.5-pro")),
        ("POST", "/v1/models/m:generateContent", gemini(Route::GenerateContent, "m")),
        ("POST", "/v1beta/models/m:streamGenerateContent", gemini(Route::StreamGenerateContent, "m")),
        ("POST", "/v1beta/models/m:countTokens", gemini(Route::CountContentTokens, "m")),
        ("POST", "/v1beta/models/m:embedContent", gemini(Route::EmbedContent, "m")),
        ("POST", "/v1/models/m:batchEmbedContents", gemini(Route::BatchEmbedContents, "m")),
        ("GET", "/v1beta/models", own(Route::GeminiModels)),
        ("GET", "/v1beta/models/m:generateContent", Found::WrongMethod(Route::GenerateContent)),
        ("POST", "/v1beta/models/:generateContent", Found::Unknown),
        ("POST", "/v1beta/models/m:x:generateContent", Found::Unknown),
        ("POST", "/v1beta/models/m%3AgenerateContent", Found::Unknown),
        ("POST", "/v1beta/tunedModels/m:generateContent", Found::Refused("tuned models")),
        ("POST", "/openai/deployments/gpt-4o.mini_2/chat/completions", azure(Route::ChatCompletions, Some("gpt-4o.mini_2"))),
        ("POST", "/openai/deployments/e/embeddings", azure(Route::Embeddings, Some("e"))),
        ("POST", "/openai/v1/chat/completions", azure(Route::ChatCompletions, None)),
        ("POST", "/openai/deployments//chat/completions", Found::Unknown),
        ("POST", "/openai/deployments/a/b/chat/completions", Found::Unknown),
        ("POST", "/openai/deployments/a%2fb/chat/completions", Found::Unknown),
        ("GET", "/openai/deployments/a/chat/completions", Found::WrongMethod(Route::ChatCompletions)),
        ("GET", "/v1/messages", Found::WrongMethod(Route::Messages)),
        ("post", "/v1/messages", Found::WrongMethod(Route::Messages)),
        ("POST", "/v1/models", Found::WrongMethod(Route::Models)),
        ("POST", "/v1/messages/", Found::Unknown),
        ("POST", "/v1//messages", Found::Unknown),
        ("POST", "/V1/messages", Found::Unknown),
        ("POST", "/v1/%6dessages", Found::Unknown),
        ("POST", "/v1/messages?beta=true", Found::Unknown),
        ("POST", "/v1/decide", own(Route::Decide)),
        ("GET", "/v1/decide", Found::WrongMethod(Route::Decide)),
        ("POST", "/v1/guardrails/litellm/beta/litellm_basic_guardrail_api", own(Route::LitellmGuard)),
        ("POST", "/v1/guardrails/litellm", Found::Unknown),
        ("POST", "/v1/guardrails/agentgateway/request", own(Route::WebhookRequest)),
        ("POST", "/v1/guardrails/agentgateway/response", own(Route::WebhookResponse)),
        ("POST", "/request", Found::Unknown),
        ("POST", "/response", Found::Unknown),
        ("GET", "/response", Found::Unknown),
        ("POST", "/v1/request", Found::Unknown),
        ("GET", "/v1/realtime", Found::Refused("realtime sessions")),
        ("POST", "/v1/audio/speech", Found::Refused("audio")),
        ("POST", "/v1/images/generations", Found::Refused("images")),
        ("POST", "/openai/v1/images/generations", Found::Refused("images")),
        ("POST", "/v1/messages/batches", Found::Refused("batches")),
        ("GET", "/v1/batches/batch_1", Found::Refused("batches")),
        ("GET", "/v1/chat/completions/c1", Found::Refused("stored chat completions")),
        ("POST", "/v1/filesystem", Found::Unknown),
    ] {
        assert_eq!(Route::find(method, path), found, "{method} {path}");
    }
    for route in Route::ALL {
        assert_eq!(route.name(), format!("{} {}", route.method(), route.path()));
        let version = if route.family() == Family::Gemini { "/v1beta" } else { "/v1" };
        assert_eq!(route.path(), format!("{version}{}", route.suffix()));
    }
    assert_eq!(Route::CountTokens.family(), Family::Anthropic);
    assert_eq!(Route::Models.family(), Family::OpenAi);
}

#[test]
fn routes_of_caches() {
    let own = |route| Found::Route(Call { route, model: None, object: None, item: None, dialect: Dialect::Own });
    let of = |route| Found::Route(Call { route, model: None, object: Some("c1"), item: None, dialect: Dialect::Own });
    for (method, path, found) in [
        ("POST", "/v1beta/cachedContents", own(Route::CreateCache)),
        ("POST", "/v1/cachedContents", own(Route::CreateCache)),
        ("GET", "/v1beta/cachedContents", own(Route::ListCaches)),
        ("GET", "/v1beta/cachedContents/c1", of(Route::GetCache)),
        ("PATCH", "/v1beta/cachedContents/c1", of(Route::UpdateCache)),
        ("DELETE", "/v1/cachedContents/c1", of(Route::DeleteCache)),
        ("PUT", "/v1beta/cachedContents/c1", Found::WrongMethod(Route::GetCache)),
        ("DELETE", "/v1beta/cachedContents", Found::WrongMethod(Route::CreateCache)),
        ("GET", "/v1beta/cachedContents/c1/x", Found::Refused("cached content")),
        ("GET", "/v1beta/cachedContents/conv%5F1", Found::Refused("cached content")),
        ("GET", "/v1beta/cachedContents/", Found::Refused("cached content")),
        ("GET", "/v1beta/cachedContents/..", Found::Refused("cached content")),
        ("GET", "/v1beta/cachedContents/a:generateContent", Found::Refused("cached content")),
        ("GET", "/v1beta/cachedcontents/a", Found::Unknown),
        ("GET", "/openai/cachedContents/a", Found::Refused("cached content")),
    ] {
        assert_eq!(Route::find(method, path), found, "{method} {path}");
    }
}

#[test]
fn shapes_of_paths() {
    for (path, anthropic_version, shape) in [
        ("/v1/messages", false, Shape::Anthropic),
        ("/v1/messages/batches", false, Shape::Anthropic),
        ("/v1/models", true, Shape::Anthropic),
        ("/v1beta/models/gemini-2.5-pro:generateContent", false, Shape::Gemini),
        ("/v1/models/gemini-2.5-pro:generateContent", false, Shape::Gemini),
        ("/v1beta/models", false, Shape::Gemini),
        ("/v1/cachedContents", false, Shape::Gemini),
        ("/v1/cachedContents/a", false, Shape::Gemini),
        ("/v1/cachedContentsx", false, Shape::OpenAi),
        ("/v1/models", false, Shape::OpenAi),
        ("/v1/chat/completions", false, Shape::OpenAi),
        ("/", false, Shape::OpenAi),
    ] {
        assert_eq!(shape_of(path, anthropic_version), shape, "{path}");
    }
    for (path, shape) in [
        ("/v1/models", Shape::Gemini),
        ("/v1/cachedContents/a", Shape::Gemini),
        ("/v1/models/m:generateContent", Shape::Gemini),
        ("/v1/chat/completions", Shape::OpenAi),
        ("/openai/deployments/m/embeddings", Shape::OpenAi),
        ("/v1/messages", Shape::Anthropic),
    ] {
        assert_eq!(shape_for_google(path), shape, "{path}");
    }
}
