//! The one table of the names that are exported. They still move: a change of the conventions is a change of this file, and of
//! `docs/observability.md`.
//!
//! Taken from `open-telemetry/semantic-conventions-genai` at commit `004902b8`, status Development, before the unreleased change that
//! replaces `gen_ai.client.token.usage` by counters; and from `open-telemetry/semantic-conventions` 1.42.0 for HTTP, servers and errors,
//! status Stable. What begins with `bartizan.` is ours.

/// Who exports.
pub const SCOPE: &str = "bartizan";

// Of `semantic-conventions-genai`: attributes.
pub const OPERATION_NAME: &str = "gen_ai.operation.name";
pub const PROVIDER_NAME: &str = "gen_ai.provider.name";
pub const REQUEST_MODEL: &str = "gen_ai.request.model";
pub const REQUEST_STREAM: &str = "gen_ai.request.stream";
pub const RESPONSE_MODEL: &str = "gen_ai.response.model";
pub const RESPONSE_FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
pub const RESPONSE_TIME_TO_FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
pub const USAGE_INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
pub const USAGE_OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
pub const TOKEN_TYPE: &str = "gen_ai.token.type";

// Their values.
pub const CHAT: &str = "chat";
pub const GENERATE_CONTENT: &str = "generate_content";
pub const TEXT_COMPLETION: &str = "text_completion";
pub const EMBEDDINGS: &str = "embeddings";
pub const OPENAI: &str = "openai";
pub const AZURE: &str = "azure.ai.openai";
pub const ANTHROPIC: &str = "anthropic";
pub const GEMINI: &str = "gcp.gemini";
pub const INPUT: &str = "input";
pub const OUTPUT: &str = "output";

// Its metrics: name, unit, what it is, boundaries of the buckets.
pub const TOKEN_USAGE: Metric = Metric {
    name: "gen_ai.client.token.usage",
    unit: "{token}",
    about: "Tokens that a call has read and written, as the provider says",
    bounds: &[
        1.0,
        4.0,
        16.0,
        64.0,
        256.0,
        1_024.0,
        4_096.0,
        16_384.0,
        65_536.0,
        262_144.0,
        1_048_576.0,
        4_194_304.0,
        16_777_216.0,
        67_108_864.0,
    ],
};
pub const OPERATION_DURATION: Metric = Metric {
    name: "gen_ai.client.operation.duration",
    unit: "s",
    about: "Time from sending a call to the end of its answer",
    bounds: SECONDS,
};
pub const TIME_TO_FIRST_CHUNK: Metric = Metric {
    name: "gen_ai.client.operation.time_to_first_chunk",
    unit: "s",
    about: "Time from sending a call to the first piece of its streamed answer",
    bounds: SECONDS,
};
const SECONDS: &[f64] = &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

// Of `semantic-conventions`.
pub const SERVICE_NAME: &str = "service.name";
pub const SERVICE_VERSION: &str = "service.version";
pub const SERVICE_INSTANCE_ID: &str = "service.instance.id";
pub const SERVER_ADDRESS: &str = "server.address";
pub const SERVER_PORT: &str = "server.port";
pub const ERROR_TYPE: &str = "error.type";
pub const HTTP_METHOD: &str = "http.request.method";
pub const HTTP_RESEND_COUNT: &str = "http.request.resend_count";
pub const HTTP_STATUS: &str = "http.response.status_code";
pub const HTTP_ROUTE: &str = "http.route";
pub const PROTOCOL_VERSION: &str = "network.protocol.version";
/// Stands for a method that HTTP does not know.
pub const OTHER_METHOD: &str = "_OTHER";
/// And in the name of its span.
pub const HTTP: &str = "HTTP";

// Ours.
pub const REQUEST_ID: &str = "bartizan.request.id";
pub const EVENT_IDS: &str = "bartizan.event.ids";
pub const DECISION: &str = "bartizan.decision";
pub const REASON: &str = "bartizan.reason";
pub const END: &str = "bartizan.end";
pub const MODEL: &str = "bartizan.model";
pub const PROVIDER: &str = "bartizan.provider";
pub const CALLS: &str = "bartizan.calls";
pub const POLICY_IDS: &str = "bartizan.policy.ids";
pub const POLICY_VERSION: &str = "bartizan.policy.version";
pub const RULE_IDS: &str = "bartizan.rule.ids";
pub const REMEDIES: &str = "bartizan.remedies";
/// Before the label of what was found.
pub const FINDINGS: &str = "bartizan.findings.";
pub const FINDINGS_LEFT_OUT: &str = "bartizan.findings_left_out";

/// A metric of the conventions.
pub struct Metric {
    pub name: &'static str,
    pub unit: &'static str,
    pub about: &'static str,
    pub bounds: &'static [f64],
}

#[cfg(test)]
mod tests {
    /// Names in the table, and those of them that the documents for users do not explain.
    #[test]
    fn every_name_is_documented_and_stands_here_only() {
        let (table, docs) = (include_str!("names.rs"), include_str!("../../../../docs/observability.md"));
        let quoted =
            |text: &'static str| text.lines().filter(|line| !line.starts_with("//")).flat_map(|line| line.split('"').skip(1).step_by(2));
        let is_name = |word: &&str| word.contains('.') && !word.contains(' ');
        let table = table.split("#[cfg(test)]").next().unwrap_or_default();
        let names: Vec<&str> = quoted(table).filter(is_name).collect();
        assert!(names.len() > 35, "{names:?}");
        let missing: Vec<_> = names.iter().filter(|name| !docs.contains(**name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        for other in [include_str!("spans.rs"), include_str!("instruments.rs"), include_str!("mod.rs")] {
            let stray: Vec<_> = quoted(other).filter(|word| names.contains(word) || word.starts_with("gen_ai")).collect();
            assert!(stray.is_empty(), "{stray:?}");
        }
    }
}
