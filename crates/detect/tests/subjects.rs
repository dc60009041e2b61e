//! What texts are about: passages, offsets, weights that are refused, and training from examples.

#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)]

use bartizan_detect::subjects::train::{Example, Settings, TrainError, own};
use bartizan_detect::subjects::{BUILTIN, LEAST, ModelError, Subjects};
use bartizan_detect::{Detector, Hint};
use proptest::prelude::*;

const CONTRACT: &str = "This Agreement is made between the Supplier and the Customer. Either party may terminate this Agreement upon thirty \
    days' written notice to the other party. The Supplier shall indemnify the Customer against all claims arising from a breach of its \
    obligations. Neither party may assign its rights without the prior written consent of the other party. The liability of the Supplier \
    under this Agreement shall not exceed the fees paid in the preceding year. This Agreement is governed by the laws of Ireland, and the \
    parties submit to the jurisdiction of the courts of Dublin. If any provision is held to be unenforceable, the remaining provisions \
    shall remain in full force. Confidential Information shall not be disclosed to any third party. ";
const PLAIN: &str = "We walked along the river until the rain began, and then we sat in a small café and looked at the boats. My sister told \
    the story of the lost umbrella again, which everybody had heard before, but she tells it so well that nobody minded. In the evening \
    the sky cleared, the lamps along the quay were lit one after the other, and somebody played the accordion under the bridge. On the \
    way home we bought bread, cheese and a bag of cherries, and the cat was waiting for us on the wall as it always does in summer. ";

fn code() -> String {
    let lines = (0..40).map(|n| format!("    let value_{n} = self.items.get({n}).map(|item| item.size * {n}).unwrap_or(0);\n"));
    format!("impl Store {{\n  pub fn total(&self) -> usize {{\n{}    value_0 + value_1\n  }}\n}}\n", lines.collect::<String>())
}

fn detector() -> Detector {
    Detector::builtin().unwrap().with_subjects(Subjects::builtin().unwrap()).unwrap()
}

/// Labels with the text that they were said of.
fn said(text: &str) -> Vec<(String, String)> {
    let found = detector().subjects(&[text], None, &mut || true).unwrap();
    found.iter().map(|one| (one.label.to_string(), text[one.start..one.end].to_owned())).collect()
}

fn labels(text: &str) -> Vec<String> {
    said(text).into_iter().map(|(label, _)| label).collect()
}

#[test]
fn texts_have_the_subject_that_they_are_about() {
    assert_eq!(labels(CONTRACT), ["subject.contract"]);
    assert_eq!(labels(&code()), ["subject.source_code"]);
    assert_eq!(labels(PLAIN), Vec::<String>::new());
    assert_eq!(labels(&PLAIN.repeat(20)), Vec::<String>::new());
    assert_eq!(labels(""), Vec::<String>::new());
}

#[test]
fn a_passage_is_told_within_a_longer_text() {
    let text = format!("{}{}{}", PLAIN.repeat(4), CONTRACT.repeat(3), PLAIN.repeat(4));
    let (from, to) = (PLAIN.len() * 4, PLAIN.len() * 4 + CONTRACT.len() * 3);
    let found = detector().subjects(&[&text], None, &mut || true).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    let slack = CONTRACT.len();
    assert!(found[0].start.abs_diff(from) < slack && found[0].end.abs_diff(to) < slack, "{found:?} is not about {from} to {to}");
    assert!((8_000..=10_000).contains(&found[0].score_bp));
}

#[test]
fn few_words_are_about_nothing() {
    let words: Vec<&str> = CONTRACT.split(' ').collect();
    let short = words[..LEAST / 2].join(" ");
    assert_eq!(labels(&short), Vec::<String>::new());
}

#[test]
fn a_scan_never_asks() {
    let text = format!("{CONTRACT} Write to ada@example.com.");
    let scan = detector().scan(&text, Hint::default());
    let plain = Detector::builtin().unwrap().scan(&text, Hint::default());
    assert_eq!(scan, plain);
    assert_eq!(scan.findings.len(), 1);
}

#[test]
fn whoever_asks_may_stop() {
    let mut asked = 0;
    let stopped = detector().subjects(&[&CONTRACT.repeat(50)], None, &mut || {
        asked += 1;
        asked < 3
    });
    assert_eq!((stopped, asked), (None, 3));
}

#[test]
fn labels_digest_and_names() {
    let (plain, with) = (Detector::builtin().unwrap(), detector());
    assert!(with.knows_subjects() && !plain.knows_subjects());
    assert_ne!(with.digest(), plain.digest());
    assert!(!with.is_own());
    assert_eq!(with.labels().len(), plain.labels().len() + BUILTIN.len());
    assert!(with.label(&"subject.merger".into()).is_some());
    let again = with.with_subjects(Subjects::builtin().unwrap());
    assert!(matches!(again, Err(ModelError::Known(name)) if name == "subject.source_code"));
}

