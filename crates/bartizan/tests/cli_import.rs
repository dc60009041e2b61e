//! `import litellm`: what comes of whole files, that it loads and answers, that no secret leaves, and what is refused.

#![cfg(test)]

mod help;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use help::{bartizan, check};
use serde_json::{Value, json};

const SMALL: &str = include_str!("import/small.yaml");
const AZURE: &str = include_str!("import/azure.yaml");
const GUARDRAILS: &str = include_str!("import/guardrails.yaml");
const EVERYTHING: &str = include_str!("import/everything.yaml");

/// What comes of a file, and the exit code.
fn import(yaml: &str, more: &[&str]) -> (i32, Value) {
    let ran = bartizan(&[&["import", "litellm", "-", "--format", "json"], more].concat(), yaml.as_bytes());
    (ran.code, serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}{}", ran.stdout, ran.stderr)))
}

fn config(imported: &Value) -> toml::Table {
    imported["config"].as_str().unwrap().parse().unwrap()
}

/// What became of a key.
fn line<'a>(imported: &'a Value, key: &str) -> &'a Value {
    let found: Vec<&Value> = imported["report"].as_array().unwrap().iter().filter(|line| line["key"] == key).collect();
    assert_eq!(found.len(), 1, "{key} in {imported:#}");
    found[0]
}

#[track_caller]
fn outcome(imported: &Value, key: &str, outcome: &str, says: &str) {
    let line = line(imported, key);
    assert_eq!(line["outcome"], outcome, "{line}");
    assert!(format!("{} {}", line["says"], line["do"]).contains(says), "{line}");
}

fn entry(config: &toml::Table, table: &str, name: &str) -> toml::Table {
    let named = |entry: &&toml::Value| entry["name"].as_str() == Some(name);
    let found = config[table].as_array().unwrap().iter().find(named);
    found.unwrap_or_else(|| panic!("{name} in {config:#?}")).as_table().unwrap().clone()
}

