//! `detect` and `redact`: arguments and standard input on the left, exit code and output on the right.

#![cfg(test)]

mod help;

use help::{bartizan, check};
use serde_json::Value;

const CARD: &str = "4532812677354687";

#[test]
fn detect_lines() {
    let table: &[(&[&str], &str, i32, &str)] = &[
        (&[], "{\"id\":1,\"text\":\"nothing here\"}\n", 0, "{\"id\":1,\"findings\":[]}\n"),
        (
            &[],
            "{\"id\":\"a\",\"text\":\"é mail ada@example.com\"}\n",
            1,
            "{\"id\":\"a\",\"findings\":[{\"label\":\"pii.email\",\"start\":7,\"end\":22,\"score\":0.95,\"rule\":\"pii.email\"}]}\n",
        ),
        (
            &["--offsets", "bytes"],
            "{\"id\":\"a\",\"text\":\"é mail ada@example.com\"}\n",
            1,
            "{\"id\":\"a\",\"findings\":[{\"label\":\"pii.email\",\"start\":8,\"end\":23,\"score\":0.95,\"rule\":\"pii.email\"}]}\n",
        ),
        // The id comes back as it was written; a line needs no end.
        (&[], "{\"text\":\"x\",\"id\":1.50}", 0, "{\"id\":1.50,\"findings\":[]}\n"),
        (&[], "{\"text\":\"x\"}\r\n", 0, "{\"id\":null,\"findings\":[]}\n"),
        (
            &["--exit-zero"],
            "{\"id\":1,\"text\":\"ada@example.com\"}",
            0,
            "{\"id\":1,\"findings\":[{\"label\":\"pii.email\",\"start\":0,\"end\":15,\"score\":0.95,\"rule\":\"pii.email\"}]}\n",
        ),
        (&["--min-score", "0.96"], "{\"id\":1,\"text\":\"ada@example.com\"}", 0, "{\"id\":1,\"findings\":[]}\n"),
        (&["--only", "secret"], "{\"id\":1,\"text\":\"ada@example.com\"}", 0, "{\"id\":1,\"findings\":[]}\n"),
        (&[], "", 0, ""),
    ];
    for (flags, stdin, code, stdout) in table {
        let args = [&["detect", "--jsonl"], *flags].concat();
        check(&args, stdin, (*code, stdout, ""));
    }
}

#[test]
fn a_bad_line_is_answered_and_the_rest_go_on() {
    let good = "{\"id\":1,\"findings\":[]}\n";
    let bad: &[(&str, &str, &str)] = &[
        ("nope", "not_json", "the line is not JSON (column 2)"),
        ("", "empty", "the line is empty; expected an object with `id` and `text`"),
        ("[]", "bad_shape", "expected an object with `id` and a string `text`, each once"),
        ("{\"id\":2}", "bad_shape", "expected an object with `id` and a string `text`, each once"),
        ("{\"id\":2,\"text\":7}", "bad_shape", "expected an object with `id` and a string `text`, each once"),
        ("{\"text\":\"a\",\"text\":\"b\"}", "bad_shape", "expected an object with `id` and a string `text`, each once"),
        ("{\"text\":\"\\ud800\"}", "not_json", "the line is not JSON (column 16)"),
    ];
    for (line, code, message) in bad {
        let stdin = format!("{{\"id\":1,\"text\":\"x\"}}\n{line}\n{{\"id\":1,\"text\":\"x\"}}\n");
        let error = format!("{{\"error\":{{\"code\":\"{code}\",\"message\":\"{message}\"}},\"id\":null,\"line\":2}}\n");
        let ran = bartizan(&["detect", "--jsonl"], stdin.as_bytes());
        let lines: Vec<&str> = ran.stdout.split_inclusive('\n').collect();
        assert_eq!((ran.code, lines.len()), (2, 3), "{line}: {}", ran.stdout);
        assert_eq!((lines[0], lines[2]), (good, good), "{line}");
        let same = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(same(lines[1]), same(&error), "{line}");
    }
    let ran = bartizan(&["detect", "--jsonl"], b"{\"text\":\"\xff\"}\n{\"id\":1,\"text\":\"x\"}\n");
    assert!(ran.stdout.contains("not_utf8") && ran.stdout.ends_with(good) && ran.code == 2, "{}", ran.stdout);
}

