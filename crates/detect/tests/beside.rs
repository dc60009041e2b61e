//! What reads a text beside the rules, all at once: however a text is cut, the same is found, and nothing of it was released before.

#![cfg(test)]
#![expect(clippy::string_slice, reason = "offsets of findings and character boundaries")]

use std::sync::{Arc, OnceLock};

use bartizan_detect::exact::{Builder, Exact, Settings};
use bartizan_detect::known::IndexKey;
use bartizan_detect::names::Names;
use bartizan_detect::phrases::{Dictionary, Phrases};
use bartizan_detect::prints::{Prints, PrintsBuilder};
use bartizan_detect::{Detector, Event, Hint, Scan};
use proptest::prelude::*;

/// A document of a company's own; its first half is longer than the window within which overlaps are resolved.
const DOCUMENT: &str = "The board of the harbour agreed that the northern quay is sold before the winter and that nobody outside the room \
    hears of it until the bank has signed. The price that the chair named is nine million for the land and two for the cranes, which \
    are older than the buyer was told. Each member keeps the minutes at home and brings them back to the next meeting. Should the \
    town council ask, the answer is that repairs are planned. The lawyers of the buyer are to be met on a ship and not in the office, \
    and whoever writes about it by mail leaves out the name of the quay. The pilots are offered new contracts in the spring, at the \
    wage of last year, and the union is told after that. The old warehouse stays with the harbour because of what lies under it, and \
    the survey of the ground is not to be copied. When the sale is made public the chair speaks first and the engineer answers \
    questions about the cranes with the figures of the year before.";

fn key() -> IndexKey {
    IndexKey::new([42; 32])
}

fn detector() -> &'static Detector {
    static DETECTOR: OnceLock<Detector> = OnceLock::new();
    DETECTOR.get_or_init(|| {
        let mut rows = Builder::new(&key(), Settings { columns: 1, need: 1, ..Settings::default() }).unwrap();
        rows.add("mira.okafor", ["Dublin"]).unwrap();
        rows.add("AB-123456", ["Lisbon"]).unwrap();
        let exact = Exact::load(Arc::new(rows.finish().unwrap().bytes), &key()).unwrap();
        let mut documents = PrintsBuilder::new(&key(), "proprietary.document").unwrap();
        documents.add(Some("minutes"), [DOCUMENT]).unwrap();
        let prints = Prints::load(Arc::new(documents.finish().unwrap().bytes), &key()).unwrap();
        let words = Dictionary::parse("[dictionary]\nlabel = 'custom.projects'\nwords = ['Project Falcon', 'heron']").unwrap();
        let rules = Detector::builtin().unwrap().with_names(Names::builtin().unwrap());
        rules.with_exact(exact).with_prints(prints).with_phrases(Phrases::new(&words).unwrap())
    })
}

/// What a stream reports of a text that is cut so.
fn in_pieces(text: &str, cuts: &[usize]) -> Scan {
    let mut stream = detector().stream(Hint::default());
    let (mut scan, mut events, mut from, mut released) = (Scan::default(), Vec::new(), 0, 0);
    for cut in cuts.iter().copied().map(Some).chain([Some(text.len()), None]) {
        match cut {
            Some(cut) => stream.push(&text[from..cut]),
            None => stream.finish(),
        }
        from = cut.unwrap_or(from);
        stream.drain(&mut events);
        for event in &events {
            if let Event::Found { finding, .. } | Event::Below(finding) = event {
                assert!(finding.start >= released, "{finding:?} after {released} bytes of {text:?} were released");
            }
        }
        released = stream.settled();
        scan.absorb(events.drain(..));
    }
    assert_eq!(released, text.len());
    scan
}

