//! Numbers with their digits apart, in words, in other scripts; letters that look like others; hexadecimal.
#![expect(
    clippy::expect_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "cuts are on character boundaries; a language has ten words"
)]

mod common;

use bartizan_detect::{Hint, canonical, normalise};
use common::{detector, in_pieces};
use proptest::prelude::*;

const CARD: &str = "4532812677354687";

fn found(text: &str) -> Vec<(String, String)> {
    let scan = detector().scan(text, Hint::default());
    scan.findings.iter().map(|finding| (finding.label.as_str().to_owned(), text[finding.start..finding.end].to_owned())).collect()
}

fn check(text: &str, label: &str, value: &str) {
    assert_eq!(found(text), [(label.to_owned(), value.to_owned())], "{text}");
    let whole = detector().scan(text, Hint::default());
    let places: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
    for cut in &places {
        assert_eq!(in_pieces(text, &[*cut], Hint::default()), whole, "{text:?} cut at {cut}");
    }
    assert_eq!(in_pieces(text, &places, Hint::default()), whole, "{text:?} in single characters");
}

fn apart(between: &str) -> String {
    CARD.chars().map(String::from).collect::<Vec<_>>().join(between)
}

fn hex(text: &str, capitals: bool) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).into_iter();
    let hex: String = text.bytes().flat_map(|byte| digit(byte >> 4).chain(digit(byte & 15))).collect();
    if capitals { hex.to_ascii_uppercase() } else { hex }
}

fn words(ten: &str, between: &str) -> String {
    let ten: Vec<&str> = ten.split(' ').collect();
    CARD.bytes().map(|byte| ten[usize::from(byte - b'0')]).collect::<Vec<_>>().join(between)
}

const LANGUAGES: [&str; 9] = [
    "zero one two three four five six seven eight nine",
    "null eins zwei drei vier fünf sechs sieben acht neun",
    "zéro un deux trois quatre cinq six sept huit neuf",
    "cero uno dos tres cuatro cinco seis siete ocho nueve",
    "zero uno due tre quattro cinque sei sette otto nove",
    "zero um dois três quatro cinco seis sete oito nove",
    "nul een twee drie vier vijf zes zeven acht negen",
    "ZERO ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE",
    "Null Eins Zwei Drei Vier FÜNF Sechs Sieben Acht Neun",
];

#[test]
fn digits_apart_are_a_number() {
    for between in [" ", ".", "-", "_", "/", ", ", "\u{A0}", "\u{2009}", " - ", "\n", "\t", "  "] {
        let value = apart(between);
        check(&format!("my card is {value}, thanks"), "pci.card", &value);
        check(&value, "pci.card", &value);
    }
    let grouped = "4 5 3 2  8 1 2 6  7 7 3 5  4 6 8 7";
    check(&format!("card {grouped} ok"), "pci.card", grouped);
}

#[test]
fn what_stands_before_the_first_digit_does_not_count() {
    let digits = apart(" ");
    for (before, number) in [
        ("1. ", digits.as_str()),
        ("card 1: ", &digits),
        ("1 - ", &digits),
        ("I have one, ", &words(LANGUAGES[0], " ")),
        ("This one: ", &words(LANGUAGES[0], " ")),
        ("mein Kind, eins: ", &words(LANGUAGES[1], " ")),
    ] {
        check(&format!("{before}{number} end"), "pci.card", number);
    }
}

#[test]
fn a_number_in_a_long_chain_is_found_wherever_it_stands() {
    for before in 0..80 {
        let text = format!("{}, {} end", vec!["7"; before + 1].join(" "), apart(" "));
        assert!(found(&text).contains(&("pci.card".to_owned(), apart(" "))), "{before}: {:?}", found(&text));
    }
    let cards = format!("{}, 1 2, 2 9; ", apart(" ")).repeat(6);
    let found = found(&cards).into_iter().filter(|(label, value)| label == "pci.card" && *value == apart(" ")).count();
    assert_eq!(found, 6);
}

