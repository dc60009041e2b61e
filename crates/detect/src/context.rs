//! Words around a match that change its score: before it, in the object key that the text stands under, and, for rules that ask for
//! it, shortly after it. All words of all rules are looked for at once, so what a place costs does not grow with the rules.

use std::cell::OnceCell;

use aho_corasick::{AhoCorasick, Match, PatternID};

use crate::candidate::Surroundings;
use crate::chars::{is_letter, is_spaceless};
use crate::compile::Compiled;
use crate::edges::Tri;
use crate::heard::Before;
use crate::plan::CompiledRule;
use crate::words::{WORD, Walk};

/// How far behind a match words count.
const AFTER: usize = 40;
/// Bytes behind those that tell where a word ends.
const NEIGHBOUR: usize = 4;
/// Longest name that is looked at for a word that makes its value something else.
const NAME: usize = 64;
/// Words that may stand between such a word and a match.
const FILLERS: [&[u8]; 5] = [b"is", b"was", b"number", b"no", b"of"];

/// The object key of a text, as it is written and in lower case.
#[derive(Clone, Default)]
pub(crate) struct Key {
    cased: String,
    lower: String,
    /// The words of contexts that it is made of.
    words: Vec<u16>,
    /// Words that count as if they stood before every match.
    raising: Vec<u16>,
}

impl Key {
    pub(crate) fn new(key: Option<&str>, compiled: &Compiled) -> Self {
        let Some(key) = key.filter(|key| !key.is_empty()) else { return Self::default() };
        Self { cased: key.to_owned(), lower: key.to_ascii_lowercase(), words: part_words(key.as_bytes(), compiled), raising: Vec::new() }
    }

    /// Words that count as if they stood before every match.
    pub(crate) fn raise(&mut self, words: &[String], compiled: &Compiled) {
        for word in words {
            whole_words(word.to_ascii_lowercase().as_bytes(), compiled, |number, _| self.raising.push(number));
        }
        self.raising.sort_unstable();
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
}

/// What words make of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Score {
    /// This score; 0 drops the match.
    Is(u16),
    /// The first score, or the second one where a word stands after the match.
    WithAfter(u16, u16),
}

/// Where a word stands that moved a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before the match.
    Before,
    /// In the object key that the text stands under.
    Key,
    /// Whoever asked for the scan said it.
    Given,
    /// Behind the match.
    After,
}

/// What stands around a match, and the key it stands under.
pub(crate) struct Context<'a> {
    around: &'a Surroundings<'a>,
    start: usize,
    /// Where the keyword ends that led to the match.
    lead: Option<usize>,
    /// Words of the name that the match is the value of.
    named: OnceCell<Vec<u16>>,
}

/// One of these words that was found; both sorted by number.
fn common(asked: &[u16], found: &[u16]) -> Option<u16> {
    found.iter().find(|word| asked.binary_search(word).is_ok()).copied()
}

impl<'a> Context<'a> {
    pub(crate) fn new(around: &'a Surroundings<'a>, start: usize, lead: Option<usize>) -> Self {
        Self { around, start, lead, named: OnceCell::new() }
    }

    /// The score of a match of `rule` at this place.
    pub(crate) fn score(&self, rule: &CompiledRule, before: &mut Before) -> Score {
        if self.negative(rule).is_some() {
            return Score::Is(0);
        }
        let lifted = rule.context_bp.max(rule.score_bp);
        if self.positive(rule, before).is_some() {
            return Score::Is(lifted);
        }
        let waits = !rule.after.is_empty() && rule.score_bp < rule.threshold_bp && lifted >= rule.threshold_bp;
        if waits { Score::WithAfter(rule.score_bp, lifted) } else { Score::Is(rule.score_bp) }
    }

    /// A word that makes a match something else.
    pub(crate) fn negative(&self, rule: &CompiledRule) -> Option<u16> {
        if rule.negative.is_empty() {
            return None;
        }
        let named = self.named.get_or_init(|| part_words(self.name(), self.around.compiled));
        let under = || if self.lead.is_none() && self.start == 0 { common(&rule.negative, &self.around.key.words) } else { None };
        common(&rule.negative, named).or_else(under)
    }

    /// A word before the match, or in the key, that makes it likelier.
    pub(crate) fn positive(&self, rule: &CompiledRule, before: &mut Before) -> Option<(Place, u16)> {
        if rule.context.is_empty() {
            return None;
        }
        let at = |place: Place, found: &[u16]| common(&rule.context, found).map(|word| (place, word));
        let around = || at(Place::Key, &self.around.key.words).or_else(|| at(Place::Given, &self.around.key.raising));
        at(Place::Before, before.words(self.around, self.start)).or_else(around)
    }

    /// The word of the rule that stands shortly after a match, where [`Self::after`] says that there is one.
    pub(crate) fn after_word(&self, rule: &CompiledRule, end: usize) -> Option<u16> {
        let mut first = None;
        let window = self.around.text.slice(end, end + AFTER + NEIGHBOUR);
        whole_words(window, self.around.compiled, |word, to| {
            if to <= AFTER && first.is_none() && rule.after.binary_search(&word).is_ok() {
                first = Some(word);
            }
        });
        first
    }