fn found(text: &str) -> Vec<(String, String)> {
    let scan = detector().scan(text, Hint::default());
    assert!(scan.findings.is_sorted_by(|one, next| one.end <= next.start), "{:?}", scan.findings);
    scan.findings.iter().map(|one| (one.label.as_str().to_owned(), text[one.start..one.end].to_owned())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn overlaps_of_all_of_them_are_resolved_together() {
    assert_eq!(
        found("Write to mira.okafor@harbour-lane.example in Dublin about Project Falcon."),
        pairs(&[
            ("proprietary.exact", "mira.okafor"),
            ("pii.email", "harbour-lane.example"),
            ("pii.location", "Dublin"),
            ("custom.projects", "Project Falcon"),
        ])
    );
    // Parts of an excerpt are one finding; a few words at its ends belong to no shingle that was kept.
    let found = found(DOCUMENT);
    assert!(
        matches!(found.as_slice(), [(label, value)] if label == "proprietary.document" && value.len() + 80 > DOCUMENT.len()),
        "{found:?}"
    );
}

/// A secret at the end of a long excerpt, where the window of its beginning has passed.
#[test]
fn a_secret_in_a_long_excerpt_keeps_its_place() {
    let key = "AKIAQ3EGRZ5L7XW2MB4T";
    for (at, _) in DOCUMENT.match_indices(' ') {
        let text = format!("{} {key}{}", &DOCUMENT[..at], &DOCUMENT[at..]);
        let found = found(&text);
        assert!(found.contains(&("secret.aws_access_key".to_owned(), key.to_owned())), "at {at}: {found:?}");
        let covered: usize = found.iter().filter(|(label, _)| label == "proprietary.document").map(|(_, value)| value.len()).sum();
        assert!(covered + 80 >= DOCUMENT.len(), "at {at}: {covered} of {}", DOCUMENT.len());
    }
}

/// The same where a chain of findings has begun long before: a list of addresses, each of which overlaps parts of the excerpt.
#[test]
fn a_secret_behind_a_chain_of_findings_keeps_its_place() {
    let words: Vec<&str> = DOCUMENT.split(|c: char| !c.is_ascii_lowercase()).filter(|word| word.len() > 2).collect();
    let lines = words.chunks_exact(4).map(|four| format!("{}@{}-harbour.example", four[..3].join("."), four[3]));
    let lines: Vec<String> = lines.collect();
    let mut documents = PrintsBuilder::new(&key(), "proprietary.document").unwrap();
    documents.add(Some("list"), [lines.join("\n").as_str()]).unwrap();
    let prints = Prints::load(Arc::new(documents.finish().unwrap().bytes), &key()).unwrap();
    let detector = Detector::builtin().unwrap().with_prints(prints);
    let secret = "AKIAQ3EGRZ5L7XW2MB4T";
    for at in 1..lines.len() {
        let text = format!("{}\n{secret}\n{}", lines[..at].join("\n"), lines[at..].join("\n"));
        let found = detector.scan(&text, Hint::default()).findings;
        assert!(found.iter().any(|one| &text[one.start..one.end] == secret), "line {at}: {found:?}");
    }
}

#[test]
fn what_a_word_leaves_of_an_address_is_found_however_short() {
    let words = Dictionary::parse("[dictionary]\nlabel = 'custom.names'\nwords = ['acme']").unwrap();
    let detector = Detector::builtin().unwrap().with_phrases(Phrases::new(&words).unwrap());
    let text = "write to jo@acme.example now";
    let found = detector.scan(text, Hint::default()).findings;
    let found: Vec<_> = found.iter().map(|one| (one.label.as_str(), &text[one.start..one.end])).collect();
    assert_eq!(found, [("pii.email", "jo"), ("custom.names", "acme"), ("pii.email", "example")]);
}

fn fragments() -> Vec<&'static str> {
    let (head, tail) = DOCUMENT.split_at(DOCUMENT.len() / 2);
    vec![
        head,
        tail,
        "mira.okafor",
        "@harbour-lane.example",
        "Mira Okafor",
        "AB-123456",
        "ab 123456",
        "Dublin",
        "Lisbon",
        "Project Falcon",
        "heron",
        "27 Harbour Lane, ",
        "AKIAQ3EGRZ5L7XW2MB4T",
        "https://harbour-lane.example/",
        "(628) 555-0143",
        "\u{200b}",
        "&amp;",
        " ",
        "\n",
        ", ",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_whole(picks in prop::collection::vec(prop::sample::select(fragments()), 1..9), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9)) {
        let text = picks.concat();
        let places: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| *cut.get(&places)).collect();
        cuts.sort_unstable();
        let whole = detector().scan(&text, Hint::default());
        prop_assert_eq!(in_pieces(&text, &cuts), whole.clone());
        prop_assert_eq!(in_pieces(&text, &places), whole);
    }
}
