//! The smaller formats of OpenAI's family: completions, embeddings, moderations, and Azure's paths.

use bartizan_testkit::{Answer, Recorded};
use serde_json::{Value, json};

use crate::harness::{Call, House, Reply, key};

const EMAIL: &str = "ada.lovelace@example.org";

fn post(house: &House, path: &str, body: &Value) -> Reply {
    house.upstream.forget();
    house.send(&Call::new("POST", path, body.to_string()))
}

/// The pseudonym that the provider saw.
fn token(text: &str) -> String {
    let from = text.find("EMAIL_").unwrap_or_else(|| panic!("no pseudonym in {text}"));
    text[from..from + 16].to_owned()
}

/// Answers a completion with what it was asked.
fn complete(request: &Recorded) -> Answer {
    let asked: Value = serde_json::from_str(&request.text()).unwrap();
    let said = format!("{} and jamie.invented@example.org", asked["prompt"]);
    if asked["stream"] == true {
        let event = |text: &str, end: Value| {
            let chunk = json!({"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [
                {"index": 0, "text": text, "finish_reason": end, "logprobs": {"tokens": [text]}}]});
            format!("data: {chunk}\n\n")
        };
        let pieces: Vec<String> = said.as_bytes().chunks(3).map(|piece| event(std::str::from_utf8(piece).unwrap(), Value::Null)).collect();
        return Answer::stream(pieces.into_iter().chain([event("", json!("stop")), "data: [DONE]\n\n".to_owned()]));
    }
    let choice = json!({"index": 0, "text": said, "finish_reason": "stop", "logprobs": {"tokens": [said]}});
    Answer::json(json!({"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}).to_string())
}

#[test]
fn completions_hide_and_restore() {
    let house = House::new();
    house.upstream.respond_with(complete);
    for stream in [false, true] {
        let reply = post(&house, "/v1/completions", &json!({"model": "gpt-4o-mini", "prompt": [format!("to {EMAIL}")], "stream": stream}));
        assert_eq!((reply.status, reply.decision()), (200, "remedied"), "{}", reply.text());
        let seen = house.seen();
        assert!(!seen.contains(EMAIL) && seen.contains("EMAIL_"), "{seen}");
        let said = if stream { texts(&reply.text()) } else { reply.json()["choices"][0]["text"].as_str().unwrap().to_owned() };
        assert!(said.contains(EMAIL) && !said.contains("jamie.") && !said.contains("EMAIL_"), "{said}");
        assert!(!reply.text().contains("jamie.") && !reply.text().contains(&token(&seen)), "{}", reply.text());
    }
}

/// The texts of a stream of completions, joined.
fn texts(events: &str) -> String {
    let payloads = events.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|payload| *payload != "[DONE]");
    payloads.map(|payload| serde_json::from_str::<Value>(payload).unwrap()["choices"][0]["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn embeddings_hide_what_they_embed_and_leave_vectors_alone() {
    let house = House::new();
    // Numbers of a vector may look like anything: the digits of a card among them.
    let floats = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[-0.4111111111111111,1.5e-12,0.123456789012345678]}],"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}}"#;
    let base64 = format!(
        r#"{{"object":"list","data":[{{"object":"embedding","index":0,"embedding":"{}"}}],"model":"m"}}"#,
        "mpkZPwAAgD/NzMw9".repeat(64)
    );
    for (format, answer) in [("float", floats.to_owned()), ("base64", base64)] {
        house.upstream.always(Answer::json(answer.clone()));
        let body = json!({"model": "gpt-4o-mini", "input": [format!("I am {EMAIL}"), "4111 1111 1111 1111"], "encoding_format": format});
        let reply = post(&house, "/v1/embeddings", &body);
        assert_eq!((reply.status, reply.text()), (200, answer));
        let seen = house.seen();
        assert!(!seen.contains(EMAIL) && !seen.contains("4111") && seen.contains("EMAIL_") && seen.contains("CARD_"), "{seen}");
    }
    // A large number is none of a vector's, and a request has no vectors.
    for number in ["4111111111111111", "4.111111111111111e15", "-4111111111111111.5"] {
        let answer = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[NUMBER]}]}"#.replace("NUMBER", number);
        house.upstream.always(Answer::json(answer));
        let reply = post(&house, "/v1/embeddings", &json!({"model": "gpt-4o-mini", "input": "hi"}));
        assert!(reply.status == 403 && !reply.text().contains(number), "{number}: {} {}", reply.status, reply.text());
    }
    for number in ["4111111111111111.5", "0.4111111111111111e16"] {
        let body = r#"{"model":"gpt-4o-mini","input":"hi","data":[{"embedding":[NUMBER]}]}"#.replace("NUMBER", number);
        house.upstream.forget();
        house.upstream.always(Answer::json("{}"));
        house.send(&Call::new("POST", "/v1/embeddings", body));
        assert!(house.upstream.requests().iter().all(|request| !request.text().contains(number)), "{number}");
    }
}

