//! Detection as a service over real sockets: our own form and Presidio's.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[expect(dead_code, reason = "what the other tests need")]
mod support;

use serde_json::{Value, json};
use support::{Reply, Running};

const TOKEN: &str = "authorization: Bearer bzt_detect\r\ncontent-type: application/json\r\n";
const CARD: &str = "4532812677354687";

async fn post(running: &Running, path: &str, body: &Value) -> Reply {
    running.call("POST", path, TOKEN, &body.to_string()).await
}

/// What comes back with 200.
async fn asked(running: &Running, path: &str, body: Value) -> Value {
    let reply = post(running, path, &body).await;
    assert_eq!(reply.status, 200, "{path} {body}: {}", reply.body);
    serde_json::from_str(&reply.body).unwrap()
}

fn email(start: usize, end: usize) -> Value {
    json!({ "label": "pii.email", "start": start, "end": end, "score": 0.95, "rule": "pii.email" })
}

#[tokio::test]
async fn answers_in_the_form_of_the_command_line() {
    let running = Running::start().await;
    let text = "é mail ada@example.com";
    let rows = [
        ("/api/v1/detect", json!({ "text": text }), json!({ "id": null, "findings": [email(7, 22)] })),
        ("/api/v1/detect", json!({ "text": text, "id": [1], "offsets": "bytes" }), json!({ "id": [1], "findings": [email(8, 23)] })),
        ("/api/v1/detect", json!({ "text": text, "min_score": 0.96 }), json!({ "id": null, "findings": [] })),
        ("/api/v1/detect", json!({ "text": text, "labels": ["secret", "pci"] }), json!({ "id": null, "findings": [] })),
        ("/api/v1/detect", json!({ "text": "" }), json!({ "id": null, "findings": [] })),
        (
            "/api/v1/detect",
            json!({ "texts": [text, "x"] }),
            json!({ "results": [{ "id": 0, "findings": [email(7, 22)] }, { "id": 1, "findings": [] }] }),
        ),
        ("/api/v1/detect", json!({ "texts": [] }), json!({ "results": [] })),
        ("/api/v1/redact", json!({ "text": text }), json!({ "id": null, "text": "é mail [REDACTED_EMAIL]", "findings": [email(7, 22)] })),
        (
            "/api/v1/redact",
            json!({ "texts": [text], "operator": "mask", "operators": { "pii": "generalise" } }),
            json!({ "results": [{ "id": 0, "text": "é mail [EMAIL at example.com]", "findings": [email(7, 22)] }] }),
        ),
        (
            "/api/v1/redact",
            json!({ "text": text, "labels": ["pii"], "operators": { "pii.email": "keep_last:3" } }),
            json!({ "id": null, "text": "é mail ***@*******.com", "findings": [email(7, 22)] }),
        ),
    ];
    for (path, body, expected) in rows {
        assert_eq!(asked(&running, path, body.clone()).await, expected, "{path} {body}");
    }
    let named = asked(&running, "/api/v1/detect", json!({ "text": "Dear Margaret Thompson, thank you.", "names": true })).await;
    assert_eq!(named["findings"][0]["label"], "pii.person", "{named}");
}

#[tokio::test]
async fn the_value_is_never_in_what_detect_answers() {
    let running = Running::start().await;
    let text = format!("pay {CARD}, mail ada@example.com, key AKIAIOSFODNN7EXAMPLE");
    for (path, body) in [
        ("/api/v1/detect", json!({ "text": text, "names": true })),
        ("/api/v1/redact", json!({ "text": text })),
        ("/analyze", json!({ "text": text, "return_decision_process": true })),
    ] {
        let answer = asked(&running, path, body).await.to_string();
        for value in [CARD, "ada@", "AKIAIOSFODNN7EXAMPLE"] {
            assert!(!answer.contains(value), "{path}: {answer}");
        }
    }
}

