//! An exchange as spans: one for the request at the gate, one for each call of a provider.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bartizan_gateway::{Called, Failure, Observed, Operation, Vendor};
use bartizan_vocabulary::{Decision, EndState};
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::names;

/// The spans of one exchange, that of the request first.
pub fn spans(observed: &Observed, scope: &InstrumentationScope) -> Vec<SpanData> {
    let micros = u64::try_from(observed.began.as_micros()).unwrap_or(0);
    let began = UNIX_EPOCH + Duration::from_micros(micros);
    let make = |span, parent: Option<([u8; 8], bool)>, kind, name, (from, lasted): (SystemTime, Duration), attributes, failed| SpanData {
        span_context: context(observed.trace, span),
        parent_span_id: parent.map_or(SpanId::INVALID, |(span, _)| SpanId::from_bytes(span)),
        parent_span_is_remote: parent.is_some_and(|(_, remote)| remote),
        span_kind: kind,
        name,
        start_time: from,
        end_time: from + lasted,
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: if failed { Status::error("") } else { Status::Unset },
        instrumentation_scope: scope.clone(),
    };
    let mut spans = Vec::with_capacity(1 + observed.calls.len());
    let (name, attributes, failed) = (server_name(observed).into(), server(observed), server_failure(observed).is_some());
    let parent = observed.parent.map(|span| (span, true));
    spans.push(make(observed.span, parent, SpanKind::Server, name, (began, observed.lasted), attributes, failed));
    for (place, call) in observed.calls.iter().enumerate() {
        let when = (began + call.began, call.lasted);
        let name = client_name(call).into();
        spans.push(make(
            call.span,
            Some((observed.span, false)),
            SpanKind::Client,
            name,
            when,
            client(call, place),
            call.failure.is_some(),
        ));
    }
    spans
}

fn context(trace: [u8; 16], span: [u8; 8]) -> SpanContext {
    // The members of `tracestate` are the caller's: they are passed on, not exported.
    SpanContext::new(TraceId::from_bytes(trace), SpanId::from_bytes(span), TraceFlags::SAMPLED, false, TraceState::NONE)
}

/// Method and path of a route.
fn route(route: &'static str) -> (&'static str, &'static str) {
    route.split_once(' ').unwrap_or(("", route))
}

fn server_name(observed: &Observed) -> String {
    let method = observed.method.unwrap_or(names::HTTP);
    observed.route.map_or_else(|| method.to_owned(), |known| format!("{method} {}", route(known).1))
}

fn client_name(call: &Called) -> String {
    match (call.operation, &call.model) {
        (Some(operation), Some(model)) => format!("{} {model}", word(operation)),
        (Some(operation), None) => word(operation).to_owned(),
        (None, _) => call.route.to_owned(),
    }
}

/// What a call asks for, in the conventions' words.
pub fn word(operation: Operation) -> &'static str {
    match operation {
        Operation::Chat => names::CHAT,
        Operation::GenerateContent => names::GENERATE_CONTENT,
        Operation::TextCompletion => names::TEXT_COMPLETION,
        Operation::Embeddings => names::EMBEDDINGS,
    }
}

/// Whose format a call is in, in the conventions' words.
pub fn vendor(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::OpenAi => names::OPENAI,
        Vendor::Azure => names::AZURE,
        Vendor::Anthropic => names::ANTHROPIC,
        Vendor::Gemini => names::GEMINI,
    }
}

/// How a call failed, as a value of `error.type`.
pub fn failure(failure: Failure) -> Value {
    match failure {
        Failure::Status(status) => status.to_string().into(),
        Failure::Word(word) => word.into(),
    }
}

/// A request failed when the gate or what is behind it did. One that was refused did not.
fn server_failure(observed: &Observed) -> Option<Value> {
    let failed = observed.status.filter(|status| *status >= 500);
    let broken = observed.end == Some(EndState::UpstreamError);
    match observed.reason {
        Some(reason) if broken || failed.is_some() => Some(reason.into()),
        _ => failed.map(|status| failure(Failure::Status(status))).or(broken.then(|| EndState::UpstreamError.as_str().into())),
    }
}

