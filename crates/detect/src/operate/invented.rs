//! Invented values of one exchange, whose texts come one after the other.

use std::collections::{HashMap, HashSet};

use bartizan_vocabulary::{Hidden, Label};

use super::surrogate::Inventor;
use crate::mint::canonical;

/// A value in the form that all ways to write it share, with its label.
type Known = (Label, Hidden<String>);

/// Most values of one exchange: an answer may stream without end, and each is remembered. What comes after them has no stand-in.
const MOST: usize = 100_000;

/// Invented values: the same value has the same one, and two values have two. A value that was invented here stands for itself, so that
/// what a model repeats, and a caller sends again, does not change with every turn.
#[derive(Clone, Debug)]
pub struct Invented {
    key: Hidden<[u8; 32]>,
    made: HashMap<Known, String>,
    used: HashSet<Known>,
    inventor: Inventor,
}

impl Invented {
    /// Nothing is invented yet. Under the same key the same values give the same.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key: Hidden::new(key), made: HashMap::new(), used: HashSet::new(), inventor: Inventor::default() }
    }

    /// What stands for a value; `None` where its label has no form that could be kept, or none is free.
    pub fn stand_in(&mut self, label: &Label, value: &str) -> Option<String> {
        let known = (label.clone(), Hidden::new(canonical(label.as_str(), value)));
        if let Some(made) = self.made.get(&known) {
            return Some(made.clone());
        }
        if self.used.contains(&known) {
            return Some(value.to_owned());
        }
        if self.made.len() >= MOST {
            return None;
        }
        let of = |candidate: &str| (label.clone(), Hidden::new(canonical(label.as_str(), candidate)));
        let taken = |candidate: &str| {
            let candidate = of(candidate);
            candidate == known || self.used.contains(&candidate) || self.made.contains_key(&candidate)
        };
        let made = self.inventor.invent((label.as_str(), value, known.1.reveal()), self.key.reveal(), &taken)?;
        self.used.insert(of(&made));
        self.made.insert(known, made.clone());
        Some(made)
    }
}
