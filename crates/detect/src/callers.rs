//! Patterns that a caller brings along for one text, as clients of Presidio do: regular expressions in the dialect of Python, as far as
//! they mean the same here, and lists of words. Nobody has tried them, so what one costs is bounded: its length, its size, and how long
//! it runs before the clock is looked at. They are apart from the rules, which run in streams.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex_automata::Input;
use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::util::syntax;

/// Most bytes that a match may have.
pub const LONGEST_MATCH: usize = 2 << 10;

/// Longest pattern, in bytes.
const LONGEST_PATTERN: usize = 4 << 10;

/// Bytes that a pattern may take once it is compiled.
const SIZE: usize = 8 << 20;

/// The same where classes hold nothing but ASCII: so many of its states may be alive at a time, and each costs at every byte.
const ALIVE: usize = 256 << 10;

/// Bytes of all words of a list.
const WORDS: usize = 256 << 10;

/// Longest of them.
const LONGEST_WORD: usize = 256;

/// Bytes of what a search remembers.
const CACHE: usize = 256 << 10;

/// So much text is searched before the clock is looked at.
const PIECE: usize = 16 << 10;

/// Longer values are not compared with what is allowed.
const LONGEST_VALUE: usize = 16 << 10;

/// How patterns are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatternFlags {
    /// Letter case does not matter.
    pub ignore_case: bool,
    /// `^` and `$` stand at the ends of lines.
    pub multi_line: bool,
    /// `.` is a line's end, too.
    pub dot_all: bool,
}

impl Default for PatternFlags {
    fn default() -> Self {
        Self { ignore_case: true, multi_line: true, dot_all: true }
    }
}

/// Why a pattern is not run.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// Not a regular expression of this engine: look-arounds and references back are none.
    #[error("it cannot be compiled; look-arounds and references back are not run: {0}")]
    Form(String),
    /// It would mean something else here.
    #[error("`{0}` means something else here than in Python")]
    Dialect(&'static str),
    /// Without an end.
    #[error("it may match more than {LONGEST_MATCH} bytes; give repetitions an upper bound, such as `{{1,64}}` in the place of `+`")]
    Unbounded,
    /// Too large.
    #[error("it is too large")]
    Size,
    /// It matches what is empty, and so everything.
    #[error("it matches the empty text, and so would allow every value")]
    Everything,
}

/// A regular expression.
#[derive(Clone, Debug)]
pub struct CallerPattern {
    regex: Regex,
    longest: usize,
}

/// What a search says after each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing yet.
    On,
    /// A match that is not empty.
    Found(usize, usize),
}

impl CallerPattern {
    /// A regular expression.
    ///
    /// # Errors
    /// Why it is not run.
    pub fn new(pattern: &str, flags: PatternFlags) -> Result<Self, PatternError> {
        if pattern.len() > LONGEST_PATTERN {
            return Err(PatternError::Size);
        }
        if let Some(what) = means_something_else(pattern) {
            return Err(PatternError::Dialect(what));
        }
        let hir = syntax::parse_with(pattern, &syntax_of(flags)).map_err(|error| PatternError::Form(first_line(&error)))?;
        let longest = hir.properties().maximum_len().filter(|longest| *longest <= LONGEST_MATCH).ok_or(PatternError::Unbounded)?;
        let bounded = |unicode: bool, size: usize| compile(&[pattern], syntax_of(flags).unicode(unicode).utf8(unicode), size);
        // Without Unicode some patterns are none.
        let size = match bounded(false, ALIVE) {
            Ok(_) => SIZE,
            Err(PatternError::Size) => return Err(PatternError::Size),
            Err(_) => ALIVE,
        };
        Ok(Self { regex: bounded(true, size)?, longest })
    }

    /// Bytes that it takes.
    pub fn memory(&self) -> usize {
        self.regex.memory_usage()
    }

