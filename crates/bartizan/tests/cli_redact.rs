//! Operators of `redact`, and `reveal`: arguments and standard input on the left, exit code and output on the right.

#![cfg(test)]

mod help;

use help::{bartizan, check};

const TEXT: &str = "pay 4532812677354687, mail ada@example.com, born on 1984-03-12\n";

#[test]
fn operators_by_label() {
    let table: &[(&[&str], &str)] = &[
        (&[], "pay [REDACTED_CARD], mail [REDACTED_EMAIL], born on [REDACTED_DATE_OF_BIRTH]\n"),
        (&["--operator", "mask"], "pay ****, mail ****, born on ****\n"),
        (&["--operator", "generalise"], "pay [VISA ending in 4687], mail [EMAIL at example.com], born on [1984]\n"),
        (
            &["--operator", "mask", "--operator", "pci.card=keep_last:4", "--operator", "pii.email=redact"],
            "pay ************4687, mail [REDACTED_EMAIL], born on ****\n",
        ),
        (&["--operator", "pii=generalise", "--operator", "pii.email=mask"], "pay [REDACTED_CARD], mail ****, born on [1984]\n"),
    ];
    for (flags, expected) in table {
        check(&[&["redact"], *flags].concat(), TEXT, (0, expected, ""));
    }
    let line = "{\"id\":1,\"text\":\"mail ada@example.com\"}\n";
    let ran = bartizan(&["redact", "--jsonl", "--operator", "generalise"], line.as_bytes());
    assert!(ran.stdout.starts_with("{\"id\":1,\"text\":\"mail [EMAIL at example.com]\",\"findings\":["), "{}", ran.stdout);
    for flags in [["--operator", "shred"], ["--operator", "keep_last:9"], ["--operator", "pii.shoe_size=mask"], ["--operator", "encrypt"]] {
        let ran = bartizan(&["redact", flags[0], flags[1]], TEXT.as_bytes());
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{flags:?} {}", ran.stderr);
    }
}

#[test]
fn keys_make_words_the_same_and_turn_values_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (key, other, short) =
        (file("key", "0123456789abcdef0123\n"), file("other", "fedcba98765432100123\n"), file("short", "0123456789abcde\n"));
    let redact = |operator: &str, more: &[&str]| bartizan(&[&["redact", "--operator", operator], more].concat(), TEXT.as_bytes()).stdout;
    for operator in ["hash", "surrogate"] {
        let made = redact(operator, &["--key-file", &key]);
        assert!(!made.contains("4532812677354687") && !made.contains("ada@"), "{made}");
        assert_eq!(made, redact(operator, &["--key-file", &key]), "the same key");
        assert_ne!(made, redact(operator, &["--key-file", &other]), "another key");
        assert_ne!(redact(operator, &[]), redact(operator, &[]), "no key");
    }
    let sealed = redact("encrypt", &["--key-file", &key]);
    assert!(!sealed.contains("4532812677354687") && !sealed.contains("ada@") && sealed.contains("[SEALED:pci.card:"), "{sealed}");
    check(&["reveal", "--key-file", &key], &sealed, (0, TEXT, ""));
    check(&["reveal", "--key-file", &key, &file("out.txt", &sealed)], "", (0, TEXT, ""));
    check(&["reveal", "--key-file", &key], "nothing sealed", (0, "nothing sealed", ""));
    check(&["reveal", "--key-file", &other], &sealed, (2, &sealed, "3 sealed in `-` cannot be opened with this key"));
    check(&["reveal", "--key-file", &short], &sealed, (2, "", "shorter than 16 bytes"));
    check(&["redact", "--operator", "encrypt", "--key-file", &short], TEXT, (2, "", "shorter than 16 bytes"));
    check(&["redact", "--key-file", &key], TEXT, (2, "", "`--key-file` is for the operators"));
}

/// A surrogate may look like a value; that is no reason to refuse a file.
#[test]
fn files_with_surrogates() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.html");
    std::fs::write(&path, "<p>pay 4532812677354687</p>").unwrap();
    let ran = bartizan(&["redact", "--operator", "surrogate", path.to_str().unwrap()], b"");
    assert!(ran.code == 0 && ran.stdout.starts_with("<p>pay 400000"), "{} {}", ran.stdout, ran.stderr);
    // Found in what the tags show, and nowhere in one piece: still refused.
    std::fs::write(&path, "<p>pay 45328126<b>77354687</b></p>").unwrap();
    let ran = bartizan(&["redact", "--operator", "surrogate", path.to_str().unwrap()], b"");
    assert!(ran.code == 2 && ran.stdout.is_empty(), "{} {}", ran.stdout, ran.stderr);
}

/// What stands in the place of a value does not make the number behind it one.
#[test]
fn a_number_beside_a_value_is_no_reason_to_refuse_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "+49 30 5550 1234 (5550143)\n+1 415 555 0199, 555-0143\n").unwrap();
    let expected = "[REDACTED_PHONE] (5550143)\n[REDACTED_PHONE], 555-0143\n";
    check(&["redact", path.to_str().unwrap()], "", (0, expected, ""));
}
