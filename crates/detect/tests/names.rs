//! The recogniser of names: what it finds, what it leaves alone, and that it does not matter how a text arrives.

#![cfg(test)]
#![expect(clippy::string_slice, reason = "offsets of findings and character boundaries")]

use bartizan_detect::names::train::{Lists, Sample, Settings, train};
use bartizan_detect::names::{Kind, ModelError, Names};
use bartizan_detect::{Detector, Event, Hint, Scan};
use bartizan_vocabulary::Finding;
use proptest::prelude::*;

/// Texts with everything that the recogniser knows.
const TEXTS: &[&str] = &[
    "Hello, my name is Mira Okafor and I live at 27 Harbour Lane, Dublin.",
    "Ship to:\nJonas Lindqvist\n14 Storgatan\nApt. 3\nUppsala\n Sweden 75310\nthanks!",
    "Sehr geehrte Frau Brandstetter,\nanbei der Vertrag mit der Fjordpost GmbH, Hauptstraße 12, 80331 München.",
    "La patiente Éloïse Beaumont, née le 04.07.1981, habite à Lyon.",
    "A 43 year old woman from Porto was seen by Dr. Almeida on 2024-03-05.",
    "{\"name\": \"Tomás Ferreira\", \"city\": \"Braga\", \"note\": \"caf\\u00e9\"}",
    "short",
    "",
    "   \n\n      Mira   Okafor\n\n\n",
    "The user Mira\u{200b} Okafor wrote %4Dira Okafor &amp; Jonas Lindqvist.",
];

fn names() -> Names {
    Names::builtin().unwrap()
}

/// What the detector with names finds in a text: label and value.
fn check(text: &str, expected: &[(&str, &str)]) {
    let scan = Detector::builtin().unwrap().with_names(names()).scan(text, Hint::default());
    let found: Vec<(&str, &str)> =
        scan.findings.iter().map(|finding| (finding.label.as_str(), text.get(finding.start..finding.end).unwrap())).collect();
    assert_eq!(found, expected, "{text:?}");
}

#[test]
fn names_are_found() {
    check("Hello, my name is Mira Okafor and I live in Dublin.", &[("pii.person", "Mira Okafor"), ("pii.location", "Dublin")]);
    check("Please send the card to 27 Harbour Lane, Dublin, Ireland.", &[("pii.address", "27 Harbour Lane, Dublin, Ireland")]);
    check(
        "Ship to:\nJonas Lindqvist\n14 Storgatan\nApt. 3\nUppsala\nSweden 75310",
        &[("pii.person", "Jonas Lindqvist"), ("pii.address", "14 Storgatan\nApt. 3\nUppsala\nSweden 75310")],
    );
    check("Sehr geehrte Frau Brandstetter,\nvielen Dank für Ihre Anfrage.", &[("pii.person", "Brandstetter")]);
    check(
        "Mira Okafor works for Fjordpost Inc in Oslo.",
        &[("pii.person", "Mira Okafor"), ("pii.organization", "Fjordpost Inc"), ("pii.location", "Oslo")],
    );
    check("She was born on 04/07/1981 and is Portuguese.", &[("pii.date_of_birth", "04/07/1981"), ("pii.nrp", "Portuguese")]);
    check("Je m'appelle Éloïse Beaumont, j'habite à Lyon.", &[("pii.person", "Éloïse Beaumont"), ("pii.location", "Lyon")]);
}

#[test]
fn rules_come_first() {
    check(
        "Write to Mira Okafor <mira.okafor@harbour-lane.example>.",
        &[("pii.person", "Mira Okafor"), ("pii.email", "mira.okafor@harbour-lane.example")],
    );
}

#[test]
fn what_is_no_name_is_left_alone() {
    for text in [
        "# Getting Started\n\nInstall Docker and Kubernetes, then run `make test`. In May prices may rise.",
        "let user = User::new(config, 42);\nfor (name, value) in headers.iter() { println!(\"{name}\"); }",
        "2026-05-01T10:00:00Z INFO gateway::server - Started in 12 ms on port 8080",
        "Order number 4711-0815, version 2.4.1, chapter 7: General Terms and Conditions.",
        "How do I change my password? The Customer shall pay the Fees.",
        "will mark the page and grant access in march",
        "name = \"serde\"\nversion = \"1.0.203\"\nsource = \"registry\"",
    ] {
        check(text, &[]);
    }
}

/// What a stream with names reports of pieces; nothing of it may lie in what was released before.
fn pieces(detector: &Detector, pieces: &[&str]) -> Vec<Finding> {
    let mut stream = detector.stream(Hint::default());
    let mut scan = Scan::default();
    let (mut events, mut taken, mut settled) = (Vec::new(), 0, 0);
    for piece in pieces.iter().map(Some).chain([None]) {
        match piece {
            Some(piece) => stream.push(piece),
            None => stream.finish(),
        }
        taken += piece.map_or(0, |piece| piece.len());
        stream.drain(&mut events);
        for event in &events {
            if let Event::Found { finding, .. } | Event::Below(finding) = event {
                assert!(finding.start >= settled, "{pieces:?}: {finding:?} lies in what had been released up to {settled}");
            }
        }
        scan.absorb(events.drain(..));
        settled = stream.settled();
        assert!(settled <= taken);
    }
    assert_eq!(settled, taken);
    scan.findings
}

#[test]
fn however_a_text_is_cut_the_names_are_the_same() {
    let detector = Detector::builtin().unwrap().with_names(names());
    for text in TEXTS {
        let whole = detector.scan(text, Hint::default()).findings;
        let each: Vec<&str> = text.split("").filter(|piece| !piece.is_empty()).collect();
        assert_eq!(pieces(&detector, &each), whole, "{text:?} by character");
        for (at, _) in text.char_indices() {
            let (head, tail) = text.split_at(at);
            assert_eq!(pieces(&detector, &[head, tail]), whole, "{text:?} at {at}");
        }
    }
}

