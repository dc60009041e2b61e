//! Budgets and circuits of the real process: kept over a restart and a reload, and shown.

use super::{Up, call, folder, good, member};

fn config(data: &std::path::Path, more: &str) -> std::path::PathBuf {
    let path = data.with_extension("toml");
    std::fs::write(&path, format!("[gate]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n{more}")).unwrap();
    path
}

#[test]
fn what_was_spent_is_kept_over_a_restart_and_a_reload() {
    let (_dir, data) = folder();
    let budget = "[[limits.budget]]\nname = \"b\"\nperiod = \"month\"\ntokens = 5000\n";
    let path = config(&data, budget);
    // About 1,500 tokens each, and as many in the answer.
    let text = "word ".repeat(1_200);
    let up = Up::from_file(&data, &path);
    assert_eq!((up.chat(None, &text), up.chat(None, &text)), (200, 429));
    assert_eq!(up.stop(), Some(0));
    let up = Up::from_file(&data, &path);
    assert_eq!(up.chat(None, &text), 429, "spent before the restart");
    assert_eq!(up.chat(None, "short"), 200, "there is a little left");
    // Taken out and put back.
    config(&data, "");
    good(&data, &["reload"]);
    assert_eq!(up.chat(None, &text), 200);
    config(&data, budget);
    good(&data, &["reload"]);
    assert_eq!(up.chat(None, &text), 429);
    config(&data, &budget.replace("5000", "500000"));
    good(&data, &["reload"]);
    assert_eq!(up.chat(None, &text), 200, "the same budget, and larger");
    let metrics = call(up.at("admin"), "GET /metrics", "", "").1;
    assert!(metrics.contains("bartizan_gate_limited_total 2\n") && metrics.contains("circuit_state{provider=\"sample\"} 0\n"), "{metrics}");
}

#[test]
fn each_key_has_its_own() {
    let (_dir, data) = folder();
    let up = Up::from_file(&data, &config(&data, "[[limits.rate]]\nname = \"r\"\nkey = \"ci-*\"\nrequests_per_minute = 1\n"));
    let key = |name: &str| member(&good(&data, &["keys", "create", "--name", name, "--format", "json"]), "key");
    let (ada, one, two) = (key("ada"), key("ci-1"), key("ci-2"));
    let statuses = [&one, &one, &two, &two, &ada, &ada].map(|key| up.chat(Some(key), "hello"));
    assert_eq!(statuses, [200, 429, 200, 429, 200, 200]);
}