/// A gate that runs until it is dropped.
struct Up {
    child: Child,
    address: String,
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a gate in a folder of its own, with the variables that it needs.
fn up(folder: &Path, name: &str, variables: &[Value], more: &[&str]) -> Up {
    let (data, ready) = (folder.join(name), folder.join(format!("{name}.ready")));
    let mut command = Command::new(env!("CARGO_BIN_EXE_bartizan"));
    command.env_clear().env("BARTIZAN_LOG", "error").current_dir(folder);
    command.envs(variables.iter().map(|name| (name.as_str().unwrap(), "a-key")));
    command.args(["up", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command.arg("--data").arg(data).arg("--ready-file").arg(&ready).args(more);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let end = Instant::now() + Duration::from_mins(1);
    while !ready.exists() {
        if child.try_wait().unwrap().is_some() {
            let mut said = String::new();
            child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            panic!("the gate ended at its start: {said}");
        }
        assert!(Instant::now() < end, "the gate is not ready");
        std::thread::sleep(Duration::from_millis(2));
    }
    let ready: Value = serde_json::from_str(&std::fs::read_to_string(&ready).unwrap()).unwrap();
    Up { child, address: ready["gate"].as_str().unwrap().trim_start_matches("http://").to_owned() }
}

impl Up {
    /// A chat request; status and body.
    fn chat(&self, model: &str, text: &str) -> (u16, String) {
        let body = json!({"model": model, "messages": [{"role": "user", "content": text}]}).to_string();
        let (address, length) = (&self.address, body.len());
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!("host: {address}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}");
        write!(stream, "POST /v1/chat/completions HTTP/1.1\r\n{head}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
    }
}

#[test]
fn a_small_file_answers() {
    let folder = tempfile::tempdir().unwrap();
    let sample = up(folder.path(), "sample", &[], &[]);
    let yaml = SMALL.replace("127.0.0.1:9", &sample.address);
    std::fs::write(folder.path().join("config.yaml"), &yaml).unwrap();
    let (from, to) = (folder.path().join("config.yaml"), folder.path().join("bartizan.toml"));
    let ran = bartizan(&["import", "litellm", from.to_str().unwrap(), "--output", to.to_str().unwrap()], b"");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, format!("wrote {}\n", to.display()).as_str()), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("line 4    carried      model_list[0].litellm_params.model: goes to a provider of the kind openai"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.ends_with("set before `bartizan up`: ANTHROPIC_API_KEY, GEMINI_API_KEY, OPENAI_API_KEY\n"), "{}", ran.stderr);
    let written: toml::Table = std::fs::read_to_string(&to).unwrap().parse().unwrap();
    assert_eq!(entry(&written, "providers", "anthropic")["base_url"].as_str(), Some("https://api.anthropic.com/v1"));
    assert_eq!(entry(&written, "models", "flash")["upstream_name"].as_str(), Some("gemini-2.5-flash"));

    let (_, imported) = import(&yaml, &[]);
    let gate = up(folder.path(), "imported", imported["variables"].as_array().unwrap(), &["--config", "bartizan.toml"]);
    let (status, answer) = gate.chat("small", "My card is 4111 1111 1111 1111.");
    assert!(status == 200 && answer.contains("4111 1111 1111 1111"), "{answer}");
    assert_eq!(gate.chat("other", "hello").0, 404);
}

/// Every file loads, with all its variables set.
#[test]
fn what_comes_of_every_file_starts() {
    for (name, yaml) in [("small", SMALL), ("azure", AZURE), ("guardrails", GUARDRAILS), ("everything", EVERYTHING)] {
        let folder = tempfile::tempdir().unwrap();
        let policies = folder.path().join("policies");
        let (code, imported) = import(yaml, &["--policies", policies.to_str().unwrap()]);
        assert_eq!(code, i32::from(name != "small"), "{name}");
        std::fs::write(folder.path().join("bartizan.toml"), imported["config"].as_str().unwrap()).unwrap();
        assert_eq!(policies.exists(), imported.get("policies").is_some());
        if policies.exists() {
            for command in ["check", "test"] {
                let ran = bartizan(&["policy", command, policies.to_str().unwrap()], b"");
                assert_eq!(ran.code, 0, "{name} {command}: {}{}", ran.stdout, ran.stderr);
            }
        }
        drop(up(folder.path(), "data", imported["variables"].as_array().unwrap(), &["--config", "bartizan.toml"]));
    }
}

#[test]
fn azure_keeps_its_deployments_and_versions() {
    let (_, imported) = import(AZURE, &[]);
    let config = config(&imported);
    let eu = entry(&config, "providers", "azure-contoso-eu");
    assert_eq!(
        (eu["kind"].as_str(), eu["base_url"].as_str(), eu["api_version"].as_str(), eu["api_key_env"].as_str()),
        (Some("azure"), Some("https://contoso-eu.openai.azure.com/openai"), Some("2024-10-21"), Some("AZURE_EU_KEY"))
    );
    let us = entry(&config, "providers", "azure-azure-us-base");
    assert_eq!(
        (us["base_url"].as_str(), us["api_key_env"].as_str()),
        (Some("https://azure-us-base.invalid/openai"), Some("AZURE_API_KEY"))
    );
    assert_eq!(entry(&config, "providers", "openai")["api_key_env"].as_str(), Some("OPENAI_API_KEY"));
    assert_eq!(config["gate"]["auth"].as_str(), Some("keys"));
    assert_eq!(config["timeouts"]["first_byte"].as_float(), Some(45.0));
    outcome(&imported, "general_settings.master_key", "changed", "bartizan keys create");
    outcome(&imported, "model_list[1].litellm_params.api_key", "changed", "set AZURE_API_KEY");
    outcome(&imported, "model_list[1].litellm_params.api_base", "changed", "https://azure-us-base.invalid");
    outcome(&imported, "router_settings.model_group_alias.gpt-4", "carried", "same place");
    outcome(&imported, "router_settings.model_group_alias.lost", "not_carried", "was not carried");
    assert_eq!(line(&imported, "model_list[0].litellm_params.api_base")["line"], 6);

    let places = json!([
        { "provider": "azure-contoso-eu", "upstream_name": "gpt-4o-eu", "weight": 3 },
        { "provider": "azure-azure-us-base", "upstream_name": "gpt-4o-us", "weight": 1 },
    ]);
    for name in ["gpt-4o", "gpt-4"] {
        let model = serde_json::to_value(entry(&config, "models", name)).unwrap();
        assert_eq!((&model["targets"], &model["fallback"]), (&places, &json!(["spare"])), "{name}");
    }
    let limits = json!([{ "name": "gpt-4o", "model": "gpt-4o", "per": "all", "requests_per_minute": 120, "tokens_per_minute": 180_000 }]);
    assert_eq!(serde_json::to_value(&config["limits"]["rate"]).unwrap(), limits);
    assert_eq!((config["retries"]["attempts"].as_integer(), config["breaker"]["failures"].as_integer()), (Some(3), Some(4)));
    assert_eq!(config["breaker"]["open_seconds"].as_float(), Some(20.0));
    outcome(&imported, "router_settings.fallbacks[0].gpt-4o", "carried", "as `fallback`");
    outcome(&imported, "router_settings.routing_strategy", "carried", "by their weights");
}

#[test]
fn guardrails_become_policies() {
    let (code, imported) = import(GUARDRAILS, &[]);
    assert_eq!(code, 1);
    outcome(&imported, "guardrails[0].litellm_params.pii_entities_config.CREDIT_CARD", "not_carried", "--policies DIR");
    assert!(!config(&imported).contains_key("policy"));

    let folder = tempfile::tempdir().unwrap();
    let policies = folder.path().join("my-policies");
    let dir = policies.to_str().unwrap();
    let (_, imported) = import(GUARDRAILS, &["--policies", dir]);
    assert_eq!((config(&imported)["policy"]["dir"].as_str(), &imported["policies"]), (Some(dir), &json!(dir)));
    let rows = [
        ("[0].litellm_params.pii_entities_config.CREDIT_CARD", "carried", "blocks `pci.card`"),
        ("[0].litellm_params.pii_entities_config.EMAIL_ADDRESS", "changed", "by a pseudonym"),
        ("[0].litellm_params.pii_entities_config.PERSON", "not_carried", "nothing finds `pii.person` yet"),
        ("[0].litellm_params.pii_entities_config.UK_NHS", "not_carried", "nothing finds this"),
        ("[1].litellm_params.patterns[0]", "changed", "only records `pii.us_ssn`"),
        ("[1].litellm_params.patterns[1]", "changed", "redact `secret.aws_access_key`"),
        ("[1].litellm_params.patterns[2]", "not_carried", "write a recogniser"),
        ("[1].litellm_params.blocked_words", "not_carried", "no lists of words"),
        ("[2].litellm_params.guardrail", "not_carried", "prompt injection is not looked for yet"),
        ("[3].litellm_params.guardrailIdentifier", "not_carried", "was not carried"),
        ("[4].litellm_params.guardrail", "changed", "redact secrets"),
        ("[5].litellm_params.guardrail", "changed", "stands in the way itself"),
    ];
    for (key, word, says) in rows {
        outcome(&imported, &format!("guardrails{key}"), word, says);
    }
    let decide = |text: &str| {
        let body = json!({"route": "POST /v1/chat/completions", "body": {"model": "m", "messages": [{"role": "user", "content": text}]}});
        let ran = bartizan(&["policy", "explain", "-", "--policies", dir], body.to_string().as_bytes());
        serde_json::from_str::<Value>(&ran.stdout).unwrap()["decision"].clone()
    };
    assert_eq!(decide("My card is 4111 1111 1111 1111"), "blocked");
    assert_eq!(decide("Mail ada@example.com"), "remedied");
    assert_eq!(decide("SSN 536-22-8145"), "remedied", "on request only, so it is recorded and treated as the built-in set does");
    check(&["import", "litellm", "-", "--policies", dir], GUARDRAILS, (2, "", "is not a new or empty folder"));
}

/// Each key of a file has a line, and each says what it means.
#[test]
fn every_key_has_a_line() {
    let (code, imported) = import(EVERYTHING, &[]);
    assert_eq!(code, 1);
    let rows = [
        ("model_list[0].litellm_params.api_key", "changed", "set OPENAI_API_KEY_3 "),
        ("model_list[0].litellm_params.temperature", "not_carried", "let clients send it"),
        ("model_list[0].litellm_params.brand_new_key", "not_carried", "does not know this key"),
        ("model_list[0].model_info.mode", "changed", "the route"),
        ("model_list[0].model_info.odd", "not_carried", "does not know"),
        ("model_list[0].brand_new_member", "not_carried", "does not know"),
        ("model_list[3].litellm_params.api_base", "changed", "left out"),
        ("model_list[4].litellm_params.api_base", "not_carried", "looks like a secret"),
        ("model_list[5].litellm_params.api_base", "carried", ""),
        ("model_list[6].litellm_params.litellm_credential_name", "carried", "credential_list"),
        ("model_list[8].litellm_params.model", "not_carried", "signed requests"),
        ("model_list[8].litellm_params.aws_access_key_id", "not_carried", "belongs to a model"),
        ("model_list[9].litellm_params.model", "not_carried", "service account"),
        ("model_list[10].litellm_params.model", "not_carried", "patterns of names"),
        ("model_list[11].litellm_params.model", "not_carried", "who serves it"),
        ("model_list[12].litellm_params.model", "changed", "check that it speaks OpenAI's format"),
        ("model_list[13].model_info.mode", "not_carried", "no route for it"),
        ("model_list[16]", "not_carried", "is missing"),
        ("environment_variables.GROQ_API_KEY", "not_carried", "set GROQ_API_KEY where the gate starts"),
        ("environment_variables.UNUSED", "changed", "nothing here reads"),
        ("include", "not_carried", "import that"),
        ("mystery_section", "not_carried", "does not know"),
        ("litellm_settings.request_timeout", "changed", "first_byte"),
        ("litellm_settings.cache", "not_carried", "keeps no answers"),
        ("litellm_settings.unheard_of", "not_carried", "does not know"),
        ("general_settings.database_url", "not_carried", "bartizan keys create"),
        ("general_settings.max_request_size_mb", "changed", "body_bytes"),
        ("general_settings.maximum_spend_logs_retention_period", "changed", "retention.events"),
        ("general_settings.unheard_of", "not_carried", "does not know"),
    ];
    for (key, word, says) in rows {
        outcome(&imported, key, word, says);
    }
    let report = imported["report"].as_array().unwrap();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for line in report {
        *counts.entry(line["outcome"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(imported["summary"], json!(counts));
    assert!(report.is_sorted_by_key(|line| line["line"].as_u64()));
    let config = config(&imported);
    assert_eq!(config["limits"]["body_bytes"].as_integer(), Some(8 << 20));
    assert_eq!(config["retention"]["events"].as_str(), Some("30d"));
    let last = config["models"].as_array().unwrap().last().unwrap();
    assert!(last["name"].as_str() == Some("*") && last.get("upstream_name").is_none(), "{last}");
    assert_eq!(entry(&config, "models", "say \"hi\"\n")["upstream_name"].as_str(), Some("seven"));
    assert_eq!(entry(&config, "providers", "groq")["api_key_env"].as_str(), Some("GROQ_API_KEY"));
    assert!(entry(&config, "providers", "hosted_vllm-127-0-0-1-9").get("api_key_env").is_none());

    // `literal` and `local` name each other: one of both is left out. Whoever names nobody has the default.
    let fallback = |name: &str| serde_json::to_value(entry(&config, "models", name)).unwrap()["fallback"].clone();
    assert_eq!((fallback("literal"), fallback("local"), fallback("quick")), (json!(["local"]), Value::Null, json!(["literal"])));
    let lines: Vec<&Value> = report.iter().filter(|line| line["key"] == "litellm_settings.fallbacks[0].local").collect();
    assert!(lines.iter().any(|line| line["says"].as_str().unwrap().contains("were not carried; the others")), "{lines:?}");
    assert!(lines.iter().any(|line| line["says"].as_str().unwrap().contains("in a circle")), "{lines:?}");
    assert_eq!((config["retries"]["attempts"].as_integer(), config["breaker"]["failures"].as_integer()), (Some(10), Some(0)));
}

/// Every line of the fixture's leaves is spoken of: no key is passed over.
#[test]
fn no_key_is_passed_over() {
    for yaml in [SMALL, AZURE, GUARDRAILS, EVERYTHING] {
        let (_, imported) = import(yaml, &[]);
        let spoken: Vec<&str> = imported["report"].as_array().unwrap().iter().map(|line| line["key"].as_str().unwrap()).collect();
        for key in
            ["model_name", "model", "api_key", "api_base", "rpm", "weight", "fallbacks", "guardrail", "mode", "callbacks", "num_retries"]
        {
            let written = yaml.lines().filter(|line| line.trim_start_matches("- ").trim_start().starts_with(&format!("{key}:"))).count();
            let is_told = |path: &&&str| path.split('.').any(|part| part.split('[').next() == Some(key));
            let told = spoken.iter().filter(is_told).count();
            assert!(told >= written, "{key}: {told} of {written} in {spoken:#?}");
        }
    }
}

#[test]
fn no_secret_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let text = bartizan(&["import", "litellm", "-"], EVERYTHING.as_bytes());
    let json = bartizan(&["import", "litellm", "-", "--format", "json"], EVERYTHING.as_bytes());
    let policies = folder.path().join("p");
    let more = bartizan(&["import", "litellm", "-", "--policies", policies.to_str().unwrap()], EVERYTHING.as_bytes());
    assert!(EVERYTHING.matches("HUSH").count() >= 18);
    for said in [&text.stdout, &text.stderr, &json.stdout, &json.stderr, &more.stdout, &more.stderr] {
        assert!(!said.contains("HUSH"), "{said}");
    }
    for yaml in [AZURE, GUARDRAILS] {
        let ran = bartizan(&["import", "litellm", "-"], yaml.as_bytes());
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("sk-1234"));
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("not-a-known-form"));
    }
    let broken = format!("{EVERYTHING}\n  bad: [HUSH-broken");
    let ran = bartizan(&["import", "litellm", "-"], broken.as_bytes());
    assert!(ran.code == 2 && !ran.stderr.contains("HUSH"), "{}", ran.stderr);
}

#[test]
fn what_is_refused_leaves_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    std::fs::write(&file, SMALL).unwrap();
    let (from, to) = (file.to_str().unwrap(), folder.path().join("out.toml"));
    let to = to.to_str().unwrap();
    std::fs::write(to, "mine").unwrap();
    check(&["import", "litellm", from, "--output", to], "", (2, "", "nothing is written over"));
    assert_eq!(std::fs::read_to_string(to).unwrap(), "mine");
    check(&["import", "litellm", from, "--output", from, "--force"], "", (2, "", "names the file that is imported"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), SMALL);
    let wrote = format!("wrote {to}\n");
    check(&["import", "litellm", from, "--output", to, "--force"], "", (0, &wrote, "0 not carried"));
    assert!(std::fs::read_to_string(to).unwrap().contains("[[models]]"));
    let rows = [
        ("", "it has none of the sections"),
        ("- a\n", "it has none of the sections"),
        ("models: []\n", "it has none of the sections"),
        ("model_list: [\n", "this is not YAML"),
        ("model_list: []\nmodel_list: []\n", "stands twice"),
    ];
    for (yaml, says) in rows {
        check(&["import", "litellm", "-"], yaml, (2, "", says));
    }
    check(&["import", "litellm", "/no/such/file"], "", (2, "", "cannot be read"));
    let (code, imported) = import("model_list: [{model_name: a, litellm_params: {model: bedrock/a}}]\n", &[]);
    assert_eq!(code, 1);
    outcome(&imported, "model_list", "not_carried", "sample model");
    assert_eq!(import("model_list: [{model_name: a, litellm_params: {model: bedrock/a}}]\n", &["--exit-zero"]).0, 0);
}

/// Shares are whole numbers up to 1,000, and every place that had one keeps one.
#[test]
fn shares_orders_and_chains() {
    let place = |more: &str, at: usize| {
        format!("- {{model_name: m, litellm_params: {{model: openai/m{at}, api_base: 'http://127.0.0.1:{at}/v1', {more}}}}}\n")
    };
    let weights = |rows: &[&str]| -> Value {
        let yaml: String = rows.iter().zip(1..).map(|(more, at)| place(more, at)).collect();
        let (_, imported) = import(&format!("model_list:\n{yaml}"), &[]);
        let model = serde_json::to_value(entry(&config(&imported), "models", "m")).unwrap();
        model["targets"].as_array().unwrap().iter().map(|target| target["weight"].clone()).collect()
    };
    assert_eq!(weights(&["weight: 0.9", "weight: 0.1", "weight: 0.00001"]), json!([1_000, 111, 1]));
    assert_eq!(weights(&["rpm: 600", "rpm: 200", "seed: 1"]), json!([600, 200, 0]));
    assert_eq!(weights(&["order: 1", "order: 2", "order: 1"]), json!([null, 0, null]));
    assert_eq!(weights(&["seed: 1", "seed: 2"]), json!([null, null]));

    // A chain of thirty: each has at most sixteen behind it, and the whole loads.
    let models: Vec<String> = (0..30).map(|at| format!("- {{model_name: m{at}, litellm_params: {{model: openai/m{at}}}}}\n")).collect();
    let chain: Vec<String> = (0..29).map(|at| format!("  - {{m{at}: [m{}]}}\n", at + 1)).collect();
    let (models, chain) = (models.concat(), chain.concat());
    let (_, imported) = import(&format!("model_list:\n{models}router_settings:\n  fallbacks:\n{chain}"), &[]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bartizan.toml"), imported["config"].as_str().unwrap()).unwrap();
    drop(up(folder.path(), "data", imported["variables"].as_array().unwrap(), &["--config", "bartizan.toml"]));
    assert!(imported["report"].to_string().contains("at most 16 fallbacks"));
}
