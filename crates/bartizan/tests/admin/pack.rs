//! An accuracy pack in the real process: from a reload on, with the built-in recogniser where it is late.

use std::path::Path;

use serde_json::Value;

use super::{Up, folder, good, last_request, refused};

#[path = "../wheel/mod.rs"]
mod wheel;

const FREE: &str = "gate.listen = '127.0.0.1:0'\nadmin.listen = '127.0.0.1:0'\n";

#[test]
fn names_that_only_the_pack_knows_from_a_reload_on() {
    let (dir, data) = folder();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("acme.whl"), wheel::zip(&wheel::files())).unwrap();
    good(&data, &["pack", "install", &at("acme.whl"), "--to", &at("acme")]);
    let config = |guard: &str| std::fs::write(at("bartizan.toml"), format!("{FREE}{guard}")).unwrap();
    config("guard.names = true\n");
    let up = Up::from_file(&data, Path::new(&at("bartizan.toml")));
    // The labels that were found in the last request, and how the pack fared.
    let asked = |count: usize| -> (Vec<String>, Option<String>) {
        assert_eq!(up.chat(None, "and jo berg and nobody else"), 200);
        let last = last_request(&data, count);
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let labels = last["findings"].as_array().unwrap().iter().map(|one| word(&one["label"])).collect();
        let run = last["guards"].as_array().unwrap().iter().find(|run| run["name"] == "pack").map(|run| word(&run["status"]));
        (labels, run)
    };
    assert_eq!(asked(1), (vec![], None));

    let pack = format!("guard.pack = '{}'\n", at("acme"));
    config(&format!("guard.names = true\nguard.pack_deadline = 30\n{pack}"));
    good(&data, &["reload"]);
    assert_eq!(asked(2), (vec!["pii.person".to_owned()], Some("ran".to_owned())));

    // What cannot be used does not come into force, and what was in force stays.
    let refuses = |text: &str, says: &str| {
        config(text);
        let said = refused(&data, &["reload"]);
        assert!(said.contains(says), "{said}");
    };
    refuses(&pack, "write `names = true`");
    refuses(&format!("guard.names = true\nguard.pack = '{}'\n", at("nowhere")), "`guard.pack` cannot be used");
    refuses(&format!("guard.names = true\nguard.pack_deadline = 0\n{pack}"), "must be from 0.01 to 60");
    assert_eq!(asked(3), (vec!["pii.person".to_owned()], Some("ran".to_owned())));

    config("guard.names = true\n");
    good(&data, &["reload"]);
    assert_eq!(asked(4), (vec![], None));
    assert_eq!(up.stop(), Some(0));
}
