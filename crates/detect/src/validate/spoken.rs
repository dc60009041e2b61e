//! E-mail addresses written in words (`john dot smith at example dot com`, `john (at) example.com`): the words, and what they make.
//! Where they begin in a text is in the module of the same name above.

use super::{email, url};

/// Words for the at sign that are hardly anything else.
pub(crate) const AT: [&str; 6] = ["ät", "klammeraffe", "arobase", "arroba", "chiocciola", "apenstaartje"];

/// A word for it that mostly is something else.
pub(crate) const WEAK: &str = "at";

/// Words for the dot.
pub(crate) const DOT: [&str; 6] = ["dot", "punkt", "point", "punto", "ponto", "punt"];

/// Those that tell an address with a weak word for the at sign: others are too common in their languages.
pub(crate) const TELLING: [&str; 2] = ["dot", "punkt"];

/// Brackets around a word.
pub(crate) const BRACKETS: [(u8, u8); 4] = [(b'(', b')'), (b'[', b']'), (b'{', b'}'), (b'<', b'>')];

/// The texts at which rules for such addresses begin.
pub(crate) fn keywords() -> Vec<String> {
    let bare = AT.iter().chain(&TELLING).map(|word| format!(" {word} "));
    let bracketed = AT.iter().chain(&TELLING).chain([&WEAK]).flat_map(|word| {
        BRACKETS.iter().flat_map(move |(open, close)| {
            let (open, close) = (char::from(*open), char::from(*close));
            [format!("{open}{word}{close}"), format!("{open} {word} {close}")]
        })
    });
    bare.chain(bracketed).collect()
}

/// What stands before `at` in a sentence and is nobody's address.
const NOBODY: [&[u8]; 104] = [
    b"look",
    b"looks",
    b"looked",
    b"looking",
    b"meet",
    b"meeting",
    b"met",
    b"me",
    b"us",
    b"you",
    b"him",
    b"her",
    b"them",
    b"it",
    b"am",
    b"is",
    b"are",
    b"was",
    b"were",
    b"be",
    b"been",
    b"being",
    b"here",
    b"there",
    b"hosted",
    b"available",
    b"found",
    b"find",
    b"see",
    b"page",
    b"pages",
    b"site",
    b"sites",
    b"website",
    b"blog",
    b"shop",
    b"forum",
    b"domain",
    b"server",
    b"article",
    b"post",
    b"work",
    b"works",
    b"worked",
    b"working",
    b"stored",
    b"located",
    b"visit",
    b"visiting",
    b"arrive",
    b"arrived",
    b"based",
    b"registered",
    b"up",
    b"down",
    b"in",
    b"on",
    b"out",
    b"over",
    b"off",
    b"back",
    b"not",
    b"now",
    b"and",
    b"or",
    b"but",
    b"online",
    b"live",
    b"lives",
    b"stay",
    b"staying",
    b"that",
    b"this",
    b"what",
    b"who",
    b"buy",
    b"bought",
    b"sold",
    b"order",
    b"ordered",
    b"read",
    b"write",
    b"mail",
    b"email",
    b"reach",
    b"reached",
    b"engineer",
    b"manager",
    b"director",
    b"ceo",
    b"cto",
    b"cfo",
    b"founder",
    b"employee",
    b"employees",
    b"developer",
    b"people",
    b"guys",
    b"folks",
    b"everyone",
    b"someone",
    b"friend",
    b"friends",
    b"aim",
];

/// What stands behind `at` in a sentence and is no host.
const NOWHERE: [&[u8]; 14] =
    [b"the", b"a", b"an", b"this", b"that", b"our", b"my", b"your", b"his", b"her", b"their", b"every", b"some", b"any"];

/// Top-level domains besides those of bare domains. Those that are words of a sentence count behind a sure word for the at sign.
const TOP: [&[u8]; 12] = [b"io", b"co", b"ai", b"app", b"dev", b"tv", b"email", b"online", b"cloud", b"shop", b"name", b"tech"];
const WORDS: [&[u8]; 12] = [b"it", b"in", b"me", b"us", b"is", b"to", b"so", b"my", b"no", b"be", b"at", b"eu"];

