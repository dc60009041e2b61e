//! Texts in which a subject shows by its words only: terms of the subject, and some of its sentences, strewn into sentences about
//! anything. They teach that the words count and the manner of writing does not; a term or two by itself teaches that this is no subject.

use super::Example;
use super::fill::{Fold, Group, filled};
use crate::names::train::rng::Rng;

/// Terms of a subject in a language.
struct Terms {
    subject: usize,
    language: &'static str,
    all: Vec<&'static str>,
}

/// Sentences of texts that are about nothing, to strew terms into.
pub(super) struct Carriers {
    english: Vec<String>,
}

/// Fewest and most words of a sentence.
const WORDS: (usize, usize) = (5, 32);
/// Most sentences that are taken.
const SENTENCES: usize = 20_000;

impl Carriers {
    pub(super) fn new(clean: &[String]) -> Self {
        let mut english = Vec::new();
        for text in clean {
            let sentences = text.split(['\n', '.', '?', '!']).map(str::trim);
            let mut of_text = 0;
            for sentence in sentences.filter(|sentence| is_prose(sentence)) {
                of_text += 1;
                if of_text <= 24 {
                    english.push(sentence.to_owned());
                }
            }
        }
        english.truncate(SENTENCES);
        Self { english }
    }
}

/// Words between blanks, of small letters mostly.
fn is_prose(sentence: &str) -> bool {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let plain = |word: &&&str| word.trim_end_matches([',', ';', ':']).bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'\'');
    (WORDS.0..=WORDS.1).contains(&words.len()) && words.iter().filter(plain).count() * 10 >= words.len() * 7
}

fn all(subjects: &[String]) -> Vec<Terms> {
    let mut all = Vec::new();
    let mut lines = include_str!("templates/words.txt").lines();
    while let (Some(head), Some(terms)) = (lines.next(), lines.next()) {
        let (name, language) = head.trim_start_matches('@').split_once(' ').unwrap_or_default();
        if let Some(subject) = subjects.iter().position(|known| known == name) {
            all.push(Terms { subject, language, all: terms.split(", ").collect() });
        }
    }
    all
}

/// Words of the language that stand around terms.
fn sentence(carriers: &Carriers, none: &[Group], language: &str, rng: &mut Rng) -> String {
    let index = ["en", "de", "fr", "es"].iter().position(|known| *known == language).unwrap_or(0);
    if index == 0
        && rng.percent(75)
        && let Some(sentence) = rng.pick(&carriers.english)
    {
        return sentence.clone();
    }
    // The first groups are English, the last three are the other languages.
    let at = if index == 0 { rng.below(none.len().saturating_sub(3)) } else { none.len() + index - 4 };
    none.get(at).and_then(|group| rng.pick(group.lines())).map_or_else(String::new, |line| filled(line, rng))
}

/// A text of so many sentences with terms of a list: about one in so many words.
fn strew(terms: &[&str], every: usize, sentences: &[String], rng: &mut Rng) -> String {
    let mut out = String::new();
    let mut wait = rng.below(every);
    for sentence in sentences {
        for word in sentence.split_whitespace() {
            if wait == 0 {
                wait = rng.between(every / 2, every + every / 2);
                if let Some(term) = rng.pick(terms) {
                    out.push_str(term);
                    out.push(' ');
                    // A term stands in the place of a word, or beside it.
                    if rng.percent(50) {
                        continue;
                    }
                }
            }
            wait -= 1;
            out.push_str(word);
            out.push(' ');
        }
        let end = ["\n", "\n", " "].get(rng.below(3)).copied().unwrap_or_default();
        let out_end = [".", ".", ".", ";", ":", ","].get(rng.below(6)).copied().unwrap_or_default();
        out.truncate(out.trim_end().len());
        out.push_str(out_end);
        out.push_str(end);
        if end == " " {
            continue;
        }
        out.push_str(["", "", "- ", "* ", "> "].get(rng.below(5)).copied().unwrap_or_default());
    }
    out
}

/// So many texts for each subject, a share of them in each language, and as many in which single terms mean nothing.
pub(super) fn texts(
    subjects: &[String],
    groups: &[(usize, Vec<Group>)],
    (carriers, none): (&Carriers, &[Group]),
    (made, fold): (usize, Fold),
    rng: &mut Rng,
) -> Vec<Example> {
    let mut out = Vec::new();
    let lists = all(subjects);
    let mut strays: Vec<&str> = Vec::new();
    for list in &lists {
        let terms: Vec<&str> = list.all.iter().copied().filter(|term| fold.has(term)).collect();
        strays.extend(&terms);
        let own = groups.iter().find(|(subject, _)| *subject == list.subject).map(|(_, groups)| groups);
        let index = ["en", "de", "fr", "es"].iter().position(|known| *known == list.language).unwrap_or(0);
        let lines = own.and_then(|groups| groups.get(index)).map_or(&[][..], Group::lines);
        let count = if index == 0 { made } else { made / 4 };
        for _ in 0..count {
            let share = rng.below(45);
            let sentences: Vec<String> = (0..rng.between(8, 24))
                .map(|_| match rng.pick(lines).filter(|line| fold.has(line)) {
                    Some(line) if rng.percent(share) => filled(line, rng),
                    _ => sentence(carriers, none, list.language, rng),
                })
                .collect();
            let every = rng.between(4, 10);
            out.push(Example { subject: Some(list.subject), text: strew(&terms, every, &sentences, rng) });
        }
    }
    for _ in 0..made * 4 {
        let language = if rng.percent(70) { "en" } else { ["de", "fr", "es"].get(rng.below(3)).copied().unwrap_or("en") };
        let sentences: Vec<String> = (0..rng.between(8, 24)).map(|_| sentence(carriers, none, language, rng)).collect();
        let every = rng.between(45, 120);
        // Some of one subject only, some of any.
        let one = rng.pick(&lists).map(|list| list.all.iter().copied().filter(|term| fold.has(term)).collect::<Vec<_>>());
        let terms = one.filter(|_| rng.percent(60)).unwrap_or_else(|| strays.clone());
        out.push(Example { subject: None, text: strew(&terms, every, &sentences, rng) });
    }
    out
}