#[test]
fn token_numbers_are_no_text_and_refused() {
    let house = House::new();
    house.upstream.always(Answer::json("{}"));
    for (path, field) in [("/v1/embeddings", "input"), ("/v1/completions", "prompt")] {
        for value in [json!([1, 2, 3]), json!([[1, 2], [3]])] {
            let reply = post(&house, path, &json!({"model": "gpt-4o-mini", field: value}));
            assert_eq!((reply.status, reply.decision()), (403, "blocked"), "{path} {value}: {}", reply.text());
            assert!(house.upstream.requests().is_empty());
        }
        assert_eq!(post(&house, path, &json!({"model": "gpt-4o-mini", field: ["a", "b"]})).status, 200);
    }
}

#[test]
fn moderations_are_judged_on_what_policy_lets_out() {
    let house = House::build(crate::harness::Plan { any: true, ..Default::default() });
    let scores = r#"{"id":"modr-1","model":"omni","results":[{"flagged":false,"categories":{"hate/threatening":false},"category_scores":{"violence":0.000011234567890123}}]}"#;
    house.upstream.always(Answer::json(scores));
    let body = json!({"input": [{"type": "text", "text": "I am ada.love"}, {"type": "text", "text": "lace@example.org"}]});
    let reply = post(&house, "/v1/moderations", &body);
    assert_eq!((reply.status, reply.text().as_str()), (200, scores));
    assert!(!house.seen().contains("lace@"), "{}", house.seen());
}

#[test]
fn azure_paths_lead_to_the_same_route() {
    let house = House::new();
    house.upstream.respond_with(|request| {
        let asked: Value = serde_json::from_str(&request.text()).unwrap();
        Answer::json(
            json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": asked["messages"][0]["content"]}}]}).to_string(),
        )
    });
    let body = |model: Option<&str>| {
        let mut body = json!({"messages": [{"role": "user", "content": format!("I am {EMAIL}")}]});
        model.inspect(|model| body["model"] = json!(model));
        body
    };
    let azure = "/v1/deployments/our%20deployment%2F1/chat/completions?api-version=";
    // (path, model in the body, status, what the provider is asked, its model in the body)
    let rows = [
        ("/openai/deployments/on-azure/chat/completions?api-version=2025-01-01", None, 200, format!("{azure}2025-01-01"), None),
        ("/openai/deployments/on-azure/chat/completions", Some("gpt-4"), 200, format!("{azure}2024-10-21"), Some("our deployment/1")),
        ("/openai/v1/chat/completions", Some("on-azure"), 200, format!("{azure}2024-10-21"), Some("our deployment/1")),
        ("/v1/chat/completions", Some("on-azure"), 200, format!("{azure}2024-10-21"), Some("our deployment/1")),
        (
            "/openai/deployments/gpt-4o-mini/chat/completions?api-version=1",
            Some("other"),
            200,
            "/v1/chat/completions".to_owned(),
            Some("gpt-4o-mini"),
        ),
        ("/openai/deployments/gpt-4o-mini/chat/completions", None, 400, String::new(), None),
        ("/openai/deployments/nobody/chat/completions", Some("gpt-4o-mini"), 404, String::new(), None),
        ("/v1/chat/completions", None, 400, String::new(), None),
    ];
    for (path, model, status, asked, sent) in rows {
        house.upstream.forget();
        let call = Call::new("POST", path, body(model).to_string()).with("authorization", "").with("api-key", &key(1));
        let reply = house.send(&call);
        assert_eq!(reply.status, status, "{path} {model:?}: {}", reply.text());
        let Some(seen) = house.upstream.requests().pop() else {
            assert_ne!(status, 200, "{path}");
            continue;
        };
        assert_eq!(seen.path, asked, "{path}");
        let json: Value = serde_json::from_str(&seen.text()).unwrap();
        assert_eq!(json.get("model").and_then(Value::as_str), sent, "{path} {model:?}");
        assert!(!seen.text().contains(EMAIL) && seen.headers.iter().all(|(_, value)| !value.contains("bzk_")), "{seen:?}");
        let on_azure = seen.path.starts_with("/v1/deployments/");
        let header = seen.headers.iter().find(|(_, value)| value.contains("sk-provider")).map(|(name, _)| name.as_str());
        assert_eq!(header, Some(if on_azure { "api-key" } else { "authorization" }), "{path}");
        assert_eq!(reply.json()["choices"][0]["message"]["content"], format!("I am {EMAIL}"), "{path}");
        let events: Vec<String> =
            house.journal.all().into_iter().filter_map(|one| one.event).map(|event| event["route"].to_string()).collect();
        assert!(events.iter().all(|route| route == "\"POST /v1/chat/completions\""), "{events:?}");
        house.journal.clear();
    }
}
