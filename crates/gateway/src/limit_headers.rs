//! How limits are shown to clients: in the words of the provider whose format they speak.

use std::time::Duration;

use bartizan_vocabulary::Timestamp;
use bartizan_wire::refusal::Shape;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::gcra::Left;
use crate::quotas::Shown;

/// Names of limit, remaining and reset.
type Names = [&'static str; 3];

const OPENAI_REQUESTS: Names = ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"];
const OPENAI_TOKENS: Names = ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"];
const ANTHROPIC_REQUESTS: Names =
    ["anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"];
const ANTHROPIC_TOKENS: Names =
    ["anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"];

/// Puts the gate's limits in the place of the provider's of the same kind. Google shows none.
pub fn show(headers: &mut HeaderMap, shape: Shape, shown: &Shown, now: Timestamp) {
    let (requests, tokens) = match shape {
        Shape::OpenAi => (OPENAI_REQUESTS, OPENAI_TOKENS),
        Shape::Anthropic => (ANTHROPIC_REQUESTS, ANTHROPIC_TOKENS),
        Shape::Gemini => return,
    };
    for (names, left) in [(requests, shown.requests), (tokens, shown.tokens)] {
        let Some(Left { limit, remaining, reset }) = left else { continue };
        let reset = if shape == Shape::Anthropic { moment(now, reset) } else { span(reset) };
        for (name, value) in names.into_iter().zip([limit.to_string(), remaining.to_string(), reset]) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// OpenAI's form: `1m6.5s`, `20ms`.
fn span(time: Duration) -> String {
    let (seconds, millis) = (time.as_secs(), time.subsec_millis());
    match (seconds / 60, seconds % 60) {
        (0, 0) => format!("{millis}ms"),
        (0, seconds) => format!("{seconds}.{millis:03}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}.{millis:03}s"),
    }
}

/// Anthropic's form: RFC 3339, in whole seconds and never too early.
fn moment(now: Timestamp, time: Duration) -> String {
    let micros = now.plus_micros(i64::try_from(time.as_micros()).unwrap_or(i64::MAX)).as_micros();
    let text = Timestamp::from_micros(micros.saturating_add(999_999).div_euclid(1_000_000).saturating_mul(1_000_000)).to_string();
    format!("{}Z", text.split('.').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_providers_write_them() {
        let spans = [0, 20, 1_000, 61_500, 360_000].map(|millis| span(Duration::from_millis(millis)));
        assert_eq!(spans, ["0ms", "20ms", "1.000s", "1m1.500s", "6m0.000s"]);
        let now = Timestamp::from_micros(1_790_000_000_000_001);
        assert_eq!(moment(now, Duration::from_secs(1)), "2026-09-21T14:13:22Z");
    }
}
