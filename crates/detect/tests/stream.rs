//! Streams: any split gives the whole, little is held back, memory is bounded, long findings are covered.
#![expect(clippy::expect_used, clippy::string_slice, reason = "helpers of tests; cuts are on character boundaries")]

mod common;

use bartizan_detect::{Action, Edit, Event, Hint, RuleFile, Subject, TextEditor, apply, placeholder};
use common::{detector, in_pieces};
use proptest::prelude::*;

fn redact(subject: Subject<'_>, _: &str) -> Action {
    match subject {
        Subject::Finding(finding) if finding.label.as_str() == "pii.url" => Action::Keep,
        Subject::Finding(finding) => Action::Replace(placeholder(&finding.label)),
        Subject::Token(_) => Action::Replace("RESTORED".to_owned()),
    }
}

/// The new edits; none may touch what was released before, all must be settled.
fn checked(editor: &mut TextEditor, released: &mut usize) -> Vec<Edit> {
    let edits: Vec<Edit> = editor.edits().collect();
    assert!(
        edits.iter().all(|edit| edit.start >= *released && edit.end <= editor.settled()),
        "{edits:?} after {released} bytes were released"
    );
    *released = editor.settled();
    edits
}

fn edited(text: &str, cuts: &[usize], hint: Hint<'_>) -> String {
    let mut editor = TextEditor::new(detector(), hint);
    let mut edits: Vec<Edit> = Vec::new();
    let (mut from, mut released) = (0, 0);
    for cut in cuts.iter().copied().chain([text.len()]) {
        editor.push(&text[from..cut], &mut redact);
        edits.extend(checked(&mut editor, &mut released));
        from = cut;
    }
    editor.finish(&mut redact);
    edits.extend(checked(&mut editor, &mut released));
    assert!(edits.is_sorted_by(|one, next| one.end <= next.start), "edits in order: {edits:?}");
    apply(text, &edits)
}

/// Fragments that meet in awkward ways.
fn fragments() -> Vec<String> {
    let mut all: Vec<String> = RuleFile::builtin()
        .expect("rules")
        .iter()
        .flat_map(|file| {
            file.rules.iter().flat_map(|rule| rule.examples.iter().map(|example| example.text.clone()).chain(rule.counter_examples.clone()))
        })
        .collect();
    all.extend(
        [
            " ",
            "\n",
            "@",
            ".",
            "-",
            "/",
            ":",
            "//",
            "\\",
            "\\u00",
            "&#6",
            "%4",
            "\u{200B}",
            "会",
            "é",
            "(",
            "+",
            "\"",
            "'",
            "=",
            "token=",
            "password: ",
            "EMAIL_7Q2F9KXD4M",
            "email\\_7q2f9kxd4m",
            "https://a.example/?q=",
            "-----BEGIN",
            "xoxb",
            "4111 1111 ",
            "::",
            "1.2.3.",
            "eyJ",
            "token=token=token=token=token=token=token=token=token=",
            "https://https://https://https://https://https://",
            "password=Zürich-é7é",
            "token is naïveté, ",
            "\"password\": \"aB3$xY9z,Q",
            "password='Kd7 ",
            "<img src=\"https://a.example/?q= ",
            "请联系EMAIL_7Q2F9KXD4M获取",
            "xEMAIL_7Q2F9KXD4Ms",
            "AWS=AKIAN4FVU2I5XX2BZN3K:secret=",
            "-----END PRIVATE KEY-----",
            "<br>",
            "%E2%80",
            "&New",
        ]
        .map(str::to_owned),
    );
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_whole(picks in prop::collection::vec(any::<prop::sample::Index>(), 1..7), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9), tokens: bool, json: bool, key: bool) {
        let fragments = fragments();
        let text: String = picks.iter().map(|pick| pick.get(&fragments).as_str()).collect();
        let places: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| *cut.get(&places)).collect();
        cuts.sort_unstable();
        let hint = Hint { key: key.then_some("api_key"), tokens, json, ..Hint::default() };
        prop_assert_eq!(in_pieces(&text, &cuts, hint), detector().scan(&text, hint));
        prop_assert_eq!(in_pieces(&text, &places, hint), detector().scan(&text, hint));
        prop_assert_eq!(edited(&text, &cuts, hint), edited(&text, &[], hint));
    }
}