#[tokio::test]
async fn operators_with_a_key() {
    let running = Running::start().await;
    let text = format!("pay {CARD} and {CARD}, not 4111 1111 1111 1111; mail ada@example.com");
    let redact =
        |operator: &str| json!({ "text": text, "operator": operator, "key": (operator == "encrypt").then_some("0123456789abcdef") });
    let mut seen = Vec::new();
    for operator in ["hash", "surrogate", "encrypt"] {
        let clean = asked(&running, "/api/v1/redact", redact(operator)).await["text"].as_str().unwrap().to_owned();
        assert!(!clean.contains(CARD) && !clean.contains("4111") && !clean.contains("ada@"), "{clean}");
        let again = asked(&running, "/api/v1/redact", redact(operator)).await["text"].as_str().unwrap().to_owned();
        assert_eq!(clean == again, operator != "encrypt", "{operator}");
        seen.push(clean);
    }
    let key = bartizan_detect::SealKey::new(b"0123456789abcdef").unwrap();
    assert_eq!(bartizan_detect::reveal(&seen[2], &key), (text, 4, 0));
    let words: Vec<&str> = seen[1].split_whitespace().collect();
    assert_eq!(words[1], words[3].trim_end_matches(','), "one value, one surrogate: {}", seen[1]);
    assert!(words[1].starts_with("400000") && seen[1].ends_with("@example.org"), "{}", seen[1]);
}

