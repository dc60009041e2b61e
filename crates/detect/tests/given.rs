//! Names that something else found: resolved with what rules and the built-in recogniser find, in places of the raw text.

#![cfg(test)]
#![expect(clippy::string_slice, reason = "offsets of findings and character boundaries")]

use bartizan_detect::names::{Given, Kind, Name, Names};
use bartizan_detect::{Detector, Hint, Scan, normalise};
use bartizan_vocabulary::Finding;
use proptest::prelude::*;

fn detector() -> Detector {
    Detector::builtin().unwrap().with_names(Names::builtin().unwrap())
}

/// What is given: a kind, and where it stands in the normalised text.
fn given(text: &str, names: &[(Kind, &str)]) -> Given {
    let normalised = normalise(text);
    let name = |(kind, name): &(Kind, &str)| {
        let start = normalised.find(name).unwrap();
        Name { kind: *kind, start, end: start + name.len(), score_bp: 9_000 }
    };
    Given::of(&normalised, names.iter().map(name))
}

fn shown<'a>(scan: &'a Scan, text: &'a str) -> Vec<(&'a str, &'a str)> {
    scan.findings.iter().map(|finding: &Finding| (finding.label.as_str(), &text[finding.start..finding.end])).collect()
}

fn check(text: &str, names: &[(Kind, &str)], expected: &[(&str, &str)]) {
    let scan = detector().scan_given(text, Hint::default(), given(text, names));
    assert_eq!(shown(&scan, text), expected);
}

#[test]
fn a_name_that_nobody_else_knows_is_found() {
    check("we met zqux vrenn there", &[], &[]);
    check("we met zqux vrenn there", &[(Kind::Person, "zqux vrenn")], &[("pii.person", "zqux vrenn")]);
}

#[test]
fn places_are_those_of_the_raw_text() {
    check("we met z\u{200b}qux vren%6E there", &[(Kind::Person, "zqux vrenn")], &[("pii.person", "z\u{200b}qux vren%6E")]);
}

#[test]
fn rules_come_before_names() {
    let text = "write to zqux@harbour.example or zqux";
    let scan = detector().scan_given(text, Hint::default(), given(text, &[(Kind::Person, "zqux@harbour")]));
    assert!(shown(&scan, text).contains(&("pii.email", "zqux@harbour.example")));
}

#[test]
fn without_names_nothing_is_taken() {
    let text = "we met zqux vrenn there";
    let scan = Detector::builtin().unwrap().scan_given(text, Hint::default(), given(text, &[(Kind::Person, "zqux vrenn")]));
    assert_eq!(scan, Scan::default());
}

#[test]
fn what_is_no_place_of_the_text_is_left_out() {
    let text = "é zqux";
    let name = |start, end| Name { kind: Kind::Person, start, end, score_bp: 9_000 };
    let (backwards, inside, beyond) = (name(5, 4), name(1, 4), name(3, 900));
    let scan = detector().scan_given(text, Hint::default(), Given::of(text, [backwards, inside, beyond]));
    assert_eq!(scan.findings, []);
}

/// A name that the built-in recogniser finds is not reported while one that is given, and longer, has not ended.
#[test]
fn what_a_longer_name_covers_is_held_back_until_that_has_ended() {
    let long = format!("Mira Okafor {}by the river", "so it goes on and on ".repeat(14));
    let text = format!("we met {long} there, and afterwards everybody went home. {}", "so ".repeat(200));
    let names = given(&text, &[(Kind::Address, &long)]);
    let detector = detector();
    let whole = detector.scan_given(&text, Hint::default(), names.clone());
    assert_eq!(shown(&whole, &text), [("pii.address", long.as_str())]);
    for size in [1, 7, 64, 200] {
        let (mut stream, mut events) = (detector.stream_given(Hint::default(), names.clone()), Vec::new());
        for piece in text.as_bytes().chunks(size) {
            stream.push(std::str::from_utf8(piece).unwrap());
            stream.drain(&mut events);
        }
        stream.finish();
        stream.drain(&mut events);
        let mut parts = Scan::default();
        parts.absorb(events);
        assert_eq!(parts, whole, "pieces of {size}");
    }
}

proptest! {
    #[test]
    fn it_does_not_matter_how_a_text_arrives(cuts in prop::collection::vec(0_usize..400, 0..8), shift in 0_usize..40) {
        let text = format!("{}we met z\u{200b}qux vrenn and Mira Okafor at mail jo@acme.example, 27 Harbour Lane, Dublin. {}", "a ".repeat(shift), "so ".repeat(60));
        let names = given(&text, &[(Kind::Person, "zqux vrenn"), (Kind::Person, "Okafor"), (Kind::Address, "Lane, Dublin")]);
        let detector = detector();
        let whole = detector.scan_given(&text, Hint::default(), names.clone());
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| text.floor_char_boundary(cut.min(text.len()))).collect();
        cuts.sort_unstable();
        let (mut stream, mut events, mut from) = (detector.stream_given(Hint::default(), names), Vec::new(), 0);
        for cut in cuts.into_iter().chain([text.len()]) {
            stream.push(&text[from..cut]);
            stream.drain(&mut events);
            from = cut;
        }
        stream.finish();
        stream.drain(&mut events);
        let mut parts = Scan::default();
        parts.absorb(events);
        prop_assert_eq!(parts, whole);
    }
}
