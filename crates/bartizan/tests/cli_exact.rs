//! `exact`, and `detect` and `redact` with what it makes: the table on the left, exit code and output on the right.

#![cfg(test)]

mod help;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use help::{bartizan, check};

const TABLE: &str = "account,name,city\n77-120-3044,Jane Q. Doe,Porto\n\"AB 99 17\",\"Okafor, Mira\",Dublin\n12,Short,Town\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.path("table.csv"), TABLE).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn build(&self, flags: &[&str]) -> help::Ran {
        let (table, out) = (self.name("table.csv"), self.name("own.exact"));
        bartizan(&[&["exact", "build", &table, "-o", &out], flags].concat(), b"")
    }
}

#[test]
fn a_table_is_found_in_texts() {
    let folder = Folder::new();
    let made = folder.build(&["--primary", "account"]);
    assert_eq!((made.code, made.stderr.as_str()), (0, ""));
    assert!(made.stdout.contains("2 of 3 rows as proprietary.exact"), "{}", made.stdout);
    assert!(made.stdout.contains("refused: 1 rows shorter than 5 letters and digits"), "{}", made.stdout);
    let index = folder.name("own.exact");
    let key = folder.path("own.exact.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let text = "row 771203044 of x\nand ab-99-17.\n";
    let expected = "(stdin):1:5                  proprietary.exact        score 0.90  rule proprietary.exact\n\
        (stdin):2:5                  proprietary.exact        score 0.90  rule proprietary.exact\n";
    check(&["detect", "--exact", &index], text, (1, expected, ""));
    check(&["redact", "--exact", &index], text, (0, "row [REDACTED_EXACT] of x\nand [REDACTED_EXACT].\n", ""));
    check(&["detect", "--exact", &index, "--only", "proprietary"], "ada@example.com", (0, "", "nothing found"));
    check(&["detect", "--only", "proprietary"], "", (2, "", "there is no label `proprietary`"));
    check(&["detect"], text, (0, "", "nothing found"));
    let line = "{\"id\":1,\"text\":\"ab9917\"}\n";
    let found =
        "{\"id\":1,\"findings\":[{\"label\":\"proprietary.exact\",\"start\":0,\"end\":6,\"score\":0.9,\"rule\":\"proprietary.exact\"}]}\n";
    check(&["detect", "--jsonl", "--exact", &index], line, (1, found, ""));
    let explained = bartizan(&["detect", "--explain", "--exact", &index], text.as_bytes());
    assert!(explained.stdout.contains("Values of a table of your own."), "{}", explained.stdout);
    let shown = bartizan(&["exact", "show", &index], b"");
    assert!(shown.code == 0 && shown.stdout.contains("2 rows as proprietary.exact, whole"), "{}", shown.stdout);
    let written = [fs::read(folder.path("own.exact")).unwrap(), made.stdout.into_bytes()].concat();
    assert!(!written.windows(6).any(|part| part == b"Okafor" || part == b"ab9917"), "a value stands in what was written");
}

#[test]
fn other_columns_confirm() {
    let folder = Folder::new();
    let flags = ["--primary", "#1", "--with", "name,city", "--label", "proprietary.customers", "--within", "40"];
    let made = folder.build(&flags);
    assert!(made.stdout.contains("found beside 1 of 2 other values within 40 characters"), "{}{}", made.stdout, made.stderr);
    let index = folder.name("own.exact");
    let found = |text: &str| bartizan(&["detect", "--exact", &index], text.as_bytes()).stdout.matches("proprietary.customers ").count();
    assert_eq!(found("771203044"), 0);
    assert_eq!(found("771203044 in porto"), 1);
    assert_eq!(found("JANE Q DOE, 771203044"), 1);
    assert_eq!(found("771203044 in Dublin"), 0);
    assert_eq!(found(&format!("771203044 {} porto", "x".repeat(60))), 0);
}

#[test]
fn an_index_that_cannot_be_used_is_told() {
    let folder = Folder::new();
    let (index, other) = (folder.name("own.exact"), folder.name("other.key"));
    let detect = |flags: &[&str], says: &str| check(&[&["detect"], flags].concat(), "ab9917", (2, "", says));
    detect(&["--exact", &index], "own.exact.key` cannot be read; name it with `--index-key`");
    assert_eq!(folder.build(&["--primary", "account"]).code, 0);
    let good = fs::read(folder.path("own.exact")).unwrap();
    for (bad, says) in [
        (good[..good.len() - 9].to_vec(), "the index is not whole"),
        (good[..12].to_vec(), "the index is not whole"),
        (b"PK\x03\x04 something else".to_vec(), "this is no index of this kind"),
        ([&good[..200], &[good[200] ^ 1], &good[201..]].concat(), "the index is damaged"),
        (Vec::new(), "this is no index of this kind"),
    ] {
        fs::write(folder.path("own.exact"), bad).unwrap();
        detect(&["--exact", &index], &format!("`{index}` cannot be used: {says}"));
    }
    fs::write(folder.path("own.exact"), &good).unwrap();
    fs::write(folder.path("other.key"), "ab".repeat(32)).unwrap();
    detect(&["--exact", &index, "--index-key", &other], "others can read the key file");
    fs::set_permissions(folder.path("other.key"), fs::Permissions::from_mode(0o600)).unwrap();
    detect(&["--exact", &index, "--index-key", &other], "the index was made with another key");
    fs::write(folder.path("other.key"), "no key").unwrap();
    detect(&["--exact", &index, "--index-key", &other], "holds no key");
    detect(&["--exact", &folder.name("none"), "--index-key", &folder.name("own.exact.key")], "none` cannot be read");
    check(
        &["detect", "--exact", &index],
        "ab9917",
        (1, "(stdin):1:1                  proprietary.exact        score 0.90  rule proprietary.exact\n", ""),
    );
}

#[test]
fn a_table_that_makes_no_index_is_told() {
    let folder = Folder::new();
    for (flags, says) in [
        (&["--primary", "nope"][..], "there is no column `nope`; the table has `account`, `name`, `city`"),
        (&["--primary", "account", "--with", "account"], "`account` cannot confirm itself"),
        (&["--primary", "account", "--with", "name", "--need", "2"], "asks for more values than `--with` names"),
        (&["--primary", "account", "--label", "Bad Label"], "a label is dotted words"),
        (&["--primary", "account", "--within", "5000"], "`--within` is at most 2000"),
        (&["--primary", "account", "--delimiter", "ab"], "one ASCII character"),
        (&["--primary", "city", "--least", "50"], "no value is left"),
    ] {
        let ran = folder.build(flags);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{flags:?}");
        assert!(ran.stderr.contains(says), "{flags:?}: {}", ran.stderr);
        assert!(!folder.path("own.exact").exists(), "{flags:?}");
    }
    fs::write(folder.path("table.csv"), "a,b\n1\n").unwrap();
    assert!(folder.build(&["--primary", "a"]).stderr.contains("line 2: 1 fields where the first line has 2"));
}

#[test]
fn what_was_made_is_told_as_json_too() {
    let folder = Folder::new();
    let made = folder.build(&["--primary", "account", "--with", "name,city", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&made.stdout).unwrap();
    let bytes = fs::metadata(folder.path("own.exact")).unwrap().len();
    let expected = serde_json::json!({
        "file": folder.name("own.exact"), "label": "proprietary.exact", "rows": 3, "kept": 2, "repeated": 0,
        "refused": { "empty": 0, "short": 1, "long": 0, "common": 0, "unconfirmed": 0 },
        "columns": 2, "need": 1, "within": 300, "bytes": bytes, "key_file": folder.name("own.exact.key"), "key_made": true,
    });
    assert_eq!((made.code, told), (0, expected));
    let shown = bartizan(&["exact", "show", &folder.name("own.exact"), "--format", "jsonl"], b"");
    let told: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!((shown.stdout.lines().count(), &told["rows"], &told["need"]), (1, &2.into(), &1.into()));
    let people = bartizan(&["exact", "show", &folder.name("own.exact")], b"").stdout;
    assert!(people.contains(told["seal"].as_str().unwrap()), "{people}");
}

/// An index in the place of the only copy of the table cannot be taken back.
#[test]
fn nothing_is_written_over_what_it_is_made_of() {
    let folder = Folder::new();
    std::os::unix::fs::symlink(folder.path("table.csv"), folder.path("link.csv")).unwrap();
    fs::hard_link(folder.path("table.csv"), folder.path("other.part")).unwrap();
    let table = folder.name("table.csv");
    for (output, says) in
        [("table.csv", "would overwrite"), ("link.csv", "name another file with `-o`"), ("other", "table.csv`, of which it is made")]
    {
        let ran = bartizan(&["exact", "build", &table, "--primary", "account", "-o", &folder.name(output)], b"");
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{output}");
        assert!(ran.stderr.contains(says), "{output}: {}", ran.stderr);
        let prints = bartizan(&["fingerprint", "build", &folder.name(""), "-o", &folder.name(output)], b"");
        assert!(prints.code == 2 && prints.stderr.contains("would overwrite"), "{output}: {}", prints.stderr);
    }
    let out = folder.name("new.exact");
    let ran = bartizan(&["exact", "build", &table, "--primary", "account", "-o", &out, "--index-key", &out], b"");
    assert!(ran.code == 2 && ran.stderr.contains("would overwrite its own key"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(folder.path("table.csv")).unwrap(), TABLE);
    assert!(!folder.path("table.csv.key").exists() && !folder.path("new.exact").exists());
}
