//! `policy check`, `explain` and `test`, and that the default policies name every label that can be found.

#![cfg(test)]

mod help;

use std::process::Command;
use std::sync::Arc;

use bartizan_detect::Detector;
use bartizan_detect::subjects::Subjects;
use bartizan_policy::{Action, Facts, PolicySet, Resource, default_sources};
use bartizan_vocabulary::{Decision, Principal, PrincipalId, PrincipalKind, Remedy, Role, Timestamp};
use help::{bartizan, check};
use serde_json::{Value, json};

#[test]
fn check_names_file_line_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let ran = bartizan(&["policy", "check"], b"");
    assert!(ran.code == 0 && ran.stdout.starts_with("built-in set: good: 15 policies in 5 files, sha256:"), "{}", ran.stdout);
    check(&["policy", "check", dir], "", (2, "", "there is no `*.cedar` file"));
    check(&["policy", "check", "/no/such/folder"], "", (2, "", "cannot be read"));
    std::fs::write(folder.path().join("a.cedar"), "permit (principal, action, resource)\nwhen { context.labls };\n").unwrap();
    let ran = bartizan(&["policy", "check", dir], b"");
    assert_eq!(ran.code, 2);
    assert!(ran.stdout.contains("a.cedar:2:8: error: ") && ran.stdout.contains("help: did you mean `labels`?"), "{}", ran.stdout);
    let ran = bartizan(&["policy", "check", dir, "--format", "json"], b"");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &report["ok"], &report["diagnostics"][0]["line"]), (2, &json!(false), &json!(2)));
    let ran = bartizan(&["policy", "explain", "-", "--policies", dir], b"{\"body\":{}}");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "bad policies explain nothing");
}

#[test]
fn a_version_does_not_depend_on_where_the_folder_lies() {
    let version = |args: &[&str]| {
        let ran = bartizan(&[&["policy", "check", "--format", "json"], args].concat(), b"");
        serde_json::from_str::<Value>(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr))["version"].clone()
    };
    let (relative, absolute) = ("../../policies", concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies"));
    assert_eq!((version(&[]), version(&[])), (version(&[relative]), version(&[absolute])));
    // A policy without an id is named by its file, and the folder stays untold.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.cedar"), "permit (principal, action, resource);").unwrap();
    let ran = bartizan(
        &["policy", "explain", "-", "--policies", folder.path().to_str().unwrap()],
        b"{\"body\":{\"model\":\"m\",\"messages\":[]}}",
    );
    let said: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(said["steps"][0]["policies"][0]["id"], "a.cedar#1");
}

/// A misspelt word is a mistake; words of later detectors and of one's own are not.
#[test]
fn words_that_nothing_has_are_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [
        ("context.labels.contains(\"secrets\")", Some("did you mean `secret`?")),
        ("context.labels.contains(\"pii.mail\")", Some("did you mean `pii.email`?")),
        ("context.uninspected.contains(\"images\")", Some("did you mean `image`?")),
        ("context.guards.failed.contains(\"detector\")", Some("did you mean `detect`?")),
        ("context.route == \"POST /v1/chat\"", Some("`POST /v1/chat/completions`")),
        ("context.labels.contains(\"weather\")", Some("begin with `custom.`")),
        ("context.labels.containsAny([\"pii.person\", \"attack.jailbreak\", \"phi.diagnosis\", \"custom.project\", \"x.y\"])", None),
        ("context.labels.containsAny([\"attack\", \"phi\", \"uninspected.sealed\", \"secret.slack\"])", None),
    ];
    for (condition, help) in rows {
        let text = format!("forbid (principal, action, resource) when {{ {condition} }};");
        std::fs::write(folder.path().join("a.cedar"), text).unwrap();
        let ran = bartizan(&["policy", "check", folder.path().to_str().unwrap()], b"");
        assert_eq!(ran.code, if help.is_some() { 2 } else { 0 }, "{condition}: {}", ran.stdout);
        assert!(ran.stdout.contains(help.unwrap_or("good: 1 policies")), "{condition}: {}", ran.stdout);
    }
}