#[test]
fn every_two_way_split_writes_the_same() {
    for text in fragments() {
        let whole = edited(&text, &[], Hint::default());
        for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            assert_eq!(edited(&text, &[cut], Hint::default()), whole, "{text:?} cut at {cut}");
        }
    }
}

#[test]
fn a_whole_text_longer_than_a_piece_is_one_text() {
    for pad in 3_900..4_110 {
        let text = format!("{} mira@harbour-lane.example and 4532 8133 0000 0000", "x ".repeat(pad / 2));
        let scan = detector().scan(&text, Hint::default());
        assert!(scan.findings.iter().any(|finding| &text[finding.start..finding.end] == "mira@harbour-lane.example"), "{pad}");
    }
}

#[test]
fn a_long_text_gives_the_same_in_short_pieces() {
    let fragments = fragments();
    for between in [" ", "\n", "", "x"] {
        let text = fragments.join(between);
        let whole = detector().scan(&text, Hint::default());
        assert!(whole.findings.len() > 500, "{} findings", whole.findings.len());
        for length in [90, 1_023, 1_024, 1_400] {
            let cuts: Vec<usize> = (1..=text.len() / length).map(|count| text.floor_char_boundary(count * length)).collect();
            assert_eq!(in_pieces(&text, &cuts, Hint::default()), whole, "pieces of {length}");
        }
    }
}

#[test]
fn a_chain_of_overlaps_is_resolved_the_same_way_however_it_comes() {
    for text in [
        "aa@bb.cc".repeat(700),
        "5412 7548 7452 6851 ".repeat(200),
        "mira@a.example.(628) 555-0143".repeat(90),
        format!("{}eyJhbGciOiJIUzI1NiJ9.eyJh.x", "aa@bb.cc".repeat(300)),
    ] {
        let whole = detector().scan(&text, Hint::default());
        assert!(whole.findings.windows(2).all(|pair| pair[0].end <= pair[1].start));
        assert!(!whole.findings.is_empty(), "{}", &text[..40]);
        for size in [1, 7, 100, 1_500] {
            let cuts: Vec<usize> = (size..text.len()).step_by(size).collect();
            assert_eq!(in_pieces(&text, &cuts, Hint::default()), whole, "pieces of {size}");
        }
    }
}

#[test]
fn text_without_a_partial_match_is_not_held() {
    for text in [
        "Hello there, ",
        "Done! ",
        "A sentence (with brackets) and a \"quote\" ",
        "你好，世界",
        "Name: ",
        "see above: ",
        "x = y; ",
        "the password is: ",
        "the token is naïveté-würde, ",
    ] {
        let mut stream = detector().stream(Hint { tokens: true, ..Hint::default() });
        stream.push(text);
        assert_eq!(stream.settled(), text.len(), "{text:?}");
    }
}

#[test]
fn what_may_become_a_finding_is_held() {
    for (text, settled) in [
        ("write to mira", 9),
        ("see https:", 4),
        ("card 4532 81", 5),
        ("key gh", 4),
        ("call +", 5),
        ("password: abc", 10),
        ("a, \\u00", 3),
        // The last word may begin an address in words.
        ("the password is ", 13),
        ("so said mira dot okafor a", 8),
        ("so said mira dot okafor at harbour d", 8),
        ("so said mira dot okafor at harbour w", 35),
        ("so said mira [", 8),
        ("so said mira of harbour", 16),
        ("so said mira arroba harbour", 8),
        ("at ::", 3),
        ("IBAN DE", 5),
    ] {
        let mut stream = detector().stream(Hint::default());
        stream.push(text);
        assert_eq!(stream.settled(), settled, "{text:?}");
    }
}