#[test]
fn numbers_that_follow_each_other_are_found() {
    let other = "5 4 1 2 7 5 4 8 7 4 5 2 6 8 5 1";
    let (words, numerals) = (words(LANGUAGES[1], " "), "四五三二八一二六七七三五四六八七");
    let card = apart(" ");
    for (text, cards) in [
        (format!("{card} {other}"), vec![card.as_str(), other]),
        (format!("{card} 1 2 3"), vec![&card]),
        (format!("order 7 {card}"), vec![&card]),
        (format!("{words}\n{numerals}"), vec![&words, numerals]),
        (format!("{words}, {numerals}"), vec![&words, numerals]),
        (format!("{numerals} {card}"), vec![numerals, &card]),
    ] {
        let found = found(&text);
        for value in cards {
            assert!(found.contains(&("pci.card".to_owned(), value.to_owned())), "{value} in {text}: {found:?}");
        }
        let places: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
        assert_eq!(in_pieces(&text, &places, Hint::default()), detector().scan(&text, Hint::default()), "{text} in single characters");
    }
}

#[test]
fn words_are_digits() {
    for ten in LANGUAGES {
        for between in [" ", "-", ", ", "\n"] {
            let value = words(ten, between);
            check(&format!("it reads {value}; and so on"), "pci.card", &value);
        }
    }
    let mixed = "four five 3 2 eight one two six seven 7 three five four six eight seven";
    check(&format!("so: {mixed}."), "pci.card", mixed);
}

#[test]
fn numerals_are_digits() {
    for between in ["", " ", "-"] {
        let value = words("〇 一 二 三 四 五 六 七 八 九", between);
        check(&format!("カードは{value}です"), "pci.card", &value);
        check(&format!("卡号 {value} 谢谢"), "pci.card", &value);
    }
}

#[test]
fn words_before_a_chain_count() {
    check("My SSN is five one seven, four two, nine three six one", "pii.us_ssn", "five one seven, four two, nine three six one");
}

#[test]
fn a_number_in_words_is_the_number() {
    for ten in LANGUAGES {
        assert_eq!(canonical("pci.card", &words(ten, " ")), CARD);
    }
    assert_eq!(canonical("pci.card", &words("〇 一 二 三 四 五 六 七 八 九", "")), CARD);
    assert_eq!(canonical("pci.card", &apart(" ")), CARD);
}

#[test]
fn letters_that_look_like_others_are_those() {
    for mail in [
        "mirа@harbour-lane.example",
        "mira@hаrbоur-lane.еxample",
        "оасmira@harbour-lane.example",
        "mira@harbour-lane.exαmρle",
        "𝐦𝐢𝐫𝐚@harbour-lane.example",
    ] {
        check(&format!("write to {mail} now"), "pii.email", mail);
    }
    let key = "АKIАN4FVU2I5XX2BZN3K";
    assert!(found(&format!("key {key} end")).iter().any(|(label, value)| label == "secret.aws_access_key" && value == key));
    check("карта 4532812677354687, спасибо", "pci.card", CARD);
    for zero in ['٠', '۰', '०', '০', '๐', '០', '𝟘', '𝟶', '୦'] {
        let value: String = CARD.bytes().filter_map(|byte| char::from_u32(u32::from(zero) + u32::from(byte - b'0'))).collect();
        check(&format!("no. {value} ."), "pci.card", &value);
    }
}

#[test]
fn prose_of_other_scripts_stays_as_it_is() {
    for text in
        ["Сорок семь ос, а у нас — три рака.", "Ο Νίκος και η Άννα 12 ώρες", "дом 10а, кв. 5", "COVID-а нет", "10 μm, 5 kΩ", "о 4 а"]
    {
        assert_eq!(normalise(text).replace("—", "-"), text.replace("—", "-"), "{text}");
    }
}

#[test]
fn hexadecimal_is_read() {
    let card = hex(CARD, false);
    check(&format!("see {card} ok"), "pci.card", &card);
    let mail = hex("mira@harbour-lane.example", true);
    check(&mail, "pii.email", &mail);
    let long = hex(&format!("{}{CARD} and so on", "so it is ".repeat(60)), false);
    check(&long, "pci.card", &card);
}