/// Path, body, status, and what the sentence holds.
#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let running = Running::start().await;
    let many: Vec<&str> = vec!["x"; 1_001];
    let found = json!([{ "entity_type": "PERSON", "start": 0, "end": 3, "score": 1.0 }]);
    let with = |config: Value| json!({ "text": "ada", "analyzer_results": found, "anonymizers": { "DEFAULT": config } });
    let own = |with: Value| {
        let mut recogniser = json!({ "supported_entity": "X" });
        with.as_object().unwrap().iter().for_each(|(name, value)| recogniser[name] = value.clone());
        json!({ "text": "a", "ad_hoc_recognizers": [recogniser] })
    };
    let regex = |regex: &str| own(json!({ "patterns": [{ "name": "p", "regex": regex, "score": 0.5 }] }));
    let many_words = vec!["a"; 10_001];
    let rows = [
        ("/api/v1/detect", json!({}), 400, "either `text`"),
        ("/api/v1/detect", json!({ "text": "a", "texts": [] }), 400, "either `text`"),
        ("/api/v1/detect", json!({ "texts": ["a"], "id": 1 }), 400, "`id` goes with `text`"),
        ("/api/v1/detect", json!({ "text": 1 }), 400, "string"),
        ("/api/v1/detect", json!({ "text": "a", "minscore": 1 }), 400, "unknown field `minscore`"),
        ("/api/v1/detect", json!({ "text": "a", "min_score": 1.5 }), 400, "from 0 to 1"),
        ("/api/v1/detect", json!({ "text": "a", "min_score": -0.1 }), 400, "from 0 to 1"),
        ("/api/v1/detect", json!({ "text": "a", "labels": ["pii.shoe_size"] }), 400, "no label `pii.shoe_size`"),
        ("/api/v1/detect", json!({ "text": "a", "labels": ["pii.person"] }), 400, "`\"names\": true`"),
        ("/api/v1/detect", json!({ "text": "a", "offsets": "words" }), 400, "unknown variant"),
        ("/api/v1/detect", json!({ "text": "a", "operator": "mask" }), 400, "/api/v1/redact"),
        ("/api/v1/detect", json!({ "texts": many }), 413, "at most 1000"),
        ("/api/v1/detect", json!({ "text": "1.2.3.4 ".repeat(100_001) }), 413, "100000 findings"),
        ("/api/v1/redact", json!({ "text": "a", "operator": "shred" }), 400, "unknown operator `shred`"),
        ("/api/v1/redact", json!({ "text": "a", "operator": "keep_last:9" }), 400, "N from 1 to 8"),
        ("/api/v1/redact", json!({ "text": "a", "operators": { "pii.shoe_size": "mask" } }), 400, "no label"),
        ("/api/v1/redact", json!({ "text": "a", "operator": "encrypt" }), 400, "needs a `key`"),
        ("/api/v1/redact", json!({ "text": "a", "operator": "encrypt", "key": "short" }), 400, "16 bytes"),
        ("/api/v1/redact", json!({ "text": "a", "key": "0123456789abcdef" }), 400, "goes with the operator `encrypt`"),
        ("/analyze", json!({}), 400, "missing field `text`"),
        ("/analyze", json!({ "text": "a", "entity": ["PERSON"] }), 400, "unknown field `entity`"),
        ("/analyze", json!({ "text": "a", "entities": ["SHOE_SIZE"] }), 422, "/supportedentities"),
        ("/analyze", json!({ "text": "a", "language": "English, please" }), 400, "`en`"),
        ("/analyze", json!({ "text": "a", "ad_hoc_recognizers": [{ "name": "x" }] }), 400, "missing field `supported_entity`"),
        ("/analyze", own(json!({})), 400, "needs `patterns` or a `deny_list`"),
        ("/analyze", own(json!({ "lambda": 1 })), 400, "unknown field `lambda`"),
        ("/analyze", own(json!({ "deny_list": [""] })), 400, "empty words"),
        ("/analyze", own(json!({ "deny_list": ["a".repeat(300)] })), 422, "`deny_list` of `PatternRecognizer`"),
        ("/analyze", own(json!({ "deny_list": many_words })), 422, "10000 words"),
        ("/analyze", own(json!({ "patterns": vec![json!({ "name": "p", "regex": "a", "score": 1 }); 51] })), 422, "50 patterns"),
        ("/analyze", own(json!({ "deny_list": ["a"], "context": [" "] })), 422, "200 words"),
        ("/analyze", own(json!({ "deny_list": ["a"], "global_regex_flags": 64 })), 422, "IGNORECASE (2)"),
        ("/analyze", regex("(?<=a)b"), 422, "the pattern `p` of `PatternRecognizer` is not run: it cannot be compiled; look-arounds"),
        ("/analyze", regex("\\w+"), 422, "`{1,64}` in the place of `+`"),
        ("/analyze", regex("[a&&b]"), 422, "something else here than in Python"),
        ("/analyze", json!({ "text": "a", "ad_hoc_recognizers": vec![json!({}); 51] }), 422, "at most 50"),
        ("/analyze", json!({ "text": "a", "context": [""] }), 422, "`context`"),
        ("/analyze", json!({ "text": "a", "allow_list": ["x", "a*"], "allow_list_match": "regex" }), 422, "pattern 2 of `allow_list`"),
        ("/analyze", json!({ "text": "a", "allow_list": ["(?=a)"], "allow_list_match": "regex" }), 422, "look-arounds"),
        ("/analyze", json!({ "text": "a", "allow_list": ["a"], "allow_list_match": "regex", "regex_flags": 1 }), 422, "`regex_flags`"),
        ("/analyze", json!({ "text": "a", "allow_list": ["a"], "allow_list_match": "glob" }), 400, "`exact` or `regex`"),
        ("/analyze", json!({ "text": "a", "score_threshold": 2 }), 400, "from 0 to 1"),
        ("/anonymize", json!({ "text": "ada" }), 400, "missing field `analyzer_results`"),
        ("/anonymize", json!({ "text": "ada", "analyzer_results": [{ "entity_type": "A", "start": 0, "end": 4 }] }), 422, "3 characters"),
        ("/anonymize", json!({ "text": "ada", "analyzer_results": [{ "entity_type": "A", "start": 2, "end": 1 }] }), 422, "does not lie"),
        ("/anonymize", with(json!({ "type": "custom" })), 422, "no operator `custom`"),
        ("/anonymize", with(json!({ "type": "decrypt", "key": "0123456789abcdef" })), 400, "goes to `/deanonymize`"),
        ("/anonymize", with(json!({ "type": "mask", "masking_char": "**", "chars_to_mask": 1, "from_end": true })), 400, "one character"),
        ("/anonymize", with(json!({ "type": "mask", "masking_char": "*", "from_end": true })), 400, "`chars_to_mask`"),
        ("/anonymize", with(json!({ "type": "mask", "masking_char": "*", "chars_to_mask": 1 })), 400, "`from_end`"),
        ("/anonymize", with(json!({ "type": "redact", "new_value": "x" })), 400, "`new_value` goes with `replace`"),
        ("/anonymize", with(json!({ "type": "hash", "hash_type": "md5" })), 400, "`sha512`"),
        ("/anonymize", with(json!({ "type": "hash", "salt": "salt" })), 400, "16 bytes"),
        ("/anonymize", with(json!({ "type": "encrypt", "key": "0123456789abcde" })), 400, "16, 24 or 32"),
        ("/anonymize", with(json!({ "type": "replace", "lambda": "x" })), 400, "unknown field `lambda`"),
        (
            "/deanonymize",
            json!({ "text": "ada", "anonymizer_results": found, "deanonymizers": { "DEFAULT": { "type": "replace" } } }),
            400,
            "`/anonymize`",
        ),
        (
            "/deanonymize",
            json!({ "text": "ada", "anonymizer_results": found, "deanonymizers": { "PERSON": { "type": "decrypt", "key": "0123456789abcdef" } } }),
            422,
            "altered",
        ),
    ];
    for (path, body, status, sentence) in rows {
        let reply = post(&running, path, &body).await;
        let shown = body.to_string().chars().take(200).collect::<String>();
        assert_eq!(reply.status, status, "{path} {shown} {}", reply.body);
        let problem: Value = serde_json::from_str(&reply.body).unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(sentence), "{path} {shown}: {problem}");
        // Where clients of Presidio look for it.
        let error = if path.starts_with("/api/") { &Value::Null } else { &problem["detail"] };
        assert_eq!(&problem["error"], error, "{path}");
    }
    let long = format!(r#"{{"text":"{}"}}"#, "a".repeat(4 << 20));
    assert_eq!(running.call("POST", "/analyze", TOKEN, &long).await.status, 413);
    assert_eq!(running.call("POST", "/analyze", TOKEN, long.get(..3 << 20).unwrap()).await.status, 400, "4 MiB are read");
    let stranger = running.call("POST", "/analyze", "content-type: application/json\r\n", r#"{"text":"a"}"#).await;
    assert!(stranger.status == 401 && stranger.body.contains(r#""error":"#), "{}", stranger.body);
}

/// A small request must not make an answer that fills the memory.
#[tokio::test]
async fn answers_have_a_bound() {
    let running = Running::start().await;
    let place = |at: usize| json!({ "entity_type": "A", "start": 2 * at, "end": 2 * at + 1 });
    let places: Vec<Value> = (0..20_000).map(place).collect();
    let replaced = |with: usize| {
        let anonymizers = json!({ "A": { "type": "replace", "new_value": "b".repeat(with) } });
        json!({ "text": "a,".repeat(20_000), "analyzer_results": places, "anonymizers": anonymizers })
    };
    let reply = post(&running, "/anonymize", &replaced(4_000)).await;
    assert!(reply.status == 413 && reply.body.contains("answer"), "{} {} bytes", reply.status, reply.body.len());
    assert_eq!(post(&running, "/anonymize", &replaced(100)).await.status, 200);
    let explained = |regex: String| {
        let recogniser = json!({ "supported_entity": "X", "patterns": [{ "name": "p", "regex": regex, "score": 0.5 }] });
        json!({ "text": "a ".repeat(20_000), "entities": ["X"], "ad_hoc_recognizers": [recogniser], "return_decision_process": true })
    };
    let reply = post(&running, "/analyze", &explained(format!("a|{}", "b".repeat(1_900)))).await;
    assert!(reply.status == 413 && reply.body.contains("answer"), "{} {} bytes", reply.status, reply.body.len());
    assert_eq!(post(&running, "/analyze", &explained("a".to_owned())).await.status, 200);
}

#[tokio::test]
async fn no_sentence_holds_a_value_of_the_request() {
    let running = Running::start().await;
    let number: u64 = CARD.parse().unwrap();
    let recogniser = json!({ "supported_entity": "X", "deny_list": CARD });
    for (path, body) in [
        ("/api/v1/detect", json!({ "text": number })),
        ("/api/v1/detect", json!({ "text": "a", "labels": CARD })),
        ("/api/v1/detect", json!({ "text": "a", "min_score": CARD })),
        ("/analyze", json!({ "text": "a", "entities": CARD })),
        ("/analyze", json!({ "text": "a", "ad_hoc_recognizers": [recogniser] })),
        ("/anonymize", json!({ "text": [CARD], "analyzer_results": [] })),
        ("/anonymize", json!({ "text": "a", "analyzer_results": [CARD] })),
    ] {
        let reply = post(&running, path, &body).await;
        assert!(reply.status == 400 && !reply.body.contains(CARD), "{path} {body}: {}", reply.body);
        assert!(reply.body.contains("expected"), "{path} {body}: {}", reply.body);
    }
}

/// Entity, start and end of what an analyser answers.
fn places(answer: &Value) -> Vec<(String, u64, u64)> {
    let place =
        |one: &Value| (one["entity_type"].as_str().unwrap().to_owned(), one["start"].as_u64().unwrap(), one["end"].as_u64().unwrap());
    answer.as_array().unwrap().iter().map(place).collect()
}

#[tokio::test]
async fn analyses_as_presidio_does() {
    let running = Running::start().await;
    let text = format!("😀 Margaret Thompson paid {CARD}, mail ada@example.com");
    let place = |name: &str, start, end| (name.to_owned(), start, end);
    let (person, card, mail) = (place("PERSON", 2, 19), place("CREDIT_CARD", 25, 41), place("EMAIL_ADDRESS", 48, 63));
    let rows = [
        (json!({ "text": text, "language": "en" }), vec![person.clone(), card.clone(), mail.clone()]),
        (
            json!({ "text": text, "entities": null, "context": [], "ad_hoc_recognizers": [], "correlation_id": "c", "regex_flags": 26 }),
            vec![person.clone(), card.clone(), mail.clone()],
        ),
        (json!({ "text": text, "entities": ["CREDIT_CARD", "PERSON"] }), vec![person, card.clone()]),
        (json!({ "text": text, "entities": ["EMAIL_ADDRESS", "CREDIT_CARD"], "score_threshold": 0.95 }), vec![mail]),
        (json!({ "text": text, "entities": ["EMAIL_ADDRESS", "CREDIT_CARD"], "allow_list": ["ada@example.com", "x"] }), vec![card]),
        (json!({ "text": "10 downing street is ok", "entities": ["CREDIT_CARD"] }), vec![]),
    ];
    for (body, expected) in rows {
        assert_eq!(places(&asked(&running, "/analyze", body.clone()).await), expected, "{body}");
    }
    let one = asked(&running, "/analyze", json!({ "text": "ada@example.com", "entities": ["EMAIL_ADDRESS"] })).await;
    let metadata = json!({ "recognizer_name": "pii.email", "recognizer_identifier": "bartizan:pii.email" });
    let expected = json!([{
        "entity_type": "EMAIL_ADDRESS", "start": 0, "end": 15, "score": 0.95, "analysis_explanation": null, "recognition_metadata": metadata,
    }]);
    assert_eq!(one, expected);
    let explained = asked(&running, "/analyze", json!({ "text": "ada@example.com", "return_decision_process": true })).await;
    assert_eq!(explained[0]["analysis_explanation"]["recognizer"], "pii.email");
    let several = asked(&running, "/analyze", json!({ "text": ["ada@example.com", "x"], "entities": ["EMAIL_ADDRESS"] })).await;
    assert_eq!((places(&several[0]).len(), places(&several[1]).len()), (1, 0));
    let token = "authorization: Bearer bzt_detect\r\n";
    let entities = running.call("GET", "/supportedentities?language=en", token, "").await;
    for name in ["PERSON", "US_SSN", "IBAN_CODE", "SECRET_GITHUB", "UK_NINO"] {
        assert!(entities.body.contains(&format!("\"{name}\"")), "{name}: {}", entities.body);
    }
    let recognizers = running.call("GET", "/recognizers", token, "").await;
    assert!(recognizers.body.contains("\"pii.email\"") && recognizers.body.contains("\"pii.person\""), "{}", recognizers.body);
    assert_eq!(running.call("GET", "/recognizers?lang=en", token, "").await.status, 400);
    assert_eq!(
        running.call("GET", "/anonymizers", token, "").await.body.trim_end(),
        r#"["encrypt","hash","keep","mask","redact","replace"]"#
    );
}

/// Recognisers, words of context and patterns of what is allowed, which a request brings along.
#[tokio::test]
async fn a_request_brings_its_own_recognisers() {
    let running = Running::start().await;
    let place = |name: &str, start, end| (name.to_owned(), start, end);
    let zip = json!({
        "name": "Zip code Recognizer", "supported_language": "en", "supported_entity": "ZIP", "context": ["zip", "code"],
        "patterns": [{ "name": "zip code (weak)", "regex": "(\\b\\d{5}(?:\\-\\d{4})?\\b)", "score": 0.01 }],
    });
    let titles = json!({ "name": "Titles", "supported_entity": "TITLE", "deny_list": ["Mr.", "Professor"] });
    let text = "😀 professor Plum, zip code: 10023, mail ada@example.com";
    let rows = [
        (json!({ "entities": ["ZIP", "TITLE"] }), vec![place("TITLE", 2, 11), place("ZIP", 28, 33)]),
        (json!({ "entities": ["ZIP", "EMAIL_ADDRESS"] }), vec![place("ZIP", 28, 33), place("EMAIL_ADDRESS", 40, 55)]),
        (json!({ "entities": ["TITLE"] }), vec![place("TITLE", 2, 11)]),
        (json!({ "entities": ["ZIP"], "score_threshold": 0.4 }), vec![place("ZIP", 28, 33)]),
        (json!({ "entities": ["ZIP", "TITLE"], "score_threshold": 0.5 }), vec![place("TITLE", 2, 11)]),
        (json!({ "entities": ["ZIP", "TITLE"], "allow_list": ["^\\d"], "allow_list_match": "regex" }), vec![place("TITLE", 2, 11)]),
        (json!({ "entities": ["ZIP", "TITLE"], "allow_list": ["10023"] }), vec![place("TITLE", 2, 11)]),
    ];
    for (with, expected) in rows {
        let mut body = json!({ "text": text, "language": "en", "ad_hoc_recognizers": [zip, titles] });
        with.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        assert_eq!(places(&asked(&running, "/analyze", body).await), expected, "{with}");
    }
    // All of both, where no entity is named; and none of another language.
    let all = asked(&running, "/analyze", json!({ "text": text, "ad_hoc_recognizers": [zip, titles] })).await;
    assert!(places(&all).contains(&place("ZIP", 28, 33)) && places(&all).contains(&place("EMAIL_ADDRESS", 40, 55)), "{all}");
    let german = json!({ "text": text, "language": "de", "ad_hoc_recognizers": [zip, titles] });
    assert!(!places(&asked(&running, "/analyze", german).await).contains(&place("ZIP", 28, 33)));

    let explained = json!({ "text": text, "entities": ["ZIP"], "ad_hoc_recognizers": [zip], "return_decision_process": true });
    let expected = json!([{
        "entity_type": "ZIP", "start": 28, "end": 33, "score": 0.4,
        "analysis_explanation": {
            "recognizer": "Zip code Recognizer", "pattern_name": "zip code (weak)", "pattern": "(\\b\\d{5}(?:\\-\\d{4})?\\b)",
            "original_score": 0.01, "score": 0.4, "textual_explanation": null, "score_context_improvement": 0.39,
            "supportive_context_word": "zip", "validation_result": null,
        },
        "recognition_metadata": { "recognizer_name": "Zip code Recognizer", "recognizer_identifier": "ad_hoc:Zip code Recognizer" },
    }]);
    assert_eq!(asked(&running, "/analyze", explained).await, expected);
}

#[tokio::test]
async fn words_of_context_raise_scores() {
    let running = Running::start().await;
    let score = async |body: Value| asked(&running, "/analyze", body).await[0]["score"].as_f64();
    // Of a recogniser of the request.
    let zip =
        json!({ "supported_entity": "ZIP", "context": ["zip"], "patterns": [{ "name": "z", "regex": "\\b\\d{5}\\b", "score": 0.3 }] });
    let mut body = json!({ "text": "it is 10023", "entities": ["ZIP"], "ad_hoc_recognizers": [zip] });
    assert_eq!(score(body.clone()).await, Some(0.3));
    body["context"] = json!(["ZIPs"]);
    assert_eq!(score(body).await, Some(0.65));
    // Of the detectors' own: a number that is nothing without a word is one with it, as if the word stood before it.
    let account = |context: Value| json!({ "text": "it is 021000021", "entities": ["ABA_ROUTING_NUMBER"], "context": context });
    let (without, with) = (score(account(json!([]))).await, score(account(json!(["Routing"]))).await);
    let before = score(json!({ "text": "routing 021000021", "entities": ["ABA_ROUTING_NUMBER"] })).await;
    assert!(with.is_some() && with > without && with == before, "{without:?} {with:?} {before:?}");
}

/// A pattern of the caller's takes nothing away from what the detectors find; of one entity what lies within another goes.
#[tokio::test]
async fn what_a_request_brings_hides_nothing() {
    let running = Running::start().await;
    let place = |name: &str, start, end| (name.to_owned(), start, end);
    let four = |entity: &str, score: f64| json!({ "supported_entity": entity, "patterns": [{ "name": "p", "regex": "\\d{4}", "score": score }, { "name": "q", "regex": "\\d{2}", "score": 0.9 }] });
    let ask = async |given: Value| {
        let body =
            json!({ "text": format!("pay {CARD}"), "entities": ["CREDIT_CARD", "FOUR"], "ad_hoc_recognizers": [given, four("FOUR", 0.0)] });
        places(&asked(&running, "/analyze", body).await)
    };
    let all = ask(four("FOUR", 1.0)).await;
    assert_eq!(all[0], place("CREDIT_CARD", 4, 20));
    assert_eq!(all[1..], [place("FOUR", 4, 8), place("FOUR", 8, 12), place("FOUR", 12, 16), place("FOUR", 16, 20)]);
    let card = ask(four("CREDIT_CARD", 0.2)).await;
    assert_eq!(card[0], place("CREDIT_CARD", 4, 20), "{card:?}");
    assert!(card[1..].iter().all(|(entity, ..)| entity == "FOUR") && card.len() == 9, "{card:?}");
}

/// Results as (entity, start, end, score); anonymizers; the text and, last first, the items that come out.
type Row<'a> = (&'a [(&'a str, usize, usize, f64)], Value, &'a str, &'a [(usize, usize, &'a str, &'a str)]);

#[tokio::test]
async fn anonymises_as_presidio_does() {
    let running = Running::start().await;
    let text = "hello world, I live in São Paulo, 😀 and my name is Ada King.";
    let results = |all: &[(&str, usize, usize, f64)]| -> Value {
        all.iter().map(|(entity, start, end, score)| json!({ "entity_type": entity, "start": start, "end": end, "score": score })).collect()
    };
    let rows: &[Row] = &[
        (
            &[("PERSON", 51, 59, 0.8), ("LOCATION", 23, 32, 0.8)],
            json!(null),
            "hello world, I live in <LOCATION>, 😀 and my name is <PERSON>.",
            &[(52, 60, "PERSON", "replace"), (23, 33, "LOCATION", "replace")],
        ),
        (
            &[("PERSON", 51, 59, 0.8), ("LOCATION", 23, 32, 0.8)],
            json!({ "DEFAULT": { "type": "redact" }, "PERSON": { "type": "replace", "new_value": "¡X!" } }),
            "hello world, I live in , 😀 and my name is ¡X!.",
            &[(42, 45, "PERSON", "replace"), (23, 23, "LOCATION", "redact")],
        ),
        (
            &[("PERSON", 51, 59, 0.8)],
            json!({ "PERSON": { "type": "mask", "masking_char": "*", "chars_to_mask": 4, "from_end": true } }),
            "hello world, I live in São Paulo, 😀 and my name is Ada ****.",
            &[(51, 59, "PERSON", "mask")],
        ),
        (
            &[("LOCATION", 23, 32, 0.8)],
            json!({ "DEFAULT": { "type": "mask", "masking_char": "#", "chars_to_mask": 100, "from_end": false } }),
            "hello world, I live in #########, 😀 and my name is Ada King.",
            &[(23, 32, "LOCATION", "mask")],
        ),
        (&[("PERSON", 51, 59, 0.8)], json!({ "PERSON": { "type": "keep" } }), text, &[(51, 59, "PERSON", "keep")]),
        // Within another: dropped. Neighbours of one type: one.
        (
            &[("PERSON", 51, 54, 0.8), ("PERSON", 55, 59, 0.8), ("A", 23, 32, 0.1), ("B", 27, 32, 0.9)],
            json!({}),
            "hello world, I live in <A>, 😀 and my name is <PERSON>.",
            &[(45, 53, "PERSON", "replace"), (23, 26, "A", "replace")],
        ),
        // The same place: the higher score. Overlapping in part: cut where the later begins.
        (
            &[("A", 0, 5, 0.1), ("B", 0, 5, 0.9), ("C", 3, 11, 0.5)],
            json!(null),
            "<B><C>, I live in São Paulo, 😀 and my name is Ada King.",
            &[(3, 6, "C", "replace"), (0, 3, "B", "replace")],
        ),
        (
            &[("A", 0, 5, 0.1), ("A", 3, 11, 0.5)],
            json!(null),
            "<A>, I live in São Paulo, 😀 and my name is Ada King.",
            &[(0, 3, "A", "replace")],
        ),
        // Such as only touch stay two.
        (
            &[("A", 0, 5, 0.1), ("A", 5, 11, 0.5)],
            json!(null),
            "<A><A>, I live in São Paulo, 😀 and my name is Ada King.",
            &[(3, 6, "A", "replace"), (0, 3, "A", "replace")],
        ),
        (&[], json!(null), text, &[]),
    ];
    for (given, anonymizers, expected, items) in rows {
        let body = json!({ "text": text, "analyzer_results": results(given), "anonymizers": anonymizers });
        let made = asked(&running, "/anonymize", body).await;
        let said: Vec<Value> = items
            .iter()
            .map(|(start, end, entity, operator)| {
                let part: String = expected.chars().skip(*start).take(end - start).collect();
                json!({ "start": start, "end": end, "entity_type": entity, "text": part, "operator": operator })
            })
            .collect();
        assert_eq!(made, json!({ "text": expected, "items": said }), "{given:?} {anonymizers}");
    }
}

#[tokio::test]
async fn hashes_and_encrypts() {
    let running = Running::start().await;
    let found = json!([{ "entity_type": "PERSON", "start": 0, "end": 3, "score": 1.0 }, { "entity_type": "PERSON", "start": 8, "end": 11, "score": 1.0 }]);
    let with = |config: Value| json!({ "text": "Ada and Ada", "analyzer_results": found, "anonymizers": { "PERSON": config } });
    // SHA-256 of `Ada` and the salt, by another tool.
    let salted = asked(&running, "/anonymize", with(json!({ "type": "hash", "salt": "0123456789abcdef" }))).await;
    let expected = "43a45521787facc1605706aa4e8f41f23a077a718cc5f830b7f72e24f6103fab";
    assert_eq!(salted["text"], format!("{expected} and {expected}"));
    for (kind, length) in [("sha256", 64), ("sha512", 128)] {
        let hashed = asked(&running, "/anonymize", with(json!({ "type": "hash", "hash_type": kind }))).await;
        let words: Vec<&str> = hashed["text"].as_str().unwrap().split(" and ").collect();
        assert!(words[0] == words[1] && words[0].len() == length, "{hashed}");
    }
    for key in ["0123456789abcdef", "0123456789abcdef01234567", "0123456789abcdef0123456789abcdef"] {
        let sealed = asked(&running, "/anonymize", with(json!({ "type": "encrypt", "key": key }))).await;
        let text = sealed["text"].as_str().unwrap();
        assert!(!text.contains("Ada") && sealed["items"][0]["text"] != sealed["items"][1]["text"], "{text}");
        let back = |key: &str| json!({ "text": text, "anonymizer_results": sealed["items"], "deanonymizers": { "DEFAULT": { "type": "decrypt", "key": key } } });
        let plain = asked(&running, "/deanonymize", back(key)).await;
        assert_eq!((plain["text"].as_str().unwrap(), &plain["items"][0]["operator"]), ("Ada and Ada", &json!("decrypt")));
        assert_eq!(post(&running, "/deanonymize", &back("another key of 16b")).await.status, 400);
        assert_eq!(post(&running, "/deanonymize", &back("fedcba9876543210")).await.status, 422);
        let kept = asked(&running, "/deanonymize", json!({ "text": text, "anonymizer_results": sealed["items"] })).await;
        assert_eq!(kept["text"], text);
    }
}

/// Bodies that do not come take places; who finds none is told to come again, and administration goes on.
#[tokio::test]
async fn places_are_bounded() {
    let running = Running::start().await;
    let text = json!({ "text": "ada" });
    let mut waiting = Vec::new();
    for _ in 0..64 {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", running.port)).await.unwrap();
        let head = format!("POST /analyze HTTP/1.1\r\nhost: localhost\r\n{TOKEN}content-length: 9\r\n\r\n");
        tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.unwrap();
        waiting.push(stream);
    }
    let until = async |status: u16| loop {
        let reply = post(&running, "/api/v1/detect", &text).await;
        if reply.status == status {
            return reply;
        }
        tokio::task::yield_now().await;
    };
    let patience = std::time::Duration::from_secs(20);
    let full = tokio::time::timeout(patience, until(503)).await.unwrap();
    assert!(full.head.contains("retry-after: 1") && full.body.contains("\"code\":\"busy\""), "{full:?}");
    assert_eq!(running.get("/api/v1/keys").await.status, 200);
    drop(waiting);
    tokio::time::timeout(patience, until(200)).await.unwrap();
}