fn explain(input: &Value) -> (i32, Value) {
    let ran = bartizan(&["policy", "explain", "-"], input.to_string().as_bytes());
    (ran.code, serde_json::from_str(&ran.stdout).unwrap_or_else(|_| json!(ran.stderr)))
}

#[test]
fn explain_reads_a_body_as_the_gate_does() {
    let ask = |content: Value| {
        json!({ "route": "POST /v1/chat/completions", "principal": "user:ada", "groups": ["finance"],
                "body": { "model": "gpt-4o", "messages": [{ "role": "user", "content": content }] } })
    };
    let (code, said) = explain(&ask(json!("hello")));
    assert_eq!((code, &said["decision"], said["steps"].as_array().unwrap().len()), (0, &json!("permit"), 1));

    let (_, said) = explain(&ask(json!("mail ada@example.com")));
    assert_eq!(said["decision"], "remedied");
    assert_eq!(said["steps"][0]["labels"], json!(["pii", "pii.email"]));
    assert_eq!(said["steps"][0]["remedies"], json!([{ "label": "pii.email", "remedy": "tokenise" }]));
    assert_eq!(said["steps"][0]["policies"][0]["id"], "personal.tokenise");
    assert_eq!(said["steps"][1]["policies"][0]["id"], "access.use-models");
    assert_eq!(said["steps"][0]["errors"], json!([]));

    // Two parts of one text are one text.
    let (_, said) = explain(&ask(json!([{ "type": "text", "text": "mail ada@exam" }, { "type": "text", "text": "ple.com" }])));
    assert_eq!(said["decision"], "remedied");

    let file = json!([{ "type": "file", "file": { "file_data": "data:application/pdf;base64,JVBERi0xLjQK" } }]);
    let (_, said) = explain(&ask(file));
    assert_eq!((&said["decision"], &said["steps"][0]["policies"][0]["id"]), (&json!("blocked"), &json!("uninspected.block")));

    // Where nothing can be replaced, the gate blocks.
    let mut named = ask(json!("hello"));
    named["body"]["tools"] = json!([{ "type": "function", "function": { "name": "ada@example.com" } }]);
    let (_, said) = explain(&named);
    assert_eq!(said["decision"], "blocked", "{said}");

    let answer =
        json!({ "direction": "response", "body": { "choices": [{ "message": { "role": "assistant", "content": "ada@example.com" } }] } });
    let (_, said) = explain(&answer);
    assert_eq!(said["steps"][0]["remedies"], json!([{ "label": "pii.email", "remedy": "redact" }]));
}

#[test]
fn explain_says_what_it_cannot_use() {
    let body = json!({ "model": "m", "messages": [] });
    let table = [
        (json!({}), "the field `body` is missing"),
        (json!({ "body": { "messages": [] } }), "the field `model` is missing"),
        (json!({ "body": [] }), "the body must be a JSON object"),
        (json!({ "route": "GET /v1/models", "body": body }), "has no body that is judged"),
        (json!({ "principal": "ada", "body": body }), "`ada` is not a principal"),
        (json!({ "facts": { "principal": 1 } }), "expected `{\"route\""),
        (json!("x"), "expected `{\"route\""),
    ];
    for (input, says) in table {
        let (code, said) = explain(&input);
        assert!(code == 2 && said.as_str().is_some_and(|said| said.contains(says)), "{input}: {said}");
    }
    let twice = "{\"body\":{\"model\":\"a\",\"model\":\"b\",\"messages\":[]}}";
    check(&["policy", "explain", "-"], twice, (2, "", "the gate would answer 400: the field `model` occurs more than once"));
}

#[test]
fn explain_takes_the_facts_of_an_event() {
    let facts = serde_json::to_value(facts(Action::Prompt, "secret.github")).unwrap();
    let (code, said) = explain(&json!({ "schema": 1, "id": "x", "facts": facts }));
    assert_eq!((code, &said["decision"]), (0, &json!("remedied")));
    assert_eq!(said["steps"][0]["remedies"], json!([{ "label": "secret.github", "remedy": "redact" }]));
}

