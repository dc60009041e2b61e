//! Patterns that a caller brings along: what they match, what is refused, and what they cost.

#![cfg(test)]
#![expect(clippy::string_slice, reason = "what is not as it should be fails the test")]

use std::time::{Duration, Instant};

use bartizan_detect::{Allowed, CallerPattern, CallerWords, LONGEST_MATCH, PatternFlags, Step};
use proptest::prelude::*;

fn found<'t>(pattern: &CallerPattern, text: &'t str) -> Vec<&'t str> {
    let (mut at, mut all) = (0, Vec::new());
    while let Some(step) = pattern.step(text, &mut at) {
        if let Step::Found(start, end) = step {
            all.push(&text[start..end]);
        }
    }
    all
}

fn pattern(pattern: &str) -> CallerPattern {
    CallerPattern::new(pattern, PatternFlags::default()).unwrap()
}

#[test]
fn what_matches() {
    let rows: &[(&str, &str, &[&str])] = &[
        (r"\b\d{5}(?:-\d{4})?\b", "10023 or 10023-1234, not 100234", &["10023", "10023-1234"]),
        (r"\bZIP\b", "zip Zip zipper", &["zip", "Zip"]),
        (r"^a.{0,3}b$", "a\nxb\nab", &["a\nxb", "ab"]),
        (r"\d{0,2}", "1 23 456", &["1", "23", "45", "6"]),
        (r"é\b", "café cafés", &["é"]),
        (r"\w{1,64}", "straße 東京", &["straße", "東京"]),
        (r"AIza[\w-]{3}", "x AIzaSy_-", &["AIzaSy_"]),
        (r"(?P<a>x)(?:y|yz)", "xyz", &["xy"]),
        (r"[]\[a]{2}", "]a[", &["]a"]),
    ];
    for (regex, text, expected) in rows {
        let compiled = CallerPattern::new(regex, PatternFlags::default()).unwrap_or_else(|error| panic!("{regex}: {error}"));
        assert!(compiled.memory() < 8 << 20, "{regex}");
        assert_eq!(found(&compiled, text), *expected, "{regex}");
    }
    let exact = PatternFlags { ignore_case: false, multi_line: false, dot_all: false };
    assert_eq!(found(&CallerPattern::new("^a.b", exact).unwrap(), "a\nb\nA.b"), Vec::<&str>::new());
}

#[test]
fn words_stand_alone() {
    let words = |words: &[&str]| CallerWords::new(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).unwrap();
    let found = |words: &CallerWords, text: &str| -> Vec<String> {
        words.find(text, &mut || true).unwrap().into_iter().map(|(start, end)| text[start..end].to_owned()).collect()
    };
    assert_eq!(found(&words(&["Mr.", "Mrs.", "Prof", "Professor"]), "mr. Professor Plum, Mrs.Peacock, profs"), ["mr.", "Professor"]);
    assert_eq!(
        found(&words(&["a|b", "c++", "<x>", "#1", "a b"]), "a|b c++, <x> #1 A B ab c+++"),
        ["a|b", "c++", "<x>", "#1", "A B", "c++"]
    );
    let many: Vec<String> = (0..10_000).map(|n| format!("project {n:05}")).collect();
    let many = CallerWords::new(&many).unwrap();
    assert_eq!(found(&many, "Project 09999, project 1000, project 00000."), ["Project 09999", "project 00000"]);
    assert_eq!(
        found(&words(&["New", "New York", "STRASSE", "İzmir", "東京"]), "new york, straße, i̇zmir, İZMIR, x東京 東京"),
        ["new york", "i̇zmir", "İZMIR", "東京"]
    );
    assert!(CallerWords::new(&["a".repeat(2_000)]).is_err() && CallerWords::new(&[String::new()]).is_err());
    assert_eq!(words(&["a"]).find(&"a ".repeat(2_000), &mut || false), None);
    // Each mark is in many words at once; the longest count, one behind the other.
    let marks: Vec<String> = (1..=64).map(|n| "!".repeat(n)).collect();
    let marked = CallerWords::new(&marks).unwrap().find(&"!".repeat(8_200), &mut || true).unwrap();
    assert_eq!(marked.len(), 129);
    assert_eq!(marked.last(), Some(&(8_192, 8_200)));
}

