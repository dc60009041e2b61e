//! `detect --subjects` and `train subject`: texts on the left, exit code and output on the right.

#![cfg(test)]

mod help;

use std::fs;
use std::path::Path;

use help::{bartizan, check};
use serde_json::{Value, json};

const CONTRACT: &str = "Either party may terminate this Agreement upon thirty days' written notice to the other party. The Supplier shall \
    indemnify the Customer against all claims arising from a breach of its obligations. Neither party may assign its rights without the \
    prior written consent of the other party. The liability of the Supplier under this Agreement shall not exceed the fees paid in the \
    preceding year. This Agreement is governed by the laws of Ireland, and the parties submit to the jurisdiction of its courts. If any \
    provision is held to be unenforceable, the remaining provisions shall remain in full force. Mail to ada@example.com.";

fn examples(folder: &Path, subject: &str, count: usize) {
    let inside = folder.join(subject);
    fs::create_dir_all(&inside).unwrap();
    let say = ["the queen was marked", "the brood frames were moved", "varroa mites were counted", "the hive was fed with syrup"];
    for n in 0..count {
        let text: String = (0..30)
            .map(|line| format!("{} and honey was taken from colony {}. ", say[(n + line) % 4], n + line))
            .collect::<Vec<_>>()
            .concat();
        fs::write(inside.join(format!("{n}.txt")), text).unwrap();
    }
}

#[test]
fn passages_are_told_beside_findings() {
    let ran = bartizan(&["detect", "--subjects"], CONTRACT.as_bytes());
    assert_eq!(ran.code, 1);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ran.stdout);
    assert!(lines[0].contains("pii.email") && lines[1].starts_with("(stdin):1:1") && lines[1].contains("subject.contract"));
    let line = json!({"id": 1, "text": CONTRACT}).to_string();
    let ran = bartizan(&["detect", "--jsonl", "--subjects"], line.as_bytes());
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((answer["findings"].as_array().unwrap().len(), &answer["subjects"][0]["label"]), (1, &json!("subject.contract")));
    let ran = bartizan(&["detect", "--format", "json", "--subjects", "--only", "subject"], CONTRACT.as_bytes());
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, answer["findings"].as_array().unwrap().len(), answer["subjects"].as_array().unwrap().len()), (1, 0, 1));
    // Who does not ask is not told.
    let ran = bartizan(&["detect", "--jsonl"], line.as_bytes());
    assert!(!ran.stdout.contains("subject"), "{}", ran.stdout);
    check(&["detect", "--subjects"], "What does it cost to rent a boat?", (0, "", "nothing found"));
    let labels = bartizan(&["detect", "--labels", "--subjects"], b"").stdout;
    assert!(labels.contains("subject.merger"), "{labels}");
    check(&["detect", "--only", "subject"], "", (2, "", "there is no label `subject`"));
}

#[test]
fn subjects_of_ones_own_are_trained_and_found() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    examples(&folder.path().join("examples"), "beekeeping", 12);
    let out = at("own.subjects");
    let made = bartizan(&["train", "subject", &at("examples"), "--out", &out], b"");
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(made.stdout.contains("subject.custom.beekeeping"), "{}", made.stdout);
    let text = "varroa mites were counted in the hive, the brood frames of the colony were moved and honey was taken. ".repeat(9);
    let with = format!("--subjects={out}");
    let ran = bartizan(&["detect", &with], text.as_bytes());
    assert!(ran.code == 1 && ran.stdout.contains("subject.custom.beekeeping"), "{} {}", ran.stdout, ran.stderr);
    let ran = bartizan(&["detect", &with, "--only", "subject"], CONTRACT.as_bytes());
    assert!(ran.code == 1 && ran.stdout.contains("subject.contract") && !ran.stdout.contains("custom"), "{}", ran.stdout);
}

#[test]
fn what_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let out = at("own.subjects");
    let refused = |from: &str, says: &str| {
        check(&["train", "subject", from, "--out", &out], "", (2, "", says));
        assert!(!Path::new(&out).exists());
    };
    refused(&at("nothing"), "nothing");
    fs::create_dir(at("empty")).unwrap();
    refused(&at("empty"), "holds no folders");
    examples(&folder.path().join("few"), "bees", 2);
    refused(&at("few"), "`custom.bees` has 2 texts");
    examples(&folder.path().join("named"), "Bees and Wasps", 9);
    refused(&at("named"), "`Bees and Wasps` cannot name a subject");
    check(&["train", "subject", "--out", &out], "", (2, "", "required"));
    fs::write(at("bad"), "no weights").unwrap();
    check(&["detect", &format!("--subjects={}", at("bad"))], "x", (2, "", "this is no recogniser of subjects"));
    check(&["detect", &format!("--subjects={}", at("gone"))], "x", (2, "", "cannot be read"));
}