#[test]
fn tables_are_run() {
    let ran = bartizan(&["policy", "test"], b"");
    assert!(ran.code == 0 && ran.stdout.starts_with("built-in set: ") && ran.stdout.ends_with("rows hold\n"), "{}", ran.stdout);
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    std::fs::write(folder.path().join("a.cedar"), "@id(\"all\")\npermit (principal, action, resource);\n").unwrap();
    check(&["policy", "test", dir], "", (2, "", "there are no tables to run"));
    std::fs::create_dir(folder.path().join("tests")).unwrap();
    let table = "[[row]]\nname = \"open\"\naction = \"prompt\"\nexpect = \"permit\"\n[[row]]\nname = \"closed\"\naction = \"prompt\"\nexpect = \"blocked\"\n";
    let file = folder.path().join("tests/t.toml");
    std::fs::write(&file, table).unwrap();
    let wrong = format!("wrong {}: closed\n      decision: expected blocked, got permit\n1 of 2 rows hold\n", file.display());
    check(&["policy", "test", dir], "", (1, &wrong, ""));
    std::fs::write(&file, "[[row]]\nnme = \"open\"\n").unwrap();
    check(&["policy", "test", dir], "", (2, "", "t.toml"));
}

#[test]
fn what_would_refuse_everything_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let warning = "no `permit` covers `prompt`: every request will be refused; a policy folder replaces the built-in set";
    let rows = [
        ("forbid (principal, action, resource);", true),
        ("permit (principal, action == Action::\"listModels\", resource);", true),
        ("permit (principal, action in [Action::\"prompt\", Action::\"complete\"], resource);", false),
        ("permit (principal, action, resource);", false),
    ];
    for (text, warns) in rows {
        std::fs::write(folder.path().join("a.cedar"), text).unwrap();
        let ran = bartizan(&["policy", "check", dir], b"");
        assert_eq!((ran.code, ran.stderr.contains(warning)), (0, warns), "{text}: {}", ran.stderr);
    }
}

#[test]
fn the_built_in_set_can_be_written_and_is_not_taken_for_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("policies");
    let path = dir.to_str().unwrap();
    let ran = bartizan(&["policy", "init", path], b"");
    assert!(ran.code == 0 && ran.stdout.starts_with("wrote the built-in set to "), "{}{}", ran.stdout, ran.stderr);
    check(&["policy", "init", path], "", (2, "", "is not a new or empty folder"));
    check(&["policy", "init", dir.join("access.cedar").to_str().unwrap()], "", (2, "", "is not a new or empty folder"));
    let version = |stdout: &str| stdout.split("sha256:").nth(1).map(str::to_owned);
    let (own, built_in) = (bartizan(&["policy", "check", path], b""), bartizan(&["policy", "check"], b""));
    assert!(own.stdout.starts_with("good: ") && version(&own.stdout).is_some(), "{}", own.stdout);
    assert_eq!(version(&own.stdout), version(&built_in.stdout));
    assert!(!built_in.stderr.contains("was not read"), "{}", built_in.stderr);
    for command in ["check", "test"] {
        let output = Command::new(env!("CARGO_BIN_EXE_bartizan")).args(["policy", command]).current_dir(&folder).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(&format!("`policies/` was not read; name it: `bartizan policy {command} policies/`")), "{said}");
        let ran = bartizan(&["policy", command, path], b"");
        assert!(ran.code == 0 && !ran.stdout.contains("built-in"), "{}", ran.stdout);
    }
}