#[test]
fn what_is_refused() {
    let rows = [
        (r"(?<=a)b", "look-arounds"),
        (r"a(?!b)", "look-arounds"),
        (r"(a)\1", "references back"),
        (r"(", "cannot be compiled"),
        (r"\w+", "`{1,64}` in the place of `+`"),
        (r"a.*b", "2048 bytes"),
        (r"a{5000}", "2048 bytes"),
        (r"[a-z&&[^b]]", "means something else here"),
        (r"[[:alpha:]]", "means something else here"),
        (r"[a--b]", "means something else here"),
        (r"\<b", "means something else here"),
        (r"\b{start}b", "means something else here"),
        (r"(?x) a b", "means something else here"),
        (r"(?iU)a{1,3}", "means something else here"),
        (r"(?R:a)", "means something else here"),
        (r"(?:\w{2}){250}", "too large"),
    ];
    for (regex, sentence) in rows {
        let error = CallerPattern::new(regex, PatternFlags::default()).unwrap_err().to_string();
        assert!(error.contains(sentence) && !error.contains('\n'), "{regex}: {error}");
    }
    assert!(CallerPattern::new(&"a".repeat(5_000), PatternFlags::default()).unwrap_err().to_string().contains("too large"));
}

#[test]
fn what_is_allowed() {
    let allowed = |patterns: &[&str]| {
        Allowed::new(&patterns.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>(), PatternFlags::default())
            .map_err(|(number, error)| format!("{number} {error}"))
    };
    let some = allowed(&["@example\\.(com|org)$", "^\\d+$"]).unwrap();
    for (value, expected) in [("Ada@EXAMPLE.com", true), ("ada@example.com.evil.net", false), ("12345", true), ("a1", false), ("", false)] {
        assert_eq!(some.allows(value), expected, "{value}");
    }
    let large: Vec<String> = (100..140).map(|n| format!(r"\w{{{n}}}")).collect();
    let large: Vec<&str> = large.iter().map(String::as_str).collect();
    assert!(allowed(&large[..1]).is_ok() && allowed(&large).unwrap_err().ends_with("too large"), "{:?}", allowed(&large).err());
    assert!(!some.allows(&format!("{}@example.com", "a".repeat(20_000))), "too long to be compared");
    for (patterns, sentence) in
        [(&["x", "a*"][..], "1 it matches the empty text"), (&["(?=a)"], "0 it cannot"), (&["a", "[[]"], "1 `[ in a set`")]
    {
        assert!(allowed(patterns).unwrap_err().starts_with(sentence), "{patterns:?} {:?}", allowed(patterns).err());
    }
}

/// However hostile: a step costs little, and all of them together grow with the text.
#[test]
fn a_step_costs_little() {
    let text = "a".repeat(1 << 20);
    for regex in ["(?:a?){512}a{512}b", "a{1,2047}b", "(?:a|aa|aaa){1,300}c", r"(?:\w{1,30}){2}@", "a{0,2000}[^a]", "(?:a?b?c?d?){1,1000}e"]
    {
        let Ok(pattern) = CallerPattern::new(regex, PatternFlags::default()) else { continue };
        let (began, mut at, mut longest, mut steps) = (Instant::now(), 0, Duration::ZERO, 0);
        while began.elapsed() < Duration::from_secs(1) {
            let step = Instant::now();
            let more = pattern.step(&text, &mut at);
            (longest, steps) = (longest.max(step.elapsed()), steps + 1);
            if more.is_none() {
                break;
            }
        }
        assert!(longest < Duration::from_secs(10), "{regex}: {steps} steps, the longest {longest:?}, {at} bytes");
    }
}

proptest! {
    /// Pieces change nothing: a pattern with an end finds what the engine finds in the whole text.
    #[test]
    fn pieces_find_what_the_whole_finds(filler in 16_000_usize..17_000, tail in "[ab]{0,40}", lead in "[ab]{0,40}") {
        let text = format!("{lead}{}{tail}{}ab", "x".repeat(filler), "-".repeat(17_000));
        let whole = regex_automata::meta::Regex::new(r"(?i)\ba[ab]{1,6}b|x{1,300}a|b$").unwrap();
        let expected: Vec<&str> = whole.find_iter(&text).map(|one| &text[one.range()]).collect();
        let exact = PatternFlags { ignore_case: true, multi_line: false, dot_all: true };
        let pattern = CallerPattern::new(r"\ba[ab]{1,6}b|x{1,300}a|b$", exact).unwrap();
        prop_assert_eq!(found(&pattern, &text), expected);
    }
}

#[test]
fn the_longest_match_is_found_at_the_end_of_a_piece() {
    let pattern = pattern(&format!("a{{1,{LONGEST_MATCH}}}"));
    for before in [16_383, 16_384, 16_385, 20_000] {
        let text = format!("{}{}", "-".repeat(before), "a".repeat(LONGEST_MATCH));
        assert_eq!(found(&pattern, &text), [&text[before..]], "{before}");
    }
}
