//! How much of the rules' own examples each disguise leaves: a floor for each, so that what is lost shows. What all of them must
//! survive is tested in `rules`.
#![expect(clippy::expect_used, reason = "helpers of tests")]

mod common;

use std::fmt::Write as _;

use bartizan_detect::{Hint, RuleFile};
use common::detector;

/// A value in disguise; nothing where it cannot wear it.
type Disguise = fn(&str) -> Option<String>;

/// Each character made something else, where that changes the value.
fn each(value: &str, change: impl Fn(char) -> Option<char>) -> Option<String> {
    let changed: String = value.chars().map(|c| change(c).unwrap_or(c)).collect();
    (changed != value).then_some(changed)
}

/// The letter so many places behind `first` as `c` is behind `base`.
fn moved(c: char, base: char, first: u32) -> Option<char> {
    char::from_u32(first + (u32::from(c) - u32::from(base)))
}

fn escaped(value: &str, escape: impl Fn(u32) -> String) -> Option<String> {
    let kept = |c: &char| !c.is_ascii_graphic();
    let changed: String = value.chars().map(|c| if kept(&c) { c.to_string() } else { escape(u32::from(c)) }).collect();
    (!value.contains(['\\', '%', '&'])).then_some(changed)
}

/// The digits of a value that is a long number and nothing else.
fn number(value: &str) -> Option<Vec<char>> {
    let digits: Vec<char> = value.chars().filter(char::is_ascii_digit).collect();
    let other = value.chars().any(|c| c.is_alphabetic() || "+,:".contains(c));
    (digits.len() >= 8 && !other).then_some(digits)
}

/// Letters that others look like, the last of them where an ASCII letter stands before it: in words of one script each is itself.
fn look_alike(value: &str) -> Option<String> {
    let twins = [('a', 'а'), ('c', 'с'), ('e', 'е'), ('o', 'о'), ('p', 'р'), ('A', 'А'), ('C', 'С'), ('E', 'Е'), ('H', 'Н'), ('T', 'Т')];
    let twin = |c: char| twins.iter().find(|(ascii, _)| *ascii == c).map(|(_, twin)| *twin);
    let mut last = ' ';
    let mut changed = String::new();
    for c in value.chars() {
        last = twin(c).filter(|_| last.is_ascii_alphabetic()).unwrap_or(c);
        changed.push(last);
    }
    (changed != value).then_some(changed)
}

fn mathematical(c: char) -> Option<char> {
    match c {
        'A'..='Z' => moved(c, 'A', 0x1D400),
        'a'..='z' => moved(c, 'a', 0x1D41A),
        '0'..='9' => moved(c, '0', 0x1D7CE),
        _ => None,
    }
}

const WORDS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const WORTE: [&str; 10] = ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"];
const NUMERALS: [&str; 10] = ["〇", "一", "二", "三", "四", "五", "六", "七", "八", "九"];

fn spelled(value: &str, words: &[&str; 10], between: &str) -> Option<String> {
    let digits = number(value)?;
    let word = |c: &char| c.to_digit(10).and_then(|digit| words.get(digit as usize)).copied();
    Some(digits.iter().filter_map(word).collect::<Vec<_>>().join(between))
}

/// All of the examples, nearly.
const ALL: [f64; 2] = [0.99, 0.99];
/// Not what only its marks tell: days, IP addresses, telephones without a word beside them.
const APART: [f64; 2] = [0.82, 0.83];
/// Not what only a word beside it tells: the words do not count for what the digits stand for.
const HEXADECIMAL: [f64; 2] = [0.48, 0.59];

