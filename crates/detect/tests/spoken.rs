//! E-mail addresses in words: found whole, the same value as the plain address, and nothing in prose that has the words.
#![expect(clippy::expect_used, clippy::string_slice, reason = "helpers of tests; cuts are on character boundaries")]

mod common;

use bartizan_detect::{Hint, Minter, Pseudonyms, canonical, is_encoded};
use bartizan_vocabulary::Label;
use common::{detector, in_pieces};

const PLAIN: &str = "john.smith@example.com";

const FORMS: [&str; 14] = [
    "john dot smith at example dot com",
    "John Dot Smith at Example Dot Com",
    "john.smith(at)example.com",
    "john.smith (at) example (dot) com",
    "john.smith [at] example [dot] com",
    "john[dot]smith[at]example[dot]com",
    "john.smith{at}example{dot}com",
    "john.smith AT example DOT com",
    "john.smith@example dot com",
    "john punkt smith ät example punkt com",
    "john point smith arobase example point com",
    "john punto smith arroba example punto com",
    "john.smith chiocciola example.com",
    "john punt smith apenstaartje example punt com",
];

fn found(text: &str) -> Vec<&str> {
    let scan = detector().scan(text, Hint::default());
    let mail = scan.findings.iter().filter(|finding| finding.label.as_str() == "pii.email");
    mail.filter_map(|finding| text.get(finding.start..finding.end)).collect()
}

#[test]
fn each_form_is_found_whole_and_is_the_plain_address() {
    let label = Label::from("pii.email");
    let mut tokens = Pseudonyms::new(Minter::new([7; 32]).scope("caller", "conversation"));
    let token = tokens.token_for(&label, PLAIN, false);
    for form in FORMS {
        for text in [
            form.to_owned(),
            format!("please write to {form}, thanks"),
            format!("{{\"contact\": \"{form}\"}}"),
            format!("mail: {form}.\nBye"),
        ] {
            assert_eq!(found(&text), [form], "{text}");
            let places: Vec<usize> = (1..text.len()).filter(|at| text.is_char_boundary(*at)).collect();
            assert_eq!(in_pieces(&text, &places, Hint::default()), detector().scan(&text, Hint::default()), "{text} cut everywhere");
        }
        assert_eq!(canonical("pii.email", form), PLAIN, "{form}");
        assert_eq!(tokens.token_for(&label, form, false), token, "{form}");
        assert!(!is_encoded("pii.email", form), "{form}");
    }
}

#[test]
fn prose_with_the_words_is_none() {
    for text in [
        "meet me at example dot com offices",
        "look at this dot com boom",
        "he works at amazon dot com",
        "the page is hosted at example dot org",
        "arrive at the dot com conference",
        "the dot at the end of the line dot dot dot",
        "join the dot at home",
        "am Punkt angekommen, der Punkt ist",
        "le point est que la réunion est à midi point",
        "una arroba de patatas",
        "f(at)x and g[at]y",
        "see you at seven dot com",
        "array[at] = value(dot)",
        "john_at_example.com",
    ] {
        assert!(found(text).is_empty(), "{text}: {:?}", found(text));
    }
}

#[test]
fn what_stands_around_an_address_is_no_part_of_it() {
    for (text, whole) in [
        ("mail me at john dot smith at example dot com dot", "john dot smith at example dot com"),
        ("me at home or john at example dot com and dot", "john at example dot com"),
        ("<john at example dot co dot uk>", "john at example dot co dot uk"),
        ("john@example.com dot the i's", "john@example.com"),
        ("a@b.com or john at example dot org", "a@b.com"),
    ] {
        assert_eq!(found(text).first(), Some(&whole), "{text}");
    }
}

#[test]
fn long_runs_of_the_words_cost_little() {
    for part in [" dot a", " at a dot b", "(at)", "a(at)a", " arroba ", "[dot]a"] {
        let text = part.repeat(20_000);
        let begun = std::time::Instant::now();
        detector().scan(&text, Hint::default());
        assert!(begun.elapsed().as_secs() < 20, "{part}: {:?}", begun.elapsed());
    }
}

/// What is given out as it comes waits for no word, and the rest is found all the same.
#[test]
fn what_is_given_out_at_once_waits_for_no_word() {
    let hint = Hint { at_once: true, ..Hint::default() };
    for (text, expected) in [
        ("I said some ", vec![]),
        ("ask mira dot okafor at harbour dot com ", vec![]),
        ("ask mira@harbour dot com or ada@example.com, ", vec!["mira@harbour dot com", "ada@example.com"]),
    ] {
        let mut stream = detector().stream(hint);
        stream.push(text);
        assert_eq!(stream.settled(), text.len(), "{text}");
        let whole = in_pieces(text, &[], hint);
        let found: Vec<&str> = whole.findings.iter().filter_map(|finding| text.get(finding.start..finding.end)).collect();
        assert_eq!(found, expected, "{text}");
        let places: Vec<usize> = (1..text.len()).collect();
        assert_eq!(in_pieces(text, &places, hint), whole, "{text} cut everywhere");
    }
    let mut careful = detector().stream(Hint::default());
    careful.push("I said some ");
    assert_eq!(careful.settled(), "I said ".len());
}
