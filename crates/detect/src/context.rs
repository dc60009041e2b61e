//! Words around a match that change its score: only words before it, so that nothing waits for what follows.

use crate::compile::CompiledRule;
use crate::normal::Normal;

/// How far back words count.
const REACH: usize = 80;
/// How far back words count that make a match something else.
const NEAR: usize = 24;

/// What stands before a match, in lower case, and the key it stands under.
pub(crate) struct Context<'a> {
    text: &'a Normal,
    start: usize,
    key: &'a str,
}

impl<'a> Context<'a> {
    pub(crate) fn new(text: &'a Normal, start: usize, key: &'a str) -> Self {
        Self { text, start, key }
    }

    /// The score of a match of `rule` at this place; 0 drops it.
    pub(crate) fn score(&self, rule: &CompiledRule) -> u16 {
        if rule.context.is_empty() && rule.negative.is_empty() {
            return rule.score_bp;
        }
        let window = self.window(REACH);
        let near = window.get(window.len().saturating_sub(NEAR)..).unwrap_or_default();
        if rule.negative.iter().any(|word| contains_word(near, word.as_bytes())) {
            return 0;
        }
        let found = |word: &String| contains_word(&window, word.as_bytes()) || (!self.key.is_empty() && self.key.contains(word.as_str()));
        if rule.context.iter().any(found) { rule.context_bp.max(rule.score_bp) } else { rule.score_bp }
    }

    fn window(&self, reach: usize) -> Vec<u8> {
        self.text.slice(self.start.saturating_sub(reach), self.start).to_ascii_lowercase()
    }
}

/// Whether `word` occurs in `text` as a whole word: letters do not touch it. Digits and `_` may, as in `phone_1`.
fn contains_word(text: &[u8], word: &[u8]) -> bool {
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| memchr::memmem::find(rest, word)) {
        let (start, end) = (from + at, from + at + word.len());
        let touches = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
        let inside = start.checked_sub(1).is_some_and(|before| touches(text.get(before)));
        if !inside && !touches(text.get(end)) {
            return true;
        }
        from = start + 1;
    }
    false
}
