//! Gemini's format: which model a request is for, keys and queries, whole answers, embeddings, the list of models.

use bartizan_gateway::ProviderKind;
use bartizan_testkit::{Answer, canned};
use serde_json::{Value, json};

use crate::harness::{Call, House, Plan, key};

const EMAIL: &str = "eve.adams@example.net";
const OWN: &str = "ada@example.org";
const ASKED: &str = r#"{"contents":[{"role":"user","parts":[{"text":"who?"}]}]}"#;

/// The pseudonym that the provider was shown.
fn token(house: &House) -> String {
    let seen = house.seen();
    let at = seen.find("EMAIL_").unwrap_or_else(|| panic!("no pseudonym in {seen}"));
    seen[at..at + 16].to_owned()
}

/// (path, body, status, path at the provider, body there)
type Row<'a> = (&'a str, &'a str, u16, &'a str, &'a str);

#[test]
fn the_model_of_the_path_is_the_one_that_is_judged_and_called() {
    let house = House::build(Plan { any: true, ..Plan::default() });
    let count = r#"{"generateContentRequest":{"model":"models/gem-alias","contents":[]}}"#;
    let counted = r#"{"generateContentRequest":{"model":"models/gemini-real","contents":[]}}"#;
    let batch = r#"{"requests":[{"model":"models/gem-alias","content":{}},{"model":"gem-alias","content":{}}]}"#;
    let batched = r#"{"requests":[{"model":"models/gemini-real","content":{}},{"model":"gemini-real","content":{}}]}"#;
    let embed = r#"{"model":"models/only-gemini","content":{"parts":[]}}"#;
    let rows: &[Row] = &[
        ("/v1beta/models/only-gemini:generateContent", ASKED, 200, "/v1/models/only-gemini:generateContent", ASKED),
        ("/v1/models/only-gemini:generateContent", ASKED, 200, "/v1/models/only-gemini:generateContent", ASKED),
        ("/v1beta/models/gem-alias:generateContent", ASKED, 200, "/v1/models/gemini-real:generateContent", ASKED),
        ("/v1beta/models/gem-alias:countTokens", count, 200, "/v1/models/gemini-real:countTokens", counted),
        ("/v1beta/models/gem-alias:batchEmbedContents", batch, 200, "/v1/models/gemini-real:batchEmbedContents", batched),
        ("/v1beta/models/only-gemini:embedContent", embed, 200, "/v1/models/only-gemini:embedContent", embed),
        ("/v1beta/models/gemini-2.5-pro:generateContent", ASKED, 200, "/v1/models/gemini-2.5-pro:generateContent", ASKED),
        ("/v1beta/models/gem-alias:embedContent", embed, 400, "", ""),
        ("/v1beta/models/only-gemini:countTokens", count, 400, "", ""),
        ("/v1beta/models/only-gemini:batchEmbedContents", batch, 400, "", ""),
        ("/v1beta/models/..:generateContent", ASKED, 502, "", ""),
        ("/v1beta/models/:generateContent", ASKED, 404, "", ""),
        ("/v1beta/models/a%2fb:generateContent", ASKED, 404, "", ""),
        ("/v1beta/models/a/b:generateContent", ASKED, 404, "", ""),
    ];
    for (path, body, status, asked, sent) in rows {
        house.upstream.forget();
        house.upstream.always(Answer::json("{}"));
        let reply = house.send(&Call::new("POST", path, *body));
        assert_eq!(reply.status, *status, "{path}: {}", reply.text());
        if reply.status != 200 {
            assert!(house.upstream.requests().is_empty() && reply.json()["error"]["status"].is_string(), "{path}");
            continue;
        }
        let seen = house.upstream.requests().pop().unwrap();
        assert_eq!((seen.path.as_str(), seen.text().as_str()), (*asked, *sent), "{path}");
    }
    let event = house.journal.all().iter().find_map(|one| one.event.clone()).unwrap();
    assert_eq!((&event["model"], &event["route"]), (&json!("only-gemini"), &json!("POST /v1beta/models/{model}:generateContent")));
}

/// (path and query, headers, status, query at the provider, key there)
type Keyed<'a> = (&'a str, &'a [(&'a str, &'a str)], u16, Option<&'a str>, Option<&'a str>);

