//! OpenAI's chat completions.

mod answer;
mod ask;
mod stream;
mod tell;

pub(super) use answer::{Reader, whole};
pub(super) use ask::ask;
pub(super) use stream::Writer;
pub(super) use tell::{USER, tell};

use super::ir::Finish;

/// `finish_reason`.
fn reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::Sequence(_) => "stop",
        Finish::Length => "length",
        Finish::Calls => "tool_calls",
        Finish::Filter => "content_filter",
    }
}
