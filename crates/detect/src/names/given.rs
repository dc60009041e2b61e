//! Names that something else found in a whole text, such as an encoder that an operator installed.

use std::sync::Arc;

use super::Name;
use super::spans::longest;

/// Names with the places that they have in the normalised text. They take part in resolving overlaps as those of the built-in
/// recogniser do.
#[derive(Clone, Debug, Default)]
pub struct Given(Arc<[Name]>);

impl Given {
    /// Names found in a text as [`normalise`](crate::normalise) gives it. What is empty, longer than a name can be, or does not lie
    /// between characters of that text is left out.
    pub fn of(normalised: &str, names: impl IntoIterator<Item = Name>) -> Self {
        let good = |name: &Name| {
            let length = normalised.get(name.start..name.end).map_or(0, str::len);
            0 < length && length <= longest(name.kind)
        };
        let mut names: Vec<Name> = names.into_iter().filter(good).collect();
        names.sort_by_key(|name| (name.start, name.end, name.kind));
        // What is not reported yet is held back from the first of them on, so they must end in the order in which they begin.
        names.dedup_by(|after, before| after.start < before.end);
        Self(names.into())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn from(&self, next: usize) -> &[Name] {
        self.0.get(next..).unwrap_or_default()
    }
}
