//! What sifts the machines of a class keeps none from finding: a rule file alone, which has one machine and no sieve, finds what
//! it finds beside a machine that finds nothing, where there is one.
#![expect(clippy::string_slice, reason = "cuts are on character boundaries")]

use bartizan_detect::{Detector, Hint, RuleFile, Scan};

const NOTHING: &str = r"
label = 'custom.nothing'
description = 'Nothing.'
threshold = 0.5
severity = 'low'

[[rule]]
id = 'custom.nothing.digits'
class = 'digits'
case_sensitive = true
pattern = '0Xnothing'
score = 0.9
source = 'made up'
examples = [{ text = '', find = '' }, { text = '', find = '' }]
counter_examples = ['', '']

[[rule]]
id = 'custom.nothing.code'
class = 'code'
case_sensitive = true
pattern = 'NOTHING0X'
score = 0.9
source = 'made up'
examples = [{ text = '', find = '' }, { text = '', find = '' }]
counter_examples = ['', '']
";

/// A small generator, the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound.max(1)
    }

    fn one_of(&mut self, from: &str) -> char {
        from.chars().nth(self.below(from.chars().count())).unwrap_or(' ')
    }
}

/// An example with some characters changed, and something beside it.
fn changed(example: &str, random: &mut Random) -> String {
    const MARKS: &str = " -./:+()_,aZ9é会\u{A0}";
    let mut text = String::new();
    for c in example.chars() {
        match (random.below(40), c) {
            (0, _) => text.push(random.one_of(MARKS)),
            (1, _) => {}
            (2, _) => text.extend([c, c]),
            (3..13, '0'..='9') => text.push(random.one_of("0123456789")),
            (3..13, 'A'..='Z' | 'a'..='z') => text.push(random.one_of("ABEKQXZabekqxz")),
            _ => text.push(c),
        }
    }
    match random.below(4) {
        0 => text.insert(0, random.one_of(MARKS)),
        1 => text.push(random.one_of(MARKS)),
        _ => {}
    }
    text
}

fn in_two(detector: &Detector, text: &str, cut: usize) -> Scan {
    let mut stream = detector.stream(Hint::default());
    let (mut scan, mut events) = (Scan::default(), Vec::new());
    for part in [&text[..cut], &text[cut..]] {
        stream.push(part);
        stream.drain(&mut events);
    }
    stream.finish();
    stream.drain(&mut events);
    scan.absorb(events);
    scan
}

#[test]
fn a_sieve_keeps_nothing_from_being_found() {
    let nothing = RuleFile::parse(NOTHING).expect("parses");
    let (mut random, mut found) = (Random(11), 0);
    for file in RuleFile::builtin().expect("rules").into_iter().filter(|file| file.rules.iter().any(|rule| rule.class.is_some())) {
        let alone = Detector::from_rules(std::slice::from_ref(&file)).expect("loads");
        let sifted = Detector::from_rules(&[file.clone(), nothing.clone()]).expect("loads");
        for rule in &file.rules {
            let texts = rule.examples.iter().map(|example| &example.text).chain(&rule.counter_examples);
            for text in texts.flat_map(|text| std::iter::repeat_n(text, 12)) {
                let text = changed(text, &mut random);
                let expected = alone.scan(&text, Hint::default());
                found += expected.findings.len() + expected.below.len();
                assert_eq!(sifted.scan(&text, Hint::default()), expected, "{} in {text:?}", file.label);
                let cut = text.floor_char_boundary(random.below(text.len() + 1));
                assert_eq!(in_two(&sifted, &text, cut), expected, "{} in {text:?} cut at {cut}", file.label);
            }
        }
    }
    assert!(found > 1_000, "only {found} findings");
}