/// What texts are put together from: names, what rules find, and what stands between.
const FRAGMENTS: &[&str] = &[
    "Mira Okafor",
    "Jonas ",
    "27 Harbour Lane, Dublin, Ireland ",
    "\nUppsala",
    "born on 04/07/1981",
    "075 310 4321",
    "(628) 555-0143",
    "mira@harbour-lane.example",
    "AKIAQWERTYUIOP234567",
    "EMAIL_7Q2F9KXD4M",
    "https://harbour-lane.example/Mira/Okafor?q=Dublin",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIB Mira Okafor",
    "-----END RSA PRIVATE KEY-----",
    "&amp;",
    "%4D",
    "\u{200B}",
    " lives at ",
    ", ",
    "\n",
    " ",
    "ä",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_whole(picks in prop::collection::vec(prop::sample::select(FRAGMENTS), 1..9), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9)) {
        let detector = Detector::builtin().unwrap().with_names(names());
        let text = picks.concat();
        let places: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| *cut.get(&places)).collect();
        cuts.sort_unstable();
        let parts = |cuts: &[usize]| {
            let ends = cuts.iter().copied().chain([text.len()]);
            let mut from = 0;
            ends.map(|end| &text[std::mem::replace(&mut from, end)..end]).map(str::to_owned).collect::<Vec<_>>()
        };
        let whole = detector.scan(&text, Hint::default()).findings;
        for cuts in [&cuts, &places] {
            let parts = parts(cuts);
            prop_assert_eq!(&pieces(&detector, &parts.iter().map(String::as_str).collect::<Vec<_>>()), &whole);
        }
    }
}

#[test]
fn prose_without_names_is_released_at_once() {
    let mut stream = Detector::builtin().unwrap().with_names(names()).stream(Hint::default());
    for word in ["the ", "weather ", "is ", "fine ", "and ", "nothing ", "happens, "] {
        stream.push(word);
    }
    assert_eq!(stream.settled(), "the weather is fine and nothing happens, ".len());
    stream.push("says Mi");
    assert_eq!(stream.settled(), "the weather is fine and nothing happens, says ".len());
}

#[test]
fn a_name_gives_way_to_what_a_rule_found() {
    // A number that little speaks for is part of the address, one that a rule is sure of is not.
    check("Ship it to 27 Harbour Lane, Dublin, Ireland 075 310 4321.", &[("pii.address", "27 Harbour Lane, Dublin, Ireland 075 310 4321")]);
    let text = "The letter came from Mira Okafor AKIAQWERTYUIOP234567 Jonas Lindqvist yesterday.";
    let scan = Detector::builtin().unwrap().with_names(names()).scan(text, Hint::default());
    assert!(scan.findings.iter().any(|finding| finding.label.as_str() == "secret.aws_access_key"), "{:?}", scan.findings);
    assert!(scan.findings.is_sorted_by(|one, next| one.end <= next.start), "{:?}", scan.findings);
}

#[test]
fn nothing_is_held_without_end() {
    let detector = Detector::builtin().unwrap().with_names(names());
    for unit in ["Mira Okafor, ", "12 Harbour Lane, Dublin\n", "A", "Ä", "7", " ", "\n", "Of The ", "x_"] {
        let mut scan = detector.stream(Hint::default());
        let mut most = 0;
        let mut taken = 0;
        for _ in 0..2_000 {
            scan.push(unit);
            taken += unit.len();
            most = most.max(taken - scan.settled());
        }
        assert!(most <= bartizan_detect::WINDOW, "{unit:?}: {most} bytes were held");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

#[test]
fn the_card_names_the_weights() {
    let card = include_str!("../models/names.md");
    let digest = hex(&names().digest());
    assert!(card.contains(&digest), "names.md must name the digest {digest}");
    assert!(include_bytes!("../models/names.bin").len() < 8_000_000);
}

#[test]
fn damaged_weights_are_refused() {
    let good = include_bytes!("../models/names.bin").to_vec();
    let mut flipped = good.clone();
    flipped[100_000] ^= 1;
    assert!(matches!(Names::load(flipped.into()), Err(ModelError::Digest)));
    for cut in [0, 7, 23, 24, 1_000, good.len() - 1] {
        assert!(matches!(Names::load(good[..cut].to_vec().into()), Err(ModelError::Form)), "{cut}");
    }
}

#[test]
fn training_gives_the_same_bytes_again() {
    let mut lists = Lists::default();
    lists.add("first", "en\tMira\nen\tJonas\nen\tEdda\n");
    lists.add("last", "en\tOkafor\nen\tLindqvist\nen\tBrandt\n");
    lists.add("cities", "ie\tDublin\nse\tUppsala\n");
    let marked = [Sample { text: "Ask Mira.".to_owned(), spans: vec![(4, 8, Kind::Person)] }];
    let clean = ["let ask = Mark::new();\n".to_owned()];
    let settings = Settings { epochs: 2, made: 300, bits: 12, ..Settings::default() };
    let one = train(&lists, &marked, &clean, &settings, &mut |_| {}).unwrap();
    assert_eq!(one, train(&lists, &marked, &clean, &settings, &mut |_| {}).unwrap());
    let other = train(&lists, &marked, &clean, &Settings { seed: 8, ..settings }, &mut |_| {}).unwrap();
    assert_ne!(one, other);
    assert!(Names::load(one.into()).is_ok());
}