#[test]
fn redact_lines() {
    let line = format!("{{\"id\":9,\"text\":\"pay {CARD}, mail ada@example.com\"}}\n");
    let expected = "{\"id\":9,\"text\":\"pay [REDACTED_CARD], mail [REDACTED_EMAIL]\",\"findings\":[\
        {\"label\":\"pci.card\",\"start\":4,\"end\":20,\"score\":0.9,\"rule\":\"pci.card\"},\
        {\"label\":\"pii.email\",\"start\":27,\"end\":42,\"score\":0.95,\"rule\":\"pii.email\"}]}\n";
    check(&["redact", "--jsonl"], &line, (0, expected, ""));
    let ran = bartizan(&["redact", "--jsonl"], b"{\"id\":1}\n");
    assert_eq!(ran.code, 2);
}

#[test]
fn texts_for_people() {
    let text = format!("hello\nüber ada@example.com\n{CARD}\n");
    let expected = "(stdin):2:6                  pii.email                score 0.95  rule pii.email\n\
        (stdin):3:1                  pci.card                 score 0.90  rule pci.card\n";
    check(&["detect"], &text, (1, expected, ""));
    check(&["detect", "-"], "nothing", (0, "", "nothing found in 1 text"));
    check(&["redact"], &text, (0, "hello\nüber [REDACTED_EMAIL]\n[REDACTED_CARD]\n", ""));
    check(&["redact", "--only", "pci"], &text, (0, "hello\nüber ada@example.com\n[REDACTED_CARD]\n", ""));
    let json = bartizan(&["detect", "--format", "json"], text.as_bytes());
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["findings"][0]["line"], 2);
    assert_eq!(json["findings"][1]["label"], "pci.card");
}

/// Lines that `--explain` says of texts, and that the value is in none of them.
#[test]
fn why_something_is_found_or_is_not() {
    let email = "pii.email=ada@example.com";
    for (flags, text, lines) in [
        (
            vec![],
            "to ada@example.com",
            vec![
                "    E-mail addresses, internationalised ones included. 15 characters, severity medium. Score 0.95, reported from 0.50. At the \
                 gate: `EMAIL_…` or `[REDACTED_EMAIL]`.",
                "    Rule pii.email scores 0.95; passed `email`; threshold 0.50 of its label.",
            ],
        ),
        (
            vec![],
            "call 4155550132",
            vec![
                "    Rule pii.phone.north_america_plain scores 0.30, `call` before it makes it 0.70; passed `phone_plain`; threshold 0.50 of its label.",
            ],
        ),
        (vec!["--min-score", "0.3"], "to ada@example.com", vec!["threshold 0.30 of `--min-score`."]),
        (
            vec!["--threshold", "pii=0.96"],
            "to ada@example.com",
            vec![
                "(stdin):1:4 not reported: pii.email scores 0.95, below its threshold 0.96",
                "    Rule pii.email scores 0.95; passed `email`; threshold 0.96 of `--threshold pii`.",
            ],
        ),
        (vec!["--allow", email], "to ADA@example.com", vec!["(stdin):1:4 not reported: pii.email is allowed"]),
        (
            vec![],
            "https://a.example/?m=ada@example.com",
            vec!["(stdin):1:1 not reported: pii.url lost to pii.email (rule pii.email): higher rank"],
        ),
        (vec![], "4111 1111 1111 1112", vec!["pci.card fails `card` (Luhn checksum, card schemes and lengths, regular grouping)"]),
        (
            vec![],
            "csrf_token = 'Kx9qvvTZq81mmQz77aPx'",
            vec!["(stdin):1:15 ruled out: secret.generic `csrf` beside it makes it something else"],
        ),
        (vec![], "mail ada%40example.com", vec!["; read through a disguise or an escape."]),
        (vec![], "card: NDExMTExMTExMTExMTExMQ==", vec!["; read out of base64 or hexadecimal."]),
        (vec!["--names"], "Yesterday Mira Okafor left.", vec!["    By the recogniser of names, score 0."]),
    ] {
        let ran = bartizan(&[&["detect", "--explain"], flags.as_slice()].concat(), text.as_bytes());
        for line in lines {
            assert!(ran.stdout.contains(line), "{flags:?} {text}: {line} is not in\n{}", ran.stdout);
        }
        for value in ["ada@", "ADA@", "4155550132", "4111", "Kx9q", "Okafor"] {
            assert!(!ran.stdout.contains(value), "{}", ran.stdout);
        }
    }
    let line = format!("{}\n", serde_json::json!({ "id": 1, "text": "über ada@example.com, call 4155550132, not 4111 1111 1111 1112" }));
    let told = bartizan(&["detect", "--jsonl", "--explain", "--allow", email], line.as_bytes());
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told["findings"][0]["why"]["moved"], serde_json::json!({ "place": "before", "word": "call" }), "{told}");
    assert_eq!((&told["allowed"][0]["start"], &told["allowed"][0]["end"]), (&Value::from(5), &Value::from(20)), "{told}");
    let failed = |one: &&Value| one["rule"] == "pci.card" && one["failed"] == "card" && one["start"] == 43 && one["end"] == 62;
    assert!(told["ruled_out"].as_array().unwrap().iter().any(|one| failed(&one)), "{told}");
}