#[test]
fn keys_and_queries() {
    let ours = key(1);
    let in_query = format!("key={ours}");
    let escaped = format!("key=%62zk_{}", &ours[4..]);
    let rows: &[Keyed] = &[
        ("", &[("x-goog-api-key", "AI-mine")], 200, None, Some("AI-mine")),
        ("key=AI-mine", &[], 200, None, Some("AI-mine")),
        ("$alt=json&k%65y=AI%2Dmine&prettyPrint=false", &[], 200, Some("$alt=json&prettyPrint=false"), Some("AI-mine")),
        ("key=AI-mine", &[("x-goog-api-key", "AI-other")], 200, None, Some("AI-other")),
        ("key=&alt=json", &[], 200, Some("alt=json"), None),
        ("", &[("x-goog-api-key", &ours)], 200, None, None),
        ("key=AI-mine&key=AI-other", &[], 400, None, None),
        (&in_query, &[], 400, None, None),
        (&escaped, &[], 400, None, None),
        ("access_token=ya29.mine", &[], 400, None, None),
        ("$httpHeaders=x-goog-api-key:a", &[], 400, None, None),
        ("callback=run", &[], 400, None, None),
        ("fields=ada%40example.org", &[], 403, None, None),
    ];
    let open = |pass_client_key| {
        let auth = bartizan_gateway::Auth::Anonymous;
        House::build(Plan { api_key: None, pass_client_key, auth, ..Plan::default() })
    };
    let (passing, keeping) = (open(true), open(false));
    for (query, headers, status, asked, sent) in rows {
        for (house, passes) in [(&passing, true), (&keeping, false)] {
            house.upstream.forget();
            house.journal.clear();
            house.upstream.always(Answer::json("{}"));
            let call = Call::new("POST", &format!("/v1beta/models/only-gemini:generateContent?{query}"), ASKED).with("authorization", "");
            let reply = house.send(&headers.iter().fold(call, |call, (name, value)| call.with(name, value)));
            assert_eq!(reply.status, *status, "{query}: {}", reply.text());
            let told = house.journal.all().iter().map(|one| one.bytes.clone()).collect::<String>() + &reply.text();
            assert!(!told.contains("AI-") && !told.contains("ya29") && !told.contains(&ours), "{query}: {told}");
            let Some(seen) = house.upstream.requests().pop() else {
                assert_ne!(*status, 200);
                continue;
            };
            assert_eq!(seen.path.split_once('?').map(|(_, query)| query), *asked, "{query}");
            assert_eq!(seen.header("x-goog-api-key"), sent.filter(|_| passes), "{query}");
            assert!(seen.header("authorization").is_none() && seen.headers.iter().all(|(_, value)| !value.contains("bzk_")));
        }
    }
    // With keys asked for, one in the query is none: it stands in logs by then.
    let house = House::new();
    let reply =
        house.send(&Call::new("POST", &format!("/v1beta/models/only-gemini:generateContent?{in_query}"), ASKED).with("authorization", ""));
    assert_eq!((reply.status, reply.json()["error"]["status"].as_str()), (401, Some("UNAUTHENTICATED")), "{}", reply.text());
}

#[test]
fn headers_and_the_operators_key() {
    let house = House::new();
    house.upstream.always(Answer::json("{}"));
    let call = Call::new("POST", "/v1beta/models/only-gemini:generateContent?alt=json", ASKED)
        .with("authorization", "")
        .with("x-goog-api-key", &key(1))
        .with("x-goog-api-client", "google-genai-sdk/3.6.1 gl-python/3.12")
        .with("x-goog-user-project", "somebody-elses");
    assert_eq!(house.send(&call).status, 200);
    let seen = house.upstream.requests().pop().unwrap();
    assert_eq!(seen.header("x-goog-api-key"), Some("sk-provider"));
    assert_eq!(seen.header("x-goog-api-client"), Some("google-genai-sdk/3.6.1 gl-python/3.12"));
    assert_eq!((seen.header("x-goog-user-project"), seen.header("authorization")), (None, None));
    assert_eq!(seen.path, "/v1/models/only-gemini:generateContent?alt=json");
    assert_eq!(house.send(&call.with("x-goog-api-client", &format!("sdk {EMAIL}"))).status, 403);
}