/// Name, disguise, and the share of examples that is found at least: as what it is, and as anything.
const DISGUISES: [(&str, Disguise, [f64; 2]); 17] = [
    ("as it is", |value| Some(value.to_owned()), ALL),
    ("zero-width characters", |value| Some(value.chars().map(String::from).collect::<Vec<_>>().join("\u{200B}")), ALL),
    ("full width", |value| each(value, |c| c.is_ascii_graphic().then(|| moved(c, '!', 0xFF01)).flatten()), ALL),
    ("percent escapes", |value| escaped(value, |code| format!("%{code:02x}")), ALL),
    ("HTML entities", |value| escaped(value, |code| format!("&#x{code:X};")), ALL),
    ("JSON escapes", |value| escaped(value, |code| format!("\\u{code:04X}")), ALL),
    ("JSON in JSON", |value| escaped(value, |code| format!("\\\\u{code:04x}")), ALL),
    ("mathematical letters and digits", |value| each(value, mathematical), ALL),
    ("Arabic digits", |value| each(value, |c| c.is_ascii_digit().then(|| moved(c, '0', 0x0660)).flatten()), ALL),
    ("Devanagari digits", |value| each(value, |c| c.is_ascii_digit().then(|| moved(c, '0', 0x0966)).flatten()), ALL),
    ("look-alike letters", look_alike, ALL),
    ("digits apart, spaces", |value| number(value).map(|digits| digits.iter().map(char::to_string).collect::<Vec<_>>().join(" ")), APART),
    ("digits apart, dashes", |value| number(value).map(|digits| digits.iter().map(char::to_string).collect::<Vec<_>>().join("-")), APART),
    ("English words", |value| spelled(value, &WORDS, " "), APART),
    ("German words", |value| spelled(value, &WORTE, " "), APART),
    ("Chinese numerals", |value| spelled(value, &NUMERALS, ""), APART),
    ("hexadecimal", |value| (value.len() >= 8).then(|| value.bytes().map(|byte| format!("{byte:02x}")).collect()), HEXADECIMAL),
];

/// Whether nearly all of the value's last place in a text carries the label, and whether it carries any.
fn is_found(label: &str, text: &str, value: &str) -> (bool, bool) {
    let Some(start) = text.rfind(value) else { return (false, false) };
    let end = start + value.len();
    let over = |from: usize, to: usize| to.min(end).saturating_sub(from.max(start));
    let scan = detector().scan(text, Hint::default());
    let over: Vec<(bool, usize)> =
        scan.findings.iter().map(|found| (found.label.as_str() == label, over(found.start, found.end))).collect();
    let most = |bytes: usize| bytes * 10 >= value.len() * 9;
    (over.iter().any(|(own, bytes)| *own && most(*bytes)), most(over.iter().map(|(_, bytes)| bytes).sum()))
}

/// A part of a whole, to compare with a floor.
fn share(part: usize, whole: usize) -> f64 {
    let number = |count: usize| f64::from(u32::try_from(count).expect("fits"));
    number(part) / number(whole)
}

#[test]
fn each_disguise_leaves_what_it_left() {
    let files = RuleFile::builtin().expect("rules");
    let mut table = String::from("| disguise | examples | found | floor | under any label | floor |\n|---|---|---|---|---|---|\n");
    let mut below = String::new();
    for (name, disguise, floors) in DISGUISES {
        let (mut tried, mut covered, mut missed) = (0, 0, Vec::new());
        for file in &files {
            for (rule, example) in file.rules.iter().flat_map(|rule| rule.examples.iter().map(move |example| (rule, example))) {
                let Some(value) = disguise(&example.find) else { continue };
                let text = example.text.replace(&example.find, &value);
                let (found, any) = is_found(&file.label, &text, &value);
                tried += 1;
                covered += usize::from(any);
                if !found {
                    missed.push(format!("{}: {text:?}", rule.id));
                }
            }
        }
        assert!(tried > 30, "{name} is tried on {tried} examples");
        let shares = [share(tried - missed.len(), tried), share(covered, tried)];
        let _ = writeln!(table, "| {name} | {tried} | {:.3} | {} | {:.3} | {} |", shares[0], floors[0], shares[1], floors[1]);
        if shares.iter().zip(floors).any(|(share, floor)| *share < floor) {
            let _ = writeln!(below, "{name}: {shares:.3?} of {tried}, not found:\n{}", missed.join("\n"));
        }
    }
    println!("{table}");
    assert!(below.is_empty(), "{table}\n{below}");
}
