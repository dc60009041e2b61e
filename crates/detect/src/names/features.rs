//! What the tagger sees of a token: rows of the weights, one for each feature. They are part of the model's format.

use super::gazetteer::{COMMON, JOB};
use super::hash::{finish, lower_char, mix};
use super::tokens::{GLUED, LINE, Token};
use super::{Kind, Tag};
use crate::normal::Normal;

/// How many tokens after the current one are seen.
pub(crate) const AHEAD: usize = 2;
/// How many tokens before it are seen.
pub(crate) const BEHIND: usize = 2;
/// Tokens in sight.
pub(crate) const SIGHT: usize = BEHIND + 1 + AHEAD;

/// What was decided before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct History {
    /// Tag of the token before.
    pub(crate) tag: Tag,
    /// Tag of the one before that.
    pub(crate) tag_before: Tag,
    /// Tokens of the open name.
    pub(crate) length: u8,
    /// The last name that was left.
    pub(crate) kind: Option<Kind>,
    /// Tokens since then.
    pub(crate) since: u8,
    /// Tokens since the line began.
    pub(crate) column: u8,
    /// How much of what came before looks like code: a mean that fades, of 255.
    pub(crate) code: u8,
}

impl History {
    pub(crate) const START: Self = Self { tag: Tag::NONE, tag_before: Tag::NONE, length: 0, kind: None, since: 255, column: 0, code: 0 };

    /// Comes to a token.
    #[inline]
    pub(crate) fn enter(&mut self, token: &Token) {
        self.column = if token.gap >= LINE { 0 } else { self.column.saturating_add(1) };
        self.code = self.code - self.code / 16 + if token.is_code() { 15 } else { 0 };
    }

    /// Leaves a token.
    #[inline]
    pub(crate) fn leave(&mut self, tag: Tag) {
        match self.tag.kind() {
            Some(kind) if !tag.is_inside() => (self.kind, self.since) = (Some(kind), 0),
            _ => self.since = self.since.saturating_add(1),
        }
        self.length = match tag.kind() {
            Some(_) if tag.is_inside() => self.length.saturating_add(1),
            Some(_) => 1,
            None => 0,
        };
        (self.tag_before, self.tag) = (self.tag, tag);
    }
}

/// Rows of the weights.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    kept: [u32; MOST],
    count: usize,
    shift: u32,
}

/// Most features of a token.
const MOST: usize = 80;

impl Rows {
    pub(crate) fn new(bits: u32) -> Self {
        Self { kept: [0; MOST], count: 0, shift: 64 - bits }
    }

    pub(crate) fn get(&self) -> &[u32] {
        self.kept.get(..self.count).unwrap_or_default()
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "at most 32 bits are left after the shift")]
    fn add(&mut self, feature: u64, value: u64) {
        if let Some(slot) = self.kept.get_mut(self.count) {
            *slot = (finish(mix(feature.wrapping_mul(0xD6E8_FEB8_6659_FD93), value)) >> self.shift) as u32;
            self.count += 1;
        }
    }
}

/// Small numbers packed into one.
#[inline]
fn pack<const N: usize>(parts: [u64; N]) -> u64 {
    parts.iter().fold(1, |all, part| mix(all, *part))
}

/// How many features at the start are about words, so that training can hide some of them; they come first.
pub(crate) const LEXICAL: usize = 23;

/// The features of the token in the middle.
pub(crate) fn rows(sight: &[Token; SIGHT], history: History, text: &Normal, out: &mut Rows) {
    out.count = 0;
    let [_, _, c, _, _] = sight;
    let ends = Ends::of(text.slice(c.start, c.end));
    words(sight, history, &ends, out);
    looks(sight, history, &ends, out);
    lists(sight, history, out);
}

/// What a tag and a shape are as numbers.
#[inline]
fn shape(token: &Token) -> u64 {
    let length = (token.end - token.start).min(4) as u64;
    token.shape as u64 | length << 8
}

fn words([p2, p1, c, n1, n2]: &[Token; SIGHT], history: History, ends: &Ends, out: &mut Rows) {
    let tag = u64::from(history.tag.0);
    let plain = c.shape as u64;
    out.add(1, c.lower);
    out.add(2, mix(c.lower, plain));
    out.add(3, p1.lower);
    out.add(4, n1.lower);
    out.add(5, p2.lower);
    out.add(6, n2.lower);
    out.add(7, mix(p1.lower, c.lower));
    out.add(8, mix(c.lower, n1.lower));
    out.add(9, mix(p2.lower, p1.lower));
    out.add(10, mix(n1.lower, n2.lower));
    out.add(11, mix(p1.lower, n1.lower));
    out.add(12, pack([tag, c.lower]));
    out.add(13, pack([tag, p1.lower]));
    out.add(14, pack([p1.lower, plain]));
    out.add(15, pack([p1.lower, u64::from(c.lists)]));
    out.add(16, pack([p2.lower, p1.lower, plain]));
    out.add(17, pack([plain, n1.lower]));
    out.add(18, pack([u64::from(c.lists), n1.lower]));
    out.add(19, pack([tag, p1.lower, plain]));
    out.add(20, pack([tag, plain, n1.lower]));
    out.add(21, pack([p2.lower, p1.lower, tag, u64::from(c.lists)]));
    out.add(22, pack([ends.suffixes[2], n1.lower]));
    out.add(23, pack([ends.suffixes[2], p1.lower]));
}

