//! What may stand next to a finding. Three-valued: a right edge can need text that has not arrived.

use crate::chars::is_word;
use crate::normal::Normal;
use crate::rules::Edge;

/// The answer of a test that may have to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tri {
    Yes,
    No,
    NeedMore,
}

impl From<bool> for Tri {
    fn from(value: bool) -> Self {
        if value { Self::Yes } else { Self::No }
    }
}

/// The character that ends before `position`.
pub(crate) fn char_before(text: &Normal, position: usize) -> Option<char> {
    let last = text.before(position)?;
    if last.is_ascii() {
        return Some(char::from(last));
    }
    let window = text.slice(position.saturating_sub(4), position);
    let start = window.iter().rposition(|byte| byte & 0xC0 != 0x80)?;
    std::str::from_utf8(window.get(start..)?).ok()?.chars().next()
}

/// The character that begins at `position`.
pub(crate) fn char_at(text: &Normal, position: usize) -> Option<char> {
    let first = text.at(position)?;
    if first.is_ascii() {
        return Some(char::from(first));
    }
    let window = text.slice(position, position + 4);
    let end = window.iter().skip(1).position(|byte| byte & 0xC0 != 0x80).map_or(window.len(), |at| at + 1);
    std::str::from_utf8(window.get(..end)?).ok()?.chars().next()
}

fn is_pair(c: char) -> bool {
    matches!(c, ':' | '-' | '.')
}

fn is_run(c: char) -> bool {
    is_word(c) || matches!(c, '-' | '/' | '+' | '=')
}

fn ends_value(c: char) -> bool {
    c.is_whitespace() || "\"'`<>,;(){}[]|\\&".contains(c) || !c.is_ascii()
}

/// The left edges of one place, each looked at once.
pub(crate) struct Lefts<'a> {
    text: &'a Normal,
    start: usize,
    before: Option<char>,
    /// Bits of the edges that were looked at, and of those that fit.
    known: u16,
    fit: u16,
}

impl<'a> Lefts<'a> {
    pub(crate) fn new(text: &'a Normal, start: usize) -> Self {
        Self { text, start, before: char_before(text, start), known: 0, fit: 0 }
    }

    /// Whether a finding with this edge may begin here.
    #[inline]
    pub(crate) fn fit(&mut self, edge: Edge) -> bool {
        let bit = 1 << edge as u16;
        if self.known & bit == 0 {
            self.known |= bit;
            if edge.left_of(self.before, self.text, self.start) {
                self.fit |= bit;
            }
        }
        self.fit & bit != 0
    }
}

impl Edge {
    /// Whether a finding may begin at `start`.
    pub(crate) fn left(self, text: &Normal, start: usize) -> bool {
        self.left_of(char_before(text, start), text, start)
    }

    /// The same where the character before `start` is known.
    fn left_of(self, before: Option<char>, text: &Normal, start: usize) -> bool {
        let Some(c) = before else { return true };
        self.left_by(c).unwrap_or_else(|| {
            let further = start.checked_sub(2).and_then(|at| text.at(at));
            if self != Self::Pairs {
                return !further.is_some_and(|byte| byte.is_ascii_digit());
            }
            // A word and a colon, as in `mac:00:1a…`, are no pair.
            let pair = !text.at(start.wrapping_sub(4)).is_some_and(|byte| byte.is_ascii_alphanumeric());
            !(pair && further.is_some_and(|byte| byte.is_ascii_hexdigit()))
        })
    }

    /// The same by the character before, where it alone decides that.
    pub(crate) fn left_by(self, c: char) -> Option<bool> {
        match self {
            Self::Any | Self::At | Self::Value | Self::Quoted => Some(true),
            Self::Alnum => Some(c == '_' || !is_word(c)),
            Self::Pairs if is_pair(c) => None,
            Self::Run | Self::Base64 => Some(c == '=' || c == '/' || !is_run(c)),
            Self::Number | Self::Group | Self::Dotted | Self::Digit if c == '.' || c == '-' && self != Self::Dotted => None,
            Self::Digit => Some(!c.is_ascii_digit()),
            Self::Word | Self::Pairs | Self::Number | Self::Group | Self::Dotted => Some(!is_word(c)),
        }
    }

    /// Whether a finding from `start` on may end at `end`; `last` says that nothing follows the text at hand.
    pub(crate) fn right(self, text: &Normal, start: usize, end: usize, last: bool) -> Tri {
        if self == Self::Any {
            return Tri::Yes;
        }
        let Some(c) = char_at(text, end) else {
            let bare = self != Self::At && (self != Self::Quoted || start == 0);
            return if last { Tri::from(bare) } else { Tri::NeedMore };
        };
        match self {
            Self::Any => Tri::Yes,
            Self::At => Tri::from(c == '@'),
            Self::Quoted => Tri::from(char_before(text, start) == Some(c)),
            Self::Value if matches!(c, '.' | ':' | '!' | '?') => match char_at(text, end + 1) {
                Some(c) => Tri::from(ends_value(c)),
                None if last => Tri::Yes,
                None => Tri::NeedMore,
            },
            // `hashlib.sha256(` is a call.
            Self::Value if c == '(' => {
                Tri::from(!text.slice(start, end).iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.:".contains(byte)))
            }
            Self::Value => Tri::from(ends_value(c)),
            Self::Alnum => Tri::from(c == '_' || !is_word(c)),
            Self::Run => Tri::from(!is_run(c)),
            Self::Base64 => Tri::from(c == '=' || !is_run(c)),
            Self::Number | Self::Group | Self::Dotted | Self::Digit
                if c == '.' || c == '-' && self != Self::Dotted || (self == Self::Group && c == ' ') =>
            {
                match text.at(end + 1) {
                    Some(byte) => Tri::from(!byte.is_ascii_digit()),
                    None if last => Tri::Yes,
                    None => Tri::NeedMore,
                }
            }
            Self::Pairs if is_pair(c) => match text.at(end + 1) {
                Some(byte) => Tri::from(!byte.is_ascii_hexdigit()),
                None if last => Tri::Yes,
                None => Tri::NeedMore,
            },
            Self::Word | Self::Number | Self::Group | Self::Dotted | Self::Digit | Self::Pairs => Tri::from(!is_word(c)),
        }
    }
}
