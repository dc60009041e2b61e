//! Anthropic's Messages.

mod answer;
mod ask;
mod stream;
mod tell;

pub(super) use answer::{Reader, whole};
pub(super) use ask::ask;
pub(super) use stream::Writer;
pub(super) use tell::tell;

use super::ir::{Finish, Usage};
use super::json::Object;

/// `stop_reason`.
fn reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Sequence(_) => "stop_sequence",
        Finish::Length => "max_tokens",
        Finish::Calls => "tool_use",
        Finish::Filter => "refusal",
    }
}

/// `stop_reason` and `stop_sequence`.
fn write_stop(finish: &Finish, object: &mut Object<'_>) {
    object.text("stop_reason", reason(finish));
    match finish {
        Finish::Sequence(Some(sequence)) => object.text("stop_sequence", sequence),
        _ => object.raw("stop_sequence", "null"),
    }
}

/// The member `usage`. What comes from a cache, or goes there, is no part of the input here.
fn write_usage(usage: &Usage, body: &mut Object<'_>) {
    body.object("usage", |told| {
        told.number("input_tokens", usage.input.saturating_sub(usage.cached).saturating_sub(usage.written));
        told.number("cache_creation_input_tokens", usage.written);
        told.number("cache_read_input_tokens", usage.cached);
        told.number("output_tokens", usage.output);
    });
}
