//! Words that policies compare facts with. A misspelt one is no error to Cedar: the policy is good, and never fires. So whoever loads a
//! set says which words there are, and any other is a mistake.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::compile::{path, set_field};
use crate::condition::SetField;
use crate::diagnose::nearest;
use crate::facts::{TrainingUse, UNINSPECTED};

/// The words that can occur in facts. Plain data, because what can be found and served is known elsewhere.
#[derive(Clone, Debug, Default)]
pub struct KnownWords {
    /// Labels; their parents are known with them.
    pub labels: Vec<String>,
    /// Beginnings, such as `custom.`, of labels that may be anything.
    pub open: Vec<String>,
    /// Kinds of content that cannot be read.
    pub uninspected: Vec<String>,
    /// Routes such as `POST /v1/messages`.
    pub routes: Vec<String>,
    /// Names of guards.
    pub guards: Vec<String>,
}

/// What a word is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Label,
    Uninspected,
    Route,
    Guard,
    Direction,
    TrainingUse,
}

/// A word that nothing can be equal to: the word, what is wrong, what to do.
pub(crate) struct Unknown {
    pub word: String,
    pub message: String,
    pub help: String,
}

/// Words in a policy's scope and conditions, in Cedar's JSON form, that no facts can hold.
pub(crate) fn unknown_in(policy: &Value, known: &KnownWords) -> Vec<Unknown> {
    let mut words = Vec::new();
    collect(policy, &mut words);
    words.into_iter().filter_map(|(kind, word)| known.reject(kind, word)).collect()
}

/// The labels in a policy's conditions, in Cedar's JSON form.
pub(crate) fn labels_in(policy: &Value) -> BTreeSet<String> {
    let mut words = Vec::new();
    collect(policy, &mut words);
    words.into_iter().filter(|(kind, _)| *kind == Kind::Label).map(|(_, word)| word.to_owned()).collect()
}

fn collect<'a>(expr: &'a Value, words: &mut Vec<(Kind, &'a str)>) {
    match expr {
        Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
        Value::Object(fields) => {
            if let (Some(left), Some(right)) = (fields.get("left"), fields.get("right")) {
                for (fact, other) in [(left, right), (right, left)] {
                    if let Some(kind) = kind(fact) {
                        strings(other, kind, words);
                    }
                }
            }
            if let (Some("Route"), Some(id)) = (fields.get("type").and_then(Value::as_str), fields.get("id").and_then(Value::as_str)) {
                words.push((Kind::Route, id));
            }
            fields.values().for_each(|value| collect(value, words));
        }
        _ => {}
    }
}

/// What is known of the words that this part of the facts holds.
fn kind(expr: &Value) -> Option<Kind> {
    match set_field(expr) {
        Some(SetField::Labels(_) | SetField::Remedied) => Some(Kind::Label),
        Some(SetField::Uninspected) => Some(Kind::Uninspected),
        Some(SetField::Guards(_)) => Some(Kind::Guard),
        Some(SetField::Tools) => None,
        None => match path(expr)?.as_slice() {
            ["route"] => Some(Kind::Route),
            ["direction"] => Some(Kind::Direction),
            ["provider", "training_use"] => Some(Kind::TrainingUse),
            _ => None,
        },
    }
}

/// A literal, or the literals of a set.
fn strings<'a>(expr: &'a Value, kind: Kind, words: &mut Vec<(Kind, &'a str)>) {
    if let Some(word) = expr.get("Value").and_then(Value::as_str) {
        words.push((kind, word));
    }
    expr.get("Set").and_then(Value::as_array).into_iter().flatten().for_each(|item| strings(item, kind, words));
}

/// The word itself, then its dotted parents.
fn with_parents(word: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(word), |word| word.rsplit_once('.').map(|(parent, _)| parent))
}

impl KnownWords {
    fn is_open(&self, word: &str) -> bool {
        self.open.iter().any(|open| word.starts_with(open.as_str()) || open.strip_suffix('.') == Some(word))
    }

