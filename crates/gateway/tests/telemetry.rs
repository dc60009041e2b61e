//! What an exchange is told as to whoever exports it, and how its spans hang together with those of the client and the provider.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bartizan_gateway::{Failure, Observed, Operation, Telemetry, Vendor};
use bartizan_testkit::{Answer, ScriptedUpstream, canned, refused_url};
use bartizan_vocabulary::{Decision, EndState, EventId, Remedy};
use serde_json::{Value, json};

use crate::harness::{Call, House, Plan, Reply, Wire};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa01a902b7";

/// Planted in every place that a caller and a provider have.
const PLANTED: [&str; 4] = ["planted@corp-mail.com", "4111 1111 1111 1111", "planted-word", "planted-model"];

/// A house that is watched.
struct Watched {
    house: House,
    told: Receiver<Box<Observed>>,
}

fn watched(ratio: f64, plan: Plan) -> Watched {
    let (tell, told) = channel();
    let tell = Mutex::new(tell);
    let telemetry = Telemetry::new(ratio, Arc::new(move |observed| tell.lock().unwrap().send(observed).unwrap()));
    Watched { house: House::build(Plan { telemetry: Some(telemetry), ..plan }), told }
}

impl Watched {
    fn new() -> Self {
        watched(1.0, Plan::default())
    }

    fn observed(&self) -> Observed {
        *self.told.recv_timeout(Duration::from_secs(10)).expect("the exchange is told when it is over")
    }

    fn ask(&self, call: &Call) -> (Reply, Observed) {
        let reply = self.house.send(call);
        (reply, self.observed())
    }

    /// The one `traceparent` that the provider got, taken apart.
    fn parent(&self) -> Vec<String> {
        let seen = self.house.upstream.requests().pop().expect("the provider was asked");
        let values: Vec<_> = seen.headers.iter().filter(|(name, _)| name == "traceparent").collect();
        assert_eq!(values.len(), 1, "{:?}", seen.headers);
        values[0].1.split('-').map(str::to_owned).collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Nothing of anybody's stands in what is told.
fn says_nothing(observed: &Observed) {
    let text = format!("{observed:?}");
    for planted in PLANTED.into_iter().chain(["user:1", "key-1", "bzk_"]) {
        assert!(!text.contains(planted), "{planted}: {text}");
    }
}

fn said() -> Value {
    json!({"model": "gpt-4o-mini", "user": "planted-word", "messages": [
        {"role": "system", "content": "planted-word"},
        {"role": "user", "content": "I am planted@corp-mail.com, card 4111 1111 1111 1111; also planted2@corp-mail.com"},
    ]})
}

fn called() -> Call {
    Call::chat(said().to_string()).with("traceparent", &format!("00-{TRACE}-{SPAN}-01")).with("tracestate", "vendor=planted-word")
}

fn answer() -> Value {
    json!({
        "id": "planted-word", "object": "chat.completion", "model": "gpt-4o-mini-2026-07-18",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "planted-word"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 11},
    })
}

#[test]
fn a_whole_answer_is_told_with_what_was_judged_and_used() {
    let watched = Watched::new();
    watched.house.upstream.push(Answer::json(answer().to_string()).with_header("x-request-id", "planted-word"));
    let (reply, observed) = watched.ask(&called());
    assert_eq!(reply.status, 200);
    says_nothing(&observed);
    // Client, gate and provider are one trace, each below the other.
    assert_eq!((hex(&observed.trace), observed.parent.map(|span| hex(&span))), (TRACE.to_owned(), Some(SPAN.to_owned())));
    let call = &observed.calls[0];
    assert_eq!(watched.parent(), ["00", TRACE, &hex(&call.span), "01"]);
    assert!(observed.span != call.span && hex(&observed.span) != SPAN && hex(&call.span) != SPAN);
    assert_eq!(watched.house.upstream.requests()[0].header("tracestate"), Some("vendor=planted-word"));
    assert_eq!(observed.request_id.as_str(), reply.header("bartizan-request-id").unwrap());
    assert_eq!((observed.method, observed.route, observed.version), (Some("POST"), Some("POST /v1/chat/completions"), Some("1.1")));
    assert_eq!((observed.status, observed.decision, observed.end), (Some(200), Some(Decision::Remedied), Some(EndState::Complete)));
    let findings: Vec<_> = observed.request.findings.iter().map(|(label, count)| (label.as_str(), *count)).collect();
    assert_eq!(findings, [("pci.card", 1), ("pii.email", 2)]);
    assert!(observed.request.rules.len() == 2 && observed.request.remedies.contains(&Remedy::Tokenise), "{observed:?}");
    assert!(!observed.request.policies.is_empty() && observed.policy_version.is_some());
    let events: Vec<Value> = watched.house.journal.all().into_iter().filter_map(|noted| noted.event).collect();
    let ids: Vec<&str> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(observed.events.iter().map(EventId::as_str).collect::<Vec<_>>(), ids);
    assert_eq!((call.operation, call.vendor, call.provider.as_str()), (Some(Operation::Chat), Vendor::OpenAi, "main"));
    assert_eq!((call.host.as_str(), call.port), ("127.0.0.1", watched.house.upstream.address().port()));
    assert_eq!((call.model.as_deref(), call.answered_by.as_deref()), (Some("gpt-4o-mini"), Some("gpt-4o-mini-2026-07-18")));
    assert_eq!((call.status, call.failure, call.first_chunk, &call.finish[..]), (Some(200), None, None, &["stop"][..]));
    assert_eq!((call.usage.input, call.usage.output), (Some(7), Some(11)));
    assert!(call.lasted > Duration::ZERO && call.began + call.lasted <= observed.lasted, "{observed:?}");
}

#[test]
fn names_that_nobody_configured_are_not_told() {
    let watched = watched(1.0, Plan { any: true, ..Plan::default() });
    watched
        .house
        .upstream
        .push(Answer::json(answer().to_string().replace("gpt-4o-mini-2026-07-18", "planted-model").replace("stop", "planted-word")));
    let (_, observed) = watched.ask(&Call::chat(said().to_string().replace("gpt-4o-mini", "planted-model")));
    says_nothing(&observed);
    let call = &observed.calls[0];
    assert_eq!((&observed.model, &call.model, &call.answered_by, &call.finish[..]), (&None, &None, &None, &["other"][..]));
    let (reply, observed) = watched.ask(&Call::new("BREW", "/planted-word/planted@corp-mail.com?planted-word", ""));
    assert_eq!((reply.status, observed.status, observed.method, observed.route), (404, Some(404), None, None));
    says_nothing(&observed);
}

#[test]
fn a_stream_is_told_when_it_is_over() {
    let watched = Watched::new();
    let mut events = canned::chat_events("gpt-4o-mini", &["some ", "words"]);
    let usage = json!({"object": "chat.completion.chunk", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}});
    events.insert(events.len() - 1, format!("data: {usage}\n\n"));
    watched.house.upstream.push(Answer::stream(events));
    let (reply, observed) = watched.ask(&Call::chat(json!({"model": "gpt-4o-mini", "stream": true, "messages": []}).to_string()));
    assert_eq!((reply.status, reply.whole), (200, true));
    let call = &observed.calls[0];
    assert!(observed.stream && call.stream && call.first_chunk.is_some_and(|first| first <= call.lasted), "{call:?}");
    assert_eq!((call.usage.input, call.usage.output, &call.finish[..]), (Some(3), Some(2), &["stop"][..]));
    assert_eq!((call.answered_by.as_deref(), observed.end), (Some("gpt-4o-mini"), Some(EndState::Complete)));
    // Without a parent the gate begins a trace, and says that its id is random.
    assert_eq!(observed.parent, None);
    assert_eq!(watched.parent(), ["00", &hex(&observed.trace), &hex(&call.span), "03"]);
}