#[test]
fn ordinary_digits_apart_are_nothing() {
    for text in [
        "1 2 3 4 5 6 7 8 9 10 11 12",
        "0 1 0 0 1 1 0 1 0 1 1 1 0 0 1 0",
        "one two three four five six seven eight nine ten",
        "un deux trois quatre cinq six sept huit neuf",
        "一二三四五六七八九十",
        "1.3.6.1.4.1.3.1.1",
        "[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn a_number_after_a_long_chain_is_found_at_every_length() {
    for count in 0..40 {
        let text = format!("{}card {}", "one two ".repeat(count), apart(" "));
        assert_eq!(found(&text), [("pci.card".to_owned(), apart(" "))], "{count}");
        let text = format!("{}and {}", "12 ".repeat(count), apart(" "));
        assert_eq!(found(&text), [("pci.card".to_owned(), apart(" "))], "{count}");
        let text = format!("{}{}", "x".repeat(count), words(LANGUAGES[0], " ").replacen("four", " four", 1));
        assert_eq!(found(&text).len(), 1, "{count}");
    }
}

fn fragment() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        " ",
        ", ",
        "-",
        "\n",
        "   ",
        "+",
        "x",
        "1",
        "12",
        "one",
        "eins",
        "fünf",
        "fü",
        "tr",
        "ês",
        "é",
        "一",
        "〇",
        "会",
        "@",
        ".",
        "\u{200B}",
        "card ",
        "аKI",
        "А",
        "раураl",
        "о",
        "(at)",
        " at ",
        " dot ",
        "[dot]",
        "mira",
        "harbour-lane",
        "example",
        "34353332",
        "5c",
    ]);
    let whole = (0..LANGUAGES.len(), 0..6usize).prop_map(|(ten, how)| match how {
        0 => apart(" "),
        1 => apart(", "),
        2 => words(LANGUAGES[ten], " "),
        3 => words("〇 一 二 三 四 五 六 七 八 九", ""),
        4 => hex(CARD, false),
        _ => words(LANGUAGES[ten], "-").repeat(3),
    });
    prop_oneof![3 => piece.prop_map(str::to_owned), 1 => whole]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_whole(parts in prop::collection::vec(fragment(), 1..24), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9), tokens: bool) {
        let text = parts.concat();
        let places: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| *cut.get(&places)).collect();
        cuts.sort_unstable();
        let hint = Hint { tokens, ..Hint::default() };
        let whole = detector().scan(&text, hint);
        prop_assert_eq!(in_pieces(&text, &cuts, hint), whole.clone());
        prop_assert_eq!(in_pieces(&text, &places, hint), whole);
    }
}

/// Letters that look like one of ASCII, and which.
const ALIKE: [(char, char); 4] = [('а', 'a'), ('О', 'O'), ('ο', 'o'), ('р', 'p')];

/// What the normaliser makes of a text of letters, digits and marks, said once more: a letter that looks like one of ASCII is that one
/// behind such a letter, and before one with only its kind and digits between, but not behind another letter; and between two digits.
fn read_slowly(text: &str) -> String {
    let mut read = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let Some((_, ascii)) = ALIKE.iter().find(|(alike, _)| *alike == c) else {
            read.push(c);
            continue;
        };
        let leads = || {
            let mut skipped = rest.clone().take(12).skip_while(|c| c.is_ascii_digit() || ALIKE.iter().any(|(alike, _)| alike == c));
            skipped.next().is_some_and(|c| c.is_ascii_alphabetic())
        };
        let disguised = match read.chars().next_back() {
            Some(before) if before.is_ascii_alphabetic() => true,
            Some(before) if before.is_alphabetic() && before != '漢' => false,
            Some(before) if before.is_ascii_digit() && rest.clone().next().is_some_and(|c| c.is_ascii_digit()) => true,
            _ => leads(),
        };
        read.push(if disguised { *ascii } else { c });
    }
    read
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn letters_that_look_like_others_go_by_what_they_touch(text in prop::collection::vec(prop::sample::select("aZ1 .аОοрпжéß漢·ҁ".chars().collect::<Vec<_>>()), 0..80)) {
        let text: String = text.into_iter().collect();
        prop_assert_eq!(normalise(&text), read_slowly(&text), "{}", text);
    }
}