    /// Whether a word of the rule stands shortly after a match that ends at `end`; `last` says that nothing follows the text.
    pub(crate) fn after(&self, rule: &CompiledRule, end: usize, last: bool) -> Tri {
        let window = self.around.text.slice(end, end + AFTER + NEIGHBOUR);
        let complete = last || window.len() == AFTER + NEIGHBOUR;
        // Where the text stops, a word may go on.
        let counts = |to: usize| to <= AFTER && (complete || to < window.len());
        let mut found = false;
        whole_words(window, self.around.compiled, |word, to| found |= counts(to) && rule.after.binary_search(&word).is_ok());
        match found {
            true => Tri::Yes,
            false if complete => Tri::No,
            false => Tri::NeedMore,
        }
    }

    /// The name that the match is the value of: the word that the keyword is part of, or the last word before the match.
    fn name(&self) -> &'a [u8] {
        if let Some(lead) = self.lead {
            let left = self.around.text.slice(lead.saturating_sub(NAME), lead);
            let right = self.around.text.slice(lead, self.start);
            let length = left.iter().rev().take_while(|byte| is_name(**byte)).count();
            return self.around.text.slice(lead - length, lead + right.iter().take_while(|byte| is_name(**byte)).count());
        }
        let mut before = self.around.text.slice(self.start.saturating_sub(NAME), self.start);
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

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// The character that ends before `at`.
pub(crate) fn ends_before(text: &[u8], at: usize) -> Option<char> {
    let last = *text.get(at.checked_sub(1)?)?;
    if last.is_ascii() {
        return Some(char::from(last));
    }
    let window = text.get(at.saturating_sub(4)..at)?;
    let start = window.iter().rposition(|byte| byte & 0xC0 != 0x80)?;
    std::str::from_utf8(window.get(start..)?).ok()?.chars().next()
}

/// The character that begins at `at`.
pub(crate) fn begins_at(text: &[u8], at: usize) -> Option<char> {
    let first = *text.get(at)?;
    if first.is_ascii() {
        return Some(char::from(first));
    }
    let length = text.get(at + 1..)?.iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count();
    std::str::from_utf8(text.get(at..=at + length)?).ok()?.chars().next()
}

/// Whether a word ends and another one begins at `at`: letters do not touch, or the case changes as in `dbPassword`.
fn is_boundary(cased: &[u8], at: usize) -> bool {
    let (Some(before), Some(after)) = (ends_before(cased, at), begins_at(cased, at)) else { return true };
    let follows = || begins_at(cased, at + after.len_utf8()).is_some_and(char::is_lowercase);
    !is_letter(before) || !is_letter(after) || after.is_uppercase() && (before.is_lowercase() || follows())
}

/// Tells the words of contexts in a text, by number, with where each begins and ends.
fn words_in(text: &[u8], compiled: &Compiled, mut tell: impl FnMut(u16, usize, usize)) {
    let (mut walk, mut rest, mut from) = (Walk::default(), text, 0);
    while let Some((offset, _)) = walk.next(&compiled.context, WORD, rest) {
        from += offset + 1;
        rest = rest.get(offset + 1..).unwrap_or_default();
        for word in walk.words(&compiled.context) {
            let length = compiled.words.get(usize::from(*word)).map_or(0, String::len);
            if let Some(start) = from.checked_sub(length) {
                tell(*word, start, from);
            }
        }
    }
}

/// The text in lower case, where that is more than what the automaton over words does by itself.
fn lowered(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_ascii() {
        return None;
    }
    let mut lower = String::with_capacity(text.len() + NEIGHBOUR);
    for part in text.utf8_chunks() {
        for c in part.valid().chars() {
            if c.is_ascii() { lower.push(c.to_ascii_lowercase()) } else { lower.extend(c.to_lowercase()) }
        }
        if !part.invalid().is_empty() {
            lower.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Some(lower.into_bytes())
}

/// Tells words that stand in a text as whole words, and where each ends: letters do not touch them. Digits and `_` may, as in
/// `phone_1`, and so may anything where a word begins or ends in a script without spaces.
fn whole_words(text: &[u8], compiled: &Compiled, mut tell: impl FnMut(u16, usize)) {
    let lower = lowered(text);
    let text = lower.as_deref().unwrap_or(text);
    let touches = |own: Option<char>, other: Option<char>| other.is_some_and(is_letter) && !own.is_some_and(is_spaceless);
    words_in(text, compiled, |word, start, end| {
        let left = touches(begins_at(text, start), ends_before(text, start));
        if !left && !touches(ends_before(text, end), begins_at(text, end)) {
            tell(word, end);
        }
    });
}

/// Words that a name or a key is made of, also where only the case parts them.
fn part_words(name: &[u8], compiled: &Compiled) -> Vec<u16> {
    let lower = lowered(name);
    let text = lower.as_deref().unwrap_or(name);
    // Where lower case is longer, the places of its words are not those of the name's.
    let cased = if text.len() == name.len() { name } else { text };
    let mut words = Vec::new();
    words_in(text, compiled, |word, start, end| {
        if is_boundary(cased, start) && is_boundary(cased, end) {
            words.push(word);
        }
    });
    words.sort_unstable();
    words.dedup();
    words
}