/// What stands for the at sign.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// The sign itself.
    Plain,
    /// A word in brackets, or one that is hardly anything else.
    Sure,
    Weak,
}

/// A word between two parts of an address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    At(Sign),
    Dot,
}

fn is_word(words: &[&str], word: &str) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn joint(word: &str, bracketed: bool) -> Option<Joint> {
    if is_word(&DOT, word) {
        return Some(Joint::Dot);
    }
    match is_word(&AT, word) {
        true => Some(Joint::At(Sign::Sure)),
        false if word.eq_ignore_ascii_case(WEAK) => Some(Joint::At(if bracketed { Sign::Sure } else { Sign::Weak })),
        false => None,
    }
}

/// What stands between two parts at the beginning of a text, and the rest.
fn next_joint(text: &str) -> Option<(Joint, &str)> {
    if let Some(rest) = text.strip_prefix('@') {
        return Some((Joint::At(Sign::Plain), rest));
    }
    let inner = text.trim_start_matches(' ');
    let close = BRACKETS.iter().find(|(open, _)| inner.as_bytes().first() == Some(open)).map(|(_, close)| char::from(*close));
    if let Some(close) = close {
        let (word, rest) = inner.get(1..)?.split_once(close)?;
        return Some((joint(word.trim_matches(' '), true)?, rest.trim_start_matches(' ')));
    }
    let (word, rest) = inner.split_once(' ').filter(|_| inner.len() < text.len())?;
    Some((joint(word, false)?, rest.trim_start_matches(' ')))
}

/// An address taken apart.
#[derive(Default)]
struct Address {
    local: Vec<String>,
    domain: Vec<String>,
    sign: Option<Sign>,
}

fn read(text: &str) -> Option<Address> {
    let mut address = Address::default();
    let mut rest = text;
    loop {
        let length = rest.find(|c: char| c == ' ' || c == '@' || "()[]{}<>".contains(c)).unwrap_or(rest.len());
        let (part, behind) = rest.split_at_checked(length).filter(|(part, _)| !part.is_empty())?;
        if address.sign.is_some() {
            address.domain.push(part.to_lowercase());
        } else {
            address.local.push(part.to_lowercase());
        }
        if behind.is_empty() {
            return Some(address);
        }
        let (joint, after) = next_joint(behind)?;
        match joint {
            Joint::At(sign) if address.sign.is_none() => address.sign = Some(sign),
            Joint::At(_) => return None,
            Joint::Dot => {}
        }
        rest = after;
    }
}

/// The address that words write, in lower case; nothing for one that is written plainly, or for what is none.
pub(crate) fn plain(value: &str) -> Option<String> {
    let address = read(value)?;
    let sign = address.sign?;
    let (local, domain) = (address.local.join("."), address.domain.join("."));
    let spoken = sign == Sign::Sure || address.domain.len() > 1;
    let top = domain.rsplit('.').next().unwrap_or_default().as_bytes();
    let known = url::is_top(top) || TOP.contains(&top) || sign != Sign::Weak && WORDS.contains(&top);
    let ordinary = |part: Option<&String>, words: &[&[u8]]| part.is_some_and(|part| words.contains(&part.as_bytes()));
    let prose = sign == Sign::Weak
        && (address.local.len() == 1 && ordinary(address.local.last(), &NOBODY) || ordinary(address.domain.first(), &NOWHERE));
    let weak_word = sign == Sign::Weak && matches!(top, b"no" | b"be" | b"at");
    let address = format!("{local}@{domain}");
    (spoken && known && !prose && !weak_word && email::check(address.as_bytes())).then_some(address)
}

/// Whether words write an address.
pub(super) fn check(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(|value| plain(value).is_some())
}
