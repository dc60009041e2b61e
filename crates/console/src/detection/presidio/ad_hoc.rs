//! What a client of Presidio brings along for one request: recognisers of its own, words of context, patterns of what is allowed.
//! They are kept apart from the detectors: what they find stands beside what those find, and takes nothing of it away.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use bartizan_detect::{Allowed, CallerPattern, CallerWords, PatternFlags, Step};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::detection::{threshold, too_many, too_slow};
use crate::input::misfit;
use crate::problem::Problem;

/// Recognisers in one request.
const RECOGNISERS: usize = 50;

/// Patterns of all of them.
const PATTERNS: usize = 50;

/// Bytes that all of them may take once they are compiled.
const MEMORY: usize = 32 << 20;

/// Words in their deny lists.
const WORDS: usize = 10_000;

/// Words of context in one list.
const CONTEXT: usize = 200;

/// Longest name of a recogniser, a pattern or an entity, and longest word of context.
const NAME: usize = 128;

/// Patterns of what is allowed.
const ALLOWED: usize = 1_000;

/// How far before a match words of context count.
const REACH: usize = 80;

/// What a word of context adds to a score, and the least that it makes of it.
const RAISE_BP: u16 = 3_500;
const LEAST_BP: u16 = 4_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    supported_entity: String,
    name: Option<String>,
    supported_language: Option<String>,
    patterns: Option<Vec<GivenPattern>>,
    deny_list: Option<Vec<String>>,
    deny_list_score: Option<f64>,
    context: Option<Vec<String>>,
    global_regex_flags: Option<u32>,
    /// Of the recogniser; it changes nothing.
    #[serde(rename = "version")]
    _version: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenPattern {
    name: String,
    regex: String,
    score: f64,
}

/// Recognisers of one request.
#[derive(Default)]
pub(super) struct Recognisers {
    all: Vec<Recogniser>,
}

struct Recogniser {
    entity: String,
    name: String,
    /// In lower case.
    context: Vec<String>,
    patterns: Vec<Pattern>,
}

struct Pattern {
    name: String,
    /// As it was sent; none for a list of words.
    regex: Option<String>,
    score_bp: u16,
    compiled: Compiled,
}

enum Compiled {
    Regex(CallerPattern),
    Words(CallerWords),
}

impl Compiled {
    fn memory(&self) -> usize {
        match self {
            Self::Regex(regex) => regex.memory(),
            Self::Words(words) => words.memory(),
        }
    }

    /// Everything that matches, in order. At most so many.
    fn find(&self, text: &str, most: usize, deadline: Instant) -> Result<Vec<(usize, usize)>, Problem> {
        let mut found = Vec::new();
        match self {
            Self::Words(words) => found = words.find(text, &mut || Instant::now() <= deadline).ok_or_else(too_slow)?,
            Self::Regex(regex) => {
                let mut at = 0;
                while let Some(step) = regex.step(text, &mut at) {
                    if Instant::now() > deadline {
                        return Err(too_slow());
                    }
                    if let Step::Found(start, end) = step {
                        found.push((start, end));
                    }
                    if found.len() > most {
                        break;
                    }
                }
            }
        }
        if found.len() > most { Err(too_many()) } else { Ok(found) }
    }
}

/// What one of them found.
pub(super) struct Hit<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) score_bp: u16,
    /// The word of context that raised the score.
    word: Option<&'a str>,
    recogniser: &'a Recogniser,
    pattern: &'a Pattern,
}

pub(super) fn unsupported(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unsupported", detail)
}

/// Flags as Python numbers them.
const IGNORE_CASE: u32 = 2;
const MULTI_LINE: u32 = 8;
const DOT_ALL: u32 = 16;
const UNICODE: u32 = 32;