#[test]
fn explain_says_with_which_policies() {
    let input = json!({ "body": { "model": "m", "messages": [] } });
    let (_, said) = explain(&input);
    let version = said["policy_version"].as_str().unwrap().to_owned();
    assert!(said["set"] == "built-in" && version.starts_with("sha256:") && said.get("event_policy_version").is_none(), "{said}");
    let text = bartizan(&["policy", "explain", "-", "--format", "text"], input.to_string().as_bytes()).stdout;
    assert!(text.starts_with(&format!("with the set built-in, {version}\npermit")), "{text}");
    let facts = serde_json::to_value(facts(Action::Prompt, "secret.github")).unwrap();
    for (of_event, differs) in [(version.as_str(), false), ("sha256:0", true)] {
        let event = json!({ "facts": facts, "policy_version": of_event }).to_string();
        let ran = bartizan(&["policy", "explain", "-"], event.as_bytes());
        let said: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(said.get("event_policy_version").is_some(), differs, "{said}");
        assert_eq!(ran.stderr.contains("was decided with other policies, sha256:0"), differs, "{}", ran.stderr);
    }
    assert!(!bartizan(&["policy", "explain", "--help"], b"").stdout.contains("\\\""));
}

/// A folder with a gate's configuration, and what lies beside it. `{}` in a file's text is the folder.
fn gate(files: &[(&str, &str)]) -> (tempfile::TempDir, impl Fn(&str) -> String + use<>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let at = move |name: &str| path.join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(at("rules")).unwrap();
    for (name, text) in files {
        std::fs::write(at(name), text.replace("{}", folder.path().to_str().unwrap())).unwrap();
    }
    (folder, at)
}

const RULES: &str = r#"@id("allow") permit (principal, action, resource);
    @id("own") @remedy("redact") @labels("custom.*, pii.person, pii.id.uk_nino, pii.email")
    forbid (principal, action, resource) when { context.labels.containsAny(["custom", "pii.person", "pii.id.uk_nino", "pii.email"]) };
    @id("planned") @remedy("log") forbid (principal, action, resource) when { context.by_role.user.labels.contains("attack.jailbreak") };"#;

const GUARD: &str = "[policy]\ndir = '{}/rules'\n[guard]\nnames = true\nown_rules = ['{}/words.toml']\n";

#[test]
fn explain_finds_what_the_gate_finds() {
    let words = "[dictionary]\nlabel = 'custom.projects'\nwords = ['Blue Heron']\n";
    let (_folder, at) = gate(&[("rules/a.cedar", RULES), ("bartizan.toml", GUARD), ("words.toml", words)]);
    let ask = |name: Option<&str>| {
        let text = "Mira Okafor about Blue Heron, NINO AB123456C, ada@example.com";
        let content = json!([{ "role": "user", "name": "Mira_Okafor", "content": text }]);
        let input = json!({ "body": { "model": "gpt-4o", "messages": content } }).to_string();
        let mut args = vec!["policy", "explain", "-"];
        let config = at("bartizan.toml");
        if name.is_some() {
            args.extend(["--config", config.as_str()]);
        }
        let ran = bartizan(&args, input.as_bytes());
        let said: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
        (said["set"].as_str().unwrap().to_owned(), said["steps"][0]["labels"].clone())
    };
    let built_in = json!(["pii", "pii.email", "pii.id", "pii.id.uk_nino"]);
    assert_eq!(ask(None), ("built-in".to_owned(), built_in), "a gate without a configuration looks for what rules find");
    let all = json!(["custom", "custom.projects", "pii", "pii.email", "pii.id", "pii.id.uk_nino", "pii.person"]);
    assert_eq!(ask(Some("bartizan.toml")), (at("rules"), all));
    std::fs::write(at("bartizan.toml"), "guard.own_rules = ['/no/such/file']").unwrap();
    check(
        &["policy", "explain", "-", "--config", &at("bartizan.toml")],
        "{\"body\":{\"model\":\"m\",\"messages\":[]}}",
        (2, "", "`guard.own_rules`"),
    );
}

