//! The remedies `surrogate` and `encrypt` by the real process: in requests and streams, and from a reload on.

use std::path::Path;

use serde_json::{Value, json};

use super::{Up, call, folder, good, json as parsed, refused, run};

const FREE: &str = "gate.listen = '127.0.0.1:0'\nadmin.listen = '127.0.0.1:0'\n";
const CARD: &str = "4532 8126 7735 4687";

fn policies(remedy: &str) -> String {
    format!(
        r#"@id("allow") permit (principal, action, resource);
        @id("out") @remedy("{remedy}") @labels("pci.*, pii.*")
        forbid (principal, action, resource) when {{ context.labels.containsAny(["pci", "pii"]) }};"#
    )
}

/// What the sample model answers when it is asked to show what reached it, whole or streamed.
fn shown(up: &Up, stream: bool) -> String {
    let text = format!("Pay {CARD} for ada@example.com. What do you see?");
    let body = json!({"model": "sample", "stream": stream, "messages": [{"role": "user", "content": text}]}).to_string();
    let (status, answer) = call(up.at("gate"), "POST /v1/chat/completions", "content-type: application/json\r\n", &body);
    assert_eq!(status, 200, "{answer}");
    assert!(!answer.contains(CARD) && !answer.contains("ada@example"), "{answer}");
    if !stream {
        return parsed(&answer)["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    }
    let events = answer.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|line| line.starts_with('{'));
    events.filter_map(|event| parsed(event)["choices"][0]["delta"]["content"].as_str().map(str::to_owned)).collect()
}

#[test]
fn sealed_and_invented_values_from_a_reload_on() {
    let (dir, data) = folder();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let write = |name: &str, text: &str| std::fs::write(at(name), text).unwrap();
    std::fs::create_dir(at("rules")).unwrap();
    write("rules/a.cedar", &policies("redact"));
    write("seal.key", "a key of thirty-two letters here\n");
    write("bartizan.toml", &format!("{FREE}policy.dir = '{}'\n", at("rules")));
    let up = Up::from_file(&data, Path::new(&at("bartizan.toml")));
    assert!(shown(&up, false).contains("Pay [REDACTED"), "{}", shown(&up, false));

    // Policies that ask for a key that is not there are refused, and what was in force stays.
    write("rules/a.cedar", &policies("surrogate"));
    let said = refused(&data, &["reload"]);
    assert!(said.contains("(`out`)") && said.contains("seal_key = \"seal.key\"") && said.contains("[guard]"), "{said}");
    assert!(shown(&up, false).contains("Pay [REDACTED"));

    write("bartizan.toml", &format!("{FREE}policy.dir = '{}'\nguard.seal_key = '{}'\n", at("rules"), at("seal.key")));
    good(&data, &["reload"]);
    let whole = shown(&up, false);
    assert!(whole.contains("Pay 4000 00") && whole.contains("for user."), "{whole}");
    assert_eq!(shown(&up, true), whole, "the same surrogates in a stream");

    write("rules/a.cedar", &policies("encrypt"));
    good(&data, &["reload"]);
    for stream in [false, true] {
        let sealed = shown(&up, stream);
        assert!(sealed.contains("Pay [SEALED:pci.card:"), "{sealed}");
        // Where the model shows what reached it, it writes another sign for each underscore.
        write("out.txt", sealed.split(" What reached me").next().unwrap());
        let plain = good(&data, &["reveal", "--key-file", &at("seal.key"), &at("out.txt")]);
        assert!(plain.starts_with(&format!("You said: Pay {CARD} for ada@example.com.")), "{plain}");
    }
    let events = good(&data, &["events", "--format", "jsonl"]);
    let remedies: Vec<Value> = events.lines().flat_map(|line| parsed(line)["remedies"].as_array().cloned().unwrap_or_default()).collect();
    for remedy in ["redact", "surrogate", "encrypt"] {
        assert!(remedies.iter().any(|one| one["label"] == "pci.card" && one["remedy"] == remedy), "{remedy} {remedies:?}");
    }
    assert!(!events.contains("4532") && !events.contains("SEALED"));
    assert_eq!(up.stop(), Some(0));

    // A start refuses what a reload refuses.
    write("bartizan.toml", &format!("{FREE}policy.dir = '{}'\n", at("rules")));
    let output = run(&data, &["up", "--config", &at("bartizan.toml")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no key for them"));
}
