//! The routes that are spoken, and the families of formats they belong to.

use crate::refusal::Shape;

/// A family of wire formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// OpenAI's API and what imitates it.
    OpenAi,
    /// Anthropic's Messages API.
    Anthropic,
}

/// A route that the gate speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// `POST /v1/chat/completions`
    ChatCompletions,
    /// `POST /v1/messages`
    Messages,
    /// `POST /v1/messages/count_tokens`
    CountTokens,
    /// `GET /v1/models`
    Models,
}

/// What a method and path lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A route.
    Route(Route),
    /// A path of a route, with a method that it does not have.
    WrongMethod(Route),
    /// Nothing that is spoken here.
    Unknown,
}

impl Route {
    /// Every route.
    pub const ALL: &'static [Self] = &[Self::ChatCompletions, Self::Messages, Self::CountTokens, Self::Models];

    /// Finds the route of a request line. The path is compared exactly: no decoding, no case folding, no trailing slash.
    pub fn find(method: &str, path: &str) -> Found {
        match Self::ALL.iter().find(|route| route.path() == path) {
            Some(route) if route.method() == method => Found::Route(*route),
            Some(route) => Found::WrongMethod(*route),
            None => Found::Unknown,
        }
    }

    /// Its path at the gate.
    pub const fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
            Self::CountTokens => "/v1/messages/count_tokens",
            Self::Models => "/v1/models",
        }
    }

    /// Its method.
    pub const fn method(self) -> &'static str {
        match self {
            Self::Models => "GET",
            _ => "POST",
        }
    }

    /// Method and path, as events name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChatCompletions => "POST /v1/chat/completions",
            Self::Messages => "POST /v1/messages",
            Self::CountTokens => "POST /v1/messages/count_tokens",
            Self::Models => "GET /v1/models",
        }
    }

    /// The suffix that is appended to a provider's `base_url`.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/chat/completions",
            Self::Messages => "/messages",
            Self::CountTokens => "/messages/count_tokens",
            Self::Models => "/models",
        }
    }

    /// Its family; `models` is answered in the family that the client's headers show.
    pub const fn family(self) -> Family {
        match self {
            Self::ChatCompletions | Self::Models => Family::OpenAi,
            Self::Messages | Self::CountTokens => Family::Anthropic,
        }
    }
}

/// The error shape that a client on an arbitrary path expects.
pub fn shape_of(path: &str, anthropic_version: bool) -> Shape {
    if anthropic_version || path.starts_with("/v1/messages") {
        Shape::Anthropic
    } else if path.starts_with("/v1beta/") {
        Shape::Gemini
    } else {
        Shape::OpenAi
    }
}
