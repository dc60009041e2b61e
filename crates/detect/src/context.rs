//! Words around a match that change its score: only words before it, so that nothing waits for what follows; and the object
//! key that the text stands under.

use aho_corasick::{AhoCorasick, Match, PatternID};

use crate::compile::CompiledRule;
use crate::normal::Normal;

/// How far back words count.
const REACH: usize = 80;
/// Longest name that is looked at for a word that makes its value something else.
const NAME: usize = 64;
/// Words that may stand between such a word and a match.
const FILLERS: [&[u8]; 5] = [b"is", b"was", b"number", b"no", b"of"];

/// The object key of a text, as it is written and in lower case.
#[derive(Clone, Default)]
pub(crate) struct Key {
    cased: String,
    lower: String,
}

impl Key {
    pub(crate) fn new(key: Option<&str>) -> Self {
        let cased = key.unwrap_or_default().to_owned();
        Self { lower: cased.to_ascii_lowercase(), cased }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cased.is_empty()
    }

    /// Which of the keywords end one of the key's words, in their order: `db_password` and `dbPasswords` name a password, `author`
    /// no `auth`. One pass over the key, whatever the number of keywords.
    pub(crate) fn names(&self, keywords: &AhoCorasick) -> Vec<PatternID> {
        let (cased, lower) = (self.cased.as_bytes(), self.lower.as_bytes());
        let ends_a_word = |found: &Match| {
            let plural = lower.get(found.end()) == Some(&b's') && is_boundary(cased, found.end() + 1);
            (found.len() > 3 || is_boundary(cased, found.start())) && (plural || is_boundary(cased, found.end()))
        };
        let mut named: Vec<PatternID> = keywords.find_overlapping_iter(lower).filter(ends_a_word).map(|found| found.pattern()).collect();
        named.sort_unstable();
        named.dedup();
        named
    }

    fn has_word(&self, word: &str) -> bool {
        has_word(self.cased.as_bytes(), self.lower.as_bytes(), word)
    }
}

/// What stands before a match, and the key it stands under.
pub(crate) struct Context<'a> {
    text: &'a Normal,
    start: usize,
    /// Where the keyword ends that led to the match.
    lead: Option<usize>,
    key: &'a Key,
}

impl<'a> Context<'a> {
    pub(crate) fn new(text: &'a Normal, start: usize, lead: Option<usize>, key: &'a Key) -> Self {
        Self { text, start, lead, key }
    }

    /// The score of a match of `rule` at this place; 0 drops it.
    pub(crate) fn score(&self, rule: &CompiledRule) -> u16 {
        if !rule.negative.is_empty() {
            let name = self.name();
            let lower = name.to_ascii_lowercase();
            let under = |word: &String| self.lead.is_none() && self.start == 0 && self.key.has_word(word);
            if rule.negative.iter().any(|word| has_word(name, &lower, word) || under(word)) {
                return 0;
            }
        }
        if rule.context.is_empty() {
            return rule.score_bp;
        }
        let window = self.text.slice(self.start.saturating_sub(REACH), self.start).to_ascii_lowercase();
        let pairs = Pairs::of(&window);
        let found = |word: &String| {
            pairs.may_hold(word.as_bytes()) && contains_word(&window, word.as_bytes()) || (!self.key.is_empty() && self.key.has_word(word))
        };
        if rule.context.iter().any(found) { rule.context_bp.max(rule.score_bp) } else { rule.score_bp }
    }

    /// The name that the match is the value of: the word that the keyword is part of, or the last word before the match.
    fn name(&self) -> &'a [u8] {
        if let Some(lead) = self.lead {
            let left = self.text.slice(lead.saturating_sub(NAME), lead);
            let right = self.text.slice(lead, self.start);
            let length = left.iter().rev().take_while(|byte| is_name(**byte)).count();
            return self.text.slice(lead - length, lead + right.iter().take_while(|byte| is_name(**byte)).count());
        }
        let mut before = self.text.slice(self.start.saturating_sub(NAME), self.start);
        loop {
            let gap = before.iter().rev().take(4).take_while(|byte| !byte.is_ascii_alphanumeric()).count();
            before = before.get(..before.len() - gap).unwrap_or_default();
            let length = before.iter().rev().take_while(|byte| is_name(**byte)).count();
            let (rest, word) = before.split_at_checked(before.len() - length).unwrap_or_default();
            if word.is_empty() || !FILLERS.contains(&word.to_ascii_lowercase().as_slice()) {
                return word;
            }
            before = rest;
        }
    }
}

/// Which pairs of neighbouring bytes a text has: rules have dozens of words, and hardly any of them is in a text.
struct Pairs([u64; 16]);

impl Pairs {
    fn of(text: &[u8]) -> Self {
        let mut pairs = Self([0; 16]);
        for pair in text.windows(2) {
            let (slot, bit) = Self::place(pair);
            if let Some(slot) = pairs.0.get_mut(slot) {
                *slot |= bit;
            }
        }
        pairs
    }

    fn place(pair: &[u8]) -> (usize, u64) {
        let hash = pair.iter().fold(0usize, |hash, byte| hash * 37 + usize::from(*byte)) & 1023;
        (hash / 64, 1 << (hash % 64))
    }

    /// False only when the text does not hold the word.
    fn may_hold(&self, word: &[u8]) -> bool {
        word.windows(2).all(|pair| {
            let (slot, bit) = Self::place(pair);
            self.0.get(slot).is_some_and(|slot| slot & bit != 0)
        })
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Where `word` occurs in `text`.
fn occurrences<'a>(text: &'a [u8], word: &'a [u8]) -> impl Iterator<Item = (usize, usize)> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + text.get(from..).and_then(|rest| memchr::memmem::find(rest, word))?;
        from = at + 1;
        Some((at, at + word.len()))
    })
}

/// Whether a word ends and another one begins at `at`: letters do not touch, or the case changes as in `dbPassword`.
fn is_boundary(cased: &[u8], at: usize) -> bool {
    let (Some(before), Some(after)) = (at.checked_sub(1).and_then(|at| cased.get(at)), cased.get(at)) else { return true };
    let follows = cased.get(at + 1).is_some_and(u8::is_ascii_lowercase);
    !before.is_ascii_alphabetic() || !after.is_ascii_alphabetic() || after.is_ascii_uppercase() && (before.is_ascii_lowercase() || follows)
}

fn has_word(cased: &[u8], lower: &[u8], word: &str) -> bool {
    occurrences(lower, word.as_bytes()).any(|(start, end)| is_boundary(cased, start) && is_boundary(cased, end))
}

/// Whether `word` occurs in `text` as a whole word: letters do not touch it. Digits and `_` may, as in `phone_1`.
fn contains_word(text: &[u8], word: &[u8]) -> bool {
    let touches = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    occurrences(text, word)
        .any(|(start, end)| !start.checked_sub(1).is_some_and(|before| touches(text.get(before))) && !touches(text.get(end)))
}