fn flags(field: &str, number: Option<u32>) -> Result<PatternFlags, Problem> {
    let Some(number) = number else { return Ok(PatternFlags::default()) };
    if number & !(IGNORE_CASE | MULTI_LINE | DOT_ALL | UNICODE) != 0 {
        let detail = format!("`{field}`: only IGNORECASE (2), MULTILINE (8), DOTALL (16) and UNICODE (32) are supported");
        return Err(unsupported(detail));
    }
    let has = |flag: u32| number & flag != 0;
    Ok(PatternFlags { ignore_case: has(IGNORE_CASE), multi_line: has(MULTI_LINE), dot_all: has(DOT_ALL) })
}

fn name(field: &str, name: &str) -> Result<String, Problem> {
    let good = !name.is_empty() && name.len() <= NAME && !name.chars().any(char::is_control);
    if good { Ok(name.to_owned()) } else { Err(Problem::bad(format!("`{field}` must have from 1 to {NAME} bytes"))) }
}

/// Words of context, in lower case.
pub(super) fn words(field: &str, words: Option<&[String]>) -> Result<Vec<String>, Problem> {
    let words = words.unwrap_or_default();
    if words.len() > CONTEXT || words.iter().any(|word| word.trim().is_empty() || word.len() > NAME) {
        return Err(unsupported(format!("`{field}`: at most {CONTEXT} words of up to {NAME} bytes")));
    }
    Ok(words.iter().map(|word| word.to_lowercase()).collect())
}

impl Recognisers {
    /// Reads and compiles them. `language` is that of the request: another one's recognisers do not run, as at Presidio.
    pub(super) fn read(given: Vec<Value>, language: Option<&str>, deadline: Instant) -> Result<Self, Problem> {
        if given.len() > RECOGNISERS {
            return Err(unsupported(format!("`ad_hoc_recognizers`: at most {RECOGNISERS} in one request")));
        }
        let (mut read, mut patterns, mut denied, mut memory) = (Self::default(), 0, 0, MEMORY);
        for one in given {
            let given: Given =
                serde_json::from_value(one).map_err(|error| Problem::bad(format!("`ad_hoc_recognizers`: {}", misfit(&error))))?;
            patterns += given.patterns.as_ref().map_or(0, Vec::len);
            denied += given.deny_list.as_ref().map_or(0, Vec::len);
            if patterns > PATTERNS || denied > WORDS {
                let detail = format!("`ad_hoc_recognizers`: at most {PATTERNS} patterns and {WORDS} words in one request");
                return Err(unsupported(detail));
            }
            let runs = given.supported_language.as_deref().zip(language).is_none_or(|(own, asked)| own == asked);
            let recogniser = Recogniser::compile(given, &mut memory, deadline)?;
            if runs {
                read.all.push(recogniser);
            }
        }
        Ok(read)
    }

    /// Whether there is one for an entity.
    pub(super) fn know(&self, entity: &str) -> bool {
        self.all.iter().any(|one| one.entity == entity)
    }

    /// What they find of these entities (none: of all) from a score on. `room`: how many findings the answer still has room for.
    pub(super) fn search<'a>(
        &'a self,
        text: &str,
        (wanted, least_bp): (&HashSet<&str>, u16),
        context: &[String],
        (room, deadline): (&mut usize, Instant),
    ) -> Result<Vec<Hit<'a>>, Problem> {
        let mut hits = Vec::new();
        for recogniser in self.all.iter().filter(|one| wanted.is_empty() || wanted.contains(one.entity.as_str())) {
            // A word that the request gives counts everywhere.
            let given = recogniser.context.iter().find(|word| context.iter().any(|given| given.contains(word.as_str())));
            for pattern in &recogniser.patterns {
                for (number, (start, end)) in pattern.compiled.find(text, *room, deadline)?.into_iter().enumerate() {
                    // Matches that do not count are many too, and each is asked for all words.
                    if number.is_multiple_of(256) && Instant::now() > deadline {
                        return Err(too_slow());
                    }
                    let word = given.map(String::as_str).or_else(|| recogniser.word_before(text, start, end));
                    let score_bp = if word.is_some() { raised(pattern.score_bp) } else { pattern.score_bp };
                    if score_bp > 0 && score_bp >= least_bp {
                        *room = room.checked_sub(1).ok_or_else(too_many)?;
                        hits.push(Hit { start, end, score_bp, word, recogniser, pattern });
                    }
                }
            }
        }
        Ok(hits)
    }
}

