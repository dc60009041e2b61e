//! `detect` and `redact` with rules and dictionaries of one's own.

#![cfg(test)]

mod help;

use std::fs;

use help::check;

const RULE: &str = r#"
label = "custom.ticket"
description = "Tickets."
threshold = 0.5
severity = "low"
[[rule]]
id = "custom.ticket"
keywords = ["tkt-"]
pattern = '''tkt-\d{6}'''
score = 0.9
source = "made up"
examples = [{ text = "see TKT-123456.", find = "TKT-123456" }, { text = "tkt-000001", find = "tkt-000001" }]
counter_examples = ["tkt-12345", "TKT-1234567"]
"#;

const WORDS: &str = "[dictionary]\nlabel = 'custom.projects'\nwords = ['Blue Heron']\nfile = 'list.txt'\n";

#[test]
fn rules_and_dictionaries_are_added() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).to_str().unwrap().to_owned()
    };
    let (rule, words) = (write("rule.toml", RULE), write("words.toml", WORDS));
    write("list.txt", "Project Falcon\n\n  Grey Owl \n");
    let flags = ["redact", "--rules", &rule, "--rules", &words];
    let text = "tkt-424242 of project falcon, BLUE HERON, grey-owl, ada@example.com\n";
    let clean = "[REDACTED_TICKET] of [REDACTED_PROJECTS], [REDACTED_PROJECTS], [REDACTED_PROJECTS], [REDACTED_EMAIL]\n";
    check(&flags, text, (0, clean, ""));
    check(&["detect", "--rules", &rule, "--only", "custom.ticket"], "ada@example.com", (0, "", "nothing found"));
    let detect = |file: &str, says: &str| check(&["detect", "--rules", file], "tkt-424242", (2, "", says));
    detect(&write("bad.toml", &RULE.replace("= \"low\"", "= \"dire\"")), "bad.toml` cannot be used");
    let failing = write("bad.toml", &RULE.replace("\"tkt-000001\" }", "\"tkt-000002\" }"));
    detect(&failing, "rule `custom.ticket`: `tkt-000002` is not found");
    detect(&write("bad.toml", &RULE.replace("\"tkt-12345\"", "\"tkt-123456\"")), "`tkt-123456` is found in the counter-example");
    detect(&write("bad.toml", &RULE.replace("custom.ticket\"", "pii.email\"")), "given twice");
    detect(&write("nobody.toml", &RULE.replace("custom.ticket\"", "acme.ticket\"")), "call it `custom.acme.ticket`");
    detect(&write("bad.toml", &RULE.replace("\\d{6}", "\\d+")), "bad.toml` cannot be used");
    detect(&write("bad.toml", &WORDS.replace("list.txt", "none.txt")), "none.txt` cannot be read");
    detect(&write("bad.toml", &WORDS.replace("Blue Heron", "?!")), "phrase 1, `?!`, cannot be looked for");
    detect("no-such-file.toml", "no-such-file.toml` cannot be read");
}