    /// Looks for matches, the first one at or behind `at`, which moves on. `None` at the end of the text. Each step costs little.
    pub fn step(&self, text: &str, at: &mut usize) -> Option<Step> {
        if *at > text.len() {
            return None;
        }
        let until = text.ceil_char_boundary(at.saturating_add(PIECE));
        let end = text.ceil_char_boundary(until.saturating_add(self.longest));
        // What stands around the piece is looked at by `\b` and `^`, too.
        let found = self.regex.search(&Input::new(text).span(*at..end)).map(|found| found.range());
        // A match that begins further on may be longer than what was looked at.
        match found.filter(|found| found.start < until || end == text.len()) {
            Some(Range { start, end }) if start < end => {
                *at = end;
                Some(Step::Found(start, end))
            }
            Some(Range { start, .. }) => {
                *at = text.ceil_char_boundary(start + 1).max(start + 1);
                Some(Step::On)
            }
            None if end == text.len() => None,
            None => {
                *at = until;
                Some(Step::On)
            }
        }
    }
}

/// Words, whatever their letter case, that no letter, digit or underscore touches.
#[derive(Clone, Debug)]
pub struct CallerWords(AhoCorasick);

impl CallerWords {
    /// A list of words.
    ///
    /// # Errors
    /// When they are too many, or one is too long or empty.
    pub fn new(words: &[String]) -> Result<Self, PatternError> {
        let good = |word: &String| (1..=LONGEST_WORD).contains(&word.len());
        if !words.iter().all(good) || words.iter().map(String::len).sum::<usize>() > WORDS {
            return Err(PatternError::Size);
        }
        let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        let kind = Some(AhoCorasickKind::ContiguousNFA);
        AhoCorasick::builder().kind(kind).build(lower).map(Self).map_err(|_| PatternError::Size)
    }

    /// Bytes that it takes.
    pub fn memory(&self) -> usize {
        self.0.memory_usage()
    }

    /// Where words stand, sorted and apart: of several that overlap the earlier one, of those that begin together the longest. `None`
    /// when `go_on` said that it takes too long.
    pub fn find(&self, text: &str, go_on: &mut dyn FnMut() -> bool) -> Option<Vec<(usize, usize)>> {
        let folded = Folded::new(text);
        let (mut found, mut asked, mut room) = (Vec::new(), 0_u32, ROOM);
        for one in self.0.find_overlapping_iter(&folded.lower) {
            asked = asked.wrapping_add(1);
            if asked.is_multiple_of(1_024) && !go_on() {
                return None;
            }
            let Some((start, end)) = folded.at(one.start()).zip(folded.at(one.end())) else { continue };
            let before = text.get(..start).and_then(|before| before.chars().next_back());
            let after = text.get(end..).and_then(|after| after.chars().next());
            if !before.is_some_and(is_worded) && !after.is_some_and(is_worded) {
                found.push((start, end));
            }
            // Of those that begin together only the longest counts, and there may be many.
            if found.len() >= room {
                longest_first(&mut found);
                found.dedup_by_key(|(start, _)| *start);
                room = ROOM.max(2 * found.len());
            }
        }
        longest_first(&mut found);
        let mut last = 0;
        found.retain(|(start, end)| {
            let apart = *start >= last;
            last = if apart { *end } else { last };
            apart
        });
        Some(found)
    }
}

/// Places of words that are held before those are left out that do not count.
const ROOM: usize = 1 << 16;

fn longest_first(found: &mut [(usize, usize)]) {
    found.sort_unstable_by_key(|(start, end)| (*start, usize::MAX - end));
}

