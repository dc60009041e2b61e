//! `bartizan pack`, and `detect` and `redact` with what it installs.

#![cfg(test)]

mod help;
mod wheel;

use std::path::Path;

use help::{Ran, bartizan, check};
use serde_json::Value;

/// Only the made-up encoder takes these for a name.
const TEXT: &str = "and jo berg and";

fn install(folder: &Path, bytes: &[u8], more: &[&str]) -> Ran {
    let (file, to) = (folder.join("acme-1.0.whl"), folder.join("acme"));
    std::fs::write(&file, bytes).unwrap();
    bartizan(&[&["pack", "install", file.to_str().unwrap(), "--to", to.to_str().unwrap()], more].concat(), b"")
}

fn installed(folder: &Path) -> String {
    let ran = install(folder, &wheel::zip(&wheel::files()), &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    folder.join("acme").to_str().unwrap().to_owned()
}

#[test]
fn what_is_installed_is_told_with_its_authors() {
    let dir = tempfile::tempdir().unwrap();
    let ran = install(dir.path(), &wheel::zip(&wheel::files()), &["--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&told["package"], &told["version"], &told["licence"]), (&"acme-names".into(), &"1.0".into(), &"CC-BY-4.0".into()));
    assert_eq!(told["notice"], "Made by the people of Acme.\n");
    let sha256 = |name: &str| told[name].as_str().unwrap().len();
    assert_eq!((sha256("sha256"), sha256("package_sha256")), (64, 64));
    assert_eq!(told["sample"]["findings"][0]["text"], "Mira");
    let mut names: Vec<_> = std::fs::read_dir(dir.path().join("acme")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["LICENSE", "NOTICE", "config.json", "model.onnx", "pack.json", "tokenizer.json"]);
    let shown = bartizan(&["pack", "show", dir.path().join("acme").to_str().unwrap()], b"").stdout;
    assert!(shown.contains("acme-names 1.0") && shown.contains("pii.person: Mira") && shown.contains("people of Acme"), "{shown}");
}

#[test]
fn detect_and_redact_find_its_names() {
    let dir = tempfile::tempdir().unwrap();
    let folder = installed(dir.path());
    // The built-in recogniser does not know it.
    check(&["detect", "--names"], TEXT, (0, "", "nothing found"));
    let ran = bartizan(&["detect", "--pack", &folder, "--format", "jsonl"], TEXT.as_bytes());
    let found: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {} {}", ran.stdout, ran.stderr));
    assert_eq!((ran.code, &found["label"], &found["start"], &found["end"]), (1, &"pii.person".into(), &4.into(), &11.into()));
    let ran = bartizan(&["redact", "--pack", &folder], TEXT.as_bytes());
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "and [REDACTED_PERSON] and"), "{}", ran.stderr);
}

#[test]
fn what_is_no_encoder_is_not_installed() {
    let without = |name: &str| wheel::zip(&wheel::files().into_iter().filter(|(file, _)| !file.ends_with(name)).collect::<Vec<_>>());
    let with = |name: &'static str, bytes: &[u8]| {
        let mut files = wheel::files();
        files.retain(|(file, _)| *file != name);
        files.push((name, bytes.to_vec()));
        wheel::zip(&files)
    };
    let good = wheel::zip(&wheel::files());
    let mut damaged = good.clone();
    let at = damaged.windows(4).position(|four| four == b"look").unwrap();
    damaged[at] ^= 1;
    let mut far = good.clone();
    let end = far.len() - 6;
    far[end..end + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let cases: [(Vec<u8>, &str); 9] = [
        (b"no archive".to_vec(), "no whole ZIP archive"),
        (good[..good.len() - 30].to_vec(), "no whole ZIP archive"),
        (far, "no whole ZIP archive"),
        (damaged, "`acme/models/onnx/model_q4.onnx` is damaged"),
        (without(".onnx"), "holds no model"),
        (without("tokenizer.json"), "no `tokenizer.json` beside"),
        (with("acme/models/config.json", b"{}"), "`config.json` cannot be used"),
        (with("acme/models/onnx/model_q4.onnx", b"no model"), "ONNX"),
        (with("acme/models/onnx/model_q8.onnx", b"another"), "several models"),
    ];
    for (bytes, says) in cases {
        let dir = tempfile::tempdir().unwrap();
        let ran = install(dir.path(), &bytes, &[]);
        assert!(ran.code == 2 && ran.stderr.contains(says), "{says}: {} {}", ran.code, ran.stderr);
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["acme-1.0.whl"], "{says}: nothing is left behind");
    }
}

#[test]
fn one_of_several_models_is_chosen_by_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = wheel::files();
    files.push(("acme/models/onnx/other.onnx", b"another".to_vec()));
    let ran = install(dir.path(), &wheel::zip(&files), &["--model", "model_q4.onnx"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn a_folder_that_is_there_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("acme")).unwrap();
    let ran = install(dir.path(), &wheel::zip(&wheel::files()), &[]);
    assert!(ran.code == 2 && ran.stderr.contains("is there already"), "{}", ran.stderr);
}

#[test]
fn files_that_were_exchanged_are_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let folder = installed(dir.path());
    let config = Path::new(&folder).join("config.json");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text} ")).unwrap();
    for args in [["pack", "show", &folder], ["detect", "--pack", &folder]] {
        let ran = bartizan(&args, TEXT.as_bytes());
        assert!(ran.code == 2 && ran.stderr.contains("another SHA-256"), "{args:?}: {}", ran.stderr);
    }
    std::fs::remove_file(&config).unwrap();
    let ran = bartizan(&["detect", "--pack", &folder], TEXT.as_bytes());
    assert!(ran.code == 2 && ran.stderr.contains("config.json` cannot be read"), "{}", ran.stderr);
}
