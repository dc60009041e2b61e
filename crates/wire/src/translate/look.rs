//! Looking at a body through its tape: values with their place, so that what cannot be translated can be named.

use std::borrow::Cow;

use super::{Garbage, TranslateError};
use crate::Family;
use crate::json::{JsonLimits, Node, NodeId, NodeKind, Tape};

/// Longest name of a field in a sentence.
const NAME: usize = 64;
/// No request has used so many tokens.
const MOST_TOKENS: u64 = 100_000_000;

/// A value of a body.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    tape: &'a Tape,
    bytes: &'a [u8],
    id: NodeId,
    pub(super) limits: &'a JsonLimits,
    /// The format that is translated to: sentences name it.
    pub(super) to: Family,
}

/// The members of an object of a request, each at most once.
pub(super) struct Fields<'a> {
    names: &'static [&'static str],
    values: Vec<Option<Look<'a>>>,
}

impl<'a> Look<'a> {
    pub(super) fn root(tape: &'a Tape, bytes: &'a [u8], limits: &'a JsonLimits, to: Family) -> Self {
        Self { tape, bytes, id: 0, limits, to }
    }

    fn at(self, id: NodeId) -> Self {
        Self { id, ..self }
    }

    fn node(self) -> Option<&'a Node> {
        self.tape.node(self.id)
    }

    pub(super) fn is(self, kind: NodeKind) -> bool {
        self.node().is_some_and(|node| node.kind == kind)
    }

    pub(super) fn is_null(self) -> bool {
        self.is(NodeKind::Null)
    }

    /// The text of a string; nothing of anything else.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        self.is(NodeKind::String).then(|| self.tape.text(self.bytes, self.id))
    }

    /// Whether it is this string.
    pub(super) fn says(self, word: &str) -> bool {
        self.is(NodeKind::String) && self.tape.says(self.bytes, self.id, word)
    }

    /// All of its bytes: JSON that stands for itself.
    pub(super) fn raw(self) -> &'a str {
        let bytes = self.node().and_then(|node| self.bytes.get(node.outer())).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// A type of media, as one word: it is put into URLs.
    pub(super) fn mime(self) -> Result<Cow<'a, str>, TranslateError> {
        self.string().and_then(|mime| if is_mime(&mime) { Ok(mime) } else { Err(self.must_be("a media type")) })
    }

    /// A number that is not negative and has no fraction.
    pub(super) fn count(self) -> Option<u64> {
        self.raw().parse().ok().filter(|_| self.is(NodeKind::Number))
    }

    /// A number of tokens. Larger ones are none that a model has used: sums with them would tell what they are, past whoever looks for it.
    pub(super) fn tokens(self) -> Option<u64> {
        self.count().filter(|count| *count < MOST_TOKENS)
    }

    /// The values in an array; none in anything else.
    pub(super) fn items(self) -> impl Iterator<Item = Self> {
        let id = if self.is(NodeKind::Array) { self.id } else { NodeId::MAX };
        self.tape.members(id).map(move |(id, _)| self.at(id))
    }

    /// The values of what must be an array in an answer.
    pub(super) fn each(self) -> Result<impl Iterator<Item = Self>, Garbage> {
        if self.is(NodeKind::Array) { Ok(self.items()) } else { Err(Garbage::NotAnAnswer) }
    }

    /// The members of an object with their names; none of anything else.
    pub(super) fn members(self) -> impl Iterator<Item = (Cow<'a, str>, Self)> {
        let id = if self.is(NodeKind::Object) { self.id } else { NodeId::MAX };
        self.tape.members(id).map(move |(id, node)| (self.tape.text(self.bytes, node.slot), self.at(id)))
    }

    /// A member of an answer's object that is not null. Of several the last.
    pub(super) fn get(self, name: &str) -> Option<Self> {
        self.tape.member(self.bytes, self.id, name).map(|id| self.at(id)).filter(|value| !value.is_null())
    }

    /// The members of a request's object. Null says nothing; what is not named is refused, and what comes twice.
    pub(super) fn fields(self, names: &'static [&'static str]) -> Result<Fields<'a>, TranslateError> {
        self.fields_as(names, |known, name| known == name)
    }

    /// The same of Google's, which has two spellings for each.
    pub(super) fn fields_of_google(self, names: &'static [&'static str]) -> Result<Fields<'a>, TranslateError> {
        self.fields_as(names, |known, name| known == name || is_snake(known, name))
    }

    fn fields_as(self, names: &'static [&'static str], is: impl Fn(&str, &str) -> bool) -> Result<Fields<'a>, TranslateError> {
        if !self.is(NodeKind::Object) {
            return Err(self.must_be("an object"));
        }
        let mut values = vec![None; names.len()];
        for (name, value) in self.members().filter(|(_, value)| !value.is_null()) {
            let slot = names.iter().position(|known| is(known, &name)).and_then(|at| values.get_mut(at));
            let slot = slot.ok_or_else(|| value.refused())?;
            if slot.replace(value).is_some() {
                return Err(value.wrong("occurs more than once"));
            }
        }
        Ok(Fields { names, values })
    }

    pub(super) fn string(self) -> Result<Cow<'a, str>, TranslateError> {
        self.text().ok_or_else(|| self.must_be("a string"))
    }

    pub(super) fn list(self) -> Result<impl Iterator<Item = Self>, TranslateError> {
        if self.is(NodeKind::Array) { Ok(self.items()) } else { Err(self.must_be("a list")) }
    }

    pub(super) fn flag(self) -> Result<bool, TranslateError> {
        match self.node().map(|node| node.kind) {
            Some(NodeKind::True) => Ok(true),
            Some(NodeKind::False) => Ok(false),
            _ => Err(self.must_be("`true` or `false`")),
        }
    }

    pub(super) fn number(self) -> Result<&'a str, TranslateError> {
        if self.is(NodeKind::Number) { Ok(self.raw()) } else { Err(self.must_be("a number")) }
    }

    /// A whole number, which some clients write with a fraction of zero.
    pub(super) fn whole(self) -> Result<&'a str, TranslateError> {
        let digits = self.number()?;
        let digits = digits.strip_suffix(".0").unwrap_or(digits);
        let plain = digits.strip_prefix('-').unwrap_or(digits).bytes().all(|byte| byte.is_ascii_digit());
        if plain { Ok(digits) } else { Err(self.must_be("a whole number")) }
    }

    /// An object as it stands.
    pub(super) fn object(self) -> Result<&'a str, TranslateError> {
        if self.is(NodeKind::Object) { Ok(self.raw()) } else { Err(self.must_be("an object")) }
    }

    /// Where it stands, as people write it: `messages[2].content[0].type`.
    fn place(self) -> String {
        let mut parts = Vec::new();
        let mut id = self.id;
        while let Some(node) = self.tape.node(id).filter(|node| node.parent != id) {
            let in_object = self.tape.node(node.parent).is_some_and(|parent| parent.kind == NodeKind::Object);
            parts.push(if in_object { self.shown(node.slot) } else { format!("[{}]", node.slot) });
            id = node.parent;
        }
        let mut place = String::new();
        for part in parts.iter().rev() {
            if !part.starts_with('[') && !place.is_empty() {
                place.push('.');
            }
            place.push_str(part);
        }
        if place.is_empty() { "the body".to_owned() } else { place }
    }

    /// A key, if it looks like the name of a field.
    fn shown(self, key: NodeId) -> String {
        let name = self.tape.text(self.bytes, key);
        let plain = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b'$');
        if !name.is_empty() && name.len() <= NAME && name.bytes().all(plain) { name.into_owned() } else { "<field>".to_owned() }
    }

    /// It has no place in the other format.
    pub(super) fn refused(self) -> TranslateError {
        TranslateError::Inexpressible { field: self.place(), format: self.to.word() }
    }

    pub(super) fn must_be(self, what: &'static str) -> TranslateError {
        TranslateError::Type { field: self.place(), what }
    }

    pub(super) fn wrong(self, why: &'static str) -> TranslateError {
        TranslateError::Wrong { field: self.place(), why }
    }
}

