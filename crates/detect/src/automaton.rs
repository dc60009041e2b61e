//! Patterns as tables of states: what runs at an anchor. How a table is made from a pattern is in `determinise`.
//!
//! A table holds the 256 classes of bytes and then, for each state and class, the next state as two bytes. Nothing in it has to
//! be read or checked before it is used, so a table that is part of the program costs nothing at the start.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A state; the accepting ones have the highest numbers.
pub(crate) type State = u16;

/// Nothing can match any more.
pub(crate) const DEAD: State = 0;

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bytes([u64; 4]);

impl Bytes {
    pub(crate) fn of(is_in: impl Fn(u8) -> bool) -> Self {
        let mut bytes = Self::default();
        for byte in (0..=u8::MAX).filter(|byte| is_in(*byte)) {
            if let Some(word) = bytes.0.get_mut(usize::from(byte / 64)) {
                *word |= 1 << (byte % 64);
            }
        }
        bytes
    }

    #[inline]
    pub(crate) fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte / 64)).is_some_and(|word| word >> (byte % 64) & 1 != 0)
    }

    pub(crate) fn or(self, other: Self) -> Self {
        let mut both = self;
        for (word, more) in both.0.iter_mut().zip(other.0) {
            *word |= more;
        }
        both
    }
}

/// An automaton without its table.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Shape {
    /// Where its table begins among all tables.
    pub(crate) at: usize,
    /// Bytes of its table.
    pub(crate) length: usize,
    /// How many classes of bytes there are.
    pub(crate) stride: usize,
    pub(crate) start: State,
    /// The first accepting state.
    pub(crate) accepting: State,
    /// Which of `sets` each accepting state accepts.
    pub(crate) accepts: Vec<u16>,
    /// Sets of patterns.
    pub(crate) sets: Vec<Vec<u16>>,
}

/// An automaton, run from its start at a place of a text; its state says which patterns end there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Automaton {
    pub(crate) shape: Shape,
    pub(crate) table: Cow<'static, [u8]>,
}

/// A table at hand.
pub(crate) struct Table<'a> {
    classes: &'a [u8; 256],
    next: &'a [[u8; 2]],
    stride: usize,
    accepting: State,
}

impl Automaton {
    pub(crate) fn start(&self) -> State {
        self.shape.start
    }

    /// The table; `None` when there is none, which loading excludes.
    #[inline]
    pub(crate) fn table(&self) -> Option<Table<'_>> {
        let (classes, next) = self.table.split_first_chunk::<256>()?;
        Some(Table { classes, next: next.as_chunks().0, stride: self.shape.stride, accepting: self.shape.accepting })
    }

    /// The set of patterns that end in an accepting state, by its number.
    #[inline]
    pub(crate) fn set(&self, state: State) -> Option<u16> {
        state.checked_sub(self.shape.accepting).and_then(|at| self.shape.accepts.get(usize::from(at))).copied()
    }

    /// The patterns of a set, in order.
    pub(crate) fn patterns(&self, set: u16) -> &[u16] {
        self.shape.sets.get(usize::from(set)).map_or(&[], Vec::as_slice)
    }

    /// The bytes after which something can still match, from any of these states.
    pub(crate) fn goes_on(&self, states: &[State]) -> Bytes {
        let Some(table) = self.table() else { return Bytes::default() };
        Bytes::of(|byte| states.iter().any(|state| table.next(*state, byte) != DEAD))
    }

    /// The states that follow a state.
    pub(crate) fn neighbours(&self, state: State) -> Vec<State> {
        let Some(table) = self.table() else { return Vec::new() };
        let from = usize::from(state) * table.stride;
        let row = table.next.get(from..from + table.stride).unwrap_or_default();
        let mut next: Vec<State> = row.iter().map(|next| State::from_le_bytes(*next)).filter(|next| *next != DEAD).collect();
        next.sort_unstable();
        next.dedup();
        next
    }

    /// Whether it matches where it starts.
    pub(crate) fn matches_nothing(&self) -> bool {
        self.shape.start >= self.shape.accepting
    }
}

impl Table<'_> {
    /// The state after one more byte.
    #[inline]
    pub(crate) fn next(&self, state: State, byte: u8) -> State {
        let class = self.classes.get(usize::from(byte)).copied().unwrap_or_default();
        let at = usize::from(state) * self.stride + usize::from(class);
        self.next.get(at).map_or(DEAD, |next| State::from_le_bytes(*next))
    }

    #[inline]
    pub(crate) fn is_accepting(&self, state: State) -> bool {
        state >= self.accepting
    }
}