#[test]
fn values_that_are_allowed() {
    let text = format!("to ada@example.com or eve@acme.example, card {CARD}, see acme=1\n");
    for (flags, redacted) in [
        (vec!["--allow", "ADA@example.com"], "to ada@example.com or [REDACTED_EMAIL], card [REDACTED_CARD], see acme=1\n"),
        (
            vec!["--allow", "pii=ada@example.com", "--allow", "4532-8126-7735-4687"],
            "to ada@example.com or [REDACTED_EMAIL], card 4532812677354687, see acme=1\n",
        ),
        (
            vec!["--allow-pattern", r"pii.email=.*@acme\.example"],
            "to [REDACTED_EMAIL] or eve@acme.example, card [REDACTED_CARD], see acme=1\n",
        ),
        (
            vec!["--allow", "pii.phone=ada@example.com", "--allow", "acme=1"],
            "to [REDACTED_EMAIL] or [REDACTED_EMAIL], card [REDACTED_CARD], see acme=1\n",
        ),
    ] {
        let ran = bartizan(&[&["redact"], flags.as_slice()].concat(), text.as_bytes());
        assert_eq!((ran.code, ran.stdout.as_str()), (0, redacted), "{flags:?}: {}", ran.stderr);
    }
    for (bad, said) in [
        (vec!["--allow", ""], "`--allow` cannot be used: entry 1: the value is empty"),
        (vec!["--allow-pattern", "a+"], "give `--allow-pattern` a label and a pattern"),
        (vec!["--allow-pattern", "pii.fone=a+"], "there is no label `pii.fone`; did you mean `pii.phone`"),
        (vec!["--allow-pattern", "pii=.*"], "`--allow-pattern` cannot be used: entry 1: the pattern matches the empty text"),
        (vec!["--allow-pattern", "pii=a", "--allow-pattern", "pii=("], "entry 2: the pattern cannot be compiled"),
    ] {
        let ran = bartizan(&[&["detect"], bad.as_slice()].concat(), b"");
        assert!(ran.code == 2 && ran.stderr.contains(said), "{bad:?}: {} {}", ran.code, ran.stderr);
    }
}

#[test]
fn files_and_what_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("a.txt"), "write to ada@example.com").unwrap();
    std::fs::write(path("b.bin"), b"\x7fELF\x02\x01\x01\0\0\0 ada@example.com").unwrap();
    let dir = folder.path().to_str().unwrap();
    let ran = bartizan(&["detect", dir], b"");
    assert_eq!(ran.code, 2, "what could not be read is more than what was found");
    assert!(ran.stdout.contains("a.txt:1:10"), "{}", ran.stdout);
    assert!(ran.stderr.contains("b.bin` cannot be read: the document is of a kind that is not read"), "{}", ran.stderr);
    check(&["detect", path("none.txt").to_str().unwrap()], "", (2, "", "none.txt` cannot be read"));
    check(&["detect", "--jsonl", path("none.txt").to_str().unwrap()], "", (2, "", "none.txt` cannot be read"));
    for flags in [["--min-score", "2"], ["--min-score", "x"], ["--offsets", "words"], ["--only", "pii.shoe_size"]] {
        let ran = bartizan(&["detect", flags[0], flags[1]], b"");
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{flags:?}");
    }
}

