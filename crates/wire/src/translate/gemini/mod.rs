//! Google's Gemini.

mod answer;
mod ask;
mod schema;
mod stream;
mod tell;

pub(super) use answer::{Reader, whole};
pub(super) use ask::{ask, count};
pub(super) use stream::Writer;
pub(super) use tell::tell;

use super::ir::{Finish, Usage};
use super::json::Object;

/// `finishReason`.
fn reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::Sequence(_) | Finish::Calls => "STOP",
        Finish::Length => "MAX_TOKENS",
        Finish::Filter => "SAFETY",
    }
}

/// The member `usageMetadata`. Thoughts are no part of the candidates here.
fn write_usage(usage: &Usage, body: &mut Object<'_>) {
    body.object("usageMetadata", |told| {
        told.number("promptTokenCount", usage.input);
        if usage.cached > 0 {
            told.number("cachedContentTokenCount", usage.cached);
        }
        told.number("candidatesTokenCount", usage.output.saturating_sub(usage.reasoning));
        if usage.reasoning > 0 {
            told.number("thoughtsTokenCount", usage.reasoning);
        }
        told.number("totalTokenCount", usage.input.saturating_add(usage.output));
    });
}
