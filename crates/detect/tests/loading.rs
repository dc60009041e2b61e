//! Loading of rules: what is refused and why, and what the digest covers.
#![expect(clippy::expect_used, reason = "helpers of tests")]

use bartizan_detect::{Detector, Hint, RuleError, RuleFile};
const GOOD: &str = r#"
label = "custom.badge"
description = "Badge numbers."
threshold = 0.5
severity = "medium"

[[rule]]
id = "custom.badge"
keywords = ["BDG-"]
pattern = 'BDG-\d{6}'
score = 0.9
source = "handbook"
examples = [{ text = "badge BDG-123456", find = "BDG-123456" }, { text = "BDG-654321.", find = "BDG-654321" }]
counter_examples = ["BDG-12345", "BDG-1234567"]
"#;

fn load(text: &str) -> Result<Detector, RuleError> {
    Detector::from_rules(&[RuleFile::parse(text)?])
}

fn refused(change: (&str, &str)) -> String {
    assert!(GOOD.contains(change.0), "{}", change.0);
    format!("{:?}", load(&GOOD.replace(change.0, change.1)).expect_err("refused"))
}

#[test]
fn a_good_file_loads() {
    let detector = load(GOOD).expect("loads");
    assert_eq!(detector.scan("my BDG-123456 badge", Hint::default()).findings.len(), 1);
}

#[test]
fn bad_files_are_refused() {
    for (change, expected) in [
        (("score = 0.9", "score = 0.9\nscroe = 1"), "Form"),
        (("score = 0.9", "score = 1.9"), "Score"),
        (("threshold = 0.5", "threshold = -0.5"), "Score"),
        (("{6}", "+"), "Unbounded"),
        (("{6}", "{600}"), "Unbounded"),
        (("'BDG-\\d{6}'", "'(?:BDG)?'"), "Unbounded"),
        (("{6}", "{6}\\b"), "Unbounded"),
        (("{6}", "{6"), "Pattern"),
        (("[\"BDG-\"]", "[]"), "Anchor"),
        (("[\"BDG-\"]", "[\"\"]"), "Anchor"),
        (("[\"BDG-\"]", "[\"BDG \"]"), "Anchor"),
        (("keywords = [\"BDG-\"]", "keywords = [\"BDG-\"]\nclass = \"at\""), "Anchor"),
        (("\"BDG-12345\", ", ""), "Examples"),
        (("score = 0.9", "score = 0.9\njurisdiction = [\"Germany\"]"), "Jurisdiction"),
        (("score = 0.9", "score = 0.9\ncontext = [\"\"]"), "Context"),
        (("score = 0.9", "score = 0.9\nafter = [\"badge\"]"), "Context"),
        (("label = \"custom.badge\"", "label = \"Custom Badge\""), "Name"),
    ] {
        assert!(refused(change).starts_with(expected), "{change:?} gives {}", refused(change));
    }
    let twice = RuleFile::parse(GOOD).expect("parses");
    assert!(matches!(Detector::from_rules(&[twice.clone(), twice]), Err(RuleError::Name { .. })));
}

#[test]
fn the_digest_covers_the_rules() {
    let other = load(&GOOD.replace("0.9", "0.8")).expect("loads");
    let builtin = Detector::builtin().expect("loads");
    let good = load(GOOD).expect("loads");
    assert_ne!(other.digest(), good.digest());
    assert_eq!(good.digest(), load(GOOD).expect("loads").digest());
    assert_ne!(good.digest(), builtin.digest());
}

/// The rules that were compiled when the program was built are those that its files hold now.
#[test]
fn what_was_built_in_is_what_is_loaded() {
    let files = RuleFile::builtin().expect("rules");
    let (built, loaded) = (Detector::builtin().expect("loads"), Detector::from_rules(&files).expect("loads"));
    assert_eq!(built.digest(), loaded.digest());
    assert_eq!(built.labels(), loaded.labels());
    for example in files.iter().flat_map(|file| &file.rules).flat_map(|rule| &rule.examples) {
        let scan = built.scan(&example.text, Hint::default());
        assert!(!scan.findings.is_empty());
        assert_eq!(scan, loaded.scan(&example.text, Hint::default()), "{}", example.text);
    }
}

#[test]
fn a_detector_is_shared_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    shared(&Detector::builtin().expect("loads"));
}