    fn has_below(&self, parent: &str) -> bool {
        self.labels.iter().any(|label| label.strip_prefix(parent).is_some_and(|rest| rest.starts_with('.')))
    }

    fn is_label(&self, word: &str) -> bool {
        let is_uninspected = || match word.strip_prefix(UNINSPECTED) {
            Some(kind) => self.uninspected.iter().any(|known| known == kind),
            None => UNINSPECTED.strip_suffix('.') == Some(word),
        };
        self.is_open(word) || self.labels.iter().any(|label| label == word) || self.has_below(word) || is_uninspected()
    }

    fn words(&self, kind: Kind) -> Vec<&str> {
        match kind {
            Kind::Label => self.labels.iter().flat_map(|label| with_parents(label)).collect(),
            Kind::Uninspected => self.uninspected.iter().map(String::as_str).collect(),
            Kind::Route => self.routes.iter().map(String::as_str).collect(),
            Kind::Guard => self.guards.iter().map(String::as_str).collect(),
            Kind::Direction => vec!["request", "response"],
            Kind::TrainingUse => TrainingUse::ALL.map(TrainingUse::as_str).to_vec(),
        }
    }

    /// `None` for a good word. Globs are another mistake, reported elsewhere.
    fn reject(&self, kind: Kind, word: &str) -> Option<Unknown> {
        let words = self.words(kind);
        let is_good = if kind == Kind::Label { word.contains('*') || self.is_label(word) } else { words.contains(&word) };
        if is_good {
            return None;
        }
        let what = match kind {
            Kind::Label => "nothing has the label",
            Kind::Uninspected => "there is no kind of uninspected content",
            Kind::Route => "there is no route",
            Kind::Guard => "there is no guard",
            Kind::Direction => "there is no direction",
            Kind::TrainingUse => "no provider has the training use",
        };
        let help = nearest(word, &words).map_or_else(|| self.all_of(kind, &words), |near| format!("did you mean `{near}`?"));
        Some(Unknown { word: word.to_owned(), message: format!("{what} `{word}`: the policy would never match"), help })
    }

    /// One pattern of `@labels`.
    pub(crate) fn reject_pattern(&self, pattern: &str) -> Option<Unknown> {
        let words = self.words(Kind::Label);
        let unknown = |message: String, help: String| Some(Unknown { word: pattern.to_owned(), message, help });
        let message = format!("nothing has a label such as `{pattern}`: nothing would be edited");
        match pattern.strip_suffix('*') {
            Some("") => None,
            Some(beginning) => {
                let parent = beginning.trim_end_matches('.');
                if self.has_below(parent) || self.is_open(beginning) {
                    return None;
                }
                let near = nearest(parent, &words);
                let glob =
                    |near: &str| if self.has_below(near) { format!("did you mean `{near}.*`?") } else { format!("did you mean `{near}`?") };
                unknown(message, near.map_or_else(|| self.all_of(Kind::Label, &words), glob))
            }
            None if self.labels.iter().any(|label| label == pattern) || self.open.iter().any(|open| pattern.starts_with(open.as_str())) => {
                None
            }
            None if self.has_below(pattern) => {
                unknown(format!("`{pattern}` is a family of labels, no finding has it itself"), format!("write `{pattern}.*`"))
            }
            None => {
                let near = nearest(pattern, &words);
                unknown(message, near.map_or_else(|| self.all_of(Kind::Label, &words), |near| format!("did you mean `{near}`?")))
            }
        }
    }

    fn all_of(&self, kind: Kind, words: &[&str]) -> String {
        if kind == Kind::Label {
            let open: Vec<String> = self.open.iter().map(|open| format!("`{open}`")).collect();
            return format!("`bartizan detect --labels` lists what can be found; labels of your own begin with {}", open.join(" or "));
        }
        format!("known are {}", words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "))
    }
}