fn raised(score_bp: u16) -> u16 {
    score_bp.saturating_add(RAISE_BP).clamp(LEAST_BP, 10_000)
}

impl Recogniser {
    /// `memory`: bytes that patterns may still take.
    fn compile(given: Given, memory: &mut usize, deadline: Instant) -> Result<Self, Problem> {
        let mut pay = |compiled: &Compiled| {
            let too_large = || unsupported("`ad_hoc_recognizers`: all patterns together are too large");
            *memory = memory.checked_sub(compiled.memory()).ok_or_else(too_large)?;
            Ok::<(), Problem>(())
        };
        let entity = name("supported_entity", &given.supported_entity)?;
        let own = name("name", given.name.as_deref().unwrap_or("PatternRecognizer"))?;
        let flags = flags("global_regex_flags", given.global_regex_flags)?;
        let mut patterns = Vec::new();
        for pattern in given.patterns.unwrap_or_default() {
            if Instant::now() > deadline {
                return Err(too_slow());
            }
            let refused = |error| unsupported(format!("the pattern `{}` of `{own}` is not run: {error}", pattern.name));
            let compiled = Compiled::Regex(CallerPattern::new(&pattern.regex, flags).map_err(refused)?);
            pay(&compiled)?;
            patterns.push(Pattern {
                name: name("patterns.name", &pattern.name)?,
                score_bp: threshold("score", Some(pattern.score))?.unwrap_or_default(),
                compiled,
                regex: Some(pattern.regex),
            });
        }
        let denied = given.deny_list.unwrap_or_default();
        if denied.iter().any(String::is_empty) {
            return Err(Problem::bad("`deny_list` must not hold empty words"));
        }
        if !denied.is_empty() {
            let refused = |error| unsupported(format!("the `deny_list` of `{own}` is not used: {error}"));
            let compiled = CallerWords::new(&denied).map(Compiled::Words).map_err(refused)?;
            pay(&compiled)?;
            patterns.push(Pattern {
                name: "deny_list".to_owned(),
                regex: None,
                score_bp: threshold("deny_list_score", given.deny_list_score)?.unwrap_or(10_000),
                compiled,
            });
        }
        if patterns.is_empty() {
            return Err(Problem::bad(format!("the recogniser `{own}` needs `patterns` or a `deny_list`")));
        }
        Ok(Self { entity, name: own, context: words("ad_hoc_recognizers.context", given.context.as_deref())?, patterns })
    }

    /// A word of context shortly before a match, or in it; part of a word is enough.
    fn word_before(&self, text: &str, start: usize, end: usize) -> Option<&str> {
        if self.context.is_empty() {
            return None;
        }
        let from = text.floor_char_boundary(start.saturating_sub(REACH));
        let around = text.get(from..end).unwrap_or_default().to_lowercase();
        self.context.iter().find(|word| around.contains(word.as_str())).map(String::as_str)
    }
}

