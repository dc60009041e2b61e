//! Documents that show a value in several views, whole in one and broken in another: nothing that anybody could use of it goes on.

use std::time::Duration;

use bartizan_gateway::Limits;
use bartizan_testkit::documents;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{DOCX, document, house, messages, page};
use crate::harness::{House, Plan};

/// Letters and digits of a text in one case.
fn letters(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Nothing was found.
const AS_IT_IS: &str = "\u{0}";

/// What goes on in the place of a document; None: nothing.
fn sent(house: &House, media: &str, bytes: &[u8]) -> Option<String> {
    house.upstream.forget();
    let reply = house.send(&messages(&document(media, &STANDARD.encode(bytes))));
    if reply.status != 200 {
        assert_eq!((reply.status, house.upstream.requests().len()), (403, 0), "{}", reply.text());
        return None;
    }
    let body: Value = serde_json::from_str(&house.seen()).unwrap();
    let source = &body["messages"][0]["content"][0]["source"];
    if source["type"] == "base64" {
        return Some(AS_IT_IS.to_owned());
    }
    Some(source["data"].as_str().unwrap().to_owned())
}

const VALUES: &[&str] = &[
    "ada@example.org",
    "4532812677354687",
    "4532 8126 7735 4687",
    "+1-628-555-0143 ext. 22",
    "+442079460018",
    "0049 30 5550 1234",
    "GB29 NWBK 6016 1331 9268 19",
    "536-22-8741",
    "AKIAIOSFODNN7EXAMPLQ",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7VJTUt9Us8cKjMzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6d\nVMvDuictGeurT8jNbvJZHtCSuYEvuNMoSfm76oqFvAp8Gy0iz5sxjZmSnXyCdPEo\n-----END PRIVATE KEY-----",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1gFWFOEjXk0",
    "password: Kd7!HZ5t6PHVtb2d2lwzBDSQ",
];

/// What may stand inside of a value, none of it with letters that one reads.
const BREAKS: &[&str] = &[
    "<b>",
    "</i>",
    "<wbr>",
    "<br>",
    "</p><p>",
    "<p>",
    "</td><td>",
    "<!-- x -->",
    "&nbsp;",
    " ",
    "\n",
    "<script>1</script>",
    "<template>2</template>",
    "&#8203;",
    "&shy;",
    "<img alt='a'>",
    "</div>\n<div>",
];

fn broken(value: &str, cuts: &[(usize, usize)]) -> String {
    let letters: Vec<char> = value.chars().collect();
    let mut out = String::new();
    for (at, letter) in letters.iter().enumerate() {
        for (cut, with) in cuts {
            if cut % letters.len() == at {
                out.push_str(BREAKS[with % BREAKS.len()]);
            }
        }
        out.push(*letter);
    }
    out
}

const WORDS: &[&str] = &["call me at ", "order 12", "card 1234 ", "x", " 77 ", "and then ", "tel: ", "password: ", "\n"];

/// Numbers by chance, the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// A page in which a value stands: whole, broken, in an attribute, a script, a comment; and other words and tags.
fn any_page(value: &str, chance: &mut Chance) -> String {
    let piece = |chance: &mut Chance| match chance.below(7) {
        0 => value.to_owned(),
        1 => broken(value, &(0..=chance.below(3)).map(|_| (chance.below(400), chance.below(BREAKS.len()))).collect::<Vec<_>>()),
        2 => format!("<img alt=\"{value}\">"),
        3 => format!("<script>let a = '{value}'</script>"),
        4 => format!("<!-- {} -->", value.replace("--", "- -")),
        5 => WORDS[chance.below(WORDS.len())].to_owned(),
        _ => BREAKS[chance.below(BREAKS.len())].to_owned(),
    };
    (0..=chance.below(6)).map(|_| piece(chance) + " ; ").collect()
}

/// The longest piece of the value's letters in the text.
fn longest(text: &str, value: &str) -> usize {
    let (text, value) = (letters(text), letters(value).chars().collect::<Vec<_>>());
    let mut best = 0;
    for start in 0..value.len() {
        while start + best < value.len() && text.contains(&value[start..=start + best].iter().collect::<String>()) {
            best += 1;
        }
    }
    best
}

#[test]
fn pages_that_anybody_could_write_leave_no_half_of_a_value() {
    let house = house();
    let seed = std::env::var("SEED").ok().and_then(|it| it.parse().ok()).unwrap_or(1);
    let count = std::env::var("COUNT").ok().and_then(|it| it.parse().ok()).unwrap_or(600);
    let (mut chance, mut texts) = (Chance(seed), 0);
    for _ in 0..count {
        let value = VALUES[chance.below(VALUES.len())];
        let body = any_page(value, &mut chance);
        if !body.contains(value) {
            // Nothing is promised of what is whole nowhere.
            continue;
        }
        let Some(text) = sent(&house, "text/html", &page(&body)).filter(|text| !text.starts_with(AS_IT_IS)) else { continue };
        texts += 1;
        let (longest, all) = (longest(&text, value), letters(value).len());
        assert!(longest * 2 <= all, "{longest} of {all} letters of {value}\n{body}\n{text}");
    }
    assert!(texts * 8 > count, "{texts} of {count} went on as texts");
}

const CARD: &str = "4532812677354687";

#[test]
fn a_value_that_is_whole_in_another_view_leaves_no_piece() {
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1gFWFOEjXk0";
    let (head, tail) = token.split_at(70);
    let long = format!("word/{}-{CARD}.txt", "x".repeat(181));
    let rows: Vec<(&str, &str, Vec<u8>, &str)> = vec![
        ("one half found", "text/html", page(&format!("<p>key {head}<br>{tail}</p><img alt='{token}'>")), tail),
        (
            "with an extension",
            "text/html",
            page("<img alt='+1-628-555-0143 ext. 22'><table><tr><td>+1-628-555</td><td>:0143 ext. 22</td></table>"),
            "0143",
        ),
        ("a long name", DOCX, documents::docx("a trip", &[(&long, b"hello")]).unwrap(), "4532812677"),
    ];
    for (name, media, bytes, secret) in rows {
        let house = house();
        let text = sent(&house, media, &bytes).unwrap_or_default();
        assert!(!letters(&text).contains(&letters(secret)), "{name}: {text}");
    }
}

#[test]
fn a_text_too_dense_with_findings_does_not_go_on() {
    // In the source no number is whole.
    let rows = "4532<br>8126<br>7735<br>4687<br>a<br>".repeat(125_000);
    let bytes = page(&format!("<p>ask ada@example.org</p>{rows}"));
    let house = House::build(Plan { limits: Limits { inspect: Duration::from_mins(2), ..Limits::default() }, ..Plan::default() });
    let reply = house.send(&messages(&document("text/html", &STANDARD.encode(bytes))));
    assert_eq!((reply.status, reply.decision(), house.upstream.served()), (503, "failed", 0), "{:.300}", reply.text());
}
