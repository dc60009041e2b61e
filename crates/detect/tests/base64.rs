//! Base64 in texts: what it holds is found, whole or streamed; what is none costs nothing and is nothing.
#![expect(clippy::expect_used, clippy::string_slice, reason = "helpers of tests; cuts are on character boundaries")]

mod common;

use bartizan_detect::{Hint, Minter, Pseudonyms, RuleFile, WINDOW};
use bartizan_vocabulary::Label;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use common::{detector, in_pieces};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    example: Vec<Case>,
    counter_example: Vec<Counter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    label: String,
    text: String,
    find: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Counter {
    text: String,
}

fn cases() -> Cases {
    toml::from_str(include_str!("base64.toml")).expect("cases")
}

/// What is found: labels and the parts of the text.
fn found(text: &str) -> Vec<(String, String)> {
    let scan = detector().scan(text, Hint::default());
    scan.findings.iter().map(|finding| (finding.label.to_string(), text[finding.start..finding.end].to_owned())).collect()
}

fn labels(text: &str) -> Vec<String> {
    found(text).into_iter().map(|(label, _)| label).collect()
}

/// Lines of so many letters.
fn wrapped(run: &str, width: usize, joint: &str) -> String {
    let lines: Vec<&str> = run.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).expect("letters")).collect();
    lines.join(joint)
}

/// Bytes that look random and are always the same.
fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..count).map(|_| next()).collect()
}

fn same_at_every_split(text: &str) {
    let whole = detector().scan(text, Hint::default());
    let places: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
    assert_eq!(in_pieces(text, &places, Hint::default()), whole, "{text:?} cut everywhere");
    let step = places.len() / 300 + 1;
    for cut in places.iter().step_by(step) {
        assert_eq!(in_pieces(text, &[*cut], Hint::default()), whole, "{text:?} cut at {cut}");
    }
}

#[test]
fn examples_are_found_exactly() {
    let cases = cases().example;
    assert!(cases.len() >= 10);
    for case in cases {
        assert_eq!(found(&case.text), [(case.label, case.find)], "{}", case.text);
        same_at_every_split(&case.text);
    }
}

#[test]
fn counter_examples_are_not_found() {
    let cases = cases().counter_example;
    assert!(cases.len() >= 10);
    for case in cases {
        assert_eq!(found(&case.text), [], "{}", case.text);
        same_at_every_split(&case.text);
    }
}