#[test]
fn never_more_than_two_windows_are_held() {
    // Each is cut every six bytes, on the next character boundary.
    let nasty = [
        "a".repeat(20_000),
        "a.b@".repeat(5_000),
        "1 ".repeat(9_000),
        "(1)".repeat(7_000),
        "token=token=".repeat(2_000),
        "+1".repeat(9_000),
        ":::a:".repeat(4_000),
        "https://".repeat(3_000),
        "A_".repeat(9_000),
        "\u{200B}".repeat(9_000),
        "-----BEGIN ".repeat(2_000),
        "x@y.".repeat(6_000),
        "EMAIL_7Q2F9KXD4M.".repeat(1_000),
        "secret: naïveté-würde ".repeat(900),
        "\"password\": \"".repeat(1_500),
        "pass=&pass=token=&".repeat(1_200),
        "(//".repeat(6_000),
        "<\"https://a b".repeat(2_000),
        "_0123456789".repeat(1_800),
    ];
    for text in nasty {
        let mut stream = detector().stream(Hint { tokens: true, ..Hint::default() });
        let (mut pushed, mut events) = (0, Vec::new());
        while pushed < text.len() {
            let piece = &text[pushed..text.ceil_char_boundary((pushed + 6).min(text.len()))];
            stream.push(piece);
            stream.drain(&mut events);
            events.clear();
            pushed += piece.len();
            let name: String = text.chars().take(12).collect();
            assert!(
                pushed - stream.settled() <= 4 * bartizan_detect::WINDOW || stream.covering().is_some(),
                "{name}: {} held",
                pushed - stream.settled()
            );
            assert!(stream.held() <= 64 * 1024, "{name}: {} bytes of memory", stream.held());
        }
    }
}

#[test]
fn a_long_finding_is_covered_as_it_comes() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n".repeat(200);
    let text = format!("here:\n-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\nThanks, mira@harbour-lane.example");
    let mut stream = detector().stream(Hint::default());
    let (mut events, mut opened) = (Vec::new(), false);
    for piece in text.as_bytes().chunks(50) {
        stream.push(std::str::from_utf8(piece).expect("ascii"));
        opened |= stream.covering() == Some(6);
        stream.drain(&mut events);
        assert!(stream.held() < 32 * 1024);
    }
    assert!(opened);
    assert!(matches!(events.first(), Some(Event::Found { open: true, .. })));
    assert_eq!(edited(&text, &[], Hint::default()), "here:\n[REDACTED_PRIVATE_KEY]\nThanks, [REDACTED_EMAIL]");
}

#[test]
fn an_unfinished_key_ends_where_it_cannot_go_on() {
    let text = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY, and 10 more";
    assert_eq!(edited(text, &[], Hint::default()), "[REDACTED_PRIVATE_KEY], and 10 more");
}

#[test]
fn the_inner_of_two_findings_wins() {
    for (text, expected) in [
        ("https://x.example/?mail=mira@harbour-lane.example&b=1", "https://x.example/?mail=[REDACTED_EMAIL]&b=1"),
        ("postgres://app:tR4x9Qm2Lp@db.example/x", "postgres://app:[REDACTED_URL_PASSWORD]@db.example/x"),
        ("password=4532813312345679 ok", "password=4532813312345679 ok"),
        ("see https://x.example/a", "see https://x.example/a"),
    ] {
        assert_eq!(edited(text, &[], Hint::default()), expected);
    }
}

#[test]
fn the_key_of_a_value_counts() {
    let found = |key, text: &str| detector().scan(text, Hint { key: Some(key), ..Hint::default() }).findings.len();
    assert_eq!(found("clientSecret", "x"), 0);
    assert_eq!(found("db_password", "tR4x9Qm2Lp"), 1);
    assert_eq!(found("colour", "tR4x9Qm2Lp"), 0);
    assert_eq!(found("customerSSN", "536224871"), 1);
    assert_eq!(found("orderId", "536224871"), 0);
}