#[test]
fn labels_are_listed() {
    let ran = bartizan(&["detect", "--labels", "--format", "json"], b"");
    let listed: Value = serde_json::from_str(&ran.stdout).unwrap();
    let names: Vec<&str> = listed["labels"].as_array().unwrap().iter().map(|one| one["label"].as_str().unwrap()).collect();
    let first = "pii.email pii.phone pii.us_ssn pii.ip pii.url pci.card pci.iban secret.aws_access_key secret.aws_secret_key secret.github \
        secret.gitlab secret.slack secret.stripe secret.openai secret.anthropic secret.google secret.jwt secret.private_key \
        secret.url_password secret.generic";
    for label in first.split_whitespace() {
        assert!(names.contains(&label), "{label}");
    }
}

/// One answer comes for each line before the next line is sent.
#[test]
fn every_line_is_flushed() {
    use std::io::{BufRead, BufReader, Write};
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args(["redact", "--jsonl"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for id in 0..3 {
        writeln!(input, "{{\"id\":{id},\"text\":\"ada@example.com\"}}").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert!(line.starts_with(&format!("{{\"id\":{id},\"text\":\"[REDACTED_EMAIL]\"")), "{line}");
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn marks_blank_ends_and_lost_files_do_not_end_a_run() {
    let good = "{\"id\":1,\"findings\":[]}\n";
    for stdin in ["\u{FEFF}{\"id\":1,\"text\":\"x\"}\n", "{\"id\":1,\"text\":\"x\"}\n\n", "{\"id\":1,\"text\":\"x\"}\n \r\n"] {
        check(&["detect", "--jsonl"], stdin, (0, good, ""));
    }
    check(&["detect", "--jsonl", "/nonexistent/none.jsonl", "-"], "{\"id\":1,\"text\":\"x\"}\n", (2, good, "none.jsonl` cannot be read"));
}

const MAIL: &str = "From: desk@harbour-lane.example\r\nTo: ada@example.com\r\nSubject: invoice\r\nMIME-Version: 1.0\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nCard 4532=20=\r\n8126 7735 4687, thank you.\r\n";

/// Three rows of a workbook's text as a PDF shows it, uncompressed.
fn pdf(text: &str) -> Vec<u8> {
    use std::fmt::Write;
    let content = format!("BT /F1 12 Tf 72 720 Td ({text}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    let mut body = String::from("%PDF-1.4\n");
    let mut places = String::new();
    for (index, object) in objects.iter().enumerate() {
        writeln!(places, "{:010} 00000 n ", body.len()).unwrap();
        writeln!(body, "{} 0 obj\n{object}\nendobj", index + 1).unwrap();
    }
    let (table, size) = (body.len(), objects.len() + 1);
    let end = format!("xref\n0 {size}\n0000000000 65535 f \n{places}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n");
    [body, end].concat().into_bytes()
}

#[test]
fn documents_are_opened_and_told_by_their_parts() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    // (file, what is told, what is told once only although two forms of the file say it)
    let mail = file("a.eml", MAIL.as_bytes());
    let paper = file("b.pdf", &pdf("write to ada@example.com"));
    let page = file("c.html", b"<!doctype html><html><body><p>ada@example.com</p><p>4532 8126 <b>7735</b> 4687</p></body></html>");
    let rows: &[(&str, &[&str], &[&str])] = &[
        (&mail, &["a.eml:1:7", "a.eml:2:5", "a.eml (body):1:6"], &["a.eml:2:5"]),
        (&paper, &["b.pdf (page 1):1:10"], &[]),
        (&page, &["c.html:1:31", "(text without tags):1:1", "pci.card"], &["pii.email   ", "pci.card   "]),
    ];
    for (path, told, once) in rows {
        let ran = bartizan(&["detect", path], b"");
        assert_eq!((ran.code, ran.stderr.as_str()), (1, ""), "{path}: {}", ran.stdout);
        for part in *told {
            assert!(ran.stdout.contains(part), "{part} of {}", ran.stdout);
        }
        for part in *once {
            assert_eq!(ran.stdout.matches(part).count(), 1, "{part} of {}", ran.stdout);
        }
    }
    let json = bartizan(&["detect", "--format", "json", &paper], b"");
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["findings"][0]["place"], "page 1");

    // What goes out redacted has nothing left in any of its forms, else it does not go out.
    let ran = bartizan(&["redact", &paper], b"");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("write to [REDACTED_EMAIL]") && !ran.stdout.contains("ada@"), "{}", ran.stdout);
    let ran = bartizan(&["redact", &mail], b"");
    assert!(ran.code == 0 && ran.stdout.contains("Card [REDACTED_CARD]") && !ran.stdout.contains("ada@"), "{}{}", ran.stdout, ran.stderr);
    let ran = bartizan(&["redact", &page], b"");
    assert!(ran.stderr.contains("cannot be redacted: pci.card shows"), "{}", ran.stderr);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
}

/// A value stands in two lines of the source, and is found in the cell; what both say is told once.
#[test]
fn notebooks_are_told_by_their_cells() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ipynb");
    let file = path.to_str().unwrap();
    let source = r#"["mira@harbour-lane.example\n", "4111 1111 ", "1111 1111"]"#;
    let notebook = |outputs: &str| {
        format!(
            r#"{{"cells": [{{"source": {source}, "outputs": [{outputs}]}}], "nbformat": 4, "metadata": {{"by": "zoe@harbour-lane.example"}}}}"#
        )
    };
    std::fs::write(&path, notebook("")).unwrap();
    let found = bartizan(&["detect", "--format", "jsonl", file], b"");
    let told: Vec<Value> = found.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> =
        told.iter().map(|one| (one["place"].as_str(), one["line"].as_u64().unwrap(), one["label"].as_str().unwrap())).collect();
    assert_eq!(told, [(Some("cell 1"), 1, "pii.email"), (Some("cell 1"), 2, "pci.card"), (None, 1, "pii.email")], "{}", found.stdout);
    assert_eq!((found.code, found.stderr.as_str()), (1, ""));
    check(&["redact", file], "", (2, "", "pci.card shows in cell 1 and stands nowhere in one piece"));
    std::fs::write(&path, notebook(r#"{"data": {"image/png": "iVBORw0KGgoAAAAN"}}"#)).unwrap();
    check(&["detect", "--only", "secret", file], "", (2, "", "cell 1, output 1 was not read: image"));
}

#[test]
fn what_is_not_read_is_never_clean() {
    let folder = tempfile::tempdir().unwrap();
    let mail = "From: a\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n\
        Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ\r\n--b--\r\n";
    let path = folder.path().join("mail.eml");
    std::fs::write(&path, mail).unwrap();
    std::fs::write(folder.path().join("other.txt"), "ada@example.com").unwrap();
    let ran = bartizan(&["detect", folder.path().to_str().unwrap()], b"");
    assert!(ran.stderr.contains("mail.eml`: ") && ran.stderr.contains("was not read: image"), "{}", ran.stderr);
    assert!(ran.code == 2 && ran.stdout.contains("other.txt:1:1"), "{}", ran.stdout);
    let ran = bartizan(&["redact", path.to_str().unwrap()], b"");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
}

/// Archives as the tools of a system make them.
#[test]
fn archives_are_opened_and_told_by_their_entries() {
    let folder = tempfile::tempdir().unwrap();
    let run = |program: &str, args: &[&str]| {
        let ran = std::process::Command::new(program).args(args).current_dir(folder.path()).output().unwrap();
        assert!(ran.status.success(), "{program}: {}", String::from_utf8_lossy(&ran.stderr));
    };
    let long = format!("{}deep.txt", "folder-of-a-long-name/".repeat(6));
    for (name, text) in
        [("dir/file.txt", "write to ada@example.com"), (&*long, "pay with 4532 8126 7735 4687"), ("plain.txt", "ada@example.com")]
    {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::os::unix::fs::symlink("/nowhere/bob@example.com", folder.path().join("dir/link")).unwrap();
    let top = long.split('/').next().unwrap();
    for form in ["gnu", "pax", "ustar"] {
        run("tar", &["-cf", &format!("{form}.tar"), &format!("--format={form}"), "dir", top]);
        run("gzip", &["-kn", &format!("{form}.tar")]);
    }
    run("gzip", &["-k", "plain.txt"]);
    run("tar", &["-cf", "outer.tar", "gnu.tar.gz"]);
    let detect = |name: &str| bartizan(&["detect", folder.path().join(name).to_str().unwrap()], b"");
    let deep = format!("({long}):1:10");
    let told = ["(dir/file.txt):1:10", &*deep, "(names of entries):"];
    for form in ["gnu.tar", "pax.tar", "ustar.tar", "gnu.tar.gz", "pax.tar.gz", "ustar.tar.gz"] {
        let ran = detect(form);
        assert_eq!((ran.code, ran.stderr.as_str()), (1, ""), "{form}: {}", ran.stdout);
        assert!(told.iter().all(|it| ran.stdout.contains(it)), "{form}: {}", ran.stdout);
        assert_eq!(ran.stdout.lines().count(), 3, "{form}: {}", ran.stdout);
    }
    let ran = detect("outer.tar");
    assert!(ran.code == 1 && ran.stdout.contains("(gnu.tar.gz > dir/file.txt):1:10"), "{}{}", ran.stdout, ran.stderr);
    let ran = detect("plain.txt.gz");
    assert!(ran.code == 1 && ran.stdout.contains("(plain.txt):1:1"), "{}{}", ran.stdout, ran.stderr);

    let whole = std::fs::read(folder.path().join("gnu.tar.gz")).unwrap();
    std::fs::write(folder.path().join("torn.tar.gz"), &whole[..whole.len() - 20]).unwrap();
    let ran = detect("torn.tar.gz");
    assert!(ran.code == 2 && ran.stderr.contains("damaged") && ran.stdout.contains("(dir/file.txt):1:10"), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_threshold_holds_for_a_label_or_a_family() {
    let text = "ring 030 5550 1234, mail ada@example.com, card 4532812677354687\n";
    let labels = |flags: &[&str]| {
        let ran = bartizan(&[&["detect", "--format", "json"], flags].concat(), text.as_bytes());
        let said: Value = serde_json::from_str(&ran.stdout).unwrap();
        let found = said["findings"].as_array().unwrap().iter().map(|one| one["label"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        (found.join(" "), ran.stderr)
    };
    let all = "pii.phone pii.email pci.card".to_owned();
    assert_eq!(labels(&[]).0, all);
    for (flags, found) in [
        (vec!["--threshold", "pii.phone=0.9"], "pii.email pci.card"),
        (vec!["--threshold", "pii=0.96", "--threshold", "pii.phone=0.5"], "pii.phone pci.card"),
        (vec!["--threshold", "pii.phone=0.5", "--threshold", "pii=0.96"], "pii.phone pci.card"),
        (vec!["--threshold", "pci=1", "--threshold", "pii=1"], ""),
    ] {
        assert_eq!(labels(&flags).0, found, "{flags:?}");
    }
    assert_eq!(labels(&["--threshold", "pii.phone=0.7"]), (all, String::new()), "nothing is warned of");
    let (_, said) = labels(&["--threshold", "pii.email=0.96"]);
    assert!(said.contains("with the threshold 0.96 of `pii.email` some labels are never found: `pii.email` scores 0.95 at most"), "{said}");
    let redacted = bartizan(&["redact", "--threshold", "pii.phone=0.9"], text.as_bytes());
    assert_eq!(redacted.stdout, "ring 030 5550 1234, mail [REDACTED_EMAIL], card [REDACTED_CARD]\n");
    let line = format!("{}\n", serde_json::json!({ "id": 1, "text": text }));
    let told = bartizan(&["detect", "--jsonl", "--explain", "--threshold", "pii.phone=0.9"], line.as_bytes());
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!((&told["below"][0]["label"], told["findings"].as_array().unwrap().len()), (&Value::from("pii.phone"), 2), "{told}");
    for (bad, said) in [
        (vec!["--threshold", "pii.fone=0.7"], "there is no label `pii.fone`; did you mean `pii.phone`"),
        (vec!["--threshold", "zzzzzzzz=0.7"], "there is no label `zzzzzzzz`; `bartizan detect --labels` lists them"),
        (vec!["--threshold", "pii.phone=1.1"], "between 0 and 1"),
        (vec!["--threshold", "pii.phone"], "a label and a score"),
        (vec!["--threshold", "=0.5"], "a label and a score"),
        (vec!["--threshold", "pii.phone=NaN"], "between 0 and 1"),
        (vec!["--threshold", "pii.phone=0.7", "--min-score", "0.5"], "cannot be used with"),
    ] {
        let ran = bartizan(&[&["detect"], bad.as_slice()].concat(), b"");
        assert!(ran.code == 2 && ran.stderr.contains(said), "{bad:?}: {} {}", ran.code, ran.stderr);
    }
}