/// Parts of an answer's first candidate, or members of the answer; `@@` is the value.
const WHOLE: &[(&str, &str)] = &[
    ("text", r#"{"candidates":[{"content":{"parts":[{"text":"it is @@."}]}}]}"#),
    ("text in parts", r#"{"candidates":[{"content":{"parts":[{"text":"it is <<"},{"text":">>."}]}}]}"#),
    ("second candidate", r#"{"candidates":[{"index":1,"content":{"parts":[{"text":"it is @@."}]}}]}"#),
    ("thought", r#"{"candidates":[{"content":{"parts":[{"thought":true,"text":"so @@"},{"text":"hi"}]}}]}"#),
    ("args", r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"to":["@@"],"n":1}}}]}}]}"#),
    ("args key", r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"@@":1}}}]}}]}"#),
    (
        "partial args",
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.a","stringValue":"@@"}]}}]}}]}"#,
    ),
    ("code", r#"{"candidates":[{"content":{"parts":[{"executableCode":{"language":"PYTHON","code":"print('@@')"}}]}}]}"#),
    ("output", r#"{"candidates":[{"content":{"parts":[{"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"@@"}}]}}]}"#),
    ("query", r#"{"candidates":[{"groundingMetadata":{"webSearchQueries":["who is @@"]}}]}"#),
    ("html", r#"{"candidates":[{"groundingMetadata":{"searchEntryPoint":{"renderedContent":"<a>@@</a>"}}}]}"#),
    ("segment", r#"{"candidates":[{"groundingMetadata":{"groundingSupports":[{"segment":{"text":"so @@"}}]}}]}"#),
    ("chunk", r#"{"candidates":[{"groundingMetadata":{"groundingChunks":[{"retrievedContext":{"text":"so @@","title":"@@"}}]}}]}"#),
    ("citation", r#"{"candidates":[{"citationMetadata":{"citations":[{"title":"by @@"}]}}]}"#),
    ("finish message", r#"{"candidates":[{"finishReason":"OTHER","finishMessage":"no @@"}]}"#),
    ("log probabilities", r#"{"candidates":[{"avgLogprobs":-0.5,"logprobsResult":{"chosenCandidates":[{"token":"@@"}]}}]}"#),
    ("feedback", r#"{"promptFeedback":{"blockReason":"OTHER","blockReasonMessage":"no @@"}}"#),
    ("part to come", r#"{"candidates":[{"content":{"parts":[{"brandNew":{"a":"@@"}},{"brandNew":"@@"}]}}]}"#),
    ("unknown", r#"{"brandNew":{"@@":["@@"]}}"#),
    ("error", r#"{"error":{"code":400,"message":"no such user @@","status":"INVALID_ARGUMENT","details":[{"reason":"@@"}]}}"#),
    ("error in an array", r#"[{"error":{"code":400,"message":"no such user @@","status":"INVALID_ARGUMENT"}}]"#),
];

#[test]
fn whole_answers_hold_nothing_that_the_model_introduced() {
    let house = House::new();
    let half = EMAIL.len() / 2;
    for (name, body) in WHOLE {
        for value in [EMAIL.to_owned(), EMAIL.replace('@', "\\u0040")] {
            let body = body.replace("@@", &value).replace("<<", &EMAIL[..half]).replace(">>", &EMAIL[half..]);
            for status in [200, 400] {
                house.upstream.push(Answer::json(body.clone()).with_status(status));
                let reply = house.send(&Call::gemini("generateContent", ASKED));
                assert_eq!(reply.status, status, "{name}: {}", reply.text());
                assert!(!reply.text().contains("eve.") && !reply.text().contains("example.net"), "{name}: {}", reply.text());
                assert!(name.starts_with("log") || reply.decision() == "remedied", "{name}: {}", reply.text());
                reply.json();
            }
        }
    }
    let identifiers = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{},"id":"@@"}}]}}]}"#;
    for body in [identifiers.replace("@@", EMAIL), identifiers.replace("\"f\"", "\"4111111111111111\"")] {
        house.upstream.push(Answer::json(body));
        assert_eq!(house.send(&Call::gemini("generateContent", ASKED)).status, 403, "nothing can be replaced there");
    }
    let untouched = canned::gemini_parts(&json!([
        {"text": "hi", "thoughtSignature": "c2VhbGVk".repeat(40)},
        {"functionCall": {"id": "id-41111111", "name": "f", "args": {"n": 12_345_678, "x": [true, null, "y"]}}},
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAA"}},
    ]));
    house.upstream.push(Answer::json(untouched.clone()));
    assert_eq!(house.send(&Call::gemini("generateContent", ASKED)).text(), untouched);
}

#[test]
fn values_come_back_in_text_and_in_arguments() {
    let house = House::new();
    let asked = json!({"contents": [{"role": "user", "parts": [{"text": format!("I am {OWN}, card 4111111111111111")}]}]}).to_string();
    house.upstream.push(Answer::json("{}"));
    house.send(&Call::gemini("generateContent", asked.as_str()));
    let (token, seen) = (token(&house), house.seen());
    assert!(!seen.contains(OWN) && !seen.contains("4111"), "{seen}");
    let part = |value: &str| {
        json!([
            {"thought": true, "text": format!("about {value}")}, {"text": format!("to {}", &value[..5])}, {"text": format!("{}.", &value[5..])},
            {"functionCall": {"name": "mail", "args": {"to": [value], "body": format!("\"{value}\""), "cc": {"a": value}}}},
            {"executableCode": {"language": "PYTHON", "code": format!("send('{value}')")}},
        ])
    };
    house.upstream.push(Answer::json(canned::gemini_parts(&part(&token))));
    let reply = house.send(&Call::gemini("generateContent", asked.as_str()));
    let parts = &reply.json()["candidates"][0]["content"]["parts"];
    let said = |at: usize| parts[at]["text"].as_str().unwrap().to_owned();
    assert_eq!((said(0), said(1) + &said(2)), (format!("about {OWN}"), format!("to {OWN}.")), "{parts}");
    assert_eq!((&parts[3], &parts[4]), (&part(OWN)[3], &part(OWN)[4]));
    // What comes next in the conversation is shown to the provider as before.
    let next = json!({"contents": [
        {"role": "user", "parts": [{"text": format!("I am {OWN}, card 4111111111111111")}]},
        {"role": "model", "parts": parts},
        {"role": "function", "parts": [{"functionResponse": {"name": "mail", "response": {"sent": OWN}}}]},
    ]});
    house.upstream.push(Answer::json("{}"));
    house.send(&Call::gemini("generateContent", next.to_string()));
    let again = house.seen();
    assert!(!again.contains(OWN) && again.matches(&token).count() >= 6, "{again}");
    let first = |body: &str| serde_json::from_str::<Value>(body).unwrap()["contents"][0].clone();
    assert_eq!(first(&again), first(&seen), "the same words for the same values");
}

#[test]
fn embeddings_and_counts() {
    let house = House::new();
    let vector = r#"{"embedding":{"values":[0.4111111111111111,-1.5e-05,0.0]}}"#;
    let own = format!("I am {OWN}");
    let embed = json!({"content": {"parts": [{"text": own}]}, "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 3});
    let batch = json!({"requests": [{"model": "models/gpt-4o-mini", "content": {"parts": [{"text": own}]}, "title": own}]});
    let count =
        json!({"generateContentRequest": {"contents": [{"parts": [{"text": own}]}], "systemInstruction": {"parts": [{"text": own}]}}});
    let batched = r#"{"embeddings":[{"values":[0.4111111111111111]},{"values":[41.5]}]}"#;
    let rows = [("embedContent", embed, vector), ("batchEmbedContents", batch, batched), ("countTokens", count, r#"{"totalTokens":3}"#)];
    for (method, body, answer) in rows {
        house.upstream.push(Answer::json(answer));
        let reply = house.send(&Call::gemini(method, body.to_string()));
        assert_eq!((reply.status, reply.decision(), reply.text().as_str()), (200, "remedied", answer), "{method}");
        assert!(!house.seen().contains(OWN) && house.seen().contains("EMAIL_"), "{}", house.seen());
        let event = house.journal.all().iter().filter_map(|one| one.event.clone()).next_back().unwrap();
        assert_eq!(event["facts"]["action"], "complete");
    }
}

#[test]
fn fields_that_lead_elsewhere_are_refused() {
    let house = House::new();
    for (members, says) in [
        (r#""cachedContent":"x""#, "`cachedContent` must be the name of a cache"),
        (r#""system_instruction":{},"systemInstruction":{}"#, "`systemInstruction` occurs more than once"),
        (r#""generationConfig":{"responseLogprobs":true}"#, "`responseLogprobs` cannot be inspected yet"),
        (r#""tools":[{"mcpServers":[]}]"#, "`mcpServers` is not guarded yet"),
    ] {
        let reply = house.send(&Call::gemini("generateContent", format!(r#"{{"contents":[],{members}}}"#)));
        let error = &reply.json()["error"];
        assert_eq!((reply.status, &error["code"], &error["status"]), (400, &json!(400), &json!("INVALID_ARGUMENT")), "{members}");
        assert!(error["message"].as_str().unwrap().contains(says), "{members}: {error}");
    }
    let file = r#"{"contents":[{"parts":[{"fileData":{"fileUri":"https://x.example/a.png","mimeType":"image/png"}}]}]}"#;
    assert_eq!(house.send(&Call::gemini("generateContent", file)).status, 403);
    assert!(house.upstream.requests().is_empty());
}

#[test]
fn the_list_of_models() {
    let names = |reply: &Value| -> Vec<String> {
        reply["models"].as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap().to_owned()).collect()
    };
    let house = House::new();
    let list = Call::new("GET", "/v1beta/models?pageSize=5", "");
    let found = names(&house.send(&list).json());
    assert!(found.contains(&"models/gem-alias".to_owned()) && found.contains(&"models/only-openai".to_owned()), "{found:?}");
    // What is translated can be asked, not counted or embedded.
    let methods = |name: &str| {
        let reply = house.send(&list).json();
        let model = reply["models"].as_array().unwrap().iter().find(|model| model["name"] == name).unwrap().clone();
        model["supportedGenerationMethods"].as_array().unwrap().len()
    };
    assert_eq!((methods("models/only-openai"), methods("models/gem-alias")), (1, 4));
    assert_eq!(names(&house.send(&list.clone().with("authorization", &format!("Bearer {}", key(3)))).json()), ["models/gpt-4o-mini"]);
    assert_eq!(house.send(&Call::new("GET", "/v1beta/models?key=bzk_x", "")).status, 400);
    // Google's SDKs ask on OpenAI's path too; their headers tell.
    for name in ["x-goog-api-key", "x-goog-api-client"] {
        let value = if name == "x-goog-api-key" { key(1) } else { "google-genai-sdk/3.6.1".to_owned() };
        let google = Call::new("GET", "/v1/models", "").with(name, &value);
        assert_eq!(names(&house.send(&google).json()), found, "{name}");
    }
    assert!(house.send(&Call::new("GET", "/v1/models", "")).json()["data"].is_array());
    // A provider of all formats lists its models in OpenAI's.
    let all = House::build(Plan { any: true, ..Plan::default() });
    assert!(!names(&all.send(&list).json()).is_empty() && all.upstream.requests().is_empty());
    let any = House::build(Plan { any: true, kind: ProviderKind::Gemini, ..Plan::default() });
    any.upstream.always(Answer::json(format!(r#"{{"models":[{{"name":"models/m","description":"by {EMAIL}"}}]}}"#)));
    let reply = any.send(&list);
    assert!(names(&reply.json()) == ["models/m"] && !reply.text().contains(EMAIL), "{}", reply.text());
    assert_eq!(any.upstream.requests()[0].path, "/v1/models?pageSize=5");
}

#[test]
fn a_name_with_googles_prefix_is_the_same_model_to_everybody() {
    use bartizan_gateway::{Measure, Model, Quota};
    let more = r#"@id("not-this") forbid (principal, action == Action::"prompt", resource == Model::"only-gemini");"#;
    let said = |name: &str| format!(r#"{{"model":"{name}","messages":[{{"role":"user","content":"hi"}}]}}"#);
    let adjust = |settings: &mut bartizan_gateway::Settings| {
        settings.models.push(Model::at("*", 4, None));
        let measure = Measure::Rate { requests: Some(1), tokens: None };
        settings.quotas = vec![Quota { name: "one".into(), key: None, group: None, model: Some("gemini-2".into()), shared: true, measure }];
    };
    let house = House::build(Plan { adjust: Some(Box::new(adjust)), more, ..Plan::default() });
    for name in ["only-gemini", "models/only-gemini", "models/models/only-gemini"] {
        let reply = house.chat(&said(name));
        assert_eq!((reply.status, reply.json()["error"]["code"].as_str()), (403, Some("policy_blocked")), "{name}: {}", reply.text());
    }
    // Counted as one, and called by one name.
    assert_eq!(house.chat(&said("models/gemini-2")).status, 200);
    assert!(house.upstream.requests()[0].path.ends_with("/models/gemini-2:generateContent"));
    assert_eq!(house.chat(&said("gemini-2")).status, 429);
    // What a key may use, too.
    let by_third = |name: &str| Call::chat(said(name)).with("authorization", &format!("Bearer {}", key(3)));
    assert_eq!(house.send(&by_third("models/gpt-4o-mini")).status, 200);
    assert!(house.seen().contains(r#""model":"gpt-4o-mini""#), "{}", house.seen());
    assert_eq!(house.send(&by_third("models/gemini-2")).status, 403);
}