fn looks([p2, p1, c, n1, n2]: &[Token; SIGHT], history: History, ends: &Ends, out: &mut Rows) {
    let (tag, before) = (u64::from(history.tag.0), u64::from(history.tag_before.0));
    let (here, plain, gap) = (shape(c), c.shape as u64, u64::from(c.gap));
    out.add(30, 0);
    out.add(31, pack([here, gap]));
    out.add(32, pack([shape(p1), here, gap]));
    out.add(33, pack([here, shape(n1), u64::from(n1.gap)]));
    out.add(34, pack([p1.shape as u64, plain, n1.shape as u64]));
    out.add(35, pack([p2.shape as u64, p1.shape as u64, plain]));
    out.add(36, pack([plain, n1.shape as u64, n2.shape as u64]));
    for (index, value) in (37..).zip(ends.prefixes) {
        out.add(index, value);
    }
    for (index, value) in (40..).zip(ends.suffixes) {
        out.add(index, value);
    }
    out.add(44, pack([tag, before]));
    out.add(45, pack([tag, here, gap]));
    out.add(46, pack([tag, plain, n1.shape as u64, u64::from(n1.gap)]));
    out.add(47, pack([tag, before, plain]));
    out.add(48, pack([tag, ends.suffixes[2]]));
    out.add(49, pack([u64::from(c.gap == GLUED), u64::from(n1.gap == GLUED), plain, p1.lower * u64::from(p1.shape as u8 == 2)]));
    out.add(50, pack([tag, u64::from(history.length.min(6)), plain]));
    out.add(51, pack([u64::from(history.column.min(4)), plain, u64::from(n1.gap)]));
    let since = match history.since {
        0..=3 => history.since,
        4..=6 => 4,
        7..=12 => 5,
        _ => 6,
    };
    let kind = history.kind.map_or(9, |kind| kind as u64);
    out.add(52, pack([kind, u64::from(since), plain, tag]));
    let code = u64::from(history.code / 24);
    out.add(54, pack([code, here, u64::from(c.lists != 0)]));
    out.add(55, pack([code, tag, plain, u64::from(c.lists)]));
    out.add(56, pack([code, p1.shape as u64, plain, n1.shape as u64]));
    out.add(53, pack([n1.gap.into(), n2.gap.into(), n1.shape as u64, n2.shape as u64, plain]));
}

fn lists([p2, p1, c, n1, n2]: &[Token; SIGHT], history: History, out: &mut Rows) {
    let tag = u64::from(history.tag.0);
    let (here, plain) = (u64::from(c.lists), c.shape as u64);
    let next = u64::from(n1.lists);
    let before = u64::from(p1.lists);
    out.add(60, pack([here, plain]));
    out.add(61, pack([before, here]));
    out.add(62, pack([here, next]));
    out.add(63, pack([before, here, next]));
    out.add(64, pack([next, n1.shape as u64, plain]));
    out.add(65, pack([before, p1.shape as u64, plain]));
    out.add(66, pack([u64::from(n2.lists), n2.shape as u64, plain]));
    out.add(67, pack([tag, here, plain]));
    out.add(68, pack([tag, next, n1.shape as u64, plain]));
    out.add(69, pack([tag, before, here]));
    out.add(70, pack([u64::from(p2.lists), before, here]));
    let kinds = u64::from(c.lists & (COMMON | JOB));
    for bit in 0..16 {
        if c.lists & (1 << bit) != 0 {
            out.add(71, pack([bit, plain, kinds]));
        }
    }
}

/// Hashes of the first and last characters of a word in lower case.
struct Ends {
    prefixes: [u64; 3],
    suffixes: [u64; 4],
}

impl Ends {
    fn of(word: &[u8]) -> Self {
        let text = std::str::from_utf8(word).unwrap_or_default();
        let mut prefixes = [0; 3];
        let mut state = 7;
        // Two, three and four characters.
        for (index, c) in text.chars().take(4).enumerate() {
            state = mix(state, u64::from(u32::from(lower_char(c))));
            if let Some(slot) = index.checked_sub(1).and_then(|index| prefixes.get_mut(index)) {
                *slot = state;
            }
        }
        let mut suffixes = [0; 4];
        let mut state = 8;
        for (slot, c) in suffixes.iter_mut().zip(text.chars().rev()) {
            state = mix(state, u64::from(u32::from(lower_char(c))));
            *slot = state;
        }
        Self { prefixes, suffixes }
    }
}
