//! Words around a match: before and after it, in scripts with and without spaces, however the text is split.
#![expect(clippy::expect_used, clippy::string_slice, reason = "helpers of tests; cuts are on character boundaries")]

use bartizan_detect::{Detector, Event, Hint, RuleFile, Scan};

const RULES: &str = r#"
label = "custom.number"
description = "Made-up numbers."
threshold = 0.5
severity = "medium"

[[rule]]
id = "custom.number"
class = "digits"
pattern = '\d{7}'
left = "number"
right = "number"
score = 0.3
context = ["ausweis", "führerschein", "番号", "téléphone"]
context_score = 0.9
after = ["tax id", "steuernummer", "番号", "größe"]
jurisdiction = ["DE", "JP", "international"]
source = "made up"
examples = [{ text = "ausweis 1234567", find = "1234567" }, { text = "1234567 tax id", find = "1234567" }]
counter_examples = ["1234567", "12345678"]
"#;

fn detector() -> Detector {
    Detector::from_rules(&[RuleFile::parse(RULES).expect("parses")]).expect("loads")
}

fn in_pieces(detector: &Detector, text: &str, cuts: &[usize]) -> Scan {
    let mut stream = detector.stream(Hint::default());
    let (mut scan, mut events, mut from) = (Scan::default(), Vec::<Event>::new(), 0);
    for cut in cuts.iter().copied().chain([text.len()]) {
        stream.push(&text[from..cut]);
        from = cut;
    }
    stream.finish();
    stream.drain(&mut events);
    scan.absorb(events);
    scan
}

/// How many are found, and how many stay below the threshold; the same however the text is split.
fn counts(text: &str) -> (usize, usize) {
    let detector = detector();
    let whole = detector.scan(text, Hint::default());
    let places: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
    for cut in &places {
        assert_eq!(in_pieces(&detector, text, &[*cut]), whole, "{text:?} cut at {cut}");
    }
    assert_eq!(in_pieces(&detector, text, &places), whole, "{text:?} cut everywhere");
    (whole.findings.len(), whole.below.len())
}

#[test]
fn words_before_a_match_count_in_any_script() {
    for (text, found) in [
        ("ausweis 1234567", 1),
        ("Führerschein: 1234567", 1),
        ("FÜHRERSCHEIN 1234567", 1),
        ("Führerscheinprüfung 1234567", 0),
        ("überausweis 1234567", 0),
        ("äausweis 1234567", 0),
        ("ausweisä 1234567", 0),
        ("社会保障番号は1234567です", 1),
        ("番号1234567", 1),
        ("TÉLÉPHONE n° 1234567", 1),
        ("téléphonée 1234567", 0),
        ("nothing 1234567", 0),
    ] {
        assert_eq!(counts(text), (found, 1 - found), "{text}");
    }
}

#[test]
fn words_after_a_match_count_for_rules_that_ask_for_them() {
    let far = |spaces: usize| format!("1234567{}tax id", " ".repeat(spaces));
    for (text, found) in [
        ("1234567 is her tax id", 1),
        ("1234567 (Steuernummer)", 1),
        ("1234567 GRÖSSE, GRÖßE", 1),
        ("1234567が番号です", 1),
        ("1234567 is her tax idea", 0),
        ("1234567 is her syntax id", 0),
        ("1234567 tax idä", 0),
        ("1234567 ausweis", 0),
        (&far(34), 1),
        (&far(35), 0),
        ("1234567 tax id 7654321 x", 1),
    ] {
        let (strong, below) = counts(text);
        let numbers = if text.contains("7654321") { 2 } else { 1 };
        assert_eq!((strong, below), (found, numbers - found), "{text}");
    }
}

#[test]
fn text_is_held_for_words_after_a_match_only_where_they_could_lift_it() {
    let detector = detector();
    let tail = "x, ".repeat(20);
    for (text, held) in [("1234567 and so, ", true), ("ausweis 1234567 and so, ", false), ("12345678 and so, ", false)] {
        let mut stream = detector.stream(Hint::default());
        stream.push(text);
        assert_eq!(stream.settled() < text.len(), held, "{text}");
        stream.push(&tail);
        assert_eq!(stream.settled(), text.len() + tail.len(), "{text}: nothing is held any more");
    }
    let mut stream = detector.stream(Hint::default());
    stream.push("1234567, tax id, ");
    assert_eq!(stream.settled(), "1234567, tax id, ".len(), "a word that has come is not waited for");
}

#[test]
fn the_key_counts_in_any_script() {
    let detector = detector();
    for (key, found) in [("führerschein", 1), ("Führerschein_nr", 1), ("免許番号", 1), ("führerscheine", 0), ("vorführerschein", 0)]
    {
        let scan = detector.scan("1234567", Hint { key: Some(key), ..Hint::default() });
        assert_eq!(scan.findings.len(), found, "{key}");
    }
}