fn is_worded(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A text in small letters, and where each of its bytes comes from.
struct Folded {
    lower: String,
    /// Of each byte of `lower`, and of its end, the byte of the text, if a letter begins there.
    from: Vec<Option<u32>>,
}

impl Folded {
    fn new(text: &str) -> Self {
        let mut folded = Self { lower: String::with_capacity(text.len()), from: Vec::with_capacity(text.len() + 1) };
        for (at, c) in text.char_indices() {
            let first = folded.lower.len();
            folded.lower.extend(c.to_lowercase());
            folded.from.push(u32::try_from(at).ok());
            folded.from.resize(folded.from.len() + folded.lower.len() - first - 1, None);
        }
        folded.from.push(u32::try_from(text.len()).ok());
        folded
    }

    fn at(&self, byte: usize) -> Option<usize> {
        usize::try_from((*self.from.get(byte)?)?).ok()
    }
}

/// Patterns of values that are none.
#[derive(Clone, Debug)]
pub struct Allowed(Regex);

impl Allowed {
    /// A value in which one of these patterns matches is allowed.
    ///
    /// # Errors
    /// Why one is not run, with its number.
    pub fn new(patterns: &[String], flags: PatternFlags) -> Result<Self, (usize, PatternError)> {
        let mut memory = 0_usize;
        for (number, pattern) in patterns.iter().enumerate() {
            let failed = |error| (number, error);
            if pattern.len() > LONGEST_PATTERN {
                return Err(failed(PatternError::Size));
            }
            if let Some(what) = means_something_else(pattern) {
                return Err(failed(PatternError::Dialect(what)));
            }
            let regex = compile(&[pattern], syntax_of(flags), SIZE).map_err(failed)?;
            if regex.is_match("") {
                return Err(failed(PatternError::Everything));
            }
            // Each may be as large as all of them: compiling a thousand such would take minutes.
            memory = memory.saturating_add(regex.memory_usage());
            if memory > 4 * SIZE {
                return Err(failed(PatternError::Size));
            }
        }
        let all: Vec<&str> = patterns.iter().map(String::as_str).collect();
        compile(&all, syntax_of(flags), SIZE).map(Self).map_err(|error| (0, error))
    }

    /// Whether a value is allowed; a very long one never is.
    pub fn allows(&self, value: &str) -> bool {
        value.len() <= LONGEST_VALUE && self.0.is_match(value)
    }
}

fn syntax_of(flags: PatternFlags) -> syntax::Config {
    syntax::Config::new().case_insensitive(flags.ignore_case).multi_line(flags.multi_line).dot_matches_new_line(flags.dot_all)
}

fn compile(patterns: &[&str], syntax: syntax::Config, size: usize) -> Result<Regex, PatternError> {
    let config = Config::new().nfa_size_limit(Some(size)).hybrid_cache_capacity(CACHE).dfa(false).utf8_empty(false);
    let problem = |error: BuildError| match error.size_limit() {
        Some(_) => PatternError::Size,
        None => PatternError::Form(error.syntax_error().map_or_else(|| error.to_string(), |error| first_line(error))),
    };
    Regex::builder().configure(config).syntax(syntax).build_many(patterns).map_err(problem)
}

/// What the compiler says, without the drawing of where.
fn first_line(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    last.trim_start_matches("error: ").chars().take(200).collect()
}

/// What of a pattern compiles here and means something else than in Python.
fn means_something_else(pattern: &str) -> Option<&'static str> {
    let bytes = pattern.as_bytes();
    let starts = |at: usize, with: &str| bytes.get(at..).is_some_and(|rest| rest.starts_with(with.as_bytes()));
    let (mut at, mut class) = (0, false);
    while let Some(byte) = bytes.get(at) {
        match (*byte, class) {
            (b'\\', _) => {
                let other = [(r"\<", r"\<"), (r"\>", r"\>"), (r"\b{", r"\b{")];
                if let Some((_, what)) = other.iter().find(|(with, _)| !class && starts(at, with)) {
                    return Some(what);
                }
                at += 1;
            }
            (b'[', false) => {
                // A bracket that closes stands for itself at the beginning.
                at += usize::from(starts(at + 1, "^"));
                at += usize::from(starts(at + 1, "]"));
                class = true;
            }
            (b']', true) => class = false,
            (b'[', true) => return Some("[ in a set"),
            (_, true) => {
                if let Some(what) = ["&&", "--", "~~"].iter().find(|what| starts(at, what)) {
                    return Some(what);
                }
            }
            (b'(', false) if starts(at, "(?") => {
                let flags: Vec<u8> =
                    bytes.iter().skip(at + 2).take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'-').copied().collect();
                let ends = matches!(bytes.get(at + 2 + flags.len()), Some(b')' | b':'));
                if ends && flags.iter().any(|flag| matches!(flag, b'R' | b'U' | b'x')) {
                    return Some("(?R), (?U) or (?x)");
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}