#[test]
fn damaged_weights_are_refused() {
    let good = include_bytes!("../models/subjects.bin");
    assert!(good.len() < 1 << 20);
    let card = include_str!("../models/subjects.md");
    let digest: String = Subjects::builtin().unwrap().digest().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    assert!(card.contains(&digest), "subjects.md must name the digest {digest}");
    let mut flipped = good.to_vec();
    flipped[good.len() / 2] ^= 1;
    assert!(matches!(Subjects::load(flipped.into()), Err(ModelError::Digest)));
    for cut in [0, 7, 8, 15, 16, 80, good.len() / 2, good.len() - 1] {
        assert!(matches!(Subjects::load(good[..cut].to_vec().into()), Err(ModelError::Form)), "{cut}");
    }
    for (at, byte) in [(8, 0_u8), (8, 60), (12, 0), (12, 200), (16, b'X')] {
        let mut other = good.to_vec();
        other[at] = byte;
        assert!(Subjects::load(other.into()).is_err(), "{at}");
    }
    // A name that is none, with a digest that fits.
    let mut other = good[..good.len() - 32].to_vec();
    other[16] = b'-';
    let digest = *blake3::hash(&other).as_bytes();
    other.extend(digest);
    assert!(matches!(Subjects::load(other.into()), Err(ModelError::Form)));
}

/// Texts about bees, each another one.
fn bees(count: usize) -> Vec<String> {
    let say = ["the queen was marked", "the brood frames were moved", "varroa mites were counted", "the hive was fed with syrup"];
    let more = ["honey supers added to colony", "swarm cells found in hive", "smoker and veil for the apiary", "drone comb cut from frame"];
    let text = |n: usize| {
        (0..24).map(|line| format!("{} {} {}. ", say[(n + line) % 4], more[(n * 3 + line) % 4], n + line)).collect::<Vec<_>>().concat()
    };
    (0..count).map(text).collect()
}

fn examples(count: usize) -> Vec<Example> {
    bees(count).into_iter().map(|text| Example { subject: Some(0), text }).collect()
}

#[test]
fn a_subject_of_ones_own_is_learned_from_examples() {
    let settings = Settings { made: 60, ..Settings::default() };
    let train = || own(&["beekeeping".to_owned()], examples(20), &settings, &mut |_| {}).unwrap();
    let bytes = train();
    assert_eq!(blake3::hash(&bytes), blake3::hash(&train()));
    let subjects = Subjects::load(bytes.into()).unwrap();
    assert_eq!(subjects.names(), ["custom.beekeeping"]);
    assert!(subjects.are_own());
    let both = detector().with_subjects(subjects).unwrap();
    let about = |text: &str| -> Vec<String> {
        both.subjects(&[text], None, &mut || true).unwrap().iter().map(|one| one.label.to_string()).collect()
    };
    assert_eq!(about(&bees(31)[30]), ["subject.custom.beekeeping"]);
    assert_eq!(about(CONTRACT), ["subject.contract"]);
    assert_eq!(about(PLAIN), Vec::<String>::new());
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let settings = Settings { made: 8, epochs: 1, ..Settings::default() };
    let train = |name: &str, examples| own(&[name.to_owned()], examples, &settings, &mut |_| {});
    for name in ["", "Bees", "a b", "a.b", "ä", "9", &"b".repeat(60)] {
        assert!(matches!(train(name, examples(20)), Err(TrainError::Name(_))), "{name}");
    }
    assert!(matches!(train("bees", examples(3)), Err(TrainError::Few { texts: 3, .. })));
    let short = vec![Example { subject: Some(0), text: "few words".to_owned() }; 50];
    assert!(matches!(train("bees", short), Err(TrainError::Few { texts: 0, windows: 0, .. })));
    assert!(matches!(own(&[], Vec::new(), &settings, &mut |_| {}), Err(TrainError::Count(0))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the text is: passages are in order, do not overlap, and begin and end between characters.
    #[test]
    fn offsets_are_those_of_the_text(
        parts in proptest::collection::vec(prop_oneof![Just(CONTRACT), Just(PLAIN), Just("Größe — “ünïcödé” 漢字 🦀 §3 \u{a0}"), Just("fn f(x: u8) { g(&x[1]); }\n"), Just("\n\n\t")], 1..24),
        noise in ".{0,200}",
    ) {
        let text = parts.concat() + &noise + &parts.concat();
        let found = detector().subjects(&[&text], Some(1), &mut || true).unwrap();
        let mut at = 0;
        for one in &found {
            prop_assert!(at <= one.start && one.start < one.end && one.end <= text.len());
            prop_assert!(text.is_char_boundary(one.start) && text.is_char_boundary(one.end));
            at = one.end;
        }
    }

    /// Parts that end where a line ends give what the whole text gives.
    #[test]
    fn parts_are_one_text(cuts in proptest::collection::vec(0_usize..60, 0..6)) {
        let text = format!("{}\n{}", code(), CONTRACT.replace(". ", ".\n").repeat(3));
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(lines.len())).collect();
        cuts.sort_unstable();
        let (mut parts, mut from) = (Vec::new(), 0);
        for cut in cuts.into_iter().chain([lines.len()]) {
            parts.push(lines[from..cut].concat());
            from = cut;
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let detector = detector();
        let whole = detector.subjects(&[&text], None, &mut || true);
        prop_assert!(!whole.as_ref().unwrap().is_empty());
        prop_assert_eq!(detector.subjects(&parts, None, &mut || true), whole);
    }
}