fn server(observed: &Observed) -> Vec<KeyValue> {
    let mut out = vec![
        KeyValue::new(names::HTTP_METHOD, observed.method.unwrap_or(names::OTHER_METHOD)),
        KeyValue::new(names::REQUEST_ID, observed.request_id.to_string()),
        KeyValue::new(names::CALLS, int(observed.calls.len())),
    ];
    let words = [
        (names::HTTP_ROUTE, observed.route.map(|known| route(known).1)),
        (names::PROTOCOL_VERSION, observed.version),
        (names::DECISION, observed.decision.map(Decision::as_str)),
        (names::REASON, observed.reason),
        (names::END, observed.end.map(EndState::as_str)),
    ];
    out.extend(words.into_iter().filter_map(|(name, word)| Some(KeyValue::new(name, word?))));
    out.extend(observed.status.map(|status| KeyValue::new(names::HTTP_STATUS, i64::from(status))));
    out.extend(server_failure(observed).map(|failure| KeyValue::new(names::ERROR_TYPE, failure)));
    out.extend(observed.model.as_ref().map(|model| KeyValue::new(names::MODEL, model.to_string())));
    out.extend(observed.policy_version.as_ref().map(|version| KeyValue::new(names::POLICY_VERSION, version.to_string())));
    list(&mut out, names::EVENT_IDS, observed.events.iter().map(ToString::to_string));
    let (request, answer) = (&observed.request, &observed.answer);
    list(&mut out, names::POLICY_IDS, request.policies.union(&answer.policies).map(ToString::to_string));
    list(&mut out, names::RULE_IDS, request.rules.union(&answer.rules).map(ToString::to_string));
    list(&mut out, names::REMEDIES, request.remedies.union(&answer.remedies).map(|remedy| remedy.as_str().to_owned()));
    let mut findings = request.findings.clone();
    for (label, count) in &answer.findings {
        *findings.entry(label.clone()).or_default() += count;
    }
    out.extend(findings.iter().map(|(label, count)| KeyValue::new(format!("{}{label}", names::FINDINGS), int(*count))));
    let left_out = request.left_out.saturating_add(answer.left_out);
    out.extend((left_out > 0).then(|| KeyValue::new(names::FINDINGS_LEFT_OUT, int(left_out))));
    out
}

fn client(call: &Called, place: usize) -> Vec<KeyValue> {
    let mut out = vec![
        KeyValue::new(names::HTTP_METHOD, route(call.route).0),
        KeyValue::new(names::SERVER_ADDRESS, call.host.clone()),
        KeyValue::new(names::SERVER_PORT, i64::from(call.port)),
        KeyValue::new(names::PROVIDER_NAME, vendor(call.vendor)),
        KeyValue::new(names::PROVIDER, call.provider.to_string()),
    ];
    if let Some(operation) = call.operation {
        out.push(KeyValue::new(names::OPERATION_NAME, word(operation)));
        out.extend(call.stream.then(|| KeyValue::new(names::REQUEST_STREAM, true)));
    }
    out.extend((place > 0).then(|| KeyValue::new(names::HTTP_RESEND_COUNT, int(place))));
    out.extend(call.model.clone().map(|model| KeyValue::new(names::REQUEST_MODEL, model)));
    out.extend(call.answered_by.clone().map(|model| KeyValue::new(names::RESPONSE_MODEL, model)));
    out.extend(call.status.map(|status| KeyValue::new(names::HTTP_STATUS, i64::from(status))));
    out.extend(call.failure.map(|how| KeyValue::new(names::ERROR_TYPE, failure(how))));
    out.extend(call.first_chunk.map(|first| KeyValue::new(names::RESPONSE_TIME_TO_FIRST_CHUNK, first.as_secs_f64())));
    out.extend(call.usage.input.map(|tokens| KeyValue::new(names::USAGE_INPUT_TOKENS, int(tokens))));
    out.extend(call.usage.output.map(|tokens| KeyValue::new(names::USAGE_OUTPUT_TOKENS, int(tokens))));
    list(&mut out, names::RESPONSE_FINISH_REASONS, call.finish.iter().map(|word| (*word).to_owned()));
    out
}

fn int(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// A list, unless there is nothing in it.
fn list(out: &mut Vec<KeyValue>, name: &'static str, words: impl Iterator<Item = String>) {
    let words: Vec<StringValue> = words.map(StringValue::from).collect();
    if !words.is_empty() {
        out.push(KeyValue::new(name, Value::Array(Array::String(words))));
    }
}