impl<'a> Fields<'a> {
    /// The member of this name, which must be one of those that were asked for.
    pub(super) fn get(&self, name: &str) -> Option<Look<'a>> {
        debug_assert!(self.names.contains(&name), "`{name}` was not asked for");
        let at = self.names.iter().position(|known| *known == name)?;
        self.values.get(at).copied().flatten()
    }

    /// Refuses members that are there and may not be.
    pub(super) fn none_of(&self, names: &[&str]) -> Result<(), TranslateError> {
        match names.iter().find_map(|name| self.get(name)) {
            Some(value) => Err(value.refused()),
            None => Ok(()),
        }
    }
}

/// Whether `name` is `known` with underscores: `system_instruction` for `systemInstruction`, and nothing else. What the guards know by
/// its name must not have a second one here.
fn is_snake(known: &str, name: &str) -> bool {
    let before = |char: char| char.is_ascii_uppercase().then_some('_');
    known.chars().flat_map(|char| before(char).into_iter().chain([char.to_ascii_lowercase()])).eq(name.chars())
}

/// Whether a text is a type of media and nothing else.
pub(super) fn is_mime(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'/' | b'-'))
}

/// Cuts a text in two behind `at` bytes, without copying what is borrowed.
pub(super) fn tail(text: Cow<'_, str>, at: usize) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(at..).unwrap_or_default()),
        Cow::Owned(mut text) => {
            text.drain(..text.floor_char_boundary(at.min(text.len())));
            Cow::Owned(text)
        }
    }
}