#[test]
fn a_policy_on_what_the_gate_does_not_look_for_is_named() {
    let words = "[dictionary]\nlabel = 'custom.projects'\nwords = ['Blue Heron']\n";
    let (_folder, at) = gate(&[("rules/a.cedar", RULES), ("bartizan.toml", "policy.dir = '{}/rules'\n"), ("words.toml", words)]);
    let warned = |args: &[&str]| {
        let ran = bartizan(&[&["policy", "check", "--format", "json"], args].concat(), b"");
        let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
        assert_eq!((ran.code, &report["ok"]), (0, &json!(true)), "never an error");
        let warnings: Vec<String> = serde_json::from_value(report["warnings"].clone()).unwrap();
        assert!(warnings.iter().all(|warning| ran.stderr.contains(&format!("warning: {warning}"))), "{}", ran.stderr);
        warnings
    };
    let config = at("bartizan.toml");
    let planned = "the policy `planned` names what this gate does not look for: `attack.jailbreak` (nothing finds it yet)";
    assert_eq!(
        warned(&["--config", &config]),
        [
            "the policy `own` names what this gate does not look for: \
             `pii.person` (needs `names = true` below `[guard]`); \
             `custom`, `custom.*` (needs `own_rules`, `exact` or `fingerprints` below `[guard]`)",
            planned,
        ]
    );
    std::fs::write(&config, GUARD.replace("{}", at("").trim_end_matches('/'))).unwrap();
    assert_eq!(warned(&["--config", &config]), [planned]);
    // Without a configuration it is not known what is looked for; and the built-in set names everything.
    assert_eq!(warned(&[&at("rules")]), Vec::<String>::new());
    std::fs::write(&config, "").unwrap();
    assert_eq!(warned(&["--config", &config]), Vec::<String>::new());
    let copy = at("copy");
    assert_eq!(bartizan(&["policy", "init", &copy], b"").code, 0);
    assert_eq!(warned(&[&copy, "--config", &config]), Vec::<String>::new());
    // What a gate would refuse is an error here, too.
    std::fs::write(at("rules/b.cedar"), r#"@id("e") @remedy("encrypt") @labels("pii.*") forbid (principal, action, resource);"#).unwrap();
    check(&["policy", "check", &at("rules"), "--config", &config], "", (2, "", "there is no key for them (`e`)"));
    assert!(bartizan(&["policy", "check", &at("rules")], b"").stdout.starts_with("good: 4 policies"));
}

fn facts(action: Action, label: &str) -> Facts {
    let id = PrincipalId::new("user:ada");
    let principal = Principal { id, kind: PrincipalKind::User, key: None, groups: Vec::new(), models: None };
    let mut facts = Facts::new(Arc::new(principal), action, Resource::default(), Timestamp::default());
    facts.add_finding(if action == Action::Complete { Role::Assistant } else { Role::User }, &label.into(), 9_000);
    facts
}

/// A label that nobody thought of when the policies were written fails here.
#[test]
fn the_default_policies_treat_every_label() {
    let set = PolicySet::load(&default_sources()).unwrap();
    for info in Detector::builtin().unwrap().with_subjects(Subjects::builtin().unwrap()).unwrap().labels() {
        let label = info.label.as_str();
        for (action, personal) in [(Action::Prompt, Remedy::Tokenise), (Action::Complete, Remedy::Redact)] {
            let explanation = set.explain(&facts(action, label));
            let first = &explanation.steps[0];
            let asked: Vec<Remedy> = first.remedies.iter().map(|one| one.remedy).collect();
            let recorded: Vec<&str> = first.recorded.iter().map(|one| one.id.as_str()).collect();
            let expected = match label.split('.').next().unwrap() {
                "secret" => Some(Remedy::Redact),
                "pci" | "phi" => Some(personal),
                "pii" if label != "pii.url" => Some(personal),
                _ => None,
            };
            if let Some(expected) = expected {
                assert_eq!((explanation.decision, asked), (Decision::Remedied, vec![expected]), "{label} on {action:?}");
            } else {
                assert_eq!((explanation.decision, asked), (Decision::Permit, Vec::new()), "{label} on {action:?}");
                assert!(!recorded.is_empty(), "{label} on {action:?} is in no policy");
            }
        }
    }
}