#[test]
fn what_is_refused_has_no_call() {
    let watched = watched(
        1.0,
        Plan {
            more: r#"@id("test.none") forbid (principal, action, resource) when { context.labels.contains("pii.email") };"#,
            ..Plan::default()
        },
    );
    let (reply, observed) = watched.ask(&called());
    assert_eq!((reply.status, observed.status, observed.reason), (403, Some(403), Some("policy_blocked")));
    assert_eq!((observed.decision, observed.end, observed.calls.len()), (Some(Decision::Blocked), Some(EndState::Blocked), 0));
    assert!(observed.request.policies.iter().any(|policy| policy.as_str() == "test.none"), "{observed:?}");
    says_nothing(&observed);
    let (reply, observed) = watched.ask(&called().with("authorization", "Bearer bzk_planted-word"));
    assert_eq!((reply.status, observed.status, observed.decision), (401, Some(401), Some(Decision::Blocked)));
    assert_eq!(hex(&observed.trace), TRACE);
    says_nothing(&observed);
}

/// A stranger's flag decides nothing, whatever trace it names: else anybody could fill the queues with refusals.
#[test]
fn the_flag_of_a_stranger_does_not_count() {
    let never = watched(0.0, Plan::default());
    never.house.upstream.always(Answer::json(answer().to_string()));
    let last = format!("00-{}-{SPAN}-03", "f".repeat(32));
    for call in [called(), called().with("traceparent", &last)] {
        assert_eq!(never.house.send(&call.clone().with("authorization", "Bearer bzk_planted-word")).status, 401);
        assert_eq!(never.house.send(&call.with("host", "elsewhere.example")).status, 403);
    }
    // Of all that nothing was told: the next that is told is the next of somebody who is known.
    assert_eq!(never.ask(&called()).1.status, Some(200));
    let half = watched(0.5, Plan::default());
    let strangers: Vec<_> = (0..100).map(|_| half.house.send(&called().with("authorization", "Bearer bzk_planted-word")).status).collect();
    assert!(strangers.iter().all(|status| *status == 401));
    drop(half.house);
    let told = half.told.iter().filter(|observed| observed.sampled).count();
    assert!((20..=80).contains(&told), "{told} of 100");
}