#[test]
fn every_example_of_every_rule_is_found_in_base64() {
    let mut missed = Vec::new();
    for file in RuleFile::builtin().expect("rules") {
        for example in file.rules.iter().flat_map(|rule| &rule.examples).filter(|example| example.text.len() >= 12) {
            for run in [STANDARD.encode(&example.text), URL_SAFE_NO_PAD.encode(&example.text)] {
                for run in [run.clone(), wrapped(&run, 76, "\r\n"), wrapped(&run, 64, "\n  ")] {
                    let text = format!("It says: {run}, he said.");
                    let found = found(&text);
                    if !found.iter().any(|(label, _)| *label == file.label) {
                        missed.push(format!("{}: {} as {run} gives {found:?}", file.label, example.text));
                    }
                    let left = found.iter().fold(text, |left, (_, part)| left.replacen(part, "", 1));
                    if run.len() <= WINDOW && left != "It says: , he said." {
                        missed.push(format!("{}: {left} is left of {run}", file.label));
                    }
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn no_counter_example_of_a_rule_is_found_in_base64() {
    for file in RuleFile::builtin().expect("rules") {
        for rule in &file.rules {
            for text in &rule.counter_examples {
                let scan = detector().scan(&STANDARD.encode(text), Hint::default());
                assert!(scan.findings.iter().all(|finding| finding.rule.as_str() != rule.id), "{}: {text}", rule.id);
            }
        }
    }
}

#[test]
fn what_is_glued_before_hides_nothing() {
    for value in ["4111111111111111", "mira@harbour-lane.example", "ghp_wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO2jt3b0"] {
        for (engine, name) in [(&STANDARD, "standard"), (&STANDARD_NO_PAD, "bare"), (&URL_SAFE, "url"), (&URL_SAFE_NO_PAD, "bare url")] {
            let run = engine.encode(value);
            for before in
                ["", "x", "xy", "xyz", "id_", "k-", "path/to/", "a/b/c/d/", "some-name-", "file+", "one_two_three_", "/", "//", "="]
            {
                for after in ["", ".", "/more", "_tail", "-x", " x", "\n"] {
                    let text = format!("{before}{run}{after}");
                    assert_eq!(labels(&text).len(), 1, "{name}: {text} gives {:?}", found(&text));
                }
            }
        }
    }
}

#[test]
fn a_value_deep_in_a_long_run_is_found_where_it_is() {
    let value = "4532 8126 7735 4687";
    for at in (0..1_600).step_by(37) {
        let mut plain = "so it goes on and on, ".repeat(100);
        plain.insert_str(plain.len() / 22 * 22 * at / 2_200, &format!(" {value} "));
        let begin = plain.find(value).expect("it is in there");
        let run = STANDARD.encode(&plain);
        let text = format!("see {run} there");
        let (first, last) = (4 + begin * 8 / 6, 4 + ((begin + value.len()) * 8).div_ceil(6));
        assert_eq!(found(&text), [("pci.card".to_owned(), text[first..last].to_owned())], "at {begin}");
    }
}

#[test]
fn long_runs_are_the_same_at_every_split() {
    let plain = format!("{}mira@harbour-lane.example, {}+33612345678 {}", "words ".repeat(90), "more ".repeat(80), "end ".repeat(60));
    let run = STANDARD.encode(&plain);
    for text in [run.clone(), format!("x/{run}"), wrapped(&run, 76, "\r\n"), format!("> {}\n\nThanks", wrapped(&run, 64, "\n"))] {
        assert_eq!(labels(&text), ["pii.email", "pii.phone"], "{text}");
        same_at_every_split(&text);
    }
}

#[test]
fn runs_as_long_as_the_window_are_whole() {
    for letters in WINDOW - 8..=WINDOW + 8 {
        let plain = format!("{} mira@harbour-lane.example", "x ".repeat(250));
        let plain = &plain[plain.len() - letters / 4 * 3..];
        let run = STANDARD.encode(plain);
        let covered: usize = found(&run).iter().map(|(_, part)| part.len()).sum();
        assert_eq!(covered == run.len(), run.len() <= WINDOW, "{}", run.len());
        assert!(covered >= 33, "{letters}");
    }
}

#[test]
fn a_line_of_a_wrapped_run_is_read_for_itself_too() {
    // Sixty letters without padding: what stands in the next line would go on in it.
    let (before, after) = ("k".repeat(60), "Zm9v".repeat(15));
    for value in [
        "the whole team may write to mira@harbour.name",
        "+33612345678 is the one to call if it is late",
        "number of the card to use is 4532812677354687",
    ] {
        let run = STANDARD.encode(value);
        assert_eq!(run.len(), 60, "{value}");
        for text in
            [format!("{run}\nkind regards"), format!("{before}\n{run}\nabcdefgh"), format!("{after}\n{run}"), format!("{run}\n{after}")]
        {
            assert_eq!(labels(&text).len(), 1, "{text}");
            same_at_every_split(&text);
        }
    }
}

/// Digits that end a line glue to the digits of the next one; each line was encoded for itself.
#[test]
fn lines_of_a_long_run_are_read_for_themselves_too() {
    let record = STANDARD.encode("4532812677354687 exp 12/27 cvv 123 zip 001234");
    assert_eq!(record.len(), 60);
    for lines in [2, 8, 9, 12, 40] {
        let text = format!("records: {}\nend", vec![record.as_str(); lines].join("\n"));
        let parts = found(&text);
        let covered: usize =
            parts.iter().filter(|(label, _)| label == "pci.card").map(|(_, part)| part.matches("NDUzMjgxMjY3NzM1NDY4N").count()).sum();
        assert_eq!(covered, lines, "{parts:?}");
        if lines < 13 {
            same_at_every_split(&text);
        }
    }
}

#[test]
fn what_a_stronger_finding_leaves_of_a_run_is_found() {
    // The secret ends with its line; the number stands in the next one.
    let plain = "So Kd7 is the first of the numbers, and then there is a second one: 4532812677354687.";
    let run = wrapped(&STANDARD.encode(plain), 76, "\n");
    let parts = found(&format!("password={run} end"));
    assert_eq!(parts.iter().map(|(label, _)| label.as_str()).collect::<Vec<_>>(), ["secret.generic", "pci.card"]);
    assert_eq!(parts.iter().map(|(_, part)| part.as_str()).collect::<String>(), run);
}

#[test]
fn every_label_of_a_run_is_reported_and_nothing_is_left() {
    let plain = r#"{"name":"Mira","mail":"mira@harbour-lane.example","cc":"ops@harbour-lane.example","card":"4532812677354687","tel":"+33612345678"}"#;
    let run = URL_SAFE.encode(plain);
    let text = format!("token {run} end");
    let parts = found(&text);
    assert_eq!(parts.iter().map(|(label, _)| label.as_str()).collect::<Vec<_>>(), ["pii.email", "pci.card", "pii.phone"]);
    assert_eq!(parts.iter().map(|(_, part)| part.as_str()).collect::<String>(), run);
    // What is left when one label is removed does not hold it.
    for (_, part) in &parts {
        let left = STANDARD_NO_PAD.decode(run.replace(part, "").replace('-', "+").replace('_', "/").trim_end_matches('='));
        let left = String::from_utf8_lossy(&left.unwrap_or_default()).into_owned();
        assert!(!left.contains("harbour-lane.example") || !part.starts_with("eyJ"), "{left}");
    }
}

#[test]
fn nothing_of_a_long_secret_is_left() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n".repeat(60);
    let key = format!("-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----");
    let plain = format!("{{\"note\": \"{}\"}}\n{key}\nmira@harbour-lane.example, bye", "so ".repeat(150));
    let run = STANDARD.encode(&plain);
    let scan = detector().scan(&run, Hint::default());
    let (begin, end) = (plain.find(&key).expect("key"), plain.find("\nmira").expect("mail"));
    let secret: Vec<_> = scan.findings.iter().filter(|finding| finding.label.as_str() == "secret.private_key").collect();
    assert_eq!(secret.first().expect("found").start, begin * 8 / 6);
    assert_eq!(secret.last().expect("found").end, (end * 8).div_ceil(6));
    assert!(secret.windows(2).all(|pair| pair[0].end == pair[1].start));
    assert_eq!(scan.findings.last().expect("found").label.as_str(), "pii.email");
    let cuts: Vec<usize> = (50..run.len()).step_by(50).collect();
    assert_eq!(in_pieces(&run, &cuts, Hint::default()), scan);
    assert_eq!(in_pieces(&run, &(1..run.len()).collect::<Vec<_>>(), Hint::default()), scan);
}

#[test]
fn chance_is_nothing() {
    for seed in 0..600 {
        let bytes = noise(seed, 20 + 3 * usize::try_from(seed).expect("small"));
        let hex: String =
            bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect();
        for text in
            [STANDARD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes), wrapped(&STANDARD.encode(&bytes), 76, "\n"), hex[..40].to_owned()]
        {
            assert_eq!(found(&text), [], "{text}");
        }
    }
}

#[test]
fn prose_is_not_held_back_longer() {
    // The last word may begin an address: `internationalized (at) example.com`.
    for (text, word) in [
        ("an extraordinarily internationalized ", "internationalized "),
        ("see src/components/navigation/index ", "index "),
        ("a_long_identifier_of_code(", "a_long_identifier_of_code("),
        ("an extraordinarily internationalized w", "w"),
        ("an extraordinarily internationalized, ", " "),
    ] {
        let mut stream = detector().stream(Hint::default());
        stream.push(text);
        assert!(text.len() - stream.settled() <= word.len(), "{text:?}: {}", stream.settled());
    }
}

#[test]
fn little_is_held_of_what_is_encoded() {
    let nasty = [
        "a".repeat(9_000),
        "a.b@".repeat(2_500),
        "1 ".repeat(4_000),
        "+1".repeat(4_000),
        "https://".repeat(1_500),
        "token=token=".repeat(900),
    ];
    let plain = nasty.iter().map(|text| STANDARD.encode(text));
    let raw = ["A".repeat(9_000), "YWFh".repeat(3_000), "Nz".repeat(4_000), "/_-+".repeat(2_000), "NDExMTEx/".repeat(900)];
    for text in plain.chain(raw) {
        let mut stream = detector().stream(Hint { tokens: true, ..Hint::default() });
        let mut events = Vec::new();
        for (index, piece) in text.as_bytes().chunks(6).enumerate() {
            stream.push(std::str::from_utf8(piece).expect("ascii"));
            stream.drain(&mut events);
            events.clear();
            let held = index * 6 + piece.len() - stream.settled();
            assert!(held <= 6 * WINDOW, "{}: {held} held", &text[..12]);
            assert!(stream.held() <= 96 * 1024, "{}: {} bytes of memory", &text[..12], stream.held());
        }
    }
}

#[test]
fn the_token_of_a_run_brings_back_that_run() {
    let scope = Minter::new([7; 32]).scope("anna", "one");
    let mut map = Pseudonyms::new(scope);
    let mut token = |label: &str, surface: &str| {
        let token = map.token_for(&Label::from(label), surface, false);
        assert_eq!(map.resolve(&token).expect("minted").surface.reveal(), surface);
        token
    };
    let runs = [
        "NDExMTExMTExMTExMTExMQ==",
        "NDExMTExMTExMTExMTExMQ",
        "NDUzMjgxMjY3NzM1NDY4Nw==",
        "bWlyYUBoYXJib3VyLWxhbmUuZXhhbXBsZQ==",
        "bWlyYUBoYXJib3VyLWxhbmUuZXhhbXBsZq==",
    ];
    for label in ["pci.card", "pii.email", "pii.ip", "pii.phone", "pci.iban", "pii.us_ssn"] {
        let tokens: std::collections::HashSet<_> = runs.iter().map(|run| token(label, run).as_str().to_owned()).collect();
        assert_eq!(tokens.len(), runs.len(), "{label}: a token stands for two runs");
    }
    assert_eq!(token("pci.iban", "DE89370400440532013000"), map.token_for(&Label::from("pci.iban"), "de89 3704 0044 0532 0130 00", false));
}

/// Pieces of texts of which some are encoded, glued to one another.
fn fragment() -> impl Strategy<Value = String> {
    let plain = prop::sample::select(vec![
        "mira@harbour-lane.example",
        "4532 8126 7735 4687",
        "+33612345678",
        "password: Kd7!HZ5t6PHV",
        " so ",
        "?>~",
        "é",
        "会",
        "\u{0}\u{1}",
        "https://a.example/?q=mira@b.example",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
        "eyJhbGciOiJIUzI1NiJ9.eyJz",
        "a long sentence that says nothing at all and goes on for a while, so that a run becomes long; ",
    ]);
    let encoded = (prop::collection::vec(plain.clone(), 1..6), 0..40usize, 0..6u8).prop_map(|(parts, times, how)| {
        let text = format!("{}{}", "filler text ".repeat(times), parts.concat());
        match how {
            0 => STANDARD.encode(text),
            1 => URL_SAFE_NO_PAD.encode(text),
            2 => wrapped(&STANDARD.encode(text), 76, "\r\n"),
            3 => wrapped(&STANDARD_NO_PAD.encode(text), 60, "\n"),
            4 => STANDARD.encode(text).replace('=', "%3D").replace('/', "\\/"),
            _ => STANDARD_NO_PAD.encode(text),
        }
    });
    let glue = prop::sample::select(vec![
        " ",
        "\n",
        "=",
        "/",
        "_",
        "-",
        "x",
        ".",
        "@",
        "token=",
        "EMAIL_7Q2F9KXD4M",
        "4532 ",
        "\u{200B}",
        "eyJhbGciOiJIUzI1NiJ9.",
    ]);
    prop_oneof![4 => encoded, 2 => glue.prop_map(str::to_owned), 1 => plain.prop_map(str::to_owned)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_whole(parts in prop::collection::vec(fragment(), 1..6), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9), tokens: bool, key: bool) {
        let text = parts.concat();
        let places: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| *cut.get(&places)).collect();
        cuts.sort_unstable();
        let hint = Hint { key: key.then_some("api_key"), tokens, ..Hint::default() };
        let whole = detector().scan(&text, hint);
        prop_assert_eq!(in_pieces(&text, &cuts, hint), whole.clone());
        prop_assert_eq!(in_pieces(&text, &places, hint), whole);
    }
}