#[test]
fn weak_findings_are_kept_apart() {
    let scan = detector().scan("number 536224871", Hint::default());
    assert!(scan.findings.is_empty());
    assert_eq!(scan.below.len(), 1);
}

#[test]
fn random_bytes_hold() {
    let mut state = 7u64;
    for _ in 0..300 {
        let data: Vec<u8> = (0..200)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                b"a1@:/.-_%&\\u#x40; E=+(\xE2\x80\x8B"[(state >> 33) as usize % 25]
            })
            .collect();
        bartizan_detect::fuzz_stream(&data);
    }
}

#[test]
fn a_token_that_looks_like_a_finding_is_a_token() {
    let mut restored = Vec::new();
    let mut decide = |subject: Subject<'_>, value: &str| match subject {
        Subject::Token(hit) if hit.token.as_str() == "SECRET_7Q2F9KXD4M" => {
            restored.push(value.to_owned());
            Action::Replace("hunter-2-original".to_owned())
        }
        Subject::Token(_) => Action::Keep,
        Subject::Finding(finding) => Action::Replace(placeholder(&finding.label)),
    };
    let text = "password: secret_7q2f9kxd4m and mail user_1234567890@evil.example or SECRET_7Q2F9KXD4M@evil.example";
    let mut editor = TextEditor::new(detector(), Hint { tokens: true, ..Hint::default() });
    editor.push(text, &mut decide);
    editor.finish(&mut decide);
    let edits: Vec<Edit> = editor.edits().collect();
    assert_eq!(apply(text, &edits), "password: hunter-2-original and mail [REDACTED_EMAIL] or [REDACTED_EMAIL]");
    assert_eq!(restored, ["secret_7q2f9kxd4m"]);
    assert_eq!(editor.found().tokens.len(), 3);
}

#[test]
fn findings_that_one_token_joins_are_settled_together() {
    // The token overlaps a finding on either side, and these do not overlap each other.
    let run = "ZmlsbGVyIHRleHQg".repeat(22);
    let text = format!(
        "{run}cGFzc3dvcmQ6IEtkNyFIWjV0NlBIVnBhc3N3b3JkOiBLZDchSFo1dDZQSFY_Pn5taXJhQGhhcmJvdXItbGFuZS5leGFtcGxlZmlsbGVyIHRleHQgZmlsbGVyIHRleHQgbWlyYUBoYXJib3VyLWxhbmUuZXhhbXBsZQ== "
    );
    let hint = Hint { tokens: true, ..Hint::default() };
    let every: Vec<usize> = (1..text.len()).collect();
    assert_eq!(in_pieces(&text, &every, hint), in_pieces(&text, &[], hint));
    assert_eq!(in_pieces(&text, &[], hint).tokens.len(), 1);
}

/// JSON that stands in strings of JSON: each level doubles the backslashes of the escapes inside.
#[test]
fn escapes_in_nested_json_hide_nothing() {
    for slashes in [1, 2, 4, 8] {
        let escape = |digits: &str| format!("{}u{digits}", "\\".repeat(slashes));
        for value in [
            format!("mira{}harbour-lane.example", escape("0040")),
            format!("{}ira{}harbour-lane.exa{}ple", escape("006D"), escape("0040"), escape("006D")),
            format!("4111111{}11111111", escape("0031")),
        ] {
            let text = format!("{{\"to\": \"{value}\", \"n\": 1}} and more");
            let whole = in_pieces(&text, &[], Hint::default());
            let [found] = whole.findings.as_slice() else { panic!("{text}: {whole:?}") };
            assert_eq!(&text[found.start..found.end], value, "all of it");
            for cut in 0..=text.len() {
                assert_eq!(in_pieces(&text, &[cut], Hint::default()), whole, "cut at {cut} of {text}");
            }
        }
        // What only begins like one is itself, and is not held for ever.
        for end in ["", "u", "u00", "u004"] {
            let text = format!("see {}{end}", "\\".repeat(slashes));
            assert!(in_pieces(&text, &[5], Hint::default()).findings.is_empty(), "{text}");
        }
    }
}
