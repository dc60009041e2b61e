//! The ways in which a value is written. Each is undone by hand in `decode`.

use bartizan_testkit::stats::Dice;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::fields::Expect;
use crate::values::{Kind, pick};

/// A way of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Plain,
    /// `\u0040`
    Json,
    /// `%40`
    Percent,
    /// `&#64;`
    Html,
    /// Base64 of the whole value, in either alphabet.
    Base64,
    /// `＠`
    Wide,
    /// With characters in it that nobody sees.
    Zero,
    /// A number literal.
    Number,
    /// Cut at every place.
    Split,
}

impl Encoding {
    /// Those that write a text; the other two have cells of their own.
    pub const TEXTS: [Self; 7] = [Self::Plain, Self::Json, Self::Percent, Self::Html, Self::Base64, Self::Wide, Self::Zero];

    /// As the table names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Json => "JSON-escaped",
            Self::Percent => "percent",
            Self::Html => "HTML entity",
            Self::Base64 => "base64",
            Self::Wide => "full-width",
            Self::Zero => "zero-width",
            Self::Number => "number",
            Self::Split => "split",
        }
    }

    /// The text that a reader of the JSON gets. JSON escapes are no part of it.
    pub fn write(self, value: &str, dice: &mut Dice) -> String {
        if self == Self::Base64 {
            return if dice.below(3) == 0 { URL_SAFE_NO_PAD.encode(value) } else { STANDARD.encode(value) };
        }
        let all = dice.below(3) == 0;
        let last = value.chars().count().saturating_sub(1);
        let write = |(at, c): (usize, char)| {
            let special = !c.is_ascii_alphanumeric() || matches!(c, '4' | '7');
            if !special && !all && dice.below(4) != 0 && at != last / 2 {
                return c.to_string();
            }
            let code = u32::from(c);
            match self {
                Self::Percent if dice.below(2) == 0 => format!("%{code:02X}"),
                Self::Percent => format!("%{code:02x}"),
                Self::Html if c == '@' && dice.below(2) == 0 => "&commat;".to_owned(),
                Self::Html => match dice.below(3) {
                    0 => format!("&#x{code:x};"),
                    1 => format!("&#{code:04};"),
                    _ => format!("&#{code};"),
                },
                Self::Wide => code.checked_add(0xfee0).and_then(char::from_u32).unwrap_or(c).to_string(),
                Self::Zero if at != last => {
                    let unseen = pick(dice, &['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{ad}']);
                    format!("{c}{}", unseen.copied().unwrap_or('\u{200b}'))
                }
                _ => c.to_string(),
            }
        };
        value.chars().enumerate().map(write).collect()
    }

    /// A text as it stands between the quotation marks of a JSON string.
    pub fn quoted(self, text: &str, dice: &mut Dice) -> String {
        if self != Self::Json {
            return quote(text);
        }
        let all = dice.below(3) == 0;
        let escape = |c: char| {
            let special = !c.is_ascii_alphanumeric() && c != ' ' || matches!(c, '4' | '7');
            if c.len_utf16() != 1 || !(special || all || dice.below(4) == 0) {
                return quote(&c.to_string());
            }
            match dice.below(2) {
                0 => format!("\\u{:04x}", u32::from(c)),
                _ => format!("\\u{:04X}", u32::from(c)),
            }
        };
        text.chars().map(escape).collect()
    }
}

/// A text between the quotation marks of a JSON string, with no more escapes than it needs.
pub fn quote(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned()
}

/// Number literals of a run of digits.
pub fn number(digits: &str, dice: &mut Dice) -> String {
    match dice.below(5) {
        0 => format!("-{digits}"),
        1 => format!("{digits}.25"),
        2 => format!("{digits}e0"),
        3 => digits.split_at_checked(1).map_or_else(String::new, |(first, rest)| format!("{first}.{rest}e{}", rest.len())),
        _ => digits.to_owned(),
    }
}

/// The reason why a cell does not apply, if it does not.
pub fn not_applicable(encoding: Encoding, kind: Kind, expect: Expect, is_key: bool) -> Option<&'static str> {
    let digits = matches!(kind, Kind::Card | Kind::Iban);
    match encoding {
        Encoding::Number if kind != Kind::Card || is_key => Some("not-digits"),
        _ if expect == Expect::Id && digits && encoding != Encoding::Base64 => Some("provider-id"),
        _ => None,
    }
}