impl Hit<'_> {
    pub(super) fn entity(&self) -> &str {
        &self.recogniser.entity
    }

    /// Bytes of its pattern, which each explanation repeats.
    pub(super) fn pattern_len(&self) -> usize {
        self.pattern.regex.as_ref().map_or(0, String::len)
    }

    pub(super) fn metadata(&self) -> Value {
        let name = &self.recogniser.name;
        json!({ "recognizer_name": name, "recognizer_identifier": format!("ad_hoc:{name}") })
    }

    pub(super) fn explanation(&self) -> Value {
        let written = |score_bp: u16| f64::from(score_bp) / 10_000.0;
        let raise = self.score_bp - self.pattern.score_bp.min(self.score_bp);
        json!({
            "recognizer": self.recogniser.name, "pattern_name": self.pattern.name, "pattern": self.pattern.regex,
            "original_score": written(self.pattern.score_bp), "score": written(self.score_bp), "textual_explanation": null,
            "score_context_improvement": written(raise), "supportive_context_word": self.word.unwrap_or_default(),
            "validation_result": null,
        })
    }
}

/// Which of several findings, as (entity, start, end, score), stay: one within another of its entity, which is at least as sure of itself,
/// goes. In the order in which they were given.
pub(super) fn without_contained(all: &[(&str, usize, usize, u16)]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|at| all.get(*at).map(|(_, start, end, score)| (u16::MAX - score, *start, usize::MAX - end)));
    // Of each entity, where findings begin and how far the furthest that begins there or before reaches.
    let mut kept: HashMap<&str, BTreeMap<usize, usize>> = HashMap::new();
    let mut stays = vec![false; all.len()];
    for at in order {
        let (Some((entity, start, end, _)), Some(stays)) = (all.get(at), stays.get_mut(at)) else { continue };
        let reach = kept.entry(entity).or_default();
        if reach.range(..=*start).next_back().is_some_and(|(_, furthest)| furthest >= end) {
            continue;
        }
        *stays = true;
        while let Some((inner, _)) = reach.range(*start..).next().filter(|(_, furthest)| *furthest <= end).map(|(from, to)| (*from, *to)) {
            reach.remove(&inner);
        }
        reach.insert(*start, *end);
    }
    stays
}

/// Values that are none, by a client's word.
pub(super) enum AllowList {
    /// These.
    Exactly(HashSet<String>),
    /// Those in which a pattern matches.
    Matching(Box<Allowed>),
}

impl AllowList {
    pub(super) fn read(list: Option<Vec<String>>, matching: Option<&str>, regex_flags: Option<u32>) -> Result<Option<Self>, Problem> {
        let regex = match matching {
            None | Some("exact") => false,
            Some("regex") => true,
            Some(_) => return Err(Problem::bad("`allow_list_match` must be `exact` or `regex`")),
        };
        let Some(list) = list.filter(|list| !list.is_empty()) else { return Ok(None) };
        if !regex {
            return Ok(Some(Self::Exactly(list.into_iter().collect())));
        }
        if list.len() > ALLOWED {
            return Err(unsupported(format!("`allow_list`: at most {ALLOWED} patterns")));
        }
        let flags = flags("regex_flags", regex_flags)?;
        let refused = |(number, error)| unsupported(format!("pattern {} of `allow_list` is not run: {error}", number + 1));
        Allowed::new(&list, flags).map(|allowed| Some(Self::Matching(Box::new(allowed)))).map_err(refused)
    }

    pub(super) fn allows(&self, value: &str) -> bool {
        match self {
            Self::Exactly(values) => values.contains(value),
            Self::Matching(allowed) => allowed.allows(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn looking_for_words_of_context_ends_with_the_deadline() {
        let patterns: Vec<Value> = (0..50).map(|n| json!({ "name": format!("p{n}"), "regex": "a", "score": 0.0 })).collect();
        let context: Vec<String> = (0..CONTEXT).map(|n| format!("word{n}")).collect();
        let given = json!({ "supported_entity": "X", "patterns": patterns, "context": context });
        let began = Instant::now();
        let recognisers = Recognisers::read(vec![given], None, began + Duration::from_mins(1)).unwrap();
        let began = Instant::now();
        let bounds = (&mut 100_000, began + Duration::from_millis(500));
        let found = recognisers.search(&"a,".repeat(90_000), (&HashSet::new(), 0), &[], bounds);
        assert!(found.is_err() && began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
}
