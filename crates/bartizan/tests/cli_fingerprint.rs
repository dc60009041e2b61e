//! `fingerprint`, and `detect` and `redact` with what it makes.

#![cfg(test)]

mod help;

use std::fs;

use help::{bartizan, check};

const KEEPER: &str = "The keeper of the harbour shall see to it that every lamp on the northern pier is lit before the evening bell, that the \
    book of arrivals is closed with the names of all who came, and that nobody leaves by the eastern stairs while the tide runs out. \
    Should the keeper fall ill, the oldest of the pilots takes the keys and the book until another is named by the council.";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.0.path().join("docs")).unwrap();
        fs::write(folder.name("docs/keeper.html"), format!("<html><body><p>{}</p></body></html>", KEEPER.replace("that", "<b>that</b>")))
            .unwrap();
        fs::write(folder.name("docs/short.txt"), "only a few words").unwrap();
        folder
    }

    fn name(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn build(&self, flags: &[&str]) -> help::Ran {
        let (docs, out) = (self.name("docs"), self.name("own.prints"));
        bartizan(&[&["fingerprint", "build", &docs, "-o", &out], flags].concat(), b"")
    }
}

#[test]
fn an_excerpt_is_found_in_texts() {
    let folder = Folder::new();
    let made = folder.build(&["--names"]);
    assert_eq!((made.code, made.stderr.as_str()), (0, ""), "{}", made.stdout);
    assert!(
        made.stdout.contains("1 documents as proprietary.document") && made.stdout.contains("left out: 1 documents"),
        "{}",
        made.stdout
    );
    let index = folder.name("own.prints");
    let words: Vec<&str> = KEEPER.split(' ').collect();
    let excerpt = words[12..56].join(" ").replace("arrivals", "visitors").replace("tide", "water");
    let text = format!("He writes:\n{excerpt}\nand that was all.\n");
    let found = bartizan(&["detect", "--fingerprints", &index], text.as_bytes());
    assert_eq!(found.code, 1, "{}{}", found.stdout, found.stderr);
    assert!(found.stdout.starts_with("(stdin):2:") && found.stdout.contains("proprietary.document"), "{}", found.stdout);
    assert!(found.stdout.contains("rule document:") && found.stdout.contains("keeper.html"), "{}", found.stdout);
    let clean = bartizan(&["redact", "--fingerprints", &index], text.as_bytes());
    assert!(clean.stdout.starts_with("He writes:\n") && clean.stdout.contains("[REDACTED_DOCUMENT]"), "{}", clean.stdout);
    assert!(!clean.stdout.contains("book of"), "{}", clean.stdout);
    check(&["detect", "--fingerprints", &index], "the keeper of the harbour went home", (0, "", "nothing found"));
    let other = words[5..15].join(" ");
    check(&["detect", "--fingerprints", &index], &other, (0, "", "nothing found"));
}

#[test]
fn names_are_kept_only_when_asked_for() {
    let folder = Folder::new();
    let made = folder.build(&["--label", "proprietary.harbour"]);
    let id = made.stdout.split_whitespace().next().unwrap().to_owned();
    assert!(id.starts_with("document:") && id.len() == "document:".len() + 16, "{}", made.stdout);
    let index = fs::read(folder.name("own.prints")).unwrap();
    assert!(!index.windows(6).any(|part| part == b"keeper"), "a name stands in the index");
    let found = bartizan(&["detect", "--format", "jsonl", "--fingerprints", &folder.name("own.prints")], KEEPER.as_bytes());
    assert!(found.stdout.contains(&format!("\"rule\":\"{id}\"")) && found.stdout.contains("proprietary.harbour"), "{}", found.stdout);
    let shown = bartizan(&["fingerprint", "show", &folder.name("own.prints")], b"");
    assert!(shown.code == 0 && shown.stdout.contains(&id), "{}", shown.stdout);
}

#[test]
fn what_cannot_be_used_is_told() {
    let folder = Folder::new();
    fs::write(folder.name("docs/bad.bin"), b"\x7fELF\x02\x01\x01\0\0\0 nothing").unwrap();
    let made = folder.build(&[]);
    assert_eq!(made.code, 2);
    assert!(made.stderr.contains("bad.bin` cannot be read") && made.stdout.contains("1 documents"), "{}{}", made.stdout, made.stderr);
    let index = folder.name("own.prints");
    let good = fs::read(&index).unwrap();
    for (bad, says) in [(&good[..good.len() - 1], "the index is not whole"), (&b"BZEXACT1 and more"[..], "this is no index of this kind")] {
        fs::write(&index, bad).unwrap();
        check(&["detect", "--fingerprints", &index], "", (2, "", &format!("`{index}` cannot be used: {says}")));
    }
    let nothing = bartizan(&["fingerprint", "build", &folder.name("docs/short.txt"), "-o", &folder.name("none")], b"");
    assert!(nothing.code == 2 && nothing.stderr.contains("no document is left"), "{}", nothing.stderr);
    let label = folder.build(&["--label", "Bad"]);
    assert!(label.code == 2 && label.stderr.contains("a label is dotted words"), "{}", label.stderr);
}