#[test]
fn each_call_is_a_span_of_its_own() {
    let other = ScriptedUpstream::start().unwrap();
    let plan = Plan {
        adjust: Some(Box::new({
            let url = other.url();
            move |settings| {
                let spare = crate::routing::second(settings, "spare", &url);
                settings.models[0].ways.push(crate::routing::way(spare, 0));
            }
        })),
        ..Plan::default()
    };
    let watched = watched(1.0, plan);
    watched.house.upstream.push(crate::routing::ill(503));
    other.push(Answer::json(answer().to_string()));
    let (reply, observed) = watched.ask(&called());
    assert_eq!((reply.status, observed.status, observed.calls.len()), (200, Some(200), 2));
    let failures: Vec<_> = observed.calls.iter().map(|call| (call.provider.as_str(), call.status, call.failure)).collect();
    assert_eq!(failures, [("main", Some(503), Some(Failure::Status(503))), ("spare", Some(200), None)]);
    assert_eq!(watched.parent()[2], hex(&observed.calls[0].span));
    assert_eq!(other.requests()[0].header("traceparent"), Some(&*format!("00-{TRACE}-{}-01", hex(&observed.calls[1].span))));
    // Judged twice, found once.
    assert_eq!(observed.request.findings.values().sum::<u64>(), 3);
    assert_eq!(observed.events.len(), 3);
}

#[test]
fn failures_are_told_in_words_of_a_closed_list() {
    let watched = Watched::new();
    watched.house.upstream.push(Answer::stream(canned::chat_events("gpt-4o-mini", &["some "]).into_iter().take(1)).dies());
    let (_, observed) = watched.ask(&Call::chat(json!({"model": "gpt-4o-mini", "stream": true, "messages": []}).to_string()));
    assert_eq!((observed.end, observed.calls[0].failure), (Some(EndState::UpstreamError), Some(Failure::Word("upstream_error"))));
    watched.house.upstream.push(Answer::garbage());
    let (reply, observed) = watched.ask(&Call::chat(said().to_string()));
    assert_eq!((reply.status, observed.calls[0].failure), (502, Some(Failure::Word("upstream_failed"))));
    says_nothing(&observed);
    let nobody = super::telemetry::watched(1.0, Plan { base_url: Some(refused_url().unwrap()), ..Plan::default() });
    let (reply, observed) = nobody.ask(&called());
    assert_eq!((reply.status, observed.status, observed.calls[0].failure), (502, Some(502), Some(Failure::Word("connection_error"))));
    says_nothing(&observed);
}

#[test]
fn a_client_that_leaves_ends_the_exchange() {
    let watched = Watched::new();
    watched.house.upstream.push(Answer::stream(canned::chat_events("gpt-4o-mini", &["some "]).into_iter().take(2)).endless());
    let mut wire = Wire::open(watched.house.address);
    wire.send(&Call::chat(json!({"model": "gpt-4o-mini", "stream": true, "messages": []}).to_string()));
    wire.read_until("some ");
    drop(wire);
    let observed = watched.observed();
    assert_eq!((observed.end, observed.calls[0].failure), (Some(EndState::ClientGone), None));
}

#[test]
fn who_calls_decides_whether_a_trace_is_recorded_and_else_the_share() {
    let never = watched(0.0, Plan::default());
    never.house.upstream.always(Answer::json(answer().to_string()));
    let (_, observed) = never.ask(&Call::chat(said().to_string()));
    assert!(!observed.sampled && observed.events.is_empty(), "what nobody will see is not gathered");
    assert_eq!(never.parent()[3], "02");
    assert_eq!(observed.calls[0].usage.input, Some(7), "it is counted all the same");
    assert!(never.ask(&called()).1.sampled);
    let always = Watched::new();
    always.house.upstream.always(Answer::json(answer().to_string()));
    let unwanted = called().with("traceparent", &format!("00-{TRACE}-{SPAN}-00"));
    assert!(!always.ask(&unwanted).1.sampled);
    assert_eq!(always.parent()[..2], ["00", TRACE]);
    assert_eq!(always.parent()[3], "00");
    assert!(always.ask(&Call::chat(said().to_string())).1.sampled);
    let half = watched(0.5, Plan::default());
    half.house.upstream.always(Answer::json(answer().to_string()));
    let sampled = (0..100).filter(|_| half.ask(&Call::chat(r#"{"model":"gpt-4o-mini","messages":[]}"#)).1.sampled).count();
    assert!((20..=80).contains(&sampled), "{sampled} of 100");
}
