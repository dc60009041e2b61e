//! Phrases letter by letter: where letter case matters, or a phrase counts inside a word. One automaton, each byte looked at once.

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};

use super::{Dictionary, DictionaryError};
use crate::chars::is_word;
use crate::known::Found;
use crate::normal::{Normal, normalise};

/// Longest phrase in bytes, normalised.
const LONGEST: usize = 256;
/// Bytes of the longest character, which is looked at on either side.
const CHARACTER: usize = 4;

/// The automaton of a dictionary.
pub(crate) struct Letters {
    automaton: NFA,
    start: StateID,
    longest: usize,
    whole_word: bool,
}

impl Letters {
    pub(crate) fn new(dictionary: &Dictionary) -> Result<Self, DictionaryError> {
        let mut phrases = Vec::with_capacity(dictionary.words.len());
        for (index, phrase) in dictionary.words.iter().enumerate() {
            let normal = normalise(phrase.trim());
            if normal.len() < 2 || normal.len() > LONGEST {
                let why = "it has fewer than 2 or more than 256 bytes";
                return Err(DictionaryError::Phrase { number: index + 1, phrase: phrase.clone(), why });
            }
            phrases.push(normal);
        }
        let longest = phrases.iter().map(String::len).max().ok_or(DictionaryError::Empty)?;
        let mut builder = NFA::builder();
        builder.match_kind(MatchKind::Standard).ascii_case_insensitive(dictionary.ignore_case);
        let automaton = builder.build(&phrases).map_err(|_| DictionaryError::TooMany)?;
        let start = automaton.start_state(Anchored::No).map_err(|_| DictionaryError::TooMany)?;
        Ok(Self { automaton, start, longest, whole_word: dictionary.whole_word })
    }
}

/// The walk over a text.
#[derive(Clone)]
pub(crate) struct Walk {
    state: StateID,
    start: StateID,
    longest: usize,
    next: usize,
    /// Places of phrases, sorted by start, the longest first.
    hits: Vec<(usize, std::cmp::Reverse<usize>)>,
    floor: usize,
}

impl Walk {
    pub(crate) fn new(letters: &Letters) -> Self {
        Self { state: letters.start, start: letters.start, longest: letters.longest, next: 0, hits: Vec::new(), floor: 0 }
    }

    /// Goes on as far as the text shows.
    pub(crate) fn step(&mut self, letters: &Letters, text: &Normal, last: bool, out: &mut Vec<Found>) {
        let automaton = &letters.automaton;
        for byte in text.from(self.next) {
            self.state = automaton.next_state(Anchored::No, self.state, *byte);
            self.next += 1;
            if automaton.is_special(self.state) && automaton.is_match(self.state) {
                for index in 0..automaton.match_len(self.state) {
                    let length = automaton.pattern_len(automaton.match_pattern(self.state, index));
                    self.hit(self.next - length, letters, text);
                }
            }
        }
        self.settle(letters, text, last, out);
    }

    /// A phrase that ends here.
    fn hit(&mut self, start: usize, letters: &Letters, text: &Normal) {
        if letters.whole_word && touches(text.slice(start.saturating_sub(CHARACTER), start), true) {
            return;
        }
        let hit = (start, std::cmp::Reverse(self.next));
        if let Err(at) = self.hits.binary_search(&hit) {
            self.hits.insert(at, hit);
        }
    }

    /// Reports what is decided, from left to right: the longest of those that begin first, and what others reach further.
    fn settle(&mut self, letters: &Letters, text: &Normal, all: bool, out: &mut Vec<Found>) {
        while let Some((start, std::cmp::Reverse(end))) = self.hits.first().copied() {
            if !all && (start >= self.undecided() || letters.whole_word && end >= text.end()) {
                return;
            }
            self.hits.remove(0);
            if letters.whole_word && touches(text.slice(end, end + CHARACTER), false) {
                continue;
            }
            out.push(Found { start: start.max(self.floor), end, score_bp: 0, source: 0 });
            self.floor = end;
            self.hits.retain(|(_, std::cmp::Reverse(other))| *other > end);
        }
    }

    /// Where the first phrase may begin that has not ended.
    fn undecided(&self) -> usize {
        if self.state == self.start { self.next } else { (self.next + 1).saturating_sub(self.longest) }
    }

    /// The first byte that a finding which is not reported yet may cover.
    pub(crate) fn hold(&self, text: &Normal) -> usize {
        self.undecided().min(self.hits.first().map_or(text.end(), |(start, _)| *start)).max(self.floor).min(text.end())
    }

    /// The first byte that is still read: the character before a phrase counts.
    pub(crate) fn keep(&self, text: &Normal) -> usize {
        self.hold(text).saturating_sub(CHARACTER)
    }
}

/// Whether the last (or first) character of some bytes belongs to a word.
fn touches(bytes: &[u8], last: bool) -> bool {
    let mut chars = bytes.utf8_chunks().flat_map(|chunk| chunk.valid().chars());
    if last { chars.last() } else { chars.next() }.is_some_and(is_word)
}
